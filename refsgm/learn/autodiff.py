"""Reverse mode for training: the gradients of many arrays in linear time, and fused layers.

    y = f(x, W):    vjp(g) = (g' dy/dx, g' dy/dW)                                           [AD-1]

While a function runs, autograd records a node for every operation: its parents, and its vjp, which
takes the gradient with respect to the result to those with respect to the arguments. Walking the
nodes from the loss back to the leaves, adding up what arrives, gives every gradient in one pass.

`value_and_grad` gives every array of a list a root of its own; a list as a single root would cost
a pass over the whole list for each of its entries. `dense` and `dense_tanh` record a whole layer as
one node. Their vjps are made of recorded operations, so they can be differentiated again. Inside a
primitive nothing is recorded: there NumPy itself computes, in place.
"""

import autograd.numpy as np
import numpy
from autograd.core import VJPNode, add_outgrads, sparse_object_types
from autograd.extend import defvjp, defvjp_argnums, primitive, vspace
from autograd.tracer import isbox, new_box, toposort

from . import autograd_rules
from .autograd_rules import traces
from .kernels import constant, kernel
from ..arguments import FINITE, check_value, shape_of
from ..arrays import differentiable, in_one_line, value_of

autograd_rules.install()          # for the whole process: autograd's rules, made fit for any array


def value_and_grad(loss):
    """The function (params, *args) -> (loss value, list of gradients).  [AD-1]

    With into=buffers, a list of arrays like params, the gradients are written there.

    loss  function (params, *args) -> scalar, for params a flat list of arrays
    Raises ValueError, when called, for other params and for a loss that is not a scalar.

    >>> product = value_and_grad(lambda params: np.sum(params[0] * params[1]))
    >>> product([np.array([1.0, 2.0]), np.array([3.0, 4.0])])[1]
    [array([3., 4.]), array([1., 2.])]
    """
    def evaluate(params, *args, into=None):
        check_params(params)
        params = [differentiable(p) for p in params]
        roots = [VJPNode.new_root() for _ in params]
        with traces.new_trace() as trace:
            end = loss([new_box(p, trace, root) for p, root in zip(params, roots)], *args)
        if np.shape(end) != ():
            raise ValueError(f"loss must return a scalar, got shape {np.shape(end)}")
        if not isbox(end) or end._trace != trace:                   # it does not depend on params
            gradients = [None] * len(params)
        else:
            one = constant("one", end._value, lambda: vspace(end._value).ones())
            gradients = backward(end._node, one, roots, into)
            end = end._value
        gradients = [np.zeros_like(p) if g is None else g for p, g in zip(params, gradients)]
        for buffer, g in zip(into or (), gradients):
            if g is not buffer:
                buffer[...] = g
        return end, into or gradients
    return evaluate


def check_params(params):
    """params is a list or tuple of arrays of numbers."""
    if not isinstance(params, (list, tuple)):
        raise ValueError(f"params must be a list of arrays, got {type(params).__name__}")
    for p in params:
        shape_of("params", p)
        if isinstance(p, int):
            check_value("params", p, FINITE)
        if getattr(value_of(p), "dtype", np.dtype(float)).kind not in "iufc":
            raise ValueError(f"params must hold numbers, got {in_one_line(p)}")


def backward(end, g, roots, into=None):
    """The gradients that arrive at the roots, or None, when gradient g starts at the end node.

    A vjp may have a form `later`, whose gradients may be functions of the buffer that they are to
    be written to; those of a root go to its buffer in the list `into`.
    """
    arrived = {end: g}                                     # node -> the sum of what has arrived
    buffers = dict(zip(roots, into or ()))
    for node in toposort(end):                             # children before parents
        if node.parents:
            g = arrived.pop(node)
            for parent, contribution in zip(node.parents, getattr(node.vjp, "later", node.vjp)(g)):
                so_far = arrived.get(parent)
                if callable(contribution):
                    contribution = contribution(buffers.get(parent) if so_far is None else None)
                arrived[parent] = total(so_far, contribution)
    return [arrived.get(root) for root in roots]


def total(so_far, contribution):
    """The sum of two gradients at one value; that of an index is sparse, and autograd adds it."""
    if type(contribution) in sparse_object_types:
        return add_outgrads(so_far if so_far is None else (so_far, False), contribution)[0]
    return contribution if so_far is None else so_far + contribution


@primitive
def dense(x, W, b, out=None):
    """The affine layer x W + b, (B, n) -> (B, m), as one node.  [AD-2]"""
    y = product_of(x, W, out)
    y += b
    return y


def product_of(x, W, out):
    """The matrix product, written to `out` if that is given."""
    return x @ W if out is None else numpy.matmul(x, W, out=out)


@primitive
def dense_tanh(x, W, b, out=None):
    """The layer tanh(x W + b), (B, n) -> (B, m), as one node.  [AD-2]"""
    y = product_of(x, W, out)
    if fused := kernel("tanh_of_sum", y, b):
        return fused(y, b, y)
    y += b
    return numpy.tanh(y, out=y)


@primitive
def skip_and_tanh(h, W, b, out=None):
    """The layer h + tanh(h W + b), (B, n) -> (B, n), where no gradient is wanted.  [AD-2]"""
    y = product_of(h, W, out)
    if fused := kernel("skip_and_tanh", h, y, b):
        return fused(h, y, b)
    y += b
    numpy.tanh(y, out=y)
    y += h
    return y


@primitive
def through_tanh(g, y, out=None):
    """g (1 - y^2): the gradient g taken back through y = tanh(a), as one node."""
    if fused := kernel("through_tanh", y, g):
        return fused(g, y) if out is None else fused(g, y, out)
    slope = y * y if out is None else numpy.multiply(y, y, out=out)
    numpy.subtract(1, slope, out=slope)
    slope *= g
    return slope


def layer_vjp(argnums, x, W, before):
    """The vjp of a layer of x W + b for those of (x, W, b) that are asked for.

    before  takes the gradient of the layer to delta, that of x W + b, (B, m)
    """
    def vjp(g):
        delta = before(g)
        made = (lambda: delta @ W.T, lambda: x.T @ delta, lambda: np.sum(delta, axis=0))
        return [made[i]() for i in argnums]

    def later(g):
        if any(map(isbox, (x, W, g))):
            return vjp(g)
        delta = before(g)
        made = (delta @ W.T if 0 in argnums else None,
                lambda out: numpy.matmul(x.T, delta, out=out),
                lambda out: numpy.sum(delta, axis=0, out=out))
        return [made[i] for i in argnums]
    vjp.later = later
    return vjp


defvjp_argnums(dense, lambda argnums, y, args, _: layer_vjp(argnums, *args[:2], lambda g: g))
defvjp_argnums(dense_tanh, lambda argnums, y, args, _:
               layer_vjp(argnums, *args[:2], lambda g: through_tanh(g, y)))
defvjp(through_tanh,
       lambda ans, g, y: lambda h: through_tanh(h, y),
       lambda ans, g, y: lambda h: -2 * h * g * y)
