"""Kinds: tables, the levels or rates of a whole schedule."""

import numpy as np

from .drawing import number
from .kind import ROUNDING, TABLE, Kind, Mistake


def spaced(f, n, power, start, end):
    """Equal steps in a^(1 / power), both ends included."""
    a, b = start**(1 / power), end**(1 / power)
    return np.array([(a + f.one * i / max(n - 1, 1) * (b - a))**power for i in range(n)], object)


def geometric_sigmas(f, a, b, n):
    return np.array([a * (b / a)**(f.one * i / (n - 1)) for i in range(n)], object)


def spaced_from_the_large_end(sigma_max, sigma_min, n_levels, rho=7.0):
    """As it is defined: the small end is a difference of large numbers, which are rounded."""
    a, b = (s**(1 / rho) for s in (sigma_max, sigma_min))
    return (a * (1 + ROUNDING) + np.linspace(0, 1, n_levels) * (b - a))**rho


def cumulative_products(factors):
    """1, and the product of the first, of the first two, and so on."""
    result = [1]
    for factor in factors:
        result.append(result[-1] * factor)
    return np.array(result, object)


def cosine_alpha_bar(f, n, offset, beta_max):
    def height(t):
        return f.cos((f.one * t / n + offset) / (1 + offset) * f.pi / 2)**2
    return cumulative_products([1 - min(1 - height(t) / height(t - 1), beta_max)
                                for t in range(1, n + 1)])


def cosine_of_rounded_angles(n_steps, offset=0.008, beta_max=0.999):
    """The cosine of an angle near pi / 2 keeps few digits."""
    angle = (np.arange(n_steps + 1) / n_steps + offset) / (1 + offset) * np.pi / 2
    height = np.cos(angle * (1 - ROUNDING))**2
    steps = 1 - np.minimum(1 - height[1:] / height[:-1], beta_max)
    return np.concatenate([[1.0], np.cumprod(steps)])


def uncapped_cosine(n_steps, offset=0.008, beta_max=0.999):
    """The cosine itself, whose rates are not clipped."""
    height = np.cos((np.arange(n_steps + 1) / n_steps + offset) / (1 + offset) * np.pi / 2)**2
    return height / height[0]


def betas_from_the_first(n_steps, beta_min=1e-4, beta_max=0.02):
    """As a plain formula has it: falling rates are differences of the first, which is rounded."""
    return beta_min * (1 + ROUNDING) + np.linspace(0, 1, n_steps) * (beta_max - beta_min)


def rate(u, spec):
    """A rate in (0, 1): half of them small."""
    return 10**(-12 * u - 0.1) if u < 0.5 else 0.005 + 1.98 * (u - 0.5)


def neighbours(args, q):
    """alpha_bar before and after each step."""
    s, t = args["alpha_bar"][:-1], args["alpha_bar"][1:]
    return {"alpha_bar_t": t, "alpha_bar_s": s, "alpha_bar_s - alpha_bar_t": s - t}


def ends_and_entries(args, q):
    """Each level, the first and the last, by entry of the table."""
    sigmas, same = args["sigmas"], np.zeros_like(args["sigmas"])
    return {"sigma_i": sigmas, "sigma_L": same + sigmas[-1], "sigma_1": same + sigmas[0],
            "step_size": same + args["step_size"]}


def one_entry_for_two_ends(args):
    """Whether a table has one entry for two ends, which is either of them or neither."""
    return args["n_steps"] == 1 and args.get("beta_min", 0.0) != args.get("beta_max", 1.0)


KINDS = (
    Kind("geometric_sigmas", TABLE, exact=geometric_sigmas),
    Kind("karras_sigmas", TABLE, exact=lambda f, a, b, n, rho: spaced(f, n, rho, a, b),
         spellings=(spaced_from_the_large_end,)),
    Kind("linear_betas", TABLE, exact=lambda f, n, a, b: spaced(f, n, f.one, a, b),
         spellings=(betas_from_the_first,), undecided=one_entry_for_two_ends, draw={
        "beta_min": number(lambda u, spec: 0.001 + 0.05 * u, rate),
        "beta_max": number(lambda u, spec: 0.2 + 0.5 * u, rate)}),
    Kind("cosine_alpha_bar", TABLE, exact=cosine_alpha_bar,
         spellings=(cosine_of_rounded_angles,), known=(
             Mistake("argument-ignored", "", "the rates are not clipped: the result does not "
                     "depend on beta_max", uncapped_cosine),),
         draw={"beta_max": number(lambda u, spec: 0.9 + 0.099 * u,
                                  lambda u, spec: 1.9 * u + 0.02 if u < 0.5
                                  else 1 - 0.1**(11 * u - 4.4))}),
    Kind("alpha_bar_from_betas", TABLE, exact=lambda f, betas: cumulative_products(1 - betas)),
    Kind("betas_from_alpha_bar", TABLE, exact=lambda f, a: 1 - a[1:] / a[:-1],
         quantities=neighbours),
    Kind("annealed_step_sizes", TABLE, exact=lambda f, sigmas, a: a * sigmas**2 / sigmas[-1]**2,
         quantities=ends_and_entries),
)
