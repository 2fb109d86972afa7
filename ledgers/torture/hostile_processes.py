"""Functions that do to processes, threads and the interpreter what they should not.

They stand for gaussian_score. 0: it is right all the same; 1: it is wrong, or gives no answer.
"""

import atexit
import builtins
import ctypes
import decimal
import faulthandler
import gc
import multiprocessing
import os
import resource
import signal
import sys
import threading
import time
import warnings

import numpy as np

from .hostile import endless, noted, right, sleeps

FUNCTIONS = {}                                   # name: exit status
owes = noted(FUNCTIONS)
KEPT = []


def once(act):
    """Whether this is the first call, after doing it."""
    if not KEPT:
        KEPT.append(act())


# processes

@owes(0)
def starts_a_daemon(x, mean, sigma):
    def twice():
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(1000)
            os._exit(0)
    once(twice)
    return right(x, mean, sigma)


@owes(1)
def starts_a_daemon_and_leaves(*args):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(1000)
        os._exit(0)
    time.sleep(0.2)
    os._exit(0)


@owes(1)
def waits_for_a_child(*args):
    pid = os.fork()
    if pid == 0:
        time.sleep(1000)
    os.waitpid(pid, 0)


@owes(1)
def lets_a_child_allocate(*args):
    if os.fork() == 0:
        kept = []
        while True:
            kept.append(b"x" * 10**8)
    time.sleep(1000)


@owes(1)
def lets_five_children_allocate(*args):
    for _ in range(5):
        if os.fork() == 0:
            kept = b"x" * (3 * 10**8)
            time.sleep(1000)
            os._exit(len(kept) % 2)
    time.sleep(1000)


@owes(1)
def becomes_another_program(*args):
    os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(1000)"])


@owes(1)
def becomes_a_program_that_ends(*args):
    os.execv("/bin/sh", ["sh", "-c", "exit 0"])


@owes(1)
def stops_its_group(*args):
    os.killpg(0, signal.SIGSTOP)


@owes(1)
def kills_its_group(*args):
    os.killpg(0, signal.SIGKILL)


@owes(1)
def interrupts_itself(*args):
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(1000)


@owes(0)
def leaves_a_pool(x, mean, sigma):
    once(lambda: multiprocessing.get_context("fork").Pool(2))
    return right(x, mean, sigma)


# memory that is kept

@owes(1)
def keeps_much_of_every_call(x, mean, sigma):
    KEPT.append(np.ones(10**7))
    return right(x, mean, sigma)


@owes(1)
def maps_memory(*args):
    while True:
        KEPT.append(np.ones(10**7))


@owes(0)
def keeps_little_of_every_call(x, mean, sigma):
    KEPT.append(np.ones(10**4))
    return right(x, mean, sigma)


# threads

@owes(1)
def leaves_in_a_thread(*args):
    threading.Thread(target=os._exit, args=(0,)).start()
    sleeps()


@owes(0)
def leaves_a_busy_thread(x, mean, sigma):
    once(lambda: threading.Thread(target=endless).start())
    return right(x, mean, sigma)


@owes(1)
def allocates_in_a_thread(*args):
    threading.Thread(target=maps_memory).start()
    sleeps()


@owes(1)
def holds_the_interpreter(*args):
    ctypes.PyDLL(None).sleep(1000)                                       # without letting go of it


# what Python calls at other times

@owes(0)
def sleeps_at_exit(x, mean, sigma):
    once(lambda: atexit.register(time.sleep, 1000))
    return right(x, mean, sigma)


@owes(0)
def traces(x, mean, sigma):
    sys.settrace(lambda *args: None)
    sys.setprofile(lambda *args: None)
    return right(x, mean, sigma)


@owes(1)
def traces_without_an_end(x, mean, sigma):
    result = right(x, mean, sigma)
    sys.settrace(endless)
    return result


@owes(1)
def profiles_without_an_end(x, mean, sigma):
    result = right(x, mean, sigma)
    sys.setprofile(endless)
    return result


@owes(1)
def has_its_traceback_written(*args):
    faulthandler.dump_traceback_later(0.2, exit=True)
    sleeps()


@owes(1)
def sets_an_alarm(*args):
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(1)
    sleeps()


@owes(0)
def sets_an_alarm_and_answers(x, mean, sigma):
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(1)
    return right(x, mean, sigma)


@owes(0)
def sets_another_alarm(x, mean, sigma):
    signal.setitimer(signal.ITIMER_PROF, 0.2)
    signal.setitimer(signal.ITIMER_VIRTUAL, 0.2)
    signal.signal(signal.SIGPROF, signal.SIG_IGN)
    signal.signal(signal.SIGVTALRM, signal.SIG_IGN)
    return right(x, mean, sigma)


@owes(0)
def collects_slowly(x, mean, sigma):
    once(lambda: gc.callbacks.append(lambda *args: time.sleep(0.001)))
    return right(x, mean, sigma)


# what is changed for the whole process

@owes(0)
def hides_what_it_writes(x, mean, sigma):
    os.umask(0o777)
    os.nice(1)
    return right(x, mean, sigma)


@owes(1)
def may_open_no_file(x, mean, sigma):
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    return right(x, mean, sigma)


@owes(1)
def limits_its_time(*args):
    resource.setrlimit(resource.RLIMIT_CPU, (1, 1))
    endless()


@owes(0)
def closes_the_standard_files(x, mean, sigma):
    os.closerange(0, 3)
    return right(x, mean, sigma)


@owes(1)
def begins_a_message(*args):
    for descriptor in range(3, 60):
        try:
            os.write(descriptor, (2**20).to_bytes(4, "big"))
        except OSError:
            pass
    sleeps()


@owes(1)
def writes_a_message_without_an_end(*args):
    for descriptor in range(3, 60):
        try:
            os.write(descriptor, b"\xff" * 4 + (2**62).to_bytes(8, "big"))
            while True:
                os.write(descriptor, b"y" * 10**6)
        except OSError:
            pass
    sleeps()


@owes(1)
def reads_its_input(*args):
    return float(input())


@owes(1)
def reads_the_terminal(*args):
    with open("/dev/tty") as file:
        return float(file.readline())


@owes(0)
def writes_a_long_line(x, mean, sigma):
    once(lambda: sys.stdout.write("y" * 10**8))
    return right(x, mean, sigma)


@owes(0)
def warns_much(x, mean, sigma):
    for k in range(100):
        warnings.warn(f"{k}", stacklevel=1)
    return right(x, mean, sigma)


@owes(0)
def prints_arrays_without_an_end(x, mean, sigma):
    np.set_printoptions(formatter={"float": endless})
    return right(x, mean, sigma)


@owes(0)
def counts_decimally(x, mean, sigma):
    decimal.getcontext().prec = 1
    decimal.getcontext().traps[decimal.Inexact] = True
    return right(x, mean, sigma)


@owes(0)
def takes_print_away(x, mean, sigma):
    builtins.print = builtins.input = sys.excepthook = sys.displayhook = None
    return right(x, mean, sigma)


@owes(1)
def waits_in_the_kernel(*args):
    reader, _ = os.pipe()
    os.read(reader, 1)
