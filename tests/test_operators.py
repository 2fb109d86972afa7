"""Scores, directional derivatives and divergences by autograd."""

import itertools

import autograd.numpy as anp
import numpy as np
from hypothesis import given
from numpy.testing import assert_allclose

import refsgm
from tests.support.controls import rejects, scaled
from tests.support.tolerances import (AUTODIFF, EXACT, complex_step, cubic_score, normal, seeds,
                                      shapes)


def jacobians(score_fn, x):
    """The Jacobians (B, D, D) by the complex step."""
    return np.stack([complex_step(score_fn, row) for row in x])


@rejects("score_of", "sign", lambda f: lambda log_density: lambda x: -f(log_density)(x))
@given(seeds, shapes)
def test_the_score_does_not_see_the_partition_function(seed, shape):
    """[SCORE-1] [SCORE-2] An additive constant of the log density does not matter."""
    x = normal(seed, *shape)
    score = refsgm.score_of(lambda x: 7.0 - anp.sum(anp.cosh(x), axis=1))(x)
    assert_allclose(score, -np.sinh(x), **AUTODIFF)


@rejects("directional_derivative", "J v without the second v",
         lambda f: lambda s, x, v: f(s, x, v) / np.sum(v**2, axis=1))
@given(seeds, shapes)
def test_the_directional_derivative_is_v_J_v(seed, shape):
    """[OPS-1]"""
    x, v = normal(seed, 2, *shape)
    s = cubic_score(shape[1])
    expected = np.einsum("bi,bij,bj->b", v, jacobians(s, x), v)
    assert_allclose(refsgm.directional_derivative(s, x, v), expected, **AUTODIFF)


@rejects("divergence", "sums the whole Jacobian",
         lambda f: lambda s, x: refsgm.directional_derivative(s, x, np.ones_like(x)))
@given(seeds, shapes)
def test_the_divergence_is_the_trace_of_the_jacobian(seed, shape):
    """[OPS-2] The trace alone, not the sum of all entries."""
    x, s = normal(seed, *shape), cubic_score(shape[1])
    expected = np.trace(jacobians(s, x), axis1=1, axis2=2)
    assert_allclose(refsgm.divergence(s, x), expected, **AUTODIFF)


@rejects("hutchinson_divergence", "sum over directions", scaled(lambda s, x, v: len(v)))
def test_hutchinson_over_all_sign_vectors_is_the_divergence():
    """[OPS-3] E[v v'] = I, exactly, under the uniform law on sign vectors."""
    x, s = normal(0, 4, 3), cubic_score(3)
    signs = np.array(list(itertools.product([-1.0, 1.0], repeat=3)))
    v = np.repeat(signs[:, None], 4, axis=1)                                             # (8, 4, 3)
    assert_allclose(refsgm.hutchinson_divergence(s, x, v), refsgm.divergence(s, x), **AUTODIFF)


def test_hutchinson_with_signs_is_exact_when_the_jacobian_is_diagonal():
    """[OPS-3]"""
    x, v = normal(0, 4, 3), np.sign(normal(1, 4, 3))
    assert_allclose(refsgm.hutchinson_divergence(anp.sin, x, v), np.sum(np.cos(x), axis=1), **EXACT)


def test_many_directions_are_averaged():
    """[OPS-1] [OPS-3]"""
    x, v, s = normal(0, 4, 3), normal(1, 5, 4, 3), cubic_score(3)
    for f in (refsgm.directional_derivative, refsgm.hutchinson_divergence):
        assert_allclose(f(s, x, v), np.mean([f(s, x, one) for one in v], axis=0), **EXACT)
