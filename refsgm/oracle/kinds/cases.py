"""Questions whose arguments are a case of their own, each of the cases once.

Code in good faith takes a shortcut where its arguments allow it, and tests for that by less than it
needs: along axes, twice the same direction, the ends of a known schedule, components in order, data
of the deviation that they should have. What nearly is such a case is asked, and what is one.
"""

import itertools
from functools import lru_cache

import numpy as np

from . import clouds, published
from .along import NEARLY, OF_BASES, OF_CASES, OF_TWO_DIRECTIONS, cases, two_directions
from .kind import COUNTS, DATA, FUNCTION, FUNCTIONS, LEVEL, STATES, STEPS, TABLE, TABLES, ProbeSpec
from .nearby import UNIT
from .patterns import changed, weighted
from .sizes import MANY, asked, cut, originals, regimes_of, taken_of
from .test_functions import Itself
from .wide import MODERATE

MOST, MOST_OF_LOOPS = 6, 4                           # rows, features, entries
DIRECTIONS = 2, 5                                    # from, and below
ALONG_AXES, OTHERS = 9, 4                            # of `OF_CASES`, the first ones and so many
FUNCTION_SIZES = {"tiny": 1e-10, "small": 1e-8, "large": 1e6}
USUAL = 1.5                                          # deviation of data, at most
DIGITS = 1, 2, 3                                     # to which a number is rounded
CIRCLE = 3e-6                                        # relative, off the circle of a VP path
THOUSANDTHS = 1000.0
PLAIN = "step", "step_size", "gamma", "bin_width"        # numbers that may be any positive ones
STATISTICS = {
    "the mean of": lambda a: abs(float(np.mean(a))),
    "the root mean square of": lambda a: np.sqrt(np.mean(a**2)),
    "the length of the first row of": lambda a: np.linalg.norm(a.reshape(-1, a.shape[-1])[0]),
    "the largest entry of": lambda a: np.max(np.abs(a))}


class Case:
    """One question: words for it, the changes (args, rng) -> {name: value}, and its sizes."""

    def __init__(self, words, changes, **sizes):
        self.words, self.changes, self.sizes = words, changes, sizes


@lru_cache(16)
def case_questions(kind, seed, taken, by_row=True, dim=None, dtype="float64", most=None,
                   both=False):
    """The questions, a tuple of `Cut`s, in any order.

    taken  the names of the arguments that the code has
    most   how many, None for all
    both   whether some are in float32
    """
    if kind.adaptive or (dim or 0) > MANY:
        return ()
    dtypes = (dtype, "float32") if both else (dtype,)
    rng, made, fields = np.random.default_rng([seed, 37]), [], {}
    rows = by_row and kind.form not in (TABLE, STATES)
    base = originals(kind, seed, by_row, dim, dtype)[::len(regimes_of(kind, dtype))]
    turns = [case for make in (of_data, of_directions, of_tables, of_numbers, of_mixtures,
                               of_functions, of_statistics, of_pairs, of_weights, of_levels,
                               of_steps)
             for case in make(kind, taken, rng, dtypes)]
    for i in rng.permutation(len(turns))[:most]:
        case, high = turns[i], MOST_OF_LOOPS if kind.form == STATES else MOST
        B, D, count = (int(n) for n in rng.integers(2, high + 1, 3))
        spec = ProbeSpec("", B, D, rows, MODERATE, seed, dtype=dtype, count=count)
        spec = spec._replace(**{"label": case.words} | case.sizes)
        spec = spec._replace(D=dim or spec.D)
        if case.sizes.get("M") == -1:                                 # as many as features
            spec = spec._replace(M=spec.D)
        args = taken_of(kind, cut(kind, base[i % len(base)], spec, rng, fields, (0.1, 0.0)), taken)
        args = of_usual_size(args) if any(n in FUNCTIONS for n in args) else args
        with np.errstate(all="ignore"):
            args |= case.changes(args, rng)
        found = asked(kind, spec, args)
        if found is not None:
            made.append(found)
    return tuple(made)


def of_usual_size(args):
    """The arguments with data at which a cubic hides nothing."""
    return args | {n: a / max(1.0, np.std(a) / USUAL) for n, a in args.items()
                   if n in DATA and np.ndim(a) > 1}


