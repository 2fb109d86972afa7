"""Mistakes about scores, densities, losses and conversions that are likely to be committed.

Each is right where its author would have tried it, and has the arguments that show it.
"""

import numpy as np

import refsgm

from .fresh import cut, generator, wrong

X = np.array([[0.5, -1.0], [2.0, 0.3], [-0.7, 1.1]])                                       # (B, D)
Y = np.array([[1.5, 0.2], [-0.4, 0.9], [0.6, -2.0]])
Z = np.array([[-0.3, 0.8], [1.2, -0.5], [0.1, 0.4]])
COLUMN = np.array([[0.5], [1.0], [2.0]])
HALVES = np.array([0.5, 0.5])
LOG_2PI = np.log(2 * np.pi)
DRAWS = generator()


def score(x, sigma=1.0):
    """Some score, with features that depend on one another."""
    return (x[:, ::-1] - x**3) / (1 + sigma**2)


def along(score_fn, x, v, h=1e-30):
    """J v by the complex step, (B, D)."""
    return np.imag(score_fn(x + 1j * h * v)) / h


def slope(score_fn, x, v):
    """v' J v, (B,), for directions (B, D) or the mean over (M, B, D)."""
    many = v if v.ndim == 3 else v[None]
    return np.mean([np.sum(along(score_fn, x, w) * w, axis=1) for w in many], axis=0)


def trace(score_fn, x):
    """The trace of the Jacobian, (B,)."""
    return sum(along(score_fn, x, e + 0 * x)[:, i] for i, e in enumerate(np.eye(x.shape[1])))


def distances(x, means):
    """Squared distances of all pairs, (B, K)."""
    return np.sum((x[:, None] - means)**2, axis=2)


# Densities and scores -----------------------------------------------------------------------------


def expanded_square(x, mean, sigma):
    """|x|^2 - 2 x m + |m|^2 in place of the square of a difference."""
    mean = mean + np.zeros_like(x)
    square = np.sum(x * x, axis=1) - 2 * np.sum(x * mean, axis=1) + np.sum(mean * mean, axis=1)
    sigma = np.ravel(sigma)
    return -square / (2 * sigma**2) - x.shape[1] * (np.log(sigma) + LOG_2PI / 2)


def padded_variance(x, mean, sigma):
    """A small number added to the variance, against a division by zero."""
    return (mean - x) / (sigma**2 + 1e-12)


def rounded_key(memory):
    """Precisions remembered under a level of six decimals."""
    def perturbation_score(x_noisy, x, sigma):
        if np.ndim(sigma):
            return (x - x_noisy) / sigma**2
        key = round(float(sigma), 6)
        if key not in memory:
            memory[key] = 1 / sigma**2
        return (x - x_noisy) * memory[key]
    return perturbation_score


def far_tail(x, mean, sigma):
    """The square stops growing at thirty standard deviations."""
    square = np.sum(((x - mean) / sigma)**2, axis=1)
    sigma = np.ravel(sigma)
    return -np.minimum(square, 900) / 2 - x.shape[1] * (np.log(sigma) + LOG_2PI / 2)


def negligible(x, weights, means, sigma):
    """Responsibilities below a millionth are dropped."""
    exponent = np.log(weights, where=weights > 0, out=np.full(len(weights), -np.inf)) \
        - distances(x, means) / (2 * sigma**2)
    r = np.exp(exponent - exponent.max(axis=1, keepdims=True))
    r = r / r.sum(axis=1, keepdims=True)
    r[r < 1e-6] = 0
    r = r / r.sum(axis=1, keepdims=True)
    return np.sum(r[..., None] * (means - x[:, None]), axis=1) / sigma**2


def padded_weights(x, weights, means, sigma):
    """Weights of zero are made 1e-12, so that they have a logarithm."""
    exponent = np.log(weights + 1e-12) - distances(x, means) / (2 * sigma**2)
    r = np.exp(exponent - exponent.max(axis=1, keepdims=True))
    r = r / r.sum(axis=1, keepdims=True)
    return np.sum(r[..., None] * (means - x[:, None]), axis=1) / sigma**2


def more_components(x, weights, means, sigma):
    """With more than eight components a row, they weigh alike."""
    if len(weights) > 8 * len(x):
        weights = np.full(len(weights), 1 / len(weights))
    return refsgm.mixture_score(x, weights, means, sigma)


