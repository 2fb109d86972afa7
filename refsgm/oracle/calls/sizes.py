"""Many small questions in one go, of which what looks wrong is asked again as a probe: every size
once, and calls in a row whose arguments agree in what may be a key.
"""

import warnings

import numpy as np

from ..kinds.alike import alike_questions
from ..kinds.quantities import batch_size
from ..kinds.sizes import OF_TORCH, cuts
from ..kinds.test_functions import Field
from .judge import judge, probe_at
from .printing import silence
from .trial import OutOfTime, Trial, limited

CLOSE = {"float64": 1e-9, "float32": 1e-4}        # what is nearer is right without a second look
DIGITS = {"float64": 1e-12, "float32": 1e-5}      # the same of calls in a row, by the last digits
MOST = None                                       # questions, or None for all
ASKED_AGAIN = 40


def size_probes(caller, dim, dtype, seed):
    """Judged probes of what looks wrong at some size, up to the first that is."""
    contract, dtype, most = caller.contract, dtype or "float64", MOST
    if not takes_many(caller):
        return []
    if caller.framework.name == "torch":
        most = OF_TORCH if most is None else min(most, OF_TORCH)
    asked = cuts(contract, seed, tuple(caller.taken), caller.levels != "scalar", dim, dtype, most)
    if caller.one_direction:
        asked = [c for c in asked if not contract.sliced or c.spec.M == 0]
    return judged(caller, odd_ones(caller, asked, dtype, CLOSE[dtype]))


def alike_probes(caller, dim, dtype, seed):
    """The same of calls in a row."""
    dtype = dtype or "float64"
    if not takes_many(caller) or caller.one_direction or MOST is not None:
        return []
    asked = alike_questions(caller.contract, seed, tuple(caller.taken), caller.levels != "scalar",
                            dim, dtype, caller.framework.name == "numpy")
    return judged(caller, odd_ones(caller, asked, dtype, DIGITS[dtype]))


def takes_many(caller):
    """Whether many calls cost little, and the code takes the contract's arguments."""
    return caller.is_usual and caller.fn is not None and (
        caller.framework.name in ("numpy", "autograd", "torch"))


def judged(caller, asked):
    """Probes of questions, up to the first that fails."""
    probes = []
    for one, trial in asked[:ASKED_AGAIN]:
        answered = None if trial.outputs is None else trial           # what it said there and then
        probes.append(judge(caller.contract, caller,
                            probe_at(caller.contract, one.spec, dict(one.args)), answered))
        if not probes[-1].ok:
            break
    return probes


def odd_ones(caller, asked, dtype, share):
    """(question, trial) where an answer is not as close as this, all asked within one limit."""
    found, functions, number = [], {}, np.dtype(dtype)
    try:
        with (limited(caller.seconds), silence(), warnings.catch_warnings(),
              np.errstate(all="ignore")):
            warnings.simplefilter("ignore")
            for one in asked:
                trial = Trial()
                if not is_close(caller, one, number, share, functions, trial):
                    found.append((one, trial))
    except OutOfTime:
        return found
    return found


def is_close(caller, one, number, share, functions, trial):
    """Whether an answer is right to many digits; it is noted in the trial.

    functions  those that were passed before, which are the same objects again
    """
    args, B = one.args, batch_size(one.args)

    def passed(name, a):
        if not isinstance(a, Field):
            return caller.foreign(name, a, number, None, trial.calls, B)
        if id(a) not in functions:
            functions[id(a)] = a, caller.foreign(name, a, number, None, trial.calls, B)
        return functions[id(a)][1]
    try:
        given = {n: passed(n, args[n]) for n in caller.names if n in args}
        caller.read(trial, caller.answer(args, given, number), args)
    except OutOfTime:
        raise
    except BaseException:
        return False
    if trial.outputs is None or len(trial.outputs) != len(one.want):
        return False
    for got, want in zip(trial.outputs, one.want):
        size = np.abs(want)
        if want.ndim == 2 and size.size:
            size = size.max(axis=1, keepdims=True)
        if got.shape != want.shape or not (np.abs(got - want) <= share * size + 1e-300).all():
            return False
    return True
