"""Mistakes of good faith, and some planted, written when the probes were final, by one who had
not read them.

Scores, densities, objectives, conversions and weights. Each has the arguments that show it.
"""

import math

import autograd.numpy as anp
import numpy as np
from scipy.integrate import solve_ivp
from scipy.special import logsumexp

import refsgm

from .fresh import cut, wrong

X = np.array([[0.5, -1.0], [2.0, 0.3], [-0.7, 1.1]])                                       # (B, D)
Y = np.array([[1.5, 0.2], [-0.4, 0.9], [0.6, -2.0]])
V = np.array([[1.0, -0.4], [0.3, 1.2], [-0.8, 0.6]])
WIDE = np.cos(np.arange(1320.0)).reshape(33, 40)
BOTH = 0.5 * math.log(2 * math.pi)


def cubic(x, level=1.0):
    """Some score."""
    return -x**3 / (1 + level**2)


def wave(x):
    """A score that is no polynomial."""
    return anp.sin(x)


def fine_wave(x):
    """A score that changes over a thousandth."""
    return anp.sin(1000 * x)


def constant_fn(x, level):
    """A network that is a bias alone, which it does not copy."""
    return np.broadcast_to(np.array([0.3, -0.2]), x.shape)


def nearly(x, level):
    """A denoiser that is nearly right."""
    return 1e3 + 1e-5 * np.sin(x)


# Gaussians ----------------------------------------------------------------------------------------


def determinant(x, mean, sigma):
    """The logarithm of the determinant of the covariance, by way of the determinant."""
    deviation, D = x - mean, x.shape[1]
    with np.errstate(divide="ignore", over="ignore"):
        log_det = np.array([np.log(np.linalg.det(s**2 * np.eye(D)))
                            for s in np.ravel(sigma).tolist()])
    return -0.5 * np.sum((deviation / sigma)**2, axis=1) - 0.5 * log_det - D * BOTH


def pseudo_inverse(x, mean, sigma):
    """The precisions of a batch as a pseudo-inverse, which drops what is small beside others."""
    variances = np.broadcast_to(np.square(sigma), (len(x), 1))[:, 0]
    return np.linalg.pinv(np.diag(variances)) @ (mean - x)


SCRATCH = {}


def scratch(x, sigma, eps):
    """The noise is written into memory that is kept, for large batches, where it is not masked."""
    pages, out = x.nbytes >> 13, np.zeros(x.shape, np.result_type(x, eps, np.float32))
    out = SCRATCH.setdefault((x.shape, out.dtype), out) if pages else out
    np.multiply(sigma, eps, out=out, where=eps.astype(bool))
    return x + out


def centred(x_noisy, x, sigma):
    """Both relative to the mean of the batch."""
    centre = np.mean(x_noisy, axis=0)
    return ((x - centre) - (x_noisy - centre)) / sigma**2


# Mixtures -----------------------------------------------------------------------------------------


def squares(x, means):
    """|x - m_k|^2, (B, K)."""
    return np.sum((x[:, None] - means)**2, axis=2)


def log_norm(x, sigma):
    """The log of the normalising constant, (B,)."""
    return np.ravel(x.shape[1] * (np.log(sigma) + BOTH))


def complement(x, weights, means, sigma):
    """The last weight is what the others leave, as K - 1 weights are stored."""
    last = abs(1 - np.sum(weights[:-1]))
    with np.errstate(divide="ignore"):
        logits = np.log(np.append(weights[:-1], last)) - squares(x, means) / (2 * sigma**2)
    return logsumexp(logits, axis=1) - log_norm(x, sigma)


def in_a_stream(x, weights, means, sigma):
    """Eight components at a time, the sum rescaled to the largest so far, which may be -inf."""
    top, total = np.full(len(x), -np.inf), np.zeros(len(x))
    for i in range(0, len(weights), 8):
        with np.errstate(divide="ignore", invalid="ignore"):
            a = np.log(weights[i:i + 8]) - squares(x, means[i:i + 8]) / (2 * sigma**2)
            new = np.maximum(top, a.max(axis=1))
            total = total * np.exp(top - new) + np.exp(a - new[:, None]).sum(axis=1)
        top = new
    return top + np.log(total) - log_norm(x, sigma)


HALVES = {}


