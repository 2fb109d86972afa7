"""DDPM is a score-based model in other clothes: one noise, two coordinates, the same trajectory.

    python examples/ddpm_is_sgm.py

A score model lives in VE coordinates, x = x_0 + sigma eps; DDPM in VP coordinates, which are
sqrt(alpha_bar) times that. Deterministic DDIM with eps = -sigma score is the Euler method for the
probability-flow ODE, and DDPM's ancestral step is that of the score model, state by state.
"""

import numpy as np

import refsgm
from refsgm.samplers import steps_of

WEIGHTS = np.array([0.5, 0.3, 0.2])
MEANS = np.array([[0.0, 2.0], [-2.0, -1.0], [2.0, -1.0]])


def score(x, sigma):
    """The exact score of a mixture of Gaussians of standard deviation 0.3, with noise."""
    return refsgm.mixture_score(x, WEIGHTS, MEANS, (0.3**2 + sigma**2)**0.5)


def eps_fn(x_t, alpha_bar_t):
    """The same model as DDPM sees it: the noise in x_t, in VP coordinates."""
    x, sigma = refsgm.ve_from_vp(x_t, alpha_bar_t)
    return refsgm.eps_from_score(score(x, sigma), sigma)


def ancestral(x, alpha_bar, rng):
    """Ancestral sampling of the score model on DDPM's noise levels."""
    for alpha_bar_t, alpha_bar_s in steps_of(alpha_bar):
        sigma_t, sigma_s = map(refsgm.sigma_from_alpha_bar, (alpha_bar_t, alpha_bar_s))
        x = refsgm.ve_ancestral_step(x, score(x, sigma_t), sigma_t, sigma_s,
                                     rng.standard_normal(x.shape))
        yield x


def main(n=100, n_steps=1000, seed=0):
    """The largest difference between the two trajectories over all states, per sampler."""
    betas = refsgm.linear_betas(n_steps, 0.1 / n_steps, 20 / n_steps)
    alpha_bar = refsgm.alpha_bar_from_betas(betas)
    sigmas = refsgm.sigma_from_alpha_bar(alpha_bar)[::-1]
    x_ve = sigmas[0] * np.random.default_rng(seed).standard_normal((n, 2))
    x_vp, _ = refsgm.vp_from_ve(x_ve, sigmas[0])

    def noise():
        return np.random.default_rng(seed + 1)

    pairs = {
        "DDIM = probability flow by Euler": (
            refsgm.ddim_sampler(eps_fn, x_vp, alpha_bar, 0.0, None),
            refsgm.probability_flow_sampler(score, x_ve, sigmas, "euler")),
        "DDPM = ancestral sampling": (
            refsgm.ddpm_sampler(eps_fn, x_vp, alpha_bar, noise()),
            ancestral(x_ve, alpha_bar, noise())),
    }
    levels = alpha_bar[-2::-1]                             # alpha_bar after each step
    differences = {name: max(float(np.max(np.abs(vp / a**0.5 - ve))) / (1 + np.max(np.abs(ve)))
                             for vp, ve, a in zip(*trajectories, levels))
                   for name, trajectories in pairs.items()}
    for name, difference in differences.items():
        print(f"{name:34} largest relative difference {difference:.1e}")
    return differences


if __name__ == "__main__":
    main()
