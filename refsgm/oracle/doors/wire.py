"""Calls as plain data, for test vectors and for programs in other languages.

    numbers and nested lists    arrays, in the contract's shapes: (B, D), (B, 1), (L,), ...
    {"A": .., "b": .., "theta": ..}    a function, built by whoever reads it:
        score_fn, eps_fn, ..    s(x, level) = (theta_0 x A + theta_1 b - theta_2 x^3) / (1 + level),
                           without the division where the contract passes no level
        log_density        f(x) = theta_0 x'A x / 2 + theta_1 b'x - theta_2 sum_i x_i^4 / 4
    [z_1, z_2, ..]      the draws of an rng, in the order in which a loop takes them
"""

import math

import numpy as np

from ..kinds import FUNCTION, STATES
from ..kinds.test_functions import Field, Noise
from ..calls.frameworks import numpy_framework
from ..calls.caller import Caller
from ..calls.reference import reference
from ..calls.trial import Trial

FIELD = ("{name}(x, level) = (theta[0] x A + theta[1] b - theta[2] x^3) / (1 + level), x A the "
         "product of a row vector and the matrix, x^3 entry by entry, level the noise level that "
         "the formula passes; no division where it passes none")
ENERGY = ("log_density(x) = theta[0] x'A x / 2 + theta[1] b'x - theta[2] sum_i x_i^4 / 4, A "
          "symmetric")
NOISE = "rng is the list of the standard normal draws, in the order in which the loop takes them"


def functions_in_words(contract):
    """What the functions among the arguments are, {name: formula}."""
    words = {}
    for name in contract.args:
        if name.endswith("_fn"):
            words[name] = FIELD.format(name=name)
        elif name == "log_density" and contract.form == FUNCTION:
            words[name] = ENERGY
        elif name == "rng":
            words[name] = NOISE
    return words


def plain(contract, args):
    """Arguments as JSON data, in the contract's order."""
    return {name: value_of(contract, name, a, args) for name, a in args.items()}


def value_of(contract, name, a, args):
    """One argument as JSON data."""
    if isinstance(a, Field):
        matrix = (a.A + a.A.T) / 2 if name == "log_density" else a.A
        theta = [a.theta[0], a.theta[1], a.theta[2] * a.gain]
        return {"A": matrix.tolist(), "b": a.b.tolist(), "theta": [float(t) for t in theta]}
    if isinstance(a, Noise):
        draws = Noise(a.seed)
        return [draws.standard_normal(np.shape(args["x"])).tolist()
                for _ in reference(contract, args)]
    if isinstance(a, np.ndarray):
        return a.tolist()
    return a.item() if isinstance(a, np.generic) else a


def arrays(contract, answer):
    """An answer, as the contract's components: JSON null and "NaN" are not a number.

    Raises ValueError for what is not made of numbers.
    """
    names = [name for name, _ in contract.returns]
    if contract.form == STATES:
        answer = answer if isinstance(answer, list) else [answer]
        if answer and np.ndim(answer) == 2:                            # the last state alone
            answer = [answer]
        return [numbers(a) for a in answer]
    if len(names) == 1:
        return numbers(answer)
    if isinstance(answer, dict):
        missing = [name for name in names if name not in answer]
        if missing:
            raise ValueError(f"the answer lacks {missing[0]}")
        answer = [answer[name] for name in names]
    if not isinstance(answer, list) or len(answer) != len(names):
        raise ValueError(f"a list or an object of {', '.join(names)} is required, "
                         f"got {brief(answer)}")
    return tuple(numbers(a) for a in answer)


def numbers(a):
    """Nested lists of numbers as an array."""
    if isinstance(a, dict):
        raise ValueError(f"numbers are required, got an object with {', '.join(a) or 'no entries'}")
    try:
        if isinstance(a, bool):
            raise TypeError
        return np.array(a, np.float64)
    except (TypeError, ValueError, OverflowError, RecursionError):
        raise ValueError(f"numbers in equally long lists are required, got {brief(a)}") from None


def brief(a):
    """The beginning of JSON data as text; of what is nested too deeply, its type."""
    try:
        return str(a)[:60]
    except RecursionError:
        return f"a {type(a).__name__} that is nested too deeply"


def as_answer(contract, outputs):
    """Components as JSON data: plain, {name: value}, or a list of states."""
    values = [np.asarray(a).tolist() for a in outputs]
    if contract.form == STATES:
        return values
    names = [name for name, _ in contract.returns]
    return values[0] if len(names) == 1 else dict(zip(names, values))


def finite(value):
    """JSON data without NaN and infinity, which JSON does not have: they become null."""
    if isinstance(value, list):
        return [finite(a) for a in value]
    if isinstance(value, dict):
        return {name: finite(a) for name, a in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


class Remote(Caller):
    """Foreign code that is asked in plain data; `answer` says how.

    answer(args)  gives JSON data, or raises Failed
    dtype         "float32" if it computes in that, and is to be judged so
    """

    def __init__(self, contract, language, dtype=None):
        super().__init__(contract, None, numpy_framework()._replace(name=language))
        self.dtype = np.dtype(dtype or "float64")

    def __call__(self, args, dtype=np.float64, theta=None, keep=False):
        """A `Trial` with these arguments."""
        if self.gives_up:
            return super().__call__(args)
        trial = Trial()
        try:
            result = arrays(self.contract, self.answer(args))
            self.read(trial, [a.astype(self.dtype) for a in result]
                      if isinstance(result, (list, tuple)) else result.astype(self.dtype))
        except Failed as failure:
            self.late += failure.problem == "timeout"
            trial.problem, trial.error = failure.problem, str(failure)
        except ValueError as error:
            trial.problem, trial.error = "wrong-shape", str(error)
        return trial


class Failed(Exception):
    """There is no answer: why, and the problem's code."""

    def __init__(self, problem, message):
        super().__init__(message)
        self.problem = problem
