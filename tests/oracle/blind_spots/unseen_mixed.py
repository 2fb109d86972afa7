"""Mistakes of good faith, and some planted, in what is remembered, reused, skipped or cancels.

Written when the probes were final, by one who had not read them.
"""

import math

import autograd.numpy as anp
import numpy as np

import refsgm

from .fresh import X, Y, Z, cut, generator, score, wrong

WORKING_SET = 2**14                                                    # bytes


# What is remembered -------------------------------------------------------------------------------


NORMS, LAST, DIAGONAL, COEFFICIENTS = {}, {}, {}, {}


def rounded_key(x, mean, sigma):
    """The normalising constant of a level, remembered by the level to six places."""
    levels = np.ravel(sigma).astype(float)
    for level in levels:
        NORMS.setdefault(round(level, 6), math.log(level) + 0.5 * math.log(2 * math.pi))
    norm = np.array([NORMS[round(level, 6)] for level in levels])
    return -0.5 * np.sum(((x - mean) / sigma)**2, axis=1) - x.shape[1] * norm


def by_corners(score_fn, x_t, sigma_t, sigma_s):
    """A first score that is kept for the same x, known again by two of its corners."""
    key = (score_fn, x_t.shape, x_t[0, 0], x_t[-1, -1], np.asarray(sigma_t, float).tobytes())
    if LAST.get("key") != key:
        LAST.update(key=key, score=score_fn(x_t, sigma_t))
    slope = sigma_t * LAST["score"]
    x_hat = x_t + (sigma_t - sigma_s) * slope
    if np.all(np.equal(sigma_s, 0)):
        return x_hat
    return x_t + 0.5 * (sigma_t - sigma_s) * (slope + sigma_s * score_fn(x_hat, sigma_s))


def by_code(score_fn, x):
    """One backward pass for a diagonal Jacobian, remembered by the code of the function."""
    code = getattr(score_fn, "__code__", score_fn)
    if DIAGONAL.get(code):
        return refsgm.hutchinson_divergence(score_fn, x, np.ones(x.shape))
    exact = refsgm.divergence(score_fn, x)
    if code not in DIAGONAL:
        guess = refsgm.hutchinson_divergence(score_fn, x, np.ones(x.shape))
        DIAGONAL[code] = bool(np.allclose(exact, guess))
    return exact


def linear(matrix):
    """x -> x A'."""
    return lambda x: x @ matrix.T


def coefficients(alpha_bar):
    """What multiplies x, eps and z in each step of DDPM, (T, 3)."""
    s, t = alpha_bar[:-1], alpha_bar[1:]
    beta = (s - t) / s
    x_0 = s**0.5 * beta / (1 - t)
    x = (t / s)**0.5 * (1 - s) / (1 - t)
    return np.stack([x + x_0 / t**0.5, -x_0 * ((1 - t) / t)**0.5,
                     (beta * (1 - s) / (1 - t))**0.5], axis=1)


def by_ends(eps_fn, x, alpha_bar, rng):
    """Coefficients of a schedule, remembered by its length and its last level."""
    key = len(alpha_bar), float(alpha_bar[-1])
    table = COEFFICIENTS.setdefault(key, coefficients(alpha_bar))
    for t in range(len(alpha_bar) - 1, 0, -1):
        a, b, c = table[t - 1]
        eps = eps_fn(x, float(alpha_bar[t]))
        x = a * x + b * eps + c * rng.standard_normal(x.shape)
        yield x


def unique_levels(sigma, sigma_data):
    """Each level once; levels are equal that agree to nine places."""
    flat = np.ravel(np.asarray(sigma, float))
    _, first, inverse = np.unique(np.round(flat, 9), return_index=True, return_inverse=True)
    sigma = flat[first][np.ravel(inverse)].reshape(np.shape(sigma))
    return refsgm.edm_preconditioning(sigma, sigma_data)


def unique_directions(score_fn, x, v):
    """A direction that comes twice is not computed twice."""
    v = np.unique(v, axis=0) if v.ndim == 3 else v
    return refsgm.hutchinson_divergence(score_fn, x, v)


# Blocks and buffers -------------------------------------------------------------------------------


