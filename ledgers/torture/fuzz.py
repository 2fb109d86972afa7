"""Calls of every public function with one strange argument: right, or refused in one sentence.

    python -m ledgers.torture fuzz [--count 60000] [--seed 0]

What numbers in disguise give is compared with the same call on plain float64 arrays, and this with
the same call in 80-bit arithmetic, whose range no float64 leaves. Tolerances are what rounding of
the inputs does, times 100. A call is wrong if it returns other numbers, numbers for what is
none, or numbers that plain arrays are refused for; if it does not end; if it changes an argument.
"""

import signal
import warnings
from collections import Counter
from dataclasses import fields, is_dataclass

import numpy as np

import refsgm
from refsgm.arrays import WHOLE
from . import disguises
from .subjects import SUBJECTS
from tests.support.calls import Inputs

SECONDS = 10.0                                   # a call that takes longer does not end
LONGEST = 400                                    # characters of a message
SAME = ("plain", "memmap", "read-only", "strided", "backwards", "big-endian", "Fortran", "int64")
EPS = {"e": 1e-3, "f": 1.2e-7, "F": 1.2e-7}      # of half and single precision; else double


class Late(BaseException):
    """A call that does not end."""


def stop(*_):
    raise Late


class Outcome:
    """What a call gave: kind is "value" (arrays), "refused" or "unclear" (a message), "hang"."""

    def __init__(self, kind, value):
        self.kind, self.value = kind, value


def arrays_in(result):
    """All arrays and numbers in a result, in order."""
    if isinstance(result, (refsgm.GaussianMixture, refsgm.Empirical)):
        result = [getattr(result, n) for n in ("weights", "means", "covs", "variances", "points",
                                               "sigma") if hasattr(result, n)]
    if hasattr(result, "__next__"):
        result = list(result)
    if is_dataclass(result):
        result = [getattr(result, f.name) for f in fields(result)]
    if isinstance(result, (tuple, list)):
        return [a for part in result for a in arrays_in(part)]
    if callable(result):
        return arrays_in(result(np.ones((2, 3))))
    return [np.asarray(result)]


def outcome(subject, args):
    """The `Outcome` of a call; its time is limited."""
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return Outcome("value", arrays_in(subject.call(*args)))
    except Late:
        return Outcome("hang", f"no end within {SECONDS:g} s")
    except Exception as error:
        return Outcome("refused" if is_clear(subject, error) else "unclear",
                       f"{type(error).__name__}: {error}")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def is_clear(subject, error):
    """Whether an exception is a ValueError or TypeError of one sentence that names an argument."""
    text = str(error)
    words = "".join(c if c.isalnum() or c == "_" else " " for c in text).split()
    return (type(error) in (ValueError, TypeError) and "\n" not in text and len(text) <= LONGEST
            and any(name in words for name in subject.names))


def lifted(a):
    """An argument in 80-bit arithmetic."""
    if isinstance(a, np.ndarray) and a.dtype.kind == "f":
        return a.astype(np.longdouble)
    return np.longdouble(a) if type(a) is float else a


def sensitivity(subject, right, i, plain, values, rng):
    """How far results move, entry by entry, when inputs move by a share of 1, (list of arrays)."""
    args = right()
    args[i] = plain
    moved, share = subject.sizes(values, args), 1e-7
    for draw in range(4):
        near = [a.astype(np.float64) if isinstance(a, np.ndarray) else a for a in right()]
        near[i] = plain
        near = [a * (1 + share * rng.choice([-1, 1], np.shape(a)))
                if isinstance(a, np.ndarray) and a.dtype.kind == "f" or type(a) is float else a
                for a in near]
        found = outcome(subject, near)
        if found.kind != "value" or [np.shape(v) for v in found.value] != [
                np.shape(v) for v in values]:
            return [np.full(np.shape(v), 1e3 * (np.max(np.abs(v)) if v.size else 0)
                            + subject.floor) for v in values]
        with np.errstate(all="ignore"):
            moved = [np.fmax(m, np.abs(f - v) / share)
                     for m, f, v in zip(moved, found.value, values)]
    return moved


