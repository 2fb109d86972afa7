"""The gradients of a loss at further places: of parameters, and of the data and levels it is given.

Code that trains may detach what it likes of the data: noise may be added without a graph, and an
embedding of a level may be a constant. It does so everywhere. So of data and levels a gradient is
wrong where it is right in one place and another one elsewhere.
"""

import itertools

import numpy as np

from .gradient_places import answered, further
from .input_gradients import (CLOSE_AT_EDGES, NONE, RIGHT, WRONG, inputs, is_close, of_rows,
                              some_of, together)
from .right_gradients import LEVEL, PARAMETERS, X, right_gradients
from ..kinds.wide import BY_SEED

LEAST = 1e-3                    # level, and the inverse of the largest one, where data are judged


def elsewhere_right(caller, spec, seed, dim, probes):
    """Whether the gradients of a loss are right at further places, as far as they must be.

    spec    of the place that was judged first
    probes  that it has answered, at some of which it is judged too
    """
    contract, right, other = caller.contract, {}, set()
    for probe in itertools.chain(further(caller, spec, seed, dim), answered(contract, probes)):
        names = inputs(caller, probe) if is_moderate(contract, probe) else [PARAMETERS]
        names = some_of(names, probe)
        judged = together(caller, probe, names)
        if judged is None and names != [PARAMETERS]:                 # it takes no gradient of data
            judged = together(caller, probe, [PARAMETERS])
        if judged is None or {WRONG, NONE} & {judged.get(PARAMETERS)}:
            return False
        for name, word in judged.items():
            if word == RIGHT:
                right.setdefault(name, []).append(probe)
            elif word in (WRONG, NONE):
                other.add(name)
        if caller.late:
            break
    return not any(telling(contract, probe, name) for name in other
                   for probe in right.get(name, ()))


def is_moderate(contract, probe):
    """Whether the target as a difference over sigma^2, as published code has it, keeps its digits.
    """
    return probe.situation.dtype == "float64" and all(
        np.all((LEAST <= np.abs(a)) & (np.abs(a) <= 1 / LEAST))
        for n, a in probe.args.items() if contract.is_level(n))


def telling(contract, probe, name):
    """Whether a gradient there is another one if what is passed to the function is detached."""
    weights = [of_rows(w, probe.situation.seed if probe.situation.regime in BY_SEED else None)
               for w in probe.want]
    whole, *parts = (right_gradients(contract, probe.args, [name], weights, fixed)[0]
                     for fixed in ((), (X,), (LEVEL,)))
    return not any(is_close(a, whole, CLOSE_AT_EDGES) for a in parts)
