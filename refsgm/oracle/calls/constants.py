"""The numbers that stand in foreign Python code: where it may go another way.

A bound cannot hide from who reads the code: `if len(x) > 256` holds a 256. Code, defaults, what a
closure holds, attributes of objects and the globals that are named are read as they lie there.
Nothing is called, and what is strange says nothing.
"""

import functools
import itertools
import math
import re
import sys
import types
from collections import deque
from typing import NamedTuple

import numpy as np

MOST_OBJECTS, MOST_NUMBERS, SMALL, DEEP = 400, 200, 64, 8
# Numbers that functions of libraries bring along, by the names that stand in the code
BROUGHT = {"isclose": (1e-5, 1e-8), "allclose": (1e-5, 1e-8), "cdist": (25,), "int8": (127,),
           "uint8": (255,), "int16": (32767,), "uint16": (65535,), "gaussian_nll_loss": (1e-6,),
           "half": (65504.0,), "float16": (65504.0,)}
INSTALLED = re.compile(r"[/\\](site|dist)-packages[/\\]")
PLACES = re.compile(r"\.(\d)[efg]")                           # of a number written as text
LOADS_NUMBER = "LOAD_SMALL_INT"                               # whose argument it is, in new Pythons


class Constants(NamedTuple):
    """Numbers (a tuple without repetition, in the order of the code) and names (a frozenset)."""

    numbers: tuple = ()
    names: frozenset = frozenset()


def constants(fn):
    """The `Constants` of a callable; none of what is not Python, and of refsgm itself."""
    numbers, names, seen = {}, set(), {}
    queue = deque([(fn, 0)])
    home = root_of(fn)
    while queue and len(seen) < MOST_OBJECTS and len(numbers) < MOST_NUMBERS:
        a, depth = queue.popleft()
        if id(a) in seen or depth > DEEP:
            continue
        seen[id(a)] = a                                       # kept, so that no other has its id
        try:
            number = as_number(a)
            if number is not None:
                numbers.setdefault(number)
                continue
            inside, named = parts(a, home)
        except Exception:
            continue
        names |= named
        queue.extend((b, depth + 1) for b in inside)
    for name in sorted(names & set(BROUGHT)):
        numbers.update(dict.fromkeys(BROUGHT[name]))
    return Constants(tuple(n for n in numbers if math.isfinite(n)), frozenset(names))


def as_number(a):
    """A number as an int or a float, or None of what is no number."""
    if is_a(a, (bool, np.bool_)):
        return None
    if is_a(a, int):
        return int.__add__(a, 0) if abs(int.__add__(a, 0)) < 2**53 else None
    if is_a(a, float):
        return float.__add__(a, 0.0)
    if is_a(a, np.number) and not is_a(a, np.complexfloating):
        return a.item()
    return None


def is_a(a, kinds):
    """Whether it is of one of these types, without asking it for its class."""
    return issubclass(type(a), kinds)


def parts(a, home):
    """What an object holds, and the names that stand in it: (list, set)."""
    if is_a(a, str):
        return text_parts(a)
    if is_a(a, types.CodeType):
        return [*a.co_consts, *small_numbers(a)], set(a.co_names)
    if is_a(a, types.FunctionType):
        return function_parts(a) if is_foreign(a.__globals__.get("__name__"), home) else ([], set())
    if is_a(a, types.MethodType):
        return [a.__func__, a.__self__], set()
    if is_a(a, slice):
        return [a.start, a.stop, a.step], set()
    if is_a(a, functools.partial):
        return [a.func, *a.args, *a.keywords.values()], set()
    if is_a(a, (staticmethod, classmethod)):
        return [a.__func__], set()
    if is_a(a, (property, functools.cached_property)):
        return [a.fget if is_a(a, property) else a.func], set()
    if is_a(a, dict):
        held = [*dict.keys(a), *dict.values(a)]
        return held if len(held) <= 2 * SMALL else [], set()
    for kind in (tuple, list, set, frozenset):
        if is_a(a, kind):
            return list(itertools.islice(kind.__iter__(a), SMALL)), set()
    if type(a) is np.ndarray:
        return a.ravel().tolist() if a.size <= SMALL and a.dtype.kind in "iuf" else [], set()
    if is_a(a, type):
        held = type.__getattribute__(a, "__dict__")
        return list(held.values()) if is_class_of(held, home) else [], set()
    return object_parts(a, home)


