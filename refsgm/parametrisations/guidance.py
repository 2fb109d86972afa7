"""Classifier-free guidance: a conditional prediction, moved away from the unconditional one.

    guided = unconditional + scale (conditional - unconditional)                           [GUIDE-1]

scale = 1 is no guidance. Papers that write (1 + w) conditional - w unconditional have
w = scale - 1: the same formula with another zero.
"""

from ..arguments import FINITE, check_batch, check_level


def classifier_free_guidance(conditional, unconditional, scale):
    """The guided prediction, shape (B, D).  [GUIDE-1]

        unconditional + scale (conditional - unconditional)

    The same for scores, eps, x_0, v and velocities at one x_t: guidance commutes with converters.

    conditional, unconditional  predictions at the same x_t, with and without the condition (B, D)
    scale                       1 for no guidance, 0 for no condition: a scalar or (B, 1)

    >>> classifier_free_guidance(np.array([[2.0]]), np.array([[1.0]]), 3.0)
    array([[4.]])
    """
    check_batch(conditional=conditional, unconditional=unconditional)
    check_level(conditional, FINITE, scale=scale)
    return unconditional + scale * (conditional - unconditional)
