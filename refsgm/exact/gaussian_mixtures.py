"""Gaussian mixtures, whose density, score and denoiser are known at every noise level.

    p(x) = sum_k w_k N(x | mean_k, C_k),     x_t = scale x_0 + sigma eps
    q(x_t) = sum_k w_k N(x_t | scale mean_k, scale^2 C_k + sigma^2 I)                        [MIX-4]
    E[x_0 | x_t] = sum_k r_k m_k,    m_k the posterior mean of component k                   [MIX-5]

Noise keeps the family, so q and its score are exact at every noise level, and `denoise` is the
best denoiser there is. Covariances are held by their eigenvalues and axes: noise adds to the
eigenvalues alone.
"""

import math
from typing import NamedTuple

import autograd.numpy as np

from ..arguments import (FINITE, NONNEGATIVE, POSITIVE, check_batch, check_count, check_level,
                         check_scalars, check_values, shape_of)
from ..arrays import against_components, beside, float_type, rows_of, weak_number
from .components import (check_reach, components_seen, eigen, identity, standard_normal_quadrature,
                         unwhiten, whiten)
from .mixtures import check_weights


class Posterior(NamedTuple):
    """The posterior laws N(m_k, V_k) of x_0 on each component k, given x_t.

    ref      (B,)       the likeliest component
    anchor   (B, D)     a point near its posterior mean
    offsets  (B, K, D)  m_k - anchor
    left     (B, K, D)  the share of variance that is left: V_k = C_k left, along the axes
    r        (B, K)     responsibilities
    """

    ref: np.ndarray
    anchor: np.ndarray
    offsets: np.ndarray
    left: np.ndarray
    r: np.ndarray


