"""Foreign Python code in a process of its own, whose verdict comes whatever the code does.

The process is ended when a call takes too long even for a signal, or too much memory: an endless
loop in C, a crash or an exit is a verdict too. What the code started in its process group is ended
with it.
"""

import contextlib
import difflib
import importlib
import importlib.util
import json
import multiprocessing
import os
import signal
import sys
import threading
import time

from ..calls.trial import A_MOMENT, IMPORTING, TOLD, in_one_line, is_importing, message
from ..doctor.codes import CODES, Diagnosis
from ..report import Report
from .processes import LITTLE, LOOKS, MEMORY, adopt, all_ended, growth, remembered

GRACE = 2.0                           # seconds that a call may go on after its own time limit
PLACES = {"table", "alpha_bar", "wrap", "weight"}        # options that may name a value of a module
TRAINING = "check_training"           # in the place of the name of a kind
BETWEEN = 60.0                        # seconds between two calls, in which answers are judged
IMPORTS, LIBRARIES = 2, 6             # time limits that importing may take, in and of libraries
DEAR = 5                              # times as long as a look at it, at least, between two looks
LONGEST = 2**26                       # bytes of a message
TOO_MUCH = {"timeout": ", and cannot be interrupted", "raises": " of memory at once"}
IMPORT_STAGES = ("import", "library")


def summary(report, as_json=False):
    """(whether it is right, what is printed) of a report: its text, or its plain data as JSON."""
    return report.ok, json.dumps(report.as_dict()) if as_json else str(report)


def in_another_process(contract, target, framework, options, as_json=False):
    """The `summary` of the report on Python code, from a process of its own."""
    with all_ended():
        return verdict_in_time(contract, target, framework, options, as_json)


def verdict_in_time(contract, target, framework, options, as_json):
    """The same, while what the code starts may live."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=judge_here,           # no daemon, as it may start processes
                              args=(there, contract.name, target, framework, options, as_json))
    process.start()
    there.close()
    stage, seconds = "start", options["seconds"]
    limits = {"call": seconds + GRACE, "between": BETWEEN, "import": max(IMPORTS * seconds, GRACE),
              "library": max(LIBRARIES * seconds, IMPORTING)}
    left = dict(limits)                              # of imports, which come in several parts
    memory = None
    unlimited = (contract.name == TRAINING or             # a GPU's driver takes memory of the host
                 options.get("device") not in (None, "cpu"))
    try:
        while True:
            by_call = stage == "between" and framework in ("numpy", "autograd")
            memory = None if unlimited or stage == "library" else remembered(
                memory if stage in ("call", "between") else None, process.pid,
                LITTLE if by_call else MEMORY)       # other libraries load and compile in a call
            start = time.monotonic()
            used_up = waited_for(here, left.get(stage), process, memory)
            if stage in IMPORT_STAGES:
                left[stage] = max(0.0, left[stage] - (time.monotonic() - start))
            if used_up:
                what = "judging what it returned" if stage == "between" else "it"
                much = f"{limits[stage]:g} s" if used_up == "timeout" else f"{MEMORY / 2**30:g} GiB"
                return no_verdict(contract, framework, target, as_json, stage, used_up,
                                  f"{what} takes more than {much}{TOO_MUCH[used_up]}")
            try:
                if not here.poll():
                    raise EOFError           # it has ended, and what it started holds the pipe
                stage, *content = received(here, process)
            except EOFError:
                process.join(GRACE)
                return no_verdict(contract, framework, target, as_json, stage, "raises",
                                  how_it_ended(process.exitcode))
            except Exception:                            # foreign bytes, no message of ours
                return no_verdict(contract, framework, target, as_json, stage, "raises",
                                  "it writes into the pipe of the oracle")
            if stage == "report":
                return tuple(content)
            if stage == "refused":
                raise ValueError(content[0])
    finally:
        end_with_its_children(process)


def waited_for(connection, limit, process, memory):
    """Wait for a message, or the end of the process; the code of what is used up before, or None.

    limit   seconds, or None
    memory  the process's `Memory`, or None where it is not limited
    """
    start, pause = time.monotonic(), LOOKS
    if memory is not None and memory.now - memory.right > MEMORY:
        return "raises"
    while not connection.poll(pause) and process.is_alive():
        if limit is not None and time.monotonic() - start >= limit:
            return "timeout"
        if memory is not None:
            look = time.monotonic()
            if growth(process.pid, memory.right) > MEMORY:
                return "raises"
            pause = max(LOOKS, DEAR * (time.monotonic() - look))
    return None


def received(connection, process):
    """The next message, a list; foreign code may begin one that it does not end."""
    ended = threading.Timer(GRACE, kill, [process])
    ended.daemon = True
    ended.start()
    try:
        return json.loads(connection.recv_bytes(LONGEST))
    finally:
        ended.cancel()


def kill(process):
    """Kill a process that leads a group, and whatever it started."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(OSError):              # it has ended, or is not there yet
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()


