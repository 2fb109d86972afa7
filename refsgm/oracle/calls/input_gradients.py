"""Whether the gradient of a result with respect to its inputs is that of the right answer.

    d / d a  sum_b w_b' f(a, ..)_b,      rows w_b of sizes from 1e-2 to 1e4, so that clipping shows

refsgm's own gradient is autograd's of its function. With respect to data it must be right, or where
a step of a sampler is computed without gradients there may be none, for all data alike; with
respect to levels, which often come from a table, it is right or none too, everywhere alike; with
respect to the parameters of a function that is passed, none alone where data have none either.
"""

import itertools
import re
import warnings
from typing import NamedTuple

import numpy as np

from ..kinds import BATCH, DATA, FUNCTION, FUNCTIONS, LOSS, STATES, TABLE, ProbeSpec
from ..kinds.kind import TABLES
from ..kinds.test_functions import Field
from ..kinds.wide import BY_SEED, FORM
from .gradient_places import answered, further, of_loops, of_tables
from .judge import new_probe
from .results import MOST_STATES
from .right_gradients import (LEVEL, PARAMETERS, X, digits_lost, of_rows, remembered,
                              right_gradients, right_second, sensitivities, start_of)
from .slack import COARSER, ROUNDINGS
from .torch_drawn import of_gradient
from .trial import OutOfTime, Trial, in_one_line, limited

CLOSE, CLOSE_AT_EDGES = 1e-5, 5e-3    # relative to the row; the other in float32, on steep places
BROKEN = re.compile("modified by an inplace operation|through the graph a second time")
RIGHT, WRONG, NONE, UNKNOWN = "right", "wrong", "none", "not judged"


def input_gradients(caller, dim, dtype, seed, probes=()):
    """{argument: "right", "wrong", "none" or "not judged"}; {} of what has no gradient to judge.

    probes  that it has answered, at some of which gradients are judged too

    At a fixed probe every input alone has a gradient, elsewhere all have. Each that is compiled
    costs much, so the first alone then.
    """
    contract, lib = caller.contract, caller.framework
    if lib.gradient is None or contract.form == LOSS or contract.adaptive or not caller.is_usual:
        return {}
    spec = ProbeSpec("gradient", 4, dim or 3, caller.levels != "scalar", "plain", 78, 2,
                     dtype=dtype or "float64")
    found = Found(contract)
    found.add(alone(caller, new_probe(contract, spec, caller)))
    if lib.compiles or RIGHT not in found.words().values() and contract.form != STATES:
        return found.words()
    for probe in places(caller, spec, seed, dim, probes):
        if caller.late or WRONG in found.words().values():
            break
        judged = together(caller, probe, some_of(inputs(caller, probe), probe))
        found.add(alone(caller, probe) if judged is None else judged)
    if lib.second and WRONG not in found.words().values() and contract.form not in (TABLE, STATES):
        found.add(twice(caller, new_probe(contract, spec, caller), found.words()))
    return found.words()


def places(caller, spec, seed, dim, probes):
    """Further probes of a gradient."""
    if caller.contract.form == TABLE:
        return of_tables(caller, spec)
    loop = caller.contract.form == STATES
    return itertools.chain(of_loops(caller, spec) if loop else further(caller, spec, seed, dim),
                           answered(caller.contract, probes))


class Found:
    """What was said of arguments, and what follows from all of it."""

    def __init__(self, contract):
        self.contract, self.said = contract, {}                    # {name: words}

    def add(self, judged):
        """Note {name: word}."""
        for name, word in judged.items():
            self.said.setdefault(name, set()).add(word)

    def words(self):
        """{name: word}: wrong too where it is right in one place and none in another."""
        result = {}
        for name, words in self.said.items():
            result[name] = WRONG if WRONG in words or {RIGHT, NONE} <= words else next(
                (w for w in (RIGHT, NONE) if w in words), UNKNOWN)
        if result.get("x") == NONE and "v" in result:                # whose directions are noise
            result["v"] = UNKNOWN
        data = [n for n in result if n in DATA and not self.contract.is_level(n)]
        functions = FUNCTIONS & set(self.contract.args)  # code that takes derivatives may detach x
        if any(RIGHT in self.said[n] for n in data):
            result |= {n: WRONG for n in ((PARAMETERS,) if functions else data)
                       if NONE in self.said.get(n, ())}
        return result


