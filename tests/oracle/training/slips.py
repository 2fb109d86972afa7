"""Planted slips in training steps: name -> (step, code that must be named, keywords of the call).

The first half was written before the engine was finished, the second after. `INVISIBLE` holds what
no run of a training step can show unless the user says what is meant.
"""

import torch
import torch.nn.functional as F

from .styles import column, ddpm, edm, edm_inner, flow, linear_table, ncsn, vp_sde

TABLE = linear_table()


def using(style, **parts):
    """A style with some parts written otherwise."""
    return lambda net, x: style(net, x, **parts)


def detached(net, x):
    """The output is detached from the graph."""
    return ddpm(lambda x_t, t: net(x_t, t).detach() + 0 * torch.ones((), requires_grad=True), x)


def ignores(net, x):
    """The network is called, and its answer is lost."""
    return ddpm(lambda x_t, t: x_t + 0 * net(x_t, t), x)


def two_noises(net, x):
    """Noise is drawn anew for the target."""
    return ddpm(net, x, target=lambda x, eps, a, b: torch.randn_like(x))


def shuffled(net, x):
    """The target's noise is that of the next row."""
    return ddpm(net, x, target=lambda x, eps, a, b: eps.roll(1, 0))


def another_time(net, x):
    """The network is told a time that is drawn anew."""
    return flow(net, x, told=lambda t: torch.rand(len(t)))


def own_input(net, x):
    """The target is the noisy input."""
    return ddpm(net, x, target=lambda x, eps, a, b: a * x + b * eps)


def no_noise(net, x):
    """The network is called at the clean data."""
    t, eps = torch.rand(len(x)), torch.randn_like(x)
    return F.mse_loss(net(x, t), eps)


def in_place(net, x):
    """The data are normalised in place."""
    x *= 2
    x -= 1
    return ddpm(net, x)


def norm(out, y):
    return (out - y).flatten(1).norm(dim=1).mean()


def table_before(net, x):
    """The network is told t, the data have the level of t - 1."""
    return ddpm(net, x, index=lambda t: (t - 1).clamp(min=0))


BEFORE = {
    "signal scaled by alpha_bar": (using(ddpm, scale=lambda ab: ab), "sqrt-missing", {}),
    "noise scaled by 1 - alpha_bar": (using(ddpm, sigma=lambda ab: 1 - ab), "sqrt-missing", {}),
    "both roots missing": (using(ddpm, scale=lambda ab: ab, sigma=lambda ab: 1 - ab),
                           "sqrt-missing", {}),
    "sqrt(alpha_bar) for the noise": (using(ddpm, sigma=lambda ab: ab.sqrt()), "one-minus", {}),
    "noise not scaled": (using(ddpm, sigma=lambda ab: torch.ones_like(ab)), "factor-missing", {}),
    "single steps in place of their product": (
        using(ddpm, table=lambda: 1 - torch.linspace(1e-4, 0.02, 1000)), "not-accumulated", {}),
    "uniform noise": (using(ddpm, noise=torch.rand_like), "wrong-law", {}),
    "noise shared by rows": (using(ddpm, noise=lambda x: torch.randn(1, *x.shape[1:])),
                             "shared-noise", {}),
    "one number of noise per row": (using(ddpm, noise=lambda x: torch.randn(len(x), 1, 1, 1)),
                                    "broadcast", {}),
    "noise drawn twice": (two_noises, "other-noise", {}),
    "detached output": (detached, "detached-gradient", {}),
    "output lost": (ignores, "argument-ignored", {}),
    "target is the input": (own_input, "argument-ignored", {}),
    "noise of another row": (shuffled, "rows-mixed", {}),
    "another time": (another_time, "wrong-level", {}),
    "no noise added": (no_noise, "term-missing", {}),
    "x_0 for a network of eps": (using(ddpm, target=lambda x, eps, a, b: x), "wrong-coordinates",
                                 {"predicts": "eps"}),
    "sign in v": (using(ddpm, target=lambda x, eps, a, b: a * eps + b * x), "sign", {}),
    "scale and sigma exchanged in v": (using(ddpm, target=lambda x, eps, a, b: b * eps - a * x),
                                       "swapped-arguments", {}),
    "sum in a velocity": (using(flow, target=lambda x, eps, t: eps + x), "sign", {}),
    "velocity against the time": (using(flow, target=lambda x, eps, t: x - eps), "sign", {}),
    "data at t = 1, velocity of data at t = 0": (
        using(flow, data_at=1, target=lambda x, eps, t: eps - x), "sign", {}),
    "velocity of a flow on VP": (using(ddpm, target=lambda x, eps, a, b: eps - x),
                                 "path-and-target", {}),
    "score divided by sigma^2": (using(ncsn, target=lambda eps, s: -eps / s**2), "sigma-squared",
                                 {}),
    "score of the wrong sign": (using(ncsn, target=lambda eps, s: eps / s), "sign", {}),
    "variance in place of sigma": (using(ncsn, add=lambda x, eps, s: x + s**2 * eps,
                                         target=lambda eps, s: -eps / s**2,
                                         told=lambda s, i: s), "sigma-squared", {}),
    "a square root missing in the VP SDE": (using(vp_sde, root=False), "sqrt-missing",
                                            {"path": "vp"}),
    "steps off by one": (table_before, "index-shift", {"alpha_bar": TABLE}),
    "min-SNR takes the maximum": (
        using(ddpm, weight=lambda q: q.clamp(min=5) / q), "min-vs-max", {}),
    "length of the error": (using(ddpm, loss=norm), "not-squared", {}),
}

