"""Known mistakes: formulas that are mistakes, or choices, of their own kind.

The engines explain factors, terms, shifts and exchanges by themselves; a kind's record holds only
formulas that differ in kind. Each is compared with foreign code at every further probe, like any
explanation.
"""

import numpy as np

from .misread_arguments import explains


def alternatives(case):
    """Known mistakes that explain every further probe."""
    found = []
    for code, convention, sentence, formula in case.contract.known:
        def predict(args, formula=formula):
            return (np.asarray(formula(*[args[n] for n in case.contract.args if n in args])),)
        if case.more and not all(p.ok for p in case.more) and explains(case, predict):
            found.append(case.say(code, sentence, "dictionary", 0.6, convention))
    return found
