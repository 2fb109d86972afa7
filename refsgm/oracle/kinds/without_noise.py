"""DDIM as it is written most often: (x_t, eps, alpha_bar_t, alpha_bar_s), at eta = 0, without z."""

import functools
from dataclasses import replace

import numpy as np

HELD_AT = {"eta": "0.0", "z": "np.zeros_like(x_t)"}             # what they are, in a program
SAID = "it takes neither eta nor z, and is judged at eta = 0, where no noise is added"


@functools.cache
def without_noise(kind):
    """The record of a kind whose eta is 0 and whose z is not asked for; None where it has none."""
    if not kind.held:
        return None

    def at_rest(formula):
        """A formula (*more, x_t, eps, ..., eta, z) without its last two arguments."""
        @functools.wraps(formula)
        def rest(*args):
            return formula(*args, 0.0, 0 * args[-3])
        return rest

    def terms(args, seen):
        whole = args | {"eta": 0.0, "z": np.zeros_like(args["x_t"])}
        return [{n: a for n, a in part.items() if n not in kind.held}
                for part in kind.terms(whole, seen)]
    other = replace(kind, exact=at_rest(kind.exact), terms=terms, undecided=None,
                    known=tuple(m._replace(formula=at_rest(m.formula)) for m in kind.known))
    vars(other)["function"] = at_rest(kind.function)
    vars(other)["parameters"] = [p for p in kind.parameters if p.name not in kind.held]
    return other
