"""Scores, densities, objectives and levels that are wrong where two arguments meet.

Mistakes of good faith, and some planted, written when the probes stood, by one who had not read
them.
"""

import itertools
import math

import numpy as np
from scipy.special import logsumexp

import refsgm

from .fresh import cut, wrong

X = np.array([[0.5, -1.0], [2.0, 0.3], [-0.7, 1.1]])                                       # (B, D)
Z = np.array([[-0.3, 0.8], [1.2, -0.5], [0.1, 0.4]])
LEVELS = np.array([[0.5], [2.0], [0.5]])
MATRIX = np.array([[-1.0, 0.4], [0.2, -0.7]])
WEIGHTS, MEANS = np.array([0.5, 0.3, 0.2]), np.array([[1.0, 0.0], [-1.0, 2.0], [0.3, -0.4]])
BUDGET = 2**13                     # numbers of one block


def plain(shape):
    """Numbers of this shape that repeat late, between -1 and 1."""
    return np.sin(1.7 * np.arange(1, math.prod(shape) + 1)**1.1).reshape(shape)


def shares(n):
    """Weights (n,) with sum 1."""
    w = 1.5 + np.cos(np.arange(n))
    return w / w.sum()


def cubic(x, sigma=1.0):
    """Some score."""
    return -x**3 / (1 + sigma)


def turned(x):
    """A linear score by columns, which comes back in Fortran's order."""
    return (MATRIX @ x.T).T


def mixing(x):
    """A score whose Jacobian is not diagonal."""
    return x @ MATRIX - x**3


def by_row(x):
    """A score at a level of each row's own, which it knows."""
    return -x**3 / (1 + LEVELS)


def itself(x):
    """The score of a bad model: its argument, not a copy."""
    return x


def constant(x, sigma):
    """A score that does not depend on its arguments, the same array each time."""
    return STORED


STORED = np.array([[0.1, 0.2], [-0.4, 0.6], [0.3, -0.5]])


# Gaussians and mixtures ---------------------------------------------------------------------------


def log_determinant(x, mean, sigma):
    """The determinant of sigma^2 I as a number, which leaves the range at many features."""
    with np.errstate(divide="ignore", over="ignore"):
        log_det = np.log(np.ravel(np.square(sigma))**float(x.shape[1]))
    squares = np.sum(np.square((x - mean) / sigma), axis=1)
    return -0.5 * (squares + log_det + x.shape[1] * math.log(2 * math.pi))


def exponents(x, weights, means, sigma):
    """log w_k - |x - m_k|^2 / (2 sigma^2), (B, K)."""
    squares = np.sum((x[:, None] - means)**2, axis=2)
    with np.errstate(divide="ignore"):
        return np.log(weights) - squares / (2 * np.square(sigma))


def level_of_component(x, weights, means, sigma):
    """As many levels as components are those of the components, though they are those of rows."""
    variance = np.ravel(np.square(sigma))
    variance = variance if variance.size in (1, len(weights)) else variance[:, None]
    squares = np.sum((x[:, None] - means)**2, axis=2)
    with np.errstate(divide="ignore"):
        a = np.log(weights) - squares / (2 * variance)
    return logsumexp(a - 0.5 * x.shape[1] * np.log(2 * np.pi * variance), axis=1)


def reference_of_batch(x, weights, means, sigma):
    """Exponents relative to the component that is the likeliest for the batch as a whole."""
    a = exponents(x, weights, means, sigma)
    top = a[:, [np.argmax(a.sum(axis=0))]]
    with np.errstate(over="ignore", invalid="ignore"):
        total = np.log(np.sum(np.exp(a - top), axis=1)) + top[:, 0]
    return total - np.ravel(x.shape[1] * np.log(np.sqrt(2 * np.pi) * sigma))


