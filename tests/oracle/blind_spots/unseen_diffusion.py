"""Mistakes of good faith, and some planted, written when the oracle had met many such lists, by one
who had not read the probes: diffusion, parametrisations, flows, guidance, weights and tables."""

import io
import math

import numpy as np

import refsgm

from .fresh import cut, wrong

X = np.array([[0.5, -1.0], [2.0, 0.3], [-0.7, 1.1]])                                       # (B, D)
Y = np.array([[1.5, 0.2], [-0.4, 0.9], [0.6, -2.0]])
LEVELS = np.array([[0.3], [0.6], [0.9]])
SAME = np.array([[0.5], [0.5], [0.5]])
LARGE = np.sin(np.arange(32 * 39.0)).reshape(32, 39)
MANY_ROWS = np.sin(np.arange(30.0)).reshape(15, 2)
TABLE = np.linspace(1.0, 0.1, 1001)
OTHER_TABLE = np.where((np.arange(1001) > 400) & (np.arange(1001) < 600), TABLE - 4e-4, TABLE)
CONSTANT = np.array([[1.0, 2.0], [3.0, -1.0], [0.5, 0.5]])


def remembered(x, t):
    """A function that returns an array that it holds."""
    return CONSTANT


def nearly_right(x, alpha_bar):
    """The v of X and Y at alpha_bar = 0.36, but for a millionth."""
    return 0.6 * Y - 0.8 * X + 1e-6


# Diffusion ---------------------------------------------------------------------------------------


