"""Right code for PyTorch: steps without gradients, in place on copies, levels from tables."""

import math

import torch
import torch.nn.functional as F

from . import Hidden


def right(kind, what, function):
    """A right function."""
    return Hidden(kind, what, function, True, "torch")


@torch.no_grad()
def ddim(x, eps, t, s, eta, z):
    """As a sampler has it, without gradients."""
    sd = eta * ((1 - s) / (1 - t) * (1 - t / s)).sqrt()
    x_0 = (x - (1 - t).sqrt() * eps) / t.sqrt()
    return s.sqrt() * x_0 + (1 - s - sd**2).clamp(min=0).sqrt() * eps + sd * z


@torch.inference_mode()
def ancestral(x, score, t, s, z):
    """In inference mode."""
    return x + (t**2 - s**2) * score + (s / t) * (t**2 - s**2).sqrt() * z


def log_density(x, mean, sigma):
    """By torch.distributions."""
    return torch.distributions.Normal(mean, sigma).log_prob(x).sum(-1)


def mixture(x, weights, means, sigma):
    """logsumexp."""
    s = sigma.reshape(-1, 1)
    logits = weights.log() - ((x[:, None] - means)**2).sum(-1) / (2 * s**2)
    return torch.logsumexp(logits - x.shape[1] * (s.log() + 0.5 * math.log(2 * math.pi)), 1)


def detached_level(x, eps, scale, sigma):
    """Levels from a table that has no gradient."""
    scale, sigma = scale.detach(), sigma.detach()
    return (x - sigma * eps) / scale


def score_with_graph(log_density):
    """create_graph."""
    def score(x):
        if not x.requires_grad:
            x = x.detach().requires_grad_(True)
        return torch.autograd.grad(log_density(x).sum(), x, create_graph=True)[0]
    return score


def divergence_detached(f, x):
    """As likelihoods need it, without a graph."""
    x = x.detach().requires_grad_(True)
    with torch.enable_grad():
        s = f(x)
        return sum(torch.autograd.grad(s[:, i].sum(), x, retain_graph=True)[0][:, i]
                   for i in range(x.shape[1])).detach()


def in_place(x, eps, sigma):
    """In place on a copy."""
    return x.clone().addcmul_(sigma.expand_as(eps), eps)


RIGHT = [
    right("ddim_step", "without gradients", ddim),
    right("ve_ancestral_step", "in inference mode", ancestral),
    right("diffuse", "without gradients",
          torch.no_grad()(lambda x, a, e: a.sqrt() * x + (1 - a).sqrt() * e)),
    right("perturb", "addcmul", lambda x, s, e: torch.addcmul(x, s.expand_as(x), e)),
    right("perturb", "in place on a copy", lambda x, s, e: in_place(x, e, s)),
    right("raise_noise", "without gradients",
          torch.no_grad()(lambda x, a, b, z: x + (b**2 - a**2).sqrt() * z)),
    right("flow_step", "without gradients", torch.no_grad()(lambda x, u, t, s: x + (s - t) * u)),
    right("langevin_step", "without gradients",
          torch.no_grad()(lambda x, g, a, z: x + a / 2 * g + a.sqrt() * z)),
    right("gaussian_log_density", "torch.distributions", log_density),
    right("gaussian_score", "autograd", lambda x, m, s: -(x - m) / s.square()),
    right("mixture_log_density", "logsumexp", mixture),
    right("x0_from_eps", "levels without a gradient", detached_level),
    right("score_from_eps", "neg", lambda e, s: torch.neg(e / s)),
    right("classifier_free_guidance", "lerp", lambda c, u, w: torch.lerp(
        u, c, w.expand_as(c))),
    right("score_of", "create_graph", score_with_graph),
    right("divergence", "detached, for a likelihood", divergence_detached),
    right("score_from_velocity", "published: by ratios of rates", lambda x, u, a, s, da, ds: (
        a / da * u - x) / (s**2 - a / da * ds * s)),
    right("noise_prediction_loss", "mse_loss", lambda f, x, s, e: F.mse_loss(
        f(x + s * e, s), e, reduction="none").sum(1)),
    right("x0_prediction_loss", "mse_loss", lambda f, x, s, e: F.mse_loss(
        f(x + s * e, s), x, reduction="none").sum(1)),
    right("vp_marginal", "published", lambda t, b, c: (lambda m: (torch.exp(m), torch.sqrt(
        1 - torch.exp(2 * m))))(-0.25 * t**2 * (c - b) - 0.5 * t * b)),
    right("sigma_from_alpha_bar", "rsqrt", lambda a: torch.rsqrt(a) * (1 - a).sqrt()),
]
