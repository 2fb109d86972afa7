"""What foreign code computes, as a formula: fits of the whole result, of an offset, term by term.

    got / expected  as a product of powers of the contract's quantities
    got - expected  as a sum of logarithms, for log densities
    got = sum_k c_k term_k,  and every c_k against what it should be
"""

from fractions import Fraction

import numpy as np

from ..kinds import BATCH, LEVEL, LOSS, ROWS, STATES, TABLE
from ..kinds.quantities import logs_of, quantities
from .powers import Degenerate, coefficients, monomials, offsets
from .loops import transitions
from .codes import CODES, name_powers
from ..calls.recorded import bases, recorded


def fits(case):
    """Fits of every component that is wrong: of the whole, of an offset, term by term."""
    if case.contract.form == STATES:
        table, found = transitions(case)
        return found or (explain_terms(case, *table, "in a step: ") if table else [])
    found = []
    for i, (name, form) in enumerate(case.contract.returns):
        if form != LOSS and all(np.all(np.abs(p.got[i] - p.want[i]) <= p.slack[i])
                                for p in case.more):
            continue
        of = f"{name}: " if name else ""
        whole = ratios(case, i, form, of)
        if form == LOSS and all(np.all(np.abs(p.got[0] - p.want[0]) <= 4 * p.slack[0])
                                for p in case.more):
            return reduction(case)
        added = offset(case, i, of) if case.contract.logarithm else []
        found += added or whole or term_by_term(case, i, of)
    return found


def reduction(case):
    """A loss that is right for single rows, and wrong for a batch of them."""
    ratio = np.array([p.batch_mean / np.mean(p.want[0]) for p in case.more if p.batch_mean])
    q = [quantities(case.contract, p.args) for p in case.more if p.batch_mean]
    common = [n for n in (q[0] if q else ()) if all(n in t for t in q)]
    found = monomials(ratio, {n: np.array([t[n][0] for t in q]) for n in common},
                      np.full(len(ratio), 1e-5))
    return [named(case, m, {}, "of a batch, ", LOSS) for m in found[:1]]


def ratios(case, i, form, of):
    """got / expected as one product of powers, over all rows of all further probes."""
    ratio, slack, rows, want_size = [], [], [], []
    for p in case.more:
        got, want = p.got[i], p.want[i]
        q = quantities(case.contract, p.args)
        if form == BATCH:
            square = np.sum(want**2, axis=1)
            r = np.sum(got * want, axis=1) / square
            if np.any(np.abs(got - r[:, None] * want) > 4 * (1 + abs(r[:, None])) * p.slack[i]):
                return []
            s, size = np.max(p.slack[i], axis=1) / np.sqrt(square), np.sqrt(square)
        else:
            got, want, s = np.ravel(got), np.ravel(want), np.ravel(p.slack[i])
            if np.any((want == 0) != (got == 0)):
                return []
            keep = want != 0
            r, s, size = got[keep] / want[keep], (s[keep] / np.abs(want[keep])), np.abs(want[keep])
            by_entry = form != TABLE or all(len(v) == len(keep) > 1 for v in q.values())
            q = {n: v[keep] if by_entry and len(v) == len(keep) else np.broadcast_to(v[:1], r.shape)
                 for n, v in q.items()}
        ratio.append(r)
        slack.append(s * 4)
        rows.append(q)
        want_size.append(size)
    names = set.intersection(*(set(q) for q in rows))
    q = {n: np.concatenate([r[n] for r in rows]) for n in sorted(names)}
    ratio, slack, size = (np.concatenate(a) for a in (ratio, slack, want_size))
    results = by_dimension(case, ratio, slack) or monomials(ratio, q, slack)
    e = None if form == LOSS else known_powers(size, q) if form != BATCH else term_powers(case, i)
    e = case.contract.right_powers or e
    found = [named(case, m, e, of, form) for m in results[:2] if str(m) != "1"]
    if not found and form != BATCH:
        power = [m for m in monomials(ratio, {"it": size}, slack) if "it" in m.powers]
        for m in power[:1]:
            p = m.powers["it"] + 1
            code, text = {2: ("squared-twice" if form in (LOSS, ROWS) else "sqrt-missing",
                              "the square of the right value"),
                          0.5: ("sqrt-extra", "the square root of the right value"),
                          -1: ("inverted", "one over the right value")}.get(
                float(p), ("wrong-power", f"the right value to the power {p}"))
            found.append(case.say(code, f"{of}the result is {text}", "fit", 1.5))
    return found


