"""Noise schedules: tables of noise levels, and noise levels as functions of time.

    sigmas     (L,)      standard deviations, decreasing from sigma_max to sigma_min       [SCHED-1]
    alpha_bar  (T + 1,)  alpha_bar[0] = 1, alpha_bar[t] = product over i <= t of 1 - beta_i   [VP-6]
    betas      (T,)      betas[i] is the variance added by the step from i to i + 1

Tables are float64. Functions of time take a number or an array of any shape and return the same.
"""

import math

import autograd.numpy as np

from .arguments import (FRACTION, OPEN_UNIT, POSITIVE, UNIT, check_alpha_bar_table, check_below,
                        check_count, check_decreasing, check_scalars, check_table, check_values)
from .arrays import exp, expm1, weak


def geometric_sigmas(sigma_max, sigma_min, n_levels):
    """Noise levels with a constant ratio, both ends included, (L,), decreasing.  [SCHED-1]

        sigma_i = sigma_max (sigma_min / sigma_max)^(i / (L - 1)),    i = 0 .. L - 1

    sigma_max, sigma_min  largest and smallest standard deviation, both positive
    n_levels              L, at least 2

    >>> geometric_sigmas(4.0, 1.0, 3)
    array([4., 2., 1.])
    """
    check_ends(sigma_max, sigma_min, n_levels)
    sigmas = np.geomspace(sigma_max, sigma_min, n_levels)
    check_decreasing(POSITIVE, **{"levels from sigma_max to sigma_min": sigmas})
    return sigmas


def karras_sigmas(sigma_max, sigma_min, n_levels, rho=7.0):
    """Noise levels equally spaced in sigma^(1 / rho), both ends included, (L,).  [SCHED-2]

        sigma_i = [sigma_max^(1/rho) + i / (L - 1) (sigma_min^(1/rho) - sigma_max^(1/rho))]^rho

    sigma_max, sigma_min  largest and smallest standard deviation, both positive
    n_levels              L, at least 2
    rho                   1 is linear in sigma; the larger, the more levels at small sigma

    >>> karras_sigmas(9.0, 1.0, 3, rho=2.0)
    array([9., 4., 1.])
    """
    check_ends(sigma_max, sigma_min, n_levels)
    check_scalars(POSITIVE, rho=rho)
    with np.errstate(over="ignore"):
        low, high = np.array([sigma_min, sigma_max], np.float64)**(1 / rho)
    check_values(POSITIVE, **{"sigma_min^(1/rho)": low, "sigma_max^(1/rho)": high})
    rising = np.linspace(low, high, n_levels)**rho
    sigmas = np.concatenate([[sigma_max], rising[-2:0:-1], [sigma_min]])     # ends without rounding
    check_decreasing(POSITIVE, **{"levels from sigma_max to sigma_min": sigmas})
    return sigmas


def linear_betas(n_steps, beta_min=1e-4, beta_max=0.02):
    """DDPM's variances, linear from beta_min to beta_max, (T,).  [VP-4]

    The defaults are for T = 1000: at other T, scale them by 1000 / T for alpha_bar to come near 0.

    n_steps             T, at least 1
    beta_min, beta_max  first and last variance, in (0, 1)

    >>> linear_betas(3, 0.25, 0.75)
    array([0.25, 0.5 , 0.75])
    """
    check_count(1, n_steps=n_steps)
    check_scalars(OPEN_UNIT, beta_min=beta_min, beta_max=beta_max)
    return np.linspace(beta_min, beta_max, n_steps)


def cosine_alpha_bar(n_steps, offset=0.008, beta_max=0.999):
    """The cosine schedule as a table of alpha_bar, (T + 1,).  [VP-5]

        f(t) = cos^2((t/T + offset) / (1 + offset) pi/2)
        beta_t = min(1 - f(t) / f(t - 1), beta_max)

    The table is the cumulative product of 1 - beta_t for the clipped betas, so alpha_bar[0] = 1 and
    alpha_bar[T] > 0.

    n_steps   T, at least 1
    offset    keeps the first beta from being too small: positive
    beta_max  cap of the last betas, in (0, 1)

    >>> cosine_alpha_bar(1, beta_max=0.75)
    array([1.  , 0.25])
    """
    check_count(1, n_steps=n_steps)
    check_scalars(POSITIVE, offset=offset)
    check_scalars(OPEN_UNIT, beta_max=beta_max)
    left = np.arange(int(n_steps), -1, -1) / n_steps                                      # 1 - t/T
    angle = left / (1 + offset) * math.pi / 2           # f = sin^2 angle, precise where it is small
    b, a = angle[:-1], angle[1:]
    betas = np.sin(b - a) * np.sin(b + a) / np.sin(b)**2           # 1 - sin^2 a / sin^2 b
    return alpha_bar_from_betas(np.minimum(betas, beta_max))


