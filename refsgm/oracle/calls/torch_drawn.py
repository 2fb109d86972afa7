"""Ways that are drawn: every argument in a memory, at a place in the graph, in a form of its own.

    way  =  mode x (memory x place in the graph) of each argument, and of what a function returns

What one argument is does not depend on what the others are.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..kinds import BATCH, LOSS, ROWS
from ..kinds.kind import TABLES
from ..kinds.test_functions import Field
from .judge import probe_at

OFTEN = 0.4                                     # how often a number is a column, where it may be


class Form(NamedTuple):
    """As what a tensor comes: words, a function of the plain one, and the same as text.

    odd  whether code may refuse it
    """

    words: str
    of: Callable
    text: str
    odd: bool = False

    def then(self, other):
        """This one, and of its result another one."""
        return Form(", ".join(w for w in (self.words, other.words) if w),
                    lambda a: other.of(self.of(a)), other.text.format(self.text),
                    self.odd or other.odd)


def strided(a):
    """The same tensor in another order of memory, in which nothing lies side by side."""
    if a.ndim < 2:
        return a.repeat_interleave(2)[::2] if a.ndim else a
    b = a.repeat_interleave(2, dim=0)[::2] if a.shape[-1] == 1 else a
    return b.transpose(0, -1).contiguous().transpose(0, -1) if a.shape[-1] > 1 else b


def later(a):
    """The same tensor as the last part of a larger one."""
    return a.repeat(2, *[1] * (a.ndim - 1))[len(a):] if a.ndim else a.expand(2).clone()[1]


def spaced(a):
    """The same tensor as every other entry of each row of a wider one."""
    return a.repeat_interleave(2, dim=-1)[..., 1::2] if a.ndim else a


def expanded(a):
    """The same tensor with one place in memory for rows, or features, that are the same."""
    for axis in range(a.ndim):
        first = a.narrow(axis, 0, 1)
        if a.shape[axis] > 1 and bool((a == first).all()):
            a = first.expand(a.shape)
    return a


def learnt(a):
    """The same numbers, which depend on a parameter."""
    import torch
    return a * torch.ones((), dtype=a.dtype, device=a.device, requires_grad=True)


def parameter(a):
    """The same tensor as a parameter of a module."""
    import torch
    return torch.nn.Parameter(a)


PLAIN = Form("", lambda a: a, "{}")
STRIDED = Form("not contiguous", strided,
               "(lambda a: a.mT.contiguous().mT if a.ndim > 1 else a)({})")
LATER = Form("a part of another tensor", later,
             "(lambda a: a.repeat(2, *[1] * (a.ndim - 1))[len(a):] if a.ndim else a)({})")
SPACED = Form("every other entry of another tensor", spaced,
              "(lambda a: a.repeat_interleave(2, -1)[..., 1::2] if a.ndim else a)({})")
EXPANDED = Form("expanded", expanded,
                "(lambda a: a[:1].expand(a.shape) if a.ndim and (a == a[:1]).all() else a)({})",
                True)
LEAF = Form("with requires_grad", lambda a: a.requires_grad_(), "({}).requires_grad_()", True)
PARAMETER = Form("a Parameter", parameter, "torch.nn.Parameter({})", True)
RESULT = Form("a result with a graph", lambda a: a.requires_grad_() * 1,
              "(({}).requires_grad_() * 1)", True)
LEARNT = Form("with a graph", learnt, "({} * torch.ones((), requires_grad=True))", True)
NUMBER = Form("a Python number", lambda a: a.item(), "({}).item()", True)
MEMORIES = PLAIN, STRIDED, LATER, SPACED


def drawn(caller, probes, modes):
    """(forms {name: (all that it is, its memory alone)}, mode, probe) of each of these probes."""
    for i, probe in enumerate(probes):
        rng = np.random.default_rng([probe.situation.seed, i, 41])
        probe = in_columns(caller.contract, probe, rng) if caller.levels is None else probe
        free = any(map(is_alike, probe.args.values())) or rng.uniform() < 0.5
        forms = {n: form_of(caller, n, a, rng, free) for n, a in probe.args.items()
                 if n in caller.names and isinstance(a, np.ndarray | Field | float)
                 and (not isinstance(a, float) or caller.contract.is_level(n))}
        yield forms, str(rng.choice(modes)), probe


def form_of(caller, name, a, rng, free):
    """What an argument comes as, with `free` also what code may refuse; and its memory alone."""
    memory = MEMORIES[rng.integers(len(MEMORIES))]
    if isinstance(a, Field):
        return memory.then(LEARNT) if free and rng.uniform() < 0.5 else memory, memory
    if isinstance(a, float):
        memory = (PLAIN, LATER)[rng.integers(2)]
        return memory if not free or caller.levels else (
            PLAIN, NUMBER, NUMBER, LEAF, PARAMETER, RESULT)[rng.integers(6)], memory
    other = EXPANDED if free and is_alike(a) and rng.uniform() < 0.8 else memory
    place = (PLAIN, LEAF, PARAMETER, RESULT)[rng.integers(4)] if free else PLAIN
    return place.then(other) if place is RESULT else other.then(place), memory


def of_gradient(caller, probe, names, dtype, theta):
    """({name: Form} of these arguments, {name: what is passed} of all others), at a random probe.

    theta  parameters of a function, or None
    """
    rng, B = np.random.default_rng([probe.situation.seed, 43]), probe.situation.B
    forms, passed = {}, {}
    for name, a in probe.args.items():
        if name not in caller.names or not isinstance(a, np.ndarray | Field):
            continue
        form = MEMORIES[rng.integers(len(MEMORIES))]
        if name in names:
            forms[name] = form
        elif form is not PLAIN:
            foreign = caller.foreign(name, a, dtype, theta, [], B)
            passed[name] = in_form(foreign, form) if isinstance(a, Field) else form.of(foreign)
    return forms, passed


def in_form(function, form):
    """A function whose results have a form."""
    return lambda *of: form.of(function(*of))


def is_alike(a):
    """Whether all rows of an argument are the same, which one place in memory can hold."""
    return isinstance(a, np.ndarray) and a.ndim > 1 and len(a) > 1 and bool(np.all(a == a[:1]))


def in_columns(contract, probe, rng):
    """The probe with some numbers as columns, (B, 1)."""
    B = probe.situation.B
    numbers = [n for n, a in probe.args.items() if isinstance(a, float) and contract.is_level(n)
               and n not in TABLES and rng.uniform() < OFTEN]
    simple = contract.form in (BATCH, ROWS, LOSS) and all(
        form in (BATCH, ROWS, LOSS) for _, form in contract.returns)
    if not numbers or not simple or any(np.shape(w)[:1] != (B,) for w in probe.want):
        return probe
    return probe_at(contract, probe.situation._replace(label=f"{probe.label}, in columns"),
                    probe.args | {n: np.full((B, 1), probe.args[n]) for n in numbers})
