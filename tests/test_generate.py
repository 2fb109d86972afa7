"""Samples of a model that is an exact Gaussian: every sampler finds its mean and its spread.

Its score is affine, so the law of the samples is computed and not estimated from chains [POP-3].
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import refsgm
from refsgm.learn.generate import SAMPLERS, generate
from tests.support.tolerances import EXACT

CENTER, SIGMA_DATA, LAST = np.array([3.0, -5.0]), 2.0, 0.5
# A new network is zero, so its score is that of N(center, (sigma_data^2 + sigma^2) I) [NET-1].
MODEL = refsgm.Model(refsgm.init_network(np.random.default_rng(0), 2, 4, dtype="float64"), CENTER,
                     SIGMA_DATA, np.geomspace(40.0, LAST, 20))


def law(sampler, **options):
    """Mean (D,) and standard deviations (D,) of the samples; their start is the first draw."""
    means, covs = refsgm.sampler_law(
        lambda x, rng: generate(MODEL, len(x), rng, sampler, **options), np.zeros(2), np.eye(2))
    return means[-1], np.diag(covs[-1])**0.5


@pytest.mark.parametrize("sampler", sorted(set(SAMPLERS) - {"langevin", "annealed-langevin"}))
def test_a_diffusion_sampler_finds_a_gaussian(sampler):
    """[SDE-1] [SDE-2] [DDPM-3] [DDIM-1] [EQV-5] The last of 400 steps, to no noise, is a long one,
    and known: denoising; of the reverse SDE twice its way, with noise. The rest is the error of
    the shorter steps, of which the largest has been 0.011."""
    variance = SIGMA_DATA**2 + LAST**2
    spread = (((1 - LAST**2 / variance)**2 * variance + LAST**2)**0.5 if sampler == "reverse-sde"
              else SIGMA_DATA**2 / variance**0.5)
    mean, deviation = law(sampler, n_steps=400)
    assert_allclose(mean, CENTER, **EXACT)
    assert_allclose(deviation, spread, rtol=0, atol=0.015)


@pytest.mark.parametrize(("sampler", "step_size", "levels", "steps"), [
    ("langevin", 2.0, MODEL.sigmas[-1:], 400), ("annealed-langevin", 0.5, MODEL.sigmas, 20)])
def test_langevin_goes_to_the_noisy_gaussian_and_denoises_it(sampler, step_size, levels, steps):
    """[LANG-1] [LANG-2] [LANG-3] [EQV-5] A step of size a at a level whose law has the variance c^2
    takes a variance v to (1 - a / (2 c^2))^2 v + a; at the end the noisy law is denoised once, and
    shrinks by sigma_data^2 / c^2."""
    v = MODEL.sigmas[0]**2
    for sigma in levels:
        c2, a = SIGMA_DATA**2 + sigma**2, step_size * sigma**2
        for _ in range(steps):
            v = (1 - a / (2 * c2))**2 * v + a
    mean, deviation = law(sampler, n_steps=steps, step_size=step_size)
    assert_allclose(mean, CENTER, **EXACT)
    assert_allclose(deviation, SIGMA_DATA**2 / c2 * v**0.5, **EXACT)


def test_ddim_follows_euler():
    """[DDIM-1] [EQV-3] The same trajectory in VP and VE coordinates, from the same start."""
    ddim, euler = (list(generate(MODEL, 100, np.random.default_rng(1), sampler, n_steps=30))[-1]
                   for sampler in ("ddim", "euler"))
    assert_allclose(ddim, euler, rtol=1e-9, atol=1e-9)
