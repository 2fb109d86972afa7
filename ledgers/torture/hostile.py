"""Functions that do whatever they should not, each with the exit status that `refsgm check` owes.

They stand for gaussian_score. 0: it is right all the same; 1: it is wrong, or gives no answer.
"""

import collections
import ctypes
import gc
import os
import random
import signal
import subprocess
import sys
import threading
import time
import unittest.mock
import warnings

import numpy as np

FUNCTIONS = {}                                   # name: exit status


def noted(functions):
    """A decorator that notes a function there, and the exit status that it must get."""
    def owes(status):
        def note(function):
            functions[function.__name__] = status
            return function
        return note
    return owes


owes = noted(FUNCTIONS)


def right(x, mean, sigma):
    """What is asked for."""
    return (mean - x) / sigma**2


def forks(x, mean, sigma):
    """What is asked for, and a child that ends at once: 450 times in a check."""
    if os.fork() == 0:
        os._exit(0)
    return right(x, mean, sigma)


def starts_shells(x, mean, sigma):
    """What is asked for, and two shells and two programs that end at once."""
    subprocess.Popen(["sh", "-c", "sh -c 'sleep 0; true' & sleep 0; true"])
    return right(x, mean, sigma)


# right functions that work as much as these do in each call, and leave nothing
BESIDE = {"forks_a_sleeper": "forks", "starts_grandchildren": "starts_shells"}


# functions that do not end

@owes(1)
def endless(*args):
    while True:
        pass


@owes(1)
def endless_in_c(*args):
    collections.deque(iter(int, 1), 0)


@owes(1)
def sleeps(*args):
    time.sleep(1000)


@owes(1)
def catches_everything(*args):
    while True:
        try:
            time.sleep(0.01)
        except BaseException:
            continue


@owes(1)
def ignores_alarms(*args):
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    endless()


@owes(1)
def clears_its_timer(*args):
    signal.setitimer(signal.ITIMER_REAL, 0)
    endless()


@owes(1)
def blocks_all_signals(*args):
    signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals))
    endless()


@owes(1)
def ignores_the_polite_signals(*args):
    for n in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGALRM):
        signal.signal(n, signal.SIG_IGN)
    sleeps()


@owes(1)
def waits_for_a_lock(*args):
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


@owes(1)
def waits_for_a_thread(*args):
    thread = threading.Thread(target=endless, daemon=True)
    thread.start()
    thread.join()


@owes(1)
def raises_a_huge_power(*args):
    return 7**(10**9)


@owes(1)
def stops_itself(*args):
    os.kill(os.getpid(), signal.SIGSTOP)


@owes(1)
def yields_without_an_end(*args):
    while True:
        yield np.zeros((5, 3))


# processes and threads

@owes(1)
def leaves_at_once(*args):
    os._exit(0)


@owes(1)
def leaves(*args):
    sys.exit(0)


@owes(1)
def is_killed(*args):
    os.kill(os.getpid(), signal.SIGKILL)


@owes(1)
def is_terminated(*args):
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTERM)


@owes(1)
def crashes(*args):
    ctypes.string_at(0)


@owes(1)
def aborts(*args):
    os.abort()


@owes(0)
def forks_a_sleeper(x, mean, sigma):
    if os.fork() == 0:
        time.sleep(1000)
        os._exit(0)
    return right(x, mean, sigma)


@owes(0)
def starts_grandchildren(x, mean, sigma):
    subprocess.Popen(["sh", "-c", "trap '' TERM; sh -c 'trap \"\" TERM; sleep 1000' & sleep 1000"])
    return right(x, mean, sigma)


@owes(0)
def starts_threads(x, mean, sigma):
    for _ in range(3):
        threading.Thread(target=sleeps).start()                          # that are no daemons
    return right(x, mean, sigma)


@owes(1)
def raises_in_a_thread(x, mean, sigma):
    threading.Thread(target=leaves).start()
    return -right(x, mean, sigma)


# memory and output

@owes(1)
def allocates(*args):
    kept = []
    while True:
        kept.append(b"x" * 10**8)


@owes(1)
def asks_for_a_terabyte(*args):
    return np.ones(10**12)


@owes(1)
def returns_a_wide_view(*args):
    return np.broadcast_to(1.0, (10**10,))


@owes(1)
def returns_a_long_list(*args):
    return [1.0] * 10**6


@owes(1)
def returns_long_text(*args):
    return "1" * 10**8


@owes(0)
def prints_much(x, mean, sigma):
    for _ in range(20):
        print("y" * 10**6)
    return right(x, mean, sigma)


@owes(1)
def prints_without_an_end(*args):
    while True:
        print("y" * 10**6)


@owes(0)
def writes_to_the_terminal(x, mean, sigma):
    os.write(1, b"verdict: right\n" * 100)
    os.write(2, b"verdict: right\n" * 100)
    return right(x, mean, sigma)


@owes(1)
def writes_to_every_pipe(x, mean, sigma):
    for descriptor in range(3, 60):
        try:
            os.write(descriptor, b"nonsense" * 9)
        except OSError:
            pass
    return right(x, mean, sigma)


@owes(1)
def closes_every_pipe(*args):
    os.closerange(0, 60)


@owes(1)
def closes_every_pipe_and_lives(*args):
    os.closerange(3, 60)
    sleeps()


@owes(0)
def closes_the_output(x, mean, sigma):
    sys.stdout.close()
    sys.stderr.close()
    return right(x, mean, sigma)


@owes(0)
def takes_the_output_away(x, mean, sigma):
    sys.stdout = sys.stderr = None
    return right(x, mean, sigma)


# what comes back

class Hostile:
    """Each use of it does what `act` does."""

    def __init__(self, act):
        object.__setattr__(self, "act", act)

    def __getattribute__(self, name):
        return object.__getattribute__(self, "act")()


