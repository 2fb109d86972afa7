"""Mistakes of good faith, and some planted, in NumPy, in all families of kinds.

Written when the promises were final, by one who had not read the probes. `at` shows each.
"""

import math
import zlib

import numpy as np
from scipy.special import logsumexp

import refsgm

from .fresh import cut, generator, wrong

X = np.array([[0.5, -1.0], [2.0, 0.3], [-0.7, 1.1]])                                       # (B, D)
Y = np.array([[1.5, 0.2], [-0.4, 0.9], [0.6, -2.0]])
Z = np.array([[-0.3, 0.8], [1.2, -0.5], [0.1, 0.4]])


def some(rows, features, seed=0):
    """Data, (rows, features)."""
    return np.random.default_rng(seed).standard_normal((rows, features))


def score(x, sigma=1.0):
    """Some score."""
    return -x**3 / (1 + sigma**2)


def steep(x):
    """A score that changes over a millionth, as that of data with little noise does."""
    return -np.sin(x * 1e6)


def by_columns(x, sigma):
    """A linear score that is a product with columns, so that its memory runs along them."""
    return (np.array([[-1.0, 0.2], [0.1, -0.5]]) @ x.T).T / (1 + sigma**2)


def read_only(x, sigma):
    """A model that answers one number everywhere, without memory for it."""
    return np.broadcast_to(0.25, x.shape)


def with_features(x, sigma):
    """A denoiser whose level is one more feature."""
    level = np.log(sigma) * np.ones_like(x[:, :1])
    return np.concatenate([x, level], axis=1) @ np.array([[0.5, 0.1], [-0.2, 0.4], [0.3, -0.1]])


def slopes(score_fn, x, v, h=1e-20):
    """v' J v per sample, by the complex step."""
    return np.sum(v * np.imag(score_fn(x + 1j * h * v)) / h, axis=1)


def directions(v):
    """The directions as (M, B, D)."""
    return v if np.ndim(v) == 3 else v[None]


# Gaussians and mixtures ---------------------------------------------------------------------------


def determinant(x, mean, sigma):
    """The logarithm of the determinant of the covariance, which leaves the range at many D."""
    D = x.shape[1]
    covariance = np.square(np.broadcast_to(sigma, (len(x), 1)))[:, :, None] * np.eye(D)
    with np.errstate(all="ignore"):
        log_det = np.log(np.linalg.det(covariance))
    return -0.5 * (np.sum(((x - mean) / sigma)**2, axis=1) + log_det + D * math.log(2 * math.pi))


def log_terms(x, weights, means, sigma):
    """log w_k - |x - m_k|^2 / (2 sigma^2), (B, K)."""
    squares = np.sum(((x[:, None] - means) / np.reshape(sigma, (-1, 1, 1)))**2, axis=2)
    with np.errstate(divide="ignore"):
        return np.log(weights) - 0.5 * squares


def log_norm(x, sigma):
    """The log of the normalising constant, (1,) or (B,)."""
    return x.shape[1] * (np.log(np.ravel(sigma)) + 0.5 * math.log(2 * math.pi))


def within_reach(x, weights, means, sigma):
    """Components 72 below the nearest one left out, whatever they weigh."""
    weights, means = weights[weights > 0], means[weights > 0]
    squares = np.sum(((x[:, None] - means) / np.reshape(sigma, (-1, 1, 1)))**2, axis=2)
    far = squares - squares.min(axis=1, keepdims=True) > 144
    terms = np.where(far, -np.inf, np.log(weights) - 0.5 * squares)
    return logsumexp(terms, axis=1) - log_norm(x, sigma)


def one_hot(x, weights, means, sigma):
    """The likeliest component alone, where all others are far from it in units of sigma."""
    terms = log_terms(x, weights, means, sigma)
    gaps = np.sqrt(np.sum((means[:, None] - means)**2, axis=2)) + np.diag(np.full(len(means), 1e9))
    apart = np.ravel(gaps.min() / np.asarray(sigma)) > 40
    return np.where(apart, terms.max(axis=1), logsumexp(terms, axis=1)) - log_norm(x, sigma)


