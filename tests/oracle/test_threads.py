"""What foreign code does to the process around it: output, time, memory, and global state."""

import io
import os
import signal
import sys
import threading
import time
import tracemalloc

import numpy as np
import pytest

from refsgm.oracle.check import check
from tests.oracle.foreign import code, score


def in_threads(*functions):
    """Run functions at once, and wait for all."""
    threads = [threading.Thread(target=f, daemon=True) for f in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)


def printing(x, mean, sigma):
    """A right score that prints."""
    print("of the foreign code")
    return score(x, mean, sigma)


def test_checks_at_once_do_not_lose_the_output_of_the_program(monkeypatch):
    """Each thread's foreign prints are kept off; what other threads print arrives."""
    terminal, said = io.StringIO(), 0
    monkeypatch.setattr(sys, "stdout", terminal)
    notes = []
    threads = [threading.Thread(target=lambda: notes.append(
        check("gaussian_score", printing).notes)) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        print("of the program")
        said += 1
        time.sleep(1e-3)
    assert sys.stdout is terminal
    assert terminal.getvalue().count("of the program") == said > 4
    assert "foreign" not in terminal.getvalue()
    assert notes == [("it prints, which was kept off the terminal",)] * 4


def test_code_may_print_where_there_is_no_terminal(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    assert check("gaussian_score", printing).right
    assert sys.stdout is None


def test_a_time_limit_holds_in_a_thread_too():
    """A loop that never ends is interrupted there, and the thread goes on."""
    def endless(*args):
        while True:
            pass
    codes = []
    start = time.monotonic()
    in_threads(*[lambda: codes.append(code(check("gaussian_score", endless, seconds=0.5)))] * 2,
               lambda: codes.append(code(check("gaussian_score", score, seconds=0.5))))
    assert time.monotonic() - start < 30
    assert sorted(codes, key=str) == [None, "timeout", "timeout"]


class Exits:
    """A result that ends the program when it is read."""

    def __array__(self, *args, **kwargs):
        raise SystemExit


class Hangs:
    """A result that never comes when it is read."""

    def __array__(self, *args, **kwargs):
        while True:
            pass


class Itself:
    """A sequence that contains itself."""

    def __len__(self):
        return 1

    def __getitem__(self, i):
        return self


class Mute(Exception):
    """An exception whose message cannot be read."""

    def __str__(self):
        raise SystemExit(3)


class Slow(Exception):
    """An exception whose message never comes."""

    def __str__(self):
        while True:
            pass


def raising(error):
    """A function that raises an exception of a class."""
    def foreign(*args):
        raise error
    return foreign


@pytest.mark.parametrize(("foreign", "expected"), [
    (lambda *args: Exits(), "raises"), (lambda *args: Hangs(), "timeout"),
    (lambda *args: Itself(), "timeout"), (raising(Mute), "raises"), (raising(Slow), "timeout")])
def test_whatever_comes_back_gets_a_verdict_within_the_limit(foreign, expected):
    """Two calls that are too slow are enough, and reading a result counts."""
    start = time.monotonic()
    assert code(check("gaussian_score", foreign, seconds=0.5)) == expected
    assert time.monotonic() - start < 20


def test_states_that_are_too_large_are_not_kept():
    """A loop that yields 10**6 numbers without an end takes no gigabytes, and no minutes."""
    def foreign(*args):
        while True:
            yield np.zeros(10**6)
    tracemalloc.start()
    report = check("langevin", foreign)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert report.diagnosis.sentence == (
        "at the probe 'B = 5, D = 3': got shape (1000000,), expected (5, 3)")
    assert peak < 400e6


def test_print_is_forgotten_as_it_comes():
    """A hundred megabytes of it take none."""
    def foreign(x, mean, sigma):
        print("y" * 10**7)
        return score(x, mean, sigma)
    tracemalloc.start()
    assert check("gaussian_score", foreign).right
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60e6


def test_global_state_is_put_back_and_its_change_is_told():
    """Precision, gradients, seeds and error handling of whole libraries."""
    torch = pytest.importorskip("torch")

    def foreign(x, mean, sigma):
        result = score(x, mean, sigma)
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
        torch.manual_seed(97)
        np.random.seed(97)                                                  # noqa: NPY002
        return result
    before = np.random.get_state()[1].tolist(), torch.get_rng_state()       # noqa: NPY002
    report = check("gaussian_score", foreign, "torch")
    assert all(p.ok for p in report.probes)
    assert torch.get_default_dtype() is torch.float32
    assert torch.is_grad_enabled()
    assert np.random.get_state()[1].tolist() == before[0]                   # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), before[1])
    for word in ("precision", "gradients", "NumPy's global", "PyTorch's global"):
        assert sum(word in note for note in report.notes) == 1
    assert check("gaussian_score", score, "torch").notes == ()


def test_more_of_the_process_is_put_back(tmp_path, monkeypatch):
    """Its folder, environment, path of modules, depth of calls, printing and signals."""
    monkeypatch.chdir(tmp_path)

    def state():
        return (os.getcwd(), dict(os.environ), [*sys.path], sys.getrecursionlimit(),
                np.get_printoptions(), signal.getsignal(signal.SIGTERM))

    def foreign(x, mean, sigma):
        os.chdir("/")
        os.environ["REFSGM_BACKEND"] = "none"
        sys.path.insert(0, "/")
        sys.setrecursionlimit(3000)
        np.set_printoptions(precision=1)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        return score(x, mean, sigma)
    before = state()
    report = check("gaussian_score", foreign)
    assert report.right
    assert state() == before
    assert len(report.notes) == len(before)


@pytest.mark.parametrize("result", [
    lambda a: np.ma.array(a, mask=np.eye(*a.shape)), lambda a: "1" * 10**7,
    lambda a: np.broadcast_to(1.0, (10**12,)), lambda a: np.broadcast_to(1.0, (10**9, 10**9))],
    ids=["masked", "text", "a view of a terabyte", "a larger one"])
def test_a_result_that_is_no_array_of_numbers_takes_no_memory(result):
    """Masks are not looked through, and nothing is copied that is larger than an answer can be."""
    tracemalloc.start()
    report = check("gaussian_score", lambda *args: result(score(*args)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert code(report) == "wrong-shape"
    assert peak < 60e6
