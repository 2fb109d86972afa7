"""The law of a foreign sampler on a Gaussian: how its end depends on its start and its noise.

    x_end = M x_start + sum_i N_i z_i + offset,    the sampler, for the exact affine score   [POP-3]

M, N_i and the offset are its responses to unit vectors. They are its law if it is affine, which is
tested: real chains, and rows whose start and draws are many standard deviations large, must end
where the responses say, in this batch and alone. Where that fails, or the sampler draws its own
noise, M and the covariance of the rest are estimated from many chains.
"""

from typing import NamedTuple

import numpy as np

from ...exact.sampler_laws import Draws
from .chains import CHAINS, Refused
from .targets import AXES, COV, D, MEAN, mixture

ROWS, ONE, LARGE = 24, 7, 12.0        # rows of the test, that of (1, 1), a start in deviations
NOBODY = np.zeros((0, D))


class Law(NamedTuple):
    """One run of a sampler in its own coordinates: x_end = M x_start + noise + offset.

    M (D, D), offset (D,);  noise  covariance (D, D);  last  standard deviation of the last draw
    late            whether that is drawn after the model is last called
    start           factor of the start that was given, 0 where the sampler draws its own
    own             standard deviation of the start that it draws itself
    standard_error  of an entry of the covariance, 0 where the law is exact
    rest            what the start does not explain, from chains (B, D); None where exact
    draws           how often it drew;  curved  ends of the starts on the mixture
    early           variance of what it draws before it calls the model
    """

    M: np.ndarray
    offset: np.ndarray
    noise: np.ndarray
    last: float
    late: bool
    start: float
    own: float
    standard_error: float
    rest: np.ndarray | None = None
    draws: int = 0
    curved: np.ndarray = NOBODY
    early: float = 0.0


class NotAffine(Exception):
    """Why its responses to unit vectors are not its law; fatal where that is wrong in itself."""

    def __init__(self, sentence, fatal):
        super().__init__(sentence)
        self.fatal = fatal


def true_law(kernel):
    """Mean (D,) and covariance (D, D) of a x_0 + b eps."""
    a, b = kernel
    return a * MEAN, a**2 * COV + b**2 * np.eye(D)


def moments(law, chain, levels):
    """Mean and covariance of the end for a start from the exact law at the first level."""
    mean, cov = true_law(chain.begin(levels))
    return law.M @ mean + law.offset, law.M @ cov @ law.M.T + law.noise


def draws_its_own(chain, levels):
    """Whether equal starts and equal draws end apart; what it draws, and where it ends, is kept."""
    draws, x = Draws(None, D), np.ones((3, D))
    first, second = chain.run(x, draws, levels), chain.run(x, Draws(None, D), levels)
    alike = [np.allclose(ends, ends[:1], rtol=1e-5, atol=1e-5) for ends in (first, second)]
    if np.allclose(first, second, rtol=1e-6, atol=1e-6):
        chain.counted[np.array(levels).tobytes()] = draws.count, first[0]
        chain.seeded = not alike[0]
        return not alike[0]
    if all(alike):
        third = chain.run(x, Draws(None, D), levels)
        if np.max(np.abs(third - second)) < 0.05 * np.max(np.abs(second - first)):
            raise Refused("it keeps something from one run to the next: its first run and its "
                          "second end apart from an equal start and equal draws")
        raise Refused("it draws one noise vector for the whole batch: every chain needs its own")
    return True


class Noise:
    """Draws of a few rows, each times the row's size, all kept; of these rows alone if asked.

    After them, zeros: but draw i is e_j in row first + i D + j, for `count` draws.
    """

    def __init__(self, sizes, seed=0, rows=slice(None), first=0, count=0):
        self.sizes, self.rows, self.kept = sizes[:, None], rows, []
        self.first, self.count = first, count
        self.rng = np.random.default_rng(seed)

    def standard_normal(self, shape, dtype=np.float64):
        few = len(self.sizes[self.rows])
        if shape[0] < few:
            raise Refused("the shape that it draws depends on the batch")
        z = np.float64(np.float32(self.rng.standard_normal(self.sizes.shape[:1] + (D,))))
        z[3] = z[2]                                               # row 3 is twice row 2
        draws = np.zeros(shape)
        draws[:few] = (self.sizes * z)[self.rows]
        if len(self.kept) < self.count:
            row = self.first + len(self.kept) * D
            draws[row:row + D] = np.eye(D)
        self.kept.append(self.sizes * z)
        return draws


