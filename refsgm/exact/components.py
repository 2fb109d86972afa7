"""The components of a Gaussian mixture as each x sees them, so that no digits are lost.

T_k = scale^2 C_k + sigma^2 I has the axes of C_k. Components are compared with the likeliest of
them, the reference, by distances U and V in deviations of component k,

    U = T_k^(-1/2) (x - scale mean_ref),    V = T_k^(-1/2) scale (mean_k - mean_ref),
    log N_k - log N_ref = V'(2 U - V) / 2 - (|U|^2 - |U_ref|^2) / 2 - log(volume_k / volume_ref)

[MIX-8] With much noise all T_k look alike and the last two differences are tiny: squares and
volumes are compared after their common part, that of the largest variance of all, is taken out.
"""

from typing import NamedTuple

import autograd.numpy as np

from ..arguments import check_count
from ..arrays import against_components, beside, on_host, range_of_squares, rows_of, value_of


NODES = 2**24                     # of a quadrature of one component: 128 MB for each axis


class Seen(NamedTuple):
    """Components k as each x sees them.

    ref           (B,)       the likeliest component
    square        (B, 1)     squared distance from its mean in its own standard deviations
    log_sum       (B, 1)     log sum_k w_k N_k / N_ref
    r             (B, K)     responsibilities
    slopes        (B, K, D)  score s_k of each component
    slopes_apart  (B, K, D)  s_k - s_ref
    """

    ref: np.ndarray
    square: np.ndarray
    log_sum: np.ndarray
    r: np.ndarray
    slopes: np.ndarray
    slopes_apart: np.ndarray


def components_seen(x, scale, sigma, weights, means, variances, axes, name="x"):
    """The components of the law of scale x_0 + sigma eps, as each x sees them, a `Seen`.  [MIX-8]

    x_0 is from the mixture of N(means, axes diag(variances) axes'); x is called `name` in messages.
    """
    with np.errstate(divide="ignore"):                               # log 0 = -inf: no share at all
        log_w = np.log(weights)
    factor, level = against_components(scale), against_components(sigma)
    total = factor**2 * variances[None] + level**2                     # (1, K, D) or (B, K, D)
    largest = factor**2 * np.max(variances) + level**2                 # a scalar or (B, 1, 1)
    missing = factor**2 * (np.max(variances) - variances[None]) / largest      # 1 - total / largest
    log_volume, spread = log_volumes(total / largest, missing), total**0.5
    away = whiten(x[:, None, :] - factor * means, axes, spread)                      # (B, K, D)
    check_reach(name, away)
    ref = likeliest(away, log_w - log_volume)
    at_ref = rows_of(x), ref
    x_ref = x - scale * means[ref]                                                   # (B, D)
    u = factor * (means - means[ref][:, None, :])                                    # (B, K, D)
    U, V = whiten(x_ref[:, None, :], axes, spread), whiten(u, axes, spread)
    exponents = relative_exponents(log_w, U, V, missing, log_volume, at_ref)
    r, log_sum = shares(exponents)
    square = np.sum(U[at_ref]**2, axis=1, keepdims=True)
    return Seen(ref, square, log_sum, r, *slopes(U, V, axes, spread, at_ref))


def check_reach(name, away):
    """No point is so many standard deviations away that their square leaves the number range."""
    most = range_of_squares(away)[1]
    if on_host(away) and not np.all(np.abs(away) <= most):
        raise ValueError(f"{name} must lie within {most:g} standard deviations of every component, "
                         "got a point that lies farther away")


def log_volumes(ratio, missing):
    """log sqrt det T_k, less that of the largest variance; ratio = 1 - missing, of variances."""
    with np.errstate(divide="ignore"):
        logs = np.where(missing < 0.5, np.log1p(-missing), np.log(ratio))
    return np.sum(logs, axis=2) / 2                                                # (1 or B, K)


def likeliest(away, log_heights):
    """The component of the largest w_k N_k for each x, (B,), from its distances (B, K, D)."""
    rough = value_of(log_heights - np.sum(away**2, axis=2) / 2).real
    return np.argmax(rough, axis=1)


def relative_exponents(log_w, U, V, missing, log_volume, at_ref):
    """log w_k N_k / N_ref, (B, K).  [MIX-8]"""
    volumes = np.broadcast_to(log_volume, np.shape(V)[:2])
    excess = np.sum(U**2 * missing, axis=2)           # |U|^2 less |x - scale mean_ref|^2 / largest
    gain = (np.sum(V * (2 * U - V), axis=2) - (excess - excess[at_ref][:, None])) / 2
    return log_w + gain - (volumes - volumes[at_ref][:, None])


