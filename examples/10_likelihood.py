"""
Likelihood by the probability flow
==================================

The probability flow carries every point to the prior along a smooth path, and the divergence of the
score along the path tells how much the density changes on the way [SDE-3]. So a score model has a
log likelihood, which samplers never need. On a mixture the truth is known.
"""

import numpy as np

import refsgm
from refsgm.app import plotting

p = refsgm.GaussianMixture(
    weights=np.array([0.5, 0.3, 0.2]), means=np.array([[0.0, 1.6], [-1.8, -0.9], [1.8, -0.9]]),
    covs=np.array([[[0.5, 0.2], [0.2, 0.3]], [[0.2, 0.0], [0.0, 0.4]], [[0.3, -0.2], [-0.2, 0.3]]]))
SIGMA_MIN = 0.1


def score(x, sigma):
    """The exact score of the noisy data."""
    return p.perturb(sigma).score(x)


# %%
# Forty points of the data go up to noise 20, and the paths are those of the flow.

rng = np.random.default_rng(0)
x = p.perturb(SIGMA_MIN).sample(200, rng)
N_LEVELS = 40
levels = np.geomspace(SIGMA_MIN, 20.0, N_LEVELS)
path = [x[:40]]
for low, high in zip(levels[:-1].tolist(), levels[1:].tolist()):
    path.append(refsgm.probability_flow(score, path[-1], low, high, rtol=1e-6))

axes = plotting.panels(1, 2, (7.4, 3.7), "The flow spreads the data into the prior")
for ax, half, sigma, words in ((axes[0], 4, SIGMA_MIN, "leaving the data"),
                               (axes[1], 45, 20.0, "arriving at noise 20")):
    extent = (-half, half, -half, half)
    plotting.density(p.perturb(sigma).log_density, extent, ax, n=100)
    plotting.trajectories(path, ax, words)
    ax.set(xlim=extent[:2], ylim=extent[2:])

# %%
# With the true law of the noisy data as the prior, the flow gives the log density of the data to
# the tolerance of the solver. The usual prior, N(0, sigma_max^2 I), is not the true one, and no
# solver mends that: the error is the log ratio of the two priors where the path ends. A mean of the
# data that is not zero makes it fall like 1 / sigma_max; with a prior around that mean it falls
# like 1 / sigma_max^2.

N_POINTS = 60
points, truth = x[:N_POINTS], p.perturb(SIGMA_MIN).log_density(x[:N_POINTS])
by_flow = refsgm.log_likelihood(score, points, SIGMA_MIN, 20.0, prior=p.perturb(20.0).log_density)
print(f"largest error with the true prior: {np.max(np.abs(by_flow - truth)):.1e} nats")

MAXIMA = (2.0, 5.0, 20.0, 80.0, 320.0)
off, known, centred = [], [], []
for sigma_max in MAXIMA:
    log_p = refsgm.log_likelihood(score, points, SIGMA_MIN, sigma_max, rtol=1e-7)
    x_max = refsgm.probability_flow(score, points, SIGMA_MIN, sigma_max, rtol=1e-7)
    log_q = p.perturb(sigma_max).log_density(x_max)
    off.append(truth - log_p)
    known.append(log_q - refsgm.prior_log_density(x_max, sigma_max))
    centred.append(log_q - refsgm.gaussian_log_density(x_max, p.mean, sigma_max))
errors = {name: np.mean(np.abs(a), axis=1)
          for name, a in (("N(0, sigma_max^2 I)", off), ("N(mean, sigma_max^2 I)", centred))}

axes = plotting.panels(1, 2, (7.4, 3.4), "The flow is exact; the usual prior is what is not")
axes[0].plot(truth, truth, color=plotting.GREY, linewidth=1, label="truth")
axes[0].plot(truth, by_flow, "o", color=plotting.BLUE, markersize=3, label="true prior")
axes[0].plot(truth, truth - off[0], "x", color=plotting.ORANGE, markersize=4,
             label="N(0, 4 I) at sigma_max = 2")
axes[0].legend(fontsize=8, frameon=False)
plotting.labelled(axes[0], "log density of 60 points", xlabel="exact, in nats",
                  ylabel="by the flow, in nats")
for (name, values), color in zip(errors.items(), (plotting.ORANGE, plotting.GREEN)):
    axes[1].loglog(MAXIMA, values, "o-", color=color, markersize=4, label=name)
axes[1].legend(fontsize=8, frameon=False)
plotting.labelled(axes[1], "error of two priors", xlabel="sigma_max",
                  ylabel="mean |error|, in nats")

# %%
# Hutchinson's estimate
# ---------------------
# In many dimensions the divergence costs one backward pass per feature. One random direction v per
# path gives an estimate without bias [OPS-3]; its noise is large, and averages out over directions.

M = 32
angle = 2 * np.pi * rng.random(M * N_POINTS)                   # directions on a circle, |v|^2 = 2
v = 2**0.5 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
single = refsgm.log_likelihood(score, np.tile(points, (M, 1)), SIGMA_MIN, 20.0, rtol=1e-4,
                               v=v, prior=p.perturb(20.0).log_density)
errors_single = single.reshape(M, N_POINTS) - truth
standard_error = float(errors_single.mean(axis=1).std(ddof=1) / M**0.5)
bias = float(errors_single.mean())
print(f"one direction: standard deviation {errors_single.std():.2f} nats per point, "
      f"mean over all {bias:.3f} +- {standard_error:.3f}")

ax = plotting.panels(1, 1, (5.6, 3.2), "One direction is noisy, not biased")
ax.hist(errors_single.ravel(), bins=60, color=plotting.SKY)
ax.axvline(0, color="black", linewidth=0.8)
ax.axvline(bias, color=plotting.ORANGE, linewidth=1.5, label="mean of all")
ax.legend(fontsize=8, frameon=False)
plotting.labelled(ax, "", xlabel="error of log p with one direction, in nats", ylabel="count")

# %%
# What this page claims
# ---------------------

np.testing.assert_allclose(by_flow, truth, atol=1e-6)
np.testing.assert_allclose(off, known, atol=1e-5)                     # the error is the prior's
for values, order in zip(errors.values(), (1, 2)):                    # in powers of 1 / sigma_max
    slope = -np.diff(np.log(values)) / np.diff(np.log(MAXIMA))
    assert abs(slope[-1] - order) < 0.05
assert abs(bias) < 4 * standard_error
