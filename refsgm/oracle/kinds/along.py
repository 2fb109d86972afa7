"""Data and directions that code takes for a case of its own, and such as are nearly one.

Rows along axes, of a length, centred, evenly spaced; directions that are those of an earlier slice,
or opposite to them. A test for such a case sees one sign, one row or so many digits, and there are
others: so each is asked in all rows, and in all rows but one.
"""

import numpy as np

NEARLY = 3e-6                          # relative: close to np.isclose and torch.isclose
NEAR_ZERO = 1e-9                       # close to zero for both of them
LITTLE = 1e-6                          # of other entries, beside one


def on_axes(a, axis, entries):
    """Rows (.., B, D) of zeros but for one entry at an axis of its own, (.., B) each."""
    b = np.zeros_like(a)
    np.put_along_axis(b, axis[..., None], (entries + 0 * a[..., 0])[..., None], -1)
    return b


def any_axes(a, rng):
    """An axis for each row."""
    return rng.integers(a.shape[-1], size=a.shape[:-1])


def both_signs(a, rng):
    """1 or -1 for each row, both of them where there are two rows."""
    return np.where((np.arange(a.shape[-2]) + rng.integers(2)) % 2, -1.0, 1.0)


def largest(a):
    """The size of the largest entry in each row."""
    return np.max(np.abs(a), axis=-1)


def one_axis(a, rng):
    """The same axis in all rows."""
    axis = 0 * any_axes(a, rng) + rng.integers(a.shape[-1])
    return on_axes(a, axis, both_signs(a, rng) * largest(a))


def axes(a, rng, sign=None):
    """An axis in each row, of one sign or of both."""
    signs = both_signs(a, rng) if sign is None else sign
    return on_axes(a, any_axes(a, rng), signs * largest(a))


def unit_axes(a, rng, length=1.0):
    """An axis of one length in each row, of both signs."""
    return on_axes(a, any_axes(a, rng), both_signs(a, rng) * length)


def but_one(make):
    """A pattern in all rows but one, which stays."""
    def made(a, rng):
        b, row = make(a, rng), rng.integers(a.shape[-2])
        b[..., row, :] = a[..., row, :]
        return b
    return made


def of_length(a, length):
    """Rows of one length."""
    return a / np.maximum(np.linalg.norm(a, axis=-1, keepdims=True), 1e-9) * length


def centred(a):
    """Rows of mean zero."""
    return a - np.mean(a, axis=-1, keepdims=True)


def standard(a):
    """All numbers together of mean 0 and deviation 1."""
    b = a - np.mean(a)
    return b / (np.std(b) or 1.0)


def basis(a, rng, length=1.0):
    """Rows that are orthogonal to each other, as many as there may be, of one length."""
    Q = np.linalg.qr(rng.standard_normal((a.shape[-1],) * 2))[0]
    return length * Q[np.arange(a.shape[-2]) % len(Q)] + 0 * a


def in_neighbours(a, factor):
    """Every other row is the one before it, times a factor."""
    b = a.copy()
    n = a.shape[-2] // 2
    b[..., 1:2 * n:2, :] = factor * b[..., 0:2 * n:2, :]
    return b


def evenly(a, rng):
    """Rows that follow one another in even steps."""
    steps = np.arange(a.shape[-2])[:, None]
    return a[..., :1, :] + steps * (a[..., -1:, :] - a[..., :1, :]) / max(len(steps) - 1, 1)


def by_length(a, rng):
    """Rows in the order of their lengths, rising or falling."""
    order = np.argsort(np.linalg.norm(a.reshape(-1, *a.shape[-2:])[0], axis=-1))
    return a[..., order[::rng.choice([-1, 1])], :]


