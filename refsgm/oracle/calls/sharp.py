"""Probes of code that differentiates: functions that change over short lengths, wide ranges."""

from ..kinds.sharp import sharp_specs
from .forms import divides_by_zero
from .judge import judge, new_probe

RANGES = 1                              # ranges of levels over many decades that a solver is asked


def sharp_probes(caller, by_row, dim, dtype, seed):
    """Judged probes, up to the first that fails."""
    contract, compiles, probes = caller.contract, caller.framework.compiles, []
    if not caller.is_usual or caller.fn is None or contract.adaptive and compiles:
        return probes
    for spec in sharp_specs(contract, seed, by_row, dim, dtype, compiles, RANGES):
        probe = judge(contract, caller, new_probe(contract, spec, caller))
        if not divides_by_zero(probe):
            probes.append(probe)
            if not probe.ok:
                break
    return probes
