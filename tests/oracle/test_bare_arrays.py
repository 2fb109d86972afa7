"""A library whose arrays have operators and no methods, as TensorFlow's, takes one adapter."""

import math

import numpy as np
import pytest

from refsgm import check
from refsgm.oracle.calls import frameworks
from refsgm.oracle.calls.frameworks import Framework


class Bare:
    """An array with operators, a shape and a dtype."""

    def __init__(self, a):
        self.a = np.asarray(a)
        self.shape, self.dtype = self.a.shape, self.a.dtype

    def __getitem__(self, index):
        return Bare(self.a[index])

    def __matmul__(self, other):
        assert self.a.ndim > 1 < other.a.ndim              # TensorFlow multiplies matrices alone
        return Bare(self.a @ other.a)

    def __pow__(self, power):
        return Bare(self.a**power)

    def __neg__(self):
        return Bare(-self.a)


def operator(name):
    """An operator of NumPy's arrays, between bare arrays and numbers."""
    def apply(self, other):
        return Bare(getattr(self.a, name)(other.a if isinstance(other, Bare) else other))
    return apply


for word in ("add", "sub", "mul", "truediv"):
    for side in ("", "r"):
        setattr(Bare, f"__{side}{word}__", operator(f"__{side}{word}__"))


def total(a, axis):
    """The sum over an axis, or several, as a function of the library."""
    return Bare(np.sum(a.a, axis=axis))


def by_differences(loss, theta):
    """The library's gradient along its one start; a loss is quadratic, so any step is exact."""
    unit = np.eye(len(theta))
    values = [[float(loss(Bare(theta + sign * u)).a) for sign in (1, -1)] for u in unit]
    return [np.array([(plus - minus) / 2 for plus, minus in values])]


@pytest.fixture
def bare(monkeypatch):
    """The name of the library, in the table of frameworks."""
    monkeypatch.setitem(frameworks.FRAMEWORKS, "bare", lambda: Framework(
        "bare", Bare, lambda a: a.a if isinstance(a, Bare) else np.asarray(a), by_differences,
        False, reshape=lambda a, shape: Bare(a.a.reshape(shape)), sum=total,
        mean=lambda a: Bare(np.mean(a.a)), transpose=lambda a: Bare(a.a.T),
        dot=lambda a, b: Bare(a.a @ b.a)))
    return "bare"


def dsm(score_fn, x, sigma, eps):
    """DSM of flat data or of images."""
    residual = score_fn(x + sigma * eps, sigma) + eps / sigma
    return 0.5 * total(residual * residual, tuple(range(1, len(x.shape))))


@pytest.mark.parametrize("options", [{}, {"levels": "scalar"},
                                     {"event_shape": (2, 2), "levels": "trailing"}])
def test_a_loss_on_arrays_without_methods_is_judged(bare, options):
    """Value, minimiser and gradient are right, of flat data and of images."""
    report = check("denoising_score_matching", dsm, bare, dtype="float64", **options)
    assert report.right
    assert set(report.parts.values()) == {"right"}


def test_a_mistake_on_arrays_without_methods_is_named(bare):
    """The missing half is named as in any library."""
    report = check("denoising_score_matching", lambda *args: 2 * dsm(*args), bare)
    assert report.diagnosis.code == "half"


def test_a_density_on_arrays_without_methods_can_be_passed(bare):
    """An energy is made of the library's sums; its gradient is known to the test."""
    def score_of(log_density):
        def score(x):
            unit = np.eye(math.prod(x.shape[1:]))
            return Bare(np.stack([(log_density(Bare(x.a + 1e-4 * u)).a
                                   - log_density(Bare(x.a - 1e-4 * u)).a) / 2e-4 for u in unit], 1))
        return score
    assert max(p.error for p in check("score_of", score_of, bare, dtype="float64").probes) < 1e-5