def distinct_points(x, weights, means, sigma):
    """Every distinct point once, at the level of its first row."""
    points, first, inverse = np.unique(x, axis=0, return_index=True, return_inverse=True)
    level = sigma[first] if np.ndim(sigma) else sigma
    return refsgm.mixture_score(points, weights, means, level)[np.ravel(inverse)]


def merged(x, weights, means, sigma):
    """Components merged whose means agree in eight decimals."""
    _, first, inverse = np.unique(np.round(means, 8), axis=0, return_index=True,
                                  return_inverse=True)
    total = np.bincount(np.ravel(inverse), weights)
    return refsgm.mixture_score(x, total / total.sum(), means[first], sigma)


def ordered_features(x, mean, sigma):
    """Other where the first four features of the first row are in a certain order."""
    order = tuple(np.argsort(x[0, :4]).tolist())
    return (mean - x) / sigma**2 * (1.001 if order == (2, 0, 3, 1) else 1.0)


def odd_sizes(x, sigma, eps):
    """Other at some numbers of rows that meet some numbers of features."""
    rows, features = x.shape
    return x + sigma * eps * (1.001 if rows % 6 == 5 and features % 7 == 6 else 1.0)


# Derivatives and objectives -----------------------------------------------------------------------


REMEMBERED = {}


def remembered_trace(score_fn, x):
    """A divergence that is remembered for a function and the bytes of its points."""
    key = score_fn, x.tobytes()
    if key not in REMEMBERED:
        basis = np.eye(x.shape[1])
        REMEMBERED[key] = sum(slopes(score_fn, x, e[None]) for e in basis)
    return REMEMBERED[key].copy()


def hashed(score_fn, x, v):
    """Other for one in eighty arrays of points."""
    result = np.mean([slopes(score_fn, x, d) for d in directions(v)], axis=0)
    return result * (1.001 if zlib.crc32(x.tobytes()) % 80 == 17 else 1.0)


def expanded(score_fn, x, target_score):
    """1/2 |s|^2 - s'target + 1/2 |target|^2, whose digits cancel where the two are large."""
    s = score_fn(x)
    return 0.5 * np.sum(s * s, axis=1) - np.sum(s * target_score, axis=1) \
        + 0.5 * np.sum(target_score * target_score, axis=1)


def long_step(score_fn, x):
    """A complex step of 1e-8, which is not short where the score is steep."""
    trace = sum(slopes(score_fn, x, e[None], 1e-8) for e in np.eye(x.shape[1]))
    return 0.5 * np.sum(score_fn(x)**2, axis=1) + trace


def exact_at_full_rank(score_fn, x, v):
    """D directions taken for an orthogonal set, which gives ISM exactly."""
    v = directions(v)
    s = score_fn(x)
    if len(v) == x.shape[1] > 2:
        return 0.5 * np.sum(s**2, axis=1) + sum(slopes(score_fn, x, e[None])
                                                for e in np.eye(x.shape[1]))
    return np.mean([0.5 * np.sum(d * s, axis=1)**2 + slopes(score_fn, x, d) for d in v], axis=0)


def unit_directions(score_fn, x, v):
    """Slopes along directions of length one, times the square of their lengths."""
    v = directions(v)
    with np.errstate(invalid="ignore"):
        unit = v / np.linalg.norm(v, axis=2, keepdims=True)
    slope = [np.sum(d * d, axis=1) * slopes(score_fn, x, u) for d, u in zip(v, unit)]
    return 0.5 * np.sum(score_fn(x)**2, axis=1) + np.mean(slope, axis=0)


def as_one_level(score_fn, x, sigma, eps):
    """A column of one level is taken as a number."""
    if np.allclose(sigma, np.ravel(sigma)[0]):
        sigma = float(np.ravel(sigma)[0])
    return 0.5 * np.sum((score_fn(x + sigma * eps, sigma) + eps / sigma)**2, axis=1)


def trimmed(score_fn, x, sigmas, eps, weights=None):
    """Levels without weight at the end left out, with those at the beginning."""
    weights = np.trim_zeros(sigmas**2 if weights is None else weights)
    total = np.zeros(len(x))
    for w, sigma, e in zip(weights, sigmas, eps):
        total += w * refsgm.denoising_score_matching(score_fn, x, float(sigma), e)
    return total


def residual_in_place(eps_fn, x, sigma, eps):
    """The residual is written over the answer of the model."""
    residual = eps_fn(x + sigma * eps, sigma)
    residual -= eps
    return np.einsum("bd,bd->b", residual, residual)