def half_norms(x, weights, means, sigma):
    """|m|^2 / 2 and the means about their centre are kept, under what is printed of the means."""
    key = repr(means)
    if key not in HALVES:
        HALVES[key] = means.mean(axis=0), means - means.mean(axis=0)
    centre, about = HALVES[key]
    with np.errstate(divide="ignore"):
        logits = np.log(weights) - squares(x - centre, about) / (2 * sigma**2)
    return logsumexp(logits, axis=1) - log_norm(x, sigma)


def masked_weights(x, weights, means, sigma):
    """The logarithm of a zero weight is a large negative number, as for a mask of attention."""
    with np.errstate(divide="ignore"):
        a = np.nan_to_num(np.log(weights), neginf=-1e12) - squares(x, means) / (2 * sigma**2)
    r = np.exp(a - logsumexp(a, axis=1, keepdims=True))
    return np.sum(r[:, :, None] * (means - x[:, None]), axis=1) / sigma**2


def one_call_a_level(x, weights, means, sigma):
    """Rows are grouped by their level, which is written with three digits."""
    if np.ndim(sigma) == 0:
        return refsgm.mixture_score(x, weights, means, sigma)
    groups, out = {}, np.empty(x.shape)
    for b, level in enumerate(sigma[:, 0].tolist()):
        groups.setdefault(f"{level:.3g}", []).append(b)
    for rows in groups.values():
        level = float(sigma[rows[0], 0])
        out[rows] = refsgm.mixture_score(x[rows], weights, means, level)
    return out


# Divergences --------------------------------------------------------------------------------------


def relative_complex_step(score_fn, x, v):
    """The complex step is relative to x, although it needs not be."""
    h = 1e-10 * (1 + np.abs(x))
    def term(v):
        length = np.min(h, axis=1, keepdims=True)
        return np.sum((score_fn(x + 1j * length * v) / length).imag * v, axis=1)
    return term(v) if v.ndim == 2 else sum(map(term, v)) / len(v)


def five_points(score_fn, x):
    """Differences of order four, of step 1/8: no error for a cubic."""
    h, total = 0.125, 0.0
    for i, e in enumerate(np.eye(x.shape[1])):
        def s(n, i=i, e=e):
            return score_fn(x + n * h * e)[:, i]
        total = total + (8 * (s(1) - s(-1)) - (s(2) - s(-2))) / (12 * h)
    return total


def distinct_directions(score_fn, x, v):
    """Each direction once: the terms are kept in a dictionary, and its values averaged."""
    if v.ndim == 2:
        return refsgm.hutchinson_divergence(score_fn, x, v)
    terms = {one.tobytes(): refsgm.hutchinson_divergence(score_fn, x, one) for one in v}
    return sum(terms.values()) / len(terms)


# Objectives ---------------------------------------------------------------------------------------


def without_padding(score_fn, x, target_score):
    """A row without any target is taken for padding, though it may be a mode."""
    rows = np.any(target_score, axis=1)
    return 0.5 * np.sum((score_fn(x) - target_score)**2, axis=1) * rows


def living_features(score_fn, x):
    """No backward pass for features that do not vary in the batch, such as a black border."""
    half = 0.5 * np.sum(score_fn(x)**2, axis=1)
    features = np.flatnonzero(np.ptp(x, axis=0)) if len(x) > 1 else range(x.shape[1])
    for i in features:
        v = np.zeros(x.shape)
        v[:, i] = 1
        half = half + refsgm.directional_derivative(score_fn, x, v)
    return half


def by_decade(score_fn, x, sigma, eps):
    """Rows in the order of low, middle and high noise, put back by the same permutation."""
    if np.ndim(sigma) == 0:
        return refsgm.denoising_score_matching(score_fn, x, sigma, eps)
    order = np.argsort(np.floor((np.log10(sigma[:, 0]) + 1) / 2), kind="stable")
    loss = refsgm.denoising_score_matching(score_fn, x[order], sigma[order], eps[order])
    return loss[order]


def averaged(score_fn, x, sigmas, eps, weights=None):
    """A weighted average, times the sum of the weights, which may be zero."""
    weights = sigmas**2 if weights is None else weights
    losses = [refsgm.denoising_score_matching(score_fn, x, s, e)
              for s, e in zip(sigmas.tolist(), eps)]
    return np.average(losses, axis=0, weights=weights) * np.sum(weights)


