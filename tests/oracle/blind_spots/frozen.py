"""Mistakes of good faith, written by one who had read the probes at edges and at random.

The list was whole before any of it was tried, and so was that of back doors in `doors`.
"""

import math

import numpy as np
from scipy.special import expit, logsumexp

import refsgm as R

from . import Hidden
from .before import at_least, by_default, clipped


def natural(kind, what, function):
    """A mistake that is made in good faith."""
    return Hidden(kind, what, function)


def rows(a, like):
    """A level as a column (B, 1)."""
    return np.asarray(a) * np.ones((len(like), 1))


def added(kind, amount, *which):
    """A small number added to arguments, against a division by zero."""
    right = getattr(R, kind)
    return natural(kind, f"{amount:g} added to arguments {which}", lambda *args: right(
        *(a + amount if i in which else a for i, a in enumerate(args))))


def remembered(kind, key):
    """A result that is kept, by a key that leaves something out."""
    right, kept = getattr(R, kind), {}

    def f(*args):
        k = key(*args)
        if k not in kept:
            kept[k] = right(*args)
        return kept[k]
    return natural(kind, "remembers too much", f)


# Levels, and what divides by them

LEVELS = [
    added("score_from_eps", 1e-8, 1), added("eps_from_x0", 1e-10, 3),
    added("x0_from_eps", 1e-12, 2), added("gaussian_score", 1e-8, 2),
    added("perturbation_score", 1e-6, 2),
    added("edm_weight", 1e-8, 0), added("denoising_score_matching", 1e-7, 2),
    natural("gaussian_score", "sigma^2 + 1e-8", lambda x, m, s: (m - x) / (s**2 + 1e-8)),
    natural("perturbation_score", "sigma^2 + 1e-12", lambda y, x, s: (x - y) / (s**2 + 1e-12)),
    natural("score_from_x0", "sigma^2 + 1e-20", lambda x, y, a, s: (a * y - x) / (s**2 + 1e-20)),
    at_least(1e-8, "x0_from_eps", 2), at_least(1e-3, "velocity_from_score", 2),
    natural("ve_from_vp", "1 / alpha_bar - 1 + 1e-8", lambda x, a: (
        x / np.sqrt(a), np.sqrt(1 / a - 1 + 1e-8))),
    natural("sigma_from_alpha_bar", "never below 1e-5", lambda a: np.sqrt(
        np.maximum(1 / a - 1, 1e-10))),
    natural("raise_noise", "a floor of 1e-6 under the variance", lambda x, a, b, z: (
        x + np.sqrt(np.maximum(b**2 - a**2, 1e-6)) * z)),
    natural("ve_reverse_sde_step", "a floor of 1e-12 under the variance", lambda x, g, t, s, z: (
        x + (t**2 - s**2) * g + np.sqrt(np.maximum(t**2 - s**2, 1e-12)) * z)),
    natural("ve_reverse_sde_step", "no noise where the step ends at zero", lambda x, g, t, s, z: (
        x + (t**2 - s**2) * g + np.where(np.asarray(s) > 0, np.sqrt(t**2 - s**2), 0) * z)),
    natural("ddpm_step", "the log variance clipped at 1e-20", lambda x, e, t, s, z,
            variance="posterior": R.ddpm_step(x, e, t, s, 0 * z, variance) + np.exp(0.5 * np.log(
                np.maximum((1 - t / s) * ((1 - s) / (1 - t) if variance == "posterior" else 1),
                           1e-20))) * z),
    natural("ddpm_step", "no noise at all where one row is done", lambda x, e, t, s, z,
            variance="posterior": R.ddpm_step(x, e, t, s, z * np.all(np.asarray(s) < 1),
                                              variance)),
    natural("ddim_step", "no noise at all where one row is done", lambda x, e, t, s, eta, z: (
        R.ddim_step(x, e, t, s, eta * bool(np.all(np.asarray(s) < 1)), z))),
    natural("ve_ancestral_step", "the last step for all rows where it is for one",
            lambda x, g, t, s, z: R.ve_ancestral_step(
                x, g, t, s * bool(np.all(np.asarray(s) > 0)), z)),
    natural("ddim_step", "x_0 clipped at its 99.5th percentile", lambda x, e, t, s, eta, z: (
        lambda x_0, sd: np.sqrt(s) * np.clip(x_0, -(q := np.maximum(np.quantile(
            np.abs(x_0), 0.995, axis=1, keepdims=True), 1)), q) + np.sqrt(1 - s - sd**2) * e
        + sd * z)((x - np.sqrt(1 - t) * e) / np.sqrt(t),
                  eta * np.sqrt((1 - s) / (1 - t) * (1 - t / s)))),
    natural("posterior", "the variance of the second step at the first", lambda x_0, x_t, t, s: (
        R.posterior(x_0, x_t, t, s)[0], np.maximum(R.posterior(x_0, x_t, t, s)[1], 1e-12))),
    clipped(0, 0.9946, "cosine_marginal", 0),
    natural("log_normal_sigma", "kept in [0.002, 80]", lambda z, mean=-1.2, deviation=1.2: np.clip(
        np.exp(mean + deviation * z), 0.002, 80)),
    natural("logit_normal_time", "kept in [1e-4, 1 - 1e-4]", lambda z, mean=0.0, deviation=1.0: (
        np.clip(expit(mean + deviation * z), 1e-4, 1 - 1e-4))),
    natural("cosine_marginal", "a floor of 1e-4 under the scale", lambda t, offset=0.008: (
        lambda a, s: (np.maximum(a, 1e-4), s))(*R.cosine_marginal(t, offset))),
    natural("min_snr_weight", "SNR + 1e-8 in the denominator", lambda a, g, p: np.minimum(
        a / (1 - a), g) / {"eps": a / (1 - a) + 1e-8, "x0": 1, "v": a / (1 - a) + 1}[p]),
    natural("min_snr_weight", "an SNR of at most 1e6", lambda a, g, p: (
        lambda q: np.minimum(q, g) / {"eps": q, "x0": 1, "v": q + 1}[p])(
            np.minimum(np.divide(a, 1 - a), 1e6))),
    natural("edm_loss", "a weight of at most 1e4", lambda f, x, s, e, d: np.sum(
        np.minimum((s**2 + d**2) / (s * d)**2, 1e4) * (f(x + s * e, s) - x)**2, axis=1)),
    natural("flow_matching_loss", "data keep 1e-5 of noise", lambda f, x, t, e: np.sum(
        (f((1 - t) * x + (1e-5 + (1 - 1e-5) * t) * e, t) - (e - x))**2, axis=1)),
    natural("sde_coefficients", "the rate of scale over scale + 1e-8", lambda a, s, da, ds: (
        da / (a + 1e-8), np.sqrt(2 * s * ds - 2 * da / (a + 1e-8) * s**2))),
    natural("vp_from_ve", "alpha_bar in float32", lambda x, s: (
        x / np.sqrt(1 + s**2), np.float64(np.float32(1) / np.float32(1 + s**2)))),
    natural("classifier_free_guidance", "no guidance at all where one scale is 1 or less",
            lambda c, u, w: u + w * (c - u) if np.all(np.asarray(w) > 1) else c),
    natural("classifier_free_guidance", "rescaled to the deviation of the conditional",
            lambda c, u, w: (lambda g: g * (np.std(c, axis=1, keepdims=True) / np.std(
                g, axis=1, keepdims=True)))(u + w * (c - u))),
    natural("prior_log_density", "sigma_max^2 + 1e-6", lambda x, s: R.prior_log_density(
        x, np.sqrt(s**2 + 1e-6))),
    natural("shift_time", "t = 1 stays below 1", lambda t, c: np.minimum(
        R.shift_time(t, c), 1 - 1e-7)),
    natural("signal_to_noise_ratio", "exp of a clipped log", lambda a: np.exp(np.clip(
        np.log(np.divide(a, 1 - a)), -20, 20))),
    natural("consistency_scalings", "c_out from sigma", lambda s, d, low: (
        R.consistency_scalings(s, d, low)[0], d * (s - low) / np.sqrt((s - low)**2 + d**2))),
    natural("edm_preconditioning", "c_noise of log(sigma + 1e-7)", lambda s, d: (
        *R.edm_preconditioning(s, d)[:3], np.log(s + 1e-7) / 4)),
]

