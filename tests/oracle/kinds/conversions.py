"""Between score, eps, x_0, v and velocity, VP and VE: right implementations, and mistakes."""

import autograd.numpy as np

from .record import of
from .spaces import Pair


def portable(xp):
    """{kind: Pair} for a Space."""
    return {
        "score_from_eps": Pair(lambda eps, sigma: -eps / sigma, lambda eps, sigma: -eps / sigma**2,
                               "sigma-squared"),
        "eps_from_score": Pair(lambda score, sigma: -sigma * score,
                               lambda score, sigma: sigma * score, "sign"),
        "x0_from_eps": Pair(lambda x_t, eps, scale, sigma: (x_t - sigma * eps) / scale,
                            lambda x_t, eps, scale, sigma: x_t - sigma * eps, "wrong-coordinates"),
        "eps_from_x0": Pair(lambda x_t, x_0, scale, sigma: (x_t - scale * x_0) / sigma,
                            lambda x_t, x_0, scale, sigma: (x_t - scale * x_0) * sigma,
                            "inverted"),
        "x0_from_score": Pair(lambda x_t, score, scale, sigma: (x_t + sigma**2 * score) / scale,
                              lambda x_t, score, scale, sigma: (x_t + sigma * score) / scale,
                              "sigma-not-squared"),
        "score_from_x0": Pair(lambda x_t, x_0, scale, sigma: (scale * x_0 - x_t) / sigma**2,
                              lambda x_t, x_0, scale, sigma: (scale * x_t - x_0) / sigma**2,
                              "swapped-arguments"),
        "v_from_x0_eps": Pair(lambda x_0, eps, scale, sigma: scale * eps - sigma * x_0,
                              lambda x_0, eps, scale, sigma: scale * eps + sigma * x_0, "sign"),
        "x0_from_v": Pair(
            lambda x_t, v, scale, sigma: (scale * x_t - sigma * v) / (scale**2 + sigma**2),
            lambda x_t, v, scale, sigma: scale * x_t - sigma * v, "factor-missing"),
        "eps_from_v": Pair(
            lambda x_t, v, scale, sigma: (sigma * x_t + scale * v) / (scale**2 + sigma**2),
            lambda x_t, v, scale, sigma: scale * v / (scale**2 + sigma**2), "argument-ignored"),
        "velocity_from_x0_eps": Pair(lambda x_0, eps: eps - x_0, lambda x_0, eps: x_0 - eps,
                                     "other-convention"),
        "x0_from_velocity": Pair(lambda x_t, u, t: x_t - t * u, lambda x_t, u, t: x_t - (1 - t) * u,
                                 "one-minus"),
        "ve_from_vp": Pair(lambda x_vp, a: (x_vp / a**0.5, ((1 - a) / a)**0.5),
                           lambda x_vp, a: (x_vp / a**0.5, (1 - a)**0.5), "wrong-coordinates"),
        "vp_from_ve": Pair(lambda x_ve, sigma: (x_ve / (1 + sigma**2)**0.5, 1 / (1 + sigma**2)),
                           lambda x_ve, sigma: (x_ve / (1 + sigma**2), 1 / (1 + sigma**2)),
                           "sqrt-missing"),
        "ve_score_from_vp": Pair(lambda score_vp, a: a**0.5 * score_vp,
                                 lambda score_vp, a: score_vp / a**0.5, "inverted"),
        "vp_score_from_ve": Pair(lambda score_ve, a: score_ve / a**0.5,
                                 lambda score_ve, a: score_ve / a, "sqrt-missing"),
    }


