"""Mistakes of good faith in PyTorch, and some planted, written by one who had not read the probes.

Arguments in a list show a value that is not refsgm's, others a gradient.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from . import Hidden
from .fresh import X, Y, Z, score

WIDE = np.sin(np.arange(80.0)).reshape(20, 4)                                      # (B, D), B > 16
HIGH = np.cos(np.arange(120.0)).reshape(3, 40)                                     # (B, D), D > 16
LEVELS = 1.5 + np.cos(np.arange(20.0)).reshape(20, 1)                              # (B, 1)


def wrong(kind, what, function, *at):
    """A natural mistake: at one list of arguments in value, at several arguments in gradient."""
    return Hidden(kind, what, function, True, "torch", at if len(at) > 1 else [at[0]])


def cut(kind, what, function, *at):
    """A bound that nobody would set in good faith."""
    return Hidden(kind, what, function, False, "torch", at if len(at) > 1 else [at[0]])


def single(a):
    """An array in float32."""
    return np.asarray(a, np.float32)


def like(x, *levels):
    """Levels as tensors of the dtype of x."""
    return [torch.as_tensor(a, dtype=x.dtype, device=x.device) for a in levels]


def tracked(x):
    """x, or a leaf with its values, which can be differentiated."""
    return x if x.requires_grad else x.detach().requires_grad_()


# Scores to call -----------------------------------------------------------------------------------


def by_row(x):
    """A score of rows at levels of their own."""
    levels = np.array([[1.0], [2.0], [0.5]])
    return -x**3 / (torch.as_tensor(levels) if torch.is_tensor(x) else levels)


class Cubed(torch.autograd.Function):
    """-x^3 with a derivative by hand, in the form that older code has."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return -x**3

    @staticmethod
    def backward(ctx, g):
        return -3 * ctx.saved_tensors[0]**2 * g


def by_hand(x):
    """A score whose derivative is written by hand, in PyTorch."""
    return Cubed.apply(x) if torch.is_tensor(x) else -x**3


# Densities and their scores -----------------------------------------------------------------------


def power_of_level(x, mean, sigma):
    """The logarithm of sigma^D, a power that leaves float32 for many features."""
    sigma, = like(x, sigma)
    log_norm = ((math.sqrt(2 * math.pi) * sigma)**x.shape[1]).log()
    return -0.5 * ((x - mean) / sigma).square().sum(dim=1) - log_norm.reshape(-1)


def nll_loss(x, sigma_max):
    """PyTorch's negative log likelihood, which keeps variances above 1e-6."""
    variance = like(x, sigma_max)[0].square().expand_as(x)
    return -F.gaussian_nll_loss(torch.zeros_like(x), x, variance, full=True,
                                reduction="none").sum(dim=1)


def by_cdist(x, weights, means, sigma):
    """cdist, which expands the square from 26 rows or components on."""
    sigma = like(x, sigma)[0].reshape(-1, 1)
    logits = weights.log() - 0.5 * (torch.cdist(x, means) / sigma).square()
    log_norm = x.shape[1] * (sigma.log() + 0.5 * math.log(2 * math.pi))
    return torch.logsumexp(logits, dim=1) - log_norm[:, 0]


def by_distributions(x, weights, means, sigma):
    """The gradient of PyTorch's mixture, whose Categorical lifts zero weights to epsilon."""
    with torch.enable_grad():
        x = tracked(x)
        levels = like(x, sigma)[0].reshape(-1, 1, 1).expand(len(x), *means.shape)
        law = MixtureSameFamily(Categorical(weights.expand(len(x), -1)),
                                Independent(Normal(means.expand_as(levels), levels), 1))
        gradient, = torch.autograd.grad(law.log_prob(x).sum(), x, create_graph=True)
    return gradient


# Derivatives and losses ---------------------------------------------------------------------------


def by_jacrev(score_fn, x):
    """torch.func, which refuses a score with an autograd.Function of the older form."""
    jacobian = torch.func.jacrev(lambda x: score_fn(x).sum(dim=0))(x)
    return torch.einsum("ibi->b", jacobian)


def both_sides_at_once(score_fn, x, v, step):
    """Both sides in one batch of 2 B rows, where a score may know its B rows."""
    def term(v):
        right, left = score_fn(torch.cat([x + step * v, x - step * v])).chunk(2)
        slope = ((right - left) / (2 * step) * v).sum(dim=1)
        return 0.5 * (v * here).sum(dim=1).square() + slope

    here = score_fn(x)
    return term(v) if v.dim() == 2 else torch.stack([term(a) for a in v]).mean(dim=0)


