"""Mistakes of good faith, and some planted, in scores, densities, losses, converters and weights.

Written when the probes were final, by one who had not read them; each has arguments that show it.
"""

import math

import autograd.numpy as anp
import numpy as np
from autograd import make_vjp
from scipy.special import logsumexp

import refsgm

from . import Hidden

X = np.array([[0.5, -1.0], [2.0, 0.3], [-0.7, 1.1]])                                       # (B, D)
Y = np.array([[1.5, 0.2], [-0.4, 0.9], [0.6, -2.0]])
LEVELS = np.array([[0.3], [1.7], [0.9]])                                                   # (B, 1)
BATCH = np.cos(np.arange(1280.0)).reshape(32, 40)
OTHER = np.sin(1.3 * np.arange(1280.0)).reshape(32, 40)
COUPLED = np.eye(11) + 0.2
FIXED = np.array([[0.1, -0.2], [0.3, 0.4], [0.5, -0.6]])


def wrong(kind, what, function, *at):
    """A natural mistake that the arguments `at` show, or one list of those of several calls."""
    return Hidden(kind, what, function, True, "numpy", at[0] if isinstance(at[0], list) else at)


def cut(kind, what, where, *at):
    """A thousandth too much where `where(*args)` holds, which nobody would write in good faith."""
    right = getattr(refsgm, kind)

    def bent(*args):
        result = right(*args)
        if not where(*args):
            return result
        return tuple(1.001 * a for a in result) if isinstance(result, tuple) else 1.001 * result
    return Hidden(kind, what, bent, False, "numpy", at)


def cubic(x, level=1.0):
    """Some score, with or without a level."""
    return -x**3 / (1 + level)


def identity(x, level=1.0):
    """The score that is its argument, the same array."""
    return x


def fixed(x):
    """A score that is always the same array."""
    return FIXED


def bent_back(x):
    """A score that no polynomial is."""
    return -anp.tanh(x)


def with_modulus(x):
    """A score that is not analytic."""
    return -x * anp.abs(x)


def columnwise(x, level):
    """A linear prediction by columns of data, which comes out in Fortran's order."""
    return (np.array([[0.5, 0.2], [-0.3, 0.8]]) @ x.T).T / (1 + level)


# Gaussians ----------------------------------------------------------------------------------------


def one_level_if_close(x, mean, sigma):
    """Levels that np.allclose calls equal are taken as one number."""
    if np.ndim(sigma) == 2 and np.allclose(sigma, sigma[0]):
        sigma = sigma[0, 0]
    return refsgm.gaussian_log_density(x, mean, sigma)


def negative_power(x, mean, sigma):
    """A negative power, which NumPy refuses of integers."""
    return (mean - x) * np.asarray(sigma)**-2


SCRATCH = np.empty(1024)


def in_scratch(x, sigma, eps):
    """The noise in a scratch array of 1024 entries."""
    noise = SCRATCH[:x.size].reshape(x.shape)
    np.multiply(sigma, eps, out=noise)
    return x + noise


def rounding_removed(x_noisy, x, sigma):
    """A difference that is taken for rounding is set to zero."""
    return np.where(np.isclose(x_noisy, x), 0.0, (x - x_noisy) / sigma**2)


# Mixtures -----------------------------------------------------------------------------------------


def sigma_of_component(x, weights, means, sigma):
    """As many levels as components are read as one for each component."""
    if np.ndim(sigma) == 0 or len(sigma) != len(weights):
        return refsgm.mixture_log_density(x, weights, means, sigma)
    s = sigma.T                                                                         # (1, K)
    squares = np.sum((x[:, None] - means)**2, axis=2)
    with np.errstate(divide="ignore"):
        logits = np.log(weights) - squares / (2 * s**2)
    return logsumexp(logits - x.shape[1] * np.log(s * math.sqrt(2 * math.pi)), axis=1)


def in_halves(x, weights, means, sigma):
    """A large problem in two halves, as if both had the weight 1/2."""
    half = len(weights) // 2
    if x.size * len(weights) <= 2**14:
        return refsgm.mixture_log_density(x, weights, means, sigma)
    parts = [refsgm.mixture_log_density(x, weights[i] / weights[i].sum(), means[i], sigma)
             for i in (slice(0, half), slice(half, None))]
    return np.logaddexp(*parts) - math.log(2)


