"""How the arguments of a probe are drawn: an argument's name says what it is.

A record's `draw` comes before the name. One rng draws all arguments of a probe, in the order of the
contract, so what one argument draws is part of the probes of every later one.
"""

import numpy as np

from . import nearby, relations, wide
from .forms import formed, smaller_formed
from .kind import DATA, FUNCTION, FUNCTIONS, STATES, STEPS
from .sharp import sharpened
from .test_functions import Field, Noise, other_field

SIZES = {"tiny levels": 1e-4, "huge levels": 1e4, "far from the origin, tiny levels": 1e-4,
         "minute levels": 10**-7.5, "vast levels": 10**7.5}
LOGITS = {"tiny levels": 9, "far from the origin, tiny levels": 9, "huge levels": -9,
          "minute levels": 17, "vast levels": -17}
LONG = 30                        # entries from which a table is one of a real schedule, of 1000


def arguments(kind, spec):
    """The arguments of one probe, a dict in the contract's order; arrays are float64."""
    rng = np.random.default_rng([spec.seed, spec.B, spec.D, len(kind.name)])
    drawn = {}
    for name in kind.args:
        drawn[name] = draw(kind, name, rng, spec, drawn)
        if drawn[name] is None:                                 # an argument left at its default
            del drawn[name]
    if kind.form == FUNCTION:
        drawn["x"] = data("x", rng, spec)                         # where the function is called
    drawn.update((name, np.array(a) if isinstance(a, tuple) else a) for name, a in spec.given)
    at_random = spec.regime in wide.RANDOM
    if spec.forms:
        drawn = formed(kind, drawn, spec)
    if at_random or kind.is_step:                                  # a further rng costs much
        order_levels(kind, drawn, spec, rng if at_random else np.random.default_rng(
            [7, spec.seed, spec.B]))
    if spec.forms:
        drawn = smaller_formed(kind, drawn, spec)
    if at_random:
        relations.relate(kind, drawn, spec, rng)
    for name, value in spec.at:
        if isinstance(drawn[name], np.ndarray):
            drawn[name][::2] = value
        else:
            drawn[name] = value
    if spec.near:
        drawn = nearby.put(kind, spec, drawn)
    if spec.sharp:
        drawn = sharpened(spec, drawn)
    drawn = {name: a for name, a in drawn.items() if name not in spec.without}
    if spec.dtype == "float32":
        drawn = {k: in_float32(a) if isinstance(a, np.ndarray) else a for k, a in drawn.items()}
    if spec.dtype == "int64":
        drawn = {k: np.round(2 * a) if k in DATA and np.ndim(a) == 2 and not kind.is_level(k) else a
                 for k, a in drawn.items()}
    if spec.regime == "odd" and spec.dtype != "int64":
        drawn = {k: np.asfortranarray(a) if k in DATA and np.ndim(a) > 1 else a
                 for k, a in drawn.items()}
    return drawn


def in_float32(a):
    """A number or an array as float32 holds it."""
    b = np.asarray(a, np.float32).astype(np.float64)
    return b if isinstance(a, np.ndarray) else float(b)


def draw(kind, name, rng, spec, drawn):
    """One argument: as the record says, or else by its name."""
    if name in kind.draw:
        return kind.draw[name](rng, spec, drawn)
    if spec.regime in wide.RANDOM and name in wide.NUMBERS and not kind.is_level(name):
        return wide.NUMBERS[name](rng.uniform(0, 1), spec)
    if name in FUNCTIONS:                                  # a loop of cubics could run away
        size = (0.1, 0.0) if kind.form == STATES else (1.0, 0.4)
        if not spec.bent:
            return Field(rng, spec.D, *size)
        return other_field(rng, spec.D, size[0], 0.4, *spec.bent)
    if name == "v" and kind.sliced:
        v = rng.standard_normal((spec.M, spec.B, spec.D) if spec.M else (spec.B, spec.D))
        return wide.directions(rng, v) if spec.regime in wide.RANDOM else v
    if name in DATA:
        return data(name, rng, spec)
    if kind.is_level(name):
        return level(name, rng, spec)
    if name in BY_NAME:
        return BY_NAME[name](rng, spec, drawn)
    raise KeyError(f"the record of {kind.name} must say how its argument {name!r} is drawn")