def data_of(kind, taken):
    """Names of the arguments that are data."""
    return [n for n in kind.args if n in DATA - FUNCTIONS and n in taken and n not in kind.draw
            and not kind.is_level(n)]


def of_data(kind, taken, rng, dtypes):
    """Data in each case: all arguments at once, each in another one."""
    names, turns = data_of(kind, taken) if kind.form != STATES else [], cases(dtypes[0])
    if any(n in FUNCTIONS for n in kind.args):
        turns = [*turns[:ALONG_AXES], *rng.permutation(turns[ALONG_AXES:])[:OTHERS].tolist()]
    elif "means" in kind.args:
        turns = rng.permutation(turns)[:OTHERS].tolist()
    first = rng.permutation(len(turns))
    for i in range(len(turns)) if names else ():
        those = {n: turns[(i + first[j]) % len(turns)] for j, n in enumerate(names)}

        def changes(args, rng, those=those):
            return {n: OF_CASES[word](args[n], rng) for n, word in those.items()
                    if np.ndim(args[n]) > 1}
        yield Case(", ".join(f"{n} {w}" for n, w in those.items()), changes,
                   **{"M": 2} if i % 2 and kind.sliced else {})


def of_directions(kind, taken, rng, dtypes):
    """Several directions, of which one is related to another, or which are a basis."""
    if not kind.sliced:
        return
    several = [two_directions(word, but) for word in OF_TWO_DIRECTIONS
               for but in (False, True)[:1 + (rng.uniform() < 0.3)]]
    for words, f in (*several, *OF_BASES.items()):
        M = -1 if words in OF_BASES else int(rng.integers(*DIRECTIONS))
        yield Case(f"v {words}", lambda args, rng, f=f: {"v": f(args["v"], rng)}, M=M,
                   **{"D": int(rng.integers(2, 4))} if M < 0 else {})


def of_tables(kind, taken, rng, dtypes):
    """A published table, and such as are one in part, short and long ones."""
    for name in TABLES:
        if name not in taken or name not in kind.args or kind.is_level(name):
            continue
        lengths = (None,) if kind.form != TABLE else (None, *published.LENGTHS)
        those, start = list(published.VARIANTS), int(rng.integers(100))
        for i, (word, n) in enumerate(itertools.product(those, lengths)):
            count = n or int(rng.integers(3, 30 if kind.form == TABLE else 8))

            def changes(args, rng, name=name, word=word, which=start + i):
                n = len(args[name]) - (name == "alpha_bar")
                made = {name: published.table(name, n, word, rng, which)}
                if kind.form == STATES and "step_size" in args and name == "sigmas":
                    made["step_size"] = 0.1 * float(made[name][-1] / made[name][0])**2
                return made
            yield Case(f"published {name} {word}".rstrip(), changes, count=count)


def of_numbers(kind, taken, rng, dtypes):
    """Published numbers, and all of them but one."""
    if kind.form == STATES:
        return
    names = [n for those in published.NUMBERS for n in those if n in taken and n in kind.args]
    for but in dict.fromkeys([None, *(n for n in names if len(names) > 1)]) if names else ():
        for _ in range(2 + (kind.form in (TABLE, LEVEL))):
            yield Case(f"published numbers{f' but for {but}' if but else ''}",
                       lambda args, rng, but=but: published.numbers(args, rng, but))


def of_mixtures(kind, taken, rng, dtypes):
    """Components in each order, few and many of them, with weights in each."""
    if not {"x", "means", "weights", "sigma"} <= set(kind.args):
        return
    weights, few = itertools.cycle(clouds.OF_WEIGHTS.items()), itertools.cycle(clouds.OTHERS)
    for i, (word, distances) in enumerate(clouds.OF_DISTANCES.items()):
        sizes = [(clouds.MOST, int(rng.integers(*clouds.FEATURES))), next(few)]
        for K, D in sizes[:1 + i % 2]:
            heavy, shares = next(weights)

            def changes(args, rng, distances=distances, shares=shares):
                n = len(args["weights"])
                return clouds.placed(args, distances(n, rng), shares(n))
            yield Case(f"components with {word}, weights {heavy}", changes, count=K, D=D,
                       B=int(rng.integers(1, 4)))
    around = [(0.0, clouds.MOST, MODERATE)]
    if kind.logarithm and dtypes[0] != "float32":                    # an edge is judged closer
        around += [(clouds.ORIGIN, 10, "edge")]
    for origin, D, regime in around:
        yield Case(f"many components around {origin:g}",
                   lambda args, rng, origin=origin: clouds.among(args, origin),
                   count=clouds.MOST, D=D, B=clouds.ROWS, regime=regime)
    for word in ("where the data are", "where the data are, in another order"):
        yield Case(f"components {word}", lambda args, rng, word=word: {
            "means": args["x"][rng.permutation(len(args["x"]))] if "order" in word else
            args["x"].copy()}, count=4, B=4)


