"""Where foreign code calls the function that it was passed, against where it should.

A denoising loss calls its network at x + sigma eps with the level sigma. Every call is noted, so a
call at another point is seen as what it is: another sum of the arguments, with other coefficients.
"""

import numpy as np

from ..kinds import LEVELS
from ..kinds.quantities import batch_size, per_row, quantities
from .powers import Degenerate, coefficients, monomials
from .codes import CODES, name_powers
from ..calls.recorded import distinct, recorded


def evaluation_points(case):
    """Where foreign code calls the function it was passed, against where it should, in turn."""
    probes, pairs = case.more[:6], []
    for p in probes:
        seen, right = distinct(p.trial.calls), distinct(recorded(case.contract, p.args))
        if "sigmas" in case.contract.args and len(seen) == len(right) - 1:
            return [case.say("end-point", "the function is called for one level fewer than there "
                             "are", "structure", 0.9)]
        if len(seen) != len(right) or any(a is None for call in seen for a in call) or any(
                len(c) != len(d) or c[0].size != d[0].size for c, d in zip(seen, right)):
            return []
        pairs.append(list(zip(seen, right)))
    if reversed_levels(pairs):
        return [case.say("reversed", "the function is called with the noise levels in reverse "
                         "order", "structure", 0.3)]
    for k in range(min(map(len, pairs), default=0)):
        calls = [c[k] for c in pairs]
        x = [(c[0].reshape(d[0].shape), d[0]) for c, d in calls]
        if not all(np.allclose(got, want, rtol=1e-4, atol=1e-6) for got, want in x):
            return [wrong_point(case, probes, x)]
        if len(calls[0][0]) > 1:
            rows = [batch_size(p.args) for p in probes]
            got, want = ([per_row(c[side][1], n) for c, n in zip(calls, rows)] for side in (0, 1))
            if not all(np.allclose(a, b, rtol=1e-4) for a, b in zip(got, want)):
                return [wrong_level(case, probes, got, want)]
    return []


def reversed_levels(pairs):
    """Whether the levels of several calls come in reverse order."""
    for calls in pairs:
        if len(calls) < 2 or len(calls[0][0]) < 2:
            return False
        seen, right = ([float(np.mean(c[side][1])) for c in calls] for side in (0, 1))
        if not np.allclose(seen, right[::-1]) or np.allclose(seen, right):
            return False
    return bool(pairs)


def wrong_point(case, probes, points):
    """The function is called at another x."""
    got, want, rows = {}, {}, []
    names = [n for n in ("x", "x_0", "x_t", "eps", "v") if n in case.contract.args]
    for p, (x, y) in zip(probes, points):
        arrays = {n: p.args[n] for n in names if np.ndim(p.args[n]) == 2}
        q, by_row = quantities(case.contract, p.args), x.shape[1] > len(arrays)
        for b in range(len(x)) if by_row else [slice(None)]:
            features = np.stack([np.ravel(a[b]) for a in arrays.values()])
            slack = np.full(features.shape[1], 1e-5)
            try:
                a = coefficients(np.ravel(x[b]), features, slack)
                c = coefficients(np.ravel(y[b]), features, slack)
            except Degenerate:
                continue
            if a is None or c is None:
                return case.say("evaluation-point", "the function is called at the wrong point",
                                "structure", 1.6)
            for n, u, v in zip(arrays, a[0], c[0]):
                got.setdefault(n, []).append(u)
                want.setdefault(n, []).append(v)
            rows.append({n: v[b] if by_row else v[0] for n, v in q.items()})
    common = [n for n in (rows[0] if rows else ()) if all(n in r for r in rows)]
    q = {n: np.array([r[n] for r in rows]) for n in common}
    codes, texts, ratios = [], [], []
    for n in got:
        a, c = np.array(got[n]), np.array(want[n])
        slack = np.full(len(a), 1e-4)
        made, right = monomials(a, q, slack), monomials(c, q, slack)
        if np.allclose(a, c, rtol=1e-4, atol=1e-6):
            texts.append(multiple(right[0], n) if right else "")
            ratios.append("same" if np.any(c) else "")
            continue
        if np.allclose(a, 0, atol=1e-5):
            codes.append("evaluation-point")
            ratios.append("0")
            continue
        texts.append(multiple(made[0], n) if made else f"another multiple of {n}")
        if made and right:
            opposite = made[0].sign != right[0].sign and made[0].powers == right[0].powers
            codes.append("sign" if opposite else name_powers(right[0].powers, made[0].powers)
                         or "factor")
        else:
            codes.append("evaluation-point")
        ratio = monomials(a / c, q, slack) if np.all(c) else []
        ratios.append(str(ratio[0]) if ratio else "?")
    if "0" in ratios:                                            # an argument is left out
        codes = ["evaluation-point"]
    elif set(ratios) - {""} in ({"1 / sqrt(alpha_bar_t)"}, {"sqrt(alpha_bar_t)"}):
        codes = ["wrong-coordinates"]
    place = " + ".join(t for t in texts if t) or "the wrong point"
    code = codes[0] if codes and codes[0] in CODES else "evaluation-point"
    return case.say(code, f"the function is called at {place}: {CODES[code][0]}", "structure", 0.8,
                    fix=CODES["evaluation-point"][1])


def multiple(m, name):
    """A multiple of an argument, in words."""
    return name if str(m) == "1" else f"{m} {name}"


def wrong_level(case, probes, got, want):
    """The function is called with another level."""
    name = next(n for n in case.contract.args if n in LEVELS or n == "sigmas")
    level, right = np.concatenate(got), np.concatenate(want)
    for word, f, code in (("sigma of VE", lambda a: ((1 - a) / a)**0.5, "wrong-coordinates"),
                          ("alpha_bar", lambda s: 1 / (1 + s**2), "wrong-coordinates"),
                          ("its logarithm", np.log, "evaluation-point"),
                          ("one minus it", lambda a: 1 - a, "one-minus")):
        with np.errstate(all="ignore"):
            if np.allclose(level, f(right), rtol=1e-4):
                return case.say(code, f"the function is passed {word} for its level", "structure",
                                0.8)
    tables = [quantities(case.contract, p.args) for p in probes]
    common = [n for n in tables[0] if all(n in t for t in tables)]
    q = {n: np.concatenate([t[n] for t in tables]) for n in common}
    ratio = monomials(level / right, q, np.full(len(level), 1e-4)) if np.all(right) else []
    if ratio:
        m = ratio[0]
        g = {n: m.powers.get(n, 0) + (n == name) for n in {**m.powers, name: 1}}
        code = name_powers({name: 1}, g) or "factor"
        code = "evaluation-point" if code in ("wrong-factor", "factor-extra") else code
        return case.say(code, f"the function is passed {m} times its level", "structure", 0.8)
    return case.say("evaluation-point", "the function is passed the wrong level", "structure", 0.8)
