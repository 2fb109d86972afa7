"""How a run uses the processors: parts of a batch, threads of BLAS, compiled kernels.

    rows of a part: one Python thread each, every product on one thread of BLAS

NumPy lets other threads run while it is inside a product or a loop over an array, so two threads
that have half of a batch each use two processors in all that a step does. Threads of BLAS share the
products alone, and while one waits for another that has lost its processor, it keeps its own busy:
a machine with other work slows them many times over. A small step is fastest on one thread.

What is chosen follows from sizes and processors, never from a clock, so that a run can be repeated.
Whoever sets one of VARIABLES has chosen: BLAS is left as it is, and there are no parts.
"""

import contextlib
import contextvars
import gc
import math
import os
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from importlib.util import find_spec
from typing import NamedTuple

from .kernels import on_host_use

VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS")
PART_ROWS = 64                   # fewest rows, and fewest operations in the products, of a part:
PART_OPERATIONS = 1e8            # below, a second thread takes longer to begin than it saves
MOST_PARTS = 8                   # beyond, threads of Python wait for its interpreter
RUN_OPERATIONS = 1e11            # fewest of a run that is worth Numba's import, half a second


class Way(NamedTuple):
    """How a run is computed, on which its rounding depends.

    parts  of each batch, as many as threads of Python
    blas   threads of BLAS for each product; None: as many as it has
    fast   whether the kernels of `fast` are used, which need Numba
    """

    parts: int = 1
    blas: int | None = None
    fast: bool = False

    def as_text(self):
        """In words, for who asks."""
        threads = ("BLAS as the environment has it" if self.blas is None else
                   "one thread" if self.parts == 1 else f"{self.parts} threads, a part of each "
                   f"batch on each")
        return f"{threads}, {'kernels of Numba' if self.fast else 'kernels of NumPy'}"


def chosen(rows, shapes, passes, times):
    """The `Way` for a run on the host.

    rows    of each batch
    shapes  of the weights that it is multiplied with
    passes  times that each is, in a step: 1 for a score, 3 for the loss and its gradient
    times   number of steps
    """
    operations = 2 * rows * passes * sum(map(math.prod, shapes))
    fast = times * operations >= RUN_OPERATIONS and find_spec("numba") is not None
    if any(os.environ.get(name) for name in VARIABLES) or not blas_libraries():
        return Way(fast=fast)
    parts = min(processors(), MOST_PARTS, rows // PART_ROWS, int(operations / PART_OPERATIONS))
    return Way(max(parts, 1), 1, fast)


def processors():
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def blas_libraries():
    """What sets the threads of BLAS, one for each library; none without threadpoolctl."""
    if find_spec("threadpoolctl") is None:
        return ()
    from threadpoolctl import ThreadpoolController
    return tuple(ThreadpoolController().select(user_api="blas").lib_controllers)


def at_work(way):
    """The function (*tasks) -> their results that does tasks, functions without arguments, so.

    The last is done by the thread that calls. What is set for them is set back after them.
    """
    workers = ThreadPoolExecutor(way.parts - 1) if way.parts > 1 else None
    libraries = blas_libraries() if way.blas else ()
    kernels = {}
    if way.fast:
        with nothing_collected():
            from .fast import KERNELS as kernels
    first = [nothing_collected] * way.fast                  # when kernels are loaded or compiled

    def run(*tasks):
        with first.pop()() if first else contextlib.nullcontext():
            return done(*tasks)

    def done(*tasks):
        before = [library.get_num_threads() for library in libraries]
        others = on_host_use(kernels)
        waiting = []
        try:
            for library in libraries:
                library.set_num_threads(way.blas)
            for task in tasks[:-1]:
                waiting.append(workers.submit(contextvars.copy_context().run, task))
            mine = tasks[-1]()
            return [other.result() for other in waiting] + [mine]
        finally:
            wait(waiting)
            on_host_use(others)
            for library, n in zip(libraries, before):
                library.set_num_threads(n)
    return run


@contextlib.contextmanager
def nothing_collected():
    """Garbage waits: Numba makes half a million objects, to be looked at again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def rows_of_parts(n, parts):
    """Slices of n rows, as equal as they can be."""
    ends = [n * i // parts for i in range(parts + 1)]
    return [slice(*ends[i:i + 2]) for i in range(parts)]
