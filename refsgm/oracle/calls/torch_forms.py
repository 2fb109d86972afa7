"""The same questions in the other ways in which PyTorch code is asked: the answers are the same.

    f(x, sigma)  =  f without gradients  =  f of tensors in another order of memory
                 =  f of a number as a 0-d tensor, a column of it, or a Python number

A loud refusal is allowed where the contract names no such form: of Python numbers, and in
inference mode; without gradients of code that takes a derivative of the function it is passed.
"""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..kinds import BATCH, FUNCTION, LEVEL, LOSS, ROWS, ProbeSpec
from ..kinds.guided import inside
from ..kinds.kind import STEPS
from ..kinds.quantities import batch_size
from ..kinds.test_functions import Field
from ..kinds.wide import BY_SEED, GUIDED
from ...arrays import in_one_line
from .judge import judge, new_probe, probe_at, rows_of
from .program import program
from .shrinking import shrunk
from .trial import Trial

# At most so many probes are asked again: without gradients, in inference mode, with one number,
# and in float32 near numbers of the code
WITHOUT, INFERENCE, MIXED, SINGLE = 12, 3, 8, 16
WHOLE = {"sigma": 2, "sigma_t": 2, "sigma_s": 1, "sigma_from": 1, "sigma_to": 2, "scale": 1,
         "scale_rate": -1, "sigma_rate": 1, "t": 1, "s": 0, "beta": 1, "g": 2, "step_size": 1,
         "z": 1}
ANSWERS = BATCH, ROWS, LEVEL, LOSS, FUNCTION
NUMBERS = 4                                                   # of an answer that a sentence shows
KEEP_DTYPE = "return the dtype of the arguments"


class Otherwise(NamedTuple):
    """What is wrong in another way: a code, a sentence, what to change, a program that shows it."""

    code: str
    sentence: str
    fix: str = ""
    program: str = ""


class Way(NamedTuple):
    """A way to ask.

    words      such as "under torch.no_grad()"
    mode       a context manager, "no_grad" or "inference_mode", or ""
    form       (array) -> array of the tensors that are passed, and of those that a function that
               is passed returns; None for what they are
    text       the same in a program, of the text of an argument
    numbers    (number) -> what is passed for a level that is one number; None for a 0-d tensor
    may_raise  whether a refusal is allowed
    """

    words: str
    mode: str = ""
    form: Callable | None = None
    text: str = "{}"
    numbers: Callable | None = None
    may_raise: bool = False


class Differently:
    """A `Caller` that asks in another way."""

    def __init__(self, caller, way):
        self.caller, self.way = caller, way

    def __getattr__(self, name):
        return getattr(self.caller, name)

    def __call__(self, args, dtype=np.float64, **more):
        with self.mode():
            given = {n: self.passed(n, a, dtype, args) for n, a in args.items()
                     if self.is_changed(n, a)}
            before = {n: np.array(self.framework.to_numpy(a)) for n, a in given.items()
                      if hasattr(a, "shape")}
            trial = self.caller(args, dtype, given=given, **more)
            if isinstance(trial, Trial):
                trial.mutated += tuple(n for n, a in before.items() if not np.array_equal(
                    a, self.framework.to_numpy(given[n]), equal_nan=True))
            return trial

    def mode(self):
        """The mode of PyTorch in which it is asked."""
        import torch
        return getattr(torch, self.way.mode)() if self.way.mode else contextlib.nullcontext()

    def is_changed(self, name, a):
        """Whether an argument is passed in another form."""
        if self.way.numbers is not None:
            return isinstance(a, float) and self.contract.is_level(name)
        return self.way.form is not None and isinstance(a, Field | np.ndarray)

    def passed(self, name, a, dtype, args):
        """An argument in its other form."""
        if self.way.numbers is not None:
            return self.way.numbers(a)
        foreign = self.foreign(name, a, dtype, None, [], batch_size(args))
        if isinstance(a, Field):
            return lambda *of: self.way.form(foreign(*of))
        return self.way.form(foreign)

    def written(self, name, a, text):
        """The text of an argument in a program."""
        if not self.is_changed(name, a):
            return text
        if self.way.numbers is not None:
            return name if self.way.numbers is float else f"int({name})"
        return (f"(lambda *of: {self.way.text.format(f'{text}(*of)')})" if isinstance(a, Field)
                else self.way.text.format(text))

    def enclosed(self, line):
        """The line of a program that asks."""
        return f"with torch.{self.way.mode}():\n    {line}" if self.way.mode else line


