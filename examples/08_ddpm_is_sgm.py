"""
DDPM is a score-based model in other clothes
============================================

A score model lives in variance-exploding coordinates, x = x_0 + sigma eps; DDPM in
variance-preserving ones, which are sqrt(alpha_bar) times that [EQV-3]. With eps = -sigma score,
DDIM is Euler's method for the probability flow and DDPM's step is ancestral sampling: the same
noise gives the same trajectory, state by state.
"""

import numpy as np

import refsgm
from refsgm.app import plotting
from refsgm.samplers import steps_of

T = 200
data = refsgm.GaussianMixture(np.array([0.5, 0.3, 0.2]), np.array([[1.2], [-1.4], [0.1]]),
                              np.full((3, 1, 1), 0.02))


def score(x, sigma):
    """The exact score of the noisy data: the score model."""
    return data.perturb(sigma).score(x)


def eps_fn(x_t, alpha_bar_t):
    """The same model as DDPM sees it: the noise in x_t, in VP coordinates."""
    x, sigma = refsgm.ve_from_vp(x_t, alpha_bar_t)
    return refsgm.eps_from_score(score(x, sigma), sigma)


def ancestral(x, alpha_bar, rng):
    """Ancestral sampling of the score model on DDPM's noise levels [VE-4]."""
    for alpha_bar_t, alpha_bar_s in steps_of(alpha_bar):
        sigma_t, sigma_s = map(refsgm.sigma_from_alpha_bar, (alpha_bar_t, alpha_bar_s))
        x = refsgm.ve_ancestral_step(x, score(x, sigma_t), sigma_t, sigma_s,
                                     rng.standard_normal(x.shape))
        yield x


# %%
# One schedule, DDPM's, scaled to these steps; one start, in both coordinates; one noise.

alpha_bar = refsgm.alpha_bar_from_betas(refsgm.linear_betas(T, 0.1 / T, 20 / T))
sigmas = refsgm.sigma_from_alpha_bar(alpha_bar)[::-1]                  # T + 1 of them, down to zero
levels = alpha_bar[::-1]
x_ve = sigmas[0] * np.random.default_rng(0).standard_normal((14, 1))
x_vp, _ = refsgm.vp_from_ve(x_ve, sigmas[0])
pairs = {
    "probability flow = DDIM": (
        [x_ve, *refsgm.probability_flow_sampler(score, x_ve, sigmas, "euler")],
        [x_vp, *refsgm.ddim_sampler(eps_fn, x_vp, alpha_bar, 0.0, None)]),
    "ancestral sampling = DDPM": (
        [x_ve, *ancestral(x_ve, alpha_bar, np.random.default_rng(1))],
        [x_vp, *refsgm.ddpm_sampler(eps_fn, x_vp, alpha_bar, np.random.default_rng(1))])}

# %%
# Time runs to the right, from noise to data, and the shades are the density that the states should
# have, scaled to its peak. On the left the noise explodes (the axis is squeezed by arcsinh to hold
# it); on the right everything keeps its size. The paths are the same paths.

axes = plotting.panels(2, 2, (7.4, 5.6), "One trajectory, two coordinates", sharex=True)
time = np.arange(0, T + 1, 2)
for row, (names, (ve, vp)) in zip(axes, pairs.items()):
    for ax, states, scales, name, half, squeeze, widen in (
            (row[0], ve, np.ones(T + 1), "VE", 6.0, np.arcsinh, np.sinh),
            (row[1], vp, levels**0.5, "VP", 3.0, np.array, np.array)):
        height = np.linspace(-half, half, 300)
        p = np.exp([data.perturb(scales[t] * sigmas[t], scales[t]).log_density(
            widen(height)[:, None]) for t in time])                              # (T / 2 + 1, 300)
        ax.pcolormesh(time, height, (p / p.max(axis=1, keepdims=True)).T, cmap=plotting.SHADES,
                      vmin=0, vmax=1, rasterized=True)
        plotting.trajectories([squeeze(x) for x in states[::2]], ax,
                              f"{name}: {names.split(' = ')[name == 'VP']}", at=time,
                              cmap="inferno")
        ax.set(xlim=(0, T), ylim=(-half, half), ylabel="arcsinh x" if name == "VE" else "x")
for ax in axes[1]:
    ax.set_xlabel("step, from noise to data")

# %%
# Dividing the states on the right by sqrt(alpha_bar) gives those on the left.

differences = {
    name: max(float(np.max(np.abs(b / a_bar**0.5 - a)) / (1 + np.max(np.abs(a))))
              for a, b, a_bar in zip(ve, vp, levels)) for name, (ve, vp) in pairs.items()}
for name, difference in differences.items():
    print(f"{name:26} largest relative difference over all states {difference:.1e}")

# %%
# The losses are equal too: what DDPM calls L_simple is score matching with lambda = sigma^2,
# without the 1/2 [EQV-11].

rng = np.random.default_rng(2)
x_0, eps = data.sample(1000, rng), rng.standard_normal((1000, 1))
ddpm_loss = refsgm.ddpm_loss(lambda x, a: 0.5 * x, x_0, 0.3, eps)
sigma = refsgm.sigma_from_alpha_bar(0.3)
dsm = refsgm.denoising_score_matching(
    lambda x, sigma: -0.5 * refsgm.vp_from_ve(x, sigma)[0] / sigma, x_0, sigma, eps)

# %%
# What this page claims
# ---------------------

assert max(differences.values()) < 1e-10
np.testing.assert_allclose(ddpm_loss, 2 * sigma**2 * dsm, rtol=1e-12, atol=1e-12)
ends = pairs["probability flow = DDIM"][0][-1]
assert np.min(np.abs(ends - data.means[:, 0]), axis=1).max() < 0.8          # they end in the modes
