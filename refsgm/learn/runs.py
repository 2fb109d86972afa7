"""A training run that leaves checkpoints, goes on from one, and can be stopped after a step."""

import time
from contextlib import nullcontext
from dataclasses import asdict

from .checkpoints import load_checkpoint, save_checkpoint
from .training import model_of, start, training_steps


class Interrupted(Exception):
    """A run was asked to stop; the message says what was kept."""


def run_to_end(x, settings, checkpoint, *, resume=False, every=15.0, watch=None):
    """Train on data x to the end; returns the Model, with averaged weights, and the last State.

    A checkpoint is written before the first step, so that a folder that is full is found then,
    every so many seconds, at the end, and when the run is stopped.

    x           data (N, D)
    settings    a Settings
    checkpoint  path of a file; the caller takes it away
    resume      whether to go on from that file
    every       seconds between checkpoints
    watch       context manager, open while the run goes on, whose value is a function
                (state) -> whether to stop, called after every step
    Raises ValueError for a checkpoint of other data or other settings, and Interrupted if stopped.
    """
    state = resumed(x, settings, checkpoint) if resume else start(x, settings)
    save_checkpoint(checkpoint, x, settings, state)
    saved = time.monotonic()
    with watch or nullcontext(lambda state: False) as stops:
        for _ in training_steps(x, settings, state):
            stop, now = stops(state), time.monotonic()
            if stop or now - saved > every or state.step == settings.n_steps:
                save_checkpoint(checkpoint, x, settings, state)
                saved = now
            if stop:
                raise Interrupted(f"stopped after {state.step} of {settings.n_steps} steps; "
                                  f"{checkpoint} holds all of them")
    return model_of(x, settings, state.average), state


def resumed(x, settings, checkpoint):
    """The state in a checkpoint, which must be of a run with these settings on these data."""
    found, state = load_checkpoint(checkpoint, x)
    asked = asdict(settings)
    for name, value in asdict(found).items():
        if asked[name] != value:
            raise ValueError(f"{checkpoint} must be of a run with the same options, got one where "
                             f"{name} is {value} and not {asked[name]}: repeat its options to go "
                             f"on, or delete it")
    return state
