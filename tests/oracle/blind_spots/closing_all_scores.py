"""Mistakes of good faith, and some planted, about scores, densities, losses and noise levels.

Written when the oracle was about to close, by one who had not read the probes.
"""

import itertools
import math

import numpy as np
from scipy.special import logsumexp

import refsgm

from . import Hidden

X = np.array([[0.5, -1.0], [2.0, 0.3], [-0.7, 1.1]])                                       # (B, D)
Y = np.array([[1.5, 0.2], [-0.4, 0.9], [0.6, -2.0]])
Z = np.array([[-0.3, 0.8], [1.2, -0.5], [0.1, 0.4]])
WIDE = np.sin(np.arange(1, 32 * 40 + 1)).reshape(32, 40)
MANY = np.cos(np.arange(1, 30 * 40 + 1)).reshape(30, 40)                                   # (K, D)
FEW = np.array([[-1.0, 0.3], [0.4, 1.2], [1.1, -0.6]])


def wrong(kind, what, function, *at):
    """A natural mistake that the arguments `at` show, or one list of those of several calls."""
    return Hidden(kind, what, function, True, "numpy", at[0] if isinstance(at[0], list) else at)


def cut(kind, what, function, *at):
    """A region that nobody would treat apart in good faith."""
    return Hidden(kind, what, function, False, "numpy", at)


def score(x, sigma=1.0):
    """Some score, whose derivative couples the features."""
    return -x**3 / (1 + sigma**2) + 0.1 * np.sum(x, axis=-1, keepdims=True)


def column(level, x):
    """A level as a column (B, 1)."""
    return np.broadcast_to(level, (len(x), 1))


def slopes(score_fn, x, v):
    """v'J v by the complex step, (B,)."""
    return np.sum(v * np.imag(score_fn(x + 1e-20j * v)) / 1e-20, axis=1)


# Gaussians and mixtures ---------------------------------------------------------------------------


def levels_to_six_places(x, mean, sigma):
    """Levels that agree to six decimal places are taken as one."""
    levels = np.ravel(column(sigma, x))
    _, first, same = np.unique(np.round(levels, 6), return_index=True, return_inverse=True)
    one = levels[first][np.ravel(same)]
    squares = np.sum(((x - mean) / one[:, None])**2, axis=1)
    return -0.5 * squares - x.shape[1] * (np.log(one) + 0.5 * math.log(2 * math.pi))


PAIRS = {}


def distances_by_text(x, weights, means, sigma):
    """Distances between centres, remembered by str(means), which abridges a long array."""
    key = str(means)
    if key not in PAIRS:
        PAIRS[key] = means - means[0]
    away, square = PAIRS[key], np.square(column(sigma, x))
    with np.errstate(divide="ignore"):
        a = np.log(weights) - np.sum((x[:, None] - means[0] - away)**2, axis=2) / (2 * square)
    r = np.exp(a - logsumexp(a, axis=1, keepdims=True))
    return (means[0] + r @ away - x) / square


def weights_by_centre(x, weights, means, sigma):
    """The weights in a dictionary by centre: of two that coincide the last one counts."""
    table = dict(zip(map(tuple, means.tolist()), weights.tolist()))
    return sum_of(x, np.array(list(table.values())), np.array(list(table)), sigma)


def sum_of(x, weights, means, sigma):
    """log sum_k w_k N(x | m_k, sigma^2 I), whatever the sum of the weights."""
    level = column(sigma, x)
    with np.errstate(divide="ignore"):
        a = np.log(weights) - 0.5 * np.sum(((x[:, None] - means) / level[:, :, None])**2, axis=2)
    norm = x.shape[1] * (np.log(level[:, 0]) + 0.5 * math.log(2 * math.pi))
    return logsumexp(a, axis=1) - norm


