"""Arguments that coincide: with each other, from row to row, with whole numbers; drawn by a seed.

Code that branches on what its arguments look like is right where they differ, as random numbers do.
So each argument of these probes is put into one of the forms below, every form in turn, and sizes
that mean different things are now and then the same. A probe of `odd` forms asks in ways that code
may refuse; all others are what the contract says: a level is a number or (B, 1), each by itself.
"""

import numpy as np

from .kind import BATCH, COUNTS, DATA, FUNCTION, FUNCTIONS, LEVEL, ROWS, STATES, STEPS, TABLE
from .test_functions import Field, Itself, curved, pulling
from .wide import ANY_SIZE, NUMBERS

SHARES = ("alpha_bar", "alpha_bar_t", "alpha_bar_s", "t", "s", "eta")          # at most 1

# {kind of argument: its forms}; "" is what is drawn anyway
COLUMN = ("a number", "", "equal", "tied", "a whole number", "close", "closer", "tiny", "whole",
          "first whole", "like", "even", "even at its ends", "even ratios", "ratios at its ends")
NUMBER = ("whole", "", "whole", "like")
ARRAY = ("", "zero", "rows of zero", "a column of zero", "alike", "of length 1", "whole", "like",
         "like in some rows", "close to")
MEANS = ("", "at x", "alike", "whole", "zero")
SCORE = ("itself", "constant", "", "curved", "zero", "linear")
PULLING = "pulling to zero"
EVEN = ("even at its ends", "ratios at its ends")       # and uneven in between
ENTRIES = {"weights": ("", "equal", "one", "zero"), "sigmas": ("", "whole", "even", *EVEN),
           "betas": ("same ends", "", "equal", *EVEN), "alpha_bar": ("even", "", "halves", *EVEN),
           "rng": ("",), "step_size": ("by row", "", "whole")}
# Of one argument alone, in every check
KEPT, INTEGERS, AS_COLUMN = "kept by who returns it", "an array of integers", "as a column"
ONE_FOR_ALL = "one for all rows"                                            # of a mean, (D,)
OF_COUNTS = "a NumPy integer", "an unsigned integer", "a byte"
OF_FRAMES = FIRST_FRAME, OTHER_FRAMES, SOME_FRAMES = (       # of directions, v v' = I on average
    "a frame in its first row", "frames in all but its first row", "a frame in every other row")
BY_ROW = ("by row", "any", "", "any", "whole")          # of a number that may be none, as odd forms


def forms_of(kind, name, rows, functions, odd=False):
    """The forms of an argument, by what it is; also what code may refuse."""
    if name in FUNCTIONS and name not in kind.draw:
        return SCORE if functions and kind.form != FUNCTION else ("",)
    if kind.is_level(name):
        forms = COLUMN if rows else NUMBER
        return tuple(f for f in forms if "whole" not in f) if name in kind.left_open else forms
    if name == "v" and kind.sliced or name in DATA and name not in kind.draw:
        return ARRAY
    if name == "means":
        return MEANS
    if name == "step_size" and kind.form != STATES or name == "alpha_bar" and (
            kind.form not in (TABLE, STATES)):
        return NUMBER
    if kind.form in (LEVEL, BATCH, ROWS) and name not in ENTRIES and name not in COUNTS:
        return BY_ROW if odd else (*NUMBER, "any")
    return ENTRIES.get(name, NUMBER)


def formed(kind, drawn, spec):
    """The arguments of a probe in the forms of its spec, before the ends of a step are ordered."""
    rng = np.random.default_rng([spec.seed, 11])
    smaller = {small for small, large in STEPS if {small, large} <= set(kind.args)}
    for name, form in spec.forms:
        if name not in smaller and name in drawn:
            drawn[name] = in_form(kind, name, drawn, form, rng, spec)
    return drawn


