"""State of whole libraries that foreign code may change: it is put back, and the change told."""

import contextlib
import os
import random
import signal
import sys
import threading

import numpy as np

SAID = {"the precision of PyTorch's new tensors": "torch.set_default_dtype",
        "whether PyTorch takes gradients": "torch.set_grad_enabled",
        "the device of PyTorch's new tensors": "torch.set_default_device",
        "whether JAX has float64": "jax_enable_x64",
        "how NumPy treats floating-point errors": "numpy.seterr",
        "NumPy's global generator": "it draws from it, or seeds it",
        "Python's global generator": "it draws from it, or seeds it",
        "how NumPy prints": "numpy.set_printoptions",
        "the folder of the process": "os.chdir",
        "the environment of the process": "os.environ",
        "where Python looks for modules": "sys.path",
        "how deep calls may be nested": "sys.setrecursionlimit",
        "what signals do": "signal.signal",
        "PyTorch's global generator": "it draws from it, or seeds it"}

BY_TORCH = ("TORCHINDUCTOR_", "TRITON_")           # set on the way, as by torch.func.jvp
SIGNALS = [getattr(signal, n) for n in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, n)]


def switches():
    """{what it is: (its value now, how it is put back)}."""
    found = {
        "how NumPy treats floating-point errors": (np.geterr(), lambda a: np.seterr(**a)),
        "NumPy's global generator": (comparable(np.random.get_state()),  # noqa: NPY002
                                     np.random.set_state),               # noqa: NPY002
        "Python's global generator": (random.getstate(), random.setstate),
        "how NumPy prints": (np.get_printoptions(), lambda a: np.set_printoptions(**a)),
        "the folder of the process": (folder(), os.chdir),
        "the environment of the process": (environment(), set_environment),
        "where Python looks for modules": ([*sys.path], lambda a: sys.path.__setitem__(
            slice(None), a)),
        "how deep calls may be nested": (sys.getrecursionlimit(), sys.setrecursionlimit)}
    if threading.current_thread() is threading.main_thread():
        found["what signals do"] = ({n: signal.getsignal(n) for n in SIGNALS}, set_signals)
    torch, jax = sys.modules.get("torch"), sys.modules.get("jax")
    if torch is not None:
        found |= {
            "the precision of PyTorch's new tensors": (torch.get_default_dtype(),
                                                       torch.set_default_dtype),
            "whether PyTorch takes gradients": (torch.is_grad_enabled(), torch.set_grad_enabled),
            "PyTorch's global generator": (Numbers(torch.get_rng_state()), set_torch)}
        if hasattr(torch, "get_default_device"):
            found["the device of PyTorch's new tensors"] = (str(torch.get_default_device()),
                                                            torch.set_default_device)
    if jax is not None:
        found["whether JAX has float64"] = (
            jax.config.jax_enable_x64, lambda a: jax.config.update("jax_enable_x64", a))
    return found


def folder():
    """The folder of the process; None if it has been deleted."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return None


def environment():
    """The variables of the process, but for those that PyTorch sets by itself."""
    return {n: a for n, a in os.environ.items() if not n.startswith(BY_TORCH)}


def set_environment(before):
    """Put the environment back."""
    for name in environment():
        if name not in before:
            del os.environ[name]
    os.environ.update(before)


def set_signals(before):
    """Put handlers back; those that no Python code set cannot be."""
    for n, handler in before.items():
        if handler is not None:
            signal.signal(n, handler)


class Numbers:
    """An array or tensor that can be compared with another."""

    def __init__(self, values):
        self.values = values

    def __eq__(self, other):
        return bool((self.values == other.values).all())

    __hash__ = None


def set_torch(state):
    """Put PyTorch's generator back."""
    import torch
    torch.set_rng_state(state.values)


def comparable(state):
    """NumPy's state as plain numbers."""
    name, keys, *rest = state
    return (name, tuple(keys.tolist()), *rest)


@contextlib.contextmanager
def put_back():
    """Put state back at the end; gives a list that is filled with a sentence for each change."""
    before, changes = switches(), []
    try:
        yield changes
    finally:
        after = switches()
        for what, (value, restore) in before.items():
            if not after[what][0] == value:
                restore(value)
                changes.append(f"it changes {what} ({SAID[what]}), which was put back")
