"""Samplers that are right, of orders 1 to 4: (name, sampler, options of check_sampler).

Written from the papers' formulas; t -> s are the two levels of a step, f the model.
"""

import numpy as np

from .spelled import SPELLED


def pairs(levels):
    """(from, to) of every step."""
    return zip(levels[:-1], levels[1:])


# Probability flow in ve, dx/dsigma = -sigma score.

def slope(f):
    return lambda x, t: -t * f(x, t)


def euler(f, x, sigmas, rng=None):
    for t, s in pairs(sigmas):
        x = x + (s - t) * slope(f)(x, t)
    return x


def heun(f, x, sigmas, rng=None):
    for t, s in pairs(sigmas):
        k = slope(f)(x, t)
        x = x + (s - t) / 2 * (k + slope(f)(x + (s - t) * k, s))
    return x


def midpoint(f, x, sigmas, rng=None):
    for t, s in pairs(sigmas):
        m = (s + t) / 2
        x = x + (s - t) * slope(f)(x + (m - t) * slope(f)(x, t), m)
    return x


def ralston(f, x, sigmas, rng=None):
    for t, s in pairs(sigmas):
        h, k = s - t, slope(f)(x, t)
        x = x + h / 4 * (k + 3 * slope(f)(x + 2 / 3 * h * k, t + 2 / 3 * h))
    return x


def kutta3(f, x, sigmas, rng=None):
    for t, s in pairs(sigmas):
        h, k = s - t, slope(f)(x, t)
        b = slope(f)(x + h / 2 * k, t + h / 2)
        x = x + h / 6 * (k + 4 * b + slope(f)(x + h * (2 * b - k), s))
    return x


def rk4(f, x, sigmas, rng=None):
    for t, s in pairs(sigmas):
        h, k, m = s - t, slope(f)(x, t), (s + t) / 2
        b = slope(f)(x + h / 2 * k, m)
        c = slope(f)(x + h / 2 * b, m)
        x = x + h / 6 * (k + 2 * b + 2 * c + slope(f)(x + h * c, s))
    return x


def adams(order, start=None):
    """Adams-Bashforth with weights for uneven steps; it starts with lower orders, or by start."""
    def sampler(f, x, sigmas, rng=None):
        g, levels = slope(f), [float(v) for v in sigmas]
        history = []                                   # times are counted from t, for rounding
        for i, (t, s) in enumerate(pairs(levels)):
            history = [(t, g(x, t)), *history][:order]
            if start and i < order - 1:
                x = start(f, x, [t, s])
                continue
            nodes = [a - t for a, _ in history]
            for j, (_, k) in enumerate(history):
                p = np.poly1d(np.poly([a for m, a in enumerate(nodes) if m != j])
                              / np.prod([nodes[j] - a for m, a in enumerate(nodes) if m != j]))
                w = np.polyint(p)
                x = x + w(s - t) * k
        return x
    return sampler


def denoiser(f):
    return lambda x, t: x + t * t * f(x, t)


def dpmpp_1(f, x, sigmas, rng=None):
    for t, s in pairs(sigmas):
        x = s / t * x + (1 - s / t) * denoiser(f)(x, t)
    return x


def dpmpp_2m(f, x, sigmas, rng=None):
    old = before = None
    for t, s in pairs(sigmas):
        d = denoiser(f)(x, t)
        if old is None or s == 0:
            x = s / t * x + (1 - s / t) * d
        else:
            r = np.log(float(before / t)) / np.log(float(t / s))
            x = s / t * x + (1 - s / t) * (d + (d - old) / (2 * r))
        old, before = d, t
    return x


def dpmpp_2s(f, x, sigmas, rng=None):
    for t, s in pairs(sigmas):
        d = denoiser(f)(x, t)
        if s > 0:
            m = (t * s)**0.5
            d = denoiser(f)(m / t * x + (1 - m / t) * d, m)
        x = s / t * x + (1 - s / t) * d
    return x


def dpm_2(f, x, sigmas, rng=None):
    """DPM-Solver-2 of EDM's comparison: the slope at the geometric middle."""
    for t, s in pairs(sigmas):
        k = slope(f)(x, t)
        if s > 0:
            m = (t * s)**0.5
            k = slope(f)(x + (m - t) * k, m)
        x = x + (s - t) * k
    return x


