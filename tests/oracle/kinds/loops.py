"""Whole samplers: right implementations of each kind, and mistakes."""

import autograd.numpy as np

from .record import of
from .spaces import Pair
from .steps import (ddim_by_ratio, ddim_by_sigma, ddpm_by_equation_11, ddpm_by_x0,
                    heun_by_denoisers, heun_by_slopes)


def portable(xp):
    """{kind: Pair} for a Space."""
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


def walk_levels(s, x, sigmas, n, h, rng, size, noise=1.0):
    """Annealed Langevin dynamics with other step sizes."""
    for sigma in sigmas.tolist():
        step = h * float(size(sigma))
        for _ in range(n):
            x = x + step / 2 * s(x, sigma) + noise * step**0.5 * rng.standard_normal(x.shape)
            yield x


def reverse(f, x, table, rng, step):
    """A DDPM loop over some step."""
    for i in range(len(table) - 1, 0, -1):
        t, s = float(table[i]), float(table[i - 1])
        x = step(x, f(x, t), t, s, rng.standard_normal(x.shape))
        yield x


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


of("langevin", spellings=(langevin, langevin_sample), tuned=(
    ("the step scales the noise", "sqrt-missing",
     lambda s, x, h, n, rng: walk(s, x, h, n, rng, noise=lambda h: h)),
    ("the other convention", "half factor",
     lambda s, x, h, n, rng: walk(s, x, h, n, rng, 1.0, lambda h: (2 * h)**0.5)),
    ("one step too many", "wrong-shape", lambda s, x, h, n, rng: walk(s, x, h, n + 1, rng)),
    ("descends", "sign", lambda s, x, h, n, rng: walk(s, x, h, n, rng, -0.5)),
    ("no noise", "term-missing argument-ignored",
     lambda s, x, h, n, rng: walk(s, x, h, n, rng, noise=lambda h: 0.0)),
))
of("annealed_langevin", spellings=(annealed, annealed_sample), tuned=(
    ("from small to large noise", "reversed",
     lambda s, x, g, n, h, rng: anneal(s, x, g[::-1], n, h, rng)),
    ("the network is always told the last level", "evaluation-point wrong-level",
     lambda s, x, g, n, h, rng: anneal(s, x, g, n, h, rng, lambda a, g: float(g[-1]))),
    ("a constant step size", "factor-missing argument-ignored",
     lambda s, x, g, n, h, rng: anneal(s, x, g, n, h, rng, power=0)),
    ("the network is told the variance", "evaluation-point misread-argument sigma-squared",
     lambda s, x, g, n, h, rng: anneal(s, x, g, n, h, rng, lambda a, g: a**2)),
), measured=(
    ("a step too long at the end", "factor half",
     lambda s, x, g, n, h, rng: walk_levels(s, x, g, n, h, rng, lambda a: 2 * (a / min(g))**2)),
    ("relative to the first level", "factor-extra wrong-level wrong-factor",
     lambda s, x, g, n, h, rng: walk_levels(s, x, g, n, h, rng, lambda a: (a / max(g))**2)),
    ("without noise", "argument-ignored term-missing",
     lambda s, x, g, n, h, rng: walk_levels(s, x, g, n, h, rng, lambda a: (a / min(g))**2, 0.0)),
))
of("ddpm_sampler", spellings=(ddpm_states, ddpm_sample), tuned=(
    ("the network is told the next level", "evaluation-point wrong-level index-shift",
     lambda f, x, a, rng: ancestral(f, x, a, rng, told=1)),
    ("variance beta", "beta-variance factor-missing",
     lambda f, x, a, rng: ancestral(f, x, a, rng, variance="beta")),
    ("the last step is left out", "wrong-shape end-point",
     lambda f, x, a, rng: list(ancestral(f, x, a, rng))[:-1]),
), measured=(
    ("noise is scaled by one half", "half",
     lambda f, x, a, rng: reverse(f, x, a, rng, lambda *args: ddpm_by_equation_11(
         *args[:4], args[4] / 2))),
    ("the table is walked from its beginning", "reversed evaluation-point",
     lambda f, x, a, rng: reverse(f, x, np.sort(a), rng, lambda x, e, t, s, z: ddpm_by_equation_11(
         x, e, min(t, s), max(t, s), z))),
))
of("ddim_sampler", spellings=(ddim_states, ddim_sample), tuned=(
    ("the network is told the next level", "evaluation-point wrong-level index-shift",
     lambda f, x, a, eta, rng: implicit(f, x, a, eta, rng, told=1)),
    ("deterministic", "argument-ignored term-missing",
     lambda f, x, a, eta, rng: implicit(f, x, a, 0.0, rng)),
    ("as DDPM", "argument-ignored misread-argument factor-extra factor-missing",
     lambda f, x, a, eta, rng: implicit(f, x, a, 1.0, rng)),
))
of("probability_flow_sampler", spellings=(flow_states, flow_sample), tuned=(
    ("Euler", "term-missing argument-ignored wrong-factor evaluation-point half",
     lambda s, x, g: flow(s, x, g, lambda s, x, a, b: x + (a - b) * a * s(x, a))),
    ("the wrong level in the second slope", "wrong-level wrong-factor",
     lambda s, x, g: flow(s, x, g, lambda s, x, a, b: x + (a - b) / 2 * (
         a * s(x, a) + a * s(x + (a - b) * a * s(x, a), b)))),
    ("from small to large noise", "reversed sign",
     lambda s, x, g: flow(s, x, g[::-1], heun_by_slopes)),
))
