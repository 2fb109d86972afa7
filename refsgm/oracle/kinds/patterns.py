"""Patterns of arguments: in order, of one sign, the same in pairs, with a spike; and relations.

Code tells cases apart by what its arguments look like, and random numbers look like nothing. So
an argument of a question has one of these patterns, in turn, or is in a relation to another one.
"""

import itertools

import numpy as np

from .guided import BOUNDS, WITHIN
from .kind import COUNTS, DATA, FUNCTIONS, STATES, STEPS, TABLE, TABLES
from .nearby import SIGNED, UNIT
from .test_functions import FADES, Field, Itself, curved, pulling
from .wide import NUMBERS

# Relative: what is rounded to four digits; np.isclose; one number in float32
CLOSE = 3e-5, 3e-6, 2e-8
NEAR_ONE = {"float64": 3e-7, "float32": 0.02, "a step": 0.02}
MOST_WHOLE = 1000                      # of an integer, whose powers stay within 64 bits
SPIKE = 100.0                          # times as large as the largest of the others


def changed(a, at, value):
    """An array with other numbers at some places."""
    b = a.copy()
    b[at] = value
    return b


def spike(a, rng):
    """One entry far outside."""
    b = a.copy()
    if b.size:
        b.flat[rng.integers(b.size)] = SPIKE * np.max(np.abs(a)) * rng.choice([-1.0, 1.0])
    return b


def swapped(a, i, j):
    """An array with two entries exchanged."""
    return changed(a, [i, j], a[[j, i]])


def about(a, middle):
    """Levels of which the mean is exactly this, in pairs above and below it."""
    n = len(a) // 2
    off = middle * (1 + np.round(60 * np.abs(np.sin(np.ravel(a)[:n])))) / 64
    return np.concatenate([middle - off, middle + off, [middle] * (len(a) % 2)])[:, None]


def in_pairs(a, sign=1.0):
    """Rows that come twice, or with the opposite sign."""
    b = a.copy()
    n = a.shape[-2] // 2
    b[..., n:2 * n, :] = sign * b[..., :n, :]
    return b


OF_DATA = {                            # (.., B, D)
    "not negative": lambda a, rng: np.abs(a),
    "negative": lambda a, rng: -np.abs(a),
    "in [0, 1]": lambda a, rng: a**2 / (1 + a**2),
    "rows rising": lambda a, rng: np.sort(a, axis=-2),
    "features falling": lambda a, rng: np.sort(a, axis=-1)[..., ::-1].copy(),
    "with a spike": spike,
    "of signs": lambda a, rng: np.where(a < 0, -1.0, 1.0),
    "sparse": lambda a, rng: np.where(rng.uniform(0, 1, a.shape) < 0.3, a, 0.0),
    "with one zero": lambda a, rng: changed(a, (..., rng.integers(a.shape[-2]), 0), 0.0),
    "first row zero": lambda a, rng: changed(a, (..., slice(0, 1), slice(None)), 0.0),
    "last row zero": lambda a, rng: changed(a, (..., slice(-1, None), slice(None)), 0.0),
    "one row alone": lambda a, rng: a * (np.arange(a.shape[-2]) == rng.integers(a.shape[-2]))[
        :, None],
    "zero": lambda a, rng: 0.0 * a,
    "rows twice": lambda a, rng: in_pairs(a),
    "rows opposite": lambda a, rng: in_pairs(a, -1.0),
    "of mean zero": lambda a, rng: a - np.mean(a, axis=-1, keepdims=True),
    "of mean zero by feature": lambda a, rng: a - np.mean(a, axis=-2, keepdims=True),
    "rows alike": lambda a, rng: a[..., :1, :] + 0.0 * a,
    "features alike": lambda a, rng: a[..., :1] + 0.0 * a,
    "whole numbers": lambda a, rng: np.round(3 * a),
    "bytes": lambda a, rng: np.clip(np.round(64 * a + 128), 0, 255),
    "first entry whole": lambda a, rng: changed(a, (..., 0, 0), 1.0),
    "of length 1": lambda a, rng: a / np.maximum(np.linalg.norm(a, axis=-1, keepdims=True), 1e-9),
    "diagonal": lambda a, rng: a * np.eye(*a.shape[-2:]),
    "symmetric": lambda a, rng: a + np.swapaxes(a, -1, -2) if a.shape[-2] == a.shape[-1] else a,
    "last row like the first": lambda a, rng: changed(a, (..., -1, slice(None)), a[..., 0, :]),
    "large in its last feature": lambda a, rng: a * np.where(
        np.arange(a.shape[-1]) == a.shape[-1] - 1, 20.0, 1.0)}