def dpmpp_3m(f, x, sigmas, rng=None):
    """DPM-Solver++(3M): exponential Adams in lambda = -log sigma."""
    history = []
    for t, s in pairs(sigmas):
        d = denoiser(f)(x, t)
        lam = -np.log(float(t))
        if s == 0:
            x = d
            continue
        h = -np.log(float(s)) - lam
        phi1 = -np.expm1(-h)
        phi2, phi3 = h - phi1, h * h / 2 - h + phi1
        x = s / t * x + phi1 * d
        if len(history) == 1:
            (l1, d1), = history
            x = x + phi2 * (d - d1) / (lam - l1)
        elif len(history) > 1:
            (l1, d1), (l2, d2) = history[:2]
            a, b = (d - d1) / (lam - l1), (d1 - d2) / (l1 - l2)
            second = (a - b) / (lam - l2)
            x = x + phi2 * (a + (lam - l1) * second) + 2 * phi3 * second
        history = [(lam, d), *history]
    return x


# Noisy samplers in ve.

def reverse_sde(f, x, sigmas, rng):
    for t, s in pairs(sigmas):
        x = x + (t*t - s*s) * f(x, t) + (t*t - s*s)**0.5 * rng.standard_normal(x.shape)
    return x


def ancestral(f, x, sigmas, rng, eta=1.0):
    for t, s in pairs(sigmas):
        up = eta * (s * s * (t*t - s*s))**0.5 / t
        down = (s * s - up * up)**0.5
        x = x + (down - t) * slope(f)(x, t)
        if s > 0:
            x = x + up * rng.standard_normal(x.shape)
    return x


def churn(f, x, sigmas, rng, gamma=0.01, noise=1.0):
    """EDM's stochastic sampler with a constant rate of churn."""
    for t, s in pairs(sigmas):
        g = gamma * (1 - s / t)
        hat = t * (1 + g)
        x = x + noise * (hat * hat - t * t)**0.5 * rng.standard_normal(x.shape)
        k = slope(f)(x, hat)
        x = x + (s - hat) / 2 * (k + slope(f)(x + (s - hat) * k, s))
    return x


def corrected(f, x, sigmas, rng, rate=0.1):
    """Ancestral steps, each followed by a step of Langevin dynamics at the new level."""
    for t, s in pairs(sigmas):
        x = x + (t*t - s*s) * f(x, t) + s / t * (t*t - s*s)**0.5 * rng.standard_normal(x.shape)
        a = rate * s * s * (1 - s / t)
        if s > 0:
            x = x + a / 2 * f(x, s) + a**0.5 * rng.standard_normal(x.shape)
    return x


def sde_dpmpp(f, x, sigmas, rng):
    """SDE-DPM-Solver++(1)."""
    for t, s in pairs(sigmas):
        q = (s / t)**2
        x = s / t * s / t * x + (1 - q) * denoiser(f)(x, t)
        if s > 0:
            x = x + s * (1 - q)**0.5 * rng.standard_normal(x.shape)
    return x


def several_draws(f, x, sigmas, rng):
    """The reverse SDE with its noise in two parts, all drawn at the start."""
    z = rng.standard_normal((2 * (len(sigmas) - 1), *x.shape))
    for i, (t, s) in enumerate(pairs(sigmas)):
        g = (t*t - s*s)**0.5
        x = x + g * g * f(x, t) + g * (0.6 * z[2 * i] + 0.8 * z[2 * i + 1])
    return x


# vp: f is eps by default, the table is alpha_bar with alpha_bar[0] = 1.

def ddim(f, x, alpha_bar, rng, eta=0.0):
    for t, s in pairs(alpha_bar[::-1]):
        e = f(x, t)
        x_0 = (x - (1 - t)**0.5 * e) / t**0.5
        var = eta * eta * (1 - s) / (1 - t) * (1 - t / s)
        x = s**0.5 * x_0 + (1 - s - var)**0.5 * e
        if eta:
            x = x + var**0.5 * rng.standard_normal(x.shape)
    return x


def ddpm(f, x, alpha_bar, rng, variance="posterior"):
    for t, s in pairs(alpha_bar[::-1]):
        a = t / s
        var = (1 - a) * ((1 - s) / (1 - t) if variance == "posterior" else 1.0)
        x = (x - (1 - a) / (1 - t)**0.5 * f(x, t)) / a**0.5 + var**0.5 * rng.standard_normal(
            x.shape)
    return x


def ddim_from(to_x0):
    """DDIM for a network that predicts something else."""
    def sampler(f, x, alpha_bar, rng):
        for t, s in pairs(alpha_bar[::-1]):
            x_0 = to_x0(x, f(x, t), t**0.5, (1 - t)**0.5)
            x = s**0.5 * x_0 + (1 - s)**0.5 * (x - t**0.5 * x_0) / (1 - t)**0.5
        return x
    return sampler


