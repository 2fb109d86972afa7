"""Where a sampler starts, and what it is said to do with noise, against what it does."""

import numpy as np

from ..calls.chains import SIGMA_MAX
from ..calls.targets import D


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
