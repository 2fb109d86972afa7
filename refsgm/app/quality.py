"""How good samples are: beside data that training did not see, or one file beside another.

Energy distances are in units of that of as many data: 1 is perfect, as two samples of one law are
not zero apart either.
"""

import numpy as np

from .metrics import energy_distance, nearest_neighbour_accuracy, pairwise
from ..learn.levels import misfits

FEWEST, MOST = 20, 2000         # held-out samples that tell something; samples that are compared
GOOD = 2.0                      # energy distance, in units of that of data
SPLITS = 5                      # of data, for what is normal


def judge(model, x, held_out, seed):
    """How samples of a model compare with held-out data, beside what other data give; a dict.

    x         rows that were trained on (N, D), NumPy's, and their labels (N,) or None: a pair
    held_out  rows that were not (M, D), and their labels: a pair
    seed      of the samples, and of the choice of other data
    """
    (x, labels), (held_out, asked) = x, held_out
    rng, m = np.random.default_rng(seed), len(held_out)
    samples = model.sample(m, label=asked if model.classes else None, seed=seed)
    samples = samples.reshape(m, -1).astype(np.float64)
    others = [x[rng.permutation(len(x))[:m]] for _ in range(SPLITS)]
    real = float(np.mean([energy_distance(other, held_out) for other in others]))
    found = {"held_out": m, "energy_distance_ratio": energy_distance(samples, held_out) / real,
             "nearest_neighbour_accuracy": nearest_neighbour_accuracy(samples, held_out),
             "nearest_neighbour_accuracy_real": float(np.mean(
                 [nearest_neighbour_accuracy(other, held_out) for other in others]))}
    if model.classes:
        known = np.sort(rng.permutation(len(x))[:5 * MOST])
        for name, rows in (("as_asked", samples), ("as_asked_real", held_out)):
            nearest = np.argmin(pairwise(rows, x[known]), axis=1)
            found[name] = float(np.mean(labels[known][nearest] == asked))
    return found


def in_words(found):
    """A judgement as one line, or two for a model of classes."""
    m = found["held_out"]
    lines = [f"{m} samples beside {m} held-out data: energy distance "
             f"{found['energy_distance_ratio']:.2f} (other data 1), 1-nearest-neighbour accuracy "
             f"{found['nearest_neighbour_accuracy']:.2f} (other data "
             f"{found['nearest_neighbour_accuracy_real']:.2f})"]
    if "as_asked" in found:
        lines.append(f"{found['as_asked']:.0%} of the samples are nearest to data of the class "
                     f"that was asked for (held-out data {found['as_asked_real']:.0%})")
    return lines


def advice(found, x, model):
    """What to change where samples are not good, one sentence; None where they are.

    found  of `judge`, or None where the samples could not be judged
    x      data that were trained on (N, D)
    """
    history = model.history
    (_, first), *_, (_, last) = history["losses"] or [(0, 0.0)] * 2
    if last > 2 * first:
        return (f"the loss rose from {first:.3g} to {last:.3g}: a smaller --learning-rate than "
                f"{history['settings']['learning_rate']:g}")
    if found is not None and found["energy_distance_ratio"] <= GOOD:
        return None
    wrong = misfits(x, model.sigmas)
    if wrong:
        return wrong[0]
    steps, curve = history["steps"], history["held_out"]
    width = np.shape(model.params[0])[1]
    best, lowest = min(curve, key=lambda pair: pair[1])
    if curve[-1][1] > 1.1 * lowest:
        return (f"the held-out loss was lowest at step {best}: fewer steps (--steps {best}), a "
                f"smaller network (--width {max(width // 2, 1)}), or more data")
    return (f"the samples are far from the data: more steps (--steps {4 * steps}), or a larger "
            f"network (--width {2 * width})")


def halves_distance(x, rng):
    """Mean energy distance between two random halves of x (N, D), N at least 4."""
    halves = len(x) // 2
    orders = [rng.permutation(len(x)) for _ in range(SPLITS)]
    return float(np.mean([energy_distance(x[order[:halves]], x[order[halves:2 * halves]])
                          for order in orders]))


def comparison(x, y, seed=0):
    """How two samples of one dimension compare, at most 2000 rows of each; a dict.

    energy_distance   between them
    of_halves         that of two halves of y, scaled to their sizes: N and M rows of one law are
                      (1/N + 1/M) E|Y - Y'| apart on average
    """
    rng = np.random.default_rng(seed)
    x, y = (a if len(a) <= MOST else a[rng.permutation(len(a))[:MOST]] for a in (x, y))
    size = 2 / (len(y) // 2)
    real = halves_distance(y, rng) * (1 / len(x) + 1 / len(y)) / size
    return {"energy_distance": energy_distance(x, y), "of_halves": real,
            "nearest_neighbour_accuracy": nearest_neighbour_accuracy(x[:len(y)], y[:len(x)])}


FEATURES = 12                   # that a comparison lists one by one


def compare(a, b, read):
    """The comparison of two files as text.

    read  function (path) -> rows (N, D), and their Form
    Raises ValueError for files of other shapes, or fewer than 4 samples.
    """
    (x, form), (y, other) = read(a), read(b)
    if x.shape[1] != y.shape[1] or min(len(x), len(y)) < 4:
        raise ValueError(f"{a} and {b} must hold samples of one shape, at least 4 each, got "
                         f"{len(x)} of shape {form.shape} and {len(y)} of shape {other.shape}")
    found = comparison(x, y)
    lines = [f"{path}: {len(rows)} samples of {f.as_text()}, mean {rows.mean():.4g}, "
             f"spread {f.spread:.4g}" for path, rows, f in ((a, x, form), (b, y, other))]
    ratio = found["energy_distance"] / found["of_halves"]
    lines += [f"energy distance {found['energy_distance']:.4g}, {ratio:.2f} times that of two "
              f"halves of {b} (scaled to these sizes: {found['of_halves']:.4g})",
              f"1-nearest-neighbour accuracy {found['nearest_neighbour_accuracy']:.2f} "
              f"(0.50 if they cannot be told apart)"]
    return "\n".join([*lines, *feature_lines(x, y)])


def feature_lines(x, y):
    """Means and spreads of x (N, D) beside those of y (M, D), feature by feature; a line if many.

    The difference of two means is in units of its standard error.
    """
    means, spreads = ([a.mean(axis=0) for a in (x, y)], [a.std(axis=0) for a in (x, y)])
    error = np.sqrt(spreads[0]**2 / len(x) + spreads[1]**2 / len(y))
    apart = np.abs(means[0] - means[1]) / np.maximum(error, np.finfo(float).tiny)
    if len(apart) > FEATURES:
        i = int(np.argmax(apart))
        return [f"means differ most in feature {i}, {means[0][i]:.4g} and {means[1][i]:.4g}: "
                f"{apart[i]:.1f} standard errors"]
    head = "feature   mean of both             spread of both           difference of means"
    return [head] + [f"{i:7}   {means[0][i]:<12.4g}{means[1][i]:<13.4g}{spreads[0][i]:<12.4g}"
                     f"{spreads[1][i]:<13.4g}{apart[i]:.1f} standard errors"
                     for i in range(len(apart))]