def vp_solver_2m(f, x, alpha_bar, rng):
    """DPM-Solver++(2M) in its own coordinates."""
    old = before = None
    for t, s in pairs(alpha_bar[::-1]):
        x_0 = (x - (1 - t)**0.5 * f(x, t)) / t**0.5
        if s == 1:
            return x_0
        h = 0.5 * np.log(float(s / (1 - s) * (1 - t) / t))
        d = x_0 if old is None else x_0 + h / (2 * before) * (x_0 - old)
        x = ((1 - s) / (1 - t))**0.5 * x - s**0.5 * np.expm1(-h) * d
        old, before = x_0, h
    return x


def vp_heun(f, x, alpha_bar, rng):
    """Heun for x / alpha_bar^1/2 in sigma."""
    y = x / alpha_bar[-1]**0.5
    for t, s in pairs(alpha_bar[::-1]):
        a, b = ((1 - t) / t)**0.5, ((1 - s) / s)**0.5
        k = f(y * t**0.5, t)
        y = y + (b - a) / 2 * (k + f((y + (b - a) * k) * s**0.5, s))
    return y


# flow: f is the velocity, t from 1 to 0 or from 0 to 1; the same lines serve both.

def flow_euler(f, x, ts, rng):
    for t, s in pairs(ts):
        x = x + (s - t) * f(x, t)
    return x


def flow_method(ode):
    """A method for dx/dsigma = -sigma f, on dx/dt = u."""
    return lambda f, x, ts, rng: ode(lambda x, t: -f(x, t) / t, x, ts)


def flow_midpoint(f, x, ts, rng):
    for t, s in pairs(ts):
        x = x + (s - t) * f(x + (s - t) / 2 * f(x, t), (s + t) / 2)
    return x


def flow_rk4(f, x, ts, rng):
    for t, s in pairs(ts):
        h, k, m = s - t, f(x, t), (s + t) / 2
        b = f(x + h / 2 * k, m)
        c = f(x + h / 2 * b, m)
        x = x + h / 6 * (k + 2 * b + 2 * c + f(x + h * c, s))
    return x


def flow_ab2(f, x, ts, rng):
    old = before = None
    for t, s in pairs(ts):
        u, h = f(x, t), s - t
        x = x + h * (u if old is None else u + h / (2 * before) * (u - old))
        old, before = u, h
    return x


def flow_ancestral(f, x, ts, rng, eta=1.0):
    """Rectified flow: a step below the next level, then noise and a new scale."""
    for t, s in pairs(ts):
        x_0 = x - t * f(x, t)
        down = s * (1 + (s / t - 1) * eta)
        x = down / t * x + (1 - down / t) * x_0
        if s > 0:
            keep = (1 - s) / (1 - down)
            x = keep * x + (s * s - down * down * keep * keep)**0.5 * rng.standard_normal(x.shape)
    return x


def flow_renoised(f, x, ts, rng):
    """x_0 from the velocity, then noised afresh for half of the variance."""
    for t, s in pairs(ts):
        u = f(x, t)
        x_0, eps = x - t * u, x + (1 - t) * u
        g = 0.9 * (1 - (s / t)**2)**0.5
        x = (1 - s) * x_0 + s * (1 - g * g)**0.5 * eps
        if s > 0:
            x = x + s * g * rng.standard_normal(x.shape)
    return x


def consistency(f, x, sigmas, rng):
    """Multistep consistency sampling."""
    for t, s in pairs(sigmas):
        x = f(x, t)
        if s > 0:
            x = x + s * rng.standard_normal(x.shape)
    return x


def edm(F, x, sigmas, rng, d=0.5):
    """Heun on EDM's denoiser, c_skip x + c_out F(c_in x, log(sigma) / 4)."""
    def k(x, t):
        v = t * t + d * d
        return (x - d * d / v * x - t * d / v**0.5 * F(x / v**0.5, np.log(t) / 4)) / t
    for t, s in pairs(sigmas):
        a = k(x, t)
        x = x + (s - t) * (a if s == 0 else (a + k(x + (s - t) * a, s)) / 2)
    return x


def narrow(sampler):
    """The same in float32."""
    return lambda f, x, levels, rng: sampler(
        lambda x, t: f(x, t).astype(np.float32), x.astype(np.float32), levels.astype(np.float32),
        Narrow(rng))


class Narrow:
    def __init__(self, rng):
        self.rng = rng

    def standard_normal(self, shape):
        return self.rng.standard_normal(shape, dtype=np.float32)


def own_noise(sampler, seed=5):
    """The same with noise that nobody watches."""
    rng = np.random.default_rng(seed)
    return lambda f, x, levels, _: sampler(f, x, levels, rng)


def own_table(sampler, make):
    """The same on levels that it makes itself: their number and ends are those given."""
    return lambda f, x, levels, rng: sampler(f, x, make(levels), rng)


