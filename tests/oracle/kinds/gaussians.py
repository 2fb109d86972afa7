"""Gaussians, mixtures and noise on data: right implementations of each kind, and mistakes."""

import functools
import math

import autograd.numpy as np

from .arithmetic import column, square
from .record import of
from .spaces import LOG_2PI, Pair, flat


def portable(xp):
    """{kind: Pair} for a Space."""
    log, total = xp.lib.log, xp.total

    def gaussian(x, mean, sigma):
        D = x.shape[1]
        return -0.5 * total(((x - mean) / sigma)**2) - D * (flat(log(sigma)) + LOG_2PI / 2)

    def gaussian_without_dimension(x, mean, sigma):
        return -0.5 * total(((x - mean) / sigma)**2) - (flat(log(sigma)) + LOG_2PI / 2)

    def exponents(x, weights, means, sigma):                                # (B, K)
        square = total((x[:, None] - means)**2)
        return log(weights) - 0.5 * square / sigma**2

    def mixture(x, weights, means, sigma):
        a = exponents(x, weights, means, sigma)
        top = a[:, :1]
        for k in range(1, a.shape[1]):
            top = xp.lib.maximum(top, a[:, k:k + 1])
        D = x.shape[1]
        return top[:, 0] + log(total(xp.lib.exp(a - top))) - D * (flat(log(sigma)) + LOG_2PI / 2)

    def mixture_by_plain_exponentials(x, weights, means, sigma):
        square, D = total((x[:, None] - means)**2), x.shape[1]
        p = total(weights * xp.lib.exp(-0.5 * square / sigma**2))
        return log(p) - D * (flat(log(sigma)) + LOG_2PI / 2)

    def mixture_score(sharp):
        def score(x, weights, means, sigma):
            if not sharp:
                return (means.mean(0) - x) / sigma**2
            a = xp.lib.log(weights) - 0.5 * xp.total((x[:, None] - means)**2) / sigma**2
            top = a[:, :1]
            for k in range(1, a.shape[1]):
                top = xp.lib.maximum(top, a[:, k:k + 1])
            r = xp.lib.exp(a - top)
            r = r / xp.total(r)[:, None]
            return xp.total(r[:, None, :] * (means.T[None] - x[:, :, None])) / sigma**2
        return score

    return {
        "gaussian_log_density": Pair(gaussian, gaussian_without_dimension, "normalising-constant"),
        "mixture_log_density": Pair(mixture, mixture_by_plain_exponentials, "underflow"),
        "gaussian_score": Pair(lambda x, mean, sigma: (mean - x) / sigma**2,
                               lambda x, mean, sigma: (mean - x) / sigma, "sigma-not-squared"),
        "mixture_score": Pair(mixture_score(True), mixture_score(False), "unweighted"),
        "perturb": Pair(lambda x, sigma, eps: x + sigma * eps,
                        lambda x, sigma, eps: x + sigma**2 * eps, "sigma-squared"),
        "perturbation_score": Pair(lambda x_noisy, x, sigma: (x - x_noisy) / sigma**2,
                                   lambda x_noisy, x, sigma: (x_noisy - x) / sigma**2, "sign"),
    }


def normal(x, m, s, square_of_z=0.5, features=1.0, log_sigma=1.0):
    """A Gaussian log density with other weights of its terms."""
    return -square_of_z * square((x - m) / s) - features * x.shape[1] * (
        log_sigma * np.log(column(s)) + 0.5 * math.log(2 * math.pi))


def square3(x, means, s):
    """|x - mean_k|^2 / sigma^2, (B, K)."""
    return np.sum((x[:, None, :] - means)**2, axis=2) / s**2


def exponents(x, weights, means, sigma):
    """log w_k N(x | mean_k), (B, K)."""
    away = (x[:, None, :] - means) / (sigma if np.ndim(sigma) == 0 else sigma[:, :, None])
    return (np.log(weights) - 0.5 * np.sum(away**2, axis=2)
            - x.shape[1] * np.log(math.sqrt(2 * math.pi) * sigma))


def log_sum_exp(a):
    """log of the sum of exp over the columns, (B,)."""
    top = np.max(a, axis=1, keepdims=True)
    return top[:, 0] + np.log(np.sum(np.exp(a - top), axis=1))


