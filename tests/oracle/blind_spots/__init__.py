"""Wrong code that plain probes cannot see, and right code that an eager oracle would refuse.

`natural` mistakes are what somebody writes in good faith; the others are planted where a probe
would have to look by luck. Half of them were written before the probes at edges and at random were,
half afterwards. `python -m ledgers.blind_spots` runs them all, the tests a few.
"""

from collections.abc import Callable
from typing import NamedTuple

import refsgm


class Hidden(NamedTuple):
    """A wrong function: its kind, what is wrong, whether it is natural, on which arrays.

    `at` are arguments that show it; a list of such where it takes several calls.
    """

    kind: str
    what: str
    function: Callable
    natural: bool = True
    framework: str = "numpy"
    at: tuple | list = ()


def planted(kind, what, where, change=None, framework="numpy"):
    """The right function, but where `where(*args)` holds the result is changed."""
    right = getattr(refsgm, kind)

    def wrong(*args):
        result = right(*args)
        if not where(*args):
            return result
        return (change or bent)(result)
    return Hidden(kind, what, wrong, False, framework)


def bent(result):
    """A result that is a thousandth too large; of a loop, its last state."""
    if isinstance(result, tuple):
        return tuple(1.001 * a for a in result)
    if hasattr(result, "__next__"):
        return [1.001 * a for a in result]
    return 1.001 * result