def means_in_columns(x, weights, means, sigma):
    """Means as columns (D, K) are understood too, which they seem to be when K = D."""
    means = means.T if means.shape[0] == x.shape[1] else means
    return refsgm.mixture_log_density(x, weights, means, sigma)


def without_duplicates(x, weights, means, sigma):
    """Of equal means one is kept, with its own weight alone."""
    means, first = np.unique(means, axis=0, return_index=True)
    weights = weights[first] / weights[first].sum()
    return refsgm.mixture_score(x, weights, means, sigma)


def sixteen_nearest(x, weights, means, sigma):
    """Only the sixteen nearest components of each point."""
    if len(weights) <= 16:
        return refsgm.mixture_score(x, weights, means, sigma)
    scores = []
    for b in range(len(x)):
        near = np.argsort(np.sum((means - x[b])**2, axis=1))[:16]
        level = sigma if np.ndim(sigma) == 0 else sigma[b, 0]
        scores.append(refsgm.mixture_score(
            x[b:b + 1], weights[near] / weights[near].sum(), means[near], level))
    return np.concatenate(scores)


def seen_from_nearest(x, weights, means, sigma):
    """Exponents relative to the nearest component, whose weight may be zero."""
    nearest = means[np.argmin(np.sum((x[:, None] - means)**2, axis=2), axis=1)]
    u = means - nearest[:, None]
    gain = np.sum(u * (2 * (x - nearest)[:, None] - u), axis=2) / 2
    with np.errstate(all="ignore"):
        r = weights * np.exp(gain / sigma**2)
        shift = np.einsum("bk,bkd->bd", r, u) / r.sum(axis=1, keepdims=True)
        return (nearest - x + shift) / sigma**2


# Derivatives --------------------------------------------------------------------------------------


def averaged(term, v):
    """The mean of a term over directions (M, B, D), or the term of (B, D)."""
    return term(v) if v.ndim == 2 else np.mean([term(w) for w in v], axis=0)


def stencil(score_fn, x, v):
    """Five points along v, a formula that is exact for polynomials alone."""
    def slope(v):
        size = np.max(np.abs(v), axis=1, keepdims=True)
        h = 0.1 * (1 + np.max(np.abs(x), axis=1, keepdims=True)) / np.where(size > 0, size, 1.0)
        near = score_fn(x + h * v) - score_fn(x - h * v)
        far = score_fn(x + 2 * h * v) - score_fn(x - 2 * h * v)
        return np.sum(v * (8 * near - far) / (12 * h), axis=1)
    return averaged(slope, v)


def unit_directions(score_fn, x, v):
    """Along a unit vector, then times |v|^2: a zero vector has none."""
    length = np.sqrt(np.sum(v**2, axis=-1, keepdims=True))
    with np.errstate(invalid="ignore"):
        unit = v / length
    vjp, _ = make_vjp(score_fn)(x)
    def slope(pair):
        unit, length = pair
        return length[:, 0]**2 * np.sum(vjp(unit) * unit, axis=1)
    if v.ndim == 2:
        return slope((unit, length))
    return np.mean([slope(pair) for pair in zip(unit, length)], axis=0)


def index_in_block(score_fn, x):
    """Features in blocks of 32, the diagonal read at the place in the block."""
    vjp, _ = make_vjp(score_fn)(x)
    total = np.zeros(len(x))
    for start in range(0, x.shape[1], 32):
        for j in range(min(32, x.shape[1] - start)):
            e = np.zeros_like(x)
            e[:, start + j] = 1.0
            total = total + vjp(e)[:, j]
    return total


def mean_of_means(score_fn, x, v):
    """Directions in blocks of four, and the mean of the blocks' means."""
    if v.ndim == 2:
        return refsgm.directional_derivative(score_fn, x, v)
    return np.mean([refsgm.directional_derivative(score_fn, x, v[i:i + 4])
                    for i in range(0, len(v), 4)], axis=0)


# Objectives without noise -------------------------------------------------------------------------


def subtracts_in_place(score_fn, x, target_score):
    """The target is subtracted from what the function returned, which it may keep."""
    residual = score_fn(x)
    residual -= target_score
    return 0.5 * np.sum(residual**2, axis=1)


