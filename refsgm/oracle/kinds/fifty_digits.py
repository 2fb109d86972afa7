"""The right answers at 50 digits: every kind that has a closed form, from its definition alone.

Arrays hold mpmath numbers, and nothing of refsgm's formulas is used. What is missing solves an ODE.
"""

import itertools

import numpy as np

from . import Noise
from .test_functions import Field

DIGITS = 50


def exact(contract, args):
    """The right answer, a tuple of float64 arrays, or None without mpmath or a closed form."""
    try:
        import mpmath
    except ImportError:
        return None
    if contract.name not in FORMULAS:
        return None
    with mpmath.workdps(DIGITS):
        given = [lift(mpmath, name, args[name], args) for name in contract.args if name in args]
        if contract.form == "function":
            given.append(lift(mpmath, "x", args["x"], args))
        result = FORMULAS[contract.name](Functions(mpmath), *given)
        parts = result if isinstance(result, tuple | list) else (result,)
        return tuple(np.array(part, object).astype(np.float64) for part in parts)


def lift(mp, name, a, args):
    """An argument at 50 digits: the same numbers, exactly."""
    number = np.frompyfunc(lambda v: mp.mpf(float(v)), 1, 1)
    if isinstance(a, Field):
        matrix = (a.A + a.A.T) / 2 if name == "log_density" else a.A
        theta = [a.theta[0], a.theta[1], a.theta[2] * a.gain]
        return ExactField(number(matrix), number(a.b), number(np.array(theta)))
    if isinstance(a, Noise):
        draws = Noise(a.seed)
        return (number(draws.standard_normal(args["x"].shape)) for _ in itertools.count())
    if isinstance(a, np.ndarray):
        return number(a)
    return mp.mpf(a) if isinstance(a, float) else a


class Functions:
    """Elementary functions on arrays of mpmath numbers."""

    def __init__(self, mp):
        self.pi, self.one = mp.pi, mp.mpf(1)
        self.log, self.exp, self.cos = (np.frompyfunc(f, 1, 1) for f in (mp.log, mp.exp, mp.cos))


class ExactField:
    """The test function and its Jacobian at 50 digits."""

    def __init__(self, A, b, theta):
        self.A, self.b, self.theta = A, b, theta

    def __call__(self, x, level=0):
        t = self.theta
        return (t[0] * (x @ self.A) + t[1] * self.b - t[2] * x**3) / (1 + level)

    def jacobian(self, x):
        """(B, D, D)."""
        return (self.theta[0] * self.A.T
                - 3 * self.theta[2] * (x**2)[:, :, None] * np.eye(x.shape[1], dtype=int))


def total(a):
    """Sum over features, (B,)."""
    return np.sum(a, axis=-1)


def flat(a):
    """A level as one number per row."""
    return a[:, 0] if np.ndim(a) == 2 else a


def stacked(v):
    """Directions as (M, B, D)."""
    return v if v.ndim == 3 else v[None]


def over_directions(f, v):
    """The mean of f over the directions, (B,)."""
    return sum(f(u) for u in stacked(v)) / len(stacked(v))


def quadratic(J, v):
    """v'J v of each row, the mean over directions."""
    return over_directions(lambda u: total(u * np.sum(J * u[:, None, :], axis=2)), v)


def trace(J):
    """tr J of each row."""
    return sum(J[:, i, i] for i in range(J.shape[1]))


def log_normal(f, x, mean, sigma):
    s = flat(sigma)
    return -total((x - mean)**2) / (2 * s**2) - x.shape[1] * (f.log(s) + f.log(2 * f.pi) / 2)


def joint(f, x, weights, means, sigma):
    """log w_k N(x | mean_k, sigma^2), (K, B)."""
    return np.stack([f.log(w) + log_normal(f, x, m, sigma) for w, m in zip(weights, means)])


