"""Claim: `import refsgm` costs at most 0.15 s more than importing numpy and autograd.

    make bench        or        python benchmarks/import_time.py

Fresh processes, in turn; the figure is the difference of the medians.
"""

import statistics
import subprocess
import sys

ROUNDS = 15
TIMED = "import time; begun = time.perf_counter(); {}; print(time.perf_counter() - begun)"


def seconds(statement):
    """How long an import statement takes in a fresh process."""
    command = [sys.executable, "-c", TIMED.format(statement)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main():
    base, full = zip(*[(seconds("import numpy, autograd, autograd.numpy"), seconds("import refsgm"))
                       for _ in range(ROUNDS)])
    extra = statistics.median(full) - statistics.median(base)
    print(f"import refsgm: {extra:+.3f} s beyond numpy and autograd (at most 0.150)")
    return extra


if __name__ == "__main__":
    main()
