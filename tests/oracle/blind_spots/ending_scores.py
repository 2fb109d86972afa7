"""Mistakes of good faith, and some planted, written when the probes were settled, by one who had
not read them: scores, losses, likelihoods and conversions.
"""

import itertools
import math

import autograd.numpy as anp
import numpy as np
from scipy.linalg import hadamard

import refsgm

from . import planted
from .fresh import wrong

X = np.array([[0.5, -1.0], [2.0, 0.3], [-0.7, 1.1]])                                       # (B, D)
Y = np.array([[1.5, 0.2], [-0.4, 0.9], [0.6, -2.0]])
Z = np.array([[-0.3, 0.8], [1.2, -0.5], [0.1, 0.4]])
LEVELS = np.array([[0.5], [1.5], [0.8]])
STORED = np.array([[0.2, 0.1], [0.3, -0.4], [1.0, 0.6]])


def cut(kind, what, where, *at):
    """The right function, a thousandth too large where nobody would bend it in good faith."""
    return planted(kind, what, where)._replace(at=at)


def wave(*shape, start=0.3):
    """Numbers of size one, the same every time."""
    return np.sin(start + 1.7 * np.arange(math.prod(shape))).reshape(shape)


def cubic(x, sigma=1.0):
    """A score that is a polynomial."""
    return (0.2 - x - 0.1 * x**3) / (1 + sigma)


def bounded(x):
    """A score that is bounded by the norm of x."""
    return -x / (1 + anp.sqrt(anp.sum(anp.abs(x)**2, axis=1, keepdims=True)))


def two_bumps(x, sigma=0.1):
    """The score of two sharp bumps, one feature at a time."""
    return (-x + anp.tanh(x / sigma**2)) / sigma**2


def of_these_rows(x):
    """A score that holds a centre and a level for every row of the batch."""
    return (Y - x) / LEVELS**2


def by_cases(x, sigma):
    """A score of one level, a Python number."""
    return -x / (1 + sigma**2) if sigma > 1 else -0.5 * x


def stored(x, sigma):
    """A prediction that does not depend on its input, and is kept."""
    return STORED


def trained(x, sigma):
    """The noise that is in x, but for a ten-millionth."""
    return (1 + 1e-7) * (x - X) / sigma


def equal_correlations(x, sigma):
    """The score of features that go up and down together, N(0, I + 1 1')."""
    D, total = x.shape[1], 1 + sigma**2
    return (anp.sum(x, axis=1, keepdims=True) / (total + D) - x) / total


# Gaussians and mixtures ---------------------------------------------------------------------------


def by_determinant(x, mean, sigma):
    """The constant from the determinant of the covariance, which leaves the range in many D."""
    D = x.shape[1]
    with np.errstate(divide="ignore", over="ignore"):
        dets = np.array([np.linalg.det(s**2 * np.eye(D)) for s in np.ravel(sigma)])
        constant = 0.5 * np.log(dets) + 0.5 * D * np.log(2 * np.pi)
    return -0.5 * np.sum(((x - mean) / sigma)**2, axis=1) - constant


def by_pseudoinverse(x_noisy, x, sigma):
    """All rows' variances inverted at once, where pinv takes small ones beside large for zero."""
    if np.ndim(sigma) == 0:
        return (x - x_noisy) / sigma**2
    return np.linalg.pinv(np.diag(np.ravel(sigma)**2)) @ (x - x_noisy)


CONSTANTS = {}


def remembered_constant(x, sigma_max):
    """The constant remembered under the level as it is printed, with four digits."""
    D = x.shape[1]

    def constant(s):
        return CONSTANTS.setdefault((D, f"{s:.4g}"), D * math.log(s * math.sqrt(2 * math.pi)))
    constants = np.array([constant(float(s)) for s in np.ravel(sigma_max)])
    return -0.5 * np.sum((x / sigma_max)**2, axis=1) - constants


def relative_to_nearest(x, means, sigma):
    """The nearest centres (B, D), and exponents less theirs (B, K)."""
    squares = np.sum((x[:, None] - means)**2, axis=2)
    nearest = means[np.argmin(squares, axis=1)]
    apart = means - nearest[:, None]                                                 # (B, K, D)
    middle = x[:, None] - 0.5 * (means + nearest[:, None])
    return nearest, np.sum(apart * middle, axis=2) / sigma**2


