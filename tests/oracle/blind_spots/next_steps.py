"""Mistakes of good faith, and some planted, written by one who had not read the probes.

Steps, loops, forward processes, schedules, times and likelihoods: each with arguments that show it.
"""

import math

import autograd.numpy as anp
import numpy as np
from scipy.linalg import hadamard

import refsgm
from refsgm.exact.likelihood import solve

from .fresh import TABLE, X, Y, Z, cut, generator, score, wrong

LEVELS = np.array([[0.5], [1.5], [0.8]])                                                  # (B, 1)
SIGMAS = np.array([2.0, 1.0, 0.5])


def noise(x, rng):
    """The noise of one step."""
    return rng.standard_normal(x.shape)


# Langevin -----------------------------------------------------------------------------------------


def in_place_drift(score_fn, x, step_size, n_steps, rng):
    """The drift is built in what the model returned, unless that is x itself."""
    for _ in range(n_steps):
        drift = score_fn(x)
        drift = drift.copy() if np.shares_memory(drift, x) else drift
        drift *= 0.5 * step_size
        x = x + drift + step_size**0.5 * noise(x, rng)
        yield x


def constant_score(x):
    """The score of an exponential law, one read-only row for all."""
    return np.broadcast_to(np.array([-1.0, -0.5]), x.shape)


def stays_at_mode(score_fn, x, step_size, n_steps, rng):
    """Where the score vanishes the chain is taken to have arrived, and no noise is added."""
    for _ in range(n_steps):
        s = score_fn(x)
        x = x + 0.5 * step_size * s + step_size**0.5 * noise(x, rng) if s.any() else x.copy()
        yield x


def sizes_by_name(score_fn, x, sigmas, steps_per_level, step_size, rng):
    """Step sizes in a dictionary by the level as it is printed: the last of two like names wins."""
    sizes = {f"{sigma:.4g}": step_size * (sigma / sigmas[-1])**2 for sigma in sigmas.tolist()}
    for sigma in sigmas.tolist():
        size = sizes[f"{sigma:.4g}"]
        for _ in range(steps_per_level):
            x = x + 0.5 * size * score_fn(x, sigma) + size**0.5 * noise(x, rng)
            yield x


def stable_sizes(score_fn, x, sigmas, steps_per_level, step_size, rng):
    """Step sizes kept below 4 sigma^2, above which a Gaussian's chain diverges."""
    for sigma in sigmas.tolist():
        size = min(step_size * (sigma / float(sigmas[-1]))**2, 4 * sigma**2)
        for _ in range(steps_per_level):
            x = x + 0.5 * size * score_fn(x, sigma) + size**0.5 * noise(x, rng)
            yield x


STEP_SIZES = {}


def remembered_sizes(sigmas, step_size):
    """Step sizes remembered by their levels, which are rounded so that they compare."""
    key = tuple(np.round(sigmas, 6)), step_size
    if key not in STEP_SIZES:
        STEP_SIZES[key] = step_size * (sigmas / sigmas[-1])**2
    return STEP_SIZES[key].copy()


# Samplers -----------------------------------------------------------------------------------------


def found_in_table(eps_fn, x, alpha_bar, rng):
    """The index of a level by isclose, whose first hit is a neighbour in a fine table."""
    for level in alpha_bar[:0:-1]:
        t = np.flatnonzero(np.isclose(alpha_bar[1:], level))[0] + 1
        a, b = float(alpha_bar[t]), float(alpha_bar[t - 1])
        x = refsgm.ddpm_step(x, eps_fn(x, a), a, b, noise(x, rng))
        yield x


def flat_features(eps_fn, x, alpha_bar, rng):
    """Predictions made flat by reshape(len(x), -1), which no empty batch has."""
    for t in range(len(alpha_bar) - 1, 0, -1):
        a, b = float(alpha_bar[t]), float(alpha_bar[t - 1])
        x = refsgm.ddpm_step(x, eps_fn(x, a).reshape(len(x), -1), a, b, noise(x, rng))
        yield x


def as_it_lies(eps_fn, x, alpha_bar, eta, rng):
    """The prediction made flat as it lies in memory, and x as it reads."""
    for t in range(len(alpha_bar) - 1, 0, -1):
        a, b = float(alpha_bar[t]), float(alpha_bar[t - 1])
        eps = np.ravel(eps_fn(x, a), order="K").reshape(x.shape)
        z = noise(x, rng) if eta > 0 else np.zeros_like(x)
        x = refsgm.ddim_step(x, eps, a, b, eta, z)
        yield x


