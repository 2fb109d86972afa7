"""Score matching objectives: losses whose minimiser is the score of the data.

    ESM   E 1/2 |s(x) - grad log p(x)|^2        the distance itself: needs the answer        [ESM-1]
    ISM   E 1/2 |s(x)|^2 + div s(x)             = ESM + constant: needs a trace              [ISM-1]
    SSM   E 1/2 (v' s(x))^2 + v' J v            = ISM on average: needs one projection       [SSM-1]
    DSM   E 1/2 |s(x_noisy) + eps / sigma|^2    = ESM of q_sigma + constant: needs noise     [DSM-1]

Every loss returns one value per sample, shape (B,), summed over features; the caller takes the
mean. All carry the 1/2 except the noise-prediction losses, as in the derivation, so 2 sigma^2 DSM
= noise prediction. Noise is an argument. A function that is passed in must return the shape of its
input.
"""

import autograd.numpy as np

from .diffusion import diffuse
from .gaussian import perturb
from .score import mean_over_directions, row_times_jacobian, trace
from .arguments import (NONNEGATIVE, POSITIVE, check_batch, check_decreasing, check_directions,
                        check_scalars, check_table, returned_by, shape_of)
from .arrays import entries


def explicit_score_matching(score_fn, x, target_score):
    """Explicit score matching (ESM) per sample, shape (B,): 1/2 |s(x) - target_score|^2.  [ESM-1]

    The Fisher divergence [FISHER-1] is twice its mean. It needs the score of the data, so it is a
    yardstick, not a training loss.

    score_fn      function (B, D) -> (B, D)
    x             samples of the data (B, D)
    target_score  grad log p(x), array (B, D)

    >>> explicit_score_matching(lambda x: -x, np.array([[1.0, 2.0]]), np.array([[-1.0, 0.0]]))
    array([2.])
    """
    check_batch(x=x, target_score=target_score)
    score = returned_by("score_fn(x)", score_fn, (x,), np.shape(x))
    return 0.5 * np.sum((score - target_score)**2, axis=1)


def implicit_score_matching(score_fn, x):
    """Implicit score matching (ISM) per sample, shape (B,): 1/2 |s(x)|^2 + div s(x).  [ISM-1]

    Hyvarinen's objective: its mean is that of ESM less the constant E 1/2 |grad log p|^2 [ISM-2].
    One backward pass per feature.

    score_fn  function (B, D) -> (B, D), differentiable
    x         samples of the data (B, D)

    >>> implicit_score_matching(lambda x: -x, np.array([[1.0, 2.0]]))    # 5/2 - 2
    array([0.5])
    """
    check_batch(x=x)
    v_jacobian, score = row_times_jacobian(score_fn, x)
    return 0.5 * np.sum(score**2, axis=1) + trace(v_jacobian, x)


def sliced_score_matching(score_fn, x, v):
    """Sliced score matching (SSM) per sample, shape (B,): 1/2 (v' s)^2 + v' J v.  [SSM-1]

    With E[v v'] = I its mean over v is ISM; the D directions sqrt(D) e_i give ISM exactly.

    score_fn  function (B, D) -> (B, D), differentiable
    x         samples of the data (B, D)
    v         random directions (B, D), or (M, B, D) for the mean over M of them

    >>> x, v = np.array([[1.0, 2.0]]), np.array([[1.0, 1.0]])
    >>> sliced_score_matching(lambda x: -x, x, v)    # 9/2 - 2
    array([2.5])
    """
    check_batch(x=x)
    check_directions(x, v)
    v_jacobian, score = row_times_jacobian(score_fn, x)
    def term(v):
        return 0.5 * np.sum(v * score, axis=1)**2 + np.sum(v_jacobian(v) * v, axis=1)

    return mean_over_directions(term, v)


def sliced_score_matching_vr(score_fn, x, v):
    """Variance-reduced SSM (SSM-VR) per sample, shape (B,): 1/2 |s|^2 + v' J v.  [SSM-2]

    The first term of SSM is replaced by its mean over v.

    score_fn  function (B, D) -> (B, D), differentiable
    x         samples of the data (B, D)
    v         random directions (B, D), or (M, B, D) for the mean over M of them

    >>> x, v = np.array([[1.0, 2.0]]), np.array([[1.0, 1.0]])
    >>> sliced_score_matching_vr(lambda x: -x, x, v)    # 5/2 - 2
    array([0.5])
    """
    check_batch(x=x)
    check_directions(x, v)
    v_jacobian, score = row_times_jacobian(score_fn, x)
    slope = mean_over_directions(lambda v: np.sum(v_jacobian(v) * v, axis=1), v)
    return 0.5 * np.sum(score**2, axis=1) + slope


def finite_difference_ssm(score_fn, x, v, step):
    """Finite-difference SSM (FD-SSM) per sample, shape (B,).  [SSM-3]

        1/2 (v' s(x))^2 + v' (s(x + step v) - s(x - step v)) / (2 step)

    Three evaluations of the score and no derivative; equal to SSM up to O(step^2). The paper takes
    differences in the first term too.

    score_fn  function (B, D) -> (B, D)
    x         samples of the data (B, D)
    v         random directions (B, D), or (M, B, D) for the mean over M of them
    step      length of the difference, in units of x / v: a positive scalar

    >>> finite_difference_ssm(lambda x: -x, np.array([[1.0, 2.0]]), np.array([[1.0, 1.0]]), 0.5)
    array([2.5])
    """
    check_batch(x=x)
    check_directions(x, v)
    check_scalars(POSITIVE, step=step)

    def s(x):
        return returned_by("score_fn(x)", score_fn, (x,), np.shape(x))

    def term(v):
        slope = (s(x + step * v) - s(x - step * v)) / (2 * step)           # (B, D), J v + O(step^2)
        return 0.5 * np.sum(v * score, axis=1)**2 + np.sum(v * slope, axis=1)

    score = s(x)
    return mean_over_directions(term, v)


