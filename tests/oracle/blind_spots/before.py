"""Wrong functions written against the probes as they were before edges and random ones."""

import numpy as np

import refsgm as R

from . import Hidden, planted

LOSSES_OF_DIRECTIONS = ("directional_derivative", "hutchinson_divergence", "sliced_score_matching",
                        "sliced_score_matching_vr", "finite_difference_ssm")


def over(kind, choose):
    """A kind whose directions (M, B, D) are chosen by `choose`, and averaged."""
    right = getattr(R, kind)

    def f(score_fn, x, v, *step):
        return choose(lambda u: right(score_fn, x, u, *step), v) if v.ndim == 3 else right(
            score_fn, x, v, *step)
    return f


CHOICES_OF_DIRECTIONS = (
    ("2 for M", lambda g, v: sum(map(g, v)) / 2),
    ("two directions alone", lambda g, v: sum(map(g, v[:2])) / len(v[:2])),
    ("the first and the last", lambda g, v: (g(v[0]) + g(v[-1])) / 2),
    ("three at most", lambda g, v: sum(map(g, v[:3])) / len(v[:3])),
    ("the sum for four and more", lambda g, v: sum(map(g, v)) / (len(v) if len(v) < 4 else 1)))
DIRECTIONS = [Hidden(kind, what, over(kind, choose)) for kind in LOSSES_OF_DIRECTIONS
              for what, choose in CHOICES_OF_DIRECTIONS]


def by_default(kind, what, f):
    """A wrong default, which is right wherever it is given."""
    return Hidden(kind, f"default: {what}", f)


def ddpm_default(x, e, t, s, z, variance="beta"):
    return R.ddpm_step(x, e, t, s, z, variance)


def flow_default(f, x, sigmas, method="euler"):
    return R.probability_flow_sampler(f, x, sigmas, method)


def ncsn(default):
    """NCSN's loss with other weights by default."""
    def loss(f, x, sigmas, eps, weights=None):
        return R.noise_conditional_score_matching(f, x, sigmas, eps,
                                                  default(sigmas) if weights is None else weights)
    return loss


DEFAULTS = [
    by_default("karras_sigmas", "rho 3", lambda a, b, n, rho=3.0: R.karras_sigmas(a, b, n, rho)),
    by_default("karras_sigmas", "rho 5", lambda a, b, n, rho=5.0: R.karras_sigmas(a, b, n, rho)),
    by_default("linear_betas", "beta_max 0.03",
               lambda n, a=1e-4, b=0.03: R.linear_betas(n, a, b)),
    by_default("linear_betas", "beta_min 1e-3", lambda n, a=1e-3, b=0.02: R.linear_betas(n, a, b)),
    by_default("linear_betas", "those of latent diffusion",
               lambda n, a=0.00085, b=0.012: R.linear_betas(n, a, b)),
    by_default("vp_marginal", "beta_max 10", lambda t, a=0.1, b=10.0: R.vp_marginal(t, a, b)),
    by_default("vp_marginal", "beta_min 0.01", lambda t, a=0.01, b=20.0: R.vp_marginal(t, a, b)),
    by_default("cosine_alpha_bar", "offset 0.01",
               lambda n, o=0.01, b=0.999: R.cosine_alpha_bar(n, o, b)),
    by_default("cosine_alpha_bar", "beta_max 0.9999",
               lambda n, o=0.008, b=0.9999: R.cosine_alpha_bar(n, o, b)),
    by_default("bits_per_dimension", "bins of width 2",
               lambda a, dim, width=2.0: R.bits_per_dimension(a, dim, width)),
    by_default("bits_per_dimension", "256 bins in [-1, 1]",
               lambda a, dim, width=2 / 256: R.bits_per_dimension(a, dim, width)),
    by_default("ddpm_step", "variance beta", ddpm_default),
    by_default("probability_flow_sampler", "Euler", flow_default),
    by_default("log_normal_sigma", "EDM's -1.2 and 1.2 exchanged",
               lambda z, m=1.2, d=-1.2: R.log_normal_sigma(z, m, d)),
    by_default("logit_normal_time", "deviation 0.5",
               lambda z, m=0.0, d=0.5: R.logit_normal_time(z, m, d)),
    by_default("noise_conditional_score_matching", "weights 1", ncsn(np.ones_like)),
    by_default("noise_conditional_score_matching", "weights sigma", ncsn(lambda s: s)),
    by_default("noise_conditional_score_matching", "weights sigma^2 / L",
               ncsn(lambda s: s**2 / len(s))),
]


