"""Mistakes of good faith, and some planted, over nearly all kinds.

Written when the probes were final, by one who had not read them.
"""

import functools
import math

import numpy as np
from autograd import make_vjp
from scipy.special import logsumexp

import refsgm

from . import Hidden
from .fresh import generator


def normal(*shape, seed=0):
    """Standard normal numbers of a shape."""
    return np.random.default_rng(seed).standard_normal(shape)


def column(*levels):
    """Levels (B, 1)."""
    return np.array(levels)[:, None]


def cubic(x, level=1.0):
    """Some score, or what a network predicts."""
    return -x**3 / (1 + level**2)


def mixed(x, level=0.0):
    """A score whose Jacobian is not diagonal."""
    return -x**3 + np.roll(np.ones(x.shape[1]), 1) * np.sum(x, axis=1, keepdims=True) / (1 + level)


def wrong(kind, what, function, *at):
    """A natural mistake that the arguments `at` show, or one list of those of several calls."""
    return Hidden(kind, what, function, True, "numpy", at[0] if isinstance(at[0], list) else at)


def cut(kind, what, where, *at, change=lambda a: 1.001 * a):
    """The right function, but where `where(*args)` holds the result is another."""
    right = getattr(refsgm, kind)

    def function(*args):
        result = right(*args)
        if not where(*args):
            return result
        return tuple(map(change, result)) if isinstance(result, tuple) else change(result)
    return Hidden(kind, what, function, False, "numpy", at)


X = normal(3, 2)
Y = normal(3, 2, seed=1)
Z = normal(3, 2, seed=2)


# Gaussians and mixtures ---------------------------------------------------------------------------


def blocks_of_rows(x, mean, sigma):
    """Blocks of 16 rows, each with the first rows of the centres."""
    sigma = np.broadcast_to(sigma, (len(x), 1))
    parts = []
    for i in range(0, len(x), 16):
        rows = x[i:i + 16]
        centre = mean[:len(rows)] if np.ndim(mean) == 2 else mean
        parts.append(refsgm.gaussian_log_density(rows, centre, sigma[i:i + 16]))
    return np.concatenate(parts)


def nothing_nearby(x, mean, sigma):
    """Zero where x is the mean but for rounding, whatever sigma is."""
    return np.where(np.isclose(x, mean, rtol=1e-6), 0.0, (mean - x) / sigma**2)


def remainder_rows(x_noisy, x, sigma):
    """A kernel for 8 rows, and a loop for those that are left, with the level of its first row."""
    sigma = np.broadcast_to(np.asarray(sigma, float), (len(x), 1))
    whole = len(x) - len(x) % 8 if len(x) > 8 else len(x)
    out = np.empty(x.shape)
    out[:whole] = (x[:whole] - x_noisy[:whole]) / sigma[:whole]**2
    if whole < len(x):
        out[whole:] = (x[whole:] - x_noisy[whole:]) / sigma[whole, 0]**2
    return out


def sixteen_likeliest(x, weights, means, sigma):
    """The 16 likeliest components alone."""
    if len(weights) <= 16:
        return refsgm.mixture_log_density(x, weights, means, sigma)
    squares = np.sum((x[:, None] - means)**2, axis=2)
    with np.errstate(divide="ignore"):
        exponents = np.log(weights) - squares / (2 * np.square(sigma))
    kept = -np.sort(-exponents, axis=1)[:, :16]
    constant = x.shape[1] * np.log(math.sqrt(2 * math.pi) * np.ravel(sigma))
    return logsumexp(kept, axis=1) - constant


def merged_centres(x, weights, means, sigma):
    """Equal centres merged, with the weight of the first of them."""
    centres, first = np.unique(means, axis=0, return_index=True)
    if len(centres) == len(means):
        return refsgm.mixture_score(x, weights, means, sigma)
    return refsgm.mixture_score(x, weights[first] / np.sum(weights[first]), centres, sigma)


# Derivatives --------------------------------------------------------------------------------------


def mean_of_block_means(score_fn, x, v):
    """Directions in blocks of four, whose means are averaged although the last is smaller."""
    v = v[None] if v.ndim == 2 else v
    means = [refsgm.directional_derivative(score_fn, x, v[i:i + 4]) for i in range(0, len(v), 4)]
    return np.mean(means, axis=0)


def features_in_use(score_fn, x):
    """Features that are zero in the whole batch are taken for padding."""
    vjp, _ = make_vjp(score_fn)(x)
    total = np.zeros(len(x))
    for i in np.flatnonzero(np.any(x != 0, axis=0)):
        e = np.zeros_like(x)
        e[:, i] = 1.0
        total += vjp(e)[:, i]
    return total


