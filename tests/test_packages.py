"""The packages: the source distribution is whole, and a wheel works far from its sources."""

import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tomllib

import pytest
from packaging.requirements import Requirement

from scripts.test_lowest import EXTRAS, lowest

ROOT = pathlib.Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LEFT_OUT = (".*", "build", "dist", "_build", "api", "gallery", "__pycache__", "*.egg-info",
            "refsgm-*", "*.npy", "*.npz")
BUILD = "from setuptools.build_meta import build_{0} as build; print(build({1!r}))"
PROGRAM = """
import sys, refsgm, refsgm.app.demo
from refsgm.__main__ import main
print(refsgm.__file__)
refsgm.app.demo.STEPS_PER_LEVEL, refsgm.app.demo.N_SAMPLES = 2, 40
refsgm.app.demo.DIGITS["width"] = 16
for command in ("train moons --out m.npz --steps 5 --width 8 --points 50", "sample m.npz -n 4",
                "check gaussian_score mine.py:mine", "vectors export vectors --kind perturb",
                "demo --steps 5"):
    sys.argv = ["refsgm", *command.split()]
    try:
        main()
    except SystemExit as end:
        assert not end.code, command
"""

pytestmark = pytest.mark.xdist_group("packages")


def python(code, cwd, **environment):
    """Run a line of Python in a folder; its output."""
    done = subprocess.run([sys.executable, "-c", code], cwd=cwd, text=True, capture_output=True,
                          timeout=300, env=os.environ | environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """A copy of the sources, the source distribution made of it, and the wheel made of that."""
    pytest.importorskip("setuptools", minversion="77")
    folder = tmp_path_factory.mktemp("packages")
    copy = folder / "copy"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*LEFT_OUT))
    shutil.copytree(ROOT / ".ci", copy / ".ci")
    name = python(BUILD.format("sdist", str(folder)), copy).splitlines()[-1]
    with tarfile.open(folder / name) as archive:
        archive.extractall(folder / "sdist", filter="data")
    unpacked, = (folder / "sdist").iterdir()
    name = python(BUILD.format("wheel", str(folder)), unpacked).splitlines()[-1]
    shutil.unpack_archive(folder / name, folder / "wheel", "zip")       # what pip does with it
    return copy, unpacked, folder / "wheel"


def files(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()
            and "egg-info" not in str(path) and "__pycache__" not in str(path)
            and "build" not in path.relative_to(folder).parts}


def test_the_source_distribution_has_every_file_of_the_repository(sources):
    """Tests read the notes, documents and programs; documents read the tests."""
    copy, unpacked, _ = sources
    assert files(copy) - files(unpacked) == set()


def test_a_wheel_does_its_work_outside_the_sources(sources, tmp_path):
    """Training, samples, a check and vectors, from a folder where no source of refsgm lies."""
    *_, wheel = sources
    (tmp_path / "mine.py").write_text("mine = lambda x, mean, sigma: (mean - x) / sigma**2\n")
    where = python(PROGRAM, tmp_path, PYTHONPATH=str(wheel)).splitlines()[0]
    assert where == str(wheel / "refsgm" / "__init__.py")
    assert {"m.npz", "samples.npy", "vectors", "refsgm-demo"} <= set(os.listdir(tmp_path))


def test_every_lower_bound_that_is_declared_is_one_that_is_tested():
    """`make test-lowest` installs exactly the lower bounds, and every requirement has one."""
    extras = PROJECT["optional-dependencies"]
    declared = [Requirement(r) for r in (*PROJECT["dependencies"], *(r for e in EXTRAS
                                                                     for r in extras[e]))]
    bounds = {r.name: str(r.specifier) for r in declared if r.name != "refsgm"}
    assert all(bound.startswith(">=") for bound in bounds.values())
    tested = {r.name: str(r.specifier) for r in map(Requirement, lowest(PROJECT))}
    assert tested == {name: bound.replace(">=", "==") for name, bound in bounds.items()}
