"""Released samplers as check_sampler takes them: (sampler, options) for a name such as
diffusers:UniPCMultistepScheduler, k_diffusion:sample_heun or file.py:sampler.

Each is an adapter of a few lines around the code as it is installed.
"""

import importlib.util
from pathlib import Path

from .diffusers import scheduler
from .k_diffusion import k_sampler

__all__ = ["adapted", "k_sampler", "scheduler"]


def adapted(name, settings=None):
    """The sampler of that name and its options for check_sampler.

    name      package:object for diffusers and k_diffusion, or file.py:function
    settings  keyword arguments of the scheduler's class, or of the function
    Raises ValueError for a name of another form, a package without an adapter, and an object that
        is not there; ImportError for a package that is not installed.
    """
    package, _, member = name.rpartition(":")
    settings = dict(settings or {})
    if not package or not member:
        raise ValueError(f"name must be package:object or file.py:function, got {name!r}")
    if package == "diffusers":
        return scheduler(member, settings)
    if package == "k_diffusion":
        return k_sampler(member, settings)
    if package.endswith(".py"):
        return from_file(package, member, settings)
    raise ValueError("package must be diffusers, k_diffusion or a file ending in .py, got "
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
