"""The loops: each sampler is a generator that yields every state; the last one is the sample.

    for noise levels from large to small:    x = step(x, model(x, level), level, next level, z)

Only loops draw random numbers, from the rng that they are given: one standard_normal(x.shape) per
step. Noise levels reach the model as Python floats, so that float32 states stay float32. Arguments
are checked when the loop is called, not when it is first advanced.
"""

import autograd.numpy as np

from .arguments import (NONNEGATIVE, POSITIVE, UNIT, check_alpha_bar_table, check_batch,
                        check_count, check_decreasing, check_functions, check_level, check_real,
                        check_scalars, check_word)
from .arrays import entries, float_type, in_one_line
from .steps import (annealed_step_sizes, ddim_step, ddpm_step, heun_step, langevin_step,
                    ve_probability_flow_step)


def check_rng(rng, **arrays):
    """rng draws noise, which is real, and so are the arrays that it meets."""
    if not hasattr(rng, "standard_normal"):
        raise ValueError("rng must be a Generator, such as numpy.random.default_rng(0), "
                         f"got {in_one_line(rng)}")
    check_real(**arrays)


def normal_like(x, rng):
    """Standard normal noise with the shape and dtype of x; float64 if x holds integers."""
    return rng.standard_normal(x.shape, dtype=float_type(x))


def langevin(score_fn, x, step_size, n_steps, rng):
    """Langevin dynamics: a generator of n_steps states (B, D).  [LANG-1]

    score_fn   function x -> (B, D)
    x          starting point (B, D)
    step_size  positive, a scalar or (B, 1)
    n_steps    number of steps, zero or more
    rng        NumPy (or CuPy) Generator: one standard_normal(x.shape) per step

    >>> *_, x = langevin(lambda x: -x, np.zeros((5, 2)), 0.1, 100, np.random.default_rng(0))
    >>> x.shape
    (5, 2)
    """
    check_batch(x=x)
    check_level(x, POSITIVE, step_size=step_size)
    check_count(0, n_steps=n_steps)
    check_functions(score_fn=score_fn)
    check_rng(rng, x=x, step_size=step_size)

    def states(x):
        for _ in range(n_steps):
            x = langevin_step(x, score_fn(x), step_size, normal_like(x, rng))
            yield x
    return states(x)


def annealed_langevin(score_fn, x, sigmas, steps_per_level, step_size, rng):
    """Annealed Langevin dynamics: a generator of L * steps_per_level states (B, D).  [LANG-2]

    Langevin dynamics on q_sigma for each noise level in turn, from the largest to the smallest,
    with step sizes step_size sigma_i^2 / sigma_L^2. The last state still has noise sigma_L, which
    `x0_from_score` takes out.

    score_fn         function (x, sigma) -> (B, D)
    x                starting point (B, D), usually sigma_1 times standard normal noise
    sigmas           noise levels (L,), standard deviations, strictly decreasing
    steps_per_level  steps at each level, zero or more
    step_size        step size at the last level: positive
    rng              NumPy (or CuPy) Generator: one standard_normal(x.shape) per step

    >>> x, sigmas, rng = np.ones((5, 2)), np.array([2.0, 1.0]), np.random.default_rng(0)
    >>> states = annealed_langevin(lambda x, sigma: -x / sigma**2, x, sigmas, 3, 0.1, rng)
    >>> len(list(states))
    6
    """
    check_batch(x=x)
    check_count(0, steps_per_level=steps_per_level)
    step_sizes = annealed_step_sizes(sigmas, step_size)
    check_functions(score_fn=score_fn)
    check_rng(rng, x=x, sigmas=sigmas, step_size=step_size)

    def states(x):
        for sigma, size in zip(entries(sigmas), entries(step_sizes)):
            for _ in range(steps_per_level):
                x = langevin_step(x, score_fn(x, sigma), size, normal_like(x, rng))
                yield x
    return states(x)


