"""Population identities, constants included, and the laws of samplers against chains."""

import numpy as np
import pytest
from calls import last
from laws import EXACT, STANDARD_ERRORS
from numpy.testing import assert_allclose

import refsgm

P = refsgm.GaussianMixture(np.array([0.4, 0.6]), np.array([[-0.5], [0.7]]),
                           np.array([[[1.0]], [[0.6]]]))
P2 = refsgm.GaussianMixture(np.array([0.4, 0.6]), np.array([[-0.3, 0.1], [0.4, -0.2]]),
                            np.array([[[1.0, 0.2], [0.2, 0.8]], [[0.7, 0.0], [0.0, 1.0]]]))
IDENTITY = {"rtol": 1e-11, "atol": 1e-11}
G = refsgm.Gaussian(np.array([1.0, -0.5]), np.array([[1.0, 0.4], [0.4, 0.5]]))
SIGMAS = refsgm.geometric_sigmas(5.0, 0.2, 13)
N = 200_000


def model(x, sigma=1.0):
    return -0.8 * x + 0.1 * x**2 - 0.02 * x**3 * sigma


@pytest.mark.parametrize(("p", "order"), [(P, 150), (P2, 80)], ids=["1-D", "2-D"])
def test_esm_is_ism_plus_its_constant(p, order):
    """[ISM-2] [POP-1] On a mixture, as population values."""
    esm = refsgm.expected(lambda x: refsgm.explicit_score_matching(model, x, p.score(x)), p, order)
    ism = refsgm.expected(lambda x: refsgm.implicit_score_matching(model, x), p, order)
    constant = refsgm.expected(lambda x: np.sum(p.score(x)**2, axis=1) / 2, p, order)
    assert_allclose(esm, ism + constant, **IDENTITY)


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


def ve_loop(step):
    """The loop of a stochastic VE step."""
    def sampler(score, x, sigmas, rng):
        for t, s in zip(sigmas[:-1].tolist(), sigmas[1:].tolist()):
            x = step(x, score(x, t), t, s, rng.standard_normal(x.shape))
            yield x
    return sampler


SAMPLERS = {
    "euler": lambda s, x, sigmas, rng: refsgm.probability_flow_sampler(s, x, sigmas, "euler"),
    "heun": lambda s, x, sigmas, rng: refsgm.probability_flow_sampler(s, x, sigmas),
    "annealed": lambda s, x, sigmas, rng: refsgm.annealed_langevin(s, x, sigmas, 2, 0.02, rng),
    "reverse-sde": ve_loop(refsgm.ve_reverse_sde_step),
    "ancestral": ve_loop(refsgm.ve_ancestral_step),
}


def score(x, sigma):
    return G.perturb(sigma).score(x)


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_law_of_a_sampler_is_that_of_its_chains(name):
    """[POP-3] Mean and covariance of 200,000 chains, within five standard errors."""
    rng, start = np.random.default_rng(0), G.perturb(5.0)
    means, covs = refsgm.sampler_law(lambda x, rng: SAMPLERS[name](score, x, SIGMAS, rng),
                                     start.mean, start.cov)
    x = last(SAMPLERS[name](score, start.sample(N, rng), SIGMAS, rng))
    mean, cov = means[-1], covs[-1]
    variance = np.diag(cov)
    assert np.all(np.abs(np.mean(x, axis=0) - mean) < STANDARD_ERRORS * (variance / N)**0.5)
    error = ((np.outer(variance, variance) + cov**2) / N)**0.5
    assert np.all(np.abs(np.cov(x.T) - cov) < STANDARD_ERRORS * error)


def test_langevin_has_the_bias_of_its_step():
    """[POP-3] [LANG-3] c^2 / (1 - a / (4 c^2)) in the limit, and the recursion before it."""
    c2, a = 2.0, 0.7
    means, covs = refsgm.sampler_law(lambda x, rng: refsgm.langevin(lambda x: -x / c2, x, a, 300,
                                                                    rng), np.ones(1), np.eye(1))
    factor = 1 - a / (2 * c2)
    assert_allclose(means[:, 0], factor**np.arange(1, 301), **EXACT)
    assert_allclose(covs[0, 0, 0], factor**2 + a, **EXACT)
    assert_allclose(covs[-1, 0, 0], c2 / (1 - a / (4 * c2)), **EXACT)


@pytest.mark.parametrize(("name", "order"), [("euler", 1), ("heun", 2), ("reverse-sde", 1),
                                             ("ancestral", 1)])
def test_samplers_converge_at_their_order(name, order):
    """[POP-4] [VE-1] [VE-2]"""
    observed = refsgm.convergence_order(SAMPLERS[name], G, lambda n: refsgm.geometric_sigmas(
        5.0, 0.2, n + 1), [400, 800, 1200] if name in ("euler", "heun") else [100, 200, 300])
    assert abs(observed.slope - order) < (0.03 if name in ("euler", "heun") else 0.05)


def test_what_is_not_affine_is_refused():
    with pytest.raises(ValueError, match="sampler must be affine"):
        refsgm.sampler_law(lambda x, rng: refsgm.langevin(lambda x: -x**3, x, 0.1, 2, rng),
                           np.zeros(2), np.eye(2))
    with pytest.raises(ValueError, match="mean and cov must have shapes"):
        refsgm.sampler_law(lambda x, rng: [x], np.zeros(2), np.eye(3))
    with pytest.raises(ValueError, match="order must be an integer, at least 1"):
        refsgm.expected(lambda x: x[:, 0], P, 0)
    with pytest.raises(ValueError, match=r"loss\(x\) must return shape"):
        refsgm.expected(lambda x: x, P, 3)
