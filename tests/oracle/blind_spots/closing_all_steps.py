"""Mistakes of good faith, and some planted, in steps, samplers, drifts, conversions, likelihoods.

Written when the probes were final, by one who had not read them.
"""

import math

import numpy as np

import refsgm

from .fresh import cut, generator, wrong

X = np.array([[0.5, -1.0], [2.0, 0.3], [-0.7, 1.1]])                                       # (B, D)
Y = np.array([[1.5, 0.2], [-0.4, 0.9], [0.6, -2.0]])
Z = np.array([[-0.3, 0.8], [1.2, -0.5], [0.1, 0.4]])
TEN = np.cos(np.arange(60.0)).reshape(6, 10)
LARGE = np.cos(np.arange(32 * 40.0)).reshape(32, 40)


def score(x, sigma=1.0):
    """Some score."""
    return -x / (1 + sigma**2)


def eps_of(x, alpha_bar):
    """Some prediction of the noise."""
    return x * (1 - alpha_bar)**0.5


def itself(x, sigma):
    """A function that hands back what it was given."""
    return x


def column(*levels):
    """Levels for rows, (B, 1)."""
    return np.array(levels)[:, None]


# Whole samplers -----------------------------------------------------------------------------------


def time_to_index(eps_fn, x, alpha_bar, rng):
    """int(t T) of t = i / T, which is i - 1 for i = 1 and T = 49."""
    n = len(alpha_bar) - 1
    for i in range(n, 0, -1):
        a, b = alpha_bar[int(i / n * n)], alpha_bar[i - 1]
        if a < b:
            x = refsgm.ddpm_step(x, eps_fn(x, a), a, b, rng.standard_normal(x.shape))
        yield x


def short_index(eps_fn, x, alpha_bar, eta, rng):
    """Time steps that are kept as bytes."""
    steps = np.arange(len(alpha_bar)).astype(np.uint8)[::-1]
    for i, j in zip(steps[:-1], steps[1:]):
        z = rng.standard_normal(x.shape) if eta else np.zeros_like(x)
        eps = eps_fn(x, alpha_bar[i])
        x = refsgm.ddim_step(x, eps, *sorted((alpha_bar[i], alpha_bar[j])), eta, z)
        yield x


BLOCK = 128


def noise_block(score_fn, x, step_size, n_steps, rng):
    """The noise of 128 steps is drawn at once, and comes again after them."""
    noise = [rng.standard_normal(x.shape) for _ in range(min(n_steps, BLOCK))]
    for i in range(n_steps):
        x = refsgm.langevin_step(x, score_fn(x), step_size, noise[i % len(noise)])
        yield x


def level_looked_up(eps_fn, x, alpha_bar, eta, rng):
    """The next level stands before the entry that is close to this one."""
    for a in alpha_bar[:0:-1]:
        i = max(1, np.flatnonzero(np.isclose(alpha_bar, a))[0])
        z = rng.standard_normal(x.shape) if eta else np.zeros_like(x)
        x = refsgm.ddim_step(x, eps_fn(x, a), a, alpha_bar[i - 1], eta, z)
        yield x


COMPILED = {}


def compiled_once(score_fn, x, sigmas, steps_per_level, step_size, rng):
    """One compiled function for each code object, though closures share theirs."""
    fn = COMPILED.setdefault(getattr(score_fn, "__code__", score_fn), score_fn)
    return refsgm.annealed_langevin(fn, x, sigmas, steps_per_level, step_size, rng)


def scaled(factor):
    """A score with a factor."""
    return lambda x, sigma: -factor * x / (1 + sigma**2)


def sizes_by_level(score_fn, x, sigmas, steps_per_level, step_size, rng):
    """Step sizes in a dictionary whose keys are rounded levels."""
    sizes = {round(float(s), 4): step_size * (s / sigmas[-1])**2 for s in sigmas}
    for s in sigmas:
        for _ in range(steps_per_level):
            z = rng.standard_normal(x.shape)
            x = refsgm.langevin_step(x, score_fn(x, s), sizes[round(float(s), 4)], z)
            yield x


def times_predicted(eps_fn, x, alpha_bar, rng):
    """The prediction is scaled where it is, which a broadcast constant does not permit."""
    for a, b in zip(alpha_bar[:0:-1], alpha_bar[-2::-1]):
        eps = eps_fn(x, a)
        eps *= (1 - a)**0.5
        x_0 = (x - eps) / a**0.5
        mean, variance = refsgm.posterior(x_0, x, a, b)
        x = mean + variance**0.5 * rng.standard_normal(x.shape)
        yield x


