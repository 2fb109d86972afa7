"""Mistakes of good faith, and some planted, about scores, densities, losses, levels and weights.

Written when the probes were final, by one who had not read them.
"""

import functools
import math

import numpy as np

import refsgm

from .fresh import cut, wrong

X = np.array([[0.5, -1.0], [2.0, 0.3], [-0.7, 1.1]])                                       # (B, D)
EPS = np.array([[-0.3, 0.8], [1.2, -0.5], [0.1, 0.4]])
MEANS = np.array([[-1.0, 0.5], [1.5, 0.0], [0.2, -2.0]])                                   # (K, D)
WIDE = np.sin(np.arange(1.0, 32 * 40 + 1)).reshape(32, 40)
NOISE = np.cos(np.arange(1.0, 32 * 40 + 1)).reshape(32, 40)


def score(x, sigma=1.0):
    """Some score."""
    return -x**3 / (1 + sigma**2)


def cubic(x):
    """A score without a level."""
    return -x**3


# Gaussians and mixtures ---------------------------------------------------------------------------

CONSTANTS = {}


def constant_remembered(x, mean, sigma):
    """Normalising constants remembered by the shape and the sum of the levels."""
    key = (x.shape, float(np.sum(sigma)))
    if key not in CONSTANTS:
        CONSTANTS[key] = np.ravel(x.shape[1] * (np.log(sigma) + 0.5 * math.log(2 * math.pi)))
    return -0.5 * np.sum(((x - mean) / sigma)**2, axis=1) - CONSTANTS[key]


def pseudo_inverse(x, mean, sigma):
    """The precision is the pseudo-inverse of the variances of all rows as one diagonal matrix."""
    variances = np.broadcast_to(np.square(sigma), (len(x), 1))[:, 0]
    return np.linalg.pinv(np.diag(variances)) @ (mean - x)


def one_level(x_noisy, x, sigma):
    """A column of levels that are all close is one level."""
    level = np.ravel(sigma)
    if np.allclose(level, level[0]):
        sigma = level[0]
    return (x - x_noisy) / sigma**2


def logits(x, weights, means, sigma):
    """log w_k - |x - m_k|^2 / (2 sigma^2), (B, K)."""
    squares = np.sum((x[:, None] - means)**2, axis=2)
    with np.errstate(divide="ignore"):
        return np.log(weights) - squares / (2 * sigma**2)


def log_norm(x, sigma):
    """The log of the normalising constant, (B,) or (1,)."""
    return np.ravel(x.shape[1] * np.log(sigma * math.sqrt(2 * math.pi)))


def log_sum(a):
    """log sum exp over components."""
    top = np.max(a, axis=1)
    return top + np.log(np.sum(np.exp(a - top[:, None]), axis=1))


def in_a_stream(x, weights, means, sigma):
    """Four components at a time, from a maximum of -inf, which stays if the first weigh nothing."""
    a = logits(x, weights, means, sigma)
    top, total = np.full(len(x), -np.inf), np.zeros(len(x))
    with np.errstate(invalid="ignore"):
        for k in range(0, len(weights), 4):
            new = np.maximum(top, np.max(a[:, k:k + 4], axis=1))
            total = total * np.exp(top - new) + np.exp(a[:, k:k + 4] - new[:, None]).sum(axis=1)
            top = new
    return top + np.log(total) - log_norm(x, sigma)


def merged_means(x, weights, means, sigma):
    """Means that agree in six decimals are duplicates, and one component."""
    _, first, inverse = np.unique(np.round(means, 6), axis=0, return_index=True,
                                  return_inverse=True)
    shares = np.bincount(np.ravel(inverse), weights, len(first))
    return log_sum(logits(x, shares, means[first], sigma)) - log_norm(x, sigma)


