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
SAMPLED = {16: 12_000, 32: 44_000, 64: 12_000, 128: 36_000}     # chains, about w_k / n_k^(1/2)
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
    if np.max(np.abs(limit)) > result.power:
        result.problems.append(named(runs, None, chain, weights))
    for run in runs[::-1]:
        strange = not_normal(run.law, run is runs[-1])
        if strange:
            result.problems.append(f"after {run.n} steps {strange}: its noise or its steps are "
                                   "not those of a sampler, although the score is affine")
            break
    claim(result, chain.single)
