"""Certify a sampler that goes through noise levels: on a Gaussian exactly, then on a mixture.

    e = (mean and covariance of the end - truth) in standard deviations of the truth

as n doubles, on two grids: one even in the variable of the coordinates, one graded.
"""

from typing import NamedTuple

import numpy as np

from ..calls.chain_laws import (NOBODY, Law, NotAffine, draws_its_own, exact_law, moments,
                                not_normal, sampled_law, true_law)
from ..calls.chains import CHAINS, SIGMA_MAX, SIGMA_MIN, SMALL, Refused
from ..calls.targets import AXES, D, VARIANCES
from .causes import named
from .convergence import agree, convergence
from .curved import certify_curved, curved_errors, errors_of_ends, starts_of
from .orders import claim, order_of
from .steps import first_step, first_wrong_step

STEPS, LONG, SAMPLED, STANDARD_ERRORS = (32, 64, 128, 256, 512, 1024), 2048, (16, 32, 64, 128), 5
NARROW_STEPS, ENOUGH = 512, 256               # the most in float32; the least, where all is clear
KNOWN = 1e-3                                 # of a variance: the limit is known that well by then
ESTIMATED = (f"its law is estimated from chains and judged within {STANDARD_ERRORS} standard "
             "errors")


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
        again = graded(chain, result, floor, runs[0].law)
    last_step(chain, result, runs[-1].law, runs[-1].n)
    if not result.problems and not noisy:
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
        chain, result, "alternating", first=first), floor, 0.0, chain, result)
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
        return [], ("it draws its own noise, so " + ESTIMATED + "; draw from the rng that is "
                    "passed for an exact certificate")
    laws = []
    for n in STEPS[:2]:
        levels = chain.levels(n)
        try:
            starts = starts_of(chain, levels, laws[0]) if laws else NOBODY
            laws.append(exact_law(chain, levels, curved=starts))
        except NotAffine as reason:
            if reason.fatal:
                raise Refused(str(reason)) from None
            return [], f"{reason}; so {ESTIMATED}"
    return [run_of(law, chain, n, chain.levels(n)) for law, n in zip(laws, STEPS)], ""


def grid_runs(chain, result, grid, runs=(), first=None):
    """Runs with the exact law as n doubles, on until two local orders agree or rounding shows.

    runs   those at the smallest numbers of steps;  first  a law at STEPS[0] on another grid
    """
    runs, steps = list(runs), list(STEPS[len(runs):])
    first = first or runs[0].law
    jumps = jump_of(chain, grid)
    while steps:
        n = steps.pop(0)
        levels = chain.levels(n, grid)
        draws = (first.draws * n // STEPS[0] if len(runs) < 2               # a line through two
                 else 3 * runs[-1].law.draws - 2 * runs[-2].law.draws)
        try:
            law = exact_law(chain, levels, False, draws, starts_of(chain, levels, first))
        except NotAffine as reason:
            raise Refused(f"at {n} steps: {reason}") from None
        runs.append(run_of(law, chain, n, levels))
        if chain.single and n >= NARROW_STEPS:
            break
        quiet = np.max(np.abs(law.noise)) < 1e-6
        if n >= ENOUGH and all(done(series, result, jump, chain) for series, jump in (
                ([run.e for run in runs], jumps), (curved_errors(runs), 2e-4 if jumps else 0.0))):
            break
        if not steps and quiet and n < LONG:
            steps.append(2 * n)
    return runs


def done(errors, result, jump, chain):
    """Whether more steps would tell no more: certified, and its last two local orders agree."""
    if len(errors) < 4:
        return not errors
    if max(np.max(np.abs(e)) for e in errors[-2:]) < result.rounding_error:
        return True
    found = convergence([STEPS[0] * 2**k for k in range(len(errors))], errors,
                        3e-5 if chain.single else result.rounding_error, jump, chain.single)
    return (found.answer == "certified" and found.uncertainty < KNOWN + jump
            and agree(errors, jump > 0))


def jump_of(chain, grid):
    """What a last jump to zero leaves on graded levels, of a variance."""
    return 40 * SMALL**2 if grid == "graded" and chain.ends_at_zero and not chain.flow else 0.0


