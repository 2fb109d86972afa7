"""The gradients of a loss at further places: of parameters, and of the data and levels it is given.

Code that trains may pass the function constants: noise may be added without a graph, and an
embedding of a level may have none. It does so everywhere, and then what it leaves out of the
gradients of data and levels is its own choice. Where the function is passed what has a graph, they
are the derivatives: so a target without a graph is wrong then.
"""

import copy
import itertools

import numpy as np
from autograd.tracer import getval

from .gradient_places import answered, further
from .input_gradients import (CLOSE_AT_EDGES, NONE, RIGHT, UNKNOWN, WRONG, Taken, inputs, is_close,
                              some_of, taken, together)
from .right_gradients import LEVEL, PARAMETERS, X, right_gradients
from ..kinds.test_functions import Field

LEAST = 1e-3                    # level, and the inverse of the largest one, where data are judged
MOST = 6                        # places of the right gradient that are compared with others
NOTHING = None
WAYS = (), (X,), (LEVEL,), (X, LEVEL), NOTHING        # what has no graph where a function is called


def wrong_elsewhere(caller, spec, seed, dim, probes):
    """The arguments along which the gradients of a loss are wrong at further places.

    spec    of the place that was judged first
    probes  that it has answered, at some of which it is judged too
    """
    contract, places = caller.contract, {}
    for probe in itertools.chain(further(caller, spec, seed, dim), answered(contract, probes)):
        names = inputs(caller, probe) if is_moderate(contract, probe) else [PARAMETERS]
        names, kept = some_of(names, probe), {}
        judged = together(caller, probe, names, kept)
        if judged is None and names != [PARAMETERS]:                 # it takes no gradient of data
            judged = together(caller, probe, [PARAMETERS])
        if judged is None or {WRONG, NONE} & {judged.get(PARAMETERS)}:
            return [PARAMETERS]
        for name, word in judged.items():
            if name in kept and word != UNKNOWN:
                places.setdefault(name, []).append((word, probe, names, *kept[name]))
        if caller.late:
            break
    return [name for name, found in places.items()
            if name != PARAMETERS and not is_alike(caller, name, found)]


def is_moderate(contract, probe):
    """Whether the target as a difference over sigma^2, as published code has it, keeps its digits.
    """
    return probe.situation.dtype == "float64" and all(
        np.all((LEAST <= np.abs(a)) & (np.abs(a) <= 1 / LEAST))
        for n, a in probe.args.items() if contract.is_level(n))


def is_alike(caller, name, places):
    """Whether one of `WAYS` gives the gradients at all places, or whatever it is that the function
    is passed has no graph at any.

    places  (word, probe, names, gradient, the right one, weights of the answer) of each
    """
    others = [p for p in places if p[0] != RIGHT]
    if not others:
        return True
    some = [p[1:] for p in (*others, *[p for p in places if p[0] == RIGHT][:MOST])]
    return any(all(is_by(caller.contract, name, way, *p) for p in some) for way in WAYS) or any(
        all(is_without(caller, name, way, *p) for p in some) for way in ((X,), (X, LEVEL)))


def is_by(contract, name, way, probe, _, got, want, weights):
    """Whether a gradient is what is left of the right one in one of `WAYS`."""
    if way is NOTHING:
        return not np.any(got)
    part = right_gradients(contract, probe.args, [name], weights, way)[0] if way else want
    if name == "weights":                                       # their changes have the sum zero
        got, part = got - np.mean(got), part - np.mean(part)
    size = np.max(np.abs(want), axis=-1, keepdims=True) if np.ndim(want) else np.abs(want)
    return is_close(got, part, CLOSE_AT_EDGES, CLOSE_AT_EDGES * size)


def is_without(caller, name, way, probe, names, got, want, weights):
    """Whether a gradient stays what it is if the function detaches its arguments, as in `way`."""
    detached = copy.copy(caller)

    def foreign(argument, a, *more):
        f = caller.foreign(argument, a, *more)
        if not isinstance(a, Field):
            return f
        return lambda x, *level: f(constant(x) if X in way else x, *(
            map(constant, level) if LEVEL in way else level))
    detached.foreign = foreign
    other = taken(detached, probe, names, weights)
    return isinstance(other, Taken) and is_close(
        other.gradients[names.index(name)], got, CLOSE_AT_EDGES)


def constant(a):
    """The same foreign array without a graph."""
    return a.detach() if hasattr(a, "detach") else getval(a)
