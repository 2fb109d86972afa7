"""What a sequence of errors at n, 2n, 4n, ... steps says: its limit, its orders, and how surely.

    L = e(2n) + (e(2n) - e(n)) / (2^p - 1),    the limit by extrapolation (Richardson)
    q = log2(|e(n)| / |e(2n)|),                the local order

p comes from the differences alone, which a bias does not touch: |e(2n) - e(n)| falls by 2^p. The
limit is uncertain by twice what it moved at the last doubling, or by what a p that still moves
would move it, and by rounding.
"""

import math
from typing import NamedTuple

import numpy as np

SETTLED = 0.1                       # how far two local orders may be apart
SURE = 4e-3                         # of a variance: the limit has to be known that well
HARMLESS = 1e-6                     # of a standard deviation: no bias, whatever makes it
STAIR = 100.0                       # roundings: before a difference of 4 one of 64 is of order 4


class Convergence(NamedTuple):
    """What errors e(n), n = n_1, 2 n_1, ..., tell.

    answer       "certified", "wrong", "not seen"
    why          a sentence for the last two;  growth  exponent of errors that diverge
    limit        the extrapolated error, shaped like an error;  uncertainty  of it
    orders       (n, local order between n and 2n), where errors are above rounding
    settled      whether the last two agree;  order  the last, NaN if none is seen
    """

    answer: str
    why: str
    growth: float
    limit: np.ndarray
    uncertainty: float
    orders: list
    settled: bool

    @property
    def order(self):
        """The local order at the last doubling that is seen."""
        return self.orders[-1][1] if self.orders else math.nan

    @property
    def spread(self):
        """How far the last two local orders are apart."""
        if len(self.orders) < 2:
            return math.nan
        return abs(self.orders[-1][1] - self.orders[-2][1])


def size(e):
    """The Euclidean size of an error."""
    return float(np.sqrt(np.sum(np.square(e))))


def rounded_to(p):
    """The nearest half-integer, where an order is near one."""
    near = round(2 * p) / 2
    return near if abs(p - near) < 0.2 and near > 0 else p


def convergence(ns, errors, floor, offset=0.0, single=False, sure=SURE):
    """Judge errors (K, m) at numbers of steps ns, doubled each time, a `Convergence`.

    floor   rounding of an error at the first n; in float32 it grows with n
    sure    how well the limit has to be known
    offset  size of a constant that is allowed, such as that of a last jump
    """
    errors = np.asarray(errors)
    if offset and len(errors) > 2:
        return around(ns, errors, floor, offset, single)
    r = [size(e) for e in errors]
    if 1e-300 < r[-1] < 1e-6 and r[-1] > 0.7 * r[-2]:            # rounding shows: it stopped
        floor = max(floor, max(r[int(np.argmin(r)):]))
    floors = [floor * (max(1.0, n / 128) if single else 1.0) for n in ns]
    last, low = errors[-1], floors[-1]
    unknown = np.full_like(last, math.nan)
    if r[-1] <= 3 * low:
        orders = local_orders(ns, errors, floors)
        return Convergence("certified", "", 0.0, last, 3 * low, orders, settled(orders))
    d = np.diff(errors, axis=0)
    D = [max(size(a), 1e-300) for a in d]
    falls = [math.log2(r[k] / max(r[k + 1], 1e-300)) for k in range(len(r) - 1)]
    if len(r) < 3:
        return Convergence("not seen", "too few numbers of steps were run", 0.0, unknown, math.inf,
                           [], False)
    if max(falls[-2:]) < -0.2:
        growth = -float(np.mean(falls[-2:]))
        if single and r[-1] < 0.3:
            return Convergence("not seen", "rounding in float32 grows with the number of steps, "
                               f"like n^{growth:.2g}", growth, last, math.inf,
                               local_orders(ns, errors, floors), False)
        if r[-1] > 0.05:
            return Convergence("wrong", f"it diverges: its error grows like n^{growth:.2g}",
                               growth, last, 0.0, [], False)
    same = np.where(np.ptp(errors[-3:], axis=0) <= low, last, 0.0)        # by entry
    if not single and len(r) > 3 and size(same) > max(HARMLESS, 30 * low):
        return Convergence("wrong", f"its limit is off by {size(same):.2g}, which is the same at "
                           "every number of steps", 0.0, same, low, [], False)
    constant = D[-1] <= 4 * low
    if constant and D[-2] > STAIR * low:
        return Convergence("not seen", f"its error is the same at {ns[-2]} and {ns[-1]} steps, and "
                           "moved before: it falls by jumps", 0.0, last, math.inf,
                           local_orders(ns, errors, floors), False)
    raw = math.log2(D[-2] / D[-1])
    p = rounded_to(raw) if not constant else 1.0
    if p < 0.25:
        return Convergence("not seen", f"after {ns[-1]} steps its law still changes as much as "
                           "before: not yet asymptotic", 0.0, last, math.inf,
                           local_orders(ns, errors, floors), False)
    gain = 1 / (2**p - 1)
    limit, before = errors[-1] + d[-1] * gain, errors[-2] + d[-2] * gain
    unsure = 2 * size(limit - before) + 3 * low * (1 + 2 * gain)
    if len(d) > 2 and not constant:                                     # once more, for n^-(p + 1)
        again = 1 / (2**(p + 1) - 1)
        older = errors[-3] + d[-3] * gain
        finer, coarser = limit + (limit - before) * again, before + (before - older) * again
        other = 2 * size(finer - coarser) + 3 * low * (1 + 2 * gain) * (1 + 2 * again)
        if other < unsure:
            limit, unsure = finer, other
    if len(d) > 2 and not constant:                                     # p may still be moving
        ahead = rounded_to(2 * raw - math.log2(D[-3] / D[-2]))
        if ahead > 0.25:
            unsure = max(unsure, 2 * size(limit - errors[-1] - d[-1] / (2**ahead - 1)))
    if constant:
        limit, unsure = last, 4 * low + D[-1]
    orders = local_orders(ns, errors, floors)
    if unsure < size(limit) < HARMLESS:
        unsure = size(limit)
    if size(limit) > unsure:
        bias = f"its limit is off by {size(limit):.2g}, and known to {unsure:.1g}"
        return Convergence("wrong", bias, 0.0, limit, unsure, [], False)
    if unsure > sure:
        return Convergence("not seen", f"after {ns[-1]} steps the limit is known only to "
                           f"{unsure:.1g} of a variance: not yet asymptotic", 0.0, limit, unsure,
                           orders, False)
    return Convergence("certified", "", 0.0, limit, unsure, orders, settled(orders))


