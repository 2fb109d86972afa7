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

from . import labels
from .autodiff import dense, dense_tanh, skip_and_tanh
from .fused import FREQUENCIES, harmonics, network_input, network_score, product
from .kernels import kernel
from .tape import untaped
from ..equivalence import eps_from_score
from ..arguments import (FINITE, NONNEGATIVE, POSITIVE, check_batch, check_count, check_decreasing,
                         check_level, check_real, check_scalars, check_table, check_values,
                         shape_of)
from ..arrays import beside, value_of
from ..parametrisations.guidance import classifier_free_guidance
from ..weights import edm_preconditioning


def init_network(rng, dim, width=128, depth=3, *, energy=False, dtype=np.float64, n_labels=0):
    """Random weights of a network, a flat list of arrays [W_1, b_1, ..., W_out, b_out].

    The last layer starts at zero, so the first score is that of N(0, (sigma_data^2 + sigma^2) I).

    rng       NumPy Generator
    dim       D, features of the data
    width     units per hidden layer
    depth     number of hidden layers
    energy    one output, phi, in place of the D outputs F
    dtype     of all weights, and so of the scores of data of that dtype
    n_labels  inputs for the class of a sample, one per class
    Raises ValueError for counts below one.

    >>> [p.shape for p in init_network(np.random.default_rng(0), 2, width=5, depth=1)]
    [(18, 5), (5,), (5, 2), (2,)]
    """
    *hidden, last_W, last_b = network_shapes(dim, width, depth, energy=energy, n_labels=n_labels)
    params = []
    for (n, m), bias in zip(hidden[::2], hidden[1::2]):
        params += [(rng.standard_normal((n, m)) / n**0.5).astype(dtype), np.zeros(bias, dtype)]
    return [*params, np.zeros(last_W, dtype), np.zeros(last_b, dtype)]


def network_shapes(dim, width, depth, *, energy=False, n_labels=0):
    """The shapes of a network's arrays, [W_1, b_1, ..., W_out, b_out]; arguments of `init_network`.

    >>> network_shapes(2, 5, 1)
    [(18, 5), (5,), (5, 2), (2,)]
    """
    check_count(1, dim=dim, width=width, depth=depth)
    dim, width, depth = int(dim), int(width), int(depth)           # NumPy's may be of eight bits
    sizes = [dim + 2 * FREQUENCIES + n_labels, *[width] * depth, 1 if energy else dim]
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
    if any(isbox(untaped(a)) for a in (h, W, b)):                           # a gradient is wanted
        return h + dense_tanh(h, W, b)
    return skip_and_tanh(h, W, b)


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


def check_network(params, x, sigma, sigma_data, *, energy, n_labels=0):
    """x (B, D); sigma positive, a scalar or (B, 1); sigma_data positive; outputs one or D."""
    check_batch(x=x)
    outputs = (1 if energy else np.shape(x)[1],)
    if not params or np.shape(params[-1]) != outputs:
        raise ValueError(f"params must end in a bias of shape {outputs} for x of shape "
                         f"{np.shape(x)}, got {[np.shape(p) for p in params[-1:]]}: energy must be "
                         "as in init_network")
    if np.shape(params[0])[:1] != (np.shape(x)[1] + 2 * FREQUENCIES + n_labels,):
        raise ValueError(f"params must be those of a network for x with D = {np.shape(x)[1]}, got "
                         f"a first layer of shape {np.shape(params[0])}")
    check_level(x, POSITIVE, sigma=sigma)
    check_scalars(POSITIVE, sigma_data=sigma_data)
    if energy:
        check_real(x=x, sigma=sigma, sigma_data=sigma_data)


def preconditioned(params, x, sigma, sigma_data, *, energy, center=0.0, label=None):
    """The score -c_in^2 y + (sigma_data c_in / sigma) F(c_in y, c_noise), (B, D), at y = x - center

    F is the raw network, or with an energy the gradient of its one output. A label is one-hot,
    (B, K) or (1, K), and is a last input of F.
    """
    dim = np.shape(x)[1]
    if kernel("score", x, untaped(sigma), untaped(center), value_of(params[-1])):
        h = beside_label(network_input(x, center, sigma, sigma_data), label)
        F, bias = (gradient_of_phi(params, h)[:, :dim], 0.0) if energy else \
            (product(hidden(params, h), params[-2]), params[-1])
        return network_score(x, F, bias, center, sigma, sigma_data)
    y = x if type(center) is float else x - center
    _, _, c_in, c_noise = edm_preconditioning(sigma, sigma_data)
    h = beside_label(np.concatenate([c_in * y, noise_features(y, c_noise)], axis=1), label)
    F = gradient_of_phi(params, h)[:, :dim] if energy else forward(params, h)
    return -c_in**2 * y + (sigma_data * c_in / sigma) * F


def beside_label(h, label):
    """The input of the raw network with its label, (B, n) and (B, K) or (1, K) -> (B, n + K)."""
    if label is None:
        return h
    if np.shape(label)[0] != np.shape(h)[0]:
        label = np.broadcast_to(label, (len(h), np.shape(label)[1]))
    return np.concatenate([h, label], axis=1)


def gradient_of_phi(params, h):
    """The gradient of the only output with respect to h, (B, n) -> (B, n)."""
    return grad(lambda h: np.sum(forward(params, h)))(h)


