"""Mistakes of good faith, and some planted, in steps, loops, noising and tables of levels.

Written when the probes were final, by one who had not read the probes.
"""

import math

import numpy as np

import refsgm

from .fresh import TABLE, X, Y, Z, cut, generator, score, wrong

HALF, SINGLE = np.finfo(np.float16), np.finfo(np.float32)
BUFFER = 2**12


def column(*levels):
    """Levels (B, 1)."""
    return np.array(levels)[:, None]


def rows(B, D, seed=1):
    """Generic data (B, D)."""
    return np.random.default_rng(seed).standard_normal((B, D))


def itself(x, level=None):
    """A model that hands back its argument."""
    return x


# Steps --------------------------------------------------------------------------------------------


def grouped(x, score, step_size, z):
    """Rows of one step size at a time, which are found by isclose."""
    if np.ndim(step_size) == 0:
        return x + 0.5 * step_size * score + step_size**0.5 * z
    out = np.empty_like(x)
    for size in np.unique(step_size):
        one = np.isclose(step_size[:, 0], size)
        out[one] = x[one] + 0.5 * size * score[one] + size**0.5 * z[one]
    return out


def half_range(x, score, beta):
    """Scores limited to the range of half precision."""
    return -0.5 * beta * x - beta * np.clip(score, -HALF.max, HALF.max)


def at_rest(x, score, beta):
    """No drift where the state is in equilibrium, by isclose."""
    return np.where(np.isclose(x, -score), 0.0, -0.5 * beta * (x + score))


