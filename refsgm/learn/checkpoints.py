"""Files: models and checkpoints as .npz archives of plain arrays, written whole or not at all.

A file holds arrays and one JSON text with everything else; nothing is pickled, and loading refuses
what would need unpickling.
"""

import hashlib
import json
import zipfile
from dataclasses import asdict

import numpy as np

from .networks import Model
from .outputs import write_whole
from ..arrays import to_host
from .training import Settings, State, read_losses

FORMAT = {"model": 1, "checkpoint": 2}            # checkpoint 2: the moments are sums, not means
BUFFERS = {"weights": "weights", "first": "gradient_sum", "second": "square_sum",
           "average": "average", "order": "order", "losses": "losses"}  # in the file: in a State


def save(path, kind, facts, arrays):
    """Write arrays, and a dict of facts that JSON can hold, to `path` as a file of this kind."""
    header = json.dumps({"refsgm": kind, "format": FORMAT[kind], **facts})
    arrays = {name: to_host(a) for name, a in arrays.items()}
    write_whole(path, lambda file: np.savez(file, header=np.array(header), **arrays))


def load(path, kind):
    """Facts and arrays of a file of this kind.

    Raises ValueError in one sentence for a file that is truncated, foreign or of another kind.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        facts = json.loads(str(arrays.pop("header")))
        found = (facts.pop("refsgm"), facts.pop("format"))
    except FileNotFoundError:
        raise
    except (OSError, EOFError, ValueError, KeyError, AttributeError, TypeError,
            zipfile.BadZipFile) as error:
        raise ValueError(f"{path} must be a refsgm {kind}, "
                         f"got a file that cannot be read as one ({error})") from error
    if found != (kind, FORMAT[kind]):
        raise ValueError(f"{path} must be a refsgm {kind} of format {FORMAT[kind]}, "
                         f"got a {found[0]} of format {found[1]}")
    return facts, arrays


def save_model(path, model):
    """Write a Model to `path` (.npz)."""
    save(path, "model", {"sigma_data": model.sigma_data, "energy": model.energy,
                         "form": model.form},
         {"center": model.center, "sigmas": model.sigmas, **numbered(model.params)})


def load_model(path):
    """Read a Model from `path`; ValueError for anything else."""
    facts, arrays = load(path, "model")
    try:
        center, sigmas = arrays.pop("center"), arrays.pop("sigmas")
        params = [arrays[f"param_{i}"] for i in range(len(arrays))]
        return Model(params, center, float(facts["sigma_data"]), sigmas, bool(facts["energy"]),
                     facts.get("form"))
    except KeyError as error:
        raise ValueError(f"{path} must be a refsgm model, got one without {error}") from error


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
             "rng": state.rng.bit_generator.state, "data": fingerprint(x)}
    arrays = {stored: getattr(state, name) for stored, name in BUFFERS.items()}
    save(path, "checkpoint", facts, arrays)


def load_checkpoint(path, x):
    """Settings and State of a run on data x; ValueError for another file or other data."""
    facts, arrays = load(path, "checkpoint")
    if facts["data"] != fingerprint(x):
        raise ValueError(f"{path} must be a checkpoint of a run on these data, got one of others")
    rng = np.random.default_rng()
    rng.bit_generator.state = facts["rng"]
    state = State(step=facts["step"], position=facts["position"], rng=rng,
                  **{name: arrays[stored] for stored, name in BUFFERS.items()})
    return Settings(**facts["settings"]), state