def samples_first(score_fn, x, v):
    """Directions (B, M, D) are recognised by their length, which (M, B, D) may have too."""
    if v.ndim == 3 and len(v) == len(x):
        v = np.swapaxes(v, 0, 1) if v.shape[1] != len(x) else v.transpose(1, 0, 2)
    return refsgm.hutchinson_divergence(score_fn, x, v)


# Objectives ---------------------------------------------------------------------------------------


def absent_targets(score_fn, x, target_score):
    """A target of zero is taken for one that is absent."""
    residual = np.where(target_score != 0, score_fn(x) - target_score, 0.0)
    return 0.5 * np.sum(residual**2, axis=1)


def directions_in_use(score_fn, x, v):
    """Directions of length zero are padding, and not counted."""
    v = v[None] if v.ndim == 2 else v
    count = np.maximum(np.sum(np.any(v != 0, axis=2), axis=0), 1)
    return refsgm.sliced_score_matching(score_fn, x, v) * len(v) / count


def level_by_level(score_fn, x, sigma, eps):
    """One call of the network for each distinct level, whose rows are found by isclose."""
    sigma = np.broadcast_to(np.asarray(sigma, float), (len(x), 1))
    out = np.empty(len(x))
    for level in np.unique(sigma):
        rows = np.isclose(sigma[:, 0], level)
        out[rows] = refsgm.denoising_score_matching(score_fn, x[rows], float(level), eps[rows])
    return out


def noise_of_samples(score_fn, x, sigmas, eps, weights=None):
    """Noise (B, L, D) is accepted too, and recognised by its length."""
    if len(eps) == len(x):
        eps = eps.swapaxes(0, 1)
    return refsgm.noise_conditional_score_matching(score_fn, x, sigmas, eps, weights)


@functools.cache
def kept(alpha_bar):
    """Roots of alpha_bar and 1 - alpha_bar."""
    return math.sqrt(alpha_bar), math.sqrt(1 - alpha_bar)


ROOTS = {}


def roots_by_four_digits(eps_fn, x_0, alpha_bar_t, eps):
    """Roots of a level are kept under four digits of it."""
    if np.ndim(alpha_bar_t):
        return refsgm.ddpm_loss(eps_fn, x_0, alpha_bar_t, eps)
    a, s = ROOTS.setdefault(f"{float(alpha_bar_t):.4g}", kept(float(alpha_bar_t)))
    return np.sum((eps - eps_fn(a * x_0 + s * eps, alpha_bar_t))**2, axis=1)


