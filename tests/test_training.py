"""Training: the update rules, every objective, and runs that resume bit for bit."""

import inspect
import os
import pydoc
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from dataclasses import fields, replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import refsgm
from refsgm.learn import adam, batches, checkpoints
from refsgm.learn.checkpoints import load_checkpoint, load_model, save_checkpoint, save_model
from refsgm.learn.runs import Interrupted, run_to_end
from refsgm.learn.training import OBJECTIVES, Settings, start, training_steps
from tests.support.command_line import run
from tests.support.tolerances import EXACT, normal

SMALL = {"width": 8, "depth": 2, "n_steps": 40, "batch_size": 16, "warmup": 5}


def data(n=50):
    return normal(3, n, 2) * [1.0, 0.3]


def finished(settings, state, x):
    for _ in training_steps(x, settings, state):
        pass
    return state


def test_adam_is_its_algorithm():
    """[OPT-1] Three steps in the words of the paper."""
    state = start(data(), Settings(**SMALL, dtype="float64"))
    theta, m, u = state.weights.copy(), 0.0, 0.0
    for n in (1, 2, 3):
        g = normal(n, theta.size)
        m, u = 0.9 * m + 0.1 * g, 0.999 * u + 0.001 * g**2
        theta = theta - 0.01 * (m / (1 - 0.9**n)) / ((u / (1 - 0.999**n))**0.5 + 1e-8)
        adam.adam_step(state, g.copy(), 0.01)
        state.step += 1
    assert_allclose(state.weights, theta, **EXACT)


def test_the_first_adam_step_has_the_length_of_the_rate():
    """[OPT-1] Without bias correction it would be three times as long."""
    state = start(data(), Settings(**SMALL, dtype="float64"))
    before = state.weights.copy()
    adam.adam_step(state, normal(0, before.size), 0.01)
    assert_allclose(np.abs(state.weights - before), 0.01, rtol=1e-4)


def test_the_average_forgets_its_start_and_then_follows_slowly():
    """[OPT-2]"""
    state = start(data(), Settings(**SMALL, dtype="float64"))
    state.weights[:], state.average[:] = 1.0, 0.0
    adam.average_step(state, 0.999)
    assert_allclose(state.average, 0.9, **EXACT)
    state.step, state.average[:] = 10**6, 0.0
    adam.average_step(state, 0.999)
    assert_allclose(state.average, 0.001, rtol=1e-9)


def test_the_learning_rate_rises_and_falls():
    settings = Settings(**SMALL, learning_rate=1.0)
    rates = [adam.learning_rate(n, settings) for n in range(41)]
    assert rates[0] < rates[3] < max(rates) <= 1.0
    assert_allclose(rates[40], 0.0, atol=1e-12)


def test_every_sample_is_seen_once_in_a_pass_over_the_data():
    settings = Settings(**SMALL | {"batch_size": 10})
    x = np.arange(50.0, dtype=np.float32)[:, None]
    state = start(x, settings)
    seen = [batches.draw_batch(x, settings.fitted(x).sigmas(), 10, state)[0] for _ in range(10)]
    for part in (seen[:5], seen[5:]):
        assert_array_equal(np.sort(np.concatenate(part), axis=0), x)


@pytest.mark.parametrize("energy", [False, True])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_objective_learns_the_score_of_a_gaussian(objective, energy):
    """[NCSN-1] [DSM-1] [EQV-2] [ISM-1] [SSM-1] [SSM-2] [SSM-3] [NET-1] [NET-2]"""
    x = normal(0, 2000, 2) * [1.0, 0.3]
    model = refsgm.train(x, objective=objective, energy=energy, n_steps=250, width=32, depth=2,
                         sigma_max=2.0, sigma_min=0.2, n_levels=5, learning_rate=5e-3, warmup=20,
                         average_decay=0.98)
    for sigma in (0.5, 1.0):
        y = (x[:500] + sigma * normal(1, 500, 2)).astype(np.float32)
        exact = -y / (np.array([1.0, 0.09]) + sigma**2)
        start_error = np.mean((exact + y / (0.545 + sigma**2))**2)          # that of a new network
        assert np.mean((model.score(y, sigma) - exact)**2) < 0.35 * start_error


