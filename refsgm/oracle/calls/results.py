"""What foreign code returns: tuples, dicts, stacked arrays or objects, as the contract's parts."""

import itertools
import math

import numpy as np

MOST_STATES = 1000                 # of a loop that may never end
LARGEST = 2**24                    # numbers in a result, where the arguments are not larger
ATTRIBUTES = ("prev_sample", "sample", "prediction", "pred", "loss", "samples", "x")


def opened(result, names):
    """What an object, or a dict, holds: the contract's components, or the usual name of a result.

    names  of the components; ("",) where there is one
    """
    if hasattr(result, "shape") or isinstance(result, (int, float, tuple, list)):
        return result
    if isinstance(result, dict):
        held = result
    elif hasattr(result, "__next__") or hasattr(result, "__array__") or result is None:
        return result
    else:
        held = {n: getattr(result, n) for n in (*names, *ATTRIBUTES) if n and hasattr(result, n)}
    if all(n in held for n in names):
        return tuple(held[n] for n in names)
    if len(names) == 1:
        found = [held[n] for n in ATTRIBUTES if n in held] or list(held.values())
        return found[0] if found else result
    return result


def parts_of(result, names):
    """A result as its components: itself, or those of a tuple, a dict or a stacked array."""
    result = opened(result, names)
    if names == ("",):
        return (result,)
    if len(names) == 1:                             # one component of several that a kind has
        alone = isinstance(result, (tuple, list)) and len(result) == 1
        return (result[0],) if alone else (result,)
    if isinstance(result, (tuple, list)) or len(getattr(result, "shape", ())) > 0:
        return tuple(result)
    return (result,)


def states_of(result, size, event, to_numpy):
    """All states of a loop, or its last one; of an endless loop the first MOST_STATES.

    Each is (as it came, its numbers then); one with another size than `size` is the last.

    event  shape of one sample
    """
    stacked = len(getattr(result, "shape", ())) == len(event) + 2         # (n, B, D)
    several = stacked or hasattr(result, "__next__") or isinstance(result, (list, tuple))
    states = []
    for state in itertools.islice(result if several else [result], MOST_STATES):
        if size is not None and math.prod(getattr(state, "shape", (size,))) != size:
            states.append((state, state))
            break
        states.append((state, np.array(to_numpy(state))))
    return states


def is_unlike(states, to_numpy):
    """Whether a state has other numbers now than it had when it came."""
    return any(then is not state and not same(then, np.asarray(to_numpy(state)))
               for state, then in states)


def numbers_in(part, to_numpy, most):
    """A component as an array; TypeError for text, masked numbers, and more than so many numbers.

    A view of one number may have any shape, and takes memory when it is copied.
    """
    if isinstance(part, (str, bytes)):
        raise TypeError(f"got {type(part).__name__}")
    if np.ma.is_masked(part):
        raise TypeError("got masked numbers")
    a = np.asarray(to_numpy(part))
    if a.size > most:
        raise TypeError(f"got {a.size} numbers")
    return a


def same(a, b):
    """Whether two arrays have the same numbers; bytes are compared first, as they cost a third."""
    return (a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()
            or np.array_equal(a, b, equal_nan=True))
