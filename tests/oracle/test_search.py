"""The search for arguments at which comparisons of foreign code go another way."""

import importlib.util

import numpy as np
import pytest

import refsgm
from refsgm.oracle.calls.watched import numpy_notes, torch_notes

LIBRARIES, NOTES = {"numpy": np}, {"numpy": numpy_notes, "torch": torch_notes}
if importlib.util.find_spec("torch"):
    import torch
    LIBRARIES["torch"] = torch
MOST = [np.pi * 1e5]                     # in a list, where no number of the code is looked for


def array_of(name, a):
    """An array of a library."""
    return np.array(a) if name == "numpy" else torch.tensor(a, dtype=torch.float64)


@pytest.mark.parametrize("name", LIBRARIES)
def test_every_comparison_says_how_near_it_was_to_the_other_way(name):
    """Of a condition, a bound, equality, and two conditions that are combined."""
    lib = LIBRARIES[name]

    def foreign(x):
        lib.where((x > 0) & (x < 1e-3), x, lib.clip(x, 1e-9, 5.0))
        return x == 2.0
    watching, notes = NOTES[name](foreign)
    watching(array_of(name, [2.0, 3.0]))
    ways = {}
    for site, (low, high) in notes().items():
        ways.setdefault(site.name.strip("_"), []).append((low < 0, high < 0))
    assert (ways.get("and") or ways["bitwise_and"]) == [(False, False)]
    greater, less = (ways.get(w) or ways[o] for w, o in (("gt", "greater"), ("lt", "less")))
    assert greater == [(True, True)]
    assert less == [(False, False)]
    assert ways["low"] == [(False, False)]
    assert ways["high"] == [(True, True)]
    assert (ways.get("eq") or ways["equal"]) == [(True, False)]


@pytest.mark.parametrize(("name", "foreign", "wanted"), [
    ("numpy", lambda x: np.clip(x, None, 5.0, out=x), {"minimum": (True, True)}),
    ("numpy", lambda x: np.maximum(x, 5.0, out=x), {"maximum": (True, True)}),
    ("torch", lambda x: x.clamp_(max=5.0), {"high": (True, True)}),
    ("torch", lambda x: x.max(0), {}), ("torch", lambda x: x.relu(), {"relu": (False, False)})])
def test_a_bound_is_noted_in_place_and_by_its_name_and_a_largest_entry_is_none(
        name, foreign, wanted):
    """What is compared is what it was before it was written over."""
    if name not in LIBRARIES:
        pytest.skip("without PyTorch")
    watching, notes = NOTES[name](foreign)
    watching(array_of(name, [2.0, 3.0]))
    assert {site.name: (low < 0, high < 0) for site, (low, high) in notes().items()} == wanted


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.usefixtures("all_probes")
def test_a_bound_on_what_is_computed_is_reached(name, monkeypatch):
    """No argument is near it, and no number of the code says where it lies."""
    monkeypatch.setattr("refsgm.oracle.further.size_probes", lambda *given: [])
    lib, most = LIBRARIES[name], sum(MOST)

    def bounded(x, score, beta, held=lambda: most):
        return -0.5 * beta * x - beta * lib.clip(score, -held(), held())
    report = refsgm.check("vp_reverse_sde_drift", bounded, name, seed=2)
    assert not report.ok
    assert "compares the other way" in report.failing[0].label


def test_a_bound_that_no_argument_reaches_is_right():
    """A search that finds nothing changes nothing."""
    def guarded(x, score, beta):
        return -0.5 * beta * x - np.maximum(beta, 1e-300) * score
    assert refsgm.check("vp_reverse_sde_drift", guarded, seed=2).ok
