"""Code that differentiates is asked of functions that change over lengths down to 1e-6."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import refsgm
from refsgm.oracle.calls.judge import new_probe
from refsgm.oracle.calls.slack import slack_at
from refsgm.oracle.kinds import KINDS
from refsgm.oracle.kinds.drawing import arguments
from refsgm.oracle.kinds.sharp import sharp_specs


def along(score_fn, x, v, step):
    """v'J v by a complex step, (B,)."""
    return np.sum(v * np.imag(score_fn(x + 1j * step * v)) / step, axis=1)


def fixed(x):
    """[OPS-2] A step that is short for most functions."""
    return 1e-8


def of_the_batch(x):
    """[OPS-2] A step in proportion to the largest entry of all rows."""
    return 1e-13 * max(1.0, float(np.max(np.abs(x))))


def of_the_row(x):
    """[OPS-2] A step in proportion to each row, as if functions were sharp near zero alone."""
    return 1e-8 * np.max(np.abs(x), axis=1, keepdims=True)


def divergence(step):
    """The divergence by complex steps."""
    return lambda score_fn, x: sum(along(score_fn, x, e, step(x)) for e in np.eye(x.shape[1]))


@pytest.mark.parametrize("step", [fixed, of_the_batch, of_the_row])
def test_a_step_must_be_short_beside_what_a_function_changes_over(step):
    """[OPS-2] However it is chosen: the error of a complex step grows with its square."""
    report = refsgm.check("divergence", divergence(step), seed=0)
    assert not report.ok
    assert report.failing[0].label.startswith("a function that changes over")


def by_differences(score_fn, x, sigma_min, sigma_max):
    """[SDE-3] The divergence by central differences over 1e-5, exact for a function that is smooth
    enough.
    """
    (B, D), h = x.shape, 1e-5

    def slope(t, state):
        y, sigma = state[:B * D].reshape(B, D), np.exp(t)
        trace = sum((score_fn(y + h * e, sigma) - score_fn(y - h * e, sigma))[:, i]
                    for i, e in enumerate(np.eye(D))) / (2 * h)
        return sigma**2 * np.append(-score_fn(y, sigma), trace)
    ends = np.log([sigma_min, sigma_max])
    end = solve_ivp(slope, ends, np.append(x, np.zeros(B)), method="DOP853", rtol=1e-9,
                    atol=1e-12).y[:, -1]
    return refsgm.prior_log_density(end[:B * D].reshape(B, D), sigma_max) - end[B * D:]


def test_likelihoods_are_asked_at_levels_as_small_as_data_may_be():
    """[SDE-3] A difference that is short beside levels around 1 is long beside those of 1e-6."""
    report = refsgm.check("log_likelihood", by_differences, seed=0, seconds=60.0)
    assert [p.label[:28] for p in report.failing] == ["a function that changes over"]


def to_the_prior(solved, f, x, sigma_min, sigma_max):
    """[SDE-3] The log likelihood, by a solver (slope, ends of log sigma, start) -> end."""
    (B, D) = x.shape

    def slope(t, state):
        y, sigma = state[:B * D].reshape(B, D), np.exp(t)
        return sigma**2 * np.append(-f(y, sigma), f.divergence(y, sigma))
    end = solved(slope, np.log([sigma_min, sigma_max]), np.append(x, np.zeros(B)))
    return refsgm.prior_log_density(end[:B * D].reshape(B, D), sigma_max) - end[B * D:]


def by_even_steps(slope, ends, state):
    """Eighty Runge-Kutta steps for each factor e."""
    n = int(np.ceil(80 * np.diff(ends)[0]))
    h = np.diff(ends)[0] / n
    for t in ends[0] + h * np.arange(n):
        a = slope(t, state)
        b = slope(t + h / 2, state + h / 2 * a)
        c = slope(t + h / 2, state + h / 2 * b)
        state = state + h / 6 * (a + 2 * b + 2 * c + slope(t + h, state + h * c))
    return state


def by_common_tolerances(slope, ends, state):
    """RK45 at 1e-5."""
    return solve_ivp(slope, ends, state, rtol=1e-5, atol=1e-5).y[:, -1]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("solved", [by_even_steps, by_common_tolerances])
def test_between_two_modes_a_solver_must_choose_its_steps(solved, seed):
    """[SDE-3] Even steps are too long there, those of the tolerances that everybody uses are not.
    """
    kind = KINDS["log_likelihood"]
    probe = new_probe(kind, sharp_specs(kind, seed)[-1])
    assert probe.label.startswith("two modes")
    (want,), (size,) = probe.want, probe.sensitivity
    may = slack_at(kind, probe.situation, probe.args, want, np.dtype(float), size)
    off = np.abs(to_the_prior(solved, *probe.args.values()) - want)
    assert np.all(off < 0.2 * may) if solved is by_common_tolerances else np.any(off > 5 * may)


@pytest.mark.parametrize("seed", range(3))
def test_data_may_lie_in_the_middle_of_a_wide_law(seed):
    """[SDE-3] How far the law reaches is not seen from the rows that are asked: to take the data
    for a point at a hundred times these rows is wrong.
    """
    kind = KINDS["log_likelihood"]
    probe = new_probe(kind, sharp_specs(kind, seed)[-2])
    f, x, low, high = probe.args.values()
    reach = min(high, max(low, 100 * np.max(np.abs(x))))
    end = refsgm.probability_flow(f, x, low, reach)
    change = kind.answer(f, x, low, reach) - refsgm.prior_log_density(end, reach)
    ratio = np.log(high / reach)
    by_hand = refsgm.prior_log_density(end * np.exp(ratio), high) + change + x.shape[1] * ratio
    (want,), (size,) = probe.want, probe.sensitivity
    may = slack_at(kind, probe.situation, probe.args, want, np.dtype(float), size)
    assert probe.label.startswith("in the middle of two modes")
    assert np.any(np.abs(by_hand - want) > 5 * may)


@pytest.mark.parametrize("kind", ["divergence", "score_of"])
def test_a_sharp_function_is_printed_as_it_is(kind):
    """[OPS-2, SCORE-1] The program that shows a failing probe defines the function with its unit
    and its center.
    """
    def wrong(f, x=None):
        if x is None:
            return lambda x: refsgm.score_of(f)(x) * (1.0 if np.abs(x).max() > 0.1 else 1.001)
        return refsgm.divergence(f, x) * (1.0 if np.abs(x).max() > 1e-2 else 1.001)
    report = refsgm.check(kind, wrong, seed=0)
    lines = report.program.splitlines()
    assert "s((x - " in report.program
    values = {"fn": wrong}
    exec("\n".join(line for line in lines if not line.startswith(("from tests", "fn ="))), values)


def test_sharp_probes_are_all_answered():
    """[OPS-2] Each has rows at the size of the unit, the first ones units of about 1e-6."""
    kind = KINDS["divergence"]
    for spec in sharp_specs(kind, 3):
        x, f = arguments(kind, spec)["x"], arguments(kind, spec)["score_fn"]
        assert np.min(np.max(np.abs(f.within(x)), axis=1)) < 10
        assert 1e-6 <= f.unit <= 1e-3
