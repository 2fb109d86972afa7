"""Claim: `import refsgm` costs at most 0.15 s more than importing numpy and autograd, and the first
step of training waits for Numba's kernels at most 3 s where they were never compiled, 0.5 s later.

    make bench        or        python benchmarks/import_time.py

Fresh processes, in turn; the figure is the difference of the medians.
"""

import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile

ROUNDS = 15
TIMED = "import time; begun = time.perf_counter(); {}; print(time.perf_counter() - begun)"


STEP = """import sys; {}
from refsgm.learn.settings import Settings
from refsgm.learn.training import np, start, training_steps
x = np.random.default_rng(0).standard_normal((2000, 2))
steps = training_steps(x, settings := Settings(), start(x, settings))"""
NUMPY_ALONE = "sys.modules['numba'] = None"


def seconds(statement, before="", **environment):
    """How long a statement takes in a fresh process, after the one before it."""
    command = [sys.executable, "-c", f"{before}\n{TIMED.format(statement)}"]
    return float(subprocess.run(command, check=True, capture_output=True, text=True,
                                env=os.environ | environment).stdout)


def first_steps(rounds=5):
    """Seconds of a first step more than NumPy's alone: compiled for the first time, and later."""
    first, later, alone = [], [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            first.append(seconds("next(steps)", STEP.format(""), NUMBA_CACHE_DIR=folder))
            later.append(seconds("next(steps)", STEP.format(""), NUMBA_CACHE_DIR=folder))
        alone.append(seconds("next(steps)", STEP.format(NUMPY_ALONE)))
    return [statistics.median(times) - statistics.median(alone) for times in (first, later)]


def main():
    base, full = zip(*[(seconds("import numpy, autograd, autograd.numpy"), seconds("import refsgm"))
                       for _ in range(ROUNDS)])
    extra = statistics.median(full) - statistics.median(base)
    print(f"import refsgm: {extra:+.3f} s beyond numpy and autograd (at most 0.150)")
    if importlib.util.find_spec("numba"):
        first, later = first_steps()
        print(f"first step with Numba: {first:+.2f} s the first time (at most 3), "
              f"{later:+.2f} s later (at most 0.5)")
    return extra


if __name__ == "__main__":
    main()
