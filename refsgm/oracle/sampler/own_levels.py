"""Certify a sampler that makes its own levels, from the first call of its model to the data.

    error at n steps = what n steps leave + what the last level leaves, about (b / a)^2
"""

import numpy as np

from ...exact.sampler_laws import Draws
from ..calls.chain_laws import NotAffine, draws_its_own, exact_law
from ..calls.chains import Refused
from ..calls.targets import AXES, D, VARIANCES
from .convergence import convergence
from .curved import certify_crowd, certify_end
from .orders import SETTLED
from .runs import draws_ahead, run_of
from .starts import in_single, said

REPORTED, DOUBLED = (10, 20, 50, 100, 250), (31, 62, 125, 250, 500)
WATCHED, ROUGH = 50, 2e-3           # steps where calls are compared with states; a rounding shows
CROWDED = 125                       # steps of many chains on the mixture
FLAT = 1e-5                         # of a standard deviation: more steps would move it no more


def certify_own_levels(chain, result, start, deterministic):
    """Fill in the certificate: its error at usual numbers of steps, and what limits it."""
    if draws_its_own(chain, chain.levels(REPORTED[0])):
        raise Refused("it draws its own noise, and with levels of its own it is judged from its "
                      "exact law alone: draw from the rng that is passed")
    runs, tried = own_runs(chain)
    for n in REPORTED:
        result.rows.append((n, float(np.max(np.abs(runs[n].mean))),
                            float(np.max(np.abs(runs[n].cov)))))
    in_single(chain, result)
    result.targets.append("a Gaussian (its exact law)")
    law = runs[tried[-1]].law
    said(result, deterministic, np.max(np.abs(law.noise)) > 1e-6, law)
    used = levels_used(chain, 50)
    a, b = chain.foreign_kernel(used[-1])
    left = float(b / a)**2 / float(np.min(VARIANCES)) if a else 0.0
    first = chain.foreign_kernel(used[0])
    top = f"{first[1] / first[0]:.4g}" if first[0] > 1e-6 else "infinity"
    result.notes.append(f"at 50 steps its model is called {len(used)} times, from sigma / scale = "
                        f"{top} to {b / a:.3g}")
    result.notes += where_it_calls(chain, runs[WATCHED].law)
    noise = (runs[WATCHED].law.start**2 + runs[WATCHED].law.early)**0.5    # churned before it calls
    if start == "noise" and abs(noise / first[1] - 1) > 0.03:
        result.problems.append(f"it starts from noise of standard deviation {noise:.3g}, and "
                               f"calls its model at a level of {float(first[1]):.3g}")
    doubled = [runs[n] for n in tried]
    floor = 1e-4 if chain.single else 1e-6
    found = convergence(tried, [run.e for run in doubled], floor, 2 * left + 0.005, chain.single)
    size = float(np.linalg.norm(found.limit))
    result.tables.append(("a Gaussian", "its own levels", found.orders, size, found.uncertainty))
    last = float(np.linalg.norm(doubled[-1].e))
    result.order, result.standard_error = found.order, found.spread
    exact = max(float(np.linalg.norm(run.e)) for run in doubled) < 3 * floor
    if result.claimed_order and not exact:
        result.doubts += claim_unseen(found, result.claimed_order)
    if found.answer == "not seen":
        result.doubts.append(found.why)
    elif found.answer == "wrong":
        end = VARIANCES * (1 + doubled[-1].e[[2, 4]])
        right = VARIANCES
        result.problems.append(
            f"its law does not tend to the data: after {tried[-1]} steps the variances along the "
            f"axes are {end[0]:.4g} and {end[1]:.4g}, where {right[0]:.4g} and "
            f"{right[1]:.4g} are right")
    elif np.max(np.abs(law.noise)) < 1e-6:
        certify_end(chain, result, doubled[-1], left)
    else:
        run = runs[CROWDED]
        chain.run(np.zeros((1, D)), Draws(None, D), run.levels)      # where it begins at these
        certify_crowd(chain, result, run.levels, run.law.start, np.max(np.abs(run.e)) + left,
                      f"{CROWDED} steps")
    if found.answer == "certified" and last < 3 * left:
        result.notes.append(f"after {tried[-1]} steps its last level, sigma = {b / a:.3g}, "
                            "limits it")


