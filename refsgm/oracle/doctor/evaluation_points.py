"""Where foreign code calls the function that it was passed, against where it should.

A denoising loss calls its network at x + sigma eps with the level sigma. Every call is noted, so a
call at another point is seen as what it is: another sum of the arguments, with other coefficients.
"""

from typing import NamedTuple

import numpy as np

from ..calls.recorded import distinct, recorded
from ..kinds import LEVELS
from ..kinds.quantities import batch_size, per_row, quantities
from .codes import CODES
from .power_names import name_powers, times
from .powers import monomials
from .recover import Sample, recover

MOST = 6                                                       # probes that are compared
COORDINATES = ({"sqrt(alpha_bar_t)"}, {"1 / sqrt(alpha_bar_t)"})
ROUNDED = ((8, "bfloat16"), (11, "float16"))
OTHER_LEVELS = (                          # words, level as a function of the right one, code
    ("sigma of VE", lambda a: ((1 - a) / a)**0.5, "wrong-coordinates"),
    ("alpha_bar", lambda s: 1 / (1 + s**2), "wrong-coordinates"),
    ("its logarithm", np.log, "evaluation-point"),
    ("one minus it", lambda a: 1 - a, "one-minus"))


def evaluation_points(case):
    """Where foreign code calls the function it was passed, against where it should, in turn."""
    probes, pairs = case.fit_probes()[:MOST], []
    for p in probes:
        seen, right = distinct(p.trial.calls), distinct(recorded(case.contract, p.args))
        if "sigmas" in case.contract.args and len(seen) == len(right) - 1:
            return [case.say("end-point", "the function is called for one level fewer than there "
                             "are", "one level fewer")]
        if not comparable(seen, right):
            return []
        pairs.append(list(zip(seen, right)))
    if reversed_levels(pairs):
        return [case.say("reversed", "the function is called with the noise levels in reverse "
                         "order", "levels reversed")]
    for k in range(min(map(len, pairs), default=0)):
        calls = [c[k] for c in pairs]
        points = [(seen[0].reshape(right[0].shape), right[0]) for seen, right in calls]
        if not all(np.allclose(got, want, rtol=1e-4, atol=1e-6) for got, want in points):
            return [wrong_point(case, probes, points)]
        if len(calls[0][0]) > 1:
            rows = [batch_size(p.args) for p in probes]
            got, want = ([per_row(c[side][1], n) for c, n in zip(calls, rows)] for side in (0, 1))
            if not all(np.allclose(a, b, rtol=1e-4) for a, b in zip(got, want)):
                return [wrong_level(case, probes, got, want)]
    return []


def comparable(seen, right):
    """Whether calls can be compared one by one: as many, all seen, with arguments of one size."""
    return len(seen) == len(right) and all(
        len(a) == len(b) and all(value is not None for value in a) and a[0].size == b[0].size
        for a, b in zip(seen, right))


def reversed_levels(pairs):
    """Whether the levels of several calls come in reverse order."""
    for calls in pairs:
        if len(calls) < 2 or len(calls[0][0]) < 2:
            return False
        seen, right = ([float(np.mean(c[side][1])) for c in calls] for side in (0, 1))
        if not np.allclose(seen, right[::-1]) or np.allclose(seen, right):
            return False
    return bool(pairs)


def rounding(got, want):
    """How numbers are rounded, in words, or "" where they are not."""
    for bits, dtype in ROUNDED:
        if np.allclose(got, rounded(want, bits), rtol=1e-6, atol=0):
            return f"rounded to {bits} bits, as {dtype} has them"
    return ""


def wrong_point(case, probes, points):
    """The function is called at another x: another sum of the arguments."""
    rough = rounding(*(np.concatenate([np.ravel(p[side]) for p in points]) for side in (0, 1)))
    if rough:
        return case.say("low-precision", f"the function is called at data {rough}",
                        "evaluated elsewhere")
    table = recover(sums_of_arguments(case, probes, points))
    if table is None:
        return case.say("evaluation-point", "the function is called at the wrong point",
                        "evaluated anywhere")
    found = [explain_argument(name, table) for name in table.got]
    ratios = {a.ratio for a in found if a.ratio}
    if any(a.ratio == "0" for a in found):
        code = "evaluation-point"
    elif ratios in COORDINATES:
        code = "wrong-coordinates"
    else:
        code = next((a.code for a in found if a.code), "evaluation-point")
    place = " + ".join(a.text for a in found if a.text) or "the wrong point"
    return case.say(code, f"the function is called at {place}: {CODES[code][0]}",
                    "evaluated elsewhere", fix=CODES["evaluation-point"][1])


