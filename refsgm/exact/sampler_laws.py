"""Exact laws of samplers: what their chains do on average, without running any.

    mean, covariance of an affine sampler, from its response to unit vectors                 [POP-3]
    q'(y) = integral of q(x) N(y | x + a/2 s(x), a) dx,    Langevin on the line              [POP-7]

The second is the Chapman-Kolmogorov equation on a grid: after every step the law is a mixture of
Gaussians of variance a, whose means are the grid points that the drift has moved.
"""

from typing import NamedTuple

import autograd.numpy as np

from .gaussian_mixtures import GaussianMixture, check_symmetric
from .mixtures import check_weights
from ..arguments import (FINITE, POSITIVE, check_batch, check_count, check_decreasing,
                         check_returned, check_scalars, check_values)
from ..arrays import beside, entries, to_host
from ..steps import annealed_step_sizes

POINTS = 8192                     # of the largest grid: its transition matrix has 512 MiB
REACH, NOTHING = 9.0, 1e-25       # standard deviations a step can go; mass that may be left out


def sampler_law(sampler, mean, cov):
    """Means (n, D) and covariances (n, D, D) after each of the n steps of an affine sampler.

    [POP-3] Exact: every step of every sampler is affine in the state and its fresh noise when the
    score is affine, so one run on unit vectors tells all.

    sampler  function (x, rng) -> iterable of states (B, D), drawing rng.standard_normal(x.shape) at
             most once per step; such as lambda x, rng: langevin(score_fn, x, 0.1, 50, rng)
    mean     of the start (D,)
    cov      of the start (D, D), symmetric; zero for a point
    Raises ValueError for other shapes, values that are not finite, and a sampler that is not affine
        or takes no step.

    >>> from refsgm import langevin
    >>> means, covs = sampler_law(lambda x, rng: langevin(lambda x: -x, x, 0.5, 100, rng),
    ...                           np.ones(1), np.eye(1))
    >>> covs[-1].round(12)                                           # 1 / (1 - 0.5 / 4)  [LANG-3]
    array([[1.14285714]])
    """
    D = len(mean)
    if np.shape(mean) != (D,) or np.shape(cov) != (D, D):
        raise ValueError(f"mean and cov must have shapes (D,) and (D, D), "
                         f"got {np.shape(mean)} and {np.shape(cov)}")
    check_values(FINITE, mean=mean, cov=cov)
    check_symmetric(cov[None], "cov")
    draws = Draws(None, D, mean)
    n = len(list(sampler(beside(np.zeros((1, D)), mean), draws)))
    check_count(1, **{"the number of states of sampler": n})
    starts = np.concatenate([np.zeros((1, D)), np.eye(D), np.full((1, D), 2.0),
                             np.zeros((draws.count * D, D))])
    states = sampler(beside(starts, mean), Draws(2 + D, D, mean))
    states = np.stack(list(states))                                        # (n, 2 + D + count D, D)
    offset = states[:, :1]
    M = states[:, 1:1 + D] - offset                                        # rows: images of e_i
    check = states[:, 1 + D] - offset[:, 0] - 2 * np.sum(M, axis=1)
    off, size = (np.max(np.abs(to_host(a)), initial=0.0) for a in (check, states))
    if off > 1e-9 * (1 + size):
        raise ValueError("sampler must be affine in the state, which takes an affine score; got a "
                         f"deviation of {off:.2g}")
    N = states[:, 2 + D:] - offset                                         # (n, count D, D)
    means = offset[:, 0] + np.einsum("nij,i->nj", M, mean)
    covs = np.einsum("nij,ik,nkl->njl", M, cov, M) + np.einsum("nri,nrj->nij", N, N)
    return means[:n], covs[:n]


class Draws:
    """A generator whose draw i is e_j in row first + i D + j, and zero elsewhere; on like's device.
    """

    def __init__(self, first, dim, like=0.0):
        self.first, self.dim, self.like, self.count = first, dim, like, 0

    def standard_normal(self, shape, dtype=np.float64):
        z = np.zeros(shape, dtype)
        if self.first is not None:
            row = self.first + self.count * self.dim
            z[row:row + self.dim] = np.eye(self.dim)
        self.count += 1
        return beside(z, self.like)


class Order(NamedTuple):
    """Observed order of convergence, its standard error, and the errors it was fitted to (N,)."""

    slope: float
    standard_error: float
    errors: np.ndarray


