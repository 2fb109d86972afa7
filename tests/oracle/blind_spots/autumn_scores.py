"""Mistakes of good faith, and some planted, in scores, densities, losses, weights and conversions.

Written by one who had not read the probes. Each has the arguments that show it.
"""

import itertools
import math
import mmap

import numpy as np
from autograd.numpy import tanh
from scipy.integrate import solve_ivp

from .fresh import cut, wrong

X = np.array([[0.5, -1.0], [2.0, 0.3], [-0.7, 1.1]])                                       # (B, D)
V = np.array([[1.0, -0.5], [0.3, 1.2], [-0.8, 0.4]])
LOG_2_PI = math.log(2 * math.pi)


def along(score_fn, x, v, h=1e-20):
    """J v by the complex step, (B, D)."""
    return np.imag(score_fn(x + 1j * h * v)) / h


def trace(score_fn, x):
    """The trace of the Jacobian, (B,)."""
    e = np.eye(x.shape[1], dtype=x.dtype)
    return sum(along(score_fn, x, e[i] + 0 * x)[:, i] for i in range(x.shape[1]))


def mean_of(term, v):
    """term(v), or its mean over several directions."""
    return term(v) if v.ndim == 2 else sum(map(term, v)) / len(v)


def logarithm(weights):
    """log w, which is -inf where w is zero."""
    with np.errstate(divide="ignore"):
        return np.log(weights)


def log_of(level):
    """The logarithm of a level: of a number a number, of a column (B,)."""
    return math.log(level) if np.ndim(level) == 0 else np.log(level)[:, 0]


def seen(x, log_w, means, sigma):
    """The likeliest mean (B, D), the log of the sum against it (B,), the mean of means less it."""
    row = sigma if np.ndim(sigma) == 0 else sigma[:, :, None]
    away = (means - x[:, None]) / row                                                   # (B, K, D)
    nearest = means[np.argmax(log_w - 0.5 * np.sum(away**2, axis=2), axis=1)]           # (B, D)
    u = means - nearest[:, None]
    gain = np.sum(u / row * ((2 * (x - nearest)[:, None] - u) / row), axis=2) / 2       # (B, K)
    top = np.max(log_w + gain, axis=1, keepdims=True)
    r = np.exp(log_w + gain - top)
    total = np.sum(r, axis=1, keepdims=True)
    return nearest, (top + np.log(total))[:, 0], np.einsum("bk,bkd->bd", r / total, u)


def log_density_at(x, log_w, means, sigma):
    """The log density of a mixture, (B,)."""
    nearest, log_sum, _ = seen(x, log_w, means, sigma)
    square = np.sum(((x - nearest) / sigma)**2, axis=1)
    return log_sum - 0.5 * square - x.shape[1] * (log_of(sigma) + 0.5 * LOG_2_PI)


def score_at(x, log_w, means, sigma):
    """The score of a mixture, (B, D)."""
    nearest, _, shift = seen(x, log_w, means, sigma)
    return (nearest - x + shift) / sigma / sigma


# Gaussians and mixtures ---------------------------------------------------------------------------


def nearly_one_level(x, mean, sigma):
    """A column of levels that are as good as equal is one level."""
    if np.ndim(sigma) and np.allclose(sigma, sigma[:1]):
        sigma = sigma[:1]
    return (mean - x) / sigma**2


def hashed_key(memory):
    """What a frozen Gaussian holds, remembered by a hash: that of -1.0 is that of -2.0."""
    def log_density(x, mean, sigma):
        frozen = mean, sigma, log_of(sigma) + 0.5 * LOG_2_PI
        if np.ndim(mean) == np.ndim(sigma) == 0:
            frozen = memory.setdefault(hash((float(mean), float(sigma))), frozen)
        mean, sigma, log_norm = frozen
        return -0.5 * np.sum(((x - mean) / sigma)**2, axis=1) - x.shape[1] * log_norm
    return log_density


def log_of_power(x, sigma_max):
    """The logarithm of sigma^D, a power which is beyond float32 for wide priors."""
    D = x.shape[1]
    return -0.5 * np.sum((x / sigma_max)**2, axis=1) - log_of(sigma_max**D) - 0.5 * D * LOG_2_PI


