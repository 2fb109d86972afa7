"""What the result depends on: noise of its own, arguments ignored, rows that mix, edges."""

from functools import partial

import numpy as np

from ..calls.judge import ask
from ..calls.reference import reference
from ..kinds import DATA, LEVELS
from ..kinds.drawing import arguments
from ..kinds.quantities import batch_size
from ..kinds.wide import FURTHER
from .call_problems import DRAW
from .misread_arguments import explains

IGNORES = "the result does not depend on "
NEARBY = 0.93                              # factor of a level that is changed


def plain_failure(case):
    """A plain probe with a wrong answer, one that is finite, with rows and features to tell apart,
    if there is.
    """
    wrong = [p for p in case.probes if p.situation.regime == "plain" and p.got is not None
             and not p.ok]
    large = [p for p in wrong if p.situation.B > 2 and p.situation.D > 1 and p.situation.rows]
    finite = [p for p in (*large, *wrong) if np.isfinite(p.error)]
    return next(iter((*finite, *large, *wrong)), None)


def repeatability(case):
    """The same call twice."""
    p = plain_failure(case)
    again = ask(case.caller, p)
    if again.outputs is None or p.trial.outputs is None:
        return []
    if all(np.allclose(a, b, rtol=1e-12, equal_nan=True)
           for a, b in zip(again.outputs, p.trial.outputs)):
        return []
    return [case.say("not-repeatable", "two calls with the same arguments differ: it draws noise "
                     "of its own, or keeps a state", "noise of its own",
                     fix=DRAW if "rng" in case.contract.args else "")]


def dependence(case):
    """Arguments that do not matter, rows that mix, levels along the wrong axis."""
    found = dependence_at(case, plain_failure(case))
    return [held(case, d) or d if d.sentence.startswith(IGNORES) else d for d in found]


def held(case, ignored):
    """The same diagnosis with the value that the argument has instead, or None."""
    name = ignored.sentence.removeprefix(IGNORES)
    default = next(p.default for p in case.contract.parameters if p.name == name)
    for value in (default, 1.0, 0.0):
        if isinstance(value, float) and explains(case, partial(at_value, case, name, value), True):
            return case.say("argument-ignored", f"{IGNORES}{name}: it is that for {name} = "
                            f"{value:g}", "argument held", fix=f"use {name}")
    return None


def at_value(case, name, value, args):
    """refsgm's answer to another value of an argument."""
    if name not in args:                                               # it has its default there
        return reference(case.contract, args)
    same = value + 0 * args[name]
    return reference(case.contract, args | {name: same if np.ndim(same) else float(same)})


def dependence_at(case, p):
    """The same, by changes of the arguments of one probe."""
    found, B = [], batch_size(p.args)
    base = flat(p.trial.outputs)
    if not np.any(np.isfinite(base)):                     # NaN equals NaN, whatever the argument
        return []
    other = arguments(case.contract, p.situation._replace(seed=p.situation.seed + 50))
    for name in (*case.caller.names, *case.caller.draws):
        a = p.args.get(name)
        if not isinstance(a, (float, np.ndarray)):
            continue
        changed = other[name] if name in DATA and np.ndim(a) else nearby(a)
        if name == "weights" and "means" in p.args:               # they sum to 1
            changed = a[::-1].copy()
        if not should_move(case, p, {name: changed}):
            continue
        trial = ask(case.caller, p, **{name: changed})
        if trial.outputs is None or sum(o.size for o in trial.outputs) != base.size:
            continue
        if np.array_equal(flat(trial.outputs), base, equal_nan=True):
            if ignored_elsewhere(case, name):
                found.append(case.say("argument-ignored", IGNORES + name, "argument ignored",
                                      fix=f"use {name}"))
            continue
        if B > 2 and isinstance(a, np.ndarray) and p.got is not None and not p.mean:
            found += row_dependence(case, p, name, changed)
    if any(d.code == "rows-mixed" for d in found):          # not a matter of the levels alone
        found = [d for d in found if d.code != "broadcast"]
    return found


