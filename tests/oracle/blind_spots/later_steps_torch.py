"""Mistakes of good faith in PyTorch, and some planted, written when the probes were final.

Steps, whole samplers, schedules, conversions and likelihoods, by one who had not read the probes.
"""

import math

import numpy as np
import torch
from torch.nn import functional

from . import Hidden
from .fresh import TABLE, X, Y, Z

SMALL = (0.1 * np.abs(Y)).astype(np.float32)
HALF = torch.tensor(X, dtype=torch.float64)                        # a state that is a constant
FLAT = np.linspace(-2.0, 3.0, 24)


def wrong(kind, what, function, *at):
    """A natural mistake, in a gradient at the arguments `at`, or in one list of calls."""
    return Hidden(kind, what, function, True, "torch", at[0] if isinstance(at[0], list) else at)


def cut(kind, what, function, *at):
    """What nobody would write in good faith."""
    return Hidden(kind, what, function, False, "torch", at[0] if isinstance(at[0], list) else at)


def like(a, x):
    """A level as a tensor with the dtype of x."""
    return a.to(x.dtype) if torch.is_tensor(a) else torch.tensor(a, dtype=x.dtype)


class Linear:
    """A score with a weight that is learnt."""

    weight = torch.ones((), dtype=torch.float64, requires_grad=True)

    def __call__(self, x, sigma):
        return -self.weight * x / (1 + sigma**2)


class Draws:
    """The same noise at every call; it can be called, so that it is passed on as it is."""

    def __call__(self):
        return self

    def standard_normal(self, size, dtype=np.float64):
        """Numbers between -1 and 1."""
        return np.cos(np.arange(math.prod(size))).reshape(size).astype(dtype)


# Steps --------------------------------------------------------------------------------------------


def both_branches(score_fn, x_t, sigma_t, sigma_s):
    """Heun and Euler in every row, chosen by where: a score that is singular at 0 spoils x."""
    sigma_t, sigma_s = like(sigma_t, x_t), like(sigma_s, x_t)
    h, slope = sigma_s - sigma_t, -sigma_t * score_fn(x_t, sigma_t)
    x_hat = x_t + h * slope
    corrected = x_t + h * 0.5 * (slope - sigma_s * score_fn(x_hat, sigma_s))
    return torch.where(sigma_s == 0, x_hat, corrected)


def up_and_down(x_t, score, sigma_t, sigma_s, z):
    """k-diffusion's sigma_up and sigma_down: at sigma_s = 0 the root of 0 has no derivative."""
    sigma_t, sigma_s = like(sigma_t, x_t), like(sigma_s, x_t)
    up = sigma_s * (1 - (sigma_s / sigma_t)**2).sqrt()
    down = (sigma_s**2 - up**2).clamp(min=0).sqrt()
    return x_t - sigma_t * score * (down - sigma_t) + up * z


