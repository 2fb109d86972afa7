"""Kinds: whole samplers, all states of which are compared."""

import numpy as np

from . import drawing
from .drawing import number, table
from .kind import STATES, Kind
from .steps import (ddim_step, ddpm_step, euler_step, heun_by_denoisers, heun_step,
                    langevin_step)
from .wide import RANDOM


def states(x, levels, step):
    """The state after each step."""
    result = []
    for level in levels:
        x = step(x, level)
        result.append(x)
    return result


def down(alpha_bar):
    """Pairs of neighbours (t, s), from the end of a table to its start."""
    return zip(alpha_bar[:0:-1], alpha_bar[-2::-1])


def langevin(f, s, x, step_size, n, rng):
    return states(x, range(n), lambda x, _: langevin_step(f, x, s(x), step_size, next(rng)))


def annealed_langevin(f, s, x, sigmas, n, step_size, rng):
    return states(x, [sigma for sigma in sigmas for _ in range(n)],
                  lambda x, sigma: langevin_step(f, x, s(x, sigma),
                                                 step_size * sigma**2 / sigmas[-1]**2, next(rng)))


def ddpm_sampler(f, eps, x, table, rng):
    return states(x, down(table), lambda x, a: ddpm_step(f, x, eps(x, a[0]), *a, next(rng)))


def ddim_sampler(f, eps, x, table, eta, rng):
    return states(x, down(table), lambda x, a: ddim_step(f, x, eps(x, a[0]), *a, eta, next(rng)))


def probability_flow_sampler(f, s, x, sigmas, method="heun"):
    def euler(x, a):
        return euler_step(f, x, s(x, a[0]), *a)

    def heun(x, a):
        return heun_step(f, s, x, *a)
    return states(x, zip(sigmas[:-1], sigmas[1:]), {"heun": heun, "euler": euler}[method])


# One step, for each of its levels may be another one by mistake, and its values clamped

def one_langevin_step(f, score_fn, x, z, step_size):
    return langevin_step(f, x, score_fn(x), step_size, z)


def one_annealed_step(f, score_fn, x, z, sigma_i, sigma_L, step_size):
    return langevin_step(f, x, score_fn(x, sigma_i), step_size * sigma_i**2 / sigma_L**2, z)


def one_ddpm_step(f, eps_fn, x, z, alpha_bar_t, alpha_bar_s):
    return ddpm_step(f, x, eps_fn(x, alpha_bar_t), alpha_bar_t, alpha_bar_s, z)


def one_ddim_step(f, eps_fn, x, z, alpha_bar_t, alpha_bar_s, eta):
    return ddim_step(f, x, eps_fn(x, alpha_bar_t), alpha_bar_t, alpha_bar_s, eta, z)


def one_flow_step(f, score_fn, x, sigma_t, sigma_s, method="heun"):
    if method == "heun":
        return heun_step(f, score_fn, x, sigma_t, sigma_s)
    return euler_step(f, x, score_fn(x, sigma_t), sigma_t, sigma_s)


def to_zero_once(rng, spec, drawn):
    """Noise levels, which end in zero at one probe, and at a third of the random ones."""
    levels = drawing.sigmas(rng, spec, drawn)
    to_zero = rng.uniform() < 1 / 3 if spec.regime in RANDOM else spec.seed == 4
    return np.append(levels, 0.0) if to_zero else levels


def of_annealed_step(args, i):
    """The noise level of a step, and the last of all."""
    return {"sigma_i": args["sigmas"][i // args["steps_per_level"]], "sigma_L": args["sigmas"][-1],
            "step_size": args["step_size"]}


def flow_by_denoisers(score_fn, x, sigmas, method="heun"):
    """With slopes (x - D(x)) / sigma, as EDM's algorithm has it."""
    for sigma_t, sigma_s in zip(sigmas[:-1], sigmas[1:]):
        if method == "heun":
            x = heun_by_denoisers(score_fn, x, sigma_t, sigma_s)
        else:
            x = x - (sigma_s - sigma_t) * sigma_t * score_fn(x, sigma_t)
        yield x


EULER = (3, 103, 107, 111)                              # probes of the verdict, and of the fits

KINDS = (
    Kind("langevin", STATES, one_step=one_langevin_step, exact=langevin),
    Kind("annealed_langevin", STATES, exact=annealed_langevin,
         one_step=one_annealed_step, step_quantities=of_annealed_step),
    Kind("ddpm_sampler", STATES, exact=ddpm_sampler, one_step=one_ddpm_step),
    Kind("ddim_sampler", STATES, exact=ddim_sampler, one_step=one_ddim_step, draw={
        "eta": number(lambda u, spec: {3: 0.0, 4: 1.0}.get(spec.seed, 0.3 + 0.5 * u))}),
    Kind("probability_flow_sampler", STATES, exact=probability_flow_sampler,
         one_step=one_flow_step, spellings=(flow_by_denoisers,), draw={
        "sigmas": table(to_zero_once),
        "method": number(lambda u, spec: "euler" if spec.seed in EULER else "heun")}),
)
