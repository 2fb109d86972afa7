"""The doctor: what is wrong with code that a probe has found wrong, by engines before any list.

    fits       got / expected as a product of powers, of the whole or term by term; additive offsets
    structure  what the result depends on, shapes, shifts, exchanges, arguments misread
    precision  not finite, too few digits, digits lost in some places
    known      alternatives that are mistakes of their own kind

An explanation is given only if it accounts for every value of many further probes to rounding
error. When two do, both are given, the simpler first; when none does, the doctor says so.
"""

from dataclasses import dataclass, field

import numpy as np

from ..kinds import TABLE
from ..kinds.probes import fit_specs
from .known_mistakes import alternatives
from .factors import fits
from ..calls.judge import allowance, judge, new_probe, rows_of
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
            by_row = self.caller.levels != "scalar"
            for s in fit_specs(self.contract, by_row, self.dim):
                probe = new_probe(self.contract, s._replace(dtype=self.dtype), self.caller.names)
                judge(self.contract, self.caller, probe)
                if probe.mean:
                    by_rows(self.contract, self.caller, probe)
                self._more.append(probe)
        return [p for p in self._more if p.got is not None]


def by_rows(contract, caller, probe):
    """Replace the mean of a loss by the losses of single rows, one call for each."""
    values = []
    probe.batch_mean = float(np.ravel(probe.got[0])[0])
    for b in range(len(probe.want[0])):
        trial = caller(rows_of(probe.args, b), np.dtype(probe.situation.dtype))
        if trial.outputs is None or trial.outputs[0].size != 1:
            probe.got = None
            return
        values.append(trial.outputs[0].reshape(()))
    dtype = np.float32 if trial.dtypes[0] == np.float32 else probe.situation.dtype
    probe.got, probe.mean = (np.array(values),), False
    probe.slack = (allowance(dtype, probe.K[0], probe.want[0]),)


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