def smaller_formed(kind, drawn, spec):
    """The smaller ends of steps, likewise, afterwards."""
    rng = np.random.default_rng([spec.seed, 12])
    forms = dict(spec.forms)
    for small, large in STEPS:
        if {small, large} <= set(drawn) and small in forms:
            a = in_form(kind, small, drawn, forms[small], rng, spec)
            drawn[small] = a if np.all(np.less(a, drawn[large])) else drawn[small]
    return drawn


def in_form(kind, name, drawn, form, rng, spec):
    """One argument in a form; itself where it cannot have it."""
    a = drawn[name]
    if isinstance(a, Field):
        return function_in_form(a, form)
    if form == "any" and isinstance(a, float) and not kind.is_level(name):
        found = kind.draw.get(name, lambda rng, spec, drawn: NUMBERS[name](rng.uniform(), spec)
                              if name in NUMBERS else a)
        return found(rng, spec._replace(regime=ANY_SIZE), drawn)
    if isinstance(a, (float, int)) and not isinstance(a, bool):
        return number_in_form(name, a, form, rng, drawn, spec)
    if not isinstance(a, np.ndarray):
        return a
    if form in ("whole", INTEGERS):
        return whole(name, a, rng)
    if a.ndim == 1:
        return table_in_form(a, form)
    if a.shape[1:] == (1,) and name not in DATA:
        return column_in_form(name, a, form, rng, drawn)
    return array_in_form(name, a, form, drawn)


def whole(name, a, rng):
    """Whole numbers: 1 for what is a share, small positive ones for levels, any for data."""
    if np.ndim(a) > 1 and name in DATA or name == "means":
        return np.round(2 * a)
    if name in SHARES:
        return np.ones_like(a) if np.ndim(a) else float(name != "s" and (
            name != "t" or rng.integers(2)))
    if np.ndim(a) == 1:
        return np.arange(len(a), 0.0, -1)
    more = 5 if name in ("sigma_t", "sigma_to", "sigma_max") else 0
    drawn = rng.integers(1, 6, np.shape(a)) + more
    return drawn.astype(float) if np.ndim(a) else float(drawn)


def number_in_form(name, a, form, rng, drawn, spec):
    """A number."""
    if form == "whole" and isinstance(a, float):
        return whole(name, a, rng)
    if form == "like":
        others = [b for n, b in drawn.items() if n != name and type(b) is float
                  and (n in SHARES) == (name in SHARES)]
        return others[-1] if others and isinstance(a, float) else a
    if form in ("by row", AS_COLUMN):
        shares = np.linspace(0.5, 1.0, spec.B)[:, None] if spec.B > 1 else np.array([[1.0]])
        return a * shares if isinstance(a, float) else a
    return a


