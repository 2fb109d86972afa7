"""Numbers at the ends of a domain, numbers beside columns, words and counts as programs have them.
"""

import contextlib
import io

import numpy as np
import pytest

import refsgm
from refsgm.oracle.kinds import find
from refsgm.oracle.kinds.edges import answer
from refsgm.oracle.kinds.fitted import nearly_right
from refsgm.oracle.kinds.form_specs import every_one
from refsgm.oracle.kinds.forms import KEPT
from tests.oracle.blind_spots.right import divergence_row_by_row
from tests.oracle.blind_spots.unseen_diffusion import (both_or_none, counted_down, of_integers,
                                                       same_object)
from tests.oracle.blind_spots.unseen_mixed import expanded, in_place, unique_directions
from tests.oracle.blind_spots.unseen_scores import like_the_noise

pytestmark = pytest.mark.usefixtures("all_probes")


def test_a_word_is_not_the_object_that_the_code_has():
    """It was read from a file, say."""
    assert not refsgm.check("min_snr_weight", same_object, seed=0).ok


def ignored_alone(n_steps, beta_min=None, beta_max=None):
    """An end that is given by its name alone is forgotten."""
    if beta_min is None:
        beta_min, beta_max = 1e-4, 0.02
    return np.linspace(beta_min, 0.02 if beta_max is None else beta_max, n_steps)


@pytest.mark.parametrize(("kind", "f"), [("log_normal_sigma", both_or_none),
                                         ("linear_betas", ignored_alone)])
def test_any_part_of_the_optional_arguments_may_be_given(kind, f):
    """By position, or by the code's own names; the program gives them by name, and shows it."""
    report = refsgm.check(kind, f, seed=0)
    assert not report.ok
    assert "left out" in report.failing[0].label
    with contextlib.redirect_stdout(io.StringIO()) as said:
        exec(report.program, {})
    expected, got = said.getvalue().split("got")
    assert expected.removeprefix("expected").strip() != got.strip()


def one_rate(x_t, score, scale, sigma, scale_rate, sigma_rate):
    """One rate for all rows where the levels are numbers."""
    if np.ndim(scale) == 0 and np.ndim(sigma) == 0:
        scale_rate, sigma_rate = np.ravel(scale_rate)[0], np.ravel(sigma_rate)[0]
    return refsgm.velocity_from_score(x_t, score, scale, sigma, scale_rate, sigma_rate)


@pytest.mark.parametrize(("kind", "f"), [
    ("velocity_from_score", one_rate), ("consistency_scalings", of_integers),
    ("geometric_sigmas", counted_down), ("ddpm_loss", like_the_noise),
    ("explicit_score_matching", expanded), ("hutchinson_divergence", unique_directions),
    ("langevin", in_place)])
def test_every_form_of_one_argument_is_asked_in_every_check(kind, f):
    """Whatever the seed."""
    assert not refsgm.check(kind, f, dictionary=False, seed=5).ok


def test_levels_come_as_numbers_beside_columns_and_functions_keep_what_they_return():
    """Every part of the levels, and each function that is passed, in every check."""
    forms = [set(s.forms) for s in every_one(find("posterior"), 0, True, None, "float64", True)]
    for name in ("alpha_bar_t", "alpha_bar_s"):
        assert {(name, "a number")} in forms
    forms = [set(s.forms) for s in every_one(find("heun_step"), 0, True, None, "float64", True)]
    assert {("score_fn", KEPT)} in forms


@pytest.mark.parametrize("kind", ["explicit_score_matching", "denoising_score_matching",
                                  "noise_prediction_loss", "ddpm_loss", "x0_prediction_loss",
                                  "edm_loss", "v_prediction_loss", "flow_matching_loss"])
def test_a_loss_is_asked_at_functions_that_are_nearly_right(kind):
    """There it is small beside the squares of what is subtracted."""
    asked = nearly_right(find(kind), 0, True, None)
    assert asked
    assert all(np.all(answer(find(kind), args)[0] < 1e-7) for _, args in asked)


def test_a_square_that_is_multiplied_out_fails_there():
    """Where its digits cancel, and at no plain probe."""
    report = refsgm.check("explicit_score_matching", expanded, seed=0)
    label = "a function that is nearly right"
    assert {p.label for p in report.failing} == {label, f"{label}, in many rows"}


def test_next_to_nothing_in_place_of_zero_is_right():
    """A complex step of 1e-30 leaves 1e-60 where the divergence is zero."""
    assert refsgm.check("divergence", divergence_row_by_row, seed=3).ok
