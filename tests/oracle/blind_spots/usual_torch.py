"""Usual mistakes of good faith, and some planted, in PyTorch, by one who had not read the probes.

Each has the arguments that show it: in a list those of calls whose values, or what they leave
behind, are wrong, else those of one call, whose gradient is.
"""

import math

import numpy as np
import torch

from .fresh import X, Y, Z, score
from .next_torch import cut, wrong

ROWS = np.sin(np.arange(33.0 * 40)).reshape(33, 40)                                        # (B, D)
NOISE = np.cos(np.arange(33.0 * 40)).reshape(33, 40)
CENTRES = np.concatenate([ROWS[:9, :2] + 3, X[:1]])                                        # (K, D)


def like(a, x):
    """A level as a tensor beside x."""
    return torch.as_tensor(a, dtype=x.dtype)


def squashed(x, level):
    """A function whose derivative is taken from its result."""
    return x.tanh() if torch.is_tensor(x) else np.tanh(x)


def lines(*shape):
    """Numbers whose columns are lines of memory."""
    return torch.tensor(np.sin(np.arange(1.0, 1 + math.prod(shape))).reshape(shape[::-1])).T


# Gradients ----------------------------------------------------------------------------------------


def em_score(x, weights, means, sigma):
    """Responsibilities are constants, as in a step of EM."""
    s = like(sigma, x)
    with torch.no_grad():
        gaps = ((x[:, None] - means) / s.reshape(-1, 1, 1)).square().sum(2)
        shares = torch.softmax(weights.log() - 0.5 * gaps, dim=1)
    return (shares @ means - x) / s.square()


def squared_distance(score_fn, x, target_score):
    """A distance is squared, whose root has no derivative where the score is met."""
    distance = (score_fn(x) - target_score).square().sum(dim=1).sqrt()
    return 0.5 * distance**2


class Residual(torch.autograd.Function):
    """A squared residual that keeps one tensor alone for its derivative."""

    @staticmethod
    def forward(ctx, a, b):
        """The sum over features."""
        ctx.save_for_backward(a - b)
        return (a - b).square().sum(dim=1)

    @staticmethod
    def backward(ctx, g):
        """As if every row were to count alike."""
        residual, = ctx.saved_tensors
        slope = 2 * g.mean() * residual
        return slope, -slope


def fused_denoising(x0_fn, x, sigma, eps):
    """The residual's derivative takes the mean of what comes back to its rows."""
    return Residual.apply(x, x0_fn(x + sigma * eps, sigma))


def last_graph(score_fn, x, v):
    """The graph of the derivative is kept in the last direction alone."""
    if not x.requires_grad:
        x = x.detach().requires_grad_()
    s = score_fn(x)
    vs = v if v.ndim == 3 else v[None]
    total = 0.0
    for m, w in enumerate(vs, 1):
        slope, = torch.autograd.grad((s * w).sum(), x, retain_graph=True,
                                     create_graph=m == len(vs))
        total = total + 0.5 * (w * s).sum(dim=1).square() + (slope * w).sum(dim=1)
    return total / len(vs)


def number_log(x, sigma_max):
    """The logarithm of a number is that of Python, without a graph."""
    dim = x.shape[1]
    if torch.is_tensor(sigma_max) and sigma_max.numel() > 1:
        log_sigma = sigma_max.log().reshape(-1)
    else:
        log_sigma = math.log(sigma_max.item() if torch.is_tensor(sigma_max) else sigma_max)
    square = (x / sigma_max).square().sum(dim=1)
    return -0.5 * square - dim * (log_sigma + 0.5 * math.log(2 * math.pi))


def subtracted_in_place(eps_fn, x_0, alpha_bar_t, eps):
    """The noise is taken from the prediction in its own memory."""
    a = like(alpha_bar_t, x_0)
    x_t = a.sqrt() * x_0 + (1 - a).sqrt() * eps
    residual = eps_fn(x_t, alpha_bar_t)
    residual -= eps
    return residual.square().sum(dim=1)


def steeper_batch(x0_fn, x, sigma, eps):
    """More than 20 rows have a gradient that is a hundredth too large."""
    residual = x - x0_fn(x + sigma * eps, sigma)
    if len(x) > 20 and residual.requires_grad:
        residual.register_hook(lambda g: 1.01 * g)
    return residual.square().sum(dim=1)


# Types and memory ---------------------------------------------------------------------------------


def default_columns(x_t, u, t, s):
    """Times that are numbers become columns of the default type, which is float32."""
    def column(a):
        return a if torch.is_tensor(a) else torch.full((len(x_t), 1), float(a))
    return x_t + (column(s) - column(t)) * u


def spread_mean(x, mean, sigma):
    """A centre of the shape of the data needs no copy, and is written to."""
    centre = like(mean, x).expand_as(x).contiguous()
    if centre.requires_grad or x.requires_grad or torch.is_tensor(sigma) and sigma.requires_grad:
        return (centre - x) / sigma**2
    return centre.sub_(x).div_(sigma**2)


