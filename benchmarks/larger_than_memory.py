"""The score of more points than memory holds: from a file, and from Dask's worker processes.

    python benchmarks/larger_than_memory.py [--gib 4] [--folder FOLDER]

Writes that many GiB of points (float32, D = 784) into a temporary file, scores 64 queries among
them in a process of its own, and reports the peak of that process's memory beyond the pages of the
file (Linux tells them apart). A tenth as many go through a Dask array, whose blocks two worker
processes of a local cluster read from the file, and are compared with the same points in memory.
The file is deleted at the end.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

import numpy as np

import refsgm

D, SIGMA, QUERIES, BLOCK = 784, 10.0, 64, 2**14       # at this sigma many points have a share


def write_points(path, rows):
    """Points (rows, D) on disk, block by block, and queries near some of the first ones."""
    rng = np.random.default_rng(0)
    points = np.lib.format.open_memmap(path, "w+", np.float32, (rows, D))
    for i in range(0, rows, BLOCK):
        points[i:i + BLOCK] = rng.standard_normal((min(BLOCK, rows - i), D), dtype=np.float32)
    points.flush()


def queries(path):
    """Points with noise (QUERIES, D), from the first rows of the file."""
    noise = SIGMA * np.random.default_rng(1).standard_normal((QUERIES, D))
    return np.load(path, mmap_mode="r")[:QUERIES] + noise


def resident():
    """Resident memory of this process in MiB that is not pages of a file."""
    with open("/proc/self/status") as file:
        fields = dict(line.split(":") for line in file)
    return int(fields["RssAnon"].split()[0]) / 1024


def score_file(path):
    """Seconds, and the peak of `resident` while the points of a file are scored."""
    x, peak, done = queries(path), [resident()], threading.Event()

    def watch():
        while not done.wait(0.005):
            peak.append(resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    score = refsgm.Empirical(np.load(path, mmap_mode="r")).perturb(SIGMA).score(x)
    seconds = time.perf_counter() - start
    done.set()
    watcher.join()
    assert score.shape == x.shape
    assert np.all(np.isfinite(score))
    return {"seconds": seconds, "peak, MiB": max(peak)}


def largest_difference(path, rows, size=BLOCK):
    """Largest relative difference of any entry, from two worker processes and from memory."""
    import dask.array as da
    from distributed import Client, LocalCluster
    x, on_disk = queries(path), np.load(path, mmap_mode="r")
    want = refsgm.Empirical(np.array(on_disk[:rows])).perturb(SIGMA).score(x)
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True,
                      dashboard_address=None) as cluster, Client(cluster):
        def block(block_info=None):
            (start, stop), _ = block_info[None]["array-location"]
            return np.load(path, mmap_mode="r")[start:stop]

        chunks = tuple(min(size, rows - i) for i in range(0, rows, size))
        lazy = da.map_blocks(block, chunks=(chunks, (D,)), dtype=np.float32)
        got = refsgm.Empirical(lazy).perturb(SIGMA).score(x)
    return float(np.max(np.abs(got / want - 1)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gib", type=float, default=4.0, help="size of the file")
    parser.add_argument("--folder", help="where to write it, if not to the system's")
    parser.add_argument("--score", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.score:
        print(json.dumps(score_file(options.score)))
        return
    rows = int(options.gib * 2**30) // (4 * D)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = str(pathlib.Path(folder) / "points.npy")
        write_points(path, rows)
        out = subprocess.run([sys.executable, __file__, "--score", path], capture_output=True,
                             text=True, check=True).stdout
        print(f"{options.gib:g} GiB of points ({rows}, {D}):", json.loads(out), flush=True)
        some = rows // 10
        print(f"two worker processes, {some} points: largest relative difference from memory",
              f"{largest_difference(path, some):.1e}")


if __name__ == "__main__":
    main()
