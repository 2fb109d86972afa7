"""Certificates of two lists: right samplers are never called wrong, wrong ones never certified."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from refsgm import check_sampler, karras_sigmas
from refsgm.oracle.sampler.certificate import Certificate
from refsgm.oracle.sampler.convergence import convergence
from refsgm.oracle.sampler.orders import claim
from tests.oracle.samplers.right import RIGHT, euler, heun, pairs
from tests.oracle.samplers.spelled import churned
from tests.oracle.samplers.wrong import WRONG


# ledgers.sampler_rates runs them all
FEW_RIGHT, FEW_WRONG = RIGHT[1::12], WRONG[::12]


@pytest.mark.parametrize(("name", "sampler", "options"), FEW_RIGHT, ids=[r[0] for r in FEW_RIGHT])
def test_a_right_sampler_is_certified(name, sampler, options):
    """[POP-3] [POP-4] Of every order from 1 to 4, in every kind of coordinates."""
    certificate = check_sampler(sampler, **options)
    assert certificate.answer == "certified", certificate


@pytest.mark.parametrize(("name", "sampler", "options", "cause"), FEW_WRONG,
                         ids=[w[0] for w in FEW_WRONG])
def test_a_wrong_sampler_is_not_certified(name, sampler, options, cause):
    """[POP-3] Biases from half a percent of a variance, and slips that no unit vector shows."""
    certificate = check_sampler(sampler, **options)
    assert not certificate.ok, certificate
    assert not cause or any(
        cause in p for p in (*certificate.problems, *certificate.doubts, *certificate.notes)), (
            certificate)


def test_the_lists_are_long():
    """Sixty of each at least, so that a rate means something."""
    assert min(len(RIGHT), len(WRONG)) >= 60


def test_an_order_that_a_gaussian_flatters_is_seen_on_the_mixture():
    """[POP-4] A Taylor step with the Jacobian at the mean: order 2 on a Gaussian alone."""
    def taylor(f, x, sigmas, rng):
        mean = np.array([[1.0, -0.5]])
        for t, s in pairs(sigmas):
            h, e = s - t, 1e-4
            J = np.concatenate([(f(mean + e * v, t) - f(mean - e * v, t)) / (2 * e)
                                for v in np.eye(2)[:, None]])
            g = lambda x, t: -t * f(x, t)                               # noqa: E731
            rate = (g(x, t * (1 + e)) - g(x, t * (1 - e))) / (2 * e * t)
            x = x + h * g(x, t) + h * h / 2 * (rate - t * g(x, t) @ J)
        return x
    certificate = check_sampler(taylor, claimed_order=2)
    assert "a mixture" in str(certificate.problems), certificate


def test_an_error_that_falls_by_jumps_has_no_limit_yet():
    """[POP-4] Heun on every second level for every second n: right, and never called wrong."""
    def changing(f, x, sigmas, rng):
        return heun(f, x, sigmas[::1 + (len(sigmas) - 1).bit_length() % 2])
    certificate = check_sampler(changing, claimed_order=2)
    assert certificate.answer == "not seen", certificate


@pytest.mark.parametrize(("last", "order"), [(4.11, np.nan), (2.2, 2.2)])
def test_an_order_that_jumps_is_no_order(last, order):
    """[POP-4] Local orders 0.3 and 4.1 confirm no claim, and 2.1 and 2.2 do."""
    orders = [(32, 0.58), (64, 0.3 if last > 4 else 2.1), (128, last)]
    certificate = Certificate("diffusion", "numpy", "exact", claimed_order=2,
                              tables=[("a mixture", "geometric levels", orders, 0.0, 0.0)])
    claim(certificate, single=False)
    assert_allclose(certificate.order, order)
    assert certificate.ok == (last < 4)
    assert certificate.ok or "have not settled" in certificate.doubts[0]


def test_a_limit_that_is_hardly_known_is_not_certified_for_a_constant_that_is_allowed():
    """[POP-4] Errors from which a limit of 0.30 follows, and is uncertain by 0.30."""
    errors = np.array([[0.908], [0.893], [0.597], [0.448]])
    found = convergence([32, 64, 128, 256], errors, 1e-12, offset=0.005)
    assert found.answer == "not seen"
    assert found.uncertainty > 0.2


@pytest.mark.parametrize(("options", "message"), [
    ({"claimed_order": float("nan")}, "claimed_order must be a positive number"),
    ({"claimed_order": True}, "claimed_order must be a positive number"),
    ({"claimed_order": "2"}, "claimed_order must be a positive number"),
    ({"seconds": -1}, "seconds must be a positive number"),
    ({"seconds": 0}, "seconds must be a positive number"),
    ({"levels": "mine"}, "levels must be one of given, own"),
    ({"predicts": "velocity"}, "predicts must not be \"velocity\""),
    ({"predicts": "F", "coordinates": "vp"}, "predicts must not be \"F\"")])
def test_options_are_validated(options, message):
    """As check validates its own."""
    with pytest.raises(ValueError, match=message):
        check_sampler(euler, **options)
    with pytest.raises(ValueError, match="sampler must be a function"):
        check_sampler(None)


def test_a_sampler_with_its_own_levels_is_judged_from_its_first_call():
    """[POP-3] Its error at usual numbers of steps, and what limits it."""
    def own(last):
        def sampler(f, x, n, rng):
            sigmas = np.append(np.geomspace(50.0, last, n), 0.0)
            return heun(f, 50 * x, sigmas)
        return sampler
    right = check_sampler(own(0.01), levels="own", start="noise")
    assert right.ok, right
    assert [row[0] for row in right.rows] == [10, 20, 50, 100, 250]
    wrong = check_sampler(lambda f, x, n, rng: 1.1 * own(0.01)(f, x, n, rng), levels="own",
                          start="noise")
    assert "does not tend to the data" in wrong.problems[0], wrong
    coarse = check_sampler(own(0.3), levels="own", start="noise")
    assert "its last level, sigma = 0.3, limits it" in str(coarse.notes), coarse


def test_a_start_is_held_against_the_level_of_the_first_call():
    """[POP-3] With noise that is churned in before it; a level that comes too early is named."""
    def own(steps):
        return lambda f, x, n, rng: steps(f, 14.0 * x, np.append(np.geomspace(14.0, 0.01, n), 0),
                                          rng)

    def early(f, x, sigmas, rng):
        return euler(lambda x, t: f(x, max(0.85 * t, 0.01)), x, sigmas)
    right = check_sampler(own(churned), levels="own", start="noise")
    assert right.ok, right
    wrong = check_sampler(own(early), levels="own", start="noise")
    assert "calls its model at a level of 11.9" in wrong.problems[0], wrong


def test_states_that_are_not_finite_are_located():
    """At which call of the model they are."""
    def sampler(f, x, sigmas, rng):
        for i, (t, s) in enumerate(pairs(sigmas)):
            x = x + (s - t) * -t * f(x, t) + (np.nan if i == 6 else 0)
        return x
    assert "from call 8 of the model on" in str(check_sampler(sampler).problems)


def test_sampled_certificates_state_their_power():
    """What they would not see."""
    rng = np.random.default_rng(1)

    def sampler(f, x, sigmas, _):
        for t, s in pairs(sigmas):
            x = x + (t*t - s*s) * f(x, t) + (t*t - s*s)**0.5 * rng.standard_normal(x.shape)
        return x
    certificate = check_sampler(sampler)
    assert 0.001 < certificate.power < 0.2
    assert "of the variance would not be seen" in " ".join(str(certificate).split())


def test_an_order_that_own_levels_hide_is_not_certified():
    """[POP-4] A sampler whose error is the same at every n shows no order, whatever is claimed."""
    def fixed(score_fn, x, n, rng):
        return heun(score_fn, x, karras_sigmas(10.0, 0.02, 100), rng)
    assert check_sampler(fixed, levels="own").ok
    certificate = check_sampler(fixed, levels="own", claimed_order=3)
    assert certificate.answer == "not seen", certificate
    assert "cannot be seen" in certificate.doubts[0]
