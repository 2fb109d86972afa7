"""Arguments in other forms, and calls in a row: what is wrong there alone is found."""

import contextlib
import io

import numpy as np
import pytest

import refsgm
from refsgm.oracle.kinds.wide import FORMS, GUIDED, MODERATE

pytestmark = pytest.mark.usefixtures("all_probes")


def stacked(x_t, eps, scale, sigma):
    """[EQV-2] Both levels in one array, which a number and a column do not fit into."""
    scale, sigma = np.stack([scale, sigma])
    return (x_t - sigma * eps) / scale


def reciprocal(sigma):
    """An integer's reciprocal is an integer."""
    return np.reciprocal(1 + sigma**2)


def one_level(x, mean, sigma):
    """Levels that are close are taken for one."""
    if np.ndim(sigma) == 2 and np.allclose(sigma, sigma[0]):
        sigma = sigma[0, 0]
    return refsgm.gaussian_log_density(x, mean, sigma)


def padding(u_fn, x_0, t, eps):
    """Rows of zeros are taken for padding."""
    return refsgm.flow_matching_loss(u_fn, x_0, t, eps) * np.any(x_0 != 0, axis=1)


def of_memory(eps_fn, x, sigma, eps):
    """Both noises as they lie in memory."""
    off = eps.ravel("K") - eps_fn(x + sigma * eps, sigma).ravel("K")
    return np.sum(off.reshape(x.shape)**2, axis=1)


def array_is_column(x_t, score, sigma_t, sigma_s):
    """An array is a column, never one of no axes."""
    sigma = sigma_t[:, 0][:, None] if isinstance(sigma_t, np.ndarray) else sigma_t
    return x_t + (sigma - sigma_s) * sigma * score


def by_the_last_row(score_fn, x, v):
    """[SSM-1] A trace where directions are a frame, of which the last row alone is looked at."""
    if v.ndim == 3 and len(x):
        if np.allclose(v[:, -1].T @ v[:, -1] / len(v), np.eye(x.shape[1])):
            return refsgm.implicit_score_matching(score_fn, x)
    return refsgm.sliced_score_matching(score_fn, x, v)


@pytest.mark.parametrize(("kind", "f"), [
    ("x0_from_eps", stacked), ("sliced_score_matching", by_the_last_row),
    ("alpha_bar_from_sigma", reciprocal),
    ("gaussian_log_density", one_level), ("flow_matching_loss", padding),
    ("noise_prediction_loss", of_memory),
    ("ve_probability_flow_step", array_is_column)])
def test_arguments_that_coincide_or_have_another_form_are_asked(kind, f):
    """It is right for random numbers in columns of ordinary arrays, and wrong for others."""
    report = refsgm.check(kind, f, seed=0)
    assert not report.ok
    assert report.diagnoses
    assert report.failing[0].situation.regime in (*FORMS, GUIDED, MODERATE)


def in_place(score_fn, x, target_score):
    """The residual lies in the memory of the score."""
    residual = score_fn(x)
    residual -= target_score
    return 0.5 * np.sum(residual**2, axis=1)


def test_what_a_function_returned_belongs_to_it():
    """A network may keep what it returned, and return it again."""
    report = refsgm.check("explicit_score_matching", in_place, seed=0)
    assert not report.ok
    assert report.diagnosis.code == "mutates-input"


def remembered(f, key):
    """A function that keeps its answers under a key of its arguments."""
    kept = {}

    def g(*args):
        if key(*args) not in kept:
            kept[key(*args)] = f(*args)
        return np.array(kept[key(*args)])
    return g


BUFFER = np.empty(64)


def buffered(x, score, beta):
    """The drift lies in one buffer, whichever call it is of."""
    return np.multiply(-0.5 * beta, x + score, out=BUFFER[:x.size].reshape(x.shape)) if (
        x.size <= 64) else -0.5 * beta * (x + score)


def one_state(score_fn, x, step_size, n_steps, rng):
    """All loops have their state in one array."""
    at = BUFFER[:x.size].reshape(x.shape)
    at[...] = x
    for _ in range(n_steps):
        at[...] = refsgm.langevin_step(at, score_fn(at), step_size, rng.standard_normal(x.shape))
        yield at


CONSTANTS = {}


def constant_of_first(x, mean, sigma):
    """The constant of a shape, in the dtype in which it was asked for first."""
    half_log = CONSTANTS.setdefault(x.shape, np.asarray(0.5 * np.log(2 * np.pi), x.dtype))
    level = sigma if np.ndim(sigma) == 0 else sigma[:, 0]
    return -0.5 * np.sum(((x - mean) / sigma)**2, axis=1) - x.shape[1] * (np.log(level) + half_log)


RING = {}


