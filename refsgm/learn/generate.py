"""Samples of a trained model by any sampler: which noise levels, which start, which coordinates.

    VE   x starts at center + sigma_1 z and ends at sigma = 0
    VP   the same times sqrt(alpha_bar), with eps_vp(x_t, alpha_bar) = eps(x_ve, sigma)

A model is trained in VE coordinates; DDPM and DDIM see it through the map [EQV-3].
"""

import numpy as np

from ..equivalence import ve_from_vp, vp_from_ve, x0_from_score
from ..samplers import (annealed_langevin, ddim_sampler, ddpm_sampler, langevin, normal_like,
                        probability_flow_sampler)
from ..noise_levels import alpha_bar_from_sigma, geometric_sigmas
from ..arguments import check_count
from ..arrays import entries
from ..steps import ve_ancestral_step, ve_reverse_sde_step

SAMPLERS = ("annealed-langevin", "langevin", "ddpm", "ddim", "euler", "heun", "reverse-sde",
            "ancestral")


def generate(model, n, rng, sampler="annealed-langevin", *, n_steps=100, steps_per_level=20,
             step_size=0.3, eta=0.0):
    """A generator of states (n, D) of a sampler on a trained model; the last is the sample.

    model            a Model
    n                number of samples
    rng              NumPy Generator
    sampler          one of SAMPLERS
    n_steps          noise levels between the model's largest and smallest; "langevin": steps
    steps_per_level  annealed Langevin: steps at each of the model's own noise levels
    step_size        Langevin: step size at the smallest level, in units of sigma_L^2
    eta              DDIM: share of fresh noise in [0, 1]
    Raises ValueError for any other sampler and values out of range.
    """
    check_count(1, n=n, n_steps=n_steps, steps_per_level=steps_per_level)
    if sampler not in SAMPLERS:
        raise ValueError(f"sampler must be one of {', '.join(SAMPLERS)}, got {sampler!r}")
    last = float(model.sigmas[-1])
    sigmas = geometric_sigmas(float(model.sigmas[0]), last, max(n_steps, 2))
    z = rng.standard_normal((n, model.dim), dtype=model.center.dtype)
    x = model.center + entries(sigmas)[0] * z
    if sampler == "annealed-langevin":
        states = annealed_langevin(model.score, x, model.sigmas, steps_per_level,
                                   step_size * last**2, rng)
        return then_denoise(model, states)
    if sampler == "langevin":
        states = langevin(lambda x: model.score(x, last), x, step_size * last**2, n_steps, rng)
        return then_denoise(model, states)
    if sampler in ("ddpm", "ddim"):
        return variance_preserving(model, x, sigmas, sampler, eta, rng)
    if sampler in ("euler", "heun"):
        return probability_flow_sampler(model.score, x, np.append(sigmas, 0.0), sampler)
    return stochastic(model, x, np.append(sigmas, 0.0), sampler, rng)


def then_denoise(model, states):
    """The states, then the denoised mean of the last, which takes out the noise left in it."""
    last = float(model.sigmas[-1])
    for x in states:
        yield x
    yield x0_from_score(x, model.score(x, last), 1.0, last)


def variance_preserving(model, x_ve, sigmas, sampler, eta, rng):
    """DDPM or DDIM on a model of VE coordinates."""
    alpha_bar = np.concatenate([[1.0], alpha_bar_from_sigma(sigmas[::-1])])

    def eps_fn(x_t, alpha_bar_t):
        return model.eps(*ve_from_vp(x_t, alpha_bar_t))

    x, _ = vp_from_ve(x_ve, entries(sigmas)[0])
    if sampler == "ddpm":
        return ddpm_sampler(eps_fn, x, alpha_bar, rng)
    return ddim_sampler(eps_fn, x, alpha_bar, eta, rng)


def stochastic(model, x, sigmas, sampler, rng):
    """The reverse SDE by Euler-Maruyama, or ancestral sampling, in VE coordinates."""
    step = ve_reverse_sde_step if sampler == "reverse-sde" else ve_ancestral_step
    levels = entries(sigmas)
    for sigma_t, sigma_s in zip(levels[:-1], levels[1:]):
        x = step(x, model.score(x, sigma_t), sigma_t, sigma_s, normal_like(x, rng))
        yield x