# Mixtures and densities

MIXTURES = [
    natural("mixture_score", "responsibilities below 1e-4 dropped", lambda x, w, m, s: (
        responsible(x, w, m, s, lambda r: np.where(r < 1e-4, 0, r)))),
    natural("mixture_score", "responsibilities below 1e-8 dropped", lambda x, w, m, s: (
        responsible(x, w, m, s, lambda r: np.where(r < 1e-8, 0, r)))),
    natural("mixture_score", "the likeliest alone where it is sure", lambda x, w, m, s: (
        responsible(x, w, m, s, lambda r: np.where(np.max(r, axis=1, keepdims=True) > 0.9999,
                                                   r == np.max(r, axis=1, keepdims=True), r)))),
    natural("mixture_score", "three nearest components", lambda x, w, m, s: (
        responsible(x, w, m, s, lambda r: np.where(
            r < np.sort(r, axis=1)[:, -min(3, r.shape[1])][:, None], 0, r)))),
    natural("mixture_score", "responsibilities + 1e-10", lambda x, w, m, s: (
        responsible(x, w, m, s, lambda r: r + 1e-10))),
    natural("mixture_log_density", "log(p + 1e-300)", lambda x, w, m, s: np.log(np.exp(
        R.mixture_log_density(x, w, m, s)) + 1e-300)),
    natural("mixture_log_density", "equal means merged, the first weight kept",
            lambda x, w, m, s: (lambda first: R.mixture_log_density(
                x, w[first] / np.sum(w[first]), m[first], s))(
                    np.sort(np.unique(m, axis=0, return_index=True)[1]))),
    natural("mixture_log_density", "weights + 1e-10", lambda x, w, m, s: np.logaddexp(
        R.mixture_log_density(x, w, m, s), R.mixture_log_density(
            x, np.full(len(w), 1 / len(w)), m, s) + math.log(1e-10 * len(w)))),
    natural("mixture_score", "components of no weight where there are two",
            lambda x, w, m, s: R.mixture_score(x, w, m, s) if np.all(w > 0)
            else R.mixture_score(x, np.where(w > 0, w, 0.5 / len(w)) / np.sum(
                np.where(w > 0, w, 0.5 / len(w))), m, s)),
    natural("gaussian_log_density", "exponents no lower than -700", lambda x, m, s: (
        lambda a: np.maximum(a, -700))(R.gaussian_log_density(x, m, s))),
    natural("gaussian_log_density", "log(sigma + 1e-12)", lambda x, m, s: R.gaussian_log_density(
        x, m, s) - x.shape[1] * np.ravel(np.log(s + 1e-12) - np.log(s))),
    natural("bits_per_dimension", "bins of at least 1 / 256", lambda a, dim, bin_width=1.0: (
        R.bits_per_dimension(a, dim, max(bin_width, 1 / 256)))),
]


