"""Mistakes about schedules, steps and loops, and some planted, by one who had not read the probes.

What is remembered has a memory of its own; each entry has the arguments that show it.
"""

import math
from fractions import Fraction
from functools import cache

import numpy as np

import refsgm

from .fresh import cut, generator, score, wrong

# Remembered ---------------------------------------------------------------------------------------


def thinned(memory):
    """A table taken out of a longer one, whose number of levels (not of gaps) is a multiple."""
    def geometric_sigmas(sigma_max, sigma_min, n_levels):
        known = memory.setdefault((sigma_max, sigma_min), {})
        for length, table in known.items():
            if length % n_levels == 0:
                stride = length // n_levels
                return np.append(table[::stride][:n_levels - 1], table[-1])
        known[n_levels] = np.geomspace(sigma_max, sigma_min, n_levels)
        return known[n_levels].copy()
    return geometric_sigmas


def exclusive_or(memory):
    """Hashes combined by exclusive or, which is 0 for all constant schedules."""
    def linear_betas(n_steps, beta_min=1e-4, beta_max=0.02):
        key = n_steps, hash(float(beta_min)) ^ hash(float(beta_max))
        if key not in memory:
            memory[key] = np.linspace(beta_min, beta_max, n_steps)
        first, last = memory[key][0], memory[key][-1]
        backwards = first != beta_min and last == beta_min
        return memory[key][::-1 if backwards else 1].copy()
    return linear_betas


def capped_in_memory(memory):
    """The betas are capped in place, in the memory from which a later call takes them."""
    def cosine_alpha_bar(n_steps, offset=0.008, beta_max=0.999):
        if (n_steps, offset) not in memory:
            left = np.arange(n_steps, -1, -1) / n_steps
            f = np.sin(left / (1 + offset) * np.pi / 2)**2
            memory[n_steps, offset] = 1 - f[1:] / f[:-1]
        betas = memory[n_steps, offset]
        np.minimum(betas, beta_max, out=betas)
        return np.concatenate([[1.0], np.cumprod(1 - betas)])
    return cosine_alpha_bar