OF_CASES = {                           # (.., B, D)
    "along one axis, of both signs": one_axis,
    "along axes": axes,
    "along axes, negative": lambda a, rng: axes(a, rng, -1.0),
    "along axes but for one row": but_one(axes),
    "nearly along axes": lambda a, rng: axes(a, rng) + LITTLE * a,
    "of unit axes, of both signs": unit_axes,
    "of axes of length sqrt(D)": lambda a, rng: unit_axes(a, rng, a.shape[-1]**0.5),
    "of length 1 but for one row": but_one(lambda a, rng: of_length(a, 1.0)),
    "of length sqrt(D)": lambda a, rng: of_length(a, a.shape[-1]**0.5),
    "of signs but for one row": but_one(lambda a, rng: np.where(a < 0, -1.0, 1.0)),
    "of mean zero but for one row": but_one(lambda a, rng: centred(a)),
    "zero but for one row": but_one(lambda a, rng: 0 * a),
    "nearly zero but for one row": but_one(lambda a, rng: NEAR_ZERO * a),
    "of mean 0 and deviation 1": lambda a, rng: standard(a),
    "orthogonal": basis,
    "multiples of one row": lambda a, rng: a[..., :1, :] * (a[..., :, :1] / 2),
    "evenly spaced": evenly,
    "in the order of lengths": by_length,
    "twice, nearly": lambda a, rng: in_neighbours(a, 1 + NEARLY),
    "opposite in pairs, nearly": lambda a, rng: in_neighbours(a, -1 - NEARLY),
    "the same but for one row": but_one(lambda a, rng: a[..., :1, :] + 0 * a),
    "nearly the same": lambda a, rng: a[..., :1, :] * (1 + NEARLY * rng.uniform(-1, 1, a.shape))}

OF_FEW_DIGITS = {"nearly along axes", "nearly zero but for one row"}   # of products in float32


def cases(dtype):
    """Words of the cases in which data of this dtype may be."""
    return [w for w in OF_CASES if dtype != "float32" or w not in OF_FEW_DIGITS]


def orthogonal(v, w):
    """The part of w across v, row by row; zero where there is one feature."""
    if w.shape[-1] == 1:
        return 0 * w
    square = np.maximum(np.sum(v * v, axis=-1, keepdims=True), 1e-30)
    return w - v * (np.sum(v * w, axis=-1, keepdims=True) / square)


def near(rng):
    """A share that is small, of any size."""
    return 10**rng.uniform(-6, -3)


OF_TWO_DIRECTIONS = {                  # the second of two, (B, D), by the first and by itself
    "like": lambda v, w, rng: v,
    "opposite to": lambda v, w, rng: -v,
    "nearly like": lambda v, w, rng: v * (1 + NEARLY),
    "nearly opposite to": lambda v, w, rng: -v * (1 + NEARLY),
    "close to": lambda v, w, rng: v * (1 + near(rng)) + near(rng) * w,
    "close to the opposite of": lambda v, w, rng: -v * (1 + near(rng)) + near(rng) * w,
    "twice": lambda v, w, rng: 2 * v,
    "a multiple of": lambda v, w, rng: -0.7 * v,
    "with some signs of": lambda v, w, rng: np.where(w < 0, -v, v),
    "across": lambda v, w, rng: orthogonal(v, w),
    "zero beside": lambda v, w, rng: 0 * w}


def two_directions(word, but):
    """(words, function (v, rng)): of directions (M, B, D) one is related to an earlier one.

    but  whether one row is not
    """
    consecutive = "nearly" in word

    def made(v, rng):
        first, second = np.sort(rng.permutation(len(v))[:2])
        if consecutive:
            second = first + 1
        b = v.copy()
        b[second] = OF_TWO_DIRECTIONS[word](v[first], v[second], rng)
        if but:
            row = rng.integers(v.shape[1])
            b[second, row] = v[second, row]
        return b
    return f"with one {word} another{' but for one row' if but else ''}", made


def full_basis(v, rng):
    """Orthogonal directions of length sqrt(D), the same in all rows."""
    return basis(v[:, 0], rng, v.shape[-1]**0.5)[:, None] + 0 * v


def all_axes(v, rng):
    """Axes in any order, of any size and sign."""
    places = rng.permutation(v.shape[-1])[np.arange(len(v)) % v.shape[-1]]
    return np.eye(v.shape[-1])[places][:, None] * v[:, :1, :1] + 0 * v


OF_BASES = {                           # (D, B, D)
    "an orthogonal basis": full_basis, "a basis but for one row": but_one(full_basis),
    "all axes": all_axes, "all axes but for one row": but_one(all_axes)}
