"""The scorecard's claims, on one run of it, and the command that prints it."""

import json
import os
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
import pytest

import refsgm
from refsgm.app import datasets, scorecard, scorecard_report
from tests.support.tolerances import STANDARD_ERRORS
from tests.test_cli import run as cli


def make_small(patch):
    """The scorecard with fewer chains, points and steps, all of it in this process."""
    learn = scorecard.learn_score
    patch.setattr(scorecard_report, "in_processes",
                  lambda tasks, note: {key: task() for key, task in tasks.items()})
    patch.setattr(scorecard, "STEPS", (80, 120, 160))
    patch.setattr(scorecard, "CHAINS", 400)
    patch.setattr(scorecard, "langevin_bias", partial(scorecard.langevin_bias, chains=4000))
    patch.setattr(scorecard, "fisher_by_region", partial(scorecard.fisher_by_region, n=160))
    patch.setattr(scorecard, "learn_score", lambda noise, n_steps, seed: learn(
        noise, 300 if noise else 1400, seed))


@pytest.fixture(scope="module")
def card(tmp_path_factory):
    """The figures of one run, from the file that the command writes."""
    folder = tmp_path_factory.mktemp("scorecard")
    with pytest.MonkeyPatch.context() as patch:
        make_small(patch)
        printed, _ = cli("scorecard", "--out", ".", cwd=folder)
    assert (folder / "scorecard.txt").read_text().strip() == printed.strip()
    assert (folder / "scorecard.png").stat().st_size > 50_000
    return json.loads((folder / "scorecard.json").read_text())


def off_by(result):
    """How far the chains are from the exact number, in standard errors."""
    return abs(result["chains"] - result["exact"]) / result["standard_error"]


def test_exact_weights_do_not_depend_on_the_grid_and_agree_with_chains(card):
    """[POP-7] [LANG-1] [LANG-2]"""
    assert len(card["a"]) == 3
    for result in card["a"].values():
        assert result["between_grids"] < 1e-8
        assert off_by(result) < STANDARD_ERRORS
    assert abs(card["a"]["Langevin"]["exact"] - 0.5) < 0.02           # the truth is 0.8
    assert abs(card["a"]["annealed, variance sigma^2"]["exact"] - 0.8) < 0.02


def test_parts_are_computed_in_other_processes_and_come_back_by_name():
    """What fails there fails here."""
    noted = []
    tasks = {"c": partial(pow, 2, 3), ("e", "Euler"): os.getpid}
    done = scorecard_report.in_processes(tasks, noted.append)
    assert done["c"] == 8
    assert done["e", "Euler"] != os.getpid()
    assert noted == ["(c) variances of sliced losses", "(e) orders of samplers: Euler"]
    with pytest.raises(ZeroDivisionError):
        scorecard_report.in_processes({"c": partial(divmod, 1, 0)}, noted.append)


def test_exact_weights_need_a_fiftieth_of_the_scores_of_their_chains(monkeypatch):
    """[POP-7] The score is asked for on the grid of a level, not at every step of every chain."""
    asked = []

    class Counted(NamedTuple):
        law: object

        def score(self, x):
            asked.append(len(x))
            return self.law.score(x)

    two_modes = scorecard.two_modes
    monkeypatch.setattr(scorecard, "two_modes", lambda *args: Counted(two_modes(*args)))
    scorecard.exact_weights()
    steps = 1000 + 2 * 100 * len(scorecard.LEVELS)               # of Langevin, and annealed twice
    assert sum(asked) < scorecard.CHAINS * steps / 50


def test_a_score_learnt_without_noise_is_wrong_where_there_are_no_data(card):
    """[FISHER-1] The error over the area, not the divergence, tells: p hardly goes there."""
    without, with_noise = (card["b"][key] for key in ("0.0", "5.0"))
    near, between = "within 3 of a mode", "between: within 4 of the origin"
    assert without[between]["relative_error"] > 100 * without[near]["relative_error"]
    assert without[between]["divergence"] < without[near]["divergence"]
    assert with_noise[between]["relative_error"] < 0.01
    shares = sum(region["mass"] for region in without.values())
    assert 0.99 < shares < 1                        # what lies in the square, all regions together


def test_orders_bias_and_variances(card):
    """[POP-3] [POP-4] [POP-6] [LANG-3]"""
    for result in card["e"].values():
        assert abs(result["slope"] - result["order"]) < 0.03
    for result in card["d"].values():
        assert abs(result["exact"] / result["limit"] - 1) < 1e-4
        assert off_by(result) < STANDARD_ERRORS
    for name, result in card["c"].items():
        assert result["total"]["1"] == pytest.approx(1 + result["over_v"] / result["over_x"])
        assert result["over_v"] <= card["c"][name.split(",")[0] + ", normal"]["over_v"]


def test_the_digits_part_judges_a_model_whose_answers_are_known():
    """[BPD-1] [EQV-1] An untrained network is a Gaussian: its bits are known, and its losses."""
    x, x_test, _, _ = datasets.digits()
    model = refsgm.train(x, n_steps=1, width=8, dtype="float64")
    model = replace(model, params=[0 * p for p in model.params])
    bits = scorecard.digits_bits(model, x, x_test[:20], np.random.default_rng(0), rtol=1e-6)
    spread = x_test[:20] + (np.random.default_rng(0).random((20, 64)) - 0.5) / 8
    sd = float(np.hypot(model.sigma_data, model.sigmas[-1]))
    known = refsgm.bits_per_dimension(refsgm.gaussian_log_density(spread, model.center, sd), 64,
                                      1 / 8)
    assert bits["network"]["bits"] == pytest.approx(known.mean(), abs=1e-5)
    levels = scorecard.digits_levels(model, x[:50], x_test, np.random.default_rng(0))
    for sigma, level in levels.items():
        variance = np.mean((x_test - model.center)**2)
        loss = (model.sigma_data**4 + sigma**2 * variance) / (model.sigma_data**2 + sigma**2)**2
        assert level["model"] == pytest.approx(loss, rel=STANDARD_ERRORS * 0.012)


def test_wrong_input_leaves_no_files(tmp_path):
    _, error = cli("scorecard", "--out", "new", "--digits", "nowhere.npz", cwd=tmp_path, code=1)
    assert "nowhere.npz" in error
    assert not (tmp_path / "new").exists()
