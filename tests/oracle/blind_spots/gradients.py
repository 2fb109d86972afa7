"""Functions of PyTorch whose values are right and whose gradients are not."""

import math

import torch

from . import Hidden


def hidden(kind, what, function, natural=True):
    """A wrong gradient."""
    return Hidden(kind, what, function, natural, "torch")


def without_graph(kind, f):
    """Under no_grad."""
    return hidden(kind, "under no_grad", torch.no_grad()(f))


def through_numpy(kind, f):
    """Through NumPy and back."""
    def g(*args):
        arrays = [a.detach().numpy() if isinstance(a, torch.Tensor) else a for a in args]
        return torch.as_tensor(f(*arrays))
    return hidden(kind, "through NumPy", g)


def clipping(kind, f, bound):
    """With a hook that clips the gradient of its first argument."""
    def g(x, *args):
        if x.requires_grad:
            x = x * 1.0
            x.register_hook(lambda g: g.clamp(-bound, bound))
        return f(x, *args)
    return hidden(kind, f"gradients clipped at {bound}", g, False)


class Halved(torch.autograd.Function):
    """x with half of its gradient."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, g):
        return g / 2


def score_from_eps(e, s):
    return -e / s


def x0_from_eps(x, e, a, s):
    return (x - s * e) / a


def log_density(x, m, s):
    s = torch.as_tensor(s, dtype=x.dtype).reshape(-1)
    return (-0.5 * ((x - m)**2).sum(1) / s**2 - x.shape[1] * (torch.log(s) + 0.5 * math.log(
        2 * math.pi)))


def score_detached(log_density):
    def score(x):
        x = x.detach().requires_grad_(True)
        with torch.enable_grad():
            return torch.autograd.grad(log_density(x).sum(), x)[0].detach()
    return score


WRONG = [
    without_graph("score_from_eps", score_from_eps),
    without_graph("x0_from_eps", x0_from_eps),
    without_graph("eps_from_x0", lambda x, x_0, a, s: (x - a * x_0) / s),
    without_graph("gaussian_log_density", log_density),
    without_graph("classifier_free_guidance", lambda c, u, w: u + w * (c - u)),
    through_numpy("score_from_eps", lambda e, s: -e / s),
    through_numpy("x0_from_score", lambda x, g, a, s: (x + s**2 * g) / a),
    through_numpy("v_from_x0_eps", lambda x, e, a, s: a * e - s * x),
    hidden("x0_from_eps", "eps detached", lambda x, e, a, s: (x - s * e.detach()) / a),
    hidden("score_from_x0", "x_0 detached",
           lambda x, x_0, a, s: (a * x_0.detach() - x) / s**2),
    hidden("classifier_free_guidance", "the unconditional half detached",
           lambda c, u, w: u.detach() + w * (c - u.detach())),
    hidden("velocity_from_x0_eps", "eps detached", lambda x, e: e.detach() - x),
    hidden("vp_from_ve", "data detached", lambda x, s: (
        x.detach() / (1 + s**2)**0.5, 1 / (1 + s**2))),
    hidden("score_of", "detached", score_detached),
    hidden("x0_from_v", "half of a gradient", lambda x, v, a, s: (
        a * Halved.apply(x) - s * v) / (a**2 + s**2), False),
    hidden("ddim_step", "eps detached in one of its places", lambda x, e, t, s, eta, z: (
        s**0.5 * (x - (1 - t)**0.5 * e.detach()) / t**0.5
        + (1 - s - eta**2 * (1 - s) / (1 - t) * (1 - t / s))**0.5 * e
        + eta * ((1 - s) / (1 - t) * (1 - t / s))**0.5 * z)),
    hidden("ve_probability_flow_step", "the score's half of a gradient",
           lambda x, g, a, b: x + (a - b) * a * Halved.apply(g), False),
    clipping("score_from_eps", score_from_eps, 100.0),
    clipping("x0_from_eps", x0_from_eps, 100.0),
    clipping("eps_from_score", lambda g, s: -s * g, 1000.0),
]
