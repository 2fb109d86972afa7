"""Mistakes of good faith, and some planted, written when the probes were final, by one who had
not read them.

They are spread over kinds; each has the arguments that show it.
"""

import itertools
import math

import numpy as np
from scipy.integrate import solve_ivp
from scipy.special import gammaln

import refsgm

from .fresh import cut, generator, wrong

X = np.array([[0.5, -1.0], [2.0, 0.3], [-0.7, 1.1]])                                       # (B, D)
Y = np.array([[1.5, 0.2], [-0.4, 0.9], [0.6, -2.0]])
Z = np.array([[-0.3, 0.8], [1.2, -0.5], [0.1, 0.4]])
TURN = np.array([[-1.0, 0.5], [0.2, -0.8]])
POSTERIOR = "posterior"


def score(x, sigma=1.0):
    """Some score."""
    return -x**3 / (1 + sigma**2)


def linear(x):
    """A linear score whose values lie in memory column by column."""
    return (TURN @ x.T).T


def along(score_fn, x, v, h=1e-30):
    """J v by the complex step, (B, D)."""
    return np.imag(score_fn(x + 1j * h * v)) / h


def trace(score_fn, x):
    """The trace of the Jacobian, (B,)."""
    e = np.eye(x.shape[1], dtype=x.dtype)
    return sum(along(score_fn, x, e[i] + 0 * x)[:, i] for i in range(x.shape[1]))


# Remembered ---------------------------------------------------------------------------------------


def printed_key(memory):
    """Step sizes remembered under the table as it is printed, which is eight digits of it."""
    def step_sizes(sigmas, step_size):
        key = f"{sigmas} {sigmas.dtype} {step_size!r}"
        if key not in memory:
            memory[key] = step_size * (sigmas / sigmas[-1])**2
        return memory[key].copy()
    return step_sizes


def ratio_key(memory):
    """A table remembered under the ratio of its ends, without the end itself."""
    def sigmas(sigma_max, sigma_min, n_levels):
        key = round(math.log(sigma_max / sigma_min), 9), n_levels
        if key not in memory:
            memory[key] = np.geomspace(sigma_max, sigma_min, n_levels)
        return memory[key].copy()
    return sigmas


def hash_key(memory):
    """A result remembered under a hash, and that of -1 is that of -2."""
    def sigma(z, mean=-1.2, deviation=1.2):
        a = np.asarray(z)
        key = hash((a.dtype.char, a.shape, a.tobytes(), float(mean), float(deviation)))
        if key not in memory:
            memory[key] = np.exp(mean + deviation * z)
        return memory[key] + 0.0
    return sigma


# Values that coincide, or nearly ------------------------------------------------------------------


def distinct_points(x, weights, means, sigma):
    """Each distinct point once, at the level of the first row that has it."""
    points, first, back = np.unique(x, axis=0, return_index=True, return_inverse=True)
    level = sigma if np.ndim(sigma) == 0 else sigma[first]
    return refsgm.mixture_log_density(points, weights, means, level)[np.ravel(back)]


def weights_by_mean(x, weights, means, sigma):
    """Weights in a dictionary by mean: of equal means only the last has one."""
    table = {tuple(m): w for m, w in zip(means.tolist(), weights)}
    centres = np.array(list(table), means.dtype)
    w = np.array(list(table.values()), weights.dtype)
    return refsgm.mixture_score(x, w / w.sum(), centres, sigma)


def losses_by_name(score_fn, x, sigmas, eps, weights=None):
    """The losses of all levels in a dictionary, by level with six digits."""
    weights = sigmas**2 if weights is None else weights
    losses = {}
    for w, sigma, e in zip(weights.tolist(), sigmas.tolist(), eps):
        s = score_fn(x + sigma * e, sigma)
        losses[f"loss/{sigma:.6g}"] = w * 0.5 * np.sum((s + e / sigma)**2, axis=1)
    return sum(losses.values())


def distinct_levels(eps_fn, x, alpha_bar, rng):
    """A table made unique in float32, where close levels are one."""
    _, first = np.unique(np.asarray(alpha_bar, np.float32), return_index=True)
    return refsgm.ddpm_sampler(eps_fn, x, alpha_bar[np.sort(first)], rng)


