"""Mistakes of good faith, written when the probes were final, by one who had not read them.

Each has the arguments that show it: there the result is not refsgm's.
"""

import functools
import math

import numpy as np
from scipy.special import logsumexp

import refsgm

from . import Hidden

X = np.array([[0.5, -1.0], [2.0, 0.3], [-0.7, 1.1]])                                       # (B, D)
Y = np.array([[1.5, 0.2], [-0.4, 0.9], [0.6, -2.0]])
Z = np.array([[-0.3, 0.8], [1.2, -0.5], [0.1, 0.4]])
TABLE = np.array([1.0, 0.6, 0.2, 1e-4])


def wrong(kind, what, function, *at):
    """A natural mistake that the arguments `at` show, or one list of those of several calls."""
    return Hidden(kind, what, function, True, "numpy", at[0] if isinstance(at[0], list) else at)


def cut(kind, what, function, *at):
    """A bound that nobody would set in good faith."""
    return Hidden(kind, what, function, False, "numpy", at)


def score(x, sigma=1.0):
    """Some score."""
    return -x**3 / (1 + sigma**2)


def generator():
    """A generator for the noise of a loop."""
    return np.random.default_rng(0)


# Gaussians and mixtures ---------------------------------------------------------------------------


def mean_by_row(x, mean, sigma):
    """A mean of B entries taken as one for each row, which D entries are when B = D."""
    mean = np.reshape(mean, (-1, 1)) if np.size(mean) == len(x) else mean
    return (mean - x) / sigma**2


def jittered(x, mean, sigma):
    """The logarithm of the variance with a jitter of 1e-12."""
    log_variance = np.broadcast_to(np.log(2 * np.pi * np.square(sigma) + 1e-12), (len(x), 1))
    return -0.5 * (np.square((x - mean) / sigma) + log_variance).sum(axis=1)


def mean_of_log(x, sigma_max):
    """One normalising constant for all rows, from the mean of the log levels."""
    constant = x.shape[1] * np.mean(np.log(sigma_max) + 0.5 * np.log(2 * np.pi))
    return -0.5 * np.sum((x / sigma_max)**2, axis=1) - constant


def product_of_densities(x, mean, sigma):
    """The logarithm of a product of densities, which underflows."""
    density = np.exp(-0.5 * ((x - mean) / sigma)**2) / (sigma * math.sqrt(2 * math.pi))
    with np.errstate(divide="ignore"):
        return np.log(np.prod(density, axis=1))


def logits(x, weights, means, sigma, least=0.0):
    """log w_k - |x - m_k|^2 / (2 sigma^2), (B, K)."""
    squares = np.sum((x[:, None] - means)**2, axis=2)
    with np.errstate(divide="ignore"):
        return np.log(weights + least) - squares / (2 * sigma**2)


def log_norm(x, sigma):
    """The log of the normalising constant, (B,)."""
    return np.ravel(x.shape[1] * np.log(sigma * math.sqrt(2 * math.pi)))


def log_of_small(x, weights, means, sigma):
    """log(w + 1e-10)."""
    return logsumexp(logits(x, weights, means, sigma, 1e-10), axis=1) - log_norm(x, sigma)


def powers_of_norm(x, weights, means, sigma):
    """A normalising constant that is a power, which underflows at a large level."""
    with np.errstate(divide="ignore"):
        constant = np.ravel(np.log((2 * np.pi * np.square(sigma))**(-x.shape[1] / 2.0)))
    return logsumexp(logits(x, weights, means, sigma), axis=1) + constant


def safe_denominator(x, weights, means, sigma):
    """Responsibilities without the maximum taken out, over a sum that is never zero."""
    p = np.exp(logits(x, weights, means, sigma))
    r = p / (p.sum(axis=1, keepdims=True) + 1e-300)
    return (r @ means - x * r.sum(axis=1, keepdims=True)) / sigma**2


def expanded(x, weights, means, sigma):
    """|x|^2 + |m|^2 - 2 x'm, whose digits cancel far from zero."""
    squares = (x**2).sum(1)[:, None] + (means**2).sum(1) - 2 * x @ means.T
    with np.errstate(divide="ignore"):
        a = np.log(weights) - np.maximum(squares, 0) / (2 * sigma**2)
    r = np.exp(a - logsumexp(a, axis=1, keepdims=True))
    return (r @ means - x) / sigma**2


def pruned(x, weights, means, sigma):
    """Components of small weight left out."""
    keep = weights > 1e-8
    return refsgm.mixture_score(x, weights[keep] / weights[keep].sum(), means[keep], sigma)


