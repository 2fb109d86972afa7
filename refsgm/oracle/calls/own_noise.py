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
from unittest import mock

import numpy as np

from ..kinds import BATCH, LOSS, STATES, TABLE
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


def nothing_to_draw(contract, draws):
    """The sentence for `draws` that names no noise which code may draw itself."""
    call = f"{contract.name}({', '.join(contract.args)})"
    if contract.form == STATES and "rng" in contract.args:
        return (f"draws must be left out for a loop such as {call}, got {draws!r}: it draws by "
                "rng.standard_normal(x.shape), and check_sampler judges loops that draw otherwise")
    may = " or ".join(map(repr, noise_of(contract)))
    return (f"draws must be {may} for {call}, got {draws!r}" if may else
            f"draws must be left out for {call}, which takes no noise, got {draws!r}")


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
    from ..training.draws import replaced                # whose package imports this module
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
    def like():
        old = np.random.RandomState(0)
        return getattr(old if hasattr(old, name) else np.random.Generator(np.random.PCG64(0)),
                       name)(*args, **kwargs)
    return noise.other(name, like)


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
            if name not in ("randn", "randn_like", "normal", "normal_", *REFUSED):
                return func(*args, **kwargs)

            def like():
                """A draw of its own, for its shape, dtype and device."""
                state = torch.get_rng_state()
                drawn = func(*args, **kwargs)
                torch.set_rng_state(state)
                return drawn
            z = noise.other(name, like) if name in REFUSED else None
            like = like()
            z = noise.draw(like.shape) if z is None else z
            z = torch.tensor(z, dtype=like.dtype if like.is_floating_point() else None,
                             device=like.device)
            if name.startswith("normal"):
                start = 1 if name == "normal_" else 0
                given = dict(zip(("mean", "std"), args[start:]), **kwargs)
                z = given.get("mean", 0.0) + given.get("std", 1.0) * z
            with torch.no_grad():
                return like.copy_(z) if name.endswith("_") else z
    return Mode()


def jax_captured(stack, noise, fn):
    """jax.random.normal, under its own name or another that fn gave it."""
    import jax
    import jax.numpy as jnp
    from ..training.draws import replaced
    known = {id(getattr(jax.random, name)): name for name in ("normal", "uniform", "randint",
                                                              "bernoulli", "rademacher")}

    def normal(key, shape=(), dtype=None, **_):
        single = not jax.config.jax_enable_x64 or is_single(dtype)
        return jnp.asarray(noise.draw(shape).astype(np.float32 if single else np.float64))

    def stand_in(name, real):
        return normal if name == "normal" else lambda *args, **kwargs: jnp.asarray(
            noise.other(name, lambda: real(*args, **kwargs)))
    for name in known.values():
        stack.enter_context(mock.patch.object(jax.random, name,
                                              stand_in(name, getattr(jax.random, name))))
    stack.enter_context(jax.disable_jit())              # a function that is compiled draws but once
    stack.enter_context(replaced(fn, lambda value: stand_in(known[id(value)], value)
                                 if id(value) in known else None))
