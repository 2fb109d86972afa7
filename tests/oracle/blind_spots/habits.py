"""Right code in the habits of others: log space, expm1, einsum, loops, fused formulas, float32."""

import math

import numpy as np
from scipy.linalg import norm as length
from scipy.special import expit, log1p, logit, logsumexp, softmax
from scipy.stats import multivariate_normal

from .right import right


def row(a, like):
    """A level as (B,)."""
    return np.broadcast_to(np.ravel(a), len(like))


def column(a):
    """A level as (B, 1), or (1, 1)."""
    return np.reshape(a, (-1, 1))


def each(f):
    """A function of one row and its levels, row by row in a list."""
    def g(x, *rest):
        if len(x) == 0:
            raise ValueError("there are no rows")
        out = [f(x[b], *(a[b] if np.ndim(a) == 2 else a for a in rest)) for b in range(len(x))]
        return np.array(out)[:, 0] if np.ndim(out[0]) == 2 else np.array(out)
    return g


def vectorized(f):
    """np.vectorize of a function of numbers."""
    g = np.vectorize(f, otypes=[float])
    return lambda *args: g(*args)


def normal(x, mean, sigma):
    """One row's log density, number by number with math."""
    total = 0.0
    for a, m in zip(x, np.broadcast_to(mean, np.shape(x))):
        total -= 0.5 * ((a - m) / float(np.ravel(sigma)[0]))**2
    return total - len(x) * (math.log(float(np.ravel(sigma)[0])) + 0.5 * math.log(2 * math.pi))


def mixture_responsibilities(x, w, m, s):
    """(B, K), in log space."""
    d2 = np.einsum("bkd,bkd->bk", x[:, None] - m, x[:, None] - m)
    with np.errstate(divide="ignore"):
        return softmax(np.log(w)[None] - d2 / (2 * column(s)**2), axis=1)


def mixture_loop(x, w, m, s):
    """A sum over components, the exponents less their largest."""
    s, kept = column(s), [k for k in range(len(w)) if w[k] > 0]
    logs = np.stack([math.log(w[k]) - np.sum((x - m[k])**2, 1) / (2 * s[:, 0]**2) for k in kept])
    e = np.exp(logs - logs.max(0))
    score = sum(e[i][:, None] * (m[k] - x) for i, k in enumerate(kept))
    return score / e.sum(0)[:, None] / s / s


def mixture_log(x, w, m, s):
    """logsumexp with weights."""
    d2 = np.sum((x[None] - m[:, None])**2, axis=-1)                                      # (K, B)
    s = row(s, x)
    return logsumexp(-d2 / (2 * s**2), b=w[:, None], axis=0) - x.shape[1] * np.log(
        np.sqrt(2 * np.pi) * s)


def posterior_ho(x_0, x_t, t, s):
    """As DDPM's code names them."""
    alpha, bar, prev = t / s, t, s
    beta = 1.0 - alpha
    coef1 = beta * np.sqrt(prev) / (1.0 - bar)
    coef2 = (1.0 - prev) * np.sqrt(alpha) / (1.0 - bar)
    return coef1 * x_0 + coef2 * x_t, beta * (1.0 - prev) / (1.0 - bar)


def ddim_song(x, eps, t, s, eta, z):
    """As DDIM's code names them."""
    x0_t = (x - eps * (1 - t)**0.5) / t**0.5
    c1 = eta * ((1 - t / s) * (1 - s) / (1 - t))**0.5
    c2 = ((1 - s) - c1**2)**0.5
    return s**0.5 * x0_t + c1 * z + c2 * eps


def ddpm_nichol(x, eps, t, s, z, variance="posterior"):
    """By recip and recipm1, with a log variance."""
    x_0 = np.sqrt(1 / t) * x - np.sqrt(1 / t - 1) * eps
    mean, var = posterior_ho(x_0, x, t, s)
    var = var if variance == "posterior" else 1 - t / s
    with np.errstate(divide="ignore"):
        return mean + np.exp(0.5 * np.log(var)) * z


def karras_k_diffusion(sigma_max, sigma_min, n, rho=7.0):
    """k-diffusion's."""
    ramp = np.linspace(0, 1, n)
    low, high = sigma_min**(1 / rho), sigma_max**(1 / rho)
    return (high + ramp * (low - high))**rho


def betas_for_alpha_bar(n, offset=0.008, beta_max=0.999):
    """Diffusers' loop."""
    def bar(t):
        return math.cos((t + offset) / (1 + offset) * math.pi / 2)**2
    betas = [min(1 - bar((i + 1) / n) / bar(i / n), beta_max) for i in range(n)]
    return np.concatenate(([1.0], np.cumprod(1.0 - np.array(betas))))


