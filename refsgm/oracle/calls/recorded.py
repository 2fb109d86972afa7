"""Where a function that is passed is called, and what it returned there."""

import numpy as np
from autograd.tracer import getval, isbox

from ..kinds import FUNCTION, STATES
from ..kinds.terms import data_of, sums
from ..kinds.test_functions import Field


class Noted(Field):
    """A test function that notes its calls, (x, level) each; to take its divergence is one too."""

    def __init__(self, f):
        vars(self).update(vars(f))
        self.calls = []

    def __call__(self, x, *level):
        self.calls.append((value(x), *map(value, level)))
        return super().__call__(x, *level)

    def divergence(self, x, *level):
        self.calls.append((value(x), *map(value, level)))
        return super().divergence(x, *level)


def recorded(contract, args):
    """The calls that refsgm makes of the function it is passed: (x, level) each."""
    name, f = next(((n, a) for n, a in args.items() if isinstance(a, Field)), (None, None))
    if f is None or contract.form in (FUNCTION, STATES) or contract.adaptive:
        return []
    noted, function = Noted(f), contract.answer or contract.function
    function(*[noted if n == name else a for n, a in args.items() if n in contract.args])
    return noted.calls


def value(a):
    """The value of a traced array."""
    while isbox(a):
        a = getval(a)
    return np.array(a, np.float64)


def distinct(calls):
    """The calls without those that repeat the one before, or the one before that."""
    kept = []
    for call in calls:
        if not any(len(call) == len(k) and all(
                a is not None and b is not None and np.array_equal(a, b) for a, b in zip(call, k))
                for k in kept[-2:]):
            kept.append(call)
    return kept


def answers(f, calls, shape):
    """What a Field returned to each of the calls, as (B, D) arrays; None where it was not seen."""
    results = []
    for x, *level in distinct(calls):
        if x is None or x.size != np.prod(shape) or any(a is None for a in level):
            return None
        a = None
        if level:
            a = level[0] if level[0].size == 1 else level[0].reshape(-1, 1)
            if a.size not in (1, shape[0]):
                return None
        results.append(f(x.reshape(shape), a))
    return results


def bases(contract, args, calls, component):
    """The sums that the right answer is, of what a function returned to these calls.

    Where they could not be seen, it is what the function returns to refsgm.
    """
    f = next((a for a in args.values() if isinstance(a, Field)), None)
    seen = None
    if f is not None and contract.form not in (FUNCTION, STATES) and not contract.adaptive:
        shape = next(iter(data_of(args).values())).shape
        seen = answers(f, calls, shape) or answers(f, recorded(contract, args), shape)
    return sums(contract, args, seen, component)
