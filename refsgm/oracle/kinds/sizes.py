"""Every size once, and every pattern: small arguments cut out of a few large ones, by a seed.

A bound, a block or a special case may lie at any number of rows, features, directions, components,
entries or steps. Each of these sizes is asked, up to where tables of published code are, and some
around powers of two and ten beyond; a cut costs little, so there are some hundreds. Levels come as
numbers beside columns now and then, and most arguments have one of the `patterns`.
"""

from functools import lru_cache

import numpy as np

from .drawing import arguments, in_float32
from .edges import RUNAWAY, answer, is_undecided
from .kind import CHOICES, DATA, FUNCTION, FUNCTIONS, LEVEL, STATES, TABLE, TABLES, ProbeSpec
from .nearby import UNIT
from .patterns import Patterns, beside
from .test_functions import Field, Noise, turned
from .wide import ANY_SIZE, DECADES_OF_ROOTS, MODERATE, ODD_FORM

ROWS, FEATURES, COMPONENTS, DIRECTIONS = 33, 40, 40, 6          # each from 1 to here
ENTRIES, LONG, LONGEST = 200, 96, 1001          # tables: every length to the first, then so many
LOOPS, STEPS = 12, 16                           # loops; of one number, each length to here
# Where counters of few bits end, blocks and pages do, and 1 / n is rounded: steps of loops, entries
# of tables, rows and features of data, the last of few numbers each
LONGER_LOOPS = *range(STEPS + 1, 25), 26, 29, 31, 33, 37, 39    # of levels, where it has two counts
LONG_LOOPS, ALL_STATES = (49, 256), 1000                         # of which no more are read
LONG_TABLES = 256, 257, 512, 513, 513, 1024, 1025, 4096, 4097         # now and then twice
MANY_ROWS = 65, 128, 256, 257, 257, 513, 1025
MANY_FEATURES = 64, 129, 257, 784
MANY_NUMBERS = 130                              # rows and features at once
MANY_DIRECTIONS = 16, 33
MANY_COMPONENTS = 64, 128, 129, 256, 257, 1000
OF_FUNCTION_ROWS = 257
OFTEN = 0.35                                    # an argument has a pattern
CHEAP, OF_MIXTURES, WITH_FUNCTION, WITH_DERIVATIVE = 80, 50, 40, 40   # by what an answer costs
OF_TORCH = 40
ORIGINALS, ROOM = 12, 24                        # arguments to cut from, and where cuts may begin
LENGTHS = ("n_levels", "n_steps")
MANY = 64                                       # features above which no size is asked
TRIES = 4                                       # originals that a cut may come from
SHORTEST = 1e-12                       # time but 0: of others 1 - scale^2 knows nothing
SHARES = "alpha_bar", "alpha_bar_t", "alpha_bar_s"
LEAST_NOISE = 1e-7                     # 1 - alpha_bar but 0: betas have few digits there
FAR = 1e4                                       # exponents of a mixture, at most
LARGEST = 1e30                                  # number of an answer in float32


class Cut:
    """One question: a `ProbeSpec` that says where, the arguments, and the right answer, a tuple."""

    def __init__(self, spec, args, want):
        self.spec, self.args, self.want = spec, args, want


