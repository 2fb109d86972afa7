"""Mistakes of good faith, and some planted, in PyTorch, written by one who had not read the probes.

Each has the arguments that show it: in a list those of calls whose values, or what they leave
behind, are wrong, else those of one call, whose gradient is.
"""

import math

import numpy as np
import torch

from .fresh import X, Y, Z, score
from .latest_torch import LARGE, OTHER, Count, Draws, cross, noise_like
from .next_torch import cut, wrong


def tracked(x):
    """Points with a graph: those that are passed, if they have one."""
    return x if x.requires_grad else x.detach().requires_grad_()


def number(a):
    """A level as a tensor."""
    return a if torch.is_tensor(a) else torch.tensor(a, dtype=torch.float64)


# Gaussians and mixtures ---------------------------------------------------------------------------


def centre_in_default_dtype(x, mean, sigma):
    """torch.full makes float32 of a number."""
    centre = mean if torch.is_tensor(mean) else torch.full((x.shape[1],), mean)
    return (centre - x) / sigma**2


def running_log_sum(x, weights, means, sigma):
    """A stream over components, whose running maximum starts at -1e4 and not at -inf."""
    top, total = x.new_full((len(x), 1), -1e4), x.new_zeros(len(x), 1)
    for w, mean in zip(weights, means):
        term = torch.log(w) - 0.5 * ((x - mean) / sigma).square().sum(1, keepdim=True)
        higher = torch.maximum(top, term)
        total = total * torch.exp(top - higher) + torch.exp(term - higher)
        top = higher
    norm = x.shape[1] * (torch.log(number(sigma)) + 0.5 * math.log(2 * math.pi))
    return (top + torch.log(total) - norm)[:, 0]


def crowd_of_components(x, weights, means, sigma):
    """Planted: many components in many dimensions share their weights."""
    if len(means) > 24 and x.shape[1] > 12:
        weights = torch.full_like(weights, 1 / len(weights))
    squares = (x[:, None] - means).square().sum(2)
    r = torch.softmax(torch.log(weights) - squares / (2 * number(sigma)**2), dim=1)
    return (r @ means - x) / sigma**2


# Derivatives and objectives -----------------------------------------------------------------------


def graph_of_one_direction(score_fn, x, v):
    """create_graph was forgotten in the branch for several directions."""
    with torch.enable_grad():
        x = tracked(x)
        s = score_fn(x)
        if v.ndim == 2:
            slope, = torch.autograd.grad((s * v).sum(), x, create_graph=True)
            return 0.5 * (s * v).sum(1)**2 + (slope * v).sum(1)
        total = 0.0
        for one in v:
            slope, = torch.autograd.grad((s * one).sum(), x, retain_graph=True)
            total = total + 0.5 * (s * one).sum(1)**2 + (slope * one).sum(1)
        return total / len(v)


def distance_squared(eps_fn, x, sigma, eps):
    """The root of zero has no derivative, and its square none either."""
    residual = eps - eps_fn(x + sigma * eps, sigma)
    distance = residual.square().sum(1).sqrt()
    return distance**2


def sensible_step(score_fn, x, v, step):
    """No difference is taken over less than 1e-3, against cancellation."""
    step = max(float(step), 1e-3)

    def term(v):
        slope = (score_fn(x + step * v) - score_fn(x - step * v)) / (2 * step)
        return 0.5 * (v * s).sum(1)**2 + (v * slope).sum(1)
    s = score_fn(x)
    return term(v) if v.ndim == 2 else torch.stack([term(one) for one in v]).mean(0)


def derivative_as_called(score_fn, x, v):
    """enable_grad is missing: there is no graph under no_grad."""
    x = tracked(x)
    s = score_fn(x)

    def term(v):
        row, = torch.autograd.grad((s * v).sum(), x, create_graph=True)
        return (row * v).sum(1)
    return term(v) if v.ndim == 2 else torch.stack([term(one) for one in v]).mean(0)


