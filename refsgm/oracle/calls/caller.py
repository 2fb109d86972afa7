"""One call of foreign code: arguments on its arrays, in its shapes, and all that it did noted."""

import contextlib
import inspect
import io
import itertools
import math
import warnings

import numpy as np

from ..kinds import BATCH, DATA, FUNCTION, LEVEL, LOSS, STATES
from ..kinds.quantities import batch_size
from ..kinds.test_functions import Field, Noise
from .trial import LoopNoise, OutOfTime, Trial, limited

MOST_SECONDS = 86400.0                                     # a day: the longest time limit of a call
MOST_STATES = 1000                                         # of a loop that may never end
LEVEL_SHAPES = (None, "column", "flat", "trailing", "scalar")


class Caller:
    """Foreign code with the ways in which its arguments come.

    levels       "column" (B, 1), "flat" (B,), "trailing" (B, 1, ..., 1), "scalar", or None: column
                 and scalar in turn
    event_shape  shape of one sample, for images; the data are (B, *event_shape)
    argnames     the contract's names in the order that fn takes them, or {its keyword: name}
    seconds      time limit of a call
    """

    def __init__(self, contract, fn, framework, levels=None, event_shape=None, argnames=None,
                 seconds=10.0):
        self.contract, self.fn, self.framework = contract, fn, framework
        self.levels, self.event_shape, self.seconds = levels, event_shape, seconds
        self.argnames = argnames
        self.names = self._names()

    def _names(self):
        """The contract's arguments that fn takes, in its order."""
        if self.argnames is not None:
            if not isinstance(self.argnames, (dict, list, tuple)):
                raise ValueError("argnames must be a list of names or a dict {keyword: name}, "
                                 f"got {type(self.argnames).__name__}")
            names = list(self.argnames.values() if isinstance(self.argnames, dict)
                         else self.argnames)
            unknown = [n for n in names if n not in self.contract.args]
            if unknown:
                raise ValueError(f"argnames must be names of {self.contract.name}"
                                 f"({', '.join(self.contract.args)}), got {unknown[0]!r}")
            if len(set(names)) < len(names):
                raise ValueError(f"argnames must name an argument once, got {names}")
            missing = [n for n in self.contract.args[:self.contract.required] if n not in names]
            if missing:
                raise ValueError(f"argnames must name every required argument of "
                                 f"{self.contract.name}, got none for {missing[0]!r}")
            return names
        names = list(self.contract.args)
        with contextlib.suppress(TypeError, ValueError):
            parameters = list(inspect.signature(self.fn).parameters.values())
            positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY,
                                                              p.POSITIONAL_OR_KEYWORD)]
            if not any(p.kind == p.VAR_POSITIONAL for p in parameters):
                names = names[:max(len(positional), self.contract.required)]
        return names

    def foreign(self, name, a, dtype, theta, log, B):
        """One argument, as fn wants it."""
        leveled = self.contract.is_level(name)
        if isinstance(a, Field):
            return self.function(a, dtype, theta, log, name == "log_density")
        if isinstance(a, Noise):
            return LoopNoise(a.seed, self, dtype)
        if isinstance(a, np.ndarray):
            a = a.astype(dtype)
            if leveled:
                a = self.level_shaped(a)
            elif name in DATA:
                a = self.shaped(a)
            return self.framework.asarray(a)
        if isinstance(a, float) and leveled:
            if self.levels in ("column", "flat", "trailing"):
                return self.framework.asarray(self.level_shaped(np.full((B, 1), a, dtype)))
            return a if self.framework.raw else self.framework.asarray(np.asarray(a, dtype))
        return a

    def shaped(self, a):
        """Data (..., B, D) as (..., B, *event_shape)."""
        return a if self.event_shape is None else a.reshape(*a.shape[:-1], *self.event_shape)

    def level_shaped(self, a):
        """A level (B, 1) in the shape that fn wants."""
        if self.levels == "flat":
            return a.reshape(-1)
        if self.levels == "trailing":
            return a.reshape(-1, *[1] * len(self.event_shape or (1,)))
        return a

    def flat(self, x):
        """Foreign data (..., *event_shape) as (..., D)."""
        if self.event_shape is None:
            return x
        batch = tuple(x.shape)[:len(x.shape) - len(self.event_shape)]
        return self.framework.reshape(x, (*batch, -1))

    def function(self, f, dtype, theta, log, is_energy):
        """The test function on foreign arrays; its calls are noted in `log`."""
        asarray, reshape, total, dot = (self.framework.asarray, self.framework.reshape,
                                        self.framework.sum, self.framework.dot)
        matrices = [asarray(a.astype(dtype))
                    for a in ([(f.A + f.A.T) / 2] if is_energy else f.matrices)]
        b = asarray(f.b.astype(dtype))
        w = asarray(f.theta.astype(dtype)) if theta is None else theta

        def score(x, *level):
            log.append((self.seen(x), *map(self.seen, level)))
            y = self.flat(x)
            s = w[0] * f.linear(y, matrices) + w[1] * b - (w[2] * f.gain) * (y * y * y)
            for a in level:
                if len(getattr(a, "shape", ())) > 0:
                    a = reshape(a, (-1, 1) if math.prod(a.shape) > 1 else ())
                s = s / (1 + a)
            return s if self.event_shape is None else reshape(s, tuple(x.shape))

        def energy(x):
            log.append((self.seen(x),))
            y = self.flat(x)
            return (0.5 * w[0] * total(y * f.linear(y, matrices), -1) + w[1] * dot(y, b)
                    - 0.25 * w[2] * f.gain * total(y * y * y * y, -1))
        return energy if is_energy else score

    def seen(self, a):
        """A value that foreign code passed, in float64, or None inside a transformation."""
        try:
            return np.array(self.framework.to_numpy(a), np.float64)
        except Exception:
            return None

    def __call__(self, args, dtype=np.float64, theta=None, keep=False):
        """A `Trial` with these arguments; with keep, the foreign result itself."""
        trial = Trial()
        B = batch_size(args)
        given = {n: self.foreign(n, args[n], dtype, theta, trial.calls, B)
                 for n in self.names if n in args}
        before = {n: np.array(self.framework.to_numpy(a)) for n, a in given.items()
                  if isinstance(args[n], np.ndarray)}
        noisy = io.StringIO()
        try:
            with (limited(self.seconds), contextlib.redirect_stdout(noisy),
                  contextlib.redirect_stderr(noisy), warnings.catch_warnings(),
                  np.errstate(all="ignore")):
                warnings.simplefilter("ignore")
                if isinstance(self.argnames, dict):
                    keyword = {v: k for k, v in self.argnames.items()}
                    result = self.fn(**{keyword[n]: a for n, a in given.items()})
                else:
                    result = self.fn(*given.values())
                if self.contract.form == FUNCTION:
                    result = result(self.framework.asarray(self.shaped(args["x"].astype(dtype))))
                if self.contract.form == STATES:
                    result = self.states(result)
        except OutOfTime:
            trial.problem, trial.error = "timeout", f"no answer within {self.seconds:g} s"
            return trial
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:                       # SystemExit too: it must not end us
            text = " ".join(str(error).split())
            trial.problem = "raises"
            trial.error = f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__
            return trial
        finally:
            trial.printed = bool(noisy.getvalue())
        if keep:
            return result
        trial.mutated = tuple(n for n, a in before.items() if not np.array_equal(
            a, np.array(self.framework.to_numpy(given[n])), equal_nan=True))
        self.read(trial, result)
        return trial

    def states(self, result):
        """All states of a loop, or its last one; of an endless loop the first MOST_STATES."""
        if hasattr(result, "__next__") or isinstance(result, (list, tuple)):
            return list(itertools.islice(result, MOST_STATES))
        return [result]

    def read(self, trial, result):
        """The result as NumPy arrays, in whatever shapes it came."""
        several = len(self.contract.returns) > 1
        parts = result if self.contract.form == STATES or several and isinstance(
            result, (tuple, list)) else (result,)
        if several and len(parts) != len(self.contract.returns):
            trial.problem = "wrong-shape"
            trial.error = (f"returns {len(parts)} thing(s), where "
                           f"{', '.join(n for n, _ in self.contract.returns)} are required")
            return
        try:
            raw = [np.asarray(self.framework.to_numpy(p)) for p in parts]
            strange = next((a.dtype.name for a in raw if a.dtype.kind in "cSUMm"), None)
            if strange or any(p is None for p in parts):
                raise TypeError(f"got {strange or None}")
            arrays = [a.astype(np.float64) for a in raw]
        except Exception as error:
            trial.problem, trial.error = "wrong-shape", f"returns no real numbers: {error}"
            return
        trial.dtypes, trial.shapes = tuple(a.dtype for a in raw), tuple(a.shape for a in raw)
        trial.outputs = tuple(arrays)

    def in_contract_shape(self, a, want, form):
        """The array in the contract's shape, or None if it has another: (array, is it a mean?)."""
        if form == LOSS and a.shape == ():
            return a, True
        if form == BATCH and self.event_shape is not None and a.shape == (
                len(want), *self.event_shape):
            return a.reshape(want.shape), False
        if a.shape == want.shape:
            return a, False
        if form == LEVEL and a.size == want.size and (a.ndim <= 1 or self.levels is not None
                                                      or a.shape == (want.size, 1)):
            return a.reshape(want.shape), False
        if form == LEVEL and want.size == 1 and a.size > 1 and np.ptp(a) == 0:
            return a.flat[0].reshape(want.shape), False             # one value, filled out
        if (form == LEVEL and a.ndim >= 2 and want.shape == (len(a), 1)
                and np.all(np.ptp(a.reshape(len(a), -1), axis=1) == 0)):
            return a.reshape(len(a), -1)[:, :1], False
        return None, False
