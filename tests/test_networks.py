"""Networks: outputs of order one at every noise level, and energies whose gradient is the score."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import jacobian
from numpy.testing import assert_allclose

import refsgm
from refsgm.learn.networks import forward, network_shapes, noise_features
from tests.support.tolerances import AUTODIFF, EXACT, complex_step, normal

SIGMA_DATA = 0.7


def network(energy=False, dtype=np.float64, seed=0):
    """Random parameters with a last layer that is not zero."""
    rng = np.random.default_rng(seed)
    params = refsgm.init_network(rng, 3, width=8, depth=2, energy=energy, dtype=dtype)
    params[-2] = rng.standard_normal(params[-2].shape).astype(dtype)
    return params


def score_of(energy):
    return refsgm.energy_network if energy else refsgm.score_network


@pytest.mark.parametrize("energy", [False, True])
def test_a_new_network_is_the_score_of_noisy_gaussian_data(energy):
    """[NET-1] [NET-2]"""
    x = normal(0, 5, 3)
    params = refsgm.init_network(np.random.default_rng(0), 3, energy=energy)
    for sigma in (0.01, 1.0, 100.0):
        expected = refsgm.gaussian_score(x, 0.0, (sigma**2 + SIGMA_DATA**2)**0.5)
        assert_allclose(score_of(energy)(params, x, sigma, SIGMA_DATA), expected, **EXACT)


def test_the_score_network_is_the_preconditioned_denoiser():
    """[NET-1] [EDM-1] [EQV-6] score = (c_skip x + c_out F - x) / sigma^2."""
    params, x, sigma = network(), normal(0, 5, 3), 0.6
    c_skip, c_out, c_in, c_noise = refsgm.edm_preconditioning(sigma, SIGMA_DATA)
    F = forward(params, np.concatenate([c_in * x, noise_features(x, c_noise)], axis=1))
    expected = refsgm.score_from_x0(x, c_skip * x + c_out * F, 1.0, sigma)
    assert_allclose(refsgm.score_network(params, x, sigma, SIGMA_DATA), expected, **EXACT)


def test_the_energy_network_is_minus_the_gradient_of_its_energy():
    """[NET-2] [SCORE-2] By the complex step on the energy itself."""
    params, x, sigma = network(energy=True), normal(0, 4, 3), 0.6
    _, _, c_in, c_noise = refsgm.edm_preconditioning(sigma, SIGMA_DATA)

    def energy(x):
        waves = noise_features(np.zeros((1, 3)), c_noise)
        h = np.concatenate([c_in * x[None], waves], axis=1)
        h = np.tanh(h @ params[0] + params[1])
        h = h + np.tanh(h @ params[2] + params[3])
        phi = (h @ params[4] + params[5])[0]
        return 0.5 * c_in**2 * np.sum(x**2) - SIGMA_DATA / sigma * phi
    expected = [-complex_step(energy, row)[0] for row in x]
    assert_allclose(refsgm.energy_network(params, x, sigma, SIGMA_DATA), expected, **AUTODIFF)


def test_the_score_of_an_energy_has_a_symmetric_jacobian():
    """[NET-2] As a true gradient must; that of a score network has not."""
    x = normal(0, 3)
    J = [jacobian(lambda x, f=f, p=p: f(p, x[None], 0.6, SIGMA_DATA)[0])(x)
         for f, p in ((refsgm.energy_network, network(energy=True)),
                      (refsgm.score_network, network()))]
    assert_allclose(J[0], J[0].T, **AUTODIFF)
    assert np.max(np.abs(J[1] - J[1].T)) > 1e-3


@pytest.mark.parametrize("energy", [False, True])
@pytest.mark.parametrize("sigma", [1e-8, 1e-3, 1.0, 1e3, 1e8])
def test_noise_predictions_stay_of_order_one_at_every_sigma(sigma, energy):
    """[NET-1] [NET-2] On noisy data of any level; nothing overflows or cancels."""
    x = SIGMA_DATA * normal(0, 50, 3) + sigma * normal(1, 50, 3)
    eps = -sigma * score_of(energy)(network(energy), x, sigma, SIGMA_DATA)
    assert np.all(np.isfinite(eps))
    assert np.std(eps) < 10


@pytest.mark.parametrize("energy", [False, True])
def test_a_network_keeps_float32(energy):
    params = network(energy, np.float32)
    x = normal(0, 5, 3).astype(np.float32)
    for sigma in (0.5, np.full((5, 1), 0.5, np.float32)):
        assert score_of(energy)(params, x, sigma, 0.7).dtype == np.float32


def test_a_level_per_row_is_that_level():
    """[NET-1]"""
    params, x, sigma = network(), normal(0, 3, 3), np.array([[0.1], [1.0], [10.0]])
    rows = [refsgm.score_network(params, x[i:i + 1], float(sigma[i, 0]), 0.7)[0] for i in range(3)]
    assert_allclose(refsgm.score_network(params, x, sigma, 0.7), rows, **EXACT)


@pytest.mark.parametrize("energy", [False, True])
def test_the_shapes_of_a_network_are_known_without_one(energy):
    for dim, width, depth in ((1, 1, 1), (3, 8, 2), (2, 5, 4)):
        params = refsgm.init_network(np.random.default_rng(0), dim, width, depth, energy=energy)
        assert network_shapes(dim, width, depth, energy=energy) == [p.shape for p in params]


def test_networks_refuse_wrong_arguments():
    params, x = network(), normal(0, 3, 3)
    with pytest.raises(ValueError, match=r"sigma must be a scalar or have shape \(B, 1\)"):
        refsgm.score_network(params, x, np.ones(3), 0.7)
    with pytest.raises(ValueError, match=r"sigma_data must be positive, got 0\.0"):
        refsgm.score_network(params, x, 1.0, 0.0)
    with pytest.raises(ValueError, match="width must be an integer, at least 1, got 0"):
        refsgm.init_network(np.random.default_rng(0), 3, width=0)


def test_a_model_takes_the_mean_of_the_data_off():
    """[EQV-1] Data far from the origin are no harder than data around it."""
    params, x, center = network(), normal(0, 3, 3), np.array([100.0, 0.0, -50.0])
    model = refsgm.Model(params, center, 0.7, np.array([2.0, 1.0]))
    expected = refsgm.score_network(params, x, 1.0, 0.7)
    assert_allclose(model.score(x + center, 1.0), expected, rtol=1e-11, atol=1e-11)
    assert_allclose(model.eps(x + center, 2.0), -2 * model.score(x + center, 2.0), **EXACT)


def test_objectives_differentiate_through_the_derivatives_of_a_network():
    """[AD-2] [ISM-1] Parameter gradients of ISM against finite differences."""
    params, x = network(), normal(0, 4, 3)
    loss = lambda params: anp.mean(refsgm.implicit_score_matching(
        lambda x: refsgm.score_network(params, x, 0.6, 0.7), x))
    _, gradients = refsgm.value_and_grad(loss)(params)
    for i, gradient in enumerate(gradients):
        direction = normal(i, *params[i].shape)
        moved = [loss([p + (h * direction if j == i else 0) for j, p in enumerate(params)])
                 for h in (-1e-5, 1e-5)]
        assert_allclose(np.sum(gradient * direction), (moved[1] - moved[0]) / 2e-5,
                        rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("energy", [False, True])
def test_the_weights_of_an_energy_and_of_a_score_are_not_mixed_up(energy):
    """[NET-1] [NET-2] One output would be broadcast over all features, D of them summed."""
    params = refsgm.init_network(np.random.default_rng(0), 2, width=4, energy=not energy)
    network = refsgm.energy_network if energy else refsgm.score_network
    model = refsgm.Model(params, np.zeros(2), 1.0, np.array([2.0, 1.0]), energy)
    for call in (lambda x: network(params, x, 1.0, 1.0), lambda x: model.score(x, 1.0)):
        with pytest.raises(ValueError, match="^params must end in a bias of shape"):
            call(np.ones((3, 2)))
