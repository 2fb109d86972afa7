"""The objectives and the identities that tie them together, by quadrature instead of sampling."""

import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_allclose

import refsgm
from tests.support.controls import instead, rejects, scaled
from tests.support.tolerances import (AUTODIFF, EXACT, QUADRATURE, alpha_bars, conditional_score,
                                      cubic_score, gauss_hermite, noisy_points, normal,
                                      observed_order, points_mixture, seeds, shapes, sigmas)

POINTS = {1: np.array([[-1.0], [0.2], [1.5]]), 2: np.array([[-1.0, 0.5], [0.8, -0.3], [0.0, 1.0]])}


@pytest.fixture(params=[1, 2], ids=["D=1", "D=2"])
def noised(request):
    """A population: x_noisy = x + sigma eps for a few points x, and the exact score of its law."""
    return population(request.param)


def population(D, sigma=0.9):
    points = POINTS[D]
    x, eps, w = noisy_points(points, 90 if D == 1 else 60)
    x_noisy = x + sigma * eps
    return x, eps, sigma, w, x_noisy, refsgm.mixture_score(x_noisy, *points_mixture(points, sigma))


@rejects("explicit_score_matching", "no 1/2", scaled(2.0))
def test_esm_is_half_the_fisher_divergence():
    """[ESM-1] [FISHER-1] Two Gaussians, by their closed form E|s - t|^2."""
    nodes, w = gauss_hermite(10)
    x = 1.0 + 2.0 * nodes                                                   # N(1, 2^2)
    target = refsgm.gaussian_score(x, 1.0, 2.0)
    loss = refsgm.explicit_score_matching(lambda x: refsgm.gaussian_score(x, 0.0, 1.0), x, target)
    fisher = 4.0 * (1 - 1 / 4)**2 + 1.0          # s - t = -(3/4)(x - 1) - 1
    assert_allclose(w @ loss, fisher / 2, **EXACT)


def test_the_fisher_divergence_is_blind_to_the_weights_of_far_modes():
    """[FISHER-1] Where they would matter, p has no mass."""
    means, sigma = np.array([[-8.0], [8.0]]), 1.0
    nodes, w = gauss_hermite(60)
    x = np.concatenate([nodes - 8, nodes + 8])
    w = np.concatenate([0.2 * w, 0.8 * w])
    target = refsgm.mixture_score(x, np.array([0.2, 0.8]), means, sigma)
    wrong = lambda x: refsgm.mixture_score(x, np.array([0.8, 0.2]), means, sigma)
    assert w @ refsgm.explicit_score_matching(wrong, x, target) < 1e-10


@rejects("implicit_score_matching", "no 1/2 in the square",
         lambda f: lambda s, x: f(s, x) + 0.5 * np.sum(s(x)**2, axis=1), population(2))
def test_esm_is_ism_plus_a_constant(noised):
    """[ISM-1] [ISM-2] The constant is E 1/2 |grad log p|^2."""
    *_, w, x, target = noised
    s = cubic_score(x.shape[1])
    constant = w @ (0.5 * np.sum(target**2, axis=1))
    assert_allclose(w @ refsgm.explicit_score_matching(s, x, target),
                    w @ refsgm.implicit_score_matching(s, x) + constant, **QUADRATURE)


@rejects("sliced_score_matching", "divergence subtracted",
         lambda f: lambda s, x, v: f(s, x, v) - 2 * refsgm.directional_derivative(s, x, v))
def test_ssm_over_the_axes_is_ism_exactly():
    """[SSM-1] [ISM-1] The mean over the D directions sqrt(D) e_i."""
    x, s = normal(0, 5, 3), cubic_score(3)
    v = np.sqrt(3) * np.repeat(np.eye(3)[:, None], 5, axis=1)                            # (3, 5, 3)
    assert_allclose(refsgm.sliced_score_matching(s, x, v),
                    refsgm.implicit_score_matching(s, x), **AUTODIFF)


def test_ssm_vr_over_the_axes_is_ism_exactly():
    """[SSM-2] [ISM-1]"""
    x, s = normal(0, 5, 3), cubic_score(3)
    v = np.sqrt(3) * np.repeat(np.eye(3)[:, None], 5, axis=1)
    assert_allclose(refsgm.sliced_score_matching_vr(s, x, v),
                    refsgm.implicit_score_matching(s, x), **AUTODIFF)


