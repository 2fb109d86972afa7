"""Probes at the ends of the domains, at random, and of gradients: what hides there is found."""

import contextlib
import importlib.util
import io

import autograd.numpy as np
import pytest
from numpy.testing import assert_allclose

import refsgm
from ledgers.blind_spots import RIGHT as RIGHT_LISTS
from ledgers.blind_spots import functions_of
from refsgm.oracle.kinds import KINDS
from refsgm.oracle.kinds.at_random import random_specs
from refsgm.oracle.kinds.edges import answered, answers, edge_specs, live_specs, odd_specs
from refsgm.oracle.kinds.test_functions import BENDS, EVEN
from refsgm.oracle.kinds.wide import FORMS, RANDOM
from tests.oracle.blind_spots import (after, before, doors, final, fresh, fresh_doors, fresh_right,
                                      fresh_steps, frozen, habits, last, right)
from tests.oracle.blind_spots.shown import shown

pytestmark = pytest.mark.usefixtures("all_probes")
WITH_TORCH = importlib.util.find_spec("torch") is not None
WRONG = [*before.WRONG[::17], *after.WRONG[::20], *last.WRONG[1::16], *frozen.WRONG[3::23],
         *doors.WRONG[2::18], *final.WRONG[9::25], *fresh.WRONG[::8], *fresh_steps.WRONG[::17],
        *fresh_doors.WRONG[1::6]]
RIGHT = [*right.RIGHT[::28], *habits.RIGHT[2::40], *fresh_right.RIGHT[3::18]]
SHOWN = [*fresh.WRONG, *fresh_steps.WRONG, *fresh_doors.WRONG]
if WITH_TORCH:
    from tests.oracle.blind_spots import (fresh_right_torch, fresh_torch, frozen_torch, gradients,
                                          habits_torch, right_torch)
    WRONG = [*WRONG, *gradients.WRONG[::6], *frozen_torch.WRONG[16::4],
             *fresh_torch.WRONG[::9]]
    RIGHT = [*RIGHT, *right_torch.RIGHT[::12], *habits_torch.RIGHT[5::30],
             *fresh_right_torch.RIGHT[6::18]]
    SHOWN = [*SHOWN, *fresh_torch.WRONG]


def name_of(hidden):
    """Its kind, and what it is."""
    return f"{hidden.kind}: {hidden.what}"


@pytest.mark.parametrize("hidden", WRONG, ids=name_of)
def test_what_is_wrong_where_plain_probes_do_not_look_is_found(hidden):
    """A sample of the lists; `python -m ledgers.blind_spots` runs them all."""
    report = refsgm.check(hidden.kind, hidden.function, hidden.framework, seed=0)
    assert not report.ok
    assert report.diagnoses


@pytest.mark.parametrize("hidden", RIGHT, ids=name_of)
def test_what_is_right_is_accepted_at_every_end_of_its_domain(hidden):
    """A sample of the lists; a false alarm costs more trust than a miss."""
    report = refsgm.check(hidden.kind, hidden.function, hidden.framework, seed=0)
    assert report.ok, report


@pytest.mark.gpu
@pytest.mark.parametrize("name", ["right_torch", "habits_torch", "habits_jax", "gradients"])
@pytest.mark.parametrize("part", range(3))
def test_verdicts_are_the_same_on_a_gpu(name, part):
    """Right code is right and wrong code wrong there, whatever digits a GPU's products keep."""
    functions = functions_of(name)[part::9]
    for hidden in functions or pytest.skip("its framework is not installed"):
        device = {"torch": "cuda", "jax": "gpu"}[hidden.framework]
        report = refsgm.check(hidden.kind, hidden.function, hidden.framework, device=device,
                              seed=0, seconds=60.0)
        assert report.ok == (name in RIGHT_LISTS), report


@pytest.mark.parametrize("hidden", SHOWN, ids=name_of)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_wrong_function_is_wrong_at_the_arguments_beside_it(hidden):
    """So that no list counts what is right: there it differs from refsgm by more than rounding."""
    assert shown(hidden)