def inputs(caller, probe):
    """Names of the arguments of which a gradient can be taken."""
    contract, names = caller.contract, list(caller.names)
    names = ["x"] if contract.form in (FUNCTION, STATES) else names
    kept = [n for n in names if isinstance(probe.args.get(n), np.ndarray | float) and (
        n in DATA or contract.is_level(n) or n in ("means", "weights", *TABLES))]
    if caller.levels not in (None, "scalar"):                     # a number comes as a column there
        kept = [n for n in kept if np.ndim(probe.args[n]) or not contract.is_level(n)]
    if "weights" in kept and np.any(probe.args["weights"] == 0):
        kept.remove("weights")
    function = any(isinstance(a, Field) for a in probe.args.values())
    return [*kept, *[PARAMETERS] * (function and caller.event_shape is None)]


def some_of(names, probe):
    """At a probe that a seed draws, in one of two cases, some of the arguments; else all."""
    rng = np.random.default_rng([probe.situation.seed, 6])
    chosen = rng.uniform(0, 1, len(names)) < 0.6
    if probe.situation.regime not in BY_SEED or rng.uniform() < 0.5 or not np.any(chosen):
        return names
    return [n for n, is_chosen in zip(names, chosen) if is_chosen]


def alone(caller, probe):
    """What is said of every argument, if it alone has a gradient."""
    found = {}
    for name in inputs(caller, probe):
        judged = together(caller, probe, [name])
        if judged is None:
            level = is_free(caller.contract, name)
            loop = caller.contract.form == STATES and name == PARAMETERS     # which may be in place
            judged = {name: UNKNOWN if loop else NONE if level else WRONG}
        found |= judged
    return found


def together(caller, probe, names, kept=None):
    """{name: word} if all these have gradients; None if that raises.

    kept  a dictionary that takes {name: (gradient, right one, weights of the answer)}
    """
    contract, seed = caller.contract, probe.situation.seed
    by_seed = probe.situation.regime in BY_SEED
    weights = [of_rows(w, seed if by_seed else None) for w in (
        probe.want[-1:] if contract.form == STATES else probe.want)]
    got = taken(caller, probe, names, weights)
    if got is None:
        return dict.fromkeys(names, UNKNOWN)
    if isinstance(got, str):
        broken = BROKEN.search(got) and contract.form != STATES          # a loop may work in place
        word = WRONG if broken else UNKNOWN if "device" in got else None
        return word and dict.fromkeys(names, word)
    if got.mean:
        weights = [np.ones_like(w) / np.size(w) for w in weights]
    try:
        want = remembered(contract, probe.args, names, weights)
    except (NotImplementedError, ValueError):               # a cumulative product, at its own end
        return dict.fromkeys(names, UNKNOWN)
    if kept is not None:
        kept |= {n: (g, w, weights) for n, g, w in zip(names, got.gradients, want)}
    cut = {}
    if contract.form == STATES and not all(map(is_near, got.gradients, want)):
        fixed = right_gradients(contract, probe.args, names, weights, fixed=(X, LEVEL))
        cut = {n: NONE if n == X else UNKNOWN for n, *pair in zip(names, got.gradients, fixed)
               if is_near(*pair) and np.any(pair[0])}                  # a score without a graph
    edge = is_edge(contract, probe)
    close = CLOSE_AT_EDGES if got.narrow or probe.situation.regime not in (
        "plain", *BY_SEED) else CLOSE
    known = want
    if probe.situation.regime != "plain":
        known = [np.where(np.isnan(g), np.nan, w) if is_level_like(contract, n) else w
                 for n, g, w in zip(names, got.gradients, want)]
    words = {n: verdict(contract, n, g, w, close, edge)
             for n, g, w in zip(names, got.gradients, known)}
    if (got.narrow or probe.situation.regime in (*BY_SEED, FORM)) and (
            {WRONG, NONE} & set(words.values())):
        eps = float(np.finfo(np.float32 if got.narrow else np.float64).eps)
        rounding = sensitivities(contract, probe.args, names, weights, want,
                                 probe.want[-len(weights):])
        again = {n: verdict(contract, n, np.where(jump, 0.0, g), np.where(jump, 0.0, k), close,
                            edge, ROUNDINGS * COARSER * eps * np.maximum(
                                size, np.abs(w) * digits_lost(probe, w)))
                 for n, g, w, k, (size, jump) in zip(names, got.gradients, want, known, rounding)}
        words = {n: UNKNOWN if again[n] == RIGHT != word else again[n]
                 for n, word in words.items()}
    return words | cut


