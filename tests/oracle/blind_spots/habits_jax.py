"""Right code for JAX in the habits of others: vmap of one row, grad, scan, log space."""

import jax
import jax.numpy as jnp
from jax.scipy.special import logsumexp

from .right import right


def jax_right(kind, what, function):
    """A right function."""
    return right(kind, what, function, "jax")


def column(a, like):
    """A level as (B, 1)."""
    return jnp.broadcast_to(jnp.reshape(jnp.asarray(a), (-1, 1)), (len(like), 1))


def of_one(f):
    """vmap of a function of one row and its levels."""
    def g(x, *rest):
        rest = [a if getattr(a, "ndim", 0) == 2 and a.shape == x.shape else column(a, x)
                for a in rest]
        return jax.vmap(f)(x, *rest)
    return g


def log_density(x, w, m, s):
    """One row's."""
    return logsumexp(-jnp.sum((x - m)**2, -1) / (2 * s**2), b=w) - x.size * jnp.log(
        s * jnp.sqrt(2 * jnp.pi))


def mixture(x, w, m, s):
    """vmap over rows."""
    return jax.vmap(log_density, (0, None, None, 0))(x, w, m, column(s, x)[:, 0])


def mixture_score(x, w, m, s):
    """The gradient of that."""
    return jax.vmap(jax.grad(log_density), (0, None, None, 0))(x, w, m, column(s, x)[:, 0])


def hutchinson(f, x, v):
    """jvp, over directions too."""
    def along(u):
        return jnp.sum(jax.jvp(f, (x,), (u,))[1] * u, -1)
    return along(v) if v.ndim == 2 else jax.vmap(along)(v).mean(0)


def divergence(f, x):
    """The trace of a Jacobian of one row."""
    return jax.vmap(lambda a: jnp.trace(jax.jacfwd(lambda b: f(b[None])[0])(a)))(x)


RIGHT = [
    jax_right("perturb", "vmap", of_one(lambda x, s, e: x + s * e)),
    jax_right("gaussian_score", "vmap", of_one(lambda x, m, s: (m - x) / s**2)),
    jax_right("gaussian_score", "jit", jax.jit(lambda x, m, s: -(x - m) * s**-2)),
    jax_right("mixture_log_density", "vmap", mixture),
    jax_right("mixture_score", "grad", mixture_score),
    jax_right("score_from_eps", "negative", lambda e, s: jnp.negative(e) / s),
    jax_right("x0_from_eps", "vmap", of_one(lambda x, e, a, s: (x - s * e) / a)),
    jax_right("eps_from_v", "squares", lambda x, v, a, s: (s * x + a * v) / (
        jnp.square(a) + jnp.square(s))),
    jax_right("ve_from_vp", "rsqrt", lambda x, a: (
        x * jax.lax.rsqrt(a), jnp.sqrt(1 - a) * jax.lax.rsqrt(a))),
    jax_right("vp_marginal", "an integral of beta", lambda t, b=0.1, c=20.0: (lambda m: (
        jnp.exp(-m / 2), jnp.sqrt(-jnp.expm1(-m))))(b * t + 0.5 * (c - b) * t**2)),
    jax_right("ddim_step", "published", lambda x, e, t, s, eta, z: (lambda c: (
        jnp.sqrt(s) * (x - jnp.sqrt(1 - t) * e) / jnp.sqrt(t) + jnp.sqrt(1 - s - c**2) * e
        + c * z))(eta * jnp.sqrt((1 - s) / (1 - t) * (1 - t / s)))),
    jax_right("flow_step", "Euler", lambda x, u, t, s: x + u * (s - t)),
    jax_right("hutchinson_divergence", "jvp", hutchinson),
    jax_right("divergence", "the trace of jacfwd", divergence),
    jax_right("noise_prediction_loss", "vmap", lambda f, x, s, e: jnp.sum(
        jnp.square(f(x + s * e, s) - e), axis=tuple(range(1, x.ndim)))),
    jax_right("score_of", "vmap of grad", lambda log_density: jax.vmap(jax.grad(
        lambda a: log_density(a[None])[0]))),
    jax_right("geometric_sigmas", "exp of linspace", lambda a, b, n: jnp.exp(
        jnp.linspace(jnp.log(a), jnp.log(b), n))),
    jax_right("alpha_bar_from_betas", "cumprod", lambda b: jnp.concatenate(
        [jnp.ones(1, b.dtype), jnp.cumprod(1 - b)])),
]