@pytest.mark.parametrize("kind", ["perturb", "ddpm_step", "sliced_score_matching", "karras_sigmas",
                                  "mixture_score", "ddim_sampler"])
def test_further_probes_lie_inside_the_domain(kind):
    """refsgm itself answers every one of them, with finite numbers but for what is infinite."""
    kind = KINDS[kind]
    for spec in (*edge_specs(kind), *odd_specs(kind), *random_specs(kind, 3),
                 *live_specs(kind, defaults=kind.args[kind.required:])):
        assert answers(kind, spec) == "finite", spec.label


JOINT = (                       # conditions on several arguments at once, and on all rows at once
    ("heun_step", lambda f, x, sigma_t, sigma_s: np.all(sigma_t > 30) and np.all(sigma_s < 1)),
    ("edm_weight", lambda sigma, sigma_data: sigma_data > 10 and np.all(sigma > sigma_data)),
    ("sde_coefficients", lambda a, s, da, ds: np.any((da > 0) & (ds > 0) & (s > a))),
    ("score_from_velocity", lambda x, u, a, s, da, ds: np.allclose(a + s, 1)),
    ("vp_marginal", lambda t, beta_min=0.1, beta_max=20.0: beta_min == beta_max),
    ("ve_marginal", lambda t, sigma_min, sigma_max: 2 < sigma_max / sigma_min < 3),
    ("ddim_step", lambda x, eps, t, s, eta, z: 0.3 < eta < 0.4),
    ("cosine_marginal", lambda t, offset=0.008: offset > 0.5),
    ("min_snr_weight", lambda a, gamma, prediction: prediction == "v" and gamma > 300),
    ("classifier_free_guidance", lambda c, u, scale: np.all(scale < 0)),
    ("perturbation_score", lambda x_noisy, x, sigma: np.allclose(x_noisy, x, atol=0.0)),
    ("prior_log_density", lambda x, sigma_max: np.ndim(sigma_max) == 2 and np.all(sigma_max < 1)),
    ("mixture_score", lambda x, weights, means, sigma: weights[0] == 0),
    ("alpha_bar_from_betas", lambda betas: len(betas) > 2 and betas[0] == betas[-1]),
    ("hutchinson_divergence", lambda f, x, v: np.any(np.all(v == 0, axis=-1))),
    ("langevin", lambda f, x, step_size, n_steps, rng: n_steps > 256))


@pytest.mark.parametrize(("kind", "condition"), JOINT, ids=[name for name, _ in JOINT])
def test_random_probes_meet_conditions_on_several_arguments(kind, condition):
    """Code branches where numbers are ordinary or agree, and each probe could be such a place."""
    kind = KINDS[kind]
    specs = [spec._replace(label="") for spec in random_specs(kind, 2)]
    assert any(condition(*(args[n] for n in kind.args if n in args))
               for args in (answered(kind, spec)[0] for spec in specs))


@pytest.mark.parametrize("bend", [*BENDS, EVEN], ids=lambda bend: bend.text)
def test_what_stands_in_place_of_the_cubic_has_its_derivative_and_its_integral(bend):
    """The closed forms of the test function are derivatives of one another."""
    x, step = np.linspace(-2, 2, 8), 1e-20j
    assert_allclose(np.imag(bend.value(x + step)) / 1e-20, bend.slope(x), rtol=1e-12)
    assert_allclose(np.imag(bend.integral(x + step)) / 1e-20, bend.value(x), rtol=1e-12)
    assert_allclose(eval(bend.text), bend.value(x), rtol=1e-12)
    assert_allclose(eval(bend.integral_text), bend.integral(x), rtol=1e-12)


def wrong_at_other_scores_than_cubics(score_fn, x):
    """The divergence of a score by differences that are exact for cubics."""
    def along(e, h=0.05):
        return (8 * (score_fn(x + h * e) - score_fn(x - h * e))
                - score_fn(x + 2 * h * e) + score_fn(x - 2 * h * e)) @ e / (12 * h)
    return sum(along(e) for e in np.eye(x.shape[1]))


