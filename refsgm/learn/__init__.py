"""Learning a score: the gradient engine, networks, training, checkpoints, samples of a model.

Reading order: autograd_rules, autodiff, networks, training, checkpoints, backend, generate.
"""
