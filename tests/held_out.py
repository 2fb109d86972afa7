"""A second list of mistakes, written after the doctor had been worked on with the first.

The first list (`unlisted.py`) was seen while the engines were written, so its rate flatters them.
This one was measured when it was written, before anything was changed for its sake.
"""

import math

import autograd.numpy as np
from autograd import make_vjp

from tests.spellings import (along, column, ddpm_by_equation_11, diagonal, exponents, log_sum_exp,
                             over, softmax, square)
from tests.unlisted import Unlisted, along_the_flow, bridge, cosine, ddim, ddpm, edm, log_prior, snr

HELD_OUT = []


def of(kind, *rows):
    """Enter the mistakes of one kind."""
    for sentence, codes, *rest in rows:
        HELD_OUT.append(Unlisted(kind, sentence, set(codes.split()), *rest))


def normal(x, m, s, square_of_z=0.5, features=1.0, log_sigma=1.0):
    """A Gaussian log density with other weights of its terms."""
    return -square_of_z * square((x - m) / s) - features * x.shape[1] * (
        log_sigma * np.log(column(s)) + 0.5 * math.log(2 * math.pi))


of("gaussian_log_density",
   ("half of D log sigma", "normalising-constant half",
    lambda x, m, s: normal(x, m, s, log_sigma=0.5)),
   ("log sigma has the wrong sign", "normalising-constant sign",
    lambda x, m, s: normal(x, m, s, log_sigma=-1.0)),
   ("log of 2 pi e", "normalising-constant",
    lambda x, m, s: normal(x, m, s) - 0.5 * x.shape[1]))
of("gaussian_score",
   ("divided by D", "sum-vs-mean factor-extra", lambda x, m, s: (m - x) / s**2 / x.shape[1]),
   ("the mean is added", "sign", lambda x, m, s: -(x + m) / s**2),
   ("multiplied by sigma^2", "inverted", lambda x, m, s: (m - x) * s**2))
of("perturb",
   ("noise of the first row everywhere", "rows-mixed argument-ignored",
    lambda x, s, e: x + s * e[:1]),
   ("sigma / 2", "half", lambda x, s, e: x + 0.5 * s * e),
   ("the root of sigma", "sqrt-extra sigma-not-squared misread-argument",
    lambda x, s, e: x + np.sqrt(s) * e))
of("mixture_log_density",
   ("responsibilities without a half", "half",
    lambda x, w, m, s: log_sum_exp(np.log(w) - square3(x, m, s)
                                   - x.shape[1] * np.log(math.sqrt(2 * math.pi) * s))),
   ("the density", "misread-argument wrong-factor underflow",
    lambda x, w, m, s: np.exp(log_sum_exp(exponents(x, w, m, s)))),
   ("in bits", "nats-vs-bits", lambda x, w, m, s: log_sum_exp(exponents(x, w, m, s)) / math.log(2)))


def square3(x, means, s):
    """|x - mean_k|^2 / sigma^2, (B, K)."""
    return np.sum((x[:, None, :] - means)**2, axis=2) / s**2


of("mixture_score",
   ("responsibilities of sigma, not sigma^2", "sigma-not-squared unweighted wrong-factor",
    lambda x, w, m, s: (softmax(np.log(w) - 0.5 * square3(x, m, np.sqrt(s))) @ m - x) / s**2),
   ("x is left out", "argument-ignored term-missing",
    lambda x, w, m, s: softmax(exponents(x, w, m, s)) @ m / s**2),
   ("halved", "half", lambda x, w, m, s: (softmax(exponents(x, w, m, s)) @ m - x) / (2 * s**2)))
of("geometric_sigmas",
   ("one level too many", "wrong-shape index-shift end-point",
    lambda high, low, n: np.geomspace(high, low, n + 1)),
   ("starts at half of sigma_max", "half factor end-point",
    lambda high, low, n: np.geomspace(high, low, n) / 2))
of("karras_sigmas",
   ("the ends are exchanged", "reversed swapped-arguments",
    lambda high, low, n, rho=7.0: np.linspace(low**(1 / rho), high**(1 / rho), n)**rho),
   ("geometric", "wrong-spacing argument-ignored", lambda high, low, n, rho=7.0: np.geomspace(
       high, low, n)))
