"""Mistakes of good faith in schedules, steps and loops, and some planted, by one who had not read
the probes.

Each has the arguments that show it.
"""

import numpy as np

from .fresh import cut, generator, wrong

X = np.array([[0.5, -1.0], [2.0, 0.3], [-0.7, 1.1]])                                       # (B, D)
Y = np.array([[1.5, 0.2], [-0.4, 0.9], [0.6, -2.0]])
Z = np.array([[-0.3, 0.8], [1.2, -0.5], [0.1, 0.4]])
KEPT = np.array([[0.4, -0.6], [1.1, 0.2], [-0.9, 0.7]])
WIDE = np.sin(np.arange(32.0)).reshape(2, 16)
TALL = np.cos(np.arange(48.0)).reshape(24, 2)


def score(x, sigma=1.0):
    """Some score."""
    return -x**3 / (1 + sigma**2)


def constant(x, sigma):
    """A score that is the same everywhere, kept in one array."""
    return KEPT


def like(x, result):
    """A result in the precision of x."""
    return np.asarray(result, dtype=np.result_type(x, np.float32))


# Tables -------------------------------------------------------------------------------------------


def levels_by_loop(sigma_max, sigma_min, n_levels):
    """Each level from the one before it, until the smallest is near, which is then appended."""
    ratio = (sigma_min / sigma_max)**(1 / (n_levels - 1))
    sigmas = []
    sigma = float(sigma_max)
    while sigma > sigma_min * 1.001:
        sigmas.append(sigma)
        sigma = sigma_max * ratio**len(sigmas)
    return np.array([*sigmas, sigma_min])


def limit_of_rho(sigma_max, sigma_min, n_levels, rho=7.0):
    """Of a large rho the limit, which is geometric."""
    u = np.linspace(0, 1, n_levels)
    if rho > 40:
        return np.exp((1 - u) * np.log(sigma_max) + u * np.log(sigma_min))
    a, b = sigma_max**(1 / rho), sigma_min**(1 / rho)
    return (a + u * (b - a))**rho


def betas_within(n_steps, beta_min=1e-4, beta_max=0.02):
    """Betas that rounding cannot take past their ends, which are taken to be in order."""
    return np.clip(np.linspace(beta_min, beta_max, n_steps), beta_min, beta_max)


def cosine_floor(n_steps, offset=0.008, beta_max=0.999):
    """Betas have a floor beside their cap."""
    t = np.arange(n_steps + 1) / n_steps
    f = np.sin((1 - t) / (1 + offset) * np.pi / 2)**2
    betas = np.clip(1 - f[1:] / f[:-1], 1e-5, beta_max)
    return np.append(1.0, np.cumprod(1 - betas))


def product_in_blocks(betas):
    """A product in blocks of 256, each of which goes on from the last one's own product."""
    table, carry = [np.ones_like(betas[:1])], 1.0
    for i in range(0, len(betas), 256):
        block = np.cumprod(1 - betas[i:i + 256])
        table.append(carry * block)
        carry = block[-1]
    return np.concatenate(table)


def capped_betas(alpha_bar):
    """Betas of any table have the cap of the cosine schedule's."""
    return np.minimum(1 - alpha_bar[1:] / alpha_bar[:-1], 0.999)


def finite_ratio(alpha_bar):
    """The infinite ratio of clean data becomes the largest number."""
    with np.errstate(divide="ignore"):
        return np.nan_to_num(np.divide(alpha_bar, 1 - np.asarray(alpha_bar)))


def sigma_like_time(t, sigma_min, sigma_max):
    """The result has the dtype of t, integers too."""
    sigma = np.empty_like(t)
    sigma[...] = sigma_min * (sigma_max / sigma_min)**np.asarray(t)
    return sigma


def stable_sizes(sigmas, step_size):
    """No step is larger than the one at which the chain of a Gaussian diverges."""
    return np.minimum(step_size * sigmas**2 / sigmas[-1]**2, 4 * sigmas**2)


def far_ends(sigma_max, sigma_min, n_levels):
    """Over eight decades the levels are bent."""
    u = np.linspace(0, 1, n_levels)
    if sigma_max > 1e8 * sigma_min:
        u = u**1.01
    return sigma_max * (sigma_min / sigma_max)**u


def many_near(sigmas, step_size):
    """Of more than twenty levels within a factor of 2, all but the last."""
    sizes = step_size * (sigmas / sigmas[-1])**2
    if len(sigmas) > 20 and sigmas[0] < 2 * sigmas[-1]:
        sizes[:-1] *= 1.001
    return sizes


