"""The verdict on one probe: what is right, how far off foreign code is, and how far it may be.

    allowed = 256 eps max(|f|, sensitivity),     eps of the dtype in which the result came

The sensitivity is what rounding does to the formula at this probe (`reference.sensitivity`). It
takes ten further answers, and is never less than |f|: so it is worked out where |f| alone does not
settle whether a value is right, or where somebody asks how far off it may be.
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
from ..kinds.wide import AGAIN, BY_SEED, FORMS
from .reference import digits_of, reference, sensitivity, spread
from .trial import Trial

ROUNDINGS = 256.0
COARSER = 64.0             # at random probes, which look for branches; the others count digits
NOTHING = 1e-50            # what a complex step of 1e-30 may leave of a zero
NONE, USUAL, MANY = 0, 3, 12     # changes of arguments: of a long loop, usual, that miss no entry
LONG = 1000
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
        return unwritable(sensitivity_of(self.contract, self.args, self.want, self.tries))


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


def sensitivity_of(contract, args, want, tries=3):
    """The sensitivity of a kind's answers; of one that has a tolerance, the size of the answer."""
    if contract.tolerance:
        return tuple(1 + np.abs(w) for w in want)
    return sensitivity(contract, args, want, tries)


def ask(caller, probe, **changes):
    """The `Trial` of foreign code at a probe, with some of its arguments changed."""
    return caller(probe.args | changes, np.dtype(probe.situation.dtype))


def judge(contract, caller, probe, trial=None):
    """Call foreign code at a probe, or take what it gave, and compare; fills the probe in and
    returns it.
    """
    probe.trial, probe.components = trial or ask(caller, probe), ()
    trial, want = probe.trial, probe.want
    if trial.outputs is None:
        return probe
    names, forms = zip(*contract.returns)
    places = range(len(forms))                              # of the right answers to what came
    if contract.form == STATES:
        places = [-1] if len(trial.outputs) == 1 else range(len(want))  # the last state alone, all
        if len(trial.outputs) != len(places):
            trial.problem = "wrong-shape"
            trial.error = f"gives {len(trial.outputs)} states, where {len(want)} are required"
            return probe
        forms = [BATCH] * len(places)
        names = [*names, *(f"state {i}" for i in range(len(names), len(places)))]
    components = []
    for output, came, shape, form, i in zip(trial.outputs, trial.dtypes, trial.shapes, forms,
                                            places):
        got, mean = caller.in_contract_shape(output, want[i], form)
        if output.shape == (0,) and not want[i].size:                  # an empty list has no more
            got, mean = want[i], False
        if got is None:
            trial.problem = "wrong-shape"
            trial.error = f"got shape {shape}, expected {shape_words(want[i], form)}"
            return probe
        slack = partial(slack_at, contract, probe.situation, probe.args, want[i], came)
        if np.any(np.isnan(got)) and contract.spellings and not mean:
            got = where_digits_are_left(got, want[i], slack(probe.rounding()[i]), probe.situation)
        components.append(Component(got, want[i], mean, slack,
                                    lambda rounding=probe.rounding, i=i: rounding()[i]))
    probe.components, probe.names = tuple(components), names
    return probe


def slack_at(contract, situation, args, want, came, sensitivity):
    """How far off an array of an answer may be that came in a dtype, at this sensitivity."""
    slack = slack_of(contract, came, situation.dtype, sensitivity, want)
    if situation.regime in (*BY_SEED, *FORMS, AGAIN):
        slack = np.maximum(np.maximum(COARSER * slack, NOTHING),
                           rounding_of_data(situation, args, want, came))
    return slack


def where_digits_are_left(got, want, slack, situation):
    """The answer, but for the root of a difference that rounding may make negative, at a probe that
    a seed has drawn: NaN is right there where nothing is known of the right value.
    """
    lost = np.isnan(got) & (slack > np.maximum(np.abs(want), 1e-20))
    return np.where(lost, want, got) if situation.regime in (*BY_SEED, *FORMS) else got


def rounding_of_data(situation, args, want, came):
    """What a spelling may lose that adds the largest data of a row and takes them away again."""
    rows = [np.abs(a) for name, a in args.items()
            if name in DATA and np.shape(a) == np.shape(want) and np.size(a)]
    if not rows or np.ndim(want) != 2:
        return 0.0
    size = np.max([np.max(a, axis=-1, keepdims=True) for a in rows], axis=0)
    dtype = np.float32 if np.float32 in (came, np.dtype(situation.dtype)) else np.float64
    return allowance(dtype, size, want)


def slack_of(contract, came, asked, sensitivity, want):
    """How far off an answer that came in one dtype, where another was asked, may be."""
    if came.kind == "f" and came.itemsize < 4:                 # half precision is never right
        return np.zeros(np.shape(want))
    asked = np.float64 if np.dtype(asked).kind == "i" else np.dtype(asked)
    slack = allowance(np.float32 if came == np.float32 else asked, sensitivity, want)
    return np.maximum(slack, contract.tolerance * sensitivity) if contract.tolerance else slack


def allowance(dtype, sensitivity, want):
    """How far off an answer in this dtype may be."""
    eps, tiny = digits_of(dtype)
    return ROUNDINGS * eps * np.maximum(sensitivity, np.abs(want)) + max(tiny, 1e-300)


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

