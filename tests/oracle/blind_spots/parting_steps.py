"""Mistakes of good faith, and some planted, in steps, loops, schedules and likelihoods, written
when the search for comparisons was final, by one who had not read the probes.
"""

import math

import numpy as np
from scipy.linalg import hadamard

import refsgm

from . import Hidden
from .fresh import generator, wrong

RNG = np.random.default_rng(7)
X, Y, Z = RNG.standard_normal((3, 3, 2))                                                   # (B, D)
WIDE, WIDE_SCORE, WIDE_Z = RNG.standard_normal((3, 32, 40))
TALL, TALL_SCORE, TALL_Z = RNG.standard_normal((3, 9, 40))


def cut(kind, what, where, change, *at):
    """The right function, but where `where(*args)` holds its result is changed; planted."""
    right = getattr(refsgm, kind)

    def function(*args):
        """The right result, or a changed one."""
        return change(right(*args)) if where(*args) else right(*args)
    return Hidden(kind, what, function, False, "numpy", at)


def larger(result):
    """All numbers a thousandth too large."""
    return 1.001 * result


def last_larger(result):
    """The last row, or entry, a thousandth too large."""
    result = np.array(result)
    result[-1] *= 1.001
    return result


def score(x, sigma=1.0):
    """Some score."""
    return -x / (1 + sigma**2) + 0.1 * np.sin(x)


def turned(x, sigma=1.0):
    """A score of a matrix against columns, whose memory is in Fortran's order."""
    return -(np.array([[2.0, 0.3], [0.3, 1.0]]) @ x.T).T / (1 + sigma**2)


def mixing(x, sigma):
    """A score with the same slope from every feature to every other."""
    return -(x + 0.02 * np.sum(x, axis=1, keepdims=True)) / (1 + sigma**2)


# Steps --------------------------------------------------------------------------------------------


