"""A kind: a public function of refsgm, and all that the oracle knows of it by its name.

    Kind("perturb", BATCH, exact=lambda f, x, sigma, eps: x + sigma * eps)

is a whole record. Arguments, equation and function are read from refsgm itself, and an argument's
name says what it is, everywhere: `sigma` is a level, `eps` is data, `score_fn` is a function. So
how arguments are drawn, where to probe and what a mistake may be made of follow from the names of
the arguments and from what is returned. A record gives a field only where its kind differs.
"""

import functools
import inspect
import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import refsgm

# What is returned: an array (B, D), a number per row (B,), a loss per row (or its mean), a level
# shaped like the levels given, a table (N,), a function of x, or the states of a loop.
BATCH, ROWS, LOSS, LEVEL, TABLE, FUNCTION, STATES = (
    "batch", "rows", "loss", "level", "table", "function", "states")
SHAPES = {BATCH: "(B, D)", ROWS: "(B,)", LOSS: "(B,) or their mean", LEVEL: "like the levels",
          TABLE: "(N,)", FUNCTION: "a function x -> (B, D)", STATES: "iterable of (B, D)"}

# What an argument is, by its name. All others are numbers, tables or choices.
FUNCTIONS = {"score_fn", "eps_fn", "x0_fn", "denoiser_fn", "v_fn", "u_fn", "log_density"}
LEVELS = {"sigma", "sigma_t", "sigma_s", "sigma_from", "sigma_to", "alpha_bar", "alpha_bar_t",
          "alpha_bar_s", "scale", "scale_rate", "sigma_rate", "t", "s", "beta", "g"}
CHOICES = {"variance": ("posterior", "beta"), "method": ("heun", "euler"),
           "prediction": ("eps", "x0", "v")}
STEPS = (("sigma_s", "sigma_t"), ("sigma_from", "sigma_to"), ("alpha_bar_t", "alpha_bar_s"),
         ("s", "t"))                                   # the smaller and the larger end of a step
DATA = {"x", "x_0", "x_t", "x_noisy", "x_vp", "x_ve", "mean", "eps", "z", "score", "score_vp",
        "score_ve", "target_score", "u", "v", "conditional", "unconditional"}


TABLES = ("sigmas", "betas", "alpha_bar")
COUNTS = ("n_levels", "n_steps", "steps_per_level", "dim")

# What one rounding in float32 does: a spelling may say with it where its own formula loses digits
ROUNDING = 2.0**-23


class ProbeSpec(NamedTuple):
    """Where to probe: sizes, whether levels differ by row, a regime, and arguments held fixed."""

    label: str
    B: int = 5
    D: int = 3
    rows: bool = True
    regime: str = "plain"
    seed: int = 0
    M: int = 0                               # directions (M, B, D); 0 for (B, D)
    given: tuple = ()                        # ((argument, value), ...)
    dtype: str = "float64"
    at: tuple = ()                           # the same, of every other row where rows differ
    without: tuple = ()                      # arguments that are left at their defaults
    count: int = 0                           # entries of tables, components; 0 for the usual few
    ratio: tuple = ()                        # (low, high) of a step's smaller level to its larger
    bent: tuple = ()                         # places in BENDS and FADES of another test function
    near: tuple = ()                         # what is put near which numbers, as in `nearby`
    forms: tuple = ()                        # ((argument, form), ...) of probes of forms
    sharp: tuple = ()                        # (way, unit, center) of a sharp function


class Mistake(NamedTuple):
    """A known wrong formula, or a choice that is not the contract's, in words and as a function."""

    code: str
    convention: str
    sentence: str
    formula: object


def other_convention(name, sentence, formula):
    """The formula of code that is right in another convention, and keeps to it throughout."""
    return Mistake("other-convention", name, sentence, formula)


def data_at_1(formula):
    """The formula of flow matching that counts its time towards the data."""
    return other_convention("data-at-1", "time runs towards the data here, which are at t = 1",
                            formula)


