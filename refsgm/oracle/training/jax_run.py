"""A JAX loss, run once on a network that returns what it is told, with its draws read.

`jax.random` is wrapped while the loss runs, without jit. A network that is called inside `jax.vmap`
is served by a rule of its own for batches, and so is a draw.
"""

from contextlib import ExitStack
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_batching import custom_vmap

from .draws import numpy_read, replaced, wants_generator
from .record import (Call, Draw, Run, Unreadable, arranged, first_loss, foreign_step, noisy_part,
                     seeded, times_of)

DRAWS = ("normal", "uniform", "randint", "bernoulli", "truncated_normal", "rademacher", "laplace",
         "exponential", "beta", "gamma", "t", "choice", "categorical", "permutation", "logistic")
CALLS = 4                                       # of the network, at most, in one step


def is_array(a):
    return isinstance(a, (jax.Array, np.ndarray))


def numbers(a):
    """The numbers of an array, traced or not."""
    while isinstance(a, jax.core.Tracer):
        a = a.primal if hasattr(a, "primal") else a.val
    return np.asarray(a)


def once(loss, x, outs, seed, shifts, wrap):
    """(value, calls as (input, times, more arguments), draws); outs may be traced."""
    draws, calls = [], []

    def noted(name, value):
        array = numbers(value)
        shift = shifts.get(len(draws))
        draws.append(Draw(name, array.astype(float)))
        return value if shift is None else value + jnp.asarray(
            np.asarray(shift).reshape(array.shape), value.dtype)

    def wrapped(name, fn):
        def draw(*args, **kwargs):
            with jax.disable_jit(False):
                value = fn(*args, **kwargs)
            if not is_batched(value):
                return noted(name, value) if is_array(value) else value
            through = custom_vmap(lambda v: v)
            through.def_vmap(lambda size, batched, v: (noted(name, v), True))
            return through(value)
        return draw

    def quick(fn, offset=0):
        def made(first, *args, **kwargs):
            with jax.disable_jit(False):
                return fn(first + offset if offset else first, *args, **kwargs)
        return made

    def answer(x_in, times, more, kwargs):
        if len(calls) == CALLS:
            raise Unreadable(f"the network is called more than {CALLS} times in a step")
        out = outs(len(calls))
        noisy, beside = noisy_part(numbers(x_in).astype(float), x.shape)
        calls.append((noisy, times_of(times, len(x), beside, numbers), more))
        same = int(np.prod(x_in.shape)) == x.size
        return jnp.asarray(out, x_in.dtype).reshape(x_in.shape) if same else out

    def net(*args, **kwargs):
        more = len(args) + len(kwargs) > 1
        leaves = [a for a in (*args, *kwargs.values()) if is_array(a)]
        if not any(is_batched(a) for a in leaves):
            x_in, times = arranged(args, kwargs, x.shape, is_array)
            return wrap(answer(x_in, times, more, kwargs), kwargs)
        x_in, times = arranged(args, kwargs, (1, *x.shape[1:]), is_array)

        @custom_vmap
        def called(x_in, *times):
            return jnp.zeros_like(x_in)

        @called.def_vmap
        def rule(size, batched, x_in, *times):
            return answer(x_in, times, more, kwargs), True
        return wrap(called(x_in, *times), kwargs)
    with ExitStack() as stack:
        stack.enter_context(seeded(seed))
        table = {}
        for name in DRAWS:
            fn = getattr(jax.random, name)
            table[id(fn)] = new = wrapped(name, fn)
            stack.enter_context(mock.patch.object(jax.random, name, new))
        for name in ("PRNGKey", "key", "split", "fold_in"):
            fn = getattr(jax.random, name)
            table[id(fn)] = new = quick(fn, 1009 * seed if name in ("PRNGKey", "key") else 0)
            stack.enter_context(mock.patch.object(jax.random, name, new))
        stack.enter_context(replaced(loss, lambda v: table.get(id(v))))
        stack.enter_context(numpy_read(noted_numpy(noted), loss, seed))
        stack.enter_context(jax.disable_jit())
        rest = [jax.random.PRNGKey(seed)] if wants_generator(loss) else []
        value = loss(net, jnp.asarray(x), *rest)
    return first_loss(value, is_array), calls, draws


def noted_numpy(noted):
    return lambda name, value: np.asarray(noted(name, np.asarray(value)))


def is_batched(a):
    """Whether an array is traced by vmap."""
    return isinstance(a, jax.core.Tracer) and hasattr(a, "batch_dim")


def run(loss, x, outs, seed, shifts, *, wrap, single, kept):
    """Run `loss(net, x)` once; a `Run`. See `torch_run` for the arguments."""
    with jax.enable_x64(not single):
        with foreign_step():
            def of(given):
                value, calls, draws = once(loss, x, lambda k: given[k], seed, shifts, wrap[1])
                total = jnp.sum(value) if is_array(value) else jnp.zeros(())
                return total, (calls, draws, np.shape(value))
            given = [jnp.asarray(outs(k), float) for k in range(CALLS)]
            (total, (calls, draws, shape)), grads = jax.value_and_grad(of, has_aux=True)(given)
    return Run(float(total), [Call(*c, np.asarray(g, dtype=float)) for c, g in zip(calls, grads)],
               draws, tuple(shape), False)


WRAPS = [("array", lambda out, kwargs: out), ("tuple", lambda out, kwargs: (out,)),
         ("pair", lambda out, kwargs: (out, None))]
PRECISIONS = (False, True)
