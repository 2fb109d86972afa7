"""Wrong functions written when what `frozen` and `doors` had shown was mended."""

import math

import numpy as np

import refsgm as R

from . import planted
from .before import at_least, clipped
from .frozen import added, loop, natural


def only(kind, what, change):
    """The right function of changed arguments, `change(*args) -> args`."""
    right = getattr(R, kind)
    return natural(kind, what, lambda *args: right(*change(*args)))


def after(kind, what, change):
    """A changed result of the right function."""
    right = getattr(R, kind)
    return natural(kind, what, lambda *args: change(right(*args)))


def scheduled(f, x, s, k, a, rng):
    """Annealed steps of a size that is rounded to float32."""
    sizes = [float(np.float32(a * (b / s[-1])**2)) for b in s for _ in range(k)]
    levels = [b for b in s for _ in range(k)]
    return loop(x, len(sizes), lambda x, i: x + sizes[i] / 2 * f(x, levels[i])
                + sizes[i]**0.5 * rng.standard_normal(x.shape))


def skipping(f, x, a, eta, rng):
    """DDIM that leaves out steps between levels that are nearly the same."""
    kept = [0, *(i for i in range(1, len(a)) if a[i - 1] - a[i] > 1e-4 or i == len(a) - 1)]
    states, i = [], len(a) - 1
    while i > 0:
        before = max(j for j in kept if j < i)
        x = R.ddim_step(x, f(x, a[i]), a[i], a[before], eta, rng.standard_normal(x.shape))
        states += [x] * (i - before)
        i = before
    return states


