"""The verdict on one probe: what is right, how far off foreign code is, and whether it may be.

How far off it may be (`slack`) depends on what rounding does to the formula there, its sensitivity.
That takes ten further answers, and is never less than the size of the answer: so it is worked out
where the size alone does not settle whether a value is right, or where somebody asks for it.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial

import numpy as np

from ..kinds import BATCH, DATA, LOSS, STATES
from ..kinds.drawing import arguments
from ..kinds.edges import answered
from ..kinds.quantities import batch_size
from ..kinds.wide import BY_SEED, FORMS
from .reference import reference, sensitivity, spread
from .slack import allowance, slack_at
from .trial import Trial

NONE, USUAL, MANY = 0, 3, 12     # changes of arguments: of a long loop, usual, that miss no entry
LONG = 1000                         # states of a loop that is long
REMEMBERED = 1024                   # numbers in the data of the largest probe that is kept


class Component:
    """The verdict on one array of an answer.

    got      foreign values in the contract's shape;  mean  whether it is the mean of a loss
    slack    how far off each value may be;  ok  whether every value is right
    error    largest deviation in units of the right values' size;  allowed  the same of the slack
    """

    def __init__(self, got, want, mean, slack_at, sensitivity):
        """`slack_at(K)` is the slack at a sensitivity K, which `sensitivity()` works out."""
        self.got, self.mean, self.slack_at, self.sensitivity = got, mean, slack_at, sensitivity
        self.least = spread(np.abs(want))                      # the sensitivity is never less
        self.want = np.mean(want) if mean else want
        with np.errstate(invalid="ignore"):
            self.off = np.abs(got - self.want)
        self.infinite = (self.want == np.inf) & (got == np.inf)

    @cached_property
    def slack(self):
        return self.averaged(self.slack_at(self.sensitivity()))

    @cached_property
    def ok(self):
        return self.within(self.averaged(self.slack_at(self.least))) or self.within(self.slack)

    def averaged(self, a):
        """The mean of what is allowed to single rows, where the mean of rows is judged."""
        return np.mean(a) if self.mean else a

    def within(self, slack):
        """Whether no value is farther off than this."""
        return bool(np.all((self.off <= slack) & np.isfinite(self.want) | self.infinite))

    @cached_property
    def unit(self):
        """The size of the right values, by row where they have features; 1 for zeros."""
        size = np.abs(self.want)
        size = np.max(size, axis=-1, keepdims=True) if np.ndim(size) == 2 else size
        return np.where(size > 0, size, 1.0)

    @cached_property
    def error(self):
        exact = self.infinite | (self.off == 0) & np.isfinite(self.want)
        with np.errstate(all="ignore"):
            error = np.where(exact, 0.0, self.off / self.unit)
        error = np.where(np.isfinite(self.got) | self.infinite, error, np.inf)
        return float(np.max(error, initial=0.0))

    @cached_property
    def allowed(self):
        with np.errstate(all="ignore"):
            return float(np.max(self.slack / self.unit, initial=0.0))

    def but(self, **changes):
        """The same verdict with other arrays."""
        other = copy.copy(self)
        vars(other).update({"ok": self.ok, "error": self.error, "allowed": self.allowed} | changes)
        return other


@dataclass
class Probe:
    """One probe: its arguments, the right answer, and what foreign code gave.

    want         right answer, a tuple of arrays
    rounding     function () -> the sensitivity of each to rounding
    trial        the call;  components  the verdict on each array that it gave, () without an answer
    batch_mean   of a loss that returns its mean, where its rows were asked for one by one
    """

    situation: object
    args: dict
    want: tuple
    rounding: Callable
    trial: Trial
    components: tuple = ()
    names: tuple = ()
    batch_mean: float = 0.0

    @cached_property
    def sensitivity(self):
        """The sensitivity of each array of the answer to rounding."""
        return self.rounding()

    @property
    def label(self):
        """Where it is."""
        return self.situation.label

    @property
    def got(self):
        """Foreign answer in the contract's shapes, or None."""
        return tuple(c.got for c in self.components) or None

    @property
    def slack(self):
        """How far off each value of the answer may be."""
        return tuple(c.slack for c in self.components)

    @property
    def mean(self):
        """Whether the answer is the mean of a loss."""
        return any(c.mean for c in self.components)

    @property
    def ok(self):
        """Whether the answer is right."""
        return bool(self.components) and all(c.ok for c in self.components)

    @property
    def error(self):
        """Largest deviation in units of the right answer's size, inf where there is no answer."""
        return max((c.error for c in self.components), default=np.inf)

    @property
    def allowed(self):
        """The largest error that the slack allows."""
        return max((c.allowed for c in self.components), default=0.0)

    @property
    def wrong(self):
        """Names of the components that are wrong."""
        return [name for name, c in zip(self.names, self.components) if not c.ok]


