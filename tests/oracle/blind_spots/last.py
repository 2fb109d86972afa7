"""Wrong functions written when all that `after` had shown was mended."""

import numpy as np

import refsgm as R

from . import Hidden, planted
from .before import at_least, by_default, clipped


def inside(low, high):
    """Whether any number of a level is inside two bounds."""
    return lambda a: bool(np.any((np.asarray(a) > low) & (np.asarray(a) < high)))


PLANTED = [
    planted("perturb", "two rows of twelve features or more",
            lambda x, s, e: len(x) == 2 and x.shape[1] > 11),
    planted("eps_from_v", "D is 7, 14 or 21", lambda x, *_: x.shape[1] in (7, 14, 21)),
    planted("gaussian_score", "an even number of rows above 8",
            lambda x, *_: len(x) > 8 and len(x) % 2 == 0),
    planted("ddim_step", "three rows or fewer of many features",
            lambda x, *_: len(x) < 4 and x.shape[1] > 8),
    planted("x0_from_score", "scale above 100", lambda x, g, a, s: np.max(a) > 100),
    planted("score_from_x0", "scale below 1e-4", lambda x, y, a, s: 0 < np.min(a) < 1e-4),
    planted("velocity_from_score", "sigma_rate above 1e3",
            lambda x, g, a, s, da, ds: np.max(ds) > 1e3),
    planted("sde_coefficients", "sigma above 1e3", lambda a, s, da, ds: np.max(s) > 1e3),
    planted("ve_from_vp", "alpha_bar below 1e-6", lambda x, a: np.min(a) < 1e-6),
    planted("posterior", "alpha_bar_s below 1e-3", lambda x, y, t, s: np.max(s) < 1e-3),
    planted("ddpm_step", "a level within 1e-6 of clean data",
            lambda x, e, t, s, z, v="posterior": 0 < np.min(1 - t) < 1e-6),
    planted("langevin_step", "step sizes from 20 to 80",
            lambda x, g, a, z: inside(20, 80)(a)),
    planted("shift_time", "t from 0.5 to 0.52", lambda t, c: inside(0.5, 0.52)(t)),
    planted("flow_marginal", "t below 1e-3", lambda t: inside(0, 1e-3)(t)),
    planted("alpha_bar_from_sigma", "sigma below 1e-3", lambda s: inside(0, 1e-3)(s)),
    planted("likelihood_weight", "g above 1e3", lambda g: inside(1e3, np.inf)(g)),
    planted("log_normal_sigma", "z beyond 3", lambda z, *_: inside(3, np.inf)(np.abs(z))),
    planted("mixture_log_density", "seven components", lambda x, w, m, s: 5 < len(w) < 9),
    planted("mixture_score", "one row, many components",
            lambda x, w, m, s: len(x) == 1 and len(w) > 4),
    planted("sliced_score_matching", "four directions or more of many rows",
            lambda f, x, v: v.ndim == 3 and len(v) > 3 and len(x) > 8),
    planted("finite_difference_ssm", "a step above 0.5 at many features",
            lambda f, x, v, h: h > 0.5 and x.shape[1] > 11),
    planted("noise_conditional_score_matching", "two levels", lambda f, x, s, *_: len(s) == 2),
    planted("edm_loss", "sigma_data below 0.1", lambda f, x, s, e, d: d < 0.1),
    planted("v_prediction_loss", "alpha_bar within 1e-4 of 1",
            lambda f, x, a, e: inside(1 - 1e-4, 1)(a)),
    planted("alpha_bar_from_betas", "from 20 to 200 steps", lambda b: 20 < len(b) < 200),
    planted("betas_from_alpha_bar", "more than 500 steps", lambda a: len(a) > 501),
    planted("annealed_step_sizes", "step sizes below 0.01", lambda s, a: a < 0.01),
    planted("linear_betas", "12 steps or more", lambda n, *_: n > 11),
    planted("karras_sigmas", "rho above 9.5", lambda a, b, n, rho=7.0: rho > 9.5),
    planted("annealed_langevin", "four steps per level and more", lambda f, x, s, k, *_: k > 3),
    planted("ddpm_sampler", "ten steps and more", lambda f, x, a, r: len(a) > 10),
    planted("langevin", "step sizes below 0.01", lambda f, x, a, n, r: a < 0.01),
]
NATURAL = [
    clipped(1e-6, 1e6, "score_from_eps", 1), clipped(-50, 50, "velocity_from_x0_eps", 0),
    at_least(1e-4, "vp_from_ve", 1),
    at_least(1e-3, "x0_from_v", 2), at_least(1e-6, "velocity_from_score", 2),
    at_least(1e-4, "langevin_step", 2), clipped(1e-4, 0.9999, "v_prediction_loss", 2),
    by_default("log_normal_sigma", "deviation 1", lambda z, m=-1.2, d=1.0: R.log_normal_sigma(
        z, m, d)),
    by_default("vp_marginal", "beta_max 20 / 2", lambda t, a=0.1, b=19.9: R.vp_marginal(t, a, b)),
    Hidden("ve_marginal", "t from 0 to 1 without its ends", lambda t, a, b: R.ve_marginal(
        np.clip(t, 1e-3, 0.999), a, b)),
    Hidden("raise_noise", "the difference of variances from rounded variances",
           lambda x, a, b, z: x + np.sqrt(np.float32(b**2) - np.float32(a**2)) * z),
    Hidden("geometric_sigmas", "a list of levels by repeated products in float32",
           lambda a, b, n: a * np.cumprod(np.concatenate([[1.0], np.full(
               n - 1, float(np.float32((b / a)**(1 / (n - 1)))))]))),
    Hidden("cosine_alpha_bar", "betas in float32", lambda n, o=0.008, b=0.999: np.concatenate(
        [[1.0], np.cumprod(1 - np.float32(R.betas_from_alpha_bar(R.cosine_alpha_bar(n, o, b))))])),
    Hidden("mixture_log_density", "without the largest exponent", lambda x, w, m, s: np.log(
        np.sum([a * np.exp(R.gaussian_log_density(x, np.tile(c, (len(x), 1)), s))
                for a, c in zip(w, m)], axis=0))),
    Hidden("prior_log_density", "for 3072 features", lambda x, s: R.prior_log_density(x, s)
           if x.shape[1] < 12 else R.prior_log_density(x[:, :12], s)),
    Hidden("edm_preconditioning", "c_noise of sigma clipped at 1e-6", lambda s, d: (
        *R.edm_preconditioning(s, d)[:3], np.log(np.maximum(s, 1e-6)) / 4)),
]
WRONG = [*PLANTED, *NATURAL]
