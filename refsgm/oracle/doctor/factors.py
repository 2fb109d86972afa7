"""What foreign code computes, as a formula: a factor of the right result, an offset, or a sum.

    got / want  as a product of powers of the contract's quantities
    got - want  as a sum of logarithms, for log densities
    got = sum_k c_k term_k,  and every c_k against what it should be (`sums`)
"""

from fractions import Fraction

import numpy as np

from ..kinds import BATCH, LEVEL, LOSS, ROWS, STATES, TABLE
from ..kinds.quantities import logs_of, quantities
from .codes import CODES
from .loops import order_of_levels, transitions
from .power_names import name_constant, name_powers, name_twos, times
from .powers import monomials, offsets, two_terms
from .ranking import COST, cost_of_factor, good_enough, obscure
from .sums import common_powers, explain_terms, term_by_term

MANY = 3                                      # quantities in a factor that may be something simpler
SIZES = {"D", "B", "M", "L", "|v|"}          # quantities that are no noise level
RATIO = "ln(sigma_max / sigma_min)"
ROUGH = (1e-6, 1e-4)                           # a fit's slack beside an approximation
POWERS_OF_THE_RESULT = {                      # power: (code, words)
    2: ("sqrt-missing", "the square of the right value"),
    0.5: ("sqrt-extra", "the square root of the right value"),
    -1: ("inverted", "one over the right value")}


def formula(case):
    """Fits of every component that is wrong: of the whole, of an offset, term by term."""
    if case.contract.form == STATES:
        return formula_of_steps(case)
    parts, probes = [], case.fit_probes()
    for i, (name, form) in enumerate(case.contract.returns):
        if form != LOSS and within_slack(probes, i, 1):
            continue
        of = f"{name}: " if name else ""
        whole = ratios(case, i, form, of)
        if form == LOSS and within_slack(probes, i, 4):
            return reduction(case)
        added = offset(case, i, of) if case.contract.logarithm else []
        found = added or whole
        if not good_enough(found):                          # a long product may be a plain sum
            found = [*found, *term_by_term(case, i, of)]
        parts.append(found)
    best = {min(found, key=lambda d: d.cost).code for found in parts if found}
    alike = all(parts) and len(best) == 1
    return [d if alike else d._replace(accounts=False) for found in parts for d in found]


def rough_formula(case):
    """A fit that holds up to an approximation: a mistake beside another, small one."""
    for size in ROUGH:
        found = [d for d in formula(case.roughly(size)) if not obscure(d)]
        if found:
            words = f"up to relative errors below {30 * size:.0e}, "
            return [d._replace(sentence=words + d.sentence,
                               cost=COST["roughly"], convention="", also=(*d.also, "approximate"))
                    for d in found[:1]]
    return []


def formula_of_steps(case):
    """The same for a loop, whose steps are sums."""
    found = order_of_levels(case)
    if found:
        return found
    table = transitions(case)
    return explain_terms(case, table, "in a step: ") if table else []


def within_slack(probes, i, factor):
    """Whether component i is right at all probes, within `factor` times its slack."""
    return all(np.all(np.abs(p.got[i] - p.want[i]) <= factor * p.slack[i]) for p in probes)


def reduction(case):
    """A loss that is right for single rows, and wrong for a batch of them."""
    batches = [p for p in case.fit_probes() if p.batch_mean]
    ratio = np.array([p.batch_mean / np.mean(p.want[0]) for p in batches])
    tables = [quantities(case.contract, p.args) for p in batches]
    q = {n: np.array([t[n][0] for t in tables]) for n in (tables[0] if tables else ())
         if all(n in t for t in tables)}
    found = monomials(ratio, q, np.full(len(ratio), 1e-5))
    return [named(case, factor, {}, "of a batch, ", LOSS) for factor in found[:1]]


