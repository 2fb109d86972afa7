"""Every size once: small arguments that are cut out of a few large ones, by a seed.

A bound, a block or a special case may lie at any number of rows, features, directions, components,
entries or steps. Each of these sizes is asked, up to where tables of published code are; a cut
costs little, so there are some hundreds. Levels come as numbers beside columns now and then.
"""

from functools import lru_cache

import numpy as np

from .drawing import arguments
from .edges import answer, is_undecided
from .kind import CHOICES, DATA, FUNCTION, FUNCTIONS, STATES, TABLE, TABLES, ProbeSpec
from .test_functions import Field, Noise
from .wide import ANY_SIZE, MODERATE

ROWS, FEATURES, COMPONENTS, DIRECTIONS = 33, 40, 40, 6          # each from 1 to here
ENTRIES, LONG, LONGEST = 200, 30, 1001          # tables: every length to the first, then so many
LOOPS, STEPS = 20, 24                           # loops; of one number, each length to here
CHEAP, OF_MIXTURES, WITH_FUNCTION, WITH_DERIVATIVE = 120, 60, 50, 40   # by what an answer costs
OF_TORCH = 40
ORIGINALS, ROOM = 12, 24                        # arguments to cut from, and where cuts may begin
LENGTHS = ("n_levels", "n_steps")
MANY = 64                                       # features above which no size is asked
TRIES = 4                                       # originals that a cut may come from


class Cut:
    """One question: a `ProbeSpec` that says where, the arguments, and the right answer, a tuple."""

    def __init__(self, spec, args, want):
        self.spec, self.args, self.want = spec, args, want


@lru_cache(16)
def cuts(kind, seed, taken, by_row=True, dim=None, dtype="float64", most=None):
    """The questions, a tuple.

    taken  the names of the arguments that the code has
    most   how many of them, None for all
    """
    if kind.adaptive or (dim or 0) > MANY:
        return ()
    rng, n = np.random.default_rng([seed, 29]), how_many(kind) if most is None else most
    base = originals(kind, seed, by_row, dim, dtype)
    sizes, made = sizes_in_turn(kind, rng, how_many(kind), dim), []
    fields = {}
    for i in range(0, len(sizes), max(1, len(sizes) // max(n, 1))):
        B, D, M, count = sizes[i]
        spec = ProbeSpec("", B, D, by_row and kind.form not in (TABLE, STATES), MODERATE, seed, M,
                         dtype=dtype, count=count)
        for j in range(i, i + TRIES):
            often = 0.3 if i >= ROWS else 0.0            # the first of each size are columns
            args = cut(kind, base[j % len(base)], spec, rng, fields, often)
            found = asked(kind, spec, taken_of(kind, args, taken))
            if found is not None:
                made.append(found)
                break
    return tuple(made)


def taken_of(kind, args, taken):
    """The arguments without those that have defaults and that the code has not got."""
    optional = kind.args[kind.required:]
    return {name: a for name, a in args.items() if name in taken or name not in optional}


def asked(kind, spec, args):
    """The `Cut` at some arguments, or None outside of the domain and where it is infinite."""
    if is_undecided(kind, args):
        return None
    try:
        want = answer(kind, args)
    except (ValueError, ZeroDivisionError, IndexError):
        return None
    if not all(np.all(np.isfinite(w)) for w in want):
        return None
    return Cut(spec._replace(label=label_of(kind, spec)), args, want)


def label_of(kind, spec):
    """The sizes in words."""
    if kind.form == TABLE:
        return f"a table of {spec.count}"
    more = f", {spec.count} entries" if {*TABLES, "weights", *LENGTHS} & set(kind.args) else ""
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


def originals(kind, seed, by_row, dim, dtype):
    """Large arguments, {name: value} each: usual ones, and such as random probes have."""
    functions = any(n in FUNCTIONS for n in kind.args)
    made, count = [], LONGEST if kind.form == TABLE else COMPONENTS + ROOM
    if kind.form == STATES:
        count = STEPS + 1
    for i in range(ORIGINALS):
        regime = ("plain", MODERATE, ANY_SIZE)[i % 3 if not functions and dtype != "float32"
                                               and kind.form != STATES else 0]
        spec = ProbeSpec("", ROWS + ROOM, dim or FEATURES + ROOM,
                         by_row and kind.form not in (TABLE, STATES), regime,
                         seed * ORIGINALS + i, DIRECTIONS, count=count, dtype=dtype)
        made.append(arguments(kind, spec))
    return made


def cut(kind, base, spec, rng, fields, often):
    """The arguments of one question: of larger ones rows from r, columns from c, n entries from k.

    fields  {D: function} of those that were asked before
    often   how often levels are numbers
    """
    B, D, M, n = spec.B, spec.D, spec.M, spec.count
    r, k = (int(i) for i in rng.integers(0, ROOM, 2))
    c = 0 if D == width(base) else int(rng.integers(ROOM))
    number, made = rng.uniform() < often, {}
    for name, a in base.items():
        if isinstance(a, Field):
            made[name] = fields.setdefault(D, Field(np.random.default_rng([spec.seed, D]), D, *(
                (0.1, 0.0) if kind.form == STATES else ())))
        elif isinstance(a, Noise):
            made[name] = Noise(a.seed + int(rng.integers(1000)))
        elif isinstance(a, str):
            made[name] = CHOICES[name][int(rng.integers(len(CHOICES[name])))]
        elif isinstance(a, int) and name in LENGTHS:
            made[name] = n
        elif not isinstance(a, np.ndarray):
            made[name] = a
        elif kind.is_level(name) and a.shape[1:] == (1,):
            part = a[r:r + B].copy()
            made[name] = float(part[0, 0]) if number or (
                rng.uniform() < often / 3) else part
        elif a.ndim == 1:
            made[name] = table(kind, name, a, n, k, rng)
        elif name == "means":
            made[name] = a[k:k + n, c:c + D].copy()
        elif a.ndim == 3:
            size, at = (n, k) if "sigmas" in kind.args else (M, 0)
            made[name] = (a[at:at + size] if size else a[0])[..., r:r + B, c:c + D].copy()
        else:
            made[name] = sized(a[r:r + B, c:c + D].copy(), rng)
    return made


def width(args):
    """The features of the data among some arguments, 0 where there are none."""
    return next((a.shape[-1] for n, a in args.items() if n in DATA and np.ndim(a) > 1), 0)


def sized(a, rng):
    """Data, now and then much larger or smaller."""
    return a * 10.0**rng.integers(-2, 3) if rng.uniform() < 0.3 else a


def table(kind, name, a, n, k, rng):
    """A part of a table, or of the weights of what has as many entries."""
    if name == "alpha_bar":
        return a[:n + 1].copy()
    n += kind.form == STATES and "steps_per_level" not in kind.args             # steps between them
    k = min(k, len(a) - n)
    part = a[k:k + n].copy()
    if name != "weights" or "means" not in kind.args:
        return part
    first, last = np.sort(rng.integers(0, n + 1, 2))                # of those that have a weight
    if first < last and rng.uniform() < 0.5:
        part[:first] = part[last:] = 0.0
    total = np.sum(part)
    return part / total if total > 0 else np.eye(1, n)[0]