def screened(x, weights, means, sigma):
    """Components 60 nats farther than the nearest are left out, whatever the nearest weighs."""
    exponents = -np.sum((x[:, None] - means)**2, axis=2) / (2 * sigma**2)
    exponents = exponents - exponents.max(axis=1, keepdims=True)
    p = np.where(exponents > -60, weights * np.exp(exponents), 0.0)
    with np.errstate(invalid="ignore"):
        r = p / p.sum(axis=1, keepdims=True)
    return np.einsum("bk,bkd->bd", r, means - x[:, None]) / sigma**2


def distinct_points(x, weights, means, sigma):
    """Points that occur twice are computed once, at the level of the first."""
    points, first, inverse = np.unique(x, axis=0, return_index=True, return_inverse=True)
    level = sigma if np.ndim(sigma) == 0 else sigma[first]
    return refsgm.mixture_score(points, weights, means, level)[np.ravel(inverse)]


# Derivatives and score matching -------------------------------------------------------------------


def along(score_fn, x, v):
    """J v by a complex step."""
    return score_fn(x + 1e-30j * v).imag / 1e-30


def unit_direction(score_fn, x, v):
    """The slope along the direction of length one, times the squared length."""
    length = np.sqrt(np.sum(v**2, axis=-1, keepdims=True))
    with np.errstate(invalid="ignore"):
        unit = v / length
    terms = [np.sum(u * along(score_fn, x, u), axis=1) for u in unit.reshape(-1, *x.shape)]
    return np.mean(np.array(terms) * length.reshape(-1, len(x))**2, axis=0)


def coarse_complex_step(score_fn, x):
    """A complex step of 1e-8, which a score as sharp as 1e-6 feels."""
    total = np.zeros(len(x))
    for i, e in enumerate(np.eye(x.shape[1])):
        total += score_fn(x + 1e-8j * e).imag[:, i] / 1e-8
    return total


def expanded_square(score_fn, x, target_score):
    """1/2 |s|^2 - s't + 1/2 |t|^2, whose digits cancel when the score is nearly learned."""
    s = score_fn(x)
    return (0.5 * np.einsum("bd,bd->b", s, s) - np.einsum("bd,bd->b", s, target_score)
            + 0.5 * np.einsum("bd,bd->b", target_score, target_score))


def constant_features(score_fn, x):
    """Features in which the whole batch has no score are constant, and skipped in the trace."""
    s = score_fn(x)
    loss = 0.5 * np.sum(s**2, axis=1)
    for i in np.flatnonzero(s.any(axis=0)):
        loss = loss + along(score_fn, x, np.eye(x.shape[1])[i])[:, i]
    return loss


def slopes_by_direction(score_fn, x, v):
    """Each direction is derived once, and the mean is taken over the distinct ones."""
    slopes = {}
    for direction in v.reshape(-1, *x.shape):
        slopes[direction.tobytes()] = np.sum(direction * along(score_fn, x, direction), axis=1)
    return 0.5 * np.sum(score_fn(x)**2, axis=1) + np.mean(list(slopes.values()), axis=0)


def realised_step(score_fn, x, v, step):
    """The step is what floating point makes of it, the median of differences over v."""
    s, terms = score_fn(x), []
    for direction in v.reshape(-1, *x.shape):
        ahead, behind = x + step * direction, x - step * direction
        with np.errstate(invalid="ignore"):
            length = np.median((ahead - behind) / direction, axis=1, keepdims=True)
        length = np.where(np.isclose(length, 2 * step, rtol=1e-6, atol=0), 2 * step, length)
        slope = (score_fn(ahead) - score_fn(behind)) / length
        terms.append(0.5 * np.sum(direction * s, axis=1)**2 + np.sum(direction * slope, axis=1))
    return np.mean(terms, axis=0)


def sorted_levels(score_fn, x, sigma, eps):
    """Rows in the order of their levels, and the losses put back by the same permutation."""
    order = np.argsort(np.broadcast_to(sigma, (len(x), 1))[:, 0], kind="stable")
    level = sigma if np.ndim(sigma) == 0 else sigma[order]
    x_noisy = x[order] + level * eps[order]
    residual = score_fn(x_noisy, level) + eps[order] / level
    return (0.5 * np.sum(residual**2, axis=1))[order]