def mixture_log_density(f, x, weights, means, sigma):
    a = joint(f, x, weights, means, sigma)
    top = np.max(a, axis=0)
    return top + f.log(np.sum(f.exp(a - top), axis=0))


def mixture_score(f, x, weights, means, sigma):
    a = joint(f, x, weights, means, sigma)
    r = f.exp(a - mixture_log_density(f, x, weights, means, sigma))
    return sum(r[k][:, None] * (m - x) for k, m in enumerate(means)) / sigma**2


def sliced_score_matching(f, s, x, v):
    return over_directions(lambda u: total(u * s(x))**2, v) / 2 + quadratic(s.jacobian(x), v)


def finite_difference_ssm(f, s, x, v, h):
    return over_directions(lambda u: total(u * s(x))**2 / 2
                           + total(u * (s(x + h * u) - s(x - h * u))) / (2 * h), v)


def denoising_score_matching(f, s, x, sigma, eps):
    return total((s(x + sigma * eps, sigma) + eps / sigma)**2) / 2


def noise_conditional_score_matching(f, s, x, sigmas, eps, weights=None):
    weights = sigmas**2 if weights is None else weights
    return sum(w * denoising_score_matching(f, s, x, sigma, e)
               for w, sigma, e in zip(weights, sigmas, eps))


def spread(f, n, power, start, end):
    """Equal steps in a^(1 / power), both ends included."""
    a, b = start**(1 / power), end**(1 / power)
    return np.array([(a + f.one * i / (n - 1) * (b - a))**power for i in range(n)], object)


def products(values):
    """1 and the cumulative products."""
    result = [1]
    for v in values:
        result.append(result[-1] * v)
    return np.array(result, object)


def cosine_alpha_bar(f, n, offset, beta_max):
    def height(t):
        return f.cos((f.one * t / n + offset) / (1 + offset) * f.pi / 2)**2
    return products([1 - min(1 - height(t) / height(t - 1), beta_max) for t in range(1, n + 1)])


def vp_marginal(f, t, beta_min, beta_max):
    scale = f.exp(-t**2 * (beta_max - beta_min) / 4 - t * beta_min / 2)
    return scale, (1 - scale**2)**(f.one / 2)


def min_snr_weight(f, a, gamma, prediction):
    q = a / (1 - a)
    return np.minimum(q, gamma) / {"eps": q, "x0": 1, "v": q + 1}[prediction]


def posterior(f, x_0, x_t, t, s):
    beta = 1 - t / s
    mean = (root(s) * beta * x_0 + root(t / s) * (1 - s) * x_t) / (1 - t)
    return mean, beta * (1 - s) / (1 - t)


def root(a):
    """Square root of a number or an array."""
    return np.frompyfunc(lambda v: v.sqrt() if hasattr(v, "sqrt") else v**0.5, 1, 1)(a)


def clean(x_t, eps, t):
    """x_0 from eps."""
    return (x_t - root(1 - t) * eps) / root(t)


def ddpm_step(f, x_t, eps, t, s, z, variance="posterior"):
    mean, small = posterior(f, clean(x_t, eps, t), x_t, t, s)
    return mean + root(small if variance == "posterior" else 1 - t / s) * z


def ddim_step(f, x_t, eps, t, s, eta, z):
    variance = eta**2 * (1 - s) / (1 - t) * (1 - t / s)
    return root(s) * clean(x_t, eps, t) + root(1 - s - variance) * eps + root(variance) * z


def heun_step(f, s, x, sigma_t, sigma_s):
    gap, slope = sigma_s - sigma_t, -sigma_t * s(x, sigma_t)
    if np.all(np.asarray(sigma_s) == 0):
        return x + gap * slope
    return x + gap * (slope - sigma_s * s(x + gap * slope, sigma_s)) / 2


def langevin_step(f, x, score, step_size, z):
    return x + step_size / 2 * score + root(step_size) * z