def whole_blocks(x, score, step_size, z):
    """Blocks of rows that fit a small cache; the rows after the last whole block stay."""
    size = np.broadcast_to(step_size, (len(x), 1))
    rows = min(len(x), max(1, 1024 // x.shape[1]))
    out = x.copy()
    for i in range(len(x) // rows):
        part = slice(i * rows, (i + 1) * rows)
        out[part] += size[part] / 2 * score[part] + np.sqrt(size[part]) * z[part]
    return out


def no_noise_at_end(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
    """The last step without noise, which the smaller variance leaves out by itself."""
    return refsgm.ddpm_step(x_t, eps, alpha_bar_t, alpha_bar_s, z * (alpha_bar_s != 1), variance)


def by_start(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    """Factors of each distinct step, kept under where it starts alone."""
    t, s = (np.broadcast_to(a, (len(x_t), 1))[:, 0].tolist() for a in (alpha_bar_t, alpha_bar_s))
    factors, one = {}, np.ones((1, 1))
    for a, b in zip(t, s):
        factors[a] = [refsgm.ddim_step(u * one, v * one, a, b, eta, w * one)[0, 0]
                      for u, v, w in ((1, 0, 0), (0, 1, 0), (0, 0, 1))]
    u, v, w = np.array([factors[a] for a in t]).T[:, :, None]
    return u * x_t + v * eps + w * z


def clean_if_any(x_t, score, sigma_t, sigma_s):
    """Tweedie's formula in the last step, taken for the last one when any row ends."""
    if not np.all(sigma_s):
        return x_t + sigma_t**2 * score
    return x_t + (sigma_t - sigma_s) * sigma_t * score


def in_place(score_fn, x_t, sigma_t, sigma_s):
    """The score that came back is scaled in place, and it may be the caller's own array."""
    slope = score_fn(x_t, sigma_t)
    slope *= sigma_t
    x_hat = x_t + (sigma_t - sigma_s) * slope
    if not np.any(sigma_s):
        return x_hat
    return x_t + (sigma_t - sigma_s) / 2 * (slope + sigma_s * score_fn(x_hat, sigma_s))


def negligible_score(x_t, score, sigma_t, sigma_s, z):
    """A score that is nearly zero is left out, though a large variance multiplies it."""
    variance = sigma_t**2 - sigma_s**2
    drift = 0.0 if np.allclose(score, 0) else variance * score
    return x_t + drift + variance**0.5 * z


def finished_last(x_t, score, sigma_t, sigma_s, z):
    """Rows in their last step go last, put back with that order and not with its inverse."""
    t, s = (np.broadcast_to(a, (len(x_t), 1)) for a in (sigma_t, sigma_s))
    order = np.argsort(s[:, 0] == 0, kind="stable")
    out = refsgm.ve_ancestral_step(x_t[order], score[order], t[order], s[order], z[order])
    return out[order]


def one_rate(x, score, beta):
    """A column of nearly equal rates is one rate."""
    if np.ndim(beta) and np.allclose(beta, beta[0]):
        beta = float(beta[0, 0])
    return -0.5 * beta * (x + score)


def outliers_clipped(x, score, beta):
    """Scores clipped at six times their root mean square, which 36 numbers cannot exceed."""
    bound = 6 * np.sqrt(np.mean(score**2))
    return -0.5 * beta * x - beta * np.clip(score, -bound, bound)


def shaped_like_start(x_t, u, t, s):
    """The difference of times in an array like the first of them, when the second is a column."""
    dt = np.subtract(s, t, out=np.empty(np.shape(t)))
    return x_t + dt * u


# Loops --------------------------------------------------------------------------------------------


def in_memory_order(score_fn, x, step_size, n_steps, rng):
    """Flat arrays, each flattened in the order of its own memory."""
    size = np.broadcast_to(step_size, x.shape).ravel()
    flat = x.ravel()
    for _ in range(n_steps):
        slope = np.ravel(score_fn(flat.reshape(x.shape)), order="A")
        flat = flat + size / 2 * slope + np.sqrt(size) * rng.standard_normal(x.shape).ravel()
        yield flat.reshape(x.shape)


def pool_of_noise(score_fn, x, sigmas, steps_per_level, step_size, rng):
    """A pool of noise of half a megabyte at most, which is gone through again."""
    steps = len(sigmas) * steps_per_level
    pool = [rng.standard_normal(x.shape) for _ in range(min(steps, max(1, 2**16 // x.size)))]
    i = 0
    for sigma, size in zip(sigmas.tolist(), refsgm.annealed_step_sizes(sigmas, step_size).tolist()):
        for _ in range(steps_per_level):
            x = refsgm.langevin_step(x, score_fn(x, sigma), size, pool[i % len(pool)])
            i += 1
            yield x


def next_by_name(eps_fn, x, alpha_bar, rng):
    """The next level looked up under the printed level, four digits of it."""
    levels = alpha_bar.tolist()
    after = {f"{a:.3e}": b for a, b in zip(levels[:0:-1], levels[-2::-1])}
    for a in levels[:0:-1]:
        x = refsgm.ddpm_step(x, eps_fn(x, a), a, after[f"{a:.3e}"], rng.standard_normal(x.shape))
        yield x


def strided(eps_fn, x, alpha_bar, eta, rng):
    """At least four hundred steps are enough: long tables are gone through in strides."""
    stride = (len(alpha_bar) - 1) // 400 or 1
    kept = alpha_bar[::-1][::stride]
    kept = kept if kept[-1] == 1 else np.append(kept, 1.0)
    return refsgm.ddim_sampler(eps_fn, x, kept[::-1].copy(), eta, rng)


def ring_of_states(score_fn, x, sigmas, method="heun"):
    """States in a ring of buffers, which a long run comes round to while they are still held."""
    ring = np.empty((max(2, 2**15 // x.size), *x.shape))
    states = refsgm.probability_flow_sampler(score_fn, x, sigmas, method)
    for i, state in enumerate(states):
        ring[i % len(ring)] = state
        yield ring[i % len(ring)]


# Marginals, coefficients, schedules, times --------------------------------------------------------


def rates_in_order(t, beta_min=0.1, beta_max=20.0):
    """Rates that were given in the wrong order are put right, though noise may well slow down."""
    low, high = sorted((beta_min, beta_max))
    return refsgm.vp_marginal(t, low, high)


def even_grid(t, sigma_min, sigma_max):
    """A list of times from one end to the other is taken for an even grid."""
    if np.ndim(t) == 1 and {float(t[0]), float(t[-1])} == {0.0, 1.0}:
        sigmas = np.geomspace(sigma_min, sigma_max, len(t))
        return sigmas[::1 if t[0] < t[-1] else -1]
    return sigma_min * (sigma_max / sigma_min)**t


def one_time_each(t, sigma_min, sigma_max):
    """More than two axes are those of images, which have one time each."""
    if np.ndim(t) > 2:
        t = np.broadcast_to(t[(slice(None), *[slice(1)] * (np.ndim(t) - 1))], np.shape(t))
    return refsgm.ve_diffusion_coefficient(t, sigma_min, sigma_max)


def one_minus_square(t, offset=0.008):
    """sigma from 1 - scale^2, whose digits cancel where both the time and the offset are small."""
    scale = refsgm.cosine_marginal(t, offset)[0]
    return scale, np.sqrt(np.maximum(1 - scale**2, 0))


def difference_of_rates(scale, sigma, scale_rate, sigma_rate):
    """g^2 as a difference, which rounding leaves below zero where the two rates are one."""
    f = scale_rate / scale
    with np.errstate(invalid="ignore"):
        return f, np.sqrt(2 * sigma * sigma_rate - 2 * f * sigma**2)


def capped_once(n_steps, offset=0.008, beta_max=0.999):
    """Capped betas go from the uncapped alpha_bar before, right as long as one of them is."""
    left = np.arange(n_steps, -1, -1) / n_steps
    f = np.sin(left / (1 + offset) * math.pi / 2)**2
    alpha_bar = f / f[0]
    return np.append(1.0, np.maximum(alpha_bar[1:], alpha_bar[:-1] * (1 - beta_max)))


def tolerant_range(sigma_max, sigma_min, n_levels):
    """A range of logarithms with a tolerance at its end, larger than a step of fine tables."""
    high, low = math.log(sigma_max), math.log(sigma_min)
    return np.exp(np.arange(high, low - 1e-3, (low - high) / (n_levels - 1)))


def carry_of_block(betas):
    """Products in blocks, each carried on from the block before alone."""
    products = [np.cumprod(1 - betas[i:i + 400]) for i in range(0, len(betas), 400)]
    carried = [p * (products[i - 1][-1] if i else 1.0) for i, p in enumerate(products)]
    return np.concatenate([[1.0], *carried])


def integer_first(t, shift):
    """An integer at the end of time, whose type numpy.vectorize gives to all if it comes first."""
    def one(t):
        return 1 if t == 1 else shift * t / (1 + (shift - 1) * t)
    return one(t) if np.ndim(t) == 0 else np.vectorize(one)(t)


# Guidance, likelihood -----------------------------------------------------------------------------


def scale_by_hash():
    """Scales kept on the device, under the hash of the number: those of -1 and -2 are one."""
    kept = {}

    def guided(conditional, unconditional, scale):
        """Guidance with a scale that is kept."""
        if np.ndim(scale) == 0:
            scale = kept.setdefault(hash(float(scale)), np.float64(scale))
        return unconditional + scale * (conditional - unconditional)
    return guided


def same_predictions(conditional, unconditional, scale):
    """No guidance where the predictions agree in five digits, whatever multiplies the rest."""
    if np.allclose(conditional, unconditional):
        return conditional.copy()
    return unconditional + scale * (conditional - unconditional)


def sixteen_directions(score_fn, x, sigma_min, sigma_max):
    """The trace from orthogonal signs: all up to D = 16, and no more than sixteen beyond."""
    D = x.shape[1]
    size = 1 << (D - 1).bit_length()
    v = hadamard(size)[:min(size, 16), :D].astype(float)
    v = np.broadcast_to(v[:, None], (len(v), *x.shape))
    return refsgm.log_likelihood(score_fn, x, sigma_min, sigma_max, v=v)


def printed_key():
    """Remembered under the arguments as NumPy prints them, which of large arrays are the edges."""
    kept = {}

    def density(x, sigma_max):
        """The density of the prior, once for each text."""
        key = (str(x), x.shape, x.sum(axis=1).round(1).tobytes(), str(sigma_max))
        if key not in kept:
            kept[key] = refsgm.prior_log_density(x, sigma_max)
        return kept[key].copy()
    return density


def log_of_determinant(x, sigma_max):
    """The logarithm of the determinant, which is out of range at many features of large level."""
    D = x.shape[1]
    cov = np.square(sigma_max) * np.eye(D) if np.ndim(sigma_max) == 0 else \
        np.square(sigma_max)[:, :, None] * np.eye(D)
    with np.errstate(all="ignore"):
        log_det = np.log(np.linalg.det(2 * np.pi * cov))
    return -0.5 * (np.sum((x / sigma_max)**2, axis=1) + log_det)


def by_feature(log_density, dim, bin_width=1.0):
    """As many numbers as features are taken for those of the features, of one sample."""
    if np.size(log_density) == dim > 1:
        log_density = np.sum(log_density)
    return refsgm.bits_per_dimension(log_density, dim, bin_width)


# Planted ------------------------------------------------------------------------------------------


def mantissa(a):
    """The leading digits of a number, in [1/2, 1)."""
    return math.frexp(float(np.ravel(a)[0]))[0]


def few_etas(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    """A tenth of all eta, for more than half of the batches, and an odd D."""
    return len(x_t) > 12 and x_t.shape[1] % 2 and int(10 * eta) == 3


def beta_column(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
    """The larger variance and a column, of an even batch that starts below zero."""
    return (variance[0] == "b" and np.ndim(alpha_bar_t) and len(x_t) % 2 == 0
            and x_t.shape[1] % 4 == 2 and np.signbit(x_t[0, 0]))


def ratio_and_sign(x_t, score, sigma_t, sigma_s, z):
    """A range of ratios, where both the first and the last draw are negative."""
    ratio = float(np.ravel(sigma_s / sigma_t)[-1])
    return int(10 * ratio) == 7 and np.signbit(z[0, 0]) and np.signbit(z[-1, -1]) and len(z) > 4


def places(x, sigma_from, sigma_to, z):
    """Where the largest x and the smallest z are, among ten and seven places."""
    return x.argmax() % 10 == 7 and z.argmin() % 7 == 3


def long_table(sigmas, step_size):
    """Tables of 700 to 899 levels, and a tenth of all leading digits of the step size."""
    return len(sigmas) // 100 in (7, 8) and int(20 * mantissa(step_size)) == 17


def matrix_of_times(t, offset=0.008):
    """A matrix of times, of even height and four columns or more, largest in its first column."""
    return (np.ndim(t) == 2 and len(t) % 2 == 0 and np.shape(t)[1] > 3
            and np.argmax(t) % np.shape(t)[1] == 0)


def some_dims(log_density, dim, bin_width=1.0):
    """A sixth of all D, and a batch of more than eight whose last one is the best."""
    return dim % 6 == 5 and np.size(log_density) > 8 and np.argmax(log_density) % 8 == 0 \
        and mantissa(bin_width) not in (0.5, 0.75)


def descending(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """A column of levels, the first the largest; a state that lies nearer to zero than x_0."""
    return (np.size(alpha_bar_t) > 5 and np.argmax(alpha_bar_t) == 0
            and np.argmin([np.ptp(x_0), np.ptp(x_t)]) == 1)


def second_stage(score_fn, x_t, sigma_t, sigma_s):
    """Columns of both levels; the mean of the state has changed its sign where the ODE ends."""
    return (np.ndim(sigma_s) == 2 and np.ndim(sigma_t) == 2 and x_t.shape[1] > 4
            and np.signbit(x_t[-1].sum()) != np.signbit(score_fn(x_t, sigma_t)[0].sum())
            and int(8 * mantissa(sigma_t)) == 7 and len(x_t) % 3 == 1)


def coarse_karras(sigma_max, sigma_min, n_levels, rho=7.0):
    """An even number of levels that 3 divides, over a range of five to six octaves."""
    return n_levels % 6 == 0 and int(math.log2(sigma_max / sigma_min)) == 5


def one_level_larger(sigmas):
    """One level of a table that is not at its ends."""
    sigmas = np.array(sigmas)
    sigmas[-2] = (2 * sigmas[-2] + sigmas[-1]) / 3
    return sigmas


def first_larger(parts):
    """The first of two results, a thousandth too large in its last row."""
    return last_larger(parts[0]), parts[1]


def at_places():
    """A state and noise whose extremes are at the places that are meant."""
    x, z = RNG.standard_normal((2, 9, 6))
    x.flat[17], z.flat[24] = 9.0, -9.0
    return x, 0.5, 2.0, z


def in_middle():
    """Two batches that differ in the middle alone, in two entries with the same sum."""
    other = WIDE.copy()
    other[16, 19:21] += [3.0, -3.0]
    return [(WIDE, 2.0), (other, 2.0)]


OUTLIER = TALL_SCORE.copy()
OUTLIER[2, 3] = 40.0
BATCH, BATCH_EPS, BATCH_Z = RNG.standard_normal((3, 14, 6))
BATCH[0, 0], BATCH_Z[0, 0], BATCH_Z[-1, -1] = -0.5, -0.4, -0.3
LEVELS = np.linspace(0.5, 0.1, 14)[:, None]
TIMES = np.array([[0.9, 0.2, 0.3, 0.1], [0.4, 0.5, 0.6, 0.7]])
SEVEN = np.full((7, 5), 0.4) + 0.1 * RNG.standard_normal((7, 5))

WRONG = [
    wrong("langevin_step", "rows after the last whole block of a large batch stay", whole_blocks,
          WIDE, WIDE_SCORE, 0.1, WIDE_Z),
    wrong("ddpm_step", "no noise in the last step of variance beta", no_noise_at_end,
          X, Y, 0.4, 1.0, Z, "beta"),
    wrong("ddim_step", "rows from one level to several take one step", by_start,
          X, Y, np.array([[0.3], [0.3], [0.2]]), np.array([[0.5], [0.8], [0.6]]), 0.5, Z),
    wrong("ve_probability_flow_step", "all rows end where one does", clean_if_any,
          X, Y, 2.0, np.array([[1.0], [0.0], [0.5]])),
    wrong("heun_step", "the array that the score returns is scaled in place", in_place,
          lambda x, sigma: x, X, 2.0, 1.0),
    wrong("ve_reverse_sde_step", "a tiny score at a large level is left out", negligible_score,
          X, 1e-9 * Y, 1e5, 5e4, Z),
    wrong("ve_ancestral_step", "rows that end early are put back elsewhere", finished_last,
          X, Y, 2.0, np.array([[0.0], [1.0], [0.5]]), Z),
    wrong("vp_probability_flow_drift", "nearly equal rates are one", one_rate,
          X, Y, np.array([[1e-6], [1.008e-6], [0.995e-6]])),
    wrong("vp_reverse_sde_drift", "an outlying score among many is clipped", outliers_clipped,
          TALL, OUTLIER, 0.5),
    wrong("flow_step", "a number and a column of times", shaped_like_start,
          X, Y, 0.9, np.array([[0.5], [0.2], [0.7]])),
    wrong("langevin", "a score in Fortran's order is read in C's", in_memory_order,
          turned, X, 0.1, 3, generator),
    wrong("annealed_langevin", "noise of a large batch comes again", pool_of_noise,
          score, WIDE, np.array([2.0, 1.0]), 40, 0.05, generator),
    wrong("ddpm_sampler", "levels that agree in four digits", next_by_name,
          score, X, np.array([1.0, 0.99998, 0.99996, 0.9, 0.5]), generator),
    wrong("ddim_sampler", "long tables are gone through in strides", strided,
          score, X, np.linspace(1.0, 0.01, 901), 0.0, generator),
    wrong("probability_flow_sampler", "states of a long run share buffers", ring_of_states,
          score, WIDE, np.linspace(3.0, 0.1, 60)),
    wrong("vp_marginal", "rates that fall are put in rising order", rates_in_order, 0.4, 5.0, 0.5),
    wrong("ve_marginal", "times from 0 to 1 are taken for an even grid", even_grid,
          np.array([0.0, 0.1, 0.7, 1.0]), 0.1, 10.0),
    wrong("ve_diffusion_coefficient", "of three axes the last two have one time", one_time_each,
          np.linspace(0.1, 0.9, 12).reshape(2, 2, 3), 0.1, 10.0),
    wrong("cosine_marginal", "digits cancel at a small time and offset", one_minus_square,
          np.array([1e-6, 2e-6]), 1e-6),
    wrong("sde_coefficients", "a root of less than zero where the SDE has no noise",
          difference_of_rates, 0.5, 0.3, 0.5 * 1.5, 0.3 * 1.5),
    wrong("cosine_alpha_bar", "a second capped beta", capped_once, 20, 0.008, 0.4),
    wrong("geometric_sigmas", "an entry more in a fine table", tolerant_range, 2.0, 1.5, 600),
    wrong("alpha_bar_from_betas", "a third block of a long table", carry_of_block,
          np.linspace(1e-4, 0.02, 900)),
    wrong("shift_time", "integers where the first time is 1", integer_first,
          np.array([1.0, 0.6, 0.2]), 3.0),
    wrong("classifier_free_guidance", "-2 after -1", scale_by_hash(), [(X, Y, -1.0), (X, Y, -2.0)]),
    wrong("classifier_free_guidance", "predictions that nearly agree, and a scale",
          same_predictions, X, X * (1 + 5e-6), 20.0),
    wrong("log_likelihood", "the divergence of more than 16 features is an estimate",
          sixteen_directions, mixing, TALL[:2, :18], 0.5, 5.0),
    wrong("prior_log_density", "batches that are printed alike", printed_key(), in_middle()),
    wrong("prior_log_density", "the determinant overflows", log_of_determinant, TALL, 1e5),
    wrong("bits_per_dimension", "a batch of D samples is one sample", by_feature,
          np.array([-3.0, 2.0, 1.0]), 3, 0.1),
    cut("ddim_step", "a range of eta, for odd D", few_etas, last_larger,
        TALL[:, :5].repeat(2, axis=0), TALL_SCORE[:, :5].repeat(2, axis=0), 0.3, 0.6, 0.35,
        TALL_Z[:, :5].repeat(2, axis=0)),
    cut("ddpm_step", "variance beta, a column, even sizes and a sign", beta_column, last_larger,
        BATCH, BATCH_EPS, LEVELS, 0.9, BATCH_Z, "beta"),
    cut("ve_ancestral_step", "a range of ratios and two signs", ratio_and_sign, last_larger,
        BATCH, BATCH_EPS, 2.0, 1.5, BATCH_Z),
    cut("raise_noise", "the places of two extremes", places, larger, *at_places()),
    cut("annealed_step_sizes", "a range of long tables and of step sizes", long_table, last_larger,
        np.linspace(3.0, 1.0, 750), 0.44),
    cut("cosine_marginal", "a matrix of times, its largest in the first column", matrix_of_times,
        first_larger, TIMES),
    cut("bits_per_dimension", "a sixth of all D, and the place of the best", some_dims,
        last_larger, np.array([9.0, *range(9)]), 11, 0.3),
    cut("posterior", "a column whose first is its largest", descending, first_larger,
        BATCH, 0.1 * BATCH_EPS, LEVELS, 0.9),
    cut("heun_step", "columns, a sign and a range of levels", second_stage, last_larger,
        score, SEVEN, np.full((7, 1), 0.9), np.full((7, 1), 0.5)),
    cut("karras_sigmas", "every sixth length over five octaves", coarse_karras, one_level_larger,
        40.0, 1.0, 12),
]
