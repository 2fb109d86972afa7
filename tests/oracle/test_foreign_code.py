"""Whatever foreign code does, it gets a verdict: it raises, hangs, prints, or changes its input."""

import itertools
import sys
import signal
import warnings

import numpy as np
import pytest
from autograd.tracer import getval

import refsgm
from refsgm.oracle.calls.judge import new_probe
from refsgm.oracle.check import check
from refsgm.oracle.kinds import find
from tests.oracle.foreign import code, score, wrong_at_edges


def test_code_that_raises_gets_a_verdict():
    """The diagnosis has the exception's type, and its message in one line."""
    def foreign(*args):
        raise RuntimeError("no\nsuch thing")
    report = check("gaussian_score", foreign)
    assert not report.ok
    assert code(report) == "raises"
    assert "RuntimeError: no such thing" in report.diagnosis.sentence
    assert all(p.error == np.inf for p in report.probes)


@pytest.mark.parametrize("error", [SystemExit(3), MemoryError(), RecursionError("deep")])
def test_no_exception_of_foreign_code_ends_ours(error):
    """Even SystemExit in foreign code becomes a diagnosis."""
    def foreign(*args):
        raise error
    report = check("gaussian_score", foreign)
    assert code(report) == "raises"
    assert type(error).__name__ in report.diagnosis.sentence


def test_a_user_can_interrupt_a_check():
    """Ctrl-C passes through; a KeyboardInterrupt that foreign code raises itself is its mistake."""
    def pressed(*args):
        signal.raise_signal(signal.SIGINT)

    def raised(*args):
        raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        check("gaussian_score", pressed)
    assert code(check("gaussian_score", raised)) == "raises"


def test_code_that_raises_where_rows_are_not_columns_broadcasts():
    """Levels (B,) against data (B, D) raise nothing as long as B == D."""
    def foreign(x, mean, sigma):
        return score(x, mean, sigma if np.ndim(sigma) == 0 else sigma[:, 0])
    report = check("gaussian_score", foreign)
    assert [d.code for d in report.diagnoses] == ["broadcast"]


def test_code_that_raises_at_some_probes_is_not_called_right_but_for_an_edge():
    """Where code raises at one edge and is wrong at another, the exception is what is said."""
    report = check("gaussian_score", wrong_at_edges)
    assert [d.code for d in report.diagnoses] == ["raises"]
    assert "a single row" in report.diagnosis.sentence


def test_code_that_is_right_but_for_an_edge_is_told_which():
    """A function that fails for D = 1 alone is told so."""
    def foreign(x, mean, sigma):
        return score(x, mean, sigma) * (1 + (x.shape[1] == 1))
    report = check("gaussian_score", foreign)
    assert [d.code for d in report.diagnoses] == ["special-case"]
    assert "right except at: B = 3, D = 1" in report.diagnosis.sentence


def test_a_call_that_does_not_end_is_ended():
    """Two calls without an answer end the check, even though the code catches every Exception."""
    calls = []

    def foreign(*args):
        calls.append(1)
        while True:
            try:
                for _ in itertools.count():
                    pass
            except Exception:
                continue
    report = check("gaussian_score", foreign, seconds=0.3)
    assert code(report) == "timeout"
    assert "0.3 s" in report.diagnosis.sentence
    assert len(calls) == 2


def test_no_third_call_without_an_end_is_waited_for():
    """Code that stops to answer when it is diagnosed is not asked all that a doctor asks."""
    late, calls = [], itertools.count()

    def foreign(x, mean, sigma):
        if next(calls) >= 30:
            late.append(1)
            signal.pause()
        return score(x, mean, sigma) * (1 + (len(x) > 2))
    report = check("gaussian_score", foreign, seconds=0.05)
    assert not report.ok
    assert len(late) == 2
    assert "beside the probes 2 calls ran out of time" in report.notes[0]


def test_a_sampler_that_does_not_answer_is_ended():
    """The time limit covers a generator, which runs only when it is advanced."""
    def foreign(score_fn, x, step_size, n_steps, rng):
        while n_steps:
            pass
        yield x
    assert code(check("langevin", foreign, seconds=0.3)) == "timeout"


def test_a_sampler_without_end_has_too_many_states():
    """An endless sampler is stopped after 1000 states, before memory is full."""
    report = check("langevin", lambda f, x, h, n, rng: itertools.repeat(x))
    assert code(report) == "wrong-shape"
    assert "1000 states" in report.diagnosis.sentence


def test_what_is_printed_stays_off_the_terminal(capfd):
    """Printing is noted, and it is no mistake."""
    def foreign(*args):
        print("step")
        print("warning", file=sys.stderr)
        return score(*args)
    report = check("gaussian_score", foreign)
    assert report.ok
    assert capfd.readouterr() == ("", "")
    assert report.notes == ("it prints, which was kept off the terminal",)


