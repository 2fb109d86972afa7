"""A verdict on a training step as it is: `check_training(loss)`, with `loss(net, x)` unedited.

The loss runs on a network that returns what it is told, and its draws are read. Runs on the same
draws, with other outputs, data and noise, tell what each row of the batch is made of:

    x_in = a x_0 + b eps     y = p x_0 + q eps     loss = sum w |out - y|^2

From (a, b) follow the path and its levels, from (p, q) what the network is to predict, and from w
the weight of each level: `measure` and `fitting` find the numbers, `paths`, `targets`, `weighting`
and `times` name them.
"""

from .check import check_training
from .report import Training

__all__ = ["Training", "check_training"]
