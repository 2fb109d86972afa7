"""A search for arguments at which the comparisons of foreign code go another way.

What `watched` notes is a distance for each way that no probe has gone yet: some entries of the
comparison, or all, below or not. Sizes, ratios and differences of arguments are drawn, and where
one comes nearer it is changed further. What is found is judged like every other probe.
"""

import copy
import itertools

import numpy as np

from ..kinds import DATA, FUNCTION, FUNCTIONS, STATES
from ..kinds.at_random import SHORT
from ..kinds.guided import Drawing, inside
from ..kinds.kind import CHOICES, COUNTS, STEPS, TABLES
from ..kinds.nearby import (ALIKE, ALL, BY_ROW, DIFFERENCE, EACH, ENTRY, FIRST, INSIDE, LARGEST,
                            LAST, NORM, ONE, RATIO, STEP, UNIT)
from .constants import Constants, constants
from .forms import divides_by_zero
from .hunt import hunted_probes
from .judge import arguments_taken, judge, new_probe
from .watched import NOTES_OF, WAYS, is_gone

BEFORE, CALLS, OF_LOOPS = 24, 200, 60        # calls at random probes, then of a search
JUDGED = 3                                   # probes of each way that was found, ever farther on
MOST_NEAR = 4                                # arguments that are moved at once
FEW_ENTRIES, FEW_NUMBERS = 60, 200           # of tables, of data: below them a call takes little
CLOSEST = 1e-7, 1e-8                         # ends of a step
DATA_SIZES = {"float64": (1e-9, 1e7), "float32": (1e-3, 1e3)}
NOT_MOVED = {*FUNCTIONS, *CHOICES, *COUNTS, "rng", "weights", "log_density"}


def searched_probes(caller, specs, by_row, dim, dtype, seed):
    """Judged probes where comparisons go another way, up to the first that fails.

    specs  random ones, from which the search starts
    """
    if caller.framework.name not in NOTES_OF or not caller.is_usual or caller.fn is None or (
            caller.contract.adaptive or caller.contract.form == FUNCTION):
        return []
    probes, contract, search = [], caller.contract, Search(caller, specs, by_row, dim, dtype, seed)
    for spec in search.specs():
        try:
            probe = new_probe(contract, spec, caller)
        except (ValueError, ZeroDivisionError, OverflowError):                 # outside the domain
            continue
        if inside(contract, probe, CLOSEST) and not divides_by_zero(
                judge(contract, caller, probe)):
            probes.append(probe)
            if not probe.ok:
                return probes
    numbers = constants(caller.fn).numbers
    return probes + hunted_probes(caller, search.watching, search.notes, numbers, by_row, dim,
                                  dtype, seed)


