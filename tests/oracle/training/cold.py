"""Slips and right steps that were written after the engine, all at once, before any was run.

    COLD_SLIPS  name -> (step, framework, codes that name it, keywords of the call)
    COLD_RIGHT  name -> (step, framework, keywords, what is said of the target)

What was caught and named in the first run stands in docs/training.md; what was missed then has
been mended by its kind, and is in the lists as it was.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F


def rows(a, x):
    return a.reshape(-1, *[1] * (x.ndim - 1))


def cosine_vp(u):
    """scale and sigma of the cosine path at u in (0, 1)."""
    return torch.cos(u * math.pi / 2), torch.sin(u * math.pi / 2)


def table(T=1000, low=1e-4, high=0.02):
    return torch.cumprod(1 - torch.linspace(low, high, T, dtype=torch.float64), 0)


def diffusion(net, x, *, T=1000, ab=None, pick=lambda ab, t: ab[t], mix=None, y=None, told=None,
              loss=None, eps=None, draw=None):
    """DDPM in parts."""
    ab = table(T) if ab is None else ab
    t = torch.randint(0, T, (len(x),)) if draw is None else draw(len(x))
    e = torch.randn_like(x) if eps is None else eps(x)
    a = rows(pick(ab, t), x).to(x.dtype)
    x_t = a.sqrt() * x + (1 - a).sqrt() * e if mix is None else mix(a, x, e)
    out = net(x_t, t if told is None else told(t))
    target = e if y is None else y(a, x, e)
    return F.mse_loss(out, target) if loss is None else loss(out, target, a)


def line(net, x, *, t=None, mix=None, y=None, told=lambda t: t, loss=None, eps=torch.randn_like):
    """Flow matching in parts, data at t = 1."""
    t = torch.rand(len(x)) if t is None else t(len(x))
    e, s = eps(x), rows(t, x)
    x_t = s * x + (1 - s) * e if mix is None else mix(s, x, e)
    out, target = net(x_t, told(t)), x - e if y is None else y(s, x, e)
    return F.mse_loss(out, target) if loss is None else loss(out, target, s)


def karras(net, x, *, d=0.5, into=None, skip=None, out=None, told=lambda s: s.log() / 4, add=None,
           w=None):
    """EDM with the inner network, in parts."""
    s = rows(torch.exp(-1.2 + 1.2 * torch.randn(len(x))), x)
    n = torch.randn_like(x)
    noisy = x + s * n if add is None else add(x, s, n)
    total = (s**2 + d**2).sqrt()
    c_in = 1 / total if into is None else into(s, d)
    c_skip = d**2 / total**2 if skip is None else skip(s, d)
    c_out = s * d / total if out is None else out(s, d)
    D = c_skip * noisy + c_out * net(c_in * noisy, told(s).flatten())
    weight = total**2 / (s * d)**2 if w is None else w(s, d)
    return (weight * (D - x)**2).mean()


def scores(net, x, *, y=None, w=None, told=lambda s: s, s=None, add=None):
    """Denoising score matching in parts, VE."""
    s = rows(0.01 * 5000**torch.rand(len(x)) if s is None else s(len(x)), x)
    n = torch.randn_like(x)
    noisy = x + s * n if add is None else add(x, s, n)
    target = -n / s if y is None else y(n, s)
    error = (net(noisy, told(s).flatten()) - target)**2
    return ((s**2 if w is None else w(s)) * error).flatten(1).sum(1).mean()


def later_time(net, x):
    """The level is that of another draw of t than the network's."""
    return diffusion(net, x, told=lambda t: torch.randint(0, 1000, t.shape))


def noise_again(net, x):
    """The noisy data are made twice, the network sees the second."""
    e = torch.randn_like(x)
    return line(net, x, eps=torch.randn_like, y=lambda s, x, _: x - e)


def ema_target(net, x):
    """The target network is the network itself, under no_grad."""
    def loss(out, y, s):
        return F.mse_loss(out, out.detach() + 0 * y)
    return line(net, x, loss=loss)


