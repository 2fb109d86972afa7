"""What a step of training is given: samples, a noise level for each, noise, slicing directions.

NumPy's random numbers come from one generator, step after step. On a device they are drawn there,
for a block of steps at once, from a seed of the run's and the number of the block; so a step has
the same numbers whether the run came to it or goes on from a checkpoint before it.
"""

import autograd.numpy as np

from .losses import SLICED
from ..arrays import beside, device_of

BLOCK = 2**24                   # numbers of one kind that are drawn at once on a device, at most
ORDER, NOISE = 1, 2             # what a seed is for


def drawn_batches(x, settings, state):
    """Batches without end for training on data x (N, D), of settings.dtype; see `draw_batch`."""
    sigmas = settings.fitted(x).sigmas()
    if device_of(x) and settings.noise == "device":
        yield from batches_on_device(x, beside(sigmas, x), settings, state)
    while True:
        yield draw_batch(x, sigmas, settings.batch_size, state)


def draw_batch(x, sigmas, batch_size, state):
    """The next samples, with a noise level, noise and a slicing direction of signs for each."""
    size, rng = min(batch_size, len(x)), state.rng
    if state.position + size > len(x):
        state.order, state.position = rng.permutation(len(x)), 0
    batch = x[beside(state.order[state.position:state.position + size], x)]              # (B, D)
    state.position += size
    sigma = sigmas[rng.integers(len(sigmas), size=(size, 1))]                             # (B, 1)
    eps = rng.standard_normal(batch.shape, dtype=batch.dtype)
    v = 2 * rng.integers(2, size=batch.shape).astype(batch.dtype) - 1
    return batch, beside(sigma, x), beside(eps, x), beside(v, x)


def batches_on_device(x, sigmas, settings, state):
    """The same with the numbers of the device of x; directions are None if the loss has no use."""
    device, size = device_of(x), min(settings.batch_size, len(x))
    shape = size, x.shape[1]
    n_steps = max(1, min(settings.n_steps, 100, BLOCK // (size * x.shape[1])))      # of a block
    state.order = beside(state.order, x)
    while True:
        block, done = divmod(state.step, n_steps)
        rng = device.default_rng([settings.seed, NOISE, block])
        sigma = sigmas[rng.integers(0, len(sigmas), size=(n_steps, size, 1))]
        eps = rng.standard_normal((n_steps, *shape), dtype=x.dtype)
        if settings.objective in SLICED:
            v = (2 * rng.integers(0, 2, size=(n_steps, *shape)) - 1).astype(x.dtype)
        for i in range(done, n_steps):
            if state.position + size > len(x):
                rng = device.default_rng([settings.seed, ORDER, state.step])
                state.order, state.position = np.argsort(rng.random(len(x))), 0
            batch = x[state.order[state.position:state.position + size]]
            state.position += size
            yield batch, sigma[i], eps[i], v[i] if settings.objective in SLICED else None