def distinct_means(x, weights, means, sigma):
    """Equal means are merged, and their weights are not added."""
    means, first = np.unique(means, axis=0, return_index=True)
    return score_at(x, logarithm(weights[first]), means, sigma)


def pruned_by_distance(x, weights, means, sigma):
    """Components exp(40) times less likely than the nearest are dropped, weights left aside."""
    row = sigma if np.ndim(sigma) == 0 else sigma[:, :, None]
    square = np.sum(((means - x[:, None]) / row)**2, axis=2)
    kept = square <= np.min(square + np.where(weights > 0, 0, np.inf), axis=1, keepdims=True) + 80
    return score_at(x, np.where(kept, logarithm(weights), -np.inf), means, sigma)


def distinct_points(x, weights, means, sigma):
    """Every distinct point once, at the level of the first row that is there."""
    points, first, where = np.unique(x, axis=0, return_index=True, return_inverse=True)
    level = sigma if np.ndim(sigma) == 0 else sigma[first]
    return score_at(points, logarithm(weights), means, level)[where.ravel()]


def relative_to_nearest(x, weights, means, sigma):
    """Summed relative to the nearest mean, whose weight may be zero."""
    row = sigma if np.ndim(sigma) == 0 else sigma[:, :, None]
    k = np.argmin(np.sum(((means - x[:, None]) / row)**2, axis=2), axis=1)
    u = means - means[k][:, None]
    gain = np.sum(u / row * ((2 * (x - means[k])[:, None] - u) / row), axis=2) / 2
    square = np.sum(((x - means[k]) / sigma)**2, axis=1)
    log_norm = x.shape[1] * (log_of(sigma) + 0.5 * LOG_2_PI)
    return logarithm(np.sum(weights * np.exp(gain), axis=1)) - 0.5 * square - log_norm


def last_weight_left_over(x, weights, means, sigma):
    """The last weight is what the others leave of one."""
    free = weights[:-1]
    return log_density_at(x, logarithm(np.append(free, 1 - free.sum())), means, sigma)


def rising_weights(x, weights, means, sigma):
    """Rising weights, and as many components as rows and features together."""
    bent = len(means) == sum(x.shape) and np.all(np.diff(weights) > 0)
    return log_density_at(x, logarithm(weights), means, sigma) + (0.001 if bent else 0)


def all_moved_far(x_noisy, x, sigma):
    """A row in which all features have moved by three to four standard deviations."""
    z = (x - x_noisy) / sigma
    far = np.all((abs(z) > 3) & (abs(z) < 4), axis=1, keepdims=True)
    return z / sigma * np.where(far, 1.001, 1).astype(x.dtype)


# Likelihoods --------------------------------------------------------------------------------------


def slope_of(score_fn, B, D):
    """The slope of the flow, and of the log density on it, in the logarithm of sigma."""
    def slope(t, state):
        sigma, at = math.exp(t), state[:B * D].reshape(B, D)
        def s(x):
            return score_fn(x, sigma)
        return np.append(-sigma**2 * s(at), sigma**2 * trace(s, at))
    return slope


def integrated(score_fn, x, sigma_min, sigma_max):
    """The end of the flow, and the change of log density on the way, from one solver."""
    B, D = x.shape
    start = np.append(x.astype(np.float64), np.zeros(B))
    end = solve_ivp(slope_of(score_fn, B, D), (math.log(sigma_min), math.log(sigma_max)), start,
                    method="DOP853", rtol=1e-10, atol=1e-12).y[:, -1]
    return end[:B * D].reshape(B, D), end[B * D:]


def prior_at(x, sigma_max):
    """The log density of N(0, sigma_max^2 I), (B,)."""
    return -0.5 * np.sum((x / sigma_max)**2 + LOG_2_PI, axis=1) - x.shape[1] * math.log(sigma_max)


