"""One valid call of every public function, for the properties that all of them have.

Each entry builds its arguments from an `Inputs`, whose arrays are float64 and random:
x, y, z, w (B, D); column(low, high) a noise level per row, (B, 1), or one number for all rows.
"""

import autograd.numpy as anp
import numpy as np

import refsgm

B, D, L, K, M, T = 5, 3, 4, 6, 2, 7                 # all different, so axes can be told apart


class Inputs:
    """Random arguments; `per_row` chooses noise levels of shape (B, 1) instead of numbers."""

    def __init__(self, seed=0, per_row=True):
        self.rng, self.per_row = np.random.default_rng(seed), per_row
        self.x, self.y, self.z, self.w = self.rng.standard_normal((4, B, D))
        self.v = self.rng.standard_normal((M, B, D))
        self.eps_levels = self.rng.standard_normal((L, B, D))
        self.weights = np.full(K, 1 / K)
        self.means = self.rng.standard_normal((K, D))
        self.sigmas = np.geomspace(3.0, 0.5, L)
        self.alpha_bar = np.linspace(1.0, 0.1, T + 1)

    def column(self, low, high):
        values = self.rng.uniform(low, high, (B, 1))
        return values if self.per_row else float(values[0, 0])


def score(x, sigma=1.0):
    """A score function that acts on each row alone, in the dtype of x, from operators alone."""
    return -x / (1 + sigma) + anp.sin(x) * anp.sum(x, axis=1, keepdims=True)


def last(states):
    """The last state of a loop."""
    *_, state = states
    return state


def seeded():
    return np.random.default_rng(11)