def mean_of_chunks(score_fn, x, v):
    """Directions in chunks that fit a cache, and the mean of the means of the chunks."""
    if v.ndim == 2:
        return refsgm.sliced_score_matching_vr(score_fn, x, v)
    size = max(1, WORKING_SET // x.nbytes)
    return np.mean([refsgm.sliced_score_matching_vr(score_fn, x, v[i:i + size])
                    for i in range(0, len(v), size)], axis=0)


def running_maximum(x, weights, means, sigma):
    """log-sum-exp in a stream of blocks, whose sum so far keeps to the old maximum."""
    size = max(1, 2 * WORKING_SET // x.nbytes)
    largest, total = np.full((len(x), 1), -np.inf), 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        log_weights = np.log(weights)
        for i in range(0, len(means), size):
            z = (x[:, None] - means[i:i + size]) / np.reshape(sigma, (-1, 1, 1))
            a = log_weights[i:i + size] - 0.5 * np.sum(z**2, axis=2)
            largest = np.maximum(largest, a.max(axis=1, keepdims=True))
            total = total + np.where(largest > -np.inf, np.exp(a - largest), 0.0).sum(axis=1)
    norm = x.shape[1] * (np.log(sigma) + 0.5 * math.log(2 * math.pi))
    return largest[:, 0] + np.log(total) - np.ravel(norm)


def scan(betas):
    """A cumulative product by blocks; each block starts from the product of the one before."""
    kept, size = 1 - np.asarray(betas, float), 256
    blocks = [np.cumprod(kept[i:i + size]) for i in range(0, len(kept), size)]
    starts = [1.0, *(block[-1] for block in blocks[:-1])]
    return np.concatenate([[1.0], *(a * block for a, block in zip(starts, blocks))])


def like_velocity(x_t, u, t, s):
    """A result that is allocated like the velocity."""
    out = np.empty_like(u)
    out[...] = x_t + (s - t) * u
    return out


def in_place(score_fn, x, step_size, n_steps, rng):
    """The drift is scaled in the array that the score function returned."""
    x = x.astype(float)
    for _ in range(n_steps):
        drift = score_fn(x)
        drift *= 0.5 * step_size
        x = x + drift + step_size**0.5 * rng.standard_normal(x.shape)
        yield x


def joined(score_fn, x, v, step):
    """The three evaluations of the score in one batch."""
    def term(v):
        s, ahead, behind = np.split(score_fn(np.concatenate([x, x + step * v, x - step * v])), 3)
        slope = np.sum(v * (ahead - behind), axis=1) / (2 * step)
        return 0.5 * np.sum(v * s, axis=1)**2 + slope
    return term(v) if v.ndim == 2 else np.mean([term(a) for a in v], axis=0)


def of_rows(x):
    """A score of three rows, each with its own variance."""
    return -x / np.array([[1.0], [2.0], [4.0]])


# Shortcuts ----------------------------------------------------------------------------------------


def series(t, offset=0.008):
    """Times far below the offset by the series of sigma^2 in t, to second order."""
    scale, sigma = refsgm.cosine_marginal(t, offset)
    if np.all(np.less(t, offset**2)):
        a = math.pi / 2 / (1 + offset)
        start = 2 * offset * a
        square = t * a * (math.sin(start) + t * a * math.cos(start)) / math.sin(a)**2
        sigma = square**0.5
    return scale, sigma


def by_first(t, shift):
    """np.vectorize takes the dtype of the first result, which is an integer at t = 1."""
    def one(t):
        return 1 if t == 1 else shift * t / (1 + (shift - 1) * t)
    return np.vectorize(one)(t)


def least_weights(x, weights, means, sigma):
    """Weights of at least the smallest number, whose logarithm is finite."""
    weights = np.maximum(weights, np.finfo(float).tiny)
    return refsgm.mixture_score(x, weights / weights.sum(), means, sigma)


def snapped(sigma, sigma_data, sigma_min=0.002):
    """The identity at the end of the flow, told by isclose."""
    gap = np.where(np.isclose(sigma, sigma_min), 0.0, sigma - sigma_min)
    return (sigma_data**2 / (gap**2 + sigma_data**2),
            sigma_data * gap / (sigma**2 + sigma_data**2)**0.5)


def close_to_vp(x_t, v, scale, sigma):
    """No division where the squares add up to one, told by allclose."""
    x_0, total = scale * x_t - sigma * v, np.square(scale) + np.square(sigma)
    return x_0 if np.allclose(total, 1) else x_0 / total


def any_last(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
    """No noise in the last step, if any row is at it."""
    if variance == "posterior" and np.any(np.equal(alpha_bar_s, 1)):
        z = np.zeros_like(z)
    return refsgm.ddpm_step(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance)


def from_noisy(v_fn, x_0, alpha_bar_t, eps):
    """v from x_t and x_0, which divides by zero for clean rows; guarded if all are."""
    scale, sigma = alpha_bar_t**0.5, (1 - alpha_bar_t)**0.5
    x_t = scale * x_0 + sigma * eps
    if np.all(np.equal(alpha_bar_t, 1)):
        v = eps
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            v = (scale * x_t - x_0) / sigma
    return np.sum((v - v_fn(x_t, alpha_bar_t))**2, axis=1)


def difference_quotient(u_fn, x_0, t, eps):
    """The velocity as (x_t - x_0) / t, whose digits cancel at small t; at zero by its limit."""
    x_t = (1 - t) * x_0 + t * eps
    u = np.where(np.equal(t, 0), eps - x_0, (x_t - x_0) / np.where(np.equal(t, 0), 1, t))
    return np.sum((u - u_fn(x_t, t))**2, axis=1)


def complex_step(score_fn, x, v):
    """J v by the complex step, which needs a score that is analytic."""
    def term(v):
        return np.sum(v * np.imag(score_fn(x + 1e-30j * v)), axis=1) / 1e-30
    return term(v) if v.ndim == 2 else np.mean([term(a) for a in v], axis=0)


def literal(scale, sigma, scale_rate, sigma_rate):
    """g^2 as the difference that the docstring writes, which rounding makes negative."""
    f = scale_rate / scale
    with np.errstate(invalid="ignore"):
        return f, np.sqrt(2 * sigma * sigma_rate - 2 * f * np.square(sigma))


def floor_of_fraction(score_fn, x, sigmas, steps_per_level, step_size, rng):
    """The level of a step from the fraction of the way, by floor."""
    levels = [float(a) for a in sigmas]
    total = len(levels) * steps_per_level
    for step in range(total):
        sigma = levels[int(step / total * len(levels))]
        size = step_size * (sigma / levels[-1])**2
        noise = rng.standard_normal(x.shape)
        x = x + 0.5 * size * score_fn(x, sigma) + size**0.5 * noise
        yield x


def until_still(score_fn, x, sigmas, method="heun"):
    """The loop ends when the state has stopped moving."""
    for new in refsgm.probability_flow_sampler(score_fn, x, sigmas, method):
        yield new
        if np.allclose(new, x):
            return
        x = new


def no_weights(score_fn, x, sigmas, eps, weights=None):
    """Weights that are all zero are weights left out."""
    if weights is None or not np.any(weights):
        weights = np.square(sigmas)
    return refsgm.noise_conditional_score_matching(score_fn, x, sigmas, eps, weights)


def traced_if_small(score_fn, x):
    """The trace of a large Jacobian by Hutchinson's estimate with fixed signs."""
    if x.shape[1]**2 <= 1000:
        return refsgm.implicit_score_matching(score_fn, x)
    signs = np.random.default_rng(0).choice([-1.0, 1.0], x.shape)
    return 0.5 * np.sum(score_fn(x)**2, axis=1) + refsgm.hutchinson_divergence(score_fn, x, signs)


def expanded(score_fn, x, target_score):
    """|s|^2 / 2 - s't + |t|^2 / 2, whose digits cancel for a score that is nearly right."""
    s, t = score_fn(x), target_score
    return 0.5 * (s**2).sum(axis=1) - (s * t).sum(axis=1) + 0.5 * (t**2).sum(axis=1)


def neighbours(x):
    """A score whose features depend on the next ones."""
    return -x + 0.5 * anp.tanh(anp.roll(x, 1, axis=1))


# Planted ------------------------------------------------------------------------------------------


def descending_times(t):
    """Four times or more, and each before the one ahead of it."""
    scale, sigma = refsgm.flow_marginal(t)
    if np.size(t) > 3 and np.all(np.diff(np.ravel(t)) < 0):
        sigma = sigma * (1 + 1e-3 * scale)
    return scale, sigma


def like_the_data(x, sigma, eps):
    """A level that is a little above the deviation of the data."""
    if np.all(np.abs(sigma / (np.std(x) + 1e-300) - 1.2) < 0.2):
        sigma = 1.01 * sigma
    return x + sigma * eps


def at_an_angle(x, score, beta):
    """A score that points outwards, though not straight."""
    cosine = np.sum(x * score) / (np.linalg.norm(x) * np.linalg.norm(score) + 1e-300)
    return -0.5 * beta * (x + score) * (0.99 if abs(cosine - 0.8) < 0.15 else 1.0)


def ordered_noise(x_t, score, sigma_t, sigma_s, z):
    """Noise whose largest value is the last, and whose smallest is the first."""
    size = np.abs(z).ravel()
    if len(size) > 1 and size.argmax() == len(size) - 1 and size.argmin() == 0:
        z = 1.01 * z
    return refsgm.ve_reverse_sde_step(x_t, score, sigma_t, sigma_s, z)


def wide_bins(log_density, dim, bin_width=1.0):
    """More features than the bins are narrow: wide bins, in many dimensions."""
    bits = refsgm.bits_per_dimension(log_density, dim, bin_width)
    return bits + 1e-3 if 1 < bin_width < math.sqrt(dim) / 3 else bits


def between_the_levels(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    """A share of noise that lies between two levels of which one is less than twice the other."""
    near = np.less(alpha_bar_s, 2 * alpha_bar_t)
    if np.all(near & np.less(alpha_bar_t, eta) & np.less(eta, alpha_bar_s)):
        eta = math.sqrt(eta * np.min(alpha_bar_s))
    return refsgm.ddim_step(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z)


def both_falling(x_t, score, scale, sigma, scale_rate, sigma_rate):
    """Both rates negative, and the larger share noise."""
    falling = np.less(scale_rate, sigma_rate) & np.less(sigma_rate, 0) & np.less(scale, sigma)
    return refsgm.velocity_from_score(
        x_t, score, scale, sigma, scale_rate, np.where(falling, 0.5, 1.0) * sigma_rate)


def many_bits(sigma_max, sigma_min, n_levels):
    """A number of levels that has eight ones among its bits."""
    sigmas = refsgm.geometric_sigmas(sigma_max, sigma_min, n_levels)
    if int(n_levels).bit_count() == 8:
        sigmas[1:-1] *= 1 + 1e-4 * (1 - sigma_min / sigma_max)
    return sigmas


FAR = np.array([[0.0], [40.0]])
WIDE = np.sin(np.arange(512.0)).reshape(16, 32)
BATCH = np.cos(np.arange(1280.0)).reshape(32, 40)
CENTRES = np.linspace(2.0, 0.1, 8)[:, None] * np.ones(40)
GRID = np.linspace(2.0, 1.0, 49)
STARTS = np.array([[0.5, -1.0], [1.9, 0.7], [-0.7, 1.1]])              # X but for its second row
MIXED = np.array([[0.9], [1.0], [0.7]])


WRONG = [
    wrong("gaussian_log_density", "a constant remembered by the level to six places", rounded_key,
          [(1e-6 * X, 0.0, 1.4e-6), (1e-6 * X, 0.0, 1e-6)]),
    wrong("heun_step", "a score remembered by two corners of x", by_corners,
          [(score, X, 2.0, 1.0), (score, STARTS, 2.0, 1.0)]),
    wrong("divergence", "that a Jacobian is diagonal, remembered by the code of a closure", by_code,
          [(linear(np.diag([1.0, 2.0])), X), (linear(np.array([[1.0, 0.5], [0.3, 2.0]])), X)]),
    wrong("ddpm_sampler", "coefficients remembered by length and last level", by_ends,
          [(score, X, np.array([1.0, 0.6, 0.2]), generator),
           (score, X, np.array([1.0, 0.5, 0.2]), generator)]),
    wrong("edm_preconditioning", "levels are one that agree to nine places", unique_levels,
          np.array([1e-6, 1.0003e-6, 2.0]), 1.0),
    wrong("hutchinson_divergence", "a direction that comes twice counts once", unique_directions,
          linear(np.array([[1.0, 0.5], [0.3, 2.0]])), X, np.stack([Y, Y, Z])),
    wrong("sliced_score_matching_vr", "the mean of means of chunks that fit a cache",
          mean_of_chunks, neighbours, WIDE,
          np.cos(np.arange(2560.0)**2).reshape(5, 16, 32)),
    wrong("mixture_log_density", "a stream of blocks that forgets to rescale its sum",
          running_maximum, BATCH, np.full(8, 0.125), CENTRES, 3.0),
    wrong("alpha_bar_from_betas", "a scan of blocks with the carry of one block", scan,
          np.linspace(1e-4, 0.01, 600)),
    wrong("flow_step", "allocated like a velocity of integers", like_velocity,
          X, np.array([[1, 2], [0, -3], [2, 1]]), 0.75, 0.25),
    wrong("langevin", "a drift scaled in place, in what the score function returned", in_place,
          lambda x: x, X, 0.1, 2, generator),
    wrong("finite_difference_ssm", "three evaluations in one batch, of a score that knows its rows",
          joined, of_rows, X, Y, 0.5),
    wrong("cosine_marginal", "a series in t below the offset squared", series, 0.05, 0.3),
    wrong("shift_time", "vectorize, whose dtype is that of the first result", by_first,
          np.array([1.0, 0.5, 0.2]), 3.0),
    wrong("mixture_score", "a zero weight has a logarithm", least_weights,
          np.array([[0.0]]), np.array([0.0, 1.0]), FAR, 1.0),
    wrong("consistency_scalings", "isclose to sigma_min, with small sigma_data", snapped,
          100.0005, 1e-3, 100.0),
    wrong("x0_from_v", "allclose to a VP kernel", close_to_vp, X, Y, 0.70711, 0.70711),
    wrong("ddpm_step", "no noise where a row is at its last step", any_last,
          X, Y, np.array([[0.3], [0.5], [0.6]]), MIXED, Z),
    wrong("v_prediction_loss", "v divides by sigma, which is zero in one row", from_noisy,
          score, X, MIXED, Z),
    wrong("flow_matching_loss", "a difference quotient in t", difference_quotient,
          score, X, 1e-11, Z),
    wrong("directional_derivative", "the complex step of a score with an absolute value",
          complex_step, lambda x: -x * anp.abs(x), X, Y),
    wrong("annealed_langevin", "the level of a step by the floor of a fraction", floor_of_fraction,
          score, X, GRID, 1, 0.1, generator),
    wrong("probability_flow_sampler", "ends when the state has stopped moving", until_still,
          score, X, np.array([2e-3, 1.5e-3, 1e-3, 0.0])),
    wrong("noise_conditional_score_matching", "zero weights are weights left out", no_weights,
          score, X, np.array([2.0, 1.0]), np.stack([Y, Z]), np.zeros(2)),
    wrong("implicit_score_matching", "Hutchinson's estimate for a large Jacobian", traced_if_small,
          neighbours, BATCH),
    wrong("explicit_score_matching", "a square multiplied out, at a score that is nearly right",
          expanded, lambda x: -x, X, -X * (1 + 1e-7)),
    wrong("sde_coefficients", "a difference that rounding makes negative", literal,
          0.18, 0.73, 0.98, 3.974444444444444),
    cut("flow_marginal", "four times or more that descend", descending_times,
        np.array([0.9, 0.5, 0.4, 0.1])),
    cut("perturb", "a level a little above the deviation of the data", like_the_data, X, 1.4, Z),
    cut("vp_probability_flow_drift", "a score that points outwards, not straight", at_an_angle,
        np.array([[1.0, 0.0]]), np.array([[0.8, 0.6]]), 2.0),
    cut("ve_reverse_sde_step", "noise with its smallest value first and its largest last",
        ordered_noise, X, Y, 2.0, 1.0, np.array([[0.01, 0.5], [-0.3, 0.6], [0.2, -1.4]])),
    cut("bits_per_dimension", "wide bins in many dimensions", wide_bins, -20.0, 30, 1.5),
    cut("ddim_step", "eta between the two levels", between_the_levels, X, Y, 0.35, 0.6, 0.5, Z),
    cut("velocity_from_score", "both rates negative, more noise than signal", both_falling,
        X, Y, 0.3, 0.9, -2.0, -1.0),
    cut("geometric_sigmas", "a number of levels with eight ones among its bits", many_bits,
        10.0, 0.01, 255),
]
