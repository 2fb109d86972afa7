"""Probes of forms, by a seed: which of its forms each argument has, and sizes that coincide."""

from functools import lru_cache

import numpy as np

from .edges import answers
from .forms import forms_of
from .kind import LEVEL, STATES, TABLE, ProbeSpec
from .wide import FORM, ODD_FORM

SEVERAL, FEW, ODD = 16, 4, 2          # probes of a kind, of loops; for so many an odd one
OF_LEVELS = 48                        # of a kind that takes levels of any shape, and as many odd
SIDES = (4, 6, 9, 12, 16)             # of levels that fill a square, or nearly
MANY = 150                            # levels, now and then
MOST_SIDE = 5                         # of sizes that coincide
TRIES = 8                             # draws of a probe inside the domain


def form_specs(kind, seed, by_row=True, dim=None, dtype="float64", functions=True, few=False):
    """Specs of these probes, a tuple; of odd forms, which code may refuse, the last ones.

    functions  whether those that are passed have forms too
    few        whether each costs much
    """
    few = few or kind.form == STATES or (dim or 0) > 64
    n = 1 if kind.adaptive else FEW if few else OF_LEVELS if kind.form == LEVEL else SEVERAL
    return drawn_specs(kind, seed, by_row, dim, dtype, functions, n)


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
