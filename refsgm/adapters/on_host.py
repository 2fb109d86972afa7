"""JAX code around a model on NumPy arrays: in float64, its model and its draws called on the host.

So traced code, scans and jit'd steps are certified as NumPy's are, states, levels and draws seen.
"""

import contextlib

import numpy as np


def on_host(model):
    """model(x, level) on NumPy arrays as a function of JAX's, in the order of its calls."""
    import jax
    from jax.experimental import io_callback

    def f(x, *levels):
        return io_callback(lambda *a: np.asarray(model(*map(np.asarray, a)), x.dtype),
                           jax.ShapeDtypeStruct(x.shape, x.dtype), x, *levels, ordered=True)
    return f


@contextlib.contextmanager
def in_jax(rng=None):
    """Float64 by default, and jax.random.normal that draws from the rng."""
    import jax
    from jax.experimental import io_callback
    before, single = jax.random.normal, not jax.config.jax_enable_x64

    def normal(key, shape=(), dtype=None, **_):
        return io_callback(lambda: np.asarray(rng.standard_normal(shape), np.float64),
                           jax.ShapeDtypeStruct(tuple(shape), np.float64), ordered=True)
    jax.config.update("jax_enable_x64", True)               # for the threads of callbacks as well
    jax.random.normal = normal
    try:
        yield
    finally:
        jax.random.normal = before
        jax.config.update("jax_enable_x64", not single)
