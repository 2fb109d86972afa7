"""A foreign sampler on a Gaussian, and its law: how its end depends on its start and its noise.

    x_end = M x_start + sum_i N_i z_i + offset,    the sampler, for the exact affine score   [POP-3]

M, N_i and the offset are its responses to unit vectors, exact where it draws its noise from the rng
that it is given. Where it draws its own, M and the covariance of the rest are estimated from many
chains.
"""

import math
from typing import NamedTuple

import numpy as np

from ...exact.sampler_laws import Draws
from .trial import ForeignRng, OutOfTime, limited

MEAN, COV = np.array([1.0, -0.5]), np.array([[1.0, 0.6], [0.6, 0.8]])
VARIANCES, AXES = np.linalg.eigh(COV)
D = len(MEAN)
SIGMA_MAX, SIGMA_MIN, RHO = 10.0, 0.05, 2.0
CHAINS = 40_000


class Law(NamedTuple):
    """One run of a sampler in VE coordinates: x_end = M x_start + noise + offset.

    M (D, D), offset (D,);  noise  covariance (D, D);  last  standard deviation of the last draw
    late            whether that is drawn after the model is last called
    start           factor of the start that was given, 0 where the sampler draws its own
    own             standard deviation of the start that it draws itself
    standard_error  of an entry of the covariance, 0 where the law is exact
    """

    M: np.ndarray
    offset: np.ndarray
    noise: np.ndarray
    last: float
    late: bool
    start: float
    own: float
    standard_error: float


class Refused(Exception):
    """Why a sampler cannot be judged further, in one sentence."""


class Chain:
    """A foreign sampler: runs it on NumPy arrays and notes where its model was first called."""

    def __init__(self, sampler, framework, kind, coordinates, predicts, seconds):
        self.sampler, self.framework, self.kind = sampler, framework, kind
        self.vp, self.predicts, self.seconds = coordinates == "vp", predicts, seconds
        self.first, self.ends_at_zero, self.single = None, True, False
        self.calls = self.drawn = 0              # of the model, and how many before the last draw

    def levels(self, n):
        """sigmas (n + 1,): a power of equal steps, down to zero unless the sampler refuses that."""
        low = 0.0 if self.ends_at_zero else SIGMA_MIN
        ends = SIGMA_MAX**(1 / RHO), low**(1 / RHO)
        return (ends[0] + np.linspace(0, 1, n + 1) * (ends[1] - ends[0]))**RHO

    def given(self, sigmas):
        """The same levels as the sampler takes them."""
        return (1 / (1 + sigmas**2))[::-1].copy() if self.vp else sigmas

    def model(self):
        """The exact score, eps or x_0 on foreign arrays; operators alone."""
        mean, variances, axes = (self.framework.asarray(a) for a in (MEAN, VARIANCES, AXES))

        def f(x, *level):
            self.calls += 1
            self.single |= "32" in str(getattr(x, "dtype", ""))
            if self.first is None:
                self.first = np.array(self.framework.to_numpy(x), np.float64)
            a = one_level(level[0]) if level else 0.0
            scale, variance = (a**0.5, 1 - a) if self.vp else (1.0, a**2)
            pull = (((scale * mean - x) @ axes) / (scale**2 * variances + variance)) @ axes.T
            if self.predicts == "eps":
                return -variance**0.5 * pull
            return pull if self.predicts == "score" else (x + variance * pull) / scale
        return f

    def run(self, x, rng, levels):
        """The last state (B, D): `levels` are sigmas, or (step size, number of steps)."""
        asarray, self.first, self.calls, self.single = self.framework.asarray, None, 0, False
        given = levels if self.kind == "langevin" else (asarray(self.given(levels)),)
        try:
            with limited(self.seconds), np.errstate(all="ignore"):
                states = self.sampler(self.model(), asarray(x), *given, Source(rng, self))
                end = states
                if hasattr(states, "__next__") or isinstance(states, (list, tuple)):
                    end = None
                    for end in states:
                        pass
                raw = np.asarray(self.framework.to_numpy(end))
                end = raw.astype(np.float64)
                self.single |= raw.dtype == np.float32
        except OutOfTime:
            raise Refused(f"no answer within {self.seconds:g} s") from None
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:
            text = " ".join(str(error).split())[:200]
            raise Refused(f"it raises {type(error).__name__}: {text}") from None
        if end.shape != x.shape:
            raise Refused(f"it returns shape {end.shape}, where {x.shape} is required")
        if not np.all(np.isfinite(end)):
            raise Refused("its states are not finite")
        return end


