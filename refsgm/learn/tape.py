"""A computation that is recorded once and then played: the same operations on the same memory.

    calls, numbers = record(function, arrays)                 every operation it does on the arrays
    to_do = bound(calls, numbers, results)                    with memory for what they make
    play(own, to_do, others)                                  the results for other arrays

A step of training does the same few dozen operations each time, on arrays of the same shapes. They
are found as autograd finds them: an array in a box shows each operation that it meets, those of a
gradient among them, for the rules of derivatives are made of such operations. So the mathematics is
written once, and neither traced nor checked again while shapes stay what they were.

A number that decides which operations are done cannot be on a tape, and ends the recording. What
reads numbers in another way shows when the tape gives other bits than the function itself does for
another batch: `repeated` plays a tape only after that.
"""

import inspect
from functools import cache
from typing import Any, NamedTuple

import autograd.numpy as anp
import numpy as np
from autograd.extend import VSpace
from autograd.tracer import Box, Node, isbox, new_box, register_notrace

from .autograd_rules import traces


class Call(NamedTuple):
    """An operation on a tape, or without a function an array that the tape is given, in `args`."""

    function: Any
    args: tuple
    kwargs: dict
    seen: dict          # position of an argument: number of the call whose result it is
    viewed: int | None  # number of the call whose memory the result is in, if it is a view
    kind: tuple         # shape and dtype of the result


SUMS = VSpace.add.fun, VSpace.mut_add.fun                    # of the gradients that reach a value


class Place(Node):
    """The number that a value has on a tape, and the calls of the tape."""

    __slots__ = ["calls", "number"]

    def __init__(self, value, function, args, kwargs, argnums, parents):
        self.calls, self.number = parents[0].calls, len(parents[0].calls)
        seen, function = {i: parent.number for i, parent in zip(argnums, parents)}, function.fun
        viewed = next((n for i, n in seen.items() if np.may_share_memory(value, args[i])), None)
        if function in SUMS:                              # of a space, and in place perhaps
            function, args, viewed = np.add, args[1:], None
            seen = {i - 1: n for i, n in seen.items()}
        self.calls.append(Call(function, args, kwargs, seen, viewed, (value.shape, value.dtype)))

    def initialize_root(self, calls, value):
        self.calls, self.number = calls, len(calls)
        calls.append(Call(None, (value,), {}, {}, None, (value.shape, value.dtype)))


def untaped(a):
    """An array out of the boxes of tapes; not out of the box of a derivative."""
    while isbox(a) and type(a._node) is Place:
        a = a._value
    return a


def truth(box):
    """Whether the value in a box is true: a tape must not depend on that."""
    if type(box._node) is Place:
        raise TypeError("a tape cannot follow a branch that depends on values")
    return bool(box._value)


Box.__bool__ = truth                                     # and autograd's own, but for that
for values_are_known in (anp.zeros_like, anp.ones_like):             # from shape and dtype alone
    register_notrace(Place, values_are_known)


def record(function, arrays):
    """The calls of function(*arrays), and the numbers of its results among them.

    function  of arrays, to a list of arrays
    """
    calls = []
    with traces.new_trace() as trace:
        boxes = [a if a is None else new_box(a, trace, Place.new_root(calls, a)) for a in arrays]
        results = function(*boxes)
    places = [r._node if isbox(r) and r._trace == trace else Place.new_root(calls, np.asarray(r))
              for r in results]
    return calls, [place.number for place in places]


