"""Released samplers: their adapters, refsgm certify, and the page that holds what they certify."""

import json
import os
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from numpy.testing import assert_allclose
from typer.testing import CliRunner

from ledgers.mended import FAULTS, mended
from ledgers.released_rows import ROWS, words
from ledgers.released_samplers import DISTRIBUTIONS, errors_of, options, prepare
from ledgers.released_samplers import run as run_jobs
from refsgm.adapters import PACKAGES, adapted, names
from refsgm.app.cli import app

PAGE = (Path(__file__).parents[3] / "docs" / "samplers.md").read_text()


def start_of(row):
    """How its line of the page begins."""
    return f"| `{row.member}` {words(row.settings)} |"


COMPILED = ("diffrax", "gensbi")                        # JAX compiles their loops for seconds
SHOWN = [row for row in ROWS if "own" in row.levels and start_of(row) in PAGE
         and row.package not in COMPILED and f"## {DISTRIBUTIONS[row.package]} " in PAGE]
CURRENT = [row for row in SHOWN if row.package != "diffusers"][::6]
CURRENT += [row for row in SHOWN if row.package == "diffusers"][::12]
SAMPLER = '''
def euler(f, x, sigmas, rng, factor=1.0):
    for t, s in zip(sigmas[:-1], sigmas[1:]):
        x = x + factor * (t - s) * t * f(x, t)
    return x
'''


def test_there_are_a_dozen_rows():
    """Of at least five packages."""
    assert len(CURRENT) >= 12
    assert len({row.package for row in CURRENT}) >= 5


@pytest.mark.filterwarnings("ignore::DeprecationWarning")           # 16,000 of NumPy in diffusers
@pytest.mark.parametrize("row", CURRENT, ids=[row.key for row in CURRENT])
def test_a_row_of_the_page_is_current(row):
    """[POP-3] Its errors at 20 and 50 steps, on the sampler's own levels, as they are printed."""
    try:
        installed = version(DISTRIBUTIONS[row.package])
    except PackageNotFoundError:
        pytest.skip(f"{row.package} is not installed")
    table = re.search(rf"## {re.escape(DISTRIBUTIONS[row.package])} (\S+)\n(.*?)(?=\n## |\Z)", PAGE,
                      re.DOTALL)
    if table[1] != installed:
        pytest.skip(f"the page is of {row.package} {table[1]}, and {installed} is installed")
    line = next(a for a in table[2].splitlines() if a.startswith(start_of(row)))
    printed = [float(cell.strip(" %")) for cell in line.split("|")[6:8] if cell.strip()]
    assert_allclose(errors_of(row), printed, rtol=0.06, atol=5e-4)      # two digits are printed


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.title for fault in FAULTS])
def test_the_pieces_that_are_mended_are_in_the_installed_code(fault):
    """As often as is said, so that a fault which a release has mended leaves the page."""
    package = fault.rows[0].package
    if package in COMPILED:
        pytest.skip("JAX compiles for seconds")
    try:
        installed = version(DISTRIBUTIONS[package])
    except PackageNotFoundError:
        pytest.skip(f"{package} is not installed")
    if f"## {DISTRIBUTIONS[package]} {installed}\n" not in PAGE:
        pytest.skip(f"the page is of another {package}")
    prepare(fault)
    with mended(fault.module, fault.changes) as copy:
        assert copy.__name__ == fault.module


def test_a_row_that_fails_or_dies_says_why():
    """And the others are kept."""
    def job(i):
        if i == 1:
            raise ValueError("no such levels")
        if i == 2:
            os._exit(7)
        return {"value": i}
    kept = {}
    run_jobs([(str(i), job, i) for i in range(4)], kept.__setitem__)
    assert kept["1"]["failed"] == "ValueError: no such levels"
    assert kept["2"]["failed"] == "its process ended with exit code 7"
    assert [kept[i]["value"] for i in "03"] == [0, 3]


def test_the_rows_that_are_asked_for_are_read_from_the_command_line():
    """Packages, a text, and whether to begin again; anything else is refused."""
    assert options(["--again", "azula", "--only", "DDIM"]) == (True, ["azula"], "DDIM")
    assert options([]) == (False, [], "")
    with pytest.raises(SystemExit, match="arguments must be --again, --only TEXT or packages"):
        options(["all"])


def test_names_of_another_form_are_refused():
    """In one sentence, with what is required."""
    for name, message in (("Euler", "name must be package:object"),
                          ("other:Euler", "package must be one of diffusers"),
                          ("none.py:euler", "name must start with a file that exists")):
        with pytest.raises(ValueError, match=message):
            adapted(name)
    with pytest.raises(ValueError, match='levels must be "given" or "own"'):
        adapted("azula:EulerSampler", levels="mine")
    with pytest.raises(ValueError, match="package must be one of diffusers"):
        names("other")


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_every_package_has_names_that_are_adapted(package):
    """The first of them, to a function and options of check_sampler."""
    try:
        name = names(package)[0]
        sampler, chosen = adapted(name)
    except ImportError as error:
        pytest.skip(str(error))
    assert callable(sampler)
    assert chosen["framework"] in ("torch", "numpy")


def run(*arguments):
    """refsgm certify in this process: its exit code and what it prints."""
    result = CliRunner().invoke(app, ["certify", *arguments])
    return result.exit_code, result.output


def test_a_file_is_certified_on_the_command_line(tmp_path, monkeypatch):
    """As text, as JSON, with settings; exit 1 where it is wrong."""
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(SAMPLER)
    code, text = run("mine.py:euler")
    assert code == 0, text
    assert "no order is claimed" in text
    code, text = run("mine.py:euler", "--json", "--claimed-order", "2")
    assert code == 1
    assert json.loads(text)["problems"], text
    code, text = run("mine.py:euler", "--set", "factor=2.0")
    assert code == 1
    assert "reverse SDE" in text


def test_a_whole_package_is_a_table_with_a_picture(tmp_path):
    """One line for each sampler, and a file that is a picture."""
    pytest.importorskip("matplotlib")
    try:
        version("smalldiffusion")
    except PackageNotFoundError:
        pytest.skip("smalldiffusion is not installed")
    picture = tmp_path / "errors.png"
    code, text = run("smalldiffusion", "--plot", str(picture))
    assert code == 0, text
    assert "smalldiffusion:samples  certified   0.9" in text
    assert picture.read_bytes()[:4] == b"\x89PNG"
