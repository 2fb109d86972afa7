"""The same numbers in other forms, and call after call: whole numbers as integers, views of memory,
functions that keep what they return; and what code remembers from one call to the next.
"""

import copy

import numpy as np

from ..kinds import LEVEL
from ..kinds.form_specs import form_specs
from ..kinds.forms import AS_COLUMN, INTEGERS, KEPT, OF_COUNTS, ONE_FOR_ALL
from ..kinds.test_functions import Field
from ..kinds.wide import FORM, ODD_FORM
from .judge import judge, new_probe

# {what an argument is: how it is passed}, as expressions of NumPy, which a program prints
AS = {"an integer": "int({})", "a NumPy float": "np.float64({})",
      "a NumPy integer": "np.int64({})", "an unsigned integer": "np.uint32({})",
      "a byte": "np.uint8({})", INTEGERS: "np.asarray({}, int)",
      "an array without axes": "np.array({})", "of integers": "np.array({}, int)",
      "in Fortran's order": "np.asfortranarray({})",
      "read-only": "np.broadcast_to({0}, np.shape({0}))",
      "reversed in memory": "{}[::-1].copy()[::-1]",
      "every other entry": "np.repeat({}, 2, axis=-1)[..., ::2]",
      "a view of one row": "np.broadcast_to({0}[:1], np.shape({0}))",
      "of one axis": "np.ravel({})",
      "of two axes": "np.reshape({0}, (int(np.size({0})**0.5), -1))",
      "of three axes": "np.reshape({0}, (2, 2, -1))"}
AXES = "of one axis", "of two axes", "of three axes"      # of a level, as many as the levels have
KEEPS, FORTRAN, VIEW = OF_FUNCTION = (
    "keeps what it returns", "returns Fortran's order", "returns a view")
NUMBERS = ("a NumPy float", "an integer", "an integer")
ODD_NUMBERS = ("an array without axes", "of integers", "")
ODD_ARRAYS = ("in Fortran's order", "reversed in memory", "every other entry", "read-only",
              "a view of one row", "of integers")
CRASHES = ("IndexError", "AttributeError", "UnboundLocalError")      # which are no refusals


def form_probes(caller, dim, dtype, seed):
    """Judged probes up to the first that fails, and notes on forms that it refuses."""
    contract, probes, notes = caller.contract, [], []
    plain = caller.is_usual and caller.fn is not None
    for spec in form_specs(contract, seed, caller.levels != "scalar", dim, dtype or "float64",
                           plain, caller.framework.compiles):
        odd = spec.regime == ODD_FORM
        if odd and (not plain or caller.framework.name != "numpy") or of_means(spec) and not plain:
            continue
        probe = new_probe(contract, spec, caller)
        asked = caller
        if plain:
            asked = InForm(caller, passed_forms(caller, probe))
            probe.situation = spec._replace(label=", ".join([spec.label, *asked.words()]))
        judge(contract, asked, probe)
        if (odd or of_means(spec)) and refused(probe.trial, asked.forms.values()) or (
                plain and probe.trial.wants_one_piece or divides_by_zero(probe)):
            notes.append(f"it refuses {', '.join(asked.words()) or spec.label}: "
                         f"{probe.trial.error}")
            continue
        probes.append(probe)
        if not probe.ok or probe.trial.mutated:
            break
    return probes, notes[:1]


def of_means(spec):
    """Whether it is about a mean for all rows, which code may want for each."""
    return ("mean", ONE_FOR_ALL) in spec.forms


def refused(trial, forms):
    """Whether odd forms were refused, as they may be: not by a crash, where an array is a number.
    """
    crash = "an array without axes" in forms and trial.error.startswith(CRASHES)
    return trial.problem == "raises" and not crash or (
        trial.problem == "wrong-shape" and any(f in forms for f in AXES))


def divides_by_zero(probe):
    """Whether a number ended a call at the end of its domain, where an array goes on."""
    trial = probe.trial
    return (trial.problem == "raises" and trial.error.startswith("ZeroDivisionError")
            and "Weights" not in trial.error)                      # np.average's, of an array


def as_asked(caller, probe):
    """The caller as it was asked at a probe."""
    if probe.situation.regime not in (FORM, ODD_FORM):
        return caller
    return InForm(caller, passed_forms(caller, probe))


