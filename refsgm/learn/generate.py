"""Samples of a trained model by any sampler: which noise levels, which start, which coordinates.

    VE   x starts at center + sigma_1 z and ends at sigma = 0
    VP   the same times sqrt(alpha_bar), with eps_vp(x_t, alpha_bar) = eps(x_ve, sigma)

A model is trained in VE coordinates; DDPM and DDIM see it through the map [EQV-3].
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from .form import form_of_model
from .levels import fitting_step_size
from .networks import Model, check_rows
from .pool import at_work, chosen, rows_of_parts
from .tape import repeated
from .training import keep_freed_memory
from ..equivalence import ve_from_vp, vp_from_ve, x0_from_score
from ..samplers import (annealed_langevin, ddim_sampler, ddpm_sampler, langevin, normal_like,
                        probability_flow_sampler)
from ..noise_levels import alpha_bar_from_sigma, geometric_sigmas
from ..arguments import check_count
from ..arrays import device_of, entries, to_host
from ..steps import ve_ancestral_step, ve_reverse_sde_step


def generate(model, n, rng, sampler="annealed-langevin", *, n_steps=100, steps_per_level=20,
             step_size=None, eta=0.0):
    """A generator of states (n, D) of a sampler on a trained model; the last is the sample.

    model            a Model
    n                number of samples
    rng              NumPy Generator, or that of the device of the model
    sampler          one of SAMPLERS
    n_steps          noise levels between the model's largest and smallest; "langevin": steps
    steps_per_level  annealed Langevin: steps at each of the model's own noise levels
    step_size        Langevin: step size at the smallest level, in units of sigma_L^2; if left out,
                     what fits the levels and their steps, and 0.3 without annealing
    eta              DDIM: share of fresh noise in [0, 1]
    Raises ValueError for any other sampler and values out of range.
    """
    check_count(1, n=n, n_steps=n_steps, steps_per_level=steps_per_level)
    if sampler not in SAMPLERS:
        raise ValueError(f"sampler must be one of {', '.join(SAMPLERS)}, got {sampler!r}")
    if step_size is None:
        step_size = 0.3 if sampler == "langevin" else fitting_step_size(model.sigmas,
                                                                        steps_per_level)
    sigmas = geometric_sigmas(float(model.sigmas[0]), float(model.sigmas[-1]), max(n_steps, 2))
    steps = len(model.sigmas) * steps_per_level if sampler == "annealed-langevin" else n_steps
    model = model if device_of(model.center) else in_parts(model, n, steps)
    z = rng.standard_normal((n, model.dim), dtype=model.center.dtype)
    x = model.center + entries(sigmas)[0] * z
    return SAMPLERS[sampler](model, x, np.append(sigmas, 0.0), rng, n_steps=n_steps, eta=eta,
                             steps_per_level=steps_per_level, step_size=step_size)


@dataclass(frozen=True)
class InParts(Model):
    """A Model whose scores are computed in parts of the batch, as `at_work` does tasks.

    What is done to a part is recorded and then played, see tape.py: a sampler asks for thousands.
    """

    parts: int = 1
    run: Callable = None
    played: dict = field(init=False, default_factory=dict)   # number of rows, dtype: their parts

    def score(self, x, sigma):
        """The score of q_sigma at x, (B, D) -> (B, D); sigma a scalar or (B, 1)."""
        if self.label is not None:
            check_rows(self.label, x)
        if (len(x), x.dtype) not in self.played:
            self.played[len(x), x.dtype] = [self.part(rows, x.dtype) for rows in rows_of_parts(
                len(x), self.parts)]
        level = np.array(np.broadcast_to(np.asarray(sigma, x.dtype), (len(x), 1)))
        return np.concatenate(self.run(*(partial(scores, x[rows], level[rows])
                                         for rows, scores in self.played[len(x), x.dtype])))

    def part(self, rows, dtype):
        """These rows, and the function (x, sigma) -> their scores, each with its own label."""
        own = self.label is not None and len(self.label) > 1
        label = self.label[rows] if own else self.label
        into = np.empty((rows.stop - rows.start, self.dim), dtype)

        def results(*arrays):
            *params, x, sigma = arrays
            return [super(InParts, replace(self, params=params, label=label)).score(x, sigma)]

        evaluate = repeated(results, self.params, [into])

        def scores(x, sigma):
            evaluate(x, sigma)
            return into
        return rows, scores


def in_parts(model, n, steps):
    """The model as it is best used for n samples, in so many steps."""
    keep_freed_memory()
    way = chosen(n, [np.shape(p) for p in model.params], 1, steps)
    return InParts(**vars(model), parts=way.parts, run=at_work(way))


def run_annealed_langevin(model, x, sigmas, rng, *, steps_per_level, step_size, **_):
    """Annealed Langevin dynamics on the model's own noise levels, denoised at its end."""
    smallest = float(model.sigmas[-1])
    return denoise_last(model, annealed_langevin(model.score, x, model.sigmas, steps_per_level,
                                                 step_size * smallest**2, rng))


