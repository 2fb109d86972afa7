"""Mistakes of good faith, and some planted, about scores, densities, losses and conversions.

Written when the probes were final, by one who had not read them; each has the arguments that show
it.
"""

import math

import numpy as np

import refsgm

from .fresh import cut, wrong

X = np.array([[0.5, -1.0], [2.0, 0.3], [-0.7, 1.1]])                                       # (B, D)
Y = np.array([[1.5, 0.2], [-0.4, 0.9], [0.6, -2.0]])
V = np.array([[-0.3, 0.8], [1.2, -0.5], [0.1, 0.4]])
WIDE = np.sin(np.arange(70.0)).reshape(2, 35)
MANY = np.cos(np.arange(40.0)).reshape(20, 2)                                        # (K, D)
EVEN = np.full(20, 0.05)


def cubic(x, sigma=1.0):
    """A score whose Jacobian is diagonal."""
    return -x**3 / (1 + sigma**2)


def radial(x, sigma=1.0):
    """A score whose features are coupled where x is not zero."""
    return -x * np.sum(x**2, axis=1, keepdims=True) / (1 + sigma**2)


def along(score_fn, x, v, h=1e-30):
    """J v by the complex step, (B, D)."""
    return np.imag(score_fn(x + 1j * h * v)) / h


def quadratic(score_fn, x, v):
    """v' J v, (B,)."""
    return np.sum(v * along(score_fn, x, v), axis=1)


def basis(x, i):
    """The unit vector of feature i for every row."""
    return np.eye(x.shape[1], dtype=x.dtype)[i] + 0 * x


def trace(score_fn, x):
    """The trace of the Jacobian, (B,)."""
    return sum(quadratic(score_fn, x, basis(x, i)) for i in range(x.shape[1]))


def exponents(x, weights, means, sigma):
    """log w_k - |x - mean_k|^2 / (2 sigma^2), (B, K)."""
    with np.errstate(divide="ignore"):
        log_w = np.log(weights)
    sigma = np.reshape(np.asarray(sigma, x.dtype), (-1, 1, 1))
    return log_w - np.sum(((x[:, None] - means) / sigma)**2, axis=2) / 2


def log_total(e):
    """log sum_k exp(e_k), (B,)."""
    top = e.max(axis=1, keepdims=True)
    return top[:, 0] + np.log(np.exp(e - top).sum(axis=1))


def log_norm(x, sigma):
    """The logarithm of the normaliser of N(., sigma^2 I), a scalar or (B,)."""
    return x.shape[1] * (np.log(np.reshape(np.asarray(sigma, x.dtype), -1))
                         + 0.5 * math.log(2 * math.pi))


# Gaussians ----------------------------------------------------------------------------------------


def floored_variance(x, mean, sigma):
    """A variance that is kept from falling below 1e-10."""
    variance = np.maximum(sigma**2, 1e-10) + 0 * x
    return -0.5 * np.sum((x - mean)**2 / variance + np.log(2 * np.pi * variance), axis=1)


def scalar_mean_in_float32(x, mean, sigma):
    """A scalar mean that is filled into an array of float32 first."""
    if np.ndim(mean) == 0:
        mean = np.full(x.shape, mean, dtype=np.float32)
    return (mean - x) / sigma**2


def normaliser_by_size(memory):
    """The normaliser remembered under the number of features alone, if sigma is a number."""
    def log_density(x, mean, sigma):
        if np.ndim(sigma) == 0:
            norm = memory.setdefault(x.shape[1], log_norm(x, sigma))
        else:
            norm = log_norm(x, sigma)
        return -0.5 * np.sum(((x - mean) / sigma)**2, axis=1) - norm
    return log_density


def no_further_than_40(x, mean, sigma):
    """Entries no further out than 40 deviations."""
    z = np.clip((x - mean) / sigma, -40, 40)
    return -0.5 * np.sum(z**2, axis=1) - log_norm(x, sigma)


# Mixtures -----------------------------------------------------------------------------------------


def pruned_components(x, weights, means, sigma):
    """Components of a weight below 1e-4 are left out."""
    kept = weights >= min(1e-4, weights.max())
    e = exponents(x, weights[kept], means[kept], sigma)
    return log_total(e) - log_norm(x, sigma)


