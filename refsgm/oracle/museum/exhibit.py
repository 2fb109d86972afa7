"""What an exhibit of the museum is.

A mutant has the signature of its kind, and is wrong in the one way that its sentence says. Its
code is what a doctor who has not seen it should say.
"""

from collections.abc import Callable
from typing import NamedTuple


class Mutant(NamedTuple):
    """A mistake: its name, kind, code, evidence, one sentence, where it was seen, and the function.

    status      "documented" (thread, commit or code was read), "confusion" (a thread asks for the
                wrong form), "plausible" (a common slip)
    convention  the name under which `allow` accepts it, "" for a mistake
    """

    id: str
    kind: str
    code: str
    status: str
    sentence: str
    source: str
    function: Callable
    convention: str = ""


MUTANTS = []


def mutant(id, kind, code, status, sentence, source, convention=""):
    """Put the function below into the museum."""
    def exhibit(function):
        MUTANTS.append(Mutant(id, kind, code, status, sentence, source, function, convention))
        return function
    return exhibit
