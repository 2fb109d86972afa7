"""Where to compute: NumPy on the CPU, or CuPy on a GPU. What an array is decides, nothing else.

    gpu = refsgm.backend("cupy")
    model = refsgm.train(gpu.asarray(x))
    x_T, rng = gpu.asarray(x_T), gpu.default_rng(0)
    *_, samples = refsgm.annealed_langevin(model.score, x_T, model.sigmas, 20, 0.002, rng)
    samples = gpu.to_numpy(samples)

No function of the mathematics asks for a backend: given arrays of a GPU it computes there, by
NumPy's protocols. Noise levels and tables stay NumPy's; scores and states live with their x.
"""

import os
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from ..arrays import DEVICES, Device, in_one_line, to_host

BACKENDS = ("numpy", "cupy")
INSTALL = "pip install 'cupy-cuda13x[ctk]', or cupy-cuda12x for a driver of CUDA 12"


@dataclass(frozen=True)
class Backend:
    """An array library, and how data get there and back.

    name    "numpy" or "cupy"
    module  the library
    """

    name: str
    module: ModuleType

    def asarray(self, a):
        """The array `a` on this backend; itself if it is there already."""
        return self.module.asarray(a)

    def to_numpy(self, a):
        """The array `a`, of any backend, as NumPy's."""
        return to_host(a)

    def default_rng(self, seed):
        """A generator of this backend's arrays, for samplers. Other backends, other numbers."""
        return self.module.random.default_rng(seed)

    def synchronize(self):
        """Wait until all that was asked for has been computed; clocks need it on a GPU."""
        if self.name == "cupy":
            self.module.cuda.get_current_stream().synchronize()


def backend(name=None):
    """The `Backend` of that name.

    name  "numpy" or "cupy"; what the environment's REFSGM_BACKEND says, else "numpy", if left out
    Raises ValueError for any other name, and ModuleNotFoundError in one sentence where CuPy or a
        GPU is missing.

    >>> backend("numpy").asarray([1.0, 2.0])
    array([1., 2.])
    """
    name = os.environ.get("REFSGM_BACKEND", "numpy") if name is None else name
    if not (isinstance(name, str) and name in BACKENDS):
        raise ValueError(f'backend must be "numpy" or "cupy", got {in_one_line(name)}')
    if name == "numpy":
        return Backend(name, np)
    try:
        import cupy
        cupy.cuda.runtime.getDeviceCount()
    except ImportError as error:
        raise ModuleNotFoundError(f"backend cupy needs CuPy: {INSTALL}") from error
    except Exception as error:                     # CuPy's own, which cannot be named without it
        raise ModuleNotFoundError(f"backend cupy needs a GPU with its driver, "
                                  f"got: {error}") from error
    register(cupy.ndarray, Device(
        default_rng=lambda seed: cupy.random.Generator(cupy.random.Philox4x3210(seed)),
        kernel=cupy.ElementwiseKernel,
        free_memory=lambda: cupy.cuda.runtime.memGetInfo()[0] + cupy.get_default_memory_pool()
        .free_bytes()))
    return Backend(name, cupy)


def register(cls, device):
    """Let everything here work on arrays of type `cls`, which speak NumPy's protocols.

    device  a Device: generators and kernels of that library
    """
    from .autodiff import autograd_rules                  # with its rules in force
    autograd_rules.register_array_type(cls)
    DEVICES[cls] = device
