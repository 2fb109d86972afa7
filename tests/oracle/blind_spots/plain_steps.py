"""Mistakes in schedules, tables, marginals, steps and loops, of good faith but for a few planted.

They are spread over kinds; each has the arguments that show it.
"""

import math

import numpy as np
from scipy.special import expit, logit

import refsgm

from .fresh import cut, generator, wrong

X = np.array([[0.5, -1.0], [2.0, 0.3], [-0.7, 1.1]])                                       # (B, D)
Y = np.array([[1.5, 0.2], [-0.4, 0.9], [0.6, -2.0]])
Z = np.array([[-0.3, 0.8], [1.2, -0.5], [0.1, 0.4]])


def model(x, level=1.0):
    """Some prediction."""
    return np.tanh(x) / (1 + level)


def itself(x, level):
    """The prediction that is its argument, the same array."""
    return x


# Tables -------------------------------------------------------------------------------------------


def arange_in_log(sigma_max, sigma_min, n_levels):
    """The exponents by arange, whose length rounding decides, and the end appended."""
    high, low = math.log(sigma_max), math.log(sigma_min)
    inner = np.exp(np.arange(high, low, (low - high) / (n_levels - 1)))
    return np.append(inner, sigma_min)


def karras_limit(sigma_max, sigma_min, n_levels, rho=7.0):
    """For a large rho the limit, which is geometric."""
    if rho > 40:
        return np.geomspace(sigma_max, sigma_min, n_levels)
    ramp = np.linspace(0, 1, n_levels)
    high, low = sigma_max**(1 / rho), sigma_min**(1 / rho)
    return (high + ramp * (low - high))**rho


def sorted_betas(n_steps, beta_min=1e-4, beta_max=0.02):
    """Variances that always rise, even where the first is the larger."""
    low, high = sorted((beta_min, beta_max))
    return np.linspace(low, high, n_steps)


def capped_last(n_steps, offset=0.008, beta_max=0.999):
    """Only the last beta is capped, as none but it exceeds 0.999."""
    angle = (np.arange(n_steps + 1) / n_steps + offset) / (1 + offset) * np.pi / 2
    f = np.cos(angle)**2
    betas = 1 - f[1:] / f[:-1]
    betas[-1] = min(betas[-1], beta_max)
    return np.append(1.0, np.cumprod(1 - betas))


def small_betas(betas):
    """The product as an exponential of a series, if all betas are small."""
    if betas.max() < 1e-3:
        return np.append(1.0, np.exp(-np.cumsum(betas + betas**2 / 2)))
    return np.append(1.0, np.cumprod(1 - betas))


def least_beta(alpha_bar):
    """Betas no smaller than 1e-5, against division by zero later on."""
    return np.maximum(1 - alpha_bar[1:] / alpha_bar[:-1], 1e-5)


def ends_key(memory):
    """Noise levels remembered under the size and the ends of the table."""
    def sigma(alpha_bar):
        if np.ndim(alpha_bar) == 0 or np.size(alpha_bar) == 0:
            return ((1 - alpha_bar) / alpha_bar)**0.5
        key = (alpha_bar.shape, alpha_bar.dtype, alpha_bar.flat[0], alpha_bar.flat[-1])
        if key not in memory:
            memory[key] = ((1 - alpha_bar) / alpha_bar)**0.5
        return memory[key].copy()
    return sigma


def karras_many(sigma_max, sigma_min, n_levels, rho=7.0):
    """With more than 200 levels, and rho below 2, in equal steps."""
    if n_levels > 200 and rho < 2:
        rho = 1.0
    return refsgm.karras_sigmas(sigma_max, sigma_min, n_levels, rho)


def wide_step_sizes(sigmas, step_size):
    """A ratio of levels beyond 1e4 counts as 1e4."""
    return step_size * np.minimum(sigmas / sigmas[-1], 1e4)**2


# Functions of time --------------------------------------------------------------------------------


def linear_variance(t, beta_min=0.1, beta_max=20.0):
    """The variance is the integral of beta while that is small."""
    integral = t * beta_min + t**2 / 2 * (beta_max - beta_min)
    variance = np.where(integral < 1e-3, integral, 1 - np.exp(-integral))
    return np.exp(-integral / 2), variance**0.5


