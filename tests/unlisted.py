"""Mistakes that are in no list, over all kinds: do the doctor's general engines name them?

Each has the codes that are right to say of it: several where a mistake has several true names. They
were written from the formulas; where the doctor found a further name that is true, it was added.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import autograd.numpy as np
from autograd import grad, make_vjp

from refsgm.exact.likelihood import solve
from refsgm.score import divergence
from tests.spellings import (along, column, ddim_by_sigma, ddpm_by_equation_11, diagonal, exponents,
                             heun_by_slopes, log_sum_exp, over, softmax, square)


class Unlisted(NamedTuple):
    """A mistake: its kind, what it is, the codes that name it, the function, its framework."""

    kind: str
    sentence: str
    codes: set
    function: Callable
    framework: str = "numpy"


MISTAKES = []


def of(kind, *rows):
    """Enter the mistakes of one kind: (sentence, codes, function[, framework])."""
    for sentence, codes, *rest in rows:
        MISTAKES.append(Unlisted(kind, sentence, set(codes.split()), *rest))


# Gaussians ----------------------------------------------------------------------------------------

of("gaussian_log_density",
   ("the square is not halved", "half",
    lambda x, m, s: -square((x - m) / s) - x.shape[1] * np.log(column(s) * math.sqrt(2 * math.pi))),
   ("D log sigma^2 in place of D log sigma", "normalising-constant",
    lambda x, m, s: -square((x - m) / s) / 2 - x.shape[1] * np.log(
        column(s)**2 * math.sqrt(2 * math.pi))),
   ("log(2 pi) is not halved", "normalising-constant",
    lambda x, m, s: -square((x - m) / s) / 2 - x.shape[1] * np.log(column(s) * 2 * math.pi)),
   ("in bits", "nats-vs-bits",
    lambda x, m, s: (-square((x - m) / s) / 2 - x.shape[1] * np.log(
        column(s) * math.sqrt(2 * math.pi))) / math.log(2)),
   ("the mean over features", "sum-vs-mean",
    lambda x, m, s: np.mean(-((x - m) / s)**2 / 2 - np.log(s * math.sqrt(2 * math.pi)), axis=1)))
of("gaussian_score",
   ("sigma^2 is squared once more", "sigma-squared misread-argument wrong-power",
    lambda x, m, s: (m - x) / s**4),
   ("the mean is left out", "argument-ignored term-missing", lambda x, m, s: -x / s**2),
   ("1e-3 is added to the variance", "approximate", lambda x, m, s: (m - x) / (s**2 + 1e-3)),
   ("sigma is read as a variance", "sigma-not-squared misread-argument",
    lambda x, m, s: -(x - m) / np.sqrt(s)**2))
of("perturb",
   ("a variance scales the noise", "sigma-squared", lambda x, s, e: x + s**2 * e),
   ("divided by the root of 1 + sigma^2", "wrong-coordinates factor-extra wrong-factor",
    lambda x, s, e: (x + s * e) / np.sqrt(1 + s**2)),
   ("it draws noise of its own", "not-repeatable argument-ignored",
    lambda x, s, e: x + s * np.random.default_rng().standard_normal(x.shape)),
   ("in place", "mutates-input", lambda x, s, e: np.add(x, s * e, out=x)),
   ("noise is subtracted", "sign", lambda x, s, e: x - s * e))
of("perturbation_score",
   ("the gradient over x", "sign", lambda x_noisy, x, s: (x_noisy - x) / s**2),
   ("divides by sigma", "sigma-not-squared", lambda x_noisy, x, s: (x - x_noisy) / s),
   ("half precision inside", "low-precision",
    lambda x_noisy, x, s: (x - x_noisy).astype(np.float16) / s**2))
of("mixture_log_density",
   ("weights are taken to be equal", "argument-ignored unweighted",
    lambda x, w, m, s: log_sum_exp(exponents(x, np.ones(len(w)) / len(w), m, s))),
   ("no log-sum-exp", "underflow not-finite",
    lambda x, w, m, s: np.log(np.sum(np.exp(exponents(x, w, m, s)), axis=1))),
   ("-D log sigma is missing", "normalising-constant",
    lambda x, w, m, s: log_sum_exp(exponents(x, w, m, s)) + x.shape[1] * np.log(column(s))),
   ("the largest component alone", "term-missing wrong-factor unweighted",
    lambda x, w, m, s: np.max(exponents(x, w, m, s), axis=1)),
   ("roots of the weights", "sqrt-extra misread-argument",
    lambda x, w, m, s: log_sum_exp(exponents(x, np.sqrt(w), m, s))))
of("mixture_score",
   ("the nearest component alone", "unweighted wrong-factor",
    lambda x, w, m, s: (m[np.argmax(exponents(x, w, m, s), axis=1)] - x) / s**2),
   ("weights are left out of the responsibilities", "argument-ignored unweighted",
    lambda x, w, m, s: (softmax(exponents(x, np.ones(len(w)), m, s)) @ m - x) / s**2),
   ("the sum is divided by sigma", "sigma-not-squared",
    lambda x, w, m, s: (softmax(exponents(x, w, m, s)) @ m - x) / s),
   ("the prior's weights in place of responsibilities", "unweighted",
    lambda x, w, m, s: (w @ m - x) / s**2),
   ("the sign", "sign", lambda x, w, m, s: (x - softmax(exponents(x, w, m, s)) @ m) / s**2))

# Schedules ----------------------------------------------------------------------------------------

of("geometric_sigmas",
   ("the two ends are exchanged", "reversed swapped-arguments",
    lambda high, low, n: np.geomspace(low, high, n)),
   ("starts after sigma_max", "index-shift end-point",
    lambda high, low, n: high * (low / high)**((np.arange(n) + 1) / n)),
   ("squares of the levels", "sigma-squared sqrt-missing wrong-power",
    lambda high, low, n: np.geomspace(high, low, n)**2),
   ("equally spaced", "wrong-spacing misread-argument wrong-factor wrong-power",
    lambda high, low, n: np.linspace(high, low, n)))
of("karras_sigmas",
   ("rho is always 7", "argument-ignored special-case",
    lambda high, low, n, rho=7.0: np.linspace(high**(1 / 7), low**(1 / 7), n)**7),
   ("a zero at the end", "wrong-shape end-point index-shift",
    lambda high, low, n, rho=7.0: np.append(
        np.linspace(high**(1 / rho), low**(1 / rho), n)**rho, 0)),
   ("i / L", "end-point",
    lambda high, low, n, rho=7.0: (high**(1 / rho) + np.arange(n) / n
                                   * (low**(1 / rho) - high**(1 / rho)))**rho),
   ("not raised to rho at the end", "wrong-power misread-argument factor-missing",
    lambda high, low, n, rho=7.0: np.linspace(high**(1 / rho), low**(1 / rho), n)))
of("linear_betas",
   ("equally spaced roots", "wrong-spacing misread-argument wrong-power wrong-factor sqrt-missing",
    lambda n, low=1e-4, high=0.02: np.linspace(low**0.5, high**0.5, n)**2),
   ("without the last", "end-point",
    lambda n, low=1e-4, high=0.02: np.linspace(low, high, n, endpoint=False)),
   ("one too many", "wrong-shape", lambda n, low=1e-4, high=0.02: np.linspace(low, high, n + 1)),
   ("descending", "reversed swapped-arguments",
    lambda n, low=1e-4, high=0.02: np.linspace(high, low, n)))


def cosine(n, offset=0.008, beta_max=0.999, f=lambda u: np.cos(u * math.pi / 2)**2, cap=True):
    """The cosine schedule with another f, or uncapped."""
    t = f((np.arange(n + 1) / n + offset) / (1 + offset))
    betas = 1 - t[1:] / t[:-1]
    return np.append(1.0, np.cumprod(1 - (np.minimum(betas, beta_max) if cap else betas)))


of("cosine_alpha_bar",
   ("the cosine is not squared", "sqrt-extra sigma-not-squared wrong-power",
    lambda n, o=0.008, b=0.999: cosine(n, o, b, f=lambda u: np.cos(u * math.pi / 2))),
   ("the offset is 0.008 whatever is asked", "argument-ignored",
    lambda n, o=0.008, b=0.999: cosine(n, 0.008, b)),
   ("betas are not capped", "argument-ignored end-point special-case",
    lambda n, o=0.008, b=0.999: cosine(n, o, b, cap=False)),
   ("betas in place of alpha_bar", "wrong-shape one-minus",
    lambda n, o=0.008, b=0.999: 1 - cosine(n, o, b)[1:] / cosine(n, o, b)[:-1]))
of("alpha_bar_from_betas",
   ("without the leading 1", "wrong-shape index-shift", lambda betas: np.cumprod(1 - betas)),
   ("the product of the betas", "one-minus",
    lambda betas: np.append(1.0, np.cumprod(betas))),
   ("roots of alpha_bar", "sqrt-extra",
    lambda betas: np.append(1.0, np.cumprod(np.sqrt(1 - betas)))),
   ("the leading 1 twice", "index-shift",
    lambda betas: np.concatenate([[1.0, 1.0], np.cumprod(1 - betas)[:-1]])),
   ("1 - alpha_bar", "one-minus", lambda betas: 1 - np.append(1.0, np.cumprod(1 - betas))))
of("betas_from_alpha_bar",
   ("the ratio itself", "one-minus", lambda a: a[1:] / a[:-1]),
   ("divided by the later value", "wrong-level index-shift wrong-factor",
    lambda a: (a[:-1] - a[1:]) / a[1:]),
   ("the difference", "factor-missing term-missing wrong-factor", lambda a: a[:-1] - a[1:]))
of("sigma_from_alpha_bar",
   ("the noise of VP coordinates", "wrong-coordinates factor-missing", lambda a: np.sqrt(1 - a)),
   ("the variance", "sqrt-missing sigma-squared wrong-power", lambda a: (1 - a) / a),
   ("upside down", "inverted one-minus", lambda a: np.sqrt(a / (1 - a))))
of("alpha_bar_from_sigma",
   ("sigma is not squared", "sigma-not-squared misread-argument", lambda s: 1 / (1 + s)),
   ("the share of the noise", "one-minus", lambda s: s**2 / (1 + s**2)),
   ("its root", "sqrt-extra", lambda s: 1 / np.sqrt(1 + s**2)))
of("signal_to_noise_ratio",
   ("noise to signal", "inverted one-minus", lambda a: (1 - a) / a),
   ("of amplitudes", "sqrt-extra", lambda a: np.sqrt(a / (1 - a))),
   ("its logarithm", "misread-argument", lambda a: np.log(a) - np.log1p(-a)),
   ("1e-3 is added to the noise", "approximate", lambda a: a / (1 - a + 1e-3)))


def vp(t, low, high, twice=1.0):
    """Log of the VP scale."""
    return -0.25 * twice * t**2 * (high - low) - 0.5 * t * low


of("vp_marginal",
   ("the quadratic term twice", "half factor misread-argument wrong-factor",
    lambda t, low=0.1, high=20.0: (np.exp(vp(t, low, high, 2)), np.sqrt(-np.expm1(
        2 * vp(t, low, high, 2))))),
   ("the variance of the noise", "sqrt-missing sigma-squared",
    lambda t, low=0.1, high=20.0: (np.exp(vp(t, low, high)), -np.expm1(2 * vp(t, low, high)))),
   ("the two rates are exchanged", "swapped-arguments",
    lambda t, low=0.1, high=20.0: (np.exp(vp(t, high, low)), np.sqrt(-np.expm1(
        2 * vp(t, high, low))))),
   ("time runs backwards", "one-minus misread-argument reversed",
    lambda t, low=0.1, high=20.0: (np.exp(vp(1 - t, low, high)), np.sqrt(-np.expm1(
        2 * vp(1 - t, low, high))))))
of("ve_marginal",
   ("time runs backwards", "one-minus misread-argument reversed swapped-arguments",
    lambda t, low, high: high * (low / high)**t),
   ("the variance", "sigma-squared sqrt-missing",
    lambda t, low, high: low**2 * (high / low)**(2 * t)),
   ("the noise beyond that at t = 0", "term-extra wrong-factor",
    lambda t, low, high: np.sqrt((low * (high / low)**t)**2 - low**2)),
   ("linear in t", "misread-argument wrong-factor", lambda t, low, high: low + t * (high - low)))
of("ve_diffusion_coefficient",
   ("log in place of 2 log", "factor", lambda t, low, high: low * (high / low)**t * math.sqrt(
       math.log(high / low))),
   ("no root of 2 log", "sqrt-missing", lambda t, low, high: low * (high / low)**t * (
       2 * math.log(high / low))),
   ("g^2", "sqrt-missing sigma-squared squared-twice",
    lambda t, low, high: (low * (high / low)**t)**2 * 2 * math.log(high / low)),
   ("a decimal logarithm", "factor", lambda t, low, high: low * (high / low)**t * math.sqrt(
       2 * math.log10(high / low))))

# Derivatives --------------------------------------------------------------------------------------

of("score_of",
   ("of the energy", "sign", lambda f: grad(lambda x: -np.sum(f(x)))),
   ("of the batch's mean", "sum-vs-mean", lambda f: grad(lambda x: np.mean(f(x)))),
   ("of the density", "wrong-factor factor-extra misread-argument underflow",
    lambda f: grad(lambda x: np.sum(np.exp(f(x))))),
   ("twice", "half factor", lambda f: grad(lambda x: 2 * np.sum(f(x)))))
of("directional_derivative",
   ("v is not multiplied from the left", "wrong-jacobian not-reduced",
    lambda s, x, v: over(v, lambda u: np.sum(along(s, x, u), axis=1))),
   ("the sum over directions", "sum-vs-mean",
    lambda s, x, v: over(v, lambda u: np.sum(u * along(s, x, u), axis=1)) * (
        len(v) if v.ndim == 3 else 1)),
   ("not summed over features", "wrong-shape not-reduced",
    lambda s, x, v: over(v, lambda u: u * along(s, x, u))),
   ("directions of length one", "unit-sphere",
    lambda s, x, v: over(v / np.sqrt(np.sum(v**2, axis=-1, keepdims=True)),
                         lambda u: np.sum(u * along(s, x, u), axis=1))))
of("divergence",
   ("the mean over features", "sum-vs-mean", lambda s, x: diagonal(s, x) / x.shape[1]),
   ("the sign", "sign", lambda s, x: -diagonal(s, x)),
   ("summed over the batch", "wrong-shape rows-mixed", lambda s, x: np.sum(diagonal(s, x))),
   ("the first feature alone", "wrong-jacobian term-missing",
    lambda s, x: along(s, x, np.zeros_like(x) + np.eye(x.shape[1])[0])[:, 0]))
of("hutchinson_divergence",
   ("divided by D", "sum-vs-mean",
    lambda s, x, v: over(v, lambda u: np.mean(u * along(s, x, u), axis=1))),
   ("v'J against ones", "wrong-jacobian not-reduced",
    lambda s, x, v: over(v, lambda u: np.sum(make_vjp(s)(x)[0](u), axis=1))),
   ("signs of the directions alone", "misread-argument",
    lambda s, x, v: over(np.sign(v), lambda u: np.sum(u * along(s, x, u), axis=1))),
   ("only the first of M", "argument-ignored special-case term-missing",
    lambda s, x, v: over(v[:1] if v.ndim == 3 else v,
                         lambda u: np.sum(u * along(s, x, u), axis=1))))

# Losses -------------------------------------------------------------------------------------------

of("explicit_score_matching",
   ("the norm is not squared", "sqrt-extra not-squared",
    lambda s, x, t: 0.5 * np.sqrt(square(s(x) - t))),
   ("the sign of the target", "sign", lambda s, x, t: 0.5 * square(s(x) + t)),
   ("the mean over all", "sum-vs-mean half", lambda s, x, t: np.mean((s(x) - t)**2)),
   ("the target is left out", "argument-ignored term-missing", lambda s, x, t: 0.5 * square(s(x))))
of("implicit_score_matching",
   ("the sign of the trace", "sign", lambda s, x: 0.5 * square(s(x)) - diagonal(s, x)),
   ("half the trace", "half", lambda s, x: 0.5 * square(s(x)) + 0.5 * diagonal(s, x)),
   ("the mean of the diagonal", "sum-vs-mean",
    lambda s, x: 0.5 * square(s(x)) + diagonal(s, x) / x.shape[1]),
   ("the trace alone", "term-missing", diagonal),
   ("the square of the norm twice", "squared-twice wrong-power",
    lambda s, x: 0.5 * square(s(x))**2 + diagonal(s, x)))
of("sliced_score_matching",
   ("the square is not halved", "half",
    lambda s, x, v: over(v, lambda u: np.sum(u * s(x), axis=1)**2
                         + np.sum(u * along(s, x, u), axis=1))),
   ("|s|^2 in place of (v's)^2", "term-extra term-missing wrong-factor wrong-jacobian",
    lambda s, x, v: over(v, lambda u: 0.5 * square(s(x)) + np.sum(u * along(s, x, u), axis=1))),
   ("the sum over directions", "sum-vs-mean",
    lambda s, x, v: over(v, lambda u: 0.5 * np.sum(u * s(x), axis=1)**2 + np.sum(
        u * along(s, x, u), axis=1)) * (len(v) if v.ndim == 3 else 1)),
   ("the sign of the slope", "sign",
    lambda s, x, v: over(v, lambda u: 0.5 * np.sum(u * s(x), axis=1)**2
                         - np.sum(u * along(s, x, u), axis=1))))
of("sliced_score_matching_vr",
   ("the slope is missing", "term-missing argument-ignored", lambda s, x, v: 0.5 * square(s(x))),
   ("|s| is not squared", "sqrt-extra wrong-power not-squared",
    lambda s, x, v: over(v, lambda u: 0.5 * np.sqrt(square(s(x))) + np.sum(
        u * along(s, x, u), axis=1))),
   ("the square is not halved", "half",
    lambda s, x, v: over(v, lambda u: square(s(x)) + np.sum(u * along(s, x, u), axis=1))),
   ("the mean over features", "sum-vs-mean",
    lambda s, x, v: over(v, lambda u: 0.5 * np.mean(s(x)**2, axis=1) + np.mean(
        u * along(s, x, u), axis=1))))


def finite(s, x, v, difference):
    """FD-SSM with another difference quotient."""
    return over(v, lambda u: 0.5 * np.sum(u * s(x), axis=1)**2
                + np.sum(u * difference(u), axis=1))


of("finite_difference_ssm",
   ("a forward difference", "evaluation-point",
    lambda s, x, v, h: finite(s, x, v, lambda u: (s(x + h * u) - s(x)) / h)),
   ("divided by one step", "half",
    lambda s, x, v, h: finite(s, x, v, lambda u: (s(x + h * u) - s(x - h * u)) / h)),
   ("not divided by the step", "factor-missing factor-extra wrong-power wrong-factor",
    lambda s, x, v, h: finite(s, x, v, lambda u: (s(x + h * u) - s(x - h * u)) / 2)),
   ("a fixed step", "argument-ignored evaluation-point",
    lambda s, x, v, h: finite(s, x, v, lambda u: (s(x + 0.1 * u) - s(x - 0.1 * u)) / 0.2)))


def torch_dsm(score_fn, x, sigma, eps):
    """DSM whose network is cut off from the loss."""
    score = score_fn(x + sigma * eps, sigma).detach()
    return 0.5 * ((score + eps / sigma)**2).sum(1)


def torch_dsm_scaled(score_fn, x, sigma, eps):
    """DSM with half of its square cut off from the network."""
    residual = score_fn(x + sigma * eps, sigma) + eps / sigma
    return 0.5 * (residual * residual.detach()).sum(1)


def torch_ssm(score_fn, x, v):
    """SSM without create_graph: the slope has no gradient."""
    import torch
    x = x.clone().requires_grad_(True)
    score = score_fn(x)
    terms = []
    for u in v.reshape(-1, *x.shape):
        slope = torch.autograd.grad((score * u).sum(), x, retain_graph=True)[0]
        terms.append(0.5 * (u * score).sum(1)**2 + (slope * u).sum(1))
    return sum(terms) / len(terms)


of("denoising_score_matching",
   ("the network sees clean data", "evaluation-point",
    lambda s, x, sigma, e: 0.5 * square(s(x, sigma) + e / sigma)),
   ("the network is told the variance", "evaluation-point misread-argument sigma-squared",
    lambda s, x, sigma, e: 0.5 * square(s(x + sigma * e, sigma**2) + e / sigma)),
   ("the sign of the target", "sign",
    lambda s, x, sigma, e: 0.5 * square(s(x + sigma * e, sigma) - e / sigma)),
   ("weighed by the variance", "weighting",
    lambda s, x, sigma, e: 0.5 * square(sigma * s(x + sigma * e, sigma) + e)),
   ("the batch's mean in every row", "rows-mixed",
    lambda s, x, sigma, e: np.full(len(x), np.mean(
        0.5 * square(s(x + sigma * e, sigma) + e / sigma)))),
   ("half precision inside", "low-precision",
    lambda s, x, sigma, e: 0.5 * square(s(x + sigma * e, sigma) + e.astype(np.float16) / sigma)),
   ("1e-3 is added to sigma", "approximate",
    lambda s, x, sigma, e: 0.5 * square(s(x + sigma * e, sigma) + e / (sigma + 1e-3))),
   ("noise of its own", "not-repeatable",
    lambda s, x, sigma, e: 0.5 * square(
        s(x + sigma * e, sigma) + np.random.default_rng().standard_normal(x.shape) / sigma)),
   ("the sum over the batch", "sum-vs-mean",
    lambda s, x, sigma, e: np.sum(0.5 * square(s(x + sigma * e, sigma) + e / sigma))),
   ("the network is detached", "detached-gradient", torch_dsm, "torch"),
   ("half of the square is detached", "detached-gradient", torch_dsm_scaled, "torch"))
of("sliced_score_matching", ("create_graph is left out", "detached-gradient", torch_ssm, "torch"))


def levels(s, x, sigmas, eps, weights, label=lambda sigma, i: sigma, noise=lambda e, i: e[i]):
    """The NCSN loss, with another label or noise."""
    return sum(w * 0.5 * square(s(x + sigma * noise(eps, i), label(float(sigma), i))
                                + noise(eps, i) / sigma)
               for i, (w, sigma) in enumerate(zip(weights, sigmas)))


of("noise_conditional_score_matching",
   ("the mean over levels", "sum-vs-mean",
    lambda s, x, g, e, w=None: levels(s, x, g, e, g**2 if w is None else w) / len(g)),
   ("weights are ignored", "argument-ignored special-case",
    lambda s, x, g, e, w=None: levels(s, x, g, e, g**2)),
   ("one noise for all levels", "argument-ignored",
    lambda s, x, g, e, w=None: levels(s, x, g, e, g**2 if w is None else w,
                                      noise=lambda e, i: e[0])),
   ("weights 1 / sigma^2", "inverted wrong-power weighting wrong-factor",
    lambda s, x, g, e, w=None: levels(s, x, g, e, g**-2 if w is None else w)),
   ("weights sigma", "sigma-not-squared weighting wrong-power",
    lambda s, x, g, e, w=None: levels(s, x, g, e, g if w is None else w)),
   ("the network is always told the largest level", "evaluation-point",
    lambda s, x, g, e, w=None: levels(s, x, g, e, g**2 if w is None else w,
                                      label=lambda sigma, i: float(g[0]))),
   ("the network is told the index", "evaluation-point",
    lambda s, x, g, e, w=None: levels(s, x, g, e, g**2 if w is None else w,
                                      label=lambda sigma, i: float(i))),
   ("the last level is left out", "term-missing end-point",
    lambda s, x, g, e, w=None: levels(s, x, g[:-1], e, (g**2 if w is None else w)[:-1])))
of("noise_prediction_loss",
   ("halved", "half", lambda f, x, s, e: 0.5 * square(e - f(x + s * e, s))),
   ("noise is scaled by the variance", "evaluation-point sigma-squared",
    lambda f, x, s, e: square(e - f(x + s**2 * e, s))),
   ("the network sees VP coordinates", "evaluation-point wrong-coordinates",
    lambda f, x, s, e: square(e - f((x + s * e) / np.sqrt(1 + s**2), s))),
   ("the target is x", "swapped-arguments term-missing term-extra argument-ignored",
    lambda f, x, s, e: square(x - f(x + s * e, s))),
   ("the target is scaled noise", "factor-extra evaluation-point wrong-factor",
    lambda f, x, s, e: square(s * e - f(x + s * e, s))),
   ("the target is a score", "sign",
    lambda f, x, s, e: square(e + f(x + s * e, s))))
of("ddpm_loss",
   ("no root of 1 - alpha_bar", "sqrt-missing evaluation-point",
    lambda f, x, a, e: square(e - f(np.sqrt(a) * x + (1 - a) * e, a))),
   ("the network is told 1 - alpha_bar", "one-minus evaluation-point",
    lambda f, x, a, e: square(e - f(np.sqrt(a) * x + np.sqrt(1 - a) * e, 1 - a))),
   ("weighed by the signal-to-noise ratio", "weighting",
    lambda f, x, a, e: a / (1 - a) * square(e - f(np.sqrt(a) * x + np.sqrt(1 - a) * e, a))
    if np.ndim(a) == 0 else (a / (1 - a))[:, 0] * square(
        e - f(np.sqrt(a) * x + np.sqrt(1 - a) * e, a))),
   ("the mean over all", "sum-vs-mean",
    lambda f, x, a, e: np.mean((e - f(np.sqrt(a) * x + np.sqrt(1 - a) * e, a))**2)),
   ("variance exploding", "evaluation-point wrong-coordinates factor-missing",
    lambda f, x, a, e: square(e - f(x + np.sqrt(1 - a) * e, a))),
   ("the network is detached", "detached-gradient",
    lambda f, x, a, e: ((e - f(a**0.5 * x + (1 - a)**0.5 * e, a).detach())**2).sum(1), "torch"))

# Parametrisations ---------------------------------------------------------------------------------

of("score_from_eps",
   ("multiplies", "inverted wrong-power sigma-squared", lambda e, s: -e * s),
   ("1e-3 is added", "approximate", lambda e, s: -e / (s + 1e-3)),
   ("clipped", "clipped", lambda e, s: np.clip(-e / s, -1, 1)))
of("eps_from_score",
   ("divides", "inverted wrong-power", lambda s, sigma: -s / sigma),
   ("the variance", "sigma-squared", lambda s, sigma: -s * sigma**2),
   ("the sign", "sign", lambda s, sigma: s * sigma))
of("x0_from_eps",
   ("divides by scale^2", "wrong-power sigma-squared sqrt-missing wrong-coordinates factor-extra",
    lambda x, e, a, s: (x - s * e) / a**2),
   ("the noise is added", "sign", lambda x, e, a, s: (x + s * e) / a),
   ("clipped", "clipped", lambda x, e, a, s: np.clip((x - s * e) / a, -1, 1)),
   ("the variance", "sigma-squared", lambda x, e, a, s: (x - s**2 * e) / a),
   ("only x_t is divided", "factor-missing wrong-coordinates",
    lambda x, e, a, s: x / a - s * e))
of("eps_from_x0",
   ("x_0 is not scaled", "factor-missing wrong-coordinates argument-ignored",
    lambda x, x_0, a, s: (x - x_0) / s),
   ("the variance", "sigma-squared", lambda x, x_0, a, s: (x - a * x_0) / s**2),
   ("scale and sigma are exchanged", "swapped-arguments", lambda x, x_0, a, s: (x - s * x_0) / a))
of("x0_from_score",
   ("sigma is not squared", "sigma-not-squared", lambda x, s, a, sigma: (x + sigma * s) / a),
   ("the sign", "sign", lambda x, s, a, sigma: (x - sigma**2 * s) / a),
   ("multiplies by scale", "inverted wrong-power", lambda x, s, a, sigma: (x + sigma**2 * s) * a))
of("score_from_x0",
   ("x_0 is not scaled", "factor-missing wrong-coordinates argument-ignored",
    lambda x, x_0, a, s: (x_0 - x) / s**2),
   ("sigma is not squared", "sigma-not-squared", lambda x, x_0, a, s: (a * x_0 - x) / s),
   ("x_t and x_0 are exchanged", "swapped-arguments", lambda x, x_0, a, s: (a * x - x_0) / s**2))
of("v_from_x0_eps",
   ("the sign", "sign", lambda x_0, e, a, s: s * x_0 - a * e),
   ("scale and sigma are exchanged", "swapped-arguments", lambda x_0, e, a, s: s * e - a * x_0),
   ("x_0 and eps are exchanged", "swapped-arguments", lambda x_0, e, a, s: a * x_0 - s * e),
   ("a plus", "sign", lambda x_0, e, a, s: a * e + s * x_0))
of("x0_from_v",
   ("divides by the root", "sqrt-extra wrong-factor",
    lambda x, v, a, s: (a * x - s * v) / np.sqrt(a**2 + s**2)),
   ("scale and sigma are exchanged", "swapped-arguments",
    lambda x, v, a, s: (s * x - a * v) / (a**2 + s**2)),
   ("that of eps", "swapped-arguments wrong-factor wrong-level",
    lambda x, v, a, s: (s * x + a * v) / (a**2 + s**2)))
of("eps_from_v",
   ("a minus", "sign", lambda x, v, a, s: (a * v - s * x) / (a**2 + s**2)),
   ("scale and sigma are exchanged", "swapped-arguments",
    lambda x, v, a, s: (s * v + a * x) / (a**2 + s**2)),
   ("v is left out", "argument-ignored term-missing", lambda x, v, a, s: s * x / (a**2 + s**2)))
of("velocity_from_x0_eps",
   ("towards the data", "sign swapped-arguments", lambda x_0, e: x_0 - e),
   ("a plus", "sign", lambda x_0, e: e + x_0),
   ("halved", "half", lambda x_0, e: (e - x_0) / 2))
of("x0_from_velocity",
   ("the sign", "sign", lambda x, u, t: x + t * u),
   ("time runs backwards", "one-minus", lambda x, u, t: x - (1 - t) * u),
   ("a whole step", "argument-ignored factor-missing", lambda x, u, t: x - u))
of("ve_from_vp",
   ("sigma of VP coordinates", "factor-missing wrong-coordinates",
    lambda x, a: (x / np.sqrt(a), np.sqrt(1 - a))),
   ("multiplies", "inverted", lambda x, a: (x * np.sqrt(a), np.sqrt((1 - a) / a))),
   ("no root", "sqrt-missing", lambda x, a: (x / a, np.sqrt((1 - a) / a))))
of("vp_from_ve",
   ("sigma is not squared", "sigma-not-squared misread-argument",
    lambda x, s: (x / np.sqrt(1 + s**2), 1 / (1 + s))),
   ("the share of the noise", "one-minus",
    lambda x, s: (x * s / np.sqrt(1 + s**2), s**2 / (1 + s**2))),
   ("multiplies", "inverted", lambda x, s: (x * np.sqrt(1 + s**2), 1 / (1 + s**2))))
of("ve_score_from_vp",
   ("divides", "inverted wrong-coordinates", lambda s, a: s / np.sqrt(a)),
   ("no root", "sqrt-missing", lambda s, a: s * a),
   ("unchanged", "argument-ignored factor-missing wrong-coordinates", lambda s, a: s + 0.0))
of("vp_score_from_ve",
   ("multiplies", "inverted wrong-coordinates", lambda s, a: s * np.sqrt(a)),
   ("1 - alpha_bar", "one-minus", lambda s, a: s / np.sqrt(1 - a)),
   ("no root", "sqrt-missing", lambda s, a: s / a))

# Weights ------------------------------------------------------------------------------------------


def edm(sigma, data, skip=None, out=None, scale=None, noise=None):
    """EDM's coefficients, with one of them given."""
    total = sigma**2 + data**2
    return (data**2 / total if skip is None else skip,
            sigma * data / np.sqrt(total) if out is None else out,
            1 / np.sqrt(total) if scale is None else scale,
            np.log(sigma) / 4 if noise is None else noise)


