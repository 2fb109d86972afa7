"""The array libraries that foreign code may use: arrays in, arrays out, and gradients.

Each is imported when it is first asked for.
"""

import contextlib
import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from autograd.tracer import isbox

from ..options import is_word
from ...arrays import in_one_line


def is_single(dtype):
    """Whether a dtype of any library, or its name, is float32."""
    return re.search(r"\bfloat32\b", str(dtype)) is not None


class Framework(NamedTuple):
    """How to talk to one array library.

    asarray   NumPy array or number -> its array of the same dtype (numbers become 0-d arrays where
              the library's functions refuse plain numbers)
    to_numpy  its array -> NumPy
    gradient  (loss, *starts) -> d loss / d start of each by its own autodiff, or None where it has
              none; the loss takes and returns its arrays
    raw       whether Python numbers are passed as they are
    reshape (a, shape), sum (a, axis), mean (a), transpose (a), dot (a, b) of (B, D) and (D,)
              of its arrays; by their methods and operators, unless the library has others
    near      (a, x) -> a on the device of x
    read      (a) -> a, as the result of an operation whose derivative reads it again
    compiles  whether every new shape costs it a compilation
    second    (loss, directions, *starts) -> the gradient of that gradient along directions, or None
    exactly   () -> a context in which products of matrices keep the digits of their dtype
    """

    name: str
    asarray: Callable
    to_numpy: Callable
    gradient: Callable | None
    raw: bool
    reshape: Callable = lambda a, shape: a.reshape(shape)
    sum: Callable = lambda a, axis: a.sum(axis)
    mean: Callable = lambda a: a.mean()
    transpose: Callable = lambda a: a.T
    dot: Callable = lambda a, b: a @ b
    near: Callable = lambda a, x: a
    read: Callable = lambda a: a
    compiles: bool = False
    second: Callable | None = None
    exactly: Callable = contextlib.nullcontext


def numpy_framework():
    """Plain NumPy: no gradients to judge."""
    def to_numpy(a):
        if isbox(a):                       # np.asarray would take it apart, one entry at a time
            raise TypeError("a traced array has no value to see")
        return np.asarray(a)
    return Framework("numpy", np.asarray, to_numpy, None, True)


def autograd_framework():
    """NumPy through HIPS autograd: the same arrays, and gradients."""
    from autograd import grad

    def to_numpy(a):
        while isbox(a):
            a = a._value
        return np.asarray(a)
    def gradient(loss, *starts):
        return grad(loss, tuple(range(len(starts))))(*starts)
    return Framework("autograd", np.asarray, to_numpy, gradient, True)


def torch_framework(device=None):
    """PyTorch, on a device, or on that where new tensors are."""
    import torch
    torch.empty(0, device=device)                           # raises for one that is not there

    def to_numpy(a):
        if not isinstance(a, torch.Tensor):
            return np.asarray(a)
        a = a.detach().cpu()
        return (a.float() if a.dtype == torch.bfloat16 else a).numpy()   # which NumPy has not got

    def gradient(loss, *starts):
        starts = [torch.tensor(a, requires_grad=True, device=device) for a in starts]
        with torch.enable_grad():
            value = loss(*starts)
            if isinstance(value, torch.Tensor) and value.requires_grad:
                first = back(value.sum(), starts, retain_graph=True)
                with contextlib.suppress(RuntimeError):           # a graph may be good for one pass
                    again = back(value.sum(), starts)
                    if any(not np.array_equal(a, b, equal_nan=True) for a, b in zip(first, again)):
                        return again
                return first
        return [np.zeros(a.shape) for a in starts]

    def back(value, starts, **more):
        for a in starts:
            a.grad = None
        value.backward(**more)
        return [np.zeros(a.shape) if a.grad is None else a.grad.cpu().numpy() for a in starts]

    def second(loss, directions, *starts):
        starts = [torch.tensor(a, requires_grad=True, device=device) for a in starts]
        with torch.enable_grad():
            slopes = torch.autograd.grad(loss(*starts), starts, create_graph=True,
                                         allow_unused=True)
            along = sum((g * torch.tensor(u, dtype=g.dtype, device=g.device)).sum()
                        for g, u in zip(slopes, directions) if g is not None)
            if isinstance(along, torch.Tensor) and along.requires_grad:
                along.backward()
        return [np.zeros(a.shape) if a.grad is None else a.grad.cpu().numpy() for a in starts]

    def read(a):
        return torch.nn.functional.leaky_relu_(a, 1.0)               # with a slope of 1: a itself
    return Framework("torch", lambda a: torch.tensor(np.asarray(a), device=device), to_numpy,
                     gradient, False, near=lambda a, x: a.to(getattr(x, "device", a.device)),
                     read=read, second=second)


def jax_framework(device=None):
    """JAX, on a device or its default one; without jax_enable_x64 all its arrays are float32.

    In products of matrices JAX keeps ten bits of float32 on a GPU (TF32), and seven on a TPU
    (bfloat16), unless code or user ask for more.
    """
    import jax
    import jax.numpy as jnp
    first = jax.devices(device)[0]                          # raises for one that is not there
    there = None if device is None else first

    def asarray(a):
        return jnp.asarray(a) if there is None else jax.device_put(jnp.asarray(a), there)

    def gradient(loss, *starts):
        slopes = jax.grad(lambda *a: jnp.sum(loss(*a)), tuple(range(len(starts))))
        return [np.asarray(a) for a in slopes(*map(asarray, starts))]

    def exactly():
        chosen = jax.config.jax_default_matmul_precision
        return jax.default_matmul_precision(chosen or "highest")
    return Framework("jax", asarray, np.asarray, gradient, False, compiles=True, exactly=exactly)


def cupy_framework():
    """CuPy, on the GPU: no gradients to judge."""
    import cupy
    return Framework("cupy", cupy.asarray, lambda a: cupy.asnumpy(a) if isinstance(a, cupy.ndarray)
                     else np.asarray(a), None, True)


FRAMEWORKS = {"numpy": numpy_framework, "autograd": autograd_framework, "torch": torch_framework,
              "jax": jax_framework, "cupy": cupy_framework}


ON_DEVICES = ("torch", "jax")


def in_words(names):
    """Names as one lists them: "numpy, torch or jax"."""
    *first, last = names
    return f"{', '.join(first)} or {last}"


def framework_of(name, device=None):
    """The framework by name, on a device; one sentence where it is unknown or not there."""
    if not is_word(name, FRAMEWORKS):
        raise ValueError(f"framework must be one of {', '.join(FRAMEWORKS)}, "
                         f"got {in_one_line(name)}")
    if device is not None and name not in ON_DEVICES:
        raise ValueError(f"device must be None unless framework is {in_words(ON_DEVICES)}, "
                         f"got {in_one_line(device)}")
    try:
        return FRAMEWORKS[name]() if device is None else FRAMEWORKS[name](device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"device must be one that {name} has here, got {in_one_line(device)}: "
                         f"{str(error).splitlines()[0]}") from None
    except ImportError as error:
        raise ModuleNotFoundError(f"framework {name!r} is not installed here: {error}") from error
