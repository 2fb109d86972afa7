"""Probes of sharp functions, which change over lengths down to 1e-6: of code that differentiates.

    s((x - center) / unit, level) / unit

A difference, real or along a complex step, that is not short beside the unit is seen; so is a step
in proportion to data, of which other rows, or a center, may be far larger than the unit. A solver
is also asked for a function that turns, over many decades of levels, and between two modes.
"""

from functools import lru_cache

import numpy as np

from .kind import FUNCTION, ProbeSpec
from .test_functions import BENDS, Field, modes, turning
from .wide import GUIDED

SHORTEST, LONGEST = 1e-6, 1e-3                  # of a unit
NEAR, MIXED, AROUND = "near zero", "and rows far from zero", "around a center"
MANY_DECADES = "over many decades of levels"
MODES, BETWEEN = "two modes", "in the middle of two modes"
FARTHEST = 1e3                                  # of the other rows
SCALED = {"step", "sigma_min", "sigma_max"}     # lengths among the arguments


def differentiates(kind):
    """Whether the formula has a derivative of the function that is passed."""
    return kind.derivative or kind.sliced or kind.adaptive or kind.form == FUNCTION


@lru_cache(64)
def sharp_specs(kind, seed, by_row=True, dim=None, dtype=None, few=False, ranges=1):
    """Specs of these probes, a tuple.

    few     whether each costs much
    ranges  how many are over many decades, of a solver
    """
    if not differentiates(kind):
        return ()
    rng, made = np.random.default_rng([seed, 41]), []
    ways = (NEAR,) if kind.adaptive else (MIXED, AROUND, NEAR, MIXED, AROUND, NEAR)
    if dtype == "float32":                      # which has no digits around a center
        ways = tuple(way for way in ways if way != AROUND)
    for i, way in enumerate(ways[:2] if few else ways):
        unit = SHORTEST * (LONGEST / SHORTEST)**(rng.uniform() if i > 2 else 0.1 * rng.uniform())
        center = float(rng.choice([-1, 1]) * 10**rng.uniform(-0.5, 0.3)) if way == AROUND else 0.0
        made.append(ProbeSpec(
            f"a function that changes over {unit:.1g}, {way}", 2 + i % 3,
            dim or 1 + int(rng.integers(4)), by_row, GUIDED, seed % 2**20 * 10 + i,
            3 * (i % 2) * kind.sliced, dtype=dtype or "float64",
            sharp=(way, float(f"{unit:.2g}"), center),
            bent=(1, 0) if kind.adaptive else (i % len(BENDS), 0)))
    for i in range(ranges if kind.adaptive else 0):
        low, high = 10**rng.uniform(-6, -5.5), 10**rng.uniform(3, 3.5)
        made.append(ProbeSpec(
            MANY_DECADES, 1, dim or 2, by_row, GUIDED, seed % 2**20 * 10 + i,
            given=(("sigma_min", low), ("sigma_max", high)), dtype=dtype or "float64",
            sharp=(MANY_DECADES, 1.0, 0.0)))
        for way, size, low, high, last in (
                (BETWEEN, 2.0, -0.5, -0.3, 2.0), (MODES, 0.3, -2.0, -1.8, 0.5)):
            unit = float(f"{10**rng.uniform(size - 1, size):.2g}")
            width = unit * 10**rng.uniform(low, high)
            made.append(ProbeSpec(
                f"{way} at {unit:.1g}", 2, dim or 1 + int(rng.integers(3)), by_row, GUIDED,
                seed % 2**20 * 10 + i, given=(
                    ("sigma_min", width * 10**rng.uniform(0, 0.3)),
                    ("sigma_max", unit * 10**rng.uniform(last, last + 0.5))),
                dtype=dtype or "float64", sharp=(way, unit, width)))
    return tuple(made)


def sharpened(spec, drawn):
    """The arguments with a sharp function, and data and lengths of its size."""
    way, unit, center = spec.sharp
    if way in (MODES, BETWEEN):
        return in_two_modes(spec, drawn)
    made = {}
    for name, a in drawn.items():
        if isinstance(a, Field):
            a = turning(a) if way == MANY_DECADES else a.sharp(
                unit, center, BENDS[spec.bent[0]])
        elif name == "x" and way == MANY_DECADES:            # of which the prior tells the length
            a = a * (2 / np.linalg.norm(a, axis=1, keepdims=True))
        elif name == "x":
            a = of_size(a, spec, np.random.default_rng([spec.seed, 42]))
        elif name in SCALED:
            a = unit * a
        made[name] = a
    return made


def in_two_modes(spec, drawn):
    """The arguments with the score of two modes, and data at them, or far from both."""
    way, unit, width = spec.sharp
    rng = np.random.default_rng([spec.seed, 43])
    x = rng.choice([-1, 1, 0.05, -0.1], drawn["x"].shape) * unit + width * drawn["x"]
    x = 0.01 * unit * drawn["x"] if way == BETWEEN else x
    return {n: modes(a, unit, width) if isinstance(a, Field) else x if n == "x" else a
            for n, a in drawn.items()}


def of_size(x, spec, rng):
    """Data at a distance of a unit; the last row where the function is odd; some rows far off, in
    float32 no farther than squares are numbers.
    """
    (way, unit, center), narrow, x = spec.sharp, spec.dtype == "float32", x.copy()
    if len(x) > 2:
        x[-1] = 0.0
    sizes = np.full((len(x), 1), unit)
    if way == MIXED:
        sizes[rng.integers(2)::2] = FARTHEST**rng.uniform() * (unit if narrow else 1.0)
    return center + sizes * x
