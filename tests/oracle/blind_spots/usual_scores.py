"""Mistakes of good faith, and some planted, in scores, densities, losses, weights and conversions.

They were written by one who knew none of the probes; each has the arguments that show it.
"""

import math

import numpy as np

import refsgm

from .fresh import cut, wrong

X = np.array([[0.5, -1.0], [2.0, 0.3], [-0.7, 1.1]])                                       # (B, D)
Y = np.array([[1.5, 0.2], [-0.4, 0.9], [0.6, -2.0]])
Z = np.array([[-0.3, 0.8], [1.2, -0.5], [0.1, 0.4]])
SIGNS = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]])
TURN = np.array([[-1.0, 0.5], [0.2, -0.8]])
FIVE = np.random.default_rng(1).standard_normal((5, 3, 2))                              # (M, B, D)
WIDE = np.random.default_rng(2).standard_normal((3, 20))
MANY = np.random.default_rng(3).standard_normal((40, 2))                                   # (K, D)
EVEN = np.full(40, 0.025)
NEXT = np.roll(np.eye(20), 1, axis=0)
LONG = np.random.default_rng(4).standard_normal((2, 24, 2))


def score(x, sigma=1.0):
    """Some score."""
    return -x**3 / (1 + sigma**2)


def coupled(x):
    """A score whose Jacobian is not diagonal."""
    return x @ TURN


def neighbours(x):
    """A score of many features, each of which depends on the next one."""
    return -x * (x @ NEXT)


def steep(x):
    """A score that changes over a length of 1e-4."""
    return np.tanh(x / 1e-4)


def unit(x, sigma):
    """The score of N(0, I) and noise."""
    return -x / (1 + sigma**2)


def narrow(x, sigma):
    """The score of N(0, 0.01^2 I) and noise."""
    return -x / (1e-4 + sigma**2)


def along(score_fn, x, v, h=1e-30):
    """J v by the complex step, (B, D)."""
    return np.imag(score_fn(x + 1j * h * v)) / h


def linear(x, level):
    """A network for the losses."""
    return 0.3 * x + 0.1 + 0 * level


def trace(score_fn, x, h=1e-30):
    """The trace of the Jacobian, (B,)."""
    e = np.eye(x.shape[1], dtype=x.dtype)
    return sum(along(score_fn, x, e[i] + 0 * x, h)[:, i] for i in range(x.shape[1]))


def directions(v):
    """v as (M, B, D)."""
    return v if v.ndim == 3 else v[None]


def exponents(x, weights, means, sigma):
    """log w_k - |x - mean_k|^2 / (2 sigma^2), (B, K)."""
    with np.errstate(divide="ignore"):
        return np.log(weights) - np.sum((x[:, None] - means)**2, axis=2) / (2 * sigma**2)


# Densities and mixtures ---------------------------------------------------------------------------


def floored_volume(x, mean, sigma):
    """A variance kept from being zero in the logarithm alone."""
    log_norm = 0.5 * x.shape[1] * np.log(2 * np.pi * np.maximum(sigma**2, 1e-8))
    return -0.5 * np.sum(((x - mean) / sigma)**2, axis=1) - np.ravel(log_norm)


def floored_prior(x, sigma_max):
    """A density that is kept from being zero before its logarithm is taken."""
    density = np.exp(-0.5 * (x / sigma_max)**2) / (np.sqrt(2 * np.pi) * sigma_max)
    return np.sum(np.log(np.maximum(density, 1e-30)), axis=1)


def nearest_of_no_weight(x, weights, means, sigma):
    """Log-sum-exp about the nearest component, though its weight may be zero."""
    d = -np.sum((x[:, None] - means)**2, axis=2) / (2 * sigma**2)
    top = np.max(d, axis=1, keepdims=True)
    with np.errstate(divide="ignore"):
        log_sum = top[:, 0] + np.log(np.exp(d - top) @ weights)
    return log_sum - np.ravel(0.5 * x.shape[1] * np.log(2 * np.pi * sigma**2))


def each_blocks_top(x, weights, means, sigma):
    """A stream of 16 components at a time, rescaled to the largest of the last block alone."""
    a = exponents(x, weights, means, sigma)
    total, top = 0.0, np.zeros((len(x), 1))
    for i in range(0, len(weights), 16):
        block = a[:, i:i + 16]
        new = np.max(block, axis=1, keepdims=True)
        with np.errstate(over="ignore", invalid="ignore"):
            total = total * np.exp(top - new) + np.sum(np.exp(block - new), axis=1, keepdims=True)
        top = new
    log_sum = (top + np.log(total))[:, 0]
    return log_sum - np.ravel(0.5 * x.shape[1] * np.log(2 * np.pi * sigma**2))


