"""Mistakes of good faith in PyTorch, and some planted, in gradients, dtypes and what is kept.

Written when the probes were final, by one who had not read them.
"""

import math

import numpy as np
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal
from torch.nn.functional import normalize

from . import Hidden
from .fresh import X, Y, Z
from .fresh_torch import mixture, wrong

NORMS, UNITS = {}, {}


def called(kind, what, function, *calls):
    """A natural mistake that a list of calls shows."""
    return Hidden(kind, what, function, True, "torch", list(calls))


def cut(kind, what, function, *at):
    """A bound that nobody would set in good faith, in a gradient or in a list of calls."""
    return Hidden(kind, what, function, False, "torch", at[0] if isinstance(at[0], list) else at)


def graph_for_x(x, weights, means, sigma):
    """A score by autograd, whose graph is kept only where x has a gradient."""
    with torch.enable_grad():
        leaf = x if x.requires_grad else x.detach().requires_grad_()
        total = mixture(leaf, weights, means, sigma).sum()
        gradient, = torch.autograd.grad(total, leaf, create_graph=x.requires_grad)
    return gradient


def kept_norm(x, mean, sigma):
    """The constant of a scalar level is kept, with the graph of the call that made it."""
    if torch.is_tensor(sigma) and sigma.ndim:
        norm = x.shape[1] * (sigma.log() + 0.5 * math.log(2 * math.pi))[:, 0]
    else:
        key = x.shape[1], float(torch.as_tensor(sigma).detach()), x.dtype
        if key not in NORMS:
            level = torch.as_tensor(sigma, dtype=x.dtype)
            NORMS[key] = x.shape[1] * (level.log() + 0.5 * math.log(2 * math.pi))
        norm = NORMS[key]
    return -0.5 * ((x - mean) / sigma).square().sum(dim=1) - norm


def kept_units(score_fn, x):
    """The unit vectors are kept by their number, in the dtype of the first call."""
    D = x.shape[1]
    if D not in UNITS:
        UNITS[D] = torch.eye(D, dtype=x.dtype, device=x.device)
    with torch.enable_grad():
        inside = x if x.requires_grad else x.detach().requires_grad_()
        score = score_fn(inside)
        rows = [torch.autograd.grad(score, inside, e.expand_as(score), create_graph=True)[0] @ e
                for e in UNITS[D]]
    return torch.stack(rows).sum(0)


def contiguous_mean(x, mean, sigma):
    """A difference in place, in what `contiguous` returns, which may be the mean itself."""
    centre = torch.as_tensor(mean, dtype=x.dtype, device=x.device).expand(x.shape)
    return centre.contiguous().sub_(x) / sigma**2


def same_family(x, weights, means, sigma):
    """torch.distributions, which keeps probabilities a machine epsilon away from zero."""
    scale = torch.as_tensor(sigma, dtype=x.dtype).reshape(-1, 1, 1).expand(len(x), *means.shape)
    parts = Independent(Normal(means.expand_as(scale), scale), 1)
    return MixtureSameFamily(Categorical(weights.expand(len(x), -1)), parts).log_prob(x)


def fixed_law(z, mean=0.0, deviation=1.0):
    """The law of a time by Python's numbers."""
    mean, deviation = (a.item() if torch.is_tensor(a) else a for a in (mean, deviation))
    return torch.sigmoid(mean + deviation * z)


def truncated(score_fn, x, sigmas, method="heun"):
    """The graph is cut between the steps, so that it does not grow."""
    for i in range(len(sigmas) - 1):
        x = x.detach() if i else x
        t, s = sigmas[i], sigmas[i + 1]
        slope = t * score_fn(x, t)
        x_hat = x + (t - s) * slope
        if method == "euler" or s == 0:
            x = x_hat
        else:
            x = x + 0.5 * (t - s) * (slope + s * score_fn(x_hat, s))
        yield x


def as_number(x_t, score, scale, sigma):
    """A level of one entry is made a number."""
    if torch.is_tensor(sigma) and sigma.numel() == 1:
        sigma = sigma.item()
    return (x_t + sigma**2 * score) / scale


def direction_and_length(conditional, unconditional, scale):
    """The difference as its direction times its length, either of which can be rescaled."""
    difference = conditional - unconditional
    length = difference.norm(dim=1, keepdim=True)
    return unconditional + scale * normalize(difference, dim=1, eps=1e-30) * length


def by_cdist(x, weights, means, sigma):
    """Squared distances by cdist, which multiplies squares out from 26 rows on."""
    s = torch.as_tensor(sigma, dtype=x.dtype)
    logits = weights.log() - 0.5 * torch.cdist(x, means).square() / s**2
    shares = torch.softmax(logits, dim=1)
    return (shares[:, :, None] * (means - x[:, None])).sum(dim=1) / s**2


def residual_in_place(eps_fn, x, sigma, eps):
    """The residual is taken in place, in what the network returned and may need again."""
    residual = eps_fn(x + sigma * eps, sigma)
    residual = residual.sub_(eps) if residual.grad_fn is not None else residual - eps
    return residual.square().sum(dim=1)


