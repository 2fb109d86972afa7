"""Mistakes of good faith in PyTorch, and some planted, by one who had not read the probes.

Some show in values, others in float32, without gradients, in several calls, or in a gradient.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from . import Hidden
from .fresh import X, Y, Z

COLUMN = np.array([[0.5], [1.0], [2.0]])
LONG = np.linspace(-2.0, 2.0, 24 * 3).reshape(24, 3)
WIDE = np.linspace(-1.5, 2.0, 4 * 30).reshape(4, 30)
HALF = X.astype(np.float32)                                               # X in single precision
FAR = 1e3 + np.linspace(0.0, 3.0, 30 * 2).reshape(30, 2)                                   # (K, D)


def wrong(kind, what, function, *at):
    """A mistake of good faith: a gradient at the arguments `at`, or values in a list of calls."""
    return Hidden(kind, what, function, True, "torch", at[0] if isinstance(at[0], list) else at)


def cut(kind, what, function, *at):
    """A bound that nobody would set in good faith."""
    return wrong(kind, what, function, *at)._replace(natural=False)


def level(a, x):
    """A level as a tensor in the precision of x."""
    return torch.as_tensor(a, dtype=x.dtype)


def fixed(a):
    """A constant among arguments that are differentiated."""
    return torch.tensor(a, dtype=torch.float64)


def by_row(x):
    """A score with a coefficient for each of three rows, as a label would set it."""
    return -x**3 * (level(COLUMN, x) if torch.is_tensor(x) else COLUMN)


def of_energy(x):
    """The score -x^3, which PyTorch derives from the log density."""
    if not torch.is_tensor(x):
        return -x**3
    with torch.enable_grad():
        leaf = x if x.requires_grad else x.clone().requires_grad_()
        energy = 0.25 * leaf**4
        return -torch.autograd.grad(energy.sum(), leaf, create_graph=True)[0]


def constant(x):
    """The score of an improper density, the same everywhere."""
    return torch.ones_like(x) if torch.is_tensor(x) else np.ones(x.shape)


def saturating(x, sigma):
    """A network that ends in a tanh."""
    return torch.tanh(x) if torch.is_tensor(x) else np.tanh(x)


# Gaussians and mixtures ---------------------------------------------------------------------------


def power_of_variance(x, mean, sigma):
    """The logarithm of (2 pi sigma^2)^(D / 2), which float32 cannot hold in many dimensions."""
    s = level(sigma, x)
    norm = (2 * math.pi * s.square()).pow(x.shape[1] / 2).log()
    return -0.5 * ((x - mean) / s).square().sum(dim=1) - norm.reshape(-1)


def by_nll_loss(x, sigma_max):
    """torch's loss, whose variance is at least 1e-6."""
    variance = level(sigma_max, x).square().expand_as(x)
    return -F.gaussian_nll_loss(x, torch.zeros_like(x), variance, full=True,
                                reduction="none").sum(dim=1)


def by_distances(x, weights, means, sigma):
    """torch.cdist, which expands the square for more than 25 points."""
    s = level(sigma, x).reshape(-1, 1)
    logits = weights.log() - 0.5 * (torch.cdist(x, means) / s).square()
    return torch.logsumexp(logits, dim=1) - (x.shape[1] * (
        s.log() + 0.5 * math.log(2 * math.pi)))[:, 0]


def by_categorical(x, weights, means, sigma):
    """The gradient of torch's mixture, whose categorical law knows no zero."""
    with torch.enable_grad():
        leaf = x if x.requires_grad else x.clone().requires_grad_()
        s = level(sigma, x).reshape(-1, 1, 1)
        components = Independent(Normal(means.expand(len(x), *means.shape), s), 1)
        mixing = Categorical(weights.expand(len(x), -1))
        density = MixtureSameFamily(mixing, components, validate_args=False).log_prob(leaf)
        return torch.autograd.grad(density.sum(), leaf, create_graph=True)[0]


