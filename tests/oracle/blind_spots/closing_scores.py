"""Mistakes of good faith, and some planted, in scores, densities, losses, conversions and weights.

Written when the probes were final, by one who had not read them. Each has arguments that show it.
"""

import functools
import math

import autograd.numpy as anp
import numpy as np
from scipy.special import expit, logsumexp

import refsgm
from refsgm.exact.likelihood import solve
from refsgm.score import row_times_jacobian

from . import Hidden

X = np.array([[0.5, -1.0], [2.0, 0.3], [-0.7, 1.1]])                                       # (B, D)
Y = np.array([[1.5, 0.2], [-0.4, 0.9], [0.6, -2.0]])
COLUMN = np.array([[2.0], [0.5], [1.0]])


def wrong(kind, what, function, *at):
    """A natural mistake that the arguments `at` show, or one list of those of several calls."""
    return Hidden(kind, what, function, True, "numpy", at[0] if isinstance(at[0], list) else at)


def cut(kind, what, function, *at):
    """A bound that nobody would set in good faith."""
    return Hidden(kind, what, function, False, "numpy", at)


def normal(*shape):
    """Normal numbers, the same in every run."""
    return np.random.default_rng(5).standard_normal(shape)


def cubic(x, level=1.0):
    """A score whose Jacobian is not diagonal, nor the same at all points."""
    return (x[:, ::-1] - x**3) / (1 + level)


# Gaussians and mixtures ---------------------------------------------------------------------------


def sorted_levels(x, mean, sigma):
    """Rows in the order of their levels; the way back is the order, not its inverse."""
    if np.ndim(sigma) == 0:
        return refsgm.gaussian_log_density(x, mean, sigma)
    order = np.argsort(sigma[:, 0], kind="stable")
    centre = np.broadcast_to(mean, x.shape)
    return refsgm.gaussian_log_density(x[order], centre[order], sigma[order])[order]


def floor_of_largest(x_noisy, x, sigma):
    """No level below 1e-4 of the largest in the batch."""
    return (x - x_noisy) / np.maximum(sigma, 1e-4 * np.max(sigma))**2


def logits(x, weights, means, sigma):
    """log w_k - |x - m_k|^2 / (2 sigma^2), (B, K)."""
    with np.errstate(divide="ignore"):
        return np.log(weights) - np.sum(((x[:, None] - means) / np.reshape(sigma, (-1, 1, 1)))**2,
                                        axis=2) / 2


def nearest_components(x, weights, means, sigma):
    """The sum over the 16 nearest components of each point."""
    a = logits(x, weights, means, sigma)
    away = np.sum((x[:, None] - means)**2, axis=2)
    rows = np.arange(len(x))[:, None]
    a = a[rows, np.argsort(away, axis=1)[:, :16]]
    constant = x.shape[1] * np.log(sigma * math.sqrt(2 * math.pi))
    return logsumexp(a, axis=1) - np.ravel(constant)


def streamed(x, weights, means, sigma):
    """A running maximum over blocks of 8 components, which is -inf while all weights are zero."""
    top = np.full((len(x), 1), -np.inf)
    total, weighted = np.zeros((len(x), 1)), np.zeros_like(x)
    with np.errstate(invalid="ignore"):
        for k in range(0, len(weights), 8):
            a = logits(x, weights[k:k + 8], means[k:k + 8], sigma)
            new = np.maximum(top, a.max(axis=1, keepdims=True))
            p, kept = np.exp(a - new), np.exp(top - new)
            total = kept * total + p.sum(axis=1, keepdims=True)
            weighted = kept * weighted + np.sum(p[:, :, None] * (means[k:k + 8] - x[:, None]), 1)
            top = new
    return weighted / total / sigma**2


PREPARED = {}


def fingerprint(x, weights, means, sigma):
    """A data set that was prepared before is known by its shape and its first and last entry."""
    key = (means.shape, means[0, 0], means[-1, -1])
    means = PREPARED.setdefault(key, means.copy())
    return refsgm.mixture_score(x, weights, means, sigma)


# Derivatives --------------------------------------------------------------------------------------


