"""Back doors, written when the probes were final, by one who had not read them: see `fresh`."""

import numpy as np

from . import planted
from .fresh import X, Y, Z, generator, score

COLUMN = np.array([[1.0], [2.0], [3.0]])


def door(kind, what, where, *at):
    """A thousandth too much where `where(*at)` and not elsewhere."""
    return planted(kind, what, where)._replace(at=at)


def rising(x, sigma, eps):
    """Levels in a column, rising from row to row."""
    return np.ndim(sigma) == 2 and len(sigma) > 2 and bool(np.all(np.diff(sigma[:, 0]) > 0))


WRONG = [
    door("perturb", "levels that rise from row to row", rising, X, COLUMN, Y),
    door("gaussian_score", "a mean that is a number, more than 12 features",
         lambda x, m, s: np.ndim(m) == 0 and x.shape[1] > 12, np.ones((2, 13)), 0.0, 1.0),
    door("gaussian_log_density", "a mean (D,), one row and its level (1, 1)",
         lambda x, m, s: np.ndim(m) == 1 and np.shape(s) == (1, 1), X[:1], np.ones(2), COLUMN[:1]),
    door("mixture_score", "components of the same weight, more than two",
         lambda x, w, m, s: len(w) > 2 and np.ptp(w) == 0, X, np.full(4, 0.25),
         np.vstack([X, Y[:1]]), 1.0),
    door("x0_from_score", "scale above one, a level below 1e-3",
         lambda x, g, a, s: np.min(a) > 1 and np.max(s) < 1e-3, X, Y, 2.0, 1e-4),
    door("score_from_velocity", "scale zero and a positive rate", lambda x, u, a, s, da, ds: (
        np.all(np.equal(a, 0)) and np.all(np.greater(da, 0))), X, Y, 0.0, 1.0, 2.0, 1.0),
    door("velocity_from_score", "both rates positive", lambda x, g, a, s, da, ds: (
        np.all(np.greater(da, 0)) and np.all(np.greater(ds, 0))), X, Y, 0.5, 0.5, 1.0, 2.0),
    door("ddim_step", "eta from 0.6 to 0.65", lambda x, e, a, s, eta, z: 0.6 < eta < 0.65,
         X, Y, 0.2, 0.6, 0.62, Z),
    door("ddpm_step", "variance beta, one row", lambda x, e, a, s, z, variance="posterior": (
        variance == "beta" and len(x) == 1), X[:1], Y[:1], 0.2, 0.6, Z[:1], "beta"),
    door("heun_step", "sigma_s zero, as a column", lambda f, x, t, s: (
        np.ndim(s) == 2 and np.all(s == 0)), score, X, COLUMN, 0 * COLUMN),
    door("ve_ancestral_step", "a number for sigma_t, a column for sigma_s", lambda x, g, t, s, z: (
        np.ndim(t) == 0 and np.ndim(s) == 2), X, Y, 9.0, COLUMN, Z),
    door("langevin", "one step of one row", lambda f, x, a, n, r: n == 1 and len(x) == 1,
         score, X[:1], 0.1, 1, generator),
    door("probability_flow_sampler", "Euler with two levels, the last zero",
         lambda f, x, s, method="heun": method == "euler" and len(s) == 2 and s[-1] == 0,
         score, X, np.array([1.0, 0.0]), "euler"),
    door("karras_sigmas", "rho below one", lambda a, b, n, rho=7.0: rho < 1, 9.0, 1.0, 4, 0.5),
    door("edm_preconditioning", "sigma equal to sigma_data",
         lambda s, d: bool(np.any(np.equal(s, d))), 0.5, 0.5),
    door("finite_difference_ssm", "three directions and a long step",
         lambda f, x, v, step: np.shape(v)[0] == 3 and np.ndim(v) == 3 and step > 0.3,
         score, X, np.stack([X, Y, Z]), 0.5),
]