def by_dimension(case, ratio, slack):
    """A constant ratio that is one over D, or D, where all probes have the same D, as images do."""
    if case.dim is None or case.dim < 3:
        return []
    for power in (-1, 1):
        rest = monomials(ratio / float(case.dim)**power, {}, slack)
        if rest and not rest[0].constant and abs(rest[0].twos) <= 1:
            return [rest[0]._replace(powers={"D": Fraction(power)})]
    return []


def term_powers(case, i):
    """Powers of the quantities in the right coefficients, where all terms have them in common."""
    table = coefficients_of(case, i, 0, right_only=True)
    if table is None:
        return None
    _, want, slack, q = table
    powers = []
    for n, c in want.items():
        if np.all(np.abs(c) > slack[n]):
            m = monomials(c, q, slack[n] / np.abs(c) + 1e-9)
            powers.append(m[0].powers if m else {})
    names = set().union(*powers)
    return {n: powers[0][n] for n in names if all(p.get(n) == powers[0].get(n) for p in powers)}


def known_powers(size, q):
    """Powers of the quantities in the right answer, where it is a product of them alone."""
    result = monomials(size, q, np.full(len(size), 1e-9))
    return result[0].powers if result else None


def named(case, m, e, of, form):
    """The diagnosis of a result that is `m` times the right one, whose powers are e if known."""
    parts, e = [], e if e is not None else {n: -p for n, p in m.powers.items()
                                            if all(p < 0 for p in m.powers.values())}
    g = {n: e.get(n, 0) + m.powers.get(n, 0) for n in {**e, **m.powers}}
    if m.sign < 0:
        parts.append("sign")
    if m.constant == "ln 2" or m.constant == "1/ln 2":
        parts.append("nats-vs-bits")
    elif m.constant:
        parts.append("factor")
    if m.powers:
        code = name_powers(e, g)
        if form == LOSS and not set(m.powers) <= {"D", "B", "M", "L", "|v|"}:
            code = "weighting"
        if set(m.powers) == {"|v|"}:
            code = "unit-sphere"
        parts.append(code)
    if m.twos and not (m.powers and set(m.powers) <= {"ln(sigma_max / sigma_min)"}):
        parts.append("half" if abs(m.twos) == 1 and not m.constant else "factor")
    by_choice = {"sum-vs-mean": m.powers == {"D": -1} and form in (LOSS, ROWS) and "mean-over-dims",
                 "half": form == LOSS and "missing-half", "unit-sphere": "unit-sphere"}
    choices = [by_choice.get(p) for p in parts]
    convention = " + ".join(choices) if all(choices) else ""
    words = "; ".join(dict.fromkeys(CODES[p][0] for p in parts))
    sentence = f"{of}the result is {m} times the right one: {words}"
    cost = 1.05 if parts == ["wrong-coordinates"] else 1 + 0.2 * len(parts) + (
        0.8 if "wrong-factor" in parts else 0.15 if parts[0] == "factor-extra" else 0)
    return case.say(parts[0], sentence, "fit", cost, convention)._replace(also=tuple(parts[1:]))


def offset(case, i, of):
    """got - expected as a sum of logarithms."""
    difference, slack, logs = [], [], []
    for p in case.more:
        difference.append(p.got[i] - p.want[i])
        slack.append(p.slack[i] * 4)
        logs.append(logs_of(quantities(case.contract, p.args)))
    names = set.intersection(*(set(a) for a in logs))
    logs = {n: np.concatenate([np.broadcast_to(a[n], d.shape) for a, d in zip(logs, difference)])
            for n in sorted(names)}
    found = offsets(np.concatenate(difference), logs, np.concatenate(slack))
    if not found:
        return []
    text = " + ".join(f"{w} {n}" for n, w in found[0].items()).replace("+ -", "- ")
    return [case.say("normalising-constant", f"{of}the result is the right one plus {text}", "fit",
                     1.2)]


def term_by_term(case, i, of):
    """Each coefficient of the sum that the right answer is, against what it should be."""
    candidates = []
    for basis in range(3):
        table = coefficients_of(case, i, basis)
        if table is None:
            continue
        candidates.append(explain_terms(case, *table, of))
    best = [c for c in candidates if c]
    return min(best, key=lambda ds: ds[0].cost) if best else []


