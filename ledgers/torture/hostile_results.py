"""Functions that return strange arrays, or what hangs, grows or lies when it is used; or raise it.

They stand for gaussian_score. 0: it is right all the same; 1: it is wrong, or gives no answer.
"""

import itertools
import sys

import numpy as np

from .disguises import mapped, read_only, strided
from .hostile import endless, endless_in_c, leaves, made, noted, returning, sleeps, zero_divided

FUNCTIONS = {}                                   # name: exit status
owes = noted(FUNCTIONS)


def sparse(a):
    """A sparse matrix of SciPy's."""
    from scipy.sparse import csr_array
    return csr_array(a)


class Elsewhere(np.ndarray):
    """An array that says it has another shape."""

    shape = property(lambda self: (10**6, 10**6))


class Longer(np.ndarray):
    """An array that says it is longer."""

    def __len__(self):
        return sys.maxsize


class Clinging(np.ndarray):
    """An array that never goes away."""

    def __del__(self):
        endless()


class ClingingInC(np.ndarray):
    """The same, in compiled code."""

    def __del__(self):
        endless_in_c()


class Endless(dict):
    """A dict without an end."""

    def items(self):
        return ((k, k) for k in itertools.count())

    __iter__ = keys = values = items


class Sequence:
    """Something of a length that no memory holds."""

    def __len__(self):
        return sys.maxsize // 16

    def __getitem__(self, k):
        return 1.0


class Again:
    """What NumPy makes of it is itself."""

    def __array__(self, dtype=None, copy=None):
        return np.asarray(Again())

    def __repr__(self):
        return repr(self)


class Claims:
    """Something that claims to be an array."""

    __class__ = property(lambda self: np.ndarray)


class Interface:
    """Memory that is not there."""

    __array_interface__ = {"shape": (5, 3), "typestr": "<f8", "data": (0, False), "version": 3}


def noisy_nan(a):
    """NaN with a payload, and its sign set."""
    return np.full(a.shape, 0xFFF8DEADBEEF0001, np.uint64).view(np.float64)


async def never(a):
    """A result that is to be awaited."""
    return a


def without_an_end(a):
    """Sums without an end, in a generator that does not close."""
    try:
        while True:
            yield a
    finally:
        endless()


RESULTS = {                                      # name: (exit status, what the function returns)
    "read-only": (0, read_only), "strided": (0, strided), "a map": (0, mapped),
    "backwards": (0, lambda a: np.flip(np.flip(a).copy())), "Fortran's order": (0,
    np.asfortranarray), "big-endian": (0, lambda a: a.astype(a.dtype.newbyteorder())),
    "sparse": (1, sparse), "no axis": (1, lambda a: np.array(1.0)),
    "a structure": (1, lambda a: np.array([(v,) for v in a.flat], [("x", float)])),
    "objects that raise": (1, lambda a: np.full(a.shape, made("__float__", zero_divided), object)),
    "NaN with a payload": (1, noisy_nan), "another shape": (0, lambda a: a.view(Elsewhere)),
    "a length that is not": (0, lambda a: a.view(Longer)),
    "no way to leave": (1, lambda a: a.view(Clinging)),
    "no way to leave in C": (1, lambda a: a.view(ClingingInC)),
    "__array__ hangs in C": (1, lambda a: made("__array__", endless_in_c)),
    "__array__ sleeps": (1, lambda a: made("__array__", sleeps)),
    "__array__ of itself": (1, lambda a: Again()), "no end of items": (1, lambda a: Endless()),
    "no end of numbers": (1, lambda a: itertools.count()), "a length": (1, lambda a: Sequence()),
    "a generator that stays": (1, without_an_end), "a coroutine": (1, never),
    "a claim": (1, lambda a: Claims()), "no memory": (1, lambda a: Interface()),
    "a hundred million numbers": (1, lambda a: np.ones(10**8)),
    "lists of lists": (1, lambda a: [[[1.0] * 100] * 100] * 100),
    "__getattr__ leaves": (1, lambda a: made("__getattr__", leaves)),
    "__del__ leaves": (1, lambda a: made("__del__", leaves)),
}

for number, (status, act) in enumerate(RESULTS.values()):
    globals()[f"strange_{number}"] = returning(act)
    FUNCTIONS[f"strange_{number}"] = status


# what is raised

class NameHangs(type):
    """Exceptions whose type has a name that hangs."""

    __name__ = property(lambda cls: endless())


class NameLeaves(type):
    """Exceptions whose type has a name that ends the program."""

    __name__ = property(lambda cls: leaves())


class Unnamed(Exception, metaclass=NameHangs):
    pass


class Nameless(Exception, metaclass=NameLeaves):
    pass


class Itself(Exception):
    """Its text is that of itself."""

    def __str__(self):
        return str(self)

    __repr__ = __str__


class Lasting(Exception):
    def __del__(self):
        endless()


@owes(1)
def raises_what_has_no_name(*args):
    raise Nameless


@owes(1)
def raises_what_has_an_endless_name(*args):
    raise Unnamed


@owes(1)
def raises_what_says_itself(*args):
    raise Itself(Again())


@owes(1)
def raises_what_stays(*args):
    raise Lasting


@owes(1)
def raises_in_a_circle(*args):
    one, two = ValueError(1), ValueError(2)
    one.__cause__, two.__cause__ = two, one
    raise one