def strided(a):
    """The same tensor in another order of memory, in which nothing lies side by side."""
    if a.ndim < 2:
        return a.repeat_interleave(2)[::2] if a.ndim else a
    b = a.repeat_interleave(2, dim=0)[::2] if a.shape[-1] == 1 else a
    return b.transpose(0, -1).contiguous().transpose(0, -1) if a.shape[-1] > 1 else b


NO_GRAD = Way("under torch.no_grad()", "no_grad")
IN_INFERENCE = Way("under torch.inference_mode()", "inference_mode", may_raise=True)
STRIDED = Way("with tensors that are not contiguous", form=strided,
              text="(lambda a: a.mT.contiguous().mT if a.ndim > 1 else a)({})")
MIXTURE = Way("with a level that is one number beside those that are columns")
IN_FLOAT32 = Way("in float32")
AS_FLOATS = Way("with levels that are Python numbers", numbers=float, may_raise=True)
AS_INTS = Way("with whole numbers as levels", numbers=int)


def other_forms(caller, probes, dtype):
    """The first `Otherwise`, or None where it answers alike in all ways.

    probes  that it has answered rightly
    """
    contract = caller.contract
    if contract.form not in ANSWERS or contract.adaptive or caller.late:
        return None
    wide = next(filter(is_wide, probes), None)
    if wide is not None:
        return Otherwise("special-case", "it returns float64 for float32 arguments, at "
                         f"{wide.label!r}", KEEP_DTYPE)
    for way, probe in asked(caller, probes, dtype):
        other = Differently(caller, way)
        probe = judge(contract, other, probe)
        if probe.trial.problem == "timeout":
            return None
        if probe.trial.problem == "raises" and (way.may_raise or way.mode and takes_derivative(
                caller)):
            continue
        if not probe.ok or probe.trial.mutated or is_wide(probe):
            return found(contract, other, probe)
    if not caller.draws:
        for way in (Way("with gradients"), NO_GRAD):
            probe = next((p for p in probes if p.situation.B > 1 and p.situation.D > 1), None)
            if probe is not None and not kept(Differently(caller, way), probe):
                return Otherwise("special-case", f"{way.words}, a result is changed by the next "
                                 "call", "return new memory in every call")
    return None


def is_wide(probe):
    """Whether an array of the result is float64 where those of the arguments are float32."""
    return probe.situation.dtype == "float32" and any(
        d == np.float64 and shape != () for d, shape in zip(probe.trial.dtypes, probe.trial.shapes)
    ) and any(isinstance(a, np.ndarray) for a in probe.args.values())


def takes_derivative(caller):
    """Whether the formula has a derivative of the function that is passed."""
    kind = caller.contract
    return kind.form == FUNCTION or kind.sliced or kind.derivative or caller.energy


