"""The museum's false alarms: spellings that were reported as bugs, and are right."""

import math
from typing import NamedTuple

import autograd.numpy as np

from .samplers import ddpm_parts


class NotBug(NamedTuple):
    """Two spellings of one formula: its name, kind, why they are equal, where it was asked."""

    id: str
    kind: str
    sentence: str
    source: str
    functions: tuple


def cosine_over_steps(n_steps, offset=0.008, beta_max=0.999):
    """Grid of T + 1 points from 0 to T + 1, divided by T + 1."""
    steps = n_steps + 1
    return cosine_table(np.linspace(0, steps, steps) / steps, offset, beta_max)


def cosine_over_t(n_steps, offset=0.008, beta_max=0.999):
    """Grid of T + 1 points from 0 to T, divided by T."""
    return cosine_table(np.linspace(0, n_steps, n_steps + 1) / n_steps, offset, beta_max)


def cosine_table(t, offset, beta_max):
    """alpha_bar of the cosine schedule on a grid of times."""
    f = np.cos((t + offset) / (1 + offset) * math.pi * 0.5)**2
    return np.concatenate([[1.0], np.cumprod(1 - np.clip(1 - f[1:] / f[:-1], 0, beta_max))])


def dsm_scaled_noise(score_fn, x, sigma, eps):
    """Scaled noise over the variance."""
    noise = sigma * eps
    return 0.5 * np.sum((score_fn(x + noise, sigma) + noise / sigma**2)**2, axis=1)


def dsm_unit_noise(score_fn, x, sigma, eps):
    """Unit noise over the standard deviation."""
    return 0.5 * np.sum((score_fn(x + sigma * eps, sigma) + eps / sigma)**2, axis=1)


