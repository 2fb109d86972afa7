"""What foreign code returns: tuples, dicts, stacked arrays or objects, as the contract's parts."""

import numpy as np

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
