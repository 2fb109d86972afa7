"""Numbers at the ends of a domain, numbers beside columns, words and counts as programs have them.
"""

import numpy as np
import pytest

import refsgm
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
    """By position, or by the code's own names."""
    report = refsgm.check(kind, f, seed=0)
    assert not report.ok
    assert "left out" in report.failing[0].label


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
