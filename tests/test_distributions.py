"""Distributions against 50 digits, their noise, their moments, and what they refuse."""

import json
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose

import refsgm
from benchmarks import larger_than_memory
from refsgm.exact import sums
from tests.support.controls import instead, rejects
from tests.support.fifty_digits import common_sigma, mixture_function, units, values_and_conditions
from tests.support.tolerances import (AUTODIFF, EXACT, QUADRATURE, STANDARD_ERRORS, complex_step,
                                      normal)

ROUNDINGS = 64                      # times machine epsilon times the condition number


def mixture(seed=0, K=3, D=2, condition=20.0, shift=0.0):
    """A random Gaussian mixture with covariances of about this condition number."""
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.standard_normal((K, D, D)))[0]
    variances = np.geomspace(1, 1 / condition, D) if D > 1 else np.ones(1)
    covs = np.einsum("kij,j,klj->kil", Q, variances, Q)
    return refsgm.GaussianMixture(rng.dirichlet(np.ones(K)), normal(seed, K, D) * 2 + shift,
                                  (covs + covs.swapaxes(1, 2)) / 2)


def assert_right(name, p, x, *levels):
    """The method agrees with 50 digits to 64 epsilon times the condition number."""
    for row, value in zip(x, getattr(p, name)(x, *levels)):
        expected = values_and_conditions(
            mixture_function(name), [p.weights, p.means, p.covs, row, *map(np.array, levels)])
        assert units(value, expected, x.dtype)[0] <= ROUNDINGS


METHODS = ["log_density", "score", "score_jacobian", "denoise", "denoise_cov"]


@pytest.mark.parametrize("name", METHODS)
def test_a_mixture_agrees_with_fifty_digits(name):
    """[MIX-4] [MIX-5] [MIX-6] [MIX-7] Three points at once; the ledger has one at a time."""
    for condition, shift in [(20, 0), (1e4, 1e3)]:
        p = mixture(3, condition=condition, shift=shift)
        assert_right(name, p, shift + normal(5, 3, 2),
                     *((0.3, 0.7) if name.startswith("denoise") else ()))


@pytest.mark.parametrize("name", METHODS)
def test_a_mixture_is_right_at_the_ends_of_the_range(name):
    """Sigma from 1e-8 to 1e8, a million deviations out, weights of 1e-300, condition 1e6.
    [MIX-8]"""
    for sigma in (1e-8, 1e8):
        levels = (sigma, 1.0) if name.startswith("denoise") else ()
        for condition, shift in [(1e6, 0.0), (1.0, 1e6)]:
            p = mixture(1, K=2, condition=condition, shift=shift)
            p = refsgm.GaussianMixture(np.array([1e-300, 1.0]), p.means, p.covs)
            for far in (1.0, 1e6):
                x = shift + far * max(sigma if levels else 1, 1) * normal(2, 1, 2)
                assert_right(name, p, x, *levels)


@rejects("mixture_score", "nearest component alone",
         instead(lambda x, w, m, sigma: (
             m[np.argmin(np.sum((x[:, None] - m)**2, axis=2), axis=1)] - x) / sigma**2),
         1.0, 0.0, np.float64)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shift", [0.0, 1e4])
@pytest.mark.parametrize("sigma", [1e-8, 0.01, 1.0, 1e8])
def test_one_sigma_for_all_agrees_with_fifty_digits(sigma, shift, dtype):
    """[MIX-1] [MIX-2] [MIX-3] Log density and score, up to a million deviations out."""
    means = (normal(1, 5, 2) + shift).astype(dtype)
    weights = np.array([0.5, 0.2, 0.2, 0.1, 1e-30], dtype)

    for far in (0.5, 1e6):
        x = (means[:3] + far * sigma * normal(4, 3, 2)).astype(dtype)
        for name, function in (("log_density", refsgm.mixture_log_density),
                               ("score", refsgm.mixture_score)):
            for row, value in zip(x, function(x, weights, means, sigma)):
                expected = values_and_conditions(common_sigma(name), [weights, means,
                                                                      np.array(sigma), row])
                assert units(value, expected, dtype)[0] <= ROUNDINGS