def judged(target, levels, runs, floor, offset, chain, result):
    """The convergence of the runs, with its row in the certificate."""
    found = convergence([run.n for run in runs], [run.e for run in runs], floor, offset,
                        chain.single)
    size = float(np.linalg.norm(found.limit))
    result.tables.append((target, levels, found.orders, size, found.uncertainty))
    if found.answer == "not seen":
        result.doubts.append(f"on {target}, {levels}, {found.why}")
    return found


def graded(chain, result, floor, first):
    """The second grid; what fails there alone is a problem too, unless it jumps to zero."""
    try:
        runs = grid_runs(chain, result, "graded", first=first)
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


def said(result, deterministic, noisy, law):
    """Compare with what is said about noise."""
    if deterministic and noisy:
        result.problems.append("it is said to be deterministic, but adds noise of variance "
                               f"{np.trace(law.noise) / D:.3g}")
    if deterministic is False and not noisy:
        result.problems.append("it is said to be stochastic, but adds no noise")


def last_step(chain, result, law, n):
    """Note a last step that adds noise."""
    if law.last > 0 and law.late and chain.ends_at_zero and not result.problems:
        result.notes.append("its last step, to no noise, still adds noise, of standard deviation "
                            f"{law.last:.2g} after {n} steps")


def in_single(chain, result):
    """Allow for float32, which JAX has by default and a network may have in a loop in float64."""
    if chain.single:
        result.rounding_error = 1e-4
        result.notes.append("it computes in float32 somewhere, so errors below 1e-4, and what is "
                            "left of them after many steps below 1e-3, are not judged")


def start_problem(law, chain, start):
    """What is wrong with where the chains start."""
    ve = chain.coordinates == "ve"
    right = SIGMA_MAX if ve else 1.0
    words = "N(0, sigma_max^2)" if ve else "N(0, 1)"
    size = law.own if law.start == 0 else law.start if start == "noise" else None
    if size is None:
        if abs(law.start - 1) < 0.02:
            return []
        return [f"it multiplies its start by {law.start:.3g}; if it expects standard normal noise "
                "and scales it, say start=\"noise\""]
    if abs(size / right - 1) < 0.02:
        return []
    if ve and abs(size - 1) < 0.02:
        return [f"it starts from N(0, 1) instead of {words}: multiply the noise by sigmas[0]"]
    return [f"it starts from noise of standard deviation {size:.3g} instead of {words}, that is "
            f"{right:g}"]


def certify_by_chains(chain, result, start, deterministic):
    """The law from many chains: its limit within five standard errors, and normal ends."""
    result.method, rng, runs = f"{CHAINS} chains", np.random.default_rng(0), []
    result.targets.append("a Gaussian (chains)")
    for n in SAMPLED:
        levels = chain.levels(n)
        runs.append(run_of(sampled_law(chain, levels, start, rng), chain, n, levels))
        result.rows.append((n, float(np.max(np.abs(runs[-1].mean))),
                            float(np.max(np.abs(runs[-1].cov)))))
    law = runs[-1].law
    result.sampling_error = law.standard_error
    in_single(chain, result)
    result.problems += start_problem(law, chain, start)
    noisy = np.max(np.abs(law.noise)) > max(1e-6, STANDARD_ERRORS * law.standard_error)
    said(result, deterministic, noisy, law)
    A = np.stack([np.ones(len(SAMPLED)), *(np.array(SAMPLED, float)**-p for p in (1, 2))], axis=1)
    weights = np.linalg.pinv(A)[0]
    limit = weights @ np.stack([run.e for run in runs])
    unit = float((2 / CHAINS)**0.5 * np.sum(weights**2)**0.5)
    result.power = STANDARD_ERRORS * unit
    order_of(result, SAMPLED, STANDARD_ERRORS)
    if np.max(np.abs(limit)) > result.power:
        result.problems.append(named(runs, None, chain, weights))
    for run in runs[::-1]:
        strange = not_normal(run.law)
        if strange:
            result.problems.append(f"after {run.n} steps {strange}: its noise or its steps are "
                                   "not those of a sampler, although the score is affine")
            break
    claim(result, chain.single)


