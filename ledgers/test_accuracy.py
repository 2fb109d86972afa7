"""The accuracy ledger: every closed form is in it, and none has become worse."""

import inspect

import numpy as np
import pytest

import refsgm
from refsgm.exact import sums
from ledgers import accuracy
from tests.support.calls import CALLS, LOOPS, TABLES

STORED = accuracy.stored()
EVERY = 13                   # every thirteenth case, from all over the ranges: their period is 6
EVERY_TABLE = 5              # of six
# These call a function of the caller's, whose error is theirs; solve, integrate or fit.
NO_CLOSED_FORM = set(LOOPS) | {
    name for name in {*CALLS, *TABLES}
    if next(iter(inspect.signature(getattr(refsgm, name)).parameters)).endswith("_fn")} | {
    "score_of", "expected", "expected_over_noise", "probability_flow", "sampler_law",
    "convergence_order", "langevin_law", "annealed_langevin_law"}


@pytest.mark.parametrize("name", accuracy.CASES_OF)
def test_no_closed_form_is_less_accurate_than_the_ledger_says(name):
    """[GAUSS-1] [GAUSS-2] [MIX-1] [MIX-2] [MIX-4] [MIX-5] [MIX-6] [MIX-7] [POP-5] [POP-6] [VP-5]"""
    for dtype in accuracy.dtypes_of(name):
        now = accuracy.measure(name, dtype, EVERY_TABLE if name in accuracy.TABLES else EVERY)
        assert now.units <= 2 * max(STORED[name, dtype], 0.5), (dtype, now)


def test_nothing_in_the_ledger_exceeds_its_limit():
    assert max(STORED.values()) <= accuracy.LIMIT
    assert set(STORED) == {(n, dtype) for n in accuracy.CASES_OF for dtype in accuracy.dtypes_of(n)}


def test_every_closed_form_is_in_the_ledger():
    names = {name.split(", ")[0] for name in accuracy.CASES_OF}
    assert (set(CALLS) | set(TABLES)) - NO_CLOSED_FORM - names == set()
    for kind in (refsgm.GaussianMixture, refsgm.Empirical):
        methods = {f"{kind.__name__}.{m}" for m, _ in inspect.getmembers(kind) if m[0] != "_"}
        assert {m.split(".")[1] for m in methods - names} <= {"dim", "perturb", "quadrature",
                                                              "sample"}


@pytest.mark.parametrize(("name", "wrong"), [
    ("alpha_bar_from_sigma", lambda sigma: 1 - sigma**2 / (1 + sigma**2)),
    ("vp_marginal", lambda t, a, b: (np.exp(-t**2 * (b - a) / 4 - t * a / 2),
                                     (1 - np.exp(-t**2 * (b - a) / 2 - t * a))**0.5)),
])
def test_the_ledger_rejects_a_formula_that_cancels(name, wrong, monkeypatch):
    monkeypatch.setattr(refsgm, name, wrong)
    assert accuracy.measure(name, "float64", EVERY).units > 2 * max(STORED[name, "float64"], 0.5)


def test_the_ledger_rejects_the_difference_of_large_squares(monkeypatch):
    """[MIX-3] The way that matrix products are usually made into squared distances."""
    def usual(x, log_w, means, sigma):
        exponents = log_w + (x @ means.T - np.sum(means**2, axis=1) / 2) / sigma**2
        largest = np.max(exponents, axis=1, keepdims=True)
        r = np.exp(exponents - largest)
        total = np.sum(r, axis=1, keepdims=True)
        nearest = means[np.argmax(exponents, axis=1)]
        return sums.Sums(nearest, np.log(total), r / total @ means - nearest)

    monkeypatch.setattr(sums, "sums_by_products", usual)
    assert accuracy.measure("mixture_score", "float64").units > accuracy.LIMIT
