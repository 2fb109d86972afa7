"""How often the doctor's first word is right: on the museum, and on mistakes that are in no list.

    python -m ledgers.doctor_rates [--misses]

The mistakes are those of tests/oracle/kinds: the tuned ones, which the engines were worked on with,
and the measured ones, made afterwards. The first rate of these was 79 %, and a few defects that
they showed have been mended since. Only the first line is with the dictionary.
"""

import importlib.util
import sys
import time

import refsgm
from refsgm.oracle.museum.mutants import MUTANTS
from tests.oracle.kinds import MEASURED, TUNED


def rate(name, mistakes, dictionary):
    """Print the counts of one list; returns what was missed."""
    missed, uncaught, start = [], 0, time.perf_counter()
    for m in mistakes:
        framework = getattr(m, "framework", "numpy")
        report = refsgm.check(m.kind, m.function, framework, dictionary=dictionary)
        said = report.diagnosis.code if report.diagnosis else "none"
        uncaught += report.ok
        if said not in (m.codes if hasattr(m, "codes") else {m.code}):
            missed.append(f"    {m.kind}: {m.sentence} The doctor says {said}.")
    named = len(mistakes) - len(missed)
    print(f"{name:34} {named:4} of {len(mistakes):4} named ({named / len(mistakes):4.0%}), "
          f"{uncaught} not caught, {time.perf_counter() - start:4.0f} s")
    return missed


def main():
    """The four rates."""
    with_torch = importlib.util.find_spec("torch") is not None
    tuned = [m for m in TUNED if with_torch or m.framework != "torch"]
    for name, mistakes, dictionary in (("museum", MUTANTS, True),
                                       ("museum, no dictionary", MUTANTS, False),
                                       ("tuned, no dictionary", tuned, False),
                                       ("measured, no dictionary", MEASURED, False)):
        missed = rate(name, mistakes, dictionary)
        if "--misses" in sys.argv:
            print("\n".join(missed))


if __name__ == "__main__":
    main()
