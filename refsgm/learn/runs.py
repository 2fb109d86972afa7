"""A training run: checkpoints, the loss on held-out data, going on, and stopping after a step."""

import inspect
import time
from contextlib import nullcontext
from dataclasses import asdict, fields, replace
from functools import partial
from typing import Unpack

import numpy as np

from .checkpoints import kind_of, load, load_checkpoint, load_model, save_checkpoint
from .form import as_rows, form_of
from .held_out import due, held_out_loss, split
from .labels import checked, numbered, one_hot
from .networks import Model
from .pool import at_work
from .settings import Options, Settings, changed, with_options
from .training import check_data, model_of, read_losses, start, training_steps
from ..arguments import check_functions
from ..arrays import beside, to_host

CURVE = 200                     # points of the loss curve that a model keeps


class Interrupted(Exception):
    """A run was asked to stop; the message says what was kept."""


def run_to_end(x, settings, checkpoint=None, *, labels=None, held_out=None, resume=False,
               every=15.0, watch=None, callback=None):
    """Train on data x to the end; returns the Model, with averaged weights, and the last State.

    A checkpoint is written before the first step, so that a folder that is full is found then,
    every so many seconds, at the end, and when the run is stopped.

    x           data (N, D)
    settings    a Settings
    checkpoint  path of a file, or None; the caller takes it away
    labels      integers or words (N,), or None
    held_out    data that are not trained on (M, D) and their labels (M,) or None; or None
    resume      whether to go on from the checkpoint; or another one, or a Model with fewer steps
    every       seconds between checkpoints
    watch       context manager, open while the run goes on, whose value is a function
                (state) -> whether to stop, called after every step
    callback    function (step, loss, held_out) -> whether to end here, see `train`
    Raises ValueError for a checkpoint of other data or other settings, and Interrupted if stopped.
    """
    state = state_before(x, settings, labels, checkpoint, resume)

    def keep():
        if checkpoint:
            save_checkpoint(checkpoint, x, settings, state)
    averaged, judge, run = None, None, at_work(state.way._replace(parts=1))
    keep()
    saved = time.monotonic()
    with watch or nullcontext(lambda state: False) as stops, \
            np.errstate(over="ignore", invalid="ignore"):          # a loss that runs away is said
        for loss in training_steps(x, settings, state):
            if held_out and due(state.step, settings.n_steps):
                averaged = averaged or model_of(x, settings, state.average, state.classes)
                judge = judge or loss_on(held_out, settings, state, averaged)
                value, = run(partial(judge, averaged))
                state.held_out.append([state.step, value])
            ended = callback and callback(state.step, float(to_host(loss)),
                                          state.held_out[-1][1] if state.held_out else None)
            stop, now = stops(state), time.monotonic()
            if stop or ended or now - saved > every or state.step == settings.n_steps:
                keep()
                saved = now
            if stop:
                raise Interrupted(f"stopped after {state.step} of {settings.n_steps} steps; "
                                  f"{checkpoint} holds all of them")
            if ended:
                break
    read_losses(state, settings)
    model = model_of(x, settings, state.average, state.classes)
    return replace(model, history=history_of(settings, state)), state


def state_before(x, settings, labels, checkpoint, resume):
    """The state from which a run starts; the arguments are those of `run_to_end`."""
    if isinstance(resume, Model):
        return continued(x, settings, labels, resume)
    if resume:
        return resumed(x, settings, labels, checkpoint if resume is True else resume)
    return start(x, settings, labels)


def loss_on(held_out, settings, state, model):
    """The function (model) -> mean loss on held-out data and their labels."""
    x, labels = held_out
    label = None
    if state.classes:
        where = {c: i for i, c in enumerate(state.classes)}
        numbers = [where.get(c, -1) for c in np.asarray(labels).tolist()]
        label = beside(one_hot(np.array(numbers), state.classes, settings.dtype), x)
    return held_out_loss(x, label, settings, model.sigmas)


def history_of(settings, state):
    """What a model keeps of its run: settings, and both losses over the steps, for JSON.

    losses    pairs of a step and the mean loss since the step before it in the list
    held_out  pairs of a step and the held-out loss after it
    """
    made = state.losses[:state.step]
    ends = np.unique(np.linspace(0, len(made), CURVE + 1).round().astype(int))
    losses = [[int(b), float(np.mean(made[a:b]))] for a, b in zip(ends[:-1], ends[1:])
              if np.all(np.isfinite(made[a:b]))]
    return {"settings": asdict(settings), "steps": state.step, "losses": losses,
            "held_out": [list(pair) for pair in state.held_out]}


