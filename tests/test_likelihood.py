"""Likelihoods by the probability flow, against densities that are known."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import refsgm
from tests.support.controls import rejects
from tests.support.tolerances import EXACT, normal

SOLVER = {"rtol": 0, "atol": 1e-6}                # nats, at the solver's own tolerance, 1e-8
P = refsgm.GaussianMixture(np.array([0.3, 0.7]), np.array([[-2.0, 0.0], [2.0, 1.0]]),
                           np.array([[[1.0, 0.3], [0.3, 0.5]], [[0.4, 0.0], [0.0, 0.9]]]))
SIGMA_MIN, SIGMA_MAX = 0.1, 30.0


def score(x, sigma):
    return P.perturb(sigma).score(x)


def points():
    """20 points, the last 10 of them in the tails."""
    x = P.perturb(SIGMA_MIN).sample(40, np.random.default_rng(0))[:20]
    x[-10:] = 5 * normal(1, 10, 2)
    return x


def with_the_divergence_added(log_likelihood):
    """The likelihood whose integral of the divergence has the wrong sign."""
    def wrong(score_fn, x, sigma_min, sigma_max, *, rtol, prior=None):
        x_max = refsgm.probability_flow(score_fn, x, sigma_min, sigma_max, rtol=rtol)
        log_prior = refsgm.prior_log_density(x_max, sigma_max) if prior is None else prior(x_max)
        right = log_likelihood(score_fn, x, sigma_min, sigma_max, rtol=rtol, prior=prior)
        return 2 * log_prior - right
    return wrong


@rejects("log_likelihood", "sign of the divergence", with_the_divergence_added)
def test_the_likelihood_is_the_true_density():
    """[SDE-3] With the true prior, and the usual prior's error in closed form."""
    x = points()
    truth = P.perturb(SIGMA_MIN).log_density(x)
    with_truth = refsgm.log_likelihood(score, x, SIGMA_MIN, SIGMA_MAX, rtol=1e-8,
                                       prior=P.perturb(SIGMA_MAX).log_density)
    assert_allclose(with_truth, truth, **SOLVER)
    usual = refsgm.log_likelihood(score, x, SIGMA_MIN, SIGMA_MAX, rtol=1e-8)
    x_max = refsgm.probability_flow(score, x, SIGMA_MIN, SIGMA_MAX, rtol=1e-8)
    error = P.perturb(SIGMA_MAX).log_density(x_max) - refsgm.prior_log_density(x_max, SIGMA_MAX)
    assert_allclose(truth - usual, error, **SOLVER)
    assert np.max(np.abs(error)) > 1e-4                           # there is an error to speak of


def test_hutchinson_is_exact_over_all_axes():
    """[SDE-3] [OPS-3] The directions sqrt(D) e_i make the estimate the divergence."""
    x = points()[:5]
    v = np.sqrt(2) * np.tile(np.eye(2)[:, None, :], (1, 5, 1))
    levels = SIGMA_MIN, SIGMA_MAX
    assert_allclose(refsgm.log_likelihood(score, x, *levels, v=v),
                    refsgm.log_likelihood(score, x, *levels), **SOLVER)


@rejects("probability_flow", "ends at half of the level",
         lambda f: lambda s, x, a, b, **kw: f(s, x, a, b / 2, **kw))
def test_the_flow_goes_back_to_where_it_came_from():
    """[SDE-2]"""
    x = points()[:10]
    there = refsgm.probability_flow(score, x, SIGMA_MIN, SIGMA_MAX, rtol=1e-10)
    back = refsgm.probability_flow(score, there, SIGMA_MAX, SIGMA_MIN, rtol=1e-10)
    assert_allclose(back, x, rtol=0, atol=1e-6)


@rejects("prior_log_density", "sigma for sigma squared",
         lambda f: lambda x, sigma: f(x, sigma**0.5))
def test_the_prior_is_the_gaussian():
    """[SDE-3]"""
    x = normal(0, 4, 3)
    assert_allclose(refsgm.prior_log_density(x, 3.0),
                    refsgm.Gaussian(np.zeros(3), 9 * np.eye(3)).log_density(x), **EXACT)


