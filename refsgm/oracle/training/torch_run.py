"""A PyTorch loss, run once on a network that returns what it is told, with its draws read."""

import types
import warnings
from contextlib import contextmanager

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

from .draws import numpy_read, wants_generator
from .record import (Call, Draw, Raised, Run, arranged, first_loss, foreign_step, noisy_part,
                     ravelled, seeded, times_of)

DRAWS = {"randn", "randn_like", "rand", "rand_like", "randint", "randint_like", "normal", "normal_",
         "uniform_", "multinomial", "randperm", "bernoulli", "exponential_", "log_normal_",
         "random_", "bernoulli_", "cauchy_", "_standard_gamma", "_sample_dirichlet"}

HALF = (torch.float16, torch.bfloat16)


class Reader(TorchFunctionMode):
    """Notes every draw, adds the shifts that are asked for, and rewinds generators."""

    def __init__(self, note, generators):
        super().__init__()
        self.note, self.generators, self.begun = note, generators, set()

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if name not in DRAWS:
            return func(*args, **kwargs)
        self.rewind(kwargs.get("generator"))
        out = func(*args, **kwargs)
        if not isinstance(out, torch.Tensor):
            return out
        changed = self.note(name, out)
        if changed is out:
            return out
        with torch.no_grad():
            return out.copy_(changed)

    def rewind(self, generator):
        """A generator that the code holds starts each run in the state in which it was found."""
        if generator is not None and id(generator) not in self.begun:
            self.begun.add(id(generator))
            kept = self.generators.setdefault(id(generator), (generator, generator.get_state()))
            generator.set_state(kept[1])


def served(shape):
    """Attributes that training code reads of a network."""
    config = types.SimpleNamespace(
        in_channels=shape[0], out_channels=shape[0], sample_size=shape[-1], prediction_type=None,
        num_train_timesteps=1000, learn_sigma=False, time_cond_proj_dim=None,
        addition_embed_type=None, cross_attention_dim=None)
    return {"config": config, "device": torch.device("cpu"), "channels": shape[0],
            "in_channels": shape[0], "out_channels": shape[0], "out_dim": shape[0],
            "self_condition": False, "random_or_learned_sinusoidal_cond": False,
            "sigma_data": 0.5, "img_channels": shape[0], "img_resolution": shape[-1],
            "label_dim": 0, "sigma_min": 0.0, "sigma_max": float("inf"), "num_classes": None,
            "image_size": shape[-1], "dim": shape[-1], "seq_len": shape[-1]}


def numbers(a):
    """The numbers of a tensor, or of what is none."""
    return a.detach().cpu().double().numpy() if isinstance(a, torch.Tensor) else a


class Network(torch.nn.Module):
    """The network: answers what it is told, in whatever wrapping is asked for, and notes its calls.

    outs    function of the number of the call -> output (B, *shape), NumPy
    energy  whether it answers the number whose gradient in its input is that output
    """

    def __init__(self, shape, outs, wrap, dtype, energy):
        super().__init__()
        self.__dict__["served"] = served(shape[1:])
        self.weight = torch.nn.Parameter(torch.ones((), dtype=dtype))
        self.shape, self.outs, self.wrap, self.energy, self.calls = shape, outs, wrap, energy, []

    def __getattr__(self, name):
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name == "dtype" and "weight" in self._parameters:
                return self.weight.dtype
            table = self.__dict__.get("served", {})
            if name in table:
                return table[name]
            raise

    def forward(self, *args, **kwargs):
        x, times = arranged(args, kwargs, self.shape, lambda a: isinstance(a, torch.Tensor))
        out = torch.tensor(self.outs(len(self.calls)), dtype=x.dtype, device=x.device)
        if x.numel() == out.numel():
            out = out.reshape(x.shape)
        given = out.clone().requires_grad_(True)
        with torch.no_grad():
            noisy, beside = noisy_part(x.detach().cpu().double().numpy(), self.shape)
        told = times_of(times, len(out), beside, numbers)
        self.calls.append((noisy, told, len(args) + len(kwargs) > 1, given))
        shown = given.clone()
        if self.energy:
            shown = (shown * x).flatten(1).sum(1)
        return self.wrap(shown, kwargs)