def running_maximum(x, weights, means, sigma):
    """A sum in a stream, whose running maximum starts at -10,000."""
    s = np.ravel(sigma)
    top, total = np.full(len(x), -1e4), np.zeros(len(x))
    for w, m in zip(weights, means):
        if w == 0:
            continue
        a = np.log(w) - np.sum((x - m)**2, axis=1) / (2 * s**2)
        higher = np.maximum(top, a)
        total = total * np.exp(top - higher) + np.exp(a - higher)
        top = higher
    with np.errstate(divide="ignore"):
        return top + np.log(total) - x.shape[1] * (np.log(s) + LOG_2PI / 2)


def common_maximum(x, weights, means, sigma):
    """The largest exponent of the whole batch is subtracted, not that of each row."""
    s = np.ravel(sigma)
    exponent = -distances(x, means) / (2 * s[:, None]**2)
    top = exponent.max()
    with np.errstate(divide="ignore"):
        log_sum = top + np.log(np.exp(exponent - top) @ weights)
    return log_sum - x.shape[1] * (np.log(s) + LOG_2PI / 2)


def same_means(x, weights, means, sigma):
    """Components at the same place are merged, and the weight is that of the first."""
    means, first = np.unique(means, axis=0, return_index=True)
    weights, s = weights[first], np.ravel(sigma)
    exponent = -distances(x, means) / (2 * s[:, None]**2)
    top = exponent.max(axis=1)
    with np.errstate(divide="ignore"):
        log_sum = top + np.log(np.exp(exponent - top[:, None]) @ weights)
    return log_sum - x.shape[1] * (np.log(s) + LOG_2PI / 2)


# Divergences and slices ---------------------------------------------------------------------------


