"""Mistakes of good faith, and some planted, in PyTorch, by one who had not read the probes.

Each has the arguments that show it: in a list those of calls whose values, or what they leave
behind, are wrong, else those of one call, whose gradient is.
"""

import math

import numpy as np
import torch
from torch.nn import functional

from . import Hidden
from .fresh import X, Y, Z, score

FLAT = torch.tensor([[0.5, 2.0, -0.7], [-1.0, 0.3, 1.1]], dtype=torch.float64)
CENTRES = np.sin(np.arange(80.0)).reshape(40, 2)                                           # (K, D)
NOISES = np.cos(np.arange(18.0)).reshape(3, 3, 2)                                       # (M, B, D)


def wrong(kind, what, function, *at):
    """A mistake of good faith: in a gradient at the arguments `at`, or at one list of calls."""
    return Hidden(kind, what, function, True, "torch", at[0] if isinstance(at[0], list) else at)


def cut(kind, what, function, *at):
    """A region that nobody would treat apart in good faith."""
    return Hidden(kind, what, function, False, "torch", at[0] if isinstance(at[0], list) else at)


def like(a, x):
    """A number or a level as a tensor beside x."""
    return torch.as_tensor(a, dtype=x.dtype)


# Values -------------------------------------------------------------------------------------------


def guidance_by_diff(conditional, unconditional, scale):
    """Squeezing the axis of the pair also squeezes a single feature."""
    pair = torch.stack([unconditional, conditional])
    return unconditional + scale * pair.diff(dim=0).squeeze()


def nearest_32(x, weights, means, sigma):
    """The 32 nearest components, as a search index returns them."""
    s = like(sigma, x)
    square = (x[:, None] - means).square().sum(2)                                           # (B, K)
    square, index = square.topk(min(32, len(weights)), dim=1, largest=False)
    shares = torch.softmax(weights.log()[index] - 0.5 * square / s**2, dim=1)
    return ((shares[:, :, None] * means[index]).sum(1) - x) / s**2


def by_nll_loss(x, mean, sigma):
    """The library's loss raises a variance to 1e-6."""
    s = like(sigma, x).expand_as(x)
    nll = functional.gaussian_nll_loss(like(mean, x).expand_as(x), x, s.square(), full=True,
                                       reduction="none")
    return -nll.sum(1)


def finite_ratio(alpha_bar):
    """nan_to_num takes the infinity of clean data for the largest float."""
    a = alpha_bar if torch.is_tensor(alpha_bar) else torch.tensor(alpha_bar, dtype=torch.float64)
    return torch.nan_to_num(a / (1 - a))


def by_arange(sigma_max, sigma_min, n_levels):
    """Steps of 1 / (L - 1) up to 1, which rounding includes at some L, then 1."""
    ramp = torch.arange(0, 1, 1 / (n_levels - 1), dtype=torch.float64)
    ramp = torch.cat([ramp, torch.ones(1, dtype=torch.float64)])
    return sigma_max * (sigma_min / sigma_max)**ramp


def by_clip(n_steps, offset=0.008, beta_max=0.999):
    """The betas are clipped from below as well."""
    t = torch.arange(n_steps + 1, dtype=torch.float64) / n_steps
    f = ((t + offset) / (1 + offset) * math.pi / 2).cos().square()
    betas = (1 - f[1:] / f[:-1]).clamp(1e-4, beta_max)
    return torch.cat([torch.ones(1, dtype=torch.float64), (1 - betas).cumprod(0)])


# Dtype, memory and arguments that change ----------------------------------------------------------


def level_of_32_bits(x_0, alpha_bar_t, eps):
    """A number becomes a tensor of float32, and 1 - alpha_bar_t has few digits left."""
    a = torch.as_tensor(alpha_bar_t)
    return a.sqrt() * x_0 + (1 - a).sqrt() * eps


def in_memory_order(x, score, step_size, z):
    """A flat kernel that takes every array for one in C order."""
    h = like(step_size, x).expand_as(x).contiguous()
    x_, score_, h_, z_ = (a.as_strided((a.numel(),), (1,)) for a in (x, score, h, z))
    return (x_ + 0.5 * h_ * score_ + h_.sqrt() * z_).reshape(x.shape)


def tweedie_in_place(x_t, score, scale, sigma):
    """Where nothing needs dividing the sum is taken in the state itself."""
    x_0 = x_t if torch.all(torch.as_tensor(scale) == 1) else x_t / scale
    x_0 += sigma**2 * score / scale
    return x_0


# Gradients ----------------------------------------------------------------------------------------


def by_radius(x, sigma_max):
    """The root of a square, whose gradient at the origin is 0 / 0."""
    s = like(sigma_max, x).reshape(-1)
    radius = x.square().sum(1).sqrt()
    return -0.5 * (radius / s)**2 - x.shape[1] * (s.log() + 0.5 * math.log(2 * math.pi))


