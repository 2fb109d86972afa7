"""Hostile use, measured: run all of it, or some parts, and print the figures.

    python -m ledgers.torture [fuzz] [files] [kills] [functions] [programs] [--small] [--seed 0]

The exit status is 1 if anything is wrong. All of it takes some minutes.
"""

import argparse
import sys
import tempfile
import time

from . import files, fuzz, kills, limits, options

CALLS, DAMAGES, KILLS, SECONDS = 60_000, 5_000, 30, 1.0
PARTS = ("fuzz", "files", "kills", "functions", "programs")
MOST_UNCLEAR = 0.01                              # of the exceptions in the fuzz


def fuzzed(seed, small):
    """What came of strange arguments."""
    tally, others = fuzz.fuzz(CALLS // small, seed), options.options(small)
    tally.wrong += others.wrong
    tally.unclear += others.unclear
    n = tally.counts + others.counts
    raised = n["refused"] + n["unclear"]
    wrong = [*tally.wrong]
    if n["unclear"] > MOST_UNCLEAR * raised:
        wrong += tally.unclear
    return (f"{sum(n[k] for k in n if k != 'in 80 bits too')} calls: {n['value']} right "
            f"({n['in 80 bits too']} of them against 80 bits too), {n['refused']} refused in one "
            f"sentence that names the argument, {n['unclear']} in other words ("
            f"{n['unclear'] / max(raised, 1):.2%}), {n['hang']} without an end, "
            f"{n['changed']} with changed arguments, {n['wrong']} wrong"), wrong


def damaged(seed, small):
    """What came of damaged files."""
    with tempfile.TemporaryDirectory() as folder:
        refused, unchanged, wrong = files.torture(folder, DAMAGES // small, seed)
    return (f"{2 * (DAMAGES // small)} damaged files: {refused} refused in one sentence, "
            f"{unchanged} with unchanged content, {len(wrong)} wrong"), wrong


def killed(seed, small):
    """What came of kills."""
    counts, wrong = kills.kills(max(KILLS // small, 3), seed)
    by = {how: sum(n for (_, other), n in counts.items() if other == how) for how in kills.SIGNALS}
    return (f"{sum(counts.values())} kills ({', '.join(f'{n} {how}' for how, n in by.items())}): "
            f"{len(wrong)} wrong"), wrong


def limited(which, small):
    """What came of hostile functions or programs."""
    number, longest, largest, wrong = limits.limits(which, SECONDS, every=small)
    return (f"{number} hostile {which}: {number - len({w.partition(':')[0] for w in wrong})} with "
            f"the right exit status in time, at most {longest:.1f} s and {largest:.2f} GiB more "
            f"than for a right one, at a limit of {SECONDS:g} s a call"), wrong


def main():
    """Print the figures of every part, and what is wrong; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)}; all if "
                        "left out")
    parser.add_argument("--small", action="store_true", help="a twentieth of everything")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    unknown = set(given.parts) - set(PARTS)
    if unknown:
        parser.error(f"part must be one of {', '.join(PARTS)}, got {unknown.pop()}")
    small, failed = 20 if given.small else 1, False
    for part in given.parts or PARTS:
        start = time.monotonic()
        words, wrong = {"fuzz": lambda: fuzzed(given.seed, small),
                        "files": lambda: damaged(given.seed, small),
                        "kills": lambda: killed(given.seed, small)}.get(
                            part, lambda part=part: limited(part, small))()
        print(f"{part:10} {words}, {time.monotonic() - start:.0f} s", flush=True)
        print("".join(f"    {sentence}\n" for sentence in wrong[:20]), end="", flush=True)
        failed |= bool(wrong)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
