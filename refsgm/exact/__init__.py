"""Known answers: mixtures, data sets, expectations, losses of affine models, laws of samplers.

Reading order: mixtures, gaussian_mixtures, empirical; expectations, affine_losses; sampler_laws;
likelihood.
"""
