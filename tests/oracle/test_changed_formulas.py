"""What is told of a formula in which one thing is another: a level, a bound, an order, a dtype."""

import os
from contextlib import redirect_stdout
from io import StringIO

import numpy as np
import pytest

import refsgm
from refsgm.oracle.calls.caller import Caller
from refsgm.oracle.calls.frameworks import numpy_framework
from refsgm.oracle.calls.judge import judge, new_probe
from refsgm.oracle.check import check
from refsgm.oracle.doctor import Case
from refsgm.oracle.doctor.clamped import clamped
from refsgm.oracle.doctor.runs import Run
from refsgm.oracle.doors import pytest_plugin, vectors
from refsgm.oracle.kinds import FUNCTION, KINDS, STATES, TABLE, ProbeSpec
from refsgm.oracle.kinds.drawing import arguments
from refsgm.oracle.kinds.probes import fit_specs
from refsgm.oracle.kinds.sharp import sharp_specs
from tests.oracle.foreign import code, loss, score

RUN = [k for k in KINDS.values() if k.exact and k.form not in (FUNCTION, STATES, TABLE)]


@pytest.mark.parametrize("kind", RUN, ids=lambda k: k.name)
def test_a_run_of_a_formula_in_which_nothing_is_changed_is_right(kind):
    """What an explanation predicts differs from refsgm's answer by the one thing it changes."""
    args = arguments(kind, fit_specs(kind)[0])
    args = {n: a for n, a in args.items() if n in kind.args}
    right = kind.function(*args.values())
    for got, want in zip(Run(kind, args)(), right if isinstance(right, tuple) else (right,)):
        np.testing.assert_allclose(got.reshape(np.shape(want)), want, rtol=1e-9,
                                   atol=1e-12 * np.max(np.abs(want)))


def test_a_run_has_the_jacobian_of_a_sharp_function():
    """[ISM-1] It is larger by the square of the unit."""
    kind = KINDS["implicit_score_matching"]
    for spec in sharp_specs(kind, 0):
        args = arguments(kind, spec)
        np.testing.assert_allclose(Run(kind, args)()[0], kind.function(**args), rtol=1e-9)


def test_an_empty_batch_says_nothing_of_what_is_clamped():
    """[GAUSS-3] It has no number that could be."""
    kind = KINDS["perturb"]
    caller = Caller(kind, lambda x, s, eps: np.clip(x + s * eps, -0.5, 0.5), numpy_framework())
    probes = [judge(kind, caller, new_probe(kind, ProbeSpec("", B, 3, True, "plain"), caller))
              for B in (0, 4, 5)]
    found = clamped(Case(kind, caller, probes, None, "float64", True))
    assert [d.code for d in found] == ["clipped"]


# Another level

def annealed(of_last=lambda s, i: s[-1], of_step=lambda s, i: s[i], told=lambda s, i: s[i]):
    """annealed_langevin, whose levels are those that these choose."""
    def loop(score_fn, x, sigmas, n, step_size, rng):
        for i in range(len(sigmas)):
            h = step_size * (of_step(sigmas, i) / of_last(sigmas, i))**2
            for _ in range(n):
                x = (x + h / 2 * score_fn(x, told(sigmas, i))
                     + np.sqrt(h) * rng.standard_normal(x.shape))
                yield x
    return loop


def x0_of_the_end(x, eps, a, b, eta, z):
    """ddim_step, whose x_0 is made with the level at the end of the step."""
    sigma = eta * np.sqrt((1 - b) / (1 - a) * (1 - a / b))
    x_0 = (x - np.sqrt(1 - b) * eps) / np.sqrt(b)
    return np.sqrt(b) * x_0 + np.sqrt(np.maximum(1 - b - sigma**2, 0)) * eps + sigma * z


def ancestral(of_next):
    """ddpm_sampler, whose step ends at the level that this chooses."""
    def loop(eps_fn, x, alpha_bar, rng):
        for t in range(len(alpha_bar) - 1, 0, -1):
            x = refsgm.ddpm_step(x, eps_fn(x, alpha_bar[t]), alpha_bar[t], of_next(alpha_bar, t),
                                 rng.standard_normal(x.shape))
            yield x
    return loop


def second(s, i):
    """The level after that of a step."""
    return s[min(i + 1, len(s) - 1)]


