"""Mixtures with one common sigma: exact density and score, in a stream over the components.

    log p(x) = log sum_k w_k N(x | mean_k, sigma^2 I)                                        [MIX-1]
    score    = sum_k r_k(x) (mean_k - x) / sigma^2,    r_k the responsibilities              [MIX-2]

Noise of standard deviation sigma on a data set gives such a mixture, with the data as means. The
sums over components are those of `sums`.
"""

import math

import autograd.numpy as np

from ..arguments import (FINITE, NONNEGATIVE, POSITIVE, check_batch, check_level, check_table,
                         check_value, shape_of)
from ..arrays import log
from .sums import mixture_sums


def mixture_log_density(x, weights, means, sigma):
    """log sum_k w_k N(x | mean_k, sigma^2 I), shape (B,), in nats.  [MIX-1]

    Summed relative to the nearest component [MIX-3], so that no digits are lost far out.

    x        points (B, D)
    weights  w (K,), zero or positive, with sum 1
    means    centres (K, D)
    sigma    the common standard deviation: positive, a scalar or (B, 1)

    >>> x, means = np.array([[0.0]]), np.array([[-1.0], [1.0]])
    >>> mixture_log_density(x, np.array([0.5, 0.5]), means, 1.0) + np.log(2 * np.pi) / 2
    array([-0.5])
    """
    check_mixture(x, weights, means, sigma)
    nearest, log_sum, _ = mixture_sums(x, weights, means, sigma)
    return log_density_of(x, nearest, log_sum, sigma)


def mixture_score(x, weights, means, sigma):
    """Score of the mixture at x, shape (B, D): sum_k r_k (mean_k - x) / sigma^2.  [MIX-2]

        r_k proportional to w_k exp(-|x - mean_k|^2 / (2 sigma^2))

    Summed relative to the nearest component [MIX-3], so that no digits are lost far out; with many
    components the cost is that of two matrix products.

    x        points (B, D)
    weights  w (K,), zero or positive, with sum 1
    means    centres (K, D)
    sigma    the common standard deviation: positive, a scalar or (B, 1)

    >>> mixture_score(np.array([[0.0]]), np.array([0.25, 0.75]), np.array([[-1.0], [1.0]]), 1.0)
    array([[0.5]])
    """
    check_mixture(x, weights, means, sigma)
    nearest, _, shift = mixture_sums(x, weights, means, sigma)
    return ((nearest - x + shift) / sigma) / sigma


def check_mixture(x, weights, means, sigma):
    """x (B, D); sigma positive; weights (K,), means (K, D)."""
    check_batch(x=x)
    check_level(x, POSITIVE, sigma=sigma)
    check_weights(weights)
    shape = (len(weights), np.shape(x)[1])
    if shape_of("means", means) != shape:
        raise ValueError(f"means must have shape (K, D) = {shape}, got shape {np.shape(means)}")
    check_value("means", means[:0], FINITE)             # the dtype alone: means may lie on a disk


def check_weights(weights):
    """weights (K,), zero or positive, with sum 1 within rounding."""
    check_table(NONNEGATIVE, weights=weights)
    if isinstance(weights, np.ndarray):
        slack = 8 * len(weights) * np.finfo(weights.dtype).eps if weights.dtype.kind == "f" else 0.0
        if abs(np.sum(weights) - 1) > slack:
            raise ValueError(f"weights must sum to 1, got a sum of {np.sum(weights)}")


def log_density_of(x, nearest, log_sum, sigma):
    """log N(x | nearest, sigma^2 I) + log_sum, shape (B,)."""
    log_norm = np.shape(x)[1] * (log(sigma) + 0.5 * math.log(2 * math.pi))     # scalar or (B, 1)
    square = np.sum(((x - nearest) / sigma)**2, axis=1, keepdims=True)                  # (B, 1)
    return (log_sum - 0.5 * square - log_norm)[:, 0]
