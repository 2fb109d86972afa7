"""What a caller may hand over in the place of an array or a number, and what it means.

A value is changed first (a NaN, a sign, the ends of the number range, another shape), and then
disguised (a list, a matrix, another dtype, other memory). `meaning` is the plain float64 array that
numbers in disguise amount to; what has no meaning must be refused.
"""

import array
import contextlib
import decimal
import fractions
import importlib
import os
import tempfile

import numpy as np

VALUES = (1e-320, 1e-200, 1e-170, 1e-150, 1e-120, 1e-75, 1e-40, 1e-23, 1e-16, 1e-8, 0.5, 1.0, 2.0,
          1e4, 1e8, 1e16, 1e23, 1e40, 1e75, 1e120, 1e150, 1e170, 1e200, 1e308)


def at_one_place(value):
    """The array with this value at a random place."""
    def change(a, rng):
        a = np.array(a, np.float64)
        if a.size:
            a[tuple(int(rng.integers(n)) for n in a.shape)] = value
        return a
    return change


def any_value(a, rng):
    """One of VALUES, of either sign, at one place or everywhere."""
    value = VALUES[int(rng.integers(len(VALUES)))] * (1 if rng.integers(4) else -1)
    return at_one_place(value)(a, rng) if rng.integers(2) else np.full(np.shape(a), value)


def two_sizes(a, rng):
    """The array scaled by one of VALUES."""
    with np.errstate(all="ignore"):
        return np.asarray(a, np.float64) * VALUES[int(rng.integers(len(VALUES)))]


# what becomes of the numbers
CHANGES = {
    "as they are": lambda a, rng: np.array(a, np.float64),
    "nan": at_one_place(np.nan), "inf": at_one_place(np.inf), "-inf": at_one_place(-np.inf),
    "zero": at_one_place(0.0), "-0": at_one_place(-0.0), "negative": at_one_place(-1.0),
    "zeros": lambda a, rng: np.zeros(np.shape(a)), "ones": lambda a, rng: np.ones(np.shape(a)),
    "any value": any_value, "another size": two_sizes,
    "rounded": lambda a, rng: np.round(3 * np.asarray(a)),
    "reversed": lambda a, rng: np.array(np.flip(a)),
}

# what becomes of the shape
SHAPES = {
    "empty": lambda a: a[:0] if a.ndim else np.zeros(0), "no columns": lambda a: a[..., :0],
    "one more axis": lambda a: a[None], "one axis behind": lambda a: a[..., None],
    "transposed": lambda a: a.T.copy(), "flat": lambda a: a.reshape(-1).copy(),
    "one row": lambda a: a[:1].copy(), "one column": lambda a: a[..., :1].copy(),
    "a row more": lambda a: np.concatenate([a, a[:1]]) if a.ndim else np.ones(2),
    "one number": lambda a: np.asarray(a.flat[0]) if a.size else np.ones(()),
    "of one": lambda a: a.reshape(-1)[:1].copy(), "squared": lambda a: np.ones((3, 3)),
}


class Subclass(np.ndarray):
    """An array of NumPy's with a type of its own."""


class Resembling:
    """Something that NumPy makes an array of."""

    def __init__(self, a):
        self.a = a

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.a, dtype)


def nothing_masked(a):
    return np.ma.array(a)


def some_masked(a):
    return np.ma.array(a, mask=np.arange(a.size).reshape(a.shape) % 2 == 0)


def structured(a):
    return np.array([(v,) for v in a.reshape(-1)], [("x", float)])


def mapped(a):
    """A read-only map of a file."""
    handle, path = tempfile.mkstemp(suffix=".npy")
    os.close(handle)
    np.save(path, a)
    result = np.load(path, mmap_mode="r")
    os.unlink(path)
    return result


def read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


def strided(a):
    """Every second entry of a larger array, in Fortran's order."""
    if a.ndim == 0:
        return np.asarray(a)
    large = np.full([2 * n for n in a.shape], np.nan, order="F")
    large[(slice(None, None, 2),) * a.ndim] = a
    return large[(slice(None, None, 2),) * a.ndim]


def backwards(a):
    """The same entries, held in the opposite order."""
    return np.flip(np.flip(a).copy()) if a.ndim else np.asarray(a)


def cast(dtype):
    def change(a):
        with np.errstate(all="ignore"):
            return a.astype(dtype)
    return change


def through(library, make):
    """A disguise by a library; None where it is not installed."""
    def change(a):
        return make(importlib.import_module(library), a)
    return change


