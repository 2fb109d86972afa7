"""What the result depends on: the calls themselves, arguments ignored, rows that mix, edges."""

import numpy as np

from ..kinds import DATA, LEVELS, LOSS, ROWS, STATES, TABLE, arguments, batch_size
from ..kinds.test_functions import Field
from ..calls.reference import reference
from .evaluation_points import evaluation_points
from .misread_arguments import chosen, exchanged, misread, transformed
from .tables import tables


def call_problems(case):
    """What is wrong with the calls themselves; cost 0 or less where nothing else need be asked."""
    probes = case.probes
    found = []
    failed = [p for p in probes if p.trial.problem]
    if failed and all(p.trial.problem in ("raises", "timeout") for p in probes):
        p = failed[0]
        verb = "does not answer" if p.trial.problem == "timeout" else "raises"
        arity = p.trial.error.startswith("TypeError") and "argument" in p.trial.error
        return [case.say(p.trial.problem, f"it {verb} at every probe: {p.trial.error}", "call", -1,
                         fix=f"the contract is {case.contract.signature()}" if arity else "")]
    if any(p.trial.problem == "timeout" for p in probes):
        p = next(p for p in probes if p.trial.problem == "timeout")
        found.append(case.say("timeout", f"at the probe {p.label!r}: {p.trial.error}", "call", -1))
    raised = [p for p in probes if p.trial.problem == "raises"]
    if raised:
        square = [p for p in probes if p.situation.B == p.situation.D > 1 and p.situation.rows]
        oblong = [p for p in probes if p.situation.B != p.situation.D and p.situation.rows
                  and min(p.situation.B, p.situation.D) > 1]
        if (square and oblong and not any(p.trial.problem == "raises" for p in square)
                and all(p.trial.problem == "raises" for p in oblong)):
            found.append(case.say("broadcast", "with levels by row it raises when B != D and "
                                  f"answers when B == D ({oblong[0].trial.error}): the levels are "
                                  "broadcast along features", "structure", 0))
        else:
            p = min(raised, key=lambda p: p.situation.B * p.situation.D)
            found.append(case.say("raises", f"it raises at {len(raised)} of {len(probes)} probes, "
                                  f"such as {p.label!r}: {p.trial.error}", "call", 0.4))
    misshapen = [p for p in probes if p.trial.problem == "wrong-shape"]
    if misshapen and case.contract.form != TABLE:
        found.append(shape_diagnosis(case, misshapen))
    changed = sorted({n for p in probes for n in p.trial.mutated})
    if changed:
        found.append(case.say("mutates-input", f"it changes {', '.join(changed)} in place", "call",
                              0.5))
    return found


def shape_diagnosis(case, probes):
    """What a wrong shape tells."""
    p = next((p for p in probes if p.situation.B != p.situation.D), probes[0])
    B, D = p.situation.B, p.situation.D
    shapes = p.trial.shapes
    form = case.contract.form
    if form in (LOSS, ROWS) and shapes and shapes[0] == (B, D):
        a, want = p.trial.outputs[0], p.want[0]
        sums = {"the sum": np.sum(a, axis=1), "the mean": np.mean(a, axis=1)}
        right = [word for word, v in sums.items() if np.allclose(v, want, rtol=1e-4)]
        text = f", {right[0]} of which over features is right" if right else ""
        return case.say("not-reduced", f"it returns one value per feature, {shapes[0]}{text}",
                        "structure", 0)
    if shapes and (shapes[0][:2] == (B, B) or shapes[0][:3] == (B, B, D)) and B != D:
        return case.say("broadcast", f"it returns shape {shapes[0]} for B = {B}, D = {D}: rows "
                        "were broadcast against rows", "structure", 0)
    return case.say("wrong-shape", f"at the probe {p.label!r}: {p.trial.error}", "call", 0)


def structure(case):
    """All structural explanations."""
    found = tables(case) if case.contract.form == TABLE else []
    plain = next((p for p in case.probes if p.situation.regime == "plain" and not p.ok
                  and p.got is not None and p.situation.B > 2 and p.situation.D > 1
                  and p.situation.rows), None)
    if plain is None:
        plain = next((p for p in case.probes if p.got is not None and not p.ok
                      and p.situation.regime == "plain"), None)
    if plain is None:
        return found + edges(case)
    found += repeatability(case, plain)
    if found and found[-1].code == "not-repeatable":
        return found
    if any(isinstance(a, Field) for a in plain.args.values()) and case.contract.form != STATES:
        found += evaluation_points(case)
    if case.contract.form != STATES:
        found += dependence(case, plain)
    if not case.more or all(p.ok for p in case.more):
        return found + edges(case)
    return found + exchanged(case) + chosen(case) + misread(case) + transformed(case)


def repeatability(case, p):
    """The same call twice."""
    again = case.caller(p.args, np.dtype(p.situation.dtype))
    if again.outputs is None or p.trial.outputs is None:
        return []
    if all(np.allclose(a, b, rtol=1e-12, equal_nan=True)
           for a, b in zip(again.outputs, p.trial.outputs)):
        return []
    return [case.say("not-repeatable", "two calls with the same arguments differ: it draws noise "
                     "of its own, or keeps a state", "structure", 0.1)]


