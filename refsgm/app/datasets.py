"""Data to train on: two-dimensional toys, the 8x8 handwritten digits, or a file of one's own.

The toys lie around the origin and have a spread of order one. The digits have pixels in [-1, 1],
and a fifth of them is held out.
"""

import math
import os

import numpy as np

from . import own_data
from ..learn.form import form_of


def ring(n, rng, modes=8, radius=1.5, sigma=0.1):
    """n points of an equal mixture of Gaussians on a circle, (n, 2)."""
    angle = 2 * math.pi * rng.integers(modes, size=n) / modes
    centers = radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return centers + sigma * rng.standard_normal((n, 2))


def moons(n, rng, sigma=0.08):
    """n points on two interleaved half circles, (n, 2)."""
    angle, side = math.pi * rng.random(n), 2 * rng.integers(2, size=n) - 1
    arcs = np.stack([side * (np.cos(angle) - 0.5), side * (np.sin(angle) - 0.25)], axis=1)
    return arcs + sigma * rng.standard_normal((n, 2))


def checkerboard(n, rng):
    """n points on the black squares of a 4 x 4 board, (n, 2), in [-2, 2]^2."""
    column, row = rng.integers(4, size=n), 2 * rng.integers(2, size=n)
    corner = np.stack([column, row + column % 2], axis=1) - 2.0
    return corner + rng.random((n, 2))


def spiral(n, rng, sigma=0.05):
    """n points along a spiral of one and a half turns, (n, 2)."""
    angle = 3 * math.pi * np.sqrt(rng.random(n))
    arm = angle[:, None] / (3 * math.pi) * 2 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return arm + sigma * rng.standard_normal((n, 2))


TOYS = {"ring": ring, "moons": moons, "checkerboard": checkerboard, "spiral": spiral}


def digits():
    """The 1797 handwritten digits of scikit-learn: train (1438, 64), test (359, 64), and labels.

    Pixels in [-1, 1], float64; the held-out fifth has the same share of each class, and the split
    is always the same. Returns (x_train, x_test, label_train, label_test).
    """
    try:
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split
    except ImportError as error:
        raise ModuleNotFoundError("the digits come with scikit-learn: "
                                  "pip install scikit-learn") from error
    pixels, labels = load_digits(return_X_y=True)
    return train_test_split(pixels / 8 - 1, labels, test_size=359, stratify=labels, random_state=0)


def load(name, n, seed, labels=None):
    """Data (N, D) by name, their Form, and their labels (N,) or None.

    name    a toy, "digits" (its training part), a file or a folder: see `own_data`
    n       points to draw of a toy
    labels  a file, entry or column with labels; for "digits" also "digits", their own
    """
    if name in TOYS:
        x = TOYS[name](n, np.random.default_rng(seed))
    elif name == "digits":
        x, _, own, _ = digits()
    elif os.path.exists(name):
        return own_data.read(name, labels)
    else:
        raise ValueError(f"data must be one of {', '.join(TOYS)}, digits, or a file or folder, "
                         f"got {name!r}, which does not exist")
    if labels is not None and name == labels == "digits":
        labels = own
    elif labels is not None:
        if not os.path.isfile(labels):
            raise ValueError(f"--labels must be a file for {name}"
                             f"{', or digits' if name == 'digits' else ''}, got {labels}, which "
                             f"is none")
        labels = own_data.checked_labels(own_data.read_labels(labels), len(x))
    return x, form_of(x), labels
