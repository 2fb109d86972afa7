"""Right samplers in other spellings: (name, sampler, options of check_sampler).

Objects, generators, buffers, calls with a level for every row, methods of other families.
"""

from itertools import pairwise

import numpy as np
from scipy.integrate import solve_ivp


def slope(f, x, t):
    """dx / d sigma of the probability flow in ve."""
    return -t * f(x, t)


class Euler:
    """A sampler with its settings in an object, and a step of its own."""

    def __init__(self, order=1):
        self.order = order

    def step(self, f, x, t, s):
        k = slope(f, x, t)
        if self.order == 2:
            m = 0.5 * (t + s)
            k = slope(f, x + (m - t) * k, m)
        return x + (s - t) * k

    def __call__(self, f, x, sigmas, rng):
        self.x = x
        for i in range(len(sigmas) - 1):
            self.x = self.step(f, self.x, sigmas[i], sigmas[i + 1])
        return self.x


def generator(f, x, sigmas, rng):
    """States as they come."""
    for t, s in pairwise(sigmas):
        g = (t * t - s * s)**0.5
        x = x + g * g * f(x, t) + rng.normal(0.0, g, size=x.shape)
        yield x


def listed(f, x, sigmas, rng):
    """All states in a list."""
    states = [x]
    for t, s in pairwise(sigmas):
        states.append(states[-1] + (s - t) * slope(f, states[-1], t))
    return states


def in_place(f, x, sigmas, rng):
    """The start is the buffer."""
    for t, s in pairwise(sigmas):
        x += (s - t) * slope(f, x, t)
    return x


def in_buffers(f, x, sigmas, rng):
    """Ancestral steps in arrays that are used again."""
    x, noise, moved = x.copy(), np.empty_like(x), np.empty_like(x)
    for t, s in pairwise(sigmas):
        np.multiply(f(x, t), t * t - s * s, out=moved)
        np.add(x, moved, out=x)
        if s > 0:
            noise[...] = rng.standard_normal(x.shape)
            noise *= s * (1 - s * s / (t * t))**0.5
            x += noise
    return x


def with_rows(f, x, sigmas, rng):
    """k-diffusion's form: a level for every row, and the denoiser."""
    ones, old = np.ones(len(x)), None
    for i in range(len(sigmas) - 1):
        d = f(x, sigmas[i] * ones)
        if old is None or sigmas[i + 1] == 0:
            use = d
        else:
            h, last = np.log(sigmas[i] / sigmas[i + 1]), np.log(sigmas[i - 1] / sigmas[i])
            use = (1 + h / (2 * last)) * d - h / (2 * last) * old
        x = sigmas[i + 1] / sigmas[i] * x + (1 - sigmas[i + 1] / sigmas[i]) * use
        old = d
    return x


def from_betas(f, x, alpha_bar, rng):
    """DDPM from its betas, with q's coefficients, and no noise in the last step."""
    betas = 1 - alpha_bar[1:] / alpha_bar[:-1]
    for i in reversed(range(len(betas))):
        now, before = alpha_bar[i + 1], alpha_bar[i]
        x_0 = x * now**-0.5 - (1 / now - 1)**0.5 * f(x, now * np.ones((len(x), 1)))
        mean = (betas[i] * before**0.5 * x_0 + (1 - before) * (1 - betas[i])**0.5 * x) / (1 - now)
        x = mean
        if i > 0:
            x = x + (betas[i] * (1 - before) / (1 - now))**0.5 * rng.standard_normal(x.shape)
    return x


def vp_euler_maruyama(f, x, alpha_bar, rng):
    """The reverse SDE of vp, with the integral of beta over a step."""
    for t, s in pairwise(alpha_bar[::-1]):
        b = np.log(s / t)
        x = x + b / 2 * x + b * f(x, t) + b**0.5 * rng.standard_normal(x.shape)
    return x


def vp_flow(f, x, alpha_bar, rng):
    """Euler for the probability flow of vp in log alpha_bar."""
    for t, s in pairwise(alpha_bar[::-1]):
        x = x + np.log(s / t) / 2 * (x + f(x, t))
    return x