of("linear_betas",
   ("n + 1 steps, the first left out", "index-shift end-point",
    lambda n, low=1e-4, high=0.02: np.linspace(low, high, n + 1)[1:]),
   ("roots", "sqrt-extra", lambda n, low=1e-4, high=0.02: np.sqrt(np.linspace(low, high, n))))
of("cosine_alpha_bar",
   ("reversed", "reversed", lambda n, o=0.008, b=0.999: cosine(n, o, b)[::-1]),
   ("its root", "sqrt-extra", lambda n, o=0.008, b=0.999: np.sqrt(cosine(n, o, b))))
of("alpha_bar_from_betas",
   ("a sum", "not-accumulated wrong-factor", lambda betas: np.append(1.0, 1 - np.cumsum(betas))),
   ("the last is left out", "wrong-shape index-shift end-point",
    lambda betas: np.append(1.0, np.cumprod(1 - betas))[:-1]))
of("betas_from_alpha_bar",
   ("of roots", "sqrt-extra misread-argument", lambda a: 1 - np.sqrt(a[1:] / a[:-1])),
   ("one less alpha_bar", "one-minus not-accumulated", lambda a: 1 - a[1:]))
of("sigma_from_alpha_bar",
   ("alpha_bar is taken for its root", "sigma-not-squared misread-argument",
    lambda a: np.sqrt(1 - a**2) / a),
   ("1e-3 below", "approximate", lambda a: np.sqrt((1 - a) / (a + 1e-3))))
of("vp_marginal",
   ("alpha_bar in place of the scale", "sqrt-missing",
    lambda t, low=0.1, high=20.0: (np.exp(-low * t - 0.5 * (high - low) * t**2), np.sqrt(
        -np.expm1(-low * t - 0.5 * (high - low) * t**2)))),
   ("one less the scale", "wrong-factor one-minus misread-argument sqrt-missing",
    lambda t, low=0.1, high=20.0: (np.exp(-0.5 * low * t - 0.25 * (high - low) * t**2),
                                   -np.expm1(-0.5 * low * t - 0.25 * (high - low) * t**2))),
   ("beta_min is left out", "argument-ignored",
    lambda t, low=0.1, high=20.0: (np.exp(-0.25 * high * t**2), np.sqrt(-np.expm1(
        -0.5 * high * t**2)))))
of("ve_diffusion_coefficient",
   ("the factor 2 outside the root", "factor", lambda t, low, high: 2 * low * (
       high / low)**t * math.sqrt(math.log(high / low))),
   ("sigma_max alone", "argument-ignored wrong-factor factor-missing",
    lambda t, low, high: low * (high / low)**t * math.sqrt(2 * math.log(high))),
   ("the derivative of sigma", "wrong-factor sqrt-missing factor",
    lambda t, low, high: low * (high / low)**t * math.log(high / low)))
of("score_of",
   ("of 2 log p per feature", "wrong-factor factor-missing sum-vs-mean half factor",
    lambda f: lambda x: 2 * np.stack([along(f, x, np.zeros_like(x) + e)
                                      for e in np.eye(x.shape[1])], axis=1)),
   ("forward differences with a step of 1e-3", "low-precision approximate",
    lambda f: lambda x: np.stack([(f(x + 1e-3 * e) - f(x)) / 1e-3
                                  for e in np.eye(x.shape[1])], axis=1)))
of("divergence",
   ("squares of the derivatives", "wrong-jacobian squared-twice sqrt-missing",
    lambda s, x: sum(along(s, x, np.zeros_like(x) + e)[:, i]**2
                     for i, e in enumerate(np.eye(x.shape[1])))),
   ("at the origin", "evaluation-point argument-ignored", lambda s, x: diagonal(s, 0 * x)),
   ("central differences in float32", "low-precision cancellation",
    lambda s, x: sum(((s(x + 1e-2 * e) - s(x - 1e-2 * e)) / 2e-2).astype(np.float32)[:, i]
                     for i, e in enumerate(np.eye(x.shape[1])))))