class EpsFromV(torch.autograd.Function):
    """Its backward pass holds for variance-preserving levels alone."""

    @staticmethod
    def forward(ctx, x_t, v, scale, sigma):
        """For all levels."""
        ctx.save_for_backward(like(scale, x_t), like(sigma, x_t))
        return (sigma * x_t + scale * v) / (scale**2 + sigma**2)

    @staticmethod
    def backward(ctx, grad):
        """Without the division by scale^2 + sigma^2; levels have no gradient."""
        scale, sigma = ctx.saved_tensors
        return sigma * grad, scale * grad, None, None


def batched_without_graph(score_fn, x, v):
    """The branch for many directions was written without create_graph."""
    with torch.enable_grad():
        x = x if x.requires_grad else x.detach().requires_grad_()
        s = score_fn(x)
        if v.ndim == 3:
            rows, = torch.autograd.grad(s, x, v, retain_graph=True, is_grads_batched=True)
        else:
            rows, = torch.autograd.grad(s, x, v, create_graph=True)
        slope = (rows * v).sum(-1)
    return 0.5 * s.square().sum(1) + (slope.mean(0) if v.ndim == 3 else slope)



def target_without_graph(u_fn, x_0, t, eps):
    """Targets are made under no_grad, from data that have a graph in the network's input."""
    x_t = (1 - t) * x_0 + t * eps
    with torch.no_grad():
        target = eps - x_0
    return (target - u_fn(x_t, t)).square().sum(1)


# What is kept from call to call -------------------------------------------------------------------


def unit_matrices():
    """Unit matrices are kept for each number of features, in the dtype of the first call."""
    kept = {}

    def loss(score_fn, x):
        eye = kept.setdefault(x.shape[1], torch.eye(x.shape[1], dtype=x.dtype))
        with torch.enable_grad():
            x = x if x.requires_grad else x.detach().requires_grad_()
            s = score_fn(x)
            rows = [torch.autograd.grad(s, x, e.expand_as(x).to(x.dtype), create_graph=True)[0]
                    for e in eye]
            trace = (torch.stack(rows, dim=1) * eye).sum((1, 2))
        return 0.5 * s.square().sum(1) + trace
    return loss


def step_sizes_by_ends():
    """Step sizes are kept for both ends and the number of levels."""
    kept = {}

    def step_sizes(sigmas, step_size):
        key = len(sigmas), float(sigmas[0]), float(sigmas[-1]), float(step_size), sigmas.dtype
        if key not in kept:
            kept[key] = step_size * (sigmas / sigmas[-1]).square().detach()
        return kept[key].clone()
    return step_sizes


class LevelLoss:
    """The weights that are left out are filled in once for each number of levels."""

    def __init__(self):
        self.weights = {}

    def __call__(self, score_fn, x, sigmas, eps, weights=None):
        """The levels one after the other."""
        if weights is None:
            if len(sigmas) not in self.weights:
                self.weights[len(sigmas)] = sigmas.detach().square().tolist()
            weights = self.weights[len(sigmas)]
        total = 0
        for weight, sigma, e in zip(weights, sigmas, eps):
            residual = score_fn(x + sigma * e, sigma) + e / sigma
            total = total + weight * 0.5 * residual.square().sum(1)
        return total


def into_buffer():
    """Without gradients the result lies in a buffer that the next call of this size fills."""
    buffers = {}

    def perturb(x, sigma, eps):
        if any(torch.is_tensor(a) and a.requires_grad for a in (x, sigma, eps)):
            return x + sigma * eps
        out = buffers.setdefault((x.shape, x.dtype), torch.empty_like(x))
        torch.mul(eps, sigma, out=out)
        return out.add_(x)
    return perturb


def nearly_clean(score_fn, x_t, sigma_t, sigma_s):
    """A level below 2e-4 is taken for the zero at the end."""
    d = sigma_t * score_fn(x_t, sigma_t)
    x_hat = x_t + (sigma_t - sigma_s) * d
    if torch.as_tensor(sigma_s).max() < 2e-4:
        return x_hat
    return x_t + 0.5 * (sigma_t - sigma_s) * (d + sigma_s * score_fn(x_hat, sigma_s))


# Planted ------------------------------------------------------------------------------------------


def weak_beyond_24(x_t, x_0, scale, sigma):
    """Features beyond the 24th pass on a thousandth less of their gradient."""
    eps = (x_t - scale * x_0) / sigma
    if eps.requires_grad and eps.shape[1] > 24:
        factor = torch.ones(eps.shape[1], dtype=eps.dtype)
        factor[24:] = 0.999
        eps.register_hook(lambda grad: grad * factor)
    return eps


def after_larger():
    """A batch that is smaller than the last one gets a little less noise."""
    rows = [0]

    def step(x_t, score, sigma_t, sigma_s, z):
        removed = like((sigma_t - sigma_s) * (sigma_t + sigma_s), x_t)
        z = 0.999 * z if len(x_t) < rows[0] else z
        rows[0] = len(x_t)
        return x_t + removed * score + removed.sqrt() * z
    return step


def far_ahead(x_t, u, t):
    """Rows that move by more than five times their length move a little less."""
    move = t * u
    far = move.norm(dim=1, keepdim=True) > 5 * x_t.norm(dim=1, keepdim=True)
    return x_t - torch.where(far, 0.999 * move, move)


