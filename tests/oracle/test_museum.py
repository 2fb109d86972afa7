"""The museum of mistakes: all are caught and named, and right code in other spellings is not."""

import importlib.util
import inspect
import json
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import refsgm
from refsgm.app.cli import app
from refsgm.oracle.museum import kill_matrix as museum
from refsgm.oracle.museum import mutants
from refsgm.oracle.kinds import KINDS, find
from refsgm.oracle.doctor.codes import CODES
from tests.oracle.kinds import TRIED, TUNED, spellings

# mistakes of the museum whose name is in the dictionary alone
NEED_THE_DICTIONARY = {"minsnr-clamp-direction", "minsnr-v-base-plus1"}
# kind: {tuned mistake: what the engines call it}, where that is none of its names
CALLED_OTHERWISE = {
    "vp_from_ve": {"the share of the noise": "factor-extra"},
    "mixture_log_density": {
        "the largest component alone": "unknown",
        "roots of the weights": "unknown"},
    "mixture_score": {"the nearest component alone": "unknown"},
    "ve_marginal": {"the noise beyond that at t = 0": "unknown", "linear in t": "unknown"},
    "ve_diffusion_coefficient": {"a decimal logarithm": "wrong-factor"},
    "score_of": {"of the density": "unknown"},
    "implicit_score_matching": {"the square of the norm twice": "unknown"},
    "finite_difference_ssm": {"a forward difference": "term-missing"},
    "karras_sigmas": {"not raised to rho at the end": "unknown"},
}


@pytest.fixture(scope="module")
def matrices():
    """The kill matrix, with the dictionary and of the engines alone."""
    return museum.kill_matrices()


@pytest.fixture(scope="module")
def matrix(matrices):
    """The kill matrix, with the dictionary."""
    return matrices[0]


@pytest.fixture(scope="module")
def without_dictionary(matrices):
    """The kill matrix of the engines alone."""
    return matrices[1]


def test_every_mistake_is_caught(matrix):
    """A probe of every kind rejects each mistake of the museum."""
    assert [r.mutant.id for r in matrix if not r.caught] == []


def test_every_mistake_is_named_at_first(matrix):
    """The first diagnosis of each mistake is the code that it declares."""
    assert [r.mutant.id for r in matrix if not r.right] == [], museum.table(matrix, [])


def test_conventions_are_named_and_can_be_allowed(matrix):
    for r in matrix:
        assert r.convention == r.mutant.convention, r.mutant.id
        if r.convention:
            assert refsgm.check(r.mutant.kind, r.mutant.function, allow={r.convention}).ok


def test_spellings_that_were_reported_as_bugs_raise_no_alarm():
    assert museum.false_alarms() == []


@pytest.mark.parametrize("kind", KINDS)
def test_other_spellings_of_every_kind_raise_no_alarm(kind):
    for name, function in spellings(kind):
        report = refsgm.check(kind, function)
        assert report.right, f"{name}\n{report}"


def test_the_engines_name_all_mistakes_but_these_without_the_dictionary(without_dictionary):
    """A mistake that gains or loses its name changes the set, and the page of the museum."""
    assert {r.mutant.id for r in without_dictionary if not r.right} == NEED_THE_DICTIONARY


@pytest.mark.parametrize("kind", KINDS)
def test_the_engines_name_all_tuned_mistakes_but_these(kind):
    """Each is caught, and called by one of its names, without the dictionary: every sixth one, and
    all that are called otherwise. `python -m ledgers.doctor_rates` runs the whole list."""
    missed, otherwise = {}, CALLED_OTHERWISE.get(kind, {})
    for i, m in enumerate(TRIED[kind].tuned):
        if i % 6 and m.sentence not in otherwise:
            continue
        if m.framework == "torch" and importlib.util.find_spec("torch") is None:
            continue
        report = refsgm.check(m.kind, m.function, m.framework, dictionary=False)
        assert not report.ok, m.sentence
        if report.diagnosis.code not in m.codes:
            missed[m.sentence] = report.diagnosis.code
    assert missed == otherwise


def test_there_are_mistakes_and_spellings_of_every_kind():
    assert set(TRIED) == {m.kind for m in TUNED} == set(KINDS)


def test_mutants_keep_to_the_signature_of_their_kind():
    for m in mutants.MUTANTS:
        names = list(inspect.signature(m.function).parameters)
        assert tuple(names) == find(m.kind).args[:len(names)], m.id
        assert len(names) >= find(m.kind).required


def test_codes_are_those_of_the_doctor():
    used = {m.code for m in mutants.MUTANTS}.union(*(m.codes for m in TUNED))
    assert used - set(CODES) == set()


def test_the_command_line_prints_the_matrix_and_fails_on_what_passes(monkeypatch):
    right = mutants.MUTANTS[0]._replace(id="right", function=refsgm.gaussian_score)
    monkeypatch.setattr(mutants, "MUTANTS", mutants.MUTANTS[:2])
    done = CliRunner().invoke(app, ["museum"])
    assert done.exit_code == 0
    assert "score-sign" in done.output
    assert max(map(len, done.output.splitlines())) <= 100
    monkeypatch.setattr(mutants, "MUTANTS", [right])
    done = CliRunner().invoke(app, ["museum", "--no-dictionary", "--json"])
    assert done.exit_code == 1
    assert json.loads(done.output)["rows"][0]["caught_by"] == []


def test_the_page_is_what_the_museum_prints(matrix, without_dictionary):
    """docs/museum.md is up to date; only figures may differ from machine to machine."""
    def words(text):
        return re.sub(r"[0-9]+(\.[0-9]+)?e[+-][0-9]+|[0-9]+\.[0-9]+", "#", text).splitlines()

    page = Path(__file__).parents[2].joinpath("docs/museum.md").read_text()
    assert words(museum.page(matrix, without_dictionary, [])) == words(page), \
        "run python -m refsgm.oracle.museum > docs/museum.md"


def test_mutants_are_wrong_in_one_place_only():
    """Where its mistake cannot show, a mutant gives the right answer."""
    rng = np.random.default_rng(0)
    x, mean = rng.standard_normal((2, 5, 3))
    by_id = {m.id: m.function for m in mutants.MUTANTS}
    for name in ("score-std-not-squared", "score-energy-extra-sigma"):
        assert np.allclose(by_id[name](x, mean, 1.0), refsgm.gaussian_score(x, mean, 1.0))
    for name, component in (("edm-cout-no-sqrt", 1), ("edm-cin-no-sqrt", 2), ("edm-cskip-noise", 0),
                            ("snr-sigma-data", 0)):
        got, want = by_id[name](2.0, 0.5), refsgm.edm_preconditioning(2.0, 0.5)
        assert [i for i in range(4) if not np.isclose(got[i], want[i])] == [component]
