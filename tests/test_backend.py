"""The switch: two backends, one sentence where one is missing, and no other file that knows it."""

import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import refsgm
from tests.support.device_array import DeviceArray

PACKAGE = pathlib.Path(refsgm.__file__).parent


def test_numpy_is_a_backend():
    place = refsgm.backend("numpy")
    x = np.ones((2, 3))
    assert place.asarray(x) is x
    assert place.to_numpy(x) is x
    assert_array_equal(place.default_rng(5).random(3), np.random.default_rng(5).random(3))
    assert place.synchronize() is None


def test_any_backend_brings_an_array_of_another_home():
    assert_array_equal(refsgm.backend("numpy").to_numpy(DeviceArray(np.arange(3.0))), [0, 1, 2])


def test_the_environment_names_the_backend(monkeypatch):
    monkeypatch.delenv("REFSGM_BACKEND", raising=False)
    assert refsgm.backend().name == "numpy"
    monkeypatch.setenv("REFSGM_BACKEND", "jax")
    with pytest.raises(ValueError, match="got 'jax'"):
        refsgm.backend()


def test_another_name_is_refused():
    with pytest.raises(ValueError, match=r'^backend must be "numpy" or "cupy", got \'jax\'$'):
        refsgm.backend("jax")


def run(program):
    """Standard output of a Python program."""
    return subprocess.run([sys.executable, "-c", program], check=True, text=True,
                          capture_output=True).stdout.strip()


def test_a_missing_cupy_is_one_sentence_that_says_how_to_get_it():
    assert run("import sys; sys.modules['cupy'] = None\n"
               "import refsgm\n"
               "try: refsgm.backend('cupy')\n"
               "except ModuleNotFoundError as error: print(error)") == \
        "backend cupy needs CuPy: pip install 'cupy-cuda13x[ctk]', " \
        "or cupy-cuda12x for a driver of CUDA 12"


def test_a_missing_gpu_is_one_sentence():
    """With a module in CuPy's place that fails as CuPy does where there is no driver."""
    assert run("import sys, types\n"
               "def fail(): raise RuntimeError('no driver')\n"
               "cupy = types.ModuleType('cupy')\n"
               "cupy.cuda = types.SimpleNamespace(runtime=types.SimpleNamespace("
               "getDeviceCount=fail))\n"
               "sys.modules['cupy'] = cupy\n"
               "import refsgm\n"
               "try: refsgm.backend('cupy')\n"
               "except ModuleNotFoundError as error: print(error)") == \
        "backend cupy needs a GPU with its driver, got: no driver"


def test_the_function_is_not_hidden_by_its_module():
    assert run("import refsgm, refsgm.learn.backend\nprint(refsgm.backend('numpy').name)") \
        == "numpy"


def test_two_files_alone_know_the_other_library():
    """The oracle, which judges code of other libraries, names them all."""
    knowing = {path.name for path in PACKAGE.glob("*.py")
               if re.search(r"\bcupy\b", path.read_text())}
    assert knowing <= {"backend.py", "autodiff.py"}


def test_the_mathematics_asks_no_backend():
    """What an array is decides where it is computed."""
    asking = {path.name for path in PACKAGE.rglob("*.py")
              if re.search(r"from \.+backend import", path.read_text())}
    assert asking <= {"__init__.py", "cli.py"}
