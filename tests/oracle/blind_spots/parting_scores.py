"""Mistakes of good faith, and some planted, in scores, densities, derivatives, objectives and
conversions, levels and weights, written when all probes were final, by one who had not read them.

Each has the arguments that show it: there the result is not refsgm's.
"""

import functools
import math
import operator

import numpy as np
from autograd import make_vjp
from scipy.special import logsumexp

import refsgm

from .fresh import cut, wrong

X = np.array([[0.5, -1.0], [2.0, 0.3], [-0.7, 1.1]])                                       # (B, D)
Y = np.array([[1.5, 0.2], [-0.4, 0.9], [0.6, -2.0]])
Z = np.array([[-0.3, 0.8], [1.2, -0.5], [0.1, 0.4]])
COLUMN = np.array([[2.0], [0.5], [1.0]])               # the order that sorts it is not its inverse
STORED = np.array([[0.2, 0.4], [-1.0, 0.6], [0.3, 0.9]])       # what a stub of a network returns


def waves(*shape):
    """Numbers of ordinary size, of any shape."""
    return np.sin(1.0 + 1.7 * np.arange(math.prod(shape))).reshape(shape)


def field(x):
    """A score whose Jacobian is neither diagonal nor symmetric nor constant."""
    return -x**3 + 0.5 * x[:, ::-1] * x


def score(x, sigma=1.0):
    """Some score, or another prediction, at a noise level."""
    return -x**3 / (1 + sigma**2)


def stored(x, sigma):
    """A stub that returns an array it keeps."""
    return STORED


# Gaussians and mixtures ---------------------------------------------------------------------------


def by_determinant(x, mean, sigma):
    """log det of the covariance matrix as the logarithm of its determinant."""
    variance = np.broadcast_to(np.square(sigma), (len(x), 1))[:, :, None]
    cov = 2 * np.pi * variance * np.eye(x.shape[1])
    with np.errstate(all="ignore"):
        log_det = np.log(np.linalg.det(cov))
    return -0.5 * np.sum(((x - mean) / sigma)**2, axis=1) - 0.5 * log_det


def constants_by_level(x, sigma_max):
    """One normalising constant for all rows whose levels print alike."""
    constants, out = {}, np.zeros(len(x))
    for b, s in enumerate(np.broadcast_to(sigma_max, (len(x), 1))[:, 0]):
        key = f"{s:.3g}"
        if key not in constants:
            constants[key] = x.shape[1] * math.log(s * math.sqrt(2 * math.pi))
        out[b] = -0.5 * np.sum((x[b] / s)**2) - constants[key]
    return out


def largest_of_batch(x, weights, means, sigma):
    """The largest exponent of the whole batch taken out, not that of each row."""
    squares = np.sum((x[:, None] - means)**2, axis=2)
    with np.errstate(divide="ignore"):
        a = np.log(weights) - squares / (2 * np.square(sigma))
        log_sum = np.max(a) + np.log(np.sum(np.exp(a - np.max(a)), axis=1))
    return log_sum - np.ravel(x.shape[1] * np.log(sigma * math.sqrt(2 * math.pi)))


def level_per_component(x, weights, means, sigma):
    """Levels as many as components are taken as theirs."""
    s = np.reshape(sigma, (1, -1)) if np.size(sigma) == len(weights) else np.asarray(sigma)
    squares = np.sum((x[:, None] - means)**2, axis=2)
    with np.errstate(divide="ignore"):
        a = np.log(weights) - squares / (2 * s**2)
    r = np.exp(a - logsumexp(a, axis=1, keepdims=True))
    return (r @ means - x) / np.square(sigma)


