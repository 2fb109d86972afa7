"""What the options of the oracle's questions may be, and the sentence where they are not."""

import math
from numbers import Integral

from ..arrays import in_one_line


def is_word(value, words):
    """Whether a value is one of these words, True, False or None."""
    return (value is None or isinstance(value, (str, bool))) and value in words


def words_in(name, value):
    """One word, or several, as a tuple."""
    words = (value,) if isinstance(value, str) else value
    if not isinstance(words, (list, tuple, set, frozenset)) or not all(
            isinstance(word, str) for word in words):
        raise ValueError(f"{name} must be a word or a list of words, got {in_one_line(value)}")
    return tuple(words)


def check_callable(**functions):
    """Every one is a function."""
    for name, f in functions.items():
        if not callable(f):
            raise ValueError(f"{name} must be a function, got {type(f).__name__}")


def is_positive(value):
    """Whether it is a finite positive number and no truth value."""
    return (isinstance(value, (int, float)) and not isinstance(value, bool)
            and 0 < value < 1e300 and math.isfinite(value))


def is_shape(shape):
    """Whether it is a tuple or list of positive integers."""
    return isinstance(shape, (tuple, list)) and len(shape) > 0 and all(
        isinstance(n, Integral) and not isinstance(n, bool) and 0 < n < 2**31 for n in shape)
