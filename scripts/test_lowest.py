"""Run the core tests with the lowest versions that pyproject.toml declares.

    python scripts/test_lowest.py FOLDER [arguments of pytest]

An environment is made in FOLDER, or used again if pyproject.toml is as it was. In it every
requirement `name>=version` of the package and of the extras of its tests is `name==version`.
"""

import os
import pathlib
import re
import subprocess
import sys
import tomllib
import venv

ROOT = pathlib.Path(__file__).resolve().parent.parent
EXTRAS = ("cli", "demo", "exact", "dask", "test")
TESTS = ["autodiff", "cli", "data", "equivalence", "gaussian", "generate", "levels", "networks",
         "objectives", "outputs", "own_data", "plotting", "samplers", "schedules", "steps",
         "training"]


def lowest(project):
    """The requirements of a project, each at its lowest version; those on its own extras left out.

    >>> lowest({"dependencies": ["numpy>=2.0"], "optional-dependencies": {"cli": ["refsgm[demo]"]}})
    ['numpy==2.0']
    """
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *(r for name in EXTRAS for r in extras.get(name, ()))]
    return [re.sub(">=", "==", r) for r in wanted if not r.startswith("refsgm[")]


def main(folder, *arguments):
    """Make the environment, and leave with the exit code of pytest in it."""
    text = (ROOT / "pyproject.toml").read_text()
    requirements = lowest(tomllib.loads(text)["project"])
    python, done = pathlib.Path(folder) / "bin" / "python", pathlib.Path(folder) / "with-lowest"
    if not done.exists() or done.read_text() != "\n".join(requirements):
        venv.create(folder, clear=True, with_pip=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *requirements], check=True)
        done.write_text("\n".join(requirements))
    tests = [f"tests/test_{name}.py" for name in TESTS]
    return subprocess.run([python.absolute(), "-m", "pytest", "-q", *(arguments or tests)],
                          cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
