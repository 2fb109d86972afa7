"""What the tests share: tolerances with their reasons, random inputs, quadrature, the complex step.

Tests call `refsgm.NAME`, so that `test_controls.py` can put a mutant in the place of a function and
see the law go red.
"""

import itertools
import math

import numpy as np
from hypothesis import strategies as st

import refsgm

EXACT = {"rtol": 1e-12, "atol": 1e-12}         # the same number by another route: rounding alone
AUTODIFF = {"rtol": 1e-10, "atol": 1e-10}      # derivatives: rounding after a few operations
QUADRATURE = {"rtol": 1e-9, "atol": 1e-9}      # integrals: the nodes resolve the integrand to this
STANDARD_ERRORS = 5                            # sampled: false alarm once in 1.7 million

# Hypothesis draws seeds, shapes and noise levels; NumPy makes the arrays from them.
seeds = st.integers(0, 2**32 - 1)
shapes = (st.sampled_from([(1, 1), (3, 3), (1, 4), (4, 1)])
          | st.tuples(st.integers(1, 5), st.integers(1, 5)))
sigmas = st.floats(-3, 3).map(lambda power: 10.0**power)
alpha_bars = st.floats(-6, 6).map(lambda logit: 1 / (1 + math.exp(-logit)))
betas = st.lists(st.floats(1e-4, 0.5), min_size=1, max_size=20).map(np.array)


def normal(seed, *shape):
    """Standard normal numbers."""
    return np.random.default_rng(seed).standard_normal(shape)


def gauss_hermite(order, dim=1):
    """Nodes (M, dim) and weights (M,) of the standard normal law."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(order)
    weights = weights / weights.sum()
    grid = np.array(list(itertools.product(nodes, repeat=dim)))
    return grid, np.prod(list(itertools.product(weights, repeat=dim)), axis=1)


def noisy_points(points, order):
    """Nodes x, eps and their weights for x + sigma eps, x uniform on `points` (N, D)."""
    eps, w = gauss_hermite(order, points.shape[1])
    x = np.repeat(points, len(eps), axis=0)
    return x, np.tile(eps, (len(points), 1)), np.tile(w, len(points)) / len(points)


def complex_step(f, x):
    """The Jacobian d f_i / d x_j of a function of one row, (..., D), exact to rounding."""
    h = 1e-30
    columns = [np.imag(f(x + 1j * h * e)) / h for e in np.eye(x.shape[-1])]
    return np.stack(columns, axis=-1)


def cubic_score(D, seed=0):
    """A score with a full, x-dependent Jacobian: x -> A x + b - c x^3, from operators alone."""
    rng = np.random.default_rng(seed)
    A, b = rng.standard_normal((D, D)) - 2 * np.eye(D), rng.standard_normal(D)
    return lambda x: x @ A + b - 0.1 * x**3


def conditional_score(D, seed=0):
    """A score function of (x, sigma) with a full Jacobian."""
    s = cubic_score(D, seed)
    return lambda x, sigma: s(x) / (1 + sigma)


def observed_order(error_of, steps):
    """Slope of log error against log of the step size, for the numbers of steps given."""
    errors = [error_of(n) for n in steps]
    return -np.polyfit(np.log(steps), np.log(errors), 1)[0]


def points_mixture(points, sigma):
    """Arguments of refsgm.mixture_* for the law of x + sigma eps, x uniform on `points`."""
    return np.full(len(points), 1 / len(points)), points, sigma


def public(name):
    """A public function by name, looked up at the time of the call."""
    return getattr(refsgm, name)
