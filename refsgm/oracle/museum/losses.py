"""The museum's scores and losses."""

import autograd.numpy as np
from autograd import make_vjp

from .exhibit import mutant

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
