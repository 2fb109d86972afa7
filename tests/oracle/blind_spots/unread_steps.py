"""Mistakes of good faith, and some planted, written by one who had not read the probes: noise
levels, forward processes, steps, loops and changes of coordinates, in NumPy.
"""

import math

import numpy as np

import refsgm

from .fresh import X, Y, Z, cut, generator, score, wrong

WIDE = np.cos(np.arange(4.0 * 40)).reshape(4, 40)
TALL = np.sin(np.arange(32.0 * 3)).reshape(32, 3)
RISING = np.linspace(0.2, 2.0, 32)[:, None]                                 # a level for each row


def pull(x, sigma=1.0):
    """A score that stays tame over many steps."""
    return -np.tanh(x) / (1 + sigma**2)


def frozen(x, sigma=1.0):
    """A score that does not depend on x, as a view that cannot be written to."""
    return np.broadcast_to(np.array(-0.5), x.shape)


# Noise levels and schedules -----------------------------------------------------------------------


def half_a_logit(alpha_bar):
    """Python numbers by the math module, whose log1p(-1) raises where NumPy's is -inf."""
    if isinstance(alpha_bar, (int, float)):
        return math.exp(0.5 * (math.log1p(-alpha_bar) - math.log(alpha_bar)))
    with np.errstate(divide="ignore"):
        return np.exp(0.5 * (np.log1p(-alpha_bar) - np.log(alpha_bar)))


def reciprocal(sigma):
    """NumPy's reciprocal, which of a whole number is a whole number."""
    return np.reciprocal(1 + sigma**2)


def difference_of_squares(t, beta_min=0.1, beta_max=20.0):
    """The integral of beta as a difference of squares over twice the slope, which may be zero."""
    slope = beta_max - beta_min
    integral = ((beta_min + t * slope)**2 - beta_min**2) / (2 * slope)
    return np.exp(-0.5 * integral), np.sqrt(-np.expm1(-integral))


def times_of_a_grid(t, sigma_min, sigma_max):
    """A list of times from 0 to 1 taken to be evenly spaced."""
    if np.ndim(t) == 1 and len(t) > 1 and t[0] == 0 and t[-1] == 1:
        return np.geomspace(sigma_min, sigma_max, len(t))
    return sigma_min * (sigma_max / sigma_min)**t


def smallest_below_one(t, sigma_min, sigma_max):
    """log(max / min) as a sum of sizes, for a sigma_min below 1."""
    log_ratio = math.log(sigma_max) + abs(math.log(sigma_min))
    return refsgm.ve_marginal(t, sigma_min, sigma_max) * math.sqrt(2 * log_ratio)


def odds_of_signal(t, shift):
    """shift / (shift + (1 / t - 1)): at t = 0 right in an array, and of a Python number not."""
    with np.errstate(divide="ignore"):
        return shift / (shift + (1 / t - 1))


def one_direction(x_t, u, t, s):
    """The direction of time is that of the first row."""
    sign = -1.0 if np.ravel(s)[0] < np.ravel(t)[0] else 1.0
    return x_t + sign * np.abs(np.subtract(s, t)) * u


def falsy_mean(z, mean=None, deviation=None):
    """A mean of zero is a mean left out."""
    return np.exp((mean or -1.2) + (deviation or 1.2) * z)


def truncated(z, mean=0.0, deviation=1.0):
    """A truncated normal law."""
    return 1 / (1 + np.exp(-(mean + deviation * np.clip(z, -4.0, 4.0))))


def table_of_whole_numbers(sigma_max, sigma_min, n_levels):
    """A table with the dtype of sigma_max, filled from level to level."""
    sigmas = np.full(n_levels, sigma_max)
    for i in range(1, n_levels):
        sigmas[i] = sigma_max * (sigma_min / sigma_max)**(i / (n_levels - 1))
    return sigmas


def counted_by_arange(sigma_max, sigma_min, n_levels):
    """arange with a broken step, which rounding makes one entry longer."""
    high, low = math.log(sigma_max), math.log(sigma_min)
    step = (low - high) / (n_levels - 1)
    return np.exp(np.arange(high, low + step, step))


