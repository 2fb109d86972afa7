"""Correct implementations of every kind, spelled otherwise than refsgm spells them.

Three of each: in another order of arithmetic, in another form (for losses: the mean of the batch),
and the first of them in float32 throughout. An oracle that raises an alarm at one of them is wrong.
"""

import functools
import math

import autograd.numpy as np
from autograd import grad, make_vjp
from scipy.integrate import solve_ivp

TINY = 1e-20                                                               # of the complex step


def along(score_fn, x, v):
    """J v by the complex step, (B, D)."""
    return np.imag(score_fn(x + 1j * TINY * v)) / TINY


def over(v, term):
    """The mean of term(u) over the directions u."""
    return sum(term(u) for u in v) / len(v) if v.ndim == 3 else term(v)


def diagonal(score_fn, x):
    """sum_i d s_i / d x_i, one column of the identity after the other."""
    return sum(along(score_fn, x, np.zeros_like(x) + e)[:, i]
               for i, e in enumerate(np.eye(x.shape[1])))


def trace(score_fn, x):
    """The same by reverse mode."""
    vjp, _ = make_vjp(score_fn)(x)
    return sum(vjp(np.zeros_like(x) + e)[:, i] for i, e in enumerate(np.eye(x.shape[1])))


def column(a):
    """A level as a number or (B,)."""
    return a if np.ndim(a) == 0 else a[:, 0]


def square(a):
    """|a|^2 of each row."""
    return np.einsum("bd,bd->b", a, a)


def exponents(x, weights, means, sigma):
    """log w_k N(x | mean_k), (B, K)."""
    away = (x[:, None, :] - means) / (sigma if np.ndim(sigma) == 0 else sigma[:, :, None])
    return (np.log(weights) - 0.5 * np.sum(away**2, axis=2)
            - x.shape[1] * np.log(math.sqrt(2 * math.pi) * sigma))


def log_sum_exp(a):
    """log of the sum of exp over the columns, (B,)."""
    top = np.max(a, axis=1, keepdims=True)
    return top[:, 0] + np.log(np.sum(np.exp(a - top), axis=1))


def softmax(a):
    """exp(a) normalised over the columns."""
    r = np.exp(a - np.max(a, axis=1, keepdims=True))
    return r / np.sum(r, axis=1, keepdims=True)


def ncsn(score_fn, x, sigmas, eps, weights=None):
    """Level after level, as noise prediction: lambda / (2 sigma^2) |sigma s + eps|^2."""
    total = 0.0
    for i in range(len(sigmas)):
        sigma = sigmas[i]
        residual = sigma * score_fn(x + eps[i] * sigma, sigma) + eps[i]
        weight = 1.0 if weights is None else weights[i] / sigma**2
        total = total + 0.5 * weight * square(residual)
    return total


def ncsn_mean(score_fn, x, sigmas, eps, weights=None):
    """The mean of the batch, with the target as (x - x_noisy) / sigma^2."""
    weights = sigmas**2 if weights is None else weights
    terms = []
    for weight, sigma, e in zip(weights, sigmas, eps):
        x_noisy = x + sigma * e
        residual = score_fn(x_noisy, sigma) - (x - x_noisy) / sigma**2
        terms.append(weight * np.mean(np.sum(residual**2, axis=1)) / 2)
    return sum(terms)


def vp_sigma(t, beta_min=0.1, beta_max=20.0):
    """Scale and sigma from the integral of beta."""
    integral = t * (beta_min + (beta_max - beta_min) * t / 2)
    return np.exp(-integral / 2), np.sqrt(-np.expm1(-integral))


def vp_by_alpha_bar(t, beta_min=0.1, beta_max=20.0):
    """Scale and sigma from alpha_bar, by subtraction."""
    alpha_bar = np.exp(-(beta_min * t + 0.5 * (beta_max - beta_min) * t * t))
    return alpha_bar**0.5, (1 - alpha_bar)**0.5


def cosine_by_products(n_steps, offset=0.008, beta_max=0.999):
    """One step after the other."""
    def f(t):
        return math.cos((t / n_steps + offset) / (1 + offset) * math.pi / 2)**2
    table = [1.0]
    for t in range(1, n_steps + 1):
        table.append(table[-1] * (1 - min(1 - f(t) / f(t - 1), beta_max)))
    return np.array(table)


