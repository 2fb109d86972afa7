"""A foreign sampler on the exact model of a target: one run, with all that it did noted.

    x = a x_0 + b eps,    (a, b) = (1, sigma) in ve, (alpha_bar^1/2, (1 - alpha_bar)^1/2) in vp,
                          (1 - t, t) in flow, where noise is at t = 1, and (t, 1 - t) in flow-up

Levels are kept as sigmas (ve, vp) or as t with noise at 1 (flow), in the order of a sampler's
steps, and handed out as copies in the sampler's own terms.
"""

import contextlib
import math

import numpy as np

from .targets import D, edm_network, edm_state, gaussian, predicted, side_by_side
from .trial import ForeignRng, OutOfTime, in_one_line, limited

SIGMA_MAX, SIGMA_MIN, SMALL, RHO, SHIFT = 10.0, 0.05, 0.002, 2.0, 3.0
CHAINS = 40_000
COORDINATES = ("ve", "vp", "flow", "flow-up")


class Refused(Exception):
    """Why a sampler cannot be judged further, in one sentence."""


class Chain:
    """A foreign sampler: runs it on NumPy arrays and notes what it does.

    first   x of the first call of the model on the whole batch
    calls, drawn  calls, and those before the last draw
    traced  (level, x) of every call, where `trace` is set
    changed names of arguments that it changed in place;  single  whether float32 was seen
    apart   whether rows on the mixture have to run by themselves
    counted how often it drew from (1, 1), and where it ended, by the bytes of its levels
    seeded  whether it draws the same noise of its own in every run
    coupled whether a row ends elsewhere in another batch
    """

    def __init__(self, sampler, framework, kind, coordinates, predicts, seconds, own=False):
        self.sampler, self.framework, self.kind = sampler, framework, kind
        self.coordinates, self.predicts, self.seconds = coordinates, predicts, seconds
        self.target = self.gaussian = gaussian
        self.ends_at_zero, self.trace = True, False
        self.first, self.single, self.changed, self.narrow = None, False, set(), False
        self.calls = self.drawn = 0
        self.own, self.first_level, self.apart, self.counted = own, 0.0, False, {}
        self.seeded, self.coupled, self.batch = False, False, ()

    @property
    def flow(self):
        """Whether levels are times of a straight line between data and noise."""
        return self.coordinates.startswith("flow")

    def levels(self, n, grid="power"):
        """Levels (n + 1,): a power of equal steps, equal steps of t, or graded towards the end."""
        if self.own:
            return np.array([n])
        u = np.linspace(1, 0, n + 1)
        if grid == "alternating":
            u[1::2] += 0.5 * np.diff(u)[0]
        if self.flow:
            if grid == "graded":
                u = SHIFT * u / (1 + (SHIFT - 1) * u)
            return u if self.ends_at_zero else SIGMA_MIN + u * (1 - SIGMA_MIN)
        low = 0.0 if self.ends_at_zero else SIGMA_MIN
        if grid == "graded":
            if self.ends_at_zero:
                return np.append(np.geomspace(SIGMA_MAX, SMALL, n), 0.0)
            return np.geomspace(SIGMA_MAX, SIGMA_MIN, n + 1)
        rho = 1.0 if grid == "equal" else RHO
        return (low**(1 / rho) + u * (SIGMA_MAX**(1 / rho) - low**(1 / rho)))**rho

    def given(self, levels):
        """The same levels as the sampler takes them: a copy; their number if it makes its own."""
        if self.own:
            return int(levels[0])
        if self.coordinates == "vp":
            return (1 / (1 + levels**2))[::-1].copy()
        return 1 - levels if self.coordinates == "flow-up" else levels.copy()

    def kernel(self, level):
        """(a, b) at a level of ours, floats."""
        level = float(level)
        if self.coordinates == "vp":
            return (1 + level**2)**-0.5, level * (1 + level**2)**-0.5
        return (1 - level, level) if self.flow else (1.0, level)

    def begin(self, levels):
        """(a, b) where the chain starts: where its model was first called if levels are its own."""
        if self.kind == "langevin":
            return 1.0, 0.0
        if self.own:
            return tuple(float(v) for v in self.foreign_kernel(self.first_level))
        return self.kernel(levels[0])

    def end(self, levels):
        """(a, b) where it ends: at the data if levels are its own."""
        return (1.0, 0.0) if self.own else self.kernel(levels[-1])

    def foreign_kernel(self, level):
        """(a, b) at a level of the sampler, as its arrays."""
        if self.coordinates == "vp":
            return level**0.5, (1 - level)**0.5
        if self.coordinates == "ve":
            return 1.0, level
        return (1 - level, level) if self.coordinates == "flow" else (level, 1 - level)

    def model(self, rows=0, curved=0):
        """The exact network on foreign arrays; operators alone. On the mixture in some rows."""
        asarray = self.framework.asarray
        truth = side_by_side(asarray, rows, curved) if curved else self.target(asarray)
        if "F" == self.predicts:
            return self.noted(lambda x, level: edm_network(truth, x, level))
        up = self.coordinates == "flow-up"
        return self.noted(lambda x, level: predicted(self.predicts, truth, x,
                                                     *self.foreign_kernel(level), up))

    def noted(self, network):
        """The network, with its calls noted."""
        def f(x, *level):
            self.calls += 1
            given = x
            dtype = getattr(x, "dtype", "")
            if dtype is not self.dtype:
                self.dtype, self.narrow = dtype, self.narrow or "32" in str(dtype)
            if self.first is None or self.first.shape != self.batch or self.trace:
                if self.predicts == "F":
                    x, sigma, _ = edm_state(x, one_level(level[0]))
                seen = np.array(self.framework.to_numpy(x), np.float64)
                if self.first is None:
                    self.first_level = self.seen(sigma if self.predicts == "F" else level[0]
                                                 ) if level else 0.0
                if self.first is None or seen.shape == self.batch != self.first.shape:
                    self.first = seen
                if self.trace:
                    at = sigma if self.predicts == "F" else level[0] if level else 0.0
                    self.traced.append((self.seen(at), seen))
            return network(given, one_level(level[0]) if level else 0.0)
        return f

    def seen(self, level):
        """A level that the sampler passed, as a number: of the first row."""
        return float(np.ravel(self.framework.to_numpy(level))[0])

    def run(self, x, rng, levels, curved=0):
        """The last state (B, D): `levels` are ours, or (step size, number of steps).

        curved  how many of the last rows are on the mixture
        """
        asarray, self.first, self.calls, self.drawn = self.framework.asarray, None, 0, 0
        self.traced, self.narrow, self.dtype = [], False, None
        start, self.batch = asarray(x.copy()), x.shape
        langevin = self.kind == "langevin"
        given = levels if langevin else (self.given(levels),)
        if not langevin and not self.own:
            given = tuple(map(asarray, given))
        source = Source(rng, self, len(x))
        try:
            with (limited(self.seconds) as by_hand, np.errstate(all="ignore"),
                  watched(self.framework, source)):
                end = states = self.sampler(self.model(len(x), curved), start, *given, source)
                if hasattr(states, "__next__") or isinstance(states, (list, tuple)):
                    end = None
                    for end in states:
                        pass
                raw = np.asarray(self.framework.to_numpy(end))
                end = raw.astype(np.float64)
                if end.ndim == 3 and end.shape[1:] == x.shape:               # stacked states
                    end = end[-1]
                self.single |= self.narrow or raw.dtype == np.float32
        except OutOfTime:
            raise Refused(f"no answer within {self.seconds:g} s") from None
        except Refused:
            raise
        except BaseException as error:
            if by_hand:
                raise
            raise Refused(f"it raises {in_one_line(error)}") from None
        if end.shape != x.shape:
            raise Refused(f"it returns shape {end.shape}, where {x.shape} is required")
        if not langevin and not self.own and not self.same(given[0], self.given(levels)):
            self.changed.add("levels")
        if not self.same(start, x):
            self.changed.add("start")
        if not np.all(np.isfinite(end)):
            raise Refused(self.where_not_finite(x, rng, levels))
        return end

    def same(self, foreign, a):
        """Whether an array that was handed out is still as it was."""
        now = np.asarray(self.framework.to_numpy(foreign))
        return now.shape == a.shape and np.array_equal(now, a.astype(now.dtype))

    def where_not_finite(self, x, rng, levels):
        """From where on the states are not finite."""
        if self.trace:
            bad = [i for i, (_, state) in enumerate(self.traced) if not np.all(np.isfinite(state))]
            if not bad:
                return "its states are not finite after its last call of the model"
            return f"its states are not finite from call {bad[0] + 1} of the model on"
        self.trace = True
        try:
            self.run(x, rng, levels)
        except Refused as reason:
            return str(reason)
        finally:
            self.trace = False
        return "its states are not finite"


