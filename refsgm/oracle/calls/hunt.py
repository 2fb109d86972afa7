"""A search among arguments themselves for those at which code takes a way that it seldom takes.

It begins where `search` ends, at small questions with many patterns. What is compared has a
distance; arguments that bring it nearer are kept and changed further: an entry becomes another one,
a number of the code or the negative of what it was, rows become alike, opposite or close to each
other, arguments agree, and a distance is followed along one number to where it should vanish.
Every answer is compared with the right one.
"""

import itertools
import time
from types import SimpleNamespace

import numpy as np

from ..kinds import STATES
from ..kinds.guided import inside
from ..kinds.kind import STEPS, TABLES
from ..kinds.meetings import meetings
from ..kinds.nearby import PAIRS, UNIT, in_order
from ..kinds.patterns import OF_COLUMN, OF_DATA, OF_FUNCTIONS, OF_RATES, OF_TABLE
from ..kinds.sharp import differentiates
from ..kinds.sizes import Cut, asked, cut, cuts, originals, width
from ..kinds.test_functions import BENDS, FADES, Field, other_field
from ..kinds.wide import ODD_FORM
from .bulk import CLOSE, is_close, takes_many
from .forms import divides_by_zero
from .judge import judge, probe_at
from .watched import WAYS, is_gone

STARTS, CALLS, OF_LOOPS = 40, 1000, 150      # questions to begin with, and calls of a search
MOST_SECONDS = 3.0                           # after which no other begins
WITHOUT = 150                                # calls of code that compares nothing
ALIKE = 6                                    # distances that are the same, of what decides nothing
MIDDLE = 2                                   # times as late are numbers tried that are at no end
TRIED = 12                                   # numbers, until a distance changes with one
FEW_NUMBERS = 120                            # of an argument: a call of more takes longer
STEPS_ALONG = 1e-4, 1e-4, 0.02               # relative, with which a distance is followed
NEAR = 1e-7, 1e-4                            # relative: what is close to another one
LEAST = {"float64": 1e-6, "float32": 1e-3}    # entry of a table
PARTS = 1, 8, 10, 100                        # of one, that numbers may be whole
MOST = 16                                    # of a size
MOST_ENTRIES, MOST_STATES = 1000, 60         # of a number of them
POOL = 0.0, 1.0, -1.0, 2.0, 0.5


def hunted_probes(caller, watching, notes, numbers, by_row, dim, dtype, seed):
    """Judged probes on ways that code seldom takes, up to the first that fails.

    watching, notes   a caller of code that notes what it compares, and what its last call compared
    numbers           those that stand in the code
    """
    if not takes_many(caller):
        return []
    whole = caller.framework.name == "numpy" and caller.levels is None
    given = (caller.contract, seed, tuple(caller.taken), by_row, dim, dtype or "float64")
    starts = [*cuts(*given, None, whole), *meetings(*given, None, tuple(caller.defaults), whole,
                                                    dtype is None)]
    hunt = Hunt(caller, watching, notes, numbers, seed, originals(
        caller.contract, seed, by_row, dim, dtype or "float64"), dim)
    probes = []
    wide = differentiates(caller.contract)            # where float32 has few digits left
    for one, site in hunt.wrong([c for c in starts if size_of(c.args) <= FEW_NUMBERS and not (
            wide and c.spec.dtype == "float32")]):
        where = f"where {site} goes a way that it seldom goes" if site else "arguments of a search"
        spec = one.spec._replace(label=where)
        probe = judge(caller.contract, caller, probe_at(caller.contract, spec, dict(one.args)))
        if spec.regime == ODD_FORM and probe.trial.outputs is None or divides_by_zero(probe):
            continue                                                     # which may be refused
        probes.append(probe)
        if not probe.ok or probe.trial.mutated:
            break
    return probes


def size_of(args):
    """The numbers in the largest argument."""
    return max((a.size for a in args.values() if isinstance(a, np.ndarray)), default=0)


