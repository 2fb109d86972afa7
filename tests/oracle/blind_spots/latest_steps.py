"""Mistakes of good faith, and some planted, written when the probes were final, by one who had
not read them.

Steps and loops of samplers, forward processes, schedules and likelihoods. Each has the arguments
that show it: there the result is not refsgm's.
"""

import math

import numpy as np

import refsgm

from .fresh import cut, generator, wrong

X = np.array([[0.5, -1.0], [2.0, 0.3], [-0.7, 1.1]])                                       # (B, D)
Y = np.array([[1.5, 0.2], [-0.4, 0.9], [0.6, -2.0]])
Z = np.array([[-0.3, 0.8], [1.2, -0.5], [0.1, 0.4]])
WIDE = np.cos(np.arange(24.0)).reshape(4, 6)
MIXING = np.array([[1.0, 0.5], [-0.2, 0.8]])
LONG = refsgm.alpha_bar_from_betas(refsgm.linear_betas(1000))


# Functions that are passed ------------------------------------------------------------------------


def by_columns(x, sigma=1.0):
    """A linear score of column vectors, which lies in memory by columns."""
    return -(MIXING @ x.T).T / (1 + sigma)


def cubic(x, sigma=1.0):
    """Some score."""
    return -x**3 / (1 + sigma**2)


def gaussian(x, sigma):
    """The score of N(0, sigma^2 I), for positive levels alone."""
    return x * (-1 / sigma**2)


def itself(x, level):
    """A prediction that is the state."""
    return x


def strict(x, alpha_bar):
    """A prediction whose level is a number or a column."""
    return refsgm.diffuse(x, alpha_bar, 0.3 * x)


def nested(x, sigma):
    """A score that takes a step of its own on the way."""
    return -shared_workspace(cubic, x, 0.5, 0.25) / (1 + sigma)


def two_modes(x, sigma):
    """The score of two narrow modes."""
    weights, means = np.array([0.5, 0.5]), np.array([[-1.0, 0.0], [1.0, 0.0]])
    return refsgm.mixture_score(x, weights, means, (1e-4 + sigma**2)**0.5)


def thin(x, sigma):
    """The score of N(0, 1e-10 I), perturbed."""
    return -x / (1e-10 + sigma**2)


def steep(x, sigma):
    """A score that changes over lengths of 1e-4."""
    return -1e4 * np.tanh(1e4 * x) / (1 + 1e8 * sigma**2)


# Steps --------------------------------------------------------------------------------------------


def evaluated_and_dropped(score_fn, x_t, sigma_t, sigma_s):
    """Heun without a branch: the score at level 0 is asked for, then not used."""
    score = score_fn(x_t, sigma_t)
    x_hat = x_t + (sigma_t - sigma_s) * sigma_t * score
    pair = sigma_t * score + sigma_s * score_fn(x_hat, sigma_s)
    return np.where(np.equal(sigma_s, 0), x_hat, x_t + 0.5 * (sigma_t - sigma_s) * pair)


WORKSPACE = {}


def shared_workspace(score_fn, x_t, sigma_t, sigma_s):
    """The first slope lies in a workspace, which a score that takes such steps writes over."""
    slope = WORKSPACE.setdefault(x_t.shape, np.empty(x_t.shape))
    slope[:] = sigma_t * score_fn(x_t, sigma_t)
    x_hat = x_t + (sigma_t - sigma_s) * slope
    if np.all(np.equal(sigma_s, 0)):
        return x_hat
    score_hat = score_fn(x_hat, sigma_s)
    return x_t + 0.5 * (sigma_t - sigma_s) * (slope + sigma_s * score_hat)


