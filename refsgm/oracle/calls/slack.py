"""How far off foreign code may be at a probe, which no formula is exact at.

    slack = 256 eps max(|f|, sensitivity),     eps of the dtype in which the result came

The sensitivity is what rounding does to the formula there (`reference.sensitivity`). At random
probes, which look for branches and do not count digits, 64 times as much is allowed; and once more
between two modes, where solvers lose that at the tolerance of 1e-5 that everybody uses.
"""

import numpy as np

from ..kinds import DATA
from ..kinds.sharp import MODES
from ..kinds.wide import BY_SEED, FORMS
from .reference import digits_of

ROUNDINGS = 256.0          # in units of eps
COARSER = 64.0             # times that, at random probes
NOTHING = 1e-36            # what a complex step of 1e-20 in foreign code may leave of a zero


def slack_at(contract, situation, args, want, came, sensitivity):
    """How far off an array of an answer may be that came in a dtype, at this sensitivity."""
    slack = slack_of(contract, came, situation.dtype, sensitivity, want)
    if situation.regime in (*BY_SEED, *FORMS):
        slack = np.maximum(np.maximum(COARSER * slack, NOTHING),
                           rounding_of_data(situation, args, want, came))
    return COARSER * slack if situation.sharp[:1] == (MODES,) else slack


def slack_of(contract, came, asked, sensitivity, want):
    """How far off an answer that came in one dtype, where another was asked, may be."""
    if came.kind == "f" and came.itemsize < 4:                 # half precision is never right
        return np.zeros(np.shape(want))
    asked = np.float64 if np.dtype(asked).kind == "i" else np.dtype(asked)
    slack = allowance(np.float32 if came == np.float32 else asked, sensitivity, want)
    return np.maximum(slack, contract.tolerance * sensitivity) if contract.tolerance else slack


def allowance(dtype, sensitivity, want):
    """How far off an answer in this dtype may be."""
    eps, tiny = digits_of(dtype)
    return ROUNDINGS * eps * np.maximum(sensitivity, np.abs(want)) + max(tiny, 1e-300)


def rounding_of_data(situation, args, want, came):
    """What a spelling may lose that adds the largest data of a row and takes them away again."""
    rows = [np.abs(a) for name, a in args.items()
            if name in DATA and np.shape(a) == np.shape(want) and np.size(a)]
    if not rows or np.ndim(want) != 2:
        return 0.0
    size = np.max([np.max(a, axis=-1, keepdims=True) for a in rows], axis=0)
    dtype = np.float32 if np.float32 in (came, np.dtype(situation.dtype)) else np.float64
    return allowance(dtype, size, want)