def stream_not_rescaled(x, weights, means, sigma):
    """Components in blocks that fit the memory; a new maximum rescales one sum of the two."""
    level, block = column(sigma, x), max(1, 2000 // x.size)
    top, total = np.full((len(x), 1), -np.inf), 0.0
    mean = 0.0
    for k in range(0, len(means), block):
        m = means[k:k + block]
        with np.errstate(divide="ignore"):
            a = np.log(weights[k:k + block]) - 0.5 * np.sum(
                ((x[:, None] - m) / level[:, :, None])**2, axis=2)
        new = np.maximum(top, a.max(axis=1, keepdims=True))
        old = np.exp(np.where(np.isfinite(top), top - new, -np.inf))
        p = np.exp(np.where(np.isfinite(new), a - new, -np.inf))
        mean = mean + p @ m
        total = total * old + p.sum(axis=1, keepdims=True)
        top = new
    return (mean / total - x) / level**2


def integer_power(x, mean, sigma):
    """np.power, which has no negative power of an integer such as sigma = 2."""
    return (mean - x) * np.power(sigma, -2)


# Derivatives and losses ---------------------------------------------------------------------------


def chunks_of_features(score_fn, x):
    """Features in chunks of a bounded number of entries, of which the last part is forgotten."""
    B, D = x.shape
    chunk = min(D, max(1, 10_000 // (B * D)))
    total = np.zeros(B)
    for i in range(D // chunk):
        unit = np.eye(D)[i * chunk:(i + 1) * chunk]                                   # (chunk, D)
        points = (x[None] + 1e-20j * unit[:, None]).reshape(-1, D)
        slope = np.imag(score_fn(points)).reshape(-1, B, D) / 1e-20
        total += np.einsum("cbd,cd->b", slope, unit)
    return total


def distinct_directions(score_fn, x, v):
    """Each distinct direction once, so that one drawn twice of three counts once."""
    v = np.unique(v, axis=0) if v.ndim == 3 else v[None]
    return np.mean([slopes(score_fn, x, a) for a in v], axis=0)


def padded_directions(score_fn, x, v):
    """Directions that are zero are padding, and do not count in the mean."""
    v = v if v.ndim == 3 else v[None]
    s = score_fn(x)
    terms = np.array([0.5 * np.sum(a * s, axis=1)**2 + slopes(score_fn, x, a) for a in v])
    return np.sum(terms, axis=0) / np.maximum(1, np.any(v, axis=2).sum(axis=0))


def score_in_place(score_fn, x, target_score):
    """The difference is taken in the array that the function returned, which may be its own."""
    s = score_fn(x)
    s -= target_score
    return 0.5 * np.einsum("bd,bd->b", s, s)


class Remembered:
    """A score that hands out an array of its own."""

    def __init__(self, values):
        self.values = values

    def __call__(self, x):
        return self.values


OWN = Remembered(Z.copy())


def one_call_per_level(score_fn, x, sigma, eps):
    """One call for each run of equal levels, kept by level: a level that comes back overwrites."""
    levels, out = np.ravel(column(sigma, x)), np.zeros(len(x))
    runs = {s: list(rows) for s, rows in itertools.groupby(range(len(x)), lambda b: levels[b])}
    for s, rows in runs.items():
        error = score_fn(x[rows] + s * eps[rows], s) + eps[rows] / s
        out[rows] = 0.5 * np.sum(error**2, axis=1)
    return out


def no_weights(score_fn, x, sigmas, eps, weights=None):
    """Weights that are all zero are taken as left out."""
    weights = weights if weights is not None and np.any(weights) else sigmas**2
    return sum(w * refsgm.denoising_score_matching(score_fn, x, float(s), e)
               for w, s, e in zip(weights, sigmas, eps))


def levels_sorted_back(eps_fn, x, sigma, eps):
    """Rows sorted by level, and put back by the same permutation in place of its inverse."""
    order = np.argsort(np.ravel(column(sigma, x)), kind="stable")
    level = np.asarray(column(sigma, x))[order]
    error = eps[order] - eps_fn(x[order] + level * eps[order], level)
    return np.sum(error**2, axis=1)[order]


# Levels -------------------------------------------------------------------------------------------


def integer_at_the_end(sigma, sigma_data, sigma_min=0.002):
    """np.vectorize takes the type of the first result, which is an integer at sigma_min."""
    def c_out(s):
        return 0 if s == sigma_min else sigma_data * (s - sigma_min) / math.hypot(s, sigma_data)

    out = np.vectorize(c_out)(sigma)
    return (sigma_data**2 / ((sigma - sigma_min)**2 + sigma_data**2),
            out if np.ndim(sigma) else float(out))


def first_that_is_one(conditional, unconditional, scale):
    """No guidance as soon as one of the scales is 1."""
    if 1.0 in np.ravel(scale).tolist():
        return conditional + 0.0
    return unconditional + scale * (conditional - unconditional)


def floor_of_alpha(n_steps, offset=0.008, beta_max=0.999):
    """The cap of the paper is left in place beside the argument."""
    t = np.arange(n_steps + 1) / n_steps
    f = np.cos((t + offset) / (1 + offset) * math.pi / 2)**2
    alphas = np.maximum(f[1:] / f[:-1], 1 - beta_max)
    return np.concatenate([[1.0], np.cumprod(np.maximum(alphas, 1e-3))])


def vp_by_the_identity(x_t, score, scale, sigma, scale_rate, sigma_rate):
    """On the circle of VP the rate of sigma is that of VP, whatever it is said to be."""
    if np.allclose(np.hypot(scale, sigma), 1.0):
        sigma_rate = -scale * scale_rate / sigma
    growth = scale * sigma_rate - sigma * scale_rate
    return (scale_rate * x_t - sigma * growth * score) / scale


def betas_of_distinct(alpha_bar):
    """Products that float32 cannot tell apart are left out as repeated, for a spaced table."""
    keep = np.concatenate([[True], np.diff(alpha_bar.astype(np.float32)) != 0])
    kept = alpha_bar[keep]
    return (kept[:-1] - kept[1:]) / kept[:-1]


def bits_of_bins(log_density, dim, bin_width=1.0):
    """The number of bins as a whole number of bits where the width is at most one."""
    bits = -math.log2(bin_width)
    if abs(2.0**-round(bits) - bin_width) < 1e-4:
        bits = round(bits)
    return -log_density / (dim * math.log(2)) + bits


def cached_by_ends(sigmas, step_size):
    """Ratios remembered by the number of levels and both ends."""
    key = (len(sigmas), float(sigmas[0]), float(sigmas[-1]))
    if key not in RATIOS:
        RATIOS[key] = np.square(sigmas / sigmas[-1])
    return step_size * RATIOS[key]


RATIOS = {}


# Planted ------------------------------------------------------------------------------------------


def uneven_spacing(sigma_max, sigma_min, n_levels):
    """The second level is a little low for one number of levels in 97."""
    sigmas = np.geomspace(sigma_max, sigma_min, n_levels)
    sigmas[1] *= (1.0, 0.9999)[n_levels % 97 == 60]
    return sigmas


def order_of_a_row(x_noisy, x, sigma):
    """A thousandth too large where the first four entries are in one of their 24 orders."""
    factor = {(1, 3, 0, 2): 1.001}.get(tuple(np.argsort(x_noisy[0, :4]).tolist()), 1.0)
    return factor * (x - x_noisy) / np.square(sigma)

WRONG = [
    wrong("gaussian_log_density", "levels within 1e-6 are one", levels_to_six_places,
          X, 0.5, np.array([[1.2e-6], [1.4e-6], [1.0]])),
    wrong("mixture_score", "a long array abridged as a key", distances_by_text, [
        (WIDE, np.full(30, 1 / 30), MANY, 2.0),
        (WIDE, np.full(30, 1 / 30), MANY * np.where(np.arange(30) // 5 == 3, 0.5, 1)[:, None],
         2.0)]),
    wrong("mixture_log_density", "coincident centres lose a weight", weights_by_centre,
          X, np.array([0.2, 0.3, 0.5]), FEW[[0, 1, 0]], 0.8),
    wrong("mixture_score", "blocks of components, of a size that follows B D, rescaled once",
          stream_not_rescaled, WIDE, np.full(30, 1 / 30), MANY, 2.0),
    wrong("gaussian_score", "a negative power of an integer", integer_power, X, Y, 2),
    wrong("divergence", "the rest of the features, where B D^2 is large", chunks_of_features,
          score, WIDE),
    wrong("hutchinson_divergence", "repeated directions count once", distinct_directions,
          score, X, np.stack([Y, Z, Y])),
    wrong("sliced_score_matching", "zero directions do not count", padded_directions,
          score, X, np.stack([Y, Z * np.array([[1.0], [0.0], [1.0]])])),
    wrong("explicit_score_matching", "in place in what the score returned", score_in_place, [
        (OWN, X, Y), (OWN, X, Y)]),
    wrong("denoising_score_matching", "a level that comes back after another", one_call_per_level,
          score, X, np.array([[1.0], [2.0], [1.0]]), Y),
    wrong("noise_conditional_score_matching", "all weights zero", no_weights,
          score, X, np.array([2.0, 1.0]), np.stack([Y, Z]), np.zeros(2)),
    wrong("noise_prediction_loss", "a permutation for its inverse", levels_sorted_back,
          score, X, np.array([[2.0], [3.0], [1.0]]), Y),
    wrong("consistency_scalings", "the first level is the smallest", integer_at_the_end,
          np.array([0.002, 0.5, 2.0]), 0.5),
    wrong("classifier_free_guidance", "one scale is 1", first_that_is_one,
          X, Y, np.array([[1.0], [2.0], [3.0]])),
    wrong("cosine_alpha_bar", "a cap beyond the paper's", floor_of_alpha, 10, 0.008, 0.9999),
    wrong("velocity_from_score", "on the circle of VP", vp_by_the_identity,
          X, Y, 0.8, 0.6, -1.0, 1.0),
    wrong("betas_from_alpha_bar", "steps that float32 does not see", betas_of_distinct,
          np.array([1.0, 0.99999999, 0.5])),
    wrong("bits_per_dimension", "a bin of 0.0078", bits_of_bins, np.array([1.0, 2.0]), 3, 0.0078),
    wrong("annealed_step_sizes", "remembered by both ends", cached_by_ends, [
        (np.array([4.0, 2.0, 1.0]), 0.5), (np.array([4.0, 3.0, 1.0]), 0.5)]),
    cut("geometric_sigmas", "numbers of levels that are 60 more than a multiple of 97",
        uneven_spacing, 10.0, 0.1, 157),
    cut("perturbation_score", "one order of the first row", order_of_a_row,
        np.array([[0.4, -1.0, 0.9, 0.1]]), np.ones((1, 4)), 2.0),
]