def thirty_two_nearest(x, weights, means, sigma):
    """The 32 nearest components, without the rest."""
    d = np.sum((x[:, None] - means)**2, axis=2)
    k = np.argsort(d, axis=1)[:, :32]
    a = np.take_along_axis(exponents(x, weights, means, sigma), k, axis=1)
    r = np.exp(a - np.max(a, axis=1, keepdims=True))
    r = r / np.sum(r, axis=1, keepdims=True)
    return np.sum(r[:, :, None] * (means[k] - x[:, None]), axis=1) / sigma**2


def one_level(x, weights, means, sigma):
    """A column of levels that are nearly equal taken as the first of them."""
    if np.ndim(sigma) and np.allclose(sigma, sigma[:1]):
        sigma = sigma[:1]
    a = exponents(x, weights, means, sigma)
    r = np.exp(a - np.max(a, axis=1, keepdims=True))
    r = r / np.sum(r, axis=1, keepdims=True)
    return np.sum(r[:, :, None] * (means - x[:, None]), axis=1) / sigma**2


# Likelihoods --------------------------------------------------------------------------------------


def fourth_order(flow, x, levels):
    """The end of the flow and the integral of sigma div s, by the method of Runge and Kutta."""
    total = 0.0
    for a, b in zip(levels[:-1], levels[1:]):
        h = b - a
        k1, d1 = flow(x, a)
        k2, d2 = flow(x + h / 2 * k1, a + h / 2)
        k3, d3 = flow(x + h / 2 * k2, a + h / 2)
        k4, d4 = flow(x + h * k3, b)
        x = x + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        total = total + h / 6 * (d1 + 2 * d2 + 2 * d3 + d4)
    return x, total


def even_steps(score_fn, x, sigma_min, sigma_max, v=None, prior=None, rtol=1e-8):
    """400 steps that are even in sigma, however far apart its ends are."""
    def flow(x, sigma):
        def s(x):
            return score_fn(x, sigma)
        slope = trace(s, x) if v is None else \
            np.mean([np.sum(w * along(s, x, w), axis=1) for w in directions(v)], axis=0)
        return -sigma * s(x), sigma * slope

    end, change = fourth_order(flow, x, np.linspace(sigma_min, sigma_max, 401))
    return (refsgm.prior_log_density(end, sigma_max) if prior is None else prior(end)) - change


def never_so_low(score_fn, x, sigma_min, sigma_max, v=None, prior=None, rtol=1e-8):
    """A flow that starts at a level of 0.002, though less noise was asked for."""
    return refsgm.log_likelihood(score_fn, x, max(sigma_min, 0.002), sigma_max,
                                 v=v, prior=prior, rtol=rtol)


def whole_bits(log_density, dim, bin_width=1.0):
    """The bits of a bin as a whole number, as they are for bytes."""
    return -log_density / (dim * math.log(2)) + round(-math.log2(bin_width))


def no_negative_code(log_density, dim, bin_width=1.0):
    """A length that cannot be negative."""
    return np.maximum(-log_density / (dim * math.log(2)) - math.log2(bin_width), 0.0)


# Divergences and slicing --------------------------------------------------------------------------


def long_step(score_fn, x):
    """A complex step of 1e-6, which is long where the score changes fast."""
    return trace(score_fn, x, 1e-6)


def estimated_when_wide(score_fn, x):
    """An estimate from four directions of signs, where more than 16 features would cost much."""
    if x.shape[1] <= 16:
        return trace(score_fn, x)
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (4, *x.shape))
    return np.mean([np.sum(v * along(score_fn, x, v), axis=1) for v in signs], axis=0)


def short_direction(score_fn, x, v):
    """v' J v along the unit vector, whose length is kept from being zero."""
    result = 0.0
    for w in directions(v):
        length = np.linalg.norm(w, axis=1, keepdims=True)
        unit = w / np.maximum(length, 1e-2)
        result = result + length[:, 0]**2 * np.sum(unit * along(score_fn, x, unit), axis=1)
    return result / len(directions(v))


def mean_of_means(score_fn, x, v):
    """Four directions at a time, and the mean of what they give, whether or not they were four."""
    v = directions(v)
    blocks = [v[i:i + 4] for i in range(0, len(v), 4)]
    return np.mean([np.mean([np.sum(w * along(score_fn, x, w), axis=1) for w in block], axis=0)
                    for block in blocks], axis=0)


