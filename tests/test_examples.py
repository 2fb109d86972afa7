"""The examples run, at a small size, and what they claim holds."""

import pathlib
import runpy

import pytest

EXAMPLES = pathlib.Path(__file__).parent.parent / "examples"


def run(name, **kwargs):
    return runpy.run_path(str(EXAMPLES / f"{name}.py"))["main"](**kwargs)


def test_three_routes_give_the_score_of_a_gaussian():
    """[GAUSS-4] [SCORE-1] [EQV-1]"""
    assert max(run("gaussian_score").values()) < 1e-13


def test_every_objective_learns_the_same_score():
    """[ESM-1] [ISM-1] [SSM-1] [SSM-2] [SSM-3] [DSM-1] Within the error of the sample."""
    found = run("one_dimension", n=5000)
    for name, (a, b) in found.items():
        exact = 2 if name == "DSM" else 4
        assert a == pytest.approx(exact, abs=0.3), name
        assert b == pytest.approx(exact, abs=0.3), name
    for name in ("SSM", "SSM-VR", "FD-SSM"):           # in one dimension signs slice nothing away
        assert found[name] == pytest.approx(found["ISM"], abs=1e-9)


def test_annealed_langevin_finds_the_weights_that_langevin_misses():
    """[LANG-1] [LANG-2] [FISHER-1]"""
    shares = run("annealed_langevin", n=400, n_steps=400)
    assert abs(shares["langevin"] - 0.5) < 0.15
    assert abs(shares["annealed"] - 0.8) < 0.1


def test_ddpm_and_the_score_model_have_the_same_trajectories():
    """[EQV-3] [DDIM-1] [DDPM-3] [VE-4]"""
    assert max(run("ddpm_is_sgm", n=10, n_steps=200).values()) < 1e-10


def test_examples_are_short():
    for path in EXAMPLES.glob("*.py"):
        assert len(path.read_text().splitlines()) <= 75, path.name
