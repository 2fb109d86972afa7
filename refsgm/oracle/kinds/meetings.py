"""Small questions in which the choices of one argument meet those of any other, nearly all pairs.

What an argument looks like is a choice: a level is a number or one for each row, at an end of its
domain, tiny, unlike the others in some rows; data are zero or of one sign; sizes, the precision and
what is left at its default are choices as well. Code that is right for each alone may be wrong
where two meet. The rows of a covering array, few as they are, have all pairs [Cohen et al. 1997];
the first ones, which are asked, have most.
"""

import itertools
import math
from functools import lru_cache

import numpy as np

from .drawing import BY_NAME
from .edges import ENDS, ENDS_OF_SOME, WHOLE
from .kind import (CHOICES, COUNTS, DATA, FUNCTION, FUNCTIONS, LEVEL, STATES, STEPS, TABLE, TABLES,
                   ProbeSpec)
from .nearby import UNIT
from .patterns import OF_DATA, OF_FUNCTIONS, OF_RATES, OF_TABLE, near_one
from .sizes import LENGTHS, MANY, asked, cut, original, originals, regimes_of, taken_of
from .test_functions import Field, flat_at_zero, turned
from .wide import MODERATE, NUMBERS, ODD_FORM

FEW, MOST = 3, 16                      # sizes: each one to the first, and one of those up to MOST
MOST_OF_LOOPS = 6
MOST_ROWS, OF_ODD = 90, 45             # questions, of which the first have most pairs
TRIES = 3                              # draws of a question inside the domain
SMALL, LARGE = 1e-4, 1e4               # times as large, of levels
LARGE_DATA = 100.0
FIRST_ROW = "first row zero"
OF_EACH_DATA = "zero", FIRST_ROW, "rows alike", "not negative"
COUPLED = {"turned": turned, "flat at zero": flat_at_zero}             # of several features at once
OF_EACH_TABLE = "even", "close together", "the same", "falling"
BY_ROW = "by row"
OF_SEVERAL = SOME, ON_AVERAGE = "in some rows", "on average"
MORE_ENDS = {"eta": (0.0, 1.0)}
SHAPES = COLUMN, TABLE_OF, MATRIX, AXES = (
    "levels (B, 1)", "levels (B,)", "levels (B, D)", "levels (2, B, D)")


@lru_cache(256)
def covering(sizes, first=(), apart=()):
    """Rows of choices, a tuple: of so many for each column, every two of any two columns meet.

    sizes  how many choices each column has
    first  how some rows begin, ((column, choice), ...) each
    apart  ((column, choice), (column, choice)) that do not meet; each has another that does
    """
    starts = [0, *itertools.accumulate(sizes)]
    columns = [range(a, b) for a, b in itertools.pairwise(starts)]
    never = dict.fromkeys(range(starts[-1]), 0)
    for one, other in itertools.chain(apart, (pair[::-1] for pair in apart)):
        never[starts[one[0]] + one[1]] |= 1 << starts[other[0]] + other[1]
    missing = {c: (1 << starts[-1]) - 1 & ~mask(column) & ~never[c]
               for column in columns for c in column}
    begun, rows = [[starts[i] + c for i, c in row] for row in first], []
    while begun or any(missing.values()):
        row = begun.pop(0) if begun else []
        met, left = mask(row), [c for c in columns if not mask(c) & mask(row)]
        while left:
            column, choice = max(((column, c) for column in left for c in column
                                  if not never[c] & met),
                                 key=lambda one: ((missing[one[1]] & met).bit_count(),
                                                  missing[one[1]].bit_count()))
            row, met, left = [*row, choice], met | 1 << choice, [c for c in left if c != column]
        for choice in row:
            missing[choice] &= ~met
        rows.append(tuple(c - column[0] for c, column in zip(sorted(row), columns)))
    return tuple(rows)


def mask(choices):
    """A set of choices as the bits of a number."""
    return sum(1 << c for c in choices)


