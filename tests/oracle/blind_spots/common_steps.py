"""Mistakes in schedules, marginals, time laws, steps and loops, and some planted there.

Each has the arguments that show it.
"""

import numpy as np

import refsgm

from .fresh import cut, generator, wrong

X = np.array([[0.5, -1.0], [2.0, 0.3], [-0.7, 1.1]])                                       # (B, D)
Y = np.array([[1.5, 0.2], [-0.4, 0.9], [0.6, -2.0]])
Z = np.array([[-0.3, 0.8], [1.2, -0.5], [0.1, 0.4]])


# Tables -------------------------------------------------------------------------------------------


def without_twins(sigma_max, sigma_min, n_levels):
    """Levels that agree by `isclose` are merged, whose 1e-8 is absolute."""
    sigmas = np.geomspace(sigma_max, sigma_min, n_levels)
    twin = np.isclose(sigmas[1:], sigmas[:-1])
    return sigmas[np.concatenate([[True], ~twin])]


def geometric_limit(sigma_max, sigma_min, n_levels, rho=7.0):
    """The limit of large rho, where powers of 1 / rho were feared to lose digits."""
    ramp = np.linspace(0, 1, n_levels)
    if rho > 40:
        return sigma_max * (sigma_min / sigma_max)**ramp
    high, low = sigma_max**(1 / rho), sigma_min**(1 / rho)
    return (high + ramp * (low - high))**rho


def rounded_key(memory):
    """Tables remembered under their ends rounded to four decimals."""
    def sigmas(sigma_max, sigma_min, n_levels, rho=7.0):
        key = (round(float(sigma_max), 4), round(float(sigma_min), 4), n_levels, rho)
        if key not in memory:
            high, low = sigma_max**(1 / rho), sigma_min**(1 / rho)
            memory[key] = (high + np.linspace(0, 1, n_levels) * (low - high))**rho
        return memory[key].copy()
    return sigmas


def stepped(n_steps, beta_min=1e-4, beta_max=0.02):
    """By `arange`, half a step beyond the end: of equal ends the step is 0."""
    if n_steps == 1:
        return np.array([float(beta_min)])
    step = (beta_max - beta_min) / (n_steps - 1)
    return np.arange(beta_min, beta_max + step / 2, step)


def kept_inside(n_steps, beta_min=1e-4, beta_max=0.02):
    """Clipped against overshoot, as if betas could only rise."""
    return np.clip(np.linspace(beta_min, beta_max, n_steps), beta_min, beta_max)


def floored_betas(n_steps, offset=0.008, beta_max=0.999):
    """Betas clipped from below too, at 1e-4, which the first of many steps are under."""
    t = np.arange(n_steps + 1) / n_steps
    f = np.cos((t + offset) / (1 + offset) * np.pi / 2)**2
    betas = np.clip(1 - f[1:] / f[:-1], 1e-4, beta_max)
    return np.concatenate([[1.0], np.cumprod(1 - betas)])


def carried(betas):
    """Products in blocks of 256, each carried on from the block before alone."""
    blocks, carry = [np.ones_like(betas[:1])], 1.0
    for i in range(0, len(betas), 256):
        block = np.cumprod(1 - betas[i:i + 256])
        blocks.append(carry * block)
        carry = block[-1]
    return np.concatenate(blocks)


def constant_by_ends(betas):
    """Powers for a constant schedule, which is taken for one by its ends."""
    if betas[0] == betas[-1]:
        return (1 - betas[0])**np.arange(len(betas) + 1)
    return np.concatenate([np.ones_like(betas[:1]), np.cumprod(1 - betas)])


def capped_betas(alpha_bar):
    """Betas capped at 0.999, as the cosine schedule does."""
    return np.minimum(1 - alpha_bar[1:] / alpha_bar[:-1], 0.999)


def clipped_log_snr(sigma):
    """By way of the log SNR, kept within 15 as networks want it."""
    log_snr = np.clip(-2 * np.log(sigma), -15, 15)
    return 1 / (1 + np.exp(-log_snr))


# Marginals and laws of time -----------------------------------------------------------------------


