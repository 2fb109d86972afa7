"""Mistakes of good faith in PyTorch, in gradients with respect to inputs: see `fresh`.

Values are right; the arguments show a gradient that is not refsgm's.
"""

import math

import numpy as np
import torch
from torch.distributions import Normal

from . import Hidden
from .fresh import X, Y


def wrong(kind, what, function, *at):
    """A gradient that is wrong at the arguments `at`."""
    return Hidden(kind, what, function, True, "torch", at)


def root_of_squares(f, x, target):
    """The square of a length, whose gradient is 0 / 0 where the score is right."""
    return 0.5 * (f(x) - target).square().sum(dim=1).sqrt()**2


def by_autograd(density):
    """The gradient of a log density, without a graph of its own."""
    def score(x, *rest):
        with torch.enable_grad():
            leaf = x.detach().requires_grad_()
            gradient, = torch.autograd.grad(density(leaf, *rest).sum(), leaf)
        return gradient
    return score


def mixture(x, weights, means, sigma, log=torch.log):
    """log sum_k w_k N(x | m_k, sigma^2 I)."""
    s = torch.as_tensor(sigma, dtype=x.dtype).reshape(-1, 1)
    squares = ((x[:, None] - means) / s[:, None]).square().sum(-1)
    log_norm = x.shape[1] * (s.log() + 0.5 * math.log(2 * math.pi))
    return torch.logsumexp(log(weights) - 0.5 * squares, dim=1) - log_norm[:, 0]


def kernel(x_noisy, x, sigma):
    """log N(x_noisy | x, sigma^2 I) up to a constant."""
    return -0.5 * ((x_noisy - x) / sigma).square().sum(dim=1)


def fixed_level(x, mean, sigma):
    """torch.distributions with a level that passes no gradient on."""
    return Normal(mean, torch.as_tensor(sigma, dtype=x.dtype).detach()).log_prob(x).sum(dim=1)


def fixed_alpha_bar(x_ve, sigma):
    """alpha_bar looked up, outside of the graph."""
    with torch.no_grad():
        alpha_bar = 1 / (1 + sigma**2)
    return alpha_bar**0.5 * x_ve, alpha_bar


def fixed_x_0(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """The prediction of x_0 is a constant of the mean."""
    beta = (alpha_bar_s - alpha_bar_t) / alpha_bar_s
    rest = (1 - alpha_bar_s) / (1 - alpha_bar_t)
    mean = (alpha_bar_s**0.5 * beta / (1 - alpha_bar_t) * x_0.detach()
            + (alpha_bar_t / alpha_bar_s)**0.5 * rest * x_t)
    return mean, beta * rest


class Tweedie(torch.autograd.Function):
    """(scale x_0 - x_t) / sigma^2 with a derivative by hand, which forgets a square."""

    @staticmethod
    def forward(ctx, x_t, x_0, scale, sigma):
        scale, sigma = (torch.as_tensor(a, dtype=x_t.dtype) for a in (scale, sigma))
        ctx.save_for_backward(scale, sigma)
        return (scale * x_0 - x_t) / sigma**2

    @staticmethod
    def backward(ctx, g):
        scale, sigma = ctx.saved_tensors
        return -g / sigma**2, scale * g / sigma, None, None


WRONG = [
    wrong("explicit_score_matching", "the square of a root at a score that is right",
          root_of_squares, lambda x: 2.0 * x, X, 2.0 * X),
    wrong("eps_from_x0", "x_0 detached, as a target",
          lambda x, y, a, s: (x - a * y.detach()) / s, X, Y, 0.5, 2.0),
    wrong("classifier_free_guidance", "the unconditional prediction detached",
          lambda c, u, w: u.detach() + w * (c - u.detach()), X, Y, 3.0),
    wrong("velocity_from_score", "x_t without its gradient, the score with it",
          lambda x, g, a, s, da, ds: (da * x.detach() - s * (a * ds - s * da) * g) / a,
          X, Y, 0.5, 0.5, -1.0, 1.0),
    wrong("gaussian_log_density", "sigma detached", fixed_level, X, 0.0, 2.0),
    wrong("mixture_score", "by autograd without create_graph", by_autograd(mixture),
          X, np.array([0.4, 0.6]), Y[:2], 1.0),
    wrong("mixture_log_density", "the means are constants",
          lambda x, w, m, s: mixture(x, w, m.detach(), s),
          X, np.array([0.4, 0.6]), Y[:2], 1.0),
    wrong("perturbation_score", "by autograd without create_graph", by_autograd(kernel), X, Y, 2.0),
    wrong("vp_from_ve", "alpha_bar without a gradient", fixed_alpha_bar, X, 2.0),
    wrong("posterior", "x_0 detached", fixed_x_0, X, Y, 0.2, 0.6),
    wrong("score_from_x0", "a derivative by hand that forgets a square", Tweedie.apply,
          X, Y, 0.5, 2.0),
]