of("edm_preconditioning",
   ("c_noise is not divided by 4", "factor", lambda s, d: edm(s, d, noise=np.log(s))),
   ("c_skip has sigma_data once", "sigma-not-squared wrong-power",
    lambda s, d: edm(s, d, skip=d / (s**2 + d**2))),
   ("sigma_data is always 1/2", "argument-ignored", lambda s, d: edm(s, 0.5)),
   ("c_out without sigma_data", "factor-missing",
    lambda s, d: edm(s, d, out=s / np.sqrt(s**2 + d**2))),
   ("c_in without sigma_data", "term-missing wrong-factor argument-ignored factor-missing",
    lambda s, d: edm(s, d, scale=1 / s)),
   ("c_noise in bits", "nats-vs-bits", lambda s, d: edm(s, d, noise=np.log2(s) / 4)))
of("score_matching_weight",
   ("one over it", "inverted wrong-power", lambda s: 1 / s**2),
   ("one", "argument-ignored factor-missing", lambda s: 1 + 0 * s),
   ("sigma", "sigma-not-squared", lambda s: s * 1.0))
of("likelihood_weight",
   ("squared twice", "squared-twice sigma-squared wrong-power", lambda g: g**4),
   ("halved", "half", lambda g: 0.5 * g**2))
of("edm_weight",
   ("one over it", "inverted", lambda s, d: (s * d)**2 / (s**2 + d**2)),
   ("the denominator is not squared", "wrong-power sigma-not-squared sqrt-extra factor-missing "
    "wrong-factor", lambda s, d: (s**2 + d**2) / (s * d)),
   ("without sigma_data below", "factor-missing", lambda s, d: (s**2 + d**2) / s**2),
   ("its root", "sqrt-extra", lambda s, d: np.sqrt(s**2 + d**2) / (s * d)))


