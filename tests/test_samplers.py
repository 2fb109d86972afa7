"""Loops: they do their steps in order, and converge at the order that their method has."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import refsgm
from tests.support.controls import instead, rejects
from tests.support.tolerances import (EXACT, STANDARD_ERRORS, conditional_score, normal,
                                      observed_order)

SIGMAS = np.array([3.0, 1.0, 0.4, 0.1])
ALPHA_BAR = np.array([1.0, 0.9, 0.5, 0.2, 0.01])


def rng():
    return np.random.default_rng(7)


def with_one_step_size(score_fn, x, sigmas, steps_per_level, step_size, rng):
    """Annealed Langevin dynamics that takes the last level's step size at every level."""
    for sigma in np.repeat(sigmas, steps_per_level):
        x = refsgm.langevin_step(x, score_fn(x, sigma), step_size, rng.standard_normal(x.shape))
        yield x


def from_the_clean_end(eps_fn, x, alpha_bar, eta, rng):
    """Deterministic DDIM that takes the steps of its table from the clean end to the noisy one."""
    for s, t in zip(alpha_bar[:-1], alpha_bar[1:]):
        x = refsgm.ddim_step(x, eps_fn(x, t), t, s, eta, 0 * x)
        yield x


def test_langevin_makes_its_steps_in_order():
    """[LANG-1]"""
    x, generator, states = normal(0, 4, 2), rng(), []
    states = list(refsgm.langevin(lambda x: -x, x, 0.1, 3, rng()))
    for state in states:
        x = refsgm.langevin_step(x, -x, 0.1, generator.standard_normal(x.shape))
        assert_allclose(state, x, rtol=0, atol=0)
    assert len(states) == 3


@rejects("annealed_langevin", "step sizes not annealed", instead(with_one_step_size))
def test_annealed_langevin_goes_from_large_to_small_noise():
    """[LANG-2]"""
    x, generator, s = normal(0, 4, 2), rng(), conditional_score(2)
    states = list(refsgm.annealed_langevin(s, x, SIGMAS, 2, 1e-4, rng()))
    sizes = refsgm.annealed_step_sizes(SIGMAS, 1e-4)
    assert len(states) == 8
    for i, state in enumerate(states):
        x = refsgm.langevin_step(x, s(x, SIGMAS[i // 2]), sizes[i // 2],
                                 generator.standard_normal(x.shape))
        assert_allclose(state, x, **EXACT)


def test_ddpm_and_ddim_loops_go_from_noise_to_data():
    """[DDPM-3] [DDIM-1]"""
    s = conditional_score(2)
    x, y, noise, again = normal(0, 4, 2), normal(0, 4, 2), rng(), rng()
    ddpm = list(refsgm.ddpm_sampler(s, x, ALPHA_BAR, rng()))
    ddim = list(refsgm.ddim_sampler(s, x, ALPHA_BAR, 0.5, rng()))
    assert len(ddpm) == len(ddim) == 4
    for i, t in enumerate([4, 3, 2, 1]):
        pair = ALPHA_BAR[t], ALPHA_BAR[t - 1]
        x = refsgm.ddpm_step(x, s(x, pair[0]), *pair, noise.standard_normal(x.shape))
        y = refsgm.ddim_step(y, s(y, pair[0]), *pair, 0.5, again.standard_normal(y.shape))
        assert_allclose(ddpm[i], x, **EXACT)
        assert_allclose(ddim[i], y, **EXACT)


def test_deterministic_ddim_needs_no_random_numbers():
    """[DDIM-1]"""
    x = normal(0, 4, 2)
    states = list(refsgm.ddim_sampler(conditional_score(2), x, ALPHA_BAR, 0.0, None))
    same = list(refsgm.ddim_sampler(conditional_score(2), x, ALPHA_BAR, 0.0, rng()))
    assert_allclose(states, same, rtol=0, atol=0)


@rejects("ddim_sampler", "starts from the clean end", instead(from_the_clean_end))
def test_ddim_follows_the_euler_trajectory_of_the_score_model():
    """[DDIM-1] [VE-1] [EQV-3] DDPM is a score model in other clothes: 400 steps from one noise,
    as large as 1000 steps with the usual betas have, which are smaller."""
    means, weights = normal(1, 3, 2), np.array([0.5, 0.3, 0.2])
    score_fn = lambda x, sigma: refsgm.mixture_score(x, weights, means, (0.1 + sigma**2)**0.5)

    def eps_fn(x_t, alpha_bar_t):
        x, sigma = refsgm.ve_from_vp(x_t, alpha_bar_t)
        return refsgm.eps_from_score(score_fn(x, sigma), sigma)
    alpha_bar = refsgm.alpha_bar_from_betas(refsgm.linear_betas(400, 2.5e-4, 0.05))
    sigmas = refsgm.sigma_from_alpha_bar(alpha_bar)[::-1]
    x_ve = sigmas[0] * normal(2, 5, 2)
    x_vp, _ = refsgm.vp_from_ve(x_ve, sigmas[0])
    ddim = refsgm.ddim_sampler(eps_fn, x_vp, alpha_bar, 0.0, None)
    euler = refsgm.probability_flow_sampler(score_fn, x_ve, sigmas, "euler")
    for t, (a, b) in enumerate(zip(ddim, euler)):
        scale = alpha_bar[399 - t]**0.5
        assert_allclose(a / scale, b, rtol=1e-10, atol=1e-10)


@rejects("heun_step", "second slope with the first sigma",
         instead(lambda f, x, a, b: x + (a - b) / 2 * a * (
             f(x, a) + f(x + (a - b) * a * f(x, a), b))), "heun", 2)
@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("heun", 2)])
def test_the_probability_flow_converges_at_its_order(method, order):
    """[VE-1] [VE-2] [SDE-2] On N(m, c^2), whose flow is known: x - m grows like the spread."""
    m, c, top, bottom = 0.3, 1.2, 5.0, 0.1
    score_fn = lambda x, sigma: refsgm.gaussian_score(x, m, (c**2 + sigma**2)**0.5)
    x = m + 5.0 * normal(0, 4, 2)
    exact = m + (x - m) * ((c**2 + bottom**2) / (c**2 + top**2))**0.5

    def error(n):
        sigmas = np.linspace(top, bottom, n + 1)
        *_, end = refsgm.probability_flow_sampler(score_fn, x, sigmas, method)
        return np.max(np.abs(end - exact))
    assert abs(observed_order(error, [200, 400, 800]) - order) < 0.05


