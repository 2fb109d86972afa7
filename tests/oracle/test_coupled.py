"""Functions whose nonlinear term couples features: code that treats each feature apart is found."""

import contextlib
import io

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import elementwise_grad
from numpy.testing import assert_allclose
from scipy.integrate import solve_ivp

import refsgm
from refsgm.oracle.calls.frameworks import numpy_framework
from refsgm.oracle.calls.caller import Caller
from refsgm.oracle.calls.program import defined
from refsgm.oracle.calls.shrinking import of_features, rounded, same, without_frames
from refsgm.oracle.kinds import KINDS
from refsgm.oracle.kinds.at_random import random_specs
from refsgm.oracle.kinds.drawing import arguments
from refsgm.oracle.kinds.meetings import meetings
from refsgm.oracle.kinds.test_functions import (BENDS, EVEN, MANY, Field, conservative, curved,
                                                flat_at_zero, frames_of, turned)

pytestmark = pytest.mark.usefixtures("all_probes")
H = 1e-20                                                                # of the complex step


def jacobian(score_fn, x):
    """J of each row, (B, D, D), J_ij = d s_i / d x_j."""
    e = np.eye(x.shape[1], dtype=x.dtype)
    return np.stack([np.imag(score_fn(x + 1j * H * a)) / H for a in e], axis=2)


def in_part(J, one):
    """J with the entries beside the diagonal of one row's."""
    return np.where(np.eye(J.shape[2], dtype=bool), J, one)


def along(J, v):
    """v'J v, the mean over directions, (B,)."""
    v = v if v.ndim == 3 else v[None]
    return np.mean(np.einsum("mbi,bij,mbj->mb", v, J, v), axis=0)


def of_the_first_row(score_fn, x, v):
    """[OPS-3] Of the Jacobian only the diagonal depends on x, as if the features were apart."""
    J = jacobian(score_fn, x)
    return along(in_part(J, J[:1]), v)


def of_the_mean_row(score_fn, x, v):
    """[SSM-2] The entries beside the diagonal are those at the mean of the batch."""
    J = jacobian(score_fn, x)
    there = jacobian(score_fn, np.mean(x, axis=0, keepdims=True))
    return 0.5 * np.sum(score_fn(x)**2, axis=1) + along(in_part(J, there), v)


def diagonal_by_chance(score_fn, x):
    """[ISM-2] The first row says whether one pass gives all of the diagonal."""
    off = jacobian(score_fn, x[:1]) * (1 - np.eye(x.shape[1]))
    J = jacobian(score_fn, x) if np.any(off) else np.imag(
        score_fn(x + 1j * H))[:, :, None] / H * np.eye(x.shape[1])
    return 0.5 * np.sum(score_fn(x)**2, axis=1) + np.trace(J, axis1=1, axis2=2)


def skew_by_chance(score_fn, x, v):
    """[OPS-1] v'J v is zero where J' = -J, which the first row alone shows."""
    J = jacobian(score_fn, x)
    return 0 * along(J, v) if np.all(J[0] == -J[0].T) else along(J, v)


def each_alone(score_fn, x):
    """[OPS-2] J_ii where the other features are zero."""
    return sum(jacobian(score_fn, x * e)[:, i, i] for i, e in enumerate(np.eye(x.shape[1])))


def one_after_the_other(score_fn, x, v, step):
    """[SSM-1] A difference in one feature at a time."""
    v = v if v.ndim == 3 else v[None]

    def term(u):
        ends = [step * u * e for e in np.eye(x.shape[1], dtype=x.dtype)]
        change = sum(score_fn(x + h) - score_fn(x - h) for h in ends)
        return 0.5 * np.sum(u * score_fn(x), axis=1)**2 + np.sum(u * change, axis=1) / (2 * step)
    return np.mean([term(u) for u in v], axis=0)


def slopes_of_each(log_density):
    """[SCORE-1] Of two features at once a log density has no more than a product."""
    def along_axes(x):
        slope, axes = elementwise_grad(log_density), anp.eye(x.shape[1])
        zero = slope(0 * x)
        return zero + sum((slope(x * e) - zero) for e in axes)
    return along_axes


def likelihood_of_each(score_fn, x, sigma_min, sigma_max):
    """[SDE-3] The divergence is that of every feature alone."""
    B, D = x.shape

    def slope(t, state):
        y, sigma = state[:B * D].reshape(B, D), np.exp(t)
        trace = each_alone(lambda z: score_fn(z, sigma), y)
        return sigma**2 * np.append(-score_fn(y, sigma), trace)
    end = solve_ivp(slope, np.log([sigma_min, sigma_max]), np.append(x, np.zeros(B)),
                    method="DOP853", rtol=1e-9, atol=1e-12).y[:, -1]
    return refsgm.prior_log_density(end[:B * D].reshape(B, D), sigma_max) - end[B * D:]


APART = (
    ("hutchinson_divergence", of_the_first_row), ("sliced_score_matching_vr", of_the_mean_row),
    ("implicit_score_matching", diagonal_by_chance), ("directional_derivative", skew_by_chance),
    ("divergence", each_alone), ("finite_difference_ssm", one_after_the_other),
    ("score_of", slopes_of_each), ("log_likelihood", likelihood_of_each))


@pytest.mark.parametrize(("kind", "f"), APART, ids=[kind for kind, _ in APART])
def test_code_that_treats_features_apart_is_found(kind, f):
    """All of it is right for s(x) = x A + b - x^3."""
    report = refsgm.check(kind, f, "autograd" if kind == "score_of" else "numpy", seed=0,
                          seconds=60.0)
    assert not report.ok


