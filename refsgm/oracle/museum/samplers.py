"""The museum's sampler steps, loops and likelihoods."""

import math

import autograd.numpy as np

from ...exact.likelihood import flow_of, prior_log_density, solve
from ...score import trace
from .exhibit import mutant

# Sampler steps ------------------------------------------------------------------------------------

def ddpm_parts(x_t, eps, alpha_bar_t, alpha_bar_s):
    """Mean of DDPM's equation 11, beta, and the posterior variance."""
    alpha = alpha_bar_t / alpha_bar_s
    beta = (alpha_bar_s - alpha_bar_t) / alpha_bar_s
    mean = (x_t - beta / (1 - alpha_bar_t)**0.5 * eps) / alpha**0.5
    return mean, beta, beta * (1 - alpha_bar_s) / (1 - alpha_bar_t)


@mutant("ddpm-std-is-variance", "ddpm_step", "sqrt-missing", "plausible",
        "The noise is multiplied by the variance.", "analogue: blei-lab/edward issue 722")
def _(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
    mean, beta, posterior = ddpm_parts(x_t, eps, alpha_bar_t, alpha_bar_s)
    return mean + (posterior if variance == "posterior" else beta) * z


@mutant("ddpm-beta-not-tilde", "ddpm_step", "beta-variance", "documented",
        "The variance is beta where that of the posterior was asked for.",
        "jhbastek/PhysicsInformedDiffusionModels issue 4; both are choices of DDPM, section 3.2",
        convention="beta-variance")
def _(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
    mean, beta, _ = ddpm_parts(x_t, eps, alpha_bar_t, alpha_bar_s)
    return mean + beta**0.5 * z


@mutant("ddpm-mean-no-sqrt", "ddpm_step", "sqrt-missing", "plausible",
        "beta / (1 - alpha_bar) where beta / sqrt(1 - alpha_bar) belongs.", "common confusion")
def _(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
    _, beta, posterior = ddpm_parts(x_t, eps, alpha_bar_t, alpha_bar_s)
    mean = (x_t - beta / (1 - alpha_bar_t) * eps) / (alpha_bar_t / alpha_bar_s)**0.5
    return mean + (posterior if variance == "posterior" else beta)**0.5 * z


@mutant("posterior-var-not-divided", "posterior", "factor-missing", "documented",
        "The posterior variance is not divided by 1 - alpha_bar_t.",
        "varun-ml/diffusion-models-tutorial PR 1; cf. labmlai commit 4eec7a4e")
def _(x_0, x_t, alpha_bar_t, alpha_bar_s):
    beta = (alpha_bar_s - alpha_bar_t) / alpha_bar_s
    mean = (alpha_bar_s**0.5 * beta * x_0
            + (alpha_bar_t / alpha_bar_s)**0.5 * (1 - alpha_bar_s) * x_t) / (1 - alpha_bar_t)
    return mean, beta * (1 - alpha_bar_s)


@mutant("ddim-eta-ignored-in-direction", "ddim_step", "wrong-factor", "plausible",
        "The direction keeps all the noise, as if eta were 0: the variance is not taken from it.",
        "common confusion")
def _(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    x_0 = (x_t - (1 - alpha_bar_t)**0.5 * eps) / alpha_bar_t**0.5
    beta = (alpha_bar_s - alpha_bar_t) / alpha_bar_s
    variance = eta**2 * beta * (1 - alpha_bar_s) / (1 - alpha_bar_t)
    return alpha_bar_s**0.5 * x_0 + (1 - alpha_bar_s)**0.5 * eps + variance**0.5 * z


@mutant("ddim-sigma-single-level", "ddim_step", "wrong-factor", "documented",
        "The noise is eta sqrt(1 - alpha_bar_t), of one level where it depends on both.",
        "jsboige/CoursIA PR 16158")
def _(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    x_0 = (x_t - (1 - alpha_bar_t)**0.5 * eps) / alpha_bar_t**0.5
    variance = eta**2 * (1 - alpha_bar_t)
    direction = np.maximum(1 - alpha_bar_s - variance, 0.0)
    return alpha_bar_s**0.5 * x_0 + direction**0.5 * eps + variance**0.5 * z


@mutant("ddim-clip-not-propagated", "ddim_step", "clipped", "documented",
        "x_0 is clipped to [-1, 1], and eps is kept as it was.",
        "lucidrains/denoising-diffusion-pytorch commit 6dda508; a choice in diffusers",
        convention="clipped-x0")
def _(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    x_0 = np.clip((x_t - (1 - alpha_bar_t)**0.5 * eps) / alpha_bar_t**0.5, -1, 1)
    beta = (alpha_bar_s - alpha_bar_t) / alpha_bar_s
    variance = eta**2 * beta * (1 - alpha_bar_s) / (1 - alpha_bar_t)
    direction = np.maximum(1 - alpha_bar_s - variance, 0.0)
    return alpha_bar_s**0.5 * x_0 + direction**0.5 * eps + variance**0.5 * z


@mutant("langevin-no-sqrt2", "langevin_step", "half", "plausible",
        "Drift step_size with noise sqrt(step_size): the drift lacks 1/2, or the noise sqrt(2).",
        "common confusion")
def _(x, score, step_size, z):
    return x + step_size * score + step_size**0.5 * z


@mutant("langevin-noise-linear", "langevin_step", "sqrt-missing", "documented",
        "The noise is multiplied by step_size where its square root belongs.",
        "google-research/ibc issue 6; blei-lab/edward issue 722")
def _(x, score, step_size, z):
    return x + step_size * (0.5 * score + z)


@mutant("langevin-drift-half-noise-2", "langevin_step", "factor", "plausible",
        "The drift of one convention, step_size / 2, with the noise of the other.",
        "a mix of the two conventions")
def _(x, score, step_size, z):
    return x + 0.5 * step_size * score + (2 * step_size)**0.5 * z


@mutant("langevin-sign", "langevin_step", "sign", "plausible",
        "Descends the score, as one would an energy.", "energy and score confused")
def _(x, score, step_size, z):
    return x - 0.5 * step_size * score + step_size**0.5 * z


@mutant("ald-step-not-squared", "annealed_step_sizes", "sigma-not-squared", "plausible",
        "Step sizes are proportional to sigma where they should be to sigma^2.",
        "the right form is in the annealing runner of ermongroup/ncsn")
def _(sigmas, step_size):
    return step_size * sigmas / sigmas[-1]


@mutant("ald-step-not-squared", "annealed_langevin", "sigma-not-squared", "plausible",
        "Step sizes are proportional to sigma where they should be to sigma^2.",
        "the right form is in the annealing runner of ermongroup/ncsn")
def _(score_fn, x, sigmas, steps_per_level, step_size, rng):
    for sigma in sigmas.tolist():
        h = step_size * sigma / float(sigmas[-1])
        for _ in range(steps_per_level):
            x = x + 0.5 * h * score_fn(x, sigma) + h**0.5 * rng.standard_normal(x.shape)
            yield x


@mutant("pfode-no-half", "vp_probability_flow_drift", "half", "plausible",
        "The drift of the SDE, f - g^2 s, where the ODE has f - g^2 s / 2.", "common confusion")
def _(x, score, beta):
    return -0.5 * beta * x - beta * score


@mutant("rsde-forward-drift-sign", "vp_reverse_sde_drift", "sign", "confusion",
        "f keeps the sign of the forward step where the reverse step turns it round.",
        "jsboige/CoursIA PR 16132 tests the combinations of signs")
def _(x, score, beta):
    return 0.5 * beta * x - beta * score


@mutant("heun-wrong-sigma", "heun_step", "wrong-level", "documented",
        "The second slope is divided by the noise level of the first.",
        "huggingface/diffusers PR 1512")
def _(score_fn, x_t, sigma_t, sigma_s):
    slope = -sigma_t * score_fn(x_t, sigma_t)
    x_hat = x_t + (sigma_s - sigma_t) * slope
    if np.all(sigma_s == 0):
        return x_hat
    x_0 = x_hat + sigma_s**2 * score_fn(x_hat, sigma_s)
    return x_t + 0.5 * (sigma_s - sigma_t) * (slope + (x_hat - x_0) / sigma_t)


@mutant("ancestral-sigma-down", "ve_ancestral_step", "wrong-factor", "plausible",
        "sigma_down = sigma_s - sigma_up: deviations are subtracted where variances should be.",
        "the right form is in crowsonkb/k-diffusion get_ancestral_step")
def _(x_t, score, sigma_t, sigma_s, z):
    sigma_up = sigma_s * (sigma_t**2 - sigma_s**2)**0.5 / sigma_t
    sigma_down = sigma_s - sigma_up
    return x_t + (sigma_t - sigma_down) * sigma_t * score + sigma_up * z


# Likelihood ---------------------------------------------------------------------------------------

@mutant("prior-not-scaled", "prior_log_density", "argument-ignored", "confusion",
        "The prior of a VE model is taken to be N(0, I).", "harryjo97/GDSS issue 26")
def _(x, sigma_max):
    return -0.5 * np.sum(x**2, axis=1) - 0.5 * x.shape[1] * math.log(2 * math.pi)


def log_sigma(sigma):
    """The logarithm of a number, or of each row's level, (B,)."""
    return np.log(sigma) if np.ndim(sigma) == 0 else np.log(sigma)[:, 0]


@mutant("prior-logp-no-sigma", "prior_log_density", "normalising-constant", "plausible",
        "-D log sigma is missing.", "common confusion")
def _(x, sigma_max):
    return -0.5 * np.sum((x / sigma_max)**2, axis=1) - 0.5 * x.shape[1] * math.log(2 * math.pi)


@mutant("prior-logp-no-D", "prior_log_density", "normalising-constant", "plausible",
        "The constant of one feature where that of D belongs.", "common confusion")
def _(x, sigma_max):
    constant = log_sigma(sigma_max) + 0.5 * math.log(2 * math.pi)
    return -0.5 * np.sum((x / sigma_max)**2, axis=1) - constant


@mutant("logp-divergence-overwritten", "log_likelihood", "term-missing", "documented",
        "The integral of the divergence is overwritten by the prior's log density.",
        "AlexandreAdam/score_models commit 8dd7219")
def _(score_fn, x, sigma_min, sigma_max):
    x_max, _ = solve(flow_of(score_fn), x, sigma_min, sigma_max, 1e-8)
    return prior_log_density(x_max, sigma_max)


@mutant("logp-divergence-sign", "log_likelihood", "sign", "plausible",
        "The integral of the divergence has the wrong sign.",
        "questions in yang-song/score_sde_pytorch issue 59")
def _(score_fn, x, sigma_min, sigma_max):
    x_max, change = solve(flow_of(score_fn, trace), x, sigma_min, sigma_max, 1e-8)
    return prior_log_density(x_max, sigma_max) + change


@mutant("bpd-nats", "bits_per_dimension", "nats-vs-bits", "confusion",
        "Nats per dimension are reported as bits.", "openai/vdvae issue 5")
def _(log_density, dim, bin_width=1.0):
    return -log_density / dim - math.log(bin_width)