@lru_cache(16)
def meetings(kind, seed, taken, by_row=True, dim=None, dtype="float64", most=None, defaults=(),
             whole=False, both=False):
    """The questions, a tuple of `Cut`s, of which the first ones have most pairs.

    taken     the names of the arguments that the code has
    most      how many questions, None for all
    defaults  the last of them, which may be left out
    whole     whether a number may be an integer, and levels of any shape
    both      whether some are in float32
    """
    if kind.adaptive or (dim or 0) > MANY:
        return ()
    spec = ProbeSpec("", 1, dim, by_row and kind.form not in (TABLE, STATES), MODERATE, seed,
                     dtype=dtype)
    base = originals(kind, seed, by_row, dim, dtype)[::len(regimes_of(kind, dtype))]
    questions, made = Questions(kind, spec, base, taken, defaults), []
    for odd in (False, True)[:1 + (whole and spec.rows and kind.form == LEVEL)]:
        choices, *begun = choices_of(kind, spec._replace(seed=0), taken, defaults, whole,
                                     both and not odd, odd)
        rows = covering(tuple(map(len, choices.values())), *begun)
        for row in rows[:most or (OF_ODD if odd else MOST_ROWS)]:
            chosen = {n: list(those)[k] for (n, those), k in zip(choices.items(), row)}
            made.append(questions.where(choices, chosen))
        made += [questions.where(choices | {name: in_words(COUPLED)}, chosen)
                 for name, chosen in coupled(choices)]
    return tuple(one for one in made if one is not None)


@lru_cache(256)
def choices_of(kind, spec, taken, defaults, whole, both, odd):
    """({what is chosen: {word: how}}, how rows of the covering array begin, what stays apart).

    odd  whether levels have any shape, which code may refuse

    A choice at which there is no answer, where all else is usual, is left out. All of the smallest
    sizes meet, not only each two of them.
    """
    base = original(kind, spec.seed, spec.rows, spec.D, spec.dtype)
    questions = Questions(kind, spec, [base], taken, defaults)
    found = sizes_of(kind, spec, both, odd) | {"left out": dict.fromkeys(range(len(defaults) + 1))}
    found |= {name: of_argument(kind, name, a, spec, whole, odd) for name, a in base.items()
              if name in taken}
    usual = {name: next(iter(those)) for name, those in found.items()}
    for name in base.keys() & found.keys():
        found[name] = {word: f for word, f in found[name].items() if word == usual[name] or (
            questions.where(found, usual | {name: word}))}
    place = list(found).index
    small = [[(place(n), i) for i, size in enumerate(found[n]) if size in range(FEW + 1)]
             for n in ("B", "D", "M")]
    alone = [(place("B"), i) for i, size in enumerate(found["B"]) if size == 1]
    apart = [(one, (place(name), i)) for one in alone for name, those in found.items()
             for i, word in enumerate(those) if str(word).endswith(OF_SEVERAL)]
    apart += [((place("left out"), k), (place(name), i)) for k in found["left out"]
              for name in defaults[len(defaults) - k:] if name in found
              for i, word in enumerate(found[name]) if word != usual[name]]
    return found, tuple(itertools.product(*small)), tuple(apart)


def sizes_of(kind, spec, both, odd):
    """{what: {choice: None}} of sizes and precision; a size of "more" is any larger one."""
    few, loop, args = (*range(FEW, 0, -1), "more"), kind.form == STATES, set(kind.args)
    few = ("more", 1) if odd else few
    rows = kind.form != TABLE and (spec.rows or args & (DATA | FUNCTIONS))
    counted = {n for n in (*TABLES, *LENGTHS, "means") if n in args and not kind.is_level(n)}
    wide = odd or kind.form != LEVEL and rows
    found = {"B": few[:FEW if loop else None] if rows else (1,),
             "D": (spec.D,) if spec.D else few[:FEW if loop else None] if wide else (1,),
             "M": range(FEW + 1) if kind.sliced else (0,), "count": few if counted else (1,),
             "dtype": ("float64", "float32") if both else (spec.dtype,),
             "shape": SHAPES if odd else ("",)}
    return {name: dict.fromkeys(those) for name, those in found.items()}


