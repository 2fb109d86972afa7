"""One call of foreign code: arguments on its arrays, in its shapes, and all that it did noted."""

import contextlib
import warnings

import numpy as np

from ..kinds import BATCH, DATA, FUNCTION, LEVEL, LOSS, STATES
from ..kinds.quantities import batch_size
from ..kinds.test_functions import Field, Noise
from .drawn_noise import Drawn, OwnNoise
from .functions import on_foreign_arrays, symmetric
from .own_noise import captured, noise_of, nothing_to_draw
from .printing import silence
from .results import LARGEST, is_unlike, numbers_in, parts_of, same, states_of
from .signature import (BY_NAME, how_many, named_by_user, noise_not_named, positional,
                        taken_by_position, with_defaults)
from .timesteps import Timesteps
from ..options import words_in
from .trial import LoopNoise, OutOfTime, Trial, in_one_line, limited

MOST_SECONDS = 86400.0                                     # a day: the longest time limit of a call
MOST_LATE = 2                       # calls that run out of time, after which no other one is made
NO_REALS = "cSUMm"                  # kinds of dtypes: complex numbers, text, dates and times
STATES_BEFORE = "states of steps before"
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
    any_axes     whether a function that is passed takes more axes than rows and features
    late         calls so far that ran out of time
    """

    late, own_noise, any_axes = 0, OwnNoise, False

    def __init__(self, contract, fn, framework, levels=None, event_shape=None, argnames=None,
                 seconds=10.0, table=None, draws=(), energy=False):
        self.contract, self.fn, self.framework = contract, fn, framework
        self.levels, self.event_shape, self.seconds = levels, event_shape, seconds
        self.argnames, self.energy = argnames, energy
        self.draws = words_in("draws", draws)
        if not set(self.draws) <= set(noise_of(contract)):
            raise ValueError(nothing_to_draw(contract, draws))
        self.timesteps, self.implied = None, ()            # a level that follows from the table
        named = None if argnames is None else named_by_user(contract, argnames)
        if table is not None:
            self.timesteps = Timesteps(contract, table, self.named_or_all(named))
            self.implied = () if self.timesteps.both_given else tuple(
                n for n in (self.timesteps.second, "sigma" if "scale" in contract.args else None)
                if n in contract.args)
            if self.levels is None:
                self.levels = "flat"
        without = (*self.draws, *self.implied)
        if named is not None:
            self.names, more = named, noise_not_named(contract, named, without)
        else:
            self.names, more = taken_by_position(contract, fn, without)
        self.draws = (*self.draws, *more)
        self.one_direction = "v" in self.draws

    def named_or_all(self, named):
        """The arguments that may be fn's, before a table says which of them are levels of its own;
        none where fn takes too few for both ends of a step.
        """
        if named is not None:
            return named
        count, least = how_many(self.fn), self.contract.required - len(self.draws)
        return () if count is not None and count < least else [
            n for n in self.contract.args if n not in self.draws]

    @property
    def defaults(self):
        """The last arguments of the contract, as far as fn has defaults for them too."""
        return with_defaults(self.contract, self.fn, self.names, self.argnames)

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
                    trial.drawn = str(error) if isinstance(error, Drawn) else ""
                    return trial
        except OutOfTime:
            self.late += 1
            trial.problem, trial.error = "timeout", f"no answer within {self.seconds:g} s"
            return trial
        finally:
            trial.printed = heard is not None and heard()
        trial.mutated += tuple(n for n, a in before.items() if not same(
            a, self.framework.to_numpy(given[n])))
        return trial

    def answer(self, args, given, dtype, replaced=()):
        """What foreign code returns."""
        noise = {n: args[n].astype(dtype) for n in self.draws if n in args}
        with contextlib.ExitStack() as stack:
            if noise:
                draws = self.own_noise(noise, self.shaped, np.dtype(dtype) == np.float32)
                stack.enter_context(captured(draws, self.fn, self.framework.name))
            if isinstance(self.argnames, dict):
                keyword = {v: k for k, v in self.argnames.items()}
                result = self.fn(**{keyword[n]: a for n, a in given.items()})
            else:
                named = self.behind_a_gap(given)
                result = self.fn(*(a for n, a in given.items() if n not in named),
                                 **{word: given[n] for n, word in named.items()})
            if self.contract.form == FUNCTION:
                result = result(replaced["x"] if "x" in replaced else self.framework.asarray(
                    self.shaped(args["x"].astype(dtype))))
        return result

    def behind_a_gap(self, given):
        """{name: its own parameter} of arguments behind one that is left out: they go by name."""
        gap = next((i for i, n in enumerate(self.names) if n not in given), len(self.names))
        later = [n for n in self.names[gap:] if n in given]
        known = positional(self.fn, follow_wrapped=False) or () if later else ()
        mine = {n: p.name for n, p in zip(self.names, known) if p.kind == BY_NAME}
        return {n: mine[n] for n in later if n in mine}

    def read(self, trial, result, args=None):
        """The result as NumPy arrays, in whatever shapes it came."""
        args, to_numpy = args or {}, self.framework.to_numpy
        if self.contract.form == STATES:
            size = args["x"].size if "x" in args else None
            trial.states = states_of(result, size, self.event_shape or (1,), to_numpy)
            parts = [then for _, then in trial.states]
            if is_unlike(trial.states, to_numpy):
                trial.mutated = (STATES_BEFORE,)
        else:
            names = tuple(n for n, _ in self.contract.returns)
            parts = parts_of(result, names)
            if len(parts) != len(names):
                trial.problem, wanted = "wrong-shape", ", ".join(names)
                trial.error = f"returns {len(parts)} thing(s), where {wanted} are required"
                return
        most = max([LARGEST, *(4 * a.size for a in args.values() if isinstance(a, np.ndarray))])
        try:
            raw = [numbers_in(p, to_numpy, most) for p in parts]
            strange = [a.dtype.name for a in raw if a.dtype.kind in NO_REALS]
            trial.unreal = any(a.dtype.kind == "c" for a in raw)
            if strange or any(p is None for p in parts):
                raise TypeError(f"got {strange[0] if strange else None}")
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