def convergence_order(sampler, p, levels, n_steps):
    """Observed weak order of a sampler on a Gaussian, an `Order`.  [POP-4]

    The error is the largest one in mean and covariance against p at the last noise level, from the
    exact law of the sampler; the order is the slope of log error against -log n.

    sampler  function (score_fn, x, sigmas, rng) -> iterable of states, in VE coordinates
    p        Gaussian
    levels   function n -> sigmas (n + 1,), decreasing, with the same ends for all n
    n_steps  numbers of steps (N,), N >= 3
    Raises ValueError for fewer than three numbers of steps and a sampler that is not affine.

    >>> from refsgm import Gaussian, geometric_sigmas, probability_flow_sampler
    >>> order = convergence_order(lambda s, x, sigmas, rng: probability_flow_sampler(s, x, sigmas),
    ...                           Gaussian(np.ones(1), np.eye(1)),
    ...                           lambda n: geometric_sigmas(10.0, 0.1, n + 1), [128, 256, 512])
    >>> round(order.slope, 1)
    2.0
    """
    check_count(3, **{"the number of entries of n_steps": len(n_steps)})

    def score(x, sigma):
        return p.perturb(sigma).score(x)

    errors = []
    for n in n_steps:
        sigmas = levels(n)
        start, end = p.perturb(float(sigmas[0])), p.perturb(float(sigmas[-1]))
        means, covs = sampler_law(lambda x, rng: sampler(score, x, sigmas, rng),  # noqa: B023, called at once
                                  start.mean, start.cov)
        errors.append(max(np.max(np.abs(to_host(means[-1] - end.mean))),
                          np.max(np.abs(to_host(covs[-1] - end.cov)))))
    a = np.log(np.asarray(n_steps, np.float64))
    a, b = a - np.mean(a), np.log(errors)
    slope = -np.sum(a * b) / np.sum(a**2)
    residual = b - np.mean(b) + slope * a
    spread = (np.sum(residual**2) / (len(a) - 2) / np.sum(a**2))**0.5
    return Order(float(slope), float(spread), np.array(errors))


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
               resolve the score too
    Raises ValueError for other shapes, weights that do not sum to 1, a spacing on which the law
        loses mass, and one that takes more than 8192 points.

    >>> law = langevin_law(lambda x: -x, np.zeros((1, 1)), np.ones(1), 0.5, 100)
    >>> law.cov.round(12)                                            # 1 / (1 - 0.5 / 4)  [LANG-3]
    array([[1.14285714]])
    """
    check_start(x, weights, spacing)
    check_scalars(POSITIVE, step_size=step_size)
    means, weights = after_steps(evaluated_at(x, score_fn), to_host(x), to_host(weights), step_size,
                                 n_steps, spacing)
    return as_mixture(means, weights, step_size, spacing)


def annealed_langevin_law(score_fn, x, weights, sigmas, steps_per_level, step_size, spacing=0.15):
    """Law after annealed Langevin dynamics on the line, a `GaussianMixture`.  [POP-7] [LANG-2]

    score_fn         function (x, sigma) -> (G, 1)
    x                nodes of the start (M, 1)
    weights          their probabilities (M,), zero or positive, with sum 1
    sigmas           noise levels (L,), strictly decreasing
    steps_per_level  Langevin steps at each level, at least 1
    step_size        that at the last level: positive
    spacing          distance of grid points in units of the square root of the level's step size
    Raises ValueError for other shapes, sigmas that do not decrease, weights that do not sum to 1, a
        spacing on which the law loses mass, and one that takes more than 8192 points.

    >>> law = annealed_langevin_law(lambda x, sigma: -x / (1 + sigma**2), np.zeros((1, 1)),
    ...                             np.ones(1), np.array([2.0, 1.0]), 100, 0.4)
    >>> law.cov.round(12)                                      # 2 / (1 - 0.4 / 8)  [LANG-3]
    array([[2.10526316]])
    """
    check_start(x, weights, spacing)
    check_decreasing(POSITIVE, sigmas=sigmas)
    sigmas, score_fn = to_host(sigmas), evaluated_at(x, score_fn)
    x, weights, before = to_host(x), to_host(weights), None
    for sigma, size in zip(entries(sigmas), entries(annealed_step_sizes(sigmas, step_size))):
        if before:                                         # x are means of the law so far
            x, weights = on_grid(x, weights, before**0.5, spacing * size**0.5)
        x, weights = after_steps(lambda x: score_fn(x, sigma), x, weights,  # noqa: B023, called at once
                                 size, steps_per_level, spacing)
        before = size
    return as_mixture(x, weights, size, spacing)


def evaluated_at(x, score_fn):
    """The score function of NumPy arrays that is evaluated where x is; grids are NumPy's."""
    return lambda grid, *level: to_host(score_fn(beside(grid, x), *level))


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
    check_count(1, n_steps=n_steps)
    sd = step_size**0.5

    def moved(x):
        score = check_returned("score_fn(x)", score_fn(x), np.shape(x))
        check_values(FINITE, **{"score_fn(x)": score})
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


def as_mixture(means, weights, step_size, spacing):
    """The law as a distribution, its mass checked."""
    mass = np.sum(weights)
    if not abs(mass - 1) < 1e-9:
        raise ValueError(f"spacing must resolve the law and the score, got {spacing}, with which "
                         f"the mass is {mass}")
    return GaussianMixture(weights / mass, means, np.full((len(means), 1, 1), step_size))