def annealed_ncsn(score_fn, x, sigmas, n_steps_each, step_lr, rng):
    """NCSN's, with a noise scale of sqrt(2) of half a step."""
    images = []
    for sigma in sigmas:
        step_size = step_lr * (sigma / sigmas[-1])**2 / 2
        for _ in range(n_steps_each):
            noise = rng.standard_normal(x.shape) * np.sqrt(step_size * 2)
            x = x + step_size * score_fn(x, sigma) + noise
            images.append(x)
    return images


def ddim_sampler(eps_fn, x, alpha_bar, eta, rng):
    """Backwards over indices, a generator."""
    for i in reversed(range(1, len(alpha_bar))):
        at, an = alpha_bar[i], alpha_bar[i - 1]
        x = ddim_song(x, eps_fn(x, at), at, an, eta, rng.normal(size=x.shape))
        yield x


def ddpm_sampler(eps_fn, x, alpha_bar, rng):
    """By betas, as DDPM's algorithm 2 has it."""
    betas = 1 - alpha_bar[1:] / alpha_bar[:-1]
    for i in range(len(betas) - 1, -1, -1):
        bar, before, beta = alpha_bar[i + 1], alpha_bar[i], betas[i]
        mean = (x - beta / np.sqrt(1 - bar) * eps_fn(x, bar)) / np.sqrt(1 - beta)
        x = mean + np.sqrt(beta * (1 - before) / (1 - bar)) * rng.standard_normal(x.shape)
        yield x


def edm_sampler(score_fn, x, sigmas, method="heun"):
    """EDM's algorithm 1."""
    out = []
    for t, s in zip(sigmas[:-1], sigmas[1:]):
        d = -t * score_fn(x, t)
        ahead = x + (s - t) * d
        if method == "heun" and s != 0:
            ahead = x + (s - t) * (0.5 * d + 0.5 * (-s * score_fn(ahead, s)))
        x = ahead
        out.append(x)
    return np.stack(out)


def complex_divergence(score_fn, x):
    """A complex step for each feature, in an array of all."""
    B, D = x.shape
    steps = np.repeat(x[None], D, 0).astype(complex)
    steps[np.arange(D), :, np.arange(D)] += 1e-40j
    return np.array([np.imag(score_fn(a)[:, i]) / 1e-40 for i, a in enumerate(steps)]).sum(0)


def directions(f):
    """A mean over directions by a list."""
    return lambda s, x, v: np.mean([f(s, x, u) for u in np.reshape(v, (-1, *x.shape))], axis=0)


def along(s, x, u):
    """u'J u by a complex step."""
    return np.sum(u * np.imag(s(x + 1e-40j * u)) / 1e-40, axis=1)


