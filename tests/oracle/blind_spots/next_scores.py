"""Mistakes of good faith, and some planted, written by one who had not read the probes.

Each has the arguments that show it: there the result is not refsgm's.
"""

import itertools
import math

import autograd.numpy as anp
import numpy as np
from scipy.special import logsumexp

import refsgm

from .fresh import cut, wrong

X = np.array([[0.5, -1.0], [2.0, 0.3], [-0.7, 1.1]])                                       # (B, D)
Y = np.array([[1.5, 0.2], [-0.4, 0.9], [0.6, -2.0]])
Z = np.array([[-0.3, 0.8], [1.2, -0.5], [0.1, 0.4]])
COLUMN = np.array([[0.5], [2.0], [1.0]])
MANY = np.cos(np.arange(33 * 40.0)).reshape(33, 40)
MEANS, ROOTS, WEIGHTS = {}, {}, {}                          # what some functions remember


def score(x, sigma=1.0):
    """Some score, whose Jacobian is diagonal."""
    return -x**3 / (1 + sigma**2)


def turning(x, sigma=1.0):
    """Some score, whose Jacobian is neither diagonal nor symmetric."""
    return -x**3 + x @ np.array([[0.0, 2.0], [0.5, 0.0]]) / sigma


def steep(x):
    """A function that changes over lengths of 1e-6."""
    return anp.sin(x * 1e6)


def nothing(x, sigma=1.0):
    """A network that says nothing."""
    return 0 * x


def gaussian(x, sigma=1.0):
    """The score of data of deviation one."""
    return -x / (1 + sigma**2)


def two_points(x, sigma):
    """The score of features that are 1 or -1."""
    return (anp.tanh(x / sigma**2) - x) / sigma**2


def along(f, x, v, h=1e-30):
    """J v by a complex step, (B, D)."""
    return np.imag(f(x + 1j * h * v)) / h


def exact_divergence(f, x):
    """The trace of the Jacobian, (B,)."""
    return sum(along(f, x, e * np.ones((len(x), 1)))[:, i]
               for i, e in enumerate(np.eye(x.shape[1])))


# Gaussians ----------------------------------------------------------------------------------------


def buckets_of_levels(x, mean, sigma):
    """Rows whose levels agree in three decimals of the logarithm share the first one's level."""
    _, first, place = np.unique(np.round(np.log(np.ravel(sigma)), 3), return_index=True,
                                return_inverse=True)
    return (mean - x) / np.ravel(sigma)[first][np.ravel(place)][:, None]**2


def determinant(x, mean, sigma):
    """The determinant of the covariance, which leaves the range, and then its logarithm."""
    covariances = np.square(np.reshape(sigma, (-1, 1, 1))) * np.eye(x.shape[1])
    with np.errstate(all="ignore"):
        log_det = np.log(2 * np.pi) * x.shape[1] + np.log(np.linalg.det(covariances))
    return -0.5 * (np.sum(((x - mean) / sigma)**2, axis=1) + log_det)


def one_level_if_close(x, sigma_max):
    """allclose decides whether all rows have one level; its absolute part is 1e-8."""
    if np.ndim(sigma_max) and np.allclose(sigma_max, sigma_max[:1]):
        sigma_max = sigma_max[:1]
    constant = x.shape[1] * np.log(np.ravel(sigma_max) * math.sqrt(2 * math.pi))
    return -0.5 * np.sum((x / sigma_max)**2, axis=1) - constant


def pseudo_inverse(x_noisy, x, sigma):
    """The pseudo-inverse of all variances on one diagonal, which takes small ones for zero."""
    variances = np.broadcast_to(np.square(sigma), (len(x), 1))[:, 0]
    return np.linalg.pinv(np.diag(variances)) @ (x - x_noisy)


def bits_of_a_bin(log_density, dim, bin_width=1.0):
    """A bin of nearly a power of two, such as 1 / 255, counts as whole bits."""
    bits = -math.log2(bin_width)
    bits = round(bits) if abs(bits - round(bits)) < 0.01 else bits
    return -log_density / (dim * math.log(2)) + bits


