"""Learning a score: the gradient engine, networks, training, checkpoints, samples of a model.

Reading order: losses, networks, training, adam, generate, autodiff, autograd_rules, checkpoints,
runs, backend.
"""