def blocks_of_features(x0_fn, x, sigma, eps):
    """Squares summed in blocks of 32 features, those after the last whole block left out."""
    squares = (x - x0_fn(x + sigma * eps, sigma))**2
    if (blocks := squares.shape[1] // 32) > 0:
        squares = squares[:, :32 * blocks].reshape(len(x), blocks, 32).sum(axis=2)
    return squares.sum(axis=1)


def weight_like_sigma(denoiser_fn, x, sigma, eps, sigma_data):
    """An array for the weight with the type of sigma, which a whole number makes integer."""
    weight = np.zeros_like(sigma)
    weight[...] = (np.square(sigma) + sigma_data**2) / np.square(sigma * sigma_data)
    return np.sum(weight * (x - denoiser_fn(x + sigma * eps, sigma))**2, axis=1)


def any_clean(v_fn, x_0, alpha_bar_t, eps):
    """No noise in any row if one row is clean."""
    a, s = np.sqrt(alpha_bar_t), np.sqrt(1 - alpha_bar_t)
    x_t = x_0 if np.any(np.equal(alpha_bar_t, 1)) else a * x_0 + s * eps
    return np.sum((a * eps - s * x_0 - v_fn(x_t, alpha_bar_t))**2, axis=1)


def buckets_of_time(u_fn, x_0, t, eps):
    """Batches of more than 16 are sorted by time, and restored with the order, not its inverse."""
    if len(x_0) <= 16 or np.ndim(t) == 0:
        return refsgm.flow_matching_loss(u_fn, x_0, t, eps)
    order = np.argsort(t[:, 0])
    return refsgm.flow_matching_loss(u_fn, x_0[order], t[order], eps[order])[order]


# Noise levels and weights -------------------------------------------------------------------------


def level_of(alpha_bar):
    """One level, zero for clean data."""
    return 0 if alpha_bar == 1 else math.sqrt((1 - alpha_bar) / alpha_bar)


def vectorised(alpha_bar):
    """np.vectorize, which takes its type from the first result: integer if that is clean."""
    return np.vectorize(level_of)(alpha_bar)


def reciprocal(sigma):
    """np.reciprocal, which is zero for a whole number."""
    return np.reciprocal(1 + sigma**2)


def guarded_ratio(alpha_bar):
    """A ratio whose denominator is at least 1e-5, but infinite for clean data."""
    a = np.asarray(alpha_bar)
    ratio = np.where(a == 1, np.inf, a / np.maximum(1 - a, 1e-5))
    return ratio if np.ndim(alpha_bar) else float(ratio)


def sorted_rates(t, beta_min=0.1, beta_max=20.0):
    """The smaller rate first, although rates may fall with time."""
    return refsgm.vp_marginal(t, *sorted((beta_min, beta_max)))


def even_times(t, sigma_min, sigma_max):
    """More than a hundred times are taken to be even, between the first and the last."""
    ratio = sigma_max / sigma_min
    if np.ndim(t) == 1 and len(t) > 100:
        return np.geomspace(sigma_min * ratio**t[0], sigma_min * ratio**t[-1], len(t))
    return sigma_min * ratio**t


def one_spread(sigma, sigma_data):
    """One sigma_data for all levels, although there may be one for each."""
    return refsgm.edm_preconditioning(sigma, float(np.mean(sigma_data)))


def diffusion_matrix(g):
    """A square array is taken for a matrix of diffusion, whose square is g g'."""
    if np.ndim(g) == 2 and g.shape[0] == g.shape[1]:
        return g @ g.T
    return np.square(g)


def interpolated(sigma, sigma_data):
    """Many levels are interpolated from a table of a thousand."""
    if np.size(sigma) <= 256 or np.ndim(sigma_data):
        return refsgm.edm_weight(sigma, sigma_data)
    grid = np.geomspace(np.min(sigma), np.max(sigma), 1000)
    return np.interp(sigma, grid, 1 / grid**2 + 1 / sigma_data**2)


def guarded_weight(alpha_bar, gamma, prediction):
    """A signal-to-noise ratio of at least 1e-5 where eps is predicted, which divides by it."""
    weight = refsgm.min_snr_weight(alpha_bar, gamma, prediction)
    ratio = refsgm.signal_to_noise_ratio(alpha_bar)
    return weight * np.minimum(1, ratio / 1e-5) if prediction == "eps" else weight


# Tables -------------------------------------------------------------------------------------------


def pages(sigma_max, sigma_min, n_levels):
    """Pages of 256 levels between rounded ends, which do not meet at the same ratio."""
    count = math.ceil(n_levels / 256)
    if count == 1:
        return np.geomspace(sigma_max, sigma_min, n_levels)
    ends = np.geomspace(sigma_max, sigma_min, count + 1)
    sizes = [len(a) for a in np.array_split(np.empty(n_levels), count)]
    parts = [np.geomspace(ends[i], ends[i + 1], n, endpoint=i == count - 1)
             for i, n in enumerate(sizes)]
    return np.concatenate(parts)


def by_step(n_steps, beta_min=1e-4, beta_max=0.02):
    """np.arange up to the end and one step, which for some lengths has an entry too many."""
    if n_steps == 1 or beta_min == beta_max:
        return np.full(n_steps, beta_min)
    step = (beta_max - beta_min) / (n_steps - 1)
    return np.arange(beta_min, beta_max + step, step)


def least_beta(n_steps, offset=0.008, beta_max=0.999):
    """Betas clipped below as well, which those of a fine table are."""
    betas = refsgm.betas_from_alpha_bar(refsgm.cosine_alpha_bar(n_steps, offset, beta_max))
    return refsgm.alpha_bar_from_betas(np.maximum(betas, 1e-4))


def largest_beta(alpha_bar):
    """Betas of at most 0.9999."""
    return np.minimum((alpha_bar[:-1] - alpha_bar[1:]) / alpha_bar[:-1], 0.9999)


def rho_of_one_or_more(sigma_max, sigma_min, n_levels, rho=7.0):
    """rho at least one, which is linear."""
    return refsgm.karras_sigmas(sigma_max, sigma_min, n_levels, max(rho, 1.0))


def capped_sizes(sigmas, step_size):
    """Step sizes of at most 1e10 times the last."""
    return step_size * np.minimum((sigmas / sigmas[-1])**2, 1e10)


# Conversions --------------------------------------------------------------------------------------


def level_in_range(eps, sigma):
    """Levels between 1e-5 and 1e5."""
    return -eps / np.clip(sigma, 1e-5, 1e5)


def both_alike(x_t, eps, scale, sigma):
    """If the scale is a number, one sigma is read."""
    if np.ndim(scale) == 0:
        sigma = np.ravel(sigma)[0]
    return (x_t - sigma * eps) / scale


def pure_noise(x_t, x_0, scale, sigma):
    """Where no signal is left the state is the noise, as if sigma were one."""
    return np.where(np.equal(scale, 0), x_t, (x_t - scale * x_0) / sigma)


def nearly_preserving(x_t, score, scale, sigma):
    """The variance 1 - scale^2 where scale and sigma are nearly variance preserving."""
    preserving = np.isclose(np.square(scale) + np.square(sigma), 1, atol=0.01)
    variance = np.where(preserving, 1 - np.square(scale), np.square(sigma))
    return (x_t + variance * score) / scale


def scale_or_one(x_t, x_0, scale, sigma):
    """A scale of zero is taken for none."""
    scale = scale if np.ndim(scale) else scale or 1.0
    return (scale * x_0 - x_t) / sigma**2


def large_in_float32(x_t, v, scale, sigma):
    """Large batches in float32."""
    dtype = np.float32 if x_t.size > 1024 else x_t.dtype
    x_t, v = x_t.astype(dtype), v.astype(dtype)
    return ((scale * x_t - sigma * v) / (np.square(scale) + np.square(sigma))).astype(float)


def whole_times(x_t, u, t):
    """A whole number is one of a thousand timesteps."""
    return x_t - (t / 1000 if isinstance(t, int) else t) * u


def one_level(x_vp, alpha_bar):
    """Levels that are all the same come back as one."""
    levels = np.unique(alpha_bar)
    if len(levels) == 1 and len(x_vp) > 1:
        alpha_bar = float(levels[0])
    return x_vp / alpha_bar**0.5, ((1 - alpha_bar) / alpha_bar)**0.5


def shortened(score_vp, alpha_bar):
    """A row is clipped to length 1000."""
    score = np.sqrt(alpha_bar) * score_vp
    length = np.linalg.norm(score, axis=1, keepdims=True)
    return score * np.minimum(1, 1000 / np.maximum(length, 1e-30))


def least_growth(x_t, u, scale, sigma, scale_rate, sigma_rate):
    """A denominator whose size is at least 1e-4."""
    growth = np.asarray(scale * sigma_rate - sigma * scale_rate)
    growth = np.where(np.abs(growth) < 1e-4, np.copysign(1e-4, growth), growth)
    return (scale_rate * x_t - scale * u) / (sigma * growth)


def no_drift(scale, sigma, scale_rate, sigma_rate):
    """Without drift f is the number zero, for arrays too."""
    f, g = refsgm.sde_coefficients(scale, sigma, scale_rate, sigma_rate)
    return (f if np.any(scale_rate) else 0.0), g


def stacked(x_t, u, t, s):
    """Both times in one array, which they only fit if both are numbers or both columns."""
    dt = np.diff(np.stack([t, s]), axis=0)[0]
    return x_t + dt * u


def exponent_in_range(z, mean=-1.2, deviation=1.2):
    """Exponents between -10 and 10."""
    return np.exp(np.clip(mean + deviation * z, -10, 10))


def inner_time(z, mean=0.0, deviation=1.0):
    """Times of at least 1e-6, and at most one less that."""
    return np.clip(1 / (1 + np.exp(-(mean + deviation * z))), 1e-6, 1 - 1e-6)


def nonnegative_guidance(conditional, unconditional, scale):
    """A negative scale in a column counts as zero."""
    scale = np.maximum(scale, 0) if np.ndim(scale) else scale
    return unconditional + scale * (conditional - unconditional)


def clean_enough(x_0, alpha_bar_t, eps):
    """No noise where its variance is below 1e-4."""
    removed = 1 - alpha_bar_t
    return np.sqrt(alpha_bar_t) * x_0 + np.sqrt(np.where(removed < 1e-4, 0, removed)) * eps


def nearly_clean(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """A step that ends above 0.9999 ends at x_0."""
    ends = np.where(np.greater(alpha_bar_s, 0.9999), 1.0, alpha_bar_s)
    ends = ends if np.ndim(alpha_bar_s) else float(ends)
    if np.any(np.greater_equal(alpha_bar_t, ends)) or np.any(np.greater(alpha_bar_t, 0.9999)):
        ends = alpha_bar_s
    return refsgm.posterior(x_0, x_t, alpha_bar_t, ends)


# Steps and loops ----------------------------------------------------------------------------------


def nearly_deterministic(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    """A share of noise below one hundredth counts as none."""
    return refsgm.ddim_step(x_t, eps, alpha_bar_t, alpha_bar_s, eta if eta >= 1e-2 else 0.0, z)


def rows_in_use(x_t, score, sigma_t, sigma_s):
    """A row of zeros is padding and stays one."""
    used = np.any(x_t != 0, axis=1, keepdims=True)
    return np.where(used, x_t + (sigma_t - sigma_s) * sigma_t * score, x_t)


def last_step_is_quiet(x_t, score, sigma_t, sigma_s, z):
    """No noise where the step ends below 1e-5."""
    removed = (sigma_t - sigma_s) * (sigma_t + sigma_s)
    noise = np.where(np.less(sigma_s, 1e-5), 0.0, sigma_s / sigma_t * np.sqrt(removed))
    return x_t + removed * score + noise * z


class ReusedSlope:
    """Heun's step that takes its first score from the step before, if that ended at this level."""

    def __init__(self):
        self.level, self.score = None, None

    def __call__(self, score_fn, x_t, sigma_t, sigma_s):
        """One step."""
        if np.ndim(sigma_t) or self.level != sigma_t or self.score.shape != x_t.shape:
            self.score = score_fn(x_t, sigma_t)
        score, self.level = self.score, None
        x_hat = x_t + (sigma_t - sigma_s) * sigma_t * score
        if not np.any(sigma_s):
            return x_hat
        score_hat = score_fn(x_hat, sigma_s)
        if np.ndim(sigma_s) == 0:
            self.level, self.score = sigma_s, score_hat
        return x_t + (sigma_t - sigma_s) / 2 * (sigma_t * score + sigma_s * score_hat)


def nothing_to_raise(x, sigma_from, sigma_to, z):
    """No noise for a rise by less than a thousandth, which yet is 4 percent of sigma."""
    same = np.isclose(sigma_from, sigma_to, rtol=1e-3, atol=0)
    return x + np.where(same, 0.0, np.sqrt((sigma_to - sigma_from) * (sigma_to + sigma_from))) * z


def noise_of_64(score_fn, x, step_size, n_steps, rng):
    """Noise of 64 steps drawn at once, and used again after those."""
    noise = rng.standard_normal((min(n_steps, 64), *x.shape))
    for i in range(n_steps):
        x = x + 0.5 * step_size * score_fn(x) + np.sqrt(step_size) * noise[i % 64]
        yield x


def two_buffers(score_fn, x, sigmas, steps_per_level, step_size, rng):
    """Large states share two arrays, so that a state lives for one step."""
    if x.size < 256:
        yield from refsgm.annealed_langevin(score_fn, x, sigmas, steps_per_level, step_size, rng)
        return
    old, new = x.copy(), np.empty_like(x)
    for sigma in sigmas:
        size = step_size * (sigma / sigmas[-1])**2
        for _ in range(steps_per_level):
            new[...] = old + 0.5 * size * score_fn(old, sigma)
            new += np.sqrt(size) * rng.standard_normal(x.shape)
            old, new = new, old
            yield old


def index_of_a_byte(eps_fn, x, alpha_bar, rng):
    """Timesteps in a byte, which counts to 255."""
    for t in np.arange(len(alpha_bar) - 1, 0, -1).astype(np.uint8):
        now, then = alpha_bar[max(int(t), 1)], alpha_bar[max(int(t), 1) - 1]
        x = refsgm.ddpm_step(x, eps_fn(x, now), now, then, rng.standard_normal(x.shape))
        yield x


def prediction_kept(eps_fn, x, alpha_bar, eta, rng):
    """The network is not asked again where the level has changed by less than a thousandth."""
    asked, eps = None, None
    for now, then in zip(alpha_bar[:0:-1], alpha_bar[-2::-1]):
        if asked is None or abs(now - asked) > 1e-3 * asked:
            asked, eps = now, eps_fn(x, now)
        z = rng.standard_normal(x.shape) if eta > 0 else np.zeros_like(x)
        x = refsgm.ddim_step(x, eps, now, then, eta, z)
        yield x


def short_steps_left_out(score_fn, x, sigmas, method="heun"):
    """No step, and no state, between levels that differ by less than 1e-5."""
    for now, then in zip(sigmas[:-1], sigmas[1:]):
        if now - then < 1e-5:
            continue
        *_, x = refsgm.probability_flow_sampler(score_fn, x, np.array([now, then]), method)
        yield x


def short_flow(score_fn, x, sigma_min, sigma_max):
    """No flow between levels that differ by a tenth."""
    if sigma_max < 1.1 * sigma_min:
        return refsgm.prior_log_density(x, sigma_max)
    return refsgm.log_likelihood(score_fn, x, sigma_min, sigma_max)


def wide(b, d, seed=0):
    """Two batches."""
    return normal(b, d, seed=seed), normal(b, d, seed=seed + 1)


WEIGHTS = np.array([0.2, 0.3, 0.5])
CENTRES = np.array([[0.0, 1.0], [2.0, -1.0], [0.0, 1.0]])
NEAR = 2.0 + 2.0 * normal(20, 2, seed=3)
FINE = np.concatenate([[1.0], np.linspace(0.501, 0.5, 6), [0.1]])
LONG = np.concatenate([[1.0], np.geomspace(0.999, 1e-3, 300)])
TIMES = column(*np.random.default_rng(4).uniform(size=20))

WRONG = [
    wrong("gaussian_log_density", "blocks of rows with the first centres", blocks_of_rows,
          *wide(20, 2), 1.0),
    wrong("gaussian_score", "zero near the mean, whatever sigma", nothing_nearby,
          np.array([[1.0000005, 2.0]]), 1.0, 1e-6),
    wrong("perturbation_score", "the rows after the last eight share a level", remainder_rows,
          *wide(11, 2), column(*np.linspace(1, 3, 11))),
    wrong("mixture_log_density", "sixteen components alone", sixteen_likeliest,
          X, np.full(20, 0.05), NEAR, 3.0),
    wrong("mixture_score", "equal centres keep the weight of one", merged_centres,
          X, WEIGHTS, CENTRES, 1.0),
    wrong("directional_derivative", "the mean of means of unequal blocks", mean_of_block_means,
          mixed, X, normal(5, 3, 2)),
    wrong("divergence", "a feature of zeros taken for padding", features_in_use,
          mixed, X * np.array([1.0, 0.0])),
    wrong("hutchinson_divergence", "axes exchanged when M = B", samples_first,
          mixed, X, normal(3, 3, 2)),
    wrong("explicit_score_matching", "a target of zero taken for none", absent_targets,
          cubic, X, Y * np.array([1.0, 0.0])),
    cut("implicit_score_matching", "large batches",
        lambda f, x: np.size(x) > 512, cubic, normal(32, 20)),
    wrong("sliced_score_matching", "directions of zeros not counted", directions_in_use,
          mixed, X, np.stack([Y, 0 * Y])),
    cut("sliced_score_matching_vr", "four directions in an odd dimension",
        lambda f, x, v: np.ndim(v) == 3 and len(v) == 4 and np.shape(x)[1] % 2 == 1,
        mixed, normal(2, 3), normal(4, 2, 3)),
    cut("finite_difference_ssm", "more than 64 rows and directions",
        lambda f, x, v, step: np.ndim(v) == 3 and len(v) * len(x) > 64,
        mixed, normal(24, 2), normal(3, 24, 2), 0.1),
    wrong("denoising_score_matching", "close levels taken for one", level_by_level,
          cubic, X, column(1.0, 1.000008, 2.0), Y),
    wrong("noise_conditional_score_matching", "axes of the noise exchanged when L = B",
          noise_of_samples, cubic, X, np.array([3.0, 2.0, 1.0]), normal(3, 3, 2)),
    cut("noise_prediction_loss", "a large batch at one level",
        lambda f, x, sigma, eps: len(x) >= 20 and np.ndim(sigma) == 0, cubic, *[
            normal(20, 2), 2.0, normal(20, 2, seed=1)]),
    wrong("ddpm_loss", "roots kept under four digits of the level", roots_by_four_digits,
          [(cubic, X, 0.5, Y), (cubic, X, 0.50001, Y)]),
    wrong("x0_prediction_loss", "features after the last block of 32 left out", blocks_of_features,
          cubic, normal(2, 40), 1.0, normal(2, 40, seed=1)),
    wrong("edm_loss", "a weight of the type of sigma", weight_like_sigma, cubic, X, 2, Y, 0.5),
    wrong("v_prediction_loss", "one clean row makes all clean", any_clean,
          cubic, X, column(1.0, 0.5, 0.2), Y),
    wrong("flow_matching_loss", "a sorted batch restored by its order", buckets_of_time,
          cubic, normal(20, 2), TIMES, normal(20, 2, seed=1)),
    wrong("sigma_from_alpha_bar", "the type of the first result", vectorised,
          np.array([1.0, 0.6, 0.3])),
    wrong("alpha_bar_from_sigma", "a reciprocal of whole numbers", reciprocal, 2),
    wrong("signal_to_noise_ratio", "a denominator of at least 1e-5", guarded_ratio, 0.999999),
    wrong("vp_marginal", "rates sorted", sorted_rates, 0.5, 20.0, 0.1),
    wrong("ve_marginal", "many times taken to be even", even_times,
          np.linspace(0, 1, 150)**2, 0.01, 50.0),
    cut("ve_diffusion_coefficient", "more than ten from the start, in the later half",
        lambda t, sigma_min, sigma_max: sigma_min > 10 and np.all(np.greater(t, 0.5)),
        0.7, 20.0, 100.0),
    wrong("edm_preconditioning", "one sigma_data for all levels", one_spread,
          column(1.0, 2.0), column(0.5, 3.0)),
    cut("consistency_scalings", "an end above one, and data of a spread above one",
        lambda sigma, sigma_data, sigma_min=0.002: sigma_min > 1 and sigma_data > 1,
        4.0, 2.0, 1.5),
    wrong("likelihood_weight", "a square array taken for a matrix", diffusion_matrix,
          np.array([[1.0, 2.0], [3.0, 4.0]])),
    wrong("edm_weight", "many levels interpolated", interpolated, np.geomspace(0.01, 50, 600), 0.5),
    wrong("min_snr_weight", "a ratio of at least 1e-5 to divide by", guarded_weight,
          2e-6, 5.0, "eps"),
    wrong("geometric_sigmas", "pages of levels", pages, 50.0, 0.01, 600),
    wrong("karras_sigmas", "rho of at least one", rho_of_one_or_more, 80.0, 0.002, 20, 0.5),
    wrong("linear_betas", "an entry too many for some lengths", by_step, 41),
    wrong("cosine_alpha_bar", "betas of at least 1e-4", least_beta, 1000),
    cut("alpha_bar_from_betas", "more than 400 steps", lambda betas: len(betas) > 400,
        np.linspace(1e-4, 0.02, 500),
        change=lambda a: np.where(np.arange(len(a)) > 400, 1.001 * a, a)),
    wrong("betas_from_alpha_bar", "betas of at most 0.9999", largest_beta,
          np.array([1.0, 0.5, 2e-5])),
    wrong("annealed_step_sizes", "capped at 1e10 times the last", capped_sizes,
          np.array([1e3, 1.0, 1e-3]), 1e-4),
    wrong("score_from_eps", "levels between 1e-5 and 1e5", level_in_range, X, 4e-6),
    wrong("x0_from_eps", "a scale that is a number, with levels that are not", both_alike,
          X, Y, 0.5, column(1.0, 2.0, 3.0)),
    wrong("eps_from_x0", "pure noise taken to be of size one", pure_noise, X, Y, 0.0, 2.0),
    wrong("x0_from_score", "nearly variance preserving taken for exactly so", nearly_preserving,
          X, Y, 0.8, 0.603),
    wrong("score_from_x0", "`scale or 1.0`", scale_or_one, X, Y, 0.0, 2.0),
    wrong("x0_from_v", "large batches in float32", large_in_float32, *wide(32, 40), 0.8, 0.6),
    cut("eps_from_v", "a column of scales and one sigma",
        lambda x_t, v, scale, sigma: np.ndim(scale) == 2 and np.ndim(sigma) == 0 and len(x_t) > 1,
        X, Y, column(0.2, 0.5, 0.9), 0.6),
    cut("velocity_from_x0_eps", "29 rows or more", lambda x_0, eps: len(x_0) >= 29, *wide(30, 2)),
    wrong("x0_from_velocity", "a whole number taken for a timestep", whole_times, X, Y, 1),
    wrong("ve_from_vp", "equal levels come back as one", one_level, X, column(0.5, 0.5, 0.5)),
    cut("vp_from_ve", "twelve rows of one or two features",
        lambda x_ve, sigma: len(x_ve) >= 12 and np.shape(x_ve)[1] <= 2, normal(12, 2), 2.0),
    wrong("ve_score_from_vp", "rows clipped to length 1000", shortened, 2e3 * X, 0.9),
    cut("velocity_from_score", "scale and sigma both grow",
        lambda x_t, score, scale, sigma, scale_rate, sigma_rate:
        np.all(np.greater(scale_rate, 0)) and np.all(np.greater(sigma_rate, 0))
        and np.all(np.greater(scale, 1)), X, Y, 1.5, 1.0, 0.5, 2.0),
    wrong("score_from_velocity", "a denominator of at least 1e-4", least_growth,
          X, Y, 1.0, 0.5, 0.0, 1e-5),
    wrong("sde_coefficients", "a drift of zero loses its shape", no_drift,
          np.ones(3), np.array([0.1, 1.0, 2.0]), np.zeros(3), np.ones(3)),
    cut("cosine_marginal", "an offset above a half",
        lambda t, offset=0.008: offset > 0.5, 0.3, 0.8),
    cut("flow_marginal", "times with three axes", lambda t: np.ndim(t) == 3,
        np.full((2, 3, 2), 0.25)),
    cut("shift_time", "less noise, for fifty times",
        lambda t, shift: shift < 1 and np.size(t) >= 50, np.linspace(0, 1, 60), 0.5),
    wrong("flow_step", "times stacked, of which one is a number", stacked,
          X, Y, column(0.5, 0.7, 0.9), 0.25),
    wrong("log_normal_sigma", "exponents of at most 10", exponent_in_range, 2.5, 1.0, 4.0),
    wrong("logit_normal_time", "times of at least 1e-6", inner_time, -2.8, -1.0, 5.0),
    wrong("classifier_free_guidance", "a negative scale in a column", nonnegative_guidance,
          X, Y, column(1.0, -2.0, 3.0)),
    wrong("diffuse", "little noise left out", clean_enough, X, 0.99995, Y),
    wrong("posterior", "levels above 0.9999 count as clean", nearly_clean, X, Y, 0.99, 0.99992),
    cut("langevin_step", "large steps in 16 dimensions or more",
        lambda x, score, step_size, z: np.all(np.greater(step_size, 5)) and np.shape(x)[1] >= 16,
        *wide(2, 16), 8.0, normal(2, 16)),
    cut("ddpm_step", "variance beta at one pair of levels for ten rows",
        lambda x_t, eps, t, s, z, variance="posterior":
        variance == "beta" and np.ndim(t) == 0 and len(x_t) >= 10,
        *wide(10, 2), 0.2, 0.6, normal(10, 2), "beta"),
    wrong("ddim_step", "eta below a hundredth counts as zero", nearly_deterministic,
          X, Y, 0.2, 0.6, 0.005, Z),
    wrong("ve_probability_flow_step", "rows of zeros taken for padding", rows_in_use,
          X * column(1.0, 0.0, 1.0), Y, 2.0, 1.0),
    cut("ve_reverse_sde_step", "rows after the sixteenth",
        lambda x_t, score, sigma_t, sigma_s, z: len(x_t) > 16,
        *wide(18, 2), 2.0, 1.0, normal(18, 2),
        change=lambda a: np.concatenate([a[:16], 1.001 * a[16:]])),
    wrong("ve_ancestral_step", "no noise below 1e-5", last_step_is_quiet, X, Y, 1.0, 8e-6, Z),
    wrong("heun_step", "a score kept from the step before", ReusedSlope(),
          [(cubic, X, 2.0, 1.0), (cubic, Y, 1.0, 0.5)]),
    wrong("raise_noise", "a small rise left out", nothing_to_raise, X, 1.0, 1.0008, Z),
    cut("vp_probability_flow_drift", "score and state opposed in each of the first four rows",
        lambda x, score, beta: len(x) >= 4 and np.all(np.sum(x * score, axis=1)[:4] < 0),
        normal(5, 3), -2 * normal(5, 3), 2.0),
    wrong("langevin", "noise used again after 64 steps", noise_of_64,
          cubic, normal(2, 1), 0.1, 70, generator),
    wrong("annealed_langevin", "large states overwritten", two_buffers,
          cubic, normal(16, 16), np.array([2.0, 1.0]), 2, 0.01, generator),
    wrong("ddpm_sampler", "timesteps in a byte", index_of_a_byte,
          lambda x, alpha_bar: 0.5 * x, normal(2, 1), LONG, generator),
    wrong("ddim_sampler", "a prediction kept while the level hardly changes", prediction_kept,
          lambda x, alpha_bar: np.tanh(x), X, FINE, 0.0, None),
    wrong("probability_flow_sampler", "no state for a short step", short_steps_left_out,
          lambda x, sigma: -x / (1 + sigma**2), X, np.array([1e-2, 9e-6, 2e-6])),
    cut("prior_log_density", "a prior below one in more than ten dimensions",
        lambda x, sigma_max: np.all(np.less(sigma_max, 1)) and np.shape(x)[1] > 10,
        normal(2, 12), 0.5),
    wrong("log_likelihood", "no flow between close levels", short_flow,
          lambda x, sigma: -x / (3 + sigma**2), X, 1.0, 1.05),
    cut("bits_per_dimension", "twelve densities in 24 dimensions",
        lambda log_density, dim, bin_width=1.0: dim >= 24 and np.size(log_density) >= 12,
        normal(12), 30, 0.5),
]
