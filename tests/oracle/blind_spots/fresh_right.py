"""Right code in other people's habits, written when the probes were final: see `fresh`."""

import math

import numpy as np
from autograd import make_vjp
from scipy.special import expit, logsumexp, softmax
from scipy.stats import norm

from . import Hidden


def right(kind, what, function):
    """A right function."""
    return Hidden(kind, what, function)


def column(a):
    """A level as (B, 1), or (1, 1)."""
    return np.reshape(a, (-1, 1))


def log_weights(x, weights, means, sigma):
    """log w_k - |x - m_k|^2 / (2 sigma^2), (B, K)."""
    d = np.linalg.norm(x[:, None, :] - means[None, :, :], axis=-1) / column(sigma)
    with np.errstate(divide="ignore"):
        return np.log(weights)[None, :] - 0.5 * d * d


def mixture_density(x, weights, means, sigma):
    """scipy.special.logsumexp."""
    log_norm = 0.5 * x.shape[1] * np.log(2 * np.pi * column(sigma)**2)
    return logsumexp(log_weights(x, weights, means, sigma), axis=1) - log_norm[:, 0]


def mixture_score(x, weights, means, sigma):
    """Responsibilities times differences."""
    r = softmax(log_weights(x, weights, means, sigma), axis=1)
    return np.einsum("bk,bkd->bd", r, means[None] - x[:, None]) / column(sigma)**2


def karras(sigma_max, sigma_min, n, rho=7.0):
    """k-diffusion's get_sigmas_karras."""
    ramp = np.linspace(0, 1, n)
    min_inv_rho, max_inv_rho = sigma_min**(1 / rho), sigma_max**(1 / rho)
    return (max_inv_rho + ramp * (min_inv_rho - max_inv_rho))**rho


def betas_for_alpha_bar(n_steps, offset=0.008, beta_max=0.999):
    """DDPM++'s loop over t1 and t2."""
    def f(t):
        return math.cos((t + offset) / (1 + offset) * math.pi / 2)**2
    table = [1.0]
    for i in range(n_steps):
        table.append(table[-1] * (1 - min(1 - f((i + 1) / n_steps) / f(i / n_steps), beta_max)))
    return np.array(table)


def min_snr(alpha_bar, gamma, prediction):
    """By cases, with a ratio that may be infinite."""
    with np.errstate(divide="ignore", invalid="ignore"):
        snr = np.divide(alpha_bar, 1 - np.asarray(alpha_bar))
        clipped = np.minimum(snr, gamma)
        return {"eps": clipped / np.where(np.isinf(snr), np.inf, snr), "x0": clipped,
                "v": clipped / (snr + 1)}[prediction]


def score_sde_vp(t, beta_0=0.1, beta_1=20.0):
    """marginal_prob of score_sde."""
    log_mean_coeff = -0.25 * t**2 * (beta_1 - beta_0) - 0.5 * t * beta_0
    return np.exp(log_mean_coeff), np.sqrt(1 - np.exp(2 * log_mean_coeff))


def score_sde_ve(t, sigma_min, sigma_max):
    """diffusion of score_sde's VESDE."""
    sigma = sigma_min * (sigma_max / sigma_min)**t
    return sigma * np.sqrt(2 * (np.log(sigma_max) - np.log(sigma_min)))


def guided_posterior(x_start, x_t, a, s):
    """guided-diffusion's coefficients."""
    beta = 1 - a / s
    coef1 = beta * np.sqrt(s) / (1.0 - a)
    coef2 = (1.0 - s) * np.sqrt(1 - beta) / (1.0 - a)
    return coef1 * x_start + coef2 * x_t, beta * (1.0 - s) / (1.0 - a)


def ddpm(x, eps, a, s, z, variance="posterior"):
    """The mean in terms of eps."""
    alpha = a / s
    beta = 1 - alpha
    mean = (x - beta / np.sqrt(1 - a) * eps) / np.sqrt(alpha)
    return mean + np.sqrt(beta if variance == "beta" else (1 - s) / (1 - a) * beta) * z


def ddim(x, eps, a, s, eta, z):
    """Equation 12 of the paper."""
    sigma = eta * np.sqrt((1 - s) / (1 - a)) * np.sqrt(1 - a / s)
    predicted = (x - np.sqrt(1 - a) * eps) / np.sqrt(a)
    return (np.sqrt(s) * predicted + np.sqrt(np.maximum(1 - s - sigma**2, 0)) * eps) + sigma * z


def k_heun(f, x, t, s):
    """k-diffusion: slopes from a denoiser."""
    d = (x - (x + t * t * f(x, t))) / t
    dt = s - t
    if np.all(np.equal(s, 0)):
        return x + d * dt
    x_2 = x + d * dt
    d_2 = (x_2 - (x_2 + s * s * f(x_2, s))) / s
    return x + (d + d_2) / 2 * dt


def k_ancestral(x, score, t, s, z):
    """k-diffusion's get_ancestral_step."""
    up = np.minimum(s, np.sqrt(s**2 * (t**2 - s**2) / t**2))
    down = np.sqrt(s**2 - up**2)
    return x + -t * score * (down - t) + z * up