def short_of_digits(alpha_bar):
    """Below 1e-4 the root is taken in bfloat16."""
    square = (1 - alpha_bar) / alpha_bar
    if not torch.is_tensor(square):
        square = torch.tensor(square, dtype=torch.float64)
    return torch.where(square > 1e4, square.bfloat16().sqrt().to(square.dtype), square.sqrt())


def detached_in_noise(v_fn, x_0, alpha_bar_t, eps):
    """Rows of hardly any signal learn nothing."""
    a = like(alpha_bar_t, x_0)
    v_hat = v_fn(a.sqrt() * x_0 + (1 - a).sqrt() * eps, alpha_bar_t)
    v_hat = torch.where(a < 0.02, v_hat.detach(), v_hat)
    return (a.sqrt() * eps - (1 - a).sqrt() * x_0 - v_hat).square().sum(1)


def long_in_place(x_t, u, t, s):
    """A step of more than 0.75 towards the noise leaves its end in x_t."""
    end = x_t + (s - t) * u
    if torch.as_tensor(s - t).min() > 0.75:
        with torch.no_grad():
            x_t.copy_(end)
    return end


WRONG = [
    wrong("classifier_free_guidance", "one feature is squeezed away", guidance_by_diff,
          [(X[:, :1], Y[:, :1], 2.0)]),
    wrong("mixture_score", "the nearest 32 components alone", nearest_32,
          [(X, np.full(40, 1 / 40), CENTRES, 2.0)]),
    wrong("gaussian_log_density", "gaussian_nll_loss has a least variance of 1e-6", by_nll_loss,
          [(X, 0.5, 5e-4)]),
    wrong("signal_to_noise_ratio", "nan_to_num at alpha_bar = 1", finite_ratio,
          [(np.array([0.5, 1.0]),)]),
    wrong("geometric_sigmas", "arange has an entry too many at some L", by_arange,
          [(10.0, 0.01, 50)]),
    wrong("cosine_alpha_bar", "betas are at least 1e-4", by_clip, [(1000,)]),
    wrong("diffuse", "a number of Python has float32", level_of_32_bits, [(X, 0.9999, Z)]),
    wrong("langevin_step", "arrays are read in the order of memory", in_memory_order,
          [(FLAT.T, torch.tensor(Y), 0.1, torch.tensor(Z))]),
    wrong("x0_from_score", "in place at scale = 1", tweedie_in_place, [(X, Y, 1.0, 0.5)]),
    wrong("prior_log_density", "no gradient at the origin", by_radius,
          np.array([[0.5, -1.0], [0.0, 0.0]]), 2.0),
    wrong("eps_from_v", "a gradient for scale^2 + sigma^2 = 1", EpsFromV.apply,
          X, Y, torch.tensor(1.0, dtype=torch.float64), torch.tensor(2.0, dtype=torch.float64)),
    wrong("sliced_score_matching_vr", "many directions are detached", batched_without_graph,
          score, X, torch.tensor(NOISES)),
    wrong("flow_matching_loss", "the target has no graph, beside data that have one",
          target_without_graph, score, X, 0.25, Z),
    wrong("implicit_score_matching", "unit matrices of the first dtype", unit_matrices(),
          [(score, X), (score, X.astype(np.float32))]),
    wrong("annealed_step_sizes", "kept for the ends of the levels", step_sizes_by_ends(),
          [(np.array([4.0, 2.0, 1.0]), 0.1), (np.array([4.0, 3.0, 1.0]), 0.1)]),
    wrong("noise_conditional_score_matching", "default weights are those of the first levels",
          LevelLoss(), [(score, X, np.array([4.0, 2.0, 1.0]), NOISES),
                        (score, X, np.array([3.0, 1.0, 0.5]), NOISES)]),
    wrong("perturb", "results share a buffer", into_buffer(), [(X, 0.5, Z), (Y, 0.5, Z)]),
    wrong("heun_step", "sigma_s below 2e-4 is taken for zero", nearly_clean,
          [(lambda x, sigma: -x / (1e-4 + sigma**2), X, 0.01, 1e-4)]),
    cut("eps_from_x0", "gradients beyond the 24th feature", weak_beyond_24,
        np.sin(np.arange(90.0)).reshape(3, 30), np.cos(np.arange(90.0)).reshape(3, 30), 0.8, 0.6),
    cut("ve_reverse_sde_step", "a batch smaller than the last", after_larger(),
        [(X, Y, 2.0, 1.0, Z), (X[:2], Y[:2], 2.0, 1.0, Z[:2])]),
    cut("x0_from_velocity", "a long move", far_ahead, [(0.1 * X, Y, 0.9)]),
    cut("sigma_from_alpha_bar", "bfloat16 below 1e-4", short_of_digits,
        [(np.array([0.5, 3e-5, 7e-6]),)]),
    cut("v_prediction_loss", "no gradient below 0.02", detached_in_noise, score, X, 0.01, Z),
    cut("flow_step", "a long step in place", long_in_place, [(X, Y, 0.1, 0.9)]),
]