of("score_from_eps", spellings=(
    lambda eps, sigma: -(eps / sigma),
    lambda eps, sigma: eps * (-1 / sigma),
), tuned=(
    ("multiplies", "inverted wrong-power sigma-squared", lambda e, s: -e * s),
    ("1e-3 is added", "approximate", lambda e, s: -e / (s + 1e-3)),
    ("clipped", "clipped", lambda e, s: np.clip(-e / s, -1, 1)),
))
of("eps_from_score", spellings=(
    lambda s, sigma: -(s * sigma),
    lambda s, sigma: s / (-1 / sigma),
), tuned=(
    ("divides", "inverted wrong-power", lambda s, sigma: -s / sigma),
    ("the variance", "sigma-squared", lambda s, sigma: -s * sigma**2),
    ("the sign", "sign", lambda s, sigma: s * sigma),
))
of("x0_from_eps", spellings=(
    lambda x, eps, scale, sigma: x / scale - sigma / scale * eps,
    lambda x, eps, scale, sigma: (x + sigma**2 * (-eps / sigma)) / scale,
), tuned=(
    ("divides by scale^2", "wrong-power sigma-squared sqrt-missing wrong-coordinates factor-extra",
     lambda x, e, a, s: (x - s * e) / a**2),
    ("the noise is added", "sign", lambda x, e, a, s: (x + s * e) / a),
    ("clipped", "clipped", lambda x, e, a, s: np.clip((x - s * e) / a, -1, 1)),
    ("the variance", "sigma-squared", lambda x, e, a, s: (x - s**2 * e) / a),
    ("only x_t is divided", "factor-missing wrong-coordinates",
     lambda x, e, a, s: x / a - s * e),
), measured=(
    ("the root of 1 - scale^2 in place of sigma", "argument-ignored wrong-coordinates",
     lambda x, e, a, s: (x - np.sqrt(np.abs(1 - a**2)) * e) / a),
    ("scale and sigma are exchanged", "swapped-arguments", lambda x, e, a, s: (x - a * e) / s),
    ("multiplied by scale", "inverted", lambda x, e, a, s: (x - s * e) * a),
))
of("eps_from_x0", spellings=(
    lambda x, x_0, scale, sigma: x / sigma - scale / sigma * x_0,
    lambda x, x_0, scale, sigma: -sigma * ((scale * x_0 - x) / sigma**2),
), tuned=(
    ("x_0 is not scaled", "factor-missing wrong-coordinates argument-ignored",
     lambda x, x_0, a, s: (x - x_0) / s),
    ("the variance", "sigma-squared", lambda x, x_0, a, s: (x - a * x_0) / s**2),
    ("scale and sigma are exchanged", "swapped-arguments", lambda x, x_0, a, s: (x - s * x_0) / a),
), measured=(
    ("the sign", "sign", lambda x, x_0, a, s: (a * x_0 - x) / s),
    ("x_t is divided by scale", "factor-extra wrong-coordinates",
     lambda x, x_0, a, s: (x / a - x_0 * a) / s),
))
of("x0_from_score", spellings=(
    lambda x, score, scale, sigma: x / scale + sigma * sigma / scale * score,
    lambda x, score, scale, sigma: (x - sigma * (-sigma * score)) / scale,
), tuned=(
    ("sigma is not squared", "sigma-not-squared", lambda x, s, a, sigma: (x + sigma * s) / a),
    ("the sign", "sign", lambda x, s, a, sigma: (x - sigma**2 * s) / a),
    ("multiplies by scale", "inverted wrong-power", lambda x, s, a, sigma: (x + sigma**2 * s) * a),
))
of("score_from_x0", spellings=(
    lambda x, x_0, scale, sigma: -(x - scale * x_0) / sigma**2,
    lambda x, x_0, scale, sigma: (scale * x_0 / sigma - x / sigma) / sigma,
), tuned=(
    ("x_0 is not scaled", "factor-missing wrong-coordinates argument-ignored",
     lambda x, x_0, a, s: (x_0 - x) / s**2),
    ("sigma is not squared", "sigma-not-squared", lambda x, x_0, a, s: (a * x_0 - x) / s),
    ("x_t and x_0 are exchanged", "swapped-arguments", lambda x, x_0, a, s: (a * x - x_0) / s**2),
), measured=(
    ("the sign", "sign", lambda x, x_0, a, s: (x - a * x_0) / s**2),
    ("x_t is scaled, not x_0", "wrong-coordinates factor-extra factor-missing",
     lambda x, x_0, a, s: (x_0 - a * x) / s**2),
))
of("v_from_x0_eps", spellings=(
    lambda x_0, eps, scale, sigma: -sigma * x_0 + eps * scale,
    lambda x_0, eps, scale, sigma: -(sigma * x_0 - scale * eps),
), tuned=(
    ("the sign", "sign", lambda x_0, e, a, s: s * x_0 - a * e),
    ("scale and sigma are exchanged", "swapped-arguments", lambda x_0, e, a, s: s * e - a * x_0),
    ("x_0 and eps are exchanged", "swapped-arguments", lambda x_0, e, a, s: a * x_0 - s * e),
    ("a plus", "sign", lambda x_0, e, a, s: a * e + s * x_0),
), measured=(
    ("divided by the length", "factor-extra wrong-factor",
     lambda x_0, e, a, s: (a * e - s * x_0) / np.sqrt(a**2 + s**2)),
    ("squares", "sigma-squared", lambda x_0, e, a, s: a**2 * e - s**2 * x_0),
))
of("x0_from_v", spellings=(
    lambda x, v, scale, sigma: scale / (scale**2 + sigma**2) * x
    - sigma / (scale**2 + sigma**2) * v,
    lambda x, v, scale, sigma: (x * scale - v * sigma) / np.hypot(scale, sigma)**2,
), tuned=(
    ("divides by the root", "sqrt-extra wrong-factor",
     lambda x, v, a, s: (a * x - s * v) / np.sqrt(a**2 + s**2)),
    ("scale and sigma are exchanged", "swapped-arguments",
     lambda x, v, a, s: (s * x - a * v) / (a**2 + s**2)),
    ("that of eps", "swapped-arguments wrong-factor wrong-level",
     lambda x, v, a, s: (s * x + a * v) / (a**2 + s**2)),
), measured=(
    ("the sum of scale and sigma below", "sigma-not-squared wrong-factor",
     lambda x, v, a, s: (a * x - s * v) / (a + s)),
))
of("eps_from_v", spellings=(
    lambda x, v, scale, sigma: sigma / (scale**2 + sigma**2) * x
    + scale / (scale**2 + sigma**2) * v,
    lambda x, v, scale, sigma: (x + scale / sigma * v) / (sigma + scale**2 / sigma),
), tuned=(
    ("a minus", "sign", lambda x, v, a, s: (a * v - s * x) / (a**2 + s**2)),
    ("scale and sigma are exchanged", "swapped-arguments",
     lambda x, v, a, s: (s * v + a * x) / (a**2 + s**2)),
    ("v is left out", "argument-ignored term-missing", lambda x, v, a, s: s * x / (a**2 + s**2)),
))
of("velocity_from_x0_eps", spellings=(
    lambda x_0, eps: -x_0 + eps,
    lambda x_0, eps: -(x_0 - eps),
), tuned=(
    ("towards the data", "other-convention", lambda x_0, e: x_0 - e),
    ("a plus", "sign", lambda x_0, e: e + x_0),
    ("halved", "half", lambda x_0, e: (e - x_0) / 2),
))
of("x0_from_velocity", spellings=(
    lambda x, u, t: -t * u + x,
    lambda x, u, t: x - u * t,
), tuned=(
    ("the sign", "sign", lambda x, u, t: x + t * u),
    ("time runs backwards", "one-minus", lambda x, u, t: x - (1 - t) * u),
    ("a whole step", "argument-ignored factor-missing", lambda x, u, t: x - u),
    ("data at t = 1", "other-convention", lambda x, u, t: x + u - t * u),
))
of("ve_from_vp", spellings=(
    lambda x, a: (x / np.sqrt(a), np.sqrt(1 - a) / np.sqrt(a)),
    lambda x, a: (x * np.sqrt(1 + (1 - a) / a), np.sqrt(1 / a - 1)),
), tuned=(
    ("sigma of VP coordinates", "factor-missing wrong-coordinates",
     lambda x, a: (x / np.sqrt(a), np.sqrt(1 - a))),
    ("multiplies", "inverted", lambda x, a: (x * np.sqrt(a), np.sqrt((1 - a) / a))),
    ("no root", "sqrt-missing", lambda x, a: (x / a, np.sqrt((1 - a) / a))),
), measured=(
    ("sigma^2", "sqrt-missing sigma-squared",
     lambda x, a: (x / np.sqrt(a), (1 - a) / a)),
    ("divided by 1 - alpha_bar", "one-minus",
     lambda x, a: (x / np.sqrt(1 - a), np.sqrt((1 - a) / a))),
))
of("vp_from_ve", spellings=(
    lambda x, sigma: (x / np.sqrt(1 + sigma**2), 1 / (1 + sigma**2)),
    lambda x, sigma: (x / np.hypot(1, sigma), np.hypot(1, sigma)**-2),
), tuned=(
    ("sigma is not squared", "sigma-not-squared misread-argument",
     lambda x, s: (x / np.sqrt(1 + s**2), 1 / (1 + s))),
    ("the share of the noise", "one-minus",
     lambda x, s: (x * s / np.sqrt(1 + s**2), s**2 / (1 + s**2))),
    ("multiplies", "inverted", lambda x, s: (x * np.sqrt(1 + s**2), 1 / (1 + s**2))),
))
of("ve_score_from_vp", spellings=(
    lambda s, a: s * np.sqrt(a),
    lambda s, a: s / np.sqrt(1 / a),
), tuned=(
    ("divides", "inverted wrong-coordinates", lambda s, a: s / np.sqrt(a)),
    ("no root", "sqrt-missing", lambda s, a: s * a),
    ("unchanged", "argument-ignored factor-missing wrong-coordinates", lambda s, a: s + 0.0),
))
of("vp_score_from_ve", spellings=(
    lambda s, a: s / np.sqrt(a),
    lambda s, a: s * a**-0.5,
), tuned=(
    ("multiplies", "inverted wrong-coordinates", lambda s, a: s * np.sqrt(a)),
    ("1 - alpha_bar", "one-minus", lambda s, a: s / np.sqrt(1 - a)),
    ("no root", "sqrt-missing", lambda s, a: s / a),
))
