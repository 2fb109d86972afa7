"""Velocities and SDEs of a path, flow matching, training levels, guidance: right ones, mistakes."""

import math

import autograd.numpy as np

from .record import of
from .spaces import Pair


def portable(xp):
    """{kind: Pair} for a Space."""
    def velocity(x, score, a, s, da, ds):
        return da / a * x + (da * s**2 / a - ds * s) * score

    def cosine(t, o):
        half = math.pi / 2
        start = xp.array(1.0) * (o / (1 + o) * half)
        return xp.lib.cos((one(t) * t + o) / (1 + o) * half) / xp.lib.cos(start)

    def one(a):
        return 0 * a + xp.array(1.0)

    return {
        "velocity_from_score": Pair(
            velocity, lambda x, score, a, s, da, ds: da / a * x - (da * s**2 / a - ds * s) * score,
            "sign"),
        "score_from_velocity": Pair(
            lambda x, u, a, s, da, ds: (da * x - a * u) / (s * (a * ds - s * da)),
            lambda x, u, a, s, da, ds: (da * x - a * u) / (a * ds - s * da), "factor-missing"),
        "sde_coefficients": Pair(
            lambda a, s, da, ds: (da / a, (2 * s * ds - 2 * da / a * s**2)**0.5),
            lambda a, s, da, ds: (da / a, 2 * s * ds - 2 * da / a * s**2), "sqrt-missing"),
        "cosine_marginal": Pair(
            lambda t, offset: (cosine(t, offset), (1 - cosine(t, offset)**2)**0.5),
            lambda t, offset: (cosine(t, offset)**2, (1 - cosine(t, offset)**2)**0.5),
            "sqrt-missing"),
        "flow_marginal": Pair(lambda t: (one(t) - t, t), lambda t: (t, one(t) - t),
                              "other-convention"),
        "shift_time": Pair(lambda t, shift: shift * t / (1 + (shift - 1) * t),
                           lambda t, shift: shift * t / (1 + shift * t), "term-missing"),
        "flow_step": Pair(lambda x_t, u, t, s: x_t - (t - s) * u,
                          lambda x_t, u, t, s: x_t + (t - s) * u, "swapped-arguments"),
        "log_normal_sigma": Pair(
            lambda z, mean, deviation: xp.lib.exp(one(z) * mean + deviation * z),
            lambda z, mean, deviation: xp.lib.exp(one(z) * mean + deviation**2 * z),
            "misread-argument"),
        "logit_normal_time": Pair(
            lambda z, mean, deviation: 1 / (1 + xp.lib.exp(-one(z) * mean - deviation * z)),
            lambda z, mean, deviation: 1 / (1 + xp.lib.exp(one(z) * mean + deviation * z)),
            "other-convention"),
        "classifier_free_guidance": Pair(
            lambda c, u, scale: u + scale * (c - u),
            lambda c, u, scale: scale * c + (scale - 1) * u,
            "sign"),
    }


