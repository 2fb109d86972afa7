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
from dataclasses import dataclass, replace

import autograd.numpy as np

from .autodiff import value_and_grad
from ..equivalence import eps_from_score
from ..gaussian import perturb
from .networks import Model, init_network
from ..objectives import (denoising_score_matching, finite_difference_ssm, implicit_score_matching,
                          noise_prediction_loss, sliced_score_matching, sliced_score_matching_vr)
from ..noise_levels import geometric_sigmas
from ..arguments import OPEN_UNIT, POSITIVE, check_batch, check_count, check_scalars
from ..arrays import beside, on_host

# name: (s, x, sigma, eps, v) -> lambda times the loss, (B,), for a score function s. Losses that
# know nothing of noise see noisy data; directions sigma v bring lambda = sigma^2 with them.
OBJECTIVES = {
    "dsm":    lambda s, x, sigma, eps, v:
              sigma[:, 0]**2 * denoising_score_matching(s, x, sigma, eps),
    "eps":    lambda s, x, sigma, eps, v:
              noise_prediction_loss(eps_fn_of(s), x, sigma, eps),
    "ism":    lambda s, x, sigma, eps, v:
              sigma[:, 0]**2 * implicit_score_matching(*noisy(s, x, sigma, eps)),
    "ssm":    lambda s, x, sigma, eps, v:
              sliced_score_matching(*noisy(s, x, sigma, eps), sigma * v),
    "ssm-vr": lambda s, x, sigma, eps, v:
              sigma[:, 0]**2 * sliced_score_matching_vr(*noisy(s, x, sigma, eps), v),
    "fd-ssm": lambda s, x, sigma, eps, v:
              finite_difference_ssm(*noisy(s, x, sigma, eps), sigma * v, 0.01),
}


def eps_fn_of(score_fn):
    """The noise prediction (x, sigma) -> -sigma score_fn(x, sigma)."""
    return lambda x, sigma: eps_from_score(score_fn(x, sigma), sigma)


def noisy(score_fn, x, sigma, eps):
    """The score at this noise level as a function of x alone, and data at this noise level."""
    return lambda x: score_fn(x, sigma), perturb(x, sigma, eps)


@dataclass(frozen=True)
class Settings:
    """What a run is, apart from its data; every field is stored with its checkpoints.

    objective      loss, a key of OBJECTIVES
    n_steps        number of updates
    batch_size     samples per update, drawn without replacement until the data are used up
    learning_rate  peak of the schedule: a linear rise over `warmup` steps, a cosine fall to zero
    average_decay  decay of the exponential average of the weights, which is what is sampled
    width, depth   hidden units per layer, number of hidden layers
    energy         whether the score is minus the gradient of an energy
    sigma_max, sigma_min, n_levels   geometric noise levels, standard deviations in units of x
    dtype          "float32" or "float64"
    seed           of weights, order of the data and noise
    """

    objective: str = "dsm"
    n_steps: int = 5000
    batch_size: int = 128
    learning_rate: float = 2e-3
    warmup: int = 200
    average_decay: float = 0.999
    width: int = 128
    depth: int = 3
    energy: bool = False
    sigma_max: float = 10.0
    sigma_min: float = 0.05
    n_levels: int = 20
    dtype: str = "float32"
    seed: int = 0

    def __post_init__(self):
        if self.objective not in OBJECTIVES:
            raise ValueError(f"objective must be one of {', '.join(OBJECTIVES)}, "
                             f"got {self.objective!r}")
        if self.dtype not in ("float32", "float64"):
            raise ValueError(f'dtype must be "float32" or "float64", got {self.dtype!r}')
        check_count(1, n_steps=self.n_steps, batch_size=self.batch_size)
        check_count(0, warmup=self.warmup, seed=self.seed)
        check_scalars(POSITIVE, learning_rate=self.learning_rate)
        check_scalars(OPEN_UNIT, average_decay=self.average_decay)
        self.sigmas()

    def sigmas(self):
        """The noise levels (L,), decreasing."""
        return geometric_sigmas(self.sigma_max, self.sigma_min, self.n_levels).astype(self.dtype)


@dataclass
class State:
    """Everything that the next step depends on, apart from data and settings; changed in place.

    step     updates made so far
    weights, first, second, average   flat buffers, where the data are: parameters, Adam's two
             moments (as sums, see `adam_step`), averaged weights
    order, position   order of the data in this pass over them, and where the next batch starts
    rng      NumPy Generator
    losses   loss of every step so far (n_steps,), NaN for those to come
    """

    step: int
    weights: np.ndarray
    first: np.ndarray
    second: np.ndarray
    average: np.ndarray
    order: np.ndarray
    position: int
    rng: np.random.Generator
    losses: np.ndarray


def initial_network(x, settings, rng):
    """The list of arrays that a run on data x starts from."""
    return init_network(rng, x.shape[1], settings.width, settings.depth,
                        energy=settings.energy, dtype=settings.dtype)


def start(x, settings):
    """The state before the first step.

    x  data (N, D)
    Raises ValueError for other shapes, fewer than 2 samples, samples that are all the same and
        values that are not finite.
    """
    check_batch(x=x)
    if len(x) < 2:
        raise ValueError(f"x must have at least 2 samples, got {len(x)}")
    if on_host(x) and np.all(x == x[0]):
        raise ValueError(f"x must vary, got {len(x)} samples that are all the same")
    rng = np.random.default_rng(settings.seed)
    weights = beside(np.concatenate([np.ravel(p) for p in initial_network(x, settings, rng)]), x)
    zeros = np.zeros_like(weights)
    return State(0, weights, zeros, zeros.copy(), weights.copy(), rng.permutation(len(x)), 0, rng,
                 np.full(settings.n_steps, np.nan))


