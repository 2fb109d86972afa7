"""Mixtures with one common sigma: exact density and score, in a stream over the components.

    log p(x) = log sum_k w_k N(x | mean_k, sigma^2 I)                                        [MIX-1]
    score    = sum_k r_k(x) (mean_k - x) / sigma^2,    r_k the responsibilities              [MIX-2]

Noise of standard deviation sigma on a data set gives such a mixture, with the data as means. A
block of components is summed up relative to the likeliest one that x sees, its reference: with
u = mean_k - mean_ref,

    log N_k - log N_ref = u'(2 (x - mean_ref) - u) / (2 sigma^2),                            [MIX-3]

which loses no digits in far tails, at tiny sigma or far from the origin, where the difference of
two large squares does. Two sums merge into one by the same formula, so components may come in
blocks, from memory, from disk or from Dask's workers.
"""

import math
from typing import NamedTuple

import autograd.numpy as np
from autograd.tracer import isbox

from ..arguments import (FINITE, NONNEGATIVE, POSITIVE, check_batch, check_level, check_table,
                         check_values, shape_of)
from ..arrays import beside, device_of, float_type, log, on_host, to_host, value_of

ENTRIES = 2**22                # of the largest temporary array: 32 MiB in float64
DIRECT = 2**20                 # entries (B, K, D) below which matrix products bring nothing


class Sums(NamedTuple):
    """Components k as each x sees them, relative to the likeliest of them, `nearest`.

    nearest  (B, D)  mean of the reference
    log_sum  (B, 1)  log sum_k w_k N(x | mean_k) / N(x | nearest)
    shift    (B, D)  posterior mean of the means, sum_k r_k mean_k, less `nearest`
    """

    nearest: np.ndarray
    log_sum: np.ndarray
    shift: np.ndarray


def mixture_log_density(x, weights, means, sigma):
    """log sum_k w_k N(x | mean_k, sigma^2 I), shape (B,), in nats.  [MIX-1]

    Summed relative to the nearest component [MIX-3], so that no digits are lost far out.

    x        points (B, D)
    weights  w (K,), zero or positive, with sum 1
    means    centres (K, D)
    sigma    the common standard deviation: positive, a scalar or (B, 1)
    Raises ValueError for other shapes, sigma <= 0, weights that do not sum to 1 and values that
        are not finite.

    >>> x, means = np.array([[0.0]]), np.array([[-1.0], [1.0]])
    >>> mixture_log_density(x, np.array([0.5, 0.5]), means, 1.0) + np.log(2 * np.pi) / 2
    array([-0.5])
    """
    check_mixture(x, weights, means, sigma)
    nearest, log_sum, _ = mixture_sums(x, weights, means, sigma)
    return log_density_of(x, nearest, log_sum, sigma)


def mixture_score(x, weights, means, sigma):
    """Score of the mixture at x, shape (B, D): sum_k r_k (mean_k - x) / sigma^2.  [MIX-2]

        r_k proportional to w_k exp(-|x - mean_k|^2 / (2 sigma^2))

    Summed relative to the nearest component [MIX-3], so that no digits are lost far out; with many
    components the cost is that of two matrix products.

    x        points (B, D)
    weights  w (K,), zero or positive, with sum 1
    means    centres (K, D)
    sigma    the common standard deviation: positive, a scalar or (B, 1)
    Raises ValueError for other shapes, sigma <= 0, weights that do not sum to 1 and values that
        are not finite.

    >>> mixture_score(np.array([[0.0]]), np.array([0.25, 0.75]), np.array([[-1.0], [1.0]]), 1.0)
    array([[0.5]])
    """
    check_mixture(x, weights, means, sigma)
    nearest, _, shift = mixture_sums(x, weights, means, sigma)
    return ((nearest - x + shift) / sigma) / sigma


def check_mixture(x, weights, means, sigma):
    """x (B, D); sigma positive; weights (K,), means (K, D)."""
    check_batch(x=x)
    check_level(x, POSITIVE, sigma=sigma)
    check_weights(weights)
    shape = (len(weights), np.shape(x)[1])
    if shape_of("means", means) != shape:
        raise ValueError(f"means must have shape (K, D) = {shape}, got shape {np.shape(means)}")


def check_weights(weights):
    """weights (K,), zero or positive, with sum 1 within rounding."""
    check_table(NONNEGATIVE, weights=weights)
    if isinstance(weights, np.ndarray):
        slack = 8 * len(weights) * np.finfo(weights.dtype).eps if weights.dtype.kind == "f" else 0.0
        if abs(np.sum(weights) - 1) > slack:
            raise ValueError(f"weights must sum to 1, got a sum of {np.sum(weights)}")


