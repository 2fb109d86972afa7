"""diffrax's explicit methods on the probability flow, their steps taken one by one.

    dx / d sigma = (x - E[x_0 | x]) / sigma
"""

import importlib
import inspect

import numpy as np

from .on_host import in_jax, on_host


OTHERS = ("Euler", "LeapfrogMidpoint", "ReversibleHeun")


def names():
    """Its explicit methods."""
    module = importlib.import_module("diffrax")
    return [name for name, cls in vars(module).items()
            if inspect.isclass(cls) and (name in OTHERS or issubclass(cls, module.AbstractERK))
            and not inspect.isabstract(cls) and name != "AbstractERK"]


def diffrax_sampler(name, settings, levels="given"):
    """A method of diffrax as check_sampler takes it, and its options.

    levels  "given", or "own": levels even in log sigma from 80 to 0.002
    """
    import diffrax
    import jax
    if name not in names():
        raise ValueError(f"name must be one of {', '.join(names())}, got {name!r}")
    solver, denoiser = getattr(diffrax, name)(**settings), []
    term = diffrax.ODETerm(lambda t, x, _: (x - denoiser[-1](x, t)) / t)

    @jax.jit
    def step(t, s, x, state):
        x, _, _, state, _ = solver.step(term, t, s, x, None, state, False)
        return x, state

    def sampler(model, x, sigmas, rng):
        import jax.numpy as jnp
        with in_jax():
            denoiser[:] = [on_host(lambda *a: model(*a))]
            x = jnp.asarray(x)
            state = solver.init(term, sigmas[0], sigmas[1], x, None)
            for t, s in zip(sigmas[:-1], sigmas[1:]):
                x, state = step(t, s, x, state)
            return np.asarray(x)

    def own(model, x, n, rng):
        return sampler(model, 80.0 * x, np.geomspace(80.0, 0.002, n + 1), rng)
    options = {"framework": "numpy", "predicts": "x0"}
    if levels == "own":
        return own, options | {"levels": "own", "start": "noise"}
    return sampler, options
