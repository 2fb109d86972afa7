"""Schedules and weights against their definitions."""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import refsgm
from tests.support.controls import instead, rejects, scaled
from tests.support.fifty_digits import truth
from tests.support.tolerances import (AUTODIFF, EXACT, QUADRATURE, alpha_bars, betas, complex_step,
                                      normal, sigmas)

counts = st.integers(2, 40)


def uncapped_cosine(n_steps):
    """The ratios of the squared cosine, whose last beta is 1 where the cap is 0.999."""
    height = np.cos((np.arange(n_steps + 1) / n_steps + 0.008) / 1.008 * np.pi / 2)**2
    return height / height[0]


@rejects("geometric_sigmas", "i / L for i / (L - 1)",
         instead(lambda a, b, n: a * (b / a)**(np.arange(n) / n)))
@given(sigmas, counts)
def test_geometric_sigmas_have_a_constant_ratio_and_both_ends(sigma, n):
    """[SCHED-1]"""
    levels = refsgm.geometric_sigmas(5 * sigma, sigma, n)
    assert levels.shape == (n,)
    assert_allclose(levels[[0, -1]], [5 * sigma, sigma], **EXACT)
    assert_allclose(levels[1:] / levels[:-1], 5.0**(-1 / (n - 1)), **EXACT)


@rejects("karras_sigmas", "rho and 1 / rho swapped",
         lambda f: lambda a, b, n, rho: f(a, b, n, 1 / rho))
@given(sigmas, counts, st.floats(0.5, 10))
def test_karras_sigmas_are_equally_spaced_in_their_root(sigma, n, rho):
    """[SCHED-2]"""
    levels = refsgm.karras_sigmas(5 * sigma, sigma, n, rho)
    assert_allclose(levels[[0, -1]], [5 * sigma, sigma], rtol=0, atol=0)
    root = levels**(1 / rho)
    assert_allclose(np.diff(root), (root[-1] - root[0]) / (n - 1), rtol=1e-9, atol=1e-12)


@rejects("linear_betas", "the last step left out",
         instead(lambda n: 1e-4 + (0.02 - 1e-4) * np.arange(n) / n))
def test_linear_betas_are_linear():
    """[VP-4] DDPM's 1000 steps take alpha_bar below 1e-4."""
    table = refsgm.linear_betas(1000)
    assert_allclose(table[[0, -1]], [1e-4, 0.02], **EXACT)
    assert_allclose(np.diff(table), (0.02 - 1e-4) / 999, rtol=1e-9)
    assert refsgm.alpha_bar_from_betas(table)[-1] < 1e-4


@rejects("cosine_alpha_bar", "not clipped", instead(uncapped_cosine), 7)
@pytest.mark.parametrize("n", [1, 7, 1000])
def test_the_cosine_table_follows_the_cosine_up_to_the_cap(n):
    """[VP-5] Against 50 digits."""
    expected = truth("cosine_alpha_bar")(n, mpmath.mpf(0.008), mpmath.mpf(0.999))
    assert_allclose(refsgm.cosine_alpha_bar(n), [float(a) for a in expected], rtol=1e-12, atol=0)


@rejects("alpha_bar_from_betas", "shifted by one",
         lambda f: lambda betas: np.concatenate([[1.0], f(betas)[:-1]]))
@given(betas)
def test_alpha_bar_is_the_cumulative_product_and_gives_the_betas_back(table):
    """[VP-6]"""
    alpha_bar = refsgm.alpha_bar_from_betas(table)
    assert alpha_bar[0] == 1
    for t in range(1, len(alpha_bar)):
        assert_allclose(alpha_bar[t], np.prod(1 - table[:t]), **EXACT)
    assert_allclose(refsgm.betas_from_alpha_bar(alpha_bar), table, rtol=1e-10)


def exact_products(betas):
    """The products of 1 - beta at 40 digits, as float64."""
    table = [mpmath.mpf(1)]
    with mpmath.workdps(40):
        for beta in betas:
            table.append(table[-1] * (1 - mpmath.mpf(float(beta))))
    return np.array(table, np.float64)


@pytest.mark.parametrize("beta", [1e-5, 1.7e-4, 1e-3])
def test_many_equal_steps_do_not_drift(beta):
    """The rounding of 1 - beta, the same in every step, is taken back. [VP-6] [VP-5]"""
    found = refsgm.alpha_bar_from_betas(np.full(1000, beta))
    assert_allclose(found, exact_products(np.full(1000, beta)), rtol=5e-15)
    capped = refsgm.cosine_alpha_bar(1000, beta_max=1e-5)
    assert_allclose(capped[200:], exact_products(np.full(1000, 1e-5))[200:] * (
        capped[200] / exact_products(np.full(200, 1e-5))[200]), rtol=5e-15)


