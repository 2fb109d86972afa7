"""azula's samplers, on levels given or on its variance-preserving schedule.

    x_t = alpha_t x_0 + sigma_t z;  x_t / alpha_t is a state of ve, at the level sigma / alpha
"""

import importlib
import inspect
from types import SimpleNamespace


def names():
    """Its samplers."""
    module = importlib.import_module("azula.sample")
    return [name for name in module.__all__ if name != "Sampler"]


def azula_sampler(name, settings, levels="given"):
    """A sampler class of azula.sample as check_sampler takes it, and its options.

    levels  "given", where alpha = 1, or "own": those of VPSchedule
    """
    cls = getattr(importlib.import_module("azula.sample"), name, None)
    if not inspect.isclass(cls) or not name.endswith("Sampler") or name == "Sampler":
        raise ValueError(f"name must be a sampler of azula.sample, got {name!r}")
    options = {"framework": "torch", "predicts": "x0"}
    if levels == "own":
        return own(cls, settings), options | {"levels": "own", "start": "noise"}
    return given(cls, settings), options


class Denoiser:
    """The exact denoiser in azula's form: the posterior's mean at a time of its schedule."""

    def __init__(self, denoiser, schedule):
        self.denoiser, self.schedule = denoiser, schedule

    def __call__(self, x, t, **_):
        a, b = self.schedule(t)
        return SimpleNamespace(mean=self.denoiser(x / a, b / a))


def given(cls, settings):
    """(denoiser, x, sigmas, rng) -> x: its even times count the levels."""
    import torch

    def sampler(denoiser, x, sigmas, rng):
        n = len(sigmas) - 1

        def schedule(t):
            i = torch.round((1 - t) * n).long()
            return torch.ones_like(t), sigmas[i]
        return cls(Denoiser(denoiser, schedule), steps=n, silent=True, dtype=torch.float64,
                   **settings)(x)
    return sampler


def own(cls, settings):
    """(denoiser, x, n, rng) -> x on its own schedule, from its last time to its first."""
    import torch
    from azula.noise import VPSchedule

    def sampler(denoiser, x, n, rng):
        schedule = VPSchedule()
        s = cls(Denoiser(denoiser, schedule), steps=n, silent=True, dtype=torch.float64,
                **settings)
        (_, b), (a, _) = (schedule(t) for t in s.timesteps[[0, -1]])
        return s(x * b) / a
    return sampler
