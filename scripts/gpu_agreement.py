"""The same numbers on the CPU and on the GPU: a table of the largest differences.

    python scripts/gpu_agreement.py [FILE.json] [small]

Differences are relative to the largest number of a result; random numbers are NumPy's on both
sides.
Exit 1 if a row is beyond its bound, has another dtype or ends in an error.
"""

import json
import sys
import time

import autograd.numpy as anp
import numpy as np
from autograd import grad

import refsgm
from refsgm.learn.autodiff import value_and_grad
from refsgm.learn.generate import SAMPLERS, generate
from refsgm.learn.training import OBJECTIVES, Settings, start, training_steps

BOUND = {"float64": 1e-10, "float32": 5e-4}
SMALL = "small" in sys.argv
gpu, rows = refsgm.backend("cupy"), []


class SameNumbers:
    """NumPy's generator, whose arrays are moved."""

    def __init__(self, move, seed=0):
        self.rng, self.move = np.random.default_rng(seed), move

    def standard_normal(self, size=None, dtype=np.float64):
        return self.move(self.rng.standard_normal(size, dtype))

    def random(self, size=None):
        return self.move(self.rng.random(size))

    def integers(self, low, high=None, size=None):
        return self.move(self.rng.integers(low, high, size))


def host(a):
    """The arrays and numbers of a nested list, as a flat list of NumPy's."""
    if isinstance(a, (list, tuple)):
        return [b for part in a for b in host(part)]
    return [np.asarray(a.get() if hasattr(a, "get") else a)]


def compare(name, dtype, f):
    """One row of the table: f(move) -> arrays, once where NumPy is and once on the GPU."""
    begun = time.perf_counter()
    try:
        here, there = (host(f(move)) for move in (lambda a: a, gpu.asarray))
        off = np.max([np.max(np.abs(a - b)) / max(float(np.max(np.abs(a))), 1e-30)
                      for a, b in zip(here, there, strict=True)])
        same_type = all(a.dtype == b.dtype for a, b in zip(here, there) if a.ndim)
        good, words = off <= BOUND[dtype] and same_type, f"{off:.1e}"
        words += "" if same_type else ", another dtype"
    except Exception as error:                                            # a row, not the end
        good, words = False, f"{type(error).__name__}: {str(error).splitlines()[0][:90]}"
    rows.append({"what": name, "dtype": dtype, "off": words, "good": good})
    print(f"{'ok  ' if good else 'FAIL'} {name:42} {dtype}  {words}  "
          f"{time.perf_counter() - begun:.1f} s")


def gradients(name, energy, dtype):
    """Loss and gradients of an objective with respect to the weights."""
    def f(move):
        rng = np.random.default_rng(1)
        params = refsgm.init_network(rng, 8, 64, 3, energy=energy, dtype=dtype)
        params[-2] = (rng.standard_normal(params[-2].shape) / 8).astype(dtype)
        batch = (rng.standard_normal((64, 8)), np.exp(rng.standard_normal((64, 1))),
                 rng.standard_normal((64, 8)), np.sign(rng.standard_normal((64, 8))))
        network = refsgm.energy_network if energy else refsgm.score_network

        def loss(params, *batch):
            return anp.mean(OBJECTIVES[name](lambda x, s: network(params, x, s, 0.7), *batch))
        value, gradients = value_and_grad(loss)([move(p) for p in params],
                                                *(move(a.astype(dtype)) for a in batch))
        return [value, *gradients]
    return f


def run(name, energy, steps):
    """Losses and weights of a run."""
    def f(move):
        x = move(np.random.default_rng(0).standard_normal((500, 2)))
        settings = Settings(objective=name, energy=energy, n_steps=steps, width=32, batch_size=64,
                            dtype="float64", noise="numpy")
        state = start(x, settings)
        for _ in training_steps(x, settings, state):
            pass
        return [state.losses, state.weights, state.average]
    return f


def sampler(name, dtype):
    """The last state of a sampler on a model that was trained for a moment."""
    def f(move):
        x = np.random.default_rng(0).standard_normal((200, 2))
        model = refsgm.train(x, n_steps=30, width=16, dtype=dtype).moved(move)
        *_, x = generate(model, 50, SameNumbers(move), name, n_steps=20, steps_per_level=3, eta=0.5)
        return [x]
    return f