def trial_starts(chain, levels):
    """Starts (ROWS, D) and sizes of draws (ROWS,): large ones, one doubled, and real chains."""
    mean, cov = true_law((0.0, 1.0) if chain.own else chain.begin(levels))
    rng = np.random.default_rng(1)
    x = mean + rng.standard_normal((ROWS, D)) @ np.linalg.cholesky(cov).T
    size = np.sqrt(np.max(np.diag(cov))) * LARGE
    sizes = np.ones(ROWS)
    x[0], x[1], x[3], x[4] = size * AXES[:, 0], -size * AXES[:, 1], 2 * x[2], 0.0
    x[6], x[ONE] = size * AXES[:, 1], 1.0
    sizes[0], sizes[3], sizes[5], sizes[6], sizes[ONE] = 6.0, 2.0, 0.0, 0.0, 0.0
    return np.float64(np.float32(x)), sizes


def exact_law(chain, levels, alone=True, draws=None, curved=NOBODY, quiet=False):
    """The response to unit vectors, a `Law`, once it is known to be one.  [POP-3]

    alone   whether to run a row by itself too
    draws   how often it will draw, where that is known from fewer steps; else it is counted
    curved  starts on the mixture, run beside the others; where that fails, by themselves
    quiet   whether its draws did nothing at fewer steps: they have no rows, and the trial rows,
            whose draws are large, tell whether they still do nothing
    """
    if len(curved) and chain.apart:
        law = exact_law(chain, levels, alone, draws, quiet=quiet)
        return law._replace(curved=by_themselves(chain, levels, curved))
    count, at_one = (draws, None) if draws is not None else counted(chain, levels)
    x, sizes = trial_starts(chain, levels)
    first, units = ROWS + 1 + D, 0 if quiet else count
    noise = Noise(sizes, first=first, count=units)
    rows = np.concatenate([x, np.zeros((1, D)), np.eye(D), np.zeros((D * units, D)), curved])
    try:
        ends = chain.run(rows, noise, levels, len(curved))
    except Refused:
        if not len(curved):
            raise
        chain.apart = True
        return exact_law(chain, levels, alone, draws, curved, quiet)
    if len(noise.kept) != count:
        if draws is not None:
            return exact_law(chain, levels, alone, None, curved)
        raise NotAffine(f"it draws {len(noise.kept)} times from some states and {count} times "
                        "from others: its number of draws depends on the states", False)
    end, offset, M = ends[:ROWS], ends[ROWS], (ends[ROWS + 1:first] - ends[ROWS]).T
    seen, late = chain.first, count > 0 and chain.drawn == chain.calls
    N = (ends[first:first + D * units] - offset).reshape(-1, D, D)  # [i, j] response to e_j of z_i
    try:
        check_affine(chain, levels, x, noise, end, M, N, offset, alone,
                     0.0 if at_one is None else at_one - end[ONE])
    except NotAffine:
        if not quiet:
            raise
        return exact_law(chain, levels, alone, draws, curved)
    start, own, early = 1.0, 0.0, 0.0
    if seen is not None and seen.shape == rows.shape:
        early = float(np.sum((seen[first:first + D * units] - seen[ROWS])**2)) / D
        start = np.trace(seen[ROWS + 1:first] - seen[ROWS]) / D
        if abs(start) < 1e-6 and len(N):                             # the first draw is its start
            own = np.trace(seen[first:first + D] - seen[ROWS]) / D
            M, N, start = N[0].T / (own or 1.0), N[1:], 0.0
    last = float(np.sqrt(np.mean(N[-1]**2) * D)) if len(N) else 0.0
    return Law(M / (start or 1.0), offset, np.einsum("nji,njk->ik", N, N), last, late,
               float(start), float(own), 0.0, None, count, ends[len(rows) - len(curved):], early)