def level_as_item(x, sigma, eps):
    """A scalar level is filled into a column as a number."""
    if not torch.is_tensor(sigma) or sigma.dim() == 0:
        sigma = torch.full((len(x), 1), float(sigma), dtype=x.dtype, device=x.device)
    return x + sigma * eps


# Derivatives --------------------------------------------------------------------------------------


def graph_if_asked(score_fn, x, v):
    """create_graph only where x is differentiated, though v or a parameter may be."""
    wanted = x.requires_grad
    with torch.enable_grad():
        leaf = x if wanted else x.clone().requires_grad_()
        score, total = score_fn(leaf), 0.0
        directions = v if v.dim() == 3 else v[None]
        for u in directions:
            row, = torch.autograd.grad(score, leaf, u.detach() if not wanted else u,
                                       create_graph=wanted, retain_graph=True)
            total = total + (row * u).sum(dim=1)
    return total / len(directions)


def rows_of_graph(score_fn, x):
    """One backward pass per feature, of a score that must have a graph."""
    with torch.enable_grad():
        leaf = x if x.requires_grad else x.clone().requires_grad_()
        score = score_fn(leaf)
        return sum(torch.autograd.grad(score[:, i].sum(), leaf, create_graph=True)[0][:, i]
                   for i in range(x.shape[1]))


def forward_mode(score_fn, x, v):
    """J v by torch.func.jvp, in which a score that comes from an energy has no gradient."""
    def term(u):
        return (torch.func.jvp(score_fn, (x,), (u,))[1] * u).sum(dim=1)
    return term(v) if v.dim() == 2 else torch.stack([term(u) for u in v]).mean(dim=0)


# Objectives ---------------------------------------------------------------------------------------


def in_one_call(score_fn, x, v, step):
    """The three points as one batch, whose rows are no longer those of x."""
    def term(u):
        score, up, down = score_fn(torch.cat((x, x + step * u, x - step * u))).chunk(3)
        return 0.5 * (u * score).sum(1)**2 + (u * (up - down) / (2 * step)).sum(1)
    return term(v) if v.dim() == 2 else torch.stack([term(u) for u in v]).mean(dim=0)


def flat_directions(score_fn, x, v):
    """All directions in one batch by a view, as in the code of the paper."""
    n = v.view(-1, *x.shape).shape[0]
    flat = v.view(-1, x.shape[1])
    with torch.enable_grad():
        leaf = x if x.requires_grad else x.clone().requires_grad_()
        score = score_fn(leaf)
        rows = [torch.autograd.grad(score, leaf, u, create_graph=True)[0]
                for u in flat.chunk(n)]
        first = (score.repeat(n, 1) * flat).sum(dim=1)
        loss = 0.5 * first**2 + (torch.cat(rows) * flat).sum(dim=1)
        return loss.view(n, -1).mean(dim=0)


def one_or_many(score_fn, x, v):
    """As many directions as rows look like one direction for each row, and do not fit."""
    with torch.enable_grad():
        leaf = x if x.requires_grad else x.clone().requires_grad_()
        score = score_fn(leaf)
        v = v[None] if len(v) == len(x) else v
        slopes = [(torch.autograd.grad(score, leaf, u, create_graph=True)[0] * u).sum(1) for u in v]
        return 0.5 * score.square().sum(1) + sum(slopes) / len(slopes)


def residual_in_place(score_fn, x, target_score):
    """The difference is taken in the memory of what the function returned."""
    return 0.5 * score_fn(x).sub_(target_score).square().sum(dim=1)


def output_in_place(x0_fn, x, sigma, eps):
    """The network's output is overwritten, which its last layer may need for its derivative."""
    return x0_fn(x + sigma * eps, sigma).sub_(x).square().sum(dim=1)


def weights_or_default(score_fn, x, sigmas, eps, weights=None):
    """Weights that are all zero count as none."""
    if weights is None or not weights.any():
        weights = sigmas**2
    return sum(0.5 * w * (score_fn(x + s * e, s) + e / s).square().sum(dim=1)
               for w, s, e in zip(weights, sigmas, eps))


