"""What is certain about a sampler, for people and for programs."""

import math
from dataclasses import dataclass, field

from ..report import wrapped


@dataclass
class Certificate:
    """What is certain about a sampler; true if it is certified.

    rows      (steps or step size, error of the mean, error of the covariance)
    order     the lowest local order at the last doubling, over targets and grids; NaN if not seen
    standard_error  how far the last two local orders are apart; of the fit, from chains
    method    "exact" or the number of chains
    tables    (target, levels, [(n, local order), ...], size of the limit's error, its uncertainty)
    targets   the targets that it rests on
    power     from chains: a bias below this part of the variance is not seen
    problems  what is wrong, each one sentence;  doubts  what is not seen, and why
    notes     what is worth knowing
    """

    kind: str
    framework: str
    method: str = "exact"
    rows: list = field(default_factory=list)
    sampling_error: float = 0.0
    rounding_error: float = 1e-11
    order: float = math.nan
    standard_error: float = math.nan
    claimed_order: float | None = None
    tables: list = field(default_factory=list)
    targets: list = field(default_factory=list)
    power: float = 0.0
    problems: list = field(default_factory=list)
    doubts: list = field(default_factory=list)
    notes: list = field(default_factory=list)

    @property
    def answer(self):
        """"certified", "wrong" or "not seen"."""
        return "wrong" if self.problems else "not seen" if self.doubts else "certified"

    @property
    def ok(self):
        """Whether it is certified."""
        return self.answer == "certified"

    def __bool__(self):
        return self.ok

    def as_dict(self):
        """Plain data, for JSON."""
        return {"kind": self.kind, "framework": self.framework, "ok": self.ok,
                "answer": self.answer, "method": self.method,
                "rows": [[number(a) for a in row] for row in self.rows],
                "sampling_error": self.sampling_error, "order": number(self.order),
                "standard_error": number(self.standard_error),
                "claimed_order": self.claimed_order, "power": self.power,
                "orders": [{"target": target, "levels": levels,
                            "local": [[n, number(q)] for n, q in orders],
                            "limit": number(limit), "uncertainty": number(unsure)}
                           for target, levels, orders, limit, unsure in self.tables],
                "targets": list(self.targets), "problems": list(self.problems),
                "doubts": list(self.doubts), "notes": list(self.notes)}

    def __str__(self):
        first = "step size" if self.kind == "langevin" else "steps"
        verdict = {"wrong": "not certified", "not seen": "not seen"}.get(self.answer, "certified")
        lines = [f"{self.kind} sampler ({self.framework}, {self.method}): {verdict}"]
        for sentence in (*self.problems, *self.doubts):
            lines += wrapped(f"-> {sentence}.", 2)
        if self.rows:
            lines += ["", f"  {first:>9} {'error of mean':>15} {'of covariance':>15}"]
            lines += [f"  {n:>9g} {mean:>15.2e} {cov:>15.2e}" for n, mean, cov in self.rows]
        if self.sampling_error:
            lines += [f"  standard error of the covariance {self.sampling_error:.1e}"]
        if self.power:
            lines += wrapped(f"a bias below {100 * self.power:.2g} % of the variance would not be "
                             "seen", 2)
        if any(orders for _, _, orders, _, _ in self.tables):
            lines += ["", "  local orders"]
        for target, levels, orders, _, _ in self.tables:
            if orders:
                values = "  ".join(f"{n}: {q:.2f}" for n, q in orders)
                lines += wrapped(f"{target}, {levels}: {values}", 4)
        if math.isfinite(self.order):
            claim = "" if self.claimed_order is None else f", claimed {self.claimed_order:g}"
            lines += ["", f"  observed order {self.order:.2f} +- {self.standard_error:.2f}{claim}"]
        if self.targets and not self.problems:
            lines += wrapped(f"it rests on {' and '.join(self.targets)}"
                             + (" alone" if len(self.targets) == 1 else ""), 2)
        if self.claimed_order is None and self.kind == "diffusion" and self.ok:
            lines += ["  no order is claimed, so none was tested: its law is right in the limit"]
        for note in self.notes:
            lines += wrapped(f"note: {note}", 2)
        return "\n".join(lines)


def number(a):
    """A number for JSON, which has no NaN and no infinity."""
    return a if a is None or math.isfinite(a) else None