class GaussianMixture:
    """The mixture sum_k w_k N(mean_k, C_k).  [MIX-4]

    Denoiser [MIX-5], score Jacobian [MIX-6], posterior covariance [MIX-7], quadrature [POP-1]; its
    components are compared by [MIX-8].

    weights  w (K,), zero or positive, with sum 1
    means    centres (K, D)
    covs     covariances C (K, D, D), symmetric and positive definite

    Its attributes are these, dim, mean, cov, and `variances` (K, D) and `axes` (K, D, D), the
    eigenvalues and eigenvectors of the covariances. Its methods raise ValueError for x of another
    shape than (B, D) and values that are not finite.

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
        self._hold(weights, means, covs, *eigen(covs))

    def _hold(self, weights, means, covs, variances, axes):
        self.weights, self.means, self.covs = weights, means, covs
        self.variances, self.axes = variances, axes                          # (K, D), (K, D, D)

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
        variances = self.variances[seen.ref]                                           # (B, D)
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
        precisions = np.einsum("kij,kj,klj->kil", self.axes, 1 / self.variances, self.axes)
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
        z = z * self.variances[k]**0.5
        points = self.means[k] + np.einsum("nij,nj->ni", self.axes[k], z)
        return points.astype(float_type(self.means))

    def perturb(self, sigma, scale=1.0):
        """The distribution of scale x + sigma eps, of the same family.  [MIX-4]

        sigma  standard deviation of the noise: zero or positive, a scalar
        scale  factor of the data: positive, a scalar
        """
        check_scalars(NONNEGATIVE, sigma=weak_number(sigma, self.means))
        check_scalars(POSITIVE, scale=weak_number(scale, self.means))
        noisy = object.__new__(type(self))
        noisy._hold(self.weights, scale * self.means,
                    scale**2 * self.covs + sigma**2 * identity(self.covs[0]),
                    scale**2 * self.variances + sigma**2, self.axes)
        return noisy

    def denoise(self, x_t, sigma, scale=1.0):
        """E[x_0 | x_t], shape (B, D): the posterior mean, by Tweedie's formula too.  [MIX-5]

        x_t    noisy points scale x_0 + sigma eps (B, D)
        sigma  standard deviation of the noise: positive, a scalar or (B, 1)
        scale  factor of x_0: positive, a scalar or (B, 1)
        """
        on = self._posterior(x_t, sigma, scale)
        return on.anchor + np.einsum("bk,bkd->bd", on.r, on.offsets)

    def denoise_cov(self, x_t, sigma, scale=1.0):
        """Cov[x_0 | x_t], shape (B, D, D): sum_k r_k V_k + Cov_r[m_k].  [MIX-7]

        V_k = (C_k^-1 + scale^2 / sigma^2 I)^-1 is the posterior covariance of component k.

        x_t    noisy points scale x_0 + sigma eps (B, D)
        sigma  standard deviation of the noise: positive, a scalar or (B, 1)
        scale  factor of x_0: positive, a scalar or (B, 1)
        """
        on = self._posterior(x_t, sigma, scale)
        apart = on.offsets - on.offsets[rows_of(x_t), on.ref][:, None, :]   # without rounding there
        spread = apart - np.einsum("bk,bkd->bd", on.r, apart)[:, None, :]
        inside = on.r[:, :, None] * on.left * self.variances                            # (B, K, D)
        return (np.einsum("kid,bkd,kjd->bij", self.axes, inside, self.axes)
                + np.einsum("bk,bki,bkj->bij", on.r, spread, spread))

    def quadrature(self, order):
        """Gauss-Hermite nodes (K order^D, D) and weights (K order^D,).  [POP-1]

        Exact for polynomials of degree 2 order - 1.

        order  nodes per component and axis, at least 1
        """
        z, w = (beside(a, self.means) for a in standard_normal_quadrature(self.dim, order))
        spread = self.axes * (self.variances**0.5)[:, None, :]                 # (K, D, D)
        nodes = self.means[:, None, :] + np.einsum("kij,mj->kmi", spread, z)
        dtype, weights = float_type(self.means), np.outer(self.weights, w).ravel()
        return nodes.reshape(-1, self.dim).astype(dtype), weights.astype(dtype)

    def _checked(self, x, name="x"):
        check_batch(**{name: x})
        if np.shape(x)[1] != self.dim:
            raise ValueError(f"{name} must have shape (B, D) with D = {self.dim}, "
                             f"got shape {np.shape(x)}")
        return x

    def _seen_from(self, x, scale, sigma, name="x"):
        """The components of the law of scale x_0 + sigma eps, as each x sees them."""
        return components_seen(x, scale, sigma, self.weights, self.means, self.variances,
                               self.axes, name)

    def _posterior(self, x_t, sigma, scale):
        """Mean and covariance of x_0 on each component, a `Posterior`.  [MIX-5] [MIX-7]

        m_k - a = G_k (x_t - scale a) + H_k (mean_k - a) for any a, where G_k = scale C_k / T_k,
        H_k = sigma^2 / T_k and T_k = scale^2 C_k + sigma^2. With a near m_ref nothing cancels.
        """
        check_level(self._checked(x_t, "x_t"), POSITIVE, sigma=sigma, scale=scale)
        check_values(POSITIVE, sigma=weak_number(sigma, self.means),
                     scale=weak_number(scale, self.means))
        seen = self._seen_from(x_t, scale, sigma, "x_t")
        level, factor = against_components(sigma), against_components(scale)
        total = factor**2 * self.variances[None] + level**2                # (1, K, D) or (B, K, D)
        gain, left = factor * self.variances / total, level**2 / total

        def moved(anchor):
            """m_k - anchor (B, K, D)."""
            noisy = np.einsum("bd,kdj->bkj", x_t - scale * anchor, self.axes)
            clean = np.einsum("bkd,kdj->bkj", self.means - anchor[:, None, :], self.axes)
            return np.einsum("bkj,kdj->bkd", gain * noisy + left * clean, self.axes)

        anchor = self.means[seen.ref]
        for _ in range(2):                                      # the second one removes rounding
            offsets = moved(anchor)
            anchor = anchor + offsets[rows_of(x_t), seen.ref]
        return Posterior(seen.ref, anchor, moved(anchor), left, seen.r)


class Gaussian(GaussianMixture):
    """N(mean, cov), the mixture of one component.

    mean  (D,)
    cov   covariance (D, D), symmetric and positive definite

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
        check_values(FINITE, mean=mean, cov=cov)
        weights = beside(np.ones(1, np.result_type(mean, cov)), mean)
        self._hold(weights, mean[None], cov[None], *eigen(cov[None], "cov"))

    def score(self, x):
        """grad log p(x), shape (B, D): cov^-1 (mean - x), with no component to compare.  [MIX-4]

        x  points (B, D)
        """
        spread = self.variances**0.5
        away = whiten((self._checked(x) - self.means)[:, None, :], self.axes, spread)
        check_reach("x", away)
        return -unwhiten(away, self.axes, spread)[:, 0]
