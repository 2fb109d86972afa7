"""What a report says, and what no probe overlooks."""

import itertools
import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import refsgm
from refsgm.oracle.check import check
from refsgm.oracle.kinds import BATCH, KINDS, LEVEL, ROWS
from refsgm.oracle.kinds.probes import probe_specs
from refsgm.oracle.kinds.quantities import quantities
from refsgm.oracle.doctor.powers import Monomial
from refsgm.oracle.calls import judge
from refsgm.oracle.calls.judge import new_probe
from tests.oracle.foreign import code, mean_without_half, score, wrong_at_edges


def test_a_result_that_depends_on_the_order_of_its_rows_is_found():
    """Code that is right at the first probe, and wrong for the same rows in another order, is
    found."""
    contract = KINDS["gaussian_score"]
    first = new_probe(contract, probe_specs(contract)[0])

    def foreign(x, mean, sigma):
        shifted = len(x) == len(first.args["x"]) and np.array_equal(x[::-1], first.args["x"])
        return score(x, mean, sigma) + shifted
    report = check("gaussian_score", foreign)
    assert [p.label for p in report.failing] == ["its rows in another order"]
    assert code(report) == "rows-mixed"


def test_a_result_that_changes_when_rows_come_twice_is_found():
    """Code that is wrong for ten rows alone is found when five rows come twice."""
    def foreign(x, mean, sigma):
        return score(x, mean, sigma) * (1 + (len(x) == 10))
    report = check("gaussian_score", foreign)
    assert [p.label for p in report.failing] == ["its rows twice"]


def test_a_result_that_changes_with_every_call_is_found():
    """Code that changes with the number of calls is found."""
    calls = itertools.count(1)

    def foreign(x, mean, sigma):
        return score(x, mean, sigma) * (1 + 1e-3 * (next(calls) > 12))
    assert not check("gaussian_score", foreign).ok


def test_a_row_that_changes_other_rows_is_found():
    """Data centred by the mean of their batch mix the rows."""
    def foreign(x, mean, sigma):
        return score(x - x.mean(0), mean, sigma)
    assert code(check("gaussian_score", foreign)) == "rows-mixed"


def test_how_far_off_an_answer_may_be_is_worked_out_where_it_decides(monkeypatch):
    """A value that is near is right whatever rounding explains; the report tells that if asked."""
    def counted(*args):
        asked.append(args)
        return sensitivity(*args)
    asked, sensitivity = [], judge.sensitivity
    monkeypatch.setattr(judge, "sensitivity", counted)
    judge.remembered_question.cache_clear()
    report = check("perturb", refsgm.perturb)
    assert report.ok
    assert not asked
    p = report.probes[0]
    assert p.allowed > 0
    assert len(asked) == 1
    assert_allclose(p.slack[0], 256 * np.finfo(float).eps * np.maximum(
        sensitivity(KINDS["perturb"], p.args, p.want)[0], np.abs(p.want[0])), rtol=1e-12)
    check("perturb", lambda x, sigma, eps: x + sigma**2 * eps)
    assert len(asked) > 20


REPORTS = {
    "right": lambda: check("gaussian_score", score),
    "wrong": lambda: check("ddpm_step", lambda x, eps, t, s, z, variance: x + eps + z),
    "loss": lambda: check("denoising_score_matching", mean_without_half),
    "raises": lambda: check("gaussian_score", lambda: "no" * 99),
    "long": lambda: check("gaussian_score", lambda *args: [][sum(map(np.size, args))] + "a" * 999),
    "edges": lambda: check("gaussian_score", wrong_at_edges),
    "unknown": lambda: check("gaussian_score", lambda x, mean, sigma: np.sin(x * sigma) + mean),
    "nan": lambda: check("gaussian_score", lambda *args: score(*args) * np.nan),
    "loop": lambda: check("langevin", lambda f, x, h, n, rng: [x] * n),
    "table": lambda: check("geometric_sigmas", lambda high, low, n: np.linspace(high, low, n)),
}


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_fits_a_terminal(name):
    """A report has at most a hundred columns, whatever happened."""
    lines = str(REPORTS[name]()).split("\n")
    assert max(map(len, lines)) <= 100
    assert not any(line != line.rstrip() for line in lines)


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_is_plain_data(name):
    """A report as JSON says again what its text says, without NaN."""
    report = REPORTS[name]()
    data = json.loads(json.dumps(report.as_dict(), allow_nan=False))
    assert data["ok"] == report.ok == bool(report)
    assert [d["code"] for d in data["diagnoses"]] == [d.code for d in report.diagnoses]
    assert [p["label"] for p in data["probes"]] == [p.label for p in report.probes]
    assert all((p["error"] is None) == (not np.isfinite(q.error))
               for p, q in zip(data["probes"], report.probes))