def twice(caller, probe, words):
    """What is said of a gradient of the gradient, along the arguments that have a right one.

    A refusal says nothing, as of operations that can be differentiated once.
    """
    names = [n for n in inputs(caller, probe) if words.get(n) == RIGHT]
    weights = [of_rows(w) for w in probe.want]
    rng = np.random.default_rng(7)
    directions = [rng.standard_normal(np.shape(start_of(probe.args, n))) for n in names]
    got = taken(caller, probe, names, weights, directions) if names else None
    if got is None or isinstance(got, str):
        return {}
    want = right_second(caller.contract, probe.args, names, weights, directions)
    return {f"{n} twice": RIGHT if is_close(g, w, CLOSE_AT_EDGES) else WRONG
            for n, g, w in zip(names, got.gradients, want) if np.all(np.isfinite(w))}


def is_edge(contract, probe):
    """Whether a level may have no derivative there: beside the plain regime, or at an end, 0 or 1,
    or of a step; there a formula may give 0 / 0 as well, which is "an end".
    """
    end = (contract.form != BATCH or contract.sampling) and any(
        np.any((np.asarray(a) == 0) | (np.asarray(a) == 1))
        for n, a in probe.args.items() if contract.is_level(n))
    usual = probe.situation.regime in ("plain", *BY_SEED, FORM)
    return "an end" if end or contract.is_step and not usual else "" if usual else "an edge"


class Taken(NamedTuple):
    """Gradients, whether of a result in float32, and whether it is the mean of a loss."""

    gradients: list
    narrow: bool
    mean: bool


