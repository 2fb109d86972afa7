"""Random probes: sizes, levels, tables and choices from all over a kind's domain, by a seed.

Fixed probes can be learned, and a mistake can lie between them. These are drawn anew in every
check, are asked of code that answers all fixed ones, and the seed repeats them. A kind is asked the
more often the less an answer costs.
"""

from functools import lru_cache

import numpy as np

from .edges import answers
from .kind import CHOICES, DATA, FUNCTION, FUNCTIONS, STATES, TABLE, ProbeSpec
from .test_functions import BENDS, FADES
from .wide import ANY_SIZE, MODERATE

ROWS, FEATURES, DIRECTIONS = 33, 40, (0, 1, 2, 3, 4, 5)
CHEAP, WITH_FUNCTION, LOOPS, FEW, SOLVED = 96, 48, 12, 4, 2      # random probes; of a solver
SHORT, CLOSE = 40, 3        # and of short loops of few numbers, of a solver between close levels
SHORT_LOOP, CLOSEST, FARTHEST = 6, 1.001, 1.5
MANY = 64                                         # features from which there are FEW
LONG = 1000                                       # entries of a table, at most
LENGTHS = (("n_steps", 30), ("steps_per_level", 6))               # of loops, at most
LONG_LOOPS = {"n_steps": (257, 300), "steps_per_level": (101, 150), "sigmas": (257, 300)}
COMPONENTS = 40
TRIES = 20                                        # draws of a probe inside the domain


@lru_cache(64)
def random_specs(kind, seed, by_row=True, dim=None, defaults=(), dtype=None, few=False):
    """Random probes, a tuple; fewer where an answer takes long.

    seed      a whole number, with which they are the same again
    defaults  the last arguments of the contract, which may be left out
    dtype     of all probes, or None for float64 and now and then float32
    few       whether each costs much
    """
    few = few or (dim or 0) > MANY
    more = 0 if few else CLOSE if kind.adaptive else SHORT if kind.form == STATES else 0
    made, first = [], 0
    for n, make in ((how_many(kind, few), solved if kind.adaptive else drawn),
                    (more, between_close_levels if kind.adaptive else short)):
        order = np.random.default_rng([seed, n])
        places = [order.permutation(n) for _ in range(5)]   # each size comes from all its range
        made += [inside(kind, seed, first + i, [(p[i], n) for p in places], make, by_row, dim,
                        defaults, dtype, i == n - 1) for i in range(n)]
        first = n
    return tuple(spec for spec in made if spec is not None)


def how_many(kind, few):
    """The number of random probes."""
    if kind.adaptive or few:
        return min(FEW, SOLVED if kind.adaptive else FEW)
    return LOOPS if kind.form == STATES else WITH_FUNCTION if passed(kind) else CHEAP


def passed(kind):
    """Whether a function is passed, or one is returned."""
    return kind.form == FUNCTION or any(n in FUNCTIONS and n not in kind.draw for n in kind.args)


def inside(kind, seed, i, places, make, by_row, dim, defaults, dtype, last):
    """Random spec i, inside the domain of its kind; None where none is found.

    places  of its sizes, each (k, n): the k-th of n parts of a range
    """
    for again in range(TRIES):
        rng = np.random.default_rng([seed, i, again])
        at = [(k + rng.uniform()) / n for k, n in places]
        spec = make(kind, rng, at, by_row, dim, defaults, dtype, last=last)
        spec = spec._replace(seed=(seed * CHEAP + i) * TRIES + again)
        if kind.adaptive or answers(kind, spec) == "finite":
            return spec._replace(label=f"random {i + 1}: {sizes_in_words(kind, spec)}")
    return None


