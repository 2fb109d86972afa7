"""The second target, whose score is not affine: a deterministic sampler against a fine solution.

    dx / d sigma = -sigma s(x, sigma),    dx / dt = E[eps - x_0 | x] on the straight line

A method may show a higher order on a Gaussian than it has, so its trajectories from a few starts
are followed on a mixture too.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.integrate import solve_ivp

from ..calls.chain_laws import true_law
from ..calls.chains import SIGMA_MAX, Refused
from ..calls.targets import AXES, D, VARIANCES, mixture
from .convergence import agree, convergence
from ...exact.sampler_laws import Draws

STEPS = (32, 64, 128, 256, 512, 1024)
STARTS = np.stack([np.repeat([-1.2, -0.3, 0.4, 1.1], 2), np.tile([-0.7, 0.9], 4)], axis=1)  # (8, D)


class Point(NamedTuple):
    """Errors of the ends of all trajectories at n steps."""

    n: int
    e: np.ndarray


@lru_cache
def fine_ends(flow, start, end):
    """Ends (8, D) of the flow from STARTS in standard deviations, to 1e-11, in ve or on the line.
    """
    truth, shape = mixture(np.asarray), STARTS.shape

    def slope(t, x):
        x = x.reshape(shape)
        a, b = (1 - t, t) if flow else (1.0, t)
        eps = -b * truth(x, a, b, "score")
        return np.ravel(eps - truth(x, a, b, "x0") if flow else eps)
    x = np.ravel(starts(1 - start if flow else 1.0, start))
    found = solve_ivp(slope, (start, end), x, method="DOP853", rtol=1e-12, atol=1e-13)
    return found.y[:, -1].reshape(shape)


def starts(a, b):
    """STARTS at the level (a, b)."""
    mean, cov = true_law((a, b))
    return mean + STARTS @ np.linalg.cholesky(cov).T


def is_the_flow(run, chain):
    """Whether its map tends to that of the probability flow, as that of every ODE solver does."""
    a, b = chain.kernel(run.levels[0])
    c, d = chain.kernel(run.levels[-1])
    right = AXES @ np.diag(((c**2 * VARIANCES + d**2) / (a**2 * VARIANCES + b**2))**0.5) @ AXES.T
    return np.max(np.abs(run.law.M - right)) < 0.02 * np.max(np.abs(right))


def certify_curved(chain, result, run, floor):
    """Follow the trajectories of a deterministic sampler on the mixture."""
    if chain.predicts == "consistency" or run.law.start == 0 or not is_the_flow(run, chain):
        result.notes.append("it is not followed on a second target: its order is that on a "
                            "Gaussian")
        return
    chain.target = mixture
    try:
        for grid, name in (("power", "levels even in " + ("t" if chain.flow else "sigma^(1/2)")),
                           ("graded", "graded levels" if chain.flow else "geometric levels")):
            points = trajectories(chain, grid, run.law.start)
            offset = 0.0 if grid == "power" or chain.flow else 2e-4
            found = convergence([p.n for p in points], [p.e for p in points], floor, offset,
                                chain.single)
            result.tables.append(("a mixture", name, found.orders,
                                  float(np.linalg.norm(found.limit)), found.uncertainty))
            if found.answer == "wrong":
                result.problems.append("on a mixture, whose score is not affine, its trajectories "
                                       f"do not tend to those of the flow ({name}): {found.why}")
                break
            if found.answer == "not seen":
                result.doubts.append(f"on a mixture, {name}, {found.why}")
        result.targets.append("a mixture (its trajectories)")
    except Refused as reason:
        result.notes.append(f"on a mixture {reason}: its order is that on a Gaussian")
    finally:
        chain.target = chain.gaussian


def trajectories(chain, grid, factor):
    """Errors of the ends as n doubles, in standard deviations of the components."""
    points = []
    for n in STEPS:
        levels = chain.levels(n, grid)
        (a, b), c = chain.kernel(levels[0]), chain.kernel(levels[-1])[0]
        if chain.flow:
            right = fine_ends(True, float(levels[0]), float(levels[-1]))
        else:
            right = c * fine_ends(False, SIGMA_MAX, float(levels[-1]))
        x = starts(a, b) if chain.flow else a * starts(1.0, SIGMA_MAX)
        end = chain.run(x / factor, Draws(None, D), levels)
        points.append(Point(n, np.ravel(end - right) / len(STARTS)**0.5))
        if chain.single and n >= 512:
            break
        if len(points) > 2 and np.max(np.abs(points[-1].e)) < 3e-12:
            break
        if n >= 256 and agree([p.e for p in points], grid == "graded" and not chain.flow):
            break
    return points
