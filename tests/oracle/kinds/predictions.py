"""Losses of x_0, v and velocity: right implementations of each kind, and mistakes."""

import autograd.numpy as np

from .arithmetic import column, square
from .record import of
from .spaces import Pair, flat


def losses(xp, keep=lambda a: a):
    """{loss: Pair}; `keep` is put around what the function that is passed returns."""
    def of_x0(f, x, sigma, eps):
        return xp.total((keep(f(x + sigma * eps, sigma)) - x)**2)

    def edm(power):
        def loss(f, x, sigma, eps, sigma_data):
            weight = flat(sigma**2 + sigma_data**2) / (flat(sigma) * sigma_data)**power
            return weight * of_x0(f, x, sigma, eps)
        return loss

    def of_v(sign):
        def loss(f, x_0, a, eps):
            v = a**0.5 * eps - sign * (1 - a)**0.5 * x_0
            return xp.total((keep(f(a**0.5 * x_0 + (1 - a)**0.5 * eps, a)) - v)**2)
        return loss

    def of_velocity(f, x_0, t, eps):
        return xp.total((keep(f(x_0 + t * (eps - x_0), t)) - (eps - x_0))**2)

    def towards_the_data(f, x_0, t, eps):
        return xp.total((keep(f(eps + t * (x_0 - eps), t)) - (x_0 - eps))**2)

    return {
        "x0_prediction_loss": Pair(of_x0, lambda f, x, sigma, eps: of_x0(f, x, sigma, eps) / 2,
                                   "half"),
        "edm_loss": Pair(edm(2), edm(1), "weighting"),
        "v_prediction_loss": Pair(of_v(1), of_v(-1), "sign"),
        "flow_matching_loss": Pair(of_velocity, towards_the_data, "other-convention"),
    }


portable = losses


def weight(sigma, d):
    """EDM's weight (B,), or a number."""
    return 1 / column(sigma)**2 + 1 / d**2


of("x0_prediction_loss", spellings=(
    lambda f, x, sigma, eps: square(f(x + eps * sigma, sigma) - x),
    lambda f, x, sigma, eps: np.mean(square(f(x + sigma * eps, sigma) - x)),
), tuned=(
    ("the noise is the target", "wrong-factor term-missing term-extra swapped-arguments",
     lambda f, x, s, e: square(e - f(x + s * e, s))),
    ("weighted by sigma^2", "weighting", lambda f, x, s, e: column(s)**2 * square(
        x - f(x + s * e, s))),
    ("the mean over features", "sum-vs-mean", lambda f, x, s, e: np.mean(
        (x - f(x + s * e, s))**2, axis=1)),
    ("a weight that is a sum", "weighting",
     lambda f, x, s, e: (1 + 1 / column(s)**2) * square(x - f(x + s * e, s))),
    ("a weight that is one over a sum", "weighting",
     lambda f, x, s, e: square(x - f(x + s * e, s)) / (1 + column(s)**2)),
), measured=(
    ("at the clean data", "evaluation-point", lambda f, x, s, e: square(x - f(x, s))),
    ("with the variance", "sigma-squared evaluation-point sqrt-missing",
     lambda f, x, s, e: square(x - f(x + s**2 * e, s))),
    ("the noisy data are the target", "wrong-factor term-extra",
     lambda f, x, s, e: square(x + s * e - f(x + s * e, s))),
))
of("edm_loss", spellings=(
    lambda f, x, sigma, eps, d: weight(sigma, d) * square(f(x + eps * sigma, sigma) - x),
    lambda f, x, sigma, eps, d: np.mean(np.sum((sigma**2 + d**2) / (sigma * d)**2 * (
        x - f(x + sigma * eps, sigma))**2, axis=1)),
), tuned=(
    ("without the weight", "weighting argument-ignored",
     lambda f, x, s, e, d: square(x - f(x + s * e, s))),
    ("the weight's denominator is a sum", "weighting wrong-factor", lambda f, x, s, e, d: (
        column(s)**2 + d**2) / (column(s)**2 + d**2)**2 * square(x - f(x + s * e, s))),
    ("1 / sigma^2 alone", "weighting argument-ignored", lambda f, x, s, e, d: square(
        x - f(x + s * e, s)) / column(s)**2),
), measured=(
    ("the root of the weight", "weighting sqrt-extra", lambda f, x, s, e, d: np.sqrt(
        weight(s, d)) * square(x - f(x + s * e, s))),
    ("a mean over features", "sum-vs-mean", lambda f, x, s, e, d: weight(s, d) * np.mean(
        (x - f(x + s * e, s))**2, axis=1)),
    ("the published typing slip: (sigma + sigma_data)^2", "weighting",
     lambda f, x, s, e, d: (column(s)**2 + d**2) / (column(s) + d)**2 * square(
         x - f(x + s * e, s))),
))
of("v_prediction_loss", spellings=(
    lambda f, x, a, e: square(f(np.sqrt(a) * x + np.sqrt(1 - a) * e, a)
                              + np.sqrt(1 - a) * x - np.sqrt(a) * e),
    lambda f, x, a, e: np.mean(square(np.sqrt(a) * e - np.sqrt(1 - a) * x
                                      - f(np.sqrt(a) * x + np.sqrt(1 - a) * e, a))),
), tuned=(
    ("the sign of v", "sign", lambda f, x, a, e: square(
        np.sqrt(1 - a) * x - np.sqrt(a) * e - f(np.sqrt(a) * x + np.sqrt(1 - a) * e, a))),
    ("its two factors are exchanged", "one-minus", lambda f, x, a, e: square(
        np.sqrt(1 - a) * e - np.sqrt(a) * x - f(np.sqrt(a) * x + np.sqrt(1 - a) * e, a))),
    ("no roots in v", "sqrt-missing", lambda f, x, a, e: square(
        a * e - (1 - a) * x - f(np.sqrt(a) * x + np.sqrt(1 - a) * e, a))),
), measured=(
    ("the target is eps", "term-missing wrong-factor argument-ignored factor-missing sqrt-extra",
     lambda f, x, a, e: square(e - f(np.sqrt(a) * x + np.sqrt(1 - a) * e, a))),
    ("the weight of SNR", "weighting", lambda f, x, a, e: column(a) / (1 - column(a)) * square(
        np.sqrt(a) * e - np.sqrt(1 - a) * x - f(np.sqrt(a) * x + np.sqrt(1 - a) * e, a))),
))
of("flow_matching_loss", spellings=(
    lambda f, x, t, e: square(f((1 - t) * x + t * e, t) + x - e),
    lambda f, x, t, e: np.mean(square(e - x - f(x + t * (e - x), t))),
), tuned=(
    ("data at t = 1", "other-convention", lambda f, x, t, e: square(
        x - e - f(t * x + (1 - t) * e, t))),
    ("data at t = 1, a mean over features", "other-convention", lambda f, x, t, e: np.mean(
        (x - e - f(t * x + (1 - t) * e, t))**2, axis=1)),
    ("one path, and the other's velocity", "sign one-minus", lambda f, x, t, e: square(
        e - x - f(t * x + (1 - t) * e, t))),
), measured=(
    ("data at t = 1 in the path, its time the other way", "one-minus sign evaluation-point",
     lambda f, x, t, e: square(x - e - f(t * x + (1 - t) * e, 1 - t))),
    ("the target is the noise", "term-missing wrong-factor", lambda f, x, t, e: square(
        e - f((1 - t) * x + t * e, t))),
))
