"""Integer timesteps: an index into the table of levels that foreign code has, in place of levels.

    check("ddpm_step", p_sample, table=alpha_bar, argnames=["x_t", "alpha_bar_t", "eps", "z"])

The contract's levels at a probe are entries of the table, and foreign code is given their index. A
step goes to the next entry with less noise, and from the last one to clean data; code that takes
both ends of the step is given two indices.
"""

import contextlib

import numpy as np

from ...arrays import in_one_line

FIRST = ("alpha_bar_t", "alpha_bar", "sigma_t", "sigma", "scale", "t")
SECOND = ("alpha_bar_s", "sigma_s", "s")


def numbers_of(table):
    """A table of any library, or a list, as an array of real numbers."""
    with contextlib.suppress(Exception):
        a = np.asarray(table.detach().cpu() if hasattr(table, "detach") else table)
        if a.dtype.kind in "iuf":
            return a
    raise ValueError(f"table must hold at least two numbers, shape (T,), got {in_one_line(table)}")


class Timesteps:
    """A table of levels (T,), alpha_bar or sigma, as foreign code has it.

    Raises ValueError for what is no such table.
    """

    def __init__(self, contract, table, names):
        a = numbers_of(table)
        self.single = a.dtype == np.float32
        self.table = a = a.astype(np.float64)
        self.signal = any(n.startswith("alpha_bar") for n in contract.args) or (
            "scale" in contract.args)
        if a.ndim != 1 or len(a) < 2 or not np.all(np.isfinite(a)):
            raise ValueError("table must hold at least two numbers, shape (T,), "
                             f"got shape {a.shape}")
        if self.signal and not np.all((a >= 0) & (a <= 1)) or np.any(a < 0):
            raise ValueError("table must hold the levels of the contract, "
                             f"{'alpha_bar in [0, 1]' if self.signal else 'sigma >= 0'}, "
                             f"got entries from {a.min():g} to {a.max():g}")
        self.first = next((n for n in FIRST if n in contract.args), None)
        self.second = next((n for n in SECOND if n in contract.args), None)
        if self.first is None:
            raise ValueError(f"table must be None for a kind without levels, {contract.name}")
        self.both_given = self.second in names
        noisy = 1 - a if self.signal else a
        self.order = np.argsort(noisy, kind="stable")                    # least noise first
        self.clean = 1.0 if self.signal else 0.0

    def place(self, args, spec):
        """The arguments with levels of the table: its ends in regimes of tiny and huge levels."""
        if self.first not in args:
            return args
        rng = np.random.default_rng([11, spec.seed, spec.B])
        usable = self.order[self.table[self.order] != self.clean]
        usable = usable[1:] if self.both_given else usable
        if self.signal:
            usable = usable[self.table[usable] > 0]
        few = max(1, len(usable) // 50)
        if spec.regime.endswith("tiny levels"):
            usable = usable[:few]
        elif spec.regime == "huge levels":
            usable = usable[-few:]
        if any(n == self.second for n, _ in spec.given):
            usable = usable[:1]
        k = rng.choice(usable, (spec.B, 1) if spec.rows else ())
        share = rng.uniform(0, 1, np.shape(k)) if self.both_given else None
        placed = self.at(k, args, share)
        return args | {n: a if spec.rows else float(a) for n, a in placed.items()}

    def at(self, k, args, share=None):
        """The levels at indices k, as far as they are among the arguments.

        share  where a step ends between clean data and its start, if code is told; else the next
        """
        placed = {self.first: self.table[k]}
        if "scale" in args and self.signal:
            placed = {"scale": self.table[k]**0.5, "sigma": (1 - self.table[k])**0.5}
        if self.second in args:
            rank = np.argsort(self.order)[k]
            below = np.maximum(rank - 1, 0) if share is None else (rank * share).astype(int)
            placed[self.second] = self.table[self.order[below]]
            if share is None:
                placed[self.second] = np.where(rank > 0, placed[self.second], self.clean)
        return {n: a for n, a in placed.items() if n in args}

    def index(self, name, level):
        """The index of the entry that is nearest to a level, an integer or (B,) integers."""
        a = {"scale": self.table**0.5, "sigma": (1 - self.table)**0.5 if self.signal else
             self.table}.get(name, self.table)
        if np.ndim(level) == 0:
            return int(np.argmin(np.abs(a - level)))
        return np.argmin(np.abs(a[None] - np.reshape(level, (-1, 1))), axis=1)

    def levels(self, k):
        """Entries of the table, in its precision."""
        return self.table[k].astype(np.float32 if self.single else np.float64)