def log_of_a_little_more(x, weights, means, sigma):
    """1e-20 beside every weight in the logarithm, so that a weight of zero has some share."""
    e = exponents(x, weights + 1e-20, means, sigma)
    r = np.exp(e - e.max(axis=1, keepdims=True))
    r /= r.sum(axis=1, keepdims=True)
    return (r @ means - x) / sigma**2


def expanded_distances(x, weights, means, sigma):
    """Distances from |x|^2 - 2 x m + |m|^2, whose digits cancel far from the origin."""
    square = (x**2).sum(1)[:, None] - 2 * x @ means.T + (means**2).sum(1)
    with np.errstate(divide="ignore"):
        e = np.log(weights) - square / (2 * sigma**2)
    r = np.exp(e - e.max(axis=1, keepdims=True))
    r /= r.sum(axis=1, keepdims=True)
    return np.einsum("bk,bkd->bd", r, means - x[:, None]) / sigma**2


def sum_not_rescaled(x, weights, means, sigma, chunk=16):
    """A stream over chunks; when the maximum grows the weights are rescaled, the vectors not."""
    top, total, shift = np.full((len(x), 1), -np.inf, x.dtype), 0.0, 0.0
    for k in range(0, len(weights), chunk):
        part = slice(k, k + chunk)
        e = exponents(x, weights[part], means[part], sigma)
        new = np.maximum(top, e.max(axis=1, keepdims=True))
        r = np.exp(e - new)
        total = total * np.exp(top - new) + r.sum(axis=1, keepdims=True)
        shift = shift + np.einsum("bk,bkd->bd", r, means[part] - x[:, None])
        top = new
    return shift / total / sigma**2


def norms_by_their_sum(memory):
    """The norms of the means remembered under the sum of all means."""
    def log_density(x, weights, means, sigma):
        center = x.mean(axis=0)
        key = (means.shape, float(means.sum()), center.tobytes())
        if key not in memory:
            memory[key] = np.sum((means - center)**2, axis=1)
        near = x - center
        square = (near**2).sum(1)[:, None] - 2 * near @ (means - center).T + memory[key]
        with np.errstate(divide="ignore"):
            e = np.log(weights) - square / (2 * sigma**2)
        return log_total(e) - log_norm(x, sigma)
    return log_density


def close_means_merged(x, weights, means, sigma):
    """Neighbours in the list that are closer than a fifth of sigma count as the first of them."""
    means = means.copy()
    for k in range(1, len(means)):
        if np.linalg.norm(means[k] - means[k - 1]) < 0.2 * np.min(sigma):
            means[k] = means[k - 1]
    return log_total(exponents(x, weights, means, sigma)) - log_norm(x, sigma)


def prior_near_its_mode(x, sigma_max):
    """A thousandth too large where all of x is within a twentieth of a deviation."""
    result = refsgm.prior_log_density(x, sigma_max)
    return 1.001 * result if np.all(abs(x) < 0.05 * sigma_max) else result


# Divergences and slicing --------------------------------------------------------------------------


