"""What random probes draw: ordinary numbers, and levels from 1e-10 to 1e10, data of any size.

The usual draws keep to sizes at which a formula can be recovered; these look for what it hides.
About half are ordinary, as code tells cases apart where people use it. The levels of a batch lie
close together or far apart, or one row is far from the others; the levels of one row are of one
size or of several; and now and then numbers are round.
"""

from functools import lru_cache

import numpy as np

DECADES_OF_ROOTS = 8                             # that sums of sigma^(1 / rho) keep
DECADES = {"float64": 8.0, "float32": 4.0}          # of levels, down and up from 1
HIGHEST_RATE = 80.0                                 # in float32, of which e^-rate is a number
BEYOND = 1.25     # times as many where no function is passed, as code has bounds at round numbers
ORDINARY = -1.3, 1.7                                # powers of ten
# Regimes of random probes: data of all sizes, or of those that a test function is made for
RANDOM = ANY_SIZE, MODERATE = "random", "random with moderate data"
# and of all probes beyond the plain ones and their usual regimes
FORM, ODD_FORM, AGAIN = FORMS = "form", "odd form", "again"      # see `forms`
WIDE_TABLE, LARGE_DATA = "wide table", "large data"
GUIDED = "near a number of the code"
BY_SEED = (*RANDOM, GUIDED)                                      # all that a seed draws
FURTHER = ("edge", "odd", "infinite", "minute levels", "vast levels", WIDE_TABLE, LARGE_DATA,
           *BY_SEED, *FORMS)


def level(name, rng, u, spec):
    """A noise level, time or rate; `u` in (-1, 1) is what a usual one is made of, and its shape."""
    decades, beyond = DECADES.get(spec.dtype, 8.0), BEYOND if spec.regime == ANY_SIZE else 1.0
    order = rng.uniform()
    if np.ndim(u) and order < 0.3:                           # rising or falling from row to row
        u = np.sort(u, axis=0)[::1 if order < 0.15 else -1]
    if name.startswith("alpha_bar"):                          # 1 - alpha_bar has fewer digits
        beyond = beyond if name == "alpha_bar" else 1.0       # and a step takes x_0 away from x_t
        if rng.uniform() < 0.4:
            return share(rng, u, 1e-3, 1 - 1e-3)
        low, high = -0.98 * decades / 2, 0.98 * beyond * decades / 2         # of sigma / scale
        return 1 / (1 + 10**(2 * powers(rng, u, spec, low, high)))
    if name in ("t", "s"):
        if rng.uniform() < 0.6:
            a = share(rng, u, 0.0, 1.0)
            if np.ndim(u) and rng.uniform() < 0.1:                            # from end to end
                a[0], a[-1] = 0.0, 1.0
            return a
        end = 10**np.minimum(-np.abs(powers(rng, u, spec, -beyond * decades, decades)), -0.3)
        return np.where(u < 0 if rng.uniform() < 0.5 else rng.uniform() < 0.5, end, 1 - end)
    return rounded(rng, 10**powers(rng, u, spec, -beyond * decades, beyond * decades))


def powers(rng, u, spec, low, high):
    """Powers of ten of levels, like u: around one of this level, or around that of all levels."""
    kind = rng.uniform()
    center = power_of_all(spec.seed, high) if rng.uniform() < 0.5 else power(rng, high)
    if kind < 0.2:                                                   # any levels beside any others
        a = np.where(u < 0, -low, high) * u
    else:
        apart = 0.0 if kind < 0.35 else 10**rng.uniform(-9, -2) if kind < 0.5 else (
            0.4 if kind < 0.7 else 1.5)
        a = center + apart * u
    if np.ndim(u) and rng.uniform() < 0.2:                               # one row unlike the others
        a = a + 0 * u
        a[[0, -1, rng.integers(len(a))][rng.integers(3)]] = power(rng, high)
    return np.clip(a, low, high)


def power(rng, decades):
    """A power of ten: ordinary, of four decades up and down, or any."""
    kind = rng.uniform()
    return rng.uniform(*(ORDINARY if kind < 0.4 else (-4, 4) if kind < 0.8 else
                         (-decades, decades)))


@lru_cache(8)
def power_of_all(seed, decades):
    """The one around which several levels of a probe lie."""
    return power(np.random.default_rng([13, seed]), decades)


def share(rng, u, low, high):
    """Numbers in a part of [low, high], or in all of it, like u."""
    a, b = (low, high) if rng.uniform() < 0.5 else np.sort(rng.uniform(low, high, 2))
    return rounded(rng, a + (b - a) * (0.5 + 0.5 * u), 0.1)


