"""What a check found, to read on a terminal, to use in a program, and as JSON."""

import textwrap
from dataclasses import dataclass, field

from .doctor.codes import CODES, Diagnosis
from .kinds.wide import BY_SEED, FORMS, FURTHER

WIDTH = 96
MOST_SHOWN = 24


@dataclass
class Report:
    """The verdict on one function.

    kind, framework  what was checked, and on whose arrays
    probes           all probes, each with label, ok, error (relative) and allowed
    diagnoses        explanations, best first; empty if all is right
    parts            of a loss: "value", "minimiser", "gradient" -> "right", "wrong" or "not judged"
    allowed          conventions and codes that were accepted
    notes            what is worth knowing and not wrong
    seed             of the random probes, None without any
    program          a small failing probe as a program, or ""
    """

    kind: str
    framework: str
    probes: list
    diagnoses: list
    parts: dict = field(default_factory=dict)
    allowed: tuple = ()
    notes: tuple = ()
    seed: int | None = None
    program: str = ""

    @property
    def right(self):
        """Whether it keeps to the contract strictly, conventions included."""
        return (all(p.ok and not p.trial.mutated for p in self.probes)
                and "wrong" not in self.parts.values() and not self.diagnoses)

    @property
    def ok(self):
        """Whether it is right, or differs by nothing but what was allowed."""
        if self.right:
            return True
        allowed = set(self.allowed)
        if self.parts.get("gradient") == "wrong" and "detached-gradient" not in allowed:
            return False
        if any(p.trial.mutated for p in self.probes) and "mutates-input" not in allowed:
            return False
        if self.probes and all(p.ok for p in self.probes):
            return {d.code for d in self.diagnoses} <= allowed
        values = [d for d in self.diagnoses if d.code not in ("mutates-input", "detached-gradient")]
        return bool(values) and values[0].accounts and (
            {values[0].code, *values[0].also} <= allowed
            or set(values[0].convention.split(" + ")) <= allowed)

    def __bool__(self):
        return self.ok

    @property
    def failing(self):
        """The probes that failed, the worst last."""
        return sorted((p for p in self.probes if not p.ok), key=lambda p: p.error)

    @property
    def shown(self):
        """The probes that a text lists: all, or where they are many, plain and failing ones."""
        many = len(self.probes) > MOST_SHOWN
        return [p for p in self.probes if not (many and p.ok and p.situation.regime in FURTHER)]

    @property
    def diagnosis(self):
        """The best explanation, or None."""
        return self.diagnoses[0] if self.diagnoses else None

    @property
    def convention(self):
        """The other convention in which it is right, if that is all that is to be said, or ""."""
        other = [d.code for d in self.diagnoses] == ["other-convention"]
        return self.diagnosis.convention if other else ""

    def as_dict(self):
        """Plain data, for JSON."""
        return {"kind": self.kind, "framework": self.framework,
                "ok": self.ok, "right": self.right, "parts": dict(self.parts),
                "notes": list(self.notes), "allowed": sorted(self.allowed),
                "seed": self.seed, "program": self.program,
                "diagnoses": [d._asdict() for d in self.diagnoses],
                "probes": [{"label": p.label, "ok": p.ok, "error": finite(p.error),
                            "allowed": finite(p.allowed), "message": p.trial.error,
                            "wrong": list(p.wrong)} for p in self.probes]}

    def __str__(self):
        verdict = "right" if self.right else "accepted" if self.ok else "wrong"
        if self.convention and not self.ok:
            verdict = f"right, in the convention {self.convention}"
        right, n = sum(p.ok for p in self.probes), len(self.probes)
        count = f"{right} of {n} probes right"
        if 0 < right == n and verdict in ("wrong", "accepted"):      # for what no value shows
            count = f"though its values are right at all {n} probes"
        lines = [f"{self.kind} ({self.framework}): {verdict}, {count}"]
        if self.parts:
            lines.append("  " + ", ".join(f"{part} {word}" for part, word in self.parts.items()))
        for d in self.diagnoses:
            choice = f", a convention: {d.convention}" if d.convention else ""
            lines += ["", f"  {d.code} [{d.tag}]{choice}", *wrapped(f"{d.sentence}.", 4)]
            if d.fix:
                lines += wrapped(f"-> {d.fix}", 4)
        answered = any(p.trial.outputs is not None for p in self.failing)
        shown = self.shown if answered and not self.convention else []
        if shown:
            lines += ["", f"  {'probe':44} {'error':>9} {'allowed':>9}"]
            for p in shown:
                error = "-" if p.trial.outputs is None else f"{p.error:.1e}"
                mark = " " if p.ok else "x"
                lines.append(f"{mark} {p.label[:44]:44} {error:>9} {p.allowed:9.1e}"
                             + (f"  {p.trial.error}"[:WIDTH - 66] if p.trial.error else ""))
            if len(shown) < len(self.probes):
                lines.append(f"  and {len(self.probes) - len(shown)} more, which are right")
            lines += smallest(self.failing)
        if any(p.situation.regime in (*BY_SEED, *FORMS) for p in self.failing):
            lines += ["", f"  the random probes are those of seed={self.seed}"]
        if self.program and shown:
            lines += ["", "  the smallest failing probe found, as a program:", "",
                      *self.program.splitlines()]
        lines += [line for note in self.notes for line in wrapped(f"note: {note}", 2)]
        return "\n".join(lines)


@dataclass
class Findings:
    """What is wrong, as it is found; true if nothing is.

    problems  each a Diagnosis;  notes  what is worth knowing and not wrong
    """

    framework: str
    problems: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    engine = ""                                             # of the diagnoses

    @property
    def ok(self):
        """Whether nothing is wrong."""
        return not self.problems

    def __bool__(self):
        return self.ok

    @property
    def diagnosis(self):
        """What is wrong first of all, or None."""
        return self.problems[0] if self.problems else None

    def wrong(self, code, sentence, fix=""):
        """Note a mistake."""
        self.problems.append(Diagnosis(code, sentence, "", fix or CODES[code][1],
                                       engine=self.engine))

    def problems_in_words(self):
        """Lines of text: the code of each problem, what is wrong, and what to do."""
        return [line for d in self.problems for line in (
            f"  {d.code}", *wrapped(f"{d.sentence}.", 4), *wrapped(f"-> {d.fix}", 4))]

    def notes_in_words(self):
        """Lines of text."""
        return [line for note in self.notes for line in wrapped(f"note: {note}.", 2)]


def wrapped(text, indent):
    """Lines of at most WIDTH characters."""
    return textwrap.wrap(text, WIDTH, initial_indent=" " * indent, subsequent_indent=" " * indent)


def finite(x):
    """A number for JSON, which has no infinity."""
    return float(x) if x == x and abs(x) != float("inf") else None


def smallest(failing):
    """Got and expected of the failing probe with the fewest numbers."""
    answered = [p for p in failing if p.got is not None]
    if not answered:
        return []
    p = min(answered, key=lambda p: (p.want[0].size, p.label))
    i = next((i for i, c in enumerate(p.components) if not c.ok), 0)
    right = p.want[-1] if len(p.got) == 1 else p.want[i]     # a loop may give its last state alone
    want = right.mean() if p.mean else right
    return ["", f"  smallest failing probe: {p.label}", f"    got      {numbers(p.got[i])}",
            f"    expected {numbers(want)}"]


def numbers(a):
    """The first few numbers of an array."""
    flat = a.reshape(-1)
    return " ".join(f"{v:.6g}" for v in flat[:6]) + (" ..." if flat.size > 6 else "")
