"""Right training steps of many kinds: name -> (step, framework, keywords, what is said).

What must be said is a part of the fact `predicts`.
"""

import random
from types import SimpleNamespace

import numpy as np
import torch
import torch.nn.functional as F

from .slips import using
from .styles import column, cosine_table, ddpm, edm, edm_inner, flow, linear_table, ncsn, vp_sde


def v_of(x, eps, a, b):
    return a * eps - b * x


def self_conditioned(net, x):
    """Half of the steps pass the network its own first answer."""
    t, eps = torch.rand(len(x)), torch.randn_like(x)
    tc, given = column(t, x), None
    x_t = (1 - tc) * x + tc * eps
    if random.random() < 0.5:
        with torch.no_grad():
            given = net(x_t, t)
    return F.mse_loss(net(x_t, t, given), eps - x)


def labels_dropped(net, x):
    """Class labels, some of them dropped for classifier-free guidance."""
    t, y = torch.rand(len(x)), torch.randint(0, 10, (len(x),))
    y = torch.where(torch.rand(len(x)) < 0.1, 10, y)
    eps, tc = torch.randn_like(x), column(t, x)
    return F.mse_loss(net((1 - tc) * x + tc * eps, t, y), eps - x)


def masked(net, x):
    """A loss on a part of the image."""
    t, eps = torch.rand(len(x)), torch.randn_like(x)
    tc, mask = column(t, x), (torch.rand(len(x), 1, *x.shape[2:]) < 0.7).to(x.dtype)
    return (mask * (net((1 - tc) * x + tc * eps, t) - (eps - x))**2).sum() / mask.sum()


def whole_step(net, x):
    """A training step that calls backward itself, and returns a number."""
    optimizer = torch.optim.Adam(net.parameters())
    loss = ddpm(net, x)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return {"loss": loss.item()}


def hugging(net, x):
    """An object with .sample, as diffusers' networks return."""
    return ddpm(lambda x_t, t: net(x_t, t).sample, x)


def in_a_tuple(net, x):
    return ddpm(lambda x_t, t: net(x_t, t, return_dict=False)[0], x), {"step": 1}


def first_of(net, x):
    return ddpm(lambda x_t, t: net(x_t, t)[0], x)


def as_an_object(net, x):
    return SimpleNamespace(loss=ddpm(net, x), logs={})


def energy(net, x):
    """The network is an energy; its gradient is minus the score."""
    s, eps = column(torch.exp(torch.randn(len(x))), x), torch.randn_like(x)
    x_t = (x + s * eps).requires_grad_(True)
    grad, = torch.autograd.grad(net(x_t, s.flatten()).sum(), x_t, create_graph=True)
    return (s**2 * (-grad + eps / s)**2).mean()


def cosine_interpolant(net, x):
    """cos and sin of the time, and the velocity of that path."""
    t, eps = torch.rand(len(x)), torch.randn_like(x)
    a, b = torch.cos(column(t, x) * torch.pi / 2), torch.sin(column(t, x) * torch.pi / 2)
    return F.mse_loss(net(a * x + b * eps, t), torch.pi / 2 * (a * eps - b * x))


def with_sigma_min(net, x, small=1e-2):
    """Lipman et al.: data at t = 1, the noise ends at sigma_min."""
    t, eps = torch.rand(len(x)), torch.randn_like(x)
    tc = column(t, x)
    return F.mse_loss(net(tc * x + (1 - (1 - small) * tc) * eps, t), x - (1 - small) * eps)


def offset_noise(net, x):
    return ddpm(net, x, noise=lambda x: torch.randn_like(x) + 0.1 * torch.randn(*x.shape[:2], 1, 1))


def by_channels(net, x):
    """Data normalised by the mean and standard deviation of each channel."""
    mean, std = torch.tensor([0.48, 0.45, 0.4]), torch.tensor([0.27, 0.26, 0.28])
    return ddpm(net, (x - mean.view(3, 1, 1)) / std.view(3, 1, 1))


def single(net, x):
    """Everything is cast to float32."""
    return ddpm(lambda x_t, t: net(x_t.float(), t), x.float(),
                loss=lambda out, y: F.mse_loss(out, y.float()))


def one_level(net, x):
    """One time for the whole batch."""
    return flow(net, x, level=lambda n: torch.rand(1).expand(n))


def paired(net, x):
    """Noise is paired with data by the order of their means, as optimal transport does."""
    t, eps = torch.rand(len(x)), torch.randn_like(x)
    eps = eps[eps.flatten(1).mean(1).argsort()][x.flatten(1).mean(1).argsort().argsort()]
    tc = column(t, x)
    return F.mse_loss(net((1 - tc) * x + tc * eps, t), eps - x)


def in_numpy(net, x):
    sigma, eps = np.exp(np.random.randn(len(x), 1)), np.random.randn(*x.shape)     # noqa: NPY002
    return np.mean(np.sum((sigma * net(x + sigma * eps, sigma) + eps)**2, axis=1))


