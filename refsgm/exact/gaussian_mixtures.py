"""Gaussian mixtures, whose density, score and denoiser are known at every noise level.

    p(x) = sum_k w_k N(x | mean_k, C_k),     x_t = scale x_0 + sigma eps
    q(x_t) = sum_k w_k N(x_t | scale mean_k, scale^2 C_k + sigma^2 I)                        [MIX-4]
    E[x_0 | x_t] = sum_k r_k m_k,    m_k the posterior mean of component k                   [MIX-5]

Noise keeps the family, so q and its score are exact at every noise level, and `denoise` is the
best denoiser there is. Covariances are held by their eigenvalues and axes: noise adds to the
eigenvalues alone.
"""

import math

import autograd.numpy as np

from .mixtures import check_weights
from ..arguments import (FINITE, NONNEGATIVE, POSITIVE, check_batch, check_count, check_level,
                         check_scalars, check_values, shape_of)
from ..arrays import beside, float_type, on_host, value_of


class GaussianMixture:
    """The mixture sum_k w_k N(mean_k, C_k).  [MIX-4]

    Denoiser [MIX-5], score Jacobian [MIX-6], posterior covariance [MIX-7], quadrature [POP-1].

    weights  w (K,), zero or positive, with sum 1
    means    centres (K, D)
    covs     covariances C (K, D, D), symmetric and positive definite
    Raises ValueError for other shapes, weights that do not sum to 1, covariances that are not
        symmetric or not positive definite, and values that are not finite.

    >>> p = GaussianMixture(np.array([0.5, 0.5]), np.array([[-1.0], [1.0]]), np.ones((2, 1, 1)))
    >>> p.score(np.array([[0.0]])), p.perturb(1.0).covs[0], p.cov
    (array([[0.]]), array([[2.]]), array([[2.]]))
    """

    def __init__(self, weights, means, covs):
        check_weights(weights)
        shape = shape_of("means", means)
        if len(shape) != 2 or shape[0] != len(weights) or shape[1] == 0:
            raise ValueError(f"means must have shape (K, D) with K = {len(weights)} and D >= 1, "
                             f"got shape {shape}")
        check_values(FINITE, means=means)
        if shape_of("covs", covs) != (*shape, shape[1]):
            raise ValueError(f"covs must have shape (K, D, D) = {(*shape, shape[1])}, "
                             f"got shape {np.shape(covs)}")
        check_values(FINITE, covs=covs)
        variances, axes = eigen(covs)
        self._hold(weights, means, covs, variances, axes)

    def _hold(self, weights, means, covs, variances, axes):
        self.weights, self.means, self.covs = weights, means, covs
        self._variances, self._axes = variances, axes                        # (K, D), (K, D, D)

    @property
    def dim(self):
        """D, the number of features."""
        return self.means.shape[1]

    @property
    def mean(self):
        """Mean (D,)."""
        return self.weights @ self.means

    @property
    def cov(self):
        """Covariance (D, D)."""
        away = self.means - self.mean
        return (np.einsum("k,kij->ij", self.weights, self.covs)
                + np.einsum("k,ki,kj->ij", self.weights, away, away))

    def log_density(self, x):
        """log p(x), shape (B,), in nats.  [MIX-4]

        x  points (B, D)
        """
        seen = self._seen_from(self._checked(x), 1.0, 0.0)
        variances = self._variances[seen.ref]                                           # (B, D)
        log_norm = np.sum(np.log(variances), axis=1) / 2 + self.dim * math.log(2 * math.pi) / 2
        return seen.log_sum[:, 0] - 0.5 * seen.square[:, 0] - log_norm

    def score(self, x):
        """grad log p(x), shape (B, D): sum_k r_k C_k^-1 (mean_k - x).  [MIX-4]

        x  points (B, D)
        """
        seen = self._seen_from(self._checked(x), 1.0, 0.0)
        return np.einsum("bk,bkd->bd", seen.r, seen.slopes)

    def score_jacobian(self, x):
        """The Hessian of log p, shape (B, D, D): Cov_r[s_k] - sum_k r_k C_k^-1.  [MIX-6]

        x  points (B, D)
        """
        seen = self._seen_from(self._checked(x), 1.0, 0.0)
        precisions = np.einsum("kij,kj,klj->kil", self._axes, 1 / self._variances, self._axes)
        spread = seen.slopes_apart - np.einsum("bk,bkd->bd", seen.r, seen.slopes_apart)[:, None, :]
        return (np.einsum("bk,bki,bkj->bij", seen.r, spread, spread)
                - np.einsum("bk,kij->bij", seen.r, precisions))

    def sample(self, n, rng):
        """n points (n, D).

        rng  NumPy Generator, or one of the device of the means, which has other numbers
        """
        check_count(0, n=n)
        upto = np.cumsum(self.weights.astype(np.float64))
        u, z = (beside(a, self.means) for a in (rng.random(n), rng.standard_normal((n, self.dim))))
        k = np.searchsorted(upto / upto[-1], u, side="right")
        z = z * self._variances[k]**0.5
        points = self.means[k] + np.einsum("nij,nj->ni", self._axes[k], z)
        return points.astype(float_type(self.means))

    def perturb(self, sigma, scale=1.0):
        """The distribution of scale x + sigma eps, of the same family.  [MIX-4]

        sigma  standard deviation of the noise: zero or positive, a scalar
        scale  factor of the data: positive, a scalar
        """
        check_scalars(NONNEGATIVE, sigma=sigma)
        check_scalars(POSITIVE, scale=scale)
        noisy = object.__new__(type(self))
        noisy._hold(self.weights, scale * self.means,
                    scale**2 * self.covs + sigma**2 * identity(self.covs[0]),
                    scale**2 * self._variances + sigma**2, self._axes)
        return noisy

    def denoise(self, x_t, sigma, scale=1.0):
        """E[x_0 | x_t], shape (B, D): the posterior mean, by Tweedie's formula too.  [MIX-5]

        x_t    noisy points scale x_0 + sigma eps (B, D)
        sigma  standard deviation of the noise: positive, a scalar or (B, 1)
        scale  factor of x_0: positive, a scalar or (B, 1)
        """
        anchor, _, offsets, r, _ = self._posterior(x_t, sigma, scale)
        return anchor + np.einsum("bk,bkd->bd", r, offsets)

    def denoise_cov(self, x_t, sigma, scale=1.0):
        """Cov[x_0 | x_t], shape (B, D, D): sum_k r_k V_k + Cov_r[m_k].  [MIX-7]

        V_k = (C_k^-1 + scale^2 / sigma^2 I)^-1 is the posterior covariance of component k.

        x_t    noisy points scale x_0 + sigma eps (B, D)
        sigma  standard deviation of the noise: positive, a scalar or (B, 1)
        scale  factor of x_0: positive, a scalar or (B, 1)
        """
        _, left, offsets, r, axes = self._posterior(x_t, sigma, scale)
        spread = offsets - np.einsum("bk,bkd->bd", r, offsets)[:, None, :]
        inside = r[:, :, None] * left * self._variances                                 # (B, K, D)
        return (np.einsum("kid,bkd,kjd->bij", axes, inside, axes)
                + np.einsum("bk,bki,bkj->bij", r, spread, spread))

    def quadrature(self, order):
        """Gauss-Hermite nodes (K order^D, D) and weights (K order^D,).  [POP-1]

        Exact for polynomials of degree 2 order - 1.

        order  nodes per component and axis, at least 1
        """
        z, w = (beside(a, self.means) for a in standard_normal_quadrature(self.dim, order))
        spread = self._axes * (self._variances**0.5)[:, None, :]                 # (K, D, D)
        nodes = self.means[:, None, :] + np.einsum("kij,mj->kmi", spread, z)
        return nodes.reshape(-1, self.dim), np.outer(self.weights, w).ravel()

    def _checked(self, x):
        check_batch(x=x)
        if np.shape(x)[1] != self.dim:
            raise ValueError(f"x must have shape (B, D) with D = {self.dim}, "
                             f"got shape {np.shape(x)}")
        return x

    def _seen_from(self, x, scale, sigma):
        """The components of the law of scale x_0 + sigma eps, as each x sees them."""
        return Seen(x, self.weights, scale, sigma, self.means, self._variances, self._axes)

    def _posterior(self, x_t, sigma, scale):
        """Per component: m_k - anchor, the share of noise in V_k, responsibilities; the anchor.

        m_k - a = G_k (x_t - scale a) + H_k (mean_k - a) for any a, where G_k = scale C_k / T_k,
        H_k = sigma^2 / T_k and T_k = scale^2 C_k + sigma^2. With a near m_ref nothing cancels.
        """
        check_level(self._checked(x_t), POSITIVE, sigma=sigma, scale=scale)
        seen = self._seen_from(x_t, scale, sigma)
        level, factor = column(sigma), column(scale)
        total = factor**2 * self._variances[None] + level**2               # (1, K, D) or (B, K, D)
        gain, left = factor * self._variances / total, level**2 / total

        def moved(anchor):
            """m_k - anchor (B, K, D)."""
            noisy = np.einsum("bd,kdj->bkj", x_t - scale * anchor, self._axes)
            clean = np.einsum("bkd,kdj->bkj", self.means - anchor[:, None, :], self._axes)
            return np.einsum("bkj,kdj->bkd", gain * noisy + left * clean, self._axes)

        anchor = self.means[seen.ref]
        for _ in range(2):                                      # the second one removes rounding
            offsets = moved(anchor)
            anchor = anchor + offsets[rows_of(x_t), seen.ref]
        return anchor, left, moved(anchor), seen.r, self._axes


