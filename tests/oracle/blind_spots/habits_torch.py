"""Right code for PyTorch in the habits of others: einsum, vmap, chunks, addcmul, log space."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from .right_torch import right


def rows(a, like):
    """A level as a column, whatever it came as."""
    return torch.as_tensor(a, dtype=like.dtype).reshape(-1, 1).expand(len(like), 1)


def clone_in_place(x, s, e):
    """In place, on a copy."""
    y = x.clone()
    y += s * e
    return y


def posterior(x_0, x_t, t, s):
    """As guided-diffusion names its coefficients."""
    beta = 1 - t / s
    mean = beta * s.sqrt() / (1 - t) * x_0 + (1 - s) * (t / s).sqrt() / (1 - t) * x_t
    return mean, beta * (1 - s) / (1 - t)


@torch.no_grad()
def ddpm(x, eps, t, s, z, variance="posterior"):
    """A log variance that is clipped, and noise that is masked at the last step."""
    x_0 = t.rsqrt() * x - (1 / t - 1).sqrt() * eps
    mean, var = posterior(x_0, x, t, s)
    log = (var if variance == "posterior" else 1 - t / s).clamp(min=1e-30).log()
    mask = (s < 1).to(x.dtype) if variance == "posterior" else 1.0
    return mean + mask * (0.5 * log).exp() * z


def mixture_score(x, weights, means, sigma):
    """Distances by torch.cdist, without the squares multiplied out, which lose their digits."""
    s = rows(sigma, x)
    distances = torch.cdist(x, means, compute_mode="donot_use_mm_for_euclid_dist")
    logits = weights.log() - distances.square() / (2 * s**2)
    return (logits.softmax(-1) @ means - x) / s**2


def by_softmax(x, weights, means, sigma):
    """Responsibilities, differences by broadcasting."""
    s = rows(sigma, x)
    d = means[None] - x[:, None]                                                      # (B, K, D)
    r = torch.softmax(weights.log() - 0.5 * (d / s[:, None]).square().sum(-1), dim=-1)
    return torch.einsum("bk,bkd->bd", r, d) / s.square()


def hutchinson(f, x, v):
    """One vector-Jacobian product for each direction."""
    with torch.enable_grad():
        y = x.detach().requires_grad_(True)
        s = f(y)
        out = [(torch.autograd.grad(s, y, u, retain_graph=True)[0] * u).sum(1)
               for u in v.reshape(-1, *x.shape)]
    return torch.stack(out).mean(0).detach()


def ssm(f, x, v):
    """As the authors' code: expanded over directions, and the mean."""
    M = v.shape[0] if v.ndim == 3 else 1
    y = x.repeat(M, 1).detach().requires_grad_(True)
    u = v.reshape(-1, x.shape[1])
    s = f(y)
    (g,) = torch.autograd.grad((s * u).sum(), y, create_graph=True)
    return (0.5 * (s * u).sum(-1)**2 + (g * u).sum(-1)).view(M, -1).mean(0)


def jvp(f, x, v):
    """A derivative in forward mode."""
    return torch.stack([(torch.func.jvp(f, (x,), (u,))[1] * u).sum(1)
                        for u in v.reshape(-1, *x.shape)]).mean(0)


def dsm(f, x, s, e):
    """sigma times the score, plus eps."""
    y = x + s * e
    target = -e / s
    return 0.5 * (f(y, s) - target).flatten(1).pow(2).sum(-1)


def edm(f, x, s, e, d):
    """EDM's loss with its weight."""
    weight = (s**2 + d**2) / (s * d)**2
    return (weight * (f(x + s * e, s) - x)**2).sum(dim=1)


def langevin(f, x, a, n, rng):
    """A list of states that are cloned."""
    x, out = x.clone(), []
    for _ in range(n):
        x.add_(0.5 * a * f(x)).add_(math.sqrt(a) * torch.as_tensor(rng.standard_normal(x.shape)))
        out.append(x.clone())
    return out


def cosine(n, offset=0.008, beta_max=0.999):
    """improved-diffusion's, with a torch table."""
    t = torch.arange(n + 1, dtype=torch.float64) / n
    bar = torch.cos((t + offset) / (1 + offset) * math.pi / 2)**2
    betas = (1 - bar[1:] / bar[:-1]).clamp(max=beta_max)
    return torch.cat([torch.ones(1, dtype=torch.float64), torch.cumprod(1 - betas, 0)])


def as_doubles(f):
    """All of it in float64, and back."""
    def g(*args):
        wide = [a.double() if isinstance(a, Tensor) else a for a in args]
        return f(*wide).to(args[0].dtype)
    return g


