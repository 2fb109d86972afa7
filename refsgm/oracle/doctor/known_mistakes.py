"""Known alternatives: formulas that are mistakes, or choices, of their own kind.

The engines explain factors, terms, shifts and exchanges by themselves; here stand only formulas
that differ in kind. Each is compared with foreign code at every further probe, like any
explanation.
"""

from functools import partial

import numpy as np

import refsgm

from .misread_arguments import explains


def unweighted(x, weights, means, sigma):
    """The plain mean of the components' scores."""
    return (np.mean(means, axis=0) - x) / sigma**2


def clipped_ddim(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    """DDIM with x_0 clipped and eps left as it was."""
    x_0 = np.clip((x_t - (1 - alpha_bar_t)**0.5 * eps) / alpha_bar_t**0.5, -1, 1)
    beta = 1 - alpha_bar_t / alpha_bar_s
    variance = eta**2 * beta * (1 - alpha_bar_s) / (1 - alpha_bar_t)
    return alpha_bar_s**0.5 * x_0 + (1 - alpha_bar_s - variance)**0.5 * eps + variance**0.5 * z


def clipped_ddpm(x_t, eps, alpha_bar_t, alpha_bar_s, z, variance="posterior"):
    """DDPM with x_0 clipped."""
    x_0 = np.clip((x_t - (1 - alpha_bar_t)**0.5 * eps) / alpha_bar_t**0.5, -1, 1)
    mean, posterior = refsgm.posterior(x_0, x_t, alpha_bar_t, alpha_bar_s)
    return mean + (posterior if variance == "posterior" else 1 - alpha_bar_t / alpha_bar_s)**0.5 * z


def min_snr(f):
    """A weight that is f(q, gamma, prediction), q the signal-to-noise ratio."""
    return lambda alpha_bar, gamma, prediction: f(alpha_bar / (1 - alpha_bar), gamma, prediction)


BASE = {"eps": lambda q: q, "x0": lambda q: 1.0, "v": lambda q: q + 1}


def squared_residual(loss):
    """The residual of a loss squared twice."""
    return lambda f, x, level, eps: loss(f, x, level, eps)**2


# kind: (code, convention, sentence, formula)
KNOWN = {
    "ddpm_step": (
        ("clipped", "clipped-x0", "x_0 is clipped to [-1, 1]", clipped_ddpm),),
    "ddim_step": (
        ("clipped", "clipped-x0", "x_0 is clipped to [-1, 1] and eps is not computed anew",
         clipped_ddim),),
    "mixture_score": (
        ("unweighted", "", "component scores are averaged without responsibilities", unweighted),),
    "min_snr_weight": (
        ("min-vs-max", "", "max(SNR, gamma) stands where min(SNR, gamma) is meant",
         min_snr(lambda q, gamma, p: np.maximum(q, gamma) / BASE[p](q))),
        ("term-extra", "", "the weight for v is that for eps plus 1; it should divide by SNR + 1",
         min_snr(lambda q, gamma, p: np.minimum(q, gamma) / q + 1 if p == "v"
                 else np.minimum(q, gamma) / BASE[p](q)))),
    "noise_prediction_loss": (
        ("squared-twice", "", "the sum of squares is squared again",
         squared_residual(refsgm.noise_prediction_loss)),),
    "ddpm_loss": (
        ("squared-twice", "", "the sum of squares is squared again",
         squared_residual(refsgm.ddpm_loss)),),
}


def alternatives(case):
    """Known alternatives that explain every further probe."""
    return [case.say(code, sentence, "known mistake", convention)
            for code, convention, sentence, formula in KNOWN.get(case.contract.name, ())
            if explains(case, partial(answer_of, case, formula))]


def answer_of(case, formula, args):
    """The answer of another formula with the contract's arguments."""
    return (np.asarray(formula(*[args[n] for n in case.contract.args if n in args])),)
