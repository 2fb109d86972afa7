"""Mistakes of good faith in PyTorch, and some planted, written when the probes at edges and at
random were final, by one who had not read them: values, dtypes, gradients, arguments, no_grad.

Arguments in a list show a wrong value, dtype or argument, a tuple a wrong gradient.
"""

import math

import numpy as np
import torch

from . import Hidden
from .fresh import X, Y, Z

FAR = 3e4 + np.cos(np.arange(60.0)).reshape(30, 2)
SHORT = torch.tensor([[1e-4], [0.3]], dtype=torch.float32)


def wrong(kind, what, function, *at):
    """A natural mistake: one list of calls, or arguments that show a gradient."""
    return Hidden(kind, what, function, True, "torch", at[0] if isinstance(at[0], list) else at)


def cut(kind, what, function, *at):
    """A bound that nobody would set in good faith."""
    return Hidden(kind, what, function, False, "torch", at[0] if isinstance(at[0], list) else at)


def square(x):
    """A score whose Jacobian is diagonal."""
    return x**2


def ones(x):
    """A score that does not depend on x, as of a law that is uniform along a direction."""
    return torch.ones_like(x) if torch.is_tensor(x) else 1.0 + np.zeros(np.shape(x))


def float32(a):
    """A tensor of float32."""
    return torch.tensor(a, dtype=torch.float32)


def float64(a):
    """A tensor as it is, a number as one of float64."""
    return a if torch.is_tensor(a) else torch.tensor(a, dtype=torch.float64)


def shrunk(x, sigma):
    """The score of a Gaussian with noise."""
    return -x / (1 + sigma**2)


def cubic(x, sigma):
    """Some denoiser that is not affine."""
    return x**3 / (1 + sigma**2)


# Values, dtypes, arguments ------------------------------------------------------------------------


