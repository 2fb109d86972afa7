"""autograd on arrays of any kind: its rules where they would make host arrays or change the dtype.

    sum over an axis:   the gradient g of the sum is that of every term        (broadcast)
    mean:               g / n                                                   (n a weak number)
    x^n:                g n x^(n - 1)
    where, max, index:  g goes to the entries that were chosen, zero to the others

autograd differentiates whatever its operations do, and its operations are NumPy's, which hand an
array of another library over to that library. Some of its rules, though, make NumPy arrays on the
way. The tables below replace those rules: for all arrays where the numbers stay what they were, for
device arrays alone where they might not. Each is made of operations that can be differentiated
again. `install` puts them in force, for the whole process: autodiff.py calls it once.
`register_array_type` tells autograd that there is another type of array.
"""

import math
import threading
from contextlib import contextmanager

import autograd.numpy as np
import numpy
from autograd import tracer
from autograd.core import primitive_jvps, primitive_vjps
from autograd.extend import VSpace, defvjp, defvjp_argnums, primitive
from autograd.numpy import numpy_wrapper
from autograd.numpy.numpy_boxes import ArrayBox
from autograd.numpy.numpy_vjps import unbroadcast
from autograd.numpy.numpy_vspaces import ArrayVSpace
from autograd.tracer import trace_primitives_map

from .kernels import kernel
from ..arrays import value_of


class DeviceBox(ArrayBox):
    """A traced device array; its own type keeps NumPy from asking the device what to do with it."""

    __slots__ = []
    __array_priority__ = 110.0                                        # above that of device arrays


class DeviceVSpace(ArrayVSpace):
    """The vector space of device arrays of one shape and dtype."""

    def __init__(self, value):
        self.shape, self.dtype, self.like = value.shape, value.dtype, value

    def zeros(self):
        return numpy.zeros(self.shape, dtype=self.dtype, like=self.like)

    def ones(self):
        return self.zeros() + 1            # numpy.ones(like=) asks for more than devices know


def register_array_type(cls):
    """Let autograd differentiate functions of arrays of this type.

    cls  a type that speaks __array_ufunc__ and __array_function__, NEP 35's like= among it
    """
    DeviceBox.register(cls)
    VSpace.register(cls, DeviceVSpace)


def on_host(ans):
    """Whether a result is NumPy's, traced or not."""
    return isinstance(value_of(ans), (numpy.ndarray, numpy.generic, float, complex))


def elsewhere(function, rules):
    """Put `rules`, a function (argnums, ans, args, kwargs) -> vjp, in force for device arrays."""
    stock = primitive_vjps[function]
    defvjp_argnums(function, lambda argnums, ans, args, kwargs:
                   (stock if on_host(ans) else rules)(argnums, ans, args, kwargs))


def each(*makers):
    """Rules of one function per argument, (ans, *args, **kwargs) -> vjp, as one for several."""
    def rules(argnums, ans, args, kwargs):
        return together([makers[i](ans, *args, **kwargs) for i in argnums])
    return rules


def together(vjps):
    """Several vjps as one."""
    return lambda g: [vjp(g) for vjp in vjps]


def extent(x):
    """The shape of an array, traced or not; () for a Python number."""
    return getattr(x, "shape", ())


def shaped_like(x, f):
    """The vjp f, its result summed over the axes along which x was broadcast, and real if x is."""
    shape = extent(x)

    def vjp(g):
        gradient = f(g)
        if extent(gradient) == shape and not numpy.iscomplexobj(gradient):
            return gradient
        return unbroadcast(gradient, numpy_wrapper.metadata(x))
    return vjp


def axes_of(x, axis):
    """The axes that are summed over, as a tuple of numbers >= 0."""
    n = len(extent(x))
    axes = range(n) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return tuple(a % n for a in axes)


def spread(g, x, axis):
    """A gradient with respect to a sum of x over axes, given to every term: shaped like x."""
    shape, axes = extent(x), axes_of(x, axis)
    kept = tuple(1 if i in axes else n for i, n in enumerate(shape))
    return np.broadcast_to(np.reshape(g, kept), shape)


def count(x, axis):
    """The number of entries summed over, as a Python number, which no dtype follows."""
    n = 1
    for i in axes_of(x, axis):
        n *= extent(x)[i]
    return n