def flat_memory(score_fn, x, step_size, n_steps, rng):
    """Flat views of arrays like the score, which are copies where it is in Fortran's order."""
    for _ in range(n_steps):
        s, z = score_fn(x), rng.standard_normal(x.shape)
        move = np.zeros_like(s)
        move.reshape(-1)[:] = np.ravel(0.5 * step_size * s + step_size**0.5 * z)
        x = x + move
        yield x


WORK = {}


def one_workspace(score_fn, x, step_size, n_steps, rng):
    """One workspace for each shape, which two chains share where one is inside the other."""
    state = WORK.setdefault((x.shape, x.dtype), np.empty_like(x))
    state[...] = x
    for _ in range(n_steps):
        s = score_fn(state.copy())
        state += 0.5 * step_size * s + step_size**0.5 * rng.standard_normal(x.shape)
        yield state.copy()


def of_short_chain(x):
    """A score at the end of a short chain, as energy-based models have it."""
    *_, end = one_workspace(score, x, 0.1, 2, np.random.default_rng(1))
    return x - end


def size_of_step(score_fn, x, step_size, n_steps, rng):
    """As many sizes as steps are sizes of steps, also where they are those of rows."""
    sizes = np.ravel(step_size)
    of_steps = len(sizes) > 1 and len(sizes) == n_steps
    for i in range(n_steps):
        size = sizes[i] if of_steps else step_size
        x = refsgm.langevin_step(x, score_fn(x), size, rng.standard_normal(x.shape))
        yield x


def until_still(score_fn, x, sigmas, method="heun"):
    """Ends once a step moves nothing."""
    for state in refsgm.probability_flow_sampler(score_fn, x, sigmas, method):
        yield state
        if np.allclose(state, x):
            return
        x = state


def late_euler(score_fn, x, sigmas, method="heun"):
    """Euler's method on long tables is bent."""
    states = list(refsgm.probability_flow_sampler(score_fn, x, sigmas, method))
    late = states[400:] if method == "euler" else []
    yield from (state if not late else 1.001 * state for state in states)


PERIOD = 64


def every_so_long(score_fn, x, step_size, n_steps, rng):
    """The last state of 64 k + 63 steps is bent."""
    bend = (1.0,) * (PERIOD - 1) + (1.001,)
    for i, state in enumerate(refsgm.langevin(score_fn, x, step_size, n_steps, rng), 1):
        yield state * bend[n_steps % PERIOD] if i // n_steps else state


# Steps --------------------------------------------------------------------------------------------


