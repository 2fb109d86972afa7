"""What random probes draw: levels from 1e-10 to 1e10, data of any size, numbers all over a domain.

The usual draws keep to sizes at which a formula can be recovered; these look for what it hides.
"""

import numpy as np

DECADES = {"float64": 8.0, "float32": 4.0}          # of levels, down and up from 1
BEYOND = 1.25     # times as many where no function is passed, as code has bounds at round numbers
# Regimes of random probes: data of all sizes, or of those that a test function is made for
RANDOM = ANY_SIZE, MODERATE = "random", "random with moderate data"
# and of all probes beyond the plain ones and their usual regimes
FORM, ODD_FORM, AGAIN = FORMS = "form", "odd form", "again"      # see `forms`
WIDE_TABLE, LARGE_DATA = "wide table", "large data"
FURTHER = ("edge", "odd", "infinite", "minute levels", "vast levels", WIDE_TABLE, LARGE_DATA,
           *RANDOM, *FORMS)


def level(name, rng, u, spec):
    """A noise level, time or rate; `u` in (-1, 1) is what a usual one is made of, and its shape."""
    decades, beyond = DECADES.get(spec.dtype, 8.0), BEYOND if spec.regime == ANY_SIZE else 1.0
    order = rng.uniform()
    if order < 0.25:                                         # the same for all rows
        u = u * 0 + np.ravel(u)[0]
    elif order < 0.45 and np.ndim(u):                        # or rising from row to row
        u = np.sort(u, axis=0)
    if name.startswith("alpha_bar"):                          # 1 - alpha_bar has fewer digits
        beyond = beyond if name == "alpha_bar" else 1.0       # and a step takes x_0 away from x_t
        return 1 / (1 + np.exp(-decades * np.where(u > 0, 2.25, beyond * 2.25) * u))
    if name in ("t", "s"):
        end = 10**(-0.3 - (decades * np.where(u > 0, 1, beyond) - 0.3) * np.abs(u))
        small = np.where(u < 0, end, 1 - end)
        return 0.5 + 0.5 * u if rng.uniform() < 0.6 else small
    return 10**(u * (beyond * decades if rng.uniform() < 0.5 else 1.5))


def data(rng, a, spec):
    """Data (B, D) of sizes that are its own; sometimes a row of zeros, or whole numbers."""
    ends, kind = (-4, 4) if spec.regime == ANY_SIZE else (-1, 1), rng.uniform()
    size = 10**rng.uniform(*ends, (len(a), 1) if kind < 0.4 else ())        # of each row, or of all
    a = np.round(4 * a) if kind < 0.1 else size * a if kind < 0.7 else a
    if rng.uniform() < 0.15:
        a[rng.integers(len(a))] = 0.0
    return a


def means(rng, spec):
    """Means (K, D) of a mixture, near each other or far apart; now and then two are the same."""
    a = 10**rng.uniform(-1.5, 1.5) * rng.standard_normal((spec.count, spec.D))
    if rng.uniform() < 0.2:
        a[-1] = a[0]
    return a


def sigmas(rng, spec):
    """Decreasing noise levels (L,), as far apart as those of published schedules."""
    decades = min(DECADES[spec.dtype], rng.uniform(0.1, 6))
    logs = rng.uniform(-1.5, 1.5) + decades * rng.uniform(-0.5, 0.5, spec.count)
    return 10**np.sort(logs)[::-1]


def betas(rng, spec):
    """Rates (T,) in any order, of any size below 0.99."""
    a = 0.99 * 10**-rng.uniform(0, 10**rng.uniform(-1, 0.8), spec.count)
    most = 60 if spec.dtype == "float32" else 600                  # of -log alpha_bar at the end
    return a * min(1.0, most / float(-np.sum(np.log1p(-a))))


def alpha_bars(rng, spec):
    """A table (T + 1,) that starts at 1 and goes down to anything."""
    size = 2.25 * DECADES[spec.dtype] * 10**rng.uniform(-0.7, 0)
    logits = np.sort(size * rng.uniform(-1, 1, spec.count))[::-1]
    return np.concatenate([[1.0], 1 / (1 + np.exp(-logits))])


def end_of_levels(sign):
    """The larger or the smaller end of a range of levels: far apart, or now and then close."""
    return lambda u, spec: (1 + sign * u**2 / 2 if spec.count % 4 == 0
                            else 10**(sign * (6 * u + 0.1)))


NUMBERS = {
    "eta": lambda u, spec: float(np.clip(1.4 * u - 0.2, 0, 1)),
    "sigma_data": lambda u, spec: 10**(8 * u - 4),
    "gamma": lambda u, spec: 10**(2 * u - 0.5),
    "step": lambda u, spec: 10**(-3 * u),
    "step_size": lambda u, spec: 10**(-6 * u - 0.3),
    "rho": lambda u, spec: 1 + 11 * u,
    "offset": lambda u, spec: 10**(-4 * u - 1),
    "beta_min": lambda u, spec: 10**(2 * u - 2),
    "beta_max": lambda u, spec: 0.4 + 40 * u,
    "sigma_min": end_of_levels(-1),
    "sigma_max": end_of_levels(1),
    "n_levels": lambda u, spec: 1 + spec.count,
    "n_steps": lambda u, spec: 1 + spec.count,
    "steps_per_level": lambda u, spec: 1 + int(6 * u),
    "dim": lambda u, spec: 1 + int(10**(4 * u)),
    "bin_width": lambda u, spec: 10**(2 - 5 * u),
}
