"""The museum: every known mistake before the oracle, and what the doctor says of it.

A row of the kill matrix is one mutant: the probes that caught it, and whether the doctor's first
word is the code that the mutant declares. `python -m refsgm.oracle.museum` prints the page of the
documentation.
"""

import re
from typing import NamedTuple

from . import mutants, not_bugs
from ..check import check
from ..doctor.ranking import GOOD_ENOUGH, final
from ..kinds import find


class Row(NamedTuple):
    """One mutant before the oracle.

    mutant       what was judged
    probes       ((label, whether it caught the mutant), ...)
    code         the doctor's first diagnosis, "" if none;  convention  its name, or ""
    sentence     of that diagnosis
    """

    mutant: mutants.Mutant
    probes: tuple
    code: str
    convention: str
    sentence: str

    @property
    def caught(self):
        """Labels of the probes that caught it."""
        return [label for label, hit in self.probes if hit]

    @property
    def right(self):
        """Whether the first diagnosis is the declared one, and a convention is called one."""
        return (self.code, self.convention) == (self.mutant.code, self.mutant.convention)

    def as_dict(self):
        """Plain data, for JSON."""
        m = self.mutant
        return {"id": m.id, "kind": m.kind, "caught_by": self.caught, "probes": len(self.probes),
                "said": self.code, "declared": m.code, "right": self.right,
                "convention": m.convention, "status": m.status, "sentence": m.sentence,
                "source": m.source}


def kill_matrix(dictionary=True):
    """A `Row` for every mutant of the museum.

    dictionary  whether the doctor may use known alternatives, or its general engines alone
    """
    return [row_of(m, judged(m, dictionary)) for m in mutants.MUTANTS]


def kill_matrices():
    """The kill matrix, and that of the engines alone.

    The engines are asked alone where with the dictionary they may have said something else.
    """
    reports = [judged(m) for m in mutants.MUTANTS]
    alone = [report if explained_by_engines(report.diagnosis) else judged(m, dictionary=False)
             for m, report in zip(mutants.MUTANTS, reports)]
    return [[row_of(m, report) for m, report in zip(mutants.MUTANTS, judgements)]
            for judgements in (reports, alone)]


def judged(mutant, dictionary=True):
    """The report on one mutant."""
    return check(mutant.kind, mutant.function, dictionary=dictionary)


def explained_by_engines(diagnosis):
    """Whether a first diagnosis is the same without known alternatives.

    It is that of an engine, or a convention, for which the doctor looks in either case; and it is
    so good that lost digits are considered in neither.
    """
    return diagnosis is not None and diagnosis.cost < GOOD_ENOUGH and (
        diagnosis.engine != "dictionary" or final([diagnosis]))


def row_of(mutant, report):
    """What a report says of one mutant."""
    probes = tuple((p.label, not p.ok) for p in report.probes)
    d = report.diagnosis
    return Row(mutant, probes, *((d.code, d.convention, d.sentence) if d else ("", "", "")))


def false_alarms():
    """Names of right spellings, once reported as bugs, at which the oracle raises an alarm."""
    return [f"{n.id}: {f.__name__}" for n in not_bugs.NOT_BUGS for f in n.functions
            if not check(n.kind, f).right]


def summary(rows, alarms):
    """The counts, in sentences."""
    caught, right = sum(bool(r.caught) for r in rows), sum(r.right for r in rows)
    conventions = [r for r in rows if r.mutant.convention]
    named = sum(r.convention == r.mutant.convention for r in conventions)
    spellings = sum(len(n.functions) for n in not_bugs.NOT_BUGS)
    return [f"{caught} of {len(rows)} mistakes caught.",
            f"{right} ({right / len(rows):.0%}) with the declared code as first diagnosis.",
            f"{named} of {len(conventions)} conventions named.",
            f"{len(alarms)} alarms at {spellings} right spellings."]


