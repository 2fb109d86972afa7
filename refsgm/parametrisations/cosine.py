"""The cosine schedule in continuous time, as a path: the limit of its table for many steps.

    x_t = scale x_0 + sigma eps,    scale^2 + sigma^2 = 1,    scale = sin((1 - t) a) / sin a  [VP-7]
"""

import math

import autograd.numpy as np

from ..arguments import POSITIVE, UNIT, check_scalars, check_values
from ..arrays import weak

sin = weak(np.sin)


def cosine_marginal(t, offset=0.008):
    """Scale and sigma of the cosine path, each shaped like t.  [VP-7]

        scale = cos((t + offset) / (1 + offset) pi/2) / cos(offset / (1 + offset) pi/2)
        sigma^2 = 1 - scale^2

    alpha_bar = scale^2 is zero at t = 1: where code divides by scale it stops before, as at 0.9946.

    t       time in [0, 1], 0 for clean data
    offset  keeps the noise near t = 0 from being too small: positive, a scalar

    >>> cosine_marginal(1.0)
    (0.0, 1.0)
    """
    check_values(UNIT, t=t)
    check_scalars(POSITIVE, offset=offset)
    a = math.pi / 2 / (1 + offset)
    scale = sin((1 - t) * a) / math.sin(a)
    sigma = (sin(t * a) * sin((t + 2 * offset) * a))**0.5 / math.sin(a)
    return scale, sigma
