"""What is passed and is no array: a score, eps or log density, and the rng of a loop.

    s(x, level) = theta_0 x A + theta_1 b - theta_2 x^3, divided by 1 + level
    A = gain (R / 2 - I),    R random (D, D)
    x A = (x U) V - gain x   in many dimensions, U (D, 16) and V (16, D) random

At random probes another function may be in place of x^3, of the ones in `BENDS`, another factor in
place of 1 / (1 + level), of those in `FADES`, and A may be of another form. A sharp one is
s((x - center) / unit, level) / unit, which changes over lengths of a small unit. One with frames
has bend(x R) Q in place of bend(x), R and Q orthogonal (D, D): of bend(x) alone the entries of the
Jacobian beside its diagonal are the same at all x, and those on it have one feature each.

It has a full Jacobian that depends on x, runs on any array type and is differentiable there, in x
and in theta. Every loss of the package is quadratic in theta, so its minimiser is known. A field
remembers where it was called: what a foreign loss asks of its network is half of what it does.
"""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

MANY, RANK = 64, 16       # features above which a call needs no matrix (D, D), and the rank of U V
WITH_FRAMES, EVENLY = 0.4, 0.15       # how often other test functions have them, and are then even
SMALL = 64                # numbers in a draw that is kept
PULL = 3.0                # in units of a function's gain: a step may overshoot
TURN = 5.0                # of a function that turns, in units of its pull


class Bend(NamedTuple):
    """A function of each feature, its derivative, its integral, and the two as they are written."""

    value: object
    slope: object
    integral: object
    text: str
    integral_text: str


# A cubic; one that levels off, as tanh does; one that comes back to zero. All are analytic, as code
# that takes a complex step needs
BENDS = (
    Bend(lambda x: x**3, lambda x: 3 * x**2, lambda x: x * x * x * x / 4,
         "x * x * x", "x * x * x * x / 4"),
    Bend(lambda x: x / (1 + x * x)**0.5, lambda x: (1 + x * x)**-1.5, lambda x: (1 + x * x)**0.5,
         "x / (1 + x * x)**0.5", "(1 + x * x)**0.5"),
    Bend(lambda x: 4 * x / (1 + x * x)**2, lambda x: 4 * (1 - 3 * x * x) / (1 + x * x)**3,
         lambda x: -2 / (1 + x * x), "4 * x / (1 + x * x)**2", "-2 / (1 + x * x)"))
EVEN = Bend(lambda x: (x / (1 + x * x))**2 * (4 / (1 + x * x) - 1),     # without a slope at zero
            lambda x: slope_of_even(x / (1 + x * x), 1 / (1 + x * x)),
            lambda x: x * (x / (1 + x * x))**2,
            "(x / (1 + x * x))**2 * (4 / (1 + x * x) - 1)", "x * (x / (1 + x * x))**2")
FADES = (                                                  # a factor (level), and its text
    (lambda a: 1 / (1 + a), "1 / (1 + a)"), (lambda a: 1 + 0 * a, "1 + 0 * a"),
    (lambda a: a / (1 + a), "a / (1 + a)"), (lambda a: 1 / (1 + a * a), "1 / (1 + a * a)"))


def slope_of_even(a, u):
    """Of a^2 (4 u - 1) at u = 1 / (1 + x^2) and a = x u, in which nothing overflows."""
    return 2 * a * (u * u - a * a) * (4 * u - 1) - 8 * a * a * a * u


