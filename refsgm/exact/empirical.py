"""A data set as a distribution: the points, each with the same noise, and the ideal denoiser.

    p(x) = 1/N sum_n N(x | point_n, sigma^2 I)

It is closed under noise [MIX-4], and its denoiser [MIX-5] is what a network that fits the data
perfectly would give. The points may be an array, a memmap on disk, or a Dask array: they are read
in blocks.
"""

import math

import autograd.numpy as np

from ..arguments import (FINITE, NONNEGATIVE, POSITIVE, check_batch, check_count, check_level,
                         check_real, check_scalars, check_values, shape_of)
from ..arrays import against_components, beside, float_type, on_host
from .components import standard_normal_quadrature
from .mixtures import log_density_of
from .sums import ENTRIES, Sums, is_plain, mixture_sums


class Empirical:
    """A data set as a distribution: its points in equal parts, and their noisy law.  [MIX-4]

    Denoiser [MIX-5], score Jacobian [MIX-6], posterior covariance [MIX-7], quadrature [POP-1].

    Without noise it has no density; `Empirical(points).perturb(sigma)` has the exact q_sigma of the
    data, and `denoise` is the ideal denoiser. Points may be a NumPy array, a memmap or a Dask array
    (they are read in blocks, in any case).

    points  data (N, D), N >= 1
    sigma   standard deviation of noise on them: zero or positive, a scalar
    Values that are not finite are found in a Dask array when it is computed.

    >>> q = Empirical(np.array([[-1.0], [1.0]])).perturb(1.0)
    >>> q.score(np.array([[0.0]])), q.denoise(np.array([[0.0]]), 1.0)
    (array([[0.]]), array([[0.]]))
    """

    def __init__(self, points, sigma=0.0):
        shape = shape_of("points", points)
        if len(shape) != 2 or 0 in shape:
            raise ValueError(f"points must have shape (N, D) with N >= 1 and D >= 1, "
                             f"got shape {shape}")
        check_scalars(NONNEGATIVE, sigma=sigma)
        if on_host(points):
            rows = max(1, ENTRIES // shape[1])
            for i in range(0, shape[0], rows):                # a memmap is not read all at once
                check_values(FINITE, points=points[i:i + rows])
        self.points, self.sigma = points, sigma

    @property
    def dim(self):
        """D, the number of features."""
        return self.points.shape[1]

    def log_density(self, x):
        """log q_sigma(x), shape (B,), in nats.  [MIX-1]

        x  points (B, D)
        """
        sums = self._sums(x, self._noise())
        return log_density_of(x, sums.nearest, sums.log_sum, self.sigma)

    def score(self, x):
        """grad log q_sigma(x), shape (B, D).  [MIX-2]

        x  points (B, D)
        """
        sums = self._sums(x, self._noise())
        return ((sums.nearest - x + sums.shift) / self.sigma) / self.sigma

    def score_jacobian(self, x):
        """The Hessian of log q_sigma, shape (B, D, D): (Cov_r[points] / sigma^2 - I) / sigma^2.

        [MIX-6] It is Tweedie's formula of second order.

        x  points (B, D)
        """
        cov = self._point_cov(x, self._noise())
        return (cov / self.sigma**2 - self._identity(cov)) / self.sigma**2

    def sample(self, n, rng):
        """n points (n, D), with replacement, with their noise.

        rng  NumPy Generator
        """
        check_count(0, n=n)
        index = rng.integers(len(self.points), size=n)
        points = beside(self.points[index], index)
        noise = self.sigma * rng.standard_normal(points.shape)
        return (points + noise).astype(float_type(points))

    def perturb(self, sigma, scale=1.0):
        """The distribution of scale x + sigma eps, of the same family.  [MIX-4]

        sigma  standard deviation of the noise: zero or positive, a scalar
        scale  factor of the data: positive, a scalar
        """
        check_scalars(NONNEGATIVE, sigma=sigma)
        check_scalars(POSITIVE, scale=scale)
        check_real(sigma=sigma, scale=scale)
        noisy = object.__new__(Empirical)
        noisy.points = self.points if scale == 1 else scale * self.points
        noisy.sigma = math.hypot(scale * self.sigma, sigma)
        return noisy

    def denoise(self, x_t, sigma, scale=1.0):
        """E[x_0 | x_t], shape (B, D): the ideal denoiser of the data.  [MIX-5]

        x_t    noisy points scale x_0 + sigma eps (B, D)
        sigma  standard deviation of the noise: positive, a scalar or (B, 1)
        scale  factor of x_0: positive, a scalar or (B, 1)
        """
        self._checked("x_t", x_t)
        check_level(x_t, POSITIVE, sigma=sigma, scale=scale)
        check_level(x_t, POSITIVE, **{"sigma / scale": sigma / scale})
        spread = (self.sigma**2 + (sigma / scale)**2)**0.5
        sums = self._sums(x_t / scale, spread)
        point = sums.nearest + sums.shift
        return point + (self.sigma / spread)**2 * (x_t / scale - point)

    def denoise_cov(self, x_t, sigma, scale=1.0):
        """Cov[x_0 | x_t], shape (B, D, D).  [MIX-7]

        x_t    noisy points scale x_0 + sigma eps (B, D)
        sigma  standard deviation of the noise: positive, a scalar or (B, 1)
        scale  factor of x_0: positive, a scalar or (B, 1)
        """
        self._checked("x_t", x_t)
        check_level(x_t, POSITIVE, sigma=sigma, scale=scale)
        check_level(x_t, POSITIVE, **{"sigma / scale": sigma / scale})
        level = sigma / scale
        spread = (self.sigma**2 + level**2)**0.5
        cov = self._point_cov(x_t / scale, spread)
        left = against_components((level / spread)**2)
        inside = against_components((self.sigma * level / spread)**2)
        return left**2 * cov + inside * self._identity(cov)

    def quadrature(self, order):
        """Nodes (M, D) and weights (M,): the points, each with Gauss-Hermite nodes.  [POP-1]

        order  nodes per point and axis if there is noise, at least 1
        """
        z, w = standard_normal_quadrature(self.dim, order if self.sigma > 0 else 1)
        points = self.points if hasattr(self.points, "get") else np.asarray(self.points)
        z, w = beside(z, points), beside(w, points)
        nodes = points[:, None, :] + self.sigma * z
        dtype, weights = float_type(points), np.tile(w, len(points)) / len(points)
        return nodes.reshape(-1, self.dim).astype(dtype), weights.astype(dtype)

    def _identity(self, cov):
        return beside(np.eye(self.dim, dtype=cov.dtype), cov)

    def _noise(self):
        if self.sigma == 0:
            raise ValueError("a data set without noise has no density: use perturb(sigma) first")
        return self.sigma

    def _checked(self, name, x):
        check_batch(**{name: x})
        if np.shape(x)[1] != self.dim:
            raise ValueError(f"{name} must have shape (B, D) with D = {self.dim}, "
                             f"got shape {np.shape(x)}")

    def _sums(self, x, sigma):
        self._checked("x", x)
        return Sums(*mixture_sums(x, None, self.points, sigma))

    def _point_cov(self, x, sigma):
        """Covariance of the points under their responsibilities, (B, D, D), in blocks."""
        nearest, log_sum, shift = self._sums(x, sigma)
        row = against_components(sigma)
        total = 0.0
        size = max(1, ENTRIES // max(1, np.shape(x)[0] * self.dim))
        for i in range(0, len(self.points), size):
            block = self.points[i:i + size]
            block = beside(block, x) if is_plain(x) else block
            u = block - nearest[:, None, :]                                             # (B, K, D)
            gain = np.sum((u / row) * ((2 * (x - nearest)[:, None, :] - u) / row), axis=2) / 2
            r = np.exp(gain - math.log(len(self.points)) - log_sum)
            apart = u - shift[:, None, :]
            total = total + np.einsum("bk,bki,bkj->bij", r, apart, apart)
        return total