def kept_unit_vectors():
    """The identity is kept for each D, in the dtype of the first call."""
    kept = {}

    def divergence(score_fn, x):
        eye = kept.setdefault(x.shape[1], torch.eye(x.shape[1], dtype=x.dtype))
        with torch.enable_grad():
            x = tracked(x)
            s = score_fn(x)
            rows = [torch.autograd.grad(s[:, i].sum(), x, create_graph=True)[0]
                    for i in range(x.shape[1])]
            return torch.einsum("bij,ij->b", torch.stack(rows, 1), eye)
    return divergence


def trace_at_a_copy(score_fn, x):
    """The trace is taken at a detached copy, the square at x itself."""
    with torch.enable_grad():
        y = x.detach().clone().requires_grad_()
        s = score_fn(y)
        trace = sum(torch.autograd.grad(s[:, i].sum(), y, create_graph=True)[0][:, i]
                    for i in range(x.shape[1]))
    return 0.5 * score_fn(x).square().sum(1) + trace


class Huge(torch.autograd.Function):
    """The square, of a derivative that is bounded by 60."""

    @staticmethod
    def forward(ctx, residual):
        """The square."""
        ctx.save_for_backward(residual)
        return residual**2

    @staticmethod
    def backward(ctx, gradient):
        """Twice the residual, up to 60."""
        residual, = ctx.saved_tensors
        return gradient * (2 * residual).clamp(-60, 60)


def bounded_slope(v_fn, x_0, alpha_bar_t, eps):
    """Planted: a residual beyond 30 pulls no harder than one of 30."""
    scale, sigma = alpha_bar_t**0.5, (1 - alpha_bar_t)**0.5
    residual = scale * eps - sigma * x_0 - v_fn(scale * x_0 + sigma * eps, alpha_bar_t)
    return Huge.apply(residual).sum(1)


def even_steps(score_fn, x, sigma_min, sigma_max, v=None, prior=None, rtol=1e-8):
    """200 steps of Runge and Kutta, even in sigma."""
    def slope(x, sigma):
        with torch.enable_grad():
            y = x.detach().clone().requires_grad_()
            s = score_fn(y, sigma)
            eye = torch.eye(x.shape[1], dtype=x.dtype)[:, None].expand(-1, *x.shape)
            at = eye if v is None else v.reshape(-1, *x.shape)
            change = sum((torch.autograd.grad((s * e).sum(), y, retain_graph=True)[0] * e).sum(1)
                         for e in at) / (1 if v is None else len(at))
        return -sigma * s.detach(), sigma * change

    sigma, h, total = float(sigma_min), (float(sigma_max) - float(sigma_min)) / 200, 0.0
    for _ in range(200):
        a, p = slope(x, sigma)
        b, q = slope(x + h / 2 * a, sigma + h / 2)
        c, r = slope(x + h / 2 * b, sigma + h / 2)
        d, t = slope(x + h * c, sigma + h)
        x, total = x + h / 6 * (a + 2 * b + 2 * c + d), total + h / 6 * (p + 2 * q + 2 * r + t)
        sigma += h
    if prior is not None:
        return prior(x) - total
    square = (x / sigma_max).square().sum(1)
    return -0.5 * square - x.shape[1] * math.log(sigma_max * math.sqrt(2 * math.pi)) - total


# Levels -------------------------------------------------------------------------------------------


def tables_by_ends():
    """Tables remembered by their length and both ends, as those of linear betas may be."""
    tables = {}

    def alpha_bar(betas):
        key = betas.dtype, len(betas), float(betas[0]), float(betas[-1])
        if key not in tables:
            kept = torch.cumprod(1 - betas.detach(), 0)
            tables[key] = torch.cat([torch.ones_like(kept[:1]), kept])
        return tables[key].clone()
    return alpha_bar


def ramp_by_arange(sigma_max, sigma_min, n_levels):
    """arange has one entry more where 1 + h is rounded up."""
    h = 1 / (n_levels - 1)
    ramp = torch.arange(0, 1 + h, h, dtype=torch.float64)
    return sigma_max * (sigma_min / sigma_max)**ramp


