"""Conventions: what `allow` excuses, and what it does not."""

import numpy as np
import pytest
from autograd.tracer import getval

import refsgm
from refsgm.oracle.check import check
from tests.oracle.foreign import code, mean_without_half, score


def mean_over_dims(score_fn, x, sigma, eps):
    """The mean over features, and over the batch."""
    return np.mean(0.5 * (score_fn(x + sigma * eps, sigma) + eps / sigma)**2)


@pytest.mark.parametrize("allow", ["mean-over-dims", {"mean-over-dims"}, ["sum-vs-mean"],
                                   {"half", "mean-over-dims"}])
def test_a_convention_is_accepted_when_it_is_allowed(allow):
    """A convention is allowed by its own name or its code; it is named all the same, and not
    strictly right."""
    report = check("denoising_score_matching", mean_over_dims, allow=allow)
    assert report.ok
    assert bool(report)
    assert not report.right
    assert report.diagnosis.convention == "mean-over-dims"


@pytest.mark.parametrize("allow", [(), "missing-half", {"half"}, {"sign", "unit-sphere"}])
def test_a_convention_is_not_accepted_for_another(allow):
    """Only the convention that was named is allowed."""
    assert not check("denoising_score_matching", mean_over_dims, allow=allow).ok


def test_a_code_that_is_allowed_excuses_nothing_that_comes_with_it():
    """-2 / D times the right loss is wrong in three ways, and each has to be allowed."""
    def wrong(score_fn, x, sigma, eps):
        return -2 * mean_over_dims(score_fn, x, sigma, eps)
    every = {"sign", "sum-vs-mean", "half"}
    assert check("denoising_score_matching", wrong, allow=every).ok
    for one in every:
        assert not check("denoising_score_matching", wrong, allow=every - {one}).ok


def test_two_conventions_at_once_have_both_to_be_allowed():
    """A mean squared error leaves out the 1/2 and takes the mean over features: two conventions."""
    both = {"mean-over-dims", "missing-half"}
    assert check("denoising_score_matching", mean_without_half, allow=both).ok
    for one in both:
        assert not check("denoising_score_matching", mean_without_half, allow=one).ok


def test_no_convention_excuses_a_mistake():
    """A sign that comes with a mean over features is a mistake."""
    def wrong(*args):
        return -mean_over_dims(*args)
    report = check("denoising_score_matching", wrong, allow={"mean-over-dims"})
    assert not report.ok
    assert code(report) == "sign"


def test_a_convention_does_not_excuse_a_detached_gradient():
    """The mean over features is allowed, and its missing gradient is not."""
    def detached(eps_fn, x_0, alpha_bar_t, eps):
        x_t = alpha_bar_t**0.5 * x_0 + (1 - alpha_bar_t)**0.5 * eps
        return np.mean((getval(eps_fn(x_t, alpha_bar_t)) - eps)**2, axis=1)
    report = check("ddpm_loss", detached, "autograd", allow={"mean-over-dims"})
    assert not report.ok
    assert "detached-gradient" in [d.code for d in report.diagnoses]


def test_a_change_in_place_that_is_allowed_excuses_no_wrong_value():
    """A function that also has the wrong sign needs both codes allowed."""
    def foreign(x, mean, sigma):
        result = -score(x, mean, sigma)
        x -= mean
        return result
    assert not check("gaussian_score", foreign, allow={"mutates-input"}).ok
    assert not check("gaussian_score", foreign, allow={"sign"}).ok
    assert check("gaussian_score", foreign, allow={"mutates-input", "sign"}).ok


def test_a_mean_over_the_pixels_of_images_is_the_convention():
    """All images have the same D, and 1 / D is still not taken for a constant."""
    def foreign(eps_fn, x_0, alpha_bar_t, eps):
        x_t = alpha_bar_t**0.5 * x_0 + (1 - alpha_bar_t)**0.5 * eps
        return np.mean((eps_fn(x_t, alpha_bar_t) - eps)**2)
    report = check("ddpm_loss", foreign, levels="trailing", event_shape=(3, 4, 4),
                   allow={"mean-over-dims"})
    assert report.ok, report
    assert report.diagnosis.convention == "mean-over-dims"


def test_a_loop_may_return_its_last_state_alone():
    """A convention of a loop is named from its last state."""
    def last(f, x, step_size, n_steps, rng):
        for _ in range(n_steps):
            x = x + step_size * f(x) + (2 * step_size)**0.5 * rng.standard_normal(x.shape)
        return x
    report = check("langevin", last, allow={"langevin-step"})
    assert report.ok, report
    assert "expected" not in str(check("langevin", lambda *args: [*refsgm.langevin(*args)][-1]))


GARBAGE = {
    "argument-ignored": ("ddim_step", lambda x_t, eps, t, s, eta, z: 17 * x_t + eps**3),
    "unknown": ("gaussian_score", lambda x, mean, sigma: np.sin(x * sigma) + mean),
    "raises": ("gaussian_score", lambda x, mean, sigma: [][0]),
    "rows-mixed": ("gaussian_score", lambda x, mean, sigma: np.sin(np.cumsum(x, 0) * sigma) + mean),
    "low-precision": ("gaussian_score", lambda x, mean, sigma: np.float16(np.tanh(x))),
    "sign": ("edm_preconditioning", lambda sigma, data: (
        *[f(c) for f, c in zip((np.negative, np.sin), refsgm.edm_preconditioning(sigma, data))],
        *refsgm.edm_preconditioning(sigma, data)[2:])),
}


@pytest.mark.parametrize("name", GARBAGE)
def test_a_code_is_allowed_only_where_it_accounts_for_the_values(name):
    """What was seen and says nothing of the values, such as an argument ignored, accepts none."""
    kind, foreign = GARBAGE[name]
    report = check(kind, foreign, allow=name)
    assert not report.ok, report
    assert name in [d.code for d in report.diagnoses], report


def test_an_exception_is_allowed_where_all_other_values_are_right():
    """Code that refuses single rows, and is right otherwise, may do so."""
    def foreign(x, mean, sigma):
        if len(x) == 1:
            raise ValueError
        return score(x, mean, sigma)
    assert check("gaussian_score", foreign, allow="raises").ok
    assert not check("gaussian_score", lambda *args: foreign(*args)**3, allow="raises").ok
