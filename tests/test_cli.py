"""The command line: what it writes, what it refuses, how it exits."""

import base64
import json
import os
import re
import subprocess
import sys
from dataclasses import fields

import numpy as np
import pytest

from refsgm.app import datasets, demo
from refsgm.learn.checkpoints import load_model, save_model
from refsgm.learn.generate import SAMPLERS
from refsgm.learn.runs import train
from refsgm.learn.training import Settings
from tests.support.command_line import run, run_alone

QUICK = ["--steps", "30", "--width", "8", "--points", "200"]


@pytest.fixture(autouse=True)
def columns(monkeypatch):
    """A terminal of this width."""
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A folder with a small model of the plane and one of images."""
    folder = tmp_path_factory.mktemp("models")
    rng = np.random.default_rng(0)
    for name, dim in (("plane", 2), ("images", 16), ("odd", 3)):
        x = rng.standard_normal((50, dim))
        save_model(folder / f"{name}.npz", train(x, n_steps=20, width=8, sigma_max=3.0))
    return folder


def test_help_teaches(tmp_path):
    for command in ([], ["train"], ["sample"], ["demo"]):
        out, _ = (run if command else run_alone)(*command, "--help", cwd=tmp_path)
        assert "Usage" in out
        assert len(out.splitlines()) > 10
    assert "ssm-vr" in run("train", "--help", cwd=tmp_path)[0]


def test_every_setting_is_an_option_of_train_with_its_help(tmp_path):
    help_text = " ".join(run("train", "--help", cwd=tmp_path)[0].replace("│", " ").split())
    for f in fields(Settings):
        assert "--" + (f.metadata["option"] or f.name).replace("_", "-") + " " in help_text
        assert f.metadata["help"].split()[-1] in help_text


def test_train_writes_a_model_and_takes_the_checkpoint_away(tmp_path):
    out, _ = run_alone("train", "moons", "--out", "m.npz", *QUICK, cwd=tmp_path)
    assert out.startswith("m.npz: 180 points of dimension 2, 30 steps, loss ")
    assert os.listdir(tmp_path) == ["m.npz"]
    assert load_model(tmp_path / "m.npz").dim == 2


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_sampler_draws_from_a_saved_model(models, tmp_path, sampler):
    steps = [] if sampler == "annealed-langevin" else ["--steps", 5]
    run("sample", models / "plane.npz", "--sampler", sampler, "-n", 7, *steps, cwd=tmp_path)
    x = np.load(tmp_path / "samples.npy")
    assert x.shape == (7, 2)
    assert np.all(np.isfinite(x))


@pytest.mark.parametrize("name", ["plane", "images"])
def test_samples_can_be_drawn_as_a_picture(models, tmp_path, name):
    run("sample", models / f"{name}.npz", "-n", 9, "--plot", "p.png", cwd=tmp_path)
    assert (tmp_path / "p.png").read_bytes()[:4] == b"\x89PNG"


def test_the_same_seed_draws_the_same_samples(models, tmp_path):
    for out, seed in (("a.npy", 1), ("b.npy", 1), ("c.npy", 2)):
        run("sample", models / "plane.npz", "--out", out, "--seed", seed, cwd=tmp_path)
    a, b, c = (np.load(tmp_path / f"{name}.npy") for name in "abc")
    assert np.all(a == b)
    assert np.any(a != c)


def test_ones_own_data_can_be_trained_on(tmp_path):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).standard_normal((30, 4, 4)))
    out, _ = run("train", "x.npy", *QUICK, cwd=tmp_path)
    assert "27 points of dimension 16" in out


def refusals(models):
    """Commands that are refused, and the sentence that says why."""
    return [
        (["train", "mnist"], "data must be one of ring, moons, checkerboard, spiral, digits, or"),
        (["train", "moons", "--objective", "mse"], "objective must be one of dsm, eps, ism, ssm"),
        (["train", "moons", "--sigma-min", "20"], "sigma_min must be smaller than sigma_max"),
        (["train", "moons", "--dtype", "int8"], 'dtype must be "float32" or "float64"'),
        (["sample", models / "none.npz"], "cannot read or write"),
        (["sample", models / "plane.npz", "--sampler", "euler2"], "sampler must be one of"),
        (["sample", models / "plane.npz", "-n", "0"], "n must be an integer, at least 1, got 0"),
        (["sample", models / "plane.npz", "--steps-per-level", "0"], "steps_per_level must be"),
        (["sample", models / "odd.npz", "--plot", "p.png"], "needs 2-D data or square images"),
        (["sample", __file__], "must be a refsgm model"),
        (["train", "moons", "--backend", "jax"], 'backend must be "numpy" or "cupy", got \'jax\''),
    ]


def test_the_environment_chooses_the_backend(models, tmp_path, monkeypatch):
    monkeypatch.setenv("REFSGM_BACKEND", "jax")
    for command in (["train", "moons"], ["sample", models / "plane.npz"], ["demo"]):
        _, errors = run(*command, cwd=tmp_path, code=2)
        assert 'backend must be "numpy" or "cupy"' in errors
    run("train", "moons", "--backend", "numpy", *QUICK, cwd=tmp_path)


def test_wrong_input_is_refused_in_one_line(models, tmp_path):
    for args, message in refusals(models):
        _, errors = run(*args, cwd=tmp_path, code=1 if "none.npz" in str(args[1]) else 2)
        lines = [line for line in errors.splitlines() if line.startswith("refsgm: ")]
        assert len(lines) == 1
        assert message in lines[0]


def test_nothing_is_overwritten_unless_asked_for(tmp_path):
    run("train", "moons", "--out", "m.npz", *QUICK, cwd=tmp_path)
    before = (tmp_path / "m.npz").read_bytes()
    _, errors = run("train", "ring", "--out", "m.npz", *QUICK, cwd=tmp_path, code=2)
    assert "m.npz exists: add --overwrite to replace it" in errors
    assert (tmp_path / "m.npz").read_bytes() == before
    run("train", "ring", "--out", "m.npz", "--overwrite", *QUICK, cwd=tmp_path)
    assert (tmp_path / "m.npz").read_bytes() != before


def test_resuming_needs_the_same_settings_and_a_whole_checkpoint(tmp_path):
    (tmp_path / "m.checkpoint.npz").write_bytes(b"half of a file")
    _, errors = run("train", "moons", "--out", "m.npz", "--resume", *QUICK, cwd=tmp_path, code=2)
    assert "must be a refsgm checkpoint" in errors
    assert (tmp_path / "m.checkpoint.npz").read_bytes() == b"half of a file"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_an_output_that_cannot_be_written_is_one_sentence(tmp_path):
    _, errors = run("train", "moons", "--out", "no/such/folder/m.npz", *QUICK, cwd=tmp_path, code=2)
    assert "there is no folder no/such/folder" in errors


def test_the_demo_writes_its_report_and_pictures(tmp_path, monkeypatch):
    """[EQV-2] [EQV-11] A short run: the identities hold on any network, and on any samples."""
    monkeypatch.setattr("refsgm.app.demo.STEPS_PER_LEVEL", 2)
    monkeypatch.setattr("refsgm.app.demo.N_SAMPLES", 60)
    monkeypatch.setitem(demo.DIGITS, "width", 64)
    out, _ = run("demo", "--steps", 20, cwd=tmp_path)
    folder = tmp_path / "refsgm-demo"
    assert sorted(os.listdir(folder)) == ["loss.png", "model.npz", "report.html", "report.json",
                                          "report.txt", "samples.png", "trajectory.png"]
    report = json.loads((folder / "report.json").read_text())
    assert (folder / "report.txt").read_text() == out
    page = (folder / "report.html").read_text()                 # with its pictures, and whole
    for name in ("samples", "trajectory", "loss"):
        assert base64.b64encode((folder / f"{name}.png").read_bytes()).decode() in page
    assert set(re.findall(r'(?:src|href)="(\w+:)', page)) == {"data:"}
    assert f"{report['energy_distance_ratio']:.2f}" in page
    assert report["eps_prediction_error"] < 1e-5
    assert report["ddpm_error"] < 1e-4
    assert len(report["loss_per_level_held_out"]) == len(report["sigmas"])


def test_the_demo_does_not_throw_away_the_checkpoint_of_another_run(tmp_path):
    from refsgm.learn.checkpoints import save_checkpoint
    from refsgm.learn.training import Settings, start
    x = datasets.digits()[0]
    settings = Settings(width=8)
    os.mkdir(tmp_path / "refsgm-demo")
    checkpoint = tmp_path / "refsgm-demo" / "checkpoint.npz"
    save_checkpoint(checkpoint, x, settings, start(x, settings))
    before = checkpoint.read_bytes()
    _, errors = run("demo", "--steps", 20, cwd=tmp_path, code=2)
    assert "must be of a run with the same options" in errors
    assert checkpoint.read_bytes() == before


def test_without_its_libraries_the_command_line_says_what_is_missing(tmp_path):
    code = ("import sys; sys.modules['typer'] = None; sys.argv = ['refsgm'];"
            "from refsgm.__main__ import main; main()")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.strip() == \
        "refsgm: the command line needs typer: pip install 'typer>=0.16' rich"