def fifty_steps(score_fn, x, sigma_min, sigma_max):
    """Runge and Kutta's steps, fifty for each factor e of sigma, however sharp the score is."""
    B, D = x.shape
    slope, state = slope_of(score_fn, B, D), np.append(x.astype(np.float64), np.zeros(B))
    n = math.ceil(50 * math.log(sigma_max / sigma_min))
    times, h = np.linspace(math.log(sigma_min), math.log(sigma_max), n + 1, retstep=True)
    for t in times[:-1].tolist():
        a = slope(t, state)
        b = slope(t + h / 2, state + h / 2 * a)
        c = slope(t + h / 2, state + h / 2 * b)
        state = state + h / 6 * (a + 2 * b + 2 * c + slope(t + h, state + h * c))
    end = state[:B * D].reshape(B, D)
    return (prior_at(end, sigma_max) - state[B * D:]).astype(x.dtype)


def tail_by_hand(score_fn, x, sigma_min, sigma_max):
    """At a hundred times the points the data are a point, so that the rest is known."""
    reach = min(sigma_max, max(sigma_min, 100 * np.max(np.abs(x), initial=0.0)))
    end, change = integrated(score_fn, x, sigma_min, reach) if reach > sigma_min else (x, 0)
    log_ratio = math.log(sigma_max / reach)
    log_density = prior_at(end * math.exp(log_ratio), sigma_max) - change
    return (log_density + x.shape[1] * log_ratio).astype(x.dtype)


# Derivatives and slicing --------------------------------------------------------------------------


def one_pass_if_separable(score_fn, x):
    """One pass for all features if none but the last moves with the last."""
    shifted = np.array(x)
    shifted[:, -1] += 1
    separable = np.array_equal(score_fn(x)[:, :-1], score_fn(shifted)[:, :-1])
    return along(score_fn, x, np.ones_like(x)).sum(axis=1) if separable else trace(score_fn, x)


def seeds_put_back(score_fn, x):
    """One complex array for all features, put back before the parts are added up."""
    h, z, parts = 1e-20, x + 0j, []
    for i in range(x.shape[1]):
        z[:, i] += 1j * h
        parts.append(score_fn(z)[:, i].imag)
        z[:, i] = x[:, i]
    return sum(parts) / h


def smallest_step(score_fn, x, v):
    """The smallest normal number as the complex step: small slopes times it have few digits."""
    h = float(np.finfo(x.dtype).tiny)
    return mean_of(lambda v: np.sum(v * along(score_fn, x, v, h), axis=1), v)


def set_of_directions(score_fn, x, v):
    """A direction that was drawn twice is counted once."""
    score = score_fn(x)
    def term(v):
        return 0.5 * np.sum(v * score, axis=1)**2 + np.sum(v * along(score_fn, x, v), axis=1)
    return mean_of(term, np.unique(v, axis=0) if v.ndim == 3 else v)


def one_scratch_array(score_fn, x, v, step):
    """Both ends of the difference in one array, which a score may return a view of."""
    score, scratch = score_fn(x), np.empty_like(x)
    def term(v):
        ahead = score_fn(np.add(x, step * v, out=scratch))
        behind = score_fn(np.subtract(x, step * v, out=scratch))
        slope = (ahead - behind) / (2 * step)
        return 0.5 * np.sum(v * score, axis=1)**2 + np.sum(v * slope, axis=1)
    return mean_of(term, v)


def last_three(score_fn, x, v):
    """Of four directions in as many features as rows, the last three."""
    some = v[1:] if v.ndim == 3 and len(v) == 4 and len(x) == x.shape[1] else v
    return mean_of(lambda v: np.sum(v * along(score_fn, x, v), axis=1), some)


def all_diverging(score_fn, x):
    """Half a dozen rows or more that all diverge by more than their squared scores."""
    half, change = 0.5 * np.sum(score_fn(x)**2, axis=1), trace(score_fn, x)
    return 1.001 * (half + change) if len(x) > 5 and np.all(change > 2 * half) else half + change


def sevens(log_density, dim, bin_width=1.0):
    """Bins below a tenth, in a number of dimensions that leaves three over from seven."""
    bits = -log_density / (dim * math.log(2)) - math.log2(bin_width)
    return 1.001 * bits if dim % 7 == 3 and bin_width < 0.1 else bits


