"""One right and one wrong implementation of every kind, for NumPy, torch and JAX arrays alike.

They are written from the formulas, with operators and the few functions of a `Space`, as somebody
would who has never seen refsgm. A wrong one carries a single mistake and the code it should get.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import autograd.numpy as anp
import numpy as np
from autograd import make_vjp


class Space(NamedTuple):
    """What the implementations need of a framework, beyond operators.

    lib        its module of functions: sqrt, exp, log, cos, minimum, maximum, where
    total      a -> its sum over the last axis
    array      nested list or NumPy array -> array of the framework in its working precision
    joined     list of 1-d arrays -> one array
    cumprod    product of a 1-d array so far
    jacobian   (f, x) -> f(x) (B, D) and d f_i / d x_j (B, D, D), differentiable
    detach     a -> the same value, without a gradient
    """

    lib: object
    total: Callable
    array: Callable
    joined: Callable
    cumprod: Callable
    jacobian: Callable
    detach: Callable = None


def numpy_space():
    """NumPy, with the derivatives of autograd."""
    def jacobian(f, x):
        vjp, s = make_vjp(f)(x)
        rows = [vjp(np.ones(s.shape) * e)[:, None] for e in np.eye(s.shape[1])]
        return s, anp.concatenate(rows, axis=1)
    return Space(anp, lambda a: anp.sum(a, axis=-1), np.asarray, np.concatenate, np.cumprod,
                 jacobian)


def torch_space(dtype):
    """PyTorch in float32 or float64."""
    import torch
    dtype = getattr(torch, dtype)

    def jacobian(f, x):
        x = x.clone().requires_grad_(True)
        s = f(x)
        return s, torch.stack([torch.autograd.grad(s[:, i].sum(), x, create_graph=True)[0]
                               for i in range(s.shape[1])], dim=1)
    return Space(torch, lambda a: a.sum(-1), lambda a: torch.as_tensor(a, dtype=dtype), torch.cat,
                 lambda a: torch.cumprod(a, 0), jacobian, lambda a: a.detach())


def jax_space():
    """JAX in its default precision, float32."""
    import jax
    import jax.numpy as jnp

    def jacobian(f, x):
        return f(x), jax.vmap(jax.jacfwd(lambda row: f(row[None])[0]))(x)
    return Space(jnp, lambda a: a.sum(-1), jnp.asarray, jnp.concatenate, jnp.cumprod, jacobian,
                 jax.lax.stop_gradient)


class Pair(NamedTuple):
    """A right and a wrong implementation, and the code of what is wrong."""

    right: Callable
    wrong: Callable
    code: str


LOG_2PI = math.log(2 * math.pi)


def portable(xp):
    """{kind: Pair} for a Space."""
    return {**densities(xp), **losses(xp), **levels(xp), **tables(xp), **loops(xp), **scores(xp),
            **conversions(xp), **steps(xp)}


def flat(a):
    """A level, a number or (B, 1), against values (B,)."""
    return a if getattr(a, "ndim", 0) == 0 else a[:, 0]


def over_directions(values):
    """The mean over M of (M, B), or (B,) as it is."""
    return values.mean(0) if values.ndim == 2 else values


def trace(J):
    """The sum of the diagonal, (B,)."""
    return sum(J[:, i, i] for i in range(J.shape[1]))


def densities(xp):
    """Kinds that return a number per row."""
    log, total = xp.lib.log, xp.total

    def sandwich(J, v):                                                     # v' J v
        return total(v * (J @ v[..., None])[..., 0])

    def gaussian(x, mean, sigma):
        D = x.shape[1]
        return -0.5 * total(((x - mean) / sigma)**2) - D * (flat(log(sigma)) + LOG_2PI / 2)

    def gaussian_without_dimension(x, mean, sigma):
        return -0.5 * total(((x - mean) / sigma)**2) - (flat(log(sigma)) + LOG_2PI / 2)

    def exponents(x, weights, means, sigma):                                # (B, K)
        square = total((x[:, None] - means)**2)
        return log(weights) - 0.5 * square / sigma**2

    def mixture(x, weights, means, sigma):
        a = exponents(x, weights, means, sigma)
        top = a[:, :1]
        for k in range(1, a.shape[1]):
            top = xp.lib.maximum(top, a[:, k:k + 1])
        D = x.shape[1]
        return top[:, 0] + log(total(xp.lib.exp(a - top))) - D * (flat(log(sigma)) + LOG_2PI / 2)

    def mixture_by_plain_exponentials(x, weights, means, sigma):
        square, D = total((x[:, None] - means)**2), x.shape[1]
        p = total(weights * xp.lib.exp(-0.5 * square / sigma**2))
        return log(p) - D * (flat(log(sigma)) + LOG_2PI / 2)

    def prior(x, sigma_max):
        D = x.shape[1]
        return -0.5 * total(x**2) / flat(sigma_max)**2 - D * (flat(log(sigma_max)) + LOG_2PI / 2)

    def prior_without_square(x, sigma_max):
        D = x.shape[1]
        return -0.5 * total(x**2) / flat(sigma_max) - D * (flat(log(sigma_max)) + LOG_2PI / 2)

    def flow(sign):
        def log_likelihood(score_fn, x, sigma_min, sigma_max):
            def slope(t, x):
                sigma = xp.array(math.exp(t))
                s, J = xp.jacobian(lambda x: score_fn(x, sigma), x)
                return -sigma**2 * s, sigma**2 * trace(J)

            n = 5
            t, h, change = math.log(sigma_min), math.log(sigma_max / sigma_min) / n, 0.0
            for _ in range(n):                                                 # Runge and Kutta
                a, da = slope(t, x)
                b, db = slope(t + h / 2, x + h / 2 * a)
                c, dc = slope(t + h / 2, x + h / 2 * b)
                d, dd = slope(t + h, x + h * c)
                x = x + h / 6 * (a + 2 * b + 2 * c + d)
                change = change + h / 6 * (da + 2 * db + 2 * dc + dd)
                t += h
            return prior(x, xp.array(sigma_max)) - sign * change
        return log_likelihood

    return {
        "gaussian_log_density": Pair(gaussian, gaussian_without_dimension, "normalising-constant"),
        "mixture_log_density": Pair(mixture, mixture_by_plain_exponentials, "underflow"),
        "directional_derivative": Pair(
            lambda f, x, v: over_directions(sandwich(xp.jacobian(f, x)[1], v)),
            lambda f, x, v: over_directions(-sandwich(xp.jacobian(f, x)[1], v)), "sign"),
        "divergence": Pair(
            lambda f, x: trace(xp.jacobian(f, x)[1]),
            lambda f, x: total(total(xp.jacobian(f, x)[1])), "wrong-jacobian"),
        "hutchinson_divergence": Pair(
            lambda f, x, v: over_directions(sandwich(xp.jacobian(f, x)[1], v)),
            lambda f, x, v: sandwich(xp.jacobian(f, x)[1], v) if v.ndim == 2 else
            sandwich(xp.jacobian(f, x)[1], v).sum(0), "sum-vs-mean"),
        "prior_log_density": Pair(prior, prior_without_square, "sigma-not-squared"),
        "log_likelihood": Pair(flow(1), flow(-1), "sign"),
        "bits_per_dimension": Pair(
            lambda log_density, dim, bin_width: -log_density / (dim * math.log(2))
            - math.log2(bin_width),
            lambda log_density, dim, bin_width: -log_density / dim - math.log2(bin_width),
            "nats-vs-bits"),
    }


def losses(xp, keep=lambda a: a):
    """Losses. `keep` is what becomes of the derivative in a loss, or else of the function's value:
    `xp.detach` makes losses that are right and have the wrong gradient.
    """
    total = xp.total

    def square(a):
        return total(a**2)

    def explicit(f, x, target_score):
        return square(keep(f(x)) - target_score) / 2

    def implicit(reduce):
        def loss(f, x):
            s, J = xp.jacobian(f, x)
            return square(s) / 2 + reduce(keep(J))
        return loss

    def sliced(sign):
        def loss(f, x, v):
            s, J = xp.jacobian(f, x)
            slope = total(v * (keep(J) @ v[..., None])[..., 0])
            return over_directions(total(v * s)**2 / 2 + sign * slope)
        return loss

    def sliced_vr(first):
        def loss(f, x, v):
            s, J = xp.jacobian(f, x)
            slope = total(v * (keep(J) @ v[..., None])[..., 0])
            return first * square(s) / 2 + over_directions(slope)
        return loss

    def finite_difference(width):
        def loss(f, x, v, step):
            slope = keep(f(x + step * v) - f(x - step * v)) / (width * step)
            return over_directions(total(v * f(x))**2 / 2 + total(v * slope))
        return loss

    def denoising(f, x, sigma, eps):
        return 0.5 * square(keep(f(x + sigma * eps, sigma)) + eps / sigma)

    def denoising_with_variance(f, x, sigma, eps):
        return 0.5 * square(keep(f(x + sigma * eps, sigma)) + eps / sigma**2)

    def ncsn(f, x, sigmas, eps, weights=None):
        weights = sigmas**2 if weights is None else weights
        return sum(weights[i] * denoising(f, x, sigmas[i], eps[i]) for i in range(len(sigmas)))

    def ncsn_mean(f, x, sigmas, eps, weights=None):
        return ncsn(f, x, sigmas, eps, weights) / len(sigmas)

    def ddpm(f, x_0, alpha_bar_t, eps):
        x_t = alpha_bar_t**0.5 * x_0 + (1 - alpha_bar_t)**0.5 * eps
        return square(eps - keep(f(x_t, alpha_bar_t)))

    def ddpm_with_variance(f, x_0, alpha_bar_t, eps):
        x_t = alpha_bar_t**0.5 * x_0 + (1 - alpha_bar_t) * eps
        return square(eps - keep(f(x_t, alpha_bar_t)))

    return {
        "explicit_score_matching": Pair(
            explicit, lambda f, x, target_score: square(f(x) - target_score), "half"),
        "implicit_score_matching": Pair(
            implicit(trace), implicit(lambda J: total(total(J))), "wrong-jacobian"),
        "sliced_score_matching": Pair(sliced(1), sliced(-1), "sign"),
        "sliced_score_matching_vr": Pair(sliced_vr(1), sliced_vr(0), "term-missing"),
        "finite_difference_ssm": Pair(finite_difference(2), finite_difference(1), "half"),
        "denoising_score_matching": Pair(denoising, denoising_with_variance, "sigma-squared"),
        "noise_conditional_score_matching": Pair(ncsn, ncsn_mean, "sum-vs-mean"),
        "noise_prediction_loss": Pair(
            lambda f, x, sigma, eps: square(keep(f(x + sigma * eps, sigma)) - eps),
            lambda f, x, sigma, eps: square(f(x, sigma) - eps), "evaluation-point"),
        "ddpm_loss": Pair(ddpm, ddpm_with_variance, "sqrt-missing"),
    }


def levels(xp):
    """Functions of the noise level."""
    sqrt, exp, log = xp.lib.sqrt, xp.lib.exp, xp.lib.log

    def log_scale(t, beta_min, beta_max):
        return -0.25 * t**2 * (beta_max - beta_min) - 0.5 * t * beta_min

    def vp(t, beta_min, beta_max):
        scale = exp(log_scale(t, beta_min, beta_max))
        return scale, sqrt(1 - scale**2)

    def vp_variance(t, beta_min, beta_max):
        scale = exp(log_scale(t, beta_min, beta_max))
        return scale, 1 - scale**2

    def edm(sigma, sigma_data):
        total = sigma**2 + sigma_data**2
        return sigma_data**2 / total, sigma * sigma_data / total**0.5, total**-0.5, log(sigma) / 4

    def edm_without_root(sigma, sigma_data):
        total = sigma**2 + sigma_data**2
        return sigma_data**2 / total, sigma * sigma_data / total, total**-0.5, log(sigma) / 4

    def min_snr(smaller):
        def weight(alpha_bar, gamma, prediction):
            q = alpha_bar / (1 - alpha_bar)
            kept = smaller(q, xp.array(gamma) + 0 * q)
            return kept / {"eps": q, "x0": 1.0, "v": q + 1}[prediction]
        return weight

    return {
        "sigma_from_alpha_bar": Pair(lambda a: sqrt((1 - a) / a), lambda a: (1 - a) / a,
                                     "sqrt-missing"),
        "alpha_bar_from_sigma": Pair(lambda sigma: 1 / (1 + sigma**2),
                                     lambda sigma: 1 / (1 + sigma), "sigma-not-squared"),
        "signal_to_noise_ratio": Pair(lambda a: a / (1 - a), lambda a: (1 - a) / a, "inverted"),
        "vp_marginal": Pair(vp, vp_variance, "sqrt-missing"),
        "ve_marginal": Pair(lambda t, low, high: low * (high / low)**t,
                            lambda t, high, low: low * (high / low)**t, "swapped-arguments"),
        "ve_diffusion_coefficient": Pair(
            lambda t, low, high: low * (high / low)**t * math.sqrt(2 * math.log(high / low)),
            lambda t, low, high: low * (high / low)**t * math.sqrt(math.log(high / low)), "factor"),
        "edm_preconditioning": Pair(edm, edm_without_root, "sqrt-missing"),
        "score_matching_weight": Pair(lambda sigma: sigma**2, lambda sigma: sigma,
                                      "sigma-not-squared"),
        "likelihood_weight": Pair(lambda g: g**2, lambda g: g**2 / 2, "half"),
        "edm_weight": Pair(lambda sigma, data: (sigma**2 + data**2) / (sigma * data)**2,
                           lambda sigma, data: (sigma * data)**2 / (sigma**2 + data**2),
                           "inverted"),
        "min_snr_weight": Pair(min_snr(xp.lib.minimum), min_snr(xp.lib.maximum), "min-vs-max"),
    }


def tables(xp):
    """Schedules."""
    def ramp(n):                                                     # 0 .. 1 in n numbers
        return xp.array([i / (n - 1) for i in range(n)])

    def karras(high, low, n, rho):
        return (high**(1 / rho) + ramp(n) * (low**(1 / rho) - high**(1 / rho)))**rho

    def cosine(n, offset, beta_max):
        angle = (xp.array([i / n for i in range(n + 1)]) + offset) / (1 + offset) * math.pi / 2
        f = xp.lib.cos(angle)**2
        beta = xp.lib.minimum(1 - f[1:] / f[:-1], xp.array([beta_max]))
        return accumulated(beta)

    def accumulated(betas):
        return xp.joined([xp.array([1.0]), xp.cumprod(1 - betas)])

    return {
        "geometric_sigmas": Pair(lambda high, low, n: high * (low / high)**ramp(n),
                                 lambda high, low, n: low * (high / low)**ramp(n), "reversed"),
        "karras_sigmas": Pair(karras, lambda high, low, n, rho: karras(high, low, n, 7.0),
                              "argument-ignored"),
        "linear_betas": Pair(
            lambda n, low, high: low + (high - low) * ramp(n),
            lambda n, low, high: low + (high - low) * ramp(n + 1)[:-1], "end-point"),
        "cosine_alpha_bar": Pair(
            cosine, lambda n, offset, beta_max: cosine(n, offset, beta_max)[1:], "index-shift"),
        "alpha_bar_from_betas": Pair(
            accumulated, lambda betas: xp.joined([xp.array([1.0]), 1 - betas]), "not-accumulated"),
        "betas_from_alpha_bar": Pair(lambda a: 1 - a[1:] / a[:-1], lambda a: a[:-1] - a[1:],
                                     "factor-missing"),
        "annealed_step_sizes": Pair(
            lambda sigmas, step_size: step_size * (sigmas / sigmas[-1])**2,
            lambda sigmas, step_size: step_size * sigmas / sigmas[-1], "sigma-not-squared"),
    }


def loops(xp):
    """Whole samplers."""
    def langevin(power):
        def states(f, x, step_size, n_steps, rng):
            for _ in range(n_steps):
                z = rng.standard_normal(x.shape)
                x = x + step_size / 2 * f(x) + step_size**power * z
                yield x
        return states

    def annealed(power):
        def states(f, x, sigmas, steps_per_level, step_size, rng):
            for sigma in sigmas:
                h = step_size * (sigma / sigmas[-1])**power
                for _ in range(steps_per_level):
                    x = x + h / 2 * f(x, sigma) + h**0.5 * rng.standard_normal(x.shape)
                    yield x
        return states

    def ddpm(power):
        def states(f, x, alpha_bar, rng):
            for i in range(len(alpha_bar) - 1, 0, -1):
                t, s = alpha_bar[i], alpha_bar[i - 1]
                beta = 1 - t / s
                mean = (x - beta / (1 - t)**0.5 * f(x, t)) / (1 - beta)**0.5
                variance = beta * (1 - s) / (1 - t)
                x = mean + variance**power * rng.standard_normal(x.shape)
                yield x
        return states

    def ddim(reduced):
        def states(f, x, alpha_bar, eta, rng):
            for i in range(len(alpha_bar) - 1, 0, -1):
                t, s = alpha_bar[i], alpha_bar[i - 1]
                eps = f(x, t)
                x_0 = (x - (1 - t)**0.5 * eps) / t**0.5
                variance = eta**2 * (1 - s) / (1 - t) * (1 - t / s)
                x = (s**0.5 * x_0 + (1 - s - reduced * variance)**0.5 * eps
                     + variance**0.5 * rng.standard_normal(x.shape))
                yield x
        return states

    def flow(sign):
        def states(f, x, sigmas, method):
            for i in range(len(sigmas) - 1):
                t, s = sigmas[i], sigmas[i + 1]
                d = -t * f(x, t)
                x_hat = x + (s - t) * d
                d_hat = -s * f(x_hat, s) if method == "heun" and s > 0 else d
                x = x + sign * (s - t) * (d + d_hat) / 2
                yield x
        return states

    return {
        "langevin": Pair(langevin(0.5), langevin(1), "sqrt-missing"),
        "annealed_langevin": Pair(annealed(2), annealed(1), "sigma-not-squared"),
        "ddpm_sampler": Pair(ddpm(0.5), ddpm(1), "sqrt-missing"),
        "ddim_sampler": Pair(ddim(1), ddim(0), "wrong-factor"),
        "probability_flow_sampler": Pair(flow(1), flow(-1), "sign"),
    }


def scores(xp):
    """Scores, and noise added to data."""
    def score_of(sign):
        def make(log_density):
            def score(x):
                _, J = xp.jacobian(lambda x: log_density(x)[:, None], x)
                return sign * J[:, 0]
            return score
        return make

    def mixture(sharp):
        def score(x, weights, means, sigma):
            if not sharp:
                return (means.mean(0) - x) / sigma**2
            a = xp.lib.log(weights) - 0.5 * xp.total((x[:, None] - means)**2) / sigma**2
            top = a[:, :1]
            for k in range(1, a.shape[1]):
                top = xp.lib.maximum(top, a[:, k:k + 1])
            r = xp.lib.exp(a - top)
            r = r / xp.total(r)[:, None]
            return xp.total(r[:, None, :] * (means.T[None] - x[:, :, None])) / sigma**2
        return score

    return {
        "score_of": Pair(score_of(1), score_of(-1), "sign"),
        "mixture_score": Pair(mixture(True), mixture(False), "unweighted"),
        "gaussian_score": Pair(lambda x, mean, sigma: (mean - x) / sigma**2,
                               lambda x, mean, sigma: (mean - x) / sigma, "sigma-not-squared"),
        "perturb": Pair(lambda x, sigma, eps: x + sigma * eps,
                        lambda x, sigma, eps: x + sigma**2 * eps, "sigma-squared"),
        "perturbation_score": Pair(lambda x_noisy, x, sigma: (x - x_noisy) / sigma**2,
                                   lambda x_noisy, x, sigma: (x_noisy - x) / sigma**2, "sign"),
        "diffuse": Pair(lambda x_0, a, eps: a**0.5 * x_0 + (1 - a)**0.5 * eps,
                        lambda x_0, a, eps: a * x_0 + (1 - a)**0.5 * eps, "sqrt-missing"),
        "raise_noise": Pair(lambda x, low, high, z: x + (high**2 - low**2)**0.5 * z,
                            lambda x, low, high, z: x + (high - low) * z, "wrong-factor"),
    }


def conversions(xp):
    """Between score, eps, x_0, v and velocity; between VP and VE."""
    return {
        "score_from_eps": Pair(lambda eps, sigma: -eps / sigma, lambda eps, sigma: -eps / sigma**2,
                               "sigma-squared"),
        "eps_from_score": Pair(lambda score, sigma: -sigma * score,
                               lambda score, sigma: sigma * score, "sign"),
        "x0_from_eps": Pair(lambda x_t, eps, scale, sigma: (x_t - sigma * eps) / scale,
                            lambda x_t, eps, scale, sigma: x_t - sigma * eps, "wrong-coordinates"),
        "eps_from_x0": Pair(lambda x_t, x_0, scale, sigma: (x_t - scale * x_0) / sigma,
                            lambda x_t, x_0, scale, sigma: (x_t - scale * x_0) * sigma,
                            "inverted"),
        "x0_from_score": Pair(lambda x_t, score, scale, sigma: (x_t + sigma**2 * score) / scale,
                              lambda x_t, score, scale, sigma: (x_t + sigma * score) / scale,
                              "sigma-not-squared"),
        "score_from_x0": Pair(lambda x_t, x_0, scale, sigma: (scale * x_0 - x_t) / sigma**2,
                              lambda x_t, x_0, scale, sigma: (scale * x_t - x_0) / sigma**2,
                              "swapped-arguments"),
        "v_from_x0_eps": Pair(lambda x_0, eps, scale, sigma: scale * eps - sigma * x_0,
                              lambda x_0, eps, scale, sigma: scale * eps + sigma * x_0, "sign"),
        "x0_from_v": Pair(
            lambda x_t, v, scale, sigma: (scale * x_t - sigma * v) / (scale**2 + sigma**2),
            lambda x_t, v, scale, sigma: scale * x_t - sigma * v, "factor-missing"),
        "eps_from_v": Pair(
            lambda x_t, v, scale, sigma: (sigma * x_t + scale * v) / (scale**2 + sigma**2),
            lambda x_t, v, scale, sigma: scale * v / (scale**2 + sigma**2), "argument-ignored"),
        "velocity_from_x0_eps": Pair(lambda x_0, eps: eps - x_0, lambda x_0, eps: x_0 - eps,
                                     "sign"),
        "x0_from_velocity": Pair(lambda x_t, u, t: x_t - t * u, lambda x_t, u, t: x_t - (1 - t) * u,
                                 "one-minus"),
        "ve_from_vp": Pair(lambda x_vp, a: (x_vp / a**0.5, ((1 - a) / a)**0.5),
                           lambda x_vp, a: (x_vp / a**0.5, (1 - a)**0.5), "wrong-coordinates"),
        "vp_from_ve": Pair(lambda x_ve, sigma: (x_ve / (1 + sigma**2)**0.5, 1 / (1 + sigma**2)),
                           lambda x_ve, sigma: (x_ve / (1 + sigma**2), 1 / (1 + sigma**2)),
                           "sqrt-missing"),
        "ve_score_from_vp": Pair(lambda score_vp, a: a**0.5 * score_vp,
                                 lambda score_vp, a: score_vp / a**0.5, "inverted"),
        "vp_score_from_ve": Pair(lambda score_ve, a: score_ve / a**0.5,
                                 lambda score_ve, a: score_ve / a, "sqrt-missing"),
    }


def steps(xp):
    """Single steps of samplers."""
    def posterior(x_0, x_t, t, s):
        beta = 1 - t / s
        mean = (s**0.5 * beta * x_0 + (t / s)**0.5 * (1 - s) * x_t) / (1 - t)
        return mean, beta * (1 - s) / (1 - t)

    def posterior_undivided(x_0, x_t, t, s):
        return posterior(x_0, x_t, t, s)[0], (1 - t / s) * (1 - s)

    def ddpm(kinds):
        def step(x_t, eps, t, s, z, variance):
            mean, tilde = posterior((x_t - (1 - t)**0.5 * eps) / t**0.5, x_t, t, s)
            return mean + {"posterior": tilde, "beta": 1 - t / s}[kinds[variance]]**0.5 * z
        return step

    def ddim(confused):
        def step(x_t, eps, t, s, eta, z):
            x_0 = (x_t - (1 - t)**0.5 * eps) / t**0.5
            beta, kept = 1 - t / s, t * (1 - s) / (s * (1 - t))
            variance = eta**2 * beta * (1 - s) / (1 - t)
            direction = (1 - s) * (1 - eta**2 + eta**2 * kept)
            return ((t if confused else s)**0.5 * x_0 + direction**0.5 * eps + variance**0.5 * z)
        return step

    def heun(last):
        def step(f, x_t, sigma_t, sigma_s):
            d = -sigma_t * f(x_t, sigma_t)
            x_hat = x_t + (sigma_s - sigma_t) * d
            d_hat = -last(sigma_t, sigma_s) * f(x_hat, sigma_s)
            slope = xp.lib.where(xp.array(1.0) * sigma_s > 0, (d + d_hat) / 2, d)
            return x_t + (sigma_s - sigma_t) * slope
        return step

    return {
        "posterior": Pair(posterior, posterior_undivided, "factor-missing"),
        "langevin_step": Pair(lambda x, score, h, z: x + h / 2 * score + h**0.5 * z,
                              lambda x, score, h, z: x + h * score + (2 * h)**0.5 * z, "half"),
        "ddpm_step": Pair(ddpm({"posterior": "posterior", "beta": "beta"}),
                          ddpm({"posterior": "beta", "beta": "beta"}), "beta-variance"),
        "ddim_step": Pair(ddim(False), ddim(True), "wrong-level"),
        "ve_probability_flow_step": Pair(
            lambda x, score, t, s: x + (t - s) * t * score,
            lambda x, score, t, s: x + (t - s) * s * score, "wrong-level"),
        "ve_reverse_sde_step": Pair(
            lambda x, score, t, s, z: x + (t**2 - s**2) * score + (t**2 - s**2)**0.5 * z,
            lambda x, score, t, s, z: x + (t**2 - s**2) / 2 * score + (t**2 - s**2)**0.5 * z,
            "half"),
        "ve_ancestral_step": Pair(
            lambda x, score, t, s, z: x + (t**2 - s**2) * score
            + s / t * (t**2 - s**2)**0.5 * z,
            lambda x, score, t, s, z: x + (t**2 - s**2) * score + (t**2 - s**2)**0.5 * z,
            "factor-missing"),
        "heun_step": Pair(heun(lambda t, s: s), heun(lambda t, s: t), "wrong-level"),
        "vp_probability_flow_drift": Pair(
            lambda x, score, beta: -beta / 2 * (x + score),
            lambda x, score, beta: -beta / 2 * (x - score), "sign"),
        "vp_reverse_sde_drift": Pair(
            lambda x, score, beta: -beta / 2 * x - beta * score,
            lambda x, score, beta: -beta / 2 * x - beta**0.5 * score, "sqrt-extra"),
    }