def one_level(a):
    """A level for all rows: a number, or a column of the framework."""
    shape = tuple(getattr(a, "shape", ()))
    if math.prod(shape) == 1:
        return a.reshape(()) if shape else a
    return a.reshape(-1, 1)


class Source(ForeignRng):
    """The rng that a sampler is given: draws on its own arrays."""

    def __init__(self, rng, chain):
        self.rng, self.chain = rng, chain

    def draw(self, shape, dtype):
        self.chain.drawn = self.chain.calls
        z = self.rng.standard_normal(shape)
        return self.chain.framework.asarray(z.astype(np.float32) if "32" in str(dtype) else z)


def draws_its_own(chain, levels):
    """Whether equal starts and equal draws end apart."""
    ends = [chain.run(np.zeros((3, D)), Draws(None, D), levels) for _ in range(2)]
    if np.allclose(*ends, rtol=1e-6, atol=1e-6):
        return not np.allclose(ends[0], ends[0][:1], rtol=1e-5, atol=1e-5)
    if np.allclose(ends[0], ends[0][:1], rtol=1e-5, atol=1e-5):
        raise Refused("it draws one noise vector for the whole batch: every chain needs its own")
    return True


def exact_law(chain, levels):
    """The response to unit vectors, a `Law`.  [POP-3]"""
    count = Draws(None, D)
    chain.run(np.zeros((1, D)), count, levels)
    starts = np.concatenate([np.zeros((1, D)), np.eye(D), np.full((1, D), 2.0),
                             np.zeros((D * count.count, D))])
    end = chain.run(starts, Draws(2 + D, D), levels)
    size = 1 + np.max(np.abs(end))
    bend = end[1 + D] - end[0] - 2 * np.sum(end[1:1 + D] - end[0], axis=0)
    chain.single |= 1e-9 * size < np.max(np.abs(bend)) < 1e-5 * size     # digits lost on the way
    if np.max(np.abs(bend)) > (1e-3 if chain.single else 1e-9) * size:
        raise Refused("it is not affine in its state although the score is: it clips, thresholds "
                      "or normalises states, or computes in half precision")
    M = (end[1:1 + D] - end[0]).T
    N = (end[2 + D:] - end[0]).reshape(-1, D, D)                     # [i, j] response to e_j of z_i
    first, start, own = chain.first, 1.0, 0.0
    if first is not None and first.shape == starts.shape:
        start = np.trace(first[1:1 + D] - first[0]) / D
        if abs(start) < 1e-6 and len(N):                             # the first draw is its start
            own = np.trace(first[2 + D:2 + 2 * D] - first[0]) / D
            M, N, start = N[0].T / (own or 1.0), N[1:], 0.0
    noise = np.einsum("nji,njk->ik", N, N)
    last = float(np.sqrt(np.mean(N[-1]**2) * D)) if len(N) else 0.0
    late = chain.drawn == chain.calls
    return Law(M / (start or 1.0), end[0], noise, last, late, float(start), float(own), 0.0)


def sampled_law(chain, levels, start, rng, chains=CHAINS):
    """The same from many chains, by regression of the end on the start."""
    sigma = levels[0] if chain.kind == "diffusion" else 0.0
    scale = (1 + sigma**2)**-0.5 if chain.vp else 1.0
    z = rng.standard_normal((chains, D))
    x = z if start == "noise" else scale * (MEAN + (z * (VARIANCES + sigma**2)**0.5) @ AXES.T)
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
    return Law(M, np.mean(rest, axis=0), noise, 0.0, False, factor, own, error)
