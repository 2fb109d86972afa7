"""Known mistakes: formulas that are mistakes, or choices, of their own kind.

The engines explain factors, terms, shifts and exchanges by themselves; a kind's record holds only
formulas that differ in kind. Each is compared with foreign code at every further probe, like any
explanation.
"""

from functools import partial

import numpy as np

from .misread_arguments import explains


def alternatives(case):
    """Known mistakes that explain every further probe."""
    return [case.say(code, sentence, "known mistake", convention)
            for code, convention, sentence, formula in case.contract.known
            if explains(case, partial(answer_of, case, formula))]


def answer_of(case, formula, args):
    """The answer of another formula with the contract's arguments."""
    return (np.asarray(formula(*[args[n] for n in case.contract.args if n in args])),)