@rejects("bits_per_dimension", "sign of the bin width",
         lambda f: lambda p, d, w=1.0: f(p, d, 1 / w))
def test_bits_per_dimension_count_bins():
    """[BPD-1] Uniform bytes need eight bits, however they are scaled."""
    for width in (1.0, 2 / 256, 1 / 256):
        log_density = np.array([-5 * np.log(256 * width)])
        assert_allclose(refsgm.bits_per_dimension(log_density, 5, width), 8.0, **EXACT)


def test_a_row_keeps_its_accuracy_beside_a_row_far_away():
    """[SDE-2] [SDE-3] The tolerance is each row's own, whatever the batch."""
    x = np.vstack([points()[:2], [[1e4, 1e4]]])
    truth = P.perturb(SIGMA_MIN).log_density(x)
    found = refsgm.log_likelihood(score, x, SIGMA_MIN, SIGMA_MAX,
                                  prior=P.perturb(SIGMA_MAX).log_density)
    for rows, limit in ((slice(0, 2), 1e-8), (slice(2, 3), 1e-8 * -truth[2])):
        assert_allclose(found[rows], truth[rows], rtol=0, atol=limit)
    together = refsgm.probability_flow(score, x, SIGMA_MIN, SIGMA_MAX)
    alone = refsgm.probability_flow(score, x[:2], SIGMA_MIN, SIGMA_MAX, rtol=1e-12)
    assert_allclose(together[:2], alone, rtol=1e-8, atol=0)


def test_a_feature_keeps_its_accuracy_beside_a_much_wider_one():
    """[SDE-3] Standard deviations of 1 and 1e6 in one row."""
    p = refsgm.Gaussian(np.zeros(2), np.diag([1.0, 1e12]))
    x = p.sample(2, np.random.default_rng(0))
    found = refsgm.log_likelihood(lambda x, sigma: p.perturb(sigma).score(x), x, 0.1, 1e7,
                                  prior=p.perturb(1e7).log_density)
    assert_allclose(found, p.perturb(0.1).log_density(x), rtol=0, atol=1e-7)


@pytest.mark.parametrize("solve", [refsgm.probability_flow, refsgm.log_likelihood])
@pytest.mark.parametrize(("wrong", "message"), [
    (lambda x, sigma: x * np.nan, r"^score_fn\(x, sigma\) and its divergence must be finite"),
    (lambda x, sigma: x * (np.inf if sigma > 1 else -1), "must be solvable, got"),
    (lambda x, sigma: 1e6 * np.sign(np.sin(1e3 * x)), "needs more than 300 evaluations"),
], ids=["NaN", "infinite later", "discontinuous"])
def test_a_flow_that_cannot_be_solved_ends_with_a_sentence(monkeypatch, solve, wrong, message):
    """[SDE-2] [SDE-3]"""
    monkeypatch.setattr("refsgm.exact.likelihood.EVALUATIONS", 300)
    with pytest.raises(ValueError, match=message), np.errstate(all="ignore"):
        solve(wrong, np.ones((1, 2)), 0.1, 5.0)


def test_bad_input_is_refused():
    x = np.zeros((2, 2))
    for call, message in [
            (lambda: refsgm.log_likelihood(score, x, 2.0, 1.0), "sigma_min must be smaller than"),
            (lambda: refsgm.log_likelihood(score, x, 0.0, 1.0), "sigma_min must be positive"),
            (lambda: refsgm.log_likelihood(score, x[0], 0.1, 1.0), "x must have shape (B, D)"),
            (lambda: refsgm.log_likelihood(score, x, 0.1, 1.0, v=x[0]), "v must have shape (B, D)"),
            (lambda: refsgm.bits_per_dimension(1.0, 0), "dim must be an integer, at least 1"),
            (lambda: refsgm.bits_per_dimension(1.0, 2, 0.0), "bin_width must be positive")]:
        with pytest.raises(ValueError) as error:
            call()
        assert str(error.value).startswith(message)
    assert refsgm.log_likelihood(score, np.zeros((0, 2)), 0.1, 1.0).shape == (0,)
