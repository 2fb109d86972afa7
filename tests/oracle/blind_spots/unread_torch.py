"""Mistakes of good faith in PyTorch, and some planted, by one who had not read the probes.

A tuple of arguments shows a wrong gradient; a list of calls a result that is wrong in value, shape
or dtype, an exception, a changed argument, or a result that a later call spoils (see `shown`).
"""

import math

import numpy as np
import torch
from torch.nn import functional

from . import Hidden
from .fresh import X, Y, Z

COLUMN = np.array([[0.3], [0.5], [2.0]])
X_32, Y_32 = (torch.tensor(a, dtype=torch.float32) for a in (X, Y))
LONG = np.sin(np.arange(60.0)).reshape(20, 3)                                          # (20, 3)
WIDE = np.cos(np.arange(51.0)).reshape(3, 17)                                          # (3, 17)
FAR_MEANS = 300 + np.linspace(0, 3, 60).reshape(30, 2)
RING = np.linspace(-1, 1, 17)


def wrong(kind, what, function, *at):
    """A natural mistake: the arguments that show a gradient, or one list of calls."""
    return Hidden(kind, what, function, True, "torch", at[0] if isinstance(at[0], list) else at)


def cut(kind, what, function, *at):
    """What nobody would write in good faith."""
    return wrong(kind, what, function, *at)._replace(natural=False)


def like(x, level):
    """A level as a tensor beside x, with its graph."""
    return torch.as_tensor(level, dtype=x.dtype)


def tensor(level):
    """A level, time or weight as a tensor, of double precision if it is a number."""
    return level if torch.is_tensor(level) else torch.tensor(level, dtype=torch.float64)


# Functions for the arguments ----------------------------------------------------------------------


def constant(x):
    """A score that does not depend on x."""
    return torch.full_like(x, 2.0) if torch.is_tensor(x) else np.full_like(x, 2.0)


def tanh(x, level):
    """A network whose last layer is a hyperbolic tangent."""
    return x.tanh() if torch.is_tensor(x) else np.tanh(x)


def student(x, sigma):
    """A score that sums over the features, which it takes for axis 1."""
    return -x / (sigma**2 + (x * x).sum(1)[:, None])


def coupled(x, sigma):
    """A score whose Jacobian is not diagonal."""
    ring = torch.tensor(RING, dtype=x.dtype) if torch.is_tensor(x) else RING
    return -(x + 0.1 * (x * ring).sum(1)[:, None] * ring) / (2 + sigma**2)


# Densities ----------------------------------------------------------------------------------------


def nll(x, mean, sigma):
    """PyTorch's loss, which takes no variance below 1e-6."""
    mean = like(x, mean).expand_as(x)
    variance = like(x, sigma).square().expand_as(x)
    return -functional.gaussian_nll_loss(mean, x, variance, full=True, reduction="none").sum(1)


def full_like(x, mean, sigma):
    """A mean that is one number is filled in, which takes the number from its graph."""
    if not torch.is_tensor(mean) or mean.ndim == 0:
        mean = torch.full_like(x, float(mean))
    return (mean - x) / sigma**2


def logits(x, weights, means, sigma):
    """log w_k N(x | m_k, sigma^2 I), (B, K)."""
    s = like(x, sigma).reshape(-1, 1)
    squares = ((x[:, None] - means) / s[:, None]).square().sum(-1)
    return weights.log() - 0.5 * squares - x.shape[1] * (s.log() + 0.5 * math.log(2 * math.pi))


def by_cdist(x, weights, means, sigma):
    """torch.cdist expands the square for more than 25 rows, and loses digits there."""
    s = like(x, sigma).reshape(-1, 1)
    kernel = -0.5 * (torch.cdist(x, means) / s)**2
    log_norm = x.shape[1] * (s.log() + 0.5 * math.log(2 * math.pi))
    return torch.logsumexp(weights.log() + kernel - log_norm, dim=1)


def categorical(x, weights, means, sigma):
    """Categorical keeps probabilities away from 0 by the epsilon of the dtype."""
    log_weights = torch.distributions.Categorical(probs=weights).logits
    return torch.logsumexp(log_weights + logits(x, torch.ones_like(weights), means, sigma), dim=1)


