"""Class labels: one input of the network per class, hidden now and then so that both are learnt.

    h = [c_in (x - center) | features of the noise level | one-hot of the label]
    s_w(x, sigma | c) = s(x, sigma) + w (s(x, sigma | c) - s(x, sigma)),   w the guidance  [GUIDE-1]

The score without a label, s(x, sigma), is the network's with zeros in the place of the label.
"""

import autograd.numpy as np

from ..arguments import shape_of
from ..arrays import beside, device_of, to_host

MOST = 1000                     # classes
HIDDEN = 3                      # what a seed is for, beside ORDER and NOISE of batches


def checked(labels, n):
    """Labels of n samples as NumPy's array of integers or words (n,).

    Raises ValueError for other shapes and types.
    """
    labels = np.array(labels) if isinstance(labels, (list, tuple)) else labels
    if shape_of("labels", labels) != (n,):
        raise ValueError(f"labels must have shape (N,) = ({n},), one per sample, "
                         f"got shape {np.shape(labels)}")
    labels = to_host(labels)
    if labels.dtype.kind == "f" and np.all(np.isfinite(labels)) and np.all(labels % 1 == 0):
        return labels.astype(np.int64)
    if labels.dtype.kind not in "iuU":
        what = "numbers that are not whole" if labels.dtype.kind == "f" else f"type {labels.dtype}"
        raise ValueError(f"labels must be integers or words, got {what}")
    return labels


def numbered(labels, n):
    """The classes in labels (n,), sorted, as a tuple, and the number of each sample's, int64 (n,).

    labels  integers or words, one per sample
    Raises ValueError for other labels, and fewer than 2 or more than 1000 classes.

    >>> numbered([7, 3, 7], 3)
    ((3, 7), array([1, 0, 1]))
    """
    classes, numbers = np.unique(checked(labels, n), return_inverse=True)
    if not 2 <= len(classes) <= MOST:
        raise ValueError(f"labels must be of 2 to {MOST} classes, got {len(classes)}")
    return tuple(classes.tolist()), numbers.astype(np.int64)


def check_classes(classes):
    """Classes are integers or words that differ, as `numbered` gives them."""
    kinds = {type(c) for c in classes}
    if not (kinds <= {int} or kinds <= {str}) or len(set(classes)) != len(classes) or \
            len(classes) == 1 or len(classes) > MOST:
        raise ValueError(f"classes must be integers or words that differ, got {classes!r:.60}")


def one_hot(numbers, classes, dtype):
    """One row per number, 1 in its column and 0 elsewhere, (B, K); a row of zeros for -1."""
    return (np.reshape(numbers, (-1, 1)) == beside(np.arange(len(classes)), numbers)).astype(dtype)


def asked(label, model):
    """The one-hot (1, K) of one class, or (B, K) of an array of them, for a Model.

    Raises ValueError for a label that is no class of the model.
    """
    if not model.classes:
        raise ValueError(f"label must be None for a model that was trained without labels, "
                         f"got {label!r}")
    where = {c: i for i, c in enumerate(model.classes)}
    labels = np.ravel(to_host(label) if device_of(label) else np.array(label)).tolist()
    if not labels:
        raise ValueError("label must be a class or one per sample, got none")
    for c in labels:
        if c not in where:
            raise ValueError(f"label must be one of {', '.join(map(str, model.classes))}, "
                             f"got {c}")
    numbers = beside(np.array([where[c] for c in labels]), model.center)
    return one_hot(numbers, model.classes, model.center.dtype)


def labelled_batches(batches, settings, state, dtype):
    """The batches (x, sigma, eps, v) of a run, each with the one-hot of its labels (B, K).

    A share of `settings.label_dropout` of the rows is zero. Which, follows from seed and step.
    """
    numbers = None
    for batch in batches:
        x = batch[0]
        if numbers is None:
            numbers = beside(state.labels, x)
            device = device_of(x) if settings.noise == "device" else None
        rows = beside(state.order, x)[state.position - len(x):state.position]
        rng = (device or np.random).default_rng([settings.seed, HIDDEN, state.step])
        shown = beside(rng.random(len(x)) >= settings.label_dropout, x)
        yield *batch, one_hot(np.where(shown, numbers[rows], -1), state.classes, dtype)
