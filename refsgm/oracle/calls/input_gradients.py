"""Whether the gradient of a result with respect to its inputs is that of the right answer.

    d / d a  sum_b w_b' f(a, ..)_b,      rows w_b of sizes from 1e-2 to 1e4, so that clipping shows

refsgm's own gradient is autograd's of its function. With respect to data it must be right, or where
a step of a sampler is computed without gradients there may be none, for all data alike; with
respect to levels, which often come from a table, it is right or none too.
"""

import warnings

import autograd.numpy as anp
import numpy as np
from autograd import grad

from ..kinds import DATA, FUNCTION, FUNCTIONS, LOSS, STATES, TABLE, ProbeSpec
from .judge import new_probe
from .trial import OutOfTime, Trial, in_one_line, limited

CLOSE = 5e-3                  # relative to the row: float32, on steep places; mistakes are larger
RIGHT, WRONG, NONE, UNKNOWN = "right", "wrong", "none", "not judged"


def input_gradients(caller, dim, dtype, seed):
    """{argument: "right", "wrong", "none" or "not judged"}; {} of what has no gradient to judge.

    At a fixed probe, and at two of other sizes; each that is compiled costs much, so one then.
    """
    contract, lib = caller.contract, caller.framework
    if lib.gradient is None or contract.form in (TABLE, STATES, LOSS) or contract.adaptive or (
            caller.timesteps is not None or caller.draws or caller.energy):
        return {}
    spec = ProbeSpec("gradient", 4, dim or 3, caller.levels != "scalar", "plain", 78, 2,
                     dtype=dtype or "float64")
    found = at_probe(caller, spec)
    for other in elsewhere(spec, seed, dim) if not lib.compiles and RIGHT in found.values() else ():
        for name, word in at_probe(caller, other).items():
            if word == WRONG or word == RIGHT and found[name] != WRONG:
                found[name] = word
    return found


def elsewhere(spec, seed, dim):
    """Specs of a gradient's probes with sizes that a seed gives: one row, and several."""
    rng = np.random.default_rng(seed)
    return (spec._replace(B=1, D=dim or int(rng.integers(1, 9)), rows=False, M=0, seed=seed),
            spec._replace(B=int(rng.integers(5, 12)), D=dim or int(rng.integers(9, 20)),
                          M=int(rng.integers(5)), seed=seed + 1))


def at_probe(caller, spec):
    """What is said of every argument at one probe."""
    contract = caller.contract
    probe, found, moving = new_probe(contract, spec, caller), {}, []
    weights = [of_rows(w) for w in probe.want]
    names = ["x"] if contract.form == FUNCTION else caller.names
    for name in names:
        a = probe.args.get(name)
        if isinstance(a, np.ndarray) and (name in DATA or contract.is_level(name)):
            want = right_gradient(contract, probe.args, name, weights)
            found[name] = verdict(contract, name, taken(caller, probe, name, weights), want)
            moving += [name] * bool(np.any(want) and not contract.is_level(name))
    functions = FUNCTIONS & set(contract.args)       # code that takes their derivative may detach x
    if not functions and any(found[name] == RIGHT for name in moving):
        found |= {name: WRONG for name in moving if found[name] == NONE}
    return found


def of_rows(want):
    """Weights of an answer, a size for each row."""
    w = np.random.default_rng(5).uniform(0.5, 1.5, np.shape(want))
    sizes = np.logspace(-2, 4, len(w)) if np.ndim(want) else 1.0
    return w * np.reshape(sizes, (-1, *[1] * (w.ndim - 1))) if np.ndim(want) else w


def right_gradient(contract, args, name, weights):
    """Autograd's, of refsgm's own function."""
    def value(a):
        if contract.form == FUNCTION:
            result = contract.function(args["log_density"].energy)(a)
        else:
            given = args | {name: a}
            function = contract.answer or contract.function
            result = function(*(given[n] for n in contract.args if n in given))
        parts = result if isinstance(result, tuple) else (result,)
        return sum(anp.sum(w * part) for w, part in zip(weights, parts))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")                          # of a part that does not depend
        return np.asarray(grad(value)(args[name]))


def taken(caller, probe, name, weights):
    """The framework's, in the shape of the argument; a message where it has none, None too late.
    """
    lib, dtype = caller.framework, np.dtype(probe.situation.dtype)
    a = probe.args[name]
    start = (caller.shaped(a.astype(dtype)) if name in DATA and not caller.contract.is_level(name)
             else caller.level_shaped(a.astype(dtype)))

    def value(a):
        parts = caller(probe.args, dtype, keep=True, given={name: a})
        if isinstance(parts, Trial):
            raise RuntimeError(parts.error)
        total = 0.0
        for w, part in zip(weights, parts):
            shape, narrow = tuple(part.shape), "float32" in str(part.dtype)
            w = lib.asarray(w.reshape(shape).astype(np.float32 if narrow else np.float64))
            total = total + lib.mean(part * w) * float(np.prod(shape))
        return total
    late = caller.late
    try:
        with warnings.catch_warnings(), limited(caller.seconds):
            warnings.simplefilter("ignore")
            return np.asarray(lib.gradient(value, start), np.float64).reshape(a.shape)
    except OutOfTime:
        caller.late += 1
        return None
    except Exception as error:
        return None if caller.gives_up or caller.late > late else in_one_line(error)


def verdict(contract, name, got, want):
    """What is to be said of one argument."""
    level = contract.is_level(name)
    if got is None or isinstance(got, str) and "device" in got:
        return UNKNOWN
    if isinstance(got, str):
        return NONE if level or contract.sampling else WRONG
    if not np.all(np.isfinite(want)):
        return UNKNOWN
    size = np.max(np.abs(want), axis=-1, keepdims=True)
    if np.all(np.abs(got - want) <= CLOSE * size + 1e-9):
        return RIGHT
    if not np.any(got):
        return NONE if level or contract.sampling else WRONG
    return WRONG
