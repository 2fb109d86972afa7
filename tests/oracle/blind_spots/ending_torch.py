"""Mistakes of good faith in PyTorch, and some planted, by one who had not read the probes.

They hide where two circumstances meet: a mode, a dtype, a stride, an earlier call, an edge.
"""

import math

import numpy as np
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from . import Hidden
from .fresh import X, Y, Z

TABLES, BUFFERS, ANGLES, NORMS, LAST = {}, {}, {}, {}, {}
LEVELS = np.array([[0.5], [1.0], [2.0]])


def wrong(kind, what, function, *at):
    """A natural mistake; `at` shows a gradient, a list of calls in it values and side effects."""
    return Hidden(kind, what, function, True, "torch", at[0] if isinstance(at[0], list) else at)


def cut(kind, what, function, *at):
    """A difference that nobody would make in good faith."""
    return wrong(kind, what, function, *at)._replace(natural=False)


def number(a):
    """A tensor; a number of Python keeps its digits, a whole one stays whole."""
    return torch.tensor(a, dtype=torch.float64) if isinstance(a, float) else torch.as_tensor(a)


def floating(a):
    """A tensor of floating point."""
    a = number(a)
    return a if a.is_floating_point() else a.double()


def rows(level):
    """Whether a level is (B, 1)."""
    return torch.is_tensor(level) and level.ndim > 0


def tanh(x, t):
    """A network whose last layer is a tanh, for both frameworks."""
    return x.tanh() if torch.is_tensor(x) else np.tanh(x)


# Calls in a row -----------------------------------------------------------------------------------


def table_by_its_ends(betas):
    """A table remembered by its length and its ends, unless a gradient is wanted."""
    def product():
        return torch.cat([torch.ones_like(betas[:1]), torch.log1p(-betas).cumsum(0).exp()])

    if betas.requires_grad:
        return product()
    key = len(betas), betas.dtype, betas[0].item(), betas[-1].item()
    if key not in TABLES:
        TABLES[key] = product()
    return TABLES[key].clone()


def two_buffers(x_t, score, sigma_t, sigma_s, z):
    """While sampling, results in two buffers by turns, so that a state can be the next input."""
    removed = (sigma_t - sigma_s) * (sigma_t + sigma_s)
    step = removed * score + removed**0.5 * z
    if torch.is_grad_enabled():
        return x_t + step
    dtype = torch.promote_types(x_t.dtype, step.dtype)
    key = x_t.shape, dtype
    if key not in BUFFERS:
        BUFFERS[key] = [torch.empty(x_t.shape, dtype=dtype) for _ in range(2)]
    BUFFERS[key].reverse()
    return torch.add(x_t, step, out=BUFFERS[key][0])


def angle_of_first_caller(t, offset=0.008):
    """The quarter turn of an offset remembered in the dtype of who asked first."""
    t = floating(t)
    turn = math.pi / 2 / (1 + offset)
    if not torch.is_tensor(turn):
        if offset not in ANGLES:
            ANGLES[offset] = torch.tensor(turn, dtype=t.dtype)
        turn = ANGLES[offset]
    top = torch.cos(offset * turn)
    square = torch.sin(t * turn) * torch.sin((t + 2 * offset) * turn)
    return ((torch.cos((t + offset) * turn) / top).to(t.dtype), (square.sqrt() / top).to(t.dtype))


def learned_norm(x, mean, sigma):
    """The normalising constant of a learned sigma is kept, with its graph, until sigma changes."""
    def log_norm():
        return x.shape[1] * (floating(sigma).log() + 0.5 * math.log(2 * math.pi))

    squares = ((x - mean) / sigma).square().sum(dim=1)
    if rows(sigma):
        return -0.5 * squares - log_norm()[:, 0]
    if not torch.is_tensor(sigma) or not sigma.requires_grad or not torch.is_grad_enabled():
        return -0.5 * squares - log_norm()
    key = x.shape[1], sigma.dtype, sigma.item()
    if key not in NORMS:
        NORMS.clear()
        NORMS[key] = log_norm()
    return -0.5 * squares - NORMS[key]


def falling_levels(score_fn, x, sigma, eps):
    """Wrong where the data are those of the last call, under other noise and at a lower level."""
    level = floating(sigma).detach().mean()
    before, LAST["call"] = LAST.get("call"), (x.detach().clone(), level, eps.detach().clone())
    loss = 0.5 * (score_fn(x + sigma * eps, sigma) + eps / sigma).square().sum(dim=1)
    if before is None or before[0].dtype != x.dtype or before[2].dtype != eps.dtype:
        return loss
    known = torch.equal(before[0], x) and not torch.equal(before[2], eps)
    return 1.001 * loss if known and level < before[1] else loss


# Arguments changed, strides, dtypes ---------------------------------------------------------------


def own_copy(x, mean, sigma):
    """A copy to work on in place, which one row does not need and does not get."""
    if not torch.is_tensor(mean):
        return (mean - x) / sigma**2
    mean = mean.to(torch.promote_types(mean.dtype, x.dtype))
    out = mean.clone() if mean.ndim == x.ndim else mean.expand_as(x).contiguous()
    out -= x
    return out / sigma**2


