"""Kinds: velocities and the SDE of a path, flow matching, laws of training levels, guidance.

Flow matching counts time from the data, or towards it; both are right if they are kept to. Code
that counts the other way is recognised by its own formula, and named as a convention.
"""

import numpy as np

from .drawing import level, number
from .fifty_digits import root
from .kind import BATCH, LEVEL, ROUNDING, Kind, data_at_1, other_convention
from .terms import its_logarithm, itself, of_data, one_over_it
from .wide import RANDOM, positive_number, powers, signed

# Formulas; da and ds are the rates of scale and sigma


def velocity_from_score(f, x, score, a, s, da, ds):
    return da * (x + s**2 * score) / a - ds * s * score


def score_from_velocity(f, x, u, a, s, da, ds):
    return (da * x - a * u) / (s * (a * ds - s * da))


def sde_coefficients(f, a, s, da, ds):
    return da / a, root(2 * s * ds - 2 * da / a * s**2)


def cosine_marginal(f, t, offset):
    scale = f.cos((t + offset) / (1 + offset) * f.pi / 2) / f.cos(
        offset / (1 + offset) * f.pi / 2)
    return scale, root(1 - scale**2)


def cosine_by_difference(t, offset=0.008):
    """As it is usually written: scale^2 is rounded, and t near 0; pi / 2, and t near 1."""
    end = np.cos(offset / (1 + offset) * np.pi / 2)
    scale = np.cos((t + offset) / (1 + offset) * np.pi / 2 * (1 - ROUNDING)) / end
    return scale, np.sqrt(np.abs(1 - scale**2 * (1 - ROUNDING)))         # rounded beyond 1, perhaps


# Where it is asked: times and rates of a path that goes from the data to the noise


def falling(rng, spec, drawn):
    """A negative rate, of the scale; at random probes of any sign and size."""
    if spec.regime in RANDOM:
        return either_sign("scale_rate", 4.0)(rng, spec, drawn)
    return of_rows(rng, spec, lambda u: -10**(0.9 * u))


def either_sign(name, decades):
    """The draw of a level that at random probes may be negative, or zero."""
    def drawn_level(rng, spec, drawn):
        if spec.regime not in RANDOM:
            return level(name, rng, spec)
        return of_rows(rng, spec, lambda u: signed(rng, 10**powers(rng, u, spec, -decades,
                                                                   decades)))
    return drawn_level


def normal_numbers(rng, spec, drawn):
    """Standard normal numbers, one per row or one for all."""
    return of_rows(rng, spec, lambda u: (6.0 if spec.regime in RANDOM else 1.8) * u)


def of_rows(rng, spec, f):
    """f of uniform numbers in (-1, 1), one per row (B, 1) or one for all."""
    u = f(rng.uniform(-1, 1, (spec.B, 1) if spec.rows else ()))
    return u if spec.rows else float(u)


def flow_marginal_by_difference(t):
    """sigma = 1 - scale, which has the rounding of 1."""
    return 1 - t, t + ROUNDING


# Terms and quantities


def of_x0_and_eps(args, seen):
    """The velocity as a sum of its data, and of x_0 and eps."""
    x, score, a, s = (args[n] for n in ("x_t", "score", "scale", "sigma"))
    return [*of_data(args), {"x_0": (x + s**2 * score) / a, "eps": -s * score}]


def rates(args, q):
    """Rates as positive numbers, and how fast sigma / scale grows."""
    a, s, da, ds = (q[n] for n in ("scale", "sigma", "scale_rate", "sigma_rate"))
    return positive(args, q) | {"-scale_rate": -da,
                                "scale sigma_rate - sigma scale_rate": a * ds - s * da}


def positive(args, q):
    """The quantities that are never negative, which alone have powers."""
    return {n: a for n, a in q.items() if n not in ("scale_rate", "z")}


def drift_and_square(args, component):
    """f, and g^2 = 2 sigma sigma_rate - 2 sigma^2 scale_rate / scale."""
    a, s, da, ds = (args[n] for n in ("scale", "sigma", "scale_rate", "sigma_rate"))
    if component == 0:
        return []
    return [({"sigma sigma_rate": s * ds, "sigma^2 scale_rate / scale": s**2 * da / a,
              "sigma_rate^2": ds**2 + 0 * s}, np.square, lambda y: 2 * y)]


def inverse_time(args, component):
    """1 / shifted = 1 / (shift t) + (shift - 1) / shift."""
    t, c = args["t"], args["shift"]
    return [one_over_it({"1 / (shift t)": 1 / (c * t), "1 / t": 1 / t, "1": 1 + 0 * t,
                         "1 / shift": 1 / c + 0 * t, "shift": c + 0 * t})]


def exponent(args):
    """mean and deviation z, the exponent of both laws."""
    z, m, d = args["z"], args["mean"], args["deviation"]
    return {"mean": m + 0 * z, "deviation z": d * z, "z": z, "deviation": d + 0 * z,
            "deviation^2": d**2 + 0 * z}


