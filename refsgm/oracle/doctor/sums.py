"""Sums term by term: every coefficient of a right answer's terms, against what it should be."""

import itertools

import numpy as np

from ..calls.recorded import bases, recorded
from ..kinds import DATA, LEVEL
from ..kinds.quantities import quantities
from .codes import CODES
from .power_names import name_constant, name_powers, name_twos, times
from .powers import monomials
from .ranking import (cost_of_coefficient, cost_of_other_coefficient, cost_of_several, obscure)
from .recover import Sample, recover

BASES = 3                         # ways of writing the same sum that are tried
FEWEST = 6                        # samples that a coefficient is recovered from


def term_by_term(case, i, of):
    """The simplest diagnosis of the coefficients of component i, in any basis."""
    candidates = []
    for basis in range(BASES):
        table = coefficients_of(case, i, basis)
        if table is not None:
            candidates.append(explain_terms(case, table, of))
    best = [found for found in candidates if found]
    return min(best, key=lambda found: found[0].cost) if best else []


def coefficients_of(case, i, basis, right_only=False):
    """The `Recovered` coefficients of component i in a basis, or None."""
    if case.contract.returns[i][1] == LEVEL:
        table = recover(sums_of_levels(case, i, basis, right_only), every=True)
        return table and table._replace(slack={n: s + 1e-9 for n, s in table.slack.items()})
    table = recover(sums_of_terms(case, i, basis, right_only))
    rows = max(map(len, table.want.values()), default=0) if table else 0
    return table if rows >= FEWEST else None


def sums_of_terms(case, i, basis, right_only):
    """A `Sample` of every row of vectors, or of all rows of a probe; None without this basis."""
    for p in case.fit_probes():
        choice = bases(case.contract, p.args, p.trial.calls, i)
        if basis >= len(choice):
            yield None
            return
        calls = recorded(case.contract, p.args)
        terms = choice[basis]
        truth = bases(case.contract, p.args, calls, i)[basis] if calls else terms
        q, vectors = sorted(quantities(case.contract, p.args).items()), np.ndim(p.want[i]) == 2
        for b in range(len(p.want[i])) if vectors else [slice(None)]:
            yield Sample(None if right_only else p.got[i][b], p.want[i][b],
                         {n: np.asarray(a)[b] for n, a in terms.items()},
                         {n: np.asarray(truth[n])[b] for n in terms},
                         p.slack[i][b], p.slack[i][b],
                         {n: v[b] if vectors else v[0] for n, v in q})


def sums_of_levels(case, i, basis, right_only):
    """One `Sample` of all levels of all probes: a function of them is a sum of the terms."""
    features, made, right, slack = {}, [], [], []
    for p in case.fit_probes():
        choice = bases(case.contract, p.args, (), i)
        if basis >= len(choice):
            yield None
            return
        terms, transform, slope = choice[basis]
        got, want = np.ravel(p.got[i]), np.ravel(p.want[i])
        with np.errstate(all="ignore"):
            made.append(transform(got))
            right.append(transform(want))
            slack.append(np.ravel(p.slack[i]) * np.abs(slope(want)) + 1e-13)
        for n, a in terms.items():
            features.setdefault(n, []).append(np.broadcast_to(np.ravel(a), want.shape))
    terms, slack = {n: np.concatenate(a) for n, a in features.items()}, np.concatenate(slack)
    yield Sample(None if right_only else np.concatenate(made), np.concatenate(right), terms, terms,
                 slack, slack, {})


def common_powers(case, i):
    """Powers of the quantities in the right coefficients, where all terms have them in common."""
    table = coefficients_of(case, i, 0, right_only=True)
    if table is None:
        return None
    powers = []
    for n, want in table.want.items():
        if np.all(np.abs(want) > table.slack[n]):
            found = monomials(want, table.quantities, table.slack[n] / np.abs(want) + 1e-9)
            powers.append(found[0].powers if found else {})
    names = set().union(*powers)
    return {n: powers[0][n] for n in names if all(p.get(n) == powers[0].get(n) for p in powers)}


def explain_terms(case, table, of):
    """The diagnosis of the coefficients that differ: the simplest first, with the others' words."""
    found = [explain_one(case, term, table, of) for term in table.got
             if not np.all(np.abs(table.got[term] - table.want[term])
                           <= table.slack[term] + 1e-9 * np.abs(table.want[term]))]
    if not found:
        return []
    special = special_terms(case, table, of)
    if case.contract.similar_terms and any(map(obscure, found)):
        return special
    special = special or weights(case, table, of) or exchanged_terms(case, table, of)
    if special:
        return special
    found.sort(key=lambda d: d.cost)
    if len(found) == 1:
        return found
    first, rest = found[0], found[1:]
    return [first._replace(sentence="; ".join(d.sentence for d in found[:3]),
                           cost=cost_of_several(found),
                           accounts=all(d.accounts for d in found),
                           also=tuple(d.code for d in rest if d.code != first.code))]