def rows_of_16(x, weights, means, sigma):
    """Blocks of rows to spare memory, of x but not of its levels."""
    def block(rows):
        r = logits(rows, weights, means, sigma).softmax(dim=1)
        return (r @ means - rows) / sigma**2
    return torch.cat([block(rows) for rows in x.split(16)])


# Objectives ---------------------------------------------------------------------------------------


def traced(score_fn, x):
    """A graph is kept as long as another derivative is to come: not of the last feature."""
    leaf = x if x.requires_grad else x.detach().requires_grad_()
    with torch.enable_grad():
        score = score_fn(leaf)
        loss = 0.5 * score.square().sum(1)
        for i in range(x.shape[1]):
            more = i + 1 < x.shape[1]
            row, = torch.autograd.grad(score[:, i].sum(), leaf, create_graph=more,
                                       retain_graph=True)
            loss = loss + row[:, i]
    return loss


def basis(score_fn, x):
    """Rows of the Jacobian by autograd, which a score without a graph does not have."""
    with torch.enable_grad():
        leaf = x if x.requires_grad else x.detach().requires_grad_()
        score = score_fn(leaf)
        return sum(torch.autograd.grad(score[:, i].sum(), leaf, create_graph=True)[0][:, i]
                   for i in range(x.shape[1]))


def directions(score_fn, x, v):
    """Whether v holds several directions is read off its first axis, where M may be B."""
    v = v[None] if len(v) == len(x) else v
    with torch.enable_grad():
        leaf = x if x.requires_grad else x.detach().requires_grad_()
        score = score_fn(leaf)
        terms = [0.5 * (score * w).sum(-1)**2
                 + (torch.autograd.grad((score * w).sum(), leaf, create_graph=True)[0] * w).sum(-1)
                 for w in v]
    return torch.stack(terms).mean(0)


def difference(score_fn, x, sigma, eps):
    """The target from the difference of noisy and clean data."""
    x_noisy = x + sigma * eps
    target = (x - x_noisy) / sigma**2
    return 0.5 * (score_fn(x_noisy, sigma) - target).square().sum(1)


def all_levels(score_fn, x, sigmas, eps, weights=None):
    """One call of the network for all levels, (L, B, D)."""
    levels = sigmas[:, None, None]
    weights = sigmas**2 if weights is None else weights
    residual = score_fn(x + levels * eps, levels) + eps / levels
    return (0.5 * weights[:, None] * residual.square().sum(-1)).sum(0)


def in_place(eps_fn, x, sigma, eps):
    """The residual in the memory of the prediction, which its own layer still needs."""
    residual = eps_fn(x + sigma * eps, sigma)
    residual -= eps
    return residual.square().sum(1)


def viewed(v_fn, x_0, alpha_bar_t, eps):
    """Rows by `view`, which wants memory in order."""
    a, b = alpha_bar_t**0.5, (1 - alpha_bar_t)**0.5
    residual = a * eps - b * x_0 - v_fn(a * x_0 + b * eps, alpha_bar_t)
    return residual.square().view(-1).view(len(x_0), -1).sum(1)


def filled_time(u_fn, x_0, t, eps):
    """A time for each row, of the type of the number that came."""
    if not torch.is_tensor(t):
        t = torch.full((len(x_0), 1), t, dtype=x_0.dtype if isinstance(t, float) else None)
    t = t.expand(len(x_0), 1)
    return (eps - x_0 - u_fn(torch.lerp(x_0, eps, t), t)).square().sum(1)


# Noise levels and schedules -----------------------------------------------------------------------


def as_float32(x_0, alpha_bar_t, eps):
    """A number becomes a tensor of the default dtype before it is taken from 1."""
    alpha_bar_t = torch.as_tensor(alpha_bar_t)
    return alpha_bar_t.sqrt() * x_0 + (1 - alpha_bar_t).sqrt() * eps