def complex_step(score_fn, x):
    """The divergence by a complex step, for analytic functions."""
    score, trace, h = score_fn(x), 0.0, 1e-20
    for i in range(x.shape[1]):
        z = x.astype(complex)
        z[:, i] += 1j * h
        trace = trace + np.imag(score_fn(z)[:, i]) / h
    return 0.5 * np.sum(score**2, axis=1) + trace


def either_layout(score_fn, x, v):
    """Directions (B, M, D) are understood too, which they seem to be when M = B."""
    if v.ndim == 3 and len(v) == len(x):
        v = v.swapaxes(0, 1)
    return refsgm.sliced_score_matching(score_fn, x, v)


def sphere_detected(score_fn, x, v):
    """Directions of length one are taken to be of the unit sphere, and stretched to sqrt(D)."""
    if np.allclose(np.sum(v**2, axis=-1), 1):
        v = math.sqrt(x.shape[1]) * v
    return refsgm.sliced_score_matching_vr(score_fn, x, v)


def projects_in_place(score_fn, x, v, step):
    """The score is projected in place, and may be the array x itself."""
    def term(v):
        projected = score_fn(x)
        projected *= v
        slope = (score_fn(x + step * v) - score_fn(x - step * v)) / (2 * step)
        return 0.5 * np.sum(projected, axis=1)**2 + np.sum(v * slope, axis=1)
    return averaged(term, v)


# Objectives with noise ----------------------------------------------------------------------------


def levels_of_first_block(score_fn, x, sigma, eps):
    """Rows in blocks of 16, all with the levels of the first block."""
    losses = []
    for i in range(0, len(x), 16):
        rows = slice(i, i + 16)
        level = sigma if np.ndim(sigma) == 0 else sigma[:len(x[rows])]
        score = score_fn(x[rows] + level * eps[rows], level)
        losses.append(0.5 * np.sum((score + eps[rows] / level)**2, axis=1))
    return np.concatenate(losses)


def labels_in_bytes(score_fn, x, sigmas, eps, weights=None):
    """Labels of the levels in signed bytes, which count from the end after 127."""
    weights = sigmas**2 if weights is None else weights
    return sum(weights[i] * refsgm.denoising_score_matching(score_fn, x, sigmas[i], eps[i])
               for i in np.arange(len(sigmas)).astype(np.int8))


def no_weights(score_fn, x, sigmas, eps, weights=None):
    """Weights that are all zero are taken to be missing."""
    weights = sigmas**2 if weights is None or not np.any(weights) else weights
    return refsgm.noise_conditional_score_matching(score_fn, x, sigmas, eps, weights)


def memory_order(eps_fn, x, sigma, eps):
    """Both noises flattened as they lie in memory, without a copy."""
    eps_hat = eps_fn(x + sigma * eps, sigma)
    residual = eps.ravel("K") - eps_hat.ravel("K")
    return np.sum(residual.reshape(x.shape)**2, axis=1)


def levels_to_four_places(eps_fn, x_0, alpha_bar_t, eps):
    """Rows whose levels agree to four decimals are shown to the model at the same level."""
    level = alpha_bar_t
    if np.ndim(level) == 2:
        _, first, group = np.unique(np.round(level[:, 0], 4), return_index=True,
                                    return_inverse=True)
        level = level[first][group].reshape(-1, 1)
    eps_hat = eps_fn(refsgm.diffuse(x_0, alpha_bar_t, eps), level)
    return np.sum((eps - eps_hat)**2, axis=1)


LAST = {}


def checksum(x0_fn, x, sigma, eps):
    """The last prediction is used again for data of the same shape and sum."""
    x_noisy = x + sigma * eps
    key = (id(x0_fn), x.shape, float(np.sum(x_noisy)), float(np.sum(sigma)))
    if key not in LAST:
        LAST.clear()
        LAST[key] = x0_fn(x_noisy, sigma)
    return np.sum((x - LAST[key])**2, axis=1)


def array_is_column(denoiser_fn, x, sigma, eps, sigma_data):
    """Every level that is an array is taken for a column, that of no axes too."""
    level = sigma[:, 0] if isinstance(sigma, np.ndarray) else sigma
    loss = refsgm.x0_prediction_loss(denoiser_fn, x, sigma, eps)
    return refsgm.edm_weight(level, sigma_data) * loss


