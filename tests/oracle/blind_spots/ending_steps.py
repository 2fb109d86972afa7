"""Mistakes of good faith, and some planted, in steps, samplers, schedules and weights.

Written when the probes were final, by one who had not read them.
"""

import mmap

import numpy as np

import refsgm

from . import bent
from .fresh import cut, generator, wrong

X = np.array([[0.5, -1.0], [2.0, 0.3], [-0.7, 1.1]])                                       # (B, D)
Y = np.array([[1.5, 0.2], [-0.4, 0.9], [0.6, -2.0]])
Z = np.array([[-0.3, 0.8], [1.2, -0.5], [0.1, 0.4]])
COLUMN = np.array([[0.3], [0.6], [0.9]])
SPIKE = np.where(np.arange(40) == 7, 30.0, 0.1)[None]
COSINES = np.cos(np.arange(640.0)).reshape(16, 40)


def score(x, sigma=1.0):
    """Some score."""
    return -x / (1 + sigma**2)


# Forward noising, guidance, flow ------------------------------------------------------------------


def from_pixels(x_0, alpha_bar_t, eps):
    """Images in [0, 1] are taken to [-1, 1] first, and so are data that happen to lie there."""
    if x_0.min() >= 0 and x_0.max() <= 1:
        x_0 = 2 * x_0 - 1
    return alpha_bar_t**0.5 * x_0 + (1 - alpha_bar_t)**0.5 * eps


def any_clean(x, sigma_from, sigma_to, z):
    """Clean data need no difference of variances; one clean row counts for all."""
    if np.any(np.equal(sigma_from, 0)):
        return x + sigma_to * z
    return x + ((sigma_to - sigma_from) * (sigma_to + sigma_from))**0.5 * z


def row_by_scale(conditional, unconditional, scale):
    """Rows found by their scale in a dictionary, which holds the last of equal ones."""
    if np.ptp(scale) == 0:
        return unconditional + scale * (conditional - unconditional)
    guided = unconditional.copy()
    for s, i in {float(s): i for i, s in enumerate(np.ravel(scale))}.items():
        guided[i] += s * (conditional[i] - unconditional[i])
    return guided


def direction_of_first(x_t, u, t, s):
    """Whether time falls or rises is read from the first row."""
    direction = np.sign(np.ravel(np.subtract(s, t))[0])
    return x_t + direction * np.abs(s - t) * u


def ends_kept(t, shift):
    """The ends of a table in order are put back, as if they were 1 and 0."""
    shifted = shift * t / ((1 - t) + shift * t)
    if np.ndim(t) == 1 and len(t) > 1 and np.all(np.diff(t) < 0):
        shifted[[0, -1]] = t[[0, -1]]
    return shifted


def straight_line(x_t, score, scale, sigma, scale_rate, sigma_rate):
    """Where scale + sigma = 1 the path is the straight line, whose rates need not be 1."""
    if np.allclose(scale + sigma, 1):
        x_0 = (x_t + sigma**2 * score) / scale
        return -sigma * score - x_0
    return (scale_rate * x_t - sigma * (scale * sigma_rate - sigma * scale_rate) * score) / scale


def as_pseudo_inverse(x_t, u, scale, sigma, scale_rate, sigma_rate):
    """Rows whose sigma / scale hardly changes, compared with others, are left at zero."""
    growth = scale * sigma_rate - sigma * scale_rate
    tells = np.abs(growth) > 1e-4 * np.max(np.abs(growth))
    return np.where(tells, (scale_rate * x_t - scale * u) / (sigma * growth), 0.0)


def as_in_the_paper(scale, sigma, scale_rate, sigma_rate):
    """g^2 as a difference, which rounds to a negative number where it is zero."""
    f = scale_rate / scale
    with np.errstate(invalid="ignore"):
        return f, np.sqrt(2 * sigma * sigma_rate - 2 * f * sigma**2)


def inside_margin(z, mean=0.0, deviation=1.0):
    """Times kept away from 0 and 1."""
    return np.clip(1 / (1 + np.exp(-(mean + deviation * z))), 1e-5, 1 - 1e-5)


# Tables -------------------------------------------------------------------------------------------


ALPHA_BARS, KARRAS = {}, {}


def by_its_ends(betas):
    """Tables remembered by their length and ends."""
    key = len(betas), betas[0], betas[-1]
    if key not in ALPHA_BARS:
        ALPHA_BARS[key] = refsgm.alpha_bar_from_betas(betas)
    return ALPHA_BARS[key].copy()