RIGHT = [
    right("perturb", "in place on a copy", clone_in_place),
    right("perturb", "float64 inside", as_doubles(lambda x, s, e: x + s * e)),
    right("gaussian_score", "float64 inside", as_doubles(lambda x, m, s: (m - x) / s**2)),
    right("gaussian_log_density", "a normal of diagonal covariance", lambda x, m, s: (
        torch.distributions.Independent(torch.distributions.Normal(m, rows(s, x).expand_as(x)), 1)
        .log_prob(x))),
    right("mixture_score", "cdist", mixture_score),
    right("mixture_score", "softmax and einsum", by_softmax),
    right("mixture_log_density", "MixtureSameFamily in pieces", lambda x, w, m, s: torch.logsumexp(
        w.log() + torch.stack([torch.distributions.Normal(c, rows(s, x)).log_prob(x).sum(-1)
                               for c in m], dim=-1), dim=-1)),
    right("score_from_eps", "reciprocal", lambda e, s: -e * s.reciprocal()),
    right("eps_from_score", "einsum", lambda g, s: torch.einsum("bd,bk->bd", g, -rows(s, g))),
    right("x0_from_eps", "addcmul", lambda x, e, a, s: torch.addcmul(
        x, s.expand_as(e), e, value=-1) / a),
    right("eps_from_x0", "vmap", lambda x, x_0, a, s: torch.vmap(
        lambda x, y, a, s: (x - a * y) / s)(x, x_0, rows(a, x), rows(s, x))),
    right("x0_from_score", "square", lambda x, g, a, s: (x + s.square() * g).div(a)),
    right("v_from_x0_eps", "sub", lambda x, e, a, s: torch.sub(a * e, s * x)),
    right("x0_from_v", "hypot", lambda x, v, a, s: (
        lambda h: (a / h * x - s / h * v) / h)(torch.hypot(a, s))),
    right("ve_from_vp", "rsqrt", lambda x, a: (x * a.rsqrt(), (1 / a - 1).sqrt())),
    right("vp_from_ve", "rsqrt", lambda x, s: (
        x * (1 + s.square()).rsqrt(), (1 + s.square()).reciprocal())),
    right("velocity_from_x0_eps", "neg", lambda x, e: -(x - e)),
    right("classifier_free_guidance", "chunk", lambda c, u, w: (lambda both: (
        lambda c, u: u + w * (c - u))(*both.chunk(2)))(torch.cat([c, u]))),
    right("diffuse", "sqrt", lambda x, a, e: a.sqrt() * x + (1 - a).sqrt() * e),
    right("posterior", "coefficients", posterior),
    right("ddpm_step", "a clipped log variance and a mask", ddpm),
    right("ve_reverse_sde_step", "g^2 dt", torch.no_grad()(lambda x, g, t, s, z: (
        lambda v: x + v * g + v.sqrt() * z)(t**2 - s**2))),
    right("heun_step", "slopes", lambda f, x, t, s: (lambda d: x + (s - t) * d if (
        s == 0).all() else x + (s - t) * 0.5 * (d - s * f(x + (s - t) * d, s)))(-t * f(x, t))),
    right("hutchinson_divergence", "a product for each direction", hutchinson),
    right("directional_derivative", "forward mode", jvp),
    right("sliced_score_matching", "repeated over directions", ssm),
    right("denoising_score_matching", "a flattened target", dsm),
    right("edm_loss", "published", edm),
    right("noise_prediction_loss", "mse_loss of each", lambda f, x, s, e: F.mse_loss(
        f(x + s * e, s), e, reduction="none").sum(-1)),
    right("flow_matching_loss", "a mean over rows", lambda f, x, t, e: (
        (f(torch.lerp(x, e, t.expand_as(x)), t) - (e - x))**2).sum(-1).mean()),
    right("langevin", "in place, cloned", langevin),
    right("alpha_bar_from_betas", "cumprod", lambda b: F.pad(
        torch.cumprod(1 - b, 0), (1, 0), value=1.0)),
    right("cosine_alpha_bar", "clamp", cosine),
    right("geometric_sigmas", "exp of linspace", lambda a, b, n: torch.exp(torch.linspace(
        math.log(a), math.log(b), n, dtype=torch.float64))),
    right("karras_sigmas", "linspace", lambda a, b, n, rho=7.0: torch.linspace(
        a**(1 / rho), b**(1 / rho), n, dtype=torch.float64)**rho),
    right("edm_preconditioning", "rsqrt", lambda s, d: (lambda q: (
        d**2 * q**2, s * d * q, q, s.log() / 4))((s**2 + d**2).rsqrt())),
    right("vp_marginal", "expm1", lambda t, b=0.1, c=20.0: (lambda m: (
        m.exp(), (-torch.expm1(2 * m)).sqrt()))(-0.25 * t**2 * (c - b) - 0.5 * t * b)),
    right("min_snr_weight", "a stack's smallest", lambda a, g, p: (lambda n: {
        "eps": n, "x0": torch.ones_like(n), "v": 1 - a}[p] * torch.minimum(
            1 / n, torch.full_like(n, g)))((1 - a) / a) if (a < 1).all() else {
                "eps": torch.minimum(torch.ones_like(a), g * (1 - a) / a),
                "x0": torch.minimum(a / (1 - a), torch.full_like(a, g)),
                "v": torch.minimum(a, g * (1 - a))}[p]),
    right("logit_normal_time", "sigmoid", lambda z, mean=0.0, deviation=1.0: torch.sigmoid(
        mean + deviation * z)),
    right("bits_per_dimension", "log 2", lambda a, dim, bin_width=1.0: (
        -a / (dim * math.log(2)) - math.log2(bin_width))),
]
