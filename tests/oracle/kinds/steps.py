"""Single steps: right implementations of each kind, and mistakes."""

import autograd.numpy as np

from .arithmetic import square
from .record import of
from .spaces import Pair


def portable(xp):
    """{kind: Pair} for a Space."""
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
            one = xp.array(1.0)
            on = one * sigma_s > 0
            level = xp.lib.where(on, one * sigma_s, one * sigma_t)    # a score has no value at zero
            d_hat = -last(sigma_t, sigma_s) * f(x_hat, level)
            slope = xp.lib.where(on, (d + d_hat) / 2, d)
            return x_t + (sigma_s - sigma_t) * slope
        return step

    return {
        "diffuse": Pair(lambda x_0, a, eps: a**0.5 * x_0 + (1 - a)**0.5 * eps,
                        lambda x_0, a, eps: a * x_0 + (1 - a)**0.5 * eps, "sqrt-missing"),
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
        "raise_noise": Pair(lambda x, low, high, z: x + (high**2 - low**2)**0.5 * z,
                            lambda x, low, high, z: x + (high - low) * z, "wrong-factor"),
        "vp_probability_flow_drift": Pair(
            lambda x, score, beta: -beta / 2 * (x + score),
            lambda x, score, beta: -beta / 2 * (x - score), "sign"),
        "vp_reverse_sde_drift": Pair(
            lambda x, score, beta: -beta / 2 * x - beta * score,
            lambda x, score, beta: -beta / 2 * x - beta**0.5 * score, "sqrt-extra"),
    }


def bridge(x_0, x_t, t, s, data=None, state=None, variance=None):
    """The posterior with one of its three coefficients given."""
    beta = 1 - t / s
    return ((np.sqrt(s) * beta / (1 - t) if data is None else data) * x_0
            + (np.sqrt(t / s) * (1 - s) / (1 - t) if state is None else state) * x_t,
            beta * (1 - s) / (1 - t) if variance is None else variance)


def ddpm(x, e, t, s, z, variance, noise=None, over=None, root=None):
    """The DDPM step with one of its coefficients given."""
    beta = 1 - t / s
    std = np.sqrt(beta * ((1 - s) / (1 - t) if variance == "posterior" else 1))
    return ((x - (beta / np.sqrt(1 - t) if noise is None else noise) * e)
            * (np.sqrt(s / t) if over is None else over) + (std if root is None else root) * z)


def ddim(x, e, t, s, eta, z, std=None, weight=None, left=None):
    """The DDIM step with its standard deviation, weight of x_0 or noise of x_t given."""
    std = eta * np.sqrt((1 - s) / (1 - t) * (1 - t / s)) if std is None else std
    x_0 = (x - (np.sqrt(1 - t) if left is None else left) * e) / np.sqrt(t)
    return (np.sqrt(s) if weight is None else weight) * x_0 + np.sqrt(np.maximum(
        1 - s - std**2, 0)) * e + std * z


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


