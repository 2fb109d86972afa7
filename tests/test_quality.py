"""What is said of samples, models and installations, and what a run keeps of its losses."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import refsgm
from refsgm.app import quality
from refsgm.learn.checkpoints import load_model
from refsgm.learn.held_out import held_out_loss, split
from refsgm.learn.settings import Options, Settings
from tests.support.command_line import run
from tests.support.tolerances import EXACT, normal

SMALL = {"n_steps": 40, "width": 8, "batch_size": 16, "n_levels": 5}
# A new network is zero, so its samples are those of N(center, sigma_data^2 I) [NET-1].
GAUSSIAN = refsgm.Model(refsgm.init_network(np.random.default_rng(0), 2, 4, dtype="float64"),
                        np.array([3.0, -5.0]), 2.0, np.geomspace(20.0, 0.1, 20))


@pytest.fixture
def refsgm_command(tmp_path, monkeypatch):
    """A function that runs the command line in a folder and returns its lines of output."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")

    return lambda text: run(*text.split(), cwd=tmp_path)[0].splitlines()


def test_samples_of_the_right_law_are_as_near_as_data_and_others_are_not():
    """[NET-1] The same network judged beside data of its law, and of one half as wide."""
    right, wrong = (GAUSSIAN.center + scale * normal(1, 1200, 2) for scale in (2.0, 1.0))
    found = [quality.judge(GAUSSIAN, (x[:900], None), (x[900:], None), seed=0)
             for x in (right, wrong)]
    assert 0.4 < found[0]["energy_distance_ratio"] < 2.5
    assert abs(found[0]["nearest_neighbour_accuracy"] - 0.5) < 0.1
    assert found[1]["energy_distance_ratio"] > 10
    assert found[1]["nearest_neighbour_accuracy"] > 0.6


def test_what_would_mend_the_samples_is_the_option_that_is_wrong():
    x, poor = 2 * normal(1, 500, 2), {"energy_distance_ratio": 9.0}
    good = {"energy_distance_ratio": 1.2}
    longer = "more steps (--steps 160), or a larger network (--width 16)"
    for options, words in (({"sigma_max": 0.5, "sigma_min": 0.1}, "sigma_max = 0.5 is small"),
                           ({"held_out": 0.1, "n_levels": 20}, longer)):
        model = refsgm.train(x, **SMALL | options, average_decay=0.9)
        model.history["held_out"] = [[20, 1.0], [40, 0.9]]
        assert words in quality.advice(poor, x, model)
        assert quality.advice(good, x, model) is None
    model.history["held_out"] = [[20, 0.7], [40, 0.9]]
    assert "the held-out loss was lowest at step 20: fewer steps (--steps 20)" in \
        quality.advice(poor, x, model)
    model.history["losses"] = [[20, 1.0], [40, 9.0]]
    for found in (poor, good, None):
        assert "the loss rose from 1 to 9: a smaller --learning-rate" in \
            quality.advice(found, x, model)


def test_two_samples_of_a_law_are_as_far_apart_as_its_halves():
    """Also of different sizes: (1/N + 1/M) E|Y - Y'| on average."""
    ratios = []
    for seed in range(20):
        x, y = normal(seed, 60, 3), normal(100 + seed, 300, 3)
        found = quality.comparison(x, y)
        ratios.append(found["energy_distance"] / found["of_halves"])
    error = np.std(ratios) / len(ratios)**0.5
    assert abs(np.mean(ratios) - 1) < 5 * error
    assert quality.comparison(x + 1, y)["energy_distance"] > 10 * found["of_halves"]


def test_files_are_compared_by_distance_means_and_spreads(refsgm_command):
    np.save("a.npy", normal(0, 100, 2) * [1.0, 3.0])
    np.save("b.npy", normal(1, 300, 2) + [0.0, 50.0])
    np.save("images.npy", np.random.default_rng(0).integers(0, 9, (9, 4, 4)))
    lines = refsgm_command("compare a.npy b.npy")
    assert lines[0].startswith("a.npy: 100 samples of shape (2,), float64 from ")
    assert "times that of two halves of b.npy" in lines[2]
    assert "standard errors" in lines[-1]
    assert "means differ most in feature " in refsgm_command("compare images.npy images.npy")[-1]


def test_a_share_is_held_out_and_nothing_else_is_learnt_from():
    """Two disjoint parts, the same for a seed; the model's centre is that of its part."""
    shown, hidden = split(50, 0.2, seed=3)
    assert_array_equal(np.sort(np.concatenate([shown, hidden])), np.arange(50))
    assert len(hidden) == 10
    assert len(split(10**5, 0.5, seed=0)[1]) == 1000
    x = normal(0, 50, 2)
    model = refsgm.train(x, **SMALL, held_out=0.2, seed=3)
    assert_allclose(model.center, x[shown].mean(axis=0), rtol=1e-6)
    with pytest.raises(ValueError, match="held_out must leave at least 2 samples, got 0.95 of 12"):
        split(12, 0.95, seed=0)


def test_the_held_out_loss_is_that_of_the_averaged_network_on_the_same_draws():
    x, settings = normal(0, 50, 2), Settings(**SMALL, held_out=0.2, dtype="float64")
    model = refsgm.train(x, settings=settings)
    hidden = x[split(50, 0.2, 0)[1]]
    loss = held_out_loss(hidden, None, settings, model.sigmas)
    assert_allclose(model.history["held_out"][-1], [40, loss(model)], **EXACT)
    assert [step for step, _ in model.history["held_out"]] == list(range(1, 41))
    assert [step for step, _ in model.history["losses"]][-1] == 40


