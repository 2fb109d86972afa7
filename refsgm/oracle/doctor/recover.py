"""Recovered coefficients: a sum of known terms taken apart, as it is and as it should be.

    got = sum_k a_k term_k,    want = sum_k c_k right_term_k

Terms of the whole result, of the point at which a function is called, and of one step of a loop
are all recovered here, and compared by the engines that know what they mean.
"""

from typing import NamedTuple

import numpy as np

from .powers import Degenerate, coefficients


class Sample(NamedTuple):
    """One sum to take apart; `got` is None where the right side alone is asked for.

    got, want             values (N,)
    terms, right_terms    name -> (N,), the same names in the same order
    slack, right_slack    absolute error allowed to each value (N,)
    quantities            name -> number, at this sample
    """

    got: np.ndarray | None
    want: np.ndarray
    terms: dict
    right_terms: dict
    slack: np.ndarray
    right_slack: np.ndarray
    quantities: dict


class Recovered(NamedTuple):
    """Coefficients of R samples: got, want and slack are term -> (R,), quantities name -> (R,)."""

    got: dict
    want: dict
    slack: dict
    quantities: dict


def recover(samples, every=False):
    """The `Recovered` coefficients of an iterable of `Sample`, or None if one of them is no sum.

    A sample that cannot be made is None. One whose terms depend on each other is passed over,
    unless `every` sample must be recovered.
    """
    got, want, slack, rows = {}, {}, {}, []
    for sample in samples:
        if sample is None:
            return None
        try:
            right = take_apart(sample.want, sample.right_terms, sample.right_slack)
            made = right if sample.got is None else take_apart(sample.got, sample.terms,
                                                               sample.slack)
        except Degenerate:
            if every:
                return None
            continue
        if right is None or made is None:
            return None
        for n, a, c, s in zip(sample.right_terms, made[0], right[0],
                              np.maximum(made[1], right[1])):
            got.setdefault(n, []).append(a)
            want.setdefault(n, []).append(c)
            slack.setdefault(n, []).append(s)
        rows.append(sample.quantities)
    return Recovered(*(complete(table, len(rows)) for table in (got, want, slack)), stacked(rows))


def take_apart(values, terms, slack):
    """Coefficients (K,) of the terms and their slack (K,), or None where they do not fit."""
    return coefficients(values, np.stack(list(terms.values())), slack)


def complete(table, n):
    """The entries that every one of n samples has, as arrays."""
    return {name: np.array(a) for name, a in table.items() if len(a) == n}


def stacked(rows):
    """The quantities that every sample has, name -> (R,), in the first sample's order."""
    return {n: np.array([row[n] for row in rows]) for n in (rows[0] if rows else ())
            if all(n in row for row in rows)}
