"""The doctor: what is wrong with code that a probe has found wrong, by engines before any list.

    other_draws                  noise of its own that has another law or shape, or is drawn twice
    remembered                   state that is kept from call to call
    call_problems                calls that raise, hang, change arguments, return other shapes
    conventions                  formulas that are right in another convention
    tables                       a table shifted, reversed, with wrong ends
    repeatability, dependence    what the result depends on; rows that mix
    evaluation_points            where the function that was passed is called
    edges                        right everywhere else
    shifted_timesteps            a table of levels read one entry off
    exchanged, chosen, misread, transformed    an argument, or the result, taken for another
    formula                      got / expected as a product of powers, sums term by term
    alternatives                 formulas that are known mistakes of their own kind
    precision                    not finite, too few digits, digits lost in some places
    rough_formula                a formula that fits up to a small approximation

An explanation is given only if it accounts for every value of many further probes to rounding
error. When two do, both are given, the simpler first (`ranking`); when none does, the doctor says
so.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from ..calls.judge import judge, judge_rows, new_probe, probe_at, rows_of
from ..kinds import CHOICES, STATES, TABLE
from ..kinds.probes import fit_specs
from ..kinds.quantities import batch_size
from ..kinds.test_functions import Field
from .call_problems import call_problems, exchanged_results
from .clamped import clamped
from .codes import CODES, Diagnosis
from .dependence import dependence, edges, plain_failure, repeatability
from .draws import other_draws
from .evaluation_points import evaluation_points
from .factors import formula, rough_formula
from .known_mistakes import OTHER, alternatives, conventions
from .memory import remembered
from .misread_arguments import chosen, exchanged, misread, shifted_timesteps, transformed
from .other_levels import other_levels
from .precision import precision
from .ranking import COST, ENGINE, SEEN_ALONE, final, good_enough, obscure
from .tables import tables

MOST = 3                                                       # explanations that are given
ANEW = 0, 1000, 2000               # added to the seeds of probes for fits, until enough are finite


@dataclass
class Case:
    """Foreign code, its probes, and further ones made when they are first asked for."""

    contract: object
    caller: object
    probes: list
    dim: int | None = None
    dtype: str = "float64"
    dictionary: bool = True                  # whether known mistakes may explain it
    failures: list = field(default_factory=list)
    restricted: bool = False                 # to some of the contract's choices
    _fit_probes: list = field(default_factory=list)

    def say(self, code, sentence, finding, convention="", fix="", cost=None, accounts=True):
        """A diagnosis of this kind; `finding` is its place in `ranking`, unless a cost is given."""
        return Diagnosis(code, sentence, self.contract.tag, fix or CODES[code][1], convention,
                         ENGINE[finding], COST[finding] if cost is None else cost,
                         accounts=bool(accounts) and finding not in SEEN_ALONE)

    def fit_probes(self):
        """Probes for fits that were answered; the first time, foreign code is called at them.

        They are plain, with many rows; levels are for all rows where terms are per level. Rows
        whose answer is not finite are left out, and others are asked in their place.
        """
        if not self._fit_probes:
            specs, finite = fit_specs(self.contract, self.caller.levels != "scalar", self.dim), []
            for more in ANEW:
                for s in specs:
                    probe = self.for_fits(new_probe(self.contract, s._replace(
                        dtype=self.dtype, seed=s.seed + more), self.caller))
                    self._fit_probes.append(probe)
                    finite += filter(None, [self.finite(probe)])
                if not finite or len(finite) >= len(specs):
                    break
            self._fit_probes = finite[:len(specs)] or self._fit_probes
        return [p for p in self._fit_probes if p.got is not None]

    def for_fits(self, probe):
        """The probe with its answer, by row where that is the mean of a loss."""
        judge(self.contract, self.caller, probe)
        if probe.mean:
            judge_rows(self.caller, probe)
        return probe

    def finite(self, probe):
        """The probe at the rows alone whose answer is finite where it should be; None without any.
        """
        rows = finite_rows(self.contract, probe)
        if probe.got is None or not rows.any():
            return None
        if rows.all():
            return probe
        args = rows_of(self.contract, probe.args, np.flatnonzero(rows))
        cut = self.for_fits(probe_at(self.contract, probe.situation._replace(B=int(np.sum(rows))),
                                     args))
        return cut if cut.got is not None and finite_rows(self.contract, cut).all() else None

    def restrict(self, probes):
        """Keep these probes for fits alone."""
        self._fit_probes, self.restricted = probes, True

    def roughly(self, size):
        """The same case, whose fits may be off by a relative error of this size."""
        def wider(p):
            return replace(p, components=tuple(c.but(slack=np.maximum(
                c.slack, size * np.max(np.abs(w)))) for c, w in zip(p.components, p.want)))
        return replace(self, _fit_probes=[wider(p) for p in self.fit_probes()])


def finite_rows(contract, probe):
    """Which rows of an answer (B,) are finite where the right one is; all of a table or loop."""
    rows = np.ones(batch_size(probe.args), bool)
    for got, want in zip(probe.got or (), probe.want):
        if contract.form in (TABLE, STATES) or np.shape(got) != np.shape(want) or not len(rows):
            continue
        gaps = np.isfinite(want) & ~np.isfinite(got)
        if gaps.shape[:1] == rows.shape:
            rows &= ~gaps.reshape(len(rows), -1).any(axis=1)
        elif gaps.any():
            rows[:] = False
    return rows


# When an engine is asked: conditions on the case and on what was found before.

def answered(case, found):
    """There is an answer to explain."""
    return case.contract.form == TABLE or any(p.got is not None for p in case.probes)


def draws_itself(case, found):
    """Code draws noise that the contract passes."""
    return bool(case.caller.draws)


def is_table(case, found):
    """The kind is a table."""
    return case.contract.form == TABLE


def has_several_results(case, found):
    """The kind returns more than one array, of which no other convention is known."""
    return len(case.contract.returns) > 1 and all(m.code != OTHER for m in case.contract.known)


def is_no_loop(case, found):
    """The kind is not a loop, whose states depend on all that came before."""
    return case.contract.form != STATES


def is_passed_a_function(case, found):
    """A function is among the arguments."""
    return any(isinstance(a, Field) for a in case.probes[0].args.values())


def plainly_wrong(case, found):
    """An answer is wrong at a plain probe."""
    return plain_failure(case) is not None


def repeatable(case, found):
    """Equal arguments gave equal results."""
    return all(d.code != "not-repeatable" for d in found)


def wrong_for_fits(case, found):
    """An answer is wrong at a probe for fits."""
    probes = case.fit_probes()
    return bool(probes) and not all(p.ok for p in probes)


def wrong_at_edges_alone(case, found):
    """No plain probe, or no probe for fits, has a wrong answer."""
    return not plainly_wrong(case, found) or (repeatable(case, found)
                                              and not wrong_for_fits(case, found))


def known_mistakes_allowed(case, found):
    """The dictionary may be asked."""
    return case.dictionary


def not_explained_well(case, found):
    """No explanation is so simple that lost digits need not be considered."""
    return not good_enough(found)


def not_accounted_for(case, found):
    """The best explanation so far does not account for the values that came."""
    return not (found and min(found, key=lambda d: d.cost).accounts)


def not_accounted_for_well(case, found):
    """The best explanation so far does not account for the values, or is not simple."""
    return not_accounted_for(case, found) or not good_enough(found)


def nothing_told(case, found):
    """No explanation says more than that something is wrong."""
    return all(map(obscure, found))


class Engine(NamedTuple):
    """`explain(case)` gives diagnoses; it is asked when all conditions `when(case, found)` hold."""

    explain: Callable
    when: tuple = ()


MISREAD = (answered, plainly_wrong, repeatable, wrong_for_fits)
ENGINES = (
    Engine(exchanged_results, (has_several_results,)),
    Engine(other_draws,       (draws_itself,)),
    Engine(remembered,        (answered,)),
    Engine(call_problems),
    Engine(conventions,       (answered,)),
    Engine(tables,            (answered, is_table)),
    Engine(repeatability,     (answered, plainly_wrong)),
    Engine(evaluation_points, (answered, plainly_wrong, repeatable, is_passed_a_function,
                               is_no_loop)),
    Engine(dependence,        (answered, plainly_wrong, repeatable, is_no_loop)),
    Engine(edges,             (answered, wrong_at_edges_alone)),
    Engine(shifted_timesteps, MISREAD),
    Engine(exchanged,         MISREAD),
    Engine(chosen,            MISREAD),
    Engine(misread,           MISREAD),
    Engine(transformed,       MISREAD),
    Engine(formula,           (answered, wrong_for_fits)),
    Engine(other_levels,      (*MISREAD, not_accounted_for)),
    Engine(alternatives,      (answered, known_mistakes_allowed, wrong_for_fits)),
    Engine(clamped,           (answered, repeatable, not_accounted_for_well)),
    Engine(precision,         (answered, not_explained_well)),
    Engine(rough_formula,     (answered, nothing_told, is_no_loop, wrong_for_fits)),
)


def diagnose(case):
    """Explanations, best first; one with the code "unknown" when there is none."""
    words = one_choice_alone(case)
    found = []
    for engine in ENGINES:
        if all(holds(case, found) for holds in engine.when):
            found += attempt(engine.explain, case)
            if final(found):
                break
    else:
        found = telling(sorted(found, key=lambda d: d.cost))
    found = found or [case.say("unknown", "no explanation fits", "nothing")]
    if any(p.trial.unreal or not finite_rows(case.contract, p).all() for p in case.probes):
        found = [d if d.engine == ENGINE["never finite"] else d._replace(accounts=False)
                 for d in found]                     # a formula of finite values is no other's
    return [d._replace(sentence=words + d.sentence) for d in unique(found)]


def telling(found):
    """The explanations, without those that say nothing beside one that says something."""
    return [d for d in found if not obscure(d)] or found


def one_choice_alone(case):
    """Where one of the contract's choices is wrong and others are right: in words, or "".

    Fits are then made for the choices that are wrong.
    """
    for name in CHOICES:
        values = dict.fromkeys(p.args[name] for p in case.probes if name in p.args)
        plain = [p for p in case.probes if p.situation.regime == "plain" and name in p.args]
        wrong = [v for v in values if any(not p.ok for p in plain if p.args[name] == v)]
        right = [v for v in values if v not in wrong]
        kept = [p for p in case.fit_probes() if p.args.get(name) in wrong] if wrong and right else (
            [])
        if kept:
            case.restrict(kept)
            return f"right for {' and '.join(right)}, wrong for {' and '.join(wrong)}: "
    return ""


def unique(found):
    """The first few, one of each code."""
    return [d for i, d in enumerate(found) if d.code not in {e.code for e in found[:i]}][:MOST]


def attempt(engine, case):
    """What an engine finds. Foreign code can behave in any way, so an engine that fails on it is
    noted, and the verdict is given without it.
    """
    try:
        return engine(case)
    except Exception as error:
        case.failures.append(f"{engine.__name__}: {type(error).__name__}: {error}")
        return []
