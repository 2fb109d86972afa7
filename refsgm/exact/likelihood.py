"""Likelihood by the probability-flow ODE, from the data to the prior.

    dx / dsigma = -sigma s(x, sigma)
    log q_min(x) = log q_max(x_max) - integral over [sigma_min, sigma_max] of sigma div s    [SDE-3]

The end x_max is judged by a prior: the true q_max where it is known, or, as is usual,
N(0, sigma_max^2 I), whose error is exactly log q_max(x_max) - log N(x_max | 0, sigma_max^2 I).
"""

import math

import autograd.numpy as np

from ..arguments import (FINITE, POSITIVE, check_batch, check_below, check_count, check_directions,
                         check_level, check_scalars, check_values, returned_by, shape_of)
from ..arrays import beside, float_type, to_host
from ..gaussian import gaussian_log_density
from ..score import mean_over_directions, row_times_jacobian, trace


def prior_log_density(x, sigma_max):
    """log N(x | 0, sigma_max^2 I), shape (B,), in nats: the usual prior of VE models.  [SDE-3]

    x          points at the largest noise level (B, D)
    sigma_max  its standard deviation: positive, a scalar or (B, 1)

    >>> prior_log_density(np.array([[3.0, 4.0]]), 5.0) + np.log(2 * np.pi * 25)
    array([-0.5])
    """
    check_batch(x=x)
    check_level(x, POSITIVE, sigma_max=sigma_max)
    return gaussian_log_density(x, 0.0, sigma_max)


def probability_flow(score_fn, x, sigma_from, sigma_to, *, rtol=1e-8):
    """The solution at sigma_to, (B, D), of the probability-flow ODE through x at sigma_from.

    [SDE-2] By SciPy's adaptive method of order 8; in either direction. All samples take the same
    steps, which are short enough for each of them: a row depends on the others within rtol.

    score_fn    function (x, sigma) -> (B, D)
    x           points (B, D)
    sigma_from  noise level of x: positive
    sigma_to    noise level of the result: positive
    rtol        relative error per step that the solver keeps to, in every row
    Raises ValueError also for a score that is not finite and one that needs too many evaluations.

    >>> x = probability_flow(lambda x, sigma: -x / (9 + sigma**2), np.array([[5.0]]), 4.0, 1e-8)
    >>> x.round(6)                                   # N(0, 9): x shrinks from 5 to 3 deviations
    array([[3.]])
    """
    end, _ = solve(flow_of(score_fn), x, sigma_from, sigma_to, rtol)
    return end.astype(float_type(x))


def log_likelihood(score_fn, x, sigma_min, sigma_max, *, v=None, prior=None, rtol=1e-8):
    """log q_min(x), shape (B,), in nats, of the model whose score is score_fn.  [SDE-3]

    score_fn   function (x, sigma) -> (B, D), differentiable
    x          points at noise level sigma_min (B, D)
    sigma_min  noise level at which the density is wanted: positive
    sigma_max  noise level of the prior: larger than sigma_min
    v          directions (B, D) or (M, B, D) for Hutchinson's estimate of the divergence, the same
               along the whole path; exact if left out, with D backward passes per step
    prior      log density at sigma_max, a function (B, D) -> (B,); N(0, sigma_max^2 I) if left out
    rtol       relative error per step that the solver keeps to, in every row
    Raises ValueError also for a score that is not finite and one that needs too many evaluations.

    >>> x = np.array([[0.0], [1.0]])
    >>> log_p = log_likelihood(lambda x, sigma: -x / (3 + sigma**2), x, 1.0, 1e4)
    >>> (log_p + np.log(2 * np.pi * 4) / 2).round(6)                                # N(0, 4)
    array([ 0.   , -0.125])
    """
    check_scalars(POSITIVE, sigma_min=sigma_min, sigma_max=sigma_max)
    check_below(sigma_min=sigma_min, sigma_max=sigma_max)
    divergence = trace
    if v is not None:
        check_batch(x=x)
        check_directions(x, v)
        def divergence(v_jacobian, x):                                     # Hutchinson's estimate
            return mean_over_directions(lambda v: np.sum(v_jacobian(v) * v, axis=1), v)
    x_max, change = solve(flow_of(score_fn, divergence), x, sigma_min, sigma_max, rtol)
    log_prior = prior_log_density(x_max, sigma_max) if prior is None else \
        returned_by("prior(x)", prior, (x_max,), np.shape(x)[:1])
    return (log_prior - change).astype(float_type(x))


