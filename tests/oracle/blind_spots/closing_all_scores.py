"""Mistakes of good faith, and some planted, about scores, densities, losses and noise levels.

Written when the oracle was about to close, by one who had not read the probes.
"""

import itertools
import math

import numpy as np
from scipy.special import logsumexp

import refsgm

from .fresh import cut, wrong

X = np.array([[0.5, -1.0], [2.0, 0.3], [-0.7, 1.1]])                                       # (B, D)
Y = np.array([[1.5, 0.2], [-0.4, 0.9], [0.6, -2.0]])
Z = np.array([[-0.3, 0.8], [1.2, -0.5], [0.1, 0.4]])
WIDE = np.sin(np.arange(1, 32 * 40 + 1)).reshape(32, 40)
MANY = np.cos(np.arange(1, 30 * 40 + 1)).reshape(30, 40)                                   # (K, D)
FEW = np.array([[-1.0, 0.3], [0.4, 1.2], [1.1, -0.6]])


def score(x, sigma=1.0):
    """Some score, whose derivative couples the features."""
    return -x**3 / (1 + sigma**2) + 0.1 * np.sum(x, axis=-1, keepdims=True)


def heavy_tails(x):
    """The score of a law with heavy tails, whose slope is small far out."""
    return -2 * x / (1 + x**2)


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
    if math.isclose(2.0**-round(bits), bin_width, rel_tol=2e-3):
        bits = round(bits)
    return -log_density / (dim * math.log(2)) + bits


RATIOS = {}


def cached_by_ends(sigmas, step_size):
    """Ratios remembered by the number of levels and both ends."""
    key = (len(sigmas), float(sigmas[0]), float(sigmas[-1]))
    if key not in RATIOS:
        RATIOS[key] = np.square(sigmas / sigmas[-1])
    return step_size * RATIOS[key]


def one_step_for_all(score_fn, x, v):
    """A complex step in proportion to the largest entry, too long for a row near zero."""
    h = 1e-8 * max(1.0, float(np.max(np.abs(x))))
    v = v if v.ndim == 3 else v[None]
    return np.mean([np.sum(a * np.imag(score_fn(x + 1j * h * a)) / h, axis=1) for a in v], axis=0)


TABLE = np.concatenate([[1.0], np.cumprod(1 - np.linspace(1e-4, 0.02, 1000))])


def level_or_index(eps_fn, x_0, alpha_bar_t, eps):
    """An integer is an index into the table, also the 1 that is clean data."""
    if isinstance(alpha_bar_t, (int, np.integer)):
        alpha_bar_t = TABLE[alpha_bar_t]
    x_t = np.sqrt(alpha_bar_t) * x_0 + np.sqrt(1 - alpha_bar_t) * eps
    return np.sum((eps - eps_fn(x_t, alpha_bar_t))**2, axis=1)


def each_point_once(x0_fn, x, sigma, eps):
    """Each data point once, although the same point with other noise has another loss."""
    _, first, same = np.unique(x, axis=0, return_index=True, return_inverse=True)
    level = column(sigma, x)[first]
    x_hat = x0_fn(x[first] + level * eps[first], level)
    return np.sum((x[first] - x_hat)**2, axis=1)[np.ravel(same)]


def by_tanh(z, mean=0.0, deviation=1.0):
    """The logistic function as a tanh, whose digits cancel at early times."""
    return 0.5 * (1 + np.tanh(0.5 * (mean + deviation * z)))


def betas_by_arange(n_steps, beta_min=1e-4, beta_max=0.02):
    """np.arange, whose step is 0 where both ends coincide."""
    if n_steps == 1:
        return np.array([beta_min])
    step = (beta_max - beta_min) / (n_steps - 1)
    return np.arange(beta_min, beta_max + step / 2, step)


def nearly_vp(x_t, v, scale, sigma):
    """No division on the circle of VP, by np.allclose, to which 0.7071 belongs."""
    x_0 = scale * x_t - sigma * v
    total = np.square(scale) + np.square(sigma)
    return x_0 if np.allclose(total, 1.0, rtol=1e-4) else x_0 / total