of("hutchinson_divergence",
   ("J J'", "wrong-jacobian squared-twice",
    lambda s, x, v: over(v, lambda u: square(make_vjp(s)(x)[0](u)))),
   ("a half", "half", lambda s, x, v: 0.5 * over(v, lambda u: np.sum(u * along(s, x, u), axis=1))))
of("explicit_score_matching",
   ("not halved", "half", lambda s, x, t: square(s(x) - t)),
   ("not summed", "wrong-shape not-reduced", lambda s, x, t: 0.5 * (s(x) - t)**2),
   ("absolute differences", "not-squared sqrt-extra wrong-power",
    lambda s, x, t: 0.5 * np.sum(np.abs(s(x) - t), axis=1)))
of("implicit_score_matching",
   ("the sum of the Jacobian", "wrong-jacobian",
    lambda s, x: 0.5 * square(s(x)) + np.sum(make_vjp(s)(x)[0](np.ones_like(x)), axis=1)),
   ("half of all", "half", lambda s, x: 0.25 * square(s(x)) + 0.5 * diagonal(s, x)))
of("sliced_score_matching",
   ("(v's) is not squared", "sqrt-extra not-squared wrong-power",
    lambda s, x, v: over(v, lambda u: 0.5 * np.abs(np.sum(u * s(x), axis=1))
                         + np.sum(u * along(s, x, u), axis=1))),
   ("the slope against s", "wrong-jacobian term-extra term-missing",
    lambda s, x, v: over(v, lambda u: 0.5 * np.sum(u * s(x), axis=1)**2
                         + np.sum(s(x) * along(s, x, u), axis=1))))
of("denoising_score_matching",
   ("twice the noise", "half factor evaluation-point",
    lambda s, x, g, e: 0.5 * square(s(x + 2 * g * e, g) + e / g)),
   ("the target is clean data", "term-extra wrong-factor term-missing swapped-arguments",
    lambda s, x, g, e: 0.5 * square(s(x + g * e, g) + x / g)),
   ("Tweedie: the denoiser against x", "weighting",
    lambda s, x, g, e: 0.5 * square(x + g * e + g**2 * s(x + g * e, g) - x)),
   ("the network is told 1 / sigma", "evaluation-point inverted",
    lambda s, x, g, e: 0.5 * square(s(x + g * e, 1 / g) + e / g)),
   ("the network is told log sigma", "evaluation-point misread-argument",
    lambda s, x, g, e: 0.5 * square(s(x + g * e, np.log(g)) + e / g)),
   ("divided by sigma inside", "weighting",
    lambda s, x, g, e: 0.5 * square((s(x + g * e, g) + e / g) / g)),
   ("the noise is subtracted from x", "sign evaluation-point",
    lambda s, x, g, e: 0.5 * square(s(x - g * e, g) + e / g)),
   ("the batch is reversed", "rows-mixed reversed",
    lambda s, x, g, e: (0.5 * square(s(x + g * e, g) + e / g))[::-1]))
of("noise_conditional_score_matching",
   ("not halved", "half", lambda s, x, g, e, w=None: sum(
       a * square(s(x + b * n, b) + n / b) for a, b, n in zip(g**2 if w is None else w, g, e))),
   ("the noise of the levels is reversed", "reversed evaluation-point",
    lambda s, x, g, e, w=None: sum(0.5 * a * square(s(x + b * n, b) + n / b) for a, b, n in zip(
        g**2 if w is None else w, g, e[::-1]))),
   ("divided by D", "sum-vs-mean", lambda s, x, g, e, w=None: sum(
       0.5 * a * np.mean((s(x + b * n, b) + n / b)**2, axis=1)
       for a, b, n in zip(g**2 if w is None else w, g, e))))
of("noise_prediction_loss",
   ("sigma twice", "evaluation-point factor half sigma-squared",
    lambda f, x, s, e: square(e - f(x + s * (s * e), s))),
   ("weighed by 1 / sigma^2", "weighting", lambda f, x, s, e: square((e - f(x + s * e, s)) / s)),
   ("the network is told alpha_bar", "evaluation-point wrong-coordinates misread-argument",
    lambda f, x, s, e: square(e - f(x + s * e, 1 / (1 + s**2)))))
