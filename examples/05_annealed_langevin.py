"""
Annealed Langevin dynamics
==========================

Langevin dynamics on q_sigma for one noise level after the other, from large to small. At the
first level all modes are one, and particles go where the mass is; then the modes part, with about
the right number of particles in each. Plain Langevin dynamics on the data leaves every particle in
the mode that it starts near. The score is exact in both: the difference is the noise alone.
"""

import numpy as np

import refsgm
from refsgm.app import plotting

WEIGHTS = np.array([0.1, 0.3, 0.6])
MEANS = np.array([[-4.0, -2.0], [4.0, -2.0], [0.0, 4.0]])
SD = 0.5
STEPS_PER_LEVEL = 100
N = 1000


def law(sigma):
    """The data with noise: three modes, with weights 0.1, 0.3 and 0.6."""
    covs = (SD**2 + sigma**2) * np.stack([np.eye(2)] * 3)
    return refsgm.GaussianMixture(WEIGHTS, MEANS, covs)


def score(x, sigma):
    """The exact score of the noisy data."""
    return refsgm.mixture_score(x, WEIGHTS, MEANS, (SD**2 + sigma**2)**0.5)


def shares(x):
    """Share of the points that are nearest to each mode."""
    nearest = np.argmin(np.sum((x[:, None] - MEANS)**2, axis=2), axis=1)
    return np.bincount(nearest, minlength=3) / len(x)


# %%
# The same start, the same number of steps for both.

rng = np.random.default_rng(0)
sigmas = refsgm.geometric_sigmas(10.0, 0.05, 20)
start = sigmas[0] * rng.standard_normal((N, 2))
annealed = [start, *refsgm.annealed_langevin(score, start, sigmas, STEPS_PER_LEVEL, 7.5e-4, rng)]
plain = [start, *refsgm.langevin(lambda x: score(x, 0.0), start, 0.05, len(annealed) - 1, rng)]

for name, found in (("exact", WEIGHTS), ("annealed", shares(annealed[-1])),
                    ("plain", shares(plain[-1]))):
    print(f"{name:9} shares of the modes", *(f"{share:.3f}" for share in found))

# %%
# Particles at the end of some levels, over the density that they should have there.

shown = (0, 4, 7, 10, 13, 19)
axes = plotting.panels(2, 3, (7.4, 5.0), "Particles follow the density as the noise falls")
for ax, i in zip(axes.flat, shown):
    half = 6.5 + 2 * sigmas[i]
    extent = (-half, half, -half, half)
    plotting.density(law(sigmas[i]).log_density, extent, ax)
    plotting.samples(annealed[(i + 1) * STEPS_PER_LEVEL][:400], ax, f"sigma = {sigmas[i]:.2g}",
                     color=plotting.ORANGE)
    ax.set(xlim=extent[:2], ylim=extent[2:])

# %%
# Sixteen of them on their way, one straight piece for each noise level, or for as many plain steps.
# Annealed paths, dark first and light last, cross the whole picture while the noise is large, and
# settle late; plain ones fall into the nearest mode and never leave.

extent = (-12, 12, -12, 12)
axes = plotting.panels(1, 2, (7.4, 4.0), "With noise particles choose; without, the start decides",
                       sharey=True)
for ax, states, name in ((axes[0], annealed, "annealed"), (axes[1], plain, "plain")):
    plotting.density(law(0.0).log_density, extent, ax)
    words = ", ".join(f"{share:.2f}" for share in shares(states[-1]))
    plotting.trajectories([x[:16] for x in states[::STEPS_PER_LEVEL]], ax,
                          f"{name}: shares {words}")
    ax.set(xlim=extent[:2], ylim=extent[2:])

# %%
# What this page claims
# ---------------------
# That annealing finds the weights, as far as 1000 particles can tell: finitely many steps per level
# leave a bias, which the page before computes for two modes.

errors = {name: np.max(np.abs(shares(states[-1]) - WEIGHTS))
          for name, states in (("annealed", annealed), ("plain", plain))}
by_start = shares(start)
assert errors["annealed"] < 0.05
assert errors["plain"] > 0.2
assert np.max(np.abs(shares(plain[-1]) - by_start)) < 0.1                  # the start decides
away = np.min(np.sum((annealed[-1][:, None] - MEANS)**2, axis=2), axis=1)
assert abs(np.median(away) / (2 * np.log(2) * (SD**2 + sigmas[-1]**2)) - 1) < 0.15     # the width