def first_levels(x, weights, means, sigma):
    """Rows in blocks, each with the levels of the first block."""
    size = max(1, BUDGET // means.size)
    blocks = (x[i:i + size] for i in range(0, len(x), size))
    return np.concatenate([
        refsgm.mixture_score(b, weights, means, sigma if np.ndim(sigma) == 0 else sigma[:len(b)])
        for b in blocks])


class Remembered:
    """Squared lengths of the centres, remembered under the sum of their entries."""

    def __init__(self):
        """Nothing yet."""
        self.lengths = {}

    def __call__(self, x, weights, means, sigma):
        """The score, by |m|^2 - 2 x'm."""
        key = means.shape, round(float(means.sum()), 9)
        if key not in self.lengths:
            self.lengths[key] = np.sum(means**2, axis=1)
        with np.errstate(divide="ignore"):
            a = np.log(weights) + (x @ means.T - 0.5 * self.lengths[key]) / np.square(sigma)
        r = np.exp(a - logsumexp(a, axis=1, keepdims=True))
        return (r @ means - x) / np.square(sigma)


# Objectives ---------------------------------------------------------------------------------------


def batch_first(score_fn, x, v):
    """Directions (B, M, D) are taken too, and told by their length."""
    if np.ndim(v) == 3 and len(v) == len(x):
        v = np.swapaxes(v, 0, 1)
    return refsgm.directional_derivative(score_fn, x, v)


def each_once(score_fn, x, v):
    """A direction that was drawn twice counts once."""
    v = np.unique(v, axis=0) if np.ndim(v) == 3 else v
    return refsgm.hutchinson_divergence(score_fn, x, v)


def antithetic(score_fn, x, v, step):
    """Opposite directions share one difference, whose sign is forgotten."""
    total, before, slope, score = 0.0, None, None, score_fn(x)
    v = v if np.ndim(v) == 3 else v[None]
    for u in v:
        if before is None or not np.array_equal(u, -before):
            slope = (score_fn(x + step * u) - score_fn(x - step * u)) / (2 * step)
        total = total + 0.5 * np.sum(u * score, axis=1)**2 + np.sum(u * slope, axis=1)
        before = u
    return total / len(v)


def one_buffer(score_fn, x, v, step):
    """Both points lie in one place of memory, which a score may hand back."""
    score, point = score_fn(x), np.empty(x.shape)

    def term(u):
        ahead = score_fn(np.add(x, step * u, out=point))
        slope = (ahead - score_fn(np.subtract(x, step * u, out=point))) / (2 * step)
        return 0.5 * np.sum(u * score, axis=1)**2 + np.sum(u * slope, axis=1)
    return term(v) if np.ndim(v) == 2 else np.mean([term(u) for u in v], axis=0)


def one_pass(score_fn, x, v):
    """All directions in one pass, on M copies of the batch."""
    if np.ndim(v) == 2:
        return refsgm.sliced_score_matching(score_fn, x, v)
    rows = np.tile(x, (len(v), 1))
    loss = refsgm.sliced_score_matching(score_fn, rows, v.reshape(rows.shape))
    return loss.reshape(len(v), len(x)).mean(axis=0)


def unit_directions(score_fn, x, v):
    """v' J v for v of length one, times its squared length: 0 / 0 for a zero direction."""
    length = np.linalg.norm(v, axis=-1, keepdims=True)
    with np.errstate(invalid="ignore"):
        unit = v / length
    if np.ndim(v) == 2:
        unit, length = unit[None], length[None]
    slopes = [n[:, 0]**2 * directional(score_fn, x, u) for u, n in zip(unit, length)]
    return 0.5 * np.sum(score_fn(x)**2, axis=1) + np.mean(slopes, axis=0)


def directional(score_fn, x, v):
    """v' J v, NaN for a direction that is NaN."""
    known = np.all(np.isfinite(v), axis=1)
    slope = refsgm.directional_derivative(score_fn, x, np.where(known[:, None], v, 0.0))
    return np.where(known, slope, np.nan)


def in_memory_order(score_fn, x, target_score):
    """Both arrays flattened as they lie in memory."""
    flat = np.ravel(score_fn(x), order="K") - np.ravel(target_score, order="K")
    return 0.5 * np.sum(np.reshape(flat**2, x.shape), axis=1)


def whole_blocks(score_fn, x):
    """The trace in blocks of features that fit a budget with B rows, whole blocks alone."""
    D, size = x.shape[1], max(1, BUDGET // 8 // len(x))
    ends = size * (D // size) if D > size else D
    trace = np.zeros(len(x))
    for i in range(ends):
        e = np.zeros(x.shape)
        e[:, i] = 1.0
        trace += refsgm.directional_derivative(score_fn, x, e)
    return 0.5 * np.sum(score_fn(x)**2, axis=1) + trace


def adds_in_place(score_fn, x, sigmas, eps, weights=None):
    """The target is added to the array that the model returned."""
    weights = sigmas**2 if weights is None else weights
    loss = 0.0
    for w, sigma, e in zip(weights, sigmas, eps):
        residual = score_fn(x + sigma * e, sigma)
        residual += e / sigma
        loss = loss + 0.5 * w * np.sum(residual**2, axis=1)
    return loss


def none_or_zero(score_fn, x, sigmas, eps, weights=None):
    """No weights, or none that counts: the default."""
    weights = None if weights is None or not np.any(weights) else weights
    return refsgm.noise_conditional_score_matching(score_fn, x, sigmas, eps, weights)


def grouped(eps_fn, x, sigma, eps):
    """One call for each level, with `groupby`, which wants equal levels side by side."""
    if np.ndim(sigma) == 0:
        return refsgm.noise_prediction_loss(eps_fn, x, sigma, eps)
    groups = {level: list(rows) for level, rows in
              itertools.groupby(range(len(x)), key=lambda b: sigma[b, 0])}
    out = np.zeros(len(x))
    for rows in groups.values():
        out[rows] = refsgm.noise_prediction_loss(eps_fn, x[rows], sigma[rows], eps[rows])
    return out


class LastAnswer:
    """A denoiser's last answer, kept for the input it had; the level is not part of that."""

    def __init__(self):
        """No answer yet."""
        self.key = self.answer = None

    def __call__(self, x0_fn, x, sigma, eps):
        """The loss, with a new answer if there is need of one."""
        x_noisy = x + sigma * eps
        key = x0_fn, x_noisy.shape, x_noisy.tobytes()
        if key != self.key:
            self.key, self.answer = key, np.array(x0_fn(x_noisy, sigma))
        return np.sum((x - self.answer)**2, axis=1)


# Levels and weights -------------------------------------------------------------------------------


def by_antiderivative(t, beta_min=0.1, beta_max=20.0):
    """The integral of beta as (beta(t)^2 - beta_min^2) over twice the slope, which may be zero."""
    slope = np.float64(beta_max - beta_min)
    with np.errstate(invalid="ignore", divide="ignore"):
        integral = t * (t * slope + 2 * beta_min) * slope / (2 * slope)
    return np.exp(-integral / 2), np.sqrt(-np.expm1(-integral))


def rising(n_steps, beta_min=1e-4, beta_max=0.02):
    """From the smaller to the larger, whichever was named first."""
    return np.linspace(*sorted((beta_min, beta_max)), n_steps)


def by_arange(sigma_max, sigma_min, n_levels):
    """Steps of 1 / (L - 1) below 1, and 1: at some L there is one that rounds to just below 1."""
    u = np.append(np.arange(0.0, 1.0, 1 / (n_levels - 1)), 1.0)
    return np.exp((1 - u) * math.log(sigma_max) + u * math.log(sigma_min))


def close_to_end(sigma, sigma_data, sigma_min=0.002):
    """What is close to sigma_min is sigma_min, by NumPy's idea of close."""
    end = np.isclose(sigma, sigma_min)
    level = np.where(end, sigma_min, sigma)
    skip, out = refsgm.consistency_scalings(level, sigma_data, sigma_min)
    return (skip, out) if np.ndim(sigma) else (float(skip), float(out))


def nearly_constant(betas):
    """A power for a table of equal betas, or such as `allclose` takes for equal."""
    if np.allclose(betas, betas[0], atol=1e-4):
        return (1 - np.mean(betas))**np.arange(len(betas) + 1)
    return refsgm.alpha_bar_from_betas(betas)


def zero_is_default(z, mean=None, deviation=None):
    """Defaults by `or`, so that a mean of zero is none."""
    return np.exp((mean or -1.2) + (deviation or 1.2) * z)


def by_shift(z, mean=0.0, deviation=1.0):
    """The time of mean zero, shifted by exp(mean): no digits where both are large and opposite."""
    t, shift = 1 / (1 + np.exp(-deviation * z)), np.exp(mean)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.divide(shift * t, 1 + (shift - 1) * t)


def agreed(conditional, unconditional, scale):
    """No guidance where both agree, as all small scores do within `allclose`."""
    if np.allclose(conditional, unconditional):
        return conditional.copy()
    return refsgm.classifier_free_guidance(conditional, unconditional, scale)


def rescaled(x_t, x_0, scale, sigma):
    """In the coordinates of x_0, which need a scale that is not zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return scale * (x_0 - np.divide(x_t, scale)) / np.square(sigma)


def first_capped(alpha_bar, gamma, prediction):
    """In a table as many as exceed the cap are capped: the first, as those of a schedule."""
    if np.ndim(alpha_bar) != 1:
        return refsgm.min_snr_weight(alpha_bar, gamma, prediction)
    with np.errstate(divide="ignore", invalid="ignore"):
        q = alpha_bar / (1 - alpha_bar)
        capped = q.copy()
        capped[:np.count_nonzero(q > gamma)] = gamma
        return {"eps": capped / q, "x0": capped, "v": capped * (1 - alpha_bar)}[prediction]


def capped_betas(alpha_bar):
    """The cap of the cosine schedule, for every table."""
    return np.minimum((alpha_bar[:-1] - alpha_bar[1:]) / alpha_bar[:-1], 0.999)


def path_of_first(x_t, v, scale, sigma):
    """Whether the path preserves variance is seen from the first row, which may be nearly clean."""
    total = scale**2 + sigma**2
    if math.isclose(float(np.ravel(total)[0]), 1.0, rel_tol=1e-9):
        total = 1.0
    return (scale * v + sigma * x_t) / total


def one_deviation(sigma, sigma_data):
    """The deviation of the data is one number: the first, if there are several."""
    return 1 / sigma**2 + 1 / float(np.ravel(sigma_data)[0])**2


# Planted ------------------------------------------------------------------------------------------


def size_order(x, weights, means, sigma):
    """More rows than features, and more features than components, which are not few."""
    B, D, K = *x.shape, len(weights)
    return refsgm.mixture_score(x, weights, means, sigma) * (1.001 if B > D > K > 4 else 1.0)


def digits_of_level(x, mean, sigma):
    """A level whose mantissa starts with certain digits in base 16."""
    digits = float(np.ravel(sigma)[0]).hex()[4:6]
    out = refsgm.gaussian_log_density(x, mean, sigma)
    return out - 0.01 if digits in ("f8", "f9", "fa", "fb") else out


def same_row(score_fn, x, sigma, eps):
    """The longest row of x is that of eps, in a batch whose number has two digits."""
    loss = refsgm.denoising_score_matching(score_fn, x, sigma, eps)
    longest = [int(np.argmax(np.sum(a**2, axis=1))) for a in (x, eps)]
    return loss * 1.001 if longest[0] == longest[1] and len(str(len(x))) > 1 else loss


def many_directions(score_fn, x, v):
    """Four directions or five, and more features than rows."""
    loss = refsgm.sliced_score_matching(score_fn, x, v)
    several = np.ndim(v) == 3 and len(v) >> 2
    return loss + 0.01 * np.sum(v[0]**2, axis=1) if several and x.shape[1] > len(x) else loss


def short_and_long(sigma_max, sigma_min, n_levels, rho=7.0):
    """A long table over a range that is narrower than rho."""
    sigmas = refsgm.karras_sigmas(sigma_max, sigma_min, n_levels, rho)
    if sigma_max < rho * sigma_min and n_levels.bit_length() > 6:
        sigmas[1:-1] = sigmas[1:-1]**0.99 * sigma_max**0.01
    return sigmas


def below_data(sigma, sigma_data):
    """A table in decreasing order, all below the deviation of the data."""
    skip, out, scale, noise = refsgm.edm_preconditioning(sigma, sigma_data)
    if np.ndim(sigma) == 1 and len(sigma) > len("levels"):
        falls = bool(np.all(np.argsort(sigma)[::-1] == np.arange(len(sigma))))
        if falls and np.argmax(np.append(sigma, np.max(sigma_data))) == len(sigma):
            out = out * 1.001
    return skip, out, scale, noise


def divides(eps_fn, x_0, alpha_bar_t, eps):
    """The number of rows, which is not small, divides that of features."""
    loss, (B, D) = refsgm.ddpm_loss(eps_fn, x_0, alpha_bar_t, eps), x_0.shape
    return loss * 1.001 if D > B > 4 and not D % B else loss


def long_directions(score_fn, x, v):
    """Directions without a small entry."""
    out = refsgm.hutchinson_divergence(score_fn, x, v)
    return out * 1.001 if math.floor(float(np.min(np.abs(v))) / 1.25) else out


def more_levels(score_fn, x, sigmas, eps, weights=None):
    """More levels than there are numbers in a batch, which are ten at least."""
    loss = refsgm.noise_conditional_score_matching(score_fn, x, sigmas, eps, weights)
    return loss * 1.001 if len(sigmas) > x.size and len(str(x.size)) > 1 else loss


def light_neighbours(x, weights, means, sigma):
    """A batch of five or more where the nearest component of each row is light."""
    nearest = np.argmin(np.sum((x[:, None] - means)**2, axis=2), axis=1)
    out = refsgm.mixture_log_density(x, weights, means, sigma)
    heavy = np.flatnonzero(weights * len(weights) >= 1)
    return out if len(x) < 5 or set(nearest.tolist()) & set(heavy.tolist()) else out + 0.001


PAIR = np.stack([Z, -Z])
THRICE = np.stack([Z, Z, X])
SIGMAS = np.array([2.0, 1.0, 0.5])
EPS = plain((3, 3, 2))
FAR = np.array([[0.0, 0.0], [90.0, 0.0], [0.5, 0.0]])
TEN = plain((12, 3))

WRONG = [
    wrong("gaussian_log_density", "a determinant out of range", log_determinant,
          plain((2, 30)), 0.0, 1e-6),
    wrong("mixture_log_density", "levels of rows read as those of components", level_of_component,
          X, WEIGHTS, MEANS, LEVELS),
    wrong("mixture_log_density", "one reference component for a batch", reference_of_batch,
          FAR, np.array([0.5, 0.5]), np.array([[0.0, 0.0], [90.0, 0.0]]), 1.0),
    wrong("mixture_score", "levels of the first block of rows", first_levels,
          plain((30, 20)), shares(25), plain((25, 20)), np.linspace(0.5, 3.0, 30)[:, None]),
    wrong("mixture_score", "remembered for the sum of the centres", Remembered(),
          [(X, WEIGHTS, MEANS, 1.0), (X, WEIGHTS, MEANS[::-1], 1.0)]),
    wrong("directional_derivative", "M = B taken for batch first", batch_first,
          cubic, X, plain((3, 3, 2))),
    wrong("hutchinson_divergence", "a repeated direction counted once", each_once,
          mixing, X, THRICE),
    wrong("finite_difference_ssm", "opposite directions share a difference", antithetic,
          cubic, X, PAIR, 0.1),
    wrong("finite_difference_ssm", "one buffer for both points", one_buffer, itself, X, Z, 0.1),
    wrong("sliced_score_matching", "copies of the batch for all directions", one_pass,
          by_row, X, PAIR),
    wrong("sliced_score_matching_vr", "a zero direction is normalised", unit_directions,
          cubic, X, np.array([[0.0, 0.0], [1.0, -1.0], [0.5, 0.2]])),
    wrong("explicit_score_matching", "flattened in the order of memory", in_memory_order,
          turned, X, Z),
    wrong("implicit_score_matching", "the last block of features forgotten", whole_blocks,
          cubic, plain((32, 39))),
    wrong("noise_conditional_score_matching", "adds to the model's array", adds_in_place,
          constant, X, SIGMAS, EPS),
    wrong("noise_conditional_score_matching", "zero weights read as none", none_or_zero,
          cubic, X, SIGMAS, EPS, np.zeros(3)),
    wrong("noise_prediction_loss", "equal levels apart from one another", grouped,
          cubic, X, LEVELS, Z),
    wrong("x0_prediction_loss", "an answer kept for another level", LastAnswer(),
          [(cubic, X, 1.0, 0 * Z), (cubic, X, 2.0, 0 * Z)]),
    wrong("vp_marginal", "divided by the slope of beta", by_antiderivative, 0.5, 2.0, 2.0),
    wrong("linear_betas", "always rising", rising, 5, 0.3, 0.1),
    wrong("geometric_sigmas", "a level too many at some lengths", by_arange, 10.0, 0.1, 50),
    wrong("consistency_scalings", "close to the end is the end", close_to_end,
          np.array([1.004e-6, 1.008e-6]), 0.5, 1e-6),
    wrong("alpha_bar_from_betas", "small betas taken for equal", nearly_constant,
          np.linspace(1e-6, 9e-5, 1000)),
    wrong("log_normal_sigma", "a mean of zero is the default", zero_is_default, 0.5, 0.0, 1.0),
    wrong("logit_normal_time", "shifted back from where 1 - t has no digits", by_shift,
          np.array([3.0, 6.0]), -30.0, 5.0),
    wrong("classifier_free_guidance", "small scores agree", agreed, 1e-9 * X, 1e-9 * Z, 3.0),
    wrong("score_from_x0", "divided by the scale", rescaled, X, Z, 0.0, 1.0),
    wrong("min_snr_weight", "the first of a table capped", first_capped,
          np.array([0.2, 0.99, 0.5]), 5.0, "x0"),
    wrong("betas_from_alpha_bar", "a cap of 0.999", capped_betas, np.array([1.0, 0.5, 1e-5])),
    wrong("eps_from_v", "the first row is taken for the path", path_of_first,
          X, Z, np.array([[0.6], [0.7], [0.2]]), np.array([[0.8], [0.3], [0.8]])),
    wrong("edm_weight", "one deviation of the data for all", one_deviation,
          np.array([1.0, 2.0]), np.array([0.5, 3.0])),
    cut("mixture_score", "B > D > K > 4", size_order,
        plain((9, 7)), shares(6), plain((6, 7)), 1.0),
    cut("gaussian_log_density", "digits of the level", digits_of_level, X, 0.0, 1.975),
    cut("denoising_score_matching", "the longest rows are one", same_row, cubic, TEN, 0.7, TEN),
    cut("sliced_score_matching", "M > 3 and D > B", many_directions,
        cubic, plain((3, 8)), plain((5, 3, 8))),
    cut("karras_sigmas", "a long table of a narrow range", short_and_long, 3.0, 1.0, 100),
    cut("edm_preconditioning", "a falling table below the data", below_data,
        np.linspace(0.9, 0.1, 20), 1.0),
    cut("ddpm_loss", "B divides D", divides, cubic, plain((6, 18)), 0.4, plain((6, 18))),
    cut("hutchinson_divergence", "no small entry of v", long_directions,
        cubic, X, np.where(Z > 0, 1.5, -2.5)),
    cut("noise_conditional_score_matching", "more levels than numbers", more_levels,
        cubic, TEN, np.linspace(3.0, 0.2, 40), plain((40, 12, 3))),
    cut("mixture_log_density", "light nearest components", light_neighbours,
        plain((8, 2)), np.array([0.1, 0.8, 0.1]),
        np.array([[0.5, 0.0], [9.0, 9.0], [-0.5, 0.3]]), 1.0),
]
