"""Mistakes about scores, densities, slicing, losses and conversions, some of them planted.

They are what one commits in good faith after a test at three rows and a level of one half; each has
the arguments that show it.
"""

import math

import numpy as np

import refsgm

from .fresh import cut, wrong

X = np.array([[0.5, -1.0], [2.0, 0.3], [-0.7, 1.1]])                                       # (B, D)
Y = np.array([[1.5, 0.2], [-0.4, 0.9], [0.6, -2.0]])
Z = np.array([[-0.3, 0.8], [1.2, -0.5], [0.1, 0.4]])
TURN = np.array([[-1.0, 0.5], [0.2, -0.8]])


def normal(*shape):
    """Normal numbers that are the same at every call."""
    return np.random.default_rng(3).standard_normal(shape)


def score(x, sigma=1.0):
    """Some score with a Jacobian that is diagonal."""
    return -x**3 / (1 + sigma**2)


def turned(x, sigma=1.0):
    """Some score with a Jacobian that is full: every feature pulls at every other."""
    return (-x - 0.3 * x.sum(1)[:, None]**2) / (1 + sigma**2)


def bumps(x):
    """A score that is no polynomial."""
    return -x + 1 / (1 + x**2)


def sharp(x, sigma):
    """The score of data of deviation one whose share of noise turns at sigma = 1, and bends."""
    return -(x + x**3 / (1 + x**2)) / (1 + sigma**2)


def along(score_fn, x, v, h=1e-30):
    """J v by the complex step, (B, D)."""
    return np.imag(score_fn(x + 1j * h * v)) / h


def slope(score_fn, x, v):
    """v' J v, (B,)."""
    return np.sum(along(score_fn, x, v) * v, axis=1)


def weak(a):
    """A number as Python's, which leaves float32 what it is; an array as it is."""
    return a.item() if np.ndim(a) == 0 else a


def each(v):
    """Directions with an axis of their number, (M, B, D)."""
    return v if v.ndim == 3 else v[None]


# Gaussians ----------------------------------------------------------------------------------------


def determinant(x, mean, sigma):
    """The volume as the determinant of the covariance, which underflows for many features."""
    variance = np.broadcast_to(np.asarray(sigma, x.dtype)**2, (len(x), 1))
    volume = np.prod(variance * np.ones(x.shape[1], x.dtype), axis=1)
    with np.errstate(divide="ignore"):
        log_volume = np.log(volume).astype(x.dtype)
    square = np.sum(((x - mean) / sigma)**2, axis=1)
    return -0.5 * (square + log_volume + x.shape[1] * math.log(2 * math.pi))


def nearly_one_level(x, mean, sigma):
    """A column of levels within 1e-5 of each other is one level: of small ones all are."""
    if np.ndim(sigma) and np.size(sigma) and np.ptp(sigma) < 1e-5:
        sigma = sigma[:1]
    return (mean - x) / sigma**2


def padded_variance(x_noisy, x, sigma):
    """A small number beside the variance, which is small only beside that of large levels."""
    return (x - x_noisy) / (sigma**2 + 1e-18)


def normaliser_by_first(memory):
    """The normaliser remembered by the sizes and the first level of a column."""
    def log_density(x, sigma_max):
        key = x.shape, x.dtype.char, np.shape(sigma_max), tuple(np.ravel(sigma_max)[:1].tolist())
        if key not in memory:
            memory[key] = norm_of(x, sigma_max)
        return -0.5 * np.sum((x / sigma_max)**2, axis=1) - memory[key]
    return log_density


def far_shell(x, mean, sigma):
    """A score that is a thousandth too large between 30 and 40 deviations."""
    away = np.linalg.norm((x - mean) / sigma, axis=1, keepdims=True)
    return np.where((away > 30) & (away < 40), 1.001, 1.0).astype(x.dtype) * (mean - x) / sigma**2


# Mixtures -----------------------------------------------------------------------------------------