class Questions:
    """How questions are made of choices, for one check.

    spec      what they have in common
    base      several larger arguments, to cut from in turn
    taken     the names of the arguments that the code has;  defaults  those that it may do without
    """

    def __init__(self, kind, spec, base, taken, defaults):
        self.kind, self.spec, self.base, self.taken = kind, spec, itertools.cycle(base), taken
        self.defaults, self.rng = defaults, np.random.default_rng([spec.seed, 31])
        self.fields = {}                           # {(D, word): function} that were passed before

    def where(self, choices, chosen):
        """The question in which these meet, a `Cut`, or None outside of the domain.

        choices  {what is chosen: {word: how}};  chosen  {what is chosen: word}
        """
        base, without = next(self.base), self.defaults[len(self.defaults) - chosen["left out"]:]
        words = [f"{n} {w}" for n, w in chosen.items() if n in base and w and n not in without]
        words += [f"{n} left out" for n in without] + [w for w in (chosen["shape"],) if w]
        for _ in range(TRIES):
            spec = self.sized(chosen, words)
            shape = {TABLE_OF: (spec.B,), MATRIX: (spec.B, spec.D), AXES: (2, spec.B, spec.D)}.get(
                chosen["shape"], (spec.B, 1))
            args = cut(self.kind, base, spec._replace(B=math.prod(shape)), self.rng, self.fields,
                       (0, 0))
            args = {n: a for n, a in args.items() if n not in without}
            args = self.with_choices(args, spec, choices, chosen)
            if chosen["shape"]:
                args = {n: in_shape(a, shape, chosen.get(n) == BY_ROW) for n, a in args.items()}
            found = asked(self.kind, spec, taken_of(self.kind, args, self.taken))
            if found is not None:
                return found
        return None

    def sized(self, chosen, words):
        """The spec of a question: its sizes, precision and words."""
        most = MOST_OF_LOOPS if self.kind.form == STATES else MOST
        sizes = {n: int(self.rng.integers(FEW + 1, most + 1)) if chosen[n] == "more" else chosen[n]
                 for n in ("B", "D", "count")}
        spec = self.spec._replace(**sizes, M=chosen["M"], dtype=chosen["dtype"],
                                  regime=ODD_FORM if chosen["shape"] else MODERATE)
        if spec.dtype == self.spec.dtype:
            return spec._replace(label=", ".join(words))
        return spec._replace(label=", ".join([*words, spec.dtype]), regime="edge")   # judged closer

    def with_choices(self, args, spec, choices, chosen):
        """The arguments as they are chosen, the larger end of a step before the smaller one."""
        kind, rng, draw = self.kind, self.rng, BY_NAME | self.kind.draw
        ends = {small: large for small, large in STEPS if {small, large} <= args.keys()}
        made = dict(args)
        for name in sorted(args, key=lambda n: n in ends):
            a, word = args[name], chosen.get(name, "")
            if isinstance(a, Field):
                made[name] = self.fields.setdefault((spec.D, word), choices[name][word](a, rng))
                continue
            if name in ends:
                large = made[ends[name]]
                a = rng.uniform(0.15, 0.85, np.shape(a)) * (large if np.ndim(a) else np.min(large))
            elif isinstance(a, float) and not kind.is_level(name) and name in draw:
                a = draw[name](rng, spec._replace(regime="plain"), made)
            made[name] = choices[name][word](a, rng) if name in chosen else a
        return made


def in_shape(a, shape, by_row):
    """Levels in a shape; a number by row too, if it is one."""
    if np.ndim(a):
        return a.reshape(shape)
    return a * np.linspace(0.5, 1, math.prod(shape)).reshape(shape) if by_row else a


def of_argument(kind, name, a, spec, whole, odd):
    """{word: function (argument, rng)}, the usual way first: what one argument may look like."""
    few = kind.form == STATES
    if isinstance(a, Field):
        those = {} if kind.form == FUNCTION else in_words(OF_FUNCTIONS)
        those = {w: f for w, f in those.items() if w != "usual" and (w == "zero" or not few)}
    elif isinstance(a, str):
        return {word: lambda a, rng, word=word: word for word in CHOICES[name]}
    elif kind.is_level(name) and np.shape(a)[1:] in ((), (1,)):
        return of_level(kind, name, spec, whole, odd)
    elif isinstance(a, (int, float)):
        those = {} if name in LENGTHS else of_number(kind, name, a, whole)
        if odd:
            those[BY_ROW] = lambda a, rng: a
    elif name in DATA or name == "means":
        those = {w: OF_DATA[w] for w in OF_EACH_DATA[:1 if few else None]}
        if not FUNCTIONS & set(kind.args):                         # a cubic could run away
            those["large"] = lambda a, rng: LARGE_DATA * a
    elif isinstance(a, np.ndarray):
        those = OF_WEIGHTS if name == "weights" else {
            w: f for w, f in (OF_RATES if name == "betas" else OF_TABLE).items()
            if w in OF_EACH_TABLE}
    else:
        those = {}
    return {"": lambda a, rng: a} | those


