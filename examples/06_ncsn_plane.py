"""
A noise-conditional network on the plane
========================================

One network learns the score of two moons at twenty noise levels by denoising score matching, and
two samplers turn it into points: annealed Langevin dynamics, and the probability flow by Heun's
method. The score of the noisy data is known, so what was learnt can be compared with what there is
to learn, at every level.
"""

import numpy as np

import refsgm
from refsgm.app import datasets, plotting
from refsgm.learn.generate import generate
from refsgm.app.metrics import energy_distance

STEPS = 4000
N = 1000
rng = np.random.default_rng(0)
x = datasets.moons(20_000, rng)
model = refsgm.train(x, n_steps=STEPS, width=64, batch_size=256, learning_rate=6e-3,
                     sigma_max=5.0, sigma_min=0.05, n_levels=20)

# %%
# The loss of a perfect model is not zero: from x + sigma eps nobody can tell eps exactly. The law
# of the data is that of points spread evenly on two arcs, with Gaussian noise, so the ideal score
# s* is that of a mixture. The mean loss of any other model is larger by exactly its error,
# sigma^2 E|s - s*|^2: the loss of s* is the constant of [DSM-2].

angle = np.pi * (np.arange(200) + 0.5) / 200
arc = np.stack([np.cos(angle) - 0.5, np.sin(angle) - 0.25], axis=1)
data = refsgm.Empirical(np.concatenate([arc, -arc]), 0.08)

fresh = data.sample(N, rng)
eps = rng.standard_normal(fresh.shape)
loss, ideal, gap = [], [], []
for sigma in model.sigmas.tolist():
    q = data.perturb(sigma)
    predictions = {"network": lambda x, sigma: model.eps(x.astype(np.float32), sigma),
                   "ideal": lambda x, sigma: -sigma * q.score(x)}
    losses = {name: np.mean(refsgm.noise_prediction_loss(eps_fn, fresh, sigma, eps)) / 2
              for name, eps_fn in predictions.items()}
    noisy = fresh + sigma * eps
    error = model.score(noisy.astype(np.float32), sigma) - q.score(noisy)
    loss.append(losses["network"])
    ideal.append(losses["ideal"])
    gap.append(sigma**2 * np.mean(error**2))

ax = plotting.panels(1, 1, (5.6, 3.4), "The network is close to ideal at every level")
plotting.loss_per_level(model.sigmas, {"network": loss, "ideal score": ideal,
                                       "sigma^2 (s - s*)^2": gap}, ax)

# %%
# The learnt field beside the ideal one, at a middle and a small noise level, both over the exact
# density.

extent = (-2.2, 2.2, -1.6, 1.6)
axes = plotting.panels(2, 2, (7.4, 5.7), "What was learnt and what there was to learn", sharex=True,
                       sharey=True)
for row, sigma in zip(axes, (0.5, 0.15)):
    q = data.perturb(sigma)
    for ax, name, score in ((row[0], "learnt", lambda x, sigma: model.score(x, sigma)),
                            (row[1], "ideal", lambda x, sigma: q.score(x))):
        plotting.density(q.log_density, extent, ax, n=80)
        plotting.score_field(lambda x: score(x.astype(np.float32), sigma), extent,
                             ax, f"{name}, sigma = {sigma:g}", n=15)

# %%
# Samples. The energy distance is zero for equal laws; here it is in units of that between two sets
# of data of this size.

samples = {"data": data.sample(N, rng)}
for sampler, options in (("annealed-langevin", {"steps_per_level": 30, "step_size": 0.3}),
                         ("heun", {"n_steps": 30})):
    *_, samples[sampler] = generate(model, N, np.random.default_rng(1), sampler, **options)

unit = np.mean([energy_distance(data.sample(N, rng), fresh) for _ in range(5)])
distances = {name: energy_distance(points, fresh) / unit for name, points in samples.items()}

axes = plotting.panels(1, 3, (7.4, 2.5), "Data, and samples of two samplers", sharex=True,
                       sharey=True)
for ax, (name, points), color in zip(axes, samples.items(), plotting.COLORS):
    plotting.samples(points, ax, f"{name}: distance {distances[name]:.2f}", color)
    ax.set(xlim=extent[:2], ylim=extent[2:])

# %%
# What this page claims
# ---------------------

loss, ideal, gap = map(np.array, (loss, ideal, gap))
assert np.all(gap < 0.03)                                   # of a loss that is at most one
assert np.all(np.abs(loss - ideal - gap) < 5 / N**0.5)      # equal in the mean, noise included
assert distances["heun"] < 5                                # data: one, on average
assert distances["annealed-langevin"] < 5
assert distances["data"] < 4

# sphinx_gallery_thumbnail_number = 2