def batch_mean(net, x):
    """Data are centred by the mean of the batch in the target."""
    return diffusion(net, x, y=lambda a, x, e: x - x.mean(0))


def in_numpy(net, x):
    """NumPy, VE, the variance is added in place of the standard deviation."""
    s, e = np.exp(np.random.randn(len(x), 1)), np.random.randn(*x.shape)         # noqa: NPY002
    return np.mean((net(x + s**2 * e, s) - e)**2)


def in_jax(scale, target, told=lambda t: t, noise="normal"):
    """JAX, flow with data at t = 0."""
    def loss(net, x, key):
        import jax
        k, m = jax.random.split(key)
        t = jax.random.uniform(k, (len(x), *[1] * (x.ndim - 1)))
        e = getattr(jax.random, noise)(m, x.shape)
        out = net(scale(t) * x + t * e, told(t))
        return jax.numpy.mean((out - target(x, e))**2)
    return loss


COLD_SLIPS = {
    "sqrt of the wrong table entry": (lambda n, x: diffusion(
        n, x, mix=lambda a, x, e: a.sqrt() * x + (1 - a.roll(1, 0)).sqrt() * e), "torch",
        "wrong-factor rows-mixed wrong-level", {}),
    "1 - sqrt(alpha_bar)": (lambda n, x: diffusion(
        n, x, mix=lambda a, x, e: a.sqrt() * x + (1 - a.sqrt()) * e, T=400), "torch",
        "sqrt-missing wrong-factor wrong-coordinates", {"path": "vp"}),
    "alpha_bar clipped twice in v": (lambda n, x: diffusion(
        n, x, y=lambda a, x, e: a * e - (1 - a) * x), "torch",
        "path-and-target wrong-factor sqrt-missing", {"predicts": "v"}),
    "v where eps is said": (lambda n, x: diffusion(
        n, x, y=lambda a, x, e: a.sqrt() * e - (1 - a).sqrt() * x), "torch", "wrong-coordinates",
        {"predicts": "eps"}),
    "the signs of v": (lambda n, x: diffusion(
        n, x, y=lambda a, x, e: -a.sqrt() * e - (1 - a).sqrt() * x), "torch", "sign", {}),
    "betas in place of alpha_bar": (lambda n, x: diffusion(
        n, x, ab=torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)), "torch",
        "not-accumulated wrong-level one-minus", {"alpha_bar": table()}),
    "a table shifted by one": (lambda n, x: diffusion(
        n, x, pick=lambda ab, t: torch.cat([torch.ones(1), ab])[t]), "torch", "index-shift",
        {"alpha_bar": table()}),
    "time divided by the wrong number": (lambda n, x: line(n, x, told=lambda t: t.round()),
                                         "torch", "wrong-level low-precision", {}),
    "times of one row": (lambda n, x: line(n, x, told=lambda t: t[:1].expand(len(t))), "torch",
                         "wrong-level argument-ignored", {}),
    "times in reverse": (lambda n, x: line(n, x, told=lambda t: t.flip(0)), "torch", "wrong-level",
                         {"shape": (7, 5)}),
    "noise by Rademacher": (lambda n, x: diffusion(
        n, x, eps=lambda x: torch.sign(torch.randn_like(x))), "torch", "wrong-law", {}),
    "noise clipped": (lambda n, x: line(n, x, eps=lambda x: torch.randn_like(x).clamp(-1, 1)),
                      "torch", "wrong-law", {}),
    "uniform noise centred": (lambda n, x: scores(
        n, x, add=lambda x, s, n: x + s * (torch.rand_like(x) - 0.5)), "torch",
        "wrong-law other-noise", {}),
    "noise of a single channel": (lambda n, x: diffusion(
        n, x, eps=lambda x: torch.randn(len(x), 1, *x.shape[2:]).expand_as(x)), "torch",
        "broadcast shared-noise", {}),
    "noise drawn again for the target": (noise_again, "torch", "other-noise", {}),
    "time drawn again for the network": (later_time, "torch", "wrong-level", {}),
    "the loss is of its own output": (ema_target, "torch", "argument-ignored detached-gradient",
                                      {}),
    "data centred by the batch": (batch_mean, "torch", "rows-mixed", {}),
    "velocity of the other end": (lambda n, x: line(n, x, y=lambda s, x, e: e - x), "torch",
                                  "sign", {"shape": (6,)}),
    "x_t for x in a velocity": (lambda n, x: line(
        n, x, y=lambda s, x, e: (s * x + (1 - s) * e) - e), "torch",
        "path-and-target wrong-factor wrong-coordinates", {"predicts": "velocity"}),
    "the target is the data, said to be a velocity": (lambda n, x: line(
        n, x, y=lambda s, x, e: x), "torch", "wrong-coordinates", {"predicts": "velocity"}),
    "a square too many in the score": (lambda n, x: scores(n, x, y=lambda n, s: -n / s**2,
                                                           w=lambda s: s**4), "torch",
                                       "sigma-squared", {}),
    "score of the wrong sign, said": (lambda n, x: scores(n, x, y=lambda n, s: n / s), "torch",
                                      "sign", {"predicts": "score"}),
    "no weight where sigma^2 is said": (lambda n, x: scores(n, x, w=lambda s: 1.0), "torch",
                                        "weighting", {"weight": "sigma^2"}),
    "EDM: c_skip and c_in exchanged": (lambda n, x: karras(
        n, x, skip=lambda s, d: 1 / (s**2 + d**2).sqrt(), into=lambda s, d: d**2 / (
            s**2 + d**2)), "torch", "sqrt-missing wrong-factor path-and-target", {}),
    "EDM: sigma_data of c_in is 1": (lambda n, x: karras(
        n, x, into=lambda s, d: 1 / (s**2 + 1).sqrt()), "torch", "wrong-factor", {}),
    "EDM: weight of sigma_data squared twice": (lambda n, x: karras(
        n, x, w=lambda s, d: (s**2 + d**2) / (s * d**2)**2), "torch", "weighting factor", {
            "weight": lambda scale, sigma: (sigma**2 + 0.25) / (sigma * 0.5)**2 * scale}),
    "NumPy: a variance is added": (in_numpy, "numpy", "sigma-not-squared sigma-squared",
                                   {"shape": (3,)}),
    "JAX: the data are not scaled": (in_jax(lambda t: 1.0, lambda x, e: e - x), "jax",
                                     "path-and-target", {"shape": (3,)}),
    "JAX: a sum for a velocity": (in_jax(lambda t: 1 - t, lambda x, e: e + x), "jax", "sign",
                                  {"shape": (4, 2)}),
}