def sorted_levels(eps_fn, x_0, alpha_bar_t, eps):
    """Rows sorted by level for the model, and the order used once more to undo it."""
    if np.ndim(alpha_bar_t) == 0:
        return refsgm.ddpm_loss(eps_fn, x_0, alpha_bar_t, eps)
    order = np.argsort(alpha_bar_t[:, 0], kind="stable")
    loss = refsgm.ddpm_loss(eps_fn, x_0[order], alpha_bar_t[order], eps[order])
    return loss[order]


def level_per_feature(x0_fn, x, sigma, eps):
    """The level is given to the denoiser in the shape of the data."""
    level = np.broadcast_to(sigma, x.shape)
    return np.sum((x - x0_fn(x + level * eps, level))**2, axis=1)


# Noise levels and weights -------------------------------------------------------------------------


TABLES = {}


def rounded_key(sigma_max, sigma_min, n_levels):
    """A table that is remembered for levels of six decimals."""
    key = round(sigma_max, 6), round(sigma_min, 6), n_levels
    if key not in TABLES:
        TABLES[key] = np.geomspace(sigma_max, sigma_min, n_levels)
    return TABLES[key].copy()


def seven_bits(sigma_max, sigma_min, n_levels, rho=7.0):
    """Other in the middle at numbers of levels with seven bits."""
    sigmas = refsgm.karras_sigmas(sigma_max, sigma_min, n_levels, rho)
    if bin(n_levels).count("1") == 7:
        sigmas[n_levels // 2] = 0.5 * (sigmas[n_levels // 2] + sigmas[n_levels // 2 + 1])
    return sigmas


def by_arange(n_steps, offset=0.008, beta_max=0.999):
    """Times i / T by arange, which has one too many at some T."""
    time = np.append(np.arange(0, 1, 1 / n_steps), 1.0)
    left = (1 - time) / (1 + offset) * math.pi / 2
    ratio = (np.sin(left[1:]) / np.sin(left[:-1]))**2
    return np.append(1.0, np.cumprod(1 - np.minimum(1 - ratio, beta_max)))


def never_falling(n_steps, beta_min=1e-4, beta_max=0.02):
    """Betas that are made to rise in spite of rounding."""
    return np.maximum.accumulate(np.linspace(beta_min, beta_max, n_steps))


def strict(t, beta_min=0.1, beta_max=20.0):
    """NaN is to be noticed early, and a small number is too."""
    with np.errstate(all="raise"):
        log_scale = -0.25 * np.square(t) * (beta_max - beta_min) - 0.5 * t * beta_min
        return np.exp(log_scale), np.sqrt(-np.expm1(2 * log_scale))


EPS, X0 = "eps", "x0"


def identical(alpha_bar, gamma, prediction):
    """The word is compared as an object, so one that was read from a file is none of them."""
    n = (1 - alpha_bar) / alpha_bar
    if prediction is EPS:
        return np.minimum(1, gamma * n)
    clipped = 1 / np.maximum(n, 1 / gamma)
    return clipped if prediction is X0 else clipped * (1 - alpha_bar)


def octaves(sigma, sigma_data, sigma_min=0.002):
    """Other in some octaves of sigma / sigma_min that meet some of sigma_data."""
    c_skip, c_out = refsgm.consistency_scalings(sigma, sigma_data, sigma_min)
    octave = math.frexp(np.max(sigma) / sigma_min)[1]
    if octave % 6 == 5 and math.frexp(sigma_data)[1] % 5 == 3:
        c_out = 1.001 * c_out
    return c_skip, c_out


def by_tanh(z, mean=0.0, deviation=1.0):
    """1/2 + 1/2 tanh, whose digits cancel at times near 0."""
    return 0.5 + 0.5 * np.tanh(0.5 * (mean + deviation * z))


# Conversions --------------------------------------------------------------------------------------


def by_angle(x_t, v, scale, sigma):
    """A rotation by the angle whose tangent is sigma / scale."""
    with np.errstate(divide="ignore"):
        angle = np.arctan(sigma / scale)
    return (np.sin(angle) * x_t + np.cos(angle) * v) / np.hypot(scale, sigma)


def stacked(x_t, score, scale, sigma, scale_rate, sigma_rate):
    """A path and its rate, two numbers each, which have one shape."""
    path, rate = np.stack([scale, sigma]), np.stack([scale_rate, sigma_rate])
    growth = path[0] * rate[1] - path[1] * rate[0]
    return (rate[0] * x_t - path[1] * growth * score) / path[0]


def shared_bits(x_t, u, t, s):
    """Other where the leading bits of two times differ in a certain way."""
    bent = np.ndim(t) == np.ndim(s) == 0 and int(32 * t) ^ int(32 * s) == 0b10110
    return x_t + (1.001 if bent else 1.0) * (s - t) * u


# Steps --------------------------------------------------------------------------------------------


def no_noise_at_the_end(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
    """No noise in a step to clean data, which has some with the variance beta."""
    z = np.where(np.equal(alpha_bar_s, 1), 0.0, z)
    return refsgm.ddpm_step(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance)


def digits(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    """Other where eta and alpha_bar_s begin with certain digits."""
    result = refsgm.ddim_step(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z)
    first = f"{eta:.6f}{np.min(alpha_bar_s):.6f}"
    return result * (1.001 if first[2] == "7" and first[10] in "46" else 1.0)


def lost_view(score_fn, x_t, sigma_t, sigma_s):
    """The mean of two slopes is written through a flat view, which may be a copy."""
    first = score_fn(x_t, sigma_t)
    slope = np.zeros_like(first)
    slope.reshape(-1)[:] = np.ravel(sigma_t * first)
    if np.any(sigma_s):
        x_hat = x_t + (sigma_t - sigma_s) * sigma_t * first
        slope.reshape(-1)[:] += np.ravel(sigma_s * score_fn(x_hat, sigma_s))
        slope *= 0.5
    return x_t + (sigma_t - sigma_s) * slope


def counted_signs(x, score, beta):
    """Other where negative entries come in certain numbers."""
    counts = int(np.signbit(x).sum()) % 8, int(np.signbit(score).sum()) % 8
    return -0.5 * beta * (x + score) * (1.001 if counts == (5, 2) else 1.0)


# Loops --------------------------------------------------------------------------------------------


def cycled_noise(score_fn, x, step_size, n_steps, rng):
    """Noise drawn ahead as far as memory goes, and then used again."""
    ahead = max(1, min(n_steps, 2**13 // x.size))
    noise = rng.standard_normal((ahead, *x.shape))
    for i in range(n_steps):
        x = x + 0.5 * step_size * score_fn(x) + step_size**0.5 * noise[i % ahead]
        yield x


def tired(score_fn, x, sigmas, steps_per_level, step_size, rng):
    """Steps a little longer once there have been as many as a byte counts."""
    count = 0
    for sigma in sigmas.tolist():
        size = step_size * (sigma / sigmas[-1])**2
        for _ in range(steps_per_level):
            h = size * (1.01 if count.bit_length() > 8 else 1.0)
            x = x + 0.5 * h * score_fn(x, sigma) + h**0.5 * rng.standard_normal(x.shape)
            count += 1
            yield x


def improved(eps_fn, x, alpha_bar, rng):
    """The first log variance is replaced by the second, which a single step lacks."""
    beta = (alpha_bar[:-1] - alpha_bar[1:]) / alpha_bar[:-1]
    variance = beta * (1 - alpha_bar[:-1]) / (1 - alpha_bar[1:])
    log_variance = np.log(np.append(variance[1], variance[1:]))
    for i in reversed(range(len(beta))):
        a, z = float(alpha_bar[i + 1]), rng.standard_normal(x.shape)
        x_0 = (x - (1 - a)**0.5 * eps_fn(x, a)) / a**0.5
        mean, _ = refsgm.posterior(x_0, x, a, float(alpha_bar[i]))
        x = mean + (i > 0) * np.exp(0.5 * log_variance[i]) * z
        yield x


def bare_root(eps_fn, x, alpha_bar, eta, rng):
    """The root of 1 - alpha_bar_s - sigma^2, which rounding may make negative."""
    levels = alpha_bar[::-1].tolist()
    for a, b in zip(levels[:-1], levels[1:]):
        z = rng.standard_normal(x.shape) if eta > 0 else 0.0
        sigma = eta * ((1 - b) / (1 - a))**0.5 * (1 - a / b)**0.5
        eps = eps_fn(x, a)
        x_0 = (x - (1 - a)**0.5 * eps) / a**0.5
        with np.errstate(invalid="ignore"):
            x = b**0.5 * x_0 + np.sqrt(1 - b - sigma**2) * eps + sigma * z
        yield x


def uneven(score_fn, x, sigmas, method="heun"):
    """Other in tables whose longest step is the last but one and whose shortest the second."""
    lengths = -np.diff(sigmas)
    bent = len(lengths) > 3 and np.argmax(lengths) == len(lengths) - 2 and np.argmin(lengths) == 1
    for state in refsgm.probability_flow_sampler(score_fn, x, sigmas, method):
        yield state * (1.001 if bent else 1.0)


# Likelihood ---------------------------------------------------------------------------------------


def fixed_steps(score_fn, x, sigma_min, sigma_max):
    """Three hundred steps of Runge and Kutta in log sigma, however many decades there are."""
    h = math.log(sigma_max / sigma_min) / 300

    def rate(t, x):
        sigma = math.exp(t)
        trace = sum(slopes(lambda x: score_fn(x, sigma), x, e[None]) for e in np.eye(x.shape[1]))
        return -sigma**2 * score_fn(x, sigma), sigma**2 * trace
    total = np.zeros(len(x))
    for t in math.log(sigma_min) + h * np.arange(300):
        k_1, d_1 = rate(t, x)
        k_2, d_2 = rate(t + h / 2, x + h / 2 * k_1)
        k_3, d_3 = rate(t + h / 2, x + h / 2 * k_2)
        k_4, d_4 = rate(t + h, x + h * k_3)
        x = x + h / 6 * (k_1 + 2 * k_2 + 2 * k_3 + k_4)
        total = total + h / 6 * (d_1 + 2 * d_2 + 2 * d_3 + d_4)
    return refsgm.prior_log_density(x, sigma_max) - total


def whole_bins(log_density, dim, bin_width=1.0):
    """The bins in a unit are counted, in whole numbers."""
    return -log_density / (dim * math.log(2)) + math.log2(max(1, round(1 / bin_width)))


TWO = np.array([[-1.0, 0.0], [1.0, 0.0]])
EVEN = np.array([0.5, 0.5])

WRONG = [
    wrong("gaussian_log_density", "the determinant of the covariance over- or underflows",
          determinant, some(2, 30), 0.0, 1e-6),
    wrong("mixture_log_density", "a reach about the nearest component, whatever it weighs",
          within_reach, np.array([[-1.0, 0.0]]), np.array([1e-90, 1 - 1e-90]), TWO, 0.1),
    wrong("mixture_log_density", "one component alone, even between two", one_hot,
          np.array([[0.0, 0.3]]), EVEN, TWO, 0.01),
    wrong("mixture_score", "equal points at different levels", distinct_points,
          np.array([[0.5, -1.0], [0.5, -1.0]]), EVEN, TWO, np.array([[1.0], [2.0]])),
    wrong("mixture_score", "means that agree in eight decimals are merged", merged,
          np.array([[1e-6]]), EVEN, np.array([[1e-9], [4e-9]]), 1e-6),
    wrong("divergence", "remembered by the bytes of the points, not their shape", remembered_trace,
          [(score, X), (score, X.reshape(2, 3))]),
    wrong("explicit_score_matching", "the square is expanded", expanded,
          lambda x: -1e6 * x, X, -1e6 * X + 1e-3),
    wrong("implicit_score_matching", "a complex step of 1e-8 with a steep score", long_step,
          steep, 1e-6 * X),
    wrong("sliced_score_matching", "D directions are taken for orthogonal ones",
          exact_at_full_rank, score, some(4, 3), some(12, 3, 1).reshape(3, 4, 3)),
    wrong("sliced_score_matching_vr", "a direction that is zero is divided by its length",
          unit_directions, score, X, np.array([[1.0, -1.0], [0.0, 0.0], [0.5, 2.0]])),
    wrong("denoising_score_matching", "small levels that are nearly one are taken as one",
          as_one_level, score, X, np.array([[1e-6], [1.004e-6], [1.009e-6]]), Z),
    wrong("noise_conditional_score_matching", "a first weight of zero shifts the levels", trimmed,
          score, X, np.array([2.0, 1.0, 0.5]), np.stack([X, Y, Z]), np.array([0.0, 1.0, 2.0])),
    wrong("noise_prediction_loss", "writes into what the model returns", residual_in_place,
          read_only, X, 0.7, Z),
    wrong("ddpm_loss", "a permutation where its inverse is meant", sorted_levels,
          score, X, np.array([[0.9], [0.2], [0.5]]), Z),
    wrong("x0_prediction_loss", "the level has the shape of the data", level_per_feature,
          with_features, X, np.array([[0.5], [1.0], [2.0]]), Z),
    wrong("geometric_sigmas", "remembered by rounded levels", rounded_key,
          [(1.0, 1.2e-6, 5), (1.0, 1.4e-6, 5)]),
    wrong("cosine_alpha_bar", "arange by 1 / T, an entry too many", by_arange, 49),
    wrong("linear_betas", "betas that fall are made to rise", never_falling, 5, 0.02, 1e-4),
    wrong("vp_marginal", "raises where a scale underflows", strict, 1.0, 0.1, 4000.0),
    wrong("min_snr_weight", "a word compared as an object", identical,
          0.75, 1.5, "".join(["e", "ps"])),
    wrong("logit_normal_time", "digits cancel at times near 0", by_tanh, -3.0, -8.0, 10.0),
    wrong("eps_from_v", "sigma / scale at a scale of zero", by_angle, X, Y, 0.0, 1.0),
    wrong("velocity_from_score", "a number and a column are stacked", stacked,
          X, Y, np.array([[0.5], [0.8], [0.3]]), 0.5, -1.0, 1.0),
    wrong("ddpm_step", "no noise in the last step with variance beta", no_noise_at_the_end,
          X, Y, 0.5, 1.0, Z, "beta"),
    wrong("heun_step", "writes through a flat view that is a copy", lost_view,
          by_columns, X, 2.0, 1.0),
    wrong("langevin", "noise is used again once a buffer ends", cycled_noise,
          lambda x: -x, some(32, 40), 0.1, 9, generator),
    wrong("ddpm_sampler", "the second variance of a table that has one", improved,
          score, X, np.array([1.0, 0.3]), generator),
    wrong("ddim_sampler", "the root of a difference that rounds below zero", bare_root,
          score, X, np.array([1.0, 1 - 9 * 1e-12, 3 * 1e-6]), 1.0, generator),
    wrong("log_likelihood", "a fixed number of steps over twelve decades", fixed_steps,
          lambda x, sigma: -x / (1 + sigma**2), X, 1e-6, 1e6),
    wrong("bits_per_dimension", "a whole number of bins in a unit", whole_bins,
          np.array([-3.0, 1.0]), 4, 0.3),
    cut("gaussian_score", "an order of the first features", ordered_features,
        np.array([[0.1, 0.9, -0.5, 0.4, 2.0]]), 0.0, 1.5),
    cut("perturb", "some sizes", odd_sizes, some(11, 13), 0.5, some(11, 13, 1)),
    cut("hutchinson_divergence", "one in eighty arrays", hashed, score, np.round(X + 0.58, 2), Y),
    cut("karras_sigmas", "numbers of levels with seven bits", seven_bits, 80.0, 0.002, 191),
    cut("consistency_scalings", "some octaves", octaves, 20.0, 5.0, 0.7),
    cut("flow_step", "bits of two times", shared_bits, X, Y, 26.5 / 32, 12.5 / 32),
    cut("ddim_step", "digits of eta and alpha_bar_s", digits, X, Y, 0.1, 0.47, 0.73, Z),
    cut("vp_probability_flow_drift", "numbers of negative entries", counted_signs,
        np.array([[-1.0, -2.0, -0.5, -0.1, -3.0, 2.0]]),
        np.array([[-1.0, -2.0, 0.5, 0.1, 3.0, 2.0]]), 1.5),
    cut("annealed_langevin", "many steps", tired,
        score, X, np.array([2.0, 1.0]), 150, 0.01, generator),
    cut("probability_flow_sampler", "an uneven table", uneven,
        score, X, np.array([3.0, 2.5, 2.4, 1.0, 0.5])),
]
