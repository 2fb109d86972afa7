"""The oracle gives the same verdicts on NumPy, autograd, torch and JAX arrays.

Every kind has a right and a wrong implementation in tests/oracle/kinds, and every framework has to
find the one right and the other wrong, with the same code.
"""

import numpy as np
import pytest
from autograd.tracer import getval

from refsgm.oracle.check import check
from refsgm.oracle.kinds import FUNCTIONS, KINDS, LOSS
from refsgm.oracle.kinds.wide import RANDOM
from tests.oracle.kinds import losses, portable
from tests.oracle.kinds.spaces import jax_space, numpy_space, torch_space

LOSSES = [name for name, contract in KINDS.items() if contract.form == LOSS]
PATIENCE = 100                         # s of a call: JAX compiles in the first, on a machine in use
SIDES = {                                     # name: (framework, dtype, what must be installed)
    "numpy": ("numpy", None, "numpy"),
    "autograd": ("autograd", None, "autograd"),
    "torch float64": ("torch", "float64", "torch"),
    "torch float32": ("torch", "float32", "torch"),
    "jax": ("jax", None, "jax"),
}
UNTRACED = FUNCTIONS | {"rng", "n_levels", "n_steps", "prediction", "variance",
                        "sigma_min", "sigma_max"}      # jit takes none, or no mathematics on them


def space_of(framework, dtype):
    """The functions that portable implementations need."""
    if framework == "torch":
        return torch_space(dtype)
    if framework == "autograd":
        return numpy_space()._replace(detach=getval)
    return jax_space() if framework == "jax" else numpy_space()


def compiled(pairs):
    """The same pairs for JAX, those of arrays alone under jit as such code is used: one program for
    each shape is made in a third of the time of one program for each operation of each shape."""
    import jax
    return {kind: pair._replace(right=jax.jit(pair.right), wrong=jax.jit(pair.wrong))
            if UNTRACED.isdisjoint(KINDS[kind].args) else pair for kind, pair in pairs.items()}


@pytest.fixture(scope="module", params=["numpy", "torch float64", "torch float32", "jax"])
def side(request):
    """(framework, dtype, {kind: Pair}); of PyTorch in float32 only the fixed probes are asked, as
    those beyond them are of the formula, and are asked in float64."""
    framework, dtype, module = SIDES[request.param]
    pytest.importorskip(module)
    pairs = portable(space_of(framework, dtype))
    with pytest.MonkeyPatch.context() as patch:
        if dtype == "float32":
            patch.setattr("refsgm.oracle.check.further_probes", lambda *given: ([], []))
        yield framework, dtype, compiled(pairs) if framework == "jax" else pairs


@pytest.fixture(scope="module", params=["autograd", "torch float64", "torch float32", "jax"])
def detached(request):
    """(framework, dtype, {loss: Pair}), every loss with a part that has no gradient."""
    framework, dtype, module = SIDES[request.param]
    pytest.importorskip(module)
    xp = space_of(framework, dtype)
    return framework, dtype, losses(xp, keep=xp.detach)


def test_every_kind_has_a_right_and_a_wrong_implementation():
    """No kind is left out of the comparison of frameworks."""
    assert set(portable(numpy_space())) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_right_implementation_is_right_in_every_framework(side, kind):
    """No false alarm; of a loss, its minimiser and, where there is one, its gradient too."""
    framework, dtype, pairs = side
    report = check(kind, pairs[kind].right, framework, dtype=dtype, seconds=PATIENCE)
    assert report.ok, report
    assert not report.diagnoses
    if kind in LOSSES:
        gradient = "not judged" if framework == "numpy" else "right"
        assert report.parts == {"value": "right", "minimiser": "right", "gradient": gradient}


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_implementation_gets_the_same_code_in_every_framework(side, kind):
    """The first diagnosis is that of the mistake that was made."""
    framework, dtype, pairs = side
    report = check(kind, pairs[kind].wrong, framework, dtype=dtype, seconds=PATIENCE)
    assert not report.ok
    assert report.diagnosis.code == pairs[kind].code, report


@pytest.mark.parametrize("kind", LOSSES)
def test_a_right_loss_has_the_gradient_of_autograd(kind):
    """Plain NumPy has none to judge; traced arrays have."""
    report = check(kind, losses(numpy_space())[kind].right, "autograd")
    assert report.ok
    assert report.parts == {"value": "right", "minimiser": "right", "gradient": "right"}


@pytest.mark.parametrize("kind", LOSSES)
def test_a_loss_that_drops_a_gradient_is_told_from_one_that_does_not(detached, kind):
    """Its value and minimiser are right, and the gradient alone is wrong."""
    framework, dtype, pairs = detached
    report = check(kind, pairs[kind].right, framework, dtype=dtype, seconds=PATIENCE)
    assert report.parts == {"value": "right", "minimiser": "right", "gradient": "wrong"}
    assert [d.code for d in report.diagnoses] == ["detached-gradient"]
    assert all(probe.ok for probe in report.probes)
    assert not report.ok


@pytest.mark.parametrize(("chosen", "asked"), [(None, "highest"), ("high", "high")])
def test_jax_is_asked_for_whole_products_unless_a_precision_was_chosen(chosen, asked):
    """On a GPU its default keeps ten bits of float32, which is no mistake of the code."""
    jax, seen = pytest.importorskip("jax"), set()

    def score(eps, sigma):
        seen.add(jax.config.jax_default_matmul_precision)
        return -eps / sigma
    with jax.default_matmul_precision(chosen):
        check("score_from_eps", score, "jax", seed=None)
        assert jax.config.jax_default_matmul_precision == chosen
    assert seen == {asked}


def test_jax_and_numpy_see_the_same_probes():
    """A verdict in another framework rests on the same arguments, but for those drawn at random."""
    jax = pytest.importorskip("jax")
    seen = {}
    for framework in ("numpy", "jax"):
        calls = []

        def score(eps, sigma, calls=calls):
            if not isinstance(eps, jax.core.Tracer) and not isinstance(sigma, jax.core.Tracer):
                calls.append((np.asarray(eps), np.asarray(sigma)))
            return -eps / sigma
        report = check("score_from_eps", score, framework)
        assert report.ok
        seen[framework] = {p.label: call for p, call in zip(report.probes, calls)
                           if p.situation.regime not in RANDOM}
    shared = set(seen["numpy"]) & set(seen["jax"])
    assert len(shared) > 12
    for label in shared:
        for a, b in zip(seen["numpy"][label], seen["jax"][label]):
            np.testing.assert_allclose(b, a, rtol=1e-6, atol=0)
