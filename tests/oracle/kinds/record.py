"""What a kind is tried with: right spellings that must raise no alarm, and mistakes to be named."""

from collections.abc import Callable
from typing import NamedTuple


class Mistake(NamedTuple):
    """A mistake: its kind, what it is, the codes that name it, the function, its framework."""

    kind: str
    sentence: str
    codes: set
    function: Callable
    framework: str = "numpy"


class Tried(NamedTuple):
    """What one kind is tried with.

    spellings  two right implementations: in another order of arithmetic, in another form (for
               losses: the mean of the batch). An oracle that raises an alarm at them is wrong.
    tuned      mistakes that the doctor's engines were worked on with, so its rate there flatters it
    measured   mistakes that were written afterwards, and measured before anything was changed for
               their sake

    A mistake has several codes where it has several true names; where the doctor found a further
    name that is true, it was added.
    """

    spellings: tuple
    tuned: tuple
    measured: tuple


TRIED = {}                                                                 # kind: Tried


def of(kind, spellings, tuned, measured=()):
    """Enter what a kind is tried with; a mistake is (sentence, codes, function[, framework])."""
    def mistakes(rows):
        return tuple(Mistake(kind, sentence, set(codes.split()), *rest)
                     for sentence, codes, *rest in rows)
    TRIED[kind] = Tried(spellings, mistakes(tuned), mistakes(measured))
