"""Kinds: noise added to data, and one step of a sampler, from t to s < t.

A step is a sum of its data, whose coefficients are recovered row by row. Those of DDPM and DDIM
can be written with x_0 in place of x_t or of eps, and a mistake is plainest in one of the three.
In the formulas t and s are the levels at these times: alpha_bar of a VP step, sigma of a VE step.
"""

import numpy as np

import refsgm

from .drawing import number
from .fifty_digits import root
from .kind import BATCH, LEVEL, ROUNDING, Kind, Mistake, ProbeSpec
from .terms import of_data

VARIANCE_BETA = ProbeSpec("variance = beta", given=(("variance", "beta"),))

# Formulas


def langevin_step(f, x, score, step_size, z):
    return x + step_size / 2 * score + root(step_size) * z


def posterior(f, x_0, x_t, t, s):
    beta = 1 - t / s
    mean = (root(s) * beta * x_0 + root(t / s) * (1 - s) * x_t) / (1 - t)
    return mean, beta * (1 - s) / (1 - t)


def clean(x_t, eps, t):
    """x_0 from eps."""
    return (x_t - root(1 - t) * eps) / root(t)


def ddpm_step(f, x_t, eps, t, s, z, variance="posterior"):
    mean, small = posterior(f, clean(x_t, eps, t), x_t, t, s)
    return mean + root(small if variance == "posterior" else 1 - t / s) * z


def ddim_step(f, x_t, eps, t, s, eta, z):
    variance = eta**2 * (1 - s) / (1 - t) * (1 - t / s)
    return root(s) * clean(x_t, eps, t) + root(1 - s - variance) * eps + root(variance) * z


def euler_step(f, x, score, t, s):
    return x + (t - s) * t * score


def reverse_sde_step(f, x, score, t, s, z):
    return x + (t**2 - s**2) * score + root(t**2 - s**2) * z


def ancestral_step(f, x, score, t, s, z):
    return x + (t**2 - s**2) * score + s / t * root(t**2 - s**2) * z


def heun_step(f, s, x, sigma_t, sigma_s):
    gap, slope = sigma_s - sigma_t, -sigma_t * s(x, sigma_t)
    if np.all(np.asarray(sigma_s) == 0):
        return x + gap * slope
    return x + gap * (slope - sigma_s * s(x + gap * slope, sigma_s)) / 2


def heun_by_denoisers(score_fn, x_t, sigma_t, sigma_s):
    """With slopes (x - D(x)) / sigma, as EDM's algorithm has it: D is rounded, and near x."""
    def slope(x, sigma):
        return (x - (x + sigma**2 * score_fn(x, sigma)) * (1 + ROUNDING)) / sigma
    h, first = sigma_s - sigma_t, slope(x_t, sigma_t)
    if np.all(sigma_s == 0):
        return x_t + h * first
    return x_t + h * (first + slope(x_t + h * first, sigma_s)) / 2


# Terms


def with_x0(args, seen):
    """The step as a sum of its data; of x_0, eps and z; of x_0, x_t and z."""
    x_t, eps, z, t = (args[n] for n in ("x_t", "eps", "z", "alpha_bar_t"))
    x_0 = (x_t - (1 - t)**0.5 * eps) / t**0.5
    return [*of_data(args), {"x_0": x_0, "eps": eps, "z": z}, {"x_0": x_0, "x_t": x_t, "z": z}]


def two_scores(args, seen):
    """The step as a sum of x_t and the scores at both ends."""
    x, t, s = args["x_t"], args["sigma_t"], args["sigma_s"]
    first = args["score_fn"](x, t)
    if seen is None or len(seen) < 2:
        seen = [first, args["score_fn"](x + (t - s) * t * first, s)]
    return [{"x_t": x, "score at x_t": first, "score at x_hat": seen[1]}]


# Known mistakes: x_0 clipped to [-1, 1], as code for images does


def clipped_x0(x_t, eps, t):
    return np.clip((x_t - (1 - t)**0.5 * eps) / t**0.5, -1, 1)


def clipped_ddpm(x_t, eps, t, s, z, variance="posterior"):
    mean, small = refsgm.posterior(clipped_x0(x_t, eps, t), x_t, t, s)
    return mean + (small if variance == "posterior" else 1 - t / s)**0.5 * z