def langevin(f, s, x, step_size, n, rng):
    return loop(x, range(n), lambda x, _: langevin_step(f, x, s(x), step_size, next(rng)))


def annealed_langevin(f, s, x, sigmas, n, step_size, rng):
    return loop(x, [sigma for sigma in sigmas for _ in range(n)],
                lambda x, sigma: langevin_step(f, x, s(x, sigma),
                                               step_size * sigma**2 / sigmas[-1]**2, next(rng)))


def ddpm_sampler(f, eps, x, table, rng):
    return loop(x, down(table), lambda x, a: ddpm_step(f, x, eps(x, a[0]), *a, next(rng)))


def ddim_sampler(f, eps, x, table, eta, rng):
    return loop(x, down(table), lambda x, a: ddim_step(f, x, eps(x, a[0]), *a, eta, next(rng)))


def probability_flow_sampler(f, s, x, sigmas, method="heun"):
    def euler_step(f, s, x, sigma_t, sigma_s):
        return x + (sigma_t - sigma_s) * sigma_t * s(x, sigma_t)

    step = {"heun": heun_step, "euler": euler_step}[method]
    return loop(x, zip(sigmas[:-1], sigmas[1:]), lambda x, a: step(f, s, x, *a))


def down(table):
    """Pairs of neighbours, from the end of a table to its start."""
    return zip(table[:0:-1], table[-2::-1])


def loop(x, levels, step):
    """All states."""
    states = []
    for level in levels:
        x = step(x, level)
        states.append(x)
    return states


