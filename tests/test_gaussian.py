"""Gaussians, mixtures and the perturbation kernel."""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_allclose

import refsgm
from tests.support import fifty_digits
from tests.support.controls import instead, rejects, scaled
from tests.support.tolerances import (AUTODIFF, EXACT, QUADRATURE, complex_step, gauss_hermite,
                                      noisy_points, normal, points_mixture, seeds, shapes, sigmas)


def exact_gaussian(x, mean, sigma):
    """log N(x | mean, sigma^2 I) of one row with 50 digits."""
    log_density = fifty_digits.truth("gaussian_log_density")
    return float(sum(log_density(a, m, mpmath.mpf(sigma))
                     for a, m in zip(fifty_digits.as_mp(x), fifty_digits.as_mp(mean))))


@rejects("gaussian_log_density", "D log sigma is missing",
         lambda f: lambda x, m, s: f(x, m, s) + x.shape[1] * np.log(s), 0.7)
@rejects("gaussian_log_density", "the constant is not multiplied by D",
         lambda f: lambda x, m, s: f(x, m, s) + (x.shape[1] - 1) / 2 * np.log(2 * np.pi), 0.7)
@pytest.mark.parametrize("sigma", [1e-8, 1e-3, 0.7, 1.0, 30.0, 1e8])
def test_the_log_density_agrees_with_fifty_digits(sigma):
    """[GAUSS-1]"""
    mean = normal(0, 4, 3)
    x = mean + sigma * normal(1, 4, 3)
    expected = [exact_gaussian(a, m, sigma) for a, m in zip(x, mean)]
    assert_allclose(refsgm.gaussian_log_density(x, mean, sigma), expected, rtol=1e-12, atol=0)


@rejects("gaussian_log_density", "the square is not halved", scaled(2.0))
def test_the_density_integrates_to_one():
    """[GAUSS-1]"""
    grid = np.linspace(-12, 12, 4001)[:, None]
    density = np.exp(refsgm.gaussian_log_density(grid, 0.3, 0.8))
    assert_allclose(np.trapezoid(density, grid[:, 0]), 1.0, **QUADRATURE)


@rejects("gaussian_score", "sign", scaled(-1.0))
@rejects("gaussian_score", "sigma is not squared", scaled(lambda x, m, s: s))
@given(seeds, shapes, sigmas)
def test_the_score_is_the_gradient_of_the_log_density(seed, shape, sigma):
    """[GAUSS-2] [SCORE-1]"""
    x, mean = normal(seed, 2, *shape)
    gradient = [complex_step(lambda y, m=m: refsgm.gaussian_log_density(y[None], m, sigma)[0], a)
                for a, m in zip(x, mean)]
    assert_allclose(refsgm.gaussian_score(x, mean, sigma), gradient, **AUTODIFF)


@rejects("perturb", "variance in the place of sigma", instead(lambda x, s, eps: x + s**2 * eps))
def test_perturbed_data_have_mean_x_and_standard_deviation_sigma():
    """[GAUSS-3]"""
    eps, w = gauss_hermite(4)
    x_noisy = refsgm.perturb(np.full_like(eps, 3.0), 0.5, eps)[:, 0]
    assert_allclose(w @ x_noisy, 3.0, **EXACT)
    assert_allclose(w @ (x_noisy - 3)**2, 0.25, **EXACT)


@rejects("perturbation_score", "gradient over x", scaled(-1.0))
@given(seeds, shapes, sigmas)
def test_the_perturbation_score_is_the_gradient_over_the_noisy_data(seed, shape, sigma):
    """[GAUSS-4] Over x_noisy, not over x: the two differ by a sign."""
    x, eps = normal(seed, 2, *shape)
    x_noisy = refsgm.perturb(x, sigma, eps)
    gradient = [complex_step(lambda y, m=m: refsgm.gaussian_log_density(y[None], m, sigma)[0], a)
                for a, m in zip(x_noisy, x)]
    assert_allclose(refsgm.perturbation_score(x_noisy, x, sigma), gradient, **AUTODIFF)


