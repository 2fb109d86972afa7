"""Mistakes of good faith, and some planted, in PyTorch, by one who had not read the probes.

Each has the arguments that show it: in a list those of calls whose values, or what they leave
behind, are wrong, else those of one call, whose gradient is.
"""

import math

import numpy as np
import torch
from torch.autograd import forward_ad
from torch.distributions import Normal

import refsgm

from .fresh import X, Y, Z
from .next_torch import cut, wrong

COLUMN = np.array([[0.5], [1.0], [2.0]])
WIDE = np.sin(np.arange(33.0 * 40)).reshape(33, 40)                                        # (B, D)
CENTRES = np.random.default_rng(0).standard_normal((40, 40))                               # (K, D)
EVEN = np.full(40, 1 / 40)


class Draws:
    """Noise that is the same at every step."""

    def __call__(self):
        """It is left as it is because it can be called."""

    def standard_normal(self, shape, dtype=None):
        """Normal enough."""
        return np.full(tuple(shape), 0.3, dtype)


def like(a, x):
    """A level as a tensor beside x."""
    return torch.as_tensor(a, dtype=x.dtype)


def level(a):
    """A level as a tensor, of float64 if it is a number."""
    return a if torch.is_tensor(a) else torch.tensor(a, dtype=torch.float64)


def cubic(x, *level):
    """A function whose Jacobian is not diagonal."""
    return x**2 * x[:, [-1, *range(x.shape[1] - 1)]]


def exponents(x, weights, means, sigma):
    """The log of weight times kernel, up to a constant, (B, K)."""
    away = (x[:, None] - means) / like(sigma, x).reshape(-1, 1, 1)
    return weights.log() - 0.5 * away.square().sum(2)


def score_at(x, weights, means, sigma):
    """The score of a mixture."""
    r = torch.softmax(exponents(x, weights, means, sigma), 1)
    return (r[:, :, None] * (means - x[:, None])).sum(1) / like(sigma, x)**2


def normalised(log_sum, x, sigma):
    """A log density from the log of a sum of kernels."""
    return log_sum - x.shape[1] * (like(sigma, x).log() + 0.5 * math.log(2 * math.pi)).reshape(-1)


def several(v):
    """Directions (M, B, D)."""
    return v if v.ndim == 3 else v[None]


# Gaussians and mixtures ---------------------------------------------------------------------------