def clipped(low, high, kind, *which):
    """Arguments at these positions kept between two bounds."""
    right = getattr(R, kind)

    def f(*args):
        args = [np.clip(a, low, high) if i in which else a for i, a in enumerate(args)]
        return right(*args)
    return Hidden(kind, f"arguments {which} clipped to [{low:g}, {high:g}]", f)


def at_least(low, kind, *which):
    """Arguments at these positions no smaller than a bound."""
    return clipped(low, np.inf, kind, *which)


EDGES = [
    Hidden("score_from_x0", "divides by scale",
           lambda x, x_0, a, s: (x_0 - x / a) * a / s**2),
    Hidden("eps_from_x0", "divides by scale", lambda x, x_0, a, s: (x / a - x_0) / (s / a)),
    Hidden("x0_from_v", "divides by scale",
           lambda x, v, a, s: (x - s / a * v) / (a + s**2 / a)),
    Hidden("eps_from_v", "divides by scale",
           lambda x, v, a, s: (s / a * x + v) / (a + s**2 / a)),
    Hidden("score_from_velocity", "divides by scale",
           lambda x, u, a, s, da, ds: (da / a * x - u) / (s * ds - s**2 * da / a)),
    Hidden("raise_noise", "divides by sigma_from",
           lambda x, a, b, z: x + a * np.sqrt((b / a)**2 - 1) * z),
    Hidden("raise_noise", "logarithms", lambda x, a, b, z: x + np.exp(
        np.log(a) + 0.5 * np.log(np.expm1(2 * (np.log(b) - np.log(a))))) * z),
    Hidden("diffuse", "a floor under 1 - alpha_bar",
           lambda x, a, e: np.sqrt(a) * x + np.sqrt(np.maximum(1 - a, 1e-4)) * e),
    Hidden("ddpm_loss", "a floor under 1 - alpha_bar", lambda f, x, a, e: np.sum(
        (f(np.sqrt(a) * x + np.sqrt(np.maximum(1 - a, 1e-4)) * e, a) - e)**2, axis=1)),
    Hidden("signal_to_noise_ratio", "a floor under 1 - alpha_bar",
           lambda a: a / np.maximum(1 - a, 1e-12)),
    Hidden("signal_to_noise_ratio", "capped at 1e5", lambda a: np.minimum(a / (1 - a), 1e5)),
    Hidden("signal_to_noise_ratio", "finite", lambda a: np.nan_to_num(np.divide(a, 1 - a))),
    Hidden("min_snr_weight", "0 / 0 at clean data", lambda a, g, p: (
        np.minimum(a, g * (1 - a)) / (1 - a) / {"eps": a / (1 - a), "x0": 1.0,
                                                "v": 1 / (1 - a)}[p])),
    clipped(1e-5, 1 - 1e-5, "flow_marginal", 0),
    clipped(1e-3, 1.0, "vp_marginal", 0),
    clipped(1e-5, 1.0, "vp_marginal", 0),
    clipped(1e-5, 1.0, "ve_marginal", 0),
    clipped(1e-5, 1.0, "ve_diffusion_coefficient", 0),
    clipped(1e-5, 1 - 1e-5, "flow_matching_loss", 2),
    clipped(1e-4, 1 - 1e-4, "x0_from_velocity", 2),
    clipped(1e-4, 1 - 1e-4, "shift_time", 0),
    clipped(1e-3, 1.0, "flow_step", 2, 3),
    clipped(0.0, 0.999, "flow_marginal", 0),
    clipped(0.0, 0.9999, "diffuse", 1),
    clipped(0.0, 0.9999, "ve_from_vp", 1),
    clipped(0.0, 0.9999, "sigma_from_alpha_bar", 0),
    Hidden("shift_time", "odds, infinite at 1", lambda t, c: (
        lambda odds: odds / (1 + odds))(c * t / np.asarray(1 - t))),
    Hidden("ve_marginal", "starts at the second level", lambda t, a, b: np.where(
        np.asarray(t) == 0, 0.0, a * (b / a)**t)),
    Hidden("sde_coefficients", "divides by sigma", lambda a, s, da, ds: (
        da / a, s * np.sqrt(2 * (np.divide(ds, s) - da / a)))),
    Hidden("mixture_log_density", "a floor under the weights", lambda x, w, m, s:
           R.mixture_log_density(x, (w + 1e-3) / np.sum(w + 1e-3), m, s)),
    Hidden("mixture_score", "a floor under the weights", lambda x, w, m, s:
           R.mixture_score(x, np.maximum(w, 1e-2) / np.sum(np.maximum(w, 1e-2)), m, s)),
    Hidden("mixture_score", "four components alone", lambda x, w, m, s:
           R.mixture_score(x, w[:4] / np.sum(w[:4]), m[:4], s)),
    Hidden("mixture_log_density", "ten components alone", lambda x, w, m, s:
           R.mixture_log_density(x, w[:10] / np.sum(w[:10]), m[:10], s)),
    Hidden("mixture_score", "raises for one component", lambda x, w, m, s:
           R.mixture_score(x, w, m, s) if len(w) > 1 else 1 / 0),
    Hidden("linear_betas", "0 / 0 for one step", lambda n, a=1e-4, b=0.02: np.array(
        [a + (b - a) * np.divide(i, n - 1) for i in range(n)])),
    Hidden("cosine_alpha_bar", "two steps at least",
           lambda n, o=0.008, b=0.999: R.cosine_alpha_bar(max(n, 2), o, b)),
    Hidden("annealed_langevin", "two steps per level",
           lambda f, x, s, k, a, r: R.annealed_langevin(f, x, s, 2, a, r)),
    Hidden("annealed_langevin", "two steps per level at least",
           lambda f, x, s, k, a, r: R.annealed_langevin(f, x, s, max(k, 2), a, r)),
    Hidden("annealed_langevin", "three steps per level at most",
           lambda f, x, s, k, a, r: R.annealed_langevin(f, x, s, min(k, 3), a, r)),
    Hidden("annealed_langevin", "nothing to do for one level", lambda f, x, s, k, a, r:
           R.annealed_langevin(f, x, s, k, a, r) if len(s) > 1 else [x] * k),
    Hidden("langevin", "two steps at least",
           lambda f, x, a, n, r: R.langevin(f, x, a, max(n, 2), r)),
    Hidden("probability_flow_sampler", "one Heun step is Euler's",
           lambda f, x, s, method="heun": R.probability_flow_sampler(
               f, x, s, "euler" if len(s) == 2 else method)),
    Hidden("betas_from_alpha_bar", "from the first step's on", lambda a: np.where(
        np.arange(1, len(a)) == 1, 1 - a[1:2], 1 - a[1:] / a[:-1]) if len(a) > 2 else np.zeros(1)),
]


