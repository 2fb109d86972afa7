"""What implementations for NumPy, torch and JAX alike are written with.

They are written from the formulas, with operators and the few functions of a `Space`, as somebody
would who has never seen refsgm.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import autograd.numpy as anp
import numpy as np
from autograd import make_vjp


class Space(NamedTuple):
    """What the implementations need of a framework, beyond operators.

    lib        its module of functions: sqrt, exp, log, cos, minimum, maximum, where
    total      a -> its sum over the last axis
    array      nested list or NumPy array -> array of the framework in its working precision
    joined     list of 1-d arrays -> one array
    cumprod    product of a 1-d array so far
    jacobian   (f, x) -> f(x) (B, D) and d f_i / d x_j (B, D, D), differentiable
    detach     a -> the same value, without a gradient
    """

    lib: object
    total: Callable
    array: Callable
    joined: Callable
    cumprod: Callable
    jacobian: Callable
    detach: Callable = None


def numpy_space():
    """NumPy, with the derivatives of autograd."""
    def jacobian(f, x):
        vjp, s = make_vjp(f)(x)
        rows = [vjp(np.ones(s.shape) * e)[:, None] for e in np.eye(s.shape[1])]
        return s, anp.concatenate(rows, axis=1)
    return Space(anp, lambda a: anp.sum(a, axis=-1), np.asarray, np.concatenate, np.cumprod,
                 jacobian)


def torch_space(dtype):
    """PyTorch in float32 or float64."""
    import torch
    dtype = getattr(torch, dtype)

    def jacobian(f, x):
        x = x.clone().requires_grad_(True)
        s = f(x)
        return s, torch.stack([torch.autograd.grad(s[:, i].sum(), x, create_graph=True)[0]
                               for i in range(s.shape[1])], dim=1)
    return Space(torch, lambda a: a.sum(-1), lambda a: torch.as_tensor(a, dtype=dtype), torch.cat,
                 lambda a: torch.cumprod(a, 0), jacobian, lambda a: a.detach())


def jax_space():
    """JAX in its default precision, float32."""
    import jax
    import jax.numpy as jnp

    def jacobian(f, x):
        return f(x), jax.vmap(jax.jacfwd(lambda row: f(row[None])[0]))(x)
    return Space(jnp, lambda a: a.sum(-1), jnp.asarray, jnp.concatenate, jnp.cumprod, jacobian,
                 jax.lax.stop_gradient)


class Pair(NamedTuple):
    """A right and a wrong implementation, and the code of what is wrong."""

    right: Callable
    wrong: Callable
    code: str


LOG_2PI = math.log(2 * math.pi)


def flat(a):
    """A level, a number or (B, 1), against values (B,)."""
    return a if getattr(a, "ndim", 0) == 0 else a[:, 0]


def over_directions(values):
    """The mean over M of (M, B), or (B,) as it is."""
    return values.mean(0) if values.ndim == 2 else values


def diagonal_sum(J):
    """The sum of the diagonal, (B,)."""
    return sum(J[:, i, i] for i in range(J.shape[1]))