def rounded(rng, a, often=0.15):
    """Numbers of one significant digit, now and then."""
    if rng.uniform() > often:
        return a
    unit = 10**np.floor(np.log10(np.maximum(np.abs(a), 1e-300)))
    return np.clip(np.round(a / unit), 1, 9) * unit


def signed(rng, a):
    """Positive, negative or of both signs, and now and then zero."""
    kind, shape = rng.uniform(), np.shape(a)
    sign = (1 if kind < 0.3 else -1 if kind < 0.6 else
            np.where(rng.uniform(0, 1, shape) < 0.5, -1, 1))
    zero = rng.uniform(0, 1, shape) < (1.0 if rng.uniform() < 0.05 else 0.03)
    return np.where(zero, 0.0, sign * a)


def data(rng, a, spec):
    """Data (B, D) of sizes that are its own; sometimes a row of zeros, or whole numbers."""
    ends, kind = (-4, 4) if spec.regime == ANY_SIZE else (-1, 1), rng.uniform()
    size = 10**rng.uniform(*ends, (len(a), 1) if kind < 0.4 else ())        # of each row, or of all
    a = np.round(4 * a) if kind < 0.1 else size * a if kind < 0.7 else a
    rows = rng.uniform()
    if rows < 0.15:
        a[rng.integers(len(a))] = 0.0
    elif rows < 0.25:                                       # all rows are the same, or all features
        a = a[:1] + 0 * a if rows < 0.2 else a[:, :1] + 0 * a
    elif rows < 0.3:
        a = np.abs(a)
    return a


def directions(rng, v):
    """Directions (.., D), normal numbers: or signs, of length one, of any size, axes, or zero."""
    kind = rng.uniform()
    if kind < 0.15:
        return np.where(v < 0, -1.0, 1.0)
    if kind < 0.3:
        return v / np.linalg.norm(v, axis=-1, keepdims=True) * (v.shape[-1]**0.5 if kind < 0.2
                                                                else 1.0)
    if kind < 0.4:
        axes = np.eye(v.shape[-1])[rng.integers(v.shape[-1], size=v.shape[:-1])]
        sign = np.where(v[..., :1] < 0, -1.0, 1.0)
        return axes * sign * (1.0 if kind < 0.35 else 0.5 + np.abs(v))
    if kind < 0.6:
        return v * 10**rng.uniform(-1, 1, (*v.shape[:-1], 1))
    return np.where(rng.uniform(0, 1, (*v.shape[:-1], 1)) < 0.3, 0.0, v) if kind < 0.7 else v


def level_weights(rng, n):
    """Weights (n,) of noise levels: of any size, equal, rising, or with zeros."""
    kind = rng.uniform()
    a = 10**rng.uniform(-3, 3, n) if kind < 0.5 else rng.uniform(0.5, 2, n)
    if kind > 0.7:
        a[[0, -1, rng.integers(n)][rng.integers(3)]] = 0.0
    return np.full(n, a[0]) if 0.5 < kind < 0.55 else np.sort(a) if 0.55 < kind < 0.6 else a


def means(rng, spec, x):
    """Means (K, D) of a mixture, near each other or far apart, the same, or where a row of x is."""
    a = 10**rng.uniform(-1.5, 1.5) * rng.standard_normal((spec.count, spec.D))
    kind = rng.uniform()
    if kind < 0.2:
        a[rng.integers(spec.count)] = a[0]
    elif kind < 0.3:
        a = a[:1] + 10**rng.uniform(-8, -2) * a
    elif kind < 0.45:
        a[rng.integers(spec.count)] = x[rng.integers(len(x))]
    elif kind < 0.55:                                  # all around one row, or one of them far away
        a = x[rng.integers(len(x))] + a
    elif kind < 0.6:
        a[-1] = 1e3 * a[-1]
    return a


def component_weights(rng, spec):
    """Weights (K,) that float32 holds exactly, of any size; equal, or zero at any places."""
    K, kind = spec.count, rng.uniform()
    sizes = 10**-rng.uniform(0, 6, K) if kind < 0.4 else rng.uniform(0.2, 1, K)
    if 0.6 < kind < 0.9 and K > 1:
        sizes[[0, -1, rng.integers(K)][rng.integers(3)]] = 0.0
        sizes[rng.uniform(0, 1, K) < 0.2 * rng.integers(2)] = 0.0
        sizes = sizes if np.any(sizes) else np.eye(1, K)[0]
    if kind > 0.9 and K & (K - 1) == 0:
        return np.full(K, 1 / K)
    return rng.multinomial(2**20, sizes / np.sum(sizes)) / 2**20