@pytest.mark.parametrize(("kind", "foreign", "words", "fix"), [
    ("annealed_langevin", annealed(of_last=lambda s, i: s[0]),
     "the first level stands where sigma_L, the last level, is meant", "sigma_L"),
    ("annealed_langevin", annealed(of_step=second),
     "the level of the next step stands where sigma_i", "sigma_i"),
    ("annealed_langevin", annealed(of_step=lambda s, i: s[i - 1], told=lambda s, i: s[i - 1]),
     "the level of the step before stands where sigma_i, that of the step, is meant", "sigma_i"),
    ("ddpm_sampler", ancestral(lambda a, t: a[max(t - 2, 0)]),
     "the level of the next step stands where alpha_bar_s", "alpha_bar_s"),
    ("ddim_step", x0_of_the_end,
     "alpha_bar_s stands where alpha_bar_t is meant, in the coefficients of x_t and eps",
     "alpha_bar_t"),
    ("annealed_step_sizes", lambda s, h: h * s**2 / s[0]**2,
     "sigma_1 stands where sigma_L is meant", "sigma_L"),
], ids=lambda a: a if isinstance(a, str) and "_" in a and " " not in a else "")
def test_the_level_that_stands_where_another_is_meant_is_named(kind, foreign, words, fix):
    """[LANG-2] [DDPM-3] [DDIM-1] First for last, next for previous, one end of a step for the
    other: both are said, and which of them to use.
    """
    said = check(kind, foreign).diagnosis
    assert said.code == "wrong-level"
    assert words in said.sentence
    assert said.fix == f"use {fix} there"


def test_a_loop_is_told_which_step_its_function_is_ahead_of():
    """[DDPM-3] The level that the function is passed is that of the next step, or of the last."""
    def ahead(eps_fn, x, alpha_bar, rng):
        for t in range(len(alpha_bar) - 1, 0, -1):
            x = refsgm.ddpm_step(x, eps_fn(x, alpha_bar[t - 1]), alpha_bar[t], alpha_bar[t - 1],
                                 rng.standard_normal(x.shape))
            yield x
    said = check("ddpm_sampler", ahead).diagnosis
    assert (said.code, said.sentence) == ("index-shift", "the function is passed the level of the "
                                          "next step")


# A bound

def residual(s, x, sigma, eps):
    """What denoising score matching squares."""
    return s(x + sigma * eps, sigma) + eps / sigma


@pytest.mark.parametrize(("kind", "foreign", "words"), [
    ("denoising_score_matching", lambda *args: np.minimum(loss(*args), 100.0),
     "the result is clamped: it is never above 100"),
    ("denoising_score_matching", lambda *args: np.minimum(residual(*args)**2, 2e6).sum(1) / 2,
     "^2 is clamped: it is never above 2000000"),
    ("gaussian_score", lambda x, m, s: score(x, m, np.maximum(s, 0.02)),
     "sigma is clamped: it is never below 0.02"),
    ("gaussian_score", lambda x, m, s: (m - x) / np.maximum(s**2, 1e-3),
     "sigma^2 is clamped: it is never below 0.001"),
    ("edm_weight", lambda s, d: refsgm.edm_weight(np.clip(s, 0.002, 80.0), d),
     "sigma is clamped: it is kept in [0.002, 80]"),
    ("x0_from_eps", lambda x, e, a, s: np.clip((x - s * e) / a, 0, 1),
     "the result is clamped: it is kept in [0, 1]"),
    ("langevin_step", lambda x, s, h, z: x + h / 2 * s + np.sqrt(h) * np.clip(z, -2, 2),
     "z is clamped: it is kept in [-2, 2]"),
    ("gaussian_log_density", lambda *args: np.maximum(refsgm.gaussian_log_density(*args), -100),
     "the result is clamped: it is never below -100"),
    ("signal_to_noise_ratio", lambda a: np.minimum(a / (1 - a), 5.0),
     "the result is clamped: it is never above 5"),
])
def test_a_value_that_is_clamped_is_named_with_its_bounds(kind, foreign, words):
    """At any bound: an argument, the result, or a value of the formula between them."""
    said = check(kind, foreign, dictionary=False).diagnosis
    assert said.code == "clipped"
    assert words in said.sentence


def clipped_ddpm(eps_fn, x, alpha_bar, rng):
    """ddpm_sampler, whose x_0 has bounds."""
    for t in range(len(alpha_bar) - 1, 0, -1):
        a, b = alpha_bar[t], alpha_bar[t - 1]
        x_0 = np.clip((x - np.sqrt(1 - a) * eps_fn(x, a)) / np.sqrt(a), -1, 1)
        mean, variance = refsgm.posterior(x_0, x, a, b)
        x = mean + np.sqrt(variance) * rng.standard_normal(x.shape)
        yield x


def clipped_langevin(score_fn, x, step_size, n_steps, rng):
    """langevin, whose score has bounds."""
    for _ in range(n_steps):
        x = (x + step_size / 2 * np.clip(score_fn(x), -0.5, 0.5)
             + np.sqrt(step_size) * rng.standard_normal(x.shape))
        yield x