def claim_unseen(found, claimed):
    """Why a claimed order is not seen on a sampler's own levels, [sentence] or []."""
    if not found.orders:
        return [f"on its own levels its order cannot be seen, where order {claimed:g} is claimed: "
                "its error does not fall, or where they end hides it"]
    if found.order < claimed - 0.25:
        return [f"on its own levels it has order {found.order:.2f} at the last doubling that is "
                f"seen, where order {claimed:g} is claimed: where they end may hide it"]
    if found.spread > SETTLED:
        return [f"on its own levels its local orders are {found.orders[-2][1]:.2f} and "
                f"{found.orders[-1][1]:.2f} at the last two doublings that are seen, which do not "
                f"settle at the {claimed:g} claimed"]
    return []


def own_runs(chain):
    """Runs by their numbers of steps, and those of them that double; the last only where needed."""
    runs = {}
    for n in sorted({*REPORTED, *DOUBLED}):
        if n == DOUBLED[-1]:
            last = [runs[m].e for m in DOUBLED[:-1]]
            if np.max(np.abs(last[-1] - last[-2])) < FLAT:
                return runs, DOUBLED[:-1]
        few = REPORTED[0]
        runs[n] = own_run(chain, n, draws_ahead(runs[few].law.draws, few, n) if runs else None)
    return runs, DOUBLED


def own_run(chain, n, draws=None):
    """The law at n steps; draws, where it is known how often it draws."""
    levels = chain.levels(n)
    try:
        law = exact_law(chain, levels, n == REPORTED[0], draws)
    except NotAffine as reason:
        raise Refused(str(reason)) from None
    return run_of(law, chain, n, levels)


def levels_used(chain, n):
    """The levels at which the model is called, in order."""
    return [level for level, _ in calls(chain, np.zeros((1, D)), Draws(None, D), n)]


def calls(chain, x, draws, n):
    """(level, states) of each call of the model at a level with noise; all calls where none has."""
    chain.trace = True
    try:
        chain.run(x, draws, chain.levels(n))
        seen = chain.traced
        return [v for v in seen if float(chain.foreign_kernel(v[0])[1]) > 0] or seen
    finally:
        chain.trace = False


def where_it_calls(chain, law):
    """Whether its model is called at the levels of its states: [] or [sentence].

    r = log(sigma of the call) - log(sigma of the state), the latter from the covariance of the
    states, whose entries along the axes are a^2 V + b^2

    law  that at WATCHED steps
    """
    first = 1 + D
    x = np.concatenate([np.zeros((1, D)), np.eye(D), np.zeros((D * law.draws, D))])
    seen = calls(chain, x, Draws(first, D), WATCHED)
    seen = seen[::max(1, round(len(seen) / WATCHED))]
    begin = chain.foreign_kernel(seen[0][0])
    cov = AXES @ np.diag(begin[0]**2 * VARIANCES + begin[1]**2) @ AXES.T
    r, log_sigma = [], []
    for level, states in seen:
        if states.shape != x.shape:
            return []
        moved = states - states[0]
        M = moved[1:first] / (law.start or 1.0)
        v = np.diag(AXES.T @ (M.T @ cov @ M + moved[first:].T @ moved[first:]) @ AXES)
        a, b = chain.foreign_kernel(level)
        scale = (v[1] - v[0]) / (VARIANCES[1] - VARIANCES[0])
        noise = v[0] - scale * VARIANCES[0]
        if a > 0.01 and scale > 0 and noise > 0:
            r.append(np.log(float(b / a)) - 0.5 * np.log(noise / scale))
            log_sigma.append(np.log(float(b / a)))
    return rounded(np.array(r), np.array(log_sigma))


def rounded(r, log_sigma):
    """A sentence on levels that are rounded, [] or [sentence]: r bends as their logs bend."""
    if len(r) < 20:
        return []
    bends, rough = np.diff(r, 2), np.diff(log_sigma, 2)
    if np.median(np.abs(bends)) < ROUGH or np.corrcoef(bends, rough)[0, 1] < 0.5:
        return []
    return ["the levels at which its model is called are rounded: they are off from those of its "
            f"states by up to {100 * np.quantile(np.abs(bends), 0.9) / 2:.2g} % at {WATCHED} steps"]
