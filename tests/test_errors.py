"""Wrong input is refused in one sentence: what is required, for which argument, what came."""

import inspect

import numpy as np
import pytest

import refsgm
from tests.support.calls import CALLS, LOOPS, B, D, Inputs, call, score, seeded

ALL = CALLS | LOOPS
X, SIGMAS = np.zeros((B, D)), np.array([2.0, 1.0])
ALPHA_BAR = np.array([1.0, 0.5, 0.1])


def arguments_of_shape(shape):
    """(function, position, name) of every argument with this shape in the valid calls."""
    return [(name, i, list(inspect.signature(getattr(refsgm, name)).parameters)[i])
            for name, make in sorted(ALL.items())
            for i, a in enumerate(make(Inputs())) if np.shape(a) == shape and not callable(a)]


def refused(name, i, value):
    """The message with which a call is refused whose i-th argument is `value`."""
    args = list(ALL[name](Inputs()))
    args[i] = value(args[i]) if callable(value) else value
    with pytest.raises(ValueError) as error:
        call(name, args)
    message = str(error.value)
    assert "\n" not in message
    return message


BATCHES, LEVELS = arguments_of_shape((B, D)), arguments_of_shape((B, 1))


@pytest.mark.parametrize(("name", "i", "argument"), BATCHES)
@pytest.mark.parametrize("shape", [(B,), (B, D, 1), (B, 0), ()], ids=str)
def test_data_that_are_not_a_batch_are_refused(name, i, argument, shape):
    if (argument, shape) != ("mean", ()):                              # a centre may be a number
        assert refused(name, i, np.zeros(shape)).startswith(f"{argument} must ")


@pytest.mark.parametrize(("name", "i", "argument"), BATCHES)
def test_batches_of_different_shapes_are_refused(name, i, argument):
    others = [a for j, a in enumerate(ALL[name](Inputs())) if j != i and np.shape(a) == (B, D)]
    if others:
        assert f"({B}, {D + 1})" in refused(name, i, np.zeros((B, D + 1)))


@pytest.mark.parametrize(("name", "i", "argument"), BATCHES)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_data_that_are_not_finite_are_refused(name, i, argument, bad):
    def spoil(a):
        a[1, 1] = bad
        return a
    assert refused(name, i, spoil) == f"{argument} must be finite, got {bad}"


# Functions of noise levels alone take any shape.
OF_LEVELS = {"edm_preconditioning", "score_matching_weight", "likelihood_weight", "edm_weight",
             "min_snr_weight", "sigma_from_alpha_bar", "alpha_bar_from_sigma",
             "signal_to_noise_ratio", "vp_marginal", "ve_marginal", "ve_diffusion_coefficient",
             "sde_coefficients", "flow_marginal", "shift_time", "log_normal_sigma",
             "logit_normal_time", "cosine_marginal", "consistency_scalings"}


@pytest.mark.parametrize(("name", "i", "argument"),
                         [case for case in LEVELS if case[0] not in OF_LEVELS])
def test_a_flat_noise_level_is_refused(name, i, argument):
    """(B,) against (B, D) would scale columns."""
    assert refused(name, i, lambda a: a[:, 0]) == (
        f"{argument} must be a scalar or have shape (B, 1) = ({B}, 1), got shape ({B},)")


def test_a_flat_noise_level_is_refused_when_b_equals_d():
    """Where broadcasting would not even notice."""
    with pytest.raises(ValueError, match=r"^sigma must be a scalar or have shape \(B, 1\)"):
        refsgm.perturb(np.zeros((3, 3)), np.ones(3), np.zeros((3, 3)))


OF_EITHER_SIGN = {"scale_rate", "sigma_rate", "z"}


@pytest.mark.parametrize(("name", "i", "argument"), LEVELS)
def test_levels_that_are_negative_or_not_finite_are_refused(name, i, argument):
    if argument not in OF_EITHER_SIGN and (name, argument) != ("classifier_free_guidance", "scale"):
        assert refused(name, i, -1.0).startswith(f"{argument} must be ")
        assert refused(name, i, -1.0).endswith(", got -1.0")
    assert refused(name, i, np.nan) == f"{argument} must be finite, got nan"
    assert refused(name, i, np.inf) == f"{argument} must be finite, got inf"


@pytest.mark.parametrize(("name", "i", "argument"),
                         [case for case in LEVELS
                          if case[2] in ("sigma", "sigma_t", "sigma_to", "step_size", "g", "beta")
                          and case[0] != "sde_coefficients"])    # a path may start without noise
