"""What the result depends on, and in which order: the engine for mistakes that are not factors.

Arguments ignored, exchanged, or read as another function of themselves; rows that mix; levels
broadcast along the wrong axis; tables shifted or reversed; the function that was passed called at
the wrong point. Each is tried on foreign code, and counts if it explains every value.
"""


import numpy as np

from .contracts import (DATA, LEVEL, LEVELS, LOSS, ROWS, STATES, TABLE, arguments,
                        batch_size, quantities)
from .fields import Field
from .fit import coefficients, monomials
from .judge import reference
from .naming import CODES, name_powers
from .terms import recorded


def call_problems(case):
    """What is wrong with the calls themselves; cost 0 or less where nothing else need be asked."""
    probes = case.probes
    found = []
    failed = [p for p in probes if p.trial.problem]
    if failed and all(p.trial.problem in ("raises", "timeout") for p in probes):
        p = failed[0]
        code = p.trial.problem
        return [case.say(code, f"it {'does not answer' if code == 'timeout' else 'raises'} at every "
                         f"probe: {p.trial.error}", "call", -1)]
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
            found.append(case.say("broadcast", "with levels by row it raises when B != D and answers "
                                  f"when B == D ({oblong[0].trial.error}): the levels are broadcast "
                                  "along features", "structure", 0))
        else:
            p = min(raised, key=lambda p: p.situation.B * p.situation.D)
            found.append(case.say("raises", f"it raises at {len(raised)} of {len(probes)} probes, such "
                                  f"as {p.label!r}: {p.trial.error}", "call", 0.4))
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
        return case.say("broadcast", f"it returns shape {shapes[0]} for B = {B}, D = {D}: rows were "
                        "broadcast against rows", "structure", 0)
    return case.say("wrong-shape", f"at the probe {p.label!r}: {p.trial.error}", "call", 0)


def structure(case):
    """All structural explanations."""
    found = tables(case) if case.contract.form == TABLE else []
    plain = next((p for p in case.probes if p.situation.regime == "plain" and not p.ok
                  and p.got is not None and p.situation.B > 2 and p.situation.D > 1
                  and p.situation.rows), None)
    if plain is None:
        plain = next((p for p in case.probes if p.got is not None and not p.ok), None)
    if plain is None:
        return found
    found += repeatability(case, plain)
    if found and found[-1].code == "not-repeatable":
        return found
    if any(isinstance(a, Field) for a in plain.args.values()) and case.contract.form != STATES:
        found += evaluation_points(case)
    if case.contract.form != STATES:
        found += dependence(case, plain)
    if not case.more or all(p.ok for p in case.more):
        return found + edges(case)
    return found + exchanged(case) + misread(case) + transformed(case)


def repeatability(case, p):
    """The same call twice."""
    again = case.caller(p.args, np.dtype(p.situation.dtype))
    if again.outputs is None or p.trial.outputs is None:
        return []
    if all(np.allclose(a, b, rtol=1e-12, equal_nan=True)
           for a, b in zip(again.outputs, p.trial.outputs)):
        return []
    return [case.say("not-repeatable", "two calls with the same arguments differ: it draws noise of "
                     "its own, or keeps a state", "structure", 0.1)]


def dependence(case, p):
    """Arguments that do not matter, rows that mix, levels along the wrong axis."""
    found, B = [], batch_size(p.args)
    dtype = np.dtype(p.situation.dtype)
    base = np.concatenate([np.ravel(a) for a in p.trial.outputs])
    other = arguments(case.contract, p.situation._replace(seed=p.situation.seed + 50))
    for name in case.caller.names:
        a = p.args.get(name)
        if isinstance(a, Field) or not isinstance(a, (float, np.ndarray)) or name in ("x", "weights") \
                and case.contract.form == "function":
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
        if np.array_equal(np.concatenate([np.ravel(o) for o in trial.outputs]), base, equal_nan=True):
            found.append(case.say("argument-ignored", f"the result does not depend on {name}",
                                  "structure", 1.1))
            continue
        if B > 2 and isinstance(a, np.ndarray) and p.got is not None and not p.mean:
            found += row_dependence(case, p, name, args[name], dtype)
    return found


