"""What losses and samplers do on average, without sampling: expectations and laws.

    E f(x)           = sum_j w_j f(x_j),    Gauss-Hermite nodes of a mixture                 [POP-1]
    E f(x, eps)      the same over x_noisy, and over eps given x_noisy                       [POP-2]
    mean, covariance of an affine sampler, from its response to unit vectors                 [POP-3]

A loss takes its noise as an argument and returns one value per sample, so its expectation is a
weighted sum: the number that the loss should print.
"""

from typing import NamedTuple

import autograd.numpy as np

from .distributions import standard_normal_quadrature
from .shapes import POSITIVE, check_count, check_returned, check_scalars


def expected(loss, p, order):
    """E loss(x) for x from p, a number.  [POP-1]

    loss   function (M, D) -> (M,), such as lambda x: implicit_score_matching(score_fn, x)
    p      GaussianMixture, Gaussian or Empirical
    order  nodes per component and axis: about 30 for scores that are smooth on the scale of the
           components, up to 300 for components far apart
    Raises ValueError for order < 1 and a loss that does not return shape (M,).

    >>> from refsgm import Gaussian, implicit_score_matching
    >>> p = Gaussian(np.zeros(2), np.eye(2))
    >>> print(f"{expected(lambda x: implicit_score_matching(lambda x: -x, x), p, 4):.12f}")
    -1.000000000000
    """
    x, w = p.quadrature(order)
    return np.sum(w * check_returned("loss(x)", loss(x), np.shape(w)))


def expected_over_noise(loss, p, sigma, order):
    """E loss(x, eps) for x from p and standard normal eps, a number.  [POP-2]

    Exact in eps given x + sigma eps for losses that are quadratic in it, as all denoising losses
    are: `order` nodes resolve x_noisy, three nodes per axis the rest.

    loss   function ((M, D), (M, D)) -> (M,), such as
           lambda x, eps: denoising_score_matching(score_fn, x, sigma, eps)
    p      GaussianMixture or Gaussian
    sigma  standard deviation of the noise: positive
    order  nodes per component and axis
    Raises ValueError for order < 1, sigma <= 0 and a loss that does not return shape (M,).

    >>> from refsgm import Gaussian, noise_prediction_loss
    >>> p = Gaussian(np.zeros(2), np.eye(2))
    >>> best = expected_over_noise(lambda x, eps: noise_prediction_loss(
    ...     lambda x, sigma: sigma * x / (1 + sigma**2), x, 2.0, eps), p, 2.0, 4)
    >>> print(f"{best:.12f}")                                              # D / (1 + sigma^2)
    0.400000000000
    """
    check_scalars(POSITIVE, sigma=sigma)
    noisy, D = p.perturb(sigma), p.dim
    z, w = standard_normal_quadrature(D, order)
    rest, w_rest = standard_normal_quadrature(D, 3)
    total = 0.0
    for k in range(len(p.weights)):
        variance, axes = p._variances[k], p._axes[k]
        whole = noisy._variances[k]
        x_noisy = (z * whole**0.5)[:, None, :]                     # (M, 1, D), along the axes
        eps = x_noisy * sigma / whole + rest * (variance / whole)**0.5
        x = p.means[k] + ((x_noisy - sigma * eps) @ axes.T).reshape(-1, D)
        weights = np.outer(w, w_rest).ravel()
        values = loss(x, (eps @ axes.T).reshape(-1, D))
        total = total + p.weights[k] * np.sum(
            weights * check_returned("loss(x, eps)", values, np.shape(weights)))
    return total


def sampler_law(sampler, mean, cov):
    """Means (n, D) and covariances (n, D, D) after each of the n steps of an affine sampler.

    [POP-3] Exact: every step of every sampler is affine in the state and its fresh noise when the
    score is affine, so one run on unit vectors tells all.

    sampler  function (x, rng) -> iterable of states (B, D), drawing rng.standard_normal(x.shape) at
             most once per step; such as lambda x, rng: langevin(score_fn, x, 0.1, 50, rng)
    mean     of the start (D,)
    cov      of the start (D, D), symmetric; zero for a point
    Raises ValueError for other shapes and a sampler that is not affine.

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
    draws = Draws(None, D)
    n = len(list(sampler(np.zeros((1, D)), draws)))
    starts = np.concatenate([np.zeros((1, D)), np.eye(D), np.full((1, D), 2.0),
                             np.zeros((draws.count * D, D))])
    states = np.stack(list(sampler(starts, Draws(2 + D, D))))              # (n, 2 + D + count D, D)
    offset = states[:, :1]
    M = states[:, 1:1 + D] - offset                                        # rows: images of e_i
    check = states[:, 1 + D] - offset[:, 0] - 2 * np.sum(M, axis=1)
    size = 1 + np.max(np.abs(states), initial=0.0)
    if np.max(np.abs(check), initial=0.0) > 1e-9 * size:
        raise ValueError("sampler must be affine in the state, which takes an affine score; got a "
                         f"deviation of {np.max(np.abs(check)):.2g}")
    N = states[:, 2 + D:] - offset                                         # (n, count D, D)
    means = offset[:, 0] + np.einsum("nij,i->nj", M, mean)
    covs = np.einsum("nij,ik,nkl->njl", M, cov, M) + np.einsum("nri,nrj->nij", N, N)
    return means[:n], covs[:n]


class Draws:
    """A generator whose draw i is e_j in row first + i D + j, and zero elsewhere."""

    def __init__(self, first, dim):
        self.first, self.dim, self.count = first, dim, 0

    def standard_normal(self, shape, dtype=np.float64):
        z = np.zeros(shape, dtype)
        if self.first is not None:
            row = self.first + self.count * self.dim
            z[row:row + self.dim] = np.eye(self.dim)
        self.count += 1
        return z


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
        means, covs = sampler_law(lambda x, rng: sampler(score, x, sigmas, rng),  # noqa: B023
                                  start.mean, start.cov)
        errors.append(max(np.max(np.abs(means[-1] - end.mean)),
                          np.max(np.abs(covs[-1] - end.cov))))
    a = np.log(np.asarray(n_steps, np.float64))
    a, b = a - np.mean(a), np.log(errors)
    slope = -np.sum(a * b) / np.sum(a**2)
    residual = b - np.mean(b) + slope * a
    spread = (np.sum(residual**2) / (len(a) - 2) / np.sum(a**2))**0.5
    return Order(float(slope), float(spread), np.array(errors))
