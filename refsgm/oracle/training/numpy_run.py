"""A NumPy loss, run once on a network that returns what it is told, with its draws read.

Written in autograd's numpy it is differentiated; in plain NumPy its gradient is a difference, which
is exact for a square however large the step.
"""

import numpy as np

from .draws import numpy_read, wants_generator
from .record import (Call, Draw, Run, arranged, first_loss, foreign_step, noisy_part, seeded,
                     times_of)

STEP = 1.0                                                     # of the differences


def is_array(a):
    return hasattr(a, "shape") and hasattr(a, "dtype")


def once(loss, x, outs, seed, shifts, wrap, dtype):
    """(value, calls as (input, times, more arguments), draws, mutated); outs may be traced."""
    draws, calls = [], []

    def note(name, value):
        array = np.asarray(value)
        shift = shifts.get(len(draws))
        draws.append(Draw(name, array.astype(float)))
        return value if shift is None else value + np.asarray(shift).reshape(array.shape)

    def net(*args, **kwargs):
        noisy, times = arranged(args, kwargs, x.shape, is_array)
        out = outs(len(calls))
        noisy_x, beside = noisy_part(np.asarray(plain(noisy), dtype=float), x.shape)
        calls.append((noisy_x, times_of(times, len(x), beside, plain),
                      len(args) + len(kwargs) > 1))
        same = noisy_x.size == np.prod(noisy.shape)
        return wrap(out.reshape(noisy.shape) if same else out, kwargs)
    given = x.astype(dtype)
    with seeded(seed), numpy_read(note, loss, seed):
        rest = [np.random.default_rng(seed)] if wants_generator(loss) else []
        with foreign_step():
            value = loss(net, given, *rest)
    value = first_loss(value, is_array)
    return value, calls, draws, not np.array_equal(given, x.astype(dtype))


def plain(a):
    """The numbers of an array that may be traced by autograd."""
    while hasattr(a, "_value"):
        a = a._value
    return a


def total(value):
    """The sum of what a loss returned, as a number."""
    return 0.0 if value is None else float(np.sum(plain(value)))


def run(loss, x, outs, seed, shifts, *, wrap, single, kept):
    """Run `loss(net, x)` once; a `Run`. See `torch_run` for the arguments."""
    dtype = np.float32 if single else np.float64
    value, calls, draws, mutated = once(loss, x, outs, seed, shifts, wrap[1], dtype)
    shape = tuple(np.shape(plain(value))) if value is not None else ()
    grads = [gradient(loss, x, outs, seed, shifts, wrap[1], dtype, k, kept)
             for k in range(len(calls))]
    return Run(total(value), [Call(*c, g) for c, g in zip(calls, grads)], draws, shape, mutated)


def gradient(loss, x, outs, seed, shifts, wrap, dtype, k, kept):
    """d loss / d output of call k."""
    import autograd.numpy as anp
    from autograd import grad
    if kept.get("autograd", True):
        def of(out):
            return anp.sum(once(loss, x, lambda j: out if j == k else outs(j), seed, shifts, wrap,
                                dtype)[0])
        try:
            found = grad(of)(np.asarray(outs(k), dtype=dtype))
            if np.any(found != 0):
                kept["autograd"] = True
                return np.asarray(found, dtype=float)
        except Exception:                                      # plain NumPy refuses traced arrays
            pass
        if kept.get("autograd"):
            return np.zeros(x.shape)
        kept["autograd"] = False
    at = np.asarray(outs(k), dtype=float)
    found = np.empty(at.size)
    for i in range(at.size):
        step = np.zeros(at.size)
        step[i] = STEP
        step = step.reshape(at.shape)
        up, down = (total(once(loss, x, lambda j, o=at + s * step: o if j == k else outs(j), seed,
                               shifts, wrap, dtype)[0]) for s in (1, -1))
        found[i] = (up - down) / (2 * STEP)
    return found.reshape(x.shape)


WRAPS = [("array", lambda out, kwargs: out), ("tuple", lambda out, kwargs: (out,)),
         ("pair", lambda out, kwargs: (out, None))]
PRECISIONS = (False, True)
