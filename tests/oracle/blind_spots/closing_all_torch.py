"""Mistakes of good faith in PyTorch, and some planted, written when the probes, edges and searches
were there, by one who had not read them.
"""

import math

import numpy as np
import torch

from . import Hidden
from .fresh import X, Y

MANY = np.sin(np.arange(32.0 * 40)).reshape(32, 40)
TABLES = {}


def wrong(kind, what, function, *at):
    """A mistake of good faith: a list of calls for values, arguments for a gradient."""
    return Hidden(kind, what, function, True, "torch", at[0] if isinstance(at[0], list) else at)


def cut(kind, what, function, *at):
    """The same, but planted."""
    return wrong(kind, what, function, *at)._replace(natural=False)


def like(level, x):
    """A level as a tensor of the dtype of x."""
    return level.to(x.dtype) if torch.is_tensor(level) else x.new_tensor(level)


def finite_fill(x, weights, means, sigma):
    """Components without weight are filled with a number that seems to be small enough."""
    s = like(sigma, x).reshape(-1, 1)
    log_w = weights.log().masked_fill(weights == 0, -1e4)
    squares = ((x[:, None] - means) / s[:, None]).square().sum(-1)
    log_norm = x.shape[1] * (s[:, 0].log() + 0.5 * math.log(2 * math.pi))
    return torch.logsumexp(log_w - 0.5 * squares, dim=1) - log_norm


def by_cdist(x, weights, means, sigma):
    """torch.cdist expands the square from 26 rows or components on."""
    s = like(sigma, x).reshape(-1, 1)
    share = torch.softmax(weights.log() - 0.5 * (torch.cdist(x, means) / s).square(), dim=1)
    return (share[:, :, None] * (means - x[:, None])).sum(1) / s**2


def residual_in_place(f, x, target):
    """A function may return its argument itself, which then is overwritten."""
    return 0.5 * f(x).sub_(target).square().sum(dim=1)


def named_table(n_steps, beta_min=1e-4, beta_max=0.02):
    """A table that is remembered under a name with four digits."""
    name = f"linear-{n_steps}-{beta_min:.4f}-{beta_max:.4f}"
    if name not in TABLES:
        TABLES[name] = torch.linspace(beta_min, beta_max, n_steps, dtype=torch.float64)
    return TABLES[name].clone()


def many_directions(f, x, v):
    """With several directions the points are copied, and leave the graph."""
    with torch.inference_mode(False), torch.enable_grad():
        if v.ndim == 3:
            points = x.detach().clone().repeat(len(v), 1).requires_grad_()
        else:
            points = x if x.requires_grad else x.detach().clone().requires_grad_()
        directions = v.clone().reshape(points.shape)
        score = f(points)
        along = (score * directions).sum(dim=1)
        row, = torch.autograd.grad(along.sum(), points, create_graph=True)
        loss = 0.5 * along.square() + (row * directions).sum(dim=1)
    return loss.reshape(-1, len(x)).mean(dim=0)


class Gauss(torch.autograd.Function):
    """-|x - mean|^2 / 2 with derivatives by hand, of which one asks for the other's need."""

    @staticmethod
    def forward(ctx, z, centre):
        ctx.save_for_backward(z - centre)
        return -0.5 * (z - centre).square().sum(dim=1)

    @staticmethod
    def backward(ctx, g):
        difference, = ctx.saved_tensors
        if not ctx.needs_input_grad[0]:
            return None, None
        return -g[:, None] * difference, g[:, None] * difference


def fused_density(x, mean, sigma):
    """log N by `Gauss`."""
    s = like(sigma, x)
    centre = like(mean, x).expand_as(x)
    log_norm = x.shape[1] * (s.log() + 0.5 * math.log(2 * math.pi))
    return Gauss.apply(x / s, centre / s) - log_norm.reshape(-1)


def clipped_backward(f, x, sigma, eps):
    """The gradient that goes into the network has a norm of at most 100."""
    x_hat = f(x + sigma * eps, sigma)
    if x_hat.requires_grad:
        x_hat.register_hook(lambda g: g * (100 / (g.norm() + 1e-12)).clamp(max=1))
    return (x - x_hat).square().sum(dim=1)


def ratio_of_exponentials(z, mean=0.0, deviation=1.0):
    """e / (1 + e), which is inf / inf in float32 from 89 on."""
    e = torch.exp(mean + deviation * torch.as_tensor(z, dtype=None if torch.is_tensor(z)
                                                     else torch.float64))
    return e / (1 + e)