def data(name, rng, spec):
    """An array (B, D), near the origin, far from it, or far from the mean."""
    a = 1.5 * rng.standard_normal((spec.B, spec.D))
    if spec.regime in wide.RANDOM:
        return wide.data(rng, a, spec)
    if spec.regime == wide.LARGE_DATA:
        return 1e4 * a
    if spec.regime.startswith("far from the origin") and name not in ("eps", "z"):
        return a + 1e3
    if spec.regime == "far tail" and name in ("x", "x_noisy", "x_t"):
        return a + 60.0 * np.sign(rng.standard_normal((spec.B, spec.D)))
    return a


def level(name, rng, spec):
    """A noise level, time or rate, one per row or one for all."""
    u = rng.uniform(-1, 1, (spec.B, 1) if spec.rows else ())
    if spec.regime in wide.RANDOM:
        a = wide.level(name, rng, u, spec)
    elif name.startswith("alpha_bar"):
        logit = LOGITS[spec.regime] + u if spec.regime in LOGITS else 2.5 * u
        a = 1 / (1 + np.exp(-logit))
        a = np.where(np.abs(a - 0.5) < 0.05, 0.6, a)                # at 1/2 mistakes hide
    elif name in ("t", "s") and spec.regime in ("minute levels", "vast levels"):
        a = 10**(0.9 * u - 7.5)
        a = a if spec.regime == "minute levels" else 1 - a
    elif name in ("t", "s"):
        a = 0.5 + 0.45 * u
    else:
        size = SIZES.get(spec.regime, 1.0)
        a = 10**(0.9 * u) * (size if name.startswith("sigma") else 1.0)
        a = np.where(np.abs(np.log(a)) < 0.1, 1.3, a)                      # nor at sigma = 1
    return a if spec.rows else float(a)


def order_levels(kind, drawn, spec, rng):
    """A step goes from t to s < t, by a share of the way that differs from row to row.

    At random probes both may be anywhere, and on a straight path a step may lead to more noise.
    """
    ends, shape = spec.ratio or (0.15, 0.85), (spec.B, 1) if spec.rows else ()
    at_random = spec.ratio and spec.regime in wide.RANDOM
    share = ends[0] * (ends[1] / ends[0])**rng.uniform(0, 1, shape) if at_random else (
        rng.uniform(*ends, shape))
    share = share if spec.rows else float(share)
    given = dict(spec.given)
    for small, large in STEPS:
        if small in kind.args and large in kind.args and small not in given:
            if spec.regime in wide.RANDOM and not spec.ratio and large not in given:
                a, b = drawn[small], drawn[large]
                if small != "s" or rng.uniform() < 0.5:
                    a, b = np.minimum(a, b), np.maximum(a, b)
                drawn[small], drawn[large] = (a, b) if spec.rows else (float(a), float(b))
            else:
                drawn[small] = share * drawn[large]
        elif small in given and isinstance(drawn.get(large), np.ndarray) and spec.rows:
            drawn[small] = np.full((spec.B, 1), given[small])


def number(f, anywhere=None):
    """A draw of f(u, spec), u uniform in [0, 1); at random probes of another, if one is given."""
    def drawn_number(rng, spec, drawn):
        at_random = anywhere is not None and spec.regime in wide.RANDOM
        return (anywhere if at_random else f)(rng.uniform(0, 1), spec)
    return drawn_number


def table(f):
    """A draw of f(rng, spec, drawn), after the u of a number, which every plain argument takes."""
    def drawn_after_u(rng, spec, drawn):
        rng.uniform(0, 1)
        return f(rng, spec, drawn)
    return drawn_after_u