def test_a_callback_sees_every_step_and_can_end_the_run():
    seen = []

    def callback(step, loss, held_out):
        seen.append((step, loss, held_out))
        return step == 7
    model = refsgm.train(normal(0, 50, 2), **SMALL, held_out=0.1, callback=callback)
    assert [step for step, _, _ in seen] == list(range(1, 8))
    assert model.history["steps"] == 7
    assert_allclose([held_out for _, _, held_out in seen],
                    [held_out for _, held_out in model.history["held_out"]], **EXACT)
    with pytest.raises(ValueError, match="callback must be a function"):
        refsgm.train(normal(0, 50, 2), **SMALL, callback=3)


def test_a_finished_model_goes_on_from_its_weights():
    """[OPT-1] With new moments, in their first step again of the length of the rate."""
    x = normal(0, 50, 2)
    model = refsgm.train(x, **SMALL, dtype="float64", warmup=0, average_decay=0.5)
    more = refsgm.train(x, resume=model, n_steps=41)
    rate = 2e-3 * 0.5 * (1 + np.cos(np.pi * 40 / 41))
    moved = np.concatenate([np.ravel(a - b) for a, b in zip(more.params, model.params)])
    kept = min(0.5, 41 / 50)                                            # [OPT-2]
    assert_allclose(np.median(np.abs(moved)), (1 - kept) * rate, rtol=1e-3)
    assert more.history["steps"] == 41
    assert_allclose(more.history["losses"][:40], model.history["losses"], **EXACT)
    for options, message in (({"n_steps": 40}, "more than the 40 steps that the model has, got 40"),
                             ({"n_steps": 50, "width": 9}, "its own options, got width = 9")):
        with pytest.raises(ValueError, match=message):
            refsgm.train(x, resume=model, **options)
    with pytest.raises(ValueError, match="the data and labels that it was trained on, got others"):
        refsgm.train(x + 1, resume=model, n_steps=50)


def test_a_run_of_the_command_line_says_how_good_it_is_and_goes_on(refsgm_command):
    x, y = normal(0, 300, 2), np.arange(300) % 2
    np.savez("x.npz", x=x + 9 * y[:, None], y=y)
    train = "train x.npz --labels y --out m.npz --width 8 --levels 5 --steps"
    lines = refsgm_command(f"{train} 60")
    assert lines[0].startswith("m.npz: 270 points of dimension 2, 60 steps, loss ")
    assert ", held-out loss " in lines[0]
    assert lines[1].startswith("30 samples beside 30 held-out data: energy distance ")
    assert "of the class that was asked for (held-out data 100%)" in lines[2]
    refsgm_command(f"{train} 80 --resume")
    assert load_model("m.npz").history["steps"] == 80
    assert "this run is finished" in refsgm_command(f"{train} 80 --resume")[0]
    out = refsgm_command("sample m.npz --label 1 --guidance 1.5 -n 4 --out s.csv")
    assert out[0].endswith("by annealed-langevin, label 1, guidance 1.5")
    assert np.loadtxt("s.csv", delimiter=",").shape == (4, 2)
    text = "\n".join(refsgm_command("info m.npz"))
    for words in ("shape (2,), float64", "classes   0, 1", "5 from ", "3 hidden layers of 8",
                  "80 steps; width = 8, n_levels = 5, held_out = 0.1", "held out  loss "):
        assert words in text


def test_narrow_terminals_and_pipes_get_whole_lines_without_colours(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setenv("NO_COLOR", "1")
    np.save(tmp_path / "[x].npy", normal(0, 30, 2))            # and no name is taken for markup
    out, errors = run("train", "[x].npy", "--steps", 3, "--width", 4, cwd=tmp_path)
    assert "\x1b" not in out + errors
    assert "[x].npy: 30 samples of shape (2,), float64 from " in errors.splitlines()[0]
    assert "note: 3 samples are held out, too few to judge samples by: 20 are needed" in errors
    assert len(out.splitlines()) == 1


def test_the_version_is_said_with_what_a_report_of_a_fault_needs(refsgm_command):
    assert refsgm_command("--version") == [f"refsgm {refsgm.__version__}"]
    text = "\n".join(refsgm_command("--version --verbose"))
    for words in ("Python  ", "processor  ", "BLAS  ", "GPU  ", f"numpy        {np.__version__}"):
        assert words in text


def test_the_options_of_train_are_those_that_an_editor_completes():
    """Static and at run time: names, and the types of Settings."""
    assert Options.__annotations__ == Settings.__annotations__
    with pytest.raises(TypeError, match=r"train\(\) got an unexpected keyword argument 'lr': did "
                                        r"you mean learning_rate\?"):
        refsgm.train(normal(0, 9, 2), lr=1)
    with pytest.raises(TypeError, match="'widht': did you mean width"):
        refsgm.train(normal(0, 9, 2), widht=1)


@pytest.mark.parametrize("shape", [(4, 5), (3, 4, 3)])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_images_are_trained_on_and_sampled_in_their_shape_range_and_type(shape, dtype):
    images = np.random.default_rng(0).integers(20, 200, (40, *shape)).astype(dtype)
    samples = refsgm.train(images, **SMALL).sample(6, sampler="heun", n_steps=5)
    assert (samples.shape, samples.dtype) == ((6, *shape), images.dtype)
    assert images.min() <= samples.min() < samples.max() <= images.max()