def shares(exponents):
    """Responsibilities (B, K), and the logarithm of the sum of the exponentials (B, 1)."""
    top = np.max(value_of(exponents).real, axis=1, keepdims=True)
    r = np.exp(exponents - top)
    total = np.sum(r, axis=1, keepdims=True)
    return r / total, top + np.log(total)


def slopes(U, V, axes, spread, at_ref):
    """Scores of the components, and these less that of the reference, each (B, K, D)."""
    own = unwhiten(U, axes, spread)           # T_k^-1 (x - scale mean_ref): equal for equal C_k
    return -unwhiten(U - V, axes, spread), unwhiten(V, axes, spread) + own[at_ref][:, None, :] - own


def whiten(a, axes, spread):
    """T_k^(-1/2) a for vectors a (B, K, D), or (B, 1, D) for the same one in all components."""
    if np.shape(a)[1] == 1 and len(axes) > 1:
        return np.einsum("bd,kdj->bkj", a[:, 0], axes) / spread
    return np.einsum("bkd,kdj->bkj", a, axes) / spread


def unwhiten(a, axes, spread):
    """(T_k^(-1/2))' a for vectors a (B, K, D)."""
    return np.einsum("bkj,kdj->bkd", a / spread, axes)


def identity(cov):
    """The identity matrix of the size, dtype and device of cov (D, D)."""
    return beside(np.eye(len(cov), dtype=cov.dtype), cov)


def eigen(covs, name="covs[{}]"):
    """Eigenvalues (K, D) and axes (K, D, D) of covariances, which must be such."""
    check_symmetric(covs, name)
    variances, axes = np.linalg.eigh(covs.astype(np.float64))
    floor = covs.shape[1] * np.finfo(np.float64).eps * variances[:, -1:]
    if on_host(covs) and np.any(variances <= np.maximum(floor, 0)):
        k = int(np.argmax(np.any(variances <= np.maximum(floor, 0), axis=1)))
        raise ValueError(f"{name.format(k)} must be positive definite, got a matrix whose smallest "
                         f"eigenvalue is {variances[k, 0]}")
    dtype = covs.dtype if covs.dtype.kind == "f" else np.float64
    return variances.astype(dtype), turned(axes).astype(dtype)


def turned(axes):
    """The axes (K, D, D), with signs that make their products with (1, 1.62, 2.24, ...) positive.

    An eigenvector has no sign of its own: LAPACK and the solvers of GPUs choose different ones.
    """
    measure = beside(1 + 0.618034 * np.arange(axes.shape[1]), axes)
    along = np.einsum("i,kij->kj", measure, axes)
    return axes * np.where(along < 0, -1.0, 1.0)[:, None, :]


def check_symmetric(covs, name):
    """Every matrix of covs (K, D, D) is symmetric within rounding; `name` takes its number."""
    slack = 8 * np.finfo(covs.dtype).eps if covs.dtype.kind == "f" else 0.0
    size = np.max(np.abs(covs), axis=(1, 2), keepdims=True)
    lopsided = np.abs(covs - np.swapaxes(covs, 1, 2)) > slack * size
    if on_host(covs) and lopsided.any():
        k, i, j = np.argwhere(lopsided)[0]
        raise ValueError(f"{name.format(k)} must be symmetric, got {covs[k, i, j]} and "
                         f"{covs[k, j, i]} at ({i}, {j}) and ({j}, {i})")


def standard_normal_quadrature(dim, order):
    """Gauss-Hermite nodes (order^dim, dim) and weights (order^dim,) of N(0, I).  [POP-1]"""
    from scipy.special import roots_hermitenorm                      # slow to import
    check_count(1, order=order)
    order = int(order)
    if order**dim > NODES:
        raise ValueError(f"order must be such that order^D is at most {NODES}, "
                         f"got {order} with D = {dim}")
    z, w = roots_hermitenorm(order)
    w = w / np.sum(w)
    places = np.array([order**(dim - 1 - i) for i in range(dim)])
    digits = np.arange(order**dim)[:, None] // places % order                     # (order^dim, dim)
    return z[digits], np.prod(w[digits], axis=1)
