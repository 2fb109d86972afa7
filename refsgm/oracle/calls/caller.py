"""One call of foreign code: arguments on its arrays, in its shapes, and all that it did noted."""

import contextlib
import inspect
import warnings

import numpy as np

from ..kinds import BATCH, DATA, FUNCTION, LEVEL, LOSS, STATES
from ..kinds.quantities import batch_size
from ..kinds.test_functions import Field, Noise
from .functions import on_foreign_arrays, symmetric
from .own_noise import OwnNoise, captured, noise_of
from .printing import silence
from .results import LARGEST, numbers_in, parts_of, same, states_of
from .timesteps import Timesteps
from ..options import is_word, words_in
from ...arrays import in_one_line as shown
from .trial import LoopNoise, OutOfTime, Trial, in_one_line, limited

MOST_SECONDS = 86400.0                                     # a day: the longest time limit of a call
MOST_LATE = 2                       # calls that run out of time, after which no other one is made
LEVEL_SHAPES = (None, "column", "flat", "trailing", "scalar")


class Caller:
    """Foreign code with the ways in which its arguments come.

    levels       "column" (B, 1), "flat" (B,), "trailing" (B, 1, ..., 1), "scalar", or None: column
                 and scalar in turn
    event_shape  shape of one sample, for images; the data are (B, *event_shape)
    argnames     the contract's names in the order that fn takes them, or {its keyword: name}
    seconds      time limit of a call
    table        levels (T,) of which fn takes the index, in place of a level
    draws        names of the noise that fn draws itself
    energy       whether the function that fn is passed is an energy, in place of a score
    one_direction   whether slicing directions are (B, D) alone
    late         calls so far that ran out of time
    """

    late = 0

    def __init__(self, contract, fn, framework, levels=None, event_shape=None, argnames=None,
                 seconds=10.0, table=None, draws=(), energy=False):
        self.contract, self.fn, self.framework = contract, fn, framework
        self.levels, self.event_shape, self.seconds = levels, event_shape, seconds
        self.argnames, self.energy = argnames, energy
        self.draws = words_in("draws", draws)
        if not set(self.draws) <= set(noise_of(contract)):
            raise ValueError(f"draws must name noise of {contract.name}"
                             f"({', '.join(contract.args)}), got {draws!r}")
        self.timesteps, self.implied = None, ()            # a level that follows from the table
        if table is not None:
            self.timesteps = Timesteps(contract, table, self.argument_names(anything=True))
            self.implied = () if self.timesteps.both_given else tuple(
                n for n in (self.timesteps.second, "sigma" if "scale" in contract.args else None)
                if n in contract.args)
            if self.levels is None:
                self.levels = "flat"
        self.names = self.argument_names()
        if self.argnames is None and not self.draws:
            self.names, self.draws = self.drawn_noise(self.names)
        self.one_direction = "v" in self.draws

    def argument_names(self, anything=False):
        """The contract's arguments that fn takes, in its order."""
        without = (*self.draws, *self.implied)
        if self.argnames is not None:
            if not isinstance(self.argnames, (dict, list, tuple)):
                raise ValueError("argnames must be a list of names or a dict {keyword: name}, "
                                 f"got {type(self.argnames).__name__}")
            names = list(self.argnames.values() if isinstance(self.argnames, dict)
                         else self.argnames)
            unknown = [n for n in names if not is_word(n, self.contract.args)]
            if unknown:
                raise ValueError(f"argnames must be names of {self.contract.name}"
                                 f"({', '.join(self.contract.args)}), got {shown(unknown[0])}")
            if len(set(names)) < len(names):
                raise ValueError(f"argnames must name an argument once, got {names}")
            missing = [n for n in self.contract.args[:self.contract.required]
                       if n not in (*names, *without)]
            if missing and not anything and set(missing) <= set(noise_of(self.contract)):
                self.draws, missing = (*self.draws, *missing), []
            if missing and not anything:
                raise ValueError(f"argnames must name every required argument of "
                                 f"{self.contract.name}, got none for {missing[0]!r}")
            return names
        names = [n for n in self.contract.args if n not in without]
        if anything:
            return () if self.table_is_for_one(names) else names
        required = sum(n in names for n in self.contract.args[:self.contract.required])
        count = self.positional()
        return names if count is None else names[:max(count, required)]

    def table_is_for_one(self, names):
        """Whether fn takes too few arguments for both ends of a step."""
        count = self.positional()
        return count is not None and count < self.contract.required - len(self.draws)

    def positional(self):
        """How many positional arguments fn takes, None for any number or where it is not known."""
        with contextlib.suppress(TypeError, ValueError):
            parameters = list(inspect.signature(self.fn).parameters.values())
            if not any(p.kind == p.VAR_POSITIONAL for p in parameters):
                return sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
                           for p in parameters)
        return None

    def drawn_noise(self, names):
        """Names without the noise that fn has no argument for, and that noise."""
        noise = [n for n in noise_of(self.contract) if n in names]
        required = [n for n in names if n in self.contract.args[:self.contract.required]]
        count = self.positional()
        if noise and count is not None and count == len(required) - len(noise):
            return [n for n in required if n not in noise], tuple(noise)
        return names, ()

    @property
    def defaults(self):
        """The last arguments of the contract, as far as fn has defaults for them too."""
        optional = [n for n in self.contract.args[self.contract.required:] if n in self.names]
        with contextlib.suppress(TypeError, ValueError):
            parameters = inspect.signature(self.fn).parameters
            if isinstance(self.argnames, dict):
                mine = {v: parameters.get(k) for k, v in self.argnames.items()}
            else:
                mine = dict(zip(self.names, [p for p in parameters.values() if p.kind in (
                    p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]))
            left = [n for n in optional if getattr(mine.get(n), "default", inspect.Parameter.empty)
                    is not inspect.Parameter.empty]
            if left == optional[len(optional) - len(left):] and (
                    self.names[len(self.names) - len(left):] == left):
                return tuple(left)
        return ()

    @property
    def gives_up(self):
        """Whether so many calls ran out of time that no other one is made."""
        return self.late >= MOST_LATE

    @property
    def is_usual(self):
        """Whether it takes levels, the contract's noise, and scores as functions."""
        return self.timesteps is None and not self.draws and not self.energy

    @property
    def taken(self):
        """All arguments that the result depends on: those that are passed, drawn and implied."""
        return [*self.names, *self.draws, *self.implied]

    def settle(self, spec):
        """A probe's situation as this code can take it: one direction alone, if it takes no more.
        """
        if self.timesteps is not None and "," in spec.regime:
            spec = spec._replace(regime="far from the origin")      # tables of betas lose digits
        return spec._replace(M=0) if self.one_direction and self.contract.sliced else spec

    def place(self, args, spec):
        """A probe's arguments as this code can take them: levels of its table, energies."""
        if self.timesteps is not None:
            args = self.timesteps.place(args, spec)
        if self.energy:
            args = {n: symmetric(a) if isinstance(a, Field) else a for n, a in args.items()}
        return args

    def foreign(self, name, a, dtype, theta, log, B):
        """One argument, as fn wants it."""
        leveled = self.contract.is_level(name)
        if isinstance(a, Field):
            return on_foreign_arrays(self, a, dtype, theta, log, name)
        if isinstance(a, Noise):
            return LoopNoise(a.seed, self, dtype)
        if leveled and self.timesteps is not None and isinstance(a, (float, np.ndarray)):
            return self.timestep(name, a, B)
        if isinstance(a, np.ndarray):
            integers = np.dtype(dtype).kind == "i" and (leveled or name not in DATA)
            a = a.astype(np.float64 if integers else dtype)
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

    def timestep(self, name, level, B):
        """The index of a level, an integer; or integers in the shape that levels have."""
        k = self.timesteps.index(name, level)
        if self.levels == "scalar":
            return int(np.ravel(k)[0])
        k = np.full((B, 1), k) if np.ndim(k) == 0 else np.reshape(k, (-1, 1))
        return self.framework.asarray(self.level_shaped(k))

    def level_of_time(self, a):
        """What the function that was passed is told, as a level: whole numbers are timesteps."""
        if self.timesteps is None:
            return a
        k = self.seen(a)
        if k is None or not np.all(k == np.round(k)) or np.any(
                (k < 0) | (k >= len(self.timesteps.table))):
            return a
        return self.framework.asarray(self.timesteps.levels(k.astype(int)))

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

    def seen(self, a):
        """A value that foreign code passed, in float64, or None inside a transformation."""
        try:
            return np.array(self.framework.to_numpy(a), np.float64)
        except Exception:
            return None

    def written(self, name, a, text):
        """The text of an argument in a program."""
        return text

    def enclosed(self, line):
        """The line of a program that asks."""
        return line

    def __call__(self, args, dtype=np.float64, theta=None, keep=False, given=()):
        """A `Trial` with these arguments; with keep, the foreign results themselves, a list.

        given  {name: foreign array} in place of some of the arguments
        """
        if self.gives_up:
            return Trial(problem="timeout", error=f"not asked: {MOST_LATE} calls ran out of time")
        trial, heard = Trial(), None
        B = batch_size(args)
        replaced = dict(given)
        given = {n: replaced[n] if n in replaced else
                 self.foreign(n, args[n], dtype, theta, trial.calls, B)
                 for n in self.names if n in args}
        before = {n: np.array(self.framework.to_numpy(a)) for n, a in given.items()
                  if hasattr(a, "shape") and n not in replaced}
        try:
            with (limited(self.seconds) as by_hand, silence() as heard, warnings.catch_warnings(),
                  np.errstate(all="ignore")):
                warnings.simplefilter("ignore")
                try:
                    if keep:
                        return list(parts_of(self.answer(args, given, dtype, replaced),
                                             tuple(n for n, _ in self.contract.returns)))
                    self.read(trial, self.answer(args, given, dtype, replaced), args)
                except OutOfTime:
                    raise
                except BaseException as error:               # SystemExit too: it must not end us
                    if by_hand:
                        raise
                    trial.problem, trial.error = "raises", in_one_line(error)
                    return trial
        except OutOfTime:
            self.late += 1
            trial.problem, trial.error = "timeout", f"no answer within {self.seconds:g} s"
            return trial
        finally:
            trial.printed = heard is not None and heard()
        trial.mutated = tuple(n for n, a in before.items() if not same(
            a, self.framework.to_numpy(given[n])))
        return trial

    def answer(self, args, given, dtype, replaced=()):
        """What foreign code returns."""
        noise = {n: args[n].astype(dtype) for n in self.draws if n in args}
        with contextlib.ExitStack() as stack:
            if noise:
                draws = OwnNoise(noise, self.shaped, np.dtype(dtype) == np.float32)
                stack.enter_context(captured(draws, self.fn, self.framework.name))
            if isinstance(self.argnames, dict):
                keyword = {v: k for k, v in self.argnames.items()}
                result = self.fn(**{keyword[n]: a for n, a in given.items()})
            else:
                result = self.fn(*given.values())
            if self.contract.form == FUNCTION:
                result = result(replaced["x"] if "x" in replaced else self.framework.asarray(
                    self.shaped(args["x"].astype(dtype))))
        return result

    def read(self, trial, result, args=None):
        """The result as NumPy arrays, in whatever shapes it came."""
        names = tuple(n for n, _ in self.contract.returns)
        if self.contract.form == STATES:
            x = (args or {}).get("x")
            parts = states_of(result, None if x is None else x.size, self.event_shape or (1,),
                              self.framework.to_numpy)
        else:
            parts = parts_of(result, names)
        if self.contract.form != STATES and len(parts) != len(names):
            trial.problem = "wrong-shape"
            trial.error = (f"returns {len(parts)} thing(s), where {', '.join(names)} are required")
            return
        try:
            most = max([LARGEST, *(4 * np.size(a) for a in (args or {}).values()
                                   if isinstance(a, np.ndarray))])
            raw = [numbers_in(p, self.framework.to_numpy, most) for p in parts]
            strange = next((a.dtype.name for a in raw if a.dtype.kind in "cSUMm"), None)
            if strange or any(p is None for p in parts):
                raise TypeError(f"got {strange or None}")
            arrays = [a.astype(np.float64) for a in raw]
        except Exception as error:
            trial.problem = "wrong-shape"
            trial.error = f"returns no real numbers: {in_one_line(error).partition(': ')[2]}"
            return
        trial.dtypes, trial.shapes = tuple(a.dtype for a in raw), tuple(a.shape for a in raw)
        trial.outputs = tuple(arrays)

    def in_contract_shape(self, a, want, form):
        """The array in the contract's shape, or None if it has another: (array, is it a mean?)."""
        if form == LOSS and a.shape == ():
            return a, True
        if form in (BATCH, FUNCTION) and self.event_shape is not None and a.shape == (
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