def test_the_losses_of_all_objectives_agree_on_average():
    """[DSM-2] [ISM-2] [SSM-1] [SSM-2] [SSM-3] Up to constants that are known."""
    n, sigma = 200_000, 0.7
    x, eps = normal(0, n, 2), normal(1, n, 2)
    v = np.sign(normal(2, n, 2))
    s = lambda x, sigma: -0.5 * x                              # x has variance 1 + sigma^2
    level = np.full((n, 1), sigma)
    losses = {name: loss(s, x, level, eps, v) for name, loss in OBJECTIVES.items()}
    spread = 1 + sigma**2
    ism = sigma**2 * (0.5 * 0.25 * 2 * spread - 0.5 * 2)
    dsm = ism + 1.0                    # + sigma^2 D / (2 sigma^2): the constants of ISM and DSM
    for name, exact in {"dsm": dsm, "eps": 2 * dsm, "ism": ism, "ssm": ism, "ssm-vr": ism,
                        "fd-ssm": ism}.items():
        error = np.std(losses[name]) / n**0.5
        assert abs(np.mean(losses[name]) - exact) < 5 * error + 1e-6


def test_the_same_seed_gives_the_same_run_and_another_seed_another():
    x = data()
    runs = [finished(Settings(**SMALL, seed=seed), start(x, Settings(**SMALL, seed=seed)), x)
            for seed in (1, 1, 2)]
    assert_array_equal(runs[0].weights, runs[1].weights)
    assert np.any(runs[0].weights != runs[2].weights)


@pytest.mark.parametrize("objective", ["dsm", "ssm-vr"])
def test_a_run_that_was_saved_and_loaded_goes_on_bit_for_bit(tmp_path, objective):
    x, settings, path = data(), Settings(**SMALL, objective=objective), tmp_path / "run.npz"
    whole = finished(settings, start(x, settings), x)
    state = start(x, settings)
    for _ in zip(range(17), training_steps(x, settings, state)):
        pass
    save_checkpoint(path, x, settings, state)
    found, loaded = load_checkpoint(path, x)
    assert found == settings
    resumed = finished(found, loaded, x)
    for name in ("weights", "gradient_sum", "square_sum", "average", "order", "losses"):
        assert_array_equal(getattr(resumed, name), getattr(whole, name))


def test_a_run_with_checkpoints_is_stopped_and_goes_on_bit_for_bit(tmp_path):
    x, settings, path = data(), Settings(**SMALL), tmp_path / "run.npz"
    whole, _ = run_to_end(x, settings, tmp_path / "whole.npz")
    with pytest.raises(Interrupted, match=f"^stopped after 17 of 40 steps; {path} holds all"):
        run_to_end(x, settings, path, watch=nullcontext(lambda state: state.step == 17))
    seen = []
    model, state = run_to_end(x, settings, path, resume=True,
                              watch=nullcontext(lambda state: seen.append(state.step)))
    assert seen == list(range(18, 41))
    assert np.all(np.isfinite(state.losses))
    for a, b in zip(model.params, whole.params):
        assert_array_equal(a, b)
    with pytest.raises(ValueError, match="got one where width is 8 and not 9: repeat its options"):
        run_to_end(x, replace(settings, width=9), path, resume=True)


def test_training_takes_its_batches_from_elsewhere():
    """The loss sees them as they are: here of one point, whose score is found at once."""
    x, settings = data(), Settings(**SMALL, dtype="float64")
    seen = []

    def batches():
        while True:
            seen.append(np.zeros((4, 2)))
            yield seen[-1], np.ones((4, 1)), normal(len(seen), 4, 2), None
    for _ in training_steps(x, settings, start(x, settings), batches()):
        pass
    assert len(seen) == settings.n_steps


