"""The stand-in array of the tests under CuPy's name, for a dry run where there is no GPU.

It has what refsgm, its tests and these scripts ask of CuPy, and says nothing of CuPy's numbers.
"""

from types import SimpleNamespace

import numpy as np

from tests.support.device_array import DeviceArray as ndarray
from tests.support.device_array import DeviceGenerator
from tests.support.device_array import Kernel as ElementwiseKernel  # noqa: F401, CuPy's name

__version__ = "0 (the stand-in)"
random = SimpleNamespace(default_rng=DeviceGenerator, Generator=DeviceGenerator,
                         Philox4x3210=lambda seed: seed)
cuda = SimpleNamespace(
    runtime=SimpleNamespace(getDeviceCount=lambda: 1, memGetInfo=lambda: (2**30, 2**30)),
    get_current_stream=lambda: SimpleNamespace(synchronize=lambda: None))


def asarray(a):
    """The array on the device that is not there."""
    return a if isinstance(a, ndarray) else ndarray(np.asarray(a))


def get_default_memory_pool():
    """A pool that holds nothing."""
    return SimpleNamespace(free_bytes=lambda: 0)
