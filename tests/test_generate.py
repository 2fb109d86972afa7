"""Samples of a model that is an exact Gaussian: every sampler finds its mean and its spread."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import refsgm
from refsgm.learn.generate import SAMPLERS, generate
from tests.support.tolerances import STANDARD_ERRORS

CENTER, SIGMA_DATA, N = np.array([3.0, -5.0]), 2.0, 4000
# A new network is zero, so its score is that of N(center, (sigma_data^2 + sigma^2) I) [NET-1].
MODEL = refsgm.Model(refsgm.init_network(np.random.default_rng(0), 2, 4, dtype="float64"), CENTER,
                     SIGMA_DATA, np.geomspace(40.0, 0.5, 20))


def drawn(sampler, **options):
    *_, x = generate(MODEL, N, np.random.default_rng(1), sampler, **options)
    return x


@pytest.mark.parametrize("sampler", sorted(set(SAMPLERS) - {"langevin", "annealed-langevin"}))
def test_a_diffusion_sampler_finds_a_gaussian(sampler):
    """[SDE-1] [SDE-2] [DDPM-3] [DDIM-1] Mean and standard deviation, up to its discretisation."""
    x = drawn(sampler, n_steps=400)
    error = STANDARD_ERRORS * SIGMA_DATA / N**0.5
    assert_allclose(np.mean(x, axis=0), CENTER, rtol=0, atol=error + 0.03)
    assert_allclose(np.std(x, axis=0), SIGMA_DATA, rtol=0, atol=error + 0.04)


@pytest.mark.parametrize("sampler", ["langevin", "annealed-langevin"])
def test_langevin_finds_the_noisy_gaussian_and_denoises_it(sampler):
    """[LANG-1] [EQV-5] Denoised once, the noisy law shrinks by sigma_data^2 / (its variance)."""
    x = drawn(sampler, n_steps=400, step_size=2.0 if sampler == "langevin" else 0.5)
    last, variance = 0.5, SIGMA_DATA**2 + 0.25
    step = (2.0 if sampler == "langevin" else 0.5) * last**2
    spread = SIGMA_DATA**2 / variance * (variance / (1 - step / (4 * variance)))**0.5
    error = STANDARD_ERRORS * SIGMA_DATA / N**0.5
    if sampler == "langevin":                          # the start is forgotten at a known rate
        start = np.exp(-step / (2 * variance) * 400) * 40
        assert start < 0.01
    assert_allclose(np.mean(x, axis=0), CENTER, rtol=0, atol=error + 0.02)
    assert_allclose(np.std(x, axis=0), spread, rtol=0, atol=error + 0.02)


def test_ddim_follows_euler():
    """[DDIM-1] [EQV-3] The same trajectory in VP and VE coordinates, from the same start."""
    assert_allclose(drawn("ddim", n_steps=30), drawn("euler", n_steps=30), rtol=1e-9, atol=1e-9)
