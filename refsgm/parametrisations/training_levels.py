"""Laws of the noise level in training, as functions of a standard normal number z.

    log-normal     sigma = exp(mean + deviation z),               EDM                      [LEVEL-1]
    logit-normal   log(t / (1 - t)) = mean + deviation z,         flow matching            [LEVEL-2]

The two are one law: t / (1 - t) is sigma / scale of the straight path. A level that is drawn more
often weighs more: what counts is the density of the level times the weight of the loss. The third
common law is uniform, in t or over the entries of a table, and needs no formula.
"""

from ..arguments import FINITE, POSITIVE, check_scalars, check_values
from ..arrays import exp


def log_normal_sigma(z, mean=-1.2, deviation=1.2):
    """Noise levels of EDM's training, like z: exp(mean + deviation z).  [LEVEL-1]

    z                standard normal numbers, of any shape, drawn by the caller
    mean, deviation  of log sigma: scalars; the deviation is positive

    >>> log_normal_sigma(0.0, 0.0, 1.0)
    1.0
    """
    check_values(FINITE, z=z)
    check_scalars(FINITE, mean=mean)
    check_scalars(POSITIVE, deviation=deviation)
    return exp(mean + deviation * z)


def logit_normal_time(z, mean=0.0, deviation=1.0):
    """Times of flow matching's training, like z, in (0, 1).  [LEVEL-2]

        t = 1 / (1 + exp(-(mean + deviation z)))

    A larger mean is more noise: it is `shift_time` with shift = exp(mean).

    z                standard normal numbers, of any shape, drawn by the caller
    mean, deviation  of log(t / (1 - t)): scalars; the deviation is positive

    >>> logit_normal_time(0.0)
    0.5
    """
    check_values(FINITE, z=z)
    check_scalars(FINITE, mean=mean)
    check_scalars(POSITIVE, deviation=deviation)
    return 1 / (1 + exp(-(mean + deviation * z)))
