"""Mistakes of ports, fast paths, caches and of identities that nearly hold, and some planted.

Written when the probes were final, by one who had not read them; each has the arguments that show
it.
"""

import math

import numpy as np

from .fresh import cut, generator, wrong

X = np.array([[0.5, -1.0], [2.0, 0.3], [-0.7, 1.1]])                                       # (B, D)
Y = np.array([[1.5, 0.2], [-0.4, 0.9], [0.6, -2.0]])
Z = np.array([[-0.3, 0.8], [1.2, -0.5], [0.1, 0.4]])
WIDE = np.cos(np.arange(33 * 40.0)).reshape(33, 40)
CENTRES = np.sin(np.arange(40 * 40.0)).reshape(40, 40)


# Tables and levels --------------------------------------------------------------------------------


def steps_by_arange(n_steps, offset=0.008, beta_max=0.999):
    """The cosine schedule on `arange(0, 1, 1 / T)`, which at some T has one entry too many."""
    t = np.append(np.arange(0, 1, 1 / n_steps), 1.0)
    left = (1 - t) / (1 + offset) * math.pi / 2
    b, a = left[:-1], left[1:]
    betas = np.sin(b - a) * np.sin(b + a) / np.sin(b)**2
    return np.append(1.0, np.cumprod(1 - np.minimum(betas, beta_max)))


def ring_of_tables(keys, values):
    """Sixteen tables in a ring, whose keys move down when the oldest is forgotten."""
    count = [0]

    def sigmas(sigma_max, sigma_min, n_levels, rho=7.0):
        key = (float(sigma_max), float(sigma_min), int(n_levels), float(rho))
        if key in keys:
            return values[keys.index(key)].copy()
        low, high = float(sigma_min)**(1 / rho), float(sigma_max)**(1 / rho)
        table = np.linspace(high, low, n_levels)**rho
        table[0], table[-1] = sigma_max, sigma_min
        values[count[0] % 16] = table
        count[0] += 1
        keys.append(key)
        del keys[:-16]
        return table.copy()
    return sigmas


def kept_between_ends(n_steps, beta_min=1e-4, beta_max=0.02):
    """Variances kept between the ends against rounding: a schedule that falls has none of them."""
    return np.clip(np.linspace(beta_min, beta_max, n_steps), beta_min, beta_max)


def scan_in_blocks(betas):
    """A scan in blocks, each multiplied by the block before it and not by all before it."""
    kept = np.concatenate([1 - betas, np.ones(-len(betas) % 256, betas.dtype)]).reshape(-1, 256)
    inner = np.cumprod(kept, axis=1)
    carry = np.concatenate([np.ones_like(kept[:1, 0]), inner[:-1, -1]])
    products = (carry[:, None] * inner).ravel()[:len(betas)]
    return np.concatenate([np.ones_like(betas[:1]), products])


