"""What every kind is tried with, a file for each family: right implementations and mistakes.

`portable(xp)` has one right and one wrong implementation of every kind, for NumPy, torch and JAX
alike; the wrong one carries a single mistake and the code that it should get.
"""

import functools

import numpy as np

from . import (conversions, gaussians, levels, likelihoods, loops, objectives, paths, predictions,
               steps, tables)
from .record import TRIED

FAMILIES = (gaussians, objectives, predictions, levels, tables, conversions, paths, steps, loops,
            likelihoods)
TUNED = [mistake for tried in TRIED.values() for mistake in tried.tuned]
MEASURED = [mistake for tried in TRIED.values() for mistake in tried.measured]


def portable(xp):
    """{kind: Pair} for a Space."""
    return {kind: pair for family in FAMILIES for kind, pair in family.portable(xp).items()}


def losses(xp, keep=lambda a: a):
    """{loss: Pair}; `keep` is what becomes of a derivative, or else of a function's value."""
    return objectives.losses(xp, keep) | predictions.losses(xp, keep)


def spellings(kind):
    """(name, function) of three right implementations of a kind."""
    one, other = TRIED[kind].spellings
    yield "another order", one
    yield "another form", other
    yield "float32", in_float32(one)


def in_float32(f):
    """The same function in float32 throughout."""
    @functools.wraps(f)
    def narrowed(*args):
        result = f(*(narrow(a) for a in args))
        if isinstance(result, tuple):
            return tuple(narrow(a) for a in result)
        several = isinstance(result, list) or hasattr(result, "__next__")
        return [narrow(a) for a in result] if several else narrow(result)
    return narrowed


def narrow(a):
    """An argument in float32; a function that is passed answers in float32."""
    if callable(a):
        return lambda *args: narrow(a(*args))
    if isinstance(a, float):
        return np.float32(a)
    if hasattr(a, "astype"):
        return a.astype(np.complex64 if a.dtype.kind == "c" else np.float32)
    return a
