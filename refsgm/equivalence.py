"""One model in many parametrisations: score, eps, x_0, v and flow velocity; VE and VP coordinates.

    x_t = scale x_0 + sigma eps:    score = -eps / sigma                            [EQV-1]
    x_ve = x_vp / sqrt(alpha_bar),  sigma = sqrt((1 - alpha_bar) / alpha_bar)       [EQV-3]

VE / NCSN has scale = 1; VP / DDPM has scale = sqrt(alpha_bar), sigma = sqrt(1 - alpha_bar); flow
matching has scale = 1 - t, sigma = t. A converter is named target_from_source.
"""

from .noise_levels import alpha_bar_from_sigma, sigma_from_alpha_bar
from .arguments import FRACTION, NONNEGATIVE, POSITIVE, UNIT, check_batch, check_level


def score_from_eps(eps, sigma):
    """score = -eps / sigma, shape (B, D).  [EQV-1]

    eps    forward noise, or its prediction (B, D)
    sigma  standard deviation of the noise in x_t: positive, a scalar or (B, 1)
    Raises ValueError for other shapes, sigma <= 0 and values that are not finite.

    >>> score_from_eps(np.array([[2.0]]), 4.0)
    array([[-0.5]])
    """
    check_batch(eps=eps)
    check_level(eps, POSITIVE, sigma=sigma)
    return -eps / sigma


def eps_from_score(score, sigma):
    """eps = -sigma score, shape (B, D).  [EQV-1]

    score  score of q(x_t), or its prediction (B, D)
    sigma  standard deviation of the noise in x_t: positive, a scalar or (B, 1)
    Raises ValueError for other shapes, sigma <= 0 and values that are not finite.

    >>> eps_from_score(np.array([[-0.5]]), 4.0)
    array([[2.]])
    """
    check_batch(score=score)
    check_level(score, POSITIVE, sigma=sigma)
    return -sigma * score


def x0_from_eps(x_t, eps, scale, sigma):
    """x_0 = (x_t - sigma eps) / scale, shape (B, D).  [EQV-5]

    x_t, eps  diffused data and forward noise (B, D)
    scale     factor of x_0 in x_t: positive
    sigma     standard deviation of the noise in x_t: positive
    Raises ValueError for other shapes, scale <= 0, sigma <= 0 and values that are not finite.

    >>> x0_from_eps(np.array([[7.0]]), np.array([[2.0]]), 0.5, 3.0)
    array([[2.]])
    """
    check_batch(x_t=x_t, eps=eps)
    check_level(x_t, POSITIVE, scale=scale, sigma=sigma)
    return (x_t - sigma * eps) / scale


def eps_from_x0(x_t, x_0, scale, sigma):
    """eps = (x_t - scale x_0) / sigma, shape (B, D).  [EQV-5]

    x_t, x_0  diffused and clean data (B, D)
    scale     factor of x_0 in x_t: zero or positive
    sigma     standard deviation of the noise in x_t: positive
    Raises ValueError for other shapes, scale < 0, sigma <= 0 and values that are not finite.

    >>> eps_from_x0(np.array([[7.0]]), np.array([[2.0]]), 0.5, 3.0)
    array([[2.]])
    """
    check_batch(x_t=x_t, x_0=x_0)
    check_level(x_t, NONNEGATIVE, scale=scale)
    check_level(x_t, POSITIVE, sigma=sigma)
    return (x_t - scale * x_0) / sigma


def x0_from_score(x_t, score, scale, sigma):
    """Tweedie's formula, shape (B, D): E[x_0 | x_t] = (x_t + sigma^2 score) / scale.  [EQV-6]

    x_t, score  diffused data and the score of q(x_t) there (B, D)
    scale       factor of x_0 in x_t: positive
    sigma       standard deviation of the noise in x_t: positive
    Raises ValueError for other shapes, scale <= 0, sigma <= 0 and values that are not finite.

    >>> x0_from_score(np.array([[7.0]]), np.array([[-1.0]]), 0.5, 2.0)
    array([[6.]])
    """
    check_batch(x_t=x_t, score=score)
    check_level(x_t, POSITIVE, scale=scale, sigma=sigma)
    return (x_t + sigma**2 * score) / scale


