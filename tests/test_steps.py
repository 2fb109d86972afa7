"""Sampler steps: the law that each has on Gaussians and point masses, exactly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import refsgm
from tests.support.controls import instead, rejects
from tests.support.tolerances import (AUTODIFF, EXACT, alpha_bars, complex_step, gauss_hermite,
                                      normal, seeds, shapes)

pairs = st.tuples(alpha_bars, alpha_bars).map(sorted)
levels = pairs.filter(lambda pair: pair[0] < 0.999 * pair[1])
etas = st.sampled_from([0.0, 1.0]) | st.floats(0, 1)


def moments(step, mean, std):
    """Mean and variance after step(x, z), for x of law N(mean, std^2) and z of law N(0, 1)."""
    nodes, w = gauss_hermite(5, 2)
    x, z = mean + std * nodes[:, :1], nodes[:, 1:]
    x_next = step(x, z)[:, 0]
    return w @ x_next, w @ (x_next - w @ x_next)**2


@rejects("langevin_step", "h s + sqrt(h) z", instead(lambda x, s, a, z: x + a * s + a**0.5 * z))
def test_a_langevin_step_has_the_moments_of_its_map():
    """[LANG-1] [LANG-3] On N(m, c^2): x' - m = (1 - a / (2 c^2)) (x - m) + sqrt(a) z."""
    m, c, a = 0.5, 1.4, 0.3
    mean, variance = moments(
        lambda x, z: refsgm.langevin_step(x, refsgm.gaussian_score(x, m, c), a, z), 2.0, 0.7)
    factor = 1 - a / (2 * c**2)
    assert_allclose([mean, variance], [m + factor * 1.5, factor**2 * 0.49 + a], rtol=1e-11)


@rejects("langevin_step", "noise linear in the step",
         instead(lambda x, s, a, z: x + a / 2 * s + a * z))
def test_langevin_on_a_gaussian_is_too_wide_by_a_known_factor():
    """[LANG-3] The stationary variance is c^2 / (1 - a / (4 c^2))."""
    c, a = 1.4, 0.3
    std = c / (1 - a / (4 * c**2))**0.5
    _, variance = moments(
        lambda x, z: refsgm.langevin_step(x, refsgm.gaussian_score(x, 0.0, c), a, z), 0.0, std)
    assert_allclose(variance, std**2, rtol=1e-11)


@rejects("annealed_step_sizes", "ratio not squared",
         instead(lambda sigmas, a: a * sigmas / sigmas[-1]))
def test_annealed_step_sizes_keep_the_signal_to_noise_ratio_of_a_step():
    """[LANG-2] |step/2 score| / sqrt(step) is the same at every level, as score ~ 1 / sigma."""
    sigmas = np.array([7.0, 2.0, 0.3])
    sizes = refsgm.annealed_step_sizes(sigmas, 0.02)
    assert_allclose(sizes[-1], 0.02, **EXACT)
    assert_allclose(sizes**0.5 / sigmas, 0.02**0.5 / 0.3, **EXACT)


@rejects("diffuse", "variance for standard deviation",
         instead(lambda x, a, eps: a**0.5 * x + (1 - a) * eps))
def test_diffused_data_have_the_moments_of_the_kernel():
    """[DDPM-1]"""
    eps, w = gauss_hermite(4)
    x_t = refsgm.diffuse(np.full_like(eps, 3.0), 0.36, eps)[:, 0]
    assert_allclose([w @ x_t, w @ (x_t - 1.8)**2], [1.8, 0.64], **EXACT)


@rejects("posterior", "variance not divided by 1 - alpha_bar_t",
         lambda f: lambda x_0, x_t, t, s: (f(x_0, x_t, t, s)[0], f(x_0, x_t, t, s)[1] * (1 - t)))
@given(seeds, shapes, levels)
def test_the_posterior_is_bayes_rule(seed, shape, pair):
    """[DDPM-2] q(x_s | x_t, x_0) q(x_t | x_0) = q(x_t | x_s) q(x_s | x_0)."""
    x_0, x_t, x_s = normal(seed, 3, *shape)
    t, s = pair
    log = refsgm.gaussian_log_density
    mean, variance = refsgm.posterior(x_0, x_t, t, s)
    left = log(x_s, mean, variance**0.5) + log(x_t, t**0.5 * x_0, (1 - t)**0.5)
    right = log(x_t, (t / s)**0.5 * x_s, (1 - t / s)**0.5) + log(x_s, s**0.5 * x_0, (1 - s)**0.5)
    assert_allclose(left, right, rtol=1e-8, atol=1e-8)       # 1 - t / s may be as small as 1e-3