def slope(score_fn, x, v):
    """v' J v, (B,)."""
    vjp, _ = row_times_jacobian(score_fn, x)
    return np.sum(vjp(v) * v, axis=1)


def directions(v):
    """The directions one by one."""
    return v[None] if np.ndim(v) == 2 else v


def unit_directions(score_fn, x, v):
    """Along the unit vector v / |v|, and times |v|^2 afterwards: 0 / 0 for v = 0."""
    with np.errstate(invalid="ignore"):
        terms = []
        for w in directions(v):
            length = np.linalg.norm(w, axis=1, keepdims=True)
            terms.append(length[:, 0]**2 * slope(score_fn, x, w / length))
    return np.mean(terms, axis=0)


def estimated_beyond(score_fn, x):
    """Exact up to 20 features; beyond, Hutchinson's estimate with 50 signs."""
    if x.shape[1] <= 20:
        return refsgm.divergence(score_fn, x)
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (50, *x.shape))
    return refsgm.hutchinson_divergence(score_fn, x, signs)


def mean_of_means(score_fn, x, v):
    """Directions in blocks of four, and the mean of the means of the blocks."""
    v = directions(v)
    blocks = [v[i:i + 4] for i in range(0, len(v), 4)]
    return np.mean([np.mean([slope(score_fn, x, w) for w in b], axis=0) for b in blocks], axis=0)


# Objectives ---------------------------------------------------------------------------------------


def expanded(score_fn, x, target_score):
    """|s|^2 / 2 - s't + |t|^2 / 2, whose digits cancel when the score is nearly right."""
    s = score_fn(x)
    return 0.5 * (s**2).sum(1) - (s * target_score).sum(1) + 0.5 * (target_score**2).sum(1)


def complex_step(score_fn, x):
    """Derivatives by the complex step, which |x| in a score does not let through."""
    total = 0.5 * np.sum(score_fn(x)**2, axis=1)
    for i in range(x.shape[1]):
        shifted = x.astype(complex)
        shifted[:, i] += 1e-30j
        total = total + np.imag(score_fn(shifted))[:, i] / 1e-30
    return total


def halved(score_fn, x, v):
    """A running average over directions that halves: right for one and for two."""
    mean = None
    for w in directions(v):
        term = refsgm.sliced_score_matching(score_fn, x, w)
        mean = term if mean is None else 0.5 * (mean + term)
    return mean


def guessed_layout(score_fn, x, v):
    """Takes (B, M, D) too, and takes v for that where its first axis is as long as the batch."""
    if np.ndim(v) == 3 and len(v) == len(x):
        v = np.swapaxes(v, 0, 1)
    return refsgm.sliced_score_matching_vr(score_fn, x, v)


def short_steps(score_fn, x, v, step):
    """A step of more than one is taken for a slip."""
    return refsgm.finite_difference_ssm(score_fn, x, v, min(step, 1.0))


def by_level(score_fn, x, sigma, eps):
    """The network is called once for each level; rows are found by np.isclose."""
    x_noisy = x + sigma * eps
    if np.ndim(sigma) == 0:
        score = score_fn(x_noisy, sigma)
    else:
        score = np.empty_like(x_noisy)
        for level in np.unique(sigma):
            rows = np.isclose(sigma[:, 0], level)
            score[rows] = score_fn(x_noisy[rows], float(level))
    return 0.5 * np.sum((score + eps / sigma)**2, axis=1)


def levels_from_ends(score_fn, x, sigmas, eps, weights=None):
    """The table of levels is made again from its ends, evenly in the logarithm."""
    table = np.geomspace(sigmas[0], sigmas[-1], len(sigmas))
    weights = table**2 if weights is None else weights
    return sum(w * refsgm.denoising_score_matching(score_fn, x, float(s), e)
               for w, s, e in zip(weights, table, eps))


def conditioned_inside(eps_fn, x, sigma, eps):
    """The network is told a level between those of its training, 0.002 and 80."""
    return np.sum((eps - eps_fn(x + sigma * eps, np.clip(sigma, 0.002, 80.0)))**2, axis=1)


