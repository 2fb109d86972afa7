"""What every public function has in common: pure, row by row, of the dtype of its input."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import refsgm
from tests.support.calls import CALLS, LOOPS, TABLES, B, D, Inputs, call
from tests.support.tolerances import EXACT

ROWWISE = sorted(CALLS)


def mapped(args, change):
    """The arguments with every array changed."""
    return tuple(change(a) if isinstance(a, np.ndarray) else a for a in args)


def rows(indices):
    """A change that takes rows of whatever has one row per sample, and leaves tables alone."""
    def take(a):
        if a.shape[:1] == (B,):
            return a[indices]
        return a[..., indices, :] if a.shape[-2:] == (B, D) else a
    return take


def test_every_public_function_is_called_here():
    """Nothing can be exported without these tests."""
    others = {"value_and_grad", "init_network", "score_network", "energy_network", "Model", "train",
              "Settings", "save_model", "load_model", "check", "check_sampler",
              "check_training", "check_sde", "backend",
              "GaussianMixture", "Gaussian", "Empirical"}
    assert set(refsgm.__all__) == set(CALLS) | set(TABLES) | set(LOOPS) | others
    assert all(getattr(refsgm, name).__doc__ for name in refsgm.__all__)


@pytest.mark.parametrize("name", [*ROWWISE, *sorted(TABLES), *sorted(LOOPS)])
def test_no_argument_is_changed(name):
    inputs = Inputs()
    args = (CALLS | TABLES | LOOPS)[name](inputs)
    before = mapped(args, np.copy)
    for a in args:
        if isinstance(a, np.ndarray):
            a.setflags(write=False)
    call(name, args)
    for a, b in zip(args, before):
        if isinstance(a, np.ndarray):
            assert_array_equal(a, b)


@pytest.mark.parametrize("per_row", [True, False], ids=["column", "number"])
@pytest.mark.parametrize("name", [*ROWWISE, *sorted(LOOPS)])
def test_float32_in_gives_float32_out(name, per_row):
    """Python numbers are weak; what comes in as a column is float32 here too."""
    args = mapped((CALLS | LOOPS)[name](Inputs(per_row=per_row)), np.float32)
    if any(isinstance(a, np.ndarray) for a in args):
        assert {np.asarray(result).dtype for result in call(name, args)
                if isinstance(result, np.ndarray)} <= {np.dtype("float32")}
    else:
        assert all(type(result) is float for result in call(name, args))


@pytest.mark.parametrize("name", ROWWISE)
def test_float32_agrees_with_float64(name):
    args = CALLS[name](Inputs())
    for low, high in zip(call(name, mapped(args, np.float32)), call(name, args)):
        assert_allclose(low, high, rtol=2e-4, atol=2e-4)      # 1e-7, amplified a thousandfold


@pytest.mark.parametrize("name", sorted(LOOPS))
def test_a_float64_table_does_not_widen_float32_states(name):
    args = LOOPS[name](Inputs())
    args = (args[0], args[1].astype(np.float32), *args[2:])
    assert call(name, args)[0].dtype == np.float32


@pytest.mark.parametrize("name", ROWWISE)
def test_rows_do_not_see_one_another(name):
    """A row alone, and rows in another order, give the same as in the batch."""
    args = CALLS[name](Inputs())
    whole = call(name, args)
    for indices in ([3], [4, 2, 0, 1, 3], [1, 1]):
        parts = call(name, mapped(args, rows(indices)))
        for part, result in zip(parts, whole):
            assert_allclose(part, result[indices], **EXACT)


@pytest.mark.parametrize("name", ROWWISE)
def test_a_column_of_equal_levels_is_that_number(name):
    """Noise levels of shape (B, 1) and numbers mean the same."""
    args = CALLS[name](Inputs(per_row=False))
    inputs = Inputs(per_row=False)
    inputs.column = lambda low, high, column=inputs.column: np.full((B, 1), column(low, high))
    for result, number in zip(call(name, CALLS[name](inputs)), call(name, args)):
        assert_allclose(result, np.broadcast_to(number, np.shape(result)), **EXACT)


@pytest.mark.parametrize("name", ROWWISE)
def test_an_empty_batch_gives_an_empty_result(name):
    for result in call(name, mapped(CALLS[name](Inputs()), rows(slice(0, 0)))):
        assert len(result) == 0


@pytest.mark.parametrize("name", ROWWISE)
def test_one_sample_of_one_feature_works(name):
    """B = 1 and D = 1."""
    def small(a):
        a = rows([0])(a)
        return a[..., :1] if a.shape[-1:] == (D,) else a
    for result in call(name, mapped(CALLS[name](Inputs()), small)):
        assert result.shape in ((1,), (1, 1))
