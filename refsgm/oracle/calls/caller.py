"""One call of foreign code: arguments on its arrays, in its shapes, and all that it did noted.

Foreign code may raise, hang, print, change its inputs, return other shapes, or draw its own noise:
a trial records that and never fails itself.
"""

import contextlib
import inspect
import io
import itertools
import math
import signal
import threading
import warnings
from dataclasses import dataclass, field

import numpy as np

from ..kinds import BATCH, DATA, FUNCTION, LEVEL, LEVELS, LOSS, STATES, Noise, batch_size
from ..kinds.test_functions import Field

MOST_SECONDS = 86400.0                                     # a day: the longest time limit of a call
MOST_STATES = 1000                                         # of a loop that may never end
LEVEL_SHAPES = (None, "column", "flat", "trailing", "scalar")


class OutOfTime(BaseException):
    """The time limit of a call; not an Exception, so that foreign `except Exception` lets it by."""


@dataclass
class Trial:
    """What one call gave.

    outputs  NumPy arrays, one for each component, in their own shapes; None after an error
    error    what was raised, in one line
    problem  code of what is wrong with the call itself: "raises", "timeout", "wrong-shape"
    dtypes, shapes   of the outputs as they came
    calls    (x, level) of every call of the function that was passed, where they could be seen
    mutated  names of arguments that were changed
    printed  whether anything was written to standard output or error
    """

    outputs: tuple | None = None
    error: str = ""
    problem: str = ""
    dtypes: tuple = ()
    shapes: tuple = ()
    calls: list = field(default_factory=list)
    mutated: tuple = ()
    printed: bool = False


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
        leveled = self.contract.is_level(name) or self.contract.form == LEVEL and name in LEVELS
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
        return x.reshape(*x.shape[:len(x.shape) - len(self.event_shape)], -1)

    def function(self, f, dtype, theta, log, is_energy):
        """The test function on foreign arrays; its calls are noted in `log`."""
        asarray = self.framework.asarray
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
                    a = a.reshape(-1, 1) if math.prod(a.shape) > 1 else a.reshape(())
                s = s / (1 + a)
            return s if self.event_shape is None else s.reshape(x.shape)

        def energy(x):
            log.append((self.seen(x),))
            y = self.flat(x)
            return (0.5 * w[0] * (y * f.linear(y, matrices)).sum(-1) + w[1] * (y @ b)
                    - 0.25 * w[2] * f.gain * (y * y * y * y).sum(-1))
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
                raise TypeError(f"{strange or None} came")
            arrays = [a.astype(np.float64) for a in raw]
        except Exception as error:
            trial.problem, trial.error = "wrong-shape", f"returns no real numbers: {error}"
            return
        trial.dtypes, trial.shapes = tuple(a.dtype for a in raw), tuple(a.shape for a in raw)
        trial.outputs = tuple(arrays)

    def fitted(self, a, want, form):
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


class ForeignRng:
    """What foreign code is given as its rng: NumPy's two ways of asking for normal numbers."""

    def standard_normal(self, size=None, dtype=None, out=None, *, shape=None):
        """The next draw, float64 unless a 32-bit dtype is asked for."""
        size = shape if size is None else size
        if out is not None:
            raise TypeError("this rng makes new arrays: out must be None")
        if not hasattr(size, "__len__") or len(size) < 2:
            raise TypeError("every sample needs noise of its own: the shape that is drawn must be "
                            f"that of the batch, (B, D), got {size}")
        return self.draw(tuple(size), dtype)

    def normal(self, loc=0.0, scale=1.0, size=None):
        """loc + scale times the next draw."""
        return loc + scale * self.standard_normal(size)


class LoopNoise(ForeignRng):
    """The rng of a foreign loop: its draws are the contract's, on foreign arrays."""

    def __init__(self, seed, caller, dtype):
        self.noise, self.caller, self.dtype = Noise(seed), caller, dtype

    def draw(self, shape, dtype):
        flat = shape if self.caller.event_shape is None else (shape[0], math.prod(shape[1:]))
        z = self.noise.standard_normal(flat).reshape(shape)
        narrow = "32" in str(dtype) or dtype is None and self.dtype == np.float32
        return self.caller.framework.asarray(z.astype(np.float32 if narrow else np.float64))


@contextlib.contextmanager
def limited(seconds):
    """Raise OutOfTime after some seconds, where signals allow it (the main thread, not Windows)."""
    if (threading.current_thread() is not threading.main_thread() or not hasattr(signal, "SIGALRM")
            or signal.getitimer(signal.ITIMER_REAL)[0] > 0):           # an outer limit is running
        yield
        return

    def stop(*_):
        raise OutOfTime
    previous = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