def drawn(kind, rng, at, by_row, dim, defaults, dtype, last=False):
    """One random spec; `at` has uniform numbers for its sizes; the last of a loop is a long one."""
    loop, functions = kind.form == STATES, passed(kind)
    B = between(at[0], ROWS if dim is None else 4)
    if dim is None and not functions and rng.uniform() < 0.5:        # rows with levels of their own
        B = int(rng.integers(4, ROWS + 1))
    D = dim or (between(at[1], FEATURES) if rng.uniform() < 0.6 else 1 + int(at[1] * FEATURES))
    if loop:
        B, D = min(B, 2 if last else 8), min(D, dim or (2 if last else 8))
    if dim is None and rng.uniform() < 0.15:
        D = B
    narrow = dtype == "float32" or dtype is None and at[4] < 0.2
    moderate = functions and not loop or narrow                       # that of a loop is bounded
    spec = ProbeSpec("", B, D, by_row and bool(rng.uniform() < 0.6) and kind.form != TABLE,
                     MODERATE if moderate else ANY_SIZE)
    if functions and rng.uniform() < 0.6:
        bend = 2 if loop else int(rng.integers(len(BENDS)))
        spec = spec._replace(bent=(bend, int(rng.integers(len(FADES)))))
    if kind.sliced or {"weights", "sigmas"} <= set(kind.args):
        spec = spec._replace(M=DIRECTIONS[int(at[2] * len(DIRECTIONS))])
    if kind.is_step and rng.uniform() < 0.6:
        least = -4 if "alpha_bar_s" in kind.args else -6       # a beta below 1e-4 has few digits
        low, close = 10**rng.uniform(-8, -1), 10**rng.uniform(least, -1)
        spec = spec._replace(ratio=(low, 1.0) if rng.uniform() < 0.4 else (0.15, 0.85) if (
            rng.uniform() < 0.3) else (1 - close, 1 - close / 10))
    count = between(at[3], LONG if kind.form == TABLE else 30)
    if "means" in kind.args:                                      # many components in half of them
        count = 1 + int(2 * at[3] * COMPONENTS) if at[3] < 0.5 else between(2 * at[3] - 1, 30)
    given = [(name, str(rng.choice(choices))) for name, choices in CHOICES.items()
             if name in kind.args]
    if loop:
        lengths = [(name, some(at[2], most)) for name, most in LENGTHS if name in kind.args]
        count = some(at[3], 30)
        if last:
            lengths = [(name, int(rng.integers(*LONG_LOOPS[name]))) for name, _ in lengths]
            count = 2 if lengths else int(rng.integers(*LONG_LOOPS["sigmas"]))
        ends = float(rng.choice([0.0, 1.0, rng.uniform(), rng.uniform(), 10**rng.uniform(-3, 0)]))
        given += [*lengths, *[("eta", ends)] * ("eta" in kind.args)]
    without = defaults[rng.integers(len(defaults)):] if defaults and rng.uniform() < 0.25 else ()
    given = tuple((n, a) for n, a in given if n not in without)
    return spec._replace(count=count, given=given, without=tuple(without),
                         dtype="float32" if narrow else "float64")


def solved(kind, rng, at, by_row, dim, defaults, dtype, last=False):
    """A random spec of a kind that solves an ODE: over a short range of levels where D is large."""
    D = dim or (int(rng.integers(17, 34)) if last else between(at[1], 4))
    least, ratio = (10**rng.uniform(*a) for a in (
        ((0.3, 1), (0.05, 0.1)) if D > 4 else ((-1, 1), (0.05, 1))))
    return ProbeSpec("", 1 if D > 4 else between(at[0], 4), D, False, dtype=dtype or "float64",
                     given=(("sigma_min", float(least)), ("sigma_max", float(least * ratio))),
                     bent=(0, 0))


def short(kind, rng, at, by_row, dim, defaults, dtype, last=False):
    """A random spec of a short loop of few numbers, as of one row with one feature."""
    spec = drawn(kind, rng, at, by_row, dim, defaults, dtype)
    taken = dict(spec.given)
    for k, (name, _) in enumerate(LENGTHS):
        if name in taken:
            taken[name] = 1 + int(SHORT_LOOP * at[2 + k])
    if "eta" in taken:
        taken["eta"] = float(at[4])
    if "alpha_bar" in kind.args:               # from alpha_bar close to 1 some lose many digits
        ratios = rng.uniform(0.2, 0.99, 1 + int(SHORT_LOOP * at[3]))
        taken["alpha_bar"] = (1.0, *np.cumprod(ratios).tolist())
    return spec._replace(B=1 + (rng.uniform() < 0.3), D=dim or 1 + (rng.uniform() < 0.3),
                         count=1 + int(SHORT_LOOP * at[3]), given=tuple(taken.items()))


def between_close_levels(kind, rng, at, by_row, dim, defaults, dtype, last=False):
    """A random spec of a kind that solves an ODE between levels that lie close together."""
    least, share = 10**rng.uniform(-1, 1), at[1]**2
    return ProbeSpec("", between(at[0], 4), dim or (between(at[2], 12) if not last else 24), False,
                     dtype=dtype or "float64", bent=(0, 0), given=(
                         ("sigma_min", float(least)),
                         ("sigma_max", float(least * (CLOSEST + (FARTHEST - CLOSEST) * share)))))


def some(u, most):
    """How many steps of a loop: one to four in every other loop, each as often."""
    return 1 + int(8 * u) if u < 0.5 else between(2 * u - 1, most)


def between(u, most):
    """A whole number from 1 to `most`, of u in [0, 1): smaller ones more often."""
    return int((most + 1)**u)


def sizes_in_words(kind, spec):
    """The sizes of a random probe, as far as its kind has them."""
    data = set(kind.args) & (DATA | FUNCTIONS)
    words = [f"B = {spec.B}, D = {spec.D}"] if data else [f"B = {spec.B}"]
    words = [] if kind.form == TABLE else words
    if kind.sliced and spec.M:
        words.append(f"M = {spec.M}")
    if spec.without:
        words.append(f"{', '.join(spec.without)} left out")
    if spec.dtype == "float32":
        words.append("float32")
    return ", ".join(words) or "a table"
