"""What a benchmark ran on: the processor, BLAS and its kernel, threads, and what others used."""

import importlib.util
import os
import platform

TICK = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


def described(threads):
    """Lines that say what the figures depend on."""
    return [f"{processor()}, {os.cpu_count()} processors, {threads} used; load {load()}",
            *libraries()]


def processor():
    """The name of the processor."""
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.split(":", 1)[1].strip() for line in file if "model name" in line)
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def libraries():
    """NumPy's BLAS with the kernel that it chose, and the versions of what is compared."""
    import numpy as np
    lines = [f"numpy {np.__version__}"]
    if importlib.util.find_spec("threadpoolctl"):
        from threadpoolctl import threadpool_info
        lines += [f"{pool['internal_api']} {pool['version']}, kernel {pool.get('architecture')}"
                  for pool in threadpool_info() if pool["user_api"] == "blas"]
    for name in ("torch", "jax", "numba"):
        if importlib.util.find_spec(name):
            from importlib.metadata import version
            lines.append(f"{name} {version(name)}")
    return [", ".join(lines)]


def load():
    """The mean number of processes that ran or waited in the last minute."""
    return f"{os.getloadavg()[0]:.2f}" if hasattr(os, "getloadavg") else "unknown"


def busy(processes=()):
    """Seconds of all processors that were used so far, and those of this process and these ids.

    What the host of a virtual machine took away counts as used. None where the system does not say.
    """
    try:
        with open("/proc/stat") as file:
            user, nice, system, _, _, irq, softirq, steal = map(int, file.readline().split()[1:9])
        own = 0
        for pid in ("self", *processes):
            with open(f"/proc/{pid}/stat") as file:
                own += sum(map(int, file.read().rpartition(")")[2].split()[11:13]))
    except (OSError, ValueError):
        return None
    return (user + nice + system + irq + softirq + steal) / TICK, own / TICK


def used_by_others(before, after):
    """Seconds of processors that others used between two results of `busy`; 0 if unknown."""
    if before is None or after is None:
        return 0.0
    return max((after[0] - before[0]) - (after[1] - before[1]), 0.0)