class Search:
    """The search of one check.

    found  {(site, way): how often}, of those that are gone already
    best   {(site, way): (distance, spec)}, of the others
    """

    def __init__(self, caller, bases, by_row, dim, dtype, seed):
        self.kind, self.dim = caller.contract, dim
        self.watching = copy.copy(caller)
        self.watching.fn, self.notes = NOTES_OF[caller.framework.name](caller.fn)
        self.rng = np.random.default_rng([seed, 17])
        self.bases = bases
        self.found, self.best = {}, {}
        self.drawing = Drawing(self.kind, self.rng, Constants(), by_row, dim, dtype,
                               any(n in FUNCTIONS for n in self.kind.args))
        names = [n for n in self.kind.args if n not in NOT_MOVED]
        self.names = {n: n in DATA | {"means"} and not self.kind.is_level(n) for n in names}

    def specs(self):
        """Specs at which a comparison goes another way."""
        loop = self.kind.form == STATES
        bases = [s for s in self.bases if s.count < FEW_ENTRIES and s.B * s.D < FEW_NUMBERS]
        if loop:
            bases = bases[-SHORT:]
        if not bases or not self.names:
            return
        for spec in bases[:min(BEFORE, CALLS)]:
            self.ask(spec)
        for k in itertools.count():
            waiting = list(self.best)
            if not waiting or k >= (min(CALLS, OF_LOOPS) if loop else CALLS):
                return
            if k % 2 and k > len(waiting):
                way = waiting[self.rng.integers(len(waiting))]
                spec = self.changed(self.best[way][1])
            else:
                spec = self.moved(bases[self.rng.integers(len(bases))])
            if self.watching.gives_up:
                return
            site = self.ask(spec, new=True)
            if site is not None:
                yield spec._replace(label=f"where {site} compares the other way")

    def ask(self, spec, new=False):
        """Notes where a call goes; the site of a way that is new, or None."""
        kind, other = self.kind, None
        try:
            args = arguments_taken(kind, spec, tuple(self.watching.taken))
        except (ValueError, ZeroDivisionError, OverflowError):
            return None
        self.watching(args, np.dtype(spec.dtype))
        for site, ends in self.notes().items():
            for name, distance in WAYS.items():
                way, d = (site, name), distance(*ends)
                gone = is_gone(name, d)
                if gone and not new:
                    self.found[way] = JUDGED
                    self.best.pop(way, None)
                elif self.found.get(way, 0) < JUDGED and d < self.best.get(way, (np.inf,))[0]:
                    self.best[way] = d, spec
                    if gone:
                        self.found[way] = self.found.get(way, 0) + 1
                        other = other or site
                        if self.found[way] == JUDGED:
                            del self.best[way]
        return other

    # Specs

    def moved(self, spec):
        """A spec with some of its arguments anywhere in their domains."""
        rng = self.rng
        B, D = int(rng.choice([1, 2, 3, 6])), int(rng.choice([1, 2, 5]))
        names = list(self.names)
        chosen = rng.permutation(names)[:1 + rng.integers(min(MOST_NEAR, len(names)))]
        near = [self.near(str(n), spec.dtype) for n in chosen]
        if rng.uniform() < 0.4:
            near.append(self.relation(spec.dtype))
        return spec._replace(B=B, D=self.dim or D, near=tuple(n for n in near if n))

    def changed(self, spec):
        """A spec with one of its moves a little different, another one, or one more or less."""
        rng, near = self.rng, list(spec.near)
        u = rng.uniform()
        if near and u < 0.6:
            k = rng.integers(len(near))
            target, how, value, _ = near[k]
            by = float(10**(rng.choice([0.1, 0.5, 2.0]) * rng.standard_normal()))
            value = 1 - (1 - value) * by if target in UNIT and 0.5 < value < 1 else value * by
            if isinstance(target, str):
                value = float(np.clip(value, *self.bounds(target, spec.dtype)))
            near[k] = target, how, value, value
        elif near and u < 0.7:
            del near[rng.integers(len(near))]
        elif u < 0.9 and len(near) <= MOST_NEAR:
            near.append(self.near(str(rng.choice(list(self.names))), spec.dtype))
        elif len(near) <= MOST_NEAR:
            near.append(self.relation(spec.dtype))
        B = int(rng.choice([1, 2, 3])) if rng.uniform() < 0.2 else spec.B
        return spec._replace(B=B, near=tuple(n for n in near if n))

    def near(self, name, dtype):
        """One argument somewhere in its domain."""
        rng, table = self.rng, name in TABLES and not self.kind.is_level(name)
        hows = (ENTRY, EACH, EACH, LARGEST, NORM) if self.names[name] else (
            FIRST, LAST, INSIDE, STEP) if table else (ALL, ALL, BY_ROW, ONE)
        low, high = self.bounds(name, dtype)
        flipped = name in UNIT and rng.uniform() < 0.5
        value = float(np.exp(rng.uniform(np.log(low), np.log(min(high, 0.5) if flipped else high))))
        value = 1 - value if flipped else value
        return name, hows[rng.integers(len(hows))], value, value

    def bounds(self, name, dtype):
        """Between which an argument may lie."""
        if self.names[name] and not self.drawing.functions:
            return DATA_SIZES[dtype]
        return self.drawing.bounds(name, dtype, self.names[name])

    def relation(self, dtype):
        """Two arguments close to each other, or in some other relation; None without two."""
        rng = self.rng
        pools = [p for p in ([n for n, data in self.names.items() if data],
                             [n for n, data in self.names.items() if not data
                              and n not in TABLES]) if len(p) > 1]
        if not pools:
            return None
        pool = pools[rng.integers(len(pools))]
        pair = tuple(str(n) for n in rng.permutation(pool)[:2])
        if self.names[pair[0]]:
            size = float(10**rng.uniform(-10, 1))
            return pair, ALIKE, size, size
        pair = pair[::-1] if pair[::-1] in STEPS else pair
        u = rng.uniform()
        if u < 0.5:
            apart = float(10**rng.uniform(-7, -1)) * (1 if rng.uniform() < 0.5 else -1)
            return pair, RATIO, 1 + apart, 1 + apart
        size = float(10**rng.uniform(-6, 6))
        return pair, RATIO if u < 0.8 else DIFFERENCE, size, size