@rejects("sliced_score_matching_vr", "plain form",
         lambda f: lambda s, x, v: 2 * f(s, x, v) - refsgm.sliced_score_matching(s, x, v))
@given(seeds, shapes)
def test_ssm_is_a_square_of_the_score_plus_its_slope(seed, shape):
    """[SSM-1] [SSM-2] [OPS-1] For one direction v, with v' J v by the complex step."""
    x, v = normal(seed, 2, *shape)
    s = cubic_score(shape[1])
    slope = np.sum(v * np.imag(s(x + 1e-30j * v)), axis=1) / 1e-30
    assert_allclose(refsgm.sliced_score_matching(s, x, v),
                    0.5 * np.sum(v * s(x), axis=1)**2 + slope, **AUTODIFF)
    assert_allclose(refsgm.sliced_score_matching_vr(s, x, v),
                    0.5 * np.sum(s(x)**2, axis=1) + slope, **AUTODIFF)


@rejects("finite_difference_ssm", "one-sided difference",
         instead(lambda s, x, v, h: 0.5 * np.sum(v * s(x), axis=1)**2
                 + np.sum(v * (s(x + h * v) - s(x)), axis=1) / h))
def test_fd_ssm_converges_to_ssm_at_second_order():
    """[SSM-3]"""
    x, v = normal(0, 2, 6, 3)
    s = lambda x: anp.sin(2 * x) @ anp.ones((3, 3)) - x
    exact = refsgm.sliced_score_matching(s, x, v)

    def error(n):
        return np.max(np.abs(refsgm.finite_difference_ssm(s, x, v, 1 / n) - exact))
    assert abs(observed_order(error, [50, 100, 200, 400]) - 2) < 0.05


@given(seeds, shapes, sigmas.filter(lambda sigma: sigma > 0.01))
def test_fd_ssm_is_ssm_for_an_affine_score(seed, shape, step):
    """[SSM-3]"""
    x, v = normal(seed, 2, *shape)
    A = normal(seed, shape[1], shape[1])
    s = lambda x: x @ A + 1.0
    assert_allclose(refsgm.finite_difference_ssm(s, x, v, step),
                    refsgm.sliced_score_matching(s, x, v), rtol=1e-9, atol=1e-9)


@rejects("denoising_score_matching", "divides eps by sigma squared",
         instead(lambda s, x, sigma, eps: 0.5 * np.sum(
             (s(x + sigma * eps, sigma) + eps / sigma**2)**2, axis=1)), population(2))
def test_dsm_is_esm_of_the_noisy_marginal_plus_a_constant(noised):
    """[DSM-1] [DSM-2] The constant is D / (2 sigma^2) - E 1/2 |grad log q_sigma|^2."""
    x, eps, sigma, w, x_noisy, target = noised
    s = conditional_score(x.shape[1])
    constant = x.shape[1] / (2 * sigma**2) - w @ (0.5 * np.sum(target**2, axis=1))
    esm = refsgm.explicit_score_matching(lambda x: s(x, sigma), x_noisy, target)
    assert_allclose(w @ refsgm.denoising_score_matching(s, x, sigma, eps),
                    w @ esm + constant, **QUADRATURE)


@rejects("perturbation_score", "gradient over x", scaled(-1.0))
@given(seeds, shapes, sigmas)
def test_dsm_is_the_distance_to_the_perturbation_score(seed, shape, sigma):
    """[DSM-1] [GAUSS-4] x - x_noisy loses up to three digits at the smallest sigma, 1e-3."""
    x, eps = normal(seed, 2, *shape)
    s = conditional_score(shape[1])
    x_noisy = refsgm.perturb(x, sigma, eps)
    target = refsgm.perturbation_score(x_noisy, x, sigma)
    expected = 0.5 * np.sum((s(x_noisy, sigma) - target)**2, axis=1)
    assert_allclose(refsgm.denoising_score_matching(s, x, sigma, eps), expected, **QUADRATURE)


@rejects("denoising_score_matching", "sign of the target",
         lambda f: lambda s, x, sigma, eps: f(lambda x, sigma: -s(x, sigma), x, sigma, eps))