def snr(a):
    """The signal-to-noise ratio."""
    return a / (1 - a)


of("min_snr_weight",
   ("always that of eps", "argument-ignored special-case",
    lambda a, g, p: np.minimum(snr(a), g) / snr(a)),
   ("gamma is always 5", "argument-ignored",
    lambda a, g, p: np.minimum(snr(a), 5) / {"eps": snr(a), "x0": 1, "v": snr(a) + 1}[p]),
   ("v is divided by SNR", "special-case term-missing wrong-factor factor-extra",
    lambda a, g, p: np.minimum(snr(a), g) / {"eps": snr(a), "x0": 1, "v": snr(a)}[p]),
   ("of the noise-to-signal ratio", "inverted one-minus",
    lambda a, g, p: np.minimum(snr(1 - a), g) / {"eps": snr(1 - a), "x0": 1,
                                                 "v": snr(1 - a) + 1}[p]))

# Steps --------------------------------------------------------------------------------------------

of("diffuse",
   ("no root over the noise", "sqrt-missing", lambda x, a, e: np.sqrt(a) * x + (1 - a) * e),
   ("no root over the data", "sqrt-missing", lambda x, a, e: a * x + np.sqrt(1 - a) * e),
   ("data and noise are exchanged", "swapped-arguments one-minus",
    lambda x, a, e: np.sqrt(a) * e + np.sqrt(1 - a) * x),
   ("variance exploding", "factor-missing wrong-coordinates",
    lambda x, a, e: x + np.sqrt(1 - a) * e),
   ("a straight line", "sqrt-missing", lambda x, a, e: a * x + (1 - a) * e),
   ("1 - sqrt(alpha_bar)", "wrong-factor misread-argument",
    lambda x, a, e: np.sqrt(a) * x + (1 - np.sqrt(a)) * e))


