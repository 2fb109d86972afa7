"""Runs the oracle over public implementations, and writes docs/peers.md.

    pip install torch diffusers jax k-diffusion denoising-diffusion-pytorch azula smalldiffusion
    pip install score-models diffusionjax blackjax labml-nn monai bionemo-moco treeffuser
    pip install flow-matching sbi deepinv
    python ledgers/peers.py [--page docs/peers.md]

Each adapter calls the peer's own function with the oracle's numbers: it sets the noise levels where
the peer keeps its table, and puts the oracle's noise where the peer draws its own. Where a peer has
other coordinates or another letter for the same thing, the adapter translates, and says so. A
package that is not installed is left out.
"""

import argparse
import contextlib
import importlib
import importlib.metadata
import inspect
import math
import os
import re
import warnings
from types import SimpleNamespace
from typing import NamedTuple

os.environ["JAX_ENABLE_X64"] = "1"

import numpy as np  # noqa: E402, after JAX's setting

import refsgm  # noqa: E402, after JAX's setting

warnings.simplefilter("ignore")


class Peer(NamedTuple):
    """One function of a public package before the oracle.

    package   its name on PyPI;  target  "module:qualified.name" of what is judged
    kind      the contract;  adapter  a function of the target that gives what check takes
    options   of check: framework, levels, event_shape, dtype
    note      what was found by reading its source, for the page
    """

    package: str
    target: str
    kind: str
    adapter: object
    options: dict
    note: str = ""


PEERS = []
TORCH = {"framework": "torch", "levels": "scalar"}


def peer(package, target, kind, note="", **options):
    """Enter the adapter below: (what is judged) -> (what check takes)."""
    def enter(adapter):
        PEERS.append(Peer(package, target, kind, adapter, TORCH | options, note))
        return adapter
    return enter


