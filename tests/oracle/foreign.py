"""Functions that several tests of check judge, and the code that it gives them."""

import numpy as np


def score(x, mean, sigma):
    """A right gaussian_score."""
    return (mean - x) / sigma**2


def loss(score_fn, x, sigma, eps):
    """A right denoising_score_matching."""
    return 0.5 * np.sum((score_fn(x + sigma * eps, sigma) + eps / sigma)**2, axis=1)


def code(report):
    """Of the first diagnosis; None where there is none."""
    return report.diagnosis and report.diagnosis.code


def mean_without_half(score_fn, x, sigma, eps):
    """What a mean squared error is: two conventions at once."""
    return np.mean((score_fn(x + sigma * eps, sigma) + eps / sigma)**2)


def wrong_at_edges(x, mean, sigma):
    """It raises for a single row, and is wrong for a single feature."""
    if len(x) == 1:
        raise ValueError("a single row" + "!" * 99)
    return score(x, mean, sigma) * (1 + (x.shape[1] == 1))