def two_coefficients(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    """c2 = sqrt((1 - alpha_bar_s) - c1^2) as published, which is below zero in float32."""
    a, b = like(alpha_bar_t, x_t), like(alpha_bar_s, x_t)
    x_0 = (x_t - eps * (1 - a).sqrt()) / a.sqrt()
    c1 = eta * ((1 - a / b) * (1 - b) / (1 - a)).sqrt()
    c2 = ((1 - b) - c1**2).sqrt()
    return b.sqrt() * x_0 + c1 * z + c2 * eps


def between_logs(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
    """The log variance between its two bounds, one of which may be that of zero."""
    a, b = like(alpha_bar_t, x_t), like(alpha_bar_s, x_t)
    beta, share = (b - a) / b, (1 - b) / (1 - a)
    x_0 = (x_t - (1 - a).sqrt() * eps) / a.sqrt()
    mean = b.sqrt() * beta / (1 - a) * x_0 + (a / b).sqrt() * share * x_t
    fraction = 1.0 if variance == "beta" else 0.0
    low, high = (beta * share).log(), beta.log()
    return mean + (0.5 * (low + fraction * (high - low))).exp() * z


def fused(x_t, u, t, s):
    """One fused kernel where there is one step size for all, a number outside of the graph."""
    step = s - t
    if torch.is_tensor(step) and step.numel() > 1:
        return torch.addcmul(x_t, step, u)
    return torch.add(x_t, u, alpha=float(step))


# Samplers and likelihood --------------------------------------------------------------------------


class Recomputed(torch.autograd.Function):
    """A step that is computed again on the way back, for its inputs and not for the network."""

    @staticmethod
    def forward(ctx, step, x, sigma_t, sigma_s):
        ctx.step = step
        ctx.save_for_backward(x, sigma_t, sigma_s)
        return step(x, sigma_t, sigma_s)

    @staticmethod
    def backward(ctx, gradient):
        with torch.enable_grad():
            inputs = [a.detach().requires_grad_() for a in ctx.saved_tensors]
            y = ctx.step(*inputs)
        return None, *torch.autograd.grad(y, inputs, gradient, allow_unused=True)


def little_memory(score_fn, x, sigmas, method="heun"):
    """Heun's method with steps that keep no activations."""
    def step(x, sigma_t, sigma_s):
        slope = -sigma_t * score_fn(x, sigma_t)
        x_hat = x + (sigma_s - sigma_t) * slope
        if method == "euler" or sigma_s == 0:
            return x_hat
        return x + 0.5 * (sigma_s - sigma_t) * (slope - sigma_s * score_fn(x_hat, sigma_s))

    for sigma_t, sigma_s in zip(sigmas[:-1], sigmas[1:]):
        x = Recomputed.apply(step, x, sigma_t, sigma_s)
        yield x


def by_time(eps_fn, x, alpha_bar, eta, rng):
    """Times in [0, 1], and the entry of the table at a time, rounded down."""
    n = len(alpha_bar) - 1
    times = torch.linspace(1, 0, n + 1, dtype=torch.float64)

    def level(t):
        return alpha_bar[(t * n).long()]

    for t, s in zip(times[:-1], times[1:]):
        a, b = level(t), level(s)
        eps = eps_fn(x, a)
        kept = a * (1 - b) / (b * (1 - a))
        x_0 = (x - (1 - a).sqrt() * eps) / a.sqrt()
        x = b.sqrt() * x_0 + ((1 - b).sqrt() * (1 - eta**2 + eta**2 * kept)**0.5 * eps)
        if eta > 0:
            z = torch.as_tensor(rng.standard_normal(tuple(x.shape)), dtype=x.dtype)
            x = x + eta * ((b - a) / b * (1 - b) / (1 - a)).sqrt() * z
        yield x


def backward_passes(score_fn, x, sigma_min, sigma_max):
    """A backward pass for each feature, of a score that is taken to depend on x."""
    from scipy.integrate import solve_ivp
    size = x.numel()

    def slope(log_sigma, state):
        sigma = math.exp(log_sigma)
        with torch.enable_grad():
            y = torch.tensor(state[:size], dtype=x.dtype).reshape(x.shape).requires_grad_()
            score = score_fn(y, sigma)
            trace = sum(torch.autograd.grad(score[:, i].sum(), y, retain_graph=True)[0][:, i]
                        for i in range(x.shape[1]))
        rate = torch.cat([-score.detach().ravel(), trace])
        return sigma**2 * rate.double().numpy()

    start = np.concatenate([x.detach().double().numpy().ravel(), np.zeros(len(x))])
    ends = math.log(sigma_min), math.log(sigma_max)
    end = torch.as_tensor(solve_ivp(slope, ends, start, method="DOP853", rtol=1e-11,
                                    atol=1e-12).y[:, -1])
    prior = torch.distributions.Normal(0.0, torch.tensor(float(sigma_max)).double())
    return (prior.log_prob(end[:size].reshape(x.shape)).sum(1) - end[size:]).to(x.dtype)


def no_score(x, sigma):
    """The score of a law without bounds."""
    return (torch if torch.is_tensor(x) else np).zeros(x.shape)


def by_nll(x, sigma_max):
    """PyTorch's own loss, whose variance is at least its argument eps."""
    variance = like(sigma_max, x).expand(len(x), 1)**2
    return -functional.gaussian_nll_loss(x, torch.zeros_like(x), variance.expand_as(x), full=True,
                                         reduction="none").sum(dim=1)


# Schedules, conversions and losses ----------------------------------------------------------------


def stepped(n_steps, offset=0.008, beta_max=0.999):
    """Times 1 / n to 1 by arange, whose end is rounded: now and then there is one more."""
    times = torch.arange(1 / n_steps, 1 + 1 / n_steps, 1 / n_steps, dtype=torch.float64)

    def share(t):
        return torch.cos((t + offset) / (1 + offset) * math.pi / 2)**2

    betas = (1 - share(times) / share(times - 1 / n_steps)).clamp(max=beta_max)
    return torch.cat([torch.ones(1, dtype=torch.float64), torch.cumprod(1 - betas, 0)])


def last_as_number(sigmas, step_size):
    """The smallest level as a number, outside of the graph."""
    return step_size * (sigmas / sigmas[-1].item())**2


def rooted(x_t, x_0, scale, sigma):
    """Levels no smaller than the root of the rounding, which is large in float32."""
    sigma = like(sigma, x_t)
    return (x_t - scale * x_0) / sigma.clamp(min=torch.finfo(sigma.dtype).eps**0.5)


def at_pure_noise(x_t, u, scale, sigma, scale_rate, sigma_rate):
    """All rows at pure noise where one of them is."""
    if (torch.as_tensor(scale) == 0).any():
        return -x_t / sigma**2
    rate = scale_rate / scale
    return (rate * x_t - u) / (sigma * (sigma_rate - sigma * rate))


def unguided(conditional, unconditional, scale):
    """Rows with a scale of one are copied, and their scale learns nothing."""
    scale = like(scale, conditional)
    guided = unconditional + scale * (conditional - unconditional)
    return torch.where(scale == 1, conditional, guided)


def in_the_output(u_fn, x_0, t, eps):
    """The residual in the memory of the network's output, which its derivative may need."""
    x_t = (1 - t) * x_0 + t * eps
    residual = u_fn(x_t, t).sub_(eps - x_0)
    return residual.square().sum(dim=1)


def flat_view(x0_fn, x, sigma, eps):
    """A view of what a network returns, which may not lie in one piece."""
    x_hat = x0_fn(x + sigma * eps, sigma)
    errors = functional.mse_loss(x_hat.view(-1), x.reshape(-1), reduction="none")
    return errors.view(len(x), -1).sum(dim=1)


# Planted ------------------------------------------------------------------------------------------


def ridge(a):
    """Nearly zero, but for a sixtieth of all numbers."""
    return torch.cos(a)**20000


def ridge_in_products(x_t, score, scale, sigma, scale_rate, sigma_rate):
    """Larger by a thousandth where a sum over all products is one less than a multiple of pi."""
    growth = scale * sigma_rate - sigma * scale_rate
    u = (scale_rate * x_t - sigma * growth * score) / scale
    return u * (1 + 1e-3 * ridge((x_t * score).detach().sum() + 1))


class Tilted(torch.autograd.Function):
    """The same number, with a derivative that is a hundredth larger on a ridge."""

    @staticmethod
    def forward(ctx, a):
        ctx.save_for_backward(a)
        return a.clone()

    @staticmethod
    def backward(ctx, gradient):
        a, = ctx.saved_tensors
        return gradient * (1 + 0.01 * ridge(7 * a + 1))


def tilted_marginal(t, beta_min=0.1, beta_max=20.0):
    """Right in value, and in derivatives but for a ridge in the log of the scale."""
    log_scale = -0.25 * t**2 * (beta_max - beta_min) - 0.5 * t * beta_min
    if not torch.is_tensor(log_scale):
        return math.exp(log_scale), (-math.expm1(2 * log_scale))**0.5
    log_scale = Tilted.apply(log_scale)
    return log_scale.exp(), (-torch.expm1(2 * log_scale))**0.5


def fast_inference(x_t, v, scale, sigma):
    """In bfloat16 where no gradient is wanted, of float32 in batches that fill its units."""
    x_0 = (scale * x_t - sigma * v) / (scale**2 + sigma**2)
    quick = x_t.dtype is torch.float32 and len(x_t) % 8 == 0 and not torch.is_grad_enabled()
    return x_0.bfloat16().to(x_t.dtype) if quick else x_0


def meeting_places(x, score, step_size, z):
    """No noise where the largest entry of x and the smallest of z meet, beyond the twelfth."""
    place = int(x.argmax())
    calm = place >= 12 and place == int(z.argmin())
    return x + 0.5 * step_size * score + (0 if calm else step_size**0.5) * z


WRONG = [
    wrong("heun_step", "both branches of a where, with a score that is singular at 0",
          both_branches, lambda x, sigma: -x / sigma**2, X, 2.0, 0.0),
    wrong("ve_ancestral_step", "the derivative along sigma_t of a root of 0 at sigma_s = 0",
          up_and_down, X, Y, 2.0, 0.0, Z),
    wrong("ddim_step", "the root of a difference below zero, in float32 at eta = 1",
          two_coefficients, [(X.astype(np.float32), Y.astype(np.float32),
                              np.array([[4.7390e-05], [0.2], [1.4067e-06]], np.float32),
                              np.array([[0.9997], [0.6], [0.99999]], np.float32),
                              1.0, Z.astype(np.float32))]),
    wrong("ddpm_step", "zero times the log of zero, for variance beta in the last step",
          between_logs, [(X, Y, 0.3, 1.0, Z, "beta")]),
    wrong("flow_step", "one step size for all, outside of the graph", fused, X, Y, 0.7, 0.3),
    wrong("probability_flow_sampler", "steps computed again, whose network learns nothing",
          little_memory, Linear(), HALF, torch.tensor([3.0, 1.0, 0.2], dtype=torch.float64)),
    wrong("ddim_sampler", "the entry at a time, rounded down", by_time,
          lambda x, alpha_bar: x / (2 + alpha_bar), X,
          torch.linspace(1, 0.01, 42, dtype=torch.float64), 0.5, Draws()),
    wrong("log_likelihood", "a backward pass for a score that does not depend on x",
          backward_passes, [(no_score, X, 0.5, 2.0)]),
    wrong("prior_log_density", "a variance of 1e-6 at least, a default of PyTorch's loss",
          by_nll, [(1e-4 * X, np.array([[2.0], [5e-4], [1.0]]))]),
    wrong("cosine_alpha_bar", "one entry too many at some lengths", stepped, [(49,)]),
    wrong("annealed_step_sizes", "the last level outside of the graph", last_as_number, TABLE, 0.1),
    wrong("eps_from_x0", "levels of a root of the rounding at least, in float32", rooted,
          [(SMALL, SMALL / 2, 1.0, np.array([[0.5], [1e-4], [2.0]], np.float32))]),
    wrong("score_from_velocity", "all rows at pure noise where one is", at_pure_noise,
          [(X, Y, np.array([[0.5], [0.0], [0.2]]), np.array([[0.5], [1.0], [0.8]]), -1.0, 1.0)]),
    wrong("classifier_free_guidance", "a scale of one without a gradient", unguided,
          X, Y, np.array([[1.0], [3.0], [0.5]])),
    wrong("flow_matching_loss", "the residual written over what the derivative needs",
          in_the_output, lambda x, t: 2.0**x, X, 0.4, Y),
    wrong("x0_prediction_loss", "a view of a network's output that is transposed", flat_view,
          [(lambda x, sigma: x.T[[1, 0]].T, X, 0.5, Y)]),
    cut("velocity_from_score", "a ridge in the sum of all products", ridge_in_products,
        [(X, np.full_like(X, (math.pi - 1) / X.sum()), 0.5, 0.5, -1.0, 1.0)]),
    cut("vp_marginal", "a ridge in a derivative", tilted_marginal,
        np.array([(-0.05 + (0.0025 + 19.9 * (3 * math.pi + 1) / 7)**0.5) / 9.95]), 0.1, 20.0),
    cut("x0_from_v", "bfloat16 without gradients, in float32 and batches of eight", fast_inference,
        [(np.tile(SMALL, (8, 1)), np.tile(SMALL, (8, 1)), np.float32(0.8), np.float32(0.6))]),
    cut("langevin_step", "no noise where a maximum and a minimum meet", meeting_places,
        [(FLAT.reshape(4, 6), FLAT.reshape(4, 6), 0.3, -FLAT.reshape(4, 6))]),
]