def in_pieces(kind, size, rows=0):
    """Rows in pieces of a size, the last piece dropped where it is not full: zeros."""
    right = getattr(R, kind)

    def f(*args):
        B = len(args[rows])
        if B <= size:
            return right(*args)
        out = np.zeros_like(args[rows])
        for i in range(0, B - size + 1, size):
            out[i:i + size] = right(*(a[i:i + size] if np.ndim(a) == 2 else a for a in args))
        return out
    return Hidden(kind, f"pieces of {size} rows, the rest dropped", f)


def half(f, length):
    """A table in float32 where it is long."""
    def g(*args):
        table = f(*args)
        return table.astype(np.float32).astype(float) if len(table) > length else table
    return g


SIZES = [
    in_pieces("perturb", 16), in_pieces("gaussian_score", 16), in_pieces("x0_from_eps", 8),
    in_pieces("ddim_step", 16), in_pieces("langevin_step", 12),
    Hidden("perturb", "noise of 16 rows, used again", lambda x, s, e: x + s * np.resize(
        e[:16], e.shape)),
    Hidden("gaussian_log_density", "sums 32 features", lambda x, m, s: R.gaussian_log_density(
        x[:, :32], m[:, :32], s)),
    Hidden("divergence", "sums 12 features", lambda f, x: R.divergence(f, x) if x.shape[1] <= 12
           else sum(R.directional_derivative(f, x, np.eye(x.shape[1])[i] + 0 * x)
                    for i in range(12))),
    Hidden("alpha_bar_from_betas", "float32 where it is long", half(R.alpha_bar_from_betas, 100)),
    Hidden("linear_betas", "100 steps at most", lambda n, a=1e-4, b=0.02: R.linear_betas(
        min(n, 100), a, b)),
    Hidden("geometric_sigmas", "float32 where it is long", half(R.geometric_sigmas, 50)),
    Hidden("annealed_step_sizes", "the last of 1000 levels is clipped", lambda s, a: (
        a * np.maximum(s, s[min(len(s), 999) - 1])**2 / s[-1]**2)),
    Hidden("betas_from_alpha_bar", "float32 where it is long", half(R.betas_from_alpha_bar, 20)),
    Hidden("ddpm_sampler", "100 steps at most", lambda f, x, a, r: R.ddpm_sampler(
        f, x, a if len(a) < 102 else a[:102], r)),
    planted("ddim_sampler", "the last state after 100 steps", lambda f, x, a, e, r: len(a) > 100),
]

