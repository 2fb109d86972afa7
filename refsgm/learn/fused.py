"""What a network does between its matrix products, one kernel each, where there are kernels.

    h     = [c_in (x - center) | cos and sin of the harmonics of c_noise]                   [NET-1]
    score = -c_in^2 (x - center) + (sigma_data c_in / sigma) (F + b)

The array code in networks.py is what these functions are compared with.
"""

import autograd.numpy as np
import numpy
from autograd.extend import defvjp, defvjp_argnums, primitive
from autograd.tracer import isbox

from .autodiff import layer_vjp
from .kernels import constant, kernel
from ..arrays import beside, float_type, value_of

FREQUENCIES = 8             # harmonics of c_noise that the network sees: smooth in log sigma


def harmonics(x):
    """The numbers 1, ..., FREQUENCIES where x is, and of its type of number."""
    def make():
        return beside(np.arange(1, FREQUENCIES + 1, dtype=float_type(x)), x)
    return constant("harmonics", value_of(x), make)


@primitive
def product(x, W):
    """The layer x W without its bias, (B, n) -> (B, m), as one node.  [AD-2]"""
    return x @ W


@primitive
def network_input(x, center, sigma, sigma_data):
    """What the raw network sees, (B, D + 2 FREQUENCIES), written by two kernels."""
    n, dim = x.shape
    h = numpy.empty((n, dim + 2 * FREQUENCIES), dtype=x.dtype, like=x)
    kernel("network_input", x)(x, center, sigma, sigma_data, h[:, :dim])
    kernel("waves", x)(sigma, harmonics(x), h[:, dim:dim + FREQUENCIES], h[:, dim + FREQUENCIES:])
    return h


@primitive
def network_score(x, F, b, center, sigma, sigma_data):
    """The score from F without its bias b."""
    return kernel("score", x)(x, center, F, b, sigma, sigma_data)


@primitive
def to_network(g, sigma, sigma_data):
    """The gradient g of the score taken back to F: sigma_data c_in / sigma times g."""
    return kernel("to_network", g)(g, sigma, sigma_data)


def score_vjp(argnums, score, args, _):
    """The vjp of `network_score` for those of (x, F, b) that are asked for."""
    sigma, sigma_data = args[4:]

    def before(g):
        return to_network(g, sigma, sigma_data) if argnums != (0,) else None

    def vjp(g):
        delta = before(g)
        made = (lambda: -g / (sigma**2 + sigma_data**2), lambda: delta,
                lambda: np.sum(delta, axis=0))
        return [made[i]() for i in argnums]

    def later(g):
        if isbox(g) or 0 in argnums:
            return vjp(g)
        delta = before(g)
        made = (None, delta, lambda out: numpy.sum(delta, axis=0, out=out))
        return [made[i] for i in argnums]
    vjp.later = later
    return vjp


defvjp_argnums(network_score, score_vjp)
defvjp_argnums(product, lambda argnums, y, args, _: layer_vjp(argnums, *args, lambda g: g))
defvjp(to_network, lambda y, g, sigma, sigma_data: lambda h: to_network(h, sigma, sigma_data))
defvjp(network_input, lambda h, x, center, sigma, sigma_data:
       lambda g: g[:, :np.shape(x)[1]] / (sigma**2 + sigma_data**2)**0.5)