def short_time_series(t, beta_min=0.1, beta_max=20.0):
    """At small times sigma^2 is the integral of beta, one term of its series."""
    integral = beta_min * t + (beta_max - beta_min) * t**2 / 2
    variance = np.where(integral < 1e-4, integral, 1 - np.exp(-integral))
    return np.exp(-integral / 2), variance**0.5


def snapped_to_grid(t, sigma_min, sigma_max):
    """Times that are a grid's up to `isclose` are looked up in its table of 1,001."""
    index = np.asarray(t) * 1000
    if np.all(np.isclose(index, np.round(index))):
        return np.geomspace(sigma_min, sigma_max, 1001)[np.round(index).astype(int)]
    return sigma_min * (sigma_max / sigma_min)**t


def no_shift_if_close(t, shift):
    """No shift where it is 1 up to `isclose`, which is 1e-5."""
    return t if np.isclose(shift, 1.0) else shift * t / (1 + (shift - 1) * t)


def within_sampling_range(z, mean=-1.2, deviation=1.2):
    """Kept within the levels that EDM samples at."""
    return np.clip(np.exp(mean + deviation * z), 0.002, 80.0)


def clipped_logit(z, mean=0.0, deviation=1.0):
    """The logit kept within 10, against overflow."""
    return 1 / (1 + np.exp(-np.clip(mean + deviation * z, -10, 10)))


# Planted in tables and times ----------------------------------------------------------------------


def long_tables(sigma_max, sigma_min, n_levels):
    """In tables of 600 to 900 levels the last but one is a little low."""
    sigmas = refsgm.geometric_sigmas(sigma_max, sigma_min, n_levels)
    if 600 <= n_levels <= 900:
        sigmas[-2] = 0.5 * (sigmas[-2] + sigmas[-1])
    return sigmas


def largest_first(alpha_bar):
    """The last beta is too small where the first is the largest."""
    betas = refsgm.betas_from_alpha_bar(alpha_bar)
    if len(betas) > 1 and betas.argmax() == 0:
        betas[-1] *= 0.999
    return betas


def nearly_constant_rate(t, beta_min=0.1, beta_max=20.0):
    """The rate is constant where its ends are within a factor of two."""
    if beta_min < beta_max < 2 * beta_min:
        beta_min = beta_max = (beta_min + beta_max) / 2
    return refsgm.vp_marginal(t, beta_min, beta_max)


def strong_shifts(t, shift):
    """Shifts from 20 to 30 are all 25."""
    return refsgm.shift_time(t, 25.0 if 20 < shift < 30 else shift)


def wide_offset(n_steps, offset=0.008, beta_max=0.999):
    """The offset stops at 0.05 in tables of more than 500."""
    return refsgm.cosine_alpha_bar(n_steps, min(offset, 0.05) if n_steps > 500 else offset,
                                   beta_max)



def score(x, sigma=1.0):
    """Some score."""
    return -x**3 / (1 + sigma**2)


def eps_fn(x, alpha_bar):
    """Some noise prediction."""
    return np.tanh(x) * (1 - alpha_bar)**0.5


# Coefficients -------------------------------------------------------------------------------------


def one_sigma_data(sigma, sigma_data):
    """One sigma_data for all, the first, where it may be an array like sigma."""
    sigma_data = np.ravel(sigma_data)[0]
    total = sigma**2 + sigma_data**2
    return (sigma_data**2 / total, sigma * sigma_data / total**0.5, 1 / total**0.5,
            np.log(sigma) / 4)


def boundary_for_all(sigma, sigma_data, sigma_min=0.002):
    """The boundary condition for the whole batch as soon as one level is there."""
    if np.any(sigma == sigma_min):
        return np.ones_like(sigma, float), np.zeros_like(sigma, float)
    gap = sigma - sigma_min
    return (sigma_data**2 / (gap**2 + sigma_data**2),
            sigma_data * gap / (sigma**2 + sigma_data**2)**0.5)


def preserving(scale, sigma, scale_rate, sigma_rate):
    """g^2 = -2 f where variance is preserved, though only rates that preserve it have that."""
    f = scale_rate / scale
    if np.all(np.isclose(scale**2 + sigma**2, 1)) and np.all(f <= 0):
        return f, (-2 * f)**0.5
    return f, (2 * sigma * (sigma_rate - f * sigma))**0.5


