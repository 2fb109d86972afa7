"""Files that are damaged at random: each is refused in one sentence, or is the file it was.

A model and a checkpoint are damaged again and again, most often in the directory of the zip, where
no checksum of the zip's own sees it: bits are flipped, ends cut off, stretches zeroed, moved or
written twice. Wrong is a damaged file that loads with other content, and anything but a ValueError
of one line.
"""

from pathlib import Path

import numpy as np

from refsgm.learn.checkpoints import load_checkpoint, load_model, save_checkpoint, save_model
from refsgm.learn.training import Settings, model_of, start, training_steps

DIRECTORY = 900                                   # bytes at the end of a file, about a directory


def flipped(content, rng, start=0):
    """One bit is flipped, at `start` or after it."""
    i = int(rng.integers(max(start, 0), len(content)))
    changed = bytearray(content)
    changed[i] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def cut(content, rng):
    """The end is missing."""
    return content[:int(rng.integers(len(content)))]


def zeroed(content, rng):
    """A stretch of up to 64 bytes is zero."""
    i, n = int(rng.integers(len(content))), int(rng.integers(1, 65))
    return content[:i] + bytes(len(content[i:i + n])) + content[i + n:]


def moved(content, rng):
    """A stretch of up to 64 bytes is written over another place."""
    n = int(rng.integers(1, 65))
    i, j = rng.integers(len(content) - n, size=2).tolist()
    return content[:j] + content[i:i + n] + content[j + n:]


def repeated(content, rng):
    """A stretch of any length is there twice."""
    i, j = sorted(rng.integers(len(content), size=2).tolist())
    return content[:j] + content[i:]


def damaged(content, rng):
    """The content of a file with one damage; half of all are bits of the directory."""
    if rng.integers(2):
        return flipped(content, rng, len(content) - DIRECTORY)
    return [flipped, cut, zeroed, moved, repeated][rng.integers(5)](content, rng)


def facts_of_model(path):
    """All that a model's file says, as bytes."""
    m = load_model(path)
    arrays = [*m.params, m.center, m.sigmas]
    return repr((m.sigma_data, m.energy, [(a.dtype.str, a.shape, a.tobytes()) for a in arrays]))


def facts_of_checkpoint(path, x):
    """All that a checkpoint says, as bytes."""
    settings, s = load_checkpoint(path, x)
    arrays = [s.weights, s.gradient_sum, s.square_sum, s.average, s.order, s.losses]
    return repr((settings, s.step, s.position, s.rng.bit_generator.state,
                 [(a.dtype.str, a.shape, a.tobytes()) for a in arrays]))


def written(folder):
    """A small model and a checkpoint on the way to it: pairs of a path and a reader of its facts"""
    x = np.random.default_rng(0).standard_normal((20, 2))
    settings = Settings(n_steps=4, width=3, depth=2, warmup=1, batch_size=5, n_levels=3)
    state = start(x, settings)
    for _ in zip(range(3), training_steps(x, settings, state)):
        pass
    model, checkpoint = Path(folder, "model.npz"), Path(folder, "checkpoint.npz")
    save_model(model, model_of(x, settings, state.average))
    save_checkpoint(checkpoint, x, settings, state)
    return [(model, facts_of_model), (checkpoint, lambda path: facts_of_checkpoint(path, x))]


def torture(folder, count, seed):
    """Damage each file `count` times; returns (refused, unchanged, list of what went wrong)."""
    rng, refused, unchanged, wrong = np.random.default_rng(seed), 0, 0, []
    for path, facts in written(folder):
        content, right = path.read_bytes(), facts(path)
        for i in range(count):
            path.write_bytes(damaged(content, rng))
            try:
                same = facts(path) == right
            except ValueError as error:
                refused += 1
                if "\n" in str(error):
                    wrong.append(f"{path.name}, damage {i}: several lines: {error}")
            except Exception as error:             # any other type is what is looked for
                wrong.append(f"{path.name}, damage {i}: {type(error).__name__}: {error}")
            else:
                unchanged += same
                if not same:
                    wrong.append(f"{path.name}, damage {i}: it loads with other content")
    return refused, unchanged, wrong
