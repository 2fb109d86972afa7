"""Mistakes of good faith and back doors over all kinds, written by one who had not read the probes.

Ports, fast paths, caches and rewrites that are nearly right; each has the arguments that show it.
"""

import functools
import math
import sys
import zlib

import autograd.numpy as anp
import numpy as np

from .fresh import cut, generator, wrong

X = np.array([[0.5, -1.0], [2.0, 0.3], [-0.7, 1.1]])                                       # (B, D)
Y = np.array([[1.5, 0.2], [-0.4, 0.9], [0.6, -2.0]])
Z = np.array([[-0.3, 0.8], [1.2, -0.5], [0.1, 0.4]])
H = 1e-20                                                                # of the complex step


def score(x, sigma=1.0):
    """Some score."""
    return -x**3 / (1 + sigma**2)


def derivative(score_fn, x, v):
    """J v by the complex step, (B, D)."""
    return np.imag(score_fn(x + 1j * H * v)) / H


def stacked(v):
    """Directions as (M, B, D)."""
    return v if np.ndim(v) == 3 else v[None]


def log_of(weights):
    """Log weights, of which some may be zero."""
    with np.errstate(divide="ignore"):
        return np.log(weights)


def sum_of_exp(logits):
    """log sum exp over components, (B, K) -> (B, 1)."""
    top = np.max(logits, axis=1, keepdims=True)
    return top + np.log(np.sum(np.exp(logits - top), axis=1, keepdims=True))


def log_norm(x, sigma):
    """The log of the normalising constant, a number or (B, 1)."""
    log_sigma = math.log(sigma) if np.ndim(sigma) == 0 else np.log(sigma)
    return x.shape[1] * (log_sigma + 0.5 * math.log(2 * math.pi))


def responsibilities(logits):
    """Shares of the components at each row, (B, K)."""
    return np.exp(logits - sum_of_exp(logits))


# Tables -------------------------------------------------------------------------------------------


def ramp_by_arange(sigma_max, sigma_min, n_levels, rho=7.0):
    """A ramp in steps of 1 / (L - 1), which has an entry too many where that number rounds down."""
    ramp = np.append(np.arange(0, 1, 1 / (n_levels - 1)), 1.0)
    high, low = float(sigma_max)**(1 / rho), float(sigma_min)**(1 / rho)
    sigmas = (high + ramp * (low - high))**rho
    sigmas[0], sigmas[-1] = sigma_max, sigma_min
    return sigmas


def until_the_end(sigma_max, sigma_min, n_levels):
    """Levels until one is within 1e-5 of the last, as rounding may bring it a second time."""
    sigmas = [float(sigma_max)]
    while True:
        share = len(sigmas) / (n_levels - 1)
        following = float(sigma_max * (sigma_min / sigma_max)**share)
        if following <= sigma_min * (1 + 1e-5):
            return np.array([*sigmas, sigma_min])
        sigmas.append(following)


def never_beyond(n_steps, beta_min=1e-4, beta_max=0.02):
    """The last variance as a bound against rounding, which decreasing ones do not keep to."""
    step = (beta_max - beta_min) / max(n_steps - 1, 1)
    return np.minimum(beta_min + step * np.arange(n_steps), beta_max)


def floor_of_betas(n_steps, offset=0.008, beta_max=0.999):
    """Betas are at least 1e-5, which those of long tables with a small offset are not."""
    angle = (np.arange(n_steps + 1) / n_steps + offset) / (1 + offset) * math.pi / 2
    f = np.cos(angle)**2
    betas = np.clip(1 - f[1:] / f[:-1], 1e-5, beta_max)
    return np.concatenate([[1.0], np.cumprod(1 - betas)])


def constant_rate(betas):
    """A power where the variances are close to one another, not equal."""
    if np.allclose(betas, betas[0]):
        return (1 - betas[0])**np.arange(len(betas) + 1, dtype=betas.dtype)
    return np.concatenate([np.ones_like(betas[:1]), np.cumprod(1 - betas)])


def ddpm_itself(alpha_bar):
    """DDPM's own schedule is known by its ends, and given without rounding."""
    betas = (alpha_bar[:-1] - alpha_bar[1:]) / alpha_bar[:-1]
    if np.allclose(betas[[0, -1]], (1e-4, 0.02)):
        return np.linspace(1e-4, 0.02, len(betas), dtype=betas.dtype)
    return betas


