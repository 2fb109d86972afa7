"""Right code for PyTorch in other people's habits: see `fresh_right`."""

import torch
import torch.nn.functional as F
from torch.distributions import Independent, Normal
from torch.func import grad, jacrev, jvp, vmap

from . import Hidden


def right(kind, what, function):
    """A right function."""
    return Hidden(kind, what, function, True, "torch")


def independent(x, mean, sigma):
    """torch.distributions.Independent."""
    mean, sigma = (torch.as_tensor(a, dtype=x.dtype).expand_as(x) for a in (mean, sigma))
    return Independent(Normal(mean, sigma), 1).log_prob(x)


def score_of(log_density):
    """torch.func.vmap of torch.func.grad."""
    one = grad(lambda x: log_density(x[None])[0])
    return vmap(one)


def divergence(f, x):
    """The trace of jacrev, row by row."""
    return vmap(lambda row: torch.trace(jacrev(lambda y: f(y[None])[0])(row)))(x)


def forward_mode(f, x, v):
    """v' (J v) by torch.func.jvp."""
    if v.dim() == 3:
        return torch.stack([forward_mode(f, x, w) for w in v]).mean(0)
    return (jvp(f, (x,), (v,))[1] * v).sum(-1)


def sliced(f, x, v):
    """sliced_score_matching of ncsn, on copies of the samples."""
    v = v if v.dim() == 3 else v[None]
    y = x.unsqueeze(0).expand(len(v), *x.shape).reshape(-1, x.shape[1])
    y = y.detach().clone().requires_grad_(True)
    w = v.reshape(-1, x.shape[1])
    g = f(y)
    gv = torch.sum(g * w)
    loss1 = 0.5 * torch.sum(g * w, dim=-1)**2
    loss2 = torch.sum(w * torch.autograd.grad(gv, y, create_graph=True)[0], dim=-1)
    return (loss1 + loss2).view(len(v), -1).mean(dim=0)


def anneal_dsm(f, x, sigma, eps):
    """anneal_dsm_score_estimation of ncsn."""
    perturbed = x + eps * sigma
    target = -1 / sigma**2 * (perturbed - x)
    return 1 / 2.0 * ((f(perturbed, sigma) - target)**2).sum(dim=-1)


def edm(f, x, sigma, eps, sigma_data):
    """EDMLoss."""
    weight = (sigma**2 + sigma_data**2) / (sigma * sigma_data)**2
    return (weight * (f(x + eps * sigma, sigma) - x)**2).sum(1)


def flow(f, x_0, t, eps):
    """torch.lerp, mean over the batch."""
    t = torch.as_tensor(t, dtype=x_0.dtype)
    target = eps - x_0
    out = f(torch.lerp(x_0, eps, t), t)
    return (out - target).pow(2).flatten(1).sum(1)


def v_loss(f, x_0, a, eps):
    """progressive distillation's alpha and sigma."""
    alpha, sigma = torch.sqrt(a), torch.sqrt(1 - a)
    return F.mse_loss(f(alpha * x_0 + sigma * eps, a), alpha * eps - sigma * x_0,
                      reduction="none").sum(-1)


@torch.inference_mode()
def ddim(x, eps, a, s, eta, z):
    """In inference mode."""
    c1 = eta * ((1 - a / s) * (1 - s) / (1 - a)).sqrt()
    c2 = ((1 - s) - c1**2).clamp(min=0).sqrt()
    x0 = (x - eps * (1 - a).sqrt()) / a.sqrt()
    return s.sqrt() * x0 + c1 * z + c2 * eps


RIGHT = [
    right("gaussian_log_density", "Independent(Normal)", independent),
    right("score_of", "vmap of grad", score_of),
    right("divergence", "the trace of jacrev", divergence),
    right("hutchinson_divergence", "jvp", forward_mode),
    right("sliced_score_matching", "ncsn", sliced),
    right("denoising_score_matching", "ncsn", anneal_dsm),
    right("edm_loss", "EDMLoss", edm),
    right("flow_matching_loss", "lerp", flow),
    right("v_prediction_loss", "F.mse_loss", v_loss),
    right("ddpm_loss", "F.mse_loss with a mean over the batch", lambda f, x, a, e: F.mse_loss(
        f(a.sqrt() * x + (1 - a).sqrt() * e, a), e, reduction="sum") / len(x)),
    right("ddim_step", "inference_mode", ddim),
    right("x0_from_eps", "addcmul", lambda x, e, a, s: torch.addcmul(x, -s, e) / a),
    right("perturb", "torch.add and mul", lambda x, s, e: torch.add(x, e.mul(s))),
]
