"""The right gradient: autograd's, of refsgm's own function, and how far rounding may move it.

    sensitivity = max(|g(a (1 + h)) - g(a)| / h,   |g in float32 - g| / eps of float32,   |w f / a|)

as of a value; the last is what terms may have that cancel each other. Where so small a change as h
moves it by more than a thousandth, it has a jump there, at which nothing can be judged.
"""

import warnings
from functools import partial

import autograd.numpy as anp
import numpy as np
from autograd import grad
from autograd.tracer import getval, isbox

from ..kinds import DATA, FUNCTION, STATES, TABLE
from ..kinds.nearby import UNIT
from ..kinds.test_functions import Field, Noise
from .reference import changed, narrow, widen

PARAMETERS = "the parameters of the function that was passed"
REMEMBERED, MOST = {}, 2048         # right gradients: a kind is asked much the same in every check
LARGE = 1000                        # numbers in the arguments, above which nothing is kept
CHANGE, TRIES, JUMP = 2.0**-26, 3, 1e-3
STEP = 1e-6                         # of differences along a table
X, LEVEL = "x", "level"             # what a function that is passed depends on
ALIKE, ZEROS = 0.15, 0.4            # how often weights of rows are alike, or zero in some


def remembered(contract, args, names, weights):
    """`right_gradients`, worked out once where the arrays are small."""
    if sum(np.size(a) for a in args.values()) > LARGE:
        return right_gradients(contract, args, names, weights)
    def of(a):
        if isinstance(a, np.ndarray):
            return a.shape, a.tobytes()
        if isinstance(a, Field):
            return (type(a), of(a.b), of(a.theta), *map(of, (*a.matrices, *a.frames)), a.bend,
                    a.fade, a.unit, a.center)
        return getattr(a, "seed", a)
    key = (contract, *names, *(of(a) for a in args.values()), *map(of, map(np.asarray, weights)))
    if key not in REMEMBERED:
        if len(REMEMBERED) >= MOST:
            REMEMBERED.clear()
        REMEMBERED[key] = right_gradients(contract, args, names, weights)
    return REMEMBERED[key]


def right_gradients(contract, args, names, weights, fixed=()):
    """The gradients of sum_b w_b' f_b with respect to the arguments that are named, a list.

    fixed  X, LEVEL or both, of which the gradient of a function that is passed is left out
    """
    def value(*inputs):
        given = args | {n: a for n, a in zip(names, inputs) if n != PARAMETERS}
        given = {n: Noise(a.seed) if isinstance(a, Noise) else a for n, a in given.items()}
        for n, f in args.items():
            if isinstance(f, Field) and PARAMETERS in names:
                given[n] = f.astype(f.theta.dtype)
                given[n].theta = inputs[names.index(PARAMETERS)]
            if isinstance(f, Field) and fixed:
                given[n] = lambda x, *level, f=given[n]: f(
                    getval(x) if X in fixed else x,
                    *(map(getval, level) if LEVEL in fixed else level))
        if contract.form == FUNCTION:
            result = contract.function(given["log_density"].energy)(given["x"])
        else:
            function = contract.function if fixed else contract.answer or contract.function
            result = function(*(given[n] for n in contract.args if n in given))
        if contract.form == STATES:
            result = list(result)[-1]
        parts = result if isinstance(result, tuple) else (result,)
        return sum(anp.sum(w * part) for w, part in zip(weights, parts))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")                          # of a part that does not depend
        starts = [start_of(args, n) for n in names]
        if contract.form == TABLE:
            return [by_differences(partial(value_of_one, value, starts, i), a)
                    for i, a in enumerate(starts)]
        return [g if isbox(g) else np.asarray(g)
                for g in grad(value, tuple(range(len(names))))(*starts)]


def value_of_one(value, starts, i, a):
    """The value where one of its arguments is another."""
    return value(*starts[:i], a, *starts[i + 1:])


def by_differences(value, a):
    """The gradient along a table, of which autograd has no cumulative product."""
    def slope(h):
        try:
            return (value(a + h) - value(a - h)) / (2 * np.max(h))
        except ValueError:                                      # an entry that must be what it is
            return np.nan
    return np.array([slope(h) for h in STEP * np.max(np.abs(a)) * np.eye(len(a))])


def right_second(contract, args, names, weights, directions):
    """The gradient of the sum of the gradients, each times its direction."""
    def along(*inputs):
        given = args | {n: a for n, a in zip(names, inputs) if n != PARAMETERS}
        for n, f in args.items():
            if isinstance(f, Field) and PARAMETERS in names:
                given[n] = f.astype(f.theta.dtype)
                given[n].theta = inputs[names.index(PARAMETERS)]
        gradients = right_gradients(contract, given, names, weights)
        return sum(anp.sum(u * g) for u, g in zip(directions, gradients))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        starts = [start_of(args, n) for n in names]
        return grad(along, tuple(range(len(names))))(*starts)


