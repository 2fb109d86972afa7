"""The verdict on one probe: what is right, how far off foreign code is, and how far it may be.

    allowed = 256 eps max(|f|, K),     eps of the dtype in which the result came

K is what rounding does to the formula at this probe: the larger of its response to relative changes
of its inputs, divided by their size, and its own error in float32, in units of that eps. So a probe
where every spelling of a formula loses digits allows for the loss, and no other does.
"""

from dataclasses import dataclass, field

import numpy as np

from ..kinds import DATA, FUNCTION, LEVELS, LOSS, STATES
from ..kinds.drawing import arguments
from ..kinds.quantities import batch_size
from ..kinds.test_functions import Field, Noise
from .caller import Trial

ROUNDINGS = 256.0


def reference(contract, args, function=None):
    """refsgm's answer in float64, or in the dtype of the arguments: a tuple of arrays.

    function  another spelling of the contract's
    """
    given = [Noise(a.seed) if isinstance(a, Noise) else a
             for a in (args[n] for n in contract.args if n in args)]
    with np.errstate(all="ignore"):
        if contract.form == FUNCTION:
            return (np.asarray(contract.function(args["log_density"].energy)(args["x"])),)
        result = (function or contract.function)(*given)
        if contract.form == STATES:
            return tuple(result)
    return tuple(np.asarray(r) for r in result) if isinstance(result, tuple) else (
        np.asarray(result),)


def narrow(a):
    """An argument in float32."""
    if isinstance(a, Field):
        return a.astype(np.float32)
    return a.astype(np.float32) if isinstance(a, np.ndarray) else a


def changed(a, rng, h):
    """An argument with every entry changed by a relative h or not at all; 0 and 1 stay."""
    if isinstance(a, Field):
        return a
    if isinstance(a, np.ndarray) or isinstance(a, float):
        change = h * rng.integers(2, size=np.shape(a))
        result = np.where((np.asarray(a) == 1) | (np.asarray(a) == 0), a, a * (1 - change))
        return result if isinstance(a, np.ndarray) else float(result)
    return a


def sensitivity(contract, args, want):
    """K of the module's docstring, an array like each component."""
    if contract.tolerance:
        return tuple(1 + np.abs(w) for w in want)
    rng, h = np.random.default_rng(0), 2.0**-26
    size = [np.abs(w) for w in want]

    def grow(answers, unit):
        for i, (w, a) in enumerate(zip(want, answers)):
            if np.shape(a) == np.shape(w) and np.all(np.isfinite(a)):
                size[i] = np.maximum(size[i], np.abs(a - w) / unit)

    for _ in range(3):
        try:
            grow(reference(contract, {k: a if k == "weights" else changed(a, rng, h)
                                      for k, a in args.items()}), h)
        except ValueError:                          # a change took it out of the domain
            continue
    low = {k: narrow(a) for k, a in args.items()}
    same = {k: widen(a) for k, a in low.items()}
    eps = float(np.finfo(np.float32).eps)
    try:
        exact = reference(contract, same)
        for function in (contract.function, *contract.spellings):
            rough = reference(contract, low, function)
            grow([w + (r.astype(np.float64) - e) for w, r, e in zip(want, rough, exact)], eps)
    except (ValueError, FloatingPointError):
        pass
    return tuple(spread(s) for s in size)


def widen(a):
    """An argument back in float64."""
    if isinstance(a, Field):
        return a.astype(np.float64)
    return a.astype(np.float64) if isinstance(a, np.ndarray) else a


def spread(a):
    """The largest entry of each row, for all entries of the row: vectors are judged by length."""
    return np.broadcast_to(np.max(a, axis=-1, keepdims=True), a.shape) if np.ndim(a) == 2 else a


@dataclass
class Probe:
    """One probe: its arguments, the right answer, and what foreign code gave.

    want   right answer, a tuple of arrays;  K  its sensitivity to rounding
    got    foreign answer in the same shapes, or None;  mean  whether it is the mean of a loss
    error  largest deviation in units of the right answer's size, inf where there is none
    """

    situation: object
    args: dict
    want: tuple
    K: tuple
    trial: Trial
    got: tuple | None = None
    mean: bool = False
    ok: bool = False
    error: float = np.inf
    allowed: float = 0.0
    batch_mean: float = 0.0               # of a loss that returns its mean, in the doctor's probes
    slack: tuple = ()
    wrong: list = field(default_factory=list)             # names of the components that are wrong

    @property
    def label(self):
        """Where it is."""
        return self.situation.label