def distribution(method, dtype):
    """A method of a Gaussian mixture and of noisy data."""
    def f(move):
        rng = np.random.default_rng(0)
        A = rng.standard_normal((3, 4, 4))
        put = lambda a: move(a.astype(dtype))  # noqa: E731
        p = refsgm.GaussianMixture(put(np.array([0.25, 0.25, 0.5])),
                                   put(rng.standard_normal((3, 4))),
                                   put(A @ np.swapaxes(A, 1, 2) + np.eye(4)))
        q = refsgm.Empirical(put(rng.standard_normal((50, 4))), 0.5)
        x = put(rng.standard_normal((20, 4)))
        if method == "sample":
            return [law.sample(30, SameNumbers(move)) for law in (p, q)]
        if method == "gradient of log_density":
            return [grad(lambda x, law=law: anp.sum(law.log_density(x)))(x) for law in (p, q)]
        args = (x, 0.5, 0.9) if method.startswith("denoise") else (x,)
        return [getattr(law, method)(*args) for law in (p, q)]
    return f


def mixture(sigma, dtype, K=500 if SMALL else 5000, B=300, D=32):
    """The score of a mixture by matrix products."""
    def f(move):
        rng = np.random.default_rng(0)
        means = rng.standard_normal((K, D)).astype(dtype)
        x = (means[:B] + sigma * rng.standard_normal((B, D))).astype(dtype)
        return [refsgm.mixture_score(move(x), move(np.full(K, 1 / K, dtype)), move(means), sigma)]
    return f


def likelihood(move):
    """The log likelihood under a Gaussian's score."""
    x = move(np.random.default_rng(0).standard_normal((20, 3)))
    return [refsgm.log_likelihood(lambda x, sigma: -x / (1 + sigma**2), x, 0.01, 20.0)]


def laws(move):
    """Laws of samplers, exactly, and a closed form of a loss."""
    rng = np.random.default_rng(0)
    A = move(rng.standard_normal((3, 3)))
    p = refsgm.Gaussian(move(np.ones(3)), move(np.diag([1.0, 2.0, 0.5])))
    mean, cov = refsgm.sampler_law(lambda x, rng: refsgm.langevin(lambda x: -x, x, 0.1, 5, rng),
                                   move(np.ones(3)), move(np.eye(3)))
    line = refsgm.langevin_law(lambda x: -x, move(np.ones((1, 1))), move(np.ones(1)), 0.3, 3)
    return [mean, cov, line.means, line.weights,
            refsgm.affine_implicit_score_matching(A, move(np.ones(3)), p),
            refsgm.affine_denoising_score_matching(A, move(np.ones(3)), p, 0.7)]


for dtype in ("float64", "float32"):
    for name in OBJECTIVES:
        for energy in (False, True):
            words = f"{name}{', energy' * energy}: loss, gradients"
            compare(words, dtype, gradients(name, energy, dtype))
    for name in SAMPLERS:
        compare(f"sampler {name}", dtype, sampler(name, dtype))
    for method in ("log_density", "score", "score_jacobian", "denoise", "denoise_cov", "sample",
                   "gradient of log_density"):
        compare(f"distributions: {method}", dtype, distribution(method, dtype))
    for sigma in (1.0, 0.05):
        compare(f"mixture score by products, sigma {sigma}", dtype, mixture(sigma, dtype))
for name in OBJECTIVES:
    for energy in (False, True):
        words = f"{name}{', energy' * energy}: 20 steps of training"
        compare(words, "float64", run(name, energy, 20))
compare("log likelihood", "float64", likelihood)
compare("laws of samplers, closed forms", "float64", laws)
bad = sum(not row["good"] for row in rows)
print(f"{len(rows) - bad} of {len(rows)} rows agree")
for path in sys.argv[1:]:
    if path.endswith(".json"):
        with open(path, "w") as file:
            json.dump(rows, file, indent=1)
sys.exit(bad > 0)
