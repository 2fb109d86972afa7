"""Noise levels that fit the data, after Song and Ermon (2020), techniques 1, 2 and 4.

    sigma_max   the largest distance between samples: from there every sample reaches every other
    ratio       sigma_i / sigma_{i+1} = 1 / (1 - 3 / sqrt(2 D)): noise of one level has norms that
                are those of the next one in half of the draws
    sigma_min   a fraction of the distance to the nearest sample, or of the spread

Distances are those among at most SAMPLES samples.
"""

import math

import numpy as np

from ..arguments import POSITIVE, check_below, check_count, check_scalars
from ..arrays import beside, range_of_squares, to_host

SAMPLES = 1000
MOST_RATIO = 4 / 3                         # in few dimensions neighbouring levels overlap anyway
FEWEST, MOST = 10, 250                     # levels


def distances(x):
    """Largest distance between samples, median distance to the nearest, and spread, as floats.

    The spread is the standard deviation about the mean, over all features.

    x  data (N, D), at least two samples

    >>> distances(np.array([[0.0], [2.0]]))
    (2.0, 2.0, 1.0)
    """
    from scipy.spatial.distance import cdist                                   # slow to import
    if len(x) > SAMPLES:
        x = x[beside(np.sort(np.random.default_rng(0).permutation(len(x))[:SAMPLES]), x)]
    x = to_host(x).astype(np.float64)
    apart = cdist(x, x)
    largest = float(np.max(apart))
    np.fill_diagonal(apart, np.inf)
    spread = float(np.mean((x - np.mean(x, axis=0))**2))**0.5
    return largest, float(np.median(np.min(apart, axis=1))), spread


def fitting_ends(x):
    """sigma_max and sigma_min that fit data x (N, D), standard deviations in units of x.

    sigma_min is half of the distance to the nearest sample per root of the dimension, but between
    1/200 and 1/8 of the spread: samples may lie twice, and few samples lie far apart.

    >>> fitting_ends(np.array([[0.0], [2.0]]))
    (2.0, 0.125)
    """
    largest, nearest, spread = distances(x)
    smallest = min(max(nearest / (2 * np.shape(x)[1]**0.5), spread / 200), spread / 8)
    return largest, smallest


def fitting_ratio(dim):
    """The ratio of neighbouring noise levels in D dimensions, at most 4/3.

    A draw of noise sigma has norm sigma (sqrt(D) +- 1 / sqrt(2)). Half of the draws of one level
    lie within three deviations of the next one's norm if sqrt(2 D) (ratio - 1) = 3 ratio.

    >>> fitting_ratio(450), fitting_ratio(2)
    (1.1111111111111112, 1.3333333333333333)
    """
    check_count(1, dim=dim)
    overlap = 1 - 3 / math.sqrt(2 * dim)
    return 1 / overlap if overlap > 1 / MOST_RATIO else MOST_RATIO


def fitting_count(sigma_max, sigma_min, dim):
    """How many levels go from sigma_max to sigma_min with ratios of at most `fitting_ratio`.

    It is between 10 and 250.

    >>> fitting_count(10.0, 0.05, 2)
    20
    """
    steps = math.log(sigma_max / sigma_min) / math.log(fitting_ratio(dim))
    return min(max(1 + math.ceil(steps), FEWEST), MOST)


def fitting_levels(x, sigma_max, sigma_min, n_levels):
    """The three, as given, or as they fit data x (N, D) where they are None."""
    if None in (sigma_max, sigma_min):
        high, low = fitting_ends(x)
        sigma_max, sigma_min = sigma_max or high, sigma_min or low
        check_below(sigma_min=sigma_min, sigma_max=sigma_max)
    return sigma_max, sigma_min, n_levels or fitting_count(sigma_max, sigma_min, np.shape(x)[1])


def check_given(sigma_max, sigma_min, n_levels, dtype):
    """Those that are not None can be ends and number of a table of this dtype."""
    given = {name: value for name, value in (("sigma_max", sigma_max), ("sigma_min", sigma_min))
             if value is not None}
    check_scalars(POSITIVE, **given)
    if n_levels is not None:
        check_count(2, n_levels=n_levels)
    if len(given) == 2:
        check_below(sigma_min=sigma_min, sigma_max=sigma_max)
    least, most = range_of_squares(np.empty(0, dtype))
    if not all(least <= value <= most for value in given.values()):
        raise ValueError(f"sigma_min and sigma_max must be between {least:.3g} and {most:.3g}, "
                         f"whose squares {dtype} has, got {sigma_min} and {sigma_max}")


def fitting_step_size(sigmas, n_steps):
    """Step size of annealed Langevin dynamics, in units of sigma_L^2, for these levels.

        v(h) = (1 - h)^(2 n) ratio^2 + (1 - (1 - h)^(2 n)) / (1 - h / 2),    step size = 2 h

    v is the variance, in units of sigma^2, that n steps with the score -x / sigma^2 leave of noise
    of the level before; the h in (0, 1) of the smallest v is taken, as v exceeds 1.

    sigmas   levels (L,), decreasing
    n_steps  n, steps at each level
    """
    from scipy.optimize import minimize_scalar                                 # slow to import
    ratio = float(sigmas[0] / sigmas[-1])**(1 / (len(sigmas) - 1))

    def variance(h):
        left = (1 - h)**(2 * n_steps)
        return left * ratio**2 + (1 - left) / (1 - h / 2)
    return 2 * float(minimize_scalar(variance, bounds=(1e-4, 0.9), method="bounded").x)


def misfits(x, sigmas):
    """What is wrong with noise levels for data x (N, D), a sentence each with its remedy.

    sigmas  levels (L,), decreasing
    """
    largest, _, spread = distances(x)
    high, low = float(sigmas[0]), float(sigmas[-1])
    best_high, best_low = fitting_ends(x)
    count, said = fitting_count(high, low, np.shape(x)[1]), []
    if not largest / 2 <= high <= 20 * largest:
        said.append(f"sigma_max = {high:.4g} is {'small' if high < largest else 'large'} for data "
                    f"whose samples are up to {largest:.4g} apart: --sigma-max {best_high:.4g} "
                    f"fits")
    if low > spread / 4:
        said.append(f"sigma_min = {low:.4g} is large for data of spread {spread:.4g}, whose "
                    f"details it hides: --sigma-min {best_low:.4g} fits")
    if len(sigmas) < count / 2:
        said.append(f"{len(sigmas)} levels are few from {high:.4g} to {low:.4g}: --levels {count} "
                    f"fits")
    return said