def new_probe(contract, situation, names=None):
    """A probe without an answer yet; `names` are the arguments that foreign code takes."""
    args = arguments(contract, situation)
    if names is not None:
        optional = contract.args[contract.required:]
        args = {k: a for k, a in args.items() if k in names or k not in optional}
    want = reference(contract, args)
    return Probe(situation, args, want, sensitivity(contract, args, want), Trial())


def judge(contract, caller, probe, args=None):
    """Call foreign code at a probe and compare; fills the probe in and returns it."""
    dtype = np.dtype(probe.situation.dtype)
    probe.trial = trial = caller(probe.args if args is None else args, dtype)
    probe.got, probe.ok, probe.error, probe.wrong, probe.mean = None, False, np.inf, [], False
    if trial.outputs is None:
        return probe
    outputs, want, K = trial.outputs, probe.want, probe.K
    forms = [form for _, form in contract.returns]
    if contract.form == STATES:
        if len(outputs) == 1:
            want, K = want[-1:], K[-1:]
        if len(outputs) != len(want):
            trial.problem = "wrong-shape"
            trial.error = f"gives {len(outputs)} states, where {len(want)} are required"
            return probe
        forms = ["batch"] * len(want)
    got, errors, oks, slacks, allowed = [], [], [], [], 0.0
    for i, (a, w, k, form) in enumerate(zip(outputs, want, K, forms)):
        a, mean = caller.fitted(a, w, form)
        if a is None:
            trial.problem = "wrong-shape"
            trial.error = f"shape {trial.shapes[i]} came, {shape_words(w, form)} is required"
            return probe
        slack = allowance(np.float32 if trial.dtypes[i] == np.float32 else dtype, k, w)
        if contract.tolerance:
            slack = np.maximum(slack, contract.tolerance * k)
        if mean:
            w, slack = np.mean(w), np.mean(slack)
            probe.mean = True
        off = np.abs(a - w)
        if trial.dtypes[i].kind == "f" and trial.dtypes[i].itemsize < 4:
            slack = slack * 0
        same = np.isposinf(w) & np.isposinf(a)
        good = (off <= slack) | same
        scale = np.max(np.abs(w), axis=-1, keepdims=True) if np.ndim(w) == 2 else np.abs(w)
        with np.errstate(all="ignore"):
            unit = np.where(scale > 0, scale, 1.0)
            relative = np.where(good & (off == 0) | same, 0.0, off / unit)
            allowed = max(allowed, float(np.max(slack / unit, initial=0.0)))
        relative = np.where(np.isfinite(a) | same, relative, np.inf)
        got.append(a)
        errors.append(float(np.max(relative, initial=0.0)))
        oks.append(bool(np.all(good)))
        slacks.append(slack)
    probe.got, probe.slack, probe.allowed = tuple(got), tuple(slacks), allowed
    probe.ok, probe.error = all(oks), max(errors)
    names = [name for name, _ in contract.returns]
    probe.wrong = [names[i] if i < len(names) else f"state {i}"
                   for i, ok in enumerate(oks) if not ok]
    return probe


def allowance(dtype, K, want):
    """How far off an answer in this dtype may be."""
    return ROUNDINGS * float(np.finfo(dtype).eps) * np.maximum(K, np.abs(want)) + 1e-300


def shape_words(w, form):
    """The required shape in words."""
    return f"{w.shape}" + (" or a mean, ()," if form == LOSS else "")


def rows_of(args, b):
    """The arguments of one row, or of several (b a slice or an index array)."""
    index = slice(b, b + 1) if isinstance(b, int) else b
    B, result = batch_size(args), {}
    for name, a in args.items():
        if isinstance(a, np.ndarray) and name in DATA and a.ndim == 3:
            a = a[:, index]
        elif isinstance(a, np.ndarray) and (name in DATA and a.ndim == 2
                                            or name in LEVELS | {"step_size", "sigma_max"}
                                            and a.shape == (B, 1)):
            a = a[index]
        result[name] = a
    return result

