"""One update of the weights: the learning rate of the step, Adam, and the averaged weights.

All buffers are flat, and all updates are in place. On the host they go block by block, so that what
a pass has read lies in the cache for the next.
"""

import math
from dataclasses import replace

import autograd.numpy as np

from .kernels import kernel
from ..arrays import device_of

BLOCK = 2**18                       # bytes of each buffer that are updated at once


def in_blocks(state, gradients):
    """Parts of the flat buffers that are updated one after the other: (State, gradients) of each.

    gradients  flat buffers like the weights, whose sum is the gradient
    """
    n = len(state.weights)
    size = n if device_of(state.weights) else max(BLOCK // state.weights.itemsize, 1)
    for start in range(0, n, size):
        block = slice(start, start + size)
        buffers = {name: getattr(state, name)[block]
                   for name in ("weights", "gradient_sum", "square_sum", "average")}
        yield replace(state, **buffers), [g[block] for g in gradients]


def update_blocks(blocks, step, rate, average_decay):
    """`adam_and_average` of step n = 0, 1, ... for some of the blocks of `in_blocks`."""
    for state, (gradient, *others) in blocks:
        state.step = step
        for g in others:
            gradient += g
        adam_and_average(state, gradient, rate, average_decay)


def learning_rate(step, settings, begun=0):
    """The rate of a step: a linear rise over `warmup` steps, then half a cosine down to zero.

    begun  step at which the moments began, where the rise begins
    """
    rise = min(1.0, (step - begun + 1) / (settings.warmup + 1))
    return settings.learning_rate * rise * 0.5 * (1 + math.cos(math.pi * step / settings.n_steps))


def adam_and_average(state, gradient, rate, average_decay, decay_1=0.9, decay_2=0.999, tiny=1e-8):
    """`adam_step` and then `average_step`, in one kernel where the device has kernels."""
    if not (fused := kernel("adam", state.weights, gradient)):
        adam_step(state, gradient, rate, decay_1, decay_2, tiny)
        return average_step(state, average_decay, scratch=gradient)
    rate, tiny = of_sums(state.step - state.begun + 1, rate, decay_1, decay_2, tiny)
    buffers = state.weights, state.gradient_sum, state.square_sum, state.average
    share = 1 - average_of(state.step, average_decay)
    fused(gradient, *buffers, decay_1, decay_2, rate, tiny, share, *buffers)


def of_sums(n, rate, decay_1, decay_2, tiny):
    """The rate and the tiny number of step n = 1, 2, ... that go with moments kept as sums."""
    mean_1 = (1 - decay_1) / (1 - decay_1**n)                               # m_hat / gradient_sum
    mean_2 = (1 - decay_2) / (1 - decay_2**n)                               # u_hat / square_sum
    return rate * mean_1 / mean_2**0.5, tiny / mean_2**0.5


def adam_step(state, gradient, rate, decay_1=0.9, decay_2=0.999, tiny=1e-8):
    """Adam with bias correction, in place; the contents of `gradient` are lost.  [OPT-1]

    As the paper has it, step n = 1, 2, ... with gradient g is three lines:

        m       <- decay_1 m + (1 - decay_1) g
        u       <- decay_2 u + (1 - decay_2) g^2
        weights <- weights - rate m / (1 - decay_1^n) / (sqrt(u / (1 - decay_2^n)) + tiny)

    Here the means m and u are kept as sums, and no buffer is added, so that an update costs what
    its passes over memory cost: gradient_sum = m / (1 - decay_1), square_sum = u / (1 - decay_2).
    """
    rate, tiny = of_sums(state.step - state.begun + 1, rate, decay_1, decay_2, tiny)
    scratch = gradient
    state.gradient_sum *= decay_1
    state.gradient_sum += gradient
    state.square_sum *= decay_2
    state.square_sum += np.square(gradient, out=scratch)
    root = np.sqrt(state.square_sum, out=scratch)                          # sqrt(u_hat / mean_2)
    root += tiny
    np.divide(state.gradient_sum, root, out=scratch)
    state.weights -= np.multiply(scratch, rate, out=scratch)


def average_step(state, decay, scratch=None):
    """Exponential average of the weights, in place; the memory is shorter at first.  [OPT-2]

        average <- d average + (1 - d) weights,  d = min(decay, (1 + n) / (10 + n)),  n = 0, 1, ...

    scratch  a buffer like the weights, whose contents are lost
    """
    d = average_of(state.step, decay)
    change = np.subtract(state.weights, state.average, out=scratch)
    change *= 1 - d
    state.average += change


def average_of(n, decay):
    """The decay of the average in step n = 0, 1, ..."""
    return min(decay, (1 + n) / (10 + n))
