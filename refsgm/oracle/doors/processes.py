"""The processes that foreign code starts: the memory that they take, and their end.

Linux tells them by /proc. Elsewhere the group of a process is ended, and no memory is known.
"""

import contextlib
import ctypes
import glob
import os
import signal
from multiprocessing import resource_tracker
from typing import NamedTuple

MEMORY = 3 * 2**28                    # bytes that foreign code may take in one call: with what it
                                      # takes between two looks, that is less than a gibibyte
LITTLE, FORGIVEN = 2**24, 2**31       # bytes that a call may keep, and all calls together
LOOKS = 0.02                          # seconds between two looks at its memory
ADOPT = 36                            # PR_SET_CHILD_SUBREAPER: orphans become children of ours
TRIES = 20                            # looks for what is started while the rest is ended


def family(pid):
    """The number of a process, and those of all processes that it started and that live."""
    found = [pid]
    for one in found:                                                  # which grows
        for path in glob.glob(f"/proc/{one}/task/*/children"):
            with contextlib.suppress(OSError), open(path, encoding="ascii") as file:
                found += [n for n in map(int, file.read().split()) if n not in found]
    return found


def own_memory(pid):
    """Bytes in memory that a process shares with no file; 0 where the system does not tell."""
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            _, resident, shared, *_ = map(int, file.read().split())
        return (resident - shared) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0


def growth(pid, before):
    """Bytes by which a process has more than `before`, and so each that it started.

    A process that is a copy of another begins with the memory of that one, which both share.
    """
    return sum(max(0, own_memory(one) - before) for one in family(pid))


class Memory(NamedTuple):
    """Bytes of a process: what it has taken rightly, what it has, and what it had at first."""

    right: int
    now: int
    first: int


def remembered(memory, pid, little=LITTLE):
    """The `Memory` of a process, from that at the last look, or None.

    What was kept since then is right if it is little, as what is compiled; else calls that keep
    much would take all memory together.
    """
    now = own_memory(pid)
    right, last, first = memory or (now, now, now)
    if 0 <= now - last < little and right - first < FORGIVEN:
        right += now - last
    return Memory(min(now, right), now, first)


@contextlib.contextmanager
def all_ended():
    """End what was started within, by whatever it was started, a session of its own too; on Linux.
    """
    me = os.getpid()
    if not os.path.isdir(f"/proc/{me}/task"):
        yield
        return
    resource_tracker.ensure_running()                                  # it is Python's, and stays
    before = family(me)
    adopt(True)
    try:
        yield
    finally:
        for _ in range(TRIES):
            if not end([one for one in family(me) if one not in before]):
                break
        adopt(False)


def adopt(on):
    """Let processes whose parent has ended become children of this one, or not; Linux alone can."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).prctl(ADOPT, int(on), 0, 0, 0)


def end(pids):
    """End processes, and wait for those that are children; returns their numbers."""
    for pid in pids:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    for pid in pids:
        with contextlib.suppress(OSError):
            os.waitpid(pid, 0)
    return pids
