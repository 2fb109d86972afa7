"""The kinds of function that the oracle judges, one record for each, in one file per family.

    gaussians     scores and densities of Gaussians and mixtures
    objectives    derivatives of a score, and the losses
    predictions   the losses of networks that predict x_0, v or the velocity
    levels        noise levels, and weights of losses
    tables        levels of a whole schedule
    conversions   between scores, noise, clean data and velocities
    paths         velocities and the SDE of a path, flow matching, laws of levels, guidance
    steps         noise added to data, and one step of a sampler
    loops         whole samplers
    likelihoods   likelihoods of data

`kind` says what a record holds. Beside the families: how arguments are drawn (`drawing`), where to
probe (`probes`: fixed places, `edges`: ends of the domains, `at_random`: anywhere else), what a
mistake may be made of (`quantities`, `terms`), and what the 50-digit formulas are written with
(`fifty_digits`). Nothing here knows how foreign code is called or judged.
"""

import difflib

from ...arrays import in_one_line

from . import (conversions, gaussians, levels, likelihoods, loops, objectives, paths, predictions,
               steps, tables)
from .kind import (BATCH, CHOICES, DATA, FUNCTION, FUNCTIONS, LEVEL, LEVELS, LOSS, ROWS, STATES,
                   TABLE, Kind, ProbeSpec, some_of)

__all__ = ["BATCH", "CHOICES", "DATA", "FUNCTION", "FUNCTIONS", "KINDS", "LEVEL", "LEVELS", "LOSS",
           "ROWS", "STATES", "TABLE", "Kind", "ProbeSpec", "find", "some_of"]

FAMILIES = (gaussians, objectives, predictions, levels, tables, conversions, paths, steps, loops,
            likelihoods)
KINDS = {kind.name: kind for family in FAMILIES for kind in family.KINDS}


def find(kind):
    """The record of a kind: a name, or the public function itself."""
    name = kind if isinstance(kind, str) else getattr(kind, "__name__", in_one_line(kind))
    if not isinstance(name, str) or name not in KINDS:
        near = difflib.get_close_matches(name, KINDS, 1)
        raise ValueError("kind must be a public function of refsgm that returns numbers, "
                         f"got {name!r}" + (f"; did you mean {near[0]!r}?" if near else
                            " (`refsgm check --list` shows them)"))
    return KINDS[name]
