"""refsgm: score-based generative models, a reference to read and to judge other code by.

Symbols, the same in code, docstrings and MATHNOTES.md:

    B, D, L, T, M      samples in a batch, features, noise levels, steps, slicing directions
    x                  data (B, D); x_0 clean and x_t diffused where there is a time
    x_noisy            data at one noise level: x_noisy = x + sigma eps
    sigma              noise standard deviation, never variance: a scalar or (B, 1), never (B,)
    sigmas             noise levels (L,), decreasing
    scale              the general kernel x_t = scale x_0 + sigma eps; VE has scale = 1
    alpha_bar          share of the signal's variance; as a table (T + 1,) with alpha_bar[0] = 1
    t, s               a step goes from t to s < t, towards less noise
    eps                forward noise (B, D), which a model may predict
    z                  fresh noise (B, D) that a sampler injects
    v                  slicing direction (B, D) or (M, B, D); in [EQV-7], scale eps - sigma x_0
    score, score_fn    the value (B, D); the function (x, sigma) -> (B, D), or x -> (B, D)
    g, beta            diffusion coefficient of an SDE; rate of noise of the VP one

Losses return one value per sample, (B,), summed over features; the caller takes the mean.
Noise is an argument; only loops and `sample` methods take an rng. Results have the dtype of the
inputs. Nothing is mutated or broadcast silently.

An array is NumPy's own (a memmap too) or one that speaks NumPy's protocols, as CuPy and Dask do.
Lists, subclasses (matrix, masked), pandas, PyTorch and JAX are refused: convert them. Counts and
seeds are integers of Python or NumPy; a bool is no number; data of integers count as float64. What
is smaller than float32 is refused, and so are numbers whose squares leave the range of their dtype.

Every function raises ValueError, in one sentence, for an argument of another shape, a value that is
not finite or outside the range that its docstring gives, and a table in another order; a docstring
says what it raises besides. A noise level is a scalar or (B, 1) wherever it meets data.

Reading order: score, gaussian, objectives, noise_levels, steps, samplers, diffusion, equivalence,
weights; arguments and arrays beside them. Then parametrisations (v, velocity), exact (known
answers), learn (networks and training), app (command line and figures), oracle (is it right?).
"""

from importlib import import_module

from .score import directional_derivative, divergence, hutchinson_divergence, score_of
from .gaussian import gaussian_log_density, gaussian_score, perturb, perturbation_score
from .objectives import (ddpm_loss, denoising_score_matching, explicit_score_matching,
                         finite_difference_ssm, implicit_score_matching,
                         noise_conditional_score_matching, noise_prediction_loss,
                         sliced_score_matching, sliced_score_matching_vr)
from .noise_levels import (alpha_bar_from_betas, alpha_bar_from_sigma, betas_from_alpha_bar,
                           cosine_alpha_bar, geometric_sigmas, karras_sigmas, linear_betas,
                           sigma_from_alpha_bar, signal_to_noise_ratio, ve_diffusion_coefficient,
                           ve_marginal, vp_marginal)
from .steps import (annealed_step_sizes, ddim_step, ddpm_step, heun_step, langevin_step,
                    raise_noise, ve_ancestral_step, ve_probability_flow_step, ve_reverse_sde_step,
                    vp_probability_flow_drift, vp_reverse_sde_drift)
from .samplers import (annealed_langevin, ddim_sampler, ddpm_sampler, langevin,
                       probability_flow_sampler)
from .diffusion import diffuse, posterior
from .equivalence import (eps_from_score, eps_from_x0, score_from_eps, score_from_x0, ve_from_vp,
                          ve_score_from_vp, vp_from_ve, vp_score_from_ve, x0_from_eps,
                          x0_from_score)
from .weights import (edm_preconditioning, edm_weight, likelihood_weight, min_snr_weight,
                      score_matching_weight)
from .parametrisations.conversions import (eps_from_v, score_from_velocity, sde_coefficients,
                                           v_from_x0_eps, velocity_from_score,
                                           velocity_from_x0_eps, x0_from_v, x0_from_velocity)
from .parametrisations.consistency import consistency_scalings
from .parametrisations.cosine import cosine_marginal
from .parametrisations.flow import flow_marginal, flow_step, shift_time
from .parametrisations.guidance import classifier_free_guidance
from .parametrisations.losses import (edm_loss, flow_matching_loss, v_prediction_loss,
                                      x0_prediction_loss)
from .parametrisations.training_levels import log_normal_sigma, logit_normal_time
from .exact.mixtures import mixture_log_density, mixture_score
from .exact.gaussian_mixtures import Gaussian, GaussianMixture
from .exact.empirical import Empirical
from .exact.expectations import expected, expected_over_noise
from .exact.affine_losses import (affine_denoising_score_matching, affine_explicit_score_matching,
                                  affine_implicit_score_matching,
                                  affine_noise_conditional_score_matching,
                                  affine_noise_prediction_loss, affine_sliced_variance,
                                  affine_sliced_variance_vr)
from .exact.sampler_laws import convergence_order, sampler_law
from .exact.langevin_laws import annealed_langevin_law, langevin_law
from .exact.likelihood import (bits_per_dimension, log_likelihood, prior_log_density,
                               probability_flow)
from .learn.backend import backend

__version__ = "0.1.0"

# What training needs is imported when it is first asked for.
LAZY = {"check_training": "oracle.training", "check_sde": "oracle.sde",
        "train": "learn.runs", "Settings": "learn.settings",
        "Model": "learn.networks", "score_network": "learn.networks",
        "energy_network": "learn.networks", "init_network": "learn.networks",
        "value_and_grad": "learn.autodiff",
        "save_model": "learn.checkpoints", "load_model": "learn.checkpoints",
        "check": "oracle.check", "check_sampler": "oracle.sampler"}

__all__ = sorted([name for name, value in globals().items()
                  if callable(value) and getattr(value, "__module__", "").startswith("refsgm.")]
                 + list(LAZY))


def __getattr__(name):
    if name not in LAZY:
        raise AttributeError(f"module 'refsgm' has no attribute {name!r}")
    return getattr(import_module(f".{LAZY[name]}", __name__), name)


def __dir__():
    return sorted({*globals(), *LAZY})