TABLES = [
    wrong("geometric_sigmas", "the loop stops within a thousandth of the smallest level",
          levels_by_loop, 1.0, 0.5, 1000),
    wrong("karras_sigmas", "a large rho is taken for its limit", limit_of_rho, 80.0, 0.002, 10,
          50.0),
    wrong("linear_betas", "clipped between ends that fall", betas_within, 5, 0.3, 0.1),
    wrong("cosine_alpha_bar", "betas are at least 1e-5", cosine_floor, 1000, 0.001),
    wrong("alpha_bar_from_betas", "the third block forgets the first", product_in_blocks,
          np.linspace(1e-4, 0.02, 600)),
    wrong("betas_from_alpha_bar", "betas are at most 0.999", capped_betas,
          np.array([1.0, 0.5, 1e-4])),
    wrong("signal_to_noise_ratio", "infinity made finite", finite_ratio, np.array([0.5, 1.0])),
    wrong("ve_marginal", "integer times give integer levels", sigma_like_time, np.array([0, 1]),
          0.01, 2.5),
    wrong("annealed_step_sizes", "step sizes are at most 4 sigma^2", stable_sizes,
          np.array([1.0, 0.3, 0.1]), 0.5),
    cut("geometric_sigmas", "levels over eight decades", far_ends, 1e4, 1e-5, 6),
    cut("annealed_step_sizes", "many levels that are near each other", many_near,
        np.linspace(1.5, 1.0, 30), 0.1),
]


# Steps --------------------------------------------------------------------------------------------