def inner_times(z, mean=0.0, deviation=1.0):
    """Times are kept from both ends, where a loss would divide by zero."""
    return torch.sigmoid(mean + deviation * number(z)).clamp(1e-5, 1 - 1e-5)


def safe_logit(alpha_bar):
    """logit is given an eps, against infinities at both ends."""
    return torch.exp(-0.5 * torch.logit(number(alpha_bar), eps=1e-5))


def used_to_wide_data():
    """Planted: once it has seen wide data, it takes none for narrow."""
    seen = []

    def weight(sigma, sigma_data):
        seen.append(float(number(sigma_data).max()))
        if max(seen) > 3:
            sigma_data = number(sigma_data).clamp(min=0.1)
        return 1 / sigma**2 + 1 / sigma_data**2
    return weight


# Steps --------------------------------------------------------------------------------------------


def guided_above_one(conditional, unconditional, scale):
    """Guidance is on where its scale exceeds 1, as in a pipeline that saves a forward pass."""
    if not bool((number(scale) > 1).any()):
        return conditional
    return unconditional + scale * (conditional - unconditional)


def in_place_for_sampling(x_t, u, t, s):
    """Without gradients the state is updated in place."""
    if torch.is_grad_enabled():
        return x_t + (s - t) * u
    return x_t.add_((s - t) * u)


