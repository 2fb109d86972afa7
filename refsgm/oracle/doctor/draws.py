"""Noise that code draws itself, of another law or shape than is meant, or drawn twice.

Such code is asked again, with normal numbers in the place of what it drew. Where it is right then,
the draw is what is wrong; where it is not, nothing is said of what the draw may be.
"""

import copy
from functools import partial

import numpy as np

from ..calls.drawn_noise import LAWS, Followed
from ..calls.judge import ask
from ..calls.reference import reference
from ..kinds import LOSS

UNIT = "from -1 to 1, or +-1", "of variance 1"      # laws that slicing directions may have
ENOUGH = 3                                            # probes at which it must be right then


def other_draws(case):
    """What is wrong with the noise that foreign code draws; [] where nothing is."""
    plain = [p for p in case.probes if p.situation.regime == "plain"]
    drawn = [p for p in plain if p.trial.drawn]
    wrong = drawn or [p for p in plain if p.got is not None and not p.ok]
    oblong = [p for p in wrong if p.situation.B != p.situation.D
              and min(p.situation.B, p.situation.D) > 1]
    if len(oblong) < ENOUGH:
        return []
    for law in LAWS:
        seen = [followed(case, p, law, lambda z: z) for p in oblong]
        if all(right for right, *_ in seen):
            _, names, shapes = seen[0]
            once = all(followed(case, p, law, lambda z: 2 * z)[0] for p in oblong)
            found = drawn_as(case, oblong[0], law, names, shapes, once)
            if found:
                return [found]
    if not drawn:
        return []
    words = f"take {' and '.join(case.caller.draws)} as an argument"
    return [case.say("unknown", f"{drawn[0].trial.drawn}, and what it makes of that cannot be "
                     "followed", "draws otherwise", fix=words + (
                         ", or ask check_training" if case.contract.form == LOSS else ""))]


def followed(case, probe, law, again):
    """(whether it is right with normal numbers, what it drew by, their shapes) at a probe."""
    caller, made, names, shapes = copy.copy(case.caller), {}, [], []
    caller.own_noise = partial(Followed, law=law, again=again, made=made, names=names,
                               shapes=shapes)
    trial = ask(caller, probe)
    if trial.outputs is None or not made or len(trial.outputs) != len(probe.want):
        return False, names, shapes
    want = reference(case.contract, probe.args | {
        n: np.reshape(a, probe.args[n].shape) for n, a in made.items()})
    near = 1e-4 if trial.dtypes[0] == np.float32 else 1e-6     # torch draws in float32
    for got, w, (_, form) in zip(trial.outputs, want, case.contract.returns):
        got, mean = caller.in_contract_shape(got, w, form)
        if got is None or not np.allclose(got, np.mean(w) if mean else w, rtol=near,
                                          atol=near * np.max(np.abs(w))):
            return False, names, shapes
    return True, names, shapes


def drawn_as(case, probe, law, names, shapes, once):
    """The diagnosis of code that is right but for its draws, or None where they may be so.

    once  whether it uses the first draw alone
    """
    (name, *_), noise = case.caller.draws, probe.args[case.caller.draws[0]]
    B, shape = probe.situation.B, shapes[0]
    if names and not (case.contract.sliced and law in UNIT):
        return case.say("wrong-law", f"{name} is drawn by {names[0]}, where standard normal noise "
                        "is meant", "draws otherwise")
    if names:
        return None
    if len(shapes) > 1 and not once and noise.ndim == 2:
        return case.say("other-noise", f"{name} is drawn {len(shapes)} times, where it is one "
                        "draw in all places", "draws otherwise")
    if np.prod(shape) == noise.size or noise.ndim > 2:
        return None
    if len(shape) == noise.ndim and shape[0] == B:
        return case.say("wrong-law", f"{name} is drawn in the shape {shape}: the features of a row "
                        "share one number", "draws otherwise")
    return case.say("shared-noise", f"{name} is drawn in the shape {shape}, once for all {B} rows",
                    "draws otherwise")
