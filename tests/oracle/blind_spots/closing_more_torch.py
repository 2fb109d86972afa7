"""Mistakes of good faith in PyTorch, and some planted, in values and in gradients, of all families.

Written when the probes were final, by one who had not read them.
"""

import functools
import math

import numpy as np
import torch
from torch.nn import functional as nn

from . import Hidden
from .fresh import X, Y, Z

FAR = np.linspace(-1.0, 1.0, 60).reshape(30, 2) + 1e6
TWO = np.array([[0.4], [3.0], [0.9]])
END = np.array([[1.0], [0.6], [0.8]])
DIRECTIONS = np.stack([X, Y, Z, X + 2 * Y, Y - 3 * Z])


def wrong(kind, what, function, *at):
    """A natural mistake: `at` is a list of calls for values, or arguments for a gradient."""
    return Hidden(kind, what, function, True, "torch", at[0] if isinstance(at[0], list) else at)


def cut(kind, what, function, *at):
    """A mistake that nobody would make in good faith, in values."""
    return Hidden(kind, what, function, False, "torch", at[0])


def like(a, x):
    """A number as a tensor beside data."""
    return torch.as_tensor(a, dtype=x.dtype, device=x.device)


def level(a):
    """A number as a tensor in double precision, a tensor as it is."""
    return a if torch.is_tensor(a) else torch.tensor(a, dtype=torch.float64)


def cubes(x, sigma=1.0):
    """Some score."""
    return -x**3 / (1 + sigma**2)


def turned(x):
    """A score whose Jacobian is not symmetric."""
    return -x**3 + x**2 @ (x.new_ones(2, 2) if torch.is_tensor(x) else np.ones((2, 2)))


# Gaussians and mixtures ---------------------------------------------------------------------------


def nll(x, mean, sigma):
    """gaussian_nll_loss, which lifts variances to its eps of 1e-6."""
    variance = like(sigma, x).square().expand_as(x)
    loss = nn.gaussian_nll_loss(x, like(mean, x).expand_as(x), variance, full=True,
                                reduction="none")
    return -loss.sum(dim=1)


def by_cdist(x, weights, means, sigma):
    """torch.cdist, which from 26 rows on takes squares by a matrix product."""
    s = like(sigma, x).reshape(-1, 1)
    squares = torch.cdist(x, means).square() / s.square()
    log_norm = x.shape[1] * (s.log() + 0.5 * math.log(2 * math.pi))
    return torch.logsumexp(weights.log() - 0.5 * squares, dim=1) - log_norm[:, 0]


def safe_weights(x, weights, means, sigma):
    """A zero weight is lifted to 1e-30, which counts where its component is much the nearest."""
    s = like(sigma, x).reshape(-1, 1)
    toward = means - x[:, None]
    logits = weights.clamp_min(1e-30).log() - 0.5 * toward.square().sum(-1) / s.square()
    return (logits.softmax(dim=1)[..., None] * toward).sum(1) / s.square()


# Objectives ---------------------------------------------------------------------------------------


def graph_if_needed(score_fn, x, v):
    """A graph of the product only where the data ask for one, not v or the parameters."""
    with torch.enable_grad():
        at = x if x.requires_grad else x.detach().requires_grad_()
        s = score_fn(at)
        v = v if v.dim() == 3 else v[None]
        terms = []
        for d in v:
            product, = torch.autograd.grad(s, at, d, retain_graph=True,
                                           create_graph=x.requires_grad)
            terms.append(0.5 * (d * s).sum(1).square() + (d * product).sum(1))
    return torch.stack(terms).mean(0)


def squeezed(score_fn, x, v):
    """Axes of length 1 squeezed away, of (M, 1, D) too, which then is M rows for one of data."""
    v = v.squeeze() if v.dim() == 3 else v
    v = v if v.dim() == 3 else v[None]
    with torch.enable_grad():
        at = x.detach().requires_grad_()
        s = score_fn(at)
        terms = [(d * torch.autograd.grad(s, at, d, retain_graph=True)[0]).sum(1) for d in v]
    return torch.stack(terms).mean(0)


def pairwise(eps_fn, x, sigma, eps):
    """pairwise_distance, which adds 1e-6 to every difference."""
    return nn.pairwise_distance(eps_fn(x + sigma * eps, sigma), eps).square()