def in_blocks(x, weights, means, sigma):
    """Blocks of 64 rows, the last one forgotten."""
    out = np.zeros_like(x)
    for i in range(max(1, len(x) // 64)):
        rows = slice(64 * i, 64 * (i + 1))
        s = sigma[rows] if np.ndim(sigma) else sigma
        out[rows] = refsgm.mixture_score(x[rows], weights, means, s)
    return out


def like_the_data(x, sigma, eps):
    """Written into an array like the data, which cuts the fractions where they are integers."""
    out = np.empty_like(x)
    out[...] = x + sigma * eps
    return out


def inverse_square(x, mean, sigma):
    """NumPy raises at negative powers of integers."""
    return (mean - x) * np.asarray(sigma)**-2


FAR = np.array([[50.0, 50.0]])
TWO = np.array([[0.0, 0.0], [50.0, 50.0]])
HALF = np.array([0.5, 0.5])
GAUSSIANS = [
    wrong("gaussian_score", "a mean (D,) read by row when B = D", mean_by_row,
          X[:2], np.array([1.0, 5.0]), 1.0),
    wrong("gaussian_log_density", "log of the variance + 1e-12", jittered, 0 * X, 0.0, 1e-6),
    wrong("prior_log_density", "one normalising constant for all rows", mean_of_log,
          X, np.array([[1.0], [2.0], [3.0]])),
    wrong("gaussian_log_density", "log of a product that underflows", product_of_densities,
          60 * X, 0.0, 1.0),
    wrong("mixture_log_density", "log(w + 1e-10)", log_of_small,
          FAR, np.array([1.0, 0.0]), TWO, 1.0),
    wrong("mixture_log_density", "(2 pi sigma^2)^(-D/2) underflows", powers_of_norm,
          np.ones((2, 40)), HALF, np.ones((2, 40)), 1e9),
    wrong("mixture_score", "the sum of the densities + 1e-300", safe_denominator,
          3 * FAR, HALF, TWO, 1.0),
    wrong("mixture_score", "|x|^2 + |m|^2 - 2 x'm", expanded,
          1e4 + 1e-4 * X, HALF, 1e4 + 1e-4 * Y[:2], 1e-4),
    wrong("mixture_score", "weights below 1e-8 left out", pruned,
          FAR, np.array([1 - 1e-9, 1e-9]), TWO, 1.0),
    wrong("mixture_score", "blocks of 64 rows, the rest zero", in_blocks,
          np.ones((70, 2)), HALF, TWO, 1.0),
    wrong("perturb", "integers are cut", like_the_data, np.array([[1, 2]]), 0.5, Y[:1]),
    wrong("gaussian_score", "integer levels raise", inverse_square,
          X, 0.0, np.array([[1], [2], [3]])),
]


# Levels and tables --------------------------------------------------------------------------------


def by_arange(sigma_max, sigma_min, n_levels):
    """np.arange with a slack for rounding, which is longer than a short step."""
    high, low = math.log(sigma_max), math.log(sigma_min)
    return np.exp(np.arange(high, low - 1e-4, (low - high) / (n_levels - 1)))


def memo(key):
    """A cache of results by `key` of the arguments."""
    def wrap(f):
        kept = {}

        @functools.wraps(f)
        def g(*args):
            k = key(*args)
            if k not in kept:
                kept[k] = f(*args)
            return kept[k].copy()
        return g
    return wrap


def karras(sigma_max, sigma_min, n_levels, rho=7.0):
    """rho = 1 taken for the geometric levels."""
    if rho == 1:
        return np.geomspace(sigma_max, sigma_min, n_levels)
    ramp = np.linspace(0, 1, n_levels)
    high, low = sigma_max**(1 / rho), sigma_min**(1 / rho)
    return (high + ramp * (low - high))**rho


def cosine_with(low, high):
    """The cosine table with betas clipped to [low, the smaller of high and beta_max]."""
    def cosine(n_steps, offset=0.008, beta_max=0.999):
        t = np.arange(n_steps + 1) / n_steps
        f = np.cos((t + offset) / (1 + offset) * np.pi / 2)**2
        return np.cumprod(np.append(1.0, 1 - np.clip(1 - f[1:] / f[:-1], low, min(high, beta_max))))
    return cosine


def near_start(sigma, sigma_data, sigma_min=0.002):
    """The boundary condition set where sigma is close to sigma_min."""
    gap = np.where(np.isclose(sigma, sigma_min), 0.0, sigma - sigma_min)
    return (sigma_data**2 / (gap**2 + sigma_data**2),
            sigma_data * gap / np.sqrt(sigma**2 + sigma_data**2))


def g_over_sigma(scale, sigma, scale_rate, sigma_rate):
    """g = sigma sqrt(2 d log(sigma / scale) / dt), which is 0 times infinity at sigma = 0."""
    with np.errstate(all="ignore"):
        rate = np.divide(sigma_rate, sigma) - np.divide(scale_rate, scale)
        return np.divide(scale_rate, scale), sigma * np.sqrt(2 * rate)


def whole_bits(log_density, dim, bin_width=1.0):
    """The bits of a bin as a whole number."""
    return -log_density / (dim * math.log(2)) + int(round(-math.log2(bin_width)))


def one_over_t(t, shift):
    """shift / (shift + 1/t - 1), which raises at t = 0."""
    return shift / (shift + (1 / t - 1))


def one_exp(z, mean=0.0, deviation=1.0):
    """e^y / (1 + e^y), infinity over infinity where y is large."""
    with np.errstate(all="ignore"):
        y = np.exp(mean + deviation * z)
        return y / (1 + y)


def two_cosines(t, offset=0.008):
    """A cosine where time is wrapped into [0, 1), as periodic code does."""
    a = math.pi / 2 / (1 + offset)
    t = np.mod(t, 1.0)
    scale = np.cos((t + offset) * a) / np.cos(offset * a)
    return scale, np.sqrt(np.sin(t * a) * np.sin((t + 2 * offset) * a)) / np.cos(offset * a)


LEVELS = [
    wrong("geometric_sigmas", "arange with a slack of 1e-4", by_arange, 1.01, 1.0, 200),
    wrong("geometric_sigmas", "a cache by the number of levels",
          memo(lambda a, b, n: n)(refsgm.geometric_sigmas), [(9.0, 1.0, 5), (4.0, 1.0, 5)]),
    wrong("karras_sigmas", "rho = 1 is geometric", karras, 9.0, 1.0, 5, 1.0),
    wrong("linear_betas", "one step has beta_max",
          lambda n, a=1e-4, b=0.02: np.linspace(b, a, n)[::-1], 1, 0.1, 0.2),
    wrong("linear_betas", "the betas are sorted",
          lambda n, a=1e-4, b=0.02: np.sort(np.linspace(a, b, n)), 3, 0.75, 0.25),
    wrong("cosine_alpha_bar", "betas of 1e-4 at least", cosine_with(1e-4, 1.0), 1000),
    wrong("cosine_alpha_bar", "betas of 0.999 at most", cosine_with(0.0, 0.999),
          100, 0.008, 0.9999),
    wrong("betas_from_alpha_bar", "betas of 0.999 at most",
          lambda a: np.clip(1 - a[1:] / a[:-1], 0, 0.999), TABLE),
    wrong("sigma_from_alpha_bar", "alpha_bar of 1 - 1e-9 at most",
          lambda a: np.sqrt(1 / np.minimum(a, 1 - 1e-9) - 1), 1.0),
    wrong("alpha_bar_from_sigma", "1 / sigma^2 above 1e4",
          lambda s: np.where(np.greater(s, 1e4), np.square(1.0 / s), 1 / (1 + np.square(s))), 2e4),
    wrong("annealed_step_sizes", "a cache by the ends of the table",
          memo(lambda s, a: (len(s), float(s[0]), float(s[-1]), float(a)))(
              refsgm.annealed_step_sizes),
          [(np.array([4.0, 3.0, 1.0]), 0.1), (np.array([4.0, 2.0, 1.0]), 0.1)]),
    wrong("alpha_bar_from_betas", "a cache by the sum of the betas",
          memo(lambda b: (len(b), round(float(np.sum(b)), 6)))(refsgm.alpha_bar_from_betas),
          [(np.array([0.1, 0.3]),), (np.array([0.3, 0.1]),)]),
    wrong("ve_marginal", "no noise at t = 0",
          lambda t, a, b: np.where(np.equal(t, 0), 0.0, a * (b / a)**t), 0.0, 0.1, 5.0),
    wrong("consistency_scalings", "near sigma_min taken for sigma_min", near_start,
          0.002 * (1 + 5e-6), 0.5),
    wrong("edm_weight", "the denominator + 1e-20",
          lambda s, d: (s**2 + d**2) / ((s * d)**2 + 1e-20), 1e-6, 1e-2),
    wrong("sde_coefficients", "g by logarithms, at sigma = 0", g_over_sigma, 1.0, 0.0, -1.0, 1.0),
    wrong("bits_per_dimension", "a whole number of bits", whole_bits, np.array([-3.0]), 2, 0.1),
    wrong("shift_time", "1 / t at t = 0 raises", one_over_t, 0.0, 3.0),
    wrong("logit_normal_time", "exp overflows", one_exp, 800.0),
    wrong("cosine_marginal", "time modulo one", two_cosines, 1.0),
    cut("min_snr_weight", "gamma of 1 at least",
          lambda a, g, p: refsgm.min_snr_weight(a, max(g, 1.0), p), 0.9, 0.5, "x0"),
    cut("signal_to_noise_ratio", "expm1 of the logarithm, rounded to ten digits",
          lambda a: 1 / np.round(1 / np.asarray(a) - 1, 10) if np.all(np.less(a, 0.999999)) else
          refsgm.signal_to_noise_ratio(a), 0.9999),
    cut("likelihood_weight", "g taken as 1e-4 at least",
          lambda g: np.square(np.maximum(g, 1e-4)), 1e-5),
]

WRONG = [*GAUSSIANS, *LEVELS]
