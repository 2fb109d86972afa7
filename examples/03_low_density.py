"""
Where there are no data, Langevin dynamics is lost
==================================================

Two modes far apart, with weights 1/5 and 4/5: the first experiment of noise-conditional score
networks (Song and Ermon 2019, section 3.2). Langevin dynamics with the *exact* score gets the
weights wrong, and a *learnt* score is wrong between the modes. On the diagonal the chains live on a
line, where their law is computed, not sampled [POP-7].
"""

import numpy as np
from scipy.special import ndtr

import refsgm
from refsgm.app import plotting, scorecard

results = scorecard.exact_weights()
truth = scorecard.two_modes(1.0, 1)

ax = plotting.panels(1, 1, (7.4, 3.2), "After 1000 steps each mode has what started near it")
plotting.densities(np.linspace(-14, 14, 800), truth.log_density,
                   {f"{name}: {weight:.4f}": law.log_density
                    for name, (weight, law) in results.items()}, ax)
ax.get_legend().set_title("exact weight of the larger mode, 0.8 in truth",
                          prop={"size": 8})
ax.set(xlabel="place along the diagonal, (x + y) / sqrt 2", ylim=(0, 0.48))

# %%
# Chains start from the uniform law on a square, half of them on either side. Each mode looks right
# on its own, so looking at samples up close tells nothing: the score does not know the weights of
# modes that do not touch, because log w + log N(x | m, I) has the same gradient for every w.
# Annealed Langevin dynamics, from noise 20 down to noise 1, comes close to 4/5; what is missing is
# the bias of finitely many steps. The blue law takes sigma^2 for the variance of a noisy mode, as
# the authors' code does, the dashed one the true 1 + sigma^2: its modes still have noise 1.
#
# How long would it take?
# -----------------------
# Two modes of standard deviation 1, 2 m apart, and a start with one half in each. To get to the
# other side a chain must cross a valley where log p is about m^2 / 2 lower. The exact law after n
# steps gives the share of the way from one half to the true weight that is made, and from its decay
# the time constant.

HALVES = (2.0, 2.5, 3.0, 3.5, 4.0)
COUNTS = (1, 10, 30, 100, 300, 1000, 3000, 10_000)


def way_made(m, n):
    """Share of the way from 1/2 to the true weight that n steps of Langevin dynamics make."""
    means, truth = np.array([[-m], [m]]), 0.2 * ndtr(-m) + 0.8 * ndtr(m)
    p = refsgm.GaussianMixture(np.array([0.2, 0.8]), means, np.ones((2, 1, 1)))
    law = refsgm.langevin_law(p.score, means, np.array([0.5, 0.5]), 0.1, n, spacing=0.3)
    return (float(law.weights @ ndtr(law.means[:, 0] / law.covs[:, 0, 0]**0.5)) - 0.5) / (
        truth - 0.5)


ways = {m: np.array([way_made(m, n) for n in COUNTS]) for m in HALVES}
times = {m: 200 / np.log((1 - way[3]) / (1 - way[4])) for m, way in ways.items()}

ax = plotting.panels(1, 1, (7.4, 3.2), "The time to find the weights explodes with the distance")
for (m, way), color in zip(ways.items(), plotting.COLORS):
    ax.semilogx(COUNTS, way, "o-", color=color, markersize=3,
                label=f"{2 * m:g} apart: {times[m]:,.0f} steps")
ax.legend(frameon=False, loc="upper left", title="time constant, exact", fontsize=8,
          title_fontsize=8)
plotting.labelled(ax, "", xlabel="steps of Langevin dynamics, step size 0.1",
                  ylabel="share of the way to the true weight")

# %%
# The score between the modes
# ---------------------------
# The Fisher divergence weighs the error of a model with the density of the data [FISHER-1], so a
# model that is trained on it learns nothing where there are no data. Two networks, trained by
# implicit score matching for the same time: one on the data, one on the data with noise 5.

STEPS = 1000
scores = {noise: scorecard.learn_score(noise, STEPS, 0) for noise in scorecard.NOISES}
regions = {noise: scorecard.fisher_by_region(score, scorecard.two_modes(1 + noise**2))
           for noise, score in scores.items()}
for noise, rows in regions.items():
    for region, row in rows.items():
        print(f"noise {noise:g}, {region:32}: mass {row['mass']:.4f}, "
              f"relative error {row['relative_error']:.4f}")

extent = (-8, 8, -8, 8)
axes = plotting.panels(1, 2, (7.4, 3.5), "A score learnt without noise is wrong between the modes",
                       sharey=True)
for ax, (noise, score) in zip(axes, scores.items()):
    law = scorecard.two_modes(1 + noise**2)
    plotting.heat(lambda x: np.log10(
        np.sum((score(x.astype(np.float32)) - law.score(x))**2, axis=1)
        / np.mean(np.sum(law.score(x)**2, axis=1))), extent, ax,
        "log10 of the relative squared error", f"learnt with noise {noise:g}", vmin=-5, vmax=0)
    x = scorecard.two_modes(1.0).sample(300, np.random.default_rng(0))
    plotting.samples(x, ax, f"learnt with noise {noise:g}", color="white", size=2)
    ax.set(xlim=extent[:2], ylim=extent[2:])

# %%
# What this page claims
# ---------------------

plain, *annealed = [weight for weight, _ in results.values()]
assert abs(plain - 0.5) < 0.02                                   # the truth is 0.8
assert all(abs(weight - 0.8) < 0.02 for weight in annealed)
ratios = np.array(list(times.values()))[1:] / np.array(list(times.values()))[:-1]
assert np.all(ratios > 2.5)                                      # for each further unit of distance
assert np.all(np.diff(ratios) > 0)                               # more than exponential
inside, between, _ = regions[0.0].values()
assert between["relative_error"] > 5 * inside["relative_error"]
assert between["divergence"] < inside["divergence"]              # and yet it hardly costs anything
assert regions[5.0]["between: within 4 of the origin"]["relative_error"] < 0.1

# sphinx_gallery_thumbnail_number = 3