def karras(sigmas, rho=7.0):
    u = np.linspace(1, 0, len(sigmas) - 1)
    low = 0.002 * (32 / len(sigmas))**2
    return np.append((low**(1 / rho) + u * (sigmas[0]**(1 / rho) - low**(1 / rho)))**rho, 0.0)


def stacked(sampler):
    """All states as one array, of which the last is the end."""
    return lambda f, x, levels, rng: np.stack([x, sampler(f, x, levels, rng)])


VP, FLOW, UP = {"coordinates": "vp"}, {"coordinates": "flow"}, {"coordinates": "flow-up"}
X0, CONSISTENCY = {"predicts": "x0"}, {"predicts": "consistency"}
ODE = [("Euler", euler, 1), ("Heun", heun, 2), ("midpoint", midpoint, 2), ("Ralston", ralston, 2),
       ("Kutta 3", kutta3, 3), ("RK4", rk4, 4), ("Adams 2", adams(2), 2),
       ("Adams 3", adams(3, rk4), 3), ("Adams 4", adams(4, rk4), 4), ("DPM++ 1", dpmpp_1, 1),
       ("DPM++ 2M", dpmpp_2m, 2), ("DPM++ 2S", dpmpp_2s, 2), ("DPM 2", dpm_2, 2),
       ("DPM++ 3M", dpmpp_3m, 2)]
RIGHT = [(name, s, {"claimed_order": o, "deterministic": True}) for name, s, o in ODE]
RIGHT += [(name + ", float32", narrow(s), {}) for name, s, _ in ODE]
RIGHT += [(name, s, {"claimed_order": 1, "deterministic": False}) for name, s in (
    ("reverse SDE", reverse_sde), ("ancestral", ancestral), ("SDE DPM++", sde_dpmpp),
    ("ancestral, half", lambda *a: ancestral(*a, eta=0.5)), ("two draws", several_draws),
    ("corrected", corrected), ("corrected more", lambda *a: corrected(*a, rate=0.4)))]
RIGHT += [("churn", churn, {}), ("more churn", lambda *a: churn(*a, gamma=0.3), {}),
          ("float32 reverse SDE", narrow(reverse_sde), {}),
          ("float32 ancestral", narrow(ancestral), {}),
          ("stacked Heun", stacked(heun), {}), ("stacked SDE", stacked(reverse_sde), {}),
          ("scaled start", lambda f, x, s, r: heun(f, s[0] * x, s), {"start": "noise"}),
          ("consistency", consistency, CONSISTENCY), ("EDM's F", edm, {"predicts": "F"})]
RIGHT += [(name, s, VP | {"claimed_order": 1}) for name, s in (
    ("DDIM", ddim), ("DDIM 1/2", lambda *a: ddim(*a, eta=0.5)), ("DDPM", ddpm),
    ("DDIM 1", lambda *a: ddim(*a, eta=1.0)), ("DDPM beta", lambda *a: ddpm(*a, variance="beta")))]
RIGHT += [("DDIM x0", ddim_from(lambda x, y, a, b: y), VP | X0),
          ("DDIM v", ddim_from(lambda x, y, a, b: a * x - b * y), VP | {"predicts": "v"}),
          ("DDIM score", ddim_from(lambda x, y, a, b: (x + b * b * y) / a),
           VP | {"predicts": "score"}),
          ("vp 2M", vp_solver_2m, VP | {"claimed_order": 2}),
          ("vp Heun", vp_heun, VP | {"claimed_order": 2})]
for where, o in (("flow", FLOW), ("flow-up", UP)):
    RIGHT += [(f"{where} {name}", s, o | {"claimed_order": p}) for name, s, p in (
        ("Euler", flow_euler, 1), ("midpoint", flow_midpoint, 2), ("RK4", flow_rk4, 4),
        ("AB2", flow_ab2, 2))]
RIGHT += [("flow ancestral", flow_ancestral, FLOW), ("flow renoised", flow_renoised, FLOW),
          ("flow ancestral 1/2", lambda *a: flow_ancestral(*a, eta=0.5), FLOW),
          ("flow float32", narrow(flow_midpoint), FLOW)]
RIGHT += [(f"own noise, {name}", own_noise(s), o) for name, s, o in (
    ("reverse SDE", reverse_sde, {}), ("ancestral", ancestral, {}), ("DDPM", ddpm, VP),
    ("flow ancestral", flow_ancestral, FLOW))]
RIGHT += [(f"own table, {name}", own_table(s, karras), {}) for name, s in (
    ("Heun", heun), ("2M", dpmpp_2m), ("ancestral", ancestral))]
RIGHT += SPELLED