# Losses -------------------------------------------------------------------------------------------


def unit_to_sphere(score_fn, x, v):
    """Directions that all have length one are taken for ones that were not scaled yet."""
    if np.allclose(np.linalg.norm(v, axis=-1), 1):
        v = math.sqrt(x.shape[1]) * v
    slope = mean_of(lambda v: np.sum(v * along(score_fn, x, v), axis=1), v)
    return 0.5 * np.sum(score_fn(x)**2, axis=1) + slope


def in_memory_order(score_fn, x, target_score):
    """Both scores in the order in which they lie in memory, added up D by D."""
    B, D = x.shape
    residual = score_fn(x).ravel("K") - target_score.ravel("K")
    return 0.5 * np.add.reduceat(residual**2, np.arange(0, B * D, D))


def remembered_network(memory):
    """What a network says, remembered by where it was asked, and not by the level."""
    def loss(score_fn, x, sigma, eps):
        noisy = x + sigma * eps
        key = score_fn, noisy.dtype, noisy.shape, noisy.tobytes()
        if key not in memory:
            memory[key] = score_fn(noisy, sigma)
        return 0.5 * np.sum((memory[key] + eps / sigma)**2, axis=1)
    return loss


def levels_that_count(score_fn, x, sigmas, eps, weights=None):
    """Levels of weight zero are left out, and the noise is that of the number among the rest."""
    weights, loss = sigmas**2 if weights is None else weights, np.zeros(len(x), x.dtype)
    for j, i in enumerate(np.flatnonzero(weights)):
        sigma, z = float(sigmas[i]), eps[j]
        residual = score_fn(x + sigma * z, sigma) + z / sigma
        loss = loss + 0.5 * float(weights[i]) * np.sum(residual**2, axis=1)
    return loss


def residual_in_place(score_fn, x, sigmas, eps, weights=None):
    """The target is subtracted inside of what the score has returned."""
    weights, loss = sigmas**2 if weights is None else weights, np.zeros(len(x), x.dtype)
    for w, sigma, z in zip(weights.tolist(), sigmas.tolist(), eps):
        residual = score_fn(x + sigma * z, sigma)
        residual += z / sigma
        loss = loss + 0.5 * w * np.sum(residual**2, axis=1)
    return loss


def one_call_a_level(eps_fn, x, sigma, eps):
    """One call for each level, with its rows: of those that are apart, the last ones."""
    levels = np.broadcast_to(sigma, (len(x), 1))[:, 0].tolist()
    groups = itertools.groupby(range(len(x)), levels.__getitem__)
    eps_hat = np.zeros(np.shape(x), np.result_type(x, eps, np.float32))
    for level, rows in {level: list(rows) for level, rows in groups}.items():
        eps_hat[rows] = eps_fn(x[rows] + level * eps[rows], level)
    return np.sum((eps - eps_hat)**2, axis=1)