@rejects("perturbation_score", "1e-9 off", scaled(1 + 1e-9))
@given(seeds, shapes)
def test_the_perturbation_score_is_minus_eps_over_sigma(seed, shape):
    """[GAUSS-4] A level for each row."""
    x, eps = normal(seed, 2, *shape)
    sigma = np.exp(normal(seed, shape[0], 1))
    score = refsgm.perturbation_score(refsgm.perturb(x, sigma, eps), x, sigma)
    assert_allclose(score, -eps / sigma, rtol=1e-10, atol=1e-10)      # x + sigma eps - x cancels


def exact_mixture(x, weights, means, sigma):
    """Log density and score of one row with 50 digits."""
    args = [fifty_digits.as_mp(np.asarray(a)) for a in (weights, means, sigma, x)]
    log_density, score = (fifty_digits.common_sigma(name)(*args)
                          for name in ("log_density", "score"))
    return float(log_density[0]), [float(s) for s in score]


@rejects("mixture_score", "no responsibilities",
         instead(lambda x, w, m, s: (w @ m - x) / s**2), 1.0, 1.0)
@rejects("mixture_score", "variance in the place of sigma",
         lambda f: lambda x, w, m, s: f(x, w, m, s**2), 40.0, 0.3)
@rejects("mixture_log_density", "weights left out",
         lambda f: lambda x, w, m, s: f(x, np.full(len(w), 1 / len(w)), m, s), 1.0, 1.0)
@pytest.mark.parametrize("sigma", [1e-3, 0.3, 1.0, 1e3])
@pytest.mark.parametrize("reach", [1.0, 40.0])
def test_the_mixture_agrees_with_fifty_digits(sigma, reach):
    """[MIX-1] [MIX-2] Also forty spreads away, with small and zero weights."""
    weights, means = np.array([0.5, 0.5 - 1e-30, 1e-30, 0.0]), normal(0, 4, 2)
    x = reach * normal(1, 5, 2)
    log_density, score = zip(*[exact_mixture(a, weights, means, sigma) for a in x])
    args = x, weights, means, sigma
    assert_allclose(refsgm.mixture_log_density(*args), log_density, **EXACT)
    # the exponents, of size |x - mean|^2 / sigma^2, are rounded before they are exponentiated
    rtol = 1e-13 + 1e-14 * np.max((x[:, None] - means)**2) / sigma**2
    assert_allclose(refsgm.mixture_score(*args), score, rtol=rtol, atol=0)


@given(seeds, shapes, sigmas.filter(lambda sigma: sigma > 0.1))
def test_the_mixture_score_is_the_gradient_of_the_log_density(seed, shape, sigma):
    """[MIX-2] [SCORE-1]"""
    x, means = normal(seed, *shape), normal(seed + 1, 3, shape[1])
    args = (np.array([0.2, 0.3, 0.5]), means, sigma)
    gradient = refsgm.score_of(lambda x: refsgm.mixture_log_density(x, *args))(x)
    assert_allclose(refsgm.mixture_score(x, *args), gradient, rtol=1e-9, atol=1e-9)


def test_a_mixture_of_one_component_is_a_gaussian():
    """[MIX-1] [MIX-2] [GAUSS-1] [GAUSS-2]"""
    x, mean, sigma = normal(0, 5, 3), normal(1, 1, 3), np.exp(normal(2, 5, 1))
    one = np.ones(1)
    assert_allclose(refsgm.mixture_log_density(x, one, mean, sigma),
                    refsgm.gaussian_log_density(x, mean[0], sigma), **EXACT)
    assert_allclose(refsgm.mixture_score(x, one, mean, sigma),
                    refsgm.gaussian_score(x, mean[0], sigma), **EXACT)


@rejects("mixture_log_density", "sigma not normalised",
         lambda f: lambda x, w, m, s: f(x, w, m, s) + np.log(s))
def test_noise_on_points_is_a_mixture_at_the_points():
    """[MIX-1] [GAUSS-3] Moments of x + sigma eps by quadrature against those of the density."""
    points, sigma = np.array([[-1.0], [0.5], [2.0]]), 0.4
    x, eps, w = noisy_points(points, 6)
    x_noisy = refsgm.perturb(x, sigma, eps)[:, 0]
    grid = np.linspace(-8, 9, 4001)[:, None]
    density = np.exp(refsgm.mixture_log_density(grid, *points_mixture(points, sigma)))
    for power in range(4):
        moment = np.trapezoid(density * grid[:, 0]**power, grid[:, 0])
        assert_allclose(w @ x_noisy**power, moment, **QUADRATURE)
