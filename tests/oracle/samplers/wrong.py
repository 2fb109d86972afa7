"""Samplers that are wrong: (name, sampler, options of check_sampler, words of the cause or "").

Each is a right one with one slip. What is said of the law of all of them holds for any number of
steps: none tends to the data, or its order is below the one that is claimed.
"""

import numpy as np

from tests.oracle.samplers.hidden import HIDDEN
from tests.oracle.samplers.right import (FLOW, UP, VP, ddim, ddpm, dpmpp_2m, euler,
                                         flow_ancestral, flow_euler, heun, narrow, own_noise,
                                         pairs, reverse_sde)
from tests.oracle.samplers.spelled import proposed


def clipped(sampler, c):
    """States clipped at every call of the model and at the end."""
    def wrong(f, x, levels, rng):
        for a, b in pairs(levels):
            x = np.clip(sampler(f, x, np.array([a, b]), rng), -c, c)
        return x
    return wrong


def x0_changed(change, noise=0.0):
    """Euler, or ancestral steps, with x_0 changed before it is used."""
    def wrong(f, x, sigmas, rng):
        for t, s in pairs(sigmas):
            x_0 = change(x + t * t * f(x, t))
            if noise and s > 0:
                x = x_0 + (s / t)**2 * (x - x_0) + s / t * (t*t - s*s)**0.5 * rng.standard_normal(
                    x.shape)
            else:
                x = x_0 + s / t * (x - x_0)
        return x
    return wrong


def dynamic(x_0, p=0.995):
    """Dynamic thresholding."""
    s = np.maximum(1.0, np.quantile(np.abs(x_0), p, axis=1, keepdims=True))
    return np.clip(x_0, -s, s) / s


def normalised(x_0):
    return x_0 / np.std(x_0, axis=0, keepdims=True) if len(x_0) > 1 else x_0


def scaled(q):
    """The reverse SDE with its noise times q(i / n)."""
    def wrong(f, x, sigmas, rng):
        n = len(sigmas) - 1
        for i, (t, s) in enumerate(pairs(sigmas)):
            g = (t*t - s*s)**0.5
            x = x + g * g * f(x, t) + q(i, n) * g * rng.standard_normal(x.shape)
        return x
    return wrong


def ancestral(q=1.0, swap=False, drift=1.0, tail=0.0):
    def wrong(f, x, sigmas, rng):
        n = len(sigmas) - 1
        for i, (t, s) in enumerate(pairs(sigmas)):
            up = s / t * (t*t - s*s)**0.5 if not swap else (t*t - s*s)**0.5
            x = x + drift * (t*t - s*s) * f(x, t)
            if s > 0 and i < n * (1 - tail):
                x = x + q * up * rng.standard_normal(x.shape)
        return x
    return wrong


def vp_noise(q):
    def wrong(f, x, alpha_bar, rng):
        n = len(alpha_bar) - 1
        for i, (t, s) in enumerate(pairs(alpha_bar[::-1])):
            a, z = t / s, rng.standard_normal(x.shape)
            var = (1 - s) / (1 - t) * (1 - a)
            x = (x - (1 - a) / (1 - t)**0.5 * f(x, t)) / a**0.5 + q(i, n) * var**0.5 * z
        return x
    return wrong


def vp_clipped(c):
    def wrong(f, x, alpha_bar, rng):
        for t, s in pairs(alpha_bar[::-1]):
            a = t / s
            x_0 = np.clip((x - (1 - t)**0.5 * f(x, t)) / t**0.5, -c, c)
            mean = (a**0.5 * (1 - s) * x + s**0.5 * (1 - a) * x_0) / (1 - t)
            x = mean + ((1 - s) / (1 - t) * (1 - a))**0.5 * rng.standard_normal(x.shape)
        return x
    return wrong


def moved(sampler, by):
    return lambda f, x, levels, rng: sampler(f, x, levels, rng) + by


def stretched(sampler, by):
    return lambda f, x, levels, rng: sampler(f, x, levels, rng) * by


