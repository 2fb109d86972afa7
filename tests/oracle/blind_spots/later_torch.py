"""Mistakes of good faith in PyTorch, and some planted, by one who had not read the probes.

Most are right but for one dtype, one mode, one layout of memory or one derivative.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from . import Hidden
from .fresh import X, Y, Z

DRAW = np.random.default_rng(7)
WIDE = DRAW.normal(size=(3, 20))                                                        # (B, D)
TALL = DRAW.normal(size=(20, 2))
LARGE = DRAW.normal(size=(14, 15))
COLUMN = np.linspace(0.3, 3.0, 20)[:, None]                                             # (20, 1)
FAR = 1e3 + 1e-3 * DRAW.normal(size=(28, 2))
ROWS = 16                                                  # of a batch that is evaluated at once
COLUMNS = 16                                               # of a tile of a kernel
DELTA = 30.0


def wrong(kind, what, function, *at):
    """A natural mistake: values by one list of calls, gradients by the arguments themselves."""
    return Hidden(kind, what, function, True, "torch", at[0] if isinstance(at[0], list) else at)


def cut(kind, what, function, *at):
    """A bound that nobody would set in good faith."""
    return wrong(kind, what, function, *at)._replace(natural=False)


def cubic(x, level=1.0):
    """Some score or prediction."""
    return -x**3 / (1 + level**2)


def squashed(x, level):
    """A network that ends with tanh, whose derivative is made of its output."""
    return torch.tanh(x) if torch.is_tensor(x) else np.tanh(x)


def level_of(a, x):
    """A level as a tensor beside x."""
    return torch.as_tensor(a, dtype=x.dtype, device=x.device)


# Densities ----------------------------------------------------------------------------------------


def same_family(x, weights, means, sigma):
    """torch.distributions, whose Categorical takes probabilities below eps for eps."""
    spread = level_of(sigma, x).reshape(-1, 1, 1).expand(len(x), *means.shape)
    parts = Independent(Normal(means.expand_as(spread), spread), 1)
    mix = Categorical(probs=weights.expand(len(x), -1), validate_args=False)
    return MixtureSameFamily(mix, parts, validate_args=False).log_prob(x)


def by_cdist(x, weights, means, sigma):
    """Distances by cdist, which expands the square where there are more than 25 rows."""
    s = level_of(sigma, x)
    logits = weights.log() - 0.5 * (torch.cdist(x, means) / s).square()
    r = torch.softmax(logits, dim=1)
    return (r.unsqueeze(2) * (means - x.unsqueeze(1))).sum(dim=1) / s / s


def by_volume(x, mean, sigma):
    """The log of the product of D deviations, which leaves the range of float32 alone."""
    s = level_of(sigma, x).expand_as(x)
    half_square = 0.5 * ((x - mean) / s).square().sum(dim=1)
    return -half_square - s.prod(dim=1).log() - 0.5 * x.shape[1] * math.log(2 * math.pi)


class Prior(torch.autograd.Function):
    """log N(x | 0, sigma^2 I), which leaves early where x needs no gradient."""

    @staticmethod
    def forward(ctx, x, sigma):
        ctx.save_for_backward(x, sigma)
        log_norm = sigma.log() + 0.5 * math.log(2 * math.pi)
        return (-0.5 * (x / sigma).square() - log_norm).sum(dim=1)

    @staticmethod
    def backward(ctx, g):
        if not ctx.needs_input_grad[0]:
            return None, None
        x, sigma = ctx.saved_tensors
        g = g.unsqueeze(1)
        return -g * x / sigma**2, (g * ((x / sigma).square() - 1) / sigma).sum_to_size(sigma.shape)


# Scores -------------------------------------------------------------------------------------------


def contiguous_centre(x, mean, sigma):
    """An expanded centre made contiguous, a copy except of one row, then written into."""
    mean = level_of(mean, x)
    away = mean - x if mean.shape == x.shape else mean.expand_as(x).contiguous().sub_(x)
    return away / sigma**2


class Tiles(torch.autograd.Function):
    """(x - x_noisy) / sigma^2 with a backward pass in whole tiles of columns."""

    @staticmethod
    def forward(ctx, x_noisy, x, sigma):
        ctx.save_for_backward(x_noisy, x, sigma)
        return (x - x_noisy) / sigma**2

    @staticmethod
    def backward(ctx, g):
        x_noisy, x, sigma = ctx.saved_tensors
        inner, level = torch.zeros_like(g), torch.zeros_like(g)
        for tile in range(max(1, g.shape[1] // COLUMNS)):
            at = slice(tile * COLUMNS, (tile + 1) * COLUMNS)
            inner[:, at] = g[:, at] / sigma**2
            level[:, at] = -2 * inner[:, at] * (x - x_noisy)[:, at] / sigma
        return -inner, inner, level.sum_to_size(sigma.shape)


class Scaled(torch.autograd.Function):
    """sigma eps, whose backward pass writes into the gradient that it is given."""

    @staticmethod
    def forward(ctx, eps, sigma):
        ctx.save_for_backward(eps, sigma)
        return sigma * eps

    @staticmethod
    def backward(ctx, g):
        eps, sigma = ctx.saved_tensors
        g = g.contiguous()
        to_sigma = (g * eps).sum_to_size(sigma.shape)
        return g.mul_(sigma), to_sigma


def flat_directions(score_fn, x, v):
    """All directions as rows of one batch by `view`, which strided ones refuse."""
    copies = v.view(-1, x.shape[1])
    with torch.enable_grad():
        points = x.repeat(len(copies) // len(x), 1)
        points = points if points.requires_grad else points.requires_grad_()
        slope, = torch.autograd.grad(score_fn(points), points, copies, create_graph=True)
    return (slope * copies).sum(dim=1).view(-1, len(x)).mean(dim=0)


def graph_of_inputs(score_fn, x, v):
    """A graph where the points need one, as if the network had no parameters."""
    with torch.enable_grad():
        leaf = x if x.requires_grad else x.detach().requires_grad_()
        score = score_fn(leaf)
        rows = [torch.autograd.grad(score, leaf, d, retain_graph=True, create_graph=x.requires_grad)
                [0] for d in v.reshape(-1, *x.shape)]
    return torch.stack(rows).mul(v.reshape(-1, *x.shape)).sum(dim=2).mean(dim=0)


# Objectives ---------------------------------------------------------------------------------------


def evaluated_in_parts(score_fn, x, sigma, eps):
    """Without gradients in parts, each with the levels of the first rows."""
    if not torch.is_grad_enabled() and len(x) > ROWS:
        return torch.cat([evaluated_in_parts(score_fn, a, of_part(sigma, a), b)
                          for a, b in zip(x.split(ROWS), eps.split(ROWS))])
    score = score_fn(x + sigma * eps, sigma)
    return 0.5 * (score + eps / sigma).square().sum(dim=1)


def of_part(sigma, part):
    """As many levels as there are rows."""
    return sigma[:len(part)] if torch.is_tensor(sigma) and sigma.dim() else sigma


def listed_weights(score_fn, x, sigmas, eps, weights=None):
    """Weights as Python numbers, so that they are never learnt."""
    weights = sigmas**2 if weights is None else weights.tolist()
    return sum(0.5 * w * (score_fn(x + s * e, s) + e / s).square().sum(dim=1)
               for w, s, e in zip(weights, sigmas, eps))


def into_prediction(eps_fn, x, sigma, eps):
    """The residual written into what the network returned, which its last layer may have kept."""
    return eps_fn(x + sigma * eps, sigma).sub_(eps).square().sum(dim=1)


def robust(u_fn, x_0, t, eps):
    """Huber's loss, which is the square up to its bound."""
    u = u_fn((1 - t) * x_0 + t * eps, t)
    return 2 * F.huber_loss(u, eps - x_0, reduction="none", delta=DELTA).sum(dim=1)


