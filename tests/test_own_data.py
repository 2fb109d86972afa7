"""Data of one's own: what is read, what is refused, and samples in the form of the data."""

import os
import pathlib
import re
import sys

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from refsgm.app import cli, own_data, sample_files
from refsgm.learn.form import Form
from refsgm.learn.checkpoints import load_model

Image = pytest.importorskip("PIL.Image")
RNG = np.random.default_rng(0)
POINTS = RNG.standard_normal((6, 2))
IMAGES = RNG.integers(0, 256, (6, 4, 5), dtype=np.uint8)
COLOURS = RNG.integers(0, 256, (6, 3, 4, 3), dtype=np.uint8)


def write_folder(name, images):
    os.mkdir(name)
    for i, image in enumerate(images):
        Image.fromarray(image).save(os.path.join(name, f"{i}.png"))


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("name", "content", "expected"), [
    ("x.npy", POINTS, POINTS), ("x.npy", IMAGES, IMAGES), ("x.npy", COLOURS, COLOURS),
    ("x.npz", {"x": POINTS, "y": IMAGES}, POINTS), ("x.npz", {"data": IMAGES}, IMAGES),
    ("x.csv", "a,b\n1,2\n3,4.5\n", [[1, 2], [3, 4.5]]), ("x.csv", "1;2\n3;4\n", [[1, 2], [3, 4]]),
    ("x.tsv", "1\t2\n3\t4\n", [[1, 2], [3, 4]]), ("x.txt", "1 2\n\n3  4\n", [[1, 2], [3, 4]]),
    ("x.csv", "\ufeffheight\n1\n2\n", [[1], [2]]),
    ("grey", IMAGES, IMAGES), ("colour", COLOURS, COLOURS)])
def test_every_kind_of_file_is_read_with_its_shape_and_type(here, name, content, expected):
    """The numbers are those of the file, whole; the form is that of a sample."""
    ending = os.path.splitext(name)[1]
    if not ending:
        write_folder(name, content)
    elif isinstance(content, str):
        (here / name).write_text(content)
    elif ending == ".npz":
        np.savez(name, **content)
    else:
        np.save(name, content)
    expected = np.array(expected)
    x, form, _ = own_data.read(name)
    assert_array_equal(x, expected.reshape(len(expected), -1))
    assert x.dtype == np.float64
    assert form.shape == expected.shape[1:]
    assert (form.low, form.high) == (expected.min(), expected.max())
    if not isinstance(content, str):
        assert form.dtype == expected.dtype.name


NAN = np.where(np.eye(3) > 0, np.nan, 1.0)
WRONG = [
    ("x.npy", NAN, "must be finite, got 3 of 9 numbers that are infinite or not a number"),
    ("x.npy", POINTS + 1j, "must hold real numbers, got complex numbers"),
    ("x.npy", POINTS > 0, "must hold real numbers, got true and false"),
    ("x.npy", np.array([["a", "b"], ["c", "d"]]), "must hold real numbers, got type <U1"),
    ("x.npy", np.array([[{}, 1], [2, 3]], object), "must hold numbers, got Python objects"),
    ("x.npy", np.zeros(5), "must have shape (N, D), or (N, H, W)"),
    ("x.npy", np.zeros((2, 2, 2, 2, 2)), "got shape (2, 2, 2, 2, 2)"),
    ("x.npy", np.zeros((0, 2)), "got shape (0, 2)"),
    ("x.npy", np.zeros((1, 2)), "must hold at least 2 samples, got 1"),
    ("x.npy", np.ones((9, 2)), "must hold samples that differ, got 9 that are equal"),
    ("x.npy", np.zeros((2, 200, 200), np.uint8), "make the images smaller"),
    ("x.npy", "1,2\n3,4\n", "cannot be read as one"),
    ("x.npz", "junk", "cannot be read as one"),
    ("x.dat", "junk", "must be a .npy, .npz or .csv file or a folder of images"),
    ("x.csv", "a,b\n1,2\n3,c\n", "numbers alone after its first line, got '3,c' in line 3"),
    ("x.csv", "1,2\n3\n", "as many columns in each line, got 1 in line 2 and 2 before"),
    ("x.csv", "a,b\n", "got no line with numbers"), ("x.csv", "", "got no line with numbers"),
    ("x.csv", "1,nan\n2,3\n", "must be finite, got 1 of 4"),
    ("x.csv", b"\xff\xfe\x00", "must be a text file"),
    ("folder", [], "must hold images"),
    ("folder", [IMAGES[0], COLOURS[0]], "must have one size"),
    ("none.npy", None, "none.npy"),
]


