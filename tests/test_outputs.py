"""What a command writes: nothing is replaced unasked, and what is refused is refused beforehand."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import refsgm
from refsgm.app import cli
from refsgm.learn.checkpoints import load_model, save_checkpoint, save_model
from refsgm.learn.outputs import alone, write_whole
from refsgm.learn.training import Settings, start

QUICK = ["--steps", "5", "--width", "8", "--points", "50"]


@pytest.fixture
def refsgm_command(tmp_path, monkeypatch, capsys):
    """A function that runs the command line here and returns (exit code, output, errors)."""
    monkeypatch.chdir(tmp_path)
    x = np.random.default_rng(0).standard_normal((50, 2))
    save_model("m.npz", refsgm.train(x, n_steps=3, width=8, sigma_max=3.0))

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["refsgm", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        out, errors = capsys.readouterr()
        return end.value.code or 0, out, errors
    return run


def refused(result, words):
    """The command ended with 2 and one line that has these words."""
    code, _, errors = result
    line, = (line for line in errors.splitlines() if line.startswith("refsgm: "))
    assert (code, words in line) == (2, True), (code, line)


def test_every_command_asks_before_it_replaces_a_file(refsgm_command, tmp_path):
    """The rule is one for train, sample, its picture, demo, scorecard and vectors."""
    for folder, name in (("refsgm-demo", "report.txt"), ("refsgm-scorecard", "scorecard.txt"),
                         ("v", "perturb.json"), (".", "old.npz"), (".", "old.npy"),
                         (".", "old.png")):
        os.makedirs(folder, exist_ok=True)
        (tmp_path / folder / name).write_text("old")
    for command in (["train", "moons", "--out", "old.npz", *QUICK],
                    ["sample", "m.npz", "--out", "old.npy"],
                    ["sample", "m.npz", "--out", "new.npy", "--plot", "old.png"],
                    ["demo", "--steps", "1"], ["scorecard"],
                    ["vectors", "export", "v", "--kind", "perturb"]):
        refused(refsgm_command(*command), "exists: add --overwrite to replace it")
    assert all(path.read_text() == "old" for pattern in ("old.*", "*/*")
               for path in tmp_path.glob(pattern))
    assert not os.path.exists("new.npy")
    assert refsgm_command("sample", "m.npz", "--out", "old.npy", "--overwrite")[0] == 0
    assert np.load("old.npy").shape == (100, 2)
    assert refsgm_command("vectors", "export", "v", "--kind", "perturb", "--overwrite")[0] == 0


def test_a_model_is_never_replaced_by_its_samples(refsgm_command, tmp_path):
    before = (tmp_path / "m.npz").read_bytes()
    os.symlink("m.npz", "link.npy")
    for options in (["--out", "m.npz"], ["--plot", "m.npz"], ["--out", "link.npy"]):
        refused(refsgm_command("sample", "m.npz", "--overwrite", *options), "must be another file")
    refused(refsgm_command("sample", "m.npz", "--out", "a.png", "--plot", "a.png"), "another file")
    assert (tmp_path / "m.npz").read_bytes() == before


def test_folders_devices_and_missing_folders_are_refused_before_the_work(refsgm_command):
    os.mkdir("folder")
    for path, words in (("folder", "got a folder"), (os.devnull, "got a device or a pipe"),
                        ("none/m.npz", "there is no folder none")):
        for command in (["train", "moons", *QUICK, "--out"], ["sample", "m.npz", "--out"],
                        ["sample", "m.npz", "--plot"]):
            refused(refsgm_command(*command, path, "--overwrite"), words)
    assert sorted(os.listdir()) == ["folder", "m.npz"]


def test_a_link_is_written_through_and_a_mode_is_kept(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    target.chmod(0o600)
    link.symlink_to("target")
    write_whole(link, lambda file: file.write(b"new"))
    assert link.is_symlink()
    assert (target.read_bytes(), target.stat().st_mode & 0o777) == (b"new", 0o600)


def test_an_error_names_the_file_and_not_its_temporary_name(tmp_path):
    with pytest.raises(FileNotFoundError) as error:
        write_whole(tmp_path / "none" / "m.npz", lambda file: None)
    assert error.value.filename == str(tmp_path / "none" / "m.npz")

    def full(file):
        raise OSError(28, "No space left on device")
    with pytest.raises(OSError, match="No space") as error:
        write_whole(tmp_path / "m.npz", full)
    assert error.value.filename == str(tmp_path / "m.npz")
    assert os.listdir(tmp_path) == []


def test_what_a_killed_run_left_is_taken_away_by_the_next(tmp_path):
    """The temporary file of a writer that lives is kept."""
    code = ("import sys, time; from refsgm.learn.outputs import write_whole\n"
            "write_whole('m.npz', lambda file: (print('here', flush=True), time.sleep(60)))")
    writer = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE)
    writer.stdout.readline()
    write_whole(tmp_path / "m.npz", lambda file: file.write(b"1"))
    assert len(os.listdir(tmp_path)) == 2
    writer.kill()
    writer.wait()
    write_whole(tmp_path / "m.npz", lambda file: file.write(b"2"))
    assert os.listdir(tmp_path) == ["m.npz"]


def test_two_runs_on_one_path_are_not_possible(refsgm_command):
    with alone("new.checkpoint.npz"):
        for options in ([], ["--resume"], ["--overwrite"]):
            refused(refsgm_command("train", "moons", *QUICK, "--out", "new.npz", *options),
                    "another run is at it")
    assert refsgm_command("train", "moons", *QUICK, "--out", "new.npz")[0] == 0
    assert sorted(os.listdir()) == ["m.npz", "new.npz"]


def test_resume_of_a_finished_run_says_so_and_of_none_too(refsgm_command, tmp_path):
    before = (tmp_path / "m.npz").read_bytes()
    code, out, _ = refsgm_command("train", "moons", "--out", "m.npz", "--steps", 3, "--resume")
    assert (code, out) == (0, "m.npz: this run is finished, and nothing is left to resume: a "
                              "larger --steps goes on with it\n")
    assert (tmp_path / "m.npz").read_bytes() == before
    refused(refsgm_command("train", "moons", "--out", "n.npz", "--resume"), "there is no such file")


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_run_that_is_asked_to_end_leaves_its_checkpoint(tmp_path, name):
    """As after Ctrl-C: exit 130, all steps kept, and one line that says how to go on."""
    process = subprocess.Popen([sys.executable, "-m", "refsgm", "train", "moons", "--out", "m.npz",
                                "--steps", "100000", "--width", "8"], cwd=tmp_path, text=True,
                               stderr=subprocess.PIPE)
    while not (tmp_path / "m.checkpoint.npz").exists():
        assert process.poll() is None
        time.sleep(0.05)
    time.sleep(0.3)
    process.send_signal(getattr(signal, name))
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "m.checkpoint.npz holds all of them: add --resume to go on" in errors
    assert os.listdir(tmp_path) == ["m.checkpoint.npz"]


def test_a_checkpoint_is_kept_unless_resumed_or_overwritten(refsgm_command, tmp_path):
    x, settings = np.random.default_rng(0).standard_normal((9, 2)), Settings(width=8)
    save_checkpoint("n.checkpoint.npz", x, settings, start(x, settings))
    refused(refsgm_command("train", "moons", *QUICK, "--out", "n.npz"), "add --resume to go on")
    assert refsgm_command("train", "moons", *QUICK, "--out", "n.npz", "--overwrite")[0] == 0
    assert load_model("n.npz").dim == 2


def test_a_library_that_pictures_need_is_asked_for_before_the_work(refsgm_command, monkeypatch):
    monkeypatch.delitem(sys.modules, "refsgm.app.plotting", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    refused(refsgm_command("sample", "m.npz", "--plot", "p.png"), "pip install matplotlib")
    assert os.listdir() == ["m.npz"]


@pytest.mark.parametrize(("command", "words"), [
    (["sample", "m.npz", "--steps", "9"], "annealed-langevin has no use for --steps: its options "
                                          "are --steps-per-level and --step-size"),
    (["sample", "m.npz", "--sampler", "heun", "--eta", "1"], "heun has no use for --eta"),
    (["sample", "m.npz", "--sampler", "ddim", "--step-size", "1"], "no use for --step-size"),
    (["sample", "m.npz", "--step-size", "100"], "sampling diverged: after "),
    (["train", "moons", "--lr", "1"], "train has no option --lr: did you mean --learning-rate?"),
    (["train", "moons", "--lr=1"], "did you mean --learning-rate?"),
    (["train", "moons", "--epochs", "3"], "did you mean --steps?"),
    (["sample", "m.npz", "--force"], "did you mean --overwrite?"),
    (["train", "moons", "--out", "n.npz", "--seed", "-1"], "seed must be an integer, at least 0"),
    (["train", "moons", "--out", "n.npz", "--backend", "jax"], "backend must be"),
])
def test_options_without_an_effect_or_with_a_wrong_name_are_refused(refsgm_command, command, words):
    refused(refsgm_command(*command), words)
    assert os.listdir() == ["m.npz"]