def zero_weight_nearest(x, weights, means, sigma):
    """A sum relative to the nearest centre, which may have the weight zero."""
    nearest, exponents = relative_to_nearest(x, means, sigma)
    with np.errstate(divide="ignore"):
        log_sum = np.log(np.sum(weights * np.exp(exponents), axis=1))
    return log_sum + refsgm.gaussian_log_density(x, nearest, sigma)


def score_in_blocks(x, weights, means, sigma):
    """Blocks of 16 components: the sum is rescaled to a new maximum, the first moment is not."""
    nearest, exponents = relative_to_nearest(x, means, sigma)
    with np.errstate(divide="ignore"):
        exponents = exponents + np.log(weights)
    top, total, moment = np.full((len(x), 1), -1e300), 0.0, 0.0
    for i in range(0, len(weights), 16):
        block = exponents[:, i:i + 16]
        new = np.maximum(top, block.max(axis=1, keepdims=True))
        p = np.exp(block - new)
        total = total * np.exp(top - new) + p.sum(axis=1, keepdims=True)
        moment = moment + np.einsum("bk,bkd->bd", p, means[i:i + 16] - nearest[:, None])
        top = new
    return (nearest - x + moment / total) / sigma**2


def sixteen_neighbours(x, weights, means, sigma):
    """The sixteen nearest components alone."""
    nearest, exponents = relative_to_nearest(x, means, sigma)
    with np.errstate(divide="ignore"):
        logits = exponents + np.log(weights)
    if len(weights) > 16:
        far = np.argsort(-exponents, axis=1)[:, 16:]
        np.put_along_axis(logits, far, -np.inf, axis=1)
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    shift = np.einsum("bk,bkd->bd", p / p.sum(axis=1, keepdims=True), means - nearest[:, None])
    return (nearest - x + shift) / sigma**2


# Derivatives of scores ----------------------------------------------------------------------------


def complex_step(score_fn, x):
    """The complex step, for scores that are analytic: a norm or a modulus is not."""
    total = 0.0
    for i in range(x.shape[1]):
        moved = x.astype(complex)
        moved[:, i] += 1e-30j
        total = total + score_fn(moved)[:, i].imag / 1e-30
    return total


def five_points(score_fn, x):
    """A stencil of five points, exact for polynomials of degree four."""
    h, total = 2.0**-4, 0.0                                        # x + h is exact for most x
    for i in range(x.shape[1]):
        e = np.zeros(x.shape[1])
        e[i] = h

        def s(steps, e=e, i=i):
            return score_fn(x + steps * e)[:, i]
        total = total + (8 * (s(1) - s(-1)) - (s(2) - s(-2))) / (12 * h)
    return 0.5 * np.sum(score_fn(x)**2, axis=1) + total


def batch_first(score_fn, x, v):
    """Directions (M, B, D) turned to (B, M, D), unless the first axis is that of the batch."""
    v = v if v.ndim == 3 else v[None]
    if len(v) != len(x):
        v = np.swapaxes(v, 0, 1)
    terms = [refsgm.directional_derivative(score_fn, x, v[:, m]) for m in range(v.shape[1])]
    return np.mean(terms, axis=0)


def unit_directions(score_fn, x, v):
    """v' J v as |v|^2 times that of v / |v|, which is 0 / 0 for a direction that is zero."""
    lengths = np.sqrt(np.sum(v**2, axis=-1, keepdims=True))
    with np.errstate(invalid="ignore"):
        units = v / lengths
    if v.ndim == 2:
        return lengths[:, 0]**2 * refsgm.directional_derivative(score_fn, x, units)
    return np.mean([n[:, 0]**2 * refsgm.directional_derivative(score_fn, x, u)
                    for n, u in zip(lengths, units)], axis=0)


def distinct_directions(score_fn, x, v):
    """Directions that come twice are taken once."""
    return refsgm.sliced_score_matching(score_fn, x, np.unique(v, axis=0) if v.ndim == 3 else v)


# Losses -------------------------------------------------------------------------------------------


def one_call(score_fn, x, v, step):
    """The three scores in one call, where a score may hold something for every row."""
    def term(v):
        rows = np.concatenate([x, x + step * v, x - step * v])
        score, after, before = np.split(score_fn(rows), 3)
        slope = (after - before) / (2 * step)
        return 0.5 * np.sum(v * score, axis=1)**2 + np.sum(v * slope, axis=1)
    return term(v) if v.ndim == 2 else np.mean([term(u) for u in v], axis=0)