def run_langevin(model, x, sigmas, rng, *, n_steps, step_size, **_):
    """Langevin dynamics at the model's smallest noise level, denoised at its end."""
    smallest = float(model.sigmas[-1])
    return denoise_last(model, langevin(lambda x: model.score(x, smallest), x,
                                        step_size * smallest**2, n_steps, rng))


def denoise_last(model, states):
    """The states, then the denoised mean of the last, which takes out the noise left in it."""
    smallest = float(model.sigmas[-1])
    for x in states:
        yield x
    yield x0_from_score(x, model.score(x, smallest), 1.0, smallest)


def run_flow(model, x, sigmas, rng, *, method, **_):
    """The probability flow, in VE coordinates."""
    return probability_flow_sampler(model.score, x, sigmas, method)


def run_in_ve(model, x, sigmas, rng, *, step, **_):
    """A step of the reverse SDE or of ancestral sampling at each level, in VE coordinates."""
    levels = entries(sigmas)
    for sigma_t, sigma_s in zip(levels[:-1], levels[1:]):
        x = step(x, model.score(x, sigma_t), sigma_t, sigma_s, normal_like(x, rng))
        yield x


def run_ddpm(model, x, sigmas, rng, **_):
    """DDPM on a model of VE coordinates; the states are in VP coordinates."""
    return ddpm_sampler(*in_vp(model, x, sigmas), rng)


def run_ddim(model, x, sigmas, rng, *, eta, **_):
    """DDIM on a model of VE coordinates; the states are in VP coordinates."""
    return ddim_sampler(*in_vp(model, x, sigmas), eta, rng)


def in_vp(model, x_ve, sigmas):
    """Noise prediction, start and table of alpha_bar in VP coordinates; the last sigma is zero."""
    def eps_fn(x_t, alpha_bar_t):
        return model.eps(*ve_from_vp(x_t, alpha_bar_t))

    x, _ = vp_from_ve(x_ve, entries(sigmas)[0])
    return eps_fn, x, np.concatenate([[1.0], alpha_bar_from_sigma(sigmas[-2::-1])])


# name: (model, x, sigmas, rng, **options of generate) -> states. x is a start at sigmas[0], and the
# states go down to sigmas[-1] = 0. To add a sampler, give it a name here.
SAMPLERS = {
    "annealed-langevin": run_annealed_langevin,
    "langevin":          run_langevin,
    "ddpm":              run_ddpm,
    "ddim":              run_ddim,
    "euler":             partial(run_flow, method="euler"),
    "heun":              partial(run_flow, method="heun"),
    "reverse-sde":       partial(run_in_ve, step=ve_reverse_sde_step),
    "ancestral":         partial(run_in_ve, step=ve_ancestral_step),
}

# What each sampler has a use for, of the options of generate.
USES = {name: ("n_steps",) for name in SAMPLERS} | {
    "annealed-langevin": ("steps_per_level", "step_size"), "langevin": ("n_steps", "step_size"),
    "ddim": ("n_steps", "eta")}
OPTIONS = {"n_steps": "--steps", "steps_per_level": "--steps-per-level",
           "step_size": "--step-size", "eta": "--eta"}


def check_options(sampler, options, names=OPTIONS):
    """Every option is one that the sampler has a use for.

    names  what the caller calls the options, for messages
    Raises ValueError.
    """
    if sampler not in SAMPLERS:
        raise ValueError(f"sampler must be one of {', '.join(SAMPLERS)}, got {sampler!r}")
    for name in options:
        if name not in USES[sampler]:
            raise ValueError(f"{sampler} has no use for {names[name]}: its options are "
                             f"{' and '.join(names[name] for name in USES[sampler])}")


def checked_states(states, model, mend):
    """The states of a sampler; ValueError in one sentence if they run away from the data.

    mend  what the sentence advises
    """
    bound = 1000 * (float(model.sigmas[0]) + model.sigma_data)
    center = to_host(model.center)
    with np.errstate(all="ignore"):
        for step, x in enumerate(states, 1):
            if not np.max(np.abs(to_host(x) - center)) < bound:
                raise ValueError(f"sampling diverged: after {step} steps a sample is over 1000 "
                                 f"times farther away than noise and data reach; {mend}")
            yield x


def drawn(model, n, label, guidance, sampler, seed, options):
    """Samples (n, ...) in the form of the data; the arguments are those of `Model.sample`."""
    check_options(sampler, options, {name: name for name in OPTIONS})
    check_count(1, n=n)
    check_count(0, seed=seed)
    if label is not None:
        model = model.of_class(label, guidance)
    elif guidance != 1:
        raise ValueError(f"guidance needs a label, got guidance = {guidance} without one")
    rng = (device_of(model.center) or np.random).default_rng(seed)
    mend = "lower step_size" if "step_size" in options else "give more steps, or train for longer"
    for x in checked_states(generate(model, n, rng, sampler, **options), model, mend):
        pass
    return form_of_model(model).like_data(to_host(x))