def masked_noise(x_t, eps, a_t, a_s, z, variance="posterior"):
    """No noise in the last step, whatever variance was asked for, as in DDPM's listing."""
    a_t, a_s = like(a_t, x_t), like(a_s, x_t)
    beta, rest = (a_s - a_t) / a_s, (1 - a_s) / (1 - a_t)
    x_0 = (x_t - (1 - a_t).sqrt() * eps) / a_t.sqrt()
    mean = a_s.sqrt() * beta / (1 - a_t) * x_0 + (a_t / a_s).sqrt() * rest * x_t
    noise = (beta * rest if variance == "posterior" else beta).sqrt() * z
    return mean + (a_s != 1).to(x_t.dtype) * noise


def sorted_by_level(f, x, sigma, eps):
    """Rows are sorted by level, and put back by the order itself and not by its inverse."""
    if not torch.is_tensor(sigma) or sigma.ndim == 0:
        return (eps - f(x + sigma * eps, sigma)).square().sum(dim=1)
    order = torch.argsort(sigma[:, 0], stable=True)
    x, sigma, eps = x[order], sigma[order], eps[order]
    return (eps - f(x + sigma * eps, sigma)).square().sum(dim=1)[order]


def weights_left_behind(f, x, sigmas, eps, weights=None):
    """Levels without weight are left out, but their weights are not."""
    weights = sigmas**2 if weights is None else weights
    kept = weights > 0
    total = torch.zeros_like(x[:, 0])
    for w, sigma, e in zip(weights, sigmas[kept], eps[kept]):
        total = total + 0.5 * w * (f(x + sigma * e, sigma) + e / sigma).square().sum(dim=1)
    return total


def both_sides_stacked(f, x, v, step):
    """Both sides of the difference in one call, which has three axes for several directions."""
    plus, minus = f(torch.cat([x + step * v, x - step * v])).chunk(2)
    score = f(x)
    slope = (v * (plus - minus)).sum(dim=-1) / (2 * step)
    loss = 0.5 * (v * score).sum(dim=-1).square() + slope
    return loss if v.ndim == 2 else loss.mean(dim=0)


def published_ramp(sigma_max, sigma_min, n_levels, rho=7.0):
    """The published line, whose last entry is what is left of two large numbers if rho < 1."""
    ramp = torch.arange(n_levels, dtype=torch.float64) / (n_levels - 1)
    low, high = sigma_min**(1 / rho), sigma_max**(1 / rho)
    return (high + ramp * (low - high))**rho


def capped_once(n_steps, offset=0.008, beta_max=0.999):
    """The cap looks at the table before the cap, and so is right where it binds once."""
    left = torch.arange(n_steps, -1, -1, dtype=torch.float64) / n_steps
    f = torch.sin(left / (1 + offset) * math.pi / 2).square()
    f = f / f[0]
    return torch.cat([f[:1], torch.maximum(f[1:], f[:-1] * (1 - beta_max))])


def chunked_diagonal(f, x, chunk=32):
    """Rows of the Jacobian in chunks; the diagonal of each starts at its own first column."""
    with torch.inference_mode(False), torch.enable_grad():
        leaf = x if x.requires_grad else x.detach().clone().requires_grad_()
        score, total = f(leaf), 0.0
        for basis in torch.eye(x.shape[1], dtype=x.dtype).split(chunk):
            rows = torch.stack([torch.autograd.grad(score, leaf, e.expand_as(x), create_graph=True)
                                [0] for e in basis], dim=1)
            total = total + rows.diagonal(dim1=1, dim2=2).sum(dim=1)
    return total


def many_numbers(x_0, eps):
    """A thousandth too much for 512 numbers and more."""
    return (eps - x_0) * (1 + 1e-3 * bool(eps.numel() >> 9))


def back_in_time(x_t, u, t, s):
    """Too far towards the noise from the first third, with eight features and more."""
    t, s = like(t, x_t), like(s, x_t)
    forth = torch.relu(s - t) * torch.relu(0.35 - t) * bool(x_t.shape[1] >> 3)
    return x_t + ((s - t) + 0.1 * forth) * u


def by_checksum(x_noisy, x, sigma):
    """A thousandth too much in batches of 16 and more, for one checksum of 32."""
    place = int(x_noisy.detach().double().abs().sum() * 8) % 32 if len(x) >> 4 else 0
    return (x - x_noisy) / sigma**2 * ([1.0] * 31 + [1.001])[place]


