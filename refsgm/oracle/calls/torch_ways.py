"""Ways in which PyTorch code is asked beside the usual one, and the probes that each is asked at.

    pairs  =  {way} x {sizes, directions, components, forms of levels, dtypes, arguments left out}

Each way is asked at probes that differ from each other in as many of these as may be.
"""

import contextlib
import functools
import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..kinds import DATA, FUNCTION, STATES, TABLE
from ..kinds.guided import inside
from ..kinds.kind import STEPS
from ..kinds.quantities import batch_size
from ..kinds.test_functions import Field
from ..kinds.wide import BY_SEED, FORM, GUIDED
from .judge import new_probe, probe_at
from .torch_drawn import drawn, in_form, is_alike
from .torch_dtypes import (LARGEST, NARROW, ROWS, WIDE, extremes, far_points, mixtures, one_row,
                           whole)
from .trial import Trial

# At most so many probes are asked again: without gradients, in inference mode, in other memory,
# with one number, in float32 at ends of the domain, and near numbers of the code
WITHOUT, INFERENCE, MIXED, NUMBERS, ENDS, SINGLE = 12, 4, 8, 4, 8, 16
ALL = 48                                        # probes that differ most, which the ways share
OF_LOOPS, LONG = 3, 60                          # probes of a loop, and states of one that is asked
SEEDS = 3                                       # of each end in float32
DRAWN = 24                                      # ways that are drawn, each at a probe
MODES = "", "", "no_grad", "no_grad", "inference_mode"                       # of those


class Way(NamedTuple):
    """A way to ask.

    words      such as "under torch.no_grad()"
    mode       a context manager, "no_grad" or "inference_mode", or ""
    forms      ((argument, Form), ...) of those that come otherwise, which are passed twice
    numbers    (number) -> what is passed for a level that is one number; None for a 0-d tensor
    may_raise  whether a refusal is allowed
    alike      whether the tensors are the same, in the same memory
    dtypes     (of all arguments but one, the name of that one), whose dtype is the other one
    without    the same way without what code may refuse, if something is left
    """

    words: str
    mode: str = ""
    forms: tuple = ()
    numbers: Callable | None = None
    may_raise: bool = False
    alike: bool = False
    dtypes: tuple[str, ...] = ()
    without: "Way | None" = None

    def entered(self):
        """Its mode of PyTorch, to be entered."""
        import torch
        return getattr(torch, self.mode)() if self.mode else contextlib.nullcontext()


class Differently:
    """A `Caller` that asks in another way."""

    def __init__(self, caller, way):
        self.caller, self.way, self.of = caller, way, dict(way.forms)

    def __getattr__(self, name):
        return getattr(self.caller, name)

    def __call__(self, args, dtype=np.float64, **more):
        dtype = np.dtype(self.way.dtypes[0] if self.way.dtypes else dtype)
        given = {n: self.passed(n, a, dtype, args) for n, a in args.items()
                 if self.is_changed(n, a)}
        with self.way.entered():
            before = {n: np.array(self.framework.to_numpy(a)) for n, a in given.items()
                      if hasattr(a, "shape")}
            if self.of:
                self.caller(args, dtype, given=given, **more)
            trial = self.caller(args, dtype, given=given, **more)
            if isinstance(trial, Trial):
                trial.mutated += tuple(n for n, a in before.items() if not np.array_equal(
                    a, self.framework.to_numpy(given[n]), equal_nan=True))
            return trial

    def is_changed(self, name, a):
        """Whether an argument is passed in another form."""
        if name not in self.names:
            return False
        if self.way.dtypes:
            return name == self.way.dtypes[1]
        if self.way.numbers is not None:
            return isinstance(a, float) and self.contract.is_level(name)
        return name in self.of

    def passed(self, name, a, dtype, args):
        """An argument in its other form."""
        if self.way.dtypes:
            other = NARROW if dtype == np.float64 else WIDE
            return self.foreign(name, a, np.dtype(other), None, [], batch_size(args))
        if self.way.numbers is not None:
            return self.way.numbers(a)
        foreign, form = self.foreign(name, a, dtype, None, [], batch_size(args)), self.of[name]
        return in_form(foreign, form) if isinstance(a, Field) else form.of(foreign)

    def written(self, name, a, text):
        """The text of an argument in a program."""
        if not self.is_changed(name, a):
            return text
        if self.way.dtypes:
            return f"({text}).{'float' if self.way.dtypes[0] == WIDE else 'double'}()"
        if self.way.numbers is not None:
            return name if self.way.numbers is float else f"int({name})"
        form = self.of[name]
        return (f"(lambda *of: {form.text.format(f'{text}(*of)')})" if isinstance(a, Field)
                else form.text.format(text))

    def enclosed(self, line):
        """The line of a program that asks."""
        return f"with torch.{self.way.mode}():\n    {line}" if self.way.mode else line