def test_differences_that_are_exact_for_cubics_are_found_out():
    """[OPS-2] Random probes pass other functions than a cubic."""
    report = refsgm.check("divergence", wrong_at_other_scores_than_cubics, seed=0)
    assert not report.ok
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(report.program, {})
    assert printed.getvalue().startswith("expected")


def test_a_seed_repeats_the_random_probes():
    """The seed that a report names gives its probes again, and another gives others."""
    def asked(seed):
        noted = []

        def f(x, sigma, eps):
            noted.append(x)
            return x + sigma * eps
        report = refsgm.check("perturb", f, seed=seed)
        return report.seed, [p.label for p in report.probes], sum(float(np.sum(x)) for x in noted)
    assert asked(11) == asked(11) != asked(12)
    fresh = refsgm.check("perturb", lambda x, sigma, eps: x + sigma * eps)
    assert fresh.ok
    assert 0 <= fresh.seed < 2**32


@pytest.mark.parametrize("seed", [-1, 1.5, True, "1"])
def test_a_seed_is_a_whole_number(seed):
    """What is none is refused in one sentence."""
    with pytest.raises(ValueError, match="seed must be a whole number, zero or more, or None"):
        refsgm.check("perturb", lambda x, sigma, eps: x + sigma * eps, seed=seed)