def distinct_directions(score_fn, x, v):
    """A direction that was drawn twice is asked, and counted, once."""
    s = score_fn(x)
    v = np.unique(v, axis=0) if v.ndim == 3 else v[None]
    slope = np.mean([np.sum(along(score_fn, x, d) * d, axis=1) for d in v], axis=0)
    return 0.5 * np.sum(s**2, axis=1) + slope


def runs_of_levels(eps_fn, x, sigma, eps):
    """Rows of one level together, by a groupby that wants them sorted: a later run overwrites."""
    if np.ndim(sigma) == 0:
        return np.sum((eps - eps_fn(x + sigma * eps, sigma))**2, axis=1)
    runs = itertools.groupby(range(len(x)), key=lambda i: sigma[i, 0].item())
    rows_of = {level: list(rows) for level, rows in runs}
    loss = np.zeros(len(x), np.result_type(x, np.float32))
    for level, i in rows_of.items():
        loss[i] = np.sum((eps[i] - eps_fn(x[i] + level * eps[i], level))**2, axis=1)
    return loss


def one_level(x_noisy, x, sigma):
    """A column of levels that are all close is taken for one level."""
    if np.size(sigma) and np.allclose(sigma, np.ravel(sigma)[0]):
        sigma = np.ravel(sigma)[0].item()
    return (x - x_noisy) / sigma**2


def preserving(x_t, v, scale, sigma):
    """No division on a path that is, nearly, variance preserving."""
    total = scale**2 + sigma**2
    return (scale * x_t - sigma * v) / (1.0 if np.allclose(total, 1) else total)


def circle(scale, sigma, scale_rate, sigma_rate):
    """A point on the circle is on the VP path, whatever the rates say: g^2 = -2 f."""
    f = scale_rate / scale
    g = (2 * sigma * (scale * sigma_rate - sigma * scale_rate) / scale)**0.5
    if np.max(np.abs(scale**2 + sigma**2 - 1), initial=0) < 1e-12 and np.all(f <= 0):
        g = (-2 * f)**0.5
    return f, g


def straight(x_t, score, scale, sigma, scale_rate, sigma_rate):
    """Rates -1 and 1 are those of the straight path, on which scale = 1 - sigma."""
    rates = np.ravel(scale_rate).tolist() + np.ravel(sigma_rate).tolist()
    if sorted(set(rates)) == [-1, 1] and np.all(np.less(sigma, 1)) and np.all(scale_rate == -1):
        scale = 1 - sigma
    x_0, eps = (x_t + sigma**2 * score) / scale, -sigma * score
    return scale_rate * x_0 + sigma_rate * eps


def at_the_end(sigma, sigma_data, sigma_min=0.002):
    """The boundary condition set by hand where sigma is close to sigma_min."""
    end = np.isclose(sigma, sigma_min, rtol=1e-4, atol=0)
    gap = sigma - sigma_min
    c_skip = np.where(end, 1.0, sigma_data**2 / (gap**2 + sigma_data**2))
    c_out = np.where(end, 0.0, sigma_data * gap / np.sqrt(sigma**2 + sigma_data**2))
    return c_skip[()], c_out[()]


def tight_frame(score_fn, x, v):
    """Directions with mean v v' = I give ISM exactly; only those of the first row are looked at."""
    if v.ndim == 3 and len(x):
        if np.allclose(np.einsum("mi,mj->ij", v[:, 0], v[:, 0]) / len(v), np.eye(x.shape[1])):
            return 0.5 * np.sum(score_fn(x)**2, axis=1) + trace(score_fn, x)
    return refsgm.sliced_score_matching(score_fn, x, v)


# Types, memory, words -----------------------------------------------------------------------------


def negative_count(log_density, dim, bin_width=1.0):
    """-dim, which wraps around for an unsigned integer."""
    return log_density / (-dim * math.log(2)) - math.log2(bin_width)


def all_steps(score_fn, x, sigmas, steps_per_level, step_size, rng):
    """One loop over L * steps_per_level, a product that leaves the range of a small integer."""
    sizes = step_size * (sigmas / sigmas[-1])**2
    with np.errstate(over="ignore"):
        n_steps = steps_per_level * len(sigmas)
    for i in range(n_steps):
        level = i // int(steps_per_level)
        z = rng.standard_normal(x.shape, dtype=np.result_type(x, np.float32))
        s = score_fn(x, sigmas[level].item())
        x = x + 0.5 * sizes[level].item() * s + sizes[level].item()**0.5 * z
        yield x


