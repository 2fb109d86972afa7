"""Negative controls: every law rejects the mutants that `@rejects` names above it."""

import importlib
import pathlib
import sys

import pytest

import refsgm
from tests.support.calls import CALLS, TABLES
from tests.support.controls import CONTROLS

for path in sorted(pathlib.Path(__file__).parent.glob("test_*.py")):
    if "\n@rejects(" in path.read_text():
        importlib.import_module(f"tests.{path.stem}")


@pytest.mark.parametrize("control", CONTROLS, ids=[f"{c.name}: {c.mistake}" for c in CONTROLS])
def test_the_law_rejects_the_mutant(control, monkeypatch):
    """It fails with the mutant in the place of the function, of which it holds in its own test."""
    wrong = control.mutant(getattr(refsgm, control.name))
    for module in [m for n, m in sys.modules.items() if n.startswith("refsgm")]:
        if control.name in vars(module):
            monkeypatch.setattr(module, control.name, wrong)
    with pytest.raises((AssertionError, BaseExceptionGroup)):
        control.law()


def test_every_function_with_a_law_has_a_mutant():
    """Nothing is tested only by laws that were never seen to fail."""
    through_another = {"betas_from_alpha_bar", "alpha_bar_from_sigma"}     # inverses, in one law
    assert set(CALLS) | set(TABLES) <= {c.name for c in CONTROLS} | through_another
