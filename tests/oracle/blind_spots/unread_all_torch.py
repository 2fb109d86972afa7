"""Mistakes of good faith, and some planted, in PyTorch: mostly in gradients, over many kinds.

Written when the probes were final, by one who had not read them. Two are wrong in value as well.
"""

import math

import numpy as np
import torch

from . import Hidden
from .unread_all import column, normal


def wrong(kind, what, function, *at):
    """A gradient that is wrong at the arguments `at`."""
    return Hidden(kind, what, function, True, "torch", at)


def cut(kind, what, function, *at):
    """A gradient that is wrong in a region that nobody would set in good faith."""
    return Hidden(kind, what, function, False, "torch", at)


def cubic(x, level=1.0):
    """Some score, or what a network predicts."""
    return -x**3 / (1 + level**2)


def rows(x):
    """The features of each row added up."""
    return x.sum(dim=1)


def number_read(x, sigma, eps):
    """A level that is a number is read as Python's, which passes no gradient on."""
    if torch.as_tensor(sigma).ndim == 0:
        sigma = float(sigma)
    return x + sigma * eps


class EpsByHand(torch.autograd.Function):
    """-sigma score with a derivative by hand, in which sigma gets the mean over features."""

    @staticmethod
    def forward(ctx, score, sigma):
        sigma = torch.as_tensor(sigma, dtype=score.dtype)
        ctx.save_for_backward(score, sigma)
        return -sigma * score

    @staticmethod
    def backward(ctx, g):
        score, sigma = ctx.saved_tensors
        along = -(g * score)
        along = along.sum() if sigma.ndim == 0 else along.mean(dim=1, keepdim=True)
        return -sigma * g, along


def floored(score_ve, alpha_bar):
    """alpha_bar at least 1e-4 under the root: neither value nor gradient below."""
    alpha_bar = torch.as_tensor(alpha_bar, dtype=score_ve.dtype)
    return score_ve / alpha_bar.clamp(min=1e-4).sqrt()


def drift_of_large_batch(x, score, beta):
    """From 16 rows on the linear drift is computed without a graph."""
    with torch.set_grad_enabled(torch.is_grad_enabled() and len(x) < 16):
        linear = -0.5 * beta * x
    return linear - beta * score


def padding_of_zeros(x_0, eps, scale, sigma):
    """Entries of zero count as padding: the value is the same, and no gradient reaches them."""
    return scale * eps - torch.where(x_0 == 0, torch.zeros_like(x_0), sigma * x_0)


def weight_of_table(sigma):
    """A table of more than 64 levels is a constant."""
    sigma = torch.as_tensor(sigma)
    return sigma.detach()**2 if sigma.numel() > 64 else sigma**2


def clipping_hook(x, mean, sigma):
    """A hook that clips gradients at 100, as in training, on the residual."""
    residual = mean - x
    if residual.requires_grad:
        residual.register_hook(lambda g: g.clamp(-100, 100))
    return residual / sigma**2


def running_sum(x, weights, means, sigma):
    """Blocks of eight components, of which the sum so far is a constant."""
    s = torch.as_tensor(sigma, dtype=x.dtype).reshape(-1, 1)
    total = None
    for i in range(0, len(weights), 8):
        squares = (x[:, None] - means[i:i + 8]).square().sum(dim=2)
        block = torch.logsumexp(weights[i:i + 8].log() - 0.5 * squares / s**2, dim=1)
        total = block if total is None else torch.logaddexp(total.detach(), block)
    return total - x.shape[1] * (s.log() + 0.5 * math.log(2 * math.pi))[:, 0]


def first_graph_alone(score_fn, x, v):
    """Of several directions the graph of the first is kept."""
    with torch.enable_grad():
        x = x if x.requires_grad else x.detach().requires_grad_()
        score = score_fn(x)
        total = 0.0
        directions = v[None] if v.ndim == 2 else v
        for m, direction in enumerate(directions):
            row, = torch.autograd.grad(score, x, direction, retain_graph=True, create_graph=m == 0)
            total = total + rows(row * direction)
    return total / len(directions)


