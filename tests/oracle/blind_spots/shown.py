"""Whether a wrong function is wrong at the arguments that are written beside it."""

import numpy as np

import refsgm

from .fresh import generator


def copied(arguments):
    """Arguments that a function may spoil; a generator starts anew."""
    return [a() if a is generator else a.copy() if isinstance(a, np.ndarray) else a
            for a in arguments]


def numbers(result):
    """All numbers of a result in one array, of a loop those of the list of its states."""
    if hasattr(result, "__next__"):
        result = list(result)
    parts = result if isinstance(result, (tuple, list)) else [result]
    return np.concatenate([np.ravel(a) for a in parts])


def shown(hidden):
    """Whether the function and refsgm's differ at `hidden.at` by more than rounding."""
    return (wrong_gradient if hidden.framework == "torch" else wrong_value)(hidden)


def wrong_value(hidden):
    """In value, in shape, or because the function raises; of several calls, the last."""
    calls = hidden.at if isinstance(hidden.at, list) else [hidden.at]
    want = numbers(getattr(refsgm, hidden.kind)(*copied(calls[-1])))
    try:
        *_, got = (numbers(hidden.function(*copied(at))) for at in calls)
    except (ValueError, ArithmeticError, LookupError, AttributeError):
        return True
    return got.shape != want.shape or not np.allclose(
        got, want, rtol=1e-10, atol=1e-12 * np.nanmax(np.abs(want)), equal_nan=True)


def wrong_gradient(hidden):
    """In the derivative along an argument, which for refsgm is a central difference."""
    import torch
    right, places = getattr(refsgm, hidden.kind), range(len(hidden.at))
    given = [a if callable(a) else np.asarray(a, float) if np.ndim(a) else float(a)
             for a in hidden.at]
    inputs = [a if callable(a) else torch.tensor(a, dtype=torch.float64, requires_grad=True)
              for a in given]
    result = hidden.function(*inputs)
    result = torch.cat([a.ravel() for a in result]) if isinstance(result, tuple) else result.ravel()
    weights = np.cos(np.arange(result.numel()))
    tensors = [a for a in inputs if not callable(a)]
    gradients = torch.autograd.grad((result * torch.tensor(weights)).sum(), tensors,
                                    allow_unused=True) if result.requires_grad else None
    if gradients is None:
        return True
    found = iter(gradients)
    for i in places:
        if callable(given[i]):
            continue
        got = next(found)
        got = 0.0 if got is None else float(got.sum())
        ends = [weights @ numbers(right(*given[:i], given[i] + h, *given[i + 1:]))
                for h in (1e-5, -1e-5) if hidden.kind[:7] != "mixture" or i != 1]
        if ends and not abs(got - (ends[0] - ends[1]) / 2e-5) < 1e-6 * (1 + abs(got)):
            return True
    return False
