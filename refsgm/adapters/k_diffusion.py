"""k-diffusion's samplers, and others of their form: (denoiser, x, sigmas, ...) -> x in ve.

    denoiser(x, sigma) = E[x_0 | x], with sigma of shape (B,)
"""

import importlib
import importlib.util
import inspect
import sys
import types


def sampling_module():
    """k_diffusion.sampling by itself: the rest of its package imports metrics, images and models.
    """
    if "k_diffusion.sampling" in sys.modules:
        return sys.modules["k_diffusion.sampling"]
    spec = importlib.util.find_spec("k_diffusion")
    if spec is None:
        raise ModuleNotFoundError("k_diffusion is not installed", name="k_diffusion")
    package, tools = types.ModuleType("k_diffusion"), types.ModuleType("k_diffusion.utils")
    package.__path__ = list(spec.submodule_search_locations)
    tools.append_dims = append_dims                                 # all that sampling uses of it
    package.utils = tools
    alone = {"k_diffusion": package, "k_diffusion.utils": tools}
    before = {name: sys.modules.get(name) for name in alone}
    sys.modules.update(alone)
    try:
        return importlib.import_module("k_diffusion.sampling")
    finally:
        for name, module in before.items():
            del sys.modules[name]
            if module is not None:
                sys.modules[name] = module


def append_dims(x, target_dims):
    """x with axes of length 1 appended up to target_dims."""
    return x.reshape(*x.shape, *[1] * (target_dims - x.ndim))


def k_sampler(name, settings):
    """A function of k_diffusion.sampling as check_sampler takes it, and its options."""
    function = getattr(sampling_module(), name, None)
    if not inspect.isfunction(function) or not name.startswith("sample_"):
        raise ValueError(f"name must be a sampler of k_diffusion.sampling, got {name!r}")
    return of_this_form(function, settings), {"framework": "torch", "predicts": "x0"}


def of_this_form(function, settings):
    """(denoiser, x, sigmas, rng) -> x, with the noise of the rng where it can be passed."""
    takes = inspect.signature(function).parameters

    def sampler(denoiser, x, sigmas, rng):
        options = dict(settings)
        if "noise_sampler" in takes:
            options["noise_sampler"] = lambda *_: rng.standard_normal(tuple(x.shape))
        if "disable" in takes:
            options["disable"] = True
        if "sigma_min" in takes:
            if sigmas[-1] <= 0:
                raise ValueError("sigma_min must not be 0")
            return function(denoiser, x, float(sigmas[-1]), float(sigmas[0]), len(sigmas) - 1,
                            **options)
        return function(lambda x, sigma, **_: denoiser(x, sigma), x, sigmas, **options)
    return sampler
