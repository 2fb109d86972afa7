"""Further probes, of live code that answers all fixed ones: long, odd, guided by the numbers in it,
and random by a seed.
"""

import itertools

import numpy as np

from .calls.again import probes_again
from .calls.before import probes_before
from .calls.bulk import size_probes
from .calls.constants import constants
from .calls.forms import as_asked, divides_by_zero, form_probes
from .calls.judge import judge, new_probe, probe_at
from .calls.left_out import left_out_probes
from .calls.program import program
from .calls.search import searched_probes
from .calls.sharp import sharp_probes
from .calls.shrinking import shrunk
from .kinds.at_random import random_specs
from .kinds.edges import live_specs, odd_specs
from .kinds.fitted import nearly_right
from .kinds.guided import guided_specs, inside
from .kinds.wide import AGAIN, BY_SEED

BITS = 32                                            # of a seed that is drawn


def fresh_seed():
    """A seed that nobody can know beforehand."""
    return int(np.random.SeedSequence().entropy % 2**BITS)


def further_probes(caller, dim, dtype, seed):
    """Judged probes up to the first random one that fails, and notes.

    dtype  of all probes, or None
    """
    contract, by_row, probes, notes = caller.contract, caller.levels != "scalar", [], []
    fixed, odd = live_specs(contract, by_row, dim, caller.defaults), []
    lib = caller.framework.name
    if lib in ("numpy", "torch") and not caller.draws and caller.timesteps is None:
        odd = [s for s in odd_specs(contract, by_row, dim) if s.given or lib == "numpy" and (
            dtype is None or s.dtype != "int64")]
    for spec in itertools.chain(fixed, odd):
        if not within_reach(caller, spec) or dtype == "float32" and spec.regime == "vast levels":
            continue
        try:
            probe = new_probe(contract, in_dtype(spec, dtype), caller)
        except ValueError:                       # levels that differ in float64 alone, in float32
            continue
        judge(contract, caller, probe)
        if spec.regime == "odd" and probe.trial.outputs is None or divides_by_zero(probe):
            what = spec.label.removeprefix("a ").split(", B = ")[0] if spec.B else "empty batch"
            notes.append(f"it takes no {what}: {probe.trial.error}")
        else:
            probes.append(probe)
        if probe.trial.problem == "timeout":
            return probes, notes
    for ask in (sharp_probes, guided_probes):
        if all(p.ok for p in probes):
            probes += ask(caller, by_row, dim, dtype, seed)
    if all(p.ok for p in probes) and dtype != "float32" and caller.is_usual and (
            caller.fn is not None):
        probes += [judge(contract, caller, probe_at(contract, spec, args))
                   for spec, args in nearly_right(contract, seed, by_row, dim)]
    if all(p.ok for p in probes):
        more, refused = form_probes(caller, dim, dtype, seed)
        probes += more
        for ask in (left_out_probes, probes_again, probes_before, size_probes):
            probes += ask(caller, dim, dtype, seed)
        notes += refused
    if all(p.ok and not p.trial.mutated for p in probes):
        specs = random_specs(contract, seed, by_row, dim, caller.defaults, dtype,
                             caller.framework.compiles)
        for spec in specs:
            if caller.timesteps is not None:
                spec = spec._replace(regime="plain")
            if caller.fn is None:                   # another process knows the usual function alone
                spec = spec._replace(bent=())
            probe = judge(contract, caller, new_probe(contract, spec, caller))
            if divides_by_zero(probe):
                continue
            probes.append(probe)
            if not probe.ok:
                break
        else:
            probes += searched_probes(caller, specs, by_row, dim, dtype, seed)
    return probes, list(dict.fromkeys(notes))


def guided_probes(caller, by_row, dim, dtype, seed):
    """Judged probes near the numbers that stand in the code, up to the first that fails."""
    contract, probes = caller.contract, []
    if caller.timesteps is not None:
        return probes
    for spec in guided_specs(contract, seed, constants(caller.fn), by_row, dim, dtype,
                             caller.framework.compiles):
        try:
            probe = new_probe(contract, spec, caller)
        except (ValueError, ZeroDivisionError, OverflowError):                 # outside the domain
            continue
        if inside(contract, probe) and not divides_by_zero(judge(contract, caller, probe)):
            probes.append(probe)
            if not probe.ok:
                break
    return probes


def within_reach(caller, spec):
    """Whether code can be asked: JSON has no infinity, a table no levels but its own."""
    if caller.fn is None and spec.regime == "infinite":
        return False
    return caller.timesteps is None or spec.regime == "plain" or not (
        spec.at or spec.given or spec.ratio or spec.without or spec.regime != "edge")


def in_dtype(spec, dtype):
    """A spec in the one dtype that is judged, where there is one."""
    return spec if dtype is None else spec._replace(dtype=dtype)


def program_of(caller, probes):
    """A small failing probe as a program, where code fails at none that is plain; or ""."""
    failing = [p for p in probes if not p.ok and caller.fn is not None
               and p.situation.regime != AGAIN]
    if not failing or any(p.situation.regime == "plain" and not p.situation.at and
                          not p.situation.given for p in failing):
        return ""
    first = min(failing, key=lambda p: (p.situation.regime in BY_SEED, np.size(p.want[:1])))
    caller = as_asked(caller, first)
    if first.situation.regime != "odd" and first.trial.problem != "timeout":
        first = shrunk(caller.contract, caller, first)
    return program(caller.contract, caller, first)