def by_themselves(chain, levels, curved):
    """Ends of starts on the mixture, in a run of their own; none where that fails."""
    try:
        return on_the_mixture(chain, curved, Draws(None, D), levels)
    except Refused:
        return NOBODY


def on_the_mixture(chain, x, rng, levels):
    """Ends of a run whose rows are all on the mixture."""
    chain.target = mixture
    try:
        return chain.run(x, rng, levels)
    finally:
        chain.target = chain.gaussian


def counted(chain, levels):
    """How often it draws, and where it ends from (1, 1) without noise, alone or in three rows."""
    key = np.array(levels).tobytes()
    if key in chain.counted:
        return chain.counted[key]
    draws = Draws(None, D)
    end = chain.run(np.ones((1, D)), draws, levels)[0]
    return draws.count, end


def check_affine(chain, levels, x, noise, end, M, N, offset, alone, elsewhere):
    """Raise NotAffine unless the sampler ends where its responses say, whatever the batch."""
    parts = np.abs(x) @ np.abs(M).T + np.abs(offset)
    want = x @ M.T + offset
    for z, n in zip(noise.kept, N):
        want += z[:ROWS] @ n
        parts += np.abs(z[:ROWS]) @ np.abs(n)
    off = np.max(np.abs(end - want) / (1 + parts), axis=1)
    narrow = 1e-5 * max(1, (levels[0] if chain.own else len(levels)) / 32)      # of float32
    chain.single |= 1e-9 < np.max(off) < narrow
    allowed = narrow if chain.single else 1e-9
    apart = np.max(np.abs(elsewhere)) / (1 + np.max(np.abs(offset)))
    first, late = chain.first, chain.drawn
    if alone:
        by_itself = chain.run(x[2:3], Noise(noise.sizes[:, 0], rows=slice(2, 3)), levels)[0]
        apart = max(apart, np.max(np.abs(by_itself - end[2]) / (1 + parts[2])))
        chain.first, chain.drawn = first, late
    if max(np.max(off), apart) <= allowed:
        return
    if apart > max(allowed, 1e-3 * np.max(off)):
        before = chain.counted.get(np.array(levels).tobytes())
        if before and not np.allclose(chain.run(np.ones((3, D)), Draws(None, D), levels)[0],
                                      before[1], rtol=1e-6, atol=1e-6):
            raise NotAffine("it keeps something from one run to the next: it ends elsewhere in a "
                            "later run from an equal start and equal draws", True)
        chain.coupled = True
        raise NotAffine("a row ends elsewhere in another batch: its steps depend on the other "
                        "rows", False)
    raise why_not(chain, levels, off)