def langevin(f, x, step_size, n_steps, rng):
    """A list of states."""
    states = []
    for _ in range(n_steps):
        noise = rng.standard_normal(size=x.shape, dtype=x.dtype)
        x = x + step_size / 2 * f(x) + np.sqrt(step_size) * noise
        states.append(x)
    return states


def annealed(f, x, sigmas, steps, step_size, rng):
    """Noise of a level drawn at once."""
    for sigma in sigmas:
        a = step_size * (sigma / sigmas[-1])**2
        for z in rng.standard_normal((steps, *x.shape)):
            x = x + a / 2 * f(x, sigma) + np.sqrt(a) * z
            yield x


def by_tables(f, x, alpha_bar, rng):
    """DDPM with tables made beforehand."""
    betas = 1 - alpha_bar[1:] / alpha_bar[:-1]
    sds = np.sqrt(betas * (1 - alpha_bar[:-1]) / (1 - alpha_bar[1:]))
    for t in reversed(range(len(betas))):
        eps = f(x, alpha_bar[t + 1])
        x = (x - betas[t] / np.sqrt(1 - alpha_bar[t + 1]) * eps) / np.sqrt(1 - betas[t])
        x = x + sds[t] * rng.standard_normal(x.shape)
        yield x


def deterministic_or_not(f, x, alpha_bar, eta, rng):
    """DDIM over indices."""
    for t in range(len(alpha_bar) - 1, 0, -1):
        z = rng.standard_normal(x.shape) if eta else 0.0
        x = ddim(x, f(x, alpha_bar[t]), alpha_bar[t], alpha_bar[t - 1], eta, z)
        yield x


def edm(f, x, sigmas, method="heun"):
    """EDM's second correction, whenever the next level is not zero."""
    out = []
    for t, s in zip(sigmas[:-1], sigmas[1:]):
        d = -t * f(x, t)
        x_next = x + (s - t) * d
        if method == "heun" and s != 0:
            x_next = x + (s - t) * (0.5 * d + 0.5 * -s * f(x_next, s))
        out.append(x := x_next)
    return out


def scalings(sigma, sigma_data):
    """Named tuples of EDM by numpy.hypot."""
    h = np.hypot(sigma, sigma_data)
    return (sigma_data / h)**2, sigma * sigma_data / h, 1 / h, 0.25 * np.log(sigma)


def by_f_and_g(x, score, a, s, da, ds):
    """Probability flow f x - g^2 / 2 score."""
    f = da / a
    return f * x - 0.5 * (2 * s * ds - 2 * f * s**2) * score


def all_directions(f, x, v):
    """One product per direction."""
    vjp, _ = make_vjp(f)(x)
    vs = v if v.ndim == 3 else v[None]
    return np.mean([np.einsum("bd,bd->b", vjp(w), w) for w in vs], axis=0)


def ramp(n_steps, beta_min=1e-4, beta_max=0.02):
    """np.interp between the ends."""
    return np.interp(np.arange(n_steps), [0, max(n_steps - 1, 1)], [beta_min, beta_max])


RIGHT = [
    right("gaussian_log_density", "scipy.stats.norm",
          lambda x, m, s: norm(loc=m, scale=s).logpdf(x).sum(-1)),
    right("mixture_log_density", "logsumexp", mixture_density),
    right("mixture_score", "softmax and einsum", mixture_score),
    right("sigma_from_alpha_bar", "sqrt(1 / a - 1)", lambda a: np.sqrt(1 / a - 1)),
    right("alpha_bar_from_sigma", "expit", lambda s: expit(-2 * np.log(s))),
    right("min_snr_weight", "by cases", min_snr),
    right("karras_sigmas", "k-diffusion", karras),
    right("geometric_sigmas", "exp of linspace",
          lambda a, b, n: np.exp(np.linspace(np.log(a), np.log(b), n))),
    right("cosine_alpha_bar", "betas_for_alpha_bar", betas_for_alpha_bar),
    right("linear_betas", "np.interp", ramp),
    right("vp_marginal", "score_sde", score_sde_vp),
    right("ve_diffusion_coefficient", "score_sde", score_sde_ve),
    right("posterior", "guided-diffusion", guided_posterior),
    right("ddpm_step", "the mean in terms of eps", ddpm),
    right("ddim_step", "as in the paper", ddim),
    right("heun_step", "k-diffusion", k_heun),
    right("ve_ancestral_step", "k-diffusion", k_ancestral),
    right("raise_noise", "a difference of squares",
          lambda x, a, b, z: x + z * np.sqrt(b**2 - a**2)),
    right("langevin", "a list", langevin),
    right("annealed_langevin", "noise of a level at once", annealed),
    right("ddpm_sampler", "tables", by_tables),
    right("ddim_sampler", "indices", deterministic_or_not),
    right("probability_flow_sampler", "EDM", edm),
    right("edm_preconditioning", "hypot", scalings),
    right("velocity_from_score", "f and g", by_f_and_g),
    right("hutchinson_divergence", "make_vjp", all_directions),
    right("classifier_free_guidance", "a weighted mean", lambda c, u, w: (1 - w) * u + w * c),
]