def nearby(a, factor):
    """A level or number a little smaller, in different measure for every row."""
    if isinstance(a, float):
        return a * factor
    return a * np.linspace(factor, 1 - (1 - factor) / 3, a.size).reshape(a.shape)


def row_dependence(case, p, name, replacement, dtype):
    """Which rows of the result move when one row of an argument does."""
    a, B = p.args[name], batch_size(p.args)
    in_rows = name in DATA and a.ndim == 2 or name in LEVELS | {"step_size"} and a.shape == (B, 1)
    if not in_rows or replacement.shape != a.shape:
        return []
    moved = np.zeros((B, B), bool)                        # [row of the result, row of the argument]
    for j in range(B):
        changed = a.copy()
        changed[j] = replacement[j]
        trial = case.caller(p.args | {name: changed}, dtype)
        if trial.outputs is None or trial.outputs[0].shape != p.trial.outputs[0].shape:
            return []
        for new, old in zip(trial.outputs, p.trial.outputs):
            if new.ndim and len(new) == B:
                off = (new != old).reshape(B, -1)
                moved[:, j] |= off.any(axis=1)
    if np.all(moved == np.diag(np.diag(moved))) and np.diag(moved).all():
        return []
    dead = ~moved.any(axis=0)
    if dead.any() and not dead.all():
        return [case.say("argument-ignored", f"only row {int(np.argmin(dead))} of {name} is used, for "
                         "all rows", "structure", 1.0)]
    if (moved & ~np.eye(B, dtype=bool)).any():
        if name in LEVELS or name == "step_size":
            return [case.say("broadcast", f"a row of {name} changes other rows of the result: it is "
                             "broadcast along the wrong axis", "structure", 0.2)]
        return [case.say("rows-mixed", f"a row of {name} changes other rows of the result",
                         "structure", 0.9)]
    return []


def evaluation_points(case):
    """Where foreign code calls the function it was passed, against where it should."""
    points = {"x": [], "right": [], "level": [], "right level": [], "q": []}
    basis_names = [n for n in ("x", "x_0", "x_t", "eps", "v") if n in case.contract.args]
    reversed_order = False
    for p in case.more[:6]:
        seen, right = p.trial.calls, recorded(case.contract, p.args)
        if len(seen) != len(right) or any(a is None for call in seen for a in call):
            return []
        levels = [c[1] for c in seen if len(c) > 1], [c[1] for c in right if len(c) > 1]
        if len(levels[0]) != len(levels[1]) or any(x.size != y.size for (x, *_), (y, *_)
                                                   in zip(seen, right)):
            return []
        flat = [[float(np.mean(a)) for a in side] for side in levels]
        if len(flat[0]) > 1 and np.allclose(flat[0], flat[1][::-1]) and not np.allclose(*flat):
            reversed_order = True
        q = {n: v[0] for n, v in quantities(case.contract, p.args).items()}
        for (x, *a), (y, *b) in list(zip(seen, right))[:1]:
            points["x"].append(x.reshape(y.shape))
            points["right"].append(y)
            points["q"].append(q)
            if a and b and (a[0].size == 1 or np.ptp(a[0]) == 0):
                points["level"].append(float(np.ravel(a[0])[0]))
                points["right level"].append(float(np.ravel(b[0])[0]))
    if not points["x"]:
        return []
    if reversed_order:
        return [case.say("reversed", "the function is called with the noise levels in reverse order",
                         "structure", 0.3)]
    q = {n: np.array([r[n] for r in points["q"]]) for n in points["q"][0]}
    found = []
    if not all(np.allclose(x, y, rtol=1e-4, atol=1e-6) for x, y in zip(points["x"], points["right"])):
        found.append(wrong_point(case, points, basis_names, q))
    level, right = np.array(points["level"]), np.array(points["right level"])
    if len(level) == len(points["x"]) and not np.allclose(level, right, rtol=1e-4):
        found.append(wrong_level(case, level, right, q))
    return found