def fixed_number_of_steps(score_fn, x, sigma_min, sigma_max):
    """Runge and Kutta's method in log sigma with 400 steps, however wide the range is."""
    def slope(t, points):
        sigma = math.exp(t)
        return (-sigma**2 * score_fn(points, sigma),
                sigma**2 * exact_divergence(lambda x: score_fn(x, sigma), points))

    h, change = math.log(sigma_max / sigma_min) / 400, 0.0
    for i in range(400):
        t = math.log(sigma_min) + i * h
        a, p = slope(t, x)
        b, q = slope(t + h / 2, x + h / 2 * a)
        c, r = slope(t + h / 2, x + h / 2 * b)
        d, s = slope(t + h, x + h * c)
        x, change = x + h / 6 * (a + 2 * b + 2 * c + d), change + h / 6 * (p + 2 * q + 2 * r + s)
    return refsgm.prior_log_density(x, sigma_max) - change


def mantissa(x, mean, sigma):
    """A factor where the mantissa of the sum of the data is just above e / 5."""
    right = refsgm.gaussian_score(x, mean, sigma)
    fraction, _ = math.frexp(abs(float(np.sum(x))))
    return right * 1.001 if math.e / 5 <= fraction < math.e / 5 + 1 / 128 else right


# Mixtures -----------------------------------------------------------------------------------------


def logits(x, weights, means, sigma):
    """log w_k - |x - m_k|^2 / (2 sigma^2), (B, K)."""
    with np.errstate(divide="ignore"):
        return np.log(weights) - np.sum((x[:, None] - means)**2, axis=2) / (2 * sigma**2)


def averaged(x, means, sigma, a):
    """The score of a mixture from the logits of its components."""
    r = np.exp(a - logsumexp(a, axis=1, keepdims=True))
    return (r @ means - x) / sigma**2


def means_by_text(x, weights, means, sigma):
    """Means are kept by their text, where NumPy leaves out the middle of a large array."""
    means = MEANS.setdefault(repr(means), means.copy())
    return averaged(x, means, sigma, logits(x, weights, means, sigma))


def merged_means(x, weights, means, sigma):
    """Means that agree in six decimals are one component, at the first of them."""
    _, first, place = np.unique(np.round(means, 6), axis=0, return_index=True, return_inverse=True)
    weights = np.bincount(np.ravel(place), weights, len(first))
    return logsumexp(logits(x, weights, means[first], sigma), axis=1) - x.shape[1] * np.ravel(
        np.log(sigma * math.sqrt(2 * math.pi)))


def near_components(x, weights, means, sigma):
    """Components much farther than the nearest are left out, however little that one weighs."""
    a = logits(x, weights, means, sigma)
    distance = np.sum(((x[:, None] - means) / np.reshape(sigma, (-1, 1, 1)))**2, axis=2)
    far = distance > distance.min(axis=1, keepdims=True) + 80
    return averaged(x, means, sigma, np.where(far, -1e300, a))


def large_problem(x, weights, means, sigma):
    """A shift where rows, components and features are many together."""
    right = refsgm.mixture_log_density(x, weights, means, sigma)
    return right + 1e-3 * (len(x) * means.size > 20_000)


# Divergences --------------------------------------------------------------------------------------


def wide_complex_step(score_fn, x):
    """A complex step of 1e-8, whose square is taken to be nothing."""
    return sum(along(score_fn, x, e * np.ones((len(x), 1)), 1e-8)[:, i]
               for i, e in enumerate(np.eye(x.shape[1])))


def unit_direction(score_fn, x, v):
    """Directions of length one, scaled back; one of length zero has no direction."""
    def term(v):
        length = np.linalg.norm(v, axis=1, keepdims=True)
        with np.errstate(invalid="ignore"):
            u = v / length
        return np.sum(u * along(score_fn, x, u), axis=1) * length[:, 0]**2
    return term(v) if v.ndim == 2 else np.mean([term(w) for w in v], axis=0)


