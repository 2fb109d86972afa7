"""Claim: the exact mixture score takes at most 512 MiB beyond its inputs, at any size.

    python benchmarks/mixture_memory.py

Every size in a process of its own, with two threads: the peak of resident memory in the first call,
less what was resident before it (on Linux).
"""

import os
import resource
import subprocess
import sys

SIZES = [(64, 1797, 64, 0), (256, 20000, 64, 0), (256, 20000, 784, 0), (256, 20000, 784, 100),
         (4096, 20000, 784, 100), (4096, 100000, 64, 0), (100000, 2000, 8, 0), (16, 10**6, 64, 100)]
SIGMA = 0.5


def peak(B, K, D, shift):
    """MiB above the inputs."""
    import numpy as np

    import refsgm
    rng = np.random.default_rng(0)
    points = rng.standard_normal((K, D)) + shift
    x = points[rng.integers(K, size=B)] + SIGMA * rng.standard_normal((B, D))
    with open("/proc/self/statm") as file:
        before = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    refsgm.mixture_score(x, np.full(K, 1 / K), points, SIGMA)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10 - before


def main():
    """One line for each size."""
    limits = {"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"}
    print("queries, points, dimension, distance of the data from the origin: MiB above the inputs")
    for size in SIZES:
        out = subprocess.run([sys.executable, __file__, *map(str, size)], capture_output=True,
                             text=True, check=True, env=os.environ | limits).stdout
        print(*size, sep=", ", end=f": {float(out):.0f}\n", flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(peak(*map(int, sys.argv[1:])))
    else:
        main()
