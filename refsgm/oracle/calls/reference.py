"""refsgm's own answer at a probe, and how far rounding alone may move it: its sensitivity.

    sensitivity = max(|f(x (1 + h)) - f(x)| / h,   |f in float32 - f| / eps of float32,   |f|)

It is the larger of the formula's response to relative changes of its inputs, divided by their size,
and its own error in float32, in units of that eps. So a probe where every spelling of a formula
loses digits allows for the loss, and no other does.
"""

from functools import cache

import numpy as np

from ..kinds import STATES
from ..kinds.edges import answer as reference
from ..kinds.test_functions import Field

CLOSER = 2.0**-18                           # levels of a long table may be as close as 2^-40


def narrow(a):
    """An argument in float32."""
    if isinstance(a, Field):
        return a.astype(np.float32)
    return a.astype(np.float32) if isinstance(a, np.ndarray) else a


def changed(a, rng, h):
    """An argument with every entry changed by a relative h or not at all; 0 and 1 stay.

    Of a function its weights, so that a sum of its terms which is zero by chance has their size.
    """
    if isinstance(a, Field):
        other = a.as_a(type(a))
        other.matrices = tuple(m * (1 - h * rng.integers(2, size=m.shape)) for m in a.matrices)
        other.b = a.b * (1 - h * rng.integers(2, size=a.b.shape))
        other.frames = tuple(m * (1 - h * rng.integers(2, size=m.shape)) for m in a.frames)
        return other
    if isinstance(a, np.ndarray):
        return np.where((a == 1) | (a == 0), a, a * (1 - h * rng.integers(2, size=a.shape)))
    if isinstance(a, float):
        change = h * rng.integers(2, size=())
        return a if a in (0, 1) else float(a * (1 - change))
    return a


def sensitivity(contract, args, want, tries=3):
    """The sensitivity of every component to rounding, arrays like the answers `want`.

    Of a kind with a tolerance of its own it is the size of the answer, or about 1.

    tries  random changes of the arguments; each leaves out half of the entries. Then each argument
           is changed alone, so that no row is missed where two of them cancel
    """
    if contract.tolerance:
        return tuple(1 + np.abs(w) for w in want)
    rng, h = np.random.default_rng(0), 2.0**-26
    size = [np.abs(w) for w in want]

    def grow(answers, unit):
        for i, (w, a) in enumerate(zip(want, answers)):
            if np.shape(a) == np.shape(w):
                with np.errstate(invalid="ignore"):                   # infinity has no difference
                    off = np.abs(a - w)
                size[i] = np.maximum(size[i], np.where(np.isfinite(off), off, 0.0) / unit)

    at_once = [{k: a if k == "weights" else changed(a, rng, h) for k, a in args.items()}
               for _ in range(tries)]
    for changes in (*at_once, *one_by_one(contract, args, h)):
        for share in (1.0, CLOSER):                 # the other where it leaves the domain
            try:
                grow(reference(contract, nearer(args, changes, share)), share * h)
            except ValueError:
                continue
            break
    low = {k: narrow(a) for k, a in args.items()}
    same = {k: widen(a) for k, a in low.items()}
    if "means" in same:                                 # shares, whose sum is 1 in float64 too
        same["weights"] = same["weights"] / np.sum(same["weights"])
    eps = float(np.finfo(np.float32).eps)
    try:
        exact = reference(contract, same)
        for function in (None, *contract.spellings):
            rough = reference(contract, low, function)
            with np.errstate(invalid="ignore"):                       # infinity has no difference
                grow([w + (r.astype(np.float64) - e) for w, r, e in zip(want, rough, exact)], eps)
    except (ValueError, FloatingPointError):
        pass
    return tuple(spread(s) for s in size)


def nearer(args, changes, share):
    """Changed arguments, as near to what they were as a share of the change."""
    if share == 1.0:
        return changes
    return {k: a if changes[k] is a or not isinstance(a, (float, np.ndarray))
            else a + share * (changes[k] - a) for k, a in args.items()}


def one_by_one(contract, args, h):
    """The arguments with one of them changed; of a long table every other entry."""
    if contract.form == STATES:
        return
    for name, a in args.items():
        if name == "weights" or not isinstance(a, (float, np.ndarray)):
            continue
        masks = [np.ones(np.shape(a))]
        if np.ndim(a) == 1 and len(a) > 1:
            masks = [np.arange(len(a)) % 2, 1 - np.arange(len(a)) % 2]
        for mask in masks:
            b = np.where((np.asarray(a) == 1) | (np.asarray(a) == 0), a, a * (1 - h * mask))
            yield args | {name: b if isinstance(a, np.ndarray) else float(b)}


def widen(a):
    """An argument back in float64."""
    if isinstance(a, Field):
        return a.astype(np.float64)
    return a.astype(np.float64) if isinstance(a, np.ndarray) else a


def spread(a):
    """The largest entry of each row, for all entries of the row: vectors are judged by length."""
    return np.repeat(np.max(a, axis=-1, keepdims=True), a.shape[1], 1) if np.ndim(a) == 2 else a


@cache
def digits_of(dtype):
    """The eps of a dtype, and its `tiny`, below which a number has fewer digits."""
    info = np.finfo(dtype)
    return float(info.eps), float(info.tiny)
