"""
Noise fills the gaps
====================

Adding noise of standard deviation sigma turns the density of the data into q_sigma, its
convolution with a Gaussian. Large noise fills the gaps and washes out the data; small noise keeps
the data and leaves the gaps. A noise-conditional model learns the score at every level, and a
sampler goes from the first to the last.
"""

import numpy as np

import refsgm
from refsgm.app import datasets, plotting

# %%
# The data are 250 points on two moons. Their q_sigma is known: it is a mixture with one Gaussian at
# every point [MIX-4], so density and score in these pictures are exact.

data = refsgm.Empirical(datasets.moons(250, np.random.default_rng(0)))
levels = (2.0, 1.0, 0.5, 0.25, 0.12, 0.06)

extent = (-2.4, 2.4, -2.0, 2.0)
axes = plotting.panels(2, 3, (7.4, 4.4), "From large noise to small: a landscape with data in it",
                       sharex=True, sharey=True)
for ax, sigma in zip(axes.flat, levels):
    q = data.perturb(sigma)
    plotting.density(q.log_density, extent, ax, n=100)
    plotting.score_field(q.score, extent, ax, f"sigma = {sigma:g}", n=15)

# %%
# With large noise the score knows one thing, where the centre is; that is what a start far away
# needs. As sigma falls, the field bends towards one moon or the other, and then towards single
# points. In the corners, where no data are, there are arrows at every level: the score of noisy
# data is defined everywhere, and learnt wherever noise takes the data.
#
# At the two ends it is known what the score becomes. For sigma much larger than the data it is that
# of a Gaussian with the mean and covariance of the noisy data. For sigma much smaller than the
# distances of the points, the posterior mean of x_0 is the nearest point [MIX-5]: this score knows
# the data by heart, and would give back the training set.

points, x = data.points, np.random.default_rng(1).uniform(-2, 2, (200, 2))
gaussian = refsgm.Gaussian(points.mean(axis=0), np.cov(points.T, bias=True))
apart = {sigma: float(np.max(np.abs(data.perturb(sigma).score(x) / gaussian.perturb(sigma).score(x)
                                    - 1))) for sigma in (10.0, 100.0, 1000.0)}
nearest = points[np.argmin(np.sum((x[:, None] - points)**2, axis=2), axis=1)]
to_nearest = float(np.max(np.abs(data.denoise(x, 1e-5) - nearest)))
print("relative difference from a Gaussian's score:", apart)
print(f"distance of the denoised from the nearest point, sigma = 0.00001: {to_nearest:.1e}")

# %%
# Where modes merge
# -----------------
# Three modes on the line, each of standard deviation 0.2, seen at every noise level: every row of
# the picture is the density q_sigma, scaled to its peak, and the lines are where the score is zero,
# at the peaks and in the valleys between. A peak does not fade as sigma grows: it meets the valley
# beside it, and both are gone. Two equal modes at -m and m with variance v are one as soon as
# v + sigma^2 >= m^2.

modes = refsgm.GaussianMixture(np.array([0.4, 0.25, 0.35]), np.array([[-2.0], [0.3], [1.6]]),
                               np.full((3, 1, 1), 0.04))
line, sigmas = np.linspace(-4, 4, 400), np.geomspace(0.05, 4, 200)
rows = [modes.perturb(sigma) for sigma in sigmas]
p = np.exp([q.log_density(line[:, None]) for q in rows])
score = np.array([q.score(line[:, None])[:, 0] for q in rows])

ax = plotting.panels(1, 1, (7.4, 3.6), "A peak and the valley beside it meet as the noise grows")
ax.pcolormesh(line, sigmas, p / p.max(axis=1, keepdims=True), cmap=plotting.SHADES, vmin=0, vmax=1,
              rasterized=True)
ax.contour(line, sigmas, score, levels=[0], colors=plotting.ORANGE, linewidths=1.5)
plotting.labelled(ax, "", yscale="log", xlabel="x", ylabel="noise level sigma")
ax.set_yticks([0.1, 0.2, 0.5, 1, 2, 4], ["0.1", "0.2", "0.5", "1", "2", "4"])


def peaks(m, variance, sigma):
    """Number of peaks of two equal modes at -m and m with noise: where the score turns negative."""
    q = refsgm.GaussianMixture(np.array([0.5, 0.5]), np.array([[-m], [m]]),
                               np.full((2, 1, 1), variance)).perturb(sigma)
    s = q.score(np.linspace(-2 * m, 2 * m, 4000)[:, None])[:, 0]      # an even grid, without zero
    return int(np.sum((s[:-1] > 0) & (s[1:] <= 0)))


# %%
# What this page claims
# ---------------------

assert apart[1000.0] < apart[100.0] < apart[10.0] < 0.1
assert apart[1000.0] < 1e-4
assert to_nearest < 1e-9
merge = (1.5**2 - 0.04)**0.5                             # of modes at -1.5 and 1.5
assert peaks(1.5, 0.04, 0.99 * merge) == 2
assert peaks(1.5, 0.04, 1.01 * merge) == 1
ends = [np.sum(np.diff(np.sign(row)) < 0) for row in (score[0], score[-1])]
assert ends == [3, 1]                                    # three peaks at the least noise, then one
