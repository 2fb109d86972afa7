"""The benchmarks compare the same computation, and their ratios are what they say."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose

from refsgm import score_network

FOLDER = pathlib.Path(__file__).parent.parent / "benchmarks"
CASE = {"batch": 6, "dim": 3, "width": 8, "dtype": "float64", "device": "cpu"}

SCRIPT = """
import sys, time
sys.path.insert(0, {folder!r})
from in_turn import main
def sleeper(seconds):
    return lambda case: lambda: time.sleep(seconds * case["times"])
engines = {{"refsgm": sleeper(0.02), "torch": sleeper(0.01), "absent": sleeper(0)}}
main("claim", engines, [{{"times": 1}}, {{"times": 2}}], rounds=1, needs={{"absent": "no_module"}})
"""


def test_an_engine_that_takes_twice_as_long_has_the_ratio_two(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT.format(folder=str(FOLDER)))
    done = subprocess.run([sys.executable, "script.py", "--any-load", "--json", "out.json"],
                          cwd=tmp_path, check=True, capture_output=True, text=True)
    rows = json.loads((tmp_path / "out.json").read_text())["rows"]
    assert [row["times"] for row in rows] == [1, 2]
    for row in rows:
        assert abs(row["best"]["refsgm"] / row["best"]["torch"] - 2) < 0.4
        assert abs(row["refsgm / torch"] - 2) < 0.4
        assert len(row["apart"]) == len(row["medians"]["torch"]) == 1
    assert "absent" not in done.stdout


@pytest.fixture
def same_network(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    import same_network
    return same_network


def test_pytorchs_network_is_refsgms(same_network):
    """[NET-1] With the same weights it gives the same scores."""
    torch = pytest.importorskip("torch", reason="needs the extra 'bench'")
    _, _, model, _ = same_network.refsgm_state(CASE)
    x, sigma, *_ = same_network.batches(CASE, 1)[0]
    model.params[-2][...] = np.random.default_rng(0).standard_normal(model.params[-2].shape)
    layers, score = same_network.torch_network(CASE)
    with torch.no_grad():
        for p, q in zip(layers.parameters(), model.params):
            p.copy_(torch.from_numpy(q.T.copy() if q.ndim == 2 else q))
        theirs = score(torch.from_numpy(x), torch.from_numpy(sigma)).numpy()
    torch.set_default_dtype(torch.float32)
    ours = score_network(model.params, x, sigma, same_network.SIGMA_DATA)
    assert_allclose(theirs, ours, rtol=1e-12, atol=1e-12)


def test_jaxs_network_is_refsgms(same_network):
    """[NET-1]"""
    pytest.importorskip("jax", reason="needs the extra 'bench'")
    params, score = same_network.jax_network(CASE)
    x, sigma, *_ = same_network.batches(CASE, 1)[0]
    ours = score_network([np.asarray(p) for pair in params for p in pair], x, sigma,
                         same_network.SIGMA_DATA)
    assert_allclose(np.asarray(score(params, x, sigma)), ours, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["training_step", "sliced_step"])
def test_a_step_of_a_benchmark_lowers_the_loss_like_its_rival(name, monkeypatch):
    """Both learn: the same step does the same work."""
    pytest.importorskip("torch", reason="needs the extra 'bench'")
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    module = __import__(name)
    engines = module.ENGINES
    for engine in ("refsgm", "torch"):
        step = engines[engine](CASE | {"batch": 64, "width": 32})
        losses = [step() for _ in range(192)]
        assert np.mean(losses[-48:]) < np.mean(losses[:48]), engine
    import torch
    torch.set_default_dtype(torch.float32)
