"""How long one check takes: every kind, right and wrong, with NumPy; images of 3 x 32 x 32.

    python -m benchmarks.check_time [--images]

The functions are refsgm's own, and refsgm's own times 1.5, so that the time is the oracle's and
that of an ordinary implementation. Seconds of processor time, which a busy machine changes least.
"""

import argparse
import statistics
import time

import numpy as np

import refsgm
from refsgm.oracle.kinds import FUNCTION, KINDS, STATES

IMAGE = (3, 32, 32)


def times(kind, factor):
    """refsgm's function of a kind times a factor, on (B, *IMAGE) too."""
    f = kind.function

    def scaled(result):
        if kind.form == STATES:
            return [factor * a for a in result]
        if isinstance(result, tuple):
            return tuple(factor * np.asarray(a) for a in result)
        return factor * np.asarray(result)

    def wrong(*args):
        result = f(*args)
        return (lambda x: scaled(result(x))) if kind.form == FUNCTION else scaled(result)
    return wrong


def flattened(kind, fn):
    """fn on images: data (.., B, 3, 32, 32) as (.., B, 3072) and back."""
    size = int(np.prod(IMAGE))

    def flat(a):
        if callable(a):
            return lambda x, *level: flat(a(x.reshape(*x.shape[:-1], *IMAGE), *level))
        shape = getattr(a, "shape", ())
        return a.reshape(*shape[:-3], size) if shape[-3:] == IMAGE else a

    def on_images(*args):
        result = fn(*map(flat, args))
        if kind.form == FUNCTION:
            return lambda x: result(flat(x)).reshape(x.shape)
        return result
    return on_images


def main():
    """The table, slowest last, and its medians."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", action="store_true", help="images of 3 x 32 x 32 too")
    given = parser.parse_args()
    refsgm.check("perturb", refsgm.perturb)                                     # imports
    rows = []
    for name, kind in KINDS.items():
        row = {}
        for word, factor in (("right", 1.0), ("wrong", 1.5)):
            start = time.process_time()
            report = refsgm.check(name, times(kind, factor), seed=0)
            row[word] = time.process_time() - start
            assert report.ok == (word == "right"), report
        if given.images and {"x", "x_0", "x_t", "eps", "score"} & set(kind.args) and not (
                kind.adaptive):
            start = time.process_time()
            refsgm.check(name, flattened(kind, kind.function), event_shape=IMAGE, seed=0)
            row["images"] = time.process_time() - start
        rows.append((name, row))
    rows.sort(key=lambda named: max(named[1].values()))
    for name, row in rows:
        print(f"{name:34}", "  ".join(f"{word} {t:6.2f} s" for word, t in row.items()))
    for word in ("right", "wrong", "images"):
        found = [row[word] for _, row in rows if word in row]
        if found:
            print(f"{word:7} median {statistics.median(found):5.2f} s, largest {max(found):5.2f} s")


if __name__ == "__main__":
    main()
