"""One valid call of every public function, for the properties that all of them have.

The arguments of a kind follow from their names; those of all else are written here.
Each entry builds its arguments from an `Inputs`, whose arrays are float64 and random:
x, y, z, w (B, D); column(low, high) a noise level per row, (B, 1), or one number for all rows.
"""

import autograd.numpy as anp
import numpy as np

import refsgm
from refsgm.oracle.kinds import (BATCH, DATA, FUNCTIONS, KINDS, LEVEL, LOSS, ROWS, STATES, TABLE)

B, D, L, K, M, T = 5, 3, 4, 6, 2, 7                 # all different, so axes can be told apart


class Inputs:
    """Random arguments; `per_row` chooses noise levels of shape (B, 1) instead of numbers."""

    def __init__(self, seed=0, per_row=True):
        self.rng, self.per_row = np.random.default_rng(seed), per_row
        self.x, self.y, self.z, self.w = self.rng.standard_normal((4, B, D))
        self.v = self.rng.standard_normal((M, B, D))
        self.eps_levels = self.rng.standard_normal((L, B, D))
        self.weights = np.full(K, 1 / K)
        self.means = self.rng.standard_normal((K, D))
        self.sigmas = np.geomspace(3.0, 0.5, L)
        self.alpha_bar = np.linspace(1.0, 0.1, T + 1)

    def column(self, low, high):
        values = self.rng.uniform(low, high, (B, 1))
        return values if self.per_row else float(values[0, 0])


def score(x, sigma=1.0):
    """A score function that acts on each row alone, in the dtype of x, from operators alone."""
    return -x / (1 + sigma) + anp.sin(x) * anp.sum(x, axis=1, keepdims=True)


def last(states):
    """The last state of a loop."""
    *_, state = states
    return state


def seeded():
    return np.random.default_rng(11)


# What an argument is, by its name: the range of a noise level, or what is given for a number or a
# table. Data are x, y, z, w, in this order.
RANGES = {
    "sigma": (0.5, 2), "sigma_t": (1, 2), "sigma_s": (0.1, 0.9), "sigma_to": (1, 2),
    "sigma_from": (0.1, 0.9), "sigma_max": (0.5, 2), "alpha_bar": (0.1, 0.9),
    "alpha_bar_t": (0.1, 0.4), "alpha_bar_s": (0.5, 0.9), "scale": (0.5, 1),
    "scale_rate": (-1, -0.1), "sigma_rate": (0.1, 1), "t": (0.5, 1), "s": (0, 0.4), "g": (0.5, 2),
    "beta": (0.5, 2), "step_size": (0.1, 0.5), "z": (-2, 2),
}
GIVEN = {
    "sigma_data": 0.7, "eta": 0.6, "gamma": 5.0, "shift": 3.0, "step": 0.1, "step_size": 0.1,
    "sigma_min": 0.5, "sigma_max": 3.0, "prediction": "v", "n_levels": L, "n_steps": T,
    "steps_per_level": 2,
}


def valid(kind):
    """A function of an Inputs: the arguments that a kind requires, as their names say."""
    def arguments(inputs):
        data = iter([inputs.x, inputs.y, inputs.z, inputs.w])
        tables = {"alpha_bar": inputs.alpha_bar, "betas": 1 - inputs.alpha_bar[1:],
                  "sigmas": inputs.sigmas, "weights": inputs.weights, "means": inputs.means}

        def given(name):
            if name in FUNCTIONS:
                return score
            if kind.is_level(name):
                return inputs.column(*RANGES[name])
            if kind.sliced and name == "v":
                return inputs.v
            if name in DATA:
                return next(data)
            if name == "rng":
                return seeded()
            return tables[name] if name in tables else GIVEN[name]
        return tuple(given(name) for name in kind.args[:kind.required])
    return arguments


KINDS_BY_ROW = [kind for kind in KINDS.values() if not kind.adaptive
                and kind.form in (BATCH, ROWS, LOSS, LEVEL) and kind.name != "bits_per_dimension"]
# name -> (function of an Inputs that gives the arguments)
CALLS = {kind.name: valid(kind) for kind in KINDS_BY_ROW} | {
    "sliced_score_matching_vr": lambda i: (score, i.x, i.y),
    "noise_conditional_score_matching": lambda i: (score, i.x, i.sigmas, i.eps_levels)}

GAUSSIAN = refsgm.Gaussian(np.ones(D), np.eye(D))

# Functions of tables and loops: called, but not row by row.
TABLES = {kind.name: valid(kind) for kind in KINDS.values() if kind.form == TABLE} | {
    "log_likelihood": lambda i: (score, i.x, 0.5, 2.0),
    "probability_flow": lambda i: (score, i.x, 0.5, 2.0),
    "bits_per_dimension": lambda i: (i.x[:, 0], D),
    "expected": lambda i: (lambda x: anp.sum(x, axis=1), GAUSSIAN, 3),
    "expected_over_noise": lambda i: (lambda x, eps: anp.sum(x * eps, axis=1), GAUSSIAN, 0.5, 3),
    "sampler_law": lambda i: (lambda x, rng: refsgm.langevin(lambda x: -x, x, 0.1, 2, rng),
                              i.x[0], np.eye(D)),
    "convergence_order": lambda i: (lambda s, x, sigmas, rng: refsgm.probability_flow_sampler(
        s, x, sigmas), GAUSSIAN, lambda n: refsgm.geometric_sigmas(3.0, 0.5, n + 1), [2, 3, 4]),
    "langevin_law": lambda i: (lambda x: -x, i.x[:1, :1], np.ones(1), 0.3, 3),
    "annealed_langevin_law": lambda i: (lambda x, sigma: -x, i.x[:1, :1], np.ones(1), i.sigmas, 3,
                                        0.1),
    "affine_explicit_score_matching": lambda i: (i.x[:D], i.y[0], GAUSSIAN),
    "affine_implicit_score_matching": lambda i: (i.x[:D], i.y[0], GAUSSIAN),
    "affine_denoising_score_matching": lambda i: (i.x[:D], i.y[0], GAUSSIAN, 0.7),
    "affine_noise_conditional_score_matching": lambda i: (
        i.eps_levels[:, :D], i.eps_levels[:, 0], GAUSSIAN, i.sigmas),
    "affine_noise_prediction_loss": lambda i: (i.x[:D], i.y[0], GAUSSIAN, 0.7),
    "affine_sliced_variance": lambda i: (i.x[:D], i.y[0], GAUSSIAN),
    "affine_sliced_variance_vr": lambda i: (i.x[:D], i.y[0], GAUSSIAN),
    "score_of": lambda i: (lambda x: -anp.sum(x**2, axis=1),),
}
LOOPS = {kind.name: valid(kind) for kind in KINDS.values() if kind.form == STATES} | {
    "langevin": lambda i: (score, i.x, 0.1, 2, seeded())}


def call(name, args):
    """The results of a call, as a tuple of arrays; of a loop, the last state."""
    result = getattr(refsgm, name)(*args)
    result = last(result) if name in LOOPS else result
    return result if isinstance(result, tuple) else (result,)