def table(rows, alarms):
    """The kill matrix as text, one mark for every probe, at most 100 characters wide."""
    lines, kind = [f"  {'mistake':31}{'first diagnosis':22}probes, x = caught"], ""
    kinds = list(dict.fromkeys(r.mutant.kind for r in rows))
    for r in sorted(rows, key=lambda r: kinds.index(r.mutant.kind)):
        if r.mutant.kind != kind:
            kind = r.mutant.kind
            lines.append(kind)
        mark, said = " " if r.right else "!", r.code or "none"
        marks = "".join("x" if hit else "." for _, hit in r.probes)
        lines.append(f"{mark} {r.mutant.id:31}{said:22}{marks}")
        if not r.right:
            convention = r.mutant.convention and f", a convention: {r.mutant.convention}"
            lines.append(f"  {'':31}declared: {r.mutant.code}{convention}")
    lines += [f"! alarm at a right spelling, {name}" for name in alarms]
    return "\n".join([*lines, "", *summary(rows, alarms)])


def page(rows, plain, alarms):
    """The museum as a page of Markdown; `plain` are the rows without the dictionary."""
    lines = ["# The bug museum", "",
             "<!-- Written by `python -m refsgm.oracle.museum > docs/museum.md`. -->", "",
             "Mistakes of published score-based code, each rebuilt from its formula and put before "
             "`refsgm.check`.", "Its first diagnosis is compared with the code that the mistake "
             "declares.", "", *summary(rows, alarms),
             f"Without its dictionary of known alternatives {sum(r.right for r in plain)} "
             f"({sum(r.right for r in plain) / len(plain):.0%}) are named."]
    for kind in dict.fromkeys(r.mutant.kind for r in rows):
        lines += ["", f"## `{find(kind).signature()}`"]
        for r in (r for r in rows if r.mutant.kind == kind):
            lines += ["", *entry(r)]
    lines += ["", "## Right, and reported as bugs", "",
              "Both spellings of each pass.", "", "| report | kind | why it is none | where |",
              "|---|---|---|---|"]
    lines += [f"| {n.id} | `{n.kind}` | {cell(n.sentence)} | {cell(linked(n.source))} |"
              for n in not_bugs.NOT_BUGS]
    lines += ["", "## Not in the museum", "", "No contract can show these.", "",
              "| mistake | why |", "|---|---|"]
    lines += [f"| {name} | {cell(why)} |" for name, why in (mutants.NO_KIND
                                                            | not_bugs.NO_KIND).items()]
    lines += ["", "The codes are explained in [the oracle's page](oracle.md#codes)."]
    return "\n".join(lines) + "\n"


PUBLIC = re.compile(r"([\w-]+/[\w.-]+) (issue|PR|commit) ([0-9a-f]+)")        # on GitHub
FOLDERS = {"issue": "issues", "PR": "pull", "commit": "commit"}


def linked(source):
    """A source in Markdown: what names a repository and a number in it leads there."""
    return PUBLIC.sub(lambda m: f"[{m[0]}](https://github.com/{m[1]}/{FOLDERS[m[2]]}/{m[3]})",
                      source)


def entry(row):
    """The lines of one mistake."""
    m, missed = row.mutant, [label for label, hit in row.probes if not hit]
    caught = (f"caught by all {len(row.probes)} probes" if not missed else
              f"caught by {len(row.caught)} of {len(row.probes)} probes, "
              f"not by: {'; '.join(missed)}")
    said = f"`{row.code}`: {row.sentence}" if row.code else "nothing"
    lines = [f"**{m.id}** ({m.status}). {m.sentence}", f"Seen: {linked(m.source)}.  ",
             f"{caught[0].upper()}{caught[1:]}.  ", f"The doctor says {said}."]
    if m.convention:
        lines[-1] += f"  \nA convention: `allow={{\"{m.convention}\"}}` accepts it."
    if not row.right:
        lines[-1] += f"  \nDeclared: `{m.code}`."
    lines[0] += "  "
    return lines


def cell(text):
    """Text inside a table, where a bar would end the cell."""
    return text.replace("|", "\\|")