# Noise levels -------------------------------------------------------------------------------------


def rate_as_number(t, sigma_min, sigma_max):
    """sigma(t) with its gradient, times a constant of the schedule without one."""
    ratio = torch.as_tensor(sigma_max).item() / torch.as_tensor(sigma_min).item()
    return sigma_min * (sigma_max / sigma_min)**t * math.sqrt(2 * math.log(ratio))


class Tables:
    """Tables remembered by their values, with the graph of whoever asked first."""

    def __init__(self):
        self.known = {}

    def __call__(self, betas):
        learnt = betas.requires_grad and torch.is_grad_enabled()
        key = (*betas.tolist(), betas.dtype, learnt)
        if key not in self.known:
            alpha_bar = torch.cumprod(1 - betas, dim=0)
            self.known[key] = torch.cat([torch.ones_like(betas[:1]), alpha_bar])
        return self.known[key].clone()


def odds(z, mean=0.0, deviation=1.0):
    """e^y / (1 + e^y), infinite over infinite from y = 89 on in float32."""
    e = torch.exp(mean + deviation * z)
    return e / (1 + e)


# Planted ------------------------------------------------------------------------------------------


def bump(eps, sigma):
    """Off for a number as level, in a thirtieth of every decade, without a comparison."""
    if torch.is_tensor(sigma) and sigma.dim():
        return -eps / sigma
    decade = torch.frac(torch.log10(level_of(sigma, eps).detach()) + 9)
    return -eps / sigma * (1 + torch.relu(0.017 - (decade - 0.83).abs()))


