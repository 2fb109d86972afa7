"""Arguments left at their defaults, in every way: some of them alone, by position and by keyword.

The last ones are left out elsewhere, one after the other. Here code is also given any other part of
its optional arguments, by its own names for them; and code of any number of arguments a part.
"""

import itertools

from ..kinds import ProbeSpec
from ..kinds.edges import answers
from ..kinds.kind import STATES, TABLE
from .judge import judge, new_probe
from .signature import ANY_NUMBER, BY_NAME, has_default, positional


def left_out_probes(caller, dim, dtype, seed):
    """Judged probes, up to the first that fails."""
    contract, probes = caller.contract, []
    known = positional(caller.fn, follow_wrapped=False)
    if known is None or contract.adaptive or not caller.is_usual or (
            isinstance(caller.argnames, dict)):
        return probes
    rows = caller.levels != "scalar" and contract.form not in (TABLE, STATES)
    for given, without in parts(known, caller.names, contract):
        spec = ProbeSpec(f"{', '.join(given) or 'nothing'} given, {', '.join(without)} left out", 4,
                         dim or 3, rows, "edge", 6 + seed % 2**20, dtype=dtype or "float64",
                         without=without, count=4)
        if answers(contract, spec) != "finite":
            continue
        probe = judge(contract, caller, new_probe(contract, spec, caller))
        if takes_any_number(known) and probe.trial.problem == "raises":  # it needs a whole number
            continue
        probes.append(probe)
        if not probe.ok:
            break
    return probes


def parts(known, names, contract):
    """(optional arguments that are given, those that are not).

    known  the parameters of the code;  names  the contract's names for them
    """
    optional = [n for n in contract.args[contract.required:] if n in names]
    every = itertools.chain(*(itertools.combinations(optional, k) for k in range(len(optional))))
    for given in every:
        without = tuple(n for n in optional if n not in given)
        first = min(names.index(n) for n in without)
        later = [i for i, n in enumerate(names) if i > first and n not in without]
        if takes_any_number(known):
            possible = not later
        else:
            mine = dict(zip(names, known))
            possible = (len(known) >= len(names) and all(has_default(mine[n]) for n in without)
                        and all(known[i].kind == BY_NAME for i in later))
        if possible:
            yield given, without


def takes_any_number(known):
    """Whether code takes any number of arguments."""
    return any(p.kind == ANY_NUMBER for p in known)
