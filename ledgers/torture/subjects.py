"""What is fuzzed: every public function, and every method of the distributions and of models."""

import inspect

import autograd.numpy as anp
import numpy as np

import refsgm
from tests.support.calls import CALLS, GAUSSIAN, LOOPS, TABLES, D, score



def smooth(x, sigma=1.0):
    """A score function whose values and slopes are at most of the size of x."""
    return -x / (1 + sigma) + anp.tanh(x) * anp.sum(anp.tanh(x), axis=1, keepdims=True)


SLOW = {"log_likelihood", "probability_flow", "convergence_order", "langevin_law", "train",
        "annealed_langevin_law", "sampler_law"}
# SciPy and LAPACK have no 80-bit numbers
NARROW = {"log_likelihood", "probability_flow", "langevin_law", "annealed_langevin_law",
          "sampler_law", "convergence_order"}
MIXTURE = refsgm.GaussianMixture(np.array([0.25, 0.75]), np.array([[0.0] * D, [1.0] * D]),
                                 np.stack([np.eye(D), np.eye(D) + 0.5]))
POINTS = refsgm.Empirical(np.random.default_rng(0).standard_normal((9, D)), 0.5)
def in_float32(p):
    """The same distribution, in float32."""
    return type(p)(*(a.astype(np.float32) for a in ((p.means[0], p.covs[0]) if isinstance(
        p, refsgm.Gaussian) else (p.weights, p.means, p.covs))))


DISTRIBUTIONS = (GAUSSIAN, MIXTURE, POINTS, in_float32(GAUSSIAN), in_float32(MIXTURE),
                 refsgm.Empirical(POINTS.points.astype(np.float32), 0.5))
PARAMS = refsgm.init_network(np.random.default_rng(0), D, 4, 2)
ENERGY = refsgm.init_network(np.random.default_rng(0), D, 4, 2, energy=True)
MODEL = refsgm.Model(PARAMS, np.zeros(D), 1.0, np.array([2.0, 1.0, 0.5]))


class Draws:
    """A generator whose draws are the same numbers in every dtype."""

    def __init__(self):
        self.rng = np.random.default_rng(11)

    def standard_normal(self, shape, dtype=np.float64):
        return self.rng.standard_normal(shape).astype(dtype)


class Subject:
    """A function with one right call for each `Inputs`.

    names   of its arguments, as its caller knows them
    weight  how often it is called, in comparison with others
    lifts   whether it can compute in 80 bits
    floor   size of the numbers whose differences it returns, see `sizes`
    eps     rounding of the numbers that it holds itself
    """

    def __init__(self, name, call, make):
        self.name, self.call, self.right_call = name, call, make
        self.names = [*inspect.signature(call).parameters]
        self.weight = 0.02 if name in SLOW else 1.0
        self.lifts = name not in NARROW
        self.floor = (1.0 if name.startswith(("expected", "affine", "sampler_law")) or
                      name.endswith(".denoise") else
                      1e-16 if name.endswith("denoise_cov") else 0.0)       # (eps x)^2 is lost
        self.eps, self.right = 2.3e-16, ()

    def make(self, inputs, dtype=np.float64):
        """The arguments of a right call, with arrays of this dtype."""
        return [smooth if a is score else Draws() if isinstance(a, np.random.Generator) else
                a.astype(dtype) if isinstance(a, np.ndarray) else a
                for a in self.right_call(inputs)]

    def sizes(self, values, args):
        """What a result's rounding is relative to: an array for each of the values.

        The entry itself, and where terms cancel their size: of a finite difference, |s| |v| / step;
        of a covariance, its largest entry; of a state of a loop, the largest of all.
        """
        floor, given = self.floor, dict(zip(self.names, args))
        if self.name.startswith("finite_difference"):
            x, v = (float(np.max(np.abs(given[name]))) for name in "xv")
            floor = (1 + x) * v / float(given["step"])                   # |s| is less than 1 + |x|
        if self.name.endswith("denoise_cov"):
            return [np.abs(v) + np.max(np.abs(v), axis=(-2, -1), keepdims=True) + floor
                    for v in values]
        if self.name in LOOPS:
            return [np.abs(v) + np.max(np.abs(v), initial=0.0) + floor for v in values]
        return [np.abs(v) + floor for v in values]

    def counts(self, i):
        """Whether the i-th argument is a count."""
        return type(self.right[i]) is int


def listed(name, make):
    """A public function of which tests/support has a right call."""
    return Subject(name, getattr(refsgm, name), make)


def method(of, name, make):
    """A method of a distribution or a model."""
    subject = Subject(f"{type(of).__name__}.{name}", getattr(of, name), make)
    if any(getattr(of, held).dtype == np.float32 for held in ("means", "points")
           if hasattr(of, held)):
        subject.eps = 1.2e-7
    return subject


def seeded_sample(p):
    return Subject(f"{type(p).__name__}.sample",
                   lambda n: p.sample(n, np.random.default_rng(0)), lambda i: (4,))


SUBJECTS = [
    *(listed(name, make) for name, make in (CALLS | TABLES | LOOPS).items()),
    Subject("Gaussian", refsgm.Gaussian, lambda i: (i.y[0], np.eye(D) + 0.3)),
    Subject("GaussianMixture", refsgm.GaussianMixture,
            lambda i: (i.weights, i.means, np.stack([np.eye(D) * (k + 1) for k in range(6)]))),
    Subject("Empirical", refsgm.Empirical, lambda i: (i.x, 0.5)),
    Subject("score_network", lambda x, sigma, sigma_data: refsgm.score_network(
        PARAMS, x, sigma, sigma_data), lambda i: (i.x, i.column(0.5, 2), 0.7)),
    Subject("energy_network", lambda x, sigma, sigma_data: refsgm.energy_network(
        ENERGY, x, sigma, sigma_data), lambda i: (i.x, i.column(0.5, 2), 0.7)),
    Subject("init_network", lambda dim, width, depth: refsgm.init_network(
        np.random.default_rng(0), dim, width, depth), lambda i: (2, 3, 1)),
    Subject("value_and_grad", lambda params: refsgm.value_and_grad(
        lambda params: anp.sum(params[0]**2))([params]), lambda i: (i.x,)),
    *(method(p, name, lambda i: (i.x,)) for p in DISTRIBUTIONS
      for name in ("log_density", "score", "score_jacobian")),
    *(method(p, name, lambda i: (i.x, i.column(0.5, 2), i.column(0.5, 1)))
      for p in DISTRIBUTIONS for name in ("denoise", "denoise_cov")),
    *(method(p, "perturb", lambda i: (0.5, 0.7)) for p in DISTRIBUTIONS),
    *(method(p, "quadrature", lambda i: (2,)) for p in DISTRIBUTIONS),
    *(seeded_sample(p) for p in DISTRIBUTIONS),
    method(MODEL, "score", lambda i: (i.x, i.column(0.5, 2))),
    method(MODEL, "eps", lambda i: (i.x, i.column(0.5, 2))),
]