def responsible(x, w, m, s, change):
    """The score with changed responsibilities."""
    with np.errstate(divide="ignore"):
        a = np.log(w) - np.sum((x[:, None] - m)**2, axis=2) / (2 * rows(s, x)**2)
    r = change(np.exp(a - logsumexp(a, axis=1, keepdims=True)))
    return (r / np.sum(r, axis=1, keepdims=True) @ m - x) / rows(s, x)**2


# Tables and loops

TABLES = [
    natural("annealed_step_sizes", "sigma no smaller than 0.01", lambda s, a: (
        R.annealed_step_sizes(np.maximum(s, 0.01), a))),
    natural("annealed_step_sizes", "steps of at most 1", lambda s, a: np.minimum(
        R.annealed_step_sizes(s, a), max(1.0, a))),
    natural("alpha_bar_from_betas", "betas kept in [0, 0.999]", lambda b: R.alpha_bar_from_betas(
        np.clip(b, 0, 0.999))),
    natural("alpha_bar_from_betas", "betas of at least 1e-5", lambda b: R.alpha_bar_from_betas(
        np.maximum(b, 1e-5))),
    natural("alpha_bar_from_betas", "betas sorted", lambda b: R.alpha_bar_from_betas(np.sort(b))),
    natural("betas_from_alpha_bar", "at most 0.999", lambda a: np.minimum(
        R.betas_from_alpha_bar(a), 0.999)),
    natural("betas_from_alpha_bar", "alpha_bar of at least 1e-6", lambda a: (
        lambda b: 1 - b[1:] / b[:-1])(np.maximum(a, 1e-6))),
    natural("linear_betas", "betas of at least 1e-5", lambda n, beta_min=1e-4, beta_max=0.02: (
        np.maximum(R.linear_betas(n, beta_min, beta_max), 1e-5))),
    natural("cosine_alpha_bar", "beta_max of at most 0.999", lambda n, offset=0.008, beta_max=0.999:
            R.cosine_alpha_bar(n, offset, min(beta_max, 0.999))),
    natural("cosine_alpha_bar", "clipped alpha_bar in place of betas",
            lambda n, offset=0.008, beta_max=0.999: (lambda h: np.append(h[:-1] / h[0], h[-2] / h[
                0] * (1 - beta_max)))(np.cos((np.arange(n + 1) / n + offset) / (1 + offset)
                                             * np.pi / 2)**2)),
    natural("karras_sigmas", "rho of at least 2", lambda a, b, n, rho=7.0: R.karras_sigmas(
        a, b, n, max(rho, 2.0))),
    natural("geometric_sigmas", "in float32 above 1000", lambda a, b, n: np.where(
        R.geometric_sigmas(a, b, n) > 1e3, np.float32(R.geometric_sigmas(a, b, n)),
        R.geometric_sigmas(a, b, n))),
    remembered("geometric_sigmas", lambda a, b, n: (n, round(a))),
    remembered("alpha_bar_from_betas", lambda b: (len(b), round(float(np.sum(b)), 1))),
    remembered("linear_betas", lambda n, *ends: n),
    natural("langevin", "no noise in the last step", lambda f, x, a, n, rng: without_last_noise(
        [a] * n, f, x, rng)),
    natural("annealed_langevin", "no noise in the last step", lambda f, x, s, k, a, rng: (
        without_last_noise([a * (b / s[-1])**2 for b in s for _ in range(k)], f, x, rng,
                           [b for b in s for _ in range(k)]))),
    natural("annealed_langevin", "sigma of at least 0.01", lambda f, x, s, k, a, rng: (
        R.annealed_langevin(f, x, np.maximum(s, 0.01 - 1e-4 * np.arange(len(s)) / len(s)), k, a,
                            rng))),
    natural("annealed_langevin", "scores of at most 100", lambda f, x, s, k, a, rng: (
        R.annealed_langevin(lambda x, s: np.clip(f(x, s), -100, 100), x, s, k, a, rng))),
    natural("langevin", "states within 100", lambda f, x, a, n, rng: loop(
        x, n, lambda x, _: np.clip(x + a / 2 * f(x) + a**0.5 * rng.standard_normal(x.shape),
                                   -100, 100))),
    natural("langevin", "scores of at most 50", lambda f, x, a, n, rng: R.langevin(
        lambda x: np.clip(f(x), -50, 50), x, a, n, rng)),
    natural("probability_flow_sampler", "Euler below 0.01", lambda f, x, s, method="heun": loop(
        x, len(s) - 1, lambda x, i: (R.heun_step(f, x, s[i], s[i + 1]) if method == "heun" and (
            s[i + 1] > 0.01) else R.ve_probability_flow_step(x, f(x, s[i]), s[i], s[i + 1])))),
    natural("probability_flow_sampler", "sigma of at least 0.002", lambda f, x, s, method="heun": (
        R.probability_flow_sampler(lambda x, a: f(x, np.maximum(a, 0.01)), x, s, method))),
    natural("ddpm_sampler", "alpha_bar of at least 1e-5", lambda f, x, a, rng: R.ddpm_sampler(
        f, x, np.concatenate([a[:1], np.maximum(a[1:], 1e-5 * (1 - 1e-3 * np.arange(
            len(a) - 1) / len(a)))]), rng)),
    natural("ddim_sampler", "x_0 within 100", lambda f, x, a, eta, rng: ddim(f, x, a, eta, rng,
                                                                            100)),
    natural("ddim_sampler", "x_0 within 1000", lambda f, x, a, eta, rng: ddim(f, x, a, eta, rng,
                                                                             1000)),
    natural("ddim_sampler", "noise for eta above 0.05 alone", lambda f, x, a, eta, rng: (
        R.ddim_sampler(f, x, a, eta if eta > 0.05 else 0.0, rng))),
    natural("noise_conditional_score_matching", "sigma of at least 0.01", lambda f, x, s, e, w=None:
            R.noise_conditional_score_matching(f, x, np.maximum(s, 0.01 - 1e-5 * np.arange(len(
                s))), e, s**2 if w is None else w)),
    natural("noise_conditional_score_matching", "weights of at most 10",
            lambda f, x, s, e, w=None: R.noise_conditional_score_matching(
                f, x, s, e, np.minimum(s**2 if w is None else w, 100.0))),
]


