"""v and the velocity, the other two things that networks predict; the SDE that has a given path.

    v = scale eps - sigma x_0              on any kernel x_t = scale x_0 + sigma eps        [EQV-7]
    u = d x_t / dt = eps - x_0             on the line x_t = (1 - t) x_0 + t eps            [EQV-8]
    u = scale_rate x_0 + sigma_rate eps    on any path, whatever its direction in time     [PATH-1]
    dx = f x dt + g dw                     with the kernels of that path                   [PATH-2]

A converter is named target_from_source, and its arguments mean the same in all of them:

    x_t, x_0, eps           diffused data, clean data and forward noise, or their predictions (B, D)
    score, v, u             score of q(x_t), v and velocity, or their predictions (B, D)
    scale                   factor of x_0 in x_t: positive (or zero, where nothing is divided by it)
    sigma                   standard deviation of the noise in x_t: positive
    scale_rate, sigma_rate  d scale / dt and d sigma / dt: finite, of either sign
    t                       time in [0, 1], 0 for clean data

Levels, rates and times are scalars or (B, 1). Linear flow has scale = 1 - t, sigma = t and rates
-1 and 1; with data at time 1 it has scale = t, sigma = 1 - t and rates 1 and -1 [FLOW-1].
"""

import autograd.numpy as np

from ..arguments import (FINITE, NONNEGATIVE, POSITIVE, UNIT, check_batch, check_level,
                         check_like, check_values)
from ..arrays import on_host


def v_from_x0_eps(x_0, eps, scale, sigma):
    """v = scale eps - sigma x_0, shape (B, D).  [EQV-7]

    >>> v_from_x0_eps(np.array([[1.0]]), np.array([[2.0]]), 0.8, 0.6)
    array([[1.]])
    """
    check_batch(x_0=x_0, eps=eps)
    check_level(x_0, NONNEGATIVE, scale=scale)
    check_level(x_0, POSITIVE, sigma=sigma)
    return scale * eps - sigma * x_0


def x0_from_v(x_t, v, scale, sigma):
    """x_0 = (scale x_t - sigma v) / (scale^2 + sigma^2), shape (B, D); VP divides by 1.  [EQV-7]

    >>> x0_from_v(np.array([[5.0]]), np.array([[0.0]]), 1.0, 2.0)
    array([[1.]])
    """
    check_batch(x_t=x_t, v=v)
    check_level(x_t, NONNEGATIVE, scale=scale)
    check_level(x_t, POSITIVE, sigma=sigma)
    return (scale * x_t - sigma * v) / (scale**2 + sigma**2)


def eps_from_v(x_t, v, scale, sigma):
    """eps = (sigma x_t + scale v) / (scale^2 + sigma^2), shape (B, D); VP divides by 1.  [EQV-7]

    >>> eps_from_v(np.array([[5.0]]), np.array([[0.0]]), 1.0, 2.0)
    array([[2.]])
    """
    check_batch(x_t=x_t, v=v)
    check_level(x_t, NONNEGATIVE, scale=scale)
    check_level(x_t, POSITIVE, sigma=sigma)
    return (sigma * x_t + scale * v) / (scale**2 + sigma**2)


def velocity_from_x0_eps(x_0, eps):
    """Flow-matching velocity u = d x_t / dt = eps - x_0, shape (B, D).  [EQV-8]

    The path is the straight line x_t = (1 - t) x_0 + t eps.

    >>> velocity_from_x0_eps(np.array([[1.0]]), np.array([[3.0]]))
    array([[2.]])
    """
    check_batch(x_0=x_0, eps=eps)
    return eps - x_0


def x0_from_velocity(x_t, u, t):
    """x_0 = x_t - t u, shape (B, D), on the line (1 - t) x_0 + t eps.  [EQV-8]

    >>> x0_from_velocity(np.array([[2.0]]), np.array([[2.0]]), 0.5)
    array([[1.]])
    """
    check_batch(x_t=x_t, u=u)
    check_level(x_t, UNIT, t=t)
    return x_t - t * u


def velocity_from_score(x_t, score, scale, sigma, scale_rate, sigma_rate):
    """The velocity of a path from its score, shape (B, D).  [PATH-1]

        u = scale_rate x_0 + sigma_rate eps
          = (scale_rate x_t + sigma (sigma scale_rate - scale sigma_rate) score) / scale

    It is the drift of the probability-flow ODE [SDE-2].

    >>> velocity_from_score(np.array([[3.0]]), np.array([[-1.0]]), 0.5, 0.5, -1.0, 1.0)
    array([[-5.]])
    """
    check_batch(x_t=x_t, score=score)
    check_level(x_t, POSITIVE, scale=scale, sigma=sigma)
    check_level(x_t, FINITE, scale_rate=scale_rate, sigma_rate=sigma_rate)
    growth = scale * sigma_rate - sigma * scale_rate          # scale^2 d (sigma / scale) / dt
    return (scale_rate * x_t - sigma * growth * score) / scale


def score_from_velocity(x_t, u, scale, sigma, scale_rate, sigma_rate):
    """The score of a path from its velocity, shape (B, D).  [PATH-1]

        score = (scale_rate x_t - scale u) / (sigma (scale sigma_rate - sigma scale_rate))

    Raises ValueError also where sigma / scale does not change, and u tells nothing of the score.

    >>> score_from_velocity(np.array([[3.0]]), np.array([[-5.0]]), 0.5, 0.5, -1.0, 1.0)
    array([[-1.]])
    """
    check_batch(x_t=x_t, u=u)
    check_level(x_t, NONNEGATIVE, scale=scale)
    check_level(x_t, POSITIVE, sigma=sigma)
    check_level(x_t, FINITE, scale_rate=scale_rate, sigma_rate=sigma_rate)
    growth = scale * sigma_rate - sigma * scale_rate          # scale^2 d (sigma / scale) / dt
    if on_host(growth) and np.any(np.equal(growth, 0)):
        raise ValueError("sigma / scale must change with time, "
                         "got scale sigma_rate - sigma scale_rate = 0")
    return (scale_rate * x_t - scale * u) / (sigma * growth)


def sde_coefficients(scale, sigma, scale_rate, sigma_rate):
    """f and g of dx = f x dt + g dw with the kernels of a path, each like its levels.  [PATH-2]

        f = scale_rate / scale,    g^2 = d sigma^2 / dt - 2 f sigma^2

    Arguments are numbers or arrays of any shape; sigma may be zero.
    Raises ValueError also where sigma / scale falls: time runs from the data to the noise.

    >>> sde_coefficients(0.5, 0.5, -1.0, 1.0)    # t = 1/2: -1 / (1 - t), root of 2 t / (1 - t)
    (-2.0, 1.4142135623730951)
    """
    check_values(POSITIVE, scale=scale)
    check_values(NONNEGATIVE, sigma=sigma)
    check_values(FINITE, scale_rate=scale_rate, sigma_rate=sigma_rate)
    check_like(scale=scale, sigma=sigma, scale_rate=scale_rate, sigma_rate=sigma_rate)
    growth = scale * sigma_rate - sigma * scale_rate          # scale^2 d (sigma / scale) / dt
    if on_host(growth) and np.any(np.real(growth) < 0):
        raise ValueError("sigma / scale must not fall with time, which runs from data to noise, "
                         f"got scale sigma_rate - sigma scale_rate = {np.min(np.real(growth))}")
    return scale_rate / scale, (2 * sigma * growth / scale)**0.5