def score_from_x0(x_t, x_0, scale, sigma):
    """score = (scale x_0 - x_t) / sigma^2, shape (B, D), for x_0 the posterior mean.  [EQV-6]

    x_t, x_0  diffused data and denoised data (B, D)
    scale     factor of x_0 in x_t: zero or positive
    sigma     standard deviation of the noise in x_t: positive
    Raises ValueError for other shapes, scale < 0, sigma <= 0 and values that are not finite.

    >>> score_from_x0(np.array([[7.0]]), np.array([[6.0]]), 0.5, 2.0)
    array([[-1.]])
    """
    check_batch(x_t=x_t, x_0=x_0)
    check_level(x_t, NONNEGATIVE, scale=scale)
    check_level(x_t, POSITIVE, sigma=sigma)
    return (scale * x_0 - x_t) / sigma**2


def v_from_x0_eps(x_0, eps, scale, sigma):
    """v = scale eps - sigma x_0, shape (B, D).  [EQV-7]

    x_0, eps  clean data and forward noise (B, D)
    scale     factor of x_0 in x_t: zero or positive
    sigma     standard deviation of the noise in x_t: positive
    Raises ValueError for other shapes, scale < 0, sigma <= 0 and values that are not finite.

    >>> v_from_x0_eps(np.array([[1.0]]), np.array([[2.0]]), 0.8, 0.6)
    array([[1.]])
    """
    check_batch(x_0=x_0, eps=eps)
    check_level(x_0, NONNEGATIVE, scale=scale)
    check_level(x_0, POSITIVE, sigma=sigma)
    return scale * eps - sigma * x_0


def x0_from_v(x_t, v, scale, sigma):
    """x_0 = (scale x_t - sigma v) / (scale^2 + sigma^2), shape (B, D); VP divides by 1.  [EQV-7]

    x_t, v  diffused data and v = scale eps - sigma x_0 (B, D)
    scale   factor of x_0 in x_t: zero or positive
    sigma   standard deviation of the noise in x_t: positive
    Raises ValueError for other shapes, scale < 0, sigma <= 0 and values that are not finite.

    >>> x0_from_v(np.array([[5.0]]), np.array([[0.0]]), 1.0, 2.0)
    array([[1.]])
    """
    check_batch(x_t=x_t, v=v)
    check_level(x_t, NONNEGATIVE, scale=scale)
    check_level(x_t, POSITIVE, sigma=sigma)
    return (scale * x_t - sigma * v) / (scale**2 + sigma**2)


def eps_from_v(x_t, v, scale, sigma):
    """eps = (sigma x_t + scale v) / (scale^2 + sigma^2), shape (B, D); VP divides by 1.  [EQV-7]

    x_t, v  diffused data and v = scale eps - sigma x_0 (B, D)
    scale   factor of x_0 in x_t: zero or positive
    sigma   standard deviation of the noise in x_t: positive
    Raises ValueError for other shapes, scale < 0, sigma <= 0 and values that are not finite.

    >>> eps_from_v(np.array([[5.0]]), np.array([[0.0]]), 1.0, 2.0)
    array([[2.]])
    """
    check_batch(x_t=x_t, v=v)
    check_level(x_t, NONNEGATIVE, scale=scale)
    check_level(x_t, POSITIVE, sigma=sigma)
    return (sigma * x_t + scale * v) / (scale**2 + sigma**2)