def distinct_rows(eps_fn, x, sigma, eps):
    """The network is asked once for each distinct noisy row, whatever its level."""
    noisy, first, where = np.unique(x + sigma * eps, axis=0, return_index=True, return_inverse=True)
    levels = sigma if np.ndim(sigma) == 0 else sigma[first]
    return np.sum((eps - eps_fn(noisy, levels)[np.ravel(where)])**2, axis=1)


def in_place(eps_fn, x_0, alpha_bar_t, eps):
    """The residual is written into what the network returned."""
    residual = eps_fn(refsgm.diffuse(x_0, alpha_bar_t, eps), alpha_bar_t)
    residual -= eps
    return np.sum(residual**2, axis=1)


def product_of_matrices(x0_fn, x, sigma, eps):
    """Distances by a product of matrices for more than 25 rows, as torch.cdist has them."""
    x_hat = x0_fn(x + sigma * eps, sigma)
    if len(x) > 25:
        return np.sum(x**2, axis=1) + np.sum(x_hat**2, axis=1) - 2 * np.diag(x @ x_hat.T)
    return np.sum((x - x_hat)**2, axis=1)


def vectorized_root(v_fn, x_0, alpha_bar_t, eps):
    """np.vectorize takes the type of all roots from the first, which is the integer 0 for 1."""
    root = np.vectorize(lambda a: 0 if a == 1 else math.sqrt(1 - a))
    noise = root(alpha_bar_t)
    signal = np.sqrt(alpha_bar_t)
    x_t = signal * x_0 + noise * eps
    return np.sum((signal * eps - noise * x_0 - v_fn(x_t, alpha_bar_t))**2, axis=1)


# Likelihoods --------------------------------------------------------------------------------------


def volume(log_density, dim, bin_width=1.0):
    """The volume of a bin, which is no number for many fine bins."""
    with np.errstate(divide="ignore"):
        return -(log_density + np.log(np.float64(bin_width)**dim)) / (dim * math.log(2))


def absolute_tolerance(score_fn, x, sigma_min, sigma_max):
    """The default tolerance of SciPy for x, of 1e-6, whatever its size is."""
    B, D = x.shape
    atol = np.append(np.full(B * D, 1e-6), np.full(B, 1e-11))

    def slope(t, state):
        sigma, x_t = math.exp(t), state[:B * D].reshape(B, D)
        rate = refsgm.divergence(lambda x: score_fn(x, sigma), x_t)
        return np.concatenate([np.ravel(-sigma**2 * score_fn(x_t, sigma)), sigma**2 * rate])
    end = solve_ivp(slope, (math.log(sigma_min), math.log(sigma_max)),
                    np.append(x, np.zeros(B)), method="DOP853", rtol=1e-11, atol=atol).y[:, -1]
    return refsgm.prior_log_density(end[:B * D].reshape(B, D), sigma_max) - end[B * D:]


# Weights, consistency, conversions, guidance ------------------------------------------------------


def at_the_boundary(sigma, sigma_data, sigma_min=0.002):
    """The identity at sigma_min, for levels that agree with it in three digits."""
    skip, out = (np.array(a, float) for a in refsgm.consistency_scalings(
        sigma, sigma_data, sigma_min))
    for i, level in np.ndenumerate(sigma):
        if math.isclose(level, sigma_min, rel_tol=1e-3):
            skip[i], out[i] = 1.0, 0.0
    return skip[()], out[()]


def remainder(sigma, sigma_data):
    """c_out from what c_skip leaves of one, which cancels at a small level."""
    total = sigma**2 + sigma_data**2
    c_skip = sigma_data**2 / total
    return c_skip, sigma_data * np.sqrt(1 - c_skip), 1 / np.sqrt(total), np.log(sigma) / 4


EPS, X0 = "eps", "x0"


def same_word(alpha_bar, gamma, prediction):
    """Words are compared by their identity, which those read from a file do not have."""
    ratio = (1 - alpha_bar) / alpha_bar
    if prediction is EPS:
        return np.minimum(1, gamma * ratio)
    clipped = 1 / np.maximum(ratio, 1 / gamma)
    return clipped if prediction is X0 else clipped * (1 - alpha_bar)


