"""Known formulas: other conventions, and mistakes, or choices, of their own kind.

The engines explain factors, terms, shifts and exchanges by themselves; a kind's record holds only
formulas that differ in kind. Each is compared with foreign code at every further probe, like any
explanation. Code that keeps to another convention is compared at every probe of the verdict too,
for there is nothing wrong with it.
"""

from functools import partial

import numpy as np

from ..calls.slack import allowance
from ..kinds import LOSS
from ..kinds.terms import data_of
from .misread_arguments import explains

OTHER = "other-convention"
REDUCTIONS = (                            # convention beside another, words, factor of D features
    ("", "", lambda D: 1.0),
    ("mean-over-dims", ", and the loss is a mean over features", lambda D: 1 / D))


def conventions(case):
    """The convention that foreign code keeps to at every probe, where it is not the contract's."""
    for code, name, sentence, formula in case.contract.known:
        for more, words, reduction in REDUCTIONS[:2 if case.contract.form == LOSS else 1]:
            answer = partial(answer_of, case, formula, reduction=reduction)
            if code == OTHER and explains(case, answer) and all(
                    follows(p, answer(p.args)) for p in case.probes):
                names = " + ".join(filter(None, (name, more)))
                return [case.say(code, sentence + words, "another convention", names,
                                 f'allow="{name}" accepts it' if not more else
                                 f'allow={{"{name}", "{more}"}} accepts it')]
    return []


def follows(probe, values):
    """Whether the answer at a probe is this one, to rounding."""
    if probe.got is None:
        return False
    dtype = np.float32 if np.float32 in probe.trial.dtypes else np.dtype(probe.situation.dtype)
    for c, value in zip(probe.components, values, strict=True):
        value = np.mean(value) if c.mean else value
        slack = np.maximum(8 * c.slack, allowance(dtype, np.abs(value), value))
        if not np.all(np.abs(c.got - value) <= slack):
            return False
    return True


def alternatives(case):
    """Known mistakes that explain every further probe."""
    return [case.say(code, sentence, "known mistake", convention)
            for code, convention, sentence, formula in case.contract.known
            if code != OTHER and any(explains(case, partial(answer_of, case, formula), whole)
                                     for whole in (False, True))]


def answer_of(case, formula, args, reduction=None):
    """The answer of another formula with the contract's arguments; of D features, reduced."""
    result = formula(*[args[n] for n in case.contract.args if n in args])
    data = data_of(args)
    factor = reduction(next(iter(data.values())).shape[1]) if reduction and data else 1.0
    return tuple(factor * np.asarray(a)
                 for a in (result if isinstance(result, tuple) else (result,)))