def test_warnings_of_foreign_code_and_of_frameworks_are_silenced():
    """A loss without a gradient makes autograd warn; the verdict says so instead."""
    def foreign(score_fn, x, sigma, eps):
        warnings.warn("shapes are going to change", FutureWarning, stacklevel=1)
        s = getval(score_fn(x + sigma * eps, sigma))
        return 0.5 * np.sum((s + eps / sigma)**2, axis=1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        report = check("denoising_score_matching", foreign, "autograd")
    assert code(report) == "detached-gradient"
    assert not caught


def test_code_that_changes_its_arguments_is_not_right():
    """A right result does not excuse a changed argument, which is named."""
    def foreign(x, mean, sigma):
        result = score(x, mean, sigma)
        x *= 2
        return result
    report = check("gaussian_score", foreign)
    assert not report.ok
    assert [d.code for d in report.diagnoses] == ["mutates-input"]
    assert "changes x in place" in report.diagnosis.sentence
    assert all(p.ok for p in report.probes)


def test_the_probes_survive_code_that_changes_its_arguments():
    """Each call gets arrays of its own, so a second mistake is still seen."""
    def foreign(x, mean, sigma):
        x -= mean
        return x / sigma**2
    codes = [d.code for d in check("gaussian_score", foreign).diagnoses]
    assert codes[:2] == ["mutates-input", "sign"]


def test_code_that_draws_its_own_noise_is_not_repeatable():
    """Noise is an argument: code that draws its own is not repeatable."""
    rng = np.random.default_rng(0)

    def foreign(x, sigma, eps):
        return x + sigma * rng.standard_normal(x.shape)
    assert code(check("perturb", foreign)) == "not-repeatable"


def test_noise_of_a_fixed_seed_is_noise_of_its_own_too():
    """Noise of a fixed seed is repeatable, and still ignores the noise that was passed."""
    def foreign(x, sigma, eps):
        return x + sigma * np.random.default_rng(0).standard_normal(x.shape)
    report = check("perturb", foreign)
    assert code(report) == "argument-ignored"
    assert "eps" in report.diagnosis.sentence


def test_a_function_that_is_passed_takes_rows_alone():
    """[SSM-3] Networks read the second axis as features; no axis of directions goes before it."""
    def foreign(score_fn, x, v, step):
        slope = np.sum(v * (score_fn(x + step * v) - score_fn(x - step * v)), axis=-1) / (2 * step)
        terms = 0.5 * np.sum(v * score_fn(x), axis=-1)**2 + slope
        return terms if v.ndim == 2 else terms.mean(axis=0)
    report = check("finite_difference_ssm", foreign)
    assert code(report) == "raises"
    assert "takes x as rows" in report.diagnosis.sentence


@pytest.mark.parametrize(("foreign", "words"), [
    (lambda x, sigma: x, "2 positional arguments but 3 were given"),
    (lambda x, mean, sigma, more: x, "missing 1 required positional argument: 'more'"),
    (lambda: 0, "0 positional arguments but 3 were given")])
def test_code_of_another_arity_is_shown_the_contract(foreign, words):
    """The diagnosis has Python's message and the signature that is required."""
    report = check("gaussian_score", foreign)
    assert code(report) == "raises"
    assert words in report.diagnosis.sentence
    assert "gaussian_score(x, mean, sigma) -> (B, D)" in report.diagnosis.fix


def test_code_that_changes_its_arguments_leaves_the_next_check_alone():
    """Probes are made once for all checks of a kind, and nobody can write to them."""
    def spoils(x, mean, sigma):
        x *= 0
        return (mean - x) / sigma**2
    assert not check("gaussian_score", spoils).ok
    report = check("gaussian_score", lambda x, mean, sigma: (mean - x) / sigma**2)
    assert report.right, report
    probe = new_probe(find("gaussian_score"), report.probes[0].situation)
    for a in (*probe.args.values(), *probe.want, *probe.sensitivity):
        assert not np.shape(a) or not a.flags.writeable


def test_a_schedule_that_writes_into_its_times_is_told_that_first():
    """[VP-1] It raises at numbers too, for the same reason."""
    def foreign(t, beta_min=0.1, beta_max=20.0):
        t[-1] = 0.9946
        log_scale = -0.25 * t**2 * (beta_max - beta_min) - 0.5 * t * beta_min
        return np.exp(log_scale), np.sqrt(-np.expm1(2 * log_scale))
    assert [d.code for d in check("vp_marginal", foreign).diagnoses] == ["mutates-input", "raises"]


def test_code_whose_first_arguments_have_no_names_is_right():
    """[VP-1] Those that come by position alone are counted, where others are passed by name."""
    def marginal(t, /, beta_min=0.1, beta_max=20.0, more=0.0):
        return refsgm.vp_marginal(t, beta_min, beta_max)

    def nameless(t, beta_min=0.1, beta_max=20.0, /):
        return refsgm.vp_marginal(t, beta_min, beta_max)
    assert check("vp_marginal", marginal).ok
    assert check("vp_marginal", nameless).ok


def test_optional_arguments_before_required_ones_go_by_their_own_names():
    """[DDPM-3] With all later arguments passed by name, the required ones are too."""
    def step(x_t, eps, variance="posterior", now=None, then=None, z=None):
        return refsgm.ddpm_step(x_t, eps, now, then, z, variance)
    names = ["x_t", "eps", "variance", "alpha_bar_t", "alpha_bar_s", "z"]
    assert check("ddpm_step", step, argnames=names).ok



def test_a_schedule_of_time_alone_is_judged_by_every_engine():
    """[VP-1] Arguments that have defaults may be left out, and no engine needs them."""
    report = check("vp_marginal", lambda t: (np.cos(t), np.sin(t)))
    assert not report.ok
    assert not report.notes, report


def test_a_prior_that_is_centred_at_the_data_is_named():
    """[SDE-3] The kernel of the forward process is around x_0, the prior is around 0."""
    def foreign(score_fn, x, sigma_min, sigma_max):
        def log_prior(x):
            return refsgm.prior_log_density(x, sigma_max)
        end = refsgm.probability_flow(score_fn, x, sigma_min, sigma_max)
        return (refsgm.log_likelihood(score_fn, x, sigma_min, sigma_max)
                - log_prior(end) + log_prior(end - x))
    report = check("log_likelihood", foreign)
    assert report.diagnosis.code == "evaluation-point", report