@dataclass(frozen=True, repr=False)
class Model:
    """A trained network with all it takes to use it; `score` and `eps` go into the samplers.

    params      weights of `init_network`
    center      mean of the data (D,), taken off before the network sees x
    sigma_data  standard deviation of the data about its mean
    sigmas      noise levels that it was trained on (L,), decreasing
    energy      whether the score is minus the gradient of an energy
    form        the form of the data for whoever writes samples: a dict, or None
    classes     the labels that it was trained with, integers or words; () for none
    history     settings and losses of the run that made it: a dict, or None
    label       one-hot of the class that `score` is given, see `of_class`; None for all classes
    guidance    scale of classifier-free guidance towards that class; 1 for none
    """

    params: list
    center: np.ndarray
    sigma_data: float
    sigmas: np.ndarray
    energy: bool = False
    form: dict | None = None
    classes: tuple = ()
    history: dict | None = None
    label: np.ndarray | None = None
    guidance: float = 1.0

    def __repr__(self):
        classes = f", {len(self.classes)} classes" if self.classes else ""
        return (f"<Model of dimension {self.dim}{classes}: {sum(map(np.size, self.params))} "
                f"weights, {len(self.sigmas)} levels from {float(self.sigmas[0]):.4g} to "
                f"{float(self.sigmas[-1]):.4g}>")

    @property
    def dim(self):
        """D, features of the data."""
        return len(self.center)

    def moved(self, move):
        """The same model where `move`, such as `asarray` of a backend, puts its arrays."""
        return replace(self, params=[move(p) for p in self.params], center=move(self.center))

    def of_class(self, label, guidance=1.0):
        """The model of one class: its score is s(x, sigma | label), guided.  [GUIDE-1]

            s(x, sigma) + guidance (s(x, sigma | label) - s(x, sigma))

        label     one of `classes`, or one for each row of x (B,)
        guidance  1 for none, more for samples that are more typical of their class; w = guidance
                  - 1 in papers that write (1 + w) s(x | label) - w s(x)
        Raises ValueError for a label that is none of the classes.
        """
        check_scalars(NONNEGATIVE, guidance=guidance)
        return replace(self, label=labels.asked(label, self), guidance=float(guidance))

    def score(self, x, sigma):
        """The score of q_sigma at x, (B, D) -> (B, D); sigma a scalar or (B, 1)."""
        if shape_of("x", x)[1:] != (self.dim,):
            raise ValueError(f"x must have shape (B, D) with D = {self.dim}, "
                             f"got shape {np.shape(x)}")
        check_network(self.params, x, sigma, self.sigma_data, energy=self.energy,
                      n_labels=len(self.classes))
        if self.label is not None:
            check_rows(self.label, x)
        if self.label is None or self.guidance == 1:
            return self.score_given(x, sigma, self.label)
        return classifier_free_guidance(self.score_given(x, sigma, self.label),
                                        self.score_given(x, sigma, None), self.guidance)

    def score_given(self, x, sigma, label):
        """The score for a one-hot label, or for all classes together if it is None."""
        if label is None and self.classes:
            label = beside(np.zeros((1, len(self.classes)), self.center.dtype), x)
        return preconditioned(self.params, x, sigma, self.sigma_data, energy=self.energy,
                              center=self.center, label=label)

    def eps(self, x, sigma):
        """The noise in x = x_0 + sigma eps, (B, D) -> (B, D): -sigma times the score.  [EQV-1]"""
        return eps_from_score(self.score(x, sigma), sigma)

    def sample(self, n, *, label=None, guidance=1.0, sampler="annealed-langevin", seed=0,
               n_steps=None, steps_per_level=None, step_size=None, eta=None):
        """n samples, NumPy's, in the shape, range and number type of the data.

        label     a class, or one for each sample (n,); all classes together if left out
        guidance  see `of_class`
        sampler   one of annealed-langevin, langevin, ddpm, ddim, euler, heun, reverse-sde,
                  ancestral
        seed      of start and noise
        n_steps, steps_per_level, step_size, eta   those of `refsgm.learn.generate.generate` that
                  the sampler has a use for
        Raises ValueError for other samplers, options without a use and samples that run away.
        """
        from .generate import drawn
        given = {"n_steps": n_steps, "steps_per_level": steps_per_level, "step_size": step_size,
                 "eta": eta}
        return drawn(self, n, label, guidance, sampler, seed,
                     {name: value for name, value in given.items() if value is not None})


def check_rows(label, x):
    """A one-hot label is one for all rows of x, or one for each."""
    if len(label) not in (1, len(x)):
        raise ValueError(f"label must be one class, or one for each of the {len(x)} rows of x, "
                         f"got {len(label)}")


def check_model(model):
    """A model is one that training can give: its shapes, dtypes and values fit each other."""
    params, center = model.params, model.center
    if type(model.energy) is not bool:
        raise ValueError(f"energy must be True or False, got {model.energy!r}")
    for name in ("form", "history"):
        if not isinstance(getattr(model, name), (dict, type(None))):
            raise ValueError(f"{name} must be a dict or None, got {getattr(model, name)!r}")
    labels.check_classes(model.classes)
    check_scalars(POSITIVE, sigma_data=model.sigma_data)
    check_decreasing(POSITIVE, sigmas=model.sigmas)
    check_table(FINITE, center=center)
    check_values(FINITE, **{f"param_{i}": p for i, p in enumerate(params)})
    shapes = [np.shape(p) for p in params]
    width = shapes[0][-1] if len(shapes) >= 4 and shapes[0] else 1
    required = network_shapes(len(center), width, max(len(params) // 2 - 1, 1), energy=model.energy,
                              n_labels=len(model.classes))
    if shapes != required:
        raise ValueError(f"params must have shapes {required}, got {shapes}")
    dtypes = {str(a.dtype) for a in params}
    if len(dtypes) != 1 or not dtypes <= {"float32", "float64"}:
        raise ValueError("params must be all float32 or all float64, "
                         f"got {', '.join(sorted(dtypes))}")
