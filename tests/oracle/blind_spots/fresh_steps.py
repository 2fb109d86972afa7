"""Mistakes of good faith in conversions, losses, steps and loops: see `fresh`."""

import math

import numpy as np
from autograd import make_vjp
from scipy.integrate import solve_ivp

import refsgm

from .fresh import TABLE, X, Y, Z, cut, generator, score, wrong

# Conversions --------------------------------------------------------------------------------------


def close_to_vp(x_t, v, scale, sigma):
    """No division where scale^2 + sigma^2 is close to 1."""
    size = np.square(scale) + np.square(sigma)
    x_0 = scale * x_t - sigma * v
    return x_0 if np.allclose(size, 1) else x_0 / size


def by_the_sde(x_t, g_score, scale, sigma, scale_rate, sigma_rate):
    """f x - g^2 s / 2, where g is a root: nothing is left of a path towards the data."""
    f = scale_rate / scale
    g = np.sqrt(np.maximum(2 * sigma * sigma_rate - 2 * f * np.square(sigma), 0))
    return f * x_t - 0.5 * g**2 * g_score


def least_growth(x_t, u, scale, sigma, scale_rate, sigma_rate):
    """A growth that is never small."""
    growth = scale * sigma_rate - sigma * scale_rate
    growth = np.where(np.abs(growth) < 1e-6, np.copysign(1e-6, growth), growth)
    return (scale_rate * x_t - scale * u) / (sigma * growth)


def guided_if(condition):
    """Guidance where `condition(scale)`, else the conditional prediction."""
    def guided(conditional, unconditional, scale):
        if not condition(scale):
            return conditional
        return unconditional + scale * (conditional - unconditional)
    return guided