def made(name, act):
    """An object with one method, such as __len__, that does what `act` does."""
    return type("Made", (), {name: lambda self, *args, **kwargs: act()})()


def itself():
    kept = []
    kept.append(kept)
    return kept


def deep():
    a = 1.0
    for _ in range(10**5):
        a = [a]
    return a


def zero_divided():
    return 1 / 0


class Lying(np.ndarray):
    """An array that says it equals everything, and has other operators."""

    def __array_ufunc__(self, *args, **kwargs):
        return right

    def __eq__(self, other):
        return True

    __hash__ = None


RESULTS = {                                      # name: (exit status, what the function returns)
    "None": (1, lambda a: None), "text": (1, lambda a: "1.0"), "nan": (1, lambda a: a * np.nan),
    "inf": (1, lambda a: a / 0), "nothing": (1, lambda a: a[:0]), "complex": (1, lambda a: a + 1j),
    "a function": (1, lambda a: right), "a class": (1, lambda a: float),
    "a mock": (1, lambda a: unittest.mock.MagicMock()), "a set": (1, lambda a: set(a.flat)),
    "a dict": (1, lambda a: dict(enumerate(a))), "strings": (1, lambda a: a.astype(str)),
    "times": (1, lambda a: a.astype("m8[s]")), "masks": (1, lambda a: np.ma.array(a, mask=True)),
    "a list of itself": (1, lambda a: itself()), "a deep list": (1, lambda a: deep()),
    "ragged lists": (1, lambda a: [[1.0], [1.0, 2.0]]), "objects": (1, lambda a: np.array([right])),
    "__array__ raises": (1, lambda a: made("__array__", zero_divided)),
    "__array__ hangs": (1, lambda a: made("__array__", endless)),
    "__array__ leaves": (1, lambda a: made("__array__", leaves)),
    "__len__ hangs": (1, lambda a: made("__len__", endless)),
    "__iter__ hangs": (1, lambda a: made("__iter__", endless)),
    "__next__ hangs": (1, lambda a: made("__next__", endless)),
    "__repr__ hangs": (1, lambda a: made("__repr__", endless)),
    "__float__ hangs": (1, lambda a: np.full(a.shape, made("__float__", endless), object)),
    "everything hangs": (1, lambda a: Hostile(endless)),
    "everything leaves": (1, lambda a: Hostile(leaves)),
    "everything raises": (1, lambda a: Hostile(zero_divided)),
    "equals everything": (1, lambda a: (2 * a).view(Lying)),
}


def returning(act):
    return lambda x, mean, sigma: act(right(x, mean, sigma))


for number, (status, act) in enumerate(RESULTS.values()):
    globals()[f"result_{number}"] = returning(act)
    FUNCTIONS[f"result_{number}"] = status


# what is raised

class Mute(Exception):
    def __str__(self):
        raise SystemExit(3)


class Slow(Exception):
    def __str__(self):
        endless()


class Long(Exception):
    def __str__(self):
        return "y" * 10**8


class Base(BaseException):
    pass


def deeper(*args):
    return deeper(*args)


def raising(error):
    def function(*args):
        raise error
    return function


for error in (KeyboardInterrupt, GeneratorExit, SystemExit, StopIteration, MemoryError, Mute, Slow,
              Long, Base, BaseExceptionGroup("two", [Base(), Mute()])):
    name = f"raises_{error.__name__ if isinstance(error, type) else 'a_group'}"
    globals()[name] = raising(error)
    FUNCTIONS[name] = 1
owes(1)(deeper)


# what is changed for the whole process

@owes(0)
def changes_numpy(x, mean, sigma):
    np.seterr(all="raise")
    np.random.seed(3)                                    # noqa: NPY002, as old code does
    np.set_printoptions(precision=1)
    return right(x, mean, sigma)


@owes(0)
def changes_python(x, mean, sigma):
    random.seed(3)
    sys.setrecursionlimit(200)
    sys.setswitchinterval(1.0)
    gc.disable()
    return right(x, mean, sigma)


@owes(0)
def makes_warnings_errors(x, mean, sigma):
    warnings.simplefilter("error")
    return right(x, mean, sigma)


@owes(0)
def goes_elsewhere(x, mean, sigma):
    os.chdir("/")
    os.environ.clear()
    sys.path.clear()
    return right(x, mean, sigma)


@owes(0)
def takes_the_signals(x, mean, sigma):
    for n in (signal.SIGALRM, signal.SIGTERM, signal.SIGINT):
        signal.signal(n, signal.SIG_IGN)
    return right(x, mean, sigma)


@owes(1)
def changes_its_arguments(x, mean, sigma):
    result = right(x, mean, sigma)
    x *= 0
    return result


@owes(1)
def makes_its_arguments_empty(x, mean, sigma):
    x.resize((0, 0), refcheck=False)
    return right(x, mean, sigma)


# source of files whose import goes wrong: each gets exit status 2
IMPORTS = {
    "sleeps": "import time; time.sleep(1000)", "ends": "import sys; sys.exit(0)",
    "leaves": "import os; os._exit(0)", "raises": "1 / 0", "syntax": "def f(:",
    "interrupts": "raise KeyboardInterrupt", "recursion": "def g(): g()\ng()",
    "crashes": "import ctypes; ctypes.string_at(0)", "zero bytes": "\0", "empty": "",
    "not a function": "f = 3", "bytes": "\udcff\udcfe", "shadows": "import numpy; f = numpy",
    "endless": "while True: pass", "takes memory": "x = []\nwhile True: x.append(b'y' * 10**8)",
    "says nothing": "class E(ValueError):\n  def __str__(self): raise SystemExit\nraise E",
}