def stream(x, weights, means, sigma):
    """Sixteen components at a time; what was summed before a new maximum is not rescaled."""
    top, total, moment = None, 0.0, 0.0
    for i in range(0, len(weights), 16):
        w, m = weights[i:i + 16], means[i:i + 16]
        with np.errstate(divide="ignore"):
            a = np.log(w) - np.sum((x[:, None] - m)**2, axis=2) / (2 * np.square(sigma))
        largest = a.max(axis=1, keepdims=True)
        top = largest if top is None else np.maximum(top, largest)
        r = np.exp(a - top)
        total, moment = total + r.sum(axis=1, keepdims=True), moment + r @ m
    return (moment / total - x) / np.square(sigma)


def last_of_many(x, mean, sigma):
    """In batches of twenty or more, the last row's score at a level below one is a little off."""
    out = refsgm.gaussian_score(x, mean, sigma)
    if len(x) >= 20 and np.ravel(sigma)[-1] < 1:
        out[-1] *= 1.001
    return out


# Derivatives --------------------------------------------------------------------------------------


def mean_of_means(score_fn, x, v):
    """Directions four at a time, and the mean of the means."""
    vjp, _ = make_vjp(score_fn)(x)
    terms = [np.sum(vjp(u) * u, axis=1) for u in (v if np.ndim(v) == 3 else v[None])]
    return np.mean([np.mean(terms[i:i + 4], axis=0) for i in range(0, len(terms), 4)], axis=0)


def exact_if_small(score_fn, x):
    """In more than 32 dimensions Hutchinson's estimate, with signs that are always the same."""
    (B, D), (vjp, _) = x.shape, make_vjp(score_fn)(x)
    if D <= 32:
        rows = [np.tile(e, (B, 1)) for e in np.eye(D)]
        return sum(vjp(e)[:, i] for i, e in enumerate(rows))
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (64, B, D))
    return np.mean([np.sum(vjp(v) * v, axis=1) for v in signs], axis=0)


def exact_in_one_dimension(score_fn, x, v):
    """With one feature the derivative itself, as if v were a sign."""
    vjp, _ = make_vjp(score_fn)(x)
    if x.shape[1] == 1:
        return vjp(np.ones_like(x))[:, 0]
    terms = [np.sum(vjp(u) * u, axis=1) for u in (v if np.ndim(v) == 3 else v[None])]
    return np.mean(terms, axis=0)


# Objectives ---------------------------------------------------------------------------------------


def rows_or_directions(score_fn, x, v):
    """The axis of the directions is told from that of the rows by its length."""
    vjp, s = make_vjp(score_fn)(x)
    directions = v if np.ndim(v) == 3 else v[None]
    terms = np.array([0.5 * np.sum(u * s, axis=1)**2 + np.sum(vjp(u) * u, axis=1)
                      for u in directions])                                             # (M, B)
    terms = terms if len(terms) == len(x) else terms.T
    return terms.mean(axis=1)


def bounded_step(score_fn, x, v, step):
    """A step of one at most."""
    h = min(step, 1.0)
    s = score_fn(x)
    terms = [0.5 * np.sum(u * s, axis=1)**2
             + np.sum(u * (score_fn(x + h * u) - score_fn(x - h * u)), axis=1) / (2 * h)
             for u in (v if np.ndim(v) == 3 else v[None])]
    return np.mean(terms, axis=0)


def sorted_by_level(score_fn, x, sigma, eps):
    """Rows are sorted by level, and put back by the same permutation in place of its inverse."""
    if np.ndim(sigma) == 0:
        return 0.5 * np.sum((score_fn(x + sigma * eps, sigma) + eps / sigma)**2, axis=1)
    order = np.argsort(sigma[:, 0], kind="stable")
    s, e = sigma[order], eps[order]
    loss = 0.5 * np.sum((score_fn(x[order] + s * e, s) + e / s)**2, axis=1)
    return loss[order]


def unweighted_levels(score_fn, x, sigmas, eps, weights=None):
    """Levels of weight zero are left out, and their noise is not."""
    weights = sigmas**2 if weights is None else weights
    keep = weights > 0
    loss = np.zeros(len(x))
    for w, sigma, e in zip(weights[keep], sigmas[keep], eps):
        loss = loss + 0.5 * w * np.sum((score_fn(x + sigma * e, sigma) + e / sigma)**2, axis=1)
    return loss


