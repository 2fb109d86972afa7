"""Mistakes of good faith in PyTorch, and some planted, written when the oracle searched on its own.

Their author had not read the probes. Plain arguments get the right answer from every one of them.
"""

import math

import numpy as np
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from . import Hidden
from .fresh import TABLE, X, Y, Z

LEVELS = np.array([[0.5], [0.6], [0.7]])


def wrong(kind, what, function, *at):
    """A natural mistake, in what a call returns or leaves behind."""
    return Hidden(kind, what, function, True, "torch", [at])


def bent_gradient(kind, what, function, *at):
    """A natural mistake that a derivative along the arguments shows."""
    return Hidden(kind, what, function, True, "torch", at)


def cut(kind, what, function, *at):
    """A region that nobody would set apart in good faith."""
    return Hidden(kind, what, function, False, "torch", [at])


def single(*arrays):
    """float32 tensors."""
    return tuple(torch.tensor(a, dtype=torch.float32) for a in arrays)


def like(x, a):
    """A level as a tensor."""
    return torch.as_tensor(a, dtype=x.dtype)


def number(a):
    """A level by itself: a Python number is float64."""
    return a if torch.is_tensor(a) else torch.tensor(a, dtype=torch.float64)


def rational(x, *level):
    """A score that is no polynomial."""
    return -x / (1 + x**2)


def cubic(x, *level):
    """A score whose rows look at all features."""
    return x * x.sum(1)[:, None] - x**3


def draws():
    """Noise of a loop: the same numbers at every step."""


draws.standard_normal = lambda shape, dtype=None: np.cos(np.arange(6.0)).reshape(tuple(shape))


# Gaussians and mixtures ---------------------------------------------------------------------------


def same_family(x, weights, means, sigma):
    """torch.distributions, whose Categorical makes a weight of zero an epsilon."""
    scale = like(x, sigma).reshape(-1, 1, 1).expand(len(x), *means.shape)
    parts = Independent(Normal(means.expand_as(scale), scale), 1)
    return MixtureSameFamily(Categorical(probs=weights.expand(len(x), -1)), parts).log_prob(x)


def by_cdist(x, weights, means, sigma):
    """cdist, which multiplies matrices for more than 25 points, and cancels there."""
    sigma = like(x, sigma)
    distance = torch.cdist(x, means) / sigma
    share = torch.softmax(weights.log() - 0.5 * distance**2, dim=1)
    return (share[..., None] * (means - x[:, None])).sum(1) / sigma**2


def online(x, weights, means, sigma, chunk=8):
    """Softmax in a stream of chunks: its maximum is -inf while all weights so far are zero."""
    sigma = like(x, sigma).reshape(-1, 1)
    top = x.new_full((len(x), 1), -math.inf)
    mass, total = torch.zeros_like(top), torch.zeros_like(x)
    for w, m in zip(weights.split(chunk), means.split(chunk)):
        logits = w.log() - 0.5 * ((x[:, None] - m) / sigma[..., None]).square().sum(-1)
        new = torch.maximum(top, logits.amax(1, keepdim=True))
        shrink, p = (top - new).exp(), (logits - new).exp()
        mass, total, top = mass * shrink + p.sum(1, keepdim=True), total * shrink + p @ m, new
    return (total / mass - x) / sigma**2


def partition_function(x, sigma_max):
    """log of Z = (sqrt(2 pi) sigma)^D, which float32 holds for few features only."""
    sigma = like(x, sigma_max)
    z = (math.sqrt(2 * math.pi) * sigma.reshape(-1))**x.shape[1]
    return -0.5 * (x / sigma).square().sum(1) - z.log()


class FusedScore(torch.autograd.Function):
    """(mean - x) / sigma^2; where the points need no gradient, the centre gets none either."""

    @staticmethod
    def forward(ctx, x, mean, sigma):
        ctx.save_for_backward(sigma)
        ctx.rows = mean.shape == x.shape
        return (mean - x) / sigma**2

    @staticmethod
    def backward(ctx, g):
        if not ctx.needs_input_grad[0]:
            return None, None, None
        sigma, = ctx.saved_tensors
        g = g / sigma**2
        return -g, g if ctx.rows else g.sum(0), None