def new_probe(contract, situation, caller=None):
    """A probe without an answer yet, of what this caller can take."""
    taken = None
    if caller is not None:
        situation, taken = caller.settle(situation), tuple(caller.taken)
        if caller.energy or caller.timesteps is not None:
            args = caller.place(arguments_taken(contract, situation, taken), situation)
            return probe_at(contract, situation, args, MANY if caller.timesteps else USUAL)
    made = question_of if situation.B * situation.D > REMEMBERED else (
        remembered_random_question if situation.regime in (*BY_SEED, *FORMS) else
        remembered_question)
    question = made(contract, situation, taken if {*contract.args} - {*(taken or ())} else None)
    return Probe(situation, dict(question.args), question.want, lambda: question.sensitivity,
                 Trial())


def arguments_taken(contract, situation, taken=None):
    """The arguments of a probe that foreign code takes, or all."""
    args = arguments(contract, situation)
    if taken is not None:
        optional = contract.args[contract.required:]
        args = {k: a for k, a in args.items() if k in taken or k not in optional}
    return args


class Question:
    """What a probe asks: its arguments, the right answer, and the sensitivity of that.

    tries  changes of the arguments from which the sensitivity is found
    """

    def __init__(self, contract, args, tries=USUAL, want=None):
        self.contract, self.args, self.tries = contract, args, tries
        self.want = reference(contract, args) if want is None else want

    @cached_property
    def sensitivity(self):
        return unwritable(sensitivity(self.contract, self.args, self.want, self.tries))


def unwritable(arrays):
    """The same arrays, which cannot be written to."""
    for a in arrays:
        if isinstance(a, np.ndarray):
            a.setflags(write=False)
    return arrays


def question_of(contract, situation, taken):
    """The `Question` of a situation, of the arguments that are taken, or of all."""
    args, want = None, None
    if situation.regime in BY_SEED:                      # it was answered when it was drawn
        args, want = answered(contract, situation._replace(label=""))
    if not want or taken is not None:
        args, want = arguments_taken(contract, situation, taken), None
    question = Question(contract, args, NONE if situation.count >= LONG else USUAL, want)
    unwritable((*question.args.values(), *question.want))
    return question


# A kind is asked the same in every check of it, and to answer is half the work of a check. Random
# questions are the same where the seed is.
remembered_question, remembered_random_question = (lru_cache(n)(question_of) for n in (4096, 512))


def probe_at(contract, situation, args, tries=USUAL):
    """A probe at arguments that are given."""
    question = Question(contract, args, tries)
    return Probe(situation, args, question.want, lambda: question.sensitivity, Trial())


def ask(caller, probe, **changes):
    """The `Trial` of foreign code at a probe, with some of its arguments changed."""
    return caller(probe.args | changes, np.dtype(probe.situation.dtype))