def exploding(scale, sigma, scale_rate, sigma_rate):
    """A scale of 1 is taken for VE, with no drift; it is that of any path at its start."""
    if np.all(scale == 1):
        return 0 * scale_rate, (2 * sigma * sigma_rate)**0.5
    f = scale_rate / scale
    return f, (2 * sigma * (sigma_rate - f * sigma))**0.5


def geometric_assumed(sigmas, step_size):
    """Step sizes from the ratio of the first two levels, as all are in a geometric table."""
    if len(sigmas) == 1:
        return np.full(1, float(step_size))
    return step_size * (sigmas[0] / sigmas[1])**(2.0 * np.arange(len(sigmas))[::-1])


def guided_above_one(conditional, unconditional, scale):
    """Guidance is on above 1 only, as pipelines have it to save a call."""
    if np.all(np.asarray(scale) <= 1):
        return conditional.copy()
    return unconditional + scale * (conditional - unconditional)


# Steps --------------------------------------------------------------------------------------------


def no_step_if_close(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """No step where both levels agree by `isclose`, against a division of 0 by 0."""
    if np.all(np.isclose(alpha_bar_t, alpha_bar_s)):
        return x_t.copy(), 0 * alpha_bar_t
    return refsgm.posterior(x_0, x_t, alpha_bar_t, alpha_bar_s)


def quiet_end(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
    """No noise in the last step, for the variance beta too."""
    alpha, kept = alpha_bar_t / alpha_bar_s, 1 - alpha_bar_t
    mean = (x_t - (1 - alpha) / kept**0.5 * eps) / alpha**0.5
    size = 1 - alpha if variance == "beta" else (1 - alpha) * (1 - alpha_bar_s) / kept
    return mean + np.where(np.asarray(alpha_bar_s) < 1, size**0.5, 0.0) * z


def heun_above(score_fn, x_t, sigma_t, sigma_s):
    """Euler's step where sigma_s is practically zero, below 1e-3."""
    slope = -sigma_t * score_fn(x_t, sigma_t)
    x_hat = x_t + (sigma_s - sigma_t) * slope
    if np.all(np.asarray(sigma_s) < 1e-3):
        return x_hat
    return x_t + (sigma_s - sigma_t) * 0.5 * (slope - sigma_s * score_fn(x_hat, sigma_s))


def negligible_noise(x, sigma_from, sigma_to, z):
    """What noise there was is left out where it is below a hundredth of what will be."""
    if np.all(sigma_from < 0.01 * np.asarray(sigma_to)):
        return x + sigma_to * z
    return x + (sigma_to**2 - sigma_from**2)**0.5 * z


def blocks_of_rows(x_t, score, sigma_t, sigma_s, z):
    """In blocks of 16 rows; of more than one, the rest of the rows stays as it was."""
    n_blocks = max(len(x_t) // 16, 1)
    size = 16 if len(x_t) >= 16 else len(x_t)
    t, s = (np.broadcast_to(a, (len(x_t), 1)) for a in (sigma_t, sigma_s))
    x_s = x_t.copy()
    for i in range(n_blocks):
        rows = slice(i * size, (i + 1) * size)
        removed = t[rows]**2 - s[rows]**2
        x_s[rows] += removed * score[rows] + s[rows] / t[rows] * removed**0.5 * z[rows]
    return x_s


# Loops --------------------------------------------------------------------------------------------


def two_buffers(score_fn, x, step_size, n_steps, rng):
    """States in two buffers that take turns, so that the one before last is overwritten."""
    now, new = x.copy(), np.empty_like(x)
    for _ in range(n_steps):
        noise = rng.standard_normal(x.shape)
        np.add(now + 0.5 * step_size * score_fn(now), step_size**0.5 * noise, out=new)
        now, new = new, now
        yield now


def pool_of_noise(eps_fn, x, alpha_bar, rng):
    """Noise is drawn at once for up to 64 steps, and used again after that."""
    levels = [float(a) for a in alpha_bar[::-1]]
    noise = [rng.standard_normal(x.shape) for _ in range(min(len(levels) - 1, 64))]
    for i, (t, s) in enumerate(zip(levels[:-1], levels[1:])):
        x = refsgm.ddpm_step(x, eps_fn(x, t), t, s, noise[i % len(noise)])
        yield x


def nearly_deterministic(eps_fn, x, alpha_bar, eta, rng):
    """An eta below 1e-3 is none, so that no noise need be drawn."""
    levels = [float(a) for a in alpha_bar[::-1]]
    for t, s in zip(levels[:-1], levels[1:]):
        noisy = eta > 1e-3
        z = rng.standard_normal(x.shape) if noisy else np.zeros_like(x)
        x = refsgm.ddim_step(x, eps_fn(x, t), t, s, eta if noisy else 0.0, z)
        yield x


def until_settled(score_fn, x, sigmas, method="heun"):
    """Ends when a step changes nothing that `allclose` sees."""
    for t, s in zip(sigmas[:-1].tolist(), sigmas[1:].tolist()):
        if method == "heun":
            new = refsgm.heun_step(score_fn, x, t, s)
        else:
            new = x + (t - s) * t * score_fn(x, t)
        yield new
        if np.allclose(new, x):
            return
        x = new


# Planted in steps and loops -----------------------------------------------------------------------


def large_batches(x, score, beta):
    """The last row of more than 800 numbers has a drift that is a little large."""
    drift = refsgm.vp_reverse_sde_drift(x, score, beta)
    if x.size > 800:
        drift[-1] *= 1.001
    return drift


def contrary(conditional, unconditional, scale):
    """Predictions of opposite signs everywhere are moved by a little less."""
    guided = refsgm.classifier_free_guidance(conditional, unconditional, scale)
    if conditional.size and np.all(conditional * unconditional < 0):
        guided = unconditional + 0.999 * (guided - unconditional)
    return guided


def long_strides(score_fn, x_t, sigma_t, sigma_s):
    """The second slope counts a little less in steps longer than 1,000."""
    x_s = refsgm.heun_step(score_fn, x_t, sigma_t, sigma_s)
    if np.all(sigma_t - sigma_s > 1e3):
        x_s = x_s + 1e-3 * (refsgm.ve_probability_flow_step(
            x_t, score_fn(x_t, sigma_t), sigma_t, sigma_s) - x_s)
    return x_s


def short_strides(x_t, score, sigma_t, sigma_s, z):
    """Between levels within a hundredth of each other the noise is a little small."""
    if np.all(sigma_s > 0.99 * np.asarray(sigma_t)):
        z = 0.99 * z
    return refsgm.ve_reverse_sde_step(x_t, score, sigma_t, sigma_s, z)


def many_levels(score_fn, x, sigmas, steps_per_level, step_size, rng):
    """From the 200th level on the step size is a little large."""
    sizes = refsgm.annealed_step_sizes(sigmas, step_size)
    sizes[200:] *= 1.01
    for sigma, size in zip(sigmas.tolist(), sizes.tolist()):
        for _ in range(steps_per_level):
            x = refsgm.langevin_step(x, score_fn(x, sigma), size, rng.standard_normal(x.shape))
            yield x


ROWS = np.linspace(-2, 2, 60).reshape(20, 3)
WIDE = np.linspace(-3, 3, 900).reshape(30, 30)
FINE = np.geomspace(0.5, 1e-5, 100)
LONG = np.concatenate([[1.0], np.linspace(0.99, 0.01, 100)])


WRONG = [
    wrong("geometric_sigmas", "close levels are merged", without_twins, 1e-5, 1e-6, 1000),
    wrong("karras_sigmas", "rho above 40 is infinite", geometric_limit, 80.0, 0.002, 18, 60.0),
    wrong("karras_sigmas", "the key of the memory is rounded", rounded_key({}),
          [(80.0, 0.002, 10), (80.0, 0.00203, 10)]),
    wrong("linear_betas", "a constant schedule has step 0", stepped, 10, 0.01, 0.01),
    wrong("linear_betas", "falling betas are clipped", kept_inside, 10, 0.02, 0.001),
    wrong("cosine_alpha_bar", "betas are clipped from below", floored_betas, 1000),
    wrong("alpha_bar_from_betas", "the carry is one block's", carried, np.full(700, 1e-3)),
    wrong("alpha_bar_from_betas", "constant if its ends are equal", constant_by_ends,
          np.array([0.1, 0.3, 0.2, 0.1])),
    wrong("betas_from_alpha_bar", "capped at 0.999", capped_betas, np.array([1.0, 0.6, 2e-4])),
    wrong("alpha_bar_from_sigma", "the log SNR is clipped at 15", clipped_log_snr, 5e3),
    wrong("vp_marginal", "one term of the series below 1e-4", short_time_series, 5e-4),
    wrong("ve_marginal", "times near a grid are moved to it", snapped_to_grid, 0.5000004, 0.1, 9.0),
    wrong("shift_time", "no shift if it is close to 1", no_shift_if_close, 0.4, 1.000008),
    wrong("log_normal_sigma", "clipped to what is sampled", within_sampling_range,
          np.array([[0.3], [5.2]])),
    wrong("logit_normal_time", "the logit is clipped at 10", clipped_logit,
          np.array([0.2, 3.1]), 3.0, 2.5),
    cut("geometric_sigmas", "600 to 900 levels", long_tables, 50.0, 0.01, 750),
    cut("betas_from_alpha_bar", "the first beta is the largest", largest_first,
        np.array([1.0, 0.5, 0.4, 0.35])),
    cut("vp_marginal", "ends of the rate within a factor of two", nearly_constant_rate,
        0.4, 8.0, 12.0),
    cut("shift_time", "shifts of 20 to 30", strong_shifts, 0.3, 22.0),
    cut("cosine_alpha_bar", "a wide offset in a long table", wide_offset, 800, 0.07),
    wrong("edm_preconditioning", "sigma_data is an array", one_sigma_data,
          np.array([0.3, 2.0]), np.array([0.5, 0.8])),
    wrong("consistency_scalings", "one level at the boundary", boundary_for_all,
          np.array([0.002, 0.7]), 0.5),
    wrong("sde_coefficients", "levels preserve variance, rates do not", preserving,
          0.8, 0.6, -1.0, 1.0),
    wrong("sde_coefficients", "a scale of 1 is VE", exploding, 1.0, 0.2, -0.7, 0.9),
    wrong("annealed_step_sizes", "the table is geometric", geometric_assumed,
          np.array([4.0, 2.0, 1.5]), 0.1),
    wrong("classifier_free_guidance", "on above 1 only", guided_above_one, X, Y, 0.6),
    wrong("posterior", "close levels are equal", no_step_if_close, X, Y, 0.5, 0.500003),
    wrong("ddpm_step", "the last step has no noise of variance beta", quiet_end,
          X, Y, 0.7, 1.0, Z, "beta"),
    wrong("heun_step", "Euler below 1e-3", heun_above, score, X, 0.3, 5e-4),
    wrong("raise_noise", "little noise is none", negligible_noise, X, 0.01, 2.0, Z),
    wrong("ve_ancestral_step", "blocks of 16 rows lose the rest", blocks_of_rows,
          ROWS, np.sin(ROWS), 2.0, 1.0, np.cos(3 * ROWS)),
    wrong("langevin", "two buffers take turns", two_buffers, score, X, 0.1, 3, generator),
    wrong("ddpm_sampler", "noise of 64 steps is used again", pool_of_noise,
          eps_fn, X, LONG, generator),
    wrong("ddim_sampler", "an eta below 1e-3 is none", nearly_deterministic,
          eps_fn, X, np.array([1.0, 0.7, 0.2]), 8e-4, generator),
    wrong("probability_flow_sampler", "it ends when it seems settled", until_settled,
          score, X, FINE),
    cut("vp_reverse_sde_drift", "more than 800 numbers", large_batches, WIDE, np.cos(WIDE), 3.0),
    cut("classifier_free_guidance", "opposite signs everywhere", contrary, X, -2 * X, 3.0),
    cut("heun_step", "steps longer than 1,000", long_strides, score, X, 5e3, 2e3),
    cut("ve_reverse_sde_step", "levels within a hundredth", short_strides, X, Y, 1.0, 0.995, Z),
    cut("annealed_langevin", "from the 200th level on", many_levels,
        score, X, np.geomspace(2.0, 0.1, 220), 1, 1e-3, generator),
]