def graph_of_16_features(score_fn, x):
    """Second derivatives of the first 16 features alone, to save memory."""
    with torch.enable_grad():
        x = x if x.requires_grad else x.detach().requires_grad_()
        score = score_fn(x)
        total = 0.0
        for i in range(x.shape[1]):
            row, = torch.autograd.grad(score[:, i].sum(), x, retain_graph=True,
                                       create_graph=i < 16)
            total = total + row[:, i]
    return total


def huber(score_fn, x, target_score):
    """The Huber loss, which is linear in residuals above 30."""
    return rows(torch.nn.functional.huber_loss(score_fn(x), target_score, reduction="none",
                                               delta=30.0))


def embedded_level(score_fn, x, sigma, eps):
    """A column of levels is embedded, and so is a constant to the network."""
    level = sigma.detach() if torch.is_tensor(sigma) and sigma.ndim == 2 else sigma
    return 0.5 * rows((score_fn(x + sigma * eps, level) + eps / sigma).square())


def micro_batches(eps_fn, x_0, alpha_bar_t, eps):
    """More than 16 rows in two halves, of which the first keeps no graph of its input."""
    alpha_bar_t = torch.as_tensor(alpha_bar_t, dtype=x_0.dtype)
    x_t = alpha_bar_t.sqrt() * x_0 + (1 - alpha_bar_t).sqrt() * eps
    if len(x_0) > 16:
        half = len(x_0) // 2
        x_t = torch.cat([x_t[:half].detach(), x_t[half:]])
    return rows((eps - eps_fn(x_t, alpha_bar_t)).square())


def short_predictor(score_fn, x_t, sigma_t, sigma_s):
    """The second score of a step by less than a tenth is taken at a constant."""
    sigma_t, sigma_s = (torch.as_tensor(a, dtype=x_t.dtype) for a in (sigma_t, sigma_s))
    score = score_fn(x_t, sigma_t)
    x_hat = x_t + (sigma_t - sigma_s) * sigma_t * score
    if bool((sigma_s == 0).all()):
        return x_hat
    if bool((sigma_s > 0.9 * sigma_t).all()):
        x_hat = x_hat.detach()
    return x_t + 0.5 * (sigma_t - sigma_s) * (sigma_t * score
                                              + sigma_s * score_fn(x_hat, sigma_s))


def stopped_above_80(z, mean=-1.2, deviation=1.2):
    """Levels above 80 are constants."""
    sigma = torch.exp(mean + deviation * z)
    return torch.where(sigma > 80, sigma.detach(), sigma)


def constant_c_noise(sigma, sigma_data):
    """c_noise is an embedding, and its sigma a constant."""
    total = sigma**2 + sigma_data**2
    sigma = torch.as_tensor(sigma)
    return (sigma_data**2 / total, sigma * sigma_data / total.sqrt(), 1 / total.sqrt(),
            sigma.detach().log() / 4)


def constant_interval(x_t, u, t, s):
    """The interval from one column of times to another is a constant."""
    dt = s - t
    return x_t + (dt.detach() if torch.is_tensor(dt) and dt.ndim == 2 else dt) * u


def lost_at_agreement(conditional, unconditional, scale):
    """Where both predictions agree nothing is added, nor differentiated."""
    apart = conditional - unconditional
    return unconditional + torch.where(apart == 0, torch.zeros_like(apart), scale * apart)


def doubled_in_wide(x_t, score, scale, sigma):
    """Above 32 features the gradient of the score is doubled."""
    if score.requires_grad and x_t.shape[1] > 32:
        score = 2 * score - score.detach()
    return (x_t + sigma**2 * score) / scale


