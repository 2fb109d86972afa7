"""Every option of what trains, judges or reads files, with strange values: taken, or refused.

What comes of a value that is taken has tests elsewhere; here a call must end, and what it raises
must be one sentence that names the option.
"""

import inspect
import os
import signal
import tempfile

import numpy as np

import refsgm
from .disguises import COUNTS, THINGS
from .fuzz import Tally, outcome, stop
from .subjects import MODEL

X = np.random.default_rng(0).standard_normal((20, 2))
STRANGE = THINGS | COUNTS | {"empty text": "", "empty tuple": (), "names": ("a", "b"), "set": {1},
                             "data": X, "list of data": X.tolist(), "function": np.sin,
                             "negative": -1.5, "tiny": 1e-320, "large": 1e200}


def nothing(*args, **kwargs):
    """A foreign function that gives no answer."""


def small(**options):
    """A training of two steps."""
    return refsgm.train(**{"x": X, "n_steps": 2, "width": 4, "depth": 1, "n_levels": 2,
                           "sigma_max": 3.0, "sigma_min": 0.1} | options)


# name: (a call with these options, the options that it needs)
CALLS = {
    "check": (refsgm.check, {"kind": "perturb", "fn": nothing}),
    "check_sampler": (refsgm.check_sampler, {"sampler": nothing}),
    "check_sde": (refsgm.check_sde, {"marginal": lambda t: (1.0, 1.0), "sde": nothing}),
    "check_training": (refsgm.check_training, {"loss": nothing, "framework": "numpy"}),
    "Settings": (refsgm.Settings, {}),
    "train": (small, {}),
    "backend": (refsgm.backend, {"name": "numpy"}),
    "save_model": (refsgm.save_model, {"path": "m.npz", "model": MODEL}),
    "load_model": (refsgm.load_model, {"path": "none.npz"}),
}
# files of any name may be missing, and a file descriptor is a number
OWN_ERRORS = (OSError, ModuleNotFoundError)


class Option:
    """One option as the fuzz knows a function: a `name`, a `call`, and the `names` of arguments."""

    def __init__(self, of, name):
        function, needed = CALLS[of]
        self.name, self.names = of, [name, *([of] if of == "backend" else [])]
        self.call = lambda value: self.without_arrays(function, needed | {name: value})

    @staticmethod
    def without_arrays(function, options):
        """Call, and say nothing of the result."""
        try:
            function(**options)
        except OWN_ERRORS:
            pass
        return 0.0


def names_of(of):
    """The options of a call."""
    function = refsgm.Settings if of == "train" else CALLS[of][0]
    parameters = inspect.signature(function).parameters.values()
    return [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]


def options(every=1, calls=CALLS):
    """Try all options with all strange values, or each n-th; returns a `Tally`."""
    tally, here, before = Tally(), os.getcwd(), signal.signal(signal.SIGALRM, stop)
    cases = [(of, name, how) for of in calls for name in names_of(of) for how in STRANGE]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            for of, name, how in cases[::every]:
                if (of, name) in (("save_model", "path"), ("load_model", "path")) and isinstance(
                        STRANGE[how], (int, np.integer)):
                    continue                             # the number of a file that is open
                got = outcome(Option(of, name), [STRANGE[how]])
                tally.note(f"{of}({name}: {how})", got.kind, str(got.value))
        finally:
            os.chdir(here)
            signal.signal(signal.SIGALRM, before)
    return tally
