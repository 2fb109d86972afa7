"""Probes on both sides of the numbers that stand in the code that is judged.

    n numbers divide sizes and values into n + 1 regions; every argument is put into each of them,

alone, and beside others that are in regions of their own. Where code compares anything with a
number, one of these probes goes the other way. All else is drawn by a seed.
"""

import math
from functools import lru_cache

import numpy as np

from .edges import RUNAWAY, is_undecided
from .kind import (BATCH, CHOICES, COUNTS, DATA, FUNCTIONS, ROWS, STATES, STEPS, TABLE, TABLES,
                   ProbeSpec)
from .nearby import (ALIKE, ALL, CLOSE, DIFFERENCE, EACH, ENTRY, FIRST, INSIDE, LARGEST, LAST, NORM,
                     ONE, RATIO, BY_ROW, SQUARES, STEP, UNIT)
from .wide import ANY_SIZE, GUIDED, MODERATE

MOST, OF_LOOPS, OF_COMPILED, FEWEST = 40, 30, 5, 3              # probes, by what an answer costs
OF_COMMON = 8                                   # where there are no numbers but COMMON ones
FIRST_PROBES, FOR_EACH = 20, 6                  # how many there are: so many, and for each number
TRIVIAL = (0, 0.5, 1, 2)                        # where there are no others, little is asked
COMMON = (0.5, 2)                               # of which both sides are asked anyway
LARGEST_SIZE, LARGEST_PRODUCT, LONG_LOOP = 4200, 100_000, 1000
WAYS = 5                                        # of a size to be near a number
COMBINED = 0.2                                  # how often by two numbers together
LARGE, ROOM, ROOM_WITH_FUNCTIONS = 100, 6000, 1500      # sizes above LARGE have this sum in a check
LOGARITHMS = {"log", "log1p", "exp", "expm1", "logit", "expit", "sigmoid", "logsigmoid"}
ABOUT_DTYPES = {"float32", "dtype", "finfo", "itemsize", "is_floating_point"}
DECIMALS = {"log10", "round", "around", "rint", "pow", "power", "float_power"}
BOUNDS = {                                      # of numbers, where the name says more than a level
    "eta": (1e-6, 1.0), "sigma_data": (1e-4, 1e4), "gamma": (1e-3, 1e4), "step": (1e-3, 1.0),
    "step_size": (1e-6, 10.0), "rho": (0.5, 70.0), "offset": (1e-5, 2.0), "beta_min": (1e-3, 50.0),
    "beta_max": (1e-2, 500.0), "sigma_min": (1e-6, 1e5), "sigma_max": (1e-5, 1e6),
    "shift": (0.03, 32.0), "z": (0.01, 6.0), "mean": (1e-3, 6.0), "deviation": (0.05, 3.0),
    "bin_width": (1e-3, 100.0), "sigmas": (1e-4, 1e4), "betas": (1e-6, 0.99)}
LEVELS = {"float64": (1e-10, 1e10), "float32": (1e-4, 1e4)}
WITHIN = {"float64": (1.5e-8, 1 - 1.5e-8), "float32": (2e-4, 1 - 2e-4)}          # of UNIT levels
STEEPEST = 2e-4                                 # entry of a table of alpha_bar
SIZES = {"float64": (1e-4, 1e4), "float32": (0.05, 30.0)}                       # of data
WITH_FUNCTIONS = (0.05, 30.0)                   # of data that a cubic is asked at


def guided_specs(kind, seed, found, by_row=True, dim=None, dtype=None, few=False):
    """Probes near the numbers of the code, a tuple; few where they are all trivial.

    found  the `Constants` of the code
    few    whether each costs much
    """
    asked = {abs(c) for c in found.numbers} - {0}
    return specs(kind, seed, found, by_row, dim, dtype, few) if asked else ()


@lru_cache(64)
def specs(kind, seed, found, by_row, dim, dtype, few):
    telling = {abs(c) for c in found.numbers} - set(TRIVIAL)
    functions = any(n in FUNCTIONS for n in kind.args)
    most = FEWEST if kind.adaptive else OF_COMPILED if few else OF_LOOPS if (
        kind.form == STATES or (dim or 0) > 64) else MOST
    drawing = Drawing(kind, np.random.default_rng([seed, 3]), found, by_row, dim, dtype, functions)
    n = min(most, FIRST_PROBES + FOR_EACH * len(telling) if telling else OF_COMMON)
    return tuple(s for s in (drawing.spec(seed * MOST + i) for i in range(n)) if s is not None)