def test_gradients_of_a_trace_are_those_of_all_features():
    """[OPS-2] d J_ii / d x_j is lost where the other features have no graph."""
    torch = pytest.importorskip("torch")

    def others_detached(score_fn, x):
        total = 0
        for i in range(x.shape[1]):
            own = x[:, i:i + 1] if x.requires_grad else x[:, i:i + 1].clone().requires_grad_()
            others = x.detach()
            s = score_fn(torch.cat([others[:, :i], own, others[:, i + 1:]], 1))[:, i]
            total = total + torch.autograd.grad(s.sum(), own, create_graph=True)[0][:, 0]
        return total
    assert refsgm.check("divergence", others_detached, "torch", seed=0).parts == {
        "gradient": "wrong"}


@pytest.mark.parametrize("make", [
    turned, flat_at_zero, lambda f: turned(curved(f)), lambda f: conservative(turned(f)),
    lambda f: turned(f).sharp(0.1, 0.3, BENDS[2])])
@pytest.mark.parametrize("dim", [1, 2, 5, MANY, MANY + 1])
def test_a_function_with_frames_knows_its_derivatives_and_its_energy(make, dim):
    """[OPS-1] [OPS-2] [SCORE-1] As those of automatic differentiation, in many features without."""
    rng = np.random.default_rng(0)
    f, (x, u) = make(Field(rng, dim)), rng.standard_normal((2, 3, dim))
    assert_allclose(f.divergence(x), refsgm.divergence(f, x), rtol=1e-9, atol=1e-9)
    assert_allclose(np.sum(u * f.jacobian_times(u, x), axis=1),
                    refsgm.directional_derivative(f, x, u), rtol=1e-9, atol=1e-9)
    gradient = conservative(f)
    gradient.matrices = ((f.A + f.A.T) / 2,)
    assert_allclose(refsgm.score_of(f.energy)(x), gradient(x), rtol=1e-9, atol=1e-9)
    assert bool(f.frames) == (1 < dim <= MANY)


def test_frames_are_orthogonal_and_couple_all_features():
    """In few dimensions no part of the divergence is lost: (Q R)_kk is not near zero."""
    for dim in range(2, 9):
        R, Q = frames_of(dim)
        assert_allclose(R @ R.T, np.eye(dim), atol=1e-12)
        assert_allclose(Q @ Q.T, np.eye(dim), atol=1e-12)
        assert np.min(np.abs(np.diag(Q @ R))) > 0.05
    f = flat_at_zero(Field(np.random.default_rng(0), 3))
    assert not np.any(f.jacobian_times(np.eye(3), np.zeros((1, 3))))
    assert np.all(f.jacobian_times(np.eye(3), np.full((1, 3), 0.5)))


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize("bend", [BENDS[1], EVEN], ids=lambda bend: bend.text)
def test_what_levels_off_has_numbers_wherever_float32_has(bend):
    """A step from the highest levels leads as far, and what is no number there hides its rounding.
    """
    far = np.array([1e10, -1e20, 1e30], np.float32)
    for f in (bend.value, bend.slope):
        assert np.all(np.isfinite(f(far)))


@pytest.mark.parametrize("kind", ["divergence", "score_of", "ddim_sampler", "log_likelihood"])
def test_random_probes_pass_functions_with_frames(kind):
    """A share of them, also of loops, whose states stay bounded."""
    specs = [spec for seed in range(3) for spec in random_specs(KINDS[kind], seed)]
    those = [a for spec in specs for a in arguments(KINDS[kind], spec).values()
             if isinstance(a, Field) and a.frames]
    assert len(those) > 0.06 * len(specs)
    assert kind == "log_likelihood" or any(f.bend is EVEN for f in those)


def test_small_questions_pass_functions_that_are_flat_in_the_first_row():
    """Of two rows and of three, and as many features."""
    asked = [one.args for one in meetings(KINDS["divergence"], 3, ("score_fn", "x"))]
    sizes = {a["x"].shape for a in asked if a["score_fn"].bend is EVEN
             and not np.any(a["x"][0]) and np.any(a["x"])}
    assert sizes == {(2, 2), (3, 3)}


@pytest.mark.parametrize("kind", ["divergence", "score_of"])
@pytest.mark.parametrize("make", [turned, lambda f: turned(f).sharp(0.1, 0.3, BENDS[1])])
def test_a_function_with_frames_is_what_foreign_code_and_a_program_have(kind, make):
    """Its value on foreign arrays, and of the text that is printed."""
    contract, rng = KINDS[kind], np.random.default_rng(0)
    name, f, x = contract.args[0], make(Field(rng, 3)), rng.standard_normal((4, 3))
    want = f.energy(x) if kind == "score_of" else f(x)
    caller = Caller(contract, None, numpy_framework())
    assert_allclose(caller.foreign(name, f, np.float64, None, [], 4)(x), want, rtol=1e-12)
    narrow = caller.foreign(name, f, np.float32, None, [], 4)(x.astype(np.float32))
    assert narrow.dtype == np.float32
    place = {"np": np}
    exec("\n".join(defined(contract, name, f)), place)
    assert_allclose(place[name](np.asarray)(x), want, rtol=1e-12)


def test_functions_with_frames_are_shrunk():
    """To fewer features, rounder numbers, and to one without frames, which is another function."""
    f = turned(Field(np.random.default_rng(0), 4))
    assert [m.shape for m in of_features({"score_fn": f}, slice(2))["score_fn"].frames] == [
        (2, 2)] * 2
    assert not same(f, without_frames(f))
    assert not same(f, rounded(f, 1))
    assert same(f, turned(f))
    report = refsgm.check("divergence", each_alone, seed=0)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(report.program, {})
    assert "@ Q" in report.program
    assert printed.getvalue().startswith("expected")
