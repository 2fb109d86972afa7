"""Fixed probes at the ends of the domains, and at sizes where mistakes hide.

An end is asked wherever refsgm answers it: its own checks of arguments are what says where a domain
is closed. Three groups: `edge_specs` belong to every verdict, the vectors too; `live_specs` are
asked of live code alone, as they are long, infinite, or leave out arguments; `odd_specs` are ways
to pass arrays that code may refuse, but must not answer wrongly.
"""

from functools import lru_cache

import numpy as np

from . import drawing
from .corners import corner_specs, odd_corner_specs
from .kind import DATA, FUNCTION, FUNCTIONS, LOSS, STATES, TABLE, TABLES, ProbeSpec
from .test_functions import Noise
from .wide import LARGE_DATA, WIDE_TABLE

ENDS = (                           # arguments and their values, where all of them are arguments
    {"scale": 0.0}, {"scale": 1.0, "sigma": 0.0}, {"scale": 0.0, "sigma": 1.0}, {"sigma": 0.0},
    {"alpha_bar": 1.0}, {"alpha_bar_t": 1.0}, {"t": 0.0}, {"t": 1.0}, {"scale_rate": 0.0},
    {"sigma_rate": 0.0}, {"g": 0.0}, {"beta": 0.0}, {"z": 0.0})
WHOLE = (                          # the same, of numbers and of levels that end a step
    {"sigma_from": 0.0}, {"s": 0.0}, {"t": 1.0, "s": 0.0},
    {"rho": 1.0}, {"shift": 1.0}, {"shift": 0.4}, {"mean": 0.0}, {"mean": -1.5}, {"bin_width": 1.0},
    {"bin_width": 3.0}, {"dim": 1}, {"dim": 3072}, {"n_levels": 1}, {"n_levels": 2}, {"n_steps": 1},
    {"n_steps": 1, "beta_min": 0.3, "beta_max": 0.3}, {"n_steps": 2},
    {"steps_per_level": 1}, {"steps_per_level": 5},
    {"offset": 0.0}, {"eta": 0.1}, {"deviation": 2.0}, {"gamma": 1.0}, {"sigma_data": 1.0},
    {"weights": (0.25, 0.0, 0.5, 0.25)})
ENDS_OF_SOME = (                   # the same, in some rows alone
    {"sigma_s": 0.0}, {"alpha_bar_s": 1.0}, {"sigma_from": 0.0})
NEAR_ENDS = ({"eta": 0.01},)
ENTRIES = {"n_levels": 1000, "n_steps": 1000}
LONG_LOOP = 1000
LONG_AND_WIDE = 48, 64             # steps, and rows and features
RUNAWAY = 1e12                     # a state whose cube soon leaves the range of float32


def edge_specs(kind, by_row=True, dim=None):
    """The ends of its domains, for every other row where rows differ; few and many entries."""
    return list(edges(kind, by_row, dim))


@lru_cache(512)
def edges(kind, by_row, dim):
    plain = ProbeSpec("", 5, dim or 3, by_row, "edge", 3)
    if kind.form in (TABLE, STATES):
        plain = plain._replace(rows=False)
    levels = [plain._replace(label=in_words(end), at=tuple(end.items())) for end in ENDS]
    whole = [plain._replace(label=in_words(end), given=tuple(end.items())) for end in WHOLE]
    if kind.form == TABLE:
        whole += [plain._replace(label=f"{name} = {n}", given=((name, n),))
                  for name, n in ENTRIES.items()]
    made = [s for s in (*levels, *whole) if names_of(s) <= numbers_of(kind)]
    table = next((n for n in TABLES if n in kind.args and not kind.is_level(n)), None)
    if table:
        made += [plain._replace(label=entries(n), count=n)
                 for n in ((1, 2, 1000) if kind.form == TABLE else (1, 2))]
    if "weights" in kind.args and "means" in kind.args:
        made += [plain._replace(label=f"{n} component{'s'[:n > 1]}", count=n) for n in (1, 2, 30)]
    if kind.sliced:
        made += [plain._replace(label=f"v ({M}, B, D)", M=M) for M in (1, 5)]
    if any(map(kind.is_level, kind.args)):
        made += [plain._replace(label=regime, regime=regime)
                 for regime in ("minute levels", "vast levels")]
    if kind.is_step:
        made += [plain._replace(label="a step to a far level", ratio=(1e-6, 1e-3)),
                 plain._replace(label="a step to an adjacent level", ratio=(0.97, 0.9999))]
    if "alpha_bar_s" in kind.args:
        made += [plain._replace(label="a step at clean data", regime="minute levels",
                                ratio=(1 - 1e-4, 1 - 1e-6))]
    return tuple(s for s in made if answers(kind, s) == "finite")