def of_functions(kind, taken, rng, dtypes):
    """A function whose values are tiny, small or large, in float32 no small ones, which a complex
    step of 1e-40 leaves without digits; one that returns its argument.
    """
    name = next((n for n in kind.args if n in FUNCTIONS and n not in kind.draw), None)
    if name and kind.form not in (FUNCTION, STATES):
        yield Case(f"{name} itself", lambda args, rng: {name: args[name].as_a(Itself)})
    for word, size in FUNCTION_SIZES.items() if name else ():
        if size < 1 and dtypes[0] == "float32" or size > 1 and kind.form == STATES:
            continue

        def changes(args, rng, size=size):
            return {name: weighted(args[name], size, size, size)}
        for dtype in dtypes if size > 1 else dtypes[:1]:
            yield Case(f"{name} {word}", changes, dtype=dtype)


def of_statistics(kind, taken, rng, dtypes):
    """A number, or a level in all rows, that is a statistic of data, exactly or in few digits."""
    data = data_of(kind, taken)
    others = {*kind.args} & {*taken} - {*UNIT, *COUNTS, *TABLES, *DATA}
    numbers = [n for n in kind.args if n in others and (
        kind.is_level(n) or n.startswith("sigma") or n in PLAIN)]
    if not data or kind.form == STATES or kind.is_step:
        return
    for name in numbers:
        those = [("the deviation of", np.std, other) for other in data]
        for word in rng.permutation(list(STATISTICS))[:2].tolist():
            those.append((word, STATISTICS[word], str(rng.choice(data))))
        for word, f, other in those:
            digits = (None, *DIGITS)[rng.integers(4)]

            def changes(args, rng, name=name, f=f, other=other, digits=digits):
                value = float(f(args[other]))
                value = value if digits is None else round(value, digits)
                return {name: value + 0 * args[name]} if value > 0 else {}
            yield Case(f"{name} {word} {other}", changes, M=0)


