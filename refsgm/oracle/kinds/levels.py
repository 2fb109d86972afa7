"""Kinds: noise levels of a continuous time, from one convention to another, and weights of losses.

Beside each formula: what sum the level is, or a function of it, so that a wrong coefficient can be
told from a wrong formula.
"""

from fractions import Fraction

import numpy as np

from .drawing import number
from .fifty_digits import root
from .kind import LEVEL, ROUNDING, Kind, Mistake
from .terms import its_logarithm, its_square, itself, one_over_it
from .wide import RANDOM


def vp_marginal(f, t, beta_min, beta_max):
    scale = f.exp(-t**2 * (beta_max - beta_min) / 4 - t * beta_min / 2)
    return scale, (1 - scale**2)**(f.one / 2)


def vp_marginal_by_difference(t, beta_min=0.1, beta_max=20.0):
    """sigma = sqrt(1 - scale^2), as published code has it: scale^2 is rounded, and t near 0."""
    scale = np.exp(-0.25 * t**2 * (beta_max - beta_min) - 0.5 * t * beta_min)
    return scale, np.sqrt(1 - scale**2 * (1 - ROUNDING))


def vp_exponent(args, component):
    """ln scale, and ln(1 - sigma^2), which is twice that."""
    t, low, high = args["t"], args.get("beta_min", 0.1), args.get("beta_max", 20.0)
    terms = {"t^2 beta_max": t**2 * high, "t^2 beta_min": t**2 * low, "t beta_min": t * low,
             "t beta_max": t * high}
    if component == 0:
        return [its_logarithm(terms)]
    return [(terms, lambda y: np.log(1 - y**2), lambda y: 2 * y / (1 - y**2))]


def ve_exponent(args, component):
    """ln sigma(t), a straight line in t."""
    t, low, high = args["t"], np.log(args["sigma_min"]), np.log(args["sigma_max"])
    return [its_logarithm({
        "ln sigma_min": low + 0 * t, "ln sigma_max": high + 0 * t,
        "t ln sigma_min": t * low, "t ln sigma_max": t * high, "1": 1 + 0 * t})]


def diffusion_exponent(args, component):
    """ln g: that of sigma, and the logarithm of the root's argument."""
    [(terms, *transform)] = ve_exponent(args, component)
    ratio = np.log(args["sigma_max"]) - np.log(args["sigma_min"])
    return [(terms | {"ln ln(sigma_max / sigma_min)": np.log(ratio) + 0 * args["t"]}, *transform)]


def inverse_signal(args):
    """1 / alpha_bar, and 1."""
    return {"1 / alpha_bar": 1 / args["alpha_bar"], "1": 1 + 0 * args["alpha_bar"]}


def powers_of_sigma(args, component):
    """1 / alpha_bar = 1 + sigma^2."""
    s = args["sigma"]
    return [one_over_it({"1": 1 + 0 * s, "sigma^2": s**2, "sigma": s})]


def inverse_variances(args, component):
    """1 / sigma^2 + 1 / sigma_data^2."""
    s, d = args["sigma"]**-2.0, args["sigma_data"]**-2.0
    return [itself({"1 / sigma^2": s, "1 / sigma_data^2": d + 0 * s, "1": 1 + 0 * s})]


def edm_preconditioning(f, s, d):
    size = root(s**2 + d**2)
    return d**2 / size**2, s * d / size, 1 / size, f.log(s) / 4


def consistency_scalings(f, s, d, least):
    return d**2 / ((s - least)**2 + d**2), d * (s - least) / root(s**2 + d**2)


def below_every_sigma(rng, spec, drawn):
    """sigma_min, a share of the smallest level, at random probes any share up to all of it."""
    u = rng.uniform(0, 1)
    share = 0.05 + 0.6 * u if spec.regime not in RANDOM else min(1.0, 10**(0.3 - 5 * u))
    return float(share * np.min(drawn["sigma"]))