def by_its_name(sigma_max, sigma_min, n_levels, rho=7.0):
    """Tables remembered by a name that has four digits of each number."""
    key = f"karras-{sigma_max:.4g}-{sigma_min:.4g}-{n_levels}-{rho:.4g}"
    if key not in KARRAS:
        KARRAS[key] = refsgm.karras_sigmas(sigma_max, sigma_min, n_levels, rho)
    return KARRAS[key].copy()


def rising_betas(n_steps, beta_min=1e-4, beta_max=0.02):
    """The variances rise, whichever is called the smallest."""
    low, high = sorted((beta_min, beta_max))
    return np.linspace(low, high, n_steps)


def capped_below(n_steps, offset=0.008, beta_max=0.999):
    """The betas are capped below as well, at 1e-4, which few steps do not reach."""
    angle = np.arange(n_steps, -1, -1) / n_steps / (1 + offset) * np.pi / 2
    b, a = angle[:-1], angle[1:]
    betas = np.sin(b - a) * np.sin(b + a) / np.sin(b)**2
    betas = np.clip(betas, min(1e-4, beta_max), beta_max)
    return np.concatenate([[1.0], np.cumprod(1 - betas)])


def stable_sizes(sigmas, step_size):
    """No step beyond the one at which Langevin dynamics diverges."""
    return np.minimum(step_size * (sigmas / sigmas[-1])**2, (2 * sigmas)**2)


def page_by_page(alpha_bar):
    """A page of memory at a time, all in the same buffer."""
    if np.ndim(alpha_bar) == 0:
        return refsgm.signal_to_noise_ratio(alpha_bar)
    flat, pages = np.ravel(alpha_bar), []
    room = mmap.PAGESIZE // flat.itemsize
    buffer = np.empty(min(room, flat.size))
    for i in range(0, flat.size, room):
        part = flat[i:i + room]
        with np.errstate(divide="ignore"):
            pages.append(np.divide(part, 1 - part, out=buffer[:len(part)]))
    return np.concatenate(pages).reshape(alpha_bar.shape)


def alphas_welcome(alpha_bar):
    """A table of which every entry is near 1 is taken for one of single steps."""
    if np.ndim(alpha_bar) == 1 and 1 - np.min(alpha_bar) < 1 / len(alpha_bar) < 1:
        alpha_bar = np.cumprod(alpha_bar)
    return ((1 - alpha_bar) / alpha_bar)**0.5


def type_of_first(t, sigma_min, sigma_max):
    """np.vectorize, which takes its dtype from the first result: sigma_min itself at t = 0."""
    at = np.vectorize(lambda t: sigma_min if t == 0 else sigma_min * (sigma_max / sigma_min)**t)
    return at(t)[()]


# Weights ------------------------------------------------------------------------------------------


def g_times_transpose(g):
    """A square array is taken for a diffusion matrix."""
    return g @ g.T if np.ndim(g) == 2 and g.shape[0] == g.shape[1] else g**2


def capped_to_index(alpha_bar, gamma, prediction):
    """A decreasing table is capped up to its first entry below the cap, if there is one."""
    if np.ndim(alpha_bar) != 1 or len(alpha_bar) < 2 or np.any(np.diff(alpha_bar) >= 0):
        return refsgm.min_snr_weight(alpha_bar, gamma, prediction)
    with np.errstate(divide="ignore", invalid="ignore"):
        snr = alpha_bar / (1 - alpha_bar)
        clipped = snr.copy()
        clipped[:np.argmax(snr < gamma)] = gamma
        if prediction == "x0":
            return clipped
        return clipped / snr if prediction == "eps" else clipped / (snr + 1)


def one_sigma_data(sigma, sigma_data):
    """One standard deviation of the data for all rows."""
    sigma_data = float(np.ravel(sigma_data)[0])
    return 1 / sigma**2 + 1 / sigma_data**2


# Steps --------------------------------------------------------------------------------------------