def in_words(those):
    """{word: function (argument, rng)}, of functions of the argument alone."""
    return {word: lambda f, rng, make=make: make(f) for word, make in those.items()}


def coupled(choices):
    """(name, {what is chosen: word}) of small questions where a function has one of `COUPLED`, also
    at a first row of zeros; all else is usual.
    """
    usual = {n: next(iter(those)) for n, those in choices.items()}
    for name in [n for n, those in choices.items() if "curved" in those]:
        for word, size in itertools.product(COUPLED, (2, 3)):
            chosen = usual | {n: size for n in ("B", "D", "M") if size in choices[n]} | {name: word}
            yield name, chosen
            if FIRST_ROW in choices.get("x", ()):
                yield name, chosen | {"x": FIRST_ROW}


def ends_of(kind, name):
    """The numbers at the ends of an argument's domain, and others that are special."""
    if name in kind.left_open:
        return ()
    found = [v for end in (*ENDS, *WHOLE, *ENDS_OF_SOME) if len(end) == 1
             for n, v in end.items() if n == name and np.ndim(v) == 0]
    return tuple(dict.fromkeys([*found, *MORE_ENDS.get(name, ())]))


def of_level(kind, name, spec, whole, odd):
    """{word: function}: what a level may look like, in all rows, as a number, in some rows alone.
    """
    ends, share = ends_of(kind, name), name in UNIT
    values = {f"{end:g}": lambda a, end=end: end + 0 * a for end in ends}
    if name not in kind.draw:
        values["small"] = lambda a: SMALL * a
    if not share and name not in kind.draw:
        values["large"] = lambda a: LARGE * a
    elif share and name not in kind.left_open:
        near = near_one(kind, "float32")                    # which float64 holds as well
        values["near 1"] = lambda a: near(a, None)
    made = {"": lambda a, rng: a} if spec.rows else {}
    made["a number"] = lambda a, rng: float(np.min(a))
    for word, f in values.items():
        made[f"a number, {word}"] = lambda a, rng, f=f: float(np.min(f(a)))
        if spec.rows:
            made[f"{word} {SOME}"] = lambda a, rng, f=f: np.where(some(a, rng), f(a), a)
    if spec.rows:
        made["the same in all rows"] = lambda a, rng: np.min(a) + 0 * a
        made[f"{1 - 0.5 * share:g} {ON_AVERAGE}"] = lambda a, rng: (
            (1 - 0.5 * share) * (1 + 0.5 * alternating(len(a))))
        for word in values if odd else [f"{end:g}" for end in ends]:
            made[f"{word} in all rows"] = lambda a, rng, f=values[word]: f(a)
    if whole:
        made |= {f"the integer {end:g}": lambda a, rng, end=end: int(end) for end in ends
                 if end == int(end)}
        if not share:
            made["an integer"] = lambda a, rng: int(max(1, np.floor(np.min(a))))
    return made


def some(a, rng):
    """A mask of some rows, at least one, and not all where there are several."""
    return (rng.permutation(len(a)) < rng.integers(1, max(2, len(a))))[:, None]


def alternating(n):
    """1, -1, ... (n, 1), whose sum is zero: the last of an odd number is 0."""
    return np.append(np.resize([1.0, -1.0], n - n % 2), np.zeros(n % 2))[:, None]


def of_number(kind, name, a, whole):
    """What a number that is no level may look like, but for the usual one."""
    made = {f"{end:g}": lambda a, rng, end=end: end for end in ends_of(kind, name)}
    if name in NUMBERS and name not in COUNTS and isinstance(a, float):
        made["of any size"] = lambda a, rng: NUMBERS[name](rng.uniform(), None)
        if whole:
            made["an integer"] = lambda a, rng: int(max(1, np.round(a)))
    return made


OF_WEIGHTS = {
    "with a zero": lambda a, rng: normalised(np.where(np.arange(len(a)) == rng.integers(len(a)),
                                                      0.0, a)),
    "equal": lambda a, rng: np.full_like(a, np.mean(a))}


def normalised(a):
    """Weights with the sum that they had, 1; all of one alone where there are no others."""
    return a / np.sum(a) if np.any(a) else np.eye(1, len(a))[0]
