"""Which output the loss wants, and how much: the target y and the weight w of every entry.

    loss = sum_i 1/2 w_i (out_i - y_i)^2     so     d loss / d out = w (out - y)

Two gradients give both, exactly. Where the loss is no quadratic (L1, Huber, a norm), the target is
where the gradient changes its sign, which bisection finds, and the weight is read at one distance.
"""

from typing import NamedTuple

import numpy as np

BISECTIONS, LARGEST = 48, 2.0**14
ROBUST = {
    "l1": "the absolute error (L1): its optimum is the median of what is to be predicted, and a "
          "score, or an x_0 for a sampler, is a mean",
    "huber": "a Huber loss: a square for small errors and an absolute value for large ones, so "
             "its optimum is a mean only as far as errors are small",
}


class Residual(NamedTuple):
    """What the loss asks of one call: target and weight, (B, *shape), NaN where it asks nothing."""

    target: np.ndarray
    weight: np.ndarray


def outputs(shape, seed):
    """Numbers of either sign, none near zero."""
    rng = np.random.default_rng(seed)
    return rng.uniform(0.5, 1.5, shape) * rng.choice([-1.0, 1.0], shape)


def answered(gradients, out):
    """Target and weight from the gradients at 0 and at `out`."""
    at_zero, at_out = gradients
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = (at_out - at_zero) / out
        size = np.max(np.abs(weight), axis=tuple(range(1, out.ndim)), keepdims=True)
        weight = np.where(np.abs(weight) <= 1e-9 * size, np.nan, weight)
        return Residual(-at_zero / weight, weight)


def is_quadratic(gradient, shape, tolerance):
    """"diagonal", "mixed" or "no": what the loss is as a function of one call's output."""
    zero, E, F = np.zeros(shape), outputs(shape, 1), outputs(shape, 2)
    at_zero, at_e, at_f, between = (gradient(o) for o in (zero, E, F, (E + F) / 2))
    size = max(np.max(np.abs(at_e - at_zero)), 1e-300)
    if np.max(np.abs(between - (at_e + at_f) / 2)) > tolerance * size:
        return "no"
    weight = (at_e - at_zero) / E
    return ("diagonal" if np.max(np.abs(at_f - at_zero - weight * F)) <= tolerance * size
            else "mixed")


def turning_point(gradient, shape, single):
    """The output at which each entry's gradient changes its sign; NaN where it does not."""
    reach = 8.0
    while reach <= LARGEST:
        low, high = (np.sign(gradient(np.full(shape, r))) for r in (-reach, reach))
        if np.all((low < 0) & (high > 0) | (low == 0) & (high == 0)):
            break
        reach *= 8
    live = (low < 0) & (high > 0)
    left, right = np.full(shape, -reach), np.full(shape, reach)
    for _ in range(BISECTIONS if not single else 30):
        middle = (left + right) / 2
        sign = np.sign(gradient(middle))
        left, right = np.where(sign < 0, middle, left), np.where(sign < 0, right, middle)
    return np.where(live, (left + right) / 2, np.nan)


def form(gradient, target):
    """Which function of the error the loss is, and the size of its gradient at the error of 1.

    Returns (name, weight): "l1", "huber", "norm" (of a row), "root" (of the batch), "fourth",
    "log" or "unknown".
    """
    shape = target.shape
    u = outputs(shape, 3)
    base = np.nan_to_num(target)

    def size(s):
        with np.errstate(invalid="ignore"):
            return np.where(np.isnan(target), np.nan, np.abs(gradient(base + s * u)))
    steps = (1e-3, 1e-2, 10.0, 100.0)
    sizes = [np.nanmedian(size(s)) for s in steps]
    small, large = (np.log10(sizes[i + 1] / sizes[i]) if sizes[i] > 0 else 0.0 for i in (0, 2))
    one = size(1.0)
    row = one.reshape(len(one), -1)
    spread = np.nanmax(np.nanstd(row, axis=1) / (np.nanmean(row, axis=1) + 1e-300))
    if abs(small) < 0.05 and abs(large) < 0.05:
        if spread < 0.02:
            return "l1", one
        lone = base + u * np.where(np.arange(len(u)) == 0, 10.0, 1.0).reshape(
            -1, *[1] * (u.ndim - 1))
        others = np.abs(gradient(lone))[1:] / np.where(one[1:] > 0, one[1:], np.nan)
        return ("root" if np.nanmax(np.abs(others - 1)) > 0.01 else "norm"), one / np.abs(u)
    if abs(small - 1) < 0.05 and abs(large) < 0.3:
        return "huber", size(1e-3) / (1e-3 * np.abs(u))
    if abs(small - 3) < 0.1 and abs(large - 3) < 0.1:
        return "fourth", one / np.abs(u)
    if abs(large + 1) < 0.1:
        return "log", one / np.abs(u)
    return "unknown", one / np.abs(u)
