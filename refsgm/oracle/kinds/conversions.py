"""Kinds: conversions between score, noise, clean data and velocity, and between coordinates."""

import numpy as np

from .fifty_digits import root
from .kind import BATCH, LEVEL, ROUNDING, Kind, data_at_1

# Other spellings: with the cosine and the sine of the angle of scale and sigma, which are rounded


def x0_by_angle(x_t, v, scale, sigma):
    size = np.hypot(scale, sigma)
    return ((scale / size + ROUNDING) * x_t - (sigma / size + ROUNDING) * v) / size


def eps_by_angle(x_t, v, scale, sigma):
    size = np.hypot(scale, sigma)
    return ((sigma / size + ROUNDING) * x_t + (scale / size + ROUNDING) * v) / size


KINDS = (
    Kind("score_from_eps", BATCH, exact=lambda f, eps, sigma: -eps / sigma),
    Kind("eps_from_score", BATCH, exact=lambda f, score, sigma: -sigma * score),
    Kind("x0_from_eps", BATCH, exact=lambda f, x, eps, scale, sigma: (x - sigma * eps) / scale),
    Kind("eps_from_x0", BATCH, exact=lambda f, x, x_0, scale, sigma: (x - scale * x_0) / sigma),
    Kind("x0_from_score", BATCH,
         exact=lambda f, x, score, scale, sigma: (x + sigma**2 * score) / scale),
    Kind("score_from_x0", BATCH,
         exact=lambda f, x, x_0, scale, sigma: (scale * x_0 - x) / sigma**2),

    Kind("v_from_x0_eps", BATCH, exact=lambda f, x_0, eps, scale, sigma: scale * eps - sigma * x_0),
    Kind("x0_from_v", BATCH, exact=lambda f, x, v, scale, sigma: (
        (scale * x - sigma * v) / (scale**2 + sigma**2)), spellings=(x0_by_angle,)),
    Kind("eps_from_v", BATCH, exact=lambda f, x, v, scale, sigma: (
        (sigma * x + scale * v) / (scale**2 + sigma**2)), spellings=(eps_by_angle,)),
    Kind("velocity_from_x0_eps", BATCH, exact=lambda f, x_0, eps: eps - x_0,
         known=(data_at_1(lambda x_0, eps: x_0 - eps),)),
    Kind("x0_from_velocity", BATCH, exact=lambda f, x, u, t: x - t * u,
         known=(data_at_1(lambda x, u, t: x + (1 - t) * u),)),

    Kind("ve_from_vp", {"x_ve": BATCH, "sigma": LEVEL},
         exact=lambda f, x, a: (x / root(a), root((1 - a) / a))),
    Kind("vp_from_ve", {"x_vp": BATCH, "alpha_bar": LEVEL},
         exact=lambda f, x, s: (x / root(1 + s**2), 1 / (1 + s**2)),
         quantities=lambda args, q: q | {"1 + sigma^2": 1 + q["sigma"]**2}),
    Kind("ve_score_from_vp", BATCH, exact=lambda f, score, a: root(a) * score),
    Kind("vp_score_from_ve", BATCH, exact=lambda f, score, a: score / root(a)),
)
