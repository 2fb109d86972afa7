"""The laws of samplers: against chains, closed forms and direct integration."""

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import norm

import refsgm
from refsgm.app import scorecard
from tests.support.calls import last
from tests.support.controls import rejects
from tests.support.tolerances import EXACT, STANDARD_ERRORS, gauss_hermite

G = refsgm.Gaussian(np.array([1.0, -0.5]), np.array([[1.0, 0.4], [0.4, 0.5]]))
SIGMAS = refsgm.geometric_sigmas(5.0, 0.2, 13)
N = 60_000
LINE = refsgm.GaussianMixture(np.array([0.3, 0.7]), np.array([[-2.0], [1.5]]),
                              np.array([[[0.5]], [[1.0]]]))


# the samplers of the scorecard, in VE coordinates, and those that have no order
SAMPLERS = {name: sampler for name, (_, sampler) in scorecard.ORDERS.items()} | {
    "DDIM, eta = 1/2": scorecard.by_name_in_vp("ddim", eta=0.5),
    "Langevin": lambda s, x, sigmas, rng: refsgm.langevin(lambda x: s(x, 0.2), x, 0.3, 8, rng),
    "annealed Langevin": lambda s, x, sigmas, rng: refsgm.annealed_langevin(s, x, sigmas, 2, 0.02,
                                                                            rng)}
ORDERS = {name: order for name, (order, _) in scorecard.ORDERS.items()}


def score(x, sigma):
    return G.perturb(sigma).score(x)


def silent(rng):
    """A generator whose noise is zero, whatever it is asked for."""
    return SimpleNamespace(
        standard_normal=lambda *args, **kwargs: 0 * rng.standard_normal(*args, **kwargs))


@rejects("sampler_law", "noise left out",
         lambda f: lambda sampler, mean, cov: f(lambda x, rng: sampler(x, silent(rng)), mean, cov),
         "ancestral")
@pytest.mark.parametrize("name", SAMPLERS)
def test_the_law_of_a_sampler_is_that_of_its_chains(name):
    """[POP-3] Mean and covariance of 60,000 chains, within five standard errors."""
    rng, start = np.random.default_rng(0), G.perturb(5.0)
    means, covs = refsgm.sampler_law(lambda x, rng: SAMPLERS[name](score, x, SIGMAS, rng),
                                     start.mean, start.cov)
    x = last(SAMPLERS[name](score, start.sample(N, rng), SIGMAS, rng))
    mean, cov = means[-1], covs[-1]
    variance = np.diag(cov)
    assert np.all(np.abs(np.mean(x, axis=0) - mean) < STANDARD_ERRORS * (variance / N)**0.5)
    error = ((np.outer(variance, variance) + cov**2) / N)**0.5
    assert np.all(np.abs(np.cov(x.T) - cov) < STANDARD_ERRORS * error)


def with_falling_errors_called_rising(convergence_order):
    """The order with the other sign."""
    def wrong(*args):
        order = convergence_order(*args)
        return order._replace(slope=-order.slope)
    return wrong


@rejects("convergence_order", "sign",
         with_falling_errors_called_rising,
         "probability flow, Euler")
@pytest.mark.parametrize("name", ORDERS)
def test_samplers_converge_at_their_order(name):
    """[POP-4] [VE-1] [VE-2] [VE-3] [VE-4] [VP-2] [VP-3] [DDPM-3] [DDIM-1]"""
    observed = refsgm.convergence_order(SAMPLERS[name], G, lambda n: refsgm.geometric_sigmas(
        5.0, 0.2, n + 1), [80, 120, 160])
    assert abs(observed.slope - ORDERS[name]) < 0.03


def test_some_samplers_are_one():
    """[DDPM-3] [VE-4] [DDIM-1] [VE-1] In other coordinates: DDPM, DDIM with eta = 1 and ancestral
    sampling; DDIM and Euler's method for the probability flow."""
    laws = {name: refsgm.sampler_law(lambda x, rng: sampler(score, x, SIGMAS, rng),  # noqa: B023
                                     G.mean, G.cov) for name, sampler in SAMPLERS.items()}
    for one, other in (("DDPM", "ancestral"), ("DDPM", "DDIM, eta = 1"),
                       ("DDIM", "probability flow, Euler")):
        for a, b in zip(laws[one], laws[other]):
            assert_allclose(a, b, **EXACT)