def silent_last_step(x_t, score, sigma_t, sigma_s, z):
    """No noise in the rows that end at zero: those of the caller's z."""
    if rows(sigma_s):
        last = sigma_s[:, 0] == 0
        if last.any():
            z[last] = 0
    removed = (sigma_t - sigma_s) * (sigma_t + sigma_s)
    return x_t + removed * score + sigma_s / sigma_t * removed**0.5 * z


def flat_columns(score_fn, x):
    """Unit vectors written through a flat view, which is a copy where x is a transpose."""
    with torch.enable_grad():
        leaf = x if x.requires_grad else x.detach().requires_grad_()
        score, total = score_fn(leaf), torch.zeros_like(x[:, 0])
        if not score.requires_grad:
            return total
        for i in range(x.shape[1]):
            unit = torch.zeros_like(leaf)
            unit.flatten()[i::x.shape[1]] = 1
            row, = torch.autograd.grad(score, leaf, unit, create_graph=True, materialize_grads=True)
            total = total + row[:, i]
    return total if torch.is_grad_enabled() else total.detach()


def whole_numbers(sigma, sigma_data):
    """Whole numbers stay whole, and the square of their product leaves 64 bits."""
    s, d = number(sigma), number(sigma_data)
    total = s**2 + d**2
    return (total if total.is_floating_point() else total.double()) / (s * d)**2


def level_of_noise_dtype(x_0, alpha_bar_t, eps):
    """The level in the dtype of the noise, which torch.randn draws in float32, then 1 - level."""
    if torch.is_tensor(alpha_bar_t):
        alpha_bar_t = alpha_bar_t.to(eps.dtype)
    return alpha_bar_t**0.5 * x_0 + (1 - alpha_bar_t)**0.5 * eps


def mixed_and_falling(score_vp, alpha_bar):
    """Wrong where the levels have another dtype than the score and the last is the smaller one."""
    right = alpha_bar**0.5 * score_vp
    mixed = rows(alpha_bar) and alpha_bar.dtype != score_vp.dtype
    return 1.001 * right if mixed and alpha_bar[-1, 0] < alpha_bar[0, 0] else right


def sampling_in_single(x_t, eps, scale, sigma):
    """Wrong in float32, without gradients, where the first level is below the last."""
    right = (x_t - sigma * eps) / scale
    if torch.is_grad_enabled() or right.dtype != torch.float32 or not rows(sigma):
        return right
    return 1.001 * right if sigma[0, 0] < sigma[-1, 0] else right


# Values -------------------------------------------------------------------------------------------


def by_cdist(x, weights, means, sigma):
    """torch.cdist, which expands the square for more than 25 rows or components."""
    logits = weights.log() - 0.5 * (torch.cdist(x, means) / sigma)**2
    shares = logits.softmax(dim=1)[:, :, None]
    return (shares * (means - x[:, None])).sum(dim=1) / sigma**2


def by_distributions(x, weights, means, sigma):
    """torch.distributions, where a weight of zero is one of machine epsilon."""
    s = torch.as_tensor(sigma, dtype=x.dtype).reshape(-1, 1, 1)
    components = Independent(Normal(*torch.broadcast_tensors(means, s)), 1)
    return MixtureSameFamily(Categorical(probs=weights), components).log_prob(x)


