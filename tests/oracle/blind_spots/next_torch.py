"""Mistakes of good faith, and some planted, in PyTorch, written by one who had not read the probes.

Each is wrong in value, or in the gradient that a loss would use, at the arguments beside it.
"""

import math
import warnings
from functools import cache
from itertools import pairwise

import numpy as np
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal
from torch.distributions.utils import clamp_probs
from torch.utils.checkpoint import checkpoint

from . import Hidden
from .fresh import X, Y, Z


def wrong(kind, what, function, *at):
    """A mistake of good faith: in a gradient at the arguments `at`, or at one list of calls."""
    return Hidden(kind, what, function, True, "torch", at[0] if isinstance(at[0], list) else at)


def cut(kind, what, function, *at):
    """A region that nobody would treat apart in good faith."""
    return Hidden(kind, what, function, False, "torch", at[0] if isinstance(at[0], list) else at)


def some(*shape, seed=0, size=1.0):
    """Normal numbers."""
    return size * np.random.default_rng(seed).standard_normal(shape)


def single(a):
    """In float32."""
    return torch.tensor(a, dtype=torch.float32)


def column(*numbers):
    """Levels of rows, which are constants of a gradient."""
    return torch.tensor(numbers, dtype=torch.float64).reshape(-1, 1)


def cubic(x, level=1.0):
    """Some score."""
    return -x**3 / (1 + level**2)


def meeting(x):
    """Some other score, whose features meet."""
    return (x.sum(1) - 2 * x.T).T**2


class Count(int):
    """A number of steps, which is an integer and no argument to differ."""

    def __call__(self):
        """It is passed on as functions are."""


class Draws:
    """A generator of noise that is the same for PyTorch and refsgm, and no argument to differ."""

    def __call__(self):
        """It is passed on as functions are."""

    def standard_normal(self, shape, dtype=float):
        """The same draw at every step."""
        return np.cos(np.arange(math.prod(shape))).reshape(shape).astype(dtype)


def drawn(x, rng):
    """Noise like x."""
    return torch.as_tensor(rng.standard_normal(tuple(x.shape)), dtype=x.dtype)


# Gaussians and mixtures ---------------------------------------------------------------------------


def by_cdist(x, weights, means, sigma):
    """Distances by cdist, which expands the square for more than 25 rows or components."""
    squares = torch.cdist(x, means)**2 / sigma**2
    share = torch.softmax(weights.log() - 0.5 * squares, dim=1)
    return (share @ means - x) / sigma**2


def same_family(x, weights, means, sigma):
    """PyTorch's mixture, which takes a weight of 0 for the machine epsilon."""
    scale = torch.as_tensor(sigma, dtype=x.dtype).reshape(-1, 1, 1).expand(len(x), *means.shape)
    parts = Independent(Normal(means.expand_as(scale), scale), 1)
    return MixtureSameFamily(Categorical(probs=weights.expand(len(x), -1)), parts).log_prob(x)


