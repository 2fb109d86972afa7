"""Right code, spelled in ways that an eager oracle would refuse."""

import math

import autograd.numpy as anp
import numpy as np
from scipy.special import expit, logsumexp
from scipy.stats import norm

import refsgm as R

from . import Hidden


def right(kind, what, function, framework="numpy"):
    """A right function."""
    return Hidden(kind, what, function, True, framework)


def row_by_row(kind, rows=0):
    """Each row by itself, with its own levels."""
    f = getattr(R, kind)

    def g(*args):
        B = len(args[rows])
        if B == 0:
            return f(*args)
        return np.concatenate([f(*(a[b:b + 1] if np.ndim(a) == 2 else a for a in args))
                               for b in range(B)])
    return right(kind, "row by row", g)


def in_pieces(kind, size):
    """Pieces of a size, the last one as long as it is."""
    f = getattr(R, kind)

    def g(*args):
        B = len(args[0])
        return np.concatenate([f(*(a[i:i + size] if np.ndim(a) == 2 else a for a in args))
                               for i in range(0, max(B, 1), size)])
    return right(kind, f"pieces of {size}", g)


def columnwise(kind):
    """Arrays in Fortran's order, and a result that is not contiguous."""
    f = getattr(R, kind)
    return right(kind, "Fortran's order", lambda *args: np.asfortranarray(f(*(
        np.asfortranarray(a) if np.ndim(a) == 2 else a for a in args))))


def filled(kind):
    """A result that is filled in."""
    f = getattr(R, kind)

    def g(*args):
        out = np.empty(np.shape(args[0]))
        out[...] = f(*args)
        return out
    return right(kind, "filled in", g)


def as_python(kind):
    """Levels as Python's own numbers, one by one."""
    f = getattr(R, kind)

    def g(level, *rest):
        if np.ndim(level) == 0:
            return f(float(level), *rest)
        return np.array([f(float(a), *rest) for a in np.ravel(level)]).reshape(np.shape(level))
    return right(kind, "one by one", g)


def in_float32(kind):
    """All of it in float32."""
    f = getattr(R, kind)

    def narrow(a):
        return a.astype(np.float32) if isinstance(a, np.ndarray) else a
    return right(kind, "float32", lambda *args: np.asarray(f(*map(narrow, args)), np.float32))


BATCHES = ("perturb", "gaussian_score", "x0_from_eps", "eps_from_x0", "score_from_x0", "x0_from_v",
           "diffuse", "ddim_step", "ddpm_step", "ve_ancestral_step", "raise_noise", "flow_step",
           "classifier_free_guidance", "langevin_step", "velocity_from_score")
LEVELS = ("sigma_from_alpha_bar", "alpha_bar_from_sigma", "ve_marginal", "edm_weight",
          "ve_diffusion_coefficient", "score_matching_weight", "shift_time")
SYSTEMATIC = [
    *(row_by_row(kind) for kind in BATCHES), *(in_pieces(kind, 16) for kind in BATCHES[:10]),
    *map(columnwise, BATCHES[:8]), *map(filled, BATCHES[:12]), *map(as_python, LEVELS),
    *map(in_float32, (*BATCHES[:8], *LEVELS[:4])),
]


def mixture_by_loops(x, weights, means, sigma):
    """Component by component, by logaddexp."""
    s, total = np.reshape(sigma, (-1, 1)), np.full(len(x), -np.inf)
    for w, m in zip(weights, means):
        if w > 0:
            total = np.logaddexp(total, math.log(w) + norm.logpdf(x, m, s).sum(axis=1))
    return total


def mixture_by_softmax(x, weights, means, sigma):
    """The denoiser, then Tweedie."""
    with np.errstate(divide="ignore"):
        logits = np.log(weights) - np.sum((x[:, None] - means)**2, axis=2) / (
            2 * np.reshape(sigma, (-1, 1))**2)
    r = np.exp(logits - logsumexp(logits, axis=1, keepdims=True))
    return (r @ means - x) / np.reshape(sigma, (-1, 1))**2


def heun(score_fn, x, t, s):
    """The corrector left out where the step ends at zero."""
    d = -t * score_fn(x, t)
    ahead = x + (s - t) * d
    if np.all(np.asarray(s) == 0):
        return ahead
    return x + (s - t) * (d - s * score_fn(ahead, s)) / 2


