"""Values that are clamped: an argument, the result, or any value between them, at any bounds.

A bound is found from one wrong number, and counts if it explains all others: the formula is run
with the value clamped there, at every probe. Two bounds are found one after the other. A value can
only be clamped from below if it is smaller in the rows that are wrong than in those that are right,
which few values are.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq

from ..calls.judge import Component
from ..kinds import FUNCTION, STATES, TABLE
from ..kinds.test_functions import MANY
from .loops import ROUNDING
from .other_levels import OF_STATES, given_to_step
from .runs import Run

LONG = 40                     # values of a formula, beyond which its arguments alone are looked at
MANY_STEPS = 24               # of a loop that is long
REACH = 1e30                  # how far beyond all values a bound may be, as a factor
ROUND = 1e-6                  # a bound this near to a number of two digits is that number
TRUSTED = 8                   # times its slack a predicted value may be off
FEWEST = 3                    # right values that are not met, of different sizes
ANY = np.inf


class Value(NamedTuple):
    """A value that may be clamped: its number in the formula, < 0 for a result, and its words."""

    k: int
    words: str


class Rows(NamedTuple):
    """The rows of all probes: smallest and largest number of a value there, and which are wrong."""

    low: np.ndarray
    high: np.ndarray
    wrong: np.ndarray


def clamped(case):
    """The value that is clamped, the plainest first: an argument, the result, any between them."""
    loop = case.contract.form == STATES
    probes = steps(case) if loop else [p for p in case.probes if p.got and np.size(p.got[0])]
    wrong = [p for p in probes if not p.ok and np.isfinite(p.error)]
    missed = {float(w) for p in wrong for c in p.components
              for w in np.ravel(c.want)[np.ravel(c.off > c.slack)]}
    if len(missed) < FEWEST or case.contract.form == FUNCTION:
        return []
    found, numbers, of = [], [numbers_of(case, p) for p in probes], "in a step: " * loop
    for value in values_of(case, wrong[0]):
        if not all(value.k in made for made in numbers):
            continue
        rows = rows_of(probes, [made[value.k] for made in numbers])
        for low, high in bounds(case, probes, wrong, value.k, rows) if rows else ():
            usual = value.words == "x_0" and (low, high) == (-1, 1)
            said = case.say("clipped", f"{of}{value.words} is clamped: it is {in_words(low, high)}",
                            "result clipped", "clipped-x0" if usual else "", "do not clamp it")
            if is_round(low) and is_round(high):
                return [said]
            found.append(said)
    return found[:1]


class Step(NamedTuple):
    """A step of a loop, which is judged like a probe: from the state that foreign code was in."""

    args: dict
    want: tuple
    components: tuple
    formula: object
    ok: bool
    error: float


def steps(case):
    """Every `Step` of all runs of a loop, where each state is given; but for long loops."""
    found, contract = [], case.contract
    if contract.one_step is None:
        return []
    for p in (*case.probes, *case.fit_probes()):
        if p.got is None or len(p.got) != len(p.want) or len(p.want) > MANY_STEPS:
            continue
        before, dtypes = p.args["x"], {p.trial.dtypes[0], np.dtype(p.situation.dtype)}
        rounding = OF_STATES * max(ROUNDING.get(dtype, 1e-10) for dtype in dtypes)
        for i, state in enumerate(p.got):
            args = given_to_step(contract, p.args, before, i)
            want = Run(contract, args, contract.one_step)()
            c = Component(state, want[0], False, lambda K, a=rounding, s=state: np.full(
                np.shape(s), a * np.max(np.abs(s))), lambda s=state: np.abs(s))
            found.append(Step(args, want, (c,), contract.one_step, c.ok, c.error))
            before = state
    return found


def run_of(case, p, **changes):
    """The formula's `Run` at a probe, or of a step."""
    return Run(case.contract, p.args, getattr(p, "formula", None), **changes)


def values_of(case, p):
    """All that may be clamped at a probe: arguments, results, and the values between them."""
    whole = "state" if case.contract.form == STATES else "result"
    results = [Value(-1 - i, f"the {name or whole}")
               for i, (name, _) in enumerate(case.contract.returns)]
    if not has_formula(case):
        return results
    run = run_of(case, p)
    run()
    between = [Value(k, text or "a value on the way") for k, (text, _) in enumerate(run.values)]
    arguments = [value for value in between if value.words in p.args]
    return [*arguments, *results, *(value for value in between[:LONG] if value not in arguments)]


def has_formula(case):
    """Whether the kind's formula can be run; in many dimensions not with a Jacobian (D, D)."""
    return case.contract.exact is not None and case.contract.form != TABLE and (
        case.dim or 0) <= MANY


def numbers_of(case, p):
    """{k: array} of all values of the formula at a probe, and of the results at k < 0."""
    made = {-1 - i: w for i, w in enumerate(p.want)}
    if has_formula(case):
        run = run_of(case, p)
        run()
        made |= {k: a for k, (_, a) in enumerate(run.values)}
    return made


def rows_of(probes, numbers):
    """The `Rows` of a value, or None where it is not one number or more for every row."""
    low, high, wrong = [], [], []
    for p, a in zip(probes, numbers):
        B = max((len(c.got) for c in p.components if np.ndim(c.got)), default=1)
        off = [np.any(np.reshape(c.off > c.slack, (B, -1)), axis=1) if np.ndim(c.got) else
               np.full(B, bool(c.off > c.slack)) for c in p.components]
        if B == 1 or np.ndim(a) == 0:
            ends = np.full(B, np.min(a)), np.full(B, np.max(a))
        elif len(a) == B:
            ends = [f(np.reshape(a, (B, -1)), axis=1) for f in (np.min, np.max)]
        else:
            return None
        low.append(ends[0]), high.append(ends[1]), wrong.append(np.any(off, axis=0))
    return Rows(*map(np.concatenate, (low, high, wrong))) if low else None