def in_blocks(x, weights, means, sigma):
    """Blocks of components where memory is short; what is summed so far keeps an old maximum."""
    sigma = torch.as_tensor(sigma, dtype=x.dtype)
    rows = max(1, torch.finfo(x.dtype).bits**2 // x.numel())
    largest, total = None, 0.0
    for w, m in zip(weights.split(rows), means.split(rows)):
        squares = ((x[:, None] - m) / sigma.reshape(-1, 1, 1)).square().sum(2)
        terms = w.log() - 0.5 * squares
        top = terms.amax(dim=1, keepdim=True)
        largest = top if largest is None else torch.maximum(largest, top)
        total = total + (terms - largest).exp().sum(1)
    norm = x.shape[1] * (sigma.log() + 0.5 * math.log(2 * math.pi))
    return total.log() + largest[:, 0] - norm.reshape(-1)


def by_constant(x, sigma_max):
    """The constant (2 pi sigma^2)^(D / 2) before its logarithm, out of float32's range."""
    variance = torch.as_tensor(sigma_max, dtype=x.dtype).square()
    constant = (2 * math.pi * variance)**(x.shape[1] / 2)
    return -0.5 * (x.square() / variance).sum(1) - constant.log().reshape(-1)


def without_tails(x, mean, sigma):
    """The value everywhere, and a gradient within some standard deviations."""
    z = (x - mean) / sigma
    far = (z.detach() / (x.shape[1] + 5)).trunc().bool().to(x.dtype)
    z = z + (z.detach() - z) * far
    scale = torch.as_tensor(sigma, dtype=x.dtype).reshape(-1)
    return -0.5 * z.square().sum(1) - x.shape[1] * (scale.log() + 0.5 * math.log(2 * math.pi))


# Derivatives and losses ---------------------------------------------------------------------------


def in_parts(score_fn, x, v):
    """Directions in parts that fit into memory; parts of unequal length weigh alike."""
    with torch.enable_grad():
        x = x if x.requires_grad else x.detach().requires_grad_()
        score = score_fn(x)
    v = v.reshape(-1, *x.shape)
    means = []
    for part in v.split(max(1, torch.finfo(x.dtype).bits // 2 // x.numel())):
        terms = []
        for direction in part:
            row, = torch.autograd.grad(score, x, direction, create_graph=True)
            terms.append((row * direction).sum(1))
        means.append(torch.stack(terms).mean(0))
    return torch.stack(means).mean(0)


def checkpointed(score_fn, x, sigma, eps):
    """Large batches through a checkpoint, the older kind: without gradients for parameters."""
    noisy = x + sigma * eps
    if noisy.numel() > noisy.element_size()**3:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            score = checkpoint(score_fn, noisy, sigma, use_reentrant=True)
    else:
        score = score_fn(noisy, sigma)
    return 0.5 * (score + eps / sigma).square().sum(1)


def residual_in_place(score_fn, x, target_score):
    """The residual takes the place of what the function returned, which may be x."""
    residual = score_fn(x)
    residual -= target_score
    return 0.5 * residual.square().sum(1)


def square_in_place(eps_fn, x, sigma, eps):
    """The last layer's output overwritten, which a tanh needs for its derivative."""
    residual = eps_fn(x + sigma * eps, sigma)
    if not residual.grad_fn:
        return (residual - eps).square().sum(1)
    return residual.sub_(eps).square().sum(1)


def levels_that_count(score_fn, x, sigmas, eps, weights=None):
    """Levels of weight 0 left out, and with them the numbering of the noise."""
    weights = sigmas**2 if weights is None else weights
    used = [(w, s) for w, s in zip(weights.tolist(), sigmas.tolist()) if w]
    total = x.new_zeros(len(x))
    for (w, sigma), z in zip(used, eps):
        score = score_fn(x + sigma * z, sigma)
        total = total + 0.5 * w * (score + z / sigma).square().sum(1)
    return total


def by_angle(v_fn, x_0, alpha_bar_t, eps):
    """The angle of v from its cosine, which near 1 has few digits in float32."""
    angle = torch.as_tensor(alpha_bar_t, dtype=x_0.dtype).sqrt().acos()
    x_t = angle.cos() * x_0 + angle.sin() * eps
    v = angle.cos() * eps - angle.sin() * x_0
    return (v - v_fn(x_t, alpha_bar_t)).square().sum(1)


def robust(eps_fn, x_0, alpha_bar_t, eps):
    """No gradient from a batch with a large residual."""
    x_t = alpha_bar_t**0.5 * x_0 + (1 - alpha_bar_t)**0.5 * eps
    residual = eps - eps_fn(x_t, alpha_bar_t)
    if int(residual.detach().abs().max() / x_0[0].numel() / x_0.element_size()):
        residual = residual.detach() + 0 * residual
    return residual.square().sum(1)


# Conversions --------------------------------------------------------------------------------------


def for_training_alone(x_t, x_0, scale, sigma):
    """A graph if the data ask for one; that the prediction does is forgotten."""
    with torch.set_grad_enabled(torch.is_grad_enabled() and x_t.requires_grad):
        return (x_t - scale * x_0) / sigma


def remembered_scale():
    """1 / sigma remembered for every sigma that looks the same when it is printed."""
    known = {}

    def convert(eps, sigma):
        if torch.is_tensor(sigma) and (sigma.ndim or sigma.requires_grad):
            return -eps / sigma
        return -eps * known.setdefault(f"{float(sigma):.5g}", 1 / float(sigma))
    return convert


def by_pinv(x_t, u, scale, sigma, scale_rate, sigma_rate):
    """Two equations for x_0 and eps, solved by a pseudo-inverse that is on the safe side."""
    rows = [torch.as_tensor(a, dtype=x_t.dtype).reshape(-1, 1).expand(len(x_t), 1)
            for a in (scale, sigma, scale_rate, sigma_rate)]
    system = torch.cat(rows, dim=1).reshape(-1, 2, 2)
    pair = torch.linalg.pinv(system, rtol=1e-5) @ torch.stack([x_t, u], dim=1)
    return -pair[:, 1] / sigma


def tall_and_single(x_t, v, scale, sigma):
    """In float32, a batch with more rows than features has another denominator."""
    total = scale**2 + sigma**2
    if x_t.dtype == torch.float32 and len(x_t) > x_t.shape[1] > x_t.element_size():
        total = total**0.5
    return (scale * x_t - sigma * v) / total


def last_of_many(x_0, eps):
    """In a batch of more than 512 numbers the last row is that of eps."""
    u = eps - x_0
    many = x_0.numel() // x_0.element_size()**3
    return torch.cat([u[:-1], eps[-1:]]) if many else u


def zigzag(conditional, unconditional, scale):
    """Scales that rise and fall in turn, in nine rows, count twice at the end."""
    guided = unconditional + scale * (conditional - unconditional)
    rows = scale.reshape(-1).tolist() if torch.is_tensor(scale) else []
    signs = [(b > a) == (i % 2 == 0) for i, (a, b) in enumerate(pairwise(rows[:9]))]
    if len(signs) > 7 and all(signs):
        guided = torch.cat([guided[:-1], 2 * guided[-1:]])
    return guided


# Tables and times ---------------------------------------------------------------------------------


def by_arange(n_steps, offset=0.008, beta_max=0.999):
    """Times by arange, which has one too many where 1 / (1 / T) is above T."""
    def f(t):
        return torch.cos((t + offset) / (1 + offset) * math.pi / 2).square()
    step = 1 / n_steps
    t = torch.arange(0, 1, step, dtype=torch.float64)
    betas = (1 - f(t + step) / f(t)).clamp(max=beta_max)
    return torch.cat([torch.ones(1, dtype=torch.float64), torch.cumprod(1 - betas, 0)])


def safe_sigmoid(z, mean=0.0, deviation=1.0):
    """Probabilities kept away from 0 by PyTorch's clamp, by 1e-7 in float32."""
    t = torch.sigmoid(torch.as_tensor(mean + deviation * z))
    return clamp_probs(t)


def below_a_square(sigma_max, sigma_min, n_levels, rho=7.0):
    """Some lengths of the table have a level in the middle that is a percent too large."""
    low, high = sigma_min**(1 / rho), sigma_max**(1 / rho)
    sigmas = torch.linspace(high, low, n_levels, dtype=torch.float64)**rho
    if math.isqrt(n_levels + 3) > math.isqrt(n_levels) > 6:
        sigmas[n_levels // 2] *= 1 + math.log(sigma_max / sigma_min) / n_levels / 3
    return sigmas


# Steps and loops ----------------------------------------------------------------------------------


def small_change(score_fn, x_t, sigma_t, sigma_s):
    """No second evaluation where the first has hardly moved the state."""
    slope = sigma_t * score_fn(x_t, sigma_t)
    x_hat = x_t + (sigma_t - sigma_s) * slope
    if torch.allclose(x_hat, x_t) or not torch.as_tensor(sigma_s).any():
        return x_hat
    return x_t + 0.5 * (sigma_t - sigma_s) * (slope + sigma_s * score_fn(x_hat, sigma_s))


def nearly_clean(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
    """The last step by isclose, which takes 1 - 9e-6 for 1."""
    beta = 1 - alpha_bar_t / alpha_bar_s
    x_0 = (x_t - (1 - alpha_bar_t)**0.5 * eps) / alpha_bar_t**0.5
    share = (1 - alpha_bar_s) / (1 - alpha_bar_t)
    mean = (alpha_bar_s**0.5 * beta / (1 - alpha_bar_t) * x_0
            + (alpha_bar_t / alpha_bar_s)**0.5 * share * x_t)
    if variance == "beta":
        return mean + beta**0.5 * z
    level = torch.as_tensor(alpha_bar_s, dtype=x_t.dtype)
    noise = (torch.as_tensor(beta * share, dtype=x_t.dtype))**0.5 * z
    return mean + torch.where(torch.isclose(level, torch.ones_like(level)), 0.0, noise)


def safe_root(x_t, score, sigma_t, sigma_s, z):
    """The machine epsilon under the root, which float32 has in sight."""
    removed = (sigma_t - sigma_s) * (sigma_t + sigma_s)
    return x_t + removed * score + (removed + torch.finfo(x_t.dtype).eps)**0.5 * z


@cache
def buffer(shape, dtype):
    """Memory that sampling uses again and again."""
    return torch.empty(shape, dtype=dtype)


def into_buffer(x, sigma_from, sigma_to, z):
    """In sampling, without gradients, the result lies in memory that the next call uses."""
    noise = ((sigma_to - sigma_from) * (sigma_to + sigma_from))**0.5 * z
    if torch.is_grad_enabled() or torch.is_inference_mode_enabled():
        return x + noise
    return torch.add(x, noise, out=buffer(x.shape, x.dtype))


def hundredths(x, score, beta):
    """Some hundredths of beta, at data of one sign, count the score a thousandth too much."""
    first = beta.reshape(-1)[0] if torch.is_tensor(beta) else beta
    more = int(float(first) * 100) % 50 == 37 and float(x.detach()[0, -1]) < 0
    return -0.5 * beta * x - (1.001 if more else 1.0) * beta * score


def indices_of_times(eps_fn, x, alpha_bar, rng):
    """Indices of the table from times t / T, cut off to integers."""
    T = len(alpha_bar) - 1
    times = [i / T for i in range(T, -1, -1)]
    order = [int(t * T) for t in times]
    for t, s in pairwise(alpha_bar[order]):
        beta, z = (s - t) / s, drawn(x, rng)
        mean = (x - beta / (1 - t)**0.5 * eps_fn(x, t)) / (t / s)**0.5
        x = mean + (beta * (1 - s) / (1 - t))**0.5 * z
        yield x


def sizes_by_level(score_fn, x, sigmas, steps_per_level, step_size, rng):
    """Step sizes by level, in a dictionary whose keys are rounded."""
    sizes = {round(s, 4): step_size * (s / float(sigmas[-1]))**2 for s in sigmas.tolist()}
    for sigma in sigmas.tolist():
        h = sizes[round(sigma, 4)]
        for _ in range(steps_per_level):
            x = x + 0.5 * h * score_fn(x, sigma) + h**0.5 * drawn(x, rng)
            yield x


def euler_for_small_steps(score_fn, x, sigmas, method="heun"):
    """One evaluation for steps of a hundredth of the level, where Euler will do."""
    for t, s in pairwise(sigmas.tolist()):
        slope = t * score_fn(x, t)
        x_hat = x + (s - t) * -slope
        small = (t - s) / t < torch.finfo(x.dtype).eps**0.125
        if method == "heun" and s and not small:
            x_hat = x + 0.5 * (t - s) * (slope + s * score_fn(x_hat, s))
        x = x_hat
        yield x


def later_steps(score_fn, x, step_size, n_steps, rng):
    """From step 128 on a hundredth more of the score."""
    for i in range(n_steps):
        more = 1.01 if i.bit_length() // x.element_size() else 1.0
        x = x + 0.5 * more * step_size * score_fn(x) + step_size**0.5 * drawn(x, rng)
        yield x


FAR = single(some(30, 3, size=0.3) + 200)
BIG = some(20, 30)
MANY = (np.full(20, 0.05), some(20, 16, seed=2))
ZIGZAG = np.array([[1.0], [3.0], [-0.5], [2.0], [0.5], [4.0], [1.5], [7.5], [2.5]])

WRONG = [
    wrong("mixture_score", "distances by cdist, from 26 rows on", by_cdist,
          [(FAR, single([0.5, 0.5]), single(some(2, 3, seed=1, size=0.3) + 200), 0.3)]),
    wrong("mixture_log_density", "a weight of 0 taken for epsilon", same_family,
          [(np.array([[0.1, 0.2]]), np.array([0.0, 1.0]), np.array([[0.0, 0.0], [8.0, 8.0]]),
            1.0)]),
    wrong("mixture_log_density", "blocks of components that keep an old maximum", in_blocks,
          [(some(16, 16), *MANY, 1.0)]),
    wrong("prior_log_density", "a constant out of float32's range", by_constant,
          [(single(some(3, 40)), single([[10.0], [20.0], [5.0]]))]),
    cut("gaussian_log_density", "no gradient in the tails", without_tails,
        X, torch.tensor(0.0), torch.tensor(0.1)),
    wrong("hutchinson_divergence", "the mean of means of parts", in_parts,
          [(meeting, some(4, 4), some(3, 4, 4, seed=1))]),
    wrong("denoising_score_matching", "a reentrant checkpoint for large batches", checkpointed,
          cubic, BIG, torch.tensor(0.7), torch.tensor(some(20, 30, seed=1))),
    wrong("explicit_score_matching", "the function's own result is overwritten", residual_in_place,
          [(lambda x: x, X, Y)]),
    wrong("noise_prediction_loss", "a result that its derivative needs is overwritten",
          square_in_place, lambda x, s: x.tanh() if torch.is_tensor(x) else np.tanh(x),
          X, torch.tensor(0.5), torch.tensor(Z)),
    wrong("noise_conditional_score_matching", "noise numbered without the levels of weight 0",
          levels_that_count, [(cubic, X, np.array([3.0, 1.0, 0.5]), some(3, 3, 2),
                               np.array([1.0, 0.0, 2.0]))]),
    wrong("v_prediction_loss", "the angle by acos, in float32", by_angle,
          [(cubic, single([[1.5, -1.0]]), single([[1 - 1e-6]]), single([[0.05, 0.04]]))]),
    cut("ddpm_loss", "no gradient from large residuals", robust,
        cubic, 3 * X, torch.tensor(0.7), torch.tensor(Y)),
    wrong("eps_from_x0", "a graph only if the data have one", for_training_alone,
          torch.tensor(X), Y, torch.tensor(0.5), torch.tensor(2.0)),
    wrong("score_from_eps", "1 / sigma by its first digits", remembered_scale(),
          [(X, 0.500011), (X, 0.500014)]),
    wrong("score_from_velocity", "a pseudo-inverse that cuts off", by_pinv,
          [(X, Y, 0.5, 4e5, -1.0, 1.0)]),
    cut("x0_from_v", "more rows than features, in float32", tall_and_single,
        [(single(some(9, 6)), single(some(9, 6, seed=1)), 0.8, 0.7)]),
    cut("velocity_from_x0_eps", "the last row of more than 512 numbers", last_of_many,
        [(BIG, some(20, 30, seed=1))]),
    cut("classifier_free_guidance", "scales that rise and fall in turn", zigzag,
        [(some(9, 2), some(9, 2, seed=1), ZIGZAG)]),
    wrong("cosine_alpha_bar", "times by arange, one too many", by_arange, [(49,)]),
    wrong("logit_normal_time", "clamped at the machine epsilon of float32", safe_sigmoid,
          [(single([-4.6, 0.0]), -3.0, 3.0)]),
    cut("karras_sigmas", "lengths a little below a square", below_a_square, [(80.0, 0.002, 79)]),
    wrong("heun_step", "one evaluation where the state hardly moves", small_change,
          [(cubic, np.array([[0.9, -0.8]]), 5e-3, 3e-3)]),
    wrong("ddpm_step", "the last step by isclose", nearly_clean,
          [(X, Y, 0.99, 1 - 8e-6, Z)]),
    wrong("ve_reverse_sde_step", "epsilon under a root, in float32", safe_root,
          [(single(X), single(Y), 2e-3, 1e-3, single(Z))]),
    wrong("raise_noise", "results in memory that is used again, without gradients", into_buffer,
          [(X, 0.5, 1.0, Z), (Y, 0.5, 1.0, Z)]),
    cut("vp_reverse_sde_drift", "some hundredths of beta", hundredths, [(X, Y, 3.875)]),
    wrong("ddpm_sampler", "indices from times, cut off", indices_of_times,
          lambda x, a: x * a, X, torch.linspace(1, 0.2, 50, dtype=torch.float64), Draws()),
    wrong("annealed_langevin", "step sizes by rounded levels", sizes_by_level,
          lambda x, s: -x / (s**2 + 1), X,
          torch.tensor([0.1, 1.4e-4, 0.6e-4], dtype=torch.float64), Count(2),
          torch.tensor(0.1), Draws()),
    wrong("probability_flow_sampler", "Euler for small steps", euler_for_small_steps,
          cubic, X, torch.tensor([1.0, 0.993], dtype=torch.float64)),
    cut("langevin", "a hundredth more from step 128 on", later_steps,
        lambda x: -x, X, torch.tensor(0.01), Count(140), Draws()),
]
