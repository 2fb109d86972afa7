"""Learning a score: the gradient engine, networks, training, checkpoints, samples of a model.

Reading order: losses, networks, fused, labels, levels, settings, form, held_out, training,
batches, adam, generate, autodiff, autograd_rules, norm_rule, kernels, fast, tape, pool, outputs,
archives, checkpoints, runs, backend.
"""

from . import norm_rule  # noqa: F401 - puts it in force
