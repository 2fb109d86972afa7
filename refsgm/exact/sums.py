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
FEW = 2**17                    # entries that are summed again at once, 1 MiB in float64
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


def few_at_once(x):
    """How many entries the components that some rows see have together: with NumPy few, likewise.
    """
    return FEW if device_of(x) is None else entries_at_once(x)


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
    """The `Sums` of one block by [MIX-3], through arrays (B, K, D); differentiable.

    log_w and means may be of each row's own components, (B, K) and (B, K, D).
    """
    check_values(FINITE, means=means)
    row = against_components(sigma)
    away = (means - x[:, None, :]) / row                                                # (B, K, D)
    rough = value_of(log_w - 0.5 * np.sum(away**2, axis=2)).real                        # (B, K)
    k = np.argmax(rough, axis=1)
    nearest = means[k] if np.ndim(means) == 2 else means[rows_of(x), k]                 # (B, D)
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
    rows, index = seen_from_rounded(exponents, largest, spread**2 * precision)
    exponents -= largest
    np.maximum(exponents, 0.99 * math.log(np.finfo(dtype).tiny), out=exponents)
    r = np.exp(exponents, out=exponents)              # is several times slower where it underflows
    total = np.sum(r, axis=1, keepdims=True)
    sums = Sums(means[k], np.log(total) + log_w[k][:, None], (r @ m) / total - m[k])
    sum_again(sums, rows, index, x, log_w, means, sigma)
    return sums


def seen_from_rounded(exponents, largest, size):
    """The components that may have a share in the rows whose exponents lose digits: (n,) rows, in
    order, each as often as it sees a component, and (n,) components.

    Exponents are differences of terms as large as `size` (B, 1), and rounded as those are.
    """
    rounded = size > ROUNDED
    if not np.any(to_host(rounded)):
        return np.zeros((2, 0), int)
    margin = 50 + 8 * np.finfo(exponents.dtype).eps * (size + np.abs(largest))
    seen = np.nonzero((exponents >= largest - margin) & rounded)
    return [to_host(a) for a in seen]


def sum_again(sums, rows, index, x, log_w, means, sigma):
    """Put into these rows of `sums` what the components that they see give there, summed directly.

    Rows that see about as many components are summed together, padded by some of weight zero.
    """
    rows, first, count = np.unique(rows, return_index=True, return_counts=True)
    octave = np.frexp(count - 1)[1]                         # 0 of one component, else of up to 2^o
    for o in np.unique(octave):
        alike = np.flatnonzero(octave == o)
        n = np.arange(np.max(count[alike]))                                             # (n,)
        at_once = max(1, few_at_once(x) // (len(n) * np.shape(x)[1]))
        for i in range(0, len(alike), at_once):
            some = alike[i:i + at_once]
            last = count[some][:, None] - 1                                             # (b, 1)
            k = beside(index[first[some][:, None] + np.minimum(n, last)], x)            # (b, n)
            unseen = beside(np.where(n > last, -math.inf, 0.0).astype(log_w.dtype), x)
            b = beside(rows[some], x)
            few = (Sums(means[k[:, 0]], log_w[k], 0) if len(n) == 1 else
                   sums_of_few(x[b], log_w[k] + unseen, means[k], of_rows(sigma, b)))
            for whole, part in zip(sums, few):
                whole[b] = part


def centred(means):
    """Means less a rough centre c, and c: zero, which needs no copy, if the origin does as well."""
    sample = means[::max(1, len(means) // 64)]
    c = np.mean(sample, axis=0)                                                         # (D,)
    if to_host(np.sum(c**2) <= np.mean(np.sum((sample - c)**2, axis=1))):
        return means, 0 * c
    return means - c, c


def sums_of_few(x, log_w, means, sigma):
    """The `Sums` of the components (B, K) that each x sees, directly, in blocks."""
    B, K, D = np.shape(means)
    size = max(1, ENTRIES // (B * D))
    parts = (sums_directly(x, log_w[:, i:i + size], means[:, i:i + size], sigma)
             for i in range(0, K, size))
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