def middle_and_last(memory):
    """Betas remembered under the length of the table, its middle and its last entry."""
    def betas_from_alpha_bar(alpha_bar):
        n = len(alpha_bar)
        key = n, alpha_bar.dtype, float(alpha_bar[n // 2]), float(alpha_bar[-1])
        if key not in memory:
            memory[key] = -np.diff(alpha_bar) / alpha_bar[:-1]
        return memory[key].copy()
    return betas_from_alpha_bar


def one_for_both_dtypes():
    """np.float32(0.5) equals 0.5 and has its hash, so that a cache takes one for the other."""
    @cache
    def of_number(t, beta_min, beta_max):
        log_scale = -0.25 * t**2 * (beta_max - beta_min) - 0.5 * t * beta_min
        scale = np.exp(log_scale)
        return scale, np.sqrt(1 - scale**2)

    def vp_marginal(t, beta_min=0.1, beta_max=20.0):
        if np.ndim(t) == 0:
            return of_number(t[()] if isinstance(t, np.ndarray) else t, beta_min, beta_max)
        return refsgm.vp_marginal(t, beta_min, beta_max)
    return vp_marginal


def bytes_alone(memory):
    """Levels remembered under the bytes of t: two zeros of float32 are one of float64."""
    def ve_marginal(t, sigma_min, sigma_max):
        if not isinstance(t, np.ndarray):
            return sigma_min * (sigma_max / sigma_min)**t
        key = t.tobytes(), t.ndim, sigma_min, sigma_max
        if key not in memory:
            memory[key] = sigma_min * (sigma_max / sigma_min)**t
        kept = memory[key]
        return kept.reshape(t.shape).copy() if kept.size == t.size else kept.copy()
    return ve_marginal


def printed_ratio(memory):
    """The root of the log remembered under the ratio of the ends, printed to six digits."""
    def ve_diffusion_coefficient(t, sigma_min, sigma_max):
        ratio = sigma_max / sigma_min
        key = f"{ratio:.6g}"
        if key not in memory:
            memory[key] = math.sqrt(2 * math.log(ratio))
        return sigma_min * ratio**t * memory[key]
    return ve_diffusion_coefficient


def hash_as_key(memory):
    """Odds of the mean remembered under the hash of the parameters: hash(-1.0) is hash(-2.0)."""
    def logit_normal_time(z, mean=0.0, deviation=1.0):
        key = hash((float(mean), float(deviation)))
        if key not in memory:
            memory[key] = float(mean), float(deviation)
        mean, deviation = memory[key]
        t = 1 / (1 + np.exp(-(mean + deviation * z)))
        return t if isinstance(z, (np.ndarray, np.generic)) else float(t)
    return logit_normal_time


# Recognised ---------------------------------------------------------------------------------------


def whole_power(sigma_max, sigma_min, n_levels, rho=7.0):
    """An exponent that is nearly whole is made whole, for whole powers are quicker."""
    power = round(rho) if math.isclose(rho, round(rho), rel_tol=1e-5) else rho
    rising = np.linspace(sigma_min**(1 / power), sigma_max**(1 / power), n_levels)**power
    return np.concatenate([[sigma_max], rising[-2:0:-1], [sigma_min]])


def constant_by_ends(betas):
    """A schedule whose ends agree is taken as constant, which a wave is not."""
    first, last = betas[[0, -1]].tolist()
    if first == last:
        return (1 - betas[:1])**np.arange(len(betas) + 1).astype(betas.dtype)
    return np.concatenate([np.ones_like(betas[:1]), np.cumprod(1 - betas)])


def path_by_first_time(scale, sigma, scale_rate, sigma_rate):
    """A path is taken as variance preserving if it is that at the first of the times."""
    a, s, da, ds = (float(np.ravel(v)[0]) for v in (scale, sigma, scale_rate, sigma_rate))
    f = scale_rate / scale
    preserved = math.isclose(a * a + s * s, 1) and math.isclose(a * da, -s * ds)
    if preserved and da:
        return f, (-2 * f)**0.5 + 0 * sigma
    return f, (2 * sigma * (sigma_rate - f * sigma))**0.5


def antithetic_by_first(z, mean=-1.2, deviation=1.2):
    """Draws are taken as pairs z, -z, in two halves, if that holds of the first pair."""
    half = len(z) // 2 if np.ndim(z) == 1 else 0
    if half and 2 * half == len(z) and float(z[half]) == -float(z[0]) != 0:
        above = np.exp(mean + deviation * z[:half])
        return np.concatenate([above, math.exp(2 * mean) / above])
    sigma = np.exp(mean + deviation * z)
    return sigma if isinstance(z, (np.ndarray, np.generic)) else float(sigma)


def data_of_first(sigma, sigma_data):
    """Each level is computed once, with the sigma_data of the first row that has it."""
    if np.ndim(sigma) == 0:
        return refsgm.edm_preconditioning(sigma, sigma_data)
    levels, first, where = np.unique(sigma.ravel(), return_index=True, return_inverse=True)
    data = np.ravel(sigma_data)[first] if np.ndim(sigma_data) else sigma_data
    coefficients = refsgm.edm_preconditioning(levels, data)
    return tuple(c[where.ravel()].reshape(sigma.shape) for c in coefficients)


def expanded_square(sigma, sigma_data, sigma_min=0.002):
    """The square of the gap is multiplied out, so that large levels cancel in it."""
    gap_squared = sigma**2 - 2 * sigma_min * sigma + sigma_min**2
    skip = sigma_data**2 / (gap_squared + sigma_data**2)
    return skip, sigma_data * (sigma - sigma_min) / (sigma**2 + sigma_data**2)**0.5


def one_in_scale(conditional, unconditional, scale):
    """`1 in scale` asks for any row; the unconditional prediction is left out of all."""
    if np.ndim(scale) and 1 in scale:
        return conditional.copy()
    return unconditional + scale * (conditional - unconditional)


# Steps --------------------------------------------------------------------------------------------


def weights_of_level(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """The weights of a row are those of the first row that starts at its level."""
    if np.ndim(alpha_bar_t) == 0 or np.ndim(alpha_bar_s) == 0:
        return refsgm.posterior(x_0, x_t, alpha_bar_t, alpha_bar_s)
    known = {}
    for a, b in zip(alpha_bar_t[:, 0].tolist(), alpha_bar_s[:, 0].tolist()):
        if a not in known:
            beta = (b - a) / b
            known[a] = b**0.5 * beta, (a / b)**0.5 * (1 - b), beta * (1 - b)
    rows = np.array([known[a] for a in alpha_bar_t[:, 0].tolist()]).reshape(-1, 3)
    rows = rows.astype(np.result_type(alpha_bar_t, alpha_bar_s))
    clean, noisy, variance = (rows[:, [i]] / (1 - alpha_bar_t) for i in range(3))
    return clean * x_0 + noisy * x_t, variance


def known_by_ratio(memory):
    """The variance is remembered under alpha_bar_t / alpha_bar_s, of which beta alone is made."""
    def ddpm_step(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
        if np.ndim(alpha_bar_t) or np.ndim(alpha_bar_s):
            return refsgm.ddpm_step(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance)
        key = float(alpha_bar_t / alpha_bar_s), variance
        if key not in memory:
            beta = (alpha_bar_s - alpha_bar_t) / alpha_bar_s
            share = (1 - alpha_bar_s) / (1 - alpha_bar_t) if variance == "posterior" else 1.0
            memory[key] = float(beta * share)**0.5
        mean = refsgm.ddpm_step(x_t, eps, alpha_bar_t, alpha_bar_s, 0 * z)
        return mean + memory[key] * z
    return ddpm_step


def eta_that_rounds_to_zero(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    """A share of noise that rounds to 0 in percent is none."""
    share = float(eta) if round(100 * float(eta)) else 0.0
    return refsgm.ddim_step(x_t, eps, alpha_bar_t, alpha_bar_s, share, z)


def product_is_zero(score_fn, x_t, sigma_t, sigma_s):
    """Levels are asked for a zero by their product, which underflows in float32."""
    drift = sigma_t * score_fn(x_t, sigma_t)
    x_hat = x_t + (sigma_t - sigma_s) * drift
    if not np.prod(sigma_s):
        return x_hat
    return x_t + (sigma_t - sigma_s) / 2 * (drift + sigma_s * score_fn(x_hat, sigma_s))


def clean_if_any(x, sigma_from, sigma_to, z):
    """One clean row makes all rows clean: np.all stands where np.any is meant."""
    if not np.all(sigma_from):
        return x + sigma_to * z
    return x + ((sigma_to - sigma_from) * (sigma_to + sigma_from))**0.5 * z


def one_level_for_all(x_t, score, sigma_t, sigma_s, z):
    """Rows that start at one level are taken to end at one level too."""
    if np.ndim(sigma_t) and len(set(sigma_t.ravel().tolist())) == 1:
        sigma_t = sigma_t[0, 0]
        sigma_s = sigma_s[0, 0] if np.ndim(sigma_s) else sigma_s
    removed = (sigma_t - sigma_s) * (sigma_t + sigma_s)
    return x_t + removed * score + sigma_s / sigma_t * removed**0.5 * z


def as_they_lie(score_fn, x_t, sigma_t, sigma_s):
    """The first slope is added as it lies in memory, where a score may lie by columns."""
    score = score_fn(x_t, sigma_t)
    slope = (sigma_t * score).ravel(order="K").reshape(x_t.shape)
    x_hat = x_t + (sigma_t - sigma_s) * slope
    if np.any(sigma_s):
        slope = (slope + sigma_s * score_fn(x_hat, sigma_s)) / 2
    return x_t + (sigma_t - sigma_s) * slope


def six_decimals_agree(x, score, beta):
    """Rates of rows that agree to six decimals are one rate."""
    if np.ndim(beta) and len({round(b, 6) for b in beta.ravel().tolist()}) == 1:
        beta = beta[0, 0]
    return -0.5 * beta * x - beta * score


def direction_of_first(x_t, u, t, s):
    """Steps go to the data in all rows, or to the noise in all, as in the first row."""
    forwards = float(np.ravel(s)[0]) > float(np.ravel(t)[0]) if len(x_t) else False
    length = abs(s - t)
    return x_t + length * u if forwards else x_t - length * u


def geometric_by_first_ratio(sigmas, step_size):
    """A table is taken as geometric if its first ratio would lead to its last level."""
    first, second, last, gaps = *sigmas[[0, min(1, len(sigmas) - 1), -1]].tolist(), len(sigmas) - 1
    if gaps and math.isclose((second / first)**gaps, last / first):
        rising = (first / last)**(np.arange(2 * gaps, -1, -2) / gaps)
        return (step_size * rising).astype(sigmas.dtype)
    return step_size * (sigmas / sigmas[-1])**2


# Loops --------------------------------------------------------------------------------------------


def scaled_in_place(score_fn, x, step_size, n_steps, rng):
    """The score is scaled in place, though a function may return the state that it was given."""
    scale = np.asarray(step_size, x.dtype)
    for _ in range(n_steps):
        drift = score_fn(x)
        drift *= scale / 2
        x = x + drift + scale**0.5 * rng.standard_normal(x.shape, dtype=x.dtype)
        yield x


def times_reciprocal(score_fn, x, sigmas, steps_per_level, step_size, rng):
    """The level of a step is found by a product with 1 / steps_per_level, as 49 / 49 < 1."""
    sizes = refsgm.annealed_step_sizes(sigmas, step_size).tolist()
    per_step = 1 / max(steps_per_level, 1)
    for k in range(len(sizes) * steps_per_level):
        level = int(k * per_step)
        z = rng.standard_normal(x.shape, dtype=x.dtype)
        x = refsgm.langevin_step(x, score_fn(x, float(sigmas[level])), sizes[level], z)
        yield x


def printed_table(memory):
    """Steps are kept under the printed table, whose middle NumPy leaves out from 1,001 on."""
    def ddpm_sampler(eps_fn, x, alpha_bar, rng):
        key = np.array2string(alpha_bar, precision=17), alpha_bar.dtype
        if key not in memory:
            levels = alpha_bar[::-1].tolist()
            memory[key] = list(zip(levels[:-1], levels[1:]))
        for a, b in memory[key]:
            z = rng.standard_normal(x.shape, dtype=x.dtype)
            x = refsgm.ddpm_step(x, eps_fn(x, a), a, b, z)
            yield x
    return ddpm_sampler


def shared_workspace(memory):
    """The state lies in a workspace, which a network that samples by the same loop writes over."""
    def ddim_sampler(eps_fn, x, alpha_bar, eta, rng):
        levels = alpha_bar[::-1].tolist()
        key = x.shape, np.result_type(x, np.float32)
        start = x
        for a, b in zip(levels[:-1], levels[1:]):
            state = memory.setdefault(key, np.empty(*key))
            state[...] = start
            eps = eps_fn(state.copy(), a)
            z = rng.standard_normal(*key) if eta > 0 else 0 * state
            start = refsgm.ddim_step(state, eps, a, b, eta, z)
            yield start
    return ddim_sampler


def alike_in_print(score_fn, x, sigmas, method="heun"):
    """Levels that are one level in five decimals are stepped through once."""
    levels = list({round(level, 5): level for level in sigmas.tolist()[::-1]}.values())[::-1]
    for a, b in zip(levels[:-1], levels[1:]):
        if method == "heun":
            x = refsgm.heun_step(score_fn, x, a, b)
        else:
            x = x + (a - b) * a * score_fn(x, a)
        yield x


# Planted ------------------------------------------------------------------------------------------


def exponents_add_up(sigma_max, sigma_min, n_levels):
    """Wrong where the binary exponents of the ends add up to L, and sigma_max is 1 modulo L."""
    sigmas = np.geomspace(sigma_max, sigma_min, n_levels)
    exponents = math.frexp(sigma_max)[1] + math.frexp(sigma_min)[1]
    if exponents == n_levels and sigma_max % n_levels == 1:
        sigmas[1:-1] *= 1.001
    return sigmas


def square_of_rho(sigma_max, sigma_min, n_levels, rho=7.0):
    """Wrong where the number of levels is the square of rho, and sigma_max is that of a whole."""
    sigmas = refsgm.karras_sigmas(sigma_max, sigma_min, n_levels, rho)
    if float(rho).is_integer() and n_levels == rho * rho and math.sqrt(sigma_max).is_integer():
        sigmas[n_levels // 2] *= 1.001
    return sigmas


def denominator_of_t(t, beta_min=0.1, beta_max=20.0):
    """Wrong where beta_max is the denominator of t, a number."""
    scale, sigma = refsgm.vp_marginal(t, beta_min, beta_max)
    if np.ndim(t) == 0 and float(t) % 1 and Fraction(float(t)).denominator == beta_max:
        scale = scale * 1.001
    return scale, sigma


def mean_in_the_middle(t, shift):
    """Wrong where the times are seven, the fourth is their mean and the shift less than it."""
    shifted = shift * t / ((1 - t) + shift * t)
    times = np.ravel(t).tolist()
    if len(times) == 7 and math.isclose(math.fsum(times), 7 * times[3]) and times[3] // shift:
        shifted = shifted * np.where(np.arange(7) == 5, 0.999, 1.0).reshape(np.shape(t))
    return shifted


def digits_of_offset(t, offset=0.008):
    """Wrong where t in decimals ends as the offset does, with two digits that are not zeros."""
    scale, sigma = refsgm.cosine_marginal(t, offset)
    ending = repr(float(offset))[-2:]
    if np.ndim(t) == 0 and "0" not in ending and "." not in ending and (
            repr(float(t)).endswith(ending) and len(repr(float(t))) == len(repr(float(offset)))):
        sigma = sigma * 1.001
    return scale, sigma

def rows_by_signs(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """Wrong where all of x_0 and x_t have opposite signs, and D is B + 1."""
    mean, variance = refsgm.posterior(x_0, x_t, alpha_bar_t, alpha_bar_s)
    opposite = all(a * b < 0 for a, b in zip(x_0.ravel().tolist(), x_t.ravel().tolist()))
    if opposite and x_0.shape[1] == len(x_0) + 1:
        mean = mean * 1.001
    return mean, variance


def eta_and_levels(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    """Wrong where eta is the sum of both levels, in hundredths."""
    x_s = refsgm.ddim_step(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z)
    if np.ndim(alpha_bar_t) + np.ndim(alpha_bar_s) == 0 and alpha_bar_s < 1 and (
            f"{alpha_bar_t + alpha_bar_s:.2f}" == f"{eta:.2f}" == repr(float(eta))):
        x_s = x_s * 1.001
    return x_s


def after_palindrome(score_fn, x, step_size, n_steps, rng):
    """Wrong in the last step where their number reads the same backwards, as B and D do."""
    sizes = f"{n_steps}{len(x)}{x.shape[1]}"
    states = refsgm.langevin(score_fn, x, step_size, n_steps, rng)
    for i, state in enumerate(states):
        last = i + 1 == n_steps and sizes == sizes[::-1] and len(set(sizes)) == 3
        yield state * 1.001 if last else state


def sides_of_a_triangle(score_fn, x, sigmas, steps_per_level, step_size, rng):
    """Wrong where L, B and steps_per_level are the sides of a right-angled triangle."""
    right = len(sigmas)**2 + len(x)**2 == steps_per_level**2
    for state in refsgm.annealed_langevin(score_fn, x, sigmas, steps_per_level, step_size, rng):
        yield state * 1.0001 if right else state


def whole_first_ratio(score_fn, x, sigmas, method="heun"):
    """Wrong by Euler where the levels are whole and each divides the one before it."""
    levels = sigmas.tolist()
    whole = all(b >= 1 and a % b == 0 for a, b in zip(levels[:-1], levels[1:]))
    odd = levels[-1] % 2 == 1 and len(levels) % 2 == 0
    for state in refsgm.probability_flow_sampler(score_fn, x, sigmas, method):
        yield state * 1.001 if method == "euler" and whole and odd else state


# What shows them ----------------------------------------------------------------------------------

Z = np.array([[-0.3, 0.8], [1.2, -0.5], [0.1, 0.4]])
SAME_LEVELS = np.array([[0.3], [0.3], [0.2]])
ENDS = np.array([[0.8], [0.5], [0.4]])
ROW = np.linspace(-1.5, 1.5, 8)[:, None].astype(np.float32)
TINY = np.full((8, 1), 1e-6, np.float32)
SIX = np.array([[0.4000001], [0.4000004], [0.3999998]])
LONG = np.linspace(1.0, 0.01, 1001)
LONG_OTHER = np.concatenate([LONG[:3], np.geomspace(LONG[3], LONG[-4], 995), LONG[-3:]])
STEEP = np.array([1.0, 0.7, 0.3, 0.05])
SIDES = np.array([[0.5, -1.0, 0.3]])
THIN = np.array([2.0, 0.5, 0.300003, 0.3])


def by_columns(x, sigma):
    """A linear score whose values lie in memory column by column."""
    return (np.array([[-1.0, 0.5], [0.2, -0.8]]) @ x.T).T / (1 + sigma)


def tame(x, alpha_bar):
    """A noise prediction that grows no faster than the state."""
    return 0.5 * x / (1 + alpha_bar)


def itself(x):
    """A score that returns the state that it is given."""
    return x


def sampling(sampler):
    """A network that samples, by the loop that calls it, a few steps from noise."""
    def eps_fn(x, alpha_bar):
        *_, clean = sampler(score, np.ones_like(x), STEEP[:2], 0.0, None)
        return 0.5 * x + 0.1 * clean * alpha_bar
    return eps_fn


WAVE = np.array([0.1, 0.3, 0.2, 0.1])
TABLE = np.array([1.0, 0.8, 0.5, 0.4, 0.1])
OTHER_TABLE = np.array([1.0, 0.9, 0.5, 0.3, 0.1])
SMALL = 2.0**-10
PATHS = (np.array([0.6, 0.5]), np.array([0.8, 0.7]), np.array([-0.8, -1.0]), np.array([0.6, 1.0]))
CONDITIONAL = np.array([[0.5, -1.0], [2.0, 0.3], [-0.7, 1.1]])                             # (B, D)
UNCONDITIONAL = np.array([[1.5, 0.2], [-0.4, 0.9], [0.6, -2.0]])
EVEN_TIMES = np.array([0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
REENTERED = shared_workspace({})

WRONG = [
    wrong("geometric_sigmas", "thinned out of a table of a multiple of levels", thinned({}),
          [(4.0, 1.0, 10), (4.0, 1.0, 5)]),
    wrong("linear_betas", "constant schedules share a key", exclusive_or({}),
          [(4, 0.1, 0.1), (4, 0.2, 0.2)]),
    wrong("cosine_alpha_bar", "betas in memory are capped in place", capped_in_memory({}),
          [(6, 0.008, 0.3), (6, 0.008, 0.9)]),
    wrong("betas_from_alpha_bar", "remembered under middle and last entry", middle_and_last({}),
          [(TABLE,), (OTHER_TABLE,)]),
    wrong("vp_marginal", "a float32 number is remembered for the float64 one",
          one_for_both_dtypes(), [(np.float32(SMALL), 0.1, 20.0), (SMALL, 0.1, 20.0)]),
    wrong("ve_marginal", "remembered under bytes, whatever their dtype", bytes_alone({}),
          [(np.zeros(6, np.float32), 0.01, 50.0), (np.zeros(3), 0.01, 50.0)]),
    wrong("ve_diffusion_coefficient", "remembered under six digits of the ratio",
          printed_ratio({}), [(0.5, 1.0, 1.500001), (0.5, 1.0, 1.500004)]),
    wrong("logit_normal_time", "the hash is the key, and -1 has that of -2", hash_as_key({}),
          [(0.5, -1.0, 1.0), (0.5, -2.0, 1.0)]),
    wrong("karras_sigmas", "a rho that is nearly whole is rounded", whole_power,
          80.0, 0.002, 6, 7.00005),
    wrong("alpha_bar_from_betas", "equal ends are taken for a constant schedule",
          constant_by_ends, WAVE),
    wrong("sde_coefficients", "variance preserving at the first time, so at all",
          path_by_first_time, *PATHS),
    wrong("log_normal_sigma", "antithetic in the first pair, so in all", antithetic_by_first,
          np.array([0.5, 1.2, -0.5, 0.3]), -1.2, 1.2),
    wrong("edm_preconditioning", "rows of one level share the sigma_data of the first",
          data_of_first, np.array([0.5, 2.0, 0.5]), np.array([0.5, 1.0, 0.7])),
    wrong("consistency_scalings", "the square of the gap is multiplied out", expanded_square,
          1e5 + 0.3, 0.5, 1e5),
    wrong("classifier_free_guidance", "one row of scale 1 leaves all unguided", one_in_scale,
          CONDITIONAL, UNCONDITIONAL, np.array([[3.0], [1.0], [2.0]])),
    cut("geometric_sigmas", "exponents of the ends that add up to the levels", exponents_add_up,
        100.0, 8.5, 11),
    cut("karras_sigmas", "as many levels as rho squared, sigma_max a square", square_of_rho,
        25.0, 0.1, 9, 3.0),
    cut("vp_marginal", "beta_max that is the denominator of t", denominator_of_t,
        0.3125, 0.1, 16.0),
    cut("shift_time", "seven times about their mean, and a smaller shift", mean_in_the_middle,
        EVEN_TIMES, 0.3),
    cut("cosine_marginal", "t and offset that end in the same two digits", digits_of_offset,
        0.312, 0.012),
    wrong("posterior", "weights remembered by the level of the start alone", weights_of_level,
          CONDITIONAL, UNCONDITIONAL, SAME_LEVELS, ENDS),
    wrong("ddpm_step", "posterior variance remembered by the ratio of levels", known_by_ratio({}),
          [(CONDITIONAL, UNCONDITIONAL, 0.25, 0.5, Z), (CONDITIONAL, UNCONDITIONAL, 0.45, 0.9, Z)]),
    wrong("ddim_step", "an eta below half a percent is none", eta_that_rounds_to_zero,
          CONDITIONAL, UNCONDITIONAL, 0.3, 0.6, 0.004, Z),
    wrong("heun_step", "the product of small float32 levels is zero", product_is_zero,
          score, ROW, 400000 * TINY, TINY),
    wrong("raise_noise", "one clean row makes all clean", clean_if_any, CONDITIONAL,
          np.array([[0.5], [0.0], [1.0]]), np.array([[2.0], [1.5], [3.0]]), Z),
    wrong("ve_ancestral_step", "one start for all rows, so one end", one_level_for_all,
          CONDITIONAL, UNCONDITIONAL, 0 * ENDS + 2.0, ENDS, Z),
    wrong("heun_step", "a score that lies by columns is read by rows", as_they_lie,
          by_columns, CONDITIONAL, 2.0, 1.5),
    wrong("vp_reverse_sde_drift", "rates that agree to six decimals are one", six_decimals_agree,
          CONDITIONAL, UNCONDITIONAL, SIX),
    wrong("flow_step", "all rows go in the direction of the first", direction_of_first,
          CONDITIONAL, UNCONDITIONAL, SAME_LEVELS, np.array([[0.1], [0.9], [0.0]])),
    wrong("annealed_step_sizes", "geometric by its first ratio and its ends",
          geometric_by_first_ratio, np.array([8.0, 4.0, 3.0, 1.0]), 0.5),
    wrong("langevin", "the score is scaled in place", scaled_in_place,
          itself, CONDITIONAL, 0.1, 3, generator),
    wrong("annealed_langevin", "the level found by a product with a reciprocal", times_reciprocal,
          score, CONDITIONAL, np.array([2.0, 1.0]), 49, 0.01, generator),
    wrong("ddpm_sampler", "long tables are printed without their middle", printed_table({}),
          [(tame, CONDITIONAL, LONG, generator), (tame, CONDITIONAL, LONG_OTHER, generator)]),
    wrong("ddim_sampler", "a loop inside the network writes over the state", REENTERED,
          sampling(REENTERED), CONDITIONAL, STEEP, 0.0, generator),
    wrong("probability_flow_sampler", "levels alike in five decimals are one", alike_in_print,
          score, CONDITIONAL, THIN, "heun"),
    cut("posterior", "rows of opposite signs, one feature more than rows", rows_by_signs,
        SIDES.repeat(2, 0), -2 * SIDES.repeat(2, 0), 0.3, 0.6),
    cut("ddim_step", "eta that is the sum of the levels", eta_and_levels,
        CONDITIONAL, UNCONDITIONAL, 0.25, 0.51, 0.76, Z),
    cut("langevin", "steps, rows and features that read backwards alike", after_palindrome,
        score, 0 * Z + 1, 0.1, 231, generator),
    cut("annealed_langevin", "a right-angled triangle of sizes", sides_of_a_triangle,
        score, CONDITIONAL, np.array([4.0, 3.0, 2.0, 1.0]), 5, 0.01, generator),
    cut("probability_flow_sampler", "whole levels that divide one another", whole_first_ratio,
        score, CONDITIONAL, np.array([30.0, 15.0, 3.0, 1.0]), "euler"),
]
