"""Population losses in closed form: what an affine score is worth on a Gaussian, in any dimension.

    s(x) = A x + b,    x from N(m, C),    u = A m + b,    q = N(m, C + sigma^2 I)
    E loss = 1/2 tr(R R') + 1/2 |u|^2 + constant,    R what is left of the target            [POP-5]
    Var SSM = Var over x + (Var over v) / M,         M directions per sample                 [POP-6]

The constant is what the loss is worth at the true score, below which no score gets: zero for ESM,
-1/2 tr C^-1 for ISM, 1/2 tr(C (C + sigma^2 I)^-1) / sigma^2 for DSM. Every value is a sum of
squares where the loss is one, so nothing cancels.
"""

from typing import NamedTuple

import autograd.numpy as np

from ..arguments import (FINITE, NONNEGATIVE, POSITIVE, check_decreasing, check_scalars,
                         check_table, check_value, check_word, shape_of)
from ..arrays import entries
from .components import identity
from .gaussian_mixtures import Gaussian


class PopulationLoss(NamedTuple):
    """The mean of a loss over the population, and its gradient.

    value             E loss, a number
    constant          its least value over all score functions
    matrix_gradient   d value / d matrix, shaped like it
    offset_gradient   d value / d offset, shaped like it
    """

    value: float
    constant: float
    matrix_gradient: np.ndarray
    offset_gradient: np.ndarray


class SlicedVariance(NamedTuple):
    """Variance of a sliced loss: over_x + over_v / M for one sample with M directions."""

    over_x: float
    over_v: float


def affine_explicit_score_matching(matrix, offset, p):
    """Mean of ESM for s(x) = A x + b on a Gaussian, a `PopulationLoss`.  [POP-5] [ESM-1]

        1/2 tr((A + C^-1) C (A + C^-1)') + 1/2 |A m + b|^2

    matrix  A (D, D)
    offset  b (D,)
    p       the law of the data, a Gaussian

    >>> p = Gaussian(np.zeros(2), 0.5 * np.eye(2))
    >>> print(affine_explicit_score_matching(-np.eye(2), np.zeros(2), p).value)     # E|x|^2 / 2
    0.5
    """
    mean, cov, precision = moments(matrix, offset, p)
    shift = matrix @ mean + offset
    off = matrix + precision                                           # A less that of the target
    off_cov = matrix @ cov + identity(cov)                             # off C, less rounded
    value = 0.5 * np.sum(off_cov * off) + 0.5 * np.sum(shift**2)
    return PopulationLoss(value, 0.0, off_cov + np.outer(shift, mean), shift)


def affine_implicit_score_matching(matrix, offset, p):
    """Mean of ISM for s(x) = A x + b on a Gaussian, a `PopulationLoss`.  [POP-5] [ISM-2]

        1/2 tr(A C A') + 1/2 |A m + b|^2 + tr A,    the constant -1/2 tr C^-1

    SSM and SSM-VR have the same mean, whatever the law of their directions.  [SSM-1] [SSM-2]

    matrix  A (D, D)
    offset  b (D,)
    p       the law of the data, a Gaussian

    >>> p = Gaussian(np.zeros(2), 0.5 * np.eye(2))
    >>> print(*affine_implicit_score_matching(-np.eye(2), np.zeros(2), p)[:2])
    -1.5 -2.0
    """
    mean, cov, precision = moments(matrix, offset, p)
    shift = matrix @ mean + offset
    value = 0.5 * np.sum((matrix @ cov) * matrix) + 0.5 * np.sum(shift**2) + np.trace(matrix)
    gradient = matrix @ cov + np.outer(shift, mean) + identity(cov)
    return PopulationLoss(value, -0.5 * np.trace(precision), gradient, shift)


def affine_denoising_score_matching(matrix, offset, p, sigma):
    """Mean of DSM for s(x) = A x + b on a Gaussian, a `PopulationLoss`.  [POP-5] [DSM-2]

        1/2 tr(A C A') + 1/2 |A m + b|^2 + 1/2 |sigma A + I / sigma|^2

    The constant is D / (2 sigma^2) - 1/2 tr (C + sigma^2 I)^-1, that of Vincent's identity.

    matrix  A (D, D)
    offset  b (D,)
    p       the law of the clean data, a Gaussian
    sigma   standard deviation of the noise: positive

    >>> p = Gaussian(np.zeros(2), np.eye(2))
    >>> print(*affine_denoising_score_matching(-0.2 * np.eye(2), np.zeros(2), p, 2.0)[:2])
    0.05 0.05
    """
    mean, cov, _ = moments(matrix, offset, p)
    check_scalars(POSITIVE, sigma=sigma)
    shift = matrix @ mean + offset
    off = sigma * matrix + identity(cov) / sigma
    value = 0.5 * (np.sum((matrix @ cov) * matrix) + np.sum(shift**2) + np.sum(off**2))
    gradient = matrix @ cov + np.outer(shift, mean) + sigma * off
    return PopulationLoss(value, 0.5 * unknown_noise(p, sigma) / sigma**2, gradient, shift)


