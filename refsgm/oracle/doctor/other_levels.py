"""Another level than the right one: of the other end of a step, of another step, the first or last.

A formula uses a level in several places. Here each of them is given another level in turn, and the
answer of that formula is compared with the one that came; of a loop step by step, each from the
state that foreign code had before it.
"""

import inspect
import itertools
from functools import partial

import numpy as np

from ..kinds import DATA, STATES
from ..kinds.kind import STEPS
from ..kinds.quantities import step_quantities
from ..kinds.test_functions import Field, Noise
from .loops import ROUNDING
from .misread_arguments import explains
from .runs import Run

FEW = 2                                    # places that are given another level at once, or all are
OF_STATES = 10.0                           # roundings that a step may lose more
ALIKE = 1e-9                               # answers that do not differ, relative to the larger


def other_levels(case):
    """The level that stands where another one is meant, in all places of the formula or in some."""
    if case.contract.form == STATES:
        return in_loop(case) if case.contract.one_step else []
    pairs = [pair for pair in STEPS if {*pair} <= {*case.fit_probes()[0].args}]
    if case.contract.exact is None or not pairs:
        return []
    first = case.fit_probes()[0].args
    tried = [(size, name, other, at) for name, other in (*pairs, *(pair[::-1] for pair in pairs))
             for size, at in places(Run(case.contract, first, put={name: first[other]}))]
    for _, name, other, at in sorted(tried, key=lambda item: item[0]):
        if explains(case, partial(with_level, case, name, other, at)):
            run = Run(case.contract, first, put={name: first[other]}, at=at)
            if loses_a_term(run):
                continue
            return [said(case, run, f"{other} stands where {name} is meant", name)]
    return []


def with_level(case, name, other, at, args):
    """The formula's answer where some uses of a level are another one."""
    return Run(case.contract, args, put={name: args[other]}, at=at)()


def places(run):
    """The uses that may be mistaken, (how many, which): all of them (0, None), each, any two."""
    run()
    some = [(size, set(at)) for size in range(1, min(FEW + 1, run.uses))
            for at in itertools.combinations(range(run.uses), size)]
    return [(0, None), *some] if run.uses else []


def in_loop(case):
    """The same of a loop, whose levels may also be those of another step."""
    p = case.fit_probes()[0]
    if not any(isinstance(a, Field) for a in p.args.values()):
        return []
    tried = [(size, name, words, choose, at)
             for name in sorted(levels_of_step(case.contract, p.args, 0))
             for words, choose in OTHERS[name] for size, at in places(
                 step_of(case.contract, p.args, p.args["x"], 0, name, choose, None))]
    for _, name, words, choose, at in sorted(tried, key=lambda item: item[0]):
        if all(follows(case, q, name, choose, at) for q in case.fit_probes()):
            run = step_of(case.contract, p.args, p.args["x"], 0, name, choose, at)
            if loses_a_term(run):
                continue
            return [said(case, run, f"{words} stands where {RIGHT[name]} is meant", name)]
    return []


RIGHT = {"sigma_i": "sigma_i, that of the step,", "sigma_L": "sigma_L, the last level,",
         "sigma_t": "sigma_t, where the step starts,", "sigma_s": "sigma_s, where the step ends,",
         "alpha_bar_t": "alpha_bar_t, where the step starts,",
         "alpha_bar_s": "alpha_bar_s, where the step ends,"}
FIRST = ("the first level", lambda table, k: table[0])
LAST = ("the last level", lambda table, k: table[-1])
AFTER = ("the level of the next step", lambda table, k: table[min(k + 1, len(table) - 1)])
BEFORE = ("the level of the step before", lambda table, k: table[max(k - 1, 0)])
AROUND = ("the level of the step before", lambda table, k: table[k - 1])        # the last, at first
BUT_ONE = ("the last level but one", lambda table, k: table[max(len(table) - 2, 0)])
START = ("{}, where the step starts,", lambda table, k: table[k - 1])
END = ("{}, where the step ends,", lambda table, k: table[k + 1])


def of_step(level):
    """What may stand for either level of a step, which starts at level_t and ends at level_s."""
    ends = [(words.format(f"{level}_{end}"), choose)
            for (words, choose), end in ((END, "s"), (START, "t"))]
    return {f"{level}_t": (ends[0], BEFORE, AROUND, FIRST, LAST),
            f"{level}_s": (ends[1], AFTER, FIRST, LAST)}