# name -> (function of an Inputs that gives the arguments)
CALLS = {
    "gaussian_log_density": lambda i: (i.x, i.y, i.column(0.5, 2)),
    "gaussian_score": lambda i: (i.x, i.y, i.column(0.5, 2)),
    "perturb": lambda i: (i.x, i.column(0.5, 2), i.y),
    "perturbation_score": lambda i: (i.x, i.y, i.column(0.5, 2)),
    "mixture_log_density": lambda i: (i.x, i.weights, i.means, i.column(0.5, 2)),
    "mixture_score": lambda i: (i.x, i.weights, i.means, i.column(0.5, 2)),
    "prior_log_density": lambda i: (i.x, i.column(0.5, 2)),
    "directional_derivative": lambda i: (score, i.x, i.v),
    "divergence": lambda i: (score, i.x),
    "hutchinson_divergence": lambda i: (score, i.x, i.v),
    "explicit_score_matching": lambda i: (score, i.x, i.y),
    "implicit_score_matching": lambda i: (score, i.x),
    "sliced_score_matching": lambda i: (score, i.x, i.v),
    "sliced_score_matching_vr": lambda i: (score, i.x, i.y),
    "finite_difference_ssm": lambda i: (score, i.x, i.v, 0.1),
    "denoising_score_matching": lambda i: (score, i.x, i.column(0.5, 2), i.y),
    "noise_conditional_score_matching": lambda i: (score, i.x, i.sigmas, i.eps_levels),
    "noise_prediction_loss": lambda i: (score, i.x, i.column(0.5, 2), i.y),
    "ddpm_loss": lambda i: (score, i.x, i.column(0.1, 0.9), i.y),
    "score_from_eps": lambda i: (i.x, i.column(0.5, 2)),
    "eps_from_score": lambda i: (i.x, i.column(0.5, 2)),
    "x0_from_eps": lambda i: (i.x, i.y, i.column(0.5, 1), i.column(0.5, 2)),
    "eps_from_x0": lambda i: (i.x, i.y, i.column(0.5, 1), i.column(0.5, 2)),
    "x0_from_score": lambda i: (i.x, i.y, i.column(0.5, 1), i.column(0.5, 2)),
    "score_from_x0": lambda i: (i.x, i.y, i.column(0.5, 1), i.column(0.5, 2)),
    "v_from_x0_eps": lambda i: (i.x, i.y, i.column(0.5, 1), i.column(0.5, 2)),
    "x0_from_v": lambda i: (i.x, i.y, i.column(0.5, 1), i.column(0.5, 2)),
    "eps_from_v": lambda i: (i.x, i.y, i.column(0.5, 1), i.column(0.5, 2)),
    "velocity_from_x0_eps": lambda i: (i.x, i.y),
    "x0_from_velocity": lambda i: (i.x, i.y, i.column(0, 1)),
    "velocity_from_score": lambda i: (i.x, i.y, i.column(0.5, 1), i.column(0.5, 2),
                                      i.column(-1, -0.1), i.column(0.1, 1)),
    "score_from_velocity": lambda i: (i.x, i.y, i.column(0.5, 1), i.column(0.5, 2),
                                      i.column(-1, -0.1), i.column(0.1, 1)),
    "sde_coefficients": lambda i: (i.column(0.5, 1), i.column(0.5, 2), i.column(-1, -0.1),
                                   i.column(0.1, 1)),
    "flow_marginal": lambda i: (i.column(0, 1),),
    "cosine_marginal": lambda i: (i.column(0, 1),),
    "consistency_scalings": lambda i: (i.column(0.5, 2), 0.7),
    "shift_time": lambda i: (i.column(0, 1), 3.0),
    "flow_step": lambda i: (i.x, i.y, i.column(0.5, 1), i.column(0, 0.4)),
    "x0_prediction_loss": lambda i: (score, i.x, i.column(0.5, 2), i.y),
    "edm_loss": lambda i: (score, i.x, i.column(0.5, 2), i.y, 0.7),
    "v_prediction_loss": lambda i: (score, i.x, i.column(0.1, 0.9), i.y),
    "flow_matching_loss": lambda i: (score, i.x, i.column(0, 1), i.y),
    "log_normal_sigma": lambda i: (i.column(-2, 2),),
    "logit_normal_time": lambda i: (i.column(-2, 2),),
    "classifier_free_guidance": lambda i: (i.x, i.y, i.column(1, 5)),
    "ve_from_vp": lambda i: (i.x, i.column(0.1, 0.9)),
    "vp_from_ve": lambda i: (i.x, i.column(0.5, 2)),
    "ve_score_from_vp": lambda i: (i.x, i.column(0.1, 0.9)),
    "vp_score_from_ve": lambda i: (i.x, i.column(0.1, 0.9)),
    "edm_preconditioning": lambda i: (i.column(0.5, 2), 0.7),
    "score_matching_weight": lambda i: (i.column(0.5, 2),),
    "likelihood_weight": lambda i: (i.column(0.5, 2),),
    "edm_weight": lambda i: (i.column(0.5, 2), 0.7),
    "min_snr_weight": lambda i: (i.column(0.1, 0.9), 5.0, "v"),
    "sigma_from_alpha_bar": lambda i: (i.column(0.1, 0.9),),
    "alpha_bar_from_sigma": lambda i: (i.column(0.5, 2),),
    "signal_to_noise_ratio": lambda i: (i.column(0.1, 0.9),),
    "vp_marginal": lambda i: (i.column(0, 1),),
    "ve_marginal": lambda i: (i.column(0, 1), 0.1, 3.0),
    "ve_diffusion_coefficient": lambda i: (i.column(0, 1), 0.1, 3.0),
    "diffuse": lambda i: (i.x, i.column(0.1, 0.9), i.y),
    "posterior": lambda i: (i.x, i.y, i.column(0.1, 0.4), i.column(0.5, 0.9)),
    "langevin_step": lambda i: (i.x, i.y, i.column(0.1, 0.5), i.z),
    "ddpm_step": lambda i: (i.x, i.y, i.column(0.1, 0.4), i.column(0.5, 0.9), i.z),
    "ddim_step": lambda i: (i.x, i.y, i.column(0.1, 0.4), i.column(0.5, 0.9), 0.6, i.z),
    "ve_probability_flow_step": lambda i: (i.x, i.y, i.column(1, 2), i.column(0.1, 0.9)),
    "heun_step": lambda i: (score, i.x, i.column(1, 2), i.column(0.1, 0.9)),
    "ve_reverse_sde_step": lambda i: (i.x, i.y, i.column(1, 2), i.column(0.1, 0.9), i.z),
    "ve_ancestral_step": lambda i: (i.x, i.y, i.column(1, 2), i.column(0.1, 0.9), i.z),
    "raise_noise": lambda i: (i.x, i.column(0.1, 0.9), i.column(1, 2), i.z),
    "vp_probability_flow_drift": lambda i: (i.x, i.y, i.column(0.5, 2)),
    "vp_reverse_sde_drift": lambda i: (i.x, i.y, i.column(0.5, 2)),
}