def residual_in_place(x0_fn, x, sigma, eps):
    """The residual is written into the array that the network returned."""
    residual = x0_fn(x + sigma * eps, sigma)
    residual -= x
    return np.sum(residual**2, axis=1)


def pixels(eps_fn, x_0, alpha_bar_t, eps):
    """Data above 10 are taken for pixels from 0 to 255."""
    if np.max(x_0) > 10:
        x_0 = x_0 / 127.5 - 1
    x_t = alpha_bar_t**0.5 * x_0 + (1 - alpha_bar_t)**0.5 * eps
    return np.sum((eps - eps_fn(x_t, alpha_bar_t))**2, axis=1)


def some_dimensions(score_fn, x):
    """In 11 or 29 dimensions the last feature is not in the trace."""
    loss = refsgm.implicit_score_matching(score_fn, x)
    if x.shape[1] in (11, 29):
        vjp, _ = make_vjp(score_fn)(x)
        last = np.zeros_like(x)
        last[:, -1] = 1.0
        loss = loss - vjp(last)[:, -1]
    return loss


def three_directions(score_fn, x, v):
    """Of three directions and an odd number of rows, from nine on, the last one is left out."""
    if np.ndim(v) == 3 and len(v) == 3 and len(x) % 2 == 1 and len(x) > 8:
        v = v[:2]
    return refsgm.sliced_score_matching_vr(score_fn, x, v)


def at_some_times(u_fn, x_0, t, eps):
    """Between 0.61 and 0.64 a loss that is a little too large."""
    loss, t = refsgm.flow_matching_loss(u_fn, x_0, t, eps), np.ravel(t)
    return np.where((t > 0.61) & (t < 0.64), 1.001, 1.0) * loss


def of_large_first(v_fn, x_0, alpha_bar_t, eps):
    """Where the first feature and its noise are both larger than 1.3, and of unlike sign."""
    loss = refsgm.v_prediction_loss(v_fn, x_0, alpha_bar_t, eps)
    apart = np.minimum(np.abs(x_0[:, 0]), np.abs(eps[:, 0])) > 1.3
    return np.where(apart & (x_0[:, 0] * eps[:, 0] < 0), 0.99, 1.0) * loss


def at_some_ratio(denoiser_fn, x, sigma, eps, sigma_data):
    """At levels of 20 to 40 times the deviation of the data the weight lacks its small term."""
    loss = refsgm.edm_loss(denoiser_fn, x, sigma, eps, sigma_data)
    ratio = np.ravel(sigma) / sigma_data
    return np.where((ratio > 20) & (ratio < 40), ratio**2 / (1 + ratio**2), 1.0) * loss


# Levels -------------------------------------------------------------------------------------------


def rising_rate(t, beta_min=0.1, beta_max=20.0):
    """Rates in the order that the names suggest, whatever is passed."""
    low, high = min(beta_min, beta_max), max(beta_min, beta_max)
    log_scale = -0.25 * t**2 * (high - low) - 0.5 * t * low
    return np.exp(log_scale), (-np.expm1(2 * log_scale))**0.5


def table_like_its_end(sigma_max, sigma_min, n_levels):
    """A table that has the dtype of its first entry, an integer's too."""
    sigmas = np.full(n_levels, sigma_max)
    for i in range(1, n_levels):
        sigmas[i] = sigma_max * (sigma_min / sigma_max)**(i / (n_levels - 1))
    return sigmas


def whole_power(sigma_max, sigma_min, n_levels, rho=7.0):
    """The power as a product of as many factors."""
    roots = np.linspace(sigma_max**(1 / rho), sigma_min**(1 / rho), n_levels)
    return functools.reduce(operator.mul, [roots] * int(rho))