def end_with_its_children(process):
    """The same, and wait for it."""
    kill(process)
    process.join()


def how_it_ended(code):
    """An exit code of a process in words; None if it has not ended."""
    if code is None:
        return "it closes the pipe of the oracle"
    if code < 0:
        names = {s.value: s.name for s in signal.Signals}
        return f"it crashes the interpreter: {names.get(-code, f'signal {-code}')}"
    return f"it ends the interpreter with exit code {code}"


def no_verdict(contract, framework, target, as_json, stage, code, sentence):
    """A verdict on code that took its process with it; while it is imported, there is none."""
    if stage in ("start", *IMPORT_STAGES):
        raise ValueError(f"cannot import {target}: {sentence}")
    diagnosis = Diagnosis(code, sentence, contract.tag, CODES[code][1], engine="call",
                          accounts=False)
    return summary(Report(contract.name, framework, [], [diagnosis]), as_json)


def judge_here(connection, kind, target, framework, options, as_json):
    """The other process: import, check, and send the report, saying before each what is done."""
    from ..check import check as judged
    if kind == TRAINING:
        from ..training import check_training

        def judged(kind, fn, framework, **options):
            return check_training(fn, framework, **options)
    if hasattr(os, "setpgid"):
        os.setpgid(0, 0)                             # a group of its own, ended with its children
    adopt(True)                                      # all that it starts stays in its family

    def say(*content):
        with contextlib.suppress(OSError):           # nobody waits for it any more
            connection.send_bytes(json.dumps(content).encode())
    os.dup2(2, 1)                                    # what foreign code prints is not the report

    try:
        say("import")
        with libraries_told(say):
            fn = load(target)
            for name in PLACES & set(options):
                if isinstance(options[name], str) and (name != "weight" or ":" in options[name]):
                    options[name] = value_at(options[name], name.replace("_", "-"))
        say("between")
        TOLD.append(say)
        report = judged(kind, fn, framework, **options)
        ok, text = summary(report, as_json)
        say("report", bool(ok), text)
    except (ValueError, ModuleNotFoundError) as error:
        say("refused", str(error))


@contextlib.contextmanager
def libraries_told(say):
    """Say whenever the import of an installed library begins or ends: it has more time."""
    thread, over, told = threading.get_ident(), threading.Event(), ["import"]

    def tell():
        while not over.wait(A_MOMENT):
            stage = "library" if is_importing(sys._current_frames()[thread], None) else "import"
            if stage != told[-1]:
                told.append(stage)
                say(stage)
    watch = threading.Thread(target=tell, daemon=True)
    watch.start()
    try:
        yield
    finally:
        over.set()
        watch.join()


def load(target):
    """The function that module:function or path/to/file.py:function names.

    Raises ValueError, in one sentence, for whatever keeps it from being imported.
    """
    function = value_at(target)
    if not callable(function):
        raise ValueError(f"{target} must be a function, got {type(function).__name__}")
    return function


def value_at(target, what="the implementation"):
    """Whatever module:name or path/to/file.py:name names, such as a table of levels."""
    place, _, name = target.rpartition(":")
    if not place or not name:
        raise ValueError(f"{what} must be module:function or file.py:function, got {target!r}")
    module = imported(place)
    found = module
    for part in name.split("."):
        if not hasattr(found, part):
            near = difflib.get_close_matches(part, dir(found), 1)
            raise ValueError(f"{place} has no function {name!r}"
                             + (f"; did you mean {near[0]!r}?" if near else ""))
        found = getattr(found, part)
    return found


def imported(place):
    """The module at a path, or of a name; the current directory comes first."""
    is_file = place.endswith(".py") or os.sep in place
    if is_file and not os.path.isfile(place):
        raise ValueError(f"there is no file {place}")
    sys.path.insert(0, os.path.dirname(os.path.abspath(place)) if is_file else os.getcwd())
    try:
        if not is_file:
            return importlib.import_module(place)
        name = os.path.splitext(os.path.basename(place))[0]
        spec = importlib.util.spec_from_file_location(name, place)
        if spec is None:
            raise ValueError(f"{place} must be a file of Python, .py")
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    except SyntaxError as error:
        where = os.path.basename(error.filename or place)
        raise ValueError(f"cannot import {place}: {error.msg} ({where}, line {error.lineno})"
                         ) from None
    except ModuleNotFoundError as error:
        if error.name == place.partition(".")[0]:
            raise ValueError(f"there is no module {place!r}, here in {os.getcwd()} or installed"
                             ) from None
        raise ValueError(f"cannot import {place}: {error}") from None
    except SystemExit:
        raise ValueError(f"cannot import {place}: it ends the program (sys.exit); put what it runs "
                         "under if __name__ == \"__main__\"") from None
    except ValueError as error:
        raise ValueError(f"cannot import {place}: {message(error)}") from None
    except BaseException as error:               # KeyboardInterrupt too: foreign code may raise it
        raise ValueError(f"cannot import {place}: {in_one_line(error)}") from None
