"""One step of every sampler: functions of values, with the fresh noise z as an argument.

    Langevin       x' = x + step_size / 2 score + sqrt(step_size) z                         [LANG-1]
    DDPM, DDIM     given eps and alpha_bar_t < alpha_bar_s                         [DDPM-3] [DDIM-1]
    VE             given the score and sigma_t > sigma_s                           [VE-1] .. [VE-4]
    VP             drifts, integrated from t = 1 down to t = 0 (dt < 0)                [VP-2] [VP-3]

A step goes from t to s < t and takes the two noise levels themselves, not indices into a table:
the last step (sigma_s = 0, alpha_bar_s = 1) and skipped steps need no special case.
"""

import autograd.numpy as np

from .arguments import (NONNEGATIVE, POSITIVE, UNIT, check_batch, check_below, check_decreasing,
                        check_level, check_scalars, check_step, check_ve_step, check_word,
                        returned_by)
from .arrays import on_host, value_of
from .diffusion import posterior
from .equivalence import x0_from_eps


def langevin_step(x, score, step_size, z):
    """One step of Langevin dynamics: x + step_size / 2 score + sqrt(step_size) z, (B, D).  [LANG-1]

    On N(m, c^2) the chain settles at variance c^2 / (1 - step_size / (4 c^2)), not c^2 [LANG-3].

    x, score, z  state, score there, fresh standard normal noise (B, D)
    step_size    positive, a scalar or (B, 1); it is 2 h in the convention x + h score + sqrt(2 h) z

    >>> langevin_step(np.array([[1.0]]), np.array([[-1.0]]), 4.0, np.array([[0.5]]))    # 1 - 2 + 1
    array([[0.]])
    """
    check_batch(x=x, score=score, z=z)
    check_level(x, POSITIVE, step_size=step_size)
    return x + 0.5 * step_size * score + step_size**0.5 * z


def annealed_step_sizes(sigmas, step_size):
    """Step sizes of annealed Langevin dynamics, (L,): step_size sigma_i^2 / sigma_L^2.  [LANG-2]

    sigmas     noise levels (L,), standard deviations, strictly decreasing
    step_size  step size at the last, smallest level: positive

    >>> annealed_step_sizes(np.array([4.0, 2.0, 1.0]), 0.5)
    array([8. , 2. , 0.5])
    """
    check_decreasing(POSITIVE, sigmas=sigmas)
    check_scalars(POSITIVE, step_size=step_size)
    return step_size * (sigmas / sigmas[-1])**2