def explain_one(case, term, table, of):
    """The diagnosis of the coefficient of one term."""
    got, want, slack, q = table.got[term], table.want[term], table.slack[term], table.quantities
    if np.all(np.abs(got) <= slack):
        return lacking(case, term, of)
    if np.all(np.abs(want) <= slack):
        made = monomials(got, q, slack / np.maximum(np.abs(got), 1e-300))
        text = f" {made[0]} times" if made else ""
        return case.say("term-extra", f"{of}the sum contains{text} {term}, which does not belong "
                        "there", "term extra" if made else "term extra, unexplained")
    both = (np.abs(want) > slack) & (np.abs(got) > slack)
    if np.sum(both) < min(FEWEST, len(both)):
        return case.say("wrong-factor", f"{of}the coefficient of {term} is wrong",
                        "coefficient unexplained")
    got, want, slack = got[both], want[both], slack[both]
    q = {n: v[both] for n, v in q.items()}
    factor = monomials(got / want, q, slack / np.abs(want) + slack / np.abs(got))
    right, made = (monomials(a, q, slack / np.abs(a)) for a in (want, got))
    if factor:
        constant = term == "1" and case.contract.logarithm
        code = "normalising-constant" if constant else code_of(
            factor[0], right[0].powers if right else {})
        text = (f"is {made[0]}, where {right[0]} is right" if made and right
                else f"is {factor[0]} times the right one")
        return case.say(code, f"{of}the coefficient of {term} {text}: {CODES[code][0]}",
                        "coefficient", cost=cost_of_coefficient(factor[0]))
    if made:
        return case.say("wrong-factor", f"{of}the coefficient of {term} is {made[0]}, which is not "
                        "that of the formula", "coefficient unlike",
                        cost=cost_of_other_coefficient(made[0]))
    return case.say("wrong-factor", f"{of}the coefficient of {term} is wrong, in a way that is no "
                    "product of powers", "coefficient unexplained")


def lacking(case, term, of):
    """The diagnosis of a term that is absent: an argument that is ignored, or another term."""
    if term in case.contract.args:
        return case.say("argument-ignored", f"{of}the result does not depend on {term}",
                        "term missing")
    return case.say("term-missing", f"{of}the sum lacks the term {term}", "term missing")


def code_of(factor, right):
    """What a factor of one coefficient, whose powers should be `right`, is called."""
    if factor.sign < 0:
        return "sign"
    if factor.powers:
        return name_powers(right, times(right, factor.powers))
    constant = name_constant(factor)
    return constant if constant == "nats-vs-bits" else name_twos(factor)


def weights(case, table, of):
    """Whether each level of a loss is merely weighted otherwise: one ratio for all its terms."""
    got, want, slack, words = table.got, table.want, table.slack, []
    for i in range(1, 9):
        terms = [n for n in got if n.endswith(f"at level {i}")
                 and np.all(np.abs(want[n]) > slack[n])]
        ratios = [got[n] / want[n] for n in terms]
        if not terms:
            continue
        relative = [slack[n] / np.abs(want[n]) for n in terms]
        if any(np.any(np.abs(r / ratios[0] - 1) > 4 * (s + relative[0]))
               for r, s in zip(ratios, relative)):
            return []
        made = monomials(ratios[0], table.quantities, relative[0])
        words.append((i, str(made[0]) if made else "another factor"))
    if not words:
        return []
    i, factor = next((item for item in words if item[1] != "1"), words[0])
    return [case.say("weighting", f"{of}the weight of level {i} is {factor} times the right one, "
                     f"and so on: {CODES['weighting'][0]}", "weight of levels")]


def special_terms(case, table, of):
    """Exchanges of one term for another that have a name of their own."""
    gone, come = absent(table.got, table.want, table), absent(table.want, table.got, table)
    squares = any(term.startswith("|") or term == "(v's)^2" for term in gone)
    if squares and any(term.startswith("sum of ") or term == "v's" for term in come):
        return [case.say("not-squared", f"{of}the residual is summed, not its square",
                         "not squared")]
    if "sum_k r_k mean_k" in gone and come:
        return [case.say("unweighted", f"{of}in place of sum_k r_k mean_k stands {come[0]}: "
                         f"{CODES['unweighted'][0]}", "unweighted")]
    if gone == ["sigma^2"] and come == ["sigma"]:
        return [case.say("sigma-not-squared", f"{of}sigma stands where sigma^2 is meant",
                         "square of a term")]
    if len(come) == 1 and come[0].startswith("|") and f"{come[0]}^2" in gone:
        return [case.say("not-squared", f"{of}{come[0]} stands where {come[0]}^2 is meant",
                         "square of a term")]
    old, new = ([term for term in side if "J" in term] for side in (gone, come))
    if old and new:
        return [case.say("wrong-jacobian", f"{of}{new[0]} stands in place of {old[0]}",
                         "other Jacobian")]
    return []


def exchanged_terms(case, table, of):
    """Whether two arrays are in each other's place in the target of a function f: f'x_0 has the
    coefficient of f'eps, the other way round, and so have their squares.
    """
    for one, other in itertools.combinations([n for n in table.want if "'" in n], 2):
        (f, x), (g, y) = one.split("'"), other.split("'")
        if f != g or not {x, y} <= DATA or near(table, one, one) or near(table, one, one, -1):
            continue
        pairs = [(one, other), (other, one)]
        pairs += [(f"|{x}|^2", f"|{y}|^2"), (f"|{y}|^2", f"|{x}|^2")]
        rest = [n for n in table.got if n not in dict(pairs)]
        if all(near(table, a, b) for a, b in pairs if a in table.got) and all(
                near(table, n, n) for n in rest):
            return [case.say("swapped-arguments", f"{of}{x} and {y} are exchanged in the target",
                             "exchanged in the target", fix=f"exchange {x} and {y} there")]
    return []


def near(table, term, other, sign=1):
    """Whether the coefficient of a term is the one, or minus the one, that another should have."""
    slack = table.slack[term] + table.slack[other] + 1e-9 * np.abs(table.want[other])
    return bool(np.all(np.abs(table.got[term] - sign * table.want[other]) <= slack))


def absent(coefficients, others, table):
    """Terms whose coefficients are zero while the others are not."""
    return [term for term in table.got
            if np.all(np.abs(coefficients[term]) <= table.slack[term])
            and np.any(np.abs(others[term]) > table.slack[term])]