RIGHT = [
    right("gaussian_log_density", "number by number", each(normal)),
    right("gaussian_log_density", "multivariate_normal", lambda x, m, s: np.array([
        multivariate_normal.logpdf(a - b, np.zeros(len(a)), c**2 * np.eye(len(a)))
        for a, b, c in zip(x, np.broadcast_to(m, x.shape), row(s, x))])),
    right("gaussian_log_density", "the log of 2 pi sigma^2", lambda x, m, s: (
        lambda v: -0.5 * np.sum((x - m)**2 / v + np.log(2 * np.pi * v), axis=-1))(s**2)),
    right("gaussian_score", "a precision", lambda x, m, s: np.negative(x - m) * s**-2.0),
    right("gaussian_score", "row by row", each(lambda x, m, s: (m - x) / s**2)),
    right("perturb", "fused in place on a copy", lambda x, s, e: np.add(x, np.multiply(s, e))),
    right("perturb", "np.vectorize", vectorized(lambda x, s, e: x + s * e)),
    right("perturbation_score", "from the noise", lambda y, x, s: -((y - x) / s) / s),
    right("mixture_log_density", "logsumexp with weights", mixture_log),
    right("mixture_score", "responsibilities", lambda x, w, m, s: np.einsum(
        "bk,bkd->bd", mixture_responsibilities(x, w, m, s), m - x[:, None]) / column(s)**2),
    right("mixture_score", "a loop", mixture_loop),
    right("prior_log_density", "number by number", each(lambda x, s: normal(x, 0.0, s))),
    right("score_from_eps", "a reciprocal by numpy", lambda e, s: -np.reciprocal(1.0 * s) * e),
    right("eps_from_score", "einsum", lambda g, s: -np.einsum("bd,b->bd", g, row(s, g))),
    right("x0_from_eps", "recip and recipm1", lambda x, e, a, s: x * (1 / a) - e * (s / a)),
    right("eps_from_x0", "row by row", each(lambda x, x_0, a, s: (x - a * x_0) / s)),
    right("x0_from_score", "Tweedie, a variance", lambda x, g, a, s: np.divide(
        x + np.square(s) * g, a)),
    right("score_from_x0", "through eps", lambda x, x_0, a, s: -(x - a * x_0) / s / s),
    right("v_from_x0_eps", "einsum", lambda x, e, a, s: (
        np.einsum("b,bd->bd", row(a, x), e) - np.einsum("b,bd->bd", row(s, x), x))),
    right("x0_from_v", "through eps", lambda x, v, a, s: a / (a * a + s * s) * x - s / (
        a * a + s * s) * v),
    right("velocity_from_x0_eps", "minus", lambda x, e: np.subtract(e, x)),
    right("x0_from_velocity", "np.vectorize", vectorized(lambda x, u, t: x - t * u)),
    right("ve_from_vp", "rsqrt", lambda x, a: (x * a**-0.5, np.sqrt(1 - a) * a**-0.5)),
    right("ve_from_vp", "odds", lambda x, a: (x / np.sqrt(a), np.exp(-0.5 * logit(a)))),
    right("vp_from_ve", "log1p", lambda x, s: (
        x * np.exp(-0.5 * log1p(s**2)), np.exp(-log1p(s**2)))),
    right("vp_score_from_ve", "rsqrt", lambda g, a: g * a**-0.5),
    right("velocity_from_score", "x_0 and eps", lambda x, g, a, s, da, ds: (
        (x + s**2 * g) / a * da + -s * g * ds)),
    right("score_from_velocity", "published, by ratios", lambda x, u, a, s, da, ds: (
        a / da * u - x) / (s**2 - a / da * ds * s)),
    right("sde_coefficients", "a quotient's rate", lambda a, s, da, ds: (
        da / a, np.sqrt(2 * s * (ds * a - s * da) / a))),
    right("sde_coefficients", "a product of roots", lambda a, s, da, ds: (
        da / a, a * np.sqrt(2 * (s / a) * ((ds * a - s * da) / a**2)))),
    right("alpha_bar_from_sigma", "expit", lambda s: expit(-2 * np.log(s)) if np.all(
        np.asarray(s) > 0) else 1 / (1 + np.square(s))),
    right("alpha_bar_from_sigma", "log1p", lambda s: np.exp(-np.log1p(np.square(s)))),
    right("sigma_from_alpha_bar", "logit", lambda a: np.exp(-0.5 * logit(a))),
    right("signal_to_noise_ratio", "exp of logit", lambda a: np.exp(logit(a))),
    right("signal_to_noise_ratio", "signal and noise", lambda a: np.divide(
        np.sqrt(a)**2, np.sqrt(1 - a)**2)),
    right("vp_marginal", "an integral of beta", lambda t, beta_min=0.1, beta_max=20.0: (
        lambda b: (np.exp(-0.5 * b), np.sqrt(1 - np.exp(-b))))(
            beta_min * t + 0.5 * (beta_max - beta_min) * t**2)),
    right("ve_marginal", "exp and log", lambda t, a, b: a * np.exp(t * np.log(b / a))),
    right("ve_diffusion_coefficient", "published", lambda t, a, b: a * (b / a)**t * np.sqrt(
        2 * (np.log(b) - np.log(a)))),
    right("flow_marginal", "np.subtract", lambda t: (np.subtract(1, t), np.asarray(t))),
    right("shift_time", "published: mu", lambda t, shift: shift * t / (1 + (shift - 1) * t)),
    right("logit_normal_time", "1 / (1 + exp)", lambda z, mean=0.0, deviation=1.0: 1 / (
        1 + np.exp(-(mean + deviation * z)))),
    right("logit_normal_time", "tanh", lambda z, mean=0.0, deviation=1.0: np.exp(
        -np.logaddexp(0, -(mean + deviation * z)))),
    right("log_normal_sigma", "powers of e", lambda z, mean=-1.2, deviation=1.2: (
        math.e**(mean + deviation * z))),
    right("edm_preconditioning", "published", lambda s, d: (
        d**2 / (s**2 + d**2), s * d / (s**2 + d**2)**0.5, 1 / (d**2 + s**2)**0.5, np.log(s) / 4)),
    right("edm_weight", "published", lambda s, d: (s**2 + d**2) / (s * d)**2),
    right("geometric_sigmas", "logspace", lambda a, b, n: np.logspace(
        math.log10(a), math.log10(b), n)),
    right("geometric_sigmas", "a list of powers", lambda a, b, n: np.array(
        [a * (b / a)**(i / (n - 1)) if n > 1 else a for i in range(n)])),
    right("karras_sigmas", "k-diffusion", karras_k_diffusion),
    right("linear_betas", "linspace", lambda n, beta_min=1e-4, beta_max=0.02: np.linspace(
        beta_min, beta_max, n)),
    right("cosine_alpha_bar", "diffusers' loop", betas_for_alpha_bar),
    right("alpha_bar_from_betas", "accumulate", lambda b: np.multiply.accumulate(
        np.concatenate([[1.0], 1 - b]))),
    right("betas_from_alpha_bar", "expm1 of differences of logs", lambda a: -np.expm1(
        np.diff(np.log(a)))),
    right("betas_from_alpha_bar", "a list", lambda a: [
        1 - a[i] / a[i - 1] for i in range(1, len(a))]),
    right("annealed_step_sizes", "a list", lambda s, a: [a * b**2 / s[-1]**2 for b in s]),
    right("bits_per_dimension", "nats over log 2", lambda a, dim, bin_width=1.0: -(
        a / dim + np.log(bin_width)) / np.log(2)),
    right("diffuse", "einsum", lambda x, a, e: (
        np.einsum("b,bd->bd", np.sqrt(row(a, x)), x) + np.sqrt(1 - row(a, x))[:, None] * e)),
    right("posterior", "coefficients", posterior_ho),
    right("langevin_step", "half a step and sqrt(2)", lambda x, g, a, z: (
        x + a / 2 * g + np.sqrt(2 * (a / 2)) * z)),
    right("ddpm_step", "published: by recipm1", ddpm_nichol),
    right("ddim_step", "published", ddim_song),
    right("ve_probability_flow_step", "by a denoised sample", lambda x, g, t, s: (
        x + (x - (x + t**2 * g)) / t * (s - t))),
    right("ve_probability_flow_step", "a ratio", lambda x, g, t, s: x + t**2 * (1 - s / t) * g),
    right("ve_reverse_sde_step", "g^2 dt", lambda x, g, t, s, z: (
        lambda v: x + v * g + v**0.5 * z)(t**2 - s**2)),
    right("flow_step", "a blend of both ends", lambda x, u, t, s: x - t * u + s * u),
    right("vp_reverse_sde_drift", "published: drift - g^2 score", lambda x, g, b: (
        -0.5 * b * x - np.sqrt(b)**2 * g)),
    right("classifier_free_guidance", "conditional plus excess", lambda c, u, w: (
        c + (w - 1) * (c - u))),
    right("annealed_langevin", "NCSN's", annealed_ncsn),
    right("ddim_sampler", "a generator over indices", ddim_sampler),
    right("ddpm_sampler", "by betas", ddpm_sampler),
    right("probability_flow_sampler", "EDM's, states stacked", edm_sampler),
    right("divergence", "complex steps in one array", complex_divergence),
    right("hutchinson_divergence", "complex steps", directions(along)),
    right("sliced_score_matching", "complex steps", directions(lambda s, x, u: (
        0.5 * np.sum(u * s(x), axis=1)**2 + along(s, x, u)))),
    right("sliced_score_matching_vr", "complex steps", directions(lambda s, x, u: (
        0.5 * np.sum(s(x)**2, axis=1) + along(s, x, u)))),
    right("explicit_score_matching", "lengths by scipy", lambda s, x, g: np.array(
        [0.5 * length(a)**2 for a in s(x) - g])),
    right("denoising_score_matching", "sigma score + eps", lambda s, x, sigma, e: (
        lambda r: 0.5 * np.sum((r / sigma)**2, axis=1))(sigma * s(x + sigma * e, sigma) + e)),
    right("noise_conditional_score_matching", "sigma score + eps", lambda s, x, sigmas, e, w=None: (
        sum((0.5 if w is None else 0.5 * w[i] / a**2) * np.sum(
            (a * s(x + a * e[i], a) + e[i])**2, axis=1) for i, a in enumerate(sigmas)))),
    right("noise_prediction_loss", "a squared length", lambda f, x, s, e: np.linalg.norm(
        f(x + s * e, s) - e, axis=1)**2),
    right("v_prediction_loss", "by the angle", lambda f, x, a, e: (lambda p: np.sum((
        np.cos(p) * e - np.sin(p) * x - f(np.cos(p) * x + np.sin(p) * e, a))**2, axis=1))(
            np.arctan2(np.sqrt(1 - a), np.sqrt(a)))),
    right("flow_matching_loss", "einsum", lambda f, x, t, e: (lambda r: np.einsum(
        "bd,bd->b", r, r))(e - x - f(t * e + (1 - t) * x, t))),
    right("x0_prediction_loss", "a mean over rows", lambda f, x, s, e: np.mean(np.sum(
        np.square(f(x + s * e, s) - x), axis=1))),
]