def resumed(x, settings, labels, checkpoint):
    """The state in a checkpoint, which must be of a run with these settings on these data.

    More steps may be asked for than there were.
    """
    found, state = load_checkpoint(checkpoint, x)
    more = settings.n_steps - found.n_steps
    for name, value in asdict(found).items():
        asked = getattr(settings, name)
        if asked != value and not (name == "n_steps" and more > 0):
            raise ValueError(f"{checkpoint} must be of a run with the same options, got one where "
                             f"{name} is {value} and not {asked}: repeat its options to go "
                             f"on, or delete it")
    classes, numbers = ((), None) if labels is None else numbered(labels, len(x))
    if classes != state.classes or not np.array_equal(numbers, state.labels):
        raise ValueError(f"{checkpoint} must be of a run with the same labels, got one with "
                         f"{'others' if state.classes else 'none'}")
    if more:
        state.losses = np.concatenate([state.losses, np.full(more, np.nan)])
    return state


def continued(x, settings, labels, model):
    """The state from which a finished model goes on: its weights, and new moments.

    Raises ValueError for a model of other settings, data or labels, and one that has its steps.
    """
    past = model.history or {"settings": {}, "steps": 0, "losses": [], "held_out": []}
    for name, value in past["settings"].items():
        if name != "n_steps" and getattr(settings, name) != value:
            raise ValueError(f"a model goes on with its own options, got {name} = "
                             f"{getattr(settings, name)} for one of {name} = {value}")
    if settings.n_steps <= past["steps"]:
        raise ValueError(f"n_steps must be more than the {past['steps']} steps that the model has, "
                         f"got {settings.n_steps}")
    state = start(x, settings, labels)
    new = model_of(x, settings, state.weights, state.classes)
    same = (new.classes == model.classes and [p.shape for p in new.params]
            == [np.shape(p) for p in model.params]
            and np.array_equal(to_host(new.center), to_host(model.center))
            and np.array_equal(new.sigmas, model.sigmas))
    if not same:
        raise ValueError("a model goes on with the data and labels that it was trained on, "
                         "got others")
    for buffer in (new.params, model_of(x, settings, state.average, state.classes).params):
        for place, value in zip(buffer, model.params):
            place[...] = beside(to_host(value), x)
    state.step = state.begun = past["steps"]
    state.held_out = [list(pair) for pair in past["held_out"]]
    for (begin, _), (end, mean) in zip([(0, 0.0), *past["losses"]], past["losses"]):
        state.losses[begin:end] = mean                          # as far as the model has them
    state.rng = np.random.default_rng([settings.seed, state.begun])
    return state


def train(x, labels=None, settings=None, *, callback=None, checkpoint=None, resume=None,
          **options: Unpack[Options]):
    """Train a network on data x and return it as a Model, with averaged weights.

    x           data (N, D), or images (N, H, W) or (N, H, W, C); whole numbers too
    labels      a class for each sample (N,), integers or words: `model.sample(n, label=3)`
    settings    a Settings, or None for the defaults
    callback    function (step, loss, held_out) called after every step, held_out the newest
                held-out loss or None; training ends after a step for which it returns True
    checkpoint  file to save the run to every 15 seconds and at its end
    resume      checkpoint to go on from, or a model, or its file, that is to have more steps; its
                settings are kept, and n_steps may be larger
    options     fields of Settings that differ from it, by name:

    FIELDS

    `model.history` has the losses. Raises ValueError for other shapes, settings out of range and
    values that are not finite.

    >>> model = train(np.random.default_rng(0).standard_normal((100, 2)), n_steps=3, width=8)
    >>> model.sample(5, sampler="heun", n_steps=4).shape
    (5, 2)
    """
    if isinstance(labels, Settings):                     # train(x, settings), from before labels
        labels, settings = None, labels
    rows = as_rows(x)
    check_data(rows)
    if callback is not None:
        check_functions(callback=callback)
    settings = changed(settings or (Settings() if resume is None else settings_of(resume)), options)
    if resume is not None and not isinstance(resume, Model) and kind_of(resume) == "model":
        resume = load_model(resume)
    labels = None if labels is None else checked(labels, len(rows))
    shown, hidden = parts(rows, labels, settings)
    model, _ = run_to_end(shown[0], settings, checkpoint, labels=shown[1], held_out=hidden,
                          resume=resume, callback=callback)
    return replace(model, form=asdict(form_of(to_host(x))))


def parts(x, labels, settings):
    """What is trained on, and what is held out or None: pairs of data and labels or None."""
    chosen = split(len(x), settings.held_out, settings.seed)
    if not len(chosen[1]):
        return (x, labels), None
    return tuple((x[beside(rows, x)], None if labels is None else labels[rows]) for rows in chosen)


def settings_of(earlier):
    """The Settings of a Model, or of the file of a checkpoint or a model; defaults if unknown."""
    if not isinstance(earlier, Model):
        if kind_of(earlier) == "checkpoint":
            return Settings(**load(earlier, "checkpoint")[0]["settings"])
        earlier = load_model(earlier)
    return Settings(**(earlier.history or {}).get("settings", {}))


train.__doc__ = with_options(train.__doc__)
train.__signature__ = inspect.Signature([
    *list(inspect.signature(train).parameters.values())[:-1],
    *(inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=f.default,
                        annotation=f.type) for f in fields(Settings))])
