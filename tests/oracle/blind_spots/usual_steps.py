"""Mistakes as they are usually made in schedules, marginals, steps and loops, and some planted.

Tables first, then functions of time and coefficients, then steps, loops and drifts.
"""

import math

import numpy as np

from .fresh import cut, generator, wrong

X = np.array([[0.5, -1.0], [2.0, 0.3], [-0.7, 1.1]])                                       # (B, D)
Y = np.array([[1.5, 0.2], [-0.4, 0.9], [0.6, -2.0]])
Z = np.array([[-0.3, 0.8], [1.2, -0.5], [0.1, 0.4]])
TIMES = np.array([0.1, 0.45, 0.8])


# Tables -------------------------------------------------------------------------------------------


def resampled_levels(memory):
    """Geometric levels remembered by their ends; another number of them is read off in between."""
    def geometric_sigmas(sigma_max, sigma_min, n_levels):
        known = memory.setdefault((sigma_max, sigma_min),
                                  np.geomspace(sigma_max, sigma_min, n_levels))
        if len(known) == n_levels:
            return known.copy()
        places = np.linspace(0, len(known) - 1, n_levels)
        return np.interp(places, np.arange(len(known)), known)
    return geometric_sigmas


def karras_limit(sigma_max, sigma_min, n_levels, rho=7.0):
    """Large exponents taken for their limit, where levels have a constant ratio."""
    if rho > 50:
        return np.geomspace(sigma_max, sigma_min, n_levels)
    u = np.linspace(0, 1, n_levels)
    top, bottom = sigma_max**(1 / rho), sigma_min**(1 / rho)
    return (top + u * (bottom - top))**rho


def karras_below_one(sigma_max, sigma_min, n_levels, rho=7.0):
    """Exponents below one are taken for one."""
    rho = max(rho, 1.0)
    u = np.linspace(0, 1, n_levels)
    top, bottom = sigma_max**(1 / rho), sigma_min**(1 / rho)
    return (top + u * (bottom - top))**rho


def sorted_betas(n_steps, beta_min=1e-4, beta_max=0.02):
    """The smaller of both ends always comes first."""
    low, high = sorted((beta_min, beta_max))
    return np.linspace(low, high, n_steps)


def counted_betas(n_steps, beta_min=1e-4, beta_max=0.02):
    """Counted up by a step, which is zero if both ends are equal."""
    if n_steps == 1:
        return np.array([beta_min])
    step = (beta_max - beta_min) / (n_steps - 1)
    return np.arange(beta_min, beta_max + step / 2, step)


def floored_cosine(n_steps, offset=0.008, beta_max=0.999):
    """Betas kept at 1e-4 or above, which the first of a long table are not."""
    angle = (np.linspace(0, 1, n_steps + 1) + offset) / (1 + offset) * math.pi / 2
    f = np.cos(angle)**2
    betas = np.clip(1 - f[1:] / f[:-1], min(1e-4, beta_max), beta_max)
    return np.concatenate([[1.0], np.cumprod(1 - betas)])


def products_in_blocks(betas, block=256):
    """Products block by block; what is carried on is that of the last block alone."""
    parts, carry = [np.ones_like(betas[:1])], 1
    for i in range(0, len(betas), block):
        part = np.cumprod(1 - betas[i:i + block])
        parts.append(carry * part)
        carry = part[-1]
    return np.concatenate(parts)


def capped_betas(alpha_bar):
    """Betas capped as those of the cosine schedule are."""
    return np.minimum((alpha_bar[:-1] - alpha_bar[1:]) / alpha_bar[:-1], 0.999)


def steep_betas(alpha_bar):
    """Another table if each beta is larger than the one before it."""
    betas = (alpha_bar[:-1] - alpha_bar[1:]) / alpha_bar[:-1]
    steep = len(betas) > 3 and np.all(betas[1:] > 2 * betas[:-1])
    return 1.001 * betas if steep else betas


def asymptotic_alpha_bar(sigma):
    """1 / sigma^2 for large sigma, so that nothing is lost in 1 + sigma^2."""
    return np.where(np.asarray(sigma) > 1e3, 1 / sigma**2, 1 / (1 + sigma**2))[()]


def finite_ratio(alpha_bar):
    """An infinite ratio replaced by the largest number."""
    with np.errstate(divide="ignore"):
        return np.nan_to_num(np.divide(alpha_bar, 1 - alpha_bar), nan=0.0)


