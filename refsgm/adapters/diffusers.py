"""Schedulers of diffusers, with the levels that they make themselves.

    alpha_bar(t) of its table, between integers by the logarithm of sigma;  t / 1000 on a flow

What a scheduler hands to its model is a state in vp (after scale_model_input), or on the straight
line; the exact model takes it at the level that the timestep means.
"""

import importlib
import inspect

import numpy as np


def scheduler(name, settings):
    """A scheduler class of diffusers as check_sampler takes it, and its options."""
    cls = getattr(importlib.import_module("diffusers"), name, None)
    if not inspect.isclass(cls) or not hasattr(cls, "set_timesteps"):
        raise ValueError(f"name must be a scheduler of diffusers, got {name!r}")
    flow = name.startswith("FlowMatch") or bool(settings.get("use_flow_sigmas"))
    if "clip_sample" in inspect.signature(cls).parameters:
        settings = {"clip_sample": False} | settings            # for pixels; data here have no ends
    kind = settings.get("prediction_type", "epsilon")
    predicts = {"epsilon": "eps", "v_prediction": "v", "sample": "x0",
                "flow_prediction": "velocity"}[kind]
    options = {"framework": "torch", "levels": "own", "start": "noise",
               "coordinates": "flow" if flow else "vp",
               "predicts": "velocity" if flow else predicts}
    return stepped(cls, settings, flow), options


def stepped(cls, settings, flow):
    """(model, x, n, rng) -> x by the scheduler's own loop."""
    def sampler(model, x, n, rng):
        s = cls(**settings)
        s.set_timesteps(n)
        x = x * float(getattr(s, "init_noise_sigma", 1.0))
        for t in s.timesteps:
            scaled = s.scale_model_input(x, t) if hasattr(s, "scale_model_input") else x
            level = float(t) / s.config.num_train_timesteps if flow else alpha_bar_at(s, float(t))
            x = s.step(model(scaled, level), t, x).prev_sample
        return x
    return sampler


def alpha_bar_at(s, t):
    """alpha_bar at a timestep, which may lie between two of the table."""
    table = s.alphas_cumprod.double().numpy()
    log_sigma = 0.5 * np.log((1 - table) / table)
    at = np.interp(t, np.arange(len(table)), log_sigma)
    return float(1 / (1 + np.exp(2 * at)))