def test_langevin_has_the_bias_of_its_step():
    """[POP-3] [LANG-3] c^2 / (1 - a / (4 c^2)) in the limit, and the recursion before it."""
    c2, a = 2.0, 0.7
    means, covs = refsgm.sampler_law(lambda x, rng: refsgm.langevin(lambda x: -x / c2, x, a, 300,
                                                                    rng), np.ones(1), np.eye(1))
    factor = 1 - a / (2 * c2)
    assert_allclose(means[:, 0], factor**np.arange(1, 301), **EXACT)
    assert_allclose(covs[0, 0, 0], factor**2 + a, **EXACT)
    assert_allclose(covs[-1, 0, 0], c2 / (1 - a / (4 * c2)), **EXACT)


def line_score(x, sigma):
    return LINE.perturb(sigma).score(x)


def laws_on_the_line(spacing):
    """The exact law of a Langevin and of an annealed Langevin sampler, and their chains."""
    nodes, weights = gauss_hermite(60)
    levels = np.array([3.0, 1.0, 0.4])
    return {
        "langevin": (refsgm.langevin_law(LINE.score, nodes, weights, 0.4, 12, spacing),
                     lambda x, rng: refsgm.langevin(LINE.score, x, 0.4, 12, rng)),
        "annealed": (refsgm.annealed_langevin_law(line_score, nodes, weights, levels, 4, 0.1,
                                                  spacing),
                     lambda x, rng: refsgm.annealed_langevin(line_score, x, levels, 4, 0.1, rng))}


@rejects("annealed_langevin_law", "the step size and the score of the last level at every level",
         lambda f: lambda s, x, w, sigmas, n, a, h: refsgm.langevin_law(
             lambda x: s(x, sigmas[-1]), x, w, a, n * len(sigmas), h), "annealed")
@pytest.mark.parametrize("name", ["langevin", "annealed"])
def test_the_law_on_the_line_is_that_of_its_chains(name):
    """[POP-7] [LANG-1] [LANG-2] Bounded functions of 60,000 chains within five standard errors."""
    rng = np.random.default_rng(3)
    law, chain = laws_on_the_line(0.15)[name]
    x = last(chain(rng.standard_normal((N, 1)), rng))
    for f in (lambda x: x > 0, lambda x: np.tanh(x), lambda x: np.cos(2 * x)):
        values = f(x).astype(float)
        exact = law.weights @ np.mean([f(law.means + law.covs[0, 0]**0.5 * z) for z in
                                       norm.ppf((np.arange(500) + 0.5) / 500)], axis=0)[:, 0]
        assert abs(values.mean() - exact) < STANDARD_ERRORS * values.std() / N**0.5


@pytest.mark.parametrize("name", ["langevin", "annealed"])
def test_the_law_does_not_depend_on_the_grid(name):
    """[POP-7]"""
    x = np.linspace(-6, 6, 41)[:, None]
    coarse, fine = (np.exp(laws_on_the_line(h)[name][0].log_density(x)) for h in (0.2, 0.1))
    assert_allclose(coarse, fine, rtol=1e-10, atol=1e-12)


@rejects("langevin_law", "the step for half of it",
         lambda f: lambda s, x, w, a, n, h=0.15: f(lambda x: 2 * s(x), x, w, a, n, h))
def test_two_steps_are_one_integral():
    """[POP-7] From a point, by the trapezoidal rule, whose error is below rounding for smooth
    functions that fall like a Gaussian to zero at both ends."""
    a, start = 0.3, 0.4
    law = refsgm.langevin_law(LINE.score, np.array([[start]]), np.ones(1), a, 2)

    def drift(x):
        return x + a / 2 * LINE.score(x[:, None])[:, 0]

    x = np.linspace(-6, 6, 2001)
    first = norm.pdf(x, drift(np.array([start])), a**0.5)
    for y in (-1.0, 0.0, 0.7):
        exact = np.sum(first * norm.pdf(y, drift(x), a**0.5)) * (x[1] - x[0])
        assert_allclose(np.exp(law.log_density(np.array([[y]]))), exact, rtol=1e-10)


