"""
Handwritten digits
==================

The same network on the 8x8 digits of scikit-learn, 64 features: noise-conditional training,
annealed Langevin sampling, and a judgement by held-out digits. It is a short training; ``make
demo`` runs a longer one.
"""

import numpy as np

import refsgm
from refsgm.app import datasets, demo, plotting
from refsgm.learn.generate import generate

STEPS = 3000
WIDTH = 384
x, x_test, labels, _ = datasets.digits()
model = refsgm.train(x, n_steps=STEPS, width=WIDTH, learning_rate=3e-3, sigma_max=10.0,
                     sigma_min=0.05, n_levels=20)
LEVEL = 20                                                # Langevin steps at each noise level
states = list(generate(model, 359, np.random.default_rng(0), steps_per_level=LEVEL,
                       step_size=0.3))

# %%
# From noise to digits: eight chains, at the end of every other noise level; the last state is
# denoised once more by Tweedie's formula [EQV-6]. What the model has in mind at a level, its
# posterior mean, says when the digit is decided: by its correlation with the final sample.

shown = range(0, len(model.sigmas), 2)
minds = [refsgm.x0_from_score(x, model.score(x, sigma), 1.0, sigma) - model.center
         for x, sigma in zip(states[LEVEL - 1::LEVEL], model.sigmas.tolist())]
decided = [float(np.corrcoef(mind.ravel(), (states[-1] - model.center).ravel())[0, 1])
           for mind in minds]
for i in shown:
    print(f"sigma = {model.sigmas[i]:5.2f}   correlation with the final sample {decided[i]:.2f}")

ax = plotting.panels(1, 1, (7.4, 5.4), "Digits are decided between sigma = 1 and sigma = 0.2")
plotting.trajectory_grid([*(states[(i + 1) * LEVEL - 1][:8] for i in shown), states[-1][:8]],
                         [*(f"{model.sigmas[i]:.2g}" for i in shown), "denoised"], ax,
                         "noise level sigma")

# %%
# The samples beside digits that training has not seen.

axes = plotting.panels(1, 2, (7.4, 3.9), "Samples and real digits")
plotting.image_grid(states[-1][:100], 10, axes[0], "samples")
plotting.image_grid(x_test[:100], 10, axes[1], "held-out digits")

# %%
# How good are they? Energy distance is one for real digits, a nearest-neighbour test that cannot
# tell samples from digits is right half of the time, and a classifier says how clear a digit is.

judged = demo.judge(states[-1], x, x_test, labels)
for name, value in judged.items():
    print(f"{name:34} {value:.2f}")

# %%
# The loss tells where there is something to learn. The ideal score of the 1438 training digits with
# noise is a nearest-neighbour memory: at small noise it knows every training digit by heart and
# fails on new ones. The network, which cannot, is far better there.

rng, ideal, curves = np.random.default_rng(1), refsgm.Empirical(x), {}
curves["network, training digits"], curves["network, held-out digits"] = [], []
curves["ideal score, held-out digits"] = []
for sigma in model.sigmas.tolist():
    q = ideal.perturb(sigma)
    eps_fns = (lambda x, sigma: model.eps(x.astype(np.float32), sigma),
               lambda x, sigma: -sigma * q.score(x))
    for values, data, eps_fn in zip(curves.values(), (x, x_test, x_test), (eps_fns[0], *eps_fns)):
        eps = rng.standard_normal(data.shape)
        values.append(float(np.mean(refsgm.noise_prediction_loss(eps_fn, data, sigma, eps)) / 64))

ax = plotting.panels(1, 1, (6.4, 3.6), "The network generalises where the ideal score remembers")
plotting.loss_per_level(model.sigmas, curves, ax)

# %%
# What this page claims
# ---------------------
# The identities of the derivation hold on this network too, to the rounding of float32.

off = demo.identities(model, x, x_test)
assert off["eps_prediction_error"] < 1e-5               # 2 sigma^2 DSM = noise prediction
assert off["ddpm_error"] < 1e-4                         # the loss in VP coordinates
assert judged["classes"] == 10
assert judged["energy_distance_ratio"] < 4
_, held_out, memory = map(np.array, curves.values())
assert np.all((held_out < memory)[model.sigmas < 0.3])  # known by heart is not understood
assert np.all(np.array(decided)[model.sigmas > 1.5] < 0.2)
assert np.all(np.array(decided)[model.sigmas < 0.21] > 0.8)