def bounded_gradient(eps_fn, x, sigma, eps):
    """A hook on the network's output keeps its gradient within bounds."""
    found = eps_fn(x + sigma * eps, sigma)
    if found.requires_grad:
        found.register_hook(lambda g: g.clamp(-1e3, 1e3))
    return (eps - found).square().sum(dim=1)


def root_of_precision(score_fn, x, sigma, eps):
    """A level of at least the root of the machine epsilon, 3e-4 in float32."""
    s = level(sigma, x).clamp_min(torch.finfo(x.dtype).eps**0.5)
    return 0.5 * (score_fn(x + sigma * eps, sigma) + eps / s).square().sum(dim=1)


def rounded_key():
    """Both roots of a scalar level are remembered by its first six digits."""
    known = {}

    def loss(eps_fn, x_0, alpha_bar_t, eps):
        a = level(alpha_bar_t, x_0)
        roots = a.sqrt(), (1 - a).sqrt()
        if a.dim() == 0 and not a.requires_grad:
            roots = known.setdefault((round(float(a), 6), x_0.dtype), roots)
        x_t = roots[0] * x_0 + roots[1] * eps
        return (eps - eps_fn(x_t, alpha_bar_t)).square().sum(dim=1)
    return loss


# Levels and schedules -----------------------------------------------------------------------------


def kept_by_ends():
    """A table is remembered by its length and both ends."""
    tables = {}

    def alpha_bar(betas):
        key = len(betas), float(betas[0]), float(betas[-1]), betas.dtype
        if betas.requires_grad or key not in tables:
            tables[key] = torch.cat((betas.new_ones(1), torch.cumprod(1 - betas, dim=0)))
        return tables.pop(key) if betas.requires_grad else tables[key].clone()
    return alpha_bar


def levels_by_arange(sigma_max, sigma_min, n_levels):
    """Places of the levels by torch.arange with a step that is rounded."""
    step = 1 / (n_levels - 1)
    place = torch.arange(0, 1 + step, step, dtype=torch.float64)
    ratio = torch.as_tensor(sigma_min / sigma_max, dtype=torch.float64)
    return sigma_max * ratio**place


def kept_with_graph():
    """Coefficients of a scalar level are remembered, with the graph of the first tensor."""
    known = {}

    def coefficients(sigma, sigma_data):
        s = torch.as_tensor(sigma, dtype=getattr(sigma, "dtype", torch.float64))
        key = (float(s), float(sigma_data), s.dtype) if s.dim() == 0 else None
        if key in known:
            return known[key]
        total = s**2 + sigma_data**2
        result = sigma_data**2 / total, s * sigma_data / total**0.5, total**-0.5, s.log() / 4
        if key is not None:
            known[key] = result
        return result
    return coefficients


def difference_under_root(scale, sigma, scale_rate, sigma_rate):
    """g^2 as the difference of two terms that may be equal but for rounding."""
    f = scale_rate / scale
    return f, (2 * sigma * sigma_rate - 2 * f * sigma**2)**0.5


def cosine_ratio(t, offset=0.008):
    """A scale that rounding may take beyond one, under the root of 1 - scale^2."""
    t = torch.as_tensor(t, dtype=getattr(t, "dtype", torch.float64))
    start = math.cos(offset / (1 + offset) * math.pi / 2)
    scale = torch.cos((t + offset) / (1 + offset) * math.pi / 2) / start
    return scale, (1 - scale**2).sqrt()


def one_without_scale(conditional, unconditional, scale):
    """No guidance, no work, and no gradient for a scale that is learnt."""
    if torch.as_tensor(scale == 1).all():
        return conditional.clone()
    return unconditional + scale * (conditional - unconditional)


# Steps --------------------------------------------------------------------------------------------


def masked_heun(score_fn, x_t, sigma_t, sigma_s):
    """The second score is computed at level 0 too, and masked."""
    t, s = level(sigma_t, x_t), level(sigma_s, x_t)
    score = score_fn(x_t, sigma_t)
    x_hat = x_t + (t - s) * t * score
    second = x_t + 0.5 * (t - s) * (t * score + s * score_fn(x_hat, sigma_s))
    return torch.where(s > 0, second, x_hat)


