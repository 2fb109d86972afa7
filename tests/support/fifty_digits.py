"""Every closed form at 50 digits, and how far rounding may take a result from it.

The elementary functions are those of the oracle, one number at a time; distributions and population
losses are written here from their definitions, with mpmath alone.
Arguments come as numbers or object arrays of mpmath numbers, one sample (D,) at a time; results are
numbers, lists or matrices, or tuples of them where a function returns several things.
"""

import functools

import mpmath as mp
import numpy as np

from refsgm.oracle.kinds import FUNCTIONS, TABLE, find
from refsgm.oracle.kinds.fifty_digits import Functions

mp.mp.dps = 50
TINY = mp.mpf("1e-4000")


class Mixture:
    """sum_k w_k N(mean_k, C_k) at one point x (D,): weights (K,), means (K, D), covs (K, D, D)."""

    def __init__(self, weights, means, covs):
        self.weights, self.means, self.covs = weights, means, covs
        self.precisions, self.determinants = inverses(covs)

    def shares(self, x):
        """The posterior weights (K,) of the components, and the log density."""
        d = x - self.means
        log_2pi = d.shape[1] * mp.log(2 * mp.pi)
        joint = [mp.log(w) - (q + mp.log(det) + log_2pi) / 2 if w > 0 else mp.mpf("-inf")
                 for w, q, det in zip(self.weights, (d * times(self.precisions, d)).sum(axis=1),
                                      self.determinants)]
        largest = max(joint)
        r = np.array([mp.exp(j - largest) for j in joint])
        return r / sum(r), largest + mp.log(sum(r))

    def log_density(self, x):
        return [self.shares(x)[1]]

    def slopes(self, x):
        return times(self.precisions, self.means - x)

    def score(self, x):
        return self.shares(x)[0] @ self.slopes(x)

    def score_jacobian(self, x):
        r, s = self.shares(x)[0], self.slopes(x)
        return self.total(r, squares(s - r @ s) - self.precisions)

    def mean(self, x):
        return self.weights @ self.means

    def cov(self, x):
        return self.total(self.weights, self.covs + squares(self.means - self.mean(x)))

    def noisy(self, sigma, scale):
        eye = np.eye(self.means.shape[1], dtype=int)
        return Mixture(self.weights, scale * self.means, scale**2 * self.covs + sigma**2 * eye)

    def perturb(self, x, sigma, scale):
        noisy = self.noisy(sigma, scale)
        return noisy.means.ravel(), noisy.covs.ravel()

    def posterior(self, x, sigma, scale):
        """The weights, means and covariances of x_0 given x_t = x."""
        noisy = self.noisy(sigma, scale)
        gains = scale * self.covs @ noisy.precisions
        means = self.means + times(gains, x - scale * self.means)
        return noisy.shares(x)[0], means, self.covs - scale * gains @ self.covs

    def denoise(self, x, sigma, scale):
        r, means, _ = self.posterior(x, sigma, scale)
        return r @ means

    def denoise_cov(self, x, sigma, scale):
        r, means, covs = self.posterior(x, sigma, scale)
        return self.total(r, covs + squares(means - r @ means))

    def total(self, weights, matrices):
        """The weighted sum of matrices (K, D, D), entry by entry."""
        return weights @ matrices.reshape(len(weights), -1)


def inverses(covs):
    """The inverses (K, D, D) and the determinants (K,) of matrices (K, D, D)."""
    if covs.shape[1] == 1:
        return 1 / covs, covs[:, 0, 0]
    if covs.shape[1] == 2:
        (a, b), (c, d) = covs.transpose(1, 2, 0)
        determinants = a * d - b * c
        adjugates = np.array([[d, -b], [-c, a]]).transpose(2, 0, 1)
        return adjugates / determinants[:, None, None], determinants
    matrices = [mp.matrix(c.tolist()) for c in covs]
    return (np.array([(m**-1).tolist() for m in matrices]), np.array([mp.det(m) for m in matrices]))


def times(matrices, vectors):
    """The products (K, D) of matrices (K, D, D) and vectors (K, D)."""
    return (matrices * vectors[:, None, :]).sum(axis=2)


def squares(vectors):
    """The outer products (K, D, D) of vectors (K, D) with themselves."""
    return vectors[:, :, None] * vectors[:, None, :]


def size(a):
    """Largest absolute entry."""
    return max(abs(v) for v in a)


