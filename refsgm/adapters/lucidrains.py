"""denoising_diffusion_pytorch (lucidrains): its samplers, and its training steps.

    GaussianDiffusion    vp, its own table; all steps, or DDIM's on some of them
    ElucidatedDiffusion  ve, EDM's network F(c_in x, log(sigma) / 4) with sigma_data = 1/2
    ContinuousTimeGaussianDiffusion, VParam...  vp, on its log of the signal-to-noise ratio

They clip their x_0 to [-1, 1], for pixels; data here have no ends, so that is switched off. The
modules are loaded by themselves, and need no torchvision.
"""

import contextlib
import importlib
import inspect
import types
from unittest import mock

from .modules import instead, module_alone

MODULES = {"GaussianDiffusion": "denoising_diffusion_pytorch",
           "GaussianDiffusion1D": "denoising_diffusion_pytorch_1d",
           "ElucidatedDiffusion": "elucidated_diffusion",
           "ContinuousTimeGaussianDiffusion": "continuous_time_gaussian_diffusion",
           "VParamContinuousTimeGaussianDiffusion": "v_param_continuous_time_gaussian_diffusion",
           "LearnedGaussianDiffusion": "learned_gaussian_diffusion",
           "WeightedObjectiveGaussianDiffusion": "weighted_objective_gaussian_diffusion"}
CONTINUOUS = {"ContinuousTimeGaussianDiffusion": "eps",
              "VParamContinuousTimeGaussianDiffusion": "v"}
BESIDE = ("torchvision", "accelerate", "ema_pytorch")            # what its trainers use alone
PREDICTS = {"pred_noise": "eps", "pred_x0": "x0", "pred_v": "v"}


def class_of(name):
    """A class of the package, and its module.

    Raises ValueError for a name that is not one of MODULES.
    """
    if name not in MODULES:
        raise ValueError(f"name must be one of {', '.join(MODULES)}, got {name!r}")
    with instead(missing()):
        module = module_alone("denoising_diffusion_pytorch", MODULES[name])
    return getattr(module, name), module


def missing():
    """Empty modules for packages that are not installed and that only trainers use."""
    found = {}
    for name in BESIDE:
        try:
            importlib.import_module(name)
        except ImportError:
            found[name] = types.ModuleType(name)
            vars(found[name]).update(transforms=None, utils=None, Accelerator=None, EMA=None)
    return found


def lucid_step(name, settings=None):
    """The training step of a class as check_training takes it: (net, x) -> loss.

    settings  keyword arguments of the class besides the size of the data
    """
    cls, _ = class_of(name)
    sized = "seq_length" if "seq_length" in inspect.signature(cls).parameters else "image_size"

    def loss(net, x):
        return cls(net, **{sized: x.shape[-1]}, **(settings or {}))(x)
    return loss


def names():
    """Those of its classes whose samplers are adapted."""
    return ["GaussianDiffusion", "ElucidatedDiffusion", *CONTINUOUS]


def lucid_sampler(name, settings, levels="own"):
    """A class of names() as check_sampler takes it, and its options.

    settings  keyword arguments of the class; `sampler`, of ElucidatedDiffusion, is "sample" or
              "sample_using_dpmpp"
    """
    if levels != "own":
        raise ValueError(f'levels must be "own" for denoising_diffusion_pytorch, got {levels!r}')
    cls, module = class_of(name)
    options = {"framework": "torch", "levels": "own", "start": "noise"}
    if name == "GaussianDiffusion":
        settings = {"auto_normalize": False} | settings
        kind = PREDICTS[settings.get("objective", "pred_v")]
        return by_table(cls, module, settings), options | {"coordinates": "vp", "predicts": kind}
    if name == "ElucidatedDiffusion":
        return elucidated(cls, module, settings), options | {"predicts": "F"}
    if name in CONTINUOUS:
        return continuous(cls, module, settings), options | {"coordinates": "vp",
                                                             "predicts": CONTINUOUS[name]}
    raise ValueError(f"name must be one of {', '.join(names())} for a sampler, got {name!r}")


def by_table(cls, module, settings):
    """(model, x, n, rng) -> x by n of the steps of the table."""
    def sampler(model, x, n, rng):
        steps, table = settings.get("timesteps", 1000), []
        net = network(lambda x_t, t, *_: model(x_t, float(table[int(t[0])])), x, False)
        d = cls(net, image_size=1, **settings,
                **({"sampling_timesteps": n} if n < steps else {})).to(x.dtype)
        table += d.alphas_cumprod.double().tolist()
        mean, predictions = d.p_mean_variance, d.model_predictions
        d.p_mean_variance = lambda *a, **k: mean(*a, **k | {"clip_denoised": False})
        d.model_predictions = lambda *a, **k: predictions(*a, **k | {"clip_x_start": False})
        with begun(module, x):
            return d.sample(len(x)).flatten(1)
    return sampler


def elucidated(cls, module, settings):
    """(model, x, n, rng) -> x; the end is its last x_0, before it is clipped and mapped."""
    settings = dict(settings)
    method = settings.pop("sampler", "sample")

    def sampler(model, x, n, rng):
        ends = []
        net = network(lambda x_in, noise, *_: model(x_in, float(noise[0])), x, True)
        d = cls(net, image_size=1, channels=x.shape[1], **settings)
        forward = d.preconditioned_network_forward

        def kept(*args, **kwargs):
            ends.append(forward(*args, **kwargs | {"clamp": False}))
            return ends[-1]
        d.preconditioned_network_forward = kept
        with begun(module, x):
            getattr(d, method)(len(x), n)
        return ends[-1].flatten(1)
    return sampler


def continuous(cls, module, settings):
    """(model, x, n, rng) -> x; the end is that of its last step, before it is clipped and mapped.
    """
    def sampler(model, x, n, rng):
        ends = []
        net = network(lambda x_t, log_snr, *_: model(x_t, log_snr[0].sigmoid()), x, True)
        d = cls(net, image_size=1, channels=x.shape[1], num_sample_steps=n,
                **{"clip_sample_denoised": False} | settings)
        step = d.p_sample

        def kept(*args, **kwargs):
            ends.append(step(*args, **kwargs))
            return ends[-1].clone()
        d.p_sample = kept
        with begun(module, x):
            d.sample(len(x))
        return ends[-1].flatten(1)
    return sampler


def network(function, x, timed):
    """A network with the attributes that are read of it: data (B, D) come as (B, D, 1, 1)."""
    import torch

    class Network(torch.nn.Module):
        channels = out_dim = x.shape[1]
        self_condition, random_or_learned_sinusoidal_cond = False, timed

        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros((), dtype=x.dtype))

        def forward(self, x_t, *rest):
            return function(x_t.flatten(1), *rest).reshape(x_t.shape)
    return Network()


@contextlib.contextmanager
def begun(module, x):
    """While this lasts the first noise that is drawn is x, later noise comes as (B, D) and is made
    (B, D, 1, 1), and no progress is shown.
    """
    import torch
    draw, like, first = torch.randn, torch.randn_like, [x[:, :, None, None]]

    def randn(*size, **kwargs):
        if first:
            return first.pop()
        shape = tuple(size[0] if len(size) == 1 else size)
        return draw(shape[:2], **kwargs).reshape(shape).to(x)

    def randn_like(y, **kwargs):
        return like(y.flatten(1), **kwargs).reshape(y.shape)
    with (mock.patch.object(torch, "randn", randn),
          mock.patch.object(torch, "randn_like", randn_like),
          mock.patch.object(module, "tqdm", lambda steps, **_: steps)):
        yield