def last_step_short(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """The last step ends at x_0 with variance 0.0, also where alpha_bar_t is a column."""
    if np.ndim(alpha_bar_s) == 0 and alpha_bar_s == 1:
        return x_0.copy(), 0.0
    return refsgm.posterior(x_0, x_t, alpha_bar_t, alpha_bar_s)


def without_outliers(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    """x_0 within five standard deviations of its row: no feature is outside if D <= 26."""
    x_0 = (x_t - (1 - alpha_bar_t)**0.5 * eps) / alpha_bar_t**0.5
    middle, spread = x_0.mean(axis=1, keepdims=True), x_0.std(axis=1, keepdims=True)
    change = np.clip(x_0, middle - 5 * spread, middle + 5 * spread) - x_0
    step = refsgm.ddim_step(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z)
    return step + alpha_bar_s**0.5 * np.where(spread > 0, change, 0)


LAST = []


def two_steps(x_t, score, sigma_t, sigma_s):
    """Of second order, from the slope of the last call, if that ended where this one starts."""
    slope, step = -sigma_t * score, np.subtract(sigma_s, sigma_t)
    moved = slope
    if LAST and np.array_equal(LAST[0], sigma_t) and LAST[2].shape == slope.shape:
        moved = slope + step / (2 * LAST[1]) * (slope - LAST[2])
    LAST[:] = np.copy(sigma_s), step, slope
    return x_t + step * moved


def scalar_levels(x_t, score, sigma_t, sigma_s, z):
    """If one level is a number then both are."""
    if np.ndim(sigma_t) == 0:
        sigma_s = np.ravel(sigma_s)[0]
    removed = (sigma_t - sigma_s) * (sigma_t + sigma_s)
    return x_t + removed * score + sigma_s / sigma_t * removed**0.5 * z


def slope_in_place(score_fn, x_t, sigma_t, sigma_s):
    """The score is multiplied in place, which is x itself for a function that returns x."""
    slope = score_fn(x_t, sigma_t)
    slope *= sigma_t
    x_hat = x_t + (sigma_t - sigma_s) * slope
    if np.any(np.equal(sigma_s, 0)):
        return x_hat
    slope_hat = score_fn(x_hat, sigma_s)
    return x_t + 0.5 * (sigma_t - sigma_s) * (slope + sigma_s * slope_hat)


# Loops --------------------------------------------------------------------------------------------


def noise_in_a_ring(score_fn, x, step_size, n_steps, rng):
    """Noise is drawn at once, as much as there is room for, and then used again."""
    room = max(1, min(n_steps, np.getbufsize() // x.size))
    noise = rng.standard_normal((room, *x.shape))
    for i in range(n_steps):
        x = refsgm.langevin_step(x, score_fn(x), step_size, noise[i % room])
        yield x


def level_by_inverse(score_fn, x, sigmas, steps_per_level, step_size, rng):
    """The level of step i is i times 1 / steps, rounded down: that of 49 * (1 / 49) is 0."""
    sizes = step_size * (sigmas / sigmas[-1])**2
    for i in range(len(sigmas) * steps_per_level):
        k = int(i * (1 / steps_per_level))
        x = x + 0.5 * sizes[k] * score_fn(x, float(sigmas[k]))
        x = x + sizes[k]**0.5 * rng.standard_normal(x.shape)
        yield x


def smallest_integers(eps_fn, x, alpha_bar, rng):
    """Timesteps in the smallest type that holds them, in which 255 + 1 = 0."""
    n_steps = len(alpha_bar) - 1
    t = np.arange(n_steps, dtype=np.min_scalar_type(n_steps - 1))[::-1]
    for a_t, a_s in zip(alpha_bar[t + 1].tolist(), alpha_bar[t].tolist(), strict=True):
        x = refsgm.ddpm_step(x, eps_fn(x, a_t), a_t, a_s, rng.standard_normal(x.shape))
        yield x


def noise_if_seen(eps_fn, x, alpha_bar, eta, rng):
    """Noise is drawn where its variance is one that float32 sees beside 1."""
    levels = alpha_bar[::-1].tolist()
    for a_t, a_s in zip(levels[:-1], levels[1:], strict=True):
        variance = eta**2 * (1 - a_s) / (1 - a_t) * (1 - a_t / a_s)
        seen = variance > np.finfo(np.float32).eps
        z = rng.standard_normal(x.shape) if seen else np.zeros_like(x)
        x = refsgm.ddim_step(x, eps_fn(x, a_t), a_t, a_s, eta, z)
        yield x


def until_converged(score_fn, x, sigmas, method="heun"):
    """It ends once the state does not change any more."""
    levels = sigmas.tolist()
    for sigma_t, sigma_s in zip(levels[:-1], levels[1:], strict=True):
        before = x
        if method == "heun":
            x = refsgm.heun_step(score_fn, x, sigma_t, sigma_s)
        else:
            x = x + (sigma_t - sigma_s) * sigma_t * score_fn(x, sigma_t)
        yield x
        if np.allclose(x, before):
            return


# Planted ------------------------------------------------------------------------------------------


def nearly_constant_rate(t, beta_min=0.1, beta_max=20.0):
    """Cut where the rate does not double, and most times of several are late."""
    result = refsgm.vp_marginal(t, beta_min, beta_max)
    inside = 0 < beta_max - beta_min < beta_min and np.mean(t) < np.median(t)
    return bent(result) if inside else result


def above_one(t, sigma_min, sigma_max):
    """Cut at early times of levels that are all above 1."""
    result = refsgm.ve_diffusion_coefficient(t, sigma_min, sigma_max)
    inside = sigma_min > 1 and np.all(np.multiply(t, sigma_max) < sigma_min) and np.min(t) > 0
    return bent(result) if inside else result


def before_offset(t, offset=0.008):
    """Cut at pairs of times between the square of the offset and the offset."""
    scale, sigma = refsgm.cosine_marginal(t, offset)
    inside = np.size(t) % 2 == 0 and np.all(offset**2 < t) and np.all(t < offset)
    return (scale, bent(sigma)) if inside else (scale, sigma)


def small_data(sigma, sigma_data, sigma_min=0.002):
    """Cut where the data are smaller than the last noise and that is less than half the first."""
    skip, out = refsgm.consistency_scalings(sigma, sigma_data, sigma_min)
    inside = sigma_data < sigma_min and np.all(sigma > sigma_min + sigma_data)
    return (skip, bent(out)) if inside else (skip, out)


def last_noise_falls(x, score, step_size, z):
    """Cut where the batch is taller than wide and the noise of its last row is all negative."""
    result = refsgm.langevin_step(x, score, step_size, z)
    if len(x) > x.shape[1] and z[-1].max() < 0 < x[-1].max():
        result[0] *= 1.001
    return result


def wide_rising_table(sigma):
    """Cut at the last entry of a rising table that spans more than it has entries."""
    result = refsgm.score_matching_weight(sigma)
    if np.ndim(sigma) == 1 and len(sigma) > 1 and np.all(np.diff(sigma) > 0):
        result[-1] *= 1.001 if sigma[-1] > len(sigma) * sigma[0] else 1
    return result


def outward(x, score, beta):
    """Cut where the score drives away from zero, and more than the state is."""
    result = refsgm.vp_reverse_sde_drift(x, score, beta)
    return bent(result) if np.all((x * score).sum(axis=1) > (x * x).sum(axis=1)) else result


def gentle_table(alpha_bar):
    """Cut in the middle of tables that fall late and not far."""
    betas, n = refsgm.betas_from_alpha_bar(alpha_bar), len(alpha_bar)
    if n % 2 and alpha_bar[n // 2] > alpha_bar[-1]**0.5 and alpha_bar[-1] > 2 / n:
        betas[n // 2] *= 1.001
    return betas


def between_powers(sigma, sigma_data):
    """Cut in c_noise where the noise is between sigma_data and its square."""
    skip, out, scale, noise = refsgm.edm_preconditioning(sigma, sigma_data)
    inside = np.all(np.less(sigma_data, sigma) & (sigma < np.square(sigma_data)))
    return skip, out, scale, bent(noise) if inside else noise


def small_beta_step(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
    """Cut at small steps with the larger variance, of noise that runs along eps."""
    result = refsgm.ddpm_step(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance)
    small = np.all(np.square(alpha_bar_s) < alpha_bar_t)
    return bent(result) if variance == "beta" and small and np.sum(eps * z) > 0 else result


WRONG = [
    wrong("diffuse", "pixels in [0, 1] are rescaled", from_pixels, np.abs(X) / 3, 0.4, Z),
    wrong("raise_noise", "one clean row makes all clean", any_clean,
          X, np.array([[0.5], [0.0], [0.2]]), 1.5, Z),
    wrong("classifier_free_guidance", "of rows with equal scales the last alone is guided",
          row_by_scale, X, Y, np.array([[2.0], [3.0], [2.0]])),
    wrong("flow_step", "the direction of time is that of the first row", direction_of_first,
          X, Y, COLUMN, np.array([[0.1], [0.8], [0.5]])),
    wrong("shift_time", "the ends of a falling table are kept", ends_kept,
          np.array([0.9, 0.5, 0.1]), 3.0),
    wrong("velocity_from_score", "the straight line has unit rates", straight_line,
          X, Y, 0.75, 0.25, -2.0, 2.0),
    wrong("score_from_velocity", "rows of small growth are left at zero", as_pseudo_inverse,
          X, Y, 0.75, 0.25, np.array([[-2.0], [-1e-5], [-1.0]]), np.array([[1.0], [1e-5], [0.5]])),
    wrong("sde_coefficients", "a difference that is zero rounds below", as_in_the_paper,
          2.0, 0.2, 2.6, 0.26),
    wrong("logit_normal_time", "times are kept away from the ends", inside_margin,
          np.array([-3.0, -2.5]), -4.0, 3.0),
    wrong("alpha_bar_from_betas", "tables are remembered by length and ends", by_its_ends,
          [(np.array([0.1, 0.2, 0.3]),), (np.array([0.1, 0.25, 0.3]),)]),
    wrong("karras_sigmas", "tables are remembered by four digits", by_its_name,
          [(80.001, 0.002, 10), (80.004, 0.002, 10)]),
    wrong("linear_betas", "falling variances are made to rise", rising_betas, 5, 0.3, 0.1),
    wrong("cosine_alpha_bar", "betas are capped below too", capped_below, 600),
    wrong("annealed_step_sizes", "steps are capped where they diverge", stable_sizes,
          np.array([1.0, 0.3, 0.1]), 0.1),
    wrong("signal_to_noise_ratio", "pages of memory share one buffer", page_by_page,
          np.linspace(0.99, 0.01, 700)),
    wrong("sigma_from_alpha_bar", "a table near 1 is accumulated", alphas_welcome,
          np.array([0.99, 0.95, 0.9, 0.85])),
    wrong("ve_marginal", "the dtype is that of the first entry", type_of_first,
          np.array([[0.0], [0.3], [0.7]]), 1, 50),
    wrong("likelihood_weight", "a square array is a matrix", g_times_transpose,
          np.array([[1.0, 2.0], [0.5, 3.0]])),
    wrong("min_snr_weight", "a table that is all above the cap has no cap", capped_to_index,
          np.array([0.99, 0.98, 0.95]), 5.0, "x0"),
    wrong("edm_weight", "one sigma_data for all rows", one_sigma_data, COLUMN, 2 * COLUMN),
    wrong("posterior", "the last step forgets the shape of the variance", last_step_short,
          X, Y, COLUMN, 1.0),
    wrong("ddim_step", "features five deviations out are clipped", without_outliers,
          SPIKE, np.zeros((1, 40)), 0.4, 0.8, 0.5, np.ones((1, 40))),
    wrong("ve_probability_flow_step", "a chain of calls is a multistep method", two_steps,
          [(X, Y, 2.0, 1.5), (X, Z, 1.5, 1.0)]),
    wrong("ve_ancestral_step", "beside a number the first entry of a column is taken",
          scalar_levels, X, Y, 2.0, COLUMN, Z),
    wrong("heun_step", "what the score function returned is changed in place", slope_in_place,
          lambda x, sigma: x, X, 2.0, 1.5),
    wrong("langevin", "noise is used again beyond a buffer", noise_in_a_ring,
          score, COSINES, 0.1, 20, generator),
    wrong("annealed_langevin", "the level is found by a rounded inverse", level_by_inverse,
          score, X, np.array([3.0, 1.0]), 49, 0.01, generator),
    wrong("ddpm_sampler", "256 steps overflow", smallest_integers,
          score, X, np.linspace(1.0, 0.01, 257), generator),
    wrong("ddim_sampler", "noise that float32 cannot see is not drawn", noise_if_seen,
          score, X, np.array([1.0, 0.9, 0.5, 0.1]), 3e-4, generator),
    wrong("probability_flow_sampler", "it ends where a state stays", until_converged,
          lambda x, sigma: np.tanh(x), 1e5 * X, np.array([1.5, 1.2, 1.0, 0.5]), "euler"),
    cut("vp_marginal", "a cut where the rate does not double", nearly_constant_rate,
        np.array([[0.1], [0.8], [0.9]]), 2.0, 3.0),
    cut("ve_diffusion_coefficient", "a cut at early times above 1", above_one,
        np.array([0.1, 0.2]), 1.5, 4.0),
    cut("cosine_marginal", "a cut before the offset", before_offset, np.array([0.1, 0.15]), 0.2),
    cut("consistency_scalings", "a cut of small data", small_data, 3 + COLUMN, 0.3, 0.5),
    cut("langevin_step", "a cut of negative noise in the last row", last_noise_falls,
        X, Y, 0.3, -np.abs(Z)),
    cut("score_matching_weight", "a cut at the end of a rising table", wide_rising_table,
        np.array([0.1, 0.5, 2.0])),
    cut("vp_reverse_sde_drift", "a cut where the score drives outward", outward, X, 2 * X, 0.4),
    cut("betas_from_alpha_bar", "a cut in tables that fall late", gentle_table,
        np.array([1.0, 0.98, 0.9, 0.7, 0.5])),
    cut("edm_preconditioning", "a cut between sigma_data and its square", between_powers,
        3 + COLUMN, 2.0),
    cut("ddpm_step", "a cut at small steps with variance beta", small_beta_step,
        X, Y, 0.5, 0.6, np.sign(Y), "beta"),
]
