"""Many small questions in one go: every size and pattern once, and others that lie in a row.

What looks wrong becomes a probe, and so does a call whose result has other numbers at last.
"""

import warnings

import numpy as np

from ..kinds.cases import case_questions
from ..kinds.meetings import meetings
from ..kinds.quantities import batch_size
from ..kinds.sharp import differentiates
from ..kinds.sizes import OF_TORCH, Cut, cuts
from ..kinds.test_functions import Field
from ..kinds.wide import ODD_FORM
from .forms import divides_by_zero
from .judge import judge, probe_at
from .printing import silence
from .results import is_unlike
from .trial import OutOfTime, Trial, in_one_line, limited

CLOSE = {"float64": 1e-9, "float32": 1e-4}        # what is nearer is right without a second look
MOST = None                                       # questions, or None for all
NARROW = 16                                       # of them in float32, where both are asked
ASKED_AGAIN = 40
EVERY, LAST = 4, 16                               # results that are looked at again, and the last


def size_probes(caller, dim, dtype, seed):
    """Judged probes of what looks wrong at some size or pattern, up to the first that is."""
    contract, most, both = caller.contract, MOST, dtype is None
    if not takes_many(caller):
        return []
    if caller.framework.name == "torch":
        most = OF_TORCH if most is None else min(most, OF_TORCH)
    whole = caller.framework.name == "numpy" and caller.levels is None
    given = (contract, seed, tuple(caller.taken), caller.levels != "scalar", dim,
             dtype or "float64")
    narrow = () if not both or differentiates(contract) else [judged_closer(c) for c in cuts(
        *given[:-1], "float32", NARROW if most is None else most // 4)]
    asked = (*cuts(*given, most, whole), *narrow, *case_questions(*given, most, both),
             *meetings(*given, most and most // 2, tuple(caller.defaults), whole, both))
    return judged(caller, odd_ones(caller, asked, CLOSE))


def judged_closer(one):
    """A question in float32 whose answer has all its digits, as those of fixed probes have."""
    return Cut(one.spec._replace(regime="edge"), one.args, one.want)


def takes_many(caller):
    """Whether many calls cost little, and the code takes the contract's arguments."""
    return takes_all(caller) and caller.framework.name in ("numpy", "autograd", "torch")


def takes_all(caller):
    """Whether the code takes the contract's arguments, and several directions."""
    several = not (caller.one_direction and caller.contract.sliced)
    return caller.is_usual and caller.fn is not None and several


def judged(caller, asked):
    """Probes of questions, up to the first that fails, by what was said there and then."""
    probes = []
    for one, trial in asked[:ASKED_AGAIN]:
        probe = judge(caller.contract, caller,
                      probe_at(caller.contract, one.spec, dict(one.args)), trial)
        if one.spec.regime == ODD_FORM and trial.outputs is None or divides_by_zero(probe):
            continue                                                     # which may be refused
        probes.append(probe)
        if not probe.ok or trial.mutated:
            break
    return probes


def odd_ones(caller, asked, shares):
    """(question, trial) where an answer is not as close as this, all asked within one limit.

    shares  {dtype: how close}
    """
    found, functions, kept = [], {}, []
    try:
        with (limited(caller.seconds) as by_hand, silence(), warnings.catch_warnings(),
              np.errstate(all="ignore")):
            warnings.simplefilter("ignore")
            for one in asked:
                trial = Trial()
                result = answered(caller, one, functions, trial, by_hand)
                if is_close(one, trial, shares[one.spec.dtype]) and not trial.mutated:
                    kept.append((one, trial, result))
                else:
                    found.append((one, trial))
            for one, trial, result in (*kept[:-LAST:EVERY], *kept[-LAST:]):
                if is_changed(caller, one, trial, result):
                    trial.mutated = ("the result of a call before",)
                    found.append((one, trial))
    except OutOfTime:
        return found
    return found


def answered(caller, one, functions, trial, by_hand):
    """What the code returns, or None; its numbers, or its error, are noted in the trial.

    functions  those that were passed before, which are the same objects again
    by_hand    not empty where the user has interrupted the check
    """
    args, B, number = one.args, batch_size(one.args), np.dtype(one.spec.dtype)

    def passed(name, a):
        if not isinstance(a, Field):
            return caller.foreign(name, a, number, None, trial.calls, B)
        key = id(a), number
        if key not in functions:
            functions[key] = a, caller.foreign(name, a, number, None, trial.calls, B)
        return functions[key][1]
    try:
        given = {n: passed(n, args[n]) for n in caller.names if n in args}
        result = caller.answer(args, given, number)
        caller.read(trial, result, args)
        return result
    except OutOfTime:
        raise
    except BaseException as error:
        if by_hand:
            raise
        trial.problem, trial.error = "raises", in_one_line(error)
        return None


def is_close(one, trial, share):
    """Whether an answer is right to many digits."""
    if trial.outputs is None or len(trial.outputs) != len(one.want):
        return False
    for got, want in zip(trial.outputs, one.want):
        size = np.abs(want)
        if want.ndim == 2 and size.size:
            size = size.max(axis=1, keepdims=True)
        if got.shape != want.shape or not (np.abs(got - want) <= share * size + 1e-300).all():
            return False
    return True


def is_changed(caller, one, trial, result):
    """Whether a result has other numbers now, or a state of a loop."""
    if trial.states:
        return is_unlike(trial.states, caller.framework.to_numpy)
    now = Trial()
    caller.read(now, result, one.args)
    return now.outputs is None or not all(map(np.array_equal, now.outputs, trial.outputs))
