"""Hostile functions and programs: each gets its exit status in time, and nothing of it is left.

    python -m ledgers.torture functions programs [--seconds 2]

Time: at most twice the limit of a call beyond what a right function takes, one that starts as many
processes if they are started in every call: else their start would be measured. Memory: that of the
command and of all that it waits for, at most 1 GiB beyond that of a right function. What a function
or program started has ended with the verdict, unless it began a session of its own.
"""

import os
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import NamedTuple

import refsgm.__main__
from refsgm.app import cli
from refsgm.oracle.doors.apart import GRACE
from . import hostile, hostile_processes, hostile_results
from .hostile import BESIDE, IMPORTS
from .programs import BEGINNING, COMMANDS, PROGRAMS

MODULES = (hostile, hostile_processes, hostile_results)
GIB = 2**20                                      # in the KiB that the operating system counts in
LATE = 120.0                                     # seconds after which a command is killed
MARK = "REFSGM_TORTURE"                          # in the environment of all that a command starts


class Result(NamedTuple):
    """What a command did: exit status (None if it was killed for being late), seconds, KiB, what it
    wrote to its output and to its error stream, and the processes that it left."""

    status: int | None
    seconds: float
    memory: int
    output: str
    errors: str
    left: list


def run(arguments, folder):
    """Run `refsgm check gaussian_score` with these arguments, in a copy of this process."""
    mark = f"{os.getpid()}-{time.monotonic_ns()}"
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        start = time.monotonic()
        pid = os.fork()
        if pid == 0:
            become_the_command(arguments, folder, mark, output, errors)
        status, memory = waited_for(pid, start + LATE)
        seconds = time.monotonic() - start
        said, complaint = (text_of(file) for file in (output, errors))
    left = still_there(mark)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    return Result(status, seconds, memory, said, complaint, left)


def text_of(file):
    """What was written to a file, up to a megabyte."""
    file.seek(0)
    return file.read(10**6).decode("utf-8", "replace")


def become_the_command(arguments, folder, mark, output, errors):
    """What the copy does: it never returns. Nothing is imported again, which is most of the time.
    """
    status = 1
    try:
        os.environ |= {MARK: mark, "PYTHONPATH": os.getcwd()}
        os.chdir(folder)
        with open(os.devnull, "r+b") as nothing:
            for file, descriptor in ((nothing, 0), (output, 1), (errors, 2)):
                os.dup2(file.fileno(), descriptor)
        sys.modules["__main__"] = refsgm.__main__            # which processes that it starts import
        sys.argv = ["refsgm", "check", "gaussian_score", *arguments]
        cli.main()
        status = 0
    except SystemExit as end:
        status = end.code or 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def waited_for(pid, deadline):
    """(exit status, peak memory in KiB of it and of all it waited for); None for a late one."""
    late = False
    while True:
        ended, status, usage = os.wait4(pid, os.WNOHANG)
        if ended:
            return None if late else os.waitstatus_to_exitcode(status), usage.ru_maxrss
        if time.monotonic() > deadline and not late:
            late = True
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def still_there(mark):
    """The processes with this mark that do not end within two seconds by themselves."""
    for _ in range(40):
        left = started_with(mark)
        if not left:
            break
        time.sleep(0.05)
    return left


def started_with(mark):
    """The processes that live and have this mark in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}".encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def cases(folder, seconds, which):
    """(name, arguments, exit status) of every function or program."""
    limit = ["--seconds", str(seconds)]
    if which == "functions":
        for module in MODULES:
            for name, status in module.FUNCTIONS.items():
                yield name, [f"{module.__name__}:{name}", *limit], status
        for k, (name, source) in enumerate(IMPORTS.items()):
            path = Path(folder, f"imported_{k}.py")
            path.write_bytes(source.encode("utf-8", "surrogateescape"))
            yield f"import {name}", [f"{path}:f", *limit], 2
        return
    for k, (name, (status, source)) in enumerate(PROGRAMS.items()):
        path = Path(folder, f"program_{k}.py")
        path.write_text(BEGINNING + source)
        yield name, ["--command", f"{sys.executable} {path}", *limit], status
    for name, (status, command) in COMMANDS.items():
        yield f"command {name}", ["--command", command, *limit], status


def limits(which, seconds, every=1):
    """Run hostile functions, or programs; returns (number, longest, largest, what is wrong).

    which    "functions" or "programs"
    seconds  time limit of a call
    every    1 for all of them, n for each n-th
    """
    wrong, longest, largest, number = [], 0.0, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        plain = [run(arguments, folder) for _ in range(2) for name, arguments, _ in [
            ("right", ["ledgers.torture.hostile:right"], 0),
            *([case for case in cases(folder, seconds, which) if case[0] == "answers"])]]
        always, memory = max(r.seconds for r in plain), max(r.memory for r in plain)
        for name, arguments, status in [*cases(folder, seconds, which)][::every]:
            beside = BESIDE.get(name)
            usual = max(always, run([f"ledgers.torture.hostile:{beside}"], folder).seconds
                        if beside else 0.0)
            result, number = run(arguments, folder), number + 1
            longest = max(longest, result.seconds - usual)
            largest = max(largest, result.memory - memory)
            wrong += [f"{name}: {sentence}" for sentence in judged(result, status, seconds, usual,
                                                                   memory)]
    return number, longest, largest / GIB, wrong


def judged(result, status, seconds, usual, memory):
    """What is wrong with a result, sentences."""
    if result.status != status:
        yield f"exit {result.status} and not {status}: {result.errors[-200:]}"
    verdict = {0: "right", 1: "wrong"}.get(status)
    if verdict and f"): {verdict}" not in result.output.partition("\n")[0]:
        yield f"no verdict: {result.output[:100]} {result.errors[-200:]}"
    if status == 2 and "\nrefsgm: " not in f"\n{result.errors}":
        yield f"no sentence: {result.errors[-200:]}"
    if result.seconds > usual + 2 * seconds + GRACE:
        yield f"{result.seconds - usual:.1f} s more than usual"
    if result.memory > memory + GIB:
        yield f"{(result.memory - memory) / GIB:.1f} GiB more than usual"
    if result.left:
        yield f"it leaves {len(result.left)} processes"
