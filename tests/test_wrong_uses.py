"""Wrong uses of the command line: each ends in one line that says what is wrong, and no traceback.

Nothing is written, and what is refused is refused before any work.
"""

import os

import numpy as np
import pytest

import refsgm
from refsgm.learn.checkpoints import save_model
from tests.support.command_line import run
from tests.support.tolerances import normal

POINTS = normal(0, 30, 2)
FILES = {
    "x.npy": POINTS, "nan.npy": np.where(np.eye(4) > 0, np.nan, 1.0),
    "inf.npy": np.full((30, 2), np.inf),
    "complex.npy": POINTS + 1j, "bool.npy": POINTS > 0, "words.npy": np.full((4, 2), "a"),
    "object.npy": np.array([[None, 1], [2, 3]], object), "one.npy": POINTS[:1],
    "line.npy": POINTS[0], "five.npy": np.zeros((2, 1, 1, 1, 1)), "empty.npy": POINTS[:0],
    "same.npy": np.ones((5, 2)), "big.npy": np.zeros((2, 200, 200)), "five_d.npy": normal(1, 9, 5),
    "half.npy": np.arange(30) + 0.5, "short.npy": np.arange(7), "single.npy": np.zeros(30, int),
    "each.npy": np.arange(30),
    "junk.npy": b"junk", "junk.npz": b"junk", "x.dat": b"junk", "bad.csv": b"a,b\n1,2\n3,c\n",
    "ragged.csv": b"1,2\n3\n", "none.csv": b"", "plain.csv": b"a,b\n1,2\n3,4\n",
    "two.npz": {"a": POINTS, "b": POINTS}, "folder": None,
}
QUICK = "--steps 3 --width 4"