def one_level(a):
    """A level for all rows: a number, or a column of the framework."""
    shape = tuple(getattr(a, "shape", ()))
    if math.prod(shape) == 1:
        return a.reshape(()) if shape else a
    return a.reshape(-1, 1)


class Source(ForeignRng):
    """The rng that a sampler is given: draws on its own arrays, one for every row."""

    def __init__(self, rng, chain, rows):
        self.rng, self.chain, self.rows = rng, chain, rows

    def draw(self, shape, dtype):
        if shape[-2:] != (self.rows, D):
            if shape[-1] == D and math.prod(shape[:-1]) == 1 < self.rows:
                raise Refused("it draws one noise vector for the whole batch: every chain needs "
                              "its own")
            raise TypeError(f"the shape that is drawn must be that of the batch, ({self.rows}, "
                            f"{D}), got {shape}")
        self.chain.drawn = self.chain.calls
        z = [self.rng.standard_normal(shape[-2:]) for _ in range(math.prod(shape[:-2]))]
        z = z[0] if len(shape) == 2 else np.reshape(z, shape)
        return self.chain.framework.asarray(z.astype(np.float32) if "32" in str(dtype) else z)


@contextlib.contextmanager
def watched(framework, source):
    """Let torch's own normal draws of the batch come from the source too."""
    if framework.name != "torch":
        yield
        return
    import torch
    before, threads = (torch.randn, torch.randn_like), torch.get_num_threads()

    def randn(*size, dtype=None, **options):
        shape = tuple(options.get("size") or (size if len(size) != 1 else size[0]
                                              if hasattr(size[0], "__len__") else size))
        if shape[-2:] != (source.rows, D):
            return before[0](*size, dtype=dtype, **options)
        return source.draw(shape, None).to(dtype or torch.get_default_dtype())

    def randn_like(x, dtype=None, **options):
        if tuple(x.shape[-2:]) != (source.rows, D):
            return before[1](x, dtype=dtype, **options)
        return source.draw(tuple(x.shape), None).to(dtype or x.dtype)
    torch.randn, torch.randn_like = randn, randn_like
    torch.set_num_threads(1)                                    # arrays are small
    try:
        yield
    finally:
        torch.randn, torch.randn_like = before
        torch.set_num_threads(threads)