@pytest.mark.parametrize("bad", [0.0, -2.0])
def test_a_noise_level_that_is_not_positive_is_refused(name, i, argument, bad):
    assert refused(name, i, bad) == f"{argument} must be positive, got {bad}"


@pytest.mark.parametrize(("name", "i", "argument"),
                         [case for case in LEVELS if case[2].startswith("alpha_bar")])
@pytest.mark.parametrize("bad", [0.0, -0.5, 1.5])
def test_alpha_bar_outside_its_range_is_refused(name, i, argument, bad):
    assert refused(name, i, bad) == f"{argument} must be in (0, 1], got {bad}"


@pytest.mark.parametrize(("name", "i", "argument"), BATCHES + LEVELS)
@pytest.mark.parametrize("bad", [None, "text", [1.0]], ids=str)
def test_what_is_not_an_array_is_refused(name, i, argument, bad):
    assert refused(name, i, bad) == \
        f"{argument} must be an array or a number, got {type(bad).__name__}"


def test_a_loss_refuses_a_function_that_returns_another_shape():
    """Nothing is broadcast."""
    for loss, args in ((refsgm.denoising_score_matching, (1.0, X)),
                       (refsgm.noise_prediction_loss, (1.0, X)), (refsgm.ddpm_loss, (0.5, X))):
        with pytest.raises(ValueError, match=r"must return shape \(5, 3\), got shape \(5, 1\)"):
            loss(lambda x, level: x[:, :1], X, *args)
    for loss, args in ((refsgm.explicit_score_matching, (X,)), (refsgm.divergence, ()),
                       (refsgm.implicit_score_matching, ()), (refsgm.sliced_score_matching, (X,)),
                       (refsgm.finite_difference_ssm, (X, 0.1))):
        with pytest.raises(ValueError, match=r"score_fn\(x\) must return shape \(5, 3\)"):
            loss(lambda x: x[:, :1], X, *args)
    with pytest.raises(ValueError, match=r"log_density\(x\) must return shape \(5,\), got"):
        refsgm.score_of(lambda x: x)(X)


