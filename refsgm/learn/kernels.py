"""One kernel for what NumPy does in several passes over memory, where there are kernels.

A body is elementwise, in words that mean the same in C and in Python: `T` before a new name is its
type. cupy.ElementwiseKernel compiles it. On the host some have a form of their own, for Numba: see
fast.py. Without either the array code of the caller computes the same; the tests compare them.
"""

from functools import cache

import numpy as np

from ..arrays import device_of, value_of

# name: inputs, outputs, body. An output may be the buffer of an input.
KERNELS = {
    "tanh_of_sum":   ("T a, T b", "T y", "y = tanh(a + b)"),                              # [AD-2]
    "skip_and_tanh": ("T h, T a, T b", "T y", "y = h + tanh(a + b)"),
    "through_tanh":  ("T g, T y", "T delta", "delta = g * (1 - y * y)"),
    "twice":         ("T g, T x", "T y", "y = 2 * g * x"),
    "network_input": ("T x, T center, T sigma, T sigma_data", "T u",                      # [NET-1]
                      "u = (x - center) / sqrt(sigma * sigma + sigma_data * sigma_data)"),
    "waves":         ("T sigma, T harmonics", "T c, T s",
                      "T angle = log(sigma) / 4 * harmonics; c = cos(angle); s = sin(angle)"),
    "score":         ("T x, T center, T F, T b, T sigma, T sigma_data", "T s",
                      "T total = sigma * sigma + sigma_data * sigma_data; "
                      "s = sigma_data / (sigma * sqrt(total)) * (F + b) - (x - center) / total"),
    "to_network":    ("T g, T sigma, T sigma_data", "T y",
                      "y = g * sigma_data / (sigma * sqrt(sigma * sigma "
                      "+ sigma_data * sigma_data))"),
    "adam":          ("T g, T w0, T m0, T u0, T a0, T decay_1, T decay_2, T rate, T tiny, T share",
                      "T w, T m, T u, T a",                                       # [OPT-1] [OPT-2]
                      "m = decay_1 * m0 + g; u = decay_2 * u0 + g * g; "
                      "w = w0 - rate * m / (sqrt(u) + tiny); a = a0 + share * (w - a0)"),
}


def kernel(name, x, *others):
    """The kernel of that name for the device of x, or for the host; None where there is none.

    None too if one of the others, arguments of the kernel, is traced or an array of another type or
    dtype: a kernel has one type of number.
    """
    device, x = device_of(x), value_of(x)
    if device is None and name in HOST:
        fit = all(type(a) is np.ndarray and a.dtype == x.dtype and a.flags.c_contiguous
                  for a in (x, *others))
        return HOST[name] if fit and x.dtype in (np.float32, np.float64) else None
    if device is None or device.kernel is None or x.dtype.kind != "f":
        return None
    fit = all(type(a) in (int, float) or (type(a) is type(x) and a.dtype == x.dtype)
              for a in others)
    return compiled(device, name) if fit else None


HOST = {}                       # kernels that are in use for NumPy's arrays, by name


def on_host_use(table):
    """Let these be the kernels of NumPy's arrays; those that were."""
    before = dict(HOST)
    HOST.clear()
    HOST.update(table)
    return before


@cache
def compiled(device, name):
    """The function that the device makes of a kernel; it compiles when it is first called."""
    return device.kernel(*KERNELS[name], f"refsgm_{name}")


CONSTANTS = {}


def constant(name, x, make):
    """The array make(), made once for the device and the dtype of x; nobody writes into it."""
    key = name, type(x), str(getattr(x, "device", "")), x.dtype
    if key not in CONSTANTS:
        CONSTANTS[key] = make()
    return CONSTANTS[key]
