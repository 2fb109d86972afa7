"""k-diffusion's samplers, and others of their form: (denoiser, x, sigmas, ...) -> x in ve.

    denoiser(x, sigma) = E[x_0 | x], with sigma of shape (B,)
"""

import inspect

from .modules import module_alone


def sampling_module():
    """k_diffusion.sampling by itself: the rest of its package imports metrics, images and models.
    """
    return module_alone("k_diffusion", "sampling", utils={"append_dims": append_dims})


def append_dims(x, target_dims):
    """x with axes of length 1 appended up to target_dims."""
    return x.reshape(*x.shape, *[1] * (target_dims - x.ndim))


def names():
    """Its samplers with steps of their own number."""
    return sorted(name for name in dir(sampling_module())
                  if name.startswith("sample_") and name != "sample_dpm_adaptive")


def k_sampler(name, settings, levels="given"):
    """A function of k_diffusion.sampling as check_sampler takes it, and its options.

    levels  "given", or "own": get_sigmas_karras from 14.6 to 0.029, as for latent diffusion
    """
    function = getattr(sampling_module(), name, None)
    if not inspect.isfunction(function) or not name.startswith("sample_"):
        raise ValueError(f"name must be a sampler of k_diffusion.sampling, got {name!r}")
    sampler, options = of_this_form(function, settings), {"framework": "torch", "predicts": "x0"}
    if levels == "given":
        return sampler, options

    def own(denoiser, x, n, rng):
        sigmas = sampling_module().get_sigmas_karras(n, 0.0292, 14.6146)
        if "sigma_min" in inspect.signature(function).parameters:
            sigmas = sigmas[:-1]
        return sampler(denoiser, x * sigmas[0], sigmas, rng)
    return own, options | {"levels": "own", "start": "noise"}


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
