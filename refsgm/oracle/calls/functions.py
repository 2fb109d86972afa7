"""The function that foreign code is passed: the test function on its arrays, its calls noted."""

import math

import numpy as np

from ..kinds.test_functions import Itself, Modes, conservative, in_frame
from .trial import OF_ROWS


def on_foreign_arrays(caller, f, dtype, theta, log, name):
    """The `Field` f as a function of a framework's arrays; its calls are noted in `log`.

    theta  its weights as foreign numbers, or None
    name   of the argument: a log density, or a function of x and a level
    """
    lib = caller.framework
    potential = name == "log_density"
    affine = f.symmetric_part if potential else f.matrices
    constants = [lib.asarray(a.astype(dtype)) for a in (*affine, *f.frames)]
    b, w = lib.asarray(f.b.astype(dtype)), theta
    if w is None:
        w = lib.asarray(f.theta.astype(dtype))

    def rows_of(x):
        y = caller.flat(x)
        if len(y.shape) > 2 and not caller.any_axes:
            wanted = ", ".join(map(str, ("N", *(caller.event_shape or (len(f.b),)))))
            raise ValueError(f"{name} {OF_ROWS} ({wanted}), got {tuple(x.shape)}")
        return y

    def here(x):
        near = [lib.near(a, x) for a in constants]
        return near[:len(affine)], near[len(affine):], lib.near(b, x), lib.near(w, x)

    def score(x, *level):
        level = [caller.level_of_time(a) for a in level]
        log.append((caller.seen(x), *map(caller.seen, level)))
        y = rows_of(x)
        if isinstance(f, Itself):
            return x
        if isinstance(f, Modes):
            s = f(y, *(in_column(lib, a) for a in level))
            return s if caller.event_shape is None else lib.reshape(s, tuple(x.shape))
        y = f.within(y)
        matrices, frames, b, w = here(y)
        s = w[0] * f.linear(y, matrices) + w[1] * b - (w[2] * f.gain) * f.bent(y, frames)
        s = faded(lib, f, s if f.unit == 1 else s / f.unit, level)
        s = s if theta is None else lib.read(s)            # as a network whose last layer is a tanh
        return s if caller.event_shape is None else lib.reshape(s, tuple(x.shape))

    def log_density(x, *level):
        if potential:
            log.append((caller.seen(x),))
        y = f.within(rows_of(x))
        matrices, frames, b, w = here(y)
        value = (0.5 * w[0] * lib.sum(y * f.linear(y, matrices), -1) + w[1] * lib.dot(y, b)
                 - w[2] * f.gain * lib.sum(f.bend.integral(in_frame(y, frames)), -1))
        for a in map(caller.level_of_time, level):
            value = value * f.fade[0](lib.reshape(a, (-1,) if math.prod(a.shape) != 1 else ())
                                      if len(getattr(a, "shape", ())) > 0 else a)
        return value
    if potential:
        return log_density
    return Energy(score, log_density, log, caller) if caller.energy else score


def faded(lib, f, s, level):
    """s times a factor of the level, for a number or one level per row in any shape."""
    for a in level:
        s = s * f.fade[0](in_column(lib, a))
    return s


def in_column(lib, a):
    """A level beside rows (B, D): a number, or (B, 1)."""
    if len(getattr(a, "shape", ())) == 0:
        return a
    return lib.reshape(a, (-1, 1) if math.prod(a.shape) != 1 else ())


class Energy:
    """An energy E(x, level), one number per row; its gradient is minus the score.

    gradient(x, level)  the gradient itself, (B, D)
    """

    def __init__(self, score, log_density, log, caller):
        self.score, self.log_density, self.log, self.caller = score, log_density, log, caller

    def __call__(self, x, *level):
        self.log.append((self.caller.seen(x), *(self.caller.seen(self.caller.level_of_time(a))
                                                for a in level)))
        return -self.log_density(x, *level)

    def gradient(self, x, *level):
        """grad E, which is minus the score."""
        return -self.score(x, *level)


def symmetric(f):
    """A test function that is the gradient of a log density: with a symmetric matrix."""
    other = conservative(f.astype(np.float64))
    if len(f.matrices) == 1:
        other.matrices = ((f.A + f.A.T) / 2,)
    else:
        V = f.matrices[1]
        other.matrices = (0.5 * f.gain * V.T / len(V)**0.5, V)
    return other
