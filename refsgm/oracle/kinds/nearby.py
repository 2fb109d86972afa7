"""Arguments put near given numbers: all rows or one, entries of data and of tables, ratios.

    ProbeSpec.near = ((target, how, low, high), ...),    drawn between low and high, evenly in logs

A target is an argument, or a pair of two that are put into a relation, the second by the first.
"""

import numpy as np

from .kind import DATA, STEPS

# Ways to put levels, data, tables, and two arguments to each other
ALL, BY_ROW, ONE, CLOSE = "all rows", "by row", "one row", "rows close together"
EACH, ENTRY, LARGEST, NORM = "every entry", "one entry", "the largest", "the norm of rows"
FIRST, LAST, INSIDE, STEP = "first", "last", "one entry inside", "ratio"
RATIO, DIFFERENCE, SQUARES, ALIKE = "ratio", "difference", "sum of squares", "difference of data"
PAIRS = (*STEPS, ("sigma_min", "sigma_max"), ("sigma_min", "sigma"), ("beta_min", "beta_max"))
UNIT = {"alpha_bar", "alpha_bar_t", "alpha_bar_s", "t", "s"}           # levels between 0 and 1
SIGNED = {"z", "mean", "scale_rate", "sigma_rate"}


def put(kind, spec, drawn):
    """Arguments with what the spec wants near its numbers; steps still go from t to s."""
    rng, placed = np.random.default_rng([11, spec.seed, spec.B]), set()
    for target, how, low, high in spec.near:
        names = target if isinstance(target, tuple) else (target,)
        if not all(n in drawn for n in names):
            continue

        def near(shape=(), low=low, high=high):
            return np.exp(rng.uniform(np.log(low), np.log(high), shape))
        if len(names) == 2:
            drawn[names[1]] = related(how, *(drawn[n] for n in names), near, rng)
        else:
            drawn[target] = moved(kind, target, how, drawn[target], near, rng)
        placed.add(names[-1])
    for small, large in PAIRS:
        if {small, large} <= drawn.keys() and {small, large} & placed:
            drawn[small], drawn[large] = in_order(
                drawn[small], drawn[large], large in placed, large in UNIT, rng)
    return drawn


def moved(kind, name, how, a, near, rng):
    """One argument near the number."""
    leveled = kind.is_level(name)
    if not isinstance(a, np.ndarray):
        if how == CLOSE:
            return a
        sign = -1 if name in SIGNED and a < 0 else 1
        return sign * float(near())
    if leveled:
        return level_moved(name, how, a, near, rng)
    if name in DATA or name == "means":
        return data_moved(how, a, near, rng)
    return table_moved(name, how, a, near, rng)


def level_moved(name, how, a, near, rng):
    """Levels (B, 1): in all rows the same, in each its own, in one alone, or close together."""
    sign = np.where(a < 0, -1.0, 1.0) if name in SIGNED else 1.0
    if how == CLOSE:
        return a[0] * (1 + near() * rng.uniform(-1, 1, a.shape))
    if how == ONE:
        there = np.arange(len(a)).reshape(a.shape) == rng.integers(len(a))
        return np.where(there, sign * near(), a)
    return sign * near(a.shape if how == BY_ROW else ()) + 0 * a


def data_moved(how, a, near, rng):
    """Data with an entry, all entries, or the norm of each row near the number."""
    sign = np.where(a < 0, -1.0, 1.0)
    if how == EACH:
        return sign * near(a.shape)
    if how == NORM:
        return a / np.maximum(np.linalg.norm(a, axis=-1, keepdims=True), 1e-300) * near()
    if how == LARGEST:
        return a * (near() / max(np.max(np.abs(a), initial=0.0), 1e-300))
    b = a.copy()
    if b.size:
        b.flat[rng.integers(b.size)] = near() * rng.choice([-1.0, 1.0])
    return b


def table_moved(name, how, a, near, rng):
    """A table with its first or last entry, one inside, or the ratio of neighbours there."""
    start = 1 if name == "alpha_bar" else 0                      # which begins with clean data
    if len(a) <= start:
        return a
    if how == STEP:
        ratio = near()
        ratio = ratio if ratio < 1 else 1 / ratio
        first = 1.0 if start else a[0]
        return first * ratio**(np.arange(len(a)) * rng.uniform(0.9, 1.0))
    i = {FIRST: start, LAST: len(a) - 1}.get(how, int(rng.integers(start, len(a))))
    if name == "sigmas":
        return a * (near() / a[i]) if a[i] > 0 else a
    b = a.copy()
    b[i] = near()
    return np.concatenate([a[:start], np.sort(b[start:])[::-1]]) if start else b


def related(how, a, b, near, rng):
    """The second of two arguments, in a relation to the first; a number stays one."""
    a = a if np.ndim(b) else np.ravel(a)[0]
    if how == ALIKE:
        return a + near() * rng.standard_normal(np.shape(a))
    if how == RATIO:
        c = a * near()
    elif how == DIFFERENCE:
        c = a + near() * rng.choice([-1.0, 1.0])
    else:
        c = np.sqrt(np.maximum(near() - np.square(a), 0.0)) + 0 * b
    return c if np.ndim(b) else float(c)


def in_order(small, large, large_stays, unit, rng):
    """Both ends of a step in order: the one that was not put there moves."""
    share = rng.uniform(0.1, 0.9)
    if large_stays:
        least = large if np.ndim(small) else np.min(large)
        moved = np.where(np.greater_equal(small, least), share * np.asarray(least), small)
        return (moved if np.ndim(small) else float(moved)), large
    most = small if np.ndim(large) else np.max(small)
    beyond = most + (1 - np.asarray(most)) * share if unit else np.asarray(most) / share
    moved = np.where(np.less_equal(large, most), beyond, large)
    return small, (moved if np.ndim(large) else float(moved))
