"""Known answers: mixtures, data sets, expectations, losses of affine models, laws of samplers.

Reading order: mixtures, sums; gaussian_mixtures, components; empirical; expectations,
affine_losses; sampler_laws, langevin_laws; likelihood.
"""