# dtypes and memory that plain arrays may have: they must give what float64 gives, or be refused
ARRAYS = {
    "plain": lambda a: a, "memmap": mapped, "read-only": read_only, "strided": strided,
    "backwards": backwards, "big-endian": cast(">f8"), "Fortran": np.asfortranarray,
    "int64": cast(np.int64), "int32": cast(np.int32), "int8": cast(np.int8),
    "uint8": cast(np.uint8), "uint64": cast(np.uint64), "float16": cast(np.float16),
    "float32": cast(np.float32), "big-endian float32": cast(">f4"),
    "longdouble": cast(np.longdouble), "complex128": cast(np.complex128),
    "complex64": cast(np.complex64), "bool": cast(bool),
    "np.float64": lambda a: a.reshape(-1)[0] if a.size else np.float64(1),
    "np.float32": lambda a: np.float32(a.reshape(-1)[0]) if a.size else np.float32(1),
    "np.int64": lambda a: np.int64(1), "np.bool": lambda a: np.True_,
    "float": lambda a: float(a.reshape(-1)[0]) if a.size else 1.0,
    "int": lambda a: 2, "0-d": lambda a: np.array(a.reshape(-1)[0]) if a.size else np.array(1.0),
}

# what only resembles an array, or is none
OTHERS = {
    "list": np.ndarray.tolist, "tuple": lambda a: tuple(a.tolist()) if a.ndim else (float(a),),
    "list of arrays": lambda a: list(a) if a.ndim else [a], "range": lambda a: range(len(a.flat)),
    "matrix": lambda a: np.matrix(a) if a.ndim < 3 else a.view(Subclass),
    "subclass": lambda a: a.view(Subclass), "recarray": lambda a: a.view(np.recarray),
    "masked": nothing_masked, "masked in part": some_masked, "masked constant":
    lambda a: np.ma.masked, "structured": structured, "objects": lambda a: a.astype(object),
    "strings": lambda a: a.astype(str), "bytes": lambda a: a.astype("S8"),
    "times": lambda a: np.zeros(a.shape, "m8[s]"), "None": lambda a: None,
    "set": lambda a: set(a.flat), "dict": lambda a: dict(enumerate(a.flat)),
    "generator": lambda a: (v for v in a), "text": lambda a: "1.0", "truth": lambda a: True,
    "array.array": lambda a: array.array("d", a.flat), "buffer": lambda a: memoryview(a.copy()),
    "decimal": lambda a: decimal.Decimal("1.5"), "fraction": lambda a: fractions.Fraction(3, 2),
    "function": lambda a: np.sin, "class": lambda a: float, "object": lambda a: object(),
    "__array__": Resembling, "huge integer": lambda a: 10**400, "complex": lambda a: 0.5 + 1e-30j,
    "nan": lambda a: float("nan"), "nested": lambda a: [[1.0], [1.0, 2.0]],
    "DataFrame": through("pandas", lambda pd, a: pd.DataFrame(a) if a.ndim == 2
                         else pd.Series(a.reshape(-1))),
    "Series": through("pandas", lambda pd, a: pd.Series(a.reshape(-1))),
    "torch": through("torch", lambda torch, a: torch.tensor(np.ascontiguousarray(a))),
    "torch with gradient": through("torch", lambda torch, a: torch.tensor(
        np.ascontiguousarray(a), requires_grad=True)),
    "jax": through("jax.numpy", lambda jnp, a: jnp.asarray(a)),
}
DISGUISES = ARRAYS | OTHERS

# in the place of a count
COUNTS = {
    "0": 0, "-1": -1, "1": 1, "2": 2, "2.0": 2.0, "2.5": 2.5, "True": True, "text": "2",
    "None": None, "nan": float("nan"), "inf": float("inf"), "list": [2], "array": np.array(2),
    "array (1,)": np.array([2]), "np.int64": np.int64(2), "np.int8": np.int8(2),
    "np.uint8": np.uint8(2), "np.int8 at its end": np.int8(127), "np.uint8 at its end":
    np.uint8(255), "np.bool": np.True_, "np.float64": np.float64(2), "complex": 2 + 0j,
    "fraction": fractions.Fraction(2), "object": object(), "huge": 10**30, "10**400": 10**400,
}

SMALL = {how: n for how, n in COUNTS.items() if "end" not in how}     # of nodes on every axis

# in the place of a function, a generator of noise, a word or a distribution
THINGS = {
    "None": None, "number": 1.0, "text": "x", "list": [1.0], "array": np.ones((2, 2)), "object":
    object(), "dict": {}, "bytes": b"x", "truth": True, "module": np,
}


def available():
    """The names of the disguises whose libraries are installed."""
    names = []
    for name, change in DISGUISES.items():
        with contextlib.suppress(ImportError, TypeError, ValueError):
            change(np.ones((2, 2)))
            names.append(name)
    return names


def meaning(thing):
    """The float64 array that numbers in disguise amount to; None for what amounts to none.

    Text, masks and truths are no numbers. Complex numbers are those of the complex step, whose
    imaginary part is far below rounding.
    """
    if isinstance(thing, (np.ma.MaskedArray, str, bytes, bool, np.bool_, set, dict, range)):
        return None
    try:
        a = np.asarray(thing.detach() if hasattr(thing, "detach") else thing)
        if a.dtype.kind not in "iufc":
            return None
        return np.array(a.real, np.float64)
    except Exception:
        return None
