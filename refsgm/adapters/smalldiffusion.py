"""smalldiffusion's one loop, samples(model, sigmas, gam, mu), in ve.

    gam = 1, mu = 1/2: DDPM;  gam = 1, mu = 0: DDIM;  gam = 2, mu = 0: accelerated
"""

from types import SimpleNamespace

from .modules import module_alone


def names():
    """Its one loop."""
    return ["samples"]


def small_sampler(name, settings, levels="given"):
    """samples of smalldiffusion.diffusion as check_sampler takes it, and its options.

    levels  "given", or "own": sample_sigmas of ScheduleLogLinear(1000)
    """
    if name != "samples":
        raise ValueError(f"name must be samples for smalldiffusion, got {name!r}")
    module = module_alone("smalldiffusion", "diffusion")
    options = {"framework": "torch", "predicts": "eps"}

    def sampler(eps, x, sigmas, rng):
        like = SimpleNamespace(eval=lambda: None,
                               predict_eps_cfg=lambda x, sigma, *_: eps(x, sigma),
                               rand_input=lambda n: rng.standard_normal((n, x.shape[1])))
        device = SimpleNamespace(device=x.device)
        for x_t in module.samples(like, sigmas, xt=x, accelerator=device, **settings):
            end = x_t
        return end
    if levels == "given":
        return sampler, options

    def own(eps, x, n, rng):
        sigmas = module.ScheduleLogLinear(1000).sample_sigmas(n)
        return sampler(eps, sigmas[0] * x, sigmas, rng)
    return own, options | {"levels": "own", "start": "noise"}