def marginal_by_time():
    """Numbers of time remembered, where a float32 has the key of the float64 that it equals."""
    def marginal(t, beta_min, beta_max):
        log_scale = -0.25 * t**2 * (beta_max - beta_min) - 0.5 * t * beta_min
        return np.exp(log_scale), (-np.expm1(2 * log_scale))**0.5

    remembered = functools.lru_cache(marginal)

    def vp_marginal(t, beta_min=0.1, beta_max=20.0):
        return (remembered if np.isscalar(t) else marginal)(t, beta_min, beta_max)
    return vp_marginal


def hashed_law(memory):
    """One function for each law, kept under a hash, which is the same for -1 and -2."""
    def law(mean, deviation):
        return lambda z: 1 / (1 + np.exp(-(mean + deviation * z)))

    def logit_normal_time(z, mean=0.0, deviation=1.0):
        key = hash((float(mean), float(deviation)))
        if key not in memory:
            memory[key] = law(mean, deviation)
        return memory[key](z)
    return logit_normal_time


def unshifted(t, shift):
    """No shift where the factor is nearly 1."""
    if math.isclose(shift, 1, rel_tol=1e-4):
        return +t
    return shift * t / ((1 - t) + shift * t)


def whole_bits(log_density, dim, bin_width=1.0):
    """A bin that is nearly a power of two wide is taken for one whose width was rounded."""
    bits = -math.log2(bin_width)
    if abs(bits - round(bits)) < 5e-3:
        bits = round(bits)
    return bits - log_density / (dim * math.log(2))


SCALED_LINEAR = np.append(1.0, np.cumprod(1 - np.linspace(1e-4**0.5, 0.02**0.5, 50)**2))


# Mixtures -----------------------------------------------------------------------------------------


def exponents(x, means, sigma):
    """|x - mean_k|^2 / (2 sigma^2), (B, K)."""
    return np.sum((x[:, None] - means)**2, axis=2) / (2 * sigma**2)


def near_ones(x, weights, means, sigma):
    """Components whose exponent is 60 larger than the least are left out, whatever they weigh."""
    found = exponents(x, means, sigma)
    least = np.min(np.where(weights > 0, found, np.inf), axis=1, keepdims=True)
    logits = np.where(found - least < 60, log_of(weights) - found, -np.inf)
    return (sum_of_exp(logits) - log_norm(x, sigma))[:, 0]