def stratified(n):
    return (torch.arange(n) + torch.rand(n)) / n


def antithetic(n):
    u = torch.rand(n // 2)
    return torch.cat([u, 1 - u])


def self_conditioned(net, x):
    """Always conditioned on its own first answer, by channels."""
    t, e = torch.rand(len(x)), torch.randn_like(x)
    s = rows(t, x)
    x_t = s * x + (1 - s) * e
    with torch.no_grad():
        first = net(torch.cat([x_t, torch.zeros_like(x)], 1), t)
    return F.mse_loss(net(torch.cat([x_t, first], 1), t), x - e)


def several_terms(net, x):
    """The loss in eps and, with a small share, that of x_0 that it amounts to."""
    a, e = rows(table()[t := torch.randint(0, 1000, (len(x),))], x).to(x.dtype), torch.randn_like(x)
    x_t = a.sqrt() * x + (1 - a).sqrt() * e
    out = net(x_t, t)
    x_0 = (x_t - (1 - a).sqrt() * out) / a.sqrt()
    return ((out - e)**2).mean() + 0.1 * (a / (1 - a) * (x_0 - x)**2).mean()


def inpainting(net, x):
    """The left half of every image is given, and the loss is of the right half."""
    t, e = torch.rand(len(x)), torch.randn_like(x)
    s, half = rows(t, x), torch.zeros_like(x)
    half[..., x.shape[-1] // 2:] = 1
    x_t = half * (s * x + (1 - s) * e) + (1 - half) * x
    return (half * (net(x_t, t) - (x - e))**2).sum() / half.sum()


def jax_edm(net, x, key):
    """EDM's denoiser in JAX."""
    import jax
    k, m = jax.random.split(key)
    s = jax.numpy.exp(-1.2 + 1.2 * jax.random.normal(k, (len(x), *[1] * (x.ndim - 1))))
    n = s * jax.random.normal(m, x.shape)
    return jax.numpy.mean((s**2 + 0.25) / (0.5 * s)**2 * (net(x + n, s) - x)**2)


COLD_RIGHT = {
    "stratified times": (lambda n, x: line(n, x, t=stratified), "torch", {}, "x_0 - eps"),
    "antithetic times": (lambda n, x: line(n, x, t=antithetic), "torch", {}, "x_0 - eps"),
    "logit-normal, shifted": (lambda n, x: line(n, x, t=lambda n: (
        lambda u: u / (3 - 2 * u))(torch.sigmoid(torch.randn(n)))), "torch", {"shape": (9, 2)},
        "x_0 - eps"),
    "noise subtracted": (lambda n, x: diffusion(
        n, x, mix=lambda a, x, e: a.sqrt() * x - (1 - a).sqrt() * e), "torch",
        {"predicts": "eps"}, "-eps"),
    "v on the cosine path": (lambda n, x: (lambda u, e: F.mse_loss(
        n(rows(cosine_vp(u)[0], x) * x + rows(cosine_vp(u)[1], x) * e, u),
        rows(cosine_vp(u)[0], x) * e - rows(cosine_vp(u)[1], x) * x))(
            torch.rand(len(x)), torch.randn_like(x)), "torch", {"predicts": "v"}, "v ="),
    "x_0, min-SNR 5, Huber": (lambda n, x: diffusion(
        n, x, y=lambda a, x, e: x, loss=lambda o, y, a: (
            (a / (1 - a)).clamp(max=5) * F.smooth_l1_loss(o, y, reduction="none")).mean()),
        "torch", {}, "x_0"),
    "L1 on a flow": (lambda n, x: line(n, x, loss=lambda o, y, s: F.l1_loss(o, y)), "torch", {},
                     "x_0 - eps"),
    "perturbed input": (lambda n, x: diffusion(
        n, x, mix=lambda a, x, e: a.sqrt() * x + (1 - a).sqrt() * (
            e + 0.1 * torch.randn_like(e))), "torch", {}, "eps"),
    "offset noise": (lambda n, x: line(n, x, eps=lambda x: torch.randn_like(
        x) + 0.1 * torch.randn(*x.shape[:2], 1, 1)), "torch", {}, "x_0 - eps"),
    "self-conditioning by channels": (self_conditioned, "torch", {}, "x_0 - eps"),
    "two terms": (several_terms, "torch", {}, "eps"),
    "inpainting": (inpainting, "torch", {}, "x_0 - eps"),
    "float32 all over": (lambda n, x: line(n, x.float(), told=lambda t: t.float()), "torch", {},
                         "x_0 - eps"),
    "velocity per 1000 steps": (lambda n, x: line(n, x, told=lambda t: 1000 * t), "torch",
                                {"shape": (5,)}, "x_0 - eps"),
    "EDM, sigma_data 1": (lambda n, x: karras(n, x, d=1.0), "torch",
                          {"weight": "edm", "path": "ve"}, "EDM's inner network"),
    "EDM, two weights": (lambda n, x: karras(n, x, w=lambda s, d: 1 / s**2 + 1 / d**2 + 1), "torch",
                         {}, "EDM's inner network"),
    "data inverted": (lambda n, x: diffusion(n, 1 - x), "torch", {}, "eps"),
    "JAX, EDM": (jax_edm, "jax", {"weight": "edm", "shape": (3, 2)}, "x_0"),
    "JAX, flow": (in_jax(lambda t: 1 - t, lambda x, e: e - x), "jax", {"shape": (5,)},
                  "eps - x_0"),
    "a step of sums": (lambda n, x: diffusion(n, x, loss=lambda o, y, a: ((o - y)**2).sum()),
                       "torch", {"shape": (1,), "batch": 32}, "eps"),
}