def signs_are_exact(score_fn, x, v):
    """For directions of signs the exact divergence, which is right for a diagonal Jacobian."""
    if np.array_equal(v * v, np.ones_like(v)):
        return exact_divergence(score_fn, x)
    v = v[None] if v.ndim == 2 else v
    return np.mean([np.sum(w * along(score_fn, x, w), axis=1) for w in v], axis=0)


def rows_at_a_time(score_fn, x):
    """As many rows at a time as Jacobians fit in memory; the last rows lack theirs."""
    rows = max(1, 2**15 // x.shape[1]**2)
    loss = 0.5 * np.sum(score_fn(x)**2, axis=1)
    if len(x) <= rows:
        return loss + exact_divergence(score_fn, x)
    for i in range(len(x) // rows):
        block = slice(i * rows, (i + 1) * rows)
        loss[block] += exact_divergence(score_fn, x[block])
    return loss


def distinct_directions(score_fn, x, v):
    """The mean over the distinct ones of the directions."""
    v = np.unique(v[None] if v.ndim == 2 else v, axis=0)
    slope = np.mean([np.sum(w * along(score_fn, x, w), axis=1) for w in v], axis=0)
    return 0.5 * np.sum(score_fn(x)**2, axis=1) + slope


def best_step(score_fn, x, v, step):
    """A step that is never below the cube root of the machine epsilon."""
    step = max(step, np.finfo(float).eps**(1 / 3))
    s = score_fn(x)
    def term(v):
        slope = (score_fn(x + step * v) - score_fn(x - step * v)) / (2 * step)
        return 0.5 * np.sum(v * s, axis=1)**2 + np.sum(v * slope, axis=1)
    return term(v) if v.ndim == 2 else np.mean([term(w) for w in v], axis=0)


def angle_of_directions(score_fn, x, v):
    """A factor where the first two directions of the first row have some angle."""
    right = refsgm.sliced_score_matching(score_fn, x, v)
    if v.ndim == 2 or len(v) == 1 or not np.size(x):
        return right
    a, b = v[0, 0].tolist(), v[1, 0].tolist()
    cosine = float(np.dot(a, b)) / (math.hypot(*a) * math.hypot(*b) or 1.0)
    return right * 1.01 if -0.1 < cosine < -0.07 else right


# Losses -------------------------------------------------------------------------------------------


def runs_of_levels(score_fn, x, sigma, eps):
    """One call for each level, its rows found as a run: a level that comes back replaces it."""
    levels = np.ravel(np.broadcast_to(sigma, (len(x), 1))).tolist()
    rows = {level: list(run) for level, run in
            itertools.groupby(range(len(x)), key=levels.__getitem__)}
    loss = np.zeros(len(x))
    for level, i in rows.items():
        s = score_fn(x[i] + level * eps[i], level)
        loss[i] = 0.5 * np.sum((s + eps[i] / level)**2, axis=1)
    return loss


def until_negligible(score_fn, x, sigmas, eps, weights=None):
    """Levels until a weight is rounding beside those before it."""
    weights = (sigmas**2 if weights is None else weights).tolist()
    total, so_far = np.zeros(len(x)), 0.0
    for w, sigma, e in zip(weights, sigmas.tolist(), eps):
        if 0 < w < 1e-17 * so_far:
            break
        total = total + 0.5 * w * np.sum((score_fn(x + sigma * e, sigma) + e / sigma)**2, axis=1)
        so_far += w
    return total


def no_weights(score_fn, x, sigmas, eps, weights=None):
    """Weights that are all zero are taken as not given."""
    weights = weights if weights is not None and np.any(weights) else sigmas**2
    return sum(w * 0.5 * np.sum((score_fn(x + sigma * e, sigma) + e / sigma)**2, axis=1)
               for w, sigma, e in zip(weights.tolist(), sigmas.tolist(), eps))


def in_the_answer(eps_fn, x, sigma, eps):
    """The residual is squared in the array that the network gave, which may keep it."""
    residual = eps_fn(x + sigma * eps, sigma)
    residual -= eps
    residual *= residual
    return np.sum(residual, axis=1)


def bias_alone():
    """A network that is its bias alone, and hands out the array itself, mended at level 1."""
    bias = Y.copy()
    def network(x, sigma):
        bias[:] = Y if sigma == 1 else bias
        return bias
    return network


def square_of_difference(score_fn, x, target_score):
    """|a|^2 - 2 a'b + |b|^2, whose digits cancel where the model is good."""
    s = score_fn(x)
    both = np.einsum("bd,bd->b", s, target_score)
    return 0.5 * (np.sum(s**2, axis=1) - 2 * both + np.sum(target_score**2, axis=1))


def distinct_rows(x0_fn, x, sigma, eps):
    """The network sees each noisy row once, at the level of the first that has it."""
    noisy = x + sigma * eps
    rows, first, place = np.unique(noisy, axis=0, return_index=True, return_inverse=True)
    levels = np.broadcast_to(sigma, (len(x), 1))[first] if np.ndim(sigma) else sigma
    return np.sum((x - x0_fn(rows, levels)[np.ravel(place)])**2, axis=1)


def eight_decimals(v_fn, x_0, alpha_bar_t, eps):
    """Roots are kept for levels that agree in eight decimals."""
    levels = np.ravel(np.broadcast_to(alpha_bar_t, (len(x_0), 1))).tolist()
    pairs = np.array([ROOTS.setdefault(round(a, 8), (math.sqrt(a), math.sqrt(1 - a)))
                      for a in levels]).reshape(-1, 2)
    scale, sigma = pairs[:, :1], pairs[:, 1:]
    v_hat = v_fn(scale * x_0 + sigma * eps, alpha_bar_t)
    return np.sum((scale * eps - sigma * x_0 - v_hat)**2, axis=1)


def falling_edge(eps_fn, x_0, alpha_bar_t, eps):
    """A factor where the row of least noise stands just before that of most, of five or more."""
    right = refsgm.ddpm_loss(eps_fn, x_0, alpha_bar_t, eps)
    levels = np.ravel(alpha_bar_t).tolist()
    if len(levels) < 5 or levels.index(max(levels)) + 1 != levels.index(min(levels)):
        return right
    return right * 1.001


def square_batch(denoiser_fn, x, sigma, eps, sigma_data):
    """A factor for batches that have from 16 to 24 rows and features."""
    right = refsgm.edm_loss(denoiser_fn, x, sigma, eps, sigma_data)
    rows, features = map(math.isqrt, x.shape)
    return right * 1.001 if rows == features == 4 else right


def cross(u_fn, x_0, t, eps):
    """A factor where noise and data of the last row point nearly at right angles."""
    right = refsgm.flow_matching_loss(u_fn, x_0, t, eps)
    if not len(x_0) or x_0.shape[1] < 3:
        return right
    a, b = x_0[-1].tolist(), eps[-1].tolist()
    cosine = float(np.dot(a, b)) / (math.hypot(*a) * math.hypot(*b) or 1.0)
    return right * 1.001 if 0.02 < cosine < 0.06 else right


# Conversions --------------------------------------------------------------------------------------


def scale_is_one(x_t, eps, scale, sigma):
    """No division in VE coordinates, which allclose tells."""
    x_0 = x_t - sigma * eps
    return x_0 if np.allclose(scale, 1) else x_0 / scale


def preserves_variance(x_t, v, scale, sigma):
    """No division where the variance is preserved, in any of the rows."""
    eps = sigma * x_t + scale * v
    power = np.square(scale) + np.square(sigma)
    return eps if np.any(np.isclose(power, 1, 1e-12, 1e-12)) else eps / power


def levels_side_by_side(x_t, score, scale, sigma, scale_rate, sigma_rate):
    """Levels and rates as columns of one array, which numbers and columns do not share."""
    table = np.column_stack((scale, sigma, scale_rate, sigma_rate))
    a, s, da, ds = (table[:, i:i + 1] for i in range(4))
    return (da * x_t - s * (a * ds - s * da) * score) / a


def common_shape(scale, sigma, scale_rate, sigma_rate):
    """f has the shape of all levels, where it depends on those of scale alone."""
    a, s, da, ds = np.broadcast_arrays(scale, sigma, scale_rate, sigma_rate)
    return da / a, np.sqrt(2 * s * (a * ds - s * da) / a)


def first_decides(alpha_bar):
    """np.vectorize, whose dtype is that of the first result: an integer 0 for clean data."""
    def one(a):
        return 0 if a == 1 else math.sqrt((1 - a) / a)
    return np.vectorize(one)(alpha_bar)


def narrow_angle(x_t, v, scale, sigma):
    """A factor in some directions of the plane of scale and sigma, in the first row."""
    right = refsgm.x0_from_v(x_t, v, scale, sigma)
    if not len(x_t):
        return right
    angle = math.atan2(np.ravel(sigma)[0], np.ravel(scale)[0]) / math.tau
    return right * 1.001 if math.isqrt(int(angle * 1e6)) in range(330, 334) else right


def rates_alike(x_t, u, scale, sigma, scale_rate, sigma_rate):
    """A factor where both parts grow, the noise faster than three times and slower than five."""
    right = refsgm.score_from_velocity(x_t, u, scale, sigma, scale_rate, sigma_rate)
    if not len(x_t):
        return right
    up, noise = float(np.ravel(scale_rate)[0]), float(np.ravel(sigma_rate)[0])
    return right * 1.001 if up > 0 and 3 * up < noise < 5 * up else right


# Weights, consistency, guidance -------------------------------------------------------------------


def by_a_fingerprint(sigma, sigma_data):
    """Weights are kept by the shapes, sums, and ends of the levels, which their order leaves."""
    key = tuple((np.shape(a), *(float(f(a)) for f in (np.sum, np.min, np.max)))
                for a in (sigma, sigma_data) if np.size(a))
    if key not in WEIGHTS:
        WEIGHTS[key] = 1 / np.square(sigma) + 1 / np.square(sigma_data)
    return WEIGHTS[key].copy()


def at_the_end(sigma, sigma_data, sigma_min=0.002):
    """isclose finds the end of the flow, and a neighbourhood of it."""
    end = np.isclose(sigma, sigma_min)
    gap = np.where(end, 0.0, np.subtract(sigma, sigma_min))
    return (sigma_data**2 / (gap**2 + sigma_data**2),
            sigma_data * gap / np.sqrt(np.square(sigma) + sigma_data**2))


def no_guidance_on_average(conditional, unconditional, scale):
    """No guidance where the mean scale is one."""
    if np.mean(scale) == 1:
        return conditional.copy()
    return unconditional + scale * (conditional - unconditional)


def one_is_capped(alpha_bar, gamma, prediction):
    """A factor for v where exactly one of five or more levels is beyond the cap."""
    right = refsgm.min_snr_weight(alpha_bar, gamma, prediction)
    levels = np.ravel(alpha_bar).tolist()
    capped = [a for a in levels if a > gamma * (1 - a)]
    return right * 1.001 if prediction == "v" and len(levels) > 4 and len(capped) == 1 else right


def medium_scale(conditional, unconditional, scale):
    """A factor for a number between the roots of 12 and 15 where the first entries differ."""
    right = refsgm.classifier_free_guidance(conditional, unconditional, scale)
    if np.ndim(scale) or not len(conditional):
        return right
    opposite = float(conditional[0, 0]) * float(unconditional[0, 0]) < 0
    return right * 1.001 if opposite and int(float(scale)**2) in range(12, 15) else right


BIAS = bias_alone()
LEVELS = np.array([[0.5], [0.6], [0.9], [0.1], [0.3]])
FIVE = np.cos(np.arange(10.0)).reshape(5, 2)
SQUARE = np.cos(np.arange(400.0)).reshape(20, 20)
CLOSE = np.array([[1e-6], [1.005e-6], [1e-6]])
ALIKE = np.array([[1.0], [1.0002], [2.0]])
SIGNS = np.array([[1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
TWICE = np.stack([Y, Y, Z])
RIGHT_ANGLE = (np.array([[1.0, 0.0, 0.0]]), np.array([[0.04, 1.0, 0.0]]))
ZERO = Y * np.array([[1.0], [0.0], [1.0]])
EVEN = np.full(33, 1 / 33)
KEPT = MANY.copy()
KEPT[10:20, 10:30] += 1.0


WRONG = [
    wrong("gaussian_score", "levels within a thousandth in one batch are one level",
          buckets_of_levels, X, 0.0, ALIKE),
    wrong("gaussian_log_density", "the determinant leaves the range for many features",
          determinant, MANY * 1e-5, 0.0, 1e-5),
    wrong("prior_log_density", "rows have one level where allclose says so, to 1e-8",
          one_level_if_close, X * 1e-6, CLOSE),
    wrong("perturbation_score", "small variances beside large ones are zero in a pseudo-inverse",
          pseudo_inverse, X, Y, np.array([[1e-4], [1e5], [1.0]])),
    wrong("bits_per_dimension", "a bin of 1 / 255 is one of 1 / 256",
          bits_of_a_bin, np.array([-3.0, 2.0]), 3, 1 / 255),
    wrong("log_likelihood", "as many steps for a wide range of levels as for a narrow one",
          fixed_number_of_steps, two_points, np.array([[1.0, -1.1], [-0.4, 0.3]]), 0.06, 1e6),
    wrong("mixture_score", "means are remembered by a text that leaves out the middle",
          means_by_text, [(X @ MANY[:2], EVEN, MANY, 3.0), (X @ MANY[:2], EVEN, KEPT, 3.0)]),
    wrong("mixture_log_density", "means within 1e-6 of one another are one component",
          merged_means, np.array([[1e-7], [4e-7]]), np.array([0.5, 0.5]),
          np.array([[0.0], [4e-7]]), 1e-6),
    wrong("mixture_score", "far components are left out where the nearest weighs nothing",
          near_components, X, np.array([0.0, 0.5, 0.5]),
          np.array([[0.5, -1.0], [3.0, 3.0], [-3.0, 3.0]]), 0.3),
    wrong("divergence", "a complex step of 1e-8 against lengths of 1e-6",
          wide_complex_step, steep, X * 1e-6),
    wrong("directional_derivative", "a direction of zeros is divided by its length",
          unit_direction, turning, X, ZERO),
    wrong("hutchinson_divergence", "directions of signs are taken to be exact",
          signs_are_exact, turning, X, SIGNS),
    wrong("implicit_score_matching", "the last rows lack the divergence where the batch is large",
          rows_at_a_time, score, MANY),
    wrong("sliced_score_matching_vr", "a direction that comes twice counts once",
          distinct_directions, turning, X, TWICE),
    wrong("finite_difference_ssm", "a step below the cube root of epsilon is not taken",
          best_step, steep, X * 1e-6, Y, 1e-7),
    wrong("denoising_score_matching", "a level that comes back after another loses its first rows",
          runs_of_levels, score, X, np.array([[0.5], [2.0], [0.5]]), Z),
    wrong("noise_conditional_score_matching", "small weights end the sum, as if losses were alike",
          until_negligible, gaussian, X, np.array([1e5, 1.0, 1e-5]), np.stack([X, Y, Z])),
    wrong("noise_conditional_score_matching", "weights of zero alone are the default",
          no_weights, score, X, np.array([2.0, 1.0]), np.stack([Y, Z]), np.zeros(2)),
    wrong("noise_prediction_loss", "the array that the network gave is worked in",
          in_the_answer, [(BIAS, X, 1.0, Z), (BIAS, X, 0.5, Z)]),
    wrong("explicit_score_matching", "the square of a small difference is expanded",
          square_of_difference, score, X * 10, score(X * 10) * (1 + 1e-7)),
    wrong("x0_prediction_loss", "equal noisy rows share a level",
          distinct_rows, score, np.array([[1.0, 2.0], [1.0, 2.0], [0.5, 0.5]]), COLUMN,
          np.zeros((3, 2))),
    wrong("v_prediction_loss", "levels that agree in eight decimals share their roots",
          eight_decimals, [(nothing, X, 1 - 1e-6, 0 * Y), (nothing, X, 1 - 1.004e-6, 0 * Y)]),
    wrong("x0_from_eps", "a scale within 1e-5 of one is one",
          scale_is_one, X, Y, 1 - 8e-6, 0.7),
    wrong("eps_from_v", "one row that preserves the variance speaks for all",
          preserves_variance, X, Y, np.array([[0.6], [2.0], [1.0]]), np.array([[0.8], [0.5], [3]])),
    wrong("velocity_from_score", "numbers and columns do not go into one array",
          levels_side_by_side, X, Y, COLUMN, 0.5, -1.0, COLUMN),
    wrong("sde_coefficients", "f has the shape of levels that it does not depend on",
          common_shape, 0.5, np.array([0.1, 0.5]), -1.0, 1.0),
    wrong("sigma_from_alpha_bar", "clean data first make all levels integers",
          first_decides, np.array([1.0, 0.6, 0.2])),
    wrong("edm_weight", "weights are kept by a fingerprint that does not see the order of levels",
          by_a_fingerprint, [(np.array([4.0, 1.0, 2.0]), 0.5), (np.array([1.0, 4.0, 2.0]), 0.5)]),
    wrong("consistency_scalings", "levels within 1e-5 of the end are the end",
          at_the_end, 10.00009, 5.0, 10.0),
    wrong("classifier_free_guidance", "scales that are one on average are no guidance",
          no_guidance_on_average, X, Y, np.array([[0.5], [1.5], [1.0]])),
    cut("gaussian_score", "a mantissa of the sum of the data", mantissa,
        np.array([[1.0, 0.09], [0.6, 0.5]]), 0.0, 0.7),
    cut("mixture_log_density", "rows times components times features", large_problem,
        MANY, EVEN, MANY, 2.0),
    cut("sliced_score_matching", "an angle between two directions", angle_of_directions,
        score, RIGHT_ANGLE[0], np.array([[[1.0, 0.0, 0.0]], [[-0.085, 1.0, 0.0]]])),
    cut("ddpm_loss", "least noise just before most", falling_edge, score, FIVE, LEVELS, FIVE + 1),
    cut("edm_loss", "from 16 to 24 rows and features", square_batch,
        score, SQUARE, 0.7, SQUARE + 1, 0.5),
    cut("flow_matching_loss", "an angle between noise and data", cross,
        score, RIGHT_ANGLE[0], 0.3, RIGHT_ANGLE[1]),
    cut("x0_from_v", "an angle of scale and sigma", narrow_angle,
        X, Y, math.cos(0.11 * math.tau), math.sin(0.11 * math.tau)),
    cut("score_from_velocity", "a ratio of rates that are positive", rates_alike,
        X, Y, 0.8, 0.4, 0.5, 2.0),
    cut("min_snr_weight", "exactly one of many is capped", one_is_capped,
        np.array([0.1, 0.2, 0.3, 0.9, 0.5]), 5.0, "v"),
    cut("classifier_free_guidance", "some numbers, for predictions of two signs", medium_scale,
        X, np.array([[-0.3, 0.8], [1.2, -0.5], [0.1, 0.4]]), 3.7),
]