@pytest.mark.parametrize("rho", [1.0, 7.0])
def test_the_small_levels_of_a_long_karras_table_keep_their_digits(rho):
    """[SCHED-2] Of 1000 from 80 to 0.002, against 40 digits."""
    found = refsgm.karras_sigmas(80.0, 0.002, 1000, rho)
    with mpmath.workdps(40):
        high, low = mpmath.mpf(80)**(1 / mpmath.mpf(rho)), mpmath.mpf(0.002)**(1 / mpmath.mpf(rho))
        want = [(high + mpmath.mpf(i) / 999 * (low - high))**mpmath.mpf(rho) for i in range(1000)]
    assert_allclose(found, np.array(want, np.float64), rtol=4e-15)


@pytest.mark.parametrize(("f", "given"), [
    (refsgm.geometric_sigmas, (1.0, 1 - 1e-15, 50)), (refsgm.karras_sigmas, (1.0, 1 - 1e-15, 50)),
    (refsgm.alpha_bar_from_betas, (np.full(5, 1e-17),)),
    (refsgm.alpha_bar_from_betas, (np.full(3000, 0.3),))])
def test_a_table_whose_neighbours_no_number_tells_apart_is_refused(f, given):
    """[SCHED-1] [SCHED-2] [VP-6] The checks of every table refuse such a one."""
    with pytest.raises(ValueError, match="must be (strictly decreasing|in .0, 1.), got .*[0-9]$"):
        f(*given)


def test_levels_whose_ratio_no_number_holds_are_refused():
    with pytest.raises(ValueError, match="^sigma_min must be between 1e-150 and 1e.150"):
        refsgm.ve_marginal(0.0, 1e-200, 1e150)
    with pytest.raises(ValueError, match="^sigma_min must be between 1e-150 and 1e.150"):
        refsgm.ve_diffusion_coefficient(0.5, 1e-200, 1e150)


@rejects("sigma_from_alpha_bar", "a bracket is missing", instead(lambda a: abs(1 - a / a)**0.5))
@rejects("signal_to_noise_ratio", "its root", instead(lambda a: (a / (1 - a))**0.5))
@given(alpha_bars)
def test_noise_levels_of_ve_and_vp_are_one_to_one(alpha_bar):
    """[EQV-9] [EQV-10]"""
    sigma = refsgm.sigma_from_alpha_bar(alpha_bar)
    assert_allclose(sigma**2, 1 / alpha_bar - 1, rtol=1e-9)
    assert_allclose(refsgm.alpha_bar_from_sigma(sigma), alpha_bar, **EXACT)
    assert_allclose(refsgm.signal_to_noise_ratio(alpha_bar), 1 / sigma**2, **EXACT)


def test_clean_data_have_no_noise_and_an_infinite_signal_to_noise_ratio():
    """[EQV-9] [EQV-10]"""
    assert refsgm.sigma_from_alpha_bar(1.0) == 0
    assert refsgm.signal_to_noise_ratio(1.0) == np.inf
    assert refsgm.signal_to_noise_ratio(np.array([1.0, 0.5]))[0] == np.inf


@rejects("vp_marginal", "no 1/2 in the exponent",
         lambda f: lambda t, *args: (f(t, *args)[0]**2, f(t, *args)[1]))
def test_vp_marginal_solves_its_equation():
    """[VP-1] d log scale / dt = -beta(t) / 2, and the variances add up to one."""
    for t in (0.0, 0.01, 0.3, 1.0):
        slope = complex_step(lambda a: np.log(refsgm.vp_marginal(a, 0.3, 7.0)[0]), np.array([t]))
        assert_allclose(slope[0, 0], -0.5 * (0.3 + t * 6.7), **AUTODIFF)
        scale, sigma = refsgm.vp_marginal(t, 0.3, 7.0)
        assert_allclose(scale**2 + sigma**2, 1.0, **EXACT)


@pytest.mark.parametrize("t", [1e-12, 1e-6, 1e-2, 1.0])
def test_vp_marginal_keeps_its_digits_at_small_times(t):
    """[VP-1] 1 - scale^2 would lose them."""
    expected = truth("vp_marginal")(*map(mpmath.mpf, (t, 0.1, 20.0)))[1]
    assert_allclose(refsgm.vp_marginal(t)[1], float(expected), rtol=1e-14)


