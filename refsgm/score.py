"""Derivatives of log densities and scores, by reverse-mode automatic differentiation.

    score        s(x) = grad log p(x)                [SCORE-1]
    Jacobian     J(x)_ij = d s_i / d x_j             never built: a backward pass gives a row v' J
    divergence   div s = trace J                     [OPS-2]

Functions act on batches: row b of f(x) depends on row b of x alone, so the gradient of a sum over
the batch is the batch of gradients. Everything here can be differentiated again.
"""

import autograd.numpy as np
from autograd import grad, make_vjp

from .arguments import check_batch, check_directions, check_functions, returned_by
from .arrays import differentiable


def score_of(log_density):
    """The function x -> grad log p(x), (B, D) -> (B, D).  [SCORE-1]

    log_density  function (B, D) -> (B,), in nats; an additive constant (the partition function)
                 does not matter [SCORE-2]

    >>> score_of(lambda x: -np.sum(x**2, axis=1) / 2)(np.array([[3.0, -1.0]]))
    array([[-3.,  1.]])
    """
    check_functions(log_density=log_density)

    def score(x):
        check_batch(x=x)
        def total(x):
            return np.sum(returned_by("log_density(x)", log_density, (x,), np.shape(x)[:1]))
        return returned_by("the gradient of log_density", grad(total),
                           (differentiable(x),), np.shape(x))
    return score


def row_times_jacobian(score_fn, x):
    """The function v -> v' J(x), and the score s(x): one forward pass for any number of v."""
    check_functions(score_fn=score_fn)
    vjp, score = make_vjp(lambda x: returned_by("score_fn(x)", score_fn, (x,), np.shape(x)))(
        differentiable(x))
    return lambda v: returned_by("the derivative of score_fn", vjp, (v,), np.shape(x)), score


def mean_over_directions(term, v):
    """term(v) for v of shape (B, D); for (M, B, D) the mean over the M directions."""
    return term(v) if np.ndim(v) == 2 else sum(term(v[m]) for m in range(len(v))) / len(v)


def directional_derivative(score_fn, x, v):
    """v' J v per sample, shape (B,), J the Jacobian of score_fn at x.  [OPS-1]

    score_fn  function (B, D) -> (B, D)
    x         points (B, D)
    v         directions (B, D), or (M, B, D) for the mean over M of them

    >>> x, v = np.array([[3.0, 1.0]]), np.array([[1.0, 2.0]])
    >>> directional_derivative(lambda x: x**2, x, v)    # 6 + 4 * 2
    array([14.])
    """
    check_batch(x=x)
    check_directions(x, v)
    v_jacobian, _ = row_times_jacobian(score_fn, x)
    return mean_over_directions(lambda v: np.sum(v_jacobian(v) * v, axis=1), v)


def divergence(score_fn, x):
    """The exact divergence, shape (B,): sum_i d s_i / d x_i, with D backward passes.  [OPS-2]

    score_fn  function (B, D) -> (B, D)
    x         points (B, D)

    >>> divergence(lambda x: x**2, np.array([[3.0, 1.0]]))
    array([8.])
    """
    check_batch(x=x)
    v_jacobian, _ = row_times_jacobian(score_fn, x)
    return trace(v_jacobian, x)


def trace(v_jacobian, x):
    """sum_i (e_i' J)_i, shape (B,), from the function v -> v' J."""
    total = 0.0
    for i in range(np.shape(x)[1]):
        e_i = np.zeros_like(differentiable(x))            # (B, D), a fresh array on the device of x
        e_i[:, i] = 1.0
        total = total + v_jacobian(e_i)[:, i]
    return total


def hutchinson_divergence(score_fn, x, v):
    """Hutchinson's estimate of the divergence, shape (B,): v' J v.  [OPS-3]

    Its mean is the divergence when E[v v'] = I.

    Exact for any v with entries +-1 when J is diagonal.

    score_fn  function (B, D) -> (B, D)
    x         points (B, D)
    v         random directions (B, D), or (M, B, D) for the mean over M of them

    >>> hutchinson_divergence(lambda x: x**2, np.array([[3.0, 1.0]]), np.array([[1.0, -1.0]]))
    array([8.])
    """
    return directional_derivative(score_fn, x, v)
