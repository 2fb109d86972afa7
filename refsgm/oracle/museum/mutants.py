"""The bug museum's exhibits: mistakes of published code, each written from its formula.

A mutant has the signature of its kind, and is wrong in the one way that its sentence says. Its
code is what a doctor who has not seen it should say. `NO_KIND` has the mistakes that no contract
can show, and why.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import autograd.numpy as np
from autograd import make_vjp

from ...exact.likelihood import prior_log_density, solve
from ...score import divergence


class Mutant(NamedTuple):
    """A mistake: its name, kind, code, evidence, one sentence, where it was seen, and the function.

    status      "documented" (thread, commit or code was read), "confusion" (a thread asks for the
                wrong form), "plausible" (a common slip)
    convention  the name under which `allow` accepts it, "" for a mistake
    """

    id: str
    kind: str
    code: str
    status: str
    sentence: str
    source: str
    function: Callable
    convention: str = ""


MUTANTS = []


def mutant(id, kind, code, status, sentence, source, convention=""):
    """Put the function below into the museum."""
    def exhibit(function):
        MUTANTS.append(Mutant(id, kind, code, status, sentence, source, function, convention))
        return function
    return exhibit


# Scores -------------------------------------------------------------------------------------------

@mutant("score-sign", "gaussian_score", "sign", "documented",
        "The score points away from the mean.", "blei-lab/treeffuser commit f2fc210")
def _(x, mean, sigma):
    return (x - mean) / sigma**2


@mutant("score-std-not-squared", "gaussian_score", "sigma-not-squared", "plausible",
        "Divides by sigma where sigma^2 belongs.",
        "the reverse of yang-song/score_sde_pytorch issue 26")
def _(x, mean, sigma):
    return (mean - x) / sigma


@mutant("score-energy-extra-sigma", "gaussian_score", "factor-extra", "documented",
        "The gradient of the energy |x - mean|^2 / (2 sigma^2) is divided by sigma once more.",
        "AlexandreAdam/score_models commit 9b1b5eb")
def _(x, mean, sigma):
    grad_energy = (x - mean) / sigma**2
    return -grad_energy / sigma


@mutant("score-gmm-underflow", "mixture_score", "underflow", "plausible",
        "Responsibilities from densities, not from their logarithms: 0 / 0 far from every mean.",
        "analogues in rust-ml/linfa PR 443, diana-hep/carl issue 13, scikit-learn issue 7462")
def _(x, weights, means, sigma):
    away = means - x[:, None, :]                                                    # (B, K, D)
    p = weights * np.exp(-np.sum(away**2, axis=2) / (2 * sigma**2))                 # (B, K)
    return np.sum(p[:, :, None] * away, axis=1) / np.sum(p, axis=1, keepdims=True) / sigma**2


@mutant("score-gmm-unweighted", "mixture_score", "unweighted", "plausible",
        "The plain mean of the components' scores, without responsibilities.", "common confusion")
def _(x, weights, means, sigma):
    return (np.mean(means, axis=0) - x) / sigma**2


# Losses by noise ----------------------------------------------------------------------------------

@mutant("dsm-target-double-division", "denoising_score_matching", "sigma-squared", "confusion",
        "Unit noise is divided by sigma^2, as only scaled noise should be.",
        "yang-song/score_sde_pytorch issue 26 asks for it")
def _(score_fn, x, sigma, eps):
    return 0.5 * np.sum((score_fn(x + sigma * eps, sigma) + eps / sigma**2)**2, axis=1)


@mutant("dsm-target-not-scaled", "denoising_score_matching", "factor-missing", "confusion",
        "A raw score is compared with -eps, the target of a noise prediction.",
        "Animadversio/DiffusionFromScratch issue 2")
def _(score_fn, x, sigma, eps):
    return 0.5 * np.sum((score_fn(x + sigma * eps, sigma) + eps)**2, axis=1)


@mutant("dsm-weight-twice", "noise_conditional_score_matching", "weighting", "plausible",
        "sigma^2 weighs a residual that is scaled by sigma already.", "common confusion")
def _(score_fn, x, sigmas, eps, weights=None):
    weights = sigmas**2 if weights is None else weights
    return sum(w * 0.5 * np.sum((s * score_fn(x + s * e, float(s)) + e)**2, axis=1)
               for w, s, e in zip(weights, sigmas, eps))


@mutant("dsm-mean-over-dims", "denoising_score_matching", "sum-vs-mean", "documented",
        "The mean over features where the sum belongs.",
        "eje24/iap-diffusion-labs issue 21; reduce_mean in yang-song/score_sde_pytorch losses.py",
        convention="mean-over-dims")
def _(score_fn, x, sigma, eps):
    return 0.5 * np.mean((score_fn(x + sigma * eps, sigma) + eps / sigma)**2, axis=1)


@mutant("dsm-missing-half", "denoising_score_matching", "half", "plausible",
        "The 1/2 is left out.", "reduce_op in yang-song/score_sde_pytorch losses.py",
        convention="missing-half")
def _(score_fn, x, sigma, eps):
    return np.sum((score_fn(x + sigma * eps, sigma) + eps / sigma)**2, axis=1)


@mutant("dsm-broadcast-sigma", "denoising_score_matching", "broadcast", "plausible",
        "sigma of shape (B,) multiplies columns of (B, D) where it should multiply rows.",
        "relatives: bayesflow issue 787, joliGEN PR 527, boltzgen PR 230")
def _(score_fn, x, sigma, eps):
    sigma = sigma if np.ndim(sigma) == 0 else sigma[:, 0]                               # (B,)
    return 0.5 * np.sum((score_fn(x + sigma * eps, sigma) + eps / sigma)**2, axis=1)


@mutant("dsm-shared-noise", "denoising_score_matching", "argument-ignored", "plausible",
        "One noise vector for the whole batch.", "common confusion")
def _(score_fn, x, sigma, eps):
    eps = eps[:1]                                                                       # (1, D)
    return 0.5 * np.sum((score_fn(x + sigma * eps, sigma) + eps / sigma)**2, axis=1)


@mutant("dsm-levels-reversed", "noise_conditional_score_matching", "reversed", "plausible",
        "The network is told the noise levels in reverse order.",
        "yang-song/score_sde_pytorch losses.py flips sigmas for models that descend")
def _(score_fn, x, sigmas, eps, weights=None):
    weights = sigmas**2 if weights is None else weights
    return sum(w * 0.5 * np.sum((score_fn(x + s * e, float(label)) + e / s)**2, axis=1)
               for w, s, e, label in zip(weights, sigmas, eps, sigmas[::-1]))


@mutant("dsm-likelihood-weight-g", "likelihood_weight", "sigma-not-squared", "plausible",
        "The diffusion coefficient where its square belongs.",
        "the right form is in yang-song/score_sde_pytorch losses.py")
def _(g):
    return g * 1.0


@mutant("eps-loss-squared-twice", "noise_prediction_loss", "squared-twice", "confusion",
        "The squared error is squared again.",
        "zoubohao/DenoisingDiffusionProbabilityModel-ddpm- issue 12 asks about it")
def _(eps_fn, x, sigma, eps):
    return np.sum((eps - eps_fn(x + sigma * eps, sigma))**2, axis=1)**2


# Losses by derivatives ----------------------------------------------------------------------------

def trace_of_jacobian(score_fn, x):
    """Score (B, D), and sum_i d s_i / d x_i, (B,)."""
    vjp, score = make_vjp(score_fn)(x)
    return score, sum(vjp(np.ones_like(x) * e)[:, i] for i, e in enumerate(np.eye(x.shape[1])))


@mutant("ism-missing-half", "implicit_score_matching", "half", "plausible",
        "|s|^2 without its 1/2 beside the trace.", "common confusion")
def _(score_fn, x):
    score, trace = trace_of_jacobian(score_fn, x)
    return np.sum(score**2, axis=1) + trace


@mutant("ssm-sphere-plain", "sliced_score_matching", "unit-sphere", "documented",
        "Directions are scaled to length 1, not sqrt(D).",
        "ermongroup/ncsn losses/sliced_sm.py sliced_score_matching", convention="unit-sphere")
def _(score_fn, x, v):
    vjp, score = make_vjp(score_fn)(x)
    v = v / np.sqrt(np.sum(v**2, axis=-1, keepdims=True))
    terms = [0.5 * np.sum(u * score, axis=1)**2 + np.sum(vjp(u) * u, axis=1)
             for u in v.reshape(-1, *x.shape)]
    return sum(terms) / len(terms)


@mutant("divergence-sums-jacobian", "divergence", "wrong-jacobian", "documented",
        "The sum of all entries of the Jacobian where its trace belongs.",
        "BioMedIA/deepali issue 116")
def _(score_fn, x):
    vjp, _ = make_vjp(score_fn)(x)
    return np.sum(vjp(np.ones_like(x)), axis=1)


# One model in many parametrisations ---------------------------------------------------------------

@mutant("qsample-sqrt1m-is-sqrt", "diffuse", "one-minus", "documented",
        "The noise is scaled by sqrt(alpha_bar) where sqrt(1 - alpha_bar) belongs.",
        "labmlai/annotated_deep_learning_paper_implementations commit d4c19008")
def _(x_0, alpha_bar_t, eps):
    return alpha_bar_t**0.5 * x_0 + alpha_bar_t**0.5 * eps


@mutant("eps2score-no-sigma", "score_from_eps", "argument-ignored", "plausible",
        "The score is taken to be -eps.", "cf. yang-song/score_sde_pytorch issue 11")
def _(eps, sigma):
    return -eps


@mutant("eps2score-sign", "score_from_eps", "sign", "plausible",
        "The score has the sign of the noise.", "common confusion")
def _(eps, sigma):
    return eps / sigma


@mutant("eps2score-variance", "score_from_eps", "sigma-squared", "plausible",
        "Divides by the variance where the standard deviation belongs.", "common confusion")
def _(eps, sigma):
    return -eps / sigma**2


@mutant("x0-from-eps-parenthesis", "x0_from_eps", "argument-ignored", "documented",
        "sqrt(1 - ab / ab), which is 0, where sqrt((1 - ab) / ab) belongs: no noise is removed.",
        "EDAPINENUT/GNTPP issue 2")
def _(x_t, eps, scale, sigma):
    alpha_bar = scale**2
    return x_t / scale - (1 - alpha_bar / alpha_bar)**0.5 * eps


@mutant("eps-from-v-uses-xt", "eps_from_v", "wrong-factor", "confusion",
        "v = scale eps - sigma x_0 is solved for eps with x_t in the place of x_0.",
        "threestudio-project/threestudio issue 126")
def _(x_t, v, scale, sigma):
    return (v + sigma * x_t) / scale


@mutant("eps-from-x0-identity", "eps_from_x0", "argument-ignored", "documented",
        "A prediction of x_0 is used as one of eps.", "huggingface/diffusers issue 1486, PR 2094")
def _(x_t, x_0, scale, sigma):
    return x_0 + 0.0


@mutant("tweedie-vp-no-alpha", "x0_from_score", "wrong-coordinates", "plausible",
        "Tweedie's formula of VE coordinates: the division by scale is missing.",
        "common confusion")
def _(x_t, score, scale, sigma):
    return x_t + sigma**2 * score


@mutant("denoiser2score-scale", "score_from_x0", "wrong-coordinates", "plausible",
        "Divides by the variance (sigma / scale)^2 of VE coordinates, not by that of x_t.",
        "the right form is in deepinv/deepinv issue 736")
def _(x_t, x_0, scale, sigma):
    sigma_ve = sigma / scale
    return (scale * x_0 - x_t) / sigma_ve**2


@mutant("vdenoiser-cout-sign", "x0_from_v", "sign", "confusion",
        "The sign of v is flipped: c_out is made positive, as for a denoiser that predicts x_0.",
        "huggingface/diffusers issue 1481 asks for it")
def _(x_t, v, scale, sigma):
    return (scale * x_t + sigma * v) / (scale**2 + sigma**2)


@mutant("vp-scale-e-vs-sqrt-e", "vp_from_ve", "sqrt-missing", "confusion",
        "The state is scaled by 1 / (1 + sigma^2) where its square root belongs.",
        "NVlabs/edm issue 1, withdrawn there")
def _(x_ve, sigma):
    alpha_bar = 1 / (1 + sigma**2)
    return alpha_bar * x_ve, alpha_bar


# Schedules ----------------------------------------------------------------------------------------

@mutant("qsample-alpha-not-bar", "alpha_bar_from_betas", "not-accumulated", "plausible",
        "alpha_t where alpha_bar_t belongs: the factors of all earlier steps are missing.",
        "common confusion")
def _(betas):
    return np.concatenate([np.ones(1, betas.dtype), 1 - betas])


@mutant("abar-float16", "alpha_bar_from_betas", "low-precision", "documented",
        "The table is kept in half precision.", "AUTOMATIC1111/stable-diffusion-webui issue 13052")
def _(betas):
    table = np.concatenate([np.ones(1), np.cumprod(1 - betas)])
    return table.astype(np.float16).astype(betas.dtype)


@mutant("cosine-abar-starts-at-one", "cosine_alpha_bar", "index-shift", "documented",
        "A table of T values that starts with f(0) / f(0) = 1: the first step adds no noise.",
        "Project-MONAI/GenerativeModels issue 489, MONAI PR 8427")
def _(n_steps, offset=0.008, beta_max=0.999):
    t = np.arange(n_steps) / n_steps
    f = np.cos((t + offset) / (1 + offset) * math.pi / 2)**2
    betas = np.minimum(1 - f[1:] / f[:-1], beta_max)
    return np.concatenate([[1.0], [1.0], np.cumprod(1 - betas)])


@mutant("sigmas-ascending", "geometric_sigmas", "reversed", "plausible",
        "Noise levels ascend where annealing goes down.",
        "ermongroup/ncsn descends, yang-song/score_sde_pytorch ascends")
def _(sigma_max, sigma_min, n_levels):
    return np.exp(np.linspace(math.log(sigma_min), math.log(sigma_max), n_levels))


@mutant("sigmas-left-in-log", "geometric_sigmas", "misread-argument", "documented",
        "Logarithms of the noise levels are stored as the levels.",
        "bb515/diffusionjax commit 306b9ac")
def _(sigma_max, sigma_min, n_levels):
    return np.linspace(math.log(sigma_max), math.log(sigma_min), n_levels)


@mutant("geometric-endpoint", "geometric_sigmas", "end-point", "plausible",
        "i / L where i / (L - 1) belongs: the smallest level is never reached.",
        "cf. bb515/diffusionjax test_utils.py")
def _(sigma_max, sigma_min, n_levels):
    return sigma_max * (sigma_min / sigma_max)**(np.arange(n_levels) / n_levels)


@mutant("karras-rho-inverted", "karras_sigmas", "inverted", "plausible",
        "rho and 1 / rho are exchanged.", "common confusion")
def _(sigma_max, sigma_min, n_levels, rho=7.0):
    return np.linspace(sigma_max**rho, sigma_min**rho, n_levels)**(1 / rho)


@mutant("vp-mean-missing-half", "vp_marginal", "sqrt-missing", "plausible",
        "exp(-integral of beta) where its square root, with half the integral, belongs.",
        "the convention is spelled out in microsoft/mattergen PR 81")
def _(t, beta_min=0.1, beta_max=20.0):
    integral = beta_min * t + 0.5 * (beta_max - beta_min) * t**2
    return np.exp(-integral), (-np.expm1(-integral))**0.5


@mutant("ve-g-missing-log", "ve_diffusion_coefficient", "factor-missing", "documented",
        "g = sigma(t), without sqrt(2 log(sigma_max / sigma_min)).",
        "deepinv/deepinv issue 775, commit ec2068694")
def _(t, sigma_min, sigma_max):
    return sigma_min * (sigma_max / sigma_min)**t


# Weights and preconditioning ----------------------------------------------------------------------

@mutant("edm-cout-no-sqrt", "edm_preconditioning", "sqrt-missing", "plausible",
        "c_out is divided by the total variance, not by its square root.", "common confusion")
def _(sigma, sigma_data):
    total = sigma**2 + sigma_data**2
    return sigma_data**2 / total, sigma * sigma_data / total, 1 / total**0.5, np.log(sigma) / 4


@mutant("edm-cin-no-sqrt", "edm_preconditioning", "sqrt-missing", "plausible",
        "c_in is one over the total variance, not over its square root.", "common confusion")
def _(sigma, sigma_data):
    total = sigma**2 + sigma_data**2
    return sigma_data**2 / total, sigma * sigma_data / total**0.5, 1 / total, np.log(sigma) / 4


@mutant("edm-cskip-noise", "edm_preconditioning", "wrong-level", "plausible",
        "c_skip is the share of the noise where that of the data belongs.", "common confusion")
def _(sigma, sigma_data):
    total = sigma**2 + sigma_data**2
    return sigma**2 / total, sigma * sigma_data / total**0.5, 1 / total**0.5, np.log(sigma) / 4


@mutant("snr-sigma-data", "edm_preconditioning", "factor-missing", "documented",
        "1 / (sigma^2 + sigma_data^2), without sigma_data^2.",
        "crowsonkb/k-diffusion commit 5aaa996")
def _(sigma, sigma_data):
    total = sigma**2 + sigma_data**2
    return 1 / total, sigma * sigma_data / total**0.5, 1 / total**0.5, np.log(sigma) / 4


@mutant("minsnr-clamp-direction", "min_snr_weight", "min-vs-max", "documented",
        "max(SNR, gamma) where min(SNR, gamma) belongs.",
        "lucidrains/denoising-diffusion-pytorch commits b8f8e40, ecd4582")
def _(alpha_bar, gamma, prediction):
    q = alpha_bar / (1 - alpha_bar)
    return np.maximum(q, gamma) / {"eps": q, "x0": 1, "v": q + 1}[prediction]


@mutant("minsnr-v-base-plus1", "min_snr_weight", "term-extra", "documented",
        "For a v-prediction, the weight of eps plus 1, where SNR + 1 should divide.",
        "huggingface/diffusers commits 24563ca654, 26e80e0143")
def _(alpha_bar, gamma, prediction):
    q = alpha_bar / (1 - alpha_bar)
    if prediction == "v":
        return np.minimum(q, gamma) / q + 1
    return np.minimum(q, gamma) / {"eps": q, "x0": 1}[prediction]


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
    x_max, _ = solve(score_fn, x, sigma_min, sigma_max, 1e-8, None)
    return prior_log_density(x_max, sigma_max)


@mutant("logp-divergence-sign", "log_likelihood", "sign", "plausible",
        "The integral of the divergence has the wrong sign.",
        "questions in yang-song/score_sde_pytorch issue 59")
def _(score_fn, x, sigma_min, sigma_max):
    x_max, change = solve(score_fn, x, sigma_min, sigma_max, 1e-8, divergence)
    return prior_log_density(x_max, sigma_max) + change


@mutant("bpd-nats", "bits_per_dimension", "nats-vs-bits", "confusion",
        "Nats per dimension are reported as bits.", "openai/vdvae issue 5")
def _(log_density, dim, bin_width=1.0):
    return -log_density / dim - math.log(bin_width)


# Rows that no contract can show: id -> why --------------------------------------------------------

NO_KIND = {
    "score-gmm-noise-not-added": "mixture_score has one sigma: a mixture's own covariance and its "
                                 "noising belong to distribution objects, which are no kind",
    "hutchinson-uniform-probe": "directions are an argument of hutchinson_divergence; their law is "
                                "the caller's",
    "gauss-denoiser-vp-sigma": "the denoiser of a Gaussian belongs to distribution objects",
    "linear-betas-not-rescaled": "linear_betas is defined without rescaling; whether the ends suit "
                                 "T is the caller's choice",
    "cosine-shift-inverted": "no kind has a shift of the log SNR",
    "subvp-std-sqrt": "no kind is about the sub-VP SDE",
    "ztsnr-infinite-sigma": "alpha_bar = 0 is outside the domain of sigma_from_alpha_bar",
    "ztsnr-rescale-abar": "no kind rescales a table to zero terminal SNR",
    "prev-timestep-stride": "steps take the two levels themselves, and loops every entry of the "
                            "table: there is no stride",
    "vdenoiser-time-unit": "no kind maps sigma to the time of a v-prediction",
    "posterior-var-skipped-beta": "steps take the two levels alone; there is no table of betas to "
                                  "take a wrong one from",
    "learned-range-not-log": "no kind interpolates a learned variance",
    "threshold-clamp": "no kind thresholds x_0",
    "corrector-alpha-bar": "no kind is about the corrector of a VP sampler",
}