def exponents(x, weights, means, sigma):
    """log w_k - |x - mean_k|^2 / (2 sigma^2), (B, K)."""
    with np.errstate(divide="ignore"):
        log_w = np.log(weights)
    z = (x[:, None, :] - means) / np.reshape(np.asarray(sigma, x.dtype), (-1, 1, 1))
    return log_w - 0.5 * np.sum(z**2, axis=2)


def softmax(a):
    """Shares (B, K)."""
    e = np.exp(a - a.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def log_sum(a):
    """log sum exp along the last axis, (B,)."""
    top = a.max(axis=1)
    return top + np.log(np.sum(np.exp(a - top[:, None]), axis=1))


def norm_of(x, sigma):
    """The normaliser of a Gaussian, (1,) or (B,)."""
    level = np.ravel(np.log(sigma)) + 0.5 * math.log(2 * math.pi)
    return (x.shape[1] * level).astype(x.dtype)


def within_five(x, weights, means, sigma):
    """Components farther than five deviations beyond the nearest one are left out of the sum."""
    level = np.reshape(np.asarray(sigma, x.dtype), (-1, 1))
    z = np.linalg.norm(x[:, None, :] - means, axis=2) / level
    a = np.where(z <= z.min(axis=1, keepdims=True) + 5, exponents(x, weights, means, sigma),
                 -np.inf)
    if not np.all(np.isfinite(a.max(axis=1))):
        a = exponents(x, weights, means, sigma)
    return (softmax(a) @ means - x) / sigma**2


def nearest_32(x, weights, means, sigma):
    """The 32 nearest components alone."""
    a = exponents(x, weights, means, sigma)
    if len(means) > 32:
        d = np.sum((x[:, None, :] - means)**2, axis=2)
        near = np.argpartition(d, 31, axis=1)[:, :32]
        kept = np.full(a.shape, False)
        np.put_along_axis(kept, near, True, axis=1)
        a = np.where(kept, a, -np.inf)
        a = np.where(np.isfinite(a.max(axis=1, keepdims=True)), a, 0.0)
    r = softmax(a)
    return (r @ means - x) / sigma**2


def no_zero_weight(x, weights, means, sigma):
    """A weight below 1e-8 is taken for 1e-8, so that its logarithm is finite."""
    return log_sum(exponents(x, np.maximum(weights, 1e-8), means, sigma)) - norm_of(x, sigma)


def one_top(x, weights, means, sigma):
    """The largest exponent of the whole batch is taken out; what underflows is one component."""
    a = exponents(x, weights, means, sigma)
    top = np.max(a, initial=-np.inf)
    with np.errstate(divide="ignore"):
        total = top + np.log(np.sum(np.exp(a - top), axis=1))
    return np.where(np.isfinite(total), total, np.max(a, axis=1)) - norm_of(x, sigma)


def large_tables(x, weights, means, sigma):
    """Above a size of the table of distances the last component is left out."""
    a = exponents(x, weights, means, sigma)
    total = log_sum(a[:, :-1] if a.size > 1100 else a)
    return total - norm_of(x, sigma)


# Derivatives --------------------------------------------------------------------------------------


def eight_features_at_once(score_fn, x):
    """Blocks of eight features, of which there are D // 8."""
    D = x.shape[1]
    blocks = [range(D)] if D <= 8 else [range(8 * k, 8 * k + 8) for k in range(D // 8)]
    e = np.eye(D, dtype=x.dtype)
    return sum(along(score_fn, x, e[i] + 0 * x)[:, i] for block in blocks for i in block)


def five_points(score_fn, x, h=0.05):
    """The trace by five points, which is exact for polynomials of degree four."""
    total = 0.0
    for i, e in enumerate(h * np.eye(x.shape[1], dtype=x.dtype)):
        near = score_fn(x + e) - score_fn(x - e)
        far = score_fn(x + 2 * e) - score_fn(x - 2 * e)
        total = total + ((8 * near - far) / (12 * h))[:, i]
    return total


def mean_of_means(score_fn, x, v):
    """Directions in blocks of four, then the mean over blocks, whatever the last one holds."""
    v = each(v)
    blocks = [v[m:m + 4] for m in range(0, len(v), 4)]
    return np.mean([np.mean([slope(score_fn, x, w) for w in b], axis=0) for b in blocks], axis=0)


def without_padding(score_fn, x, v):
    """Directions that are zero throughout are padding, and not counted."""
    v = each(v)
    used = [w for w in v if np.any(w)] or [v[0]]
    return sum(slope(score_fn, x, w) for w in used) / len(used)


def long_directions(score_fn, x, v):
    """Directions whose squared length is above 4 D are shortened to that."""
    total = 0.0
    for w in each(v):
        length = np.sum(w**2, axis=1)
        total = total + slope(score_fn, x, w) * np.minimum(1, 4 * x.shape[1] / (length + 1e-300))
    return total / len(each(v))


def signs_are_exact(score_fn, x, v):
    """With directions of signs the estimate is taken for the trace itself."""
    v = each(v)
    half = 0.5 * np.sum(score_fn(x)**2, axis=1)
    if np.size(v) and np.all(np.abs(v) == 1):
        return half + refsgm.divergence(score_fn, x)
    return half + sum(slope(score_fn, x, w) for w in v) / len(v)


def expanded(score_fn, x, target_score):
    """The square multiplied out, which loses what is small beside both."""
    s = score_fn(x)
    products = np.sum(s * s, axis=1) - 2 * np.sum(s * target_score, axis=1)
    return 0.5 * (products + np.sum(target_score**2, axis=1))


def exact_up_to_sixteen(score_fn, x):
    """The trace is exact up to 16 features, and Hutchinson's beyond."""
    s = 0.5 * np.sum(score_fn(x)**2, axis=1)
    if x.shape[1] <= 16:
        return s + refsgm.divergence(score_fn, x)
    rng = np.random.default_rng(0)
    v = rng.choice([-1.0, 1.0], size=x.shape).astype(x.dtype)
    return s + slope(score_fn, x, v)


def no_short_step(score_fn, x, v, step):
    """A step of at least 1e-3, lest digits be lost."""
    return refsgm.finite_difference_ssm(score_fn, x, v, max(step, 1e-3))


def hundred_steps(score_fn, x, sigma_min, sigma_max):
    """A hundred steps of Runge and Kutta in log sigma, however far apart the levels are."""
    h = math.log(sigma_max / sigma_min) / 100

    def rate(t, y):
        sigma = math.exp(t)
        return (-sigma**2 * score_fn(y, sigma),
                sigma**2 * refsgm.divergence(lambda z: score_fn(z, sigma), y))

    y, total, t = x.astype(np.float64), np.zeros(len(x)), math.log(sigma_min)
    for _ in range(100):
        a, da = rate(t, y)
        b, db = rate(t + h / 2, y + h / 2 * a)
        c, dc = rate(t + h / 2, y + h / 2 * b)
        d, dd = rate(t + h, y + h * c)
        y, t = y + h / 6 * (a + 2 * b + 2 * c + d), t + h
        total = total + h / 6 * (da + 2 * db + 2 * dc + dd)
    return (refsgm.prior_log_density(y, sigma_max) - total).astype(x.dtype)


# Conversions --------------------------------------------------------------------------------------


def no_small_scale(x_t, eps, scale, sigma):
    """The scale is at least 1e-4, lest x_0 explode."""
    return (x_t - sigma * eps) / weak(np.maximum(scale, 1e-4))


def share_left_over(x_ve, sigma):
    """The share of the signal as what the noise leaves, which is nothing for much noise."""
    alpha_bar = 1 - sigma**2 / (1 + sigma**2)
    return alpha_bar**0.5 * x_ve, alpha_bar


def noise_grows(x_t, score, scale, sigma, scale_rate, sigma_rate):
    """The drift of an SDE whose g^2 is kept from being negative, as it is towards the data."""
    g2 = 2 * sigma * (scale * sigma_rate - sigma * scale_rate) / scale
    return scale_rate / scale * x_t - 0.5 * weak(np.maximum(g2, 0)) * score


def nearly_preserving(x_t, v, scale, sigma):
    """No division where the variance is one within 1e-4."""
    total = scale**2 + sigma**2
    x_0 = scale * x_t - sigma * v
    return x_0 if np.allclose(total, 1, rtol=0, atol=1e-4) else x_0 / total


def by_way_of_x0(x_t, v, scale, sigma):
    """The definition of v solved for eps, which divides by a scale that may be zero."""
    x_0 = (scale * x_t - sigma * v) / (scale**2 + sigma**2)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (v + sigma * x_0) / scale


def no_guidance_below_one(conditional, unconditional, scale):
    """Guidance is off where no scale is above one, as a pipeline has it."""
    if np.all(np.asarray(scale) <= 1):
        return conditional + 0 * unconditional
    return unconditional + scale * (conditional - unconditional)


def clipped_beta(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """A beta of at most 0.999, as the cosine schedule has it, for steps of any length."""
    beta = weak(np.minimum((alpha_bar_s - alpha_bar_t) / alpha_bar_s, 0.999))
    weight_0 = alpha_bar_s**0.5 * beta / (1 - alpha_bar_t)
    weight_t = (alpha_bar_t / alpha_bar_s)**0.5 * (1 - alpha_bar_s) / (1 - alpha_bar_t)
    return weight_0 * x_0 + weight_t * x_t, beta * (1 - alpha_bar_s) / (1 - alpha_bar_t)


def small_rows(x_t, x_0, scale, sigma):
    """A score that is a thousandth too large for rows within 0.05 of the origin."""
    near = np.max(np.abs(x_t), axis=1, keepdims=True) < 0.05
    return np.where(near, 1.001, 1.0).astype(x_t.dtype) * (scale * x_0 - x_t) / sigma**2


def falling_column(score_vp, alpha_bar):
    """In a column that falls from row to row the last level is that before it."""
    if np.size(alpha_bar) > 2 and np.all(np.diff(alpha_bar[:, 0]) < 0):
        alpha_bar = np.concatenate([alpha_bar[:-1], alpha_bar[-2:-1]])
    return alpha_bar**0.5 * score_vp


def against(x_t, u, t):
    """A velocity that points against x_t within 25 degrees counts a thousandth more."""
    lengths = np.linalg.norm(x_t, axis=1) * np.linalg.norm(u, axis=1)
    opposed = (np.sum(x_t * u, axis=1) < -0.9 * lengths)[:, None]
    return x_t - np.where(opposed, 1.001, 1.0).astype(u.dtype) * t * u


# Losses and weights -------------------------------------------------------------------------------


def bounded_weight(sigma, sigma_data):
    """A weight of at most 1e6, lest a small level spoil the batch."""
    return np.minimum(1 / sigma**2 + 1 / sigma_data**2, 1e6)


def one_sigma_data(sigma, sigma_data):
    """The first of several sigma_data, which are taken for copies of one number."""
    data = np.ravel(sigma_data)[0].item()
    total = sigma**2 + data**2
    return data**2 / total, sigma * data / total**0.5, 1 / total**0.5, np.log(sigma) / 4


def close_to_the_end(sigma, sigma_data, sigma_min=0.002):
    """The boundary is where sigma is close to sigma_min, not only where it is that."""
    gap = np.where(np.isclose(sigma, sigma_min), 0 * sigma, sigma - sigma_min)
    return (sigma_data**2 / (gap**2 + sigma_data**2),
            sigma_data * gap / (sigma**2 + sigma_data**2)**0.5)


def no_weights(score_fn, x, sigmas, eps, weights=None):
    """Weights that are all zero are taken for none."""
    if weights is None or not np.any(weights):
        weights = sigmas**2
    return sum(w * refsgm.denoising_score_matching(score_fn, x, sigma, e)
               for w, sigma, e in zip(weights.tolist(), sigmas.tolist(), eps))


def from_x0_loss(v_fn, x_0, alpha_bar_t, eps):
    """The loss of x_0, divided by a share of noise that is zero for clean data."""
    signal, noise = alpha_bar_t**0.5, (1 - alpha_bar_t)**0.5
    x_t = signal * x_0 + noise * eps
    x_hat = signal * x_t - noise * v_fn(x_t, alpha_bar_t)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.sum(((x_0 - x_hat) / noise)**2, axis=1)


def published_range(denoiser_fn, x, sigma, eps, sigma_data):
    """Levels are kept in the range that EDM samples from, 0.002 to 80."""
    sigma = weak(np.clip(sigma, 0.002, 80.0))
    return refsgm.edm_loss(denoiser_fn, x, sigma, eps, sigma_data)


def gamma_of_25(alpha_bar, gamma, prediction):
    """A cap of 25 at most."""
    return refsgm.min_snr_weight(alpha_bar, min(gamma, 25.0), prediction)


def aligned_noise(score_fn, x, sigma, eps):
    """Noise within 18 degrees of the data counts a thousandth more."""
    lengths = np.linalg.norm(x, axis=1) * np.linalg.norm(eps, axis=1)
    loss = refsgm.denoising_score_matching(score_fn, x, sigma, eps)
    aligned = np.sum(x * eps, axis=1) > 0.95 * lengths
    return np.where(aligned, 1.001, 1.0).astype(loss.dtype) * loss


def large_batches(eps_fn, x_0, alpha_bar_t, eps):
    """From 20 rows of 20 features on the last feature is left out."""
    x_t = refsgm.diffuse(x_0, alpha_bar_t, eps)
    squares = (eps - eps_fn(x_t, alpha_bar_t))**2
    cut_off = len(x_0) >= 20 and x_0.shape[1] >= 20
    return np.sum(squares[:, :-1] if cut_off else squares, axis=1)


def dense_and_wide(log_density, dim, bin_width=1.0):
    """Bins wider than one count as one where the density is above one."""
    width = np.where(np.asarray(log_density) > 0, min(bin_width, 1.0), bin_width)
    bits = np.log2(width).astype(np.result_type(log_density, np.float32))
    return -log_density / (dim * math.log(2)) - weak(bits)


FAR = np.array([[0.0, 0.0], [60.0, 0.0]])
WIDE = normal(3, 20)
HALVES = np.array([0.5, 0.5])

WRONG = [
    wrong("gaussian_log_density", "a determinant that underflows", determinant,
          normal(2, 40), normal(2, 40), 1e-5),
    wrong("gaussian_score", "levels within 1e-5 are one level", nearly_one_level,
          X, 0.2, np.array([[1e-6], [2e-6], [4e-6]])),
    wrong("perturbation_score", "1e-18 beside the variance", padded_variance,
          X, X + 1e-6 * Z, 1e-6),
    wrong("prior_log_density", "a normaliser remembered by the first level",
          normaliser_by_first({}),
          [(X, np.array([[2.0], [3.0], [4.0]])), (X, np.array([[2.0], [5.0], [0.5]]))]),
    cut("gaussian_score", "a shell of 30 to 40 deviations", far_shell, X, 0.0, 0.03),
    wrong("mixture_score", "components within five deviations of the nearest", within_five,
          np.array([[0.3, 0.0]]), HALVES, np.array([[0.0, 0.0], [6.0, 0.0]]), 1.0),
    wrong("mixture_score", "the 32 nearest components", nearest_32,
          X, np.full(40, 1 / 40), normal(40, 2), 1.0),
    wrong("mixture_log_density", "no weight below 1e-8", no_zero_weight,
          np.array([[8.0, 0.0]]), np.array([1.0, 0.0]), np.array([[0.0, 0.0], [8.0, 0.0]]), 1.0),
    wrong("mixture_log_density", "the largest exponent of all rows", one_top,
          FAR, HALVES, np.array([[0.0, 1.0], [0.0, -1.0]]), 1.0),
    cut("mixture_log_density", "more than 1,100 distances", large_tables,
        normal(33, 2), np.full(40, 1 / 40), normal(40, 2), 1.0),
    wrong("divergence", "D // 8 blocks of features", eight_features_at_once, turned, WIDE),
    wrong("divergence", "differences of five points", five_points, bumps, X),
    wrong("hutchinson_divergence", "a mean of means of blocks of four", mean_of_means,
          turned, X, normal(5, 3, 2)),
    wrong("directional_derivative", "directions of zeros are not counted", without_padding,
          turned, X, np.stack([Y, 0 * Y, Z])),
    cut("directional_derivative", "directions longer than 2 sqrt(D)", long_directions,
        turned, X, 4 * Y),
    wrong("sliced_score_matching_vr", "signs as if the Jacobian were diagonal", signs_are_exact,
          turned, X, np.sign(Y)),
    wrong("explicit_score_matching", "a square multiplied out", expanded,
          score, X, score(X) + 1e-5),
    wrong("implicit_score_matching", "Hutchinson's trace above 16 features", exact_up_to_sixteen,
          turned, WIDE),
    wrong("finite_difference_ssm", "no step below 1e-3", no_short_step, score, X, Y, 1e-4),
    wrong("log_likelihood", "a hundred steps", hundred_steps, sharp, X, 1e-4, 1e4),
    wrong("x0_from_eps", "no scale below 1e-4", no_small_scale, X, Z, 2e-5, 1.0),
    wrong("vp_from_ve", "a share that is left over", share_left_over, X, 1e6),
    wrong("velocity_from_score", "g^2 is kept from being negative", noise_grows,
          X, Z, 0.4, 0.6, 1.0, -1.0),
    wrong("x0_from_v", "a variance of one within 1e-4", nearly_preserving, X, Z, 0.8, 0.60005),
    wrong("eps_from_v", "divided by a scale of zero", by_way_of_x0,
          X, Z, np.array([[0.0], [0.5], [1.0]]), 0.5),
    wrong("classifier_free_guidance", "no guidance up to one", no_guidance_below_one, X, Z, 0.5),
    wrong("posterior", "a beta of at most 0.999", clipped_beta, X, Y, 1e-5, 0.9),
    cut("score_from_x0", "rows within 0.05", small_rows, 0.02 * X, Z, 0.8, 0.6),
    cut("ve_score_from_vp", "a column that falls", falling_column,
        X, np.array([[0.9], [0.5], [0.1]])),
    cut("x0_from_velocity", "a velocity against x_t", against, X, -X + 0.1 * Z, 0.5),
    wrong("edm_weight", "a weight of at most 1e6", bounded_weight, np.array([1e-4, 1.0]),
          np.array([0.5, 0.5])),
    wrong("edm_preconditioning", "the first sigma_data", one_sigma_data,
          np.array([0.5, 2.0]), np.array([0.5, 1.0])),
    wrong("consistency_scalings", "close to sigma_min", close_to_the_end, 0.002 * (1 + 5e-6), 0.5),
    wrong("noise_conditional_score_matching", "weights of zero are none", no_weights,
          score, X, np.array([2.0, 1.0]), np.stack([Y, Z]), np.zeros(2)),
    wrong("v_prediction_loss", "divided by the noise of clean data", from_x0_loss,
          score, X, np.array([[1.0], [0.5], [0.2]]), Z),
    wrong("edm_loss", "levels from 0.002 to 80", published_range, score, X, 200.0, Z, 0.5),
    cut("min_snr_weight", "a cap of 25", gamma_of_25, np.array([0.5, 0.98]), 40.0, "x0"),
    cut("denoising_score_matching", "noise along the data", aligned_noise,
        score, X, 0.5, X + 0.1 * Z),
    cut("ddpm_loss", "20 rows of 20 features", large_batches,
        score, normal(24, 21), 0.5, normal(24, 21)[::-1].copy()),
    cut("bits_per_dimension", "wide bins of high density", dense_and_wide,
        np.array([2.0, -3.0]), 3, 4.0),
]
