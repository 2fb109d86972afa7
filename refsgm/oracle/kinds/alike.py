"""Calls in a row whose arguments agree in what code may take for a key to what it remembers.

All arguments but one; a sum, a difference, a ratio or a product of two levels; ends, signs, order,
digits; what a long array prints; or one argument is what another one was, as in a loop of calls. Of
the numbers that are asked in a row one such thing is the same, and the answer is not.
"""

import itertools
from functools import lru_cache

import numpy as np

from .drawing import arguments
from .edges import LONG_LOOP
from .forms import SHARES
from .kind import CHOICES, DATA, STATES, STEPS, TABLE, TABLES, ProbeSpec
from .nearby import UNIT
from .sizes import MANY, Cut, asked, taken_of
from .test_functions import Field, Itself
from .wide import AGAIN, MODERATE, ODD_FORM

APART = {"float64": (1e-5, 1e-7, 1e-10), "float32": (1e-5,)}        # relative, to nearby numbers
SAME_HASH, HASHED = (-1.0, -2.0), "is -1, and then -2"               # in CPython
ROUNDED = 4e-7                                 # the largest number, of which six decimals are 0
INSIDE, GAP = (7, 11), 1 / 16                  # entries, which are in no grid of every second
PRINTED = 1000                                 # entries up to which NumPy prints an array whole


@lru_cache(16)
def alike_questions(kind, seed, taken, by_row=True, dim=None, dtype="float64", long=True,
                    both=False):
    """The questions in their order, a tuple of `Cut`s.

    long  whether arrays that are not printed whole are asked too
    both  whether float32 may be asked before float64
    """
    if kind.adaptive or (dim or 0) > MANY:
        return ()
    made, table = [], kind.form in (TABLE, STATES)
    for rows in dict.fromkeys((by_row and not table, False)):
        spec = ProbeSpec("", 5, dim or 3, rows, AGAIN, seed % 2**20, 2, dtype=dtype, count=5)
        first = taken_of(kind, arguments(kind, spec), taken)
        first = {n: binary(kind, n, a) for n, a in first.items()}
        other = taken_of(kind, arguments(kind, spec._replace(seed=spec.seed + 1)), taken)
        others = {n: a for n, a in other.items() if isinstance(a, (float, np.ndarray))}
        alone = [of_one(n, a, other.get(n), dtype) for n, a in first.items()] if not made else []
        questions = itertools.chain(
            [("other numbers", others)], *alone, exchanged(kind, first, others, bool(made)),
            pairs(kind, first), pairs_of_data(kind, first, bool(made) and dim is None),
            texts(kind, first),
            *(changed(kind, n, a, other.get(n), dtype) for n, a in first.items()))
        made += in_a_row(kind, spec, first, questions)
        made += in_another_precision(kind, spec, taken, dim) if both else []
    for name in long_names(kind, taken) if long else ():
        spec, first = long_first(kind, seed, taken, name, dim, dtype)
        other = {name: inside(first[name])}
        if kind.form == STATES and name == "alpha_bar":                       # the first was asked
            first, other = first | other, {}
        those = ("long, and another inside", other), *with_zeros(name, first[name])
        made += in_a_row(kind, spec, first, those if other else ())
    return tuple(made)