def ddpm_sampler(eps_fn, x, alpha_bar, rng):
    """DDPM with posterior variance: a generator of T states (B, D), ending in clean data.  [DDPM-3]

    eps_fn     function (x_t, alpha_bar_t) -> (B, D)
    x          starting point (B, D), usually standard normal noise
    alpha_bar  table (T + 1,), alpha_bar[0] = 1, strictly decreasing; leave entries out (but not
               alpha_bar[0]) to skip steps
    rng        NumPy (or CuPy) Generator: one standard_normal(x.shape) per step

    >>> x, alpha_bar, rng = np.ones((5, 2)), np.array([1.0, 0.5, 0.1]), np.random.default_rng(0)
    >>> len(list(ddpm_sampler(lambda x, alpha_bar: x, x, alpha_bar, rng)))
    2
    """
    check_batch(x=x)
    check_alpha_bar_table(alpha_bar)
    check_functions(eps_fn=eps_fn)
    check_rng(rng, x=x, alpha_bar=alpha_bar)

    def states(x):
        for alpha_bar_t, alpha_bar_s in steps_of(alpha_bar):
            x = ddpm_step(x, eps_fn(x, alpha_bar_t), alpha_bar_t, alpha_bar_s, normal_like(x, rng))
            yield x
    return states(x)


def ddim_sampler(eps_fn, x, alpha_bar, eta, rng):
    """The DDIM sampler: a generator of T states (B, D), the last at alpha_bar[0] = 1.  [DDIM-1]

    eps_fn     function (x_t, alpha_bar_t) -> (B, D)
    x          starting point (B, D), usually standard normal noise
    alpha_bar  table (T + 1,), alpha_bar[0] = 1, strictly decreasing; leave entries out (but not
               alpha_bar[0]) to skip steps
    eta        share of fresh noise: a scalar in [0, 1]
    rng        NumPy (or CuPy) Generator: one standard_normal(x.shape) per step; may be None if
               eta = 0

    >>> x, alpha_bar = np.ones((5, 2)), np.array([1.0, 0.5, 0.1])
    >>> len(list(ddim_sampler(lambda x, alpha_bar: x, x, alpha_bar, 0.0, None)))
    2
    """
    check_batch(x=x)
    check_alpha_bar_table(alpha_bar)
    check_scalars(UNIT, eta=eta)
    check_functions(eps_fn=eps_fn)
    if eta > 0:
        check_rng(rng, x=x, alpha_bar=alpha_bar, eta=eta)

    def states(x):
        for alpha_bar_t, alpha_bar_s in steps_of(alpha_bar):
            z = normal_like(x, rng) if eta > 0 else np.zeros_like(x)
            x = ddim_step(x, eps_fn(x, alpha_bar_t), alpha_bar_t, alpha_bar_s, eta, z)
            yield x
    return states(x)


def steps_of(alpha_bar):
    """The pairs (alpha_bar_t, alpha_bar_s) of a table, from noise to data."""
    levels = entries(alpha_bar)[::-1]
    return list(zip(levels[:-1], levels[1:]))


def probability_flow_sampler(score_fn, x, sigmas, method="heun"):
    """The probability-flow ODE from sigmas[0] to sigmas[-1]: L - 1 states (B, D).  [VE-1] [VE-2]

    score_fn  function (x, sigma) -> (B, D)
    x         starting point (B, D), usually sigma_1 times standard normal noise
    sigmas    noise levels (L,), standard deviations, strictly decreasing; the last may be 0
    method    "heun" (second order) or "euler" (first order)

    >>> x, sigmas = np.ones((5, 2)), np.array([2.0, 1.0, 0.0])
    >>> *_, x = probability_flow_sampler(lambda x, sigma: -x / sigma**2, x, sigmas)
    >>> x.shape
    (5, 2)
    """
    check_batch(x=x)
    check_decreasing(NONNEGATIVE, sigmas=sigmas)
    check_word(("heun", "euler"), method=method)
    check_functions(score_fn=score_fn)

    def states(x):
        levels = entries(sigmas)
        for sigma_t, sigma_s in zip(levels[:-1], levels[1:]):
            if method == "heun":
                x = heun_step(score_fn, x, sigma_t, sigma_s)
            else:
                x = ve_probability_flow_step(x, score_fn(x, sigma_t), sigma_t, sigma_s)
            yield x
    return states(x)