NATURAL = [
    added("eps_from_v", 1e-9, 2), added("gaussian_log_density", 1e-9, 2),
    added("ve_score_from_vp", 1e-10, 1), added("vp_score_from_ve", 1e-8, 1),
    added("noise_prediction_loss", 1e-8, 2), added("likelihood_weight", 1e-10, 0),
    added("x0_from_score", 1e-9, 2), added("velocity_from_score", 1e-9, 2),
    at_least(1e-7, "x0_from_velocity", 2), at_least(1e-9, "eps_from_x0", 3),
    at_least(1e-8, "ve_from_vp", 1), at_least(1e-5, "annealed_step_sizes", 1),
    clipped(-6, 6, "ddpm_step", 4), clipped(-3, 3, "langevin_step", 3),
    clipped(-1e4, 1e4, "classifier_free_guidance", 0), clipped(-1e3, 1e3, "posterior", 1),
    clipped(0, 1 - 1e-8, "diffuse", 1), clipped(1e-8, 1e8, "score_matching_weight", 0),
    clipped(1e-3, 1e3, "edm_weight", 1), clipped(-100, 100, "gaussian_score", 0),
    clipped(0, 7.5, "classifier_free_guidance", 2),
    after("sigma_from_alpha_bar", "at most 1e4", lambda s: np.minimum(s, 1e4)),
    after("edm_weight", "at most 1e6", lambda w: np.minimum(w, 1e6)),
    after("edm_weight", "at most 1e8", lambda w: np.minimum(w, 1e8)),
    after("velocity_from_score", "within 1e4", lambda u: np.clip(u, -1e4, 1e4)),
    after("score_from_x0", "within 1e6", lambda s: np.clip(s, -1e6, 1e6)),
    after("mixture_score", "no longer than 1e5", lambda s: s * np.minimum(1, 1e5 / np.maximum(
        np.linalg.norm(s, axis=1, keepdims=True), 1e-300))),
    after("mixture_log_density", "at least -1e6", lambda a: np.maximum(a, -1e6)),
    after("prior_log_density", "at least -1e8", lambda a: np.maximum(a, -1e8)),
    after("ddpm_loss", "at most 1e8", lambda a: np.minimum(a, 1e8)),
    after("alpha_bar_from_betas", "at least 1e-12", lambda a: np.maximum(a, 1e-12)),
    after("cosine_alpha_bar", "at least 1e-9", lambda a: np.maximum(a, 1e-9)),
    after("betas_from_alpha_bar", "at least 1e-7", lambda b: np.maximum(b, 1e-7)),
    after("geometric_sigmas", "rounded to 12 digits", lambda s: np.round(s, 12)),
    after("karras_sigmas", "rounded to 6 digits", lambda s: np.round(s, 6)),
    after("linear_betas", "rounded to 8 digits", lambda b: np.round(b, 8)),
    after("min_snr_weight", "at least 1e-6", lambda w: np.maximum(w, 1e-6)),
    after("logit_normal_time", "inside (1e-8, 1 - 1e-8)", lambda t: np.clip(t, 1e-8, 1 - 1e-8)),
    after("bits_per_dimension", "never negative", lambda b: np.maximum(b, 0)),
    after("gaussian_log_density", "never positive", lambda a: np.minimum(a, 0)),
    after("divergence", "within 1e5", lambda a: np.clip(a, -1e5, 1e5)),
    only("mixture_score", "weights below 1e-4 are none", lambda x, w, m, s: (
        x, np.where(w < 1e-4, 0, w) / np.sum(np.where(w < 1e-4, 0, w)), m, s)),
    only("mixture_log_density", "twenty heaviest components", lambda x, w, m, s: (
        lambda i: (x, w[i] / np.sum(w[i]), m[i], s))(np.sort(np.argsort(w)[-20:]))),
    only("karras_sigmas", "rho of at most 10", lambda a, b, n, rho=7.0: (a, b, n, min(rho, 10.0))),
    only("karras_sigmas", "sigma_min of at least 1e-3", lambda a, b, n, rho=7.0: (
        a, min(max(b, 1e-3), a * 0.99), n, rho)),
    only("cosine_alpha_bar", "an offset of at most 0.05", lambda n, o=0.008, b=0.999: (
        n, min(o, 0.05), b)),
    only("vp_marginal", "beta_max of at most 30", lambda t, a=0.1, b=20.0: (t, a, min(b, 30.0))),
    only("langevin", "steps of at most 0.2", lambda f, x, a, n, r: (f, x, min(a, 0.2), n, r)),
    only("ddim_step", "eta of at least 0.05 where there is any", lambda x, e, t, s, eta, z: (
        x, e, t, s, max(eta, 0.05) if eta > 0 else 0.0, z)),
    only("shift_time", "a shift from 0.2 to 5", lambda t, c: (t, min(max(c, 0.2), 5.0))),
    only("edm_preconditioning", "sigma_data of at least 0.05", lambda s, d: (s, max(d, 0.05))),
    only("finite_difference_ssm", "four directions at most", lambda f, x, v, h: (
        f, x, v if v.ndim == 2 else v[:4], h)),
    only("noise_conditional_score_matching", "weights divided by the first",
         lambda f, x, s, e, w=None: (f, x, s, e, s**2 if w is None else w / w[0] if len(
             w) > 8 else w)),
    only("annealed_langevin", "50 states at most, the steps shared out",
         lambda f, x, s, k, a, r: (f, x, s, k if k * len(s) <= 50 else max(50 // len(s), 1), a, r)),
    natural("annealed_langevin", "step sizes in float32", scheduled),
    natural("ddim_sampler", "steps of less than 1e-4 left out", skipping),
    natural("ddpm_sampler", "the first noise scaled down where alpha_bar is below 1e-4",
            lambda f, x, a, r: R.ddpm_sampler(f, x if a[-1] > 1e-4 else x * math.sqrt(
                1 - a[-1]), a, r)),
    natural("probability_flow_sampler", "Euler where the ratio is above 0.98",
            lambda f, x, s, method="heun": loop(x, len(s) - 1, lambda x, i: R.heun_step(
                f, x, s[i], s[i + 1]) if method == "heun" and s[i + 1] < 0.98 * s[i]
                else R.ve_probability_flow_step(x, f(x, s[i]), s[i], s[i + 1]))),
    natural("raise_noise", "variances in float32 where they are large", lambda x, a, b, z: (
        x + np.where(np.asarray(b) > 100, np.sqrt(np.float32(b)**2 - np.float32(a)**2),
                     np.sqrt(b**2 - a**2)) * z)),
    natural("ve_ancestral_step", "no noise where it is below 1e-6", lambda x, g, t, s, z: (
        lambda u: x + (t**2 - s**2) * g + np.where(u < 1e-6, 0, u) * z)(
            s / t * np.sqrt(t**2 - s**2))),
    natural("heun_step", "Euler for steps of less than 1e-4", lambda f, x, t, s: (
        R.heun_step(f, x, t, s) if np.min(t - s) > 1e-4
        else R.ve_probability_flow_step(x, f(x, t), t, s))),
    natural("vp_from_ve", "x as it is where sigma is below 1e-4", lambda x, s: (
        np.where(np.asarray(s) < 1e-4, x, x / np.sqrt(1 + s**2)), 1 / (1 + s**2))),
]


def between(low, high):
    """Whether any number of a level is inside two bounds."""
    return lambda a: bool(np.any((np.asarray(a) > low) & (np.asarray(a) < high)))


PLANTED = [
    planted("perturb", "seven or eight rows", lambda x, s, e: len(x) in (7, 8)),
    planted("score_from_eps", "from 22 to 28 features", lambda e, s: 22 <= e.shape[1] <= 28),
    planted("diffuse", "13 rows or more of two features or fewer",
            lambda x, a, e: len(x) > 12 and x.shape[1] < 3),
    planted("eps_from_x0", "three rows", lambda x, *_: len(x) == 3),
    planted("gaussian_score", "sigma from 2000 to 20000", lambda x, m, s: between(2e3, 2e4)(s)),
    planted("ve_from_vp", "alpha_bar from 0.3 to 0.35", lambda x, a: between(0.3, 0.35)(a)),
    planted("x0_from_eps", "scale from 1e-6 to 1e-5", lambda x, e, a, s: between(1e-6, 1e-5)(a)),
    planted("flow_marginal", "t from 0.7 to 0.75", lambda t: between(0.7, 0.75)(t)),
    planted("ddpm_step", "a ratio from 1e-5 to 1e-3",
            lambda x, e, t, s, z, v="posterior": between(1e-5, 1e-3)(t / s)),
    planted("ddim_step", "eta from 0.9 to 1", lambda x, e, t, s, eta, z: 0.8 < eta < 1),
    planted("mixture_score", "from 18 to 25 components", lambda x, w, m, s: 18 <= len(w) <= 25),
    planted("mixture_log_density", "three components", lambda x, w, m, s: len(w) == 3),
    planted("hutchinson_divergence", "three directions", lambda f, x, v: v.ndim == 3 and len(
        v) == 3),
    planted("sliced_score_matching", "two directions of many features",
            lambda f, x, v: v.ndim == 3 and len(v) == 2 and x.shape[1] > 12),
    planted("alpha_bar_from_betas", "from 5 to 12 rates, not sorted",
            lambda b: 4 < len(b) < 13 and np.any(np.diff(b) < 0)),
    planted("karras_sigmas", "from 40 to 90 levels", lambda a, b, n, rho=7.0: 40 <= n <= 90),
    planted("linear_betas", "two steps", lambda n, *ends: n == 2),
    planted("annealed_step_sizes", "five levels or six", lambda s, a: len(s) in (5, 6)),
    planted("langevin", "three steps", lambda f, x, a, n, r: n == 3),
    planted("ddpm_sampler", "more than 100 steps", lambda f, x, a, r: len(a) > 101),
    planted("min_snr_weight", "v near clean data", lambda a, g, p: p == "v" and np.max(
        a) > 1 - 1e-6),
    planted("sde_coefficients", "sigma_rate below 1e-3", lambda a, s, da, ds: np.min(ds) < 1e-3),
    planted("denoising_score_matching", "sigma below 1e-4", lambda f, x, s, e: np.min(s) < 1e-4),
    planted("perturb", "zeros in the last row", lambda x, s, e: bool(len(x)) and not np.any(
        x[-1])),
]
WRONG = [*NATURAL, *PLANTED]
