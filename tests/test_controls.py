"""Negative controls: every law rejects a mutant of the function that it is about.

A mutant is put in the place of a public function, wherever the package uses it, and the law is run:
it must fail. The mutants are mistakes that are really made: a sign, a square, a half, an index.
"""

import sys

import numpy as np
import pytest

import refsgm
import tests.test_closed_forms as closed_forms
import tests.test_distributions as distributions
import tests.test_equivalence as equivalence
import tests.test_gaussian as gaussian
import tests.test_laws as sampler_laws
import tests.test_likelihood as likelihood
import tests.test_objectives as objectives
import tests.test_operators as operators
import tests.test_population as population
import tests.test_samplers as samplers
import tests.test_schedules as schedules
import tests.test_steps as steps


def scaled(factor):
    """The mutant whose result is multiplied by factor(*args), or by a number."""
    def mutant(f):
        def wrong(*args, **kwargs):
            return (factor(*args) if callable(factor) else factor) * f(*args, **kwargs)
        return wrong
    return mutant


def instead(wrong):
    """The mutant that is another function altogether."""
    return lambda f: wrong


def on(law, *args):
    """A law that takes pytest's arguments, with these."""
    return lambda: law(*args)


D2 = objectives.population(2)
CONTROLS = [
    # name, mistake, mutant, law
    ("gaussian_log_density", "D log sigma is missing",
     lambda f: lambda x, m, s: f(x, m, s) + x.shape[1] * np.log(s),
     on(gaussian.test_the_log_density_agrees_with_fifty_digits, 0.7)),
    ("gaussian_log_density", "the constant is not multiplied by D",
     lambda f: lambda x, m, s: f(x, m, s) + (x.shape[1] - 1) / 2 * np.log(2 * np.pi),
     on(gaussian.test_the_log_density_agrees_with_fifty_digits, 0.7)),
    ("gaussian_log_density", "the square is not halved", scaled(2.0),
     gaussian.test_the_density_integrates_to_one),
    ("gaussian_score", "sign", scaled(-1.0),
     gaussian.test_the_score_is_the_gradient_of_the_log_density),
    ("gaussian_score", "sigma is not squared", scaled(lambda x, m, s: s),
     gaussian.test_the_score_is_the_gradient_of_the_log_density),
    ("perturb", "variance in the place of sigma", instead(lambda x, s, eps: x + s**2 * eps),
     gaussian.test_perturbed_data_have_mean_x_and_standard_deviation_sigma),
    ("perturbation_score", "gradient over x", scaled(-1.0),
     gaussian.test_the_perturbation_score_is_the_gradient_over_the_noisy_data),
    ("perturbation_score", "1e-9 off", scaled(1 + 1e-9),
     gaussian.test_the_perturbation_score_is_minus_eps_over_sigma),
    ("mixture_score", "no responsibilities",
     instead(lambda x, w, m, s: (w @ m - x) / s**2),
     on(gaussian.test_the_mixture_agrees_with_fifty_digits, 1.0, 1.0)),
    ("mixture_score", "variance in the place of sigma",
     lambda f: lambda x, w, m, s: f(x, w, m, s**2),
     on(gaussian.test_the_mixture_agrees_with_fifty_digits, 40.0, 0.3)),
    ("mixture_log_density", "weights left out",
     lambda f: lambda x, w, m, s: f(x, np.full(len(w), 1 / len(w)), m, s),
     on(gaussian.test_the_mixture_agrees_with_fifty_digits, 1.0, 1.0)),
    ("mixture_log_density", "sigma not normalised",
     lambda f: lambda x, w, m, s: f(x, w, m, s) + np.log(s),
     gaussian.test_noise_on_points_is_a_mixture_at_the_points),
    ("directional_derivative", "J v without the second v",
     lambda f: lambda s, x, v: f(s, x, v) / np.sum(v**2, axis=1),
     operators.test_the_directional_derivative_is_v_J_v),
    ("divergence", "sums the whole Jacobian",
     lambda f: lambda s, x: refsgm.directional_derivative(s, x, np.ones_like(x)),
     operators.test_the_divergence_is_the_trace_of_the_jacobian),
    ("hutchinson_divergence", "sum over directions", scaled(lambda s, x, v: len(v)),
     operators.test_hutchinson_over_all_sign_vectors_is_the_divergence),
    ("score_of", "sign", lambda f: lambda log_density: lambda x: -f(log_density)(x),
     operators.test_the_score_does_not_see_the_partition_function),
    ("explicit_score_matching", "no 1/2", scaled(2.0),
     objectives.test_esm_is_half_the_fisher_divergence),
    ("implicit_score_matching", "no 1/2 in the square",
     lambda f: lambda s, x: f(s, x) + 0.5 * np.sum(s(x)**2, axis=1),
     on(objectives.test_esm_is_ism_plus_a_constant, D2)),
    ("sliced_score_matching", "divergence subtracted",
     lambda f: lambda s, x, v: f(s, x, v) - 2 * refsgm.directional_derivative(s, x, v),
     objectives.test_ssm_over_the_axes_is_ism_exactly),
    ("sliced_score_matching_vr", "plain form",
     lambda f: lambda s, x, v: 2 * f(s, x, v) - refsgm.sliced_score_matching(s, x, v),
     objectives.test_ssm_is_its_formula),
    ("finite_difference_ssm", "one-sided difference",
     instead(lambda s, x, v, h: 0.5 * np.sum(v * s(x), axis=1)**2
             + np.sum(v * (s(x + h * v) - s(x)), axis=1) / h),
     objectives.test_fd_ssm_converges_to_ssm_at_second_order),
    ("denoising_score_matching", "divides eps by sigma squared",
     instead(lambda s, x, sigma, eps: 0.5 * np.sum(
         (s(x + sigma * eps, sigma) + eps / sigma**2)**2, axis=1)),
     on(objectives.test_dsm_is_esm_of_the_noisy_marginal_plus_a_constant, D2)),
    ("denoising_score_matching", "sign of the target",
     lambda f: lambda s, x, sigma, eps: f(lambda x, sigma: -s(x, sigma), x, sigma, eps),
     objectives.test_the_noise_prediction_loss_is_two_sigma_squared_dsm),
    ("noise_conditional_score_matching", "mean over levels",
     scaled(lambda s, x, sigmas, *_: 1 / len(sigmas)),
     objectives.test_ncsn_is_the_weighted_sum_of_dsm_over_levels),
    ("noise_prediction_loss", "mean over features", scaled(lambda f, x, *_: 1 / (1 + x.shape[1])),
     objectives.test_the_noise_prediction_loss_is_two_sigma_squared_dsm),
    ("ddpm_loss", "alpha_bar where its root belongs",
     lambda f: lambda eps_fn, x, a, eps: f(eps_fn, x, a**2, eps),
     objectives.test_the_ddpm_loss_is_the_noise_prediction_loss_in_ve_coordinates),
    ("geometric_sigmas", "i / L for i / (L - 1)",
     instead(lambda a, b, n: a * (b / a)**(np.arange(n) / n)),
     schedules.test_geometric_sigmas_have_a_constant_ratio_and_both_ends),
    ("karras_sigmas", "rho and 1 / rho swapped",
     lambda f: lambda a, b, n, rho=7.0: f(a, b, n, 1 / rho + 0.01),
     schedules.test_karras_sigmas_are_equally_spaced_in_their_root),
    ("linear_betas", "the last step left out",
     instead(lambda n: 1e-4 + (0.02 - 1e-4) * np.arange(n) / n),
     schedules.test_linear_betas_are_linear),
    ("cosine_alpha_bar", "not clipped",
     lambda f: lambda n, **kwargs: f(n, beta_max=0.9),
     on(schedules.test_the_cosine_table_follows_the_cosine_up_to_the_cap, 7)),
    ("alpha_bar_from_betas", "shifted by one",
     lambda f: lambda betas: np.concatenate([[1.0], f(betas)[:-1]]),
     schedules.test_alpha_bar_is_the_cumulative_product_and_gives_the_betas_back),
    ("sigma_from_alpha_bar", "a bracket is missing",
     instead(lambda a: abs(1 - a / a)**0.5),
     schedules.test_noise_levels_of_ve_and_vp_are_one_to_one),
    ("vp_marginal", "no 1/2 in the exponent",
     lambda f: lambda t, *args: (f(t, *args)[0]**2, f(t, *args)[1]),
     schedules.test_vp_marginal_solves_its_equation),
    ("ve_marginal", "log sigma is linear, sigma is not", scaled(1.01),
     schedules.test_ve_marginal_is_geometric_in_time),
    ("ve_diffusion_coefficient", "no sqrt(2 log ratio)",
     instead(lambda t, a, b: refsgm.ve_marginal(t, a, b)),
     schedules.test_the_ve_diffusion_coefficient_is_the_rate_of_variance),
    ("likelihood_weight", "g for g squared", instead(lambda g: g),
     schedules.test_the_ve_diffusion_coefficient_is_the_rate_of_variance),
    ("edm_preconditioning", "c_skip of the noise",
     lambda f: lambda s, d: (1 - f(s, d)[0], *f(s, d)[1:]),
     schedules.test_edm_preconditioning_gives_unit_input_and_unit_target),
    ("edm_weight", "no sigma_data", instead(lambda s, d: (s**2 + 1) / s**2),
     schedules.test_edm_preconditioning_gives_unit_input_and_unit_target),
    ("min_snr_weight", "max for min",
     lambda f: lambda a, gamma, p: f(a, max(gamma, (a / (1 - a))**2 / gamma), p),
     schedules.test_min_snr_weighs_the_same_loss_whatever_is_predicted),
    ("score_matching_weight", "sigma for sigma squared", instead(lambda sigma: sigma),
     equivalence.test_the_score_matching_weight_makes_all_levels_alike),
    ("signal_to_noise_ratio", "its root",
     instead(lambda a: (a / (1 - a))**0.5),
     schedules.test_noise_levels_of_ve_and_vp_are_one_to_one),
    *[(name, "1e-6 off", scaled(1 + 1e-6),
       equivalence.test_every_prediction_can_be_turned_into_every_other)
      for name in ("score_from_eps", "eps_from_score", "x0_from_eps", "eps_from_x0",
                   "x0_from_score", "score_from_x0", "v_from_x0_eps", "x0_from_v", "eps_from_v")],
    ("x0_from_score", "no 1 / scale", scaled(lambda x, s, scale, sigma: scale),
     equivalence.test_tweedie_is_the_posterior_mean_of_a_gaussian),
    ("velocity_from_x0_eps", "sign", scaled(-1.0),
     equivalence.test_the_velocity_is_the_slope_of_the_straight_path),
    ("x0_from_velocity", "1 - t for t", lambda f: lambda x, u, t: f(x, u, 1 - t),
     equivalence.test_the_velocity_is_the_slope_of_the_straight_path),
    ("ve_from_vp", "alpha_bar for its root",
     lambda f: lambda x, a: (x / a, f(x, a)[1]),
     equivalence.test_the_map_from_vp_to_ve_leaves_x_0_alone),
    ("vp_from_ve", "the state left as it is", lambda f: lambda x, s: (x, f(x, s)[1]),
     equivalence.test_the_map_from_vp_to_ve_leaves_x_0_alone),
    ("ve_score_from_vp", "no factor", instead(lambda score, a: score),
     equivalence.test_the_score_follows_the_chain_rule),
    ("vp_score_from_ve", "the factor upside down", scaled(lambda score, a: a),
     equivalence.test_the_score_follows_the_chain_rule),
    ("diffuse", "variance for standard deviation",
     instead(lambda x, a, eps: a**0.5 * x + (1 - a) * eps),
     steps.test_diffused_data_have_the_moments_of_the_kernel),
    ("posterior", "variance not divided by 1 - alpha_bar_t",
     lambda f: lambda x_0, x_t, t, s: (f(x_0, x_t, t, s)[0], f(x_0, x_t, t, s)[1] * (1 - t)),
     steps.test_the_posterior_is_bayes_rule),
    ("langevin_step", "h s + sqrt(h) z", instead(lambda x, s, a, z: x + a * s + a**0.5 * z),
     steps.test_a_langevin_step_has_the_moments_of_its_map),
    ("langevin_step", "noise linear in the step", instead(lambda x, s, a, z: x + a / 2 * s + a * z),
     steps.test_langevin_on_a_gaussian_is_too_wide_by_a_known_factor),
    ("annealed_step_sizes", "ratio not squared",
     instead(lambda sigmas, a: a * sigmas / sigmas[-1]),
     steps.test_annealed_step_sizes_keep_the_signal_to_noise_ratio_of_a_step),
    ("ddpm_step", "variance multiplies z",
     lambda f: lambda x, e, t, s, z, **kw: f(x, e, t, s, z * (1 - t / s)**0.5, **kw),
     steps.test_ddpm_with_posterior_variance_is_exact_for_a_point_mass),
    ("ddpm_step", "beta for the posterior variance",
     lambda f: lambda x, e, t, s, z, **kw: f(x, e, t, s, z, variance="beta"),
     steps.test_ddim_with_eta_one_is_ddpm),
    ("ddpm_step", "posterior variance for beta",
     lambda f: lambda x, e, t, s, z, **kw: f(x, e, t, s, z),
     steps.test_ddpm_with_variance_beta_is_exact_for_white_data),
    ("ddim_step", "direction not shortened",
     instead(lambda x, e, t, s, eta, z: s**0.5 * (x - (1 - t)**0.5 * e) / t**0.5 + (1 - s)**0.5 * e
             + eta * ((1 - s) / (1 - t) * (1 - t / s))**0.5 * z),
     steps.test_ddim_is_exact_for_a_point_mass_whatever_eta),
    ("ddim_step", "eta not squared under the root",
     lambda f: lambda x, e, t, s, eta, z: f(x, e, t, s, eta**0.5, z),
     steps.test_the_fresh_noise_of_ddim_has_its_stated_variance),
    ("ve_probability_flow_step", "g^2 s without the half",
     lambda f: lambda x, s, a, b: x + 2 * (f(x, s, a, b) - x),
     on(steps.test_a_probability_flow_step_is_exact_for_a_point_mass, 0.5)),
    ("heun_step", "second slope with the first sigma",
     instead(lambda f, x, a, b: x + (a - b) / 2 * a * (f(x, a) + f(x + (a - b) * a * f(x, a), b))),
     on(samplers.test_the_probability_flow_converges_at_its_order, "heun", 2)),
    ("heun_step", "an Euler step",
     instead(lambda f, x, a, b: x + (a - b) * a * f(x, a)),
     steps.test_a_heun_step_is_the_trapezoid_of_the_ode),
    ("ve_reverse_sde_step", "half the score",
     lambda f: lambda x, s, a, b, z: f(x, s / 2, a, b, z),
     steps.test_the_reverse_sde_step_is_exact_for_very_wide_data),
    ("ve_ancestral_step", "noise of the reverse SDE",
     instead(lambda *args: refsgm.ve_reverse_sde_step(*args)),
     steps.test_the_ancestral_step_is_exact_for_a_point_mass),
    ("raise_noise", "standard deviations added", instead(lambda x, a, b, z: x + (b - a) * z),
     steps.test_raised_noise_adds_in_variance),
    ("vp_probability_flow_drift", "no half on the score",
     instead(lambda x, s, beta: -beta * x / 2 - beta * s),
     on(steps.test_the_vp_probability_flow_carries_the_marginals, 0.5)),
    ("vp_reverse_sde_drift", "sign of the forward drift",
     instead(lambda x, s, beta: beta * x / 2 - beta * s),
     on(steps.test_the_vp_reverse_sde_carries_the_marginals, 0.5)),
    ("ddim_sampler", "starts from the clean end",
     lambda f: lambda e, x, table, eta, rng: f(e, x, table[[0, *range(2, len(table))]], eta, rng),
     samplers.test_ddim_follows_the_euler_trajectory_of_the_score_model),
    ("annealed_langevin", "step sizes not annealed",
     lambda f: lambda s, x, sigmas, n, a, rng: f(s, x, sigmas, n, 2 * a, rng),
     samplers.test_annealed_langevin_goes_from_large_to_small_noise),
    ("log_likelihood", "sign of the divergence",
     lambda f: lambda s, x, *args, **kw: 2 * kw["prior"](x) - f(s, x, *args, **kw)
     if "prior" in kw else f(s, x, *args, **kw),
     likelihood.test_the_likelihood_is_the_true_density),
    ("prior_log_density", "sigma for sigma squared", lambda f: lambda x, sigma: f(x, sigma**0.5),
     likelihood.test_the_prior_is_the_gaussian),
    ("probability_flow", "half the way", lambda f: lambda s, x, a, b, **kw: f(s, x, a, b / 2, **kw),
     likelihood.test_the_flow_goes_back_to_where_it_came_from),
    ("bits_per_dimension", "sign of the bin width", lambda f: lambda p, d, w=1.0: f(p, d, 1 / w),
     likelihood.test_bits_per_dimension_count_bins),
    ("expected", "twice the mass", scaled(2.0),
     on(population.test_vincents_identity_holds_with_its_constant, population.P, 150)),
    ("expected_over_noise", "eps independent of x_noisy",
     lambda f: lambda loss, p, sigma, order: f(lambda x, eps: loss(x, eps[::-1]), p, sigma, order),
     on(population.test_vincents_identity_holds_with_its_constant, population.P, 150)),
    ("sampler_law", "noise left out",
     lambda f: lambda sampler, mean, cov: (f(sampler, mean, cov)[0],
                                           0.9 * f(sampler, mean, cov)[1]),
     on(sampler_laws.test_the_law_of_a_sampler_is_that_of_its_chains, "ancestral")),
    ("convergence_order", "sign", lambda f: lambda *args: f(*args)._replace(slope=-f(*args).slope),
     on(sampler_laws.test_samplers_converge_at_their_order, "probability flow, Euler")),
    ("affine_explicit_score_matching", "the half is missing",
     lambda f: lambda *args: f(*args)._replace(value=2 * f(*args).value),
     on(closed_forms.test_the_closed_form_is_the_mean_of_the_loss,
        "affine_explicit_score_matching")),
    ("affine_implicit_score_matching", "gradient of the trace is missing",
     lambda f: lambda A, b, p: f(A, b, p)._replace(
         matrix_gradient=f(A, b, p).matrix_gradient - np.eye(2)),
     on(closed_forms.test_the_gradients_are_those_of_the_value,
        "affine_implicit_score_matching")),
    ("affine_denoising_score_matching", "constant of Vincent's identity without the data's part",
     lambda f: lambda A, b, p, sigma: f(A, b, p, sigma)._replace(constant=1 / sigma**2),
     on(closed_forms.test_the_constant_is_the_value_at_the_true_score,
        "affine_denoising_score_matching")),
    ("affine_noise_conditional_score_matching", "weights ignored",
     lambda f: lambda A, b, p, sigmas, weights: f(A, b, p, sigmas),
     on(closed_forms.test_the_closed_form_is_the_mean_of_the_loss, closed_forms.NCSN)),
    ("affine_noise_prediction_loss", "the half is kept",
     lambda f: lambda *args: f(*args)._replace(value=0.5 * f(*args).value),
     closed_forms.test_twice_sigma_squared_dsm_is_noise_prediction),
    ("affine_sliced_variance", "signs judged as normal directions",
     lambda f: lambda A, b, p, directions: f(A, b, p),
     on(closed_forms.test_the_variance_of_sliced_losses_is_that_of_their_values,
        "sliced_score_matching", "rademacher")),
    ("affine_sliced_variance_vr", "variance of the first term is kept",
     lambda f: lambda *args: refsgm.affine_sliced_variance(*args),
     on(closed_forms.test_the_variance_of_sliced_losses_is_that_of_their_values,
        "sliced_score_matching_vr", "normal")),
    ("langevin_law", "the step for half of it",
     lambda f: lambda s, x, w, a, n, h=0.15: f(lambda x: 2 * s(x), x, w, a, n, h),
     sampler_laws.test_two_steps_are_one_integral),
    ("annealed_langevin_law", "the same step size at every level",
     lambda f: lambda s, x, w, sigmas, n, a, h: refsgm.langevin_law(
         lambda x: s(x, sigmas[-1]), x, w, a, n * len(sigmas), h),
     on(sampler_laws.test_the_law_on_the_line_is_that_of_its_chains, "annealed")),
    ("mixture_score", "nearest component alone",
     instead(lambda x, w, m, sigma: (m[np.argmin(np.sum((x[:, None] - m)**2, axis=2), axis=1)] - x)
             / sigma**2),
     on(distributions.test_one_sigma_for_all_agrees_with_fifty_digits, 1.0, 0.0, np.float64)),
]


@pytest.mark.parametrize(("name", "mutant", "law"), [(c[0], c[2], c[3]) for c in CONTROLS],
                         ids=[f"{c[0]}: {c[1]}" for c in CONTROLS])
def test_the_law_rejects_the_mutant(name, mutant, law, monkeypatch):
    law()
    wrong = mutant(getattr(refsgm, name))
    for module in [m for n, m in sys.modules.items() if n.startswith("refsgm")]:
        if name in vars(module):
            monkeypatch.setattr(module, name, wrong)
    with pytest.raises((AssertionError, BaseExceptionGroup)):
        law()


def test_every_function_with_a_law_has_a_mutant():
    """Nothing is tested only by laws that were never seen to fail."""
    from tests.support.calls import CALLS, TABLES
    through_another = {"betas_from_alpha_bar", "alpha_bar_from_sigma"}     # inverses, in one law
    assert set(CALLS) | set(TABLES) <= {c[0] for c in CONTROLS} | through_another