def type_of_ends(sigma_max, sigma_min, n_levels, rho=7.0):
    """A table of the type of its ends: of integers if both are."""
    sigmas = np.empty(n_levels, np.result_type(np.asarray(sigma_max), np.asarray(sigma_min)))
    ramp = np.linspace(0, 1, n_levels)
    high, low = sigma_max**(1 / rho), sigma_min**(1 / rho)
    sigmas[:] = (high + ramp * (low - high))**rho
    sigmas[0], sigmas[-1] = sigma_max, sigma_min
    return sigmas


def as_it_lies(score_fn, x, target_score):
    """Both sides of the difference flattened as they lie in memory."""
    flat = score_fn(x).ravel(order="K") - target_score.ravel(order="K")
    return 0.5 * np.sum(flat.reshape(x.shape)**2, axis=1)


def is_posterior(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance=POSTERIOR):
    """Words compared by identity: one that was put together is another object."""
    word = "posterior" if variance is POSTERIOR else "beta"
    return refsgm.ddpm_step(x_t, eps, alpha_bar_t, alpha_bar_s, z, word)


def first_type(alpha_bar, gamma, prediction):
    """np.vectorize takes the type of the first result, which is an integer without noise."""
    def weight(a):
        if a == 1:
            return {"eps": 0, "x0": float(gamma), "v": 0}[prediction]
        q = a / (1 - a)
        return min(q, float(gamma)) / {"eps": q, "x0": 1, "v": q + 1}[prediction]
    if np.ndim(alpha_bar) == 0:
        return float(weight(alpha_bar))
    if np.size(alpha_bar) == 0:
        return np.zeros_like(alpha_bar)
    return np.vectorize(weight)(alpha_bar).astype(alpha_bar.dtype)


# Tables and loops ---------------------------------------------------------------------------------


def time_to_index(eps_fn, x, alpha_bar, eta, rng):
    """An index from a time in [0, 1], cut off: 29 / 100 * 100 is 28.999..."""
    T = len(alpha_bar) - 1
    for t in range(T, 0, -1):
        now, then = (alpha_bar[int(k / T * T)].item() for k in (t, t - 1))
        z = rng.standard_normal(x.shape, dtype=np.result_type(x, np.float32)) if eta > 0 else 0 * x
        eps = eps_fn(x, now)
        x_0 = (x - (1 - now)**0.5 * eps) / now**0.5
        kept = now * (1 - then) / (then * (1 - now))
        variance = eta**2 * (then - now) / then * (1 - then) / (1 - now)
        direction = (1 - then) * ((1 - eta**2) + eta**2 * kept)
        x = then**0.5 * x_0 + direction**0.5 * eps + variance**0.5 * z
        yield x


def settled(score_fn, x, step_size, n_steps, rng):
    """A loop that ends when the state hardly changes."""
    for _ in range(n_steps):
        z = rng.standard_normal(x.shape, dtype=np.result_type(x, np.float32))
        new = x + 0.5 * step_size * score_fn(x) + step_size**0.5 * z
        yield new
        if np.size(x) and np.allclose(new, x, rtol=1e-6, atol=0):
            return
        x = new


def short_steps(score_fn, x, sigmas, method="heun"):
    """Heun's second evaluation is spared where a step is a short one."""
    levels = sigmas.tolist()
    for a, b in zip(levels[:-1], levels[1:]):
        if method == "heun" and 250 * (a - b) > a:
            x = refsgm.heun_step(score_fn, x, a, b)
        else:
            x = x + (a - b) * a * score_fn(x, a)
        yield x


def unclipped_before(n_steps, offset=0.008, beta_max=0.999):
    """Each entry is kept above its own share of the unclipped entry before it."""
    a = math.pi / 2 / (1 + offset)
    f = (np.sin(np.arange(int(n_steps), -1, -1) / n_steps * a) / math.sin(a))**2
    f[0] = 1
    f[1:] = np.maximum(f[1:], f[:-1] * (1 - beta_max))
    return f


def rising_rates(t, beta_min=0.1, beta_max=20.0):
    """Rates in order, though a rate may fall with time."""
    return refsgm.vp_marginal(t, *sorted((beta_min, beta_max)))


