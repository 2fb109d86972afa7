"""A kind's formula, run again with one thing in it changed: some uses of a level, or one value.

    run = Run(kind, args);  run()                          the right answer, in float64
    Run(kind, args, put={"alpha_bar_s": a_t}, at={0})()    where the first use of alpha_bar_s is a_t
    Run(kind, args, k=7, change=clamp)()                   where the value 7 is clamped

The formula is the one of the kind's record, which is asked at 50 digits elsewhere. Here numbers and
arrays note every operation, so a mistake in the middle of a formula can be made on purpose, and the
answer compared with the one that came.
"""

import numpy as np

from ..kinds.test_functions import Field

LONGEST = 60                                    # characters of a value's formula that is shown
SUM, PRODUCT, POWER, ATOM = range(4)            # how tightly a formula is bound
SIGNS = {np.add: (SUM, "{} + {}"), np.subtract: (SUM, "{} - {}"),
         np.multiply: (PRODUCT, "{} {}"), np.divide: (PRODUCT, "{} / {}")}

KNOWN = {"(x_t - sqrt(1 - alpha_bar_t) eps) / sqrt(alpha_bar_t)": "x_0",
         "(x - sqrt(1 - alpha_bar_t) the value of eps_fn) / sqrt(alpha_bar_t)": "x_0"}


class Functions:
    """Elementary functions of noting arrays."""

    pi, one = np.pi, 1.0
    log, exp, cos = np.log, np.exp, np.cos


class Noting(np.ndarray):
    """An array that tells its run of every operation.

    run   the `Run`;  name  of the argument that it is, or "";  text, bound  its formula in words
    """

    def __array_finalize__(self, other):
        for field in ("run", "name", "text", "bound"):
            setattr(self, field, getattr(other, field, ""))

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **options):
        run = next(a.run for a in inputs if isinstance(a, Noting))
        result = getattr(ufunc, method)(*map(run.used, inputs), **options)
        return run.noted(result, *text_of(ufunc, method, inputs))


class Run:
    """One run of a formula.

    kind, args   the record and its arguments;  formula  another function of them, (f, **args)
    put, at      {argument: other value}, and which of its uses have that value: all if None
    k, change    the value that is changed, and the function that does it
    values       of the run: (formula in words, array) of each, arguments first
    uses, told   of the arguments in `put`: how many there are, and which tell a function its level
    """

    def __init__(self, kind, args, formula=None, put=None, at=None, k=None, change=None):
        left_out = {} if formula else {p.name: p.default for p in kind.parameters
                                       if isinstance(p.default, (float, int, str))}
        self.kind, self.args, self.formula = kind, left_out | args, formula
        self.put, self.at, self.k, self.change = put or {}, at, k, change
        self.values, self.uses, self.told = [], 0, set()

    def __call__(self):
        """The answer, a tuple of arrays; raises TypeError where a root is not real."""
        given = {n: self.lifted(n, a) for n, a in self.args.items()}
        with np.errstate(all="ignore"):
            if self.formula:
                result = self.formula(Functions, **given)
            else:
                result = self.kind.exact(Functions, *[given[n] for n in self.kind.args
                                                      if n in given])
        parts = result if isinstance(result, tuple | list) else (result,)
        return tuple(np.array(part, np.float64) for part in parts)

    def lifted(self, name, a):
        """An argument that notes what is done with it."""
        if isinstance(a, Field):
            return NotingField(self, name, a)
        if isinstance(a, float) or isinstance(a, np.ndarray):
            noted = self.noted(a, name, ATOM)
            noted.name = name
            return noted
        return a

    def used(self, a, told=False):
        """The numbers of an operand, of another one at the places where that is put."""
        if not isinstance(a, Noting):
            return a
        if a.name in self.put:
            self.told |= {self.uses} if told else set()
            self.uses += 1
            if self.at is None or self.uses - 1 in self.at:
                return np.reshape(self.put[a.name], a.shape) if np.ndim(
                    self.put[a.name]) else self.put[a.name]
        return a.view(np.ndarray)

    def noted(self, result, text="", bound=ATOM):
        """A result, or what it is changed to, as an array that notes."""
        result = np.asarray(result)
        if np.iscomplexobj(result):
            raise TypeError("the root of a negative number")
        if result.dtype == object:
            result = result.astype(np.float64)
        if len(self.values) == self.k:
            result = self.change(result)
        self.values.append((text, result))
        made = np.asarray(result).view(Noting)
        made.run, made.name, made.text, made.bound = self, "", text, bound
        return made


class NotingField:
    """A test function in a run, (x, level) -> (B, D), and its Jacobian (B, D, D)."""

    def __init__(self, run, name, f):
        self.run, self.name, self.f = run, name, f

    def __call__(self, x, *level):
        values = self.run.used(x), *(self.run.used(a, told=True) for a in level)
        return self.run.noted(self.f(*values), f"the value of {self.name}", ATOM)

    def jacobian(self, x):
        """d s_i / d x_j."""
        x = self.run.used(x)
        return np.stack([self.f.jacobian_times(e, x) for e in np.eye(x.shape[1])], axis=2)


def text_of(ufunc, method, inputs):
    """(formula in words, how tightly it is bound) of a result; "" where it is long."""
    if method == "reduce":
        return f"the sum of {words(inputs[0], ATOM)}" if words(inputs[0], ATOM) else "", ATOM
    bound, form = SIGNS.get(ufunc, (ATOM, ""))
    if ufunc in (np.power, np.square):
        bound, form = POWER, "{}^{}" if ufunc is np.power else "{}^2"
    elif ufunc is np.negative:
        bound, form = PRODUCT, "-{}"
    elif ufunc.nin == 1:
        name = {np.log: "log", np.exp: "exp", np.cos: "cos"}.get(ufunc, "sqrt")
        form, inside = f"{name}({{}})", words(inputs[0], SUM)
        return (form.format(inside) if inside else "", ATOM)
    tight = {SUM: (SUM, PRODUCT), PRODUCT: (PRODUCT, POWER), POWER: (ATOM, ATOM)}.get(bound)
    parts = [words(a, least) for a, least in zip(inputs, tight or ())]
    made = form.format(*parts) if parts and all(parts) else ""
    if made in KNOWN:
        return KNOWN[made], ATOM
    return (made if len(made) <= LONGEST else "", bound)


def words(a, least):
    """An operand's formula, in brackets where it is bound less tightly than that."""
    if not isinstance(a, Noting):
        return f"{a:.4g}" if np.ndim(a) == 0 else ""
    return f"({a.text})" if a.text and a.bound < least else a.text