def units(got, expected, dtype):
    """The error of `got` in units of the condition number times the machine epsilon of dtype, and
    that condition number: those of the worst part, where the result is a tuple.

    `expected` comes from `values_and_conditions`. An infinity or NaN is no error where the truth is
    larger than any number of this dtype; where it is smaller than the smallest, that is the unit.
    """
    info = np.finfo(dtype)
    parts = got if isinstance(got, tuple) else (got,)
    worst = (0.0, 1.0)
    for part, (want, condition) in zip(parts, expected, strict=True):
        part, whole = np.ravel(np.asarray(part)), size(want)
        if whole > float(info.max):
            continue
        if not np.all(np.isfinite(part)):
            return np.inf, float(condition)
        error = size([mp.mpf(float(v)) - w for v, w in zip(part, want, strict=True)])
        unit = condition * float(info.eps) * max(whole, float(info.tiny))
        worst = max(worst, (float(error / unit), float(condition)))
    return worst


def values_and_conditions(f, arrays):
    """The parts of f, a function of arrays, at 50 digits, each with its condition number.

    The condition number is 1 + sum over the arrays of the largest effect that a relative change h
    of single entries has on the result, divided by h and by the size of the result; symmetric
    entries of covariances (K, D, D) change together. Zeros and ones are taken to be exact.
    """
    h = mp.mpf(10)**-20
    flat = [np.asarray(a, np.float64) for a in arrays]
    given = [as_mp(a) for a in flat]
    values = parts_of(f(*given))
    scales = [h * max(size(part), TINY) for part in values]
    conditions = [mp.mpf(1)] * len(values)
    for i, a in enumerate(flat):
        effects = [mp.mpf(0)] * len(values)
        for index in np.ndindex(a.shape):
            if a[index] in (0, 1) or (a.ndim == 3 and index[1] > index[2]):
                continue
            changed = [b.copy() if b is given[i] else b for b in given]
            for where in {index, index[:-2] + index[:-3:-1]} if a.ndim == 3 else {index}:
                changed[i][where] *= 1 + h
            effects = [max(effect, size([v - w for v, w in zip(new, old)]) / scale)
                       for effect, new, old, scale in zip(effects, parts_of(f(*changed)), values,
                                                          scales)]
        conditions = [c + effect for c, effect in zip(conditions, effects)]
    return list(zip(values, conditions))


def parts_of(result):
    """A result as a list of lists of numbers: of a tuple, one list for each entry."""
    return [[part] if isinstance(part, mp.mpf) else list(part)
            for part in (result if isinstance(result, tuple) else (result,))]


def as_mp(a):
    """An object array of 50-digit numbers."""
    return np.array([mp.mpf(float(v)) for v in a.ravel()], object).reshape(a.shape)


def mixture_function(name):
    """(weights, means, covs, x, *levels) -> the named method at one point x (D,)."""
    def f(weights, means, covs, x, *levels):
        return getattr(Mixture(weights, means, covs), name)(x, *(v[()] for v in levels))
    return f


def common_sigma(name):
    """(weights, means, sigma, x, *levels) -> the same with covariances sigma^2 I."""
    def f(weights, means, sigma, x, *levels):
        covs = np.array([np.eye(len(x), dtype=int)] * len(means)) * sigma[()]**2
        return mixture_function(name)(weights, means, covs, x, *levels)
    return f


def column(a):
    """A vector as a matrix of one column."""
    return mp.matrix(list(a))


def equal_weights(f):
    """f of a mixture without its weights, which are 1 / K."""
    return lambda means, *rest: f(
        np.array([mp.mpf(1) / len(means)] * len(means)), means, *rest)


def calls_a_function(kind):
    """Whether its first argument is a function, and no value that has the name of one."""
    return kind.args[0] in FUNCTIONS and kind.args[0] not in kind.draw


def of_values(f, kind):
    """f of a kind that calls a function: the values that this returns come last instead."""
    if not calls_a_function(kind):
        return f
    n = len(kind.args) - 1

    def function(*args):
        values = iter(args[n:])
        return f(lambda x, level: next(values), *args[:n])
    return function


def truth(name):
    """The oracle's formula of a kind at 50 digits: (arguments) -> its value, or tuple of values.

    Of a function of arrays, at one number of each; of a table, with all entries as the values. A
    choice comes with the name, "ddpm_step, beta"; see `of_values` for what calls a function.
    """
    words, *choice = name.split(", ")
    kind = find(words)
    counts = [i for i, arg in enumerate(kind.args) if arg in ("n_steps", "n_levels")]
    formula = of_values(functools.partial(kind.exact, Functions(mp)), kind)

    def f(*args):
        if kind.form == TABLE:
            args = [int(a) if i in counts else a for i, a in enumerate(args)]
            return tuple(mp.mpf(v) for v in formula(*args))
        result = formula(*[np.array([[a]], object) for a in args], *choice)
        parts = tuple(np.ravel(part)[0] for part in result) if isinstance(result, tuple) else ()
        return parts or np.ravel(result)[0]
    return f