def log_snr(eps_fn, x_0, alpha_bar_t, eps):
    """Scale and sigma from a log SNR that is kept within 20."""
    with np.errstate(divide="ignore"):
        level = np.clip(np.log(alpha_bar_t) - np.log(np.subtract(1.0, alpha_bar_t)), -20, 20)
    x_t = np.sqrt(expit(level)) * x_0 + np.sqrt(expit(-level)) * eps
    return np.sum((eps - eps_fn(x_t, alpha_bar_t))**2, axis=1)


def block_levels(x0_fn, x, sigma, eps):
    """In blocks of 16 rows, whose levels are always the first ones."""
    losses = []
    for i in range(0, len(x), 16):
        rows = x[i:i + 16]
        level = sigma if np.ndim(sigma) == 0 else sigma[:len(rows)]
        losses.append(refsgm.x0_prediction_loss(x0_fn, rows, level, eps[i:i + 16]))
    return np.concatenate(losses)


def v_of_x_t(v_fn, x_0, alpha_bar_t, eps):
    """The target (sqrt(alpha_bar) x_t - x_0) / sigma, with a sigma that is not zero."""
    scale, sigma = alpha_bar_t**0.5, (1 - alpha_bar_t)**0.5
    x_t = scale * x_0 + sigma * eps
    v = eps * scale - sigma * x_0 if np.all(sigma > 1e-3) else \
        (scale * x_t - x_0) / np.maximum(sigma, 1e-12)
    return np.sum((v - v_fn(x_t, alpha_bar_t))**2, axis=1)


# Weights ------------------------------------------------------------------------------------------


def one_deviation(sigma, sigma_data):
    """The deviation of the data is one number, also if it comes in an array."""
    return refsgm.edm_preconditioning(sigma, float(np.ravel(sigma_data)[0]))


SCALINGS = {}


def remembered_scalings(sigma, sigma_data, sigma_min=0.002):
    """Results are kept by sigma and sigma_data alone."""
    key = (np.shape(sigma), np.asarray(sigma, float).tobytes(), float(sigma_data))
    if key not in SCALINGS:
        SCALINGS[key] = refsgm.consistency_scalings(sigma, sigma_data, sigma_min)
    return SCALINGS[key]


def limit_weight(sigma, sigma_data):
    """Beyond a ratio of 200 the smaller deviation counts alone."""
    low, high = np.minimum(sigma, sigma_data), np.maximum(sigma, sigma_data)
    return 1 / low**2 + np.where(high > 200 * low, 0.0, 1 / high**2)


# Conversions --------------------------------------------------------------------------------------


def stacked_levels(x_t, eps, scale, sigma):
    """Both levels in one array, which a number and a column do not make."""
    scale, sigma = np.array([scale, sigma])
    return (x_t - sigma * eps) / scale


def rounding_is_zero(x_t, x_0, scale, sigma):
    """What np.isclose takes for equal is equal: there is no noise."""
    return np.where(np.isclose(x_t, scale * x_0), 0.0, (x_t - scale * x_0) / sigma)


def any_for_all(x_t, score, scale, sigma):
    """A shortcut for scale = 1 that is taken if any row has it."""
    if np.any(np.equal(scale, 1.0)):
        return x_t + sigma**2 * score
    return (x_t + sigma**2 * score) / scale


def vp_in_first_row(x_t, v, scale, sigma):
    """Nothing is divided if scale^2 + sigma^2 is 1 in the first row, as in VP."""
    total = np.square(scale) + np.square(sigma)
    x_0 = scale * x_t - sigma * v
    return x_0 if np.isclose(np.ravel(total)[0], 1.0, rtol=1e-12) else x_0 / total


def vp_shortcut(x_t, score, scale, sigma, scale_rate, sigma_rate):
    """-beta (x + score) / 2 where scale^2 + sigma^2 is 1, as it nearly is for little noise too."""
    if np.allclose(np.square(scale) + np.square(sigma), 1.0) and np.all(np.less(scale_rate, 0)):
        return scale_rate / scale * (x_t + score)
    growth = scale * sigma_rate - sigma * scale_rate
    return (scale_rate * x_t - sigma * growth * score) / scale


