"""Comparisons that foreign code makes: which way each went, and how near it was to the other.

A bound need not be set to an argument: `np.maximum(alpha_bar / beta, 20)` compares what has been
computed. So code is called with arrays that note every comparison they take part in, in the line of
the code where it stands:

    distance = s(a) - s(b),   s(x) = sign(x) log(1 + |x| / TINY)     of a < b, min(a, b), max(a, b)

is negative where a < b, and the smaller the nearer by. Equality has the logarithm of a relative
difference. What Python compares by itself is noted by `branches`, what C compares is not seen.
"""

import contextlib
import functools
import os
import sys
import types
from typing import NamedTuple

import autograd
import numpy as np

from . import branches

TINY = 1e-30
EQUAL = 1e-18                    # relative difference of numbers that are equal
BELOW = 1e-3                     # how far below zero the distance of equal numbers is
MOST_NOTES = 50                  # of one comparison in one call
OTHER_LENGTH = 50.0              # distance of lists that cannot be equal
LESS = {"less", "less_equal", "lt", "le", "__lt__", "__le__"}
GREATER = {"greater", "greater_equal", "gt", "ge", "__gt__", "__ge__"}
EXTREME = {"maximum", "minimum", "fmax", "fmin", "clamp_min", "clamp_max", "clamp_min_",
           "clamp_max_", "max", "min"}
CLIP = {"clip", "clamp", "clip_", "clamp_"}
SAME = {"equal": 1, "eq": 1, "__eq__": 1, "not_equal": -1, "ne": -1, "__ne__": -1}
BOTH = {"logical_and": np.maximum, "bitwise_and": np.maximum, "__and__": np.maximum,
        "logical_or": np.minimum, "bitwise_or": np.minimum, "__or__": np.minimum}
NOT = {"logical_not", "invert", "bitwise_not", "__invert__"}
OF_ZERO = {"relu", "relu_"}
# What is below zero where a comparison of some entries, or all, goes one way or the other
WAYS = {"some": lambda low, high: low, "all": lambda low, high: high,
        "not all": lambda low, high: -high, "none": lambda low, high: -low}


def is_gone(word, distance):
    """Whether a call went this way, one of `WAYS`, by its distance."""
    return distance < 0 if word in ("some", "all") else distance <= 0


class Site(NamedTuple):
    """A comparison: the code in which it stands, where in it, and which of several there.

    code, at   a code object and an instruction, or the name of a function, a line and a number
    """

    code: object
    at: object
    name: str

    def __str__(self):
        line, name = self.at, self.code
        if isinstance(self.code, types.CodeType):
            lines = [line for start, end, line in self.code.co_lines() if start <= self.at < end]
            line, name = lines[0] if lines else "?", self.code.co_name
        else:
            line = self.at[0]
        return f"line {line} of {name}"