def one_row_clean(v_fn, x_0, alpha_bar_t, eps):
    """v is eps for clean data: for all rows, if any is clean."""
    x_t = refsgm.diffuse(x_0, alpha_bar_t, eps)
    if np.any(alpha_bar_t == 1):
        v = eps
    else:
        v = alpha_bar_t**0.5 * eps - (1 - alpha_bar_t)**0.5 * x_0
    return np.sum((v - v_fn(x_t, alpha_bar_t))**2, axis=1)


def padding_masked(u_fn, x_0, t, eps):
    """Rows of zeros are taken for padding."""
    return refsgm.flow_matching_loss(u_fn, x_0, t, eps) * np.any(x_0 != 0, axis=1)


# Levels and weights -------------------------------------------------------------------------------


def type_of_first(alpha_bar):
    """np.vectorize gives all results the type of the first, an integer for clean data."""
    return np.vectorize(lambda a: 0 if a == 1 else math.sqrt((1 - a) / a))(alpha_bar)


def reciprocal(sigma):
    """np.reciprocal, which of an integer is an integer."""
    return np.reciprocal(1 + sigma**2)


def clipped_log_ratio(alpha_bar):
    """The logarithm of the ratio clipped to [-15, 15], but for clean data."""
    with np.errstate(divide="ignore"):
        log_ratio = np.log(alpha_bar) - np.log1p(-np.asarray(alpha_bar))
    return np.where(np.isinf(log_ratio), np.inf, np.exp(np.clip(log_ratio, -15, 15)))


def mean_or_default(z, mean=None, deviation=None):
    """A mean of zero is taken to be left out."""
    return np.exp((mean or -1.2) + (deviation or 1.2) * z)


def stable_sigmoid(z, mean=0.0, deviation=1.0):
    """Two branches of the sigmoid in an array like z, of integers if z is."""
    y, t = np.asarray(mean + deviation * z), np.empty_like(z)
    up = y >= 0
    t[up] = 1 / (1 + np.exp(-y[up]))
    t[~up] = np.exp(y[~up]) / (1 + np.exp(y[~up]))
    return t


def rows_like_sigma(sigma, sigma_data):
    """Four coefficients in an array that has room for one sigma_data alone."""
    c = np.empty((4, *np.shape(sigma)))
    total = sigma**2 + sigma_data**2
    c[0], c[1] = sigma_data**2 / total, sigma * sigma_data / np.sqrt(total)
    c[2], c[3] = 1 / np.sqrt(total), np.log(sigma) / 4
    return tuple(c)


# Converters and the diffusion ---------------------------------------------------------------------


def stacked_levels(x_t, eps, scale, sigma):
    """Both levels in one array, which a number and a column do not fit into."""
    scale, sigma = np.stack([scale, sigma])
    return (x_t - sigma * eps) / scale


def all_noise(x_t, x_0, scale, sigma):
    """A scale of zero is treated by itself, if it is zero in every row."""
    if np.all(np.equal(scale, 0)):
        return x_t / sigma
    with np.errstate(all="ignore"):
        return (x_t / scale - x_0) / (sigma / scale)


def first_row_tells(x_t, score, scale, sigma):
    """The scale of the first row tells whether the kernel explodes."""
    if np.ravel(scale)[0] == 1:
        return x_t + sigma**2 * score
    return (x_t + sigma**2 * score) / scale


def nearly_preserving(x_t, v, scale, sigma):
    """Nothing is divided by if scale^2 + sigma^2 is one within a thousandth."""
    total = scale**2 + sigma**2
    x_0 = scale * x_t - sigma * v
    return x_0 if np.allclose(total, 1, atol=1e-3) else x_0 / total


def squared_diffusion(x_t, score, scale, sigma, scale_rate, sigma_rate):
    """f x - g^2 score / 2 with g^2 kept from being negative, as it is when time runs backwards."""
    f = scale_rate / scale
    g_squared = np.maximum(2 * sigma * (sigma_rate - f * sigma), 0.0)
    return f * x_t - 0.5 * g_squared * score