def ddpm_by_x0(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
    """The mean of q(x_s | x_t, x_0) with x_0 from eps."""
    x_0 = (x_t - (1 - alpha_bar_t)**0.5 * eps) / alpha_bar_t**0.5
    _, beta, posterior = ddpm_parts(x_t, eps, alpha_bar_t, alpha_bar_s)
    mean = (alpha_bar_s**0.5 * beta * x_0
            + (alpha_bar_t / alpha_bar_s)**0.5 * (1 - alpha_bar_s) * x_t) / (1 - alpha_bar_t)
    return mean + (posterior if variance == "posterior" else beta)**0.5 * z


def ddpm_by_eps(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
    """The mean of DDPM's equation 11."""
    mean, beta, posterior = ddpm_parts(x_t, eps, alpha_bar_t, alpha_bar_s)
    return mean + (posterior if variance == "posterior" else beta)**0.5 * z


def ddpm_by_log_variance(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
    """The standard deviation as exp(log variance / 2)."""
    mean, beta, posterior = ddpm_parts(x_t, eps, alpha_bar_t, alpha_bar_s)
    with np.errstate(divide="ignore"):
        return mean + np.exp(0.5 * np.log(posterior if variance == "posterior" else beta)) * z


def betas_by_ratio(alpha_bar):
    """One less the ratio."""
    return 1 - alpha_bar[1:] / alpha_bar[:-1]


def betas_by_difference(alpha_bar):
    """The difference over the former."""
    return -np.diff(alpha_bar) / alpha_bar[:-1]


def langevin_halved(x, score, step_size, z):
    """Drift h / 2 with noise sqrt(h)."""
    return x + step_size / 2 * score + step_size**0.5 * z


def langevin_doubled(x, score, step_size, z):
    """Drift k with noise sqrt(2 k), for k = h / 2."""
    k = step_size / 2
    return x + k * score + (2 * k)**0.5 * z


def drift_by_f_and_g(x, score, beta):
    """f - g^2 score, with f = -beta x / 2 and g = sqrt(beta)."""
    f, g = -0.5 * beta * x, beta**0.5
    return f - g**2 * score


def drift_as_product(x, score, beta):
    """-beta (x / 2 + score)."""
    return -beta * (0.5 * x + score)


def ddim_by_beta_prod(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    """With the names that a well-known library has: beta_prod_t is 1 - alpha_bar_t."""
    beta_prod_t, beta_prod_prev = 1 - alpha_bar_t, 1 - alpha_bar_s
    x_0 = (x_t - beta_prod_t**0.5 * eps) / alpha_bar_t**0.5
    std = eta * (beta_prod_prev / beta_prod_t * (1 - alpha_bar_t / alpha_bar_s))**0.5
    direction = np.maximum(1 - alpha_bar_s - std**2, 0.0)**0.5
    return alpha_bar_s**0.5 * x_0 + direction * eps + std * z


def ddpm_loss_on_unit_noise(eps_fn, x_0, alpha_bar_t, eps):
    """|eps - eps_hat|^2."""
    x_t = alpha_bar_t**0.5 * x_0 + (1 - alpha_bar_t)**0.5 * eps
    return np.sum((eps_fn(x_t, alpha_bar_t) - eps)**2, axis=1)


def ddpm_loss_on_scaled_noise(eps_fn, x_0, alpha_bar_t, eps):
    """|sigma eps - sigma eps_hat|^2 / sigma^2."""
    sigma = (1 - alpha_bar_t)**0.5
    noise = sigma * eps
    x_t = alpha_bar_t**0.5 * x_0 + noise
    return np.sum(((noise - sigma * eps_fn(x_t, alpha_bar_t)) / sigma)**2, axis=1)


NOT_BUGS = [
    NotBug("cosine-linspace-steps", "cosine_alpha_bar",
           "linspace(0, T + 1, T + 1) / (T + 1) is linspace(0, T, T + 1) / T",
           "lucidrains/denoising-diffusion-pytorch issue 19, jannerm/diffuser issue 68",
           (cosine_over_steps, cosine_over_t)),
    NotBug("dsm-noise-over-var", "denoising_score_matching",
           "scaled noise / sigma^2 is unit noise / sigma", "yang-song/score_sde_pytorch issue 26",
           (dsm_scaled_noise, dsm_unit_noise)),
    NotBug("posterior-mean-two-forms", "ddpm_step",
           "the posterior mean at the x_0 of eps is DDPM's equation 11",
           "lucidrains/denoising-diffusion-pytorch issue 135, w86763777/pytorch-ddpm issue 20",
           (ddpm_by_x0, ddpm_by_eps)),
    NotBug("current-beta-t", "betas_from_alpha_bar",
           "1 - alpha_bar_t / alpha_bar_{t-1} is beta_t for steps of one",
           "huggingface/diffusers issue 5130", (betas_by_ratio, betas_by_difference)),
    NotBug("langevin-two-conventions", "langevin_step",
           "(h / 2, sqrt(h)) with h = 2 k is (k, sqrt(2 k))",
           "openai/ebm_code_release issue 2, point0bar1/ebm-anatomy issue 1",
           (langevin_halved, langevin_doubled)),
    NotBug("log-variance-half", "ddpm_step", "exp(log variance / 2) is sqrt(variance)",
           "Janspiry/Image-Super-Resolution-via-Iterative-Refinement issue 54",
           (ddpm_by_log_variance, ddpm_by_eps)),
    NotBug("score-inside-the-drift", "vp_reverse_sde_drift",
           "the score is inside the drift of the reverse SDE, not missing",
           "yang-song/score_sde_pytorch issue 67", (drift_by_f_and_g, drift_as_product)),
    NotBug("beta-prod-is-a-name", "ddim_step", "beta_prod_t is a name for 1 - alpha_bar_t",
           "huggingface/diffusers issue 9474, hkproj/pytorch-stable-diffusion issue 26",
           (ddim_by_beta_prod,)),
    NotBug("loss-on-unit-noise", "ddpm_loss",
           "the loss is on unit noise, not on sqrt(1 - alpha_bar) times it",
           "tqch/ddpm-torch issue 2",
           (ddpm_loss_on_unit_noise, ddpm_loss_on_scaled_noise)),
]

# Reports that no contract can show: id -> why
NO_KIND = {
    "batch-size-squared": "`b ** 2` divides the loss by the square of the batch size, which is a "
                          "scale of the learning rate; the error is squared once "
                          "(zoubohao/DenoisingDiffusionProbabilityModel-ddpm- issue 12)",
}
