"""The three parts of a loss: its value, its minimiser, and the gradient that its framework takes.

Every loss of the package is quadratic in the weights theta of the test function. So differences
give gradient and Hessian exactly, and the minimiser of the right loss is known: it must be the
minimum of the foreign one too.
"""

import warnings
from functools import partial

import numpy as np

from ..kinds import DATA, ProbeSpec
from ..kinds.test_functions import Field
from .gradient_places import elsewhere
from .loss_gradients import wrong_elsewhere
from .judge import new_probe
from .reference import reference
from .right_gradients import PARAMETERS
from .trial import OutOfTime, Trial, in_one_line, limited

LARGE = 1e4                     # a gradient that is clipped on its way shows when it is large


def loss_parts(contract, caller, probes, dim, dtype, seed=None):
    """(value, minimiser and gradient of a loss: "right", "wrong" or "not judged", and the arguments
    along which the gradient is wrong).

    seed  of further probes of the gradient, of other sizes
    """
    parts = {"value": "right" if all(p.ok for p in probes) else "wrong",
             "minimiser": "not judged", "gradient": "not judged"}
    s = ProbeSpec("theta", 6, dim or 4, False, seed=77, M=2,
                  dtype=dtype or "float64")
    probe = new_probe(contract, s, caller)
    name, f = next((n, a) for n, a in probe.args.items() if isinstance(a, Field))
    number, narrow, wrong = np.dtype(s.dtype), [], []

    def foreign(theta):
        return value_at(caller, probe, theta, narrow)

    def right(theta):
        return float(np.mean(reference(contract, probe.args | {name: with_theta(f, theta)})[0]))

    try:
        foreign(f.theta)
        tolerance = 2e-3 if narrow[0] else 1e-5
        parts["minimiser"] = minimiser(foreign, right, f.theta, tolerance)
        if caller.framework.gradient is not None:
            parts["gradient"] = gradient(caller, probe, f, foreign, number, tolerance)
            once = seed is None or caller.framework.compiles
            rows = caller.levels != "scalar"
            for spec in () if once else elsewhere(s._replace(rows=rows), seed, dim):
                if parts["gradient"] != "right":
                    break
                other = new_probe(contract, spec, caller)
                parts["gradient"] = gradient(
                    caller, other, other.args[name],
                    partial(value_at, caller, other, narrow=narrow), number, tolerance)
            if parts["gradient"] == "right" and not once:
                if not defined_at_zero(caller, probe, f, number):
                    wrong = [PARAMETERS]
                elif caller.is_usual:
                    wrong = wrong_elsewhere(caller, s._replace(rows=rows), seed, dim, probes)
    except ArithmeticError:
        pass
    if parts["gradient"] == "wrong":
        wrong = [PARAMETERS]
    return parts | {"gradient": "wrong"} if wrong else parts, wrong


def value_at(caller, probe, theta, narrow):
    """The foreign loss of other weights, the mean over rows; `narrow` notes whether in float32."""
    name, f = next((n, a) for n, a in probe.args.items() if isinstance(a, Field))
    trial = caller(probe.args | {name: with_theta(f, theta)}, np.dtype(probe.situation.dtype))
    if trial.outputs is None or trial.outputs[0].size not in (1, probe.situation.B):
        raise ArithmeticError
    narrow.append(trial.dtypes[0] == np.float32)
    return float(np.mean(trial.outputs[0]))


def with_theta(f, theta):
    """The same Field with other weights."""
    other = f.astype(np.float64)
    other.theta = np.asarray(theta)
    return other


def quadratic(loss, theta, h=0.5):
    """Gradient and Hessian of a loss in theta, by differences: exact where it is quadratic."""
    n = len(theta)
    e = h * np.eye(n)
    zero = loss(theta)
    plus, minus = [loss(theta + d) for d in e], [loss(theta - d) for d in e]
    g = np.array([(a - b) / (2 * h) for a, b in zip(plus, minus)])
    H = np.diag([(a + b - 2 * zero) / h**2 for a, b in zip(plus, minus)])
    for i in range(n):
        for j in range(i):
            cross = (loss(theta + e[i] + e[j]) - plus[i] - plus[j] + zero) / h**2
            H[i, j] = H[j, i] = cross
    return g, H


def minimiser(foreign, right, theta, tolerance):
    """Whether the minimiser of the right loss is the minimum of the foreign one too."""
    g, H = quadratic(right, theta)
    best = theta - np.linalg.solve(H, g)
    slope, curvature = quadratic(foreign, best)
    size = np.sqrt(np.abs(np.diag(curvature)) * max(abs(foreign(best)), 1e-12))
    size = size + np.abs(curvature) @ np.abs(best)
    if not np.all(np.isfinite(slope)) or not np.all(np.isfinite(curvature)):
        return "wrong"
    stationary = np.all(np.abs(slope) <= tolerance * size + 1e-12)
    convex = np.all(np.linalg.eigvalsh(curvature) > -tolerance * np.max(np.abs(curvature)))
    return "right" if stationary and convex and np.any(curvature) else "wrong"


def gradient(caller, probe, f, foreign, dtype, tolerance):
    """Whether the framework's gradient is the derivative of the foreign value."""
    derivative, _ = quadratic(foreign, f.theta)
    late = caller.late
    try:
        taken = gradient_taken(caller, probe.args, f.theta.astype(dtype), dtype)
    except OutOfTime:
        caller.late += 1
        return "not judged"
    except Exception as error:                # a number without a graph, or a graph that is broken
        unknown = caller.late > late or "device" in in_one_line(error)
        return "not judged" if unknown else "wrong"
    size = np.max(np.abs(derivative)) + 1e-12
    if np.all(np.abs(taken - derivative) <= tolerance * size):
        return "right"
    again, _ = quadratic(foreign, f.theta, 0.25)
    smooth = np.all(np.abs(again - derivative) <= tolerance * size)
    return "wrong" if smooth else "not judged"        # of a value that is rounded, or no quadratic


def gradient_taken(caller, args, theta, dtype):
    """The framework's gradient at these weights; raises what foreign code raises."""
    def loss(theta):
        value = caller(args, dtype, theta=theta, keep=True)
        if isinstance(value, Trial):
            raise RuntimeError(value.error)
        return caller.framework.mean(value[0]) * LARGE
    with warnings.catch_warnings(), limited(caller.seconds):
        warnings.simplefilter("ignore")                        # of a loss that has no gradient
        slope, = caller.framework.gradient(loss, theta)
        return np.asarray(slope, np.float64) / LARGE


def defined_at_zero(caller, probe, f, dtype):
    """Whether the gradient is finite where all data and weights are zero, and with them the loss.

    A square of a root has the value of the square there, and its gradient is 0 / 0.
    """
    zeros = {n: np.zeros_like(a) for n, a in probe.args.items()
             if n in DATA and isinstance(a, np.ndarray) and not caller.contract.is_level(n)}
    try:
        return bool(np.all(np.isfinite(gradient_taken(
            caller, probe.args | zeros, np.zeros_like(f.theta, dtype), dtype))))
    except OutOfTime:
        caller.late += 1
        return True
    except Exception:                                       # it says nothing about the gradient
        return True
