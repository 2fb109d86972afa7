"""Right answers at 50 digits: what the formulas of the records are written with.

A formula takes `Functions` and the contract's arguments, which are arrays of mpmath numbers, and
uses nothing of refsgm's own formulas. It spells the definition, as nothing cancels at 50 digits.
"""

import itertools

import numpy as np

from .kind import FUNCTION
from .test_functions import Field, Noise

DIGITS = 50


def exact(kind, args):
    """The right answer, a tuple of float64 arrays, or None without mpmath or a closed form."""
    try:
        import mpmath
    except ImportError:
        return None
    if kind.exact is None:
        return None
    with mpmath.workdps(DIGITS):
        given = [lift(mpmath, name, args[name], args) for name in kind.args if name in args]
        if kind.form == FUNCTION:
            given.append(lift(mpmath, "x", args["x"], args))
        result = kind.exact(Functions(mpmath), *given)
        parts = result if isinstance(result, tuple | list) else (result,)
        return tuple(np.array(part, object).astype(np.float64) for part in parts)


def lift(mp, name, a, args):
    """An argument at 50 digits: the same numbers, exactly."""
    number = np.frompyfunc(lambda v: mp.mpf(float(v)), 1, 1)
    if isinstance(a, Field):
        matrix = (a.A + a.A.T) / 2 if name == "log_density" else a.A
        theta = [a.theta[0], a.theta[1], a.theta[2] * a.gain]
        return ExactField(number(matrix), number(a.b), number(np.array(theta)))
    if isinstance(a, Noise):
        draws = Noise(a.seed)
        return (number(draws.standard_normal(args["x"].shape)) for _ in itertools.count())
    if isinstance(a, np.ndarray):
        return number(a)
    return mp.mpf(a) if isinstance(a, float) else a


class Functions:
    """Elementary functions on arrays of mpmath numbers."""

    def __init__(self, mp):
        self.pi, self.one = mp.pi, mp.mpf(1)
        self.log, self.exp, self.cos = (np.frompyfunc(f, 1, 1) for f in (mp.log, mp.exp, mp.cos))


class ExactField:
    """The test function and its Jacobian at 50 digits."""

    def __init__(self, A, b, theta):
        self.A, self.b, self.theta = A, b, theta

    def __call__(self, x, level=0):
        t = self.theta
        return (t[0] * (x @ self.A) + t[1] * self.b - t[2] * x**3) / (1 + level)

    def jacobian(self, x):
        """(B, D, D)."""
        return (self.theta[0] * self.A.T
                - 3 * self.theta[2] * (x**2)[:, :, None] * np.eye(x.shape[1], dtype=int))


def root(a):
    """Square root of a number or an array."""
    return np.frompyfunc(lambda v: v.sqrt() if hasattr(v, "sqrt") else v**0.5, 1, 1)(a)


def total(a):
    """Sum over features, (B,)."""
    return np.sum(a, axis=-1)


def trace(J):
    """tr J of each row."""
    return sum(J[:, i, i] for i in range(J.shape[1]))


def over_directions(f, v):
    """The mean of f over directions (B, D) or (M, B, D), (B,)."""
    stacked = v if v.ndim == 3 else v[None]
    return sum(f(u) for u in stacked) / len(stacked)


def along(J, v):
    """v'J v of each row, the mean over directions."""
    return over_directions(lambda u: total(u * np.sum(J * u[:, None, :], axis=2)), v)


def log_normal(f, x, mean, sigma):
    """log N(x | mean, sigma^2 I) of each row."""
    s = sigma[:, 0] if np.ndim(sigma) == 2 else sigma
    return -total((x - mean)**2) / (2 * s**2) - x.shape[1] * (f.log(s) + f.log(2 * f.pi) / 2)