def chosen(ans, x, axis=None, keepdims=False):
    """The rule of max and min: equal shares to all entries that reach it."""
    at_top = x == spread(ans, x, axis)
    share = at_top / np.sum(at_top, axis=axis, keepdims=True)
    return lambda g: spread(g, x, axis) * share


def einsum_rule(argnum, ans, args, kwargs):
    """sum over jk of A_ij B_jk g_ik, say, is the same sum whichever of A, B, g is left out."""
    subscripts, operands, n = args[0], args[1:], argnum - 1
    inputs, output = subscripts.split("->")
    inputs = inputs.split(",")
    others = [output, *inputs[:n], *inputs[n + 1:]]
    kept = "".join(i for i in inputs[n] if i in "".join(others))         # the rest is summed alone
    meta = numpy_wrapper.metadata(operands[n])

    def vjp(g):
        gradient = np.einsum(f"{','.join(others)}->{kept}", g, *operands[:n], *operands[n + 1:])
        if kept == inputs[n]:
            return unbroadcast(gradient, meta)
        sizes = [size if i in kept else 1 for i, size in zip(inputs[n], meta[0])]
        return np.broadcast_to(np.reshape(gradient, sizes), meta[0])
    return vjp


def matrix_of(a, row):
    """A vector as a matrix of one row or one column; a matrix as it is."""
    return a if np.ndim(a) == 2 else np.reshape(a, (1, -1) if row else (-1, 1))


def product_rule(argnum):
    """The rule of dot(A, B) for vectors and matrices: dA = g B', dB = A' g."""
    def rule(ans, A, B):
        if 0 in (np.ndim(A), np.ndim(B)):
            return shaped_like((A, B)[argnum], lambda g: g * (B, A)[argnum])
        left, right = matrix_of(A, row=True), matrix_of(B, row=False)
        def vjp(g):
            g = np.reshape(g, (np.shape(left)[0], np.shape(right)[1]))
            return np.reshape(g @ right.T, np.shape(A)) if argnum == 0 \
                else np.reshape(left.T @ g, np.shape(B))
        return vjp
    return rule


def power_rule(ans, x, n):
    """d x^n = n x^(n - 1) dx; for n = 0 it is zero, at x = 0 too."""
    def vjp(g):
        if n == 2 and kernel("twice", g, value_of(x)):
            return twice(g, x)
        return g * n * (x if n in (0, 2) else x**(n - 1))
    return vjp


@primitive
def twice(g, x):
    """2 g x, as one node and one kernel: the rule of x^2 on a device."""
    return kernel("twice", g)(g, x)


def exponent_rule(ans, x, n):
    """d x^n = x^n log(x) dn for a number x > 0."""
    return lambda g: g * math.log(x) * ans


def weak_power(argnums, ans, args, kwargs):
    """The rule of x^n for a number x or n, which no dtype follows; stock for anything else."""
    x, n = args if on_host(ans) else map(weak, args)
    if 1 not in argnums and type(n) in (int, float):
        return each(power_rule)(argnums, ans, (x, n), kwargs)
    if type(x) in (int, float) and not on_host(ans) and x > 0:
        return each(None, exponent_rule)(argnums, ans, (x, n), kwargs)
    return stock_power(argnums, ans, args, kwargs)


def weak(a):
    """A scalar of NumPy's as the Python number that it is; anything else as it is."""
    return a.item() if isinstance(a, numpy.generic) else a


def reshaped():
    """The rule of reshape and ravel: back to the shape of x. An order that was not given is not
    passed on, as it is by autograd's own rule: CuPy has no order None.
    """
    def rule(ans, x, *shape, order=None):
        given = {} if order is None else {"order": order}
        return lambda g: np.reshape(g, extent(x), **given)
    return each(rule)


@primitive
def put_back(g, index, shape):
    """Zeros of this shape, plus g at the index: what x[index] does, backwards."""
    result = numpy.zeros(shape, dtype=g.dtype, like=g)
    parts = index if isinstance(index, tuple) else (index,)
    basic = int, numpy.integer, slice, type(None), type(...)
    where = [part for part in parts if not isinstance(part, basic)]
    if not where:
        result[index] = g                                        # a view: no entry occurs twice
        return result
    if any(part is not a for part, a in zip(parts, where)):
        raise TypeError("the gradient of an index on a device needs its arrays to come first, "
                        "and nothing beside them")
    rows = where[0] % shape[0]                     # one number for all of them: rows of a matrix
    for n, part in zip(shape[1:], where[1:]):
        rows = rows * n + part % n
    kept = shape[len(where):]
    numpy.add.at(result.reshape((-1, *kept)), rows, g)
    return result