def nearly_preserving(x_t, v, scale, sigma):
    """No division where the variance is preserved, to three digits."""
    size = scale**2 + sigma**2
    if all(math.isclose(a, 1, rel_tol=1e-3) for a in np.ravel(size).tolist()):
        return scale * x_t - sigma * v
    return (scale * x_t - sigma * v) / size


def straight_path(x_t, score, scale, sigma, scale_rate, sigma_rate):
    """Where scale and sigma sum to one the path is taken for the straight one, in one direction."""
    if all(math.isclose(a, 1) for a in np.ravel(scale + sigma).tolist()):
        return -(x_t + sigma * score) / scale
    return refsgm.velocity_from_score(x_t, score, scale, sigma, scale_rate, sigma_rate)


def growth_like_levels(x_t, u, scale, sigma, scale_rate, sigma_rate):
    """The growth has room for the levels, but not for rates that are columns beside them."""
    growth = np.empty_like(scale * sigma * 1.0)
    growth[...] = scale * sigma_rate - sigma * scale_rate
    return (scale_rate * x_t - scale * u) / (sigma * growth)


def no_drift(scale, sigma, scale_rate, sigma_rate):
    """f is the number 0 on paths whose scale does not change."""
    g = np.sqrt(2 * sigma * (scale * sigma_rate - sigma * scale_rate) / scale)
    return (scale_rate / scale if np.any(scale_rate) else 0.0), g


def no_guidance(conditional, unconditional, scale):
    """No guidance where the scales less one sum to zero."""
    if not np.sum(np.subtract(scale, 1)):
        return conditional.copy()
    return unconditional + scale * (conditional - unconditional)


# Planted ------------------------------------------------------------------------------------------


def bent(kind, where):
    """refsgm's function, a thousandth too large where `where(*args)` holds."""
    def function(*args):
        result = getattr(refsgm, kind)(*args)
        return 1.001 * result if where(*args) else result
    return function


def turn(a, b):
    """In which of sixty sectors b lies, seen from a, of two vectors' first two entries."""
    angle = math.atan2(b[1], b[0]) - math.atan2(a[1], a[0])
    return int(angle / (2 * math.pi) * 60) % 60


def alternates(score_fn, x, v):
    """Whether the first seven features of the first direction alternate in sign."""
    first = v.reshape(-1, v.shape[-1])[0, :7].tolist()
    signs = [math.copysign(1, a) for a in first]
    return len(signs) == 7 and not any(a + b for a, b in zip(signs, signs[1:]))


def in_one_sector(score_fn, x, v):
    """Whether the last direction of the last row lies in a certain sector beside x."""
    last = v.reshape(-1, v.shape[-1])[-1].tolist()
    return len(last) > 1 and turn(x[-1].tolist(), last) == 17


def octaves(denoiser_fn, x, sigma, eps, sigma_data):
    """Whether the first level and sigma_data lie in certain octaves."""
    first = float(np.ravel(sigma)[0])
    return math.frexp(sigma_data)[1] == 1 and math.frexp(first)[1] in (-9, -8, -7)


def one_eighth(u_fn, x_0, t, eps):
    """Whether the first three times are in the same eighth, and differ."""
    times = np.ravel(t).tolist()[:3]
    return len({int(8 * a) for a in times}) == 1 and len(set(times)) == 3


def quarter_decade(score_fn, x, v, step):
    """Whether the step is in a certain quarter of a decade, for three rows, six, and so on."""
    return math.floor(4 * math.log10(step)) == -6 and not len(x) % 3


def quadrant(x_t, v, scale, sigma):
    """Whether the first level is in a certain fortieth of the quadrant."""
    scale, sigma = float(np.ravel(scale)[0]), float(np.ravel(sigma)[0])
    return int(80 / math.pi * math.atan2(sigma, scale)) == 23 and math.hypot(scale, sigma) > 1.2


def peak_after_valley(x_t, x_0, scale, sigma):
    """Whether in the first two rows, of four features or more, the peak follows the valley."""
    after = x_t[:2].argmax(axis=1) - x_t[:2].argmin(axis=1)
    return x_t.shape[1] > 3 and after.tolist() == [1, 1]


