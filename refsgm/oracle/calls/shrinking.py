"""A failing probe made small: fewer rows, features and entries, rounder numbers, still failing."""

import time

import numpy as np

from ..kinds import DATA
from ..kinds.kind import TABLES
from ..kinds.quantities import batch_size
from ..kinds.test_functions import Field
from .judge import judge, probe_at, rows_of

MOST_CALLS, MOST_SECONDS = 300, 3.0


def shrunk(contract, caller, probe):
    """The smallest failing probe that changes one by one lead to; the probe itself without any."""
    end, calls, best = time.monotonic() + MOST_SECONDS, 0, probe
    progress = True
    while progress:
        progress = False
        for args in smaller(contract, caller, best):
            if calls == MOST_CALLS or time.monotonic() > end:
                return best
            calls += 1
            tried = failing(contract, caller, best, args)
            if tried is not None:
                best, progress = tried, True
                break
    return best


def failing(contract, caller, probe, args):
    """The probe at other arguments, if it fails there in the same way, or None."""
    if all(same(args[n], probe.args[n]) for n in args):
        return None
    D = next((a.shape[-1] for n, a in args.items() if n in DATA and np.ndim(a) > 1),
             probe.situation.D)
    place = probe.situation._replace(B=batch_size(args), D=D)
    try:
        tried = judge(contract, caller, probe_at(contract, place, args))
    except (ValueError, ZeroDivisionError, OverflowError, IndexError, TypeError):
        return None
    if tried.ok or tried.trial.problem != probe.trial.problem or not all(
            np.all(np.isfinite(w)) for w in tried.want):
        return None
    return tried


def same(a, b):
    """Whether two arguments are equal."""
    if isinstance(a, Field):
        return len(a.frames) == len(b.frames) and all(map(
            np.array_equal, (*a.matrices, a.b, *a.frames), (*b.matrices, b.b, *b.frames)))
    return a is b or np.shape(a) == np.shape(b) and np.all(a == b)


def smaller(contract, caller, probe):
    """Arguments that are smaller than a probe's, the greatest steps first."""
    args, B = probe.args, batch_size(probe.args)
    if B > 1:
        yield from (rows_of(contract, args, b) for b in range(min(B, 8)))
        yield rows_of(contract, args, np.arange(B // 2))
        yield rows_of(contract, args, np.arange(B // 2, B))
        yield rows_of(contract, args, np.arange(B - 1))
    if np.ndim(args.get("v")) == 3:
        M = len(args["v"])
        yield args | {"v": args["v"][0]}
        yield from (args | {"v": args["v"][:m]} for m in {1, M // 2, M - 1} if 0 < m < M)
    D = next((a.shape[-1] for n, a in args.items() if n in DATA and np.ndim(a) > 1), 1)
    if caller.event_shape is None:
        yield from (of_features(args, part) for d in dict.fromkeys((1, 2, D // 2, D - 1))
                    if 0 < d < D for part in (slice(d), slice(-d, None)))
    yield {n: without_frames(a) if isinstance(a, Field) else a for n, a in args.items()}
    yield from of_entries(contract, args)
    for digits in (1, 2, 3):
        yield {n: rounded(a, digits) for n, a in args.items()}
        for n in args:
            yield args | {n: rounded(args[n], digits)}


def of_features(args, part):
    """Some features, a slice of them."""
    def cut(name, a):
        if isinstance(a, Field) and len(a.matrices) == 1:
            other = a.astype(np.float64)
            other.matrices, other.b = (a.matrices[0][part, part],), a.b[part]
            other.frames = tuple(m[part, part] for m in a.frames)
            return other
        whole = name not in DATA | {"means"} or np.ndim(a) < 2 or a.shape[-1] < 2
        return a if whole else a[..., part]
    return {n: cut(n, a) for n, a in args.items()}


def without_frames(f):
    """The same function with a third term for each feature alone."""
    other = f.as_a(type(f))
    other.frames = ()
    return other


def of_entries(contract, args):
    """Fewer components, levels, steps."""
    if "means" in args and len(args["means"]) > 1:
        K = len(args["means"])
        for k in dict.fromkeys((1, 2, K // 2, K - 1)):
            w = args["weights"][:k]
            yield args | {"means": args["means"][:k], "weights": w / (np.sum(w) or 1.0)}
    for name in TABLES:
        table = args.get(name)
        if isinstance(table, np.ndarray) and not contract.is_level(name) and len(table) > 1:
            L = len(table)
            for n in dict.fromkeys((1, 2, L // 2, L - 1)):
                others = {o: args[o][:n] for o in ("weights", "eps") if o in args}
                yield args | {name: table[:n]} | others
    for name, n in args.items():
        if isinstance(n, int) and not isinstance(n, bool) and n > 1:
            yield from (args | {name: m} for m in dict.fromkeys((1, 2, n // 2, n - 1)) if 0 < m < n)


def rounded(a, digits):
    """An argument with so many significant digits."""
    if isinstance(a, Field):
        other = a.astype(np.float64)
        other.matrices = tuple(rounded(m, digits) for m in a.matrices)
        other.frames = tuple(rounded(m, digits) for m in a.frames)
        other.b = rounded(a.b, digits)
        return other
    if isinstance(a, np.ndarray) and a.dtype.kind == "f":
        return np.array([float(f"{v:.{digits - 1}e}") for v in a.flat]).reshape(a.shape)
    return float(f"{a:.{digits - 1}e}") if isinstance(a, float) else a