def long_first(kind, seed, taken, name, dim, dtype):
    """A spec, and arguments of which this one is not printed whole."""
    table, D = kind.form in (TABLE, STATES), dim or 40
    spec = ProbeSpec("", 1 if table else 1 + PRINTED // D, dim or 1 if table else D, False, AGAIN,
                     5 + seed % 2**20, dtype=dtype, count=PRINTED + 1 if table else 5)
    if name == "means":
        spec = spec._replace(B=2, count=1 + PRINTED // D)
    if kind.form == STATES and name == "alpha_bar":
        spec = spec._replace(B=2, D=dim or 2, seed=4, count=LONG_LOOP)
    elif kind.form == STATES:
        spec = spec._replace(given=(("method", "euler"),))
    drawn = spec._replace(regime=MODERATE if name == "means" else AGAIN)
    return spec, taken_of(kind, arguments(kind, drawn), taken)


def in_a_row(kind, spec, first, questions):
    """The first question, and the others where they have another answer than it.

    questions  (words, changes) each, or of several that agree with each other (words, *changes)
    """
    start = asked(kind, spec, first)
    if start is None:
        return []
    start.spec = spec._replace(label="call after call: the first")
    made = [start]
    for words, *several in questions:
        found = [one for one in (changed_question(kind, spec, first, words, changes)
                                 for changes in several) if one is not None]
        if len(found) == len(several):
            made += [*found, start]                    # which some remember as the last call alone
    return made[:-1] if spec.count >= PRINTED and len(made) > 1 else made


def changed_question(kind, spec, first, words, changes):
    """The question with some changes of the first, or None where it is at an end or beyond."""
    if any(np.any(np.equal(a, 0)) for n, a in changes.items() if n not in DATA
           and isinstance(a, (float, np.ndarray))):
        return None
    found = asked(kind, spec, first | changes)
    if found is not None:
        other = any(np.ndim(a) != np.ndim(first[n]) for n, a in changes.items())
        found.spec = spec._replace(label=f"call after call: {' and '.join(changes)} {words}",
                                   regime=ODD_FORM if other else spec.regime)
    return found


def in_another_precision(kind, spec, taken, dim):
    """Sizes that come for the first time in float32, and then in float64 with the same numbers."""
    spec = spec._replace(B=6, D=dim or spec.D + 1, count=6, dtype="float32")
    found = asked(kind, spec, taken_of(kind, arguments(kind, spec), taken))
    if found is None:
        return []
    found.spec = spec._replace(label="call after call: the first of its size, in float32")
    return [found, Cut(spec._replace(label="call after call: in float32, and now in float64",
                                     dtype="float64"), found.args, found.want)]


def binary(kind, name, a):
    """An argument whose sums and products are exact: with few binary digits."""
    if isinstance(a, float) or isinstance(a, np.ndarray) and a.ndim == 2 and (
            kind.is_level(name) or name in DATA):
        unit = 2.0**(10 if name in UNIT else 6)
        b = np.where(np.abs(a) * unit < 1, a, np.round(np.asarray(a) * unit) / unit)
        return float(b) if isinstance(a, float) else b
    return a


def of_one(name, a, other, dtype):
    """(words, changes): one argument that is another, or the same numbers in another order."""
    if isinstance(a, str):
        for word in CHOICES.get(name, ()):
            if word != a:
                yield f"is {word}", {name: word}
    elif isinstance(a, int):
        yield "is one more", {name: a + 1}
    elif not isinstance(a, np.ndarray):
        yield "is another", {name: other}
    elif a.ndim > 1:
        if a.shape[-1] > 1:
            yield "with its features in another order", {name: a[..., ::-1].copy()}
        yield "in another order", {name: a[..., ::-1, ::-1].copy()}
        yield "with its rows in another order", {name: a[..., ::-1, :].copy()}
        for k in INSIDE:
            if k < a.size:
                b = a.copy()
                b.flat[k] *= 0.75
                yield f"has another entry {k}", {name: b}
    else:
        yield "in another order", {name: a[::-1].copy()}
        k = len(a) // 2
        if len(a) > 3:
            moved = a.copy()
            moved[k - 1:k + 1] += 0.01 * np.array([-1, 1]) * a[k]
            yield "with the same ends and sum", {name: moved}
        for share in (APART[dtype][0], APART[dtype][-1]):            # and the same in float32
            less = a.copy()
            less[k] *= 1 - share
            yield f"has one entry {share:g} less", {name: less}


def exchanged(kind, first, others, numbers):
    """(words, changes): other numbers, of which one is what another one was in the first call.

    numbers  whether they are of numbers alone
    """
    those = float if numbers else (float, np.ndarray)
    alike = [n for n, a in first.items() if isinstance(a, those)]
    for n, m in itertools.permutations(alike, 2):
        a, b = first[n], first[m]
        same = (kind.is_level(n) == kind.is_level(m) and (n in SHARES) == (m in SHARES)
                and type(a) is type(b) and np.shape(a) == np.shape(b))
        if same and not np.array_equal(a, b):
            args = others | {n: b}
            for small, large in STEPS:
                if {small, large} <= args.keys() and n in (small, large):
                    args |= {small: 0.4 * b} if n == large else {
                        large: b + 0.4 * (1 - b) if n in SHARES else 2.5 * b}
            yield f"other numbers, {n} as {m} was before", args


def pairs(kind, first):
    """(words, changes): two numbers or levels, of which one relation is the same."""
    names = [n for n, a in first.items() if isinstance(a, float) or kind.is_level(n)]
    for n, m in itertools.combinations(names, 2):
        a, b = first[n], first[m]
        for gap in (1 / 16, -1 / 16):
            yield "with their difference", {n: a + gap, m: b + gap}
            yield "with their sum", {n: a + gap, m: b - gap}
            if np.ndim(a) == np.ndim(b):                                    # a number stays one
                yield "with the difference of their squares", squares(n, a, m, b, gap, -1)
                yield "with the sum of their squares", squares(n, a, m, b, gap, 1)
        for factor in (0.5, 2.0):
            yield "with their ratio", {n: factor * a, m: factor * b}
            yield "with their product", {n: factor * a, m: b / factor}
        if {n, m} <= UNIT:
            yield "with the ratio of their noises", {n: 0.5 + a / 2, m: 0.5 + b / 2}


def pairs_of_data(kind, first, numbers):
    """(words, changes): two arrays of data that are exchanged, or of which one relation is the
    same, or of data and a level, whose product may be none; the same numbers in another shape.

    numbers  whether levels are numbers and D is free, so that rows may be other ones
    """
    data = {n: a for n, a in first.items() if n in DATA and np.ndim(a) > 1 and not kind.is_level(n)}
    for n, m in itertools.combinations(data, 2):
        a, b = data[n], data[m]
        if a.shape == b.shape:
            yield "exchanged", {n: b, m: a}
            yield "with their difference", {n: a + GAP, m: b + GAP}
            yield "with their sum", {n: a + GAP, m: b - GAP}
            yield "with their product", {n: 2 * a, m: b / 2}
            yield "with their ratio", {n: 2 * a, m: 2 * b}
    levels = {n: a for n, a in first.items() if kind.is_level(n) or isinstance(a, float)}
    for n, a in levels.items():
        for m, b in data.items():
            if np.ndim(a) == 0 or np.ndim(b) == 2 and len(a) == len(b):
                yield "with their product", {n: 0.5 * a, m: 2 * b}
                yield "with their ratio", {n: 0.5 * a, m: 0.5 * b}
        if data:
            zeros = {m: 0 * b for m, b in data.items()}
            yield f"where all data are zero, and another {n}", zeros, zeros | {n: 0.5 * a}
    for m in data if levels else ():
        zero = {m: 0 * data[m]}
        yield "is zero, and all levels others", zero, zero | {n: 0.5 * a for n, a in levels.items()}
    passed = {n: a.as_a(Itself) for n, a in first.items() if isinstance(a, Field)}
    arrays = [a for a in first.values() if not isinstance(a, (float, str, Field))]
    if numbers and data and len(arrays) == len(data):
        other = {n: a.reshape(*a.shape[:-2], *a.shape[:-3:-1]) for n, a in data.items()}
        yield "in another shape", *[passed] * bool(passed), passed | other


def texts(kind, first):
    """(words, changes, changes): two numbers whose texts, written together, are the same."""
    names = [n for n, a in first.items() if isinstance(a, (int, float))]
    for n, m in zip(names, names[1:]):
        if isinstance(first[m], int) and isinstance(first[n], float):
            yield "as one text", {n: 1.0, m: 15}, {n: 1.01, m: 5}
        elif isinstance(first[m], float) and isinstance(first[n], float):
            yield "as one text", {n: 1.5, m: 22.5}, {n: 1.52, m: 2.5}


def squares(n, a, m, b, gap, sign):
    """One number moved, and the other so that a^2 + sign b^2 is the same."""
    moved = a + gap
    other = np.copysign(np.sqrt(np.maximum(b**2 - sign * (moved**2 - a**2), 0.0)), b)
    return {n: moved, m: float(other) if np.ndim(other) == 0 else other}


def changed(kind, name, a, other, dtype):
    """(words, changes): one argument, of which one thing is the same."""
    if isinstance(a, float) or isinstance(a, np.ndarray):
        for share in APART[dtype]:
            yield f"is {share:g} less", {name: a * (1 - share)}
        small = a * (ROUNDED / np.max(np.abs(a), initial=1e-300))
        yield "where all are rounded to zero", *({name: b if np.ndim(a) else float(b)} for b in (
            small, 0.8 * small if np.ndim(a) != 1 else inside(small)))
    if isinstance(a, float):
        yield "with the other sign", {name: -a}
    if isinstance(a, float) or name == "mean":
        yield HASHED, *({name: number} for number in SAME_HASH)
    elif isinstance(a, np.ndarray) and a.size and a.ndim > 1:
        yield f"in its first entry {HASHED}", *({name: with_first(a, b)} for b in SAME_HASH)
        yield HASHED, *({name: np.full_like(a, b)} for b in SAME_HASH)
    if isinstance(a, np.ndarray):
        for gap in (1.0, GAP):
            yield f"moved by {gap:g}, with its differences", {name: a + gap}
        yield "with its ratios", {name: a / 2}
    if not isinstance(a, np.ndarray) or np.shape(other) != np.shape(a):
        return
    if name in DATA and a.ndim > 1 and not kind.is_level(name):
        yield "with other signs", {name: -a}
        yield "with some other signs", {name: a * np.where(np.arange(a.shape[-1]) % 2, 1, -1)}
        yield "with the same corners", {name: inside(a)}
    if name == "means":
        yield "with the same corners", {name: inside(a)}
    axis = a.ndim - 2 if a.ndim > 1 else 0
    keep = np.moveaxis(np.arange(a.shape[axis]) + np.zeros(np.moveaxis(a, axis, -1).shape),
                       -1, axis)
    last = a.shape[axis] - 1
    for words, kept in (("with the same first", keep == 0), ("with the same last", keep == last),
                        ("with the same ends", (keep == 0) | (keep == last)),
                        ("with the same first feature", in_first_feature(a))):
        mixed = np.where(kept, a, other)
        if a.ndim == 1 and name != "betas" and name != "weights":
            mixed = np.sort(mixed)[::-1].copy()
        if not np.array_equal(mixed, a):
            yield words, {name: mixed}
    if a.ndim > 1 and a.shape[axis] > 3:
        moved = a.copy()
        gap = np.minimum(np.abs(a[..., 1:2, :]), np.abs(a[..., 2:3, :])) / 8
        moved[..., 1:2, :] += gap
        moved[..., 2:3, :] -= gap
        yield "with the same ends and sum", {name: moved}


def with_first(a, number):
    """An array with another first entry."""
    b = a.copy()
    b.flat[0] = number
    return b


def in_first_feature(a):
    """Which entries are in the first feature; of a table, and of one feature, all are."""
    return (np.arange(a.shape[-1]) == 0) | np.zeros(a.shape, bool) | (a.ndim == 1)


def with_zeros(name, a):
    """(words, changes): data of which every other feature is zero, (); of others nothing."""
    if name in DATA:
        yield "long, and zero in part", {name: a * (np.arange(a.shape[-1]) % 2)}


def inside(a):
    """An array with the same first and last entries, and others in the middle."""
    b, flat = a.copy(), a.size
    middle = np.arange(flat).reshape(a.shape)
    part = (middle > 0.4 * flat) & (middle < 0.6 * flat) if flat > 50 else (
        (middle > 0) & (middle < flat - 1))
    if a.ndim > 1:
        return np.where(part, 1.25 * b + 0.25, b)
    part = np.flatnonzero(part)                              # a table that falls or rises, as it is
    if len(part):
        b[part] += 0.5 * (b[part[0] - 1] - b[part])
    return b


def long_names(kind, taken):
    """The arguments that may be so long that they are not printed whole."""
    tables = [n for n in TABLES if n in taken and not kind.is_level(n)]
    if kind.form in (TABLE, STATES):                    # more states are not read
        return tables if "steps_per_level" not in taken else []
    if kind.derivative or kind.sliced or kind.answer is not None or "sigmas" in taken:
        return []
    data = [n for n in taken if n in DATA and n not in kind.draw and not kind.is_level(n)]
    return [*data, *(n for n in ("means",) if n in taken)]