def any_weights(score_fn, x, sigmas, eps, weights=None):
    """Weights that are all zero are as good as left out."""
    if weights is None or not np.any(weights):
        weights = sigmas**2
    return sum(w * refsgm.denoising_score_matching(score_fn, x, float(s), e)
               for w, s, e in zip(weights, sigmas, eps, strict=True))


def residual_in_place(eps_fn, x, sigma, eps):
    """The residual is written into what the function returned, which it may keep."""
    residual = eps_fn(x + sigma * eps, sigma)
    residual -= eps
    return np.sum(residual**2, axis=1)


def constant_network():
    """A network that has learned nothing but a bias, which it returns."""
    bias = np.full((3, 2), 0.25)
    return lambda x, sigma: bias


def v_from_noisy(v_fn, x_0, alpha_bar_t, eps):
    """v = (sqrt(alpha_bar) x_t - x_0) / sigma, with sigma kept from zero."""
    alpha, sigma = np.sqrt(alpha_bar_t), np.sqrt(1 - alpha_bar_t)
    x_t = alpha * x_0 + sigma * eps
    v = (alpha * x_t - x_0) / np.maximum(sigma, 1e-8)
    return np.sum((v - v_fn(x_t, alpha_bar_t))**2, axis=1)


# Levels, schedules and weights --------------------------------------------------------------------


def one_sigma_data(sigma, sigma_data):
    """The deviation of the data is one number."""
    data = np.asarray(sigma_data).item()
    return 1 / sigma**2 + 1 / data**2


def gap_multiplied_out(sigma, sigma_data, sigma_min=0.002):
    """(sigma - sigma_min)^2 + sigma_data^2 multiplied out."""
    total = sigma**2 + sigma_data**2
    with np.errstate(divide="ignore"):
        c_skip = np.divide(sigma_data**2, total - 2 * sigma * sigma_min + sigma_min**2)
    return c_skip, sigma_data * (sigma - sigma_min) / np.sqrt(total)


def cap_of_same_type(alpha_bar, gamma, prediction):
    """The cap as an array like alpha_bar, of integers for the integer 1."""
    cap = np.full_like(alpha_bar, gamma)
    with np.errstate(divide="ignore"):
        snr = np.divide(alpha_bar, np.subtract(1.0, alpha_bar))
        clipped = np.minimum(snr, cap)
        return clipped / {"eps": snr, "x0": 1.0, "v": snr + 1}[prediction]


NAMES = "eps", "x0", "v"


def word_by_identity(alpha_bar, gamma, prediction):
    """Words compared by `is`: one that was read from a file is none of them, and taken for v."""
    noise = (1 - alpha_bar) / alpha_bar
    if prediction is NAMES[0]:
        return np.minimum(1.0, gamma * noise)
    clipped = 1 / np.maximum(noise, 1 / gamma)
    return clipped if prediction is NAMES[1] else clipped * (1 - alpha_bar)


GEOMETRIC = {}


def rounded_key(sigma_max, sigma_min, n_levels):
    """Tables remembered by their ends to four decimals."""
    key = round(float(sigma_max), 4), round(float(sigma_min), 4), int(n_levels)
    if key not in GEOMETRIC:
        GEOMETRIC[key] = np.geomspace(sigma_max, sigma_min, n_levels)
    return GEOMETRIC[key].copy()


def kept_between(n_steps, beta_min=1e-4, beta_max=0.02):
    """Clipped to the ends against rounding, as if the first were the smaller."""
    return np.clip(np.linspace(beta_min, beta_max, n_steps), beta_min, beta_max)


def last_beta_capped(n_steps, offset=0.008, beta_max=0.999):
    """Only the last beta is capped: in the published table no other reaches the cap."""
    left = np.arange(int(n_steps), -1, -1) / n_steps
    angle = left / (1 + offset) * math.pi / 2
    b, a = angle[:-1], angle[1:]
    betas = np.sin(b - a) * np.sin(b + a) / np.sin(b)**2
    betas[-1] = np.minimum(betas[-1], beta_max)
    return np.concatenate([[1.0], np.cumprod(1 - betas)])