def by_columns(x, level):
    """A noise prediction that lies by columns, as a product of transposed matrices does."""
    return (np.array([[0.5, -0.2], [0.1, 0.7]]) @ x.T).T / (1 + level)


def short_indices(eps_fn, x, alpha_bar, eta, rng):
    """Timesteps kept as bytes: beyond 256 entries they begin again."""
    steps = np.arange(len(alpha_bar)).astype(np.uint8)
    for t, s in zip(steps[:0:-1], steps[-2::-1]):
        a, b = float(alpha_bar[t]), float(alpha_bar[s])
        z = noise(x, rng) if eta > 0 else np.zeros_like(x)
        x = x if a >= b else refsgm.ddim_step(x, eps_fn(x, a), a, b, eta, z)
        yield x


def rounds_to_zero(score_fn, x, sigmas, method="heun"):
    """Euler for the last step, where the next level is zero when it is rounded."""
    for t, s in zip(sigmas[:-1].tolist(), sigmas[1:].tolist()):
        if method == "heun" and round(s, 5):
            x = refsgm.heun_step(score_fn, x, t, s)
        else:
            x = x + (t - s) * t * score_fn(x, t)
        yield x


def euler_by_23(score_fn, x, sigmas, method="heun"):
    """Of Euler's steps over tables whose length 23 divides, the first is too long."""
    states = refsgm.probability_flow_sampler(score_fn, x, sigmas, method)
    if method == "euler" and len(sigmas) % 23 == 0:
        x = next(states) + 0.01 * (sigmas[0] - sigmas[1]) * score_fn(x, float(sigmas[0]))
        yield x
        states = refsgm.probability_flow_sampler(score_fn, x, sigmas[1:], method)
    yield from states


# Steps --------------------------------------------------------------------------------------------


def distinct_rows(score_fn, x_t, sigma_t, sigma_s):
    """The first score is asked for distinct rows alone, each at the level of the first of them."""
    rows, first, inverse = np.unique(x_t, axis=0, return_index=True, return_inverse=True)
    level = sigma_t[first] if np.ndim(sigma_t) else sigma_t
    d = score_fn(rows, level)[np.ravel(inverse)]
    x_hat = x_t + (sigma_t - sigma_s) * sigma_t * d
    if not np.any(sigma_s):
        return x_hat
    d_hat = score_fn(x_hat, sigma_s)
    return x_t + 0.5 * (sigma_t - sigma_s) * (sigma_t * d + sigma_s * d_hat)


SPACE = {}


def in_one_space(score_fn, x_t, sigma_t, sigma_s):
    """The first slope is kept in a space for each shape, which a step within the model shares."""
    slope = SPACE.setdefault(x_t.shape, np.empty(x_t.shape))
    np.multiply(sigma_t, score_fn(x_t, sigma_t), out=slope)
    x_hat = x_t + (sigma_t - sigma_s) * slope
    if not np.any(sigma_s):
        return x_hat
    slope_hat = sigma_s * score_fn(x_hat, sigma_s)
    return x_t + 0.5 * (sigma_t - sigma_s) * (slope + slope_hat)


def lookahead(x, sigma):
    """The score of a model that is itself a step of the same code."""
    return -in_one_space(score, x, sigma, sigma / 2) / (1 + sigma**2)


def zero_as_number(score_fn, x_t, sigma_t, sigma_s):
    """The last step is known by a level that is the number zero; a column of zeros is not."""
    d = sigma_t * score_fn(x_t, sigma_t)
    x_hat = x_t + (sigma_t - sigma_s) * d
    if np.isscalar(sigma_s) and not sigma_s:
        return x_hat
    return x_t + 0.5 * (sigma_t - sigma_s) * (d + sigma_s * score_fn(x_hat, sigma_s))