def clean_start(t, sigma_min, sigma_max):
    """No noise at t = 0, where the data are."""
    return np.where(t == 0, 0.0, sigma_min * (sigma_max / sigma_min)**t)


def largest_key(memory):
    """The factor remembered under the largest level alone."""
    def coefficient(t, sigma_min, sigma_max):
        if sigma_max not in memory:
            memory[sigma_max] = math.sqrt(2 * math.log(sigma_max / sigma_min))
        return sigma_min * (sigma_max / sigma_min)**t * memory[sigma_max]
    return coefficient


def stops_before(t, offset=0.008):
    """The cosine path up to t = 0.9946, where solvers begin."""
    return refsgm.cosine_marginal(np.minimum(t, 0.9946), offset)


def logit_shift(t, shift):
    """A shift of the logit, which is kept finite."""
    return expit(logit(np.clip(t, 1e-6, 1 - 1e-6)) + np.log(shift))


def inner_times(z, mean=0.0, deviation=1.0):
    """Times that keep away from both ends, where losses blow up."""
    return np.clip(expit(mean + deviation * z), 1e-4, 1 - 1e-4)


def sampled_levels(z, mean=-1.2, deviation=1.2):
    """Levels within those that EDM's sampler visits."""
    return np.clip(np.exp(mean + deviation * z), 0.002, 80.0)


def nearly_constant(t, beta_min=0.1, beta_max=20.0):
    """A rate that changes by less than a fifth counts as its mean."""
    if 0.8 * beta_min < beta_max < 1.2 * beta_min:
        beta_min = beta_max = (beta_min + beta_max) / 2
    return refsgm.vp_marginal(t, beta_min, beta_max)


# Steps --------------------------------------------------------------------------------------------


def to_the_data(x_t, u, t, s):
    """A step of length |t - s|, always towards the data."""
    return x_t - np.abs(t - s) * u


def guidance_off(conditional, unconditional, scale):
    """No guidance unless some scale exceeds one."""
    if np.max(scale, initial=-np.inf) <= 1:
        return conditional.copy()
    return unconditional + scale * (conditional - unconditional)


def heun_in_place(score_fn, x_t, sigma_t, sigma_s):
    """The slope is formed in the array that the score came in."""
    slope = score_fn(x_t, sigma_t)
    slope *= -sigma_t
    x_hat = x_t + (sigma_s - sigma_t) * slope
    if np.all(sigma_s == 0):
        return x_hat
    return x_t + (sigma_s - sigma_t) / 2 * (slope - sigma_s * score_fn(x_hat, sigma_s))


def close_above_one(x_t, score, sigma_t, sigma_s, z):
    """Noise of the mean level, between levels above 1 that are within a twentieth."""
    removed = (sigma_t - sigma_s) * (sigma_t + sigma_s)
    close = (sigma_s > 0.95 * sigma_t) & (sigma_s > 1)
    drawn = np.where(close, 2 * sigma_t * (sigma_t - sigma_s), removed)
    return x_t + removed * score + drawn**0.5 * z