class Field:
    """A test function (x, level) -> (B, D), or x -> (B, D) where there is no level.

    matrices   (A,), shape (D, D), or (U, V), shapes (D, RANK) and (RANK, D), of the affine part
    b (D,)     its constant
    gain       size of the affine part
    theta      weights of its three terms (3,), 1, 0.7 and `cubic`
    bend       its third term, one of BENDS;  fade  its factor of the level, one of FADES
    frames     (R, Q), shapes (D, D), of a third term bend(x R) Q;  () of bend(x)
    unit, center   of a sharp function: the length over which it changes, and where
    """

    bend, fade, frames = BENDS[0], FADES[0], ()
    unit, center = 1.0, 0.0

    def __init__(self, rng, dim, gain=1.0, cubic=0.4):
        if dim <= MANY:
            self.matrices = (gain * (0.5 * rng.standard_normal((dim, dim)) - np.eye(dim)),)
        else:
            U, V = rng.standard_normal((dim, RANK)), rng.standard_normal((RANK, dim))
            self.matrices = (0.5 * gain * U / RANK**0.5, V)
        self.b = gain * rng.standard_normal(dim)
        self.gain, self.theta = gain, np.array([1.0, 0.7, cubic])

    def astype(self, dtype):
        """The same function with weights of this dtype."""
        other = self.as_a(type(self))
        other.matrices = tuple(a.astype(dtype) for a in self.matrices)
        other.frames = tuple(a.astype(dtype) for a in self.frames)
        other.b, other.theta = self.b.astype(dtype), self.theta.astype(dtype)
        return other

    def as_a(self, kind):
        """The same weights in a function of another kind."""
        other = object.__new__(kind)
        vars(other).update(vars(self))
        return other

    def sharp(self, unit, center, bend):
        """The function that changes over lengths of a unit, around a center."""
        other = self.as_a(type(self))
        other.bend = bend
        other.unit, other.center = unit, center
        return other

    def within(self, x):
        """Where it is asked in its own units, (x - center) / unit."""
        return x if self.unit == 1 and self.center == 0 else (x - self.center) / self.unit

    @property
    def A(self):
        """The matrix (D, D) of the affine part, whatever it is made of."""
        if len(self.matrices) == 1:
            return self.matrices[0]
        U, V = self.matrices
        return U @ V - self.gain * np.eye(len(U), dtype=U.dtype)

    @property
    def symmetric_part(self):
        """What (A + A') / 2 is made of, without a matrix (D, D) in many dimensions."""
        if len(self.matrices) == 1:
            return ((self.A + self.A.T) / 2,)
        U, V = self.matrices
        return np.hstack([U, V.T]) / 2, np.vstack([V, U.T])

    def linear(self, x, matrices):
        """x A, from the matrices of this function, or the same in another library's arrays."""
        if len(matrices) == 1:
            return x @ matrices[0]
        U, V = matrices
        return (x @ U) @ V - self.gain * x

    def bent(self, x, frames):
        """bend(x R) Q, from the frames of this function, or the same in another library's arrays.
        """
        return self.bend.value(x @ frames[0]) @ frames[1] if frames else self.bend.value(x)

    def __call__(self, x, level=None):
        """The value on NumPy, or traced, arrays."""
        factor = 1.0 if level is None else self.fade[0](level)
        theta, bent, x = self.theta, self.theta[2] * self.gain, self.within(x)
        return (theta[0] * self.linear(x, self.matrices) + theta[1] * self.b
                - bent * self.bent(x, self.frames)) * (factor / self.unit)

    def jacobian_times(self, u, x):
        """J(x) u, (B, D), with J_ij = d s_i / d x_j; u of shape (D,), (B, D) or (M, B, D)."""
        slope = self.theta[2] * self.gain * self.bend.slope(in_frame(self.within(x), self.frames))
        bent = (slope * (u @ self.frames[0])) @ self.frames[1] if self.frames else slope * u
        return (self.theta[0] * self.linear(u, self.matrices) - bent) / self.unit**2

    def divergence(self, x, level=None):
        """tr J of each row, (B,), without a matrix (D, D)."""
        if len(self.matrices) == 1:
            diagonal = np.diagonal(self.matrices[0])
        else:
            U, V = self.matrices
            diagonal = np.sum(U * V.T, axis=1) - self.gain
        bent = self.theta[2] * self.gain * self.bend.slope(in_frame(self.within(x), self.frames))
        if self.frames:
            R, Q = self.frames
            bent = bent * np.sum(Q * R.T, axis=1)                   # tr R B Q = sum_k B_kk (Q R)_kk
        J = (self.theta[0] * diagonal - bent) / self.unit**2           # J_ii, or what has their sum
        return (J if level is None else J * self.fade[0](level)).sum(1)

    def energy(self, x):
        """A log density (B,) with gradient theta_0 x S + theta_1 b - theta_2 x^3, S symmetric; with
        frames the last is bend(x R) R'.
        """
        x = self.within(x)
        theta, half = self.theta, self.linear(x, self.symmetric_part)
        return (0.5 * theta[0] * (x * half).sum(1) + theta[1] * (x @ self.b)
                - theta[2] * self.gain * self.bend.integral(in_frame(x, self.frames)).sum(1))


def in_frame(x, frames):
    """x R, or x without a frame."""
    return x @ frames[0] if frames else x


