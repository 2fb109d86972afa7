"""Some hundred small questions in one go: every size once, and calls in a row.

A probe notes all that a call does, and costs more than most answers. Here nothing is noted but the
answer, within one time limit for all; a question whose answer looks wrong becomes a probe.
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
MOST = None                                       # questions about sizes, or None for all
ASKED_AGAIN = 40                                  # as probes, at most


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
    """Judged probes of what looks wrong in calls whose arguments agree in what may be a key."""
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

    def passed(name, a, args, calls):
        if not isinstance(a, Field):
            return caller.foreign(name, a, number, None, calls, batch_size(args))
        if id(a) not in functions:                  # the same object again where the function is
            functions[id(a)] = a, caller.foreign(name, a, number, None, calls, batch_size(args))
        return functions[id(a)][1]

    try:
        with (limited(caller.seconds) as by_hand, silence(), warnings.catch_warnings(),
              np.errstate(all="ignore")):
            warnings.simplefilter("ignore")
            for one in asked:
                trial, args = Trial(), one.args
                try:
                    given = {n: passed(n, args[n], args, trial.calls)
                             for n in caller.names if n in args}
                    caller.read(trial, caller.answer(args, given, number), args)
                except OutOfTime:
                    raise
                except BaseException:                # what it raises, it raises again as a probe
                    if by_hand:
                        raise
                if not is_close(trial.outputs, one.want, share):
                    found.append((one, trial))
    except OutOfTime:
        pass                                         # what was found so far is asked again
    return found


def is_close(outputs, want, share):
    """Whether an answer is right to many digits, None being no answer."""
    return outputs is not None and len(outputs) == len(want) and all(
        got.shape == w.shape and np.all(np.abs(got - w) <= share * size_of_rows(w) + 1e-300)
        for got, w in zip(outputs, want))


def size_of_rows(a):
    """The size of each number, or in an array (B, D) the largest of its row."""
    size = np.abs(a)
    return np.max(size, axis=1, keepdims=True) if size.ndim == 2 and size.size else size