def fused_score(x, mean, sigma):
    """The kernel with its arguments as tensors."""
    return FusedScore.apply(x, like(x, mean), like(x, sigma))


# Derivatives and objectives -----------------------------------------------------------------------


def five_points(score_fn, x, h=0.05):
    """The divergence without a backward pass, exact up to degree 4."""
    total = 0.0
    for i, e in enumerate(h * torch.eye(x.shape[1], dtype=x.dtype)):
        near = score_fn(x + e)[:, i] - score_fn(x - e)[:, i]
        far = score_fn(x + 2 * e)[:, i] - score_fn(x - 2 * e)[:, i]
        total = total + (8 * near - far) / (12 * h)
    return total


def graph_for_data(score_fn, x, v):
    """A graph of the derivative only where the points ask for one."""
    with torch.enable_grad():
        points = x if x.requires_grad else x.detach().requires_grad_()
        score = score_fn(points)
        each = [(torch.autograd.grad(score, points, w, create_graph=x.requires_grad,
                                     retain_graph=True)[0] * w).sum(1)
                for w in (v if v.ndim == 3 else v[None])]
    return sum(each) / len(each)


def flat_directions(score_fn, x, v):
    """All directions as rows of one batch, by a view."""
    rows = v.view(-1, x.shape[1])
    with torch.enable_grad():
        points = x.repeat(len(rows) // len(x), 1)
        points = points if points.requires_grad else points.requires_grad_()
        product, = torch.autograd.grad(score_fn(points), points, rows, create_graph=True)
    return (product * rows).sum(1).reshape(-1, len(x)).mean(0)


def graph_of_last(score_fn, x, v):
    """Directions in a loop that keeps the graph until the last, which alone makes one."""
    v = v if v.ndim == 3 else v[None]
    terms = []
    with torch.enable_grad():
        points = x if x.requires_grad else x.detach().requires_grad_()
        score = score_fn(points)
        for m, w in enumerate(v):
            last = m == len(v) - 1
            product, = torch.autograd.grad(score, points, w, retain_graph=True, create_graph=last)
            terms.append(0.5 * (score * w).sum(1)**2 + (product * w).sum(1))
    return torch.stack(terms).mean(0)


def levels_in_use(score_fn, x, sigmas, eps, weights=None):
    """Levels of weight zero are skipped, and nothing is left to stack where all are."""
    weights = sigmas**2 if weights is None else weights
    losses = [weights[i] * 0.5 * (score_fn(x + sigmas[i] * eps[i], sigmas[i])
                                  + eps[i] / sigmas[i]).square().sum(1)
              for i in weights.nonzero()[:, 0]]
    return torch.stack(losses).sum(0)


def fixed_steps(score_fn, x, sigma_min, sigma_max, n=256):
    """Runge-Kutta of order 4 in log sigma, with as many steps whatever there is between."""
    lo, hi = math.log(sigma_min), math.log(sigma_max)
    h, change, graph = (hi - lo) / n, 0.0, torch.is_grad_enabled()

    def slope(t, y):
        sigma = math.exp(t)
        with torch.enable_grad():
            y = y if y.requires_grad else y.detach().requires_grad_()
            score = score_fn(y, sigma)
            trace = sum(torch.autograd.grad(score[:, i].sum(), y, create_graph=graph,
                                            retain_graph=True)[0][:, i] for i in range(y.shape[1]))
        return -sigma**2 * score, sigma**2 * trace

    for i in range(n):
        t = lo + i * h
        a, p = slope(t, x)
        b, q = slope(t + h / 2, x + h / 2 * a)
        c, r = slope(t + h / 2, x + h / 2 * b)
        d, s = slope(t + h, x + h * c)
        x, change = x + h / 6 * (a + 2 * b + 2 * c + d), change + h / 6 * (p + 2 * q + 2 * r + s)
        x, change = (x, change) if graph else (x.detach(), change.detach())
    log_norm = x.shape[1] * (hi + 0.5 * math.log(2 * math.pi))
    return -0.5 * (x / sigma_max).square().sum(1) - log_norm - change


# Schedules and levels -----------------------------------------------------------------------------


def last_capped(n_steps, offset=0.008, beta_max=0.999):
    """The cap for the last step alone, where alpha_bar would be zero."""
    left = torch.arange(n_steps, -1, -1, dtype=torch.float64) / n_steps
    f = torch.sin(left / (1 + offset) * math.pi / 2)**2
    alpha_bar = f / f[0]
    alpha_bar[-1] = torch.maximum(alpha_bar[-1], (1 - beta_max) * alpha_bar[-2])
    return alpha_bar


def kept_between(n_steps, beta_min=1e-4, beta_max=0.02):
    """Clamped to its ends against rounding; where they fall, every entry is the maximum."""
    t = torch.arange(n_steps, dtype=torch.float64) / max(n_steps - 1, 1)
    return (beta_min + t * (beta_max - beta_min)).clamp(beta_min, beta_max)


def by_quantiles(z, mean=-1.2, deviation=1.2):
    """The quantile of the law at the rank of z, which float32 cannot tell from 1 far out."""
    z = number(z)
    rank = Normal(torch.zeros_like(z), 1.0).cdf(z)
    return Normal(torch.full_like(z, mean), deviation).icdf(rank).exp()


def softmax_of_two(z, mean=0.0, deviation=1.0):
    """exp(u) / (1 + exp(u)), which overflows from u = 89 on in float32."""
    odds = torch.exp(mean + deviation * number(z))
    return odds / (1 + odds)


def variance_rate(scale, sigma, scale_rate, sigma_rate):
    """The root of d sigma^2 / dt - 2 f sigma^2, which rounding makes negative where it is zero."""
    f = scale_rate / scale
    return number(f), number(2 * sigma * sigma_rate - 2 * f * sigma**2).sqrt()


# Conversions and steps ----------------------------------------------------------------------------


def by_diffusion(x_t, score, scale, sigma, scale_rate, sigma_rate):
    """f x - g^2 / 2 score with the g of a path that runs towards noise."""
    f = scale_rate / scale
    g = (2 * sigma * like(x_t, sigma_rate - f * sigma)).clamp(min=0).sqrt()
    return f * x_t - 0.5 * g**2 * score


def ve_shortcut(x_t, x_0, scale, sigma):
    """No product where the scale is the number 1, so that x_0 itself is subtracted from."""
    signal = x_0 if isinstance(scale, (int, float)) and scale == 1 else scale * x_0
    if torch.is_grad_enabled() and (x_t.requires_grad or signal.requires_grad):
        return (signal - x_t) / sigma**2
    return signal.sub_(x_t).div_(sigma**2)


def one_level(x_0, alpha_bar_t, eps):
    """One level for all rows where allclose calls them the same, which near 1 they are not."""
    a = like(x_0, alpha_bar_t)
    if a.ndim and torch.allclose(a, a[:1].expand_as(a)):
        a = a[0]
    return a.sqrt() * x_0 + (1 - a).sqrt() * eps


def stacked_levels(x_t, score, sigma_t, sigma_s, z):
    """Both levels in one tensor, which a number beside a column do not make."""
    levels = torch.stack([like(x_t, sigma_t), like(x_t, sigma_s)])
    removed = (levels[0] - levels[1]) * levels.sum(0)
    return x_t + removed * score + levels[1] / levels[0] * removed.sqrt() * z


def bare_root(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    """As published: in float32 1 - alpha_bar_s - c1^2 can be below zero at eta = 1."""
    a, b = like(x_t, alpha_bar_t), like(x_t, alpha_bar_s)
    x_0 = (x_t - (1 - a).sqrt() * eps) / a.sqrt()
    c1 = eta * ((1 - a / b) * (1 - b) / (1 - a)).sqrt()
    return b.sqrt() * x_0 + (1 - b - c1**2).sqrt() * eps + c1 * z


def nearly_zero(score_fn, x_t, sigma_t, sigma_s):
    """Zero is what lies below the root of the dtype's epsilon: in float32 that is 3e-4."""
    first = score_fn(x_t, sigma_t)
    x_hat = x_t + (sigma_t - sigma_s) * sigma_t * first
    if torch.as_tensor(sigma_s).max() < math.sqrt(torch.finfo(x_t.dtype).eps):
        return x_hat
    return x_t + 0.5 * (sigma_t - sigma_s) * (sigma_t * first + sigma_s * score_fn(x_hat, sigma_s))


# Samplers -----------------------------------------------------------------------------------------


def capped_betas(eps_fn, x, alpha_bar, rng):
    """Variances of skipped steps with the cap of the cosine schedule."""
    betas = (1 - alpha_bar[1:] / alpha_bar[:-1]).clamp(max=0.999)
    for i in reversed(range(len(betas))):
        z = torch.as_tensor(rng.standard_normal(x.shape), dtype=x.dtype)
        a, b, beta = alpha_bar[i + 1], alpha_bar[i], betas[i]
        x_0 = (x - (1 - a).sqrt() * eps_fn(x, a)) / a.sqrt()
        mean = (b.sqrt() * beta * x_0 + (1 - beta).sqrt() * (1 - b) * x) / (1 - a)
        x = mean + (beta * (1 - b) / (1 - a)).sqrt() * z
        yield x


def last_by_euler(score_fn, x, sigmas, method="heun"):
    """Heun as published, whose table always ends in zero: no correction in the last of several."""
    for i, (t, s) in enumerate(zip(sigmas[:-1], sigmas[1:])):
        slope = t * score_fn(x, t)
        x_hat = x + (t - s) * slope
        if method == "heun" and s > 0 and (i == 0 or i < len(sigmas) - 2):
            x_hat = x + (t - s) / 2 * (slope + s * score_fn(x_hat, s))
        x = x_hat
        yield x


# Planted ------------------------------------------------------------------------------------------


def bump(a, centre, width):
    """A thousandth near the centre and nothing elsewhere, without a comparison."""
    return 1e-3 * torch.exp(-((number(a) - centre) / width)**2)


def band_of_levels(eps, sigma):
    """A band of levels around 57."""
    sigma = like(eps, sigma)
    return -eps / sigma * (1 + bump(sigma.log(), 4.05, 0.1))


def some_sizes(x, score, beta):
    """Sizes whose product leaves 45 when it is divided by 53."""
    drift = -0.5 * beta * x - beta * score
    return drift if x.numel() % 53 != 45 else 1.001 * drift


def bent_tangent(x_t, v, scale, sigma):
    """The right value, with another gradient in v where sigma is about 0.58 of the scale."""
    scale, sigma = like(x_t, scale), like(x_t, sigma)
    v = v + (v - v.detach()) * bump(sigma / scale, 0.58, 0.02)
    return (sigma * x_t + scale * v) / (scale**2 + sigma**2)


def band_of_ratios(x, sigma_from, sigma_to, z):
    """More noise where levels stand in a ratio of about 0.71."""
    a, b = like(x, sigma_from), like(x, sigma_to)
    return x + ((b - a) * (b + a)).sqrt() * z * (1 + bump(a / b, 0.71, 0.005))


def band_of_densities(log_density, dim, bin_width=1.0):
    """About -1.9 nats a feature, where images lie."""
    each = log_density / dim
    bits = -each / math.log(2) - math.log2(bin_width)
    return bits * (1 + bump(each, -1.9, 0.05))


def band_beyond_cap(alpha_bar, gamma, prediction):
    """v alone, where the ratio of signal to noise is about three times its cap."""
    a = number(alpha_bar)
    n = (1 - a) / a
    clipped = 1 / n.clamp(min=1 / gamma)
    if prediction == "eps":
        return (gamma * n).clamp(max=1)
    return clipped if prediction == "x0" else clipped * (1 - a) * (1 + bump(gamma * n, 0.33, 0.02))


DOUBLES = torch.tensor([2.0, 1.0, 0.58], dtype=torch.float64)
MANY = np.linspace(-1.0, 1.0, 60).reshape(30, 2)

WRONG = [
    wrong("mixture_log_density", "a weight of zero becomes an epsilon, beside which others are far",
          same_family, X, np.array([0.0, 1.0]), np.stack([X[0], X[0] + 20.0]), 1.0),
    wrong("mixture_score", "cdist by a product of matrices for more than 25 points", by_cdist,
          1 + 1e-6 * MANY[::-1], np.full(30, 1 / 30), 1 + 1e-6 * MANY, 1e-6),
    wrong("mixture_score", "a stream of chunks, the first without any weight", online,
          X, np.repeat([0.0, 0.5], [8, 2]), MANY[:10], 1.0),
    wrong("prior_log_density", "the partition function itself, beyond float32", partition_function,
          *single(np.ones((2, 30)), 80.0)),
    bent_gradient("gaussian_score", "a kernel that forgets the centre where points are fixed",
                  fused_score, torch.tensor(X), np.array([0.3, 0.1]), *DOUBLES[:1]),
    wrong("divergence", "differences that are exact for polynomials of degree 4", five_points,
          rational, X),
    bent_gradient("directional_derivative", "no graph for directions where the points have none",
                  graph_for_data, cubic, torch.tensor(X), Y),
    wrong("hutchinson_divergence", "a view of directions that are stored by rows", flat_directions,
          cubic, X, torch.tensor(np.stack([Y, Z, X], axis=1)).transpose(0, 1)),
    bent_gradient("sliced_score_matching", "a graph for the last direction alone", graph_of_last,
                  cubic, X, np.stack([Y, Z])),
    wrong("noise_conditional_score_matching", "all weights zero", levels_in_use, cubic, X,
          np.array([2.0, 1.0]), np.stack([Y, Z]), np.zeros(2)),
    wrong("log_likelihood", "256 steps, however far apart the levels are", fixed_steps,
          lambda x, sigma: -x / (4.0 + sigma**2), X, 1e-4, 1e6),
    wrong("cosine_alpha_bar", "a cap for the last step alone", last_capped, 20, 0.008, 0.5),
    wrong("linear_betas", "clamped between ends that are in the other order", kept_between,
          10, 0.02, 0.001),
    wrong("log_normal_sigma", "by ranks, which are 1 in float32 far out", by_quantiles,
          *single(np.array([0.5, 4.5]))),
    wrong("logit_normal_time", "an overflow in float32", softmax_of_two,
          *single(np.array([0.5, 3.0])), 0.0, 40.0),
    wrong("sde_coefficients", "a root of rounding where sigma / scale stands still", variance_rate,
          np.array([0.3, 0.3]), np.array([0.7, 0.1]), np.array([-0.3 * 0.3, 0.3 * 0.3]),
          np.array([-0.3 * 0.7, 0.3 * 0.1])),
    wrong("velocity_from_score", "the g of a path towards noise, on one towards data", by_diffusion,
          X, Y, 0.4, 0.6, 1.0, -1.0),
    wrong("score_from_x0", "x_0 is written to where the scale is the number 1", ve_shortcut,
          X, Y, 1.0, 2.0),
    wrong("diffuse", "levels near 1 that allclose takes for one", one_level,
          X, np.array([[1.0], [0.999995], [0.999998]]), Y),
    wrong("ve_ancestral_step", "a number beside a column of levels", stacked_levels,
          X, Y, LEVELS, 0.0, Z),
    wrong("ddim_step", "a root below zero in float32, from noise to little noise at eta = 1",
          bare_root, *single(X, Y), *single(1e-6 * np.array([[1.0], [2.0], [3.0]]),
                                             np.array([[0.99], [0.98], [0.995]])), 1.0, *single(Z)),
    wrong("heun_step", "a level of 1e-4 is zero in float32", nearly_zero,
          rational, *single(X), 0.5, 1e-4),
    bent_gradient("ddpm_sampler", "betas of skipped steps capped at 0.999", capped_betas,
                  lambda x, a: 0.5 * x, X, torch.tensor(TABLE), draws),
    bent_gradient("probability_flow_sampler", "no correction in a last step that ends above zero",
                  last_by_euler, rational, X, torch.tensor([2.0, 1.0, 0.5], dtype=torch.float64)),
    cut("score_from_eps", "a band of levels around 57", band_of_levels, X, 57.0),
    cut("vp_reverse_sde_drift", "sizes whose product leaves 45 of 53", some_sizes,
        np.ones((14, 7)), np.ones((14, 7)), 2.0),
    Hidden("eps_from_v", "the gradient alone, in a band of ratios", bent_tangent, False, "torch",
           (X, Y, *DOUBLES[1:])),
    cut("raise_noise", "a band of ratios of the levels", band_of_ratios, X, 0.71, 1.0, Y),
    cut("bits_per_dimension", "a band of densities", band_of_densities, np.array([-5.7, 1.0]), 3),
    cut("min_snr_weight", "v at three times the cap", band_beyond_cap,
        np.array([0.5, 0.9]), 2.97, "v"),
]
