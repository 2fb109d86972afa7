"""One model in several parametrisations: score, eps and x_0; VE and VP coordinates.

    x_t = scale x_0 + sigma eps:    score = -eps / sigma                            [EQV-1]
    x_ve = x_vp / sqrt(alpha_bar),  sigma = sqrt((1 - alpha_bar) / alpha_bar)       [EQV-3]

VE / NCSN has scale = 1; VP / DDPM has scale = sqrt(alpha_bar), sigma = sqrt(1 - alpha_bar). A
converter is named target_from_source, and its arguments mean the same in all of them:

    x_t, x_0, eps  diffused data, clean data and forward noise, or their predictions (B, D)
    score          score of q(x_t), or its prediction (B, D)
    scale          factor of x_0 in x_t: positive (or zero, where nothing is divided by it)
    sigma          standard deviation of the noise in x_t: positive
    alpha_bar      share of the signal's variance: in (0, 1]

Levels are scalars or (B, 1). v and the velocity of flow matching are in `parametrisations`.
"""

from .arguments import FRACTION, NONNEGATIVE, POSITIVE, check_batch, check_level
from .noise_levels import alpha_bar_from_sigma, sigma_from_alpha_bar


def score_from_eps(eps, sigma):
    """score = -eps / sigma, shape (B, D).  [EQV-1]

    >>> score_from_eps(np.array([[2.0]]), 4.0)
    array([[-0.5]])
    """
    check_batch(eps=eps)
    check_level(eps, POSITIVE, sigma=sigma)
    return -eps / sigma


def eps_from_score(score, sigma):
    """eps = -sigma score, shape (B, D).  [EQV-1]

    >>> eps_from_score(np.array([[-0.5]]), 4.0)
    array([[2.]])
    """
    check_batch(score=score)
    check_level(score, POSITIVE, sigma=sigma)
    return -sigma * score


def x0_from_eps(x_t, eps, scale, sigma):
    """x_0 = (x_t - sigma eps) / scale, shape (B, D).  [EQV-5]

    >>> x0_from_eps(np.array([[7.0]]), np.array([[2.0]]), 0.5, 3.0)
    array([[2.]])
    """
    check_batch(x_t=x_t, eps=eps)
    check_level(x_t, POSITIVE, scale=scale, sigma=sigma)
    return (x_t - sigma * eps) / scale


def eps_from_x0(x_t, x_0, scale, sigma):
    """eps = (x_t - scale x_0) / sigma, shape (B, D).  [EQV-5]

    >>> eps_from_x0(np.array([[7.0]]), np.array([[2.0]]), 0.5, 3.0)
    array([[2.]])
    """
    check_batch(x_t=x_t, x_0=x_0)
    check_level(x_t, NONNEGATIVE, scale=scale)
    check_level(x_t, POSITIVE, sigma=sigma)
    return (x_t - scale * x_0) / sigma


def x0_from_score(x_t, score, scale, sigma):
    """Tweedie's formula, shape (B, D): E[x_0 | x_t] = (x_t + sigma^2 score) / scale.  [EQV-6]

    >>> x0_from_score(np.array([[7.0]]), np.array([[-1.0]]), 0.5, 2.0)
    array([[6.]])
    """
    check_batch(x_t=x_t, score=score)
    check_level(x_t, POSITIVE, scale=scale, sigma=sigma)
    return (x_t + sigma**2 * score) / scale


def score_from_x0(x_t, x_0, scale, sigma):
    """score = (scale x_0 - x_t) / sigma^2, shape (B, D), for x_0 the posterior mean.  [EQV-6]

    >>> score_from_x0(np.array([[7.0]]), np.array([[6.0]]), 0.5, 2.0)
    array([[-1.]])
    """
    check_batch(x_t=x_t, x_0=x_0)
    check_level(x_t, NONNEGATIVE, scale=scale)
    check_level(x_t, POSITIVE, sigma=sigma)
    return (scale * x_0 - x_t) / sigma**2


def ve_from_vp(x_vp, alpha_bar):
    """The VE state x_vp / sqrt(alpha_bar), (B, D), and its noise level sigma.  [EQV-3]

        sigma = sqrt((1 - alpha_bar) / alpha_bar)

    >>> ve_from_vp(np.array([[1.0]]), 0.25)[0]
    array([[2.]])
    """
    check_batch(x_vp=x_vp)
    check_level(x_vp, FRACTION, alpha_bar=alpha_bar)
    return x_vp / alpha_bar**0.5, sigma_from_alpha_bar(alpha_bar)


def vp_from_ve(x_ve, sigma):
    """The VP state sqrt(alpha_bar) x_ve, (B, D), and its alpha_bar = 1 / (1 + sigma^2).  [EQV-3]

    >>> vp_from_ve(np.array([[2.0]]), 3.0**0.5)[0].round(12)
    array([[1.]])
    """
    check_batch(x_ve=x_ve)
    check_level(x_ve, POSITIVE, sigma=sigma)
    alpha_bar = alpha_bar_from_sigma(sigma)
    return alpha_bar**0.5 * x_ve, alpha_bar


def ve_score_from_vp(score_vp, alpha_bar):
    """Score over x_ve of the same law, shape (B, D): sqrt(alpha_bar) score_vp.  [EQV-4]

    >>> ve_score_from_vp(np.array([[4.0]]), 0.25)
    array([[2.]])
    """
    check_batch(score_vp=score_vp)
    check_level(score_vp, FRACTION, alpha_bar=alpha_bar)
    return alpha_bar**0.5 * score_vp


def vp_score_from_ve(score_ve, alpha_bar):
    """Score over x_vp of the same law, shape (B, D): score_ve / sqrt(alpha_bar).  [EQV-4]

    >>> vp_score_from_ve(np.array([[2.0]]), 0.25)
    array([[4.]])
    """
    check_batch(score_ve=score_ve)
    check_level(score_ve, FRACTION, alpha_bar=alpha_bar)
    return score_ve / alpha_bar**0.5
