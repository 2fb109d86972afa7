"""Negative controls: `@rejects` above a law enters a mutant that the law must fail with.

A mutant is a mistake that is really made: a sign, a square, a half, an index. It is put in the
place of a public function wherever the package uses it, and the law is run: `test_controls.py`.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple


class Control(NamedTuple):
    """A law with its arguments, the function that is replaced, what is wrong, and the mutant."""

    law: Callable
    name: str
    mistake: str
    mutant: Callable


CONTROLS = []


def rejects(name, mistake, mutant, *args):
    """The law below, with these arguments, fails when mutant(f) is in the place of refsgm's f."""
    def enter(law):
        CONTROLS.append(Control(functools.partial(law, *args), name, mistake, mutant))
        return law
    return enter


def scaled(factor):
    """The mutant whose result is multiplied by factor(*args), or by a number."""
    def mutant(f):
        def wrong(*args, **kwargs):
            return (factor(*args) if callable(factor) else factor) * f(*args, **kwargs)
        return wrong
    return mutant


def instead(wrong):
    """The mutant that is another function altogether."""
    return lambda f: wrong
