"""EDM's inner network F in the terms of its denoiser, on x_t = x_0 + sigma eps.

    D = c_skip x_t + c_out F
    the network is given c_in x_t, which is VP of the data over sigma_data
    w (F - y)^2 = w / c_out^2 (D - x_0)^2,     1 / c_out^2 = 1 / sigma^2 + 1 / sigma_data^2
"""

import numpy as np

from . import paths, targets, times, weighting


def inner(path, rows, words, name, report, data):
    """EDM's inner network, which in VP coordinates of the data over sigma_data predicts -v.

    What is told of it is told of the noisy data before c_in: those are VE, as a sampler has them.

    data  tells how data are scaled before use
    """
    before = 1.0
    if "log(sigma" in words and words.startswith("0.25 times"):       # of data scaled before
        slope, start = times.affine(rows.time, np.log(path.ratio), 1e-3)
        before = path.m * np.exp(start / slope)
        words = "log(sigma) / 4"
    elif np.abs(rows.offset).max() > 1e-6:
        return None
    data(rows, paths.Path("ve", path.a, path.b, before), report)
    d = before / path.m
    report.facts |= {"path": "x_t = x_0 + sigma eps, VE: scale = 1; the network is given c_in x_t, "
                             "c_in = 1 / sqrt(sigma^2 + sigma_data^2)",
                     "time": words.replace("sigma_VE = ", "").replace("sigma / scale", "sigma"),
                     "levels": times.law_of_levels(before_c_in(path, d), rows.time, name)}
    return targets.Target(f"EDM's inner network F, D = c_skip x_t + c_out F, sigma_data = {d:.4g}",
                          "edm", "(D - x_t) / sigma^2 with D = c_skip x_t + c_out out",
                          "D = c_skip x_t + c_out out", d)


def before_c_in(path, sigma_data):
    """EDM's noisy data, of which c_in makes data over sigma_data on the VP path."""
    return paths.Path("ve", np.ones_like(path.a), path.ratio * sigma_data)


def seen_from_outside(w, path, sigma_data):
    """(weights of the squared error of D, the path of its noisy data) of weights of F's."""
    ve = before_c_in(path, sigma_data)
    return w * (ve.b**-2 + sigma_data**-2), ve


def of_denoiser(rows, path, target, report, tol):
    """(weights of the squared error of D, their `Weight`) of a loss of EDM's inner network."""
    w, ve = seen_from_outside(rows.w, path, target.sigma_data)
    if paths.constant(rows.w, max(tol, 1e-3)) is not None:
        return w, weighting.Weight("EDM's, (sigma^2 + sigma_data^2) / (sigma sigma_data)^2, of "
                                   "(D - x_0)^2: 1 of the inner network's error", "edm", w / rows.w)
    found = weighting.weight_of(ve, w, rows.seed, targets.X_0, None, report, tol)
    if found is None:
        return w, None
    return w, found._replace(name=f"{found.name}, of (D - x_0)^2", said=found.said.replace(
        "edm", ""))                                                   # of another sigma_data


def same_of_inner(said, weight, sigma_data):
    """Whether the weight of one error, D's or F's, is what is said of the other one: "edm", "1"."""
    return (said, weight.said) == (("1", "edm") if sigma_data else ("edm", "1"))
