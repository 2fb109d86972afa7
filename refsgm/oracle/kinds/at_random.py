"""Random probes: sizes, levels, tables and choices from all over a kind's domain, by a seed.

Fixed probes can be learned, and a mistake can lie between them. These are drawn anew in every
check, are asked of code that answers all fixed ones, and the seed repeats them.
"""

from functools import lru_cache

import numpy as np

from .edges import answers
from .kind import CHOICES, DATA, FUNCTION, FUNCTIONS, STATES, TABLE, ProbeSpec
from .wide import ANY_SIZE, MODERATE

ROWS, FEATURES, DIRECTIONS = 33, 40, (0, 1, 2, 3, 4, 5)
SEVERAL, FEW, ONE = 32, 4, 1                      # random probes, of loops, of a solver of an ODE
MANY = 64                                         # features from which there are FEW too
LONG = 1000                                       # entries of a table, at most
LENGTHS = (("n_steps", 30), ("steps_per_level", 6))               # of loops, at most
TRIES = 20                                        # draws of a probe inside the domain


@lru_cache(64)
def random_specs(kind, seed, by_row=True, dim=None, defaults=(), dtype=None, few=False):
    """Random probes, a tuple; fewer where an answer takes long.

    seed      a whole number, with which they are the same again
    defaults  the last arguments of the contract, which may be left out
    dtype     of all probes, or None for float64 and now and then float32
    few       whether each costs much
    """
    few = few or kind.form == STATES or (dim or 0) > MANY
    n = ONE if kind.adaptive else FEW if few else SEVERAL
    order = np.random.default_rng([seed, n])
    places = [order.permutation(n) for _ in range(5)]       # each size comes from all its range
    return tuple(spec for i in range(n) if (spec := inside(
        kind, seed, i, [(p[i], n) for p in places], by_row, dim, defaults, dtype)) is not None)


def inside(kind, seed, i, places, by_row, dim, defaults, dtype):
    """Random spec i, inside the domain of its kind; None where none is found.

    places  of its sizes, each (k, n): the k-th of n parts of a range
    """
    for again in range(TRIES):
        rng = np.random.default_rng([seed, i, again])
        at = [(k + rng.uniform()) / n for k, n in places]
        spec = drawn(kind, rng, at, by_row, dim, defaults, dtype)
        spec = spec._replace(seed=(seed * SEVERAL + i) * TRIES + again)
        if kind.adaptive or answers(kind, spec) == "finite":
            return spec._replace(label=f"random {i + 1}: {sizes_in_words(kind, spec)}")
    return None


def drawn(kind, rng, at, by_row, dim, defaults, dtype):
    """One random spec; `at` has uniform numbers for its sizes."""
    loop, few = kind.form == STATES, kind.adaptive
    B, D = between(at[0], ROWS if dim is None else 4), dim or between(at[1], FEATURES)
    if loop or few:
        B, D = min(B, 3 if few else 8), min(D, dim or (3 if few else 8))
    if dim is None and rng.uniform() < 0.15:
        D = B
    narrow = dtype == "float32" or dtype is None and not few and at[4] < 0.2
    functions = any(n in FUNCTIONS for n in kind.args) or kind.form == FUNCTION
    moderate = functions and not loop or narrow                   # that of a loop is affine
    regime = "plain" if few else MODERATE if moderate else ANY_SIZE
    spec = ProbeSpec("", B, D, by_row and bool(rng.uniform() < 0.6) and kind.form != TABLE, regime)
    if kind.sliced or {"weights", "sigmas"} <= set(kind.args):
        spec = spec._replace(M=DIRECTIONS[int(at[2] * len(DIRECTIONS))])
    if kind.is_step and rng.uniform() < 0.7:
        least = -4 if "alpha_bar_s" in kind.args else -6       # a beta below 1e-4 has few digits
        share, close = 10**rng.uniform(-8, -1), 10**rng.uniform(least, -1)
        spec = spec._replace(ratio=(share, 1.0) if rng.uniform() < 0.6 else
                             (1 - close, 1 - close / 10))
    count = between(at[3], LONG if kind.form == TABLE else 30)
    given = [(name, str(rng.choice(choices))) for name, choices in CHOICES.items()
             if name in kind.args]
    if loop:
        given += [(name, between(rng.uniform(), most)) for name, most in LENGTHS
                  if name in kind.args]
        given += [("eta", float(rng.choice([0.0, 1.0, 10**rng.uniform(-3, 0)])))] * (
            "eta" in kind.args)
    without = defaults[rng.integers(len(defaults)):] if defaults and rng.uniform() < 0.25 else ()
    given = tuple((n, a) for n, a in given if n not in without)
    return spec._replace(count=count, given=given, without=tuple(without),
                         dtype="float32" if narrow else "float64")


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