def test_the_last_posterior_is_a_point_at_x_0():
    """[DDPM-2]"""
    x_0, x_t = normal(0, 2, 4, 3)
    mean, variance = refsgm.posterior(x_0, x_t, 0.3, 1.0)
    assert_allclose(mean, x_0, **EXACT)
    assert variance == 0


def point_eps(x_t, alpha_bar_t, point):
    """The exact noise prediction when all data are at one point."""
    return (x_t - alpha_bar_t**0.5 * point) / (1 - alpha_bar_t)**0.5


@rejects("ddpm_step", "variance multiplies z",
         lambda f: lambda x, e, t, s, z: f(x, e, t, s, refsgm.posterior(x, x, t, s)[1]**0.5 * z))
@given(levels)
def test_ddpm_with_posterior_variance_is_exact_for_a_point_mass(pair):
    """[DDPM-3] It takes q_t to q_s, both moments."""
    t, s = pair
    mean, variance = moments(
        lambda x, z: refsgm.ddpm_step(x, point_eps(x, t, 2.0), t, s, z), 2 * t**0.5, (1 - t)**0.5)
    assert_allclose([mean, variance], [2 * s**0.5, 1 - s], rtol=1e-9, atol=1e-9)


@rejects("ddpm_step", "posterior variance for beta",
         lambda f: lambda x, e, t, s, z, **kw: f(x, e, t, s, z))
@given(levels)
def test_ddpm_with_variance_beta_is_exact_for_white_data(pair):
    """[DDPM-3] N(0, 1) data stay N(0, 1); the exact noise prediction is sqrt(1 - alpha_bar) x."""
    t, s = pair
    mean, variance = moments(
        lambda x, z: refsgm.ddpm_step(x, (1 - t)**0.5 * x, t, s, z, variance="beta"), 0.0, 1.0)
    assert_allclose([mean, variance], [0.0, 1.0], rtol=1e-9, atol=1e-9)


@rejects("ddpm_step", "beta for the posterior variance",
         lambda f: lambda x, e, t, s, z, **kw: f(x, e, t, s, z, variance="beta"))
@given(seeds, shapes, levels)
def test_ddim_with_eta_one_is_ddpm(seed, shape, pair):
    """[DDIM-2] [DDPM-3]"""
    x_t, eps, z = normal(seed, 3, *shape)
    expected = refsgm.ddpm_step(x_t, eps, *pair, z)
    # x_0 = (x_t - ...) / sqrt(alpha_bar_t) is large at small alpha_bar_t, and cancels again
    size = 1e-12 * np.max(np.abs([x_t, eps, z])) / pair[0]**0.5
    assert_allclose(refsgm.ddim_step(x_t, eps, *pair, 1.0, z), expected, rtol=1e-12, atol=size)


@rejects("ddim_step", "direction not shortened",
         instead(lambda x, e, t, s, eta, z: s**0.5 * (x - (1 - t)**0.5 * e) / t**0.5
                 + (1 - s)**0.5 * e + eta * ((1 - s) / (1 - t) * (1 - t / s))**0.5 * z))
@given(levels, etas)
def test_ddim_is_exact_for_a_point_mass_whatever_eta(pair, eta):
    """[DDIM-1] All members of the family have the marginals of the diffusion."""
    t, s = pair
    mean, variance = moments(
        lambda x, z: refsgm.ddim_step(x, point_eps(x, t, 2.0), t, s, eta, z),
        2 * t**0.5, (1 - t)**0.5)
    assert_allclose([mean, variance], [2 * s**0.5, 1 - s], rtol=1e-9, atol=1e-9)


@rejects("ddim_step", "eta not squared under the root",
         lambda f: lambda x, e, t, s, eta, z: f(x, e, t, s, eta**0.5, z))