def affine_noise_conditional_score_matching(matrices, offsets, p, sigmas, weights=None):
    """Mean of the NCSN loss for scores A_i x + b_i at sigma_i, a `PopulationLoss`.  [NCSN-1]

    [POP-5] The gradients have shapes (L, D, D) and (L, D).

    matrices  A (L, D, D)
    offsets   b (L, D)
    p         the law of the clean data, a Gaussian
    sigmas    noise levels (L,), standard deviations, strictly decreasing
    weights   lambda (L,), zero or positive; sigma^2 if left out

    >>> p, sigmas = Gaussian(np.zeros(1), np.eye(1)), np.array([2.0, 1.0])
    >>> matrices, offsets = np.array([[[-0.2]], [[-0.5]]]), np.zeros((2, 1))
    >>> loss = affine_noise_conditional_score_matching(matrices, offsets, p, sigmas)
    >>> print(f"{loss.value:.12f}")                                  # 4 (0.025) + 1 (0.25)
    0.350000000000
    """
    check_decreasing(POSITIVE, sigmas=sigmas)
    weights = sigmas**2 if weights is None else weights
    check_table(NONNEGATIVE, weights=weights)
    check_gaussian(p)
    L, D = len(sigmas), p.dim
    for name, a, shape in (("matrices", matrices, (L, D, D)), ("offsets", offsets, (L, D)),
                           ("weights", weights, (L,))):
        check_shaped(name, a, shape, p)
    value, constant, matrix_gradients, offset_gradients = 0.0, 0.0, [], []
    for i, (sigma, w) in enumerate(zip(entries(sigmas), entries(weights))):
        level = affine_denoising_score_matching(matrices[i], offsets[i], p, sigma)
        value, constant = value + w * level.value, constant + w * level.constant
        matrix_gradients.append(w * level.matrix_gradient)
        offset_gradients.append(w * level.offset_gradient)
    return PopulationLoss(value, constant, np.stack(matrix_gradients), np.stack(offset_gradients))


def affine_noise_prediction_loss(matrix, offset, p, sigma):
    """Mean of the noise-prediction loss for eps_fn(x) = F x + g, a `PopulationLoss`.  [EQV-2]

        tr(F C F') + |F m + g|^2 + |I - sigma F|^2,    the constant tr(C (C + sigma^2 I)^-1)

    [POP-5] In VE coordinates, as `noise_prediction_loss`; L_simple of DDPM is the same [EQV-11].

    matrix  F (D, D)
    offset  g (D,)
    p       the law of the clean data, a Gaussian
    sigma   standard deviation of the noise: positive

    >>> p = Gaussian(np.zeros(2), np.eye(2))
    >>> loss = affine_noise_prediction_loss(0.4 * np.eye(2), np.zeros(2), p, 2.0)
    >>> print(f"{loss.value:.12f} {loss.constant:.12f}")
    0.400000000000 0.400000000000
    """
    mean, cov, _ = moments(matrix, offset, p)
    check_scalars(POSITIVE, sigma=sigma)
    shift = matrix @ mean + offset
    off = identity(cov) - sigma * matrix
    value = np.sum((matrix @ cov) * matrix) + np.sum(shift**2) + np.sum(off**2)
    gradient = 2 * (matrix @ cov + np.outer(shift, mean) - sigma * off)
    return PopulationLoss(value, unknown_noise(p, sigma), gradient, 2 * shift)


