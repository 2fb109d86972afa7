"""Wrong samplers that hide: (name, sampler, options of check_sampler, words of the cause or "").

They are right where one usually looks: on small states, on a Gaussian, in the first run, in most
steps, or in the variance of a single draw.
"""

from itertools import pairwise

import numpy as np

from .right import heun
from .spelled import FLOW, VP, churned, flow_heun, langevin, slope


def reverse(noise, drift=1.0):
    """The reverse SDE, its noise made by noise(i, n, rng, shape, last)."""
    def sampler(f, x, sigmas, rng):
        z, n = None, len(sigmas) - 1
        for i, (t, s) in enumerate(pairwise(sigmas)):
            z = noise(i, n, rng, x.shape, z)
            x = x + drift * (t * t - s * s) * f(x, t) + (t * t - s * s)**0.5 * z
        return x
    return sampler


def fresh(rng, shape):
    return rng.standard_normal(shape)


def one_coordinate(f, x, sigmas, rng):
    return heun(f, x, sigmas) * np.array([1.0025, 1.0])


def clipped_far(f, x, sigmas, rng):
    for t, s in pairwise(sigmas):
        x = np.clip(x + (s - t) * slope(f, x, t), -80, 80)
    return x


def x0_steps(change):
    """Euler, with x_0 changed by change(x_0, t, s)."""
    def sampler(f, x, sigmas, rng):
        for t, s in pairwise(sigmas):
            x_0 = change(x + t * t * f(x, t), t, s)
            x = x_0 + s / t * (x - x_0)
        return x
    return sampler


def percentile(x_0, t, s):
    """Thresholds from the whole batch."""
    c = np.quantile(np.abs(x_0), 0.9)
    return np.clip(x_0, -c, c)


def rescaled(x_0, t, s):
    """Guidance rescale, towards a standard deviation of one in each row."""
    d = np.std(x_0, axis=1, keepdims=True)
    return 0.9 * x_0 + 0.1 * x_0 / np.maximum(d, 1e-6)


def horner(f, x, sigmas, rng):
    """x + h f(x + h/2 f(x + h/3 f(x + h/4 f(x)))): of order 4 for what is linear."""
    for t, s in pairwise(sigmas):
        h, y, c = s - t, x, 0.0
        for w in (1 / 4, 1 / 3, 1 / 2, 1.0):
            y, c = x + w * h * slope(f, y, t + c * h), w
        x = y
    return x


def knows_the_gaussian(f, x, sigmas, rng):
    """Right where the score is affine in each row, and a little off where it is not."""
    for t, s in pairwise(sigmas):
        score = f(x, t)
        bend = f(0 * x, t) + f(2 * x, t) - 2 * score
        affine = np.max(np.abs(bend), axis=1, keepdims=True) < 1e-9 * (1 + np.abs(x).max())
        x = x + np.where(affine, 1.0, 1.05) * (t - s) * t * score
    return x


def about_the_mean(noisy):
    """The score made linear about the mean of the data: exact on a Gaussian."""
    mean, e = np.array([[1.0, -0.5]]), 1e-3

    def sampler(f, x, sigmas, rng):
        for t, s in pairwise(sigmas):
            J = np.concatenate([(f(mean + e * v, t) - f(mean - e * v, t)) / (2 * e)
                                for v in np.eye(2)[:, None]])
            score = f(mean, t) + (x - mean) @ J
            q = t * t - s * s
            x = x + (q * score + q**0.5 * fresh(rng, x.shape) if noisy else (t - s) * t * score)
        return x
    return sampler


def skips_hard_rows(f, x, sigmas, rng):
    """Ancestral steps without their noise where the score bends."""
    for t, s in pairwise(sigmas):
        score = f(x, t)
        bend = f(0 * x, t) + f(2 * x, t) - 2 * score
        hard = np.max(np.abs(bend), axis=1, keepdims=True) > 1e-6 * (1 + np.abs(x).max())
        z = s / t * (t * t - s * s)**0.5 * fresh(rng, x.shape)
        x = x + (t * t - s * s) * score + np.where(hard, 0.8, 1.0) * z
    return x


class Remembers:
    """Adams-Bashforth 2 whose last slope lives on into the next run."""

    def __init__(self):
        self.old, self.before = None, 1.0

    def __call__(self, f, x, sigmas, rng):
        for t, s in pairwise(sigmas):
            k, h = slope(f, x, t), s - t
            old = k if self.old is None or self.old.shape != k.shape else self.old
            x = x + h * (k + h / (2 * self.before) * (k - old))
            self.old, self.before = k, h
        return x


class Warms:
    """Doubled noise in its first two runs."""

    def __init__(self):
        self.runs = 0

    def __call__(self, f, x, sigmas, rng):
        self.runs += 1
        factor = 2.0 if self.runs < 3 else 1.0
        return heun(f, factor * x, sigmas)


def flipped(i, n, rng, shape, last):
    """Signs chosen for the whole batch, so that its mean is positive."""
    z = fresh(rng, shape)
    return z * np.sign(np.mean(z[:, 0]) + 1e-30)


def unraised(f, x, sigmas, rng):
    """Churn that adds noise and leaves the level as it was."""
    for t, s in pairwise(sigmas):
        g = 0.3 * (1 - s / t)
        x = x + t * ((1 + g)**2 - 1)**0.5 * fresh(rng, x.shape)
        x = x + (s - t) * slope(f, x, t)
    return x


def shrinking(f, x, sigmas, rng):
    for t, s in pairwise(sigmas):
        x = 0.9999 * (x + (s - t) * slope(f, x, t))
    return x