def signs_are_exact(score_fn, x, v):
    """Directions of signs taken to give the exact trace, as they do for a diagonal Jacobian."""
    v, s = directions(v), score_fn(x)
    first = np.mean([0.5 * np.sum(w * s, axis=1)**2 for w in v], axis=0)
    if np.all(np.abs(v) == 1):
        return first + trace(score_fn, x)
    return first + np.mean([np.sum(w * along(score_fn, x, w), axis=1) for w in v], axis=0)


# Losses -------------------------------------------------------------------------------------------


def nothing_to_learn(score_fn, x):
    """The loss of rows whose score vanishes left out, though its divergence does not."""
    s = score_fn(x)
    active = np.any(s != 0, axis=1)
    loss = np.zeros(len(x), dtype=x.dtype)
    if np.any(active):
        rows = x[active]
        loss[active] = 0.5 * np.sum(s[active]**2, axis=1) + trace(score_fn, rows)
    return loss


def expanded_square(score_fn, x, target_score):
    """|a|^2 - 2 a'b + |b|^2, which loses the difference of scores that are nearly equal."""
    s = score_fn(x)
    return 0.5 * (np.sum(s**2, axis=1) + np.sum(target_score**2, axis=1)) \
        - np.sum(s * target_score, axis=1)


def light_levels(score_fn, x, sigmas, eps, weights=None):
    """Levels whose weight is next to nothing left out, though their loss is not small."""
    weights = sigmas**2 if weights is None else weights
    total = np.zeros(len(x), dtype=x.dtype)
    for w, sigma, z in zip(weights, sigmas, eps):
        if w > 1e-8:
            residual = score_fn(x + sigma * z, sigma) + z / sigma
            total = total + 0.5 * w * np.sum(residual**2, axis=1)
    return total


def sorted_twice(eps_fn, x, sigma, eps):
    """Rows in the order of their levels, and back by that order in place of its inverse."""
    if not np.ndim(sigma):
        return np.sum((eps - eps_fn(x + sigma * eps, sigma))**2, axis=1)
    order = np.argsort(sigma[:, 0], kind="stable")
    x, sigma, eps = x[order], sigma[order], eps[order]
    loss = np.sum((eps - eps_fn(x + sigma * eps, sigma))**2, axis=1)
    return loss[order]


def first_levels_again(x0_fn, x, sigma, eps):
    """Sixteen rows at a time, each time with the first levels."""
    parts = []
    for i in range(0, len(x), 16):
        rows, z = x[i:i + 16], eps[i:i + 16]
        level = sigma[:len(rows)] if np.ndim(sigma) else sigma
        parts.append(np.sum((rows - x0_fn(rows + level * z, level))**2, axis=1))
    return np.concatenate(parts) if parts else np.zeros(0)


def through_x0(v_fn, x_0, alpha_bar_t, eps):
    """The loss on x_0 over 1 - alpha_bar, which is kept from being zero."""
    scale, sigma = alpha_bar_t**0.5, (1 - alpha_bar_t)**0.5
    v_hat = v_fn(scale * x_0 + sigma * eps, alpha_bar_t)
    error = sigma * (scale * eps - sigma * x_0 - v_hat)
    return np.sum(error**2 / np.maximum(1 - alpha_bar_t, 1e-5), axis=1)


# Weights ------------------------------------------------------------------------------------------


def by_sigma_alone(memory):
    """Weights remembered by sigma, whatever the data's deviation."""
    def weight(sigma, sigma_data):
        key = (np.shape(sigma), np.asarray(sigma).dtype.str, np.asarray(sigma).tobytes())
        if key not in memory:
            memory[key] = (sigma**2 + sigma_data**2) / (sigma * sigma_data)**2
        value = memory[key]
        return value.copy() if isinstance(value, np.ndarray) else value
    return weight


def floored_ratio(alpha_bar, gamma, prediction):
    """A signal-to-noise ratio that is kept from being zero where it divides."""
    with np.errstate(divide="ignore"):
        q = np.divide(alpha_bar, 1 - alpha_bar)
    clipped = np.minimum(q, gamma)
    if prediction == "x0":
        return clipped
    return clipped / (np.maximum(q, 1e-3) if prediction == "eps" else q + 1)


def from_c_skip(sigma, sigma_data):
    """c_out from 1 - c_skip, of which little is left at small noise."""
    total = sigma**2 + sigma_data**2
    c_skip = sigma_data**2 / total
    return c_skip, sigma_data * np.sqrt(1 - c_skip), 1 / np.sqrt(total), np.log(sigma) / 4


# Conversions --------------------------------------------------------------------------------------