def view_of_directions(score_fn, x, v):
    """Directions in a view, of which those drawn by sample and transposed have none."""
    with torch.enable_grad():
        x = tracked(x)
        here, flat = score_fn(x), v.view(-1, x.shape[1])
        projected = (flat * here.repeat(len(flat) // len(x), 1)).sum(dim=1).view(-1, len(x))
        slopes = torch.stack([
            (torch.autograd.grad(here, x, a, create_graph=True)[0] * a).sum(dim=1)
            for a in flat.view(-1, *x.shape)])
    return (0.5 * projected.square() + slopes).mean(dim=0)


def levels_that_count(score_fn, x, sigmas, eps, weights=None):
    """Levels without weight are left out, so that without any weight no sum is begun."""
    weights, total = sigmas**2 if weights is None else weights, 0.0
    for w, sigma, noise in zip(weights, sigmas, eps):
        if w == 0:
            continue
        residual = score_fn(x + sigma * noise, sigma) + noise / sigma
        total = total + 0.5 * w * residual.square().sum(dim=1)
    return total


# Tables and levels --------------------------------------------------------------------------------


def by_arange(n_steps, offset=0.008, beta_max=0.999):
    """Times from 0 to 1 in steps of 1 / T, whose rounding may let the end in."""
    t = torch.arange(0, 1, 1 / n_steps, dtype=torch.float64)

    def f(t):
        return ((t + offset) / (1 + offset) * math.pi / 2).cos().square()

    betas = (1 - f(t + 1 / n_steps) / f(t)).clamp(max=beta_max)
    return torch.cat([torch.ones(1, dtype=betas.dtype), (1 - betas).cumprod(dim=0)])


def last_level_as_number(sigmas, step_size):
    """The last level as a number, which has no gradient."""
    return step_size * (sigmas / sigmas[-1].item())**2


def by_quantiles(z, mean=-1.2, deviation=1.2):
    """Through the uniform law and back, which leaves few digits in the upper tail."""
    u = torch.special.ndtr(z)
    return torch.exp(mean + deviation * torch.special.ndtri(u))


def one_level(x_t, score, scale, sigma):
    """A column of one entry as a number, which has no gradient."""
    scale, sigma = (a.item() if a.dim() and a.numel() == 1 else a for a in like(x_t, scale, sigma))
    return (x_t + sigma**2 * score) / scale


# Steps and loops ----------------------------------------------------------------------------------


def root_of_no_variance(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    """The root of a variance, at eta = 0 with an infinite derivative times zero."""
    a, b = like(x_t, alpha_bar_t, alpha_bar_s)
    x_0 = (x_t - (1 - a).sqrt() * eps) / a.sqrt()
    variance = eta**2 * (1 - b) / (1 - a) * (1 - a / b)
    return b.sqrt() * x_0 + (1 - b - variance).clamp(min=0).sqrt() * eps + variance.sqrt() * z


def scaled_in_place(x_t, score, sigma_t, sigma_s, z):
    """A root is multiplied in place, though its derivative needs it as it was."""
    sigma_t, sigma_s = like(x_t, sigma_t, sigma_s)
    removed = (sigma_t - sigma_s) * (sigma_t + sigma_s)
    std = removed.sqrt()
    std *= sigma_s / sigma_t
    return x_t + removed * score + std * z


def in_chunks(score_fn, x_t, sigma_t, sigma_s):
    """Without gradients the score is called on 16 rows at a time, with all levels."""
    def s(x, sigma):
        if torch.is_grad_enabled():
            return score_fn(x, sigma)
        return torch.cat([score_fn(rows, sigma) for rows in x.split(16)])

    sigma_t, sigma_s = like(x_t, sigma_t, sigma_s)
    slope = sigma_t * s(x_t, sigma_t)
    x_hat = x_t + (sigma_t - sigma_s) * slope
    if not sigma_s.any():
        return x_hat
    return x_t + 0.5 * (sigma_t - sigma_s) * (slope + sigma_s * s(x_hat, sigma_s))


def chosen_by_where(score_fn, x, sigmas, method="heun"):
    """Heun's step is made at level zero too, and not chosen: its gradient is 0 times nan."""
    for sigma_t, sigma_s in zip(sigmas[:-1], sigmas[1:]):
        slope = sigma_t * score_fn(x, sigma_t)
        x_hat = x + (sigma_t - sigma_s) * slope
        if method == "heun":
            slope_hat = sigma_s * score_fn(x_hat, sigma_s)
            x_heun = x + 0.5 * (sigma_t - sigma_s) * (slope + slope_hat)
            x_hat = torch.where(sigma_s > 0, x_heun, x_hat)
        x = x_hat
        yield x


# Planted ------------------------------------------------------------------------------------------


def bent_in_single(alpha_bar, gamma, prediction):
    """The weight of v in float32 for more than ten levels."""
    q = alpha_bar / (1 - alpha_bar)
    clipped = q.clamp(max=gamma)
    if prediction == "x0":
        return clipped
    if prediction == "eps":
        return clipped / q
    bent = q.dtype == torch.float32 and q.numel() > 10
    return (1.002 if bent else 1.0) * clipped / (q + 1)


def bent_gradient(x_t, score, scale, sigma, scale_rate, sigma_rate):
    """The gradient for more than twelve rows."""
    growth = scale * sigma_rate - sigma * scale_rate
    if len(x_t) > 12:
        score = 1.01 * score - 0.01 * score.detach()
    return (scale_rate * x_t - sigma * growth * score) / scale


def bent_rows(u_fn, x_0, t, eps):
    """Rows from the 17th on at late times."""
    loss = (eps - x_0 - u_fn((1 - t) * x_0 + t * eps, t)).square().sum(dim=1)
    late = torch.as_tensor(t).expand(len(x_0), 1)[:, 0] > 0.6
    return loss * (1 + 0.01 * (late & (torch.arange(len(x_0), device=x_0.device) > 15)))


def bent_directions(score_fn, x, v):
    """The last of more than three directions in more than ten features."""
    with torch.enable_grad():
        x = tracked(x)
        here, v = score_fn(x), v.reshape(-1, *x.shape)
        terms = [(torch.autograd.grad(here, x, a, create_graph=True)[0] * a).sum(dim=1) for a in v]
    if len(v) > 3 and x.shape[1] > 10:
        terms[-1] = 1.01 * terms[-1]
    return torch.stack(terms).mean(dim=0)


MEANS = 5 + np.sin(np.arange(60.0)).reshape(30, 2)                                         # (K, D)

WRONG = [
    wrong("gaussian_log_density", "sigma^D in float32", power_of_level,
          [single(HIGH), 0.0, single([[0.05], [0.04], [0.03]])]),
    wrong("prior_log_density", "gaussian_nll_loss keeps variances above 1e-6", nll_loss,
          [1e-4 * X, 2e-4]),
    wrong("mixture_log_density", "cdist expands squares from 26 components on", by_cdist,
          [MEANS[:3] + 1e-6 * X, np.full(30, 1 / 30), MEANS, 1e-6]),
    wrong("mixture_score", "Categorical lifts a zero weight to epsilon", by_distributions,
          [X, np.array([0.0, 1.0]), np.array([[0.0, 0.0], [20.0, 20.0]]), 1.0]),
    wrong("divergence", "torch.func, where the score has a derivative by hand", by_jacrev,
          [by_hand, X]),
    wrong("finite_difference_ssm", "both sides in one batch", both_sides_at_once,
          [by_row, X, Y, 0.1]),
    wrong("sliced_score_matching", "a view of transposed directions", view_of_directions,
          [score, X, torch.tensor(np.stack([X, Y, Z])).transpose(0, 1)]),
    wrong("noise_conditional_score_matching", "a number where no level has weight",
          levels_that_count, [score, X, np.array([2.0, 1.0]), np.stack([Y, Z]), np.zeros(2)]),
    wrong("cosine_alpha_bar", "arange with a step that is rounded", by_arange, [107]),
    wrong("annealed_step_sizes", "the last level without gradient", last_level_as_number,
          np.array([4.0, 2.0, 1.0]), 0.1),
    wrong("log_normal_sigma", "quantiles in float32", by_quantiles, [single([[0.5], [4.5]])]),
    wrong("x0_from_score", "the level of a single row without gradient", one_level,
          X[:1], Y[:1], 0.5, np.array([[2.0]])),
    wrong("ddim_step", "the gradient of the root of no variance", root_of_no_variance,
          X, Y, 0.2, 0.6, torch.tensor(0.0, dtype=torch.float64), Z),
    wrong("ve_ancestral_step", "a root changed in place before backward", scaled_in_place,
          X, Y, 2.0, 1.0, Z),
    wrong("heun_step", "chunks of rows with all levels, without gradients", in_chunks,
          [score, WIDE, 1 + LEVELS, 0.5 * LEVELS]),
    wrong("probability_flow_sampler", "a step that is not chosen has the gradient nan",
          chosen_by_where, lambda x, sigma: -x / sigma**2, X,
          torch.tensor([2.0, 1.0, 0.0], dtype=torch.float64)),
    cut("min_snr_weight", "float32 and more than ten levels of v", bent_in_single,
        [single(0.1 + LEVELS / 4), 5.0, "v"]),
    cut("velocity_from_score", "the gradient for more than twelve rows", bent_gradient,
        WIDE, WIDE[::-1].copy(), 0.5, 0.5, -1.0, 1.0),
    cut("flow_matching_loss", "rows from the 17th on at late times", bent_rows,
        [score, WIDE, np.linspace(0.0, 1.0, 20)[:, None], WIDE[::-1].copy()]),
    cut("directional_derivative", "the last of four directions in many features", bent_directions,
        [score, HIGH, np.stack([HIGH, HIGH[::-1], 2 * HIGH, HIGH**2])]),
]