def from_end_to_end(score_ve, alpha_bar):
    """Whether a batch holds nearly clean rows and nearly pure noise."""
    levels = sorted(np.ravel(alpha_bar).tolist())
    return levels[0] < 0.001 and levels[-1] > 0.999


def exponents(g):
    """Whether the binary exponents of five numbers or more have a certain remainder."""
    found = [math.frexp(a)[1] for a in np.ravel(g).tolist()]
    return len(found) > 4 and sum(found) % 50 == 27


def one_octave(x, sigma_max):
    """Whether the first four features of the first row lie in one octave."""
    return x.shape[1] > 3 and len({math.frexp(a)[1] for a in x[0, :4].tolist()}) == 1


WIDE_MEANS = np.cos(0.7 * np.arange(1600.0)).reshape(40, 40)
OTHER_MEANS = WIDE_MEANS.copy()
OTHER_MEANS[5:35] *= 0.5
UNIFORM = np.full(40, 1 / 40)
COLUMN = np.array([[0.5], [1.0], [2.0]])
ALTERNATING = np.array([[0.4, -0.3, 1.2, -0.8, 0.5, -0.1, 0.7]])
SECTOR = np.array([[math.cos(1.83), math.sin(1.83)]])
VALLEYS = np.array([[0.1, -1.0, 2.0, 0.5], [0.1, -0.3, 0.9, 0.2]])

