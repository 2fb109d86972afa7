"""A failing probe as a program: plain numbers, refsgm's answer, and that of the code checked."""

import numpy as np

from ..kinds import DATA, FUNCTION, STATES
from ..kinds.quantities import batch_size
from ..kinds.test_functions import Field, Itself, Modes, Noise
from ..kinds.without_noise import HELD_AT
from .forms import AS, FORTRAN, KEEPS, VIEW

MOST_NUMBERS = 400
ARRAYS = {"torch": ("import torch", "torch.tensor"), "jax": ("import jax.numpy as jnp",
                                                             "jnp.asarray"),
          "cupy": ("import cupy", "cupy.asarray")}
NOISE = """class Draws:
    def __init__(self, asarray=np.asarray):
        self.n, self.asarray = 0, asarray

    def standard_normal(self, size, dtype=None, **more):
        self.n += 1
        return self.asarray(np.random.default_rng([{seed}, self.n - 1]).standard_normal(size))"""

MEMORY = """def kept(f):
    memory = {}

    def again(*args):
        key = tuple(np.asarray(a).tobytes() for a in args)
        return memory[key] if key in memory else memory.setdefault(key, f(*args))
    return again""".splitlines()
OF_FUNCTIONS = {KEEPS: "kept({})", FORTRAN: "lambda *a: np.asfortranarray({}(*a))",
                VIEW: "lambda *a: np.repeat({}(*a), 2, -1)[..., ::2]"}


def program(contract, caller, probe):
    """The text of a program that runs as pasted, or "" where the call is no plain one."""
    if not caller.is_usual or caller.fn is None or numbers_in(probe.args) > MOST_NUMBERS:
        return ""
    forms = getattr(caller, "forms", {})
    if caller.framework.name != "numpy" and any(callable(probe.args.get(n)) for n in forms):
        return ""
    dtype, B = np.dtype(probe.situation.dtype), batch_size(probe.args)
    imports, convert = ARRAYS.get(caller.framework.name, ("", ""))
    lines = ["import numpy as np", *filter(None, [imports]), "import refsgm",
             named(caller.fn), ""]
    for name, a in probe.args.items():
        lines += defined(contract, name, a)
    names = [n for n in contract.args if n in probe.args]
    right = [f"{n}(np.asarray)" if isinstance(probe.args[n], Field | Noise) else n for n in names]
    gap = next((i for i, n in enumerate(contract.args) if n not in names), len(names))
    right[gap:] = [f"{n}={a}" for n, a in zip(names[gap:], right[gap:])]
    right += [f"{n}={HELD_AT[n]}" for n in contract.held if n not in contract.args]
    if isinstance(caller.argnames, dict):
        keywords = {v: f"{k}=" for k, v in caller.argnames.items()}
    else:
        keywords = {n: f"{word}=" for n, word in caller.behind_a_gap(probe.args).items()}
    given = [keywords.get(n, "") + caller.written(n, probe.args[n], in_form(
        forms.get(n), probe.args[n], passed(caller, n, probe.args[n], dtype, convert, B)))
             for n in caller.names if n in probe.args]
    if KEEPS in forms.values():
        lines += MEMORY
    want, got = f"refsgm.{contract.name}({', '.join(right)})", f"fn({', '.join(given)})"
    if contract.form == FUNCTION:
        x = caller.written("x", probe.args["x"], passed(
            caller, "x", probe.args["x"], dtype, convert, B))
        want, got = f"{want}(x)", f"{got}({x})"
    if contract.form == STATES:
        want, got = f"list({want})[-1]", f"list({got})[-1]"
    lines += ["", f"print('expected', {want})",
              caller.enclosed(f"print('got     ', {got} if fn else '?')")]
    return "\n".join(lines)


def in_form(form, a, text):
    """What is passed, in the form in which it was."""
    if form is None or "int" in form and not np.all(np.equal(a, np.round(a))):
        return text
    return AS[form].format(text) if form in AS else OF_FUNCTIONS[form].format(text)


