"""The gradient engine: against autograd's own, finite differences and the complex step."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from autograd.extend import defvjp, primitive
from autograd.test_util import check_grads
from numpy.testing import assert_allclose

import refsgm
from refsgm.learn import networks
from refsgm.learn.autodiff import dense, dense_tanh, through_tanh, value_and_grad
from refsgm.learn.training import OBJECTIVES
from tests.support.tolerances import AUTODIFF, EXACT, complex_step, normal

X, W, b = normal(0, 4, 3), normal(1, 3, 5), normal(2, 5)


def plain(x, W, b):
    """The layer from stock operations."""
    return anp.tanh(anp.dot(x, W) + b)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("layer", [dense, dense_tanh])
def test_layers_have_right_gradients_to_second_order(layer, order):
    """[AD-2]"""
    check_grads(layer, modes=["rev"], order=order)(X, W, b)


@pytest.mark.parametrize("argnum", [0, 1, 2])
def test_a_fused_layer_is_the_stock_one(argnum):
    """[AD-2] Value, gradient, and gradient of a gradient."""
    def first(layer):
        return grad(lambda *args: anp.sum(anp.sin(layer(*args))), argnum)

    def second(layer):
        return grad(lambda *args: anp.sum(first(layer)(*args)**2), argnum)
    assert_allclose(dense_tanh(X, W, b), plain(X, W, b), **EXACT)
    assert_allclose(dense(X, W, b), X @ W + b, **EXACT)
    assert_allclose(first(dense_tanh)(X, W, b), first(plain)(X, W, b), **EXACT)
    assert_allclose(second(dense_tanh)(X, W, b), second(plain)(X, W, b), **EXACT)


@pytest.mark.filterwarnings("ignore:Output seems independent")      # of the last bias of an energy
@pytest.mark.parametrize("energy", [False, True])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_gradients_of_training_are_those_of_stock_layers(objective, energy, monkeypatch):
    """[AD-1] [AD-2] Through every objective, the second derivatives among them, by autograd."""
    params = refsgm.init_network(np.random.default_rng(0), 3, 8, 3, energy=energy)
    params[-2] = normal(3, *params[-2].shape)
    network = refsgm.energy_network if energy else refsgm.score_network
    batch = normal(4, 6, 3), np.exp(normal(5, 6, 1)), normal(6, 6, 3), np.sign(normal(7, 6, 3))

    def loss(params):
        return anp.mean(OBJECTIVES[objective](lambda x, sigma: network(params, x, sigma, 0.7),
                                              *batch))
    value, fused = value_and_grad(loss)(params)
    monkeypatch.setattr(networks, "dense_tanh", plain)
    monkeypatch.setattr(networks, "dense", lambda x, W, b: anp.dot(x, W) + b)
    assert_allclose(loss(params), value, **EXACT)
    for i, gradient in enumerate(fused):
        stock = grad(lambda p, i=i: loss([*params[:i], p, *params[i + 1:]]))(params[i])
        assert_allclose(gradient, stock, **EXACT)


def test_the_gradient_of_a_layer_agrees_with_the_complex_step():
    """[AD-2]"""
    gradient = grad(lambda x: anp.sum(dense_tanh(x[None], W, b)))(X[0])
    expected = complex_step(lambda x: np.sum(np.tanh(x @ W + b))[None], X[0])[0]
    assert_allclose(gradient, expected, **AUTODIFF)


def test_a_gradient_goes_back_through_tanh():
    """[AD-2] delta = g (1 - y^2)"""
    g, y = normal(0, 4, 5), np.tanh(normal(1, 4, 5))
    assert_allclose(through_tanh(g, y), g * (1 - y**2), **EXACT)
    check_grads(through_tanh, modes=["rev"], order=2)(g, y)


def test_gradients_of_a_list_are_those_of_each_array():
    """[AD-1] Arrays that are used twice, once and not at all."""
    a, c, unused = normal(0, 3), normal(1, 3), normal(2, 2)
    loss = lambda params, k: anp.sum(params[0]**2 * params[1] + k * anp.exp(params[0]))
    value, gradients = value_and_grad(loss)([a, c, unused], 2.0)
    assert_allclose(value, np.sum(a**2 * c + 2 * np.exp(a)), **EXACT)
    for gradient, expected in zip(gradients, [2 * a * c + 2 * np.exp(a), a**2, np.zeros(2)]):
        assert_allclose(gradient, expected, **EXACT)


def test_gradients_are_written_into_buffers_that_are_given():
    """[AD-1] Of a layer, whose product goes there at once, of sums, and of none."""
    params = [W, b, normal(3, 5, 5), normal(4, 5), normal(5, 2)]
    loss = lambda p: anp.sum(dense(dense_tanh(X, *p[:2]), p[2] + p[2].T, p[3] * p[1])**2)
    buffers = [np.full_like(p, np.nan) for p in params]
    _, gradients = value_and_grad(loss)(params)
    _, written = value_and_grad(loss)(params, into=buffers)
    for buffer, g, w in zip(buffers, gradients, written):
        assert w is buffer
        assert_allclose(buffer, g, **EXACT)


def test_a_loss_that_ignores_its_parameters_has_no_gradient():
    """[AD-1]"""
    value, gradients = value_and_grad(lambda params: 3.0)([X])
    assert value == 3.0
    assert_allclose(gradients[0], np.zeros_like(X), **EXACT)


@pytest.mark.parametrize("function", [anp.sum, anp.mean, anp.max])
def test_a_python_number_has_a_gradient_too(function):
    """The rules that replace autograd's hold for everybody in the process."""
    assert grad(function)(2.0) == 1.0