def sigmas(rng, spec):
    """Decreasing noise levels (L,), as far apart as those of published schedules, or close."""
    decades, n, kind = min(DECADES[spec.dtype], rng.uniform(0.1, 6)), spec.count, rng.uniform()
    if kind < 0.15 and n < 100:                                                      # whole numbers
        return np.sort(rng.choice(np.arange(1, 3 * n + 1), n, replace=False))[::-1].astype(float)
    least = 2e-4 if spec.dtype == "float32" else 1e-6
    decades = decades if kind > 0.3 else n * 10**rng.uniform(np.log10(least), -1)
    at = rng.uniform(-0.5, 0.5, n) if kind > 0.5 else np.linspace(-0.5, 0.5, n)
    a = 10**(power(rng, 4.0) + min(decades, 8.0) * np.sort(at)[::-1])
    if 0.4 < kind < 0.5 and n > 1:
        a = np.linspace(a[0], a[-1], n)
    return a


def betas(rng, spec):
    """Rates (T,) in any order, of any size below 0.99; constant, falling, with ties, equal ends."""
    n, kind = spec.count, rng.uniform()
    a = 0.99 * 10**-rng.uniform(0, 10**rng.uniform(-1, 0.8), n)
    if kind < 0.3:
        a = np.full(n, a[0]) if kind < 0.1 else np.sort(a)[::-1 if kind < 0.2 else 1].copy()
    elif kind < 0.45:
        a = a[rng.integers(n, size=n)]                                       # some more than once
    if 0.4 < kind < 0.55:
        a[-1] = a[0]
    most = 60 if spec.dtype == "float32" else 600                  # of -log alpha_bar at the end
    return a * min(1.0, most / float(-np.sum(np.log1p(-a))))


def alpha_bars(rng, spec):
    """A table (T + 1,) that starts at 1 and goes down to anything, evenly or not."""
    size, kind, n = 2.25 * DECADES[spec.dtype] * 10**rng.uniform(-0.7, 0), rng.uniform(), spec.count
    if kind < 0.15:
        return np.linspace(1, rng.uniform(0.01, 0.99), n + 1)
    if kind < 0.3:
        return np.geomspace(1, 10**rng.uniform(-5, -0.01), n + 1)
    ends = np.sort(rng.uniform(-1, 1, 2)) if kind < 0.6 else (-1, 1)
    logits = np.sort(size * rng.uniform(*ends, n))[::-1]
    return np.concatenate([[1.0], 1 / (1 + np.exp(-logits))])


def rate(low, high, ordinary):
    """A positive number; in float32 one for which the square of e^(-rate / 2) is a number too."""
    number = positive_number(low, high, ordinary)
    return lambda u, spec: min(number(u, spec), HIGHEST_RATE if spec is not None
                               and spec.dtype == "float32" else np.inf)


def positive_number(low, high, ordinary=ORDINARY):
    """A positive number, from 10^low to 10^high: half of the draws ordinary, some of them round."""
    def number(u, spec):
        part, fine = (2 * u) % 1, (1e4 * u) % 1
        start, end = ordinary if u < 0.5 else (low, high)
        a = 10**(start + (end - start) * part)
        return float(f"{a:.0e}") if fine < 0.2 else a
    return number


NUMBERS = {
    "eta": lambda u, spec: float(np.clip(1.4 * u - 0.2, 0, 1)),
    "sigma_data": positive_number(-4, 4),
    "gamma": positive_number(-3, 5),
    "step": positive_number(-3, 1, (-2, 0)),
    "step_size": positive_number(-8, 0.5, (-4, 0)),
    "rho": positive_number(-0.7, 1.7, (-0.3, 1.1)),
    "offset": positive_number(-5, 2, (-3, 0.7)),
    "beta_min": rate(-3, 2, (-1.3, 1.3)),
    "beta_max": rate(-2, 2.3, (-0.5, 1.7)),
    "sigma_min": positive_number(-6, 6),
    "sigma_max": positive_number(-6, 6),
    "n_levels": lambda u, spec: 1 + spec.count,
    "n_steps": lambda u, spec: spec.count,
    "steps_per_level": lambda u, spec: 1 + int(6 * u),
    "dim": lambda u, spec: 1 + int(10**(5.5 * u)),
    "bin_width": positive_number(-5, 3),
}
