"""Learning a score: the gradient engine, networks, training, checkpoints, samples of a model.

Reading order: losses, networks, fused, levels, training, batches, adam, generate, autodiff,
autograd_rules, kernels, outputs, archives, checkpoints, runs, backend.
"""