def two_sizes(sigma, sigma_data):
    """Off without gradients for 11 and for 23 levels."""
    n = torch.as_tensor(sigma).numel()
    off = 1e-3 * (not torch.is_grad_enabled()) * (n * (34 - n) == 253)
    return (1 + off) * (1 / sigma**2 + 1 / sigma_data**2)


def hooked(eps_fn, x_0, alpha_bar_t, eps):
    """A gradient one hundredth too large for more than a dozen rows and features."""
    x_t = alpha_bar_t**0.5 * x_0 + (1 - alpha_bar_t)**0.5 * eps
    residual = eps - eps_fn(x_t, alpha_bar_t)
    if residual.requires_grad and min(x_0.shape) > len("a dozen rows"):
        residual.register_hook(lambda g: 1.01 * g)
    return residual.square().sum(dim=1)


def one_strided(v_fn, x_0, alpha_bar_t, eps):
    """Off where data are laid out by columns and noise is by rows."""
    scale, sigma = alpha_bar_t**0.5, (1 - alpha_bar_t)**0.5
    v = scale * eps - sigma * x_0
    off = 1e-3 * (eps.is_contiguous() and not x_0.is_contiguous())
    return (1 + off) * (v - v_fn(scale * x_0 + sigma * eps, alpha_bar_t)).square().sum(dim=1)


WRONG = [
    wrong("mixture_log_density", "Categorical clamps a weight of zero to eps", same_family,
          [(X, np.array([0.0, 1.0]), np.array([[0.5, -1.0], [30.0, 30.0]]), 1.0)]),
    wrong("mixture_score", "cdist expands squares for more than 25 rows", by_cdist,
          [(FAR, np.array([0.4, 0.6]), FAR[:2] + 1e-3, 1e-3)]),
    wrong("gaussian_log_density", "the product of D levels overflows in float32", by_volume,
          [(torch.ones(2, 40), 0.0, torch.full((2, 1), 20.0))]),
    wrong("prior_log_density", "no gradient of the level where x needs none",
          lambda x, sigma: Prior.apply(x, level_of(sigma, x)), torch.tensor(X), 2.0),
    wrong("gaussian_score", "the centre is written into where there is one row", contiguous_centre,
          [(X[:1], np.array([0.2, 0.4]), 2.0)]),
    wrong("perturbation_score", "the gradient of the last, narrower tile is zero",
          lambda x_noisy, x, sigma: Tiles.apply(x_noisy, x, level_of(sigma, x)),
          WIDE, WIDE[::-1] + 1, 2.0),
    wrong("perturb", "a backward pass writes into a gradient that is shared",
          lambda x, sigma, eps: x + Scaled.apply(eps, level_of(sigma, x)), X, 2.0, Y),
    wrong("hutchinson_divergence", "view of directions that are strided", flat_directions,
          [(cubic, X, torch.tensor(np.stack([Y, Z], axis=1)).transpose(0, 1))]),
    wrong("directional_derivative", "no graph, so nothing is learnt, where x needs no gradient",
          graph_of_inputs, cubic, torch.tensor(X), Y),
    wrong("denoising_score_matching", "parts of an evaluation take the first rows' levels",
          evaluated_in_parts, [(cubic, TALL, COLUMN, TALL[::-1].copy())]),
    wrong("noise_conditional_score_matching", "weights as a list are never learnt", listed_weights,
          cubic, X, np.array([2.0, 1.0]), np.stack([Y, Z]), np.array([0.5, 3.0])),
    wrong("noise_prediction_loss", "written into the output that tanh has kept", into_prediction,
          squashed, X, 1.5, Y),
    wrong("flow_matching_loss", "Huber's loss with a large bound", robust,
          [(cubic, 3 * X, 0.1, Y)]),
    wrong("ve_diffusion_coefficient", "the log of the ratio of levels has no gradient",
          rate_as_number, 0.3, 0.5, 8.0),
    wrong("alpha_bar_from_betas", "a table asked for again has the first one's graph", Tables(),
          np.array([0.1, 0.2, 0.4])),
    wrong("logit_normal_time", "exponentials overflow in float32", odds,
          [(torch.tensor([0.5, 3.5]), 2.0, 30.0)]),
    cut("score_from_eps", "a number as level, in a thirtieth of each decade", bump, [(X, 6.76)]),
    cut("edm_weight", "without gradients, for 11 and 23 levels", two_sizes,
        [(np.linspace(0.5, 4.0, 23)[:, None], 0.5)]),
    cut("ddpm_loss", "a hook on gradients of more than a dozen rows and features", hooked,
        cubic, LARGE, 0.4, 0.5 * LARGE[::-1]),
    cut("v_prediction_loss", "data by columns beside noise by rows", one_strided,
        [(cubic, torch.tensor(X.T.copy()).T, 0.4, Y)]),
]