@pytest.mark.parametrize(("kind", "foreign", "words"), [
    ("ddpm_sampler", clipped_ddpm, "x_0 is clamped: it is kept in [-1, 1]"),
    ("langevin", clipped_langevin, "the value of score_fn is clamped: it is kept in [-0.5, 0.5]")])
def test_a_value_that_is_clamped_in_a_loop_is_named(kind, foreign, words):
    """[DDPM-3] [LANG-1] x_0, as code for images does, and it may be allowed; or the score."""
    report = check(kind, foreign, allow="clipped-x0")
    assert report.diagnosis.sentence == f"in a step: {words}"
    assert report.ok == words.startswith("x_0")


@pytest.mark.parametrize(("kind", "foreign"), [
    ("ve_ancestral_step", lambda x, s, a, b, z: x + (a**2 - b**2) * s + np.sqrt(a**2 - b**2) * z),
    ("gaussian_score", lambda x, m, s: (m - x) / (s**2 + 1e-3)),
    ("edm_loss", lambda D, x, s, e, d: ((D(x + s * e, s) - x)**2).sum(1) / s**2),
    ("gaussian_score", lambda x, m, s: np.tanh((m - x) / s**2)),
], ids=["a missing factor", "a constant that is added", "another weight", "a soft bound"])
def test_what_is_not_clamped_is_not_called_so(kind, foreign):
    """A value that is always at its bound is a constant, and a soft bound is no bound."""
    assert "clipped" not in [d.code for d in check(kind, foreign).diagnoses]


# Results, arguments and entries

@pytest.mark.parametrize(("kind", "order", "words"), [
    ("edm_preconditioning", (1, 0, 2, 3), "c_skip and c_out are exchanged"),
    ("edm_preconditioning", (1, 2, 0, 3), "the results come in the order c_out, c_in, c_skip"),
    ("vp_marginal", (1, 0), "scale and sigma are exchanged"),
    ("posterior", (1, 0), "mean and variance are exchanged"),
    ("sde_coefficients", (1, 0), "f and g are exchanged")])
def test_results_in_another_order_are_named(kind, order, words):
    """[EDM-1] [VP-1] [DDPM-2] [PATH-2] Of the same shape, or of others."""
    def foreign(*args):
        result = getattr(refsgm, kind)(*args)
        return tuple(result[i] for i in order)
    report = check(kind, foreign)
    assert [d.code for d in report.diagnoses] == ["swapped-results"]
    assert words in report.diagnosis.sentence


def test_two_arguments_are_exchanged_only_where_that_mends_a_wrong_answer():
    """A density is the same at x and mean exchanged, whatever else is wrong with it."""
    def foreign(x, mean, sigma):
        return np.where(sigma.min() < 1e-3, 0.0, 1.0) * refsgm.gaussian_log_density(x, mean, sigma)
    assert code(check("gaussian_log_density", lambda x, m, s: foreign(x, m, np.asarray(s)))) != (
        "swapped-arguments")


def cosine(n, offset=0.008, beta_max=0.999, clip=None):
    """The cosine table, with a bound of its own on the rates."""
    height = np.cos((np.arange(n + 1) / n + offset) / (1 + offset) * np.pi / 2)**2
    if clip is None:
        return height / height[0]
    return np.cumprod(np.append(1, 1 - np.minimum(1 - height[1:] / height[:-1], clip)))


@pytest.mark.parametrize(("foreign", "words"), [
    (cosine, "the rates are not clipped: the result does not depend on beta_max"),
    (lambda n, offset=0.008, beta_max=0.999: cosine(n, offset, clip=0.999),
     "the result does not depend on beta_max: it is that for beta_max = 0.999"),
    (lambda n, offset=0.008, beta_max=0.999: refsgm.cosine_alpha_bar(n, 0.008, beta_max),
     "the result does not depend on offset: it is that for offset = 0.008")],
    ids=["no bound", "a bound of its own", "an offset of its own"])
def test_an_argument_that_is_ignored_comes_before_the_entry_where_that_shows(foreign, words):
    """[VP-5] The value that it has instead is said, and no end of the table blamed."""
    report = check("cosine_alpha_bar", foreign)
    assert code(report) == "argument-ignored"
    assert report.diagnosis.sentence == words


# Sums and means

def over_levels(reduced):
    """noise_conditional_score_matching, and a last step."""
    def foreign(s, x, sigmas, eps, weights=None):
        weights = sigmas**2 if weights is None else weights
        return reduced(sum(w * residual(s, x, a, e)**2 / 2
                           for w, a, e in zip(weights, sigmas, eps)), len(sigmas))
    return foreign