EVALUATIONS = 50_000                # of the score, at most: sharp mixtures have needed 6,000


def flow_of(score_fn, divergence=None):
    """The function (x, sigma) -> (score (B, D), divergence (B,)), from one call of score_fn.

    divergence  (v -> v' J, x) -> div s, or an estimate of it; zero if left out
    """
    def flow(x, sigma):
        def s(x):
            return returned_by("score_fn(x, sigma)", score_fn, (x, sigma), np.shape(x))
        if divergence is None:
            return s(x), np.zeros(len(x))
        v_jacobian, score = row_times_jacobian(s, x)
        return score, divergence(v_jacobian, x)
    return flow


def solve(flow, x, sigma_from, sigma_to, rtol):
    """x at sigma_to, and the integral of sigma div s dsigma on the way, of a `flow_of` a score.

    In t = log sigma, where dx / dt = -sigma^2 s changes on a scale of one. All samples take the
    same steps, chosen for the worst of them. The score changes over distances of the order of
    sigma, and a log density is of order one: these set the absolute tolerances, with a floor for
    the rounding of a row.
    """
    from scipy.integrate import solve_ivp                        # a third of a second to import
    check_batch(x=x)
    check_scalars(POSITIVE, sigma_from=sigma_from, sigma_to=sigma_to, rtol=rtol)
    B, D = x.shape
    evaluations = 0

    def slope(t, state):
        nonlocal evaluations
        evaluations += 1
        if evaluations > EVALUATIONS:
            raise ValueError("the probability-flow ODE must be solvable, got a score_fn that needs "
                             f"more than {EVALUATIONS} evaluations at rtol {rtol}")
        if not np.all(np.isfinite(state)):                        # a shorter step is tried then
            return np.full_like(state, np.nan)
        sigma = math.exp(t)
        x_t = beside(state[:B * D].reshape(B, D), x)              # SciPy's own state is on the host
        score, divergence = map(to_host, flow(x_t, sigma))
        rate = np.concatenate([np.ravel(-sigma**2 * score), sigma**2 * divergence])
        if evaluations == 1 and not np.all(np.isfinite(rate)):
            raise ValueError("score_fn(x, sigma) and its divergence must be finite, got a value "
                             f"that is not at sigma = {sigma:.6g}")
        return rate

    if B == 0 or sigma_from == sigma_to:
        return x, beside(np.zeros(B), x)
    x_host = to_host(x).astype(np.float64)
    start = np.concatenate([np.ravel(x_host), np.zeros(B)])
    # the tolerance of SciPy is for the root mean square over the state; sqrt(B) makes it each row's
    tight = max(rtol / math.sqrt(B), 3e-14)
    rounding = 16 * np.finfo(np.float64).eps * np.max(np.abs(x_host), axis=1, keepdims=True)
    atol = np.maximum(tight * min(sigma_from, sigma_to), rounding) * np.ones(D)           # (B, D)
    solution = solve_ivp(slope, (math.log(sigma_from), math.log(sigma_to)), start, method="DOP853",
                         rtol=tight, atol=np.concatenate([np.ravel(atol), np.full(B, tight)]),
                         t_eval=[math.log(sigma_to)])
    if not solution.success:
        raise ValueError(f"the probability-flow ODE must be solvable, got: {solution.message}")
    end = beside(solution.y[:, -1], x)
    return end[:B * D].reshape(B, D), end[B * D:]


def bits_per_dimension(log_density, dim, bin_width=1.0):
    """Bits per dimension: -log_density / (dim ln 2) - log2(bin_width), shaped like log_density.

    [BPD-1] What a code needs for data that were rounded to bins, when the density is nearly
    constant over a bin (dequantised data make it a bound).

    log_density  of the data as scaled for the model, in nats: a number or (B,)
    dim          number of features D
    bin_width    width of one bin in those units, e.g. 2 / 256 for bytes scaled to [-1, 1]

    >>> bits_per_dimension(np.array([0.0]), 3, bin_width=1 / 256)        # uniform on [0, 1]
    array([8.])
    """
    shape_of("log_density", log_density)
    check_values(FINITE, log_density=log_density)
    check_count(1, dim=dim)
    check_scalars(POSITIVE, bin_width=bin_width)
    return -log_density / (dim * math.log(2)) - math.log2(bin_width)