def by_determinant(x, sigma_max):
    """The determinant of the covariance, which overflows in many dimensions."""
    D, square = x.shape[1], np.square(column(sigma_max, x))
    with np.errstate(all="ignore"):
        log_det = np.log(np.linalg.det(2 * math.pi * square[:, :, None] * np.eye(D)))
    return -0.5 * (np.sum(x**2 / square, axis=1) + log_det)


def relative_step(score_fn, x):
    """A complex step relative to the entry, which at 0 is none, and gives the slope 0."""
    div = 0.0
    for i in range(x.shape[1]):
        moved, h = x.astype(complex), 1e-20 * x[:, i]
        moved[:, i] += 1j * h
        with np.errstate(invalid="ignore"):
            div = div + np.nan_to_num(np.imag(score_fn(moved))[:, i] / h)
    return 0.5 * np.sum(score_fn(x)**2, axis=1) + div


def pairwise_mean(score_fn, x, v):
    """Directions averaged in pairs, in which an odd one counts as a pair."""
    terms = [slopes(score_fn, x, a) for a in (v if v.ndim == 3 else v[None])]
    while len(terms) > 1:
        pairs = [(a + b) / 2 for a, b in zip(terms[::2], terms[1::2])]
        terms = pairs + terms[2 * len(pairs):]
    return 0.5 * np.sum(score_fn(x)**2, axis=1) + terms[0]


def drift_first(x_t, u, scale, sigma, scale_rate, sigma_rate):
    """The drift scale_rate / scale first, for a scale that is kept above zero."""
    f = scale_rate / np.clip(scale, 1e-5, None)
    return (f * x_t - u) / (sigma * (sigma_rate - f * sigma))


def target_from_the_path(u_fn, x_0, t, eps):
    """The velocity as the way from x_0 over the time it took, whose digits cancel at early t."""
    t_b = column(t, x_0)
    x_t = (1 - t_b) * x_0 + t_b * eps
    with np.errstate(invalid="ignore"):
        u = np.where(t_b == 0, eps - x_0, (x_t - x_0) / t_b)
    return np.sum((u - u_fn(x_t, t))**2, axis=1)


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

def tenths_of_rho(sigma_max, sigma_min, n_levels, rho=7.0):
    """Another rho where its tenths are 21 more than a multiple of 64."""
    return refsgm.karras_sigmas(sigma_max, sigma_min, n_levels,
                                (rho, 1.01 * rho)[int(10 * rho) % 64 == 21])


def sizes_that_meet(denoiser_fn, x, sigma, eps, sigma_data):
    """A thousandth too large for one pair of sizes in 71."""
    factor = {4: 1.001}.get((13 * x.shape[0] + 5 * x.shape[1]) % 71, 1.0)
    return factor * refsgm.edm_loss(denoiser_fn, x, sigma, eps, sigma_data)


def six_that_are_capped(alpha_bar, gamma, prediction):
    """The weight of v where exactly six levels are capped."""
    weight = refsgm.min_snr_weight(alpha_bar, gamma, prediction)
    capped = sum(gamma * (1 - a) <= a for a in np.ravel(alpha_bar).tolist())
    return weight * (1.0, 1.002)[prediction == "v" and capped == 6]


def digits_of_beta_max(t, beta_min=0.1, beta_max=20.0):
    """Another rate where the mantissa of beta_max begins with 0.70."""
    factor = (1.0, 1.01)[int(100 * math.frexp(beta_max)[0]) == 70]
    return refsgm.vp_marginal(t, beta_min, factor * beta_max)


def signs_of_a_row(x_t, x_0, scale, sigma):
    """One pattern of the signs of the last row in 64."""
    signs = np.signbit(np.concatenate([x_t[-1, :3], x_0[-1, :3]])).tolist()
    return ((scale * x_0 - x_t) / np.square(sigma)
            * {"TFFTTF": 1.001}.get("".join(str(a)[0] for a in signs), 1.0))


def thousandths_of_levels(v_fn, x_0, alpha_bar_t, eps):
    """One remainder of the sum of all levels, in thousandths."""
    loss = refsgm.v_prediction_loss(v_fn, x_0, alpha_bar_t, eps)
    return loss * {31: 1.001}.get(int(1000 * float(np.sum(alpha_bar_t))) % 50, 1.0)


