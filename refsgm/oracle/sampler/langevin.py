"""Certify a sampler with a stationary law, Langevin dynamics, by its single steps.  [LANG-3]

    C = M C M' + N,    the covariance that a step x' = M x + offset + noise leaves as it is
"""

import math

import numpy as np
from scipy.linalg import solve_discrete_lyapunov

from ..calls.chain_laws import NotAffine, draws_its_own, exact_law, sampled_law
from ..calls.chains import CHAINS, Refused
from ..calls.targets import COV, MEAN, VARIANCES, D
from .by_chains import ESTIMATED, STANDARD_ERRORS
from .causes import NEAR, diagonal
from .convergence import convergence
from .orders import claim
from .starts import in_single

STEP_SIZES = (0.1, 0.05, 0.025, 0.0125, 0.00625)

def certify_langevin(chain, result):
    """Fill in the certificate of a sampler with a stationary law, by its single steps.  [LANG-3]"""
    own, rng = draws_its_own(chain, (STEP_SIZES[0], 1)), np.random.default_rng(0)
    why = "it draws its own noise"
    if not own:
        try:
            exact_law(chain, (STEP_SIZES[0], 5))
        except NotAffine as reason:
            if reason.fatal:
                raise Refused(str(reason)) from None
            own, why = True, str(reason)
    chains = 10 * CHAINS                                              # for single steps are cheap
    result.method = f"{chains} chains" if own else "exact"
    errors, steps = [], []       # steps: drift and variance of the noise in step sizes, by axis
    for a in STEP_SIZES[:2] if own else STEP_SIZES:
        law = (sampled_law(chain, (a, 1), "state", rng, chains) if own
               else exact_law(chain, (a, 1)))
        M, noise = diagonal(law.M), diagonal(law.noise)
        if np.max(np.abs(np.linalg.eigvals(law.M))) >= 1:
            raise Refused("it moves away from the data: the sign of the score term is wrong"
                          if np.all(M > 1) else f"it does not settle at step size {a:g}")
        mean = np.linalg.solve(np.eye(D) - law.M, law.offset)
        cov = solve_discrete_lyapunov(law.M, law.noise)
        result.rows.append((a, float(np.max(np.abs(mean - MEAN))),
                            float(np.max(np.abs(cov - COV)))))
        errors.append(np.append(mean - MEAN, (cov - COV)[np.triu_indices(D)]))
        steps.append(((1 - M) * VARIANCES / a, noise / a))
    in_single(chain, result)
    drift, noise = steps[0] if own else steps[-1]                       # 1/2 and 1 are right
    slack = 0.01
    if own:
        result.notes.append(f"{why}, so {ESTIMATED}")
        error = (STEP_SIZES[0] * chains * np.min(VARIANCES))**-0.5 / np.mean(np.abs(drift))
        result.sampling_error, slack = float(error * np.max(VARIANCES)), STANDARD_ERRORS * error
        wrong = abs(np.mean(noise) / (2 * np.mean(drift)) - 1) > slack
    else:
        steps_are_steps(chain, result)
        floor = 1e-4 if chain.single else result.rounding_error
        found = convergence([1 / a for a in STEP_SIZES], errors, floor, single=chain.single)
        result.tables.append(("a Gaussian", "1 / step size", found.orders,
                              float(np.linalg.norm(found.limit)), found.uncertainty))
        if found.answer == "not seen":
            result.doubts.append(found.why)
        wrong = found.answer == "wrong"
    if wrong:
        result.problems.append(named_step(drift, noise, steps, slack))
    elif abs(np.mean(drift) - 1) < slack:
        result.notes.append("its step size is half of that of x + step_size / 2 score + "
                            "sqrt(step_size) z: a convention")
    elif abs(2 * np.mean(drift) - 1) > 0.02 + slack:
        result.notes.append(f"its drift is {np.mean(drift):.3g} step sizes, where 1/2 is usual")
    result.targets.append("a Gaussian " + ("(chains)" if own else "(its exact law)"))
    claim(result, chain.single)


def named_step(drift, noise, steps, slack):
    """What is wrong with single steps of Langevin dynamics."""
    if abs(np.mean(steps[0][1]) / np.mean(steps[1][1]) - 2) < 0.1:              # half the step size
        return ("the standard deviation of its noise is proportional to the step size, where its "
                "square root is right: the variance settles at zero")
    if np.ptp(drift) > NEAR + slack or np.ptp(noise) > (NEAR + slack) * np.mean(noise):
        return (f"the drift is {drift[0]:.3g} and {drift[1]:.3g} step sizes along the two axes, "
                f"the variance of the noise {noise[0]:.3g} and {noise[1]:.3g} step sizes; 1/2 and "
                "1 are right")
    drift, noise = np.mean(drift), np.mean(noise)
    f = (noise / (2 * drift))**0.5
    return (f"its noise is too {'large' if f > 1 else 'small'} by a factor {f:.3g} for its drift: "
            f"the variance settles at {f * f:.3g} times the right one (drift {drift:.3g} step "
            f"sizes, variance of the noise {noise:.3g}; 1/2 and 1 are right)")


def steps_are_steps(chain, result):
    """n steps are n times one step."""
    one, five = (exact_law(chain, (STEP_SIZES[0], n)) for n in (1, 5))
    if not np.allclose(np.linalg.matrix_power(one.M, 5), five.M, atol=1e-3):
        done = math.log(abs(np.linalg.det(five.M))) / math.log(abs(np.linalg.det(one.M)))
        result.problems.append(f"5 steps move as far as {done:.3g} steps of it")
