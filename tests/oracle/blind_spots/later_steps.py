"""Mistakes of good faith in steps, samplers, schedules and conversions, and some planted.

Written when the oracle was final, by one who had not read the probes; each with its arguments.
"""

import itertools
import math

import autograd.numpy as anp
import numpy as np
from scipy.integrate import solve_ivp
from scipy.special import gammaln

import refsgm

from .fresh import cut, generator, wrong

X = np.array([[0.5, -1.0], [2.0, 0.3], [-0.7, 1.1]])                                       # (B, D)
Y = np.array([[1.5, 0.2], [-0.4, 0.9], [0.6, -2.0]])
Z = np.array([[-0.3, 0.8], [1.2, -0.5], [0.1, 0.4]])
TABLE = np.array([1.0, 0.6, 0.2, 1e-3])


def column(*levels):
    """Levels (B, 1)."""
    return np.array(levels)[:, None]


def grid(rows, columns):
    """Numbers (rows, columns) without a pattern."""
    return np.sin(1.0 + 7.3 * np.arange(rows * columns)).reshape(rows, columns)


def score(x, sigma=1.0):
    """Some score."""
    return -x**3 / (1 + sigma**2)


def eps_fn(x, alpha_bar):
    """Some noise prediction."""
    return 0.3 * x + alpha_bar * np.tanh(x)


def itself(x, sigma=1.0):
    """A score that is its argument, the same array."""
    return x


def two_points(x, sigma):
    """The score of two points at a distance of 2e-5 under noise."""
    return (1e-5 * anp.tanh(1e-5 * x / sigma**2) - x) / sigma**2


# Steps --------------------------------------------------------------------------------------------