def asked(caller, probes, dtype):
    """(way, probe without an answer yet): the probes that were answered, in other ways."""
    def again(probe):
        return replace(probe, trial=Trial(), components=())
    contract = caller.contract
    at_random = [p for p in probes if p.situation.regime in BY_SEED]
    fixed = [p for p in probes if p.situation.regime in ("plain", "edge") and p.situation.B <= 33]
    large = [p for p in fixed if p.situation.B * p.situation.D > 300]
    some = [*large, *fixed[:4], *at_random]
    near = [p for p in at_random if p.situation.regime == GUIDED]          # these come first
    yield from ((NO_GRAD, again(p)) for p in some[:WITHOUT + len(near)])
    yield from ((IN_INFERENCE, again(p)) for p in some[:INFERENCE])
    if caller.timesteps is not None or caller.draws or caller.energy:
        return
    oblong = [p for p in (*fixed, *at_random) if p.situation.B > 1 and p.situation.D > 1]
    for by_row in (True, False):
        yield from ((STRIDED, again(p)) for p in [
            p for p in oblong if p.situation.rows == by_row][:2])
    if dtype != "float64" and any(map(contract.is_level, contract.args)):
        for regime in ("tiny levels", "huge levels"):
            spec = ProbeSpec(f"{regime}, float32", regime=regime, dtype="float32", seed=5,
                             D=probes[0].situation.D, rows=caller.levels != "scalar")
            yield IN_FLOAT32, new_probe(contract, spec, caller)
    if dtype is None:
        yield from ((IN_FLOAT32, p) for p in in_single(caller, near))
    if caller.levels is not None:
        return
    yield from ((MIXTURE, p) for p in mixed(contract, [p for p in (*at_random, *fixed)
                                                       if p.situation.rows and p.situation.B > 1]))
    numbers = [p for p in (*fixed, *at_random) if any(
        isinstance(a, float) and contract.is_level(n) for n, a in p.args.items())]
    for narrow in ("float64", "float32"):
        yield from ((AS_FLOATS, again(p)) for p in [
            p for p in numbers if p.situation.dtype == narrow][:4])
    yield from whole(caller, dtype)


def in_single(caller, probes):
    """Some of the probes near numbers of the code, of data and levels in float32."""
    specs = [p.situation._replace(dtype="float32") for p in probes
             if p.situation.dtype == "float64" and p.situation.B * p.situation.D <= 1000]
    for spec in specs[:SINGLE]:
        with contextlib.suppress(ValueError, ZeroDivisionError, OverflowError):
            probe = new_probe(caller.contract, spec, caller)
            if inside(caller.contract, probe):
                yield probe


def mixed(contract, probes):
    """Probes of columns, in which one level is a number for all rows."""
    names = [n for n in contract.args if contract.is_level(n)]
    if len(names) < 2:
        return
    large = {large for _, large in STEPS}
    small = {small for small, _ in STEPS}
    count = 0
    for i, p in enumerate(probes):
        name = names[i % len(names)]
        a = p.args.get(name)
        if not isinstance(a, np.ndarray) or count == MIXED:
            continue
        number = float(np.max(a) if name in large else np.min(a) if name in small else a.flat[0])
        with contextlib.suppress(ValueError, ZeroDivisionError):
            made = probe_at(contract, p.situation._replace(label=f"{p.label}, {name} a number"),
                            p.args | {name: number})
            if all(np.all(np.isfinite(w)) for w in made.want):
                count += 1
                yield made


def whole(caller, dtype):
    """A probe of whole numbers, if it answers them as floats."""
    contract = caller.contract
    names = [n for n in contract.args if contract.is_level(n)]
    if not names or not set(names) <= set(WHOLE) or dtype == "float32":
        return
    spec = ProbeSpec("whole numbers", 5, 3, False, "edge", 3,
                     given=tuple((n, float(WHOLE[n])) for n in names))
    with contextlib.suppress(ValueError, ZeroDivisionError):
        floats, ints = (new_probe(contract, spec, caller) for _ in range(2))
        if all(np.all(np.isfinite(w)) for w in floats.want) and judge(
                contract, Differently(caller, AS_FLOATS), floats).ok:
            yield AS_INTS, ints


def kept(caller, probe):
    """Whether a result is still what it was after the next call."""
    args, dtype = probe.args, np.dtype(probe.situation.dtype)
    B = batch_size(args)
    other = rows_of(caller.contract, args, np.arange(B)[::-1])

    def numbers(parts):
        return [np.array(caller.framework.to_numpy(a)) for a in parts]
    first = caller(args, dtype, keep=True)
    if isinstance(first, Trial):
        return True
    before = numbers(first)
    caller(other, dtype, keep=True)
    return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(before, numbers(first)))


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
        got, want = (in_one_line(np.ravel(a)[:NUMBERS]) for a in (c.got, c.want))
        what = f"got {got}, expected {want}"
    return Otherwise("special-case", f"{words} it is wrong, at {probe.label!r}: {what}",
                     "give the same answer to the same numbers", text)
