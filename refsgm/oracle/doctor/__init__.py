"""The doctor: what is wrong with code that a probe has found wrong, by engines before any list.

    fits       got / expected as a product of powers, of the whole or term by term; additive offsets
    structure  what the result depends on, shapes, shifts, exchanges, arguments misread
    precision  not finite, too few digits, digits lost in some places
    known      alternatives that are mistakes of their own kind

An explanation is given only if it accounts for every value of many further probes to rounding
error. When two do, both are given, the simpler first; when none does, the doctor says so.
"""

from dataclasses import dataclass, field

from ..kinds import LEVEL, LOSS, ROWS, STATES, TABLE, Situation
from .known_mistakes import alternatives
from .factors import fits
from ..calls.judge import judge, judge_rows, new_probe
from .codes import CODES, Diagnosis
from .precision import precision
from .dependence import call_problems, structure

MOST = 3                                                       # explanations that are given


@dataclass
class Case:
    """Foreign code, its probes, and further ones made when they are first asked for."""

    contract: object
    caller: object
    probes: list
    dim: int | None = None
    dtype: str = "float64"
    failures: list = field(default_factory=list)
    _more: list = field(default_factory=list)

    def say(self, code, sentence, engine, cost, convention="", fix=""):
        """A diagnosis of this kind."""
        return Diagnosis(code, sentence, self.contract.tag, fix or CODES[code][1], convention,
                         engine, cost)

    @property
    def more(self):
        """Probes for fits: plain, with many rows; levels for all rows where terms are per level."""
        if not self._more:
            form, by_row = self.contract.form, self.caller.levels != "scalar"
            for i in range(12):
                if form in (TABLE, STATES) or self.contract.name == "bits_per_dimension":
                    s = Situation(f"fit {i}", 5 + i % 3, self.dim or 3, seed=100 + i)
                elif form in (LOSS, ROWS):
                    s = Situation(f"fit {i}", 22 + i % 3, self.dim or 2 + i % 4, False,
                                  seed=100 + i, M=(0, 2, 3)[i % 3])
                elif form == LEVEL:
                    s = Situation(f"fit {i}", 6, 3, by_row, seed=100 + i)
                else:
                    s = Situation(f"fit {i}", 4 + i % 4, self.dim or 9 + i % 4, by_row,
                                  seed=100 + i)
                probe = new_probe(self.contract, s._replace(dtype=self.dtype), self.caller.names)
                judge(self.contract, self.caller, probe)
                if probe.mean:
                    judge_rows(self.caller, probe)
                self._more.append(probe)
                if self.contract.name == "log_likelihood" and i == 7:
                    break
        return [p for p in self._more if p.got is not None]


def diagnose(case, dictionary=True):
    """Explanations, best first; one with the code "unknown" when there is none."""
    found = attempt(call_problems, case)
    if any(d.cost <= 0 for d in found):
        return unique(found)
    if case.contract.form == TABLE or any(p.got is not None for p in case.probes):
        found += attempt(structure, case)
        if case.more and not all(p.ok for p in case.more):
            found += attempt(fits, case)
        if dictionary:
            found += attempt(alternatives, case)
        if not found or min(d.cost for d in found) >= 2:
            found += attempt(precision, case)
    return unique(sorted(found, key=lambda d: d.cost)) or [
        case.say("unknown", "no explanation fits", "none", 99)]


def unique(found):
    """The first few, one of each code."""
    return [d for i, d in enumerate(found) if d.code not in {e.code for e in found[:i]}][:MOST]


def attempt(engine, case):
    """What an engine finds. Foreign code can behave in any way, so an engine that fails on it is
    noted, and the verdict stands without it.
    """
    try:
        return engine(case)
    except Exception as error:
        case.failures.append(f"{engine.__name__}: {type(error).__name__}: {error}")
        return []