def affine_sliced_variance(matrix, offset, p, directions="normal"):
    """Variance of SSM for s(x) = A x + b on a Gaussian, a `SlicedVariance`.  [POP-6] [SSM-1]

    matrix      A (D, D)
    offset      b (D,)
    p           the law of the data, a Gaussian
    directions  law of v: "normal", "rademacher" (signs), or "sphere" (of radius sqrt(D))

    >>> print(*affine_sliced_variance(-np.eye(1), np.zeros(1), Gaussian(np.zeros(1), np.eye(1))))
    0.5 1.5
    """
    mean, cov, _ = moments(matrix, offset, p)
    m, C = moments_of_score(matrix, offset, mean, cov)
    # the quadratic form in v is W = s s' / 2 + sym A, whose entries have these moments over x
    average = (C + np.outer(m, m) + matrix + matrix.T) / 2
    var, square = np.diag(C), np.outer(m, m) * C
    spread = (np.outer(var, var) + C**2 + np.outer(m**2, var) + np.outer(var, m**2)
              + 2 * square) / 4                                                     # Var W_ij
    shared = (C**2 + 2 * square) / 2                                            # Cov W_ii, W_jj
    return SlicedVariance(0.5 * np.sum(C * C) + m @ C @ m,
                          over_directions(average, spread, shared, directions))


def affine_sliced_variance_vr(matrix, offset, p, directions="normal"):
    """Variance of SSM-VR for s(x) = A x + b on a Gaussian, a `SlicedVariance`.  [POP-6] [SSM-2]

    That over v is the variance of v'A v alone [OPS-3], the same for all x.

    matrix      A (D, D)
    offset      b (D,)
    p           the law of the data, a Gaussian
    directions  law of v: "normal", "rademacher" (signs), or "sphere" (of radius sqrt(D))

    >>> print(*affine_sliced_variance_vr(-np.eye(1), np.zeros(1), Gaussian(np.zeros(1), np.eye(1))))
    0.5 2.0
    """
    mean, cov, _ = moments(matrix, offset, p)
    m, C = moments_of_score(matrix, offset, mean, cov)
    S = (matrix + matrix.T) / 2
    return SlicedVariance(0.5 * np.sum(C * C) + m @ C @ m,
                          over_directions(S, 0 * S, 0 * S, directions))


def over_directions(average, spread, shared, directions):
    """E over x of Var over v of v'W v, for a random symmetric W.  [POP-6]

    From E W_ij, Var W_ij and Cov(W_ii, W_jj), as sums of squares:
        normal 2 sum W_ij^2,    rademacher the same without i = j,
        sphere 2 D / (D + 2) [sum over i != j of W_ij^2 + sum (W_ii - W_jj)^2 / (2 D)]
    """
    check_word(("normal", "rademacher", "sphere"), directions=directions)
    D = len(average)
    squares = average**2 + spread
    off_diagonal = np.sum(squares * (1 - identity(squares)))
    if directions == "normal":
        return 2 * np.sum(squares)
    if directions == "rademacher":
        return 2 * off_diagonal
    own, var = np.diag(average), np.diag(shared)                                    # sphere
    apart = (own[:, None] - own)**2 + (var[:, None] + var - 2 * shared)
    return (2 * D * off_diagonal + np.sum(apart)) / (D + 2)


def unknown_noise(p, sigma):
    """tr(C (C + sigma^2 I)^-1), what of |eps|^2 no denoiser can tell."""
    variances = p.variances[0]
    return np.sum(variances / (variances + sigma**2))


def moments(matrix, offset, p):
    """Mean (D,), covariance and precision (D, D) of the Gaussian p that A and b fit."""
    check_gaussian(p)
    check_shaped("matrix", matrix, (p.dim, p.dim), p)
    check_shaped("offset", offset, (p.dim,), p)
    axes = p.axes[0]
    return p.means[0], p.covs[0], (axes / p.variances[0]) @ axes.T


def moments_of_score(matrix, offset, mean, cov):
    """Mean (D,) and covariance (D, D) of A x + b; their squares are in the range of numbers."""
    with np.errstate(over="ignore", invalid="ignore"):
        m, C = matrix @ mean + offset, matrix @ cov @ matrix.T
        squares = m**2
    check_value("the square of matrix @ mean + offset", squares, FINITE)
    check_value("matrix @ cov @ matrix.T", C, FINITE)
    return m, C


def check_gaussian(p):
    """p is a Gaussian."""
    if not isinstance(p, Gaussian):
        raise ValueError(f"p must be a Gaussian, got {type(p).__name__}")


def check_shaped(name, a, shape, p):
    """An array has the shape that the dimension of p requires, and is finite."""
    if shape_of(name, a) != shape:
        raise ValueError(f"{name} must have shape {shape} for p in D = {p.dim} dimensions, "
                         f"got shape {np.shape(a)}")
    check_value(name, a, FINITE)