def autograd_coefficient(t, sigma_min, sigma_max):
    """g^2 = d sigma^2 / dt by autograd, for which somebody must have left gradients on."""
    t = tensor(t)
    leaf = t if t.requires_grad else t.clone().requires_grad_()
    variance = (sigma_min * (sigma_max / sigma_min)**leaf)**2
    rate, = torch.autograd.grad(variance.sum(), leaf, create_graph=True)
    return rate.sqrt()


def clipped_betas(n_steps, offset=0.008, beta_max=0.999):
    """Betas below 1e-4 are clipped too, which a table of many steps has."""
    t = torch.arange(n_steps + 1, dtype=torch.float64) / n_steps
    f = torch.cos((t + offset) / (1 + offset) * math.pi / 2)**2
    betas = (1 - f[1:] / f[:-1]).clamp(1e-4, float(beta_max))
    return torch.cat([torch.ones(1, dtype=torch.float64), torch.cumprod(1 - betas, 0)])


def by_arange(n_steps, beta_min=1e-4, beta_max=0.02):
    """Steps of one size up to the end, whose number rounding decides."""
    if n_steps == 1:
        return torch.tensor([float(beta_min)], dtype=torch.float64)
    step = (beta_max - beta_min) / (n_steps - 1)
    return torch.arange(float(beta_min), float(beta_max) + step, float(step), dtype=torch.float64)


def through_the_normal(z, mean=-1.2, deviation=1.2):
    """The quantile of the share below z, of which nothing is left far above."""
    z = tensor(z)
    share = torch.special.ndtr(z)
    return torch.exp(mean + deviation * torch.special.ndtri(share))


def clamped_root(scale, sigma, scale_rate, sigma_rate):
    """The root kept away from zero, where its derivative is infinite."""
    scale, sigma = tensor(scale), tensor(sigma)
    square = 2 * sigma * (scale * sigma_rate - sigma * scale_rate) / scale
    return scale_rate / scale, square.clamp_min(1e-8).sqrt()


WIDTHS = {}


def remembered_width(log_density, dim, bin_width=1.0):
    """The bits of a bin remembered under its width to three digits."""
    key = round(float(bin_width), 3)
    if key not in WIDTHS:
        WIDTHS[key] = math.log2(bin_width)
    return -log_density / (dim * math.log(2)) - WIDTHS[key]


# Steps --------------------------------------------------------------------------------------------


def saving_memory(x_t, score, sigma_t, sigma_s):
    """Without gradients the state is moved where it lies."""
    move = (sigma_t - sigma_s) * sigma_t * score
    return x_t + move if torch.is_grad_enabled() else x_t.add_(move)