class Notes:
    """What one call compared.

    seen       {Site: (least distance, largest distance)}
    libraries  modules, whose own lines are no sites
    """

    def __init__(self, *libraries):
        self.seen, self.noted = {}, {}
        self.inside = (__file__, branches.__file__, *(os.path.join(folder, "") for m in libraries
                                   for folder in m.__path__))

    def site(self, name):
        """Where the foreign code is that compares."""
        frame = sys._getframe(2)
        while frame.f_back is not None and frame.f_code.co_filename.startswith(self.inside):
            frame = frame.f_back
        return Site(frame.f_code, frame.f_lasti, name)

    def note(self, name, distance):
        """A comparison with these distances, an array."""
        if distance.size:
            self.note_at(self.site(name), distance)

    def note_at(self, site, distance):
        """The same of a comparison whose place is known."""
        if distance.size:
            ends = float(np.fmin.reduce(distance, None)), float(np.fmax.reduce(distance, None))
            if ends[0] == ends[0]:                                                  # no NaN
                low, high = self.seen.get(site, (np.inf, -np.inf))
                self.seen[site] = min(low, ends[0]), max(high, ends[1])

    def compared(self, name, operands):
        """Notes an operation if it compares, and returns the distances of a condition, or None.

        operands  its arguments, arrays of NumPy or numbers; of a clip a bound may be None
        """
        if name in OF_ZERO:
            self.note(name, apart(operands[0], 0.0))
        elif name in CLIP:
            for end, bound in zip(("low", "high"), operands[1:3]):
                if bound is not None:
                    self.note(end, apart(operands[0], bound))
        elif name in LESS or name in EXTREME and len(operands) > 1:
            distance = apart(*operands[:2])
            self.note(name, distance)
            return distance
        elif name in GREATER:
            distance = apart(*operands[1::-1])
            self.note(name, distance)
            return distance
        elif name in SAME:
            distance = unlike(*operands[:2])
            self.note(name, distance)
            return SAME[name] * distance
        return None

    def is_full(self, place):
        """Whether a place has been noted often enough in this call, as within a loop."""
        n = self.noted[place] = self.noted.get(place, 0) + 1
        return n > MOST_NOTES

    def compared_by_python(self, code, at, name, a, b):
        """Notes a comparison of numbers or arrays of such, in no operation of a library."""
        try:
            np.broadcast_shapes(np.shape(a), np.shape(b))
        except ValueError:
            distance = np.float64(OTHER_LENGTH + abs(np.size(a) - np.size(b)))
        else:
            distance = unlike(a, b) if name in SAME else apart(a, b) if name in LESS else (
                apart(b, a))
        self.note_at(Site(code, at, name), np.asarray(distance))

    def combined(self, name, distances):
        """The distances of conditions that are combined, noted."""
        if name in NOT:
            return -distances[0]
        distance = BOTH[name](*distances[:2])
        self.note(name, distance)
        return distance


def signed_log(a):
    """sign(a) log(1 + |a| / TINY)"""
    a = np.asarray(a, np.float64)
    return np.copysign(np.log1p(np.abs(a) * (1 / TINY)), a)


def apart(a, b):
    """signed_log(a) - signed_log(b), which is negative where a < b.

    NaN where an array has a zero and the other side is none: other probes ask for zeros.
    """
    zeros = [np.equal(c, 0) for c in (a, b) if np.ndim(c)]
    one_alone = functools.reduce(np.logical_xor, zeros, False)
    return np.where(one_alone, np.nan, signed_log(a) - signed_log(b))


def unlike(a, b):
    """log(1 + |a - b| / (EQUAL size)) - BELOW, which is negative where a equals b.

    The size is that of the smaller one, as a larger one comes straight to it then, or 1.
    """
    size = np.minimum(np.abs(a), np.abs(b))
    size = np.where(size == 0, 1.0, size)
    with np.errstate(over="ignore"):
        share = np.abs(np.subtract(a, b, dtype=float)) / (EQUAL * np.maximum(size, 1e-280))
    return np.asarray(np.log1p(np.minimum(share, 1e300)) - BELOW)


class Watched(np.ndarray):
    """A NumPy array that notes the comparisons it takes part in.

    notes     the `Notes`
    distance  of a condition, how far its entries are from the other way; None of other arrays
    """

    notes = distance = None

    def __array_finalize__(self, other):
        self.notes = getattr(other, "notes", None)

    def __array_function__(self, func, types, args, kwargs):
        result = super().__array_function__(func, types, args, kwargs)
        if type(result) is np.ndarray and self.notes is not None:           # np.where, for example
            return watched(result, self.notes)
        return result

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **options):
        notes = next((a.notes for a in (*inputs, *(out or ())) if isinstance(a, Watched)
                      and a.notes is not None), None)
        distance = None
        if notes is not None and method == "__call__":            # before an input is written over
            distance = distance_of(notes, ufunc.__name__, inputs)
        if out is not None:
            options["out"] = tuple(map(bare, out))
        result = getattr(ufunc, method)(*map(bare, inputs), **options)
        several = isinstance(result, tuple)
        results = [watched(a, notes, distance) for a in (result if several else (result,))]
        for i, given in enumerate(out or ()):
            if isinstance(given, Watched):
                given.distance = distance
            results[i] = results[i] if given is None else given
        return tuple(results) if several else results[0]


