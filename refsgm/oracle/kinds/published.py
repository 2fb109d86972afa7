"""Tables and numbers that agree with published ones in their ends, in the middle, or but for one.

Code may know a schedule by its first and last entry, by an entry inside, or by one of two numbers.
"""

from functools import lru_cache

import numpy as np

RATES = (1e-4, 0.02), (8.5e-4, 0.012)              # of DDPM, and of latent diffusion
VP = 0.1, 20.0                                     # ends of beta(t)
LEVELS = (80.0, 0.002), (50.0, 0.01), (1.0, 0.01)  # of EDM, NCSN++ and NCSN
KARRAS = 7.0
OFFSET, MOST_RATE = 0.008, 0.999                   # of the cosine schedule
NEARLY_ALL = 0.9999                                # a rate, at most
LENGTHS = 10, 50, 1000
LARGEST = 50.0                                     # of -log alpha_bar at the end, as in float32
INSIDE, CHANGE = 0.2, 0.3                          # share by which steps, or entries, are others
NUMBERS = {                                        # of arguments that belong together
    ("sigma_min",): ((0.002,),), ("sigma_max",): ((80.0,), (50.0,)),
    ("beta_min", "beta_max"): (*RATES, VP), ("sigma_max", "sigma_min"): LEVELS,
    ("mean", "deviation"): ((-1.2, 1.2), (0.0, 1.0)), ("offset",): ((OFFSET,),),
    ("rho",): ((KARRAS,),), ("sigma_data",): ((0.5,),), ("gamma",): ((5.0,),),
    ("shift",): ((3.0,),), ("step_size",): ((2e-5,), (6.2e-6,)), ("eta",): ((0.0,), (1.0,))}
COUNTS = {"n_steps": (50, 1000), "n_levels": (10, 18, 232)}


def ramp(n):
    """From 0 to 1 in n entries."""
    return np.linspace(0, 1, n)


def powered(n, first, last, rho):
    """Even steps of the root of an order."""
    return (first**(1 / rho) + ramp(n) * (last**(1 / rho) - first**(1 / rho)))**rho


def cosine_rates(n):
    """The rates of the cosine schedule."""
    angle = (np.arange(n + 1) / n + OFFSET) / (1 + OFFSET) * np.pi / 2
    f = np.cos(angle)**2
    return np.clip(1 - f[1:] / f[:-1], 0, MOST_RATE)


@lru_cache(64)
def schedules(name, n):
    """Published tables of rates, or of noise levels, with n entries."""
    if name == "sigmas":
        return (*(np.geomspace(*ends, n) for ends in LEVELS), powered(n, *LEVELS[0], KARRAS),
                np.linspace(*LEVELS[2], n))
    of_time = (np.linspace(*VP, n) / n,) if n > VP[1] else ()
    return (*(np.linspace(*ends, n) for ends in RATES),
            *(powered(n, *ends, 2.0) for ends in RATES), cosine_rates(n), *of_time)


def in_order(a, b):
    """Entries b in the order that those of a have: falling, rising or none."""
    return np.sort(b)[::-1] if np.all(np.diff(a) < 0) else np.sort(b) if (
        np.all(np.diff(a) >= 0)) else b


def other_inside(a, rng):
    """The same ends, and any numbers between them."""
    low, high = np.sort(a[[0, -1]])
    inner = np.exp(rng.uniform(np.log(low), np.log(high), max(len(a) - 2, 0)))
    return within(a, in_order(a[[0, -1]], inner))


def within(a, inner):
    """A table with other entries between its ends."""
    b = a.copy()
    b[1:-1] = inner
    return b


def moved(a, at, rng):
    """A table with one entry moved, less than halfway to its neighbours."""
    b, k = a.copy(), at % len(a)
    gap = abs(a[max(k - 1, 0)] - a[min(k + 1, len(a) - 1)]) / 2 or a[k]
    b[k] += rng.choice([-1, 1]) * CHANGE * min(gap, a[k])
    return b


def along_cosine(a, rng):
    """The same ends, and between them half a turn of a cosine."""
    return within(a, (a[0] + (a[-1] - a[0]) * (1 - np.cos(np.pi * ramp(len(a)))) / 2)[1:-1])


def along_logs(a, rng):
    """The same ends, and between them even steps of the square root, of rates, or even ones."""
    even = np.linspace(a[0], a[-1], len(a))
    other = even if not np.allclose(a, even) else powered(len(a), a[0], a[-1], 2.0)
    return within(a, other[1:-1])


def perturbed(a, rng):
    """The same ends, and between them steps a little different."""
    steps = np.diff(a) * (1 + INSIDE * rng.uniform(-1, 1, len(a) - 1))
    moved = a[0] + np.cumsum(steps) * ((a[-1] - a[0]) / (np.sum(steps) or 1.0))
    return within(a, moved[:-1])


VARIANTS = {                           # (N,), of a published table
    "": lambda a, rng: a,
    "at its ends alone": other_inside,
    "at its ends, a cosine inside": along_cosine,
    "at its ends, of another form inside": along_logs,
    "at its ends, nearly inside": perturbed,
    "but for one entry": lambda a, rng: moved(a, 1 + rng.integers(max(len(a) - 2, 1)), rng),
    "but for its first": lambda a, rng: moved(a, 0, rng),
    "but for its last": lambda a, rng: moved(a, -1, rng),
    "but for its ends": lambda a, rng: moved(moved(a, 0, rng), -1, rng)}


def table(name, n, word, rng, which=None):
    """A table of n entries that is published but for what a word of `VARIANTS` says; of alpha_bar
    its rates are.

    which  of the published tables, or any
    """
    those = schedules("sigmas" if name == "sigmas" else "betas", n)
    k = rng.integers(len(those)) if which is None else which % len(those)
    a = VARIANTS[word](those[k], rng)
    if name == "sigmas":
        return a
    a = np.minimum(a, NEARLY_ALL)
    if len(a) > 2:
        a = within(a, a[1:-1] * min(1.0, LARGEST / float(-np.sum(np.log1p(-a)))))
    return a if name != "alpha_bar" else np.concatenate([[1.0], np.cumprod(1 - a)])


def numbers(args, rng, but=None):
    """Published numbers in place of arguments, {name: number}; all of one table together.

    but  the one that is another number
    """
    made = {}
    for names, those in NUMBERS.items():
        if set(names) <= args.keys() and all(np.ndim(args[n]) == 0 for n in names):
            rates = (VP,) if "t" in args else RATES
            those = rates if names[0] == "beta_min" else those
            made |= dict(zip(names, those[rng.integers(len(those))]))
    made |= {n: int(rng.choice(those)) for n, those in COUNTS.items()
             if n in args and n != but and len(args) > 1 and rng.uniform() < 0.5}
    if but in made:
        made[but] = made[but] * float(1 + CHANGE * rng.uniform(0.1, 1))
    return made