def why_not(chain, levels, off):
    """A NotAffine that names the cause: clips, products of draws, or neither."""
    far = [chain.run(np.full((1, D), s) * size, Draws(None, D), levels)[0]
           for size in (1e4, 1e6) for s in (1.0, -1.0)]
    chain.trace = True
    try:
        chain.run(np.full((1, D), 1e6), Draws(None, D), levels)
        seen = np.array([np.max(np.abs(state)) for _, state in chain.traced[1:]])
    finally:
        chain.trace = False
    c = float(np.max(np.abs(far[0])))
    ends = [np.max(np.abs(a)) for a in far]
    if np.ptp(ends) < 1e-6 * c:
        return NotAffine(f"it clips at {c:.4g}: starts of any size end within it, where the exact "
                         "score moves in proportion", True)
    if len(seen) > 1 and np.max(seen) < 1e5:
        c = float(np.max(seen))
        return NotAffine(f"it clips its states at {c:.4g}, although the score is affine", True)
    if np.max(np.abs(far[2])) < 1e3 * c * 0.01 or np.max(off[[0, 1, 6]]) > 1e-3 > np.max(off[7:]):
        return NotAffine("it is not affine in its state although the score is: it clips, "
                         "thresholds or normalises what is large", True)
    zeros = np.zeros((ROWS, D))
    e = [chain.run(zeros, Noise(np.full(ROWS, s)), levels) for s in (0.0, 1.0, 2.0, 3.0)]
    one, two, bend = e[1] - e[0], e[2] - e[0], e[2] - 2 * e[1] + e[0]
    ratio = np.sum(one * two) / max(np.sum(one * one), 1e-300)
    slack = 1e-6 * (1 + np.max(np.abs(e)))
    if np.max(np.abs(one)) > 1e-3 and ratio > 2.2 and np.allclose(two, ratio * one, atol=slack):
        return NotAffine(f"draws that are doubled move its end {ratio:.3g} times as far: its noise "
                         "is a product of draws, which is not normal", True)
    if np.max(np.abs(bend)) > 1e-3 and np.allclose(e[3] - 2 * e[2] + e[1], bend, atol=slack):
        return NotAffine("its end is quadratic in the size of its draws: it multiplies draws by "
                         "one another, and a product of draws is not normal", True)
    if np.max(off) < 3e-2 and not np.any(ratio_far(off)):
        return NotAffine(f"it is affine only to {np.max(off):.1g}: it rounds to half precision, or "
                         "takes decisions that depend on its states", False)
    return NotAffine("it is not affine in its state and draws although the score is: it accepts "
                     "and rejects, multiplies draws or takes their signs, or adapts its steps to "
                     "its states", False)


def ratio_far(off):
    """Which rows are off by far more than the rest, as a rounding never is."""
    return off > 100 * (np.median(off) + 1e-12)


def sampled_law(chain, levels, start, rng, chains=CHAINS):
    """The same from many chains, by regression of the end on the start."""
    mean, cov = true_law((0.0, 1.0) if chain.own else chain.begin(levels))
    z = rng.standard_normal((chains, D))
    x = z if start == "noise" else mean + (z * np.linalg.eigvalsh(cov)**0.5) @ AXES.T
    end = chain.run(x, rng, levels)
    first, factor, own = chain.first, 1.0, 0.0
    if first is None or first.shape != x.shape:
        first = x
    else:
        factor = float(np.sum(first * x) / np.sum(x * x))
        if abs(factor) < 0.05:
            factor, own = 0.0, float(np.std(first))
    centre = first - np.mean(first, axis=0)
    M = np.linalg.lstsq(centre, end - np.mean(end, axis=0), rcond=None)[0].T
    rest = end - first @ M.T
    noise = np.cov(rest.T)
    error = float(np.max(np.diag(np.cov(end.T))) * (2 / chains)**0.5)
    return Law(M, np.mean(rest, axis=0), noise, 0.0, False, factor, own, error, end)


def not_normal(law, last=True):
    """How the ends of chains differ from normal ones: a sentence, or None.

    last  whether these are the most steps: at fewer, the ends of noise that is plus or minus one
          have less kurtosis than normal ones, as is right

    Skewness and excess kurtosis of 8 projections, whose standard errors are (6/B)^1/2, (24/B)^1/2.
    """
    end = law.rest - np.mean(law.rest, axis=0)
    end = end @ np.linalg.inv(np.linalg.cholesky(np.cov(end.T))).T
    angles = np.pi * np.arange(8) / 8
    p = end @ np.stack([np.cos(angles), np.sin(angles)])
    p = p / np.std(p, axis=0)
    B = len(p)
    skew, kurtosis = np.mean(p**3, axis=0), np.mean(p**4, axis=0) - 3
    i, j = np.argmax(np.abs(skew)), np.argmax(np.abs(kurtosis))
    if abs(kurtosis[j]) > 6 * (24 / B)**0.5 and (last or kurtosis[j] > 0):
        return f"the kurtosis of its ends is {3 + kurtosis[j]:.3g}, where 3 is right"
    if abs(skew[i]) > 6 * (6 / B)**0.5:
        return f"the skewness of its ends is {skew[i]:.3g}, where 0 is right"
    return None
