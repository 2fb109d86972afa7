"""What foreign code starts is counted with it, and ended with it."""

import contextlib
import multiprocessing
import os
import pathlib
import subprocess
import sys
import time

import numpy as np
import pytest

from refsgm.oracle.calls import trial
from refsgm.oracle.calls.caller import Caller
from refsgm.oracle.calls.frameworks import numpy_framework
from refsgm.oracle.doors import apart, pipe, processes
from refsgm.oracle.doors.pipe import Spoken
from refsgm.oracle.kinds import find
from refsgm.oracle.kinds.drawing import arguments
from refsgm.oracle.kinds.probes import probe_specs
from refsgm.oracle.training import check_training
from tests.support.threads import called

CONTRACT = find("gaussian_score")
ARGS = arguments(CONTRACT, probe_specs(CONTRACT)[0])
linux = pytest.mark.skipif(not pathlib.Path(f"/proc/self/task/{os.getpid()}/children").exists(),
                           reason="the system does not tell whose a process is")


@linux
def test_what_left_its_parent_and_its_session_is_ended(tmp_path):
    """A daemon is started by a process that ends at once."""
    with processes.all_ended():
        subprocess.run(["sh", "-c", f"setsid sleep 95 & echo $! > {tmp_path}/pid"], check=True)
        daemon = int((tmp_path / "pid").read_text())
        assert daemon in processes.family(os.getpid())
    assert not pathlib.Path(f"/proc/{daemon}").exists()


@linux
def test_the_memory_of_a_child_is_that_of_who_started_it():
    """A process of its own takes 100 megabytes and waits."""
    before = processes.own_memory(os.getpid())
    child = subprocess.Popen([sys.executable, "-S", "-c", "x = b'x' * 10**8; print(flush=True); "
                              "input()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child.stdout.read(1)
    assert processes.growth(os.getpid(), before) > 10**8 - before
    child.communicate(b"\n")


@pytest.mark.parametrize(("each", "calls", "kept"), [(10, 150, True), (10, 400, False),
                                                     (100, 10, False)])
def test_calls_may_keep_little_and_not_much(each, calls, kept, monkeypatch):
    """JAX keeps what it compiled, some megabytes a call: that is forgiven, a list of arrays not."""
    memory, now = None, 0
    monkeypatch.setattr(processes, "own_memory", lambda pid: now)
    for now in range(0, calls * each * 2**20, each * 2**20):
        memory = processes.remembered(memory, 1)
    assert (now - memory.right < processes.MEMORY) == kept


def test_a_limit_is_for_reading_what_came_too(monkeypatch):
    """Whoever waits for the process is told of a call until its result is plain numbers."""
    stages, read = [], []
    monkeypatch.setattr(trial, "TOLD", [stages.append])

    class Result:
        def __array__(self, dtype=None, copy=None):
            read.append(stages[-1])
            return np.zeros((5, 3))
    Caller(CONTRACT, lambda *args: Result(), numpy_framework())(ARGS)
    assert {*read} == {"call"}
    assert stages == ["call", "between"]


@pytest.mark.parametrize(("source", "said", "starts"), [
    ("next(sys.stdin); x = b'x' * 10**8; time.sleep(99)", "GiB of memory", 1),
    ("os.close(1); time.sleep(99)", "closed its output", 2)])
def test_a_program_that_takes_memory_or_is_twice_silent_is_asked_no_more(source, said, starts,
                                                                         monkeypatch):
    """It would take as much, or as long, for every answer."""
    monkeypatch.setattr(pipe, "MEMORY", 2**26)
    monkeypatch.setattr(pipe, "LAST_WORDS", 0.1)
    with Spoken(CONTRACT, sys.executable, 20.0) as program:
        program.command = [sys.executable, "-S", "-c", f"import os, sys, time; {source}"]
        program.answered = True
        trials = [program(ARGS).error for _ in range(3)]
        assert program.starts == starts
    assert said in trials[starts - 1]


@pytest.mark.parametrize("in_thread", [False, True])
def test_a_limit_that_foreign_code_lets_go_by_is_over_all_the_same(in_thread):
    """It catches everything once, and goes on."""
    found = []

    def asked():
        try:
            with trial.limited(0.05):
                with contextlib.suppress(BaseException):
                    while True:
                        time.sleep(0.001)
        except trial.OutOfTime:
            found.append("late")
    called(asked, in_thread)
    assert found == ["late"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_result_goes_away_within_the_limit():
    """It may take its time to, which is a part of the call."""
    class Clinging(np.ndarray):
        def __del__(self):
            while True:
                time.sleep(0.001)
    caller = Caller(CONTRACT, lambda x, mean, sigma: x.view(Clinging), numpy_framework(),
                    seconds=0.05)
    assert caller(ARGS).problem == "timeout"


def test_an_exception_whose_type_has_no_name_is_a_problem_of_the_call():
    """A metaclass may end the program where the name is asked for."""
    class Leaving(type):
        __name__ = property(lambda cls: sys.exit(0))

    class Nameless(Exception, metaclass=Leaving):
        pass

    def raising(x, mean, sigma):
        raise Nameless
    assert Caller(CONTRACT, raising, numpy_framework())(ARGS).error == "Nameless"


@pytest.mark.parametrize("act", [lambda: sys.exit(4), lambda: (_ for _ in ()).throw(Mute)])
def test_a_training_step_that_leaves_or_raises_what_has_no_text_is_not_judged(act):
    """`sys.exit` does not end the program that asks."""
    report = check_training(lambda net, x: act(), "numpy", shape=(3,))
    assert [text.partition(":")[0] for text in report.unjudged] in (
        ["the code raises SystemExit"], ["the code raises Mute"])


class Mute(Exception):
    """It has no text."""

    def __str__(self):
        raise SystemExit(3)


def test_a_message_that_is_begun_and_not_ended_is_not_waited_for(monkeypatch):
    """Foreign code may write the length of a message into the oracle's pipe, and live."""
    monkeypatch.setattr(apart, "GRACE", 0.1)
    here, there = multiprocessing.Pipe(duplex=False)
    os.write(there.fileno(), (2**20).to_bytes(4, "big"))
    child = subprocess.Popen(["sleep", "94"], start_new_session=True, pass_fds=[there.fileno()])
    there.close()
    with pytest.raises(EOFError):
        apart.received(here, child)
    child.wait()