def bound(calls, numbers, results):
    """The operations that are left to do, (function, args, kwargs) each, with memory for them all.

    Memory that no later operation reads is used again. None if that cannot be done.

    calls, numbers  of `record`
    results         where its results are to be
    """
    owner, last = owners(calls), last_readers(calls, numbers)
    given = {n: call.args[0] for n, call in enumerate(calls) if not call.function}
    given |= {n: r for n, r in zip(numbers, results) if calls[n].function and owner[n] == n}
    memory, free, to_do = [given.get(n) for n in range(len(calls))], {}, []
    for n, call in enumerate(calls):
        if not call.function or n not in last:
            continue
        args = [memory[call.seen[i]] if i in call.seen else a for i, a in enumerate(call.args)]
        if owner[n] != n:
            memory[n] = call.function(*args, **call.kwargs)
            if not np.may_share_memory(memory[n], memory[owner[n]]):
                return None
            continue
        read = [owner[i] for i in call.seen.values()]
        ended = {i for i in read if last[i] == n and i not in given}
        if memory[n] is None and is_elementwise(call.function):          # it may write over one
            same = [i for i in call.seen.values() if i in ended and read.count(i) == 1
                    and calls[i].kind == call.kind]
            if same:
                memory[n] = memory[same[0]]
                ended.remove(same[0])
        if memory[n] is None:
            memory[n] = free[call.kind].pop() if free.get(call.kind) else np.empty(*call.kind)
        to_do.append(writing(call.function, args, call.kwargs, memory[n]))
        for i in ended:
            free.setdefault(calls[i].kind, []).append(memory[i])
    return to_do + [(np.copyto, (r, memory[n]), {}) for n, r in zip(numbers, results)
                    if memory[n] is not r]


def owners(calls):
    """For each call the one whose memory its result is in: another's, if it is a view."""
    owner = []
    for n, call in enumerate(calls):
        owner.append(n if call.viewed is None else owner[call.viewed])
    return owner


def last_readers(calls, numbers):
    """Number of a call that is needed: that of the last call which reads its memory."""
    owner, last = owners(calls), {}
    for i in numbers:
        last[i] = last[owner[i]] = len(calls)
    for n in reversed(range(len(calls))):
        for i in calls[n].seen.values() if n in last else ():
            last.setdefault(i, n)
            last.setdefault(owner[i], n)
    return last


def is_elementwise(function):
    """Whether an operation may write its result over an argument of the same kind."""
    return isinstance(function, np.ufunc) and function.signature is None


def writing(function, args, kwargs, out):
    """An operation, so called that it writes its result to `out`."""
    if function is np.sum and len(args) == 1:                       # what it calls in the end
        return np.add.reduce, args, {"axis": None} | kwargs | {"out": out}
    if takes_out(function):
        return function, args, kwargs | {"out": out}
    return copied, (out, function, args, kwargs), {}


@cache
def takes_out(function):
    """Whether a function has an argument `out`."""
    try:
        return isinstance(function, np.ufunc) or "out" in inspect.signature(function).parameters
    except ValueError:                                              # it does not say
        return False


def copied(out, function, args, kwargs):
    """An operation that makes memory of its own, copied from there."""
    out[...] = function(*args, **kwargs)


def repeated(function, fixed, into):
    """The function (*arrays), which puts function(*fixed, *arrays) into a list of arrays.

    The first arrays of some shapes go through the function itself, which checks them, and are
    recorded. The next go through the function and the tape; if a bit of the results differs, no
    tape is used.

    fixed  arrays whose memory stays where it is
    into   an array for each of the results
    An array may be None, for a function that has no use for it.
    """
    tapes = {}                             # shapes and dtypes: arrays to fill and operations to do

    def fresh(*arrays):
        for result, value in zip(into, function(*fixed, *arrays)):
            if result is not value:
                np.copyto(result, value)

    def taped(*arrays):
        own = [a if a is None else np.array(a) for a in arrays]
        try:
            recorded = record(function, [*fixed, *own])
        except Exception:                    # it does what cannot be done with an array in a box
            return None
        to_do = bound(*recorded, into)
        return to_do and (own, to_do)

    def agree(tape, *arrays):
        fresh(*arrays)
        expected = [np.copy(result) for result in into]
        play(*tape, arrays)
        same = all(map(np.array_equal, into, expected))
        for result, value in zip(into, expected):
            np.copyto(result, value)
        return same

    def evaluate(*arrays):
        key = tuple(a if a is None else (a.shape, a.dtype) for a in arrays)
        trusted, tape = tapes.get(key, (False, None))
        if trusted:
            play(*tape, arrays)
        elif tape:
            trusted = agree(tape, *arrays)
            tapes[key] = trusted, tape if trusted else None
        else:
            fresh(*arrays)
            if key not in tapes:
                tapes[key] = False, taped(*arrays)
    return evaluate


def play(own, to_do, arrays):
    """Do the operations of a tape on these arrays."""
    for held, a in zip(own, arrays):
        if a is not None:
            np.copyto(held, a)
    for operation, args, kwargs in to_do:
        operation(*args, **kwargs)