def whole_chunks(score_fn, x, chunk=16):
    """Features in chunks of 16, of which a last one that is not full is left out."""
    D = x.shape[1]
    if D <= chunk:
        return trace(score_fn, x)
    features = np.arange(D // chunk * chunk).reshape(-1, chunk)
    return sum(quadratic(score_fn, x, basis(x, i)) for part in features for i in part)


def estimate_above_32(score_fn, x):
    """More than 32 features are left to eight random signs of a fixed seed."""
    if x.shape[1] <= 32:
        return trace(score_fn, x)
    signs = np.random.default_rng(0).choice([-1.0, 1.0], size=(8, *x.shape))
    return sum(quadratic(score_fn, x, v) for v in signs) / 8


def far_row(score_fn, x):
    """A thousandth too large where a row is further out than 8, another less than 1."""
    length = np.sqrt(np.sum(x**2, axis=1))
    result = trace(score_fn, x)
    return 1.001 * result if length.max() > 8 and length.min() < 1 else result


def guessed_layout(score_fn, x, v):
    """Directions count as (B, M, D) where their first axis is as long as the batch."""
    if v.ndim == 2:
        return quadratic(score_fn, x, v)
    if v.shape[0] == len(x):
        v = np.swapaxes(v, 0, 1)
    return np.mean([quadratic(score_fn, x, v[m]) for m in range(len(v))], axis=0)


def zeros_are_padding(score_fn, x, v):
    """Directions of zeros count as padding, and not in the mean."""
    v = v.reshape(-1, *x.shape)
    used = np.any(v != 0, axis=2).sum(axis=0)
    return sum(quadratic(score_fn, x, w) for w in v) / np.maximum(used, 1).astype(x.dtype)


def diagonal_in_the_first_row(score_fn, x):
    """One pass for all features, where the Jacobian is diagonal at the first row."""
    rows = [along(score_fn, x[:1], basis(x[:1], i))[0] for i in range(x.shape[1])]
    if not np.any(np.array(rows) * (1 - np.eye(x.shape[1]))):
        slope = np.sum(along(score_fn, x, np.ones_like(x)), axis=1)
    else:
        slope = trace(score_fn, x)
    return 0.5 * np.sum(score_fn(x)**2, axis=1) + slope


def mean_of_chunk_means(score_fn, x, v, chunk=4):
    """Directions in chunks of four; the mean of the means, though the last is shorter."""
    v, score = v.reshape(-1, *x.shape), score_fn(x)
    terms = [0.5 * np.sum(w * score, axis=1)**2 + quadratic(score_fn, x, w) for w in v]
    return np.mean([np.mean(terms[m:m + chunk], axis=0) for m in range(0, len(v), chunk)], axis=0)


def basis_if_as_many(score_fn, x, v):
    """As many directions as features count as a basis, whose mean is the trace."""
    if v.ndim == 3 and len(v) == x.shape[1]:
        slope = trace(score_fn, x)
    else:
        slope = np.mean([quadratic(score_fn, x, w) for w in v.reshape(-1, *x.shape)], axis=0)
    return 0.5 * np.sum(score_fn(x)**2, axis=1) + slope


def growing_and_still(score_fn, x, v):
    """A thousandth too large where the slope along each v is more than the squared projection."""
    result = refsgm.sliced_score_matching(score_fn, x, v)
    if v.ndim == 3:
        return result
    slope, projection = quadratic(score_fn, x, v), np.sum(v * score_fn(x), axis=1)
    return 1.001 * result if np.all(slope > projection**2) else result


# Losses and likelihoods ---------------------------------------------------------------------------


def no_shorter_than_a_thousandth(score_fn, x, v, step):
    """Differences over no less than 1e-3, for the sake of float32."""
    step = max(step, 1e-3)
    score = score_fn(x)
    terms = [0.5 * np.sum(w * score, axis=1)**2 + np.sum(
        w * (score_fn(x + step * w) - score_fn(x - step * w)), axis=1) / (2 * step)
        for w in v.reshape(-1, *x.shape)]
    return sum(terms) / len(terms)


def expanded_square(score_fn, x, target_score):
    """|s|^2 - 2 s t + |t|^2, whose digits cancel where the score is nearly right."""
    s = score_fn(x)
    return np.sum(0.5 * s**2 - s * target_score + 0.5 * target_score**2, axis=1)


def even_steps(score_fn, x, sigma_min, sigma_max, n_steps=1000):
    """A thousand steps of Runge and Kutta, evenly spaced in sigma."""
    def rate(x, sigma):
        def s(x):
            return score_fn(x, sigma)
        return -sigma * s(x), sigma * trace(s, x)

    h, change = (sigma_max - sigma_min) / n_steps, 0.0
    for i in range(n_steps):
        sigma = sigma_min + i * h
        k_1, d_1 = rate(x, sigma)
        k_2, d_2 = rate(x + h / 2 * k_1, sigma + h / 2)
        k_3, d_3 = rate(x + h / 2 * k_2, sigma + h / 2)
        k_4, d_4 = rate(x + h * k_3, sigma + h)
        x = x + h / 6 * (k_1 + 2 * k_2 + 2 * k_3 + k_4)
        change = change + h / 6 * (d_1 + 2 * d_2 + 2 * d_3 + d_4)
    return -0.5 * np.sum((x / sigma_max)**2, axis=1) - log_norm(x, sigma_max) - change


def whole_number_of_bins(log_density, dim, bin_width=1.0):
    """Narrow bins are counted as so many to a unit, a whole number."""
    bits = -log_density / (dim * math.log(2))
    return bits + math.log2(round(1 / bin_width)) if bin_width < 1 else bits - math.log2(bin_width)


def one_prior_for_all(x, sigma_max):
    """One sigma of the prior, the largest, for all rows."""
    sigma_max = np.asarray(np.max(sigma_max), x.dtype)
    return -0.5 * np.sum((x / sigma_max)**2, axis=1) - log_norm(x, sigma_max)


def one_level_if_close(eps_fn, x, sigma, eps):
    """A network that is given one number where numpy.allclose says that all levels are the same."""
    if np.ndim(sigma) == 2 and np.allclose(sigma, sigma[0, 0]):
        sigma = sigma[0, 0]
    return np.sum((eps - eps_fn(x + sigma * eps, sigma))**2, axis=1)


def v_from_the_noisy_data(v_fn, x_0, alpha_bar_t, eps):
    """v from x_t and x_0, over a sigma of 1e-8 or more: at alpha_bar = 1 it is 0, not eps."""
    scale, sigma = alpha_bar_t**0.5, (1 - alpha_bar_t)**0.5
    x_t = scale * x_0 + sigma * eps
    forward = (x_t - scale * x_0) / np.asarray(np.maximum(sigma, 1e-8), x_0.dtype)
    return np.sum((scale * forward - sigma * x_0 - v_fn(x_t, alpha_bar_t))**2, axis=1)


def small_weights_skipped(score_fn, x, sigmas, eps, weights=None):
    """Levels whose weight is below 1e-6 of the largest are skipped, large as their terms are."""
    weights = sigmas**2 if weights is None else weights
    total = np.zeros(len(x), x.dtype)
    for w, sigma, z in zip(weights, sigmas, eps):
        if w >= 1e-6 * max(weights):
            score = score_fn(x + sigma * z, sigma)
            total = total + w * 0.5 * np.sum((score + z / sigma)**2, axis=1)
    return total


def rows_beyond_their_noise(x0_fn, x, sigma, eps):
    """A thousandth too large where the noise points away from 0 in each row, and is less."""
    result = refsgm.x0_prediction_loss(x0_fn, x, sigma, eps)
    noise = sigma * eps
    away = np.sum(x * noise, axis=1) > 0
    less = np.sum(noise**2, axis=1) < 0.04 * np.sum(x**2, axis=1)
    return 1.001 * result if np.all(away & less) else result


def late_and_noisy(u_fn, x_0, t, eps):
    """A thousandth too large where each t is above 0.9 and the noise has entries above 2."""
    result = refsgm.flow_matching_loss(u_fn, x_0, t, eps)
    return 1.001 * result if np.min(t) > 0.9 and np.max(abs(eps)) > 2 else result


# Weights ------------------------------------------------------------------------------------------


def end_within_a_thousandth(sigma, sigma_data, sigma_min=0.002):
    """The end of the flow is where numpy.isclose says that sigma is sigma_min, within 1e-3."""
    gap = np.where(np.isclose(sigma, sigma_min, atol=1e-3), 0 * sigma, sigma - sigma_min)[()]
    return (sigma_data**2 / (gap**2 + sigma_data**2),
            sigma_data * gap / (sigma**2 + sigma_data**2)**0.5)


def as_noisy_as_the_data(sigma, sigma_data):
    """Where sigma is within a fiftieth of sigma_data it counts as the same."""
    close = abs(sigma - sigma_data) < 0.02 * sigma_data
    return np.where(close, 2 / sigma_data**2, 1 / sigma**2 + 1 / sigma_data**2)[()]


def long_and_falling(sigma):
    """More than twelve levels that fall are a table, of which the last has weight zero."""
    weight = refsgm.score_matching_weight(sigma)
    if np.size(sigma) > 12 and np.all(np.diff(np.ravel(sigma)) < 0):
        weight = weight * (sigma > np.min(sigma))
    return weight


# Conversions --------------------------------------------------------------------------------------


def nearly_preserving(x_t, v, scale, sigma):
    """No division where scale^2 + sigma^2 is within a thousandth of 1."""
    x_0 = scale * x_t - sigma * v
    total = scale**2 + sigma**2
    return x_0 if np.allclose(total, 1, atol=1e-3) else x_0 / total


def by_way_of_x0(x_t, v, scale, sigma):
    """eps from x_0, whose difference from x_t is lost where sigma is small."""
    x_0 = (scale * x_t - sigma * v) / (scale**2 + sigma**2)
    return (x_t - scale * x_0) / sigma


def straight_if_the_scale_is(x_t, score, scale, sigma, scale_rate, sigma_rate):
    """A scale that falls at rate 1 is taken for the straight path, whose sigma rises at rate 1."""
    if np.all(scale_rate == -1):
        sigma_rate = 1.0
    x_0 = (x_t + sigma**2 * score) / scale
    return scale_rate * x_0 - sigma_rate * sigma * score


def never_without_noise(scale, sigma, scale_rate, sigma_rate):
    """g^2 no smaller than 1e-8."""
    f = scale_rate / scale
    return f, np.maximum(2 * sigma * (sigma_rate - f * sigma), 1e-8)**0.5


def timesteps_from_one(x_t, u, t):
    """Times that reach 1 count as timesteps, of which there are a thousand."""
    if np.max(t) >= 1:
        t = t / 1000
    return x_t - t * u


def signal_as_the_rest(x_ve, sigma):
    """alpha_bar as 1 less the share of the noise, whose digits cancel at large sigma."""
    alpha_bar = 1 - sigma**2 / (1 + sigma**2)
    return alpha_bar**0.5 * x_ve, alpha_bar


def signal_under_the_noise(x_t, eps, scale, sigma):
    """A thousandth too large where scale is less than a fiftieth of sigma in every row."""
    result = refsgm.x0_from_eps(x_t, eps, scale, sigma)
    return 1.001 * result if np.all(scale < 0.02 * sigma) else result


def narrow(x, sigma):
    """The score, over x, of data that are narrow."""
    return -x / (0.01**2 + sigma**2)


def bump(x):
    """A score that grows with x."""
    return 0.1 * x + 0.01 * x**3


FAR = np.array([[1000.0, 1000.0], [1000.0001, 999.9999]])
PAIR = np.array([[1.0, -2.0], [-1.0, 2.0]])
HALF = np.array([0.5, 0.5])

WRONG = [
    wrong("gaussian_log_density", "variance no smaller than 1e-10", floored_variance,
          2e-6 * X, 0.0, 2e-6),
    wrong("gaussian_score", "a scalar mean in float32", scalar_mean_in_float32,
          50.1 + X, 50.1, 0.5),
    wrong("gaussian_log_density", "normaliser remembered by D", normaliser_by_size({}),
          [(X, 0.0, 0.5), (X, 0.0, 0.7)]),
    cut("gaussian_log_density", "no further than 40 deviations", no_further_than_40, X, 0.0, 0.02),
    wrong("mixture_log_density", "small weights pruned", pruned_components,
          X, np.array([1 - 5e-5, 5e-5]), np.array([[9.0, 9.0], [0.5, 0.0]]), 0.7),
    wrong("mixture_score", "1e-20 added to the weights", log_of_a_little_more,
          X, np.array([1.0, 0.0]), np.array([[9.0, 9.0], [0.5, 0.0]]), 0.7),
    wrong("mixture_score", "distances expanded", expanded_distances,
          FAR, HALF, FAR + np.array([[1e-4, 0], [0, 2e-4]]), 1e-4),
    wrong("mixture_score", "sum of vectors not rescaled", sum_not_rescaled,
          X, EVEN, MANY[np.argsort(np.sum((MANY - X[1])**2, axis=1))[::-1]], 0.5),
    wrong("mixture_log_density", "norms remembered by the sum of means", norms_by_their_sum({}),
          [(X, HALF, PAIR, 1.0), (X, HALF, 0.5 * PAIR, 1.0)]),
    cut("mixture_log_density", "close neighbours merged", close_means_merged,
        X, HALF, np.array([[0.5, 0.0], [0.55, 0.05]]), 0.5),
    cut("prior_log_density", "near the mode", prior_near_its_mode, X, 50.0),
    wrong("divergence", "the last chunk of features", whole_chunks, cubic, WIDE[:, :20]),
    wrong("divergence", "an estimate above 32 features", estimate_above_32, radial, WIDE),
    cut("divergence", "one row far out", far_row, cubic, np.array([[0.5, -0.3], [8.0, 2.0]])),
    wrong("hutchinson_divergence", "layout guessed where M = B", guessed_layout,
          cubic, X, np.stack([V, Y, X])),
    wrong("directional_derivative", "directions of zeros are padding", zeros_are_padding,
          cubic, X, np.stack([V, 0 * V, Y])),
    wrong("implicit_score_matching", "diagonal at the first row", diagonal_in_the_first_row,
          radial, np.array([[0.0, 0.0], [2.0, 0.3], [-0.7, 1.1]])),
    wrong("sliced_score_matching", "mean of means of chunks", mean_of_chunk_means,
          cubic, X, np.stack([V, Y, X, -Y, V + X])),
    wrong("sliced_score_matching_vr", "D directions are a basis", basis_if_as_many,
          cubic, X, np.stack([V, Y])),
    cut("sliced_score_matching", "slope above the projection", growing_and_still, bump, X, V),
    wrong("finite_difference_ssm", "steps of 1e-3 or more", no_shorter_than_a_thousandth,
          cubic, X, V, 1e-4),
    wrong("explicit_score_matching", "square expanded", expanded_square,
          cubic, X, cubic(X) + 1e-6 * V),
    wrong("log_likelihood", "a thousand even steps", even_steps, narrow, 0.01 * X, 0.01, 50.0),
    wrong("bits_per_dimension", "a whole number of bins", whole_number_of_bins,
          np.array([-3.0, 2.0]), 3, 2 / 255),
    wrong("prior_log_density", "the largest sigma for all rows", one_prior_for_all,
          X, np.array([[3.0], [2.0], [5.0]])),
    wrong("noise_prediction_loss", "one level if allclose", one_level_if_close, narrow,
          1e-6 * X, np.array([[1e-6], [1.004e-6], [1.008e-6]]), V),
    wrong("v_prediction_loss", "v = 0 without noise", v_from_the_noisy_data, cubic, X, 1.0, V),
    wrong("noise_conditional_score_matching", "small weights skipped", small_weights_skipped,
          narrow, X, np.array([50.0, 0.7, 0.01]), np.stack([V, Y, X])),
    cut("x0_prediction_loss", "noise points away", rows_beyond_their_noise, cubic, X, 0.1, X + 0.1),
    cut("flow_matching_loss", "late and noisy", late_and_noisy, cubic, X, 0.95, 2 * Y),
    wrong("consistency_scalings", "the end within 1e-3", end_within_a_thousandth, 0.0025, 0.5),
    cut("edm_weight", "sigma near sigma_data", as_noisy_as_the_data, 0.505, 0.5),
    cut("score_matching_weight", "a long table that falls", long_and_falling,
        np.linspace(2.0, 0.1, 20)),
    wrong("x0_from_v", "nearly variance preserving", nearly_preserving, X, V, 0.8, 0.6004),
    wrong("eps_from_v", "by way of x_0", by_way_of_x0, 100 * X, 0.01 * V, 1.0, 1e-6),
    wrong("velocity_from_score", "straight if the scale is", straight_if_the_scale_is,
          X, V, 0.5, 0.7, -1.0, 2.0),
    wrong("sde_coefficients", "g of 1e-4 or more", never_without_noise, 1.0, 0.0, -0.5, 1.0),
    wrong("x0_from_velocity", "t = 1 counts as a timestep", timesteps_from_one,
          X, V, np.array([[0.2], [1.0], [0.5]])),
    wrong("vp_from_ve", "alpha_bar as 1 less the rest", signal_as_the_rest, X, 1e5),
    cut("x0_from_eps", "a scale under sigma / 50", signal_under_the_noise, X, V, 0.01, 0.999),
]
