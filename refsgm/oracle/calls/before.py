"""What came before a call: the same numbers in another form, a call that failed or was refused.

Python takes 0.75, np.float32(0.75) and np.float64(0.75) for one key, and a key of numbers alone
says nothing of shapes, dtypes and order in memory. Every question here has numbers of its own. What
comes before it is answered or refused as the code likes, which nobody judges; then the answer must
be right, of the dtype, and a level of the shape, that it has without.
"""

import contextlib
import copy
import itertools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..kinds import DATA, FUNCTIONS, LEVEL, STATES, TABLE, ProbeSpec
from ..kinds.drawing import arguments, in_float32
from ..kinds.test_functions import Noise
from ..kinds.kind import CHOICES, COUNTS, TABLES
from ..kinds.sizes import MANY, asked, taken_of
from ..kinds.wide import AGAIN, ODD_FORM
from .again import DIGITS
from .bulk import judged, odd_ones, takes_all, takes_many

ROWS, FEATURES, ENTRIES = 4, 3, 5
COLUMNS, NUMBERS, ONE_ROW, FLAT, NARROW = (
    "columns", "numbers", "one row", "levels (B,)", "columns in float32")
FAILING = 1, 2, 3                                   # calls of a passed function that may fail
REFUSED = 2                                         # of the last arguments
MOST_STEPS = 20                                     # of a loop that comes before
MOST = None                                         # questions, or None for all
NO_NUMBERS = {*DATA, *FUNCTIONS, *TABLES, *CHOICES, *COUNTS, "weights", "means", "rng"}


class Failure(RuntimeError):
    """What a function raises that is passed."""


class Before(NamedTuple):
    """What the code is asked before.

    words  such as "in float32"
    of     (caller, name, foreign argument) -> what is passed in its place; None for no call
    """

    words: str = ""
    of: Callable | None = None


def probes_before(caller, dim, dtype, seed):
    """Judged probes of calls after others, up to the first that fails."""
    if MOST == 0 or not takes_all(caller) or not takes_many(caller) or (
            caller.contract.adaptive or (dim or 0) > MANY):
        return []
    questions, befores = [], []
    for i, (form, before) in enumerate([*in_other_forms(caller, dtype), *failed(caller)][:MOST]):
        one = question(caller, form, before, dim, dtype, (seed % 2**20, i))
        if one is not None:
            questions.append(one)
            befores.append((form, before))
    after = after_others(caller, befores)
    return judged(after, odd_ones(after, questions, DIGITS))


def question(caller, form, before, dim, dtype, seed):
    """A question with numbers of its own, which float32 holds; None outside of the domain."""
    kind = caller.contract
    B, rows = 1 if form == ONE_ROW else ROWS, form != NUMBERS
    spec = ProbeSpec("", B, dim or FEATURES, rows, AGAIN, np.random.default_rng(seed).integers(
        2**31).item(), 2, dtype="float32" if form == NARROW else dtype or "float64", count=ENTRIES)
    args = {n: in_float32(a) if isinstance(a, (float, np.ndarray)) else a
            for n, a in arguments(kind, spec).items()}
    if form == FLAT:
        args = {n: np.ravel(a) if np.ndim(a) == 2 else a for n, a in args.items()}
        spec = spec._replace(regime=ODD_FORM)
    found = asked(kind, spec, taken_of(kind, args, tuple(caller.taken)))
    if found is not None:
        found.spec = spec._replace(label=f"call after call: {form} after {before.words or 'none'}")
    return found


def after_others(caller, befores):
    """The same `Caller`, which asks something else before each question in turn.

    befores  (form, Before) of each question
    """
    after, turn, usual = copy.copy(caller), iter(befores), {}
    now = []                                       # what the answer that is read next came after

    def answer(args, given, number, replaced=()):
        """The code's answer; the one before is thrown away."""
        now[:] = [next(turn)]
        _, before = now[0]
        if before.of is not None:
            passed = {n: caller.foreign(n, args[n], number, None, [], 0) if isinstance(
                args[n], Noise) else before.of(caller, n, a) for n, a in given.items()}
            with contextlib.suppress(Exception, SystemExit):
                result = caller.answer(args, passed, number)
                if hasattr(result, "__next__"):
                    for _ in itertools.islice(result, MOST_STEPS):
                        pass
            for name, a in passed.items():
                if hasattr(a, "left"):                  # the same object, which fails no more
                    a.left, given = 0, given | {name: a}
        return caller.answer(args, given, number, replaced)

    def read(trial, result, args=None):
        """The numbers of an answer, none where it has not the usual shape or dtype."""
        caller.read(trial, result, args)
        if not now or trial.outputs is None:                     # it is looked at again
            return
        form, before = now.pop()
        seen = trial.shapes if caller.contract.form == LEVEL else None, set(trial.dtypes)
        if usual.setdefault(form, seen) != seen:
            trial.outputs, trial.problem = None, "wrong-shape"
            trial.error = (f"after a call {before.words} it returns shape {trial.shapes[0]} and "
                           f"{trial.dtypes[0]}")
    after.answer, after.read = answer, read
    return after