@rejects("noise_prediction_loss", "mean over features",
         scaled(lambda f, x, *_: 1 / x.shape[1]))
@given(seeds, shapes, sigmas)
def test_the_noise_prediction_loss_is_two_sigma_squared_dsm(seed, shape, sigma):
    """[EQV-2] [EQV-1] [WGT-1] For the score -eps_hat / sigma."""
    x, eps = normal(seed, 2, *shape)
    eps_fn = conditional_score(shape[1])
    score_fn = lambda x, sigma: refsgm.score_from_eps(eps_fn(x, sigma), sigma)
    dsm = refsgm.denoising_score_matching(score_fn, x, sigma, eps)
    assert_allclose(2 * refsgm.score_matching_weight(sigma) * dsm,
                    refsgm.noise_prediction_loss(eps_fn, x, sigma, eps), rtol=1e-12, atol=0)


@rejects("ddpm_loss", "alpha_bar where its root belongs",
         lambda f: lambda eps_fn, x, a, eps: f(eps_fn, x, a**2, eps))
@given(seeds, shapes, alpha_bars)
def test_the_ddpm_loss_is_the_noise_prediction_loss_in_ve_coordinates(seed, shape, alpha_bar):
    """[DDPM-4] [EQV-11] [EQV-3] [EQV-9]"""
    x_0, eps = normal(seed, 2, *shape)
    eps_fn_ve = conditional_score(shape[1])
    eps_fn_vp = lambda x_t, alpha_bar: eps_fn_ve(*refsgm.ve_from_vp(x_t, alpha_bar))
    sigma = refsgm.sigma_from_alpha_bar(alpha_bar)
    assert_allclose(refsgm.ddpm_loss(eps_fn_vp, x_0, alpha_bar, eps),
                    refsgm.noise_prediction_loss(eps_fn_ve, x_0, sigma, eps), rtol=1e-12, atol=0)


@rejects("noise_conditional_score_matching", "mean over levels",
         scaled(lambda s, x, sigmas, *_: 1 / len(sigmas)))
@given(seeds, shapes)
def test_ncsn_is_the_weighted_sum_of_dsm_over_levels(seed, shape):
    """[NCSN-1] The default weights are sigma^2."""
    x, eps = normal(seed, *shape), normal(seed + 1, 3, *shape)
    levels, weights = np.array([3.0, 0.7, 0.1]), np.array([0.5, 0.0, 2.0])
    s = conditional_score(shape[1])
    dsm = np.stack([refsgm.denoising_score_matching(s, x, sigma, e)
                    for sigma, e in zip(levels, eps)])
    loss = refsgm.noise_conditional_score_matching
    assert_allclose(loss(s, x, levels, eps, weights), weights @ dsm, **EXACT)
    assert_allclose(loss(s, x, levels, eps), levels**2 @ dsm, **EXACT)


def test_the_exact_score_minimises_every_objective(noised):
    """[ESM-1] [ISM-1] [SSM-1] [SSM-2] [DSM-1] No perturbation of it does better."""
    x, eps, sigma, w, x_noisy, target = noised
    D = x.shape[1]
    exact = lambda x, sigma: refsgm.mixture_score(x, *points_mixture(POINTS[D], sigma))
    v = np.sqrt(D) * np.repeat(np.eye(D)[:, None], len(x), axis=1)

    def losses(bump):
        s = lambda x, sigma: exact(x, sigma) + bump * anp.sin(x + 1)
        at_sigma = lambda x: s(x, sigma)
        return np.array([w @ refsgm.explicit_score_matching(at_sigma, x_noisy, target),
                         w @ refsgm.implicit_score_matching(at_sigma, x_noisy),
                         w @ refsgm.sliced_score_matching(at_sigma, x_noisy, v),
                         w @ refsgm.sliced_score_matching_vr(at_sigma, x_noisy, v),
                         w @ refsgm.denoising_score_matching(s, x, sigma, eps)])

    bump = 0.1                             # all grow by bump^2 E 1/2 |sin|^2, with no linear term
    growth = bump**2 * (w @ (0.5 * np.sum(np.sin(x_noisy + 1)**2, axis=1)))
    for sign in (-1, 1):
        assert_allclose(losses(sign * bump) - losses(0.0), growth, rtol=1e-6, atol=1e-9)