def remembered_without_rho():
    """Tables kept by their ends and length."""
    tables = {}

    def karras(sigma_max, sigma_min, n_levels, rho=7.0):
        key = sigma_max, sigma_min, n_levels
        if key not in tables:
            tables[key] = refsgm.karras_sigmas(sigma_max, sigma_min, n_levels, rho)
        return tables[key].copy()
    return karras


def scaled_defaults(n_steps, beta_min=None, beta_max=None):
    """Defaults that are scaled to the number of steps."""
    least = 0.1 / n_steps if beta_min is None else beta_min
    most = min(20.0 / n_steps, 0.999) if beta_max is None else beta_max
    return np.linspace(least, most, n_steps)


def kept_between(n_steps, beta_min=1e-4, beta_max=0.02):
    """Rounding kept inside the ends, which does not go with a table that falls."""
    return np.clip(np.linspace(beta_min, beta_max, n_steps), beta_min, beta_max)


def last_beta_alone(n_steps, offset=0.008, beta_max=0.999):
    """f(t) / f(0), the cap in the last step alone, where it acts if it is above 3/4."""
    f = np.cos((np.arange(n_steps + 1) / n_steps + offset) / (1 + offset) * math.pi / 2)**2
    alpha_bar = f / f[0]
    alpha_bar[-1] = alpha_bar[-2] * (1 - beta_max)
    return alpha_bar


def power_of_equals(betas):
    """Betas whose ends are equal taken to be constant."""
    if betas[0] == betas[-1]:
        return (1 - betas[0])**np.arange(len(betas) + 1.0)
    return np.concatenate([[1.0], np.cumprod(1 - betas)])


def betas_below_cap(alpha_bar):
    """The cap of the cosine schedule on any table."""
    return np.minimum(1 - alpha_bar[1:] / alpha_bar[:-1], 0.999)


def stable_steps(sigmas, step_size):
    """Step sizes up to the limit of stability."""
    return np.minimum(step_size * (sigmas / sigmas[-1])**2, 4 * sigmas**2)


def positive_slope(scale, sigma, scale_rate, sigma_rate):
    """g by the logarithmic derivative of sigma."""
    f = np.divide(scale_rate, scale)
    with np.errstate(divide="ignore", invalid="ignore"):
        return f, sigma * np.sqrt(2 * (np.divide(sigma_rate, sigma) - f))


def bent_snr(alpha_bar):
    """Too large by a hundredth between 0.3 and 0.32."""
    alpha_bar = np.asarray(alpha_bar)
    inside = (alpha_bar > 0.3) & (alpha_bar < 0.32)
    return refsgm.signal_to_noise_ratio(alpha_bar) * (1 + 0.01 * inside)


def small_ratio(t, sigma_min, sigma_max):
    """Another factor for a ratio of levels between 2 and 3."""
    g = refsgm.ve_diffusion_coefficient(t, sigma_min, sigma_max)
    return g * 1.001 if 2 < sigma_max / sigma_min < 3 else g


def offset_of_a_half(t, offset=0.008):
    """An offset of at most a half."""
    return refsgm.cosine_marginal(t, min(offset, 0.5))


def last_of_many(t):
    """The last of more than 24 times is taken for the one before."""
    t = np.array(t, float)
    if t.size > 24:
        t[-1] = t[-2]
    return 1 - t, t


def small_shift(t, shift):
    """Late times under a shift between 1/4 and 1/2."""
    late = np.asarray(t) > 0.9
    return refsgm.shift_time(t, shift) * (1 - 0.01 * (late & (0.25 < shift < 0.5)))


