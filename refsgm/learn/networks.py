"""Noise-conditional networks: the score s(x, sigma), one set of weights for all noise levels.

    s(x, sigma) = -c_in^2 x + (sigma_data c_in / sigma) F(c_in x, c_noise)                  [NET-1]
    c_in = 1 / sqrt(sigma^2 + sigma_data^2),    c_noise = log(sigma) / 4

The first term is the score of N(0, sigma_data^2 I) with noise; F learns what is left. Its input and
its output are of order one at every sigma. As an energy, s = -grad E, and F is the gradient of a
scalar network phi: the same form, with a score that is a true gradient [NET-2].
Parameters are a flat list of arrays [W_1, b_1, ..., W_out, b_out].
"""

from dataclasses import dataclass, replace

import autograd.numpy as np
from autograd import grad
from autograd.tracer import isbox

from .autodiff import dense, dense_tanh
from .fused import FREQUENCIES, harmonics, network_input, network_score, product
from .kernels import kernel
from ..equivalence import eps_from_score
from ..arguments import (FINITE, POSITIVE, check_batch, check_count, check_decreasing, check_level,
                         check_real, check_scalars, check_table, check_values, shape_of)
from ..arrays import value_of
from ..weights import edm_preconditioning


def init_network(rng, dim, width=128, depth=3, *, energy=False, dtype=np.float64):
    """Random weights of a network, a flat list of arrays [W_1, b_1, ..., W_out, b_out].

    The last layer starts at zero, so the first score is that of N(0, (sigma_data^2 + sigma^2) I).

    rng     NumPy Generator
    dim     D, features of the data
    width   units per hidden layer
    depth   number of hidden layers
    energy  one output, phi, in place of the D outputs F
    dtype   of all weights, and so of the scores of data of that dtype
    Raises ValueError for counts below one.

    >>> [p.shape for p in init_network(np.random.default_rng(0), 2, width=5, depth=1)]
    [(18, 5), (5,), (5, 2), (2,)]
    """
    *hidden, last_W, last_b = network_shapes(dim, width, depth, energy=energy)
    params = []
    for (n, m), bias in zip(hidden[::2], hidden[1::2]):
        params += [(rng.standard_normal((n, m)) / n**0.5).astype(dtype), np.zeros(bias, dtype)]
    return [*params, np.zeros(last_W, dtype), np.zeros(last_b, dtype)]


def network_shapes(dim, width, depth, *, energy=False):
    """The shapes of a network's arrays, [W_1, b_1, ..., W_out, b_out]; arguments of `init_network`.

    >>> network_shapes(2, 5, 1)
    [(18, 5), (5,), (5, 2), (2,)]
    """
    check_count(1, dim=dim, width=width, depth=depth)
    dim, width, depth = int(dim), int(width), int(depth)           # NumPy's may be of eight bits
    sizes = [dim + 2 * FREQUENCIES, *[width] * depth, 1 if energy else dim]
    return [shape for n, m in zip(sizes[:-1], sizes[1:]) for shape in ((n, m), (m,))]


def noise_features(x, c_noise):
    """cos and sin of the harmonics of c_noise, one row per sample, (B, 2 FREQUENCIES)."""
    angles = c_noise * harmonics(x)                                              # (K,) or (B, K)
    waves = np.concatenate([np.cos(angles), np.sin(angles)], axis=-1)
    return waves if np.ndim(waves) == 2 else np.broadcast_to(waves, (len(x), 2 * FREQUENCIES))


def hidden(params, h):
    """The hidden layers, (B, n) -> (B, width): tanh, with skips from the second on."""
    h = dense_tanh(h, *params[:2])
    for i in range(2, len(params) - 2, 2):
        h = skip_layer(h, *params[i:i + 2])
    return h


def skip_layer(h, W, b):
    """h + tanh(h W + b), (B, n) -> (B, n).  [AD-2]"""
    fused = None if isbox(h) else kernel("skip_and_tanh", h, W, b)     # no gradient is wanted
    return fused(h, h @ W, b) if fused else h + dense_tanh(h, W, b)


def forward(params, h):
    """The raw network, (B, n) -> (B, m): hidden layers, then affine."""
    return dense(hidden(params, h), *params[-2:])


def score_network(params, x, sigma, sigma_data):
    """The score s(x, sigma), shape (B, D), of a network with D outputs.  [NET-1]

    params      weights of `init_network`
    x           noisy data (B, D)
    sigma       standard deviation of its noise: positive, a scalar or (B, 1)
    sigma_data  standard deviation of the clean data: positive
    Raises ValueError for other shapes, levels <= 0 and values that are not finite.

    >>> score_network(init_network(np.random.default_rng(0), 1), np.array([[5.0]]), 2.0, 1.0)
    array([[-1.]])
    """
    check_network(params, x, sigma, sigma_data, energy=False)
    return preconditioned(params, x, sigma, sigma_data, energy=False)