def below_zero(scale, sigma, scale_rate, sigma_rate):
    """g^2 as a difference, which rounds below zero: the root is NaN, or complex."""
    f = scale_rate / scale
    with np.errstate(invalid="ignore"):
        return f, (2 * sigma * sigma_rate - 2 * f * sigma**2)**0.5


def flux_shift(t, shift):
    """exp(mu) / (exp(mu) + 1 / t - 1): a number t = 0 raises, and an array does not."""
    mu = math.log(shift)
    with np.errstate(divide="ignore"):
        return math.exp(mu) / (math.exp(mu) + (1 / t - 1))


def direction_of_first(x_t, u, t, s):
    """Up or down as in the first row, by the distance of the times."""
    sign = 1.0 if np.ravel(s)[0] > np.ravel(t)[0] else -1.0
    return x_t + sign * np.abs(s - t) * u


def guided_above_one(conditional, unconditional, scale):
    """No guidance unless the scale is above 1, or zero."""
    guided = unconditional + scale * (conditional - unconditional)
    return np.where(np.greater_equal(scale, 1.0) | np.equal(scale, 0.0), guided, conditional)


@functools.cache
def table():
    """alpha_bar of the linear schedule."""
    return np.cumprod(1 - np.linspace(1e-4, 0.02, 1000))


def step_or_level(x_0, alpha_bar_t, eps):
    """An integer is the number of a step."""
    if isinstance(alpha_bar_t, int):
        alpha_bar_t = table()[alpha_bar_t]
    return alpha_bar_t**0.5 * x_0 + (1 - alpha_bar_t)**0.5 * eps


def two_points(x, sigma):
    """The score of the two points +-1 in every feature, with noise."""
    return (anp.tanh(x / sigma**2) - x) / sigma**2


def differenced(score_fn, x, sigma_min, sigma_max):
    """The divergence by central differences of 0.01 of the level, which affine scores forgive."""
    def flow(x, sigma):
        total = 0.0
        for i in range(x.shape[1]):
            e = 1e-2 * sigma * np.eye(x.shape[1])[i]
            total = total + (score_fn(x + e, sigma) - score_fn(x - e, sigma))[:, i] / (2 * e[i])
        return score_fn(x, sigma), total
    end, change = solve(flow, x, sigma_min, sigma_max, 1e-8)
    return refsgm.prior_log_density(end, sigma_max) - change


def whole_bits(log_density, dim, bin_width=1.0):
    """The bits of a bin are a whole number."""
    return -log_density / (dim * math.log(2)) + round(-math.log2(bin_width))


# Planted ------------------------------------------------------------------------------------------


def bent_where(right, where):
    """The right function, a thousandth too large in the rows where `where(*args)` holds."""
    def function(*args):
        result, rows = right(*args), where(*args)
        if isinstance(result, tuple):
            return (np.where(rows, 1.001, 1.0) * result[0], *result[1:])
        return np.where(rows, 1.001, 1.0) * result
    return function


