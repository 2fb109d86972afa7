"""Files of models and checkpoints: what is damaged or forged is refused, in one sentence."""

import io
import json
import zipfile

import numpy as np
import pytest

import refsgm
from ledgers.torture.files import torture
from refsgm.learn import archives
from refsgm.learn.checkpoints import load_checkpoint, save_checkpoint
from refsgm.learn.training import Settings, start
from tests.support.tolerances import normal

SMALL = {"n_steps": 3, "width": 4, "depth": 2, "n_levels": 3}
X = normal(0, 20, 2)


def a_model():
    return refsgm.train(X, **SMALL)


def rewritten(path, change):
    """Write the file again after change(facts, arrays), with a checksum of the new content."""
    facts, arrays = archives.read(path)
    change(facts, arrays)
    with open(path, "wb") as file:
        archives.write(file, facts, arrays)


def refused(load, path):
    """The one sentence with which a file is refused."""
    with pytest.raises(ValueError) as error:
        load(path)
    assert str(error.value).startswith(f"{path} must be a refsgm ")
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_damaged_file_is_refused_or_loads_unchanged(tmp_path):
    """Bits flipped, mostly in the directory of the zip, ends cut off, stretches moved."""
    refused, unchanged, wrong = torture(tmp_path, 150, seed=1)
    assert wrong == []
    assert refused > 200
    assert refused + unchanged == 300


def test_every_bit_of_the_entry_count_and_names_matters(tmp_path):
    """A directory that lost its last entries was a model with fewer layers."""
    path = tmp_path / "m.npz"
    refsgm.save_model(path, a_model())
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(tmp_path / "less.npz", "w") as less:
        for name in whole.namelist()[:-2]:
            less.writestr(name, whole.read(name))
    assert "not those that its header names" in refused(refsgm.load_model, tmp_path / "less.npz")
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("param_0.npy", archive.read("param_0.npy"))
    assert "two entries of one name" in refused(refsgm.load_model, path)


@pytest.mark.parametrize(("entry", "old", "new"), [
    ("header", '"energy": false', '"energy": true '), ("header", "model", "modem"),
    ("param_0", None, None)])
def test_changed_facts_and_numbers_do_not_pass_the_checksum(tmp_path, entry, old, new):
    """The zip's own checksums are right here."""
    path = tmp_path / "m.npz"
    refsgm.save_model(path, a_model())
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    name = f"{entry}.npy"
    before = entries[name]
    entries[name] = before[:-1] + bytes([before[-1] ^ 1]) if old is None else before.replace(
        old.encode("utf-32-le"), new.encode("utf-32-le"))
    assert entries[name] != before
    with zipfile.ZipFile(path, "w") as archive:
        for entry, content in entries.items():
            archive.writestr(entry, content)
    assert "checksum" in refused(refsgm.load_model, path)


@pytest.mark.parametrize(("change", "words"), [
    (lambda f, a: a["param_0"].fill(np.nan), "param_0 must be finite, got nan"),
    (lambda f, a: a.update(param_1=np.ones(1, "f4")), "params must have shapes"),
    (lambda f, a: a.update(param_0=a["param_0"].astype("i8")), "all float32 or all float64"),
    (lambda f, a: a.update(param_0=a["param_0"].astype("f8")), "all float32 or all float64"),
    (lambda f, a: a.update(center=np.zeros((2, 2))), "center must have shape (N,)"),
    (lambda f, a: a.pop("param_5"), "params must have shapes"),
    (lambda f, a: a.pop("sigmas"), "it lacks 'sigmas'"),
    (lambda f, a: a.update(more=np.zeros(1)), "it lacks 'param_6'"),
    (lambda f, a: a.update(sigmas=a["sigmas"][::-1]), "sigmas must be strictly decreasing"),
    (lambda f, a: f.update(energy="no"), "energy must be True or False, got 'no'"),
    (lambda f, a: f.update(energy=0), "energy must be True or False, got 0"),
    (lambda f, a: f.update(sigma_data=None), "sigma_data must be"),
    (lambda f, a: f.update(sigma_data=-1.0), "sigma_data must be positive"),
    (lambda f, a: f.update(note="x"), "it states note too"),
])
def test_a_model_that_no_network_has_is_refused(tmp_path, change, words):
    """The checksum is right here: the content is what is wrong."""
    path = tmp_path / "m.npz"
    refsgm.save_model(path, a_model())
    rewritten(path, change)
    assert words in refused(refsgm.load_model, path)