@pytest.mark.parametrize("shift", [0.0, 0.9, 100.0])
@pytest.mark.parametrize("sigma", [0.005, 0.3, 10.0])
@pytest.mark.parametrize("per_row", [False, True])
def test_matrix_products_and_blocks_change_nothing(sigma, shift, per_row, monkeypatch):
    """[MIX-3] By products, in small blocks, and directly: the same sums."""
    means = normal(0, 700, 6) + shift
    x = means[:40] + sigma * normal(1, 40, 6)
    sigma = np.full((40, 1), sigma) if per_row else sigma
    weights = np.random.default_rng(2).dirichlet(np.ones(700))
    monkeypatch.setattr(sums, "DIRECT", 10**9)
    want = [f(x, weights, means, sigma) for f in (refsgm.mixture_score, refsgm.mixture_log_density)]
    monkeypatch.setattr(sums, "DIRECT", 0)
    for entries in (2**22, 2**12):
        monkeypatch.setattr(sums, "ENTRIES", entries)
        for f, value in zip((refsgm.mixture_score, refsgm.mixture_log_density), want):
            assert_allclose(f(x, weights, means, sigma), value, rtol=1e-11,
                            atol=1e-11 * np.max(np.abs(value)))


def clusters():
    """Points x (9, 3), and means (K, 3) in clusters of 1 to 9 around them, about 1e-4 apart."""
    sizes = np.arange(1, 10)
    x = 10 * normal(4, len(sizes), 3)
    means = np.repeat(x, sizes, axis=0) + 1e-4 * normal(5, sizes.sum(), 3)
    return x, means[np.random.default_rng(6).permutation(len(means))]


def test_points_that_see_few_of_many_components_see_each_of_those_once(monkeypatch):
    """[MIX-3] Near clusters of 1, 2, ..., 9 means: the numbers that each point has by itself."""
    x, means = clusters()
    weights = np.random.default_rng(7).dirichlet(np.ones(len(means)))
    for f in (refsgm.mixture_score, refsgm.mixture_log_density):
        monkeypatch.setattr(sums, "DIRECT", 10**9)
        want = np.concatenate([f(x[i:i + 1], weights, means, 1e-4) for i in range(len(x))])
        monkeypatch.setattr(sums, "DIRECT", 0)
        assert_allclose(f(x, weights, means, 1e-4), want, rtol=1e-11, atol=0)


@pytest.mark.parametrize("sigma", [1e-2, 1e-3, 1e-5, 1e-7])
def test_two_points_that_a_distant_x_sees_alike_lose_no_digits(sigma):
    """Points at (0, +-sigma) and others far to the right, x to the left of both: the mean of x_0 is
    (0, sigma tanh 0.3), in a batch of any size. [MIX-3] [MIX-5]"""
    points = np.concatenate([[[0, sigma], [0, -sigma]], 0.01 * normal(0, 1022, 2) + [1.0, 0.0]])
    x = np.array([[-0.3, 0.3 * sigma]])
    for rows in (1, 1024):
        found = refsgm.Empirical(points).denoise(np.repeat(x, rows, axis=0), sigma)
        assert_allclose(found[:, 1], sigma * np.tanh(0.3), **EXACT)


@pytest.mark.parametrize("D", [1, 2])
@pytest.mark.parametrize("sigma", [1e-7, 1e-8, 1e-10])
def test_single_precision_keeps_small_posterior_covariances(sigma, D):
    """Of three components within a deviation of one another, a million deviations from zero: those
    of the same numbers in double precision. [MIX-7]"""
    means = (normal(3, 3, D) / 3 + 1e6).astype(np.float32)
    weights = np.array([0.5, 0.25, 0.25])
    single, double = (refsgm.GaussianMixture(
        weights.astype(dtype), means.astype(dtype), np.tile(np.eye(D, dtype=dtype), (3, 1, 1)))
        for dtype in (np.float32, np.float64))
    x = (0.602 * means[:1] + 0.2).astype(np.float32)
    want = double.denoise_cov(x.astype(float), sigma, 0.602)
    assert_allclose(single.denoise_cov(x, sigma, 0.602), want, rtol=1e-5, atol=1e-5 * np.max(want))