def wrong_point(case, points, names, q):
    """The function is called at another x."""
    got, want = {}, {}
    for k, p in enumerate(case.more[:len(points["x"])]):
        arrays = {n: p.args[n] for n in names if np.ndim(p.args[n]) == 2}
        features = np.stack([np.ravel(a) for a in arrays.values()])
        slack = np.full(features.shape[1], 1e-5)
        a = coefficients(np.ravel(points["x"][k]), features, slack)
        c = coefficients(np.ravel(points["right"][k]), features, slack)
        if a is None or c is None:
            return case.say("evaluation-point", "the function is called at the wrong point",
                            "structure", 0.8)
        for n, x, y in zip(arrays, a[0], c[0]):
            got.setdefault(n, []).append(x)
            want.setdefault(n, []).append(y)
    codes, texts, ratios = [], [], []
    for n in got:
        a, c = np.array(got[n]), np.array(want[n])
        if np.allclose(a, c, rtol=1e-4, atol=1e-6):
            texts.append(n if np.allclose(a, 1) else "")
            ratios.append("same")
            continue
        if np.allclose(a, 0, atol=1e-5):
            codes.append("evaluation-point")
            continue
        made = monomials(a, q, np.full(len(a), 1e-4))
        right = monomials(c, q, np.full(len(a), 1e-4))
        texts.append(f"{made[0]} {n}" if made else f"another multiple of {n}")
        if made and right:
            codes.append(name_powers(right[0].powers, made[0].powers) or "factor")
        else:
            codes.append("evaluation-point")
        ratio = monomials(a / c, q, np.full(len(a), 1e-4)) if np.all(c) else []
        ratios.append(str(ratio[0]) if ratio else "?")
    if len(set(ratios)) == 1 and ratios and ratios[0] in ("1 / sqrt(alpha_bar_t)", "sqrt(alpha_bar_t)"):
        codes = ["wrong-coordinates"]
    place = " + ".join(t for t in texts if t) or "the wrong point"
    code = codes[0] if codes and codes[0] in CODES else "evaluation-point"
    return case.say(code, f"the function is called at {place}: {CODES[code][0]}", "structure", 0.8,
                    fix=CODES["evaluation-point"][1])


def wrong_level(case, level, right, q):
    """The function is called with another level."""
    name = next(n for n in case.contract.args if n in LEVELS or n == "sigmas")
    ratio = monomials(level / right, q | {name: right}, np.full(len(level), 1e-4)) \
        if np.all(level > 0) else []
    for word, f, code in (("sigma of VE", lambda a: ((1 - a) / a)**0.5, "wrong-coordinates"),
                          ("alpha_bar", lambda s: 1 / (1 + s**2), "wrong-coordinates"),
                          ("its logarithm", np.log, "evaluation-point"),
                          ("one minus it", lambda a: 1 - a, "one-minus")):
        with np.errstate(all="ignore"):
            if np.allclose(level, f(right), rtol=1e-4):
                return case.say(code, f"the function is passed {word} for its level", "structure", 0.8)
    if ratio:
        m = ratio[0]
        g = {n: m.powers.get(n, 0) + (n == name) for n in {**m.powers, name: 1}}
        code = name_powers({name: 1}, g) or "factor"
        return case.say(code, f"the function is passed {m} times its level", "structure", 0.8)
    return case.say("evaluation-point", "the function is passed the wrong level", "structure", 0.8)