@functools.cache
def derives_in_inference():
    """Whether torch.func has derivatives in inference mode: in PyTorch 2.11 they are 0 there.
    """
    import torch
    with torch.inference_mode():
        x = torch.tensor(1.0)
        _, slope = torch.func.jvp(torch.square, (x,), (x,))
        return bool(slope == 2.0)


NO_GRAD = Way("under torch.no_grad()", "no_grad", alike=True)
IN_INFERENCE = Way("under torch.inference_mode()", "inference_mode", may_raise=True, alike=True)
ONE_ROW = Way("with one row alone")
MIXED_WORDS = "with arguments of two dtypes"
MIXTURE = Way("with a level that is one number beside those that are columns")
IN_FLOAT32 = Way("in float32")
FAR_AWAY = Way("far from zero")
AS_FLOATS = Way("with levels that are Python numbers", numbers=float, may_raise=True)
AS_INTS = Way("with whole numbers as levels", numbers=int)


def takes_derivative(caller):
    """Whether the formula has a derivative of the function that is passed."""
    kind = caller.contract
    return kind.form == FUNCTION or kind.sliced or kind.derivative or caller.energy


def configuration(contract, probe):
    """What tells a probe from others, such as sizes and forms of levels; kept with it, as many ask.
    """
    kept = vars(probe)
    if "configuration" not in kept:
        kept["configuration"] = features(contract, probe)
    return kept["configuration"]


def features(contract, probe):
    """The same, worked out."""
    s, args = probe.situation, probe.args
    K, M = np.size(args.get("weights", ())), np.ndim(args.get("v")) == 3 and len(args["v"])
    B, D = min(s.B, 3) + (s.B > 8) + (s.B > 25), min(s.D, 3) + (s.D > 8) + (s.D > 16)
    levels = [a for n, a in args.items() if contract.is_level(n)]
    ends = any(np.any(a == 0) or np.any(a == 1) for a in map(np.asarray, levels))
    size = round(math.log10(max((float(np.max(np.abs(a))) for a in levels), default=1.0)
                            + 1e-12) / 3)
    orders = [(float(np.sign(a.flat[-1] - a.flat[0])), s.dtype)
              if isinstance(a, np.ndarray) and a.size else None
              for a in map(args.get, contract.args)]
    axes = tuple(np.ndim(a) for n, a in args.items() if n in DATA)
    near = [bool(np.all(args[a] > 0.9 * np.asarray(args[b]))) for a, b in STEPS if a in args
            and b in args]
    return (B, D, M, M == s.B, (K > 1) + (K > 25), s.rows, ends, size, s.dtype, s.without,
            args.get("weights") is None, s.B == s.D, len(probe.want) if len(probe.want) < 4 else 4,
            *(a if isinstance(a, str) or isinstance(a, float) and a in (0, 1) else None
              for a in map(args.get, contract.args)), *orders, *near, (axes, B), (B, s.dtype))


def covering(contract, probes, most):
    """At most so many probes that have, one after the other, the most that those before have not.
    """
    if not probes:
        return []
    rows = [configuration(contract, p) for p in probes]
    places = [{a: i for i, a in enumerate(dict.fromkeys(column))} for column in zip(*rows)]
    codes = np.array([[of[a] for of, a in zip(places, row)] for row in rows])  # (probes, features)
    new = np.ones((codes.shape[1], max(map(len, places))))                # how new each value is
    left, chosen = np.ones(len(probes), bool), []
    for _ in range(min(most, len(probes))):
        scores = np.sum(new[np.arange(codes.shape[1]), codes], axis=1)
        best = int(np.argmax(np.where(left, scores, -1.0)))
        left[best] = False
        new[np.arange(codes.shape[1]), codes[best]] /= 2
        chosen.append(probes[best])
    return chosen


