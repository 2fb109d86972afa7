"""Schedulers of diffusers, with the levels that they make themselves, or with levels given.

    alpha_bar(t) of its table, between integers by the logarithm of sigma;  t / 1000 on a flow

What a scheduler hands to its model is a state in vp (after scale_model_input), or on the straight
line; the exact model takes it at the level that the timestep means. Given levels replace its table,
and its float32 is read as float64: what remains is its formulas.
"""

import contextlib
import copy
import functools
import importlib
import inspect
import math
import sys

import numpy as np

PREDICTS = {"epsilon": "eps", "v_prediction": "v", "sample": "x0", "flow_prediction": "velocity"}
TABLES = ("DDIMScheduler", "DDIMParallelScheduler", "DDPMScheduler", "DDPMParallelScheduler",
          "PNDMScheduler")
OTHERS = tuple(name + "Scheduler" for name in (
    "CogVideoXDDIM", "CogVideoXDPM", "CosineDPMSolverMultistep", "DEISMultistep",
    "DPMSolverMultistep", "DPMSolverSDE", "DPMSolverSinglestep", "EDMDPMSolverMultistep",
    "EDMEuler", "EulerAncestralDiscrete", "EulerDiscrete", "FlowMatchEulerDiscrete",
    "FlowMatchHeunDiscrete", "HeunDiscrete", "KDPM2AncestralDiscrete", "KDPM2Discrete", "LCM",
    "LMSDiscrete", "LTXEulerAncestralRF", "SASolver", "TCD", "UniPCMultistep"))
LINES = ("FlowMatch", "LTX")                                     # how names on the line begin
ANGLES = ("IPNDMScheduler",)                                     # t = 2 / pi atan(sigma / scale)


def names():
    """Schedulers of diffusers that step from one state to the next, each once."""
    package = importlib.import_module("diffusers.schedulers")
    return sorted(name for name in dir(package) if name.endswith("Scheduler")
                  and name in (*TABLES, *ANGLES, *OTHERS))


def scheduler(name, settings, levels="own"):
    """A scheduler class of diffusers as check_sampler takes it, and its options.

    settings  keyword arguments of the class, or of its step, such as eta of DDIM
    levels  "own", or "given": those of the check, in place of the scheduler's
    """
    cls = getattr(importlib.import_module("diffusers"), name, None)
    if not inspect.isclass(cls) or not hasattr(cls, "set_timesteps"):
        raise ValueError(f"name must be a scheduler of diffusers, got {name!r}")
    cls = getattr(sys.modules[cls.__module__], name)
    flow = name.startswith(LINES) or bool(settings.get("use_flow_sigmas"))
    if "clip_sample" in inspect.signature(cls).parameters:
        settings = {"clip_sample": False} | settings            # for pixels; data here have no ends
    if levels == "given":
        return on_given_levels(cls, settings, flow)
    kind = settings.get("prediction_type", "v_prediction" if name in ANGLES else "epsilon")
    predicts = "consistency" if name == "LCMScheduler" and kind == "sample" else PREDICTS[kind]
    options = {"framework": "torch", "levels": "own", "start": "noise",
               "coordinates": "flow" if flow else "vp",
               "predicts": "velocity" if flow else predicts}
    if preconditioned(cls):
        options |= {"coordinates": "ve", "predicts": "x0"}
        return edm_loop(cls, settings), options
    return own_loop(cls, settings, flow), options


def made(cls, settings, n, x):
    """A scheduler of n steps, its noise torch's; settings that it does not take go to its step."""
    import torch
    takes = inspect.signature(cls).parameters
    s = new(cls, {key: value for key, value in settings.items() if key in takes})
    s.set_timesteps(n)
    if hasattr(s, "get_lms_coefficient"):                    # its quadrature asks one by one
        s.sigmas = s.sigmas.numpy()
    of_step = {key: value for key, value in settings.items() if key not in takes}
    if of_step:
        s.step = functools.partial(s.step, **of_step)
    if hasattr(s, "noise_sampler"):
        s.noise_sampler = lambda *_: torch.randn(tuple(x.shape)).to(x)
    return s


def new(cls, settings):
    """A scheduler of that class: a copy, for some take a second to make the table that they have.
    """
    import torch
    try:
        return copy.deepcopy(remembered(cls, tuple(settings.items()), torch.get_default_dtype()))
    except TypeError:                                       # settings that cannot be remembered
        return cls(**settings)


@functools.lru_cache(4)
def remembered(cls, settings, dtype):
    """The scheduler as it is when it is new, in the precision of now."""
    return cls(**dict(settings))


