"""Labelled data: the network's input for a class, guidance, and samples of the class asked for."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import refsgm
from refsgm.learn import archives, labels
from refsgm.learn.checkpoints import load_model, save_model
from refsgm.learn.training import Settings, start
from tests.support.tolerances import EXACT, normal

SMALL = {"n_steps": 30, "width": 8, "batch_size": 16, "n_levels": 5}
X, Y = normal(0, 40, 2), np.arange(40) % 3
PARAMS = [0.3 * normal(i, *np.shape(p)) for i, p in enumerate(refsgm.init_network(
    np.random.default_rng(0), 2, 8, 2, n_labels=3))]
MODEL = refsgm.Model(PARAMS, np.array([1.0, -2.0]), 1.5, np.geomspace(8.0, 0.1, 5),
                     classes=("a", "b", "c"))


@pytest.mark.parametrize("number", [None, 0, 2])
def test_a_label_is_a_bias_of_the_first_layer(number):
    """[NET-1] The network of one class is a network without labels; of none, that without bias."""
    W, b, *others = PARAMS
    bias = b if number is None else b + W[-3 + number]
    plain = replace(MODEL, params=[W[:-3], bias, *others], classes=())
    given = MODEL if number is None else MODEL.of_class(MODEL.classes[number])
    assert_allclose(given.score(X, 0.7), plain.score(X, 0.7), **EXACT)


@pytest.mark.parametrize("scale", [0.0, 1.0, 2.5])
def test_a_guided_score_leaves_the_score_of_all_classes_by_its_scale(scale):
    """[GUIDE-1] Scale 1 is the class alone and scale 0 is all classes."""
    every, one = MODEL.score(X, 0.7), MODEL.of_class("b").score(X, 0.7)
    assert_allclose(MODEL.of_class("b", scale).score(X, 0.7), every + scale * (one - every),
                    **EXACT)


def test_every_row_has_the_class_that_is_asked_for_it():
    rows = MODEL.of_class(list("abca"), 1.5).score(X[:4], 0.7)
    for i, c in enumerate("abca"):
        assert_allclose(rows[i:i + 1], MODEL.of_class(c, 1.5).score(X[i:i + 1], 0.7), **EXACT)
    with pytest.raises(ValueError, match="one for each of the 5 rows of x, got 4"):
        MODEL.of_class(list("abca")).score(X[:5], 0.7)


@pytest.mark.parametrize("options", [{"n_steps": 200}, {"n_steps": 350, "energy": True},
                                     {"n_steps": 200, "objective": "ssm-vr"}])
def test_samples_are_of_the_class_that_is_asked_for(options):
    """[GUIDE-1] [NET-2] Three Gaussians, a class each; guidance draws them away from the others."""
    y = np.arange(900) % 3
    centers = np.array([[-4.0, 0.0], [0.0, 4.0], [4.0, 0.0]])
    model = refsgm.train(normal(0, 900, 2) * 0.5 + centers[y], y + 5, width=16, depth=2, warmup=20,
                         learning_rate=1e-2, average_decay=0.98, **options)
    for guidance in (1.0, 2.0):
        asked = np.arange(60) % 3
        x = model.sample(60, label=asked + 5, guidance=guidance, sampler="heun", n_steps=20)
        nearest = np.argmin(np.linalg.norm(x[:, None] - centers, axis=2), axis=1)
        assert np.mean(nearest == asked) > 0.75                               # by chance 1/3
    every = model.sample(300, sampler="heun", n_steps=20)
    shares = np.bincount(np.argmin(np.linalg.norm(every[:, None] - centers, axis=2), axis=1))
    assert min(shares) > 15


def test_a_share_of_the_labels_is_hidden_and_the_others_are_those_of_their_samples():
    """The choice is that of seed and step, so a run that goes on has the same."""
    settings = Settings(**SMALL | {"batch_size": 40}, label_dropout=0.25)
    state = start(X, settings, Y)
    shown = []
    for step in range(100):
        state.step, state.position = step, 40
        batch = next(labels.labelled_batches(iter([(X[state.order],)]), settings, state, "f8"))
        hot = batch[-1]
        shown.append(hot.sum(axis=1))
        assert_array_equal(np.argmax(hot, axis=1)[shown[-1] > 0], Y[state.order][shown[-1] > 0])
    assert abs(np.mean(shown) - 0.75) < 5 * (0.25 * 0.75 / 4000)**0.5


def test_a_labelled_run_that_was_saved_goes_on_bit_for_bit(tmp_path):
    path = tmp_path / "run.npz"
    whole = refsgm.train(X, Y, **SMALL, held_out=0.2)
    refsgm.train(X, Y, **SMALL, held_out=0.2, checkpoint=path,
                 callback=lambda step, loss, held_out: step == 11)
    resumed = refsgm.train(X, Y, resume=path)
    for a, b in zip(resumed.params, whole.params):
        assert_array_equal(a, b)
    assert resumed.history == whole.history
    for other in (None, (Y + 1) % 3, Y + 1):
        with pytest.raises(ValueError, match="must be of a run with the same labels"):
            refsgm.train(X, other, resume=path)


def test_a_labelled_model_survives_its_file_and_an_older_file_is_read(tmp_path):
    """Format 2 knows neither classes nor history."""
    words = np.array(["red", "green", "blue"])[Y]
    model, path = refsgm.train(X, words, **SMALL), tmp_path / "m.npz"
    save_model(path, model)
    loaded = load_model(path)
    assert loaded.classes == ("blue", "green", "red")
    assert loaded.history == model.history
    assert_array_equal(loaded.sample(4, label="red", sampler="heun", n_steps=3),
                       model.sample(4, label="red", sampler="heun", n_steps=3))
    save_model(path, refsgm.train(X, **SMALL))
    facts, arrays = archives.read(path)
    with open(path, "wb") as file:
        archives.write(file, {name: facts[name] for name in ("refsgm", "sigma_data", "energy",
                                                             "form")} | {"format": 2}, arrays)
    old = load_model(path)
    assert (old.classes, old.history) == ((), None)


@pytest.mark.parametrize("classes", [["a", "a"], ["a"], [1, "a"], [True, False], [[1], [2]], "ab"])
def test_a_file_with_classes_that_are_none_is_refused(tmp_path, classes):
    path = tmp_path / "m.npz"
    save_model(path, refsgm.train(X, Y, **SMALL))
    facts, arrays = archives.read(path)
    with open(path, "wb") as file:
        archives.write(file, facts | {"classes": classes}, arrays)
    with pytest.raises(ValueError, match=r"m\.npz must be a refsgm model, got one with wrong"):
        load_model(path)


@pytest.mark.parametrize("change", [{"steps": -1}, {"losses": [[1]]}, {"held_out": [["a", "b"]]},
                                    {"settings": {"width": 0}}, {"settings": {"x": 1}}, {"y": 1}])
def test_a_file_with_the_history_of_no_run_is_refused(tmp_path, change):
    path = tmp_path / "m.npz"
    model = refsgm.train(X, Y, **SMALL)
    save_model(path, replace(model, history=model.history | change))
    with pytest.raises(ValueError, match=r"m\.npz must be a refsgm model, got one with wrong"):
        load_model(path)


@pytest.mark.parametrize(("wrong", "message"), [
    (Y[:5], r"labels must have shape \(N,\) = \(40,\), one per sample, got shape \(5,\)"),
    (np.zeros((40, 3)), r"one per sample, got shape \(40, 3\)"),
    (Y + 0.5, "labels must be integers or words, got numbers that are not whole"),
    (Y > 0, "labels must be integers or words, got type bool"),
    (0 * Y, "labels must be of 2 to 1000 classes, got 1"), ("a", "labels must be an array")])
def test_labels_that_are_no_classes_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        refsgm.train(X, wrong, **SMALL)


@pytest.mark.parametrize(("ask", "message"), [
    (lambda m: m.sample(3, label="d"), "label must be one of a, b, c, got d"),
    (lambda m: m.sample(3, guidance=2.0), "guidance needs a label, got guidance = 2.0 without one"),
    (lambda m: m.sample(3, label="a", guidance=-1.0), "guidance must be zero or positive"),
    (lambda m: m.sample(3, label=["a", "b"]), "for each of the 3 rows of x, got 2"),
    (lambda m: m.sample(3, n_steps=5), "annealed-langevin has no use for n_steps: its options are "
                                       "steps_per_level and step_size"),
    (lambda m: replace(m, classes=()).sample(3, label="a"), "trained without labels, got 'a'")])
def test_a_sample_that_cannot_be_drawn_is_refused(ask, message):
    with pytest.raises(ValueError, match=message):
        ask(MODEL)
