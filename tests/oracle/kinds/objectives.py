"""Derivatives and losses: right implementations of each kind, and mistakes."""

import autograd.numpy as np
from autograd import grad, make_vjp

from .arithmetic import along, column, diagonal, over, square, trace
from .record import of
from .spaces import Pair, diagonal_sum, over_directions


def derivatives(xp):
    """{kind: Pair} of a score, and of what is made of its Jacobian."""
    total = xp.total

    def sandwich(J, v):                                                     # v' J v
        return total(v * (J @ v[..., None])[..., 0])

    def score_of(sign):
        def make(log_density):
            def score(x):
                _, J = xp.jacobian(lambda x: log_density(x)[:, None], x)
                return sign * J[:, 0]
            return score
        return make

    return {
        "score_of": Pair(score_of(1), score_of(-1), "sign"),
        "directional_derivative": Pair(
            lambda f, x, v: over_directions(sandwich(xp.jacobian(f, x)[1], v)),
            lambda f, x, v: over_directions(-sandwich(xp.jacobian(f, x)[1], v)), "sign"),
        "divergence": Pair(
            lambda f, x: diagonal_sum(xp.jacobian(f, x)[1]),
            lambda f, x: total(total(xp.jacobian(f, x)[1])), "wrong-jacobian"),
        "hutchinson_divergence": Pair(
            lambda f, x, v: over_directions(sandwich(xp.jacobian(f, x)[1], v)),
            lambda f, x, v: sandwich(xp.jacobian(f, x)[1], v) if v.ndim == 2 else
            sandwich(xp.jacobian(f, x)[1], v).sum(0), "sum-vs-mean"),
    }


