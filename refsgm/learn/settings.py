"""What a training run is, apart from its data: its options, their defaults and their meaning."""

import difflib
from dataclasses import dataclass, field, fields, replace
from typing import TypedDict, get_args

import autograd.numpy as np

from .levels import check_given, fitting_levels
from .losses import OBJECTIVES
from ..arguments import (FINITE, OPEN_UNIT, POSITIVE, check_count, check_integer, check_real,
                         check_scalars)
from ..arrays import in_one_line
from ..noise_levels import geometric_sigmas


def setting(default, words, option=None):
    """A field of Settings: its default, its meaning, and its name on the command line if another"""
    return field(default=default, metadata={"help": words, "option": option})


LEAST = {"warmup": 0, "seed": 0, "n_levels": 2}                       # other counts: at least 1
SHARE = ("in [0, 1)", lambda a: (a >= 0) & (a < 1))


@dataclass(frozen=True)
class Settings:
    """What a run is, apart from its data; every field is stored with its checkpoints.

    FIELDS
    """

    objective: str = setting("dsm", f"loss: {', '.join(OBJECTIVES)}")
    n_steps: int = setting(5000, "number of updates", "steps")
    batch_size: int = setting(128, "samples per update, drawn without replacement until the data "
                              "are used up", "batch")
    learning_rate: float = setting(2e-3, "peak of the schedule: a linear rise over the warmup, "
                                   "then a cosine fall to zero")
    warmup: int = setting(200, "steps of the linear rise of the learning rate")
    average_decay: float = setting(0.999, "largest decay of the average of the weights, which "
                                   "a short run does not reach; the model has the average")
    width: int | None = setting(None, "units per hidden layer; 8 per feature, between 128 and 512, "
                                "if left out")
    depth: int = setting(3, "number of hidden layers")
    energy: bool = setting(False, "learn an energy; the score is minus its gradient")
    sigma_max: float | None = setting(None, "largest noise level, a standard deviation in units of "
                                      "x; the largest distance between samples if left out")
    sigma_min: float | None = setting(None, "smallest noise level; from nearest samples and spread "
                                      "if left out")
    n_levels: int | None = setting(None, "number of noise levels, spaced geometrically; from their "
                                   "range and the dimension if left out", "levels")
    dtype: str = setting("float32", "number type of weights and scores: float32 or float64")
    noise: str = setting("device", "whose random numbers a run has: device, those of the device of "
                         "the data, or numpy, the same everywhere")
    seed: int = setting(0, "seed of weights, order of the data and noise")
    held_out: float = setting(0.0, "share of the data, of at most 1000 samples, that is not "
                              "trained on and shows the held-out loss")
    label_dropout: float = setting(0.1, "share of the labels that are hidden in training; without "
                                   "hidden labels no guidance and no sample of all classes")

    def __post_init__(self):
        for f in fields(self):                        # NumPy's numbers are stored as Python's
            kind, *or_none = get_args(f.type) or (f.type,)
            value = getattr(self, f.name)
            if not (or_none and value is None):
                object.__setattr__(self, f.name, plain(f.name, value, kind))
        if self.objective not in OBJECTIVES:
            raise ValueError(f"objective must be one of {', '.join(OBJECTIVES)}, "
                             f"got {self.objective!r}")
        if self.dtype not in ("float32", "float64"):
            raise ValueError(f'dtype must be "float32" or "float64", got {self.dtype!r}')
        if self.noise not in ("device", "numpy"):
            raise ValueError(f'noise must be "device" or "numpy", got {self.noise!r}')
        check_count(0, n_steps=self.n_steps, batch_size=self.batch_size, width=self.width or 1,
                    depth=self.depth, warmup=self.warmup)
        check_scalars(POSITIVE, learning_rate=self.learning_rate)
        check_scalars(OPEN_UNIT, average_decay=self.average_decay)
        check_scalars(SHARE, held_out=self.held_out, label_dropout=self.label_dropout)
        check_given(self.sigma_max, self.sigma_min, self.n_levels, self.dtype)

    def fitted(self, x):
        """The same settings with noise levels that fit data x (N, D) where none are given."""
        given = self.sigma_max, self.sigma_min, self.n_levels
        if None not in given:
            return self
        sigma_max, sigma_min, n_levels = fitting_levels(x, *given)
        return replace(self, sigma_max=sigma_max, sigma_min=sigma_min, n_levels=n_levels)

    def width_for(self, dim):
        """Units per hidden layer of a network on D features."""
        return self.width or min(max(8 * dim, 128), 512)

    def sigmas(self):
        """The noise levels (L,), decreasing, of settings that have them: see `fitted`."""
        return geometric_sigmas(self.sigma_max, self.sigma_min, self.n_levels).astype(self.dtype)


def plain(name, value, kind):
    """A setting as a Python value of this type; one that is of another type is refused."""
    if kind is str:
        if not isinstance(value, str):
            raise ValueError(f"{name} must be a word, got {in_one_line(value)}")
    elif kind is bool:
        if not isinstance(value, (bool, np.bool_)):
            raise ValueError(f"{name} must be True or False, got {in_one_line(value)}")
    elif kind is int:
        check_integer(name, value, LEAST.get(name, 1))
    else:
        check_scalars(FINITE, **{name: value})
        check_real(**{name: value})
    return kind(value)


class Options(TypedDict, total=False):
    """The fields of Settings, for editors that complete the names of options."""

    objective: str
    n_steps: int
    batch_size: int
    learning_rate: float
    warmup: int
    average_decay: float
    width: int | None
    depth: int
    energy: bool
    sigma_max: float | None
    sigma_min: float | None
    n_levels: int | None
    dtype: str
    noise: str
    seed: int
    held_out: float
    label_dropout: float


MEANT = {"lr": "learning_rate", "steps": "n_steps", "epochs": "n_steps", "iterations": "n_steps",
         "num_steps": "n_steps", "batch": "batch_size", "loss": "objective", "hidden": "width",
         "layers": "depth", "levels": "n_levels", "num_levels": "n_levels", "ema": "average_decay",
         "dropout": "label_dropout", "validation_split": "held_out", "random_state": "seed"}


def changed(settings, options):
    """Settings with these options in the place of their own.

    Raises TypeError, as Python does, for a name that is no field, with the one that may be meant.
    """
    known = [f.name for f in fields(Settings)]
    for name in options:
        if name not in known:
            meant = [MEANT[name]] if name in MEANT else difflib.get_close_matches(name, known, 1)
            ask = f"did you mean {meant[0]}?" if meant else f"the options are {', '.join(known)}"
            raise TypeError(f"train() got an unexpected keyword argument {name!r}: {ask}")
    return replace(settings, **options)


def with_options(doc):
    """A docstring in which the word FIELDS becomes one line for each field of Settings."""
    lines = [f"{f.name:<15}{f.metadata['help']} ({f.default!r})" for f in fields(Settings)]
    indent = doc.split("FIELDS")[0].rpartition("\n")[2]
    return doc.replace("FIELDS", f"\n{indent}".join(lines))


Settings.__doc__ = with_options(Settings.__doc__)
