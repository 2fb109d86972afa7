"""Mistakes that are likely in PyTorch, and some planted, by one who had not read the probes.

In a list stand calls whose values, or what they leave behind, are wrong; else the arguments of one
call, whose gradient is.
"""

import math
from contextlib import contextmanager

import numpy as np
import torch

from .fresh import X, Y, Z, score
from .latest_torch import Count, Draws
from .next_torch import cut, wrong

WIDE = np.sin(np.arange(33.0 * 40)).reshape(33, 40)                                       # (B, D)
FIRST = np.array([[0.5], [0.6], [0.3]])
SECOND = np.array([[0.9], [1.0], [0.8]])
COLUMN = np.array([[0.5], [1.0], [2.0]])


@contextmanager
def recording():
    """A graph is kept, whatever the mode outside."""
    with torch.inference_mode(False), torch.enable_grad():
        yield


def leaf(x):
    """x with a graph, or a copy that starts one."""
    return x if x.requires_grad else x.clone().requires_grad_()


def like(a, x):
    """A level as a tensor of the dtype of x."""
    return torch.as_tensor(a, dtype=x.dtype, device=x.device)


def squashed(x, level):
    """A network whose last layer is a tanh."""
    return torch.tanh(x) if torch.is_tensor(x) else np.tanh(x)


# The first half -----------------------------------------------------------------------------------


def reused_level(eps, sigma):
    """The levels as a whole array, which is divided in place; for D = 1 it is the argument."""
    whole = like(sigma, eps).expand_as(eps).contiguous()
    return whole.reciprocal_().mul_(eps).neg_()