def coupled(f, x, sigmas, rng):
    """Noise scaled by the norm of the whole batch, and lacking a root of two."""
    for t, s in pairs(sigmas):
        x = x + (t*t - s*s) * f(x, t) + s / t * (t*t - s*s)**0.5 * rng.standard_normal(x.shape)
        if s > 0:
            z, g = rng.standard_normal(x.shape), f(x, s)
            a = 2 * (0.16 * np.mean(np.linalg.norm(z, axis=1) + 1e-9)
                     / (np.mean(np.linalg.norm(g, axis=1)) + 1e-9))**2
            x = x + a * g + a**0.5 * z
    return x


def batch_mean(f, x, sigmas, rng):
    x = heun(f, x, sigmas)
    return x - 0.3 * np.mean(x, axis=0)


def product(f, x, sigmas, rng):
    """Noise times noise."""
    for t, s in pairs(sigmas):
        g = (t*t - s*s)**0.5
        x = x + g * g * f(x, t) + g * rng.standard_normal(x.shape) * rng.standard_normal(x.shape)
    return x


def accepted(turned):
    """Ancestral steps, each followed by a Langevin step that is accepted or not, the wrong way."""
    def wrong(f, x, sigmas, rng):
        for t, s in pairs(sigmas):
            x = x + (t*t - s*s) * f(x, t) + s / t * (t*t - s*s)**0.5 * rng.standard_normal(x.shape)
            if s == 0:
                break
            y, rise, back, there = proposed(f, x, s, rng)
            ratio = rise + turned * (there - back)
            x = np.where(np.log(0.5 + 0.5 * np.tanh(rng.standard_normal(x.shape)[:, :1])) < ratio,
                         y, x)
        return x
    return wrong


def rewritten(change):
    """A sampler that writes into the levels that it was given."""
    def wrong(f, x, levels, rng):
        change(levels)
        return euler(f, x, levels)
    return wrong


def nothing(levels):
    levels[:] = levels[0]


def ends_early(levels):
    levels[-1] = 0.1


def shifted(levels):
    levels[:-1] = levels[1:]


def multistep(weights):
    """Adams-Bashforth 2 with other weights of the last slope and the one before."""
    def wrong(f, x, sigmas, rng):
        old = before = None
        for t, s in pairs(sigmas):
            k, h = -t * f(x, t), s - t
            a, b = (1, 0) if old is None else weights(h, before)
            x = x + h * (a * k + (b * old if b else 0))
            old, before = k, h
        return x
    return wrong


def dpmpp_wrong(weight):
    """DPM++ 2M with another weight of the difference."""
    def wrong(f, x, sigmas, rng):
        old = before = None
        for t, s in pairs(sigmas):
            d = x + t * t * f(x, t)
            use = d
            if old is not None and s > 0:
                r = np.log(float(before / t)) / np.log(float(t / s))
                use = d + weight(r) * (d - old)
            x = s / t * x + (1 - s / t) * use
            old, before = d, t
        return x
    return wrong


def last_step(change):
    """Heun down to the last level above zero, then another last step."""
    return lambda f, x, sigmas, rng: change(f, heun(f, x, sigmas[:-1]), sigmas[-2], rng)


def heun_wrong(kind):
    def wrong(f, x, sigmas, rng):
        for t, s in pairs(sigmas):
            k = -t * f(x, t)
            y = x + (s - t) * k
            if kind == "level":                                  # the second slope at the old level
                x = x + (s - t) / 2 * (k - t * f(y, t))
            elif kind == "divided":
                x = x + (s - t) / 2 * (k - s * s / t * f(y, s))
            else:                                                # the slope at the old state
                x = x + (s - t) / 2 * (k - s * f(x, s))
        return x
    return wrong


def flow_wrong(kind):
    def wrong(f, x, ts, rng):
        for t, s in pairs(ts):
            u = f(x, t)
            x_0, eps = x - t * u, x + (1 - t) * u
            if kind == "ve":                                     # ve's ancestral step on the line
                up = s / t * max(t*t - s*s, 0)**0.5
                down = (s * s - up * up)**0.5
                x = x + u * (down - t)
                x = x + (up * rng.standard_normal(x.shape) if s > 0 else 0)
            elif kind == "variance":
                x = (1 - s) * x_0 + s * (0.5 * eps + 0.5 * rng.standard_normal(x.shape))
            elif kind == "eps":
                x = (1 - s) * x_0 + s * 1.01 * eps
            else:
                x = x + (s - t) * u * kind
        return x
    return wrong


