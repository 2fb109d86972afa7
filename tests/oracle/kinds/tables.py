"""Schedules: right implementations of each kind, and mistakes."""

import math

import autograd.numpy as np

from .record import of
from .spaces import Pair


def portable(xp):
    """{kind: Pair} for a Space."""
    def ramp(n):                                                     # 0 .. 1 in n numbers
        return xp.array([i / max(n - 1, 1) for i in range(n)])

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


def cosine(n, offset=0.008, beta_max=0.999, f=lambda u: np.cos(u * math.pi / 2)**2, cap=True):
    """The cosine schedule with another f, or uncapped."""
    t = f((np.arange(n + 1) / n + offset) / (1 + offset))
    betas = 1 - t[1:] / t[:-1]
    return np.append(1.0, np.cumprod(1 - (np.minimum(betas, beta_max) if cap else betas)))


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


of("geometric_sigmas", spellings=(
    lambda high, low, n: np.exp(np.linspace(math.log(high), math.log(low), n)),
    lambda high, low, n: high * (low / high)**(np.arange(n) / (n - 1)),
), tuned=(
    ("the two ends are exchanged", "reversed swapped-arguments",
     lambda high, low, n: np.geomspace(low, high, n)),
    ("starts after sigma_max", "index-shift end-point",
     lambda high, low, n: high * (low / high)**((np.arange(n) + 1) / n)),
    ("squares of the levels", "sigma-squared sqrt-missing wrong-power",
     lambda high, low, n: np.geomspace(high, low, n)**2),
    ("equally spaced", "wrong-spacing misread-argument wrong-factor wrong-power",
     lambda high, low, n: np.linspace(high, low, n)),
), measured=(
    ("one level too many", "wrong-shape index-shift end-point",
     lambda high, low, n: np.geomspace(high, low, n + 1)),
    ("starts at half of sigma_max", "half factor end-point",
     lambda high, low, n: np.geomspace(high, low, n) / 2),
))
of("karras_sigmas", spellings=(
    lambda high, low, n, rho=7.0: (high**(1 / rho) + np.arange(n) / (n - 1)
                                   * (low**(1 / rho) - high**(1 / rho)))**rho,
    lambda high, low, n, rho=7.0: np.linspace(low**(1 / rho), high**(1 / rho), n)[::-1]**rho,
), tuned=(
    ("rho is always 7", "argument-ignored special-case",
     lambda high, low, n, rho=7.0: np.linspace(high**(1 / 7), low**(1 / 7), n)**7),
    ("a zero at the end", "other-convention",
     lambda high, low, n, rho=7.0: np.append(
         np.linspace(high**(1 / rho), low**(1 / rho), n)**rho, 0)),
    ("i / L", "end-point",
     lambda high, low, n, rho=7.0: (high**(1 / rho) + np.arange(n) / n
                                    * (low**(1 / rho) - high**(1 / rho)))**rho),
    ("not raised to rho at the end", "wrong-power misread-argument factor-missing",
     lambda high, low, n, rho=7.0: np.linspace(high**(1 / rho), low**(1 / rho), n)),
), measured=(
    ("the ends are exchanged", "reversed swapped-arguments",
     lambda high, low, n, rho=7.0: np.linspace(low**(1 / rho), high**(1 / rho), n)**rho),
    ("geometric", "wrong-spacing argument-ignored", lambda high, low, n, rho=7.0: np.geomspace(
        high, low, n)),
))
of("linear_betas", spellings=(
    lambda n, low=1e-4, high=0.02: low + np.arange(n) / max(n - 1, 1) * (high - low),
    lambda n, low=1e-4, high=0.02: np.linspace(high, low, n)[::-1],
), tuned=(
    ("equally spaced roots", "wrong-spacing misread-argument wrong-power wrong-factor sqrt-missing",
     lambda n, low=1e-4, high=0.02: np.linspace(low**0.5, high**0.5, n)**2),
    ("without the last", "end-point",
     lambda n, low=1e-4, high=0.02: np.linspace(low, high, n, endpoint=False)),
    ("one too many", "wrong-shape", lambda n, low=1e-4, high=0.02: np.linspace(low, high, n + 1)),
    ("scaled by 1000 / n", "factor",
     lambda n, low=1e-4, high=0.02: np.linspace(low, high, n) * 1000 / n),
    ("descending", "reversed swapped-arguments",
     lambda n, low=1e-4, high=0.02: np.linspace(high, low, n)),
), measured=(
    ("n + 1 steps, the first left out", "index-shift end-point",
     lambda n, low=1e-4, high=0.02: np.linspace(low, high, n + 1)[1:]),
    ("roots", "sqrt-extra", lambda n, low=1e-4, high=0.02: np.sqrt(np.linspace(low, high, n))),
))
of("cosine_alpha_bar", spellings=(cosine_by_products, cosine_by_maximum), tuned=(
    ("the cosine is not squared", "sqrt-extra sigma-not-squared wrong-power",
     lambda n, o=0.008, b=0.999: cosine(n, o, b, f=lambda u: np.cos(u * math.pi / 2))),
    ("the offset is 0.008 whatever is asked", "argument-ignored",
     lambda n, o=0.008, b=0.999: cosine(n, 0.008, b)),
    ("betas are not capped", "argument-ignored end-point special-case",
     lambda n, o=0.008, b=0.999: cosine(n, o, b, cap=False)),
    ("betas in place of alpha_bar", "wrong-shape one-minus",
     lambda n, o=0.008, b=0.999: 1 - cosine(n, o, b)[1:] / cosine(n, o, b)[:-1]),
), measured=(
    ("reversed", "reversed", lambda n, o=0.008, b=0.999: cosine(n, o, b)[::-1]),
    ("its root", "sqrt-extra", lambda n, o=0.008, b=0.999: np.sqrt(cosine(n, o, b))),
))
of("alpha_bar_from_betas", spellings=(
    lambda betas: np.append(1.0, np.cumprod(1 - betas)),
    lambda betas: np.exp(np.append(0.0, np.cumsum(np.log1p(-betas)))),
), tuned=(
    ("without the leading 1", "wrong-shape index-shift", lambda betas: np.cumprod(1 - betas)),
    ("the product of the betas", "one-minus",
     lambda betas: np.append(1.0, np.cumprod(betas))),
    ("roots of alpha_bar", "sqrt-extra",
     lambda betas: np.append(1.0, np.cumprod(np.sqrt(1 - betas)))),
    ("the leading 1 twice", "index-shift",
     lambda betas: np.concatenate([[1.0, 1.0], np.cumprod(1 - betas)[:-1]])),
    ("1 - alpha_bar", "one-minus", lambda betas: 1 - np.append(1.0, np.cumprod(1 - betas))),
), measured=(
    ("a sum", "not-accumulated wrong-factor", lambda betas: np.append(1.0, 1 - np.cumsum(betas))),
    ("the last is left out", "wrong-shape index-shift end-point",
     lambda betas: np.append(1.0, np.cumprod(1 - betas))[:-1]),
))
of("betas_from_alpha_bar", spellings=(
    lambda table: 1 - table[1:] / table[:-1],
    lambda table: -np.expm1(np.diff(np.log(table))),
), tuned=(
    ("the ratio itself", "one-minus", lambda a: a[1:] / a[:-1]),
    ("divided by the later value", "wrong-level index-shift wrong-factor",
     lambda a: (a[:-1] - a[1:]) / a[1:]),
    ("the difference", "factor-missing term-missing wrong-factor", lambda a: a[:-1] - a[1:]),
), measured=(
    ("of roots", "sqrt-extra misread-argument", lambda a: 1 - np.sqrt(a[1:] / a[:-1])),
    ("one less alpha_bar", "one-minus not-accumulated", lambda a: 1 - a[1:]),
))
of("annealed_step_sizes", spellings=(
    lambda sigmas, h: h * sigmas**2 / sigmas[-1]**2,
    lambda sigmas, h: h / (sigmas[-1] / sigmas)**2,
), tuned=(
    ("relative to the first level", "index-shift end-point wrong-level wrong-factor factor-extra",
     lambda g, h: h * g**2 / g[0]**2),
    ("upside down", "inverted", lambda g, h: h * g[-1]**2 / g**2),
    ("reversed", "reversed", lambda g, h: h * g[::-1]**2 / g[-1]**2),
    ("not relative", "factor-missing factor-extra", lambda g, h: h * g**2),
    ("halved", "half", lambda g, h: 0.5 * h * (g / g[-1])**2),
), measured=(
    ("the mean level below", "wrong-factor wrong-level", lambda g, h: h * g**2 / np.mean(g)**2),
    ("roots", "sqrt-extra sigma-not-squared", lambda g, h: h * np.sqrt(g / g[-1])),
    ("a constant", "argument-ignored", lambda g, h: h + 0 * g),
))