def by_steps(n_steps, beta_min=1e-4, beta_max=0.02):
    """A range with a step, which is zero for constant betas."""
    if n_steps == 1:
        return np.array([beta_min], np.float64)
    step = (beta_max - beta_min) / (int(n_steps) - 1)
    return np.arange(beta_min, beta_max + step / 2, step)[:n_steps]


# Approximations -----------------------------------------------------------------------------------


def long_complex_step(score_fn, x, v):
    """A complex step that is as long as a real one."""
    v = v if v.ndim == 3 else v[None]
    return np.mean([np.sum(along(score_fn, x, d, 1e-8) * d, axis=1) for d in v], axis=0)


def by_radius(x, sigma_max):
    """The density of the radius over the area of its sphere, which has none at the origin."""
    D, r = x.shape[1], np.sqrt(np.sum(np.square(x / sigma_max), axis=1))
    log_sigma = math.log(sigma_max) if np.ndim(sigma_max) == 0 else np.log(sigma_max)[:, 0]
    gamma = float(gammaln(D / 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        radius = (D - 1) * np.log(r) - r**2 / 2 - (D / 2 - 1) * math.log(2) - gamma
        area = math.log(2) + D / 2 * math.log(math.pi) - gamma + (D - 1) * np.log(r)
        return radius - area - D * log_sigma


def differences(score_fn, x, sigma_min, sigma_max):
    """The divergence by central differences of one length at every level."""
    B, D = x.shape
    h = 1e-5
    def slope(t, state):
        sigma, y = math.exp(t), state[:B * D].reshape(B, D)
        div = sum((score_fn(y + h * e, sigma) - score_fn(y - h * e, sigma))[:, i]
                  for i, e in enumerate(np.eye(D))) / (2 * h)
        return np.concatenate([np.ravel(-sigma**2 * score_fn(y, sigma)), sigma**2 * div])
    start = np.concatenate([np.ravel(x), np.zeros(B)])
    end = solve_ivp(slope, (math.log(sigma_min), math.log(sigma_max)), start, method="DOP853",
                    rtol=1e-11, atol=1e-13).y[:, -1]
    log_p = refsgm.prior_log_density(end[:B * D].reshape(B, D), sigma_max) - end[B * D:]
    return log_p.astype(np.result_type(x, np.float32))


def sharp(x, sigma):
    """The score of two points at -0.002 and 0.002, in each feature."""
    return (0.002 * np.tanh(0.002 * x / sigma**2) - x) / sigma**2


def wave(x):
    """A score that changes over a length of 1e-6."""
    return np.sin(x * 1e6)


# Planted ------------------------------------------------------------------------------------------


def leading_digit(x_t, score, sigma_t, sigma_s, z):
    """The sum of the state begins with the digit 7."""
    result = refsgm.ve_ancestral_step(x_t, score, sigma_t, sigma_s, z)
    return result * (1.001 if f"{abs(float(np.sum(x_t))):e}"[0] == "7" else 1)


def largest_meets_smallest(x, sigma_from, sigma_to, z):
    """The row of the largest state has the smallest noise, in five rows or more."""
    result = refsgm.raise_noise(x, sigma_from, sigma_to, z)
    meet = len(x) // 5 and int(np.argmax(x.sum(axis=1))) == int(np.argmin(z.sum(axis=1)))
    return result * 1.001 if meet else result


def stride(x_t, u, t, s):
    """Steps of a length between 0.56 and 0.6."""
    result = refsgm.flow_step(x_t, u, t, s)
    length = float(np.mean(t)) - float(np.mean(s)) if len(u) else 0.0
    return result + (1e-3 * u if int(25 * length) == len("fourteen steps") else 0)


def correlated(x_t, score, scale, sigma):
    """State and score point in directions with a cosine from 0.24 to 0.28."""
    result = refsgm.x0_from_score(x_t, score, scale, sigma)
    norms = math.sqrt(float(np.sum(x_t**2)) * float(np.sum(score**2)))
    return result * (1.001 if norms and int(25 * float(np.sum(x_t * score)) / norms) == 6 else 1)


def decimals(x_0, alpha_bar_t, eps):
    """The third and fourth decimals of the level are 73 to 75."""
    result = refsgm.diffuse(x_0, alpha_bar_t, eps)
    levels = [f"{a:.8f}"[4:6] for a in np.ravel(alpha_bar_t).tolist()]
    return result * (1.001 if levels and levels[-1] in ("73", "74", "75") else 1)


def mantissa(g):
    """Numbers whose mantissa lies between 0.91 and 0.92."""
    first = math.frexp(float(np.ravel(g)[0]))[0] if np.size(g) else 0.0
    return g**2 * (1.001 if int(100 * first) == 91 else 1)


def sizes(x0_fn, x, sigma, eps):
    """Seven rows (or 14, ...) of three features (or 8, ...)."""
    result = refsgm.x0_prediction_loss(x0_fn, x, sigma, eps)
    return result * (1.001 if len(x) % 7 == 0 and x.shape[1] % 5 == 3 else 1)


def signs(u_fn, x_0, t, eps):
    """Three negative data more than negative noise, at a time between 0.5 and 0.75."""
    result = refsgm.flow_matching_loss(u_fn, x_0, t, eps)
    more = int(np.signbit(x_0).sum()) - int(np.signbit(eps).sum())
    return result * (1.001 if more == 3 and int(4 * float(np.mean(t))) == 2 else 1)


def peak(alpha_bar):
    """The largest beta is in the middle and the smallest comes later, of five or more."""
    betas = refsgm.betas_from_alpha_bar(alpha_bar)
    middle = len(betas) // 2
    low, high = int(np.argmin(betas)), int(np.argmax(betas))
    meet = len(betas) // 5 and high == middle < low
    return betas * 1.001 if meet else betas


def band(x, score, beta):
    """A ratio of the two terms in a band of a quarter, in logarithms."""
    result = refsgm.vp_reverse_sde_drift(x, score, beta)
    norms = [math.sqrt(float(np.sum(a**2))) for a in (x, score)]
    terms = float(np.mean(beta)) * norms[1], norms[0]
    return result * (1.001 if all(terms) and int(4 * math.log(terms[0] / terms[1])) == 7 else 1)


SIGMAS = np.array([1.0, 0.5, 0.002])
MEANS = np.array([[0.0, 0.0], [1.0, -1.0], [0.0, 0.0]])
CLOSE = np.array([1.0, 0.5 + 1e-8, 0.5, 0.1])
TWICE = np.stack([Y, Y, Z])
FRAME = 2**0.5 * np.stack([np.tile([1.0, 0.0], (3, 1)), np.tile([0.0, 1.0], (3, 1))])
FRAME[0, 1:] = Y[1:]
FIVE = np.array([[0.5, 0.1], [1.0, 0.3], [4.0, 2.0], [-1.0, 0.4], [0.2, 0.2]])
SEVEN = np.linspace(-1, 2, 21).reshape(7, 3)
PEAKED = np.concatenate([[1.0], np.cumprod(1 - np.array([0.2, 0.3, 0.6, 0.1, 0.25]))])
HUNDRED = np.linspace(1, 0.01, 101)

WRONG = [
    wrong("annealed_step_sizes", "remembered by a table as printed", printed_key({}),
          [(SIGMAS + [0, 0, 1.1e-8], 0.1), (SIGMAS + [0, 0, 1.4e-8], 0.1)]),
    wrong("geometric_sigmas", "remembered by the ratio of the ends", ratio_key({}),
          [(4.0, 1.0, 3), (8.0, 2.0, 3)]),
    wrong("log_normal_sigma", "remembered by a hash: -1 is -2", hash_key({}),
          [(X, -1.0, 0.7), (X, -2.0, 0.7)]),
    wrong("vp_marginal", "rates in order", rising_rates, np.array([0.1, 0.6]), 4.0, 1.5),
    wrong("mixture_log_density", "equal points have the level of the first", distinct_points,
          X[[0, 1, 0]], np.array([0.4, 0.6]), Y[:2], np.array([[0.5], [1.0], [2.0]])),
    wrong("mixture_score", "of equal means the last weight counts", weights_by_mean,
          X, np.array([0.5, 0.3, 0.2]), MEANS, 0.7),
    wrong("noise_conditional_score_matching", "levels by name, of six digits", losses_by_name,
          score, X, np.array([2.0, 1.0000002, 1.0]), np.stack([X, Y, Z])),
    wrong("ddpm_sampler", "levels distinct in float32", distinct_levels,
          score, X, CLOSE, generator),
    wrong("sliced_score_matching_vr", "equal directions count once", distinct_directions,
          score, X, TWICE),
    wrong("noise_prediction_loss", "groupby of levels that are not sorted", runs_of_levels,
          score, X, np.array([[0.5], [2.0], [0.5]]), Z),
    wrong("perturbation_score", "close levels are one", one_level,
          X, Y, np.array([[1.0], [1.000008], [0.999995]])),
    wrong("x0_from_v", "a sum of squares close to 1 is 1", preserving, X, Y, 0.8, 0.600005),
    wrong("sde_coefficients", "a point on the circle with other rates", circle,
          0.8, 0.6, -1.0, 1.0),
    wrong("velocity_from_score", "rates -1 and 1 on another path", straight,
          X, Y, 0.7, 0.5, -1.0, 1.0),
    wrong("consistency_scalings", "close to the end is the end", at_the_end,
          np.array([[0.5], [0.50002]]), 0.5, 0.5),
    wrong("sliced_score_matching", "a frame in the first row only", tight_frame,
          score, X, FRAME),
    wrong("bits_per_dimension", "minus an unsigned integer", negative_count,
          np.array([-3.0, 1.0]), np.uint8(3)),
    wrong("annealed_langevin", "a product of small integers", all_steps,
          score, X, np.array([1.0, 0.5, 0.2]), np.int8(50), 0.01, generator),
    wrong("karras_sigmas", "integers if both ends are", type_of_ends, 80, 2, 6),
    wrong("explicit_score_matching", "flattened as it lies in memory", as_it_lies,
          linear, X, Y),
    wrong("ddpm_step", "a word compared by identity", is_posterior,
          X, Y, 0.3, 0.6, Z, "".join(["poste", "rior"])),
    wrong("min_snr_weight", "np.vectorize has the type of the first result", first_type,
          np.array([1.0, 0.7, 0.2]), 5.0, "v"),
    wrong("ddim_sampler", "an index from a time, cut off", time_to_index,
          lambda x, alpha_bar: np.sin(x), X, HUNDRED, 0.0, None),
    wrong("langevin", "a loop that ends when it has settled", settled,
          lambda x: -1e-6 * x, 1e5 + X, 1e-4, 4, generator),
    wrong("probability_flow_sampler", "Euler where a step is short", short_steps,
          score, X, np.array([2.0, 1.994, 1.0])),
    wrong("cosine_alpha_bar", "clipped against unclipped entries", unclipped_before,
          20, 0.008, 0.4),
    wrong("linear_betas", "a range with a step of zero", by_steps, 5, 0.01, 0.01),
    wrong("directional_derivative", "a complex step of 1e-8", long_complex_step,
          wave, 1e-6 * X, Y),
    wrong("prior_log_density", "by radius, which has no logarithm at 0", by_radius,
          np.array([[0.5, 1.0], [0.0, 0.0]]), 2.0),
    wrong("log_likelihood", "differences of 1e-5 for the divergence", differences,
          sharp, 0.001 * X, 0.001, 2.0),
    cut("ve_ancestral_step", "a sum that begins with 7", leading_digit,
        X + 0.8, Y, 2.0, 1.0, Z),
    cut("raise_noise", "the largest state has the smallest noise", largest_meets_smallest,
        FIVE, 0.5, 1.0, -FIVE),
    cut("flow_step", "steps of a certain length", stride, X, Y, 0.9, 0.32),
    cut("x0_from_score", "a certain cosine of state and score", correlated,
        np.array([[1.0, 0.0]]), np.array([[0.26, 0.9656]]), 0.8, 0.6),
    cut("diffuse", "certain decimals of the level", decimals, X, 0.4874, Y),
    cut("likelihood_weight", "a certain mantissa", mantissa, 3.66),
    cut("x0_prediction_loss", "certain sizes", sizes, score, SEVEN, 0.5, SEVEN[::-1].copy()),
    cut("flow_matching_loss", "a certain number of signs", signs, score, X - 1.5, 0.6, X),
    cut("betas_from_alpha_bar", "a peak in the middle", peak, PEAKED),
    cut("vp_reverse_sde_drift", "a certain ratio of the terms", band, X, X, 6.3),
]
