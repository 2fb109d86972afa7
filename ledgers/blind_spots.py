"""What hides from `check`, and what it refuses unjustly: lists of wrong and of right functions.

    python -m ledgers.blind_spots [--seeds N] [--misses]

before       wrong functions written against plain probes, before there were others
gradients    functions of PyTorch that are wrong in their gradients alone
after, last  wrong functions written against the probes at edges and at random: `after` showed
             defects of these that have been mended, `last` was written then
right        spellings that are right, also with torch; none may be refused
"""

import argparse
import importlib.util
import time

import refsgm
from tests.oracle.blind_spots import after, before, last, right


def lists():
    """(name, functions, whether they are right)."""
    groups = [("before", before.WRONG, False), ("after", after.WRONG, False),
              ("last", last.WRONG, False), ("right", right.RIGHT, True)]
    if importlib.util.find_spec("torch"):
        from tests.oracle.blind_spots import gradients, right_torch
        groups += [("gradients, torch", gradients.WRONG, False),
                   ("right, torch", right_torch.RIGHT, True)]
    return groups


def main():
    """A line for each list."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=1, help="seeds of the random probes, 0 to N-1")
    parser.add_argument("--misses", action="store_true", help="name what was judged wrongly")
    given = parser.parse_args()
    for name, functions, is_right in lists():
        start, missed, checks = time.process_time(), [], 0
        for h in functions:
            for seed in range(given.seeds):
                report = refsgm.check(h.kind, h.function, h.framework, seed=seed)
                checks += 1
                if report.ok != is_right:
                    missed.append((h, seed))
        natural = sum(h.natural for h, _ in missed)
        word = "refused" if is_right else f"not caught, {natural} of them natural"
        print(f"{name:18} {len(functions):4} functions, {checks:5} checks: {len(missed):3} {word}; "
              f"{time.process_time() - start:4.0f} s")
        for h, seed in missed if given.misses else ():
            print(f"    {h.kind}: {h.what} (seed {seed})")


if __name__ == "__main__":
    main()
