"""Exact laws of affine samplers: what their chains do on average, without running any.

    x_n = M x_0 + sum_i R_i z_i + c:    every column of M and R_i is a response to a unit vector
    E x_n = M E x_0 + c,    Cov x_n = M Cov(x_0) M' + sum_i R_i R_i'                         [POP-3]

A sampler is affine if each of its steps is, in the state and in its fresh noise, and the score too.
"""

from typing import NamedTuple

import autograd.numpy as np

from ..arguments import (FINITE, check_functions, check_integer, check_table, check_values,
                         shape_of)
from ..arrays import beside, float_type, in_one_line, to_host
from .components import check_symmetric
from .gaussian_mixtures import Gaussian

PROBES = 4                        # generic points, which show whether a map is affine


def sampler_law(sampler, mean, cov):
    """Means (n, D) and covariances (n, D, D) after each of the n steps of an affine sampler.

    [POP-3] Exact: with an affine score the steps of the usual samplers are affine in the state and
    in their fresh noise, so one run on unit vectors tells all.

    sampler  function (x, rng) -> iterable of states (B, D), drawing rng.standard_normal(x.shape) at
             most once per step; such as lambda x, rng: langevin(score_fn, x, 0.1, 50, rng)
    mean     of the start (D,)
    cov      of the start (D, D), symmetric; zero for a point
    Raises ValueError also for a sampler that takes no step, or that is not affine at a few generic
        points of the state and its noise.

    >>> from refsgm import langevin
    >>> means, covs = sampler_law(lambda x, rng: langevin(lambda x: -x, x, 0.5, 100, rng),
    ...                           np.ones(1), np.eye(1))
    >>> covs[-1].round(12)                                           # 1 / (1 - 0.5 / 4)  [LANG-3]
    array([[1.14285714]])
    """
    check_functions(sampler=sampler)
    check_table(FINITE, mean=mean)
    D = len(mean)
    if shape_of("cov", cov) != (D, D):
        raise ValueError(f"cov must have shape (D, D) = {(D, D)}, got shape {np.shape(cov)}")
    check_values(FINITE, cov=cov)
    check_symmetric(cov[None], "cov")

    def run(x, rng):
        states = list(sampler(beside(x, mean), rng))
        check_integer("the number of states of sampler", len(states), 1)
        return np.stack(states)                                                       # (n, B, D)

    offset, M, R, bend, size = responses(run, D, mean)
    if bend > 1e-9 * (1 + size):
        raise ValueError("sampler must be affine in the state, which takes an affine score; got a "
                         f"deviation of {bend:.2g}")
    dtype = float_type(mean, cov)
    means = offset + np.einsum("nij,i->nj", M, mean)
    covs = np.einsum("nij,ik,nkl->njl", M, cov, M) + np.einsum("nrki,nrkj->nij", R, R)
    return means.astype(dtype), covs.astype(dtype)


class Responses(NamedTuple):
    """How the end of an affine sampler depends on its start and on its fresh noise.

    offset  (..., D)        the image of zero without noise
    start   (..., D, D)     [j] the response to e_j in the start
    noise   (..., n, D, D)  [i, j] the response to e_j in draw i
    bend    a number        the largest deviation from that at generic points: rounding, if affine
    size    a number        the largest entry of a state, which rounding goes with
    """

    offset: np.ndarray
    start: np.ndarray
    noise: np.ndarray
    bend: float
    size: float


