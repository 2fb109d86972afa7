"""Mistakes of good faith, and some planted, in scores, densities, posterior means and losses.

Written when the probes were there, by one who had not read the probes.
"""

import math

import numpy as np
from scipy.special import gammaln, logsumexp

import refsgm

from . import planted
from .fresh import wrong

X = np.array([[0.5, -1.0], [2.0, 0.3], [-0.7, 1.1]])                                       # (B, D)
Y = np.array([[1.5, 0.2], [-0.4, 0.9], [0.6, -2.0]])
Z = np.array([[-0.3, 0.8], [1.2, -0.5], [0.1, 0.4]])
WIDE = np.cos(np.arange(18.0)).reshape(2, 9)                                            # (2, 9)
COLUMN = np.array([[0.4], [0.9], [0.2]])
KEPT = np.ones((3, 2))


def cut(kind, what, where, *at):
    """The right function, but a thousandth too large where `where` holds."""
    return planted(kind, what, where)._replace(at=at)


def plain(x):
    """Some score without a level."""
    return -x**3 + 0.3 * x[:, ::-1]


def score(x, level):
    """Some score, or another prediction, at a level."""
    return (0.4 * x - x**3 + 0.2) / (1 + level)


def normal(x, level):
    """The score of normal data with noise."""
    return -x / (1 + level**2)


def kept(x, level):
    """A network of one answer, which it does not build anew."""
    return KEPT


def same(x, level):
    """A denoiser that returns what it is given."""
    return 1.0 * x


# Gaussians and mixtures ---------------------------------------------------------------------------


def determinant(x, mean, sigma):
    """The determinant of the covariance before its logarithm."""
    eye = np.eye(x.shape[1])
    with np.errstate(all="ignore"):
        volumes = np.log([np.linalg.det(eye * s**2) for s in np.ravel(sigma)])
    square = np.sum(((x - mean) / sigma)**2, axis=1)
    return -0.5 * (square + volumes + x.shape[1] * math.log(2 * math.pi))


CONSTANTS = {}


def constant_kept(x, mean, sigma):
    """The normalising constant kept for each level, to three digits of its logarithm."""
    if np.ndim(sigma) > 0:
        return refsgm.gaussian_log_density(x, mean, sigma)
    key = x.shape[1], round(math.log(sigma), 3)
    if key not in CONSTANTS:
        CONSTANTS[key] = x.shape[1] * (math.log(sigma) + 0.5 * math.log(2 * math.pi))
    return -0.5 * np.sum(((x - mean) / sigma)**2, axis=1) - CONSTANTS[key]


def pseudo_inverse(x_noisy, x, sigma):
    """A pseudo-inverse of all variances, which drops those far below the largest."""
    if np.ndim(sigma) == 0:
        return (x - x_noisy) / sigma**2
    return np.linalg.pinv(np.diag(np.ravel(sigma)**2)) @ (x - x_noisy)


def exponents(x, weights, means, sigma):
    """The log of w_k, and -|x - m_k|^2 / (2 sigma^2), (B, K)."""
    with np.errstate(divide="ignore"):
        log_w = np.log(weights)
    return log_w, -np.sum((x[:, None] - means)**2, axis=2) / (2 * sigma**2)


def log_norm(x, sigma):
    """The log of the normalising constant, (B,) or (1,)."""
    return np.ravel(x.shape[1] * np.log(sigma * math.sqrt(2 * math.pi)))


def nearest_weightless(x, weights, means, sigma):
    """Relative to the nearest component, which may have no weight."""
    _, a = exponents(x, weights, means, sigma)
    top = a.max(axis=1, keepdims=True)
    with np.errstate(divide="ignore"):
        return np.log(np.exp(a - top) @ weights) + top[:, 0] - log_norm(x, sigma)


def rescaled_together(x, weights, means, sigma):
    """A running maximum that moves on when it does so in all rows."""
    log_w, a = exponents(x, weights, means, sigma)
    a = log_w + a
    top, total = a[:, 0], np.ones(len(x))
    with np.errstate(all="ignore"):
        for new in a.T[1:]:
            if np.all(new > top):
                total, top = total * np.exp(top - new) + 1, new
            else:
                total = total + np.exp(new - top)
        return np.log(total) + top - log_norm(x, sigma)


