"""What implementations in several files have in common: Jacobians, directions, squares."""

import autograd.numpy as np
from autograd import make_vjp

TINY = 1e-20                                                               # of the complex step


def along(score_fn, x, v):
    """J v by the complex step, (B, D)."""
    return np.imag(score_fn(x + 1j * TINY * v)) / TINY


def over(v, term):
    """The mean of term(u) over the directions u."""
    return sum(term(u) for u in v) / len(v) if v.ndim == 3 else term(v)


def diagonal(score_fn, x):
    """sum_i d s_i / d x_i, one column of the identity after the other."""
    return sum(along(score_fn, x, np.zeros_like(x) + e)[:, i]
               for i, e in enumerate(np.eye(x.shape[1])))


def trace(score_fn, x):
    """The same by reverse mode."""
    vjp, _ = make_vjp(score_fn)(x)
    return sum(vjp(np.zeros_like(x) + e)[:, i] for i, e in enumerate(np.eye(x.shape[1])))


def column(a):
    """A level as a number or (B,)."""
    return a if np.ndim(a) == 0 else a[:, 0]


def square(a):
    """|a|^2 of each row."""
    return np.einsum("bd,bd->b", a, a)