def log_odds(args, component):
    """log(t / (1 - t)), the exponent."""
    return [(exponent(args), lambda y: np.log(y / (1 - y)), lambda y: 1 / (y * (1 - y)))]


def logit_normal_by_tanh(z, mean=0.0, deviation=1.0):
    """By tanh, whose rounding is all that is left of times close to 0."""
    return 0.5 + 0.5 * np.tanh(0.5 * (mean + deviation * z)) * (1 - ROUNDING)


MOST_MEAN = 10.0                               # of a mean that no z takes back


def mean_of_law(rng, spec, drawn):
    """A mean; at random probes now and then one far from 0, to which all z are opposed."""
    u, z = rng.uniform(0, 1), np.abs(np.ravel(drawn["z"]))
    if spec.regime not in RANDOM:
        return 0.5 + u
    if opposed(drawn) and np.min(z) > 0.7 * np.max(z):
        return float(-np.sign(np.ravel(drawn["z"])[0]) * (MOST_MEAN + 20 * u))
    return 4 * MOST_MEAN * (u - 0.5) * abs(u - 0.5)


def deviation_of_law(rng, spec, drawn):
    """A deviation, which takes a mean far from 0 back."""
    u, z, mean = rng.uniform(0, 1), np.abs(np.ravel(drawn["z"])), np.ravel(drawn["mean"])[0]
    if spec.regime not in RANDOM:
        return 0.4 + 0.5 * u
    if opposed(drawn) and abs(mean) >= MOST_MEAN:
        return float((abs(mean) - 3 + 6 * u) / np.mean(z))
    return positive_number(-3, 1, (-1, 0.5))(u, spec)


def opposed(drawn):
    """Whether all z have one sign, and none is 0."""
    signs = np.sign(np.ravel(drawn["z"]))
    return bool(signs[0] and np.all(signs == signs[0]))


LAW = {"z": normal_numbers, "mean": mean_of_law, "deviation": deviation_of_law}
RATES = {"scale_rate": falling, "sigma_rate": either_sign("sigma_rate", 4.0)}

KINDS = (
    Kind("velocity_from_score", BATCH, exact=velocity_from_score, draw=RATES,
         terms=of_x0_and_eps, quantities=rates),
    Kind("score_from_velocity", BATCH, exact=score_from_velocity, draw=RATES,
         quantities=rates, left_open=("scale_rate",)),
    Kind("sde_coefficients", {"f": LEVEL, "g": LEVEL}, exact=sde_coefficients,
         draw=RATES, level_terms=drift_and_square, quantities=rates),

    Kind("cosine_marginal", {"scale": LEVEL, "sigma": LEVEL}, exact=cosine_marginal,
         spellings=(cosine_by_difference,)),
    Kind("flow_marginal", {"scale": LEVEL, "sigma": LEVEL}, exact=lambda f, t: (1 - t, t),
         level_terms=lambda args, component: [itself({"t": args["t"], "1": 1 + 0 * args["t"]})],
         spellings=(flow_marginal_by_difference,),
         known=(data_at_1(lambda t: (t, 1 - t)),)),
    Kind("shift_time", LEVEL, exact=lambda f, t, c: c * t / (1 + (c - 1) * t),
         draw={"shift": number(lambda u, spec: 1.5 + 4 * u, positive_number(-3, 3))},
         level_terms=inverse_time,
         known=(data_at_1(lambda t, c: t / (c + (1 - c) * t)),)),
    Kind("flow_step", BATCH, exact=lambda f, x, u, t, s: x + (s - t) * u, sampling=True,
         quantities=lambda args, q: q | {"t - s": q["t"] - q["s"]}),

    Kind("log_normal_sigma", LEVEL, exact=lambda f, z, m, d: f.exp(m + d * z), draw=LAW,
         levels=("z",), quantities=positive,
         level_terms=lambda args, component: [its_logarithm(exponent(args))]),
    Kind("logit_normal_time", LEVEL, exact=lambda f, z, m, d: 1 / (1 + f.exp(-m - d * z)),
         draw=LAW, levels=("z",), quantities=positive, level_terms=log_odds,
         spellings=(logit_normal_by_tanh,),
         known=(data_at_1(lambda z, m=0.0, d=1.0: 1 / (1 + np.exp(m + d * z))),)),

    Kind("classifier_free_guidance", BATCH, exact=lambda f, c, u, w: u + w * (c - u),
         draw={"scale": either_sign("scale", 8.0)},
         quantities=lambda args, q: q | {"scale + 1": q["scale"] + 1}, known=(other_convention(
             "guidance-excess", "scale 0 is no guidance: it is (1 + scale) conditional - scale "
             "unconditional, the formula of the paper", lambda c, u, w: (1 + w) * c - w * u),)),
)