class Drawing:
    """The draws of one check, which goes through all regions of every argument in turn."""

    def __init__(self, kind, rng, found, by_row, dim, dtype, functions):
        self.kind, self.rng, self.names, self.dim, self.dtype = kind, rng, found.names, dim, dtype
        self.by_row = by_row and kind.form != TABLE
        self.functions, self.loop = functions, kind.form == STATES
        self.whole = sorted({int(abs(c)) for c in found.numbers if 2 < abs(c) <= LARGEST_PRODUCT
                             and c == int(c) and (isinstance(c, int) or abs(c) >= LARGE)})
        common = set(COMMON) if any(abs(c) not in TRIVIAL for c in found.numbers) else ()
        self.points = {float(abs(c)): c for c in found.numbers if 1e-12 < abs(c) < 1e12 and not (
            abs(c) in common or 1 < abs(c) < 1.02)}
        self.decks, self.used = {}, set()
        self.room = ROOM_WITH_FUNCTIONS if functions else ROOM

    def spec(self, seed):
        """The next probe, or None where there is no number to be near."""
        rng, kind, self.used = self.rng, self.kind, set()
        few = kind.adaptive
        often = 0.35 if self.names & ABOUT_DTYPES else 0.08
        narrow = self.dtype == "float32" or self.dtype is None and not few and rng.uniform() < often
        dtype = "float32" if narrow else "float64"
        wide = rng.uniform() < 0.3 and not few
        regime = GUIDED if not wide else MODERATE if narrow or self.functions and not self.loop \
            else ANY_SIZE
        sizes = self.sizes()
        near = () if few else self.values(dtype, always=not sizes)
        if not self.used:
            return None
        B, D, words = sizes.get("B"), sizes.get("D"), [
            f"{m} entries" if n == "count" else f"{n} = {m}" for n, m in sizes.items()]
        large = max([1, *sizes.values()]) > 500
        D = self.dim or D or int(rng.integers(1, 3 if large or self.loop else 6))
        B = B or int(rng.integers(2, 4 if large or self.loop else 8))
        given = [(n, c[self.turn(n, len(c))]) for n, c in CHOICES.items() if n in kind.args]
        given += [(n, sizes.get(n) or int(rng.integers(1, 9))) for n in COUNTS if n in kind.args]
        moved = dict.fromkeys(" and ".join([t] if isinstance(t, str) else t) for t, *_ in near)
        numbers = ", ".join(f"{c:g}" for c in sorted(self.used, key=abs)[:4])
        label = f"near {numbers} in the code: {', '.join([*words, *moved])}"
        return ProbeSpec(label, B, D, self.by_row and bool(rng.uniform() < 0.7), regime, seed,
                         sizes.get("M", int(rng.integers(0, 4))), tuple(given), dtype,
                         count=sizes.get("count", int(rng.integers(2, 9))), near=near)

    def turn(self, name, n):
        """Each of n, in an order of its own, before any comes again."""
        deck = self.decks.setdefault((name, n), [])
        if not deck:
            deck += self.rng.permutation(n).tolist()
        return deck.pop()

    # Sizes

    def dimensions(self):
        """{size: most} of the kind: rows, features, directions, components, entries, counts."""
        kind, loop, args = self.kind, self.loop, set(self.kind.args)
        most = 40 if kind.adaptive else 300 if kind.answer is not None else LARGEST_SIZE
        found = {n: LONG_LOOP if loop else LARGEST_SIZE for n in COUNTS if n in args}
        if kind.form != TABLE:
            found["B"] = min(LARGEST_SIZE, 1000 if self.dim is None else max(2, 20_000 // self.dim))
            found["B"] = 4 if kind.adaptive else LARGEST_SIZE if self.dim is None else found["B"]
        if self.dim is None and args & (DATA | FUNCTIONS) - {"z", "mean"}:
            found["D"] = most
        if kind.sliced:
            found["M"] = 40
        if "means" in args or any(n in args and not kind.is_level(n) for n in TABLES):
            found["count"] = LONG_LOOP if loop or "means" in args or self.functions \
                else LARGEST_SIZE
        return found

    def sizes(self):
        """{size: number} of the next probe, near whole numbers of the code; {} for usual sizes."""
        rng, most = self.rng, self.dimensions()
        if not self.whole or not most or rng.uniform() < 0.2 and not self.kind.adaptive:
            return {}
        products = [c for c in self.whole if c > 15]
        data = [n for n in ("B", "D", "count") if n in most]
        if products and len(data) > 1 and "B" in data and self.room > 0 and rng.uniform() < 0.25:
            return self.product(int(rng.choice(products)), data, most)
        chosen = [str(n) for n in rng.permutation(list(most))]
        if self.loop and rng.uniform() < 0.7:
            chosen.sort(key=lambda n: n in ("B", "D"))                # the number of steps first
        chosen = chosen[:1] + [n for n in chosen[1:] if rng.uniform() < 0.4]
        sizes, room = {}, LONG_LOOP if self.loop else LARGEST_PRODUCT / 4
        for name in chosen:
            c, n = self.next_size(name, most[name])
            if n and n <= room:
                sizes[name], room = n, room / n
                self.room -= n * (n > LARGE)
                self.used.add(c)
        return sizes

    def next_size(self, name, most):
        """The next (number of the code, size near it) of a size, (0, 0) where it is too large."""
        rng, most = self.rng, min(most, max(LARGE, self.room))
        near = [c for c in self.whole if c < most]
        if not near:
            return 0, 0
        c, n = self.combined(name, near) if len(near) > 1 and rng.uniform() < COMBINED else (0, 0)
        if 0 < n <= most:
            return c, n
        k = self.turn(name, WAYS * len(near))
        c = near[k // WAYS]
        n = (c + int(rng.integers(1, 4)), 2 * c + int(rng.integers(1, c)), c,
             c + int(rng.integers(1, c)) if not self.loop else 2 * c - 1, c - 1)[k % WAYS]
        return c, n if n <= most else c + 1

    def combined(self, name, near):
        """(c, n), where the quotient or the remainder of the size n by c is another number."""
        i, j = divmod(self.turn((name, "two"), len(near) * (len(near) - 1)), len(near) - 1)
        c, d = near[i], near[j + (j >= i)]
        multiple = self.rng.uniform() < 0.5 or d >= c
        return c, c * d + int(self.rng.integers(c)) if multiple else c * self.turn(c, 2) + c + d

    def product(self, c, names, most):
        """Sizes whose product is above a number."""
        rng = self.rng
        names = [n for n in names if rng.uniform() < 0.8]
        names = names if len(names) > 1 else ["B", "D"] if "D" in most else ["B", "count"]
        root = c**(1 / len(names))
        sizes = {n: max(1, min(most[n], int(root * 2**rng.uniform(-1, 1)))) for n in names[:-1]}
        last = int(c * rng.uniform(1.0, 1.3) // math.prod(sizes.values())) + 1
        self.room -= last + sum(sizes.values())
        self.used.add(c)
        return sizes | {names[-1]: min(last, most[names[-1]])}

    # Values

    def values(self, dtype, always):
        """The `near` of the next probe: which arguments are put where."""
        rng, kind = self.rng, self.kind
        names = [n for n in kind.args if n not in FUNCTIONS and n not in CHOICES and n not in COUNTS
                 and n not in ("rng", "weights", "log_density")]
        near = []
        if names and rng.uniform() < 0.25:
            near += self.placed(names[self.turn("alone", len(names))], dtype, True)
        if not near and (always or rng.uniform() < 0.85):
            alike = bool(rng.uniform() < 0.7)
            for name in names:
                near += self.placed(name, dtype, alike) if rng.uniform() < 0.85 else []
        if rng.uniform() < 0.2:
            near += self.relation(names, dtype)
        return tuple(near)

    def placed(self, name, dtype, alike):
        """One argument in the next of its regions; all rows alike, or one alone too."""
        rng, table = self.rng, name in TABLES and not self.kind.is_level(name)
        data = (name in DATA or name == "means") and not self.kind.is_level(name)
        if data:
            ways = (ENTRY, ENTRY, LARGEST, EACH, NORM)
        elif table:
            ways = (FIRST, LAST, INSIDE, STEP)
        else:
            ways = (ALL, BY_ROW) if alike else (ALL, BY_ROW, ONE, ONE)
        how = ways[rng.integers(len(ways))]
        small = [c for c in self.points if c < 0.1]
        if not data and (how == STEP or not table and small and rng.uniform() < 0.15):
            bounds = self.close(how == STEP)
            return [(name, CLOSE if not table else how, *bounds)] if bounds else []
        bounds = self.region(name, dtype, *self.bounds(name, dtype, data))
        return [(name, how, *bounds)] if bounds else []

    def bounds(self, name, dtype, data):
        """Between which an argument may lie."""
        if data and name not in BOUNDS or name == "mean" and self.kind.form in (BATCH, ROWS):
            return WITH_FUNCTIONS if self.functions else SIZES[dtype]
        if name in UNIT:
            return (STEEPEST, 1.0) if self.kind.form in (TABLE, STATES) else WITHIN[dtype]
        low, high = BOUNDS.get(name, LEVELS[dtype])
        if name.startswith("beta_") and self.kind.form == TABLE:
            low, high = 1e-6, 0.999
        if self.functions and name not in BOUNDS:
            low, high = max(low, 1e-8), min(high, 1e8)
        return max(low, LEVELS[dtype][0]), min(high, LEVELS[dtype][1])

    def region(self, name, dtype, low, high):
        """The next region of an argument, (low, high) near one of its ends; None without any."""
        rng, points, flipped = self.rng, self.points, False
        if self.names & LOGARITHMS and rng.uniform() < 0.3:
            points = {math.exp(s * p): c for p, c in points.items() if p < 27 for s in (1, -1)}
        elif self.names & DECIMALS and rng.uniform() < 0.3:
            points = {10.0**(s * p): c for p, c in points.items() if p <= 12 for s in (1, -1)}
        elif rng.uniform() < 0.15:
            power = float(rng.choice([0.5, 2.0]))
            points = {p**power: c for p, c in points.items()}
        if name in UNIT and rng.uniform() < 0.25:                    # ratios of signal and noise
            points = {q: c for p, c in points.items() for q in (p / (1 + p), 1 / (1 + p))}
        elif name in UNIT and rng.uniform() < 0.4:
            flipped, high = True, 0.5
        inside = sorted(p for p in points if low < p < high) or sorted(
            p for p in self.points if low < p < high)
        if not inside:
            return None
        k = self.turn((name, flipped), len(inside) + 1)
        ends = [low, *inside, high][k:k + 2]
        self.used |= {points.get(p, self.points.get(p)) for p in ends if p in inside}
        a, b = self.narrowed(*ends, k > 0, k < len(inside))
        return (1 - b, 1 - a) if flipped else (a, b)

    def narrowed(self, low, high, from_low, from_high):
        """A region, or where it is wide, what lies near one of its ends that is a number."""
        margin = 10**self.rng.uniform(-4, -1)
        a, b = low * (1 + margin * from_low), high / (1 + margin * from_high)
        if a >= b:
            a, b = low**0.7 * high**0.3, low**0.3 * high**0.7
        if high > 6 * low:
            if from_low and (not from_high or self.rng.uniform() < 0.5):
                b = min(b, 3 * low)
            else:
                a = max(a, high / 3)
        return a, b

    def close(self, ratio=False):
        """Bounds of a relative difference near a small number, or of a ratio near any; or None."""
        points = [c for c in self.points if c < 0.1]
        if not points or ratio and self.rng.uniform() < 0.5:
            return self.region("", "float64", 1e-2, 1 - 1e-4) if ratio else None
        c = float(self.rng.choice(points))
        self.used.add(self.points[c])
        low, high = ((0.1, 0.9), (1.1, 3.0))[self.rng.integers(2)]
        return (1 - high * c, 1 - low * c) if ratio else (low * c, high * c)

    def relation(self, names, dtype):
        """Two arguments in a relation to each other."""
        rng, kind = self.rng, self.kind
        data = [n for n in names if n in DATA and not kind.is_level(n)]
        levels = [n for n in names if n not in data and n not in TABLES + ("means",)]
        pools = [p for p in (data, levels) if len(p) > 1]
        if not pools:
            return []
        pool = pools[rng.integers(len(pools))]
        pair = tuple(str(n) for n in rng.choice(pool, 2, replace=False))
        if pool is data:
            bounds = self.close() or self.region("", dtype, 1e-8, 10.0)
            return [(pair, ALIKE, *bounds)] if bounds else []
        if pair[::-1] in STEPS:
            pair = pair[::-1]
        how = (RATIO, RATIO, DIFFERENCE, SQUARES)[rng.integers(4)]
        near_one = how != DIFFERENCE and self.close()
        if near_one and rng.uniform() < 0.5:
            a, b = near_one
            bounds = (1 + a, 1 + b) if rng.uniform() < 0.5 else (1 - b, 1 - a)
        else:
            bounds = self.region("", dtype, 1e-8, 1e8)
        return [(pair, how, *bounds)] if bounds else []


def inside(kind, probe, closest=(1e-5, 1e-7)):
    """Whether a probe lies in the domain, and where digits are left in what it asks.

    closest  relative difference of the ends of a step, at least: of levels up to 1, and of others
    """
    args, dtype = probe.args, probe.situation.dtype
    decades = 5.0 if dtype == "float32" else 10.5
    if not all(np.all(np.isfinite(w)) for w in probe.want):
        return False
    if kind.form == STATES and (len(probe.want) > LONG_LOOP or any(
            np.any(np.abs(w) > RUNAWAY) for w in probe.want)) or is_undecided(kind, args):
        return False
    for name, a in args.items():
        if name in BOUNDS and np.ndim(a) == 0 and not (
                BOUNDS[name][0] / 2 <= abs(a) <= 2 * BOUNDS[name][1] or a == 0):
            return False
        if kind.is_level(name) and np.any(np.abs(np.log10(np.abs(a) + (a == 0))) > decades):
            return False
        if name in UNIT and np.any(np.minimum(a, 1 - np.asarray(a)) < 0):
            return False
    for small, large in STEPS:
        if small in args and large in args and kind.is_level(large):
            with np.errstate(all="ignore"):
                ratio = np.divide(args[small], args[large])
            close = closest[large not in UNIT]
            if np.any(ratio < 1e-11) or np.any((ratio < 1) & (1 - ratio < close)):
                return False
    return True