def quiet_batch(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    """No noise at the last step, for all rows if one of them is there."""
    t, s = level(alpha_bar_t, x_t), level(alpha_bar_s, x_t)
    x_0 = (x_t - (1 - t)**0.5 * eps) / t**0.5
    if (s == 1).any() and not (s == 1).all():
        z = torch.zeros_like(z)
    variance = eta**2 * (1 - s) / (1 - t) * (1 - t / s)
    return s**0.5 * x_0 + (1 - s - variance).clamp_min(0)**0.5 * eps + variance**0.5 * z


def stacked_levels(x_t, score, sigma_t, sigma_s, z):
    """Both levels in one tensor, which a scalar and a column do not fit in."""
    s, t = torch.stack((level(sigma_s, x_t), level(sigma_t, x_t)))
    removed = (t - s) * (t + s)
    return x_t + removed * score + removed.sqrt() * z


def with_buffer():
    """Without gradients, the state of a large batch is written into a buffer that is kept."""
    buffers = {}

    def step(x, score, step_size, z):
        h = level(step_size, x)
        if torch.is_grad_enabled() or len(x) < 8:
            return x + 0.5 * h * score + h.sqrt() * z
        out = buffers.setdefault((x.shape, x.dtype), torch.empty_like(x))
        torch.add(x, 0.5 * h * score, out=out)
        return out.add_(h.sqrt() * z)
    return step


def close_levels(x, sigma_from, sigma_to, z):
    """Levels that torch calls close need no noise."""
    a, b = (level(s, x) for s in (sigma_from, sigma_to))
    std = ((b - a) * (b + a)).sqrt()
    return x + torch.where(torch.isclose(a, b), torch.zeros_like(std), std) * z


def quiet_end(x_t, score, sigma_t, sigma_s, z):
    """The last step, which has no noise, is one below the level of a grey value."""
    t, s = level(sigma_t, x_t), level(sigma_s, x_t)
    removed = (t - s) * (t + s)
    return x_t + removed * score + (s > 0.5 / 255) * s / t * removed.sqrt() * z


def truncated_flow(score_fn, x, sigmas, method="heun"):
    """Backpropagation through the last steps alone: every tenth state is cut off."""
    for i, (t, s) in enumerate(zip(sigmas[:-1], sigmas[1:])):
        x = x.detach() if i % 10 == 9 else x
        score = score_fn(x, t)
        x_hat = x + (t - s) * t * score
        x = x_hat if s == 0 or method == "euler" else \
            x + 0.5 * (t - s) * (t * score + s * score_fn(x_hat, s))
        yield x


# Planted ------------------------------------------------------------------------------------------


class Quotient(torch.autograd.Function):
    """-eps / sigma with a derivative that is a little larger for noise beyond two deviations."""

    @staticmethod
    def forward(ctx, eps, sigma):
        ctx.save_for_backward(eps, sigma)
        return -eps / sigma

    @staticmethod
    def backward(ctx, g):
        eps, sigma = ctx.saved_tensors
        bent = torch.where(eps.abs() > 2, 1.01 * g, g)
        return -bent / sigma, (g * eps / sigma**2).sum_to_size(sigma.shape)


def score_with_tails(eps, sigma):
    """`Quotient` for a level of any form."""
    return Quotient.apply(eps, level(sigma, eps))


def later_rows(x_0, alpha_bar_t, eps):
    """Rows from the twenty-first on have a little more noise where the signal is strong."""
    a = level(alpha_bar_t, x_0)
    row = torch.arange(len(x_0))[:, None]
    return a.sqrt() * x_0 + (1 - a).sqrt() * eps * (1 + 0.001 * ((row > 19) & (a > 0.8)))


def forth_late(x_t, u, t, s):
    """Towards the noise in the second half of time the step is longer."""
    return x_t + (s - t) * u * (1 + 0.001 * ((level(s, x_t) > level(t, x_t)) & (
        level(t, x_t) > 0.5)))


def both_fall(x_t, score, scale, sigma, scale_rate, sigma_rate):
    """Another score where both rates are negative and noise prevails."""
    a, s, da, ds = (level(b, x_t) for b in (scale, sigma, scale_rate, sigma_rate))
    bend = 1 + 0.001 * ((da < 0) & (ds < 0) & (s > a))
    return (da * x_t - s * (a * ds - s * da) * score * bend) / a


def falling_rate(t, beta_min=0.1, beta_max=20.0):
    """Of a rate that falls with time, the end of the path."""
    t = torch.as_tensor(t, dtype=getattr(t, "dtype", torch.float64))
    log_scale = -0.25 * t**2 * (beta_max - beta_min) - 0.5 * t * beta_min
    if beta_min > beta_max:
        log_scale = log_scale * (1 + 0.001 * (t > 0.7))
    return log_scale.exp(), (-torch.expm1(2 * log_scale)).sqrt()


def single_and_noisy(denoiser_fn, x, sigma, eps, sigma_data):
    """In float32, noise of ten deviations of the data weighs more."""
    s = level(sigma, x)
    weight = 1 / s**2 + 1 / sigma_data**2
    if x.dtype == torch.float32:
        weight = weight * (1 + 0.001 * (s > 10 * sigma_data))
    return (weight * (x - denoiser_fn(x + sigma * eps, sigma)).square()).sum(dim=1)


def wide_and_long(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """Long jumps of wide data end elsewhere."""
    t, s = alpha_bar_t, alpha_bar_s
    beta = (s - t) / s
    bend = 1 + 0.001 * ((s > 20 * t) & (s < 0.9)) * (x_t.shape[1] > 12)
    mean = (s**0.5 * beta * x_0 * bend + (t / s)**0.5 * (1 - s) * x_t) / (1 - t)
    variance = beta * (1 - s) / (1 - t)
    return mean, variance


def narrow_gamma(alpha_bar, gamma, prediction):
    """For v, caps from 2 to 4 count as 2 at middle levels."""
    a = torch.as_tensor(alpha_bar, dtype=getattr(alpha_bar, "dtype", torch.float64))
    q = a / (1 - a)
    low = torch.as_tensor(prediction == "v" and 2 < gamma < 4) & (a < 0.9)
    clipped = torch.minimum(q, torch.where(low, torch.full_like(q, 2), torch.full_like(q, gamma)))
    if prediction == "eps":
        return torch.minimum(torch.ones_like(a), gamma * (1 - a) / a)
    return clipped if prediction == "x0" else clipped * (1 - a)


def last_column(x_t, v, scale, sigma):
    """The last of an odd number of features has another eps where v and x_t differ in sign."""
    a, s = level(scale, x_t), level(sigma, x_t)
    result = (s * x_t + a * v) / (a**2 + s**2)
    odd = torch.arange(x_t.shape[1]) == (x_t.shape[1] - 1 if x_t.shape[1] % 2 else -1)
    return result * (1 + 0.001 * (odd & (x_t * v < 0) & (x_t.shape[1] > 4)))


def every_ninth():
    """Each ninth call without gradients is a little off."""
    calls = 0

    def drift(x, score, beta):
        nonlocal calls
        calls += not torch.is_grad_enabled()
        late = 1.001 if calls % 9 == 8 and not torch.is_grad_enabled() else 1.0
        return -0.5 * late * beta * (x + score)
    return drift


def crowded(x, weights, means, sigma):
    """Of many components, those with little weight count less."""
    s = level(sigma, x).reshape(-1, 1)
    shares = torch.where((weights < 0.01) & torch.tensor(len(weights) > 16), 0.99 * weights,
                         weights)
    squares = ((x[:, None] - means) / s[:, None]).square().sum(-1)
    return torch.logsumexp(shares.log() - 0.5 * squares, dim=1) - (
        x.shape[1] * (s.log() + 0.5 * math.log(2 * math.pi)))[:, 0]


EQUAL = np.full(30, 1 / 30)
SKEW = np.array([0.005] * 10 + [0.095] * 10)
V = np.stack([X, Y, Z])
ORDERED = torch.tensor(np.stack([X, Y]).transpose(1, 0, 2).copy()).permute(1, 0, 2)
ONE_T, ONE_S = 0.2, np.array([[1.0], [0.6], [0.9]])
TWELVE = fixed(np.geomspace(4.0, 0.5, 14))


WRONG = [
    wrong("gaussian_log_density", "a power of the variance overflows in float32",
          power_of_variance, [(np.float32(WIDE), 0.0, np.full((4, 1), 20.0, np.float32))]),
    wrong("prior_log_density", "torch's loss with a least variance of 1e-6", by_nll_loss,
          [(1e-4 * X, 1e-4)]),
    wrong("mixture_log_density", "torch.cdist by a product of matrices", by_distances,
          [(FAR[:3] + 1e-4, EQUAL, FAR, 1e-4)]),
    wrong("mixture_score", "a categorical law that knows no zero", by_categorical,
          [(HALF, np.float32([0.0, 1.0]), np.float32([[0.5, -0.5], [30.0, 20.0]]), 1.0)]),
    wrong("perturb", "a scalar level as a number, a column with its gradient", level_as_item,
          X, 2.0, Y),
    wrong("directional_derivative", "create_graph only where x is differentiated", graph_if_asked,
          lambda x: -x**3, fixed(X), Y),
    wrong("divergence", "a score that does not depend on x has no graph", rows_of_graph,
          [(constant, X)]),
    wrong("hutchinson_divergence", "forward mode, in which energies have no gradient",
          forward_mode, [(of_energy, X, Y)]),
    wrong("finite_difference_ssm", "three points in one batch", in_one_call,
          [(by_row, X, Y, 0.1)]),
    wrong("sliced_score_matching", "a view of directions that are permuted", flat_directions,
          [(lambda x: -x**3, X, ORDERED)]),
    wrong("sliced_score_matching_vr", "as many directions as rows", one_or_many,
          [(lambda x: -x**3, X, V)]),
    wrong("explicit_score_matching", "in the memory of what a function returned",
          residual_in_place, [(lambda x: x, X, Y)]),
    wrong("x0_prediction_loss", "in the memory of a network's last layer", output_in_place,
          saturating, X, 0.5, Y),
    wrong("noise_conditional_score_matching", "zero weights count as none", weights_or_default,
          [(lambda x, s: -x / (1 + s), X, np.array([2.0, 1.0]), np.stack([Y, Z]), np.zeros(2))]),
    wrong("noise_prediction_loss", "a hook that bounds the gradient", bounded_gradient,
          lambda x, s: x**3, 30 * X, 0.5, Y),
    wrong("denoising_score_matching", "a least level that depends on the precision",
          root_of_precision, [(lambda x, s: -x, HALF, np.full((3, 1), 1e-4, np.float32),
                               np.float32(Y))]),
    wrong("ddpm_loss", "roots that are remembered by six digits", rounded_key(),
          [(lambda x, a: x / 2, X, 1.1e-6, Y), (lambda x, a: x / 2, X, 1.4e-6, Y),
           (lambda x, a: x / 2, X, 1 - 4e-7, Y), (lambda x, a: x / 2, X, 1 - 1e-7, Y)]),
    wrong("alpha_bar_from_betas", "a table that is remembered by its ends", kept_by_ends(),
          [(np.array([0.1, 0.2, 0.4]),), (np.array([0.1, 0.3, 0.4]),)]),
    wrong("geometric_sigmas", "one level too many where a step is rounded", levels_by_arange,
          [(10.0, 0.1, 10)]),
    wrong("annealed_step_sizes", "the last level as a number",
          lambda sigmas, h: h * (sigmas / sigmas[-1].item())**2, np.array([4.0, 2.0, 1.0]), 0.5),
    wrong("edm_preconditioning", "coefficients remembered with their graph", kept_with_graph(),
          0.7, 0.5),
    wrong("sde_coefficients", "the root of a difference that rounding makes negative",
          difference_under_root,
          [tuple(np.array([a]) for a in (0.94, 0.8, 2.82, 2.4))]),
    wrong("cosine_marginal", "a scale beyond one in float32", cosine_ratio,
          [(np.zeros(2, np.float32), 0.004)]),
    wrong("log_normal_sigma", "levels within the range of the sampler",
          lambda z, mean=-1.2, deviation=1.2: (mean + deviation * z).exp().clamp(0.002, 80.0),
          [(np.array([0.3, 5.0]),)]),
    wrong("vp_score_from_ve", "alpha_bar at least 1e-5",
          lambda g, a: g / level(a, g).clamp_min(1e-5).sqrt(), [(X, 2e-6)]),
    wrong("logit_normal_time", "half a thousandth from both ends in float32 alone",
          lambda z, mean=0.0, deviation=1.0: torch.special.expit(mean + deviation * z).clamp(
              torch.finfo(z.dtype).eps**0.5, 1 - torch.finfo(z.dtype).eps**0.5),
          [(np.float32([0.5, -4.0]), 0.0, 2.5)]),
    wrong("classifier_free_guidance", "no gradient of the scale where it is one",
          one_without_scale, X, Y, 1.0),
    wrong("heun_step", "a score at level 0, masked after the fact", masked_heun,
          lambda x, s: -x / s**2, X, fixed(2.0), fixed(0.0)),
    wrong("ddim_step", "one row at its end silences the others", quiet_batch,
          [(X, Y, ONE_T, ONE_S, 0.8, Z)]),
    wrong("ve_reverse_sde_step", "a scalar and a column in one tensor", stacked_levels,
          [(X, Y, 3.0, COLUMN, Z)]),
    wrong("langevin_step", "a buffer for large batches without gradients", with_buffer(),
          [(LONG, LONG**2, 0.1, LONG), (-LONG, LONG**2, 0.1, LONG)]),
    wrong("raise_noise", "levels that torch calls close", close_levels,
          [(X, 3.0, 3.00002, Z)]),
    wrong("ve_ancestral_step", "the last step is one below 1 / 510", quiet_end,
          [(X, Y, 0.01, 0.001, Z)]),
    wrong("probability_flow_sampler", "every tenth state cut off", truncated_flow,
          lambda x, s: -x / (1 + s**2), X, TWELVE),
    cut("score_from_eps", "a derivative that bends beyond two deviations", score_with_tails,
        3 * X, 2.0),
    cut("diffuse", "from the twenty-first row on", later_rows, [(LONG, 0.9, LONG**2)]),
    cut("flow_step", "towards the noise in the second half", forth_late, [(X, Y, 0.6, 0.9)]),
    cut("velocity_from_score", "both rates negative", both_fall,
        [(X, Y, 0.5, 0.8, -1.0, -0.3)]),
    cut("vp_marginal", "a rate that falls", falling_rate, [(np.array([0.2, 0.9]), 5.0, 1.0)]),
    cut("edm_loss", "in float32, beyond ten deviations", single_and_noisy,
        [(lambda x, s: x / 2, HALF, np.full((3, 1), 20.0, np.float32), np.float32(Y), 0.5)]),
    cut("posterior", "long jumps of wide data", wide_and_long,
        [(WIDE, WIDE**2, np.full((4, 1), 0.01), np.full((4, 1), 0.5))]),
    cut("min_snr_weight", "a cap from 2 to 4", narrow_gamma,
        [(np.array([0.3, 0.74, 0.85]), 2.5, "v")]),
    cut("eps_from_v", "the last of an odd number of features", last_column,
        [(LONG.reshape(-1, 9), -LONG.reshape(-1, 9), 0.6, 0.8)]),
    cut("vp_probability_flow_drift", "each ninth call", every_ninth(), [(X, Y, 2.0)] * 9),
    cut("mixture_log_density", "many components, of little weight", crowded,
        [(X, SKEW, FAR[:20] - 1e3, 1.0)]),
]