def by_call(score_fn, x, step_size, n_steps, rng):
    """The states of a loop, in arrays that the next loop of this length fills anew."""
    arrays = RING.setdefault((n_steps, x.shape), np.empty((n_steps, *x.shape)))
    for i, state in enumerate(refsgm.langevin(score_fn, x, step_size, n_steps, rng)):
        arrays[i] = state
        yield arrays[i]


@pytest.mark.parametrize(("kind", "f"), [
    ("gaussian_log_density", constant_of_first), ("langevin", by_call),
    ("karras_sigmas", remembered(refsgm.karras_sigmas, lambda a, b, n, rho=7.0: (a, b, n))),
    ("perturb", remembered(refsgm.perturb, lambda x, sigma, eps: (
        x.shape, np.sum(x), np.sum(sigma), np.sum(eps)))),
    ("annealed_step_sizes", remembered(refsgm.annealed_step_sizes, lambda sigmas, a: (
        f"{sigmas[0]:.3f}", len(sigmas), f"{np.sum(sigmas):.3f}", a))),
    ("perturb", remembered(refsgm.perturb, lambda *args: tuple(map(id, args)))),
    ("vp_probability_flow_drift", buffered), ("langevin", one_state)])
def test_calls_in_a_row_have_nothing_to_do_with_each_other(kind, f):
    """Whatever alone differs in the next call, or is written to between two."""
    report = refsgm.check(kind, f, seed=0)
    assert not report.ok
    assert report.diagnoses


def kept_by_sums(log_density):
    """[SCORE-1] The score keeps its answers under the sum of the numbers."""
    score, kept = refsgm.score_of(log_density), {}

    def answer(x):
        key = x.shape, round(float(np.sum(x)), 9)
        return kept.setdefault(key, score(x)).copy()
    return answer


STATE = []


def one_state_for_all(score_fn, x, step_size, n_steps, rng):
    """[LANG-1] All loops go on from one state, of which each yields a copy."""
    STATE[:] = [x]
    for _ in range(n_steps):
        z = rng.standard_normal(x.shape)
        STATE[0] = refsgm.langevin_step(STATE[0], score_fn(STATE[0]), step_size, z)
        yield STATE[0].copy()


@pytest.mark.parametrize(("kind", "f"), [("score_of", kept_by_sums),
                                         ("langevin", one_state_for_all)])
def test_what_was_returned_is_asked_after_and_beside_others(kind, f):
    """Alone both are right."""
    report = refsgm.check(kind, f, seed=0)
    assert not report.ok
    assert "call after call" in report.failing[0].label


def by_rows(x, mean, sigma):
    """[GAUSS-2] A mean for each row, as a program in C would read it."""
    sigma = np.broadcast_to(sigma, (len(x), 1))
    return np.array([[(m - a) / s[0]**2 for a, m in zip(row, mean[b], strict=True)]
                     for b, (row, s) in enumerate(zip(x, sigma))]).reshape(x.shape)


def first_feature(x, mean, sigma):
    """Wrong for a mean (D,)."""
    return ((mean if np.ndim(mean) == 2 else mean[:1]) - x) / sigma**2


def test_one_mean_for_all_rows_may_be_refused_and_not_answered_wrongly():
    """[GAUSS-2]"""
    report = refsgm.check("gaussian_score", by_rows, seed=0)
    assert report.ok, report
    assert not refsgm.check("gaussian_score", first_feature, seed=0).ok


def test_odd_forms_may_be_refused_and_are_noted():
    """An exception is a note; a wrong answer would be wrong."""
    def strict(x, sigma, eps):
        if not all(a.flags.c_contiguous and a.flags.writeable and a.dtype.kind == "f"
                   for a in (x, eps)):
            raise TypeError("arrays must be plain")
        return x + sigma * eps
    report = refsgm.check("perturb", strict, seed=0)
    assert report.ok
    assert any("it refuses" in note and "arrays must be plain" in note for note in report.notes)


@pytest.mark.parametrize(("kind", "f"), [("alpha_bar_from_sigma", reciprocal),
                                         ("noise_prediction_loss", of_memory)])
def test_a_form_that_fails_is_printed_as_a_program_that_fails(kind, f):
    """The program passes the arguments in the forms in which they were."""
    report = refsgm.check(kind, f, seed=0)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(report.program, {})
    want, got = (line.split("[")[-1].split() for line in printed.getvalue().splitlines())
    assert want[-1] != got[-1]


def test_a_mean_far_from_zero_is_taken_back():
    """[LEVEL-2] Where it is, the shift of a time that is close to 1 has no digits left."""
    def by_shift(z, mean=0.0, deviation=1.0):
        return refsgm.shift_time(1 / (1 + np.exp(-deviation * z)), float(np.exp(mean)))
    assert not refsgm.check("logit_normal_time", by_shift, seed=0).ok