def test_the_reverse_sde_converges_at_first_order():
    """[VE-3] [SDE-1] The variance of N(0, c^2) data, carried through the linear steps exactly."""
    c, top, bottom = 1.2, 5.0, 0.1

    def error(n):
        variance = c**2 + top**2
        for t, s in zip(*[np.linspace(top, bottom, n + 1)[i:n + i] for i in (0, 1)]):
            factor, noise = [refsgm.ve_reverse_sde_step(
                np.array([[x]]), np.array([[-x / (c**2 + t**2)]]), t, s, np.array([[z]]))[0, 0]
                for x, z in ((1.0, 0.0), (0.0, 1.0))]
            variance = factor**2 * variance + noise**2
        return abs(variance - c**2 - bottom**2)
    assert abs(observed_order(error, [200, 400, 800]) - 1) < 0.05


def test_annealed_langevin_samples_a_mixture_with_its_weights():
    """[LANG-2] [MIX-2] The share of the larger mode, within five standard errors."""
    weights, means = np.array([0.2, 0.8]), np.array([[-3.0, -3.0], [3.0, 3.0]])
    score_fn = lambda x, sigma: refsgm.mixture_score(x, weights, means, (0.25 + sigma**2)**0.5)
    sigmas, n = refsgm.geometric_sigmas(20.0, 0.1, 30), 2000
    *_, x = refsgm.annealed_langevin(score_fn, 20 * normal(0, n, 2), sigmas, 10, 0.002, rng())
    share = np.mean(x.sum(axis=1) > 0)
    assert abs(share - 0.8) < STANDARD_ERRORS * (0.8 * 0.2 / n)**0.5


def test_wrong_arguments_are_refused_when_the_loop_is_called():
    """Not when it is first advanced, which may be far away."""
    x, s = normal(0, 4, 2), conditional_score(2)
    with pytest.raises(ValueError, match="strictly decreasing"):
        refsgm.annealed_langevin(s, x, SIGMAS[::-1], 2, 0.01, rng())
    with pytest.raises(ValueError, match="step_size must be positive"):
        refsgm.langevin(s, x, -0.1, 2, rng())
    with pytest.raises(ValueError, match=r"alpha_bar\[0\] == 1"):
        refsgm.ddpm_sampler(s, x, ALPHA_BAR[1:], rng())
    with pytest.raises(ValueError, match=r"eta must be in \[0, 1\]"):
        refsgm.ddim_sampler(s, x, ALPHA_BAR, 1.5, rng())
    with pytest.raises(ValueError, match='method must be "heun" or "euler"'):
        refsgm.probability_flow_sampler(s, x, SIGMAS, "midpoint")
