"""Whole loops, step by step: every transition of a sampler is a sum of three terms.

    x_next = a x + b f(x, level) + c z,      f the function that was passed, z the draw of this step

The states that a loop yields, the values that its function returned, and the draws that it was
given are all known, so a, b, c of every step can be recovered and compared.
"""

import numpy as np

from ..calls.recorded import answers, distinct
from ..calls.reference import reference
from ..kinds.quantities import step_quantities
from ..kinds.test_functions import Field, Noise
from .recover import Sample, recover

ROUNDING = {np.dtype(np.float32): 2e-6}      # of a state, relative; 1e-10 in any other precision


def transitions(case):
    """`Recovered` coefficients of every step, or None where steps cannot be told apart."""
    table = recover(steps(case), every=True)
    if table is None:
        return None
    rounding = {n: 1e-6 * np.maximum(np.abs(c), 1e-3) for n, c in table.want.items()}
    return table._replace(slack={n: np.maximum(s, rounding[n]) for n, s in table.slack.items()})


def steps(case):
    """A `Sample` of every step of every run; None where one cannot be made."""
    for p in case.fit_probes():
        outputs, truth = p.trial.outputs, reference(case.contract, p.args)
        f = next(a for a in p.args.values() if isinstance(a, Field))
        shape, calls = truth[0].shape, distinct(calls_of(case.contract, p.args))
        made, right = answers(f, p.trial.calls, shape), answers(f, calls, shape)
        if len(outputs) != len(truth) or made is None or len(made) != len(right):
            yield None
            return
        noise = Noise(getattr(p.args.get("rng"), "seed", 0))
        draws = [noise.standard_normal(shape) for _ in truth] if "rng" in p.args else None
        rounding = ROUNDING.get(p.trial.dtypes[0], 1e-10)
        stride = 1 if len(right) == len(truth) else 2               # calls of the function a step
        for i in range(len(truth)):
            calls_now = slice(stride * i, stride * i + (2 if len(right) > len(truth) else 1))
            if not right[calls_now]:
                continue
            draw, first = None if draws is None else draws[i], "x" in p.args and i == 0
            before = (p.args["x"], p.args["x"]) if first else (outputs[i - 1], truth[i - 1])
            slack = [np.full(truth[i].size, rounding * np.max(np.abs(a)))
                     for a in (outputs[i], truth[i])]
            yield Sample(np.ravel(outputs[i]), np.ravel(truth[i]),
                         terms_of_step(before[0], made[calls_now], draw),
                         terms_of_step(before[1], right[calls_now], draw),
                         *slack, step_quantities(case.contract, p.args, i))


def terms_of_step(before, values, draw):
    """The terms of one step: its start, what the function returned once or twice, its draw."""
    arrays = {"x": before, **dict(zip(("the function's value", "its second value"), values))}
    if draw is not None:
        arrays["z"] = draw
    return {n: np.ravel(a) for n, a in arrays.items()}


def calls_of(contract, args):
    """The calls that refsgm's loop makes of its function."""
    name = next(n for n, a in args.items() if isinstance(a, Field))
    f, calls = args[name], []

    def noting(x, *level):
        calls.append((np.array(x), *[np.array(a, np.float64) for a in level]))
        return f(x, *level)
    given = {n: noting if n == name else Noise(a.seed) if isinstance(a, Noise) else a
             for n, a in args.items()}
    list(contract.function(*given.values()))
    return calls


def order_of_levels(case):
    """Levels passed to the function in the wrong order or shifted."""
    for p in case.fit_probes()[:1]:
        seen, right = ([float(np.mean(c[1])) for c in distinct(calls)
                        if len(c) > 1 and c[1] is not None]
                       for calls in (p.trial.calls, calls_of(case.contract, p.args)))
        if len(right) < 2 or not seen:
            return []
        if len(seen) == len(right) and np.allclose(seen, right[::-1], rtol=1e-5) and (
                not np.allclose(seen, right, rtol=1e-5)):
            return [case.say("reversed", "the levels are visited in reverse order",
                             "levels reversed")]
        if len(seen) != len(right):
            return [case.say("evaluation-point", f"the function is called {len(seen)} times, where "
                             f"{len(right)} are required", "number of calls")]
        if not np.allclose(seen, right, rtol=1e-4):
            for which, shifted in (("step before", np.allclose(seen[1:], right[:-1], rtol=1e-4)),
                                   ("next step", np.allclose(seen[:-1], right[1:], rtol=1e-4))):
                if len(set(right)) > 1 and shifted:
                    return [case.say("index-shift", "the function is passed the level of the "
                                     + which, "level of another step",
                                     fix="pass it the level that the step starts from")]
            return [case.say("evaluation-point", "the function is passed the wrong levels",
                             "evaluated elsewhere")]
    return []