def own_loop(cls, settings, flow):
    """(model, x, n, rng) -> x by the scheduler's own loop."""
    if cls.__name__ == "CogVideoXDPMScheduler":
        return functools.partial(cogvideox_loop, cls, settings)

    def sampler(model, x, n, rng):
        s = made(cls, settings, n, x)
        x = x * float(getattr(s, "init_noise_sigma", 1.0))
        for t in s.timesteps:
            scaled = s.scale_model_input(x, t) if hasattr(s, "scale_model_input") else x
            level = float(t) / s.config.num_train_timesteps if flow else alpha_bar_at(s, float(t))
            x = s.step(model(scaled, level), t, x).prev_sample
        return x
    return sampler


def cogvideox_loop(cls, settings, model, x, n, rng):
    """x through all steps of a scheduler that is handed its last x_0, as its pipeline does."""
    s, old, before = made(cls, settings, n, x), None, None
    for t in s.timesteps:
        out = model(x, alpha_bar_at(s, float(t)))
        x, old = s.step(out, old, t, before, x)
        before = t
    return x


def alpha_bar_at(s, t):
    """alpha_bar at a timestep, which may lie between two of the table."""
    if type(s).__name__ in ANGLES:
        return math.cos(0.5 * math.pi * t)**2
    table = s.alphas_cumprod.double().numpy()
    log_sigma = 0.5 * np.log((1 - table) / table)
    at = np.interp(t, np.arange(len(table)), log_sigma)
    return float(1 / (1 + np.exp(2 * at)))


def preconditioned(cls):
    """Whether it wraps the network as EDM does: it makes the denoiser itself."""
    return hasattr(cls, "precondition_outputs")


def edm_loop(cls, settings):
    """The same for schedulers of EDM's form, whose network is made from the exact denoiser."""
    def sampler(denoiser, x, n, rng):
        s = made(cls, settings, n, x)
        return edm_steps(s, denoiser, x * float(s.init_noise_sigma))
    return sampler


def edm_steps(s, denoiser, x):
    """x through all steps of such a scheduler."""
    for i, t in enumerate(s.timesteps):
        scaled, sigma = s.scale_model_input(x, t), s.sigmas[i]
        skip = s.precondition_outputs(x, 0 * x, sigma)                          # c_skip x
        out = s.precondition_outputs(0 * x, 1 + 0 * x, sigma)                   # c_out
        c_in = s.precondition_inputs(1 + 0 * x, sigma)
        F = (denoiser(scaled / c_in, float(sigma)) - skip) / out
        x = s.step(F, t, x).prev_sample
    return x


def on_given_levels(cls, settings, flow):
    """(sampler, options) for levels that the check gives, in float64."""
    steps, options = given_steps(cls, flow)

    def sampler(model, x, levels, rng):
        with in_double(cls):
            return steps(cls, settings, model, x, levels)
    return sampler, {"framework": "torch"} | options


def given_steps(cls, flow):
    """The loop for a scheduler's kind of state and levels, and options."""
    if cls.__name__ in TABLES:
        return by_table, {"coordinates": "vp", "predicts": "eps"}
    if cls.__name__ in ANGLES:
        return by_angle, {"coordinates": "vp", "predicts": "v"}
    if preconditioned(cls):
        return by_edm, {"coordinates": "ve", "predicts": "x0"}
    if flow and cls.__name__.startswith(LINES):
        return by_times, {"coordinates": "flow", "predicts": "velocity"}
    if hasattr(cls, "_sigma_to_alpha_sigma_t"):
        return (by_flow if flow else by_lambda), ({"coordinates": "flow", "predicts": "velocity"}
                                                  if flow else {"coordinates": "vp",
                                                                "predicts": "eps"})
    if hasattr(cls, "scale_model_input") and hasattr(cls, "init_noise_sigma"):
        return by_sigma, {"coordinates": "ve", "predicts": "eps"}
    raise ValueError(f"levels must be \"own\" for {cls.__name__}, which has no place for others")


def ends(cls, settings, last):
    """Settings for levels that end above zero, or there."""
    if "final_sigmas_type" in inspect.signature(cls).parameters and float(last) > 0:
        return {"final_sigmas_type": "sigma_min"} | settings
    return settings


def by_lambda(cls, settings, eps, x, table):
    """Solvers in half the log of the signal-to-noise ratio: state in vp, sigmas of ve."""
    import torch
    sigmas = torch.flip(((1 - table) / table)**0.5, (0,))
    return indexed(cls, ends(cls, settings, sigmas[-1]), eps, x, sigmas, torch.flip(table, (0,)))