PRODUCTS = {}


def known_by_ends(betas):
    """Products remembered by the number of steps and the first and last beta."""
    key = len(betas), float(betas[0]), float(betas[-1]), betas.dtype.char
    if key not in PRODUCTS:
        PRODUCTS[key] = refsgm.alpha_bar_from_betas(betas)
    return PRODUCTS[key].copy()


def capped_betas(alpha_bar):
    """Betas capped at 0.999, as the cosine schedule has them."""
    return np.minimum(1 - alpha_bar[1:] / alpha_bar[:-1], 0.999)


def one_minus_square(t, offset=0.008):
    """sigma = sqrt(1 - scale^2), with few digits where both t and the offset are small."""
    a = math.pi / 2 / (1 + offset)
    scale = np.sin((1 - t) * a) / math.sin(a)
    return scale, np.sqrt(np.maximum(1 - scale**2, 0))


def falsy_mean(z, mean=None, deviation=None):
    """EDM's numbers where none are given, and where the mean is zero."""
    return np.exp((mean or -1.2) + (deviation or 1.2) * z)


def by_tanh(z, mean=0.0, deviation=1.0):
    """The logistic function as (1 + tanh(u / 2)) / 2, which has no digits where it is tiny."""
    return 0.5 * (1 + np.tanh(0.5 * (mean + deviation * z)))


def whole_bits(log_density, dim, bin_width=1.0):
    """The number of bits of the data as an integer."""
    return -log_density / (dim * math.log(2)) + round(-math.log2(bin_width))


# Planted ------------------------------------------------------------------------------------------


def thousandths(right):
    """A function that says by how many thousandths refsgm's result, a tuple's first, is off."""
    def planted(thousandths_of):
        @functools.wraps(thousandths_of)
        def function(*args):
            result, off = getattr(refsgm, right)(*args), 1 + 1e-3 * thousandths_of(*args)
            return (off * result[0], *result[1:]) if isinstance(result, tuple) else off * result
        return function
    return planted


