"""Population identities, constants included."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import refsgm
from tests.support.controls import rejects, scaled

P = refsgm.GaussianMixture(np.array([0.4, 0.6]), np.array([[-0.5], [0.7]]),
                           np.array([[[1.0]], [[0.6]]]))
P2 = refsgm.GaussianMixture(np.array([0.4, 0.6]), np.array([[-0.3, 0.1], [0.4, -0.2]]),
                            np.array([[[1.0, 0.2], [0.2, 0.8]], [[0.7, 0.0], [0.0, 1.0]]]))
IDENTITY = {"rtol": 1e-11, "atol": 1e-11}


def model(x, sigma=1.0):
    return -0.8 * x + 0.1 * x**2 - 0.02 * x**3 * sigma


@pytest.mark.parametrize(("p", "order"), [(P, 150), (P2, 80)], ids=["1-D", "2-D"])
def test_esm_is_ism_plus_its_constant(p, order):
    """[ISM-2] [POP-1] On a mixture, as population values."""
    esm = refsgm.expected(lambda x: refsgm.explicit_score_matching(model, x, p.score(x)), p, order)
    ism = refsgm.expected(lambda x: refsgm.implicit_score_matching(model, x), p, order)
    constant = refsgm.expected(lambda x: np.sum(p.score(x)**2, axis=1) / 2, p, order)
    assert_allclose(esm, ism + constant, **IDENTITY)


@rejects("expected", "twice the mass", scaled(2.0), P, 150)
@rejects("expected_over_noise", "eps independent of x_noisy",
         lambda f: lambda loss, p, *rest: f(lambda x, eps: loss(x, eps[::-1]), p, *rest),
         P, 150)
@pytest.mark.parametrize(("p", "order"), [(P, 150), (P2, 60)], ids=["1-D", "2-D"])
def test_vincents_identity_holds_with_its_constant(p, order):
    """[DSM-2] [POP-2]"""
    sigma = 0.6
    q = p.perturb(sigma)
    dsm = refsgm.expected_over_noise(
        lambda x, eps: refsgm.denoising_score_matching(model, x, sigma, eps), p, sigma, order)
    esm = refsgm.expected(lambda x: refsgm.explicit_score_matching(
        lambda x: model(x, sigma), x, q.score(x)), q, order)
    constant = p.dim / (2 * sigma**2) - refsgm.expected(
        lambda x: np.sum(q.score(x)**2, axis=1) / 2, q, order)
    assert_allclose(dsm, esm + constant, **IDENTITY)


@pytest.mark.parametrize("sigma", [0.6, 1e4, 1e8])
def test_data_keep_their_digits_under_much_noise(sigma):
    """[POP-2] E x'eps = 0 and E |x|^2 = tr C + |m|^2, however large x + sigma eps is beside x."""
    square = np.trace(P2.cov) + np.sum(P2.mean**2)
    found = refsgm.expected_over_noise(lambda x, eps: np.sum(x * eps, axis=1), P2, sigma, 8)
    assert abs(found) < 1e-14 * square
    assert_allclose(refsgm.expected_over_noise(lambda x, eps: np.sum(x**2, axis=1), P2, sigma, 8),
                    square, rtol=1e-13)


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="order must be an integer, at least 1"):
        refsgm.expected(lambda x: x[:, 0], P, 0)
    with pytest.raises(ValueError, match=r"loss\(x\) must return shape"):
        refsgm.expected(lambda x: x, P, 3)
    points = refsgm.Empirical(np.ones((2, 1)))
    with pytest.raises(ValueError, match="p must be a GaussianMixture or Gaussian, got Empirical"):
        refsgm.expected_over_noise(lambda x, eps: x[:, 0], points, 1.0, 3)