def sums_of_arguments(case, probes, points):
    """A `Sample` of every point, by row where there are more features than arguments."""
    names = [n for n in ("x", "x_0", "x_t", "eps", "v") if n in case.contract.args]
    for p, (x, right) in zip(probes, points):
        arrays = {n: p.args[n] for n in names if np.ndim(p.args[n]) == 2}
        q, by_row = quantities(case.contract, p.args), x.shape[1] > len(arrays)
        for b in range(len(x)) if by_row else [slice(None)]:
            terms = {n: np.ravel(a[b]) for n, a in arrays.items()}
            slack = np.full(x[b].size, 1e-5)
            yield Sample(np.ravel(x[b]), np.ravel(right[b]), terms, terms, slack, slack,
                         {n: v[b] if by_row else v[0] for n, v in q.items()})


class Argument(NamedTuple):
    """One argument in a sum: its term in words, what is wrong with it, and got / want in words.

    code   "" where nothing is;  ratio  "0" where it is left out, "?" where there is no product
    """

    text: str
    code: str
    ratio: str


def explain_argument(name, table):
    """The `Argument` of this name, from the coefficients of all points."""
    got, want, slack = table.got[name], table.want[name], np.full(len(table.got[name]), 1e-4)
    made, right = (monomials(a, table.quantities, slack) for a in (got, want))
    if np.allclose(got, want, rtol=1e-4, atol=1e-6):
        return Argument(multiple(right[0], name) if right else "", "",
                        "same" if np.any(want) else "")
    if np.allclose(got, 0, atol=1e-5):
        return Argument("", "evaluation-point", "0")
    ratio = monomials(got / want, table.quantities, slack) if np.all(want) else []
    text = multiple(made[0], name) if made else f"another multiple of {name}"
    return Argument(text, code_of_multiple(made, right), str(ratio[0]) if ratio else "?")


def code_of_multiple(made, right):
    """What a multiple of an argument is called where another one is right."""
    if not made or not right:
        return "evaluation-point"
    if made[0].sign != right[0].sign and made[0].powers == right[0].powers:
        return "sign"
    return name_powers(right[0].powers, made[0].powers) or "factor"


def multiple(factor, name):
    """A multiple of an argument, in words."""
    return name if str(factor) == "1" else f"{factor} {name}"


def rounded(a, bits):
    """Numbers with so many binary digits, to the nearest."""
    mantissa, exponent = np.frexp(a)
    return np.ldexp(np.round(mantissa * 2.0**bits), exponent - bits)


def wrong_level(case, probes, got, want):
    """The function is called with another level."""
    name = next(n for n in case.contract.args if n in LEVELS or n == "sigmas")
    level, right = np.concatenate(got), np.concatenate(want)
    rough = rounding(level, right)
    if rough:
        return case.say("low-precision", f"the function is passed its level {rough}",
                        "evaluated elsewhere")
    for word, f, code in OTHER_LEVELS:
        with np.errstate(all="ignore"):
            if np.allclose(level, f(right), rtol=1e-4):
                return case.say(code, f"the function is passed {word} for its level",
                                "evaluated elsewhere")
    tables = [quantities(case.contract, p.args) for p in probes]
    q = {n: np.concatenate([t[n] for t in tables]) for n in tables[0]
         if all(n in t for t in tables)}
    ratio = monomials(level / right, q, np.full(len(level), 1e-4)) if np.all(right) else []
    if not ratio:
        return case.say("evaluation-point", "the function is passed the wrong level",
                        "evaluated elsewhere")
    code = name_powers({name: 1}, times({name: 1}, ratio[0].powers)) or "factor"
    code = "evaluation-point" if code in ("wrong-factor", "factor-extra") else code
    return case.say(code, f"the function is passed {ratio[0]} times its level",
                    "evaluated elsewhere")