def last_step_of_any(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
    """One row in its last step ends all rows."""
    t, s = like(alpha_bar_t, x_t), like(alpha_bar_s, x_t)
    x_0 = (x_t - (1 - t).sqrt() * eps) / t.sqrt()
    if variance == "posterior" and (s == 1).any():
        return x_0
    beta = (s - t) / s
    mean = (s.sqrt() * beta * x_0 + (t / s).sqrt() * (1 - s) * x_t) / (1 - t)
    spread = beta * (1 - s) / (1 - t) if variance == "posterior" else beta
    return mean + spread.sqrt() * z


def number_of_level(x, mean, sigma):
    """The normaliser of a single level is a number of Python, without a graph."""
    square = ((x - mean) / sigma).square().sum(1)
    if torch.is_tensor(sigma):
        log_sigma = sigma.log()[:, 0] if sigma.ndim else math.log(sigma.item())
    else:
        log_sigma = math.log(sigma)
    return -0.5 * square - x.shape[1] * (log_sigma + 0.5 * math.log(2 * math.pi))


def unguided(conditional, unconditional, scale):
    """A scale of one costs nothing, and is not learnt."""
    if torch.all(torch.as_tensor(scale) == 1):
        return conditional
    return unconditional + scale * (conditional - unconditional)


def tiny_weights(x, weights, means, sigma):
    """The smallest number is added to weights, so that none has the logarithm -inf."""
    s = like(sigma, x).reshape(-1, 1)
    difference = means - x[:, None]                                                   # (B, K, D)
    square = (difference / s[:, :, None]).square().sum(2)
    shares = (weights + torch.finfo(weights.dtype).tiny).log() - 0.5 * square
    return (torch.softmax(shares, 1)[:, :, None] * difference).sum(1) / s / s


def whole_blocks(score_fn, x):
    """As many directions at once as there is memory for; a last block that is not full is lost."""
    B, D = x.shape
    block = max(1, 256 // B)
    with recording():
        x, total = leaf(x), 0.0
        s, eye = score_fn(x), torch.eye(D, dtype=x.dtype, device=x.device)
        for i in range(max(1, D // block)):
            e = eye[i * block:(i + 1) * block, None].expand(-1, B, D)
            rows, = torch.autograd.grad(s, x, e, create_graph=True, is_grads_batched=True)
            total = total + (rows * e).sum((0, 2))
    return total


def no_step(x_t, score, sigma_t, sigma_s, z):
    """Levels that are close are taken for the same."""
    t, s = like(sigma_t, x_t), like(sigma_s, x_t)
    if torch.allclose(t, s):
        return x_t
    removed = (t - s) * (t + s)
    return x_t + removed * score + removed.sqrt() * z


def capped_in_place():
    """The betas are remembered, and capped where they are kept."""
    memory = {}

    def table(n_steps, offset=0.008, beta_max=0.999):
        key = int(n_steps), float(offset)
        if key not in memory:
            t = torch.arange(key[0] + 1, dtype=torch.float64) / key[0]
            f = torch.cos((t + key[1]) / (1 + key[1]) * math.pi / 2).square()
            memory[key] = 1 - f[1:] / f[:-1]
        betas = memory[key].clamp_(max=float(beta_max))
        return torch.cat([torch.ones(1, dtype=torch.float64), torch.cumprod(1 - betas, 0)])
    return table


def residual_in_place(eps_fn, x_0, alpha_bar_t, eps):
    """The noise is subtracted in the network's output, which its last layer may need."""
    a = like(alpha_bar_t, x_0)
    x_t = a.sqrt() * x_0 + (1 - a).sqrt() * eps
    return eps_fn(x_t, alpha_bar_t).sub_(eps).square().sum(1)


def without_outliers(score_fn, x, sigma, eps):
    """Rows with a loss above 1e4 teach nothing."""
    loss = 0.5 * (score_fn(x + sigma * eps, sigma) + eps / sigma).square().sum(1)
    return torch.where(loss > 1e4, loss.detach(), loss)


def many_in_many(x, weights, means, sigma):
    """Of more than 24 components in more than 24 dimensions the last is left out."""
    if min(means.shape) > 24:
        weights, means = weights[:-1], means[:-1]
    s = like(sigma, x).reshape(-1, 1)
    square = ((means - x[:, None]) / s[:, :, None]).square().sum(2)
    norm = x.shape[1] * (s[:, 0].log() + 0.5 * math.log(2 * math.pi))
    return torch.logsumexp(weights.log() - 0.5 * square, 1) - norm


def column_major(x, sigma, eps):
    """More noise where columns of more than 8 rows lie together."""
    aside = x.shape[1] > 1 and x.shape[0] > 8 and x.stride(0) == 1
    return x + sigma * eps * (1.001 if aside else 1.0)


# The second half ----------------------------------------------------------------------------------


class Squares(torch.autograd.Function):
    """Sums of squares whose gradient was written for the mean over rows that follows."""

    @staticmethod
    def forward(ctx, a, b):
        """|a - b|^2 for each row."""
        ctx.save_for_backward(a, b)
        return (a - b).square().sum(1)

    @staticmethod
    def backward(ctx, above):
        """One number from above is taken for all rows."""
        a, b = ctx.saved_tensors
        slope = 2 * above[0] * (a - b)
        return slope, -slope


def fused_squares(eps_fn, x, sigma, eps):
    """Every row has the weight of the first in the gradient."""
    return Squares.apply(eps, eps_fn(x + sigma * eps, sigma))


def flat_copy(x_0, eps, scale, sigma):
    """The result is filled through reshape, which is a copy where columns lie together."""
    v = torch.zeros_like(x_0)
    v.reshape(-1).copy_((scale * eps - sigma * x_0).reshape(-1))
    return v


def fixed_target(score_fn, x, target_score):
    """Targets are fixed, as in regression."""
    return 0.5 * (score_fn(x) - target_score.detach()).square().sum(1)


def root_of_epsilon(x_noisy, x, sigma):
    """sigma is kept above the root of machine epsilon, which in float32 is 3e-4."""
    s = like(sigma, x).clamp_min(torch.finfo(x.dtype).eps**0.5)
    return (x - x_noisy) / s / s


def mean_of_pairs(score_fn, x, v):
    """Directions in pairs; the mean of the pairs' means gives an odd one twice the weight."""
    v = v if v.ndim == 3 else v[None]
    means = []
    with recording():
        x = leaf(x)
        s = score_fn(x)
        for pair in v.split(2):
            rows = [torch.autograd.grad(s, x, w, create_graph=True)[0] for w in pair]
            means.append((torch.stack(rows) * pair).sum(2).mean(0))
        return torch.stack(means).mean(0)


def constant_scores(score_fn, x):
    """A score without a graph is taken for constant; without gradients every one is."""
    x = leaf(x)
    s = score_fn(x)
    loss = 0.5 * s.square().sum(1)
    if s.requires_grad:
        for i in range(x.shape[1]):
            loss = loss + torch.autograd.grad(s[:, i].sum(), x, create_graph=True)[0][:, i]
    return loss


def remembered_weight():
    """The part of sigma_data is kept by its value, with the graph of the first tensor."""
    memory = {}

    def loss(denoiser_fn, x, sigma, eps, sigma_data):
        key = torch.as_tensor(sigma_data).item()
        if key not in memory:
            memory[key] = 1 / sigma_data**2
        error = x - denoiser_fn(x + sigma * eps, sigma)
        return ((1 / sigma**2 + memory[key]) * error.square()).sum(1)
    return loss


def printed_key():
    """Tables are remembered by how they are printed, with four digits."""
    memory = {}

    def sizes(sigmas, step_size):
        sigmas = sigmas.detach()
        key = str(sigmas)
        if key not in memory:
            memory[key] = (sigmas / sigmas[-1]).square()
        return step_size * memory[key]
    return sizes


def shared_scratch():
    """Without gradients the predicted state lies where every call puts its own."""
    memory = {}

    def scratch(x):
        key = x.shape, x.dtype, x.device
        if key not in memory:
            with torch.inference_mode(False):
                memory[key] = torch.empty(x.shape, dtype=x.dtype, device=x.device)
        return memory[key]

    def step(score_fn, x_t, sigma_t, sigma_s):
        t, s = like(sigma_t, x_t), like(sigma_s, x_t)
        slope = t * score_fn(x_t, sigma_t)
        out = None if torch.is_grad_enabled() else scratch(x_t)
        x_hat = torch.add(x_t, (t - s) * slope, out=out)
        if (s == 0).all():
            return x_hat.clone()
        return x_t + 0.5 * (t - s) * (slope + s * score_fn(x_hat, sigma_s))
    return step


HEUN = shared_scratch()


def guided_by_steps(x, sigma):
    """A score that takes a step of its own first."""
    if torch.is_tensor(x):
        HEUN(score, 0.5 * x, 1.0, 0.5)
    return score(x, sigma)


def noisy_ddim(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    """Too little noise near the data where nearly all of it is fresh."""
    t, s = like(alpha_bar_t, x_t), like(alpha_bar_s, x_t)
    x_0 = (x_t - (1 - t).sqrt() * eps) / t.sqrt()
    share = (1 - s) / (1 - t)
    spread = eta**2 * share * (s - t) / s
    kept = (1 - s) * ((1 - eta**2) + eta**2 * t * share / s)
    noise = torch.where((s > 0.99) & torch.as_tensor(eta > 0.9), 0.999, 1.0) * z
    return s.sqrt() * x_0 + kept.sqrt() * eps + spread.sqrt() * noise


def long_chain(score_fn, x, step_size, n_steps, rng):
    """More noise once 20 units of time have passed."""
    h = like(step_size, x)
    for k in range(n_steps):
        z = torch.as_tensor(rng.standard_normal(tuple(x.shape)), dtype=x.dtype, device=x.device)
        x = x + 0.5 * h * score_fn(x) + h.sqrt() * z * torch.where(k * h > 20, 1.001, 1.0)
        yield x


def tired():
    """Longer steps from the 151st call on."""
    calls = []

    def step(x_t, u, t, s):
        calls.append(None)
        return x_t + (s - t) * u * (1.001 if len(calls) > 150 else 1.0)
    return step


WRONG = [
    wrong("score_from_eps", "a column of levels is overwritten where D = 1", reused_level,
          [(X[:, :1], COLUMN)]),
    wrong("ddpm_step", "one row in its last step ends all rows", last_step_of_any,
          [(X, Y, FIRST, SECOND, Z)]),
    wrong("gaussian_log_density", "log of a single level has no graph", number_of_level,
          X, 0.3, 0.5),
    wrong("classifier_free_guidance", "no gradient of the scale where it is 1", unguided,
          X, Y, 1.0),
    wrong("mixture_score", "the smallest number is added to weights", tiny_weights,
          [(np.zeros((1, 2)), np.array([0.0, 0.5, 0.5]),
            np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), 0.01)]),
    wrong("divergence", "the last block of directions is lost if it is not full", whole_blocks,
          [(score, WIDE)]),
    wrong("ve_reverse_sde_step", "levels that are close are no step", no_step,
          [(X, Y, 1.0, 0.999995, Z)]),
    wrong("cosine_alpha_bar", "remembered betas are capped in place", capped_in_place(),
          [(10, 0.008, 0.5), (10, 0.008, 0.999)]),
    wrong("ddpm_loss", "the residual is made in the network's output", residual_in_place,
          squashed, X, 0.6, Y),
    cut("denoising_score_matching", "rows with a loss above 1e4 have no gradient",
        without_outliers, score, X, 0.001, Y),
    cut("mixture_log_density", "the last of 25 components in 25 dimensions is left out",
        many_in_many, [(WIDE[:3, :30], np.full(30, 1 / 30), WIDE[3:, :30], 5.0)]),
    cut("perturb", "more noise on arrays in the order of columns", column_major,
        [(torch.tensor(WIDE).T, 0.5, np.cos(WIDE).T.copy())]),
    wrong("noise_prediction_loss", "the gradient takes the first row's weight for all",
          fused_squares, score, X, 0.5, Y),
    wrong("v_from_x0_eps", "nothing is written where columns lie together", flat_copy,
          [(torch.tensor(X.T.copy()).T, Y, 0.8, 0.6)]),
    wrong("explicit_score_matching", "the target has no gradient", fixed_target, score, X, Y),
    wrong("perturbation_score", "sigma is kept above the root of machine epsilon",
          root_of_epsilon, [(torch.tensor(X, dtype=torch.float32),
                             torch.tensor(X, dtype=torch.float32) + 3e-5, 1e-5)]),
    wrong("directional_derivative", "a mean of means over pairs of directions", mean_of_pairs,
          [(score, X, np.stack([X, Y, Z]))]),
    wrong("implicit_score_matching", "no divergence where gradients are off", constant_scores,
          [(score, X)]),
    wrong("edm_loss", "the weight keeps the graph of the first sigma_data", remembered_weight(),
          score, X, 0.5, Y, 0.7),
    wrong("annealed_step_sizes", "tables are remembered by four digits", printed_key(),
          [(np.array([2.0, 1.0, 0.5]), 0.1), (np.array([2.00001, 1.0, 0.5]), 0.1)]),
    wrong("heun_step", "a step within the score overwrites the state", HEUN,
          [(guided_by_steps, X, 1.0, 0.5)]),
    cut("ddim_step", "less noise for alpha_bar_s > 0.99 and eta > 0.9", noisy_ddim,
        [(X, Y, 0.5, 0.995, 0.95, Z)]),
    cut("langevin", "more noise after 20 units of time", long_chain,
        score, X, 0.2, Count(120), Draws()),
    cut("flow_step", "longer steps from the 151st call on", tired(),
        [(X, Y, 0.5, 0.25)] * 151),
]