class Seen:
    """Components k with covariances axes diag(variances) axes', as each x sees them.

    ref           (B,)      the likeliest component
    square        (B, 1)    squared distance from its mean in its own standard deviations
    log_sum       (B, 1)    log sum_k w_k N_k / N_ref
    r             (B, K)    responsibilities
    slopes        (B, K, D) score s_k of each component
    slopes_apart  (B, K, D) s_k - s_ref

    Squares and volumes are compared after their common part, that of the largest variance of all,
    is taken out: with much noise all components look alike, and their differences are tiny.
    """

    def __init__(self, x, weights, scale, sigma, means, variances, axes):
        with np.errstate(divide="ignore"):                           # log 0 = -inf: no share at all
            log_w = np.log(weights)
        factor, level = column(scale), column(sigma)
        total = factor**2 * variances[None] + level**2                     # (1, K, D) or (B, K, D)
        spread = total**0.5
        largest = factor**2 * np.max(variances) + level**2                 # a scalar or (B, 1, 1)
        missing = factor**2 * (np.max(variances) - variances[None]) / largest
        with np.errstate(divide="ignore"):
            logs = np.where(missing < 0.5, np.log1p(-missing), np.log(total / largest))
        log_volume = np.sum(logs, axis=2) / 2                              # less D/2 log largest
        away = whiten(x[:, None, :] - factor * means, axes, spread)                  # (B, K, D)
        rough = value_of(log_w - log_volume - np.sum(away**2, axis=2) / 2).real
        self.ref = np.argmax(rough, axis=1)                                          # (B,)
        pick = rows_of(x), self.ref
        x_ref = x - scale * means[self.ref]                                          # (B, D)
        u = factor * (means - means[self.ref][:, None, :])                           # (B, K, D)
        U, V = whiten(x_ref[:, None, :], axes, spread), whiten(u, axes, spread)      # x - mean_k:
        self.square = np.sum(U[pick]**2, axis=1, keepdims=True)                      # U - V
        excess = np.sum(U**2 * missing, axis=2)             # |U|^2 less |x - mean_ref|^2 / largest
        volumes = np.broadcast_to(log_volume, rough.shape)
        gain = (np.sum(V * (2 * U - V), axis=2) - (excess - excess[pick][:, None])) / 2
        exponents = log_w + gain - (volumes - volumes[pick][:, None])
        top = np.max(value_of(exponents).real, axis=1, keepdims=True)
        r = np.exp(exponents - top)
        r_sum = np.sum(r, axis=1, keepdims=True)
        self.r, self.log_sum = r / r_sum, top + np.log(r_sum)
        self.slopes = -unwhiten(U - V, axes, spread)
        at_ref = unwhiten(U, axes, spread)              # C_k^-1 (x - mean_ref): equal for equal C_k
        self.slopes_apart = unwhiten(V, axes, spread) + at_ref[pick][:, None, :] - at_ref


