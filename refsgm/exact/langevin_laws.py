"""Exact laws of Langevin dynamics on the line, for any score.

    q'(y) = integral of q(x) N(y | x + a/2 s(x), a) dx                                       [POP-7]

The Chapman-Kolmogorov equation on a grid: after every step the law is a mixture of Gaussians of
variance a, whose means are the grid points that the drift has moved.
"""

import autograd.numpy as np

from ..arguments import (FINITE, POSITIVE, check_batch, check_count, check_decreasing,
                         check_functions, check_scalars, check_value, returned_by)
from ..arrays import beside, entries, float_type, to_host
from ..steps import annealed_step_sizes
from .gaussian_mixtures import GaussianMixture
from .mixtures import check_weights

POINTS = 8192                     # of the largest grid: its transition matrix has 512 MiB
REACH, NOTHING = 9.0, 1e-25       # standard deviations a step can go; mass that may be left out


def langevin_law(score_fn, x, weights, step_size, n_steps, spacing=0.15):
    """Law after n steps of Langevin dynamics on the line, a `GaussianMixture`.  [POP-7] [LANG-1]

    The start is given by nodes and weights, such as those of `p.quadrature(order)`. The grid is as
    wide as the law needs; its rule converges faster than any power of the spacing, so halving
    `spacing` tells the error.

    score_fn   function (G, 1) -> (G, 1)
    x          nodes of the start (M, 1)
    weights    their probabilities (M,), zero or positive, with sum 1
    step_size  a: positive
    n_steps    number of steps, at least 1
    spacing    distance of grid points in units of sqrt(step_size): positive; small enough to
               resolve the score too, which is not checked
    Raises ValueError also for a spacing on which the law loses mass, and one that takes more than
        8192 points.

    >>> law = langevin_law(lambda x: -x, np.zeros((1, 1)), np.ones(1), 0.5, 100)
    >>> law.cov.round(12)                                            # 1 / (1 - 0.5 / 4)  [LANG-3]
    array([[1.14285714]])
    """
    check_start(x, weights, spacing)
    check_scalars(POSITIVE, step_size=step_size)
    check_count(1, n_steps=n_steps)
    dtype = float_type(x, weights)
    means, weights = after_steps(evaluated_at(x, score_fn), to_host(x), to_host(weights), step_size,
                                 n_steps, spacing)
    return as_mixture(means, weights, step_size, spacing, dtype)


def annealed_langevin_law(score_fn, x, weights, sigmas, steps_per_level, step_size, spacing=0.15):
    """Law after annealed Langevin dynamics on the line, a `GaussianMixture`.  [POP-7] [LANG-2]

    score_fn         function (x, sigma) -> (G, 1)
    x                nodes of the start (M, 1)
    weights          their probabilities (M,), zero or positive, with sum 1
    sigmas           noise levels (L,), strictly decreasing
    steps_per_level  Langevin steps at each level, at least 1
    step_size        that at the last level: positive
    spacing          distance of grid points in units of the square root of the level's step size
    Raises ValueError also for a spacing on which the law loses mass, and one that takes more than
        8192 points.

    >>> law = annealed_langevin_law(lambda x, sigma: -x / (1 + sigma**2), np.zeros((1, 1)),
    ...                             np.ones(1), np.array([2.0, 1.0]), 100, 0.4)
    >>> law.cov.round(12)                                      # 2 / (1 - 0.4 / 8)  [LANG-3]
    array([[2.10526316]])
    """
    check_start(x, weights, spacing)
    check_decreasing(POSITIVE, sigmas=sigmas)
    check_count(1, steps_per_level=steps_per_level)
    dtype = float_type(x, weights)
    sigmas, score_fn = to_host(sigmas), evaluated_at(x, score_fn)
    x, weights, before = to_host(x), to_host(weights), None
    for sigma, size in zip(entries(sigmas), entries(annealed_step_sizes(sigmas, step_size))):
        if before:                                         # x are means of the law so far
            x, weights = on_grid(x, weights, before**0.5, spacing * size**0.5)
        x, weights = after_steps(lambda x: score_fn(x, sigma), x, weights,  # noqa: B023, called at once
                                 size, steps_per_level, spacing)
        before = size
    return as_mixture(x, weights, size, spacing, dtype)


def evaluated_at(x, score_fn):
    """The score function of NumPy arrays that is evaluated where x is; grids are NumPy's."""
    check_functions(score_fn=score_fn)
    def score(grid, *level):
        return to_host(returned_by("score_fn(x)", score_fn, (beside(grid, x), *level),
                                   np.shape(grid)))

    return score


def check_start(x, weights, spacing):
    """Nodes (M, 1), probabilities (M,), and a positive spacing."""
    check_batch(x=x)
    check_weights(weights)
    if np.shape(x) != (len(weights), 1):
        raise ValueError(f"x must have shape (M, 1) = {(len(weights), 1)}, one node for each "
                         f"weight, got shape {np.shape(x)}")
    check_scalars(POSITIVE, spacing=spacing)


def after_steps(score_fn, x, weights, step_size, n_steps, spacing):
    """Means (G, 1) and weights (G,) of the law after n steps: sum_j w_j N(mean_j, step_size)."""
    sd = step_size**0.5

    def moved(x):
        score = score_fn(x)
        check_value("score_fn(x)", score, FINITE)
        return x + step_size / 2 * score

    means, left = moved(x), n_steps - 1
    while left > 0:
        grid, weights = on_grid(means, weights, sd, spacing * sd)
        means, left = moved(grid), left - 1
        if left > 0:
            transition = spacing * normal_density((grid - means.T) / sd)                # (G, G)
        while left > 0 and max(weights[0], weights[-1]) < NOTHING:    # until it reaches the ends
            weights, left = transition @ weights, left - 1
    return means, weights


def on_grid(means, weights, sd, spacing):
    """Nodes (G, 1) and weights (G,) of the law sum_j w_j N(mean_j, sd^2), with room to spread."""
    live = weights > NOTHING
    means, weights = means[live], weights[live]
    low, high = np.min(means) - REACH * sd, np.max(means) + REACH * sd
    room = (high - low) / 4
    n = int((high - low + 2 * room) / spacing) + 2
    if n > POINTS:
        raise ValueError(f"spacing must give at most {POINTS} grid points over the width of the "
                         f"law, got {n}")
    grid = low - room + spacing * np.arange(n)[:, None]
    return grid, spacing / sd * (normal_density((grid - means.T) / sd) @ weights)


def normal_density(z):
    """The standard normal density, shaped like z."""
    return np.exp(-0.5 * z**2) / (2 * np.pi)**0.5


def as_mixture(means, weights, step_size, spacing, dtype):
    """The law as a distribution of this dtype, its mass checked."""
    mass = np.sum(weights)
    if not abs(mass - 1) < 1e-9:
        raise ValueError(f"spacing must resolve the law, got {spacing}, with which the "
                         f"mass is {mass}")
    covs = np.full((len(means), 1, 1), step_size)
    return GaussianMixture(*(a.astype(dtype) for a in (weights / mass, means, covs)))