def deep_array(alpha_bar):
    """Arrays with three axes or more have larger noise."""
    sigma = ((1 - alpha_bar) / alpha_bar)**0.5
    return 1.001 * sigma if np.ndim(alpha_bar) > 2 else sigma


# Functions of time, and coefficients --------------------------------------------------------------


def floored_log_scale(t, beta_min=0.1, beta_max=20.0):
    """The logarithm of the scale kept above -6, so that the scale can be divided by."""
    log_scale = np.maximum(-0.25 * t**2 * (beta_max - beta_min) - 0.5 * t * beta_min, -6)
    return np.exp(log_scale), np.sqrt(-np.expm1(2 * log_scale))


def wide_ve_marginal(t, sigma_min, sigma_max):
    """Over a range of more than 10,000 the later half has more noise."""
    sigma = sigma_min * (sigma_max / sigma_min)**t
    return sigma * np.where((t > 0.5) & (sigma_max > 1e4 * sigma_min), 1.001, 1.0)


def first_order_log(t, sigma_min, sigma_max):
    """log(r) as r - 1 where both ends are close, against cancellation."""
    ratio = sigma_max / sigma_min
    rate = ratio - 1 if ratio < 1.01 else math.log(ratio)
    return sigma_min * ratio**t * math.sqrt(2 * rate)


def stopped_cosine(t, offset=0.008):
    """Times stopped at 0.9946, where samplers start."""
    t = np.minimum(t, 0.9946)
    a = math.pi / 2 / (1 + offset)
    scale = np.sin((1 - t) * a) / math.sin(a)
    return scale, np.sqrt(np.sin(t * a) * np.sin((t + 2 * offset) * a)) / math.sin(a)


def shifted_up(t, shift):
    """A shift below one is taken for none."""
    shift = max(shift, 1.0)
    return shift * t / (1 + (shift - 1) * t)


def time_by_tanh(z, mean=0.0, deviation=1.0):
    """The logistic function by tanh, which loses the digits of small times."""
    return 0.5 * (1 + np.tanh(0.5 * (mean + deviation * z)))


def remembered_scalings(memory):
    """Coefficients remembered by their level; the deviation of the data is always the same."""
    def edm_preconditioning(sigma, sigma_data):
        level = np.asarray(sigma)
        key = level.tobytes(), level.shape, level.dtype
        if key not in memory:
            total = sigma**2 + sigma_data**2
            memory[key] = (sigma_data**2 / total, sigma * sigma_data / total**0.5,
                           1 / total**0.5, np.log(sigma) / 4)
        return tuple(np.copy(a) for a in memory[key])
    return edm_preconditioning


def boundary_of_any(sigma, sigma_data, sigma_min=0.002):
    """The boundary condition for the whole batch as soon as one level is there."""
    if np.any(sigma == sigma_min):
        return np.ones_like(sigma), np.zeros_like(sigma)
    gap = sigma - sigma_min
    return (sigma_data**2 / (gap**2 + sigma_data**2),
            sigma_data * gap / (sigma**2 + sigma_data**2)**0.5)


# Steps and drifts ---------------------------------------------------------------------------------


def clean(x_t, eps, alpha_bar_t):
    """x_0 from eps."""
    return (x_t - (1 - alpha_bar_t)**0.5 * eps) / alpha_bar_t**0.5


def ancestral(x_t, eps, alpha_bar_t, alpha_bar_s):
    """Mean and both variances of a DDPM step."""
    beta = (alpha_bar_s - alpha_bar_t) / alpha_bar_s
    share = (1 - alpha_bar_s) / (1 - alpha_bar_t)
    mean = (alpha_bar_s**0.5 * beta / (1 - alpha_bar_t) * clean(x_t, eps, alpha_bar_t)
            + (alpha_bar_t / alpha_bar_s)**0.5 * share * x_t)
    return mean, beta * share, beta