def live_specs(kind, by_row=True, dim=None, defaults=()):
    """Large batches, long loops, infinite answers, and arguments left at their defaults.

    defaults  the last arguments of the contract, which the code that is asked has defaults for
    """
    return list(live(kind, by_row, dim, tuple(defaults)))


@lru_cache(512)
def live(kind, by_row, dim, defaults):
    plain = ProbeSpec("", 5, dim or 3, by_row, "edge", 4)
    if kind.form in (TABLE, STATES):
        plain = plain._replace(rows=False)
    made = []
    if not kind.adaptive and kind.form != TABLE:
        B = 33 if dim is None else max(2, min(33, 1000 // dim))
        made += [plain._replace(label=f"B = {B}, D = {dim or 40}", B=B, D=dim or 40)]
        if dim is None and set(kind.args) & (DATA | FUNCTIONS):
            made += [plain._replace(label="B = 1, D = 1", B=1, D=1)]
    if kind.logarithm and "means" in kind.args:          # of a score its shares alone lose digits
        made += [plain._replace(label=f"{regime}, B = {B}, {n} components", B=B, count=n, seed=3,
                                regime=regime)
                 for regime in ("far from the origin", "far from the origin, tiny levels")
                 for B, n in ((5, 30), (30, 4), (40, 30)) if B < 30 or dim is None]
    if by_row:
        made += [plain._replace(label=f"{in_words(end)} in some rows", at=tuple(end.items()))
                 for end in ENDS_OF_SOME if set(end) <= numbers_of(kind)]
    made += [plain._replace(label=f"{in_words(end)}, given as a number", rows=False,
                            at=tuple(end.items()))
             for end in (*ENDS, *ENDS_OF_SOME) if set(end) <= numbers_of(kind)]
    made += [plain._replace(label=in_words(end), given=tuple(end.items())) for end in NEAR_ENDS
             if set(end) <= numbers_of(kind)]
    if any(name in kind.args and not kind.is_level(name) for name in TABLES):
        made += [plain._replace(label="a wide table", regime=WIDE_TABLE, count=6)]
        if "betas" not in kind.args:
            made += [plain._replace(label="a fine table", regime=WIDE_TABLE, count=30,
                                    ratio=(0.98, 0.9999))]
    if kind.form == STATES:
        made += [plain._replace(label=LARGE_DATA, regime=LARGE_DATA)]
        made += long_and_wide(kind, plain) if dim is None else []
    if kind.form == STATES and "alpha_bar" in kind.args and (dim or 1) <= 64:
        made += [plain._replace(label=f"{LONG_LOOP} steps", B=2, D=dim or 2, count=LONG_LOOP)]
    made += corner_specs(kind, plain, dim, [(in_words(end), end) for end in ENDS
                                            if set(end) <= numbers_of(kind)])
    for i in range(len(defaults)):
        made += [plain._replace(label=f"{', '.join(defaults[i:])} left out", without=defaults[i:])]
    ends = [plain._replace(label=in_words(end), at=tuple(end.items()), rows=True) for end in ENDS]
    made = [s for s in made if s.count == LONG_LOOP or answers(kind, s) == "finite"]
    infinite = [s._replace(regime="infinite") for s in ends if by_row and names_of(s) <= (
        numbers_of(kind)) and answers(kind, s) == "infinite"]
    return tuple(made + infinite)


def long_and_wide(kind, plain):
    """A loop of so many steps, of so much data, that not all states fit into a megabyte."""
    n, D = LONG_AND_WIDE
    words = [(name, n) for name in ("n_steps",) if name in kind.args]
    words += [(name, 4) for name in ("steps_per_level",) if name in kind.args]
    words += [(name, "euler") for name in ("method",) if name in kind.args]
    return [plain._replace(label=f"{n} steps, B = {D}, D = {D}", B=D, D=D, given=tuple(words),
                           count=n // 4 if "steps_per_level" in kind.args else n)]


def odd_specs(kind, by_row=True, dim=None):
    """No rows at all, data in Fortran's order, whole numbers in an array of integers, and the like.
    """
    if kind.form == STATES and {"step_size", "n_steps"} <= set(kind.args):
        return [ProbeSpec("step sizes by row", 3, dim or 3, False, "odd", 5, given=(
            ("step_size", ((0.05,), (0.2,), (0.6,))), ("n_steps", 4)))]
    if kind.form in (TABLE, STATES, FUNCTION, LOSS) or kind.adaptive or kind.tolerance:
        return []
    plain = ProbeSpec("", 5, dim or 3, by_row, "odd", 5)
    made = []
    if set(kind.args) & DATA - numbers_of(kind):
        if not any(n in FUNCTIONS for n in kind.args):
            made += [plain._replace(label="data of integers", dtype="int64")]
        made += [plain._replace(label="data in Fortran's order"),
                 plain._replace(label="B = 0", B=0)]
    made += odd_corner_specs(kind, plain, dim)
    return [s for s in made if answers(kind, s) == "finite"]


def numbers_of(kind):
    """The arguments that are levels, numbers or tables: all but data and functions."""
    return {n for n in kind.args if (n not in DATA | FUNCTIONS or n in kind.draw
                                     or kind.is_level(n)) and n not in kind.left_open}


def names_of(spec):
    """The arguments that a spec holds fixed."""
    return {name for name, _ in (*spec.at, *spec.given)}


def in_words(end):
    """scale = 0, sigma = 1"""
    return ", ".join(f"{name} = {value:g}" if np.ndim(value) == 0 else f"{name} with a zero"
                     for name, value in end.items())


def entries(n):
    """So many steps of a table."""
    return f"a table of {n} step{'s'[:n > 1]}"


def answers(kind, spec):
    """Whether refsgm's answer there is "finite", "infinite" or "none": outside of the domain."""
    values = answered(kind, spec)[1]
    if not values or any(np.any(np.isnan(a) | np.isneginf(a)) for a in values):
        return "none"
    if kind.form == STATES and max(np.max(np.abs(a)) for a in values) > RUNAWAY:
        return "none"
    return "infinite" if any(np.any(np.isinf(a)) for a in values) else "finite"


@lru_cache(256)
def answered(kind, spec):
    """The arguments of a probe and refsgm's answer, a tuple of arrays: () outside of the domain."""
    args = {}
    try:
        args = drawing.arguments(kind, spec)
        return args, () if is_undecided(kind, args) else answer(kind, args)
    except (ValueError, ZeroDivisionError):
        return args, ()


def is_undecided(kind, args):
    """Whether right code may answer there as it likes, by the kind's record."""
    return kind.undecided is not None and kind.undecided(args)


def answer(kind, args, function=None):
    """refsgm's answer, a tuple of arrays.

    function  another spelling of the kind's
    """
    last = max(i for i, n in enumerate(kind.args) if n in args)
    given = [Noise(a.seed) if isinstance(a, Noise) else a
             for a in (args.get(p.name, p.default) for p in kind.parameters[:last + 1])]
    with np.errstate(all="ignore"):
        if kind.form == FUNCTION:
            return (np.asarray(kind.function(args["log_density"].energy)(args["x"])),)
        result = (function or kind.answer or kind.function)(*given)
        if kind.form == STATES:
            return tuple(result)
    return tuple(map(np.asarray, result if isinstance(result, tuple) else (result,)))
