"""What the benchmarks share: every engine in a process of its own, asked in turn, and ratios.

On a shared machine a lone time means little, and what slows it comes and goes within seconds. Each
engine is started once and then waits; the engines are asked in turn, a quarter of a second at a
time, so that the same disturbances meet them all. In every round an engine's median time is divided
by that of the engine it is compared with; the figures are the medians of these ratios over all
rounds. Beside them, in brackets, stand the ratios of the best times. Where others use the cores,
threads that wait for one another measure little but the waiting; --one-thread gives each engine one
thread and counts the processor's time. The column "apart" is the median over all rounds of the
nanoseconds in which a byte goes to the other processor and back (processors.py); --near and --far
count only the rounds in which it stayed below, or above, a number of them.

A round in which other processes used more than a tenth of a processor does not count. Where no such
round is left, the table says so and has no ratio: under load, threads that wait for one another
measure the load.

A script defines its engines, functions of a case (a dict) that return a function without arguments,
which the clock is put on, and calls `main`. Engines whose library is missing are left out.
"""

import argparse
import importlib.util
import json
import operator
import os
import statistics
import subprocess
import sys
import time

from machine import busy, described, load, used_by_others
from processors import processors, round_trip

THREADS, SLICE, WARM_UP = 2, 0.25, 5   # threads per engine, seconds of a turn, steps of a new case
SETTLE = 0.03                          # seconds until the threads of the engine before it sleep
QUIET = 0.1                            # processors that others may use in a round that counts


def main(claim, engines, cases, *, base="torch", most=None, rounds=12, needs=(), beside=()):
    """Compare the engines over the cases: a table on standard output, and JSON if asked for.

    claim    first line of the output
    engines  name -> function of a case; the first is refsgm
    cases    list of dicts, whose entries are columns of the table
    base     engine that the ratios of the others are relative to
    most     (median, worst) of refsgm's ratio that the claim allows, for the summary
    needs    engine -> module that it needs
    beside   pairs of engines whose ratio is shown too
    """
    parser = argparse.ArgumentParser(description=claim)
    parser.add_argument("--json", help="also write the figures to this file")
    parser.add_argument("--rounds", type=int, default=rounds, help="turns per case")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--one-thread", action="store_true", help="time of the processor, not of "
                        "the clock, with one thread per engine: for a busy machine")
    parser.add_argument("--only", type=int, nargs="*", help="numbers of the cases to run, from 0")
    parser.add_argument("--near", type=float, default=float("inf"), metavar="NS",
                        help="count rounds with the processors at most so far apart")
    parser.add_argument("--far", type=float, default=0.0, metavar="NS",
                        help="count rounds with the processors at least so far apart")
    parser.add_argument("--any-load", action="store_true", help="count rounds under load too")
    parser.add_argument("--serve", choices=engines, help=argparse.SUPPRESS)
    options = parser.parse_args()
    clock = time.process_time if options.one_thread else time.perf_counter
    if options.serve:
        serve(engines[options.serve], clock)
        return
    there = [e for e in engines if importlib.util.find_spec(dict(needs).get(e, "sys"))]
    if base not in there:
        sys.exit(f"this benchmark needs {base}: pip install -e '.[bench]'")
    cases = [case | {"device": options.device} for i, case in enumerate(cases)
             if options.only is None or i in options.only]
    if options.far > 0 and processors() < 2:
        sys.exit("--far needs two processors, and this process may use one")
    pairs = [(e, base) for e in there if e != base] + [p for p in beside if {*p} <= {*there}]
    threads = 1 if options.one_thread else min(THREADS, processors())
    print(f"{claim}, {threads} thread{'s' * (threads > 1)}", *described(threads), sep="\n")
    titles = [f"{e} / {b}" for e, b in pairs]
    print(" ".join([*(f"{name:>9}" for name in [*cases[0], "apart"]), f"{f'{base}, ms':>12}",
                    *(f"{title:>{max(len(title), 12)}}" for title in titles)]))
    processes, rows = {e: started(e, threads) for e in there}, []
    for case in cases:
        seconds, apart = {e: [] for e in there}, []                  # engine -> times of each round
        loads, ids = [], [process.pid for process in processes.values()]
        for turn in range(6 * options.rounds):
            before, begun, used = round_trip(), time.perf_counter(), busy(ids)
            times = {e: ask(processes[e], case) for e in (there if turn % 2 else there[::-1])}
            loads.append(used_by_others(used, busy(ids)) / (time.perf_counter() - begun))
            after = round_trip()
            if loads[-1] > QUIET and not (options.one_thread or options.any_load):
                continue
            if options.far <= min(before, after) and max(before, after) <= options.near:
                apart.append((before + after) / 2)
                for e in there:
                    seconds[e].append(times[e])
            if len(apart) == options.rounds:
                break
        if not apart:
            why = f"under load: others used {statistics.median(loads):.2f} processors, so there " \
                "is no ratio" if min(loads) > QUIET else \
                "the processors were never so near, or so far apart"
            print(" ".join(f"{value!s:>9}" for value in case.values()), why, flush=True)
            continue
        medians = {e: [statistics.median(times) for times in seconds[e]] for e in there}
        best = {e: min(map(min, seconds[e])) for e in there}
        ratios = {f"{e} / {b}": statistics.median(map(operator.truediv, medians[e], medians[b]))
                  for e, b in pairs}
        rows.append(case | ratios | {"medians": medians, "best": best, "apart": apart,
                                     "used by others": loads})
        shown = [f"{ratios[title]:.2f} ({best[e] / best[b]:.2f})"
                 for title, (e, b) in zip(titles, pairs)]
        print(" ".join([*(f"{value!s:>9}" for value in case.values()),
                        f"{statistics.median(apart):9.0f}",
                        f"{statistics.median(medians[base]) * 1e3:12.3f}",
                        *(f"{ratio:>{max(len(title), 12)}}"
                          for title, ratio in zip(titles, shown))]), flush=True)
    for process in processes.values():
        process.stdin.close()
        process.wait()
    print(f"load after: {load()}")
    for title, (e, b) in zip(titles, pairs) if rows else ():
        claimed = most if title == titles[0] else None
        allowed = f"; claimed: at most {claimed[0]} and {claimed[1]}" if claimed else ""
        ratios = [row[title] for row in rows]
        best = [row["best"][e] / row["best"][b] for row in rows]
        print(f"{title}: median {statistics.median(ratios):.2f} "
              f"({statistics.median(best):.2f}), worst {max(ratios):.2f} ({max(best):.2f})"
              f"{allowed}")
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"claim": claim, "machine": described(threads), "rows": rows}, file, indent=1)