@pytest.mark.parametrize(("name", "content", "words"), WRONG)
def test_what_cannot_be_trained_on_is_refused_in_one_sentence(here, monkeypatch, capsys, name,
                                                              content, words):
    """Exit 2, one line that names the file, nothing written, and no advice to unpickle."""
    if isinstance(content, list):
        write_folder(name, content)
    elif isinstance(content, (str, bytes)):
        (here / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    elif content is not None:
        np.save(name, content, allow_pickle=True)
    monkeypatch.setattr(sys, "argv", ["refsgm", "train", name, "--steps", "3"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    line, = capsys.readouterr().err.splitlines()
    assert end.value.code == 2
    assert name in line
    assert words in line
    assert "pickle" not in line
    assert os.listdir() == ([name] if content is not None else [])


def test_an_archive_with_several_arrays_needs_one_that_is_named_x(here):
    np.savez("x.npz", a=POINTS, b=POINTS)
    with pytest.raises(ValueError, match=r"must hold one array, or one that is named x, got a, b"):
        own_data.read("x.npz")


@pytest.mark.parametrize(("array", "plot"), [(IMAGES, "p.png"), (COLOURS, "p.pdf"),
                                             (1000 * POINTS, "p.svg"),
                                             (IMAGES[:, :4, :4] / 255, "p.png")])
def test_samples_have_the_shape_the_range_and_the_type_of_the_data(here, monkeypatch, capsys, array,
                                                                   plot):
    """From the file through the model to the samples, and a picture in its own format."""
    np.save("x.npy", array)
    for command in ("train x.npy --out m.npz --steps 20 --width 8 --sigma-max 1e6",
                    f"sample m.npz -n 5 --sampler heun --steps 10 --plot {plot}"):
        monkeypatch.setattr(sys, "argv", ["refsgm", *command.split()])
        with pytest.raises(SystemExit) as end:
            cli.main()
        assert not end.value.code
    samples, said = np.load("samples.npy"), capsys.readouterr()
    assert samples.dtype == array.dtype
    assert samples.shape == (5, *array.shape[1:])
    assert np.std(samples) > np.std(array) / 4
    if array.ndim > 2:
        assert array.min() <= samples.min() < samples.max() <= array.max()
    assert " noise levels from 1e+06 to " in said.err
    assert "note: sigma_max = 1e+06 is large for data whose samples are up to " in said.err
    assert f"x.npy: 6 samples of shape {array.shape[1:]}, {array.dtype}" in said.err
    head = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}[plot[2:]]
    assert (here / plot).read_bytes().startswith(head)
    assert load_model("m.npz").form["dtype"] == array.dtype.name


def test_whole_numbers_are_rounded_and_points_are_not_clipped():
    x = np.array([[-7.0, 1.6], [300.0, 0.4]])
    whole, real = (Form((2,), name, 0.0, 255.0, 60.0).like_data(x) for name in ("uint8", "float32"))
    assert_array_equal(whole, np.array([[0, 2], [255, 0]], np.uint8), strict=True)
    assert_array_equal(real, x.astype(np.float32), strict=True)


@pytest.mark.parametrize(("out", "plot", "shape", "words"), [
    ("s.png", None, (2,), "--out must end in .npy or .csv"),
    ("s.csv", None, (4, 5), "--out must end in .npy for samples of shape (4, 5)"),
    ("s.npy", "p.xyz", (2,), "--plot must end in .png, .pdf, .svg, got p.xyz"),
    ("s.npy", "p.png", (1,), "--plot needs 2-D data or square images"),
    ("s.npy", "p.png", (3,), "--plot needs 2-D data or square images"),
    ("s.npy", "p.png", (4, 4, 2), "got samples of shape (4, 4, 2)")])
def test_a_name_that_ends_in_another_format_is_refused(out, plot, shape, words):
    with pytest.raises(ValueError) as error:
        sample_files.check_endings(out, plot, Form(shape, "float32", 0.0, 1.0, 0.3))
    assert words in str(error.value)


def test_pictures_are_drawn_in_the_range_of_the_data():
    """Black is the lowest pixel and white the highest, whatever they are."""
    from refsgm.app.plotting import panels, picture_grid
    for low, high in ((0.0, 255.0), (-1.0, 1.0), (0.0, 1.0)):
        images = np.stack([np.full((2, 3), low), np.full((2, 3), high)])
        canvas = picture_grid(images, (low, high), panels(1, 1, (1, 1))).images[0].get_array()
        assert_array_equal(canvas[1:3, 1:4], 0)
        assert_array_equal(canvas[1:3, 5:8], 1)


def test_the_page_about_own_data_runs_and_its_levels_are_those_of_the_data(capsys):
    """The programs of docs/own_data.md, one after the other: data far away and 300 wide."""
    page = (pathlib.Path(__file__).parent.parent / "docs" / "own_data.md").read_text()
    names = {}
    for program in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(program, names)
    assert 3 < names["model"].sigmas[0] / 300 < 12
    assert names["ratio"] < 3