def generalised(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    """A DDIM step."""
    beta = (alpha_bar_s - alpha_bar_t) / alpha_bar_s
    share = (1 - alpha_bar_s) / (1 - alpha_bar_t)
    kept = (1 - alpha_bar_s) * (1 - eta**2 + eta**2 * share * alpha_bar_t / alpha_bar_s)
    return (alpha_bar_s**0.5 * clean(x_t, eps, alpha_bar_t) + kept**0.5 * eps
            + eta * (beta * share)**0.5 * z)


def masked_last_noise(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
    """No noise in the last step, where variance beta has some."""
    mean, small, large = ancestral(x_t, eps, alpha_bar_t, alpha_bar_s)
    z = (np.asarray(alpha_bar_s) < 1) * z
    return mean + (small if variance == "posterior" else large)**0.5 * z


def full_eta(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    """At eta = 1 it is DDPM's step, with the other of its two variances."""
    if eta == 1:
        mean, _, large = ancestral(x_t, eps, alpha_bar_t, alpha_bar_s)
        return mean + large**0.5 * z
    return generalised(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z)


def mixed_start(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    """Rows on both sides of alpha_bar_t = 1/2 take the smallest level of all."""
    if np.min(alpha_bar_t) < 0.5 < np.max(alpha_bar_t):
        alpha_bar_t = np.min(alpha_bar_t)
    return generalised(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z)


def short_noisy_step(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """A short step among noisy levels leaves a little more variance."""
    beta, noise = (alpha_bar_s - alpha_bar_t) / alpha_bar_s, 1 - alpha_bar_t
    weight_t = (alpha_bar_t / alpha_bar_s)**0.5 * (1 - alpha_bar_s) / noise
    variance = beta * (1 - alpha_bar_s) / noise
    short = np.all(beta < 0.1) and np.all(np.asarray(alpha_bar_s) < 0.5)
    mean = alpha_bar_s**0.5 * beta / noise * x_0 + weight_t * x_t
    return mean, 1.001 * variance if short else variance


def scaled_in_place(score_fn, x_t, sigma_t, sigma_s):
    """What the function returns is scaled where it lies, though it may be its argument."""
    slope = score_fn(x_t, sigma_t)
    slope *= sigma_t
    x_hat = x_t + (sigma_t - sigma_s) * slope
    if np.all(np.asarray(sigma_s) == 0):
        return x_hat
    return x_t + 0.5 * (sigma_t - sigma_s) * (slope + sigma_s * score_fn(x_hat, sigma_s))


def crossing_heun(score_fn, x_t, sigma_t, sigma_s):
    """An Euler step where it takes every entry to the other side of the origin."""
    slope = sigma_t * score_fn(x_t, sigma_t)
    x_hat = x_t + (sigma_t - sigma_s) * slope
    if np.all(np.asarray(sigma_s) == 0) or x_t.size > 1 and np.all(x_hat * x_t < 0):
        return x_hat
    return x_t + 0.5 * (sigma_t - sigma_s) * (slope + sigma_s * score_fn(x_hat, sigma_s))


def no_noise_to_clean(x_t, score, sigma_t, sigma_s, z):
    """The step that ends at clean data adds no noise."""
    removed = (sigma_t - sigma_s) * (sigma_t + sigma_s)
    return x_t + removed * score + np.where(np.asarray(sigma_s) > 0, removed**0.5, 0 * removed) * z


def halving_ancestral(x_t, score, sigma_t, sigma_s, z):
    """Half the noise where all rows fall below a twentieth of their level."""
    removed = (sigma_t - sigma_s) * (sigma_t + sigma_s)
    spread = sigma_s / sigma_t * removed**0.5
    far = np.all(np.asarray(sigma_s) < 0.05 * np.asarray(sigma_t))
    return x_t + removed * score + (0.5 * spread if far else spread) * z


def short_euler(x_t, score, sigma_t, sigma_s):
    """Steps shorter than a fiftieth of their level use the middle of both."""
    short = np.all(np.asarray(sigma_s) > 0.98 * np.asarray(sigma_t))
    level = 0.5 * (sigma_t + sigma_s) if short else sigma_t
    return x_t + (sigma_t - sigma_s) * level * score


def towards_data(x_t, u, t, s):
    """The length of a step, whichever way it goes."""
    return x_t - abs(s - t) * u


def bounded_drift(x, score, step_size, z):
    """The drift of each step bounded by 10, against divergence."""
    return x + np.clip(0.5 * step_size * score, -10, 10) + step_size**0.5 * z


def equal_levels(x, sigma_from, sigma_to, z):
    """Levels that agree to five digits are the same, with no noise in between."""
    if np.allclose(sigma_from, sigma_to):
        return x.copy()
    return x + ((sigma_to - sigma_from) * (sigma_to + sigma_from))**0.5 * z


def one_rate(x, score, beta):
    """A column of rates whose entries are nearly the same is one number."""
    if np.size(beta) > 1 and np.ptp(beta) < 0.01 * np.max(beta):
        beta = beta.mean(dtype=beta.dtype)
    return -0.5 * beta * x - beta * score


def outward_drift(x, score, beta):
    """A score that points away from the origin in every entry counts a little more."""
    outward = x.size > 1 and np.all(x * score > 0)
    return -0.5 * beta * (x + (1.001 * score if outward else score))


def no_guidance_below_one(conditional, unconditional, scale):
    """Guidance is off at a scale of 1 and below, as pipelines have it."""
    if np.all(np.asarray(scale) <= 1):
        return conditional.copy()
    return unconditional + scale * (conditional - unconditional)


# Loops --------------------------------------------------------------------------------------------


def noise_bank(score_fn, x, step_size, n_steps, rng, size=256):
    """Noise drawn at once for 256 steps, which is used again by those that follow."""
    bank = rng.standard_normal((min(n_steps, size), *x.shape), dtype=x.dtype)
    for i in range(n_steps):
        x = x + 0.5 * step_size * score_fn(x) + step_size**0.5 * bank[i % size]
        yield x


def bounded_size(score_fn, x, sigmas, steps_per_level, step_size, rng):
    """No step size is larger than the variance of its level, against divergence."""
    for sigma in sigmas.tolist():
        h = min(step_size * (sigma / float(sigmas[-1]))**2, sigma**2)
        for _ in range(steps_per_level):
            z = rng.standard_normal(x.shape, dtype=x.dtype)
            x = x + 0.5 * h * score_fn(x, sigma) + h**0.5 * z
            yield x


def one_buffer(eps_fn, x, alpha_bar, rng):
    """All states are the same array, of which the last is right."""
    x, levels = x.copy(), alpha_bar[::-1].tolist()
    for t, s in zip(levels[:-1], levels[1:]):
        mean, small, _ = ancestral(x, eps_fn(x, t), t, s)
        x[:] = mean + small**0.5 * rng.standard_normal(x.shape, dtype=x.dtype)
        yield x


def fifty_steps(eps_fn, x, alpha_bar, eta, rng):
    """Tables of more than fifty steps are thinned to fifty, as is usual for DDIM."""
    if len(alpha_bar) > 51:
        alpha_bar = alpha_bar[np.linspace(0, len(alpha_bar) - 1, 51).round().astype(int)]
    levels = alpha_bar[::-1].tolist()
    for t, s in zip(levels[:-1], levels[1:]):
        z = rng.standard_normal(x.shape, dtype=x.dtype) if eta > 0 else np.zeros_like(x)
        x = generalised(x, eps_fn(x, t), t, s, eta, z)
        yield x


def euler_at_last(score_fn, x, sigmas, method="heun"):
    """The last step is Euler's, whether or not it ends at zero."""
    levels = sigmas.tolist()
    for i, (t, s) in enumerate(zip(levels[:-1], levels[1:])):
        slope = t * score_fn(x, t)
        x_hat = x + (t - s) * slope
        if method == "heun" and i < len(levels) - 2:
            x_hat = x + 0.5 * (t - s) * (slope + s * score_fn(x_hat, s))
        x = x_hat
        yield x


def turned(x, sigma=1.0):
    """What is passed to a sampler in place of a score or an eps."""
    return np.sin(x) / (1 + sigma)


def steep(x, sigma):
    """The score of a law at the origin."""
    return -x / sigma


def itself(x, sigma):
    """A function that returns its argument."""
    return x


ROWS = np.array([[0.2], [0.4], [0.7]])
HIGHER = np.array([[0.6], [0.8], [0.9]])
LONG = np.cumprod(np.concatenate([[1.0], 1 - np.linspace(1e-3, 0.1, 80)]))


WRONG = [
    wrong("geometric_sigmas", "linear between levels that are remembered", resampled_levels({}),
          [(5.0, 0.1, 4), (5.0, 0.1, 9)]),
    wrong("karras_sigmas", "a large rho is infinite", karras_limit, 80.0, 0.002, 8, 60.0),
    cut("karras_sigmas", "a rho below 1 is 1", karras_below_one, 80.0, 0.002, 8, 0.8),
    wrong("linear_betas", "ends are sorted", sorted_betas, 6, 0.02, 1e-3),
    wrong("linear_betas", "equal ends leave no step to count by", counted_betas, 5, 0.01, 0.01),
    wrong("cosine_alpha_bar", "betas floored at 1e-4", floored_cosine, 1000),
    wrong("alpha_bar_from_betas", "the third block forgets the first", products_in_blocks,
          np.linspace(1e-4, 0.02, 700)),
    wrong("betas_from_alpha_bar", "betas capped at 0.999", capped_betas,
          np.array([1.0, 0.5, 2e-4])),
    cut("betas_from_alpha_bar", "betas that double", steep_betas,
        np.array([1.0, 0.99, 0.96, 0.85, 0.4])),
    wrong("alpha_bar_from_sigma", "the limit for large sigma", asymptotic_alpha_bar, 1.5e3),
    wrong("signal_to_noise_ratio", "no infinite ratio", finite_ratio, np.array([0.5, 1.0])),
    cut("sigma_from_alpha_bar", "three axes", deep_array, np.array([[[0.5, 0.2]], [[0.9, 0.7]]])),
    wrong("vp_marginal", "log scale floored at -6", floored_log_scale, 1.0, 0.1, 25.0),
    cut("ve_marginal", "late in a wide range", wide_ve_marginal, TIMES, 0.01, 300.0),
    wrong("ve_diffusion_coefficient", "log(r) as r - 1", first_order_log, 0.3, 1.0, 1.005),
    wrong("cosine_marginal", "time stopped at 0.9946", stopped_cosine, np.array([0.2, 0.998])),
    wrong("shift_time", "no shift below 1", shifted_up, TIMES, 0.5),
    wrong("logit_normal_time", "by tanh", time_by_tanh, np.array([-7.0]), -3.0, 3.0),
    wrong("edm_preconditioning", "remembered without sigma_data", remembered_scalings({}),
          [(TIMES, 0.5), (TIMES, 1.0)]),
    wrong("consistency_scalings", "one level at the boundary", boundary_of_any,
          np.array([0.002, 0.5, 3.0]), 0.5),
    wrong("ddpm_step", "variance beta without its last noise", masked_last_noise,
          X, Y, 0.4, 1.0, Z, "beta"),
    wrong("ddim_step", "variance beta at eta = 1", full_eta, X, Y, 0.3, 0.6, 1.0, Z),
    cut("ddim_step", "rows on both sides of a half", mixed_start, X, Y, ROWS, HIGHER, 0.5, Z),
    cut("posterior", "a short step among noisy levels", short_noisy_step, X, Y, 0.38, 0.4),
    wrong("heun_step", "the score is scaled in place", scaled_in_place, itself, X, 2.0, 1.0),
    cut("heun_step", "a step across the origin", crossing_heun, steep, X, 2.0, 0.5),
    wrong("ve_reverse_sde_step", "no noise in the last step", no_noise_to_clean, X, Y, 0.5, 0.0, Z),
    cut("ve_ancestral_step", "a fall by more than twenty", halving_ancestral, X, Y, 2.0, 0.05, Z),
    cut("ve_probability_flow_step", "a step of a fiftieth", short_euler, X, Y, 1.0, 0.99),
    wrong("flow_step", "always towards the data", towards_data, X, Y, 0.25, 0.5),
    wrong("langevin_step", "drift bounded by 10", bounded_drift, X, 40 * Y, 0.5, Z),
    wrong("raise_noise", "levels that are close are equal", equal_levels, X, 1.0, 1.000005, Z),
    wrong("vp_reverse_sde_drift", "rates that are close are equal", one_rate,
          X, Y, np.array([[2.0], [2.005], [2.01]])),
    cut("vp_probability_flow_drift", "a score that points outwards", outward_drift,
        X, 0.7 * X, 2.0),
    wrong("classifier_free_guidance", "none at a scale below 1", no_guidance_below_one, X, Y, 0.5),
    wrong("langevin", "noise repeats after 256 steps", noise_bank, turned, X, 0.1, 300, generator),
    wrong("annealed_langevin", "step sizes bounded by the variance", bounded_size,
          turned, X, np.array([2.0, 1.0, 0.5]), 2, 0.4, generator),
    wrong("ddpm_sampler", "states share a buffer", one_buffer,
          turned, X, np.array([1.0, 0.8, 0.4, 0.1]), generator),
    wrong("ddim_sampler", "fifty steps at most", fifty_steps, turned, X, LONG, 0.5, generator),
    wrong("probability_flow_sampler", "the last step is Euler's", euler_at_last,
          turned, X, np.array([2.0, 1.0, 0.5])),
]