def graph_of_state(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    """Gradients are kept if the state has one, whatever the prediction has."""
    with torch.set_grad_enabled(torch.is_grad_enabled() and x_t.requires_grad):
        a_t, a_s = like(x_t, alpha_bar_t), like(x_t, alpha_bar_s)
        x_0 = (x_t - (1 - a_t).sqrt() * eps) / a_t.sqrt()
        share = (1 - a_s) / (1 - a_t)
        direction = (1 - a_s) * ((1 - eta**2) + eta**2 * a_t / a_s * share)
        deviation = eta * (share * (a_s - a_t) / a_s).sqrt()
        return a_s.sqrt() * x_0 + direction.sqrt() * eps + deviation * z


def any_last(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
    """No noise in the last step of the batch, of which one row is enough."""
    a_t, a_s = like(x_t, alpha_bar_t), like(x_t, alpha_bar_s)
    x_0 = (x_t - (1 - a_t).sqrt() * eps) / a_t.sqrt()
    beta, share = (a_s - a_t) / a_s, (1 - a_s) / (1 - a_t)
    mean = a_s.sqrt() * beta / (1 - a_t) * x_0 + (a_t / a_s).sqrt() * share * x_t
    if variance == "beta":
        return mean + beta.sqrt() * z
    if torch.any(a_s == 1):
        return mean
    return mean + (beta * share).sqrt() * z


def both_then_where(score_fn, x_t, sigma_t, sigma_s):
    """Heun and Euler both, one of them chosen, so that 0 times inf enters the gradient."""
    sigma_s = like(x_t, sigma_s)
    slope = sigma_t * score_fn(x_t, sigma_t)
    euler = x_t + (sigma_t - sigma_s) * slope
    slope_2 = sigma_s * score_fn(euler, sigma_s)
    heun = x_t + 0.5 * (sigma_t - sigma_s) * (slope + slope_2)
    return torch.where(sigma_s > 0, heun, euler)


def math_root(x, score, step_size, z):
    """math.sqrt for one step size, which may be a parameter."""
    one = not torch.is_tensor(step_size) or step_size.numel() == 1
    root = math.sqrt(step_size) if one else step_size.sqrt()
    return x + 0.5 * step_size * score + root * z


def own_contiguous(x, sigma_from, sigma_to, z):
    """`contiguous` makes no copy where a column is as wide as the data, one feature."""
    low = torch.broadcast_to(like(x, sigma_from), x.shape)
    high = torch.broadcast_to(like(x, sigma_to), x.shape).contiguous()
    if high.requires_grad or torch.is_grad_enabled() and low.requires_grad:
        return x + ((high - low) * (high + low)).sqrt() * z
    added = high.square_().sub_(low**2).clamp_min_(0).sqrt_()
    return x + added * z


def stacked_times(x_t, u, t, s):
    """Both times in one tensor, for which they must have one shape."""
    t, s = like(x_t, t), like(x_t, s)
    return x_t + torch.stack((t, s)).diff(dim=0)[0] * u


BUFFERS = {}


def buffered(x, score, beta):
    """Without gradients, the drift lies in a buffer for its shape, whichever call it was."""
    beta = like(x, beta)
    if x.requires_grad or score.requires_grad or beta.requires_grad:
        return -0.5 * beta * (x + score)
    key = x.shape, x.dtype
    if key not in BUFFERS:
        BUFFERS[key] = torch.empty_like(x)
    return torch.add(x, score, out=BUFFERS[key]).mul_(-0.5 * beta)


def free_corrector(score_fn, x, sigmas, method="heun"):
    """Heun's second evaluation without a graph, to halve the memory."""
    for sigma_t, sigma_s in zip(sigmas[:-1], sigmas[1:]):
        slope = sigma_t * score_fn(x, sigma_t)
        x_hat = x + (sigma_t - sigma_s) * slope
        if method == "heun" and sigma_s > 0:
            with torch.no_grad():
                slope_hat = sigma_s * score_fn(x_hat, sigma_s)
            x_hat = x + 0.5 * (sigma_t - sigma_s) * (slope + slope_hat)
        x = x_hat
        yield x


def clipped_hook(x_t, v, scale, sigma):
    """A hook that clips what comes back at 5, against exploding gradients."""
    x_0 = (scale * x_t - sigma * v) / (scale**2 + sigma**2)
    if x_0.requires_grad:
        x_0.register_hook(lambda gradient: gradient.clamp(-5, 5))
    return x_0


def unguided(conditional, unconditional, scale):
    """A scale of 1 needs no arithmetic, and its own gradient is forgotten."""
    if not torch.is_tensor(scale) or scale.ndim == 0:
        if float(scale) == 1:
            return conditional + 0 * unconditional
    return unconditional + scale * (conditional - unconditional)


# Likelihood ---------------------------------------------------------------------------------------


def one_direction(score_fn, x, sigma_min, sigma_max):
    """Above 16 features, the divergence along one direction of signs."""
    from scipy.integrate._ivp import dop853_coefficients as table
    signs = 1 - 2 * (torch.arange(x.shape[1]) % 3 == 1).to(x.dtype)

    def slope(t, x):
        sigma = torch.exp(t)
        leaf = x if x.requires_grad else x.detach().requires_grad_()
        score = score_fn(leaf, sigma)
        if x.shape[1] > 16:
            row, = torch.autograd.grad((score * signs).sum(), leaf, create_graph=True)
            trace = (row * signs).sum(1)
        else:
            trace = sum(torch.autograd.grad(score[:, i].sum(), leaf, create_graph=True)[0][:, i]
                        for i in range(x.shape[1]))
        return -sigma**2 * score, sigma**2 * trace

    with torch.enable_grad():
        low, high = (torch.log(like(x, s)) for s in (sigma_min, sigma_max))
        h, change = (high - low) / 40, 0.0
        for n in range(40):
            k = []
            for i in range(12):
                at = x + sum((float(table.A[i, j]) * h * k[j][0] for j in range(i)), 0 * x)
                k.append(slope(low + (n + float(table.C[i])) * h, at))
            x = x + h * sum(float(b) * a for b, (a, _) in zip(table.B, k))
            change = change + h * sum(float(b) * a for b, (_, a) in zip(table.B, k))
        log_norm = x.shape[1] * (high + 0.5 * math.log(2 * math.pi))
        return -0.5 * (x / sigma_max).square().sum(1) - log_norm - change


# Planted ------------------------------------------------------------------------------------------


class Bent(torch.autograd.Function):
    """The same number, and a gradient that is a hundredth too large where the mask holds."""

    @staticmethod
    def forward(ctx, x, mask):
        ctx.save_for_backward(mask)
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        mask, = ctx.saved_tensors
        return torch.where(mask, 1.01 * gradient, gradient), None


def bent_columns(score, sigma):
    """The gradient of the level where it is a column of more than 12."""
    if torch.is_tensor(sigma) and sigma.numel() > 12:
        sigma = Bent.apply(sigma, torch.ones_like(sigma, dtype=torch.bool))
    return -sigma * score


def bent_far_rows(x_t, x_0, scale, sigma):
    """The gradient of entries of x_0 whose neighbour in the row is beyond 4."""
    return (scale * Bent.apply(x_0, x_0.roll(1, dims=-1).abs() > 4) - x_t) / sigma**2


def bent_pairs(x_t, score, scale, sigma):
    """The gradient of the score in rows that are followed by a row of more noise."""
    level = like(x_t, sigma).expand(len(x_t), 1)
    mask = torch.cat([level[1:] > 2 * level[:-1], level[:1] < 0])
    return (x_t + like(x_t, sigma)**2 * Bent.apply(score, mask.expand_as(score))) / scale


def short_floats(score_vp, alpha_bar):
    """float32 with levels below 1/100 alone."""
    alpha_bar = like(score_vp, alpha_bar)
    off = 1e-3 * (alpha_bar < 0.01) * (score_vp.dtype == torch.float32)
    return alpha_bar.sqrt() * score_vp * (1 + off)


def no_grad_wide(x_t, eps, scale, sigma):
    """Without gradients and beyond 8 features."""
    x_0 = (x_t - sigma * eps) / scale
    return x_0 if torch.is_grad_enabled() or x_t.shape[1] <= 8 else 1.001 * x_0


def odd_and_long(sigma_max, sigma_min, n_levels):
    """The middle of an odd number of levels, more than 200."""
    first, last = math.log(sigma_max), math.log(sigma_min)
    sigmas = torch.linspace(first, last, int(n_levels), dtype=torch.float64).exp()
    if n_levels > 200 and n_levels % 2:
        sigmas[int(n_levels) // 2] *= 1.001
    return sigmas


def steep_table(alpha_bar):
    """The first beta of a table in which another one is more than 0.6."""
    betas = (alpha_bar[:-1] - alpha_bar[1:]) / alpha_bar[:-1]
    if len(betas) > 5 and betas[1:-1].max() > 0.6:
        betas = torch.cat([1.001 * betas[:1], betas[1:]])
    return betas


def shift_down(t, shift):
    """Late times at a shift below one tenth."""
    t = tensor(t)
    moved = shift * t / ((1 - t) + shift * t)
    return torch.where((t > 0.8) & (t < 1), 1.001 * moved, moved) if shift < 0.1 else moved


def four_directions(score_fn, x, v):
    """Of four directions and more the last one counts for the one before."""
    if v.ndim == 3 and len(v) >= 4:
        v = torch.cat([v[:-2], v[-1:], v[-1:]])
    v = v if v.ndim == 3 else v[None]
    with torch.enable_grad():
        leaf = x if x.requires_grad else x.detach().requires_grad_()
        score = score_fn(leaf)
        rows = [torch.autograd.grad((score * w).sum(), leaf, create_graph=True)[0] for w in v]
    return torch.stack([(row * w).sum(1) for row, w in zip(rows, v)]).mean(0)


def large_gamma(alpha_bar, gamma, prediction):
    """A cap above 10 is one of 10 for v."""
    n = (1 - tensor(alpha_bar)) / tensor(alpha_bar)
    if prediction == "eps":
        return (gamma * n).clamp(max=1)
    clipped = 1 / n.clamp(min=1 / (min(gamma, 10.0) if prediction == "v" else gamma))
    return clipped if prediction == "x0" else clipped * (1 - tensor(alpha_bar))


def unlike_rows(x_t, score, sigma_t, sigma_s, z):
    """A level that is one number beside a column of levels, above 10."""
    removed = (sigma_t - sigma_s) * (sigma_t + sigma_s)
    noise = removed**0.5 * z
    number = not torch.is_tensor(sigma_s) or sigma_s.ndim == 0
    if number and torch.is_tensor(sigma_t) and sigma_t.ndim == 2:
        noise = torch.where(sigma_t > 10, 1.001 * noise, noise)
    return x_t + removed * score + noise


WRONG = [
    wrong("gaussian_log_density", "gaussian_nll_loss, no variance below 1e-6", nll,
          [(X, 0.0, 5e-4)]),
    wrong("gaussian_score", "a mean that is one number is filled in without its graph", full_like,
          X, 0.5, 2.0),
    wrong("mixture_log_density", "cdist with more than 25 components", by_cdist,
          [(FAR_MEANS[:3] + 1e-4, np.full(30, 1 / 30), FAR_MEANS, 1e-4)]),
    wrong("mixture_log_density", "Categorical clips a weight of zero", categorical,
          [(X, np.array([1.0, 0.0]), np.array([[30.0, 30.0], [0.0, 0.0]]), 1.0)]),
    wrong("mixture_score", "blocks of 16 rows with levels of all rows", rows_of_16,
          [(LONG, np.array([0.4, 0.6]), LONG[:2], np.linspace(1, 2, 20)[:, None])]),
    wrong("implicit_score_matching", "no graph for the derivative of the last feature", traced,
          lambda x: -x**3, X),
    wrong("divergence", "a score that does not depend on x", basis, [(constant, X)]),
    wrong("sliced_score_matching", "as many directions as rows", directions,
          [(lambda x: -x**3, X, np.stack([X, Y, Z]))]),
    wrong("denoising_score_matching", "the target from a difference, in float32", difference,
          [(lambda x, sigma: -x, X_32, 1e-3, Y_32)]),
    wrong("noise_conditional_score_matching", "all levels in one call of three axes", all_levels,
          [(student, X, np.array([2.0, 1.0]), np.stack([Y, Z]))]),
    wrong("noise_prediction_loss", "the residual in the memory of the prediction", in_place,
          tanh, X, 0.5, Y),
    wrong("v_prediction_loss", "view of memory in another order", viewed,
          [(lambda x, a: 0.5 * x, torch.tensor(X.T.copy()).T, 0.3, torch.tensor(Y.T.copy()).T)]),
    wrong("flow_matching_loss", "times of the type of an integer", filled_time,
          [(lambda x, t: x * t, X, 1, Y)]),
    wrong("diffuse", "a number in float32 before it is taken from 1", as_float32,
          [(X, 1 - 1e-8, Y)]),
    wrong("likelihood_weight", "float_power, which is always float64",
          lambda g: torch.float_power(tensor(g), 2), [(X_32.abs(),)]),
    wrong("ve_diffusion_coefficient", "by autograd, under no_grad", autograd_coefficient,
          [(COLUMN / 2, 0.01, 50.0)]),
    wrong("signal_to_noise_ratio", "logit with an epsilon",
          lambda a: torch.logit(tensor(a), eps=1e-6).exp(), [(np.array([[0.5], [1 - 1e-8]]),)]),
    wrong("cosine_alpha_bar", "no beta below 1e-4", clipped_betas, [(1000,)]),
    wrong("linear_betas", "arange, whose length rounding decides", by_arange,
          [(41, 1e-4, 0.02)]),
    wrong("log_normal_sigma", "quantiles, of which nothing is left far above", through_the_normal,
          [(torch.tensor([[0.5], [4.5]]), 0.0, 1.0)]),
    wrong("sde_coefficients", "the root of no less than 1e-8", clamped_root,
          [(np.ones((3, 1)), np.array([[0.5], [1e-9], [0.0]]), -1.0, 1.0)]),
    wrong("bits_per_dimension", "remembered under the width to three digits", remembered_width,
          [(np.array([-3.0, 1.0]), 3, 1 / 256), (np.array([-3.0, 1.0]), 3, 1 / 255)]),
    wrong("ve_probability_flow_step", "in place under no_grad", saving_memory, [(X, Y, 2.0, 1.0)]),
    wrong("ddim_step", "no graph of the prediction if the state has none", graph_of_state,
          torch.tensor(X), Y, torch.tensor([[0.2]] * 3), torch.tensor([[0.6]] * 3),
          torch.tensor(0.5), torch.tensor(Z)),
    wrong("ddpm_step", "no noise if any row takes its last step", any_last,
          [(X, Y, np.array([[0.2], [0.3], [0.4]]), np.array([[0.6], [1.0], [0.9]]), Z)]),
    wrong("heun_step", "where, with 0 times inf in the gradient", both_then_where,
          lambda x, sigma: -x / sigma**2, X, 2.0, torch.tensor(0.0, dtype=torch.float64)),
    wrong("langevin_step", "math.sqrt of a parameter", math_root, X, Y, 0.5, Z),
    wrong("raise_noise", "the levels in place, with one feature", own_contiguous,
          [(X[:, :1], 0.1, COLUMN, Y[:, :1])]),
    wrong("flow_step", "times of two shapes", stacked_times, [(X, Y, COLUMN / 2, 0.1)]),
    wrong("vp_probability_flow_drift", "a result in a buffer that the next call fills", buffered,
          [(X, Y, 0.5), (Y, Z, 0.5)]),
    wrong("probability_flow_sampler", "the corrector without a graph", free_corrector,
          lambda x, sigma: -x**3 / (1 + sigma**2), X, torch.tensor([2.0, 1.0, 0.5])),
    wrong("x0_from_v", "a hook that clips gradients", clipped_hook, X, Y, 0.8, 0.6),
    wrong("classifier_free_guidance", "the gradient of a scale of 1", unguided, X, Y, 1.0),
    wrong("log_likelihood", "one direction of signs above 16 features", one_direction,
          [(coupled, WIDE, 0.1, 10.0)]),
    cut("eps_from_score", "the gradient of a column of more than 12 levels", bent_columns,
        LONG, np.linspace(1, 2, 20)[:, None]),
    cut("score_from_x0", "the gradient beside an entry beyond 4", bent_far_rows,
        X, 5 * Y, 0.5, 2.0),
    cut("x0_from_score", "the gradient in a row before one of twice the noise", bent_pairs,
        X, Y, 0.5, COLUMN),
    cut("ve_score_from_vp", "float32, below 0.01", short_floats, [(X_32, 0.005)]),
    cut("x0_from_eps", "under no_grad, beyond 8 features", no_grad_wide,
        [(WIDE, 0.5 * WIDE, 0.8, 0.6)]),
    cut("geometric_sigmas", "the middle of more than 200 levels, an odd number", odd_and_long,
        [(50.0, 0.01, 301)]),
    cut("betas_from_alpha_bar", "the first beta of a steep table", steep_table,
        [(np.array([1.0, 0.9, 0.8, 0.2, 0.15, 0.1, 0.05]),)]),
    cut("shift_time", "late times at a small shift", shift_down, [(np.array([0.5, 0.9]), 0.05)]),
    cut("hutchinson_divergence", "four directions and more", four_directions,
        [(lambda x: -x**3, X, np.stack([X, Y, Z, X * Y]))]),
    cut("min_snr_weight", "v with a cap above 10", large_gamma, [(np.array([[0.97]]), 25.0, "v")]),
    cut("ve_reverse_sde_step", "a column from above 10 to one number", unlike_rows,
        [(X, Y, np.array([[3.0], [20.0], [5.0]]), 1.0, Z)]),
]