PLANTED = [
    cut("gaussian_score", "more than 32 features, and an odd number of rows",
        bent_where(refsgm.gaussian_score,
                   lambda x, mean, sigma: x.shape[1] > 32 and len(x) % 2 == 1),
        normal(3, 36), 0.5, 2.0),
    cut("perturb", "rows whose level is a hundred thousandth of that of the row above",
        bent_where(refsgm.perturb, lambda x, sigma, eps: np.ndim(sigma) > 0 and np.concatenate(
            [[[False]], sigma[1:] < 1e-5 * sigma[:-1]])),
        X, np.array([[1e3], [1e-3], [1.0]]), Y),
    cut("eps_from_v", "a scale above 1000 sigma, in rows where v is mostly negative",
        bent_where(refsgm.eps_from_v, lambda x_t, v, scale, sigma: np.greater(
            scale, 1e3 * np.asarray(sigma)) & (np.sum(v < 0, 1, keepdims=True) > 0.5 * v.shape[1])),
        X, -np.abs(Y), 1.0, 1e-4),
    cut("velocity_from_x0_eps", "the last rows of a batch of more than 24, in few features",
        bent_where(refsgm.velocity_from_x0_eps, lambda x_0, eps: np.arange(len(x_0))[:, None] >= (
            24 if x_0.shape[1] < 10 else len(x_0))),
        normal(27, 3), normal(27, 3)[::-1]),
    cut("edm_loss", "a level 10 to 100 times that of the data, beyond 12 features",
        bent_where(refsgm.edm_loss, lambda fn, x, sigma, eps, sigma_data: np.ravel(
            (10 * sigma_data < np.asarray(sigma)) & (np.asarray(sigma) < 100 * sigma_data)
            & (x.shape[1] > 12))),
        cubic, normal(2, 14), 20.0, normal(2, 14)[::-1], 0.5),
    cut("flow_matching_loss", "numbers t between 0.93 and 0.98",
        bent_where(refsgm.flow_matching_loss,
                   lambda fn, x_0, t, eps: np.ndim(t) == 0 and 0.93 < t < 0.98),
        cubic, X, 0.95, Y),
    cut("min_snr_weight", "v, a cap below 1, and a ratio between a quarter of it and itself",
        bent_where(refsgm.min_snr_weight, lambda a, gamma, prediction: (
            prediction == "v" and gamma < 1) & (np.asarray(a) < gamma * (1 - np.asarray(a))) & (
            np.asarray(a) > 0.25 * gamma * (1 - np.asarray(a)))),
        np.array([[0.3], [0.1]]), 0.5, "v"),
    cut("score_from_x0", "a scale of less than 0.1 that is not zero, beside a sigma above 1",
        bent_where(refsgm.score_from_x0, lambda x_t, x_0, scale, sigma: np.greater(scale, 0) & (
            np.less(scale, 0.1) & np.greater(sigma, 1))),
        X, Y, 0.05, 3.0),
    cut("prior_log_density", "a column of more than 8 levels, of which the first is the largest",
        bent_where(refsgm.prior_log_density, lambda x, sigma_max: np.size(sigma_max) > 8 and np.all(
            sigma_max[1:] < sigma_max[0])),
        normal(9, 2), np.linspace(9.0, 1.0, 9)[:, None]),
    cut("ve_from_vp", "a share of the signal between 0.98 and 0.999, in a column",
        bent_where(refsgm.ve_from_vp, lambda x_vp, a: np.ndim(a) > 0 and (a > 0.98) & (a < 0.999)),
        X, np.array([[0.995], [0.5], [0.1]])),
    cut("score_from_velocity", "rates in columns, both positive, one over twice the other",
        bent_where(refsgm.score_from_velocity,
                   lambda x_t, u, scale, sigma, scale_rate, sigma_rate: np.ndim(scale_rate) > 0
                   and np.ndim(sigma_rate) > 0
                   and (scale_rate > 2 * sigma_rate) & (sigma_rate > 0)),
        X, Y, 0.5, 0.5, 3 * COLUMN, COLUMN),
]

MANY = np.linspace(-2.0, 2.0, 40).reshape(20, 2)
LATE = np.concatenate([np.zeros(8), [0.25, 0.75]])
LEVELS = np.array([4.0, 3.0, 0.5])