def passed_forms(caller, probe):
    """{argument: how it is passed} at a probe, by its seed."""
    spec, lib = probe.situation, caller.framework.name
    rng, odd, forms = np.random.default_rng([spec.seed, 21]), spec.regime == ODD_FORM, {}
    alone = {n: f for n, f in spec.forms if f in (INTEGERS, AS_COLUMN, *OF_COUNTS)}
    if alone:
        return {n: f for n, f in alone.items() if n in caller.names and f != AS_COLUMN}
    of_axes = axes(rng, probe.args) if caller.contract.form == LEVEL else None
    for name in caller.names:
        a = probe.args.get(name)
        if isinstance(a, Field):
            those = (*OF_FUNCTION, KEEPS) if lib in ("numpy", "torch") else ()
            those = (KEEPS,) if those and (name, KEPT) in spec.forms else those
        elif isinstance(a, float) and lib in ("numpy", "autograd") and caller.levels is None:
            those = ODD_NUMBERS if odd else NUMBERS
            those = those if a == round(a) else [f for f in those if "int" not in f]
        elif isinstance(a, np.ndarray) and odd and spec.dtype == "float64":
            those = ODD_ARRAYS if np.all(a == np.round(a)) else ODD_ARRAYS[:-1]
            if np.ndim(a) < 2 or np.any(a != a[:1]):
                those = [f for f in those if f != "a view of one row"]
            if of_axes and np.ndim(a) == 2:
                those = [of_axes]
        else:
            continue
        form = str(rng.choice(those)) if len(those) else ""
        if form:
            forms[name] = form
    return forms


def axes(rng, args):
    """As what all levels come: arrays of one, two or three axes, as far as they fill them."""
    B = max((np.size(a) for a in args.values() if isinstance(a, np.ndarray)), default=1)
    side = int(B**0.5)
    ways = [AXES[0], AXES[0], *AXES[1:2] * (B > 1 and B % side == 0), *AXES[2:] * (B % 4 == 0)]
    return ways[rng.integers(len(ways))]


class InForm:
    """A `Caller` that passes arguments in forms, and notes what is written where it must not be."""

    def __init__(self, caller, forms):
        self.caller, self.forms, self.inner = caller, forms, copy.copy(caller)

    def __getattr__(self, name):
        return getattr(self.caller, name)

    def in_contract_shape(self, a, want, form):
        """The array in the contract's shape, of levels that came with axes of their own."""
        asked = [f for f in self.forms.values() if f in AXES[1:]]
        if asked and form == LEVEL and want.size > 1:
            shape = eval(AS[asked[0]].format("a"), {"np": np, "a": want}).shape
            return (a.reshape(want.shape), False) if a.shape == shape else (None, False)
        return self.caller.in_contract_shape(a, want, form)

    def words(self):
        """The forms in words."""
        return [f"{name} {form}" for name, form in self.forms.items()]

    def __call__(self, args, *more, **options):
        """The `Trial` of the same arguments in these forms."""
        changed = []
        self.inner.fn = lambda *given, **named: self.called(args, changed, given, named)
        trial = self.inner(args, *more, **options)
        self.caller.late = self.inner.late
        if changed and not options.get("keep"):
            trial.mutated = tuple(dict.fromkeys((*trial.mutated, *(n for f in changed
                                                                   for n in f()))))
        return trial

    def called(self, args, changed, given, named):
        """The code's own answer."""
        names = [n for n in self.caller.names if n in args]
        words = {k: self.caller.argnames[k] for k in named} if named else {}
        given = [self.passed(n, a, changed) for n, a in zip(names, given)]
        return self.caller.fn(*given, **{k: self.passed(words[k], a, changed)
                                         for k, a in named.items()})

    def passed(self, name, a, changed):
        """One argument."""
        form = self.forms.get(name)
        if form is None:
            return a
        if callable(a):
            return self.function(name, a, form, changed)
        if "int" in form and not np.all(np.equal(a, np.round(a))):
            return a
        b = eval(AS[form].format("a"), {"np": np, "a": a})           # one of the few words above
        if isinstance(b, np.ndarray):
            changed.append(lambda: [name] * (not np.array_equal(np.ravel(a), np.ravel(b))))
        return b

    def function(self, name, f, form, changed):
        """A function whose results have a form."""
        lib, kept = self.caller.framework, {}

        def keeping(x, *level):
            try:
                key = tuple((a.tobytes(), a.dtype.str) for a in map(lib.to_numpy, (x, *level)))
            except Exception:                                # inside of a trace nothing is kept
                return f(x, *level)
            if key not in kept:
                s = f(x, *level)
                if s is x or getattr(s, "requires_grad", False):
                    return s
                kept[key] = s, np.array(lib.to_numpy(s))
            return kept[key][0]

        def elsewhere(x, *level):
            s = f(x, *level)
            if s is x or len(getattr(s, "shape", ())) < 2:
                return s
            if isinstance(s, np.ndarray):
                return np.asfortranarray(s) if form == FORTRAN else np.repeat(s, 2, -1)[..., ::2]
            if lib.name == "torch":
                return (s.transpose(-1, -2).contiguous().transpose(-1, -2) if form == FORTRAN
                        else s.repeat_interleave(2, -1)[..., ::2])
            return s
        if form != KEEPS:
            return elsewhere
        changed.append(lambda: [f"what {name} returned"] * any(
            not np.array_equal(lib.to_numpy(s), before, equal_nan=True)
            for s, before in kept.values()))
        return keeping
