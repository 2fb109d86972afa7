"""
What a score is
===============

The score of a density is the gradient of its logarithm, s(x) = grad log p(x): at every point an
arrow that points uphill, towards where data are more likely [SCORE-1]. It is what a score-based
model learns in place of the density.
"""

import numpy as np

import refsgm
from refsgm.app import plotting

p = refsgm.GaussianMixture(
    weights=np.array([0.45, 0.35, 0.2]), means=np.array([[-1.3, -0.9], [1.5, -0.3], [0.0, 1.6]]),
    covs=np.array([[[0.6, 0.25], [0.25, 0.35]], [[0.3, -0.15], [-0.15, 0.5]],
                   [[0.35, 0.0], [0.0, 0.15]]]))

extent = (-3.2, 3.2, -2.6, 2.6)
ax = plotting.panels(1, 1, (5.6, 4.6), "The score points uphill on log p")
plotting.density(p.log_density, extent, ax)
plotting.score_field(p.score, extent, ax)

# %%
# Arrows cross the contours at right angles, and vanish at the peaks and at the saddles between
# them. Longer arrows mean that log p is steeper; their lengths are compressed here, because scores
# grow without bound as one leaves the data.
#
# The partition function is gone
# ------------------------------
# An energy model is p(x) = exp(-E(x)) / Z, where Z, an integral over all of space, can hardly ever
# be computed. The gradient does not see it: s = -grad E [SCORE-2]. Here E is -log p plus a number
# that nobody knows; automatic differentiation of -E and the formula of the mixture agree.

log_z = 123.4
by_autodiff = refsgm.score_of(lambda x: p.log_density(x) + log_z)
x = plotting.grid_of(extent, 30)
difference = np.max(np.abs(by_autodiff(x) - p.score(x)) / np.linalg.norm(p.score(x), axis=1).max())
print(f"largest difference relative to the largest score: {difference:.1e}")

# %%
# Nothing is lost but Z
# ---------------------
# Log density is the height, the score its slope. So the integral of the score along a path from one
# point to another is the difference of log p between them, whatever the path. Only the height of
# the whole landscape stays unknown, and that is fixed by the total probability, one.

start, end = np.array([-1.3, -0.9]), np.array([1.5, -0.3])
t, weights = np.polynomial.legendre.leggauss(200)                        # nodes in [-1, 1]
t, weights = (t[:, None] + 1) / 2, weights / 2


def work_along(bulge):
    """Points of a parabola from start to end, and the integral of the score along it."""
    away = bulge * np.array([0.0, 4.0])
    points = start + t * (end - start) + t * (1 - t) * away
    velocity = end - start + (1 - 2 * t) * away
    return points, float(weights @ np.sum(p.score(points) * velocity, axis=1))


paths = [work_along(bulge) for bulge in (-1.2, 0.0, 0.9, 2.2)]
height = float(np.diff(p.log_density(np.stack([start, end])))[0])

ax = plotting.panels(1, 1, (5.6, 4.6), "Every path gives the same difference of log p")
plotting.density(p.log_density, extent, ax)
for (points, work), color in zip(paths, plotting.COLORS):
    ax.plot(*np.vstack([start, points, end]).T, color=color, linewidth=2,
            label=f"integral of the score: {work:.10f}")
ax.plot(*np.stack([start, end]).T, "o", color="black", markersize=5)
ax.legend(loc="lower right", fontsize=8, title=f"log p(end) - log p(start) = {height:.10f}",
          title_fontsize=8)

# %%
# The score of noise
# ------------------
# The score that training needs is that of the kernel which adds noise, x_noisy = x + sigma eps.
# Over x_noisy, which is what the model sees, it is (x - x_noisy) / sigma^2 = -eps / sigma
# [GAUSS-4]: back to where the point came from. Over x the gradient has the other sign, a slip that
# is often made. Three routes give the same numbers.

rng, sigma = np.random.default_rng(0), 0.5
clean = p.sample(12, rng)
eps = rng.standard_normal(clean.shape)
x_noisy = refsgm.perturb(clean, sigma, eps)

by_formula = refsgm.perturbation_score(x_noisy, clean, sigma)
by_noise = refsgm.score_from_eps(eps, sigma)
by_gradient = refsgm.score_of(lambda y: refsgm.gaussian_log_density(y, clean, sigma))(x_noisy)
over_x = refsgm.score_of(lambda y: refsgm.gaussian_log_density(x_noisy, y, sigma))(clean)

ax = plotting.panels(1, 1, (5.6, 4.6), "The score of the noise points back to the data")
plotting.density(p.log_density, extent, ax)
ax.quiver(*x_noisy.T, *(sigma**2 * by_formula).T, angles="xy", scale_units="xy", scale=1,
          color=plotting.GREEN, width=0.005, label="sigma^2 score at x_noisy")
ax.plot(*clean.T, "o", color="black", markersize=4, label="x")
ax.plot(*x_noisy.T, "o", color=plotting.ORANGE, markersize=4, label="x_noisy")
ax.legend(loc="lower right", fontsize=8)

# %%
# What this page claims
# ---------------------

assert difference < 1e-13                                            # Z does not matter
assert all(abs(work - height) < 1e-10 for _, work in paths)          # nor does the path
np.testing.assert_allclose(by_noise, by_formula, rtol=1e-12)
np.testing.assert_allclose(by_gradient, by_formula, rtol=1e-12)
np.testing.assert_allclose(over_x, -by_formula, rtol=1e-12)          # the other sign over x