def clipped_ddim(x_t, eps, t, s, eta, z):
    variance = eta**2 * (1 - t / s) * (1 - s) / (1 - t)
    return (s**0.5 * clipped_x0(x_t, eps, t) + (1 - s - variance)**0.5 * eps
            + variance**0.5 * z)


def clipped_ddim_anew(x_t, eps, t, s, eta, z):
    x_0 = clipped_x0(x_t, eps, t)
    variance = eta**2 * (1 - t / s) * (1 - s) / (1 - t)
    return (s**0.5 * x_0 + (1 - s - variance)**0.5 * (x_t - t**0.5 * x_0) / (1 - t)**0.5
            + variance**0.5 * z)


def step(name, result, **fields):
    """A record of what training and samplers compute without gradients."""
    return Kind(name, result, sampling=True, **fields)


def posterior_by_betas(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """By a table of betas, as published code has it: 1 - beta is rounded, and small."""
    alpha = 1 - (1 - alpha_bar_t / alpha_bar_s)
    share = (1 - alpha_bar_s) / (1 - alpha_bar_t)
    mean = alpha_bar_s**0.5 * (1 - alpha) / (1 - alpha_bar_t) * x_0 + alpha**0.5 * share * x_t
    return mean, share * (1 - alpha)


LOST = 1e-6                                       # what float32 cannot tell from nothing


def loses_root(args):
    """Whether DDIM's 1 - alpha_bar_s - eta^2 variance, as it is published, is nothing but rounding.

    It is a small share of 1 - alpha_bar_s at eta = 1 alone, and rounding may take it below zero.
    """
    eta, a, b = (np.asarray(args[n]) for n in ("eta", "alpha_bar_t", "alpha_bar_s"))
    with np.errstate(all="ignore"):
        return bool(np.any((1 - eta**2 * (1 - a / b) / (1 - a) < LOST / (1 - a / b)) & (b < 1)))


def ancestral_by_roots(x_t, score, sigma_t, sigma_s, z):
    """With two roots of differences, as k-diffusion: far below sigma_t the second is lost."""
    up = np.minimum(sigma_s, (sigma_s**2 * (sigma_t**2 - sigma_s**2) / sigma_t**2)**0.5)
    down = (sigma_s**2 - up**2)**0.5
    return x_t - sigma_t * score * (down - sigma_t) + up * z


KINDS = (
    step("diffuse", BATCH, exact=lambda f, x_0, a, eps: root(a) * x_0 + root(1 - a) * eps),
    step("posterior", {"mean": BATCH, "variance": LEVEL}, exact=posterior,
         spellings=(posterior_by_betas,)),
    step("langevin_step", BATCH, exact=langevin_step, levels=("step_size",)),
    step("ddpm_step", BATCH, exact=ddpm_step, terms=with_x0, more_probes=(VARIANCE_BETA,),
         draw={"variance": number(lambda u, spec: "posterior")}, known=(
             Mistake("clipped", "clipped-x0", "x_0 is clipped to [-1, 1]", clipped_ddpm),)),
    step("ddim_step", BATCH, exact=ddim_step, terms=with_x0, held=("eta", "z"),
         undecided=loses_root, known=(
        Mistake("clipped", "clipped-x0", "x_0 is clipped to [-1, 1] and eps is not computed anew",
                clipped_ddim),
        Mistake("clipped", "clipped-x0", "x_0 is clipped to [-1, 1] and eps is computed anew",
                clipped_ddim_anew))),
    step("ve_probability_flow_step", BATCH, exact=euler_step),
    step("ve_reverse_sde_step", BATCH, exact=reverse_sde_step),
    step("ve_ancestral_step", BATCH, exact=ancestral_step, spellings=(ancestral_by_roots,)),
    step("heun_step", BATCH, exact=heun_step, terms=two_scores, spellings=(heun_by_denoisers,)),
    step("raise_noise", BATCH, exact=lambda f, x, a, b, z: x + root(b**2 - a**2) * z),
    step("vp_probability_flow_drift", BATCH, exact=lambda f, x, score, beta: (
        -beta * (x + score) / 2)),
    step("vp_reverse_sde_drift", BATCH, exact=lambda f, x, score, beta: (
        -beta * x / 2 - beta * score)),
)