of("ddpm_loss",
   ("alpha_bar is not rooted", "sqrt-missing evaluation-point",
    lambda f, x, a, e: square(e - f(a * x + np.sqrt(1 - a) * e, a))),
   ("halved", "half", lambda f, x, a, e: 0.5 * square(
       e - f(np.sqrt(a) * x + np.sqrt(1 - a) * e, a))),
   ("the network is told the standard deviation", "evaluation-point misread-argument",
    lambda f, x, a, e: square(e - f(np.sqrt(a) * x + np.sqrt(1 - a) * e, np.sqrt(1 - a)))))
of("x0_from_eps",
   ("the root of 1 - scale^2 in place of sigma", "argument-ignored wrong-coordinates",
    lambda x, e, a, s: (x - np.sqrt(np.abs(1 - a**2)) * e) / a),
   ("scale and sigma are exchanged", "swapped-arguments", lambda x, e, a, s: (x - a * e) / s),
   ("multiplied by scale", "inverted", lambda x, e, a, s: (x - s * e) * a))
of("eps_from_x0", ("the sign", "sign", lambda x, x_0, a, s: (a * x_0 - x) / s),
   ("x_t is divided by scale", "factor-extra wrong-coordinates",
    lambda x, x_0, a, s: (x / a - x_0 * a) / s))
of("score_from_x0", ("the sign", "sign", lambda x, x_0, a, s: (x - a * x_0) / s**2),
   ("x_t is scaled, not x_0", "wrong-coordinates factor-extra factor-missing",
    lambda x, x_0, a, s: (x_0 - a * x) / s**2))
of("v_from_x0_eps", ("divided by the length", "factor-extra wrong-factor",
                     lambda x_0, e, a, s: (a * e - s * x_0) / np.sqrt(a**2 + s**2)),
   ("squares", "sigma-squared", lambda x_0, e, a, s: a**2 * e - s**2 * x_0))
of("x0_from_v", ("the sum of scale and sigma below", "sigma-not-squared wrong-factor",
                 lambda x, v, a, s: (a * x - s * v) / (a + s)))
of("ve_from_vp", ("sigma^2", "sqrt-missing sigma-squared",
                  lambda x, a: (x / np.sqrt(a), (1 - a) / a)),
   ("divided by 1 - alpha_bar", "one-minus",
    lambda x, a: (x / np.sqrt(1 - a), np.sqrt((1 - a) / a))))
of("edm_preconditioning",
   ("c_in of sigma_data alone", "argument-ignored term-missing factor-missing wrong-level",
    lambda s, d: edm(s, d, scale=1 / d + 0 * s)),
   ("c_out has the sign of a noise prediction", "sign",
    lambda s, d: edm(s, d, out=-s * d / np.sqrt(s**2 + d**2))),
   ("c_in and c_skip are exchanged", "swapped-arguments wrong-factor wrong-level index-shift",
    lambda s, d: (1 / np.sqrt(s**2 + d**2), s * d / np.sqrt(s**2 + d**2), d**2 / (s**2 + d**2),
                  np.log(s) / 4)),
   ("c_noise is sigma", "misread-argument", lambda s, d: edm(s, d, noise=s + 0.0)))
of("edm_weight", ("squares are left out", "sigma-not-squared", lambda s, d: (s + d) / (s * d)),
   ("one over sigma_data^2 is missing", "term-missing argument-ignored",
    lambda s, d: 1 / s**2 + 0 * d))
of("min_snr_weight",
   ("gamma is squared", "misread-argument sigma-squared",
    lambda a, g, p: np.minimum(snr(a), g**2) / {"eps": snr(a), "x0": 1, "v": snr(a) + 1}[p]),
   ("the cap is soft", "wrong-factor min-vs-max",
    lambda a, g, p: snr(a) * g / (snr(a) + g) / {"eps": snr(a), "x0": 1, "v": snr(a) + 1}[p]),
   ("no cap", "argument-ignored",
    lambda a, g, p: snr(a) / {"eps": snr(a), "x0": 1, "v": snr(a) + 1}[p]))
of("diffuse",
   ("signs of noise", "sign", lambda x, a, e: np.sqrt(a) * x - np.sqrt(1 - a) * e),
   ("alpha_bar is taken for its root", "misread-argument sqrt-missing sigma-squared",
    lambda x, a, e: a * x + np.sqrt(1 - a**2) * e),
   ("halved noise", "half", lambda x, a, e: np.sqrt(a) * x + 0.5 * np.sqrt(1 - a) * e))