def of_rows(want, seed=None):
    """Weights of an answer, a size for each row, rising; with a seed in any order, of both signs,
    zero in some rows now and then, or all alike.
    """
    rng = np.random.default_rng(5 if seed is None else [5, seed])
    w = rng.uniform(0.5, 1.5, np.shape(want))
    sizes = np.logspace(-2, 4, len(w)) if np.ndim(want) else 1.0
    if seed is not None and np.ndim(want):
        sizes = rng.permutation(sizes) * rng.choice([-1.0, 1.0], len(w))
        kind = rng.uniform()
        if kind < ALIKE:
            return np.full(np.shape(w), sizes[0])
        sizes = np.where(rng.uniform(0, 1, len(w)) < 0.5 * (kind < ZEROS), 0.0, sizes)
    return w * np.reshape(sizes, (-1, *[1] * (w.ndim - 1))) if np.ndim(want) else w


def start_of(args, name):
    """Where a gradient is taken."""
    if name == PARAMETERS:
        return next(a.theta for a in args.values() if isinstance(a, Field))
    return args[name]


def sensitivities(contract, args, names, weights, want, answers):
    """[(sensitivity, where there is a jump)] of the right gradients `want`, arrays like each.

    answers  the right ones, to which the weights belong
    """
    sizes = [np.abs(w * a) for w, a in zip(weights, answers)]
    if contract.logarithm:                # shares of a sum, each the exponential of a difference
        sizes = [a * np.maximum(1.0, np.abs(b)) for a, b in zip(sizes, answers)]
    found = [(of_size(n, args, w, sizes), np.zeros(np.shape(w), bool)) for n, w in zip(names, want)]

    def note(others, base, unit):
        for i, (a, b, w) in enumerate(zip(others, base, want)):
            with np.errstate(invalid="ignore"):
                off = np.abs(np.asarray(a, np.float64) - b)
            off = np.where(np.isfinite(off), off, 0.0)
            size, jump = found[i]
            if unit == CHANGE:
                jump = jump | of_row(off > JUMP * of_row(np.abs(w)))
            found[i] = np.maximum(size, of_row(off) / unit), jump
    rng = np.random.default_rng(1)
    for _ in range(TRIES):
        moved = {k: a if k == "weights" else from_zero(k, changed(a, rng, CHANGE), args, rng)
                 for k, a in args.items()}
        try:
            note(right_gradients(contract, moved, names, weights), want, CHANGE)
        except (ValueError, ZeroDivisionError):
            continue
    low = {k: narrow(a) for k, a in args.items()}
    try:
        exact = right_gradients(contract, {k: widen(a) for k, a in low.items()}, names, weights)
        rough = right_gradients(contract, low, names, [np.asarray(w, np.float32) for w in weights])
        note(rough, exact, float(np.finfo(np.float32).eps))
    except Exception:                                   # float32 may leave the domain, or autograd
        pass
    return found


def digits_lost(probe, gradient):
    """By what factor rounding is larger than an answer, of each row: a gradient may lose as much.
    """
    lost = []
    for size, want in zip(probe.sensitivity, probe.want):
        a, b = (of_row(np.abs(c)) if np.ndim(c) == 2 else np.abs(c) for c in (size, want))
        lost.append(np.divide(a, b, out=np.ones_like(a), where=b > 0))
    if all(np.shape(a)[:1] == np.shape(gradient)[:1] and np.ndim(gradient) == 2 for a in lost):
        return np.max([np.reshape(a, (len(gradient), -1)).max(1) for a in lost], axis=0)[:, None]
    return max(np.max(a, initial=1.0) for a in lost)


def from_zero(name, a, args, rng):
    """Data without their zeros, which differences with other data round to any number so small."""
    if name not in DATA and name != "means" or not isinstance(a, np.ndarray) or np.all(a):
        return a
    size = max(float(np.max(np.abs(b), initial=0.0)) for n, b in args.items()
               if isinstance(b, np.ndarray) and (n in DATA or n == "means"))
    return np.where(a == 0, CHANGE * size * rng.integers(2, size=np.shape(a)), a)


def of_row(a):
    """The largest entry of each row, for all entries of the row."""
    return np.broadcast_to(np.max(a, axis=-1, keepdims=True), np.shape(a)) if np.ndim(a) else a


def of_size(name, args, want, sizes):
    """|w f / a| of an argument, row by row where it has rows, like its gradient."""
    rows = np.ndim(want) == 2 and all(np.shape(a)[:1] == np.shape(want)[:1] for a in sizes)
    size = sum(np.max(a.reshape(len(a), -1), axis=1, keepdims=True) if rows else np.sum(a)
               for a in sizes)
    if name == PARAMETERS:
        return size + np.zeros(np.shape(want))
    a = np.abs(start_of(args, name))
    a = np.minimum(a, 1 - a) if name in UNIT else of_row(a)
    return np.where(a > 0, size / np.where(a > 0, a, 1.0), 0.0) + np.zeros(np.shape(want))