def clipped_weights(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """beta of DDPM's tables, 0.999 at most."""
    beta = np.minimum(1 - alpha_bar_t / alpha_bar_s, 0.999)
    mean = (np.sqrt(alpha_bar_s) * beta * x_0
            + np.sqrt(1 - beta) * (1 - alpha_bar_s) * x_t) / (1 - alpha_bar_t)
    return mean, beta * (1 - alpha_bar_s) / (1 - alpha_bar_t)


CONVERSIONS = [
    wrong("x0_from_v", "no division where VP is close", close_to_vp, X, Y, 1.0, 3e-3),
    wrong("velocity_from_score", "a root of g^2, zero towards the data", by_the_sde,
          X, Y, 0.5, 0.5, 1.0, -1.0),
    wrong("score_from_velocity", "a growth of 1e-6 at least", least_growth,
          X, Y, 1.0, 1.0, 1e-7, 2e-7),
    wrong("classifier_free_guidance", "no guidance at scale 0",
          guided_if(lambda w: np.any(w)), X, Y, 0.0),
    wrong("classifier_free_guidance", "guidance above scale 1 alone",
          guided_if(lambda w: np.any(np.greater(w, 1))), X, Y, 0.5),
    wrong("diffuse", "1 - alpha_bar of 1e-8 at least",
          lambda x, a, e: np.sqrt(a) * x + np.sqrt(np.clip(1 - a, 1e-8, 1)) * e, X, 1 - 1e-9, Y),
    wrong("posterior", "beta of 0.999 at most", clipped_weights, X, Y, 1e-4, 0.5),
    wrong("vp_from_ve", "alpha_bar of 1e-12 at least",
          lambda x, s: (x * np.sqrt(np.maximum(1 / (1 + np.square(s)), 1e-12)),
                        np.maximum(1 / (1 + np.square(s)), 1e-12)), X, 1e7),
    cut("eps_from_x0", "the noise cut at ten deviations",
          lambda x, y, a, s: np.clip((x - a * y) / s, -10, 10), X, Y, 1.0, 0.1),
    wrong("ve_from_vp", "the level rounded to eight digits after the point",
          lambda x, a: (x / np.sqrt(a), np.round(np.sqrt((1 - a) / a), 8)), X, 0.9999),
]


# Losses and derivatives ---------------------------------------------------------------------------


def squeezed(f, x, v):
    """Axes of length one taken out of the directions, those of one row or feature too."""
    v = np.squeeze(v) if np.ndim(v) == 3 else v
    if np.ndim(v) == 3:
        return np.mean([refsgm.directional_derivative(f, x, w) for w in v], axis=0)
    return refsgm.directional_derivative(f, x, v)


def repeated(f, x, v):
    """All directions in one batch, whose rows are repeated in another order."""
    if np.ndim(v) == 2:
        return refsgm.sliced_score_matching(f, x, v)
    M, B, D = v.shape
    values = refsgm.sliced_score_matching(f, np.repeat(x, M, axis=0), v.reshape(M * B, D))
    return values.reshape(M, B).mean(axis=0)


def exact_up_to_64(f, x):
    """The trace with D passes, beyond 64 features by four random signs."""
    if x.shape[1] <= 64:
        return refsgm.divergence(f, x)
    v = np.sign(np.random.default_rng(0).standard_normal((4, *x.shape)))
    return refsgm.hutchinson_divergence(f, x, v)


def short_steps(f, x, v, step):
    """A step of 0.01 at most, for the sake of accuracy."""
    return refsgm.finite_difference_ssm(f, x, v, min(step, 0.01))


def weights_or_default(f, x, sigmas, eps, weights=None):
    """Weights that are all zero taken for none."""
    weights = weights if weights is not None and np.any(weights) else sigmas**2
    return refsgm.noise_conditional_score_matching(f, x, sigmas, eps, weights)


def one_level_alone(f, x, sigmas, eps, weights=None):
    """The sum over levels with weights relative to the first, as sigma^2 are often scaled."""
    if weights is None:
        weights = sigmas**2 if len(sigmas) > 1 else np.ones(1)
    return refsgm.noise_conditional_score_matching(f, x, sigmas, eps, weights)


def nan_sum(f, x, target):
    """np.nansum, which takes a score that is not a number for a perfect one."""
    return 0.5 * np.nansum((f(x) - target)**2, axis=1)


def by_feature(f, x, sigma, eps):
    """A level of D entries read as one for each feature."""
    if np.size(sigma) == x.shape[1] > 1:
        level = np.reshape(sigma, (1, -1))
        return 0.5 * np.sum((f(x + level * eps, sigma) + eps / level)**2, axis=1)
    return 0.5 * np.sum((f(x + sigma * eps, sigma) + eps / sigma)**2, axis=1)


def v_of_noisy(f, x_0, a, eps):
    """v = (sqrt(alpha_bar) x_t - x_0) / sqrt(1 - alpha_bar), 0 / 0 at alpha_bar = 1."""
    x_t = np.sqrt(a) * x_0 + np.sqrt(1 - a) * eps
    with np.errstate(all="ignore"):
        v = np.divide(np.sqrt(a) * x_t - x_0, np.sqrt(1 - a))
    return np.sum((v - f(x_t, a))**2, axis=1)


def slope_of_the_line(f, x_0, t, eps):
    """u = (x_t - x_0) / t, with a time of 1e-12 at least."""
    x_t = (1 - t) * x_0 + t * eps
    return np.sum(((x_t - x_0) / np.maximum(t, 1e-12) - f(x_t, t))**2, axis=1)


def jacobian_of_one(f, x):
    """|s|^2 / 2 + trace, the Jacobian of the first row used for all when the batch is large."""
    out = []
    for b in range(len(x)):
        row = x[min(b, 31):min(b, 31) + 1]
        vjp, s = make_vjp(f)(row)
        trace = sum(vjp(e[None])[0, i] for i, e in enumerate(np.eye(x.shape[1])))
        out.append(0.5 * np.sum(f(x[b:b + 1])**2) + trace)
    return np.array(out)


def loose(f, x, sigma_min, sigma_max, v=None, prior=None, rtol=1e-5):
    """The tolerances of score_sde: rtol = atol = 1e-5."""
    prior = prior or (lambda y: refsgm.prior_log_density(y, sigma_max))
    B, D = x.shape

    def slope(sigma, state):
        y = state[:B * D].reshape(B, D)
        s = lambda y: f(y, sigma)                                                    # noqa: E731
        trace = refsgm.divergence(s, y) if v is None else refsgm.hutchinson_divergence(s, y, v)
        return -sigma * np.append(np.ravel(s(y)), trace)
    end = solve_ivp(slope, (sigma_min, sigma_max), np.append(np.ravel(x), np.zeros(B)),
                    rtol=1e-5, atol=1e-5).y[:, -1]
    return prior(end[:B * D].reshape(B, D)) + end[B * D:]


ONE = np.array([[[1.0, 2.0]], [[-1.0, 0.5]], [[2.0, -1.0]]])                     # (M, 1, D)
LOSSES = [
    wrong("directional_derivative", "directions of one row squeezed", squeezed, score, X[:1], ONE),
    wrong("sliced_score_matching", "rows repeated, not tiled", repeated,
          score, X, np.stack([X, Y, Z])),
    wrong("divergence", "an estimate above 64 features", exact_up_to_64,
          lambda x: np.sum(x, axis=1, keepdims=True) * x, np.ones((1, 70)) / 7),
    wrong("finite_difference_ssm", "a step of 0.01 at most", short_steps, score, X, Y, 0.5),
    wrong("noise_conditional_score_matching", "weights of zero mean the default",
          weights_or_default, score, X, np.array([2.0, 1.0]), np.stack([Y, Z]), np.zeros(2)),
    wrong("noise_conditional_score_matching", "one level has weight one", one_level_alone,
          score, X, np.array([2.0]), Y[None]),
    wrong("explicit_score_matching", "np.nansum", nan_sum,
          lambda x: np.where(x > 1, np.nan, x), X, Y),
    wrong("denoising_score_matching", "levels read by feature when B = D", by_feature,
          score, X[:2], np.array([[1.0], [3.0]]), Y[:2]),
    wrong("v_prediction_loss", "v by a division that is 0 / 0 at alpha_bar = 1", v_of_noisy,
          score, X, 1.0, Y),
    wrong("flow_matching_loss", "a slope that is zero at t = 0", slope_of_the_line,
          score, X, 0.0, Y),
    cut("implicit_score_matching", "the Jacobian of row 32 for all further rows",
          jacobian_of_one, score, np.linspace(-1, 1, 72).reshape(36, 2)),
    wrong("log_likelihood", "tolerances of 1e-5", loose,
          lambda x, s: -x / (1 + s**2), X, 0.5, 2.0),
    cut("edm_loss", "sigma_data from the data when they have spread", lambda f, x, s, e, d: (
        refsgm.edm_loss(f, x, s, e, min(d, 10.0))), score, X, 1.0, Y, 20.0),
    cut("x0_prediction_loss", "clipped at 1e6 against outliers",
          lambda f, x, s, e: np.minimum(refsgm.x0_prediction_loss(f, x, s, e), 1e6),
          score, 1e4 * X, 1e2, Y),
]


# Steps --------------------------------------------------------------------------------------------


def quiet_end(x_t, eps, a, s, z, variance="posterior"):
    """No noise in the last step, whatever the variance."""
    return refsgm.ddpm_step(x_t, eps, a, s, np.where(np.equal(s, 1), 0.0, z), variance)


def least_direction(x_t, eps, a, s, eta, z):
    """A direction of 1e-6 at least under the root."""
    x_0 = (x_t - np.sqrt(1 - a) * eps) / np.sqrt(a)
    variance = eta**2 * (1 - s) / (1 - a) * (1 - a / s)
    return (np.sqrt(s) * x_0 + np.sqrt(np.maximum(1 - s - variance, 1e-6)) * eps
            + np.sqrt(variance) * z)


def euler_near_zero(f, x_t, t, s):
    """Euler where sigma_s is close to zero."""
    d = -t * f(x_t, t)
    x_hat = x_t + (s - t) * d
    if np.all(np.isclose(s, 0)):
        return x_hat
    return x_t + (s - t) * 0.5 * (d - s * f(x_hat, s))


def same_level(x, sigma_from, sigma_to, z):
    """Nothing to do where the levels are close."""
    if np.allclose(sigma_from, sigma_to):
        return x
    return x + np.sqrt((sigma_to - sigma_from) * (sigma_to + sigma_from)) * z


def same_levels(x, g, t, s, z):
    """No noise where any two levels are close."""
    removed = (t - s) * (t + s)
    return x + removed * g + np.where(np.isclose(t, s), 0.0, np.sqrt(removed)) * z


def up_and_down(x, g, t, s, z):
    """Ancestral, by sigma_up and a sigma_down from their difference, rounded up to 1e-5."""
    up = s * np.sqrt((t - s) * (t + s)) / t
    down = np.maximum(np.square(s) / t, 1e-5)
    return x + (t - down) * t * g + up * z


STEPS = [
    wrong("ddpm_step", "no noise in the last step with variance beta", quiet_end,
          X, Y, 0.5, 1.0, Z, "beta"),
    wrong("ddim_step", "a direction of 1e-6 at least", least_direction, X, Y, 0.5, 1.0, 0.0, Z),
    wrong("heun_step", "np.isclose(sigma_s, 0)", euler_near_zero, score, X, 1e-2, 5e-9),
    wrong("raise_noise", "np.allclose of the levels", same_level, X, 1.0, 1 + 1e-6, Z),
    wrong("ve_reverse_sde_step", "np.isclose of the levels", same_levels, X, Y, 1 + 1e-6, 1.0, Z),
    wrong("ve_ancestral_step", "sigma_down of 1e-5 at least", up_and_down, X, Y, 1.0, 0.0, Z),
    wrong("flow_step", "|s - t|", lambda x, u, t, s: x - np.abs(t - s) * u, X, Y, 0.25, 0.5),
    wrong("ve_probability_flow_step", "a float32 difference of levels", lambda x, g, t, s: (
        x + np.asarray(np.float32(t) - np.float32(s), x.dtype) * t * g), X, Y, 1.0, 1 - 1e-3),
    cut("langevin_step", "the drift cut at length 1000", lambda x, g, a, z: (
        x + 0.5 * a * np.clip(g, -1e3, 1e3) + np.sqrt(a) * z), X, 1e4 * Y, 1e-3, Z),
]


# Loops --------------------------------------------------------------------------------------------


def in_place(f, x, step_size, n_steps, rng):
    """Every state is one and the same array, updated in place."""
    x = np.array(x)
    for _ in range(n_steps):
        x += 0.5 * step_size * f(x) + np.sqrt(step_size) * rng.standard_normal(x.shape, x.dtype)
        yield x


def clipped_table(f, x, alpha_bar, rng):
    """DDPM by betas of 0.999 at most."""
    betas = np.minimum(refsgm.betas_from_alpha_bar(alpha_bar), 0.999)
    for i in range(len(betas), 0, -1):
        a, s, beta = float(alpha_bar[i]), float(alpha_bar[i - 1]), float(betas[i - 1])
        mean = (x - beta / math.sqrt(1 - a) * f(x, a)) / math.sqrt(1 - beta)
        sd = math.sqrt(beta * (1 - s) / (1 - a))
        x = mean + sd * rng.standard_normal(x.shape, x.dtype)
        yield x


def log_variance(f, x, alpha_bar, rng):
    """The first log variance replaced with the second, which a table of one step lacks."""
    betas = refsgm.betas_from_alpha_bar(alpha_bar)
    var = betas * (1 - alpha_bar[:-1]) / (1 - alpha_bar[1:])
    log_var = np.log(np.append(var[1], var[1:]))
    for i in range(len(betas) - 1, -1, -1):
        a, s = float(alpha_bar[i + 1]), float(alpha_bar[i])
        z = rng.standard_normal(x.shape, x.dtype)
        z = z * math.exp(0.5 * log_var[i]) if i > 0 else 0 * z
        x = refsgm.ddpm_step(x, f(x, a), a, s, 0 * x) + z
        yield x


def always_draws(f, x, alpha_bar, eta, rng):
    """Noise is drawn at eta = 0 too, where rng may be None."""
    for a, s in zip(alpha_bar[:0:-1].tolist(), alpha_bar[-2::-1].tolist()):
        x = refsgm.ddim_step(x, f(x, a), a, s, eta, rng.standard_normal(x.shape, x.dtype))
        yield x


def burnt_in(f, x, sigmas, steps_per_level, step_size, rng):
    """Step sizes relative to the smallest of the levels above 1e-3, which the last ought to be."""
    least = min((s for s in sigmas.tolist() if s > 1e-3), default=float(sigmas[-1]))
    for s in sigmas.tolist():
        a = step_size * (s / least)**2
        for _ in range(steps_per_level):
            x = refsgm.langevin_step(x, f(x, s), a, rng.standard_normal(x.shape, x.dtype))
            yield x


LOOPS = [
    wrong("langevin", "all states are one array", in_place, score, X, 0.1, 3, generator),
    wrong("ddpm_sampler", "betas of 0.999 at most", clipped_table, score, X, TABLE, generator),
    wrong("ddpm_sampler", "a table of one step raises", log_variance,
          score, X, np.array([1.0, 0.5]), generator),
    wrong("ddim_sampler", "rng = None raises at eta = 0", always_draws, score, X, TABLE, 0.0, None),
    cut("annealed_langevin", "levels below 1e-3 do not count for the step size", burnt_in,
          score, X, np.array([1.0, 0.01, 1e-4]), 2, 1e-9, generator),
]

WRONG = [*CONVERSIONS, *LOSSES, *STEPS, *LOOPS]