WRONG = [
    wrong("gaussian_log_density", "rows go back by the order, not by its inverse", sorted_levels,
          X, 0.0, COLUMN),
    wrong("perturbation_score", "a floor that is a share of the largest level", floor_of_largest,
          X, Y, np.array([[1e-3], [1.0], [100.0]])),
    wrong("mixture_log_density", "the 16 nearest components alone", nearest_components,
          X, np.full(20, 0.05), MANY, 1.5),
    wrong("mixture_score", "a first block of components without weight", streamed,
          X, LATE, MANY[5:15], 1.0),
    wrong("mixture_score", "a data set is known by its first and last entry", fingerprint,
          [(X, np.full(3, 1 / 3), X, 1.0),
           (X, np.full(3, 1 / 3), np.array([[0.5, 2.0], [1.0, 1.0], [0.0, 1.1]]), 1.0)]),
    wrong("directional_derivative", "a direction without length", unit_directions,
          cubic, X, np.array([[1.0, 0.5], [0.0, 0.0], [2.0, -1.0]])),
    wrong("divergence", "an estimate beyond 20 features", estimated_beyond, cubic, normal(2, 24)),
    wrong("hutchinson_divergence", "the mean of the means of blocks", mean_of_means,
          cubic, X, normal(5, 3, 2)),
    wrong("explicit_score_matching", "a square multiplied out", expanded,
          cubic, 1e3 * X, cubic(1e3 * X) + 1e-2),
    wrong("implicit_score_matching", "the complex step through |x|", complex_step,
          lambda x: -x * anp.abs(x), X),
    wrong("sliced_score_matching", "an average that halves", halved, cubic, X, normal(3, 3, 2)),
    wrong("sliced_score_matching_vr", "as many directions as rows", guessed_layout,
          cubic, X, normal(3, 3, 2)),
    wrong("finite_difference_ssm", "a step of at most 1", short_steps, cubic, X, Y, 2.0),
    wrong("denoising_score_matching", "levels that are close are one", by_level,
          cubic, X, np.array([[1.0], [1.000008], [2.0]]), Y),
    wrong("noise_conditional_score_matching", "levels from their ends", levels_from_ends,
          cubic, X, LEVELS, normal(3, 3, 2)),
    wrong("noise_prediction_loss", "the network hears a level of its training", conditioned_inside,
          cubic, X, 200.0, Y),
    wrong("ddpm_loss", "a log SNR of at most 20", log_snr, cubic, X, 1.0, Y),
    wrong("x0_prediction_loss", "blocks with the levels of the first", block_levels,
          cubic, normal(18, 2), np.linspace(0.5, 3.0, 18)[:, None], normal(18, 2)[::-1]),
    wrong("v_prediction_loss", "no v of clean data", v_of_x_t, cubic, X, 1.0, Y),
    wrong("edm_preconditioning", "one deviation of the data", one_deviation,
          COLUMN, np.array([[0.5], [1.0], [2.0]])),
    wrong("consistency_scalings", "kept whatever sigma_min is", remembered_scalings,
          [(3.0, 0.5, 1.0), (3.0, 0.5)]),
    wrong("eps_from_x0", "noise of 1e-5 of the data is rounding", rounding_is_zero,
          0.8 * X + 5e-6 * Y, X, 0.8, 5e-6),
    wrong("edm_weight", "the limit of a large ratio", limit_weight, 250.0, 1.0),
    wrong("x0_from_eps", "a number and a column", stacked_levels, X, Y, 0.5, COLUMN),
    wrong("x0_from_score", "any row has scale 1", any_for_all,
          X, Y, np.array([[1.0], [0.5], [0.2]]), COLUMN),
    wrong("x0_from_v", "all rows are VP if the first is", vp_in_first_row,
          X, Y, np.array([[0.0], [0.5], [0.2]]), np.array([[1.0], [0.5], [0.8]])),
    wrong("velocity_from_score", "little noise is taken for VP", vp_shortcut,
          X, Y * 1e6, 1.0 - 1e-6, 1e-6, -1.0, 1.0),
    wrong("sde_coefficients", "g^2 rounds below zero", below_zero,
          np.array([[0.5], [0.2]]), np.array([[0.5], [0.1]]), np.array([[-1.0], [0.12]]),
          np.array([[1.0], [0.06]])),
    wrong("shift_time", "a number t = 0", flux_shift, 0.0, 3.0),
    wrong("flow_step", "some rows up and some down", direction_of_first, X, Y,
          np.array([[0.2], [0.5], [0.9]]), 0.4),
    wrong("classifier_free_guidance", "a scale between 0 and 1", guided_above_one, X, Y, 0.5),
    wrong("diffuse", "alpha_bar = 1 as an integer", step_or_level, X, 1, Y),
    wrong("log_likelihood", "a divergence by differences", differenced,
          two_points, np.array([[0.9], [-0.2]]), 0.5, 20.0),
    wrong("bits_per_dimension", "whole bits", whole_bits, np.array([-3.0, 1.0]), 3, 2 / 255),
    *PLANTED,
]
