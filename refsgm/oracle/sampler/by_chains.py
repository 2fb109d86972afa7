"""Certify a sampler whose law has to be estimated, from many chains.

    L = sum_k w_k e(n_k),    w = the first row of pinv [1, 1/n, 1/n^2]: the limit of many steps
"""

import numpy as np

from ..calls.chain_laws import not_normal, sampled_law
from .causes import named
from .orders import claim, order_of
from .runs import run_of
from .starts import in_single, said, start_problem

STANDARD_ERRORS = 5
SAMPLED = {16: 10_000, 32: 36_000, 64: 10_000, 128: 32_000}     # chains, about w_k / n_k^(1/2)
FEW, BATCHES = 4, 40                                            # of rows that depend on each other
ESTIMATED = (f"its law is estimated from chains and judged within {STANDARD_ERRORS} standard "
             "errors")


def certify_by_chains(chain, result, start, deterministic):
    """The law from many chains: its limit within five standard errors, and normal ends."""
    result.method = f"{SAMPLED[max(SAMPLED)]} chains"
    rng, runs = np.random.default_rng(0), []
    result.targets.append("a Gaussian (chains)")
    for n, chains in SAMPLED.items():
        levels = chain.levels(n)
        runs.append(run_of(sampled_law(chain, levels, start, rng, chains), chain, n, levels))
        result.rows.append((n, float(np.max(np.abs(runs[-1].mean))),
                            float(np.max(np.abs(runs[-1].cov)))))
    law = runs[-1].law
    result.sampling_error = max(run.law.standard_error for run in runs)
    in_single(chain, result)
    result.problems += start_problem(law, chain, start)
    noisy = np.max(np.abs(law.noise)) > max(1e-6, STANDARD_ERRORS * law.standard_error)
    said(result, deterministic, noisy, law)
    ns = np.array(list(SAMPLED), float)
    weights = np.linalg.pinv(np.stack([ns**-p for p in range(3)], axis=1))[0]
    limit = weights @ np.stack([run.e for run in runs])
    result.power = float(STANDARD_ERRORS * np.sum(2 * weights**2 / list(SAMPLED.values()))**0.5)
    order_of(result, ns, STANDARD_ERRORS)
    if np.max(np.abs(limit)) > result.power and not not_normal(law):
        result.problems.append(named(runs, None, chain, weights))
    for run in runs[::-1]:
        strange = not_normal(run.law, run is runs[-1])
        if strange:
            result.problems.append(f"after {run.n} steps {strange}: its noise or its steps are "
                                   "not those of a sampler, although the score is affine")
            break
    if chain.coupled and not result.problems:
        small_batches(chain, result, runs[0], start, rng)
    claim(result, chain.single)


def small_batches(chain, result, run, start, rng):
    """Doubt a sampler whose rows depend on others, where it ends elsewhere in batches of four.

    run  its law in a large batch, at few steps
    """
    ends = np.concatenate([sampled_law(chain, run.levels, start, rng, FEW).rest
                           for _ in range(BATCHES)])
    end, count = run.law.rest, FEW * BATCHES
    sd = np.std(end, axis=0)
    mean = (np.mean(ends, axis=0) - np.mean(end, axis=0)) / sd
    var = np.var(ends, axis=0) / sd**2 - 1
    if np.max(np.abs(mean)) > 6 / count**0.5 or np.max(np.abs(var)) > 6 * (2 / count)**0.5:
        result.doubts.append(
            f"its rows depend on the other rows: in batches of {FEW} its mean is off by "
            f"{np.max(np.abs(mean)):.2g} standard deviations, and its variance by "
            f"{100 * np.max(np.abs(var)):.0f} %, from those in a large batch")
