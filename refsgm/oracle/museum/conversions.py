"""The museum's conversions, schedules, weights and preconditioners."""

import math

import autograd.numpy as np

from .exhibit import mutant

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