def bounds(case, probes, wrong, k, rows):
    """The pairs (low, high) that explain all answers: one bound, the same on both sides, or two."""
    for sides in ((False, True), (True, False), (True, True)):        # at the low end, at the high
        between = reach(rows, sides)
        c = between and bound(case, wrong[0], k, lambda c, sides=sides: pair(c, sides), between)
        if c is None:
            continue
        ends = pair(c, sides)
        rest = next((p for p in wrong if not fits(case, p, k, ends)), None)
        if rest is not None and not all(sides):
            between = reach(rows, (not sides[0], not sides[1]))
            other = between and bound(case, rest, k, lambda d, ends=ends: both(ends, d), between,
                                      ends)
            if other is None or not np.less(*both(ends, other)):
                continue
            ends = both(ends, other)
        if all(fits(case, p, k, ends) for p in probes) and spares(rows, ends):
            yield ends


def reach(rows, sides):
    """(least, largest) bound that leaves the right rows alone and not all others, or None."""
    ends = np.abs([rows.low, rows.high])
    size = np.max(ends[np.isfinite(ends)], initial=1e-300) * REACH
    low, high, right = *rows[:2], ~rows.wrong
    if all(sides):
        low, high = -np.maximum(np.abs(low), np.abs(high)), np.maximum(np.abs(low), np.abs(high))
    if sides[1]:                                              # from above: largest numbers count
        least, most = np.max(high[right], initial=0.0 if all(sides) else -size), np.max(high)
    else:
        least, most = np.min(low), np.min(low[right], initial=size)
    return (least, most) if least < most and np.isfinite(most - least) else None


def spares(rows, ends):
    """Whether some numbers are left as they are: a value that is always the bound is a constant."""
    return bool(np.any((rows.high > ends[0]) & (rows.low < ends[1])
                       & ((rows.low > ends[0]) | (rows.high < ends[1]))))


def pair(c, sides):
    """(low, high) of one number, at the low end, at the high end, or at both: -c and c."""
    if all(sides):
        return -abs(c), abs(c)
    return (c, ANY) if sides[0] else (-ANY, c)


def both(first, other):
    """(low, high) where the other end is bounded too."""
    return (first[0], other) if first[1] == ANY else (other, first[1])


def in_words(low, high):
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
            made = run_of(case, p, k=k, change=lambda a: np.clip(a, *ends))()
    return [np.mean(a) if c.mean else np.reshape(a, np.shape(c.want))
            for a, c in zip(made, p.components, strict=True)]


def bound(case, p, k, ends_of, between, now=(-ANY, ANY)):
    """The bound at which the number that is farthest off comes out as it did, or None.

    between  the least and the largest that it may be;  now  the ends before
    """
    i, at = worst(p, predicted(case, p, k, now))
    if i is None:
        return None
    sizes = sorted(map(abs, between))
    unit = max(sizes[0], sizes[1] / REACH**2, 1e-200) * 1e-3

    def miss(u):
        value = predicted(case, p, k, ends_of(unit * np.sinh(u)))[i][at]
        return float(value - p.components[i].got[at])
    try:
        low, high = (float(np.arcsinh(c / unit)) for c in between)
        ends = miss(low), miss(high)
        if not np.all(np.isfinite(ends)) or ends[0] * ends[1] > 0 or ends[0] == ends[1]:
            return None
        return rounded(unit * np.sinh(brentq(miss, low, high, xtol=1e-13, rtol=1e-13)), unit)
    except (ValueError, TypeError):
        return None


def worst(p, made):
    """(component, place) of the number that is farthest from what is predicted, of its size."""
    off = [np.where(np.abs(c.got - a) > TRUSTED * c.slack + rounding(p) * np.abs(a),
                    np.abs(c.got - a) / c.unit, 0.0) for a, c in zip(made, p.components)]
    i = max(range(len(off)), key=lambda i: np.max(off[i]))
    if not np.max(off[i]) > 0:
        return None, None
    return i, np.unravel_index(np.argmax(off[i]), np.shape(off[i]))


def rounding(p):
    """The digits of a value that is clamped, which may be far larger than the right one."""
    if isinstance(p, Step):                                   # its slack is already of that size
        return 0.0
    return 1e-5 if np.float32 in (*p.trial.dtypes, np.dtype(p.situation.dtype)) else 1e-12


def rounded(c, unit):
    """A bound, as a number of two digits where it is one."""
    near = float(f"{c:.1e}")
    if abs(c) < ROUND * unit:
        return 0.0
    return near if abs(near - c) <= ROUND * abs(c) else float(c)


def is_round(c):
    """Whether a bound is a number of two digits, as people write them."""
    return abs(c) == ANY or c == float(f"{c:.1e}")


def fits(case, p, k, ends):
    """Whether an answer is that of the formula with value k clamped."""
    try:
        made = predicted(case, p, k, ends)
    except (ValueError, TypeError, IndexError):
        return False
    return all(np.all((np.abs(c.got - a) <= TRUSTED * c.slack + rounding(p) * np.abs(a))
                      | (c.got == a))
               for a, c in zip(made, p.components))