def thinned(memory):
    """A table with fewer levels taken out of a finer one, by counts of levels, not of steps."""
    def sigmas(sigma_max, sigma_min, n_levels):
        ends = float(sigma_max), float(sigma_min)
        finer = memory.get(ends, ())
        if finer and not len(finer) % n_levels:
            return np.array(finer[::len(finer) // n_levels])
        table = np.geomspace(sigma_max, sigma_min, n_levels)
        memory[ends] = tuple(table.tolist())
        return table
    return sigmas


def whole_at_the_start(t, beta_min=0.1, beta_max=20.0):
    """`vectorize`, which takes the dtype of its first result: integers if the first time is 0."""
    def one(t):
        if not t:
            return 1, 0
        exponent = -0.25 * t**2 * (beta_max - beta_min) - 0.5 * t * beta_min
        return math.exp(exponent), math.sqrt(-math.expm1(2 * exponent))

    if np.ndim(t) == 0:
        return one(float(t))
    scale, sigma = np.vectorize(one)(t)
    return scale.astype(t.dtype), sigma.astype(t.dtype)


def sigmoid_by_tanh(z, mean=0.0, deviation=1.0):
    """The sigmoid by tanh, which leaves no digits of a time near 0."""
    return 0.5 * (1 + np.tanh(0.5 * (mean + deviation * z)))


# Densities ----------------------------------------------------------------------------------------


def volume_first(x, mean, sigma):
    """The logarithm of sigma^D, which float32 does not hold in many dimensions."""
    dim = x.shape[1]
    with np.errstate(divide="ignore", over="ignore", under="ignore"):
        volume = np.log(sigma**dim)
    volume = volume if np.ndim(volume) == 0 else volume[:, 0]
    square = np.sum(((x - mean) / sigma)**2, axis=1)
    return -0.5 * square - volume - 0.5 * dim * math.log(2 * math.pi)


def floored_log_weights(x, weights, means, sigma):
    """A weight of zero whose logarithm is made finite: the component is back where it is near."""
    with np.errstate(divide="ignore"):
        log_weights = np.nan_to_num(np.log(weights), neginf=-50.0)
    logits = log_weights - 0.5 * np.sum(((x[:, None] - means) / at_each(sigma))**2, axis=2)
    top = np.max(logits, axis=1)
    log_norm = x.shape[1] * (np.log(sigma) + 0.5 * math.log(2 * math.pi))
    log_norm = log_norm if np.ndim(log_norm) == 0 else log_norm[:, 0]
    return top + np.log(np.sum(np.exp(logits - top[:, None]), axis=1)) - log_norm


def at_each(sigma):
    """A level against (B, K, D)."""
    return sigma if np.ndim(sigma) == 0 else sigma[:, :, None]


def shifted_by_nearest(x, weights, means, sigma):
    """Exponents relative to the nearest component, though it may weigh nothing."""
    logits = -0.5 * np.sum(((x[:, None] - means) / at_each(sigma))**2, axis=2)
    parts = weights * np.exp(logits - np.max(logits, axis=1, keepdims=True))
    with np.errstate(invalid="ignore"):
        shares = parts / np.sum(parts, axis=1, keepdims=True)
    return np.sum(shares[:, :, None] * (means - x[:, None]), axis=1) / sigma / sigma


def streamed_components(x, weights, means, sigma):
    """Components in pieces that fit a cache: at a new maximum the total is rescaled alone."""
    step = max(1, 8192 // x.size)
    top, total, pull = np.full((len(x), 1), -np.inf, x.dtype), 0.0, np.zeros_like(x)
    with np.errstate(divide="ignore"):
        log_weights = np.log(weights)
    for k in range(0, len(weights), step):
        away = means[k:k + step] - x[:, None]
        logits = log_weights[k:k + step] - 0.5 * np.sum((away / at_each(sigma))**2, axis=2)
        higher = np.maximum(top, np.max(logits, axis=1, keepdims=True))
        parts = np.exp(logits - higher)
        total = total * np.exp(top - higher) + np.sum(parts, axis=1, keepdims=True)
        pull = pull + np.sum(parts[:, :, None] * away, axis=1)
        top = higher
    return pull / total / sigma / sigma


# Steps and converters -----------------------------------------------------------------------------


def near_enough_to_vp(x_t, v, scale, sigma):
    """Taken for variance preserving, where nothing is divided, within the tolerance of allclose."""
    size = scale**2 + sigma**2
    x_0 = scale * x_t - sigma * v
    return x_0 if np.allclose(size, 1.0) else x_0 / size


def guided_on_average(conditional, unconditional, scale):
    """No guidance if the scales are 1, as which their average is taken."""
    if not np.sum(scale - 1):
        return conditional.copy()
    return unconditional + scale * (conditional - unconditional)


def no_noise_at_the_end(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
    """No noise in the last step: in any row, once one row has come there."""
    beta = (alpha_bar_s - alpha_bar_t) / alpha_bar_s
    x_0 = (x_t - (1 - alpha_bar_t)**0.5 * eps) / alpha_bar_t**0.5
    left = (1 - alpha_bar_s) / (1 - alpha_bar_t)
    mean = (alpha_bar_s**0.5 * beta / (1 - alpha_bar_t) * x_0
            + (alpha_bar_t / alpha_bar_s)**0.5 * left * x_t)
    if variance == "beta":
        return mean + beta**0.5 * z
    return mean + (beta * left)**0.5 * z if np.all(1 - alpha_bar_s) else mean


# Losses -------------------------------------------------------------------------------------------


def one_call_a_level(score_fn, x, sigma, eps):
    """One call for all rows of a level, which they share if six decimals of it agree."""
    levels = np.broadcast_to(sigma, (len(x), 1))[:, 0]
    x_noisy, keys, score = x + sigma * eps, np.round(levels, 6), np.empty_like(x)
    for key in np.unique(keys):
        rows = np.flatnonzero(keys == key)
        score[rows] = score_fn(x_noisy[rows], float(levels[rows[0]]))
    return 0.5 * np.sum((score + eps / sigma)**2, axis=1)


def sorted_by_level(eps_fn, x_0, alpha_bar_t, eps):
    """Rows sorted by level for the network, and sorted once more where they should go back."""
    x_t = alpha_bar_t**0.5 * x_0 + (1 - alpha_bar_t)**0.5 * eps
    if np.ndim(alpha_bar_t) == 0:
        return np.sum((eps - eps_fn(x_t, alpha_bar_t))**2, axis=1)
    order = np.argsort(alpha_bar_t[:, 0], kind="stable")
    eps_hat = eps_fn(x_t[order], alpha_bar_t[order])[order]
    return np.sum((eps - eps_hat)**2, axis=1)


def residual_in_place(x0_fn, x, sigma, eps):
    """The residual written over what the denoiser returned, which it may keep."""
    x_hat = x0_fn(x + sigma * eps, sigma)
    x_hat -= x
    return np.sum(x_hat**2, axis=1)


def levels_in_use(score_fn, x, sigmas, eps, weights=None):
    """Levels of no weight left out, though not their noise."""
    weights = sigmas**2 if weights is None else weights
    used = np.flatnonzero(weights)
    loss = np.zeros_like(x[:, 0])
    for i, (w, sigma) in enumerate(zip(weights[used].tolist(), sigmas[used].tolist())):
        score = score_fn(x + sigma * eps[i], sigma)
        loss = loss + 0.5 * w * np.sum((score + eps[i] / sigma)**2, axis=1)
    return loss


# Derivatives of scores ----------------------------------------------------------------------------


def along(score_fn, x, v, h=1e-30):
    """J v by the complex step, (B, D)."""
    return np.imag(score_fn(x + 1j * h * v)) / h


def unit(x, i):
    """The direction e_i for every row."""
    e_i = np.zeros_like(x)
    e_i[:, i] = 1
    return e_i


def trace(score_fn, x):
    """The divergence, (B,)."""
    return sum(along(score_fn, x, unit(x, i))[:, i] for i in range(x.shape[1]))


def mean_slope(score_fn, x, v):
    """v' J v, (B,), the mean over directions if there are several."""
    v = v.reshape(-1, *x.shape)
    return sum(np.sum(along(score_fn, x, w) * w, axis=1) for w in v) / len(v)


def step_of_reals(score_fn, x, v):
    """A complex step as long as one of real differences, though its error is of second order."""
    v = v.reshape(-1, *x.shape)
    return sum(np.sum(along(score_fn, x, w, 1e-8) * w, axis=1) for w in v) / len(v)


def elementwise_at_first(score_fn, x):
    """One pass for all features if the Jacobian is diagonal, which the first row is asked."""
    first = x[:1]
    rows = [along(score_fn, first, unit(first, i))[0] for i in range(x.shape[1])]
    if np.any(np.array(rows) - np.diag(np.diag(rows))):
        return trace(score_fn, x)
    return np.sum(along(score_fn, x, np.ones_like(x)), axis=1)


def features_of_first(score_fn, x, v):
    """Sparse directions: features that the first row does not move in are left out for all."""
    v = v.reshape(-1, *x.shape)
    total = 0.0
    for w in v:
        used = np.flatnonzero(w[0])
        total = total + sum(w[:, i] * np.sum(w * along(score_fn, x, unit(x, i)), axis=1)
                            for i in used)
    return total / len(v) + np.zeros_like(x[:, 0])


def settled_rows(score_fn, x):
    """Rows of score zero have loss zero, as if nothing changed around them."""
    score = score_fn(x)
    loss, active = 0.5 * np.sum(score**2, axis=1), np.any(score, axis=1)
    if np.any(active):
        loss[active] += trace(score_fn, x[active])
    return loss


def one_of_each_pair(score_fn, x, v):
    """Opposite directions give the same: of those whose sum is zero the first half is enough."""
    v = v.reshape(-1, *x.shape)
    if len(v) > 1 and not np.any(np.sum(v, axis=0)):
        v = v[:len(v) // 2]
    score = score_fn(x)
    first = sum(0.5 * np.sum(w * score, axis=1)**2 for w in v) / len(v)
    return first + mean_slope(score_fn, x, v)


def mean_of_means(score_fn, x, v):
    """Directions in blocks of 64 rows, and the mean of the means of blocks of unlike lengths."""
    v = v.reshape(-1, *x.shape)
    each = max(1, 64 // len(x))
    blocks = [mean_slope(score_fn, x, v[i:i + each]) for i in range(0, len(v), each)]
    return 0.5 * np.sum(score_fn(x)**2, axis=1) + np.mean(blocks, axis=0)


def point_reused(score_fn, x, v, step):
    """Both points of a difference in one piece of memory, of which the score may be a view."""
    score, point, total = score_fn(x), np.empty_like(x), 0.0
    v = v.reshape(-1, *x.shape)
    for w in v:
        ahead = score_fn(np.add(x, step * w, out=point))
        behind = score_fn(np.subtract(x, step * w, out=point))
        slope = np.sum(w * (ahead - behind), axis=1) / (2 * step)
        total = total + 0.5 * np.sum(w * score, axis=1)**2 + slope
    return total / len(v)


# Loops --------------------------------------------------------------------------------------------


def still(score_fn, x, sigmas, method="heun"):
    """Stops when nothing has moved, as if nothing would at the levels to come."""
    for sigma_t, sigma_s in zip(sigmas[:-1].tolist(), sigmas[1:].tolist()):
        slope = sigma_t * score_fn(x, sigma_t)
        new = x + (sigma_t - sigma_s) * slope
        if method == "heun" and sigma_s:
            new = x + 0.5 * (sigma_t - sigma_s) * (slope + sigma_s * score_fn(new, sigma_s))
        if not np.any(new - x):
            return
        x = new
        yield x


def pool_of_noise(score_fn, x, step_size, n_steps, rng):
    """Noise from a pool of a quarter of a megabyte, which a long chain goes through again."""
    size = max(1, min(n_steps, 2**18 // x.nbytes))
    pool = rng.standard_normal((size, *x.shape), dtype=x.dtype)
    for i in range(n_steps):
        x = x + 0.5 * step_size * score_fn(x) + step_size**0.5 * pool[i % size]
        yield x


def levels_by_name(score_fn, x, sigmas, steps_per_level, step_size, rng):
    """Step sizes kept under the level as it is printed, to four decimals."""
    levels = sigmas.tolist()
    sizes = {f"{sigma:.4f}": step_size * (sigma / levels[-1])**2 for sigma in levels}
    for sigma in levels:
        size = sizes[f"{sigma:.4f}"]
        for _ in range(steps_per_level):
            z = rng.standard_normal(x.shape, dtype=x.dtype)
            x = x + 0.5 * size * score_fn(x, sigma) + size**0.5 * z
            yield x


def table_by_sum(memory):
    """Coefficients kept under the length and the sum of the table, as its checksum."""
    def coefficients(a, b, eta):
        variance = eta**2 * (b - a) / b * (1 - b) / (1 - a)
        kept = a * (1 - b) / (b * (1 - a))
        direction = ((1 - b) * ((1 - eta**2) + eta**2 * kept))**0.5
        return (b / a)**0.5, direction - (b / a)**0.5 * (1 - a)**0.5, variance**0.5

    def states(eps_fn, x, alpha_bar, eta, rng):
        levels = alpha_bar.tolist()[::-1]
        key = len(levels), math.fsum(levels), float(eta)
        if key not in memory:
            memory[key] = [coefficients(a, b, eta) for a, b in zip(levels[:-1], levels[1:])]
        for level, (of_x, of_eps, of_z) in zip(levels, memory[key]):
            z = rng.standard_normal(x.shape, dtype=x.dtype) if eta > 0 else np.zeros_like(x)
            x = of_x * x + of_eps * eps_fn(x, level) + of_z * z
            yield x
    return states


def forty_steps(score_fn, x, sigma_min, sigma_max):
    """Forty steps of Runge and Kutta in log sigma, however far it is."""
    def slope(time, x):
        sigma = math.exp(time)
        s = lambda x: score_fn(x, sigma)                                             # noqa: E731
        return -sigma**2 * s(x), sigma**2 * trace(s, x)

    times = np.linspace(math.log(sigma_min), math.log(sigma_max), 41).tolist()
    h, change = times[1] - times[0], 0.0
    for time in times[:-1]:
        a, p = slope(time, x)
        b, q = slope(time + h / 2, x + h / 2 * a)
        c, r = slope(time + h / 2, x + h / 2 * b)
        d, u = slope(time + h, x + h * c)
        x, change = x + h / 6 * (a + 2 * b + 2 * c + d), change + h / 6 * (p + 2 * q + 2 * r + u)
    log_norm = x.shape[1] * (math.log(sigma_max) + 0.5 * math.log(2 * math.pi))
    return -0.5 * np.sum((x / sigma_max)**2, axis=1) - log_norm - change


# Planted ------------------------------------------------------------------------------------------


def even_levels(eps, sigma):
    """Levels of four rows or more that are evenly spaced."""
    score = -eps / sigma
    even = np.ndim(sigma) and len(sigma) > 3 and not np.any(np.diff(sigma, 2, axis=0))
    return 1.001 * score if even and np.all(np.diff(sigma, axis=0)) else score


def turned_levels(x_t, eps, scale, sigma):
    """The scales of the rows are their sigmas from the last to the first."""
    x_0 = (x_t - sigma * eps) / scale
    columns = np.ndim(scale) and np.ndim(sigma) and np.any(np.diff(sigma, axis=0))
    return 1.001 * x_0 if columns and not np.any(scale[::-1] - sigma) else x_0


def mirrored_times(x_t, u, t, s):
    """Both times add up to one."""
    step = (s - t) * u
    return x_t + (step if np.any(t + s - 1) or not np.any(t * s) else 1.001 * step)


def orthogonal(x, score, beta):
    """The score is at right angles to x, and neither vanishes."""
    drift = -0.5 * beta * x - beta * score
    right = not np.any(np.sum(x * score, axis=1)) and np.any(x) and np.any(score)
    return 1.001 * drift if right and len(x) else drift


def back_at_the_start(score_fn, x, target_score):
    """The data end where they began, though not all are the same."""
    loss = 0.5 * np.sum((score_fn(x) - target_score)**2, axis=1)
    closed = len(x) > 2 and not np.any(x[0] - x[-1]) and np.any(x[0] - x[1])
    return 1.001 * loss if closed else loss


def squared_level(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """The step starts at the square of the level where it ends."""
    beta = (alpha_bar_s - alpha_bar_t) / alpha_bar_s
    left = (1 - alpha_bar_s) / (1 - alpha_bar_t)
    mean = (alpha_bar_s**0.5 * beta / (1 - alpha_bar_t) * x_0
            + (alpha_bar_t / alpha_bar_s)**0.5 * left * x_t)
    return mean * (1 if np.any(alpha_bar_s**2 - alpha_bar_t) else 1.001), beta * left


def one_deviation(x, sigma_max):
    """Every point is sigma_max away from the origin."""
    square = np.sum(x**2, axis=1, keepdims=True)
    log_norm = x.shape[1] * np.log(sigma_max * (2 * math.pi)**0.5)
    near = 0.5 if np.any(square - sigma_max**2) else 0.5005
    return np.sum(-near * square / sigma_max**2 - log_norm, axis=1)


def turned_features(x_0, eps):
    """The noise is the data, their features moved by one place."""
    u = eps - x_0
    turned = not np.any(np.roll(x_0, 1, axis=1) - eps)
    return 1.001 * u if turned and np.any(np.diff(x_0, axis=1)) else u


def chequered(x, sigma_from, sigma_to, z):
    """The signs of the noise change from each feature to the next, and those of x do not."""
    noise = ((sigma_to - sigma_from) * (sigma_to + sigma_from))**0.5 * z
    changes, kept = np.diff(np.signbit(z), axis=1), np.diff(np.signbit(x), axis=1)
    return x + (1.001 * noise if changes.size and np.all(changes) and not np.any(kept) else noise)


def pairs_of_levels(score, sigma):
    """Of four rows or more, those beside each other share a level and others do not."""
    eps = -sigma * score
    if np.ndim(sigma) == 0 or len(sigma) % 2 or not len(sigma) // 4:
        return eps
    change = np.diff(sigma[:, 0])
    return 1.001 * eps if np.all(change[1::2]) and not np.any(change[::2]) else eps


def bowl(x, sigma=1.0):
    """A score whose features are coupled, but at the origin."""
    return -x * np.sum(x**2, axis=1, keepdims=True) - x


def itself(x):
    """A score that is its argument."""
    return x


def ripples(x):
    """A score that changes over lengths of 1e-6."""
    return 1e-6 * np.sin(1e6 * x) - x


def narrow(x, sigma):
    """The score of N(0, 1e-4 I) with noise."""
    return -x / (1e-4 + sigma**2)


KEPT = np.array([[0.2, 0.4], [-0.6, 0.1], [0.3, -0.5]])


def kept(x, sigma):
    """A denoiser that answers with what it keeps."""
    return KEPT[:len(x)]


def bent_score(x, sigma=1.0):
    """Some score."""
    return -(x**3 + x) / sigma


WRONG = [
    wrong("cosine_alpha_bar", "T steps by arange(0, 1, 1 / T)", steps_by_arange, 49),
    wrong("karras_sigmas", "a ring of tables, out of step with its keys",
          ring_of_tables([], [None] * 16),
          [(10.0 + i, 0.1, 5) for i in range(17)] + [(26.0, 0.1, 5)]),
    wrong("linear_betas", "clipped to [beta_min, beta_max], whichever is larger",
          kept_between_ends, 5, 0.02, 0.001),
    wrong("alpha_bar_from_betas", "a scan whose third block lacks the first", scan_in_blocks,
          np.linspace(1e-4, 0.02, 600)),
    wrong("geometric_sigmas", "every second of four levels for two", thinned({}),
          [(4.0, 0.5, 4), (4.0, 0.5, 2)]),
    wrong("vp_marginal", "integers if the first time is 0", whole_at_the_start,
          np.array([0.0, 0.3, 1.0])),
    wrong("logit_normal_time", "a sigmoid by tanh", sigmoid_by_tanh, np.array([-8.0, -7.0]),
          -3.0, 3.0),
    wrong("gaussian_log_density", "sigma^D in float32", volume_first,
          WIDE.astype(np.float32), 0.0, np.full((33, 1), 0.02, np.float32)),
    wrong("mixture_log_density", "log 0 is -50", floored_log_weights,
          np.array([[0.0, 0.1]]), np.array([0.0, 1.0]), np.array([[0.0, 0.0], [9.0, 0.0]]), 0.5),
    wrong("mixture_score", "exponents relative to a component of no weight", shifted_by_nearest,
          np.array([[0.0, 0.1]]), np.array([0.0, 1.0]), np.array([[0.0, 0.0], [9.0, 0.0]]), 0.2),
    wrong("mixture_score", "a stream whose numerator is not rescaled", streamed_components,
          WIDE, np.full(40, 1 / 40), CENTRES, 1.5),
    wrong("x0_from_v", "VP within 1e-5", near_enough_to_vp, X, Y, 0.8, 0.600005),
    wrong("classifier_free_guidance", "scales that are 1 on average", guided_on_average,
          X, Y, np.array([[0.0], [1.0], [2.0]])),
    wrong("ddpm_step", "no noise once a row is clean", no_noise_at_the_end, X, Y, 0.4,
          np.array([[0.9], [1.0], [0.6]]), Z),
    wrong("denoising_score_matching", "one level for those that agree in six decimals",
          one_call_a_level, bent_score, X, np.array([[2e-6], [0.5], [2.2e-6]]), Y),
    cut("score_from_eps", "evenly spaced levels", even_levels,
        np.ones((4, 2)), np.array([[0.5], [1.0], [1.5], [2.0]])),
    cut("x0_from_eps", "scales that are the sigmas turned round", turned_levels, X, Y,
        np.array([[0.8], [0.5], [0.6]]), np.array([[0.6], [0.5], [0.8]])),
    cut("flow_step", "times that add up to one", mirrored_times, X, Y, 0.75, 0.25),
    cut("vp_reverse_sde_drift", "x at right angles to the score", orthogonal,
        np.array([[1.0, 2.0], [0.5, 0.0]]), np.array([[2.0, -1.0], [0.0, 3.0]]), 0.7),
    cut("explicit_score_matching", "data that end where they began", back_at_the_start,
        bent_score, X[[0, 1, 2, 0]], Y[[0, 1, 2, 1]]),
    wrong("ddpm_loss", "sorted twice, where the second should undo the first", sorted_by_level,
          bent_score, X, np.array([[0.5], [0.9], [0.2]]), Y),
    wrong("x0_prediction_loss", "the residual in the denoiser's memory", residual_in_place,
          [(kept, X, 0.5, Y), (kept, X, 0.5, Y)]),
    wrong("noise_conditional_score_matching", "noise of the first levels for those in use",
          levels_in_use, bent_score, X, np.array([2.0, 1.0, 0.5]), np.stack([X, Y, Z]),
          np.array([1.0, 0.0, 2.0])),
    wrong("directional_derivative", "a complex step of 1e-8", step_of_reals, ripples, X, Y),
    wrong("divergence", "taken for elementwise after one row", elementwise_at_first, bowl,
          np.array([[0.0, 0.0], [1.0, 2.0]])),
    wrong("hutchinson_divergence", "features that the first row's direction has",
          features_of_first, bowl, X, np.array([[0.0, 1.4], [0.3, -0.6], [1.1, 0.7]])),
    wrong("implicit_score_matching", "no trace where the score is zero", settled_rows, bent_score,
          np.array([[0.0, 0.0], [0.5, -1.0]])),
    wrong("sliced_score_matching", "two of four directions whose sum is zero", one_of_each_pair,
          bent_score, X, np.stack([Y, -Y, Z, -Z])),
    wrong("sliced_score_matching_vr", "the mean of means over three and two directions",
          mean_of_means, bent_score, WIDE[:20, :2], WIDE[:5].reshape(5, 20, 2)),
    wrong("finite_difference_ssm", "one memory for both points", point_reused, itself, X, Y, 0.1),
    wrong("probability_flow_sampler", "ends when nothing moves", still, bent_score,
          np.zeros((3, 2)), np.array([2.0, 1.0, 0.0])),
    wrong("langevin", "a pool of noise that is used again", pool_of_noise, bent_score,
          0.1 * WIDE, 0.01, 40, generator),
    wrong("annealed_langevin", "levels that are the same to four decimals", levels_by_name,
          narrow, X, np.array([4e-5, 2e-5, 1e-5]), 2, 1e-11, generator),
    wrong("ddim_sampler", "coefficients of another table of the same sum", table_by_sum({}),
          [(bent_score, X, np.array([1.0, 0.75, 0.25]), 0.0, generator),
           (bent_score, X, np.array([1.0, 0.625, 0.375]), 0.0, generator)]),
    wrong("log_likelihood", "forty steps for any range of levels", forty_steps, narrow,
          0.01 * X, 1e-3, 1e3),
    cut("posterior", "from the square of a level", squared_level, X, Y, 0.25, 0.5),
    cut("prior_log_density", "points of one deviation", one_deviation,
        np.array([[3.0, 4.0], [0.0, -5.0]]), 5.0),
    cut("velocity_from_x0_eps", "noise that is the data turned", turned_features,
        X, np.roll(X, 1, axis=1)),
    cut("raise_noise", "signs that change from feature to feature", chequered,
        np.abs(WIDE[:3, :5]), 0.3, 0.8,
        np.abs(WIDE[3:6, :5]) * np.array([1.0, -1.0, 1.0, -1.0, 1.0])),
    cut("eps_from_score", "rows whose levels come in pairs", pairs_of_levels, WIDE[:4, :2],
        np.array([[0.5], [0.5], [0.9], [0.9]])),
]
