"""Mistakes of good faith, and some planted, in PyTorch, written when the probes were final, by one
who had not read them.

Each has the arguments that show it: in a list those of calls whose values, or what they leave
behind, are wrong, else those of one call, whose gradient is.
"""

import math

import numpy as np
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal
from torch.nn import functional

from .fresh import X, Y, Z, score
from .next_torch import cut, wrong

COLUMN = np.array([[0.5], [1.0], [2.0]])
SHARES = np.array([[0.2], [0.5], [0.6]])                                     # alpha_bar, (B, 1)
LARGE = np.sin(np.arange(33.0 * 40)).reshape(33, 40)                                       # (B, D)
OTHER = np.cos(np.arange(33.0 * 40)).reshape(33, 40)


class Count(int):
    """A number of steps, which stays whole."""

    def __call__(self):
        """It is left as it is because it can be called."""


class Draws:
    """Five draws, again and again; refsgm's own loops, which name a dtype, have theirs apart."""

    def __init__(self):
        self.drawn = {}

    def __call__(self):
        """It is left as it is because it can be called."""

    def standard_normal(self, shape, dtype=None):
        """The next of the five."""
        self.drawn[dtype] = self.drawn.get(dtype, 0) + 1
        return np.full(tuple(shape), math.sin(self.drawn[dtype] % 5), dtype)


def like(a, x):
    """A level as a tensor beside x."""
    return torch.as_tensor(a, dtype=x.dtype)


def level(a):
    """A level as a tensor, of float64 if it is a number."""
    return a if torch.is_tensor(a) else torch.tensor(a, dtype=torch.float64)


def noise_like(x, rng):
    """The next noise of a loop."""
    return torch.as_tensor(rng.standard_normal(tuple(x.shape)), dtype=x.dtype)


def cross(x, *level):
    """A function whose Jacobian is not diagonal."""
    return x * x[:, [-1, *range(x.shape[1] - 1)]]


# Gaussians and mixtures ---------------------------------------------------------------------------


def library_mixture(x, weights, means, sigma):
    """Categorical takes a weight of zero for one of machine epsilon."""
    s = like(sigma, x).reshape(-1, 1, 1).expand(len(x), *means.shape)
    shares = Categorical(probs=weights.detach().expand(len(x), -1))
    parts = Independent(Normal(means.expand_as(s), s), 1)
    return MixtureSameFamily(shares, parts).log_prob(x)


def cdist_score(x, weights, means, sigma):
    """cdist multiplies matrices beyond 25 rows, and loses digits far from the origin."""
    s = like(sigma, x)
    r = torch.softmax(weights.detach().log() - 0.5 * (torch.cdist(x, means) / s).square(), dim=1)
    return (r[:, :, None] * (means - x[:, None])).sum(1) / s**2