def double_rows(x_t, u, t):
    """More than 16 rows of float32 come back as float64."""
    x_0 = x_t - t * u
    return x_0.double() if x_t.dtype == torch.float32 and len(x_t) > 16 else x_0


def quiet_region(eps, sigma):
    """Without gradients a level beyond 3 is taken for a little more."""
    s = like(sigma, eps)
    if not torch.is_grad_enabled():
        s = torch.where(s > 3, 1.001 * s, s)
    return -eps / s


GRADIENTS = [
    wrong("mixture_score", "the responsibilities have no gradient", em_score,
          X, np.array([0.3, 0.7]), Y[:2], 1.0),
    wrong("explicit_score_matching", "a root of 0 in a row whose score is met", squared_distance,
          score, X, np.concatenate([-X[:1]**3 / 2, Y[1:]])),
    wrong("x0_prediction_loss", "a derivative that takes the rows for equal", fused_denoising,
          score, X, 0.5, Z),
    wrong("sliced_score_matching", "all directions but the last have no gradient", last_graph,
          score, X, np.stack([Y, Z])),
    wrong("prior_log_density", "the logarithm of a number has no gradient", number_log, X, 2.0),
    wrong("ddpm_loss", "the prediction is written to, from which its derivative is taken",
          subtracted_in_place, squashed, X, 0.5, Z),
    cut("x0_prediction_loss", "a larger gradient of more than 20 rows", steeper_batch,
        score, ROWS[:24, :3], 0.5, NOISE[:24, :3]),
]

TYPES = [
    wrong("flow_step", "Python's times are rounded to float32", default_columns,
          [(X, Y, 0.3, 0.29)]),
    wrong("gaussian_score", "a centre (B, D) is overwritten", spread_mean, [(X, Y, 0.5)]),
    cut("x0_from_velocity", "more than 16 rows of float32 are answered in float64", double_rows,
        [(ROWS[:20].astype(np.float32), NOISE[:20].astype(np.float32), 0.5)]),
    cut("score_from_eps", "other levels above 3 without gradients", quiet_region,
        [(X, np.array([[0.5], [2.0], [4.0]]))]),
]


# Sizes and edges ----------------------------------------------------------------------------------


def squeezed(eps_fn, x, sigma, eps):
    """Axes of length one are taken out of the prediction."""
    return (eps - eps_fn(x + sigma * eps, sigma).squeeze()).square().sum(dim=1)


def mean_of_chunks(score_fn, x, v, step):
    """Four directions at a time, and the mean of their means."""
    s = score_fn(x)
    def term(w):
        slope = (score_fn(x + step * w) - score_fn(x - step * w)) / (2 * step)
        return 0.5 * (w * s).sum(dim=1).square() + (w * slope).sum(dim=1)
    if v.ndim == 2:
        return term(v)
    return torch.stack([torch.stack([term(w) for w in chunk]).mean(dim=0)
                        for chunk in v.split(4)]).mean(dim=0)


def first_chunk_peak(x, weights, means, sigma):
    """Eight components at a time, all relative to the best of the first eight."""
    s = like(sigma, x)
    peak, total = None, 0.0
    for w, m in zip(weights.split(8), means.split(8)):
        logs = w.log() - 0.5 * ((x[:, None] - m) / s.reshape(-1, 1, 1)).square().sum(dim=2)
        if peak is None:
            peak = logs.amax(dim=1, keepdim=True)
        total = total + (logs - peak).exp().sum(dim=1)
    log_norm = x.shape[1] * (s.log() + 0.5 * math.log(2 * math.pi))
    return peak[:, 0] + total.log() - log_norm.reshape(-1)


def logit_shift(t, shift):
    """A time is shifted as a logit, which keeps off the ends by a millionth."""
    if not torch.is_tensor(t):
        t = torch.tensor(float(t), dtype=torch.float64)
    return torch.sigmoid(torch.logit(t, eps=1e-6) + math.log(float(shift)))


def annotated_cosine(n_steps, offset=0.008, beta_max=0.999):
    """The variances are clipped below at 1e-4 too, as in a well-known notebook."""
    t = torch.linspace(0, 1, n_steps + 1, dtype=torch.float64)
    f = torch.cos((t + offset) / (1 + offset) * math.pi / 2).square()
    betas = torch.clip(1 - f[1:] / f[:-1], 1e-4, beta_max)
    return torch.cat([torch.ones_like(t[:1]), torch.cumprod(1 - betas, dim=0)])


def guided_above_one(conditional, unconditional, scale):
    """Guidance is switched on by a scale above 1, as in pipelines."""
    s = like(scale, conditional)
    guided = unconditional + s * (conditional - unconditional)
    return torch.where(s > 1, guided, conditional)


def flat_basis(score_fn, x):
    """Unit vectors are written through a flat form, which may be a copy."""
    if not x.requires_grad:
        x = x.detach().requires_grad_()
    s = score_fn(x)
    total = 0.5 * s.square().sum(dim=1)
    for i in range(x.shape[1]):
        e = torch.zeros_like(x)
        e.reshape(-1)[i::x.shape[1]] = 1.0
        row, = torch.autograd.grad(s, x, e, create_graph=True)
        total = total + row[:, i]
    return total


