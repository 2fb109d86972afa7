"""check: is an implementation right, and if not, what is wrong with it?

    refsgm.check("denoising_score_matching", my_loss, framework="torch")

The foreign function is called with the arguments of refsgm's function of that name, at many probes,
and compared with it. A loss is judged in three parts: its value, its minimiser, and whether the
gradient that its framework takes is the derivative of the value.
"""

import numpy as np

from .calls.caller import LEVEL_SHAPES, MOST_SECONDS, Caller
from .calls.frameworks import framework_of
from .calls.judge import Probe, judge, new_probe, rows_of
from .calls.losses import loss_parts
from .calls.trial import Trial
from .doctor import Case, diagnose
from .doctor.codes import CODES, CONVENTIONS
from .kinds import LOSS, STATES, TABLE, find
from .kinds.probes import probe_specs
from .kinds.quantities import batch_size
from .report import Report


def check(kind, fn, framework="numpy", *, levels=None, event_shape=None, argnames=None, dtype=None,
          allow=(), dictionary=True, seconds=10.0):
    """Judge a foreign implementation of a public function of refsgm, a `Report`.

    kind         name of the function, or the function itself; its signature is the contract
    fn           the implementation: the same positional arguments, as arrays of its framework
    framework    the library of its arrays, such as "numpy", "torch" or "jax"
    levels       how noise levels arrive: "column" (B, 1), "flat" (B,), "trailing" (B, 1, ..., 1),
                 "scalar"; both (B, 1) and scalars if left out
    event_shape  shape of one sample, such as (3, 4, 4): data arrive as (B, 3, 4, 4)
    argnames     the contract's names in the order in which fn takes them, or {its keyword: name}
    dtype        "float64" or "float32" for all probes; both if left out
    allow        conventions that are accepted, such as {"mean-over-dims"}
    dictionary   whether known alternatives may explain a mistake, or the general engines alone
    seconds      time limit of one call
    Raises ValueError for a kind, framework or option that does not exist, and
        ModuleNotFoundError for a framework that is not installed.

    >>> from refsgm import check
    >>> report = check("gaussian_score", lambda x, mean, sigma: (x - mean) / sigma**2)
    >>> report.ok, report.diagnosis.code
    (False, 'sign')
    """
    contract = find(kind)
    if levels not in LEVEL_SHAPES:
        raise ValueError(f"levels must be one of column, flat, trailing, scalar or None, "
                         f"got {levels!r}")
    if dtype not in (None, "float32", "float64"):
        raise ValueError(f'dtype must be "float32", "float64" or None, got {dtype!r}')
    if not callable(fn):
        raise ValueError(f"fn must be a function, got {type(fn).__name__}")
    if event_shape is not None and not (
            isinstance(event_shape, (tuple, list)) and event_shape
            and all(isinstance(n, (int, np.integer)) and n > 0 for n in event_shape)):
        raise ValueError(f"event_shape must hold positive integers or be None, got {event_shape!r}")
    if not (isinstance(seconds, (int, float)) and 0 < seconds <= MOST_SECONDS):
        raise ValueError(f"seconds must be positive and at most a day, {MOST_SECONDS:g}, "
                         f"got {seconds!r}")
    allow = tuple(allow) if isinstance(allow, (set, frozenset, list, tuple)) else (allow,)
    unknown = [a for a in allow if a not in (*CODES, *CONVENTIONS)]
    if unknown:
        raise ValueError(f"allow must hold conventions ({', '.join(CONVENTIONS)}) or codes, "
                         f"got {unknown[0]!r}")
    caller = Caller(contract, fn, framework_of(framework), levels, event_shape, argnames, seconds)
    dim = None if event_shape is None else int(np.prod(event_shape))
    return verdict(caller, dim, dtype, allow, dictionary)


def verdict(caller, dim=None, dtype=None, allow=(), dictionary=True, further=()):
    """The report on whatever answers like a `Caller`: Python, another process, stored answers.

    further  probes that are judged already and count beside the usual ones
    """
    contract = caller.contract
    probes = [*probe_all(contract, caller, caller.levels, dim, dtype), *further]
    parts = loss_parts(contract, caller, probes, dim, dtype) if contract.form == LOSS else {}
    case = Case(contract, caller, probes, dim, dtype or "float64", dictionary)
    right = all(p.ok and not p.trial.mutated for p in probes)
    diagnoses = [] if right else diagnose(case)
    if parts and [d.code for d in diagnoses] == ["other-convention"]:
        parts |= {"value": "not judged", "minimiser": "not judged"}    # which are the contract's
    if parts.get("gradient") == "wrong":
        diagnoses.append(case.say("detached-gradient", "the gradient with respect to the "
                                  "parameters of the function that was passed is not the "
                                  "derivative of the value", "gradient"))
    return Report(contract.name, caller.framework.name, probes, diagnoses, parts, allow,
                  notes(case))


def probe_all(contract, caller, levels, dim, dtype):
    """Every probe, judged; after two that ran out of time, no more."""
    probes, late = [], 0
    for s in probe_specs(contract, levels, dim):
        if dtype is not None:
            if s.dtype != dtype and s.dtype == "float32":
                continue
            s = s._replace(dtype=dtype)
        probe = judge(contract, caller, new_probe(contract, s, caller.names))
        probes.append(probe)
        late += probe.trial.problem == "timeout"
        if late == 2:
            break
    if not late and contract.form not in (TABLE, STATES) and probes[0].ok:
        probes += metamorphic(contract, caller, probes[0])
    return probes


def metamorphic(contract, caller, probe):
    """The first probe again, with its rows in another order, and with every row twice."""
    B, probes = batch_size(probe.args), []
    for label, index in (("the first probe again", np.arange(B)),
                         ("its rows in another order", np.arange(B)[::-1]),
                         ("its rows twice", np.repeat(np.arange(B), 2))):
        want, sensitivity = (tuple(a[index] if a.shape[:1] == (B,) else a for a in arrays)
                             for arrays in (probe.want, probe.sensitivity))
        again = Probe(probe.situation._replace(label=label), rows_of(probe.args, index), want,
                      sensitivity, Trial())
        probes.append(judge(contract, caller, again))
    return probes


def notes(case):
    """What is worth knowing and not wrong."""
    probes = case.probes
    result = [f"an engine of the doctor failed ({failure})" for failure in case.failures]
    if any(p.mean for p in probes):
        result.append("it returns the mean over the batch")
    if any(p.trial.printed for p in probes):
        result.append("it prints, which was kept off the terminal")
    narrow = [p for p in probes if p.situation.dtype == "float64" and any(
        d == np.float32 for d in p.trial.dtypes)]
    if narrow:
        result.append("it returns float32 for float64 arguments, and is judged in float32")
    return tuple(result)
