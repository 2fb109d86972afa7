"""Kinds: likelihoods of data, by the probability-flow ODE."""

from functools import lru_cache

import numpy as np

import refsgm

from .drawing import number
from .fifty_digits import log_normal
from .kind import ROWS, Kind, Mistake, ProbeSpec
from .probes import by_seed, many_rows, seeds, sizes
from .terms import ones_of, square
from .test_functions import Field, conservative, turned
from .wide import RANDOM
from ...exact.likelihood import solve

ODE = 1e-5                                 # relative: what two adaptive solvers may differ by


def bounded(rng, spec, drawn):
    """A test function of which the flow stays bounded; of other ones than the usual with frames."""
    f = Field(rng, spec.D, 0.1, -0.4)
    return conservative(turned(f)) if spec.bent else f


def few_rows(kind, levels, dim):
    """Small probes, as each solves an ODE."""
    features = [D for _, D in sizes(dim)]
    plain = [ProbeSpec(f"B = {B}, D = {D}", B, D, seed=i)
             for i, (B, D) in enumerate(zip((3, 2, 1), (features[0], features[1], features[4])))]
    return [*plain, ProbeSpec("levels from 0.02 to 10", 2, features[4], regime="edge", seed=3,
                              given=(("sigma_min", 0.02), ("sigma_max", 10.0)))]


def log_likelihood(f, x, sigma_min, sigma_max):
    """refsgm's, with the divergence of a test function in closed form: a tenth of its time."""
    if not isinstance(f, Field):
        return refsgm.log_likelihood(f, x, sigma_min, sigma_max)
    x_max, change = flow(f, x, sigma_min, sigma_max)
    return (refsgm.prior_log_density(x_max, sigma_max) - change).astype(x.dtype)


def flow(f, x, sigma_min, sigma_max):
    """Where the flow of a test function ends, (B, D), and the integral of its divergence (B,)."""
    return solved(f, x.tobytes(), x.dtype, x.shape, sigma_min, sigma_max)


@lru_cache(64)
def solved(f, data, dtype, shape, sigma_min, sigma_max):
    """The same, remembered: what is asked of one probe is asked again of its terms."""
    def score_and_divergence(x, sigma):
        return f(x, sigma), f.divergence(x, sigma)
    x = np.frombuffer(data, dtype).reshape(shape)
    return solve(score_and_divergence, x, sigma_min, sigma_max, 1e-8)


def of_the_flow(args, seen):
    """The prior where the flow ends, and the integral of the divergence on the way."""
    x_max, change = flow(*args.values())
    return [{"|x_max|^2": square(x_max), "1": np.ones(len(x_max)),
             "integral of the divergence": change}]


def prior_of_the_change(score_fn, x, sigma_min, sigma_max):
    """With the density of the kernel, around x, in place of that of the prior."""
    x_max, _ = flow(score_fn, x, sigma_min, sigma_max)
    right, wrong = (refsgm.prior_log_density(a, sigma_max) for a in (x_max, x_max - x))
    return log_likelihood(score_fn, x, sigma_min, sigma_max) - right + wrong


def any_log_density(rng, spec, drawn):
    """Log densities (B,) of any sign, at random probes of any size too."""
    a = 30 * rng.standard_normal(spec.B)
    return a * 10**rng.uniform(-3, 3) if spec.regime in RANDOM else a


KINDS = (
    Kind("prior_log_density", ROWS, exact=lambda f, x, sigma: log_normal(f, x, 0, sigma),
         levels=("sigma_max",), logarithm=True,
         terms=lambda args, seen: [{"|x|^2": square(args["x"]), "1": ones_of(args)}]),
    Kind("log_likelihood", ROWS, terms=of_the_flow, logarithm=True, answer=log_likelihood,
         adaptive=True, tolerance=ODE,
         known=(Mistake("evaluation-point", "", "the prior is centred at x, as the kernel is, and "
                        "not at 0", prior_of_the_change),),
         draw={"score_fn": bounded,
               "sigma_max": number(lambda u, spec: 2.0 + u)},
         probes=few_rows, fit_probes=lambda *given: many_rows(*given)[:8]),
    Kind("bits_per_dimension", ROWS,
         exact=lambda f, a, dim, width: -a / (dim * f.log(2)) - f.log(width) / f.log(2),
         terms=lambda args, seen: [{"log_density": args["log_density"], "1": ones_of(args)}],
         draw={"log_density": any_log_density},
         probes=by_seed, fit_probes=seeds),
)