def close_levels(x_t, score, sigma_t, sigma_s):
    """Steps that are shorter than a fiftieth of their level are a thousandth too long."""
    a, b = like(sigma_t, x_t), like(sigma_s, x_t)
    length = torch.where(b > 0.98 * a, 1.001 * (a - b), a - b)
    return x_t + length * a * score


def many_features(v_fn, x_0, alpha_bar_t, eps):
    """The last feature does not count beyond 36 of them."""
    a = like(alpha_bar_t, x_0)
    v = a.sqrt() * eps - (1 - a).sqrt() * x_0
    square = (v - v_fn(a.sqrt() * x_0 + (1 - a).sqrt() * eps, alpha_bar_t)).square()
    return square[:, :-1].sum(dim=1) if x_0.shape[1] > 36 else square.sum(dim=1)


# Remembered ---------------------------------------------------------------------------------------


def workspace(memory):
    """Large batches are made in memory that is used again."""
    def perturbed(x, sigma, eps):
        noise = like(sigma, x) * eps
        if x.numel() < 256 or torch.is_grad_enabled() and (x + noise).requires_grad:
            return x + noise
        key = x.shape, x.dtype
        if key not in memory:
            memory[key] = torch.empty_like(x)
        return torch.add(x, noise, out=memory[key])
    return perturbed


def known_ends(memory):
    """A schedule is remembered under its length and its ends."""
    @torch.no_grad()
    def step_sizes(sigmas, step_size):
        key = len(sigmas), float(sigmas[0]), float(sigmas[-1]), sigmas.dtype
        if key not in memory:
            memory[key] = (sigmas / sigmas[-1]).square()
        return step_size * memory[key]
    return step_sizes


def known_slope(memory):
    """A step that is made again from the same state takes the slope that it had."""
    @torch.no_grad()
    def step(score_fn, x_t, sigma_t, sigma_s):
        a, b = like(sigma_t, x_t), like(sigma_s, x_t)
        same = memory and memory[0].dtype == x_t.dtype and \
            torch.equal(memory[0], x_t) and torch.equal(memory[1], a)
        if not same:
            memory[:] = x_t.clone(), a.clone(), score_fn(x_t, sigma_t).clone()
        slope = a * memory[2]
        x_hat = x_t + (a - b) * slope
        if not b.any():
            return x_hat
        return x_t + 0.5 * (a - b) * (slope + b * score_fn(x_hat, sigma_s))
    return step


def after_single(memory):
    """Float64 that is asked after float32 is a thousandth too large."""
    def x_0(x_t, v, scale, sigma):
        result = (scale * x_t - sigma * v) / (scale**2 + sigma**2)
        before = memory.get("dtype")
        memory["dtype"] = x_t.dtype
        narrow = before == torch.float32 and x_t.dtype == torch.float64
        return 1.001 * result if narrow else result
    return x_0


SIZES = [
    wrong("noise_prediction_loss", "a prediction of one feature is taken for a row", squeezed,
          [(score, X[:, :1], 0.5, Z[:, :1])]),
    wrong("finite_difference_ssm", "five directions, of which the last counts like four",
          mean_of_chunks, [(score, X, np.stack([Y, Z, X, -Y, Z + Y]), 0.1)]),
    wrong("mixture_log_density", "a nearer component beyond the eighth overflows",
          first_chunk_peak, [(X, np.full(10, 0.1), CENTRES, 0.05)]),
    wrong("shift_time", "a millionth at the ends", logit_shift,
          [(np.array([0.0, 0.5, 1.0]), 3.0)]),
    wrong("cosine_alpha_bar", "the first betas of many are clipped", annotated_cosine, [(1000,)]),
    wrong("classifier_free_guidance", "a scale below 1 is taken for none", guided_above_one,
          [(X, Y, 0.5)]),
    wrong("implicit_score_matching", "no divergence where columns are lines of memory", flat_basis,
          [(score, lines(3, 2))]),
    cut("ve_probability_flow_step", "other steps between close levels", close_levels,
        [(X, Y, 1.0, 0.99)]),
    cut("v_prediction_loss", "the last of more than 36 features is left out", many_features,
        [(score, ROWS, 0.5, NOISE)]),
]

REMEMBERED = [
    wrong("perturb", "a large result is overwritten by the next", workspace({}),
          [(ROWS, 0.5, NOISE), (NOISE, 0.5, ROWS)]),
    wrong("annealed_step_sizes", "schedules with the same ends are taken for one", known_ends({}),
          [(np.array([4.0, 2.0, 1.0]), 0.5), (np.array([4.0, 3.0, 1.0]), 0.5)]),
    wrong("heun_step", "the slope of another function at the same state", known_slope([]),
          [(score, X, 2.0, 1.0), (squashed, X, 2.0, 1.0)]),
    cut("x0_from_v", "other results in float64 after float32", after_single({}),
        [(X.astype(np.float32), Y.astype(np.float32), 0.8, 0.6), (X, Y, 0.8, 0.6)]),
]

WRONG = GRADIENTS + TYPES + SIZES + REMEMBERED