def in_numpy_with_rng(net, x, rng):
    t, eps = rng.uniform(size=(len(x), 1)), rng.standard_normal(x.shape)
    return np.mean((net(t * x + (1 - t) * eps, t) - (x - eps))**2)


RIGHT = {
    "DDPM": (ddpm, "torch", {"alpha_bar": linear_table(), "predicts": "eps", "path": "vp",
                             "weight": "1", "time": "index"}, "eps"),
    "DDPM, cosine, x_0, SNR": (using(ddpm, table=cosine_table, target=lambda x, eps, a, b: x,
                                     weight=lambda q: q), "torch", {"weight": "snr"}, "x_0"),
    "DDPM, v": (using(ddpm, target=v_of), "torch", {"predicts": "v"}, "v ="),
    "DDPM, v, min-SNR": (using(ddpm, target=v_of, weight=lambda q: q.clamp(max=5) / (q + 1)),
                         "torch", {"weight": "min-snr"}, "v ="),
    "DDPM, eps, min-SNR 3": (using(ddpm, weight=lambda q: q.clamp(max=3) / q), "torch", {}, "eps"),
    "DDPM, 2 x - 1": (using(ddpm, clean=lambda x: 2 * x - 1), "torch", {}, "eps"),
    "DDPM, 100 steps told in [0, 1]": (
        using(ddpm, steps=100, table=lambda: linear_table(100), told=lambda t: t / 100), "torch",
        {}, "eps"),
    "DDPM, L1": (using(ddpm, loss=F.l1_loss), "torch", {}, "eps"),
    "DDPM, Huber": (using(ddpm, loss=F.smooth_l1_loss), "torch", {}, "eps"),
    "DDPM, P2 weights": (using(ddpm, weight=lambda q: 1 / (1 + q)), "torch", {}, "eps"),
    "offset noise": (offset_noise, "torch", {}, "eps"),
    "channels": (by_channels, "torch", {}, "eps"),
    "NCSN": (ncsn, "torch", {"predicts": "score", "weight": "sigma^2", "path": "ve"}, "the score"),
    "NCSN, told sigma, sigma times the score": (
        using(ncsn, target=lambda eps, s: -eps, weight=lambda s: s**0, told=lambda s, i: s),
        "torch", {"time": "sigma"}, "-eps"),
    "VP SDE": (vp_sde, "torch", {"predicts": "score"}, "the score"),
    "VP SDE, likelihood": (using(vp_sde, likelihood=True), "torch", {"weight": "likelihood"},
                           "the score"),
    "sub-VP": (using(vp_sde, root=False), "torch", {"path": "subvp"}, "the score"),
    "EDM": (edm, "torch", {"weight": "edm", "time": "sigma", "predicts": "x0"}, "x_0"),
    "EDM, sigma_data 1.5": (using(edm, data=1.5), "torch", {"weight": "edm"}, "x_0"),
    "EDM, inner network": (edm_inner, "torch", {"time": "log sigma / 4"}, "EDM's inner network"),
    "flow, data at 0": (flow, "torch", {"path": "flow", "predicts": "velocity"}, "eps - x_0"),
    "flow, data at 1": (using(flow, data_at=1), "torch", {}, "x_0 - eps"),
    "flow, logit-normal, 1000 t": (using(flow, level=lambda n: torch.sigmoid(torch.randn(n)),
                                         told=lambda t: 1000 * t), "torch", {}, "eps - x_0"),
    "flow, sequences": (flow, "torch", {"shape": (7, 5)}, "eps - x_0"),
    "flow, vectors": (flow, "torch", {"shape": (2,)}, "eps - x_0"),
    "flow, one feature": (flow, "torch", {"shape": (1,)}, "eps - x_0"),
    "flow, sigma_min": (with_sigma_min, "torch", {}, "(1 - sigma_min)"),
    "flow, one level": (one_level, "torch", {}, "eps - x_0"),
    "flow, noise paired": (paired, "torch", {}, "eps - x_0"),
    "cosine interpolant": (cosine_interpolant, "torch", {}, "velocity"),
    "self-conditioning": (self_conditioned, "torch", {}, "eps - x_0"),
    "labels dropped": (labels_dropped, "torch", {}, "eps - x_0"),
    "mask": (masked, "torch", {}, "eps - x_0"),
    "whole step": (whole_step, "torch", {}, "eps"),
    ".sample": (hugging, "torch", {}, "eps"),
    "tuple": (in_a_tuple, "torch", {}, "eps"),
    "[0]": (first_of, "torch", {}, "eps"),
    "object with .loss": (as_an_object, "torch", {}, "eps"),
    "energy": (energy, "torch", {"predicts": "energy"}, "minus the score"),
    "float32": (single, "torch", {}, "eps"),
    "NumPy, score": (in_numpy, "numpy", {"shape": (3,)}, "the score"),
    "NumPy, flow, rng": (in_numpy_with_rng, "autograd", {"shape": (3,)}, "x_0 - eps"),
}
