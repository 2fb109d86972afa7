"""Numbers at the ends of a domain, numbers beside columns, words and counts as programs have them.
"""

import numpy as np
import pytest

import refsgm

pytestmark = pytest.mark.usefixtures("all_probes")


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