def velocity_from_x0_eps(x_0, eps):
    """Flow-matching velocity u = d x_t / dt = eps - x_0, shape (B, D).  [EQV-8]

    The path is the straight line x_t = (1 - t) x_0 + t eps.

    x_0, eps  clean data and forward noise (B, D)
    Raises ValueError for other shapes and values that are not finite.

    >>> velocity_from_x0_eps(np.array([[1.0]]), np.array([[3.0]]))
    array([[2.]])
    """
    check_batch(x_0=x_0, eps=eps)
    return eps - x_0


def x0_from_velocity(x_t, u, t):
    """x_0 = x_t - t u, shape (B, D).  [EQV-8]

    x_t, u  state on the line (1 - t) x_0 + t eps and its velocity eps - x_0 (B, D)
    t       time in [0, 1], 0 for clean data: a scalar or (B, 1)
    Raises ValueError for other shapes, t outside [0, 1] and values that are not finite.

    >>> x0_from_velocity(np.array([[2.0]]), np.array([[2.0]]), 0.5)
    array([[1.]])
    """
    check_batch(x_t=x_t, u=u)
    check_level(x_t, UNIT, t=t)
    return x_t - t * u


def ve_from_vp(x_vp, alpha_bar):
    """The VE state x_vp / sqrt(alpha_bar), (B, D), and its noise level sigma.  [EQV-3]

        sigma = sqrt((1 - alpha_bar) / alpha_bar)

    x_vp       state in VP coordinates (B, D)
    alpha_bar  share of the signal's variance: in (0, 1], a scalar or (B, 1)
    Raises ValueError for other shapes, alpha_bar outside (0, 1] and values that are not finite.

    >>> ve_from_vp(np.array([[1.0]]), 0.25)[0]
    array([[2.]])
    """
    check_batch(x_vp=x_vp)
    check_level(x_vp, FRACTION, alpha_bar=alpha_bar)
    return x_vp / alpha_bar**0.5, sigma_from_alpha_bar(alpha_bar)


def vp_from_ve(x_ve, sigma):
    """The VP state sqrt(alpha_bar) x_ve, (B, D), and its alpha_bar = 1 / (1 + sigma^2).  [EQV-3]

    x_ve   state in VE coordinates (B, D)
    sigma  standard deviation of its noise: positive, a scalar or (B, 1)
    Raises ValueError for other shapes, sigma <= 0 and values that are not finite.

    >>> vp_from_ve(np.array([[2.0]]), 3.0**0.5)[0].round(12)
    array([[1.]])
    """
    check_batch(x_ve=x_ve)
    check_level(x_ve, POSITIVE, sigma=sigma)
    alpha_bar = alpha_bar_from_sigma(sigma)
    return alpha_bar**0.5 * x_ve, alpha_bar


def ve_score_from_vp(score_vp, alpha_bar):
    """Score over x_ve of the same law, shape (B, D): sqrt(alpha_bar) score_vp.  [EQV-4]

    score_vp   score over x_vp (B, D)
    alpha_bar  share of the signal's variance: in (0, 1], a scalar or (B, 1)
    Raises ValueError for other shapes, alpha_bar outside (0, 1] and values that are not finite.

    >>> ve_score_from_vp(np.array([[4.0]]), 0.25)
    array([[2.]])
    """
    check_batch(score_vp=score_vp)
    check_level(score_vp, FRACTION, alpha_bar=alpha_bar)
    return alpha_bar**0.5 * score_vp


def vp_score_from_ve(score_ve, alpha_bar):
    """Score over x_vp of the same law, shape (B, D): score_ve / sqrt(alpha_bar).  [EQV-4]

    score_ve   score over x_ve (B, D)
    alpha_bar  share of the signal's variance: in (0, 1], a scalar or (B, 1)
    Raises ValueError for other shapes, alpha_bar outside (0, 1] and values that are not finite.

    >>> vp_score_from_ve(np.array([[2.0]]), 0.25)
    array([[4.]])
    """
    check_batch(score_ve=score_ve)
    check_level(score_ve, FRACTION, alpha_bar=alpha_bar)
    return score_ve / alpha_bar**0.5