def late_posterior(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """The variance of a step by more than a factor of 50 is a constant."""
    beta = (alpha_bar_s - alpha_bar_t) / alpha_bar_s
    rest = (1 - alpha_bar_s) / (1 - alpha_bar_t)
    mean = alpha_bar_s**0.5 * beta / (1 - alpha_bar_t) * x_0 \
        + (alpha_bar_t / alpha_bar_s)**0.5 * rest * x_t
    variance = beta * rest
    if bool((torch.as_tensor(alpha_bar_s / alpha_bar_t) > 50).all()):
        variance = variance.detach()
    return mean, variance


def shared_directions(score_fn, x, v):
    """For four directions and more the Jacobian is that of a constant point."""
    directions = v[None] if v.ndim == 2 else v
    with torch.enable_grad():
        x = x if x.requires_grad else x.detach().requires_grad_()
        score = score_fn(x)
        slopes = [rows(torch.autograd.grad(score, x, d, create_graph=True)[0] * d)
                  for d in directions]
    slope = sum(slopes) / len(slopes)
    return 0.5 * rows(score**2) + (slope.detach() if len(slopes) >= 4 else slope)


X = normal(3, 2)
Y = normal(3, 2, seed=1)
Z = normal(3, 2, seed=2)
SPARSE = X * np.array([1.0, 0.0])
WEIGHTS = np.full(12, 1 / 12)

WRONG = [
    wrong("perturb", "a number for a level passes no gradient on", number_read, X, 2.0, Y),
    wrong("eps_from_score", "a derivative by hand with a mean over features", EpsByHand.apply,
          X, column(1.0, 2.0, 3.0)),
    wrong("vp_score_from_ve", "alpha_bar at least 1e-4", floored, X, 5e-5),
    cut("vp_reverse_sde_drift", "no gradient of the linear drift from 16 rows on",
        drift_of_large_batch, normal(16, 2), normal(16, 2, seed=1), 2.0),
    wrong("v_from_x0_eps", "entries of zero pass no gradient on", padding_of_zeros,
          SPARSE, Y, 0.8, 0.6),
    wrong("score_matching_weight", "a table of many levels is constant", weight_of_table,
          np.linspace(1, 2, 100)),
    wrong("gaussian_score", "gradients clipped at 100", clipping_hook, X, 0.5, 0.05),
    wrong("mixture_log_density", "the sum over earlier blocks of components is constant",
          running_sum, X, WEIGHTS, normal(12, 2, seed=3), 1.5),
    wrong("directional_derivative", "a graph of the first direction alone", first_graph_alone,
          lambda x: -x**3, X, normal(2, 3, 2)),
    wrong("divergence", "a graph of the first 16 features alone", graph_of_16_features,
          lambda x: -x**3, normal(2, 18)),
    wrong("explicit_score_matching", "linear in residuals above 30", huber,
          lambda x: -x**3, 4 * X, Y + 20),
    wrong("denoising_score_matching", "a column of levels is constant to the network",
          embedded_level, cubic, X, column(1.0, 1.5, 2.0), Y),
    wrong("ddpm_loss", "half of a large batch keeps no graph", micro_batches,
          cubic, normal(18, 2), 0.5, normal(18, 2, seed=1)),
    wrong("heun_step", "the predictor of a short step is constant", short_predictor,
          cubic, X, 2.0, 1.9),
    wrong("log_normal_sigma", "levels above 80 are constant", stopped_above_80,
          np.array([0.5, 2.0]), 1.0, 3.0),
    wrong("edm_preconditioning", "c_noise is constant", constant_c_noise, 1.5, 0.5),
    wrong("classifier_free_guidance", "no gradient where predictions agree", lost_at_agreement,
          X, np.where(Y > 0, X, Y), 3.0),
    cut("x0_from_score", "the gradient doubled above 32 features", doubled_in_wide,
        normal(2, 34), normal(2, 34, seed=1), 0.8, 0.6),
    cut("posterior", "the variance of a long step is constant", late_posterior, X, Y, 0.01, 0.9),
    cut("sliced_score_matching_vr", "no gradient of the slope from four directions on",
        shared_directions, lambda x: -x**3, X, normal(4, 3, 2)),
]