class Affine:
    """s(x) = A x + b on N(m, C), with the moments that the losses are made of."""

    def __init__(self, matrix, offset, mean, cov):
        self.A, self.mean = mp.matrix(matrix.tolist()), column(mean)
        self.C, self.D = mp.matrix(cov[0].tolist()), len(mean)
        self.shift = self.A * self.mean + column(offset)
        self.eye = mp.eye(self.D)

    def loss(self, on_x, on_eps, sigma, factor):
        """factor E|on_x (x - m) + A m + b + on_eps eps|^2, and its gradients, where sigma is what
        on_eps has of A."""
        square = (trace(on_x * self.C * on_x.T) + trace(on_eps * on_eps.T)
                  + (self.shift.T * self.shift)[0])
        gradient = on_x * self.C + self.shift * self.mean.T + sigma * on_eps
        return factor * square, 2 * factor * gradient, 2 * factor * self.shift

    def explicit(self):
        value, *gradients = self.loss(self.A + self.C**-1, 0 * self.eye, 0, mp.mpf(0.5))
        return value, mp.mpf(0), *gradients

    def implicit(self):
        value, gradient, rest = self.loss(self.A, 0 * self.eye, 0, mp.mpf(0.5))
        return value + trace(self.A), -trace(self.C**-1) / 2, gradient + self.eye, rest

    def denoising(self, sigma):
        on_eps = sigma * self.A + self.eye / sigma
        value, *gradients = self.loss(self.A, on_eps, sigma, mp.mpf(0.5))
        return value, self.unknown(sigma) / sigma**2 / 2, *gradients

    def noise_prediction(self, sigma):
        value, *gradients = self.loss(self.A, sigma * self.A - self.eye, sigma, mp.mpf(1))
        return value, self.unknown(sigma), *gradients

    def unknown(self, sigma):
        """E|eps - E[eps | x + sigma eps]|^2."""
        return trace(self.C * (self.C + sigma**2 * self.eye)**-1)

    def sliced(self, directions, reduced):
        """Variances over x and over v, index by index, by Isserlis' theorem."""
        m, C, D = list(self.shift), self.A * self.C * self.A.T, range(self.D)
        S = (self.A + self.A.T) / 2

        def two(i, j):
            return m[i] * m[j] + C[i, j]

        def four(i, j, k, n):
            return (m[i] * m[j] * m[k] * m[n] + C[i, j] * C[k, n] + C[i, k] * C[j, n]
                    + C[i, n] * C[j, k] + m[i] * m[j] * C[k, n] + m[i] * m[k] * C[j, n]
                    + m[i] * m[n] * C[j, k] + m[j] * m[k] * C[i, n] + m[j] * m[n] * C[i, k]
                    + m[k] * m[n] * C[i, j])

        def W(i, j, k, n):
            """E W_ij W_kn for the quadratic form W = s s' / 2 + S, or S alone."""
            if reduced:
                return S[i, j] * S[k, n]
            return (four(i, j, k, n) / 4 + two(i, j) * S[k, n] / 2 + S[i, j] * two(k, n) / 2
                    + S[i, j] * S[k, n])

        squares = sum(W(i, j, i, j) for i in D for j in D)
        diagonal = sum(W(i, i, i, i) for i in D)
        traces = sum(W(i, i, j, j) for i in D for j in D)
        over_v = {"normal": 2 * squares, "rademacher": 2 * (squares - diagonal),
                  "sphere": 2 * (self.D * squares - traces) / (self.D + 2)}[directions]
        over_x = sum(four(i, i, j, j) - two(i, i) * two(j, j) for i in D for j in D) / 4
        return over_x, over_v


def trace(a):
    return mp.fsum(a[i, i] for i in range(a.rows))


def affine_function(name, *fixed):
    """(matrix, offset, mean, cov (1, D, D), *levels) -> the named method."""
    def f(matrix, offset, mean, cov, *levels):
        return getattr(Affine(matrix, offset, mean, cov), name)(*(v[()] for v in levels), *fixed)
    return f


def affine_levels(matrices, offsets, mean, cov, sigmas):
    """The NCSN loss with its own weights sigma^2; the matrices (L D, D) lie below each other."""
    D = len(mean)
    levels = [Affine(matrices[i * D:(i + 1) * D], offset, mean, cov).denoising(sigma)
              for i, (offset, sigma) in enumerate(zip(offsets, sigmas))]
    value, constant = (sum(s**2 * level[i] for s, level in zip(sigmas, levels)) for i in (0, 1))
    return value, constant, *([a for s, level in zip(sigmas, levels) for a in s**2 * level[i]]
                              for i in (2, 3))