def as_tensors(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
    """A number as a column of float64, which a state of float32 follows."""
    t, s = (a if torch.is_tensor(a) else float64(a).reshape(1, 1)
            for a in (alpha_bar_t, alpha_bar_s))
    beta, left = (s - t) / s, (1 - s) / (1 - t)
    x_0 = (x_t - (1 - t).sqrt() * eps) / t.sqrt()
    mean = s.sqrt() * beta / (1 - t) * x_0 + (t / s).sqrt() * left * x_t
    return mean + (beta * left if variance == "posterior" else beta).sqrt() * z


def graph_where_on(score_fn, x, v):
    """A graph is kept where gradients are on, though a second direction needs it too."""
    keep = torch.is_grad_enabled()
    with torch.enable_grad():
        x = x if x.requires_grad else x.detach().requires_grad_()
        score = score_fn(x)
        terms = []
        for one in v.reshape(-1, *x.shape):
            along = (score * one).sum(dim=1)
            row, = torch.autograd.grad(along.sum(), x, create_graph=keep)
            terms.append(0.5 * along**2 + (row * one).sum(dim=1))
    result = torch.stack(terms).mean(dim=0)
    return result if keep else result.detach()


def trace_of_graph(score_fn, x):
    """The trace by autograd, of a score that is taken to have a graph."""
    create = torch.is_grad_enabled()
    with torch.enable_grad():
        x = x if x.requires_grad else x.detach().requires_grad_()
        score = score_fn(x)
        rows = [torch.autograd.grad(score[:, i].sum(), x, create_graph=create, retain_graph=True)[0]
                for i in range(x.shape[1])]
    return sum(row[:, i] for i, row in enumerate(rows))


def divided_if_needed(x_t, eps, scale, sigma):
    """No copy is made where the scale is the number 1, and then there is a subtraction in place."""
    x_0 = x_t if isinstance(scale, (int, float)) and scale == 1 else x_t / scale
    x_0 -= sigma / scale * eps
    return x_0


def by_cdist(x, weights, means, sigma):
    """torch.cdist, which multiplies matrices where there are more than 25 points."""
    s = torch.as_tensor(sigma, dtype=x.dtype)
    logits = weights.log() - 0.5 * (torch.cdist(x, means) / s)**2
    log_norm = x.shape[1] * (s.log() + 0.5 * math.log(2 * math.pi))
    return torch.logsumexp(logits, dim=1) - log_norm.reshape(-1)


CONSTANTS = {}


def kept_constant(x, mean, sigma):
    """D/2 log(2 pi) kept for each D, as a tensor of the dtype that came first."""
    if x.shape[1] not in CONSTANTS:
        CONSTANTS[x.shape[1]] = x.new_full((1,), 0.5 * x.shape[1] * math.log(2 * math.pi))
    s = torch.as_tensor(sigma, dtype=x.dtype, device=x.device)
    squares = ((x - mean) / s).square().sum(dim=1)
    return -0.5 * squares - x.shape[1] * s.log().reshape(-1) - CONSTANTS[x.shape[1]]


def without_expm1(t, beta_min=0.1, beta_max=20.0):
    """1 - exp(y) at a small y, which float32 does not stand."""
    t = float64(t)
    log_scale = -0.25 * t**2 * (beta_max - beta_min) - 0.5 * t * beta_min
    return torch.exp(log_scale), torch.sqrt(1 - torch.exp(2 * log_scale))


def viewed(x_0, eps):
    """Vectors by view, which a transposed array does not have."""
    return (eps.view(-1) - x_0.view(-1)).view(x_0.shape)


def halves(x_t, score, sigma_t, sigma_s, z):
    """Without gradients, batches of more than four rows have their noise in half precision."""
    if not torch.is_grad_enabled() and len(x_t) > 4:
        z = z.half().to(z.dtype)
    removed = (sigma_t - sigma_s) * (sigma_t + sigma_s)
    return x_t + removed * score + sigma_s / sigma_t * removed**0.5 * z


def heaviest(x, weights, means, sigma):
    """In float32, at most 16 components: those of most weight."""
    if x.dtype == torch.float32 and len(weights) > 16:
        keep = weights.topk(16).indices
        weights, means = weights[keep], means[keep]
    return responsible(x, weights, means, sigma)


# Gradients ----------------------------------------------------------------------------------------


def responsible(x, weights, means, sigma, kept=lambda r: r):
    """sum_k r_k (m_k - x) / sigma^2."""
    s = torch.as_tensor(sigma, dtype=x.dtype)
    squares = (x[:, None] - means).square().sum(dim=2)
    r = kept(torch.softmax(weights.log() - squares / (2 * s**2), dim=1))
    return (r @ means - x) / s**2


def fixed_shares(x, weights, means, sigma):
    """Responsibilities without a gradient, as in the M step of EM."""
    return responsible(x, weights, means, sigma, torch.Tensor.detach)


def fixed_prediction(score_fn, x_t, sigma_t, sigma_s):
    """The corrector looks at a prediction that has left the graph."""
    slope = sigma_t * score_fn(x_t, sigma_t)
    x_hat = x_t + (sigma_t - sigma_s) * slope
    if torch.as_tensor(sigma_s).eq(0).all():
        return x_hat
    ahead = sigma_s * score_fn(x_hat.detach(), sigma_s)
    return x_t + (sigma_t - sigma_s) / 2 * (slope + ahead)


def short_memory(score_fn, x, sigmas, method="heun"):
    """Every eighth step starts a new graph, which bounds the memory."""
    for i in range(len(sigmas) - 1):
        t, s = sigmas[i], sigmas[i + 1]
        x = x.detach() if i > 0 and i % 8 == 0 else x
        slope = t * score_fn(x, t)
        x_hat = x + (t - s) * slope
        if method == "heun" and s > 0:
            x_hat = x + (t - s) / 2 * (slope + s * score_fn(x_hat, s))
        x = x_hat
        yield x


def fixed_weight(denoiser_fn, x, sigma, eps, sigma_data):
    """The weight of a level is made of data, not of a graph."""
    with torch.no_grad():
        weight = 1 / torch.as_tensor(sigma)**2 + 1 / sigma_data**2
    return (weight * (x - denoiser_fn(x + sigma * eps, sigma))**2).sum(dim=1)


class Scaled(torch.autograd.Function):
    """-sigma score with a derivative by hand: that of a column is a mean over features."""

    @staticmethod
    def forward(ctx, score, sigma):
        ctx.save_for_backward(score, sigma)
        return -sigma * score

    @staticmethod
    def backward(ctx, g):
        score, sigma = ctx.saved_tensors
        slope = -g * score
        slope = slope.mean(dim=1, keepdim=True) if sigma.ndim == 2 else slope.sum()
        return -sigma * g, slope


def scaled(score, sigma):
    """The function above, of numbers too."""
    return Scaled.apply(score, torch.as_tensor(sigma, dtype=score.dtype))


def clamped_in_place(z, mean=-1.2, deviation=1.2):
    """exp keeps its result for the gradient, and clamp_ writes into it."""
    return torch.exp(mean + deviation * float64(z)).clamp_(min=1e-30)


def fixed_levels(score_fn, x, sigmas, eps, weights=None):
    """Levels as numbers where no weights are given, for which the default needs them."""
    levels = sigmas if weights is not None else sigmas.detach()
    weights = levels**2 if weights is None else weights
    total = 0.0
    for w, s, e in zip(weights, levels, eps):
        total = total + w * 0.5 * ((score_fn(x + s * e, s) + e / s)**2).sum(dim=1)
    return total


def detached_behind(score_fn, x):
    """|s|^2 / 2 + div s, where features behind the eighth add to the divergence no gradient."""
    with torch.enable_grad():
        x = x if x.requires_grad else x.detach().requires_grad_()
        score = score_fn(x)
        total = 0.5 * score.square().sum(dim=1)
        for i in range(x.shape[1]):
            row, = torch.autograd.grad(score[:, i].sum(), x, create_graph=True)
            total = total + (row[:, i] if i < 8 else row[:, i].detach())
    return total if torch.is_grad_enabled() else total.detach()


def pushed_away(conditional, unconditional, scale):
    """No gradient through the unconditional prediction in rows of a negative scale."""
    negative = torch.as_tensor(scale) < 0
    other = torch.where(negative, unconditional.detach(), unconditional)
    return other + scale * (conditional - other)


def one_leaf(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """No gradient through a variance whose state has none."""
    if not x_t.requires_grad:
        alpha_bar_t = alpha_bar_t.detach() if torch.is_tensor(alpha_bar_t) else alpha_bar_t
    beta = (alpha_bar_s - alpha_bar_t) / alpha_bar_s
    left = (1 - alpha_bar_s) / (1 - alpha_bar_t)
    mean = (alpha_bar_s**0.5 * beta / (1 - alpha_bar_t) * x_0
            + (alpha_bar_t / alpha_bar_s)**0.5 * left * x_t)
    return mean, beta * left


SIX = np.concatenate([X, Y])
MANY = np.sin(np.arange(40.0)).reshape(20, 2)

WRONG = [
    wrong("ddpm_step", "a number becomes a column of float64", as_tensors,
          [(float32(X), float32(Y), 0.2, 0.6, float32(Z))]),
    wrong("sliced_score_matching", "without gradients, no graph for a second direction",
          graph_where_on, [(square, torch.tensor(X), torch.tensor(np.stack([Y, Z])))]),
    wrong("divergence", "a score that has no graph", trace_of_graph, [(ones, torch.tensor(X))]),
    wrong("x0_from_eps", "in place where the scale is 1", divided_if_needed,
          [(torch.tensor(X), torch.tensor(Y), 1.0, 0.5)]),
    wrong("mixture_log_density", "torch.cdist of more than 25 means", by_cdist,
          [(torch.tensor(FAR[:3] + 0.1), torch.full((30,), 1 / 30, dtype=torch.float64),
            torch.tensor(FAR), 0.1)]),
    wrong("gaussian_log_density", "a constant of the dtype that came first", kept_constant,
          [(torch.tensor(X), 0.0, 2.0), (float32(X), 0.0, 2.0)]),
    wrong("vp_marginal", "1 - exp in float32 at a short time", without_expm1, [(SHORT,)]),
    wrong("velocity_from_x0_eps", "view of a transposed array", viewed,
          [(torch.tensor(X).T, torch.tensor(Y).T)]),
    cut("ve_ancestral_step", "half precision in no_grad", halves,
        [(torch.tensor(SIX), torch.tensor(SIX), 2.0, 1.0, torch.tensor(SIX) / 3)]),
    cut("mixture_score", "16 components in float32", heaviest,
        [(float32(X), torch.full((20,), 0.05, dtype=torch.float32), float32(MANY), 1.0)]),
    wrong("mixture_score", "responsibilities without a gradient", fixed_shares,
          X, np.array([0.4, 0.6]), Y[:2], 1.0),
    wrong("heun_step", "the prediction is detached", fixed_prediction, cubic, X, 2.0, 1.0),
    wrong("probability_flow_sampler", "a new graph every eighth step", short_memory,
          shrunk, X, np.linspace(3.0, 1.0, 12)),
    wrong("edm_loss", "the weight has no gradient", fixed_weight, cubic, X, 0.5, Y, 0.7),
    wrong("eps_from_score", "a column's derivative is a mean", scaled,
          X, np.array([[0.5], [2.0], [1.0]])),
    wrong("log_normal_sigma", "clamp_ of what exp has kept", clamped_in_place,
          np.array([0.3, -1.0]), -1.2, 1.2),
    wrong("noise_conditional_score_matching", "detached where the weights are the default",
          fixed_levels, shrunk, X, np.array([2.0, 1.0]), np.stack([Y, Z])),
    cut("implicit_score_matching", "eight features of the divergence have a gradient",
        detached_behind, lambda x: x**3, np.cos(np.arange(20.0)).reshape(2, 10)),
    cut("classifier_free_guidance", "detached at a negative scale", pushed_away, X, Y, -0.5),
    cut("posterior", "the level is detached where x_t has no gradient", one_leaf,
        X, torch.tensor(Y), 0.2, 0.6),
]