def distance_of(notes, name, inputs):
    """The distances of the result of an operation of NumPy, noted; or None."""
    if name in BOTH or name in NOT:
        distances = [getattr(a, "distance", None) for a in inputs]
        return None if any(d is None for d in distances) else notes.combined(name, distances)
    operands = [bare(a) for a in inputs]
    if any(np.asarray(a).dtype.kind not in "fiub" for a in operands):
        return None
    return notes.compared(name, operands)


def watched(a, notes, distance=None):
    """An array or number of NumPy that notes comparisons; anything else itself."""
    if not isinstance(a, (np.ndarray, np.generic)):
        return a
    a = np.asarray(a).view(Watched)
    a.notes, a.distance = notes, distance
    return a


def bare(a):
    """The plain array."""
    return a.view(np.ndarray) if isinstance(a, Watched) else a


def watched_argument(a, notes):
    """An argument of foreign code: arrays and levels note comparisons, functions return such."""
    if isinstance(a, (np.ndarray, float)):
        return watched(np.asarray(a), notes)
    if callable(a):
        return lambda *args: watched_argument(a(*map(bare, args)), notes)
    return a


def numpy_notes(fn):
    """(fn with watched arguments, a function that gives what its last call compared)."""
    last, plain = [], []
    fn = branches.rewritten(fn, lambda: last[0])

    def watching(*args, **named):
        last[:] = [Notes(np, autograd)]
        if plain:
            return fn(*args, **named)
        try:
            result = fn(*(watched_argument(a, last[0]) for a in args),
                        **{n: watched_argument(a, last[0]) for n, a in named.items()})
        except (TypeError, ValueError):                      # it takes NumPy's own arrays alone
            last[:] = [Notes(np, autograd)]
            result = fn(*args, **named)
            plain.append(True)
        return tuple(map(bare, result)) if isinstance(result, tuple) else bare(result)
    return watching, lambda: last[0].seen if last else {}


def torch_notes(fn):
    """The same for code of PyTorch, whose operations tell."""
    import torch
    from torch.overrides import TorchFunctionMode
    last = []
    fn = branches.rewritten(fn, lambda: last[0])

    class Noting(TorchFunctionMode):
        """Notes the comparisons of tensors."""

        def __init__(self, notes):
            super().__init__()
            self.notes, self.distances = notes, {}

        def __torch_function__(self, func, types, args=(), kwargs=None):
            name = getattr(func, "__name__", "")
            distance = self.distance(name, args, kwargs or {}) if name in COMPARING else None
            result = func(*args, **(kwargs or {}))
            if distance is not None and torch.is_tensor(result):
                self.distances[id(result)] = distance, result          # which keeps it alive
            return result

        def distance(self, name, args, named):
            """The distances of the result, noted; None where there are none, as of vmap's tensors.
            """
            if name in BOTH or name in NOT:
                found = [self.distances.get(id(a), (None,))[0] for a in args]
                return None if any(d is None for d in found) else self.notes.combined(name, found)
            names = ("input", "min", "max") if name in CLIP else ("input", "other")
            args = [args[i] if i < len(args) else named.get(n) for i, n in enumerate(names)]
            if name in ("max", "min") and not torch.is_tensor(args[1]):     # the largest of one
                return None
            with contextlib.suppress(Exception):
                return self.notes.compared(name, [
                    np.asarray(a.detach().cpu()) if torch.is_tensor(a) else a for a in args])
            return None

    def watching(*args, **named):
        last[:] = [Notes(torch)]
        with Noting(last[0]) as mode:
            result = fn(*args, **named)
        return each_within(mode, result) if hasattr(result, "__next__") else result
    return watching, lambda: last[0].seen if last else {}


def each_within(mode, states):
    """The states of a loop, each worked out within a mode and handed on outside of it."""
    end = object()
    while True:
        with mode:
            state = next(states, end)
        if state is end:
            return
        yield state


COMPARING = {*LESS, *GREATER, *EXTREME, *CLIP, *SAME, *BOTH, *NOT, *OF_ZERO}
NOTES_OF = {"numpy": numpy_notes, "autograd": numpy_notes, "torch": torch_notes}
