"""How long one check takes: every kind, right and wrong, with NumPy; images of 3 x 32 x 32.

    python -m benchmarks.check_time [--images] [KIND ...]

The functions are refsgm's own, and refsgm's own times 1.5, so that the time is the oracle's and
that of an ordinary implementation. Seconds of processor time, which a busy machine changes least;
the figure after the bar leaves out the time of the code that is judged. An exact divergence of
images takes 3072 backward passes a call: in its place a wrong one is judged, the sum of the
Jacobian, which takes one difference.
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


def divergence(score_fn, x):
    """The sum of the Jacobian, by a difference along (1, .., 1)."""
    h = 1e-3
    return np.sum(score_fn(x + h) - score_fn(x - h), axis=(1, 2, 3)) / (2 * h)


def implicit_score_matching(score_fn, x):
    """Implicit score matching with that sum for the divergence."""
    return 0.5 * np.sum(score_fn(x)**2, axis=(1, 2, 3)) + divergence(score_fn, x)


WRONG_ON_IMAGES = {f.__name__: f for f in (divergence, implicit_score_matching)}


def measured(name, fn, right, **options):
    """Seconds of a check, and the same without those of fn; the verdict is what it must be."""
    spent = 0.0

    def timed(f):
        def call(*args):
            nonlocal spent
            begun = time.process_time()
            try:
                result = f(*args)
            finally:
                spent += time.process_time() - begun
            return timed(result) if callable(result) else result
        return call
    start = time.process_time()
    report = refsgm.check(name, timed(fn), seed=0, **options)
    whole = time.process_time() - start
    assert report.ok == right, report
    return whole, whole - spent


def main():
    """The table, slowest last, and its medians."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", action="store_true", help="images of 3 x 32 x 32 too")
    parser.add_argument("kinds", nargs="*", metavar="KIND", help="all if left out")
    given = parser.parse_args()
    refsgm.check("perturb", refsgm.perturb)                                     # imports
    rows = []
    for name in given.kinds or KINDS:
        kind, row = KINDS[name], {}
        for word, factor in (("right", 1.0), ("wrong", 1.5)):
            row[word] = measured(name, times(kind, factor), word == "right")
        if given.images and {"x", "x_0", "x_t", "eps", "score"} & set(kind.args) and not (
                kind.adaptive):
            wrong = WRONG_ON_IMAGES.get(name)
            row["images"] = measured(name, wrong or flattened(kind, kind.function), not wrong,
                                     event_shape=IMAGE)
        rows.append((name, row))
    rows.sort(key=lambda named: max(whole for whole, _ in named[1].values()))
    for name, row in rows:
        print(f"{name:34}", "  ".join(f"{word} {whole:6.2f} | {own:5.2f} s"
                                      for word, (whole, own) in row.items()))
    for word in ("right", "wrong", "images"):
        found = [row[word] for _, row in rows if word in row]
        for part, words in enumerate(("", ", of the oracle itself")) if found else ():
            seconds = [row[part] for row in found]
            print(f"{word:7} median {statistics.median(seconds):5.2f} s, "
                  f"largest {max(seconds):5.2f} s{words}")


if __name__ == "__main__":
    main()
