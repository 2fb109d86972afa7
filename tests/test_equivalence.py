"""Conversions: every one undoes another, and each agrees with the law that it expresses."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import refsgm
from tests.support.controls import instead, rejects, scaled
from tests.support.tolerances import (AUTODIFF, EXACT, QUADRATURE, alpha_bars, complex_step,
                                      gauss_hermite, normal, points_mixture, seeds, shapes, sigmas)


@rejects("score_from_eps", "1e-6 off", scaled(1 + 1e-6))
@rejects("eps_from_score", "1e-6 off", scaled(1 + 1e-6))
@rejects("x0_from_eps", "1e-6 off", scaled(1 + 1e-6))
@rejects("eps_from_x0", "1e-6 off", scaled(1 + 1e-6))
@rejects("x0_from_score", "1e-6 off", scaled(1 + 1e-6))
@rejects("score_from_x0", "1e-6 off", scaled(1 + 1e-6))
@rejects("v_from_x0_eps", "1e-6 off", scaled(1 + 1e-6))
@rejects("x0_from_v", "1e-6 off", scaled(1 + 1e-6))
@rejects("eps_from_v", "1e-6 off", scaled(1 + 1e-6))
@given(seeds, shapes, st.floats(0.05, 1), st.floats(0.05, 50))
def test_every_prediction_can_be_turned_into_every_other(seed, shape, scale, sigma):
    """[EQV-1] [EQV-5] [EQV-6] [EQV-7] On any kernel x_t = scale x_0 + sigma eps."""
    x_0, eps = normal(seed, 2, *shape)
    x_t = scale * x_0 + sigma * eps
    close = {"rtol": 1e-9, "atol": 1e-9}             # x_t - scale x_0 loses up to three digits
    assert_allclose(refsgm.x0_from_eps(x_t, eps, scale, sigma), x_0, **close)
    assert_allclose(refsgm.eps_from_x0(x_t, x_0, scale, sigma), eps, **close)
    score = refsgm.score_from_eps(eps, sigma)
    assert_allclose(score, -eps / sigma, **EXACT)
    assert_allclose(refsgm.eps_from_score(score, sigma), eps, **EXACT)
    assert_allclose(refsgm.x0_from_score(x_t, score, scale, sigma), x_0, **close)
    assert_allclose(refsgm.score_from_x0(x_t, x_0, scale, sigma), score, rtol=1e-9, atol=1e-8)
    v = refsgm.v_from_x0_eps(x_0, eps, scale, sigma)
    assert_allclose(v, scale * eps - sigma * x_0, **EXACT)
    assert_allclose(refsgm.x0_from_v(x_t, v, scale, sigma), x_0, **close)
    assert_allclose(refsgm.eps_from_v(x_t, v, scale, sigma), eps, **close)


@rejects("velocity_from_x0_eps", "sign", scaled(-1.0))
@rejects("x0_from_velocity", "1 - t for t", lambda f: lambda x, u, t: f(x, u, 1 - t))
@given(seeds, shapes, st.floats(0, 1))
def test_the_velocity_is_the_slope_of_the_straight_path(seed, shape, t):
    """[EQV-8]"""
    x_0, eps = normal(seed, 2, *shape)
    u = refsgm.velocity_from_x0_eps(x_0, eps)
    path = lambda t: (1 - t) * x_0 + t * eps
    assert_allclose(u, np.imag(path(t + 1e-30j)) / 1e-30, **EXACT)
    assert_allclose(refsgm.x0_from_velocity(path(t), u, t), x_0, **EXACT)


@rejects("x0_from_score", "no 1 / scale", scaled(lambda x, s, scale, sigma: scale))
@given(st.floats(0.1, 1), st.floats(0.05, 20))
def test_tweedie_is_the_posterior_mean_of_a_gaussian(scale, sigma):
    """[EQV-6] x_0 of law N(m, c^2): E[x_0 | x_t] = m + scale c^2 (x_t - scale m) / Var x_t."""
    m, c, x_t = 0.7, 1.3, normal(0, 4, 1)
    variance = scale**2 * c**2 + sigma**2
    score = refsgm.gaussian_score(x_t, scale * m, variance**0.5)
    mean = m + scale * c**2 / variance * (x_t - scale * m)
    assert_allclose(refsgm.x0_from_score(x_t, score, scale, sigma), mean, rtol=1e-9, atol=1e-9)
    assert_allclose(refsgm.score_from_x0(x_t, mean, scale, sigma), score, rtol=1e-9, atol=1e-8)


def test_tweedie_is_the_posterior_mean_of_a_mixture():
    """[EQV-6] [MIX-2] E[x_0 | x_t] of points is their average with the posterior probabilities."""
    points, x_t, sigma = normal(0, 4, 2), normal(1, 5, 2), 0.6
    logs = -np.sum((x_t[:, None] - points)**2, axis=2) / (2 * sigma**2)
    posterior = np.exp(logs) / np.exp(logs).sum(axis=1, keepdims=True)
    score = refsgm.mixture_score(x_t, *points_mixture(points, sigma))
    assert_allclose(refsgm.x0_from_score(x_t, score, 1.0, sigma), posterior @ points, **EXACT)


@rejects("ve_from_vp", "alpha_bar for its root", lambda f: lambda x, a: (x / a, f(x, a)[1]))
@rejects("vp_from_ve", "the state left as it is", lambda f: lambda x, s: (x, f(x, s)[1]))
@given(seeds, shapes, alpha_bars)
def test_the_map_from_vp_to_ve_leaves_x_0_alone(seed, shape, alpha_bar):
    """[EQV-3] [EQV-9] [DDPM-1] [GAUSS-3] The same x_0 and eps in the other coordinates."""
    x_0, eps = normal(seed, 2, *shape)
    x_vp = refsgm.diffuse(x_0, alpha_bar, eps)
    x_ve, sigma = refsgm.ve_from_vp(x_vp, alpha_bar)
    assert_allclose(x_ve, refsgm.perturb(x_0, sigma, eps), rtol=1e-9, atol=1e-9)
    back, alpha_bar_back = refsgm.vp_from_ve(x_ve, sigma)
    assert_allclose(back, x_vp, **EXACT)
    assert_allclose(alpha_bar_back, alpha_bar, **EXACT)


@rejects("ve_score_from_vp", "no factor", instead(lambda score, a: score))
@rejects("vp_score_from_ve", "the factor upside down", scaled(lambda score, a: a))
@given(seeds, shapes, alpha_bars)
def test_the_score_follows_the_chain_rule(seed, shape, alpha_bar):
    """[EQV-4] Of the log density that one law has in either of the two coordinates."""
    x_ve = normal(seed, *shape)
    x_vp, spread = alpha_bar**0.5 * x_ve, 1.7                        # N(0, spread^2) in VE
    score_ve = refsgm.gaussian_score(x_ve, 0.0, spread)
    score_vp = [complex_step(
        lambda y: refsgm.gaussian_log_density(y[None] / alpha_bar**0.5, 0.0, spread)[0], row)
        for row in x_vp]
    assert_allclose(refsgm.vp_score_from_ve(score_ve, alpha_bar), score_vp, **AUTODIFF)
    assert_allclose(refsgm.ve_score_from_vp(np.array(score_vp), alpha_bar), score_ve, **AUTODIFF)


def test_vp_and_ve_noise_predictions_are_the_same_number():
    """[EQV-1] [EQV-3] [EQV-4] eps = -sigma score in both coordinates, with the sigma of each."""
    alpha_bar, score_vp = 0.3, normal(0, 4, 2)
    eps = refsgm.eps_from_score(score_vp, (1 - alpha_bar)**0.5)
    score_ve = refsgm.ve_score_from_vp(score_vp, alpha_bar)
    sigma = refsgm.sigma_from_alpha_bar(alpha_bar)
    assert_allclose(refsgm.eps_from_score(score_ve, sigma), eps, **EXACT)


@rejects("score_matching_weight", "sigma for sigma squared", instead(lambda sigma: sigma))
@given(sigmas)
def test_the_score_matching_weight_makes_all_levels_alike(sigma):
    """[WGT-1] sigma^2 |score of the kernel|^2 = |eps|^2, of mean D."""
    eps, w = gauss_hermite(4, 2)
    score = refsgm.perturbation_score(refsgm.perturb(0 * eps, sigma, eps), 0 * eps, sigma)
    weighted = refsgm.score_matching_weight(sigma) * np.sum(score**2, axis=1)
    assert_allclose(w @ weighted, 2.0, **QUADRATURE)