def dependence(case, p):
    """Arguments that do not matter, rows that mix, levels along the wrong axis."""
    found, B = [], batch_size(p.args)
    dtype = np.dtype(p.situation.dtype)
    base = np.concatenate([np.ravel(a) for a in p.trial.outputs])
    if not np.any(np.isfinite(base)):                     # NaN equals NaN, whatever the argument
        return []
    other = arguments(case.contract, p.situation._replace(seed=p.situation.seed + 50))
    for name in case.caller.names:
        a = p.args.get(name)
        if not isinstance(a, (float, np.ndarray)):
            continue
        args = p.args | {name: other[name] if name in DATA else nearby(a, 0.93)}
        if name == "weights" and case.contract.name.startswith("mixture"):
            args[name] = a[::-1].copy()
        try:
            want = reference(case.contract, args)
        except ValueError:
            continue
        if all(np.allclose(w, v, rtol=1e-6, atol=0) for w, v in zip(want, p.want)):
            continue
        trial = case.caller(args, dtype)
        if trial.outputs is None or sum(o.size for o in trial.outputs) != base.size:
            continue
        now = np.concatenate([np.ravel(o) for o in trial.outputs])
        if np.array_equal(now, base, equal_nan=True):
            if ignored_elsewhere(case, name):
                found.append(case.say("argument-ignored", f"the result does not depend on {name}",
                                      "structure", 1.1))
            continue
        if B > 2 and isinstance(a, np.ndarray) and p.got is not None and not p.mean:
            found += row_dependence(case, p, name, args[name], dtype)
    if any(d.code == "rows-mixed" for d in found):          # not a matter of the levels alone
        found = [d for d in found if d.code != "broadcast"]
    return found


def ignored_elsewhere(case, name):
    """Whether an argument does not matter at other probes either, where it should."""
    for p in case.more[:3]:
        a = p.args.get(name)
        if a is None:
            continue
        args = p.args | {name: a[::-1].copy() if name in DATA | {"weights"} else nearby(a, 0.93)}
        try:
            want = reference(case.contract, args)
        except ValueError:
            continue
        trial = case.caller(args, np.dtype(p.situation.dtype))
        if trial.outputs is None or p.trial.outputs is None:
            continue
        moved = any(not np.array_equal(a, b, equal_nan=True)
                    for a, b in zip(trial.outputs, p.trial.outputs))
        if moved and any(not np.allclose(w, v, rtol=1e-6, atol=0) for w, v in zip(want, p.want)):
            return False
    return True


def nearby(a, factor):
    """A level or number a little smaller, in different measure for every row."""
    if isinstance(a, float):
        return a * factor
    return a * np.linspace(factor, 1 - (1 - factor) / 3, a.size).reshape(a.shape)


def row_dependence(case, p, name, replacement, dtype):
    """Which rows of the result move when one row of an argument does."""
    a, B = p.args[name], batch_size(p.args)
    if case.contract.name == "log_likelihood":             # one adaptive solver for all rows
        return []
    in_rows = name in DATA and a.ndim == 2 or name in LEVELS | {"step_size"} and a.shape == (B, 1)
    if not in_rows or replacement.shape != a.shape:
        return []
    moved = np.zeros((B, B), bool)                        # [row of the result, row of the argument]
    should = np.zeros(B, bool)
    for j in range(B):
        changed = a.copy()
        changed[j] = replacement[j]
        trial = case.caller(p.args | {name: changed}, dtype)
        if trial.outputs is None or trial.outputs[0].shape != p.trial.outputs[0].shape:
            return []
        for new, old in zip(trial.outputs, p.trial.outputs):
            if new.ndim and len(new) == B:
                off = ~np.isclose(new, old, rtol=1e-9, atol=0, equal_nan=True).reshape(B, -1)
                moved[:, j] |= off.any(axis=1)
        for new, old in zip(reference(case.contract, p.args | {name: changed}), p.want):
            should[j] |= bool(np.any(new != old))
    dead = ~moved.any(axis=0) & should
    if dead.any() and (moved & ~np.eye(B, dtype=bool)).any():
        return [case.say("argument-ignored", f"only row {int(np.argmin(dead))} of {name} is used, "
                         "for all rows", "structure", 1.0)]
    if (moved & ~np.eye(B, dtype=bool)).any():
        if name in LEVELS or name == "step_size":
            return [case.say("broadcast", f"a row of {name} changes other rows of the result: it "
                             "is broadcast along the wrong axis", "structure", 0.2)]
        return [case.say("rows-mixed", f"a row of {name} changes other rows of the result",
                         "structure", 0.9)]
    return []


def edges(case):
    """Right at all plain probes, wrong at an edge."""
    wrong = [p for p in case.probes if not p.ok]
    edge = [p for p in wrong if p.situation.regime == "plain" and p.situation.dtype == case.dtype
            and np.isfinite(p.error)]
    if not edge or len(edge) < len(wrong):
        return []
    labels = ", ".join(p.label for p in edge[:3])
    if [p.label for p in edge] == ["variance = beta"]:
        return [case.say("argument-ignored", "the result does not depend on variance", "structure",
                         1)]
    return [case.say("special-case", f"it is right except at: {labels}", "structure", 2)]