GAUSSIAN = refsgm.Gaussian(np.ones(D), np.eye(D))

# Functions of tables and loops: called, but not row by row.
TABLES = {
    "geometric_sigmas": lambda i: (3.0, 0.5, L),
    "karras_sigmas": lambda i: (3.0, 0.5, L),
    "linear_betas": lambda i: (T,),
    "cosine_alpha_bar": lambda i: (T,),
    "alpha_bar_from_betas": lambda i: (1 - i.alpha_bar[1:],),
    "betas_from_alpha_bar": lambda i: (i.alpha_bar,),
    "annealed_step_sizes": lambda i: (i.sigmas, 0.1),
    "log_likelihood": lambda i: (score, i.x, 0.5, 2.0),
    "probability_flow": lambda i: (score, i.x, 0.5, 2.0),
    "bits_per_dimension": lambda i: (i.x[:, 0], D),
    "expected": lambda i: (lambda x: anp.sum(x, axis=1), GAUSSIAN, 3),
    "expected_over_noise": lambda i: (lambda x, eps: anp.sum(x * eps, axis=1), GAUSSIAN, 0.5, 3),
    "sampler_law": lambda i: (lambda x, rng: refsgm.langevin(lambda x: -x, x, 0.1, 2, rng),
                              i.x[0], np.eye(D)),
    "convergence_order": lambda i: (lambda s, x, sigmas, rng: refsgm.probability_flow_sampler(
        s, x, sigmas), GAUSSIAN, lambda n: refsgm.geometric_sigmas(3.0, 0.5, n + 1), [2, 3, 4]),
    "langevin_law": lambda i: (lambda x: -x, i.x[:1, :1], np.ones(1), 0.3, 3),
    "annealed_langevin_law": lambda i: (lambda x, sigma: -x, i.x[:1, :1], np.ones(1), i.sigmas, 3,
                                        0.1),
    "affine_explicit_score_matching": lambda i: (i.x[:D], i.y[0], GAUSSIAN),
    "affine_implicit_score_matching": lambda i: (i.x[:D], i.y[0], GAUSSIAN),
    "affine_denoising_score_matching": lambda i: (i.x[:D], i.y[0], GAUSSIAN, 0.7),
    "affine_noise_conditional_score_matching": lambda i: (
        i.eps_levels[:, :D], i.eps_levels[:, 0], GAUSSIAN, i.sigmas),
    "affine_noise_prediction_loss": lambda i: (i.x[:D], i.y[0], GAUSSIAN, 0.7),
    "affine_sliced_variance": lambda i: (i.x[:D], i.y[0], GAUSSIAN),
    "affine_sliced_variance_vr": lambda i: (i.x[:D], i.y[0], GAUSSIAN),
    "score_of": lambda i: (lambda x: -anp.sum(x**2, axis=1),),
}
LOOPS = {
    "langevin": lambda i: (score, i.x, 0.1, 2, seeded()),
    "annealed_langevin": lambda i: (score, i.x, i.sigmas, 2, 0.1, seeded()),
    "ddpm_sampler": lambda i: (score, i.x, i.alpha_bar, seeded()),
    "ddim_sampler": lambda i: (score, i.x, i.alpha_bar, 0.5, seeded()),
    "probability_flow_sampler": lambda i: (score, i.x, i.sigmas),
}


def call(name, args):
    """The results of a call, as a tuple of arrays; of a loop, the last state."""
    result = getattr(refsgm, name)(*args)
    result = last(result) if name in LOOPS else result
    return result if isinstance(result, tuple) else (result,)