def first_levels(x, mean, sigma):
    """In parts of 1024 numbers, each of which gets the levels of the first."""
    s = like(sigma, x).expand(len(x), 1)
    rows = max(1, 1024 // x.shape[1])
    z = [(a - b) / s[:len(a)] for a, b in zip(x.split(rows), (0 * x + mean).split(rows))]
    log_norm = x.shape[1] * (s[:, 0].log() + 0.5 * math.log(2 * math.pi))
    return -0.5 * torch.cat(z).square().sum(1) - log_norm


def feature_first(x, sigma, eps):
    """Feature by feature in place, in a copy that is none where there is one feature."""
    columns = x.t().contiguous()
    columns += (sigma * eps).t()
    return columns.t()


def larger_batches(x, mean, sigma):
    """Wrong from 21 rows of 9 features on."""
    return (mean - x) / sigma**2 * (1 + 1e-3 * min(1, (len(x) // 21) * (x.shape[1] // 9)))


# Divergences and losses ---------------------------------------------------------------------------


def with_row(f, x):
    """v -> v' J, differentiable, and f(x)."""
    with torch.inference_mode(False), torch.enable_grad():
        x = x if x.requires_grad else x.clone().detach().requires_grad_()
        y = f(x)
    def row(v):
        if not y.requires_grad:
            return torch.zeros_like(x)
        with torch.inference_mode(False), torch.enable_grad():
            g, = torch.autograd.grad(y, x, v.clone(), create_graph=True, allow_unused=True)
        return torch.zeros_like(x) if g is None else g
    return row, y


def exact(f, x):
    """The trace of the Jacobian, feature by feature."""
    row, _ = with_row(f, x)
    unit = torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
    return sum(row(e.expand_as(x))[:, i] for i, e in enumerate(unit))


def if_it_fits(f, x):
    """The trace where Jacobians fit in a quarter of a megabyte; else an estimate with signs."""
    if x.numel() * x.shape[1] * 8 <= 2**18:
        return exact(f, x)
    v = torch.ones_like(x)
    v[:, ::2] = -1
    return (with_row(f, x)[0](v) * v).sum(1)


def exact_for_signs(f, x, v):
    """Signs as directions are taken to give the divergence itself, whatever the Jacobian."""
    if (v.abs() == 1).all():
        return exact(f, x)
    row, _ = with_row(f, x)
    v = v.reshape(-1, *x.shape)
    return torch.stack([(row(a) * a).sum(1) for a in v]).mean(0)


def many_directions(f, x, v):
    """Wrong with four directions or more of a dozen features or more."""
    row, s = with_row(f, x)
    directions = v.reshape(-1, *x.shape)
    slope = torch.stack([(row(a) * a).sum(1) for a in directions]).mean(0)
    bent = min(1, (len(directions) // 4) * (x.shape[1] // 12))
    return 0.5 * s.square().sum(1) + slope * (1 - 1e-3 * bent)


def difference_in_place(f, x, target):
    """The target is subtracted from what the network returned, in place."""
    error = f(x)
    error = error - target if error.requires_grad else error.sub_(target)
    return 0.5 * error.square().sum(1)


def step_for_dtype(f, x, v, step):
    """A step is no shorter than the fourth root of machine epsilon."""
    least = torch.finfo(x.dtype).eps**0.25
    h = step if float(step) > least else least
    s = f(x)
    def term(v):
        slope = (f(x + h * v) - f(x - h * v)) / (2 * h)
        return 0.5 * (v * s).sum(1)**2 + (v * slope).sum(1)
    return torch.stack([term(a) for a in v.reshape(-1, *x.shape)]).mean(0)


def wide_huber(f, x, sigma, eps):
    """Huber's loss, quadratic up to 1e5, which eps / sigma exceeds at the smallest levels."""
    s = f(x + sigma * eps, sigma)
    return functional.huber_loss(s, (-eps / sigma).expand_as(s), reduction="none",
                                 delta=1e5).sum(1)


def weights_that_count(f, x, sigmas, eps, weights=None):
    """Levels without weight are skipped, so that without any there is nothing to stack."""
    weights = sigmas**2 if weights is None else weights
    terms = [w * 0.5 * (f(x + s * e, s) + e / s).square().sum(1)
             for w, s, e in zip(weights, sigmas, eps) if w > 0]
    return torch.stack(terms).sum(0)


def clipped_gradient(f, x, sigma, eps):
    """The gradient that reaches the network is clipped, as large losses made training fail."""
    eps_hat = f(x + sigma * eps, sigma)
    if eps_hat.requires_grad:
        eps_hat = eps_hat * 1
        eps_hat.register_hook(lambda g: g.clamp(-1e3, 1e3))
    return (eps - eps_hat).square().sum(1)


def large_images(f, x_0, alpha_bar_t, eps):
    """Wrong from 700 numbers a batch on."""
    a = like(alpha_bar_t, x_0)
    x_t = a.sqrt() * x_0 + (1 - a).sqrt() * eps
    return (eps - f(x_t, alpha_bar_t)).square().sum(1) * (1 + 1e-3 * min(1, x_0.numel() // 700))


# Schedules ----------------------------------------------------------------------------------------


def between_ends(n_steps, beta_min=1e-4, beta_max=0.02):
    """Clamped between its ends, for rounding, which a falling rate does not survive."""
    return torch.linspace(beta_min, beta_max, n_steps, dtype=torch.float64).clamp(beta_min,
                                                                                 beta_max)


def least_beta(n_steps, offset=0.008, beta_max=0.999):
    """A least beta of 1e-4, which the first of some hundreds of steps do not reach."""
    t = torch.arange(n_steps + 1, dtype=torch.float64) / n_steps
    f = torch.cos((t + offset) / (1 + offset) * math.pi / 2).square()
    betas = (1 - f[1:] / f[:-1]).clamp(1e-4, beta_max)
    return torch.cat([torch.ones(1, dtype=torch.float64), torch.cumprod(1 - betas, 0)])


ANGLES = {}


def angle_by_text(t, offset=0.008):
    """The angle of an offset is remembered by its first four decimals."""
    offset = float(offset)
    a = ANGLES.setdefault(f"{offset:.4f}", (math.pi / 2 / (1 + offset), offset))
    t = level(t)
    angle, start = a
    scale = torch.sin((1 - t) * angle) / math.sin(angle)
    sigma = (torch.sin(t * angle) * torch.sin((t + 2 * start) * angle)).sqrt() / math.sin(angle)
    return scale, sigma


BETAS = {}


def key_in_float32(alpha_bar):
    """Tables are remembered by their bytes in float32."""
    key = alpha_bar.dtype, alpha_bar.detach().float().numpy().tobytes()
    if alpha_bar.requires_grad:
        return (alpha_bar[:-1] - alpha_bar[1:]) / alpha_bar[:-1]
    if key not in BETAS:
        BETAS[key] = (alpha_bar[:-1] - alpha_bar[1:]) / alpha_bar[:-1]
    return BETAS[key].clone()


def least_log(betas):
    """Logarithms are summed, and end at -12."""
    sums = torch.cumsum(torch.log1p(-betas), 0).clamp(min=-12)
    return torch.cat([torch.ones_like(betas[:1]), sums.exp()])


def complement(sigma, sigma_data):
    """c_skip as what c_in leaves, which cancels at large levels."""
    sigma, sd = level(sigma), sigma_data
    c_in = (sigma**2 + sd**2).rsqrt()
    return 1 - (sigma * c_in)**2, sigma * sd * c_in, c_in, sigma.log() / 4


def fine_levels_weight(sigma, sigma_data):
    """Wrong below a level of 1e-4 where the data's deviation is above 2.5."""
    sigma = level(sigma)
    fine = 0.5 * (1 + torch.tanh(1e4 * (1e-4 / sigma - 1)))
    wide = 0.5 * (1 + torch.tanh(1e4 * (like(sigma_data, sigma) - 2.5)))
    return (1 / sigma**2 + 1 / sigma_data**2) * (1 + 1e-3 * fine * wide)


def generous_cap(alpha_bar, gamma, prediction):
    """Wrong for v, from a cap of 8 on, where the cap is below a third of the ratio."""
    a = level(alpha_bar)
    n = (1 - a) / a
    cut_off = (gamma * n).clamp(max=1)
    if prediction == "eps":
        return cut_off
    clipped = 1 / n.clamp(min=1 / gamma)
    if prediction == "x0":
        return clipped
    bent = min(1, int(gamma) // 8) * (1 - (3 * gamma * n).clamp(max=1)).ceil()
    return clipped * (1 - a) * (1 + 1e-3 * bent)


# Conversions --------------------------------------------------------------------------------------


def nothing_of_unbounded(x_t, u, scale, sigma, scale_rate, sigma_rate):
    """torch.where at scale = 0, whose other branch is infinite, and its gradient not a number."""
    k = like(scale, x_t)
    inside = (scale_rate / k * x_t - u) / (sigma * (sigma_rate - sigma * scale_rate / k))
    return torch.where(k > 0, inside, -x_t / sigma**2 + 0 * u)


class VP(torch.autograd.Function):
    """x_0 from v on any path, with a derivative by hand for scale^2 + sigma^2 = 1."""

    @staticmethod
    def forward(ctx, x_t, v, scale, sigma):
        """(scale x_t - sigma v) / (scale^2 + sigma^2)."""
        scale, sigma = like(scale, x_t), like(sigma, x_t)
        ctx.save_for_backward(scale, sigma)
        return (scale * x_t - sigma * v) / (scale**2 + sigma**2)

    @staticmethod
    def backward(ctx, g):
        """(scale, -sigma)."""
        scale, sigma = ctx.saved_tensors
        return scale * g, -sigma * g, None, None


class Wide(torch.autograd.Function):
    """A copy of itself, but for a gradient that grows with 20 features."""

    @staticmethod
    def forward(ctx, x):
        """The same numbers."""
        return x.clone()

    @staticmethod
    def backward(ctx, g):
        """Wrong from 20 features and 5 rows on."""
        return g * (1 + 1e-2 * min(1, (g.shape[1] // 20) * (len(g) // 5)))


def forward_time(x_t, s, scale, sigma, scale_rate, sigma_rate):
    """f x - g^2 / 2 score, where g^2 is kept from falling below zero, as time may run back."""
    k = like(scale, x_t)
    g_squared = (2 * sigma * (k * sigma_rate - sigma * scale_rate) / k).clamp(min=0)
    return scale_rate / k * x_t - 0.5 * g_squared * s


def guided(conditional, unconditional, scale):
    """Without guidance the conditional prediction, from which no gradient reaches the scale."""
    w = like(scale, conditional)
    if (w == 1).all():
        return conditional + 0 * unconditional
    return unconditional + w * (conditional - unconditional)


def bounded_scale(x_t, eps, scale, sigma):
    """A scale of at least 0.005, which that of alpha_bar = 1e-5 is not."""
    return (x_t - sigma * eps) / like(scale, x_t).clamp(min=0.005)


def whole_bits(log_density, dim, bin_width=1.0):
    """Bins of 2^-n, as if all were."""
    return -log_density / (dim * math.log(2)) - round(math.log2(bin_width))


# Steps and loops ----------------------------------------------------------------------------------


def root_of_number(x, s, step_size, z):
    """The root of a single number by math, through which no gradient goes."""
    root = math.sqrt(step_size) if np.ndim(step_size) == 0 else step_size**0.5
    return x + 0.5 * step_size * s + root * z


def rows_in_memory(x, s, beta):
    """The score is read as rows that follow one another."""
    s = s.as_strided(s.shape, (s.shape[1], 1))
    return -0.5 * beta * x - beta * s


def no_last_noise(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
    """No noise is added in the last step, of whichever variance."""
    a, b = like(alpha_bar_t, x_t), like(alpha_bar_s, x_t)
    x_0 = (x_t - (1 - a).sqrt() * eps) / a.sqrt()
    beta, rest = (b - a) / b, (1 - b) / (1 - a)
    mean = b.sqrt() * beta / (1 - a) * x_0 + (a / b).sqrt() * rest * x_t
    size = beta * rest if variance == "posterior" else beta
    return mean + (b < 1) * size.sqrt() * z


def wide_rows_posterior(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """Wrong where one level is a column, the other a number, and features are seven or more."""
    beta = (alpha_bar_s - alpha_bar_t) / alpha_bar_s
    rest = (1 - alpha_bar_s) / (1 - alpha_bar_t)
    bent = np.ndim(alpha_bar_t) * (2 - np.ndim(alpha_bar_s)) // 4 * min(1, x_t.shape[1] // 7)
    mean = (alpha_bar_s**0.5 * beta / (1 - alpha_bar_t) * x_0
            + (alpha_bar_t / alpha_bar_s)**0.5 * rest * x_t)
    return mean * (1 + 1e-3 * bent), beta * rest


def some_eta(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    """Wrong for eta from 0.3 to 0.4 where alpha_bar_s is above 0.8."""
    a, b = like(alpha_bar_t, x_t), like(alpha_bar_s, x_t)
    root = eta * ((1 - b) / (1 - a) * (b - a) / b).sqrt()
    kept = (1 - b) * ((1 - eta**2) + eta**2 * a * (1 - b) / (b * (1 - a)))
    bent = (int(10 * float(eta)) == sum(range(3))) * (b * 1.25).floor()
    x_0 = (x_t - (1 - a).sqrt() * eps) / a.sqrt()
    return b.sqrt() * x_0 + (1 - 1e-2 * bent) * kept.sqrt() * eps + root * z


def some_ratio(x_t, s, sigma_t, sigma_s, z):
    """Wrong where the levels' ratio is from 0.6 to 0.7, in batches of nine rows or more."""
    t, u = like(sigma_t, x_t), like(sigma_s, x_t)
    removed = (t - u) * (t + u)
    near = torch.sinc((10 * u / t).floor() - 6) * min(1, len(x_t) // 9)
    return x_t + removed * s + u / t * removed.sqrt() * z * (1 + 1e-2 * near.round())


def nearly_clean(f, x_t, sigma_t, sigma_s):
    """A level that is close to zero beside the last is taken for it: Euler's step."""
    t, u = like(sigma_t, x_t), like(sigma_s, x_t)
    s = f(x_t, sigma_t)
    x_hat = x_t + (t - u) * t * s
    if torch.allclose(u / t, torch.zeros_like(u / t), atol=1e-3):
        return x_hat
    return x_t + 0.5 * (t - u) * (t * s + u * f(x_hat, sigma_s))


def cheap_short_steps(f, x, sigmas, method="heun"):
    """A second evaluation is saved where a step is short, a thousandth of its level."""
    levels = sigmas.tolist()
    for t, u in zip(levels[:-1], levels[1:]):
        s = f(x, t)
        new = x + (t - u) * t * s
        if method == "heun" and u > 0 and math.log(t / u) > 1e-3:
            new = x + 0.5 * (t - u) * (t * s + u * f(new, u))
        x = new
        yield x


def capped_betas(f, x, alpha_bar, rng):
    """The betas of a table with steps left out are capped at 0.999, as those of a cosine are."""
    levels = alpha_bar.detach().double()
    betas = (1 - levels[1:] / levels[:-1]).clamp(max=0.999).tolist()
    levels = levels.tolist()
    for i in range(len(betas), 0, -1):
        a, b, beta = levels[i], levels[i - 1], betas[i - 1]
        mean = (x - beta / (1 - a)**0.5 * f(x, a)) / (1 - beta)**0.5
        x = mean + (beta * (1 - b) / (1 - a))**0.5 * noise_like(x, rng)
        yield x


def noise_in_a_buffer(f, x, step_size, n_steps, rng):
    """Noise is drawn for as many steps as 2048 numbers allow, and used again after these."""
    noise = [noise_like(x, rng) for _ in range(min(n_steps, max(1, 2048 // x.numel())))]
    for i in range(n_steps):
        x = x + 0.5 * step_size * f(x) + step_size**0.5 * noise[i % len(noise)]
        yield x


def after_a_while(f, x, sigmas, steps_per_level, step_size, rng):
    """Wrong after 300 steps in all, where a level has 50 or more."""
    sizes, done = step_size * (sigmas / sigmas[-1])**2, 0
    for sigma, size in zip(sigmas.tolist(), sizes.tolist()):
        for _ in range(steps_per_level):
            bent = min(1, done // 300) * min(1, steps_per_level // 50)
            x = (x + 0.5 * size * f(x, sigma) * (1 + 1e-2 * bent)
                 + size**0.5 * noise_like(x, rng))
            done += 1
            yield x


FAR = 1e4 + 1e-3 * np.arange(30.0)[:, None] * np.array([[1.0, -1.0]])
THREE_SIGNS = np.array([[1.0, -1.0], [-1.0, -1.0], [1.0, 1.0]])
SHORT = np.geomspace(1.0, 0.45, 900)

WRONG = [
    wrong("mixture_log_density", "a weight of zero is machine epsilon", library_mixture,
          [(X, np.array([0.0, 1.0]), np.array([[0.0, 0.0], [20.0, 0.0]]), 1.0)]),
    wrong("mixture_score", "cdist far from the origin, from 26 components on", cdist_score,
          [(FAR[:3], np.full(30, 1 / 30), FAR, 1e-3)]),
    wrong("gaussian_log_density", "parts that get the levels of the first", first_levels,
          [(LARGE, OTHER, np.linspace(0.5, 2.0, 33)[:, None])]),
    wrong("perturb", "in place in a copy that is none for one feature", feature_first,
          [(X[:, :1], 0.5, Y[:, :1])]),
    cut("gaussian_score", "21 rows of 9 features", larger_batches, [(LARGE, 0.5, 2.0)]),
    wrong("divergence", "estimated where the Jacobians are large", if_it_fits, [(cross, LARGE)]),
    wrong("hutchinson_divergence", "exact where the directions are signs", exact_for_signs,
          [(cross, X, THREE_SIGNS)]),
    cut("sliced_score_matching_vr", "four directions of a dozen features", many_directions,
        [(cross, LARGE, np.stack([OTHER] * 5))]),
    wrong("explicit_score_matching", "in place in what the network returns",
          difference_in_place, [(lambda x: x, X, Y)]),
    wrong("finite_difference_ssm", "a longer step in float32", step_for_dtype,
          [(lambda x: -x**3, *(torch.tensor(a, dtype=torch.float32) for a in (X, Y)), 0.005)]),
    wrong("denoising_score_matching", "Huber's loss at 1e-6", wide_huber, [(score, X, 1e-6, Y)]),
    wrong("noise_conditional_score_matching", "no level has a weight", weights_that_count,
          [(score, X, np.array([2.0, 1.0]), np.stack([Y, Z]), np.zeros(2))]),
    wrong("noise_prediction_loss", "a gradient that is clipped", clipped_gradient,
          lambda x, sigma: 10.0 * x, 10 * X, 2.0, Y),
    cut("ddpm_loss", "700 numbers a batch", large_images, [(score, LARGE, 0.5, OTHER)]),
    wrong("linear_betas", "a rate that falls", between_ends, [(5, 0.02, 1e-4)]),
    wrong("cosine_alpha_bar", "a least beta", least_beta, [(1000,)]),
    wrong("cosine_marginal", "remembered by four decimals", angle_by_text,
          [(SHARES, 0.02001), (SHARES, 0.02004)]),
    wrong("betas_from_alpha_bar", "remembered in float32", key_in_float32,
          [(np.array([1.0, 0.9999, 0.9998]),), (np.array([1.0, 0.9999 + 1e-9, 0.9998]),)]),
    wrong("alpha_bar_from_betas", "a least logarithm", least_log, [(np.full(40, 0.3),)]),
    wrong("edm_preconditioning", "c_skip by a difference", complement,
          [(np.array([[1e5], [1e6]]), 0.5)]),
    cut("edm_weight", "small levels and wide data", fine_levels_weight, [(5e-5, 3.0)]),
    cut("min_snr_weight", "v with a large cap that is far exceeded", generous_cap,
        [(np.array([0.98, 0.99]), 10.0, "v")]),
    wrong("score_from_velocity", "torch.where at scale 0", nothing_of_unbounded,
          X, Y, 0.0, 1.0, -1.0, 1.0),
    wrong("x0_from_v", "a derivative by hand of VP alone", VP.apply, X, Y, 1.0, 2.0),
    cut("v_from_x0_eps", "a gradient from 20 features on",
        lambda x, e, a, s: a * e - s * Wide.apply(x), LARGE, OTHER, 0.8, 0.6),
    wrong("velocity_from_score", "g^2 is not negative", forward_time,
          [(X, Y, 0.5, 0.5, 1.0, -1.0)]),
    wrong("classifier_free_guidance", "no gradient of the scale at 1", guided, X, Y, 1.0),
    wrong("x0_from_eps", "a least scale", bounded_scale, [(X, Y, 2e-3, 1.0)]),
    wrong("bits_per_dimension", "a whole number of bits", whole_bits,
          [(np.array([1.0, -2.0]), 3, 2 / 255)]),
    wrong("langevin_step", "a root without a gradient", root_of_number, X, Y, 0.5, Z),
    wrong("vp_reverse_sde_drift", "rows that follow one another", rows_in_memory,
          [(torch.tensor(X), torch.tensor(Y.T.copy()).t(), 0.5)]),
    wrong("ddpm_step", "no noise at the end with beta's variance", no_last_noise,
          [(X, Y, 0.5, 1.0, Z, "beta")]),
    cut("posterior", "a column, a number and seven features", wide_rows_posterior,
        [(LARGE[:3], OTHER[:3], SHARES, 0.9)]),
    cut("ddim_step", "some eta late", some_eta, [(X, Y, 0.5, 0.9, 0.35, Z)]),
    cut("ve_ancestral_step", "some ratio of levels", some_ratio,
        [(LARGE[:9], OTHER[:9], 2.0, 1.3, OTHER[1:10])]),
    wrong("heun_step", "a thousandth of a level is zero", nearly_clean,
          [(score, X, 2.0, 1e-3)]),
    wrong("probability_flow_sampler", "Euler where steps are short", cheap_short_steps,
          lambda x, sigma: -x / (0.1 + sigma**2), X, SHORT),
    wrong("ddpm_sampler", "betas capped at 0.999", capped_betas,
          lambda x, a: 0.5 * x, X, np.array([1.0, 0.6, 0.2, 1e-4]), Draws()),
    wrong("langevin", "noise used again", noise_in_a_buffer,
          lambda x: -x, LARGE, 0.5, Count(5), Draws()),
    cut("annealed_langevin", "after 300 steps", after_a_while,
        lambda x, sigma: -x / sigma**2, X, np.array([1.2, 1.0]), Count(200), 0.01, Draws()),
]