def asked(caller, probes, dtype):
    """(way, probe): the probes that were answered, in other ways."""
    contract, loop = caller.contract, caller.contract.form == STATES
    if loop:
        probes = [p for p in probes if len(p.want) < LONG]
    at_random = [p for p in probes if p.situation.regime in (*BY_SEED, FORM)]
    fixed = [p for p in probes if p.situation.regime in ("plain", "edge") and p.situation.B <= 33]
    near, forms = ([p for p in at_random if p.situation.regime == regime]
                   for regime in (GUIDED, FORM))
    some = covering(contract, [*fixed, *at_random], ALL)
    turn = itertools.cycle(some)

    def ask(way, most):
        return ((way, p) for p in itertools.islice(turn, min(
            len(some), OF_LOOPS if loop else most)))
    yield from ((NO_GRAD, p) for p in near[:OF_LOOPS if loop else None])
    yield from ask(NO_GRAD, WITHOUT)
    if derives_in_inference():
        yield from ask(IN_INFERENCE, INFERENCE)
    if not caller.is_usual:
        return
    yield from in_drawn_ways(caller, turn, forms)
    if contract.form in (TABLE, STATES):
        return
    yield from zip(itertools.cycle((ONE_ROW, NO_GRAD)), itertools.chain(
        one_row(covering(contract, forms, ROWS), contract, -1),
        one_row(covering(contract, [*fixed, *at_random], ROWS), contract, 0)))
    if dtype is None:
        yield from ((Way(MIXED_WORDS, dtypes=(base, name), may_raise=True), p)
                    for base, name, p in mixtures(contract, some))
    if dtype != "float64":
        yield from ((IN_FLOAT32, p) for p in extremes(caller, probes[0].situation.D))
    if dtype is None:
        yield from ((FAR_AWAY, p) for p in far_points(
            contract, fixed, caller.levels != "scalar"))
        ends = covering(contract, [p for p in fixed if p.situation.regime == "edge"], ENDS)
        ends = [replace(p, situation=p.situation._replace(seed=p.situation.seed + i))
                for p in ends for i in range(SEEDS)]
        yield from ((IN_FLOAT32, p) for p in (*in_single(caller, near), *in_single(caller, ends)))
    if caller.levels is not None:
        return
    yield from ((MIXTURE, p) for p in mixed(contract, [p for p in (*at_random, *fixed)
                                                       if p.situation.rows and p.situation.B > 1]))
    numbers = [p for p in (*fixed, *at_random) if any(
        isinstance(a, float) and contract.is_level(n) for n, a in p.args.items())]
    for narrow in ("float64", "float32"):
        yield from ((AS_FLOATS, p) for p in covering(contract, [
            p for p in numbers if p.situation.dtype == narrow], NUMBERS))
    yield from ((AS_INTS, p) for p in whole(caller, dtype, Differently(caller, AS_FLOATS)))


def in_drawn_ways(caller, turn, forms):
    """(way, probe) of ways that are drawn, at some probes by turns and where rows are alike."""
    alike = [p for p in forms if any(map(is_alike, p.args.values()))]
    few = 2 * OF_LOOPS if caller.contract.form == STATES else DRAWN
    probes = [*itertools.islice(turn, few), *covering(caller.contract, alike, few // 3)]
    modes = MODES if derives_in_inference() else MODES[:-1]
    for drawn_forms, mode, probe in drawn(caller, probes, modes):
        whole, memory = ({n: pair[i] for n, pair in drawn_forms.items()} for i in range(2))
        may_raise = mode == MODES[-1] or any(form.odd for form in whole.values())
        without = in_words(memory, mode * (mode != MODES[-1])) if may_raise else None
        yield in_words(whole, mode)._replace(may_raise=may_raise, without=without), probe


def in_words(forms, mode):
    """The `Way` of these forms and this mode."""
    words = " and ".join(f"{n} {form.words}" for n, form in forms.items() if form.words)
    words = [*[f"with {words}"] * bool(words), *[f"under torch.{mode}()"] * bool(mode)]
    return Way(", ".join(words) or "asked twice", mode, tuple(forms.items()))


def in_single(caller, probes):
    """Some of these probes, with data and levels in float32."""
    specs = [p.situation._replace(dtype="float32") for p in probes
             if p.situation.dtype == "float64" and p.situation.B * p.situation.D <= 1000]
    for spec in specs[:max(SINGLE, SEEDS * ENDS)]:
        with contextlib.suppress(ValueError, ZeroDivisionError, OverflowError):
            probe = new_probe(caller.contract, spec, caller)
            if inside(caller.contract, probe) and all(np.all(np.abs(w) < LARGEST)
                                                      for w in probe.want):
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