def test_the_dtype_of_a_mixture_does_not_depend_on_its_size():
    """float64 weights make float64 results, directly and by matrix products. [MIX-2]"""
    x, means = normal(0, 2000, 4).astype(np.float32), normal(1, 400, 4).astype(np.float32)
    for rows, K in ((4, 4), (2000, 400)):
        for dtype in (np.float32, np.float64):
            weights = np.full(K, 1 / K, dtype)
            assert refsgm.mixture_score(x[:rows], weights, means[:K], 1.0).dtype == dtype


@pytest.mark.parametrize("entries", [2**22, 2**8])
@pytest.mark.parametrize("direct", [0, 10**9])
def test_single_precision_points_cost_a_double_precision_x_no_digits(direct, entries, monkeypatch):
    """[MIX-2] The points are what they are; only x and the sums have another precision."""
    monkeypatch.setattr(sums, "DIRECT", direct)
    monkeypatch.setattr(sums, "ENTRIES", entries)
    points, x = normal(0, 300, 4).astype(np.float32), normal(1, 8, 4)
    single, double = (refsgm.Empirical(p).perturb(0.7) for p in (points, points.astype(float)))
    for name in METHODS[:3]:
        assert_allclose(getattr(single, name)(x), getattr(double, name)(x), **EXACT)


def test_a_data_set_is_the_mixture_of_its_points():
    """[MIX-4] Empirical, noisy, is the Gaussian mixture with those means."""
    points, x = normal(0, 9, 2), normal(1, 4, 2)
    data = refsgm.Empirical(points).perturb(0.4, 0.5).perturb(0.3)
    same = refsgm.GaussianMixture(np.full(9, 1 / 9), 0.5 * points,
                                  np.tile(0.25 * np.eye(2), (9, 1, 1)))
    for name in METHODS:
        for levels in [(0.7, 0.8), (normal(2, 4, 1)**2 + 0.1, 0.5)]:
            levels = levels if name.startswith("denoise") else ()
            assert_allclose(getattr(data, name)(x, *levels), getattr(same, name)(x, *levels),
                            **EXACT)
    for a, b in zip(data.quadrature(3), same.quadrature(3)):
        assert_allclose(np.sort(a, axis=0), np.sort(b, axis=0), **EXACT)


@pytest.mark.parametrize("name", ["score", "score_jacobian"])
def test_derivatives_are_those_of_the_log_density(name):
    """[SCORE-1] [MIX-6] By the complex step, through the same code."""
    lower = {"score": "log_density", "score_jacobian": "score"}[name]
    for p in (mixture(), refsgm.Empirical(normal(0, 7, 2)).perturb(0.5)):
        below = getattr(p, lower)
        for row in normal(1, 4, 2):
            derivative = complex_step(lambda x, f=below: f(x[None])[0], row)
            assert_allclose(getattr(p, name)(row[None])[0], derivative, **AUTODIFF)


def test_densities_and_scores_can_be_differentiated():
    """[MIX-6] autograd goes through them, once and twice."""
    x = normal(1, 4, 2)
    for p in (mixture(), refsgm.Empirical(normal(0, 7, 2)).perturb(0.5)):
        assert_allclose(refsgm.score_of(p.log_density)(x), p.score(x), **AUTODIFF)
        trace = np.trace(p.score_jacobian(x), axis1=1, axis2=2)
        assert_allclose(refsgm.divergence(p.score, x), trace, **AUTODIFF)


def test_tweedie_holds_for_every_distribution():
    """[EQV-5] [MIX-5] scale E[x_0 | x_t] = x_t + sigma^2 score, and its derivative for the cov."""
    x, sigma, scale = normal(1, 4, 2), 0.6, 0.8
    for p in (mixture(), refsgm.Gaussian(np.ones(2), np.array([[2.0, 0.3], [0.3, 1.0]])),
              refsgm.Empirical(normal(0, 7, 2)).perturb(0.2)):
        q = p.perturb(sigma, scale)
        assert type(q) is type(p)
        assert_allclose(scale * p.denoise(x, sigma, scale), x + sigma**2 * q.score(x), **EXACT)
        second = sigma**2 / scale**2 * (np.eye(2) + sigma**2 * q.score_jacobian(x))
        assert_allclose(p.denoise_cov(x, sigma, scale), second, **EXACT)