def weights_if_any(score_fn, x, sigmas, eps, weights=None):
    """A buffer of weights that is all zero counts as not given."""
    if weights is None or not weights.any():
        weights = sigmas.square()
    terms = [w * 0.5 * (score_fn(x + s * e, s) + e / s).square().sum(1)
             for w, s, e in zip(weights, sigmas, eps)]
    return torch.stack(terms).sum(0)


# Levels -------------------------------------------------------------------------------------------


@functools.lru_cache
def ramp(n):
    """The numbers from 0 to 1."""
    return torch.linspace(0, 1, n, dtype=torch.float64)


def scaled_ramp(sigma_max, sigma_min, n_levels, rho=7.0):
    """A ramp that is remembered, and scaled in place."""
    first, last = sigma_max**(1 / rho), sigma_min**(1 / rho)
    return ramp(n_levels).mul_(last - first).add_(first)**rho


# Steps and conversions ----------------------------------------------------------------------------


def nearly_zero(score_fn, x_t, sigma_t, sigma_s):
    """Euler's step where the next level is close to zero, not only at zero."""
    slope = sigma_t * score_fn(x_t, sigma_t)
    x_hat = x_t + (sigma_t - sigma_s) * slope
    next_level = like(sigma_s, x_t)
    if torch.allclose(next_level, torch.zeros_like(next_level), atol=1e-5):
        return x_hat
    return x_t + (sigma_t - sigma_s) / 2 * (slope + sigma_s * score_fn(x_hat, sigma_s))


def padded_sigma(eps, sigma):
    """The machine epsilon of the dtype added to sigma, which in float32 is not small."""
    sigma = like(sigma, eps)
    return -eps / (sigma + torch.finfo(eps.dtype).eps)


