"""What is noted while a loss runs: its draws, its calls of the network, its value and gradients."""

import random
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from ..calls.trial import OutOfTime, in_one_line

TIMES = ("t", "time", "times", "timestep", "timesteps", "time_cond", "sigma", "sigmas", "noise",
         "noise_level", "noise_labels", "log_snr", "alpha_bar", "level", "labels", "steps")
NOT_TIMES = ("y", "class_labels", "label", "classes", "cond", "context", "self_cond",
             "augment_labels")
TOTALS = ("loss", "total", "total_loss", "train_loss", "loss_total", "mse")


class Draw(NamedTuple):
    """What one call of a random function gave: the function's name, and the numbers (NumPy)."""

    name: str
    value: np.ndarray


class Call(NamedTuple):
    """One call of the network: its noisy input, its time, and what the loss makes of its output.

    x         noisy input, (B, *shape)
    told      what may be the time, the likeliest first, each as ((B,), its dtype in a word)
    embedded  whether there are further arguments, none of them one number per row
    gradient  d loss / d output, (B, *shape), or None where the graph does not reach the output
    """

    x: np.ndarray
    told: list
    embedded: bool
    gradient: np.ndarray | None


class Run(NamedTuple):
    """The loss, run once: its value, the calls, the draws, the shape of what it returned.

    rows     value per entry of what was returned, summed in `value`
    mutated  whether the data were changed in place
    """

    value: float
    calls: list
    draws: list
    rows: tuple
    mutated: bool


class Raised(Exception):
    """The loss raised an exception; the message is what it said."""


class Unreadable(Raised):
    """The network is called in a way that cannot be read; the message is a sentence."""


@contextmanager
def foreign_step():
    """What foreign code raises within is `Raised`, SystemExit too: it must not end us."""
    try:
        yield
    except (Raised, OutOfTime, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise Raised(in_one_line(error, 300)) from error


def ravelled(shift, shape):
    """A shift of a draw as an array of its shape."""
    return np.asarray(shift).reshape(shape)


def first_loss(value, is_array):
    """What is the loss among the things that a training step returns."""
    if isinstance(value, dict):
        keys = [k for k in TOTALS if k in value] or [k for k in value if is_array(value[k])]
        return first_loss(value[keys[0]], is_array) if keys else None
    if isinstance(value, (tuple, list)):
        parts = [first_loss(v, is_array) for v in value]
        return next((p for p in parts if p is not None), None)
    if not is_array(value) and hasattr(value, "loss"):
        return first_loss(value.loss, is_array)
    return value if is_array(value) or isinstance(value, (int, float)) else None


def is_number(a):
    return isinstance(a, (int, float, np.generic)) and not isinstance(a, bool)


def arranged(args, kwargs, shape, is_array):
    """(noisy input, what may be the time) of the arguments with which the network is called."""
    size, rows = int(np.prod(shape)), shape[0]
    named = [(None, a) for a in args] + list(kwargs.items())
    floats = [(k, a) for k, a in named if is_array(a) and a.ndim > 0 and "int" not in str(a.dtype)
              and "bool" not in str(a.dtype)]
    exact = [a for k, a in floats if tuple(a.shape) == tuple(shape)]
    same = exact or [a for _, a in floats if int(np.prod(a.shape)) == size]
    wider = same or [a for _, a in floats if int(np.prod(a.shape)) > size]
    if not wider:
        raise Unreadable("the network is called with no array that holds the noisy data")
    x = wider[0]
    rest = [(k, a) for k, a in named if a is not x and k not in NOT_TIMES and (
        is_number(a) or is_array(a) and int(np.prod(a.shape)) in (1, rows))]
    rest.sort(key=lambda item: item[0] is not None and item[0] not in TIMES)
    return x, [a for _, a in rest]


def noisy_part(x, shape):
    """(the noisy data in an input, what else lies beside them), for inputs with more channels."""
    if x.size == int(np.prod(shape)):
        return x.reshape(shape), None
    if x.ndim == len(shape):
        axes = [i for i in range(1, x.ndim) if x.shape[i] != shape[i]]
        if len(axes) == 1 and x.shape[axes[0]] > shape[axes[0]]:
            n = shape[axes[0]]
            return np.split(x, [n], axis=axes[0])
    raise Unreadable(f"the network is called with an array {tuple(x.shape)}, where the data are "
                 f"{tuple(shape)}")


def few_digits(a):
    """"bfloat16" or "float16" if all numbers have no more digits than that, else ""."""
    bits = np.asarray(a, dtype=np.float32).view(np.uint32)
    if not np.array_equal(np.asarray(a, dtype=np.float32), a):
        return ""
    if (bits & 0xFFFF == 0).all():
        return "bfloat16"
    return "float16" if (bits & 0x1FFF == 0).all() else ""


def times_of(values, rows, beside, numbers):
    """What may be the time, each as ((B,), its dtype); `beside` is a channel beside the data."""
    if not values and beside is not None and beside.size == rows:
        return [(beside.reshape(-1).astype(float), "float64")]
    return [(np.broadcast_to(np.asarray(numbers(v), dtype=float).reshape(-1), (rows,)).copy(),
             str(getattr(v, "dtype", type(v).__name__)).removeprefix("torch.")) for v in values]


@contextmanager
def seeded(seed):
    """Python's and NumPy's global generators, seeded for a while."""
    kept = random.getstate(), np.random.get_state()           # noqa: NPY002
    random.seed(seed)
    np.random.seed(seed)                                      # noqa: NPY002, foreign code draws here
    try:
        yield
    finally:
        random.setstate(kept[0])
        np.random.set_state(kept[1])                          # noqa: NPY002
