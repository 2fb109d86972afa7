"""
The order of a sampler
======================

A sampler is a method for a differential equation, and methods have an order: with n steps its
error falls like n^-order. On a Gaussian every sampler is affine, so the mean and the covariance of
its samples are computed without drawing any [POP-3], and the order can be read off to three digits
[POP-4].
"""

import numpy as np

import refsgm
from refsgm.app import plotting, scorecard

STEPS = (100, 200, 400)
p = refsgm.Gaussian(np.array([1.0, -0.5]), np.array([[1.0, 0.4], [0.4, 0.5]]))
orders = {name: (order, refsgm.convergence_order(
              sampler, p, lambda n: refsgm.geometric_sigmas(5.0, 0.2, n + 1), STEPS))
          for name, (order, sampler) in scorecard.ORDERS.items()}
for name, (order, seen) in orders.items():
    print(f"{name:32} order {order}, observed {seen.slope:.3f} +- {seen.standard_error:.3f}")

ax = plotting.panels(1, 1, (7.4, 4.0), "Order two pays: Heun's error falls with the square")
plotting.convergence(STEPS, {f"{name}: {seen.slope:.2f}": seen.errors
                             for name, (_, seen) in orders.items()}, ax)
ax.legend(title="observed order", fontsize=8, title_fontsize=8, frameon=False,
          loc="center left", bbox_to_anchor=(1, 0.5))
ax.set_ylabel("largest error in mean and covariance")

# %%
# All lines but one have slope -1. There are fewer lines than names, because some are one sampler in
# two coordinates: DDIM is Euler's method for the probability flow, and DDPM, DDIM with eta = 1 and
# ancestral sampling are one.
#
# A score that is not affine
# --------------------------
# On three modes on the plane there is no closed form for the sampler, but each trajectory has an
# exact end: the solution of the probability flow [SDE-2], here by a method of order eight with
# tolerance 1e-11. The errors are those of 64 trajectories from sigma = 10 to 0.05. The schedule,
# Karras levels against geometric ones, changes the constant and not the order.

WEIGHTS = np.array([0.5, 0.3, 0.2])
MEANS = np.array([[0.0, 2.0], [-2.0, -1.0], [2.0, -1.0]])


def score(x, sigma):
    """The exact score of the modes, of standard deviation 0.3, with noise."""
    return refsgm.mixture_score(x, WEIGHTS, MEANS, (0.3**2 + sigma**2)**0.5)


COUNTS = (20, 40, 80, 160, 320, 640)
start = 10 * np.random.default_rng(0).standard_normal((64, 2))
end = refsgm.probability_flow(score, start, 10.0, 0.05, rtol=1e-11)
schedules = {"geometric levels": lambda n: refsgm.geometric_sigmas(10.0, 0.05, n + 1),
             "Karras levels": lambda n: refsgm.karras_sigmas(10.0, 0.05, n + 1)}
errors, slopes = {}, {}
for method in ("euler", "heun"):
    for words, levels in schedules.items():
        ends = [list(refsgm.probability_flow_sampler(score, start, levels(n), method))[-1]
                for n in COUNTS]
        errors[method, words] = np.array([np.mean(np.linalg.norm(x - end, axis=1)) for x in ends])
        slopes[method, words] = float(-np.polyfit(np.log(COUNTS[-3:]),
                                                  np.log(errors[method, words][-3:]), 1)[0])

ax = plotting.panels(1, 1, (7.4, 3.8), "The same on a mixture: the method makes the slope")
plotting.convergence(COUNTS, {f"{method}, {words}: slope {slopes[method, words]:.2f}": values
                              for (method, words), values in errors.items()}, ax)
ax.legend(fontsize=8, frameon=False)
ax.set_ylabel("mean distance from the exact end")

# %%
# Heun's method calls the model twice per step, so at equal cost its curve moves to the right by a
# factor of two; it is ahead all the same, from the first point to the last.

# %%
# What this page claims
# ---------------------

for order, seen in orders.values():
    assert abs(seen.slope - order) < 0.05
for same in (("probability flow, Euler", "DDIM"), ("ancestral", "DDPM"), ("DDPM", "DDIM, eta = 1")):
    np.testing.assert_allclose(*(orders[name][1].errors for name in same), rtol=1e-6)
for (method, _), slope in slopes.items():
    assert abs(slope - {"euler": 1, "heun": 2}[method]) < 0.25
for words in schedules:                                   # n steps of Heun against 2 n of Euler
    assert np.all(errors["heun", words][:-1] < errors["euler", words][1:])
