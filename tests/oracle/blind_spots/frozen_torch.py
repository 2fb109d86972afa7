"""Functions of PyTorch with wrong gradients, written when the probes were final, as `frozen`."""

import math

import torch

from . import Hidden
from .gradients import Halved


def wrong(kind, what, function, natural=True):
    """A wrong gradient."""
    return Hidden(kind, what, function, natural, "torch")


class Clipped(torch.autograd.Function):
    """x, with a gradient of length one at most."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, g):
        return g / g.norm().clamp(min=1.0)


class Straight(torch.autograd.Function):
    """x times a level, with the gradient of x itself."""

    @staticmethod
    def forward(ctx, x, s):
        return x * s

    @staticmethod
    def backward(ctx, g):
        return g, None


def halved_where(kind, what, f, where):
    """Half of the gradient of the first argument where something holds."""
    return wrong(kind, f"half of a gradient: {what}", lambda x, *rest: f(
        Halved.apply(x) if where(x, *rest) else x, *rest), False)


def score_from_eps(e, s):
    return -e / s


def x0_from_eps(x, e, a, s):
    return (x - s * e) / a


def ssm(f, x, v):
    """Sliced score matching."""
    def of(u):
        y = x.detach().requires_grad_(True)
        s = f(y)
        (along,) = torch.autograd.grad((s * u).sum(), y, create_graph=True)
        return 0.5 * (s * u).sum(1)**2 + (along * u).sum(1)
    return of(v) if v.ndim == 2 else torch.stack([of(u) for u in v]).mean(0)


def ssm_one_detached(f, x, v):
    """Of one direction (B, D) without a second derivative."""
    if v.ndim == 3:
        return ssm(f, x, v)
    y = x.detach().requires_grad_(True)
    s = f(y)
    (along,) = torch.autograd.grad((s * v).sum(), y, retain_graph=True)
    return 0.5 * (s * v).sum(1)**2 + (along * v).sum(1)


def ssm_first_alone(f, x, v):
    """The gradient of the first direction alone, where there are several."""
    if v.ndim == 2:
        return ssm(f, x, v)
    parts = [ssm(f, x, u) for u in v]
    return torch.stack([parts[0], *(p.detach() for p in parts[1:])]).mean(0)


def ism(create_graph):
    """Implicit score matching."""
    def loss(f, x):
        y = x.detach().requires_grad_(True)
        s = f(y)
        trace = sum(torch.autograd.grad(s[:, i].sum(), y, create_graph=create_graph,
                                        retain_graph=True)[0][:, i] for i in range(x.shape[1]))
        return 0.5 * (s**2).sum(1) + trace
    return loss


def by_row_detached(f, x, s, e):
    """Without a gradient where levels come by row."""
    y = f(x + s * e, s)
    y = y.detach() if s.ndim == 2 else y
    return ((y - e)**2).sum(1)


def noise(change, where=lambda x, s, e: True):
    """Noise prediction with a changed prediction."""
    def loss(f, x, s, e):
        y = f(x + s * e, s)
        return (((change(y) if where(x, s, e) else y) - e)**2).sum(1)
    return loss


def mixture(x, weights, means, sigma):
    """A softmax without a gradient."""
    s2 = torch.as_tensor(sigma, dtype=x.dtype).reshape(-1, 1)**2
    logits = weights.log() - ((x[:, None] - means)**2).sum(-1) / (2 * s2)
    return torch.logsumexp(logits.detach(), 1) - x.shape[1] * 0.5 * (
        math.log(2 * math.pi) + s2.log())[:, 0]


def mixture_hard(x, weights, means, sigma):
    """A log density with the gradient of its likeliest component."""
    s2 = torch.as_tensor(sigma, dtype=x.dtype).reshape(-1, 1)**2
    logits = weights.log() - ((x[:, None] - means)**2).sum(-1) / (2 * s2)
    top = logits.max(1).values
    constant = x.shape[1] * 0.5 * (math.log(2 * math.pi) + s2.log())[:, 0]
    return top + (torch.logsumexp(logits, 1) - top).detach() - constant


def score_first_order(log_density):
    """A score that cannot be differentiated again."""
    def score(x):
        if not x.requires_grad:
            x = x.detach().requires_grad_(True)
        return torch.autograd.grad(log_density(x).sum(), x)[0]
    return score


WRONG = [
    wrong("score_from_eps", "a gradient of length one", lambda e, s: -Clipped.apply(e) / s),
    wrong("eps_from_x0", "a gradient of length one",
          lambda x, x_0, a, s: (x - a * Clipped.apply(x_0)) / s),
    wrong("x0_from_eps", "straight through sigma",
          lambda x, e, a, s: (x - Straight.apply(e, s)) / a),
    wrong("diffuse", "straight through sigma",
          lambda x, a, e: a**0.5 * x + Straight.apply(e, (1 - a)**0.5)),
    wrong("x0_from_score", "the score's .data", lambda x, g, a, s: (x + s**2 * g.data) / a),
    wrong("velocity_from_score", "x_t detached", lambda x, g, a, s, da, ds: (
        da * (x.detach() + s**2 * g) / a - ds * s * g)),
    wrong("eps_from_v", "v detached", lambda x, v, a, s: (s * x + a * v.detach()) / (a**2 + s**2)),
    wrong("ve_score_from_vp", "the score detached", lambda g, a: a**0.5 * g.detach()),
    wrong("x0_from_velocity", "u detached", lambda x, u, t: x - t * u.detach()),
    wrong("mixture_log_density", "a softmax without a gradient", mixture),
    wrong("mixture_log_density", "the likeliest component's", mixture_hard),
    wrong("score_of", "cannot be differentiated again", score_first_order),
    wrong("implicit_score_matching", "the trace has no gradient", ism(False)),
    wrong("sliced_score_matching", "no second derivative of one direction", ssm_one_detached),
    wrong("sliced_score_matching", "the first of several directions", ssm_first_alone),
    wrong("noise_prediction_loss", "levels by row", by_row_detached),
    wrong("noise_prediction_loss", "a prediction of length one", noise(Clipped.apply)),
    wrong("noise_prediction_loss", "a prediction in no_grad for one row",
          noise(torch.detach, lambda x, s, e: len(x) == 1)),
    halved_where("score_from_eps", "more than six rows", score_from_eps, lambda e, s: len(e) > 6),
    halved_where("x0_from_eps", "more than eight features", x0_from_eps,
                 lambda x, e, a, s: x.shape[1] > 8),
    halved_where("eps_from_score", "levels for all", lambda g, s: -s * g, lambda g, s: (
        torch.as_tensor(s).ndim == 0)),
    halved_where("v_from_x0_eps", "one row", lambda x, e, a, s: a * e - s * x,
                 lambda x, *_: len(x) == 1),
    wrong("noise_prediction_loss", "half of a gradient for more than six rows",
          noise(Halved.apply, lambda x, s, e: len(x) > 6), False),
    wrong("noise_prediction_loss", "half of a gradient for more than eight features",
          noise(Halved.apply, lambda x, s, e: x.shape[1] > 8), False),
]