def means(rng, spec, drawn):
    """Means (K, D) of a mixture, as far apart as the noise is wide."""
    if spec.regime in wide.RANDOM:
        return wide.means(rng, spec, drawn["x"])
    width = SIZES.get(spec.regime, 1.5)
    center = 1e3 if spec.regime.startswith("far from the origin") else 0.0
    return center + width * rng.standard_normal((spec.count or 4, spec.D))


def spaced(rng, spec):
    """Levels whose neighbours have ratios between two ends."""
    return np.cumprod(rng.uniform(*spec.ratio, spec.count))


def sigmas(rng, spec, drawn):
    """Decreasing noise levels (L,)."""
    if spec.regime in wide.RANDOM:
        return wide.sigmas(rng, spec)
    if spec.regime == wide.WIDE_TABLE:
        return 5 * spaced(rng, spec) if spec.ratio else np.geomspace(80.0, 0.002, spec.count)
    return np.sort(10**rng.uniform(-0.5, 1, spec.count or 3 + spec.seed % 3))[::-1].copy()


def betas(rng, spec, drawn):
    """Increasing rates (T,); at random probes rates in any order."""
    if spec.regime in wide.RANDOM:
        return wide.betas(rng, spec)
    if spec.regime == wide.WIDE_TABLE:
        return np.geomspace(1e-6, 0.9999, spec.count)
    low, high = (1e-4, 0.02) if spec.count >= LONG else (0.02, 0.6)
    return np.sort(rng.uniform(low, high, spec.count or 4 + spec.seed % 4))


def alpha_bars(rng, spec, drawn):
    """A table (T + 1,) that starts at 1 and decreases."""
    if spec.regime in wide.RANDOM:
        return wide.alpha_bars(rng, spec)
    if spec.regime == wide.WIDE_TABLE:
        return np.concatenate([[1.0], spaced(rng, spec) if spec.ratio else 1 / (
            1 + np.exp(np.linspace(-14, 14, spec.count)))])
    low, high = (1e-4, 0.02) if spec.count >= LONG else (0.05, 0.6)
    steps = rng.uniform(low, high, spec.count or 4 + spec.seed % 4)
    return np.concatenate([[1.0], np.cumprod(1 - steps)])


def level_weights(rng, spec, drawn):
    """Weights (L,) of noise levels, or None for the default."""
    n = len(drawn["sigmas"])
    if spec.M and spec.regime in wide.RANDOM:
        return wide.level_weights(rng, n)
    return rng.uniform(0.5, 2, n) if spec.M else None


BY_NAME = {
    "eta": number(lambda u, spec: 0.3 + 0.5 * u),
    "sigma_data": number(lambda u, spec: 0.3 + 2 * u),
    "gamma": number(lambda u, spec: 1.5 + 4 * u),
    "step": number(lambda u, spec: 0.1 + u),
    "step_size": number(lambda u, spec: 0.05 + 0.3 * u),
    "rho": number(lambda u, spec: 3 + 6 * u),
    "offset": number(lambda u, spec: 0.01 + 0.05 * u),
    "beta_min": number(lambda u, spec: 0.1 + 0.3 * u),           # rates of the VP SDE
    "beta_max": number(lambda u, spec: 8 + 10 * u),
    "sigma_min": number(lambda u, spec: 0.2 + 0.5 * u),
    "sigma_max": number(lambda u, spec: 3 + 20 * u),
    "n_levels": number(lambda u, spec: 5 + spec.seed % 6),
    "n_steps": number(lambda u, spec: 4 + spec.seed % 5),
    "steps_per_level": number(lambda u, spec: 2 + spec.seed % 2),
    "dim": number(lambda u, spec: 2 + spec.seed % 7),
    "bin_width": number(lambda u, spec: 1.1 * 2.0**-(1 + spec.seed % 8)),
    "rng": number(lambda u, spec: Noise(spec.seed)),
    "means": table(means),
    "sigmas": table(sigmas),
    "betas": table(betas),
    "alpha_bar": table(alpha_bars),
    "weights": table(level_weights),
}