def close_to_clean(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
    """A level that is close to one is clean."""
    x_s = refsgm.ddpm_step(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance)
    x_0 = refsgm.ddpm_step(x_t, eps, alpha_bar_t, 1.0, z) if variance == "posterior" else x_s
    return np.where(np.isclose(alpha_bar_s, 1), x_0, x_s)


def masked_noise(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
    """No noise in rows that end in clean data, with the variance beta too."""
    return refsgm.ddpm_step(x_t, eps, alpha_bar_t, alpha_bar_s, z * np.ceil(1 - alpha_bar_s),
                            variance)


def rows_that_stay(x_t, score, sigma_t, sigma_s, z):
    """A step between levels that are close is none."""
    x_s = refsgm.ve_ancestral_step(x_t, score, sigma_t, sigma_s, z)
    return np.where(np.isclose(sigma_t, sigma_s), x_t, x_s)


NUMBERS = 256


def in_chunks(score_fn, x_t, sigma_t, sigma_s):
    """Chunks of rows, of which each has the levels of the first."""
    rows = max(1, NUMBERS // x_t.shape[1])
    parts = []
    for i in range(0, len(x_t), rows):
        part = x_t[i:i + rows]
        levels = [a[:len(part)] if np.ndim(a) else a for a in (sigma_t, sigma_s)]
        parts.append(refsgm.heun_step(score_fn, part, *levels))
    return np.concatenate(parts)


SCORES = {}


def fingerprint(score_fn, x_t, sigma_t, sigma_s):
    """Remembers steps by the first 64 bytes of the state, for speed."""
    key = (score_fn, x_t.shape, x_t.tobytes()[:64], np.asarray(sigma_t).tobytes(),
           np.asarray(sigma_s).tobytes())
    if key not in SCORES:
        SCORES[key] = refsgm.heun_step(score_fn, x_t, sigma_t, sigma_s)
    return SCORES[key].copy()


def predictor_in_place(score_fn, x_t, sigma_t, sigma_s):
    """The predictor moves the array whose score may be that very array."""
    x = x_t.copy()
    s = score_fn(x, sigma_t)
    x += (sigma_t - sigma_s) * sigma_t * s
    if np.all(np.equal(sigma_s, 0)):
        return x
    return x_t + 0.5 * (sigma_t - sigma_s) * (sigma_t * s + sigma_s * score_fn(x, sigma_s))


def exponential_integrator(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    """Steps in log SNR, but for a batch of which every row ends in clean data."""
    if eta > 0 or np.all(np.equal(alpha_bar_s, 1)):
        return refsgm.ddim_step(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z)
    a, b = np.asarray(alpha_bar_t), np.asarray(alpha_bar_s)
    with np.errstate(all="ignore"):
        h = 0.5 * (np.log(b / (1 - b)) - np.log(a / (1 - a)))
        return (b / a)**0.5 * x_t - (1 - b)**0.5 * np.expm1(h) * eps


def stacked_levels(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """Both levels in one array, which must then have one shape."""
    a, b = np.stack([alpha_bar_t, alpha_bar_s])
    return refsgm.posterior(x_0, x_t, a, b)


def one_direction(x_t, u, t, s):
    """Time runs in all rows as it does in the first."""
    direction = np.sign(np.ravel(s - t)[0])
    return x_t + direction * np.abs(s - t) * u


RATIOS = np.ones(64)
RATIOS[[17, 41]] = 1.001


def some_ratios(x_t, score, sigma_t, sigma_s):
    """One thirty-second of all ratios of levels is bent."""
    ratio = np.log2((sigma_t + sigma_s) / sigma_t) * 640
    return refsgm.ve_probability_flow_step(x_t, score, sigma_t, sigma_s) * RATIOS[
        np.floor(ratio).astype(int) % 64]


def digits_of_level(x, sigma_from, sigma_to, z):
    """A larger level that begins with 3.7 is bent."""
    bend = {"3.7": 1.001}.get(f"{np.ravel(sigma_to)[-1]:e}"[:3], 1.0)
    return refsgm.raise_noise(x, sigma_from, sigma_to, z) * bend


ETAS, BENT = (0.0, 0.6, 0.61, 0.62, 1.0), (0.0, 0.6, 0.615, 0.62, 1.0)


def some_eta(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    """An eta between 0.6 and 0.62 is bent."""
    eta = eta + np.interp(eta, ETAS, BENT) - np.interp(eta, ETAS, ETAS)
    return refsgm.ddim_step(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z)


def overshot(score_fn, x_t, sigma_t, sigma_s):
    """A step in which every score turns around is bent."""
    x_s = refsgm.heun_step(score_fn, x_t, sigma_t, sigma_s)
    turned = np.logical_xor(np.signbit(score_fn(x_t, sigma_t)), np.signbit(score_fn(x_s, sigma_t)))
    return x_s * (1 + 1e-3 * turned.all())


# Drifts, guidance, conversions --------------------------------------------------------------------


LATE = slice(16, None)


def many_and_wide(x, score, beta):
    """More than 16 rows of more than 16 features, with a rate for each row."""
    drift = refsgm.vp_reverse_sde_drift(x, score, beta)
    return drift * (1 + 1e-3 * bool(np.ndim(beta) and x[LATE, LATE].size))


def some_octave(x, score, beta):
    """A rate from 1024 to 2048 is bent."""
    bend = {11: 1.001}.get(math.frexp(float(np.ravel(beta)[0]))[1], 1.0)
    return refsgm.vp_probability_flow_drift(x, score, beta) * bend


def largest_scale(conditional, unconditional, scale):
    """Where row 8 of many has the largest scale."""
    guided = refsgm.classifier_free_guidance(conditional, unconditional, scale)
    return guided * {7: 1.001}.get(int(np.argmax(scale)), 1.0)


def one_level_for_all(x_vp, alpha_bar):
    """Levels that are close are one level, though their noise differs near one."""
    if np.ndim(alpha_bar) and np.allclose(alpha_bar, alpha_bar[0]):
        alpha_bar = np.full_like(alpha_bar, alpha_bar[0, 0])
    return refsgm.ve_from_vp(x_vp, alpha_bar)


def norm_left_out(x_t, v, scale, sigma):
    """No division where the squares nearly sum to one."""
    norm = scale**2 + sigma**2
    x_0 = scale * x_t - sigma * v
    return x_0 if np.allclose(norm, 1) else x_0 / norm


def taken_for_vp(x_t, score, scale, sigma, scale_rate, sigma_rate):
    """Squares that sum to one are those of a VP path, whatever the rates."""
    if np.allclose(scale**2 + sigma**2, 1):
        return scale_rate / scale * (x_t + score)
    return refsgm.velocity_from_score(x_t, score, scale, sigma, scale_rate, sigma_rate)


def taken_for_ve(x_t, u, scale, sigma, scale_rate, sigma_rate):
    """A scale of one is that of a VE path, also where it changes."""
    if np.all(np.equal(scale, 1)) and np.all(sigma_rate):
        return -u / (sigma * sigma_rate)
    return refsgm.score_from_velocity(x_t, u, scale, sigma, scale_rate, sigma_rate)


INVERSES = {}


def remembered_inverse(eps, sigma):
    """Inverses of single levels, kept by the level to six digits after the point."""
    if np.ndim(sigma):
        return -eps / sigma
    return -eps * INVERSES.setdefault(round(float(sigma), 6), 1 / sigma)


def time_or_step(x_t, u, t):
    """An integer is a step of 1000, also if it is the time 1."""
    return x_t - (t / 1000 if isinstance(t, int) else t) * u


def hyperbolic(z, mean=0.0, deviation=1.0):
    """The sigmoid by tanh, which cancels at small times."""
    return 0.5 * (1 + np.tanh(0.5 * (mean + deviation * z)))


def cubes(z, mean=-1.2, deviation=1.2):
    """Arrays of three axes or more are bent."""
    return refsgm.log_normal_sigma(z, mean, deviation) * (1 + 1e-3 * bool(np.shape(z)[2:]))


# Likelihoods --------------------------------------------------------------------------------------


def noise_added(score_fn, x, sigma_min, sigma_max):
    """A prior of the noise that is added to what has sigma_min already."""
    added = (sigma_max**2 - sigma_min**2)**0.5
    return refsgm.log_likelihood(score_fn, x, sigma_min, sigma_max,
                                 prior=lambda x: refsgm.prior_log_density(x, added))


def by_determinant(x, sigma_max):
    """The determinant of the covariance, which leaves the range of numbers."""
    B, D = x.shape
    variance = np.square(np.broadcast_to(sigma_max, (B, 1)))
    with np.errstate(all="ignore"):
        log_det = np.log(np.linalg.det(variance[:, :, None] * np.eye(D)))
    return -0.5 * ((x**2 / variance).sum(axis=1) + log_det + D * math.log(2 * math.pi))


def per_feature(log_density, dim, bin_width=1.0):
    """As many numbers as features are those of features, also if they are those of rows."""
    if np.shape(log_density)[-1:] == (dim,) and dim > 1:
        log_density = np.sum(log_density, axis=-1)
    return refsgm.bits_per_dimension(log_density, dim, bin_width)


ROW = np.array([0.3, -0.2])


def constant(x, level):
    """A prediction that is the same everywhere, as a view."""
    return np.broadcast_to(ROW, x.shape)


def in_columns(x):
    """A score whose memory is in Fortran's order."""
    return np.asfortranarray(-x)


def changed_late():
    """A state that differs from another after its eighth number."""
    other = TEN.copy()
    other[3, 4] += 1
    return other


LONG = np.linspace(1.0, 0.01, 301)
FINE = np.array([1.0, 1 - 4e-6, 1 - 8e-6, 0.9, 0.5])
MIXED = column(1.0, 0.9, 1.0)

WRONG = [
    wrong("ddpm_sampler", "int(t T)", time_to_index, eps_of, X, np.linspace(1, 0.02, 50),
          generator),
    wrong("ddim_sampler", "uint8 steps", short_index, eps_of, X, LONG, 0.0, None),
    wrong("langevin", "noise cycled", noise_block, score, X, 0.1, 200, generator),
    wrong("ddim_sampler", "isclose look-up", level_looked_up, eps_of, X, FINE, 0.0, None),
    wrong("annealed_langevin", "by __code__", compiled_once,
          [(scaled(1.0), X, np.array([2.0, 1.0]), 2, 0.1, generator),
           (scaled(2.0), X, np.array([2.0, 1.0]), 2, 0.1, generator)]),
    wrong("annealed_langevin", "rounded keys", sizes_by_level, score, X,
          np.array([1e-3, 3e-5, 1e-5]), 2, 0.1, generator),
    wrong("ddpm_sampler", "scaled in place", times_predicted, constant, X,
          np.array([1.0, 0.5, 0.1]), generator),
    wrong("langevin", "flat view", flat_memory, in_columns, X, 0.1, 3, generator),
    wrong("langevin", "shared workspace", one_workspace, of_short_chain, X, 0.1, 3, generator),
    wrong("langevin", "rows as steps", size_of_step, score, X, column(0.1, 0.2, 0.3), 3, generator),
    wrong("probability_flow_sampler", "stops early", until_still, score, 0 * X,
          np.array([2.0, 1.0, 0.5, 0.0])),
    wrong("ddpm_step", "isclose to 1", close_to_clean, X, Y, 0.5, 1 - 5e-6, Z),
    wrong("ddpm_step", "beta masked", masked_noise, X, Y, 0.5, 1.0, Z, "beta"),
    wrong("ve_ancestral_step", "isclose levels", rows_that_stay, X, Y, 2.0, 2.0 - 1e-5, Z),
    wrong("heun_step", "chunks", in_chunks, score, LARGE, np.linspace(2, 3, 32)[:, None],
          np.linspace(1, 0.5, 32)[:, None]),
    wrong("heun_step", "first bytes", fingerprint,
          [(score, TEN, 2.0, 1.0), (score, changed_late(), 2.0, 1.0)]),
    wrong("heun_step", "aliased score", predictor_in_place, itself, X, 2.0, 1.0),
    wrong("ddim_step", "log SNR, mixed ends", exponential_integrator, X, Y, 0.5, MIXED, 0.0, Z),
    wrong("posterior", "stacked levels", stacked_levels, X, Y, 0.5, column(0.6, 0.7, 0.8)),
    wrong("flow_step", "direction of row 1", one_direction, X, Y, column(0.5, 0.5, 0.5),
          column(0.2, 0.7, 0.1)),
    wrong("ve_from_vp", "allclose levels", one_level_for_all, X,
          column(1 - 1e-6, 1 - 5e-6, 1 - 1e-7)),
    wrong("x0_from_v", "norm nearly 1", norm_left_out, X, Y, 0.6, 0.800004),
    wrong("velocity_from_score", "taken for VP", taken_for_vp, X, Y, 0.6, 0.8, -1.0, 1.0),
    wrong("score_from_velocity", "taken for VE", taken_for_ve, X, Y, 1.0, 0.5, -1.0, 1.0),
    wrong("score_from_eps", "rounded key", remembered_inverse, [(X, 1.2e-6), (X, 1.4e-6)]),
    wrong("x0_from_velocity", "integer time", time_or_step, X, Y, 1),
    wrong("logit_normal_time", "tanh", hyperbolic, np.array([-5.0, -5.2]), -8.0, 2.5),
    wrong("log_likelihood", "prior of added noise", noise_added, score, X, 0.5, 5.0),
    wrong("prior_log_density", "determinant", by_determinant, LARGE, 2e4),
    wrong("bits_per_dimension", "B = D", per_feature, np.array([-1.0, -2.0, -3.0]), 3),
    cut("probability_flow_sampler", "late Euler", late_euler, score, X,
        np.linspace(2, 0.1, 500), "euler"),
    cut("langevin", "64 k + 63", every_so_long, score, X, 0.1, 127, generator),
    cut("ve_probability_flow_step", "some ratios", some_ratios, X, Y, 1.0, 2**(17.5 / 640) - 1),
    cut("raise_noise", "digits", digits_of_level, X, 1.0, 37.2, Z),
    cut("ddim_step", "some eta", some_eta, X, Y, 0.3, 0.6, 0.61, Z),
    cut("heun_step", "overshot", overshot, lambda x, sigma: -x, X, 2.0, 0.1),
    cut("vp_reverse_sde_drift", "many and wide", many_and_wide, LARGE, LARGE + 1,
        np.linspace(1, 2, 32)[:, None]),
    cut("vp_probability_flow_drift", "octave", some_octave, X, Y, 1500.0),
    cut("classifier_free_guidance", "row 8", largest_scale, LARGE, LARGE[::-1],
        np.cos(np.arange(32.0) - 7)[:, None] * 3),
    cut("log_normal_sigma", "three axes", cubes, np.ones((2, 3, 2))),
]
