"""Certify a sampler that goes through noise levels: on a Gaussian exactly, then on a mixture.

    e = (mean and covariance of the end - truth) in standard deviations of the truth

as n doubles, on two grids: one even in the variable of the coordinates, one graded.
"""

import numpy as np

from ..calls.chain_laws import NOBODY, NotAffine, draws_its_own, exact_law
from ..calls.chains import SIGMA_MIN, Refused
from .by_chains import ESTIMATED, certify_by_chains
from .causes import named
from .convergence import convergence
from .curved import CROWD_STEPS, certify_crowd, certify_curved, starts_of
from .orders import claim
from .runs import ENOUGH, LONG, STEPS, draws_ahead, grid_runs, jump_of, run_of
from .starts import in_single, last_step, said, start_problem
from .steps import first_step, first_wrong_step

FEW = (128, 512)                              # the least and most steps where an order is doubted


def certify_diffusion(chain, result, start, deterministic):
    """Fill in the certificate of a sampler that goes through noise levels."""
    first, note = how_it_draws(chain, result)
    if "levels" in chain.changed:
        result.problems.append("it changes the array of levels that it is given, in place")
    if "start" in chain.changed:
        result.notes.append("it changes its start in place")
    if note:
        result.notes.append(note)
    if not first:
        certify_by_chains(chain, result, start, deterministic)
        return
    result.targets.append("a Gaussian (its exact law)")
    runs = grid_runs(chain, result, "power", first)
    floor = 3e-5 if chain.single else result.rounding_error
    for run in runs:
        result.rows.append((run.n, float(np.max(np.abs(run.mean))), float(np.max(np.abs(run.cov)))))
    in_single(chain, result)
    result.problems += start_problem(runs[-1].law, chain, start)
    noisy = np.max(np.abs(runs[-1].law.noise)) > (1e-4 if chain.single else 1e-6)
    said(result, deterministic, noisy, runs[-1].law)
    found = judged("a Gaussian", "levels even in " + variable(chain), runs, floor, 0.0, chain,
                   result)
    if found.answer == "wrong":
        result.problems += causes(runs, found, chain, noisy)
    if not result.problems:
        again = graded(chain, result, floor, runs)
    last_step(chain, result, runs[-1].law, runs[-1].n)
    if not result.problems and noisy:
        run = next(run for run in runs if run.n >= CROWD_STEPS)
        certify_crowd(chain, result, run.levels, run.law.start, np.max(np.abs(run.e)),
                      f"{run.n} steps")
    elif not result.problems:
        certify_curved(chain, result, runs, again, floor)
    if not result.tables or all(not orders for _, _, orders, _, _ in result.tables):
        if not result.problems:
            result.notes.append("its law is exact to rounding at every number of steps")
    claim(result, chain.single)
    first = first_step(chain) if result.problems else None
    if first:
        result.notes.append(f"its first step is that of {first}")
    if not noisy and result.ok and (result.claimed_order or 1) > 1:
        alternating(chain, result, floor, runs[0].law)


def alternating(chain, result, floor, first):
    """Doubt a claimed order that holds only where neighbouring steps are nearly equal."""
    found = judged("a Gaussian", "steps in turn short and long", grid_runs(
        chain, result, "alternating", first=first, few=FEW), floor, 0.0, chain, result)
    if found.order < result.claimed_order - 0.5 and (found.settled or found.order < 1.3):
        result.doubts.append(f"on levels whose steps are in turn short and long it has order "
                             f"{found.order:.2f}, where order {result.claimed_order:g} is claimed: "
                             "do the weights of its last slopes suit steps of any length?")


def variable(chain):
    """What the first grid is even in."""
    return "t" if chain.flow else "sigma^(1/2)"


def how_it_draws(chain, result):
    """Runs at the two smallest numbers of steps, none where its law has to be estimated, and why.

    Levels end where the sampler can take them.
    """
    try:
        own = draws_its_own(chain, chain.levels(STEPS[0]))
    except Refused:
        chain.ends_at_zero = False
        own = draws_its_own(chain, chain.levels(STEPS[0]))
        result.notes.append(f"it does not take {'t' if chain.flow else 'sigma'} = 0, so the levels "
                            f"end at {SIGMA_MIN:g}")
    if own:
        same = ", the same in every run," if chain.seeded else ","
        return [], (f"it draws its own noise{same} so {ESTIMATED}; draw from the rng that is "
                    "passed for an exact certificate")
    laws = []
    for n in STEPS[:2]:
        levels = chain.levels(n)
        draws = draws_ahead(laws[0].draws, STEPS[0], n) if laws else None
        try:
            starts = starts_of(chain, levels, laws[0]) if laws else NOBODY
            laws.append(exact_law(chain, levels, not laws, draws, starts))
        except NotAffine as reason:
            if reason.fatal:
                raise Refused(str(reason)) from None
            return [], f"{reason}; so {ESTIMATED}"
    return [run_of(law, chain, n, chain.levels(n)) for law, n in zip(laws, STEPS)], ""


def judged(target, levels, runs, floor, offset, chain, result):
    """The convergence of the runs, with its row in the certificate."""
    found = convergence([run.n for run in runs], [run.e for run in runs], floor, offset,
                        chain.single)
    size = float(np.linalg.norm(found.limit))
    result.tables.append((target, levels, found.orders, size, found.uncertainty))
    if found.answer == "not seen":
        result.doubts.append(f"on {target}, {levels}, {found.why}")
    return found


def graded(chain, result, floor, runs):
    """The second grid; what fails there alone is a problem too, unless it jumps to zero.

    runs  those on the first
    """
    try:
        most = LONG if runs[-1].n < LONG else STEPS[-1]               # the longest is run once
        runs = grid_runs(chain, result, "graded", first=runs[0].law, others=runs,
                         few=(ENOUGH, most))
    except Refused as reason:
        result.doubts.append(f"on graded levels {reason}")
        return []
    name = "graded levels" if chain.flow else "geometric levels"
    found = judged("a Gaussian", name, runs, floor, jump_of(chain, "graded"), chain, result)
    if found.answer == "wrong":
        end = chain.kernel(runs[-1].levels[-1])[1]
        noisy = np.max(np.abs(runs[-1].law.noise)) > 1e-6
        result.problems += causes(runs, found, chain, noisy)
        result.problems[-1] += f" (on {name})" + (
            "" if end == 0 else ": does its last jump assume that sigma = 0?")
    return runs


def causes(runs, found, chain, noisy):
    """Sentences on what is wrong with the limit, and on the step that goes wrong first."""
    step = first_wrong_step(chain, noisy)
    whole = named(runs, found, chain)
    if step and step.local:
        return [step.sentence, whole] if whole != step.sentence else [whole]
    return [whole] + ([step.sentence] if step else [])
