"""State that foreign code keeps between calls: a cache whose key says too little, a counter.

The same call gives one result now and another one then; or the first call of a kind is right, such
as that of a new batch size, and the next call of the same kind is wrong, whichever of the two sets
of numbers comes first.
"""

import itertools

import numpy as np

from ..calls.again import in_foreign
from ..calls.global_state import put_back
from ..calls.judge import ask, judge, new_probe, probe_at, rows_of
from ..calls.reference import reference
from ..kinds import STATES, TABLE
from ..kinds.alike import alike_questions
from ..kinds.probes import fit_specs
from ..kinds.wide import FORM, ODD_FORM

ASKED = 4                                          # times that a call is made again
ROUNDS = 4                                         # new sizes at which it must be so
NEW = {"batch size": ("B", itertools.cycle(range(37, 97))),       # sizes that were not asked yet
       "number of features": ("D", itertools.cycle(range(23, 43))),
       "number of entries": ("count", itertools.cycle(range(23, 83)))}
COUNTED = "n_levels", "n_steps"
OUTSIDE = ValueError, ZeroDivisionError, OverflowError          # what is no argument of the kind
SEEDS = 7001, 7002                                 # of further questions


def remembered(case):
    """Whether results depend on the calls before; not asked where none is wrong, but some missing.
    """
    wrong = any(not p.ok and p.trial.outputs is not None for p in case.probes)
    if case.contract.adaptive or not wrong or any(
            p.trial.problem == "timeout" for p in case.probes):
        return []
    words = differs(case) or of_a_size(case) or of_a_key(case) or of_the_first(case)
    return [case.say("keeps-state", words, "keeps a state")] if words else []


def differs(case):
    """Whether the same call has given one result several times, and another one too; in words.

    Noise gives another result each time. The arrays of all calls are kept, so that no two have the
    same place in memory, and other calls are made between.
    """
    answered = [p for p in case.probes if p.trial.outputs is not None
                and p.situation.regime not in ("odd", FORM, ODD_FORM)]    # which come otherwise
    kept, others = [], itertools.cycle(answered[1:4] or answered)
    for p in (*answered[:1], *[p for p in answered if not p.ok][:2]):
        dtype, results = np.dtype(p.situation.dtype), [[p.trial]]
        for _ in range(ASKED):
            ask(case.caller, next(others))
            if case.caller.fn is None:                               # another process has its own
                trial = ask(case.caller, p)
            else:
                kept.append(in_foreign(case.caller, p.args, dtype))
                trial = case.caller(p.args, dtype, given=kept[-1])
            if trial.outputs is None:
                break
            like = next((group for group in results if alike(trial, group[0])), None)
            results.append([trial]) if like is None else like.append(trial)
        if 1 < len(results) < sum(map(len, results)) and not draws(case, p):
            return ("the same call gives one result at one time and another at another time: "
                    "something is kept from call to call")
    return ""


def draws(case, p):
    """Whether a call draws from a global generator, of which a few values may come twice."""
    with put_back() as changes:
        ask(case.caller, p)
    return any("global generator" in change for change in changes)


def alike(trial, other):
    """Whether two calls gave the same, but for the order in which numbers were added."""
    near = 1e-4 if np.float32 in (*trial.dtypes, *other.dtypes) else 1e-9
    return len(trial.outputs) == len(other.outputs) and all(
        a.shape == b.shape and np.allclose(a, b, rtol=near, atol=near * np.max(
            np.abs(b), initial=0.0, where=np.isfinite(b)), equal_nan=True)
        for a, b in zip(trial.outputs, other.outputs))


def of_a_size(case):
    """Whether the first call of a new size is right, and the next one wrong; in words, or "".

    Of the batch, the rows that were wrong in the second place are right in the first place.
    """
    table = case.contract.form in (TABLE, STATES)
    sizes = ["number of entries"] if table else [
        "batch size", *["number of features"] * (case.dim is None)]
    for size in sizes:
        field, values = NEW[size]
        if all(of_new_size(case, field, value, k) for k, value in zip(range(ROUNDS), values)):
            return (f"it is right at the first call with a new {size}, and wrong at the next call "
                    "with the same one: something is kept from call to call")
    return ""