def differ(got, want, moved, eps, of_nan=False):
    """In a sentence, how results differ from what is required; empty if they do not.

    of_nan  whether an argument is not finite: then the right result is not either
    """
    if [a.shape for a in got] != [a.shape for a in want]:
        return f"shapes {[a.shape for a in got]} in place of {[a.shape for a in want]}"
    for a, b, m in zip(got, want, moved):
        if a.dtype.kind not in "fciu":
            if not np.array_equal(a, b):
                return f"{a} in place of {b}"
            continue
        real = np.asarray(a.real, np.longdouble)
        b = np.asarray(b.real, np.longdouble)
        largest = float(np.finfo(a.dtype).max) if a.dtype.kind in "fc" else np.inf
        smallest = max(float(np.finfo(a.dtype).tiny), 2e-308) if a.dtype.kind in "fc" else 0
        with np.errstate(all="ignore"):
            slack = 100 * eps * np.where(np.isfinite(m), m, np.inf) + 1e4 * smallest
            beyond = np.isinf(real) & (np.abs(b) + slack >= largest * (1 - 1e-3)) & (
                np.sign(real) == np.sign(b))
            wrong = ~(beyond | (np.abs(real - b) <= slack)) | np.isnan(real)
            wrong &= ~(np.isnan(real) & np.isnan(b) & of_nan)
        if np.any(wrong):
            i = np.unravel_index(np.argmax(wrong), wrong.shape) if wrong.ndim else ()
            return f"{real[i]:.6g} in place of {b[i]:.6g}"
    return ""


def precision(args, got):
    """The coarsest rounding among arguments and results."""
    dtypes = [a.dtype for a in (*args, *got) if isinstance(a, (np.ndarray, np.generic))]
    return max([EPS.get(d.char, 2.3e-16) for d in dtypes], default=2.3e-16)


def contents(args):
    """The bytes of all arrays among arguments."""
    return [np.asarray(a).tobytes() if isinstance(a, np.ndarray) and a.dtype != object else None
            for a in args]


class Tally:
    """Counts of what happened, and examples of what is wrong or unclear."""

    def __init__(self):
        self.counts, self.wrong, self.unclear = Counter(), [], []

    def note(self, call, found, sentence):
        """Count what came of a call."""
        self.counts[found] += 1
        if found in ("wrong", "hang", "changed"):
            self.wrong.append(f"{call}: {found}, {sentence}")
        if found == "unclear":
            self.unclear.append(f"{call}: {sentence.splitlines()[0][:200]}")


def judged(subject, right, i, thing, how, rng):
    """One call whose i-th argument is `thing`: (what came, a sentence, whether in 80 bits too).

    right  a function that gives the arguments of the right call, each time anew: an rng among them
           moves on with every call
    """
    args = right()
    args[i] = thing
    before = contents(args)
    got = outcome(subject, args)
    coarse = max(subject.eps, precision(args, [])) > 1e-8            # single precision
    wide = getattr(thing, "dtype", None) == np.longdouble
    if contents(args) != before:
        return "changed", "an argument was changed", False
    plain = [a.astype(np.float64) if isinstance(a, np.ndarray) else a for a in right()]
    plain[i] = plainly(disguises.meaning(thing), subject.counts(i))
    if got.kind != "value":
        same = got.kind == "refused" and how.partition(", ")[0] in SAME and not (
            subject.counts(i) or coarse)
        whole = not how.startswith("int64") or np.all(np.abs(plain[i]) <= WHOLE)
        if same and whole and outcome(subject, plain).kind == "value":
            return "wrong", f"refused: {got.value}", False
        return got.kind, got.value, False
    if not isinstance(right()[i], (int, float, np.ndarray)):
        return "wrong", f"takes {type(thing).__name__}", False
    if plain[i] is None:
        return "wrong", f"takes {type(thing).__name__}", False
    want = outcome(subject, plain)
    if want.kind != "value":
        words = ("sum to 1",) * coarse + ("square", "deviations") * (coarse or wide)
        rounded = any(word in want.value for word in words)
        return ("value" if rounded else "wrong"), f"in float64: {want.value}", False
    large = any((np.abs(v) > 1e30).any() for v in (*want.value, plain[i]))
    if np.iscomplexobj(thing) and large or np.any((np.abs(plain[i]) < 1e-300) & (plain[i] != 0)):
        return "value", "", False        # products of infinities are NaN; tiny numbers lose digits
    moved = sensitivity(subject, right, i, plain[i], want.value, rng)
    of_nan = not np.all(np.isfinite(plain[i]))
    sentence = differ(got.value, want.value, moved, max(subject.eps, precision(args, got.value)),
                      of_nan)
    if sentence or not subject.lifts:
        return ("wrong" if sentence else "value"), sentence, False
    again = right()
    again[i] = plain[i]
    exact = outcome(subject, [lifted(a) for a in again])
    if exact.kind == "value":
        sentence = differ(want.value, exact.value, moved,
                          max(subject.eps, precision(plain, want.value)), of_nan)
    return ("wrong" if sentence else "value"), sentence and f"float64: {sentence}", \
        exact.kind == "value"