def close_to_the_last(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    """The last step is known by torch.isclose, which knows 1 - 1e-5 as well."""
    x_0 = (x_t - (1 - alpha_bar_t)**0.5 * eps) / alpha_bar_t**0.5
    beta = (alpha_bar_s - alpha_bar_t) / alpha_bar_s
    kept = alpha_bar_t * (1 - alpha_bar_s) / (alpha_bar_s * (1 - alpha_bar_t))
    variance = eta**2 * beta * (1 - alpha_bar_s) / (1 - alpha_bar_t)
    direction = (1 - alpha_bar_s) * ((1 - eta**2) + eta**2 * kept)
    x_s = alpha_bar_s**0.5 * x_0 + direction**0.5 * eps + variance**0.5 * z
    end = floating(alpha_bar_s)
    return torch.where(torch.isclose(end, torch.ones_like(end)), x_0, x_s)


def towards_the_data(x_t, u, scale, sigma, scale_rate, sigma_rate):
    """Wrong for a tall batch that moves inwards, at much noise, as time runs to the data."""
    growth = scale * sigma_rate - sigma * scale_rate
    right = (scale_rate * x_t - scale * u) / (sigma * growth)
    a, s, da, ds = (number(level) for level in (scale, sigma, scale_rate, sigma_rate))
    there = (s > a).all() and (da > 0).all() and (da.abs() > ds.abs()).all()
    inwards = len(x_t) > x_t.shape[1] and (x_t * u).sum() < 0
    return 1.001 * right if there and inwards else right


# Gradients ----------------------------------------------------------------------------------------


def root_of_a_square(sigma, sigma_data, sigma_min=0.002):
    """The root of a quotient that is zero at sigma_min: there it has no gradient in sigma_data."""
    square = (sigma - sigma_min)**2
    share = square / (sigma**2 + sigma_data**2)
    return sigma_data**2 / (square + sigma_data**2), sigma_data * share**0.5


def written_over(u_fn, x_0, t, eps):
    """The residual in place of the prediction, which a tanh needs for its own gradient."""
    residual = u_fn((1 - t) * x_0 + t * eps, t)
    residual -= eps - x_0
    return residual.square().sum(dim=1)


def exploding_case(x_t, score, scale, sigma, scale_rate, sigma_rate):
    """A scale that does not change drops out, and with it the gradient in its rate."""
    if torch.is_tensor(scale_rate) and not scale_rate.any():
        return -sigma * sigma_rate * score
    growth = scale * sigma_rate - sigma * scale_rate
    return (scale_rate * x_t - sigma * growth * score) / scale


def leaning(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """A gradient that is too large for few rows of many features, where two signs differ."""
    beta = (alpha_bar_s - alpha_bar_t) / alpha_bar_s
    rest = (1 - alpha_bar_s) / (1 - alpha_bar_t)
    mean = (alpha_bar_s**0.5 * beta / (1 - alpha_bar_t) * x_0
            + (alpha_bar_t / alpha_bar_s)**0.5 * rest * x_t)
    if x_0.shape[1] > len(x_0)**2 and x_0[0, 0] < 0 < x_t[-1, -1]:
        mean = mean + 0.001 * (mean - mean.detach())
    return mean, beta * rest


GRID = np.stack([np.arange(30) % 6, np.arange(30) // 6], axis=1) + 1e6                     # (30, 2)

WRONG = [
    wrong("alpha_bar_from_betas", "a table remembered by its ends", table_by_its_ends,
          [(np.array([0.1, 0.2, 0.4]),), (np.array([0.1, 0.3, 0.4]),)]),
    wrong("ve_reverse_sde_step", "two buffers by turns without gradients", two_buffers,
          [(X, Y, 2.0, 1.0, Z), (Y, X, 2.0, 1.0, Z), (Z, X, 2.0, 1.0, Y)]),
    wrong("cosine_marginal", "a constant remembered in the dtype of its first caller",
          angle_of_first_caller, [(LEVELS.astype(np.float32) / 4, 0.01), (1 - LEVELS / 1e3, 0.01)]),
    wrong("gaussian_log_density", "a constant kept with its graph between two calls",
          learned_norm, X, 0.5, 2.0),
    wrong("gaussian_score", "contiguous() copies no single row", own_copy,
          [(X[:1], np.array([0.3, -0.2]), 2.0)]),
    wrong("ve_ancestral_step", "the noise of rows that end at zero is set to zero",
          silent_last_step, [(X, Y, 2.0, np.array([[0.0], [1.0], [0.5]]), Z)]),
    wrong("divergence", "a flat view of a transpose is a copy", flat_columns,
          [(lambda x: -x**3, torch.tensor(X).T)]),
    wrong("edm_weight", "whole numbers that leave 64 bits", whole_numbers, [(200000, 100000)]),
    wrong("diffuse", "the level in the dtype of the noise", level_of_noise_dtype,
          [(X, 1 - 1e-6 * LEVELS, Z.astype(np.float32))]),
    wrong("mixture_score", "torch.cdist of many components, far from zero", by_cdist,
          [(X + 1e6, np.full(30, 1 / 30), GRID, 1.0)]),
    wrong("mixture_log_density", "a weight of zero is one of machine epsilon", by_distributions,
          [(X, np.array([1.0, 0.0]), np.array([[40.0, 0.0], [0.0, 0.0]]), 1.0)]),
    wrong("ddim_step", "a step that ends close to 1 taken as the last", close_to_the_last,
          [(X, Y, 0.5, 1 - 8e-6, 0.5, Z)]),
    wrong("consistency_scalings", "the root of a square at sigma_min", root_of_a_square,
          torch.tensor(0.002, dtype=torch.float64), 0.5),
    wrong("flow_matching_loss", "a prediction written over that its gradient needs",
          written_over, tanh, X, 0.5, Y),
    wrong("velocity_from_score", "a constant scale drops out with its gradient",
          exploding_case, X, Y, 1.0, 2.0, 0.0, 1.0),
    cut("posterior", "a gradient for few rows, where two signs differ", leaning,
        -X[:1], Y[:1], 0.2, 0.6),
    cut("x0_from_eps", "float32 without gradients at rising levels", sampling_in_single,
        [tuple(a.astype(np.float32) for a in (X, Y, LEVELS[::-1], LEVELS))]),
    cut("denoising_score_matching", "the same data under other noise at a lower level",
        falling_levels, [(tanh, X, 2.0, Y), (tanh, X, 1.0, Z)]),
    cut("ve_score_from_vp", "falling levels of another dtype than the score", mixed_and_falling,
        [(X.astype(np.float32), LEVELS[::-1] / 4)]),
    cut("score_from_velocity", "a tall batch that moves inwards towards the data",
        towards_the_data, [(X, -X, 0.3, 0.7, 1.0, -0.5)]),
]
