"""How far apart two processors are: the time in which a byte goes from one to the other and back.

    python benchmarks/processors.py

The processors of a virtual machine may share a cache or sit on different chips of the host, and the
host moves them while programs run. Two threads that work on one matrix product exchange its parts:
where the processors are far apart, a second thread may gain nothing.
"""

import multiprocessing
import os
import statistics
import time
from multiprocessing.shared_memory import SharedMemory

BLOCKS, TURNS = 30, 100
THERE, BACK = 0, 64                             # two bytes, each on a cache line of its own


def processors():
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def round_trip():
    """Median time of a round trip in nanoseconds, Python's own work included."""
    if processors() < 2:
        return 0.0                                                       # there is no other one
    memory = SharedMemory(create=True, size=128)
    other = multiprocessing.get_context("fork").Process(target=answer, args=(memory.buf,))
    other.start()
    try:
        return statistics.median(block(memory.buf) for _ in range(BLOCKS))
    finally:
        other.join()
        memory.close()
        memory.unlink()


def block(shared):
    """Mean time of one round trip over a block of them, in nanoseconds."""
    begun = time.perf_counter()
    for i in range(TURNS):
        shared[THERE] = i % 2 + 1
        while shared[BACK] != i % 2 + 1:
            pass
    return (time.perf_counter() - begun) / TURNS * 1e9


def answer(shared):
    """Send every byte back, until all have come."""
    for i in range(BLOCKS * TURNS):
        while shared[THERE] != i % 2 + 1:
            pass
        shared[BACK] = i % 2 + 1


if __name__ == "__main__":
    for _ in range(10):
        print(f"{round_trip():.0f} ns")
        time.sleep(1)