class Hunt:
    """The search of one check.

    gone   ways that some call went: (site, word, which sizes are not 1)
    best   {way: (distance, question)} of those that none went
    ranges {way: (calls, least distance, largest)}
    paths  {all ways of a call: [questions]}, of those that went there
    left   how many calls may follow
    """

    def __init__(self, caller, watching, notes, numbers, seed, large, dim):
        """large  arguments to cut others from;  numbers  of the code;  dim  features, or None."""
        self.caller, self.kind, self.watching, self.notes = (
            caller, caller.contract, watching, notes)
        self.large, self.dim, self.end = large, dim, time.monotonic() + MOST_SECONDS
        self.left, self.fields = OF_LOOPS if self.kind.form == STATES else CALLS, {}
        self.rng = np.random.default_rng([seed, 53])
        self.pool = [*POOL, *(n * s for n in numbers for s in (1.0, -1.0) if 1e-12 < abs(n) < 1e9)]
        self.gone, self.best, self.ranges, self.paths, self.distances = set(), {}, {}, {}, {}

    def wrong(self, starts):
        """Questions whose answers are not close to the right ones, (question, site)."""
        rng = self.rng
        for i in rng.permutation(len(starts))[:STARTS].tolist():
            yield from self.ask(starts[i])
        if not any(self.paths):
            self.left = min(self.left, WITHOUT)
        while self.paths and self.left > 0 and not self.caller.gives_up:
            u, ways = rng.uniform(), [w for w in self.best if not self.is_flat(w)]
            way = ways[rng.integers(len(ways))] if ways else None
            if ways and u < 0.4:
                yield from self.follow(way)
            elif ways and u < 0.7:
                yield from self.ask(self.changed(self.best[way][1]))
            else:
                paths = list(self.paths.values())
                asked_there = min((paths[rng.integers(len(paths))] for _ in range(3)), key=len)
                yield from self.ask(self.changed(asked_there[rng.integers(len(asked_there))]))

    def is_flat(self, way):
        """Whether no call has changed its distance."""
        n, low, high = self.ranges[way]
        return n >= ALIKE and low == high

    def ask(self, one):
        """Notes where a call goes; the question and a comparison on its way if it is wrong there.
        """
        self.left -= 1
        if time.monotonic() > self.end:
            self.left = 0
        if one is None or self.left < 0:
            return
        dtype = np.dtype(one.spec.dtype)
        trial = self.caller(one.args, dtype)        # first, so that it remembers plain arrays
        self.watching(one.args, dtype)
        sizes = tuple(min(n, 2) for a in one.args.values() for n in np.shape(a))
        self.distances = {(site, word, sizes): distance(*ends) for site, ends in
                          self.notes().items() for word, distance in WAYS.items()}
        path, new = [], None
        for way, d in self.distances.items():
            n, low, high = self.ranges.get(way, (0, d, d))
            self.ranges[way] = n + 1, min(low, d), max(high, d)
            if is_gone(way[1], d):
                path.append(way)
                new = new if way in self.gone else way[0]
                self.gone.add(way)
                self.best.pop(way, None)
            elif way not in self.gone and d < self.best.get(way, (np.inf,))[0]:
                self.best[way] = d, one
        self.paths.setdefault(frozenset(path), []).append(one)
        if trial.mutated or not is_close(one, trial, CLOSE[one.spec.dtype]):
            yield one, new or (path[-1][0] if path else None)

    # Changed questions

    def follow(self, way):
        """One number of the nearest question moved to where the distance should vanish."""
        rng, (_, one) = self.rng, self.best[way]
        places = [(n, i) for n, a in one.args.items() if is_number(a) or isinstance(a, np.ndarray)
                  for i in range(np.size(a))]
        order = np.argsort(rng.uniform(size=len(places)) * [1 + MIDDLE * (1 < i < np.size(
            one.args[n]) - 2) for n, i in places])                  # what is near an end is first
        for k in order[:TRIED]:
            for turn in itertools.count():
                before = self.best[way][0]
                yield from self.along(way, *places[k])
                if way not in self.best or self.left <= 0:
                    return
                if self.best[way][0] == before:
                    break
            if turn:
                return

    def along(self, way, name, i):
        """One number moved a little, then to where the distance is zero on the line through both.
        """
        rng, (d, one) = self.rng, self.best[way]
        if i >= np.size(one.args[name]):                            # another one is nearer
            return
        old = float(np.ravel(one.args[name])[i])
        room = min(old, 1 - old) if name in (*UNIT, "alpha_bar") else abs(old)
        step = rng.choice(STEPS_ALONG) * (room or 1.0) * rng.choice([-1, 1])
        self.distances = {}
        yield from self.ask(self.question(one, {name: with_entry(one.args[name], i, old + step)}))
        other = self.distances.get(way, d)
        if other == d:
            return
        if rng.uniform() < 0.7:                                     # it is a logarithm
            d, other = np.exp([min(d, 700.0), min(other, 700.0)])
        with np.errstate(all="ignore"):
            new = old - d * step / (other - d) * rng.choice([1.0, 1.0, 1.05])
        if np.isfinite(new):
            yield from self.ask(self.question(one, {name: with_entry(one.args[name], i, new)}))

    def changed(self, one):
        """The question with one to three arguments changed, or None outside of the domain."""
        rng, args = self.rng, dict(one.args)
        if rng.uniform() < 0.15:
            return self.resized(one)
        names = [n for n, a in args.items() if is_number(a) or isinstance(a, np.ndarray) and (
            a.size) or isinstance(a, Field)]
        if not names:
            return None
        for _ in range(rng.integers(1, 4)):
            name = names[rng.integers(len(names))]
            a = args[name]
            try:
                with np.errstate(all="ignore"):
                    args[name] = self.array(name, a, args) if isinstance(a, np.ndarray) else (
                        self.number(name, a, args) if is_number(a) else self.function(a))
            except (ValueError, OverflowError):               # of a pattern that this cannot have
                return None
        return self.question(one, args)

    def resized(self, one):
        """The question with one size another one, of other data."""
        rng, spec = self.rng, one.spec
        name = ("B", "D", "M", "count")[rng.integers(4)]
        size = getattr(spec, name)
        if size is None or name == "M" and not self.kind.sliced or name == "D" and self.dim:
            return None
        size = size + rng.integers(-1, 2) if rng.uniform() < 0.5 else rng.integers(1, MOST)
        spec = spec._replace(**{name: max(int(size), 1)})
        large = self.large[rng.integers(len(self.large))]
        if name == "D" and spec.D > width(large) > 0:
            return None
        args = cut(self.kind, large, spec, rng, self.fields, (0.3, 0.1))
        return self.question(Cut(spec, one.args, one.want), {n: a for n, a in args.items()
                                                       if n in one.args})

    def function(self, f):
        """Another test function."""
        rng = self.rng
        bend, fade = rng.integers(len(BENDS)), rng.integers(len(FADES))
        other = other_field(rng, len(f.b), f.gain, float(f.theta[2]), bend, fade)
        if np.array_equal(other.A, -other.A.T):               # of which v'Av is rounding alone
            return f
        words = list(OF_FUNCTIONS.values())
        return words[rng.integers(len(words))](other) if rng.uniform() < 0.3 else other

    def question(self, one, changes):
        """A question with other arguments, whose steps go from t to s; None outside the domain."""
        args = one.args | changes
        most = MOST_STATES if self.kind.form == STATES else MOST_ENTRIES
        if any(isinstance(a, int) and not 1 <= a <= most for a in args.values()):
            return None
        for small, large in (*STEPS, *PAIRS):
            if {small, large} <= args.keys() and any(args[n] is not one.args[n] for n in (
                    small, large)) and np.shape(args[small]) == np.shape(args[large]):
                args[small], args[large] = in_order(args[small], args[large], True, large in UNIT,
                                                    self.rng)
        try:
            found = asked(self.kind, one.spec._replace(label=""), args)
        except (TypeError, OverflowError):
            return None
        return found if found is not None and is_ordinary(self.kind, found) else None

    def number(self, name, a, args):
        """Another number."""
        rng, u = self.rng, self.rng.uniform()
        if isinstance(a, int):
            return max(1, int(a + rng.integers(-2, 3))) if u < 0.5 else int(rng.integers(1, 60))
        if u < 0.3:
            return self.any_number(args) * self.nearly()
        if u < 0.8:
            return a * 10.0**(rng.choice([1e-3, 0.1, 1.0]) * rng.standard_normal())
        parts = PARTS[rng.integers(len(PARTS))]
        return 1.0 - a if u < 0.9 else float(np.round(a * parts) / parts)

    def array(self, name, a, args):
        """Another array of the same shape."""
        rng, b, u = self.rng, a.copy(), self.rng.uniform()
        i = int(rng.integers(b.size))
        if u < 0.25:
            b.flat[i] = self.any_number(args) * self.nearly()
        elif u < 0.4:
            b.flat[i] *= 10.0**(rng.choice([1e-3, 0.1, 1.0]) * rng.standard_normal())
        elif u < 0.65 and len(b) > 1:
            j, k = rng.permutation(len(b))[:2]
            b[j] = b[k] * rng.choice([1.0, 1.0, -1.0, 2.0]) * self.nearly(b[k].shape)
        elif u < 0.75:
            like = [c for n, c in args.items() if n != name and np.shape(c) == a.shape]
            if like:
                b = like[rng.integers(len(like))] * rng.choice([1.0, -1.0]) * self.nearly(a.shape)
        elif u < 0.95:
            words = patterns_of(self.kind, name, a)
            if words:
                b = words[rng.integers(len(words))](a, rng)
        else:
            b = b * (10.0**rng.standard_normal() if rng.uniform() < 0.5 else self.nearly(a.shape))
        return np.asarray(b, a.dtype)

    def any_number(self, args):
        """A number of the code, or one among the arguments."""
        rng = self.rng
        if rng.uniform() < 0.6:
            return float(self.pool[rng.integers(len(self.pool))])
        those = [a for a in args.values() if is_number(a) or isinstance(a, np.ndarray) and a.size]
        a = np.ravel(those[rng.integers(len(those))])
        return float(a[rng.integers(len(a))])

    def nearly(self, shape=()):
        """1, or what is close to it."""
        rng = self.rng
        if rng.uniform() < 0.5:
            return 1.0
        return 1 + 10**rng.uniform(*np.log10(NEAR)) * rng.uniform(-1, 1, shape)