def once_per_level(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    """Coefficients once for each different alpha_bar_t, with the alpha_bar_s of its first row."""
    if not (np.ndim(alpha_bar_t) and np.ndim(alpha_bar_s)):
        return refsgm.ddim_step(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z)
    _, first, inverse = np.unique(alpha_bar_t.ravel(), return_index=True, return_inverse=True)
    alpha_bar_s = alpha_bar_s[first][np.ravel(inverse)]
    return refsgm.ddim_step(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z)


def slope_in_place(score_fn, x_t, sigma_t, sigma_s):
    """The slope written into the array that the score function returned."""
    slope = score_fn(x_t, sigma_t)
    slope *= -sigma_t
    x_hat = x_t + (sigma_s - sigma_t) * slope
    if not np.any(sigma_s):
        return x_hat
    return x_t + 0.5 * (sigma_s - sigma_t) * (slope - sigma_s * score_fn(x_hat, sigma_s))


def quiet_batch(x_t, score, sigma_t, sigma_s, z):
    """No noise in the last step, which is the last for all rows if it is for one."""
    removed = (sigma_t - sigma_s) * (sigma_t + sigma_s)
    mean = x_t + removed * score
    return mean + sigma_s / sigma_t * removed**0.5 * z if np.all(sigma_s) else mean


def close_to_clean(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
    """A last step is one that ends at alpha_bar close to 1."""
    z = np.where(np.isclose(alpha_bar_s, 1.0), 0.0, z)
    return refsgm.ddpm_step(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance)


def silent_end(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
    """No noise in the last step, also where its variance is beta."""
    return refsgm.ddpm_step(x_t, eps, alpha_bar_t, alpha_bar_s, (alpha_bar_s != 1) * z, variance)


def unsorted(x_t, score, sigma_t, sigma_s, z):
    """Rows sorted by their level, and put back by the same permutation, not its inverse."""
    if np.ndim(sigma_t) == 0:
        return refsgm.ve_reverse_sde_step(x_t, score, sigma_t, sigma_s, z)
    order = np.argsort(sigma_t[:, 0], kind="stable")
    if np.ndim(sigma_s):
        sigma_s = sigma_s[order]
    x_s = refsgm.ve_reverse_sde_step(x_t[order], score[order], sigma_t[order], sigma_s, z[order])
    return x_s[order]


def variance_like_start(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """The variance in the shape of alpha_bar_t, when alpha_bar_s alone may be a column."""
    mean, variance = refsgm.posterior(x_0, x_t, alpha_bar_t, alpha_bar_s)
    return mean, np.reshape(variance, np.shape(alpha_bar_t))


def padding_stays(x_0, alpha_bar_t, eps):
    """Rows of zeros are padding and get no noise."""
    used = np.any(x_0, axis=1, keepdims=True)
    return used * (alpha_bar_t**0.5 * x_0 + (1 - alpha_bar_t)**0.5 * eps)


# Samplers -----------------------------------------------------------------------------------------


def to_the_end_time(score_fn, x, step_size, n_steps, rng):
    """Steps until the time n_steps step_size is reached, a sum of floats."""
    h = float(np.max(step_size))
    time, end = 0.0, n_steps * h
    while time < end:
        z = rng.standard_normal(x.shape)
        x = x + 0.5 * step_size * score_fn(x) + np.sqrt(step_size) * z
        time += h
        yield x


def level_by_progress(score_fn, x, sigmas, steps_per_level, step_size, rng):
    """The level of a step is that of its progress, a fraction that rounds below some levels."""
    total = len(sigmas) * steps_per_level
    for i in range(total):
        sigma = float(sigmas[int(i / total * len(sigmas))])
        h = step_size * (sigma / sigmas[-1])**2
        z = rng.standard_normal(x.shape)
        x = x + 0.5 * h * score_fn(x, sigma) + math.sqrt(h) * z
        yield x


SCHEDULES = {}


def schedule_by_ends(eps_fn, x, alpha_bar, rng):
    """Betas remembered for a schedule, which its length and ends are taken to tell."""
    key = (len(alpha_bar), float(alpha_bar[1]), float(alpha_bar[-1]))
    table = SCHEDULES.setdefault(key, alpha_bar.copy())
    return refsgm.ddpm_sampler(eps_fn, x, table, rng)


def distinct_levels(eps_fn, x, alpha_bar, eta, rng):
    """Levels that are the same in float32 visited once."""
    _, keep = np.unique(np.float32(-alpha_bar), return_index=True)
    return refsgm.ddim_sampler(eps_fn, x, alpha_bar[keep], eta, rng)


def zero_to_float32(score_fn, x, sigmas, method="heun"):
    """Euler at the end where the last level is zero beside the first, as float32 sees it."""
    largest = np.float32(sigmas[0])
    for t, s in itertools.pairwise(sigmas.tolist()):
        if method == "heun" and largest + np.float32(s) - largest:
            x = refsgm.heun_step(score_fn, x, t, s)
        else:
            x = refsgm.ve_probability_flow_step(x, score_fn(x, t), t, s)
        yield x


# Schedules ----------------------------------------------------------------------------------------


UNIT_TABLES = {}


def table_of_ratio(sigma_max, sigma_min, n_levels):
    """Levels down to one, remembered by their ratio to three digits after the point."""
    ratio = sigma_max / sigma_min
    key = f"{ratio:.3f} {n_levels}"
    if key not in UNIT_TABLES:
        UNIT_TABLES[key] = np.geomspace(ratio, 1.0, n_levels)
    return sigma_min * UNIT_TABLES[key]


def ramp_by_arange(sigma_max, sigma_min, n_levels, rho=7.0):
    """A ramp by arange with a step that is not a whole number, and its end."""
    ramp = np.append(np.arange(0, 1, 1 / (n_levels - 1)), 1.0)
    low, high = sigma_min**(1 / rho), sigma_max**(1 / rho)
    return (high + ramp * (low - high))**rho


def ends_in_order(n_steps, beta_min=1e-4, beta_max=0.02):
    """Betas that rise, whichever end is given first."""
    return np.linspace(*sorted((beta_min, beta_max)), n_steps)


def capped_once(n_steps, offset=0.008, beta_max=0.999):
    """The cap of a beta relative to the table without caps: right for one capped beta."""
    t = np.arange(n_steps + 1) / n_steps
    f = np.sin((1 - t) / (1 + offset) * math.pi / 2)**2
    f = f / f[0]
    return np.append(1.0, np.maximum(f[1:], (1 - beta_max) * f[:-1]))


def first_is_whole(t, beta_min=0.1, beta_max=20.0):
    """np.vectorize, which takes the dtype of the first result, and that is whole at t = 0."""
    def at(t):
        if t == 0:
            return 1, 0
        log_scale = -0.25 * t**2 * (beta_max - beta_min) - 0.5 * t * beta_min
        return math.exp(log_scale), math.sqrt(-math.expm1(2 * log_scale))
    if np.ndim(t) == 0:
        return at(t)
    return np.vectorize(at)(t)


def by_shift(z, mean=0.0, deviation=1.0):
    """shift_time of the centred law: 1 - t has no digits left where both are large."""
    t, shift = 1 / (1 + np.exp(-deviation * z)), math.exp(mean)
    return shift * t / ((1 - t) + shift * t)


# Conversions --------------------------------------------------------------------------------------


def kernel_of_first_row(x_t, v, scale, sigma):
    """Variance preserving if the first row is."""
    total = np.square(scale) + np.square(sigma)
    x_0 = scale * x_t - sigma * v
    return x_0 if np.isclose(np.ravel(total)[0], 1.0, rtol=1e-12, atol=0) else x_0 / total


COLUMNS = {}


def column_by_sum(x_t, u, t):
    """Times laid out over the features, and remembered by their sum and shape."""
    if np.ndim(t) == 0:
        return x_t - t * u
    key = (x_t.shape, math.fsum(np.ravel(t)))
    if key not in COLUMNS:
        COLUMNS[key] = np.repeat(t, x_t.shape[1], axis=1)
    return x_t - COLUMNS[key] * u


def one_direction(x_t, score, scale, sigma, scale_rate, sigma_rate):
    """g from a root, and one direction of time for the batch."""
    growth = scale * sigma_rate - sigma * scale_rate
    g = np.sqrt(np.abs(2 * sigma * growth / scale))
    return scale_rate / scale * x_t - np.sign(np.sum(growth)) * 0.5 * g**2 * score


def eliminated(x_t, u, scale, sigma, scale_rate, sigma_rate):
    """Elimination of eps by the ratio sigma / sigma_rate, without a pivot."""
    with np.errstate(all="ignore"):
        ratio = np.true_divide(sigma, sigma_rate) if np.all(sigma_rate) else np.inf
        x_0 = (x_t - ratio * u) / (scale - ratio * scale_rate)
    return -(x_t - scale * x_0) / sigma**2


def like_sigma(scale, sigma, scale_rate, sigma_rate):
    """g^2 summed in an array of the shape of sigma."""
    f = scale_rate / scale
    g2 = np.zeros(np.shape(sigma))
    g2 += 2 * sigma * (sigma_rate - f * sigma)
    return f, np.sqrt(g2)


def squeezed(x_vp, alpha_bar):
    """Data without axes of length one, which then meet a column."""
    x_ve = (np.squeeze(x_vp) / np.sqrt(alpha_bar)).reshape(x_vp.shape)
    return x_ve, np.sqrt((1 - alpha_bar) / alpha_bar)


# Likelihoods --------------------------------------------------------------------------------------


def small_difference(score_fn, x, sigma_min, sigma_max, **options):
    """The divergence by central differences over 1e-5, exact for an affine score."""
    if options:
        return refsgm.log_likelihood(score_fn, x, sigma_min, sigma_max, **options)
    (b, d), h = x.shape, 1e-5

    def slope(t, state):
        y, variance = state[:b * d].reshape(b, d), math.exp(2 * t)

        def along(e):
            return score_fn(y + h * e, math.exp(t)) - score_fn(y - h * e, math.exp(t))
        trace = sum(along(e)[:, i] for i, e in enumerate(np.eye(d))) / (2 * h)
        drift = -variance * score_fn(y, math.exp(t))
        return np.append(drift, variance * trace)
    start, ends = np.append(x, np.zeros(b)), np.log([sigma_min, sigma_max])
    end = solve_ivp(slope, ends, start, method="DOP853", rtol=1e-10, atol=1e-12).y[:, -1]
    return refsgm.prior_log_density(end[:b * d].reshape(b, d), sigma_max) - end[b * d:]


def per_feature(log_density, dim, bin_width=1.0):
    """A log density for each feature summed, when there are as many entries as features."""
    if np.ndim(log_density) and np.shape(log_density)[-1] == dim and dim > 1:
        log_density = np.sum(log_density, axis=-1)
    return -log_density / (dim * math.log(2)) - math.log2(bin_width)


def by_radius(x, sigma_max):
    """The density of the radius over the area of its sphere: 0 / 0 at the origin."""
    d, sigma = x.shape[1], np.ravel(sigma_max)
    with np.errstate(all="ignore"):
        log_r = np.log(np.linalg.norm(x, axis=1) / sigma)
        log_chi = (1 - d / 2) * math.log(2) - gammaln(d / 2) + (d - 1) * log_r
        log_chi = log_chi - 0.5 * np.exp(2 * log_r)
        log_area = math.log(2) + d / 2 * math.log(math.pi) - gammaln(d / 2) + (d - 1) * log_r
        return log_chi - log_area - d * np.log(sigma)


def without_ones(score_fn, x, v):
    """np.squeeze to be rid of M = 1, which takes other axes of length one too."""
    v = np.squeeze(v)
    v = v.reshape(x.shape) if np.ndim(v) < 3 else v
    return refsgm.hutchinson_divergence(score_fn, x, v)


# Planted ------------------------------------------------------------------------------------------


def wide_and_tall(x, score, step_size, z):
    """Large batches of many features, if the noise outweighs the state."""
    right = refsgm.langevin_step(x, score, step_size, z)
    (b, d), more = x.shape, math.fsum(np.ravel(z)) > math.fsum(np.ravel(x))
    return right + 1e-3 * z if b in range(17, 25) and d in range(21, 33) and more else right


def late_rows(x, score, beta):
    """Rows from the twentieth on, if the number of features is two more than a multiple of 3."""
    right = refsgm.vp_reverse_sde_drift(x, score, beta)
    if np.ndim(beta) and x.shape[1] % 3 == 2 and x.shape[1] // 9:
        right[19:] *= 1.01
    return right


def zigzag(conditional, unconditional, scale):
    """Eight rows or more, whose scales neither rise nor fall, with a mean from 2 to 4."""
    right = refsgm.classifier_free_guidance(conditional, unconditional, scale)
    levels = np.ravel(scale).tolist()
    tame = levels in (sorted(levels), sorted(levels)[::-1])
    if len(levels) // 8 and not tame and int(math.fsum(levels) / len(levels)) in (2, 3):
        return right + 0.01 * (conditional - unconditional)
    return right


def sixteenths(t, shift):
    """One time in sixteen, for every other octave of the shift."""
    right = refsgm.shift_time(t, shift)
    here = np.floor(64 * np.asarray(t)) % 16 == 11
    return right * (1 + 1e-3 * here * (math.frexp(shift)[1] % 2))


def mantissa_of_ratio(t, sigma_min, sigma_max):
    """Some fractions of the decimal logarithm of the ratio, in the middle of time."""
    right = refsgm.ve_diffusion_coefficient(t, sigma_min, sigma_max)
    part = int(10 * math.log10(sigma_max / sigma_min)) % 10
    middle = np.floor(np.asarray(t) * 5) == 3
    return right * (1 + 1e-3 * middle) if part == 4 else right


def peak_in_the_middle(betas):
    """Some hundreds of steps, with the largest beta in the middle third."""
    right = refsgm.alpha_bar_from_betas(betas)
    n = len(betas)
    if n // 100 == 3 and 3 * int(np.argmax(betas)) // n == 1:
        right[n // 8:] *= 1 - 1e-4
    return right


def widest_gap(sigmas, step_size):
    """Eleven levels or more, the widest gap of which is the sixth, the fourteenth and so on."""
    right = refsgm.annealed_step_sizes(sigmas, step_size)
    gaps = (-np.diff(np.log(sigmas))).tolist()
    if len(gaps) // 10 and gaps[1:-1].index(max(gaps[1:-1])) % 8 == 4 and max(gaps) in gaps[1:-1]:
        right[0] *= 1.001
    return right


def long_jump(x_t, u, t, s):
    """Rows that jump from the ninth tenth of time into the second one."""
    right = refsgm.flow_step(x_t, u, t, s)
    here = (np.floor(10 * np.asarray(t)) == 8) * (np.floor(10 * np.asarray(s)) == 1)
    return right + 1e-3 * here * u


def two_decades(x, sigma_from, sigma_to, z):
    """From a level in thousandths to one in hundreds or thousands."""
    right = refsgm.raise_noise(x, sigma_from, sigma_to, z)
    with np.errstate(divide="ignore"):
        decades = [np.floor(np.log10(a)).ravel().tolist() for a in (sigma_from, sigma_to)]
    here = decades[0][-1] == -3 and decades[1][-1] in (2, 3)
    return right + 1e-4 * sigma_to * z if here else right


def offsets_in_turn(t, offset=0.008):
    """The last third of time, for every fifth reciprocal of the offset."""
    scale, sigma = refsgm.cosine_marginal(t, offset)
    here = np.floor(3 * np.asarray(t)) == 2
    return (scale, sigma * (1 - 1e-3 * here)) if int(1 / offset) % 5 == 3 else (scale, sigma)


PATH = (column(0.5, 0.5), column(0.5, 0.4), column(-1.0, 1.0), column(1.0, -0.2))
SMOOTH = np.linspace(1.0, 2.0, 12)
BETAS = 0.01 - 0.005 * np.abs(np.linspace(-1, 1, 350))
WIDE = np.exp(-np.cumsum([0, 1, 1, 1, 1, 1, 3, 1, 1, 1, 1, 1.0]))

WRONG = [
    wrong("ddim_step", "coefficients once for equal alpha_bar_t, though alpha_bar_s differs",
          once_per_level, X, Y, column(0.3, 0.3, 0.5), column(0.6, 0.9, 0.8), 0.5, Z),
    wrong("heun_step", "writes into the array that score_fn returned, which may be x_t",
          slope_in_place, itself, X, 2.0, 1.0),
    wrong("ve_ancestral_step", "no noise in any row if one row ends at zero",
          quiet_batch, X, Y, 2.0, column(1.0, 0.0, 0.5), Z),
    wrong("ddpm_step", "no noise where alpha_bar_s is close to 1",
          close_to_clean, X, Y, 0.9, 1 - 4e-6, Z),
    wrong("ddpm_step", "no noise in the last step with variance beta",
          silent_end, X, Y, 0.9, 1.0, Z, "beta"),
    wrong("ve_reverse_sde_step", "rows sorted, and put back by order instead of its inverse",
          unsorted, X, Y, column(2.0, 3.0, 1.0), 0.5, Z),
    wrong("posterior", "the variance in the shape of alpha_bar_t where alpha_bar_s is a column",
          variance_like_start, X, Y, 0.2, column(0.5, 0.6, 1.0)),
    wrong("diffuse", "rows of zeros are taken for padding",
          padding_stays, np.array([[0.0, 0.0], [2.0, 0.3], [-0.7, 1.1]]), 0.4, Y),
    wrong("langevin", "steps until a time that is a sum of floats",
          to_the_end_time, score, X, 0.1, 10, generator),
    wrong("annealed_langevin", "the level is int(progress * L)", level_by_progress,
          score, X, np.geomspace(3.0, 1.0, 22), 2, 0.01, generator),
    wrong("ddpm_sampler", "a schedule remembered by its length and ends", schedule_by_ends,
          [(eps_fn, X, TABLE, generator),
           (eps_fn, X, np.array([1.0, 0.6, 0.3, 1e-3]), generator)]),
    wrong("ddim_sampler", "levels that agree in float32 are visited once",
          distinct_levels, eps_fn, X, np.array([1.0, 1 - 1e-8, 0.9, 0.4]), 0.0, None),
    wrong("probability_flow_sampler", "Euler to a level that vanishes beside the first in float32",
          zero_to_float32, score, 1e-2 * X, np.array([1e3, 1.0, 1e-5])),
    wrong("geometric_sigmas", "a table remembered by a rounded ratio",
          table_of_ratio, [(4.0, 1.0, 5), (4.0003, 1.0, 5)]),
    wrong("karras_sigmas", "arange with a broken step has one entry more for some lengths",
          ramp_by_arange, 80.0, 0.002, 50),
    wrong("linear_betas", "the ends are sorted", ends_in_order, 4, 0.02, 0.01),
    wrong("cosine_alpha_bar", "betas capped relative to the table without caps",
          capped_once, 10, 0.008, 0.4),
    wrong("vp_marginal", "np.vectorize takes whole numbers from t = 0",
          first_is_whole, np.array([0.0, 0.5, 1.0])),
    wrong("logit_normal_time", "by the shift of a time that is close to 1",
          by_shift, np.array([2.0, 0.1]), -28.0, 14.0),
    wrong("x0_from_v", "the first row tells whether the kernel preserves variance",
          kernel_of_first_row, X, Y, column(0.8, 1.0, 0.5), column(0.6, 2.0, 0.5)),
    wrong("x0_from_velocity", "times remembered by their sum", column_by_sum,
          [(X, Y, column(0.25, 0.5, 0.75)), (X, Y, column(0.75, 0.5, 0.25))]),
    wrong("velocity_from_score", "one direction of time for all rows",
          one_direction, X[:2], Y[:2], *PATH),
    wrong("score_from_velocity", "divides by sigma_rate",
          eliminated, X, Y, 0.8, 0.6, -0.5, 0.0),
    wrong("sde_coefficients", "g in the shape of sigma where scale alone is an array",
          like_sigma, np.array([0.5, 0.4]), 0.3, -1.0, 1.0),
    wrong("ve_from_vp", "squeezed data of one feature meet a column",
          squeezed, X[:, :1], column(0.5, 0.2, 1.0)),
    wrong("log_likelihood", "a divergence by differences over 1e-5 of a score that bends",
          small_difference, two_points, 1e-5 * X[:, :1], 1e-5, 1e-3),
    wrong("bits_per_dimension", "summed if there are as many entries as features",
          per_feature, np.array([-3.0, -4.0, -5.0]), 3, 0.1),
    wrong("prior_log_density", "through the radius, 0 / 0 at the origin",
          by_radius, np.array([[0.0, 0.0], [1.0, 2.0]]), 3.0),
    wrong("hutchinson_divergence", "squeeze takes the axis of a batch of one",
          without_ones, lambda x: x**2, X[:1], np.stack([Y[:1], Z[:1]])),
    cut("langevin_step", "many rows and features, z larger than x",
        wide_and_tall, -1 + grid(20, 25), grid(20, 25), 0.1, 1 + grid(20, 25)),
    cut("vp_reverse_sde_drift", "late rows for some numbers of features",
        late_rows, grid(25, 11), grid(25, 11), 1 + grid(25, 1)**2),
    cut("classifier_free_guidance", "scales in no order with a mean from 2 to 4",
        zigzag, grid(9, 3), grid(9, 3)**2, column(1.0, 4, 2, 3, 5, 0, 2, 6, 3)),
    cut("shift_time", "every sixteenth time in every other octave of the shift",
        sixteenths, np.array([0.18, 0.5]), 1.5),
    cut("ve_diffusion_coefficient", "a tenth of the ratios, a fifth of the times",
        mantissa_of_ratio, 0.7, 0.1, 0.1 * 10**2.45),
    cut("alpha_bar_from_betas", "300 to 399 steps, the largest beta in the middle third",
        peak_in_the_middle, BETAS),
    cut("annealed_step_sizes", "the widest gap of eleven or more levels in one place",
        widest_gap, WIDE, 0.1),
    cut("flow_step", "rows from the ninth tenth of time to the second",
        long_jump, X, Y, column(0.85, 0.5, 0.4), column(0.15, 0.2, 0.1)),
    cut("raise_noise", "from thousandths to hundreds", two_decades, X, 0.002, 300.0, Z),
    cut("cosine_marginal", "the last third of time for every fifth reciprocal of the offset",
        offsets_in_turn, np.array([0.2, 0.8]), 1 / 13.5),
]