of("velocity_from_score", spellings=(
    lambda x, score, a, s, da, ds: da / a * x - s * (ds - s * da / a) * score,
    lambda x, score, a, s, da, ds: da * ((x + s**2 * score) / a) + ds * (-s * score),
), tuned=(
    ("the flow of the forward SDE without its score", "argument-ignored term-missing",
     lambda x, score, a, s, da, ds: da / a * x),
    ("the whole of g^2 in place of its half", "half factor", lambda x, score, a, s, da, ds: (
        da / a * x - 2 * s * (ds - s * da / a) * score)),
    ("sigma' is forgotten in the noise", "wrong-factor factor-missing sign argument-ignored",
     lambda x, score, a, s, da, ds: da * (x + s**2 * score) / a - s * score),
    ("eps is not scaled by sigma", "factor-missing wrong-factor sigma-not-squared factor-extra",
     lambda x, score, a, s, da, ds: da * (x + s**2 * score) / a - ds * score),
), measured=(
    ("runs the other way", "sign", lambda x, score, a, s, da, ds: -(
        da / a * x - s * (ds - s * da / a) * score)),
    ("x_0 is not divided by scale", "wrong-coordinates factor-missing argument-ignored",
     lambda x, score, a, s, da, ds: da * (x + s**2 * score) - ds * s * score),
    ("the two rates are exchanged", "swapped-arguments",
     lambda x, score, a, s, da, ds: ds * (x + s**2 * score) / a - da * s * score),
))
of("score_from_velocity", spellings=(
    lambda x, u, a, s, da, ds: (da * x - a * u) / s / (a * ds - s * da),
    lambda x, u, a, s, da, ds: -((da * x - a * u) / (da * s - ds * a)) / s,
), tuned=(
    ("the sign", "sign", lambda x, u, a, s, da, ds: (a * u - da * x) / (s * (a * ds - s * da))),
    ("eps in place of the score", "factor-missing inverted factor-extra sign wrong-factor",
     lambda x, u, a, s, da, ds: -(da * x - a * u) / (a * ds - s * da)),
    ("u is not scaled", "wrong-coordinates factor-missing",
     lambda x, u, a, s, da, ds: (da * x - u) / (s * (a * ds - s * da))),
), measured=(
    ("divided by sigma^2", "sigma-squared wrong-power factor-extra sqrt-missing",
     lambda x, u, a, s, da, ds: (da * x - a * u) / (s**2 * (a * ds - s * da))),
    ("a plus in the determinant", "wrong-factor sign",
     lambda x, u, a, s, da, ds: (da * x - a * u) / (s * (a * ds + s * da))),
))
of("sde_coefficients", spellings=(
    lambda a, s, da, ds: (da / a, np.sqrt(2 * s * (ds - s * da / a))),
    lambda a, s, da, ds: (1 / (a / da), np.sqrt(2 * s / a) * np.sqrt(a * ds - s * da)),
), tuned=(
    ("g^2 lacks the drift's part", "term-missing factor-missing argument-ignored",
     lambda a, s, da, ds: (da / a, np.sqrt(2 * s * ds))),
    ("the drift's part of g^2 is halved", "half", lambda a, s, da, ds: (
        da / a, np.sqrt(2 * s * ds - da / a * s**2))),
    ("d sigma^2 without its 2", "half", lambda a, s, da, ds: (
        da / a, np.sqrt(s * ds - 2 * da / a * s**2))),
), measured=(
    ("f is multiplied by scale", "inverted", lambda a, s, da, ds: (
        da * a, np.sqrt(2 * s * ds - 2 * da / a * s**2))),
    ("a factor sqrt 2 in g", "half factor sqrt-extra", lambda a, s, da, ds: (
        da / a, np.sqrt(s * ds - da / a * s**2))),
))
of("flow_marginal", spellings=(
    lambda t: (-(t - 1), 1 - (1 - t)),
    lambda t: ((1 - t**2) / (1 + t), t + 0),
), tuned=(
    ("data at t = 1", "other-convention", lambda t: (t, 1 - t)),
    ("the path of VP", "wrong-factor sqrt-extra misread-argument wrong-power sqrt-missing",
     lambda t: (np.sqrt(1 - t), np.sqrt(t))),
), measured=(
    ("the scale is not lowered", "argument-ignored term-missing one-minus wrong-factor "
     "factor-missing", lambda t: (np.ones_like(t), t)),
))
def squared(t, o):
    """alpha_bar of the cosine schedule."""
    return np.cos((t + o) / (1 + o) * np.pi / 2)**2 / np.cos(o / (1 + o) * np.pi / 2)**2