def log_density_of(x, nearest, log_sum, sigma):
    """log N(x | nearest, sigma^2 I) + log_sum, shape (B,)."""
    log_norm = np.shape(x)[1] * (log(sigma) + 0.5 * math.log(2 * math.pi))     # scalar or (B, 1)
    square = np.sum(((x - nearest) / sigma)**2, axis=1, keepdims=True)                  # (B, 1)
    return (log_sum - 0.5 * square - log_norm)[:, 0]


def mixture_sums(x, weights, means, sigma):
    """The `Sums` of all components, in blocks that keep memory bounded.

    weights may be None for equal ones; means may lie on disk (memmap) or be a Dask array.
    """
    if weights is not None and isinstance(weights, np.ndarray) and not np.all(weights):
        means, weights = means[weights > 0], weights[weights > 0]
    log_w = -math.log(len(means)) if weights is None else np.log(weights)
    if hasattr(means, "to_delayed"):
        return sums_on_dask(x, log_w, means, sigma)
    if is_plain(x, sigma, log_w, means):
        rows = max(1, rows_at_once(x))
    else:                                                 # traced: all rows at once, as they are
        rows = max(1, len(x))
    parts = [sums_of_rows(x[i:i + rows], log_w, means, sigma if np.ndim(sigma) == 0
                          else sigma[i:i + rows]) for i in range(0, max(1, len(x)), rows)]
    return parts[0] if len(parts) == 1 else Sums(*map(np.concatenate, zip(*parts)))