def by_flow(cls, settings, velocity, x, ts):
    """The same on the straight line."""
    return indexed(cls, ends(cls, settings, ts[-1]), velocity, x, ts.clone(), ts)


def indexed(cls, settings, model, x, sigmas, levels):
    """One call of the model a step, at the level of the step's index."""
    import torch
    n = len(sigmas) - 1
    s = made(cls, settings, min(n, 500), x)
    s.num_inference_steps = n
    s.sigmas, s.timesteps = sigmas, torch.arange(n)
    if hasattr(s, "order_list"):
        s.order_list = s.get_order_list(n)
    for i in range(n):
        x = s.step(model(x, levels[i]), s.timesteps[i], x).prev_sample
    return x


def by_sigma(cls, settings, eps, x, sigmas):
    """Solvers of k-diffusion's kind: state in ve, their timesteps are made the sigmas."""
    if "use_exponential_sigmas" in inspect.signature(cls).parameters:
        if float(sigmas[-1]) > 0:
            raise ValueError("the last sigma must be 0 for this scheduler")
        given = sigmas[:-1].numpy()
        s = made(cls, {"use_exponential_sigmas": True} | settings, 2, x)
        s._convert_to_exponential = lambda *_, **__: given
        s._sigma_to_t = lambda sigma, *_: np.asarray(sigma)
        s.set_timesteps(len(given))
    else:
        s = made(cls, settings, min(len(sigmas) - 1, 500), x)
        s.sigmas, s.timesteps = sigmas.clone(), sigmas[:-1].clone()
        s.num_inference_steps = len(s.timesteps)
    for t in s.timesteps:
        x_in = s.scale_model_input(x, t) * (1 + t**2)**0.5
        x = s.step(eps(x_in, t), t, x).prev_sample
    return x


def by_table(cls, settings, eps, x, table):
    """Every step of a table of that many steps."""
    n = len(table) - 1
    s = made(cls, {"num_train_timesteps": n, "trained_betas": [0.5] * n} | settings, n, x)
    s.alphas_cumprod, s.final_alpha_cumprod = table[1:], table[0]
    s.one, s.betas, s.alphas = table[0], 1 - table[1:] / table[:-1], table[1:] / table[:-1]
    for t in s.timesteps:
        x = s.step(eps(x, s.alphas_cumprod[t]), t, x).prev_sample
    return x


def by_angle(cls, settings, v, x, table):
    """Levels as angles, alpha = cos and beta = sin."""
    import torch
    s, table = made(cls, settings, len(table) - 1, x), torch.flip(table, (0,))
    s.alphas, s.betas = table**0.5, (1 - table)**0.5
    s.timesteps = torch.atan2(s.betas, s.alphas)[:-1] / math.pi * 2
    for t, level in zip(s.timesteps, table):
        x = s.step(v(x, level), t, x).prev_sample
    return x


def by_edm(cls, settings, denoiser, x, sigmas):
    """EDM's schedulers."""
    s = made(cls, ends(cls, settings, sigmas[-1]), len(sigmas) - 1, x)
    s.sigmas, s.timesteps = sigmas.clone(), s.precondition_noise(sigmas[:-1])
    return edm_steps(s, denoiser, x)


def by_times(cls, settings, velocity, x, ts):
    """Schedulers of the straight line, whose timesteps are made the times."""
    n = len(ts) - 1
    s = made(cls, settings, min(n, 500), x)
    twice = ts[1:-1].repeat_interleave(2)
    heun = len(s.timesteps) > len(s.sigmas.unique()) - 1
    import torch
    s.sigmas = torch.cat([ts[:1], twice, ts[-1:]]) if heun else ts.clone()
    s.timesteps = torch.cat([ts[:1], twice]) if heun else ts[:-1].clone()
    s.num_inference_steps = n
    for t in s.timesteps:
        x = s.step(velocity(x, t), t, x).prev_sample
    return x


@contextlib.contextmanager
def in_double(cls):
    """Read float32 as float64 in the modules of a class and its bases, and by default."""
    import torch
    modules = {sys.modules[c.__module__] for c in cls.__mro__ if "diffusers" in c.__module__}
    before = [(m, name, vars(m)[name]) for m in modules for name in ("torch", "np")
              if name in vars(m)]
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    for module, name, library in before:
        setattr(module, name, Double(library))
    try:
        yield
    finally:
        torch.set_default_dtype(default)
        for module, name, library in before:
            setattr(module, name, library)


class Double:
    """A library whose float32 is float64."""

    def __init__(self, library):
        self.library, self.float32 = library, library.float64

    def __getattr__(self, name):
        return getattr(self.library, name)