def numbers_in(args):
    """How many numbers a program would hold."""
    return sum(a.size if isinstance(a, np.ndarray) else 1 if not isinstance(a, Field) else
               a.b.size**2 * (1 + len(a.frames)) for a in args.values())


def named(fn):
    """A line that makes `fn` the function that was checked."""
    fn = getattr(fn, "__wrapped__", fn)
    module, name = getattr(fn, "__module__", None), getattr(fn, "__qualname__", "<")
    if "<" in name or module is None:
        return "fn = None                            # put the function that was checked here"
    root, _, rest = name.partition(".")
    if module == "__main__":
        return f"fn = {name}" if rest else (
            f"fn = globals().get({name!r})        # or put {name}, which was checked, here")
    return f"from {module} import {root}\nfn = {root}{'.' * bool(rest)}{rest}"


def literal(a):
    """An array as text."""
    return f"np.array({a.tolist()})"


def defined(contract, name, a):
    """Lines that define an argument."""
    if isinstance(a, np.ndarray):
        return [f"{name} = {literal(a)}"]
    if isinstance(a, Noise):
        return [NOISE.format(seed=a.seed), f"{name} = Draws"]
    if not isinstance(a, Field):
        return [f"{name} = {a!r}"]
    if isinstance(a, Itself):
        return [f"{name} = lambda asarray: lambda x, *level: x"]
    if isinstance(a, Modes):
        return [f"def {name}(asarray):", "    def s(x, sigma):",
                f"        v = {a.width**2!r} + sigma**2", f"        y = {a.unit!r} * x / v",
                f"        return ({a.unit!r} * y / (1 + y * y)**0.5 - x) / v", "    return s"]
    potential = contract.form == FUNCTION
    theta = [float(t) for t in (a.theta[0], a.theta[1], a.theta[2] * a.gain)]
    matrix = (a.A + a.A.T) / 2 if potential else a.A
    bent, integral = a.bend.text, f"({a.bend.integral_text})"
    if a.frames:
        bent = f"((lambda x: {bent})(x @ R) @ Q)"
        integral = f"(lambda x: {integral})(x @ R)"
    body = ("lambda x: (theta[0] / 2 * ((x @ A) * x).sum(1) + theta[1] * (x @ b)\n"
            f"                      - theta[2] * {integral}.sum(1))" if potential else
            "lambda x, *level: "
            f"((theta[0] * (x @ A) + theta[1] * b - theta[2] * {bent})\n"
            f"                    * (lambda a=None: 1 if a is None else {a.fade[1]})(*level))")
    lines = [f"theta = {theta}", f"def {name}(asarray):",
             f"    A, b = asarray({literal(matrix)}), asarray({literal(a.b)})",
             *(f"    {letter} = asarray({literal(m)})" for letter, m in zip("RQ", a.frames))]
    if a.unit == 1:
        return [*lines, f"    return {body}"]
    inner = f"(x - {a.center!r}) / {a.unit!r}"
    return [*lines, f"    s = {body}", f"    return lambda x: s({inner})" if potential else (
        f"    return lambda x, *level: s({inner}, *level) / {a.unit!r}")]


def passed(caller, name, a, dtype, convert, B):
    """An argument as it is passed to the code that was checked."""
    asarray = convert or "np.asarray"
    if isinstance(a, Field | Noise):
        narrow = f"lambda a: {asarray}(np.asarray(a, np.float32))"
        return f"{name}({narrow if dtype == np.float32 else asarray})"
    foreign = caller.foreign(name, a, dtype, None, [], B)
    if not hasattr(foreign, "shape"):
        return name
    integers = dtype.kind == "i" and name in DATA and not caller.contract.is_level(name)
    narrow = dtype == np.float32 or integers
    text = f"np.asarray({name}, np.{dtype.name})" if narrow else name
    text = f"{asarray}({text})" if convert or np.ndim(a) == 0 else text
    shape = tuple(foreign.shape)
    if np.ndim(a) == 0 and shape:
        return f"{asarray}(np.full({shape}, {name}))"
    return text if shape == np.shape(a) else f"{text}.reshape{shape}"