def bridge(x_0, x_t, t, s, data=None, state=None, variance=None):
    """The posterior with one of its three coefficients given."""
    beta = 1 - t / s
    return ((np.sqrt(s) * beta / (1 - t) if data is None else data) * x_0
            + (np.sqrt(t / s) * (1 - s) / (1 - t) if state is None else state) * x_t,
            beta * (1 - s) / (1 - t) if variance is None else variance)


of("posterior",
   ("the standard deviation", "sqrt-extra",
    lambda x_0, x, t, s: bridge(x_0, x, t, s, variance=np.sqrt((1 - t / s) * (1 - s) / (1 - t)))),
   ("x_0 is weighed by alpha_bar_t", "wrong-level",
    lambda x_0, x, t, s: bridge(x_0, x, t, s, data=np.sqrt(t) * (1 - t / s) / (1 - t))),
   ("no root of alpha over x_t", "sqrt-missing",
    lambda x_0, x, t, s: bridge(x_0, x, t, s, state=t / s * (1 - s) / (1 - t))),
   ("the variance is beta", "beta-variance factor-missing",
    lambda x_0, x, t, s: bridge(x_0, x, t, s, variance=1 - t / s)),
   ("x_0 and x_t are exchanged", "swapped-arguments",
    lambda x_0, x, t, s: bridge(x, x_0, t, s)),
   ("the ratio of variances upside down", "inverted wrong-level wrong-factor",
    lambda x_0, x, t, s: bridge(x_0, x, t, s, variance=(1 - t / s) * (1 - t) / (1 - s))))