def plainly(a, counts):
    """A plain array, or a Python number for a scalar."""
    if a is None or a.ndim:
        return a
    return int(a) if counts and np.isfinite(a) and a == np.round(a) else float(a)


def strange(subject, i, base, rng, names):
    """(a strange argument in the place of base, in words how)"""
    if subject.counts(i):
        pool = disguises.COUNTS if subject.names[i] != "order" else disguises.SMALL
    elif isinstance(base, (float, np.ndarray)):
        how = one_of(names if rng.integers(2) else [*disguises.ARRAYS], rng)
        change = one_of([*disguises.CHANGES], rng) if rng.integers(3) else "as they are"
        a = disguises.CHANGES[change](base, rng)
        words = f"{how}, {change}"
        if rng.integers(6) == 0:
            shape = one_of([*disguises.SHAPES], rng)
            a, words = disguises.SHAPES[shape](a), f"{words}, {shape}"
        a = np.asarray(a, np.float64)
        if how == "plain" and isinstance(base, float) and a.ndim == 0:
            return float(a), words
        return disguises.DISGUISES[how](a), words
    else:
        pool = disguises.THINGS
    how = one_of([*pool], rng)
    return pool[how], how


def one_of(names, rng):
    return names[int(rng.integers(len(names)))]


def fuzz(count, seed, subjects=SUBJECTS, names=None):
    """Make `count` calls; returns a `Tally`.

    names  of the disguises; all whose libraries are installed if left out
    """
    rng, tally, names = np.random.default_rng(seed), Tally(), names or disguises.available()
    before = signal.signal(signal.SIGALRM, stop)
    weights = np.array([s.weight for s in subjects], float)
    try:
        for _ in range(count):
            subject = subjects[rng.choice(len(subjects), p=weights / weights.sum())]
            inputs = int(rng.integers(50)), bool(rng.integers(2))
            dtype = np.float64 if rng.integers(4) else np.float32

            def right(dtype=dtype, subject=subject, inputs=inputs):
                return subject.make(Inputs(*inputs), dtype)
            subject.right = right()
            i = int(rng.integers(len(subject.right)))
            try:
                with warnings.catch_warnings(), np.errstate(all="ignore"):
                    warnings.simplefilter("ignore")
                    thing, how = strange(subject, i, subject.right[i], rng, names)
            except (ValueError, TypeError, OverflowError, AttributeError, IndexError):
                continue                           # what cannot be disguised in this way
            found, sentence, lifted = judged(subject, right, i, thing, how, rng)
            tally.counts["in 80 bits too"] += lifted
            beside = " beside float32" if dtype == np.float32 else ""
            tally.note(f"{subject.name}({subject.names[i]}: {how}{beside})", found, sentence)
    finally:
        signal.signal(signal.SIGALRM, before)
    return tally
