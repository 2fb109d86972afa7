"""Solvers of ordinary differential equations, on the probability flow.

    flow_matching: ODESolver on the straight line, t from 0 (noise) to 1
    torchdiffeq:   odeint on dx / d sigma = (x - E[x_0 | x]) / sigma
"""

import importlib

from .modules import module_alone


def flow_solver(name, settings, levels="given"):
    """A method of flow_matching's ODESolver as check_sampler takes it, and its options.

    levels  "given", or "own": equal steps
    """
    solver = module_alone("flow_matching.solver", "ode_solver").ODESolver
    check_method(name)
    options = {"framework": "torch", "coordinates": "flow-up", "predicts": "velocity"}

    def sampler(velocity, x, ts, rng):
        return solver(lambda x, t: velocity(x, t)).sample(x, step_size=None, method=name,
                                                          time_grid=ts, **settings)

    def own(velocity, x, n, rng):
        import torch
        return solver(lambda x, t: velocity(x, t)).sample(
            x, step_size=1 / n, method=name, time_grid=torch.tensor([0.0, 1.0]).to(x), **settings)
    if levels == "own":
        return own, options | {"levels": "own"}
    return sampler, options


def ode_solver(name, settings, levels="given"):
    """A fixed-step method of torchdiffeq.odeint as check_sampler takes it, and its options.

    levels  "given", or "own": levels even in log sigma from 80 to 0.002
    """
    odeint = importlib.import_module("torchdiffeq").odeint
    check_method(name)
    options = {"framework": "torch", "predicts": "x0"}

    def sampler(denoiser, x, sigmas, rng):
        return odeint(lambda t, x: (x - denoiser(x, t)) / t, x, sigmas, method=name,
                      **settings)[-1]

    def own(denoiser, x, n, rng):
        import torch
        return sampler(denoiser, 80.0 * x, torch.logspace(1.90309, -2.69897, n + 1).to(x), rng)
    if levels == "own":
        return own, options | {"levels": "own", "start": "noise"}
    return sampler, options


def names():
    """torchdiffeq's methods whose steps are those of the grid."""
    methods = importlib.import_module("torchdiffeq._impl.odeint").SOLVERS
    fixed = importlib.import_module("torchdiffeq._impl.solvers").FixedGridODESolver
    return [name for name, cls in methods.items() if issubclass(cls, fixed)]


def check_method(name):
    """Refuse what torchdiffeq does not have, and methods that choose their own steps."""
    if name not in names():
        raise ValueError(f"name must be one of {', '.join(names())}, got {name!r}")