def of_new_size(case, field, value, k):
    """Whether draw k is right at a new size, and draw k + 1 wrong after it."""
    spec = fit_specs(case.contract, case.caller.levels != "scalar", case.dim)[0]
    spec = spec._replace(dtype=case.dtype, **{field: value if field != "B" else 97})
    try:
        one, two = (new_probe(case.contract, spec._replace(seed=spec.seed + i), case.caller)
                    for i in (k, k + 1))
        one, two = (probe_at(case.contract, p.situation._replace(**{field: value}),
                             rows_of(case.contract, p.args, slice(0, value)) if field == "B" else
                             p.args | {n: value for n in COUNTED if n in p.args and field != "D"})
                    for p in (one, two))
    except OUTSIDE:
        return False
    return right_then_wrong(case, one, two)


def right_then_wrong(case, one, two):
    """Whether the first of two calls is right, and the second another number, which is wrong."""
    return (judge(case.contract, case.caller, one).ok
            and not judge(case.contract, case.caller, two).ok and np.isfinite(two.error))


def of_a_key(case):
    """Whether the second of two calls that agree in what may be a key is wrong, in either order.
    """
    if not case.probes[0].ok or case.contract.form == STATES:
        return ""
    for first, second in pairs(case, SEEDS[0]):
        if right_then_wrong(case, first, second) and all(
                shaken_too(case, order, by) for by, order in (
                    (0.999, (second, first)), (0.998, (first, second)), (0.997, (second, first)))):
            words = second.label.removeprefix("call after call: ")
            return (f"of two calls the second is wrong, whichever it is, where {words}: "
                    "something is kept from call to call")
    return ""


def shaken_too(case, order, by):
    """The same at numbers that are new, and as good as the same: all times a factor near 1."""
    def shaken(probe):
        args = {n: a * by if isinstance(a, (float, np.ndarray)) and n != "weights" else a
                for n, a in probe.args.items()}
        return probe_at(case.contract, probe.situation, args)
    try:
        return right_then_wrong(case, *map(shaken, order))
    except OUTSIDE:
        return False


def of_the_first(case):
    """Whether an argument is that of the first call, for good; in words, or ""."""
    first, later = case.probes[0], []
    if not first.ok or case.contract.form == TABLE:
        return ""
    for seed in SEEDS:
        try:
            later.append(judge(case.contract, case.caller, new_probe(
                case.contract, first.situation._replace(seed=seed), case.caller)))
        except OUTSIDE:
            return ""
    if any(p.ok or p.got is None or p.mean for p in later):
        return ""
    for name in (n for n, a in first.args.items() if isinstance(a, (float, np.ndarray))):
        if all(is_of(p, case.contract, {name: first.args[name]}) for p in later):
            return (f"of calls of one size, {name} is always that of the first: it is kept from "
                    "call to call")
    return ""


def is_of(probe, contract, changes):
    """Whether an answer is the right one to other arguments."""
    try:
        want = reference(contract, probe.args | changes)
    except OUTSIDE:
        return False
    return len(probe.got) == len(want) and all(
        np.all(np.abs(a - b) <= 8 * s + 1e-9 * np.abs(b))
        for a, b, s in zip(probe.got, want, probe.slack))


def pairs(case, seed):
    """(the first question, another one that agrees with it in what may be a key), as probes."""
    asked = alike_questions(case.contract, seed, tuple(case.caller.taken),
                            case.caller.levels != "scalar", case.dim, case.dtype, False)
    first = asked[0] if asked else None
    for q in asked[1:]:
        if q.spec.label.endswith("the first"):
            first = q
        else:
            yield tuple(probe_at(case.contract, a.spec, dict(a.args)) for a in (first, q))