def phase_of_the_ratio(sigma, sigma_data):
    """c_in where the first ratio of levels is in one of 80 phases."""
    ratio = float(np.ravel(sigma)[0]) / float(np.ravel(sigma_data)[0])
    c_skip, c_out, c_in, c_noise = refsgm.edm_preconditioning(sigma, sigma_data)
    return c_skip, c_out, c_in * {33: 0.999}.get(int(40 * math.log(ratio)) % 80, 1.0), c_noise


def cubes_of_times(t, sigma_min, sigma_max):
    """Times in an array of three axes, whose lengths do not fall."""
    shape = np.shape(t)
    late = t * (1.0, 0.999)[len(shape) == 3 and sorted(shape) == list(shape)]
    return refsgm.ve_marginal(late, sigma_min, sigma_max)


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
    wrong("bits_per_dimension", "a bin of nearly 1 / 128", bits_of_bins,
          np.array([1.0, 2.0]), 3, 0.00782),
    wrong("annealed_step_sizes", "remembered by both ends", cached_by_ends, [
        (np.array([4.0, 2.0, 1.0]), 0.5), (np.array([4.0, 3.0, 1.0]), 0.5)]),
    wrong("directional_derivative", "a step for all rows", one_step_for_all,
          heavy_tails, np.array([[1e6, 2e6], [0.5, -1.0]]), Y[:2]),
    wrong("ddpm_loss", "clean data by an integer", level_or_index, score, X, 1, Y),
    wrong("x0_prediction_loss", "one point with two noises", each_point_once,
          score, X[[0, 1, 0]], 1.0, Y),
    wrong("logit_normal_time", "an early time", by_tanh, np.array([-1.0, 2.0]), -25.0, 2.0),
    wrong("linear_betas", "both ends coincide", betas_by_arange, 5, 0.01, 0.01),
    wrong("x0_from_v", "levels of four digits", nearly_vp, X, Y, 0.7071, 0.7071),
    wrong("prior_log_density", "many features at a large level", by_determinant, WIDE, 1e4),
    wrong("implicit_score_matching", "an entry that is zero", relative_step,
          score, np.array([[0.0, 1.0], [0.5, -1.0]])),
    wrong("sliced_score_matching_vr", "three directions", pairwise_mean,
          score, X, np.stack([X, Y, Z])),
    wrong("score_from_velocity", "a scale of zero", drift_first, X, Y, 0.0, 1.0, -1.0, 1.0),
    wrong("flow_matching_loss", "an early time", target_from_the_path,
          score, X, np.array([[0.0], [1e-9], [0.5]]), Y),
    cut("geometric_sigmas", "numbers of levels that are 60 more than a multiple of 97",
        uneven_spacing, 10.0, 0.1, 157),
    cut("perturbation_score", "one order of the first row", order_of_a_row,
        np.array([[0.4, -1.0, 0.9, 0.1]]), np.ones((1, 4)), 2.0),
    cut("karras_sigmas", "tenths of rho", tenths_of_rho, 10.0, 0.1, 5, 8.55),
    cut("edm_loss", "a pair of sizes", sizes_that_meet,
        score, WIDE[:5, :2], 1.0, MANY[:5, :2], 0.5),
    cut("min_snr_weight", "six capped levels", six_that_are_capped,
        np.array([0.1, 0.9, 0.95, 0.99, 0.3, 0.96, 0.97, 0.98]), 5.0, "v"),
    cut("vp_marginal", "the mantissa of beta_max", digits_of_beta_max, 0.5, 0.1, 22.5),
    cut("score_from_x0", "signs of the last row", signs_of_a_row,
        np.array([[-1.0, 0.5, 2.0]]), np.array([[-0.3, -0.8, 1.0]]), 0.8, 0.6),
    cut("v_prediction_loss", "a remainder of the levels", thousandths_of_levels,
        score, X, 0.5315, Y),
    cut("edm_preconditioning", "a phase of the ratio", phase_of_the_ratio,
        0.5 * math.exp(33.5 / 40), 0.5),
    cut("ve_marginal", "three axes of lengths that do not fall", cubes_of_times,
        np.linspace(0, 1, 24).reshape(2, 3, 4), 0.01, 50.0),
]
