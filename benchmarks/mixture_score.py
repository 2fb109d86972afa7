"""Time and memory of the exact mixture score, against PyTorch eager and against matrix products.

    python benchmarks/mixture_score.py [--json FILE]

For every size each engine runs in a process of its own, in turn, with two threads; the figures are
ratios of medians. PyTorch computes the same formula in its matrix-product form, without centring.
"products" are the two matrix products alone, in NumPy. Memory is the peak of resident memory, less
what was resident before the first call; it is measured at larger sizes too (on Linux).
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time

SIZES = [(64, 1797, 64, 0), (256, 20000, 64, 0), (256, 20000, 784, 0), (256, 20000, 784, 100)]
LARGE = [(4096, 20000, 784, 100), (4096, 100000, 64, 0), (100000, 2000, 8, 0), (16, 10**6, 64, 100)]
NAMES = "queries, points, dimension, distance of the data from the origin"
ENGINES = ("refsgm", "torch", "products")
ROUNDS, SIGMA = 5, 0.5


def function(engine, x, points):
    """A function without arguments that the clock is put on."""
    import numpy as np
    K = len(points)
    if engine == "refsgm":
        import refsgm
        weights = np.full(K, 1 / K)
        return lambda: refsgm.mixture_score(x, weights, points, SIGMA)
    if engine == "products":
        return lambda: (x @ points.T) @ points
    import torch
    torch.set_num_threads(2)
    x, points = torch.from_numpy(x), torch.from_numpy(points)

    def score():
        square = (x**2).sum(1, keepdim=True) - 2 * x @ points.T + (points**2).sum(1)
        r = torch.softmax(-square / (2 * SIGMA**2), dim=1)
        return (r @ points - x) / SIGMA**2
    return score


def measure(engine, B, K, D, shift, calls):
    """Median seconds of a call, and the peak of memory above the inputs in MiB."""
    import numpy as np
    rng = np.random.default_rng(0)
    points = rng.standard_normal((K, D)) + shift
    x = points[rng.integers(K, size=B)] + SIGMA * rng.standard_normal((B, D))
    call = function(engine, x, points)
    with open("/proc/self/statm") as file:
        before = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    call()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10 - before
    seconds = []
    while len(seconds) < calls or (sum(seconds) < 1.0 and 1 < len(seconds) < 200):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds), peak


def run(engine, size, calls):
    """`measure` in a process of its own."""
    return json.loads(subprocess.run(
        [sys.executable, __file__, "--one", engine, *map(str, size), str(calls)],
        capture_output=True, text=True, check=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"}).stdout)


def show(row):
    print("  ".join(f"{k}: {v if isinstance(v, tuple) else format(v, '.2f')}"
                    for k, v in row.items()), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", help="also write the figures to this file")
    parser.add_argument("--one", nargs=6, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one[0], *map(int, options.one[1:]))))
        return
    results = []
    for size in SIZES:
        runs = {engine: [] for engine in ENGINES}
        for _ in range(ROUNDS):
            for engine in ENGINES:
                runs[engine].append(run(engine, size, 5))
        median = {e: statistics.median(s for s, _ in runs[e]) for e in ENGINES}
        results.append({NAMES: size, "refsgm / torch": median["refsgm"] / median["torch"],
                        "refsgm / products": median["refsgm"] / median["products"],
                        "peak above inputs, MiB": max(peak for _, peak in runs["refsgm"])})
        show(results[-1])
    for size in LARGE:
        results.append({NAMES: size, "peak above inputs, MiB": run("refsgm", size, 1)[1]})
        show(results[-1])
    if options.json:
        with open(options.json, "w") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
