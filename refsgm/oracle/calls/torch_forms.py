"""The same questions in the other ways in which PyTorch code is asked: the answers are the same.

    f(x, sigma)  =  f without gradients  =  f of tensors in another order of memory
                 =  f of a number as a 0-d tensor, a column of it, or a Python number

In another mode the same tensors have the same answer, but for a few roundings: closer than what a
formula may lose at random probes, where a thousandth in float32 is allowed.

A loud refusal is allowed where the contract names no such form: of Python numbers, of what `view`
cannot take, and in inference mode; without gradients of code that takes a derivative of the
function it is passed, if all questions are refused.
"""

import re
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..kinds import BATCH, FUNCTION, LEVEL, LOSS, ROWS, STATES, TABLE
from ..kinds.quantities import batch_size
from ...arrays import in_one_line
from .judge import judge, rows_of
from .slack import slack_of
from .program import program
from .shrinking import shrunk
from .torch_ways import NO_GRAD, Differently, Way, asked, covering, takes_derivative
from .trial import Trial

ANSWERS = BATCH, ROWS, LEVEL, LOSS, FUNCTION, TABLE, STATES
KEPT = 3                                        # probes at which a result must outlast the next one
NUMBERS = 4                                                   # of an answer that a sentence shows
DIGITS = 12                                                    # of each of them
SINGLE = 3e-6                                    # errors that float32 can explain
FROM_NUMBERS = "give that number the dtype of the data: torch.as_tensor alone makes it float32"
KEEP_DTYPE = "return the dtype of the arguments"


class Otherwise(NamedTuple):
    """What is wrong in another way: a code, a sentence, what to change, a program that shows it."""

    code: str
    sentence: str
    fix: str = ""
    program: str = ""


def other_forms(caller, probes, dtype):
    """The first `Otherwise`, or None where it answers alike in all ways.

    probes  that it has answered rightly
    """
    contract, answered, refused = caller.contract, set(), {}
    own = {id(p.want): p.got for p in probes}                   # which the same question shares
    if contract.form not in ANSWERS or contract.adaptive or caller.late:
        return None
    wide = next(filter(is_wide, probes), None)
    if wide is not None:
        return Otherwise("special-case", "it returns float64 for float32 arguments, at "
                         f"{wide.label!r}", KEEP_DTYPE)
    for way, probe in asked(caller, probes, dtype):
        other, probe = answer(caller, way, probe)
        way = other.way
        if probe.trial.problem == "timeout":
            return None
        if probe.trial.problem == "raises" and (way.may_raise or probe.trial.wants_one_piece
                                                or way.mode and takes_derivative(caller)):
            refused.setdefault(way, (other, probe))
            continue
        answered.add(way)
        if way.dtypes and contract.spellings and any(np.any(np.isnan(c.got))
                                                     for c in probe.components):
            continue                         # what is rounded may take a difference below zero
        if not probe.ok or probe.trial.mutated or not way.dtypes and is_wide(probe):
            return found(contract, other, probe)
        if way.alike and id(probe.want) in own and differs(contract, probe, own[id(probe.want)]):
            return Otherwise("special-case", f"{way.words} it gives another answer to the same "
                             f"numbers, at {probe.label!r}", "do not let the answer depend on it")
    if NO_GRAD in answered and NO_GRAD in refused:                       # in some places alone
        return found(contract, *refused[NO_GRAD])
    return overwritten(caller, probes)


def answer(caller, way, probe):
    """(caller, judged probe) in a way; where it is refused, without what may be."""
    other = Differently(caller, way)
    probe = judge(caller.contract, other, replace(probe, trial=Trial(), components=()))
    if probe.trial.problem != "raises" or way.without is None:
        return other, probe
    return answer(caller, way.without, probe)


def is_wide(probe):
    """Whether an array of the result is float64 where those of the arguments are float32."""
    return probe.situation.dtype == "float32" and any(
        d == np.float64 and shape != () for d, shape in zip(probe.trial.dtypes, probe.trial.shapes)
    ) and any(isinstance(a, np.ndarray) for a in probe.args.values())


