"""Gaussian mixtures at 50 digits, written from their definition with mpmath alone."""

import mpmath as mp
import numpy as np

mp.mp.dps = 50


def exact(a):
    """An array of floats as a matrix or list of 50-digit numbers, without rounding."""
    return mp.matrix(np.asarray(a, np.float64).tolist())


class Mixture:
    """sum_k w_k N(mean_k, C_k) at one point x; means and x are columns."""

    def __init__(self, weights, means, covs):
        self.weights, self.means, self.covs = weights, means, covs
        self.precisions = [c**-1 for c in covs]

    def joint(self, x):
        """log w_k N(x | mean_k, C_k) for every k of positive weight, and the others -inf."""
        D = len(x)
        return [mp.log(w) - (((x - m).T * P * (x - m))[0] + mp.log(mp.det(c))
                             + D * mp.log(2 * mp.pi)) / 2 if w > 0 else mp.mpf("-inf")
                for w, m, c, P in zip(self.weights, self.means, self.covs, self.precisions)]

    def shares(self, x):
        joint = self.joint(x)
        largest = max(joint)
        r = [mp.exp(j - largest) for j in joint]
        return [a / sum(r) for a in r], largest + mp.log(sum(r))

    def log_density(self, x):
        return mp.matrix([self.shares(x)[1]])

    def slopes(self, x):
        return [P * (m - x) for m, P in zip(self.means, self.precisions)]

    def score(self, x):
        return total(self.shares(x)[0], self.slopes(x))

    def score_jacobian(self, x):
        r, s = self.shares(x)[0], self.slopes(x)
        mean = total(r, s)
        return total(r, [(a - mean) * (a - mean).T - P for a, P in zip(s, self.precisions)])

    def perturb(self, sigma, scale):
        eye = mp.eye(len(self.means[0]))
        return Mixture(self.weights, [scale * m for m in self.means],
                       [scale**2 * c + sigma**2 * eye for c in self.covs])

    def posterior(self, x, sigma, scale):
        noisy = self.perturb(sigma, scale)
        gains = [scale * c * P for c, P in zip(self.covs, noisy.precisions)]
        means = [m + g * (x - scale * m) for m, g in zip(self.means, gains)]
        covs = [c - scale * g * c for c, g in zip(self.covs, gains)]
        return noisy.shares(x)[0], means, covs

    def denoise(self, x, sigma, scale):
        r, means, _ = self.posterior(x, sigma, scale)
        return total(r, means)

    def denoise_cov(self, x, sigma, scale):
        r, means, covs = self.posterior(x, sigma, scale)
        mean = total(r, means)
        return total(r, [c + (m - mean) * (m - mean).T for c, m in zip(covs, means)])


def total(weights, terms):
    """The weighted sum of matrices."""
    result = 0 * terms[0]
    for w, term in zip(weights, terms):
        result += w * term
    return result


def size(a):
    """Largest absolute entry."""
    return max(abs(v) for v in a)


def value_and_condition(f, arrays):
    """f of arrays of floats at 50 digits, and its relative condition number.

    The condition number is 1 + sum over the arrays of the largest effect that a relative change h
    of single entries has on the result, divided by h and by the size of the result; symmetric
    entries of covariances change together.
    """
    h = mp.mpf(10)**-20
    flat = [np.asarray(a, np.float64) for a in arrays]
    value = f(*[as_mp(a) for a in flat])
    condition = mp.mpf(1)
    for i, a in enumerate(flat):
        for index in np.ndindex(a.shape):
            if a[index] == 0 or (a.ndim == 3 and index[1] > index[2]):
                continue
            changed = [as_mp(b) for b in flat]
            for where in {index, index[:-2] + index[:-3:-1]} if a.ndim == 3 else {index}:
                changed[i][where] *= 1 + h
            condition += size(f(*changed) - value) / (h * max(size(value), mp.mpf("1e-4000")))
    return value, condition


def as_mp(a):
    """An object array of 50-digit numbers."""
    return np.array([mp.mpf(float(v)) for v in a.ravel()], object).reshape(a.shape)


def mixture_function(name):
    """(weights, means, covs, x, *levels) -> the named method at one point x (D,)."""
    def f(weights, means, covs, x, *levels):
        p = Mixture(list(weights), [mp.matrix(list(m)) for m in means],
                    [mp.matrix(c.tolist()) for c in covs])
        return getattr(p, name)(mp.matrix(list(x)), *(v[()] for v in levels))
    return f