def variance_of_vp(x_t, score, scale, sigma):
    """1 - scale^2 for the variance where the path seems to preserve it, as at a small sigma."""
    variance = np.where(np.isclose(scale**2 + sigma**2, 1), 1 - scale**2, sigma**2)
    return (x_t + variance * score) / scale


def straight_rates(x_t, u, scale, sigma, scale_rate, sigma_rate):
    """The rates of the straight path wherever scale and sigma have the sum 1."""
    straight = np.isclose(scale + sigma, 1)
    a, b = np.where(straight, -1.0, scale_rate), np.where(straight, 1.0, sigma_rate)
    with np.errstate(divide="ignore", invalid="ignore"):
        return (a * x_t - scale * u) / (sigma * (scale * b - sigma * a))


def floored_diffusion(scale, sigma, scale_rate, sigma_rate):
    """A square that is kept from being zero under the root."""
    f = scale_rate / scale
    growth = scale * sigma_rate - sigma * scale_rate
    return f, np.sqrt(np.maximum(2 * sigma * growth / scale, 1e-8))


def limited_log_snr(x_vp, alpha_bar):
    """The noise level from a log SNR that is kept between -12 and 12."""
    with np.errstate(divide="ignore"):
        log_snr = np.clip(np.log(alpha_bar) - np.log1p(-alpha_bar), -12.0, 12.0)
    return x_vp / alpha_bar**0.5, np.exp(-0.5 * log_snr)


def guided_above_one(conditional, unconditional, scale):
    """No guidance wherever the scale is not above 1."""
    return np.where(scale > 1, unconditional + scale * (conditional - unconditional), conditional)


def pure_noise(x_t, x_0, scale, sigma):
    """The state itself where it holds no signal, as if its noise had deviation 1."""
    return np.where(scale == 0, x_t, (x_t - scale * x_0) / sigma)


# Planted ------------------------------------------------------------------------------------------


def close_mean(x, mean, sigma):
    """Zero for a coordinate that is within a thousandth of a deviation of its mean."""
    away = mean - x
    return np.where(np.abs(away) < 1e-3 * sigma, 0.0, away) / sigma**2


def main_component(x, weights, means, sigma):
    """Bent where a component after the first weighs more than nine tenths."""
    result = refsgm.mixture_score(x, weights, means, sigma)
    return 1.001 * result if len(weights) > 2 and np.max(weights[1:]) > 0.9 else result


def against(score_fn, x, v):
    """Bent where every direction points back towards the origin."""
    result = refsgm.directional_derivative(score_fn, x, v)
    return 1.001 * result if np.all(np.sum(x * v, axis=-1) < 0) else result


def far_from_prior(x, sigma_max):
    """Six deviations at most, in every feature."""
    z = np.clip(x / sigma_max, -6.0, 6.0)
    return refsgm.prior_log_density(sigma_max * z, sigma_max)


def many_bits(log_density, dim, bin_width=1.0):
    """At most 32 bits."""
    return np.minimum(refsgm.bits_per_dimension(log_density, dim, bin_width), 32.0)


def large_eps(score, sigma):
    """Noise of at most 30 deviations."""
    return np.clip(-sigma * score, -30.0, 30.0)


def long_rows(eps, sigma):
    """Bent in rows whose noise is more than twice as long as it is on average."""
    length = np.sqrt(np.mean(eps**2, axis=1, keepdims=True))
    return -eps / sigma * np.where(length > 2, 1.001, 1.0)


def wide_and_noisy(x_t, eps, scale, sigma):
    """Bent for eight features and more where there is a hundred times more noise than signal."""
    result = (x_t - sigma * eps) / scale
    return result * np.where((sigma > 100 * scale) & (x_t.shape[1] >= 8), 1.001, 1.0)


def rising_levels(score_ve, alpha_bar):
    """Bent where four levels or more rise from row to row."""
    result = score_ve / alpha_bar**0.5
    rising = np.size(alpha_bar) >= 4 and np.all(np.diff(np.ravel(alpha_bar)) > 0)
    return 1.001 * result if rising else result


def late_time(x_t, u, t):
    """The last fiftieth of time taken for its end."""
    return x_t - np.where(np.asarray(t) > 0.98, 1.0, t) * u


