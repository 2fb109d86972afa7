"""Values that are clamped: an argument, the result, or any value between them, at any bounds.

A bound is found from one wrong number, and counts if it explains all others: the formula is run
with the value clamped there, at every probe. Two bounds are found one after the other.
"""

import numpy as np
from scipy.optimize import brentq

from ..kinds import FUNCTION, STATES, TABLE
from .runs import Run

REACH = 1e30                  # how far beyond the values of a probe their bound may be, as a factor
ROUND = 1e-6                  # a bound this near to a number of two digits is that number
TRUSTED = 8                   # times its slack a predicted value may be off
FEWEST = 3                    # right values that are not met, of different sizes
ANY = np.inf


def clamped(case):
    """The value that is clamped, the plainest first: an argument, the result, any between them."""
    wrong = [p for p in case.probes if not p.ok and p.got is not None and np.isfinite(p.error)]
    missed = {float(w) for p in wrong for c in p.components
              for w in np.ravel(c.want)[np.ravel(c.off > c.slack)]}
    if len(missed) < FEWEST or case.contract.form in (FUNCTION, STATES):
        return []
    found = []
    for k, what in places(case, wrong[0]):
        for low, high in bounds(case, k, wrong):
            said = case.say("clipped", f"{what} is clamped: it is {words(low, high)}",
                            "result clipped", fix="do not clamp it")
            if is_round(low) and is_round(high):
                return [said]
            found.append(said)
    return found[:1]


def places(case, p):
    """(k, words) of all that may be clamped at a probe: arguments, results, and the others."""
    results = [(-1 - i, f"the {name or 'result'}")
               for i, (name, _) in enumerate(case.contract.returns)]
    if case.contract.exact is None or case.contract.form == TABLE:
        return results
    run = Run(case.contract, p.args)
    run()
    between = [(k, text or "a value on the way") for k, (text, _) in enumerate(run.values)]
    return [*(place for place in between if place[1] in p.args), *results,
            *(place for place in between if place[1] not in p.args)]


def bounds(case, k, wrong):
    """The pairs (low, high) that explain all answers: one bound, the same on both sides, or two."""
    for sides in ((False, True), (True, False), (True, True)):        # at the low end, at the high
        c = bound(case, wrong[0], k, lambda c, sides=sides: pair(c, sides))
        if c is None:
            continue
        first = pair(c, sides)
        rest = [p for p in wrong if not fits(case, p, k, first)]
        if not rest:
            if all(fits(case, p, k, first) for p in case.probes):
                yield first
        elif not all(sides):
            other = bound(case, rest[0], k, lambda d, first=first: both(first, d), first)
            if other is None or not np.less(*both(first, other)):
                continue
            if all(fits(case, p, k, both(first, other)) for p in case.probes):
                yield both(first, other)


def pair(c, sides):
    """(low, high) of one number, at the low end, at the high end, or at both: -c and c."""
    if all(sides):
        return -abs(c), abs(c)
    return (c, ANY) if sides[0] else (-ANY, c)


def both(first, other):
    """(low, high) where the other end is bounded too."""
    return (first[0], other) if first[1] == ANY else (other, first[1])


def words(low, high):
    """A range in words."""
    a, b = (f"{c:.7g}" if is_round(c) else f"{c:.3g}" for c in (low, high))
    if low == -ANY:
        return f"never above {b}"
    return f"never below {a}" if high == ANY else f"kept in [{a}, {b}]"


def predicted(case, p, k, ends):
    """The answer at a probe where value k, or for k < 0 a result, is clamped."""
    with np.errstate(all="ignore"):
        if k < 0:
            made = [np.clip(w, *ends) if i == -1 - k else w for i, w in enumerate(p.want)]
        else:
            made = Run(case.contract, p.args, k=k, change=lambda a: np.clip(a, *ends))()
    return [np.mean(a) if c.mean else np.reshape(a, np.shape(c.want))
            for a, c in zip(made, p.components, strict=True)]


def bound(case, p, k, ends_of, now=(-ANY, ANY)):
    """The bound at which the number that is farthest off comes out as it did, or None."""
    values = p.want[-1 - k] if k < 0 else values_of(case, p, k)
    size = np.abs(values)[np.abs(values) > 0]
    made = predicted(case, p, k, now)
    i, at = worst(p, made)
    if size.size == 0 or i is None:
        return None
    unit = size.min() * 1e-3

    def miss(u):
        value = predicted(case, p, k, ends_of(unit * np.sinh(u)))[i][at]
        return float(value - p.components[i].got[at])
    reach = np.log(size.max() / unit * REACH)
    try:
        ends = miss(-reach), miss(reach)
        if not np.all(np.isfinite(ends)) or ends[0] * ends[1] >= 0:
            return None
        return rounded(unit * np.sinh(brentq(miss, -reach, reach, xtol=1e-13, rtol=1e-13)), size)
    except (ValueError, TypeError):
        return None


def values_of(case, p, k):
    """Value k of the formula at a probe."""
    run = Run(case.contract, p.args)
    run()
    return run.values[k][1]


def worst(p, made):
    """(component, place) of the number that is farthest from what is predicted, of its size."""
    off = [np.where(np.abs(c.got - a) > TRUSTED * c.slack, np.abs(c.got - a) / c.unit, 0.0)
           for a, c in zip(made, p.components)]
    i = max(range(len(off)), key=lambda i: np.max(off[i]))
    if not np.max(off[i]) > 0:
        return None, None
    return i, np.unravel_index(np.argmax(off[i]), np.shape(off[i]))


def rounded(c, size):
    """A bound, as a number of two digits where it is one."""
    near = float(f"{c:.1e}")
    if abs(c) < ROUND * size.min():
        return 0.0
    return near if abs(near - c) <= ROUND * abs(c) else float(c)


def is_round(c):
    """Whether a bound is a number of two digits, as people write them."""
    return abs(c) == ANY or c == float(f"{c:.1e}")


def fits(case, p, k, ends):
    """Whether an answer is that of the formula with value k clamped."""
    if p.got is None:
        return True
    try:
        made = predicted(case, p, k, ends)
    except (ValueError, TypeError, IndexError):
        return False
    return all(np.all((np.abs(c.got - a) <= TRUSTED * c.slack) | (c.got == a))
               for a, c in zip(made, p.components))