def min_snr(alpha_bar, gamma, prediction):
    """As 1 - alpha_bar and alpha_bar, without a ratio that is infinite."""
    x0 = np.minimum(alpha_bar, gamma * (1 - alpha_bar))
    with np.errstate(divide="ignore", invalid="ignore"):
        clean = np.asarray(alpha_bar) == 1
        return {"eps": x0 / alpha_bar, "v": x0,
                "x0": np.where(clean, gamma, x0 / np.where(clean, 1.0, 1 - alpha_bar))}[prediction]


def cosine(n, offset=0.008, beta_max=0.999):
    """Beta by beta, as the published code has it."""
    def height(t):
        return math.cos((t + offset) / (1 + offset) * math.pi / 2)**2
    table = [1.0]
    for i in range(n):
        table.append(table[-1] * (1 - min(1 - height((i + 1) / n) / height(i / n), beta_max)))
    return np.array(table)


def langevin_with_list(score_fn, x, a, n, rng):
    """All states in a list."""
    states = []
    for _ in range(n):
        x = x + a / 2 * score_fn(x) + a**0.5 * rng.standard_normal(x.shape)
        states.append(x)
    return states


def annealed(score_fn, x, sigmas, k, step_size, rng):
    """Only the last state."""
    for sigma in sigmas:
        a = step_size * (sigma / sigmas[-1])**2
        for _ in range(k):
            x = x + a / 2 * score_fn(x, sigma) + math.sqrt(a) * rng.standard_normal(x.shape)
    return x