of("diffuse", spellings=(
    lambda x, a, eps: np.sqrt(1 - a) * eps + np.sqrt(a) * x,
    lambda x, a, eps: np.sqrt(a) * (x + np.sqrt((1 - a) / a) * eps),
), tuned=(
    ("no root over the noise", "sqrt-missing", lambda x, a, e: np.sqrt(a) * x + (1 - a) * e),
    ("no root over the data", "sqrt-missing", lambda x, a, e: a * x + np.sqrt(1 - a) * e),
    ("data and noise are exchanged", "swapped-arguments one-minus",
     lambda x, a, e: np.sqrt(a) * e + np.sqrt(1 - a) * x),
    ("variance exploding", "factor-missing wrong-coordinates",
     lambda x, a, e: x + np.sqrt(1 - a) * e),
    ("a straight line", "sqrt-missing", lambda x, a, e: a * x + (1 - a) * e),
    ("1 - sqrt(alpha_bar)", "wrong-factor misread-argument",
     lambda x, a, e: np.sqrt(a) * x + (1 - np.sqrt(a)) * e),
), measured=(
    ("signs of noise", "sign", lambda x, a, e: np.sqrt(a) * x - np.sqrt(1 - a) * e),
    ("alpha_bar is taken for its root", "misread-argument sqrt-missing sigma-squared",
     lambda x, a, e: a * x + np.sqrt(1 - a**2) * e),
    ("halved noise", "half", lambda x, a, e: np.sqrt(a) * x + 0.5 * np.sqrt(1 - a) * e),
))
of("posterior", spellings=(posterior_by_precisions, posterior_by_papers_names), tuned=(
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
     lambda x_0, x, t, s: bridge(x_0, x, t, s, variance=(1 - t / s) * (1 - t) / (1 - s))),
), measured=(
    ("x_t is weighed by sqrt(alpha) alone", "factor-missing",
     lambda x_0, x, t, s: bridge(x_0, x, t, s, state=np.sqrt(t / s))),
    ("x_0 is weighed without beta", "factor-missing",
     lambda x_0, x, t, s: bridge(x_0, x, t, s, data=np.sqrt(s) / (1 - t))),
    ("the variance is 1 - alpha_bar_s", "wrong-level factor-missing",
     lambda x_0, x, t, s: bridge(x_0, x, t, s, variance=(1 - s) + 0 * t)),
))
of("langevin_step", spellings=(
    lambda x, s, h, z: np.sqrt(h) * z + x + h / 2 * s,
    lambda x, s, h, z: x + h / 2 * s + np.sqrt(2 * (h / 2)) * z,
), tuned=(
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
     lambda x, s, h, z: np.clip(x + h / 2 * s + np.sqrt(h) * z, -1, 1)),
), measured=(
    ("the score is normalised", "wrong-factor unit-sphere rows-mixed unknown",
     lambda x, s, h, z: x + h / 2 * s / np.sqrt(square(s))[:, None] + np.sqrt(h) * z),
    ("a drift of h / 4", "half", lambda x, s, h, z: x + h / 4 * s + np.sqrt(h) * z),
    ("a sign before the noise", "sign", lambda x, s, h, z: x + h / 2 * s - np.sqrt(h) * z),
    ("x shrinks", "term-extra wrong-factor factor-extra one-minus",
     lambda x, s, h, z: (1 - h) * x + h / 2 * s + np.sqrt(h) * z),
))
of("ddpm_step", spellings=(ddpm_by_equation_11, ddpm_by_x0), tuned=(
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
         (1 - s) / (1 - t) if v == "posterior" else 1))),
), measured=(
    ("alpha_bar_t in place of alpha", "wrong-level factor-missing",
     lambda x, e, t, s, z, v="posterior": ddpm(x, e, t, s, z, v, over=1 / np.sqrt(t))),
    ("alpha in place of beta", "one-minus wrong-factor",
     lambda x, e, t, s, z, v="posterior": ddpm(x, e, t, s, z, v, noise=t / s / np.sqrt(1 - t))),
    ("the mean of x_0 alone", "argument-ignored term-missing wrong-factor",
     lambda x, e, t, s, z, v="posterior": ddpm(0 * x, e, t, s, z, v)),
))
of("ddim_step", spellings=(ddim_by_sigma, ddim_by_ratio), tuned=(
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
     lambda x, e, t, s, eta, z: ddim(x, e, t, s, float(eta > 0), z)),
), measured=(
    ("sqrt(alpha_bar_s) in the direction", "one-minus wrong-factor",
     lambda x, e, t, s, eta, z: ddim(x, e, t, s, eta, z) + (
         np.sqrt(s) - np.sqrt(1 - s - eta**2 * (1 - s) / (1 - t) * (1 - t / s))) * e),
    ("eta z without a standard deviation", "factor-missing wrong-factor",
     lambda x, e, t, s, eta, z: ddim(x, e, t, s, eta, z) + (
         1 - np.sqrt((1 - s) / (1 - t) * (1 - t / s))) * eta * z),
    ("x_0 is clipped at 3", "clipped",
     lambda x, e, t, s, eta, z: ddim(x, e, t, s, eta, z) + np.sqrt(s) * (
         np.clip((x - np.sqrt(1 - t) * e) / np.sqrt(t), -3, 3)
         - (x - np.sqrt(1 - t) * e) / np.sqrt(t))),
))
of("ve_probability_flow_step", spellings=(
    lambda x, s, now, then: x + (then - now) * (-now * s),
    lambda x, s, now, then: x + (then - now) * (x - (x + now**2 * s)) / now,
), tuned=(
    ("sigma_s in the slope", "wrong-level", lambda x, s, a, b: x + (a - b) * b * s),
    ("halved", "half", lambda x, s, a, b: x + 0.5 * (a - b) * a * s),
    ("towards noise", "sign", lambda x, s, a, b: x + (b - a) * a * s),
    ("the drift of the SDE", "wrong-factor wrong-level factor-extra sigma-squared",
     lambda x, s, a, b: x + (a**2 - b**2) * s),
    ("sigma is left out of the slope", "factor-missing", lambda x, s, a, b: x + (a - b) * s),
), measured=(
    ("the mean level", "wrong-level wrong-factor",
     lambda x, s, a, b: x + (a - b) * (a + b) / 2 * s),
    ("x is divided by sigma_t", "factor-extra", lambda x, s, a, b: x / a + (a - b) * a * s),
))
of("ve_reverse_sde_step", spellings=(
    lambda x, s, now, then, z: np.sqrt(now**2 - then**2) * z + x + (now**2 - then**2) * s,
    lambda x, s, now, then, z: x + now * np.sqrt(1 - (then / now)**2) * (
        np.sqrt(now**2 - then**2) * s + z),
), tuned=(
    ("noise sigma_t - sigma_s", "sigma-not-squared wrong-factor sqrt-missing wrong-power",
     lambda x, s, a, b, z: x + (a**2 - b**2) * s + (a - b) * z),
    ("the drift of the ODE", "half", lambda x, s, a, b, z: x + 0.5 * (a**2 - b**2) * s + np.sqrt(
        a**2 - b**2) * z),
    ("the variance scales the noise", "sqrt-missing",
     lambda x, s, a, b, z: x + (a**2 - b**2) * (s + z)),
    ("no noise", "argument-ignored term-missing", lambda x, s, a, b, z: x + (a**2 - b**2) * s),
), measured=(
    ("(sigma_t - sigma_s)^2", "sigma-not-squared wrong-factor wrong-power",
     lambda x, s, a, b, z: x + (a - b)**2 * s + (a - b) * z),
    ("ascends noise", "sign",
     lambda x, s, a, b, z: x - (a**2 - b**2) * s + np.sqrt(a**2 - b**2) * z),
    ("noise of sigma_t", "wrong-level wrong-factor",
     lambda x, s, a, b, z: x + (a**2 - b**2) * s + a * z),
))
of("ve_ancestral_step", spellings=(
    lambda x, s, now, then, z: x + (now**2 - then**2) * s
    + np.sqrt(then**2 * (now**2 - then**2) / now**2) * z,
    lambda x, s, now, then, z: x + (now - then**2 / now) * now * s
    + then * np.sqrt(1 - then**2 / now**2) * z,
), tuned=(
    ("the noise of the SDE", "factor-missing",
     lambda x, s, a, b, z: x + (a**2 - b**2) * s + np.sqrt(a**2 - b**2) * z),
    ("no root", "sqrt-missing sigma-squared",
     lambda x, s, a, b, z: x + (a**2 - b**2) * s + b**2 * (a**2 - b**2) / a**2 * z),
    ("halved", "half",
     lambda x, s, a, b, z: x + 0.5 * (a**2 - b**2) * s + b / a * np.sqrt(a**2 - b**2) * z),
))
of("heun_step", spellings=(heun_by_slopes, heun_by_denoisers), tuned=(
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
     lambda s, x, a, b: x + (a - b) * (a + b) / 2 * s(x + (a - b) / 2 * a * s(x, a), (a + b) / 2)),
), measured=(
    ("the second call at x_t and sigma_t", "evaluation-point term-missing",
     lambda s, x, a, b: x + 0.5 * (a - b) * (a + b) * s(x, a)
     if np.any(b) else x + a * a * s(x, a)),
    ("weights 1/3 and 2/3", "factor wrong-factor",
     lambda s, x, a, b: x + (a - b) / 3 * (a * s(x, a) + 2 * b * s(x + (a - b) * a * s(x, a), b))
     if np.any(b) else x + a * a * s(x, a)),
))
of("raise_noise", spellings=(
    lambda x, low, high, z: np.sqrt(high**2 - low**2) * z + x,
    lambda x, low, high, z: x + high * np.sqrt(1 - (low / high)**2) * z,
), tuned=(
    ("standard deviations are subtracted", "sigma-not-squared wrong-factor sqrt-missing",
     lambda x, a, b, z: x + (b - a) * z),
    ("all of sigma_to", "term-missing wrong-factor argument-ignored", lambda x, a, b, z: x + b * z),
    ("variances are added", "sign wrong-factor", lambda x, a, b, z: x + np.sqrt(b**2 + a**2) * z),
    ("no root", "sqrt-missing", lambda x, a, b, z: x + (b**2 - a**2) * z),
), measured=(
    ("the sign", "sign", lambda x, a, b, z: x - np.sqrt(b**2 - a**2) * z),
    ("sigma_from", "wrong-level wrong-factor argument-ignored", lambda x, a, b, z: x + a * z),
    ("the root of the difference", "sigma-not-squared wrong-factor",
     lambda x, a, b, z: x + np.sqrt(b - a) * z),
))
of("vp_probability_flow_drift", spellings=(
    lambda x, s, beta: -(beta / 2) * x - beta / 2 * s,
    lambda x, s, beta: -0.5 * beta * x - 0.5 * np.sqrt(beta)**2 * s,
), tuned=(
    ("the sign of the score", "sign", lambda x, s, b: -b / 2 * (x - s)),
    ("not halved", "half", lambda x, s, b: -b * (x + s)),
    ("the root of beta", "sqrt-extra", lambda x, s, b: -np.sqrt(b) / 2 * (x + s)),
    ("variance exploding", "argument-ignored term-missing", lambda x, s, b: -b / 2 * s),
), measured=(
    ("1 - beta", "wrong-factor one-minus term-extra", lambda x, s, b: -(1 - b) / 2 * (x + s)),
    ("the score twice", "half", lambda x, s, b: -b / 2 * (x + 2 * s)),
))
of("vp_reverse_sde_drift", spellings=(
    lambda x, s, beta: -beta * (x / 2 + s),
    lambda x, s, beta: -0.5 * beta * x - np.sqrt(beta)**2 * s,
), tuned=(
    ("x is not halved", "half", lambda x, s, b: -b * x - b * s),
    ("g in place of g^2", "sqrt-extra", lambda x, s, b: -b / 2 * x - np.sqrt(b) * s),
    ("integrated the other way", "sign", lambda x, s, b: b / 2 * x + b * s),
    ("beta^2", "wrong-power sqrt-missing sigma-squared squared-twice",
     lambda x, s, b: -b / 2 * x - b**2 * s),
))