class Zero:
    def standard_normal(self, shape):
        return np.zeros(shape)


class Twice:
    def __init__(self, rng):
        self.rng = rng

    def standard_normal(self, shape):
        return 2 * self.rng.standard_normal(shape)


W = [(f"Euler, states clipped at {c}", clipped(euler, c), {}, "clip") for c in (2, 3, 5, 10, 20)]
W += [(f"reverse SDE, states clipped at {c}", clipped(reverse_sde, c), {}, "clip")
      for c in (5, 40)]
W += [(f"x_0 clipped at {c}", x0_changed(lambda x, c=c: np.clip(x, -c, c)), {}, "clip")
      for c in (1, 1.5, 2, 3, 4)]
W += [(f"ancestral, x_0 clipped at {c}", x0_changed(lambda x, c=c: np.clip(x, -c, c), 1), {},
       "clip") for c in (1.5, 2.5)]
W += [(f"DDPM, x_0 clipped at {c}", vp_clipped(c), VP, "clip") for c in (1, 1.5, 3)]
W += [("dynamic thresholding", x0_changed(dynamic), {}, "clips"),
      ("x_0 clamped softly", x0_changed(lambda x: 3 * np.tanh(x / 3)), {}, "clip"),
      ("x_0 normalised by the batch", x0_changed(normalised), {}, "not finite")]
W += [(f"noise x {q}", scaled(lambda i, n, q=q: q), {}, "noise is too")
      for q in (0.9, 0.99, 0.9975, 1.0025, 1.005, 1.01, 1.02, 1.1)]
W += [(f"ancestral, noise x {q}", ancestral(q), {}, "noise is too")
      for q in (0.5, 0.995, 1.0025, 1.005, 1.01, 1.02, 1.05)]
W += [(f"DDPM, noise x {q}", vp_noise(lambda i, n, q=q: q), VP, "noise is too")
      for q in (0.995, 1.005, 1.02)]
W += [("no noise in the last tenth", scaled(lambda i, n: i < 0.9 * n), {}, "no noise"),
      ("no noise in the first tenth", scaled(lambda i, n: i > 0.1 * n), {},
       "adds no noise"),
      ("ancestral, no noise in the last tenth", ancestral(tail=0.1), {}, "no noise"),
      ("noise doubled in the middle tenth",
       scaled(lambda i, n: 2 if 0.45 * n < i < 0.55 * n else 1), {}, "variance of its noise"),
      ("noise missing in every other step", scaled(lambda i, n: i % 2), {}, "adds no noise"),
      ("DDPM, noise missing in the last fifth", vp_noise(lambda i, n: i < 0.8 * n), VP, "no noise"),
      ("DDPM, noise doubled in a tenth",
       vp_noise(lambda i, n: 2 if 0.6 * n < i < 0.7 * n else 1), VP, "variance of its noise"),
      ("sqrt of the variance's root", vp_noise(lambda i, n: 1.2), VP, "noise is too large"),
      ("drift of the flow, noise of the SDE", ancestral(drift=0.5), {},
       "drift of the probability flow"),
      ("drift doubled", ancestral(drift=2.0, swap=True), {}, "score term"),
      ("drift x 1.01", ancestral(drift=1.01, swap=True), {}, "for its drift")]
W += [(f"{name} moved by {by}", moved(s, by), {}, "mean tends to") for name, s, by in (
    ("Euler", euler, 1e-4), ("Heun", heun, 1e-5), ("SDE", reverse_sde, 1e-3))]
W += [(f"{name} times {by}", stretched(s, by), o, "in its last step") for name, s, by, o in (
    ("Euler", euler, 1.0025, {}), ("Heun", heun, 0.9975, {}), ("DDIM", ddim, 1.0025, VP),
    ("flow Euler", flow_euler, 1.0025, FLOW), ("flow-up Euler", flow_euler, 0.9975, UP),
    ("2M", dpmpp_2m, 1.005, {}))]
