"""Call after call: what code remembers, and what it still writes to, from one call to the next.

The calls have the same sizes, the same function that is passed, and arguments of which one alone
differs: in the order of its numbers, or in the sixth digit. So an answer that is kept under a part
of the arguments, their sizes, ends or sums comes back where it is wrong. Loops run side by side.
"""

import contextlib
import copy
import itertools
from functools import lru_cache

import numpy as np

from ..kinds import CHOICES, DATA, FUNCTION, STATES, TABLE, ProbeSpec
from ..kinds.forms import SHARES
from ..kinds.kind import STEPS
from ..kinds.quantities import batch_size
from ..kinds.test_functions import Field
from ..kinds.wide import AGAIN
from .judge import Probe, Question, arguments_taken, judge, unwritable
from .results import parts_of
from .torch_ways import NO_GRAD, takes_derivative
from .trial import Trial

NEARBY = 1e-5                                 # a relative change that nobody should round off
MOST_FEATURES = 64


def probes_again(caller, dim, dtype, seed):
    """Judged probes of calls in a row, up to the first that fails: of PyTorch code without
    gradients, where buffers are used again, and a few with them.
    """
    contract, lib = caller.contract, caller.framework
    if not caller.is_usual or caller.fn is None or contract.adaptive or (
            dim or 0) > MOST_FEATURES:
        return []
    rows = caller.levels != "scalar" and contract.form not in (TABLE, STATES)
    spec = caller.settle(ProbeSpec("", 4, dim or 3, rows, AGAIN, seed, 2,
                                   dtype=dtype or "float64", count=4))
    asked, number = questions(contract, spec, tuple(caller.taken)), np.dtype(spec.dtype)
    first = asked[0][1].args
    functions = in_foreign(caller, {n: a for n, a in first.items() if isinstance(a, Field)}, number)
    row, probes = InARow(caller, asked[1][1].args, number), []
    quiet = lib.name == "torch" and not takes_derivative(caller)
    words = f"call after call{', without gradients' * quiet}"

    def ask(label, question, given):
        kept = {n: f for n, f in functions.items() if question.args[n] is first[n]} | given
        with NO_GRAD.entered() if quiet else contextlib.nullcontext():
            trial = row.caller(question.args, number, given=kept)
        probe = Probe(spec._replace(label=f"{words}: {label}"), dict(question.args),
                      question.want, lambda: question.sensitivity, Trial())
        judge(contract, row.caller, probe, trial)
        trial.mutated = (*trial.mutated, *row.changed())
        probes.append(probe)
        return probe.ok and not trial.mutated

    for label, question in asked:
        if not ask(label, question, {}):
            return probes
    quiet, words = False, "call after call"
    for label, question in (*asked[:2], asked[0]) if lib.name == "torch" else ():
        if not ask(label, question, {}):
            return probes
    (_, one), (_, other), *_ = asked
    alike = {n: a for n, a in other.args.items() if isinstance(a, np.ndarray)
             and a.shape == one.args[n].shape}
    filled = in_foreign(caller, alike, number)
    if lib.name in ("numpy", "torch") and ask("other arrays", other, filled):
        for name, a in in_foreign(caller, {n: one.args[n] for n in alike}, number).items():
            getattr(filled[name], "detach", lambda name=name: filled[name])()[...] = a
        row.results.clear()                              # which may be views of these arrays
        ask("the same arrays, filled anew", one, filled)
    return probes


def in_foreign(caller, args, number):
    """Arguments as the code wants them."""
    B = batch_size(args)
    return {n: caller.foreign(n, a, number, None, [], B) for n, a in args.items()
            if n in caller.names}


class InARow:
    """A `Caller` that keeps what the code returns, to see whether a later call changes it.

    beside  the arguments of a loop that runs beside each one
    """

    def __init__(self, caller, beside, number):
        self.original, self.beside, self.number = caller, beside, number
        self.results, self.caller = [], copy.copy(caller)
        self.caller.fn = self.answer

    def answer(self, *given, **named):
        """The code's own answer."""
        result = self.original.fn(*given, **named)
        if self.original.contract.form == FUNCTION:
            return self.asked_before(result)
        if hasattr(result, "__next__"):
            return self.side_by_side(result, named)
        numbers = self.numbers(result)
        if numbers is not None:
            self.results.append((result, numbers))
        return result

    def asked_before(self, function):
        """A function that was returned, asked about the same numbers in other orders before."""
        def answer(x):
            a = np.array(self.original.framework.to_numpy(x))
            for other in a[::-1], a[..., ::-1]:
                function(self.original.framework.asarray(other.copy()))
            return function(x)
        return answer

    def side_by_side(self, states, named):
        """The states of a loop, while another one runs and a third has been left."""
        left, other = self.another(named), self.another(named)
        next(left, None)
        for state in states:
            next(other, None)
            yield state

    def another(self, named):
        """A loop from other arguments."""
        args = in_foreign(self.original, self.beside, self.number)
        if named:
            return iter(self.original.fn(**{k: args[n] for k, n in self.original.argnames.items()
                                            if n in args}))
        return iter(self.original.fn(*(args[n] for n in self.original.names if n in args)))

    def numbers(self, result):
        """A copy of all numbers of a result, or None of what is none."""
        names = tuple(n for n, _ in self.original.contract.returns)
        with contextlib.suppress(Exception):
            parts = map(self.original.framework.to_numpy, parts_of(result, names))
            return [np.array(p, float if np.asarray(p).dtype == object else None) for p in parts]
        return None

    def changed(self):
        """Whether a result of a call before has other numbers now, in words."""
        for result, before in self.results[:-1]:
            now = self.numbers(result)
            if now is None or not all(np.array_equal(a, b, equal_nan=True)
                                      for a, b in zip(before, now)):
                return ("the result of a call before",)
        return ()