def column(a):
    """A level (a scalar or (B, 1)) against arrays (B, K, D)."""
    return a if np.ndim(a) == 0 else a[:, :, None]


def rows_of(x):
    """The index of each row, (B,)."""
    return beside(np.arange(len(x)), x)


def identity(cov):
    """The identity matrix of the size, dtype and device of cov (D, D)."""
    return beside(np.eye(len(cov), dtype=cov.dtype), cov)


def whiten(a, axes, spread):
    """C_k^(-1/2) a for vectors a (B, K, D) or (B, 1, D)."""
    if np.shape(a)[1] == 1 < len(axes):
        return np.einsum("bd,kdj->bkj", a[:, 0], axes) / spread
    return np.einsum("bkd,kdj->bkj", a, axes) / spread


def unwhiten(a, axes, spread):
    """C_k^(-1/2)' a for vectors a (B, K, D)."""
    return np.einsum("bkj,kdj->bkd", a / spread, axes)


def eigen(covs):
    """Eigenvalues (K, D) and axes (K, D, D) of covariances, which must be such."""
    check_symmetric(covs, "covs[{}]")
    variances, axes = np.linalg.eigh(covs.astype(np.float64))
    floor = covs.shape[1] * np.finfo(np.float64).eps * variances[:, -1:]
    if on_host(covs) and np.any(variances <= np.maximum(floor, 0)):
        k = int(np.argmax(np.any(variances <= np.maximum(floor, 0), axis=1)))
        raise ValueError(f"covs must be positive definite, got covs[{k}] with smallest "
                         f"eigenvalue {variances[k, 0]}")
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
    z, w = roots_hermitenorm(order)
    w = w / np.sum(w)
    grid = np.stack(np.meshgrid(*[z] * dim, indexing="ij"), axis=-1).reshape(-1, dim)
    weights = np.stack(np.meshgrid(*[w] * dim, indexing="ij"), axis=-1).reshape(-1, dim)
    return grid, np.prod(weights, axis=1)


class Gaussian(GaussianMixture):
    """N(mean, cov), the mixture of one component.

    mean  (D,)
    cov   covariance (D, D), symmetric and positive definite
    Raises ValueError for other shapes, a covariance that is not symmetric or not positive
        definite, and values that are not finite.

    >>> p = Gaussian(np.zeros(2), np.diag(np.array([1.0, 4.0])))
    >>> p.score(np.array([[1.0, 2.0]])), p.denoise(np.array([[2.0, 0.0]]), 1.0)
    (array([[-1. , -0.5]]), array([[1., 0.]]))
    """

    def __init__(self, mean, cov):
        shape = shape_of("mean", mean)
        if len(shape) != 1 or shape[0] == 0:
            raise ValueError(f"mean must have shape (D,) with D >= 1, got shape {shape}")
        if shape_of("cov", cov) != 2 * shape:
            raise ValueError(f"cov must have shape (D, D) = {2 * shape}, "
                             f"got shape {np.shape(cov)}")
        super().__init__(beside(np.ones(1, np.result_type(mean, cov)), mean), mean[None], cov[None])
