"""Sums over the components of a mixture with one common sigma, which lose no digits.

A block of components is summed up relative to the likeliest one that x sees, its reference: with
u = mean_k - mean_ref,

    log N_k - log N_ref = u'(2 (x - mean_ref) - u) / (2 sigma^2),                            [MIX-3]

which loses no digits in far tails, at tiny sigma or far from the origin, where the difference of
two large squares does. Two sums merge into one by the same formula, so components may come in
blocks, from memory, from disk or from Dask's workers. Large blocks are summed by two matrix
products, and the rows for which those lose digits once more, directly.
"""

import math
from functools import partial, reduce
from typing import NamedTuple

import autograd.numpy as np
from autograd.tracer import isbox

from ..arguments import FINITE, check_values
from ..arrays import (against_components, beside, device_of, float_type, of_rows, on_host, rows_of,
                      to_host, value_of)

ENTRIES = 2**22                # of the largest temporary array: 32 MiB in float64
DIRECT = 2**20                 # entries (B, K, D) below which matrix products bring nothing
ROUNDED = 80.0**2              # the size of terms above which their differences are taken directly


class Sums(NamedTuple):
    """Components k as each x sees them, relative to the likeliest of them, `nearest`.

    nearest  (B, D)  mean of the reference
    log_sum  (B, 1)  log sum_k w_k N(x | mean_k) / N(x | nearest)
    shift    (B, D)  posterior mean of the means, sum_k r_k mean_k, less `nearest`
    """

    nearest: np.ndarray
    log_sum: np.ndarray
    shift: np.ndarray


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
    return sums_of_parts(x, log_w, means, sigma, rows)


def sums_of_parts(x, log_w, means, sigma, size):
    """The `Sums` of all components, for `size` rows of x at a time."""
    starts = range(0, max(1, len(x)), size)
    parts = [sums_of_rows(x[i:i + size], log_w, means, of_rows(sigma, slice(i, i + size)))
             for i in starts]
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
            block = block.astype(float_type(x, block, log_w, sigma), copy=False)
        part = sums_of(x, of_rows(log_w, slice(i, i + size)), block, sigma)
        total = part if total is None else merge(x, sigma, total, part)
    return total


def sums_on_dask(x, log_w, means, sigma):
    """The `Sums` of a Dask array of components, one task for each of its chunks."""
    import dask
    blocks = means.rechunk({1: -1}).to_delayed()[:, 0]
    ends = np.cumsum(means.chunks[0])
    tasks = [dask.delayed(mixture_block)(x, of_rows(log_w, slice(end - n, end)), block, sigma)
             for block, end, n in zip(blocks, ends, means.chunks[0])]
    while len(tasks) > 1:                                                    # a tree of merges
        tasks = [dask.delayed(merge)(x, sigma, *pair) if len(pair) == 2 else pair[0]
                 for pair in (tasks[i:i + 2] for i in range(0, len(tasks), 2))]
    return dask.compute(tasks[0])[0]


def mixture_block(x, log_w, block, sigma):
    """The `Sums` of one chunk, on the worker that has it."""
    log_w = np.full(len(block), log_w) if np.ndim(log_w) == 0 else log_w
    return sums_of_parts(x, log_w, block, sigma, 1024)


def sums_directly(x, log_w, means, sigma):
    """The `Sums` of one block by [MIX-3], through arrays (B, K, D); differentiable."""
    check_values(FINITE, means=means)
    row = against_components(sigma)
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
    c of the block. Where sigma is small against the distances from c, that loses digits, and the
    components that x sees there, which are few then, are summed up directly.
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
    largest = exponents[rows_of(x), k][:, None]
    spread = (2 * np.max(half))**0.5 + norm(away)                                       # (B, 1)
    seen = seen_from_rounded(exponents, largest, spread**2 * precision)
    exponents -= largest
    np.maximum(exponents, 0.99 * math.log(np.finfo(dtype).tiny), out=exponents)
    r = np.exp(exponents, out=exponents)              # is several times slower where it underflows
    total = np.sum(r, axis=1, keepdims=True)
    sums = Sums(means[k], np.log(total) + log_w[k][:, None], (r @ m) / total - m[k])
    for b, index in seen.items():
        sum_again(sums, b, x, log_w, means, sigma, beside(index, x))
    return sums


def seen_from_rounded(exponents, largest, size):
    """Of each row b whose exponents lose digits, the components that may have a share: {b: (n,)}.

    Exponents are differences of terms as large as `size` (B, 1), and rounded as those are.
    """
    rows = np.flatnonzero(to_host(size > ROUNDED))
    if len(rows) == 0:
        return {}
    margin = 50 + 8 * np.finfo(exponents.dtype).eps * (size + np.abs(largest))
    return {b: np.flatnonzero(to_host(exponents[b] >= largest[b] - margin[b])) for b in rows}


def sum_again(sums, b, x, log_w, means, sigma, index):
    """Put into row b of `sums` what the components of this index give there, summed directly."""
    if len(index) == 1:
        sums.log_sum[b], sums.shift[b] = log_w[index], 0
        return
    row = slice(b, b + 1)
    few = sums_of_few(x[row], log_w[index], means[index], of_rows(sigma, row))
    sums.nearest[b], sums.log_sum[b], sums.shift[b] = few.nearest[0], few.log_sum[0], few.shift[0]


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
    parts = (sums_directly(x, log_w[i:i + size], means[i:i + size], sigma)
             for i in range(0, len(means), size))
    return reduce(partial(merge, x, sigma), parts)


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
