"""Whole loops, step by step: every transition of a sampler is a sum of three terms.

    x_next = a x + b f(x, level) + c z,      f the function that was passed, z the draw of this step

The states that a loop yields, the values that its function returned, and the draws that it was
given are all known, so a, b, c of every step can be recovered and compared.
"""

import numpy as np

from ..kinds import Noise
from ..kinds.test_functions import Field
from .powers import Degenerate, coefficients
from ..calls.reference import reference
from ..kinds.terms import answers, distinct

ROUNDING = {np.dtype(np.float32): 2e-6}      # of a state, relative; 1e-10 in any other precision


def transitions(case):
    """Coefficients of every step, got and right, their slack and quantities; and what is wrong with
    the order of the levels. The first is None where steps cannot be told apart.
    """
    got, want, slack, rows = {}, {}, {}, []
    order = order_of_levels(case)
    if order:
        return None, order
    for p in case.more:
        outputs = p.trial.outputs
        truth = reference(case.contract, p.args)
        seen, right = p.trial.calls, distinct(calls_of(case.contract, p.args))
        if len(outputs) != len(truth):
            return None, []
        f = next(a for a in p.args.values() if isinstance(a, Field))
        shape = truth[0].shape
        mine, theirs = answers(f, seen, shape), answers(f, right, shape)
        if mine is None or len(mine) != len(theirs):
            return None, []
        per = len(theirs) / len(truth)
        rounding = ROUNDING.get(p.trial.dtypes[0], 1e-10)
        noise = Noise(getattr(p.args.get("rng"), "seed", 0))
        draws = [noise.standard_normal(shape) for _ in truth] if "rng" in p.args else None
        for i in range(len(truth)):
            first = int(np.ceil(i * per)) if per == 1 else 2 * i
            if first >= len(theirs):
                continue
            for name, states, values in (("got", outputs, mine), ("want", truth, theirs)):
                before = p.args["x"] if "x" in p.args and i == 0 else states[i - 1]
                terms = {"x": before, "the function's value": values[first]}
                if per > 1 and first + 1 < len(values):
                    terms["its second value"] = values[first + 1]
                if draws is not None:
                    terms["z"] = draws[i]
                features = np.stack([np.ravel(a) for a in terms.values()])
                allowed = np.full(features.shape[1], rounding * np.max(np.abs(states[i])))
                try:
                    c = coefficients(np.ravel(np.reshape(states[i], shape)), features, allowed)
                except Degenerate:
                    c = None
                if c is None:
                    return None, []
                for n, value, error in zip(terms, *c):
                    (got if name == "got" else want).setdefault(n, []).append(value)
                    if name == "want":
                        slack.setdefault(n, []).append(max(1e-6 * max(abs(value), 1e-3), error))
            rows.append(levels_of(case.contract, p.args, i))
    complete = [n for n in want if len(want[n]) == len(rows) == len(got[n])]
    q = {n: np.array([r[n] for r in rows]) for n in rows[0]}
    tables = [{n: np.array(t[n]) for n in complete} for t in (got, want, slack)]
    return (*tables, q), []


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
    for p in case.more[:1]:
        seen, right = ([float(np.mean(c[1])) for c in distinct(calls)
                        if len(c) > 1 and c[1] is not None]
                       for calls in (p.trial.calls, calls_of(case.contract, p.args)))
        if len(right) < 2 or not seen:
            return []
        if len(seen) == len(right) and np.allclose(seen, right[::-1], rtol=1e-5) and (
                not np.allclose(seen, right, rtol=1e-5)):
            return [case.say("reversed", "the levels are visited in reverse order", "structure",
                             0.3)]
        if len(seen) != len(right):
            return [case.say("evaluation-point", f"the function is called {len(seen)} times, where "
                             f"{len(right)} are required", "structure", 2.5)]
        if not np.allclose(seen, right, rtol=1e-4):
            if len(set(right)) > 1 and (np.allclose(seen[1:], right[:-1], rtol=1e-4)
                                        or np.allclose(seen[:-1], right[1:], rtol=1e-4)):
                return [case.say("index-shift", "the function is passed the level of another step",
                                 "structure", 0.5)]
            return [case.say("evaluation-point", "the function is passed the wrong levels",
                             "structure", 0.8)]
    return []


def levels_of(contract, args, i):
    """The quantities of step i."""
    q = {}
    if "alpha_bar" in args:
        table = args["alpha_bar"][::-1]
        t, s = table[i], table[i + 1]
        q = {"alpha_bar_t": t, "alpha_bar_s": s, "1 - alpha_bar_t": 1 - t, "1 - alpha_bar_s": 1 - s,
             "beta": 1 - t / s}
    elif contract.name == "annealed_langevin":
        sigma = args["sigmas"][i // args["steps_per_level"]]
        q = {"sigma_i": sigma, "sigma_L": args["sigmas"][-1], "step_size": args["step_size"]}
    elif "sigmas" in args:
        t, s = args["sigmas"][i], args["sigmas"][i + 1]
        q = {"sigma_t": t, "sigma_s": s, "sigma_t - sigma_s": t - s,
             "sigma_t^2 - sigma_s^2": t**2 - s**2}
    for name in ("step_size", "eta"):
        if name in args:
            q[name] = args[name]
    return q