def level_as_column(score_fn, x, sigma, eps):
    """The level becomes a column for a score that was written for the number it was given."""
    sigma = np.broadcast_to(np.asarray(sigma, float), (len(x), 1))
    score = score_fn(x + sigma * eps, sigma)
    return 0.5 * np.sum((score + eps / sigma)**2, axis=1)


def labels_in_bytes(score_fn, x, sigmas, eps, weights=None):
    """Labels of levels in bytes."""
    weights = sigmas**2 if weights is None else weights
    labels = np.arange(len(sigmas)).astype(np.uint8)
    total = 0.0
    for k, e in zip(labels, eps):
        score = score_fn(x + sigmas[k] * e, sigmas[k])
        total = total + weights[k] * 0.5 * np.sum((score + e / sigmas[k])**2, axis=1)
    return total


def any_weights(score_fn, x, sigmas, eps, weights=None):
    """Weights that are all zero are taken for weights that were left out."""
    weights = weights if np.any(weights) else sigmas**2
    return refsgm.noise_conditional_score_matching(score_fn, x, sigmas, eps, weights)


def expanded_square(eps_fn, x, sigma, eps):
    """|a|^2 - 2 a'b + |b|^2, whose digits cancel once the network has learnt."""
    eps_hat = eps_fn(x + sigma * eps, sigma)
    return np.sum(eps**2, axis=1) - 2 * np.sum(eps * eps_hat, axis=1) + np.sum(eps_hat**2, axis=1)


def runs_of_levels(eps_fn, x_0, alpha_bar_t, eps):
    """A call for each level, by groupby without sorting: of two runs of a level the last counts."""
    if np.ndim(alpha_bar_t) == 0:
        return refsgm.ddpm_loss(eps_fn, x_0, alpha_bar_t, eps)
    rows_of = {level: [b for b, _ in run] for level, run in itertools.groupby(
        enumerate(alpha_bar_t[:, 0].tolist()), key=lambda pair: pair[1])}
    loss = np.zeros(len(x_0))
    for level, rows in rows_of.items():
        x_t = math.sqrt(level) * x_0[rows] + math.sqrt(1 - level) * eps[rows]
        loss[rows] = np.sum((eps[rows] - eps_fn(x_t, level))**2, axis=1)
    return loss


def residual_in_place(x0_fn, x, sigma, eps):
    """The residual overwrites what the network returned, which may be the network's own."""
    residual = x0_fn(x + sigma * eps, sigma)
    residual -= x
    return np.sum(residual**2, axis=1)


def nothing_to_learn(denoiser_fn, x, sigma, eps, sigma_data):
    """Zero for a denoiser that is close to the data, whose weight may be 1e12."""
    x_hat = denoiser_fn(x + sigma * eps, sigma)
    if np.allclose(x_hat, x):
        return np.zeros(len(x))
    weight = (sigma**2 + sigma_data**2) / (sigma * sigma_data)**2
    return np.sum(weight * (x_hat - x)**2, axis=1)


def integer_timestep(u_fn, x_0, t, eps):
    """An integer time is taken for a timestep of a thousand."""
    t = t / 1000 if isinstance(t, (int, np.integer)) else t
    return np.sum((eps - x_0 - u_fn((1 - t) * x_0 + t * eps, t))**2, axis=1)


# Conversions --------------------------------------------------------------------------------------


def one_level(eps, sigma):
    """A column of levels that are all close is taken for one level."""
    if np.ndim(sigma) and np.allclose(sigma, sigma[0]):
        sigma = sigma[0, 0]
    return -eps / sigma


def levels_side_by_side(x_t, eps, scale, sigma):
    """Both levels in one table (B, 2), for which both must be columns or both numbers."""
    levels = np.concatenate([np.atleast_2d(scale), np.atleast_2d(sigma)], axis=1)
    return (x_t - levels[:, 1:] * eps) / levels[:, :1]


def same_state(x_t, x_0, scale, sigma):
    """A state that equals the data is taken for one without noise, whatever the scale."""
    if np.array_equal(x_t, x_0):
        return np.zeros_like(x_t)
    return (x_t - scale * x_0) / sigma


def nearly_vp(x_t, v, scale, sigma):
    """Nothing is divided by where scale^2 + sigma^2 is 1 within a thousandth."""
    total = np.square(scale) + np.square(sigma)
    x_0 = scale * x_t - sigma * v
    return x_0 if np.allclose(total, 1, rtol=1e-3) else x_0 / total