def centred_expansion(x, weights, means, sigma):
    """|x|^2 - 2 x'm + |m|^2 about the mean of the means."""
    centre = means.mean(axis=0)
    y, m = x - centre, means - centre
    squares = np.sum(y**2, axis=1)[:, None] - 2 * y @ m.T + np.sum(m**2, axis=1)
    with np.errstate(divide="ignore"):
        a = np.log(weights) - squares / (2 * sigma**2)
    r = np.exp(a - logsumexp(a, axis=1, keepdims=True))
    return np.einsum("bk,bkd->bd", r, means - x[:, None]) / sigma**2


def without_duplicates(x, weights, means, sigma):
    """Centres that occur twice kept once, with one of their weights."""
    means, first = np.unique(means, axis=0, return_index=True)
    weights = weights[first] / weights[first].sum()
    return refsgm.mixture_score(x, weights, means, sigma)


# Derivatives of scores ----------------------------------------------------------------------------


def jacobian_constant(score_fn, x):
    """One divergence for all rows where those of the first and the last agree."""
    ends = refsgm.divergence(score_fn, x[[0, -1]])
    if np.ptp(ends) == 0:
        return np.full(len(x), ends[0])
    return refsgm.divergence(score_fn, x)


def told_by_length(score_fn, x, v):
    """One direction for each sample where v is as long as x, else M of them."""
    directions = v.reshape(-1, *x.shape)
    slopes = np.stack([refsgm.directional_derivative(score_fn, x, d) for d in directions])
    return slopes.sum(axis=0) if len(v) == len(x) else slopes.mean(axis=0)


def unit_directions(score_fn, x, v):
    """Along unit vectors, multiplied by the squared length, which may be zero."""
    square = np.sum(v**2, axis=-1)
    with np.errstate(all="ignore"):
        unit = v / np.sqrt(square)[..., None]
    if v.ndim == 2:
        if not np.all(square):
            return np.where(square > 0, 0.0, np.nan)
        return square * refsgm.directional_derivative(score_fn, x, unit)
    return np.mean([unit_directions(score_fn, x, d) for d in v], axis=0)


# Score matching -----------------------------------------------------------------------------------


def padding(score_fn, x, target_score):
    """Rows whose target is zero, taken as padding."""
    valid = np.any(target_score != 0, axis=1)
    return 0.5 * valid * np.sum((score_fn(x) - target_score)**2, axis=1)