@given(seeds, shapes, levels)
def test_the_fresh_noise_of_ddim_has_its_stated_variance(seed, shape, pair):
    """[DDIM-1] eta^2 times the posterior variance."""
    x_t, eps, z = normal(seed, 3, *shape)
    with_noise = refsgm.ddim_step(x_t, eps, *pair, 0.6, z)
    without = refsgm.ddim_step(x_t, eps, *pair, 0.6, 0 * z)
    _, variance = refsgm.posterior(x_t, x_t, *pair)
    size = 1e-12 * (1 + np.max(np.abs(without)))
    assert_allclose(with_noise - without, 0.6 * variance**0.5 * z, rtol=1e-9, atol=size)


@given(seeds, shapes, levels)
def test_deterministic_ddim_is_the_euler_step_in_ve_coordinates(seed, shape, pair):
    """[DDIM-1] [VE-1] [EQV-3] [EQV-1]"""
    x_t, eps = normal(seed, 2, *shape)
    t, s = pair
    x_ve, sigma_t = refsgm.ve_from_vp(x_t, t)
    sigma_s = refsgm.sigma_from_alpha_bar(s)
    stepped = refsgm.ve_probability_flow_step(x_ve, refsgm.score_from_eps(eps, sigma_t),
                                              sigma_t, sigma_s)
    expected = refsgm.ddim_step(x_t, eps, t, s, 0.0, 0 * eps)
    assert_allclose(s**0.5 * stepped, expected, rtol=1e-9, atol=1e-9 / t**0.5)


@rejects("ve_probability_flow_step", "g^2 s without the half",
         lambda f: lambda x, s, a, b: x + 2 * (f(x, s, a, b) - x), 0.5)
@pytest.mark.parametrize("sigma_s", [0.0, 0.5, 1.9])
def test_a_probability_flow_step_is_exact_for_a_point_mass(sigma_s):
    """[VE-1] [SDE-2] x - point shrinks like sigma."""
    x_t = normal(0, 4, 2)
    x_s = refsgm.ve_probability_flow_step(x_t, refsgm.gaussian_score(x_t, 3.0, 2.0), 2.0, sigma_s)
    assert_allclose(x_s, 3 + sigma_s / 2 * (x_t - 3), **EXACT)


@rejects("heun_step", "an Euler step", instead(lambda f, x, a, b: x + (a - b) * a * f(x, a)))
def test_a_heun_step_is_the_trapezoid_of_the_ode():
    """[VE-2] For dx/dsigma = -sigma score; a score -x / sigma makes the slope x."""
    x_t = normal(0, 4, 2)
    x_s = refsgm.heun_step(lambda x, sigma: -x / sigma, x_t, 2.0, 1.5)
    assert_allclose(x_s, x_t * (1 - 0.5 + 0.125), **EXACT)


def test_a_heun_step_to_zero_noise_is_an_euler_step():
    """[VE-2] The score is not asked for at sigma = 0."""
    x_t = normal(0, 4, 2)

    def score_fn(x, sigma):
        assert sigma > 0
        return refsgm.gaussian_score(x, 1.0, sigma)
    assert_allclose(refsgm.heun_step(score_fn, x_t, 2.0, 0.0),
                    refsgm.ve_probability_flow_step(x_t, score_fn(x_t, 2.0), 2.0, 0.0), **EXACT)


@rejects("ve_ancestral_step", "noise of the reverse SDE",
         instead(lambda *args: refsgm.ve_reverse_sde_step(*args)))
@given(st.floats(0.1, 5), st.floats(0, 0.99))
def test_the_ancestral_step_is_exact_for_a_point_mass(sigma_t, ratio):
    """[VE-4] It takes N(point, sigma_t^2) to N(point, sigma_s^2)."""
    sigma_s = ratio * sigma_t
    mean, variance = moments(lambda x, z: refsgm.ve_ancestral_step(
        x, refsgm.gaussian_score(x, 2.0, sigma_t), sigma_t, sigma_s, z), 2.0, sigma_t)
    assert_allclose([mean, variance], [2.0, sigma_s**2], rtol=1e-9, atol=1e-9)