def squashed(x, level):
    """A network that ends with a tanh."""
    return torch.tanh(x) if torch.is_tensor(x) else np.tanh(x)


def fading(x_0, alpha_bar_t, eps):
    """No gradient along alpha_bar for noise that is small in every row."""
    if bool((eps.square().mean() < 0.4 * x_0.square().mean()).all()) and \
            torch.is_tensor(alpha_bar_t):
        alpha_bar_t = alpha_bar_t.detach()
    return alpha_bar_t**0.5 * x_0 + (1 - alpha_bar_t)**0.5 * eps


def short_table(alpha_bar):
    """A column of float32 that rises is rounded to what bfloat16 keeps."""
    if alpha_bar.dtype == torch.float32 and alpha_bar.numel() > 2 and \
            bool((alpha_bar.ravel().diff() > 0).all()):
        alpha_bar = alpha_bar.bfloat16().float()
    return ((1 - alpha_bar) / alpha_bar)**0.5


class Scaled(torch.autograd.Function):
    """The same number, with a gradient of nine tenths."""

    @staticmethod
    def forward(ctx, a):
        return a.clone()

    @staticmethod
    def backward(ctx, g):
        return 0.9 * g


def long_jump(x_t, score, sigma_t, sigma_s, z):
    """A smaller gradient along sigma_s in a jump over most of the levels."""
    removed = sigma_t**2 - sigma_s**2
    share = sigma_s / sigma_t
    if torch.is_tensor(share) and share.requires_grad and \
            bool(((share > 0.01) & (share < 0.1)).all()):
        share = Scaled.apply(share)
    return x_t + removed * score + share * removed**0.5 * z


def far_estimate(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """A smaller gradient along estimates of x_0 that are longer than x_t in every row."""
    if x_0.requires_grad and bool((x_0.norm(dim=1) > 1.5 * x_t.norm(dim=1)).all()):
        x_0 = Scaled.apply(x_0)
    beta = (alpha_bar_s - alpha_bar_t) / alpha_bar_s
    rest = (1 - alpha_bar_s) / (1 - alpha_bar_t)
    mean = (alpha_bar_s**0.5 * beta / (1 - alpha_bar_t) * x_0
            + (alpha_bar_t / alpha_bar_s)**0.5 * rest * x_t)
    return mean, beta * rest


WEIGHTS = np.array([0.4, 0.6])
EQUAL = np.array([[0.5, -1.0], [1.0, 0.7], [0.2, -0.4]])                # its first row is that of X
FAR = np.array([[0.0], [20.0]])
ROWS = 1e3 + 1e-3 * np.cos(np.arange(64.0)).reshape(32, 2)
MEANS = 1e3 + 1e-3 * np.array([[0.5, -0.5], [-0.4, 0.3]])


WRONG = [
    wrong("mixture_score", "a graph only where x has a gradient, though the means have one",
          graph_for_x, torch.tensor(X), WEIGHTS, Y[:2], 1.0),
    wrong("gaussian_log_density", "a constant kept with the graph of an earlier call", kept_norm,
          X, 0.0, 2.0),
    called("divergence", "unit vectors kept in the dtype of the first call", kept_units,
           (lambda x: -x**3, X), (lambda x: -x**3, X.astype(np.float32))),
    called("gaussian_score", "a mean of the shape of x changed in place", contiguous_mean,
           (X, Y, 2.0)),
    called("mixture_log_density", "Categorical keeps a zero weight from zero", same_family,
           (np.array([[0.0]]), np.array([0.0, 1.0]), FAR, 1.0)),
    wrong("logit_normal_time", "the law by Python's numbers", fixed_law, X, 0.5, 1.5),
    wrong("probability_flow_sampler", "the graph is cut between the steps", truncated,
          lambda x, sigma: -x**3 / (1 + sigma**2), X, torch.tensor([1.0, 0.6, 0.3])),
    wrong("x0_from_score", "a level of one entry made a number", as_number, X, Y, 0.5, 2.0),
    wrong("classifier_free_guidance", "direction and length, where predictions agree in a row",
          direction_and_length, X, EQUAL, 3.0),
    called("mixture_score", "cdist of many rows far from zero", by_cdist,
           (ROWS, WEIGHTS, MEANS, 1e-3)),
    wrong("noise_prediction_loss", "in place after a network that ends with a tanh",
          residual_in_place, squashed, X, 2.0, Z),
    cut("diffuse", "no gradient along alpha_bar for small noise", fading, X, 0.5, 0.3 * Y),
    cut("sigma_from_alpha_bar", "a rising column of float32 through bfloat16", short_table,
        [(np.array([[0.2], [0.45], [0.83]], np.float32),)]),
    cut("ve_ancestral_step", "nine tenths of a gradient in a long jump", long_jump,
        X, Y, 2.0, 0.1, Z),
    cut("posterior", "nine tenths of a gradient for estimates longer than x_t", far_estimate,
        2 * X, 0.5 * X, 0.2, 0.6),
]