OF_COLUMN = {                          # a level (B, 1)
    "rising": lambda a, rng: np.sort(a, axis=0),
    "falling": lambda a, rng: np.sort(a, axis=0)[::-1].copy(),
    "twice": lambda a, rng: in_pairs(a),
    "in two values": lambda a, rng: np.where(np.arange(len(a))[:, None] % 2, a[:1], a[-1:]),
    "but one the same": lambda a, rng: changed(a[:1] + 0 * a, rng.integers(len(a)), a[-1]),
    "the same": lambda a, rng: a[:1] + 0 * a,
    "last like the first": lambda a, rng: changed(a, -1, a[0]),
    "close together": lambda a, rng: narrow(a, rng, 0.2),
    "nearly the same": lambda a, rng: narrow(a, rng, CLOSE[0]),
    "the same in float32": lambda a, rng: narrow(a, rng, CLOSE[2]),
    "over four decades": lambda a, rng: spread(a, rng),
    "rising evenly": lambda a, rng: np.linspace(np.min(a), np.max(a), len(a))[:, None],
    "powers of two": lambda a, rng: np.sign(a) * 2.0**np.minimum(np.round(np.log2(
        np.maximum(np.abs(a), 1e-30))), -1 if np.all(np.abs(a) <= 1) else 40)}
OF_TABLE = {                           # (N,), that falls
    "first apart": lambda a, rng: changed(a, 0, a[0] * (1.9 if a[0] != 1 else 1.0)),
    "last apart": lambda a, rng: changed(a, -1, 0.3 * a[-1]),
    "even": lambda a, rng: np.linspace(a[0], a[-1], len(a)),
    "even ratios": lambda a, rng: np.geomspace(a[0], max(a[-1], 1e-3 * a[0]), len(a)),
    "nearly even ratios": lambda a, rng: a[0] * np.geomspace(1, 0.01, len(a))**(
        1 + CLOSE[0] / len(a) * rng.uniform(0, 1, len(a))),
    "close together": lambda a, rng: a[0] * (a / a[0])**0.01,
    "two the same in float32": lambda a, rng: with_neighbours(a, rng, 1 - CLOSE[2] / 2),
    "last far below": lambda a, rng: changed(a, -1, 1e-9 * a[0]),
    "large": lambda a, rng: a if a[0] == 1 else 1e3 * a,
    "small": lambda a, rng: a if a[0] == 1 else 1e-3 * a}