def test_a_level_per_row_is_each_level_by_itself():
    """[MIX-5] [MIX-7] sigma and scale of shape (B, 1)."""
    x, sigma, scale = normal(1, 4, 2), normal(2, 4, 1)**2 + 0.1, normal(3, 4, 1)**2 + 0.1
    for p in (mixture(), refsgm.Empirical(normal(0, 7, 2)).perturb(0.2)):
        for name in ("denoise", "denoise_cov"):
            whole = getattr(p, name)(x, sigma, scale)
            for b in range(4):
                one = getattr(p, name)(x[[b]], float(sigma[b, 0]), float(scale[b, 0]))
                assert_allclose(whole[b], one[0], **EXACT)


def test_quadrature_gives_the_moments():
    """[POP-1] Mass, mean, covariance and a fourth moment."""
    p = mixture()
    x, w = p.quadrature(3)
    assert x.shape == (27, 2)
    assert_allclose([np.sum(w), *(w @ x)], [1, *p.mean], **EXACT)
    assert_allclose((x - p.mean).T @ (w[:, None] * (x - p.mean)), p.cov, **EXACT)
    one = refsgm.Gaussian(np.zeros(1), np.full((1, 1), 4.0))
    x, w = one.quadrature(3)
    assert_allclose(w @ x[:, 0]**4, 3 * 16, **EXACT)
    nodes, w = p.perturb(2.0).quadrature(80)
    assert_allclose(w @ p.perturb(2.0).score(nodes), 0, atol=QUADRATURE["atol"])      # E score = 0


def test_samples_have_the_moments():
    """Mean within five standard errors, for every kind."""
    for p in (mixture(), refsgm.Empirical(normal(0, 7, 2)).perturb(0.5)):
        x = p.sample(40_000, np.random.default_rng(0))
        nodes, w = p.quadrature(3)
        error = np.abs(np.mean(x, axis=0) - w @ nodes) / (np.std(x, axis=0) / 200)
        assert np.max(error) < STANDARD_ERRORS
        assert_allclose(np.cov(x.T), np.cov(nodes.T, aweights=w, ddof=0), atol=0.1)


def test_a_memmap_is_read_in_blocks(tmp_path, monkeypatch):
    """Points on disk give what points in memory give."""
    points, x = normal(0, 3000, 4), normal(1, 8, 4)
    np.save(tmp_path / "points.npy", points)
    monkeypatch.setattr(sums, "ENTRIES", 2**10)
    on_disk = refsgm.Empirical(np.load(tmp_path / "points.npy", mmap_mode="r")).perturb(0.5)
    assert_allclose(on_disk.score(x), refsgm.Empirical(points).perturb(0.5).score(x), **EXACT)


def test_a_dask_array_gives_what_memory_gives():
    """On the threads of this process."""
    da = pytest.importorskip("dask.array")
    points, x = normal(0, 3000, 4), normal(1, 8, 4)
    lazy = refsgm.Empirical(da.from_array(points, chunks=(700, 3))).perturb(0.5)
    eager = refsgm.Empirical(points).perturb(0.5)
    for name in ("score", "log_density", "score_jacobian"):
        assert_allclose(getattr(lazy, name)(x), getattr(eager, name)(x), rtol=1e-10, atol=1e-12)
    broken = refsgm.Empirical(da.from_array(np.full((5, 4), np.nan)))
    with pytest.raises(ValueError, match="must be finite"):
        broken.perturb(1.0).score(x)


