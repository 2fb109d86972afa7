"""Every size is asked once: whatever is set apart by one of them is found."""

import numpy as np
import pytest

import refsgm
from refsgm.oracle.kinds import KINDS
from refsgm.oracle.kinds.sizes import COMPONENTS, ENTRIES, FEATURES, ROWS, cuts

pytestmark = pytest.mark.usefixtures("all_probes")


def wrong_at(kind, where):
    """The right function, a thousandth too large where `where(*args)` holds."""
    right = getattr(refsgm, kind)

    def function(*args):
        return right(*args) * (1.001 if where(*args) else 1.0)
    return function


def of_five_ones(n):
    """Whether n has five ones among its binary digits, as 31 and 47."""
    return f"{n:b}".count("1") == 5


@pytest.mark.parametrize(("kind", "where"), [
    ("karras_sigmas", lambda a, b, n, rho=7.0: of_five_ones(n)),
    ("alpha_bar_from_betas", lambda betas: of_five_ones(len(betas))),
    ("perturb", lambda x, sigma, eps: of_five_ones(len(x))),
    ("noise_prediction_loss", lambda f, x, sigma, eps: of_five_ones(x.shape[1])),
    ("mixture_log_density", lambda x, weights, means, sigma: of_five_ones(len(weights))),
    ("alpha_bar_from_sigma", lambda sigma: of_five_ones(np.size(sigma)))])
def test_no_size_is_left_out(kind, where):
    """One number of rows, features, components or entries is as good a hiding place as another, and
    it is asked before random probes meet it, where it does not stand in the code.
    """
    report = refsgm.check(kind, wrong_at(kind, where), seed=0)
    assert not report.ok
    assert report.diagnoses
    assert report.failing[0].label.startswith(("a table of", "B = "))


@pytest.mark.parametrize("name", ["ddim_step", "mixture_score", "betas_from_alpha_bar"])
def test_cuts_have_every_size(name):
    """The sizes of a check are a whole range, each at least once."""
    specs = [c.spec for c in cuts(KINDS[name], 3, KINDS[name].args)]
    table = "betas" in name
    assert {s.count for s in specs} >= set(range(1, ENTRIES + 1)) or not table
    if not table:
        assert {s.D for s in specs} >= set(range(1, FEATURES + 1))
        assert {s.B for s in specs} >= set(range(1, ROWS + 1))
    assert {s.count for s in specs} >= set(range(1, COMPONENTS + 1))
