"""The Gaussian: its log density, its score, and the kernel that perturbs data.

    q_sigma(x_noisy | x) = N(x_noisy | x, sigma^2 I)                                       [GAUSS-3]
    grad log q_sigma(x_noisy | x) = (x - x_noisy) / sigma^2                                [GAUSS-4]

The gradient is over x_noisy, not over x. sigma is a standard deviation, never a variance.
"""

import math

import autograd.numpy as np

from .arguments import FINITE, POSITIVE, check_batch, check_level, check_values, shape_of
from .arrays import log


def gaussian_log_density(x, mean, sigma):
    """log N(x | mean, sigma^2 I), shape (B,), in nats.  [GAUSS-1]

        log p = -|x - mean|^2 / (2 sigma^2) - D log sigma - D/2 log(2 pi)

    x      points (B, D)
    mean   centre: a scalar, (D,) or (B, D)
    sigma  standard deviation: positive, a scalar or (B, 1)

    >>> gaussian_log_density(np.array([[3.0, 4.0]]), 0.0, 5.0) + np.log(2 * np.pi * 25)   # -25 / 50
    array([-0.5])
    """
    check_batch(x=x)
    check_mean(x, mean)
    check_level(x, POSITIVE, sigma=sigma)
    z = (x - mean) / sigma                                                              # (B, D)
    log_norm = np.shape(x)[1] * (log(sigma) + 0.5 * math.log(2 * math.pi))        # scalar or (B, 1)
    return np.sum(-0.5 * z**2, axis=1) - (log_norm if np.ndim(log_norm) == 0 else log_norm[:, 0])


def gaussian_score(x, mean, sigma):
    """Score of N(mean, sigma^2 I) at x, shape (B, D): (mean - x) / sigma^2.  [GAUSS-2]

    x      points (B, D)
    mean   centre: a scalar, (D,) or (B, D)
    sigma  standard deviation: positive, a scalar or (B, 1)

    >>> gaussian_score(np.array([[3.0, 1.0]]), 1.0, 2.0)
    array([[-0.5,  0. ]])
    """
    check_batch(x=x)
    check_mean(x, mean)
    check_level(x, POSITIVE, sigma=sigma)
    return (mean - x) / sigma**2


def perturb(x, sigma, eps):
    """x_noisy = x + sigma eps, shape (B, D).  [GAUSS-3]

    x      clean data (B, D)
    sigma  standard deviation of the noise: positive, a scalar or (B, 1)
    eps    standard normal noise (B, D), drawn by the caller

    >>> perturb(np.array([[1.0, 2.0]]), 10.0, np.array([[0.5, -1.0]]))
    array([[ 6., -8.]])
    """
    check_batch(x=x, eps=eps)
    check_level(x, POSITIVE, sigma=sigma)
    return x + sigma * eps


def perturbation_score(x_noisy, x, sigma):
    """Score over x_noisy of N(x_noisy | x, sigma^2 I), (B, D): (x - x_noisy) / sigma^2.  [GAUSS-4]

    The target of denoising score matching; with x_noisy = x + sigma eps it is -eps / sigma.

    x_noisy  perturbed data (B, D)
    x        clean data (B, D)
    sigma    standard deviation of the noise: positive, a scalar or (B, 1)

    >>> perturbation_score(np.array([[6.0]]), np.array([[1.0]]), 10.0)
    array([[-0.05]])
    """
    check_batch(x_noisy=x_noisy, x=x)
    return gaussian_score(x_noisy, x, sigma)


def check_mean(x, mean):
    """A centre is a scalar, one vector (D,) for all rows, or (B, D)."""
    shape = shape_of("mean", mean)
    if shape not in ((), np.shape(x)[1:], np.shape(x)):
        raise ValueError(f"mean must be a scalar or have shape (D,) = {np.shape(x)[1:]} "
                         f"or (B, D) = {np.shape(x)}, got shape {shape}")
    check_values(FINITE, mean=mean)