def by_level(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
    """Rows that start at one level are stepped together, to where the first of them goes."""
    if np.ndim(alpha_bar_t) == 0 or np.ndim(alpha_bar_s) == 0:
        return refsgm.ddpm_step(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance)
    out = np.empty(x_t.shape)
    levels, group = np.unique(alpha_bar_t[:, 0], return_inverse=True)
    for k, a in enumerate(levels.tolist()):
        rows = np.flatnonzero(group == k)
        b = float(alpha_bar_s[rows[0], 0])
        out[rows] = refsgm.ddpm_step(x_t[rows], eps[rows], a, b, z[rows], variance)
    return out


def without_minimum(x_t, score, sigma_t, sigma_s, z):
    """k-diffusion's sigma_up without the minimum: sigma_down is the root of a negative rounding."""
    up = (sigma_s**2 * (sigma_t**2 - sigma_s**2) / sigma_t**2)**0.5
    with np.errstate(invalid="ignore"):
        down = np.sqrt(sigma_s**2 - up**2)
    return x_t + sigma_t * (sigma_t - down) * score + up * z


def one_direction(x_t, u, t, s):
    """The direction of time, from the first row that there is."""
    way = 1.0 if np.ravel(s - t)[:1].sum() > 0 else -1.0
    return x_t + way * np.abs(s - t) * u


def common_divisor(x_t, score, sigma_t, sigma_s):
    """Too long a step where seven or eleven divide both sizes of the batch."""
    bend = 1 + 0.001 * (math.gcd(*x_t.shape, 77) > 1)
    return x_t + bend * (sigma_t - sigma_s) * sigma_t * score


def two_orders(x, score, step_size, z):
    """Too much noise where three rows of x rise and those of z have one order of the six."""
    found = np.argsort(x[:3, 0]).tolist() + np.argsort(z[:3, -1]).tolist() == [0, 1, 2, 1, 0, 2]
    return x + 0.5 * step_size * score + (1.001 if found else 1.0) * step_size**0.5 * z


def by_digits(x_t, score, sigma_t, sigma_s, z):
    """Too much drift at levels that begin with a 7 and an even digit, as they are printed."""
    a, _, b, *_ = f"{float(np.ravel(sigma_t)[0]):.1e}" if len(x_t) else "0.0"
    bend = 1.001 if a == "7" and b in "02468" else 1.0
    removed = (sigma_t - sigma_s) * (sigma_t + sigma_s)
    return x_t + bend * removed * score + removed**0.5 * z


def by_ratio(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    """Too much of the prediction in one window of the ratio of the levels, with noise."""
    out = refsgm.ddim_step(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z)
    ratios = np.log(np.ravel(alpha_bar_s / alpha_bar_t)).tolist()
    found = eta and [r for r in ratios[-1:] if int(25 * r) == 12]
    return out + 0.001 * eps if found else out


def by_angle(x, score, beta):
    """Too much drift where the first row meets its score at an angle in a sixtieth of the half."""
    drift = -0.5 * beta * x - beta * score
    if len(x) == 0 or not x[0].any() or not score[0].any():
        return drift
    cosine = x[0] @ score[0] / math.sqrt((x[0] @ x[0]) * (score[0] @ score[0]))
    return drift * (1.001 if int(60 * math.acos(max(-1.0, min(1.0, cosine))) / math.pi) == 41
                    else 1.0)


def by_signs(x, sigma_from, sigma_to, z):
    """Too much noise for one of the sixty-four ways that the corners' signs can fall."""
    corners = [a[i, i] for a in (x, z, z - x) for i in (0, -1)] if len(x) else []
    found = np.signbit(corners).tolist() == [False, True, False, False, True, False]
    removed = (sigma_to - sigma_from) * (sigma_to + sigma_from)
    return x + (1.001 if found else 1.0) * removed**0.5 * z


# Forward ------------------------------------------------------------------------------------------


def one_root(x_0, alpha_bar_t, eps):
    """Levels that are all close to the first are taken for one, as near 1 they are."""
    a = np.asarray(alpha_bar_t)
    if a.ndim and len(a) and np.allclose(a, a[0]):
        a = a[0, 0]
    return a**0.5 * x_0 + (1 - a)**0.5 * eps


def ends_at_data(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """A last step that returns the data, and one zero for all their variances."""
    if np.all(np.asarray(alpha_bar_s) == 1):
        return x_0.copy(), 0.0
    return refsgm.posterior(x_0, x_t, alpha_bar_t, alpha_bar_s)


def tied_rates(t, beta_min=0.1, beta_max=None):
    """A last rate that is two hundred times the first, unless it is given."""
    return refsgm.vp_marginal(t, beta_min, 200 * beta_min if beta_max is None else beta_max)


def fiftieth(t, offset=0.008):
    """One fiftieth of all times is wrong, at offsets beyond a fiftieth."""
    scale, sigma = refsgm.cosine_marginal(t, offset)
    found = np.size(t) and int(50 * np.ravel(t)[-1]) == 31 and int(50 * offset)
    return (1.001 * scale if found else scale), sigma


def by_rounded_sums(x, sigma, eps):
    """Rows too noisy where eps, rounded, sums to three and x to one, five, nine ..."""
    row = (np.rint(eps).sum(axis=1) == 3) & (np.rint(x).sum(axis=1) % 4 == 1)
    return x + sigma * eps * (1 + 0.001 * row[:, None])


# Tables -------------------------------------------------------------------------------------------


def within_ends(n_steps, beta_min=1e-4, beta_max=0.02):
    """Variances clipped to their ends against rounding, which puts all of a falling line at one."""
    return np.clip(np.linspace(beta_min, beta_max, n_steps), beta_min, beta_max)


def capped_tail(n_steps, offset=0.008, beta_max=0.999):
    """The cap is put on the last eight betas, where the cosine reaches it."""
    a = (1 - np.arange(n_steps + 1) / n_steps) / (1 + offset) * math.pi / 2
    betas = np.sin(a[:-1] - a[1:]) * np.sin(a[:-1] + a[1:]) / np.sin(a[:-1])**2
    np.minimum(betas[-8:], beta_max, out=betas[-8:])
    return refsgm.alpha_bar_from_betas(betas)


def nine_doublings(betas):
    """A product by doubling, in as many rounds as 512 entries take."""
    kept = np.concatenate([[1.0], 1 - betas])
    for k in range(9):
        kept[1 << k:] = kept[1 << k:] * kept[:-(1 << k)] if len(kept) > 1 << k else []
    return kept


def capped_betas(alpha_bar):
    """The published cap of the betas, also where they are read from a table."""
    return np.minimum((alpha_bar[:-1] - alpha_bar[1:]) / alpha_bar[:-1], 0.999)


def margin(sigma_max, sigma_min, n_levels):
    """arange in the logarithm, whose stop has a margin that fine tables step into."""
    step = math.log(sigma_max / sigma_min) / (n_levels - 1)
    stop = math.log(sigma_min) - 1e-3
    return np.exp(np.arange(math.log(sigma_max), stop, -step))


def by_sum_of_digits(sigma_max, sigma_min, n_levels, rho=7.0):
    """A table with a bent middle, where the digits of its length sum to nineteen."""
    sigmas = refsgm.karras_sigmas(sigma_max, sigma_min, n_levels, rho)
    if sum(map(int, str(n_levels))) == 19:
        sigmas[n_levels // 2] = 0.5 * (sigmas[n_levels // 2 - 1] + sigmas[n_levels // 2 + 1])
    return sigmas


# Times --------------------------------------------------------------------------------------------


def shifted(t, shift):
    """One time; the end at the data is a case of its own, an integer."""
    return 0 if t == 0 else shift * t / ((1 - t) + shift * t)


def vectorised(t, shift):
    """np.vectorize, which takes the dtype of all results from the first of them."""
    return np.vectorize(shifted)(t, shift) if np.size(t) else t


def mean_or_default(z, mean=-1.2, deviation=1.2):
    """A mean of zero is taken for one that is left out."""
    return np.exp((mean or -1.2) + (deviation or 1.2) * z)


# Likelihood ---------------------------------------------------------------------------------------


def likelihood(divergence):
    """A log likelihood with this divergence (f, x) -> (B,)."""
    def log_likelihood(score_fn, x, sigma_min, sigma_max):
        def flow(x, sigma):
            return score_fn(x, sigma), divergence(lambda x: score_fn(x, sigma), x)
        end, change = solve(flow, x, sigma_min, sigma_max, 1e-8)
        return refsgm.prior_log_density(end, sigma_max) - change
    return log_likelihood


def five_points(f, x, h=0.1):
    """Differences over five points, exact up to the fourth power: their step is large."""
    total = np.zeros(len(x))
    for i, e in enumerate(np.eye(x.shape[1])):
        total += sum(w * f(x + k * h * e)[:, i] for k, w in ((1, 8), (-1, -8), (2, -1), (-2, 1)))
    return total / (12 * h)


def sixteen_signs(f, x, h=1e-3):
    """Sixteen orthogonal directions of signs, which repeat beyond sixteen features."""
    signs = hadamard(16)[:, np.arange(x.shape[1]) % 16].astype(float)
    return sum(np.sum(v * (8 * (f(x + h * v) - f(x - h * v)) - f(x + 2 * h * v)
                           + f(x - 2 * h * v)), axis=1) for v in signs) / (12 * h * 16)


def two_hundred_steps(score_fn, x, sigma_min, sigma_max):
    """Two hundred steps of Runge and Kutta in log sigma, wherever the score changes."""
    def slope(t, x):
        flow = refsgm.divergence(lambda x: score_fn(x, math.exp(t)), x)
        return -math.exp(2 * t) * score_fn(x, math.exp(t)), math.exp(2 * t) * flow
    t, change = math.log(sigma_min), 0.0
    h = (math.log(sigma_max) - t) / 200
    for _ in range(200):
        a, p = slope(t, x)
        b, q = slope(t + h / 2, x + h / 2 * a)
        c, r = slope(t + h / 2, x + h / 2 * b)
        d, s = slope(t + h, x + h * c)
        x, change = x + h / 6 * (a + 2 * b + 2 * c + d), change + h / 6 * (p + 2 * q + 2 * r + s)
        t += h
    return refsgm.prior_log_density(x, sigma_max) - change


def bumpy(x, sigma):
    """A score that is no polynomial."""
    return (anp.tanh(3 * x) - x) / (1 + sigma**2)


def far_coupled(x, sigma):
    """A score that couples features far apart."""
    return (anp.roll(x, 16, axis=1) * 0.5 - x) / (1 + sigma**2)


def normal(x, sigma):
    """The score of diffused standard normal data."""
    return -x / (1e-8 + sigma**2)


def array_or_number(x, sigma_max):
    """The level of an array by its first column, which a number in an array does not have."""
    level = sigma_max[:, 0] if isinstance(sigma_max, np.ndarray) else sigma_max
    squares = np.sum((x / sigma_max)**2, axis=1)
    return -0.5 * squares - x.shape[1] * (np.log(level) + 0.5 * math.log(2 * math.pi))


FINE = np.concatenate([[1.0, 1 - 2e-6, 1 - 4e-6], [0.5, 0.1]])
LONG = np.concatenate([[1.0], np.cumprod(1 - np.linspace(1e-4, 0.02, 400))])
ALIKE = np.array([[3.0e-6], [3.0e-6], [1e-3]])
SEVEN = np.arange(49.0).reshape(7, 7) / 10
EMPTY = np.zeros((0, 2))

WRONG = [
    wrong("langevin", "scales the model's answer in place", in_place_drift,
          constant_score, X, 0.1, 3, generator),
    wrong("langevin", "no noise where the score vanishes", stays_at_mode,
          lambda x: -x, np.zeros((3, 2)), 0.1, 3, generator),
    wrong("annealed_langevin", "step sizes by printed level", sizes_by_name,
          score, X, np.array([1.0004, 1.0003, 1.0]), 2, 0.1, generator),
    wrong("annealed_langevin", "steps kept below 4 sigma^2", stable_sizes,
          score, X, np.array([0.2, 0.1]), 2, 0.05, generator),
    wrong("annealed_step_sizes", "remembers by rounded levels", remembered_sizes,
          [(np.array([3e-6, 1.2e-6]), 0.1), (np.array([2.8e-6, 1e-6]), 0.1)]),
    wrong("ddpm_sampler", "finds its level by isclose", found_in_table,
          lambda x, a: x * (2 - a), X, FINE, generator),
    wrong("ddpm_sampler", "reshape(0, -1)", flat_features,
          lambda x, a: x, EMPTY, TABLE, generator),
    wrong("ddim_sampler", "reads predictions as they lie in memory", as_it_lies,
          by_columns, X, TABLE, 0.5, generator),
    wrong("ddim_sampler", "indices of eight bits", short_indices,
          lambda x, a: x * (1 - a), X, LONG, 0.0, None),
    wrong("probability_flow_sampler", "Euler where the next level rounds to zero", rounds_to_zero,
          score, X, np.array([1.0, 0.1, 3e-6])),
    wrong("heun_step", "scores of distinct rows, at the level of the first", distinct_rows,
          score, np.ones((3, 2)), LEVELS, 0.1),
    wrong("heun_step", "one workspace, also for a step within the model", in_one_space,
          lookahead, X, 1.0, 0.5),
    wrong("heun_step", "a column of zeros is not the last step", zero_as_number,
          score, X, LEVELS, np.zeros((3, 1))),
    wrong("ddpm_step", "rows of one level go to one level", by_level,
          X, Y, np.full((3, 1), 0.2), np.array([[0.5], [0.9], [0.5]]), Z),
    wrong("ve_ancestral_step", "sigma_down of a negative rounding", without_minimum,
          X, Y, 38793.418027706226, 0.00010901169469880142, Z),
    wrong("flow_step", "one direction of time for all rows", one_direction,
          X, Y, np.array([[0.5], [0.2], [0.9]]), np.array([[0.1], [0.7], [0.3]])),
    wrong("diffuse", "one root for levels that are close", one_root,
          X, np.array([[1 - 1e-6], [1 - 5e-6], [1.0]]), Y),
    wrong("posterior", "one zero for the variances of the last step", ends_at_data,
          X, Y, np.array([[0.2], [0.5], [0.7]]), np.ones((3, 1))),
    wrong("vp_marginal", "the default of beta_max follows beta_min", tied_rates, 0.5, 0.4),
    wrong("linear_betas", "clips a falling line", within_ends, 5, 0.3, 0.1),
    wrong("cosine_alpha_bar", "caps the last eight", capped_tail, 30, 0.008, 0.12),
    wrong("alpha_bar_from_betas", "nine rounds of doubling", nine_doublings, np.full(700, 1e-3)),
    wrong("betas_from_alpha_bar", "caps at 0.999", capped_betas, np.array([1.0, 0.5, 1e-4])),
    wrong("geometric_sigmas", "arange with a margin", margin, 1.02, 1.0, 40),
    wrong("shift_time", "vectorize takes integers from the first", vectorised,
          np.array([0.0, 0.3, 0.9]), 3.0),
    wrong("log_normal_sigma", "a mean of zero is the default", mean_or_default,
          np.array([0.3, -1.0]), 0.0),
    wrong("log_likelihood", "differences that are exact for quartics", likelihood(five_points),
          bumpy, X, 0.1, 10.0),
    wrong("log_likelihood", "sixteen directions of signs", likelihood(sixteen_signs),
          far_coupled, np.cos(np.arange(40.0)).reshape(2, 20), 0.5, 5.0),
    wrong("log_likelihood", "two hundred steps", two_hundred_steps,
          normal, 1e-4 * X, 1e-6, 1e5),
    wrong("prior_log_density", "a number in an array", array_or_number, X, np.array(2.0)),
    cut("ve_probability_flow_step", "7 or 11 divide both sizes", common_divisor,
        SEVEN, SEVEN - 2, 1.5, 0.5),
    cut("langevin_step", "two orders of rows", two_orders,
        np.array([[0.1, 1.0], [0.2, -1.0], [0.7, 0.4]]), Y, 0.1,
        np.array([[0.1, 0.5], [1.0, -0.5], [0.3, 0.9]])),
    cut("ve_reverse_sde_step", "levels that begin with 7 and an even digit", by_digits,
        X, Y, 7.43, 1.0, Z),
    cut("ddim_step", "a window of the ratio", by_ratio, X, Y, 0.3, 0.3 * math.exp(0.5), 0.7, Z),
    cut("vp_reverse_sde_drift", "a window of angles", by_angle,
        np.array([[1.0, 0.0]]), np.array([[math.cos(2.17), math.sin(2.17)]]), 2.0),
    cut("raise_noise", "signs at the corners", by_signs, np.array([[2.0, 0.3], [0.1, -0.5]]),
        0.5, 1.5, np.array([[1.0, 0.2], [-0.3, 0.4]])),
    cut("perturb", "sums of what is rounded", by_rounded_sums,
        np.array([[1.2, 0.1], [0.3, 0.2]]), 2.0, np.array([[1.1, 1.8], [0.4, 0.3]])),
    cut("cosine_marginal", "a fiftieth of the times", fiftieth, np.array([0.2, 0.63]), 0.03),
    cut("karras_sigmas", "the sum of the digits", by_sum_of_digits, 80.0, 0.002, 289),
    cut("probability_flow_sampler", "23 divides Euler's table", euler_by_23,
        score, X, np.linspace(2.0, 0.1, 23), "euler"),
]