def last_for_all(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """If a row ends in clean data, all do."""
    if np.any(np.equal(alpha_bar_s, 1)):
        return 1.0 * x_0, 0.0 * alpha_bar_t
    alpha = alpha_bar_t / alpha_bar_s
    left = 1 - alpha_bar_t
    mean = alpha_bar_s**0.5 * (1 - alpha) * x_0 + alpha**0.5 * (1 - alpha_bar_s) * x_t
    return mean / left, (1 - alpha) * (1 - alpha_bar_s) / left


def tamed(x, score, step_size, z):
    """A row of the score is at most 1,000 long, so that no chain is thrown out."""
    norm = np.linalg.norm(score, axis=1, keepdims=True)
    score = score * (1000 / np.maximum(norm, 1000))
    return x + step_size / 2 * score + step_size**0.5 * z


def quiet_end(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
    """The last step, which has no noise, is known by its level, with some room for rounding."""
    beta, left = 1 - alpha_bar_t / alpha_bar_s, 1 - alpha_bar_t
    mean = (x_t - beta / left**0.5 * eps) / (1 - beta)**0.5
    size = beta if variance == "beta" else beta * (1 - alpha_bar_s) / left
    is_last = np.greater(alpha_bar_s, 1 - 5e-5) & (variance == "posterior")
    return mean + size**0.5 * like(z, np.where(is_last, 0.0, z))


def without_a_little_noise(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    """A small eta is taken for 0."""
    x_0 = (x_t - (1 - alpha_bar_t)**0.5 * eps) / alpha_bar_t**0.5
    if eta < 0.01:
        return alpha_bar_s**0.5 * x_0 + (1 - alpha_bar_s)**0.5 * eps
    alpha, left = alpha_bar_t / alpha_bar_s, (1 - alpha_bar_s) / (1 - alpha_bar_t)
    variance = eta**2 * left * (1 - alpha)
    kept = (1 - alpha_bar_s) * (1 - eta**2 + eta**2 * alpha * left)
    return alpha_bar_s**0.5 * x_0 + kept**0.5 * eps + variance**0.5 * z


def floored_slope(x_t, score, sigma_t, sigma_s):
    """The slope of the denoiser, whose division is made safe."""
    toward = -sigma_t**2 * score                                          # x_t minus the denoised
    return like(x_t, x_t + (sigma_s - sigma_t) * toward / np.maximum(sigma_t, 1e-3))


def slopes_in_place(score_fn, x_t, sigma_t, sigma_s):
    """Scores are scaled in the arrays that the function returned."""
    slope = score_fn(x_t, sigma_t)
    slope *= sigma_t
    x_hat = x_t + (sigma_t - sigma_s) * slope
    if not np.any(sigma_s):
        return x_hat
    end = score_fn(x_hat, sigma_s)
    return x_t + (sigma_t - sigma_s) / 2 * (slope + sigma_s * end)


def short_at_noise(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """Short steps at large noise have too much variance."""
    beta, left = (alpha_bar_s - alpha_bar_t) / alpha_bar_s, 1 - alpha_bar_t
    mean = (alpha_bar_s**0.5 * beta * x_0 + (1 - beta)**0.5 * (1 - alpha_bar_s) * x_t) / left
    variance = beta * (1 - alpha_bar_s) / left
    short = np.less(beta, 0.05) & np.less(alpha_bar_t, 0.1)
    return mean, variance + 0.001 * variance * short


def near_levels_of_many(score_fn, x_t, sigma_t, sigma_s):
    """Of more than 20 rows, a step of less than a tenth of sigma is Euler's."""
    slope = sigma_t * score_fn(x_t, sigma_t)
    x_hat = x_t + (sigma_t - sigma_s) * slope
    if not np.any(sigma_s) or (len(x_t) > 20 and np.all(np.greater(sigma_s, 0.9 * sigma_t))):
        return x_hat
    return x_t + 0.5 * (sigma_t - sigma_s) * (slope + sigma_s * score_fn(x_hat, sigma_s))


def wide_with_some_noise(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    """From 12 features on, an eta between 0.7 and 0.95 gives the noise of 1."""
    x_0 = (x_t - (1 - alpha_bar_t)**0.5 * eps) / alpha_bar_t**0.5
    if x_t.shape[1] >= 12 and 0.7 < eta < 0.95:
        eta = 1.0
    share = (1 - alpha_bar_s) / (1 - alpha_bar_t)
    variance = eta**2 * share * (alpha_bar_s - alpha_bar_t) / alpha_bar_s
    direction = (1 - alpha_bar_s) * (1 - eta**2) + eta**2 * share * (
        alpha_bar_t / alpha_bar_s * (1 - alpha_bar_s))
    return alpha_bar_s**0.5 * x_0 + direction**0.5 * eps + variance**0.5 * z


STEPS = [
    wrong("posterior", "one row at alpha_bar_s = 1 ends all rows", last_for_all, X, Y,
          np.array([[0.3], [0.5], [0.2]]), np.array([[0.6], [1.0], [0.7]])),
    wrong("langevin_step", "the score is at most 1,000 long", tamed, X, 2000 * Y, 1e-4, Z),
    wrong("ddpm_step", "no noise at alpha_bar_s beyond 1 - 5e-5", quiet_end, X, Y, 0.999, 0.99997,
          Z),
    wrong("ddim_step", "eta below 0.01 is 0", without_a_little_noise, X, Y, 0.3, 0.6, 0.005, Z),
    wrong("ve_probability_flow_step", "sigma_t below 1e-3 in the denominator", floored_slope, X, Y,
          4e-4, 1e-4),
    wrong("heun_step", "writes into what the function returned", slopes_in_place, constant, X, 2.0,
          1.0),
    cut("posterior", "short steps at large noise", short_at_noise, X, Y, 0.05, 0.0505),
    cut("heun_step", "near levels of many rows", near_levels_of_many, score, TALL, 1.0, 0.95),
    cut("ddim_step", "many features and an eta below 1", wide_with_some_noise, WIDE, -WIDE, 0.3,
        0.6, 0.8, WIDE[::-1]),
]


def floor_of_variance(x_t, score, sigma_t, sigma_s, z):
    """The variance of a step is at least 1e-8, so that its root is safe."""
    gone = np.maximum((sigma_t - sigma_s) * (sigma_t + sigma_s), 1e-8)
    return like(x_t, x_t + gone * score + np.sqrt(gone) * z)


def overlapping_blocks(x_t, score, sigma_t, sigma_s, z):
    """Blocks of 8 rows in place; the last one reaches back into rows that are done."""
    rows, size = len(x_t), min(8, len(x_t))
    sigma_t, sigma_s = (np.broadcast_to(a, (rows, 1)) for a in (sigma_t, sigma_s))
    out = np.array(x_t, dtype=np.result_type(x_t, score))
    for i in range(0, rows, size):
        i = min(i, rows - size)
        part = slice(i, i + size)
        a, b = sigma_t[part], sigma_s[part]
        gone = (a - b) * (a + b)
        out[part] += gone * score[part] + b / a * gone**0.5 * z[part]
    return out


def tangent(x, sigma_from, sigma_to, z):
    """Where squares would cancel, their difference is that along the tangent."""
    gap = sigma_to - sigma_from
    added = np.where(gap < 1e-3 * sigma_to, 2 * sigma_to * gap, sigma_to**2 - sigma_from**2)
    return like(x, x + np.sqrt(added) * z)


def one_beta(x, score, beta):
    """Rates that are close to each other are one number."""
    first = np.ravel(beta)[0]
    if np.allclose(beta, first):
        beta = first
    return like(x, -beta * (0.5 * x + score))


def long_path(x_t, u, t, s):
    """A step goes towards the data, however its times are ordered."""
    return x_t - abs(t - s) * u


def without_unconditional(conditional, unconditional, scale):
    """Nothing is guided at a scale near 1."""
    if np.all(np.abs(np.subtract(scale, 1)) < 0.01):
        return 1.0 * conditional
    return unconditional + scale * (conditional - unconditional)


def beyond_twenty(conditional, unconditional, scale):
    """Of a scale beyond 20 a hundredth of the excess is lost."""
    scale = scale - 0.01 * np.maximum(np.subtract(scale, 20), 0)
    return like(conditional, unconditional + scale * (conditional - unconditional))


def fast_rate(x, score, beta):
    """Beyond a rate of 50 the score counts a little more."""
    return -0.5 * beta * (x + score + 0.001 * score * np.greater(beta, 50))


STEPS += [
    wrong("ve_reverse_sde_step", "a variance below 1e-8 is 1e-8", floor_of_variance, X, Y, 8e-5,
          4e-5, Z),
    wrong("ve_ancestral_step", "rows of the last two blocks take two steps", overlapping_blocks,
          TALL[:20], TALL[2:22], 1.0, 0.5, TALL[4:]),
    wrong("raise_noise", "near levels along the tangent", tangent, X, 0.9995, 1.0, Z),
    wrong("vp_reverse_sde_drift", "rates that allclose calls equal", one_beta, X, Y,
          np.array([[1.0], [1.000006], [0.999996]])),
    wrong("flow_step", "from t to a larger s", long_path, X, Y, 0.25, 0.5),
    wrong("classifier_free_guidance", "within a hundredth of 1 there is no guidance",
          without_unconditional, X, Y, 1.005),
    cut("classifier_free_guidance", "a scale beyond 20", beyond_twenty, X, Y, 30.0),
    cut("vp_probability_flow_drift", "a rate beyond 50", fast_rate, X, Y, 80.0),
]


# Loops --------------------------------------------------------------------------------------------


def noise(x, rng):
    """Standard normal noise like x."""
    return np.asarray(rng.standard_normal(x.shape), dtype=np.result_type(x, np.float32))


def until_settled(score_fn, x, step_size, n_steps, rng):
    """A chain that hardly moves has settled."""
    for _ in range(n_steps):
        moved = 0.5 * step_size * score_fn(x) + step_size**0.5 * noise(x, rng)
        x = x + moved
        yield x
        if np.max(np.abs(moved)) < 1e-3:
            return


def tired(score_fn, x, step_size, n_steps, rng):
    """After 600 steps the noise has a hundredth less."""
    for i in range(n_steps):
        size = step_size**0.5 * (0.99 if i >= 600 else 1.0)
        x = x + 0.5 * step_size * score_fn(x) + size * noise(x, rng)
        yield x


def level_by_share(score_fn, x, sigmas, steps_per_level, step_size, rng):
    """One loop, whose level is the integer part of i times 1 / K."""
    levels = sigmas.tolist()
    sizes = (step_size * (sigmas / sigmas[-1])**2).tolist()
    share = 1 / max(steps_per_level, 1)
    for i in range(len(levels) * steps_per_level):
        level = int(i * share)
        x = x + 0.5 * sizes[level] * score_fn(x, levels[level])
        x = x + sizes[level]**0.5 * noise(x, rng)
        yield x


def log_variances(eps_fn, x, alpha_bar, rng):
    """Logarithms of all variances, of which the first, of 0, is replaced by the second."""
    alpha_bar = np.asarray(alpha_bar, dtype=np.float64)
    alpha = alpha_bar[1:] / alpha_bar[:-1]
    variance = (1 - alpha) * (1 - alpha_bar[:-1]) / (1 - alpha_bar[1:])
    log_variance = np.log(np.append(variance[1], variance[1:]))
    for i in reversed(range(len(alpha))):
        level, kept, z = float(alpha_bar[i + 1]), float(alpha[i]), noise(x, rng)
        mean = (x - (1 - kept) / (1 - level)**0.5 * eps_fn(x, level)) / kept**0.5
        x = mean + float(np.exp(0.5 * log_variance[i])) * z if i else mean
        yield x


def next_by_name(eps_fn, x, alpha_bar, eta, rng):
    """The level that comes next is looked up under the present one, to four digits."""
    levels = alpha_bar.tolist()
    after = {f"{a:.4f}": b for a, b in zip(levels[1:], levels[:-1])}
    for a in levels[:0:-1]:
        b = after[f"{a:.4f}"]
        eps = eps_fn(x, a)
        variance = eta**2 * (1 - b) / (1 - a) * (b - a) / b
        x_0 = (x - (1 - a)**0.5 * eps) / a**0.5
        x = b**0.5 * x_0 + max(1 - b - variance, 0.0)**0.5 * eps
        if eta > 0:
            x = x + max(variance, 0.0)**0.5 * noise(x, rng)
        yield x


def without_doubles(score_fn, x, sigmas, method="heun"):
    """Levels that stand twice in the table are left out, equal within 1e-6."""
    levels = sigmas[np.append(-np.diff(sigmas) > 1e-6, True)].tolist()
    for a, b in zip(levels[:-1], levels[1:]):
        slope = a * score_fn(x, a)
        end = x + (a - b) * slope
        if method == "heun" and b > 0:
            end = x + (a - b) / 2 * (slope + b * score_fn(end, b))
        x = end
        yield x


LOOPS = [
    wrong("langevin", "stops when no entry moves by a thousandth", until_settled, score, X, 1e-8, 5,
          generator),
    wrong("annealed_langevin", "int(49 * (1 / 49)) is 0", level_by_share, score, X,
          np.array([1.0, 0.5]), 49, 0.01, generator),
    wrong("ddpm_sampler", "a table of one step", log_variances, score, X, np.array([1.0, 0.4]),
          generator),
    wrong("ddim_sampler", "levels that are equal to four digits", next_by_name, score, X,
          np.array([1.0, 0.5, 0.49997, 0.1]), 0.0, generator),
    wrong("probability_flow_sampler", "levels less than 1e-6 apart", without_doubles, score, X,
          np.array([1e-4, 1e-5, 9.5e-6, 1e-6])),
    cut("langevin", "after 600 steps", tired, score, X, 0.01, 700, generator),
]


# Laws of time -------------------------------------------------------------------------------------


def levels_of_edm(z, mean=-1.2, deviation=1.2):
    """Levels stay between those that EDM samples at."""
    return np.clip(np.exp(mean + deviation * np.asarray(z)), 0.002, 80.0)


def saturated(z, mean=0.0, deviation=1.0):
    """A logit beyond 10 is 10, so that t is never an end."""
    return 1 / (1 + np.exp(-np.clip(mean + deviation * z, -10, 10)))


def stops_before(t, offset=0.008):
    """Time ends at 0.9946, where samplers of the cosine schedule start."""
    a = np.pi / 2 / (1 + offset)
    t, top = np.minimum(t, 0.9946), float(np.sin(a))
    return (np.sin((1 - t) * a) / top,
            np.sqrt(np.sin(t * a) * np.sin((t + 2 * offset) * a)) / top)


def bounded_rate(scale, sigma, scale_rate, sigma_rate):
    """Scales are at least 1e-3 where something is divided by them."""
    safe = np.maximum(scale, 1e-3)
    growth = scale * sigma_rate - sigma * scale_rate
    return scale_rate / safe, (2 * sigma * growth / safe)**0.5


def falling_rate(t, beta_min=0.1, beta_max=20.0):
    """A rate that falls is taken for its mean."""
    if beta_max < beta_min:
        beta_min = beta_max = (beta_min + beta_max) / 2
    power = 0.5 * t * beta_min + 0.25 * t**2 * (beta_max - beta_min)
    return np.exp(-power), np.sqrt(-np.expm1(-2 * power))


def late_and_small(t, shift):
    """Late times of a shift below a fifth are a little early."""
    time = shift * t / (1 - t + shift * t)
    if shift < 0.2:
        time = time - 0.001 * time * np.greater(t, 0.85)
    return time


LAWS = [
    wrong("log_normal_sigma", "between 0.002 and 80", levels_of_edm, np.array([-5.0, 0.3])),
    wrong("logit_normal_time", "logits within 10", saturated, np.array([-0.5, 3.5]), 2.0, 2.5),
    wrong("cosine_marginal", "times end at 0.9946", stops_before, np.array([0.5, 0.998])),
    wrong("sde_coefficients", "scales below 1e-3", bounded_rate, 5e-4, 1.0, -1.5, 0.2),
    cut("vp_marginal", "the rate falls", falling_rate, 0.4, 10.0, 2.0),
    cut("shift_time", "late times of a small shift", late_and_small, np.array([0.5, 0.95]), 0.1),
]

WRONG = TABLES + STEPS + LOOPS + LAWS