def losses(xp, keep=lambda a: a):
    """{kind: Pair} of the losses. `keep` is what becomes of the derivative in a loss, or else of
    the function's value: `xp.detach` makes losses that are right and have the wrong gradient.
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
            def term(u):
                slope = keep(f(x + step * u) - f(x - step * u)) / (width * step)
                return total(u * f(x))**2 / 2 + total(u * slope)
            return over(v, term)
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
            implicit(diagonal_sum), implicit(lambda J: total(total(J))), "wrong-jacobian"),
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


def portable(xp):
    """{kind: Pair} for a Space."""
    return {**derivatives(xp), **losses(xp)}


def finite(s, x, v, difference):
    """FD-SSM with another difference quotient."""
    return over(v, lambda u: 0.5 * np.sum(u * s(x), axis=1)**2
                + np.sum(u * difference(u), axis=1))


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


def square_along(score_fn, x, v):
    """(v' s)^2 of each row."""
    return np.einsum("bd,bd->b", v, score_fn(x))**2


def ncsn_of(s, x, sigmas, eps, weights, label=lambda sigma, i: sigma, noise=lambda e, i: e[i]):
    """The NCSN loss, with another label or noise."""
    return sum(w * 0.5 * square(s(x + sigma * noise(eps, i), label(float(sigma), i))
                                + noise(eps, i) / sigma)
               for i, (w, sigma) in enumerate(zip(weights, sigmas)))


of("score_of", spellings=(
    lambda log_p: lambda x: np.stack([along(log_p, x, np.zeros_like(x) + e)
                                      for e in np.eye(x.shape[1])], axis=1),
    lambda log_p: grad(lambda x: np.sum(log_p(x))),
), tuned=(
    ("of the energy", "sign", lambda f: grad(lambda x: -np.sum(f(x)))),
    ("of the batch's mean", "sum-vs-mean", lambda f: grad(lambda x: np.mean(f(x)))),
    ("of the density", "wrong-factor factor-extra misread-argument underflow",
     lambda f: grad(lambda x: np.sum(np.exp(f(x))))),
    ("twice", "half factor", lambda f: grad(lambda x: 2 * np.sum(f(x)))),
), measured=(
    ("of 2 log p per feature", "wrong-factor factor-missing sum-vs-mean half factor",
     lambda f: lambda x: 2 * np.stack([along(f, x, np.zeros_like(x) + e)
                                       for e in np.eye(x.shape[1])], axis=1)),
    ("forward differences with a step of 1e-3", "low-precision approximate",
     lambda f: lambda x: np.stack([(f(x + 1e-3 * e) - f(x)) / 1e-3
                                   for e in np.eye(x.shape[1])], axis=1)),
))
of("directional_derivative", spellings=(
    lambda s, x, v: over(v, lambda u: np.sum(u * along(s, x, u), axis=1)),
    lambda s, x, v: over(v, lambda u: np.einsum("bd,bd->b", make_vjp(s)(x)[0](u), u)),
), tuned=(
    ("v is not multiplied from the left", "wrong-jacobian not-reduced",
     lambda s, x, v: over(v, lambda u: np.sum(along(s, x, u), axis=1))),
    ("the sum over directions", "sum-vs-mean",
     lambda s, x, v: over(v, lambda u: np.sum(u * along(s, x, u), axis=1)) * (
         len(v) if v.ndim == 3 else 1)),
    ("not summed over features", "wrong-shape not-reduced",
     lambda s, x, v: over(v, lambda u: u * along(s, x, u))),
    ("directions of length one", "unit-sphere",
     lambda s, x, v: over(v / np.sqrt(np.sum(v**2, axis=-1, keepdims=True)),
                          lambda u: np.sum(u * along(s, x, u), axis=1))),
))
of("divergence", spellings=(diagonal, trace), tuned=(
    ("the mean over features", "sum-vs-mean", lambda s, x: diagonal(s, x) / x.shape[1]),
    ("the sign", "sign", lambda s, x: -diagonal(s, x)),
    ("summed over the batch", "wrong-shape rows-mixed", lambda s, x: np.sum(diagonal(s, x))),
    ("the first feature alone", "wrong-jacobian term-missing",
     lambda s, x: along(s, x, np.zeros_like(x) + np.eye(x.shape[1])[0])[:, 0]),
), measured=(
    ("squares of the derivatives", "wrong-jacobian squared-twice sqrt-missing",
     lambda s, x: sum(along(s, x, np.zeros_like(x) + e)[:, i]**2
                      for i, e in enumerate(np.eye(x.shape[1])))),
    ("at the origin", "evaluation-point argument-ignored", lambda s, x: diagonal(s, 0 * x)),
    ("central differences in float32", "low-precision cancellation",
     lambda s, x: sum(((s(x + 1e-2 * e) - s(x - 1e-2 * e)) / 2e-2).astype(np.float32)[:, i]
                      for i, e in enumerate(np.eye(x.shape[1])))),
))
of("hutchinson_divergence", spellings=(
    lambda s, x, v: over(v, lambda u: np.sum(u * along(s, x, u), axis=1)),
    lambda s, x, v: over(v, lambda u: np.einsum("bd,bd->b", make_vjp(s)(x)[0](u), u)),
), tuned=(
    ("divided by D", "sum-vs-mean",
     lambda s, x, v: over(v, lambda u: np.mean(u * along(s, x, u), axis=1))),
    ("v'J against ones", "wrong-jacobian not-reduced",
     lambda s, x, v: over(v, lambda u: np.sum(make_vjp(s)(x)[0](u), axis=1))),
    ("signs of the directions alone", "misread-argument",
     lambda s, x, v: over(np.sign(v), lambda u: np.sum(u * along(s, x, u), axis=1))),
    ("only the first of M", "argument-ignored special-case term-missing",
     lambda s, x, v: over(v[:1] if v.ndim == 3 else v,
                          lambda u: np.sum(u * along(s, x, u), axis=1))),
), measured=(
    ("J J'", "wrong-jacobian squared-twice",
     lambda s, x, v: over(v, lambda u: square(make_vjp(s)(x)[0](u)))),
    ("a half", "half", lambda s, x, v: 0.5 * over(v, lambda u: np.sum(u * along(s, x, u), axis=1))),
))
of("explicit_score_matching", spellings=(
    lambda s, x, target: 0.5 * square(target - s(x)),
    lambda s, x, target: 0.5 * np.sum((s(x) - target)**2) / len(x),
), tuned=(
    ("the norm is not squared", "sqrt-extra not-squared",
     lambda s, x, t: 0.5 * np.sqrt(square(s(x) - t))),
    ("the sign of the target", "sign", lambda s, x, t: 0.5 * square(s(x) + t)),
    ("the mean over all", "sum-vs-mean half", lambda s, x, t: np.mean((s(x) - t)**2)),
    ("the target is left out", "argument-ignored term-missing", lambda s, x, t: 0.5 * square(s(x))),
), measured=(
    ("not halved", "half", lambda s, x, t: square(s(x) - t)),
    ("not summed", "wrong-shape not-reduced", lambda s, x, t: 0.5 * (s(x) - t)**2),
    ("absolute differences", "not-squared sqrt-extra wrong-power",
     lambda s, x, t: 0.5 * np.sum(np.abs(s(x) - t), axis=1)),
))
of("implicit_score_matching", spellings=(
    lambda s, x: diagonal(s, x) + square(s(x)) / 2,
    lambda s, x: np.mean(trace(s, x)) + 0.5 * np.sum(s(x)**2) / len(x),
), tuned=(
    ("the sign of the trace", "sign", lambda s, x: 0.5 * square(s(x)) - diagonal(s, x)),
    ("half the trace", "half", lambda s, x: 0.5 * square(s(x)) + 0.5 * diagonal(s, x)),
    ("the mean of the diagonal", "sum-vs-mean",
     lambda s, x: 0.5 * square(s(x)) + diagonal(s, x) / x.shape[1]),
    ("the trace alone", "term-missing", diagonal),
    ("the square of the norm twice", "squared-twice wrong-power",
     lambda s, x: 0.5 * square(s(x))**2 + diagonal(s, x)),
), measured=(
    ("the sum of the Jacobian", "wrong-jacobian",
     lambda s, x: 0.5 * square(s(x)) + np.sum(make_vjp(s)(x)[0](np.ones_like(x)), axis=1)),
    ("half of all", "half", lambda s, x: 0.25 * square(s(x)) + 0.5 * diagonal(s, x)),
))
of("sliced_score_matching", spellings=(
    lambda s, x, v: over(v, lambda u: np.sum(u * along(s, x, u), axis=1)
                         + np.sum(u * s(x), axis=1)**2 / 2),
    lambda s, x, v: np.mean(over(v, lambda u: 0.5 * np.sum(u * s(x), axis=1)**2
                                 + np.sum(make_vjp(s)(x)[0](u) * u, axis=1))),
), tuned=(
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
                          - np.sum(u * along(s, x, u), axis=1))),
    ("create_graph is left out", "detached-gradient", torch_ssm, "torch"),
), measured=(
    ("(v's) is not squared", "sqrt-extra not-squared wrong-power",
     lambda s, x, v: over(v, lambda u: 0.5 * np.abs(np.sum(u * s(x), axis=1))
                          + np.sum(u * along(s, x, u), axis=1))),
    ("the slope against s", "wrong-jacobian term-extra term-missing",
     lambda s, x, v: over(v, lambda u: 0.5 * np.sum(u * s(x), axis=1)**2
                          + np.sum(s(x) * along(s, x, u), axis=1))),
))
of("sliced_score_matching_vr", spellings=(
    lambda s, x, v: over(v, lambda u: np.sum(u * along(s, x, u), axis=1)) + square(s(x)) / 2,
    lambda s, x, v: np.mean(over(v, lambda u: 0.5 * np.sum(s(x)**2, axis=1)
                                 + np.sum(make_vjp(s)(x)[0](u) * u, axis=1))),
), tuned=(
    ("the slope is missing", "term-missing argument-ignored", lambda s, x, v: 0.5 * square(s(x))),
    ("|s| is not squared", "sqrt-extra wrong-power not-squared",
     lambda s, x, v: over(v, lambda u: 0.5 * np.sqrt(square(s(x))) + np.sum(
         u * along(s, x, u), axis=1))),
    ("the square is not halved", "half",
     lambda s, x, v: over(v, lambda u: square(s(x)) + np.sum(u * along(s, x, u), axis=1))),
    ("the mean over features", "sum-vs-mean",
     lambda s, x, v: over(v, lambda u: 0.5 * np.mean(s(x)**2, axis=1) + np.mean(
         u * along(s, x, u), axis=1))),
))
of("finite_difference_ssm", spellings=(
    lambda s, x, v, step: over(v, lambda u: square_along(s, x, u) / 2 + np.sum(
        u * (s(x + step * u) - s(x - step * u)), axis=1) / (2 * step)),
    lambda s, x, v, step: np.mean(over(v, lambda u: 0.5 * square_along(s, x, u) + np.sum(
        u * (s(x + step * u) - s(x - step * u)) / step / 2, axis=1))),
), tuned=(
    ("a forward difference", "evaluation-point",
     lambda s, x, v, h: finite(s, x, v, lambda u: (s(x + h * u) - s(x)) / h)),
    ("divided by one step", "half",
     lambda s, x, v, h: finite(s, x, v, lambda u: (s(x + h * u) - s(x - h * u)) / h)),
    ("not divided by the step", "factor-missing factor-extra wrong-power wrong-factor",
     lambda s, x, v, h: finite(s, x, v, lambda u: (s(x + h * u) - s(x - h * u)) / 2)),
    ("a fixed step", "argument-ignored evaluation-point",
     lambda s, x, v, h: finite(s, x, v, lambda u: (s(x + 0.1 * u) - s(x - 0.1 * u)) / 0.2)),
))
of("denoising_score_matching", spellings=(
    lambda s, x, sigma, eps: square(sigma * s(x + eps * sigma, sigma) + eps) / (
        2 * column(sigma)**2),
    lambda s, x, sigma, eps: np.mean(np.sum((s(x + sigma * eps, sigma) + eps / sigma)**2,
                                            axis=1)) / 2,
), tuned=(
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
    ("half of the square is detached", "detached-gradient", torch_dsm_scaled, "torch"),
), measured=(
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
     lambda s, x, g, e: (0.5 * square(s(x + g * e, g) + e / g))[::-1]),
))
of("noise_conditional_score_matching", spellings=(ncsn, ncsn_mean), tuned=(
    ("the mean over levels", "sum-vs-mean",
     lambda s, x, g, e, w=None: ncsn_of(s, x, g, e, g**2 if w is None else w) / len(g)),
    ("weights are ignored", "argument-ignored special-case",
     lambda s, x, g, e, w=None: ncsn_of(s, x, g, e, g**2)),
    ("one noise for all levels", "argument-ignored",
     lambda s, x, g, e, w=None: ncsn_of(s, x, g, e, g**2 if w is None else w,
                                       noise=lambda e, i: e[0])),
    ("weights 1 / sigma^2", "inverted wrong-power weighting wrong-factor",
     lambda s, x, g, e, w=None: ncsn_of(s, x, g, e, g**-2 if w is None else w)),
    ("weights sigma", "sigma-not-squared weighting wrong-power",
     lambda s, x, g, e, w=None: ncsn_of(s, x, g, e, g if w is None else w)),
    ("the network is always told the largest level", "evaluation-point",
     lambda s, x, g, e, w=None: ncsn_of(s, x, g, e, g**2 if w is None else w,
                                       label=lambda sigma, i: float(g[0]))),
    ("the network is told the index", "evaluation-point",
     lambda s, x, g, e, w=None: ncsn_of(s, x, g, e, g**2 if w is None else w,
                                       label=lambda sigma, i: float(i))),
    ("the last level is left out", "term-missing end-point",
     lambda s, x, g, e, w=None: ncsn_of(s, x, g[:-1], e, (g**2 if w is None else w)[:-1])),
), measured=(
    ("not halved", "half", lambda s, x, g, e, w=None: sum(
        a * square(s(x + b * n, b) + n / b) for a, b, n in zip(g**2 if w is None else w, g, e))),
    ("the noise of the levels is reversed", "reversed evaluation-point",
     lambda s, x, g, e, w=None: sum(0.5 * a * square(s(x + b * n, b) + n / b) for a, b, n in zip(
         g**2 if w is None else w, g, e[::-1]))),
    ("divided by D", "sum-vs-mean", lambda s, x, g, e, w=None: sum(
        0.5 * a * np.mean((s(x + b * n, b) + n / b)**2, axis=1)
        for a, b, n in zip(g**2 if w is None else w, g, e))),
))
of("noise_prediction_loss", spellings=(
    lambda f, x, sigma, eps: square(f(x + eps * sigma, sigma) - eps),
    lambda f, x, sigma, eps: np.sum((f(x + sigma * eps, sigma) - eps)**2) / len(x),
), tuned=(
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
     lambda f, x, s, e: square(e + f(x + s * e, s))),
), measured=(
    ("sigma twice", "evaluation-point factor half sigma-squared",
     lambda f, x, s, e: square(e - f(x + s * (s * e), s))),
    ("weighed by 1 / sigma^2", "weighting", lambda f, x, s, e: square((e - f(x + s * e, s)) / s)),
    ("the network is told alpha_bar", "evaluation-point wrong-coordinates misread-argument",
     lambda f, x, s, e: square(e - f(x + s * e, 1 / (1 + s**2)))),
))
of("ddpm_loss", spellings=(
    lambda f, x, a, eps: square(f(np.sqrt(1 - a) * eps + np.sqrt(a) * x, a) - eps),
    lambda f, x, a, eps: x.shape[1] * np.mean(
        (eps - f(a**0.5 * x + (1 - a)**0.5 * eps, a))**2),
), tuned=(
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
     lambda f, x, a, e: ((e - f(a**0.5 * x + (1 - a)**0.5 * e, a).detach())**2).sum(1), "torch"),
), measured=(
    ("alpha_bar is not rooted", "sqrt-missing evaluation-point",
     lambda f, x, a, e: square(e - f(a * x + np.sqrt(1 - a) * e, a))),
    ("halved", "half", lambda f, x, a, e: 0.5 * square(
        e - f(np.sqrt(a) * x + np.sqrt(1 - a) * e, a))),
    ("the network is told the standard deviation", "evaluation-point misread-argument",
     lambda f, x, a, e: square(e - f(np.sqrt(a) * x + np.sqrt(1 - a) * e, np.sqrt(1 - a)))),
))