def some_clean(score_ve, alpha_bar):
    """Nothing is changed where there is no noise, in some row."""
    if np.max(alpha_bar) == 1:
        return score_ve.copy()
    return score_ve / np.sqrt(alpha_bar)


def diffusion_clamped(x_t, score, scale, sigma, scale_rate, sigma_rate):
    """g^2 at least zero, which it is not where time runs towards the data."""
    f = scale_rate / scale
    g_squared = np.maximum(2 * sigma * (sigma_rate - f * sigma), 0.0)
    return f * x_t - 0.5 * g_squared * score


def growth_clamped(x_t, u, scale, sigma, scale_rate, sigma_rate):
    """The denominator kept away from zero, where all levels may be small."""
    growth = np.asarray(scale * sigma_rate - sigma * scale_rate)
    growth = np.where(np.abs(growth) < 1e-5, np.copysign(1e-5, growth), growth)
    return (scale_rate * x_t - scale * u) / (sigma * growth)


def difference_under_root(scale, sigma, scale_rate, sigma_rate):
    """g^2 as a difference, which rounding makes negative where sigma / scale stands still."""
    f = scale_rate / scale
    with np.errstate(invalid="ignore"):
        g = np.sqrt(2 * sigma * sigma_rate - 2 * f * sigma**2)
    return f, g


# Likelihood ---------------------------------------------------------------------------------------


def eight_probes(score_fn, x, sigma_min, sigma_max):
    """The divergence from eight orthogonal probes of +-1, exact up to eight features."""
    probes = np.resize(hadamard(8).T.astype(float), (x.shape[1], 8)).T                   # (8, D)
    v = np.repeat(probes[:, None], len(x), axis=1)
    return refsgm.log_likelihood(score_fn, x, sigma_min, sigma_max, v=v)


def one_per_dimension(log_density, dim, bin_width=1.0):
    """As many densities as dimensions are taken for those of the dimensions, and summed."""
    if np.shape(log_density) == (dim,):
        log_density = np.sum(log_density, keepdims=True)
    return -log_density / (dim * math.log(2)) - math.log2(bin_width)