def flow_sde_wrong(f, x, ts, rng):
    """g^2 of the score where g^2 / 2 is right."""
    for t, s in pairwise(ts):
        u, h = f(x, t), t - s
        x = x - h * u - h * (x + (1 - t) * u) + (h * t)**0.5 * fresh(rng, x.shape)
    return x


def vp_half_score(f, x, alpha_bar, rng):
    """The reverse SDE of vp with the drift of its flow."""
    for t, s in pairwise(alpha_bar[::-1]):
        b = np.log(s / t)
        x = x + b / 2 * (x + f(x, t)) + b**0.5 * fresh(rng, x.shape)
    return x


def vp_floor(f, x, alpha_bar, rng):
    """DDPM whose variance is never below 1e-3."""
    for t, s in pairwise(alpha_bar[::-1]):
        a = t / s
        var = max((1 - a) * (1 - s) / (1 - t), 1e-3)
        x = (x - (1 - a) / (1 - t)**0.5 * f(x, t)) / a**0.5 + var**0.5 * fresh(rng, x.shape)
    return x


def added_up(f, x, sigmas, rng):
    """Levels added up in half precision, so that they end elsewhere."""
    t = np.float16(sigmas[0])
    for h in np.diff(sigmas):
        s = np.float16(t + np.float16(h))
        x = x + (float(s) - float(t)) * slope(f, x, float(t) + 1e-6)
        t = s
    return x


def in_chunks(f, x, sigmas, rng):
    """Rows in chunks of 48, which all get the noise of the first."""
    ends = []
    draws = [fresh(rng, x.shape)[:48] for _ in sigmas[1:]]
    for i in range(0, len(x), 48):
        y = x[i:i + 48]
        for z, (t, s) in zip(draws, pairwise(sigmas)):
            y = y + (t * t - s * s) * f(y, t) + (t * t - s * s)**0.5 * z[:len(y)]
        ends.append(y)
    return np.concatenate(ends)


def half_noise(f, x, step, n, rng):
    for _ in range(n):
        x = x + 0.5 * step * f(x) + (0.5 * step)**0.5 * fresh(rng, x.shape)
    return x


HIDDEN = [
    ("one coordinate times 1.0025", one_coordinate, {}, "covariance tends to"),
    ("states clipped at 80", clipped_far, {}, "clip"),
    ("one draw for all steps", reverse(lambda i, n, rng, shape, z: fresh(rng, shape) if i == 0
                                       else z), {}, "diverges"),
    ("one draw for two steps", reverse(lambda i, n, rng, shape, z: fresh(rng, shape)
                                       if i % 2 == 0 else z), {}, "noise is too large"),
    ("noise that turns round", reverse(lambda i, n, rng, shape, z: fresh(rng, shape)
                                       if i % 2 == 0 else -0.3 * z), {}, "noise"),
    ("noise that remembers", reverse(lambda i, n, rng, shape, z: fresh(rng, shape) if i == 0 else
                                     0.3 * z + 0.91**0.5 * fresh(rng, shape)), {},
     "noise is too large"),
    ("noise of random size", reverse(lambda i, n, rng, shape, z: fresh(rng, shape)
                                     * (1 + 0.2 * fresh(rng, shape))), {}, "product of draws"),
    ("noise that grows", reverse(lambda i, n, rng, shape, z: (1 + 0.05 * i / n)
                                 * fresh(rng, shape)), {}, "noise"),
    ("score x 0.995", reverse(lambda i, n, rng, shape, z: fresh(rng, shape), 0.995), {},
     "for its drift"),
    ("x_0 clipped in the last step", x0_steps(lambda x_0, t, s: x_0 if s > 0 else
                                              np.clip(x_0, -1, 1)), {}, "clip"),
    ("x_0 clipped below 1/2", x0_steps(lambda x_0, t, s: np.clip(x_0, -2, 2) if t < 0.5 else x_0),
     {}, "clip"),
    ("thresholds of the batch", x0_steps(percentile), {}, "other rows"),
    ("guidance rescale", x0_steps(rescaled), {}, "not affine"),
    ("Horner's method", horner, {"claimed_order": 4}, "order"),
    ("knows the Gaussian", knows_the_gaussian, {}, "mixture"),
    ("linear about the mean", about_the_mean(False), {}, "mixture"),
    ("linear about the mean, noisy", about_the_mean(True), {}, "mixture"),
    ("less noise where the score bends", skips_hard_rows, {}, "mixture"),
    ("slopes kept between runs", Remembers(), {"claimed_order": 2}, "from one run to the next"),
    ("other in its first runs", Warms(), {}, "from one run to the next"),
    ("signs of the batch", reverse(flipped), {}, "other rows"),
    ("churn, noise x 1.05", lambda *a: churned(*a, noise=1.05), {}, "noise is too large"),
    ("churn at the old level", unraised, {}, "takes no noise, but adds"),
    ("shrinking", shrinking, {}, "diverges"),
    ("flow SDE, g^2 of the score", flow_sde_wrong, FLOW, "noise is too small"),
    ("vp SDE, half of the score", vp_half_score, VP | {"predicts": "score"}, "probability flow"),
    ("DDPM with a floor", vp_floor, VP, "diverges"), ("levels added up in half", added_up, {}, ""),
    ("chunks share their noise", in_chunks, {}, "kurtosis"),
    ("flow Heun as order 3", flow_heun, FLOW | {"claimed_order": 3}, "order"),
    ("Langevin, half of the noise", half_noise, {"kind": "langevin"}, "noise is too small"),
    ("Langevin, clipped", lambda f, x, a, n, rng: [np.clip(y, -6, 6) for y in langevin(
        f, x, a, n, rng)], {"kind": "langevin"}, "clip")]