def from_noise_alone(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """From nearly no signal to much of it, x_t counts for nothing."""
    far = (alpha_bar_t < 1e-4) & (alpha_bar_s > 0.5)
    return refsgm.posterior(x_0, np.where(far, 0, x_t), alpha_bar_t, alpha_bar_s)


FIRST = [
    wrong("geometric_sigmas", "arange in log, with an end that may come twice", arange_in_log,
          50.0, 0.01, 16),
    wrong("karras_sigmas", "the geometric limit for rho > 40", karras_limit, 80.0, 0.002, 10, 60.0),
    wrong("linear_betas", "betas sorted", sorted_betas, 5, 0.02, 1e-4),
    wrong("cosine_alpha_bar", "the last beta alone is capped", capped_last, 10, 0.008, 0.4),
    wrong("alpha_bar_from_betas", "a series for betas below 1e-3", small_betas,
          np.linspace(1e-4, 9e-4, 1000)),
    wrong("betas_from_alpha_bar", "betas of 1e-5 at least", least_beta,
          np.array([1.0, 0.999998, 0.99999, 0.9])),
    wrong("sigma_from_alpha_bar", "remembered under size and ends", ends_key({}),
          [(np.array([0.9, 0.5, 0.1]),), (np.array([0.9, 0.3, 0.1]),)]),
    wrong("vp_marginal", "variance linear where small", linear_variance, 0.005),
    wrong("ve_marginal", "no noise at t = 0", clean_start, np.array([0.0, 0.5]), 0.01, 50.0),
    wrong("ve_diffusion_coefficient", "remembered under sigma_max alone", largest_key({}),
          [(0.5, 0.01, 50.0), (0.5, 0.1, 50.0)]),
    wrong("cosine_marginal", "stops at 0.9946", stops_before, np.array([0.5, 1.0])),
    wrong("shift_time", "the logit of a clipped time", logit_shift, np.array([0.0, 0.5, 1.0]), 3.0),
    wrong("logit_normal_time", "times within 1e-4 of the ends", inner_times, -3.0, -3.0, 3.0),
    wrong("log_normal_sigma", "clipped to [0.002, 80]", sampled_levels, np.array([0.0, 3.0]), 1.0,
          2.0),
    wrong("flow_step", "always towards the data", to_the_data, X, Y, 0.2, 0.6),
    wrong("classifier_free_guidance", "off at scales up to 1", guidance_off, X, Y, 0.3),
    wrong("heun_step", "the score's array is scaled in place", heun_in_place, itself, X, 2.0, 1.0),
    cut("karras_sigmas", "many levels and a small rho", karras_many, 80.0, 0.002, 300, 1.5),
    cut("annealed_step_sizes", "a ratio capped at 1e4", wide_step_sizes,
        np.array([500.0, 1.0, 0.01]), 1e-5),
    cut("vp_marginal", "a nearly constant rate", nearly_constant, 0.5, 2.0, 2.3),
    cut("ve_reverse_sde_step", "close levels above 1", close_above_one, X, Y, 4.0, 3.9, Z),
    cut("posterior", "far steps forget x_t", from_noise_alone, X, Y, 5e-5, 0.6),
]

# Loops --------------------------------------------------------------------------------------------


def one_buffer(score_fn, x, sigmas, steps_per_level, step_size, rng):
    """Every state is yielded in the same array, which the next step changes."""
    x = x.copy()
    for sigma, size in zip(sigmas.tolist(), (step_size * (sigmas / sigmas[-1])**2).tolist()):
        for _ in range(steps_per_level):
            x += size / 2 * score_fn(x, sigma) + size**0.5 * rng.standard_normal(x.shape)
            yield x


def noise_in_stock(score_fn, x, step_size, n_steps, rng):
    """The noise of at most 512 steps is drawn at once, and then used again."""
    stock = rng.standard_normal((min(n_steps, 512), *x.shape))
    for i in range(n_steps):
        x = x + step_size / 2 * score_fn(x) + step_size**0.5 * stock[i % len(stock)]
        yield x


def capped_betas(eps_fn, x, alpha_bar, rng):
    """Steps from betas that are computed anew from the table, and capped at 0.999."""
    betas = np.minimum(1 - alpha_bar[1:] / alpha_bar[:-1], 0.999)
    for t in range(len(betas), 0, -1):
        beta, a_t, a_s = betas[t - 1], alpha_bar[t], alpha_bar[t - 1]
        mean = (x - beta / (1 - a_t)**0.5 * eps_fn(x, float(a_t))) / (1 - beta)**0.5
        deviation = (beta * (1 - a_s) / (1 - a_t))**0.5
        x = mean + deviation * rng.standard_normal(x.shape)
        yield x


def bounded_data(eps_fn, x, alpha_bar, eta, rng):
    """Predictions of clean data beyond 100 are cut, lest a chain blow up."""
    for a_t, a_s in zip(alpha_bar[:0:-1].tolist(), alpha_bar[-2::-1].tolist()):
        eps = eps_fn(x, a_t)
        x_0 = np.clip((x - (1 - a_t)**0.5 * eps) / a_t**0.5, -100, 100)
        variance = eta**2 * (1 - a_s) / (1 - a_t) * (1 - a_t / a_s)
        x = a_s**0.5 * x_0 + max(1 - a_s - variance, 0.0)**0.5 * eps
        if eta > 0:
            x = x + variance**0.5 * rng.standard_normal(x.shape)
        yield x


def tired(eps_fn, x, alpha_bar, rng):
    """Beyond 400 steps the noise is a thousandth smaller."""
    count = 0
    for a_t, a_s in zip(alpha_bar[:0:-1].tolist(), alpha_bar[-2::-1].tolist()):
        count += 1
        z = rng.standard_normal(x.shape) * (0.999 if count > 400 else 1.0)
        x = refsgm.ddpm_step(x, eps_fn(x, a_t), a_t, a_s, z)
        yield x


def falling_sizes(score_fn, x, step_size, n_steps, rng):
    """Step sizes that fall from the first row to the last, all from above 1, are taken as one."""
    if np.ndim(step_size) and len(x) > 1 and step_size[0, 0] > step_size[-1, 0] > 1:
        step_size = step_size[0, 0]
    return refsgm.langevin(score_fn, x, step_size, n_steps, rng)


# Drifts and more steps ----------------------------------------------------------------------------


def nearly_one_rate(x, score, beta):
    """Rates that are all close to each other are one number, which is faster."""
    if np.ndim(beta) and len(x) and np.allclose(beta, beta[0]):
        beta = float(beta[0, 0])
    return -0.5 * beta * (x + score)


def by_blocks(x, score, beta):
    """Blocks of 32 rows, of which the last must be full."""
    if len(x) <= 32:
        return -0.5 * beta * x - beta * score
    beta = np.broadcast_to(beta, (len(x), 1))
    drift = np.zeros_like(x)
    for i in range(len(x) // 32):
        rows = slice(32 * i, 32 * i + 32)
        drift[rows] = -0.5 * beta[rows] * x[rows] - beta[rows] * score[rows]
    return drift


def no_step(x_t, score, sigma_t, sigma_s):
    """Between levels that are close there is nothing to do."""
    if np.allclose(sigma_t, sigma_s):
        return x_t.copy()
    return x_t + (sigma_t - sigma_s) * sigma_t * score


def last_for_any(x_t, score, sigma_t, sigma_s, z):
    """The last step has no noise: for all rows, when it is the last of one."""
    mean = x_t + (sigma_t**2 - sigma_s**2) * score
    if np.any(np.asarray(sigma_s) == 0):
        return mean
    return mean + sigma_s * (sigma_t**2 - sigma_s**2)**0.5 / sigma_t * z


def first_order(x, sigma_from, sigma_to, z):
    """For levels that nearly agree, the difference of squares to first order."""
    gap = sigma_to - sigma_from
    close = gap < 1e-3 * sigma_from
    added = np.where(close, 2 * sigma_from * gap, sigma_to**2 - sigma_from**2)
    return x + added**0.5 * z


def log_variance(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
    """The deviation by a log variance, kept above that of 1e-10."""
    beta = 1 - alpha_bar_t / alpha_bar_s
    mean = (x_t - beta / (1 - alpha_bar_t)**0.5 * eps) / (alpha_bar_t / alpha_bar_s)**0.5
    if variance == "posterior":
        beta = beta * (1 - alpha_bar_s) / (1 - alpha_bar_t)
    return mean + np.exp(0.5 * np.log(np.maximum(beta, 1e-10))) * z


def long_scores(x, score, step_size, z):
    """Scores longer than 1000 in a row are shortened, as gradients are."""
    length = np.sqrt(np.sum(score**2, axis=1, keepdims=True))
    score = np.where(length > 1000, score * (1000 / np.maximum(length, 1000)), score)
    return x + step_size / 2 * score + step_size**0.5 * z


def growing(scale, sigma, scale_rate, sigma_rate):
    """g^2 is kept above 1e-8 for the root's sake."""
    f = scale_rate / scale
    return f, np.sqrt(np.maximum(2 * sigma * sigma_rate - 2 * f * sigma**2, 1e-8))


def identity_nearby(sigma, sigma_data, sigma_min=0.002):
    """The identity at sigma_min, where rounding of 1e-4 is forgiven."""
    gap = sigma - sigma_min
    gap = np.where(gap < 1e-4, 0.0, gap)
    return (sigma_data**2 / (gap**2 + sigma_data**2),
            sigma_data * gap / (sigma**2 + sigma_data**2)**0.5)


def negative_scale(conditional, unconditional, scale):
    """A scale below -5 counts as -5."""
    return refsgm.classifier_free_guidance(conditional, unconditional, np.maximum(scale, -5.0))


def nearly_whole(x_t, u, t, s):
    """A step over more than 0.95 of the time goes all the way."""
    step = np.where(np.abs(s - t) > 0.95, np.sign(s - t), s - t)
    return x_t + step * u


def middle_of_many(score_fn, x, sigmas, method="heun"):
    """Euler over more than 300 levels takes its scores at the middle of the step."""
    if method == "heun" or len(sigmas) <= 300:
        yield from refsgm.probability_flow_sampler(score_fn, x, sigmas, method)
        return
    for sigma_t, sigma_s in zip(sigmas[:-1].tolist(), sigmas[1:].tolist()):
        x = x + (sigma_t - sigma_s) * sigma_t * score_fn(x, (sigma_t + sigma_s) / 2)
        yield x


MANY = np.linspace(-1, 1, 66).reshape(33, 2)
NEARLY = np.array([[1.0], [1.000004], [0.999997]])

SECOND = [
    wrong("annealed_langevin", "one array for all states", one_buffer, model, X,
          np.array([2.0, 1.0]), 2, 0.1, generator),
    wrong("langevin", "the noise of 512 steps used again", noise_in_stock, model, X, 0.1, 600,
          generator),
    wrong("ddpm_sampler", "betas capped at 0.999", capped_betas, model, X,
          np.array([1.0, 0.5, 1e-4]), generator),
    wrong("ddim_sampler", "x_0 cut at 100", bounded_data, model, X, np.array([1.0, 0.5, 1e-5]), 0.5,
          generator),
    wrong("vp_probability_flow_drift", "rates that are allclose are one", nearly_one_rate, X, Y,
          NEARLY),
    wrong("vp_reverse_sde_drift", "blocks of 32 rows drop the tail", by_blocks, MANY, 1 - MANY,
          2.0),
    wrong("ve_probability_flow_step", "no step between levels that are allclose", no_step, X, Y,
          1.0, 0.999993),
    wrong("ve_ancestral_step", "no noise for any row when one ends at 0", last_for_any, X, Y, 2.0,
          np.array([[0.0], [1.0], [0.5]]), Z),
    wrong("raise_noise", "first order for close levels", first_order, X, 1.0, 1.0008, Z),
    wrong("ddpm_step", "a variance of 1e-10 at least", log_variance, X, Y, 0.3, 1.0, Z),
    wrong("langevin_step", "scores clipped to a length of 1000", long_scores, X, 1e4 * Y, 1e-4, Z),
    wrong("sde_coefficients", "g^2 of 1e-8 at least", growing, 0.8, 0.0, -1.0, 1.0),
    wrong("consistency_scalings", "the identity within 1e-4 of sigma_min", identity_nearby, 0.00205,
          0.5),
    cut("ddpm_sampler", "noise that fades after 400 steps", tired, model, X,
        np.linspace(1.0, 0.01, 501), generator),
    cut("langevin", "falling step sizes above 1", falling_sizes, model, X,
        np.array([[3.0], [2.5], [2.0]]), 4, generator),
    cut("classifier_free_guidance", "a scale below -5", negative_scale, X, Y, -7.5),
    cut("flow_step", "a step over nearly all time", nearly_whole, X, Y, 0.98, 0.01),
    cut("probability_flow_sampler", "scores at the middle in a long Euler", middle_of_many, model,
        X, np.linspace(3.0, 0.0, 400), "euler"),
]

WRONG = FIRST + SECOND