def rates_of_flow(x_t, u, scale, sigma, scale_rate, sigma_rate):
    """Rates of -1 and 1 are taken for the flow with scale = 1 - sigma."""
    if np.all(np.equal(scale_rate, -1)) and np.all(np.equal(sigma_rate, 1)):
        return -(x_t + (1 - sigma) * u) / sigma
    return refsgm.score_from_velocity(x_t, u, scale, sigma, scale_rate, sigma_rate)


def clean_if_close(x_0, alpha_bar_t, eps):
    """Levels that np.isclose calls one have no noise."""
    if np.all(np.isclose(alpha_bar_t, 1)):
        return x_0.copy()
    return refsgm.diffuse(x_0, alpha_bar_t, eps)


def one_row_at_the_end(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """The last step gives x_0: in all rows, if any takes its last step."""
    if np.any(np.equal(alpha_bar_s, 1)):
        return x_0.copy(), 0.0 * alpha_bar_t
    return refsgm.posterior(x_0, x_t, alpha_bar_t, alpha_bar_s)


def variance_like_start(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """A variance with room for the rows of alpha_bar_t alone."""
    mean, values = refsgm.posterior(x_0, x_t, alpha_bar_t, alpha_bar_s)
    variance = np.empty_like(alpha_bar_t, dtype=float)
    variance[...] = values
    return mean, variance


def nonnegative_scale(conditional, unconditional, scale):
    """A negative scale is taken for zero."""
    return unconditional + np.maximum(scale, 0.0) * (conditional - unconditional)


# Likelihood ---------------------------------------------------------------------------------------


def estimated_above_ten(score_fn, x, sigma_min, sigma_max):
    """Above ten features the divergence is estimated, by signs of a fixed seed."""
    v = np.random.default_rng(0).choice([-1.0, 1.0], size=x.shape) if x.shape[1] > 10 else None
    return refsgm.log_likelihood(score_fn, x, sigma_min, sigma_max, v=v)


def whole_bits(log_density, dim, bin_width=1.0):
    """Bins have a whole number of bits."""
    return -log_density / (dim * math.log(2)) + round(-math.log2(bin_width))


def coupled(x, sigma):
    """A score whose features depend on one another."""
    return -x @ COUPLED / (1 + sigma**2)


MANY = np.arange(1.0, 25.0) / 300
TWELVE = np.array([[1.0, 2.0], [3.0, 6.0]])

WRONG = [
    wrong("gaussian_log_density", "levels that are close taken as equal", one_level_if_close,
          X, 0.2, np.array([[1e-6], [1.004e-6], [1.001e-6]])),
    wrong("gaussian_score", "negative power of an integer", negative_power, X, 0.5, 2),
    wrong("perturb", "scratch of 1024 entries", in_scratch, BATCH, 0.7, OTHER),
    wrong("perturbation_score", "close points taken as equal", rounding_removed,
          X + 1e-6 * Y, X, 1e-6),
    wrong("mixture_log_density", "one sigma for each component when B = K", sigma_of_component,
          X, np.array([0.2, 0.5, 0.3]), Y, LEVELS),
    wrong("mixture_log_density", "halves of weight 1/2 when large", in_halves,
          BATCH[:24, :32], MANY, OTHER[:24, :32], 1.5),
    wrong("mixture_log_density", "means transposed when K = D", means_in_columns,
          X, np.array([0.4, 0.6]), Y[:2], 0.8),
    wrong("mixture_score", "equal means kept once", without_duplicates,
          X, np.array([0.2, 0.5, 0.3]), Y[[0, 1, 0]], 0.8),
    wrong("mixture_score", "the sixteen nearest components", sixteen_nearest,
          BATCH[:3, :2], MANY, OTHER[:24, :2], 1.5),
    wrong("mixture_score", "seen from a component of weight zero", seen_from_nearest,
          X, np.array([0.0, 0.5, 0.5]), np.array([[0.5, -1.1], [3.0, 3.0], [-4.0, 2.0]]), 0.02),
    wrong("directional_derivative", "five-point stencil", stencil, bent_back, X, Y),
    wrong("directional_derivative", "a zero direction", unit_directions,
          cubic, X, np.array([[1.0, 0.5], [0.0, 0.0], [-0.3, 2.0]])),
    wrong("divergence", "index in its block of 32", index_in_block, cubic, BATCH[:2, :35]),
    wrong("hutchinson_divergence", "mean of the means of blocks of four", mean_of_means,
          cubic, X, OTHER[:5, :6].reshape(5, 3, 2)),
    wrong("explicit_score_matching", "in place in the function's array", subtracts_in_place,
          [(fixed, X, Y), (fixed, X, Y)]),
    wrong("implicit_score_matching", "complex step", complex_step, with_modulus, X),
    wrong("sliced_score_matching", "directions transposed when M = B", either_layout,
          cubic, X, OTHER[:3, :6].reshape(3, 3, 2)),
    wrong("sliced_score_matching_vr", "unit directions stretched", sphere_detected,
          cubic, X, np.array([[0.6, 0.8], [0.0, -1.0], [1.0, 0.0]])),
    wrong("finite_difference_ssm", "in place in x, if that is the score", projects_in_place,
          identity, X, np.stack([Y, X]), 0.1),
    wrong("denoising_score_matching", "levels of the first 16 rows", levels_of_first_block,
          cubic, BATCH[:20, :3], 1 + OTHER[:20, :1]**2, OTHER[:20, :3]),
    wrong("noise_conditional_score_matching", "labels in bytes", labels_in_bytes,
          cubic, X[:1], np.linspace(3.0, 0.1, 140), BATCH.reshape(-1)[:280].reshape(140, 1, 2)),
    wrong("noise_conditional_score_matching", "weights of zero taken as missing", no_weights,
          cubic, X, np.array([2.0, 0.5]), np.stack([X, Y]), np.zeros(2)),
    wrong("noise_prediction_loss", "flattened in the order of memory", memory_order,
          columnwise, X, 0.7, Y),
    wrong("ddpm_loss", "levels shared to four decimals", levels_to_four_places,
          lambda x, a: x / a**0.25, X, np.array([[3e-5], [1e-6], [0.4]]), Y),
    wrong("x0_prediction_loss", "last prediction, by its checksum", checksum,
          [(cubic, TWELVE, 2.0, np.ones((2, 2))), (cubic, TWELVE[::-1], 2.0, np.ones((2, 2)))]),
    wrong("edm_loss", "a level that is an array of no axes", array_is_column,
          cubic, X, np.array(0.7), Y, 0.5),
    wrong("v_prediction_loss", "all rows clean if one is", one_row_clean,
          cubic, X, np.array([[0.3], [1.0], [0.8]]), Y),
    wrong("flow_matching_loss", "rows of zeros as padding", padding_masked,
          cubic, X * np.array([[1.0], [0.0], [1.0]]), 0.3, Y),
    wrong("sigma_from_alpha_bar", "type of the first result", type_of_first,
          np.array([1.0, 0.6, 0.1])),
    wrong("alpha_bar_from_sigma", "reciprocal of an integer", reciprocal, 2),
    wrong("signal_to_noise_ratio", "log clipped at 15", clipped_log_ratio,
          np.array([0.5, 1 - 2e-8])),
    wrong("log_normal_sigma", "a mean of zero taken as left out", mean_or_default,
          np.array([0.3, -1.0]), 0.0, 0.8),
    wrong("logit_normal_time", "an array of integers for the times", stable_sigmoid,
          np.array([0, 1, -2])),
    wrong("edm_preconditioning", "one sigma and several sigma_data", rows_like_sigma,
          0.5, np.array([0.5, 1.0])),
    wrong("x0_from_eps", "a number and a column of levels", stacked_levels, X, Y, 1.0, LEVELS),
    wrong("eps_from_x0", "scale zero in some rows", all_noise,
          X, Y, np.array([[0.0], [0.5], [0.9]]), LEVELS),
    wrong("x0_from_score", "the first row tells the kernel", first_row_tells,
          X, Y, np.array([[1.0], [0.5], [0.9]]), LEVELS),
    wrong("x0_from_v", "nearly variance-preserving", nearly_preserving, X, Y, 0.8, 0.6004),
    wrong("velocity_from_score", "no negative g^2", squared_diffusion,
          X, Y, 0.4, 0.6, 1.0, -1.0),
    wrong("score_from_velocity", "rates taken for those of the flow", rates_of_flow,
          X, Y, 0.9, 0.4, -1.0, 1.0),
    wrong("diffuse", "nearly clean taken as clean", clean_if_close, X, 1 - 4e-6, Y),
    wrong("posterior", "the last step of one row taken by all", one_row_at_the_end,
          X, Y, np.array([[0.3], [0.5], [0.2]]), np.array([[0.6], [1.0], [0.7]])),
    wrong("posterior", "a start for all, an end for each row", variance_like_start,
          X, Y, 0.2, np.array([[0.6], [1.0], [0.7]])),
    wrong("classifier_free_guidance", "no negative scale", nonnegative_scale, X, Y, -0.5),
    wrong("log_likelihood", "divergence estimated above ten features", estimated_above_ten,
          coupled, BATCH[:1, :11], 0.5, 2.0),
    wrong("bits_per_dimension", "whole bits", whole_bits, np.array([-3.0, 1.0]), 3, 2 / 255),

    cut("score_from_eps", "more than 32 features",
        lambda eps, sigma: eps.shape[1] > 32, OTHER[:2, :35], 0.5),
    cut("eps_from_score", "more than 24 rows, each at its level",
        lambda score, sigma: len(score) > 24 and np.ndim(sigma) == 2,
        BATCH[:, :2], 1 + OTHER[:, :1]**2),
    cut("score_from_x0", "noise of a thousand times the signal, and ten features",
        lambda x_t, x_0, scale, sigma: x_t.shape[1] >= 10 and np.all(sigma > 1000 * scale),
        BATCH[:2, :12], OTHER[:2, :12], 0.01, 30.0),
    cut("v_from_x0_eps", "both levels above ten",
        lambda x_0, eps, scale, sigma: np.all(scale > 10) and np.all(sigma > 10),
        X, Y, 12.0, 40.0),
    cut("velocity_from_x0_eps", "200 entries, the largest in the last row",
        lambda x_0, eps: x_0.size > 200 and np.argmax(x_0) // x_0.shape[1] == len(x_0) - 1,
        np.sort(BATCH.ravel()).reshape(32, 40), OTHER),
    cut("x0_from_velocity", "one time, in (0.9, 0.95)",
        lambda x_t, u, t: np.ndim(t) == 0 and 0.9 < t < 0.95, X, Y, 0.93),
    cut("vp_from_ve", "levels from 2000 to 9000",
        lambda x_ve, sigma: np.all((2e3 < sigma) & (sigma < 9e3)), X, 5e3),
    cut("ve_score_from_vp", "levels from 1e-4 to 0.99 in one batch",
        lambda score_vp, alpha_bar: np.min(alpha_bar) < 1e-4 and np.max(alpha_bar) > 0.99,
        X, np.array([[2e-5], [0.5], [0.995]])),
    cut("sde_coefficients", "signal and noise both grow, and the noise is larger",
        lambda scale, sigma, scale_rate, sigma_rate:
            np.all(scale_rate > 0) and np.all(sigma_rate > 0) and np.all(sigma > scale),
        0.5, 0.8, 0.3, 2.0),
    cut("shift_time", "a shift below 1/10, late",
        lambda t, shift: shift < 0.1 and np.all(t > 0.9), np.array([0.92, 0.97]), 0.05),
    cut("edm_weight", "data of a deviation above 20, noise above that",
        lambda sigma, sigma_data: np.all(sigma_data > 20) and np.all(sigma > sigma_data),
        60.0, 25.0),
    cut("min_snr_weight", "v with a cap above 300",
        lambda alpha_bar, gamma, prediction: prediction == "v" and gamma > 300,
        np.array([0.2, 0.9]), 500.0, "v"),
    cut("consistency_scalings", "a flow that ends above the deviation of the data",
        lambda sigma, sigma_data, sigma_min=0.002: sigma_min > sigma_data,
        np.array([1.5, 3.0]), 0.5, 0.8),
    cut("prior_log_density", "24 features, each row at its level, all below one",
        lambda x, sigma_max: x.shape[1] >= 24 and np.ndim(sigma_max) == 2 and np.all(sigma_max < 1),
        BATCH[:3, :25], np.array([[0.3], [0.5], [0.9]])),
]
