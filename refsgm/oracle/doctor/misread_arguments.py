"""Arguments read in another way: exchanged, chosen otherwise, or as a function of themselves.

An explanation here is a prediction: refsgm's own answer to other arguments. It counts if foreign
code gives that answer at every further probe.
"""

import itertools
from functools import partial

import numpy as np

from ..calls.judge import ask
from ..calls.reference import reference
from ..kinds import BATCH, CHOICES, DATA, LEVEL, TABLE
from ..kinds.test_functions import Field


def unit_directions(v):
    """Directions of length one."""
    return v / np.sqrt(np.sum(v**2, axis=-1, keepdims=True))


def first_alone(a):
    """The first of several arrays in place of all."""
    return np.broadcast_to(a[:1], a.shape) if a.ndim == 3 else a


DATA_READINGS = (                                     # argument, words, function, code
    ("v", "v / |v|, a direction of length one", unit_directions, "unit-sphere"),
    ("v", "its signs", np.sign, "misread-argument"),
    ("v", "its first array alone", first_alone, "argument-ignored"),
    ("eps", "its first array alone", first_alone, "argument-ignored"),
    *((name, "itself clipped to [-1, 1]", lambda a: np.clip(a, -1, 1), "clipped")
      for name in ("x", "x_0", "x_t", "eps")),
)
READINGS = (                                # words, function, code
    ("its square", lambda a: a * a, "misread-argument"),
    ("its square root", lambda a: a**0.5, "misread-argument"),
    ("twice it", lambda a: 2 * a, "half"),
    ("half of it", lambda a: a / 2, "half"),
    ("one over it", lambda a: 1 / a, "inverted"),
    ("1 minus it", lambda a: 1 - a, "one-minus"),
    ("its logarithm", np.log, "misread-argument"),
    ("minus it", lambda a: -a, "sign"),
    ("sqrt((1 - a) / a), the VE level", lambda a: ((1 - a) / a)**0.5, "wrong-coordinates"),
    ("1 / (1 + a^2), the VP level", lambda a: 1 / (1 + a * a), "wrong-coordinates"),
    ("a / sqrt(1 + a^2)", lambda a: a / (1 + a * a)**0.5, "wrong-coordinates"),
    ("sqrt(1 - a^2)", lambda a: (1 - a * a)**0.5, "misread-argument"),
)
COUNT_READINGS = (("one more", lambda n: n + 1, "index-shift"),
                  ("one less", lambda n: n - 1, "index-shift"))
SIGMA_CODES = {"its square root": "sigma-not-squared", "its square": "sigma-squared"}
RESULTS = (                                # words, function of the right value, code
    ("1 minus the right value", lambda w: 1 - w, "one-minus"),
    ("the logarithm of the right value", np.log, "misread-argument"),
    ("the right value plus 1", lambda w: w + 1, "term-extra"),
    ("the right value minus 1", lambda w: w - 1, "term-extra"),
)

ROOTS = (                                                # of a table, whose end may be clipped
    ("the square root of the right value", np.sqrt, "sqrt-extra"),
    ("the square of the right value", np.square, "sqrt-missing"),
)


def explains(case, predict, whole=False):
    """Whether predict(args) is what foreign code gives at all further probes, and not the truth.

    whole  whether the last entry of a table counts too, which may have lost its digits
    """
    compared = 0
    for p in case.fit_probes():
        try:
            with np.errstate(all="ignore"):
                values = predict(p.args)
        except (ValueError, ZeroDivisionError, OverflowError, TypeError):
            return False
        truth = p.want
        if len(p.got) == 1 < len(values):              # a loop that returns its last state alone
            truth, values = truth[-1:], values[-1:]
        for got, want, value, slack in zip(p.got, truth, values, p.slack):
            if len(p.got) > 1 and np.all(np.abs(got - want) <= slack):     # this component is right
                continue
            compared += 1
            if not whole and case.contract.form == TABLE and (
                    np.shape(got) == np.shape(value) and len(got) > 2):
                got, value, slack = got[:-1], value[:-1], slack[:-1]      # the end may lose digits
                if np.all(np.abs(value - want[:-1]) <= slack):
                    return False                                         # and no other entry tells
            if np.shape(got) != np.shape(value) or not np.all(
                    np.abs(got - value) <= 8 * slack + 1e-9 * np.abs(value)):
                return False
    return compared > 2


def exchanged(case):
    """Two arguments in each other's place: foreign code is right once they are exchanged back."""
    found, probes = [], sorted(case.fit_probes(), key=lambda p: p.ok)[:5]       # wrong ones first
    for a, b in itertools.combinations(case.caller.names, 2):
        if all(exchange_fits(case, p, a, b) for p in probes):
            found.append(case.say("swapped-arguments", f"it is right when {a} and {b} are "
                                  "exchanged", "arguments exchanged"))
    return found[:1]


