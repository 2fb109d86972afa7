"""What is wrong with a sampler, from its law in the limit of many steps.

    K = (C + sigma_end^2 I) - M (C + sigma_start^2 I) M',    the noise that a drift needs

A sampler that contracts its start by M ends right if its noise has covariance K, however it is
spread over the steps; for a probability flow K is zero. So M and the noise tell which is wrong.
"""

from itertools import pairwise

import numpy as np

from ..calls.targets import AXES, VARIANCES

NEAR = 0.03                                     # how well a factor must fit to be named


def diagonal(a):
    """Diagonal in the axes of the covariance."""
    return np.diag(AXES.T @ a @ AXES)


def limit(values, steps, weights=None):
    """The value at infinitely many steps, by a fit of 1, 1/n, 1/n^2 to the last three."""
    if weights is None:
        values, steps = values[-3:], np.array(steps[-3:], float)
        weights = np.linalg.inv(np.stack([steps**-p for p in range(3)], axis=1))[0]
    return np.tensordot(weights, np.stack(values), axes=1)


def named(runs, found, chain, weights=None):
    """What is wrong with the limit law: drift, noise, or a number for each."""
    steps, law = [run.n for run in runs], runs[-1].law
    if found is not None and found.growth > 0:
        return f"it diverges: its error grows like n^{found.growth:.2g} with the number of steps"
    (a, b), (c, d) = chain.begin(runs[-1].levels), chain.end(runs[-1].levels)
    unit = a if a > 0 else 1.0                           # so that M is that of x / a, as in ve
    M = diagonal(limit([run.law.M for run in runs], steps, weights)) * unit / c
    noise = diagonal(limit([run.law.noise for run in runs], steps, weights)) / c**2
    end = VARIANCES + (d / c)**2
    begin = (a**2 * VARIANCES + b**2) / unit**2
    needed = end - M**2 * begin
    got = M**2 * begin + noise
    slack = NEAR + 10 * law.standard_error
    bias = total(got, end, runs, steps, weights)
    seen = np.max(np.abs(got / end - 1))
    if found is not None and np.all(np.isfinite(found.limit)) and seen > 3 * np.max(
            np.abs(found.limit)):
        return found.why                       # M and the noise are not asymptotic, their sum is
    if seen < 0.05 + 10 * law.standard_error:
        return small(got / end, noise, needed, end, law, bias)
    with np.errstate(all="ignore"):
        power = np.log(np.abs(M)) / np.log(end / begin)            # 1/2 for the ODE, 1 for the SDE
        steady = np.ptp(power) < slack and np.all(M > 0)
    if chain.coordinates.startswith("flow") and without_its_scale(runs[-1], chain):
        return ("it is the ancestral step of ve, down^2 + up^2 = t_next^2, which lacks the scale on "
                "a flow: x must be multiplied by (1 - t_next) / (1 - t_down) before the noise is "
                "added")
    beta, before = float(np.mean(power)), [np.trace(run.law.noise) for run in runs[-2:]]
    if before[0] > 1e-9 and before[1] < 0.7 * before[0]:
        return ("its noise vanishes as steps get smaller: a variance stands where the standard "
                "deviation is meant")
    ratio = noise / np.where(np.abs(needed) > 1e-3, needed, np.nan)
    if np.all(noise < max(1e-3, 10 * law.standard_error)):
        if steady and abs(beta - 1) < slack:
            return ("it has the drift of the reverse SDE and no noise: the probability flow has "
                    "half of that score term, g^2 / 2")
        if steady and beta < -slack:
            return "it moves away from the data: the sign of the score term is wrong"
        if np.all(np.abs(M - 1) < 1e-9):
            return "it returns its start as it is"
        if steady and abs(2 * beta - 1) > 0.02:
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
        return too_much(float(np.mean(ratio))**0.5)
    last = law.last
    if last and abs(np.mean(noise - needed) - last**2) < slack * last**2:
        return f"its last step adds noise of standard deviation {last:.3g} to the samples"
    return bias


def without_its_scale(run, chain):
    """Whether a law on a flow is that of ve's ancestral step, with its share of noise or less.

    up = eta t_next sqrt(1 - t_next^2 / t^2),   down^2 = t_next^2 - up^2
    """
    times = [float(b) for _, b in map(chain.kernel, run.levels)]
    M, noise = diagonal(run.law.M), diagonal(run.law.noise)
    for eta in (1.0, 0.5):
        m, n = np.ones(len(VARIANCES)), np.zeros(len(VARIANCES))
        for t, s in pairwise(times):
            up = min(s, eta * s * max(1 - s**2 / t**2, 0.0)**0.5)
            down = (s**2 - up**2)**0.5
            x_0 = (1 - t) * VARIANCES / ((1 - t)**2 * VARIANCES + t**2)
            factor = 1 + (1 - x_0) / t * (down - t)
            m, n = factor * m, factor**2 * n + up**2
        if np.allclose(M, m, rtol=NEAR, atol=1e-3) and np.allclose(noise, n, rtol=NEAR):
            return True
    return False


def total(got, end, runs, steps, weights):
    """The limit law in numbers."""
    mean = limit([run.mean for run in runs], steps, weights)
    if np.max(np.abs(got / end - 1)) < 1e-3 and np.max(np.abs(mean)) > 1e-7:
        return f"its mean tends to {numbers(mean)} beside the right one"
    return (f"its covariance tends to {got[0]:.5g} and {got[1]:.5g} along the two axes, where "
            f"{end[0]:.5g} and {end[1]:.5g} are right")


def numbers(a):
    """A vector in a sentence."""
    return "(" + ", ".join(f"{v:.3g}" for v in a) + ")"


def small(ratio, noise, needed, end, law, bias):
    """A bias of a few percent: too much or too little noise, or the limit in numbers."""
    with np.errstate(all="ignore"):
        f = noise / needed
    near = 0.02 + 10 * law.standard_error
    if (np.all(needed > 0.02 * end) and np.all(noise > 1e-9) and np.ptp(f) < near
            and abs(np.mean(f) - 1) > 1e-3):
        return too_much(float(np.mean(f))**0.5)
    return bias


def too_much(f):
    """Noise that is wrong by a factor f."""
    digits = ".3g" if abs(f - 1) > 0.02 else ".5g"
    return (f"its noise is too {'large' if f > 1 else 'small'} by a factor {f:{digits}} (its "
            f"variance by {f * f:{digits}}) for its drift")