def views(flat, like):
    """Views of a flat buffer with the shapes of the arrays in the list `like`."""
    ends = np.cumsum([p.size for p in like]).tolist()
    return [flat[end - p.size:end].reshape(p.shape) for end, p in zip(ends, like)]


def model_of(x, settings, flat):
    """The model for training data x with these flat weights; sample from `state.average`."""
    center = np.mean(x, axis=0, dtype=np.float64)           # a float32 sum loses its later samples
    sigma_data = np.mean((x - center)**2).item()**0.5
    params = views(flat, initial_network(x, settings, np.random.default_rng(0)))
    return Model(params, center.astype(settings.dtype), sigma_data, settings.sigmas(),
                 settings.energy)


def training_steps(x, settings, state):
    """The training loop: a generator that makes one update per turn and yields its loss.

    It goes on from state.step and ends after settings.n_steps; `state` holds all that was learnt.

    x         data (N, D); brought to settings.dtype
    settings  a Settings
    state     of `start`, or of a checkpoint; changed in place
    Raises ValueError for a loss that is not finite, which a smaller learning rate avoids.
    """
    for name in ("weights", "first", "second", "average"):            # from a file they are NumPy's
        setattr(state, name, beside(getattr(state, name), x))
    model, sigmas = model_of(x, settings, state.weights), settings.sigmas()
    x = (x - np.mean(x, axis=0, dtype=np.float64)).astype(settings.dtype)    # before it is rounded
    update = step_of(replace(model, center=np.zeros_like(model.center)), settings, state)
    while state.step < settings.n_steps:
        loss = update(*draw_batch(x, sigmas, settings.batch_size, state))
        state.losses[state.step - 1] = loss
        yield loss


def step_of(model, settings, state):
    """The function (x, sigma, eps, v) -> loss that makes one update of `state`, in place.

    model  a Model whose weights are views of state.weights
    """
    keep_freed_memory()
    objective = OBJECTIVES[settings.objective]
    gradient = np.empty_like(state.weights)
    gradient_parts = views(gradient, model.params)

    def loss(params, *batch):
        return np.mean(objective(replace(model, params=params).score, *batch))

    loss_and_gradients = value_and_grad(loss)

    def update(*batch):
        value, gradients = loss_and_gradients(model.params, *batch)
        value = value.item()
        if not math.isfinite(value):
            raise ValueError(f"the loss must stay finite, got {value} in step {state.step}: "
                             f"lower the learning rate ({settings.learning_rate})")
        for part, g in zip(gradient_parts, gradients):
            part[...] = g
        adam_step(state, gradient, learning_rate(state.step, settings))
        average_step(state, settings.average_decay, scratch=gradient)
        state.step += 1
        return value
    return update


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


def learning_rate(step, settings):
    """The rate of a step: a linear rise over `warmup` steps, then half a cosine down to zero."""
    rise = min(1.0, (step + 1) / (settings.warmup + 1))
    return settings.learning_rate * rise * 0.5 * (1 + math.cos(math.pi * step / settings.n_steps))


def adam_step(state, gradient, rate, decay_1=0.9, decay_2=0.999, tiny=1e-8):
    """Adam with bias correction, in place; the contents of `gradient` are lost.  [OPT-1]

        first   <- decay_1 first  + gradient                        = m / (1 - decay_1)
        second  <- decay_2 second + gradient^2                      = u / (1 - decay_2)
        weights <- weights - rate m_hat / (sqrt(u_hat) + tiny)
        m_hat = m / (1 - decay_1^n),    u_hat = u / (1 - decay_2^n)

    The moments are kept as sums, not means, and no buffer is added: an update costs what its passes
    over memory cost.
    """
    n, scratch = state.step + 1, gradient
    mean_1 = (1 - decay_1) / (1 - decay_1**n)                               # m_hat / first
    mean_2 = (1 - decay_2) / (1 - decay_2**n)                               # u_hat / second
    state.first *= decay_1
    state.first += gradient
    state.second *= decay_2
    state.second += np.square(gradient, out=scratch)
    root = np.sqrt(state.second, out=scratch)                               # sqrt(u_hat / mean_2)
    root += tiny / mean_2**0.5
    np.divide(state.first, root, out=scratch)
    state.weights -= np.multiply(scratch, rate * mean_1 / mean_2**0.5, out=scratch)


def average_step(state, decay, scratch=None):
    """Exponential average of the weights, in place; the memory is shorter at first.  [OPT-2]

        average <- d average + (1 - d) weights,  d = min(decay, (1 + n) / (10 + n)),  n = 0, 1, ...

    scratch  a buffer like the weights, whose contents are lost
    """
    d = min(decay, (1 + state.step) / (10 + state.step))
    change = np.subtract(state.weights, state.average, out=scratch)
    change *= 1 - d
    state.average += change


def train(x, **settings):
    """Train a network on data x and return it as a Model, with averaged weights.

    x         data (N, D)
    settings  fields of Settings, by name
    Raises ValueError for other shapes, settings out of range and values that are not finite.

    >>> model = train(np.random.default_rng(0).standard_normal((100, 2)), n_steps=3, width=8)
    >>> model.score(np.zeros((5, 2), np.float32), 1.0).shape
    (5, 2)
    """
    settings = Settings(**settings)
    state = start(x, settings)
    for _ in training_steps(x, settings, state):
        pass
    return model_of(x, settings, state.average)
