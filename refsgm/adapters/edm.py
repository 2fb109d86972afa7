"""EDM's samplers, and others of their form: (net, latents, ..., num_steps) -> images, in ve.

    net(x, sigma, class_labels) = E[x_0 | x],   latents standard normal,   x = sigma_max latents

    from generate import edm_sampler                     # NVlabs' program
    refsgm.check_sampler(*edm_form(edm_sampler, {"S_churn": 40}))
"""

import inspect


class Network:
    """A denoiser with what EDM's samplers read of their network."""

    sigma_min, sigma_max, img_channels, label_dim = 0.0, float("inf"), 1, 0

    def __init__(self, denoiser, x):
        self.denoiser, self.img_resolution = denoiser, x.shape[-1]

    def __call__(self, x, sigma, class_labels=None, **_):
        return self.denoiser(x, sigma)

    def round_sigma(self, sigma):
        """Any level will do."""
        return sigma


def edm_form(function, settings=None):
    """A function (net, latents, ..., num_steps) as check_sampler takes it, and its options.

    settings  its keyword arguments besides the number of steps
    Raises ValueError for a function of another form.
    """
    takes = inspect.signature(function).parameters
    if "num_steps" not in takes:
        raise ValueError("function must take num_steps, as EDM's samplers do, got the arguments "
                         + ", ".join(takes))

    def sampler(denoiser, x, n, rng):
        options = dict(settings or {}) | {"num_steps": n}
        if "randn_like" in takes:
            options["randn_like"] = lambda x: rng.standard_normal(tuple(x.shape))
        return function(Network(denoiser, x), x, **options)
    return sampler, {"framework": "torch", "levels": "own", "start": "noise", "predicts": "x0"}
