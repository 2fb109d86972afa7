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
    if hidden.framework != "torch":
        return wrong_value(hidden)
    if isinstance(hidden.at, list):
        return wrong_tensors(hidden)
    return any(wrong_gradient(hidden, size) for size in (1, 100))


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


def wrong_tensors(hidden):
    """In what a list of calls on tensors returns or leaves behind, with gradients on or off."""
    import torch
    return wrong_calls(hidden) or torch.no_grad()(wrong_calls)(hidden)


def wrong_calls(hidden):
    """In value, shape or dtype, seen after all calls, by raising or by a changed argument."""
    import torch
    results = []
    for at in hidden.at:
        given = [torch.tensor(a) if isinstance(a, np.ndarray) else
                 a.clone() if torch.is_tensor(a) else a for a in at]
        kept = [a.clone() if torch.is_tensor(a) else a for a in given]
        want = getattr(refsgm, hidden.kind)(*(a.numpy() if torch.is_tensor(a) else a for a in kept))
        try:
            results.append((hidden.function(*given), want))
        except (ValueError, ArithmeticError, LookupError, AttributeError, RuntimeError, TypeError):
            return True
        if any(torch.is_tensor(a) and not torch.equal(a, b) for a, b in zip(given, kept)):
            return True
    for result, want in results:
        got = [np.asarray(torch.as_tensor(a).detach())
               for a in (result if isinstance(result, tuple) else (result,))]
        want = [np.asarray(a) for a in (want if isinstance(want, tuple) else (want,))]
        for a, b in zip(got, want, strict=True):
            if a.shape != b.shape or a.dtype != b.dtype and b.ndim:
                return True
            bound = 1e-5 if b.dtype == np.float32 else 1e-8
            size = np.max(np.abs(b[np.isfinite(b)]), initial=0.0)
            if not np.allclose(a, b, rtol=bound, atol=bound * size * 1e-3, equal_nan=True):
                return True
    return False


def wrong_gradient(hidden, size=1):
    """In the derivative along an argument, which for refsgm is a central difference.

    A tensor among the arguments is a constant; `size` is that of the gradient that comes back.
    """
    import torch
    right, places = getattr(refsgm, hidden.kind), range(len(hidden.at))
    given = [a if callable(a) else np.asarray(a, float) if np.ndim(a) else float(a)
             for a in hidden.at]
    inputs = [a if callable(a) or torch.is_tensor(a) else
              torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in hidden.at]
    result = hidden.function(*inputs)
    result = list(result)[-1] if hasattr(result, "__next__") else result
    result = torch.cat([a.ravel() for a in result]) if isinstance(result, tuple) else result.ravel()
    weights = np.cos(np.arange(result.numel()))
    tensors = [a for a in inputs if not callable(a) and a.requires_grad]
    try:
        gradients = torch.autograd.grad((size * result * torch.tensor(weights)).sum(), tensors,
                                        allow_unused=True) if result.requires_grad else None
    except RuntimeError:
        return True
    if gradients is None:
        return True
    found = iter(gradients)
    for i in places:
        if callable(given[i]) or not inputs[i].requires_grad:
            continue
        got = next(found)
        got = 0.0 if got is None else float(got.sum()) / size
        ends = [weights @ last(right(*given[:i], given[i] + h, *given[i + 1:]))
                for h in (1e-5, -1e-5) if hidden.kind[:7] != "mixture" or i != 1]
        if ends and not abs(got - (ends[0] - ends[1]) / 2e-5) < 1e-6 * (1 + abs(got)):
            return True
    return False


def last(result):
    """The numbers of a result, of a loop those of its last state."""
    return numbers(list(result)[-1] if hasattr(result, "__next__") else result)
