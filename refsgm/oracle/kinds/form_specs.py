"""Probes of forms, by a seed: which of its forms each argument has, and sizes that coincide."""

import itertools
from functools import lru_cache

import numpy as np

from .edges import answers
from .forms import (AS_COLUMN, ENTRIES, INTEGERS, KEPT, OF_COUNTS, OF_FRAMES, ONE_FOR_ALL, forms_of)
from .kind import CHOICES, COUNTS, DATA, FUNCTION, FUNCTIONS, LEVEL, STATES, TABLE, ProbeSpec
from .wide import FORM, NUMBERS, ODD_FORM

SEVERAL, FEW, ODD = 16, 4, 2          # probes of a kind, of loops; for so many an odd one
OF_LEVELS = 48                        # of a kind that takes levels of any shape, and as many odd
SIDES = (4, 6, 9, 12, 16)             # of levels that fill a square, or nearly
MANY = 150                            # levels, now and then
MOST_SIDE = 5                         # of sizes that coincide
MOST_OF_A_BYTE = 200                  # entries of a table whose number is a byte
TRIES = 8                             # draws of a probe inside the domain


def form_specs(kind, seed, by_row=True, dim=None, dtype="float64", functions=True, few=False):
    """Specs of these probes, a tuple; of odd forms, which code may refuse, the last ones.

    functions  whether those that are passed have forms too
    few        whether each costs much
    """
    few = few or kind.form == STATES or (dim or 0) > 64
    n = 1 if kind.adaptive else FEW if few else OF_LEVELS if kind.form == LEVEL else SEVERAL
    made = drawn_specs(kind, seed, by_row, dim, dtype, functions, n)
    return made + every_one(kind, seed, by_row, dim, dtype, functions and not few)


@lru_cache(64)
def every_one(kind, seed, by_row, dim, dtype, functions):
    """Specs of what is asked in every check: numbers beside columns in both directions; special
    numbers in the first row; functions that return what they are given, or keep what they return;
    and as odd forms integers in one array, numbers as columns, counts as NumPy's.
    """
    levels = [n for n in kind.args if kind.is_level(n) and n not in kind.left_open]
    numbers = [n for n in kind.args if n in NUMBERS and n not in (*COUNTS, *ENTRIES)
               and not kind.is_level(n)]
    rows, passed = by_row and kind.form not in (TABLE, STATES), FUNCTIONS & set(kind.args)
    made, odd = [], [((n, form),) for n in kind.args if n in COUNTS for form in OF_COUNTS]
    if rows:
        made += [((n, "equal"),) for n in levels if levels[1:]]
        made += [tuple((n, "a number") for n in some) for k in range(1, len(levels))
                 for some in itertools.combinations(levels, k)]
        made += [((n, f"first {m}"),) for n in levels for m in (*numbers, "0", "1")]
    if kind.sliced:
        made += [(("v", form),) for form in ("one of them twice", *OF_FRAMES)]
    if "mean" in kind.args and "mean" not in kind.draw:
        made += [(("mean", ONE_FOR_ALL),)]
    if functions and passed and kind.form != FUNCTION:
        words = [(n, c) for n in CHOICES if n in kind.args for c in CHOICES[n]]
        made += [((n, form), *([word] if word else [])) for n in passed - set(kind.draw)
                 for form in ("itself", KEPT) for word in words or [()]]
    if not kind.adaptive and kind.form != STATES and dtype != "float32":
        odd += [((n, INTEGERS),) for n in kind.args
                if n in DATA and n not in kind.draw and not kind.is_level(n)]
    if rows and kind.form == LEVEL:
        odd += [((n, AS_COLUMN), *some) for n in numbers
                for some in ((), tuple((m, "a number") for m in levels))]
    found = [one_spec(kind, forms, dim, dtype, rows, i >= len(made), seed % 2**20 * 1000 + i)
             for i, forms in enumerate((*made, *odd)) if not kind.adaptive]
    return tuple(spec for spec in found if spec is not None)


def one_spec(kind, forms, dim, dtype, rows, odd, seed):
    """A spec in these forms, or with these words, inside of the domain; or None."""
    words, most = tuple((n, f) for n, f in forms if n in CHOICES), 5
    count = most if kind.form != TABLE else MOST_OF_A_BYTE
    words += tuple((n, count) for n, f in forms if n in COUNTS)
    spec = ProbeSpec(", ".join(f"{n} {form}" for n, form in forms), 4, dim or 3, rows,
                     ODD_FORM if odd else FORM, seed, 3 * kind.sliced, words, dtype, count=most,
                     forms=tuple((n, f) for n, f in forms if n not in CHOICES))
    tried = (spec._replace(seed=(seed + 500 * i)) for i in range(TRIES))
    return next((s for s in tried if answers(kind, s) == "finite"), None)


@lru_cache(64)
def drawn_specs(kind, seed, by_row, dim, dtype, functions, n):
    """`n` specs, and odd ones."""
    most = n + (n if kind.form == LEVEL else n // ODD)
    turns = {name: np.random.default_rng([seed, i]).permutation(most)
             for i, name in enumerate((*kind.args, "sizes"))}
    found = (inside(kind, [seed, i], {name: int(t[i]) for name, t in turns.items()}, by_row, dim,
                    dtype, functions, i >= n) for i in range(most))
    return tuple(spec._replace(regime=ODD_FORM) if i >= n or ("step_size", "by row") in spec.forms
                 else spec for i, spec in enumerate(found) if spec is not None)


def inside(kind, seed, turns, by_row, dim, dtype, functions, odd=False):
    """A spec inside the domain, or None where none is found.

    turns  {argument: which of its forms it has}; other ones where these do not go together
    odd    whether code may refuse it
    """
    rng = np.random.default_rng(seed)
    for again in range(TRIES):
        side = int(rng.integers(2, MOST_SIDE + 1))
        B, D, M, count = (side if rng.uniform() < 0.6 else int(rng.integers(1, MOST_SIDE + 2))
                          for _ in range(4))
        if kind.form == LEVEL and rng.uniform() < (0.8 if odd else 0.2):
            B = MANY if rng.uniform() < 0.15 else int(rng.choice(SIDES))
        rows = by_row and kind.form not in (TABLE, STATES) and (
            turns["sizes"] % 5 > 1 or odd and kind.form == LEVEL and turns["sizes"] % 5)
        forms = {}
        for name in kind.args:
            those = forms_of(kind, name, rows, functions, odd)
            forms[name] = those[turns[name] % len(those)]
            if again and rng.uniform() < 0.5:
                forms[name] = those[rng.integers(len(those))]
        forms = tuple((name, form) for name, form in forms.items() if form)
        M = M if kind.sliced or {"weights", "sigmas"} <= set(kind.args) else 0
        spec = ProbeSpec("", B, dim or D, rows, FORM, int(rng.integers(2**31)), M, dtype=dtype,
                         count=count, forms=forms)
        if kind.adaptive or answers(kind, spec) == "finite":
            words = ", ".join(f"{name} {form}" for name, form in forms)
            return spec._replace(label=words or f"B = {B}, D = {dim or D}")
    return None
