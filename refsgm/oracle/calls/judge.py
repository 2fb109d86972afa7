"""The verdict on one probe: what is right, how far off foreign code is, and how far it may be.

    allowed = 256 eps max(|f|, sensitivity),     eps of the dtype in which the result came

The sensitivity is what rounding does to the formula at this probe (`reference.sensitivity`).
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ..kinds import BATCH, DATA, LOSS, STATES
from ..kinds.drawing import arguments
from ..kinds.quantities import batch_size
from ..kinds.wide import RANDOM
from .reference import reference, sensitivity
from .trial import Trial

ROUNDINGS = 256.0
COARSER = 64.0             # at random probes, which look for branches; the others count digits
NONE, USUAL, MANY = 0, 3, 12     # changes of arguments: of a long loop, usual, that miss no entry
LONG = 1000
REMEMBERED = 1024                   # numbers in the data of the largest probe that is kept


class Component(NamedTuple):
    """The verdict on one array of an answer.

    got      foreign values in the contract's shape;  slack  how far off each may be
    error    largest deviation in units of the right values' size;  allowed  the same of the slack
    ok       whether every value is right;  mean  whether it is the mean of a loss
    """

    got: np.ndarray
    slack: np.ndarray
    error: float
    allowed: float
    ok: bool
    mean: bool


@dataclass
class Probe:
    """One probe: its arguments, the right answer, and what foreign code gave.

    want         right answer, a tuple of arrays;  sensitivity  of each to rounding
    trial        the call;  components  the verdict on each array that it gave, () without an answer
    batch_mean   of a loss that returns its mean, where its rows were asked for one by one
    """

    situation: object
    args: dict
    want: tuple
    sensitivity: tuple
    trial: Trial
    components: tuple = ()
    names: tuple = ()
    batch_mean: float = 0.0

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
    small = situation.B * situation.D <= REMEMBERED and situation.regime not in RANDOM
    question = remembered_question if small else question_of
    args, want, rounding = question(contract, situation, taken)
    return Probe(situation, dict(args), want, rounding, Trial())


def arguments_taken(contract, situation, taken=None):
    """The arguments of a probe that foreign code takes, or all."""
    args = arguments(contract, situation)
    if taken is not None:
        optional = contract.args[contract.required:]
        args = {k: a for k, a in args.items() if k in taken or k not in optional}
    return args


def question_of(contract, situation, taken):
    """What a probe asks, the right answer and its sensitivity: arrays that cannot be written to."""
    args = arguments_taken(contract, situation, taken)
    want = reference(contract, args)
    rounding = sensitivity_of(contract, args, want, NONE if situation.count >= LONG else USUAL)
    for a in (*args.values(), *want, *rounding):
        if isinstance(a, np.ndarray):
            a.setflags(write=False)
    return args, want, rounding


# A kind is asked the same in every check of it, and to answer is half the work of a check.
remembered_question = lru_cache(4096)(question_of)


def probe_at(contract, situation, args, tries=3):
    """The same with arguments that are given."""
    want = reference(contract, args)
    return Probe(situation, args, want, sensitivity_of(contract, args, want, tries), Trial())


def sensitivity_of(contract, args, want, tries=3):
    """The sensitivity of a kind's answers; of one that has a tolerance, the size of the answer."""
    if contract.tolerance:
        return tuple(1 + np.abs(w) for w in want)
    return sensitivity(contract, args, want, tries)


def ask(caller, probe, **changes):
    """The `Trial` of foreign code at a probe, with some of its arguments changed."""
    return caller(probe.args | changes, np.dtype(probe.situation.dtype))


def judge(contract, caller, probe):
    """Call foreign code at a probe and compare; fills the probe in and returns it."""
    probe.trial, probe.components = ask(caller, probe), ()
    trial, want, rounding = probe.trial, probe.want, probe.sensitivity
    if trial.outputs is None:
        return probe
    names, forms = zip(*contract.returns)
    if contract.form == STATES:
        if len(trial.outputs) == 1:                                      # the last state alone
            want, rounding = want[-1:], rounding[-1:]
        if len(trial.outputs) != len(want):
            trial.problem = "wrong-shape"
            trial.error = f"gives {len(trial.outputs)} states, where {len(want)} are required"
            return probe
        forms = [BATCH] * len(want)
        names = [*names, *(f"state {i}" for i in range(len(names), len(want)))]
    components = []
    for i, form in enumerate(forms):
        got, mean = caller.in_contract_shape(trial.outputs[i], want[i], form)
        if trial.outputs[i].shape == (0,) and not want[i].size:        # an empty list has no more
            got, mean = want[i], False
        if got is None:
            trial.problem = "wrong-shape"
            trial.error = f"got shape {trial.shapes[i]}, expected {shape_words(want[i], form)}"
            return probe
        slack = slack_of(contract, trial.dtypes[i], probe.situation.dtype, rounding[i], want[i])
        if probe.situation.regime in RANDOM:
            slack = np.maximum(COARSER * slack, rounding_of_data(probe, want[i], trial.dtypes[i]))
        components.append(judge_component(got, want[i], slack, mean))
    probe.components, probe.names = tuple(components), names
    return probe


def rounding_of_data(probe, want, came):
    """What a spelling may lose that adds the largest data of a row and takes them away again."""
    rows = [np.abs(a) for name, a in probe.args.items()
            if name in DATA and np.shape(a) == np.shape(want) and np.size(a)]
    if not rows or np.ndim(want) != 2:
        return 0.0
    size = np.max([np.max(a, axis=-1, keepdims=True) for a in rows], axis=0)
    dtype = np.float32 if np.float32 in (came, np.dtype(probe.situation.dtype)) else np.float64
    return allowance(dtype, size, want)


def judge_component(got, want, slack, mean=False):
    """The `Component` of one array; of the mean of a loss, against the mean of the right values."""
    if mean:
        want, slack = np.mean(want), np.mean(slack)
    infinite = np.isposinf(want) & np.isposinf(got)
    with np.errstate(invalid="ignore"):
        off = np.abs(got - want)
    right = (off <= slack) & np.isfinite(want) | infinite
    size = np.max(np.abs(want), axis=-1, keepdims=True) if np.ndim(want) == 2 else np.abs(want)
    with np.errstate(all="ignore"):
        unit = np.where(size > 0, size, 1.0)
        error = np.where(right & (off == 0) | infinite, 0.0, off / unit)
        allowed = float(np.max(slack / unit, initial=0.0))
    error = np.where(np.isfinite(got) | infinite, error, np.inf)
    return Component(got, slack, float(np.max(error, initial=0.0)), allowed, bool(np.all(right)),
                     mean)


def slack_of(contract, came, asked, sensitivity, want):
    """How far off an answer that came in one dtype, where another was asked, may be."""
    if came.kind == "f" and came.itemsize < 4:                 # half precision is never right
        return np.zeros(np.shape(want))
    asked = np.float64 if np.dtype(asked).kind == "i" else np.dtype(asked)
    slack = allowance(np.float32 if came == np.float32 else asked, sensitivity, want)
    return np.maximum(slack, contract.tolerance * sensitivity) if contract.tolerance else slack


def allowance(dtype, sensitivity, want):
    """How far off an answer in this dtype may be."""
    info = np.finfo(dtype)                               # below `tiny` a number has fewer digits
    return (ROUNDINGS * float(info.eps) * np.maximum(sensitivity, np.abs(want))
            + max(float(info.tiny), 1e-300))


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
    probe.components = (component._replace(got=np.array(values), slack=slack, mean=False),)


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