def around(ns, errors, floor, offset, single):
    """The same where a constant as small as offset is allowed: orders are those of differences."""
    sure = max(SURE, 2 * offset)
    found = convergence(ns, errors, floor, single=single, sure=sure)
    orders = [(n, q) for n, q in local_orders(ns[:-1], np.diff(errors, axis=0),
                                              [4 * floor * max(1, n / 128 if single else 1)
                                               for n in ns])]
    if found.answer == "wrong" and found.growth == 0 and size(found.limit) <= (
            found.uncertainty + offset):
        known = found.uncertainty <= sure
        found = found._replace(
            answer="certified" if known else "not seen", uncertainty=found.uncertainty + offset,
            why="" if known else f"after {ns[-1]} steps the limit is known only to "
            f"{found.uncertainty:.1g} of a variance: not yet asymptotic")
    if found.answer == "wrong" and size(errors[-1]) <= offset:
        found = found._replace(answer="certified", why="", limit=errors[-1], uncertainty=offset)
    if found.answer == "not seen" and size(errors[-1]) <= offset and size(errors[-2]) <= 2 * offset:
        found = found._replace(answer="certified", why="", uncertainty=offset)
    return found._replace(orders=orders, settled=settled(orders))


def local_orders(ns, errors, floors):
    """(n, order between n and 2n), where the error at 2n is well above rounding."""
    r = [size(e) for e in errors]
    return [(n, math.log2(a / b)) for n, a, b, low in zip(ns, r, r[1:], floors[1:])
            if b > 20 * low and a > 0]


def agree(errors, differences):
    """Whether the last two local orders agree, or errors are at rounding."""
    e = np.array(errors[-4:])
    r = np.linalg.norm(np.diff(e, axis=0) if differences else e[-3:], axis=1)
    q = [math.log2(max(a, 1e-300) / max(b, 1e-300)) for a, b in zip(r, r[1:])]
    return r[-1] < 1e-9 or abs(q[1] - q[0]) < SETTLED


def settled(orders):
    """Whether the last two local orders agree."""
    return len(orders) > 1 and abs(orders[-1][1] - orders[-2][1]) <= SETTLED