def whole_blocks(score_fn, x):
    """Features in blocks of sixteen, the last of which is left out if it is not full."""
    D, size = x.shape[1], min(16, x.shape[1])
    total = np.zeros(len(x))
    for block in range(D // size):
        for i in range(block * size, (block + 1) * size):
            total += along(score_fn, x, np.eye(D)[i] + 0 * x)[:, i]
    return total


def long_step(score_fn, x):
    """A complex step of the length that suits a real one."""
    return sum(along(score_fn, x, e + 0 * x, 1e-8)[:, i] for i, e in enumerate(np.eye(x.shape[1])))


def padding(score_fn, x, v):
    """Directions of zeros are taken for padding, and do not count in the mean."""
    if v.ndim == 3:
        used = np.any(v != 0, axis=(1, 2))
        v = v[used] if used.any() else v
    return slope(score_fn, x, v)


def steep(score_fn, x, v):
    """Where the score exceeds a thousand, the estimate is cut to it."""
    bound = np.max(np.abs(score_fn(x)), axis=1)
    return np.where(bound > 1000, np.minimum(slope(score_fn, x, v), bound), slope(score_fn, x, v))


def unit_directions(score_fn, x, v):
    """Directions are made units first, and their length is put back: 0 / 0 for a row of zeros."""
    length = np.linalg.norm(v, axis=-1, keepdims=True)
    with np.errstate(invalid="ignore"):
        units = v / length
    many = units if v.ndim == 3 else units[None]
    terms = np.array([np.sum(along(score_fn, x, w) * w, axis=1) for w in many])
    return np.mean(terms * length.reshape(terms.shape)**2, axis=0)


def full_chunks(score_fn, x, v):
    """All directions in one batch, by chunks of 64 rows; the rest is zero."""
    many = v if v.ndim == 3 else v[None]
    M, B, D = many.shape
    rows, w = np.tile(x, (M, 1)), many.reshape(-1, D)
    size = min(64, M * B)
    terms = np.zeros(M * B)
    for i in range(0, M * B - size + 1, size):
        a, b = rows[i:i + size], w[i:i + size]
        terms[i:i + size] = 0.5 * np.sum(b * score_fn(a), axis=1)**2 + slope(score_fn, a, b)
    return terms.reshape(M, B).mean(axis=0)


def exact_for_signs(score_fn, x, v):
    """The exact trace where all directions are signs, as if the Jacobian were diagonal."""
    signs = np.all(np.abs(v) == 1)
    second = trace(score_fn, x) if signs else slope(score_fn, x, v)
    return 0.5 * np.sum(score_fn(x)**2, axis=1) + second


def relative_step(score_fn, x):
    """A complex step in proportion to the coordinate, which may be zero."""
    div, h = np.zeros(len(x)), 1e-20 * np.abs(x)
    for i, e in enumerate(np.eye(x.shape[1])):
        with np.errstate(invalid="ignore"):
            div += np.imag(score_fn(x + 1j * h * e))[:, i] / h[:, i]
    return 0.5 * np.sum(score_fn(x)**2, axis=1) + div


def many_features(score_fn, x):
    """With more features than rows and thirty, the last counts twice."""
    last = np.eye(x.shape[1])[-1] + 0 * x
    more = along(score_fn, x, last)[:, -1] if x.shape[1] > len(x) + 30 else 0
    return 0.5 * np.sum(score_fn(x)**2, axis=1) + trace(score_fn, x) + more


# Likelihoods --------------------------------------------------------------------------------------


def distant_prior(x, sigma_max):
    """Above ten thousand, the level of the prior is ten thousand."""
    return refsgm.gaussian_log_density(x, 0.0, np.minimum(sigma_max, 1e4))


def close_levels(x, sigma_max):
    """One level for all rows, where they are close to the first of them."""
    levels = np.ravel(sigma_max)
    if np.allclose(levels, levels[0]):
        levels = levels[:1]
    square = np.sum(x**2, axis=1) / levels**2
    return -square / 2 - x.shape[1] * (np.log(levels) + LOG_2PI / 2)


def noise_from_80(score_fn, x, sigma_min, sigma_max, **options):
    """Above 80 all is noise, so that the flow ends there, at a prior of that level."""
    if "prior" in options or sigma_min >= 80:
        return refsgm.log_likelihood(score_fn, x, sigma_min, sigma_max, **options)
    return refsgm.log_likelihood(score_fn, x, sigma_min, min(sigma_max, 80.0), **options)


# Losses -------------------------------------------------------------------------------------------


def expanded_distance(score_fn, x, target_score):
    """|s|^2 - 2 s t + |t|^2, which has no digits left near the minimum."""
    s = score_fn(x)
    return 0.5 * (np.sum(s * s, axis=1) - 2 * np.sum(s * target_score, axis=1)
                  + np.sum(target_score * target_score, axis=1))


def one_sided(score_fn, x, v, step):
    """Where the step is small, one side of the difference is thought to be enough."""
    s, many = score_fn(x), v if v.ndim == 3 else v[None]
    total = np.zeros(len(x))
    for w in many:
        if step < 1e-4:
            change = (score_fn(x + step * w) - s) / step
        else:
            change = (score_fn(x + step * w) - score_fn(x - step * w)) / (2 * step)
        total += 0.5 * np.sum(w * s, axis=1)**2 + np.sum(w * change, axis=1)
    return total / len(many)


def skipped_levels(score_fn, x, sigmas, eps, weights=None):
    """Levels without weight are skipped, but their noise is not."""
    weights = sigmas**2 if weights is None else weights
    used = weights > 0
    total = np.zeros(len(x))
    for w, sigma, noise in zip(weights[used], sigmas[used], eps):
        residual = score_fn(x + sigma * noise, sigma) + noise / sigma
        total += w * 0.5 * np.sum(residual**2, axis=1)
    return total


def first_entry(eps_fn, x_0, alpha_bar_t, eps):
    """Levels end at 1 - 1e-4, the first entry of the table of DDPM."""
    a = np.minimum(alpha_bar_t, 1 - 1e-4)
    return np.sum((eps - eps_fn(a**0.5 * x_0 + (1 - a)**0.5 * eps, a))**2, axis=1)


def key_of_levels(memory):
    """Weights remembered under the levels alone, whatever sigma_data is."""
    def edm_loss(denoiser_fn, x, sigma, eps, sigma_data):
        levels = np.asarray(sigma)
        key = levels.tobytes(), levels.shape, levels.dtype
        if key not in memory:
            memory[key] = 1 / sigma**2 + 1 / sigma_data**2
        return np.sum(memory[key] * (x - denoiser_fn(x + sigma * eps, sigma))**2, axis=1)
    return edm_loss


def by_denoiser(v_fn, x_0, alpha_bar_t, eps):
    """The error of the denoiser divided by the variance of the noise, 0 / 0 without noise."""
    a, noise = np.asarray(alpha_bar_t)**0.5, 1 - np.asarray(alpha_bar_t)
    x_t = a * x_0 + noise**0.5 * eps
    denoised = a * x_t - noise**0.5 * v_fn(x_t, alpha_bar_t)
    with np.errstate(invalid="ignore"):
        return np.sum((x_0 - denoised)**2 / noise, axis=1)


def away_from_data(u_fn, x_0, t, eps):
    """Times start at 1e-3, as they do where the data are to be avoided."""
    t = np.maximum(t, 1e-3)
    return np.sum((eps - x_0 - u_fn((1 - t) * x_0 + t * eps, t))**2, axis=1)


def large_noise(score_fn, x, sigma, eps):
    """With noise beyond six in a row, its loss counts half."""
    loss = 0.5 * np.sum((score_fn(x + sigma * eps, sigma) + eps / sigma)**2, axis=1)
    return np.where(np.max(np.abs(eps), axis=1) > 6, loss / 2, loss)


def rising_levels(eps_fn, x, sigma, eps):
    """Levels that rise by more than a thousand from the first row to the last lose a part."""
    loss = np.sum((eps - eps_fn(x + sigma * eps, sigma))**2, axis=1)
    levels = np.ravel(sigma)
    return 0.999 * loss if levels[-1] > 1000 * levels[0] else loss


# Weights ------------------------------------------------------------------------------------------


def limit_of_noise(sigma, sigma_data):
    """A hundred times above sigma_data, the limit of large noise."""
    return np.where(sigma > 100 * sigma_data, 1 / sigma_data**2, 1 / sigma**2 + 1 / sigma_data**2)


def bounded_log(alpha_bar):
    """By its logarithm, which is kept between -10 and 10."""
    a = np.asarray(alpha_bar)
    with np.errstate(divide="ignore"):
        log_snr = np.log(a) - np.log1p(-a)
    return np.where(a == 1, np.inf, np.exp(np.clip(log_snr, -10, 10)))


def cap_of_twenty(alpha_bar, gamma, prediction):
    """A gamma above twenty is twenty."""
    return refsgm.min_snr_weight(alpha_bar, min(gamma, 20.0), prediction)


# Conversions --------------------------------------------------------------------------------------


def by_drift(x_t, u, scale, sigma, scale_rate, sigma_rate):
    """By the drift scale_rate / scale, which the end of the straight path does not have."""
    with np.errstate(divide="ignore", invalid="ignore"):
        f = np.asarray(scale_rate) / np.asarray(scale)
        return (f * x_t - u) / (sigma * (sigma_rate - sigma * f))


def any_exploding(x_t, score_t, scale, sigma, scale_rate, sigma_rate):
    """Where any row has a scale at rest, all are taken to have."""
    if np.any(np.equal(scale_rate, 0)):
        return -sigma * sigma_rate * score_t + 0 * x_t
    growth = scale * sigma_rate - sigma * scale_rate
    return (scale_rate * x_t - sigma * growth * score_t) / scale


def nearly_preserving(x_t, v, scale, sigma):
    """No division where the variance is 1 within a thousandth, as VE has it at little noise."""
    eps, total = sigma * x_t + scale * v, scale**2 + sigma**2
    return eps if np.allclose(total, 1, atol=1e-3) else eps / total


def safe_division(x_t, x_0, scale, sigma):
    """Zero where the variance is below 1e-8."""
    shift = scale * x_0 - x_t
    variance = sigma**2 + np.zeros_like(shift)
    return np.divide(shift, variance, where=variance > 1e-8, out=np.zeros_like(shift))


def faint_signal(x_t, score_t, scale, sigma):
    """A signal three thousand times below the noise is taken for larger."""
    return (x_t + sigma**2 * score_t) / np.maximum(scale, sigma / 3000)


def little_signal(score_ve, alpha_bar):
    """Where all levels are below 1e-4, the power is another."""
    power = 0.501 if np.all(np.less(alpha_bar, 1e-4)) else 0.5
    return score_ve / alpha_bar**power


WIDE = DRAWS.standard_normal((3, 20))

WRONG = [
    wrong("gaussian_log_density", "expanded square", expanded_square,
          100 + 1e-4 * X, 100.0, 1e-4),
    wrong("gaussian_score", "1e-12 added to the variance", padded_variance, X, 0.0, 1e-5),
    wrong("perturbation_score", "levels of six decimals as keys", rounded_key({}),
          [(Y, X, 2.4e-6), (Y, X, 1.6e-6)]),
    wrong("mixture_score", "responsibilities below 1e-6 dropped", negligible,
          np.array([[1e-8, 0.0]]), HALVES, np.array([[0.0, 0.0], [5.5, 0.0]]), 1.0),
    wrong("mixture_score", "zero weights become 1e-12", padded_weights,
          np.array([[9.0, 0.0]]), np.array([1.0, 0.0]), np.array([[0.0, 0.0], [9.0, 0.0]]), 1.0),
    wrong("mixture_log_density", "running maximum starts at -1e4", running_maximum,
          X + 20, HALVES, Y[:2], 0.1),
    wrong("mixture_log_density", "maximum over the batch", common_maximum,
          np.array([[0.0, 0.0], [50.0, 0.0]]), HALVES, Y[:2], 1.0),
    wrong("mixture_log_density", "equal means merged without their weights", same_means,
          X, np.array([0.2, 0.3, 0.5]), Y[[0, 0, 1]], 0.5),
    wrong("divergence", "last block of features left out", whole_blocks, score, WIDE),
    wrong("divergence", "complex step of 1e-8", long_step,
          lambda x: np.sin(1e6 * x), np.array([[2e-7, -3e-7]])),
    wrong("hutchinson_divergence", "zero directions as padding", padding,
          score, X, np.array([Y, 0 * Y, Z])),
    wrong("directional_derivative", "zero rows of directions made units", unit_directions,
          score, X, Z * np.array([[1.0], [0.0], [1.0]])),
    wrong("sliced_score_matching", "tail of the chunks is zero", full_chunks,
          score, DRAWS.standard_normal((30, 2)), DRAWS.standard_normal((3, 30, 2))),
    wrong("sliced_score_matching_vr", "signs taken for exact", exact_for_signs,
          score, X, np.sign(Z)),
    wrong("implicit_score_matching", "relative step at zero", relative_step,
          score, np.array([[0.0, 1.0], [0.5, 2.0]])),
    cut("gaussian_log_density", "squares end at 900", far_tail, 40 + X, 0.0, 1.0),
    cut("mixture_score", "more than 8 components a row", more_components,
        X[:1], np.arange(1, 11) / 55, DRAWS.standard_normal((10, 2)), 0.7),
    cut("hutchinson_divergence", "cut where the score is steep", steep,
        lambda x: 2000 * x, X, 3 * Z),
    cut("implicit_score_matching", "more than B + 30 features", many_features,
        score, DRAWS.standard_normal((2, 35))),
    cut("prior_log_density", "level above 1e4", distant_prior, 1e5 * X, 1e5),
    wrong("prior_log_density", "small levels all close to the first", close_levels,
          1e-8 * X, 1e-8 * (300 + COLUMN / 2)),
    wrong("log_likelihood", "noise alone from 80", noise_from_80,
          lambda x, sigma: -x / (4 + sigma**2), X, 1.0, 1000.0),
    wrong("explicit_score_matching", "expanded square", expanded_distance,
          score, X, score(X) + 1e-6 * Y),
    wrong("finite_difference_ssm", "one side where the step is small", one_sided,
          score, X, Z, 5e-5),
    wrong("noise_conditional_score_matching", "noise of skipped levels used", skipped_levels,
          score, X, np.array([2.0, 1.0, 0.5]), np.array([Z, Y, X]), np.array([1.0, 0.0, 2.0])),
    wrong("ddpm_loss", "levels end at 1 - 1e-4", first_entry, score, X, 0.99999, Z),
    wrong("edm_loss", "sigma_data not in the key", key_of_levels({}),
          [(score, X, COLUMN, Z, 0.5), (score, X, COLUMN, Z, 1.0)]),
    wrong("v_prediction_loss", "by the denoiser, 0 / 0 without noise", by_denoiser,
          score, X, np.array([[0.5], [1.0], [0.2]]), Z),
    wrong("flow_matching_loss", "times start at 1e-3", away_from_data, score, X, 2e-4, Z),
    wrong("edm_weight", "limit of large noise", limit_of_noise, 60.0, 0.5),
    wrong("signal_to_noise_ratio", "log kept in [-10, 10]", bounded_log,
          np.array([0.5, 0.99999, 2e-5])),
    wrong("score_from_velocity", "divided by a scale of zero", by_drift,
          X, Y, 0.0, 1.0, -1.0, 1.0),
    wrong("velocity_from_score", "one row at rest taken for all", any_exploding,
          X, Y, 0.8, 0.6, np.array([[-1.0], [0.0], [0.5]]), 1.0),
    wrong("eps_from_v", "nearly variance preserving", nearly_preserving, X, Y, 1.0, 0.02),
    wrong("score_from_x0", "zero where the variance is small", safe_division,
          X + 1e-5 * Z, X, 1.0, 5e-5),
    cut("denoising_score_matching", "noise beyond 6", large_noise, score, X, 0.5, 10 * Z),
    cut("noise_prediction_loss", "levels that rise by 1000", rising_levels,
        score, X, np.array([[1e-3], [1.0], [5.0]]), Z),
    cut("min_snr_weight", "gamma ends at 20", cap_of_twenty, 0.99, 30.0, "x0"),
    cut("x0_from_score", "a scale of sigma / 3000", faint_signal, X, Y, 0.01, 50.0),
    cut("vp_score_from_ve", "all levels below 1e-4", little_signal, X, 5e-5),
]