def test_gradients_nest():
    """[AD-1] The gradient of the squared norm of a gradient."""
    inner = value_and_grad(lambda params: anp.sum(params[0]**3))
    _, (gradient,) = value_and_grad(lambda params: anp.sum(inner(params)[1][0]**2))([X])
    assert_allclose(gradient, 36 * X**3, **AUTODIFF)


@pytest.mark.parametrize("axis", [1, np.int64(1), (np.int64(0), 1)])
def test_an_axis_may_be_an_integer_of_numpy(axis):
    """[AD-1]"""
    _, (gradient,) = value_and_grad(lambda p: anp.sum(anp.sum(p[0], axis=axis)**2))([X])
    assert_allclose(gradient, 2 * np.sum(X, axis=axis, keepdims=True) + 0 * X, **EXACT)


def test_a_loss_that_is_not_a_scalar_is_refused():
    with pytest.raises(ValueError, match=r"^loss must return a scalar, got shape \(4, 3\)$"):
        value_and_grad(lambda params: params[0])([X])


def test_the_backward_pass_is_linear_in_the_number_of_arrays():
    """[AD-1] Each array is added to once: the work is counted, not timed."""
    from autograd.extend import defvjp, primitive
    count = [0]

    @primitive
    def counted(x):
        return x * 1.0

    def vjp(ans, x):
        def back(g):
            count[0] += np.size(g)
            return g
        return back
    defvjp(counted, vjp)
    for n in (10, 100):
        count[0] = 0
        value_and_grad(lambda params: sum(anp.sum(counted(p)) for p in params))([np.ones(3)] * n)
        assert count[0] == 3 * n


@pytest.mark.parametrize("axes", [{"axis": 1}, {"axis": -1}, {}, {"ord": 3, "axis": 1}])
def test_a_norm_that_keeps_its_axes_has_a_gradient_of_the_shape_of_its_argument(axes):
    """[AD-1] Of the first and the second order; autograd's own rule has an axis too many."""
    check_grads(lambda x: anp.linalg.norm(x, keepdims=True, **axes), modes=["rev"], order=2)(X)


def test_a_derivative_of_another_shape_is_refused():
    """[OPS-2] In one sentence, and no divergence (B, D)."""
    @primitive
    def strange(x):
        return 1.0 * x
    defvjp(strange, lambda ans, x: lambda g: anp.stack([g, g]))
    with pytest.raises(ValueError, match="derivative of score_fn must return shape"):
        refsgm.divergence(strange, X)
