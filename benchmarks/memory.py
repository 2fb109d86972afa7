"""Claim: a training run's peak of memory is at most 1.3 times that of PyTorch's process.

    make bench        or        python benchmarks/memory.py [--json FILE]

50 steps in a process of its own, libraries included: the peak of what it held in memory.
"""

import argparse
import json
import resource
import subprocess
import sys

from in_turn import case_list
from training_step import refsgm_step, torch_step

ENGINES = {"refsgm": refsgm_step, "torch": torch_step}
CASES = case_list([(2048, 2, 256)], ("batch", "dim", "width"))
STEPS = 50


def peak(engine, case):
    """MiB that a process holds at most, running its engine; asked of a fresh process."""
    command = [sys.executable, __file__, "--one", engine, json.dumps(case)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", help="also write the figures to this file")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        step = ENGINES[options.one[0]](json.loads(options.one[1]))
        for _ in range(STEPS):
            step()
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return
    print("Peak of memory of a training run, against PyTorch's process")
    rows = []
    for case in CASES:
        case |= {"device": "cpu"}
        peaks = {engine: peak(engine, case) for engine in ENGINES}
        ratio = peaks["refsgm"] / peaks["torch"]
        rows.append(case | {"refsgm / torch": ratio, "peaks, MiB": peaks})
        print(*case.values(), f"refsgm / torch: {ratio:.2f} (claimed: at most 1.3)")
    if options.json:
        with open(options.json, "w") as file:
            json.dump(rows, file, indent=1)


if __name__ == "__main__":
    main()