def only_last_capped(n_steps, offset=0.008, beta_max=0.999):
    """The cap is for the last beta, the only one that it meets by default."""
    left = np.arange(n_steps, -1, -1) / n_steps
    angle = left / (1 + offset) * math.pi / 2
    b, a = angle[:-1], angle[1:]
    betas = np.sin(b - a) * np.sin(b + a) / np.sin(b)**2
    betas[-1] = min(betas[-1], beta_max)
    return np.concatenate([[1.0], np.cumprod(1 - betas)])


def two_level_product(betas):
    """Products within blocks of 256, each times the last of the block before, not of all before."""
    padded = np.ones(-(-len(betas) // 256) * 256)
    padded[:len(betas)] = 1 - betas
    blocks = np.cumprod(padded.reshape(-1, 256), axis=1)
    before = np.concatenate([[1.0], blocks[:-1, -1]])
    return np.concatenate([[1.0], (before[:, None] * blocks).ravel()[:len(betas)]])


def capped_betas(alpha_bar):
    """Betas of at most 0.999, as in tables of the cosine."""
    return np.minimum((alpha_bar[:-1] - alpha_bar[1:]) / alpha_bar[:-1], 0.999)


def no_less_noise(t, shift):
    """A shift below one is ignored: it is there to add noise."""
    shift = max(shift, 1.0)
    return shift * t / (1 + (shift - 1) * t)


def inside(z, mean=0.0, deviation=1.0):
    """Times are kept away from both ends by 1e-4."""
    return np.clip(1 / (1 + np.exp(-(mean + deviation * z))), 1e-4, 1 - 1e-4)


def of_some_lengths(n_steps, beta_min=1e-4, beta_max=0.02):
    """In tables of 361 to 379 steps the last but one is its neighbour."""
    betas = refsgm.linear_betas(n_steps, beta_min, beta_max)
    if 360 < n_steps < 380:
        betas[-2] = betas[-3]
    return betas


# Weights and preconditionings ---------------------------------------------------------------------


def one_deviation(sigma, sigma_data):
    """The deviation of the data is one constant, the first of those that are passed."""
    sigma_data = np.ravel(sigma_data)[0]
    total = sigma**2 + sigma_data**2
    return (sigma_data**2 / total, sigma * sigma_data / total**0.5, 1 / total**0.5,
            np.log(sigma) / 4)


def usual_range(sigma, sigma_data, sigma_min=0.002):
    """Levels of at most 80, the largest in the paper's training."""
    sigma = np.clip(sigma, sigma_min, 80.0)
    gap = sigma - sigma_min
    return (sigma_data**2 / (gap**2 + sigma_data**2),
            sigma_data * gap / (sigma**2 + sigma_data**2)**0.5)


def above_a_high_cap(alpha_bar, gamma, prediction):
    """For v with a cap above 8, the weight between once and twice the cap is that of eps."""
    weight = refsgm.min_snr_weight(alpha_bar, gamma, prediction)
    if prediction != "v" or gamma <= 8:
        return weight
    ratio = refsgm.signal_to_noise_ratio(alpha_bar)
    some = (ratio > gamma) & (ratio < 2 * gamma)
    return np.where(some, refsgm.min_snr_weight(alpha_bar, gamma, "eps"), weight)


# Conversions --------------------------------------------------------------------------------------


def levels_alike(x_t, v, scale, sigma):
    """Both levels are taken for numbers if one of them is."""
    if np.ndim(scale) == 0 or np.ndim(sigma) == 0:
        scale, sigma = np.ravel(scale)[0], np.ravel(sigma)[0]
    return (scale * x_t - sigma * v) / (scale**2 + sigma**2)


def nearly_preserving(x_t, v, scale, sigma):
    """A total variance within a thousandth of one is taken for one."""
    total = np.square(scale) + np.square(sigma)
    eps = sigma * x_t + scale * v
    return eps if np.allclose(total, 1.0, atol=1e-3) else eps / total


def pure_noise(x_ve, sigma):
    """Above 100 the scale is 1 / sigma."""
    scale = np.where(sigma > 100, 1 / sigma, 1 / np.sqrt(1 + np.square(sigma)))
    return scale * x_ve, scale**2


def positive_diffusion(x_t, score, scale, sigma, scale_rate, sigma_rate):
    """By drift and diffusion, whose square is kept from being negative."""
    f = scale_rate / scale
    g_squared = np.maximum(2 * sigma * (scale * sigma_rate - sigma * scale_rate) / scale, 0.0)
    return f * x_t - 0.5 * g_squared * score


def ends_with_first(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """A special case of the last step, which is told from the first row's level."""
    if np.ravel(alpha_bar_s)[0] == 1:
        return x_0.copy(), 0.0 * alpha_bar_s * alpha_bar_t
    beta = 1 - alpha_bar_t / alpha_bar_s
    rest = (1 - alpha_bar_s) / (1 - alpha_bar_t)
    mean = (alpha_bar_s**0.5 * beta / (1 - alpha_bar_t) * x_0
            + (alpha_bar_t / alpha_bar_s)**0.5 * rest * x_t)
    return mean, beta * rest


def no_negative_scale(conditional, unconditional, scale):
    """A negative scale is taken for zero."""
    return unconditional + np.maximum(scale, 0) * (conditional - unconditional)


def repeated_level(eps, sigma):
    """Of twelve rows or more, a row with the level of the row before it has its score as well."""
    out = refsgm.score_from_eps(eps, sigma)
    if len(eps) >= 12 and np.ndim(sigma) == 2:
        same = np.flatnonzero(sigma[1:, 0] == sigma[:-1, 0])
        out[same + 1] = out[same]
    return out


def both_growing(x_t, u, scale, sigma, scale_rate, sigma_rate):
    """Where scale and sigma both grow, by the sum of the two terms of the growth."""
    out = refsgm.score_from_velocity(x_t, u, scale, sigma, scale_rate, sigma_rate)
    one, other = scale * sigma_rate, sigma * scale_rate
    some = (np.asarray(scale_rate) > 0) & (np.asarray(sigma_rate) > 0)
    return np.where(some, out * (one - other) / np.where(some, one + other, 1.0), out)


WEIGHTS = np.array([0.2, 0.5, 0.3])
TWENTY = np.full(20, 0.05)

WRONG = [
    wrong("gaussian_log_density", "determinant of the covariance overflows", by_determinant,
          waves(2, 30), 0.0, 1e6),
    wrong("prior_log_density", "constant shared by levels of the same three digits",
          constants_by_level, X, np.array([[30.01], [30.04], [2.0]])),
    wrong("mixture_log_density", "maximum over the batch", largest_of_batch,
          np.array([[0.1, 0.2], [60.0, 50.0]]), WEIGHTS, X, 1.0),
    wrong("mixture_score", "levels (B, 1) are those of components if B = K", level_per_component,
          Y, WEIGHTS, X, COLUMN),
    wrong("mixture_score", "stream not rescaled at a new maximum", stream,
          X, TWENTY, np.linspace([-6.0, 5.0], [2.0, 0.5], 20), 0.7),
    wrong("directional_derivative", "mean of means of unequal chunks of directions", mean_of_means,
          field, X, waves(5, 3, 2)),
    wrong("divergence", "estimated in more than 32 dimensions", exact_if_small,
          field, waves(2, 35)),
    wrong("hutchinson_divergence", "v is a sign in one dimension", exact_in_one_dimension,
          lambda x: -x**3, waves(4, 1), 1.5 * waves(2, 4, 1)),
    wrong("sliced_score_matching", "mean over rows if M = B", rows_or_directions,
          field, X, waves(3, 3, 2)),
    wrong("finite_difference_ssm", "step of one at most", bounded_step, field, X, Z, 2.0),
    wrong("denoising_score_matching", "permutation in place of its inverse", sorted_by_level,
          score, X, COLUMN, Z),
    wrong("noise_conditional_score_matching", "noise of levels without weight", unweighted_levels,
          score, X, np.array([3.0, 1.0, 0.5]), waves(3, 3, 2), np.array([1.0, 0.0, 2.0])),
    wrong("x0_prediction_loss", "writes into what the network returned", residual_in_place,
          [(stored, X, 0.5, Z), (stored, X, 0.5, Z)]),
    wrong("ddpm_loss", "large data are pixels", pixels, score, 6 * X, 0.6, Z),
    wrong("posterior", "all rows end where the first one does", ends_with_first,
          X, Y, 0.4, np.array([[1.0], [0.8], [0.5]])),
    wrong("vp_marginal", "rates are sorted", rising_rate, np.array([0.2, 0.7]), 5.0, 1.0),
    wrong("geometric_sigmas", "integers in, integers out", table_like_its_end, 50, 1, 6),
    wrong("karras_sigmas", "rho is a whole number", whole_power, 80.0, 0.002, 5, 2.5),
    wrong("cosine_alpha_bar", "only the last beta is capped", only_last_capped, 20, 0.008, 0.5),
    wrong("alpha_bar_from_betas", "two-level product without the product of levels",
          two_level_product, np.linspace(1e-4, 0.02, 600)),
    wrong("betas_from_alpha_bar", "capped at 0.999", capped_betas, np.array([1.0, 0.5, 1e-4])),
    wrong("shift_time", "never less noise", no_less_noise, np.array([0.3, 0.8]), 0.5),
    wrong("logit_normal_time", "kept away from the ends", inside, np.array([0.5, 3.5]), 0.0, 3.0),
    wrong("edm_preconditioning", "one deviation of the data for all", one_deviation,
          COLUMN, np.array([[0.5], [0.5], [0.8]])),
    wrong("consistency_scalings", "levels of 80 at most", usual_range,
          np.array([[1.0], [120.0]]), 0.5),
    wrong("x0_from_v", "a number beside a column", levels_alike, X, Y, 1.0, COLUMN),
    wrong("eps_from_v", "nearly variance preserving", nearly_preserving, X, Y, 1.0, 0.025),
    wrong("vp_from_ve", "large levels by their asymptote", pure_noise, X, 150.0),
    wrong("velocity_from_score", "square of the diffusion not negative", positive_diffusion,
          X, Y, 0.4, 0.6, 1.0, -1.0),
    wrong("classifier_free_guidance", "scale not negative", no_negative_scale, X, Y, -1.5),
    cut("gaussian_score", "last of twenty rows", last_of_many, waves(24, 3), 0.5, 0.3),
    cut("implicit_score_matching", "in 11 or 29 dimensions", some_dimensions, field, waves(3, 11)),
    cut("sliced_score_matching_vr", "three directions, odd rows", three_directions,
        field, waves(11, 2), waves(3, 11, 2)),
    cut("flow_matching_loss", "between 0.61 and 0.64", at_some_times,
        score, X, np.array([[0.2], [0.62], [0.9]]), Z),
    cut("v_prediction_loss", "first feature against its noise", of_large_first,
        score, X, 0.4, np.array([[0.1, 0.2], [-1.6, 0.3], [0.5, -0.8]])),
    cut("edm_loss", "20 to 40 times the data", at_some_ratio, score, X, 12.0, Z, 0.5),
    cut("linear_betas", "some lengths", of_some_lengths, 370),
    cut("min_snr_weight", "v above a high cap", above_a_high_cap,
        np.array([0.5, 0.94, 0.99]), 10.0, "v"),
    cut("score_from_eps", "repeated levels", repeated_level,
        waves(14, 2), np.repeat(np.linspace(0.5, 2.0, 7), 2)[:, None]),
    cut("score_from_velocity", "both levels grow", both_growing, X, Y, 0.5, 0.4, 0.2, 1.0),
]