def clips_large_noise(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    """A DDIM step of a program that clips eps at 20."""
    return refsgm.ddim_step(x_t, np.clip(eps, -20, 20), alpha_bar_t, alpha_bar_s, eta, z)


def wrong_at_four(score_fn, x, v):
    """A loss that is wrong for four directions or more."""
    right = refsgm.sliced_score_matching(score_fn, x, v)
    return right if v.ndim == 2 or len(v) < 4 else right + 1


@pytest.mark.parametrize(("kind", "f"), [("ddim_step", clips_large_noise),
                                         ("sliced_score_matching", wrong_at_four)])
def test_a_failing_probe_is_shrunk_to_a_program_that_runs_as_pasted(kind, f):
    """It prints the right answer and another, for one row, one feature, and round numbers."""
    report = refsgm.check(kind, f, seed=0)
    assert not report.ok
    assert report.program in str(report)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(report.program, {})
    want, got = (line.split("[")[-1].strip("]") for line in printed.getvalue().splitlines())
    assert len(want.split()) == 1
    assert float(want) != float(got)
    assert len(report.program) < 1500


def test_a_back_door_for_the_fixed_probes_is_found_at_random():
    """A function that knows all fixed probes by heart is wrong at the others."""
    kind = KINDS["score_from_eps"]
    known = set()

    def learn(eps, sigma):
        known.add(eps.tobytes())
        return -eps / sigma
    refsgm.check(kind.name, learn, seed=1)
    report = refsgm.check(kind.name, lambda eps, sigma: -eps / sigma if eps.tobytes() in known
                          else eps, seed=2)
    assert not report.ok
    assert report.failing[0].situation.regime in (*RANDOM, *FORMS)
    assert f"seed={report.seed}" in str(report)


def test_an_infinite_answer_must_be_infinite():
    """[DDPM-3] The signal-to-noise ratio of clean data is no large number."""
    report = refsgm.check("signal_to_noise_ratio", lambda a: np.nan_to_num(np.divide(a, 1 - a)))
    assert [p.label for p in report.failing] == ["alpha_bar = 1"]


def test_code_that_takes_no_empty_batch_is_right_and_said_to_be_so():
    """An empty batch may be refused; a wrong answer to it may not."""
    def some_rows(x, sigma, eps):
        if len(x) == 0:
            raise ValueError("no rows")
        return x + sigma * eps
    report = refsgm.check("perturb", some_rows)
    assert report.ok
    assert any("it takes no empty batch: ValueError: no rows" in note for note in report.notes)


def test_the_score_of_a_density_of_images_is_an_image():
    """[SCORE-1] Its shape is that of the samples, and no matrix (D, D) is needed for the answer."""
    def score_of(log_density):
        flat = refsgm.score_of(lambda x: log_density(x.reshape(-1, 3, 8, 8)))
        return lambda x: flat(x.reshape(len(x), -1)).reshape(x.shape)
    assert refsgm.check("score_of", score_of, event_shape=(3, 8, 8), seed=0).ok


@pytest.mark.skipif(not WITH_TORCH, reason="needs torch")
def test_a_step_may_have_no_gradient_and_a_conversion_may_not():
    """Samplers run without gradients; a conversion inside a loss must pass them on."""
    import torch
    no_grad = torch.no_grad()
    step = refsgm.check("flow_step", no_grad(lambda x, u, t, s: x + (s - t) * u), "torch")
    assert step.ok
    assert step.parts == {"gradient": "not judged"}
    conversion = refsgm.check("score_from_eps", no_grad(lambda eps, s: -eps / s), "torch")
    assert not conversion.ok
    assert conversion.diagnosis.code == "detached-gradient"
    assert "eps" in conversion.diagnosis.sentence
    assert refsgm.check("score_from_eps", no_grad(lambda eps, s: -eps / s), "torch",
                        allow="detached-gradient").ok


def test_functions_of_autograd_have_their_gradient_judged():
    """A value that is computed outside of the trace has none."""
    from autograd.tracer import getval
    right = refsgm.check("eps_from_score", lambda score, s: -s * score, "autograd")
    assert right.parts == {"gradient": "right"}
    wrong = refsgm.check("eps_from_score", lambda score, s: -s * getval(score), "autograd")
    assert wrong.parts == {"gradient": "wrong"}


@pytest.mark.skipif(not WITH_TORCH, reason="needs torch")
def test_code_of_pytorch_answers_alike_without_gradients_and_in_other_memory():
    """A step in place, a result in a buffer, a view, and a number in float32 are found."""
    import torch
    saved = {}

    def in_buffer(score, sigma):
        result = -sigma * score
        if torch.is_grad_enabled():
            return result
        key = result.shape, result.dtype
        return saved.setdefault(key, torch.empty_like(result)).copy_(result)
    wrong = (
        ("score_from_eps", "under torch.no_grad()", lambda e, s: -e / s if (
            torch.is_grad_enabled()) else e.neg_().div(s)),
        ("eps_from_score", "changed by the next call", in_buffer),
        ("score_from_eps", "with eps", lambda e, s: -(e if torch.is_grad_enabled() else (
            e.as_strided(e.shape, (e.shape[1], 1)))) / s),
        ("likelihood_weight", "float64 for float32", lambda g: torch.float_power(g, 2)),
        ("diffuse", "Python numbers", lambda x, a, e: (
            torch.as_tensor(a).sqrt() * x + (1 - torch.as_tensor(a)).sqrt() * e)))
    for kind, words, f in wrong:
        report = refsgm.check(kind, f, "torch", seed=0)
        assert not report.ok
        assert words in report.diagnosis.sentence


@pytest.mark.skipif(not WITH_TORCH, reason="needs torch")
def test_gradients_are_judged_at_numbers_and_of_a_prediction_that_is_needed_again():
    """[GUIDE-1] The gradient of a guidance scale of 1, and a residual in a prediction's memory."""
    import torch

    def guided(c, u, w):
        return c + 0 * u if w.ndim == 0 and w == 1 else u + w * (c - u)

    def in_place(eps_fn, x, sigma, eps):
        residual = eps_fn(x + sigma * eps, sigma)
        residual -= eps
        return residual.square().sum(1)
    report = refsgm.check("classifier_free_guidance", guided, "torch", seed=0)
    assert "scale" in report.diagnosis.sentence
    assert refsgm.check("noise_prediction_loss", in_place, "torch", seed=0).parts == {
        "value": "right", "minimiser": "right", "gradient": "wrong"}
    assert torch.is_grad_enabled()