def ddpm(x, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
    """By beta, with a log variance that has no floor."""
    alpha = alpha_bar_t / alpha_bar_s
    beta = 1 - alpha
    mean = (x - beta / np.sqrt(1 - alpha_bar_t) * eps) / np.sqrt(alpha)
    share = (1 - alpha_bar_s) / (1 - alpha_bar_t) if variance == "posterior" else 1
    return mean + np.sqrt(beta * share) * z


def divergence_row_by_row(score_fn, x):
    """Central differences of the complex kind: exact for a polynomial in exact arithmetic."""
    h, D = 1e-30, x.shape[1]
    return sum(np.imag(score_fn(x + 1j * h * np.eye(D)[i]))[:, i] / h for i in range(D))


HAND = [
    right("gaussian_log_density", "scipy", lambda x, m, s: norm.logpdf(x, m, s).sum(axis=1)),
    right("gaussian_log_density", "row sums by einsum", lambda x, m, s: (
        -0.5 * np.einsum("bi,bi->b", x - m, x - m) / np.ravel(s)**2
        - x.shape[1] * np.log(np.ravel(s) * math.sqrt(2 * math.pi)))),
    right("gaussian_score", "divides twice", lambda x, m, s: -((x - m) / s) / s),
    right("perturbation_score", "minus the noise over sigma",
          lambda y, x, s: -((y - x) / s) * (1 / s)),
    right("mixture_log_density", "logaddexp", mixture_by_loops),
    right("mixture_score", "softmax", mixture_by_softmax),
    right("prior_log_density", "scipy", lambda x, s: norm.logpdf(x, 0, s).sum(axis=1)),
    right("score_from_eps", "times a reciprocal", lambda e, s: e * (-1.0 / s)),
    right("x0_from_score", "through eps", lambda x, g, a, s: (x - s * (-s * g)) / a),
    right("score_from_x0", "through eps", lambda x, x_0, a, s: -((x - a * x_0) / s) / s),
    right("x0_from_v", "by the angle", lambda x, v, a, s: (
        np.cos(np.arctan2(s, a)) * x - np.sin(np.arctan2(s, a)) * v) / np.hypot(a, s)),
    right("eps_from_v", "by the angle", lambda x, v, a, s: (
        np.sin(np.arctan2(s, a)) * x + np.cos(np.arctan2(s, a)) * v) / np.hypot(a, s)),
    right("v_from_x0_eps", "subtract", lambda x, e, a, s: np.subtract(a * e, s * x)),
    right("ve_from_vp", "a list", lambda x, a: [x / np.sqrt(a), np.sqrt((1 - a) / a)]),
    right("ve_from_vp", "a dict", lambda x, a: {"sigma": np.sqrt((1 - a) / a),
                                                "x_ve": x / np.sqrt(a)}),
    right("vp_from_ve", "hypot", lambda x, s: (x / np.hypot(1, s), 1 / np.hypot(1, s)**2)),
    right("ve_score_from_vp", "root by power", lambda g, a: g * np.power(a, 0.5)),
    right("x0_from_velocity", "a path", lambda x, u, t: (1 - t) * 0 + x - u * t),
    right("velocity_from_x0_eps", "minus minus", lambda x, e: -(x - e)),
    right("velocity_from_score", "by f and g", lambda x, g, a, s, da, ds: (
        da / a * x - (s * ds - s**2 * da / a) * g)),
    right("sde_coefficients", "products", lambda a, s, da, ds: (
        da / a, np.sqrt(2 * s * (ds - s * da / a)))),
    right("flow_marginal", "sigma itself", lambda t: (1.0 - t, 1.0 * t)),
    right("shift_time", "over a sum", lambda t, c: c * t / (1 - t + c * t)),
    right("log_normal_sigma", "defaults", lambda z, mean=-1.2, deviation=1.2: np.exp(
        deviation * z + mean)),
    right("logit_normal_time", "expit", lambda z, mean=0.0, deviation=1.0: expit(
        mean + deviation * z)),
    right("sigma_from_alpha_bar", "over a root", lambda a: np.sqrt(1 - a) / np.sqrt(a)),
    right("sigma_from_alpha_bar", "1 / a - 1", lambda a: np.sqrt(1 / a - 1)),
    right("alpha_bar_from_sigma", "hypot", lambda s: np.hypot(1, s)**-2),
    right("signal_to_noise_ratio", "a quotient by NumPy", lambda a: np.divide(a, 1 - a)),
    right("signal_to_noise_ratio", "1 / (1 / a - 1)", lambda a: np.divide(1, 1 / a - 1)),
    right("vp_marginal", "published: a difference", lambda t, b=0.1, c=20.0: (
        lambda m: (np.exp(m), np.sqrt(1 - np.exp(2 * m))))(-0.25 * t**2 * (c - b) - 0.5 * t * b)),
    right("vp_marginal", "expm1", lambda t, b=0.1, c=20.0: (
        lambda m: (np.exp(m), np.sqrt(-np.expm1(2 * m))))(-t * (b + 0.5 * t * (c - b)) / 2)),
    right("ve_marginal", "exp of logs", lambda t, a, b: np.exp(
        (1 - t) * np.log(a) + t * np.log(b))),
    right("ve_diffusion_coefficient", "root of twice a log", lambda t, a, b: (
        a * (b / a)**t * np.sqrt(2 * (np.log(b) - np.log(a))))),
    right("edm_preconditioning", "by hypot", lambda s, d: (
        (d / np.hypot(s, d))**2, s / np.hypot(s, d) * d, 1 / np.hypot(s, d), np.log(s) / 4)),
    right("edm_weight", "a sum of two", lambda s, d: s**-2.0 + d**-2.0),
    right("edm_weight", "hypot", lambda s, d: (np.hypot(s, d) / (s * d))**2),
    right("likelihood_weight", "a product", lambda g: g * g),
    right("min_snr_weight", "without infinity", min_snr),
    right("geometric_sigmas", "geomspace", lambda a, b, n: np.geomspace(a, b, n)),
    right("geometric_sigmas", "exp of linspace", lambda a, b, n: np.exp(
        np.linspace(np.log(a), np.log(b), n))),
    right("karras_sigmas", "linspace of roots", lambda a, b, n, rho=7.0: np.linspace(
        a**(1 / rho), b**(1 / rho), n)**rho),
    right("karras_sigmas", "without a default", lambda a, b, n, rho: np.linspace(
        a**(1 / rho), b**(1 / rho), n)**rho),
    right("linear_betas", "a list", lambda n, a=1e-4, b=0.02: [
        a + (b - a) * i / max(n - 1, 1) for i in range(n)]),
    right("linear_betas", "a default for the last alone",
          lambda n, a, b=0.02: np.linspace(a, b, n)),
    right("cosine_alpha_bar", "beta by beta", cosine),
    right("alpha_bar_from_betas", "exp of sums of logs", lambda b: np.concatenate(
        [[1.0], np.exp(np.cumsum(np.log1p(-b)))])),
    right("alpha_bar_from_betas", "a loop", lambda b: np.array(
        [np.prod(1 - b[:i]) for i in range(len(b) + 1)])),
    right("betas_from_alpha_bar", "differences", lambda a: -np.diff(a) / a[:-1]),
    right("annealed_step_sizes", "a square", lambda s, a: np.square(s / s[-1]) * a),
    right("bits_per_dimension", "log2", lambda a, dim, bin_width=1.0: (
        -a / dim * math.log2(math.e) - math.log2(bin_width))),
    right("diffuse", "of a signal and noise", lambda x, a, e: a**0.5 * x + (1 - a)**0.5 * e),
    right("posterior", "a list", lambda x_0, x_t, t, s: list(R.posterior(x_0, x_t, t, s))),
    right("posterior", "a dict", lambda x_0, x_t, t, s: dict(zip(
        ("mean", "variance"), R.posterior(x_0, x_t, t, s)))),
    right("langevin_step", "twice half a step", lambda x, g, a, z: (
        x + 0.5 * (a * g) + np.sqrt(a) * z)),
    right("ddpm_step", "by beta", ddpm),
    right("ddim_step", "by sigma", lambda x, e, t, s, eta, z: (
        lambda sd: np.sqrt(s / t) * x + (np.sqrt(1 - s - sd**2) - np.sqrt(s / t * (1 - t))) * e
        + sd * z)(eta * np.sqrt((1 - s) / (1 - t) * (1 - t / s)))),
    right("ve_probability_flow_step", "a slope", lambda x, g, t, s: x + (s - t) * (-t * g)),
    right("ve_reverse_sde_step", "factors", lambda x, g, t, s, z: (
        x + (t - s) * (t + s) * g + np.sqrt((t - s) * (t + s)) * z)),
    right("ve_ancestral_step", "a variance", lambda x, g, t, s, z: (
        x + (t**2 - s**2) * g + np.sqrt(s**2 * (t**2 - s**2) / t**2) * z)),
    right("heun_step", "Euler at zero", heun),
    right("raise_noise", "factors", lambda x, a, b, z: x + np.sqrt((b - a) * (b + a)) * z),
    right("flow_step", "a change of time", lambda x, u, t, s: x - (t - s) * u),
    right("vp_probability_flow_drift", "f and g", lambda x, g, b: -0.5 * b * x - 0.5 * b * g),
    right("vp_reverse_sde_drift", "f and g", lambda x, g, b: -0.5 * b * x - b * g),
    right("classifier_free_guidance", "a blend", lambda c, u, w: w * c + (1 - w) * u),
    right("langevin", "a list", langevin_with_list),
    right("annealed_langevin", "the last state", annealed),
    right("divergence", "the complex step", divergence_row_by_row),
    right("explicit_score_matching", "the mean", lambda f, x, g: 0.5 * np.mean(
        np.sum((f(x) - g)**2, axis=1))),
    right("denoising_score_matching", "published: a difference", lambda f, x, s, e: (
        lambda y: 0.5 * np.sum((f(y, s) + (y - x) / s**2)**2, axis=1))(x + s * e)),
    right("noise_prediction_loss", "einsum", lambda f, x, s, e: (
        lambda r: np.einsum("bi,bi->b", r, r))(f(x + s * e, s) - e)),
    right("finite_difference_ssm", "for each direction", lambda f, x, v, h: np.mean([
        0.5 * np.sum(u * f(x), axis=1)**2
        + np.sum(u * (f(x + h * u) - f(x - h * u)), axis=1) / (2 * h)
        for u in (v if v.ndim == 3 else v[None])], axis=0)),
    right("edm_loss", "with its weight", lambda f, x, s, e, d: np.sum(
        (s**2 + d**2) / (s * d)**2 * (f(x + s * e, s) - x)**2, axis=1)),
    right("flow_matching_loss", "the mean", lambda f, x, t, e: np.mean(np.sum(
        (f((1 - t) * x + t * e, t) - (e - x))**2, axis=1))),
    right("x0_from_eps", "autograd", lambda x, e, a, s: (x - s * e) / a, "autograd"),
    right("mixture_log_density", "autograd", lambda x, w, m, s: (
        lambda a: anp.max(a, axis=1) + anp.log(anp.sum(anp.exp(
            a - anp.max(a, axis=1, keepdims=True)), axis=1)))(
                anp.log(w) - anp.sum((x[:, None] - m)**2, axis=2) / (2 * anp.reshape(
                    s, (-1, 1))**2) - x.shape[1] * anp.log(anp.reshape(s, (-1, 1)) * math.sqrt(
                        2 * math.pi))), "autograd"),
]
RIGHT = [*SYSTEMATIC, *HAND]