OTHERS = {"sigma_i": (AFTER, BEFORE, AROUND, FIRST, LAST), "sigma_L": (FIRST, BUT_ONE),
          **of_step("sigma"), **of_step("alpha_bar")}


def levels_of_step(contract, args, i):
    """{level: (its value, table in the loop's order, place there)} of step i."""
    table = np.asarray(args["alpha_bar"])[::-1] if "alpha_bar" in args else args.get("sigmas", ())
    k = i // args.get("steps_per_level", 1)
    place = {"sigma_i": k, "sigma_L": len(table) - 1}
    return {n: (value, table, place.get(n, k + n.endswith("_s")))
            for n, value in step_quantities(contract, args, i).items() if n in OTHERS
            and n in inspect.signature(contract.one_step).parameters}


def step_of(contract, args, x, i, name, choose, at):
    """A `Run` of step i from the state x, where some uses of a level are another one."""
    _, table, k = levels_of_step(contract, args, i)[name]
    return Run(contract, given_to_step(contract, args, x, i), contract.one_step,
               {name: float(choose(table, k))}, at)


def given_to_step(contract, args, x, i):
    """The arguments of step i from the state x."""
    taken = inspect.signature(contract.one_step).parameters
    given = {n: a for n, a in args.items() if isinstance(a, Field) or n in taken} | {
        n: float(value) for n, (value, *_) in levels_of_step(contract, args, i).items()} | {"x": x}
    if "z" in taken:
        rng = Noise(args["rng"].seed)
        given["z"] = [rng.standard_normal(x.shape) for _ in range(i + 1)][-1]
    return given


def follows(case, p, name, choose, at):
    """Whether every state of a run follows from the one before it in this way."""
    states, n = p.trial.outputs, len(p.want)
    if len(states) not in (1, n) or len(p.got) != len(states):
        return False
    x, slack = p.args["x"], OF_STATES * ROUNDING.get(p.trial.dtypes[0], 1e-10)
    for i in range(n):
        try:
            x, = step_of(case.contract, p.args, x, i, name, choose, at)()
        except (TypeError, ValueError):
            return False
        if len(states) == 1 and i < n - 1:
            continue
        state = np.reshape(states[i if len(states) == n else 0], x.shape).astype(np.float64)
        if not np.all(np.abs(state - x) <= slack * np.max(np.abs(state))):
            return False
        x = state
    return True


def said(case, run, sentence, name):
    """The diagnosis, with the places: the function that is told it, or what it is a factor of."""
    run()
    where = "" if run.at is None else ", in the level that the function is passed" if (
        run.at <= run.told) else changed_terms(run)
    return case.say("wrong-level", sentence + where, "level for level", fix=f"use {name} there")


def changed_terms(run):
    """The data whose coefficients are others, in words; the function's value is one of them."""
    changed = []
    for term, made, right in of_each_term(run):
        if any(np.any(np.abs(a - b) > ALIKE * np.max(np.abs(b)))
               for a, b in zip(made, right) if np.ndim(a) == 2):
            changed.append("the function's value" if isinstance(run.args[term], Field) else term)
    several = "s" * (len(changed) > 1)
    return f", in the coefficient{several} of {' and '.join(changed)}" if changed else ""


def of_each_term(run):
    """(name, answer, right answer) of each of the data and the function, without the others."""
    terms = [n for n, a in run.args.items() if n in DATA and np.ndim(a) == 2
             or isinstance(a, Field)]
    for term in terms:
        args = {n: alone(a, n == term) if n in terms else a for n, a in run.args.items()}
        yield term, *(Run(run.kind, args, run.formula, put, run.at)() for put in (run.put, {}))


def loses_a_term(run):
    """Whether a term vanishes, such as z with the difference of a level and itself: it is simpler
    to say that it is not there.
    """
    return any(not np.any(a) and np.any(b) for _, made, right in of_each_term(run)
               for a, b in zip(made, right) if np.ndim(a) == 2)


def alone(a, kept):
    """Data as they are or zero, and a function that is one or zero everywhere."""
    if isinstance(a, Field):
        return a.as_a(One if kept else Zero)
    return a if kept else 0 * a


class Zero(Field):
    """The function that is zero."""

    def __call__(self, x, level=None):
        return np.zeros(np.shape(x))


class One(Field):
    """The function that is one."""

    def __call__(self, x, level=None):
        return np.ones(np.shape(x))
