"""Released samplers as check_sampler takes them: (sampler, options) for a name such as
diffusers:UniPCMultistepScheduler, k_diffusion:sample_heun or file.py:sampler.

Each is an adapter of a few lines around the code as it is installed.
"""

import importlib.util
from pathlib import Path

from . import (azula, diffrax, diffusers, gensbi, k_diffusion, lucidrains, odes, score_models,
               sdes, smalldiffusion)
from .azula import azula_sampler
from .diffrax import diffrax_sampler
from .diffusers import scheduler
from .edm import edm_form
from .gensbi import gensbi_sampler
from .k_diffusion import k_sampler
from .lucidrains import lucid_sampler, lucid_step
from .odes import flow_solver, ode_solver
from .score_models import score_sampler
from .sdes import sde_solver
from .smalldiffusion import small_sampler
from .torchcfm import matcher_step

__all__ = ["PACKAGES", "adapted", "azula_sampler", "diffrax_sampler", "edm_form", "flow_solver",
           "gensbi_sampler", "k_sampler", "lucid_sampler", "lucid_step", "matcher_step", "names",
           "ode_solver", "scheduler", "score_sampler", "sde_solver", "small_sampler"]

# package: (adapter, its names, the levels that it has where none are asked for)
PACKAGES = {"diffusers": (scheduler, diffusers.names, "own"),
            "k_diffusion": (k_sampler, k_diffusion.names, "given"),
            "azula": (azula_sampler, azula.names, "given"),
            "smalldiffusion": (small_sampler, smalldiffusion.names, "given"),
            "flow_matching": (flow_solver, odes.names, "given"),
            "torchdiffeq": (ode_solver, odes.names, "given"),
            "torchsde": (sde_solver, sdes.names, "given"),
            "diffrax": (diffrax_sampler, diffrax.names, "given"),
            "gensbi": (gensbi_sampler, gensbi.names, "given"),
            "score_models": (score_sampler, score_models.names, "own"),
            "denoising_diffusion_pytorch": (lucid_sampler, lucidrains.names, "own")}


def names(package):
    """package:object of every sampler of a package that has an adapter.

    Raises ValueError for another package; ImportError for one that is not installed.
    """
    if package not in PACKAGES:
        raise ValueError(f"package must be one of {', '.join(PACKAGES)}, got {package!r}")
    return [f"{package}:{name}" for name in PACKAGES[package][1]()]


def adapted(name, settings=None, levels=None):
    """The sampler of that name and its options for check_sampler.

    name      package:object for one of PACKAGES, or file.py:function
    settings  keyword arguments of the class, or of the function
    levels    "given" or "own"; by default those that the package is used with
    Raises ValueError for a name of another form, a package without an adapter, and an object that
        is not there; ImportError for a package that is not installed.
    """
    package, _, member = name.rpartition(":")
    settings = dict(settings or {})
    if levels not in (None, "given", "own"):
        raise ValueError(f'levels must be "given" or "own", got {levels!r}')
    if not package or not member:
        raise ValueError(f"name must be package:object or file.py:function, got {name!r}")
    if package in PACKAGES:
        adapter, _, usual = PACKAGES[package]
        return adapter(member, settings, levels or usual)
    if package.endswith(".py"):
        return from_file(package, member, settings)
    raise ValueError(f"package must be one of {', '.join(PACKAGES)} or a file ending in .py, got "
                     f"{package!r}")


def from_file(path, member, settings):
    """A function of a file; its attribute `options`, if it has one, is for check_sampler."""
    if not Path(path).is_file():
        raise ValueError(f"name must start with a file that exists, got {path!r}")
    spec = importlib.util.spec_from_file_location(Path(path).stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function = getattr(module, member, None)
    if not callable(function):
        raise ValueError(f"name must end with a function of {path}, got {member!r}")
    if not settings:
        return function, dict(getattr(function, "options", {}))
    return ((lambda *arguments: function(*arguments, **settings)),
            dict(getattr(function, "options", {})))
