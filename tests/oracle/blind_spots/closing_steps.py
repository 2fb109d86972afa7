"""Mistakes of good faith, and some planted, written when the probes at edges and at random were
final, by one who had not read them: levels, schedules, steps, loops, diffusion, equivalence.
"""

import math

import numpy as np

import refsgm

from . import Hidden
from .fresh import X, Y, Z, generator

LEVELS = np.array([[0.5], [2.0], [1.0]])                                                   # (B, 1)
WIDE = np.cos(np.arange(72.0)).reshape(2, 36)


def wrong(kind, what, function, *at):
    """A natural mistake that the arguments `at` show, or one list of those of several calls."""
    return Hidden(kind, what, function, True, "numpy", at[0] if isinstance(at[0], list) else at)


def cut(kind, what, function, *at):
    """A bound that nobody would set in good faith."""
    return Hidden(kind, what, function, False, "numpy", at[0] if isinstance(at[0], list) else at)


# Tables -------------------------------------------------------------------------------------------


def arange_of_logs(sigma_max, sigma_min, n_levels):
    """np.arange up to an end with a slack that short steps go into."""
    start, end = math.log(sigma_max), math.log(sigma_min)
    step = (end - start) / (n_levels - 1)
    return np.exp(np.arange(start, end - 1e-3, step))


def filled(sigma_max, sigma_min, n_levels, rho=7.0):
    """A table made by np.full, which holds integers where sigma_max is one."""
    sigmas = np.full(n_levels, sigma_max)
    for i in range(1, n_levels):
        left = i / (n_levels - 1)
        sigmas[i] = ((1 - left) * sigma_max**(1 / rho) + left * sigma_min**(1 / rho))**rho
    return sigmas


def capped_rho(sigma_max, sigma_min, n_levels, rho=7.0):
    """No rho beyond 20."""
    return refsgm.karras_sigmas(sigma_max, sigma_min, n_levels, min(rho, 20.0))


def ordered_betas(n_steps, beta_min=1e-4, beta_max=0.02):
    """The smaller variance first, whichever was given first."""
    low, high = sorted((beta_min, beta_max))
    return np.linspace(low, high, n_steps)


def floor_of_betas(n_steps, offset=0.008, beta_max=0.999):
    """A floor of the betas, which only long tables with a small offset reach."""
    t = np.linspace(0, 1, n_steps + 1)
    f = np.cos((t + offset) / (1 + offset) * math.pi / 2)**2
    betas = np.clip(1 - f[1:] / f[:-1], 1e-5, beta_max)
    return np.concatenate([[1.0], np.cumprod(1 - betas)])


def least_alpha_bar(betas):
    """alpha_bar kept from 0, below where DDPM's own table ends."""
    return np.concatenate([[1.0], np.maximum(np.cumprod(1 - betas), 1e-5)])


def largest_step(sigmas, step_size):
    """Step sizes that grow no further than the state may move: the largest ratio is 1e6."""
    return step_size * np.minimum((sigmas / sigmas[-1])**2, 1e6)


# Levels -------------------------------------------------------------------------------------------


@np.vectorize
def by_entry(alpha_bar):
    """np.vectorize takes its dtype from the first entry, and 0 is an integer."""
    return 0 if alpha_bar >= 1 else math.sqrt((1 - alpha_bar) / alpha_bar)


def reciprocal(sigma):
    """np.reciprocal, which of an integer is 0."""
    return np.reciprocal(1 + sigma**2)


def images_turned(sigma):
    """Three axes or more come back with the last two exchanged and reshaped."""
    a = 1 / (1 + np.square(sigma))
    return np.swapaxes(a, -1, -2).reshape(a.shape) if np.ndim(a) > 2 else a


def close_to_one(alpha_bar):
    """np.isclose for 'there is no noise', which allows 1e-5."""
    alpha_bar = np.asarray(alpha_bar, float)
    clean = np.isclose(alpha_bar, 1)
    return np.where(clean, np.inf, alpha_bar / np.where(clean, 1.0, 1 - alpha_bar))


RATES = {}


def rate_by_rise(t, beta_min=0.1, beta_max=20.0):
    """A polynomial that is kept for every difference of the two rates."""
    rise = round(beta_max - beta_min, 9)
    integral = RATES.setdefault(rise, np.polynomial.Polynomial([0.0, beta_min, rise / 2]))(t)
    return np.exp(-0.5 * integral), np.sqrt(-np.expm1(-integral))