of("cosine_marginal", spellings=(
    lambda t, offset: (squared(t, offset)**0.5, np.sqrt(1 - squared(t, offset))),
    lambda t, offset: (np.sin((1 - t) / (1 + offset) * np.pi / 2) / np.sin(
        np.pi / 2 / (1 + offset)), (1 - squared(t, offset))**0.5),
), tuned=(
    ("alpha_bar in place of its root", "sqrt-missing", lambda t, o: (
        squared(t, o), np.sqrt(1 - squared(t, o)))),
    ("a variance in place of sigma", "sqrt-missing sigma-squared", lambda t, o: (
        np.sqrt(squared(t, o)), 1 - squared(t, o))),
), measured=(
    ("not divided by its value at 0", "factor wrong-factor approximate term-missing",
     lambda t, o: (
        np.cos((t + o) / (1 + o) * np.pi / 2), np.sin((t + o) / (1 + o) * np.pi / 2))),
    ("the offset is left out", "argument-ignored", lambda t, o: (
        np.cos(t * np.pi / 2), np.sin(t * np.pi / 2))),
))
of("shift_time", spellings=(
    lambda t, shift: 1 / (1 + (1 / t - 1) / shift),
    lambda t, shift: t / (t + (1 - t) / shift),
), tuned=(
    ("data at t = 1", "other-convention", lambda t, c: t / (c + (1 - c) * t)),
    ("only multiplied", "term-missing", lambda t, c: c * t),
    ("the 1 of the denominator is lost", "wrong-factor term-missing term-extra one-minus factor",
     lambda t, c: c * t / ((c - 1) * t)),
), measured=(
    ("the sign in the denominator", "sign wrong-factor", lambda t, c: c * t / (1 - (c - 1) * t)),
))
of("flow_step", spellings=(
    lambda x, u, t, s: x - t * u + s * u,
    lambda x, u, t, s: (x - t * u) * (1 - s) + s * (x + (1 - t) * u),
), tuned=(
    ("away from the data", "sign swapped-arguments", lambda x, u, t, s: x - (s - t) * u),
    ("by s", "wrong-level wrong-factor argument-ignored", lambda x, u, t, s: x - s * u),
    ("to the end", "argument-ignored wrong-level wrong-factor", lambda x, u, t, s: x - t * u),
), measured=(
    ("half a step", "half", lambda x, u, t, s: x + (s - t) / 2 * u),
))
of("log_normal_sigma", spellings=(
    lambda z, mean, deviation: np.exp(mean) * np.exp(deviation * z),
    lambda z, mean, deviation: np.exp(deviation * (z + mean / deviation)),
), tuned=(
    ("without the exponential", "misread-argument", lambda z, m, d: m + d * z),
    ("a variance for the deviation", "sqrt-missing sigma-squared wrong-factor term-extra "
     "misread-argument factor", lambda z, m, d: np.exp(m + d**2 * z)),
), measured=(
    ("a decimal logarithm", "factor wrong-factor", lambda z, m, d: 10**(m + d * z)),
    ("mean is taken as that of sigma", "wrong-factor misread-argument",
     lambda z, m, d: m * np.exp(d * z)),
))
of("logit_normal_time", spellings=(
    lambda z, mean, deviation: np.exp(mean + deviation * z) / (1 + np.exp(mean + deviation * z)),
    lambda z, mean, deviation: 0.5 + 0.5 * np.tanh((mean + deviation * z) / 2),
), tuned=(
    ("data at t = 1", "other-convention", lambda z, m, d: 1 / (1 + np.exp(m + d * z))),
    ("the deviation divides", "inverted wrong-factor wrong-power term-extra misread-argument",
     lambda z, m, d: 1 / (1 + np.exp(-m - z / d))),
), measured=(
    ("the mean is left out", "argument-ignored term-missing",
     lambda z, m, d: 1 / (1 + np.exp(-d * z))),
))
of("classifier_free_guidance", spellings=(
    lambda c, u, w: w * c + (1 - w) * u,
    lambda c, u, w: c + (w - 1) * (c - u),
), tuned=(
    ("the paper's w", "other-convention", lambda c, u, w: (1 + w) * c - w * u),
    ("a plus", "sign", lambda c, u, w: w * c + (w - 1) * u),
    ("exchanged", "swapped-arguments", lambda c, u, w: c + w * (u - c)),
), measured=(
    ("from zero", "argument-ignored term-missing wrong-factor factor-extra",
     lambda c, u, w: w * (c - u)),
    ("the unconditional one is scaled whole", "wrong-factor sign one-minus misread-argument",
     lambda c, u, w: w * c - w * u),
))