@lru_cache(64)
def questions(contract, spec, taken):
    """What is asked in a row: (label, `Question`) each, the first at last again."""
    first = arguments_taken(contract, spec, taken)
    first = {n: in_quarters(contract, n, a) for n, a in first.items()}
    other = arguments_taken(contract, spec._replace(seed=spec.seed + 1), taken)
    same = {n: a for n, a in first.items() if isinstance(a, (Field, str, int))}
    asked = [("the first", first), ("other numbers", other | same)]
    levels = [n for n, a in first.items() if contract.is_level(n) and np.ndim(a) == 2]
    if len(levels) > 1:
        asked += [("all levels in another order", first | {n: first[n][::-1].copy()
                                                           for n in levels})]
    kept = itertools.cycle(n for n in first if n not in same)
    for name, a in first.items():
        asked += [(f"{name} alone {word}", first | {name: b})
                  for word, b in variants(name, a, other.get(name))]
        alike = next((n for n in itertools.islice(kept, len(first)) if n != name), None)
        if alike is not None and len(other) > len(same) + 1:
            asked += [(f"{alike} alone as before", other | same | {alike: first[alike]}),
                      (f"{alike} alone as before, the first", first)]
    asked += [(f"{n} as {m} was before", args) for n, m, args in exchanged(contract, first,
                                                                           other | same)]
    found = []
    for label, args in (*asked, ("the first again", first)):
        with contextlib.suppress(ValueError, ZeroDivisionError):       # outside of the domain
            question = Question(contract, args)
            unwritable((*args.values(), *question.want))
            if all(np.all(np.isfinite(w)) for w in question.want):
                found.append((label, question))
    return found


def exchanged(contract, first, other):
    """Other calls in which one argument is what another one was in the first: (name, of, arguments)
    """
    alike = [n for n, a in first.items() if isinstance(a, (float, np.ndarray))]
    for n, m in itertools.permutations(alike, 2):
        a, b = first[n], first[m]
        same = (contract.is_level(n) == contract.is_level(m) and (n in SHARES) == (m in SHARES)
                and type(a) is type(b) and np.shape(a) == np.shape(b))
        if same and not np.array_equal(a, b):
            args = other | {n: b}
            for small, large in STEPS:
                if {small, large} <= args.keys() and n in (small, large):
                    args |= {small: 0.4 * b} if n == large else {
                        large: b + 0.4 * (1 - b) if n in SHARES else 2.5 * b}
            yield n, m, args


def in_quarters(contract, name, a):
    """Data, and levels that are no shares, as quarters: their sum is the same in any order."""
    if isinstance(a, np.ndarray) and name in DATA and a.ndim > 1 and not contract.is_level(name):
        return np.round(4 * a) / 4
    if isinstance(a, np.ndarray) and contract.is_level(name) and name not in SHARES and (
            not contract.is_step):
        return np.sign(a) * np.ceil(4 * np.abs(a)) / 4
    return a


def variants(name, a, other):
    """Arguments in place of one, (word, value) each, as near to it as may be."""
    if isinstance(a, str):
        return [(f"is {word}", word) for word in CHOICES.get(name, ()) if word != a]
    if isinstance(a, int):
        return [("is one more", a + 1)]
    if isinstance(a, float):
        return [("is a little less", a * (1 - NEARBY)), ("is another number", other)]
    if not isinstance(a, np.ndarray):
        return [("is another", other)]
    if a.ndim > 1:
        return [("with its features in another order", a[..., ::-1].copy()),
                ("in another order", a[..., ::-1, ::-1].copy()),
                ("is a little less", a * (1 - NEARBY))][a.shape[-1] == 1:]
    moved, less = a.copy(), a.copy()
    k = len(a) // 2
    if len(a) > 3:
        moved[k - 1:k + 1] += 0.01 * np.array([-1, 1]) * a[k]           # with its ends and sum
    less[k] *= 1 - NEARBY
    return [("with the same ends and sum", moved), ("has one entry a little less", less),
            ("in another order", a[::-1].copy())]