def denoising_score_matching(score_fn, x, sigma, eps):
    """Denoising score matching (DSM, Vincent's objective) per sample, shape (B,).  [DSM-1]

        1/2 |s(x_noisy, sigma) - grad log q_sigma(x_noisy | x)|^2
      = 1/2 |s(x + sigma eps, sigma) + eps / sigma|^2

    Its mean is that of ESM on the noisy marginal q_sigma plus a constant [DSM-2].

    score_fn  function (x_noisy, sigma) -> (B, D)
    x         clean data (B, D)
    sigma     standard deviation of the noise: positive, a scalar or (B, 1)
    eps       standard normal noise (B, D)

    >>> x, eps = np.array([[1.0]]), np.array([[1.0]])
    >>> denoising_score_matching(lambda x, sigma: -x, x, 2.0, eps)    # (-3 + 1/2)^2 / 2
    array([3.125])
    """
    x_noisy = perturb(x, sigma, eps)
    score = returned_by("score_fn(x_noisy, sigma)", score_fn, (x_noisy, sigma), np.shape(x))
    return 0.5 * np.sum((score + eps / sigma)**2, axis=1)


def noise_conditional_score_matching(score_fn, x, sigmas, eps, weights=None):
    """NCSN objective per sample, shape (B,): sum over levels of lambda_i DSM(sigma_i).  [NCSN-1]

    score_fn  function (x_noisy, sigma) -> (B, D), one function for all levels
    x         clean data (B, D)
    sigmas    noise levels (L,), standard deviations, strictly decreasing
    eps       standard normal noise (L, B, D)
    weights   lambda (L,), zero or positive; sigma^2 if left out, which makes all levels weigh alike

    >>> sigmas, eps = np.array([2.0, 1.0]), np.ones((2, 1, 1))
    >>> x = np.zeros((1, 1))
    >>> noise_conditional_score_matching(lambda x, sigma: 0 * x, x, sigmas, eps)    # 1/2 + 1/2
    array([1.])
    """
    check_batch(x=x)
    check_decreasing(POSITIVE, sigmas=sigmas)
    if shape_of("eps", eps) != (len(sigmas), *np.shape(x)):
        raise ValueError(f"eps must have shape (L, B, D) = {(len(sigmas), *np.shape(x))}, "
                         f"got shape {np.shape(eps)}")
    weights = sigmas**2 if weights is None else weights
    check_table(NONNEGATIVE, weights=weights)
    if len(weights) != len(sigmas):
        raise ValueError(f"weights must have shape (L,) = {np.shape(sigmas)}, "
                         f"got shape {np.shape(weights)}")
    levels = zip(entries(weights), entries(sigmas))
    return sum(w * denoising_score_matching(score_fn, x, sigma, eps[i])
               for i, (w, sigma) in enumerate(levels))


def noise_prediction_loss(eps_fn, x, sigma, eps):
    """Noise prediction per sample, shape (B,): |eps - eps_fn(x + sigma eps, sigma)|^2.  [EQV-2]

    Without the 1/2: it equals 2 sigma^2 DSM of the score -eps_fn / sigma, and L_simple of DDPM in
    variance-exploding coordinates [EQV-11].

    eps_fn  function (x_noisy, sigma) -> (B, D)
    x       clean data (B, D)
    sigma   standard deviation of the noise: positive, a scalar or (B, 1)
    eps     standard normal noise (B, D)

    >>> x, eps = np.array([[1.0]]), np.array([[1.0]])
    >>> noise_prediction_loss(lambda x, sigma: x, x, 2.0, eps)    # (1 - 3)^2
    array([4.])
    """
    x_noisy = perturb(x, sigma, eps)
    eps_hat = returned_by("eps_fn(x_noisy, sigma)", eps_fn, (x_noisy, sigma), np.shape(x))
    return np.sum((eps - eps_hat)**2, axis=1)


def ddpm_loss(eps_fn, x_0, alpha_bar_t, eps):
    """L_simple of DDPM per sample, shape (B,): |eps - eps_fn(x_t, alpha_bar_t)|^2.  [DDPM-4]

    Without the 1/2. Equal to the noise-prediction loss in VE coordinates [EQV-11].

    Variance-preserving coordinates: x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) eps.

    eps_fn       function (x_t, alpha_bar_t) -> (B, D)
    x_0          clean data (B, D)
    alpha_bar_t  share of the signal's variance: in (0, 1], a scalar or (B, 1)
    eps          standard normal noise (B, D)

    >>> ddpm_loss(lambda x, alpha_bar: x, np.array([[2.0]]), 0.25, np.array([[0.0]]))    # x_t = 1
    array([1.])
    """
    x_t = diffuse(x_0, alpha_bar_t, eps)
    eps_hat = returned_by("eps_fn(x_t, alpha_bar_t)", eps_fn, (x_t, alpha_bar_t), np.shape(x_0))
    return np.sum((eps - eps_hat)**2, axis=1)
