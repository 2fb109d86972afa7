"""gensbi's solvers of its flow: its ODE and SDEs, t from 0 (noise) to 1, in steps of one size.

What they draw comes from JAX in a loop over chains, so that they are judged from many of them.
"""

import functools
import importlib.util
import types

import numpy as np

from .modules import instead, module_alone
from .on_host import in_jax

FLOWS = ("FMODESolver", "ZeroEndsSolver", "NonSingularSolver")


def called_back(model):
    """A model of NumPy arrays as a function of JAX arrays (x, level), of one chain or of many."""
    import jax

    def f(x, level):
        return jax.pure_callback(lambda x, t: np.asarray(model(np.asarray(x), np.asarray(t))),
                                 jax.ShapeDtypeStruct(x.shape, x.dtype), x, level,
                                 vmap_method="legacy_vectorized")
    return f


class Switch:
    """A model that can be exchanged behind a compiled loop."""

    def __call__(self, x, level):
        return self.model(x, level)


def wrapped(velocity):
    """A function of (x, t) in gensbi's form: of obs (B, D, 1) and t."""
    import jax.numpy as jnp
    module = module_alone("gensbi.utils", "model_wrapping")
    return module.ModelWrapper(lambda obs, t: velocity(obs[..., 0], jnp.ravel(t)[0])[..., None])


def flow_class(name):
    """A solver of its flow; where flax is missing, with an empty class for its modules."""
    flax = types.ModuleType("flax")
    flax.nnx = types.SimpleNamespace(Module=object)
    missing = {} if importlib.util.find_spec("flax") else {"flax": flax}
    with instead(missing):
        for package, module in (("utils", "model_wrapping"), ("core", "ode_solver"),
                                ("core", "sde_solver")):
            module_alone(f"gensbi.{package}", module)
        return getattr(module_alone("gensbi.flow_matching.solver", "fm_ode_solver" if name ==
                                    "FMODESolver" else "fm_sde_solver"), name)


def flow_solver(name, settings):
    """(velocity, x, ts, rng) -> x by a solver of its flow, whose settings may be its alpha."""
    import jax
    import jax.numpy as jnp
    cls, switch = flow_class(name), Switch()
    model = wrapped(called_back(switch))

    @functools.partial(jax.jit, static_argnums=1)
    def run(x, n):
        step, ends = 1.0 / n, jnp.array([0.0, 1.0])
        if name == "FMODESolver":
            return cls(model, **settings).get_sampler(step, "Euler", time_grid=ends)(
                x[..., None])[..., 0]
        one = jnp.ones((x.shape[1], 1))
        sampler = cls(model, mu0=0 * one, sigma0=one, **{"alpha": 1.0} | settings).get_sampler(
            step, "Euler", time_grid=ends)
        return sampler(x[..., None], jax.random.key(0))[..., 0]

    def sampler(velocity, x, ts, rng):
        switch.model = velocity
        normal = jax.random.normal
        with in_jax():
            jax.random.normal = normal                      # a chain draws its own, in its loop
            return np.array(run(jnp.asarray(x), len(ts) - 1))
    return sampler