@given(seeds, shapes)
def test_the_ancestral_step_is_the_ddpm_step_in_ve_coordinates(seed, shape):
    """[VE-4] [DDPM-3] [EQV-3]"""
    x_t, eps, z = normal(seed, 3, *shape)
    t, s = 0.2, 0.7
    x_ve, sigma_t = refsgm.ve_from_vp(x_t, t)
    x_s = refsgm.ve_ancestral_step(x_ve, refsgm.score_from_eps(eps, sigma_t), sigma_t,
                                   refsgm.sigma_from_alpha_bar(s), z)
    assert_allclose(s**0.5 * x_s, refsgm.ddpm_step(x_t, eps, t, s, z), rtol=1e-11, atol=1e-11)


@rejects("ve_reverse_sde_step", "half the score",
         lambda f: lambda x, s, a, b, z: f(x, s / 2, a, b, z))
def test_the_reverse_sde_step_is_exact_for_very_wide_data():
    """[VE-3] [SDE-1] N(0, c^2), c -> infinity: c^2 + sigma_t^2 becomes c^2 + sigma_s^2."""
    c, sigma_t, sigma_s = 1e4, 2.0, 1.0
    std = (c**2 + sigma_t**2)**0.5
    mean, variance = moments(lambda x, z: refsgm.ve_reverse_sde_step(
        x, refsgm.gaussian_score(x, 0.0, std), sigma_t, sigma_s, z), 0.0, std)
    assert_allclose([mean, variance - c**2], [0.0, sigma_s**2], rtol=1e-6, atol=1e-9)


@rejects("raise_noise", "standard deviations added", instead(lambda x, a, b, z: x + (b - a) * z))
@given(st.floats(0, 3), st.floats(0.1, 3), st.floats(0.1, 3))
def test_raised_noise_adds_in_variance(sigma, more, still_more):
    """[VE-5] In one step or in two."""
    middle, top = sigma + more, sigma + more + still_more
    one = refsgm.raise_noise(np.zeros((1, 1)), sigma, top, np.ones((1, 1)))
    two = [refsgm.raise_noise(np.zeros((1, 1)), a, b, np.ones((1, 1)))
           for a, b in ((sigma, middle), (middle, top))]
    assert_allclose(one**2, two[0]**2 + two[1]**2, rtol=1e-9)
    assert_allclose(one**2, top**2 - sigma**2, rtol=1e-9)


def vp_variance(t, c):
    """Variance at time t of data N(0, c^2) under the VP marginal, beta from 0.1 to 20."""
    scale, sigma = refsgm.vp_marginal(t)
    return scale**2 * c**2 + sigma**2


@rejects("vp_probability_flow_drift", "no half on the score",
         instead(lambda x, s, beta: -beta * x / 2 - beta * s), 0.5)
@pytest.mark.parametrize("t", [0.1, 0.5, 1.0])
def test_the_vp_probability_flow_carries_the_marginals(t):
    """[VP-2] [SDE-2] On N(0, c^2) data x grows like the spread: dx/dt = x d log std / dt."""
    x, c, beta = normal(0, 3, 2), 0.4, 0.1 + t * 19.9
    score = refsgm.gaussian_score(x, 0.0, vp_variance(t, c)**0.5)
    rate = complex_step(lambda a: 0.5 * np.log(vp_variance(a, c)), np.array([t]))[0, 0]
    assert_allclose(refsgm.vp_probability_flow_drift(x, score, beta), rate * x, **AUTODIFF)


@rejects("vp_reverse_sde_drift", "sign of the forward drift",
         instead(lambda x, s, beta: beta * x / 2 - beta * s), 0.5)
@pytest.mark.parametrize("t", [0.1, 0.5, 1.0])
def test_the_vp_reverse_sde_carries_the_marginals(t):
    """[VP-3] [SDE-1] Run backwards, d variance / dt = 2 drift variance / x - beta."""
    x, c, beta = normal(0, 3, 2), 0.4, 0.1 + t * 19.9
    variance = vp_variance(t, c)
    drift = refsgm.vp_reverse_sde_drift(x, refsgm.gaussian_score(x, 0.0, variance**0.5), beta)
    rate = complex_step(lambda a: vp_variance(a, c), np.array([t]))[0, 0]
    assert_allclose(2 * drift / x * variance - beta, np.full_like(x, rate), **AUTODIFF)
