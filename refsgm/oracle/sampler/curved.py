"""The second target, whose score is not affine: a deterministic sampler against a fine solution.

    dx / d sigma = -sigma s(x, sigma),    dx / dt = E[eps - x_0 | x] on the straight line

A method may show a higher order on a Gaussian than it has, so its trajectories from a few starts
are followed on a mixture too. Of a sampler with noise the ends of many chains are compared with the
mixture itself, which shows a score that was made affine, and errors above a few percent.
"""

from functools import lru_cache

import numpy as np
from scipy.integrate import solve_ivp

from ...exact.sampler_laws import Draws
from ..calls.chain_laws import NOBODY, on_the_mixture, true_law
from ..calls.chains import SIGMA_MAX, Refused
from ..calls.targets import AXES, D, HALF, MEAN, NARROW, VARIANCES, mixture
from .convergence import convergence

CROWD, CROWD_STEPS, SURELY = 12_000, 128, 5                   # chains, and standard errors
FAR = 500.0                                   # sigma beyond which a fine solution takes long
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
    (a, b), (c, d) = chain.begin(run.levels), chain.end(run.levels)
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


def certify_crowd(chain, result, levels, factor, error, after):
    """Judge the ends of many chains on the mixture, against what the sampler leaves on a Gaussian.

    factor  of its start;  error  on the Gaussian at these levels, as large as which is allowed here
    after   how many steps that is, in words
    """
    if chain.predicts == "consistency" or factor == 0:
        result.notes.append("it is not followed on a second target")
        return
    rng = np.random.default_rng(2)
    (a, b), (c, d) = chain.begin(levels), chain.end(levels)
    sign = np.where(rng.random((CROWD, 1)) < 0.6, 1.0, -1.0)
    x_0 = MEAN + (sign * (HALF @ AXES) + NARROW**0.5 * rng.standard_normal((CROWD, D))) @ AXES.T
    try:
        ends = on_the_mixture(chain, (a * x_0 + b * rng.standard_normal((CROWD, D))) / factor, rng,
                              levels)
    except Refused as reason:
        result.notes.append(f"on a mixture, {reason}: its law is that on a Gaussian")
        return
    half = c * HALF @ AXES                                       # of x_0: 0.6 - 0.4, 1 - 0.2^2
    variance = c**2 * NARROW + d**2 + 0.96 * half**2
    q = ((ends - c * MEAN) @ AXES - 0.2 * half) / variance**0.5
    covariance = 0.96 * np.prod(half) / np.prod(variance**0.5)
    seen = np.stack([*q.T, *(q.T**2 - 1), q[:, 0] * q[:, 1] - covariance])
    off = np.mean(seen, axis=1)
    allowed = SURELY * np.std(seen, axis=1) / CROWD**0.5 + 3 * error
    worst = int(np.argmax(np.abs(off) / allowed))
    result.targets.append(f"a mixture ({CROWD} chains)")
    if abs(off[worst]) > allowed[worst]:
        what = ("mean", "mean", "variance", "variance", "covariance")[worst]
        result.problems.append(
            f"on a mixture, whose score is not affine, the {what} of its ends along an axis is off "
            f"by {off[worst]:.2g} of the right {'variance' if worst > 1 else 'deviation'} after "
            f"{after}, where {allowed[worst]:.2g} may be chance and the error of its steps")


def certify_end(chain, result, run, left):
    """Judge trajectories of a deterministic sampler on the mixture at levels of its own.

    run  its law at many steps;  left  of a variance, by its last level
    """
    chain.run(np.zeros((1, D)), Draws(None, D), run.levels)          # where it begins at these
    a, b = chain.begin(run.levels)
    sigma = b if chain.flow else b / a if a > 0 else np.inf
    if chain.predicts == "consistency" or run.law.start == 0 or sigma > FAR or not is_the_flow(
            run, chain):
        result.notes.append("it is not followed on a second target")
        return
    x = starts(a, b) if chain.flow else a * starts(1.0, sigma)
    try:
        ends = on_the_mixture(chain, x / run.law.start, Draws(None, D), run.levels)
    except Refused as reason:
        result.notes.append(f"on a mixture, {reason}: its law is that on a Gaussian")
        return
    off = float(np.max(np.abs(ends - fine_ends(chain.flow, float(sigma), 0.0))))
    allowed = 0.02 + 3 * float(np.max(np.abs(run.e))) + 3 * left**0.5
    result.targets.append("a mixture (its trajectories)")
    if off > allowed:
        result.problems.append(
            "on a mixture, whose score is not affine, its trajectories end elsewhere than those of "
            f"the flow: after {run.n} steps they are off by {off:.2g}, where {allowed:.2g} may be "
            "the error of its steps")