def alpha_bar_from_betas(betas):
    """alpha_bar[t] = product over i <= t of (1 - beta_i), (T + 1,), alpha_bar[0] = 1.  [VP-6]

    betas  variances of the steps (T,), in (0, 1), which leave the last alpha_bar in (0, 1) too

    >>> alpha_bar_from_betas(np.array([0.5, 0.5]))
    array([1.  , 0.5 , 0.25])
    """
    check_table(OPEN_UNIT, betas=betas)
    kept = 1 - betas
    rounding = (1 - kept) - betas              # of kept: the same in each step for equal betas
    products = np.cumprod(kept) * (1 + np.cumsum(rounding / kept))
    last = products[-1] * (products[-1] >= np.finfo(products.dtype).tiny)     # 0 if it is subnormal
    check_values(OPEN_UNIT, **{"the last alpha_bar of these betas": last})
    return np.concatenate([np.ones_like(betas[:1]), products])


def betas_from_alpha_bar(alpha_bar):
    """beta_t = 1 - alpha_bar[t] / alpha_bar[t - 1], (T,): undoes alpha_bar_from_betas.  [VP-6]

    alpha_bar  table (T + 1,), alpha_bar[0] = 1, strictly decreasing, in (0, 1]

    >>> betas_from_alpha_bar(np.array([1.0, 0.5, 0.25]))
    array([0.5, 0.5])
    """
    check_alpha_bar_table(alpha_bar)
    return (alpha_bar[:-1] - alpha_bar[1:]) / alpha_bar[:-1]


def sigma_from_alpha_bar(alpha_bar):
    """sigma = sqrt((1 - alpha_bar) / alpha_bar), the VE noise level, same shape.  [EQV-9]

    alpha_bar  share of the signal's variance, in (0, 1]; alpha_bar = 1 gives 0

    >>> sigma_from_alpha_bar(0.2)
    2.0
    """
    check_values(FRACTION, alpha_bar=alpha_bar)
    return ((1 - alpha_bar) / alpha_bar)**0.5


def alpha_bar_from_sigma(sigma):
    """alpha_bar = 1 / (1 + sigma^2): the VP noise level of a VE one, same shape.  [EQV-9]

    sigma  standard deviation, positive

    >>> alpha_bar_from_sigma(2.0)
    0.2
    """
    check_values(POSITIVE, sigma=sigma)
    return 1 / (1 + sigma**2)


def signal_to_noise_ratio(alpha_bar):
    """SNR = alpha_bar / (1 - alpha_bar) = 1 / sigma^2, same shape; inf at alpha_bar = 1.  [EQV-10]

    alpha_bar  share of the signal's variance, in (0, 1]

    >>> signal_to_noise_ratio(0.75)
    3.0
    """
    check_values(FRACTION, alpha_bar=alpha_bar)
    with np.errstate(divide="ignore"):
        return weak(lambda alpha_bar: np.divide(alpha_bar, 1 - alpha_bar))(alpha_bar)


def vp_marginal(t, beta_min=0.1, beta_max=20.0):
    """Scale and sigma of the VP kernel x_t = scale x_0 + sigma eps, each shaped like t.  [VP-1]

        beta(t) = beta_min + t (beta_max - beta_min)
        scale   = exp(-1/4 t^2 (beta_max - beta_min) - 1/2 t beta_min),    sigma^2 = 1 - scale^2

    t                   time in [0, 1]
    beta_min, beta_max  the rate of noise at t = 0 and t = 1, per unit of time: positive

    >>> vp_marginal(0.0)
    (1.0, 0.0)
    """
    check_values(UNIT, t=t)
    check_scalars(POSITIVE, beta_min=beta_min, beta_max=beta_max)
    log_scale = -0.25 * t**2 * (beta_max - beta_min) - 0.5 * t * beta_min
    return exp(log_scale), (-expm1(2 * log_scale))**0.5


def ve_marginal(t, sigma_min, sigma_max):
    """sigma(t) = sigma_min (sigma_max / sigma_min)^t, shaped like t.  [VE-6]

    t                     time in [0, 1]; at t = 0 the data still have noise sigma_min
    sigma_min, sigma_max  standard deviations at t = 0 and t = 1

    >>> ve_marginal(0.5, 1.0, 16.0)
    4.0
    """
    check_values(UNIT, t=t)
    check_scalars(POSITIVE, sigma_min=sigma_min, sigma_max=sigma_max)
    check_below(sigma_min=sigma_min, sigma_max=sigma_max)
    return sigma_min * (sigma_max / sigma_min)**t


def ve_diffusion_coefficient(t, sigma_min, sigma_max):
    """g(t) of dx = g dw, shaped like t: g = sigma(t) sqrt(2 log(sigma_max / sigma_min)).  [VE-7]

    The rate at which variance grows: g^2 = d sigma^2 / dt.

    t                     time in [0, 1]; at t = 0 the data still have noise sigma_min
    sigma_min, sigma_max  standard deviations at t = 0 and t = 1

    >>> ve_diffusion_coefficient(0.0, 3.0, 3.0 * math.exp(2.0))
    6.0
    """
    return ve_marginal(t, sigma_min, sigma_max) * math.sqrt(2 * math.log(sigma_max / sigma_min))


def check_ends(sigma_max, sigma_min, n_levels):
    """Both ends of a table of noise levels, and their number."""
    check_scalars(POSITIVE, sigma_max=sigma_max, sigma_min=sigma_min)
    check_below(sigma_min=sigma_min, sigma_max=sigma_max)
    check_count(2, n_levels=n_levels)