@dataclass(frozen=True, eq=False)
class Kind:
    """The record of one kind. What is left out is read from its names and from what it returns.

    What it is
      name             of the public function of refsgm
      result           what it returns: a form, or {component: form} for a tuple
      exact            its formula at 50 digits, of `Functions` and the arguments; None without one
    Where it is asked
      draw             {argument: (rng, spec, drawn) -> value}, where its name does not say it
      levels           arguments that may come as one number per row beside those in LEVELS
      derivative       whether the formula has a derivative of the function that is passed
      sliced           whether v holds slicing directions, (B, D) or (M, B, D)
      probes           (kind, levels, dim) -> [ProbeSpec] of a verdict, in place of its form's
      more_probes      further ProbeSpecs
      left_open        arguments at whose ends published code has no answer, and is not asked
      fit_probes       (kind, by_row, dim) -> [ProbeSpec] of the fits, in place of its form's
    What a mistake may be made of
      terms            (args, seen) -> [{term: values}]: sums that the right answer is; `seen` is
                       what the function that was passed returned. Left out: the data themselves,
                       or for a loss the products of the data and of what was seen
      level_terms      (args, component) -> [(terms, transform, slope)]: transform(level) is a sum
      similar_terms    whether terms are so alike that a coefficient without a formula says nothing
      quantities       (args, quantities) -> quantities, {name: (B,)}: what a factor is made of
      step_quantities  (args, i) -> the same of step i of a loop, {name: number}
      one_step         of a loop: (f, its function, x, z, quantities and numbers by name) -> state
      right_powers     {quantity: power} in the right answer, where a fit of it cannot see them
      logarithm        whether it is a log density: a factor of the density is then a summand
      known            `Mistake`s that differ in kind, which no engine can work out
    How far off it may be
      tolerance        relative, where that is more than what rounding explains
      sampling         whether samplers, likelihoods and training use it without gradients, so that
                       it may have none
      answer           its function, made faster by what is known of a test function
      adaptive         whether it solves an ODE in steps of its own: its rows share the steps, and
                       other code calls its function at other points
      undecided        function (args) -> whether right code may answer there as it likes, or None
      held             arguments that code without noise lacks: they are 0 then
      spellings        the same formula spelled otherwise, whose rounding errors are allowed too
    """

    name: str
    result: object
    exact: object = None

    draw: dict = field(default_factory=dict)
    levels: tuple = ()
    derivative: bool = False
    sliced: bool = False
    probes: object = None
    more_probes: tuple = ()
    left_open: tuple = ()
    fit_probes: object = None

    terms: object = None
    level_terms: object = lambda args, component: []
    similar_terms: bool = False
    quantities: object = lambda args, q: q
    step_quantities: object = None
    one_step: object = None
    right_powers: dict | None = None
    logarithm: bool = False
    known: tuple = ()

    tolerance: float = 0.0
    sampling: bool = False
    answer: object = None
    adaptive: bool = False
    undecided: object = None
    held: tuple = ()
    spellings: tuple = ()

    @cached_property
    def function(self):
        """refsgm's function of that name."""
        return getattr(refsgm, self.name)

    @cached_property
    def parameters(self):
        """The arguments that foreign code may be given, as `inspect` describes them."""
        return [p for p in inspect.signature(self.function).parameters.values()
                if p.kind == p.POSITIONAL_OR_KEYWORD]

    @cached_property
    def args(self):
        """Names of the arguments."""
        return tuple(p.name for p in self.parameters)

    @cached_property
    def required(self):
        """How many of the arguments must be given."""
        return sum(p.default is p.empty for p in self.parameters)

    @cached_property
    def tag(self):
        """The equation that it is, such as DSM-1."""
        return re.search(r"\[([A-Z]+-\d+)\]", self.function.__doc__)[1]

    @cached_property
    def returns(self):
        """What it returns, a tuple of (component, form); one component has the name ""."""
        several = isinstance(self.result, dict)
        return tuple(self.result.items()) if several else (("", self.result),)

    @property
    def form(self):
        """The form of the first component."""
        return self.returns[0][1]

    @property
    def is_step(self):
        """Whether it goes from one noise level to another."""
        return any({small, large} <= set(self.args) for small, large in STEPS)

    def is_level(self, arg):
        """Whether the argument may come as one number per row."""
        return arg in self.levels or arg in LEVELS and self.form not in (TABLE, STATES)

    def signature(self):
        """name(arguments) -> what it returns, as text."""
        args = ", ".join(p.name if p.default is p.empty else f"{p.name}={p.default!r}"
                         for p in self.parameters)
        out = ", ".join(f"{name} {SHAPES[form]}" if name else SHAPES[form]
                        for name, form in self.returns)
        return f"{self.name}({args}) -> {out}"


def some_of(kind, components):
    """The record of some components of a kind, in another order if it is given in one.

    Raises ValueError for what are no components of it.
    """
    names = [name for name, _ in kind.returns]
    if not components or not set(components) <= set(names) or len(set(components)) < len(
            tuple(components)) or len(names) == 1:
        raise ValueError(f"components must be some of {kind.name}'s "
                         f"({', '.join(filter(None, names)) or 'it has one alone'}), "
                         f"got {tuple(components)}")
    index = [names.index(name) for name in components]

    def picked(f):
        @functools.wraps(f)
        def some(*args):
            result = f(*args)
            return tuple(result[i] for i in index)
        return some
    other = replace(kind, result={name: kind.result[name] for name in components},
                    exact=kind.exact and picked(kind.exact),
                    level_terms=lambda args, i: kind.level_terms(args, index[i]),
                    known=tuple(m._replace(formula=picked(m.formula)) for m in kind.known))
    vars(other)["function"] = picked(kind.function)                    # in place of refsgm's whole
    return other