AFTER = {
    "data changed in place": (in_place, "mutates-input", {}),
    "squared twice": (using(ddpm, loss=lambda out, y: ((out - y)**4).mean()), "squared-twice", {}),
    "min-SNR for v plus one": (
        using(ddpm, target=lambda x, eps, a, b: a * eps - b * x,
              weight=lambda q: q.clamp(max=5) / q + 1), "weighting", {}),
    "min-SNR of eps for v": (
        using(ddpm, target=lambda x, eps, a, b: a * eps - b * x,
              weight=lambda q: q.clamp(max=5) / q), "weighting", {}),
    "min-SNR of eps for x_0": (using(ddpm, target=lambda x, eps, a, b: x,
                                     weight=lambda q: q.clamp(max=5) / q), "weighting", {}),
    "EDM's weight with a sum": (using(edm, weight=lambda s, d: (s**2 + d**2) / (s + d)**2),
                                "weighting", {}),
    "EDM's weight not squared": (using(edm, weight=lambda s, d: (s**2 + d**2) / (s * d)),
                                 "weighting", {}),
    "EDM's weight inverted": (using(edm, weight=lambda s, d: (s * d)**2 / (s**2 + d**2)),
                              "weighting", {}),
    "c_in without its root": (using(edm_inner, into=lambda s, d: 1 / (s**2 + d**2)),
                              "sqrt-missing", {}),
    "c_in left out": (using(edm_inner, into=lambda s, d: 1.0), "factor-missing", {}),
    "c_out without its root": (using(edm_inner, out=lambda s, d: s * d / (s**2 + d**2)),
                               "sqrt-missing", {}),
    "c_out without sigma_data": (using(edm_inner, out=lambda s, d: s / (s**2 + d**2).sqrt()),
                                 "factor-missing", {}),
    "c_skip with sigma above": (using(edm_inner, skip=lambda s, d: s**2 / (s**2 + d**2)),
                                "one-minus", {}),
    "c_skip of another sigma_data": (using(edm_inner, skip=lambda s, d: 1 / (s**2 + 1)),
                                     "wrong-factor", {}),
    "sigma told as its variance": (using(edm, told=lambda s: s**2), "sigma-not-squared", {}),
    "level in bfloat16": (using(edm, told=lambda s: s.to(torch.bfloat16)), "low-precision", {}),
    "level rounded to bfloat16": (
        using(flow, told=lambda t: t.to(torch.bfloat16).to(t.dtype)), "low-precision", {}),
    "the same time for all": (using(flow, told=lambda t: torch.full_like(t, 0.5)),
                              "argument-ignored", {}),
    "noise of standard deviation 2": (
        using(ddpm, noise=lambda x: 2 * torch.randn_like(x)), "factor", {}),
    "noise from -1 to 1": (using(ddpm, noise=lambda x: 2 * torch.rand_like(x) - 1), "wrong-law",
                           {}),
    "noise as a product of draws": (
        using(ncsn, noise=lambda x: torch.randn_like(x) * torch.randn_like(x)), "wrong-law", {}),
    "data normalised in the input alone": (
        using(ddpm, target=lambda x, eps, a, b: (x + 1) / 2, clean=lambda x: 2 * x - 1),
        "wrong-coordinates", {}),
    "data scaled in the input alone": (
        lambda net, x: flow(net, 0.18215 * x, target=lambda y, eps, t: eps - x),
        "wrong-coordinates", {}),
    "target divided by sigma where eps is said": (
        using(ddpm, target=lambda x, eps, a, b: eps / b), "factor-extra",
        {"predicts": "eps"}),
    "alpha_bar and 1 - alpha_bar exchanged": (
        using(ddpm, scale=lambda ab: (1 - ab).sqrt(), sigma=lambda ab: ab.sqrt()), "one-minus",
        {"alpha_bar": TABLE}),
    "table in reverse": (using(ddpm, index=lambda t: 999 - t), "reversed", {"alpha_bar": TABLE}),
    "the half of the exponent missing": (using(ddpm, scale=lambda ab: ab,
                                               sigma=lambda ab: (1 - ab**2).sqrt()),
                                         "sqrt-missing", {"alpha_bar": TABLE}),
    "offset noise in the input alone": (
        lambda net, x: offset(net, x), "other-noise", {}),
    "likelihood weight g": (using(vp_sde, likelihood=True, rate=torch.sqrt), "sigma-not-squared",
                            {"weight": "likelihood"}),
    "levels by column": (lambda net, x: by_column(net, x), "broadcast", {"shape": (16,)}),
}


def offset(net, x):
    """Offset noise is added after the target was set."""
    t = torch.rand(len(x))
    eps, shift, tc = torch.randn_like(x), torch.randn(*x.shape[:2], 1, 1), column(t, x)
    return F.mse_loss(net((1 - tc) * x + tc * (eps + 0.1 * shift), t), eps - x)


def by_column(net, x):
    """Levels (B,) against data (B, B)."""
    t, eps = torch.rand(len(x)), torch.randn_like(x)
    return F.mse_loss(net((1 - t) * x + t * eps, t), eps - x)


SLIPS = {**BEFORE, **AFTER}
