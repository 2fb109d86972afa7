"""Arguments left at their defaults, in every way: some of them alone, by position and by keyword.

The last ones are left out elsewhere, one after the other. Here code is also given any other part of
its optional arguments, by its own names for them; and code of any number of arguments a part.
"""

import copy
import inspect
import itertools

from ..kinds import ProbeSpec
from ..kinds.edges import answers
from ..kinds.kind import STATES, TABLE
from .judge import judge, new_probe

ANY_NUMBER = inspect.Parameter.VAR_POSITIONAL


def left_out_probes(caller, dim, dtype, seed):
    """Judged probes, up to the first that fails."""
    contract, probes = caller.contract, []
    optional = [n for n in contract.args[contract.required:] if n in caller.names]
    known = parameters(caller.fn)
    if not optional or known is None or contract.adaptive or not caller.is_usual or (
            isinstance(caller.argnames, dict)):
        return probes
    open_ended = any(p.kind == ANY_NUMBER for p in known)
    for part in itertools.chain(*(itertools.combinations(optional, k)
                                  for k in range(len(optional)))):
        without = tuple(n for n in optional if n not in part)
        first = next(i for i, n in enumerate(caller.names) if n in without)
        named = [caller.names.index(n) for n in part if caller.names.index(n) > first]
        if open_ended and named or not open_ended and not may_be(known, caller.names, without):
            continue
        rows = caller.levels != "scalar" and contract.form not in (TABLE, STATES)
        spec = ProbeSpec(f"{', '.join(part) or 'nothing'} given, {', '.join(without)} left out", 4,
                         dim or 3, rows, "edge", 6 + seed % 2**20, dtype=dtype or "float64",
                         without=without, count=4)
        if answers(contract, spec) != "finite":
            continue
        asked = copy.copy(caller)
        asked.fn = by_name(caller.fn, first, [known[i].name for i in named])
        asked.argnames = None
        probe = judge(contract, asked, new_probe(contract, spec, caller))
        if open_ended and probe.trial.problem == "raises":              # it needs a whole number
            continue
        probes.append(probe)
        if not probe.ok:
            break
    return probes


def parameters(fn):
    """What a function takes by position, itself and not what it wraps; None if it is not known."""
    try:
        found = inspect.signature(fn, follow_wrapped=False).parameters.values()
    except (TypeError, ValueError):
        return None
    return [p for p in found if p.kind in (p.POSITIONAL_OR_KEYWORD, ANY_NUMBER)]


def may_be(known, names, without):
    """Whether the code has defaults for these."""
    mine = dict(zip(names, known))
    return len(known) >= len(names) and all(mine[n].default is not inspect.Parameter.empty
                                            for n in without)


def by_name(fn, first, names):
    """A function of the same arguments, of which the last ones are passed by these names."""
    if not names:
        return fn
    return lambda *given: fn(*given[:first], **dict(zip(names, given[first:])))