def flow_sde(f, x, ts, rng):
    """An SDE with the marginals of the straight line: g^2 / 2 of the score beside the velocity."""
    for t, s in pairwise(ts):
        u, h = f(x, t), t - s
        score = -(x + (1 - t) * u) / t                                   # -E[eps | x] / t
        x = x - h * u + h * t / 2 * score + (h * t)**0.5 * rng.standard_normal(x.shape)
    return x


def flow_heun(f, x, ts, rng):
    """Heun in whichever direction time runs."""
    for t, s in pairwise(ts):
        k = f(x, t)
        x = x + (s - t) / 2 * (k + f(x + (s - t) * k, s))
    return x


def exponential_rk2(f, x, sigmas, rng):
    """Exponential Runge-Kutta of order 2 in lambda = -log sigma, c_2 = 1/2, on the denoiser."""
    for t, s in pairwise(sigmas):
        d = x + t * t * f(x, t)
        if s == 0:
            return d
        m, h = (t * s)**0.5, np.log(t / s)
        y = m / t * x + (1 - m / t) * d
        phi_1, phi_2 = -np.expm1(-h), (h + np.expm1(-h)) / h
        x = s / t * x + phi_1 * d + 2 * phi_2 * (y + m * m * f(y, m) - d)
    return x


def pece(f, x, sigmas, rng):
    """Adams-Bashforth 2 predicts, Adams-Moulton 2 corrects, and the slope is taken again."""
    k, old, before = slope(f, x, sigmas[0]), None, None
    for t, s in pairwise(sigmas):
        h = s - t
        y = x + h * (k if old is None else k + h / (2 * before) * (k - old))
        x = x + h / 2 * (k + slope(f, y, s))
        k, old, before = slope(f, x, s), k, h
    return x


def implicit(f, x, sigmas, rng):
    """The trapezoid, solved by four rounds of substitution."""
    for t, s in pairwise(sigmas):
        k, y = slope(f, x, t), x
        for _ in range(4):
            y = x + (s - t) / 2 * (k + slope(f, y, s))
        x = y
    return x


def extrapolated(f, x, sigmas, rng):
    """Two half steps of Euler, twice, less a whole one."""
    for t, s in pairwise(sigmas):
        m = (t + s) / 2
        whole = x + (s - t) * slope(f, x, t)
        half = x + (m - t) * slope(f, x, t)
        x = 2 * (half + (s - m) * slope(f, half, m)) - whole
    return x


def bogacki_shampine(f, x, sigmas, rng):
    """Order 3, whose last stage would be the next step's first."""
    for t, s in pairwise(sigmas):
        h, a = s - t, slope(f, x, t)
        b = slope(f, x + h / 2 * a, t + h / 2)
        c = slope(f, x + 3 * h / 4 * b, t + 3 * h / 4)
        x = x + h * (2 * a + 3 * b + 4 * c) / 9
    return x


def three_eighths(f, x, sigmas, rng):
    """Kutta's other method of order 4."""
    for t, s in pairwise(sigmas):
        h, a = s - t, slope(f, x, t)
        b = slope(f, x + h / 3 * a, t + h / 3)
        c = slope(f, x + h * (b - a / 3), t + 2 * h / 3)
        x = x + h / 8 * (a + 3 * b + 3 * c + slope(f, x + h * (a - b + c), s))
    return x


def two_points(f, x, sigmas, rng):
    """The weak Euler scheme, whose noise is plus or minus one."""
    for t, s in pairwise(sigmas):
        g = (t * t - s * s)**0.5
        x = x + g * g * f(x, t) + g * np.sign(rng.standard_normal(x.shape))
    return x


def weak_trapezoid(f, x, sigmas, rng):
    """The reverse SDE with the mean of both drifts, over the same noise."""
    for t, s in pairwise(sigmas):
        q = t * t - s * s
        moved = x + q**0.5 * rng.standard_normal(x.shape)
        a = f(x, t)
        x = moved + q / 2 * (a + f(moved + q * a, s))
    return x