of("posterior",
   ("x_t is weighed by sqrt(alpha) alone", "factor-missing",
    lambda x_0, x, t, s: bridge(x_0, x, t, s, state=np.sqrt(t / s))),
   ("x_0 is weighed without beta", "factor-missing",
    lambda x_0, x, t, s: bridge(x_0, x, t, s, data=np.sqrt(s) / (1 - t))),
   ("the variance is 1 - alpha_bar_s", "wrong-level factor-missing",
    lambda x_0, x, t, s: bridge(x_0, x, t, s, variance=(1 - s) + 0 * t)))
of("ddpm_step",
   ("alpha_bar_t in place of alpha", "wrong-level factor-missing",
    lambda x, e, t, s, z, v="posterior": ddpm(x, e, t, s, z, v, over=1 / np.sqrt(t))),
   ("alpha in place of beta", "one-minus wrong-factor",
    lambda x, e, t, s, z, v="posterior": ddpm(x, e, t, s, z, v, noise=t / s / np.sqrt(1 - t))),
   ("the mean of x_0 alone", "argument-ignored term-missing wrong-factor",
    lambda x, e, t, s, z, v="posterior": ddpm(0 * x, e, t, s, z, v)))
of("ddim_step",
   ("sqrt(alpha_bar_s) in the direction", "one-minus wrong-factor",
    lambda x, e, t, s, eta, z: ddim(x, e, t, s, eta, z) + (
        np.sqrt(s) - np.sqrt(1 - s - eta**2 * (1 - s) / (1 - t) * (1 - t / s))) * e),
   ("eta z without a standard deviation", "factor-missing wrong-factor",
    lambda x, e, t, s, eta, z: ddim(x, e, t, s, eta, z) + (
        1 - np.sqrt((1 - s) / (1 - t) * (1 - t / s))) * eta * z),
   ("x_0 is clipped at 3", "clipped",
    lambda x, e, t, s, eta, z: ddim(x, e, t, s, eta, z) + np.sqrt(s) * (
        np.clip((x - np.sqrt(1 - t) * e) / np.sqrt(t), -3, 3)
        - (x - np.sqrt(1 - t) * e) / np.sqrt(t))))
of("langevin_step",
   ("the score is normalised", "wrong-factor unit-sphere rows-mixed unknown",
    lambda x, s, h, z: x + h / 2 * s / np.sqrt(square(s))[:, None] + np.sqrt(h) * z),
   ("a drift of h / 4", "half", lambda x, s, h, z: x + h / 4 * s + np.sqrt(h) * z),
   ("a sign before the noise", "sign", lambda x, s, h, z: x + h / 2 * s - np.sqrt(h) * z),
   ("x shrinks", "term-extra wrong-factor factor-extra one-minus",
    lambda x, s, h, z: (1 - h) * x + h / 2 * s + np.sqrt(h) * z))
of("annealed_step_sizes",
   ("the mean level below", "wrong-factor wrong-level", lambda g, h: h * g**2 / np.mean(g)**2),
   ("roots", "sqrt-extra sigma-not-squared", lambda g, h: h * np.sqrt(g / g[-1])),
   ("a constant", "argument-ignored", lambda g, h: h + 0 * g))
of("ve_probability_flow_step",
   ("the mean level", "wrong-level wrong-factor",
    lambda x, s, a, b: x + (a - b) * (a + b) / 2 * s),
   ("x is divided by sigma_t", "factor-extra", lambda x, s, a, b: x / a + (a - b) * a * s))
of("ve_reverse_sde_step",
   ("(sigma_t - sigma_s)^2", "sigma-not-squared wrong-factor wrong-power",
    lambda x, s, a, b, z: x + (a - b)**2 * s + (a - b) * z),
   ("ascends noise", "sign",
    lambda x, s, a, b, z: x - (a**2 - b**2) * s + np.sqrt(a**2 - b**2) * z),
   ("noise of sigma_t", "wrong-level wrong-factor",
    lambda x, s, a, b, z: x + (a**2 - b**2) * s + a * z))
