"""Foreign code, rewritten so that its branches tell which way they go.

`watched` sees what NumPy and PyTorch compare. What Python compares by itself, `if len(x) > 8`, and
the truth of every condition are seen here: the source of a function, and of functions of its module
that it names, is compiled anew with each comparison and each condition handed to a function that
notes it. Code without a source stays as it is.
"""

import ast
import inspect
import operator
import textwrap
import types

import numpy as np

from .constants import names_in

COMPARED, TRUTH, ALIKE, ZERO = (f"_refsgm_{name}" for name in (
    "compared", "truth", "alike", "zero"))
FUNCTION = "_refsgm_function"                      # no name that the code itself may use
CALLED = {"isclose", "allclose", "array_equal", "equal"}     # functions that say whether two agree
OF_ZERO = {"any", "all", "count_nonzero"}                    # and of what is zero
OPERATORS = {ast.Lt: "less", ast.LtE: "less_equal", ast.Gt: "greater", ast.GtE: "greater_equal",
             ast.Eq: "equal", ast.NotEq: "not_equal"}
OPERATIONS = {"less": operator.lt, "less_equal": operator.le, "greater": operator.gt,
              "greater_equal": operator.ge, "equal": operator.eq, "not_equal": operator.ne}
MOST_FUNCTIONS, MOST_NUMBERS = 30, 256


def rewritten(fn, notes):
    """The function with its comparisons and conditions noted; itself where that cannot be.

    notes  function () -> the `Notes` of the present call
    """
    if type(fn) is not types.FunctionType:
        return fn
    names = dict(fn.__globals__)

    def compared(place, word, a, b):
        if not any(isinstance(c, np.ndarray) and type(c) is not np.ndarray for c in (a, b)):
            noted(place, word, a, b)                 # others note what they take part in
        return OPERATIONS[word](a, b)

    def alike(place, f, *operands, **named):
        noted(place, "equal", *operands[:2])
        return f(*operands, **named)

    def of_zero(place, f, *operands, **named):
        noted(place, "equal", *operands[:1], 0.0)
        return f(*operands, **named)

    def noted(place, word, *operands):
        present = notes()
        if present.is_full(place):
            return
        sides = [as_numbers(a) for a in operands]
        if len(sides) == 2 and not any(side is None for side in sides):
            present.compared_by_python(place[0], place[1:], word, *sides)

    def truth(place, value):
        sized = isinstance(value, (list, tuple, dict, str))
        if not isinstance(value, np.ndarray) or value.ndim == 0:
            noted((*place, "truth"), "equal", len(value) if sized else value, 0.0)
        return value

    names.update({COMPARED: compared, TRUTH: truth, ALIKE: alike, ZERO: of_zero})
    done = {}

    def again(f):
        if f not in done and len(done) < MOST_FUNCTIONS:
            done[f] = f
            try:
                done[f] = compiled(f, names, again)
            except Exception:                        # whatever its source is, or its depth
                return f
            for name in names_in(f.__code__):
                other = f.__globals__.get(name)
                if type(other) is types.FunctionType and other.__globals__ is fn.__globals__:
                    names[name] = again(other)
        return done.get(f, f)
    return again(fn)


def compiled(f, names, again):
    """A function from its source, with other globals."""
    if hasattr(f, "__wrapped__"):
        raise ValueError("its source is that of another function")
    lines, first = inspect.getsourcelines(f)
    node = ast.parse(textwrap.dedent("".join(lines))).body[0]
    if not isinstance(node, ast.FunctionDef) or node.name != f.__name__:
        raise ValueError("it is no function that is written with def")
    node.name, node.type_params = FUNCTION, []
    outer = ast.parse(f"def outer({', '.join(f.__code__.co_freevars)}): pass").body[0]
    outer.body = [Noting(f.__code__.co_name, first).visit(node)]
    module = compile(ast.fix_missing_locations(ast.Module([outer], [])), f.__code__.co_filename,
                     "exec")
    code = inside_of(inside_of(module, "outer"), FUNCTION).replace(co_name=f.__name__)
    if code.co_varnames[:code.co_argcount] != f.__code__.co_varnames[:f.__code__.co_argcount]:
        raise ValueError("its source is that of another function")
    cells = dict(zip(f.__code__.co_freevars, f.__closure__ or ()))
    made = types.FunctionType(code, names, f.__name__, f.__defaults__, tuple(
        with_function(cells[n], f, again) for n in code.co_freevars))
    made.__kwdefaults__ = f.__kwdefaults__
    return made


