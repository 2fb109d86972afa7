"""gensbi's EDM sampler, edm_sampler(sde, model, x, key=..., n_steps=...), on the exact denoiser.

Of its scheduler it uses the levels and the denoiser alone, which are the check's here. Beside it
stand the solvers of its flow, on even steps.
"""

from types import SimpleNamespace

import numpy as np

from .gensbi_flow import FLOWS, flow_solver
from .modules import module_alone
from .on_host import in_jax, on_host


def names():
    """Its loop, and the solvers of its flow."""
    return ["edm_sampler", *FLOWS]


def gensbi_sampler(name, settings, levels="given"):
    """edm_sampler of gensbi.diffusion as check_sampler takes it, and its options.

    name    edm_sampler, or a solver of its flow, which has given levels alone
    levels  "given", or "own": those of its EDMScheduler
    """
    if name in FLOWS and levels == "given":
        return flow_solver(name, settings), {"framework": "numpy", "coordinates": "flow-up"}
    if name != "edm_sampler":
        raise ValueError(f"name must be edm_sampler for gensbi, or on given levels one of "
                         f"{', '.join(FLOWS)}, got {name!r}")
    function = module_alone("gensbi.diffusion.solver", "edm_samplers").edm_sampler
    options = {"framework": "numpy", "predicts": "x0", "start": "noise"}

    def run(model, x, n, timesteps, rng):
        import jax
        import jax.numpy as jnp
        with in_jax(rng):
            denoiser = on_host(lambda x, sigma: model(x, sigma.reshape(())))
            scheduler = SimpleNamespace(timesteps=timesteps,
                                        denoise=lambda _, x, sigma: denoiser(x, sigma))
            return np.asarray(function(scheduler, None, jnp.asarray(x), key=jax.random.PRNGKey(0),
                                       n_steps=n, **settings))

    def sampler(model, x, sigmas, rng):
        if sigmas[-1] > 0:
            raise ValueError("the last sigma must be 0")
        return run(model, x, len(sigmas) - 1, lambda i, n: sigmas[:-1], rng)

    def own(model, x, n, rng):
        with in_jax():
            scheduler = module_alone("gensbi.diffusion.path.scheduler", "edm").EDMScheduler()
            return run(model, x, n, scheduler.timesteps, rng)
    if levels == "own":
        return own, options | {"levels": "own"}
    return sampler, options