def ddpm_step(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
    """Ancestral step of DDPM from t to s, shape (B, D).  [DDPM-3]

        x_s = mean of q(x_s | x_t, x_0) + sqrt(variance) z
        x_0 = (x_t - sqrt(1 - alpha_bar_t) eps) / sqrt(alpha_bar_t)
        "posterior"  (1 - alpha_bar_s) / (1 - alpha_bar_t) (1 - alpha_bar_t / alpha_bar_s)
        "beta"       1 - alpha_bar_t / alpha_bar_s; DDPM's algorithm has z = 0 in the last step

    x_t, eps, z  state, noise prediction, fresh noise (B, D); alpha_bar_t < alpha_bar_s in (0, 1]

    >>> x_t, eps, z = np.array([[2.0]]), np.array([[0.0]]), np.array([[9.0]])
    >>> ddpm_step(x_t, eps, 0.25, 1.0, z)    # x_0 = 2 / sqrt(1/4), no noise
    array([[4.]])
    """
    check_batch(x_t=x_t, eps=eps, z=z)
    check_step(x_t, alpha_bar_t, alpha_bar_s)
    check_word(("posterior", "beta"), variance=variance)
    x_0 = x0_from_eps(x_t, eps, alpha_bar_t**0.5, (1 - alpha_bar_t)**0.5)
    mean, posterior_variance = posterior(x_0, x_t, alpha_bar_t, alpha_bar_s)
    beta = (alpha_bar_s - alpha_bar_t) / alpha_bar_s
    return mean + (posterior_variance if variance == "posterior" else beta)**0.5 * z


def ddim_step(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    """Step of DDIM from t to s, shape (B, D).  [DDIM-1]

        x_s = sqrt(alpha_bar_s) x_0 + sqrt(1 - alpha_bar_s - variance) eps + sqrt(variance) z
        variance = eta^2 (1 - alpha_bar_s) / (1 - alpha_bar_t) (1 - alpha_bar_t / alpha_bar_s)

    eta = 1 is the DDPM step with posterior variance [DDIM-2]; eta = 0 is deterministic.

    x_t, eps, z  state, noise prediction, fresh noise (B, D); alpha_bar_t < alpha_bar_s in (0, 1]
    eta          share of fresh noise: a scalar in [0, 1]

    >>> ddim_step(np.array([[2.0]]), np.array([[0.0]]), 0.25, 1.0, 0.5, np.array([[9.0]]))
    array([[4.]])
    """
    check_batch(x_t=x_t, eps=eps, z=z)
    check_step(x_t, alpha_bar_t, alpha_bar_s)
    check_scalars(UNIT, eta=eta)
    x_0 = x0_from_eps(x_t, eps, alpha_bar_t**0.5, (1 - alpha_bar_t)**0.5)
    beta = (alpha_bar_s - alpha_bar_t) / alpha_bar_s
    variance = eta**2 * beta * (1 - alpha_bar_s) / (1 - alpha_bar_t)
    kept = alpha_bar_t * (1 - alpha_bar_s) / (alpha_bar_s * (1 - alpha_bar_t))
    direction = (1 - alpha_bar_s) * ((1 - eta**2) + eta**2 * kept)    # 1 - alpha_bar_s - variance
    return alpha_bar_s**0.5 * x_0 + direction**0.5 * eps + variance**0.5 * z


def ve_probability_flow_step(x_t, score, sigma_t, sigma_s):
    """Euler step in sigma of the ODE dx = -sigma score dsigma, shape (B, D).  [VE-1] [SDE-2]

        x_s = x_t + (sigma_t - sigma_s) sigma_t score

    x_t, score  state and score there (B, D); 0 <= sigma_s < sigma_t, scalars or (B, 1)

    >>> x_t, score = np.array([[2.0]]), np.array([[-0.25]])
    >>> ve_probability_flow_step(x_t, score, 2.0, 0.0)    # ends at Tweedie's x_0
    array([[1.]])
    """
    check_batch(x_t=x_t, score=score)
    check_ve_step(x_t, sigma_t, sigma_s)
    return x_t + (sigma_t - sigma_s) * sigma_t * score


def heun_step(score_fn, x_t, sigma_t, sigma_s):
    """Heun step of the probability-flow ODE, shape (B, D); Euler when sigma_s = 0.  [VE-2]

        x_hat = x_t + (sigma_t - sigma_s) sigma_t score(x_t, sigma_t)
        x_s   = x_t + (sigma_t - sigma_s) / 2 [sigma_t score(x_t, sigma_t)
                                               + sigma_s score(x_hat, sigma_s)]

    score_fn  function (x, sigma) -> (B, D); sigma_s is zero in every row or in none

    >>> heun_step(lambda x, sigma: -x / sigma, np.array([[2.0]]), 2.0, 1.0)    # x_hat = 0
    array([[1.]])
    """
    check_batch(x_t=x_t)
    check_ve_step(x_t, sigma_t, sigma_s)
    level = value_of(sigma_s)
    at_zero = on_host(level) and np.any(np.equal(level, 0))
    if at_zero and np.any(np.not_equal(level, 0)):
        raise ValueError(f"sigma_s must be zero in every row or in none, got {np.ravel(sigma_s)}")
    score = returned_by("score_fn(x, sigma)", score_fn, (x_t, sigma_t), np.shape(x_t))
    x_hat = ve_probability_flow_step(x_t, score, sigma_t, sigma_s)
    if at_zero:
        return x_hat
    score_hat = returned_by("score_fn(x, sigma)", score_fn, (x_hat, sigma_s), np.shape(x_t))
    return x_t + 0.5 * (sigma_t - sigma_s) * (sigma_t * score + sigma_s * score_hat)


def ve_reverse_sde_step(x_t, score, sigma_t, sigma_s, z):
    """Euler-Maruyama step of the reverse-time VE SDE, shape (B, D).  [VE-3] [SDE-1]

        x_s = x_t + (sigma_t^2 - sigma_s^2) score + sqrt(sigma_t^2 - sigma_s^2) z

    x_t, score, z  state, score there, fresh noise (B, D); 0 <= sigma_s < sigma_t, scalars or (B, 1)

    >>> x_t, score, z = np.array([[1.0]]), np.array([[-1.0]]), np.array([[2.0]])
    >>> ve_reverse_sde_step(x_t, score, 5.0, 3.0, z)    # 1 - 16 + 4 * 2
    array([[-7.]])
    """
    check_batch(x_t=x_t, score=score, z=z)
    check_ve_step(x_t, sigma_t, sigma_s)
    removed = (sigma_t - sigma_s) * (sigma_t + sigma_s)                      # sigma_t^2 - sigma_s^2
    return x_t + removed * score + removed**0.5 * z


def ve_ancestral_step(x_t, score, sigma_t, sigma_s, z):
    """Ancestral step in VE coordinates, (B, D): mean and variance of q(x_s | x_t, x_0).  [VE-4]

        x_s = x_t + (sigma_t^2 - sigma_s^2) score + sigma_s sqrt(sigma_t^2 - sigma_s^2) / sigma_t z

    x_t, score, z  state, score there, fresh noise (B, D); 0 <= sigma_s < sigma_t, scalars or (B, 1)

    >>> x_t, score, z = np.array([[1.0]]), np.array([[-1.0]]), np.array([[2.0]])
    >>> ve_ancestral_step(x_t, score, 5.0, 3.0, z).round(12)    # 1 - 16 + 24/5
    array([[-10.2]])
    """
    check_batch(x_t=x_t, score=score, z=z)
    check_ve_step(x_t, sigma_t, sigma_s)
    removed = (sigma_t - sigma_s) * (sigma_t + sigma_s)                      # sigma_t^2 - sigma_s^2
    return x_t + removed * score + sigma_s / sigma_t * removed**0.5 * z


def raise_noise(x, sigma_from, sigma_to, z):
    """More noise, (B, D): x + sqrt(sigma_to^2 - sigma_from^2) z; variances add.  [VE-5]

    x, z  state at level sigma_from, fresh noise (B, D); 0 <= sigma_from < sigma_to

    >>> raise_noise(np.array([[1.0]]), 3.0, 5.0, np.array([[2.0]]))
    array([[9.]])
    """
    check_batch(x=x, z=z)
    check_level(x, NONNEGATIVE, sigma_from=sigma_from)
    check_level(x, POSITIVE, sigma_to=sigma_to)
    check_below(sigma_from=sigma_from, sigma_to=sigma_to)
    return x + ((sigma_to - sigma_from) * (sigma_to + sigma_from))**0.5 * z


def vp_probability_flow_drift(x, score, beta):
    """Drift of the VP probability-flow ODE, (B, D): -beta / 2 (x + score).  [VP-2] [SDE-2]

    The forward SDE is dx = -beta x / 2 dt + sqrt(beta) dw; sampling integrates with dt < 0.

    x, score  state and score there (B, D)
    beta      rate of noise at this time: positive, a scalar or (B, 1)

    >>> vp_probability_flow_drift(np.array([[3.0]]), np.array([[-1.0]]), 2.0)
    array([[-2.]])
    """
    check_batch(x=x, score=score)
    check_level(x, POSITIVE, beta=beta)
    return -0.5 * beta * (x + score)


def vp_reverse_sde_drift(x, score, beta):
    """Drift of the VP reverse-time SDE, (B, D): -beta x / 2 - beta score.  [VP-3] [SDE-1]

    dx = drift dt + sqrt(beta) dw, integrated with dt < 0; its noise is that of the forward SDE.

    x, score  state and score there (B, D)
    beta      rate of noise at this time: positive, a scalar or (B, 1)

    >>> vp_reverse_sde_drift(np.array([[3.0]]), np.array([[-1.0]]), 2.0)
    array([[-1.]])
    """
    check_batch(x=x, score=score)
    check_level(x, POSITIVE, beta=beta)
    return -0.5 * beta * x - beta * score