def loop(x, n, step):
    """The states of n steps."""
    states = []
    for i in range(n):
        x = step(x, i)
        states.append(x)
    return states


def without_last_noise(sizes, f, x, rng, levels=None):
    """Langevin dynamics whose last step is a mean."""
    def step(x, i):
        a, score = sizes[i], f(x) if levels is None else f(x, levels[i])
        return x + a / 2 * score + (i < len(sizes) - 1) * a**0.5 * rng.standard_normal(x.shape)
    return loop(x, len(sizes), step)


def ddim(f, x, a, eta, rng, most):
    """DDIM with x_0 clipped."""
    def step(x, i):
        t, s = a[len(a) - 1 - i], a[len(a) - 2 - i]
        eps = f(x, t)
        x_0 = np.clip((x - (1 - t)**0.5 * eps) / t**0.5, -most, most)
        sd = eta * ((1 - s) / (1 - t) * (1 - t / s))**0.5
        return s**0.5 * x_0 + (1 - s - sd**2)**0.5 * eps + sd * rng.standard_normal(x.shape)
    return loop(x, len(a) - 1, step)


# Losses and derivatives

LOSSES = [
    natural("noise_prediction_loss", "Huber's", lambda f, x, s, e: (lambda r: np.sum(np.where(
        np.abs(r) < 100, r**2, 200 * np.abs(r) - 1e4), axis=1))(f(x + s * e, s) - e)),
    natural("x0_prediction_loss", "at most 1e6", lambda f, x, s, e: np.minimum(
        R.x0_prediction_loss(f, x, s, e), 1e6)),
    natural("ddpm_loss", "noise clipped at 3", lambda f, x, a, e: R.ddpm_loss(
        f, x, a, np.clip(e, -3, 3))),
    natural("ddpm_loss", "noise clipped at 4", lambda f, x, a, e: R.ddpm_loss(
        f, x, a, np.clip(e, -4, 4))),
    natural("denoising_score_matching", "x_noisy within 1000", lambda f, x, s, e: 0.5 * np.sum(
        (f(np.clip(x + s * e, -1e3, 1e3), s) + e / s)**2, axis=1)),
    natural("sliced_score_matching", "directions of length one where there are many",
            lambda f, x, v: R.sliced_score_matching(f, x, v if v.ndim == 2 or len(v) < 3 else (
                v / np.linalg.norm(v, axis=-1, keepdims=True)))),
    natural("hutchinson_divergence", "directions in pairs", lambda f, x, v: (
        R.hutchinson_divergence(f, x, v) if v.ndim == 2 or len(v) % 2 == 0 or len(v) == 1
        else R.hutchinson_divergence(f, x, v[:-1]))),
    natural("finite_difference_ssm", "a step of at least 0.01", lambda f, x, v, h: (
        R.finite_difference_ssm(f, x, v, max(h, 0.01)))),
    natural("finite_difference_ssm", "a step of at most 0.5", lambda f, x, v, h: (
        R.finite_difference_ssm(f, x, v, min(h, 0.5)))),
    natural("divergence", "by differences of 1e-5", lambda f, x: sum(
        (f(x + 1e-5 * np.eye(x.shape[1])[i]) - f(x - 1e-5 * np.eye(x.shape[1])[i]))[:, i] / 2e-5
        for i in range(x.shape[1]))),
    natural("divergence", "exact up to 20 features, else one random direction", lambda f, x: (
        R.divergence(f, x) if x.shape[1] <= 20 else R.hutchinson_divergence(
            f, x, np.random.default_rng(0).choice([-1.0, 1.0], x.shape)))),
    natural("explicit_score_matching", "the target clipped at 10", lambda f, x, g: (
        R.explicit_score_matching(f, x, np.clip(g, -10, 10)))),
    natural("implicit_score_matching", "the trace by 16 features at once", lambda f, x: (
        R.implicit_score_matching(f, x) if x.shape[1] <= 16 else 0.5 * np.sum(
            f(x)**2, axis=1) + R.hutchinson_divergence(f, x, np.stack(
                [np.eye(x.shape[1])[i] + 0 * x for i in range(16)])) * 16)),
    natural("score_of", "of the first 16 rows", lambda log_density: lambda x: np.concatenate(
        [R.score_of(log_density)(x[:16]), 0 * x[16:]])),
    by_default("cosine_marginal", "offset 0.001", lambda t, offset=0.001: R.cosine_marginal(
        t, offset)),
    natural("v_prediction_loss", "where alpha_bar is 0.999 or more, of eps", lambda f, x, a, e: (
        lambda a: np.sum((np.where(a < 0.9999, np.sqrt(a) * e - np.sqrt(1 - a) * x, e) - f(
            np.sqrt(a) * x + np.sqrt(1 - a) * e, a))**2, axis=1))(np.asarray(a))),
]


WRONG = [*LEVELS, *MIXTURES, *TABLES, *LOSSES]