def all_at_the_end(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    """x_0 for the whole batch as soon as one row steps to the data."""
    a, b = like(alpha_bar_t, x_t), like(alpha_bar_s, x_t)
    x_0 = (x_t - (1 - a).sqrt() * eps) / a.sqrt()
    if (b == 1).any():
        return x_0
    variance = eta**2 * (1 - b) / (1 - a) * (1 - a / b)
    return b.sqrt() * x_0 + (1 - b - variance).clamp_min(0).sqrt() * eps + variance.sqrt() * z


def nearly_preserving(x_t, v, scale, sigma):
    """No division where scale^2 + sigma^2 is close to 1, as it is with tables in bfloat16."""
    norm = like(scale, x_t).square() + like(sigma, x_t).square()
    x_0 = scale * x_t - sigma * v
    return x_0 if torch.allclose(norm, torch.ones_like(norm), atol=5e-3) else x_0 / norm


def forward_only(x_t, u, t, s):
    """The length of the step is not negative, though inversion goes from the data to noise."""
    return x_t - (like(t, x_t) - like(s, x_t)).clamp_min(0) * u


def clipped_below(n_steps, offset=0.008, beta_max=0.999):
    """The betas clipped at 1e-4 too, as published; the first of a long table are smaller."""
    t = torch.arange(n_steps + 1, dtype=torch.float64) / n_steps
    f = torch.cos((t + offset) / (1 + offset) * math.pi / 2).square()
    betas = (1 - f[1:] / f[:-1]).clamp(1e-4, beta_max)
    return torch.cat([f.new_ones(1), (1 - betas).cumprod(0)])


def constant_target(v_fn, x_0, alpha_bar_t, eps):
    """The target is without a graph, while x_t has one."""
    a = like(alpha_bar_t, x_0)
    with torch.no_grad():
        target = a.sqrt() * eps - (1 - a).sqrt() * x_0
    x_t = a.sqrt() * x_0 + (1 - a).sqrt() * eps
    return (v_fn(x_t, alpha_bar_t) - target).square().sum(1)


# Planted ------------------------------------------------------------------------------------------


def four_directions(score_fn, x, v):
    """The mean over at most four directions."""
    v = v[:4] if v.dim() == 3 else v[None]
    with torch.enable_grad():
        at = x.detach().requires_grad_()
        s = score_fn(at)
        terms = [(d * torch.autograd.grad(s, at, d, retain_graph=True)[0]).sum(1) for d in v]
    return torch.stack(terms).mean(0)


def falling(x_t, score, scale, sigma, scale_rate, sigma_rate):
    """A scale that rises is taken to fall."""
    down = -like(scale_rate, x_t).abs()
    return (down * x_t + sigma * (sigma * down - scale * sigma_rate) * score) / scale


def narrow_bins(log_density, dim, bin_width=1.0):
    """Bins wider than 1 count as narrower."""
    return -log_density / (dim * math.log(2)) + abs(math.log2(bin_width))


def sixteen_levels(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """From the seventeenth row on, all go to the level of the sixteenth."""
    a, b = level(alpha_bar_t), level(alpha_bar_s)
    if b.dim() and len(b) > 16:
        rest = torch.maximum(b[15], a[16:] if a.dim() else a).expand(len(b) - 16, 1)
        b = torch.cat([b[:16], rest])
    beta = 1 - a / b
    mean = (b.sqrt() * beta * x_0 + (a / b).sqrt() * (1 - b) * x_t) / (1 - a)
    return mean, beta * (1 - b) / (1 - a)


def saturated(sigma, sigma_data, sigma_min=0.002):
    """c_out is sigma_data far above it."""
    s = level(sigma)
    c_skip = sigma_data**2 / ((s - sigma_min)**2 + sigma_data**2)
    c_out = sigma_data * (s - sigma_min) / (s**2 + sigma_data**2).sqrt()
    return c_skip, torch.where(s > 100 * sigma_data, sigma_data, c_out)


ROWS = np.linspace(-2.0, 2.0, 40).reshape(20, 2)
LEVELS = np.linspace(0.5, 0.9, 20)[:, None]

WRONG = [
    wrong("gaussian_log_density", "gaussian_nll_loss with its eps", nll, [(X, 0.0, 1e-4)]),
    wrong("mixture_log_density", "cdist by a matrix product", by_cdist,
          [(FAR, np.array([0.4, 0.6]), FAR[:2] + 0.5, 1.0)]),
    wrong("mixture_score", "zero weights lifted to 1e-30", safe_weights,
          [(X, np.array([1.0, 0.0]), np.array([[40.0, 0.0], [0.0, 0.0]]), 1.0)]),
    wrong("sliced_score_matching", "a graph only if x asks for it", graph_if_needed,
          turned, torch.tensor(X), Y),
    wrong("hutchinson_divergence", "v squeezed", squeezed, [(turned, X[:1], DIRECTIONS[:4, :1])]),
    wrong("noise_prediction_loss", "pairwise_distance with its eps", pairwise,
          [(cubes, 0.01 * X, 0.5, 0.01 * Y)]),
    wrong("noise_conditional_score_matching", "weights that are all zero count as none",
          weights_if_any, [(cubes, X, np.array([2.0, 1.0]), np.stack([Y, Z]), np.zeros(2))]),
    wrong("karras_sigmas", "a ramp remembered and scaled in place", scaled_ramp,
          [(80.0, 0.002, 11), (80.0, 0.002, 11)]),
    wrong("heun_step", "Euler's step near zero", nearly_zero, [(cubes, X, 0.5, 5e-6)]),
    wrong("score_from_eps", "finfo.eps added to sigma, in float32", padded_sigma,
          [(X.astype(np.float32), np.array([[1e-3], [1e-2], [1.0]], np.float32))]),
    wrong("ddim_step", "x_0 for all rows if one comes to the end", all_at_the_end,
          [(X, Y, np.array([[0.3], [0.2], [0.5]]), END, 0.5, Z)]),
    wrong("x0_from_v", "no division where the squares are almost 1", nearly_preserving,
          [(X, Y, 0.8, 0.602)]),
    wrong("flow_step", "steps towards noise have no length", forward_only,
          [(X, Y, np.array([[0.7], [0.2], [0.4]]), np.array([[0.3], [0.6], [0.1]]))]),
    wrong("cosine_alpha_bar", "betas clipped at 1e-4 too", clipped_below, [(1000,)]),
    wrong("v_prediction_loss", "a target without a graph", constant_target, cubes, X, 0.6, Y),
    cut("directional_derivative", "the fifth direction left out", four_directions,
        [(turned, X, DIRECTIONS)]),
    cut("velocity_from_score", "a scale that rises", falling, [(X, Y, 0.5, 0.4, 0.7, 1.0)]),
    cut("bits_per_dimension", "bins wider than 1", narrow_bins, [(X[:, 0], 3, 4.0)]),
    cut("posterior", "levels of sixteen rows", sixteen_levels,
        [(ROWS, ROWS[::-1].copy(), 0.5 * LEVELS, LEVELS)]),
    cut("consistency_scalings", "c_out saturates", saturated, [(TWO * 100, 0.5)]),
]