def started(engine, threads):
    """A process that answers for one engine, with as many processors and threads as all others.

    refsgm chooses what it does with them, so it is told nothing where it has more than one.
    """
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    limits = {} if engine.startswith("refsgm") and threads > 1 else \
        {name: str(threads) for name in names}
    process = subprocess.Popen([sys.executable, *sys.argv, "--serve", engine], text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               env={k: v for k, v in os.environ.items() if k not in names} | limits)
    if hasattr(os, "sched_setaffinity") and threads > 1:
        os.sched_setaffinity(process.pid, sorted(os.sched_getaffinity(0))[:threads])
    return process


def ask(process, case):
    """The times of a fraction of a second of a case."""
    process.stdin.write(json.dumps(case) + "\n")
    process.stdin.flush()
    answer = process.stdout.readline()
    if not answer:
        sys.exit("an engine failed; its error is above")
    return json.loads(answer)


def serve(engine, clock):
    """Answer cases from standard input with times, until it ends."""
    asked = step = None
    for line in sys.stdin:
        if line != asked:
            asked, step, seconds = line, engine(json.loads(line)), []
            begun = time.perf_counter()
            for _ in range(WARM_UP):
                step()
                if time.perf_counter() - begun > 4 * SLICE:
                    break
        time.sleep(SETTLE)
        if not seconds or seconds[-1] < SLICE:
            step()                              # it does not count; where a step is long, it would
        seconds = []
        while sum(seconds) < SLICE:
            begun = clock()
            step()
            seconds.append(clock() - begun)
        print(json.dumps(seconds), flush=True)


def case_list(sizes, names, dtypes=("float32", "float64")):
    """Every size with every dtype, as cases."""
    return [dict(zip(names, size)) | {"dtype": dtype} for dtype in dtypes for size in sizes]
