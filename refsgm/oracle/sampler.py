"""Certificates of whole samplers: mean, covariance and order on a Gaussian, against the exact law.

    K = (C + sigma_end^2 I) - M (C + sigma_start^2 I) M',    the noise that a drift needs

A sampler that contracts its start by M ends right if its noise has covariance K, however it is
spread over the steps; for a probability flow K is zero. So M and the noise tell which is wrong.
Laws that are estimated from chains are judged within five standard errors.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from scipy.linalg import solve_discrete_lyapunov

from .calls.chains import (AXES, CHAINS, COV, MEAN, SIGMA_MAX, SIGMA_MIN, VARIANCES, Chain, D,
                           Refused, draws_its_own, exact_law, sampled_law)
from .calls.frameworks import framework_of
from .report import wrapped

STEPS, STEP_SIZES, STANDARD_ERRORS = (32, 64, 128, 256), (0.1, 0.05, 0.025, 0.0125), 5
ESTIMATED = (f"it draws its own noise, so its law is estimated from chains and judged within "
             f"{STANDARD_ERRORS} standard errors; draw from the rng that is passed for an exact "
             "certificate")
NEAR = 0.03                                     # how well a factor must fit to be named


@dataclass
class Certificate:
    """What is certain about a sampler; true if nothing is wrong with it.

    rows      (steps or step size, error of the mean, error of the covariance)
    order     slope of log error against -log n, with its standard error; NaN if not observed
    method    "exact" or the number of chains
    problems  what is wrong, each one sentence;  notes  what is worth knowing
    """

    kind: str
    framework: str
    method: str = "exact"
    rows: list = field(default_factory=list)
    sampling_error: float = 0.0
    rounding_error: float = 1e-11
    order: float = math.nan
    standard_error: float = math.nan
    claimed_order: float | None = None
    problems: list = field(default_factory=list)
    notes: list = field(default_factory=list)

    @property
    def ok(self):
        """Whether it is certified."""
        return not self.problems

    def __bool__(self):
        return self.ok

    def as_dict(self):
        """Plain data, for JSON."""
        def number(a):
            return a if a is None or math.isfinite(a) else None
        return {"kind": self.kind, "framework": self.framework, "ok": self.ok,
                "method": self.method, "rows": [[number(a) for a in row] for row in self.rows],
                "sampling_error": self.sampling_error, "order": number(self.order),
                "standard_error": number(self.standard_error),
                "claimed_order": self.claimed_order, "problems": list(self.problems),
                "notes": list(self.notes)}

    def __str__(self):
        first = "step size" if self.kind == "langevin" else "steps"
        lines = [f"{self.kind} sampler ({self.framework}, {self.method}): "
                 + ("certified" if self.ok else "not certified")]
        for problem in self.problems:
            lines += wrapped(f"-> {problem}.", 2)
        if self.rows:
            lines += ["", f"  {first:>9} {'error of mean':>15} {'of covariance':>15}"]
            lines += [f"  {n:>9g} {mean:>15.2e} {cov:>15.2e}" for n, mean, cov in self.rows]
        if self.sampling_error:
            lines += [f"  standard error of the covariance {self.sampling_error:.1e}"]
        if math.isfinite(self.order):
            claim = "" if self.claimed_order is None else f", claimed {self.claimed_order:g}"
            lines += ["", f"  observed order {self.order:.2f} +- {self.standard_error:.2f}{claim}"]
        for note in self.notes:
            lines += wrapped(f"note: {note}", 2)
        return "\n".join(lines)


def check_sampler(sampler, framework="numpy", *, kind="diffusion", coordinates="ve", predicts=None,
                  start="state", claimed_order=None, deterministic=None, seconds=60.0):
    """Certify a whole sampler on a Gaussian: mean, covariance and order, a `Certificate`.  [POP-4]

    sampler        function (model, x, levels, rng) -> the last state (B, D), or an iterable of
                   states; levels are sigmas (n + 1,), decreasing to 0, or the table alpha_bar
                   (n + 1,) with alpha_bar[0] = 1. It should draw its noise from
                   rng.standard_normal(shape) or rng.normal, arrays of its framework; one that
                   draws its own is judged from many chains
    kind           "diffusion"; for "langevin" the sampler is a function
                   (score_fn, x, step_size, n_steps, rng) -> the same
    framework      "numpy", "autograd", "torch", "jax" or "cupy"
    coordinates    "ve" (x_0 + sigma eps, levels sigmas) or "vp" (levels alpha_bar)
    predicts       what model(x, level) returns: "score", "eps" or "x0"; by default score in ve, eps
                   in vp
    start          "state": x is a state at the first level; "noise": x is standard normal noise,
                   which the sampler scales
    claimed_order  order that it is said to have
    deterministic  whether it is said to add no noise
    seconds        time limit of one run
    Raises ValueError for an option that does not exist, and ModuleNotFoundError for a framework
        that is not installed.

    >>> import refsgm
    >>> certificate = check_sampler(lambda score_fn, x, sigmas, rng: refsgm.
    ...                             probability_flow_sampler(score_fn, x, sigmas), claimed_order=2)
    >>> certificate.ok, round(certificate.order)
    (True, 2)
    """
    predicts = predicts or ("eps" if coordinates == "vp" else "score")
    for name, value, values in (("kind", kind, ("diffusion", "langevin")),
                                ("coordinates", coordinates, ("ve", "vp")),
                                ("predicts", predicts, ("score", "eps", "x0")),
                                ("start", start, ("state", "noise"))):
        if value not in values:
            raise ValueError(f"{name} must be one of {', '.join(values)}, got {value!r}")
    chain = Chain(sampler, framework_of(framework), kind, coordinates, predicts, seconds)
    result = Certificate(kind, framework, claimed_order=claimed_order)
    try:
        if kind == "langevin":
            certify_langevin(chain, result)
        else:
            certify_diffusion(chain, result, start, deterministic)
    except Refused as reason:
        result.problems.append(str(reason))
    return result


def moments(law, chain, sigmas):
    """Mean and covariance of the end for a start from the exact law at the first level."""
    sigma = float(sigmas[0])
    M = law.M * (1 + sigma**2)**-0.5 if chain.vp else law.M
    return M @ MEAN + law.offset, M @ (COV + sigma**2 * np.eye(D)) @ M.T + law.noise, M


def certify_diffusion(chain, result, start, deterministic):
    """Fill in the certificate of a sampler that goes through noise levels."""
    try:
        own = draws_its_own(chain, chain.levels(STEPS[0]))
    except Refused:
        if chain.vp:
            raise
        chain.ends_at_zero = False
        own = draws_its_own(chain, chain.levels(STEPS[0]))
        result.notes.append(f"it does not take sigma = 0, so the levels end at {SIGMA_MIN:g}")
    rng, laws = np.random.default_rng(0), []
    steps = tuple(n // 2 for n in STEPS) if own else STEPS
    result.method = f"{CHAINS} chains" if own else "exact"
    if own:
        result.notes.append(ESTIMATED)
    for n in steps:
        sigmas = chain.levels(n)
        law = sampled_law(chain, sigmas, start, rng) if own else exact_law(chain, sigmas)
        mean, cov, M = moments(law, chain, sigmas)
        end = float(sigmas[-1])
        laws.append((law, mean, cov, M, cov - COV - end**2 * np.eye(D)))
        result.rows.append((n, float(np.max(np.abs(mean - MEAN))),
                            float(np.max(np.abs(laws[-1][-1])))))
    law = laws[-1][0]
    result.sampling_error = law.standard_error
    in_single(chain, result)
    result.problems += start_problem(law, chain, start)
    noisy = np.max(np.abs(law.noise)) > max(1e-6, STANDARD_ERRORS * law.standard_error)
    if deterministic and noisy:
        result.problems.append("it is said to be deterministic, but adds noise of variance "
                               f"{np.trace(law.noise) / D:.3g}")
    if deterministic is False and not noisy:
        result.problems.append("it is said to be stochastic, but adds no noise")
    order_of(result, steps)
    wrong = sampled_bias(laws, steps) if own else does_not_converge(result)
    if wrong:
        result.problems.append(named(laws, chain, steps))
    if law.last > 0 and law.late and chain.ends_at_zero and not wrong:
        result.notes.append("its last step, to no noise, still adds noise, of standard deviation "
                            f"{law.last:.2g} after {steps[-1]} steps")
    claim(result)


def in_single(chain, result):
    """Allow for float32, which JAX has by default and a network may have in a loop in float64."""
    if chain.single:
        result.rounding_error = 1e-4
        result.notes.append("it computes in float32 somewhere, so errors below 1e-4, and what is "
                            "left of them after many steps below 1e-3, are not judged")


def start_problem(law, chain, start):
    """What is wrong with where the chains start."""
    right = 1.0 if chain.vp else SIGMA_MAX
    words = "N(0, 1)" if chain.vp else "N(0, sigma_max^2)"
    size = law.own if law.start == 0 else law.start if start == "noise" else None
    if size is None:
        if abs(law.start - 1) < 0.02:
            return []
        return [f"it multiplies its start by {law.start:.3g}; if it expects standard normal noise "
                "and scales it, say start=\"noise\""]
    if abs(size / right - 1) < 0.02:
        return []
    if not chain.vp and abs(size - 1) < 0.02:
        return [f"it starts from N(0, 1) instead of {words}: multiply the noise by sigmas[0]"]
    return [f"it starts from noise of standard deviation {size:.3g} instead of {words}, that is "
            f"{right:g}"]


def order_of(result, steps):
    """Fit the order, where the errors stand out from rounding and sampling."""
    errors = np.array([max(mean, cov) for _, mean, cov in result.rows])
    floor = max(result.rounding_error, STANDARD_ERRORS * result.sampling_error)
    clear = errors > floor
    if clear.sum() < 3:
        if not clear.any() and not result.sampling_error:
            result.notes.append("its law is exact to rounding at every number of steps")
        elif result.sampling_error:
            result.notes.append("its errors are not above the sampling error, so no order is seen")
        return
    a, b = np.log(np.array(steps, float))[clear], np.log(errors[clear])
    a = a - np.mean(a)
    slope = -np.sum(a * b) / np.sum(a**2)
    residual = b - np.mean(b) + slope * a
    result.order = float(slope)
    result.standard_error = float((np.sum(residual**2) / (len(a) - 2) / np.sum(a**2))**0.5)


def does_not_converge(result):
    """Whether the error stops falling as the number of steps grows."""
    errors = [max(mean, cov) for _, mean, cov in result.rows]
    if errors[-1] < 10 * result.rounding_error:
        return False
    slopes = -np.diff(np.log2(np.maximum(errors, 1e-300)))
    return slopes[-1] < 0.6 or slopes[-1] < slopes[0] - 0.25


def limit(values, steps):
    """The value at infinitely many steps by a fit of 1, 1/n, 1/n^2, and the weights of the fit."""
    A = np.stack([np.ones(len(steps)), 1 / np.array(steps), 1 / np.array(steps)**2], axis=1)
    weights = np.linalg.pinv(A)[0]
    return np.tensordot(weights, np.stack(values), axes=1), weights


def sampled_bias(laws, steps):
    """Whether the limit of the sampled laws differs from the exact law."""
    cov, weights = limit([row[4] for row in laws], steps)
    mean, _ = limit([row[1] - MEAN for row in laws], steps)
    unit = laws[-1][0].standard_error * np.sqrt(np.sum(weights**2))
    return max(np.max(np.abs(cov)), np.max(np.abs(mean))) > STANDARD_ERRORS * unit


def diagonal(a):
    """Diagonal in the axes of the covariance."""
    return np.diag(AXES.T @ a @ AXES)


def named(laws, chain, steps):
    """What is wrong with the limit law: drift, noise, or a number for each."""
    M = diagonal(limit([row[3] for row in laws], steps)[0])
    noise = diagonal(limit([row[0].noise for row in laws], steps)[0])
    end = VARIANCES + (0.0 if chain.ends_at_zero else SIGMA_MIN**2)
    begin = VARIANCES + SIGMA_MAX**2
    needed = end - M**2 * begin
    slack = NEAR + STANDARD_ERRORS * 2 * laws[-1][0].standard_error
    with np.errstate(all="ignore"):
        power = np.log(np.abs(M)) / np.log(end / begin)            # 1/2 for the ODE, 1 for the SDE
        steady = np.ptp(power) < slack and np.all(M > 0)
    beta, before = float(np.mean(power)), [np.trace(row[0].noise) for row in laws[-2:]]
    if before[0] > 1e-9 and before[1] < 0.7 * before[0]:
        return ("its noise vanishes as steps get smaller: a variance stands where the standard "
                "deviation is meant")
    ratio = noise / np.where(np.abs(needed) > 1e-3, needed, np.nan)
    if np.all(noise < max(1e-3, 10 * laws[-1][0].standard_error)):
        if steady and abs(beta - 1) < slack:
            return ("it has the drift of the reverse SDE and no noise: the probability flow has "
                    "half of that score term, g^2 / 2")
        if steady and beta < -slack:
            return "it moves away from the data: the sign of the score term is wrong"
        if steady:
            return f"its score term is {2 * beta:.3g} times that of the probability flow"
        return ("it adds no noise, and contracts the two axes by "
                f"{M[0]:.3g} and {M[1]:.3g}, where {(end / begin)[0]**0.5:.3g} and "
                f"{(end / begin)[1]**0.5:.3g} are right")
    rate = None
    if steady and abs(beta - 0.5) > slack:
        gain = end**(2 * beta) * (begin**(1 - 2 * beta) - end**(1 - 2 * beta)) / (1 - 2 * beta)
        rate = noise / gain                                            # 1 for the reverse SDE
    if (rate is not None and np.ptp(rate) < slack and abs(np.mean(rate) - 1) < slack
            and abs(beta - 1) > 3 * slack):
        return f"its score term is {beta:.3g} times that of the reverse SDE; its noise is right"
    if steady and abs(beta - 0.5) < slack:
        return ("it has the drift of the probability flow, which takes no noise, but adds noise of "
                f"variance {np.mean(noise):.3g}")
    if np.all(needed > 1e-3) and np.ptp(ratio) < 2 * slack * np.mean(ratio):
        f = float(np.mean(ratio))**0.5
        return (f"its noise is too {'large' if f > 1 else 'small'} by a factor {f:.3g} (its "
                f"variance by {f * f:.3g}) for its drift")
    last = laws[-1][0].last
    if last and abs(np.mean(noise - needed) - last**2) < slack * last**2:
        return f"its last step adds noise of standard deviation {last:.3g} to the samples"
    got = M**2 * begin + noise
    return (f"its covariance tends to {got[0]:.3g} and {got[1]:.3g} along the two axes, where "
            f"{end[0]:.3g} and {end[1]:.3g} are right")


def claim(result):
    """Compare the order with the one claimed."""
    if result.claimed_order is not None and not math.isfinite(result.order) and not result.problems:
        result.problems.append(f"its order cannot be seen here, and {result.claimed_order:g} is "
                               "claimed: leave claimed_order out")
    if result.claimed_order is None or not math.isfinite(result.order) or result.problems:
        return
    if result.order < result.claimed_order - 0.25:
        result.problems.append(f"it converges at order {result.order:.2f}, where order "
                               f"{result.claimed_order:g} is claimed")
    elif result.order > result.claimed_order + 0.25:
        result.notes.append(f"its order is better than the {result.claimed_order:g} claimed")


def certify_langevin(chain, result):
    """Fill in the certificate of a sampler with a stationary law, by its single steps.  [LANG-3]"""
    own, rng = draws_its_own(chain, (STEP_SIZES[0], 1)), np.random.default_rng(0)
    chains = 10 * CHAINS                                              # for single steps are cheap
    result.method = f"{chains} chains" if own else "exact"
    steps = []                       # (drift and variance of the noise in step sizes, by axis)
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
        steps.append(((1 - M) * VARIANCES / a, noise / a))
    in_single(chain, result)
    drift, noise = steps[0] if own else steps[-1]                       # 1/2 and 1 are right
    slack = 0.01
    if own:
        result.notes.append(ESTIMATED)
        error = (STEP_SIZES[0] * chains * np.min(VARIANCES))**-0.5 / np.mean(np.abs(drift))
        result.sampling_error, slack = float(error * np.max(VARIANCES)), STANDARD_ERRORS * error
        wrong = abs(np.mean(noise) / (2 * np.mean(drift)) - 1) > slack
    else:
        steps_are_steps(chain, result)
        order_of(result, [1 / a for a in STEP_SIZES])
        wrong = does_not_converge(result)
    if wrong:
        result.problems.append(named_step(drift, noise, steps, slack))
    elif abs(np.mean(drift) - 1) < slack:
        result.notes.append("its step size is half of that of x + step_size / 2 score + "
                            "sqrt(step_size) z: a convention")
    elif abs(2 * np.mean(drift) - 1) > 0.02 + slack:
        result.notes.append(f"its drift is {np.mean(drift):.3g} step sizes, where 1/2 is usual")
    claim(result)


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