def in_other_forms(caller, dtype):
    """(form, Before) of the same numbers in another form, the usual ones first."""
    kind, torch = caller.contract, caller.framework.name == "torch"
    rows = caller.levels != "scalar" and kind.form not in (TABLE, STATES)
    forms = [COLUMNS] * rows + [NUMBERS] * (caller.levels in (None, "scalar"))
    shaped = len(forms) == 2 and any(map(kind.is_level, kind.args))
    flat = shaped and kind.form == LEVEL and DATA.isdisjoint(kind.args)
    wide = torch and rows and dtype is None
    yield from ((form, Before()) for form in (
        *forms, *[FLAT] * flat, *[ONE_ROW] * (shaped and kind.form == LEVEL), *[NARROW] * wide))
    if dtype != "float32":
        yield from ((form, Before("in float32", single)) for form in forms)
        yield from alone_in_float32(caller, forms)
    if wide:
        yield NARROW, Before("in float64", lambda caller, name, a: as_dtype(a, "float64"))
    if rows and kind.form != LEVEL:
        yield COLUMNS, Before("with the same memory in another order", in_other_order)
    if shaped:
        for shape in (1, 1), ():
            yield NUMBERS, Before(f"with levels {shape}", of_levels(lambda a, shape=shape: (
                a.reshape(shape) if hasattr(a, "reshape") else np.full(shape, a))))
        yield ONE_ROW, Before("with numbers", of_levels(
            lambda a: a.reshape(()) if torch else a.item()))
    if flat:
        yield COLUMNS, Before("with levels (B,)", of_levels(lambda a: a.reshape(-1)))
        yield COLUMNS, Before("with levels (1, B)", of_levels(lambda a: a.reshape(1, -1)))
        yield FLAT, Before("with levels (B, 1)", of_levels(lambda a: a.reshape(-1, 1)))


def alone_in_float32(caller, forms):
    """(form, Before) where each number, and all levels by row, are in float32 beside the others."""
    kind = caller.contract
    levels = [n for n in caller.names if kind.is_level(n)]
    numbers = [n for n in caller.names if n in levels or n not in NO_NUMBERS]
    if COLUMNS in forms and levels and len(caller.names) > len(levels):
        yield COLUMNS, Before("with levels in float32", lambda caller, name, a: (
            single(caller, name, a) if name in levels else a))
    for one in numbers if NUMBERS in forms and len(caller.names) > 1 else ():
        yield NUMBERS, Before(f"with {one} in float32", lambda caller, name, a, one=one: (
            single(caller, name, a) if name == one else a))


def failed(caller):
    """(form, Before) of calls that fail: in a function that is passed, or at a bad argument."""
    kind = caller.contract
    rows = caller.levels != "scalar" and kind.form not in (TABLE, STATES)
    form = COLUMNS if rows else NUMBERS
    if (FUNCTIONS & set(kind.args)) - set(kind.draw):
        for k in FAILING:
            yield form, Before(f"whose function fails in call {k}", lambda caller, name, a, k=k: (
                failing(a, k) if name in FUNCTIONS else a))
    for name in caller.names[-REFUSED:]:
        yield form, Before(f"with no right {name}",
                           lambda caller, other, a, name=name: bad(a) if name == other else a)


def failing(function, k):
    """The function, which fails in its k-th call, counted by `left`."""
    def answer(*of):
        answer.left -= 1
        if answer.left == 0:
            raise Failure("it fails in this call")
        return function(*of)
    answer.left = k
    return answer


def bad(a):
    """What nobody can take for the argument: one row less, or no number."""
    return a[:-1] if len(getattr(a, "shape", ())) > 0 else "none"


def of_levels(change):
    """Levels changed, and the other arguments as they are."""
    return lambda caller, name, a: change(a) if (
        caller.contract.is_level(name) and not isinstance(a, str)) else a


def single(caller, name, a):
    """Numbers and arrays in float32."""
    return np.float32(a) if isinstance(a, float) else as_dtype(a, "float32")


def as_dtype(a, dtype):
    """An array in a dtype, and whatever else it is as it is."""
    if not hasattr(a, "shape"):
        return a
    if isinstance(a, np.ndarray):
        return a.astype(dtype)
    return a.double() if dtype == "float64" else a.float()


def in_other_order(caller, name, a):
    """Data (B, D) whose numbers lie in memory as those of the usual ones, in Fortran's order."""
    shape = tuple(getattr(a, "shape", ()))
    return a.reshape(shape[::-1]).T if len(shape) == 2 and name in DATA else a