@contextlib.contextmanager
def put(owner, **values):
    """Attributes of a module or an object for the while."""
    before = {name: getattr(owner, name) for name in values}
    try:
        for name, value in values.items():
            setattr(owner, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(owner, name, value)


def drawing(z, *names):
    """torch draws z, whichever of its functions is asked."""
    import torch
    return put(torch, **{name: lambda *args, **kwargs: z for name in names or (
        "randn_like", "randn")})


def bare(cls, **values):
    """An object of a class without its constructor, with these attributes."""
    one = object.__new__(cls)
    if hasattr(cls, "register_buffer"):
        import torch
        torch.nn.Module.__init__(one)
    for name, value in values.items():
        object.__setattr__(one, name, value)
    return one


def stack(*levels):
    """Levels as a table."""
    import torch
    return torch.stack([torch.as_tensor(a, dtype=levels[-1].dtype) for a in levels])


def module_of(target):
    """The module that a target's function lives in."""
    return importlib.import_module(target.__module__)


# diffusers ----------------------------------------------------------------------------------------

SCHEDULERS = "diffusers.schedulers.scheduling_"


def diffusers_ddpm(cls, clip):
    """DDPMScheduler.step on a table of the two levels; at alpha_bar_s = 1 it is its timestep 0."""
    def fn(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
        last = bool(alpha_bar_s == 1)
        table = stack(alpha_bar_t) if last else stack(alpha_bar_s, alpha_bar_t)
        kind = "fixed_small" if variance == "posterior" else "fixed_large"
        scheduler = cls(num_train_timesteps=len(table), variance_type=kind, **clip)
        scheduler.alphas_cumprod = table
        with put(module_of(cls), randn_tensor=lambda *args, **kwargs: z):
            return scheduler.step(eps, 0 if last else 1, x_t).prev_sample
    return fn


@peer("diffusers", SCHEDULERS + "ddpm:DDPMScheduler.step", "ddpm_step",
      "as constructed by default: `clip_sample=True` clips x_0 to [-1, 1], the range of images")
def _(step):
    from diffusers import DDPMScheduler
    return diffusers_ddpm(DDPMScheduler, {})


@peer("diffusers", SCHEDULERS + "ddpm:DDPMScheduler.step", "ddpm_step", "with `clip_sample=False`")
def _(step):
    from diffusers import DDPMScheduler
    return diffusers_ddpm(DDPMScheduler, {"clip_sample": False})


def diffusers_ddim(clip):
    """DDIMScheduler.step on a table of the two levels."""
    def fn(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
        from diffusers import DDIMScheduler
        scheduler = DDIMScheduler(num_train_timesteps=2, **clip)
        scheduler.alphas_cumprod, scheduler.num_inference_steps = stack(alpha_bar_s, alpha_bar_t), 2
        return scheduler.step(eps, 1, x_t, eta=eta, variance_noise=z).prev_sample
    return fn


@peer("diffusers", SCHEDULERS + "ddim:DDIMScheduler.step", "ddim_step",
      "as constructed by default: `clip_sample=True` clips x_0 to [-1, 1], and eps is kept unless "
      "`use_clipped_model_output` is set")
def _(step):
    return diffusers_ddim({})


@peer("diffusers", SCHEDULERS + "ddim:DDIMScheduler.step", "ddim_step", "with `clip_sample=False`")
def _(step):
    return diffusers_ddim({"clip_sample": False})


@peer("diffusers", SCHEDULERS + "ddpm:DDPMScheduler.add_noise", "diffuse")
def _(add_noise):
    import torch
    from diffusers import DDPMScheduler

    def fn(x_0, alpha_bar_t, eps):
        scheduler = DDPMScheduler(num_train_timesteps=1)
        scheduler.alphas_cumprod = stack(alpha_bar_t)
        return scheduler.add_noise(x_0, eps, torch.zeros(len(x_0), dtype=torch.long))
    return fn


@peer("diffusers", SCHEDULERS + "ddpm:DDPMScheduler.get_velocity", "v_from_x0_eps",
      "called with scale and sigma divided by sqrt(scale^2 + sigma^2), as it is for VP alone")
def _(get_velocity):
    import torch
    from diffusers import DDPMScheduler

    def fn(x_0, eps, scale, sigma):
        scheduler, r = DDPMScheduler(num_train_timesteps=1), torch.sqrt(scale**2 + sigma**2)
        scheduler.alphas_cumprod = stack((scale / r)**2)
        return r * scheduler.get_velocity(x_0, eps, torch.zeros(len(x_0), dtype=torch.long))
    return fn


def at_levels(cls, *sigmas, **config):
    """A scheduler of the k-diffusion family at the first of these noise levels."""
    import torch
    scheduler = cls(**config)
    scheduler.sigmas, scheduler.timesteps = stack(*sigmas), torch.arange(float(len(sigmas)))
    scheduler.num_inference_steps, scheduler.is_scale_input_called = len(sigmas) - 1, True
    scheduler._step_index = 0
    return scheduler


FLOAT32 = "it computes in float32 whatever comes, and is judged in float32"


@peer("diffusers", SCHEDULERS + "euler_discrete:EulerDiscreteScheduler.step",
      "ve_probability_flow_step", FLOAT32, dtype="float32")
def _(step):
    from diffusers import EulerDiscreteScheduler

    def fn(x_t, score, sigma_t, sigma_s):
        scheduler = at_levels(EulerDiscreteScheduler, sigma_t, sigma_s)
        return scheduler.step(-sigma_t * score, scheduler.timesteps[0], x_t).prev_sample
    return fn


@peer("diffusers", SCHEDULERS + "euler_ancestral_discrete:EulerAncestralDiscreteScheduler.step",
      "ve_ancestral_step", FLOAT32, dtype="float32")
def _(step):
    from diffusers import EulerAncestralDiscreteScheduler as Euler

    def fn(x_t, score, sigma_t, sigma_s, z):
        scheduler = at_levels(Euler, sigma_t, sigma_s)
        with put(module_of(Euler), randn_tensor=lambda *args, **kwargs: z):
            return scheduler.step(-sigma_t * score, scheduler.timesteps[0], x_t).prev_sample
    return fn


@peer("diffusers", SCHEDULERS + "heun_discrete:HeunDiscreteScheduler.step", "heun_step",
      "two calls of step for one step; the last one, to sigma = 0, is one call, as in its loop")
def _(step):
    from diffusers import HeunDiscreteScheduler

    def fn(score_fn, x_t, sigma_t, sigma_s):
        scheduler = at_levels(HeunDiscreteScheduler, sigma_t, sigma_s, sigma_s)
        scheduler.prev_derivative = scheduler.dt = None
        x = scheduler.step(-sigma_t * score_fn(x_t, sigma_t), scheduler.timesteps[0],
                           x_t).prev_sample
        if sigma_s == 0:
            return x
        return scheduler.step(-sigma_s * score_fn(x, sigma_s), scheduler.timesteps[1],
                              x).prev_sample
    return fn


@peer("diffusers", SCHEDULERS
      + "dpmsolver_multistep:DPMSolverMultistepScheduler.dpm_solver_first_order_update",
      "ve_probability_flow_step", "DPM-Solver++ of order 1; the state is divided by "
      "sqrt(1 + sigma^2) before and multiplied after, as the scheduler is VP")
def _(update):
    import torch
    from diffusers import DPMSolverMultistepScheduler

    def fn(x_t, score, sigma_t, sigma_s):
        scheduler = at_levels(DPMSolverMultistepScheduler, sigma_t, sigma_s)
        x_0 = x_t + sigma_t**2 * score
        x = scheduler.dpm_solver_first_order_update(x_0, sample=x_t / torch.sqrt(1 + sigma_t**2))
        return x * torch.sqrt(1 + sigma_s**2)
    return fn


@peer("diffusers", SCHEDULERS + "sde_ve:ScoreSdeVeScheduler.step_pred", "ve_reverse_sde_step")
def _(step_pred):
    import torch
    from diffusers import ScoreSdeVeScheduler as Scheduler

    def fn(x_t, score, sigma_t, sigma_s, z):
        scheduler = Scheduler(num_train_timesteps=2)
        scheduler.discrete_sigmas = stack(sigma_s, sigma_t)
        scheduler.timesteps = torch.tensor([1.0, 0.0])
        with put(module_of(Scheduler), randn_tensor=lambda *args, **kwargs: z):
            return scheduler.step_pred(score, torch.tensor(1.0), x_t).prev_sample
    return fn


@peer("diffusers", SCHEDULERS + "euler_discrete:EulerDiscreteScheduler._convert_to_karras",
      "karras_sigmas", "rho is 7, as it is in refsgm unless another is given")
def _(convert):
    import torch
    from diffusers import EulerDiscreteScheduler

    def fn(sigma_max, sigma_min, n_levels):
        return EulerDiscreteScheduler()._convert_to_karras(
            torch.tensor([sigma_max, sigma_min], dtype=torch.float64), n_levels)
    return fn


@peer("diffusers", SCHEDULERS + "ddpm:betas_for_alpha_bar", "cosine_alpha_bar",
      "betas in float32, accumulated by the adapter")
def _(betas_for_alpha_bar):
    import torch

    def fn(n_steps):
        return torch.cat([torch.ones(1), torch.cumprod(1 - betas_for_alpha_bar(n_steps), 0)])
    return fn


@peer("diffusers", "diffusers.training_utils:compute_snr", "signal_to_noise_ratio",
      "it returns float32")
def _(compute_snr):
    import torch
    return lambda alpha_bar: compute_snr(SimpleNamespace(alphas_cumprod=stack(alpha_bar)),
                                         torch.zeros(1, dtype=torch.long))[0]


@peer("diffusers", SCHEDULERS + "edm_euler:EDMEulerScheduler.precondition_outputs",
      "edm_preconditioning")
def _(precondition_outputs):
    import torch
    from diffusers import EDMEulerScheduler

    def fn(sigma, sigma_data):
        scheduler = EDMEulerScheduler(sigma_data=sigma_data)
        zero, one = torch.zeros_like(sigma), torch.ones_like(sigma)
        return (scheduler.precondition_outputs(one, zero, sigma),
                scheduler.precondition_outputs(zero, one, sigma),
                scheduler.precondition_inputs(one, sigma), scheduler.precondition_noise(sigma))
    return fn


# k-diffusion --------------------------------------------------------------------------------------

def denoiser(score_fn):
    """D(x, sigma) = x + sigma^2 score, for levels that come as (B,)."""
    return lambda x, sigma: x + sigma[:, None]**2 * score_fn(x, sigma[:, None])


@peer("k-diffusion", "k_diffusion.sampling:get_sigmas_karras", "karras_sigmas",
      "without the zero that it appends; in float32")
def _(get_sigmas):
    return lambda high, low, n, rho=7.0: get_sigmas(n, low, high, rho)[:-1]


@peer("k-diffusion", "k_diffusion.sampling:get_sigmas_exponential", "geometric_sigmas",
      "without the zero that it appends; in float32")
def _(get_sigmas):
    return lambda high, low, n: get_sigmas(n, low, high)[:-1]


def k_value(score):
    """A denoiser that has the value of the score, for one step."""
    return lambda x, sigma: x + sigma[:, None]**2 * score


@peer("k-diffusion", "k_diffusion.sampling:sample_euler", "ve_probability_flow_step")
def _(sample):
    return lambda x, score, a, b: sample(k_value(score), x, stack(a, b), disable=True)


@peer("k-diffusion", "k_diffusion.sampling:sample_euler_ancestral", "ve_ancestral_step")
def _(sample):
    return lambda x, score, a, b, z: sample(k_value(score), x, stack(a, b), disable=True,
                                            noise_sampler=lambda *_: z)


@peer("k-diffusion", "k_diffusion.sampling:sample_heun", "heun_step")
def _(sample):
    return lambda score_fn, x, a, b: sample(denoiser(score_fn), x, stack(a, b), disable=True)


@peer("k-diffusion", "k_diffusion.external:VDenoiser.forward", "x0_from_v",
      "called in VE coordinates: x_t / scale, sigma / scale, and v / sqrt(scale^2 + sigma^2)")
def _(forward):
    import torch
    from k_diffusion.external import VDenoiser

    def fn(x_t, v, scale, sigma):
        model = VDenoiser(lambda x, t: v / torch.sqrt(scale**2 + sigma**2))
        return model(x_t / scale, (sigma / scale).expand(len(x_t)))
    return fn


@peer("k-diffusion", "k_diffusion.external:DiscreteEpsDDPMDenoiser.loss", "noise_prediction_loss",
      "the mean over features is taken")
def _(loss):
    import torch
    from k_diffusion.external import DiscreteEpsDDPMDenoiser

    def fn(eps_fn, x, sigma, eps):
        rate = 1 / torch.sqrt(1 + sigma**2)
        model = DiscreteEpsDDPMDenoiser(lambda x_in, t: eps_fn(x_in / rate, sigma),
                                        torch.tensor([0.9, 0.5]), False)
        return model.loss(x, eps, sigma.expand(len(x)))
    return fn


@peer("k-diffusion", "k_diffusion.sampling:log_likelihood", "log_likelihood",
      "the mean over all 2^D sign vectors that its Hutchinson estimate may draw, which is exact")
def _(log_likelihood):
    import itertools

    import torch

    def fn(score_fn, x, sigma_min, sigma_max):
        total = 0.0
        for signs in itertools.product([0.0, 1.0], repeat=x.shape[1]):
            bits = torch.tensor(signs, dtype=x.dtype).expand(x.shape)
            with put(torch, randint_like=lambda *args, bits=bits, **kwargs: bits):
                total = total + log_likelihood(denoiser(score_fn), x, sigma_min, sigma_max,
                                               atol=1e-8, rtol=1e-8)[0]
        return total / 2**x.shape[1]
    return fn


# denoising-diffusion-pytorch ----------------------------------------------------------------------

DDP = "denoising_diffusion_pytorch.denoising_diffusion_pytorch:"


def gaussian_diffusion(table, **values):
    """GaussianDiffusion with alphas_cumprod = table, its buffers by its own constructor."""
    import torch
    from denoising_diffusion_pytorch import denoising_diffusion_pytorch as ddp
    model = torch.nn.Module()
    model.channels = model.out_dim = 1
    model.self_condition = model.random_or_learned_sinusoidal_cond = False
    betas = 1 - table / torch.cat([torch.ones(1, dtype=table.dtype), table[:-1]])
    with put(ddp, linear_beta_schedule=lambda *args, **kwargs: betas):
        diffusion = ddp.GaussianDiffusion(model, image_size=2, timesteps=len(table),
                                          beta_schedule="linear", auto_normalize=False, **values)
    return diffusion.to(table.dtype)


def at(n, t):
    """The time index of a batch."""
    import torch
    return torch.full((n,), t, dtype=torch.long)


def image(x):
    """A batch (B, D) as (B, 1, 1, D)."""
    return x[:, None, None]


def flat(x):
    """And back."""
    return x.reshape(len(x), -1)


SINGLE = "its buffers are float32"


@peer("denoising-diffusion-pytorch", DDP + "GaussianDiffusion.p_sample", "ddpm_step",
      "x_0 is clipped to [-1, 1], whatever the data; " + SINGLE, dtype="float32")
def _(p_sample):
    def fn(x_t, eps, alpha_bar_t, alpha_bar_s, z):
        last = bool(alpha_bar_s == 1)
        model = gaussian_diffusion(stack(alpha_bar_t) if last else stack(alpha_bar_s, alpha_bar_t),
                                   objective="pred_noise")
        object.__setattr__(model, "model", lambda *args: eps)
        with drawing(z):
            return model.p_sample(x_t, 0 if last else 1)[0].clone()
    return fn


@peer("denoising-diffusion-pytorch", DDP + "GaussianDiffusion.q_posterior", "posterior", SINGLE,
      dtype="float32")
def _(q_posterior):
    def fn(x_0, x_t, alpha_bar_t, alpha_bar_s):
        last = bool(alpha_bar_s == 1)
        model = gaussian_diffusion(stack(alpha_bar_t) if last else stack(alpha_bar_s, alpha_bar_t))
        mean, variance, _ = model.q_posterior(x_0, x_t, at(len(x_t), 0 if last else 1))
        return mean, variance[0, 0]
    return fn


@peer("denoising-diffusion-pytorch", DDP + "GaussianDiffusion.q_sample", "diffuse", SINGLE,
      dtype="float32")
def _(q_sample):
    return lambda x, a, eps: gaussian_diffusion(stack(a)).q_sample(x, at(len(x), 0), eps)


@peer("denoising-diffusion-pytorch", DDP + "GaussianDiffusion.p_losses", "ddpm_loss",
      "the mean over features is taken; " + SINGLE, dtype="float32")
def _(p_losses):
    def fn(eps_fn, x_0, alpha_bar_t, eps):
        model = gaussian_diffusion(stack(alpha_bar_t), objective="pred_noise")
        object.__setattr__(model, "model", lambda x, t, _: image(eps_fn(flat(x), alpha_bar_t)))
        return model.p_losses(image(x_0), at(len(x_0), 0), image(eps), loss_reduction="none")
    return fn


@peer("denoising-diffusion-pytorch", DDP + "GaussianDiffusion.__init__", "min_snr_weight",
      "its `loss_weight`; " + SINGLE, dtype="float32")
def _(init):
    def fn(alpha_bar, gamma, prediction):
        name = {"eps": "pred_noise", "x0": "pred_x0", "v": "pred_v"}[prediction]
        return gaussian_diffusion(stack(alpha_bar), objective=name, min_snr_loss_weight=True,
                                  min_snr_gamma=gamma).loss_weight[0]
    return fn


@peer("denoising-diffusion-pytorch", DDP + "cosine_beta_schedule", "cosine_alpha_bar",
      "betas accumulated by the adapter")
def _(cosine_beta_schedule):
    import torch

    def fn(n_steps, offset=0.008):
        betas = cosine_beta_schedule(n_steps, offset)
        return torch.cat([torch.ones(1, dtype=betas.dtype), torch.cumprod(1 - betas, 0)])
    return fn


@peer("denoising-diffusion-pytorch", DDP + "linear_beta_schedule", "linear_betas",
      "it multiplies DDPM's ends by 1000 / T, by design: equal at T = 1000")
def _(linear_beta_schedule):
    return lambda n_steps: linear_beta_schedule(n_steps)


EDM = "denoising_diffusion_pytorch.elucidated_diffusion:ElucidatedDiffusion."


@peer("denoising-diffusion-pytorch", EDM + "c_skip", "edm_preconditioning")
def _(c_skip):
    from denoising_diffusion_pytorch.elucidated_diffusion import ElucidatedDiffusion

    def fn(sigma, sigma_data):
        model = bare(ElucidatedDiffusion, sigma_data=sigma_data)
        return (model.c_skip(sigma), model.c_out(sigma), model.c_in(sigma), model.c_noise(sigma))
    return fn


@peer("denoising-diffusion-pytorch", EDM + "loss_weight", "edm_weight")
def _(loss_weight):
    return lambda sigma, sigma_data: loss_weight(SimpleNamespace(sigma_data=sigma_data), sigma)


@peer("denoising-diffusion-pytorch", EDM + "sample_schedule", "karras_sigmas",
      "without the zero that it appends; in float32")
def _(sample_schedule):
    return lambda high, low, n, rho=7.0: sample_schedule(SimpleNamespace(
        sigma_max=high, sigma_min=low, rho=rho, num_sample_steps=n, device="cpu"), n)[:-1]


CONTINUOUS = "denoising_diffusion_pytorch.continuous_time_gaussian_diffusion:"


@peer("denoising-diffusion-pytorch", CONTINUOUS + "ContinuousTimeGaussianDiffusion.p_mean_variance",
      "ddpm_step", "with `clip_sample_denoised=False`")
def _(p_mean_variance):
    import torch

    def fn(x_t, eps, alpha_bar_t, alpha_bar_s, z):
        me = SimpleNamespace(log_snr=lambda a: torch.log(a / (1 - a)), model=lambda *_: eps,
                             clip_sample_denoised=False)
        mean, variance = p_mean_variance(me, x_t, alpha_bar_t, alpha_bar_s)
        return mean + torch.sqrt(variance) * z
    return fn


# azula --------------------------------------------------------------------------------------------

def azula(cls, vp, **options):
    """A sampler of azula whose schedule returns the levels that it is given as times."""
    import torch

    def schedule(t):
        return (torch.sqrt(t), torch.sqrt(1 - t)) if vp else (torch.ones_like(t), t)

    class Denoiser:
        def __call__(self, x, t):
            alpha, sigma = schedule(t)
            return SimpleNamespace(mean=(x - sigma * self.eps(x, t)) / alpha)
    model = Denoiser()
    model.schedule = schedule
    return cls(model, **options), model


@peer("azula", "azula.sample:DDPMSampler.step", "ddpm_step")
def _(step):
    from azula.sample import DDPMSampler

    def fn(x_t, eps, alpha_bar_t, alpha_bar_s, z):
        sampler, model = azula(DDPMSampler, True)
        model.eps = lambda x, t: eps
        with drawing(z):
            return sampler.step(x_t, alpha_bar_t, alpha_bar_s)
    return fn


@peer("azula", "azula.sample:DDIMSampler.step", "ddim_step",
      "its eta is the share of the variance, not of the standard deviation, as its docstring says: "
      "sqrt(eta) of it is the paper's; equal at 0 and 1")
def _(step):
    from azula.sample import DDIMSampler

    def fn(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
        sampler, model = azula(DDIMSampler, True, eta=eta)
        model.eps = lambda x, t: eps
        with drawing(z):
            return sampler.step(x_t, alpha_bar_t, alpha_bar_s)
    return fn


@peer("azula", "azula.sample:EulerSampler.step", "ve_probability_flow_step")
def _(step):
    from azula.sample import EulerSampler

    def fn(x_t, score, sigma_t, sigma_s):
        sampler, model = azula(EulerSampler, False)
        model.eps = lambda x, t: -t * score
        return sampler.step(x_t, sigma_t, sigma_s)
    return fn


@peer("azula", "azula.sample:HeunSampler.step", "heun_step",
      "0 / 0 in a step to sigma = 0, which its schedules do not take: they end at sigma_min > 0")
def _(step):
    from azula.sample import HeunSampler

    def fn(score_fn, x_t, sigma_t, sigma_s):
        sampler, model = azula(HeunSampler, False)
        model.eps = lambda x, t: -t * score_fn(x, t)
        return sampler.step(x_t, sigma_t, sigma_s)
    return fn


@peer("azula", "azula.noise:VESchedule.sigma", "ve_marginal")
def _(sigma):
    return lambda t, low, high: sigma(SimpleNamespace(sigma_min=low, sigma_max=high), t)


# smalldiffusion -----------------------------------------------------------------------------------

def small_step(mu):
    """One step of smalldiffusion's sampler."""
    import torch
    from smalldiffusion.diffusion import samples

    def fn(x_t, score, sigma_t, sigma_s, z=None):
        model = SimpleNamespace(eval=lambda: None, rand_input=lambda n: z if mu else 0 * x_t,
                                predict_eps_cfg=lambda x, sigma, *_: -sigma * score)
        return next(samples(model, torch.stack([sigma_t, sigma_s]), mu=mu, xt=x_t,
                            accelerator=SimpleNamespace(device="cpu")))
    return fn


@peer("smalldiffusion", "smalldiffusion.diffusion:samples", "ve_ancestral_step",
      "gam = 1, mu = 1/2")
def _(samples):
    step = small_step(0.5)
    return lambda x_t, score, sigma_t, sigma_s, z: step(x_t, score, sigma_t, sigma_s, z)


@peer("smalldiffusion", "smalldiffusion.diffusion:samples", "ve_probability_flow_step",
      "gam = 1, mu = 0")
def _(samples):
    step = small_step(0.0)
    return lambda x_t, score, sigma_t, sigma_s: step(x_t, score, sigma_t, sigma_s)


@peer("smalldiffusion", "smalldiffusion.model:ModelMixin.get_loss", "noise_prediction_loss",
      "the mean over features is taken")
def _(get_loss):
    return lambda eps_fn, x, sigma, eps: get_loss(lambda x, sigma, cond=None: eps_fn(x, sigma),
                                                  x, sigma, eps)


@peer("smalldiffusion", "smalldiffusion.diffusion:sigmas_from_betas", "sigma_from_alpha_bar",
      "called with one beta, 1 - alpha_bar")
def _(sigmas_from_betas):
    return lambda alpha_bar: sigmas_from_betas(stack(1 - alpha_bar))[0]


@peer("smalldiffusion", "smalldiffusion.diffusion:ScheduleLogLinear", "geometric_sigmas",
      "ascending: its index is the time; in float32")
def _(schedule):
    return lambda high, low, n: schedule(n, low, high).sigmas


# score-models -------------------------------------------------------------------------------------

@peer("score-models", "score_models.sde.vesde:VESDE.sigma", "ve_marginal")
def _(sigma):
    from score_models.sde import VESDE
    return lambda t, low, high: VESDE(low, high).sigma(t)


@peer("score-models", "score_models.sde.vesde:VESDE.diffusion", "ve_diffusion_coefficient")
def _(diffusion):
    from score_models.sde import VESDE
    return lambda t, low, high: VESDE(low, high).diffusion(t, t[None, None])[0, 0]


@peer("score-models", "score_models.sde.vpsde:VPSDE.marginal_prob_scalars", "vp_marginal")
def _(marginal):
    from score_models.sde import VPSDE
    return lambda t, low=0.1, high=20.0: VPSDE(low, high).marginal_prob_scalars(t)


@peer("score-models", "score_models.sliced_score_matching:sliced_score_matching_loss",
      "sliced_score_matching_vr")
def _(loss):
    def fn(score_fn, x, v):
        with drawing(v.reshape(-1, x.shape[1])):
            return loss(score_fn, x, 1 if v.ndim == 2 else len(v), "gaussian")
    return fn


@peer("score-models", "score_models.dsm:denoising_score_matching", "noise_prediction_loss",
      "its network is sigma times the score, so minus eps")
def _(loss):
    import torch

    def fn(eps_fn, x, sigma, eps):
        sde = SimpleNamespace(T=1.0, epsilon=0.0, marginal_prob=lambda t, x: (x, sigma))
        model = SimpleNamespace(sde=sde, device="cpu", model=lambda t, x: -eps_fn(x, sigma))
        with drawing(eps, "randn_like"), put(torch, rand=lambda n: torch.ones(n)):
            return loss(model, x)
    return fn


# labml-nn -----------------------------------------------------------------------------------------

def labml(eps_fn, *levels):
    """DenoiseDiffusion with this table."""
    import torch
    from labml_nn.diffusion.ddpm import DenoiseDiffusion
    table = stack(*levels)
    alpha = table / torch.cat([torch.ones(1, dtype=table.dtype), table[:-1]])
    model = DenoiseDiffusion(eps_fn, len(table), "cpu")
    model.alpha_bar, model.alpha, model.beta, model.sigma2 = table, alpha, 1 - alpha, 1 - alpha
    return model


LABML = "labml_nn.diffusion.ddpm:DenoiseDiffusion."


@peer("labml-nn", LABML + "q_sample", "diffuse")
def _(q_sample):
    return lambda x, a, eps: flat(labml(None, a).q_sample(image(x), at(len(x), 0), image(eps)))


@peer("labml-nn", LABML + "p_sample", "ddpm_step",
      "sigma^2 = beta, as its text says; noise is added in the last step too, where DDPM's "
      "algorithm has none")
def _(p_sample):
    def fn(x_t, eps, alpha_bar_t, alpha_bar_s, z):
        last = bool(alpha_bar_s == 1)
        model = labml(lambda x, t: image(eps), *([alpha_bar_t] if last else
                                                 [alpha_bar_s, alpha_bar_t]))
        with drawing(image(z)):
            return flat(model.p_sample(image(x_t), at(len(x_t), 0 if last else 1)))
    return fn


@peer("labml-nn", LABML + "loss", "ddpm_loss", "the mean over features is taken")
def _(loss):
    return lambda eps_fn, x, a, eps: labml(lambda x, t: image(eps_fn(flat(x), a)), a).loss(
        image(x), image(eps))


# monai --------------------------------------------------------------------------------------------

def monai_scheduler(name, *levels):
    """A scheduler of MONAI with this table."""
    import torch
    from monai.networks import schedulers
    scheduler = getattr(schedulers, name)(num_train_timesteps=len(levels), clip_sample=False)
    table = stack(*levels)
    scheduler.alphas_cumprod = table
    scheduler.alphas = table / torch.cat([torch.ones(1, dtype=table.dtype), table[:-1]])
    scheduler.betas = 1 - scheduler.alphas
    scheduler.num_inference_steps = len(levels)
    return scheduler


@peer("monai", "monai.networks.schedulers.ddpm:DDPMScheduler.step", "ddpm_step",
      "with `clip_sample=False`")
def _(step):
    def fn(x_t, eps, alpha_bar_t, alpha_bar_s, z):
        last = bool(alpha_bar_s == 1)
        scheduler = monai_scheduler("DDPMScheduler", *([alpha_bar_t] if last else
                                                       [alpha_bar_s, alpha_bar_t]))
        with drawing(z):
            return scheduler.step(eps, 0 if last else 1, x_t)[0]
    return fn


@peer("monai", "monai.networks.schedulers.ddim:DDIMScheduler.step", "ddim_step",
      "with `clip_sample=False`")
def _(step):
    def fn(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
        scheduler = monai_scheduler("DDIMScheduler", alpha_bar_s, alpha_bar_t)
        with drawing(z):
            return scheduler.step(eps, 1, x_t, eta=eta)[0]
    return fn


@peer("monai", "monai.networks.schedulers.scheduler:_cosine_beta", "cosine_alpha_bar",
      "its alphas_cumprod, after a leading 1; in float32")
def _(cosine_beta):
    import torch
    return lambda n_steps, offset=0.008: torch.cat([torch.ones(1), cosine_beta(n_steps, offset)[2]])


# bionemo-moco -------------------------------------------------------------------------------------

def moco_ddpm(*levels):
    """DDPM of moco, its tables made by its own method from alphas."""
    import torch
    from bionemo.moco.interpolants.base_interpolant import PredictionType
    from bionemo.moco.interpolants.discrete_time.continuous.ddpm import DDPM
    table = stack(*levels)
    alphas = table / torch.cat([torch.ones(1, dtype=table.dtype), table[:-1]])
    model = bare(DDPM, last_time_idx=0, prediction_type=PredictionType.NOISE,
                 noise_schedule=SimpleNamespace(generate_schedule=lambda device: alphas),
                 clean_mask_center=lambda x, *_: x)
    model._initialize_schedules()
    return model


MOCO = "bionemo.moco.interpolants.discrete_time.continuous.ddpm:DDPM."


def moco_step(name):
    """One step, with an entry of the table before alpha_bar_s, as in any table."""
    def fn(x_t, eps, alpha_bar_t, alpha_bar_s, z):
        last = bool(alpha_bar_s == 1)
        table = [alpha_bar_t] if last else [(1 + alpha_bar_s) / 2, alpha_bar_s, alpha_bar_t]
        model = moco_ddpm(*table)
        with drawing(z):
            return getattr(model, name)(eps, at(len(x_t), len(table) - 1), x_t)
    return fn


@peer("bionemo-moco", MOCO + "step", "ddpm_step",
      "its `_log_var` is the table of posterior variances shifted by one entry (line 138): `step` "
      "adds the noise of the timestep below, and none at timestep 1, where the entry is log 0. "
      "`step_noise` of the same class has the table unshifted, and keeps to the contract. Seen "
      "on the tables of its own constructor too")
def _(step):
    return moco_step("step")


@peer("bionemo-moco", MOCO + "step_noise", "ddpm_step")
def _(step):
    return moco_step("step_noise")


@peer("bionemo-moco", MOCO + "step_ddim", "ddim_step")
def _(step):
    def fn(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
        with drawing(z):
            return moco_ddpm(alpha_bar_s, alpha_bar_t).step_ddim(eps, at(len(x_t), 1), x_t, eta=eta)
    return fn


def moco_vdm():
    """VDM of moco on log SNRs of alpha_bar, given as times."""
    import torch
    from bionemo.moco.interpolants.base_interpolant import PredictionType
    from bionemo.moco.interpolants.continuous_time.continuous.vdm import VDM
    schedule = SimpleNamespace(
        calculate_log_snr=lambda t, device: torch.log(t / (1 - t)),
        log_snr_to_alphas_sigmas=lambda q: (torch.sqrt(torch.sigmoid(q)),
                                            torch.sqrt(torch.sigmoid(-q))))
    return bare(VDM, noise_schedule=schedule, prediction_type=PredictionType.NOISE,
                clean_mask_center=lambda x, *_: x)


VDM = "bionemo.moco.interpolants.continuous_time.continuous.vdm:VDM."


@peer("bionemo-moco", VDM + "step", "ddpm_step", "alpha_bar in the place of time")
def _(step):
    def fn(x_t, eps, alpha_bar_t, alpha_bar_s, z):
        t = alpha_bar_t.expand(len(x_t))
        with drawing(z):
            return moco_vdm().step(eps, t, x_t, t - alpha_bar_s)
    return fn


@peer("bionemo-moco", VDM + "step_ddim", "ddim_step", "alpha_bar in the place of time")
def _(step):
    def fn(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
        t = alpha_bar_t.expand(len(x_t))
        with drawing(z):
            return moco_vdm().step_ddim(eps, t, x_t, t - alpha_bar_s, eta=eta)
    return fn


# sbi ----------------------------------------------------------------------------------------------

SBI = "sbi.neural_nets.estimators.score_estimator:"


def sbi_estimator(name, **values):
    """The functions of a score estimator of sbi for one feature, without its network."""
    from sbi.neural_nets.estimators import score_estimator
    cls, me = getattr(score_estimator, name), SimpleNamespace(input_shape=(1,), **values)
    me.noise_schedule = lambda t: cls.noise_schedule(me, t)
    return lambda method, *args: getattr(cls, method)(me, *args)[0, 0]


@peer("sbi", SBI + "VPScoreEstimator.std_fn", "vp_marginal")
def _(std_fn):
    def fn(t, beta_min=0.1, beta_max=20.0):
        value = sbi_estimator("VPScoreEstimator", beta_min=beta_min, beta_max=beta_max)
        return value("mean_t_fn", t[None]), value("std_fn", t[None])
    return fn


@peer("sbi", SBI + "VEScoreEstimator.std_fn", "ve_marginal")
def _(std_fn):
    return lambda t, low, high: sbi_estimator("VEScoreEstimator", sigma_min=low, sigma_max=high)(
        "std_fn", t[None])


@peer("sbi", SBI + "VEScoreEstimator.diffusion_fn", "ve_diffusion_coefficient")
def _(diffusion_fn):
    return lambda t, low, high: sbi_estimator("VEScoreEstimator", sigma_min=low, sigma_max=high)(
        "diffusion_fn", t[None, None], t[None])


# deepinv ------------------------------------------------------------------------------------------

@peer("deepinv", "deepinv.sampling.sampling_iterators.ula:ULAIterator.forward", "langevin_step",
      "x + h score + sqrt(2 h) z: its step size is half of refsgm's")
def _(forward):
    def fn(x, score, step_size, z):
        zero = SimpleNamespace(grad=lambda x, y, physics: 0 * x)
        prior = SimpleNamespace(grad=lambda x, sigma: -score)
        me = SimpleNamespace(clip=None, algo_params={"step_size": float(step_size), "alpha": 1.0,
                                                     "sigma": 1.0})
        with drawing(z):
            return forward(me, {"x": x}, None, None, zero, prior, 0)["x"]
    return fn


@peer("deepinv", "deepinv.sampling.diffusion_sde:EDMDiffusionSDE._score_from_model_output",
      "score_from_x0", "its sigma is that of VE coordinates: called with sigma / scale")
def _(score):
    return lambda x_t, x_0, scale, sigma: score(SimpleNamespace(dtype=x_t.dtype), x_t, x_0,
                                                sigma / scale, scale)


# flow_matching ------------------------------------------------------------------------------------

def cond_ot():
    """The straight path."""
    from flow_matching.path import AffineProbPath
    from flow_matching.path.scheduler import CondOTScheduler
    return AffineProbPath(CondOTScheduler())


REVERSED = "time runs from noise to data there: called with 1 - t, and velocities change sign"


@peer("flow-matching", "flow_matching.path.affine:AffineProbPath.velocity_to_target",
      "x0_from_velocity", REVERSED)
def _(velocity_to_target):
    return lambda x_t, u, t: cond_ot().velocity_to_target(-u, x_t, 1 - t)


@peer("flow-matching", "flow_matching.path.affine:AffineProbPath.sample", "velocity_from_x0_eps",
      REVERSED)
def _(sample):
    import torch
    return lambda x_0, eps: -cond_ot().sample(x_0=eps, x_1=x_0, t=torch.full(
        (len(x_0),), 0.3, dtype=x_0.dtype)).dx_t


# treeffuser ---------------------------------------------------------------------------------------

NUMPY = {"framework": "numpy"}
TREE = "treeffuser.sde.diffusion_sdes:"


@peer("treeffuser", TREE + "VESDE.get_mean_std_pt_given_y0", "ve_marginal",
      "its kernel has variance sigma(t)^2 - sigma(0)^2, as its docstring says: at t = 0 data are "
      "clean. A choice, and no constant is added",
      **NUMPY)
def _(kernel):
    from treeffuser.sde.diffusion_sdes import VESDE

    def fn(t, sigma_min, sigma_max):
        t = np.full((1, 1), t)
        return VESDE(sigma_min, sigma_max).get_mean_std_pt_given_y0(t, t)[1][0, 0]
    return fn


@peer("treeffuser", TREE + "VESDE.drift_and_diffusion", "ve_diffusion_coefficient", **NUMPY)
def _(diffusion):
    from treeffuser.sde.diffusion_sdes import VESDE
    return lambda t, low, high: VESDE(low, high).drift_and_diffusion(t, t)[1]


@peer("treeffuser", TREE + "VPSDE.get_mean_std_pt_given_y0", "vp_marginal", **NUMPY)
def _(kernel):
    from treeffuser.sde.diffusion_sdes import VPSDE

    def fn(t, beta_min=0.1, beta_max=20.0):
        one = np.ones((1, 1))
        mean, std = VPSDE(beta_min, beta_max).get_mean_std_pt_given_y0(one, t * one)
        return mean[0, 0], std[0, 0]
    return fn


@peer("treeffuser", TREE + "DiffusionSDE.get_marginalized_perturbation_kernel",
      "mixture_log_density", "two things. The densities of single features are summed, where they "
      "should be multiplied before the mean over data: right for one feature alone. And it has no "
      "log-sum-exp, which is what the oracle names first. Nothing in the package calls it. Weights "
      "are given by repeating data 64 w times", **NUMPY)
def _(kernel):
    from treeffuser.sde.diffusion_sdes import VESDE

    def fn(x, weights, means, sigma):
        data = np.repeat(means, np.round(64 * weights).astype(int), axis=0)
        sde = VESDE(1.0, math.sqrt(1 + sigma**2))
        return np.log(sde.get_marginalized_perturbation_kernel(data)(x, np.ones((len(data), 1))))
    return fn


# diffusionjax -------------------------------------------------------------------------------------

JAX = {"framework": "jax"}
SOLVERS = "diffusionjax.solvers:"


def jax_solver(name, z, **values):
    """A solver of diffusionjax without its constructor, on two levels, that draws z."""
    from diffusionjax import solvers
    solver = bare(getattr(solvers, name), t0=0.0, t1=1.0, num_steps=2, **values)

    def update(x):
        import jax.numpy as jnp
        with put(solvers, random=SimpleNamespace(normal=lambda rng, shape: z)):
            return solver.update(None, x, jnp.ones(len(x)))[0]
    return update


def jax_levels(a, b):
    """discrete_sigmas and their predecessors."""
    import jax.numpy as jnp
    return {"discrete_sigmas": jnp.stack([b, a]),
            "discrete_sigmas_prev": jnp.stack([jnp.zeros_like(b), b])}


def jax_denoise(score_fn):
    """D(x, sigma) for levels that come as (B,)."""
    return lambda x, sigma: x + sigma[:, None]**2 * score_fn(x, sigma[:, None])


@peer("diffusionjax", SOLVERS + "SMLD.update", "ve_ancestral_step", **JAX)
def _(update):
    return lambda x, score, a, b, z: jax_solver(
        "SMLD", z, score=lambda x, t: score, **jax_levels(a, b))(x)


@peer("diffusionjax", SOLVERS + "EDMEuler.update", "ve_probability_flow_step",
      "without churn", **JAX)
def _(update):
    import jax.numpy as jnp
    return lambda x, score, a, b: jax_solver(
        "EDMEuler", 0 * x, denoise=jax_denoise(lambda x, s: score), gammas=jnp.zeros(2),
        s_noise=1.0, bool_gamma_greater_than_zero=jnp.zeros(2), **jax_levels(a, b))(x)


@peer("diffusionjax", SOLVERS + "EDMHeun.update", "heun_step",
      "the corrected slope is applied from the Euler point x_1, where the algorithm applies it "
      "from x: `x_2 = x_1 + drift_prime * dt` (line 562), so that about two steps are taken for "
      "one. Without churn; in a step to sigma = 0 it divides by zero", **JAX)
def _(update):
    import jax.numpy as jnp
    return lambda score_fn, x, a, b: jax_solver(
        "EDMHeun", 0 * x, denoise=jax_denoise(score_fn), gammas=jnp.zeros(2), s_noise=1.0,
        bool_gamma_greater_than_zero=jnp.zeros(2, bool), **jax_levels(a, b))(x)


@peer("diffusionjax", SOLVERS + "Annealed.update", "langevin_step",
      "the noise is multiplied by 2 dt where sqrt(2 dt) belongs: `batch_mul(2 * dt, noise)` (line "
      "110). Its signal-to-noise ratio is set so that dt = step_size / 2", **JAX)
def _(update):
    import jax
    import jax.numpy as jnp

    def fn(x, score, step_size, z):
        ratio = jnp.linalg.norm(score, axis=1).mean() / jnp.linalg.norm(z, axis=1).mean()
        sde = SimpleNamespace(score=lambda x, t: score, mean_coeff=lambda t: jnp.ones(len(x)))
        with put(jax.lax, pmean=lambda a, axis_name: a):
            return jax_solver("Annealed", z, sde=sde, snr=jnp.sqrt(step_size / 4) * ratio)(x)
    return fn


@peer("diffusionjax", "diffusionjax.sde:ulangevin", "langevin_step",
      "the drift is `-score(x, t)`: with its `EulerMaruyama` and dt = step_size / 2 it descends "
      "the score. Within the package it is passed to `Annealed` alone, which takes its score and "
      "not its drift", **JAX)
def _(update):
    import jax.numpy as jnp
    from diffusionjax.sde import ULangevin

    def fn(x, score, step_size, z):
        sde = ULangevin(lambda x, t: score)
        return jax_solver("EulerMaruyama", z, sde=sde, dt=jnp.asarray(step_size / 2))(x)
    return fn


def jax_table(t, s, **values):
    """The tables of diffusionjax's DDPM and DDIM, as their constructors make them."""
    import jax.numpy as jnp
    alphas = jnp.stack([s, t / s])
    table = jnp.cumprod(alphas)
    before = jnp.append(1.0, table[:-1])
    return values | {"discrete_betas": 1 - alphas, "alphas": alphas, "alphas_cumprod": table,
                     "sqrt_alphas_cumprod": jnp.sqrt(table), "alphas_cumprod_prev": before,
                     "sqrt_1m_alphas_cumprod": jnp.sqrt(1 - table),
                     "sqrt_alphas_cumprod_prev": jnp.sqrt(before),
                     "sqrt_1m_alphas_cumprod_prev": jnp.sqrt(1 - before)}


@peer("diffusionjax", SOLVERS + "DDPM.update", "ddpm_step", **JAX)
def _(update):
    import jax.numpy as jnp
    return lambda x, eps, t, s, z: jax_solver("DDPM", z, **jax_table(
        t, s, score=lambda x, _: -eps / jnp.sqrt(1 - t)))(x)


@peer("diffusionjax", SOLVERS + "DDIMVP.update", "ddim_step", **JAX)
def _(update):
    return lambda x, eps, t, s, eta, z: jax_solver("DDIMVP", z, **jax_table(
        t, s, eta=eta, model=lambda x, _: eps))(x)


@peer("diffusionjax", "diffusionjax.sde:RSDE.sde", "vp_reverse_sde_drift",
      "its time runs forward in the reverse process: the drift changes sign", **JAX)
def _(sde):
    import jax.numpy as jnp
    from diffusionjax.sde import VP

    def fn(x, score, beta):
        vp = VP(beta=lambda t: jnp.full(len(x), beta), mean_coeff=lambda t: t)
        return -vp.reverse(lambda x, t: score).sde(x, jnp.ones(len(x)))[0]
    return fn


@peer("diffusionjax", "diffusionjax.sde:VE.sde", "ve_diffusion_coefficient", **JAX)
def _(sde):
    from diffusionjax.sde import VE
    from diffusionjax.utils import get_exponential_sigma_function as exponential
    return lambda t, low, high: VE(exponential(low, high)).sde(t, t)[1]


@peer("diffusionjax", "diffusionjax.utils:get_linear_beta_function", "vp_marginal", **JAX)
def _(linear):
    from diffusionjax.sde import VP

    def fn(t, beta_min=0.1, beta_max=20.0):
        vp = VP(*linear(beta_min, beta_max))
        return vp.mean_coeff(t), vp.std(t)
    return fn


# blackjax -----------------------------------------------------------------------------------------

@peer("blackjax", "blackjax.sgmcmc.diffusions:overdamped_langevin", "langevin_step",
      "x + h score + sqrt(2 h) z: its step size is half of refsgm's", **JAX)
def _(overdamped_langevin):
    from blackjax.sgmcmc import diffusions

    def fn(x, score, step_size, z):
        with put(diffusions, generate_gaussian_noise=lambda key, position: z):
            return overdamped_langevin()(None, x, score, step_size)
    return fn


# The run ------------------------------------------------------------------------------------------

class Finding(NamedTuple):
    """A peer, its version and place, and the oracle's report (or why there is none)."""

    peer: Peer
    version: str
    place: str
    report: object
    problem: str


def judged(one):
    """The `Finding` of a peer, or None if its package is not installed."""
    try:
        version = importlib.metadata.version(one.package)
    except importlib.metadata.PackageNotFoundError:
        return None
    module, names = one.target.split(":")
    try:
        target = importlib.import_module(module)
        for name in names.split("."):
            target = getattr(target, name)
        place = place_of(target)
        report = refsgm.check(one.kind, one.adapter(target), seconds=60.0, **one.options)
    except ImportError as error:
        return Finding(one, version, module, None, f"cannot be imported: {error}")
    return Finding(one, version, place, report, "")


def place_of(target):
    """File and line, from the package's folder on."""
    target = inspect.unwrap(target)
    path = re.split(r"site-packages/", inspect.getsourcefile(target))[-1]
    return f"{path}:{inspect.getsourcelines(target)[1]}"


def verdict(finding):
    """In one or two words."""
    if finding.report is None:
        return "not judged"
    if finding.report.right:
        return "right"
    d = finding.report.diagnosis
    return f"convention: {d.convention}" if d.convention else f"differs: {d.code}"


def table(findings):
    """All findings as text."""
    lines = []
    for f in findings:
        name = f.peer.target.split(":")[1]
        lines.append(f"{f.peer.package:28} {f.version:12} {name:50} {f.peer.kind:26} {verdict(f)}")
        if f.problem or not f.report.right:
            lines.append(f"    {f.problem or f.report.diagnosis.sentence}")
    return "\n".join(lines)


def page(findings):
    """The findings as Markdown."""
    known = [f for f in findings if f.report is not None]
    right = [f for f in known if f.report.right]
    convention = [f for f in known if not f.report.right and f.report.diagnosis.convention]
    other = [f for f in known if not f.report.right and not f.report.diagnosis.convention]
    lines = ["# Public implementations before the oracle", "",
             "<!-- Written by `python ledgers/peers.py --page docs/peers.md`. -->", "",
             f"{len(known)} functions of {len({f.peer.package for f in known})} packages: "
             f"{len(right)} keep to the contract, {len(convention)} follow another convention, "
             f"{len(other)} differ otherwise.",
             "A difference is from refsgm's contract. Whether it is a mistake, the remark says, "
             "after reading the source.", "", "## Differences", ""]
    for f in other + convention:
        lines += [f"**{f.peer.package} {f.version}**, `{f.peer.target.split(':')[1]}` "
                  f"(`{f.place}`), as `{f.peer.kind}`: {verdict(f)}.  ",
                  f"The oracle: {f.report.diagnosis.sentence}.  ",
                  f"By reading: {f.peer.note or 'not read'}.", ""]
    lines += ["## Right", "", "| package | function | place | kind | remark |",
              "|---|---|---|---|---|"]
    lines += [f"| {f.peer.package} {f.version} | `{f.peer.target.split(':')[1]}` | `{f.place}` | "
              f"`{f.peer.kind}` | {f.peer.note} |" for f in right]
    return "\n".join(lines) + "\n"


def main():
    """Judge all peers that are installed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--page", help="write the page here")
    parser.add_argument("--only", default="", help="packages or functions whose name contains this")
    options = parser.parse_args()
    findings = [judged(p) for p in PEERS if options.only in p.package + " " + p.target]
    missing = sorted({p.package for p, f in zip(PEERS, findings) if f is None and not options.only})
    findings = [f for f in findings if f is not None]
    print(table(findings))
    if missing:
        print("not installed:", ", ".join(missing))
    if options.page:
        with open(options.page, "w") as file:
            file.write(page(findings))


if __name__ == "__main__":
    main()
