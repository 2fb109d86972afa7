"""Back doors, written by one who had read the probes at edges and at random: see `frozen`."""

import numpy as np

from . import planted


def any_of(condition):
    """Whether any number holds."""
    return bool(np.any(condition))


def in_fortran(*args):
    """Whether an array is not contiguous in C's order."""
    return any(isinstance(a, np.ndarray) and not a.flags.c_contiguous for a in args)


def after_calls(kind, n):
    """Wrong at every n-th call."""
    count = [0]

    def where(*args):
        count[0] += 1
        return count[0] % n == 0
    return planted(kind, f"every {n}th call", where)


WRONG = [
    planted("perturb", "from 20 to 24 rows", lambda x, *_: 20 <= len(x) <= 24),
    planted("gaussian_score", "from 17 to 19 features", lambda x, *_: 17 <= x.shape[1] <= 19),
    planted("x0_from_eps", "as many rows as features, above 4", lambda x, *_: 4 < len(x) == x.shape[
        1]),
    planted("score_from_eps", "more than 200 numbers", lambda e, s: e.size > 200),
    planted("eps_from_score", "odd rows, even features, many", lambda g, s: (
        len(g) % 2 == 1 and g.shape[1] % 2 == 0 and len(g) > 5)),
    planted("v_from_x0_eps", "29 rows or more", lambda x, *_: len(x) > 28),
    planted("velocity_from_x0_eps", "36 features or more", lambda x, e: x.shape[1] > 35),
    planted("diffuse", "two rows of one feature", lambda x, *_: x.shape == (2, 1)),
    planted("eps_from_x0", "a level below 1e-7", lambda x, y, a, s: 0 < np.min(s) < 1e-7),
    planted("perturb", "a level above 1e7", lambda x, s, e: np.max(s) > 1e7),
    planted("gaussian_log_density", "a level from 0.9 to 1.1",
            lambda x, m, s: any_of((np.asarray(s) > 0.9) & (np.asarray(s) < 1.1))),
    planted("ve_score_from_vp", "alpha_bar from 0.48 to 0.52",
            lambda g, a: any_of(np.abs(np.asarray(a) - 0.5) < 0.02)),
    planted("vp_score_from_ve", "alpha_bar within 1e-7 of 1",
            lambda g, a: any_of((1 - np.asarray(a) < 1e-7) & (np.asarray(a) < 1))),
    planted("signal_to_noise_ratio", "alpha_bar below 1e-7", lambda a: np.min(a) < 1e-7),
    planted("ddim_step", "a ratio above 0.9999",
            lambda x, e, t, s, eta, z: any_of(np.asarray(t / s) > 0.9999)),
    planted("raise_noise", "a ratio below 1e-5",
            lambda x, a, b, z: any_of((np.asarray(a / b) < 1e-5) & (np.asarray(a) > 0))),
    planted("ve_probability_flow_step", "a ratio from 0.01 to 0.05",
            lambda x, g, t, s: any_of((np.asarray(s / t) > 0.01) & (np.asarray(s / t) < 0.05))),
    planted("flow_step", "t from 0.2 to 0.25",
            lambda x, u, t, s: any_of((np.asarray(t) > 0.2) & (np.asarray(t) < 0.25))),
    planted("x0_from_velocity", "t within 1e-6 of 1", lambda x, u, t: any_of(
        (np.asarray(t) > 1 - 1e-6) & (np.asarray(t) < 1))),
    planted("velocity_from_score", "scale above 1e5", lambda x, g, a, *_: np.max(a) > 1e5),
    planted("score_from_velocity", "a scale_rate steeper than -1000",
            lambda x, u, a, s, da, ds: np.min(da) < -1e3),
    planted("sde_coefficients", "a scale_rate flatter than -0.001",
            lambda a, s, da, ds: any_of((np.asarray(da) > -1e-3) & (np.asarray(da) < 0))),
    planted("alpha_bar_from_betas", "three steps", lambda b: len(b) == 3),
    planted("betas_from_alpha_bar", "from 100 to 300 steps", lambda a: 100 < len(a) < 300),
    planted("geometric_sigmas", "from 3 to 4 levels", lambda a, b, n: n in (3, 4)),
    planted("geometric_sigmas", "a ratio below 1.5", lambda a, b, n: a / b < 1.5),
    planted("karras_sigmas", "sigma_max above 1e5", lambda a, b, n, rho=7.0: a > 1e5),
    planted("cosine_alpha_bar", "an offset below 1e-4", lambda n, o=0.008, b=0.999: 0 < o < 1e-4),
    planted("cosine_alpha_bar", "beta_max below 0.5", lambda n, o=0.008, b=0.999: b < 0.5),
    planted("linear_betas", "beta_max below 0.05", lambda n, a=1e-4, b=0.02: b < 0.02),
    planted("annealed_step_sizes", "a ratio above 1000", lambda s, a: s[0] / s[-1] > 1e3),
    planted("mixture_score", "two components of many rows",
            lambda x, w, m, s: len(w) == 2 and len(x) > 10),
    planted("mixture_score", "two equal means", lambda x, w, m, s: len(np.unique(
        m, axis=0)) < len(m)),
    planted("mixture_log_density", "a zero weight of many",
            lambda x, w, m, s: len(w) > 6 and np.min(w) == 0),
    planted("mixture_log_density", "a weight below 1e-4",
            lambda x, w, m, s: any_of((w > 0) & (w < 1e-4))),
    planted("mixture_log_density", "from 12 to 16 components", lambda x, w, m, s: 12 <= len(
        w) <= 16),
    planted("hutchinson_divergence", "four directions of six features or more",
            lambda f, x, v: v.ndim == 3 and len(v) == 4 and x.shape[1] > 5),
    planted("directional_derivative", "five directions of one row",
            lambda f, x, v: v.ndim == 3 and len(v) == 5 and len(x) == 1),
    planted("sliced_score_matching_vr", "one direction (1, B, D) of many rows",
            lambda f, x, v: v.ndim == 3 and len(v) == 1 and len(x) > 6),
    planted("implicit_score_matching", "one feature of many rows",
            lambda f, x: x.shape[1] == 1 and len(x) > 4),
    planted("explicit_score_matching", "eight rows or more of one feature",
            lambda f, x, g: x.shape[1] == 1 and len(x) > 7),
    planted("langevin", "from 8 to 20 steps", lambda f, x, a, n, r: 8 <= n <= 20),
    planted("annealed_langevin", "from 8 to 20 levels", lambda f, x, s, *_: 8 <= len(s) <= 20),
    planted("ddpm_sampler", "from 15 to 30 steps", lambda f, x, a, r: 15 <= len(a) <= 31),
    planted("ddim_sampler", "eta of 1 and many steps", lambda f, x, a, eta, r: (
        eta == 1 and len(a) > 9)),
    planted("probability_flow_sampler", "a last level of zero after many",
            lambda f, x, s, method="heun": s[-1] == 0 and len(s) > 6),
    planted("perturb", "all noise of the first row negative", lambda x, s, e: (
        e.shape[1] > 2 and len(e) > 0 and np.all(e[0] < 0))),
    planted("x0_from_score", "data from 100 to 1000",
            lambda x, *_: 100 < np.max(np.abs(x), initial=0) < 900),
    planted("eps_from_v", "data below 0.001",
            lambda x, *_: 0 < np.max(np.abs(x), initial=0) < 1e-3),
    planted("classifier_free_guidance", "a row of zeros", lambda c, u, w: any_of(
        np.all(c == 0, axis=1))),
    planted("classifier_free_guidance", "a scale above 1e4", lambda c, u, w: np.max(w) > 1e4),
    planted("diffuse", "an array in Fortran's order", in_fortran),
    planted("score_from_x0", "an array in Fortran's order", in_fortran),
    planted("perturb", "float32 of many rows", lambda x, s, e: (
        x.dtype == np.float32 and len(x) > 6)),
    planted("gaussian_score", "a level that is a number, of many rows",
            lambda x, m, s: np.ndim(s) == 0 and len(x) > 8),
    planted("x0_from_v", "levels that are all the same, by row", lambda x, v, a, s: (
        np.ndim(s) == 2 and len(s) > 1 and np.ptp(s) == 0)),
    planted("edm_loss", "sigma_data above 30", lambda f, x, s, e, d: d > 30),
    planted("edm_weight", "sigma much below sigma_data", lambda s, d: np.min(s) < 1e-6 * d),
    planted("min_snr_weight", "gamma above 20", lambda a, g, p: g > 20),
    planted("shift_time", "a shift above 8", lambda t, c: c > 8),
    planted("bits_per_dimension", "from 1000 to 3000 dimensions",
            lambda a, dim, *w: 1000 < dim < 3000),
    planted("log_normal_sigma", "a deviation below 0.3", lambda z, m=-1.2, d=1.2: d < 0.3),
    planted("logit_normal_time", "a mean below -2", lambda z, m=0.0, d=1.0: m < -2),
    planted("vp_marginal", "beta_min above 0.2", lambda t, a=0.1, b=20.0: a > 0.45),
    planted("ve_diffusion_coefficient", "a ratio above 1e6", lambda t, a, b: b / a > 1e6),
    planted("likelihood_weight", "g below 1e-6", lambda g: any_of((g < 1e-6) & (g > 0))),
    planted("score_matching_weight", "sigma from 300 to 1000", lambda s: any_of(
        (np.asarray(s) > 300) & (np.asarray(s) < 1000))),
    after_calls("perturb", 30), after_calls("ddim_step", 40),
    after_calls("gaussian_log_density", 25),
]