def taken(caller, probe, names, weights, directions=None, in_order=False):
    """`Taken` by the framework, in the shapes of the arguments; a message where it has none, None
    too late.

    directions  if given, the gradient is that of the first one along these
    in_order    whether all tensors lie in one piece; else too where others are refused
    """
    lib, dtype, contract = caller.framework, np.dtype(probe.situation.dtype), caller.contract
    narrow, mean = [dtype == np.float32], []
    turn = probe.situation.seed % 3 if lib.name == "torch" else 0
    drawn = lib.name == "torch" and probe.situation.regime in (*BY_SEED, FORM)

    def start(name):
        a = np.asarray(start_of(probe.args, name), dtype)
        if name == PARAMETERS or a.ndim == 0 or name in ("means", "weights", *TABLES):
            return a
        is_data = name in DATA and not contract.is_level(name)
        return caller.shaped(a) if is_data else caller.level_shaped(a)

    def value(*inputs):
        given = dict(zip(names, inputs))
        theta = given.pop(PARAMETERS, None)
        if turn:                                                         # as results of other code
            given = {n: 1 * a for n, a in given.items()}
        if drawn and not in_order:
            forms, others = of_gradient(caller, probe, names, dtype, theta)
            given = others | {n: forms[n].of(a) if n in forms else a for n, a in given.items()}
        parts = caller(probe.args, dtype, keep=True, given=given, theta=theta)
        if isinstance(parts, Trial):
            raise RuntimeError(parts.error)
        if lib.name == "torch" and contract.form not in (TABLE, STATES):        # a call in between
            caller(probe.args, dtype, keep=True, theta=theta, given={
                n: a.detach().flip(0) if a.ndim > 1 else a.detach() for n, a in given.items()
                if not callable(a)})
        if contract.form == STATES:
            several = hasattr(parts[0], "__next__") or isinstance(parts[0], (list, tuple)) or (
                len(parts[0].shape) == 3)
            parts = [list(itertools.islice(parts[0], MOST_STATES))[-1]] if several else parts
        total = 0.0
        for w, part in zip(weights, parts):
            shape = tuple(part.shape)
            narrow.append("float32" in str(part.dtype))
            if contract.form == LOSS and shape == () != np.shape(w):
                mean.append(True)
                total = total + part
                continue
            if drawn and np.ptp(w) == 0:                        # a gradient that is expanded
                total = total + part.sum() * float(np.ravel(w)[0])
                continue
            w = lib.asarray(w.reshape(shape).astype(np.float32 if narrow[-1] else np.float64))
            if turn == 2 and len(shape) == 2:                # a gradient that is not contiguous
                w, part = w.mT.contiguous(), part.mT
            total = total + lib.mean(part * w) * float(np.prod(shape))
        return total
    late = caller.late
    try:
        with warnings.catch_warnings(), limited(caller.seconds):
            warnings.simplefilter("ignore")
            starts = [*map(start, names)]
            if turn == 1 or lib.name == "torch" and contract.form in (TABLE, STATES):
                lib.gradient(value, *starts)                         # of the same numbers before
            gradients = lib.gradient(value, *starts) if directions is None else lib.second(
                value, [u.reshape(np.shape(a)) for u, a in zip(directions, starts)], *starts)
        shapes = [np.shape(start_of(probe.args, n)) for n in names]
        return Taken([np.asarray(g, np.float64).reshape(s) for g, s in zip(gradients, shapes)],
                     any(narrow), bool(mean))
    except OutOfTime:
        caller.late += 1
        return None
    except Exception as error:
        if drawn and not in_order and not caller.gives_up:
            return taken(caller, probe, names, weights, directions, in_order=True)
        return None if caller.gives_up or caller.late > late else in_one_line(error)


def is_level_like(contract, name):
    """Whether an argument often comes from a table: along it a root of what rounds to 0 is NaN."""
    return contract.is_level(name) or name in ("weights", *TABLES)


def is_free(contract, name):
    """Whether an argument may have no gradient: levels, parameters, what samplers alone use."""
    return (is_level_like(contract, name) or name == PARAMETERS or contract.sampling
            or contract.form in (LOSS, STATES))


def is_near(got, want):
    """`is_close` on steep places."""
    return is_close(got, want, CLOSE_AT_EDGES)


def is_close(got, want, close, slack=0.0):
    """Whether a gradient is the right one, up to a share of the row, and to `slack`."""
    size = np.max(np.abs(want), axis=-1, keepdims=True) if np.ndim(want) else np.abs(want)
    return bool(np.all(np.abs(got - want) <= close * size + 1e-9 + slack))


def verdict(contract, name, got, want, close, edge, slack=0.0):
    """What is to be said of one argument."""
    if name == "weights":                                       # their changes have the sum zero
        got, want = got - np.mean(got), want - np.mean(want)
    finite = np.isfinite(want)
    if not np.any(finite):
        return UNKNOWN
    level = is_level_like(contract, name)
    got, want = np.where(finite, got, 0.0), np.where(finite, want, 0.0)
    if is_close(got, want, close, slack):
        return UNKNOWN if is_close(0 * want, want, close, slack) else RIGHT
    if not np.any(got):
        return NONE if is_free(contract, name) else WRONG
    allowed = edge == "an end" or edge and not np.any(np.isnan(got))
    return UNKNOWN if level and allowed else WRONG