OF_RATES = {                           # (N,), in any order
    "falling": lambda a, rng: np.sort(a)[::-1].copy(),
    "rising": lambda a, rng: np.sort(a),
    "in any order": lambda a, rng: rng.permutation(a),
    "largest in the middle": lambda a, rng: swapped(a, len(a) // 2, np.argmax(a)),
    "smallest inside": lambda a, rng: swapped(a, int(rng.integers(len(a))), np.argmin(a)),
    "the same": lambda a, rng: a[:1] + 0 * a,
    "nearly the same": lambda a, rng: narrow(a, rng, CLOSE[0]),
    "in two values": lambda a, rng: np.where(np.arange(len(a)) % 2, a[0], a[-1]),
    "but one the same": lambda a, rng: changed(np.full_like(a, np.mean(a)), len(a) // 2, a[0]),
    "last like the first": lambda a, rng: changed(a, -1, a[0]),
    "small": lambda a, rng: 1e-3 * a}
OF_DECIMALS = {                        # a number
    "one": lambda a, rng: 1.0, "two": lambda a, rng: 2.0, "a half": lambda a, rng: 0.5,
    "a tenth": lambda a, rng: 0.1, "a small one": lambda a, rng: 1e-4,
    "whole": lambda a, rng: float(np.sign(a) * max(1, round(abs(a)))),
    "an integer": lambda a, rng: int(np.sign(a) * min(max(1, round(abs(a))), MOST_WHOLE)),
    "the integer 1": lambda a, rng: 1, "any integer": lambda a, rng: int(rng.integers(2, 60)),
    **{f"1 within {c:g}": lambda a, rng, c=c: 1 + c * rng.choice([-1.0, 1.0]) for c in CLOSE}}
# What arguments may all be at once: of a dtype that others take, and close to an end
TOGETHER = (("an integer", "first 0", "first whole", "first entry whole"),
            ("a small one", "small"), NEAR := ("near 1",), ("tiny",), ("vast",))
SCALES = {"tiny": 1e-9, "vast": 1e9}   # of data and noise levels together, in float64
BETWEEN = {                            # the second of two levels or numbers, by the first
    "like": lambda a: a, "twice": lambda a: 2 * a, "half": lambda a: a / 2,
    "the square of": lambda a: a * a, "one over": lambda a: 1 / a, "1 minus": lambda a: 1 - a,
    "the rest of the square of": lambda a: np.sqrt(1 - a * a), "1 more than": lambda a: a + 1,
    "opposite to": lambda a: -a,
    "above": lambda a: a, "below": lambda a: a,                           # all of them
    **{f"within {c:g} of": lambda a, c=c: a * (1 - c) for c in CLOSE}}
BETWEEN_DATA = {
    "like": lambda a: a, "opposite to": lambda a: -a, "twice": lambda a: 2 * a,
    "reversed": lambda a: a[..., ::-1, :], "close to": lambda a: a * (1 + CLOSE[1]),
    "like in its first row": None}
OF_FUNCTIONS = {
    "usual": lambda f: f, "zero": lambda f: weighted(f, 0, 0, 0),
    "constant": lambda f: weighted(f, 0, 1, 0), "linear": lambda f: weighted(f, 1, 1, 0),
    "itself": lambda f: f.as_a(Itself), "curved": curved,
    "of another level": lambda f: faded(f, 2), "pulling to zero": pulling}


def narrow(a, rng, share):
    """Levels within a share of one of them: of shares near 1 what they lack is."""
    one, u = np.ravel(a)[0], rng.uniform(0, share, a.shape)
    return 1 - (1 - one) * (1 - u) if 0.5 < one < 1 else one * (1 - u)


def with_neighbours(a, rng, ratio):
    """A table in which one entry is the next one with this ratio."""
    k = int(rng.integers(len(a)))
    return changed(a, k, a[k - 1] * ratio) if k else a


def near_one(kind, dtype):
    """A pattern of shares: they lack little, in the same order; of a step, whose betas lose digits,
    not as little.
    """
    least = NEAR_ONE["a step"] if "alpha_bar_s" in kind.args else NEAR_ONE[dtype]
    return lambda a, rng: 1 - least * (0.1 + 0.9 * (1 - a))


def spread(a, rng):
    """Levels of many sizes, below those that are there."""
    return a * 10.0**-rng.permutation(np.linspace(0, 4, len(a)))[:, None]


def beside(one, b, word, share):
    """Levels that are all above a number, or all below; of shares their odds are."""
    odds = np.divide(b, 1 - np.asarray(b)) if share and np.all(np.less(b, 1)) else b
    end = np.min(odds) if word == "above" else np.max(odds)
    odds = odds * (one * (1.1 if word == "above" else 0.9) / (end or 1.0))
    return odds / (1 + odds) if share else odds


def weighted(f, *weights):
    """A test function with some of its terms."""
    other = f.as_a(Field)
    other.theta = f.theta * weights
    return other


def faded(f, k):
    """A test function with another factor of the level."""
    other = f.as_a(Field)
    other.fade = FADES[k]
    return other


class Patterns:
    """The patterns of one check, each argument's in turn; `integers`: whether numbers may be."""

    def __init__(self, kind, rng, integers, dtype="float64"):
        self.kind, self.rng, self.integers, self.dtype = kind, rng, integers, dtype
        self.decks = {}
        self.defaults = {p.name: p.default for p in kind.parameters if p.default is not p.empty}

    def turn(self, name, those):
        """The next of an argument's patterns, in an order of its own: (word, function)."""
        deck = self.decks.setdefault((name, len(those)), [])
        if not deck:
            deck += self.rng.permutation(list(those)).tolist()
        word = deck.pop()
        return word, those[word]

    @np.errstate(all="ignore")
    def laid(self, args, often):
        """(arguments with patterns, words for them)."""
        made, words = dict(args), []
        those = TOGETHER[self.rng.integers(len(TOGETHER))] if self.integers and (
            self.rng.uniform() < often / 3) else ()
        for name, a in args.items():
            if those or self.rng.uniform() < often:
                word, made[name] = self.of_one(name, a, those)
                words += [f"{name} {word}"] if word else []
        if self.rng.uniform() < often and those != NEAR:    # x_0 = x_t hides which digits are lost
            words += self.related(made)
        return made, words

    def of_one(self, name, a, words=()):
        """(word, argument): one argument with a pattern; ("", itself) where it has none.

        words  of patterns that it has in place of the next one
        """
        kind, rng = self.kind, self.rng
        if name in SIGNED and name in kind.left_open:              # at 0 there is no answer
            return "", a
        if isinstance(a, Field) and name not in kind.draw and name != "log_density":
            those = OF_FUNCTIONS
        elif isinstance(a, (int, str)) or name in COUNTS or not isinstance(a, (float, np.ndarray)):
            return "", a
        elif isinstance(a, float):
            free = name in NUMBERS and name != "rho" and not kind.is_level(name)
            if free and rng.uniform() < 0.3:
                return "of any size", NUMBERS[name](rng.uniform(), None)
            those = dict(OF_DECIMALS)
            if not self.integers:
                those = {w: f for w, f in those.items() if "integer" not in w}
            if name in UNIT and name not in kind.left_open:
                those["near 1"] = near_one(kind, self.dtype)
            if self.defaults.get(name) is not None:
                those["its default"] = lambda a, rng: self.defaults[name]
        elif a.ndim == 1:
            those = OF_RATES if name == "betas" else OF_TABLE if name in TABLES else {}
            if "step_size" in kind.args or name == "alpha_bar":    # of which the last is a divisor
                those = {w: f for w, f in those.items() if w != "last far below"}
        elif kind.is_level(name) and a.shape[1:] == (1,):
            those = OF_COLUMN
            if name in ("t", "s") and name not in kind.left_open:
                those = those | {"first 0": lambda a, rng: changed(a, 0, 0.0),
                                 "small": lambda a, rng: 1e-6 * a}
            elif name not in UNIT:
                those = those | {"first whole": lambda a, rng: changed(a, 0, 1.0),
                                 "1 on average": lambda a, rng: about(a, 1.0),
                                 "small": lambda a, rng: 1e-4 * a}
            if name in UNIT and name not in kind.left_open:
                those = those | {"near 1": near_one(kind, self.dtype),
                                 "a half on average": lambda a, rng: about(a, 0.5),
                                 "first 1": lambda a, rng: changed(a, 0, 1.0)}
        else:
            those = OF_DATA if name in DATA or name == "means" else {}
        if words and words[0] in SCALES and self.is_scaled(name, a):
            return words[0], a * SCALES[words[0]]
        if not those:
            return "", a
        word, f = next(((w, those[w]) for w in words if w in those), None) or self.turn(name, those)
        b = f(a) if isinstance(a, Field) else f(a, rng)
        low, high = WITHIN["float32"] if name in UNIT else BOUNDS.get(name, (0.0, np.inf))
        if kind.form == TABLE and name.startswith("beta_"):
            low, high = 1e-6, 0.999
        inside = not isinstance(a, float) or low <= abs(b) <= high or word == "near 1"
        return (word, b) if inside else ("", a)

    def is_scaled(self, name, a):
        """Whether an argument has the unit of the data, of a kind that is passed no function."""
        functions = any(n in FUNCTIONS for n in self.kind.args)
        scaled = name in DATA or name == "means" or name.startswith("sigma") and (
            self.kind.form not in (TABLE, STATES) and name != "sigma_rate")
        return (scaled and self.dtype == "float64" and np.ndim(a) != 1 and not functions
                and name not in self.kind.draw)

    def related(self, args):
        """Words of a relation between two arguments, which is made; [] where there are none."""
        kind, rng = self.kind, self.rng
        levels = [n for n, a in args.items() if isinstance(a, float) and n not in (*DATA, "rho")
                  or kind.is_level(n) and isinstance(a, np.ndarray)]
        data = [n for n, a in args.items() if n in DATA and np.ndim(a) > 1
                and not kind.is_level(n)]
        pairs = [p for pool in (levels, data) for p in itertools.permutations(pool, 2)]
        if not pairs:
            return []
        n, m = pairs[rng.integers(len(pairs))]
        if (m, n) in STEPS:                                        # the smaller by the larger
            n, m = (n, m) if rng.uniform() < 0.5 else (m, n)
        a, b = args[n], args[m]
        if m in levels:
            word, f = self.turn((n, m), BETWEEN)
            if word.startswith("within") and m in UNIT or m in SIGNED and m in kind.left_open:
                return []                  # a small beta has few digits, and 0 may have no answer
            c = f(np.asarray(a, float) if np.ndim(b) else np.ravel(np.asarray(a, float))[0])
            if word in ("above", "below"):
                c = beside(np.ravel(a)[0], b, word, m in UNIT)
            if m in UNIT and not np.all((c > 0) & (c < 1)):
                return []
            args[m] = c + 0.0 * b if np.ndim(b) else float(c)
            return [f"{m} {word} {n}"]
        if a.shape != b.shape:
            return []
        word, f = self.turn((n, m), BETWEEN_DATA)
        args[m] = changed(b, (..., 0, slice(None)), a[..., 0, :]) if f is None else f(a) + 0.0
        return [f"{m} {word} {n}"]
