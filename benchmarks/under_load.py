"""Claim: with all processors busy, a step and the demo take at most 2.5 times as long as without.

    make bench        or        python benchmarks/under_load.py [--json FILE]

Quiet and busy turns alternate; the load is made here. A fair system leaves one thread two thirds of
a processor, and two threads half of one each, so that 1.5 to 2 times is all that can be had.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager

from in_turn import ask, case_list, started
from machine import busy, described, used_by_others
from processors import processors

CASES = case_list([(128, 2, 128), (256, 64, 512)], ("batch", "dim", "width"), ("float32",))
TURNS, DEMO_STEPS, DEMO_TURNS = 5, 600, 2
STEP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "training_step.py")


@contextmanager
def load():
    """A process on each processor that does nothing but use it."""
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"])
                 for _ in range(processors())]
    try:
        time.sleep(0.3)
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def demo_seconds():
    """How long `refsgm demo` takes with few steps."""
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-m", "refsgm", "demo", "--steps", str(DEMO_STEPS), "--out",
                        folder], check=True, capture_output=True)
        return time.perf_counter() - begun


def quiet_and_busy(measure, turns):
    """Median of what is measured alone, and under load, in turn."""
    alone, beside = [], []
    for _ in range(turns):
        alone.append(measure())
        with load():
            beside.append(measure())
    return statistics.median(alone), statistics.median(beside)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", help="also write the figures to this file")
    options = parser.parse_args()
    print(*described(processors()), sep="\n")
    begun, before, rows = time.perf_counter(), busy(), []
    time.sleep(1)
    others = used_by_others(before, busy()) / (time.perf_counter() - begun)
    if others > 0.1:
        sys.exit(f"under load already: others use {others:.2f} processors, so there is no ratio")
    sys.argv = [STEP]
    engine = started("refsgm", processors())
    for case in CASES:
        case |= {"device": "cpu"}
        alone, beside = quiet_and_busy(
            lambda case=case: statistics.median(ask(engine, case)), TURNS)
        rows.append(case | {"quiet, s": alone, "busy, s": beside})
        print(*case.values(), f"{alone * 1e3:.2f} ms quiet, {beside / alone:.2f} times that under "
                              f"load (claimed: at most 2.5)", flush=True)
    engine.stdin.close()
    engine.wait()
    alone, beside = quiet_and_busy(demo_seconds, DEMO_TURNS)
    rows.append({"demo": DEMO_STEPS, "quiet, s": alone, "busy, s": beside})
    print(f"refsgm demo --steps {DEMO_STEPS}: {alone:.1f} s quiet, {beside / alone:.2f} times that "
          f"under load (claimed: at most 2.5)")
    if options.json:
        with open(options.json, "w") as file:
            json.dump(rows, file, indent=1)


if __name__ == "__main__":
    main()