def coefficients_of(case, i, basis, right_only=False):
    """Recovered and right coefficients {term: (N,)}, their slack, and the quantities, or None."""
    got, want, slack, rows = {}, {}, {}, []
    for p in case.more:
        choice = bases(case.contract, p.args, p.trial.calls, i)
        if basis >= len(choice):
            return None
        calls = recorded(case.contract, p.args)
        truth = bases(case.contract, p.args, calls, i)[basis] if calls else choice[basis]
        if case.contract.returns[i][1] == LEVEL:
            return level_coefficients(case, i, basis, right_only)
        terms, q = choice[basis], quantities(case.contract, p.args)
        per_row = np.ndim(p.want[i]) == 2
        groups = range(len(p.want[i])) if per_row else [slice(None)]
        for b in groups:
            features = np.stack([np.asarray(a)[b] for a in terms.values()])
            right = np.stack([np.asarray(truth[n])[b] for n in terms])
            try:
                c = coefficients(p.want[i][b], right, p.slack[i][b])
                a = c if right_only else coefficients(p.got[i][b], features, p.slack[i][b])
            except Degenerate:
                continue
            if a is None or c is None:
                return None
            for n, x, y, s in zip(terms, a[0], c[0], np.maximum(a[1], c[1])):
                got.setdefault(n, []).append(x)
                want.setdefault(n, []).append(y)
                slack.setdefault(n, []).append(s)
            rows.append({n: v[b] if per_row else v[0] for n, v in q.items()})
    if len(rows) < 6:
        return None
    names = set.intersection(*(set(r) for r in rows))
    complete = [n for n in got if len(got[n]) == len(rows)]
    return ({n: np.array(got[n]) for n in complete}, {n: np.array(want[n]) for n in complete},
            {n: np.array(slack[n]) for n in complete},
            {n: np.array([r[n] for r in rows]) for n in sorted(names)})


def level_coefficients(case, i, basis, right_only):
    """The same for a level, all of whose values are one group: the coefficients are numbers."""
    features, rows, truth, slack = {}, [], [], []
    for p in case.more:
        terms, transform, slope = bases(case.contract, p.args, (), i)[basis]
        with np.errstate(all="ignore"):
            rows.append(transform(np.ravel(p.got[i])))
            truth.append(transform(np.ravel(p.want[i])))
            slack.append(np.ravel(p.slack[i]) * np.abs(slope(np.ravel(p.want[i]))) + 1e-13)
        for n, a in terms.items():
            features.setdefault(n, []).append(np.broadcast_to(np.ravel(a), rows[-1].shape))
    table = np.stack([np.concatenate(a) for a in features.values()])
    slack = np.concatenate(slack)
    try:
        c = coefficients(np.concatenate(truth), table, slack)
        a = c if right_only else coefficients(np.concatenate(rows), table, slack)
    except Degenerate:
        return None
    if a is None or c is None:
        return None
    error = np.maximum(a[1], c[1]) + 1e-9
    return tuple({n: np.array([v]) for n, v in zip(features, values)}
                 for values in (a[0], c[0], error)) + ({},)


def explain_terms(case, got, want, slack, q, of):
    """The diagnosis of the coefficients that differ: the simplest first, with the others' words."""
    found = []
    for term in got:
        a, c, s = got[term], want[term], slack[term]
        near = s + 1e-9 * np.abs(c)
        if np.all(np.abs(a - c) <= near):
            continue
        found.append(explain_one(case, term, a, c, s, q, of))
    if not found or case.contract.similar_terms and any(d.cost > 4 for d in found):
        return special_terms(case, got, want, slack, of)[:1] if found else []
    special = special_terms(case, got, want, slack, of) or weights(case, got, want, slack, q, of)
    if special:
        return special
    found.sort(key=lambda d: d.cost)
    if len(found) > 1:
        first = found[0]
        rest = "; ".join(d.sentence for d in found[1:3])
        found[0] = first._replace(sentence=f"{first.sentence}; {rest}",
                                  cost=first.cost + 0.3 * (len(found) - 1),
                                  also=tuple(d.code for d in found[1:] if d.code != first.code))
    return found[:1]