def is_ordinary(kind, one):
    """Whether a question lies where other probes do, and at no end that is left open."""
    least = LEAST[one.spec.dtype]
    for name in TABLES & one.args.keys():
        a = one.args[name]
        if name != "sigmas" and np.any((1 - a != 0) & (1 - a < least)) or np.any(
                (a != 0) & (a < least)):
            return False
    return inside(kind, SimpleNamespace(args=one.args, situation=one.spec, want=one.want)) and (
        not any(np.any(np.equal(one.args[n], end)) for n in kind.left_open
                if n in one.args for end in (0, 1)))


def is_number(a):
    """Whether it is a number that may be another one."""
    return isinstance(a, (int, float)) and not isinstance(a, bool)


def with_entry(a, i, value):
    """A number, or an array with this one in place of its entry i."""
    if not isinstance(a, np.ndarray):
        return type(a)(value)
    b = a.copy()
    b.flat[i] = value
    return b


def patterns_of(kind, name, a):
    """What an array may look like."""
    if kind.is_level(name) and a.ndim == 2:
        return [*OF_COLUMN.values()]
    if a.ndim > 1:
        return [*OF_DATA.values()]
    return [] if name == "weights" else [*OF_RATES.values()] if name == "betas" else [
        *OF_TABLE.values()] + [*OF_RATES.values()] * (len(a) > 2)