def explains(case, predict):
    """Whether predict(args) is what foreign code gives at all further probes, and not the truth."""
    for p in case.more:
        try:
            with np.errstate(all="ignore"):
                values = predict(p.args)
        except (ValueError, ZeroDivisionError, OverflowError, TypeError):
            return False
        for got, value, slack in zip(p.got, values, p.slack):
            if np.shape(got) != np.shape(value) or not np.all(
                    np.abs(got - value) <= 8 * slack + 1e-9 * np.abs(value)):
                return False
    return True


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
        got, mean = case.caller.fitted(got, want, form)
        if got is None:
            return False
        want, slack = (np.mean(want), np.mean(slack)) if mean else (want, slack)
        if not np.all(np.abs(got - want) <= 8 * slack):
            return False
    return True


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
                found.append(case.say(code, f"{of}the result is {words}", "structure", 1.4))
    return found


def tables(case):
    """Shifts, reversals and ends of a table, from probes that have an answer of any length."""
    pairs = [(p.trial.outputs[0], p.want[0], p) for p in case.probes
             if p.trial.outputs is not None and p.trial.outputs[0].ndim == 1]
    if not pairs:
        return []
    tests = (
        ("reversed", "the table is reversed", lambda a, w: same(a, w[::-1])),
        ("reversed", "the table is reversed, and an entry is missing",
         lambda a, w: same(a, w[:0:-1]) or same(a, w[-2::-1])),
        ("index-shift", "the first entry is missing", lambda a, w: same(a, w[1:])),
        ("index-shift", "the last entry is missing", lambda a, w: same(a, w[:-1])),
        ("index-shift", "there is an entry too many at the end",
         lambda a, w: len(a) == len(w) + 1 and same(a[:-1], w)),
        ("index-shift", "there is an entry too many at the start",
         lambda a, w: len(a) == len(w) + 1 and same(a[1:], w)),
        ("index-shift", "the table is shifted by one entry",
         lambda a, w: len(a) == len(w) > 2 and (same(a[1:], w[:-1]) or same(a[:-1], w[1:]))),
        ("end-point", "the last entry alone is wrong",
         lambda a, w: len(a) == len(w) > 2 and same(a[:-1], w[:-1])),
        ("end-point", "the first entry alone is wrong",
         lambda a, w: len(a) == len(w) > 2 and same(a[1:], w[1:])),
    )
    for code, sentence, test in tests:
        if all(test(a, w) for a, w, _ in pairs):
            return [case.say(code, sentence, "structure", 0.7)]
    if "n_levels" in case.contract.args:
        for cut, words in ((slice(None, -1), "i / L in place of i / (L - 1): the last end is left out"),
                           (slice(1, None), "(i + 1) / L in place of i / (L - 1): the first end is "
                            "left out")):
            if all(same(a, reference(case.contract, p.args | {"n_levels": p.args["n_levels"] + 1})[0]
                        [cut]) for a, _, p in pairs):
                return [case.say("end-point", f"the levels lie at {words}", "structure", 0.7)]
    if all(len(a) != len(w) for a, w, _ in pairs):
        a, w, _ = pairs[0]
        return [case.say("wrong-shape", f"the table has {len(a)} entries, where {len(w)} are required",
                         "call", 0.8)]
    return []


def same(a, b):
    """Equal tables, to rounding in float32."""
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-6, atol=1e-12)


def edges(case):
    """Right at all plain probes, wrong at an edge."""
    wrong = [p for p in case.probes if not p.ok and p.got is not None]
    edge = [p for p in wrong if p.situation.regime == "plain" and p.situation.dtype == "float64"
            and np.isfinite(p.error)]
    if not edge or len(edge) < len(wrong):
        return []
    labels = ", ".join(p.label for p in edge[:3])
    if [p.label for p in edge] == ["variance = beta"]:
        return [case.say("argument-ignored", "the result does not depend on variance", "structure", 1)]
    return [case.say("special-case", f"it is right except at: {labels}", "structure", 2)]


