"""Solvers in JAX, in float64, around an exact model in NumPy that they call back.

    diffrax   diffeqsolve on dx / d sigma = (x - E[x_0 | x]) / sigma, its steps at the levels given
    gensbi    ODE and SDEs of its flow, t from 0 (noise) to 1, and EDM's samplers on their levels

Their compiled loops are kept by shape, so that each is compiled once. What gensbi draws comes from
JAX, not from the rng that is passed, so its SDEs are judged from many chains.
"""

import functools
import importlib
import importlib.util
import types

import numpy as np

from .modules import instead, module_alone

DIFFRAX = ("Bosh3", "Dopri5", "Euler", "Heun", "LeapfrogMidpoint", "Midpoint", "Ralston",
           "ReversibleHeun", "Tsit5")
FLOWS = ("FMODESolver", "ZeroEndsSolver", "NonSingularSolver")
EDM = ("EDMScheduler", "VEEdmScheduler", "VPEdmScheduler")


def diffrax_names():
    """Its explicit solvers of ordinary differential equations that are adapted."""
    importlib.import_module("diffrax")
    return list(DIFFRAX)


def gensbi_names():
    """Solvers of its flow, and schedulers of its EDM sampler."""
    importlib.import_module("gensbi")
    return [*FLOWS, *EDM]


def called_back(model):
    """A model of NumPy arrays as a function of JAX arrays (x, level)."""
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


def in_float64(run, model_of=lambda f: f):
    """(model, x, levels) -> x by run(f, x, levels) in JAX, compiled once for each shape."""
    import jax
    switch = Switch()
    compiled = jax.jit(functools.partial(run, model_of(called_back(switch))))

    def sampler(model, x, levels, rng):
        switch.model = model
        with jax.enable_x64(True):
            return np.array(compiled(x, levels))
    return sampler


def diffrax_solver(name, settings, levels="given"):
    """An explicit solver of diffrax as check_sampler takes it, and its options.

    levels  "given", or "own": levels even in log sigma from 80 to 0.002
    """
    if name not in DIFFRAX:
        raise ValueError(f"name must be one of {', '.join(DIFFRAX)}, got {name!r}")
    diffrax = importlib.import_module("diffrax")
    solver = getattr(diffrax, name)(**settings)

    def run(denoiser, x, sigmas):
        term = diffrax.ODETerm(lambda t, x, _: (x - denoiser(x, t)) / t)
        return diffrax.diffeqsolve(
            term, solver, sigmas[0], sigmas[-1], None, x, max_steps=4096,
            stepsize_controller=diffrax.StepTo(ts=sigmas)).ys[-1]
    given, options = in_float64(run), {"predicts": "x0"}
    if levels == "given":
        return given, options

    def own(denoiser, x, n, rng):
        return given(denoiser, 80.0 * x, np.geomspace(80.0, 0.002, n + 1), rng)
    return own, options | {"levels": "own", "start": "noise"}


def gensbi_solver(name, settings, levels=None):
    """A solver of gensbi as check_sampler takes it, and its options.

    name      FMODESolver, ZeroEndsSolver or NonSingularSolver of its flow, on even steps from 0 to
              1; or the scheduler of its EDM sampler, on its own levels
    settings  keyword arguments of the solver, such as alpha; or of the sampler, such as method
    levels    "given" for the flow, "own" for EDM, whichever is there
    """
    if name in FLOWS:
        return of_flow(name, settings), {"coordinates": "flow-up"}
    if name in EDM:
        return of_edm(name, settings), {"levels": "own", "start": "noise", "predicts": "x0"}
    raise ValueError(f"name must be one of {', '.join((*FLOWS, *EDM))}, got {name!r}")


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


def of_flow(name, settings):
    """(velocity, x, ts, rng) -> x by a solver of its flow, with steps of one size."""
    import jax
    import jax.numpy as jnp
    cls = flow_class(name)

    def run(model, x, ts):
        step, ends = 1.0 / (len(ts) - 1), jnp.array([0.0, 1.0])
        if name == "FMODESolver":
            return cls(model, **settings).get_sampler(step, "Euler", time_grid=ends)(
                x[..., None])[..., 0]
        one = jnp.ones((x.shape[1], 1))
        sampler = cls(model, mu0=0 * one, sigma0=one, **{"alpha": 1.0} | settings).get_sampler(
            step, "Euler", time_grid=ends)
        return sampler(x[..., None], jax.random.key(0))[..., 0]
    return in_float64(run, wrapped)


def of_edm(name, settings):
    """(denoiser, x, n, rng) -> x by EDM's sampler with one of its schedulers, its D the exact one.
    """
    import jax
    edm = module_alone("gensbi.diffusion.path.scheduler", "edm")
    samplers = module_alone("gensbi.diffusion.solver", "edm_samplers")

    def denoise(self, denoiser, x, sigma):
        return denoiser(x, sigma.reshape(()))
    scheduler = type(name, (getattr(edm, name),), {"denoise": denoise})()
    sampler = (samplers.edm_sampler if name == "EDMScheduler"
               else functools.partial(samplers.edm_ablation_sampler, scheduler))

    def run(denoiser, x, steps):
        return sampler(scheduler, denoiser, x, key=jax.random.key(0), n_steps=len(steps),
                       **settings)
    compiled = in_float64(run)
    return lambda denoiser, x, n, rng: compiled(denoiser, x, np.zeros(n), rng)
