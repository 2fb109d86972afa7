"""The second target, whose score is not affine: a deterministic sampler against a fine solution.

    dx / d sigma = -sigma s(x, sigma),    dx / dt = E[eps - x_0 | x] on the straight line

A method may show a higher order on a Gaussian than it has, so its trajectories from a few starts
are followed on a mixture too.
"""

from functools import lru_cache
import numpy as np
from scipy.integrate import solve_ivp

from ..calls.chain_laws import NOBODY, true_law
from ..calls.chains import SIGMA_MAX
from ..calls.targets import AXES, VARIANCES, mixture
from .convergence import convergence

STARTS = np.stack([np.repeat([-1.2, -0.3, 0.4, 1.1], 2), np.tile([-0.7, 0.9], 4)], axis=1)  # (8, D)


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


def starts_of(chain, levels, law):
    """Starts on the mixture at the first level, as the sampler takes them; none for one with noise.

    law  of few steps, which tells what the sampler does to its start
    """
    if np.max(np.abs(law.noise)) > 1e-6 or chain.predicts == "consistency" or law.start == 0:
        return NOBODY
    a, b = chain.kernel(levels[0])
    return (starts(a, b) if chain.flow else a * starts(1.0, SIGMA_MAX)) / law.start


def errors_of_ends(ends, chain, levels):
    """Errors of the ends of all trajectories, in standard deviations of the components."""
    if chain.flow:
        right = fine_ends(True, float(levels[0]), float(levels[-1]))
    else:
        right = chain.kernel(levels[-1])[0] * fine_ends(False, SIGMA_MAX, float(levels[-1]))
    return np.ravel(ends - right) / len(STARTS)**0.5


def curved_errors(runs):
    """Those errors, of all runs that have them."""
    return [run.curved for run in runs if run.curved is not None]


def certify_curved(chain, result, runs, graded, floor):
    """Judge the trajectories of a deterministic sampler on the mixture, on both grids."""
    if chain.predicts == "consistency" or runs[-1].law.start == 0 or not is_the_flow(
            runs[-1], chain):
        result.notes.append("it is not followed on a second target: its order is that on a "
                            "Gaussian")
        return
    for several, name in ((runs, "levels even in " + ("t" if chain.flow else "sigma^(1/2)")),
                          (graded, "graded levels" if chain.flow else "geometric levels")):
        points = [run for run in several if run.curved is not None]
        if len(points) < len(several) - 1 or not points:
            result.notes.append("on a mixture its states are not finite, or its model is called "
                                "on other rows: its order is that on a Gaussian")
            return
        offset = 0.0 if several is runs or chain.flow else 2e-4
        found = convergence([p.n for p in points], [p.curved for p in points], floor, offset,
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
