"""Runs of a sampler with its exact law, as the number of steps doubles.

    e = (mean and covariance of the end - truth) in standard deviations of the truth
"""

from typing import NamedTuple

import numpy as np

from ..calls.chain_laws import Law, NotAffine, exact_law, moments, true_law
from ..calls.chains import SMALL, Refused
from ..calls.targets import AXES, D, VARIANCES
from .convergence import agree, convergence
from .curved import curved_errors, errors_of_ends, starts_of
from .orders import SETTLED

STEPS, LONG = (32, 64, 128, 256, 512, 1024), 2048
NARROW_STEPS, ENOUGH = 512, 256               # the most in float32; the least, where all is clear
LATE = 512                                    # where it is enough that orders reach the claim
CLEARLY = 20                                  # times its uncertainty: a limit that is wrong
KNOWN = 1e-3                                  # of a variance: the limit is known that well by then


class Run(NamedTuple):
    """A sampler's law at n steps, with the moments of its end and their error e."""

    n: int
    levels: np.ndarray
    law: Law
    mean: np.ndarray
    cov: np.ndarray
    e: np.ndarray
    curved: np.ndarray | None = None


def run_of(law, chain, n, levels):
    """The law with its errors in standard deviations of the truth, along the axes.

    curved  errors of its trajectories on the mixture, where they were run
    """
    mean, cov = moments(law, chain, levels)
    a, b = chain.end(levels)
    true_mean, true_cov = true_law((a, b))
    sd = (a**2 * VARIANCES + b**2)**0.5
    off = AXES.T @ (cov - true_cov) @ AXES / np.outer(sd, sd)
    e = np.concatenate([(mean - true_mean) @ AXES / sd, off[np.triu_indices(D)]])
    curved = errors_of_ends(law.curved, chain, levels) if len(law.curved) else None
    return Run(n, levels, law, mean - true_mean, cov - true_cov, e, curved)


def draws_ahead(draws, few, n):
    """How often it will draw at n steps, where it draws so often at few: as often at each step."""
    return draws + round(draws / few) * (n - few)


def grid_runs(chain, result, grid, runs=(), first=None, others=(), few=(ENOUGH, LONG)):
    """Runs with the exact law as n doubles, on until two local orders agree or rounding shows.

    runs    those at the smallest numbers of steps;  first  a law at STEPS[0] on another grid
    others  runs on another grid, which are taken where a sampler makes the same of both
    few     the least and the largest number of steps to end with
    """
    runs, steps = list(runs), list(STEPS[len(runs):])
    first = first or runs[0].law
    jumps, (enough, most) = jump_of(chain, grid), few
    while steps:
        n = steps.pop(0)
        levels = chain.levels(n, grid)
        draws = (draws_ahead(first.draws, STEPS[0], n) if len(runs) < 2     # a line through two
                 else 3 * runs[-1].law.draws - 2 * runs[-2].law.draws)
        silent = draws > 0 and not np.any([run.law.noise for run in runs] or first.noise)
        try:
            law = exact_law(chain, levels, False, draws, starts_of(chain, levels, first), silent)
        except NotAffine as reason:
            raise Refused(f"at {n} steps: {reason}") from None
        runs.append(run_of(law, chain, n, levels))
        if len(runs) == 2 and same(runs, others):
            return list(others)
        if n >= most or chain.single and n >= NARROW_STEPS:
            break
        quiet = np.max(np.abs(law.noise)) < 1e-6
        late = n >= LATE or grid == "alternating"
        if n >= enough and all(done(series, result, jump, chain, late) for series, jump in (
                ([run.e for run in runs], jumps), (curved_errors(runs), 2e-4 if jumps else 0.0))):
            break
        if not steps and quiet and n < LONG:
            steps.append(2 * n)
    return runs


def same(runs, others):
    """Whether a sampler ends alike from the same steps on both grids: it makes levels itself."""
    return all(np.allclose(one.e, other.e, rtol=1e-9, atol=1e-15)
               and (one.curved is None or other.curved is None
                    or np.allclose(one.curved, other.curved, rtol=1e-9, atol=1e-15))
               for one, other in zip(runs, others)) and len(others) > 1


def done(errors, result, jump, chain, late):
    """Whether more steps would tell no more: clearly wrong, or certified and two orders agree.

    late  whether it is enough that both reach the order that is claimed
    """
    if len(errors) < (4 if jump else 3):
        return not errors
    if max(np.max(np.abs(e)) for e in errors[-2:]) < result.rounding_error:
        return True
    found = convergence([STEPS[0] * 2**k for k in range(len(errors))], errors,
                        3e-5 if chain.single else result.rounding_error, jump, chain.single)
    if (found.answer == "wrong" and found.growth == 0 and len(errors) > 4
            and np.linalg.norm(found.limit) > CLEARLY * found.uncertainty):
        return True
    return (found.answer == "certified" and found.uncertainty < KNOWN + jump
            and (agree(errors, jump > 0) or reached([q for _, q in found.orders[-3:]],
                                                    result.claimed_order, late)))


def reached(q, claimed, late):
    """Whether local orders q have reached the one that is claimed, or rise towards it, ever less.

    late  whether it is enough that the last two are near enough to each other
    """
    if claimed is None or len(q) < 2 or q[-1] < claimed - 0.25:
        return False
    if late and q[-2] > claimed - 0.25 and abs(q[-1] - q[-2]) < SETTLED:
        return True
    return len(q) == 3 and 0 < q[2] - q[1] < 0.6 * (q[1] - q[0]) and q[2] - q[1] < SETTLED


def jump_of(chain, grid):
    """What a last jump to zero leaves on graded levels, of a variance."""
    return 40 * SMALL**2 if grid == "graded" and chain.ends_at_zero and not chain.flow else 0.0