@pytest.mark.parametrize("n_steps", [1, 2, 5, 40])
def test_both_laws_agree_on_a_gaussian(n_steps):
    """[POP-3] [POP-7]"""
    p = refsgm.Gaussian(np.array([2.0]), np.array([[0.7]]))
    start = refsgm.Gaussian(np.array([-3.0]), np.array([[4.0]]))
    law = refsgm.langevin_law(p.score, *start.quadrature(80), 0.5, n_steps)
    means, covs = refsgm.sampler_law(lambda x, rng: refsgm.langevin(p.score, x, 0.5, n_steps, rng),
                                     start.mean, start.cov)
    assert_allclose(law.mean, means[-1], rtol=1e-10)
    assert_allclose(law.cov, covs[-1], rtol=1e-10)


def test_what_is_not_affine_is_refused():
    with pytest.raises(ValueError, match="sampler must be affine"):
        refsgm.sampler_law(lambda x, rng: refsgm.langevin(lambda x: -x**3, x, 0.1, 2, rng),
                           np.zeros(2), np.eye(2))
    with pytest.raises(ValueError, match=r"cov must have shape \(D, D\) = \(2, 2\), got"):
        refsgm.sampler_law(lambda x, rng: [x], np.zeros(2), np.eye(3))
    with pytest.raises(ValueError, match="mean must be finite"):
        refsgm.sampler_law(lambda x, rng: [x], np.full(2, np.nan), np.eye(2))
    with pytest.raises(ValueError, match="cov must be symmetric, got 1.0 and 0.0"):
        refsgm.sampler_law(lambda x, rng: [x], np.zeros(2), np.triu(np.ones((2, 2))))
    with pytest.raises(ValueError, match="the number of states of sampler must be an integer"):
        refsgm.sampler_law(lambda x, rng: [], np.zeros(2), np.eye(2))


def step(f):
    """A sampler of three steps x' = f(x, z)."""
    def sampler(x, rng):
        for _ in range(3):
            x = f(x, rng.standard_normal(x.shape))
            yield x
    return sampler


@pytest.mark.parametrize("f", [
    lambda x, z: x + x * z / 2, lambda x, z: x / 2 + np.abs(z), lambda x, z: x / 2 + z**2,
    lambda x, z: x / 2 + z**3, lambda x, z: x / 2 + z * np.abs(z), lambda x, z: x / 2 + np.sign(z),
    lambda x, z: x / 2 + np.clip(z, -1.5, 1.5), lambda x, z: np.clip(0.9 * x + z / 2, -1.9, 1.9),
    lambda x, z: x + np.sin(np.pi * x) / 10, lambda x, z: x - np.maximum(x - 1.99, 0),
], ids=["x z", "|z|", "z^2", "z^3", "z |z|", "sign z", "clipped z", "clipped", "sine", "clamped x"])
def test_noise_and_states_must_enter_linearly(f):
    """A sampler that looks linear at the unit vectors alone is refused. [POP-3]"""
    with pytest.raises(ValueError, match="sampler must be affine"):
        refsgm.sampler_law(step(f), np.ones(2), np.eye(2))
    means, covs = refsgm.sampler_law(step(lambda x, z: x / 2 + z), np.ones(2), np.eye(2))
    assert_allclose(means[:, 0], [1 / 2, 1 / 4, 1 / 8], **EXACT)
    assert_allclose(covs[:, 0, 0], [5 / 4, 21 / 16, 85 / 64], **EXACT)


def test_wrong_starts_and_grids_are_refused():
    x, w = np.zeros((2, 1)), np.full(2, 0.5)
    sharp = refsgm.GaussianMixture(w, np.array([[-1.0], [1.0]]), np.full((2, 1, 1), 1e-4)).score
    for error, args in {
        r"x must have shape \(M, 1\) = \(2, 1\)": (LINE.score, np.zeros((2, 2)), w, 0.1, 5),
        "weights must sum to 1": (LINE.score, x, w / 2, 0.1, 5),
        "n_steps must be an integer, at least 1": (LINE.score, x, w, 0.1, 0),
        "step_size must be positive": (LINE.score, x, w, 0.0, 5),
        "spacing must be positive": (LINE.score, x, w, 0.1, 5, 0.0),
        "spacing must give at most 8192 grid points": (LINE.score, x, w, 0.1, 5, 1e-4),
        "spacing must resolve the law, got": (sharp, x, w, 1e-4, 5, 2.0),
        r"score_fn\(x\) must be finite": (lambda x: np.nan * x, x, w, 0.1, 5),
        r"score_fn\(x\) must return shape": (lambda x: x[:, 0], x, w, 0.1, 5),
    }.items():
        with pytest.raises(ValueError, match=error):
            refsgm.langevin_law(*args)