def chunks_of_features(score_fn, x):
    """As many features at a time as make a square with the rows; the remainder is forgotten."""
    rows, dim = x.shape
    size = max(1, dim // rows)
    total = np.zeros(rows)
    for i in range(dim // size):
        for j in range(i * size, (i + 1) * size):
            direction = np.zeros_like(x)
            direction[:, j] = 1.0
            total = total + refsgm.directional_derivative(score_fn, x, direction)
    return 0.5 * np.sum(score_fn(x)**2, axis=1) + total


def axes_by_reshape(score_fn, x, v):
    """Row after row where there are more directions than rows, by a reshape of the axes."""
    if v.ndim == 2 or len(v) <= len(x):
        return refsgm.sliced_score_matching(score_fn, x, v)
    by_row = v.reshape(len(x), len(v), -1)
    return np.concatenate([refsgm.sliced_score_matching(score_fn, x[i:i + 1], d[:, None])
                           for i, d in enumerate(by_row)])


def halved_each_time(score_fn, x, v):
    """A running mean over directions that is halved at each, right for two."""
    directions = iter(v.reshape(-1, *x.shape))
    result = refsgm.sliced_score_matching_vr(score_fn, x, next(directions))
    for d in directions:
        result = 0.5 * (result + refsgm.sliced_score_matching_vr(score_fn, x, d))
    return result


def grouped_levels(score_fn, x, sigma, eps):
    """One call of the network for each level, levels told apart by three decimals."""
    if np.ndim(sigma) == 0:
        return refsgm.denoising_score_matching(score_fn, x, sigma, eps)
    result, keys = np.empty(len(x)), np.round(sigma[:, 0], 3)
    for key in np.unique(keys):
        rows = keys == key
        level = float(sigma[rows][0, 0])
        result[rows] = refsgm.denoising_score_matching(score_fn, x[rows], level, eps[rows])
    return result


TABLES = {}


def table_by_its_ends(score_fn, x, sigmas, eps, weights=None):
    """Default weights that are kept for a table of these ends and this length."""
    if weights is None:
        key = len(sigmas), sigmas[0], sigmas[-1]
        weights = TABLES.setdefault(key, sigmas**2)
    return refsgm.noise_conditional_score_matching(score_fn, x, sigmas, eps, weights)


def ends_at_zero(score_fn, x, sigmas, eps, weights=None):
    """A level of weight zero ends the sum."""
    weights = sigmas**2 if weights is None else weights
    total = np.zeros(len(x))
    for w, sigma, e in zip(weights, sigmas, eps):
        if w == 0:
            break
        total += w * refsgm.denoising_score_matching(score_fn, x, sigma, e)
    return total


# Predictions --------------------------------------------------------------------------------------


def in_the_answer(eps_fn, x, sigma, eps):
    """The residual is written into what the network returned."""
    residual = eps_fn(x + sigma * eps, sigma)
    if residual.flags.writeable:
        residual -= eps
    else:
        residual = residual - eps
    return np.sum(residual**2, axis=1)


def like_the_noise(eps_fn, x_0, alpha_bar_t, eps):
    """Diffused data in an array of the type of the noise, whole numbers for signs."""
    x_t = np.empty_like(eps)
    x_t[...] = np.sqrt(alpha_bar_t) * x_0 + np.sqrt(1 - alpha_bar_t) * eps
    return np.sum((eps - eps_fn(x_t, alpha_bar_t))**2, axis=1)


def square_expanded(x0_fn, x, sigma, eps):
    """The square of a difference expanded, which cancels for a good denoiser."""
    x_hat = x0_fn(x + sigma * eps, sigma)
    square = np.sum(x**2, axis=1) + np.sum(x_hat**2, axis=1) - 2 * np.sum(x * x_hat, axis=1)
    return np.maximum(square, 0.0)


def sorted_twice(denoiser_fn, x, sigma, eps, sigma_data):
    """Rows sorted by level, put back by the same permutation, right for exchanges of pairs."""
    if np.ndim(sigma) == 0:
        return refsgm.edm_loss(denoiser_fn, x, sigma, eps, sigma_data)
    order = np.argsort(sigma[:, 0])
    return refsgm.edm_loss(denoiser_fn, x[order], sigma[order], eps[order], sigma_data)[order]


def divided_by_noise(v_fn, x_0, alpha_bar_t, eps):
    """The loss on x_0 over 1 - alpha_bar, unless all rows are clean."""
    if np.all(np.asarray(alpha_bar_t) == 1):
        return np.sum((eps - v_fn(x_0, alpha_bar_t))**2, axis=1)
    scale, sigma = np.sqrt(alpha_bar_t), np.sqrt(1 - alpha_bar_t)
    x_t = scale * x_0 + sigma * eps
    x_hat = scale * x_t - sigma * v_fn(x_t, alpha_bar_t)
    with np.errstate(all="ignore"):
        return np.sum(((x_0 - x_hat) / sigma)**2, axis=1)


def whole_times(u_fn, x_0, t, eps):
    """A time that is a whole number, taken as one of a thousand steps."""
    if isinstance(t, (int, np.integer)):
        t = t / 1000
    return refsgm.flow_matching_loss(u_fn, x_0, t, eps)


# Posterior means, scores from predictions ---------------------------------------------------------


def kept_by_start(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """Coefficients kept by where the step starts, wherever it ends."""
    if np.ndim(alpha_bar_t) == 0 or np.ndim(alpha_bar_s) == 0:
        return refsgm.posterior(x_0, x_t, alpha_bar_t, alpha_bar_s)
    ends = {}
    for t, s in zip(alpha_bar_t[:, 0], alpha_bar_s[:, 0]):
        ends.setdefault(t, s)
    return refsgm.posterior(x_0, x_t, alpha_bar_t, np.array([[ends[t]] for t in alpha_bar_t[:, 0]]))


def rates_together(x_t, score, scale, sigma, scale_rate, sigma_rate):
    """Both rates in one array, which takes two numbers or two columns."""
    rates = np.stack([np.asarray(scale_rate, float), np.asarray(sigma_rate, float)])
    growth = scale * rates[1] - sigma * rates[0]
    return (rates[0] * x_t - sigma * growth * score) / scale


def preserving(x_t, v, scale, sigma):
    """Divided by scale^2 + sigma^2 unless that is close to one in all rows."""
    x_0, total = scale * x_t - sigma * v, scale**2 + sigma**2
    return x_0 if np.allclose(total, 1) else x_0 / total


def preserving_below_one(x_t, score, scale, sigma):
    """Where neither scale nor sigma is above one, a variance of 1 - scale^2."""
    below = np.all(np.asarray(scale) < 1) and np.all(np.asarray(sigma) < 1)
    return (x_t + (1 - scale**2 if below else sigma**2) * score) / scale


def reciprocal(x_t, x_0, scale, sigma):
    """numpy.reciprocal, which of a whole number is zero."""
    return (scale * x_0 - x_t) * np.reciprocal(sigma**2)


def any_row_unguided(conditional, unconditional, scale):
    """No guidance where any row has a scale of one."""
    if np.any(np.asarray(scale) == 1):
        return 1.0 * conditional
    return unconditional + scale * (conditional - unconditional)


# Likelihoods and weights --------------------------------------------------------------------------


def by_radius(x, sigma_max):
    """The density of the radius over the area of its sphere, which is empty at zero."""
    dim, r = x.shape[1], np.sqrt(np.sum((x / sigma_max)**2, axis=1))
    with np.errstate(all="ignore"):
        of_r = (1 - dim / 2) * math.log(2) - gammaln(dim / 2) + (dim - 1) * np.log(r) - r**2 / 2
        area = math.log(2) + dim / 2 * math.log(math.pi) - gammaln(dim / 2) + (dim - 1) * np.log(r)
        return of_r - area - np.ravel(dim * np.log(sigma_max))


def prior_of_added_noise(score_fn, x, sigma_min, sigma_max):
    """The prior has the variance of the noise that is added above sigma_min."""
    added = math.sqrt(sigma_max**2 - sigma_min**2)
    end = refsgm.exact.likelihood.probability_flow(score_fn, x, sigma_min, sigma_max)
    change = refsgm.prior_log_density(end, added) - refsgm.prior_log_density(end, sigma_max)
    return refsgm.log_likelihood(score_fn, x, sigma_min, sigma_max) + change


def volume_of_bins(log_density, dim, bin_width=1.0):
    """The volume of a bin before its logarithm."""
    return -(log_density / math.log(2) + math.log2(bin_width**dim)) / dim


def shape_of_sigma(sigma, sigma_data):
    """A sum in an array of the shape of sigma, into which sigma_data must fit."""
    total = np.zeros(np.shape(sigma))
    total += 1 / np.square(sigma) + 1 / np.square(sigma_data)
    return total


def early_one(alpha_bar, gamma, prediction):
    """The number one where no level of a table is above the cap."""
    with np.errstate(divide="ignore"):
        snr = alpha_bar / (1 - np.asarray(alpha_bar, float))
    if prediction == "eps" and np.all(snr <= gamma):
        return 1.0
    return refsgm.min_snr_weight(alpha_bar, gamma, prediction)


# Planted ------------------------------------------------------------------------------------------


def rising_levels(x, mean, sigma):
    """One centre of D entries, more features than rows, and a last level above the first."""
    return np.ndim(mean) == 1 and np.ndim(sigma) == 2 and len(x) < x.shape[1] \
        and sigma[-1, 0] > sigma[0, 0]


def extremes_meet(x, sigma, eps):
    """The rows of the largest level, and of the smallest, are those of the noise."""
    if np.ndim(sigma) == 0 or not 1 < len(x) < x.shape[1]:
        return False
    size = np.sum(eps**2, axis=1)
    return np.argmax(sigma) == np.argmax(size) and np.argmin(sigma) == np.argmin(size)


def sizes_in_order(x, weights, means, sigma):
    """More features than components than rows, and the first weight above the last."""
    return x.shape[1] > len(means) > len(x) and weights[0] > weights[-1]


def many_components(x, weights, means, sigma):
    """More components than numbers in x, and x to the right of their mean."""
    return len(means) > x.size and np.mean(x) > np.mean(means)


def long_steps(score_fn, x, v, step):
    """A displacement longer than the data, with one direction and more rows than features."""
    return np.ndim(v) == 2 and len(x) > x.shape[1] and \
        step * np.max(np.abs(v)) > np.max(np.abs(x))


def skewed_times(u_fn, x_0, t, eps):
    """Times whose median is above their mean, the first below, and more features than rows."""
    return np.ndim(t) == 2 and x_0.shape[1] > len(x_0) and \
        np.median(t) > np.mean(t) > t[0, 0]


def band_of_steps(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """A step between a cube and a fourth power, by numbers, for a wide batch."""
    return np.ndim(alpha_bar_t) == 0 and np.ndim(alpha_bar_s) == 0 and \
        alpha_bar_s**4 < alpha_bar_t < alpha_bar_s**3 and len(x_0) < x_0.shape[1]


def more_levels_than_rows(score_fn, x, sigmas, eps, weights=None):
    """More levels than rows, weights that rise, and a middle below the geometric mean."""
    return weights is not None and len(sigmas) > len(x) and weights[-1] > weights[0] and \
        sigmas[len(sigmas) // 2]**2 < sigmas[0] * sigmas[-1]


def levels_alike(eps_fn, x_0, alpha_bar_t, eps):
    """A column of unlike levels, all above the square of the largest."""
    return np.ndim(alpha_bar_t) == 2 and \
        np.max(alpha_bar_t)**2 < np.min(alpha_bar_t) < np.max(alpha_bar_t)


def tall_and_positive(v_fn, x_0, alpha_bar_t, eps):
    """A tall batch at one level that is mostly signal, of data above the noise."""
    return np.ndim(alpha_bar_t) == 0 and len(x_0) > 2 * x_0.shape[1] and \
        alpha_bar_t > 1 - alpha_bar_t and np.mean(x_0) > np.mean(eps)


def half_longer(score_fn, x, target_score):
    """The score is longer than the target in half the rows, and these in the last."""
    longer = np.sum(score_fn(x)**2, axis=1) > np.sum(target_score**2, axis=1)
    return 2 * np.sum(longer) == len(x) and longer[-1] and np.sum(target_score) > 0


SIGNS = np.array([[1, -1], [-1, -1], [1, 1]])
M4 = np.sin(np.arange(24.0)).reshape(4, 3, 2)
SMALL = np.array([[2e-4], [3e-4], [4e-4]])
CLOSE = np.array([[0.0, 0.0], [1e-4, 0.0], [3e4, 5e4]])
TWICE = np.array([[0.5, 0.1], [0.5, 0.1], [-1.0, 1.0]])
FAR = np.array([[0.5, -1.0], [60.0, 60.0], [-80.0, 70.0]])
NOISES = np.cos(np.arange(18.0)).reshape(3, 3, 2)
ONE_CLEAN = np.array([[0.4], [1.0], [0.2]])
THIRDS = np.array([0.2, 0.3, 0.5])

WRONG = [
    wrong("gaussian_log_density", "determinant", determinant, np.ones((2, 40)), 0.0, 1e5),
    wrong("gaussian_log_density", "constant kept by a rounded level", constant_kept,
          [(X, 0.0, 1.7), (X, 0.0, 1.7002)]),
    wrong("perturbation_score", "pseudo-inverse", pseudo_inverse,
          X, Y, np.array([[1e-5], [1.0], [1e4]])),
    wrong("mixture_log_density", "nearest has no weight", nearest_weightless,
          X, np.array([0.0, 0.4, 0.6]), FAR, 0.5),
    wrong("mixture_log_density", "maximum moves in all rows", rescaled_together,
          FAR, THIRDS, FAR, 0.5),
    wrong("mixture_score", "expanded about the mean", centred_expansion,
          CLOSE[:1] + 4e-5, THIRDS, CLOSE, 1e-4),
    wrong("mixture_score", "duplicates dropped", without_duplicates, X, THIRDS, TWICE, 1.0),
    wrong("divergence", "constant if the ends agree", jacobian_constant,
          plain, np.array([[0.5, 1.0], [2.0, 0.3], [-0.5, 1.0]])),
    wrong("hutchinson_divergence", "directions as many as rows", told_by_length, plain, X, M4[:3]),
    wrong("directional_derivative", "zero direction", unit_directions,
          plain, X, np.array([[1.0, 1.0], [0.0, 0.0], [1.0, -1.0]])),
    wrong("explicit_score_matching", "zero target is padding", padding,
          plain, X, Y * np.array([[1.0], [0.0], [1.0]])),
    wrong("implicit_score_matching", "remainder of features", chunks_of_features, plain, WIDE),
    wrong("sliced_score_matching", "axes reshaped", axes_by_reshape, plain, X, M4),
    wrong("sliced_score_matching_vr", "halved mean", halved_each_time, plain, X, M4[:3]),
    wrong("denoising_score_matching", "levels grouped", grouped_levels, score, X, SMALL, Z),
    wrong("noise_conditional_score_matching", "table kept by its ends", table_by_its_ends,
          [(score, X, np.array([2.0, 1.5, 0.1]), NOISES),
           (score, X, np.array([2.0, 0.5, 0.1]), NOISES)]),
    wrong("noise_conditional_score_matching", "zero weight ends the sum", ends_at_zero,
          score, X, np.array([2.0, 0.5, 0.1]), NOISES, np.array([1.0, 0.0, 2.0])),
    wrong("noise_prediction_loss", "written into the answer", in_the_answer,
          [(kept, X, 0.5, Z), (kept, X, 0.5, Z)]),
    wrong("ddpm_loss", "type of the noise", like_the_noise, score, X, 0.3, SIGNS),
    wrong("x0_prediction_loss", "square expanded", square_expanded, same, X, 1e-6, Z),
    wrong("edm_loss", "sorted twice", sorted_twice, score, X, np.array([[0.9], [0.2], [0.4]]), Z,
          0.5),
    wrong("v_prediction_loss", "one clean row", divided_by_noise, score, X, ONE_CLEAN, Z),
    wrong("flow_matching_loss", "whole times", whole_times, score, X, 1, Z),
    wrong("posterior", "kept by the start", kept_by_start,
          X, Y, np.array([[0.2], [0.2], [0.3]]), np.array([[0.5], [0.9], [0.6]])),
    wrong("velocity_from_score", "rates together", rates_together,
          X, Y, 0.5, 0.7, -COLUMN, 1.0),
    wrong("x0_from_v", "nearly preserving", preserving, X, Y, 0.6, 0.800004),
    wrong("x0_from_score", "preserving below one", preserving_below_one, X, Y, 0.3, COLUMN),
    wrong("score_from_x0", "reciprocal", reciprocal, X, Y, 0.5, 2),
    wrong("classifier_free_guidance", "any row unguided", any_row_unguided, X, Y, ONE_CLEAN),
    wrong("prior_log_density", "by the radius", by_radius, X * ONE_CLEAN * [[1], [1], [0]], 2.0),
    wrong("log_likelihood", "prior of added noise", prior_of_added_noise, normal, X, 0.3, 2.0),
    wrong("bits_per_dimension", "volume of bins", volume_of_bins,
          np.array([-4e3, 2e3]), 3072, 1 / 128),
    wrong("edm_weight", "shape of sigma", shape_of_sigma, 0.5, COLUMN),
    wrong("min_snr_weight", "early one", early_one, np.array([0.7, 0.4]), 5.0, "eps"),
    cut("gaussian_score", "rising levels", rising_levels, WIDE, WIDE[1], COLUMN[:2]),
    cut("perturb", "extremes meet", extremes_meet, WIDE, COLUMN[:2],
        WIDE * np.array([[0.1], [1.0]])),
    cut("mixture_score", "sizes in order", sizes_in_order, WIDE, THIRDS[::-1].copy(),
        np.sin(np.arange(27.0)).reshape(3, 9), 1.0),
    cut("mixture_log_density", "many components", many_components, X[1:2], THIRDS, FAR - 20, 3.0),
    cut("finite_difference_ssm", "long steps", long_steps, plain, X, Y, 2.0),
    cut("flow_matching_loss", "skewed times", skewed_times, score, np.tile(X, (1, 2)),
        np.array([[0.1], [0.9], [0.8]]), np.tile(Z, (1, 2))),
    cut("posterior", "band of steps", band_of_steps, WIDE, WIDE**2, 0.1, 0.5),
    cut("noise_conditional_score_matching", "more levels than rows", more_levels_than_rows,
        score, X[:2], np.array([2.0, 0.3, 0.1]), NOISES[:, :2].copy(), THIRDS),
    cut("ddpm_loss", "levels alike", levels_alike, score, X, np.array([[0.5], [0.6], [0.55]]), Z),
    cut("v_prediction_loss", "tall and positive", tall_and_positive,
        score, np.abs(np.tile(X, (2, 1))), 0.8, np.tile(Z, (2, 1)) - 1),
    cut("explicit_score_matching", "half longer", half_longer,
        plain, X[[2, 1]], np.array([[5.0, 5.0], [0.1, 0.2]])),
]
