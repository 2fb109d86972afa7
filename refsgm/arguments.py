"""What an argument must be, said in one sentence when it is not.

    x       (B, D)                every array of a batch has the same shape
    sigma   scalar or (B, 1)      never (B,): against (B, D) that scales columns when B == D

A check takes arguments by keyword, so messages name them. Values are looked at on Python numbers
and NumPy arrays; of traced and device arrays shapes alone, which breaks no trace.
"""

from numbers import Integral

import autograd.numpy as np

from .arrays import (WHOLE, in_one_line, is_number_or_array, on_host, range_of_squares, value_of,
                     weak_number)

POSITIVE = ("positive", lambda a: (a >= (ends := range_of_squares(a))[0]) & (a <= ends[1]))
NONNEGATIVE = ("zero or positive", lambda a: (a >= 0) & (a <= range_of_squares(a)[1]))
FRACTION = ("in (0, 1]", lambda a: (a >= range_of_squares(a)[0]**2) & (a <= 1))    # 1 / a is finite
OPEN_UNIT = ("in (0, 1)", lambda a: (a > 0) & (a < 1))
UNIT = ("in [0, 1]", lambda a: (a >= 0) & (a <= 1))
FINITE = ("finite", lambda a: abs(a) <= range_of_squares(a)[1])


def shape_of(name, a):
    """The shape of a number or an array; anything else, and what only resembles one, is refused."""
    kind = type(a)
    if kind is np.ndarray:
        return a.shape
    if kind is float or kind is int:
        return ()
    a = value_of(a)
    if not is_number_or_array(type(a)):
        raise ValueError(f"{name} must be an array or a number, got {kind.__module__}."
                         f"{kind.__qualname__}".replace("builtins.", ""))
    return getattr(a, "shape", ())


def check_value(name, a, domain):
    """What `name` holds is finite and real, and lies inside `domain`, a pair (words, test)."""
    words, inside = domain
    shape_of(name, a)
    if not on_host(a):
        return
    if type(a) is int:
        if abs(a) > 10**308:
            raise ValueError(f"{name} must be finite, got an integer beyond 1e308")
        a = float(a)
    kind = a.dtype.kind if hasattr(a, "dtype") else "c" if type(a) is complex else "f"
    if kind not in "iufc":
        raise ValueError(f"{name} must hold numbers, got dtype {a.dtype}")
    if kind == "u" or getattr(a, "itemsize", 8) < {"i": 8, "f": 4}.get(kind, 0):
        raise ValueError(f"{name} must hold float32, float64 or int64 (what is smaller overflows), "
                         f"got dtype {a.dtype}")
    if kind == "i" and not np.all((a >= -WHOLE) & (a <= WHOLE)):
        raise ValueError(f"{name} must be float64 for integers beyond {WHOLE}: squares overflow")
    good = inside(a) if kind != "c" else np.isfinite(a) & inside(a.real)        # the complex step
    if good is not True and (good is False or not good.all()):
        bad = a if np.ndim(a) == 0 else a[~good][0]
        what, (low, high) = words if np.isfinite(bad) else "finite", range_of_squares(a)
        if np.isfinite(bad) and (domain is FINITE or bad.real > 0 and domain in (POSITIVE,
                                                                                 NONNEGATIVE)):
            low = -high if domain is FINITE else low
            what = f"between {low} and {high}, where its square is a normal number"
        raise ValueError(f"{name} must be {what}, got {bad}")


def check_values(domain, **values):
    """Every value is finite and real, and lies inside `domain`."""
    for name, a in values.items():
        check_value(name, a, domain)


def check_real(**values):
    """No value is complex."""
    for name, a in values.items():
        if np.iscomplexobj(a):
            raise ValueError(f"{name} must be real, got a complex value")


def check_scalars(domain, **numbers):
    """Every number is a scalar inside `domain`."""
    for name, a in numbers.items():
        if shape_of(name, a) != ():
            raise ValueError(f"{name} must be a scalar, got shape {np.shape(a)}")
    check_values(domain, **numbers)


def check_batch(**arrays):
    """Every array has shape (B, D), the same for all, with D >= 1, and is finite."""
    (first, x), *_ = arrays.items()
    required = shape_of(first, x)
    for name, a in arrays.items():
        shape = shape_of(name, a)
        if len(shape) != 2 or shape[1] == 0:
            raise ValueError(f"{name} must have shape (B, D) with D >= 1, got shape {shape}")
        if shape != required:
            raise ValueError(f"{name} must have the shape of {first}, {required}, "
                             f"got shape {shape}")
    check_values(FINITE, **arrays)


def check_level(x, domain, **levels):
    """Every noise level (or time, or step size) is a scalar or (B, 1), and lies inside `domain`."""
    for name, a in levels.items():
        if (shape := shape_of(name, a)) not in ((), (len(x), 1)):
            raise ValueError(f"{name} must be a scalar or have shape (B, 1) = {(len(x), 1)}, "
                             f"got shape {shape}")
        in_use = weak_number(a, x) if domain in (POSITIVE, NONNEGATIVE) else a
        check_value(name, in_use, domain)