of("langevin_step",
   ("the other convention", "half factor", lambda x, s, h, z: x + h * s + np.sqrt(2 * h) * z),
   ("the noise is left out", "argument-ignored term-missing", lambda x, s, h, z: x + h / 2 * s),
   ("x is left out", "argument-ignored term-missing",
    lambda x, s, h, z: h / 2 * s + np.sqrt(h) * z),
   ("the root of half the step", "factor half",
    lambda x, s, h, z: x + h / 2 * s + np.sqrt(h / 2) * z),
   ("step_size^2, as in Hamiltonian code",
    "wrong-power sqrt-missing sigma-squared misread-argument",
    lambda x, s, h, z: x + h**2 / 2 * s + h * z),
   ("the root over the drift too", "sqrt-extra", lambda x, s, h, z: x + np.sqrt(h) * (s / 2 + z)),
   ("states are clipped", "clipped",
    lambda x, s, h, z: np.clip(x + h / 2 * s + np.sqrt(h) * z, -1, 1)))
of("annealed_step_sizes",
   ("relative to the first level", "index-shift end-point wrong-level wrong-factor factor-extra",
    lambda g, h: h * g**2 / g[0]**2),
   ("upside down", "inverted", lambda g, h: h * g[-1]**2 / g**2),
   ("reversed", "reversed", lambda g, h: h * g[::-1]**2 / g[-1]**2),
   ("not relative", "factor-missing factor-extra", lambda g, h: h * g**2),
   ("halved", "half", lambda g, h: 0.5 * h * (g / g[-1])**2))


