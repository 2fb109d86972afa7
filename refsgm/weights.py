"""How much each noise level counts: loss weights, and the preconditioning that makes levels alike.

    L = E lambda |s - target|^2:    lambda = sigma^2 is L_simple                             [WGT-1]
                                    lambda = g^2 bounds the divergence                       [WGT-2]

A weight belongs to what the network predicts (score, eps, x_0 or v): the same loss has another
weight for each. Noise levels are numbers or arrays of any shape, and so are the results.
"""

import autograd.numpy as np

from .arguments import FRACTION, POSITIVE, check_like, check_scalars, check_values, check_word
from .arrays import log, weak


def edm_preconditioning(sigma, sigma_data):
    """Coefficients of the denoiser x_0 = c_skip x + c_out F(c_in x, c_noise).  [EDM-1]

        c_skip = sigma_data^2 / (sigma^2 + sigma_data^2)
        c_out  = sigma sigma_data / sqrt(sigma^2 + sigma_data^2)
        c_in   = 1 / sqrt(sigma^2 + sigma_data^2),    c_noise = log(sigma) / 4

    Returns (c_skip, c_out, c_in, c_noise), each shaped like sigma.

    sigma       standard deviation of the noise, positive (VE coordinates)
    sigma_data  standard deviation of the data, positive

    >>> edm_preconditioning(1.0, 1.0)[0]
    0.5
    """
    check_values(POSITIVE, sigma=sigma, sigma_data=sigma_data)
    check_like(sigma=sigma, sigma_data=sigma_data)
    total = sigma**2 + sigma_data**2                                # the variance of the noisy data
    return sigma_data**2 / total, sigma * sigma_data / total**0.5, 1 / total**0.5, log(sigma) / 4


def score_matching_weight(sigma):
    """lambda = sigma^2 on |s - target|^2: every noise level weighs alike, L_simple.  [WGT-1]

    sigma  standard deviation of the noise, positive

    >>> score_matching_weight(3.0)
    9.0
    """
    check_values(POSITIVE, sigma=sigma)
    return sigma**2


def likelihood_weight(g):
    """lambda = g^2 on |s - target|^2, which bounds the divergence from the data.  [WGT-2]

        KL(data | model) <= KL(q_T | prior) + 1/2 integral of g^2 E|s - grad log q_t|^2 dt

    g  diffusion coefficient of the forward SDE, positive

    >>> likelihood_weight(3.0)
    9.0
    """
    check_values(POSITIVE, g=g)
    return g**2


def edm_weight(sigma, sigma_data):
    """lambda = (sigma^2 + sigma_data^2) / (sigma sigma_data)^2 = 1 / c_out^2, on x_0.  [WGT-3]

    Each square divided on its own: their product may be out of range.

    sigma       standard deviation of the noise, positive
    sigma_data  standard deviation of the data, positive

    >>> edm_weight(2.0, 1.0)
    1.25
    """
    check_values(POSITIVE, sigma=sigma, sigma_data=sigma_data)
    check_like(sigma=sigma, sigma_data=sigma_data)
    return 1 / sigma**2 + 1 / sigma_data**2


def min_snr_weight(alpha_bar, gamma, prediction):
    """The min-SNR weight of the loss on what the network predicts.  [WGT-4]

    With q = alpha_bar / (1 - alpha_bar), the signal-to-noise ratio:

        eps: min(q, gamma) / q        x0: min(q, gamma)        v: min(q, gamma) / (q + 1)

    alpha_bar   share of the signal's variance, in (0, 1]
    gamma       cap of the signal-to-noise ratio, positive (the paper uses 5)
    prediction  what the network predicts: "eps", "x0" or "v"

    >>> [min_snr_weight(0.75, 1.5, prediction) for prediction in ("eps", "x0", "v")]    # q = 3
    [0.5, 1.5, 0.375]
    """
    check_values(FRACTION, alpha_bar=alpha_bar)
    check_scalars(POSITIVE, gamma=gamma)
    check_word(("eps", "x0", "v"), prediction=prediction)
    noise_to_signal = (1 - alpha_bar) / alpha_bar      # 1 / q, which is finite at alpha_bar = 1 too
    if prediction == "eps":
        return weak(lambda n: np.minimum(1, gamma * n))(noise_to_signal)
    clipped = weak(lambda n: 1 / np.maximum(n, 1 / gamma))(noise_to_signal)          # min(q, gamma)
    return clipped if prediction == "x0" else clipped * (1 - alpha_bar)