def test_the_help_of_train_lists_every_setting_with_its_default():
    text = pydoc.plain(pydoc.render_doc(refsgm.train))
    for f in fields(Settings):
        assert inspect.signature(refsgm.train).parameters[f.name].default == f.default
        assert f"{f.metadata['help']} ({f.default!r})" in text
        assert f.metadata["help"] in Settings.__doc__


def test_options_of_train_change_the_settings_that_are_given():
    x, settings = data(), Settings(**SMALL, seed=3)
    a = refsgm.train(x, settings=settings, depth=1)
    b = refsgm.train(x, **SMALL | {"seed": 3, "depth": 1})
    assert_array_equal(a.params[0], b.params[0])
    with pytest.raises(TypeError, match="unexpected keyword argument 'widht'"):
        refsgm.train(x, widht=8)


def refsgm_command(*args):
    """The command line that runs refsgm in a process of its own."""
    return [sys.executable, "-m", "refsgm", *map(str, args)]


def test_a_run_that_was_killed_goes_on_bit_for_bit(tmp_path):
    """SIGKILL in the middle, twice, then --resume, against an uninterrupted run."""
    command = ["train", "moons", "--steps", 300, "--width", 16, "--points", 500]
    run(*command, "--out", "whole.npz", cwd=tmp_path)
    checkpoint = tmp_path / "killed.checkpoint.npz"
    for resume in ([], ["--resume"]):
        process = subprocess.Popen(refsgm_command(*command, "--out", tmp_path / "killed.npz",
                                                  "--checkpoint-every", 0, *resume),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        changed = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
        deadline = time.monotonic() + 60
        while not (checkpoint.exists() and checkpoint.stat().st_mtime_ns > changed + 1e8):
            changed = changed or (checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0)
            assert time.monotonic() < deadline
            assert process.poll() is None, "the run ended before it could be killed"
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
    run(*command, "--out", "killed.npz", "--resume", cwd=tmp_path)
    whole, killed = load_model(tmp_path / "whole.npz"), load_model(tmp_path / "killed.npz")
    for a, b in zip(whole.params, killed.params):
        assert_array_equal(a, b)
    assert not checkpoint.exists()


def test_ctrl_c_keeps_a_checkpoint_and_says_where(tmp_path):
    out = tmp_path / "model.npz"
    process = subprocess.Popen(refsgm_command("train", "ring", "--steps", 100_000, "--width", 16,
                                              "--points", 500, "--out", out),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "model.checkpoint.npz").exists():
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert f"{tmp_path / 'model.checkpoint.npz'} holds all of them: add --resume to go on" in errors
    assert not out.exists()


def test_a_truncated_foreign_or_pickled_file_is_refused_and_left_alone(tmp_path):
    x, settings, path = data(), Settings(**SMALL), tmp_path / "run.npz"
    save_checkpoint(path, x, settings, start(x, settings))
    whole = path.read_bytes()
    pickled = tmp_path / "pickled.npz"
    np.savez(pickled, header=np.array([{"a": 1}], dtype=object))
    contents = {"truncated": whole[:len(whole) // 2], "foreign": b"not a checkpoint", "empty": b"",
                "flipped": whole[:300] + bytes(200) + whole[500:],
                "pickled": pickled.read_bytes()}
    for name, content in contents.items():
        bad = tmp_path / f"{name}.bad"
        bad.write_bytes(content)
        with pytest.raises(ValueError, match="must be a refsgm checkpoint") as error:
            load_checkpoint(bad, x)
        assert str(bad) in str(error.value)
        assert "\n" not in str(error.value)
        assert bad.read_bytes() == content


def test_a_checkpoint_of_other_data_or_a_model_is_refused(tmp_path):
    x, settings, path = data(), Settings(**SMALL), tmp_path / "run.npz"
    save_checkpoint(path, x, settings, start(x, settings))
    with pytest.raises(ValueError, match="must be a checkpoint of a run on these data"):
        load_checkpoint(path, x + 1)
    with pytest.raises(ValueError, match="must be a refsgm model of format 3, got a checkpoint"):
        load_model(path)


def test_a_checkpoint_of_an_older_format_is_refused(tmp_path, monkeypatch):
    """Its moments were means; read as sums, they would make the next steps much longer."""
    x, settings, path = data(), Settings(**SMALL), tmp_path / "run.npz"
    monkeypatch.setitem(checkpoints.FORMAT, "checkpoint", 1)
    save_checkpoint(path, x, settings, start(x, settings))
    monkeypatch.undo()
    with pytest.raises(ValueError, match="checkpoint of format 3, got a checkpoint of format 1"):
        load_checkpoint(path, x)


def test_a_model_survives_its_file(tmp_path):
    model = refsgm.train(data(), **SMALL, energy=True)
    save_model(tmp_path / "m.npz", model)
    loaded = load_model(tmp_path / "m.npz")
    x = data(5).astype(np.float32)
    assert_array_equal(loaded.score(x, 0.5), model.score(x, 0.5))
    assert loaded.energy
    assert loaded.dim == 2


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path):
    from refsgm.learn.outputs import write_whole
    path = tmp_path / "file"
    write_whole(path, lambda file: file.write(b"old"))

    def fail(file):
        file.write(b"new")
        raise OSError("disk full")
    with pytest.raises(OSError, match="disk full"):
        write_whole(path, fail)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize(("field", "value", "message"), [
    ("objective", "mse", "objective must be one of dsm, eps, ism, ssm, ssm-vr, fd-ssm, got 'mse'"),
    ("noise", "cupy", 'noise must be "device" or "numpy", got \'cupy\''),
    ("dtype", "float16", 'dtype must be "float32" or "float64", got \'float16\''),
    ("n_steps", 0, "n_steps must be an integer, at least 1, got 0"),
    ("learning_rate", 0.0, "learning_rate must be positive, got 0.0"),
    ("average_decay", 1.0, r"average_decay must be in \(0, 1\), got 1.0"),
    ("sigma_min", 20.0, "sigma_min must be smaller than sigma_max"),
    ("width", 0, "width must be an integer, at least 1, got 0"),
])
def test_settings_out_of_range_are_refused(field, value, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        refsgm.train(data(), **SMALL | {field: value})


def test_data_that_cannot_be_trained_on_are_refused():
    for x, message in ((np.zeros(5), "must have shape"),
                       (np.zeros((1, 2)), "at least 2 samples"),
                       (np.full((5, 2), np.nan), "must be finite, got nan"),
                       (np.ones((5, 2)), "must vary")):
        with pytest.raises(ValueError, match=message):
            refsgm.train(x, **SMALL)


def test_a_loss_that_runs_away_is_reported_with_its_remedy():
    with pytest.raises(ValueError, match=r"^the loss must stay finite, .*lower learning_rate"), \
            np.errstate(all="ignore"):
        refsgm.train(data(), **SMALL | {"learning_rate": 1e30})


def test_the_trained_network_and_the_returned_model_agree_far_from_the_origin():
    """[NET-1] Center and sigma_data are summed in float64: float32 loses a million samples."""
    x = 1000 + normal(0, 400_000, 1).astype(np.float32)
    model = refsgm.train(x, n_steps=2, width=4)
    assert abs(float(model.center[0]) - np.mean(x, dtype=np.float64)) < 1e-4
    assert abs(model.sigma_data - 1) < 0.01


def test_training_does_not_see_where_the_origin_is():
    """Data are centred before they are rounded to float32: the weights are the same, shifted."""
    x = normal(0, 200, 2)
    near, far = (refsgm.train(data, n_steps=30, width=8, objective="fd-ssm")
                 for data in (x, x + 2.0**20))
    for a, b in zip(near.params, far.params):
        assert_allclose(a, b, rtol=1e-3, atol=1e-4)


def test_settings_may_stand_where_labels_do():
    """train(x, settings) is train(x, settings=settings), as it was before there were labels."""
    x = np.random.default_rng(0).standard_normal((50, 2))
    settings = Settings(n_steps=3, width=4)
    one, other = refsgm.train(x, settings), refsgm.train(x, settings=settings)
    assert all(np.array_equal(a, b) for a, b in zip(one.params, other.params))