def ratios(case, i, form, of):
    """got / want as one product of powers, over all rows of all further probes."""
    parts = []
    for p in case.fit_probes():
        q = quantities(case.contract, p.args)
        part = ratio_of_rows(p, i, q) if form == BATCH else ratio_of_entries(p, i, q, form)
        if part is None:
            return []
        parts.append(part)
    ratio, slack, size = (np.concatenate([part[k] for part in parts]) for k in range(3))
    names = sorted(set.intersection(*(set(part[3]) for part in parts)))
    q = {n: np.concatenate([part[3][n] for part in parts]) for n in names}
    results = by_dimension(case, ratio, slack) or monomials(ratio, q, slack)
    if not results and form in (LOSS, LEVEL):
        return factor_that_is_a_sum(case, ratio, slack, q, form, of) or power_of_the_result(
            case, ratio, slack, size, form, of)
    right = (None if form == LOSS else common_powers(case, i) if form == BATCH
             else known_powers(size, q))
    right = case.contract.right_powers or right
    found = [named(case, factor, right, of, form) for factor in results[:2] if str(factor) != "1"]
    if form == BATCH or results and len(results[0].powers) < MANY:
        return found
    return power_of_the_result(case, ratio, slack, size, form, of) or found


def factor_that_is_a_sum(case, ratio, slack, q, form, of):
    """got / want as a sum of two powers, its square, or one over either."""
    for power, words in ((1, "{}"), (2, "({})^2"), (-1, "1 / ({})"), (-2, "1 / ({})^2")):
        with np.errstate(all="ignore"):
            made = two_terms(ratio**(1 / power), q, slack / abs(power))
        if made:
            code = "weighting" if form == LOSS else "wrong-factor"
            return [case.say(code, f"{of}the result is {words.format(made)} times the right one: "
                             f"{CODES[code][0]}", "factor that is a sum")]
    return []


def ratio_of_rows(p, i, q):
    """(got / want, slack, size of want, quantities) by row of vectors; None if not parallel."""
    got, want, slack = p.got[i], p.want[i], p.slack[i]
    square = np.sum(want**2, axis=1)
    ratio = np.sum(got * want, axis=1) / square
    if np.any(np.abs(got - ratio[:, None] * want) > 4 * (1 + abs(ratio[:, None])) * slack):
        return None
    return ratio, 4 * (np.max(slack, axis=1) / np.sqrt(square)), np.sqrt(square), q


def ratio_of_entries(p, i, q, form):
    """The same of each number that is not zero; None if got and want are zero elsewhere."""
    got, want, slack = np.ravel(p.got[i]), np.ravel(p.want[i]), np.ravel(p.slack[i])
    if np.any((want == 0) != (got == 0)):
        return None
    keep = want != 0
    size, n = np.abs(want[keep]), len(keep)
    by_entry = form != TABLE or all(len(v) == n > 1 for v in q.values())
    q = {name: v[keep] if by_entry and len(v) == n else np.broadcast_to(v[:1], size.shape)
         for name, v in q.items()}
    return got[keep] / want[keep], 4 * (slack[keep] / size), size, q


def power_of_the_result(case, ratio, slack, size, form, of):
    """The result as a power of the right one."""
    factors = [f for f in monomials(ratio, {"it": size}, slack) if "it" in f.powers]
    if not factors:
        return []
    power = factors[0].powers["it"] + 1
    code, text = POWERS_OF_THE_RESULT.get(float(power), ("wrong-power",
                                                         f"the right value to the power {power}"))
    if code == "sqrt-missing" and form in (LOSS, ROWS):
        code = "squared-twice"
    return [case.say(code, f"{of}the result is {text}", "power of the result")]


def by_dimension(case, ratio, slack):
    """A constant ratio that is one over D, or D, where all probes have the same D, as images do."""
    if case.dim is None or case.dim < 3:
        return []
    for power in (-1, 1):
        rest = monomials(ratio / float(case.dim)**power, {}, slack)
        if rest and not rest[0].constant and abs(rest[0].twos) <= 1:
            return [rest[0]._replace(powers={"D": Fraction(power)})]
    return []


def known_powers(size, q):
    """Powers of the quantities in the right answer, where it is a product of them alone."""
    result = monomials(size, q, np.full(len(size), 1e-9))
    return result[0].powers if result else None


