"""Training steps in the styles that people use, each written from its formulas.

A style is a function (net, x) with keyword arguments for its parts, so that a slip is one part
written otherwise. Levels and noise are drawn inside.
"""

import torch
import torch.nn.functional as F

STEPS = 1000


def linear_table(steps=STEPS):
    """alpha_bar of DDPM's linear betas, without the clean start: entry t is that of step t."""
    return torch.cumprod(1 - torch.linspace(1e-4, 0.02, steps, dtype=torch.float64), 0)


def cosine_table(steps=STEPS):
    """alpha_bar of the cosine schedule, the first entry already noisy."""
    t = torch.arange(steps + 1, dtype=torch.float64) / steps
    f = torch.cos((t + 0.008) / 1.008 * torch.pi / 2)**2
    return torch.cumprod((f[1:] / f[:-1]).clamp(min=0.001), 0)


def column(level, x):
    """One level per row, ready to multiply data."""
    return level.reshape(-1, *[1] * (x.ndim - 1))


def square(out, y):
    return F.mse_loss(out, y)


def ddpm(net, x, *, table=linear_table, scale=lambda ab: ab.sqrt(),
         sigma=lambda ab: (1 - ab).sqrt(), index=lambda t: t, told=lambda t: t,
         target=lambda x, eps, a, b: eps,
         noise=torch.randn_like, clean=lambda x: x, weight=None, loss=square, steps=STEPS):
    """Ho et al.: integer steps, a table of alpha_bar, the mean squared error of the noise."""
    t = torch.randint(0, steps, (len(x),))
    x = clean(x)
    eps = noise(x)
    ab = column(table()[index(t)], x).to(x.dtype)
    a, b = scale(ab), sigma(ab)
    out = net(a * x + b * eps, told(t))
    y = target(x, eps, a, b)
    if weight is None:
        return loss(out, y)
    return (weight(ab / (1 - ab)) * (out - y)**2).mean()


def ncsn(net, x, *, sigmas=None, target=lambda eps, s: -eps / s, weight=lambda s: s**2,
         told=lambda s, i: i, add=lambda x, eps, s: x + s * eps, noise=torch.randn_like):
    """Song and Ermon: one of L noise levels, the score, weight sigma^2, half the sum of squares."""
    sigmas = torch.logspace(1.5, -2, 100, dtype=torch.float64) if sigmas is None else sigmas
    i = torch.randint(0, len(sigmas), (len(x),))
    s, eps = column(sigmas[i], x).to(x.dtype), noise(x)
    error = (net(add(x, eps, s), told(s.flatten(), i)) - target(eps, s))**2
    return 0.5 * (error.flatten(1).sum(1) * weight(s).flatten()).mean()


def vp_sde(net, x, *, least=0.1, most=20.0, root=True, half=0.5, likelihood=False,
           told=lambda t: 999 * t, target=lambda eps, a, b: -eps / b, rate=lambda beta: beta,
           wrap=lambda out, b: out):
    """Song et al.: t in (0, 1], the VP SDE with linear beta(t), the score."""
    t = torch.rand(len(x)) * (1 - 1e-3) + 1e-3
    mean = half * 2 * (-0.25 * t**2 * (most - least) - 0.5 * t * least)
    a = column(torch.exp(mean), x)
    b = column(-torch.expm1(2 * mean), x)
    b = b.sqrt() if root else b
    eps = torch.randn_like(x)
    score = wrap(net(a * x + b * eps, told(t)), b)
    if likelihood:
        weight = column(rate(least + t * (most - least)), x)
        return (weight * (score - target(eps, a, b))**2).flatten(1).sum(1).mean()
    return ((score * b - target(eps, a, b) * b)**2).flatten(1).mean(1).mean()


def edm(net, x, *, mean=-1.2, std=1.2, data=0.5, weight=lambda s, d: (s**2 + d**2) / (s * d)**2,
        target=lambda x, n, s: x, told=lambda s: s, normal=torch.randn):
    """Karras et al.: log-normal sigma, a denoiser, no reduction."""
    s = (normal(len(x), 1, 1, 1) * std + mean).exp()
    n = torch.randn_like(x) * s
    return weight(s, data) * (net(x + n, told(s)) - target(x, n, s))**2


def edm_inner(net, x, *, data=0.5, skip=lambda s, d: d**2 / (s**2 + d**2),
              out=lambda s, d: s * d / (s**2 + d**2).sqrt(),
              into=lambda s, d: 1 / (s**2 + d**2).sqrt(), told=lambda s: s.log() / 4,
              weight=lambda s, d: (s**2 + d**2) / (s * d)**2):
    """The same with the preconditioning written out: net is the inner network F."""
    s = column((torch.randn(len(x)) * 1.2 - 1.2).exp(), x)
    noisy = x + s * torch.randn_like(x)
    denoised = skip(s, data) * noisy + out(s, data) * net(into(s, data) * noisy, told(s).flatten())
    return (weight(s, data) * (denoised - x)**2).mean()


def flow(net, x, *, data_at=0, a=lambda t: 1 - t, b=lambda t: t, target=None, told=lambda t: t,
         level=lambda n: torch.rand(n), noise=torch.randn_like):
    """Rectified flow: a straight line between data and noise, and its velocity."""
    t = level(len(x))
    eps, tc = noise(x), column(t, x)
    if data_at == 1:
        a, b = b, a
    y = (target or (lambda x, eps, t: eps - x if data_at == 0 else x - eps))(x, eps, tc)
    return F.mse_loss(net(a(tc) * x + b(tc) * eps, told(t)), y)