def entries_at_once(x):
    """How many entries the largest temporary array may have: on a device 1/16 of what is free."""
    device = device_of(x)
    return ENTRIES if device is None else max(ENTRIES, device.free_memory() // (16 * 8))


def rows_at_once(x):
    """How many rows of x are summed up at once: with NumPy few, so that they stay in the cache."""
    return min(1024, ENTRIES // x.shape[1]) if device_of(x) is None else \
        entries_at_once(x) // x.shape[1]


def is_plain(*arrays):
    """Whether all are real arrays or numbers, which no gradient flows through."""
    return not any(isbox(a) or np.iscomplexobj(a) for a in arrays)


def sums_of_rows(x, log_w, means, sigma):
    """The `Sums` of all components, block after block."""
    B, D = np.shape(x)
    plain = is_plain(x, sigma, log_w, means)
    products = plain and B * len(means) * D > DIRECT
    entries = entries_at_once(x)
    size = max(1, 2 * entries // max(B, D) if products else entries // max(1, B * D))
    sums_of = sums_by_products if products else sums_directly
    total = None
    for i in range(0, len(means), size):
        block = means[i:i + size]
        if plain:                    # differences of float32 points, too, in the precision of x
            block = np.asarray(block) if on_host(block) else block
            block = block.astype(float_type(x, block), copy=False)
        part = sums_of(x, log_w if np.ndim(log_w) == 0 else log_w[i:i + size], block, sigma)
        total = part if total is None else merge(x, sigma, total, part)
    return total


def sums_on_dask(x, log_w, means, sigma):
    """The `Sums` of a Dask array of components, one task for each of its chunks."""
    import dask
    blocks = means.rechunk({1: -1}).to_delayed()[:, 0]
    ends = np.cumsum(means.chunks[0])
    tasks = [dask.delayed(mixture_block)(x, log_w if np.ndim(log_w) == 0 else log_w[end - n:end],
                                         block, sigma)
             for block, end, n in zip(blocks, ends, means.chunks[0])]
    while len(tasks) > 1:                                                    # a tree of merges
        tasks = [dask.delayed(merge)(x, sigma, *pair) if len(pair) == 2 else pair[0]
                 for pair in (tasks[i:i + 2] for i in range(0, len(tasks), 2))]
    return dask.compute(tasks[0])[0]


def mixture_block(x, log_w, block, sigma):
    """The `Sums` of one chunk, on the worker that has it."""
    log_w = np.full(len(block), log_w) if np.ndim(log_w) == 0 else log_w
    parts = [sums_of_rows(x[i:i + 1024], log_w, block,
                          sigma if np.ndim(sigma) == 0 else sigma[i:i + 1024])
             for i in range(0, max(1, len(x)), 1024)]
    return Sums(*map(np.concatenate, zip(*parts)))


def sums_directly(x, log_w, means, sigma):
    """The `Sums` of one block by [MIX-3], through arrays (B, K, D); differentiable."""
    check_values(FINITE, means=means)
    row = sigma if np.ndim(sigma) == 0 else sigma[:, :, None]                    # against (B, K, D)
    away = (means - x[:, None, :]) / row                                                # (B, K, D)
    rough = value_of(log_w - 0.5 * np.sum(away**2, axis=2)).real                        # (B, K)
    nearest = means[np.argmax(rough, axis=1)]                                           # (B, D)
    u = means - nearest[:, None, :]                                                     # (B, K, D)
    gain = np.sum((u / row) * ((2 * (x - nearest)[:, None, :] - u) / row), axis=2) / 2  # (B, K)
    exponents = log_w + gain
    largest = np.max(value_of(exponents).real, axis=1, keepdims=True)                   # (B, 1)
    r = np.exp(exponents - largest)
    total = np.sum(r, axis=1, keepdims=True)                                            # (B, 1)
    shift = np.einsum("bk,bkd->bd", r / total, u)
    return Sums(nearest, largest + np.log(total), shift)


def sums_by_products(x, log_w, means, sigma):
    """The `Sums` of one block, by two matrix products.

    Exponents are l_k = [(x - c)'(mean_k - c) - |mean_k - c|^2 / 2] / sigma^2 + log w_k for a centre
    c of the block. Where x is much closer to its nearest mean than the means are spread, that loses
    digits, and the few components that matter there are summed up directly.
    """
    dtype = means.dtype
    m, c = centred(means)                                                     # (K, D), (D,)
    half = np.einsum("kd,kd->k", m, m) / 2                                              # (K,)
    if on_host(half) and not np.all(np.isfinite(half)):
        check_values(FINITE, means=means)
    log_w = (beside(np.zeros(len(means)), x) + log_w).astype(dtype)
    precision = (beside(np.zeros((1, 1)), x) + 1 / sigma).astype(dtype)**2       # (1, 1) or (B, 1)
    away = x - c
    exponents = (away * precision) @ m.T                                                # (B, K)
    exponents += log_w - precision * half
    k = np.argmax(exponents, axis=1)
    largest = exponents[beside(np.arange(len(x)), x), k][:, None]
    nearest = means[k]
    spread = (2 * np.max(half))**0.5 + norm(away)                                       # (B, 1)
    close = np.flatnonzero(to_host(norm(x - nearest) + 5 * sigma < spread / 16))
    few = {}
    if len(close):
        eps = np.finfo(dtype).eps
        margin = 50 + 8 * eps * (spread**2 * precision + np.abs(largest))
        for b in close:
            few[b] = np.flatnonzero(to_host(exponents[b] >= largest[b] - margin[b]))
    exponents -= largest
    np.maximum(exponents, 0.99 * math.log(np.finfo(dtype).tiny), out=exponents)
    r = np.exp(exponents, out=exponents)              # is several times slower where it underflows
    total = np.sum(r, axis=1, keepdims=True)
    shift = (r @ m) / total - m[k]
    log_sum = np.log(total) + log_w[k][:, None]
    for b, index in few.items():
        index = beside(index, x)
        if len(index) == 1:
            shift[b], log_sum[b] = 0, log_w[index]
        else:
            one = sums_of_few(x[b:b + 1], log_w[index], means[index], sigma if np.ndim(sigma) == 0
                              else sigma[b:b + 1])
            nearest[b], log_sum[b], shift[b] = one.nearest[0], one.log_sum[0], one.shift[0]
    return Sums(nearest, log_sum, shift)


def centred(means):
    """Means less a rough centre c, and c: zero, which needs no copy, if the origin does as well."""
    sample = means[::max(1, len(means) // 64)]
    c = np.mean(sample, axis=0)                                                         # (D,)
    if to_host(np.sum(c**2) <= np.mean(np.sum((sample - c)**2, axis=1))):
        return means, 0 * c
    return means - c, c


def sums_of_few(x, log_w, means, sigma):
    """The `Sums` of the components that one x sees, directly, in blocks."""
    size = max(1, ENTRIES // means.shape[1])
    parts = [sums_directly(x, log_w[i:i + size], means[i:i + size], sigma)
             for i in range(0, len(means), size)]
    total = parts[0]
    for part in parts[1:]:
        total = merge(x, sigma, total, part)
    return total


def norm(a):
    """Euclidean length of each row, (B, 1)."""
    return np.sqrt(np.einsum("bd,bd->b", a, a))[:, None]


def merge(x, sigma, one, other):
    """The `Sums` of two sets of components together, by [MIX-3] between their references."""
    u = other.nearest - one.nearest                                                     # (B, D)
    gain = np.sum((u / sigma) * ((2 * (x - one.nearest) - u) / sigma), axis=1, keepdims=True) / 2
    difference = other.log_sum + gain - one.log_sum              # log weight of other against one
    ahead = value_of(difference).real > 0
    ratio = np.exp(np.where(ahead, -difference, difference))                 # of the smaller
    share = ratio / (1 + ratio)
    nearest = np.where(ahead, other.nearest, one.nearest)
    log_sum = np.where(ahead, other.log_sum, one.log_sum) + np.log(1 + ratio)
    here, there = np.where(ahead, other.shift, one.shift), np.where(ahead, one.shift, other.shift)
    shift = here + share * (np.where(ahead, -u, u) + there - here)
    return Sums(nearest, log_sum, shift)