def energy_network(params, x, sigma, sigma_data):
    """The score s = -grad E, shape (B, D), of a network with one output.  [SCORE-2] [NET-2]

        E(x, sigma) = c_in^2 |x|^2 / 2 - (sigma_data / sigma) phi(c_in x, c_noise)

    params      weights of `init_network` with energy=True
    x           noisy data (B, D)
    sigma       standard deviation of its noise: positive, a scalar or (B, 1)
    sigma_data  standard deviation of the clean data: positive
    Raises ValueError for other shapes, levels <= 0 and values that are not finite.

    >>> params = init_network(np.random.default_rng(0), 1, energy=True)
    >>> energy_network(params, np.array([[5.0]]), 2.0, 1.0)
    array([[-1.]])
    """
    check_network(params, x, sigma, sigma_data, energy=True)
    return preconditioned(params, x, sigma, sigma_data, energy=True)


def check_network(params, x, sigma, sigma_data, *, energy):
    """x (B, D); sigma positive, a scalar or (B, 1); sigma_data positive; outputs one or D."""
    check_batch(x=x)
    outputs = (1 if energy else np.shape(x)[1],)
    if not params or np.shape(params[-1]) != outputs:
        raise ValueError(f"params must end in a bias of shape {outputs}, got "
                         f"{[np.shape(p) for p in params[-1:]]}: energy must be as in init_network")
    check_level(x, POSITIVE, sigma=sigma)
    check_scalars(POSITIVE, sigma_data=sigma_data)
    if energy:
        check_real(x=x, sigma=sigma, sigma_data=sigma_data)


def preconditioned(params, x, sigma, sigma_data, *, energy, center=0.0):
    """The score -c_in^2 y + (sigma_data c_in / sigma) F(c_in y, c_noise), (B, D), at y = x - center

    F is the raw network, or with an energy the gradient of its one output.
    """
    dim = np.shape(x)[1]
    if kernel("score", x, sigma, center, value_of(params[-1])):             # on a device
        h = network_input(x, center, sigma, sigma_data)
        F, bias = (gradient_of_phi(params, h)[:, :dim], 0.0) if energy else \
            (product(hidden(params, h), params[-2]), params[-1])
        return network_score(x, F, bias, center, sigma, sigma_data)
    y = x if type(center) is float else x - center
    _, _, c_in, c_noise = edm_preconditioning(sigma, sigma_data)
    h = np.concatenate([c_in * y, noise_features(y, c_noise)], axis=1)
    F = gradient_of_phi(params, h)[:, :dim] if energy else forward(params, h)
    return -c_in**2 * y + (sigma_data * c_in / sigma) * F


def gradient_of_phi(params, h):
    """The gradient of the only output with respect to h, (B, n) -> (B, n)."""
    return grad(lambda h: np.sum(forward(params, h)))(h)


@dataclass(frozen=True)
class Model:
    """A trained network with all it takes to use it; `score` and `eps` go into the samplers.

    params      weights of `init_network`
    center      mean of the data (D,), taken off before the network sees x
    sigma_data  standard deviation of the data about its mean
    sigmas      noise levels that it was trained on (L,), decreasing
    energy      whether the score is minus the gradient of an energy
    form        the form of the data for whoever writes samples: a dict, or None
    """

    params: list
    center: np.ndarray
    sigma_data: float
    sigmas: np.ndarray
    energy: bool = False
    form: dict | None = None

    @property
    def dim(self):
        """D, features of the data."""
        return len(self.center)

    def moved(self, move):
        """The same model where `move`, such as `asarray` of a backend, puts its arrays."""
        return replace(self, params=[move(p) for p in self.params], center=move(self.center))

    def score(self, x, sigma):
        """The score of q_sigma at x, (B, D) -> (B, D); sigma a scalar or (B, 1)."""
        if shape_of("x", x)[1:] != (self.dim,):
            raise ValueError(f"x must have shape (B, D) with D = {self.dim}, "
                             f"got shape {np.shape(x)}")
        check_network(self.params, x, sigma, self.sigma_data, energy=self.energy)
        return preconditioned(self.params, x, sigma, self.sigma_data, energy=self.energy,
                              center=self.center)

    def eps(self, x, sigma):
        """The noise in x = x_0 + sigma eps, (B, D) -> (B, D): -sigma times the score.  [EQV-1]"""
        return eps_from_score(self.score(x, sigma), sigma)


def check_model(model):
    """A model is one that training can give: its shapes, dtypes and values fit each other."""
    params, center = model.params, model.center
    if type(model.energy) is not bool:
        raise ValueError(f"energy must be True or False, got {model.energy!r}")
    if not (model.form is None or isinstance(model.form, dict)):
        raise ValueError(f"form must be a dict or None, got {model.form!r}")
    check_scalars(POSITIVE, sigma_data=model.sigma_data)
    check_decreasing(POSITIVE, sigmas=model.sigmas)
    check_table(FINITE, center=center)
    check_values(FINITE, **{f"param_{i}": p for i, p in enumerate(params)})
    shapes = [np.shape(p) for p in params]
    width = shapes[0][-1] if len(shapes) >= 4 and shapes[0] else 1
    required = network_shapes(len(center), width, max(len(params) // 2 - 1, 1), energy=model.energy)
    if shapes != required:
        raise ValueError(f"params must have shapes {required}, got {shapes}")
    dtypes = {str(a.dtype) for a in params}
    if len(dtypes) != 1 or not dtypes <= {"float32", "float64"}:
        raise ValueError("params must be all float32 or all float64, "
                         f"got {', '.join(sorted(dtypes))}")