def other_field(rng, dim, gain, bent, bend, fade):
    """A `Field` whose matrix may be triangular, skew, of rank one, diagonal or zero, and which may
    have frames.
    """
    f = Field(rng, dim, gain, bent)
    f.bend, f.fade = BENDS[bend], FADES[fade]
    form = rng.uniform()
    if len(f.matrices) == 1 and form < 0.6:
        R = gain * rng.standard_normal((dim, dim))
        outer = R[:1].T * R[-1:] / gain
        f.matrices = ((np.triu(R, 1) - gain * np.eye(dim)) if form < 0.15 else (R - R.T) / 2
                      if form < 0.25 else outer if form < 0.35 else np.diag(np.diag(R))
                      if form < 0.5 else 0 * R),
    if rng.uniform() < 0.15:
        f.theta = f.theta * rng.integers(2, size=3)             # without some of its terms
    fine = (1e4 * form) % 1                                     # to draw another changes all others
    if fine < EVENLY:
        f.bend = EVEN
    return turned(f) if fine < WITH_FRAMES else f


@lru_cache(MANY)
def frames_of(dim):
    """Orthogonal matrices (D, D), (R, Q), the same for all functions; () where there is no use."""
    if not 1 < dim <= MANY:
        return ()
    draws = np.random.default_rng([dim, 0]).standard_normal((2, dim, dim))
    return tuple(unwritable(np.linalg.qr(a)[0]) for a in draws)


def unwritable(a):
    """The same array, which cannot be written to."""
    a.setflags(write=False)
    return a


def turned(f):
    """The same with frames: each entry of its Jacobian depends on all features."""
    other = f.as_a(type(f))
    other.frames = frames_of(len(f.b))
    return other


def conservative(f):
    """The same with a third term that is a gradient, bend(x R) R'."""
    other = f.as_a(type(f))
    other.frames = tuple(a for R in f.frames[:1] for a in (R, R.T))
    return other


def flat_at_zero(f):
    """One with frames whose Jacobian vanishes where x is zero, and is full elsewhere."""
    other = turned(f)
    other.bend = EVEN
    if len(f.matrices) == 1:
        other.matrices = (0 * f.matrices[0],)
    return other


def curved(f):
    """The same with the second of BENDS, which is no polynomial."""
    other = f.as_a(Field)
    other.bend = BENDS[1]
    return other


def pulling(f):
    """A test function that points to zero from everywhere, feature by feature."""
    other = f.as_a(Field)
    if len(f.matrices) == 1:
        other.matrices = (-PULL * f.gain * np.eye(len(f.b)),)
    other.theta, other.frames = np.array([1.0, 0.0, 0.0]), ()
    return other


def turning(f):
    """One that pulls and turns, at levels below 1 less and less."""
    other = pulling(f)
    if len(f.matrices) == 1:
        turn = np.eye(len(f.b), k=1) - np.eye(len(f.b), k=-1)
        other.matrices = (TURN * turn - np.eye(len(f.b)),)
    other.fade = FADES[3]
    return other


class Modes(Field):
    """The score of two modes, nearly, in each feature: it changes over lengths that a level sets.

        s(x, level) = (unit g(unit x / v) - x) / v,   v = width^2 + level^2

    With tanh for g it is the score of modes at -unit and unit of standard deviation `width`; this
    one has g(y) = y / sqrt(1 + y^2).
    """

    width = 1.0

    def __call__(self, x, level):
        v = self.width**2 + level**2
        return (self.unit * BENDS[1].value(self.unit * x / v) - x) / v

    def divergence(self, x, level):
        """tr J of each row, (B,)."""
        v = self.width**2 + level**2
        return ((self.unit**2 * BENDS[1].slope(self.unit * x / v) / v - 1) / v).sum(1)


def modes(f, unit, width):
    """Two modes in place of a test function."""
    other = f.as_a(Modes)
    other.unit, other.width = unit, width
    return other


class Itself(Field):
    """The function that returns what it is given: the same array."""

    def __call__(self, x, level=None):
        return x

    def jacobian_times(self, u, x):
        """u, (B, D)."""
        return u + 0 * x

    def divergence(self, x, level=None):
        """D for each row."""
        return np.sum(np.ones_like(x), axis=1)


class Noise:
    """The rng of a loop, the same for refsgm and for foreign code: draw i is a fixed array."""

    def __init__(self, seed):
        self.seed, self.count = seed, 0

    def standard_normal(self, shape, dtype=np.float64):
        """The next draw (B, D)."""
        shape = tuple(shape)
        draw = small_draw if math.prod(shape) <= SMALL else drawn
        z = draw(self.seed, self.count, shape)
        self.count += 1
        return z.astype(dtype)


def drawn(seed, count, shape):
    """Draw `count` of the rng of a seed."""
    return np.random.default_rng([seed, count]).standard_normal(shape)


small_draw = lru_cache(4096)(drawn)           # a loop is asked with the same noise again and again
