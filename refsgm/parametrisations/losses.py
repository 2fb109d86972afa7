"""The same loss for networks that predict x_0, v or the velocity: squared errors without the 1/2.

    |x_0 - x0_fn|^2 = sigma^2 |eps - eps_fn|^2                      in VE coordinates       [PRED-1]
    |v - v_fn|^2    = |x_0 - x0_fn|^2 / (1 - alpha_bar)             in VP coordinates       [PRED-3]
    |u - u_fn|^2    = |x_0 - x0_fn|^2 / t^2                         on the straight path    [PRED-4]

Each holds sample by sample for predictions that are one another by `conversions`: a loss is a
weight of the noise level away from every other. Losses return one value per sample (B,), summed
over features; x_0, x and eps are clean data and standard normal noise (B, D), levels scalars or
(B, 1), and a function must return shape (B, D).
"""

import autograd.numpy as np

from ..arguments import POSITIVE, UNIT, check_batch, check_level, check_scalars, returned_by
from ..diffusion import diffuse
from ..gaussian import perturb
from ..weights import edm_weight
from .flow import flow_marginal


def x0_prediction_loss(x0_fn, x, sigma, eps):
    """Denoising loss per sample, shape (B,): |x - x0_fn(x + sigma eps, sigma)|^2.  [PRED-1]

    x0_fn  function (x_noisy, sigma) -> (B, D), a denoiser

    >>> x, eps = np.array([[1.0]]), np.array([[1.0]])
    >>> x0_prediction_loss(lambda x, sigma: x, x, 2.0, eps)    # (1 - 3)^2
    array([4.])
    """
    x_noisy = perturb(x, sigma, eps)
    x_hat = returned_by("x0_fn(x_noisy, sigma)", x0_fn, (x_noisy, sigma), np.shape(x))
    return np.sum((x - x_hat)**2, axis=1)


def edm_loss(denoiser_fn, x, sigma, eps, sigma_data):
    """EDM's loss per sample, shape (B,): edm_weight times the denoising loss.  [PRED-2]

        (sigma^2 + sigma_data^2) / (sigma sigma_data)^2 |x - denoiser_fn(x + sigma eps, sigma)|^2

    It is the plain squared error of the inner network F of [EDM-1], for its own target.

    denoiser_fn  function (x_noisy, sigma) -> (B, D)
    sigma_data   standard deviation of the data: positive, a scalar

    >>> x, eps = np.array([[1.0]]), np.array([[1.0]])
    >>> edm_loss(lambda x, sigma: x, x, 2.0, eps, 1.0)    # 5/4 (1 - 3)^2
    array([5.])
    """
    x_noisy = perturb(x, sigma, eps)
    check_scalars(POSITIVE, sigma_data=sigma_data)
    call = "denoiser_fn(x_noisy, sigma)"
    x_hat = returned_by(call, denoiser_fn, (x_noisy, sigma), np.shape(x))
    return np.sum(edm_weight(sigma, sigma_data) * (x - x_hat)**2, axis=1)


def v_prediction_loss(v_fn, x_0, alpha_bar_t, eps):
    """v-prediction loss per sample, shape (B,): |v - v_fn(x_t, alpha_bar_t)|^2.  [PRED-3]

        v = sqrt(alpha_bar_t) eps - sqrt(1 - alpha_bar_t) x_0,    in VP coordinates

    v_fn         function (x_t, alpha_bar_t) -> (B, D)
    alpha_bar_t  share of the signal's variance: in (0, 1], a scalar or (B, 1)

    >>> v_prediction_loss(lambda x, alpha_bar: 0 * x, np.array([[2.0]]), 0.75, np.array([[0.0]]))
    array([1.])
    """
    x_t = diffuse(x_0, alpha_bar_t, eps)
    v = alpha_bar_t**0.5 * eps - (1 - alpha_bar_t)**0.5 * x_0
    v_hat = returned_by("v_fn(x_t, alpha_bar_t)", v_fn, (x_t, alpha_bar_t), np.shape(x_0))
    return np.sum((v - v_hat)**2, axis=1)


def flow_matching_loss(u_fn, x_0, t, eps):
    """Flow-matching loss per sample, shape (B,): |eps - x_0 - u_fn(x_t, t)|^2.  [PRED-4]

        x_t = (1 - t) x_0 + t eps

    u_fn  function (x_t, t) -> (B, D), the velocity d x_t / dt
    t     time in [0, 1], 0 for clean data

    >>> flow_matching_loss(lambda x, t: x, np.array([[2.0]]), 0.5, np.array([[4.0]]))    # (2 - 3)^2
    array([1.])
    """
    check_batch(x_0=x_0, eps=eps)
    check_level(x_0, UNIT, t=t)
    scale, sigma = flow_marginal(t)
    x_t = scale * x_0 + sigma * eps
    u_hat = returned_by("u_fn(x_t, t)", u_fn, (x_t, t), np.shape(x_0))
    return np.sum((eps - x_0 - u_hat)**2, axis=1)
