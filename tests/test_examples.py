"""The pages of the gallery run, at a small size, and what they claim holds.

A page ends with the assertions of its claims, so a page that runs to its end is true; the tests
hold the figures of its text against what is known from elsewhere.
"""

import pathlib
import re
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose

from refsgm.app import plotting, scorecard
from refsgm.app.plotting import plt

EXAMPLES = pathlib.Path(__file__).parent.parent / "examples"
PAGES = sorted(EXAMPLES.glob("*.py"))


COARSE = {name: getattr(plotting, name) for name in ("density", "heat")}


@pytest.fixture(autouse=True)
def coarse_pictures(monkeypatch):
    """Shades of 40 x 40 points: no claim of a page is about them."""
    for name, draw in COARSE.items():
        monkeypatch.setattr(plotting, name,
                            lambda *args, draw=draw, n=0, **named: draw(*args, n=40, **named))


def run(number, **small):
    """The names of a page after its run, with other values for some of its constants."""
    [path] = EXAMPLES.glob(f"{number}_*.py")
    text = path.read_text()
    for name, value in small.items():
        text, found = re.subn(rf"^{name} = .*$", f"{name} = {value!r}", text, flags=re.MULTILINE)
        assert found == 1, name
    names = {"__name__": "__main__"}
    try:
        exec(compile(text, str(path), "exec"), names)
    finally:
        plt.close("all")
    return names


def test_a_score_is_the_gradient_of_log_p_and_its_integral_the_difference():
    """[SCORE-1] [SCORE-2] [GAUSS-4] [EQV-1]"""
    page = run("01")
    assert page["height"] == pytest.approx(page["paths"][1][1], abs=1e-10)
    assert len({round(work, 9) for _, work in page["paths"]}) == 1


def test_every_objective_has_the_same_minimum():
    """[ESM-1] [ISM-1] [ISM-2] [SSM-1] [SSM-2] [SSM-3] [DSM-1] [DSM-2] The constants are known."""
    page = run("02", N=2000, STEPS=200)
    x, w = page["p"].quadrature(300)
    assert_allclose(page["esm"] - page["ism"], np.sum(w * page["p"].score(x)[:, 0]**2) / 2,
                    rtol=1e-6)
    x, w = page["q"].quadrature(300)
    kernel = 1 / page["SIGMA"]**2
    assert_allclose(page["dsm"] - page["esm_noisy"],
                    (kernel - np.sum(w * page["q"].score(x)[:, 0]**2)) / 2, rtol=1e-6)


def test_langevin_dynamics_misses_the_weights_by_an_exact_amount(monkeypatch):
    """[LANG-1] [LANG-2] [FISHER-1] [POP-7]"""
    monkeypatch.setattr(scorecard, "fisher_by_region", partial(scorecard.fisher_by_region, n=160))
    page = run("03", STEPS=500, COUNTS=(1, 10, 30, 100, 300))
    weights = {name: weight for name, (weight, _) in page["results"].items()}
    assert weights["Langevin"] == pytest.approx(0.5089, abs=5e-5)
    assert weights["annealed, variance sigma^2"] == pytest.approx(0.7823, abs=5e-5)
    assert page["times"][2.0] == pytest.approx(145, abs=0.5)
    assert page["times"][4.0] == pytest.approx(27_410, rel=0.01)


def test_noise_merges_modes_and_ends_in_a_gaussian():
    """[MIX-4] [MIX-5]"""
    page = run("04")
    assert page["apart"][1000.0] < page["apart"][100.0] / 50            # like 1 / sigma^2
    assert page["to_nearest"] < 1e-9


def test_annealed_langevin_finds_the_weights_that_langevin_misses():
    """[LANG-1] [LANG-2]"""
    page = run("05", N=600, STEPS_PER_LEVEL=50)
    assert page["errors"]["annealed"] < 5 * (0.6 * 0.4 / page["N"])**0.5
    assert page["errors"]["plain"] > 0.2


def test_a_network_on_the_plane_comes_close_to_the_ideal_score():
    """[NCSN-1] [DSM-2] [LANG-2] [VE-2]"""
    page = run("06", STEPS=1500, N=500)
    assert np.all(page["gap"] < 0.03)
    assert page["distances"]["heun"] < 5


def test_a_network_on_digits_generalises_where_the_ideal_score_remembers():
    """[NCSN-1] [EQV-2] [EQV-6] [EQV-11] [MIX-5]"""
    page = run("07", STEPS=300, WIDTH=128, LEVEL=10)
    assert page["judged"]["classes"] == 10
    assert page["held_out"][-1] < 1 < page["memory"][-1]


def test_ddpm_and_the_score_model_have_the_same_trajectories():
    """[EQV-3] [EQV-11] [DDIM-1] [DDPM-3] [VE-4]"""
    assert max(run("08", T=50)["differences"].values()) < 1e-10


def test_samplers_have_the_order_that_the_page_shows():
    """[POP-3] [POP-4] [VE-1] [VE-2]"""
    page = run("09", STEPS=(50, 100, 200), COUNTS=(20, 40, 80))
    assert page["orders"]["probability flow, Heun"][1].slope == pytest.approx(2, abs=0.03)
    assert page["slopes"]["heun", "geometric levels"] == pytest.approx(2, abs=0.1)


def test_the_flow_has_the_likelihood_of_the_mixture():
    """[SDE-2] [SDE-3] [OPS-3]"""
    page = run("10", N_LEVELS=10, N_POINTS=8, M=8, MAXIMA=(2.0, 80.0, 320.0))
    assert_allclose(page["by_flow"], page["truth"], atol=1e-6)
    assert page["errors"]["N(mean, sigma_max^2 I)"][-1] < 1e-4


@pytest.mark.parametrize("torch", [True, False])
def test_the_oracle_tells_a_right_loss_from_a_wrong_one(torch, monkeypatch, capsys):
    """[DSM-1] With PyTorch, and without it, where the page says so and goes on."""
    if torch:
        pytest.importorskip("torch")
    else:
        import importlib.util
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    page = run("11")
    assert page["report"].framework == ("torch" if torch else "autograd")
    assert ("PyTorch is not installed here" in capsys.readouterr().out) is not torch
    assert page["wrong"].diagnosis.code == "sigma-not-squared"
    assert page["convention"].diagnosis.convention == "missing-half"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_page_has_a_title_figures_and_claims_and_is_short(path):
    text = path.read_text()
    title, rule = text.splitlines()[1:3]
    assert rule == "=" * len(title)
    for heading, rule in re.findall(r"^# ([^\n]+)\n# (-+)$", text, flags=re.MULTILINE):
        assert len(rule) == len(heading)
    claims = text.split("# What this page claims\n")[1]
    assert len(re.findall(r"^ *(?:assert|np\.testing\.assert)", claims, flags=re.MULTILINE)) >= 3
    assert "plotting.panels" in text
    assert len(text.splitlines()) <= 150


def test_all_tests_of_pages_are_here():
    """Every page is run by one of these tests."""
    text = pathlib.Path(__file__).read_text()
    for path in PAGES:
        assert f'run("{path.stem[:2]}"' in text, path.name