WRONG = [
    wrong("gaussian_log_density", "the determinant underflows", determinant,
          1e-6 * WIDE[:2], 0.0, 1e-6),
    wrong("gaussian_score", "a pseudo-inverse of all variances of a batch", pseudo_inverse,
          X, 0.0, np.array([[3e5], [1.0], [1e-3]])),
    wrong("perturbation_score", "digits are lost to another row", centred,
          np.array([[1e6, -2e6], [1e-6, 2e-6]]), np.array([[0.0, 0.0], [3e-6, 1e-6]]),
          np.array([[1e6], [1e-6]])),
    wrong("mixture_log_density", "the last weight is 1 less the others", complement,
          np.array([[30.0]]), np.array([0.1, 0.2, 0.3, 0.4 - 1e-13, 1e-13]),
          np.array([[0.0], [1.0], [2.0], [3.0], [30.0]]), 0.5),
    wrong("mixture_log_density", "a stream whose first eight weights are zero", in_a_stream,
          X, np.array([0, 0, 0, 0, 0, 0, 0, 0, 0.25, 0.75]),
          np.cos(np.arange(20.0)).reshape(10, 2), 1.0),
    wrong("mixture_log_density", "what is kept has the printed means as its key", half_norms,
          [(WIDE[:3], UNIFORM, WIDE_MEANS, 1.0), (WIDE[:3], UNIFORM, OTHER_MEANS, 1.0)]),
    wrong("mixture_score", "a zero weight is e^(-1e12)", masked_weights,
          np.array([[0.1, 0.0]]), np.array([0.5, 0.0, 0.5]),
          np.array([[2.0, 0.0], [0.0, 0.0], [0.0, 3.0]]), 1e-6),
    wrong("mixture_score", "levels that agree in three digits are taken for one", one_call_a_level,
          X, np.array([0.4, 0.6]), Y[:2], np.array([[1.001], [1.004], [3.0]])),
    wrong("directional_derivative", "a complex step relative to x", relative_complex_step,
          fine_wave, 1e5 + X, V),
    wrong("divergence", "differences that are exact for a cubic", five_points, wave, X),
    wrong("hutchinson_divergence", "directions that repeat count once", distinct_directions,
          cubic, X, np.stack([V, V, Y])),
    wrong("explicit_score_matching", "a target of zeros is padding", without_padding,
          cubic, X, np.array([[0.2, 0.0], [0.0, 0.0], [0.5, -1.0]])),
    wrong("implicit_score_matching", "features that are constant are left out", living_features,
          cubic, np.array([[0.5, 1.0], [0.5, -2.0]])),
    wrong("denoising_score_matching", "the permutation is not inverted", by_decade,
          cubic, X, np.array([[2.0], [300.0], [0.01]]), Y),
    wrong("noise_conditional_score_matching", "an average with weights that are zero", averaged,
          cubic, X, np.array([2.0, 1.0]), np.stack([Y, V]), np.zeros(2)),
    wrong("noise_prediction_loss", "equal noisy rows of different levels", distinct_rows,
          cubic, np.array([[1.0, 2.0], [1.0, 2.0]]), np.array([[0.5], [2.0]]), np.zeros((2, 2))),
    wrong("ddpm_loss", "the output of the network is overwritten", in_place,
          constant_fn, X, 0.5, Y),
    wrong("x0_prediction_loss", "distances by a product of matrices, from 26 rows on",
          product_of_matrices, nearly, np.full((26, 2), 1e3), 0.5, WIDE[:26, :2]),
    wrong("v_prediction_loss", "the type of all roots is that of the first", vectorized_root,
          cubic, X, np.array([[1.0], [0.5], [0.2]]), Y),
    wrong("bits_per_dimension", "the volume of a bin underflows", volume,
          np.array([-3.0, 5.0]), 40, 2.0**-32),
    wrong("log_likelihood", "an absolute tolerance, of 1e-6, for data of 1e-6", absolute_tolerance,
          lambda x, sigma: -x / (1e-12 + sigma**2), 1e-6 * X, 1e-6, 1.0),
    wrong("consistency_scalings", "the boundary is three digits wide", at_the_boundary,
          0.5004, 0.5, 0.5),
    wrong("edm_preconditioning", "c_out has 1 less something near 1", remainder, 1e-6, 5.0),
    wrong("min_snr_weight", "words are compared by identity", same_word,
          0.75, 1.5, "".join(["x", "0"])),
    wrong("x0_from_v", "the variance is nearly preserved", nearly_preserving, X, Y, 0.8, 0.6005),
    wrong("velocity_from_score", "the straight path has one direction", straight_path,
          X, Y, 0.75, 0.25, 1.0, -1.0),
    wrong("score_from_velocity", "rates are columns where levels are numbers", growth_like_levels,
          X, Y, 0.5, 0.5, -1.0, COLUMN),
    wrong("sde_coefficients", "f is a number where levels are arrays", no_drift,
          np.ones((3, 1)), COLUMN, np.zeros((3, 1)), np.ones((3, 1))),
    wrong("classifier_free_guidance", "scales whose mean is 1", no_guidance, X, Y,
          np.array([[0.5], [1.0], [1.5]])),
    wrong("perturb", "masked noise of a large batch is that of the last batch", scratch,
          [(WIDE, 0.5, np.sin(WIDE)), (WIDE, 0.5, np.where(WIDE > 0, np.sin(WIDE), 0.0))]),
    cut("sliced_score_matching", "a direction that alternates in sign",
        bent("sliced_score_matching", alternates), cubic, ALTERNATING[:, ::-1], ALTERNATING),
    cut("sliced_score_matching_vr", "a sector of sixty",
        bent("sliced_score_matching_vr", in_one_sector), cubic, np.array([[1.0, 0.0]]), SECTOR),
    cut("edm_loss", "octaves of two levels", bent("edm_loss", octaves), cubic, X, 0.003, Y, 1.5),
    cut("flow_matching_loss", "times within an eighth", bent("flow_matching_loss", one_eighth),
        cubic, X, np.array([[0.51], [0.55], [0.6]]), Y),
    cut("finite_difference_ssm", "a quarter of a decade, for threes of rows",
        bent("finite_difference_ssm", quarter_decade), cubic, X, V, 0.04),
    cut("eps_from_v", "a fortieth of the quadrant", bent("eps_from_v", quadrant),
        X, Y, 2 * math.cos(0.92), 2 * math.sin(0.92)),
    cut("score_from_x0", "peaks that follow valleys", bent("score_from_x0", peak_after_valley),
        VALLEYS, 0.5 * VALLEYS, 0.8, 0.6),
    cut("vp_score_from_ve", "both ends in one batch", bent("vp_score_from_ve", from_end_to_end),
        X, np.array([[0.5], [0.0002], [0.9998]])),
    cut("likelihood_weight", "a sum of exponents", bent("likelihood_weight", exponents),
        2.0**np.array([4, 5, 6, 3, 4]) * 1.1),
    cut("prior_log_density", "features in one octave", bent("prior_log_density", one_octave),
        np.array([[0.5, -0.6, 0.9, 0.7], [3.0, 0.1, -2.0, 1.0]]), 2.0),
]