def ddpm(x, e, t, s, z, variance, noise=None, over=None, root=None):
    """The DDPM step with one of its coefficients given."""
    beta = 1 - t / s
    std = np.sqrt(beta * ((1 - s) / (1 - t) if variance == "posterior" else 1))
    return ((x - (beta / np.sqrt(1 - t) if noise is None else noise) * e)
            * (np.sqrt(s / t) if over is None else over) + (std if root is None else root) * z)


of("ddpm_step",
   ("the noise prediction is added", "sign",
    lambda x, e, t, s, z, v="posterior": ddpm(x, e, t, s, z, v,
                                              noise=-(1 - t / s) / np.sqrt(1 - t))),
   ("not divided by the root of alpha", "factor-missing",
    lambda x, e, t, s, z, v="posterior": ddpm(x, e, t, s, z, v, over=1.0)),
   ("divided by alpha", "sqrt-missing wrong-power",
    lambda x, e, t, s, z, v="posterior": ddpm(x, e, t, s, z, v, over=s / t)),
   ("1 - alpha_bar_s under the root", "wrong-level",
    lambda x, e, t, s, z, v="posterior": ddpm(x, e, t, s, z, v, noise=(1 - t / s) / np.sqrt(
        1 - s + (s == 1)))),
   ("no noise", "argument-ignored term-missing",
    lambda x, e, t, s, z, v="posterior": ddpm(x, e, t, s, z, v, root=0.0)),
   ("always the posterior variance", "argument-ignored special-case",
    lambda x, e, t, s, z, v="posterior": ddpm(x, e, t, s, z, "posterior")),
   ("beta is not squared-rooted", "sqrt-missing",
    lambda x, e, t, s, z, v="posterior": ddpm(x, e, t, s, z, v, root=(1 - t / s) * (
        (1 - s) / (1 - t) if v == "posterior" else 1))))