def function_parts(fn):
    """Code, defaults, what a closure holds, and the globals that are named, of modules too."""
    held, names = [fn.__code__, fn.__defaults__, fn.__kwdefaults__, fn.__dict__], names_in(
        fn.__code__)
    for cell in fn.__closure__ or ():
        try:
            held.append(cell.cell_contents)
        except ValueError:                                    # it is empty
            continue
    for name in names & fn.__globals__.keys():
        value = fn.__globals__[name]
        if is_a(value, types.ModuleType):
            inner = object.__getattribute__(value, "__dict__")
            if is_foreign(inner.get("__name__"), None):
                held += [inner[n] for n in names & inner.keys()]
        else:
            held.append(value)
    return held, set()


def names_in(code):
    """The names in a code object and those inside of it."""
    inner = (c for c in code.co_consts if is_a(c, types.CodeType))
    return set(code.co_names).union(*map(names_in, inner))


def small_numbers(code):
    """The small numbers that newer Pythons write into the instructions themselves."""
    if LOADS_NUMBER not in instructions():
        return []
    load = instructions()[LOADS_NUMBER]
    return [n for word, n in zip(code.co_code[::2], code.co_code[1::2]) if word == load]


@functools.cache
def instructions():
    """The numbers of the interpreter's instructions."""
    import dis
    return dis.opmap


def text_parts(text):
    """A format says to how many places it rounds, a word may be the name of a dtype."""
    places = PLACES.fullmatch(text)
    return ([int(places[1])], {"round"}) if places else ([], {text} & set(BROUGHT))


def object_parts(a, home):
    """The attributes of an object and of its classes, without asking the object for them."""
    held, foreign = [], is_class_of(type.__getattribute__(type(a), "__dict__"), home)
    for cls in type.__getattribute__(type(a), "__mro__"):
        own = type.__getattribute__(cls, "__dict__")
        slot = own.get("__dict__")
        if is_a(slot, types.GetSetDescriptorType):
            inside = slot.__get__(a)
            held += inside.values() if foreign else [inside.get("__wrapped__")]
        if is_class_of(own, home):
            held += own.values()
            held += map(functools.partial(slot_of, a), own.values())
    return held, set()


def is_class_of(held, home):
    """Whether the class with these attributes is foreign code; one that is written in C is not."""
    return "__module__" in held and is_foreign(held["__module__"], home)


def slot_of(a, descriptor):
    """What lies in a slot of an object; None where there is nothing."""
    try:
        return descriptor.__get__(a) if is_a(descriptor, types.MemberDescriptorType) else None
    except AttributeError:
        return None


def root_of(fn):
    """The package in which a callable lies, which may be an installed one; None of refsgm."""
    module = getattr(fn, "__globals__", {}).get("__name__") if is_a(
        fn, types.FunctionType) else type.__getattribute__(type(fn), "__dict__").get("__module__")
    root = module.partition(".")[0] if is_a(module, str) else None
    return None if root == "refsgm" or root in sys.stdlib_module_names else root


@functools.lru_cache(1024)
def is_foreign(module, home):
    """Whether a module is foreign code: none of the standard library, of refsgm, or installed.

    home  the package that is judged, wherever it lies
    """
    root = module.partition(".")[0] if is_a(module, str) else None
    if root is None or root == home and home is not None:
        return True
    if root == "refsgm" or root in sys.stdlib_module_names and root != "__main__":
        return False
    file = vars(sys.modules[module]).get("__file__") if module in sys.modules else None
    return not (is_a(file, str) and INSTALLED.search(file))
