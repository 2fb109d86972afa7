"""What is wrong with the calls themselves: no answer, another shape, arguments that are changed."""

import itertools

import numpy as np

from ..calls.signature import how_many
from ..calls.slack import slack_of
from ..kinds import LOSS, ROWS, TABLE

DRAW = ("draw by rng.standard_normal(x.shape), which gives arrays of your library; check_sampler "
        "judges loops that draw otherwise")


def call_problems(case):
    """Calls that raise, hang, return other shapes or change their arguments."""
    probes, found = case.probes, []
    failed = [p for p in probes if p.trial.problem]
    if failed and all(p.trial.problem in ("raises", "timeout") for p in probes):
        return [no_answer(case, failed[0].trial)]
    late = next((p for p in probes if p.trial.problem == "timeout"), None)
    if late is not None:
        found.append(case.say("timeout", f"at the probe {late.label!r}: {late.trial.error}",
                              "times out"))
    raised = [p for p in probes if p.trial.problem == "raises"]
    if raised:
        found.append(raises_somewhere(case, raised))
    real = any(p.got is not None for p in probes)          # complex somewhere: roots below zero
    misshapen = [p for p in probes if p.trial.problem == "wrong-shape"
                 and not (p.trial.unreal and real)]
    if case.contract.form == TABLE:                      # of other lengths `tables` says more
        misshapen = [p for p in misshapen if any(len(s) != 1 for s in p.trial.shapes)]
    if misshapen:
        found.append(other_shape(case, misshapen))
    changed = sorted({n for p in probes for n in p.trial.mutated})
    if changed:
        found.append(case.say("mutates-input", f"it changes {', '.join(changed)} in place",
                              "changes arguments"))
    return found


def exchanged_results(case):
    """Several results that are right in another order."""
    names, probes = [name for name, _ in case.contract.returns], []
    for p in case.probes:
        if p.trial.outputs is None or len(p.trial.outputs) != len(names):
            return []
        probes.append(p)
    for order in itertools.permutations(range(len(names))):
        if list(order) != sorted(order) and all(in_order(case, p, order) for p in probes):
            moved = [i for i, k in enumerate(order) if i != k]
            text = (f"{names[moved[0]]} and {names[moved[1]]} are exchanged" if len(moved) == 2 else
                    f"the results come in the order {', '.join(names[i] for i in order)}")
            return [case.say("swapped-results", text, "results exchanged",
                             fix=f"return {', '.join(names)}, in this order")]
    return []


def in_order(case, p, order):
    """Whether result i of a probe is the right one of place order[i], for every i."""
    for got, came, i in zip(p.trial.outputs, p.trial.dtypes, order):
        want = p.want[i]
        if got.size != want.size:
            return False
        slack = slack_of(case.contract, came, p.situation.dtype, p.sensitivity[i], want)
        if not np.all(np.abs(np.reshape(got, want.shape) - want) <= slack):
            return False
    return True


def no_answer(case, trial):
    """It fails at every probe; the contract is shown if the number of arguments is the reason."""
    verb = "does not answer" if trial.problem == "timeout" else "raises"
    arity = trial.error.startswith("TypeError") and "argument" in trial.error
    fix = f"the contract is {case.contract.signature()}" if arity else ""
    if "LoopNoise" in trial.error:                       # the rng was used as another one is
        fix = DRAW
    elif arity and "rng" in case.contract.args and (
            how_many(case.caller.fn) == case.contract.required - 1):
        fix += ": take rng too, and draw by rng.standard_normal(x.shape)"
    return case.say(trial.problem, f"it {verb} at every probe: {trial.error}", "answers nowhere",
                    fix=fix)


def raises_somewhere(case, raised):
    """It raises at some probes: at all that are oblong, or at others."""
    square = [p for p in case.probes if p.situation.B == p.situation.D > 1 and p.situation.rows]
    oblong = [p for p in case.probes if p.situation.B != p.situation.D and p.situation.rows
              and min(p.situation.B, p.situation.D) > 1]
    if (square and oblong and not any(p.trial.problem == "raises" for p in square)
            and all(p.trial.problem == "raises" for p in oblong)):
        return case.say("broadcast", "with levels by row it raises when B != D and answers when "
                        f"B == D ({oblong[0].trial.error}): the levels are broadcast along "
                        "features", "levels along features")
    p = min(raised, key=lambda p: p.situation.B * p.situation.D)
    wrong = any(not p.ok for p in case.probes if p.situation.regime == "plain"
                and p.got is not None)
    beside = wrong and all(p.trial.outside for p in raised)    # as NaN would be, of other numbers
    return case.say("raises", f"it raises at {len(raised)} of {len(case.probes)} probes, such as "
                    f"{p.label!r}: {p.trial.error}",
                    "gaps among wrong values" if beside else "raises somewhere",
                    accounts=all(p.ok for p in case.probes if p.trial.problem != "raises"))


def other_shape(case, probes):
    """What a wrong shape tells."""
    p = next((p for p in probes if p.situation.B != p.situation.D), probes[0])
    B, D, shapes = p.situation.B, p.situation.D, p.trial.shapes
    if case.contract.form in (LOSS, ROWS) and shapes and shapes[0] == (B, D):
        a, want = p.trial.outputs[0], p.want[0]
        sums = {"the sum": np.sum(a, axis=1), "the mean": np.mean(a, axis=1)}
        right = [word for word, v in sums.items() if np.allclose(v, want, rtol=1e-4)]
        text = f", {right[0]} of which over features is right" if right else ""
        return case.say("not-reduced", f"it returns one value per feature, {shapes[0]}{text}",
                        "not reduced", accounts=right)
    if shapes and (shapes[0][:2] == (B, B) or shapes[0][:3] == (B, B, D)) and B != D:
        return case.say("broadcast", f"it returns shape {shapes[0]} for B = {B}, D = {D}: rows "
                        "were broadcast against rows", "rows against rows")
    return case.say("wrong-shape", f"at the probe {p.label!r}: {p.trial.error}", "wrong shape")