def softmax(a):
    """exp(a) normalised over the columns."""
    r = np.exp(a - np.max(a, axis=1, keepdims=True))
    return r / np.sum(r, axis=1, keepdims=True)


LOG_DENSITY = (
    lambda x, mean, sigma: -0.5 * (square(x - mean) / column(sigma)**2
                                   + x.shape[1] * np.log(2 * math.pi * column(sigma)**2)),
    lambda x, mean, sigma: np.sum(-((x - mean) / sigma)**2 / 2
                                  - np.log(sigma * math.sqrt(2 * math.pi)), axis=1))


of("gaussian_log_density", spellings=LOG_DENSITY, tuned=(
    ("the square is not halved", "half",
     lambda x, m, s: -square((x - m) / s) - x.shape[1] * np.log(
         column(s) * math.sqrt(2 * math.pi))),
    ("D log sigma^2 in place of D log sigma", "normalising-constant",
     lambda x, m, s: -square((x - m) / s) / 2 - x.shape[1] * np.log(
         column(s)**2 * math.sqrt(2 * math.pi))),
    ("log(2 pi) is not halved", "normalising-constant",
     lambda x, m, s: -square((x - m) / s) / 2 - x.shape[1] * np.log(column(s) * 2 * math.pi)),
    ("in bits", "nats-vs-bits",
     lambda x, m, s: (-square((x - m) / s) / 2 - x.shape[1] * np.log(
         column(s) * math.sqrt(2 * math.pi))) / math.log(2)),
    ("the mean over features", "sum-vs-mean",
     lambda x, m, s: np.mean(-((x - m) / s)**2 / 2 - np.log(s * math.sqrt(2 * math.pi)), axis=1)),
), measured=(
    ("half of D log sigma", "normalising-constant half",
     lambda x, m, s: normal(x, m, s, log_sigma=0.5)),
    ("log sigma has the wrong sign", "normalising-constant sign",
     lambda x, m, s: normal(x, m, s, log_sigma=-1.0)),
    ("log of 2 pi e", "normalising-constant",
     lambda x, m, s: normal(x, m, s) - 0.5 * x.shape[1]),
))
of("gaussian_score", spellings=(
    lambda x, mean, sigma: -(x - mean) / sigma / sigma,
    lambda x, mean, sigma: -((x - mean) / sigma) * (1 / sigma),
), tuned=(
    ("sigma^2 is squared once more", "sigma-squared misread-argument wrong-power",
     lambda x, m, s: (m - x) / s**4),
    ("the mean is left out", "argument-ignored term-missing", lambda x, m, s: -x / s**2),
    ("1e-3 is added to the variance", "approximate", lambda x, m, s: (m - x) / (s**2 + 1e-3)),
    ("sigma is read as a variance", "sigma-not-squared misread-argument",
     lambda x, m, s: -(x - m) / np.sqrt(s)**2),
), measured=(
    ("divided by D", "sum-vs-mean factor-extra", lambda x, m, s: (m - x) / s**2 / x.shape[1]),
    ("the mean is added", "sign", lambda x, m, s: -(x + m) / s**2),
    ("multiplied by sigma^2", "inverted", lambda x, m, s: (m - x) * s**2),
))
of("perturb", spellings=(
    lambda x, sigma, eps: sigma * eps + x,
    lambda x, sigma, eps: x - sigma * -eps,
), tuned=(
    ("a variance scales the noise", "sigma-squared", lambda x, s, e: x + s**2 * e),
    ("divided by the root of 1 + sigma^2", "wrong-coordinates factor-extra wrong-factor",
     lambda x, s, e: (x + s * e) / np.sqrt(1 + s**2)),
    ("it draws noise of its own", "not-repeatable argument-ignored",
     lambda x, s, e: x + s * np.random.default_rng().standard_normal(x.shape)),
    ("in place", "mutates-input", lambda x, s, e: np.add(x, s * e, out=x)),
    ("noise is subtracted", "sign", lambda x, s, e: x - s * e),
), measured=(
    ("noise of the first row everywhere", "rows-mixed argument-ignored",
     lambda x, s, e: x + s * e[:1]),
    ("sigma / 2", "half", lambda x, s, e: x + 0.5 * s * e),
    ("the root of sigma", "sqrt-extra sigma-not-squared misread-argument",
     lambda x, s, e: x + np.sqrt(s) * e),
))
of("perturbation_score", spellings=(
    lambda x_noisy, x, sigma: -(x_noisy - x) / sigma**2,
    lambda x_noisy, x, sigma: (x / sigma - x_noisy / sigma) / sigma,
), tuned=(
    ("the gradient over x", "sign", lambda x_noisy, x, s: (x_noisy - x) / s**2),
    ("divides by sigma", "sigma-not-squared", lambda x_noisy, x, s: (x - x_noisy) / s),
    ("half precision inside", "low-precision",
     lambda x_noisy, x, s: (x - x_noisy).astype(np.float16) / s**2),
))
of("mixture_log_density", spellings=(
    lambda x, w, means, sigma: log_sum_exp(exponents(x, w, means, sigma)),
    lambda x, w, means, sigma: functools.reduce(np.logaddexp, exponents(x, w, means, sigma).T),
), tuned=(
    ("weights are taken to be equal", "argument-ignored unweighted",
     lambda x, w, m, s: log_sum_exp(exponents(x, np.ones(len(w)) / len(w), m, s))),
    ("no log-sum-exp", "underflow not-finite",
     lambda x, w, m, s: np.log(np.sum(np.exp(exponents(x, w, m, s)), axis=1))),
    ("-D log sigma is missing", "normalising-constant",
     lambda x, w, m, s: log_sum_exp(exponents(x, w, m, s)) + x.shape[1] * np.log(column(s))),
    ("the largest component alone", "term-missing wrong-factor unweighted",
     lambda x, w, m, s: np.max(exponents(x, w, m, s), axis=1)),
    ("roots of the weights", "sqrt-extra misread-argument",
     lambda x, w, m, s: log_sum_exp(exponents(x, np.sqrt(w), m, s))),
), measured=(
    ("responsibilities without a half", "half",
     lambda x, w, m, s: log_sum_exp(np.log(w) - square3(x, m, s)
                                    - x.shape[1] * np.log(math.sqrt(2 * math.pi) * s))),
    ("the density", "misread-argument wrong-factor underflow",
     lambda x, w, m, s: np.exp(log_sum_exp(exponents(x, w, m, s)))),
    ("in bits", "nats-vs-bits",
     lambda x, w, m, s: log_sum_exp(exponents(x, w, m, s)) / math.log(2)),
))
of("mixture_score", spellings=(
    lambda x, w, means, sigma: (softmax(exponents(x, w, means, sigma)) @ means - x) / sigma**2,
    lambda x, w, means, sigma: np.einsum(
        "bk,bkd->bd", softmax(exponents(x, w, means, sigma)),
        (means - x[:, None, :])) / sigma / sigma,
), tuned=(
    ("the nearest component alone", "unweighted wrong-factor",
     lambda x, w, m, s: (m[np.argmax(exponents(x, w, m, s), axis=1)] - x) / s**2),
    ("weights are left out of the responsibilities", "argument-ignored unweighted",
     lambda x, w, m, s: (softmax(exponents(x, np.ones(len(w)), m, s)) @ m - x) / s**2),
    ("the sum is divided by sigma", "sigma-not-squared",
     lambda x, w, m, s: (softmax(exponents(x, w, m, s)) @ m - x) / s),
    ("the prior's weights in place of responsibilities", "unweighted",
     lambda x, w, m, s: (w @ m - x) / s**2),
    ("the sign", "sign", lambda x, w, m, s: (x - softmax(exponents(x, w, m, s)) @ m) / s**2),
), measured=(
    ("responsibilities of sigma, not sigma^2", "sigma-not-squared unweighted wrong-factor",
     lambda x, w, m, s: (softmax(np.log(w) - 0.5 * square3(x, m, np.sqrt(s))) @ m - x) / s**2),
    ("x is left out", "argument-ignored term-missing",
     lambda x, w, m, s: softmax(exponents(x, w, m, s)) @ m / s**2),
    ("halved", "half", lambda x, w, m, s: (softmax(exponents(x, w, m, s)) @ m - x) / (2 * s**2)),
))
