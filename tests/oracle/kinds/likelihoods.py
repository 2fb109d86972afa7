"""Likelihoods: right implementations of each kind, and mistakes."""

import math

import autograd.numpy as np
from scipy.integrate import solve_ivp

from refsgm import score
from refsgm.exact.likelihood import flow_of, solve

from .arithmetic import column, diagonal, square, trace
from .gaussians import LOG_DENSITY
from .record import of
from .spaces import LOG_2PI, Pair, diagonal_sum, flat


def portable(xp):
    """{kind: Pair} for a Space."""
    log, total = xp.lib.log, xp.total

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
                return -sigma**2 * s, sigma**2 * diagonal_sum(J)

            n = math.ceil(math.log(sigma_max / sigma_min) / step_between(sigma_min, sigma_max))
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
        "prior_log_density": Pair(prior, prior_without_square, "sigma-not-squared"),
        "log_likelihood": Pair(flow(1), flow(-1), "sign"),
        "bits_per_dimension": Pair(
            lambda log_density, dim, bin_width: -log_density / (dim * math.log(2))
            - math.log2(bin_width),
            lambda log_density, dim, bin_width: -log_density / dim - math.log2(bin_width),
            "nats-vs-bits"),
    }


def step_between(sigma_min, sigma_max):
    """A step in log sigma: shorter over many decades, where errors add up."""
    return 0.12 if sigma_max < 1e6 * sigma_min else 0.03


def log_prior(x, sigma):
    """log N(x | 0, sigma^2 I)."""
    return -square(x / sigma) / 2 - x.shape[1] * np.log(column(sigma) * math.sqrt(2 * math.pi))


def along_the_flow(f):
    """f(end of the flow, integral of the divergence, levels)."""
    def wrong(score_fn, x, sigma_min, sigma_max):
        end, change = solve(flow_of(score_fn, score.trace), x, sigma_min, sigma_max, 1e-8)
        return f(end, change, sigma_min, sigma_max)
    return wrong


def likelihood_by_runge_kutta(score_fn, x, sigma_min, sigma_max):
    """Classical steps in log sigma, with the divergence along the way."""
    def rates(x, t):
        sigma = math.exp(t)
        s = lambda x: score_fn(x, sigma)
        return -sigma**2 * s(x), sigma**2 * trace(s, x)
    n = math.ceil(math.log(sigma_max / sigma_min) / step_between(sigma_min, sigma_max))
    t, change = math.log(sigma_min), 0.0
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


of("prior_log_density",
   spellings=tuple(lambda x, sigma, f=f: f(x, 0.0, sigma) for f in LOG_DENSITY), tuned=(
    ("sigma is not squared", "sigma-not-squared",
     lambda x, s: -square(x) / (2 * column(s)) - x.shape[1] * np.log(
         column(s) * math.sqrt(2 * math.pi))),
    ("minus it", "sign", lambda x, s: -log_prior(x, s)),
    ("without the constant", "normalising-constant",
     lambda x, s: -square(x / s) / 2),
    ("sigma is a variance", "sigma-not-squared misread-argument",
     lambda x, s: log_prior(x, np.sqrt(s))),
), measured=(
    ("sigma^2 in the norm alone", "sigma-squared",
     lambda x, s: -square(x / s**2) / 2 - x.shape[1] * np.log(column(s) * math.sqrt(2 * math.pi))),
    ("the mean over features", "sum-vs-mean", lambda x, s: log_prior(x, s) / x.shape[1]),
))
of("log_likelihood", spellings=(likelihood_by_runge_kutta, likelihood_by_scipy), tuned=(
    ("half the divergence", "half", along_the_flow(lambda x, d, a, b: log_prior(x, b) - d / 2)),
    ("the prior has sigma_min", "wrong-level misread-argument",
     along_the_flow(lambda x, d, a, b: log_prior(x, a) - d)),
    ("the prior is N(0, I)", "argument-ignored wrong-factor misread-argument factor-missing",
     along_the_flow(lambda x, d, a, b: log_prior(x, 1.0) - d)),
), measured=(
    ("the divergence twice", "half", along_the_flow(lambda x, d, a, b: log_prior(x, b) - 2 * d)),
    ("the constant of the prior is missing", "normalising-constant term-missing",
     along_the_flow(lambda x, d, a, b: -square(x / b) / 2 - d)),
    ("the divergence alone", "term-missing", along_the_flow(lambda x, d, a, b: -d)),
))
of("bits_per_dimension", spellings=(
    lambda log_p, dim, width=1.0: -(log_p / dim + math.log(width)) / math.log(2),
    lambda log_p, dim, width=1.0: -log_p * math.log2(math.e) / dim - math.log2(width),
), tuned=(
    ("not per dimension", "factor-missing sum-vs-mean argument-ignored",
     lambda p, dim, w=1.0: -p / math.log(2) - math.log2(w)),
    ("the sign", "sign", lambda p, dim, w=1.0: p / (dim * math.log(2)) - math.log2(w)),
    ("the bins are left out", "argument-ignored term-missing",
     lambda p, dim, w=1.0: -p / (dim * math.log(2))),
    ("the bins are added", "sign inverted misread-argument",
     lambda p, dim, w=1.0: -p / (dim * math.log(2)) + math.log2(w)),
    ("the bins in nats", "nats-vs-bits",
     lambda p, dim, w=1.0: -p / (dim * math.log(2)) - math.log(w)),
), measured=(
    ("multiplied by ln 2", "nats-vs-bits inverted",
     lambda p, dim, w=1.0: -p * math.log(2) / dim - math.log2(w)),
    ("bins per dimension", "factor-extra sum-vs-mean wrong-factor",
     lambda p, dim, w=1.0: -p / (dim * math.log(2)) - math.log2(w) / dim),
    ("log10", "factor nats-vs-bits",
     lambda p, dim, w=1.0: -p / (dim * math.log(10)) - math.log10(w)),
))
