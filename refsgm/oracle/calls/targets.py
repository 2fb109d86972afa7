"""The two targets on which samplers are certified, as exact models on foreign arrays.

    p(x_0) = N(m, C),    score (a m - x) (a^2 C + b^2)^-1 of x = a x_0 + b eps: affine in x

The other is 0.6 N(m + d, S) + 0.4 N(m - d, S), whose score is not affine. Models are built from
operators alone, so that they run in every framework.
"""

import math

import numpy as np

MEAN, COV = np.array([1.0, -0.5]), np.array([[1.0, 0.6], [0.6, 0.8]])
VARIANCES, AXES = np.linalg.eigh(COV)
D = len(MEAN)
HALF, ODDS = np.array([0.9, 0.5]), 0.5 * math.log(0.6 / 0.4)   # d, half the log of the odds
NARROW = 0.5 * VARIANCES                                       # of S, along the same axes
SIGMA_DATA = 0.5                                               # of EDM's network F
PREDICTIONS = ("score", "eps", "x0", "v", "velocity", "F", "consistency")
E = math.e


def gaussian(asarray):
    """(x, a, b, what) -> its score, E[x_0 | x] or the end of its flow, for N(m, C)."""
    mean, variances, axes = (asarray(v) for v in (MEAN, VARIANCES, AXES))

    def truth(x, a, b, what):
        var = a**2 * variances + b**2
        factor = (-1 / var if what == "score" else a * variances / var if what == "x0"
                  else (variances / var)**0.5)
        y = x - a * mean
        if len(factor.shape) == 1:                                  # one level for all rows
            end = y @ (factor * axes @ axes.T)
        else:
            end = y @ axes * factor @ axes.T
        return end if what == "score" else mean + end
    return truth


def mixture(asarray, variances=NARROW, d=HALF @ AXES):
    """The same for the mixture, which has no closed form of the flow; d = 0 is a Gaussian.

    variances  of S, along the axes: (D,), or (B, D) for rows of their own, as is d
    """
    mean, variances, axes, d = (asarray(v) for v in (MEAN, variances, AXES, d))

    def truth(x, a, b, what):
        var = a**2 * variances + b**2
        y = (x - a * mean) @ axes
        w = a * d / var
        u = (y * w).sum(-1)[..., None] + ODDS
        t = 1 - 2 / (1 + E**(2 * u))                            # tanh u
        if what == "score":
            return (t * w - y / var) @ axes.T
        return mean + (t * d + a * variances / var * (y - a * t * d)) @ axes.T
    return truth


def side_by_side(asarray, rows, curved):
    """The Gaussian, and in the last `curved` of its rows the mixture: one run tells of both.

    A batch may come several times over; of another size it raises ValueError.
    """
    models = {}

    def truth(x, a, b, what):
        times, rest = divmod(len(x), rows)
        if rest:
            raise ValueError(f"the model is called on {len(x)} rows of {rows}")
        if times not in models:
            late = np.tile(np.arange(rows) >= rows - curved, times)[:, None]
            models[times] = mixture(asarray, np.where(late, NARROW, VARIANCES),
                                    np.where(late, HALF @ AXES, 0.0))
        return models[times](x, a, b, what)
    return truth


def predicted(predicts, truth, x, a, b, up=False):
    """What a network returns at x = a x_0 + b eps; up where time grows with the data."""
    if predicts in ("score", "x0", "consistency"):
        return truth(x, a, b, predicts)
    eps = -b * truth(x, a, b, "score")
    if predicts == "eps":
        return eps
    x_0 = truth(x, a, b, "x0")
    if predicts == "v":
        return a * eps - b * x_0
    return x_0 - eps if up else eps - x_0


def edm_network(truth, x, c_noise):
    """EDM's F at its own arguments, c_in x and log(sigma) / 4, for sigma_data = 1/2."""
    x, sigma, total = edm_state(x, c_noise)
    x_0 = truth(x, 1.0, sigma, "x0")
    return (x_0 - SIGMA_DATA**2 / total * x) * total**0.5 / (sigma * SIGMA_DATA)


def edm_state(x, c_noise):
    """The state and level behind the arguments of EDM's F, and the sum of both variances."""
    sigma = E**(4 * c_noise)
    total = sigma**2 + SIGMA_DATA**2
    return x * total**0.5, sigma, total