WRONG = [
    wrong("gaussian_log_density", "determinant", by_determinant, wave(2, 40), 0.0, 1e-5),
    wrong("perturbation_score", "pinv of all rows", by_pseudoinverse, X, Y,
          np.array([[1e-4], [1.0], [1e5]])),
    wrong("prior_log_density", "constant remembered", remembered_constant,
          [(X, 2.3451), (X, 2.3454)]),
    wrong("mixture_log_density", "nearest has no weight", zero_weight_nearest,
          np.array([[0.1, 0.0]]), np.array([0.0, 0.4, 0.6]),
          np.array([[0.0, 0.0], [1.0, 1.0], [-1.0, 2.0]]), 0.02),
    wrong("mixture_score", "moment not rescaled", score_in_blocks, X, np.full(20, 0.05),
          2 * wave(20, 2, start=1.0), 1.0),
    wrong("mixture_score", "sixteen neighbours", sixteen_neighbours, X, np.full(20, 0.05),
          2 * wave(20, 2), 1.5),
    wrong("divergence", "complex step", complex_step, bounded, X),
    wrong("implicit_score_matching", "five points", five_points, two_bumps, 0.1 * X),
    wrong("hutchinson_divergence", "as many directions as rows", batch_first, cubic, X,
          wave(3, 3, 2)),
    wrong("directional_derivative", "direction zero", unit_directions, cubic, X,
          np.array([[1.0, -1.0], [0.0, 0.0], [0.5, 2.0]])),
    wrong("sliced_score_matching", "direction twice", distinct_directions, cubic, X,
          np.stack([Y, Z, Y])),
    wrong("finite_difference_ssm", "three scores in one call", one_call, of_these_rows, X, Z, 0.1),
    wrong("denoising_score_matching", "level as a column", level_as_column, by_cases, X, 2.0, Z),
    wrong("noise_conditional_score_matching", "labels in bytes", labels_in_bytes, cubic, X,
          np.geomspace(10.0, 0.01, 300), wave(300, 3, 2)),
    wrong("noise_conditional_score_matching", "no weight at all", any_weights, cubic, X,
          np.array([2.0, 1.0]), np.stack([Y, Z]), np.zeros(2)),
    wrong("noise_prediction_loss", "square expanded", expanded_square, trained, X, 2.0, Z),
    wrong("ddpm_loss", "two runs of a level", runs_of_levels, cubic, X,
          np.array([[0.5], [0.2], [0.5]]), Z),
    wrong("x0_prediction_loss", "in place", residual_in_place,
          [(stored, X, 1.0, Z), (stored, X, 1.0, Z)]),
    wrong("edm_loss", "nothing to learn", nothing_to_learn, lambda x, sigma: x, X, 1e-6, Z, 0.5),
    wrong("flow_matching_loss", "integer time", integer_timestep, cubic, X, 1, Z),
    wrong("score_from_eps", "levels that are close", one_level, X,
          np.array([[1e-6], [1.008e-6], [0.995e-6]])),
    wrong("x0_from_eps", "number beside column", levels_side_by_side, X, Z, 0.7, LEVELS),
    wrong("eps_from_x0", "state equals data", same_state, X, X, 0.6, 0.8),
    wrong("x0_from_v", "nearly VP", nearly_vp, X, Y, 0.8, 0.6004),
    wrong("vp_score_from_ve", "a clean row", some_clean, X, np.array([[0.3], [1.0], [0.6]])),
    wrong("velocity_from_score", "towards the data", diffusion_clamped, X, Y, 0.4, 0.6, 1.0, -1.0),
    wrong("score_from_velocity", "small growth", growth_clamped, X, Y, 1.0, 1e-6, 0.0, 5e-6),
    wrong("sde_coefficients", "constant ratio", difference_under_root, 0.19, 0.38, -0.65,
          -1.3),
    wrong("log_likelihood", "eight probes", eight_probes, equal_correlations, wave(2, 11), 0.5,
          5.0),
    wrong("bits_per_dimension", "as many as dimensions", one_per_dimension,
          np.array([-1.0, -2.0, 0.5]), 3, 0.5),
    cut("gaussian_score", "19 to 22 rows of 21 to 30 features",
        lambda x, mean, sigma: 19 <= len(x) <= 22 and 21 <= x.shape[1] <= 30,
        wave(20, 25), 0.0, 1.0),
    cut("mixture_log_density", "21 to 26 components, many features",
        lambda x, w, means, sigma: 21 <= len(w) <= 26 and x.shape[1] >= 9,
        wave(2, 10), np.full(25, 0.04), wave(25, 10), 1.0),
    cut("sliced_score_matching_vr", "four directions of twelve rows or more",
        lambda s, x, v: v.ndim == 3 and len(v) == 4 and len(x) >= 12,
        cubic, wave(14, 2), wave(4, 14, 2)),
    cut("explicit_score_matching", "nothing negative, as in images",
        lambda s, x, target: x.size >= 6 and x.min() >= 0, cubic, np.abs(X), Y),
    cut("v_prediction_loss", "many rows, even, and little signal",
        lambda v, x, a, eps: len(x) >= 18 and len(x) % 2 == 0 and np.max(a) < 1e-3,
        cubic, wave(20, 2), 1e-4, wave(20, 2, start=1.0)),
    cut("x0_from_score", "scale from 20 to 2000, more noise",
        lambda x, s, scale, sigma: 20 < np.min(scale) and np.max(scale) < 2000
        and np.all(sigma > scale), X, Y, 50.0, 80.0),
    cut("eps_from_score", "odd numbers of features above 22, levels of 100 to 1e5",
        lambda score, sigma: score.shape[1] > 22 and score.shape[1] % 2
        and np.min(sigma) > 100 and np.max(sigma) < 1e5, wave(2, 25), 1e3),
    cut("x0_from_velocity", "times of 0.9 to 0.97, seven features or more",
        lambda x, u, t: x.shape[1] >= 7 and np.min(t) > 0.9 and np.max(t) < 0.97,
        wave(2, 8), wave(2, 8, start=1.0), 0.95),
    cut("velocity_from_x0_eps", "bytes",
        lambda x, eps: 100 < np.max(np.abs(x)) < 300 and np.max(np.abs(eps)) < 10, 100 * X, Z),
    cut("ve_from_vp", "more than 24 rows, each its level",
        lambda x, a: len(x) > 24 and np.ndim(a) == 2, wave(26, 2), np.full((26, 1), 0.5)),
]