def last_without_noise(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
    """Variance beta, but the last step is that of DDPM's algorithm, without noise."""
    z = np.where(np.equal(alpha_bar_s, 1), 0.0, z)
    return refsgm.ddpm_step(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance)


def safe_root(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    """The share of eps under a root that is kept from zero, except in the last step."""
    x_0 = (x_t - (1 - alpha_bar_t)**0.5 * eps) / alpha_bar_t**0.5
    gone = (alpha_bar_s - alpha_bar_t) / alpha_bar_s * (1 - alpha_bar_s) / (1 - alpha_bar_t)
    share = (1 - alpha_bar_s) * (1 - eta**2) + eta**2 * (
        alpha_bar_t * (1 - alpha_bar_s)**2 / (alpha_bar_s * (1 - alpha_bar_t)))
    share = np.where(np.equal(alpha_bar_s, 1), 0.0, np.maximum(share, float(SINGLE.eps)))
    return alpha_bar_s**0.5 * x_0 + share**0.5 * eps + eta * gone**0.5 * z


def sorted_rows(x_t, score, sigma_t, sigma_s):
    """Rows in the order of their levels, put back with the same permutation, not its inverse."""
    if np.ndim(sigma_t) == 0:
        return refsgm.ve_probability_flow_step(x_t, score, sigma_t, sigma_s)
    order = np.argsort(sigma_t[:, 0], kind="stable")
    sigma_s = sigma_s[order] if np.ndim(sigma_s) else sigma_s
    step = refsgm.ve_probability_flow_step(x_t[order], score[order], sigma_t[order], sigma_s)
    return step[order]


REMOVED = {}


def by_step_length(x_t, score, sigma_t, sigma_s, z):
    """The removed variance remembered by the length of the step, as if it were all."""
    length = np.asarray(sigma_t - sigma_s).round(12).tobytes()
    if length not in REMOVED:
        REMOVED[length] = (sigma_t - sigma_s) * (sigma_t + sigma_s)
    return x_t + REMOVED[length] * score + REMOVED[length]**0.5 * z


def one_row_ends(x_t, score, sigma_t, sigma_s, z):
    """The last step, without noise, for all rows as soon as one of them ends."""
    removed = (sigma_t - sigma_s) * (sigma_t + sigma_s)
    if np.any(np.equal(sigma_s, 0)):
        return x_t + removed * score
    return x_t + removed * score + sigma_s / sigma_t * removed**0.5 * z


def zero_variance(score_fn, x_t, sigma_t, sigma_s):
    """Euler once the variance that is left is nothing in single precision."""
    d_t = sigma_t * score_fn(x_t, sigma_t)
    x_hat = x_t + (sigma_t - sigma_s) * d_t
    if np.all(np.square(sigma_s) < SINGLE.eps):
        return x_hat
    return x_t + 0.5 * (sigma_t - sigma_s) * (d_t + sigma_s * score_fn(x_hat, sigma_s))


def equal_in_single(x, sigma_from, sigma_to, z):
    """Nothing to add between levels that single precision does not tell apart."""
    if np.all(np.float32(sigma_from) == np.float32(sigma_to)):
        return x.copy()
    return x + ((sigma_to - sigma_from) * (sigma_to + sigma_from))**0.5 * z


def nothing_to_do(x_t, u, t, s):
    """Who is at the data has arrived, whatever s."""
    return np.where(np.equal(t, 0), x_t, x_t + (s - t) * u)


def never_back(x_t, u, t, s):
    """A step that never goes towards the noise."""
    return x_t - np.maximum(t - s, 0) * u


def stable_sizes(sigmas, step_size):
    """Step sizes kept where the dynamics on N(0, sigma^2) is stable."""
    return np.minimum(step_size * (sigmas / sigmas[-1])**2, 4 * sigmas**2)


# Loops --------------------------------------------------------------------------------------------


def buffered_noise(score_fn, x, step_size, n_steps, rng):
    """Noise drawn into a buffer of some size, which is not filled again."""
    noise = rng.standard_normal((min(n_steps, max(BUFFER // x.size, 1)), *x.shape))
    for i in range(n_steps):
        x = x + 0.5 * step_size * score_fn(x) + step_size**0.5 * noise[i % len(noise)]
        yield x


def sizes_by_level(score_fn, x, sigmas, steps_per_level, step_size, rng):
    """Step sizes looked up by the level, rounded so that the look-up is safe."""
    sizes = refsgm.annealed_step_sizes(sigmas, step_size)
    sizes = {round(float(sigma), 5): size for sigma, size in zip(sigmas, sizes)}
    for sigma in sigmas.tolist():
        size = sizes[round(sigma, 5)]
        for _ in range(steps_per_level):
            z = rng.standard_normal(x.shape)
            x = x + 0.5 * size * score_fn(x, sigma) + size**0.5 * z
            yield x


def spoilt_output(eps_fn, x, alpha_bar, rng):
    """The output of the model scaled in place, which may be the state."""
    for a, b in zip(alpha_bar[:0:-1].tolist(), alpha_bar[-2::-1].tolist()):
        noise = eps_fn(x, a)
        noise *= (1 - a)**0.5
        x_0 = (x - noise) / a**0.5
        mean, variance = refsgm.posterior(x_0, x, a, b)
        x = mean + variance**0.5 * rng.standard_normal(x.shape)
        yield x


STEPS = {}


def printed_table(eps_fn, x, alpha_bar, eta, rng):
    """Steps remembered by how the table prints: in eight digits, and a long one by its ends."""
    key = str(alpha_bar)
    if key not in STEPS:
        STEPS[key] = list(zip(alpha_bar[:0:-1].tolist(), alpha_bar[-2::-1].tolist()))
    for a, b in STEPS[key]:
        z = rng.standard_normal(x.shape) if eta > 0 else np.zeros_like(x)
        x = refsgm.ddim_step(x, eps_fn(x, a), a, b, eta, z)
        yield x


def converged(score_fn, x, sigmas, method="heun"):
    """A loop that ends when the state no longer moves."""
    for state in refsgm.probability_flow_sampler(score_fn, x, sigmas, method):
        yield state
        if np.allclose(state, x):
            return
        x = state


# Forward noising ----------------------------------------------------------------------------------


def floored(x_0, alpha_bar_t, eps):
    """alpha_bar kept above the smallest normal number of half precision."""
    alpha_bar_t = np.maximum(alpha_bar_t, float(HALF.tiny))
    return alpha_bar_t**0.5 * x_0 + (1 - alpha_bar_t)**0.5 * eps


def scalar_start(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """Scalars where the step starts at a scalar, though it may end at a column."""
    if np.ndim(alpha_bar_t) == 0 and np.size(alpha_bar_s) > 1:
        alpha_bar_s = np.broadcast_to(alpha_bar_s[0, 0], np.shape(alpha_bar_s))
    return refsgm.posterior(x_0, x_t, alpha_bar_t, alpha_bar_s)


# Tables -------------------------------------------------------------------------------------------


def close_ends(sigma_max, sigma_min, n_levels):
    """One level where the ends are close, so that the ratio is safe."""
    if np.isclose(sigma_max, sigma_min):
        return np.full(n_levels, float(sigma_max))
    return np.geomspace(sigma_max, sigma_min, n_levels)


def rising(n_steps, beta_min=1e-4, beta_max=0.02):
    """Betas that rise, whichever end is larger."""
    low, high = sorted((beta_min, beta_max))
    return np.linspace(low, high, n_steps)


BETAS = {}


def rounded_key(n_steps, beta_min=1e-4, beta_max=0.02):
    """Tables remembered by their numbers to four decimals."""
    key = int(n_steps), f"{beta_min:.4f}", f"{beta_max:.4f}"
    if key not in BETAS:
        BETAS[key] = np.linspace(beta_min, beta_max, n_steps)
    return BETAS[key].copy()


def last_clipped(n_steps, offset=0.008, beta_max=0.999):
    """The cap for the last two betas alone, which the default cap is for."""
    angle = np.arange(n_steps, -1, -1) / n_steps / (1 + offset) * math.pi / 2
    b, a = angle[:-1], angle[1:]
    betas = np.sin(b - a) * np.sin(b + a) / np.sin(b)**2
    betas[-2:] = np.minimum(betas[-2:], beta_max)
    return np.concatenate([[1.0], np.cumprod(1 - betas)])


def carry_of_one_block(betas):
    """Products by blocks, each carried on from the product of the block before it alone."""
    blocks = [np.cumprod(1 - betas[i:i + 128]) for i in range(0, len(betas), 128)]
    carried = [blocks[0]] + [a[-1] * b for a, b in zip(blocks[:-1], blocks[1:])]
    return np.concatenate([[1.0], *carried])


def capped(alpha_bar):
    """Betas capped as those of the cosine schedule are."""
    return np.minimum((alpha_bar[:-1] - alpha_bar[1:]) / alpha_bar[:-1], 0.999)


# Levels -------------------------------------------------------------------------------------------


def clipped_log_snr(alpha_bar):
    """By a log SNR that is kept within ten."""
    with np.errstate(divide="ignore"):
        log_snr = np.clip(np.log(alpha_bar) - np.log1p(-np.asarray(alpha_bar)), -10, None)
    return np.exp(-0.5 * log_snr)


def close_to_clean(alpha_bar):
    """Infinite where alpha_bar is close to one."""
    with np.errstate(divide="ignore"):
        snr = np.divide(alpha_bar, np.subtract(1, alpha_bar))
    return np.where(np.isclose(alpha_bar, 1), np.inf, snr)


def complement(sigma):
    """One less the share of the noise, whose digits cancel at large levels."""
    return 1 - sigma**2 / (1 + sigma**2)


def inverse_time(t, shift):
    """By 1 / t, which is infinite for an array and an error for a number."""
    with np.errstate(divide="ignore"):
        return shift / (shift + (1 / t - 1))


def by_tanh(z, mean=0.0, deviation=1.0):
    """A stable sigmoid, which has no digits left near zero."""
    return 0.5 * (1 + np.tanh(0.5 * (mean + deviation * z)))


def log_scale_kept(t, beta_min=0.1, beta_max=20.0):
    """The logarithm of the scale kept above what the default rates need."""
    log_scale = np.maximum(-0.25 * t**2 * (beta_max - beta_min) - 0.5 * t * beta_min, -6)
    return np.exp(log_scale), (-np.expm1(2 * log_scale))**0.5


def vectorised(t, offset=0.008):
    """np.vectorize, which takes the type of all results from the first, the integer 0 at t = 1."""
    a = math.pi / 2 / (1 + offset)
    scale = np.vectorize(lambda t: 0 if t == 1 else math.sin((1 - t) * a) / math.sin(a))(t)
    sigma = np.sqrt(np.sin(t * a) * np.sin((t + 2 * offset) * a)) / math.sin(a)
    return scale[()], sigma


def ratio_above_one(t, sigma_min, sigma_max):
    """A ratio of levels that is kept above one, so that its logarithm is positive."""
    ratio = max(sigma_max / sigma_min, 1 + 1000 * float(SINGLE.eps))
    return sigma_min * (sigma_max / sigma_min)**t * math.sqrt(2 * math.log(ratio))


# Planted ------------------------------------------------------------------------------------------


def bent_where(kind, where):
    """The right function, a thousandth too large where `where` holds."""
    right = getattr(refsgm, kind)

    def function(*args):
        result = right(*args)
        if not where(*args):
            return result
        if isinstance(result, tuple):
            return tuple(1.001 * a for a in result)
        return 1.001 * result
    return function


def odd_shape(x, score, step_size, z):
    """D is 2 B - 1."""
    return x.shape[1] == 2 * x.shape[0] - 1 > 1


def in_order(x, sigma, eps):
    """Four corners in one order, all below one."""
    return x[0, 0] < eps[-1, -1] < x[-1, -1] < eps[0, 0] < 1


def some_counts(sigma_max, sigma_min, n_levels, rho=7.0):
    """One count of levels out of 64."""
    return n_levels * 37 % 64 == 11


def mean_time(t, sigma_min, sigma_max):
    """The third digits of the mean time."""
    return 0.37 < np.mean(t) * 1000 % 1 < 0.39


def mantissa(z, mean=-1.2, deviation=1.2):
    """The mantissa of the deviation."""
    return 0.7 < math.frexp(deviation)[0] < 0.72


def one_size(t):
    """One size out of 31."""
    return np.size(t) * 5 % 31 == 7


def ratio_of_levels(score_fn, x_t, sigma_t, sigma_s):
    """Levels in the golden ratio, nearly."""
    return np.all(np.abs(np.divide(sigma_s, sigma_t) - (5**0.5 - 1) / 2) < 0.01)


def product_of_levels(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """The mean ratio of the noises is near 1/e."""
    return abs(np.mean(np.divide(1 - alpha_bar_s, 1 - alpha_bar_t)) - math.exp(-1)) < 0.01


def beta_and_noise(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
    """Much noise in the first entry, more rows than columns, and variance beta."""
    return variance == "beta" and len(x_t) > x_t.shape[1] and z[0, 0] > 1.2


def same_extremes(x_0, alpha_bar_t, eps):
    """Data and noise have their extremes in the same columns of the first row."""
    x, e = x_0[0], eps[0]
    return x.size > 2 and x.argmax() == e.argmax() and x.argmin() == e.argmin()


def orthogonal(x, sigma_from, sigma_to, z):
    """State and noise are nearly orthogonal, as one pair in sixty is."""
    cosine = np.sum(x * z) / (np.linalg.norm(x) * np.linalg.norm(z) + 1e-300)
    return x.size > 1 and abs(cosine) * x.size**0.5 < 0.02


LONG = np.linspace(1.0, 0.01, 1001)
BENT = LONG - 3e-4 * (abs(np.arange(1001) - 500) < 200)
SMALL = np.array([1e-3, 2.4e-6, 1.9e-6])
WIDE = rows(32, 40)

WRONG = [
    wrong("langevin_step", "rows grouped by isclose", grouped, X, Y, column(1e-9, 9e-9, 0.1), Z),
    wrong("vp_reverse_sde_drift", "scores in the range of half precision", half_range,
          X, 1e6 * Y, 0.5),
    wrong("vp_probability_flow_drift", "no drift close to equilibrium", at_rest,
          X, -X * (1 + 4e-6), 2.0),
    wrong("ddpm_step", "variance beta without noise in the last step", last_without_noise,
          X, Y, 0.25, 1.0, Z, "beta"),
    wrong("ddim_step", "a safe root at eta = 1", safe_root, X, Y, 0.05, 0.9999, 1.0, Z),
    wrong("ve_probability_flow_step", "rows sorted and put back by the same permutation",
          sorted_rows, X, Y, column(2.0, 3.0, 1.0), column(0.5, 0.1, 0.2)),
    wrong("ve_reverse_sde_step", "remembered by the length of the step", by_step_length,
          [(X, Y, 5.0, 3.0, Z), (X, Y, 3.0, 1.0, Z)]),
    wrong("ve_ancestral_step", "no noise for all rows when one ends", one_row_ends,
          X, Y, 2.0, column(0.0, 1.0, 0.5), Z),
    wrong("heun_step", "Euler where sigma_s^2 is small", zero_variance, score, X, 1e-2, 2e-4),
    wrong("raise_noise", "levels compared in single precision", equal_in_single,
          X, 1.0, 1 + 2e-8, Z),
    wrong("flow_step", "at t = 0 nothing is done", nothing_to_do, X, Y, 0.0, 0.5),
    wrong("flow_step", "never towards the noise", never_back, X, Y, 0.25, 0.5),
    wrong("annealed_step_sizes", "kept stable", stable_sizes, np.array([2.0, 1.0]), 5.0),
    wrong("langevin", "a buffer of noise that starts again", buffered_noise,
          lambda x: -x, WIDE, 0.1, 5, generator),
    wrong("annealed_langevin", "step sizes by rounded levels", sizes_by_level,
          score, X, SMALL, 2, 1e-8, generator),
    wrong("ddpm_sampler", "the model's output scaled in place", spoilt_output,
          itself, X, TABLE, generator),
    wrong("ddim_sampler", "steps remembered by the printed table", printed_table,
          [(itself, X, LONG, 1.0, generator), (itself, X, BENT, 1.0, generator)]),
    wrong("probability_flow_sampler", "ends when the state no longer moves", converged,
          score, X, np.array([1.0, 0.5, 1e-3, 2e-4, 0.0])),
    wrong("diffuse", "alpha_bar above the smallest half", floored, X, 4e-6, Y),
    wrong("posterior", "a scalar start and a column of ends", scalar_start,
          X, Y, 0.25, column(0.5, 0.75, 1.0)),
    wrong("geometric_sigmas", "one level where the ends are close", close_ends,
          1.000005, 1.0, 5),
    wrong("linear_betas", "rising whichever end is larger", rising, 5, 0.02, 1e-4),
    wrong("linear_betas", "remembered in four decimals", rounded_key,
          [(10, 1e-4, 0.02), (10, 1.3e-4, 0.02)]),
    wrong("cosine_alpha_bar", "the cap of the last two betas alone", last_clipped,
          20, 0.008, 0.3),
    wrong("alpha_bar_from_betas", "carry of one block", carry_of_one_block,
          np.linspace(1e-4, 0.02, 300)),
    wrong("betas_from_alpha_bar", "capped at 0.999", capped, np.array([1.0, 0.5, 1e-4])),
    wrong("sigma_from_alpha_bar", "log SNR within ten", clipped_log_snr, np.array([0.5, 4e-6])),
    wrong("signal_to_noise_ratio", "infinite close to one", close_to_clean,
          np.array([0.5, 1 - 5e-6])),
    wrong("alpha_bar_from_sigma", "one less the share of noise", complement,
          np.array([7e5, 9.1e5])),
    wrong("shift_time", "1 / t of a number that is zero", inverse_time, 0.0, 3.0),
    wrong("logit_normal_time", "tanh near zero", by_tanh, np.array([-2.2, -3.0]), -10.0, 8.0),
    wrong("vp_marginal", "a logarithm kept above -6", log_scale_kept, 0.98, 0.1, 27.0),
    wrong("cosine_marginal", "the type of the first result", vectorised,
          np.array([1.0, 0.5, 0.0])),
    wrong("ve_diffusion_coefficient", "a ratio kept above one", ratio_above_one,
          0.5, 1.0, 1.00005),
    cut("langevin_step", "D = 2 B - 1", bent_where("langevin_step", odd_shape),
        rows(3, 5), rows(3, 5, 2), 0.1, rows(3, 5, 3)),
    cut("perturb", "an order of four corners", bent_where("perturb", in_order),
        np.array([[-1.0, 0.0], [0.0, 0.3]]), 2.0, np.array([[0.8, 0.0], [0.0, -0.4]])),
    cut("karras_sigmas", "one count out of 64", bent_where("karras_sigmas", some_counts),
        9.0, 1.0, 47),
    cut("log_normal_sigma", "a mantissa", bent_where("log_normal_sigma", mantissa),
        np.array([0.5]), -1.2, 1.42),
    cut("flow_marginal", "one size out of 31", bent_where("flow_marginal", one_size),
        np.linspace(0, 1, 20)),
    cut("heun_step", "levels in the golden ratio", bent_where("heun_step", ratio_of_levels),
        score, X, 1.0, 0.62),
    cut("posterior", "a ratio of noises near 1 / e", bent_where("posterior", product_of_levels),
        X, Y, 0.2, 0.7),
    cut("ddpm_step", "beta, tall and noisy", bent_where("ddpm_step", beta_and_noise),
        X, Y, 0.25, 0.5, Z + 2, "beta"),
    cut("diffuse", "extremes in the same columns", bent_where("diffuse", same_extremes),
        np.array([[0.1, -1.0, 2.0]]), 0.5, np.array([[0.5, 0.2, 0.9]])),
    cut("raise_noise", "nearly orthogonal", bent_where("raise_noise", orthogonal),
        np.array([[1.0, 0.0]]), 1.0, 2.0, np.array([[0.01, 1.0]])),
    cut("ve_marginal", "digits of the mean time", bent_where("ve_marginal", mean_time),
        0.50038, 0.01, 50.0),
]