def inside_of(code, name):
    """The code object of this name among the constants of another one."""
    return next(c for c in code.co_consts if isinstance(c, types.CodeType) and c.co_name == name)


def with_function(cell, f, again):
    """The same cell, or one with a function of the same module rewritten."""
    try:
        held = cell.cell_contents
    except ValueError:
        return cell
    same = type(held) is types.FunctionType and held.__globals__ is f.__globals__
    return types.CellType(again(held)) if same else cell


class Noting(ast.NodeTransformer):
    """Hands comparisons and conditions to the functions that note them, with their place."""

    def __init__(self, name, first):
        self.name, self.first, self.count = name, first, 0

    def called(self, function, node, *args):
        """function(place, *args) in place of a node."""
        self.count += 1
        place = self.name, self.first + node.lineno - 1, self.count
        return ast.copy_location(ast.Call(ast.Name(function, ast.Load()), [
            ast.copy_location(ast.Constant(place), node), *args], []), node)

    def visit_Compare(self, node):
        self.generic_visit(node)
        sides = [node.left, *node.comparators]
        words = [OPERATORS.get(type(op)) for op in node.ops]
        if None in words or any(isinstance(part, (ast.Call, ast.NamedExpr))
                                for middle in sides[1:-1] for part in ast.walk(middle)):
            return node                              # what has effects is worked out once
        made = [self.called(COMPARED, node, ast.Constant(word), a, b)
                for word, a, b in zip(words, sides[:-1], sides[1:])]
        return made[0] if len(made) == 1 else ast.copy_location(ast.BoolOp(ast.And(), made), node)

    def visit_Call(self, node):
        self.generic_visit(node)
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name in CALLED | OF_ZERO and isinstance(node.func, (ast.Attribute, ast.Name)):
            made = self.called(ALIKE if name in CALLED else ZERO, node, node.func, *node.args)
            made.keywords = node.keywords
            return made
        return node

    def condition(self, node):
        """A condition, unless it is made of others."""
        return node if isinstance(node, (ast.Compare, ast.BoolOp)) or (
            isinstance(node, ast.UnaryOp)) else self.called(TRUTH, node, node)

    def with_condition(self, node):
        """A statement, or an expression, that has one."""
        node.test = self.condition(node.test)
        return self.generic_visit(node)
    visit_If = visit_While = visit_IfExp = with_condition

    def visit_BoolOp(self, node):
        node.values = [self.condition(v) for v in node.values]
        return self.generic_visit(node)

    def visit_UnaryOp(self, node):
        if isinstance(node.op, ast.Not):
            node.operand = self.condition(node.operand)
        return self.generic_visit(node)

    def visit_comprehension(self, node):
        node.ifs = [self.condition(v) for v in node.ifs]
        return self.generic_visit(node)


def as_numbers(a):
    """The numbers in what Python compares, an array; or None."""
    if isinstance(a, (bool, int, float, np.generic, np.ndarray)):
        a = np.array(a, subok=False)
        fits = a.dtype.kind in "biuf" and a.size <= MOST_NUMBERS
        return a.astype(float) if fits and np.all(np.abs(a) < 1e300) else None
    if isinstance(a, (list, tuple)) and len(a) <= MOST_NUMBERS:
        parts = [as_numbers(b) for b in a]
        return None if any(part is None for part in parts) else np.concatenate(
            [np.empty(0), *map(np.ravel, parts)])
    return None