def test_a_report_shows_the_smallest_failing_probe():
    """Got and expected are shown at the probe with the fewest numbers."""
    report = REPORTS["unknown"]()
    assert code(report) == "unknown"
    assert "smallest failing probe: B = 1, D = 3" in str(report)
    assert "got " in str(report)
    assert "expected " in str(report)


FITTED = [name for name, contract in KINDS.items()
          if contract.form in (BATCH, ROWS, LEVEL) and name != "log_likelihood"]


@st.composite
def multiples(draw):
    """A kind and a monomial of at most two of its quantities, in the order that fits have."""
    contract = KINDS[draw(st.sampled_from(FITTED))]
    table = quantities(contract, new_probe(contract, probe_specs(contract)[0]).args)
    names = sorted(set(table) - {"|v|"})                       # which M directions have not got
    powers = draw(st.dictionaries(st.sampled_from(names), st.integers(-4, 4).filter(bool),
                                  max_size=2)) if names else {}
    m = Monomial(draw(st.sampled_from((-1, 1))), Fraction(draw(st.integers(-4, 4)), 2), "",
                 {name: Fraction(powers[name], 2) for name in sorted(powers)})
    assume(str(m) != "1")
    return contract, m


@settings(max_examples=30)
@given(case=multiples())
def test_the_doctor_names_any_wrong_factor_exactly(case):
    """The first component of a result, times any product of powers, is explained by that product.
    """
    contract, m = case

    def foreign(*args):
        result = contract.function(*args)
        first, *rest = result if isinstance(result, tuple) else (result,)
        with np.errstate(all="ignore"):
            factor = m(quantities(contract, dict(zip(contract.args, args))))
        factor = np.reshape(factor, (-1, *[1] * (np.ndim(first) - 1)) if np.ndim(first) else ())
        return (first * factor, *rest) if rest else first * factor
    report = check(contract.name, foreign)
    assert not report.ok
    assert f"the result is {m} times the right one" in report.diagnosis.sentence


@pytest.mark.parametrize(("kind", "foreign"), [
    ("min_snr_weight", lambda a, gamma, prediction: refsgm.min_snr_weight(a, gamma, prediction)
     + (prediction == "v" and np.ndim(a) > 0)),
    ("probability_flow_sampler", lambda f, x, sigmas, method="heun":
     refsgm.probability_flow_sampler(f, x, sigmas, "heun")),
    ("probability_flow_sampler", lambda f, x, sigmas, method="heun":
     refsgm.probability_flow_sampler(f, x, np.maximum(sigmas, 1e-3), method)),
    ("ddim_sampler", lambda f, x, table, eta, rng:
     refsgm.ddim_sampler(f, x, table, eta if 0 < eta < 1 else 0.5, rng))],
    ids=["v by row", "euler", "to no noise", "eta at its ends"])
def test_choices_and_ends_leave_no_hiding_place(kind, foreign):
    """Code that is wrong at one choice, or at one end of a range, is found."""
    assert not check(kind, foreign).ok


def test_a_network_that_is_given_clean_data_is_called_at_the_wrong_point():
    """A network that sees x_0 is called at the wrong point, which is no matter of coordinates."""
    def foreign(eps_fn, x_0, alpha_bar_t, eps):
        return np.sum((eps_fn(x_0, alpha_bar_t) - eps)**2, axis=1)
    assert code(check("ddpm_loss", foreign)) == "evaluation-point"