def responses(run, dim, like=0.0):
    """The `Responses` of an affine sampler, read off one run, or two if it draws noise.  [POP-3]

    The rows of the last run: zero, the unit vectors of the start, generic points, and the unit
    vectors of each draw, of which there are none in the first run: it counts the draws.

    run   function (x, rng) -> states (..., B, D), which draws rng.standard_normal((B, D))
    dim   D, the number of features
    like  an array on the device of the states
    """
    generic = 3 * np.random.default_rng(1).standard_normal((PROBES, dim))
    first, draws = 1 + dim + PROBES, Draws(None, dim, like)
    x = np.concatenate([np.zeros((1, dim)), np.eye(dim), generic])
    states = run(x, draws)
    if draws.count:
        x = np.concatenate([x, np.zeros((draws.count * dim, dim))])
        draws = Draws(first, dim, like, PROBES)
        states = run(x, draws)
    offset = states[..., 0, :]
    moved = states - offset[..., None, :]                                             # (..., B, D)
    start, noise = moved[..., 1:1 + dim, :], moved[..., first:, :]
    z = beside(np.concatenate([np.zeros((PROBES, 0)), *draws.generic], axis=1), like)
    affine = beside(generic, like) @ start + z @ noise                          # (..., PROBES, D)
    bend, size = (np.max(np.abs(to_host(a)), initial=0.0)
                  for a in (moved[..., 1 + dim:first, :] - affine, states))
    return Responses(offset, start, noise.reshape(*offset.shape[:-1], -1, dim, dim),
                     float(bend), float(size))


class Draws:
    """A generator whose draw i is e_j in row first + i D + j, and zero elsewhere, on like's device.

    The `probes` rows before `first` have generic draws, which are kept in `generic`.
    """

    def __init__(self, first, dim, like=0.0, probes=0):
        self.first, self.dim, self.like, self.probes = first, dim, like, probes
        self.count, self.generic, self.rng = 0, [], np.random.default_rng(0)

    def standard_normal(self, shape, dtype=np.float64):
        z = np.zeros(shape, dtype)
        if self.first is not None:
            row = self.first + self.count * self.dim
            z[row:row + self.dim] = np.eye(self.dim)
            if self.probes:
                self.generic.append(3 * self.rng.standard_normal((self.probes, self.dim)))
                z[self.first - self.probes:self.first] = self.generic[-1]
        self.count += 1
        return beside(z, self.like)


class Order(NamedTuple):
    """Observed order of convergence, and the errors it was fitted to (N,).

    standard_error is that of the line through them; the order differs from the slope by O(1 / n)
    besides, which no scatter shows.
    """

    slope: float
    standard_error: float
    errors: np.ndarray


def convergence_order(sampler, p, levels, n_steps):
    """Observed weak order of a sampler on a Gaussian, an `Order`.  [POP-4]

    The error is the largest one in mean and covariance against p at the last noise level, from the
    exact law of the sampler; the order is the slope of log error against -log n. It is the order
    for an affine score, and may be lower for others. With the exact score and a start from the law
    itself the mean is kept, so the error is that of the covariance.

    sampler  function (score_fn, x, sigmas, rng) -> iterable of states, in VE coordinates
    p        Gaussian
    levels   function n -> sigmas (n + 1,), decreasing, with the same ends for all n
    n_steps  numbers of steps (N,), N >= 3
    Raises ValueError also for fewer than three numbers of steps and a sampler that is not affine.

    >>> from refsgm import Gaussian, geometric_sigmas, probability_flow_sampler
    >>> order = convergence_order(lambda s, x, sigmas, rng: probability_flow_sampler(s, x, sigmas),
    ...                           Gaussian(np.ones(1), np.eye(1)),
    ...                           lambda n: geometric_sigmas(10.0, 0.1, n + 1), [128, 256, 512])
    >>> round(order.slope, 1)
    2.0
    """
    check_functions(sampler=sampler, levels=levels)
    if not isinstance(p, Gaussian):
        raise ValueError(f"p must be a Gaussian, got {type(p).__name__}")
    if not hasattr(n_steps, "__len__") or len(n_steps) < 3:
        raise ValueError("n_steps must hold three numbers of steps or more, got "
                         f"{in_one_line(n_steps)}")

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
    slope, standard_error = line_fit(np.log(np.asarray(n_steps, np.float64)), np.log(errors))
    return Order(-slope, standard_error, np.array(errors))


def line_fit(x, y):
    """Slope of the least-squares line through the points (x, y), (N,), and its standard error."""
    away = x - np.mean(x)
    slope = np.sum(away * y) / np.sum(away**2)
    residual = y - np.mean(y) - slope * away
    return float(slope), float((np.sum(residual**2) / (len(x) - 2) / np.sum(away**2))**0.5)
