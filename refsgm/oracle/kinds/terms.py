"""The terms that a right answer is a sum of, so that each coefficient can be recovered by itself.

    step        = a x + b score + c z            coefficients of a row, from its D entries
    loss        = a |s|^2 + b s'eps + c |eps|^2  coefficients of a noise level, from its rows
    log density = a |x - mean|^2 + c

Where a function is passed, the terms are made of what it returned, `seen`, to whoever called it.
A kind may have several sums for the same answer: one with x_0, or one with x_t.
"""

import numpy as np

from .kind import BATCH, DATA, LEVEL, LOSS, ROWS


def sums(kind, args, seen, component):
    """Sums [{term: array}]: terms (B, D) of a batch, (B,) of rows; of a level with its transform.

    seen       what the function that was passed returned, a list of (B, D), or None
    component  0 for the first thing returned
    """
    form = kind.returns[component][1]
    if form == LEVEL:
        return kind.level_terms({n: np.asarray(a, np.float64) for n, a in args.items()
                                 if not isinstance(a, str)}, component)
    if form == BATCH:
        return (kind.terms or of_data)(args, seen)
    if form in (ROWS, LOSS):
        return [terms for terms in (kind.terms or of_values)(args, seen) if terms]
    return []


def of_data(args, seen=None):
    """The data (B, D) among the arguments, and 1."""
    given = data_of(args)
    ones = {"1": np.ones_like(next(iter(given.values())))} if given else {}
    return [given | ones]


def data_of(args):
    """The arrays (B, D) among the arguments that are data."""
    return {n: a for n, a in args.items() if n in DATA and np.ndim(a) == 2}


def of_values(args, seen):
    """Products of two of what a loss is made of: the values of its function and its data."""
    if not seen:
        return []
    values = {"f" if len(seen) == 1 else f"f_{i + 1}": a for i, a in enumerate(seen)}
    return [products(**values, **data_of(args))]


def products(**vectors):
    """All products of two of the vectors, (B,)."""
    terms, names = {}, list(vectors)
    for i, a in enumerate(names):
        terms[f"|{a}|^2"] = square(vectors[a])
        terms[f"|{a}|"] = np.sqrt(square(vectors[a]))
        terms[f"sum of {a}"] = np.sum(vectors[a], axis=1)
        for b in names[i + 1:]:
            terms[f"{a}'{b}"] = dot(vectors[a], vectors[b])
    return terms


def square(a):
    """|a|^2 of each row, (B,)."""
    return np.sum(a**2, axis=1)


def dot(a, b):
    """a'b of each row, (B,)."""
    return np.sum(a * b, axis=1)


def ones_of(args):
    """The term 1, (B,)."""
    return np.ones(len(next(a for a in args.values() if np.ndim(a) > 0)))


def itself(terms):
    """A level that is a sum of the terms: no transform, and its slope."""
    return terms, lambda y: y, np.ones_like


def its_square(terms):
    """A level whose square is a sum."""
    return terms, np.square, lambda y: 2 * y


def one_over_it(terms):
    """A level that is one over a sum."""
    return terms, lambda y: 1 / y, lambda y: y**-2


def its_logarithm(terms):
    """A level whose logarithm is a sum."""
    return terms, np.log, lambda y: 1 / y