def ddim(x, e, t, s, eta, z, std=None, weight=None, left=None):
    """The DDIM step with its standard deviation, weight of x_0 or noise of x_t given."""
    std = eta * np.sqrt((1 - s) / (1 - t) * (1 - t / s)) if std is None else std
    x_0 = (x - (np.sqrt(1 - t) if left is None else left) * e) / np.sqrt(t)
    return (np.sqrt(s) if weight is None else weight) * x_0 + np.sqrt(np.maximum(
        1 - s - std**2, 0)) * e + std * z


of("ddim_step",
   ("the root of eta", "sqrt-extra wrong-power sigma-not-squared misread-argument",
    lambda x, e, t, s, eta, z: ddim(x, e, t, s, eta, z, std=np.sqrt(
        eta * (1 - s) / (1 - t) * (1 - t / s)))),
   ("x_0 is weighed by alpha_bar_t", "wrong-level",
    lambda x, e, t, s, eta, z: ddim(x, e, t, s, eta, z, weight=np.sqrt(t))),
   ("always deterministic", "argument-ignored",
    lambda x, e, t, s, eta, z: ddim(x, e, t, s, 0.0, z)),
   ("the variance beta", "beta-variance factor-missing",
    lambda x, e, t, s, eta, z: ddim(x, e, t, s, eta, z, std=eta * np.sqrt(1 - t / s))),
   ("no root of alpha_bar_s", "sqrt-missing",
    lambda x, e, t, s, eta, z: ddim(x, e, t, s, eta, z, weight=s)),
   ("the noise of level s in x_0", "wrong-level",
    lambda x, e, t, s, eta, z: ddim(x, e, t, s, eta, z, left=np.sqrt(1 - s))),
   ("eta is clipped to 0 or 1", "misread-argument special-case argument-ignored",
    lambda x, e, t, s, eta, z: ddim(x, e, t, s, float(eta > 0), z)))
of("ve_probability_flow_step",
   ("sigma_s in the slope", "wrong-level", lambda x, s, a, b: x + (a - b) * b * s),
   ("halved", "half", lambda x, s, a, b: x + 0.5 * (a - b) * a * s),
   ("towards noise", "sign", lambda x, s, a, b: x + (b - a) * a * s),
   ("the drift of the SDE", "wrong-factor wrong-level factor-extra sigma-squared",
    lambda x, s, a, b: x + (a**2 - b**2) * s),
   ("sigma is left out of the slope", "factor-missing", lambda x, s, a, b: x + (a - b) * s))
of("ve_reverse_sde_step",
   ("noise sigma_t - sigma_s", "sigma-not-squared wrong-factor sqrt-missing wrong-power",
    lambda x, s, a, b, z: x + (a**2 - b**2) * s + (a - b) * z),
   ("the drift of the ODE", "half", lambda x, s, a, b, z: x + 0.5 * (a**2 - b**2) * s + np.sqrt(
       a**2 - b**2) * z),
   ("the variance scales the noise", "sqrt-missing",
    lambda x, s, a, b, z: x + (a**2 - b**2) * (s + z)),
   ("no noise", "argument-ignored term-missing", lambda x, s, a, b, z: x + (a**2 - b**2) * s))
of("ve_ancestral_step",
   ("the noise of the SDE", "factor-missing",
    lambda x, s, a, b, z: x + (a**2 - b**2) * s + np.sqrt(a**2 - b**2) * z),
   ("no root", "sqrt-missing sigma-squared",
    lambda x, s, a, b, z: x + (a**2 - b**2) * s + b**2 * (a**2 - b**2) / a**2 * z),
   ("halved", "half",
    lambda x, s, a, b, z: x + 0.5 * (a**2 - b**2) * s + b / a * np.sqrt(a**2 - b**2) * z))
of("heun_step",
   ("the second slope at x_t", "evaluation-point",
    lambda s, x, a, b: x + 0.5 * (a - b) * (a * s(x, a) + b * s(x, b))),
   ("not halved", "half",
    lambda s, x, a, b: x + (a - b) * (a * s(x, a) + b * s(x + (a - b) * a * s(x, a), b))
    if np.any(b) else x + (a - b) * a * s(x, a)),
   ("Euler", "term-missing evaluation-point wrong-factor half",
    lambda s, x, a, b: x + (a - b) * a * s(x, a)),
   ("the second call is told sigma_t", "evaluation-point wrong-level",
    lambda s, x, a, b: x + 0.5 * (a - b) * (a * s(x, a) + b * s(x + (a - b) * a * s(x, a), a))
    if np.any(b) else x + (a - b) * a * s(x, a)),
   ("the midpoint", "evaluation-point wrong-factor term-missing",
    lambda s, x, a, b: x + (a - b) * (a + b) / 2 * s(x + (a - b) / 2 * a * s(x, a), (a + b) / 2)))
of("raise_noise",
   ("standard deviations are subtracted", "sigma-not-squared wrong-factor sqrt-missing",
    lambda x, a, b, z: x + (b - a) * z),
   ("all of sigma_to", "term-missing wrong-factor argument-ignored", lambda x, a, b, z: x + b * z),
   ("variances are added", "sign wrong-factor", lambda x, a, b, z: x + np.sqrt(b**2 + a**2) * z),
   ("no root", "sqrt-missing", lambda x, a, b, z: x + (b**2 - a**2) * z))
of("vp_probability_flow_drift",
   ("the sign of the score", "sign", lambda x, s, b: -b / 2 * (x - s)),
   ("not halved", "half", lambda x, s, b: -b * (x + s)),
   ("the root of beta", "sqrt-extra", lambda x, s, b: -np.sqrt(b) / 2 * (x + s)),
   ("variance exploding", "argument-ignored term-missing", lambda x, s, b: -b / 2 * s))
of("vp_reverse_sde_drift",
   ("x is not halved", "half", lambda x, s, b: -b * x - b * s),
   ("g in place of g^2", "sqrt-extra", lambda x, s, b: -b / 2 * x - np.sqrt(b) * s),
   ("integrated the other way", "sign", lambda x, s, b: b / 2 * x + b * s),
   ("beta^2", "wrong-power sqrt-missing sigma-squared squared-twice",
    lambda x, s, b: -b / 2 * x - b**2 * s))

# Loops --------------------------------------------------------------------------------------------


def walk(score_fn, x, h, n, rng, drift=0.5, noise=lambda h: h**0.5):
    """Langevin dynamics with other coefficients."""
    for _ in range(n):
        x = x + drift * h * score_fn(x) + noise(h) * rng.standard_normal(x.shape)
        yield x