def column_in_form(name, a, form, rng, drawn):
    """A level for each row."""
    largest, k = float(np.max(a)), np.arange(len(a))[::-1, None]
    if form == "a whole number":
        return whole(name, largest, rng)
    if form == "a number":
        smaller = name in (small for small, _ in STEPS)
        return float(np.min(a)) if smaller else largest
    if form == "tied":
        return a[k // 2]
    if form in ("first 0", "first 1") or form[6:] in drawn:
        return np.where(k == len(a) - 1, drawn.get(form[6:], float(form[-1] == "1")), a)
    if form == "first whole":
        return np.where(k == len(a) - 1, 1.0, a)
    if form == "like":
        others = [b for n, b in drawn.items() if n != name and np.shape(b) == a.shape
                  and (n in SHARES) == (name in SHARES)]
        return others[-1].copy() if others else a
    if form == "tiny" and name in SHARES:              # 1 - alpha_bar and cosines lose digits there
        return a
    if "ends" in form or "even" in form:
        return np.reshape(evenly(name, np.ravel(a), form, rng), a.shape)
    if form in ("equal", "close", "closer", "tiny"):
        apart = {"equal": 0.0, "close": 1e-3, "closer": 1e-9, "tiny": 0.3}[form]
        return np.where(form == "tiny", 1e-9, largest) * (1 - apart * k / len(a))
    return a


def evenly(name, a, form, rng):
    """Numbers at equal distances or ratios; or uneven ones that begin and end as even ones do."""
    low, high, n = float(np.min(a)), float(np.max(a)), len(a)
    if name in ("t", "s") and rng.uniform() < 0.5:
        low, high = 0.0, 1.0
    if not low < high:
        low = high / 2
    ratios = "ratio" in form and low > 0
    even = np.geomspace(low, high, n) if ratios else np.linspace(low, high, n)
    even[[0, -1]] = (low, high) if n > 1 else high
    if "ends" in form and n > 3:
        kept = 1 + (n > 5 and rng.uniform() < 0.5)                    # the distances at both ends
        first, last = even[kept - 1], even[-kept]
        uneven = rng.uniform(0, 1, n - 2 * kept)
        even[kept:-kept] = np.sort(first * (last / first)**uneven if ratios else (
            first + (last - first) * uneven))
    return even if rng.uniform() < 0.7 else even[::-1].copy()


def array_in_form(name, a, form, drawn):
    """Data (B, D), directions, or means (K, D)."""
    a = a.copy()
    if form == "zero":
        return 0 * a
    if form == ONE_FOR_ALL:
        return a[0]
    if form in OF_FRAMES and a.ndim == 3:
        rows = {FIRST_FRAME: slice(1), OTHER_FRAMES: slice(1, None), SOME_FRAMES: slice(1, None, 2)}
        frame = a.shape[2]**0.5 * np.resize(np.eye(a.shape[2]), a.shape[::2])         # (M, D)
        a[:, rows[form]] = frame[:, None]
    if form == "rows of zero":
        a[..., ::2, :] = 0.0
    elif form == "a column of zero":
        a[..., 0] = 0.0
    elif form == "alike":
        a[...] = a[..., :1, :]
    elif form == "one of them twice":
        a[1:2] = a[:1]
    elif form == "of length 1":
        a = a / np.linalg.norm(a, axis=-1, keepdims=True)
    elif form == "at x":
        n = min(len(a), len(drawn["x"]))
        a[:n] = drawn["x"][:n]
    others = [b for n, b in drawn.items() if n != name and n in DATA and np.ndim(b) > 1
              and np.shape(b) == a.shape[-2:]]
    if others:
        if form == "like":
            a[...] = others[-1]
        elif form == "like in some rows":
            a[..., ::2, :] = others[-1][::2]
        elif form == "close to":
            a = others[-1] + 1e-6 * a
    return a


def table_in_form(a, form):
    """A table (N,)."""
    if form == "same ends" and len(a) > 2:
        return np.append(a[:-1], a[0])
    if form == "equal":
        return np.full_like(a, np.mean(a))
    if form == "one":
        return np.eye(1, len(a))[0]
    if form == "zero":
        k, b = len(a) // 2, a.copy()
        b[k - 1], b[k] = b[k - 1] + b[k], 0.0                      # float32 holds the sum exactly
        return b
    if form == "even":
        return np.linspace(a[0], a[-1], len(a))
    if form in EVEN and len(a) > 3:
        start = 1 if a[0] == 1 else 0                        # a table of alpha_bar begins there
        order = slice(None, None, -1 if a[-1] < a[0] else 1)
        return np.append(a[:start], np.sort(evenly("", a[start:], form, np.random.default_rng(
            len(a))))[order])
    if form == "halves":
        return 0.5**np.arange(len(a))
    return a


def function_in_form(f, form):
    """A function that is simpler than others, or no polynomial."""
    if form == PULLING:
        return pulling(f)
    if form in ("itself", "curved"):
        return f.as_a(Itself) if form == "itself" else curved(f)
    f = f.astype(np.float64)
    if form in ("linear", "constant", "zero"):
        f.theta = f.theta * [1, 1, 0] if form == "linear" else f.theta * [0, form == "constant", 0]
    return f