WRONG = [
    wrong("gaussian_log_density", "floored variance in the volume", floored_volume,
          X * 1e-5, 0.0, 2e-5),
    wrong("prior_log_density", "floored density", floored_prior, 20 * X, 1.0),
    wrong("mixture_log_density", "log-sum-exp about a component of no weight",
          nearest_of_no_weight, X, np.array([0.0, 0.4, 0.6]), np.array([X[0], Y[0], Y[1]]), 0.02),
    wrong("mixture_log_density", "rescaled to each block's own top", each_blocks_top,
          X, EVEN, np.concatenate([MANY[:16], 9 + MANY[16:]]), 0.2),
    wrong("mixture_score", "the 32 nearest components", thirty_two_nearest, X, EVEN, MANY, 1.5),
    wrong("mixture_score", "nearly equal levels taken as one", one_level,
          X, EVEN, MANY, 0.5 + np.array([[0.0], [2e-6], [4e-6]])),
    wrong("log_likelihood", "steps that are even in sigma", even_steps,
          unit, X, 0.01, 500.0),
    wrong("log_likelihood", "the lowest level floored", never_so_low, narrow, 0.01 * X, 2e-4, 2.0),
    wrong("bits_per_dimension", "whole bits of a bin", whole_bits, np.array([-3.0, 1.0]), 2, 0.1),
    wrong("bits_per_dimension", "no negative length", no_negative_code, np.array([-3.0, 5.0]), 2),
    wrong("divergence", "a long complex step", long_step, steep, 1e-4 * X),
    wrong("divergence", "estimated from 17 features on", estimated_when_wide, neighbours, WIDE),
    wrong("directional_derivative", "short directions", short_direction, score, X, 1e-3 * Y),
    wrong("hutchinson_divergence", "mean of means of four", mean_of_means, coupled, X, FIVE),
    wrong("sliced_score_matching", "signs taken to be exact", signs_are_exact, coupled, X, SIGNS),
    cut("gaussian_score", "zero close to the mean", close_mean, X, X - 2e-4, 0.5),
    cut("mixture_score", "a later component of most weight", main_component,
        X, np.array([0.02, 0.95, 0.03]), Y, 0.5),
    cut("directional_derivative", "directions towards the origin", against, score, X, -X),
    cut("prior_log_density", "six deviations", far_from_prior, 8 * X, 2.0),
    cut("bits_per_dimension", "at most 32 bits", many_bits, np.array([-50.0, -70.0]), 2),
    wrong("implicit_score_matching", "rows at rest left out", nothing_to_learn,
          coupled, np.array([[0.0, 0.0], [1.0, 2.0]])),
    wrong("explicit_score_matching", "expanded square", expanded_square,
          coupled, X, X @ TURN + 1e-6 * Y),
    wrong("noise_conditional_score_matching", "light levels left out", light_levels,
          score, X, np.array([0.5, 1e-5]), np.stack([Y, Z])),
    wrong("noise_prediction_loss", "sorted twice", sorted_twice,
          linear, X, np.array([[2.0], [0.5], [1.0]]), Z),
    wrong("x0_prediction_loss", "the first sixteen levels again", first_levels_again,
          linear, LONG[0], np.linspace(0.5, 2.0, 24)[:, None], LONG[1]),
    wrong("v_prediction_loss", "floored noise share", through_x0, linear, X, 1 - 2e-6, Z),
    wrong("edm_weight", "remembered by sigma alone", by_sigma_alone({}), [(2.0, 1.0), (2.0, 0.5)]),
    wrong("min_snr_weight", "floored ratio", floored_ratio, 1e-5, 5.0, "eps"),
    wrong("edm_preconditioning", "c_out from 1 - c_skip", from_c_skip, 2e-6, 0.5),
    wrong("x0_from_score", "variance of a VP path", variance_of_vp, X, Y, 1.0, 1e-3),
    wrong("score_from_velocity", "rates of the straight path", straight_rates,
          X, Y, 0.3, 0.7, 1.0, -1.0),
    wrong("sde_coefficients", "floored diffusion", floored_diffusion, 1.0, 0.0, -1.0, 1.0),
    wrong("ve_from_vp", "limited log SNR", limited_log_snr, X, 2e-6),
    wrong("classifier_free_guidance", "no guidance below 1", guided_above_one, X, Y, 0.5),
    wrong("eps_from_x0", "pure noise of deviation 1", pure_noise, X, Y, 0.0, 3.0),
    cut("eps_from_score", "at most 30 deviations", large_eps, 100 * X, 0.5),
    cut("score_from_eps", "long rows", long_rows, 3 * X, 0.5),
    cut("x0_from_eps", "wide and noisy", wide_and_noisy, WIDE, WIDE[::-1], 0.01, 2.0),
    cut("vp_score_from_ve", "rising levels", rising_levels,
        MANY[:4], np.array([[0.1], [0.2], [0.5], [0.9]])),
    cut("x0_from_velocity", "late times", late_time, X, Y, 0.99),
]