def in_blocks(x_0, alpha_bar_t, eps):
    """Blocks of rows that fill a buffer, each with the levels of the first."""
    rows, out = max(1, io.DEFAULT_BUFFER_SIZE // x_0[0].nbytes), np.empty(x_0.shape)
    for i in range(0, len(x_0), rows):
        x, noise = x_0[i:i + rows], eps[i:i + rows]
        a = alpha_bar_t if np.ndim(alpha_bar_t) == 0 else alpha_bar_t[:len(x)]
        out[i:i + rows] = np.sqrt(a) * x + np.sqrt(1 - a) * noise
    return out


def posterior_terms(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """Mean and variance by the book."""
    beta = (alpha_bar_s - alpha_bar_t) / alpha_bar_s
    rest = 1 - alpha_bar_t
    mean = (np.sqrt(alpha_bar_s) * beta * x_0
            + np.sqrt(alpha_bar_t / alpha_bar_s) * (1 - alpha_bar_s) * x_t) / rest
    return mean, beta * (1 - alpha_bar_s) / rest


def last_step(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """The last step ends at x_0, with a variance of 0 that has no rows."""
    if np.ndim(alpha_bar_s) == 0 and alpha_bar_s == 1:
        return x_0.copy(), 0.0
    return posterior_terms(x_0, x_t, alpha_bar_t, alpha_bar_s)


def once_for_each_level(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """Coefficients once for each alpha_bar_t that occurs, though alpha_bar_s may differ there."""
    if np.ndim(alpha_bar_t) == 0 or np.ndim(alpha_bar_s) == 0:
        return posterior_terms(x_0, x_t, alpha_bar_t, alpha_bar_s)
    _, first, back = np.unique(alpha_bar_t[:, 0], return_index=True, return_inverse=True)
    return posterior_terms(x_0, x_t, alpha_bar_t, alpha_bar_s[first][back])


def nothing_to_remove(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """No step where the two levels are close, as a whole."""
    if np.allclose(alpha_bar_t, alpha_bar_s, atol=0):
        return x_t.copy(), 0.0 * (alpha_bar_t + alpha_bar_s)
    return posterior_terms(x_0, x_t, alpha_bar_t, alpha_bar_s)


def equal_betas(betas):
    """A power where the first and the last variance are the same, as in a constant schedule."""
    if betas[0] == betas[-1]:
        return (1 - betas[0])**np.arange(len(betas) + 1.0)
    return np.concatenate([[1.0], np.cumprod(1 - betas)])


def by_its_text():
    """Tables remembered by their text, which leaves out the middle of a long one."""
    known = {}

    def betas(alpha_bar):
        key = repr(alpha_bar)
        if key not in known:
            known[key] = 1 - alpha_bar[1:] / alpha_bar[:-1]
        return known[key].copy()
    return betas


def held_between(n_steps, beta_min=1e-4, beta_max=0.02):
    """Rounding kept between the ends, which may be in either order."""
    return np.clip(np.linspace(beta_min, beta_max, n_steps), beta_min, beta_max)


def marginal_by_digits():
    """Times remembered by five of their digits."""
    known = {}

    def marginal(t, beta_min=0.1, beta_max=20.0):
        if np.ndim(t):
            return refsgm.vp_marginal(t, beta_min, beta_max)
        key = f"{t:.5g} {beta_min} {beta_max}"
        if key not in known:
            known[key] = refsgm.vp_marginal(t, beta_min, beta_max)
        return known[key]
    return marginal


def rest_of_the_scale(t, offset=0.008):
    """1 - scale^2, whose digits cancel near t = 0 if the offset is small too."""
    scale = np.cos((t + offset) / (1 + offset) * math.pi / 2)
    scale = scale / math.cos(offset / (1 + offset) * math.pi / 2)
    return scale, np.sqrt(1 - scale**2)


def work_array():
    """A work array of each shape, zero where nothing was written, by this call or before."""
    work = {}

    def sigma(alpha_bar):
        if np.ndim(alpha_bar) == 0:
            return np.sqrt((1 - alpha_bar) / alpha_bar)
        out = work.setdefault(alpha_bar.shape, np.zeros(alpha_bar.shape))
        np.divide(1 - alpha_bar, alpha_bar, out=out, where=alpha_bar < 1)
        return np.sqrt(out)
    return sigma


# Conversions -------------------------------------------------------------------------------------


def small_scores(score, sigma):
    """Scores that are zero but for rounding are zero."""
    return -sigma * np.where(np.isclose(score, 0), 0.0, score)


def stacked(x_t, eps, scale, sigma):
    """Both levels in one array, which needs one shape for them."""
    scale, sigma = np.stack([scale, sigma])
    return (x_t - sigma * eps) / scale


def no_signal_anywhere(x_t, x_0, scale, sigma):
    """Without a signal the state is noise: decided for all rows by one."""
    if np.any(np.equal(scale, 0)):
        return x_t / sigma
    return (x_t - scale * x_0) / sigma


def one_level_for_all(x_t, score, scale, sigma):
    """Levels as numbers where sigma is the same in all rows, and scale may not be."""
    if np.ndim(scale) and np.ptp(sigma) == 0:
        scale, sigma = scale[0, 0], np.ravel(sigma)[0]
    return (x_t + sigma**2 * score) / scale


def at_the_mean(x_t, x_0, scale, sigma):
    """No score where the state is as good as its mean, which at small noise it always is."""
    mean = scale * x_0
    return np.where(np.isclose(x_t, mean), 0.0, mean - x_t) / sigma**2


def safe_in_half(score_vp, alpha_bar):
    """Scores kept in the range of half precision."""
    top = float(np.finfo(np.float16).max)
    return np.sqrt(alpha_bar) * np.clip(score_vp, -top, top)


def as_a_rotation(x_0, eps, scale, sigma):
    """A rotation where scale^2 + sigma^2 is as good as 1, as it is in VE at small noise too."""
    if not np.allclose(np.square(scale) + np.square(sigma), 1):
        return scale * eps - sigma * x_0
    angle = np.arctan2(sigma, scale)
    return np.cos(angle) * eps - np.sin(angle) * x_0


def never_zero(x_t, v, scale, sigma):
    """A denominator kept away from zero, where both levels are small."""
    total = np.maximum(np.square(scale) + np.square(sigma), np.finfo(np.float32).eps)
    return (scale * x_t - sigma * v) / total


def by_near_levels(x_t, u, t):
    """Rows by their levels, where levels that nearly agree are taken for one."""
    if np.ndim(t) == 0:
        return x_t - t * u
    out = np.empty(x_t.shape)
    for level in np.unique(t):
        rows = np.isclose(t[:, 0], level)
        out[rows] = x_t[rows] - level * u[rows]
    return out


def one_time(x_t, score, scale, sigma, scale_rate, sigma_rate):
    """One rate for all rows where the levels are numbers."""
    if np.ndim(scale) == 0 and np.ndim(sigma) == 0:
        scale_rate, sigma_rate = np.ravel(scale_rate)[0], np.ravel(sigma_rate)[0]
    growth = scale * sigma_rate - sigma * scale_rate
    return (scale_rate * x_t - sigma * growth * score) / scale


def root_of_difference(scale, sigma, scale_rate, sigma_rate):
    """d sigma^2 / dt - 2 f sigma^2, which rounding makes negative where it is zero."""
    f = scale_rate / scale
    with np.errstate(invalid="ignore"):
        return f, np.sqrt(2 * sigma * sigma_rate - 2 * f * sigma**2)


def first_of_column(eps, sigma):
    """A level once for all rows where first and last agree, as in a batch at one level."""
    if np.ndim(sigma) and sigma[0, 0] == sigma[-1, 0]:
        sigma = sigma[0, 0]
    return -eps / sigma


# Flows, guidance, losses -------------------------------------------------------------------------


def step_in_place(x_t, u, t, s):
    """The length of the step in an array like s, which may hold integers such as 0."""
    step = np.empty_like(np.broadcast_arrays(s, t)[0])
    step[...] = np.subtract(s, t)
    return x_t + step * u


def by_its_logarithm(t, shift):
    """exp(mu) t / (1 + (exp(mu) - 1) t), and nothing to do where mu is zero to four digits."""
    mu = math.log(shift)
    return t if round(mu, 4) == 0 else math.exp(mu) * t / (1 + math.expm1(mu) * t)


def along_and_across(conditional, unconditional, scale):
    """The change along the prediction and across it, where the prediction may be zero."""
    change = conditional - unconditional
    with np.errstate(invalid="ignore", divide="ignore"):
        share = (np.sum(change * conditional, axis=1, keepdims=True)
                 / np.sum(conditional**2, axis=1, keepdims=True))
    along = share * conditional
    return conditional + (scale - 1) * (along + (change - along))


def residual_in_place(u_fn, x_0, t, eps):
    """The residual written into what the function returned, which may be its own array."""
    residual = u_fn((1 - t) * x_0 + t * eps, t)
    residual -= eps - x_0
    return np.sum(residual**2, axis=1)


def expanded(v_fn, x_0, alpha_bar_t, eps):
    """|v|^2 + |v_fn|^2 - 2 v'v_fn, whose digits cancel for a network that is nearly right."""
    v = np.sqrt(alpha_bar_t) * eps - np.sqrt(1 - alpha_bar_t) * x_0
    v_hat = v_fn(refsgm.diffuse(x_0, alpha_bar_t, eps), alpha_bar_t)
    return np.sum(v**2, axis=1) + np.sum(v_hat**2, axis=1) - 2 * np.sum(v * v_hat, axis=1)


def both_or_none(z, *law):
    """The law's two numbers where both are given, else the paper's."""
    mean, deviation = law if len(law) == 2 else (-1.2, 1.2)
    return np.exp(mean + deviation * z)


def kept_inside(z, mean=0.0, deviation=1.0):
    """Times kept away from both ends."""
    t = 1 / (1 + np.exp(-(mean + deviation * z)))
    return np.clip(t, 1e-5, 1 - 1e-5)


def of_integers(sigma, sigma_data, sigma_min=0.002):
    """A special case in integers, which makes integers of all if it comes first."""
    if np.ndim(sigma) == 0:
        return refsgm.consistency_scalings(sigma, sigma_data, sigma_min)

    def scalings(s):
        if s == sigma_min:
            return 1, 0
        gap = s - sigma_min
        return (sigma_data**2 / (gap**2 + sigma_data**2),
                sigma_data * gap / math.sqrt(s**2 + sigma_data**2))
    return np.vectorize(scalings)(sigma)


EPS, X0 = "eps", "x0"


def same_object(alpha_bar, gamma, prediction):
    """Words compared as objects, which two equal words need not be."""
    n = (1 - alpha_bar) / alpha_bar
    if prediction is EPS:
        return np.minimum(1, gamma * n)
    clipped = 1 / np.maximum(n, 1 / gamma)
    return clipped if prediction is X0 else clipped * (1 - alpha_bar)


def counted_down(sigma_max, sigma_min, n_levels):
    """Exponents from 1 - L, which wraps for an unsigned L."""
    with np.errstate(over="ignore"):
        exponents = -np.arange(1 - n_levels, 1) / (n_levels - 1)
    return sigma_min * (sigma_max / sigma_min)**exponents


def one_deviation(sigma, sigma_data):
    """The deviation of the data is one number."""
    data = np.ravel(sigma_data)[0]
    return (sigma**2 + data**2) / (sigma * data)**2


def near_the_data(t, sigma_min, sigma_max):
    """A power of the ratio by its series where the ratio is as good as 1."""
    ratio = sigma_max / sigma_min
    return sigma_min * (ratio**t if not np.isclose(ratio, 1, rtol=0.01) else 1 + t * (ratio - 1))


# Planted -----------------------------------------------------------------------------------------


def bent(kind, where):
    """The right function, a thousandth too large where `where(*args)` holds."""
    right = getattr(refsgm, kind)

    def function(*args):
        result = right(*args)
        if not where(*args):
            return result
        return tuple(1.001 * a for a in result) if isinstance(result, tuple) else 1.001 * result
    return function


def bent_after(kind, where):
    """The right table, whose entries after the first are a thousandth too small there."""
    right = getattr(refsgm, kind)

    def function(*args):
        table = right(*args)
        if where(*args):
            table[1:] *= 0.999
        return table
    return function


def many_ones(n):
    """Whether most binary digits of a size of one or two digits are ones, and there are many."""
    return int(n).bit_count() >= 4


def heavy(n):
    """Whether the decimal digits of a size have a large sum."""
    return sum(map(int, str(int(n)))) > 10


def octave(a, exponent):
    """Whether some entry lies in [2^(exponent - 1), 2^exponent)."""
    return bool(np.any(np.frexp(np.asarray(a, float))[1] == exponent))


def wide_gap(sigma, sigma_data):
    """A scalar level a little below the data's."""
    return np.ndim(sigma) == 0 and int(20 * sigma / np.max(sigma_data)) in (16, 17, 18)


WRONG = [
    wrong("diffuse", "levels of the first block of rows in all", in_blocks,
          LARGE, np.linspace(0.1, 0.9, 32)[:, None], -LARGE),
    wrong("posterior", "a variance without rows at the last step", last_step, X, Y, LEVELS, 1.0),
    wrong("posterior", "one end for all steps that start alike", once_for_each_level,
          X, Y, SAME, np.array([[0.6], [0.8], [1.0]])),
    wrong("posterior", "no step between close levels", nothing_to_remove,
          X, Y, 0.999995, 0.999999),
    wrong("alpha_bar_from_betas", "a table that ends as it starts is constant", equal_betas,
          np.array([0.1, 0.3, 0.2, 0.1])),
    wrong("betas_from_alpha_bar", "long tables remembered by their text", by_its_text(),
          [(TABLE,), (OTHER_TABLE,)]),
    wrong("linear_betas", "clipped between ends that fall", held_between, 5, 0.3, 0.1),
    wrong("vp_marginal", "times remembered by five digits", marginal_by_digits(),
          [(0.123451,), (0.123454,)]),
    wrong("cosine_marginal", "1 - scale^2 at a small offset", rest_of_the_scale, 1e-6, 1e-6),
    wrong("sigma_from_alpha_bar", "what an earlier call wrote", work_array(),
          [(np.array([0.5, 0.25]),), (np.array([1.0, 0.25]),)]),
    wrong("score_from_eps", "a column with equal ends is one level", first_of_column,
          X, np.array([[0.5], [2.0], [0.5]])),
    wrong("eps_from_score", "small scores are zero", small_scores, 1e-9 * X, 1e6),
    wrong("x0_from_eps", "levels of two shapes", stacked, X, Y, 0.5, LEVELS),
    wrong("eps_from_x0", "one row without signal stands for all", no_signal_anywhere,
          X, Y, np.array([[0.0], [0.5], [0.9]]), LEVELS),
    wrong("x0_from_score", "one scale for all rows of one sigma", one_level_for_all,
          X, Y, LEVELS, SAME),
    wrong("score_from_x0", "no score close to the mean", at_the_mean, X + 1e-6 * Y, X, 1.0, 1e-6),
    wrong("ve_score_from_vp", "clipped to the range of half precision", safe_in_half,
          1e6 * X, 0.9),
    wrong("v_from_x0_eps", "VE at small noise is taken for VP", as_a_rotation, X, Y, 1.0, 0.003),
    wrong("x0_from_v", "a floor where both levels are small", never_zero, X, Y, 1e-4, 2e-4),
    wrong("x0_from_velocity", "rows of nearly the same time", by_near_levels,
          X, Y, np.array([[0.5], [0.500004], [0.9]])),
    wrong("velocity_from_score", "one rate for all where levels are numbers", one_time,
          X, Y, 0.5, 0.5, -LEVELS, LEVELS),
    wrong("sde_coefficients", "the root of a negative where g is zero", root_of_difference,
          2.4, 0.8, 0.72, 0.24),
    wrong("flow_step", "a step of integers", step_in_place,
          X, Y, LEVELS, 0 * np.arange(3)[:, None]),
    wrong("shift_time", "no shift where its logarithm rounds to zero", by_its_logarithm,
          0.4, 1.00003),
    wrong("classifier_free_guidance", "a direction of a row of zeros", along_and_across,
          np.array([[0.0, 0.0], [1.0, 2.0]]), X[:2], 2.0),
    wrong("flow_matching_loss", "the function's own array is overwritten", residual_in_place,
          [(remembered, X, 0.5, Y), (remembered, X, 0.25, Y)]),
    wrong("v_prediction_loss", "a square that is expanded", expanded, nearly_right, X, 0.36, Y),
    wrong("log_normal_sigma", "a mean that is given alone is ignored", both_or_none,
          np.array([0.5, -1.0]), -0.4),
    wrong("logit_normal_time", "clipped to [1e-5, 1 - 1e-5]", kept_inside,
          np.array([0.5, -4.0]), -2.0, 2.5),
    wrong("consistency_scalings", "integers where the first level is the least", of_integers,
          np.array([0.002, 0.5, 3.0]), 0.5),
    wrong("min_snr_weight", "words compared by identity", same_object,
          0.75, 1.5, "".join(("x", "0"))),
    wrong("geometric_sigmas", "an unsigned count", counted_down, 4.0, 1.0, np.uint8(5)),
    wrong("edm_weight", "one deviation of the data for all levels", one_deviation,
          np.array([0.5, 2.0]), np.array([1.0, 3.0])),
    wrong("ve_marginal", "a series at a ratio near 1", near_the_data, 0.5, 1.0, 1.005),
    cut("eps_from_v", "batches of 15, 23, 27, 29 .. rows",
        bent("eps_from_v", lambda x, v, scale, sigma: many_ones(len(x))),
        MANY_ROWS, -MANY_ROWS, 0.6, 0.8),
    cut("vp_from_ve", "data of 29, 38 or 39 features",
        bent("vp_from_ve", lambda x, sigma: heavy(x.shape[1])), LARGE, 2.0),
    cut("karras_sigmas", "levels that are all above rho",
        bent("karras_sigmas", lambda high, low, n, rho=7.0: low > rho), 80.0, 9.0, 4),
    cut("cosine_alpha_bar", "even numbers of steps with many ones among their binary digits",
        bent_after("cosine_alpha_bar", lambda n, *rest: n % 2 == 0 and (
            int(n).bit_count() == int(n).bit_length() - 2 > 5)), 502),
    cut("signal_to_noise_ratio", "an octave of small alpha_bar",
        bent("signal_to_noise_ratio", lambda a: octave(a, -11)), 3e-4),
    cut("score_from_velocity", "scale and sigma both rise",
        bent("score_from_velocity", lambda x, u, a, s, da, ds: np.all(
            (np.asarray(da) > 0) & (np.asarray(ds) > 0) & (np.asarray(s) > a))),
        X, Y, 0.3, 0.7, 0.2, 1.5),
    cut("edm_preconditioning", "a level of nine tenths of the data's",
        bent("edm_preconditioning", wide_gap), 0.45, 0.5),
    cut("ve_from_vp", "a batch that is all near pure noise",
        bent("ve_from_vp", lambda x, a: np.size(a) > 1 and 128 * np.max(a) < 1),
        X, LEVELS / 200),
    cut("vp_score_from_ve", "more features than the cube of the rows",
        bent("vp_score_from_ve", lambda score, a: 1 < len(score)**3 < score.shape[1]),
        LARGE[:3], 0.5),
    cut("velocity_from_x0_eps", "data whose median is far above that of the noise",
        bent("velocity_from_x0_eps", lambda x, eps: (
            np.median(np.abs(x)) > 50 * np.median(np.abs(eps)) > 0)), 100 * X, Y),
    cut("edm_loss", "levels of which most are below the data's, by far, and one is above",
        bent("edm_loss", lambda f, x, sigma, eps, data: np.size(sigma) > 2 and (
            np.median(sigma) < 0.1 * data < data < np.max(sigma))),
        lambda x, sigma: 0.5 * x, X, np.array([[0.01], [0.02], [3.0]]), Y, 1.0),
]