@contextmanager
def settled(seed, dtype):
    """Seed and default dtype for a while."""
    kept = torch.get_rng_state(), torch.get_default_dtype()
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_available():
        torch.cuda.manual_seed_all(seed)
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_rng_state(kept[0])
        torch.set_default_dtype(kept[1])


def torch_run(loss, x, outs, seed, shifts, wrap, single, generators):
    """Run `loss(net, x)` once; a `Run`.

    outs, shifts  output by the number of the call; what is added to a draw, by its number
    generators    states of generators that are passed, kept from run to run
    """
    dtype = torch.float32 if single else torch.float64
    draws = []

    def note(name, value):
        is_tensor = isinstance(value, torch.Tensor)
        array = value.detach().cpu().float().numpy() if is_tensor and value.dtype in HALF else (
            np.asarray(value.detach().cpu() if is_tensor else value))
        shift = shifts.get(len(draws))
        draws.append(Draw(name, array.astype(float)))
        if shift is None:
            return value
        shift = ravelled(shift, array.shape)
        if is_tensor:
            return value + torch.tensor(shift, dtype=value.dtype, device=value.device)
        return value + shift
    data = torch.tensor(x, dtype=dtype)
    with seeded(seed), settled(seed, dtype), numpy_read(note, loss, seed):
        net = Network(x.shape, outs, wrap[1], dtype, wrap[0] == "energy")
        net.served["random_or_learned_sinusoidal_cond"] = wrap[0] == "timed"
        given = data.clone()
        rest = [torch.Generator().manual_seed(seed)] if wants_generator(loss) else []
        with foreign_step():
            with warnings.catch_warnings(), torch.enable_grad(), Reader(note, generators):
                warnings.simplefilter("ignore", UserWarning)   # wrappings are tried that do not fit
                value = loss(net, given, *rest)
        value = first_loss(value, lambda a: isinstance(a, torch.Tensor))
        outputs = [call[3] for call in net.calls]
        grads = gradients(value, outputs)
    number = 0.0 if value is None else float(
        value.detach().double().sum() if isinstance(value, torch.Tensor) else value)
    rows = tuple(value.shape) if isinstance(value, torch.Tensor) else ()
    calls = [Call(n, t, e, None if g is None else g.cpu().double().numpy().reshape(x.shape))
             for (n, t, e, _), g in zip(net.calls, grads)]
    return Run(number, calls, draws, rows, not torch.equal(given.detach(), data))


def gradients(value, outputs):
    """d value / d output for each output, or None; a step that called backward() has left them."""
    done = [o.grad for o in outputs]
    if any(g is not None for g in done):
        return done
    if not isinstance(value, torch.Tensor) or not value.requires_grad or not outputs:
        return [None] * len(outputs)
    try:
        return list(torch.autograd.grad(value.sum(), outputs, allow_unused=True))
    except RuntimeError as error:
        raise Raised(f"RuntimeError: {error}") from error


def shown(out, kwargs):
    """The tensor itself; objects of libraries have it as .sample or .prediction, or in a tuple."""
    if kwargs.get("return_dict") is False:
        return (out,)
    out.sample = out.prediction = out.logits = out.pred = out
    return out


WRAPS = [("tensor", shown), ("tuple", lambda out, kwargs: (out,)),
         ("pair", lambda out, kwargs: (out, torch.zeros_like(out))),
         ("dict", lambda out, kwargs: {"sample": out, "out": out, "x": out, "pred": out}),
         ("doubled", lambda out, kwargs: torch.cat([out, torch.zeros_like(out)], 1)),
         ("timed", shown),
         ("energy", lambda out, kwargs: out),
         ("energy", lambda out, kwargs: out[:, None])]
PRECISIONS = (False, True)


def run(loss, x, outs, seed, shifts, *, wrap, single, kept):
    """`torch_run` with keywords, as the other frameworks have it."""
    return torch_run(loss, x, outs, seed, shifts, wrap, single, kept)