CASES = [
    ("geometric_sigmas", (1.0, 2.0, 3), "sigma_min must be smaller than sigma_max, got "
                                        "sigma_min = 2.0 and sigma_max = 1.0"),
    ("geometric_sigmas", (1.0, 0.0, 3), "sigma_min must be positive, got 0.0"),
    ("geometric_sigmas", (2.0, 1.0, 1), "n_levels must be an integer, at least 2, got 1"),
    ("geometric_sigmas", (2.0, 1.0, 2.5), "n_levels must be an integer, at least 2, got 2.5"),
    ("karras_sigmas", (2.0, 1.0, 5, 0.0), "rho must be positive, got 0.0"),
    ("karras_sigmas", (2.0, np.ones(2), 5), "sigma_min must be a scalar, got shape (2,)"),
    ("linear_betas", (0,), "n_steps must be an integer, at least 1, got 0"),
    ("linear_betas", (3, 0.1, 1.0), "beta_max must be in (0, 1), got 1.0"),
    ("cosine_alpha_bar", (3, -0.1), "offset must be positive, got -0.1"),
    ("alpha_bar_from_betas", (np.array([0.1, 1.2]),), "betas must be in (0, 1), got 1.2"),
    ("alpha_bar_from_betas", (np.ones((2, 2)),), "betas must have shape (N,) with N >= 1, "
                                                 "got shape (2, 2)"),
    ("betas_from_alpha_bar", (ALPHA_BAR[1:],), "alpha_bar must have shape (T + 1,) with T >= 1 and "
     "alpha_bar[0] == 1, got shape (2,) and alpha_bar[0] = 0.5"),
    ("betas_from_alpha_bar", (np.array([1.0, 0.2, 0.5]),), "alpha_bar must be strictly decreasing, "
                                                           "got 0.2 followed by 0.5"),
    ("annealed_step_sizes", (SIGMAS[::-1], 0.1), "sigmas must be strictly decreasing, "
                                                 "got 1.0 followed by 2.0"),
    ("annealed_step_sizes", (SIGMAS, 0.0), "step_size must be positive, got 0.0"),
    ("vp_marginal", (1.5,), "t must be in [0, 1], got 1.5"),
    ("vp_marginal", (0.5, -1.0), "beta_min must be positive, got -1.0"),
    ("ve_marginal", (0.5, 2.0, 1.0), "sigma_min must be smaller than sigma_max, got "
                                     "sigma_min = 2.0 and sigma_max = 1.0"),
    ("gaussian_score", (X, np.zeros(2), 1.0), "mean must be a scalar or have shape (D,) = (3,) or "
                                              "(B, D) = (5, 3), got shape (2,)"),
    ("mixture_score", (X, np.array([0.5, 0.6]), np.zeros((2, D)), 1.0),
     "weights must sum to 1, got a sum of 1.1"),
    ("mixture_score", (X, np.array([1.5, -0.5]), np.zeros((2, D)), 1.0),
     "weights must be zero or positive, got -0.5"),
    ("mixture_score", (X, np.ones(1), np.zeros((2, D)), 1.0),
     "means must have shape (K, D) = (1, 3), got shape (2, 3)"),
    ("sliced_score_matching", (score, X, np.zeros((0, B, D))),
     "v must have shape (B, D) = (5, 3) or (M, B, D) with M >= 1, got shape (0, 5, 3)"),
    ("sliced_score_matching", (score, X, np.zeros(D)),
     "v must have shape (B, D) = (5, 3) or (M, B, D) with M >= 1, got shape (3,)"),
    ("finite_difference_ssm", (score, X, X, 0.0), "step must be positive, got 0.0"),
    ("finite_difference_ssm", (score, X, X, np.ones((B, 1))), "step must be a scalar, "
                                                              "got shape (5, 1)"),
    ("noise_conditional_score_matching", (score, X, SIGMAS[::-1], np.zeros((2, B, D))),
     "sigmas must be strictly decreasing, got 1.0 followed by 2.0"),
    ("noise_conditional_score_matching", (score, X, SIGMAS, X),
     "eps must have shape (L, B, D) = (2, 5, 3), got shape (5, 3)"),
    ("noise_conditional_score_matching", (score, X, SIGMAS, np.zeros((2, B, D)), np.ones(3)),
     "weights must have shape (L,) = (2,), got shape (3,)"),
    ("min_snr_weight", (0.5, 5.0, "score"), 'prediction must be "eps", "x0" or "v", got \'score\''),
    ("ddpm_step", (X, X, 0.5, 0.4, X), "alpha_bar_t must be smaller than alpha_bar_s, got "
                                       "alpha_bar_t = 0.5 and alpha_bar_s = 0.4"),
    ("ddpm_step", (X, X, 0.4, 0.5, X, "learned"),
     'variance must be "posterior" or "beta", got \'learned\''),
    ("ddim_step", (X, X, 0.4, 0.5, 1.1, X), "eta must be in [0, 1], got 1.1"),
    ("posterior", (X, X, 1.0, 1.0), "alpha_bar_t must be smaller than alpha_bar_s, got "
                                    "alpha_bar_t = 1.0 and alpha_bar_s = 1.0"),
    ("ve_reverse_sde_step", (X, X, 1.0, 1.0, X), "sigma_s must be smaller than sigma_t, got "
                                                 "sigma_s = 1.0 and sigma_t = 1.0"),
    ("raise_noise", (X, 2.0, 1.0, X), "sigma_from must be smaller than sigma_to, got "
                                      "sigma_from = 2.0 and sigma_to = 1.0"),
    ("x0_from_eps", (X, X, 0.0, 1.0), "scale must be positive, got 0.0"),
    ("langevin", (score, X, 0.1, -1, seeded()), "n_steps must be an integer, at least 0, got -1"),
    ("annealed_langevin", (score, X, SIGMAS[::-1], 1, 0.1, seeded()),
     "sigmas must be strictly decreasing, got 1.0 followed by 2.0"),
]


@pytest.mark.parametrize(("name", "args", "message"), CASES, ids=[case[0] for case in CASES])
def test_the_message_says_what_is_required_and_what_came(name, args, message):
    with pytest.raises(ValueError) as error:
        getattr(refsgm, name)(*args)
    assert str(error.value) == message


def test_a_heun_step_refuses_zero_noise_in_some_rows():
    sigma_s = np.array([[0.0], [0.5], [0.5], [0.5], [0.5]])
    with pytest.raises(ValueError, match="sigma_s must be zero in every row or in none, got"):
        refsgm.heun_step(score, X, 1.0, sigma_s)


def test_weights_that_sum_to_one_within_rounding_are_accepted():
    refsgm.mixture_score(X, np.full(7, 1 / 7), np.zeros((7, D)), 1.0)
    refsgm.mixture_score(X, np.full(1797, np.float32(1 / 1797)), np.zeros((1797, D)), 1.0)


def test_whole_numbers_are_numbers():
    """An integer sigma or table is not an error."""
    assert refsgm.score_matching_weight(3) == 9
    assert refsgm.annealed_step_sizes(np.array([4, 2, 1]), 1)[0] == 16
