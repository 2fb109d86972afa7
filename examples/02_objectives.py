"""
Three objectives, one minimum
=============================

Explicit score matching compares a model with the score of the data, which nobody has. Implicit
score matching needs the model's divergence in its place, denoising score matching the noise that
was added. Both differ from the explicit objective by a constant, so they have its minimum. In the
first figure that is computed by quadrature, without a sample; in the second it is learnt from data.
"""

import autograd.numpy as np

import refsgm
from refsgm.app import plotting
from refsgm.learn.autodiff import value_and_grad

SIGMA, WEIGHTS = 0.7, np.array([0.3, 0.7])


def mixture(m, noise=0.0):
    """Two modes at -m and m, of variance 1/2, with noise."""
    variance = (0.5 + noise**2) * np.ones((2, 1, 1))
    return refsgm.GaussianMixture(WEIGHTS, np.array([[-m], [m]]), variance)


def model(m):
    """The score of that mixture, a function of x and sigma: the family to choose from."""
    means = np.array([[-m], [m]])
    return lambda x, sigma: refsgm.mixture_score(x, WEIGHTS, means, (0.5 + sigma**2)**0.5)


# %%
# The data have their modes at -1 and 1. A model is one number, the place of its modes; the
# objectives are expectations over the data, exact for each model.

p, q = mixture(1.0), mixture(1.0, SIGMA)
places = np.linspace(0.6, 1.4, 41)


def means_of(loss, law):
    """The expectation of loss(score function) under a law, for every model."""
    return np.array([refsgm.expected(lambda x: loss(model(m), x), law, 300)
                     for m in places])


esm = means_of(lambda s, x: refsgm.explicit_score_matching(lambda x: s(x, 0.0), x, p.score(x)), p)
ism = means_of(lambda s, x: refsgm.implicit_score_matching(lambda x: s(x, 0.0), x), p)
esm_noisy = means_of(
    lambda s, x: refsgm.explicit_score_matching(lambda x: s(x, SIGMA), x, q.score(x)), q)
dsm = np.array([refsgm.expected_over_noise(
    lambda x, eps: refsgm.denoising_score_matching(model(m), x, SIGMA, eps),
    p, SIGMA, 300) for m in places])

# %%
# Implicit and explicit score matching are the same curve at two heights [ISM-2], and so are
# denoising score matching and the explicit objective *on the noisy data* [DSM-2]. The minimum is at
# 1 for all four. The least value of the implicit objective is negative and that of the denoising
# one positive, and neither says how good the model is: the gap to the explicit one is a property of
# the data.

axes = plotting.panels(1, 2, (7.4, 3.3), "The same curve at another height")
for ax, curves, title in ((axes[0], {"ESM": esm, "ISM": ism}, "clean data"),
                          (axes[1], {"ESM on noisy data": esm_noisy, "DSM": dsm},
                           f"noise of standard deviation {SIGMA}")):
    for (name, values), color in zip(curves.items(), plotting.COLORS):
        ax.plot(places, values, color=color)
        ax.plot(places[values.argmin()], values.min(), "o", color=color)
        ax.annotate(name, (places[0], values[0]), (8, 4), textcoords="offset points", color=color)
    ends = [values.min() for values in curves.values()]
    ax.annotate("", (1, ends[0]), (1, ends[1]), arrowprops={"arrowstyle": "<->", "shrinkA": 4,
                                                            "shrinkB": 4})
    ax.text(1.02, sum(ends) / 2, f"constant {abs(ends[1] - ends[0]):.4f}", va="center")
    plotting.labelled(ax, title, xlabel="place of the model's modes", ylabel="objective")

# %%
# From samples
# ------------
# In training the expectation is a mean over samples, and the noise of that mean does differ between
# objectives. The data are N(1, 1/4) now, the model is s(x) = a - b x, and the truth a = b = 4;
# DSM learns the score of the noisy data, a = b = 2 for sigma = 1/2. In one dimension slices v = +-1
# take nothing away, so the sliced forms end where the implicit one does.

N = 20_000
STEPS = 400
rng = np.random.default_rng(0)
x = 1.0 + 0.5 * rng.standard_normal((N, 1))
eps, v = rng.standard_normal((N, 1)), np.sign(rng.standard_normal((N, 1)))
truth = refsgm.gaussian_score(x, 1.0, 0.5)


def affine(params):
    """The score function a - b x."""
    return lambda x, *sigma: params[0] - params[1] * x


losses = {
    "ESM": lambda w: refsgm.explicit_score_matching(affine(w), x, truth),
    "ISM": lambda w: refsgm.implicit_score_matching(affine(w), x),
    "SSM": lambda w: refsgm.sliced_score_matching(affine(w), x, v),
    "SSM-VR": lambda w: refsgm.sliced_score_matching_vr(affine(w), x, v),
    "FD-SSM": lambda w: refsgm.finite_difference_ssm(affine(w), x, v, 0.1),
    "DSM": lambda w: refsgm.denoising_score_matching(affine(w), x, 0.5, eps)}


def descend(loss, rate=0.3):
    """The parameters (a, b) of gradient descent from (0, 0), (STEPS + 1, 2)."""
    step = value_and_grad(lambda w: np.mean(loss(w)))
    path = [[np.zeros(()), np.zeros(())]]
    for _ in range(STEPS):
        path.append([w - rate * g for w, g in zip(path[-1], step(path[-1])[1])])
    return np.array(path, float)


paths = {name: descend(loss) for name, loss in losses.items()}
exact = {name: 2.0 if name == "DSM" else 4.0 for name in losses}
for name, path in paths.items():
    print(f"{name:7} a = {path[-1, 0]:.3f}   b = {path[-1, 1]:.3f}   exact {exact[name]:g}")

# %%
# Six descents make two paths: that to the score of the data, and that to the score of the noisy
# data.

ax = plotting.panels(1, 1, (5.6, 3.6), "Every objective walks to the score")
for (name, path), color, width in zip(paths.items(), plotting.COLORS, (9, 7, 5, 3, 1.2, 3)):
    ax.plot(*path.T, color=color, linewidth=width, label=name, solid_capstyle="round")
ax.plot([4, 2], [4, 2], "k*", markersize=9, label="exact", zorder=5)
ax.legend(fontsize=8, frameon=False)
plotting.labelled(ax, "", xlabel="a", ylabel="b")

# %%
# What this page claims
# ---------------------

for values in (esm, ism, esm_noisy, dsm):
    assert abs(places[values.argmin()] - 1) < 1e-12                        # one minimum
assert np.ptp(esm - ism) < 1e-9 * np.ptp(esm)                              # two constants
assert np.ptp(dsm - esm_noisy) < 1e-9 * np.ptp(dsm)
assert ism.min() < abs(esm.min()) < 1e-12 < dsm.min()                      # of ESM alone: zero
for name in ("SSM", "SSM-VR", "FD-SSM"):
    assert np.allclose(paths[name], paths["ISM"], rtol=0, atol=1e-9)
for name, path in paths.items():                                           # within sampling error
    assert np.all(np.abs(path[-1] - exact[name]) < 30 / N**0.5), name
