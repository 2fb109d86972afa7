"""Closed forms of population losses against quadrature of the losses themselves."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose

import refsgm
from refsgm.exact.affine_losses import PopulationLoss
from tests.support.controls import rejects
from tests.support.tolerances import (AUTODIFF, EXACT, STANDARD_ERRORS, complex_step,
                                      gauss_hermite, normal)

D, SIGMA = 2, 0.7
P = refsgm.Gaussian(np.array([0.5, -1.0]), np.array([[1.0, 0.6], [0.6, 0.8]]))
A, A2, b, b2 = normal(1, D, D), normal(2, D, D), normal(3, D), normal(4, D)
SIGMAS, LEVEL_WEIGHTS = np.array([2.0, 0.5]), np.array([0.3, 1.7])


def s(x, sigma=None):
    return x @ A.T + b


def noise(loss):
    return refsgm.expected_over_noise(lambda x, eps: loss(x, SIGMA, eps), P, SIGMA, 6)


def levels_of(x, sigma):
    """The score of each level of NCSN."""
    return x @ (A if sigma == 2.0 else A2).T + (b if sigma == 2.0 else b2)


# name: (matrix, offset, other arguments, the mean by quadrature)
NCSN = "affine_noise_conditional_score_matching"
LOSSES = {
    "affine_explicit_score_matching": (A, b, (), lambda: refsgm.expected(
        lambda x: refsgm.explicit_score_matching(s, x, P.score(x)), P, 6)),
    "affine_implicit_score_matching": (A, b, (), lambda: refsgm.expected(
        lambda x: refsgm.implicit_score_matching(s, x), P, 6)),
    "affine_denoising_score_matching": (A, b, (SIGMA,), lambda: noise(
        lambda *args: refsgm.denoising_score_matching(s, *args))),
    "affine_noise_prediction_loss": (A, b, (SIGMA,), lambda: noise(
        lambda *args: refsgm.noise_prediction_loss(s, *args))),
    NCSN: (np.stack([A, A2]), np.stack([b, b2]), (SIGMAS, LEVEL_WEIGHTS), lambda: sum(
        w * refsgm.expected_over_noise(lambda x, eps: refsgm.denoising_score_matching(  # noqa: B023
            levels_of, x, sigma, eps), P, sigma, 6)                                     # noqa: B023
        for w, sigma in zip(LEVEL_WEIGHTS.tolist(), SIGMAS.tolist()))),
}


def arguments(name):
    matrix, offset, rest, _ = LOSSES[name]
    return (matrix, offset, P, *rest)


@rejects("affine_explicit_score_matching", "the half is missing",
         lambda f: lambda *args: f(*args)._replace(value=2 * f(*args).value),
         "affine_explicit_score_matching")
@rejects("affine_noise_conditional_score_matching", "weights ignored",
         lambda f: lambda A, b, p, sigmas, weights: f(A, b, p, sigmas), NCSN)
@pytest.mark.parametrize("name", LOSSES)
def test_the_closed_form_is_the_mean_of_the_loss(name):
    """[POP-5] [ESM-1] [ISM-1] [DSM-1] [NCSN-1] [EQV-2]"""
    loss = getattr(refsgm, name)(*arguments(name))
    assert_allclose(loss.value, LOSSES[name][3](), **EXACT)


@pytest.mark.parametrize("directions", ["normal", "rademacher", "sphere"])
@pytest.mark.parametrize("objective", ["sliced_score_matching", "sliced_score_matching_vr"])
def test_sliced_losses_have_the_mean_of_ism(objective, directions):
    """[POP-5] [SSM-1] [SSM-2]"""
    values, w_x, w_v = sliced_values(objective, directions)
    mean = refsgm.affine_implicit_score_matching(A, b, P).value
    assert_allclose(w_x @ values @ w_v, mean, **EXACT)


@rejects("affine_implicit_score_matching", "gradient of the trace is missing",
         lambda f: lambda A, b, p: f(A, b, p)._replace(
             matrix_gradient=f(A, b, p).matrix_gradient - np.eye(2)),
         "affine_implicit_score_matching")
@pytest.mark.parametrize("name", LOSSES)
def test_the_gradients_are_those_of_the_value(name):
    """[POP-5] By the complex step, in every entry of matrix and offset."""
    matrix, offset, rest, _ = LOSSES[name]
    closed = getattr(refsgm, name)

    def value(theta):
        return closed(theta[:matrix.size].reshape(matrix.shape),
                      theta[matrix.size:].reshape(offset.shape), P, *rest).value

    loss = closed(matrix, offset, P, *rest)
    gradient = complex_step(value, np.concatenate([matrix.ravel(), offset.ravel()]))
    assert_allclose(np.concatenate([loss.matrix_gradient.ravel(), loss.offset_gradient.ravel()]),
                    gradient, **EXACT)


@rejects("affine_denoising_score_matching", "constant of Vincent's identity without the data",
         lambda f: lambda A, b, p, sigma: f(A, b, p, sigma)._replace(constant=1 / sigma**2),
         "affine_denoising_score_matching")
@pytest.mark.parametrize("name", LOSSES)
def test_the_constant_is_the_value_at_the_true_score(name):
    """[POP-5] Where the gradient vanishes too. [ISM-2] [DSM-2]"""
    def truth(sigma, factor=1.0):
        precision = np.linalg.inv(P.covs[0] + sigma**2 * np.eye(D))
        return -factor * precision, factor * precision @ P.means[0]

    matrix, offset = {
        "affine_denoising_score_matching": truth(SIGMA),
        "affine_noise_prediction_loss": truth(SIGMA, -SIGMA),
        NCSN: [np.stack(a) for a in zip(truth(2.0), truth(0.5))],
    }.get(name, truth(0.0))
    loss = getattr(refsgm, name)(matrix, offset, P, *LOSSES[name][2])
    assert_allclose(loss.value, loss.constant, **EXACT)
    assert_allclose(loss.matrix_gradient, 0 * matrix, **EXACT)
    assert_allclose(loss.offset_gradient, 0 * offset, **EXACT)


@rejects("affine_noise_prediction_loss", "the half is kept",
         lambda f: lambda *args: f(*args)._replace(value=0.5 * f(*args).value))
def test_twice_sigma_squared_dsm_is_noise_prediction():
    """[EQV-2] As population values, constants included."""
    dsm = refsgm.affine_denoising_score_matching(A, b, P, SIGMA)
    eps = refsgm.affine_noise_prediction_loss(-SIGMA * A, -SIGMA * b, P, SIGMA)
    assert_allclose([2 * SIGMA**2 * dsm.value, 2 * SIGMA**2 * dsm.constant],
                    [eps.value, eps.constant], **EXACT)


def nodes_of(directions):
    """Nodes (M, D) and weights (M,) of a law of slicing directions, exact up to degree 5."""
    if directions == "normal":
        return gauss_hermite(5, D)
    if directions == "rademacher":
        return np.array(list(itertools.product([-1.0, 1.0], repeat=D))), np.full(2**D, 2.0**-D)
    angles = np.arange(8) * np.pi / 4 + 0.1
    return 2**0.5 * np.stack([np.cos(angles), np.sin(angles)], axis=1), np.full(8, 1 / 8)


def sliced_values(objective, directions):
    """The loss at all nodes of x and v, (X, V), and their weights."""
    (x, w_x), (v, w_v) = P.quadrature(6), nodes_of(directions)
    every_x, every_v = np.repeat(x, len(v), axis=0), np.tile(v, (len(x), 1))
    return getattr(refsgm, objective)(s, every_x, every_v).reshape(len(x), len(v)), w_x, w_v


@rejects("affine_sliced_variance", "signs judged as normal directions",
         lambda f: lambda A, b, p, directions: f(A, b, p), "sliced_score_matching", "rademacher")
@rejects("affine_sliced_variance_vr", "variance of the first term is kept",
         lambda f: lambda *args: refsgm.affine_sliced_variance(*args),
         "sliced_score_matching_vr", "normal")
@pytest.mark.parametrize("directions", ["normal", "rademacher", "sphere"])
@pytest.mark.parametrize("objective", ["sliced_score_matching", "sliced_score_matching_vr"])
def test_the_variance_of_sliced_losses_is_that_of_their_values(objective, directions):
    """[POP-6] [SSM-1] [SSM-2]"""
    values, w_x, w_v = sliced_values(objective, directions)
    mean_over_v = values @ w_v
    over_x = w_x @ mean_over_v**2 - (w_x @ mean_over_v)**2
    over_v = w_x @ (values**2 @ w_v - mean_over_v**2)
    closed = {"sliced_score_matching": refsgm.affine_sliced_variance,
              "sliced_score_matching_vr": refsgm.affine_sliced_variance_vr}[objective]
    variance = closed(A, b, P, directions)
    assert_allclose([variance.over_x, variance.over_v], [over_x, over_v], rtol=1e-11)


def test_the_variance_falls_with_the_number_of_directions():
    """[POP-6] over_x + over_v / M, against the sample variance of 100,000 losses."""
    n, M, rng = 100_000, 3, np.random.default_rng(0)
    losses = refsgm.sliced_score_matching(s, P.sample(n, rng), rng.standard_normal((M, n, D)))
    variance = refsgm.affine_sliced_variance(A, b, P)
    square = (losses - losses.mean())**2
    error = abs(square.mean() - (variance.over_x + variance.over_v / M))
    assert error < STANDARD_ERRORS * square.std() / n**0.5


def test_population_gradients_agree_for_any_score():
    """[ISM-2] [DSM-2] ESM, ISM and DSM of a cubic score on a mixture have one gradient: the complex
    step through the quadrature, and autograd through it."""
    p = refsgm.GaussianMixture(np.array([0.4, 0.6]), np.array([[-0.5], [0.7]]),
                               np.array([[[1.0]], [[0.6]]]))
    q = p.perturb(SIGMA)
    theta = np.array([0.1, -0.8, 0.1, -0.02])

    def score(x, t):
        return t[0] + t[1] * x + t[2] * x**2 + t[3] * x**3

    def esm(t):
        return refsgm.expected(lambda x: refsgm.explicit_score_matching(
            lambda x: score(x, t), x, q.score(x)), q, 150)

    def ism(t):
        return refsgm.expected(lambda x: refsgm.implicit_score_matching(
            lambda x: score(x, t), x), q, 150)

    def dsm(t):
        return refsgm.expected_over_noise(lambda x, eps: refsgm.denoising_score_matching(
            lambda x, sigma: score(x, t), x, SIGMA, eps), p, SIGMA, 150)

    gradient = complex_step(esm, theta)
    assert_allclose(complex_step(dsm, theta), gradient, **AUTODIFF)
    for loss in (esm, ism, dsm):
        by_autograd = refsgm.value_and_grad(lambda params, f=loss: f(params[0]))([theta])[1][0]
        assert_allclose(by_autograd, gradient, **AUTODIFF)


def test_float32_stays_float32():
    p = refsgm.Gaussian(np.zeros(2, np.float32), np.eye(2, dtype=np.float32))
    matrix, offset = A.astype(np.float32), b.astype(np.float32)
    for name in LOSSES:
        if name != NCSN:
            loss = getattr(refsgm, name)(matrix, offset, p, *LOSSES[name][2])
            assert isinstance(loss, PopulationLoss)
            assert {np.asarray(a).dtype for a in (loss.value, *loss[2:])} == {np.dtype("f4")}


@pytest.mark.parametrize("name", [*LOSSES, "affine_sliced_variance", "affine_sliced_variance_vr"])
def test_wrong_arguments_are_refused(name):
    f = getattr(refsgm, name)
    rest = LOSSES[name][2] if name in LOSSES else ()
    stack = (lambda *arrays: [np.stack([a, a]) for a in arrays]) if name == NCSN else (
        lambda *arrays: arrays)
    matrix, offset = ("matrices", "offsets") if name == NCSN else ("matrix", "offset")
    with pytest.raises(ValueError, match=f"{matrix} must have shape"):
        f(*stack(np.eye(3), b), P, *rest)
    with pytest.raises(ValueError, match=f"{offset} must have shape"):
        f(*stack(A, np.zeros(3)), P, *rest)
    with pytest.raises(ValueError, match=f"{matrix} must be finite"):
        f(*stack(A * np.nan, b), P, *rest)
    with pytest.raises(ValueError, match="p must be a Gaussian, got GaussianMixture"):
        f(*stack(A, b), refsgm.GaussianMixture(np.ones(1), P.means, P.covs), *rest)


def test_other_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="directions must be"):
        refsgm.affine_sliced_variance(A, b, P, "uniform")
    with pytest.raises(ValueError, match=r"offsets must have shape \(2, 2\) for p"):
        refsgm.affine_noise_conditional_score_matching(np.stack([A, A]), b[None], P, SIGMAS)
    with pytest.raises(ValueError, match="sigma must be positive"):
        refsgm.affine_denoising_score_matching(A, b, P, 0.0)