def check_below(**pair):
    """The first argument is smaller than the second, in every row."""
    (name, a), (other, b) = pair.items()
    if on_host(a) and on_host(b) and not np.all(a.real < b.real):
        a, b = (np.ravel(v)[~np.ravel(np.real(a) < np.real(b)) if np.ndim(v) else slice(None)][0]
                for v in (a, b))                                  # the first pair that is not
        raise ValueError(f"{name} must be smaller than {other}, got {name} = {a} and {other} = {b}")


def check_table(domain, **tables):
    """Every table has shape (N,) with N >= 1, and its entries lie inside `domain`."""
    for name, table in tables.items():
        if len(shape_of(name, table)) != 1 or len(table) == 0:
            raise ValueError(f"{name} must have shape (N,) with N >= 1, "
                             f"got shape {np.shape(table)}")
    check_values(domain, **tables)


def check_decreasing(domain, **tables):
    """Every table has shape (N,), is strictly decreasing, and its entries lie inside `domain`."""
    check_table(domain, **tables)
    for name, table in tables.items():
        if on_host(table) and not np.all(np.diff(table) < 0):
            i = int(np.argmax(np.diff(table) >= 0))
            raise ValueError(f"{name} must be strictly decreasing, "
                             f"got {table[i]} followed by {table[i + 1]}")


def check_alpha_bar_table(alpha_bar):
    """alpha_bar has shape (T + 1,), T >= 1, starts at exactly 1 and decreases inside (0, 1]."""
    check_decreasing(FRACTION, alpha_bar=alpha_bar)
    if len(alpha_bar) < 2 or (on_host(alpha_bar) and alpha_bar[0] != 1):
        raise ValueError("alpha_bar must have shape (T + 1,) with T >= 1 and alpha_bar[0] == 1, "
                         f"got shape {np.shape(alpha_bar)} and alpha_bar[0] = {alpha_bar[0]}")


def check_directions(x, v):
    """v has shape (B, D), or (M, B, D) for M >= 1 directions per sample, and is finite."""
    shape = shape_of("v", v)
    fits = len(shape) in (2, 3) and shape[-2:] == np.shape(x)
    if not fits or (shape[0] == 0 and len(x) > 0):
        raise ValueError(f"v must have shape (B, D) = {np.shape(x)} or (M, B, D) with M >= 1, "
                         f"got shape {shape}")
    check_values(FINITE, v=v)


def check_integer(name, n, least):
    """What `name` holds is an integer, at least `least`."""
    if not isinstance(n, Integral) or type(n) is bool or n < least:
        raise ValueError(f"{name} must be an integer, at least {least}, got {in_one_line(n)}")


def check_count(least, **counts):
    """Every count is an integer, at least `least`, and one that a computer can count to."""
    for name, n in counts.items():
        check_integer(name, n, least)
        if n > 10**9:
            raise ValueError(f"{name} must be at most {10**9}, got {in_one_line(n)}")


def check_word(words, **named):
    """Every one is one of these words."""
    for name, word in named.items():
        if not (isinstance(word, str) and word in words):
            *first, last = (f'"{w}"' for w in words)
            raise ValueError(f"{name} must be {', '.join(first)} or {last}, "
                             f"got {in_one_line(word)}")


def check_functions(**functions):
    """Every one can be called."""
    for name, f in functions.items():
        if not callable(f):
            raise ValueError(f"{name} must be a function, got {in_one_line(f)}")


def check_like(**levels):
    """All have one shape, but for scalars, which fit any."""
    shapes = {name: shape for name, a in levels.items() if (shape := shape_of(name, a)) != ()}
    for name, shape in shapes.items():
        if shape != (required := next(iter(shapes.values()))):
            raise ValueError(f"{name} must be a scalar or have the shape of {next(iter(shapes))}, "
                             f"{required}, got shape {shape}")


def check_step(x_t, alpha_bar_t, alpha_bar_s):
    """A step goes from noise to data: 0 < alpha_bar_t < alpha_bar_s <= 1."""
    check_level(x_t, FRACTION, alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)
    check_below(alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)


def check_ve_step(x_t, sigma_t, sigma_s):
    """A step goes from noise to data: 0 <= sigma_s < sigma_t."""
    check_level(x_t, POSITIVE, sigma_t=sigma_t)
    check_level(x_t, NONNEGATIVE, sigma_s=sigma_s)
    check_below(sigma_s=sigma_s, sigma_t=sigma_t)


def returned_by(call, fn, args, shape):
    """What a caller's function returns, an array of this shape; nothing is broadcast.

    call  how the call is written in messages, such as "score_fn(x)"
    """
    check_functions(**{call.partition("(")[0]: fn})
    value = fn(*args)
    if (found := shape_of(call, value)) != shape:
        raise ValueError(f"{call} must return shape {shape}, got shape {found}")
    return value