def adaptive(f, x, sigmas, rng):
    """scipy's solver with steps of its own, as in score_sde."""
    found = solve_ivp(lambda t, y: slope(f, y.reshape(x.shape), t).ravel(),
                      (sigmas[0], max(sigmas[-1], 1e-5)), x.ravel(), rtol=1e-5, atol=1e-5)
    return found.y[:, -1].reshape(x.shape)


def proposed(f, x, s, rng):
    """A Langevin step of size s^2 / 2, the rise of log q_s, and -log of the step back and there."""
    a, z = 0.5 * s * s, rng.standard_normal(x.shape)
    y = x + a / 2 * f(x, s) + a**0.5 * z
    rise = np.sum((y - x) * (f(x, s) + f(y, s)) / 2, axis=1, keepdims=True)
    back = np.sum((x - y - a / 2 * f(y, s))**2, axis=1, keepdims=True) / (2 * a)
    return y, rise, back, np.sum(z * z, axis=1, keepdims=True) / 2


def metropolis(f, x, sigmas, rng):
    """Ancestral steps, each followed by Langevin dynamics that is accepted or not.

    The ratio is exact where the score is affine: the rise of the density is a mean of scores.
    """
    for t, s in pairwise(sigmas):
        x = x + (t*t - s*s) * f(x, t) + s / t * (t*t - s*s)**0.5 * rng.standard_normal(x.shape)
        if s == 0:
            break
        y, rise, back, there = proposed(f, x, s, rng)
        u = np.sum(rng.standard_normal(x.shape)**2, axis=1, keepdims=True) / 2      # exponential
        x = np.where(-u < rise - back + there, y, x)
    return x


def churned(f, x, sigmas, rng, noise=1.0):
    """EDM's stochastic sampler with its own formula for gamma, in a range of levels."""
    n = len(sigmas) - 1
    for t, s in pairwise(sigmas):
        gamma = min(4.0 / n, 2**0.5 - 1) if 0.05 < t < 8 else 0.0
        hat = t + gamma * t
        x = x + noise * (hat * hat - t * t)**0.5 * rng.standard_normal(x.shape)
        k = slope(f, x, hat)
        y = x + (s - hat) * k
        x = y if s == 0 else x + (s - hat) * 0.5 * (k + slope(f, y, s))
    return x


def langevin(f, x, step, n, rng):
    """Langevin dynamics as a generator."""
    for _ in range(n):
        x = x + 0.5 * step * f(x) + step**0.5 * rng.standard_normal(x.shape)
        yield x


VP, FLOW, UP = {"coordinates": "vp"}, {"coordinates": "flow"}, {"coordinates": "flow-up"}
ORDER_1, ORDER_2 = {"claimed_order": 1}, {"claimed_order": 2, "deterministic": True}
SPELLED = [("an object", Euler(), ORDER_1), ("an object of order 2", Euler(2), ORDER_2),
           ("a generator", generator, ORDER_1), ("a list of states", listed, ORDER_1),
           ("in place", in_place, ORDER_1), ("in buffers", in_buffers, ORDER_1),
           ("levels in rows", with_rows, {"predicts": "x0"} | ORDER_2),
           ("from betas", from_betas, VP | ORDER_1),
           ("vp Euler-Maruyama", vp_euler_maruyama, VP | {"predicts": "score"}),
           ("vp flow in logs", vp_flow, VP | {"predicts": "score"}),
           ("flow SDE", flow_sde, FLOW | {"deterministic": False}),
           ("flow Heun", flow_heun, FLOW | ORDER_2), ("flow-up Heun", flow_heun, UP | ORDER_2),
           ("exponential Runge-Kutta", exponential_rk2, ORDER_2), ("PECE", pece, ORDER_2),
           ("implicit trapezoid", implicit, ORDER_2), ("extrapolated", extrapolated, ORDER_2),
           ("Bogacki-Shampine", bogacki_shampine, {"claimed_order": 3}),
           ("three eighths", three_eighths, {"claimed_order": 4}),
           ("two-point noise", two_points, {}),
           ("trapezoid of the SDE", weak_trapezoid, {}), ("adaptive", adaptive, {}),
           ("Metropolis", metropolis, {}), ("EDM's churn", churned, {}),
           ("Langevin", langevin, {"kind": "langevin"})]