def of_pairs(kind, taken, rng, dtypes):
    """Two arguments of data, or two levels, one of which is nearly the other, in all rows or but
    for one.
    """
    data = data_of(kind, taken) if kind.form != STATES else []
    pairs = list(itertools.permutations(data, 2))
    words = rng.permutation(list(OF_TWO_DIRECTIONS)).tolist()
    dear = any(n in FUNCTIONS for n in kind.args)
    for word in words[:len(words) // 2 if dear else None] if pairs else ():
        n, m = pairs[rng.integers(len(pairs))]
        but = rng.uniform() < 0.5
        yield Case(f"{m} {word} {n}{' but for one row' if but else ''}",
                   lambda args, rng, n=n, m=m, word=word, but=but: {
                       m: of_two(args[n], args[m], OF_TWO_DIRECTIONS[word], but, rng)})
    levels = [n for n in kind.args if n in taken and kind.is_level(n) and n not in UNIT
              and n not in kind.draw]
    for n, m in itertools.combinations(levels, 2):
        if (n, m) in STEPS:                                        # the smaller by the larger
            n, m = m, n
        for word in ("like", "nearly like"):
            yield Case(f"{m} {word} {n} but for one row", lambda args, rng, n=n, m=m, word=word: {
                m: of_two(args[n], args[m], lambda a, b, rng: a * (
                    1 - NEARLY * (word == "nearly like")), True, rng)})


def of_two(a, b, f, but, rng):
    """The second of two arguments, by the first and by itself; one row may stay."""
    if np.ndim(a) < 2 or np.ndim(b) < 2:
        return b
    c = f(a[0] if np.ndim(a) > np.ndim(b) else a, b, rng) + 0 * b
    k = rng.integers(b.shape[-2])
    return changed(c, (..., k, slice(None)), b[..., k, :]) if but else c


def of_weights(kind, taken, rng, dtypes):
    """Weights of noise levels: those that are left out, and others that are known, but for one."""
    if not {"sigmas", "weights"} <= set(kind.args) & {*taken}:
        return
    for power, but in itertools.product((0, 1, 2, -2), (False, True)):
        yield Case(f"weights sigma^{power}{' but for one' if but else ''}",
                   lambda args, rng, power=power, but=but: {
                       "weights": powers(args["sigmas"], power, but, rng)})


def powers(a, power, but, rng):
    """A power of each level, of one of them three times as much."""
    b, k = a**float(power), rng.integers(len(a))
    return changed(b, k, 3 * b[k]) if but else b


def of_levels(kind, taken, rng, dtypes):
    """Levels in the order of a published table, times in thousandths, levels near a circle."""
    levels = [n for n in kind.args if n in taken and kind.is_level(n) and n not in kind.draw]
    if kind.is_step:
        return
    for name in levels:
        for word in ("in thousandths", "in thousandths, moved", "of a published table"):
            yield Case(f"{name} {word}", lambda args, rng, n=name, word=word: {
                n: in_a_grid(n, args[n], word, rng)}, B=int(rng.integers(3, MOST)))
    if {"scale", "sigma"} <= set(levels):
        for but, off in itertools.product((False, True), (0.0, CIRCLE, 1e-4)):
            yield Case(f"levels {off:g} off a circle{' but for one row' if but else ''}",
                       lambda args, rng, but=but, off=off: near_circle(args, but, off, rng))


def in_a_grid(name, a, word, rng):
    """Levels (B, 1) that are entries of a table, or times of one of a thousand steps."""
    n = np.size(a)
    order = np.arange(n)[::rng.choice([-1, 1])] if rng.uniform() < 0.7 else rng.permutation(n)
    order = np.arange(n) if "moved" in word else order
    if word == "of a published table":
        those = published.table("sigmas" if name.startswith("sigma") else "alpha_bar", 40, "", rng)
        b = those[1 + rng.integers(len(those) - n - 1) + order]
        b = b if name in UNIT or name.startswith("sigma") else np.abs(1 - b)
    else:
        off = 0.5 * ("moved" in word)
        b = (rng.integers(1, THOUSANDTHS - n) + order + off) / THOUSANDTHS
    return np.reshape(b, np.shape(a)) if np.ndim(a) else float(b[0])


def near_circle(args, but, off, rng):
    """scale and sigma with scale^2 + sigma^2 close to 1, in all rows or in all but one."""
    a, s = args["scale"], args["sigma"]
    size = np.sqrt(a**2 + s**2) / (1 + off)
    if but and np.ndim(size):
        size = changed(size, rng.integers(len(size)), 1.0)
    return {"scale": a / size, "sigma": s / size}


def of_steps(kind, taken, rng, dtypes):
    """Steps that follow one another, row by row, and steps of published tables."""
    pairs = [pair for pair in STEPS if set(pair) <= set(kind.args)]
    for small, large in pairs if kind.form != STATES else ():
        for word in ("in a chain", "in a falling chain", "of a published table"):
            yield Case(f"steps {word}", lambda args, rng, word=word, small=small, large=large:
                       in_a_chain(small, large, args, word, rng))


def in_a_chain(small, large, args, word, rng):
    """Both levels of a step, of which the smaller one is the larger one of the next row."""
    n = np.size(args[large])
    if word == "of a published table":
        those = published.table("sigmas" if "sigma" in large else "alpha_bar", 40, "", rng)
        those = those if large != "t" else 1 - those[::-1]
        first = int(rng.integers(1, len(those) - n - 1))
        ends = np.sort(those[first:first + n + 1])[::-1]
    else:
        below = np.ravel(args[small])[:1] if np.ndim(args[small]) else [float(args[small])]
        ends = np.sort(np.append(np.ravel(args[large]), 0.7 * np.min(below)))[::-1]
    order = np.arange(n) if word == "in a falling chain" else rng.permutation(n)
    return {name: np.reshape(a[order], np.shape(args[name])) if np.ndim(args[name]) else float(a[0])
            for name, a in ((large, ends[:-1]), (small, ends[1:]))}