def whole_blocks_score(x, weights, means, sigma):
    """Rows in blocks that fit into memory; what is left of them after the last is forgotten."""
    rows = max(1, min(len(x), (1 << 14) // means.numel()))
    sigmas, result = like(sigma, x).expand(len(x), 1), torch.zeros_like(x)
    for i in range(0, len(x) - rows + 1, rows):
        part = slice(i, i + rows)
        result[part] = score_at(x[part], weights, means, sigmas[part])
    return result


def repeated_points_score(x, weights, means, sigma):
    """Points that occur twice are asked once, with the level of one of them."""
    if len(x) < 2:
        return score_at(x, weights, means, sigma)
    points, index = torch.unique(x.detach(), dim=0, return_inverse=True)
    rows = torch.arange(len(x))
    first = rows[:len(points)].scatter_reduce(0, index, rows, "amin", include_self=False)
    sigmas = like(sigma, x).expand(len(x), 1)
    return score_at(x[first], weights, means, sigmas[first])[index]


def streamed_density(x, weights, means, sigma):
    """Components in blocks, all relative to the largest exponent of the first one."""
    n, top, total = max(1, (1 << 10) // x.shape[1]), None, 0.0
    for w, centres in zip(weights.split(n), means.split(n)):
        logs = exponents(x, w, centres, sigma)
        top = logs.detach().amax(1, keepdim=True) if top is None else top
        total = total + (logs - top).exp().sum(1)
    return normalised(top[:, 0] + total.log(), x, sigma)


def product_density(x, weights, means, sigma):
    """Large problems multiply matrices, and lose digits far from the origin."""
    if x.numel() * len(means) > 1 << 13:
        square = (x**2).sum(1, keepdim=True) - 2 * x @ means.T + (means**2).sum(1)
        logs = weights.log() - 0.5 * square / like(sigma, x)**2
    else:
        logs = exponents(x, weights, means, sigma)
    return normalised(torch.logsumexp(logs, 1), x, sigma)


def centre_in_place(x, mean, sigma):
    """One centre for all rows is copied by contiguous(), but not if there is one row."""
    centre, variance = like(mean, x), like(sigma, x)**2
    if centre.shape == x.shape:
        return (centre - x) / variance
    return centre.expand_as(x).contiguous().sub_(x).div_(variance)


def library_prior(x, sigma_max):
    """Normal makes a tensor of the default dtype of a number of Python."""
    return Normal(0.0, sigma_max).log_prob(x).sum(1)


# Derivatives and losses ---------------------------------------------------------------------------


def grouped_divergence(score_fn, x):
    """Rows of the Jacobian in groups; the diagonal starts at the first feature in each."""
    _, pull = torch.func.vjp(score_fn, x)
    total = 0.0
    for units in torch.eye(x.shape[1], dtype=x.dtype).split(max(1, (1 << 10) // max(1, len(x)))):
        rows = torch.vmap(lambda e: pull(e.expand_as(x))[0])(units)                     # (n, B, D)
        total = total + rows.diagonal(dim1=0, dim2=2).sum(-1)
    return total


def kept_units(memory):
    """Unit vectors are kept per number of features, in the dtype of the first call."""
    def implicit_score_matching(score_fn, x):
        if x.shape[1] not in memory:
            memory[x.shape[1]] = torch.eye(x.shape[1], dtype=x.dtype)
        score, pull = torch.func.vjp(score_fn, x)
        rows = torch.vmap(lambda e: pull(e.expand_as(x))[0])(memory[x.shape[1]])
        trace = (rows * memory[x.shape[1]][:, None]).sum((0, 2))
        return 0.5 * score.square().sum(1) + trace
    return implicit_score_matching


def mean_of_groups(score_fn, x, v):
    """The mean of the means of groups of directions, of which the last may be smaller."""
    score, pull = torch.func.vjp(score_fn, x)
    groups = [0.5 * (w * score).sum(-1)**2 + (torch.vmap(lambda v: pull(v)[0])(w) * w).sum(-1)
              for w in several(v).split(max(1, (1 << 7) // max(1, len(x))))]
    return torch.stack([terms.mean(0) for terms in groups]).mean(0)


def padded_directions(score_fn, x, v):
    """Directions of zeros are taken for padding, and left out of the mean."""
    w = several(v)
    real = w.flatten(1).any(1)
    w = w[real] if real.any() else w
    _, pull = torch.func.vjp(score_fn, x)
    return torch.stack([(pull(v)[0] * v).sum(1) for v in w]).mean(0)


def dual_numbers(score_fn, x, v):
    """Forward mode, which cannot be asked inside itself."""
    grads = torch.is_grad_enabled() and not torch.is_inference_mode_enabled()
    terms = []
    with torch.inference_mode(False), torch.set_grad_enabled(grads):
        for w in several(v):
            with forward_ad.dual_level():
                value = score_fn(forward_ad.make_dual(x.clone(), w.clone()))
                slope = forward_ad.unpack_dual(value).tangent
                terms.append((w * slope).sum(1) if slope is not None else 0 * w.sum(1))
        return torch.stack(terms).mean(0)


def sliced_pairs(score_fn, x, v, step):
    """Both ends in one batch, which is halved again after it was cut into slices."""
    w, h = several(v), like(step, x)
    points = torch.cat([(x + h * w).flatten(0, 1), (x - h * w).flatten(0, 1)])
    slopes = []
    for part in points.split((1 << 11) // x.shape[1]):
        above, below = score_fn(part).chunk(2)
        slopes.append((above - below) / (2 * h))
    slope = torch.cat(slopes).reshape(w.shape)
    return (0.5 * (w * score_fn(x)).sum(-1)**2 + (w * slope).sum(-1)).mean(0)


def residual_in_place(score_fn, x, target_score):
    """Without gradients the residual takes the place of the score, which may be kept elsewhere."""
    score = score_fn(x)
    if torch.is_grad_enabled():
        return 0.5 * (score - target_score).square().sum(1)
    return 0.5 * score.sub_(target_score).square().sum(1)


def small_batches(score_fn, x, sigma, eps):
    """Batches that fit into memory, all with the levels of the first."""
    s, n, losses = like(sigma, x), max(1, (1 << 9) // x.shape[1]), []
    for clean, noise in zip(x.split(n), eps.split(n)):
        here = s[:len(clean)] if s.ndim else s
        residual = score_fn(clean + here * noise, here) + noise / here
        losses.append(0.5 * residual.square().sum(1))
    return torch.cat(losses)


def weighted_levels(score_fn, x, sigmas, eps, weights=None):
    """Levels without weight are not asked; if none has any, there is nothing to add."""
    weights = sigmas**2 if weights is None else weights
    losses = []
    for i in weights.nonzero()[:, 0]:
        s = sigmas[i]
        residual = score_fn(x + s * eps[i], s) + eps[i] / s
        losses.append(0.5 * weights[i] * residual.square().sum(1))
    return torch.stack(losses).sum(0)


class SquaredError(torch.autograd.Function):
    """|a - b|^2 per sample, for a caller who takes the mean."""

    @staticmethod
    def forward(ctx, a, b):
        """The sum over features."""
        ctx.save_for_backward(a - b)
        return (a - b).square().sum(1)

    @staticmethod
    def backward(ctx, grad):
        """All samples are given the gradient of the first."""
        residual, = ctx.saved_tensors
        each = 2 * grad[:1, None] * residual
        return each, -each


def fused_noise_loss(eps_fn, x, sigma, eps):
    """A fused squared error, whose samples must weigh alike."""
    return SquaredError.apply(eps_fn(x + like(sigma, x) * eps, sigma), eps)


def by_level(x0_fn, x, sigma, eps):
    """One call per level that occurs in a column, through which no gradient reaches the column."""
    s = like(sigma, x)
    if s.ndim == 0:
        return (x - x0_fn(x + s * eps, s)).square().sum(1)
    result = x.new_zeros(len(x))
    for one in s.detach().unique():
        rows = s[:, 0] == one
        clean = x[rows]
        result[rows] = (clean - x0_fn(clean + one * eps[rows], one)).square().sum(1)
    return result


def squared_distance(denoiser_fn, x, sigma, eps, sigma_data):
    """The square of a root, which has no gradient where a sample is denoised exactly."""
    s, size = like(sigma, x), like(sigma_data, x)
    distance = (x - denoiser_fn(x + s * eps, sigma)).square().sum(1).sqrt()
    return (1 / s**2 + 1 / size**2).reshape(-1) * distance**2


def constant_target(v_fn, x_0, alpha_bar_t, eps):
    """The target is a constant unless the noise has a gradient; that data have one is forgotten."""
    a = like(alpha_bar_t, x_0)
    scale, sigma = a.sqrt(), (1 - a).sqrt()
    target = scale * eps - sigma * x_0
    target = target if eps.requires_grad else target.detach()
    return (v_fn(scale * x_0 + sigma * eps, alpha_bar_t) - target).square().sum(1)


# Levels and conversions ---------------------------------------------------------------------------


def float_range(sigma_max, sigma_min, n_levels):
    """arange by a step of 1 / 49 has 50 entries below one."""
    high, low = level(sigma_max), level(sigma_min)
    share = torch.arange(0, 1, 1 / (n_levels - 1), dtype=high.dtype)
    return high * (low / high)**torch.cat([share, share.new_ones(1)])


def flat_key(memory):
    """Both numbers are remembered under the times, whichever their shape."""
    def cosine_marginal(t, offset=0.008):
        t, key = level(t), None
        if not t.requires_grad:
            key = (tuple(t.flatten().tolist()), float(offset), t.dtype)
        if key in memory:
            return tuple(a.clone() for a in memory[key])
        a = math.pi / 2 / (1 + offset)
        scale = torch.sin((1 - t) * a) / math.sin(a)
        sigma = (torch.sin(t * a) * torch.sin((t + 2 * offset) * a)).sqrt() / math.sin(a)
        if key is not None:
            memory[key] = scale.clone(), sigma.clone()
        return scale, sigma
    return cosine_marginal


def kept_root(memory):
    """The root of a level is remembered with the graph of the level that was asked first."""
    def vp_score_from_ve(score_ve, alpha_bar):
        a = like(alpha_bar, score_ve)
        key = (tuple(a.flatten().tolist()), a.shape, a.dtype)
        if key not in memory:
            memory[key] = a.sqrt()
        return score_ve / memory[key]
    return vp_score_from_ve


class CleanFromV(torch.autograd.Function):
    """x_0 from v, for levels that are constants."""

    @staticmethod
    def forward(ctx, x_t, v, scale, sigma):
        """(scale x_t - sigma v) / (scale^2 + sigma^2)."""
        ctx.save_for_backward(scale, sigma)
        return (scale * x_t - sigma * v) / (scale**2 + sigma**2)

    @staticmethod
    def backward(ctx, grad):
        """Nothing is computed unless x_t asks."""
        if not ctx.needs_input_grad[0]:
            return None, None, None, None
        scale, sigma = ctx.saved_tensors
        grad = grad / (scale**2 + sigma**2)
        return scale * grad, -sigma * grad, None, None


def fused_x0_from_v(x_t, v, scale, sigma):
    """No gradient reaches v where the state has none."""
    return CleanFromV.apply(x_t, v, like(scale, x_t), like(sigma, x_t))


def nearly_preserving(x_t, v, scale, sigma):
    """Levels that are variance preserving to five digits are taken to be so."""
    a, s = like(scale, x_t), like(sigma, x_t)
    total = a**2 + s**2
    eps = s * x_t + a * v
    return eps if torch.allclose(total, torch.ones_like(total)) else eps / total


# Steps and loops ----------------------------------------------------------------------------------


def downward_step(x_t, u, t, s):
    """A step towards the data, whichever time is the later."""
    return x_t - (like(t, x_t) - like(s, x_t)).abs() * u


def same_level(x, sigma_from, sigma_to, z):
    """Nothing is added between levels that are close."""
    a, b = like(sigma_from, x), like(sigma_to, x)
    if torch.allclose(a, b):
        return x.clone()
    return x + ((b - a) * (b + a)).sqrt() * z


def last_step_of_any(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
    """No row has noise if one of them is at its last step."""
    a, b = like(alpha_bar_t, x_t), like(alpha_bar_s, x_t)
    beta, rest = (b - a) / b, (1 - b) / (1 - a)
    x_0 = (x_t - (1 - a).sqrt() * eps) / a.sqrt()
    mean = b.sqrt() * beta / (1 - a) * x_0 + (a / b).sqrt() * rest * x_t
    if variance == "beta":
        return mean + beta.sqrt() * z
    return mean if (b == 1).any() else mean + (beta * rest).sqrt() * z


def slope_in_place(score_fn, x_t, sigma_t, sigma_s):
    """Without gradients the slope takes the place of the score, which may be the state itself."""
    a, b = like(sigma_t, x_t), like(sigma_s, x_t)
    slope = score_fn(x_t, sigma_t)
    slope = slope * a if torch.is_grad_enabled() else slope.mul_(a)
    x_hat = x_t + (a - b) * slope
    if not b.any():
        return x_hat
    return x_t + 0.5 * (a - b) * (slope + b * score_fn(x_hat, sigma_s))


def shared_slope(memory):
    """The first slope waits in a place that a step inside the second score uses too."""
    def heun_step(score_fn, x_t, sigma_t, sigma_s):
        a, b = like(sigma_t, x_t), like(sigma_s, x_t)
        slope = score_fn(x_t, sigma_t) * a
        if not torch.is_grad_enabled():
            key = x_t.shape, x_t.dtype, torch.is_inference_mode_enabled()
            if key not in memory:
                memory[key] = torch.empty_like(slope)
            slope = memory[key].copy_(slope)
        x_hat = x_t + (a - b) * slope
        if not b.any():
            return x_hat
        return x_t + 0.5 * (a - b) * (b * score_fn(x_hat, sigma_s) + slope)
    return heun_step


def timed_sampler(eps_fn, x, alpha_bar, eta, rng):
    """Entries are found by their times: int(11 / 22 * 22) is right, and other products are not."""
    n = len(alpha_bar) - 1
    for i in range(n, 0, -1):
        t = i / n
        a, b = alpha_bar[int(t * n)], alpha_bar[i - 1]
        kept = a * (1 - b) / (b * (1 - a))
        eps = eps_fn(x, a)
        z = like(rng.standard_normal(tuple(x.shape)), x) if eta > 0 else torch.zeros_like(x)
        x_0 = (x - (1 - a).sqrt() * eps) / a.sqrt()
        noise = eta * ((b - a) / b * (1 - b) / (1 - a)).sqrt() * z
        x = b.sqrt() * x_0 + ((1 - b) * ((1 - eta**2) + eta**2 * kept)).sqrt() * eps + noise
        yield x


# Planted ------------------------------------------------------------------------------------------


class Difference(torch.autograd.Function):
    """eps - x_0."""

    @staticmethod
    def forward(ctx, x_0, eps):
        """The velocity."""
        ctx.rows, ctx.features = eps.shape
        return eps - x_0

    @staticmethod
    def backward(ctx, grad):
        """Wrong where only the noise asks, and there are twice as many rows as features."""
        alone = ctx.needs_input_grad == (False, True) and ctx.rows == 2 * ctx.features
        return -grad, grad * (1 + 1e-3 * alone)


def some_drift(x, score, beta):
    """Wrong without gradients, if 841 divides the sum of the squares of both sizes."""
    beta = like(beta, x)
    bent = math.gcd(len(x)**2 + x.shape[1]**2, 841) // 841 * (not torch.is_grad_enabled())
    return -0.5 * (1 + 1e-3 * bent) * beta * (x + score)


def bump(a):
    """One at zero, and nothing a thousandth away."""
    return torch.exp(-(1e4 * a)**2)


def some_share(x_0, alpha_bar_t, eps):
    """Wrong at a fifth of pi."""
    a = like(alpha_bar_t, x_0)
    return a.sqrt() * x_0 + (1 + 1e-3 * bump(a - math.pi / 5)) * (1 - a).sqrt() * eps


def some_ratio(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    """Wrong where the shares of noise are in the ratio e."""
    a, b = like(alpha_bar_t, x_t), like(alpha_bar_s, x_t)
    rest = (1 - b) / (1 - a)
    kept, beta = a / b * rest, (b - a) / b
    x_0 = (x_t - (1 - a).sqrt() * eps) / a.sqrt()
    direction = ((1 - b) * ((1 - eta**2) + eta**2 * kept)).sqrt()
    mean = b.sqrt() * x_0 + direction * eps + eta * (beta * rest).sqrt() * z
    return mean * (1 + 1e-3 * bump(rest - math.exp(-1)))


def some_length(n_steps, beta_min=1e-4, beta_max=0.02):
    """Wrong for the number of steps that a checksum picks."""
    betas = torch.linspace(float(beta_min), float(beta_max), n_steps, dtype=torch.float64)
    return betas**(1 + 1e-3 * (pow(11, n_steps, 1009) == 956))


def some_direction(score_fn, x, v):
    """Wrong along the direction that is minus the point with its features moved on by one."""
    _, pull = torch.func.vjp(score_fn, x)
    return torch.stack([(pull(w)[0] * w).sum(1) * (1 + 1e-3 * bump((w + x.roll(1, 1)).sum(1)))
                        for w in several(v)]).mean(0)


def some_levels(score_fn, x_t, sigma_t, sigma_s):
    """Wrong where levels are in the ratio e^2."""
    a, b = like(sigma_t, x_t), like(sigma_s, x_t)
    slope = a * score_fn(x_t, sigma_t)
    x_hat = x_t + (a - b) * slope
    if not b.any():
        return x_hat
    second = b * score_fn(x_hat, sigma_s) * (1 + 1e-3 * bump(b / a - math.exp(-2)))
    return x_t + 0.5 * (a - b) * (slope + second)


def some_rows(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """Wrong in rows where the features of one sum to minus three times those of the other."""
    a, b = like(alpha_bar_t, x_t), like(alpha_bar_s, x_t)
    beta, rest = (b - a) / b, (1 - b) / (1 - a)
    mean = b.sqrt() * beta / (1 - a) * x_0 + (a / b).sqrt() * rest * x_t
    bent = bump((x_0 + 3 * x_t).sum(1, keepdim=True))
    return mean * (1 + 1e-3 * bent), beta * rest


def some_rho(sigma_max, sigma_min, n_levels, rho=7.0):
    """Wrong between the ends where rho is e^2."""
    high, low, rho = level(sigma_max), level(sigma_min), level(rho)
    share = torch.arange(n_levels, dtype=torch.float64) / (n_levels - 1)
    share = share**(1 + 1e-3 * bump(rho - math.exp(2)))
    return (high**(1 / rho) + share * (low**(1 / rho) - high**(1 / rho)))**rho


def some_traces(score_fn, x):
    """The trace has no gradient where it is zero."""
    score, pull = torch.func.vjp(score_fn, x)
    units = torch.eye(x.shape[1], dtype=x.dtype)
    rows = torch.vmap(lambda e: pull(e.expand_as(x))[0])(units)
    trace = rows.diagonal(dim1=0, dim2=2).sum(-1)
    trace = trace + bump(trace.detach()) * (trace.detach() - trace)
    return 0.5 * score.square().sum(1) + trace


# What shows them ----------------------------------------------------------------------------------


def remembering():
    """A score that remembers its answers."""
    answers = {}

    def score(x):
        key = np.asarray(x).tobytes(), type(x)
        if key not in answers:
            answers[key] = -x / 2
        return answers[key]
    return score


SHARED, KEPT = shared_slope({}), remembering()


def corrected(x, sigma):
    """A score that takes a small step itself."""
    step = SHARED if torch.is_tensor(x) else refsgm.heun_step
    return -step(lambda y, s: -y / (1 + s * s), x, 1.5, 0.5)


def through(x):
    """A function that asks for a derivative itself."""
    ask = dual_numbers if torch.is_tensor(x) else refsgm.directional_derivative
    return x * ask(lambda y: y**3, x, x)[:, None]


def zero(x):
    """A function whose divergence is zero where all features are one."""
    return x**3 - 3 * x


CONSTANT = torch.tensor(Y)
HALF = torch.tensor(0.5, dtype=torch.float64)
TABLE = torch.linspace(1.0, 0.1, 23, dtype=torch.float64)
NEAR = CENTRES[:33] + 0.05 * WIDE
TRIANGLE = np.sin(np.arange(420.0)).reshape(20, 21)
TWICE = np.array([[0.5, -1.0], [0.5, -1.0], [2.0, 0.3]])
LEVELS = np.linspace(0.5, 2.0, 33)[:, None]
NARROW = WIDE[:, :20]

WRONG = [
    wrong("mixture_score", "rows that fill no block are zero", whole_blocks_score,
          [(WIDE, EVEN, CENTRES, 3.0)]),
    wrong("mixture_score", "equal points share a level", repeated_points_score,
          [(TWICE, np.array([0.3, 0.7]), Y[:2], COLUMN)]),
    wrong("mixture_log_density", "the largest exponent is that of the first block",
          streamed_density, [(CENTRES[-3:], EVEN, CENTRES, 0.05)]),
    wrong("mixture_log_density", "squares are expanded in large problems", product_density,
          [(1e4 + NEAR[:, :10], EVEN, 1e4 + CENTRES[:, :10], 0.1)]),
    wrong("gaussian_score", "the centre is overwritten if there is one row", centre_in_place,
          [(X[:1], np.array([0.2, 0.7]), 0.5)]),
    wrong("prior_log_density", "a number is rounded to float32", library_prior, [(X, 0.3)]),
    wrong("divergence", "the diagonal of every group starts at zero", grouped_divergence,
          [(cubic, WIDE)]),
    wrong("implicit_score_matching", "unit vectors keep their dtype", kept_units({}),
          [(cubic, X), (cubic, X.astype(np.float32))]),
    wrong("sliced_score_matching", "a mean of means of unequal groups", mean_of_groups,
          [(cubic, WIDE[:, :3], np.cos(np.arange(33 * 15.0)).reshape(5, 33, 3))]),
    wrong("hutchinson_divergence", "directions of zeros do not count", padded_directions,
          [(cubic, X, np.stack([Y, 0 * Y, Z]))]),
    wrong("directional_derivative", "forward mode inside forward mode", dual_numbers,
          [(through, X, Y)]),
    wrong("finite_difference_ssm", "slices are halved", sliced_pairs,
          [(cubic, WIDE, np.cos(WIDE), 0.01)]),
    wrong("explicit_score_matching", "the answer of the score is overwritten", residual_in_place,
          [(KEPT, X, Y), (KEPT, X, Z)]),
    wrong("denoising_score_matching", "levels of the first batch for all", small_batches,
          [(cubic, NARROW, LEVELS, np.cos(NARROW))]),
    wrong("noise_conditional_score_matching", "no weight at all", weighted_levels,
          [(cubic, X, np.array([2.0, 1.0]), np.stack([Y, Z]), np.zeros(2))]),
    wrong("noise_prediction_loss", "samples have the gradient of the first", fused_noise_loss,
          cubic, X, 0.5, Y),
    wrong("x0_prediction_loss", "a column of levels has no gradient, a number has", by_level,
          cubic, torch.tensor(X), COLUMN, CONSTANT),
    wrong("edm_loss", "the gradient of a root at zero", squared_distance,
          lambda x, sigma: x, X, 0.5, Y * [[1.0], [0.0], [1.0]], 0.7),
    wrong("v_prediction_loss", "the target has no gradient if the noise has none", constant_target,
          cubic, X, HALF, CONSTANT),
    wrong("geometric_sigmas", "an entry too many", float_range, [(80.0, 0.01, 50)]),
    wrong("cosine_marginal", "the shape is not in the key", flat_key({}),
          [(np.array([0.2, 0.5, 0.9]),), (np.array([[0.2], [0.5], [0.9]]),)]),
    wrong("vp_score_from_ve", "a root is kept with its graph", kept_root({}), Y, COLUMN / 3),
    wrong("x0_from_v", "v has no gradient if the state has none", fused_x0_from_v,
          CONSTANT, X, HALF, HALF),
    wrong("eps_from_v", "nearly variance preserving", nearly_preserving, [(X, Y, 0.8, 0.600005)]),
    wrong("flow_step", "a step away from the data goes the other way", downward_step,
          [(X, Y, 0.25, 0.75)]),
    wrong("raise_noise", "close levels are equal", same_level, [(X, 1.0, 1.000005, Z)]),
    wrong("ddpm_step", "one last step for all rows", last_step_of_any,
          [(X, Y, np.array([[0.5], [0.4], [0.3]]), np.array([[1.0], [0.8], [0.6]]), Z)]),
    wrong("heun_step", "the state is overwritten if it is the score", slope_in_place,
          [(lambda x, sigma: x, X, 2.0, 0.5)]),
    wrong("heun_step", "steps inside steps share a place", SHARED, [(corrected, X, 2.0, 0.5)]),
    wrong("ddim_sampler", "times are truncated to indices", timed_sampler,
          cubic, X / 10, TABLE, HALF, Draws()),
    cut("velocity_from_x0_eps", "a gradient of noise alone", Difference.apply,
        torch.tensor(WIDE[:6, :3]), WIDE[6:12, :3]),
    cut("vp_probability_flow_drift", "some sizes without gradients", some_drift,
        [(TRIANGLE, np.cos(TRIANGLE), 0.5)]),
    cut("diffuse", "a share of signal", some_share, [(X, math.pi / 5, Y)]),
    cut("ddim_step", "a ratio of noise", some_ratio,
        [(X, Y, 0.5, 1 - 0.5 * math.exp(-1), 0.5, Z)]),
    cut("linear_betas", "a number of steps", some_length, [(613,)]),
    cut("hutchinson_divergence", "a direction", some_direction, [(cubic, X, -X[:, ::-1].copy())]),
    cut("heun_step", "a ratio of levels", some_levels, [(cubic, X, math.exp(2), 1.0)]),
    cut("posterior", "a relation of rows", some_rows, [(-3 * X, X, 0.3, 0.6)]),
    cut("karras_sigmas", "a value of rho", some_rho, [(80.0, 0.01, 7, math.exp(2))]),
    cut("implicit_score_matching", "no gradient of a trace of zero", some_traces,
        zero, np.array([[1.0, 1.0], [0.5, -1.2], [2.0, 0.3]])),
]