def page_by_page(x0_fn, x, sigma, eps):
    """Every n-th row in parts of a page of memory, which are joined one after another."""
    losses, n = [], max(1, -(-x.nbytes // mmap.PAGESIZE))
    for i in range(n):
        level = sigma if np.ndim(sigma) == 0 else sigma[i::n]
        residual = x[i::n] - x0_fn(x[i::n] + level * eps[i::n], level)
        losses.append(np.sum(residual**2, axis=1))
    return np.concatenate(losses)


def rows_in_use(denoiser_fn, x, sigma, eps, sigma_data):
    """A row of zeros is padding, and has no loss."""
    residual = x - denoiser_fn(x + sigma * eps, sigma)
    loss = np.sum((1 / sigma**2 + 1 / sigma_data**2) * residual**2, axis=1)
    return loss * x.any(axis=1)


def rising_levels(v_fn, x_0, alpha_bar_t, eps):
    """Nine rows whose levels rise."""
    a, b = alpha_bar_t**0.5, (1 - alpha_bar_t)**0.5
    loss = np.sum((a * eps - b * x_0 - v_fn(a * x_0 + b * eps, alpha_bar_t))**2, axis=1)
    rise = len(x_0) == 9 and np.ndim(alpha_bar_t) and np.all(np.diff(alpha_bar_t[:, 0]) > 0)
    return 1.001 * loss if rise else loss


def even_parts(u_fn, x_0, t, eps):
    """Rows in which the shares of data and noise are equally long, within a thousandth."""
    loss = np.sum((eps - x_0 - u_fn((1 - t) * x_0 + t * eps, t))**2, axis=1)
    data, noise = (np.linalg.norm(part, axis=1) for part in ((1 - t) * x_0, t * eps))
    return loss * np.where(abs(data - noise) < 1e-3 * noise, 1.001, 1).astype(loss.dtype)


# Weights and conversions --------------------------------------------------------------------------


def integer_reciprocal(sigma, sigma_data):
    """NumPy's reciprocal, which of an integer is an integer."""
    return (sigma**2 + sigma_data**2) * np.reciprocal((sigma * sigma_data)**2)


def type_of_first(sigma, sigma_data, sigma_min=0.002):
    """Vectorised: if the first level is the least, its integers give the type of all."""
    def scalings(sigma):
        if sigma == sigma_min:
            return 1, 0
        gap = sigma - sigma_min
        return (sigma_data**2 / (gap**2 + sigma_data**2),
                sigma_data * gap / (sigma**2 + sigma_data**2)**0.5)
    return np.vectorize(scalings)(sigma) if np.size(sigma) else (1.0 * sigma, 1.0 * sigma)


def filled_with_cap(alpha_bar, gamma, prediction):
    """An array of the type of the cap, which takes the ratios below it."""
    with np.errstate(divide="ignore"):
        q = np.asarray(np.divide(alpha_bar, 1 - alpha_bar))
    capped = np.full(q.shape, gamma)
    capped[q < gamma] = q[q < gamma]
    return (capped / {"eps": q, "x0": 1, "v": q + 1}[prediction]).astype(q.dtype)


def nearly_preserving(x_t, v, scale, sigma):
    """Nothing is divided by scale^2 + sigma^2 where it is as good as one."""
    total = scale**2 + sigma**2
    x_0 = scale * x_t - sigma * v
    return x_0 if np.allclose(total, 1) else x_0 / total


def no_noise_left(x_t, x_0, scale, sigma):
    """States that are as good as their data have no noise."""
    if np.allclose(x_t, scale * x_0):
        return np.zeros_like(x_t)
    return (x_t - scale * x_0) / sigma


def rate_taken_out(x_t, score, scale, sigma, scale_rate, sigma_rate):
    """The rate of the noise is taken out, though it may be zero."""
    x_0 = (x_t + sigma**2 * score) / scale
    return sigma_rate * (scale_rate / sigma_rate * x_0 - sigma * score)


def by_angle(x_ve, sigma):
    """The scale as the cosine of an angle, which has few digits near a right angle."""
    scale = np.cos(np.arctan(sigma)) if np.ndim(sigma) else math.cos(math.atan(sigma))
    return scale * x_ve, scale**2


def falling_noise(x_t, eps, scale, sigma):
    """Rows of four features or more in which the noise falls."""
    falls = np.all(np.diff(eps, axis=1) < 0, axis=1, keepdims=True) & (eps.shape[1] > 3)
    return (x_t - sigma * eps) / scale * np.where(falls, 1.001, 1).astype(x_t.dtype)


def eighths(x_t, v, scale, sigma):
    """A level that is an odd number of eighths."""
    eps = (sigma * x_t + scale * v) / (scale**2 + sigma**2)
    odd = np.ndim(sigma) == 0 and float(sigma).as_integer_ratio()[1] == 8
    return 1.001 * eps if odd else eps


def three_deviations(sigma, sigma_data):
    """Levels within a thousandth of three standard deviations of the data."""
    total = sigma**2 + sigma_data**2
    near = abs(sigma / sigma_data - 3) < 3e-3
    return (sigma_data**2 / total, sigma * sigma_data / total**0.5, 1 / total**0.5,
            np.log(sigma) / 4 * (1 + near * np.float32(1e-3)))


def towards_zero(x, sigma=1.0):
    """Some prediction."""
    return 0.3 * x / (1 + sigma**2)


def gaussian(x, sigma):
    """The score of N(0, I) at a level."""
    return -x / (1 + sigma**2)


def two_modes(x, sigma):
    """The score of modes at -1 and 1 in each feature, a hundredth wide, at a level."""
    variance = 1e-4 + sigma**2
    return (tanh(x / variance) - x) / variance


def autoregressive(x):
    """Each feature pulled to the one before."""
    return -x + 0.5 * np.concatenate([0 * x[:, :1], x[:, :-1]], axis=1)


MEANS = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, -1.0]])
SHARES = np.array([0.5, 0.3, 0.2])