def test_points_on_disk_need_no_memory_and_two_processes_give_the_same(tmp_path):
    """The command that shows it for 4 GiB, with 1/8 GiB: three blocks in each of two processes."""
    pytest.importorskip("distributed")
    path, rows = str(tmp_path / "points.npy"), 2**25 // larger_than_memory.D
    larger_than_memory.write_points(path, rows)
    if sys.platform == "linux":                           # which tells pages of a file from others
        out = subprocess.run([sys.executable, larger_than_memory.__file__, "--score", path],
                             capture_output=True, text=True, check=True).stdout
        assert json.loads(out)["peak, MiB"] < 512
    assert larger_than_memory.largest_difference(path, rows // 8, rows // 48) < 1e-10


EYE = np.eye(2)[None]
BAD = [
    (lambda: refsgm.GaussianMixture(np.ones(1), np.zeros((1, 2)), np.array([[[1.0, 0.5], [0, 1]]])),
     "covs[0] must be symmetric, got 0.5 and 0.0 at (0, 1) and (1, 0)"),
    (lambda: refsgm.GaussianMixture(np.ones(1), np.zeros((1, 2)), -EYE),
     "covs[0] must be positive definite, got a matrix whose smallest eigenvalue is -1.0"),
    (lambda: refsgm.GaussianMixture(np.ones(1), np.zeros((1, 2)), np.ones((1, 2, 2))),
     "covs[0] must be positive definite, got a matrix whose smallest eigenvalue is"),
    (lambda: refsgm.GaussianMixture(np.ones(1), np.zeros((1, 2)), np.ones((2, 2))),
     "covs must have shape (K, D, D) = (1, 2, 2), got shape (2, 2)"),
    (lambda: refsgm.GaussianMixture(np.ones(1), np.zeros(2), EYE),
     "means must have shape (K, D) with K = 1 and D >= 1, got shape (2,)"),
    (lambda: refsgm.GaussianMixture(np.array([0.5, 0.6]), np.zeros((2, 2)),
                                    np.tile(EYE, (2, 1, 1))),
     "weights must sum to 1, got a sum of 1.1"),
    (lambda: refsgm.GaussianMixture(np.array([-0.5, 1.5]), np.zeros((2, 2)),
                                    np.tile(EYE, (2, 1, 1))),
     "weights must be zero or positive, got -0.5"),
    (lambda: refsgm.Gaussian(np.zeros((1, 2)), EYE[0]),
     "mean must have shape (D,) with D >= 1, got shape (1, 2)"),
    (lambda: refsgm.Gaussian(np.zeros(2), EYE), "cov must have shape (D, D) = (2, 2), got shape"),
    (lambda: refsgm.Gaussian(np.array([0.0, np.nan]), EYE[0]), "mean must be finite, got nan"),
    (lambda: refsgm.Empirical(np.zeros((0, 2))), "points must have shape (N, D) with N >= 1"),
    (lambda: refsgm.Empirical(np.full((3, 2), np.nan)), "points must be finite, got nan"),
    (lambda: refsgm.Empirical(np.zeros((3, 2))).score(np.zeros((1, 2))),
     "a data set without noise has no density"),
    (lambda: refsgm.Empirical(np.zeros((3, 2))).perturb(-1.0), "sigma must be zero or positive"),
    (lambda: refsgm.Gaussian(np.zeros(2), EYE[0]).score(np.zeros((4, 3))),
     "x must have shape (B, D) with D = 2, got shape (4, 3)"),
    (lambda: refsgm.Gaussian(np.zeros(2), EYE[0]).denoise(np.zeros((2, 2)), np.ones(2)),
     "sigma must be a scalar or have shape (B, 1) = (2, 1), got shape (2,)"),
]


@pytest.mark.parametrize(("call", "message"), BAD, ids=[m[:50] for _, m in BAD])
def test_bad_input_is_refused_in_one_sentence(call, message):
    with pytest.raises(ValueError) as error:
        call()
    assert str(error.value).startswith(message)


def test_weights_that_sum_to_one_within_rounding_are_accepted():
    for dtype in (np.float64, np.float32):
        weights = np.full(10, 0.1, dtype)
        refsgm.GaussianMixture(weights, np.zeros((10, 1), dtype), np.ones((10, 1, 1), dtype))
