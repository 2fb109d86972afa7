"""Noise that foreign code draws itself: what it gets is the contract's, whichever library it asks.

    torch    randn, randn_like, normal, normal_, and what draws through them
    JAX      jax.random.normal
    NumPy    standard_normal, normal, randn of numpy.random and of Generators in reach

A draw of the whole argument gets the argument; draws of one of its parts get the parts in turn,
such as the noise of one level. Draws of another size or kind, and a draw too many, are refused:
code that draws its level too is a question for `check_training`.
"""

import contextlib
import functools
import math
from unittest import mock

import numpy as np

from ..kinds import BATCH, LOSS, STATES, TABLE
from ..training.draws import replaced
from .frameworks import is_single

REFUSED = ("rand", "rand_like", "randint", "randint_like", "bernoulli", "uniform_", "random_",
           "bernoulli_", "multinomial", "randperm")
LEGACY = ("rand", "randint", "uniform", "random", "random_sample", "choice", "integers")



def noise_of(contract):
    """The arguments that code usually draws itself: z of a step, v of slices, eps of a loss."""
    args = contract.args[:contract.required]
    if contract.form in (TABLE, STATES):
        return ()
    if "z" in args and not contract.is_level("z"):
        return ("z",)
    if contract.sliced:
        return ("v",)
    made = contract.form == BATCH and args[-1] == "eps" and any(map(contract.is_level, args))
    return ("eps",) if "eps" in args and (contract.form == LOSS or made) else ()



class OwnNoise:
    """The draws of one call: arguments of the contract, by name, in the order of the contract."""

    def __init__(self, arguments, shaped, single):
        self.parts = [(name, shaped(a)) for name, a in arguments.items()]
        self.dtype = np.float32 if single else np.float64
        self.taken = 0                                       # parts of the first array that remain

    def draw(self, shape):
        """The next draw, in that shape."""
        shape, size = tuple(shape), math.prod(shape)
        if not self.parts:
            raise TypeError("it draws more noise than it is asked for")
        name, a = self.parts[0]
        if size == a.size and self.taken == 0:
            self.parts.pop(0)
            return a.reshape(shape)
        if len(a) * size == a.size and a.ndim > 2:
            part = a[self.taken]
            self.taken += 1
            if self.taken == len(a):
                self.parts.pop(0)
                self.taken = 0
            return part.reshape(shape)
        raise TypeError(f"it draws noise of shape {shape}, where {name} has {a.shape}: every "
                        "sample needs noise of its own")

    def refuse(self, name):
        """A draw that is no standard normal number."""
        raise TypeError(f"it draws by {name}, where standard normal noise is meant "
                        "(check_training judges code that draws its levels too)")


@contextlib.contextmanager
def captured(noise, fn, framework):
    """While this lasts, what fn draws through NumPy or its own library comes from `noise`."""
    with contextlib.ExitStack() as stack:
        numpy_captured(stack, noise, fn)
        if framework == "torch":
            stack.enter_context(torch_mode(noise))
        if framework == "jax":
            jax_captured(stack, noise, fn)
        yield


def numpy_captured(stack, noise, fn):
    """Global draws, new Generators, and Generators that fn can reach."""
    table = legacy(noise)
    for name, draw in table.items():
        stack.enter_context(mock.patch.object(np.random, name, draw))
    for name in LEGACY:
        if hasattr(np.random, name):
            stack.enter_context(mock.patch.object(np.random, name,
                                                  functools.partial(refused, noise, name)))
    stack.enter_context(mock.patch.object(np.random, "default_rng", return_value=Given(noise)))
    stack.enter_context(replaced(fn, lambda value: Given(noise) if isinstance(
        value, (np.random.Generator, np.random.RandomState)) else None))


def refused(noise, name, *args, **kwargs):
    """A draw of another kind."""
    noise.refuse(name)


def legacy(noise):
    """NumPy's ways of asking for normal numbers."""
    def standard_normal(size=None, dtype=np.float64, out=None):
        shape = () if size is None else size
        z = noise.draw(shape if hasattr(shape, "__len__") else (shape,))
        return z.astype(np.float32 if is_single(dtype) else noise.dtype)

    def normal(loc=0.0, scale=1.0, size=None):
        shape = np.broadcast_shapes(np.shape(loc), np.shape(scale)) if size is None else size
        return loc + scale * standard_normal(shape)
    return {"standard_normal": standard_normal, "normal": normal,
            "randn": lambda *shape: standard_normal(shape)}


class Given:
    """A generator whose normal numbers are given."""

    def __init__(self, noise):
        self.noise = noise
        vars(self).update(legacy(noise))

    def __getattr__(self, name):
        return functools.partial(refused, self.noise, name)


def torch_mode(noise):
    """A mode in which PyTorch's normal numbers are given."""
    import torch
    from torch.overrides import TorchFunctionMode

    class Mode(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            kwargs, name = kwargs or {}, getattr(func, "__name__", "")
            if name in REFUSED:
                noise.refuse(name)
            if name not in ("randn", "randn_like", "normal", "normal_"):
                return func(*args, **kwargs)
            state = torch.get_rng_state()
            like = func(*args, **kwargs)                          # its shape, dtype and device
            torch.set_rng_state(state)
            z = torch.tensor(noise.draw(like.shape), dtype=like.dtype, device=like.device)
            if name.startswith("normal"):
                start = 1 if name == "normal_" else 0
                given = dict(zip(("mean", "std"), args[start:]), **kwargs)
                z = given.get("mean", 0.0) + given.get("std", 1.0) * z
            with torch.no_grad():
                return like.copy_(z) if name == "normal_" else z
    return Mode()


def jax_captured(stack, noise, fn):
    """jax.random.normal, under its own name or another that fn gave it."""
    import jax
    import jax.numpy as jnp
    known = {id(getattr(jax.random, name)): name for name in ("normal", "uniform", "randint",
                                                              "bernoulli", "rademacher")}

    def normal(key, shape=(), dtype=None, **_):
        single = not jax.config.jax_enable_x64 or is_single(dtype)
        return jnp.asarray(noise.draw(shape).astype(np.float32 if single else np.float64))

    def stand_in(name):
        return normal if name == "normal" else functools.partial(refused, noise, name)
    for name in known.values():
        stack.enter_context(mock.patch.object(jax.random, name, stand_in(name)))
    stack.enter_context(jax.disable_jit())              # a function that is compiled draws but once
    stack.enter_context(replaced(fn, lambda value: stand_in(known[id(value)])
                                 if id(value) in known else None))