# kind: function of Functions and the contract's arguments
FORMULAS = {
    "gaussian_log_density": log_normal,
    "gaussian_score": lambda f, x, mean, sigma: (mean - x) / sigma**2,
    "perturb": lambda f, x, sigma, eps: x + sigma * eps,
    "perturbation_score": lambda f, x_noisy, x, sigma: (x - x_noisy) / sigma**2,
    "mixture_log_density": mixture_log_density,
    "mixture_score": mixture_score,
    "prior_log_density": lambda f, x, sigma: log_normal(f, x, 0, sigma),
    "bits_per_dimension": lambda f, a, dim, width: -a / (dim * f.log(2)) - f.log(width) / f.log(2),
    "geometric_sigmas": lambda f, a, b, n: np.array(
        [a * (b / a)**(f.one * i / (n - 1)) for i in range(n)], object),
    "karras_sigmas": lambda f, a, b, n, rho: spread(f, n, rho, a, b),
    "linear_betas": lambda f, n, a, b: spread(f, n, f.one, a, b),
    "cosine_alpha_bar": cosine_alpha_bar,
    "alpha_bar_from_betas": lambda f, betas: products(1 - betas),
    "betas_from_alpha_bar": lambda f, a: 1 - a[1:] / a[:-1],
    "annealed_step_sizes": lambda f, sigmas, a: a * sigmas**2 / sigmas[-1]**2,
    "sigma_from_alpha_bar": lambda f, a: root((1 - a) / a),
    "alpha_bar_from_sigma": lambda f, s: 1 / (1 + s**2),
    "signal_to_noise_ratio": lambda f, a: a / (1 - a),
    "vp_marginal": vp_marginal,
    "ve_marginal": lambda f, t, a, b: a * (b / a)**t,
    "ve_diffusion_coefficient": lambda f, t, a, b: a * (b / a)**t * root(2 * f.log(b / a)),
    "score_of": lambda f, energy, x: energy(x),
    "directional_derivative": lambda f, s, x, v: quadratic(s.jacobian(x), v),
    "hutchinson_divergence": lambda f, s, x, v: quadratic(s.jacobian(x), v),
    "divergence": lambda f, s, x: trace(s.jacobian(x)),
    "explicit_score_matching": lambda f, s, x, target: total((s(x) - target)**2) / 2,
    "implicit_score_matching": lambda f, s, x: total(s(x)**2) / 2 + trace(s.jacobian(x)),
    "sliced_score_matching": sliced_score_matching,
    "sliced_score_matching_vr": lambda f, s, x, v: (total(s(x)**2) / 2
                                                    + quadratic(s.jacobian(x), v)),
    "finite_difference_ssm": finite_difference_ssm,
    "denoising_score_matching": denoising_score_matching,
    "noise_conditional_score_matching": noise_conditional_score_matching,
    "noise_prediction_loss": lambda f, e, x, sigma, eps: total(
        (e(x + sigma * eps, sigma) - eps)**2),
    "ddpm_loss": lambda f, e, x, a, eps: total(
        (e(root(a) * x + root(1 - a) * eps, a) - eps)**2),
    "score_from_eps": lambda f, eps, sigma: -eps / sigma,
    "eps_from_score": lambda f, score, sigma: -sigma * score,
    "x0_from_eps": lambda f, x, eps, scale, sigma: (x - sigma * eps) / scale,
    "eps_from_x0": lambda f, x, x_0, scale, sigma: (x - scale * x_0) / sigma,
    "x0_from_score": lambda f, x, score, scale, sigma: (x + sigma**2 * score) / scale,
    "score_from_x0": lambda f, x, x_0, scale, sigma: (scale * x_0 - x) / sigma**2,
    "v_from_x0_eps": lambda f, x_0, eps, scale, sigma: scale * eps - sigma * x_0,
    "x0_from_v": lambda f, x, v, scale, sigma: (scale * x - sigma * v) / (scale**2 + sigma**2),
    "eps_from_v": lambda f, x, v, scale, sigma: (sigma * x + scale * v) / (scale**2 + sigma**2),
    "velocity_from_x0_eps": lambda f, x_0, eps: eps - x_0,
    "x0_from_velocity": lambda f, x, u, t: x - t * u,
    "ve_from_vp": lambda f, x, a: (x / root(a), root((1 - a) / a)),
    "vp_from_ve": lambda f, x, s: (x / root(1 + s**2), 1 / (1 + s**2)),
    "ve_score_from_vp": lambda f, score, a: root(a) * score,
    "vp_score_from_ve": lambda f, score, a: score / root(a),
    "edm_preconditioning": lambda f, s, d: (d**2 / (s**2 + d**2), s * d / root(s**2 + d**2),
                                            1 / root(s**2 + d**2), f.log(s) / 4),
    "score_matching_weight": lambda f, s: s**2,
    "likelihood_weight": lambda f, g: g**2,
    "edm_weight": lambda f, s, d: (s**2 + d**2) / (s * d)**2,
    "min_snr_weight": min_snr_weight,
    "diffuse": lambda f, x_0, a, eps: root(a) * x_0 + root(1 - a) * eps,
    "posterior": posterior,
    "langevin_step": langevin_step,
    "ddpm_step": ddpm_step,
    "ddim_step": ddim_step,
    "ve_probability_flow_step": lambda f, x, score, t, s: x + (t - s) * t * score,
    "ve_reverse_sde_step": lambda f, x, score, t, s, z: (x + (t**2 - s**2) * score
                                                         + root(t**2 - s**2) * z),
    "ve_ancestral_step": lambda f, x, score, t, s, z: (x + (t**2 - s**2) * score
                                                       + s / t * root(t**2 - s**2) * z),
    "heun_step": heun_step,
    "raise_noise": lambda f, x, a, b, z: x + root(b**2 - a**2) * z,
    "vp_probability_flow_drift": lambda f, x, score, beta: -beta * (x + score) / 2,
    "vp_reverse_sde_drift": lambda f, x, score, beta: -beta * x / 2 - beta * score,
    "langevin": langevin,
    "annealed_langevin": annealed_langevin,
    "ddpm_sampler": ddpm_sampler,
    "ddim_sampler": ddim_sampler,
    "probability_flow_sampler": probability_flow_sampler,
}
