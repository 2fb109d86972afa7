"""Training a noise-conditional network: the loss at random noise levels, Adam, averaged weights.

    minimise  E_i E_x E_eps  lambda_i loss(s(., sigma_i); x + sigma_i eps),    lambda_i = sigma_i^2

One noise level i is drawn for each sample, which is the sum over levels [NCSN-1] divided by L.
Parameters, gradient, moments and average are one flat buffer each, so an update is a handful of
array operations; the network reads its weights through views of the first. Everything that the next
step depends on is in `State`, so a run that was saved and loaded goes on bit for bit. A run is
computed where its data are; its random numbers are NumPy's in any case, so that it is the same run.
"""

import ctypes
import math
from dataclasses import dataclass, field, replace
from itertools import accumulate

import autograd.numpy as np

from .adam import adam_and_average, learning_rate
from .autodiff import value_and_grad
from .batches import drawn_batches
from .labels import labelled_batches, numbered
from .losses import OBJECTIVES
from .networks import Model, init_network, network_shapes
from .settings import Settings  # noqa: F401, a run is Settings and a State
from ..arguments import check_batch
from ..arrays import beside, on_host


STEPS_PER_READ = 50           # a device computes so many steps before it is waited for


@dataclass
class State:
    """Everything that the next step depends on, apart from data and settings; changed in place.

    step     updates made so far
    weights, average   flat buffers, where the data are: parameters, averaged weights
    gradient_sum, square_sum   such buffers too: Adam's two moments, see `adam_step`
    order, position   order of the data in this pass over them, and where the next batch starts
    rng      NumPy Generator
    losses   loss of every step so far (n_steps,), NaN for those to come
    unread   losses of the last steps, where they are still on a device; see `read_losses`
    classes, labels   what labels there are, () for none, and the number of each sample's (N,)
    held_out  pairs of a step and the held-out loss after it
    begun    step at which Adam's moments began: that of the model which a run goes on from
    """

    step: int
    weights: np.ndarray
    gradient_sum: np.ndarray
    square_sum: np.ndarray
    average: np.ndarray
    order: np.ndarray
    position: int
    rng: np.random.Generator
    losses: np.ndarray
    unread: list = field(default_factory=list)
    classes: tuple = ()
    labels: np.ndarray | None = None
    held_out: list = field(default_factory=list)
    begun: int = 0


def check_data(x):
    """Data can be trained on: (N, D), finite, at least two samples that differ."""
    check_batch(x=x)
    if len(x) < 2:
        raise ValueError(f"x must have at least 2 samples, got {len(x)}")
    if on_host(x) and np.all(x == x[0]):
        raise ValueError(f"x must vary, got {len(x)} samples that are all the same")


def start(x, settings, labels=None):
    """The state before the first step.

    x       data (N, D)
    labels  integers or words (N,), or None
    Raises ValueError for other shapes, fewer than 2 samples, samples that are all the same, values
        that are not finite and labels that are no classes.
    """
    check_data(x)
    settings.fitted(x)
    classes, labels = ((), None) if labels is None else numbered(labels, len(x))
    rng = np.random.default_rng(settings.seed)
    params = init_network(rng, x.shape[1], settings.width, settings.depth,
                          energy=settings.energy, dtype=settings.dtype, n_labels=len(classes))
    weights = beside(np.concatenate([np.ravel(p) for p in params]), x)
    zeros = np.zeros_like(weights)
    return State(0, weights, zeros, zeros.copy(), weights.copy(), rng.permutation(len(x)), 0, rng,
                 np.full(settings.n_steps, np.nan), classes=classes, labels=labels)


def views(flat, shapes):
    """Views of a flat buffer with these shapes, one after the other."""
    sizes = [math.prod(shape) for shape in shapes]
    return [flat[end - size:end].reshape(shape)
            for end, size, shape in zip(accumulate(sizes), sizes, shapes)]