def anneal(score_fn, x, sigmas, n, h, rng, label=lambda sigma, sigmas: sigma, power=2):
    """Annealed Langevin dynamics with other labels or step sizes."""
    for sigma in sigmas.tolist():
        step = h * (sigma / float(min(sigmas)))**power
        for _ in range(n):
            x = x + step / 2 * score_fn(x, label(sigma, sigmas)) + step**0.5 * rng.standard_normal(
                x.shape)
            yield x


def ancestral(f, x, table, rng, told=0, variance="posterior", step=ddpm_by_equation_11):
    """DDPM whose network is told the level `told` entries before the right one."""
    for i in range(len(table) - 1, 0, -1):
        t, s = float(table[i]), float(table[i - 1])
        x = step(x, f(x, float(table[i - told])), t, s, rng.standard_normal(x.shape), variance)
        yield x


def implicit(f, x, table, eta, rng, told=0):
    """DDIM whose network is told the level `told` entries before the right one."""
    for i in range(len(table) - 1, 0, -1):
        t, s = float(table[i]), float(table[i - 1])
        x = ddim_by_sigma(x, f(x, float(table[i - told])), t, s, eta, rng.standard_normal(x.shape))
        yield x


def flow(s, x, sigmas, step):
    """A probability-flow loop over some step."""
    for a, b in zip(sigmas.tolist(), sigmas[1:].tolist()):
        x = step(s, x, a, b)
        yield x


of("langevin",
   ("the step scales the noise", "sqrt-missing",
    lambda s, x, h, n, rng: walk(s, x, h, n, rng, noise=lambda h: h)),
   ("the other convention", "half factor",
    lambda s, x, h, n, rng: walk(s, x, h, n, rng, 1.0, lambda h: (2 * h)**0.5)),
   ("one step too many", "wrong-shape", lambda s, x, h, n, rng: walk(s, x, h, n + 1, rng)),
   ("descends", "sign", lambda s, x, h, n, rng: walk(s, x, h, n, rng, -0.5)),
   ("no noise", "term-missing argument-ignored",
    lambda s, x, h, n, rng: walk(s, x, h, n, rng, noise=lambda h: 0.0)))
of("annealed_langevin",
   ("from small to large noise", "reversed",
    lambda s, x, g, n, h, rng: anneal(s, x, g[::-1], n, h, rng)),
   ("the network is always told the last level", "evaluation-point wrong-level",
    lambda s, x, g, n, h, rng: anneal(s, x, g, n, h, rng, lambda a, g: float(g[-1]))),
   ("a constant step size", "factor-missing argument-ignored",
    lambda s, x, g, n, h, rng: anneal(s, x, g, n, h, rng, power=0)),
   ("the network is told the variance", "evaluation-point misread-argument sigma-squared",
    lambda s, x, g, n, h, rng: anneal(s, x, g, n, h, rng, lambda a, g: a**2)))
of("ddpm_sampler",
   ("the network is told the next level", "evaluation-point wrong-level index-shift",
    lambda f, x, a, rng: ancestral(f, x, a, rng, told=1)),
   ("variance beta", "beta-variance factor-missing",
    lambda f, x, a, rng: ancestral(f, x, a, rng, variance="beta")),
   ("the last step is left out", "wrong-shape end-point",
    lambda f, x, a, rng: list(ancestral(f, x, a, rng))[:-1]))
of("ddim_sampler",
   ("the network is told the next level", "evaluation-point wrong-level index-shift",
    lambda f, x, a, eta, rng: implicit(f, x, a, eta, rng, told=1)),
   ("deterministic", "argument-ignored term-missing",
    lambda f, x, a, eta, rng: implicit(f, x, a, 0.0, rng)),
   ("as DDPM", "argument-ignored misread-argument factor-extra factor-missing",
    lambda f, x, a, eta, rng: implicit(f, x, a, 1.0, rng)))
of("probability_flow_sampler",
   ("Euler", "term-missing argument-ignored wrong-factor evaluation-point half",
    lambda s, x, g: flow(s, x, g, lambda s, x, a, b: x + (a - b) * a * s(x, a))),
   ("the wrong level in the second slope", "wrong-level wrong-factor",
    lambda s, x, g: flow(s, x, g, lambda s, x, a, b: x + (a - b) / 2 * (
        a * s(x, a) + a * s(x + (a - b) * a * s(x, a), b)))),
   ("from small to large noise", "reversed sign",
    lambda s, x, g: flow(s, x, g[::-1], heun_by_slopes)))

# Likelihood ---------------------------------------------------------------------------------------


def log_prior(x, sigma):
    """log N(x | 0, sigma^2 I)."""
    return -square(x / sigma) / 2 - x.shape[1] * np.log(column(sigma) * math.sqrt(2 * math.pi))


def along_the_flow(f):
    """f(end of the flow, integral of the divergence, levels)."""
    def wrong(score_fn, x, sigma_min, sigma_max):
        end, change = solve(score_fn, x, sigma_min, sigma_max, 1e-9, divergence)
        return f(end, change, sigma_min, sigma_max)
    return wrong


of("prior_log_density",
   ("sigma is not squared", "sigma-not-squared",
    lambda x, s: -square(x) / (2 * column(s)) - x.shape[1] * np.log(
        column(s) * math.sqrt(2 * math.pi))),
   ("minus it", "sign", lambda x, s: -log_prior(x, s)),
   ("without the constant", "normalising-constant",
    lambda x, s: -square(x / s) / 2),
   ("sigma is a variance", "sigma-not-squared misread-argument",
    lambda x, s: log_prior(x, np.sqrt(s))))
of("log_likelihood",
   ("half the divergence", "half", along_the_flow(lambda x, d, a, b: log_prior(x, b) - d / 2)),
   ("the prior has sigma_min", "wrong-level misread-argument",
    along_the_flow(lambda x, d, a, b: log_prior(x, a) - d)),
   ("the prior is N(0, I)", "argument-ignored wrong-factor misread-argument factor-missing",
    along_the_flow(lambda x, d, a, b: log_prior(x, 1.0) - d)))
of("bits_per_dimension",
   ("not per dimension", "factor-missing sum-vs-mean argument-ignored",
    lambda p, dim, w=1.0: -p / math.log(2) - math.log2(w)),
   ("the sign", "sign", lambda p, dim, w=1.0: p / (dim * math.log(2)) - math.log2(w)),
   ("the bins are left out", "argument-ignored term-missing",
    lambda p, dim, w=1.0: -p / (dim * math.log(2))),
   ("the bins are added", "sign inverted misread-argument",
    lambda p, dim, w=1.0: -p / (dim * math.log(2)) + math.log2(w)),
   ("the bins in nats", "nats-vs-bits",
    lambda p, dim, w=1.0: -p / (dim * math.log(2)) - math.log(w)))