# What is typed after `refsgm`, and what the one line says. The exit code is 2 unless it is given.
WRONG = [
    ("trian", "No such command 'trian'. Did you mean 'train'?"),
    ("train", "Missing argument"),
    ("train mnist", "data must be one of ring, moons, checkerboard, spiral, digits, or a file"),
    ("train none.npy", "got 'none.npy', which does not exist"),
    ("train nan.npy", "must be finite, got 4 of 16 numbers"),
    ("train inf.npy", "must be finite, got 60 of 60 numbers"),
    ("train complex.npy", "must hold real numbers, got complex numbers"),
    ("train bool.npy", "must hold real numbers, got true and false"),
    ("train words.npy", "must hold real numbers, got type <U1"),
    ("train object.npy", "must hold numbers, got Python objects"),
    ("train one.npy", "must hold at least 2 samples, got 1"),
    ("train line.npy", "must have shape (N, D), or (N, H, W)"),
    ("train five.npy", "got shape (2, 1, 1, 1, 1)"),
    ("train empty.npy", "got shape (0, 2)"),
    ("train same.npy", "must hold samples that differ, got 5 that are equal"),
    ("train big.npy", "make the images smaller"),
    ("train junk.npy", "cannot be read as one"),
    ("train junk.npz", "cannot be read as one"),
    ("train x.dat", "must be a .npy, .npz or .csv file or a folder of images"),
    ("train two.npz", "must hold one array, or one that is named x, got a, b"),
    ("train bad.csv", "numbers alone after its first line, got '3,c' in line 3"),
    ("train ragged.csv", "as many columns in each line, got 1 in line 2 and 2 before"),
    ("train none.csv", "got no line with numbers"),
    ("train folder", "must hold images"),
    ("train x.npy --lr 1", "train has no option --lr: did you mean --learning-rate?"),
    ("train x.npy --epochs=3", "did you mean --steps?"),
    ("train x.npy --stepz 3", "No such option: --stepz (Possible options: "),
    ("train x.npy --steps three", "Invalid value for '--steps'"),
    ("train x.npy --steps 0", "n_steps must be an integer, at least 1, got 0"),
    ("train x.npy --width -1", "width must be an integer, at least 1, got -1"),
    ("train x.npy --seed -1", "seed must be an integer, at least 0, got -1"),
    ("train x.npy --learning-rate 0", "learning_rate must be positive, got 0.0"),
    ("train x.npy --learning-rate nan", "learning_rate must be finite, got nan"),
    ("train x.npy --held-out 1", "held_out must be in [0, 1), got 1.0"),
    ("train x.npy --held-out 0.99", "held_out must leave at least 2 samples, got 0.99 of 30"),
    ("train x.npy --sigma-min 20 --sigma-max 2", "sigma_min must be smaller than sigma_max"),
    ("train x.npy --objective mse", "objective must be one of dsm, eps, ism"),
    ("train x.npy --dtype int8", 'dtype must be "float32" or "float64"'),
    ("train x.npy --backend jax", 'backend must be "numpy" or "cupy"'),
    ("train x.npy --out folder", "folder must be the name of a file, got a folder"),
    (f"train x.npy --out {os.devnull}", "must be the name of a file, got a device"),
    ("train x.npy --out none/m.npz", "there is no folder none"),
    ("train x.npy --out m.npz", "m.npz exists: add --overwrite to replace it"),
    ("train x.npy --out x.npy --overwrite", "another file than the file x.npy that is read"),
    ("train x.npy --out n.npz --resume", "there is no such file: leave --resume out to start"),
    ("train x.npy --labels y", "--labels must be a file for data of x.npy, got y, which is none"),
    ("train moons --labels y", "--labels must be a file for moons, got y, which is none"),
    ("train two.npz --labels c", "must hold one array, or one that is named x"),
    ("train plain.csv --labels c", "a column of plain.csv, got c: its first line is a, b"),
    ("train x.npy --labels short.npy", "--labels must have shape (N,) = (30,), one per sample"),
    ("train x.npy --labels half.npy", "--labels must be integers or words, got numbers that"),
    ("train x.npy --labels single.npy", "--labels must be of 2 to 1000 classes, got 1"),
    (f"train x.npy --learning-rate 1e30 --out n.npz {QUICK}", "lower learning_rate"),
    ("sample", "Missing argument"),
    ("sample none.npz", "cannot read or write none.npz", 1),
    ("sample x.npy", "must be a refsgm model"),
    ("sample m.npz --sampler euler2", "sampler must be one of annealed-langevin"),
    ("sample m.npz -n 0", "n must be an integer, at least 1, got 0"),
    ("sample m.npz --steps 9", "annealed-langevin has no use for --steps: its options are"),
    ("sample m.npz --sampler heun --eta 1", "heun has no use for --eta"),
    ("sample m.npz --sampler ddim --eta 2", "eta must be in [0, 1]"),
    ("sample m.npz --step-size 100", "sampling diverged: after "),
    ("sample m.npz --label 3", "label must be None for a model that was trained without labels"),
    ("sample m.npz --guidance 2", "--guidance needs a --label"),
    ("sample labelled.npz --label 7", "label must be one of 0, 1, 2, got 7"),
    ("sample labelled.npz --label 1 --guidance -1", "guidance must be zero or positive"),
    ("sample m.npz --num-samples 9", "sample has no option --num-samples: did you mean -n?"),
    ("sample m.npz --out m.npz --overwrite", "must be another file"),
    ("sample m.npz --out s.txt", "--out must end in .npy or .csv"),
    ("sample m.npz --plot p.xyz", "--plot must end in .png, .pdf, .svg, got p.xyz"),
    ("sample odd.npz --plot p.png", "needs 2-D data or square images"),
    ("sample m.npz --plot folder", "folder must be the name of a file, got a folder"),
    ("info none.npz", "cannot read or write none.npz", 1),
    ("info x.npy", "must be a refsgm model"),
    ("compare x.npy", "Missing argument"),
    ("compare x.npy none.npy", "got 'none.npy', which does not exist"),
    ("compare x.npy five_d.npy", "must hold samples of one shape, at least 4 each, got 30 of"),
    ("demo --steps 0", "Invalid value for '--steps'"),
    ("demo --out x.npy", "cannot read or write x.npy", 1),
    ("scorecard --digits none.npz", "cannot read or write none.npz", 1),
    ("--verbose", "--verbose goes with --version"),
    ("--lr", "No such option"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the files above and three small models."""
    place = tmp_path_factory.mktemp("wrong")
    for name, content in FILES.items():
        if content is None:
            (place / name).mkdir()
        elif isinstance(content, bytes):
            (place / name).write_bytes(content)
        elif isinstance(content, dict):
            np.savez(place / name, **content)
        else:
            np.save(place / name, content, allow_pickle=True)
    small = {"n_steps": 3, "width": 4}
    save_model(place / "m.npz", refsgm.train(POINTS, **small))
    save_model(place / "odd.npz", refsgm.train(normal(2, 9, 3), **small))
    save_model(place / "labelled.npz", refsgm.train(POINTS, np.arange(30) % 3, **small))
    return place


@pytest.mark.parametrize(("typed", "words", "code"), [(*use, 2)[:3] for use in WRONG],
                         ids=[use[0] for use in WRONG])
def test_a_wrong_use_is_refused_in_one_line_and_writes_nothing(folder, monkeypatch, typed, words,
                                                               code):
    monkeypatch.setenv("COLUMNS", "200")
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    _, errors = run(*typed.split(), cwd=folder, code=code)
    assert len([line for line in errors.splitlines() if words in line]) == 1, errors
    (folder / "n.checkpoint.npz").unlink(missing_ok=True)           # of a run that ran away
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before