def exchange_fits(case, p, a, b):
    """Whether foreign code gives the right answer with two arguments exchanged."""
    x, y = p.args.get(a), p.args.get(b)
    if (x is None or type(x) is not type(y) or isinstance(x, (Field, str))
            or np.shape(x) != np.shape(y)):
        return False
    trial = ask(case.caller, p, **{a: y, b: x})
    if trial.outputs is None or len(trial.outputs) != len(p.want):
        return False
    for got, want, slack, (_, form) in zip(trial.outputs, p.want, p.slack, case.contract.returns):
        got, mean = case.caller.in_contract_shape(got, want, form)
        if got is None:
            return False
        want, slack = (np.mean(want), np.mean(slack)) if mean else (want, slack)
        if not np.all(np.abs(got - want) <= 8 * slack):
            return False
    return True


def chosen(case):
    """A choice that is treated as another one, and directions that are normalised."""
    found = []
    always = "" if case.restricted else "always "
    for name in CHOICES:
        for choice in CHOICES[name] if name in case.contract.args else ():
            if explains(case, partial(with_choice, case, name, choice)):
                code = "beta-variance" if choice == "beta" else "argument-ignored"
                found.append(case.say(code, f"{name} is {always}taken to be {choice!r}",
                                      "another choice", code if choice == "beta" else ""))
    for name, words, read, code in DATA_READINGS:
        probes = case.fit_probes()
        if not probes or probes[0].args.get(name) is None:
            continue
        if words.startswith("its first") and all(np.ndim(p.args[name]) < 3 for p in probes):
            continue
        if name == "v" and not case.contract.sliced:
            continue
        if explains(case, partial(with_argument, case, name, read)):
            found.append(case.say(code, f"{name} is read as {words}", "data misread",
                                  code if code == "unit-sphere" else ""))
    return found


def with_choice(case, name, choice, args):
    """refsgm's answer to another choice."""
    return reference(case.contract, args | {name: choice})


def misread(case):
    """An argument read as another function of itself."""
    found, first = [], case.fit_probes()[0].args
    numeric = [n for n in case.caller.names if n not in DATA and n != "eps"
               and isinstance(first.get(n), (int, float, np.ndarray))]
    for name in numeric:
        for words, read, code in COUNT_READINGS if isinstance(first[name], int) else READINGS:
            if explains(case, partial(with_argument, case, name, read)):
                code = SIGMA_CODES.get(words, code) if name.startswith("sigma") else code
                convention = "langevin-step" if name == "step_size" and words == "twice it" else ""
                found.append(case.say(code, f"{name} is read as {words}",
                                      "argument by convention" if convention else
                                      "argument misread", convention))
    return found[:2]


def shifted_timesteps(case):
    """A table of levels that is read one entry off, and what the function is told with it."""
    steps = case.caller.timesteps
    if steps is None:
        return []
    for shift, words in ((1, "after"), (-1, "before")):
        for told in (False, True):
            if explains(case, partial(with_shift, case, steps, shift, told)):
                return [case.say("index-shift", f"the table is read one entry {words} t",
                                 "level of another step")]
    return []


def with_shift(case, steps, shift, told, args):
    """refsgm's answer to the levels of the next index; a function is told them, or the first."""
    k = np.clip(np.asarray(steps.index(steps.first, args[steps.first])) + shift, 0,
                len(steps.table) - 1)
    moved = steps.at(k.reshape(np.shape(args[steps.first])), args)
    fixed = {n: a for n, a in args.items() if isinstance(a, Field)} if not told else {}
    level = args[steps.first]
    return reference(case.contract, args | moved | {
        n: lambda x, _, f=f: f(x, level) for n, f in fixed.items()})


def with_argument(case, name, read, args):
    """refsgm's answer where an argument is another function `read` of itself, of the same type.

    Raises ValueError where that is not finite.
    """
    with np.errstate(all="ignore"):
        value = read(args[name])
    if not np.all(np.isfinite(value)):
        raise ValueError
    return reference(case.contract, args | {
        name: value if np.ndim(value) else type(args[name])(value)})


def transformed(case):
    """The result as another function of the right one; for levels and tables."""
    if case.contract.form == BATCH:
        if explains(case, lambda args: [np.clip(w, -1, 1) for w in reference(case.contract, args)]):
            return [case.say("clipped", "the result is clipped to [-1, 1]", "result clipped",
                             "clipped-x0")]
        return []
    if case.contract.form not in (LEVEL, TABLE):
        return []
    found = []
    for i, (part, _) in enumerate(case.contract.returns):
        of = f"{part}: " if part else ""
        if all(np.all(np.abs(p.got[i] - p.want[i]) <= p.slack[i]) for p in case.fit_probes()):
            continue
        for words, change, code in RESULTS + (ROOTS if case.contract.form == TABLE else ()):
            if explains(case, partial(with_result, case, i, change)):
                found.append(case.say(code, f"{of}the result is {words}",
                                      "function of the result"))
    return found


def with_result(case, i, change, args):
    """refsgm's answer with its component i changed."""
    return [change(w) if j == i else w for j, w in enumerate(reference(case.contract, args))]
