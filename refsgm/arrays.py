"""Where an array is, and of which dtype: moves between devices, weak numbers, entries of tables.

`beside` and `to_host` move an array to the device of another and back: nothing else does. `exp`,
`expm1` and `log` keep Python numbers Python numbers: NumPy lets them follow the dtype of the array
they meet ("weak"), where a NumPy float64 scalar would turn float32 data into float64.
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import autograd.numpy as np
from autograd.tracer import getval, isbox

DEVICES = {}                    # type of array: its `Device`


class Device(NamedTuple):
    """What a library of device arrays brings, apart from NumPy's protocols.

    default_rng  seed -> generator whose numbers are drawn on the device
    kernel       (inputs, outputs, body, name) -> elementwise function, see learn/kernels.py;
                 None if the library has none
    free_memory  () -> bytes that are free there
    """

    default_rng: Callable
    kernel: Callable
    free_memory: Callable


def device_of(x):
    """The `Device` of an array, traced or not; None for NumPy's."""
    return DEVICES.get(type(value_of(x)))


def on_host(a):
    """Whether the values of `a` may be looked at: a Python number or a NumPy array."""
    return isinstance(a, (int, float, complex, np.ndarray, np.generic))


@cache
def is_number_or_array(kind):
    """Whether a type is one that arguments may have.

    Numbers of Python and NumPy that are no bool, NumPy's own array and its memmap, and arrays that
    speak NumPy's two protocols (CuPy, Dask). A subclass of NumPy's array has rules of its own, and
    so have pandas, PyTorch and JAX: those are for the caller to convert.
    """
    if issubclass(kind, np.ndarray):
        return kind is np.ndarray or kind.__name__ == "memmap" and kind.__module__ == "numpy"
    if issubclass(kind, np.generic):
        return True
    return kind in (int, float, complex) or all(
        hasattr(kind, name) for name in ("shape", "dtype", "__array_function__", "__array_ufunc__"))


WHOLE = 2**26                                                   # the largest integer among data
SQUARES = {"f": (1e-18, 1e18), "F": (1e-18, 1e18), "other": (1e-150, 1e150)}      # f: float32


def range_of_squares(a):
    """The smallest and largest numbers of the dtype of `a` whose squares do not leave its range."""
    return SQUARES.get(a.dtype.char if hasattr(a, "dtype") else "other", SQUARES["other"])


def in_one_line(value):
    """A value as it is shown in a message."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def differentiable(x):
    """x as derivatives need it: a memmap as the array that it is, integers as float64."""
    kind = (x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype).kind
    return np.asarray(x, np.float64) if kind in "iu" else np.asarray(x) if on_host(x) else x


def value_of(a):
    """The array, or number, inside a traced one."""
    while isbox(a):
        a = getval(a)
    return a


def beside(a, x):
    """The array `a` where x is: itself if both are NumPy's, else moved to the device of x."""
    x = value_of(x)
    return np.asarray(a) if on_host(x) else np.asarray(a, like=x)


def to_host(a):
    """The array `a` as NumPy's; one on a device is copied from there."""
    return a if on_host(a) else a.get()


def float_type(*arrays):
    """The floating-point dtype of results: that of the arrays, float64 for integers; Python
    numbers have no say."""
    dtypes = [a.dtype for a in map(value_of, arrays) if hasattr(a, "dtype")]
    return np.result_type(*dtypes, np.float32)


def weak_number(a, x):
    """A Python number as it is among the numbers of x: in float32, and of its range, if x is."""
    narrow = type(a) is float and getattr(value_of(x), "dtype", None) == np.float32
    return np.float32(np.sign(a) * np.clip(abs(a), 1e-38, 3e38)) if (
        narrow and np.isfinite(a)) else a


def weak(f):
    """The elementwise function f, made to return a Python number for a Python number."""
    return lambda a: float(f(a)) if type(a) in (int, float) else f(a)


def entries(table):
    """The entries of a table (N,): Python floats from NumPy, 0-d arrays from a device."""
    if isinstance(table, np.ndarray):
        return table.tolist()
    return [table[i] for i in range(len(table))]


def of_rows(level, index):
    """A level (a scalar, or one per row) for some rows alone."""
    return level if np.ndim(level) == 0 else level[index]


def rows_of(x):
    """The index of each row of x, (B,), on the device of x."""
    return beside(np.arange(len(x)), x)


def against_components(level):
    """A level (a scalar or (B, 1)) against arrays (B, K, D)."""
    return level if np.ndim(level) == 0 else level[:, :, None]


exp, expm1, log = weak(np.exp), weak(np.expm1), weak(np.log)
