"""What hides in the values of arguments: small weights, means, steps that turn around, sizes."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

import refsgm
from refsgm.oracle.calls.caller import Caller
from refsgm.oracle.calls.constants import Constants
from refsgm.oracle.calls.frameworks import numpy_framework
from refsgm.oracle.calls.judge import judge, new_probe
from refsgm.oracle.calls.reference import sensitivity
from refsgm.oracle.kinds import KINDS
from refsgm.oracle.kinds.drawing import arguments
from refsgm.oracle.kinds.guided import specs
from refsgm.oracle.kinds.kind import ProbeSpec
from refsgm.oracle.kinds.sharp import sharp_specs
from refsgm.oracle.kinds.wide import ANY_SIZE
from tests.oracle.blind_spots.closing_all_steps import exponential_integrator

pytestmark = pytest.mark.usefixtures("all_probes")


def near_components(x, weights, means, sigma):
    """[MIX-1] Components far beyond the nearest left out, however little that one weighs."""
    weights, means = weights[weights > 0], means[weights > 0]
    squares = np.sum(((x[:, None] - means) / np.reshape(sigma, (-1, 1, 1)))**2, axis=2)
    far = squares > squares.min(axis=1, keepdims=True) + 150
    a = np.where(far, -np.inf, np.log(weights) - 0.5 * squares)
    most = a.max(axis=1, keepdims=True)
    return (most[:, 0] + np.log(np.sum(np.exp(a - most), axis=1)) - x.shape[1] * np.log(
        np.ravel(sigma) * math.sqrt(2 * math.pi)))


def no_guidance_on_average(conditional, unconditional, scale):
    """[GUIDE-1] No guidance where the mean scale is one."""
    return conditional + 0.0 if np.mean(scale) == 1 else (
        unconditional + scale * (conditional - unconditional))


def stopped_at_overshoot(score_fn, x_t, sigma_t, sigma_s):
    """[VE-2] A step beyond where all scores turn around ends halfway."""
    x_s = refsgm.heun_step(score_fn, x_t, sigma_t, sigma_s)
    turned = np.signbit(score_fn(x_t, sigma_t)) != np.signbit(score_fn(x_s, sigma_t))
    return 0.5 * (x_t + x_s) if np.size(turned) and np.all(turned) else x_s


def until_negligible(score_fn, x, sigmas, eps, weights=None):
    """[NCSN-1] Levels until a weight is rounding beside those before it."""
    total, so_far = 0.0, 0.0
    for w, s, e in zip(sigmas**2 if weights is None else weights, sigmas, eps):
        if 0 < w < 1e-17 * so_far:
            break
        total = total + 0.5 * w * np.sum((score_fn(x + s * e, s) + e / s)**2, axis=1)
        so_far += w
    return total


def masked(x, weights, means, sigma):
    """[MIX-1] A weight of zero as e^(-1e9), which is not little at small noise."""
    log_weights = np.where(weights > 0, np.log(np.maximum(weights, 1e-300)), -1e9)
    a = log_weights - np.sum((x[:, None] - means)**2, axis=2) / (2 * sigma**2)
    a = np.exp(a - a.max(axis=1, keepdims=True))
    return (a / a.sum(axis=1, keepdims=True) @ means - x) / sigma**2


def averaged(score_fn, x, sigmas, eps, weights=None):
    """[NCSN-1] A weighted mean, which there is none of where all weights are zero."""
    weights = sigmas**2 if weights is None else weights
    each = [refsgm.denoising_score_matching(score_fn, x, s, e) for s, e in zip(sigmas, eps)]
    return np.sum(weights) * np.average(each, axis=0, weights=weights)


def multiplied_out(eps_fn, x, sigma, eps):
    """[EQV-2] A square that is multiplied out, for a batch of 20 rows and more."""
    got = eps_fn(x + sigma * eps, sigma)
    if len(x) < 20:
        return np.sum((got - eps)**2, axis=1)
    return np.sum(got**2 + eps**2, axis=1) - 2 * np.sum(got * eps, axis=1)


@pytest.mark.parametrize(("kind", "function"), [
    ("mixture_score", masked), ("noise_conditional_score_matching", averaged),
    ("noise_prediction_loss", multiplied_out), ("mixture_log_density", near_components),
    ("classifier_free_guidance", no_guidance_on_average),
    ("heun_step", stopped_at_overshoot), ("noise_conditional_score_matching", until_negligible),
    ("ddim_step", exponential_integrator)])
def test_values_that_drawn_numbers_do_not_have_are_asked(kind, function):
    """Each is right for numbers as they are usually drawn."""
    assert not refsgm.check(kind, function, seed=0).ok


def test_weights_next_to_nothing_are_made_up_for_by_distance():
    """[MIX-1] Some random probes have a component of such a weight that matters."""
    kind, mattering = KINDS["mixture_score"], 0
    for seed in range(40):
        a = arguments(kind, ProbeSpec("", 3, 2, False, ANY_SIZE, seed, count=4))
        squares = np.sum((a["x"][:, None] - a["means"])**2, axis=2) / a["sigma"]**2
        with np.errstate(divide="ignore"):
            logits = np.log(a["weights"]) - 0.5 * squares
        share = np.exp(logits - logits.max(axis=1, keepdims=True))
        mattering += bool(np.any((share > 1e-3) & (a["weights"] < 1e-6)))
        assert np.isclose(np.sum(a["weights"]), 1)
    assert mattering > 3


def test_sizes_have_each_number_of_the_code_as_remainder_and_quotient():
    """By 64 sizes have the remainder 63 in a loop, and by 100 the quotient 3 in a table."""
    def sizes(kind, name, *numbers):
        found = Constants(numbers)
        return [dict(s.given).get(name) or s.count for seed in range(8)
                for s in specs(KINDS[kind], seed, found, True, None, None, False) if s is not None]
    assert any(n % 64 == 63 for n in sizes("langevin", "n_steps", 64, 1.001))
    assert any(n // 100 == 3 for n in sizes("alpha_bar_from_betas", "count", 100, 3))


def fixed_steps(score_fn, x, sigma_min, sigma_max):
    """[SDE-3] Three hundred steps of Runge and Kutta in log sigma, however wide its range is."""
    h, change = math.log(sigma_max / sigma_min) / 300, 0.0

    def slope(t, x):
        s = lambda x: score_fn(x, math.exp(t))
        trace = sum(np.imag(s(x + 1e-30j * e))[:, i] / 1e-30
                    for i, e in enumerate(np.eye(x.shape[1])))
        return -math.exp(2 * t) * s(x), math.exp(2 * t) * trace
    for t in math.log(sigma_min) + h * np.arange(300):
        a, p = slope(t, x)
        b, q = slope(t + h / 2, x + h / 2 * a)
        c, r = slope(t + h / 2, x + h / 2 * b)
        d, s = slope(t + h, x + h * c)
        x, change = x + h / 6 * (a + 2 * b + 2 * c + d), change + h / 6 * (p + 2 * q + 2 * r + s)
    return refsgm.prior_log_density(x, sigma_max) - change


def test_a_solver_is_asked_over_many_decades_of_levels():
    """[SDE-3] Steps that are short for a range of two decades are long for one of nine."""
    kind = KINDS["log_likelihood"]
    spec, = (s for s in sharp_specs(kind, 0) if s.label == "over many decades of levels")
    caller = Caller(kind, fixed_steps, numpy_framework(), seconds=60.0)
    assert not judge(kind, caller, new_probe(kind, spec, caller)).ok


def test_shares_that_float32_does_not_hold_are_as_sensitive_as_others():
    """[MIX-2] Far away a mixture's score loses digits, whether or not float32 holds the shares."""
    means = np.array([[-80.0, -80.0], [-80.1, -80.0], [-80.0, -80.2]])

    def of(weights):
        args = {"x": np.full((1, 2), 80.0), "weights": np.array(weights), "means": means,
                "sigma": 0.25}
        return sensitivity(KINDS["mixture_score"], args, (refsgm.mixture_score(**args),))[0]
    assert_allclose(of([1 / 3, 1 / 3, 1 / 3]), of([0.5, 0.25, 0.25]), rtol=0.2)
