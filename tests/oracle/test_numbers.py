"""Numbers at the ends of a domain, numbers beside columns, words and counts as programs have them.
"""

import numpy as np
import pytest

import refsgm

pytestmark = pytest.mark.usefixtures("all_probes")


def inverse_time(t, shift):
    """By 1 / t, an error for the number 0."""
    return shift / (shift + (1 / t - 1))


def test_a_division_by_the_number_zero_is_a_mistake_where_the_formula_has_none():
    """The answer is finite there, and the formula divides by something else."""
    report = refsgm.check("shift_time", inverse_time, seed=0)
    assert not report.ok
    assert "ZeroDivisionError" in report.failing[0].trial.error


def test_a_division_by_the_number_zero_is_right_where_the_formula_has_it():
    """1 / 0 of numbers is an error in Python, and infinite for arrays."""
    assert refsgm.check("sigma_from_alpha_bar", lambda a: ((1 - a) / a)**0.5, seed=0).ok
    assert refsgm.check("signal_to_noise_ratio", lambda a: a / (1 - a), seed=0).ok


EPS, X0 = "eps", "x0"


def same_object(alpha_bar, gamma, prediction):
    """Words compared as objects."""
    n = (1 - alpha_bar) / alpha_bar
    if prediction is EPS:
        return np.minimum(1, gamma * n)
    clipped = 1 / np.maximum(n, 1 / gamma)
    return clipped if prediction is X0 else clipped * (1 - alpha_bar)


def test_a_word_is_not_the_object_that_the_code_has():
    """It was read from a file, say."""
    assert not refsgm.check("min_snr_weight", same_object, seed=0).ok
