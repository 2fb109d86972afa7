"""v and the velocity: the other two things that networks predict.

    v = scale eps - sigma x_0              on any kernel x_t = scale x_0 + sigma eps        [EQV-7]
    u = d x_t / dt = eps - x_0             on the line x_t = (1 - t) x_0 + t eps            [EQV-8]

A converter is named target_from_source, and its arguments mean the same in all of them:

    x_t, x_0, eps  diffused data, clean data and forward noise, or their predictions (B, D)
    v, u           the prediction of a network (B, D)
    scale          factor of x_0 in x_t: zero or positive
    sigma          standard deviation of the noise in x_t: positive
    t              time in [0, 1], 0 for clean data

Levels and times are scalars or (B, 1).
"""

from ..arguments import NONNEGATIVE, POSITIVE, UNIT, check_batch, check_level


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