def like_t(t, sigma_min, sigma_max):
    """The ratio in the dtype of t, which at a closed end may be an integer."""
    return sigma_min * np.full_like(t, sigma_max / sigma_min)**t


def short_series(t, sigma_min, sigma_max):
    """log1p of the relative difference, by its series where that is short."""
    rise = sigma_max / sigma_min - 1
    log = rise - rise**2 / 2 + rise**3 / 3 - rise**4 / 4 if rise < 0.1 else math.log1p(rise)
    return sigma_min * (1 + rise)**np.asarray(t) * math.sqrt(2 * log)


def range_of_edm(z, mean=-1.2, deviation=1.2):
    """EDM's range of levels, which the default law hardly leaves."""
    return np.clip(np.exp(mean + deviation * np.asarray(z)), 0.002, 80.0)


# Steps --------------------------------------------------------------------------------------------


def quiet_end(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
    """No noise in the last step, which np.isclose finds."""
    if variance == "posterior":
        z = np.where(np.isclose(alpha_bar_s, 1.0), 0.0, 1.0) * z
    return refsgm.ddpm_step(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance)


def long_steps(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
    """The posterior variance for a step that keeps less than a tenth, whichever was asked for."""
    if np.ndim(alpha_bar_t) == 2 and np.max(alpha_bar_t / alpha_bar_s) < 0.1:
        variance = "posterior"
    return refsgm.ddpm_step(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance)


def any_at_end(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    """x_0 for all rows as soon as one of them has arrived."""
    if np.any(np.equal(alpha_bar_s, 1)):
        return (x_t - (1 - alpha_bar_t)**0.5 * eps) / alpha_bar_t**0.5
    return refsgm.ddim_step(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z)


def least_level(x_t, score, sigma_t, sigma_s):
    """A level that is not zero is at least EDM's smallest one."""
    sigma_s = np.where(np.greater(sigma_s, 0), np.maximum(sigma_s, 0.002), 0.0)
    return x_t + (sigma_t - sigma_s) * sigma_t * score


def spared_corrector(score_fn, x_t, sigma_t, sigma_s):
    """No corrector where the last level is small beside the step, as at zero."""
    slope = sigma_t * score_fn(x_t, sigma_t)
    x_hat = x_t + (sigma_t - sigma_s) * slope
    if np.all(np.less(sigma_s, 1e-3 * sigma_t)):
        return x_hat
    return x_t + (sigma_t - sigma_s) / 2 * (slope + sigma_s * score_fn(x_hat, sigma_s))


def one_corrector(score_fn, x_t, sigma_t, sigma_s):
    """Heun where the largest ratio of levels is below 100, Euler in the other rows."""
    heun = refsgm.heun_step(score_fn, x_t, sigma_t, sigma_s)
    euler = x_t + (sigma_t - sigma_s) * sigma_t * score_fn(x_t, sigma_t)
    far = np.greater(sigma_t, 100 * np.asarray(sigma_s)) & np.greater(sigma_t, 20.0)
    return np.where(far, euler, heun)


def least_variance(x_t, score, sigma_t, sigma_s, z):
    """A variance of at least 1e-10 below the root."""
    removed = np.square(sigma_t) - np.square(sigma_s)
    return x_t + removed * score + np.sqrt(np.maximum(removed, 1e-10)) * z


def stacked(x, sigma_from, sigma_to, z):
    """Two levels in one array, which both scalars or both columns make."""
    low, high = np.stack([sigma_from, sigma_to])**2
    return x + np.sqrt(high - low) * z


def neighbours(x, sigma_from, sigma_to, z):
    """A first-order difference of squares for levels closer than 2 percent."""
    near = np.greater(sigma_from, 0.98 * np.asarray(sigma_to))
    total = np.where(near, 2 * np.asarray(sigma_to), np.add(sigma_to, sigma_from))
    return x + np.sqrt(np.subtract(sigma_to, sigma_from) * total) * z


def balanced(x, score, beta):
    """No drift in a row where score and pull nearly balance."""
    drift = x + score
    still = np.linalg.norm(drift, axis=1) < 0.1 * np.linalg.norm(x, axis=1)
    return -0.5 * beta * np.where(still[:, None], 0.0, drift)


def last_of_many(x, score, beta):
    """In a batch of more than eight rows the last one has the level of the one before."""
    if np.ndim(beta) == 2 and len(x) > 8:
        beta = np.concatenate([beta[:-1], beta[-2:-1]])
    return -beta * (x / 2 + score)


# Loops --------------------------------------------------------------------------------------------


def until_converged(score_fn, x, step_size, n_steps, rng):
    """Langevin dynamics that stops where two states agree within np.allclose."""
    for _ in range(n_steps):
        before = x
        x = x + 0.5 * step_size * score_fn(x) + step_size**0.5 * rng.standard_normal(x.shape)
        yield x
        if np.allclose(before, x):
            return


def tired(score_fn, x, step_size, n_steps, rng):
    """A thousandth less noise after 200 steps."""
    for i in range(n_steps):
        z = rng.standard_normal(x.shape) * (1.0 if i < 200 else 0.999)
        x = refsgm.langevin_step(x, score_fn(x), step_size, z)
        yield x


def capped_betas(eps_fn, x, alpha_bar, rng):
    """Betas recovered from the table and capped, which skipped steps exceed."""
    betas = np.minimum(1 - alpha_bar[1:] / alpha_bar[:-1], 0.999)
    for i in reversed(range(len(betas))):
        beta, a, before = betas[i], alpha_bar[i + 1], alpha_bar[i]
        mean = (x - beta / np.sqrt(1 - a) * eps_fn(x, float(a))) / np.sqrt(1 - beta)
        variance = beta * (1 - before) / (1 - a)
        x = mean + np.sqrt(variance) * rng.standard_normal(x.shape)
        yield x


def noise_that_counts(eps_fn, x, alpha_bar, eta, rng):
    """Noise is drawn where its variance counts, so that the later numbers are others."""
    for t, s in zip(alpha_bar[:0:-1].tolist(), alpha_bar[-2::-1].tolist()):
        variance = eta**2 * (1 - s) / (1 - t) * (1 - t / s)
        z = rng.standard_normal(x.shape) if variance > 1e-6 else np.zeros_like(x)
        x = refsgm.ddim_step(x, eps_fn(x, t), t, s, eta, z)
        yield x


def slope_in_place(score_fn, x, sigmas, method="heun"):
    """Euler's slope is made in the array that the score came in, which may be the state's."""
    for t, s in zip(sigmas[:-1].tolist(), sigmas[1:].tolist()):
        if method == "heun":
            x = refsgm.heun_step(score_fn, x, t, s)
        else:
            slope = score_fn(x, t)
            slope *= (t - s) * t
            x = x + slope
        yield x


# Diffusion and equivalence ------------------------------------------------------------------------


def in_vectors(x_0, alpha_bar_t, eps):
    """Features in vectors of 32, and what is left over is not diffused."""
    out, whole = np.array(x_0, float), max(x_0.shape[1] // 32 * 32, min(x_0.shape[1], 32))
    out[:, :whole] *= np.sqrt(alpha_bar_t)
    out[:, :whole] += (np.sqrt(1 - np.asarray(alpha_bar_t)) * eps)[:, :whole]
    return out


def zeros_like_end(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """The last step as a special case, with a variance shaped like the level where it ends."""
    if np.all(np.equal(alpha_bar_s, 1)):
        return np.array(x_0), np.zeros_like(alpha_bar_s, float)
    return refsgm.posterior(x_0, x_t, alpha_bar_t, alpha_bar_s)


def nearly_vp(x_t, v, scale, sigma):
    """No division where np.allclose with a hundredth says that the kernel is VP."""
    total = np.square(scale) + np.square(sigma)
    total = 1.0 if np.allclose(total, 1.0, atol=0.01) else total
    return (scale * x_t - sigma * v) / total


def root_of_difference(scale, sigma, scale_rate, sigma_rate):
    """The difference of two numbers below a root, which rounding makes negative."""
    f = scale_rate / scale
    with np.errstate(invalid="ignore"):
        return f, np.sqrt(2 * sigma * sigma_rate - 2 * f * sigma**2)


WRONG = [
    wrong("geometric_sigmas", "np.arange with a slack at the end", arange_of_logs,
          1.0, 0.5, 1000),
    wrong("karras_sigmas", "np.full of an integer", filled, 80, 0.5, 5),
    cut("karras_sigmas", "rho is at most 20", capped_rho, 80.0, 0.5, 5, 30.0),
    wrong("linear_betas", "the two ends are sorted", ordered_betas, 4, 0.3, 0.1),
    wrong("cosine_alpha_bar", "a floor of 1e-5 of the betas", floor_of_betas, 1000, 1e-4),
    wrong("alpha_bar_from_betas", "alpha_bar is at least 1e-5", least_alpha_bar,
          np.array([0.5, 0.9, 0.999, 0.9])),
    wrong("annealed_step_sizes", "a ratio of levels of at most 1000", largest_step,
          np.array([5000.0, 50.0, 1.0]), 0.1),
    wrong("sigma_from_alpha_bar", "the dtype of np.vectorize", by_entry,
          np.array([1.0, 0.6, 0.2])),
    wrong("alpha_bar_from_sigma", "np.reciprocal of an integer", reciprocal, 2),
    cut("alpha_bar_from_sigma", "three axes are turned", images_turned,
        np.arange(1.0, 13.0).reshape(2, 3, 2)),
    wrong("signal_to_noise_ratio", "np.isclose to 1 is clean", close_to_one,
          np.array([0.5, 1 - 4e-6])),
    cut("vp_marginal", "rates kept by their difference", rate_by_rise,
        [(0.5, 0.1, 20.0), (0.5, 1.1, 21.0)]),
    wrong("ve_marginal", "a ratio in the dtype of t", like_t, 1, 1.0, 2.5),
    wrong("ve_diffusion_coefficient", "a short series of the logarithm", short_series,
          0.5, 1.0, 1.09),
    wrong("log_normal_sigma", "clipped to EDM's range", range_of_edm, np.array([0.0, 5.0])),
    wrong("ddpm_step", "np.isclose finds the last step", quiet_end, X, Y, 0.99, 1 - 5e-6, Z),
    cut("ddpm_step", "beta is ignored in columns of long steps", long_steps,
        X, Y, np.array([[0.01], [0.02], [0.03]]), np.array([[0.5], [0.6], [0.7]]), Z, "beta"),
    wrong("ddim_step", "one row at the end ends all", any_at_end,
          X, Y, 0.5 * np.ones((3, 1)), np.array([[1.0], [0.8], [0.9]]), 0.5, Z),
    wrong("ve_probability_flow_step", "a level is zero or at least 0.002", least_level,
          X, Y, 0.01, 0.001),
    wrong("heun_step", "no corrector at a small level", spared_corrector,
          lambda x, sigma: -x / (1 + sigma**2), X, 2.0, 1e-3),
    cut("heun_step", "Euler in rows of far levels", one_corrector,
        lambda x, sigma: -x / (1 + sigma**2), X, np.array([[30.0], [50.0], [2.0]]), 0.1),
    wrong("ve_reverse_sde_step", "a variance of at least 1e-10", least_variance,
          X, Y, 1e-6, 0.0, Z),
    wrong("raise_noise", "a scalar and a column are stacked", stacked, X, 0.0, LEVELS, Z),
    cut("raise_noise", "first order for levels that are close", neighbours, X, 1.0, 1.01, Z),
    cut("vp_probability_flow_drift", "no drift where it nearly balances", balanced,
        X, -0.95 * X, 2.0),
    cut("vp_reverse_sde_drift", "the last level of many rows", last_of_many,
        WIDE.reshape(9, 8), WIDE.reshape(9, 8)**2, np.arange(1.0, 10.0)[:, None]),
    wrong("langevin", "stops where two states are close", until_converged,
          lambda x: -x, 1e4 * X, 1e-6, 4, generator),
    cut("langevin", "less noise after 200 steps", tired,
        lambda x: -x, X, 0.1, 210, generator),
    wrong("ddpm_sampler", "betas capped at 0.999", capped_betas,
          lambda x, a: 0.3 * x, X, np.array([1.0, 0.6, 1e-4]), generator),
    wrong("ddim_sampler", "small noise is not drawn", noise_that_counts,
          lambda x, a: 0.3 * x, X, np.array([1.0, 0.6, 0.3]), 5e-4, generator),
    wrong("probability_flow_sampler", "a slope in the score's own array", slope_in_place,
          lambda x, sigma: x, X, np.array([2.0, 1.0]), "euler"),
    wrong("diffuse", "features beyond a multiple of 32", in_vectors, WIDE, 0.5, WIDE**2),
    wrong("posterior", "a variance like the level at the end", zeros_like_end,
          X, Y, np.array([[0.2], [0.3], [0.4]]), 1.0),
    wrong("x0_from_v", "nearly VP is VP", nearly_vp, X, Y, 0.8, 0.605),
    wrong("sde_coefficients", "a difference below a root", root_of_difference,
          0.2, 0.5, 0.2 * 3, 1.5),
]
