"""Kinds: densities and scores of Gaussians and of mixtures with one sigma."""

import numpy as np

import refsgm

from .drawing import table
from .fifty_digits import log_normal
from .kind import BATCH, ROUNDING, ROWS, Kind, Mistake
from .probes import FAR_TAIL, IN_FLOAT32
from .terms import ones_of, square
from .wide import RANDOM, component_weights


def from_the_mean(args, seen):
    """-|x - mean|^2 / (2 sigma^2), and a constant."""
    return [{"|x - mean|^2": square(args["x"] - args["mean"]), "1": ones_of(args)}]


# mixtures

def mixture_weights(rng, spec, drawn):
    """Weights (K,) that float32 holds exactly; at random probes of any size, and zero."""
    K = spec.count or 4
    if spec.regime in RANDOM:
        return component_weights(rng, spec)
    shares = np.arange(1, K + 1) / (K * (K + 1) / 2)
    return (1 + rng.multinomial(64 - K, shares)) / 64


def of_components(f, x, weights, means, sigma):
    """log w_k N(x | mean_k, sigma^2), (K, B)."""
    return np.stack([f.log(w) + log_normal(f, x, m, sigma) for w, m in zip(weights, means)])


def mixture_log_density(f, x, weights, means, sigma):
    logs = of_components(f, x, weights, means, sigma)
    top = np.max(logs, axis=0)
    return top + f.log(np.sum(f.exp(logs - top), axis=0))


def mixture_score(f, x, weights, means, sigma):
    logs = of_components(f, x, weights, means, sigma)
    r = f.exp(logs - mixture_log_density(f, x, weights, means, sigma))
    return sum(r[k][:, None] * (m - x) for k, m in enumerate(means)) / sigma**2


def from_rounded_exponents(x, weights, means, sigma):
    """The score by log weights and exponents, each rounded by itself, and their sum: far away they
    are large.
    """
    exponents = np.sum((x[:, None] - means)**2, axis=2) / (2 * np.reshape(sigma, (-1, 1))**2)
    apart = 2 * (0.618 * np.arange(len(means)) % 1) - 1                     # no two are the same
    logs = np.log(weights) - exponents * (1 + ROUNDING * apart)
    r = np.exp(logs - np.max(logs, axis=1, keepdims=True))
    r = r / np.sum(r, axis=1, keepdims=True)
    off = 1 + ROUNDING * np.min(exponents, axis=1, keepdims=True)
    return (off * (r @ means) - x) / sigma**2


def by_rounded_log_density(x, weights, means, sigma):
    """The score by shares exp(log p_k - log p), as autograd has it: far away log p is large, and
    their sum is off by its rounding.
    """
    exponents = np.sum((x[:, None] - means)**2, axis=2) / (2 * np.reshape(sigma, (-1, 1))**2)
    off = 1 + ROUNDING * np.min(exponents, axis=1, keepdims=True)
    return off * refsgm.mixture_score(x, weights, means, sigma)


def log_density_itself(args, seen):
    """log p, and a constant."""
    return [{"log p": refsgm.mixture_log_density(*args.values()), "1": ones_of(args)}]


def averages_of_means(args, seen):
    """x, and the means averaged in all the ways that a mistake may have."""
    x, w, m = args["x"], args["weights"], args["means"]
    mean_r = refsgm.mixture_score(x, w, m, args["sigma"]) * args["sigma"]**2 + x
    nearest = m[np.argmin(np.sum((x[:, None] - m)**2, axis=2), axis=1)]
    every_row = np.ones_like(x)
    return [{"x": x, "sum_k r_k mean_k": mean_r, "sum_k mean_k / K": every_row * np.mean(m, axis=0),
             "sum_k w_k mean_k": every_row * (w @ m), "the nearest mean": nearest}]


def unweighted(x, weights, means, sigma):
    """The plain mean of the components' scores."""
    return (np.mean(means, axis=0) - x) / sigma**2


KINDS = (
    Kind("gaussian_log_density", ROWS, exact=log_normal, terms=from_the_mean, logarithm=True,
         more_probes=(FAR_TAIL,)),
    Kind("gaussian_score", BATCH, exact=lambda f, x, mean, sigma: (mean - x) / sigma**2,
         more_probes=(FAR_TAIL,), sampling=True),
    Kind("perturb", BATCH, exact=lambda f, x, sigma, eps: x + sigma * eps, sampling=True),
    Kind("perturbation_score", BATCH, exact=lambda f, x_noisy, x, sigma: (x - x_noisy) / sigma**2,
         more_probes=(FAR_TAIL,), sampling=True),
    Kind("mixture_log_density", ROWS, exact=mixture_log_density, terms=log_density_itself,
         logarithm=True, draw={"weights": table(mixture_weights)},
         more_probes=(FAR_TAIL, *IN_FLOAT32)),
    Kind("mixture_score", BATCH, exact=mixture_score, terms=averages_of_means, similar_terms=True,
         draw={"weights": table(mixture_weights)}, more_probes=(FAR_TAIL, *IN_FLOAT32),
         sampling=True, spellings=(from_rounded_exponents, by_rounded_log_density), known=(
             Mistake("unweighted", "", "component scores are averaged without responsibilities",
                     unweighted),)),
)
