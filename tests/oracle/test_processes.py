"""What foreign code starts is counted with it, and ended with it."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from refsgm.oracle.calls import trial
from refsgm.oracle.calls.caller import Caller
from refsgm.oracle.calls.frameworks import numpy_framework
from refsgm.oracle.doors import pipe, processes
from refsgm.oracle.doors.pipe import Spoken
from refsgm.oracle.kinds import find
from refsgm.oracle.kinds.drawing import arguments
from refsgm.oracle.kinds.probes import probe_specs

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


@pytest.mark.parametrize(("each", "kept"), [(10, True), (100, False)])
def test_calls_may_keep_little_and_not_much(each, kept, monkeypatch):
    """JAX keeps what it compiled, a megabyte a call: that is forgiven, and a list of arrays not."""
    memory, now = None, 0
    monkeypatch.setattr(processes, "own_memory", lambda pid: now)
    for now in range(0, 100 * each * 2**20, each * 2**20):
        memory = processes.remembered(memory, 1)
    assert (now - memory[0] < processes.MEMORY) == kept


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


def test_a_program_that_takes_memory_twice_is_asked_no_more(monkeypatch):
    """It would take as much for every answer."""
    monkeypatch.setattr(pipe, "MEMORY", 2**26)
    source = "import sys, time; next(sys.stdin); x = b'x' * 10**8; time.sleep(99)"
    with Spoken(CONTRACT, sys.executable, 20.0) as program:
        program.command = [sys.executable, "-S", "-c", source]
        said = [program(ARGS).error for _ in range(3)]
        assert program.starts == 2
    assert "GiB of memory" in said[1]