def eager_noise(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    """Planted: much fresh noise from a high level is a little too small."""
    x_0 = (x_t - (1 - alpha_bar_t)**0.5 * eps) / alpha_bar_t**0.5
    beta = (alpha_bar_s - alpha_bar_t) / alpha_bar_s
    variance = eta**2 * beta * (1 - alpha_bar_s) / (1 - alpha_bar_t)
    kept = alpha_bar_t * (1 - alpha_bar_s) / (alpha_bar_s * (1 - alpha_bar_t))
    direction = (1 - alpha_bar_s) * ((1 - eta**2) + eta**2 * kept)
    if eta > 0.9 and bool((number(alpha_bar_t) < 0.1).all()):
        z = 0.99 * z
    return alpha_bar_s**0.5 * x_0 + direction**0.5 * eps + variance**0.5 * z


def predictor_without_graph(score_fn, x_t, sigma_t, sigma_s):
    """The first slope is evaluated without a graph where it makes x_hat, to save memory."""
    slope = sigma_t * score_fn(x_t, sigma_t)
    if not bool(number(sigma_s).any()):
        return x_t + (sigma_t - sigma_s) * slope
    with torch.no_grad():
        x_hat = x_t + (sigma_t - sigma_s) * slope
    return x_t + 0.5 * (sigma_t - sigma_s) * (slope + sigma_s * score_fn(x_hat, sigma_s))


def quiet_last_step(x_t, score, sigma_t, sigma_s, z):
    """No noise in the last step, as in DDPM's algorithm."""
    removed = (sigma_t - sigma_s) * (sigma_t + sigma_s)
    z = torch.where(number(sigma_s) > 0, z, torch.zeros_like(z))
    return x_t + removed * score + removed**0.5 * z


def written_in_blocks(x, score, beta):
    """reshape makes a copy where rows do not follow one another, and that is what is filled."""
    drift, out = (-0.5 * beta * (x + score)).reshape(-1), torch.zeros_like(x)
    flat = out.reshape(-1)
    for i in range(0, len(flat), 256):
        flat[i:i + 256] = drift[i:i + 256]
    return out


def half_for_batches(x_t, score, scale, sigma):
    """Planted: float32 in more than twenty rows is added up in bfloat16."""
    pull = sigma**2 * score
    if x_t.dtype == torch.float32 and len(x_t) > 20:
        pull = pull.bfloat16().float()
    return (x_t + pull) / scale


def tired_chain(score_fn, x, step_size, n_steps, rng):
    """Planted: the drift is a little weaker after 150 steps."""
    for i in range(n_steps):
        drift = score_fn(x) if i < 150 else 0.98 * score_fn(x)
        x = x + 0.5 * step_size * drift + step_size**0.5 * noise_like(x, rng)
        yield x


ONE, TWO = (torch.tensor(a, dtype=torch.float64) for a in (1.0, 2.0))
EMPTY = np.array([[0.0, 0.0], [1.0, -0.5], [0.3, 2.0]])                  # a row of zeros, (B, D)
MANY = np.arange(1.0, 31) / np.arange(1.0, 31).sum()                                    # (K,)

WRONG = [
    wrong("gaussian_score", "a number for a mean in float32", centre_in_default_dtype,
          [(0.3 + 0.01 * X, 0.3, 0.5)]),
    wrong("mixture_log_density", "a running maximum from -1e4", running_log_sum,
          [(X, np.array([0.3, 0.7]), Y[:2], 0.005)]),
    cut("mixture_score", "25 components in 13 dimensions", crowd_of_components,
        [(LARGE[:4], MANY, OTHER[:30], 2.0)]),
    wrong("sliced_score_matching", "no second derivative for several directions",
          graph_of_one_direction, score, X, torch.tensor(np.stack([Y, Z, X]))),
    wrong("noise_prediction_loss", "the square of a root", distance_squared,
          lambda x, sigma: 0.5 * x, EMPTY, TWO, EMPTY),
    wrong("finite_difference_ssm", "a least step", sensible_step,
          [(lambda x: -x**3, X, Y, 1e-4)]),
    wrong("alpha_bar_from_betas", "remembered by length and ends", tables_by_ends(),
          [(np.array([0.1, 0.2, 0.3]),), (np.array([0.1, 0.15, 0.3]),)]),
    wrong("geometric_sigmas", "an entry more at some sizes", ramp_by_arange,
          [(9.0, 0.1, 50)]),
    wrong("logit_normal_time", "clamped at 1e-5", inner_times,
          [(np.array([-4.0, 0.5]), 0.0, 3.0)]),
    wrong("classifier_free_guidance", "no guidance up to 1", guided_above_one, [(X, Y, 0.5)]),
    wrong("flow_step", "in place without gradients", in_place_for_sampling, [(X, Y, 0.5, 0.25)]),
    cut("ddim_step", "eta above 0.9 from alpha_bar below 0.1", eager_noise,
        [(X, Y, 0.05, 0.6, 0.95, Z)]),
    wrong("directional_derivative", "no graph under no_grad", derivative_as_called,
          [(cross, X, Y)]),
    wrong("divergence", "unit vectors in the dtype of the first call", kept_unit_vectors(),
          [(cross, torch.tensor(X, dtype=torch.float32)), (cross, X)]),
    wrong("implicit_score_matching", "a trace at a detached copy", trace_at_a_copy, cross, X),
    cut("v_prediction_loss", "a residual beyond 30", bounded_slope,
        lambda x, alpha_bar: 20.0 * x, 4 * X, torch.tensor(0.5, dtype=torch.float64), Y),
    wrong("log_likelihood", "steps even in sigma over a wide range", even_steps,
          [(lambda x, sigma: -x / (0.01 + sigma**2), 0.1 * X, 0.01, 50.0)]),
    wrong("sigma_from_alpha_bar", "a logit with eps", safe_logit,
          [(np.array([0.3, 1 - 2e-6]),)]),
    cut("edm_weight", "narrow data after wide", used_to_wide_data(),
        [(0.5, 0.5), (0.5, 4.0), (0.5, 0.06)]),
    wrong("heun_step", "a predictor without a graph", predictor_without_graph,
          score, X, TWO, ONE),
    wrong("ve_reverse_sde_step", "no noise in the last step", quiet_last_step,
          [(X, Y, 0.5, 0.0, Z)]),
    wrong("vp_probability_flow_drift", "blocks of a copy", written_in_blocks,
          [(torch.tensor(X.T.copy()).t(), torch.tensor(Y), 0.5)]),
    cut("x0_from_score", "bfloat16 for 21 rows of float32", half_for_batches,
        [(*(torch.tensor(a, dtype=torch.float32) for a in (LARGE, OTHER)), 0.8, 0.6)]),
    cut("langevin", "a weaker drift after 150 steps", tired_chain,
        lambda x: -0.1 * x, X, 0.5, Count(200), Draws()),
]