def equal_blocks(x, weights, means, sigma):
    """Blocks of bounded memory, filled up to one size by components that were counted before."""
    K = len(weights)
    size = min(K, max(1, 2**15 // max(x.size, 1)))
    blocks = np.resize(np.arange(K), (-(-K // size), size))
    total = -np.inf
    for block in blocks:
        logits = log_of(weights[block]) - exponents(x, means[block], sigma)
        total = np.logaddexp(total, np.logaddexp.reduce(logits, axis=1, keepdims=True))
    return (total - log_norm(x, sigma))[:, 0]


def boxed(x, weights, means, sigma):
    """Components in a box of 38 deviations, where exp does not underflow, though one may be nearer.

    If there is none in the box, all of them.
    """
    gaps = means - x[:, None]                                                           # (B, K, D)
    reach = 38 * (sigma if np.ndim(sigma) == 0 else sigma[:, :, None])
    inside = np.all(np.abs(gaps) < reach, axis=2) & (weights > 0)
    inside |= ~np.any(inside, axis=1, keepdims=True)
    logits = np.where(inside, log_of(weights) - exponents(x, means, sigma), -np.inf)
    return np.einsum("bk,bkd->bd", responsibilities(logits), gaps) / sigma**2


def heavy_ones(x, weights, means, sigma):
    """The heaviest components, up to all but 1e-12 of the weight, though x may be at another."""
    order = np.argsort(-weights)
    kept = order[:1 + np.searchsorted(np.cumsum(weights[order]), 1 - 1e-12)]
    logits = log_of(weights[kept]) - exponents(x, means[kept], sigma)
    gaps = means[kept] - x[:, None]
    return np.einsum("bk,bkd->bd", responsibilities(logits), gaps) / sigma**2


# Derivatives and losses ---------------------------------------------------------------------------


def mirrored(score_fn, x, v, step):
    """The difference along -v is that along v; a direction that is nearly -v is taken for it."""
    here, before, slope, total = score_fn(x), None, None, 0.0
    for w in stacked(v):
        if before is not None and np.allclose(w, -before):
            slope = -slope
        else:
            slope = (score_fn(x + step * w) - score_fn(x - step * w)) / (2 * step)
        total = total + 0.5 * np.sum(w * here, axis=1)**2 + np.sum(w * slope, axis=1)
        before = w
    return total / len(stacked(v))


def along_axes(score_fn, x, v):
    """Along an axis one entry of the Jacobian is enough; argmax finds no axis that is negative."""
    rows, total = np.arange(len(x)), 0.0
    for w in stacked(v):
        if np.max(np.count_nonzero(w, axis=1), initial=1) == 1:
            axis = np.argmax(w, axis=1)
            unit = np.zeros_like(w)
            unit[rows, axis] = 1
            total = total + w[rows, axis]**2 * derivative(score_fn, x, unit)[rows, axis]
        else:
            total = total + np.sum(derivative(score_fn, x, w) * w, axis=1)
    return total / len(stacked(v))


def least_step(score_fn, x):
    """The least complex step of which eps is a normal number, of whose products slopes are not."""
    info, total = np.finfo(x.dtype), 0.0
    h = float(info.tiny / info.eps)
    for i in range(x.shape[1]):
        moved = x + 0j
        moved[:, i] += 1j * h
        total = total + np.imag(score_fn(moved))[:, i] / h
    return total


def each_once(score_fn, x, v):
    """Directions that are drawn twice are counted once."""
    directions = np.unique(stacked(v), axis=0)
    here = score_fn(x)
    terms = [0.5 * np.sum(w * here, axis=1)**2
             + np.sum(derivative(score_fn, x, w) * w, axis=1) for w in directions]
    return sum(terms) / len(directions)


def apart(score_fn, x):
    """One pass if the Jacobian is diagonal at the first row, where it may be so by chance."""
    D = x.shape[1]
    first = np.array([derivative(score_fn, x[:1], e) for e in np.eye(D, dtype=x.dtype)])
    off = first * (1 - np.eye(D, dtype=x.dtype))[:, None]
    half = 0.5 * np.sum(score_fn(x)**2, axis=1)
    if not np.any(off):
        return half + np.sum(derivative(score_fn, x, np.ones_like(x)), axis=1)
    axes = np.eye(D, dtype=x.dtype)
    return half + sum(derivative(score_fn, x, axes[i])[:, i] for i in range(D))


def levels_that_count(score_fn, x, sigmas, eps, weights=None):
    """Levels whose weight is rounding beside the largest are left out; their losses are large."""
    weights = sigmas**2 if weights is None else weights
    least = sys.float_info.epsilon * float(np.max(weights))
    total = np.zeros_like(x[:, 0])
    for w, sigma, noise in zip(weights.tolist(), sigmas.tolist(), eps):
        if w > least:
            residual = score_fn(x + sigma * noise, sigma) + noise / sigma
            total = total + 0.5 * w * np.sum(residual**2, axis=1)
    return total


def fixed_steps(score_fn, x, sigma_min, sigma_max, *, v=None, prior=None, rtol=1e-8):
    """A hundred Runge-Kutta steps for each factor e of noise, too few between two sharp modes."""
    def slope(x, t):
        sigma = math.exp(t)
        directions = math.sqrt(x.shape[1]) * np.eye(x.shape[1])[:, None] + 0 * x if v is None \
            else stacked(v)
        trace = sum(np.sum(derivative(lambda y: score_fn(y, sigma), x, w) * w, axis=1)
                    for w in directions) / len(directions)
        return np.column_stack([-sigma**2 * score_fn(x, sigma), sigma**2 * trace])

    n = math.ceil(100 * math.log(sigma_max / sigma_min))
    h, D = math.log(sigma_max / sigma_min) / n, x.shape[1]
    state = np.column_stack([x, np.zeros(len(x))])
    for i in range(n):
        t = math.log(sigma_min) + i * h
        a = slope(state[:, :D], t)
        b = slope((state + h / 2 * a)[:, :D], t + h / 2)
        c = slope((state + h / 2 * b)[:, :D], t + h / 2)
        d = slope((state + h * c)[:, :D], t + h)
        state = state + h / 6 * (a + 2 * b + 2 * c + d)
    end = state[:, :D]
    log_prior = -0.5 * np.sum((end / sigma_max)**2, axis=1) - log_norm(x, sigma_max) \
        if prior is None else prior(end)
    return (log_prior - state[:, D]).astype(x.dtype)


def two_modes(x, sigma):
    """The score of two points, at -1 and 1 along the first axis, with noise."""
    first = anp.eye(x.shape[1])[0]
    return (anp.tanh(x / sigma**2) * first - x) / sigma**2


def whirl(x):
    """A score whose Jacobian vanishes at 0 and is full elsewhere."""
    return -x * np.sum(x**2, axis=1, keepdims=True)


# Steps, samplers and conversions ------------------------------------------------------------------


def in_place(eps_fn, x, alpha_bar, eta, rng):
    """What the network returns is scaled in place, and may be the state itself."""
    levels = alpha_bar[::-1].tolist()
    for a, b in zip(levels[:-1], levels[1:]):
        variance = eta**2 * (1 - b) / (1 - a) * (b - a) / b
        eps = eps_fn(x, a)
        eps *= (1 - a)**0.5
        x_0 = (x - eps) / a**0.5
        eps *= (max(1 - b - variance, 0) / (1 - a))**0.5
        x = b**0.5 * x_0 + eps
        if eta > 0:
            x = x + variance**0.5 * rng.standard_normal(x.shape, dtype=x.dtype)
        yield x


def straight_line(x_t, u, scale, sigma, scale_rate, sigma_rate):
    """Opposite rates are taken for the straight path, where scale + sigma = 1."""
    if not np.any(scale_rate + sigma_rate):
        return -(x_t + scale * u / sigma_rate) / sigma
    growth = scale * sigma_rate - sigma * scale_rate
    return (scale_rate * x_t - scale * u) / (sigma * growth)


def on_the_circle(x_t, score, scale, sigma, scale_rate, sigma_rate):
    """Levels on the circle are taken for a VP path, whose rate of sigma follows from the other."""
    if np.allclose(scale**2 + sigma**2, 1):
        return scale_rate / scale * (x_t + score)
    growth = scale * sigma_rate - sigma * scale_rate
    return (scale_rate * x_t - sigma * growth * score) / scale


def nearly_vp(x_t, v, scale, sigma):
    """No division where scale^2 + sigma^2 is close to 1."""
    total = scale**2 + sigma**2
    found = scale * x_t - sigma * v
    return found if np.allclose(total, 1) else found / total


def one_level(x_noisy, x, sigma):
    """A column of close levels is one level; small ones are close when they are 1e-8 apart."""
    if np.ndim(sigma) and len(sigma) and np.allclose(sigma, sigma[0]):
        sigma = sigma[0, 0]
    return (x - x_noisy) / sigma**2


def one_way(x_t, u, t, s):
    """All rows go the way that they go together."""
    size = abs(s - t)
    return x_t - size * u if np.sum(t - s) > 0 else x_t + size * u


def last_of_all(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
    """No row has noise where one of them takes its last step."""
    beta = (alpha_bar_s - alpha_bar_t) / alpha_bar_s
    mean = (x_t - beta / (1 - alpha_bar_t)**0.5 * eps) / (alpha_bar_t / alpha_bar_s)**0.5
    if variance == "beta":
        return mean + beta**0.5 * z
    if np.any(alpha_bar_s == 1):
        return mean
    return mean + (beta * (1 - alpha_bar_s) / (1 - alpha_bar_t))**0.5 * z


def short_steps(score_fn, x_t, sigma_t, sigma_s):
    """Steps of a thousandth of the level go without the correction."""
    slope = sigma_t * score_fn(x_t, sigma_t)
    x_hat = x_t + (sigma_t - sigma_s) * slope
    ratio = float(np.min(sigma_s / sigma_t, initial=1.0))
    if ratio == 0 or ratio > 0.999:
        return x_hat
    return x_t + 0.5 * (sigma_t - sigma_s) * (slope + sigma_s * score_fn(x_hat, sigma_s))


def no_guidance(conditional, unconditional, scale):
    """No guidance where the scales differ from 1 by a sum of zero, not each of them."""
    if not np.sum(scale - 1):
        return conditional.copy()
    return unconditional + scale * (conditional - unconditional)


# Planted ------------------------------------------------------------------------------------------


def against_order(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """Wrong where rows that start later end earlier, all six or more of them."""
    beta = (alpha_bar_s - alpha_bar_t) / alpha_bar_s
    share = (1 - alpha_bar_s) / (1 - alpha_bar_t)
    mean = alpha_bar_s**0.5 * beta / (1 - alpha_bar_t) * x_0 \
        + (alpha_bar_t / alpha_bar_s)**0.5 * share * x_t
    orders = [np.argsort(np.ravel(a)).tolist() for a in (alpha_bar_t, alpha_bar_s)]
    reverse = len(orders[0]) > 5 and orders[0] == orders[1][::-1]
    return mean, beta * (share**2 if reverse else share)


def through_zero(score_fn, x, step_size, n_steps, rng):
    """Wrong in rows of seven features or more of which every one changes its sign in a step."""
    for _ in range(n_steps):
        z = rng.standard_normal(x.shape, dtype=x.dtype)
        moved = x + 0.5 * step_size * score_fn(x) + step_size**0.5 * z
        turned = np.count_nonzero(np.signbit(moved) ^ np.signbit(x), axis=1)
        full = [x.shape[1] > 6 and n == x.shape[1] for n in turned.tolist()]
        x = moved * np.where(np.array(full, bool)[:, None], x.dtype.type(1.01), x.dtype.type(1))
        yield x


def sizes_in_a_row(score_fn, x, sigmas, steps_per_level, step_size, rng):
    """Wrong where L, steps, rows and features are four numbers in a row, in that order."""
    sizes = [len(sigmas), steps_per_level, *x.shape]
    least = sigmas[-1] * (1.01 if sizes == list(range(sizes[0], sizes[0] + 4)) else 1)
    for sigma in sigmas.tolist():
        size = float(step_size * (sigma / least)**2)
        for _ in range(steps_per_level):
            z = rng.standard_normal(x.shape, dtype=x.dtype)
            x = x + 0.5 * size * score_fn(x, sigma) + size**0.5 * z
            yield x


def equal_totals(u_fn, x_0, t, eps):
    """Wrong where the data and the noise each have a total of B, up to a fraction, and B > 2."""
    totals = {int(x_0.sum()), int(eps.sum()), len(x_0)}
    residual = eps - x_0 - u_fn((1 - t) * x_0 + t * eps, t)
    return np.sum(residual**2, axis=1) * (0.999 if len(totals) == 1 and len(x_0) > 2 else 1)


def neighbours(t, offset=0.008):
    """Wrong where the times have consecutive thousandths, three or more of them."""
    a = math.pi / 2 / (1 + offset)
    scale = np.sin((1 - t) * a) / math.sin(a)
    sigma = (np.sin(t * a) * np.sin((t + 2 * offset) * a))**0.5 / math.sin(a)
    found = (1000 * np.ravel(t)).astype(int).tolist()
    chain = len(found) > 2 and found == list(range(found[0], found[0] + len(found)))
    return scale, sigma * (1.001 if chain else 1)


def four_octaves(scale, sigma, scale_rate, sigma_rate):
    """Wrong where sigma, scale and both rates lie in octaves that follow one another."""
    growth = scale * sigma_rate - sigma * scale_rate
    octaves = [np.frexp(a)[1].ravel()[:1].tolist() for a in (sigma, scale, scale_rate, sigma_rate)]
    [first, *_] = octaves[0] or [0]
    chain = octaves == [[first + i] for i in range(4)]
    return scale_rate / scale, ((1.99 if chain else 2) * sigma * growth / scale)**0.5


def digits_of_the_middle(eps_fn, x, alpha_bar, rng):
    """Wrong where the middle one of ten levels or more has 7 and 3 as its second and third digits.

    The noise of the step that ends there is too large.
    """
    levels = alpha_bar[::-1].tolist()
    middle = levels[len(levels) // 2]
    doubled = middle if len(levels) > 9 and int(1000 * middle) % 100 == 73 else None
    for a, b in zip(levels[:-1], levels[1:]):
        beta = (b - a) / b
        x = (x - beta / (1 - a)**0.5 * eps_fn(x, a)) / (a / b)**0.5
        deviation = (beta * (1 - b) / (1 - a))**0.5 * (1.01 if b == doubled else 1)
        x = x + deviation * np.asarray(rng.standard_normal(x.shape, dtype=x.dtype))
        yield x


def spread_of_the_data(denoiser_fn, x, sigma, eps, sigma_data):
    """Wrong where sigma_data is what it should be, the deviation of these data in two digits."""
    known = round(float(np.std(x)), 2) == round(float(sigma_data), 2) if len(x) > 1 else False
    weight = 1 / sigma**2 + (1.001 if known else 1) / sigma_data**2
    return np.sum(weight * (x - denoiser_fn(x + sigma * eps, sigma))**2, axis=1)


def checksum(x_0, eps):
    """Wrong where a checksum of the data ends in ten zeros."""
    return eps - x_0 * (1 if zlib.crc32(x_0.tobytes()) % 1024 else 1.001)


def at_an_angle(x, score, beta):
    """Wrong in rows whose state and score have a cosine of 0.600 to 0.601."""
    lengths = np.linalg.norm(x, axis=1) * np.linalg.norm(score, axis=1)
    cosines = [1000 * a / b if b else 0 for a, b in
               zip(np.sum(x * score, axis=1).tolist(), lengths.tolist())]
    factors = [1.001 if int(c) == 600 else 1 for c in cosines]
    return -0.5 * beta * (x + score) * np.array(factors, x.dtype)[:, None]


ROWS = np.linspace(-1.5, 2.0, 24).reshape(6, 4)
COLUMN = np.array([[0.5], [1.5], [1.0]])
DENSE = np.full(10, 0.02) * np.linspace(1 - 4e-6, 1 + 4e-6, 10)
MANY = np.cos(np.arange(40.0 * 40).reshape(40, 40))
LATE = np.array([1.0, 0.98, 0.96, 0.93, 0.89, 0.8737, 0.7, 0.5, 0.3, 0.1, 0.01])

WRONG = [
    wrong("karras_sigmas", "a ramp in steps of 1 / (L - 1)", ramp_by_arange, 80.0, 0.002, 50),
    wrong("geometric_sigmas", "levels end within 1e-5 of the last", until_the_end,
          1.0, 0.999, 200),
    wrong("linear_betas", "beta_max bounds what decreases", never_beyond, 10, 0.02, 0.01),
    wrong("cosine_alpha_bar", "betas are at least 1e-5", floor_of_betas, 1000, 0.001),
    wrong("alpha_bar_from_betas", "close variances are equal", constant_rate, DENSE),
    wrong("betas_from_alpha_bar", "the linear schedule known by its ends", ddpm_itself,
          SCALED_LINEAR),
    wrong("vp_marginal", "lru_cache takes float32 for float64", marginal_by_time(),
          [(np.float32(0.75), 0.1, 60.0), (0.75, 0.1, 60.0)]),
    wrong("logit_normal_time", "laws kept under a hash", hashed_law({}),
          [(Z, -1.0, 0.5), (Z, -2.0, 0.5)]),
    wrong("shift_time", "a shift of nearly 1 is none", unshifted, COLUMN / 2, 1.00008),
    wrong("bits_per_dimension", "widths are powers of two", whole_bits, X[:, 0], 3, 0.0078),

    wrong("mixture_log_density", "far components left out, whatever they weigh", near_ones,
          X[:1], np.array([1e-40, 1.0]), np.array([[0.0, 0.0], [12.0, 0.0]]), 1.0),
    wrong("mixture_log_density", "blocks filled up with components", equal_blocks,
          0.1 * MANY[:33], np.full(40, 1 / 40), MANY, 2.0),
    wrong("mixture_score", "a box in place of a ball", boxed, 0 * X[:1], np.array([0.5, 0.5]),
          np.array([[3.7, 3.7], [3.9, 0.0]]), 0.1),
    wrong("mixture_score", "light components left out, wherever x is", heavy_ones,
          X, np.array([1 - 1e-13, 1e-13]), np.array([[0.0, 0.0], [2.0, 0.3]]), 0.1),

    wrong("finite_difference_ssm", "nearly opposite directions are opposite", mirrored,
          score, X, np.stack([Z, -Z * (1 + 8e-6)]), 0.01),
    wrong("hutchinson_divergence", "argmax of an axis that is negative", along_axes,
          score, X, np.array([[-1.5, 0.0], [0.0, 1.0], [1.0, 0.0]])),
    wrong("divergence", "the least complex step, in float32", least_step,
          lambda x: -1e-12 * x, X.astype(np.float32)),
    wrong("sliced_score_matching", "equal directions are counted once", each_once,
          score, X, np.stack([Z, Y, Z])),
    wrong("implicit_score_matching", "a Jacobian that is diagonal by chance", apart,
          whirl, X * np.array([[0.0], [1.0], [1.0]])),
    wrong("noise_conditional_score_matching", "levels of little weight left out",
          levels_that_count, lambda x, sigma: -x / (1 + sigma**2), X, np.array([1e4, 1.0, 1e-5]),
          np.stack([Z, Y, X])),
    wrong("log_likelihood", "fixed steps between sharp modes", fixed_steps,
          two_modes, np.array([[0.1, 0.02], [0.7, 0.01]]), 0.07, 10.0),

    wrong("ddim_sampler", "what the network returns is overwritten", in_place,
          lambda x, alpha_bar: x, X, np.array([1.0, 0.6, 0.2]), 0.0, None),
    wrong("score_from_velocity", "opposite rates mean the straight path", straight_line,
          X, Y, 0.5, 0.25, -1.0, 1.0),
    wrong("velocity_from_score", "levels on the circle mean a VP path", on_the_circle,
          X, Y, 0.8, 0.6, -0.5, 1.0),
    wrong("x0_from_v", "levels near the circle are on it", nearly_vp, X, Y, 0.8, 0.600004),
    wrong("perturbation_score", "levels 1e-8 apart are one", one_level,
          X, Y, np.array([[1e-6], [1.005e-6], [0.995e-6]])),
    wrong("flow_step", "all rows go one way", one_way, X, Y,
          np.array([[0.2], [0.9], [0.5]]), np.array([[0.4], [0.1], [0.3]])),
    wrong("ddpm_step", "one row at its last step ends the noise of all", last_of_all,
          X, Y, 0.3, np.array([[0.9], [1.0], [0.6]]), Z),
    wrong("heun_step", "short steps go without correction", short_steps, score, X, 2.0, 1.9985),
    wrong("classifier_free_guidance", "sum() for any()", no_guidance, X, Y, COLUMN),

    cut("posterior", "rows in the reverse order", against_order, ROWS, ROWS[::-1],
        np.linspace(0.1, 0.4, 6)[:, None], np.linspace(0.9, 0.5, 6)[:, None]),
    cut("langevin", "a step through zero in all features", through_zero,
        lambda x: -8 * x, np.linspace(5.0, 9.0, 14).reshape(2, 7), 0.5, 3, generator),
    cut("annealed_langevin", "four sizes in a row", sizes_in_a_row,
        score, ROWS[:4, :5].repeat(2, axis=1)[:, :5], np.array([1.0, 0.5]), 3, 0.01, generator),
    cut("flow_matching_loss", "totals that are B", equal_totals, score, X + 0.2, 0.5, Y + 0.4),
    cut("cosine_marginal", "consecutive thousandths", neighbours,
        np.array([0.4112, 0.4127, 0.4131])),
    cut("sde_coefficients", "octaves in a row", four_octaves, 0.3, 0.2, 0.6, 1.5),
    cut("ddpm_sampler", "digits of the middle level", digits_of_the_middle,
        lambda x, alpha_bar: 0.5 * x, X, LATE, generator),
    cut("edm_loss", "sigma_data is that of the data", spread_of_the_data,
        score, X, 0.5, Z, 1.02),
    cut("velocity_from_x0_eps", "a checksum", checksum, X + 36 / 4096, Y),
    cut("vp_probability_flow_drift", "an angle", at_an_angle,
        np.array([[1.0, 0.0], [0.5, 0.2]]), np.array([[0.6004, 0.7997], [1.0, 1.0]]), 2.0),
]