def judge(contract, caller, probe, trial=None):
    """Compare what foreign code gives at a probe with the right answer; returns the probe, filled.

    trial  what it gave, where it has been called already
    """
    probe.trial, probe.components = ask(caller, probe) if trial is None else trial, ()
    outputs = probe.trial.outputs
    if outputs is None:
        return probe
    expected, components = expected_of(contract, probe.want, len(outputs)), []
    if len(expected) != len(outputs):
        return refused(probe, f"gives {len(outputs)} states, where {len(expected)} are required")
    for i, (_, form, place) in enumerate(expected):
        component = component_of(contract, caller, probe, i, form, place)
        if component is None:
            return refused(probe, f"got shape {probe.trial.shapes[i]}, "
                                  f"expected {shape_words(probe.want[place], form)}")
        components.append(component)
    probe.components, probe.names = tuple(components), tuple(name for name, *_ in expected)
    return probe


def expected_of(contract, want, n):
    """(name, form, place in the right answer) of each array, where n came: of a loop its last state
    alone, or all.
    """
    if contract.form != STATES:
        return [(name, form, i) for i, (name, form) in enumerate(contract.returns)]
    (name, _), *_ = contract.returns
    if n == 1:
        return [(name, BATCH, -1)]
    return [(f"state {i}" if i else name, BATCH, i) for i in range(len(want))]


def refused(probe, error):
    """A probe whose answer has not the required shapes."""
    probe.trial.problem, probe.trial.error = "wrong-shape", error
    return probe


def component_of(contract, caller, probe, i, form, place):
    """The `Component` of array i of what came; None where it has not the required shape."""
    output, want, rounding = probe.trial.outputs[i], probe.want[place], probe.rounding
    got, mean = caller.in_contract_shape(output, want, form)
    if output.shape == (0,) and not want.size:                         # an empty list has no more
        got, mean = want, False
    if got is None:
        return None

    def sensitivity():
        return rounding()[place]
    at = partial(slack_at, contract, probe.situation, probe.args, want, probe.trial.dtypes[i])
    far_from_exact = probe.situation.regime in (*BY_SEED, *FORMS) or (
        probe.situation.dtype == "float32")
    if far_from_exact and contract.spellings and not mean and np.any(np.isnan(got)):
        but = but_for_lost_digits(got, want, at(sensitivity()))
        probe.trial.lost |= bool(np.any(~np.isnan(but) & np.isnan(got)))
        got = but
    return Component(got, want, mean, at, sensitivity)


def but_for_lost_digits(got, want, slack):
    """The answer, with the right value where it is NaN and nothing is known of that value: the root
    of a difference that rounding may make negative.
    """
    return np.where(np.isnan(got) & (slack > np.maximum(np.abs(want), 1e-20)), want, got)


def shape_words(want, form):
    """The required shape in words."""
    return f"{want.shape}" + (" or a mean, ()" if form == LOSS else "")


def judge_rows(caller, probe):
    """In place of the mean of a loss, the losses of single rows: one call for each."""
    values, (component,) = [], probe.components
    probe.batch_mean = float(np.ravel(component.got)[0])
    for b in range(len(probe.want[0])):
        trial = ask(caller, probe, **rows_of(caller.contract, probe.args, b))
        if trial.outputs is None or trial.outputs[0].size != 1:
            probe.components = ()
            return
        values.append(trial.outputs[0].reshape(()))
    dtype = np.float32 if trial.dtypes[0] == np.float32 else probe.situation.dtype
    slack = allowance(dtype, probe.sensitivity[0], probe.want[0])
    probe.components = (component.but(got=np.array(values), slack=slack, mean=False),)


def rows_of(kind, args, b):
    """The arguments of a kind for one row, or of several (b a slice or an index array)."""
    index = slice(b, b + 1) if isinstance(b, int) else b
    B, result = batch_size(args), {}
    for name, a in args.items():
        if isinstance(a, np.ndarray) and name in DATA and a.ndim == 3:
            a = a[:, index]
        elif isinstance(a, np.ndarray) and (name in DATA and a.ndim == 2
                                            or kind.is_level(name) and a.shape == (B, 1)):
            a = a[index]
        result[name] = a
    return result