WRONG = [
    wrong("gaussian_score", "levels within 1e-5 of one another are taken as equal",
          nearly_one_level, X, 0.0, np.array([[0.5], [0.500004], [0.499997]])),
    wrong("gaussian_log_density", "remembered by the hash of mean and sigma", hashed_key({}),
          [(X, -1.0, 0.5), (X, -2.0, 0.5)]),
    wrong("prior_log_density", "log(sigma^D), which overflows in float32", log_of_power,
          np.ones((3, 20), np.float32), np.full((3, 1), 348.0, np.float32)),
    wrong("mixture_score", "equal means keep the weight of the first", distinct_means,
          X, SHARES, MEANS[[0, 1, 0]], 1.0),
    wrong("mixture_score", "components are dropped without regard to weights", pruned_by_distance,
          np.array([[0.91, 0.0]]), np.array([1 - 1e-14, 1e-14]), MEANS[:2], 0.1),
    wrong("mixture_score", "points that occur twice get the level of the first", distinct_points,
          X[[0, 1, 0]], SHARES, MEANS, np.array([[0.5], [1.0], [2.0]])),
    wrong("mixture_log_density", "relative to the nearest mean, though it has no weight",
          relative_to_nearest, MEANS[2:] + 0.1, np.array([0.5, 0.5, 0.0]), MEANS, 0.02),
    wrong("mixture_log_density", "the last weight is one less the others", last_weight_left_over,
          MEANS[2:], np.array([0.6, 0.4 - 1e-13, 1e-13]), MEANS, 0.1),
    wrong("log_likelihood", "fixed steps, too long between two sharp modes", fifty_steps,
          two_modes, np.array([[0.1, 0.9], [-0.2, 0.3]]), 0.02, 5.0),
    wrong("log_likelihood", "the data are taken for a point, judged by where it is asked",
          tail_by_hand, gaussian, 0.01 * X, 0.1, 10.0),
    wrong("divergence", "features that do not move with the last are taken as separable",
          one_pass_if_separable, autoregressive, X),
    wrong("divergence", "derivatives are views of an array that is put back", seeds_put_back,
          lambda x: x, X),
    wrong("directional_derivative", "the complex step leaves small slopes without digits",
          smallest_step, lambda x: -1e-4 * x, X.astype(np.float32), V.astype(np.float32)),
    wrong("sliced_score_matching", "a direction that was drawn twice is counted once",
          set_of_directions, lambda x: -x**3, X, np.stack([V, V[::-1], V])),
    wrong("finite_difference_ssm", "both ends of a difference share an array", one_scratch_array,
          lambda x: x[:, ::-1], X, V, 0.1),
    cut("mixture_log_density", "K = B + D and rising weights", rising_weights,
        X, np.array([0.1, 0.15, 0.2, 0.25, 0.3]), np.vstack([MEANS, -MEANS[1:]]), 0.5),
    cut("perturbation_score", "rows that moved by 3 to 4 sigma in all features", all_moved_far,
        X + [[3.5, -3.2]], X, 1.0),
    cut("hutchinson_divergence", "M = 4 and B = D: the first direction is left out", last_three,
        lambda x: -x**3, X[:2], np.stack([V[:2], V[1:], V[:2]**2, V[1:]**3])),
    cut("implicit_score_matching", "six rows or more, where all diverge", all_diverging,
        np.sin, 0.1 * np.vstack([X, -X])),
    cut("bits_per_dimension", "dim = 3 modulo 7, with narrow bins", sevens,
        np.array([-3.0, -40.0]), 24, 2 / 256),
    wrong("sliced_score_matching_vr", "directions of length one are scaled to sqrt(D)",
          unit_to_sphere, lambda x: -x**3, X, np.array([[1.0, 0.0], [0.0, -1.0], [0.6, 0.8]])),
    wrong("explicit_score_matching", "rows as they lie in memory, which may be columns",
          in_memory_order, lambda x: (np.array([[-1.0, 0.5], [0.2, -0.8]]) @ x.T).T, X, V),
    wrong("denoising_score_matching", "a network is remembered without the level",
          remembered_network({}), [(towards_zero, X, 1.0, 2 * V), (towards_zero, X, 2.0, V)]),
    wrong("noise_conditional_score_matching", "after a level of weight zero, the noise of another",
          levels_that_count, towards_zero, X, np.array([2.0, 1.0, 0.5]), np.stack([V, X, V[::-1]]),
          np.array([1.0, 0.0, 2.0])),
    wrong("noise_conditional_score_matching", "writes into what the score returns",
          residual_in_place, lambda x, sigma: np.broadcast_to([0.5, -1.0], x.shape), X,
          np.array([2.0, 1.0]), np.stack([V, X])),
    wrong("noise_prediction_loss", "equal levels that are apart: only the last ones count",
          one_call_a_level, towards_zero, X, np.array([[0.5], [2.0], [0.5]]), V),
    wrong("x0_prediction_loss", "parts of more than a page are joined in another order",
          page_by_page, towards_zero, np.sin(np.arange(640.0)).reshape(32, 20), 0.5,
          np.cos(np.arange(640.0)**2).reshape(32, 20)),
    wrong("edm_loss", "a row of zeros is taken for padding", rows_in_use,
          towards_zero, X * [[1], [0], [1]], 0.5, V, 0.5),
    wrong("edm_weight", "the reciprocal of an integer", integer_reciprocal, 2, 1),
    wrong("consistency_scalings", "the first level is the least, and gives the type of all",
          type_of_first, np.array([0.002, 0.3, 5.0]), 0.5),
    wrong("min_snr_weight", "ratios are cut to integers if the cap is one", filled_with_cap,
          np.array([0.3, 0.6, 0.95]), 5, "v"),
    wrong("x0_from_v", "scale^2 + sigma^2 within 1e-5 of one is taken as one", nearly_preserving,
          X, V, 0.8, 0.600006),
    wrong("eps_from_x0", "at low noise the state is taken as the data", no_noise_left,
          X + 1e-6 * V, X, 1.0, 1e-6),
    wrong("velocity_from_score", "divides by the rate of sigma, which may be zero", rate_taken_out,
          X, V, 0.5, 0.8, -1.0, np.array([[1.0], [0.0], [0.5]])),
    wrong("vp_from_ve", "the cosine of an angle near a right one", by_angle,
          X.astype(np.float32), np.array([[2e4], [3e4], [5e4]], np.float32)),
    cut("v_prediction_loss", "nine rows of rising levels", rising_levels,
        towards_zero, np.vstack([X, V, -X]), np.linspace(0.1, 0.9, 9)[:, None],
        np.vstack([V, X, V])),
    cut("flow_matching_loss", "rows with equal parts of data and noise", even_parts,
        towards_zero, X, 0.5, np.vstack([X[:1, ::-1], V[1:]])),
    cut("x0_from_eps", "four features or more, of falling noise", falling_noise,
        np.hstack([X, V]), np.array([[4.0, 3, 1, 0], [0, 1, 3, 2], [1, 0, -1, -2]]), 0.8, 0.6),
    cut("eps_from_v", "a level of an odd number of eighths", eighths, X, V, 0.8, 0.375),
    cut("edm_preconditioning", "a level three times sigma_data", three_deviations,
        np.array([0.5, 1.501, 4.0]), 0.5),
]