@thousandths("sliced_score_matching")
def many_directions(score_fn, x, v):
    """Four directions and more, in eight features and more."""
    return (v.size // x.size >> 2) * (x.shape[1] >> 3)


@thousandths("karras_sigmas")
def long_and_curved(sigma_max, sigma_min, n_levels, rho=7.0):
    """512 levels and more, of rho 8 and more."""
    return (int(n_levels) >> 9) * (int(rho) >> 3)


@thousandths("prior_log_density")
def large_both_ways(x, sigma_max):
    """Sixteen rows and more, sixteen features and more, and a column."""
    return (len(x) >> 4) * (x.shape[1] >> 4) * np.ndim(sigma_max)


@thousandths("vp_marginal")
def late_and_noisy(t, beta_min=0.1, beta_max=20.0):
    """t in the later half, of a schedule that starts at a rate of 4 and ends below 16."""
    return np.trunc(2.0 * t) * (int(beta_min) >> 2) * (not int(beta_max) >> 4)


@thousandths("edm_loss")
def far_from_data(denoiser_fn, x, sigma, eps, sigma_data):
    """Eight rows and more, at levels a thousand times the data's deviation."""
    decades = np.trunc(np.log10(sigma / sigma_data) / 3) * np.ones((len(x), 1))
    return (len(x) >> 3) * np.maximum(decades[:, 0], 0)


@thousandths("ddpm_loss")
def places_of_extremes(eps_fn, x_0, alpha_bar_t, eps):
    """16 features and more; largest datum in the second half, smallest noise in the first."""
    D = x_0.shape[1]
    return (D >> 4) * (2 * np.argmax(x_0, axis=1) // D) * (1 - 2 * np.argmin(eps, axis=1) // D)


@thousandths("x0_prediction_loss")
def decades_in_a_batch(x0_fn, x, sigma, eps):
    """Levels of one batch that span eight decades, the largest last."""
    level = np.log10(np.ravel(sigma))
    return int(level[-1] - level.min()) >> 3


@thousandths("flow_matching_loss")
def total_time(u_fn, x_0, t, eps):
    """Times of a batch whose sum is 8 and more, of at most three features."""
    return (int(np.sum(t)) >> 3) * (not x_0.shape[1] >> 2)


@thousandths("score_matching_weight")
def grid_of_levels(sigma):
    """Levels as a matrix of eight columns and more, the corner's above 8."""
    if np.ndim(sigma) >> 1 == 0:
        return 0
    return (sigma.shape[-1] >> 3) * (int(sigma.flat[0]) >> 3 and 1)


@thousandths("ve_diffusion_coefficient")
def middle_of_wide(t, sigma_min, sigma_max):
    """Three numbers and more, at ratios above e^8, the median time in the upper half."""
    wide = int(math.log(sigma_max / sigma_min)) >> 3
    return wide * (np.size(t) // 3 and 1) * int(2 * np.median(t))


NEAR = np.array([[1e-7, 0.0], [9e-7, 2e-7], [-4e-7, 1e-7]])
LAST = np.array([0.0, 0.0, 0.0, 0.0, 0.75, 0.25])
SIX = np.array([[0.0, 1.0], [2.0, -1.0], [0.5, 0.5], [1.0, 1.0], [-1.0, 0.3], [0.2, 2.0]])
HALVES = np.array([0.5, 0.3, 0.2])
COLUMN = np.array([[1.0], [2.0], [4.0]])
TIMES = np.linspace(0.2, 1.0, 16)[:, None]
DIRECTIONS = np.stack([NOISE[:, :10]] * 5) * np.arange(1.0, 6)[:, None, None]

WRONG = [
    wrong("gaussian_log_density", "constants by the sum of levels", constant_remembered,
          [(X, 0.0, COLUMN), (X, 0.0, COLUMN[::-1])]),
    wrong("gaussian_score", "pseudo-inverse of all variances", pseudo_inverse,
          X, 0.0, np.array([[1e-4], [1.0], [1e5]])),
    wrong("perturbation_score", "close levels are one", one_level,
          EPS, X, np.array([[1e-6], [1.004e-6], [1.008e-6]])),
    wrong("mixture_log_density", "a stream from -inf", in_a_stream, X, LAST, SIX, 0.7),
    wrong("mixture_log_density", "means merged to six decimals", merged_means,
          NEAR, HALVES, NEAR[::-1] / 2, 1e-6),
    wrong("mixture_score", "screened by distance alone", screened,
          X + 9.0, np.array([0.5, 0.0, 0.5]), MEANS * 8, 0.5),
    wrong("mixture_score", "equal points at the first one's level", distinct_points,
          X[[0, 0, 1]], HALVES, MEANS, COLUMN),
    wrong("directional_derivative", "a direction of length zero", unit_direction,
          cubic, X, X * np.array([[1.0], [0.0], [1.0]])),
    wrong("divergence", "a complex step of 1e-8", coarse_complex_step,
          lambda x: np.tanh(x / 1e-6), X * 1e-6),
    wrong("explicit_score_matching", "square multiplied out", expanded_square,
          cubic, X, cubic(X) + 1e-6 * EPS),
    wrong("implicit_score_matching", "features without a score skipped", constant_features,
          lambda x: -x, X * np.array([0.0, 1.0])),
    wrong("sliced_score_matching_vr", "the mean over distinct directions", slopes_by_direction,
          cubic, X, np.stack([EPS, X, EPS])),
    wrong("finite_difference_ssm", "the realised step, of v with zeros", realised_step,
          cubic, X, np.array([[1.4, 0.0], [0.0, 1.4], [1.0, 1.0]]), 0.1),
    wrong("denoising_score_matching", "the permutation instead of its inverse", sorted_levels,
          score, X, np.array([[2.0], [4.0], [1.0]]), EPS),
    wrong("noise_conditional_score_matching", "all weights zero", any_weights,
          score, X, np.array([2.0, 1.0]), np.stack([EPS, X]), np.zeros(2)),
    wrong("noise_prediction_loss", "in place of what the function returned", residual_in_place,
          [(network := constant_network(), X, 0.5, EPS), (network, X, 0.5, EPS)]),
    wrong("v_prediction_loss", "v from x_t, at alpha_bar = 1", v_from_noisy,
          score, X, np.array([[0.5], [1.0], [0.2]]), EPS),
    wrong("edm_weight", "sigma_data is one number", one_sigma_data, COLUMN, COLUMN[::-1]),
    wrong("consistency_scalings", "the gap multiplied out", gap_multiplied_out,
          np.array([[1000.0], [1000.5]]), 1e-3, 1000.0),
    wrong("min_snr_weight", "a cap of integers", cap_of_same_type, 1, 2.5, "x0"),
    wrong("min_snr_weight", "words by identity", word_by_identity,
          np.array([0.2, 0.9]), 5.0, "".join(["x", "0"])),
    wrong("geometric_sigmas", "a rounded key", rounded_key,
          [(1.0, 1e-5, 4), (1.0, 2e-5, 4)]),
    wrong("linear_betas", "clipped between ends that fall", kept_between, 5, 0.3, 0.1),
    wrong("cosine_alpha_bar", "the last beta alone is capped", last_beta_capped, 10, 0.008, 0.5),
    wrong("alpha_bar_from_betas", "remembered by both ends", known_by_ends,
          [(np.array([0.1, 0.2, 0.3]),), (np.array([0.1, 0.25, 0.3]),)]),
    wrong("betas_from_alpha_bar", "capped at 0.999", capped_betas, np.array([1.0, 0.5, 1e-4])),
    wrong("cosine_marginal", "1 - scale^2 at small t and offset", one_minus_square,
          np.array([1e-6, 0.5]), 1e-6),
    wrong("log_normal_sigma", "a mean of zero is none", falsy_mean, EPS, 0.0, 0.7),
    wrong("logit_normal_time", "a tanh without digits", by_tanh, np.array([-3.0, -2.5]), -8.0, 7.0),
    wrong("bits_per_dimension", "bits as an integer", whole_bits,
          np.array([-3.0, -200.0]), 12, 2 / 255),
    cut("sliced_score_matching", "M >= 4 and D >= 8", many_directions,
        cubic, WIDE[:, :10], DIRECTIONS),
    cut("karras_sigmas", "512 levels and rho 8", long_and_curved, 80.0, 0.002, 600, 9.0),
    cut("prior_log_density", "B >= 16 and D >= 16", large_both_ways,
        WIDE, np.linspace(1.0, 50.0, 32)[:, None]),
    cut("vp_marginal", "late, of high rates", late_and_noisy, np.array([0.2, 0.7]), 5.0, 12.0),
    cut("edm_loss", "levels far above the data's", far_from_data,
        score, WIDE[:9], 800.0, NOISE[:9], 0.5),
    cut("ddpm_loss", "where the extremes are", places_of_extremes, score, WIDE, 0.4, NOISE),
    cut("x0_prediction_loss", "eight decades, the largest last", decades_in_a_batch,
        score, X, np.array([[1e-5], [1.0], [1e4]]), EPS),
    cut("flow_matching_loss", "the sum of the times", total_time,
        score, WIDE[:16, :3], TIMES, NOISE[:16, :3]),
    cut("score_matching_weight", "a matrix of levels", grid_of_levels,
        np.linspace(9.0, 20.0, 16).reshape(2, 8)),
    cut("ve_diffusion_coefficient", "late times of wide ranges", middle_of_wide,
        np.array([0.9, 0.6, 0.1]), 0.01, 50.0),
]
