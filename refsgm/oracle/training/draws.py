"""Reading what foreign code draws from NumPy, and finding the generators that it holds.

`note(name, value)` is told every draw and returns what the code is given in its place.
"""

import functools
import inspect
import types
from contextlib import contextmanager

import numpy as np

LEGACY = ("randn", "rand", "standard_normal", "normal", "uniform", "random", "random_sample",
          "randint", "lognormal", "exponential", "laplace", "standard_t", "beta", "gamma")
METHODS = (*LEGACY, "integers")
DEPTH = 4                                       # how far functions that call functions are followed


class Generator:
    """A NumPy Generator that tells what it draws; starts anew from the same state for each run."""

    def __init__(self, generator, note):
        self._generator, self._note = generator, note

    def __getattr__(self, name):
        value = getattr(self._generator, name)
        if name not in METHODS:
            return value

        @functools.wraps(value)
        def drawn(*args, **kwargs):
            return self._note(name, value(*args, **kwargs))
        return drawn


@contextmanager
def numpy_read(note, loss, seed):
    """While this lasts, NumPy's draws are noted: global ones, and those of generators in reach."""
    def wrapped(name, fn):
        @functools.wraps(fn)
        def drawn(*args, **kwargs):
            return note(name, fn(*args, **kwargs))
        return drawn

    def made(*args, **kwargs):
        given = args or kwargs
        return Generator(kept["default_rng"](*(args if given else (seed,)), **kwargs), note)

    def stand_in(value):
        if isinstance(value, np.random.Generator):
            fresh = np.random.Generator(type(value.bit_generator)(seed))
            return Generator(fresh, note)
        return None
    kept = {name: getattr(np.random, name) for name in (*LEGACY, "default_rng")}
    try:
        for name in LEGACY:
            setattr(np.random, name, wrapped(name, kept[name]))
        np.random.default_rng = made
        with replaced(loss, stand_in):
            yield
    finally:
        for name, fn in kept.items():
            setattr(np.random, name, fn)


@contextmanager
def replaced(fn, stand_in):
    """While this lasts, fn reads what `stand_in` answers with in place of each value."""
    undo = []
    try:
        follow(fn, stand_in, undo, DEPTH, set())
        yield
    finally:
        for restore in reversed(undo):
            restore()


def follow(fn, stand_in, undo, depth, seen):
    """Replace in the globals, closure, defaults and instance of a function, and those it calls."""
    if id(fn) in seen or depth < 0:
        return
    seen.add(id(fn))
    if isinstance(fn, functools.partial):
        follow(fn.func, stand_in, undo, depth, seen)
        for value in (*fn.args, *fn.keywords.values()):
            follow(value, stand_in, undo, depth - 1, seen)
        return
    if isinstance(fn, types.MethodType):
        follow(fn.__self__, stand_in, undo, depth, seen)
        fn = fn.__func__
    if isinstance(fn, types.FunctionType):
        places = fn.__globals__
        for name in names(fn.__code__):
            if name in places:
                put(places[name], functools.partial(places.__setitem__, name), stand_in, undo,
                    depth, seen)
        for cell in fn.__closure__ or ():
            try:
                value = cell.cell_contents
            except ValueError:                                # not bound yet
                continue
            put(value, functools.partial(setattr, cell, "cell_contents"), stand_in, undo, depth,
                seen)
    elif hasattr(fn, "__dict__") and not isinstance(fn, (type, types.ModuleType)):
        for name, value in list(vars(fn).items()):
            put(value, functools.partial(setattr, fn, name), stand_in, undo, depth, seen)
        call = vars(type(fn)).get("__call__")
        if isinstance(call, types.FunctionType):
            follow(call, stand_in, undo, depth - 1, seen)


def names(code):
    """Global names that a code object and the functions inside it read."""
    inner = [names(c) for c in code.co_consts if isinstance(c, types.CodeType)]
    return {*code.co_names, *(n for group in inner for n in group)}


def put(value, store, stand_in, undo, depth, seen):
    """Store the stand-in for a value, if it has one, else follow the value."""
    other = stand_in(value)
    if other is not None:
        store(other)
        undo.append(functools.partial(store, value))
    elif isinstance(value, (types.FunctionType, types.MethodType, functools.partial)) or (
            hasattr(value, "__dict__") and callable(value)):
        follow(value, stand_in, undo, depth - 1, seen)


def wants_generator(loss):
    """Whether a third argument must be given."""
    try:
        parameters = list(inspect.signature(loss).parameters.values())
    except (TypeError, ValueError):
        return False
    return len([p for p in parameters if p.default is p.empty and p.kind in (
        p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]) > 2
