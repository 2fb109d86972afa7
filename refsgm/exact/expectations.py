"""What a loss should print: its expectation under a mixture, without sampling.

    E f(x)           = sum_j w_j f(x_j),    Gauss-Hermite nodes of a mixture                 [POP-1]
    E f(x, eps)      the same over x_noisy, and over eps given x_noisy                       [POP-2]

A loss takes its noise as an argument and returns one value per sample, so its expectation is a
weighted sum, for any score function.
"""

import autograd.numpy as np

from ..arguments import POSITIVE, check_scalars, returned_by
from ..arrays import beside
from .components import standard_normal_quadrature
from .empirical import Empirical
from .gaussian_mixtures import GaussianMixture


def expected(loss, p, order):
    """E loss(x) for x from p, a number.  [POP-1]

    loss   function (M, D) -> (M,), such as lambda x: implicit_score_matching(score_fn, x)
    p      GaussianMixture, Gaussian or Empirical
    order  nodes per component and axis: about 30 for scores that are smooth on the scale of the
           components, up to 300 for components far apart

    >>> from refsgm import Gaussian, implicit_score_matching
    >>> p = Gaussian(np.zeros(2), np.eye(2))
    >>> print(f"{expected(lambda x: implicit_score_matching(lambda x: -x, x), p, 4):.12f}")
    -1.000000000000
    """
    if not isinstance(p, (GaussianMixture, Empirical)):
        raise ValueError("p must be a GaussianMixture, a Gaussian or an Empirical, "
                         f"got {type(p).__name__}")
    x, w = p.quadrature(order)
    return np.sum(w * returned_by("loss(x)", loss, (x,), np.shape(w)))


def expected_over_noise(loss, p, sigma, order):
    """E loss(x, eps) for x from p and standard normal eps, a number.  [POP-2]

    Exact in eps given x + sigma eps for losses that are quadratic in it, as all denoising losses
    are: `order` nodes resolve x_noisy, three nodes per axis the rest.

    loss   function ((M, D), (M, D)) -> (M,), such as
           lambda x, eps: denoising_score_matching(score_fn, x, sigma, eps)
    p      GaussianMixture or Gaussian
    sigma  standard deviation of the noise: positive
    order  nodes per component and axis

    >>> from refsgm import Gaussian, noise_prediction_loss
    >>> p = Gaussian(np.zeros(2), np.eye(2))
    >>> best = expected_over_noise(lambda x, eps: noise_prediction_loss(
    ...     lambda x, sigma: sigma * x / (1 + sigma**2), x, 2.0, eps), p, 2.0, 4)
    >>> print(f"{best:.12f}")                                              # D / (1 + sigma^2)
    0.400000000000
    """
    if not isinstance(p, GaussianMixture):
        raise ValueError(f"p must be a GaussianMixture or Gaussian, got {type(p).__name__}")
    check_scalars(POSITIVE, sigma=sigma)
    noisy, D = p.perturb(sigma), p.dim
    z, w = (beside(a, p.means) for a in standard_normal_quadrature(D, order))
    rest, w_rest = (beside(a, p.means) for a in standard_normal_quadrature(D, 3))
    total = 0.0
    for k in range(len(p.weights)):
        axes, whole = p.axes[k], noisy.variances[k]
        kept = p.variances[k] / whole                              # share of x in x_noisy
        x_noisy = (z * whole**0.5)[:, None, :]                     # (M, 1, D), along the axes
        eps = x_noisy * sigma / whole + rest * kept**0.5
        x = x_noisy * kept - rest * sigma * kept**0.5              # x_noisy - sigma eps, all digits
        x = p.means[k] + (x @ axes.T).reshape(-1, D)
        weights = np.outer(w, w_rest).ravel()
        values = returned_by("loss(x, eps)", loss, (x, (eps @ axes.T).reshape(-1, D)),
                             np.shape(weights))
        total = total + p.weights[k] * np.sum(weights * values)
    return total
