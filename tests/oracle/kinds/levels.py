"""Functions of a noise level: right implementations of each kind, and mistakes."""

import math

import autograd.numpy as np

from .record import of
from .spaces import Pair


def portable(xp):
    """{kind: Pair} for a Space."""
    sqrt, exp, log = xp.lib.sqrt, xp.lib.exp, xp.lib.log

    def log_scale(t, beta_min, beta_max):
        return -0.25 * t**2 * (beta_max - beta_min) - 0.5 * t * beta_min

    def vp(t, beta_min, beta_max):
        scale = exp(log_scale(t, beta_min, beta_max))
        return scale, sqrt(1 - scale**2)

    def vp_variance(t, beta_min, beta_max):
        scale = exp(log_scale(t, beta_min, beta_max))
        return scale, 1 - scale**2

    def edm(sigma, sigma_data):
        total = sigma**2 + sigma_data**2
        return sigma_data**2 / total, sigma * sigma_data / total**0.5, total**-0.5, log(sigma) / 4

    def edm_without_root(sigma, sigma_data):
        total = sigma**2 + sigma_data**2
        return sigma_data**2 / total, sigma * sigma_data / total, total**-0.5, log(sigma) / 4

    def min_snr(smaller):
        def weight(alpha_bar, gamma, prediction):
            q = alpha_bar / (1 - alpha_bar)
            kept = smaller(q, xp.array(gamma) + 0 * alpha_bar)
            return kept / {"eps": q, "x0": 1.0, "v": q + 1}[prediction]
        return weight

    return {
        "sigma_from_alpha_bar": Pair(lambda a: sqrt((1 - a) / a), lambda a: (1 - a) / a,
                                     "sqrt-missing"),
        "alpha_bar_from_sigma": Pair(lambda sigma: 1 / (1 + sigma**2),
                                     lambda sigma: 1 / (1 + sigma), "sigma-not-squared"),
        "signal_to_noise_ratio": Pair(lambda a: a / (1 - a), lambda a: (1 - a) / a, "inverted"),
        "vp_marginal": Pair(vp, vp_variance, "sqrt-missing"),
        "ve_marginal": Pair(lambda t, low, high: low * (high / low)**t,
                            lambda t, high, low: low * (high / low)**t, "swapped-arguments"),
        "ve_diffusion_coefficient": Pair(
            lambda t, low, high: low * (high / low)**t * math.sqrt(2 * math.log(high / low)),
            lambda t, low, high: low * (high / low)**t * math.sqrt(math.log(high / low)), "factor"),
        "edm_preconditioning": Pair(edm, edm_without_root, "sqrt-missing"),
        "consistency_scalings": Pair(
            lambda sigma, data, least: (data**2 / ((sigma - least)**2 + data**2),
                                        data * (sigma - least) / sqrt(sigma**2 + data**2)),
            lambda sigma, data, least: (data**2 / ((sigma - least)**2 + data**2),
                                        (sigma - least) / sqrt(sigma**2 + data**2)),
            "factor-missing"),
        "score_matching_weight": Pair(lambda sigma: sigma**2, lambda sigma: sigma,
                                      "sigma-not-squared"),
        "likelihood_weight": Pair(lambda g: g**2, lambda g: g**2 / 2, "half"),
        "edm_weight": Pair(lambda sigma, data: (sigma**2 + data**2) / (sigma * data)**2,
                           lambda sigma, data: (sigma * data)**2 / (sigma**2 + data**2),
                           "inverted"),
        "min_snr_weight": Pair(min_snr(xp.lib.minimum), min_snr(xp.lib.maximum), "min-vs-max"),
    }


def vp(t, low, high, twice=1.0):
    """Log of the VP scale."""
    return -0.25 * twice * t**2 * (high - low) - 0.5 * t * low


def edm(sigma, data, skip=None, out=None, scale=None, noise=None):
    """EDM's coefficients, with one of them given."""
    total = sigma**2 + data**2
    return (data**2 / total if skip is None else skip,
            sigma * data / np.sqrt(total) if out is None else out,
            1 / np.sqrt(total) if scale is None else scale,
            np.log(sigma) / 4 if noise is None else noise)


def snr(a):
    """The signal-to-noise ratio."""
    return a / (1 - a)


def vp_sigma(t, beta_min=0.1, beta_max=20.0):
    """Scale and sigma from the integral of beta."""
    integral = t * (beta_min + (beta_max - beta_min) * t / 2)
    return np.exp(-integral / 2), np.sqrt(-np.expm1(-integral))