@rejects("ve_marginal", "sigma is linear in time, and its logarithm is not",
         instead(lambda t, a, b: a + t * (b - a)))
def test_ve_marginal_is_geometric_in_time():
    """[VE-6]"""
    t = np.linspace(0, 1, 11)
    assert_allclose(refsgm.ve_marginal(t, 0.1, 30.0),
                    refsgm.geometric_sigmas(30.0, 0.1, 11)[::-1], **EXACT)


@rejects("ve_diffusion_coefficient", "no sqrt(2 log ratio)",
         instead(lambda t, a, b: refsgm.ve_marginal(t, a, b)))
@rejects("likelihood_weight", "g for g squared", instead(lambda g: g))
def test_the_ve_diffusion_coefficient_is_the_rate_of_variance():
    """[VE-7] [WGT-2] g^2 = d sigma^2 / dt, at a time and integrated."""
    for t in (0.0, 0.4, 1.0):
        slope = complex_step(lambda a: refsgm.ve_marginal(a, 0.1, 30.0)**2, np.array([t]))
        g = refsgm.ve_diffusion_coefficient(t, 0.1, 30.0)
        assert_allclose(refsgm.likelihood_weight(g), slope[0, 0], **AUTODIFF)
    nodes, w = np.polynomial.legendre.leggauss(40)
    g = refsgm.ve_diffusion_coefficient((nodes + 1) / 2, 0.1, 30.0)
    assert_allclose(w @ g**2 / 2, 30.0**2 - 0.1**2, **QUADRATURE)


@rejects("edm_preconditioning", "c_skip of the noise",
         lambda f: lambda s, d: (1 - f(s, d)[0], *f(s, d)[1:]))
@rejects("edm_weight", "no sigma_data", instead(lambda s, d: (s**2 + 1) / s**2))
@given(sigmas, sigmas)
def test_edm_preconditioning_gives_unit_input_and_unit_target(sigma, sigma_data):
    """[EDM-1] [WGT-3] For data of variance sigma_data^2, and c_out is the smallest possible."""
    c_skip, c_out, c_in, c_noise = refsgm.edm_preconditioning(sigma, sigma_data)
    assert_allclose(c_in**2 * (sigma**2 + sigma_data**2), 1.0, **EXACT)       # Var[c_in x_noisy]
    target = (1 - c_skip)**2 * sigma_data**2 + c_skip**2 * sigma**2      # Var[x - c_skip x_noisy]
    assert_allclose(target, c_out**2, rtol=1e-9)
    for other in (c_skip - 0.01, c_skip + 0.01):
        assert (1 - other)**2 * sigma_data**2 + other**2 * sigma**2 > c_out**2
    assert_allclose(np.exp(4 * c_noise), sigma, **EXACT)
    assert_allclose(refsgm.edm_weight(sigma, sigma_data) * c_out**2, 1.0, **EXACT)


@rejects("min_snr_weight", "max for min", scaled(
    lambda a, gamma, prediction: max(a / (1 - a), gamma) / min(a / (1 - a), gamma)))
@given(alpha_bars, st.floats(0.1, 20))
def test_min_snr_weighs_the_same_loss_whatever_is_predicted(alpha_bar, gamma):
    """[WGT-4] The errors of x_0, eps and v that come from one wrong x_0 weigh alike."""
    x_0, eps, error = normal(0, 3, 2, 3)
    scale, sigma = alpha_bar**0.5, (1 - alpha_bar)**0.5
    x_t = scale * x_0 + sigma * eps
    eps_hat = refsgm.eps_from_x0(x_t, x_0 + error, scale, sigma)
    v_error = refsgm.v_from_x0_eps(x_0 + error, eps_hat, scale, sigma) \
        - refsgm.v_from_x0_eps(x_0, eps, scale, sigma)
    losses = {"x0": np.sum(error**2), "eps": np.sum((eps_hat - eps)**2), "v": np.sum(v_error**2)}
    weighted = [refsgm.min_snr_weight(alpha_bar, gamma, name) * loss
                for name, loss in losses.items()]
    q = refsgm.signal_to_noise_ratio(alpha_bar)
    assert_allclose(weighted, min(q, gamma) * np.sum(error**2), rtol=1e-6)


def test_min_snr_weights_are_finite_at_clean_data():
    """[WGT-4]"""
    assert [refsgm.min_snr_weight(1.0, 5.0, name) for name in ("eps", "x0", "v")] == [0.0, 5.0, 0.0]
