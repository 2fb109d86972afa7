"""Losses at functions that are nearly right, where a sum of squares that is multiplied out is lost.

    |f - t|^2 = |f|^2 - 2 f.t + |t|^2     loses all its digits where |f - t| < 1e-8 |t|

A trained network is nearly right. Here the function is a constant, and the data that a target is
made of are moved until the target is that constant too, but for a small share.
"""

from functools import lru_cache

import numpy as np

from . import drawing
from .edges import answer
from .kind import DATA, FUNCTIONS, LOSS, ProbeSpec
from .wide import GUIDED

SHARES = (1e-5, 1e-7)                     # by which the function is not right
ROUNDS = 3                                # of Newton's method: after one, rounding is left
TIMES = 11                                # 33 rows, of which products of matrices may be taken
NOTHING = 1e-18                           # share of the first loss that counts as zero
CURVED = 1e-6                             # share of a loss that its second difference must be
MOST_FEATURES = 8                         # each takes two losses in every round


@lru_cache(256)
def nearly_right(kind, seed, by_row, dim):
    """Arguments of a loss at which its function is nearly right: (spec, arguments) each, a tuple.

    None of a kind whose loss is no sum of squares that some data make zero.
    """
    function = next((n for n in kind.args if n in FUNCTIONS and n not in kind.draw), None)
    if kind.form != LOSS or function is None or (dim or 0) > MOST_FEATURES:
        return ()
    found = []
    for i, share in enumerate(SHARES):
        spec = ProbeSpec("a function that is nearly right", 3, dim or 3, by_row, GUIDED,
                         seed + i, forms=((function, "constant"),))
        args = drawing.arguments(kind, spec)
        for name in kind.args:
            if name in DATA and not kind.is_level(name) and np.ndim(args.get(name)) == 2:
                best = minimiser(kind, args, name)
                if best is not None:
                    found.append((spec, args | {name: best * (1 + share)}))
    return tuple(found + [in_many_rows(*one) for one in found[-1:]])


def in_many_rows(spec, args):
    """The same question, with every row several times."""
    several = {n: np.repeat(a, TIMES, axis=-2) if np.ndim(a) > 1 else a for n, a in args.items()}
    return spec._replace(label=f"{spec.label}, in many rows", B=spec.B * TIMES), several


def minimiser(kind, args, name):
    """The data for which the losses of all rows are zero, by Newton's method entry by entry; None
    where a loss is not quadratic in them, or never zero.
    """
    first, a = loss(kind, args), args[name]
    for _ in range(ROUNDS):
        step = np.zeros_like(a)
        middle = loss(kind, args | {name: a})
        for d in range(a.shape[1]):
            unit = np.eye(a.shape[1])[d]
            more, less = (loss(kind, args | {name: a + s * unit}) for s in (1.0, -1.0))
            bend = more + less - 2 * middle
            if not np.all(bend > CURVED * (more + less)):
                return None
            step[:, d] = (less - more) / (2 * bend)
        a = a + step
    return a if np.all(loss(kind, args | {name: a}) <= NOTHING * first) else None


def loss(kind, args):
    """refsgm's loss of each row."""
    return answer(kind, args)[0]