def cosine_by_maximum(n_steps, offset=0.008, beta_max=0.999):
    """Ratios no smaller than 1 - beta_max."""
    t = np.linspace(0, 1, n_steps + 1)
    f = (1 + np.cos(math.pi * (t + offset) / (1 + offset))) / 2
    return np.append(1.0, np.cumprod(np.maximum(f[1:] / f[:-1], 1 - beta_max)))


def min_snr(alpha_bar, gamma, prediction):
    """From the signal-to-noise ratio."""
    q = alpha_bar / (1 - alpha_bar)
    top = np.minimum(q, gamma)
    return top / q if prediction == "eps" else top if prediction == "x0" else top / (q + 1)


def min_snr_by_cases(alpha_bar, gamma, prediction):
    """As the weight on x_0, divided by what turns the prediction into x_0."""
    q = alpha_bar / (1 - alpha_bar)
    weight = np.where(q < gamma, q, gamma)
    return weight * {"eps": (1 - alpha_bar) / alpha_bar, "x0": 1.0, "v": 1 - alpha_bar}[prediction]


def posterior_by_precisions(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """The product of two Gaussians in x_s: q(x_s | x_0) and q(x_t | x_s)."""
    alpha = alpha_bar_t / alpha_bar_s
    beta, left = 1 - alpha, 1 - alpha_bar_s
    variance = beta * left / (beta + alpha * left)
    mean = (beta * alpha_bar_s**0.5 * x_0 + left * alpha**0.5 * x_t) / (beta + alpha * left)
    return mean, variance


def posterior_by_papers_names(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """The coefficients of DDPM's equation 7."""
    beta = 1 - alpha_bar_t / alpha_bar_s
    a = np.sqrt(alpha_bar_s) * beta / (1 - alpha_bar_t)
    b = np.sqrt(1 - beta) * (1 - alpha_bar_s) / (1 - alpha_bar_t)
    return a * x_0 + b * x_t, (1 - alpha_bar_s) / (1 - alpha_bar_t) * beta


def ddpm_by_equation_11(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
    """The mean without x_0."""
    alpha = alpha_bar_t / alpha_bar_s
    share = (1 - alpha_bar_s) / (1 - alpha_bar_t) if variance == "posterior" else 1.0
    mean = (x_t - (1 - alpha) / np.sqrt(1 - alpha_bar_t) * eps) / np.sqrt(alpha)
    return mean + np.sqrt(share * (1 - alpha)) * z


def ddpm_by_x0(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
    """The mean by way of x_0."""
    x_0 = x_t / alpha_bar_t**0.5 - (1 / alpha_bar_t - 1)**0.5 * eps
    mean, small = posterior_by_precisions(x_0, x_t, alpha_bar_t, alpha_bar_s)
    return mean + (small if variance == "posterior" else 1 - alpha_bar_t / alpha_bar_s)**0.5 * z


def ddim_by_sigma(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    """With sigma as in the paper's equation 16."""
    sigma = eta * np.sqrt((1 - alpha_bar_s) / (1 - alpha_bar_t)) * np.sqrt(
        1 - alpha_bar_t / alpha_bar_s)
    x_0 = (x_t - np.sqrt(1 - alpha_bar_t) * eps) / np.sqrt(alpha_bar_t)
    direction = np.sqrt(np.maximum(1 - alpha_bar_s - sigma**2, 0)) * eps
    return np.sqrt(alpha_bar_s) * x_0 + direction + sigma * z


def ddim_by_ratio(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    """x_t scaled, and the coefficient of eps collected."""
    ratio = (alpha_bar_s / alpha_bar_t)**0.5
    variance = eta**2 * (alpha_bar_s - alpha_bar_t) * (1 - alpha_bar_s) / (
        alpha_bar_s * (1 - alpha_bar_t))
    kept = np.maximum(1 - alpha_bar_s - variance, 0)**0.5
    return ratio * x_t + (kept - ratio * (1 - alpha_bar_t)**0.5) * eps + variance**0.5 * z


def heun_by_slopes(score_fn, x_t, sigma_t, sigma_s):
    """The mean of two slopes dx / dsigma."""
    first = -sigma_t * score_fn(x_t, sigma_t)
    x_hat = x_t + (sigma_s - sigma_t) * first
    if np.all(sigma_s == 0):
        return x_hat
    second = -sigma_s * score_fn(x_hat, sigma_s)
    return x_t + (sigma_s - sigma_t) * (first + second) / 2


def heun_by_denoisers(score_fn, x_t, sigma_t, sigma_s):
    """With d = (x - D(x)) / sigma, as EDM's algorithm 1 has it."""
    def d(x, sigma):
        return (x - (x + sigma**2 * score_fn(x, sigma))) / sigma
    h = sigma_s - sigma_t
    first = d(x_t, sigma_t)
    x_hat = x_t + h * first
    return x_hat if np.all(sigma_s == 0) else x_t + h * (0.5 * first + 0.5 * d(x_hat, sigma_s))


def langevin(score_fn, x, step_size, n_steps, rng):
    """Every state, in a list."""
    states = []
    for _ in range(n_steps):
        z = rng.standard_normal(x.shape, dtype=x.dtype)
        x = x + step_size**0.5 * z + step_size / 2 * score_fn(x)
        states.append(x)
    return states


def langevin_sample(score_fn, x, step_size, n_steps, rng):
    """The last state alone, in the convention of h = step_size / 2."""
    h = step_size / 2
    for _ in range(n_steps):
        x = x + h * score_fn(x) + (2 * h)**0.5 * rng.standard_normal(x.shape, dtype=x.dtype)
    return x


def annealed(score_fn, x, sigmas, steps_per_level, step_size, rng):
    """Every state, one by one."""
    for sigma in sigmas.tolist():
        h = step_size * sigma**2 / float(sigmas[-1])**2
        for _ in range(steps_per_level):
            z = rng.standard_normal(x.shape, dtype=x.dtype)
            x = x + h / 2 * score_fn(x, sigma) + h**0.5 * z
            yield x


def annealed_sample(score_fn, x, sigmas, steps_per_level, step_size, rng):
    """The last state alone."""
    *_, x = annealed(score_fn, x, sigmas, steps_per_level, step_size, rng)
    return x


def ddpm_states(eps_fn, x, alpha_bar, rng, step=ddpm_by_equation_11):
    """Every state, from the table's end to its beginning."""
    states, table = [], alpha_bar.tolist()
    for t in range(len(table) - 1, 0, -1):
        z = rng.standard_normal(x.shape, dtype=x.dtype)
        x = step(x, eps_fn(x, table[t]), table[t], table[t - 1], z)
        states.append(x)
    return states


def ddpm_sample(eps_fn, x, alpha_bar, rng):
    """The last state alone."""
    return ddpm_states(eps_fn, x, alpha_bar, rng, step=ddpm_by_x0)[-1]


def ddim_states(eps_fn, x, alpha_bar, eta, rng, step=ddim_by_sigma):
    """Every state."""
    levels = alpha_bar[::-1].tolist()
    for now, then in zip(levels, levels[1:]):
        x = step(x, eps_fn(x, now), now, then, eta, rng.standard_normal(x.shape, dtype=x.dtype))
        yield x


def ddim_sample(eps_fn, x, alpha_bar, eta, rng):
    """The last state alone."""
    return list(ddim_states(eps_fn, x, alpha_bar, eta, rng, step=ddim_by_ratio))[-1]


def flow_states(score_fn, x, sigmas, method="heun"):
    """Every state."""
    for now, then in zip(sigmas.tolist(), sigmas[1:].tolist()):
        x = (heun_by_slopes(score_fn, x, now, then) if method == "heun"
             else x - (then - now) * now * score_fn(x, now))
        yield x


def flow_sample(score_fn, x, sigmas, method="heun"):
    """The last state alone."""
    for now, then in zip(sigmas.tolist(), sigmas[1:].tolist()):
        x = (heun_by_denoisers(score_fn, x, now, then) if method == "heun"
             else x + (now - then) * now * score_fn(x, now))
    return x


def likelihood_by_runge_kutta(score_fn, x, sigma_min, sigma_max):
    """200 classical steps in log sigma, with the divergence along the way."""
    def rates(x, t):
        sigma = math.exp(t)
        s = lambda x: score_fn(x, sigma)
        return -sigma**2 * s(x), sigma**2 * trace(s, x)
    n, t, change = 200, math.log(sigma_min), 0.0
    h = (math.log(sigma_max) - t) / n
    for _ in range(n):
        a, p = rates(x, t)
        b, q = rates(x + h / 2 * a, t + h / 2)
        c, r = rates(x + h / 2 * b, t + h / 2)
        d, s = rates(x + h * c, t + h)
        x, change = x + h / 6 * (a + 2 * b + 2 * c + d), change + h / 6 * (p + 2 * q + 2 * r + s)
        t = t + h
    return LOG_DENSITY[0](x, 0.0, sigma_max) - change


def likelihood_by_scipy(score_fn, x, sigma_min, sigma_max):
    """Row by row, in sigma itself."""
    def rates(sigma, state):
        row = state[None, :-1]
        s = lambda x: score_fn(x, sigma)
        return np.append(-sigma * s(row)[0], -sigma * diagonal(s, row))
    ends = np.array([solve_ivp(rates, (sigma_min, sigma_max), np.append(row, 0.0), rtol=1e-9,
                               atol=1e-9).y[:, -1] for row in x])
    return LOG_DENSITY[1](ends[:, :-1], 0.0, sigma_max) + ends[:, -1]


LOG_DENSITY = (
    lambda x, mean, sigma: -0.5 * (square(x - mean) / column(sigma)**2
                                   + x.shape[1] * np.log(2 * math.pi * column(sigma)**2)),
    lambda x, mean, sigma: np.sum(-((x - mean) / sigma)**2 / 2
                                  - np.log(sigma * math.sqrt(2 * math.pi)), axis=1))

# kind -> (in another order, in another form)
SPELLINGS = {
    "gaussian_log_density": LOG_DENSITY,
    "gaussian_score": (
        lambda x, mean, sigma: -(x - mean) / sigma / sigma,
        lambda x, mean, sigma: -((x - mean) / sigma) * (1 / sigma)),
    "perturb": (lambda x, sigma, eps: sigma * eps + x, lambda x, sigma, eps: x - sigma * -eps),
    "perturbation_score": (
        lambda x_noisy, x, sigma: -(x_noisy - x) / sigma**2,
        lambda x_noisy, x, sigma: (x / sigma - x_noisy / sigma) / sigma),
    "mixture_log_density": (
        lambda x, w, means, sigma: log_sum_exp(exponents(x, w, means, sigma)),
        lambda x, w, means, sigma: functools.reduce(np.logaddexp, exponents(x, w, means, sigma).T)),
    "mixture_score": (
        lambda x, w, means, sigma: (softmax(exponents(x, w, means, sigma)) @ means - x) / sigma**2,
        lambda x, w, means, sigma: np.einsum(
            "bk,bkd->bd", softmax(exponents(x, w, means, sigma)),
            (means - x[:, None, :])) / sigma / sigma),

    "geometric_sigmas": (
        lambda high, low, n: np.exp(np.linspace(math.log(high), math.log(low), n)),
        lambda high, low, n: high * (low / high)**(np.arange(n) / (n - 1))),
    "karras_sigmas": (
        lambda high, low, n, rho=7.0: (high**(1 / rho) + np.arange(n) / (n - 1)
                                       * (low**(1 / rho) - high**(1 / rho)))**rho,
        lambda high, low, n, rho=7.0: np.linspace(low**(1 / rho), high**(1 / rho), n)[::-1]**rho),
    "linear_betas": (
        lambda n, low=1e-4, high=0.02: low + np.arange(n) / max(n - 1, 1) * (high - low),
        lambda n, low=1e-4, high=0.02: np.linspace(high, low, n)[::-1]),
    "cosine_alpha_bar": (cosine_by_products, cosine_by_maximum),
    "alpha_bar_from_betas": (
        lambda betas: np.append(1.0, np.cumprod(1 - betas)),
        lambda betas: np.exp(np.append(0.0, np.cumsum(np.log1p(-betas))))),
    "betas_from_alpha_bar": (
        lambda table: 1 - table[1:] / table[:-1],
        lambda table: -np.expm1(np.diff(np.log(table)))),
    "sigma_from_alpha_bar": (
        lambda a: np.sqrt(1 - a) / np.sqrt(a), lambda a: np.sqrt(1 / a - 1)),
    "alpha_bar_from_sigma": (
        lambda sigma: 1 / (sigma * sigma + 1), lambda sigma: 1 / np.hypot(1, sigma)**2),
    "signal_to_noise_ratio": (lambda a: a / (1 - a), lambda a: 1 / (1 / a - 1)),
    "vp_marginal": (vp_sigma, vp_by_alpha_bar),
    "ve_marginal": (
        lambda t, low, high: low**(1 - t) * high**t,
        lambda t, low, high: np.exp((1 - t) * math.log(low) + t * math.log(high))),
    "ve_diffusion_coefficient": (
        lambda t, low, high: math.sqrt(2 * (math.log(high) - math.log(low))) * (
            low**(1 - t) * high**t),
        lambda t, low, high: np.sqrt(2 * math.log(high / low) * (low * (high / low)**t)**2)),

    "score_of": (
        lambda log_p: lambda x: np.stack([along(log_p, x, np.zeros_like(x) + e)
                                          for e in np.eye(x.shape[1])], axis=1),
        lambda log_p: grad(lambda x: np.sum(log_p(x)))),
    "directional_derivative": (
        lambda s, x, v: over(v, lambda u: np.sum(u * along(s, x, u), axis=1)),
        lambda s, x, v: over(v, lambda u: np.einsum("bd,bd->b", make_vjp(s)(x)[0](u), u))),
    "divergence": (diagonal, trace),
    "hutchinson_divergence": (
        lambda s, x, v: over(v, lambda u: np.sum(u * along(s, x, u), axis=1)),
        lambda s, x, v: over(v, lambda u: np.einsum("bd,bd->b", make_vjp(s)(x)[0](u), u))),

    "explicit_score_matching": (
        lambda s, x, target: 0.5 * square(target - s(x)),
        lambda s, x, target: 0.5 * np.sum((s(x) - target)**2) / len(x)),
    "implicit_score_matching": (
        lambda s, x: diagonal(s, x) + square(s(x)) / 2,
        lambda s, x: np.mean(trace(s, x)) + 0.5 * np.sum(s(x)**2) / len(x)),
    "sliced_score_matching": (
        lambda s, x, v: over(v, lambda u: np.sum(u * along(s, x, u), axis=1)
                             + np.sum(u * s(x), axis=1)**2 / 2),
        lambda s, x, v: np.mean(over(v, lambda u: 0.5 * np.sum(u * s(x), axis=1)**2
                                     + np.sum(make_vjp(s)(x)[0](u) * u, axis=1)))),
    "sliced_score_matching_vr": (
        lambda s, x, v: over(v, lambda u: np.sum(u * along(s, x, u), axis=1)) + square(s(x)) / 2,
        lambda s, x, v: np.mean(over(v, lambda u: 0.5 * np.sum(s(x)**2, axis=1)
                                     + np.sum(make_vjp(s)(x)[0](u) * u, axis=1)))),
    "finite_difference_ssm": (
        lambda s, x, v, step: over(v, lambda u: square_along(s, x, u) / 2 + np.sum(
            u * (s(x + step * u) - s(x - step * u)), axis=1) / (2 * step)),
        lambda s, x, v, step: np.mean(over(v, lambda u: 0.5 * square_along(s, x, u) + np.sum(
            u * (s(x + step * u) - s(x - step * u)) / step / 2, axis=1)))),
    "denoising_score_matching": (
        lambda s, x, sigma, eps: square(sigma * s(x + eps * sigma, sigma) + eps) / (
            2 * column(sigma)**2),
        lambda s, x, sigma, eps: np.mean(np.sum((s(x + sigma * eps, sigma) + eps / sigma)**2,
                                                axis=1)) / 2),
    "noise_conditional_score_matching": (ncsn, ncsn_mean),
    "noise_prediction_loss": (
        lambda f, x, sigma, eps: square(f(x + eps * sigma, sigma) - eps),
        lambda f, x, sigma, eps: np.sum((f(x + sigma * eps, sigma) - eps)**2) / len(x)),
    "ddpm_loss": (
        lambda f, x, a, eps: square(f(np.sqrt(1 - a) * eps + np.sqrt(a) * x, a) - eps),
        lambda f, x, a, eps: x.shape[1] * np.mean(
            (eps - f(a**0.5 * x + (1 - a)**0.5 * eps, a))**2)),

    "score_from_eps": (lambda eps, sigma: -(eps / sigma), lambda eps, sigma: eps * (-1 / sigma)),
    "eps_from_score": (lambda s, sigma: -(s * sigma), lambda s, sigma: s / (-1 / sigma)),
    "x0_from_eps": (
        lambda x, eps, scale, sigma: x / scale - sigma / scale * eps,
        lambda x, eps, scale, sigma: (x + sigma**2 * (-eps / sigma)) / scale),
    "eps_from_x0": (
        lambda x, x_0, scale, sigma: x / sigma - scale / sigma * x_0,
        lambda x, x_0, scale, sigma: -sigma * ((scale * x_0 - x) / sigma**2)),
    "x0_from_score": (
        lambda x, score, scale, sigma: x / scale + sigma * sigma / scale * score,
        lambda x, score, scale, sigma: (x - sigma * (-sigma * score)) / scale),
    "score_from_x0": (
        lambda x, x_0, scale, sigma: -(x - scale * x_0) / sigma**2,
        lambda x, x_0, scale, sigma: (scale * x_0 / sigma - x / sigma) / sigma),
    "v_from_x0_eps": (
        lambda x_0, eps, scale, sigma: -sigma * x_0 + eps * scale,
        lambda x_0, eps, scale, sigma: -(sigma * x_0 - scale * eps)),
    "x0_from_v": (
        lambda x, v, scale, sigma: scale / (scale**2 + sigma**2) * x
        - sigma / (scale**2 + sigma**2) * v,
        lambda x, v, scale, sigma: (x - sigma / scale * v) / (scale + sigma**2 / scale)),
    "eps_from_v": (
        lambda x, v, scale, sigma: sigma / (scale**2 + sigma**2) * x
        + scale / (scale**2 + sigma**2) * v,
        lambda x, v, scale, sigma: (x + scale / sigma * v) / (sigma + scale**2 / sigma)),
    "velocity_from_x0_eps": (lambda x_0, eps: -x_0 + eps, lambda x_0, eps: -(x_0 - eps)),
    "x0_from_velocity": (lambda x, u, t: -t * u + x, lambda x, u, t: x - u * t),
    "ve_from_vp": (
        lambda x, a: (x / np.sqrt(a), np.sqrt(1 - a) / np.sqrt(a)),
        lambda x, a: (x * np.sqrt(1 + (1 - a) / a), np.sqrt(1 / a - 1))),
    "vp_from_ve": (
        lambda x, sigma: (x / np.sqrt(1 + sigma**2), 1 / (1 + sigma**2)),
        lambda x, sigma: (x / np.hypot(1, sigma), np.hypot(1, sigma)**-2)),
    "ve_score_from_vp": (lambda s, a: s * np.sqrt(a), lambda s, a: s / np.sqrt(1 / a)),
    "vp_score_from_ve": (lambda s, a: s / np.sqrt(a), lambda s, a: s * a**-0.5),

    "edm_preconditioning": (
        lambda sigma, data: (1 / (1 + (sigma / data)**2), 1 / np.sqrt(1 / sigma**2 + 1 / data**2),
                             (sigma**2 + data**2)**-0.5, 0.25 * np.log(sigma)),
        lambda sigma, data: (data**2 / (data**2 + sigma**2),
                             sigma * data / np.hypot(sigma, data),
                             1 / np.hypot(sigma, data), np.log(sigma**0.25))),
    "score_matching_weight": (lambda sigma: sigma * sigma, lambda sigma: 1 / (1 / sigma)**2),
    "likelihood_weight": (lambda g: g * g, lambda g: 1 / (1 / g)**2),
    "edm_weight": (
        lambda sigma, data: 1 / sigma**2 + 1 / data**2,
        lambda sigma, data: (np.hypot(sigma, data) / (sigma * data))**2),
    "min_snr_weight": (min_snr, min_snr_by_cases),

    "diffuse": (
        lambda x, a, eps: np.sqrt(1 - a) * eps + np.sqrt(a) * x,
        lambda x, a, eps: np.sqrt(a) * (x + np.sqrt((1 - a) / a) * eps)),
    "posterior": (posterior_by_precisions, posterior_by_papers_names),
    "langevin_step": (
        lambda x, s, h, z: np.sqrt(h) * z + x + h / 2 * s,
        lambda x, s, h, z: x + h / 2 * s + np.sqrt(2 * (h / 2)) * z),
    "annealed_step_sizes": (
        lambda sigmas, h: h * sigmas**2 / sigmas[-1]**2,
        lambda sigmas, h: h / (sigmas[-1] / sigmas)**2),
    "ddpm_step": (ddpm_by_equation_11, ddpm_by_x0),
    "ddim_step": (ddim_by_sigma, ddim_by_ratio),
    "ve_probability_flow_step": (
        lambda x, s, now, then: x + (then - now) * (-now * s),
        lambda x, s, now, then: x + (then - now) * (x - (x + now**2 * s)) / now),
    "ve_reverse_sde_step": (
        lambda x, s, now, then, z: np.sqrt(now**2 - then**2) * z + x + (now**2 - then**2) * s,
        lambda x, s, now, then, z: x + now * np.sqrt(1 - (then / now)**2) * (
            np.sqrt(now**2 - then**2) * s + z)),
    "ve_ancestral_step": (
        lambda x, s, now, then, z: x + (now**2 - then**2) * s
        + np.sqrt(then**2 * (now**2 - then**2) / now**2) * z,
        lambda x, s, now, then, z: x + (now - then**2 / now) * now * s
        + then * np.sqrt(1 - then**2 / now**2) * z),
    "heun_step": (heun_by_slopes, heun_by_denoisers),
    "raise_noise": (
        lambda x, low, high, z: np.sqrt(high**2 - low**2) * z + x,
        lambda x, low, high, z: x + high * np.sqrt(1 - (low / high)**2) * z),
    "vp_probability_flow_drift": (
        lambda x, s, beta: -(beta / 2) * x - beta / 2 * s,
        lambda x, s, beta: -0.5 * beta * x - 0.5 * np.sqrt(beta)**2 * s),
    "vp_reverse_sde_drift": (
        lambda x, s, beta: -beta * (x / 2 + s),
        lambda x, s, beta: -0.5 * beta * x - np.sqrt(beta)**2 * s),
    "langevin": (langevin, langevin_sample),
    "annealed_langevin": (annealed, annealed_sample),
    "ddpm_sampler": (ddpm_states, ddpm_sample),
    "ddim_sampler": (ddim_states, ddim_sample),
    "probability_flow_sampler": (flow_states, flow_sample),

    "prior_log_density": tuple(lambda x, sigma, f=f: f(x, 0.0, sigma) for f in LOG_DENSITY),
    "log_likelihood": (likelihood_by_runge_kutta, likelihood_by_scipy),
    "bits_per_dimension": (
        lambda log_p, dim, width=1.0: -(log_p / dim + math.log(width)) / math.log(2),
        lambda log_p, dim, width=1.0: -log_p * math.log2(math.e) / dim - math.log2(width)),
}


def square_along(score_fn, x, v):
    """(v' s)^2 of each row."""
    return np.einsum("bd,bd->b", v, score_fn(x))**2


def narrow(a):
    """An argument in float32; a function that is passed answers in float32."""
    if callable(a):
        return lambda *args: narrow(a(*args))
    if isinstance(a, float):
        return np.float32(a)
    if hasattr(a, "astype"):
        return a.astype(np.complex64 if a.dtype.kind == "c" else np.float32)
    return a


def in_float32(f):
    """The same function in float32 throughout."""
    @functools.wraps(f)
    def narrowed(*args):
        result = f(*(narrow(a) for a in args))
        if isinstance(result, tuple):
            return tuple(narrow(a) for a in result)
        several = isinstance(result, list) or hasattr(result, "__next__")
        return [narrow(a) for a in result] if several else narrow(result)
    return narrowed


def spellings(kind):
    """(name, function) of three correct implementations of a kind."""
    one, other = SPELLINGS[kind]
    yield "another order", one
    yield "another form", other
    yield "float32", in_float32(one)