# The weight of Min-SNR: min(SNR, gamma) divided by the weight that its prediction brings

BROUGHT = {"eps": lambda q: q, "x0": lambda q: 1, "v": lambda q: q + 1}


def min_snr_weight(f, a, gamma, prediction):
    n = (1 - a) / a                                   # 1 / SNR, which is finite where all is signal
    return {"eps": n, "x0": f.one, "v": 1 - a}[prediction] / np.maximum(n, 1 / gamma)


def max_snr_weight(alpha_bar, gamma, prediction):
    """The larger of the two in place of the smaller."""
    q = alpha_bar / (1 - alpha_bar)
    return np.maximum(q, gamma) / BROUGHT[prediction](q)


def plus_one_weight(alpha_bar, gamma, prediction):
    """1 added to the weight in place of to SNR."""
    q = alpha_bar / (1 - alpha_bar)
    if prediction == "v":
        return np.minimum(q, gamma) / q + 1
    return np.minimum(q, gamma) / BROUGHT[prediction](q)


def each_prediction(u, spec):
    """Every prediction in turn."""
    return ("eps", "x0", "v")[(spec.seed + (spec.seed > 2)) % 3]


KINDS = (
    Kind("sigma_from_alpha_bar", LEVEL, exact=lambda f, a: root((1 - a) / a),
         level_terms=lambda args, component: [its_square(inverse_signal(args))]),
    Kind("alpha_bar_from_sigma", LEVEL, exact=lambda f, s: 1 / (1 + s**2),
         level_terms=powers_of_sigma,
         quantities=lambda args, q: q | {"1 + sigma^2": 1 + q["sigma"]**2}),
    Kind("signal_to_noise_ratio", LEVEL, exact=lambda f, a: a / (1 - a),
         level_terms=lambda args, component: [one_over_it(inverse_signal(args))]),

    Kind("vp_marginal", {"scale": LEVEL, "sigma": LEVEL}, exact=vp_marginal,
         level_terms=vp_exponent, spellings=(vp_marginal_by_difference,)),
    Kind("ve_marginal", LEVEL, exact=lambda f, t, a, b: a * (b / a)**t, level_terms=ve_exponent),
    Kind("ve_diffusion_coefficient", LEVEL, level_terms=diffusion_exponent,
         exact=lambda f, t, a, b: a * (b / a)**t * root(2 * f.log(b / a)),
         right_powers={"ln(sigma_max / sigma_min)": Fraction(1, 2)}),

    Kind("edm_preconditioning", {"c_skip": LEVEL, "c_out": LEVEL, "c_in": LEVEL, "c_noise": LEVEL},
         exact=edm_preconditioning),
    Kind("consistency_scalings", {"c_skip": LEVEL, "c_out": LEVEL}, exact=consistency_scalings,
         draw={"sigma_min": below_every_sigma}, known=(
             Mistake("argument-ignored", "", "c_skip is EDM's, "
                     "which is 1 at sigma = 0 and not at sigma_min",
                     lambda s, d, least: (d**2 / (s**2 + d**2),
                                          d * (s - least) / np.sqrt(s**2 + d**2))),),
         quantities=lambda args, q: q | {"sigma - sigma_min": q["sigma"] - q["sigma_min"]}),
    Kind("score_matching_weight", LEVEL, exact=lambda f, s: s**2),
    Kind("likelihood_weight", LEVEL, exact=lambda f, g: g**2),
    Kind("edm_weight", LEVEL, exact=lambda f, s, d: (s**2 + d**2) / (s * d)**2,
         level_terms=inverse_variances),
    Kind("min_snr_weight", LEVEL, exact=min_snr_weight,
         draw={"prediction": number(each_prediction)}, known=(
             Mistake("min-vs-max", "", "max(SNR, gamma) stands where min(SNR, gamma) is meant",
                     max_snr_weight),
             Mistake("term-extra", "", "the weight for v is that for eps plus 1; it should divide "
                     "by SNR + 1", plus_one_weight))),
)