def vp_by_alpha_bar(t, beta_min=0.1, beta_max=20.0):
    """Scale and sigma from alpha_bar, by subtraction."""
    alpha_bar = np.exp(-(beta_min * t + 0.5 * (beta_max - beta_min) * t * t))
    return alpha_bar**0.5, (1 - alpha_bar)**0.5


def min_snr(alpha_bar, gamma, prediction):
    """From the signal-to-noise ratio."""
    q = alpha_bar / (1 - alpha_bar)
    top = np.minimum(q, gamma)
    return top / q if prediction == "eps" else top if prediction == "x0" else top / (q + 1)


def min_snr_by_cases(alpha_bar, gamma, prediction):
    """As the weight on x_0, divided by what turns the prediction into x_0."""
    q = alpha_bar / (1 - alpha_bar)
    weight = np.where(q < gamma, q, gamma)
    return weight * {"eps": (1 - alpha_bar) / alpha_bar, "x0": 1.0, "v": 1 - alpha_bar}[prediction]


of("sigma_from_alpha_bar", spellings=(
    lambda a: np.sqrt(1 - a) / np.sqrt(a),
    lambda a: np.sqrt(1 / a - 1),
), tuned=(
    ("the noise of VP coordinates", "wrong-coordinates factor-missing", lambda a: np.sqrt(1 - a)),
    ("the variance", "sqrt-missing sigma-squared wrong-power", lambda a: (1 - a) / a),
    ("upside down", "inverted one-minus", lambda a: np.sqrt(a / (1 - a))),
), measured=(
    ("alpha_bar is taken for its root", "sigma-not-squared misread-argument",
     lambda a: np.sqrt(1 - a**2) / a),
    ("1e-3 below", "approximate", lambda a: np.sqrt((1 - a) / (a + 1e-3))),
))
of("alpha_bar_from_sigma", spellings=(
    lambda sigma: 1 / (sigma * sigma + 1),
    lambda sigma: 1 / np.hypot(1, sigma)**2,
), tuned=(
    ("sigma is not squared", "sigma-not-squared misread-argument", lambda s: 1 / (1 + s)),
    ("the share of the noise", "one-minus", lambda s: s**2 / (1 + s**2)),
    ("its root", "sqrt-extra", lambda s: 1 / np.sqrt(1 + s**2)),
))
of("signal_to_noise_ratio", spellings=(
    lambda a: a / (1 - a),
    lambda a: 1 / (1 / a - 1),
), tuned=(
    ("noise to signal", "inverted one-minus", lambda a: (1 - a) / a),
    ("of amplitudes", "sqrt-extra", lambda a: np.sqrt(a / (1 - a))),
    ("its logarithm", "misread-argument", lambda a: np.log(a) - np.log1p(-a)),
    ("1e-3 is added to the noise", "approximate", lambda a: a / (1 - a + 1e-3)),
))
of("vp_marginal", spellings=(vp_sigma, vp_by_alpha_bar), tuned=(
    ("the quadratic term twice", "half factor misread-argument wrong-factor",
     lambda t, low=0.1, high=20.0: (np.exp(vp(t, low, high, 2)), np.sqrt(-np.expm1(
         2 * vp(t, low, high, 2))))),
    ("the variance of the noise", "sqrt-missing sigma-squared",
     lambda t, low=0.1, high=20.0: (np.exp(vp(t, low, high)), -np.expm1(2 * vp(t, low, high)))),
    ("the two rates are exchanged", "swapped-arguments",
     lambda t, low=0.1, high=20.0: (np.exp(vp(t, high, low)), np.sqrt(-np.expm1(
         2 * vp(t, high, low))))),
    ("time runs backwards", "one-minus misread-argument reversed",
     lambda t, low=0.1, high=20.0: (np.exp(vp(1 - t, low, high)), np.sqrt(-np.expm1(
         2 * vp(1 - t, low, high))))),
), measured=(
    ("alpha_bar in place of the scale", "sqrt-missing",
     lambda t, low=0.1, high=20.0: (np.exp(-low * t - 0.5 * (high - low) * t**2), np.sqrt(
         -np.expm1(-low * t - 0.5 * (high - low) * t**2)))),
    ("one less the scale", "wrong-factor one-minus misread-argument sqrt-missing",
     lambda t, low=0.1, high=20.0: (np.exp(-0.5 * low * t - 0.25 * (high - low) * t**2),
                                    -np.expm1(-0.5 * low * t - 0.25 * (high - low) * t**2))),
    ("beta_min is left out", "argument-ignored",
     lambda t, low=0.1, high=20.0: (np.exp(-0.25 * high * t**2), np.sqrt(-np.expm1(
         -0.5 * high * t**2)))),
))
of("ve_marginal", spellings=(
    lambda t, low, high: low**(1 - t) * high**t,
    lambda t, low, high: np.exp((1 - t) * math.log(low) + t * math.log(high)),
), tuned=(
    ("time runs backwards", "one-minus misread-argument reversed swapped-arguments",
     lambda t, low, high: high * (low / high)**t),
    ("the variance", "sigma-squared sqrt-missing",
     lambda t, low, high: low**2 * (high / low)**(2 * t)),
    ("the noise beyond that at t = 0", "term-extra wrong-factor",
     lambda t, low, high: np.sqrt((low * (high / low)**t)**2 - low**2)),
    ("linear in t", "misread-argument wrong-factor", lambda t, low, high: low + t * (high - low)),
))
of("ve_diffusion_coefficient", spellings=(
    lambda t, low, high: math.sqrt(2 * (math.log(high) - math.log(low))) * (
        low**(1 - t) * high**t),
    lambda t, low, high: np.sqrt(2 * math.log(high / low) * (low * (high / low)**t)**2),
), tuned=(
    ("log in place of 2 log", "factor", lambda t, low, high: low * (high / low)**t * math.sqrt(
        math.log(high / low))),
    ("no root of 2 log", "sqrt-missing", lambda t, low, high: low * (high / low)**t * (
        2 * math.log(high / low))),
    ("g^2", "sqrt-missing sigma-squared squared-twice",
     lambda t, low, high: (low * (high / low)**t)**2 * 2 * math.log(high / low)),
    ("a decimal logarithm", "factor", lambda t, low, high: low * (high / low)**t * math.sqrt(
        2 * math.log10(high / low))),
), measured=(
    ("the factor 2 outside the root", "factor", lambda t, low, high: 2 * low * (
        high / low)**t * math.sqrt(math.log(high / low))),
    ("sigma_max alone", "argument-ignored wrong-factor factor-missing",
     lambda t, low, high: low * (high / low)**t * math.sqrt(2 * math.log(high))),
    ("the derivative of sigma", "wrong-factor sqrt-missing factor",
     lambda t, low, high: low * (high / low)**t * math.log(high / low)),
))
of("edm_preconditioning", spellings=(
    lambda sigma, data: (1 / (1 + (sigma / data)**2), 1 / np.sqrt(1 / sigma**2 + 1 / data**2),
                         (sigma**2 + data**2)**-0.5, 0.25 * np.log(sigma)),
    lambda sigma, data: (data**2 / (data**2 + sigma**2),
                         sigma * data / np.hypot(sigma, data),
                         1 / np.hypot(sigma, data), np.log(sigma**0.25)),
), tuned=(
    ("c_noise is not divided by 4", "factor", lambda s, d: edm(s, d, noise=np.log(s))),
    ("c_skip has sigma_data once", "sigma-not-squared wrong-power",
     lambda s, d: edm(s, d, skip=d / (s**2 + d**2))),
    ("sigma_data is always 1/2", "argument-ignored", lambda s, d: edm(s, 0.5)),
    ("c_out without sigma_data", "factor-missing",
     lambda s, d: edm(s, d, out=s / np.sqrt(s**2 + d**2))),
    ("c_in without sigma_data", "term-missing wrong-factor argument-ignored factor-missing",
     lambda s, d: edm(s, d, scale=1 / s)),
    ("c_noise in bits", "nats-vs-bits", lambda s, d: edm(s, d, noise=np.log2(s) / 4)),
), measured=(
    ("c_in of sigma_data alone", "argument-ignored term-missing factor-missing wrong-level",
     lambda s, d: edm(s, d, scale=1 / d + 0 * s)),
    ("c_out has the sign of a noise prediction", "sign",
     lambda s, d: edm(s, d, out=-s * d / np.sqrt(s**2 + d**2))),
    ("c_in and c_skip are exchanged", "swapped-results swapped-arguments wrong-factor wrong-level",
     lambda s, d: (1 / np.sqrt(s**2 + d**2), s * d / np.sqrt(s**2 + d**2), d**2 / (s**2 + d**2),
                   np.log(s) / 4)),
    ("c_noise is sigma", "misread-argument", lambda s, d: edm(s, d, noise=s + 0.0)),
))
of("consistency_scalings", spellings=(
    lambda s, d, least: (1 / (1 + ((s - least) / d)**2), (s - least) * d * (s**2 + d**2)**-0.5),
    lambda s, d, least: (d**2 / (s**2 - 2 * s * least + least**2 + d**2),
                         (s - least) / np.sqrt(1 + (s / d)**2)),
), tuned=(
    ("c_out without sigma_data", "factor-missing", lambda s, d, least: (
        d**2 / ((s - least)**2 + d**2), (s - least) / np.sqrt(s**2 + d**2))),
    ("the boundary is at 0, as in EDM", "argument-ignored", lambda s, d, least: (
        d**2 / (s**2 + d**2), d * s / np.sqrt(s**2 + d**2))),
    ("c_out has no root", "sqrt-missing wrong-power", lambda s, d, least: (
        d**2 / ((s - least)**2 + d**2), d * (s - least) / (s**2 + d**2))),
), measured=(
    ("sigma_min is left out of c_skip", "argument-ignored term-missing", lambda s, d, least: (
        d**2 / (s**2 + d**2), d * (s - least) / np.sqrt(s**2 + d**2))),
    ("c_skip has sigma_data once", "sigma-not-squared wrong-power factor-missing",
     lambda s, d, least: (
        d / ((s - least)**2 + d**2), d * (s - least) / np.sqrt(s**2 + d**2))),
))
of("score_matching_weight", spellings=(
    lambda sigma: sigma * sigma,
    lambda sigma: 1 / (1 / sigma)**2,
), tuned=(
    ("one over it", "inverted wrong-power", lambda s: 1 / s**2),
    ("one", "argument-ignored factor-missing", lambda s: 1 + 0 * s),
    ("sigma", "sigma-not-squared", lambda s: s * 1.0),
))
of("likelihood_weight", spellings=(
    lambda g: g * g,
    lambda g: 1 / (1 / g)**2,
), tuned=(
    ("squared twice", "squared-twice sigma-squared wrong-power", lambda g: g**4),
    ("halved", "half", lambda g: 0.5 * g**2),
))
of("edm_weight", spellings=(
    lambda sigma, data: 1 / sigma**2 + 1 / data**2,
    lambda sigma, data: (np.hypot(sigma, data) / (sigma * data))**2,
), tuned=(
    ("one over it", "inverted", lambda s, d: (s * d)**2 / (s**2 + d**2)),
    ("the denominator is not squared", "wrong-power sigma-not-squared sqrt-extra factor-missing "
     "wrong-factor", lambda s, d: (s**2 + d**2) / (s * d)),
    ("without sigma_data below", "factor-missing", lambda s, d: (s**2 + d**2) / s**2),
    ("its root", "sqrt-extra", lambda s, d: np.sqrt(s**2 + d**2) / (s * d)),
), measured=(
    ("squares are left out", "sigma-not-squared", lambda s, d: (s + d) / (s * d)),
    ("one over sigma_data^2 is missing", "term-missing argument-ignored",
     lambda s, d: 1 / s**2 + 0 * d),
))
of("min_snr_weight", spellings=(min_snr, min_snr_by_cases), tuned=(
    ("always that of eps", "argument-ignored special-case",
     lambda a, g, p: np.minimum(snr(a), g) / snr(a)),
    ("gamma is always 5", "argument-ignored",
     lambda a, g, p: np.minimum(snr(a), 5) / {"eps": snr(a), "x0": 1, "v": snr(a) + 1}[p]),
    ("v is divided by SNR", "special-case term-missing argument-ignored",
     lambda a, g, p: np.minimum(snr(a), g) / {"eps": snr(a), "x0": 1, "v": snr(a)}[p]),
    ("of the noise-to-signal ratio", "inverted one-minus",
     lambda a, g, p: np.minimum(snr(1 - a), g) / {"eps": snr(1 - a), "x0": 1,
                                                  "v": snr(1 - a) + 1}[p]),
), measured=(
    ("gamma is squared", "misread-argument sigma-squared",
     lambda a, g, p: np.minimum(snr(a), g**2) / {"eps": snr(a), "x0": 1, "v": snr(a) + 1}[p]),
    ("the cap is soft", "wrong-factor min-vs-max",
     lambda a, g, p: snr(a) * g / (snr(a) + g) / {"eps": snr(a), "x0": 1, "v": snr(a) + 1}[p]),
    ("no cap", "argument-ignored",
     lambda a, g, p: snr(a) / {"eps": snr(a), "x0": 1, "v": snr(a) + 1}[p]),
))