W += [("coupled corrector", coupled, {}, "depend on the other rows"),
      ("mean of the batch", batch_mean, {}, "depend on the other rows"),
      ("product noise", product, {}, "product of draws"),
      ("acceptance turned round", accepted(-1), {}, "accepts and rejects"),
      ("acceptance without proposals", accepted(0), {}, "accepts and rejects")]
W += [("levels made one", rewritten(nothing), {}, "changes the array of levels"),
      ("last level raised", rewritten(ends_early), {}, "changes the array of levels"),
      ("levels shifted", rewritten(shifted), {}, "changes the array of levels")]
TWO = {"claimed_order": 2}
W += [("AB2 with weights for even steps", multistep(lambda h, g: (1.5, -0.5)), TWO, "order"),
      ("AB2, weights of sum 1.1", multistep(lambda h, g: (1.5, -0.4)), {}, "score term is 1.1"),
      ("AB2, sign", multistep(lambda h, g: (0.5, 0.5)), TWO, "order"),
      ("2M without 1 / r", dpmpp_wrong(lambda r: 0.25), TWO, "order"),
      ("2M, r", dpmpp_wrong(lambda r: r), TWO, "order"),
      ("2M, sign", dpmpp_wrong(lambda r: -1 / (2 * r)), TWO, "order"),
      ("Heun at the old level", heun_wrong("level"), TWO, "order"),
      ("Heun divided by the old level", heun_wrong("divided"), TWO, "order"),
      ("Heun at the old state", heun_wrong("state"), TWO, "order"),
      ("float32 Euler as order 2", narrow(euler), TWO, "order")]
W += [("noise after the end", last_step(lambda f, x, t, rng: x + 0.07 * rng.standard_normal(
        x.shape)), {}, "last step"),
      ("last step twice", last_step(lambda f, x, t, rng: x * 1.01), {}, "in its last step"),
      ("end rounded to integers", last_step(lambda f, x, t, rng: np.round(x)), {}, "")]
W += [("ve's ancestral step on the line", flow_wrong("ve"), FLOW, ""),
      ("weights add, not variances", flow_wrong("variance"), FLOW, "noise is too small"),
      ("eps x 1.01", flow_wrong("eps"), FLOW, ""),
      ("velocity x 0.99", flow_wrong(0.99), FLOW, ""),
      ("velocity, sign", flow_wrong(-1), FLOW, "sign of the score"),
      ("flow-up velocity x 1.01", flow_wrong(1.01), UP, ""),
      ("flow-up velocity, sign", flow_wrong(-1), UP, "sign of the score")]
W += [("own noise, x 1.15", own_noise(scaled(lambda i, n: 1.15)), {}, "noise is too large"),
      ("own noise, x 0.85", own_noise(scaled(lambda i, n: 0.85)), {}, "noise is too small"),
      ("own noise, DDPM x 1.2", own_noise(vp_noise(lambda i, n: 1.2)), VP, "noise is too large"),
      ("own noise, x_0 clipped", own_noise(vp_clipped(1.5)), VP, ""),
      ("own noise, none in the last fifth", own_noise(ancestral(tail=0.2)), {}, ""),
      ("own noise, product", own_noise(product), {}, "kurtosis"),
      ("own noise, no noise in the drift", own_noise(scaled(lambda i, n: 0.0)), {}, "no noise")]


def ve_ancestral_on_a_flow(f, x, ts, rng, eta=1.0):
    """Comfy-Org/ComfyUI PR 9444, leejet/stable-diffusion.cpp PR 1363: ve's split, no new scale."""
    for t, s in pairs(ts):
        up = min(s, eta * s * (1 - s * s / (t * t))**0.5)
        x = x + f(x, t) * ((s * s - up * up)**0.5 - t)
        if s > 0:
            x = x + up * rng.standard_normal(x.shape)
    return x


WRONG = [*W, *HIDDEN,
         ("ve's ancestral step on a flow", ve_ancestral_on_a_flow, FLOW, "lacks the scale"),
         ("DDPM's mean for DDIM", lambda f, x, a, r: ddpm(f, x, a, Zero()), VP, "no noise"),
         ("flow ancestral, no new scale",
          lambda f, x, t, r: flow_ancestral(f, x, t, Twice(r)), FLOW, "noise is too large")]
