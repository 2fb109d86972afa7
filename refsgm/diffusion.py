"""The forward diffusion of DDPM and its exact reversal when x_0 is known.

    q(x_t | x_0)       = N(sqrt(alpha_bar_t) x_0, (1 - alpha_bar_t) I)                      [DDPM-1]
    q(x_s | x_t, x_0)  = N(mean, variance I),    from t to s: alpha_bar_s > alpha_bar_t     [DDPM-2]

alpha_bar is the cumulative product, never alpha; alpha_bar = 1 is clean data, so the last step has
no special case and skipped steps need no other formula.
"""

from .arguments import FRACTION, check_batch, check_level, check_step


def diffuse(x_0, alpha_bar_t, eps):
    """x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) eps, shape (B, D).  [DDPM-1]

    x_0          clean data (B, D)
    alpha_bar_t  share of the signal's variance: in (0, 1], a scalar or (B, 1)
    eps          standard normal noise (B, D), drawn by the caller

    >>> diffuse(np.array([[2.0]]), 0.25, np.array([[0.0]]))
    array([[1.]])
    """
    check_batch(x_0=x_0, eps=eps)
    check_level(x_0, FRACTION, alpha_bar_t=alpha_bar_t)
    return alpha_bar_t**0.5 * x_0 + (1 - alpha_bar_t)**0.5 * eps


def posterior(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """Mean (B, D) and variance (shaped like alpha_bar_t) of q(x_s | x_t, x_0).  [DDPM-2]

        beta      = 1 - alpha_bar_t / alpha_bar_s
        mean      = [sqrt(alpha_bar_s) beta x_0 + sqrt(alpha_bar_t / alpha_bar_s)
                     (1 - alpha_bar_s) x_t] / (1 - alpha_bar_t)
        variance  = beta (1 - alpha_bar_s) / (1 - alpha_bar_t)

    x_0          clean data, or its estimate (B, D)
    x_t          diffused data (B, D)
    alpha_bar_t  where the step starts: in (0, 1), a scalar or (B, 1)
    alpha_bar_s  where it ends: in (alpha_bar_t, 1]

    >>> posterior(np.array([[3.0]]), np.array([[7.0]]), 0.25, 1.0)      # the last step ends at x_0
    (array([[3.]]), 0.0)
    """
    check_batch(x_0=x_0, x_t=x_t)
    check_step(x_t, alpha_bar_t, alpha_bar_s)
    beta = (alpha_bar_s - alpha_bar_t) / alpha_bar_s       # the same number, with less cancellation
    weight_0 = alpha_bar_s**0.5 * beta / (1 - alpha_bar_t)
    weight_t = (alpha_bar_t / alpha_bar_s)**0.5 * (1 - alpha_bar_s) / (1 - alpha_bar_t)
    return weight_0 * x_0 + weight_t * x_t, beta * (1 - alpha_bar_s) / (1 - alpha_bar_t)