def differs(contract, probe, own):
    """Whether an answer is another one than the code's own to the same tensors: by more than
    rounding, without what a formula may lose at random probes.
    """
    for c, before, came, rounding in zip(probe.components, own, probe.trial.dtypes,
                                         range(len(own))):
        if c.mean or np.array_equal(c.got, before, equal_nan=True):
            continue
        sizes = probe.sensitivity[rounding if len(own) == len(probe.want) else -1]
        slack = slack_of(contract, came, probe.situation.dtype, sizes, c.want)
        if np.any(np.abs(c.got - before) > slack):
            return True
    return False


def overwritten(caller, probes):
    """`Otherwise` where a result is changed by the next call, which has other data of its sizes."""
    several = [p for p in probes if p.situation.B > 1 and p.situation.D > 1]
    if caller.draws or caller.contract.form in (TABLE, STATES) or not several:
        return None
    largest = sorted(several, key=lambda p: -p.situation.B * p.situation.D)[:1]
    for probe in (several[0], *largest, *covering(caller.contract, several, KEPT - 2)):
        for way in (Way("with gradients"), NO_GRAD):
            if not kept(Differently(caller, way), probe):
                return Otherwise("special-case", f"{way.words}, a result is changed by the next "
                                 "call", "return new memory in every call")
    return None


def kept(caller, probe):
    """Whether results are still what they were after the next calls, of which any two differ."""
    args, dtype = probe.args, np.dtype(probe.situation.dtype)
    rows = np.arange(batch_size(args))
    results, numbers = [], []
    for order in (rows, rows[::-1], np.roll(rows, 1), np.roll(rows, -1)):
        result = caller(rows_of(caller.contract, args, order), dtype, keep=True)
        if isinstance(result, Trial):
            return True
        results.append(result)
        numbers.append([np.array(caller.framework.to_numpy(a)) for a in result])
    return all(np.array_equal(a, caller.framework.to_numpy(b), equal_nan=True)
               for before, now in zip(numbers, results) for a, b in zip(before, now))


def found(contract, caller, probe):
    """What is to be said of a probe that is answered otherwise in another way."""
    trial, words = probe.trial, caller.way.words
    if trial.problem == "raises":
        return Otherwise("raises", f"{words} it raises, at {probe.label!r}: {trial.error}")
    if trial.mutated:
        return Otherwise("mutates-input", f"{words} it changes {', '.join(trial.mutated)} in place")
    if is_wide(probe):
        return Otherwise("special-case", f"{words} it returns float64 beside float32 arguments",
                         KEEP_DTYPE)
    text, what = "", trial.error
    if probe.components:
        probe = shrunk(contract, caller, probe)
        text = program(contract, caller, probe)
        c = next(c for c in probe.components if not c.ok)
        with np.printoptions(precision=DIGITS):
            got, want = (in_one_line(np.ravel(a)[:NUMBERS]) for a in (c.got, c.want))
        what = f"got {got}, expected {want}"
        if probe.situation.dtype == "float64" and probe.error < SINGLE:
            return Otherwise("low-precision", f"{in_float32(words)}: relative errors of "
                             f"{probe.error:.0e}, at {probe.label!r}: {what}",
                             FROM_NUMBERS if "Python number" in words else "", text)
    return Otherwise("special-case", f"{words} it is wrong, at {probe.label!r}: {what}",
                     "give the same answer to the same numbers", text)


def in_float32(words):
    """What became float32, in words: the arguments that are Python numbers, or whatever it is."""
    names = re.findall(r"(\w+) a Python number", words)
    if names or "Python numbers" in words:
        which = f"{' and '.join(names)} is a Python number" if names else (
            "levels are Python numbers")
        return f"where {which}, it is computed in float32"
    return f"{words} it is computed in float32"
