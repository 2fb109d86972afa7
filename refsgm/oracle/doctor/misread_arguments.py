"""Arguments read in another way: exchanged, chosen otherwise, or as a function of themselves.

An explanation here is a prediction: refsgm's own answer to other arguments. It counts if foreign
code gives that answer at every further probe.
"""

import numpy as np

from ..kinds import BATCH, DATA, LEVEL, SLICED, TABLE
from ..kinds.test_functions import Field
from ..calls.reference import reference


def explains(case, predict):
    """Whether predict(args) is what foreign code gives at all further probes, and not the truth."""
    compared = 0
    for p in case.more:
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
            if case.contract.form == TABLE and np.shape(got) == np.shape(value) and len(got) > 2:
                got, value, slack = got[:-1], value[:-1], slack[:-1]      # the end may lose digits
                if np.all(np.abs(value - want[:-1]) <= slack):
                    return False                                         # and no other entry tells
            if np.shape(got) != np.shape(value) or not np.all(
                    np.abs(got - value) <= 8 * slack + 1e-9 * np.abs(value)):
                return False
    return compared > 2


def exchanged(case):
    """Two arguments in each other's place: foreign code is right once they are exchanged back."""
    names = [n for n in case.caller.names]
    found = []
    for i, a in enumerate(names):
        for b in names[i + 1:]:
            if all(exchange_fits(case, p, a, b) for p in case.more[:5]):
                found.append(case.say("swapped-arguments", f"it is right when {a} and {b} are "
                                      "exchanged", "structure", 1.3))
    return found[:1]


def exchange_fits(case, p, a, b):
    """Whether foreign code gives the right answer with two arguments exchanged."""
    x, y = p.args.get(a), p.args.get(b)
    if x is None or y is None or isinstance(x, (Field, str)) or isinstance(y, (Field, str)) \
            or np.shape(x) != np.shape(y) or type(x) is not type(y):
        return False
    trial = case.caller(p.args | {a: y, b: x}, np.dtype(p.situation.dtype))
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


CHOICES = {"variance": ("posterior", "beta"), "method": ("heun", "euler"),
           "prediction": ("eps", "x0", "v")}


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


def chosen(case):
    """A choice that is treated as another one, and directions that are normalised."""
    found = []
    for name in CHOICES:
        for choice in CHOICES[name] if name in case.contract.args else ():
            if explains(case, lambda args, a={name: choice}: reference(case.contract, args | a)):
                code = "beta-variance" if choice == "beta" else "argument-ignored"
                found.append(case.say(code, f"{name} is always taken to be {choice!r}",
                                      "structure", 0.6, code if choice == "beta" else ""))
    for name, words, f, code in DATA_READINGS:
        a = case.more[0].args.get(name) if case.more else None
        if a is None or words.startswith("its first") and all(np.ndim(p.args[name]) < 3
                                                              for p in case.more):
            continue
        if name == "v" and case.contract.name not in SLICED:
            continue
        if explains(case, lambda args, n=name, f=f: reference(case.contract, args | {
                n: f(args[n])})):
            found.append(case.say(code, f"{name} is read as {words}", "structure", 0.6,
                                  code if code == "unit-sphere" else ""))
    return found


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


CHOICES = {"variance": ("posterior", "beta"), "method": ("heun", "euler"),
           "prediction": ("eps", "x0", "v")}


def misread(case):
    """An argument read as another function of itself."""
    found = []
    numeric = [n for n in case.caller.names if n not in DATA and n != "eps"
               and isinstance(case.more[0].args.get(n), (int, float, np.ndarray))]
    for name in numeric:
        whole = isinstance(case.more[0].args[name], int)
        readings = (("one more", lambda n: n + 1, "index-shift"),
                    ("one less", lambda n: n - 1, "index-shift")) if whole else READINGS
        for words, f, code in readings:
            def predict(args, name=name, f=f):
                with np.errstate(all="ignore"):
                    value = f(args[name])
                if not np.all(np.isfinite(value)):
                    raise ValueError
                return reference(case.contract, args | {name: value if np.ndim(value) else
                                                        type(args[name])(value)})
            if explains(case, predict):
                convention = "langevin-step" if name == "step_size" and words == "twice it" else ""
                if name.startswith("sigma") and words == "its square root":
                    code = "sigma-not-squared"
                if name.startswith("sigma") and words == "its square":
                    code = "sigma-squared"
                found.append(case.say(code, f"{name} is read as {words}", "structure",
                                      1.9 if not convention else 0.9, convention))
    return found[:2]


def transformed(case):
    """The result as another function of the right one; for levels and tables."""
    if case.contract.form == BATCH:
        if explains(case, lambda args: [np.clip(w, -1, 1) for w in reference(case.contract, args)]):
            return [case.say("clipped", "the result is clipped to [-1, 1]", "structure", 0.8,
                             "clipped-x0")]
        return []
    if case.contract.form not in (LEVEL, TABLE):
        return []
    found = []
    for i, (part, _) in enumerate(case.contract.returns):
        of = f"{part}: " if part else ""
        for words, f, code in (("1 minus the right value", lambda w: 1 - w, "one-minus"),
                               ("the logarithm of the right value", np.log, "misread-argument"),
                               ("the right value plus 1", lambda w: w + 1, "term-extra"),
                               ("the right value minus 1", lambda w: w - 1, "term-extra")):
            if all(np.all(np.abs(p.got[i] - p.want[i]) <= p.slack[i]) for p in case.more):
                continue
            def predict(args, f=f, i=i):
                want = reference(case.contract, args)
                return [f(w) if j == i else w for j, w in enumerate(want)]
            if explains(case, predict):
                found.append(case.say(code, f"{of}the result is {words}", "structure", 1.25))
    return found