def model_of(x, settings, flat, classes=()):
    """The model for training data x with these flat weights; sample from `state.average`."""
    center = np.mean(x, axis=0, dtype=np.float64)           # a float32 sum loses its later samples
    sigma_data = np.mean((x - center)**2).item()**0.5
    shapes = network_shapes(x.shape[1], settings.width, settings.depth, energy=settings.energy,
                            n_labels=len(classes))
    return Model(views(flat, shapes), center.astype(settings.dtype), sigma_data,
                 settings.fitted(x).sigmas(), settings.energy, classes=classes)


def training_steps(x, settings, state, batches=None):
    """The training loop: a generator that makes one update per turn and yields its loss.

    It goes on from state.step and ends after settings.n_steps; `state` holds all that was learnt.

    x         data (N, D); brought to settings.dtype
    settings  a Settings
    state     of `start`, or of a checkpoint; changed in place
    batches   iterator of what a loss is given, (x, sigma, eps, v), and the one-hot of its labels
              if there are any, each for one step, in the place of samples of the data; x is
              centred and of settings.dtype
    Raises ValueError for a loss that is not finite, which a smaller learning rate avoids: before
        the update with NumPy, at most STEPS_PER_READ steps later on a device.
    """
    for name in ("weights", "gradient_sum", "square_sum", "average"):   # from a file: NumPy's
        setattr(state, name, beside(getattr(state, name), x))
    settings = settings.fitted(x)
    model = model_of(x, settings, state.weights, state.classes)
    x = (x - np.mean(x, axis=0, dtype=np.float64)).astype(settings.dtype)    # before it is rounded
    update = step_of(replace(model, center=np.zeros_like(model.center)), settings, state)
    if batches is None:
        batches = drawn_batches(x, settings, state)
        if state.classes:
            batches = labelled_batches(batches, settings, state, x.dtype)
    while state.step < settings.n_steps:
        yield update(*next(batches))
    read_losses(state, settings)


def step_of(model, settings, state):
    """The function (x, sigma, eps, v) -> loss that makes one update of `state`, in place.

    model  a Model whose weights are views of state.weights
    """
    keep_freed_memory()
    objective = OBJECTIVES[settings.objective]
    gradient = np.empty_like(state.weights)
    gradient_parts = views(gradient, [p.shape for p in model.params])

    def loss(params, *batch):
        given, label = batch[:4], (*batch, None)[4]
        return np.mean(objective(replace(model, params=params, label=label).score, *given))

    loss_and_gradients = value_and_grad(loss)

    def update(*batch):
        value, _ = loss_and_gradients(model.params, *batch, into=gradient_parts)
        if on_host(value):
            value = value.item()
            check_loss(value, state.step, settings)
        adam_and_average(state, gradient, learning_rate(state.step, settings, state.begun),
                         settings.average_decay)
        state.step += 1
        state.unread.append(value)
        if on_host(value) or len(state.unread) == STEPS_PER_READ:
            read_losses(state, settings)
        return value
    return update


def read_losses(state, settings):
    """Put the losses that were not read yet into state.losses: on a device this is what waits.

    Raises ValueError for the first that is not finite.
    """
    if not state.unread:
        return
    values = state.unread if on_host(state.unread[0]) else np.stack(state.unread).tolist()
    state.unread = []
    first = state.step - len(values)
    for step, value in enumerate(values, first):
        check_loss(value, step, settings)
        if step < len(state.losses):                  # a step of a benchmark may go beyond the end
            state.losses[step] = value


def check_loss(value, step, settings):
    """The loss of a step is finite."""
    if not math.isfinite(value):
        raise ValueError(f"the loss must stay finite, got {value} in step {step}: "
                         f"lower the learning rate ({settings.learning_rate})")


def keep_freed_memory():
    """Let the C library keep the memory of a step's arrays for the next step (glibc only).

    It would give it back to the system, which clears every page again: half the time of a step.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):                             # no glibc
        return
    trim_threshold, top_pad, mmap_threshold = -1, -2, -3                     # as in malloc.h
    for parameter, size in ((trim_threshold, 2**28), (top_pad, 2**26), (mmap_threshold, 2**25)):
        mallopt(parameter, size)