@pytest.mark.parametrize(("change", "words"), [
    (lambda f, a: f.update(step=-1), "step must be an integer, at least 0, got -1"),
    (lambda f, a: f.update(step="99"), "step must be an integer"),
    (lambda f, a: f.update(step=4), "must be at most 3 and 20, got 4"),
    (lambda f, a: f.update(position=10**6), "must be at most 3 and 20"),
    (lambda f, a: f.update(rng={"bit_generator": "PCG64"}), "wrong contents"),
    (lambda f, a: f["settings"].update(width=5), "weights must have dtype float32 and shape"),
    (lambda f, a: f["settings"].update(other=5), "wrong contents"),
    (lambda f, a: a.update(weights=a["weights"].astype("f8")), "weights must have dtype float32"),
    (lambda f, a: a["average"].fill(np.inf), "average must be finite"),
    (lambda f, a: a["second"].fill(-1), "square_sum must be zero or positive"),
    (lambda f, a: a["order"].fill(0), "order must be a permutation of 20"),
    (lambda f, a: a.pop("losses"), "it lacks 'losses'"),
])
def test_a_checkpoint_that_no_run_can_have_left_is_refused(tmp_path, change, words):
    path, settings = tmp_path / "c.npz", Settings(**SMALL)
    save_checkpoint(path, X, settings, start(X, settings))
    rewritten(path, change)
    assert words in refused(lambda path: load_checkpoint(path, X), path)


def npz(**entries):
    """The bytes of an archive with these entries, each an array or bytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, a in entries.items():
            content = io.BytesIO()
            if isinstance(a, bytes):
                content.write(a)
            else:
                np.lib.format.write_array(content, np.asarray(a), allow_pickle=True)
            archive.writestr(f"{name}.npy", content.getvalue())
    return file.getvalue()


def claiming(shape):
    """A .npy entry that claims a shape and has no content."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": "<f8", "fortran_order": False, "shape": shape})
    return file.getvalue()


ARRAYS = {"refsgm": "model", "format": 2, "arrays": {"a": ["<f8", [10**13]]}}


@pytest.mark.parametrize("content", [
    npz(header="[" * 200_000), npz(header='{"a":' * 200_000), npz(header="x" * 2**20),
    npz(header="[]"), npz(header="{}"), npz(header=claiming((10**13,))), npz(header=3.0),
    npz(header=np.array([{"a": 1}], dtype=object)), npz(a=np.zeros(2)),
    npz(header=json.dumps(ARRAYS), a=claiming((10**13,))),
    npz(header=json.dumps({**ARRAYS, "arrays": {"a": 3}}), a=np.zeros(3)),
    npz(header=json.dumps({**ARRAYS, "arrays": {"a": ["|O", [1]]}}),
        a=np.array([{}], dtype=object)),
    npz(header=json.dumps({"refsgm": "model", "format": 1}), center=np.zeros(2)),
], ids=["deep", "deep object", "long", "list", "empty", "80 TB header", "number", "pickled header",
        "no header", "80 TB", "no description", "pickled", "old format"])
def test_a_header_that_is_deep_long_or_untrue_is_refused(tmp_path, content):
    """Nothing is unpickled, and no memory is taken that the file does not have."""
    path = tmp_path / "m.npz"
    path.write_bytes(content)
    assert len(refused(refsgm.load_model, path)) < 400


def test_a_model_that_could_not_be_loaded_is_not_written(tmp_path):
    """Arrays of objects would be pickled."""
    model = a_model()
    for change, message in (({"params": [np.array([None])] * 4}, "param_0 must hold numbers"),
                            ({"energy": "no"}, "energy must be True or False"),
                            ({"center": np.zeros(3)}, "params must have shapes"),
                            ({"sigmas": np.ones(2)}, "sigmas must be strictly decreasing")):
        with pytest.raises(ValueError, match=message):
            refsgm.save_model(tmp_path / "m.npz", refsgm.Model(**{**vars(model), **change}))
        assert not (tmp_path / "m.npz").exists()


@pytest.mark.parametrize(("field", "value", "message"), [
    ("width", "12", "width must be an integer"), ("width", -3, "width must be an integer"),
    ("learning_rate", 1 + 2j, "learning_rate must be"), ("energy", "no", "energy must be True or"),
    ("energy", 1, "energy must be True or False"), ("sigma_max", 1e45, "sigma_min and sigma_max"),
    ("seed", 1.0, "seed must be an integer"), ("objective", ["dsm"], "objective must be a word"),
])
def test_a_setting_of_another_type_is_refused(field, value, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        Settings(**{field: value})


def test_numpy_numbers_are_settings_that_can_be_saved(tmp_path):
    settings = Settings(**SMALL | {"seed": np.int64(3), "n_steps": np.int32(3)},
                        learning_rate=np.float64(1e-3), energy=np.True_)
    save_checkpoint(tmp_path / "c.npz", X, settings, start(X, settings))
    found, _ = load_checkpoint(tmp_path / "c.npz", X)
    assert found == Settings(**SMALL | {"seed": 3}, learning_rate=1e-3, energy=True)