@pytest.mark.parametrize(("reduced", "over", "names"), [
    (lambda a, L: a.sum(1) / L, "levels", {"mean-over-levels"}),
    (lambda a, L: a.mean(1) / L, "features and levels", {"mean-over-dims", "mean-over-levels"})])
def test_what_a_mean_is_taken_over_is_said_and_can_be_allowed(reduced, over, names):
    """[NCSN-1] Song and Ermon's 1 / L is a mean over levels, a convention."""
    report = check("noise_conditional_score_matching", over_levels(reduced), allow=names)
    said = report.diagnosis
    assert said.sentence.endswith(f"a mean over {over} was taken where the sum is meant")
    assert said.fix == f"sum over {over}"
    assert report.ok


def test_finite_differences_in_both_terms_are_a_convention():
    """[SSM-3] The paper has the mean of both ends in its first term too."""
    def along(s, x, v, h):
        a, b = s(x + h * v), s(x - h * v)
        return (v * (a + b)).sum(-1)**2 / 8 + (v * (a - b)).sum(-1) / (2 * h)

    def foreign(s, x, v, h):
        return np.mean([along(s, x, u, h) for u in (v if v.ndim == 3 else v[None])], axis=0)
    report = check("finite_difference_ssm", foreign, allow="averaged-ends")
    assert report.ok
    assert report.convention == "averaged-ends"


# PyTorch

def test_a_python_number_that_becomes_float32_is_low_precision():
    """A tensor that is made of a Python number has the default dtype, not that of the data."""
    torch = pytest.importorskip("torch")
    said = check("gaussian_score", lambda x, m, s: (m - x) / torch.as_tensor(s)**2,
                 "torch").diagnosis
    assert said.code == "low-precision"
    assert "Python number" in said.sentence
    assert "dtype of the data" in said.fix


def test_variables_that_pytorch_sets_by_itself_are_no_change_of_the_environment(monkeypatch):
    """torch.func.jvp sets TORCHINDUCTOR_CACHE_DIR; what the code itself sets is told."""
    for name, told in (("TORCHINDUCTOR_CACHE_DIR", False), ("MINE", True)):
        monkeypatch.delenv(name, raising=False)

        def foreign(*args, name=name):
            os.environ[name] = "1"
            return score(*args)
        notes = check("gaussian_score", foreign).notes
        assert any("environment" in note for note in notes) == told


# Doors

def test_the_fixture_shows_a_refusal_alone():
    """An unknown kind fails the test with one sentence, not with two errors in a chain."""
    with pytest.raises(pytest.fail.Exception) as caught:
        pytest_plugin.right_or_failed("refsgm_check", check, "gaussian_scor", score)
    assert "did you mean 'gaussian_score'" in str(caught.value)
    assert caught.value.__context__ is None
    assert pytest_plugin.right_or_failed("f", check, "gaussian_score", score).ok


def test_vectors_are_added_to_a_folder_that_has_their_schema(tmp_path):
    """A second kind goes beside the first; a schema that is another file is not replaced."""
    from refsgm.oracle.doors.command import export
    folder = str(tmp_path / "v")
    with redirect_stdout(StringIO()):
        for kind in ("score_matching_weight", "likelihood_weight"):
            export(folder, [kind])
    assert len(os.listdir(folder)) == 3
    (tmp_path / "v" / "vectors.schema.json").write_text("{}")
    with pytest.raises(ValueError, match="vectors.schema.json"):
        export(folder, ["signal_to_noise_ratio"])


def test_means_that_are_verified_are_asked_for_by_sample(monkeypatch):
    """What answers hold means of batches is told that single values would tell more."""
    kind = KINDS["noise_prediction_loss"]
    few = dict([*vectors.questions(kind).items()])
    results = {vectors.identifier(kind, i): float(2 * np.mean(kind.function(*q.args.values())))
               for i, q in enumerate(few.values())}
    report = vectors.verify(kind.name, {"digest": vectors.digest_of(few), "results": results})
    assert vectors.PER_SAMPLE in report.notes


def test_a_time_of_flow_matching_that_is_logit_normal_is_called_so():
    """[FLOW-1] On the linear path log(sigma / scale) is the logit of t: no level is log-normal."""
    torch = pytest.importorskip("torch")

    def step(net, x):
        t = torch.sigmoid(torch.randn(len(x)))
        s, eps = t.view(-1, 1, 1, 1), torch.randn_like(x)
        return ((net((1 - s) * x + s * eps, t * 1000) - (eps - x))**2).mean()
    assert "logit-normal" in refsgm.check_training(step).facts["levels"]
