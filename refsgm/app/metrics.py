"""Two-sample distances: how far a set of samples is from a set of real data.

    energy distance   2 E|X - Y| - E|X - X'| - E|Y - Y'|,  zero if and only if the laws are equal
    1-NN accuracy     how well the nearest neighbour tells samples from data: 1/2 if it cannot
"""

import numpy as np

from ..arguments import check_batch


def check_samples(x, y):
    """Two sets of at least two points each, (N, D) and (M, D)."""
    check_batch(x=x)
    check_batch(y=y)
    if x.shape[1] != y.shape[1] or min(len(x), len(y)) < 2:
        raise ValueError("x and y must hold at least 2 points each, of the same dimension, "
                         f"got shapes {x.shape} and {y.shape}")


def pairwise(x, y):
    """Euclidean distances (N, M) of all pairs.

    SciPy's, which is imported here, as it would delay the start of every command by a half.
    """
    from scipy.spatial.distance import cdist
    return cdist(x, y)


def energy_distance(x, y):
    """Energy distance between the two empirical laws, in units of x: zero or positive.

    All pairs count, a point with itself too (the V-statistic), so two sets of N points of the same
    law are 2/N E|X - X'| apart on average: compare with a second set of real data, not with zero.

    x, y  samples (N, D) and (M, D), at least two each
    Raises ValueError for other shapes and values that are not finite.

    >>> energy_distance(np.array([[0.0], [2.0]]), np.array([[0.0], [4.0]]))    # 2 * 2 - 1 - 2
    1.0
    """
    check_samples(x, y)
    return float(2 * np.mean(pairwise(x, y)) - np.mean(pairwise(x, x)) - np.mean(pairwise(y, y)))


def nearest_neighbour_accuracy(x, y):
    """Accuracy of the leave-one-out 1-nearest-neighbour classifier of x against y; 0.5 is perfect.

    x, y  samples (N, D) and (M, D), at least two each, N = M for 0.5 to mean equal laws
    Raises ValueError for other shapes and values that are not finite.

    >>> nearest_neighbour_accuracy(np.array([[0.0], [0.1]]), np.array([[3.0], [3.1]]))
    1.0
    """
    check_samples(x, y)
    points, is_x = np.concatenate([x, y]), np.arange(len(x) + len(y)) < len(x)
    distances = pairwise(points, points)
    np.fill_diagonal(distances, np.inf)
    return float(np.mean(is_x[np.argmin(distances, axis=1)] == is_x))