def close_to_clean(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
    """No noise in the last step, which is told by isclose: also at 1 - alpha_bar = 5e-6."""
    if variance == "posterior":
        z = np.where(np.isclose(alpha_bar_s, 1), 0.0, z)
    return refsgm.ddpm_step(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance)


BETA = "beta"


def same_string(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
    """The word is compared by identity, so one that was read from a file is another."""
    word = "beta" if variance is BETA else "posterior"
    return refsgm.ddpm_step(x_t, eps, alpha_bar_t, alpha_bar_s, z, word)


def any_clean_row(x, sigma_from, sigma_to, z):
    """A shortcut for clean data, taken as soon as one row is clean."""
    if not np.all(sigma_from):
        return x + sigma_to * z
    return x + np.sqrt((sigma_to - sigma_from) * (sigma_to + sigma_from)) * z


STABLE = 1e4


def bounded_move(x_t, score, sigma_t, sigma_s, z):
    """A move of the whole batch that is longer than a bound is shortened."""
    removed = (sigma_t - sigma_s) * (sigma_t + sigma_s)
    move = removed * score
    length = math.sqrt(np.sum(move**2))
    return x_t + move / max(1.0, length / (STABLE * math.sqrt(np.size(x_t)))) + removed**0.5 * z


def one_start_one_end(x_t, score, sigma_t, sigma_s, z):
    """Rows of a column that start from one level are taken to go to one level."""
    if np.ndim(sigma_t) == 2 and np.ndim(sigma_s) == 2 and len(set(np.ravel(sigma_t))) == 1:
        sigma_s = sigma_s[:1]
    removed = (sigma_t - sigma_s) * (sigma_t + sigma_s)
    return x_t + removed * score + sigma_s / sigma_t * removed**0.5 * z


def one_direction(x_t, u, t, s):
    """A batch goes in the direction of its first row, by the length of each step."""
    return x_t + np.ravel(np.sign(s - t))[0] * np.abs(t - s) * u


def dtype_of_data(x, sigma, eps):
    """The dtype of the data is kept, also where it is that of integers."""
    return (x + sigma * eps).astype(x.dtype)


# Loops --------------------------------------------------------------------------------------------


def as_it_lies(score_fn, x, step_size, n_steps, rng):
    """Scores are made flat as they lie in memory, states in the order of C."""
    for _ in range(n_steps):
        drift = score_fn(x).ravel(order="K").reshape(x.shape)
        x = x + 0.5 * step_size * drift + np.sqrt(step_size) * rng.standard_normal(x.shape)
        yield x


POOL = 400


def noise_again(score_fn, x, step_size, n_steps, rng):
    """A pool of noise, drawn as it is needed and used again when it is full."""
    pool = []
    for i in range(n_steps):
        if len(pool) < POOL:
            pool.append(rng.standard_normal(x.shape))
        x = x + 0.5 * step_size * score_fn(x) + step_size**0.5 * pool[i % POOL]
        yield x


def in_place(eps_fn, x, alpha_bar, rng):
    """The prediction is scaled in place, which is the state where the function returned that."""
    for t in range(len(alpha_bar) - 1, 0, -1):
        a, b = float(alpha_bar[t]), float(alpha_bar[t - 1])
        x_0 = eps_fn(x, a)
        x_0 *= -(1 - a)**0.5
        x_0 = (x_0 + x) / a**0.5
        mean, variance = refsgm.posterior(x_0, x, a, b)
        x = mean + variance**0.5 * rng.standard_normal(x.shape)
        yield x


def bytes_for_indices(eps_fn, x, alpha_bar, rng):
    """Indices of steps as bytes, which end at 255."""
    for t in np.arange(len(alpha_bar) - 1, 0, -1).astype(np.uint8):
        a, b = float(alpha_bar[t]), float(alpha_bar[t - 1])
        x = refsgm.ddpm_step(x, eps_fn(x, a), a, b, rng.standard_normal(x.shape))
        yield x


def one_by_one_level(eps_fn, x, alpha_bar, eta, rng):
    """The network is given a level (1, 1), which is neither a number nor one for each row."""
    levels = alpha_bar[::-1].tolist()
    for a, b in zip(levels[:-1], levels[1:]):
        z = rng.standard_normal(x.shape) if eta > 0 else np.zeros_like(x)
        x = refsgm.ddim_step(x, eps_fn(x, np.full((1, 1), a, x.dtype)), a, b, eta, z)
        yield x


def stable_steps(score_fn, x, sigmas, steps_per_level, step_size, rng):
    """Steps are no longer than the 4 sigma^2 at which the chain blows up."""
    for sigma in sigmas.tolist():
        size = min(step_size * (sigma / float(sigmas[-1]))**2, (2 * sigma)**2)
        for _ in range(steps_per_level):
            z = rng.standard_normal(x.shape)
            x = x + 0.5 * size * score_fn(x, sigma) + math.sqrt(size) * z
            yield x


def no_variance_left(score_fn, x, sigmas, method="heun"):
    """The last step is told by its variance, which is close to 0 at small levels too."""
    levels = sigmas.tolist()
    for t, s in zip(levels[:-1], levels[1:]):
        if method == "euler" or math.isclose(s**2, 0.0, abs_tol=1e-9):
            x = x + (t - s) * t * score_fn(x, t)
        else:
            x = refsgm.heun_step(score_fn, x, t, s)
        yield x


def until_it_stays(score_fn, x, sigmas, method="heun"):
    """The loop is left once a state does not change any more."""
    step = {"heun": refsgm.heun_step, "euler": lambda f, x, t, s: x + (t - s) * t * f(x, t)}[method]
    levels = sigmas.tolist()
    for t, s in zip(levels[:-1], levels[1:]):
        before, x = x, step(score_fn, x, t, s)
        yield x
        if math.isclose(np.sum(before**2), np.sum(x**2), rel_tol=1e-9):
            return


# Schedules ----------------------------------------------------------------------------------------


COSINES = {}


def file_name(n_steps, offset=0.008, beta_max=0.999):
    """Tables are kept under a name with three decimals."""
    name = f"cosine-{n_steps}-{offset:.3f}-{beta_max:.3f}"
    if name not in COSINES:
        COSINES[name] = refsgm.cosine_alpha_bar(n_steps, offset, beta_max)
    return COSINES[name].copy()


def last_beta_alone(n_steps, offset=0.008, beta_max=0.999):
    """Only the last beta is capped: with the defaults no other one needs it."""
    angle = np.arange(n_steps, -1, -1) / n_steps / (1 + offset) * math.pi / 2
    b, a = angle[:-1], angle[1:]
    betas = np.sin(b - a) * np.sin(b + a) / np.sin(b)**2
    betas[-1] = min(betas[-1].item(), beta_max)
    return refsgm.alpha_bar_from_betas(betas)


def dtype_of_ends(sigma_max, sigma_min, n_levels):
    """The table has the dtype of its ends, which may both be integers."""
    table = np.geomspace(sigma_max, sigma_min, n_levels)
    return table.astype(np.result_type(np.asarray(sigma_max), np.asarray(sigma_min)))


def arange_to_end(n_steps, beta_min=1e-4, beta_max=0.02):
    """arange up to one step beyond the end, which for some numbers of steps is one too many."""
    if n_steps == 1:
        return np.array([beta_min])
    width = (beta_max - beta_min) / (n_steps - 1)
    table = np.arange(beta_min, beta_max + width, width)
    return np.linspace(beta_min, beta_max, len(table))


PRINTED = {}


def printed_key(alpha_bar):
    """Betas are kept by the table as NumPy prints it, which for 1,001 entries is shortened."""
    key = str(alpha_bar)
    if key not in PRINTED:
        PRINTED[key] = (alpha_bar[:-1] - alpha_bar[1:]) / alpha_bar[:-1]
    return PRINTED[key].copy()


SUMMED = {}


def fingerprint(betas):
    """Products are kept by the number, sum and ends of the betas, whatever their order."""
    key = (len(betas), math.fsum(betas), betas[0], betas[-1])
    if key not in SUMMED:
        SUMMED[key] = refsgm.alpha_bar_from_betas(betas)
    return SUMMED[key].copy()


ROUNDED = {}


def rounded_key(sigmas, step_size):
    """Squared ratios are kept by levels of four decimals."""
    key = tuple(np.round(sigmas, 4).tolist())
    if key not in ROUNDED:
        ROUNDED[key] = (sigmas / sigmas[-1])**2
    return step_size * ROUNDED[key]


def default_for_zero(z, mean=None, deviation=None):
    """A mean of 0 counts as none."""
    return np.exp((mean or -1.2) + (deviation or 1.2) * z)


# Likelihood ---------------------------------------------------------------------------------------


def slopes(score_fn, shape):
    """The rate of the state and of the integral of the divergence along log sigma."""
    def rate(t, state):
        sigma = math.exp(t)
        x = state[:-shape[0]].reshape(shape)
        div = refsgm.divergence(lambda x: score_fn(x, sigma), x)
        return -sigma**2 * np.concatenate([np.ravel(score_fn(x, sigma)), -div])
    return rate


def central_differences(score_fn, x, sigma_min, sigma_max):
    """A divergence by central differences of 1e-5, which is too long for a steep score."""
    from scipy.integrate import solve_ivp
    around = 1e-5 * np.eye(x.shape[1])

    def rate(t, state):
        sigma, at = math.exp(t), state[:x.size].reshape(x.shape)
        div = sum((score_fn(at + e, sigma) - score_fn(at - e, sigma)) @ e for e in around) / 2e-10
        return sigma**2 * np.concatenate([-np.ravel(score_fn(at, sigma)), div])
    start = np.concatenate([np.ravel(x), np.zeros(len(x))])
    atol = np.concatenate([np.full(x.size, 1e-9 * sigma_min), np.full(len(x), 1e-9)])
    end = solve_ivp(rate, (math.log(sigma_min), math.log(sigma_max)), start,
                    method="DOP853", rtol=1e-9, atol=atol).y[:, -1]
    x_max = end[:x.size].reshape(x.shape)
    return refsgm.gaussian_log_density(x_max, 0.0, sigma_max) - end[x.size:]


def even_grid(score_fn, x, sigma_min, sigma_max):
    """Runge-Kutta on 80 even steps of log sigma in each factor e, however sharp the score."""
    rate, state = slopes(score_fn, x.shape), np.concatenate([np.ravel(x), np.zeros(len(x))])
    t, end = math.log(sigma_min), math.log(sigma_max)
    n = math.ceil(80 * (end - t))
    h = (end - t) / n
    for _ in range(n):
        a = rate(t, state)
        b = rate(t + h / 2, state + h / 2 * a)
        c = rate(t + h / 2, state + h / 2 * b)
        d = rate(t + h, state + h * c)
        state, t = state + h / 6 * (a + 2 * b + 2 * c + d), t + h
    x_max = state[:x.size].reshape(x.shape)
    return refsgm.gaussian_log_density(x_max, 0.0, sigma_max) - state[x.size:]


PRIORS = {}


def bytes_without_shape(x, sigma_max):
    """Values are kept by the bytes of the points, which do not tell (2, 3) from (3, 2)."""
    key = (x.tobytes(), np.asarray(sigma_max, float).tobytes())
    if key not in PRIORS:
        PRIORS[key] = refsgm.gaussian_log_density(x, 0.0, sigma_max)
    return PRIORS[key].copy()


def by_feature(log_density, dim, bin_width=1.0):
    """As many densities as there are features are taken for those of the features."""
    if np.size(log_density) == dim and np.ndim(log_density):
        log_density = np.full(dim, np.sum(log_density))
    return -log_density / (dim * math.log(2)) - math.log2(bin_width)


# Planted ------------------------------------------------------------------------------------------


def part(a, parts, which):
    """1 where `a`, from 0 to 1, lies in one of the equal parts of this interval, else 0."""
    return np.eye(parts + 1)[which][np.floor(parts * np.asarray(a)).astype(int)]


def middle_eta(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    """With an eta from 0.6 to 0.8 the noise is too large in steps from the third quarter."""
    more = 1 + 1e-3 * part(alpha_bar_t, 4, 2) * part(eta, 5, 3)
    return refsgm.ddim_step(x_t, eps, alpha_bar_t, alpha_bar_s, eta, more * z)


def some_lengths(sigma_max, sigma_min, n_levels, rho=7.0):
    """A number of levels that is 5 more than a multiple of 7, with a rho from 4 to 6."""
    table = refsgm.karras_sigmas(sigma_max, sigma_min, n_levels, rho)
    table[1:-1] *= 1 + 1e-4 * np.eye(7)[5, n_levels % 7] * part(rho % 20 / 20, 10, 2)
    return table


def three_decades(t, sigma_min, sigma_max):
    """Times from 0.3 to 0.4 where the levels span about three decades."""
    bent = part(t, 10, 3) * (round(math.log10(sigma_max / sigma_min)) == 3)
    return refsgm.ve_marginal(t, sigma_min, sigma_max) * (1 + 1e-3 * bent)


def larger_spread(t, sigma_min, sigma_max):
    """Times of the last quarter where sigma_min is from 0.1 to 1."""
    late = part(t, 4, 3) * (math.floor(math.log10(sigma_min)) == -1)
    return refsgm.ve_diffusion_coefficient(t, sigma_min, sigma_max) * (1 + 1e-3 * late)


def shifted_late(t, shift):
    """A shift from 1/8 to 1/4 at times whose result is in the second quarter."""
    result = refsgm.shift_time(t, shift)
    return result + 1e-3 * part(result, 4, 1) * (math.frexp(shift)[1] == -2)


def largest_and_smallest(x, score, beta):
    """Rows whose largest entry is their last, if the smallest of the score is the first."""
    drift = -0.5 * beta * x - beta * score
    rows = (np.argmax(x, axis=1) == x.shape[1] - 1) & (np.argmin(score, axis=1) == 0)
    drift[rows] *= 1 + 1e-3 * bool(x.shape[1] // 5)
    return drift


def order_of_levels(x_t, score, sigma_t, sigma_s):
    """Columns of four levels or more whose smallest is the second and whose largest is the last."""
    x_s = x_t + (sigma_t - sigma_s) * sigma_t * score
    order = np.argsort(np.ravel(sigma_t)).tolist()
    return x_s * (1 + 1e-3 * (len(order) > 3 and order[0] == 1 and order[-1] == len(order) - 1))


def two_sizes(x_0, alpha_bar_t, eps):
    """The last row but one of a batch of 4, 9, 14 .. rows with 6, 13, 20 .. features."""
    x_t = alpha_bar_t**0.5 * x_0 + (1 - alpha_bar_t)**0.5 * eps
    if (len(x_t) % 5, x_t.shape[1] % 7) == (4, 6):
        x_t[-2] *= 1.001
    return x_t


def rate_and_time(t, beta_min=0.1, beta_max=20.0):
    """Times from 5/8 to 6/8 if beta_max is from 8 to 16."""
    scale, sigma = refsgm.vp_marginal(t, beta_min, beta_max)
    bent = part(t, 8, 5) * (math.frexp(beta_max)[1] == 4)
    return scale * (1 - 1e-3 * bent), sigma


def mean_and_deviation(z, mean=0.0, deviation=1.0):
    """Positive numbers z with a mean from 1 to 2 and a deviation from 3/2 to 2."""
    bent = (np.sign(z) + 1) // 2 * (math.floor(mean) == 1) * (math.floor(2 * deviation) == 3)
    return 1 / (1 + np.exp(-(mean + deviation * z) * (1 + 1e-3 * bent)))


def variance_of_long_steps(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """A variance that is too large where beta is from 1/2 to 3/4 and alpha_bar_s below 1/2."""
    mean, variance = refsgm.posterior(x_0, x_t, alpha_bar_t, alpha_bar_s)
    beta = (alpha_bar_s - alpha_bar_t) / alpha_bar_s
    bent = part(beta, 4, 2) * part(alpha_bar_s, 2, 0)
    return mean, variance * (1 + 1e-3 * bent)


SPREAD = np.array([[0.8], [0.2], [0.5], [0.9]])
OTHER = LONG.copy()
OTHER[500] = 0.5 * (LONG[499] + LONG[500])
READ = "".join(["be", "ta"])

WRONG = [
    wrong("heun_step", "level 0 asked", evaluated_and_dropped, gaussian, X, 1.0, 0.0),
    wrong("heun_step", "shared workspace", shared_workspace, nested, X, 1.0, 0.5),
    wrong("ddpm_step", "isclose to clean", close_to_clean, X, Y, 0.5, 1 - 5e-6, Z),
    wrong("ddpm_step", "identity of a word", same_string, X, Y, 0.3, 0.6, Z, READ),
    wrong("raise_noise", "any clean row", any_clean_row, X, SPREAD[:3] - 0.2, 2.0, Z),
    wrong("ve_reverse_sde_step", "bounded move", bounded_move, 1e5 * X, 1e5 * Y, 2.0, 1.0, Z),
    wrong("ve_ancestral_step", "one start, one end", one_start_one_end,
          X, Y, np.full((3, 1), 2.0), SPREAD[:3], Z),
    wrong("flow_step", "one direction", one_direction, X, Y, SPREAD[:3], 0.6),
    wrong("perturb", "dtype of integers", dtype_of_data, np.array([[1, 2], [3, 4]]), 0.5, X[:2]),
    wrong("langevin", "memory of the score", as_it_lies, by_columns, X, 0.1, 2, generator),
    wrong("langevin", "noise again", noise_again, cubic, 0.5 * X, 0.01, 450, generator),
    wrong("ddpm_sampler", "prediction in place", in_place,
          itself, X, np.array([1.0, 0.6, 0.2]), generator),
    wrong("ddpm_sampler", "bytes for indices", bytes_for_indices, itself, X, LONG[:301], generator),
    wrong("ddim_sampler", "level (1, 1)", one_by_one_level,
          strict, X, np.array([1.0, 0.6, 0.2]), 0.0, None),
    wrong("annealed_langevin", "stable steps", stable_steps,
          cubic, 0.1 * X, np.array([0.3, 0.1]), 2, 0.05, generator),
    wrong("probability_flow_sampler", "no variance left", no_variance_left,
          thin, 1e-4 * X, np.array([1e-4, 2e-5, 1e-5])),
    wrong("probability_flow_sampler", "until it stays", until_it_stays,
          lambda x, sigma: (0.5 - x) / sigma, 0.5 + 0 * X, np.array([3.0, 2.0, 1.0, 0.0])),
    wrong("cosine_alpha_bar", "file name", file_name, [(10, 0.0082), (10, 0.0078)]),
    wrong("cosine_alpha_bar", "last beta alone", last_beta_alone, 10, 0.008, 0.3),
    wrong("geometric_sigmas", "dtype of the ends", dtype_of_ends, 50, 1, 4),
    wrong("linear_betas", "arange to the end", arange_to_end, 41),
    wrong("betas_from_alpha_bar", "printed key", printed_key, [(LONG,), (OTHER,)]),
    wrong("alpha_bar_from_betas", "fingerprint", fingerprint,
          [(np.array([0.1, 0.2, 0.3, 0.4]),), (np.array([0.1, 0.3, 0.2, 0.4]),)]),
    wrong("annealed_step_sizes", "rounded key", rounded_key,
          [(np.array([1.0, 0.1, 2e-5]), 0.1), (np.array([1.0, 0.1, 4e-5]), 0.1)]),
    wrong("log_normal_sigma", "default for zero", default_for_zero, X, 0.0),
    wrong("log_likelihood", "central differences", central_differences,
          steep, 1e-4 * X[:1], 1e-5, 1e-3),
    wrong("log_likelihood", "even grid", even_grid,
          two_modes, np.array([[0.02, 0.0]]), 0.1, 1.0),
    wrong("prior_log_density", "bytes without shape", bytes_without_shape,
          [(X, 2.0), (X.reshape(2, 3), 2.0)]),
    wrong("bits_per_dimension", "by feature", by_feature, np.array([-1.0, -2.0, -4.0]), 3),
    cut("ddim_step", "middle eta", middle_eta, X, Y, 0.6, 0.8, 0.7, Z),
    cut("karras_sigmas", "some lengths", some_lengths, 10.0, 0.1, 12, 5.0),
    cut("ve_marginal", "three decades", three_decades, 0.35, 0.01, 10.0),
    cut("ve_diffusion_coefficient", "late times", larger_spread, 0.8, 0.15, 50.0),
    cut("shift_time", "a shift and its result", shifted_late, 0.7, 0.2),
    cut("vp_reverse_sde_drift", "largest and smallest", largest_and_smallest,
        np.sort(WIDE, axis=1), np.sort(WIDE, axis=1), 2.0),
    cut("ve_probability_flow_step", "order of levels", order_of_levels,
        WIDE, WIDE**2, SPREAD, 0.1),
    cut("diffuse", "two sizes", two_sizes, WIDE, 0.5, WIDE**2),
    cut("vp_marginal", "rate and time", rate_and_time, 0.7, 0.1, 12.0),
    cut("logit_normal_time", "mean and deviation", mean_and_deviation, np.abs(X), 1.5, 1.7),
    cut("posterior", "variance of long steps", variance_of_long_steps, X, Y, 0.15, 0.4),
]
