"""Flow matching on the straight path: its kernel, its time and its step.

    x_t = (1 - t) x_0 + t eps,    u = eps - x_0,    x_s = x_t + (s - t) u                   [FLOW-1]

Here time is 0 at the data and 1 at the noise. Many papers count it the other way, tau = 1 - t, with
the data at tau = 1; the path is the same, and its velocity d x / d tau = x_0 - eps is -u. Whoever
keeps to one of the two throughout is right; a sign or a t from the other is a mistake.
"""

from ..arguments import POSITIVE, UNIT, check_batch, check_level, check_scalars, check_values


def flow_marginal(t):
    """Scale and sigma of the straight path, each shaped like t: (1 - t, t).  [FLOW-1]

    t  time in [0, 1], 0 for clean data

    >>> flow_marginal(0.25)
    (0.75, 0.25)
    """
    check_values(UNIT, t=t)
    return 1 - t, t


def shift_time(t, shift):
    """Time at which the ratio of noise to signal is `shift` times that at t, like t.  [FLOW-2]

        shift t / (1 + (shift - 1) t),    so that t / (1 - t) becomes shift t / (1 - t)

    t      time in [0, 1], 0 for clean data
    shift  positive, a scalar; above 1 there is more noise

    >>> shift_time(0.5, 3.0)
    0.75
    """
    check_values(UNIT, t=t)
    check_scalars(POSITIVE, shift=shift)
    return shift * t / ((1 - t) + shift * t)


def flow_step(x_t, u, t, s):
    """Euler step of the flow ODE dx = u dt from time t to time s, shape (B, D).  [FLOW-3]

        x_s = x_t + (s - t) u

    Towards the data s < t. With u = eps - x_0 it is exact: DDIM's step on the straight path.

    x_t, u  state and velocity there (B, D)
    t, s    times in [0, 1], 0 for clean data: scalars or (B, 1)

    >>> flow_step(np.array([[2.0]]), np.array([[4.0]]), 0.5, 0.25)
    array([[1.]])
    """
    check_batch(x_t=x_t, u=u)
    check_level(x_t, UNIT, t=t, s=s)
    return x_t + (s - t) * u