def index_rule(ans, x, index):
    """The rule of x[index]."""
    return lambda g: put_back(g, index, extent(x))


def rule_of_index(argnums, ans, args, kwargs):
    """The rule of x[index]: autograd's own, which is sparse, for entries and rows on the host."""
    x, index = args
    parts = index if isinstance(index, tuple) else (index,)
    dense = not on_host(ans) or (any(isinstance(part, slice) for part in parts)
                                 and all(isinstance(part, (int, slice)) for part in parts))
    return (each(index_rule) if dense else stock_index)(argnums, ans, args, kwargs)


@primitive
def concatenate_args(axis, *arrays, out=None):
    """autograd's own, but for the cast to NumPy's type at its end."""
    return numpy.concatenate(arrays, axis, **({} if out is None else {"out": out}))


def stack(arrays, axis=0):
    """autograd's own makes every array a NumPy array first."""
    arrays = list(arrays)
    if all(on_host(a) or isinstance(a, int) for a in arrays):
        return stock_stack(arrays, axis)
    return np.concatenate([np.expand_dims(a, axis) for a in arrays], axis)


class Traces(threading.local):
    """How deep traces are nested, for each thread by itself; autograd's own has one for all."""

    top = -1

    @contextmanager
    def new_trace(self):
        self.top += 1
        try:
            yield self.top
        finally:
            self.top -= 1


traces = Traces()
primitive_of_index = ArrayBox.__getitem__                  # x[index], recorded
recorded = trace_primitives_map                            # NumPy's function -> autograd's
stock_power, stock_index = primitive_vjps[np.power], primitive_vjps[primitive_of_index]
stock_stack = numpy_wrapper.stack


def install():
    """Put the rules of this module in force, for the whole process."""
    tracer.trace_stack = traces
    # For all arrays: the same numbers, in the dtype of x, less work where nothing was broadcast.
    defvjp(np.add,      lambda ans, x, y: shaped_like(x, lambda g: g),
                        lambda ans, x, y: shaped_like(y, lambda g: g))
    defvjp(np.subtract, lambda ans, x, y: shaped_like(x, lambda g: g),
                        lambda ans, x, y: shaped_like(y, lambda g: -g))
    defvjp(np.multiply, lambda ans, x, y: shaped_like(x, lambda g: y * g),
                        lambda ans, x, y: shaped_like(y, lambda g: x * g))
    defvjp(np.divide,   lambda ans, x, y: shaped_like(x, lambda g: g / y),
                        lambda ans, x, y: shaped_like(y, lambda g: -g * x / y**2))
    defvjp_argnums(np.power, weak_power)
    defvjp(recorded[numpy.sum], lambda ans, x, axis=None, **_: lambda g: spread(g, x, axis))
    defvjp(recorded[numpy.mean], lambda ans, x, axis=None, **_:
           lambda g: spread(g / count(x, axis), x, axis))
    defvjp(recorded[numpy.where], None,
           lambda ans, c, x, y: shaped_like(x, lambda g: np.where(c, g, 0.0)),
           lambda ans, c, x, y: shaped_like(y, lambda g: np.where(c, 0.0, g)))
    defvjp(twice, lambda ans, g, x: lambda h: twice(h, x), lambda ans, g, x: lambda h: twice(h, g))
    defvjp(put_back, lambda ans, g, index, shape: lambda h: h[index])
    defvjp_argnums(primitive_of_index, rule_of_index)
    # For device arrays.
    elsewhere(np.reshape, reshaped())
    elsewhere(np.ravel, reshaped())
    elsewhere(np.max, each(chosen))
    elsewhere(np.min, each(chosen))
    elsewhere(np.dot, each(product_rule(0), product_rule(1)))
    elsewhere(np.einsum, lambda argnums, *call: together([einsum_rule(i, *call) for i in argnums]))
    # The functions that make NumPy arrays of their arguments.
    for derivatives in (primitive_vjps, primitive_jvps):
        derivatives[concatenate_args] = derivatives[numpy_wrapper.concatenate_args]
    for module in (numpy_wrapper, np):
        module.concatenate_args, module.stack = concatenate_args, stack