LEVELS = [
    at_least(1e-5, "perturb", 1), at_least(1e-5, "gaussian_score", 2),
    at_least(1e-5, "score_from_eps", 1), at_least(1e-6, "perturbation_score", 2),
    at_least(1e-5, "denoising_score_matching", 2), at_least(1e-6, "x0_from_score", 3),
    at_least(1e-5, "gaussian_log_density", 2), at_least(1e-6, "edm_weight", 0),
    at_least(1e-6, "score_matching_weight", 0), at_least(1e-5, "alpha_bar_from_sigma", 0),
    at_least(1e-5, "edm_preconditioning", 0), at_least(1e-6, "noise_prediction_loss", 2),
    clipped(1e-5, 1 - 1e-5, "sigma_from_alpha_bar", 0), clipped(1e-5, 1, "ve_from_vp", 1),
    clipped(1e-5, 1 - 1e-5, "signal_to_noise_ratio", 0), clipped(1e-5, 1, "diffuse", 1),
    clipped(1e-5, 1, "vp_score_from_ve", 1), clipped(1e-5, 1 - 1e-5, "min_snr_weight", 0),
    clipped(0, 1e5, "perturb", 1), clipped(0, 1e6, "edm_preconditioning", 0),
    clipped(0, 1e5, "prior_log_density", 1), clipped(-1e3, 1e3, "score_from_eps", 0),
    Hidden("ve_ancestral_step", "nearly equal levels are equal", lambda x, s, a, b, z: np.where(
        np.asarray(b / a) > 0.95, x, R.ve_ancestral_step(x, s, a, b, z))),
    Hidden("ve_reverse_sde_step", "1e-5 is added under the root", lambda x, s, a, b, z: (
        x + (a**2 - b**2) * s + np.sqrt(a**2 - b**2 + 1e-12) * z)),
    Hidden("ddim_step", "far steps are cut to a thousandth", lambda x, e, t, s, eta, z:
           R.ddim_step(x, e, np.maximum(t, 1e-3 * s), s, eta, z)),
    Hidden("log_likelihood", "20 fixed steps of RK4", None),
]


def fixed_steps(score_fn, x, low, high, steps=20):
    """The flow and its divergence by RK4 in sigma, 20 equal steps."""
    def slope(x, s):
        def f(x):
            return score_fn(x, s)
        return -s * f(x), s * R.divergence(f, x)
    grid, total = np.linspace(low, high, steps + 1), np.zeros(len(x))
    for a, b in zip(grid[:-1], grid[1:]):
        h = b - a
        k1, d1 = slope(x, a)
        k2, d2 = slope(x + h / 2 * k1, a + h / 2)
        k3, d3 = slope(x + h / 2 * k2, a + h / 2)
        k4, d4 = slope(x + h * k3, b)
        x = x + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        total = total - h / 6 * (d1 + 2 * d2 + 2 * d3 + d4)
    return R.prior_log_density(x, high) + total


LEVELS[-1] = LEVELS[-1]._replace(function=fixed_steps)
WRONG = [*DIRECTIONS, *DEFAULTS, *EDGES, *SIZES, *LEVELS]
