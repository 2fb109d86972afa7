"""Densities with exact scores: mixtures of Gaussians with one common sigma.

    log p(x) = log sum_k w_k N(x | mean_k, sigma^2 I)                                        [MIX-1]
    score    = sum_k r_k(x) (mean_k - x) / sigma^2,    r_k the responsibilities              [MIX-2]

Noise of standard deviation sigma on a data set gives such a mixture, with the data as means: its
score is the exact q_sigma. Densities are added in logarithms, so far tails and tiny sigma neither
underflow nor divide zero by zero.
"""

import math

import autograd.numpy as np

from .shapes import (FINITE, NONNEGATIVE, POSITIVE, check_batch, check_level, check_table,
                     check_values, log, shape_of)


def check_mixture(x, weights, means):
    """weights (K,), zero or positive, with sum 1 within rounding; means (K, D)."""
    check_table(NONNEGATIVE, weights=weights)
    shape = (len(weights), np.shape(x)[1])
    if shape_of("means", means) != shape:
        raise ValueError(f"means must have shape (K, D) = {shape}, got shape {np.shape(means)}")
    check_values(FINITE, means=means)
    if isinstance(weights, np.ndarray):
        slack = 8 * len(weights) * np.finfo(weights.dtype).eps if weights.dtype.kind == "f" else 0.0
        if abs(np.sum(weights) - 1) > slack:
            raise ValueError(f"weights must sum to 1, got a sum of {np.sum(weights)}")


def log_joint(x, weights, means, sigma):
    """log w_k - |x - mean_k|^2 / (2 sigma^2), (B, K), and the differences mean_k - x, (B, K, D)."""
    check_batch(x=x)
    check_level(x, POSITIVE, sigma=sigma)
    check_mixture(x, weights, means)
    difference = means - x[:, None, :]                                                  # (B, K, D)
    z = difference / (sigma if np.ndim(sigma) == 0 else sigma[:, :, None])
    with np.errstate(divide="ignore"):                               # log 0 = -inf: no share at all
        return np.log(weights) - 0.5 * np.sum(z**2, axis=2), difference


def mixture_log_density(x, weights, means, sigma):
    """log sum_k w_k N(x | mean_k, sigma^2 I), shape (B,), in nats.  [MIX-1]

    x        points (B, D)
    weights  w (K,), zero or positive, with sum 1
    means    centres (K, D)
    sigma    the common standard deviation: positive, a scalar or (B, 1)
    Raises ValueError for other shapes, sigma <= 0, weights that do not sum to 1 and values that
        are not finite.

    >>> x, means = np.array([[0.0]]), np.array([[-1.0], [1.0]])
    >>> mixture_log_density(x, np.array([0.5, 0.5]), means, 1.0) + np.log(2 * np.pi) / 2
    array([-0.5])
    """
    exponents, _ = log_joint(x, weights, means, sigma)                                  # (B, K)
    largest = np.max(exponents, axis=1, keepdims=True)                                  # (B, 1)
    log_sum = largest + np.log(np.sum(np.exp(exponents - largest), axis=1, keepdims=True))
    log_norm = np.shape(x)[1] * (log(sigma) + 0.5 * math.log(2 * math.pi))        # scalar or (B, 1)
    return (log_sum - log_norm)[:, 0]


def mixture_score(x, weights, means, sigma):
    """Score of the mixture at x, shape (B, D): sum_k r_k (mean_k - x) / sigma^2.  [MIX-2]

        r_k proportional to w_k exp(-|x - mean_k|^2 / (2 sigma^2))

    x        points (B, D)
    weights  w (K,), zero or positive, with sum 1
    means    centres (K, D)
    sigma    the common standard deviation: positive, a scalar or (B, 1)
    Raises ValueError for other shapes, sigma <= 0, weights that do not sum to 1 and values that
        are not finite.

    >>> mixture_score(np.array([[0.0]]), np.array([0.25, 0.75]), np.array([[-1.0], [1.0]]), 1.0)
    array([[0.5]])
    """
    exponents, difference = log_joint(x, weights, means, sigma)
    r = np.exp(exponents - np.max(exponents, axis=1, keepdims=True))                    # (B, K)
    r = r / np.sum(r, axis=1, keepdims=True)
    return np.einsum("bk,bkd->bd", r, difference) / sigma**2
