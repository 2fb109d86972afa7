"""Call after call: what code remembers, and what it still writes to, from one call to the next.

The arguments of each call agree with those of the one before in what may be a key (`alike`), loops
run side by side, functions that were returned are asked in other orders before, and at last the
arrays of a call are filled anew. What was returned must stay as it was. A function that is passed
calls the same code, as a model does that takes a step of its own.
"""

import contextlib
import copy
from functools import cache

import numpy as np

from ..kinds import FUNCTION, FUNCTIONS, STATES
from ..kinds.alike import alike_questions, inside
from ..kinds.drawing import arguments
from ..kinds.quantities import batch_size
from ..kinds.sizes import asked as asked_at
from ..kinds.sizes import taken_of
from .bulk import judged, odd_ones, takes_all, takes_many
from .judge import judge, probe_at
from .torch_ways import IN_INFERENCE, NO_GRAD, derives_in_inference, takes_derivative

DIGITS = {"float64": 1e-12, "float32": 1e-5}      # what is nearer is right without a second look
NEARBY = 1e-7                                     # relative, to other numbers that print alike
MOST = None                                       # questions, or None for all
FEW = 48                                          # where each costs much
BESIDE, LOOPS = 12, 4                   # calls, within or beside each of which others run; of loops


def probes_again(caller, dim, dtype, seed):
    """Judged probes of calls in a row, up to the first that fails."""
    both, dtype = dtype is None, dtype or "float64"
    most = MOST if takes_many(caller) else FEW
    if not takes_all(caller) or MOST == 0:
        return []
    asked = alike_questions(caller.contract, seed, tuple(caller.taken), caller.levels != "scalar",
                            dim, dtype, caller.framework.name in ("numpy", "torch"), both)[:most]
    if len(asked) < 2:
        return []
    row = in_a_row(caller, besides(caller, asked[1], dim, both))
    probes = judged(row, odd_ones(row, asked, DIGITS))
    if not probes:
        probes = without_gradients(caller, asked, dim, both)
    if not probes and caller.framework.name in ("numpy", "torch"):
        probes = filled_anew(caller, *asked[1::-1], np.dtype(dtype))
    return probes


def filled_anew(caller, one, other, number):
    """Judged probes of two calls with the same arrays, with other numbers in them."""
    alike = {n: a for n, a in one.args.items() if isinstance(a, np.ndarray)
             and np.shape(a) == np.shape(other.args.get(n))}
    filled, probes = in_foreign(caller, alike, number), []
    for question, words in (one, "other arrays"), (other, "the same arrays, filled anew"):
        for name, a in in_foreign(caller, {n: question.args[n] for n in alike}, number).items():
            getattr(filled[name], "detach", lambda name=name: filled[name])()[...] = a
        probe = probe_at(caller.contract, question.spec._replace(label=f"call after call: {words}"),
                         dict(question.args))
        probes.append(judge(caller.contract, caller, probe,
                            caller(question.args, number, given=filled)))
        if not probe.ok:
            break
    return probes


def in_foreign(caller, args, number):
    """Arguments as the code wants them."""
    B = batch_size(args)
    return {n: caller.foreign(n, a, number, None, [], B) for n, a in args.items()
            if n in caller.names}


def besides(caller, one, dim, both):
    """(arguments, dtype) of what runs within or beside others: with their sizes, with other ones,
    and where `both` are asked in the other dtype; with their sizes alone where each is compiled.
    """
    kind, dtype = caller.contract, one.spec.dtype
    if caller.framework.compiles:
        return [(one.args, dtype)]
    spec = one.spec._replace(B=one.spec.B + 2, D=dim or one.spec.D + 1, count=one.spec.count + 1)
    other = asked_at(kind, spec, taken_of(kind, arguments(kind, spec), tuple(caller.taken))) or one
    narrow = "float32" if dtype == "float64" else "float64"
    return [(one.args, dtype), (other.args, dtype), *[(one.args, narrow)] * both]


def without_gradients(caller, asked, dim, both):
    """Judged probes of calls within others where PyTorch takes no gradients."""
    kind = caller.contract
    if caller.framework.name != "torch" or kind.form == FUNCTION or not FUNCTIONS & set(kind.args):
        return []
    probes = []
    for way in (NO_GRAD, IN_INFERENCE)[:1 + derives_in_inference()]:
        row = in_a_row(caller, besides(caller, asked[1], dim, both))
        with way.entered():
            odd = [(one, trial) for one, trial in odd_ones(row, asked[:BESIDE], DIGITS) if not (
                trial.problem == "raises" and takes_derivative(caller))]
        for probe in judged(row, odd):
            probe.situation = probe.situation._replace(label=f"{probe.label}, {way.words}")
            probes.append(probe)
    return probes


def in_a_row(caller, beside):
    """The same `Caller`, of calls within others, loops beside others, functions asked before.

    beside  (arguments, dtype) of what runs within or beside each one, in turn
    """
    row, calls, form, lib = copy.copy(caller), [], caller.contract.form, caller.framework.name
    refusals = (Exception,) if lib == "torch" and takes_derivative(caller) else ()

    def another():
        """What the code returns for other arguments."""
        args, dtype = beside[len(calls) % len(beside)]
        args = in_foreign(caller, args, np.dtype(dtype))
        if isinstance(caller.argnames, dict):
            return caller.fn(**{k: args[n] for k, n in caller.argnames.items() if n in args})
        return caller.fn(*(args[n] for n in caller.names if n in args))

    def side_by_side(states):
        """The states of a loop, while another one runs and a third has been left."""
        left, other = iter(another()), iter(another())
        next(left, None)
        for state in states:
            next(other, None)
            yield state

    @cache                               # the same function is the same object in every call
    def within(function):
        """A function that is passed, which calls the same code before it answers."""
        def answer(x, *level):
            if len(calls) <= (LOOPS if form == STATES else BESIDE):
                with contextlib.suppress(*refusals):  # as of forward mode, which PyTorch nests not
                    result = another()
                    list(result if hasattr(result, "__next__") else ())
            return function(x, *level)
        return answer

    def asked_before(function):
        """A function that was returned, asked about the same numbers in other orders before."""
        def answer(x):
            a = np.array(caller.framework.to_numpy(x))
            for other in a[::-1], a[..., ::-1], -a, a * (1 - NEARBY), inside(a):
                function(caller.framework.asarray(other.copy()))
            return function(x)
        return answer

    def fn(*given, **named):
        """The code's own answer."""
        calls.append(1)
        if lib in ("numpy", "torch") and form != FUNCTION:
            given = [within(a) if callable(a) else a for a in given]
            named = {k: within(a) if callable(a) else a for k, a in named.items()}
        result = caller.fn(*given, **named)
        if form == FUNCTION:
            return asked_before(result)
        if hasattr(result, "__next__") and len(calls) <= BESIDE:
            return side_by_side(result)
        return result
    row.fn = fn
    return row