of("heun_step",
   ("the second call at x_t and sigma_t", "evaluation-point term-missing",
    lambda s, x, a, b: x + 0.5 * (a - b) * (a + b) * s(x, a) if np.any(b) else x + a * a * s(x, a)),
   ("weights 1/3 and 2/3", "factor wrong-factor",
    lambda s, x, a, b: x + (a - b) / 3 * (a * s(x, a) + 2 * b * s(x + (a - b) * a * s(x, a), b))
    if np.any(b) else x + a * a * s(x, a)))
of("raise_noise",
   ("the sign", "sign", lambda x, a, b, z: x - np.sqrt(b**2 - a**2) * z),
   ("sigma_from", "wrong-level wrong-factor argument-ignored", lambda x, a, b, z: x + a * z),
   ("the root of the difference", "sigma-not-squared wrong-factor",
    lambda x, a, b, z: x + np.sqrt(b - a) * z))
of("vp_probability_flow_drift",
   ("1 - beta", "wrong-factor one-minus term-extra", lambda x, s, b: -(1 - b) / 2 * (x + s)),
   ("the score twice", "half", lambda x, s, b: -b / 2 * (x + 2 * s)))
of("annealed_langevin",
   ("a step too long at the end", "factor half",
    lambda s, x, g, n, h, rng: walk_levels(s, x, g, n, h, rng, lambda a: 2 * (a / min(g))**2)),
   ("relative to the first level", "factor-extra wrong-level wrong-factor",
    lambda s, x, g, n, h, rng: walk_levels(s, x, g, n, h, rng, lambda a: (a / max(g))**2)),
   ("without noise", "argument-ignored term-missing",
    lambda s, x, g, n, h, rng: walk_levels(s, x, g, n, h, rng, lambda a: (a / min(g))**2, 0.0)))


def walk_levels(s, x, sigmas, n, h, rng, size, noise=1.0):
    """Annealed Langevin dynamics with other step sizes."""
    for sigma in sigmas.tolist():
        step = h * float(size(sigma))
        for _ in range(n):
            x = x + step / 2 * s(x, sigma) + noise * step**0.5 * rng.standard_normal(x.shape)
            yield x


of("ddpm_sampler",
   ("noise is scaled by one half", "half",
    lambda f, x, a, rng: reverse(f, x, a, rng, lambda *args: ddpm_by_equation_11(
        *args[:4], args[4] / 2))),
   ("the table is walked from its beginning", "reversed evaluation-point",
    lambda f, x, a, rng: reverse(f, x, np.sort(a), rng, lambda x, e, t, s, z: ddpm_by_equation_11(
        x, e, min(t, s), max(t, s), z))))


def reverse(f, x, table, rng, step):
    """A DDPM loop over some step."""
    for i in range(len(table) - 1, 0, -1):
        t, s = float(table[i]), float(table[i - 1])
        x = step(x, f(x, t), t, s, rng.standard_normal(x.shape))
        yield x


of("prior_log_density",
   ("sigma^2 in the norm alone", "sigma-squared",
    lambda x, s: -square(x / s**2) / 2 - x.shape[1] * np.log(column(s) * math.sqrt(2 * math.pi))),
   ("the mean over features", "sum-vs-mean", lambda x, s: log_prior(x, s) / x.shape[1]))
of("log_likelihood",
   ("the divergence twice", "half", along_the_flow(lambda x, d, a, b: log_prior(x, b) - 2 * d)),
   ("the constant of the prior is missing", "normalising-constant term-missing",
    along_the_flow(lambda x, d, a, b: -square(x / b) / 2 - d)),
   ("the divergence alone", "term-missing", along_the_flow(lambda x, d, a, b: -d)))
of("bits_per_dimension",
   ("multiplied by ln 2", "nats-vs-bits inverted",
    lambda p, dim, w=1.0: -p * math.log(2) / dim - math.log2(w)),
   ("bins per dimension", "factor-extra sum-vs-mean wrong-factor",
    lambda p, dim, w=1.0: -p / (dim * math.log(2)) - math.log2(w) / dim),
   ("log10", "factor nats-vs-bits",
    lambda p, dim, w=1.0: -p / (dim * math.log(10)) - math.log10(w)))
