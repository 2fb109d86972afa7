"""The losses that a network is trained by, each for one noise level per sample.

    lambda(sigma) loss(s(., sigma); x + sigma eps),    lambda(sigma) = sigma^2              [NCSN-1]

A loss is a function (s, x, sigma, eps, v) -> (B,) for a score function s(x, sigma), data x (B, D),
levels sigma (B, 1), noise eps (B, D) and directions v (B, D) of signs. Losses that know nothing of
noise see noisy data. To add one, write its two lines and give it a name in OBJECTIVES.
"""

from ..equivalence import eps_from_score
from ..gaussian import perturb
from ..objectives import (denoising_score_matching, finite_difference_ssm, implicit_score_matching,
                          noise_prediction_loss, sliced_score_matching, sliced_score_matching_vr)


def dsm(s, x, sigma, eps, v):
    """sigma^2 times denoising score matching.  [DSM-1]"""
    return sigma[:, 0]**2 * denoising_score_matching(s, x, sigma, eps)


def eps_prediction(s, x, sigma, eps, v):
    """The noise-prediction loss, twice that of `dsm`.  [EQV-2]"""
    return noise_prediction_loss(lambda x, sigma: eps_from_score(s(x, sigma), sigma), x, sigma, eps)


def ism(s, x, sigma, eps, v):
    """sigma^2 times implicit score matching, with the whole trace.  [ISM-1]"""
    return sigma[:, 0]**2 * implicit_score_matching(at_level(s, sigma), perturb(x, sigma, eps))


def ssm(s, x, sigma, eps, v):
    """sigma^2 times sliced score matching: directions sigma v bring sigma^2 with them.  [SSM-1]"""
    return sliced_score_matching(at_level(s, sigma), perturb(x, sigma, eps), sigma * v)


def ssm_vr(s, x, sigma, eps, v):
    """sigma^2 times sliced score matching with reduced variance.  [SSM-2]"""
    return sigma[:, 0]**2 * sliced_score_matching_vr(at_level(s, sigma), perturb(x, sigma, eps), v)


def fd_ssm(s, x, sigma, eps, v):
    """`ssm` with a central difference in the place of the derivative.  [SSM-3]"""
    return finite_difference_ssm(at_level(s, sigma), perturb(x, sigma, eps), sigma * v, 0.01)


def at_level(s, sigma):
    """The score at this noise level as a function of x alone."""
    return lambda x: s(x, sigma)


SLICED = ("ssm", "ssm-vr", "fd-ssm")                           # the losses that use directions
OBJECTIVES = {"dsm": dsm, "eps": eps_prediction, "ism": ism, "ssm": ssm, "ssm-vr": ssm_vr,
              "fd-ssm": fd_ssm}