@lru_cache(16)
def cuts(kind, seed, taken, by_row=True, dim=None, dtype="float64", most=None, whole=False):
    """The questions, a tuple.

    taken  the names of the arguments that the code has
    most   how many of them, None for all
    whole  whether a number may be an integer, and levels a table
    """
    if kind.adaptive or (dim or 0) > MANY:
        return ()
    rng, n = np.random.default_rng([seed, 29]), how_many(kind) if most is None else most
    base, regimes = originals(kind, seed, by_row, dim, dtype), regimes_of(kind, dtype)
    sizes = [*sizes_in_turn(kind, rng, how_many(kind), dim), *large_sizes(kind, dim)]
    made, fields, patterns = [], {}, Patterns(kind, rng, whole, dtype)
    for i in range(0, len(sizes), max(1, len(sizes) // max(n, 1))):
        B, D, M, count = sizes[i]
        spec = ProbeSpec("", B, D, by_row and kind.form not in (TABLE, STATES), MODERATE, seed, M,
                         dtype=dtype, count=count)
        for j in range(i, i + TRIES):
            source = base[j % len(base)]
            if count > {TABLE: LONGEST, STATES: STEPS}.get(kind.form, count):
                source = arguments(kind, spec._replace(regime="plain"))
            elif B > ROWS + ROOM:                                   # no two rows are the same
                source = arguments(kind, spec._replace(
                    B=B + ROOM, D=D + ROOM * (dim is None), count=COMPONENTS + ROOM,
                    regime=regimes[j % len(regimes)]))
            often = (0.3, 0.1) if i >= ROWS else (0, 0)  # the first of each size are columns
            args, words = patterns.laid(cut(kind, source, spec, rng, fields, often),
                                        OFTEN * (j < i + TRIES - 1))
            spec = spec._replace(label=", ".join(words), regime=MODERATE)
            if whole and kind.form == LEVEL and B > 1 and rng.uniform() < 0.5:
                args, word = in_tables(args, rng)
                spec = spec._replace(label=", ".join([word, *words]), regime=ODD_FORM)
            elif whole and np.ndim(args.get("mean")) == 2 and rng.uniform() < OFTEN:
                args = args | {"mean": args["mean"][0]}
                spec = spec._replace(label=", ".join([*words, "a mean (D,)"]), regime=ODD_FORM)
            found = asked(kind, spec, taken_of(kind, args, taken))
            if found is not None:
                made.append(found)
                break
    return tuple(made)


def in_tables(args, rng):
    """(arguments with levels (B,), words): as they are, or in order, as those of a schedule are,
    and all on one side of a number, now and then.
    """
    levels = {n: np.ravel(a) for n, a in args.items() if np.ndim(a) == 2}
    turn = (0, 1, 1, 2, 2)[rng.integers(5)] if levels else 0
    if turn:
        name = next(iter(levels))
        order = np.argsort(levels[name])[::(1, -1)[turn - 1]]
        levels = {n: a[order] for n, a in levels.items()}
        numbers = [a for a in args.values() if isinstance(a, float) and a > 0]
        if numbers and levels[name][0] > 0 < levels[name][-1] and rng.uniform() < 0.7:
            levels[name] = beside(numbers[rng.integers(len(numbers))], levels[name],
                                  ("above", "below")[rng.integers(2)], name in UNIT)
    return args | levels, ("levels in a table", "a rising table", "a falling table")[turn]


def taken_of(kind, args, taken):
    """The arguments without those that have defaults and that the code has not got."""
    optional = kind.args[kind.required:]
    return {name: a for name, a in args.items() if name in taken or name not in optional}


def asked(kind, spec, args):
    """The `Cut` at some arguments, or None outside of the domain and where it is infinite."""
    if spec.dtype == "float32":                                     # where two levels may be one
        args = {name: in_float32(a) if isinstance(a, np.ndarray) or kind.is_level(name) else a
                for name, a in args.items()}
    times = np.concatenate([np.ravel(args[n]) for n in ("t", "s") if n in args] or [[]])
    noise = 1 - np.concatenate([np.ravel(a) for n, a in args.items() if n in SHARES] or [[]])
    if is_undecided(kind, args) or is_far(args) or loses_root(args):
        return None
    if np.any((0 < times) & (times < SHORTEST)) or (
            np.any((0 < noise) & (noise < LEAST_NOISE))):
        return None
    try:
        want = answer(kind, args)
    except (ValueError, ArithmeticError, IndexError):
        return None
    most = RUNAWAY if kind.form == STATES else LARGEST if spec.dtype == "float32" else np.inf
    if not all(np.all(np.isfinite(w) & (np.abs(w) <= most)) for w in want):
        return None
    return Cut(spec._replace(label=label_of(kind, spec)), args, want)


def is_far(args):
    """Whether a row is so far from all means of a mixture that the shares of these lose digits."""
    if "means" not in args:
        return False
    nearest = np.min(np.sum((args["x"][:, None] - args["means"])**2, axis=2), axis=1)
    return np.any(nearest > 2 * FAR * np.ravel(args["sigma"])**2)


def loses_root(args):
    """Whether the smaller end of Karras's levels is lost beside the larger in sigma^(1 / rho)."""
    if not {"rho", "sigma_min", "sigma_max"} <= args.keys():
        return False
    with np.errstate(all="ignore"):
        decades = np.abs(np.log10(np.divide(args["sigma_max"], args["sigma_min"])))
    return decades > DECADES_OF_ROOTS * args["rho"]


def label_of(kind, spec):
    """The sizes and patterns in words."""
    more = f", {spec.label}" if spec.label else ""
    if kind.form == TABLE:
        return f"a table of {spec.count}{more}"
    if any(n in (*TABLES, "weights", *LENGTHS) and not kind.is_level(n) for n in kind.args):
        more = f", {spec.count} entries{more}"
    return f"B = {spec.B}, D = {spec.D}{more}"


def how_many(kind):
    """The number of cuts."""
    if kind.form == TABLE:
        return ENTRIES + LONG
    if kind.form == STATES:
        return LOOPS + STEPS
    if "means" in kind.args:
        return OF_MIXTURES
    passed = any(n in FUNCTIONS and n not in kind.draw for n in kind.args)
    dear = kind.form == FUNCTION or kind.sliced or kind.derivative or "sigmas" in kind.args
    return WITH_DERIVATIVE if dear or kind.answer is not None else WITH_FUNCTION if passed else (
        CHEAP)


def sizes_in_turn(kind, rng, n, dim):
    """(B, D, M, entries) of each cut: every one of a range before one comes again."""
    def in_turn(most, n):
        turns = [1 + rng.permutation(most) for _ in range(-(-n // most))]
        return np.concatenate(turns)[:n].tolist()
    if kind.form == TABLE:
        longer = rng.integers(ENTRIES, LONGEST + 1, LONG)
        return [(1, 1, 0, n) for n in (*range(1, ENTRIES + 1), *longer.tolist())]
    D = [dim] * n if dim else in_turn(FEATURES, n)
    counts = in_turn(COMPONENTS, n) if kind.form != STATES else [1 + i % 2 for i in range(n)]
    found = list(zip(in_turn(ROWS, n), D, in_turn(DIRECTIONS + 1, n), counts))
    if kind.form == STATES:
        found[:STEPS] = [(1, dim or 1, 0, i + 1) for i in range(STEPS)]
    return [(B, D, M - 1, count) for B, D, M, count in found]


def large_sizes(kind, dim):
    """Sizes around powers of two and ten, of one thing each."""
    if kind.form == STATES:
        more = (*LONG_LOOPS, ALL_STATES)[:2 if "alpha_bar" in kind.args else 3]   # a table as long
        if "steps_per_level" in kind.args:                                # of two levels
            more = LONG_LOOPS[0], ALL_STATES // 2
        return [*((1, dim or 1, 1, n) for n in LONGER_LOOPS), *((1, dim or 1, 0, n) for n in more)]
    if kind.form == TABLE:
        return [(1, 1, 0, n) for n in LONG_TABLES]
    few = how_many(kind) < CHEAP
    found = [(n, dim or 1 + n % 2, 0, 3) for n in MANY_ROWS
             if not (few or (dim or 0) > 8) or n <= OF_FUNCTION_ROWS]
    if "means" in kind.args:
        found += [(2, dim or 2, 0, n) for n in MANY_COMPONENTS]
    elif dim is None and not few and DATA & set(kind.args):
        found += [(1 + n % 2, n, 0, 3) for n in MANY_FEATURES]
    if dim is None and kind.answer is None and kind.form != FUNCTION and DATA & set(kind.args):
        found += [(MANY_NUMBERS, MANY_NUMBERS, 0, 3)]
    if kind.sliced:
        found += [(2, dim or 3, M, 3) for M in MANY_DIRECTIONS]
    return found


def regimes_of(kind, dtype):
    """The regimes of large arguments: the usual one, and where no function is passed all sizes."""
    usual = any(n in FUNCTIONS for n in kind.args) or dtype == "float32" or kind.form == STATES
    return ("plain",) if usual else ("plain", MODERATE, ANY_SIZE)


@lru_cache(32)
def originals(kind, seed, by_row, dim, dtype):
    """Large arguments, {name: value} each: usual ones, and such as random probes have."""
    regimes = regimes_of(kind, dtype)
    return [original(kind, seed * ORIGINALS + i, by_row, dim, dtype, regimes[i % len(regimes)])
            for i in range(ORIGINALS)]


def original(kind, seed, by_row, dim, dtype, regime="plain"):
    """Large arguments of one regime, to cut from."""
    count = {TABLE: LONGEST, STATES: STEPS + 1}.get(kind.form, COMPONENTS + ROOM)
    rows = by_row and kind.form not in (TABLE, STATES)
    return arguments(kind, ProbeSpec("", ROWS + ROOM, dim or FEATURES + ROOM, rows, regime, seed,
                                     DIRECTIONS, count=count, dtype=dtype))


def cut(kind, base, spec, rng, fields, often):
    """The arguments of one question: of larger ones rows from r, columns from c, n entries from k.

    fields  {D: function} of those that were asked before
    often   how often levels are numbers: all of them, and each
    """
    B, D, M, n = spec.B, spec.D, spec.M, spec.count
    r, k = (int(i) for i in rng.integers(0, ROOM, 2))
    c = 0 if D == width(base) else int(rng.integers(ROOM))
    number, made = rng.uniform() < often[0], {}
    if n > STEPS and "steps_per_level" in base:                # a long loop of two levels, or many
        base, n = base | {"steps_per_level": 1 + n % 2 if M else n}, n if M else 2
    for name, a in base.items():
        if isinstance(a, Field):
            loop = kind.form == STATES
            f = Field(np.random.default_rng([spec.seed, D]), D, *((0.1, 0.0) if loop else ()))
            made[name] = fields.setdefault(D, f if loop or (spec.seed + D) % 2 else turned(f))
        elif isinstance(a, Noise):
            made[name] = Noise(a.seed + int(rng.integers(1000)))
        elif isinstance(a, str):
            made[name] = CHOICES[name][int(rng.integers(len(CHOICES[name])))]
        elif isinstance(a, int) and name in LENGTHS:
            made[name] = n
        elif not isinstance(a, np.ndarray):
            made[name] = a
        elif kind.is_level(name) and a.shape[1:] == (1,):
            part = piece(a, r, 0, B, 1)
            made[name] = float(part[0, 0]) if number or (
                rng.uniform() < often[1]) else part
        elif a.ndim == 1:
            made[name] = table(kind, name, a, n, k, rng)
        elif name == "means":
            made[name] = piece(a, k, c, n, D)
        elif a.ndim == 3:
            size, at = (n, k) if "sigmas" in kind.args else (M, 0)
            those = range(at, at + size) if size else (at,)
            made[name] = np.stack([piece(a[i % len(a)], r + i // len(a), c, B, D) for i in those])
            made[name] = made[name] if size else made[name][0]
        else:
            made[name] = sized(piece(a, r, c, B, D), rng)
    return made


def width(args):
    """The features of the data among some arguments, 0 where there are none."""
    return next((a.shape[-1] for n, a in args.items() if n in DATA and np.ndim(a) > 1), 0)


def piece(a, r, c, n, m):
    """n rows and m columns of an array from some place on, or what is filled with its numbers."""
    part = a[r:r + n, c:c + m]
    return part.copy() if part.shape == (n, m) else np.resize(np.ravel(a)[r % 7:], (n, m))


def sized(a, rng):
    """Data, now and then much larger or smaller."""
    return a * 10.0**rng.integers(-2, 3) if rng.uniform() < 0.3 else a


def table(kind, name, a, n, k, rng):
    """A part of a table, or of the weights of what has as many entries."""
    if name == "alpha_bar":
        return a[:n + 1].copy()
    n += kind.form == STATES and "steps_per_level" not in kind.args             # steps between them
    k = min(k, max(len(a) - n, 0))
    part = np.resize(a[k:k + n], n)
    if name != "weights" or "means" not in kind.args:
        return part
    first, last = np.sort(rng.integers(0, n + 1, 2))                # of those that have a weight
    if first < last and rng.uniform() < 0.5:
        part[:first] = part[last:] = 0.0
    total = np.sum(part)
    return part / total if total > 0 else np.eye(1, n)[0]