def explain_one(case, term, a, c, s, q, of):
    """The diagnosis of one coefficient `a` where `c` is right."""
    absent, extra = np.all(np.abs(a) <= s), np.all(np.abs(c) <= s)
    in_args = term in case.contract.args
    if absent:
        code = "argument-ignored" if in_args else "term-missing"
        what = "the result does not depend on" if in_args else "the sum lacks the term"
        return case.say(code, f"{of}{what} {term}", "terms", 1.5)
    if extra:
        made = monomials(a, q, s / np.maximum(np.abs(a), 1e-300))
        text = f" {made[0]} times" if made else ""
        return case.say("term-extra", f"{of}the sum contains{text} {term}, which does not belong "
                        "there", "terms", 2.0 if made else 4.2)
    both = (np.abs(c) > s) & (np.abs(a) > s)
    if not np.all(both):
        if np.sum(both) < 6:
            return case.say("wrong-factor", f"{of}the coefficient of {term} is wrong", "terms", 4.5)
        a, c, s, q = a[both], c[both], s[both], {n: v[both] for n, v in q.items()}
    relative = (s / np.abs(c) + s / np.abs(a))
    ratio = monomials(a / c, q, relative)
    right, made = monomials(c, q, s / np.abs(c)), monomials(a, q, s / np.abs(a))
    e = right[0].powers if right else {}
    if ratio:
        m = ratio[0]
        g = {n: e.get(n, 0) + m.powers.get(n, 0) for n in {**e, **m.powers}}
        constant = term == "1" and case.contract.logarithm
        code = "normalising-constant" if constant else "sign" if m.sign < 0 else name_powers(
            e, g) if m.powers else (
            "nats-vs-bits" if "ln 2" in m.constant else
            "half" if abs(m.twos) == 1 and not m.constant else "factor")
        text = (f"is {made[0]}, where {right[0]} is right" if made and right
                else f"is {m} times the right one")
        cost = 1.6 + 0.2 * len(m.powers) + 0.2 * bool(m.powers and m.twos)
        return case.say(code, f"{of}the coefficient of {term} {text}: {CODES[code][0]}", "terms",
                        cost)
    if made:
        return case.say("wrong-factor", f"{of}the coefficient of {term} is {made[0]}, which is not "
                        "that of the formula", "terms", 2.5 + 0.2 * len(made[0].powers))
    return case.say("wrong-factor", f"{of}the coefficient of {term} is wrong, in a way that is no "
                    "product of powers", "terms", 4.5)


def weights(case, got, want, slack, q, of):
    """Whether each level of a loss is merely weighted otherwise: one ratio for all its terms."""
    words = []
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
        made = monomials(ratios[0], q, relative[0])
        words.append(str(made[0]) if made else "another factor")
    if not words:
        return []
    return [case.say("weighting", f"{of}the weight of level 1 is {words[0]} times the right one, "
                     f"and so on: {CODES['weighting'][0]}", "terms", 1.4)]


def special_terms(case, got, want, slack, of):
    """Exchanges of one term for another that have a name of their own."""
    def absent(table, other):
        return [t for t in got if np.all(np.abs(table[t]) <= slack[t])
                and np.any(np.abs(other[t]) > slack[t])]

    gone, come = absent(got, want), absent(want, got)
    squares = any(t.startswith("|") or t == "(v's)^2" for t in gone)
    if squares and any(t.startswith("sum of ") or t == "v's" for t in come):
        return [case.say("not-squared", f"{of}the residual is summed, not its square", "terms",
                         1.5)]
    if "sum_k r_k mean_k" in gone and come:
        return [case.say("unweighted", f"{of}in place of sum_k r_k mean_k stands {come[0]}: "
                         f"{CODES['unweighted'][0]}", "terms", 1.05)]
    if gone == ["sigma^2"] and come == ["sigma"]:
        return [case.say("sigma-not-squared", f"{of}sigma stands where sigma^2 is meant", "terms",
                         1.4)]
    if len(come) == 1 and come[0].startswith("|") and f"{come[0]}^2" in gone:
        return [case.say("not-squared", f"{of}{come[0]} stands where {come[0]}^2 is meant", "terms",
                         1.4)]
    if any("J" in t for t in gone) and any("J" in t for t in come):
        old, new = (next(t for t in side if "J" in t) for side in (gone, come))
        return [case.say("wrong-jacobian", f"{of}{new} stands in place of {old}", "terms", 1.5)]
    return []
