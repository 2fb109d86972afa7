"""Files: models and checkpoints as .npz archives of plain arrays, written whole or not at all.

A file holds arrays and one JSON text with everything else, see `archives`; nothing is pickled.
Loading refuses a file that was damaged, and one whose contents no model or run can have.
"""

import hashlib
import math
from contextlib import contextmanager
from dataclasses import asdict

import numpy as np

from . import archives
from .labels import check_classes
from .networks import Model, check_model, network_shapes
from .outputs import check_path, write_whole
from .pool import Way
from ..arguments import FINITE, NONNEGATIVE, check_count, check_values
from ..arrays import in_one_line, to_host
from .training import Settings, State, read_losses

FORMAT = {"model": 3, "checkpoint": 3}            # of new files
READABLE = {"model": (2, 3), "checkpoint": (3,)}  # since these, a checksum of all content
BUFFERS = {"weights": "weights", "first": "gradient_sum", "second": "square_sum",
           "average": "average", "order": "order", "losses": "losses"}  # in the file: in a State


def save(path, kind, facts, arrays):
    """Write arrays, and a dict of facts that JSON can hold, to `path` as a file of this kind."""
    check_path(path)
    facts = {"refsgm": kind, "format": FORMAT[kind], **facts}
    arrays = {name: to_host(a) for name, a in arrays.items()}
    write_whole(path, lambda file: archives.write(file, facts, arrays))


def load(path, kind):
    """Facts and arrays of a file of this kind.

    Raises ValueError in one sentence for a file that is damaged, foreign or of another kind.
    """
    check_path(path)
    try:
        facts, arrays = archives.read(path)
    except ValueError as error:
        raise refusal(path, kind, f"a file that cannot be read as one ({error})") from error
    found = facts.pop("refsgm", "file of another program"), facts.pop("format", "unknown")
    if found[0] != kind or found[1] not in READABLE[kind]:
        raise ValueError(f"{path} must be a refsgm {kind} of format {FORMAT[kind]}, "
                         f"got a {found[0]} of format {found[1]}")
    return facts, arrays


def kind_of(path):
    """What a file is, "model" or "checkpoint"; ValueError for any other."""
    try:
        kind = archives.read(path)[0].get("refsgm")
    except ValueError as error:
        raise refusal(path, "model or checkpoint", f"a file that cannot be read as one "
                      f"({error})") from error
    if kind not in FORMAT:
        raise refusal(path, "model or checkpoint", "a file of another program")
    return kind


def refusal(path, kind, what):
    """The error for a file that is not of this kind."""
    return ValueError(f"{path} must be a refsgm {kind}, got {what}")


@contextmanager
def contents_of(path, kind):
    """Whatever goes wrong while the contents of a file are checked is one refusal of the file."""
    try:
        yield
    except Exception as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        raise refusal(path, kind, f"one with wrong contents ({reason})") from error


def save_model(path, model):
    """Write a Model to `path` (.npz).

    Raises ValueError for a model that `load_model` would refuse.
    """
    if not isinstance(model, Model):
        raise ValueError(f"model must be a Model, got {in_one_line(model)}")
    model = model.moved(to_host)
    check_model(model)
    save(path, "model", {"sigma_data": float(model.sigma_data), "energy": model.energy,
                         "form": model.form, "classes": list(model.classes),
                         "history": model.history},
         {"center": model.center, "sigmas": model.sigmas, **numbered(model.params)})


def load_model(path):
    """Read a Model from `path`.

    Raises ValueError for any other file, for one that was damaged, and for a model whose shapes,
    dtypes or values are none that a network has.
    """
    facts, arrays = load(path, "model")
    with contents_of(path, "model"):
        center, sigmas = arrays.pop("center"), arrays.pop("sigmas")
        params = [arrays[f"param_{i}"] for i in range(len(arrays))]
        classes = facts.pop("classes", [])
        if not isinstance(classes, list):
            raise ValueError(f"classes must be a list, got {classes!r:.60}")
        model = Model(params, center, facts.pop("sigma_data"), sigmas, facts.pop("energy"),
                      facts.pop("form"), tuple(classes), facts.pop("history", None))
        check_model(model)
        if model.history is not None:
            check_history(**model.history)
        if facts:
            raise ValueError(f"it states {', '.join(facts)} too")
    return model