def named(case, factor, right, of, form):
    """The diagnosis of a result that is `factor` times the right one, whose powers are `right`."""
    if right is None:                        # unknown: a factor that only divides takes powers away
        divides = all(power < 0 for power in factor.powers.values())
        right = {n: -power for n, power in factor.powers.items()} if divides else {}
    codes = codes_of(factor, right, form)
    stands = in_place_of(factor, right)
    if codes == ["wrong-level"] and stands:
        return case.say("wrong-level", f"{of}{stands[0]} stands where {stands[1]} is meant",
                        "factor", cost=cost_of_factor(codes), fix=f"use {stands[1]} there")
    counted, fix = reduction_in_words(factor)
    said = [counted if code == "sum-vs-mean" and counted else CODES[code][0] for code in codes]
    sentence = f"{of}the result is {factor} times the right one: {'; '.join(dict.fromkeys(said))}"
    finding = "coordinates" if codes == ["wrong-coordinates"] else "factor"
    return case.say(codes[0], sentence, finding, convention_of(codes, factor, form),
                    cost=cost_of_factor(codes), fix=fix if codes[0] == "sum-vs-mean" else ""
                    )._replace(also=tuple(codes[1:]))


COUNTED = {"D": "features", "B": "the batch", "M": "directions", "L": "levels"}


def reduction_in_words(factor):
    """(what was done, what to do) where sums are means, or the other way round; ("", "") else."""
    over = " and ".join(COUNTED[n] for n in COUNTED if n in factor.powers)
    powers = set(factor.powers.values())
    if not set(factor.powers) <= set(COUNTED) or powers not in ({-1}, {1}):
        return "", ""
    done, meant = ("mean", "sum") if powers == {-1} else ("sum", "mean")
    if "B" in factor.powers:
        return (f"a {done} over {over} was taken where each row is meant",
                "leave the batch to the caller")
    return (f"a {done} over {over} was taken where the {meant} is meant",
            f"sum over {over}" if meant == "sum" else f"average over {over}")


def in_place_of(factor, right):
    """(what stands, what is meant) where a factor is one quantity in place of another, or None."""
    meant = [n for n, power in factor.powers.items() if right.get(n) == -power]
    other = [n for n in factor.powers if n not in right]
    plain = not factor.constant and not factor.twos and len(factor.powers) == 2
    return (other[0], meant[0]) if plain and len(meant) == len(other) == 1 else None


def codes_of(factor, right, form):
    """What is wrong, one code for the sign, the constant, the powers, and the power of two."""
    codes = ["sign"] if factor.sign < 0 else []
    if factor.constant:
        codes.append(name_constant(factor))
    if factor.powers:
        codes.append(code_of_powers(factor, right, form))
    if factor.twos and not (factor.powers and set(factor.powers) <= {RATIO}):
        codes.append(name_twos(factor))
    return codes


def code_of_powers(factor, right, form):
    """What the quantities of a factor mean: another length of directions, a weight, or a power."""
    if set(factor.powers) == {"|v|"}:
        return "unit-sphere"
    if form == LOSS and not set(factor.powers) <= SIZES:
        return "weighting"
    return name_powers(right, times(right, factor.powers))


def convention_of(codes, factor, form):
    """The documented choices that make up the factor, or "" if one of its codes is none."""
    means = {"D": "mean-over-dims", "L": "mean-over-levels"}
    mean = form in (LOSS, ROWS) and set(factor.powers.values()) == {-1} and (
        set(factor.powers) <= set(means))
    choices = {"sum-vs-mean": " + ".join(means[n] for n in means if n in factor.powers)
               if mean else "",
               "half": "missing-half" if form == LOSS else "", "unit-sphere": "unit-sphere"}
    names = [choices.get(code, "") for code in codes]
    return " + ".join(names) if all(names) else ""


def offset(case, i, of):
    """got - want as a sum of logarithms."""
    probes = case.fit_probes()
    difference = [p.got[i] - p.want[i] for p in probes]
    tables = [logs_of(quantities(case.contract, p.args)) for p in probes]
    logs = {n: np.concatenate([np.broadcast_to(t[n], d.shape) for t, d in zip(tables, difference)])
            for n in sorted(set.intersection(*(set(t) for t in tables)))}
    found = offsets(np.concatenate(difference), logs,
                    np.concatenate([4 * p.slack[i] for p in probes]))
    if not found:
        return []
    text = " + ".join(f"{w} {n}" for n, w in found[0].items()).replace("+ -", "- ")
    return [case.say("normalising-constant", f"{of}the result is the right one plus {text}",
                     "offset")]