def flat(outputs):
    """All numbers of an answer in one array."""
    return np.concatenate([np.ravel(a) for a in outputs])


def should_move(case, p, changes):
    """Whether the right answer moves when arguments are changed so; None outside their domain."""
    try:
        want = reference(case.contract, p.args | changes)
    except ValueError:
        return None
    came = p.trial.outputs or p.want                            # what is NaN does not move at all
    return any(np.any(np.isfinite(a)) and not np.allclose(w, v, rtol=1e-6, atol=0)
               for a, w, v in zip(came, want, p.want))


def ignored_elsewhere(case, name):
    """Whether an argument does not matter at other probes either, where it should."""
    for p in case.fit_probes()[:3]:
        a = p.args.get(name)
        if a is None:
            continue
        changes = {name: a[::-1].copy() if np.ndim(a) and name in DATA | {"weights"}
                   else nearby(a)}
        should = should_move(case, p, changes)
        if should is None:
            continue
        trial = ask(case.caller, p, **changes)
        if trial.outputs is None or p.trial.outputs is None:
            continue
        moved = any(not np.array_equal(new, old, equal_nan=True)
                    for new, old in zip(trial.outputs, p.trial.outputs))
        if moved and should:
            return False
    return True


def nearby(a):
    """A level or number a little smaller, in different measure for every row."""
    if isinstance(a, float):
        return a * NEARBY
    return a * np.linspace(NEARBY, 1 - (1 - NEARBY) / 3, a.size).reshape(a.shape)


def row_dependence(case, p, name, replacement):
    """Which rows of the result move when one row of an argument does."""
    a, B = p.args[name], batch_size(p.args)
    if case.contract.adaptive:                              # one adaptive solver for all rows
        return []
    in_rows = name in DATA and a.ndim == 2 or name in LEVELS | {"step_size"} and a.shape == (B, 1)
    if not in_rows or replacement.shape != a.shape:
        return []
    moved = np.zeros((B, B), bool)                        # [row of the result, row of the argument]
    should = np.zeros(B, bool)
    for j in range(B):
        changed = a.copy()
        changed[j] = replacement[j]
        trial = ask(case.caller, p, **{name: changed})
        if trial.outputs is None or trial.outputs[0].shape != p.trial.outputs[0].shape:
            return []
        for new, old in zip(trial.outputs, p.trial.outputs):
            if new.ndim and len(new) == B:
                off = ~np.isclose(new, old, rtol=1e-9, atol=0, equal_nan=True).reshape(B, -1)
                moved[:, j] |= off.any(axis=1)
        for new, old in zip(reference(case.contract, p.args | {name: changed}), p.want):
            should[j] |= bool(np.any(new != old))
    dead = ~moved.any(axis=0) & should
    if not (moved & ~np.eye(B, dtype=bool)).any():
        return []
    if dead.any():
        return [case.say("argument-ignored", f"only row {int(np.argmin(dead))} of {name} is used, "
                         "for all rows", "one row for all")]
    if name in LEVELS or name == "step_size":
        return [case.say("broadcast", f"a row of {name} changes other rows of the result: it is "
                         "broadcast along the wrong axis", "levels broadcast")]
    return [case.say("rows-mixed", f"a row of {name} changes other rows of the result",
                     "rows mixed")]


def edges(case):
    """Right at all plain probes, wrong at an edge, or at a random probe."""
    wrong = [p for p in case.probes if not p.ok]
    edge = [p for p in wrong if p.situation.regime in FURTHER or (
        p.situation.regime == "plain" and p.situation.dtype == case.dtype)]
    edge = [p for p in edge if np.isfinite(p.error) or p.trial.problem == "wrong-shape"]
    if not edge or len(edge) < len(wrong):
        return []
    labels = ", ".join(p.label for p in edge[:3])
    if [p.label for p in edge] == ["variance = beta"]:
        return [case.say("argument-ignored", "the result does not depend on variance",
                         "variance ignored")]
    return [case.say("special-case", f"it is right except at: {labels}", "edge")]