def check_history(settings, steps, losses, held_out):
    """What a model's file says of its run is what a run can leave, see `runs.history_of`."""
    Settings(**settings)
    check_count(0, steps=steps)
    check_pairs(losses=losses, held_out=held_out)


def check_pairs(**lists):
    """Every list has pairs of a step and a loss."""
    for name, pairs in lists.items():
        if not all(len(pair) == 2 and math.isfinite(sum(pair)) for pair in pairs):
            raise ValueError(f"{name} must be pairs of a step and a loss, got {pairs!r:.60}")


def numbered(params):
    """The arrays of a list by name."""
    return {f"param_{i}": p for i, p in enumerate(params)}


def fingerprint(x):
    """A hash of the data, so that a run is not continued on others."""
    data = np.ascontiguousarray(to_host(x)).tobytes()
    return hashlib.sha256(data + str(x.shape).encode()).hexdigest()


def save_checkpoint(path, x, settings, state):
    """Write everything that the next training step depends on to `path` (.npz)."""
    read_losses(state, settings)                    # a run that has diverged must not be kept
    facts = {"settings": asdict(settings), "step": state.step, "position": state.position,
             "rng": state.rng.bit_generator.state, "data": fingerprint(x), "way": state.way,
             "classes": list(state.classes), "held_out": state.held_out, "begun": state.begun}
    arrays = {stored: getattr(state, name) for stored, name in BUFFERS.items()}
    if state.classes:
        arrays["labels"] = state.labels
    save(path, "checkpoint", facts, arrays)


def load_checkpoint(path, x):
    """Settings and State of a run on data x; ValueError for another file or other data."""
    facts, arrays = load(path, "checkpoint")
    if facts.get("data") != fingerprint(x):
        raise ValueError(f"{path} must be a checkpoint of a run on these data, got one of others")
    with contents_of(path, "checkpoint"):
        settings = Settings(**facts["settings"])
        rng = np.random.default_rng()
        rng.bit_generator.state = facts["rng"]
        state = State(step=facts["step"], position=facts["position"], rng=rng,
                      classes=tuple(facts.get("classes", ())), labels=arrays.get("labels"),
                      held_out=facts.get("held_out", []), begun=facts.get("begun", 0),
                      way=Way(*facts.get("way", ())),
                      **{name: arrays[stored] for stored, name in BUFFERS.items()})
        check_state(x, settings, state)
    return settings, state


def check_state(x, settings, state):
    """A state is one that a run with these settings on data x can be in."""
    check_classes(state.classes)
    shapes = network_shapes(x.shape[1], settings.width_for(x.shape[1]), settings.depth,
                            energy=settings.energy, n_labels=len(state.classes))
    required = dict.fromkeys(("weights", "gradient_sum", "square_sum", "average"),
                             (settings.dtype, (sum(map(math.prod, shapes)),)))
    required |= {"order": ("int64", (len(x),)), "losses": ("float64", (settings.n_steps,))}
    if state.classes:
        required["labels"] = "int64", (len(x),)
    for name, (dtype, shape) in required.items():
        a = getattr(state, name)
        if (a.dtype, a.shape) != (dtype, shape):
            raise ValueError(f"{name} must have dtype {dtype} and shape {shape}, "
                             f"got dtype {a.dtype} and shape {a.shape}")
    check_count(0, step=state.step, position=state.position, begun=state.begun)
    if state.classes and not 0 <= state.labels.min() <= state.labels.max() < len(state.classes):
        raise ValueError(f"labels must be numbers of {len(state.classes)} classes")
    check_pairs(held_out=state.held_out)
    if not state.begun <= state.step <= settings.n_steps or state.position > len(x):
        raise ValueError(f"step and position must be at most {settings.n_steps} and {len(x)}, "
                         f"got {state.step} and {state.position}")
    check_values(FINITE, weights=state.weights, gradient_sum=state.gradient_sum,
                 average=state.average, losses=state.losses[state.begun:state.step])
    check_values(NONNEGATIVE, square_sum=state.square_sum)
    if np.any(np.sort(state.order) != np.arange(len(x))):
        raise ValueError(f"order must be a permutation of {len(x)} samples")