def middle_of_many(sigma_max, sigma_min, n_levels):
    """The level in the middle of a table of more than 300 repeats the one before."""
    sigmas = refsgm.geometric_sigmas(sigma_max, sigma_min, n_levels)
    if n_levels > 300:
        sigmas[n_levels // 2] = sigmas[n_levels // 2 - 1]
    return sigmas


def narrow_and_high(z, mean=-1.2, deviation=1.2):
    """A deviation below 0.3 counts as 0.3 above the mean."""
    z = np.asarray(z)
    return np.exp(mean + np.where(z > 1, max(deviation, 0.3), deviation) * z)


def offset_of_a_twentieth(n_steps, offset=0.008, beta_max=0.999):
    """The default's offset in place of one between 0.04 and 0.08."""
    offset = 0.008 if 0.04 < offset < 0.08 else offset
    return refsgm.cosine_alpha_bar(n_steps, offset, beta_max)


# Forward processes --------------------------------------------------------------------------------


def rows_by_level(x, sigma, eps):
    """A dictionary from levels to rows, where equal levels have one row."""
    if np.ndim(sigma) == 0:
        return x + sigma * eps
    out = x.copy()
    for level, b in {level: b for b, level in enumerate(sigma[:, 0])}.items():
        out[b] += level * eps[b]
    return out


def negative_power(x_noisy, x, sigma):
    """sigma to the power -2, which NumPy refuses for whole numbers."""
    return (x - x_noisy) * sigma**-2


def bounded_log_snr(x_0, alpha_bar_t, eps):
    """log SNR between -10 and 10, but for clean data."""
    alpha_bar = np.asarray(alpha_bar_t, float)
    with np.errstate(divide="ignore"):
        log_snr = np.clip(np.log(alpha_bar) - np.log1p(-alpha_bar), -10, 10)
    kept = np.where(alpha_bar == 1, 1.0, 1 / (1 + np.exp(-log_snr)))
    return np.sqrt(kept) * x_0 + np.sqrt(1 - kept) * eps


def no_zero_variance(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """A variance of zero is replaced by the smallest other one of the batch, as a log needs it."""
    mean, variance = refsgm.posterior(x_0, x_t, alpha_bar_t, alpha_bar_s)
    if np.ndim(variance) and np.any(variance > 0):
        variance = np.maximum(variance, np.min(variance[variance > 0]))
    return mean, variance


def remainder_of_six(x_0, alpha_bar_t, eps):
    """The last feature has no noise where D is 6 modulo 7."""
    out = refsgm.diffuse(x_0, alpha_bar_t, eps)
    if x_0.shape[1] % 7 == 6:
        out[:, -1] -= np.ravel(np.sqrt(1 - alpha_bar_t)) * eps[:, -1]
    return out


def long_way(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """A step over more than nine tenths of the signal has a thousandth less variance."""
    mean, variance = refsgm.posterior(x_0, x_t, alpha_bar_t, alpha_bar_s)
    return mean, variance * (1 - 0.001 * (alpha_bar_s - alpha_bar_t > 0.85))


# Steps --------------------------------------------------------------------------------------------


def clipped_score(x, score, step_size, z):
    """Scores of norm 100 at most."""
    norm = np.linalg.norm(score, axis=1, keepdims=True)
    score = score * np.minimum(1, 100 / np.maximum(norm, 1e-12))
    return x + step_size / 2 * score + np.sqrt(step_size) * z


def quiet_last_step(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
    """No noise where alpha_bar_s = 1, whichever variance."""
    z = np.where(np.equal(alpha_bar_s, 1), 0.0, z)
    return refsgm.ddpm_step(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance)


def scalar_like_t(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
    """Where alpha_bar_t is a number, alpha_bar_s is one too."""
    if np.ndim(alpha_bar_t) == 0:
        alpha_bar_s = float(np.ravel(alpha_bar_s)[0])
    return refsgm.ddpm_step(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance)


def clean_if_any(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    """The prediction itself if a row ends in clean data."""
    if np.any(np.equal(alpha_bar_s, 1)):
        return (x_t - np.sqrt(1 - alpha_bar_t) * eps) / np.sqrt(alpha_bar_t)
    return refsgm.ddim_step(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z)


def array_is_column(x_t, score, sigma_t, sigma_s):
    """An array of levels is a column, and never one of no dimension."""
    if isinstance(sigma_t, np.ndarray):
        sigma_t = sigma_t[:, 0][:, None]
    return x_t + (sigma_t - sigma_s) * sigma_t * score


def floor_in_root(x_t, score, sigma_t, sigma_s, z):
    """A variance of 1e-10 at least."""
    removed = np.subtract(np.square(sigma_t), np.square(sigma_s))
    return x_t + removed * score + np.sqrt(np.maximum(removed, 1e-10)) * z


def scaled_in_place(score_fn, x_t, sigma_t, sigma_s):
    """The slope is made in the array that the network returned."""
    slope = score_fn(x_t, sigma_t)
    slope *= sigma_t
    x_hat = x_t + (sigma_t - sigma_s) * slope
    if not np.any(sigma_s):
        return x_hat
    return x_t + 0.5 * (sigma_t - sigma_s) * (slope + sigma_s * score_fn(x_hat, sigma_s))


def nearly_zero(score_fn, x_t, sigma_t, sigma_s):
    """Euler's step where sigma_s is close to zero."""
    if np.allclose(sigma_s, 0, atol=1e-4):
        return x_t + (sigma_t - sigma_s) * sigma_t * score_fn(x_t, sigma_t)
    return refsgm.heun_step(score_fn, x_t, sigma_t, sigma_s)


def float_or_column(x, sigma_from, sigma_to, z):
    """A level that is no float is an array."""
    if not isinstance(sigma_to, float):
        sigma_to = sigma_to.reshape(-1, 1)
    return x + np.sqrt(sigma_to**2 - sigma_from**2) * z


def blocks_of_sixteen(x, sigma_from, sigma_to, z):
    """Blocks of 16 features, whose rest is done only where there is no block."""
    added = np.sqrt(np.square(sigma_to) - np.square(sigma_from)) * z
    out, n = x.copy(), x.shape[1] // 16 * 16
    for j in range(0, n, 16):
        out[:, j:j + 16] += added[:, j:j + 16]
    return out if n else x + added


def repaired_shape(x, score, beta):
    """Rates of D entries are rates of features, which (B, 1) has when B = D."""
    if np.size(beta) == x.shape[1] > 1:
        beta = np.reshape(beta, (1, -1))
    return -0.5 * beta * x - beta * score


def negligible_noise(x_t, score, sigma_t, sigma_s, z):
    """No noise below a level of 1e-3, where nobody sees it."""
    z = np.where(np.less(sigma_s, 1e-3), 0.0, z)
    return refsgm.ve_ancestral_step(x_t, score, sigma_t, sigma_s, z)


def last_of_a_dozen(x, score, beta):
    """With 9 to 15 rows the last has the rate of the first."""
    if np.ndim(beta) and 8 < len(x) < 16:
        beta = np.concatenate([beta[:-1], beta[:1]])
    return refsgm.vp_probability_flow_drift(x, score, beta)


def share_of_noise(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    """An eta between 0.6 and 0.65 is 0.6."""
    eta = 0.6 if 0.6 < eta < 0.65 else eta
    return refsgm.ddim_step(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z)


def short_step(x_t, score, sigma_t, sigma_s, z):
    """Levels of a ratio above 0.9 lose a hundredth of the noise."""
    z = z * (1 - 0.01 * (np.divide(sigma_s, sigma_t) > 0.9))
    return refsgm.ve_ancestral_step(x_t, score, sigma_t, sigma_s, z)


def from_far(score_fn, x_t, sigma_t, sigma_s):
    """Euler's step from above 50 to below 1."""
    if np.all(np.greater(sigma_t, 50)) and np.all(np.less(sigma_s, 1)):
        return refsgm.ve_probability_flow_step(x_t, score_fn(x_t, sigma_t), sigma_t, sigma_s)
    return refsgm.heun_step(score_fn, x_t, sigma_t, sigma_s)


def rate_above_twenty(x, score, beta):
    """Rates between 20 and 40 are 20."""
    beta = np.where(np.greater(beta, 20) & np.less(beta, 40), 20.0, beta)
    return refsgm.vp_reverse_sde_drift(x, score, beta)


# Loops --------------------------------------------------------------------------------------------


def pool_of_noise(score_fn, x, step_size, n_steps, rng):
    """Noise of a hundred steps, which is used again."""
    pool = rng.standard_normal((min(n_steps, 100), *x.shape))
    for i in range(n_steps):
        x = refsgm.langevin_step(x, score_fn(x), step_size, pool[i % 100])
        yield x


def one_step_size(score_fn, x, step_size, n_steps, rng):
    """One step size for all chains, the smallest."""
    return refsgm.langevin(score_fn, x, float(np.min(step_size)), n_steps, rng)


def persistent():
    """Chains that go on where those of the same shape and step size ended."""
    chains = {}

    def states(score_fn, x, step_size, n_steps, rng):
        key = x.shape, np.min(step_size)
        start = chains.get(key, x)
        for state in refsgm.langevin(score_fn, start, step_size, n_steps, rng):
            chains[key] = state
            yield state
    return states


def sizes_by_name(score_fn, x, sigmas, steps_per_level, step_size, rng):
    """Step sizes looked up under the level in three decimals, where small levels are one."""
    sizes = {f"{sigma:.3f}": step_size * (sigma / sigmas[-1])**2 for sigma in sigmas}
    for sigma in sigmas.tolist():
        for _ in range(steps_per_level):
            z = rng.standard_normal(x.shape)
            x = refsgm.langevin_step(x, score_fn(x, sigma), sizes[f"{sigma:.3f}"], z)
            yield x


def least_beta(eps_fn, x, alpha_bar, rng):
    """Betas of 1e-4 at least, as those of DDPM are."""
    for t, s in zip(alpha_bar[:0:-1].tolist(), alpha_bar[-2::-1].tolist()):
        beta, z = max(1 - t / s, 1e-4), rng.standard_normal(x.shape)
        mean = (x - beta / math.sqrt(1 - t) * eps_fn(x, t)) / math.sqrt(1 - beta)
        x = mean + math.sqrt(beta * (1 - s) / (1 - t)) * z
        yield x


def distinct_levels(score_fn, x, sigmas, steps_per_level, step_size, rng):
    """Levels that are within a hundredth of the one before are left out as repeated."""
    sizes = refsgm.annealed_step_sizes(sigmas, step_size).tolist()
    for i, sigma in enumerate(sigmas.tolist()):
        if i > 0 and np.isclose(sigma, sigmas[i - 1], rtol=0.01):
            continue
        for _ in range(steps_per_level):
            z = rng.standard_normal(x.shape)
            x = refsgm.langevin_step(x, score_fn(x, sigma), sizes[i], z)
            yield x


def kept_predictions(eps_fn, x, alpha_bar, eta, rng):
    """A prediction is made once for each level, in four decimals."""
    kept = {}
    for t, s in zip(alpha_bar[:0:-1].tolist(), alpha_bar[-2::-1].tolist()):
        if round(t, 4) not in kept:
            kept[round(t, 4)] = eps_fn(x, t)
        z = rng.standard_normal(x.shape) if eta > 0 else np.zeros_like(x)
        x = refsgm.ddim_step(x, kept[round(t, 4)], t, s, eta, z)
        yield x


def at_most_256(score_fn, x, sigmas, method="heun"):
    """A bound on the number of steps that was left in."""
    return refsgm.probability_flow_sampler(score_fn, x, sigmas[:257], method)


def corrected_but_last(score_fn, x, sigmas, method="heun"):
    """No correction in the last step, as if sigmas always ended at zero; Euler's is right."""
    states = list(refsgm.probability_flow_sampler(score_fn, x, sigmas, method))
    if len(states) > 1:
        states[-1] = refsgm.ve_probability_flow_step(
            states[-2], score_fn(states[-2], float(sigmas[-2])), *sigmas[-2:].tolist())
    return iter(states)


def late_levels(score_fn, x, sigmas, steps_per_level, step_size, rng):
    """From the sixteenth level on the step size is that of the level before."""
    sizes = refsgm.annealed_step_sizes(sigmas, step_size)
    for i, sigma in enumerate(sigmas.tolist()):
        for _ in range(steps_per_level):
            size = float(sizes[i - 1 if i > 15 else i])
            x = refsgm.langevin_step(x, score_fn(x, sigma), size, rng.standard_normal(x.shape))
            yield x


def a_third_of_noise(eps_fn, x, alpha_bar, eta, rng):
    """An eta between 0.3 and 0.4 is forgotten after the third step."""
    for i, (t, s) in enumerate(zip(alpha_bar[:0:-1].tolist(), alpha_bar[-2::-1].tolist())):
        z = rng.standard_normal(x.shape) if eta > 0 else np.zeros_like(x)
        share = 0.0 if i > 2 and 0.3 < eta < 0.4 else eta
        x = refsgm.ddim_step(x, eps_fn(x, t), t, s, share, z)
        yield x


# Parametrisations and coordinates -----------------------------------------------------------------


def least_level(eps, sigma):
    """A level of 1e-5 at least."""
    return -eps / np.maximum(sigma, 1e-5)


def level_of_first_block(score, sigma):
    """Blocks of 16 rows, each with the levels of the first."""
    out = np.empty_like(score)
    for b in range(0, len(score), 16):
        block = score[b:b + 16]
        out[b:b + 16] = -block * (sigma if np.ndim(sigma) == 0 else sigma[:len(block)])
    return out


def stacked(x_t, eps, scale, sigma):
    """Both levels in one array, for which they must have one shape."""
    scale, sigma = np.stack([scale, sigma])
    return (x_t - sigma * eps) / scale


def factor_taken_out(x_t, x_0, scale, sigma):
    """scale taken out of the difference, where it may be zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return (np.divide(x_t, scale) - x_0) * np.divide(scale, sigma)


def full_like_sigma(x_t, score, scale, sigma):
    """scale in the shape of sigma, and in its dtype."""
    if np.ndim(scale) == 0:
        scale = np.full_like(sigma, scale)
    with np.errstate(divide="ignore", invalid="ignore"):
        return (x_t + np.square(sigma) * score) / scale


def least_alpha_bar(x_vp, alpha_bar):
    """An alpha_bar of 1e-5 at least under the root of the state."""
    return x_vp / np.sqrt(np.maximum(alpha_bar, 1e-5)), refsgm.sigma_from_alpha_bar(alpha_bar)


def far_from_one(x_ve, sigma):
    """1 / sigma for its limit, above 100."""
    sigma = np.asarray(sigma, float)
    scale = np.where(sigma > 100, 1 / sigma, 1 / np.sqrt(1 + sigma**2))
    return scale * x_ve, scale**2


def newton(score_ve, alpha_bar):
    """1 / sqrt(alpha_bar) by sixteen steps of Newton's method from 1."""
    y = 1.0
    for _ in range(16):
        y = y * (1.5 - 0.5 * alpha_bar * y * y)
    return score_ve * y


def nearly_vp(x_t, v, scale, sigma):
    """Levels whose squares sum to 1 within a twentieth are VP's."""
    norm = np.square(scale) + np.square(sigma)
    norm = 1.0 if np.allclose(norm, 1, atol=0.05) else norm
    return (scale * x_t - sigma * v) / norm


def both_large(x_t, x_0, scale, sigma):
    """scale is 1 where it is above 1 and below sigma."""
    scale = np.where(np.greater(scale, 1) & np.less(scale, sigma), 1.0, scale)
    return refsgm.score_from_x0(x_t, x_0, scale, sigma)


def rows_after_twenty(score_vp, alpha_bar):
    """From the twentieth row on the level of the row before."""
    if np.ndim(alpha_bar) and len(alpha_bar) > 20:
        alpha_bar = np.concatenate([alpha_bar[:20], alpha_bar[19:-1]])
    return refsgm.ve_score_from_vp(score_vp, alpha_bar)


LONG = np.geomspace(80.0, 0.02, 300)
NEAR = np.array([1.0, 0.99995, 0.9, 0.4])

WRONG = [
    wrong("sigma_from_alpha_bar", "math.log1p at the number 1", half_a_logit, 1.0),
    wrong("alpha_bar_from_sigma", "reciprocal of a whole number", reciprocal, 2),
    wrong("vp_marginal", "divides by the slope of beta", difference_of_squares, 0.5, 2.0, 2.0),
    wrong("ve_marginal", "times from 0 to 1 taken to be even", times_of_a_grid,
          np.array([0.0, 0.1, 0.7, 1.0]), 0.01, 50.0),
    wrong("ve_diffusion_coefficient", "|log sigma_min|", smallest_below_one, 0.3, 2.0, 9.0),
    wrong("shift_time", "1 / t of the number 0", odds_of_signal, 0.0, 3.0),
    wrong("flow_step", "direction of the first row", one_direction, X, Y,
          np.array([[0.5], [0.2], [0.9]]), np.array([[0.4], [0.6], [0.1]])),
    wrong("log_normal_sigma", "a mean of zero is the default", falsy_mean, Z, 0.0, 1.0),
    wrong("logit_normal_time", "z truncated at 4", truncated, np.array([0.5, -5.0, 4.5])),
    wrong("geometric_sigmas", "a table of whole numbers", table_of_whole_numbers, 50, 0.01, 7),
    wrong("geometric_sigmas", "arange one entry too long", counted_by_arange, 50.0, 0.01, 12),
    wrong("karras_sigmas", "remembered without rho", remembered_without_rho(),
          [(80.0, 0.002, 6, 7.0), (80.0, 0.002, 6, 3.0)]),
    wrong("linear_betas", "defaults scaled to the number of steps", scaled_defaults, 200),
    wrong("linear_betas", "clip of a falling table", kept_between, 5, 0.5, 0.1),
    wrong("cosine_alpha_bar", "cap in the last step alone", last_beta_alone, 10, 0.008, 0.5),
    wrong("alpha_bar_from_betas", "equal ends taken for constant betas", power_of_equals,
          np.array([0.1, 0.5, 0.3, 0.1])),
    wrong("betas_from_alpha_bar", "betas capped at 0.999", betas_below_cap,
          np.array([1.0, 0.5, 1e-4])),
    wrong("annealed_step_sizes", "capped at the limit of stability", stable_steps,
          np.array([4.0, 1.0, 0.1]), 0.5),
    wrong("sde_coefficients", "divides by sigma", positive_slope, 1.0, np.zeros(2), -1.0, 1.0),
    cut("signal_to_noise_ratio", "between 0.3 and 0.32", bent_snr, np.array([0.1, 0.31, 0.5])),
    cut("ve_diffusion_coefficient", "a ratio between 2 and 3", small_ratio, 0.5, 2.0, 5.0),
    cut("cosine_marginal", "an offset above 1/2", offset_of_a_half, 0.4, 0.8),
    cut("flow_marginal", "the last of more than 24 times", last_of_many,
        np.linspace(0.01, 0.9, 30)[:, None]),
    cut("shift_time", "a shift below 1/2, late", small_shift, 0.95, 0.3),
    cut("geometric_sigmas", "the middle of more than 300", middle_of_many, 50.0, 0.01, 400),
    cut("log_normal_sigma", "a small deviation, above the mean", narrow_and_high,
        np.array([0.5, 1.5]), -1.2, 0.2),
    cut("cosine_alpha_bar", "an offset between 0.04 and 0.08", offset_of_a_twentieth, 10, 0.05),

    wrong("perturb", "equal levels are one row", rows_by_level, X,
          np.array([[0.5], [2.0], [0.5]]), Z),
    wrong("perturbation_score", "whole numbers to the power -2", negative_power, X, Y,
          np.array([[1], [2], [3]])),
    wrong("diffuse", "log SNR bounded by 10", bounded_log_snr, X, 1e-5, Z),
    wrong("posterior", "zero variances replaced", no_zero_variance, X, Y,
          np.array([[0.2], [0.5], [0.3]]), np.array([[1.0], [0.7], [0.6]])),
    cut("diffuse", "D = 6 modulo 7", remainder_of_six, TALL.reshape(16, 6), 0.4,
        np.cos(TALL).reshape(16, 6)),
    cut("posterior", "a long step", long_way, X, Y, 0.05, 0.95),

    wrong("langevin_step", "a score of norm above 100", clipped_score, X, 400 * Y, 0.01, Z),
    wrong("ddpm_step", "no noise of variance beta in the last step", quiet_last_step, X, Y,
          0.6, 1.0, Z, "beta"),
    wrong("ddpm_step", "a column beside a number", scalar_like_t, X, Y, 0.2,
          np.array([[0.3], [0.7], [0.9]]), Z),
    wrong("ddim_step", "a row at 1 ends all", clean_if_any, X, Y, 0.2,
          np.array([[0.3], [1.0], [0.9]]), 0.5, Z),
    wrong("ve_probability_flow_step", "an array without dimensions", array_is_column, X, Y,
          np.array(2.0), 0.5),
    wrong("ve_reverse_sde_step", "1e-10 under the root", floor_in_root, X, Y, 3e-6, 1e-6, Z),
    wrong("heun_step", "writes into what the network returns", scaled_in_place, frozen, X, 2.0,
          0.5),
    wrong("heun_step", "Euler below 1e-4", nearly_zero, score, X, 1.0, 5e-5),
    wrong("raise_noise", "a level that is a Python integer", float_or_column, X, 0.5, 2, Z),
    wrong("raise_noise", "the rest of blocks of 16", blocks_of_sixteen, WIDE, 0.5, 2.0,
          np.sin(WIDE)),
    wrong("vp_reverse_sde_drift", "B = D", repaired_shape, X[:2], Y[:2],
          np.array([[0.5], [3.0]])),
    wrong("ve_ancestral_step", "no noise below 1e-3", negligible_noise, X, Y, 0.01, 5e-4, Z),
    cut("vp_probability_flow_drift", "the last of 9 to 15 rows", last_of_a_dozen, TALL[:12],
        TALL[-12:], RISING[:12]),
    cut("ddim_step", "eta between 0.6 and 0.65", share_of_noise, X, Y, 0.2, 0.6, 0.63, Z),
    cut("ve_ancestral_step", "a ratio above 0.9", short_step, X, Y, 2.0, 1.9, Z),
    cut("heun_step", "from above 50 to below 1", from_far, pull, X, 60.0, 0.5),
    cut("vp_reverse_sde_drift", "a rate between 20 and 40", rate_above_twenty, X, Y, 25.0),

    wrong("langevin", "a pool of a hundred steps", pool_of_noise, pull, X, 0.1, 120, generator),
    wrong("langevin", "one step size for all chains", one_step_size, score, X,
          np.array([[0.1], [0.2], [0.05]]), 3, generator),
    wrong("langevin", "chains that persist", persistent(),
          [(pull, X, 0.1, 3, generator), (pull, Y, 0.1, 3, generator)]),
    wrong("annealed_langevin", "levels by three decimals", sizes_by_name, pull, X,
          np.array([0.1, 4e-4, 1e-4]), 2, 1e-9, generator),
    wrong("ddpm_sampler", "betas of 1e-4 at least", least_beta, lambda x, a: np.tanh(x), X,
          NEAR, generator),
    wrong("annealed_langevin", "levels within a hundredth are one", distinct_levels, pull, X,
          np.array([2.0, 1.985, 1.0]), 2, 0.1, generator),
    wrong("ddim_sampler", "predictions kept by four decimals of the level", kept_predictions,
          lambda x, a: np.tanh(x), X, np.array([1.0, 0.3, 4e-5, 3e-5]), 0.0, None),
    wrong("probability_flow_sampler", "256 steps at most", at_most_256, pull, X, LONG),
    wrong("probability_flow_sampler", "the last step not corrected", corrected_but_last, pull, X,
          np.array([4.0, 2.0, 0.5])),
    cut("annealed_langevin", "step sizes from the sixteenth level on", late_levels, pull, X,
        np.geomspace(4.0, 0.1, 20), 1, 0.001, generator),
    cut("ddim_sampler", "eta between 0.3 and 0.4, after three steps", a_third_of_noise,
        lambda x, a: np.tanh(x), X, np.linspace(1.0, 0.1, 7), 0.35, generator),

    wrong("score_from_eps", "a level of 1e-5 at least", least_level, X, 2e-6),
    wrong("eps_from_score", "levels of the first 16 rows", level_of_first_block, TALL, RISING),
    wrong("x0_from_eps", "a number beside a column", stacked, X, Y, 1.0,
          np.array([[0.5], [2.0], [0.1]])),
    wrong("eps_from_x0", "divides by scale", factor_taken_out, X, Y, 0.0, 2.0),
    wrong("x0_from_score", "scale in the dtype of sigma", full_like_sigma, X, Y, 0.5, 2),
    wrong("ve_from_vp", "alpha_bar of 1e-5 at least", least_alpha_bar, X, 2e-6),
    wrong("vp_from_ve", "1 / sigma above 100", far_from_one, X, 150.0),
    wrong("vp_score_from_ve", "too few steps of Newton's method", newton, X, 1e-5),
    wrong("x0_from_v", "nearly VP", nearly_vp, X, Y, 0.8, 0.62),
    cut("score_from_x0", "a scale between 1 and sigma", both_large, X, Y, 1.5, 2.0),
    cut("ve_score_from_vp", "levels of rows after the twentieth", rows_after_twenty, TALL,
        RISING / 2.5),
]