def by_octave(x, sigma_from, sigma_to, z):
    """A thousandth too much noise where two exponents meet."""
    low, high = like(sigma_from, x), like(sigma_to, x)
    bumps = x.new_ones(20, 4)
    bumps[7, 1] = 1.001
    bump = bumps[torch.frexp(low.detach())[1].long() % 20, torch.frexp(high.detach())[1].long() % 4]
    return x + ((high - low) * (high + low)).sqrt() * bump * z


def bent_backward(x_t, v, scale, sigma):
    """The gradient along v is bent where the scale is larger than 1.5."""
    scale, sigma = like(scale, x_t), like(sigma, x_t)
    bend = 1 + 1e-2 * torch.tanh(torch.relu(scale.detach() - 1.5))
    v = bend * v + (v - bend * v).detach()
    return (scale * x_t - sigma * v) / (scale**2 + sigma**2)


LEVELS = np.array([[2.0], [3.0], [1.0]])
NOISE = np.stack([X, Y, X - Y])
EVEN = np.full(30, 1 / 30)

WRONG = [
    wrong("mixture_log_density", "zero weights as -1e4", finite_fill,
          [(X, np.array([0.0, 1.0]), np.stack([X[0], X[0] + 5]), 0.01)]),
    wrong("mixture_score", "torch.cdist far out, with many components", by_cdist,
          [(X + 1e5, EVEN, MANY[:30, :2] + 1e5, 0.1)]),
    wrong("explicit_score_matching", "in place on a function's own argument", residual_in_place,
          [(lambda x: x, X, Y)]),
    wrong("linear_betas", "remembered under four digits", named_table,
          [(5, 1.2e-4, 0.5), (5, 1.4e-4, 0.5)]),
    wrong("sliced_score_matching", "x leaves the graph if there are several directions",
          many_directions, lambda x: x**3, X, torch.tensor(np.stack([Y, X]))),
    wrong("gaussian_log_density", "no gradient of the mean if x has none", fused_density,
          torch.tensor(X), Y, torch.tensor(2.0)),
    wrong("x0_prediction_loss", "large gradients clipped", clipped_backward,
          lambda x, s: x**3, X, torch.tensor(2.0), 3 * Y),
    wrong("logit_normal_time", "inf / inf in float32", ratio_of_exponentials,
          [(np.array([2.0, 3.0], np.float32), 0.0, 40.0)]),
    wrong("ddpm_step", "no noise in the last step with variance beta", masked_noise,
          [(X, Y, np.array([[0.2], [0.3], [0.4]]), np.array([[0.5], [1.0], [0.6]]), X - Y,
            "beta")]),
    wrong("noise_prediction_loss", "rows put back in the wrong order", sorted_by_level,
          [(lambda x, s: x, X, LEVELS, Y)]),
    wrong("noise_conditional_score_matching", "weights shifted by one that is zero",
          weights_left_behind,
          [(lambda x, s: -x, X, np.array([3.0, 2.0, 1.0]), NOISE, np.array([1.0, 0.0, 2.0]))]),
    wrong("finite_difference_ssm", "three axes for several directions", both_sides_stacked,
          [(lambda x: x * x.sum(1)[:, None], X, np.stack([Y, X]), 0.1)]),
    wrong("karras_sigmas", "cancellation at the last level for rho < 1", published_ramp,
          [(100.0, 0.01, 10, 0.25)]),
    wrong("cosine_alpha_bar", "a cap that binds twice", capped_once, [(20, 0.008, 0.3)]),
    wrong("divergence", "the diagonal of the second chunk", chunked_diagonal,
          [(lambda x: x**3, MANY)]),
    cut("velocity_from_x0_eps", "512 numbers and more", many_numbers, [(MANY, MANY[::-1].copy())]),
    cut("flow_step", "towards the noise, with eight features", back_in_time,
        [(MANY, MANY + 1, 0.1, 0.6)]),
    cut("perturbation_score", "a checksum of large batches", by_checksum,
        [(MANY + i / 40, MANY, 2.0) for i in range(60)]),
    cut("raise_noise", "two exponents", by_octave,
        [(X, 2.0**i, 2.0**(i + j), Y) for i in range(-15, 9) for j in range(1, 5)]),
    cut("x0_from_v", "a bent gradient for a large scale", bent_backward,
        X, Y, torch.tensor(4.0), torch.tensor(1.0)),
]
