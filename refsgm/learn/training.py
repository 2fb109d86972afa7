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
from functools import partial
from itertools import accumulate

import autograd.numpy as np

from .adam import in_blocks, learning_rate, update_blocks
from .autodiff import value_and_grad
from .batches import drawn_batches
from .labels import labelled_batches, numbered
from .losses import OBJECTIVES
from .networks import Model, init_network, network_shapes
from .pool import Way, at_work, chosen, rows_of_parts
from .settings import Settings  # noqa: F401, a run is Settings and a State
from .tape import repeated
from ..arguments import check_batch
from ..arrays import beside, device_of, on_host


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
    way      how the steps are computed, on which their rounding depends
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
    way: Way = Way()
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
    params = init_network(rng, x.shape[1], settings.width_for(x.shape[1]), settings.depth,
                          energy=settings.energy, dtype=settings.dtype, n_labels=len(classes))
    weights = beside(np.concatenate([np.ravel(p) for p in params]), x)
    zeros = np.zeros_like(weights)
    return State(0, weights, zeros, zeros.copy(), weights.copy(), rng.permutation(len(x)), 0, rng,
                 np.full(settings.n_steps, np.nan), way=way_for(x, settings, params),
                 classes=classes, labels=labels)


def way_for(x, settings, params):
    """The `Way` of a run on data x."""
    if device_of(x):
        return Way()
    shapes = [p.shape for p in params]
    return chosen(min(settings.batch_size, len(x)), shapes, 3, settings.n_steps)


def views(flat, shapes):
    """Views of a flat buffer with these shapes, one after the other."""
    sizes = [math.prod(shape) for shape in shapes]
    return [flat[end - size:end].reshape(shape)
            for end, size, shape in zip(accumulate(sizes), sizes, shapes)]


def model_of(x, settings, flat, classes=()):
    """The model for training data x with these flat weights; sample from `state.average`."""
    center = np.mean(x, axis=0, dtype=np.float64)           # a float32 sum loses its later samples
    sigma_data = np.mean((x - center)**2).item()**0.5
    shapes = network_shapes(x.shape[1], settings.width_for(x.shape[1]), settings.depth,
                            energy=settings.energy, n_labels=len(classes))
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
    run, parts = at_work(state.way), state.way.parts
    gradients = [np.empty_like(state.weights) for _ in range(parts)]
    evaluate = [evaluation(model, settings.objective, gradient) for gradient in gradients]
    blocks = list(in_blocks(state, gradients))
    shares = [blocks[rows] for rows in rows_of_parts(len(blocks), min(parts, len(blocks)))]

    def update(*batch):
        n = len(batch[0])
        value, *others = run(*(
            partial(evaluate[i], n, *(a if a is None else a[rows] for a in batch))
            for i, rows in enumerate(rows_of_parts(n, parts))))
        value = sum(others, value)
        if on_host(value):
            check_loss(value, state.step, settings)
        rate = learning_rate(state.step, settings, state.begun)
        run(*(partial(update_blocks, share, state.step, rate, settings.average_decay)
              for share in shares))
        state.step += 1
        state.unread.append(value)
        if on_host(value) or len(state.unread) == STEPS_PER_READ:
            read_losses(state, settings)
        return value
    return update


def evaluation(model, objective, gradient):
    """The function (n, *batch) -> loss that puts its gradient into a flat buffer.

    The loss is a sum over the samples of the batch divided by n: their mean, if n is their number,
    as it is on a device.
    """
    def losses(params, x, sigma, eps, v, label=None):
        score = replace(model, params=params, label=label).score
        return OBJECTIVES[objective](score, x, sigma, eps, v)

    parts = views(gradient, [p.shape for p in model.params])
    if device_of(gradient):
        of_mean = value_and_grad(lambda params, *batch: np.mean(losses(params, *batch)))
        return lambda n, *batch: of_mean(model.params, *batch, into=parts)[0]
    of_sum = value_and_grad(lambda params, n, *batch: np.sum(losses(params, *batch)) / n)

    def results(*arrays):
        params, batch = arrays[:len(parts)], arrays[len(parts):]
        value, gradients = of_sum(list(params), *batch)
        return [value, *gradients]

    value = np.zeros((), gradient.dtype)
    evaluate = repeated(results, model.params, [value, *parts])

    def evaluate_on_host(n, *batch):
        evaluate(np.array(n, gradient.dtype), *batch)
        return value.item()
    return evaluate_on_host


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
                         f"lower learning_rate ({settings.learning_rate})")


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
