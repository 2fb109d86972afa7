"""How a run is computed changes its speed, not its numbers: tapes, parts, blocks, kernels."""

from dataclasses import replace
from importlib.util import find_spec
from threading import Event, Thread

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from autograd.tracer import getval
from numpy.testing import assert_allclose

import refsgm
from refsgm.learn import kernels, pool
from refsgm.learn.adam import adam_and_average, in_blocks, update_blocks
from refsgm.learn.checkpoints import load_checkpoint, save_checkpoint
from refsgm.learn.generate import InParts, generate
from refsgm.learn.losses import OBJECTIVES
from refsgm.learn.networks import preconditioned
from refsgm.learn.pool import Way, at_work, chosen, rows_of_parts
from refsgm.learn.tape import repeated
from refsgm.learn.training import Settings, model_of, start, training_steps
from tests.support.tolerances import normal

needs_numba = pytest.mark.skipif(find_spec("numba") is None, reason="needs the extra 'fast'")
X = normal(0, 40, 2)


def trained(way, n_steps=12, x=X, **options):
    """The state after a run that is computed this way."""
    settings = Settings(**{"n_steps": n_steps, "width": 8, "depth": 2, "batch_size": 11,
                           "dtype": "float64", "warmup": 5} | options)
    state = replace(start(x, settings), way=way)
    for _ in training_steps(x, settings, state):
        pass
    return state


@pytest.mark.parametrize("energy", [False, True])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_tape_has_the_very_bits_of_what_it_recorded(monkeypatch, objective, energy):
    """[AD-1] Every loss, and its gradients, first as a function and then from its tape."""
    played = []
    play = refsgm.learn.tape.play
    monkeypatch.setattr("refsgm.learn.tape.play", lambda *args: (played.append(1), play(*args)))
    taped = trained(Way(), 6, objective=objective, energy=energy, depth=3)
    assert len(played) == 5                                   # all steps but the first
    monkeypatch.setattr("refsgm.learn.training.repeated", lambda function, fixed, into:
                        lambda *arrays: [r.__setitem__(..., v) for r, v in
                                         zip(into, function(*fixed, *arrays))])
    fresh = trained(Way(), 6, objective=objective, energy=energy, depth=3)
    np.testing.assert_array_equal(taped.weights, fresh.weights)
    np.testing.assert_array_equal(taped.losses, fresh.losses)


def test_a_function_that_branches_on_values_is_not_played():
    """The tape of one branch would be wrong for the other, also if that comes late."""
    def bent(a):
        return [a * 2.0 if anp.maximum(a[0], 0.0) else a * 3.0]

    result = np.zeros(2)
    evaluate = repeated(bent, [], [result])
    for a in ([1.0, 1.0], [2.0, 1.0], [3.0, 1.0], [-2.0, 1.0]):
        evaluate(np.array(a))
        np.testing.assert_array_equal(result, bent(np.array(a))[0])


def test_a_function_that_reads_numbers_unseen_is_not_played():
    """A tape that holds the numbers of the first arrays has other bits for the second."""
    result = np.zeros(2)
    evaluate = repeated(lambda a: [a * float(np.sum(getval(a)))], [], [result])
    for a in ([1.0, 1.0], [2.0, 1.0], [3.0, 1.0]):
        evaluate(np.array(a))
        np.testing.assert_array_equal(result, np.array(a) * sum(a))


def test_a_function_that_cannot_be_recorded_is_called():
    """What needs the numbers themselves is called with them, every time."""
    result = np.zeros(())
    evaluate = repeated(lambda a: [np.float64(float(a[0])**2)], [], [result])
    for a in (1.0, 2.0, 3.0):
        evaluate(np.array([a]))
        assert result == a**2


def test_parts_of_a_batch_give_the_gradient_of_the_whole():
    """[AD-1] A mean over a batch is the sum over its parts: 11 samples in two, and in three."""
    whole = trained(Way())
    for parts in (2, 3):
        assert_allclose(trained(Way(parts, 1)).average, whole.average, rtol=1e-12, atol=1e-14)


def test_adam_in_blocks_is_adam(monkeypatch):
    """[OPT-1] [OPT-2] Block by block, and from parts of the gradient, bit by bit."""
    monkeypatch.setattr("refsgm.learn.adam.BLOCK", 8 * 7)
    state = start(X, Settings(width=8, depth=1, dtype="float64"))
    whole = replace(state, **{name: getattr(state, name).copy() for name in (
        "weights", "gradient_sum", "square_sum", "average")})
    g = normal(1, len(state.weights), 1)[:, 0]
    blocks = list(in_blocks(state, [np.where(g > 0, g, 0), np.where(g > 0, 0, g)]))
    update_blocks(blocks, 4, 0.1, 0.99)
    adam_and_average(replace(whole, step=4), g.copy(), 0.1, 0.99)
    assert len(blocks) > 20
    for name in ("weights", "gradient_sum", "square_sum", "average"):
        np.testing.assert_array_equal(getattr(state, name), getattr(whole, name))


@needs_numba
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float32, 2e-7), (np.float64, 5e-16)])
def test_compiled_kernels_are_the_array_code(dtype, rtol):
    """[AD-2] [OPT-1] [OPT-2] tanh to the last digits, far out too; the rest bit by bit."""
    from refsgm.learn.fast import KERNELS
    a = np.concatenate([s * np.geomspace(1e-30, 60, 4000) for s in (1, -1)]).astype(dtype)
    a, b = np.append(a, [0, np.inf, -np.inf, np.nan]).astype(dtype)[:, None], np.zeros(1, dtype)
    y = KERNELS["tanh_of_sum"](a, b, np.empty_like(a))
    assert_allclose(y, np.tanh(a.astype(np.longdouble)).astype(np.float64), rtol=rtol, atol=0)
    a, h, b = (normal(i, *shape).astype(dtype) for i, shape in enumerate([(5, 3), (5, 3), (1, 3)]))
    y = KERNELS["tanh_of_sum"](a, b[0], np.empty_like(a))
    assert_allclose(y, np.tanh(a + b), rtol=4 * rtol, atol=0)
    np.testing.assert_array_equal(KERNELS["skip_and_tanh"](h, a.copy(), b[0]), h + y)
    np.testing.assert_array_equal(KERNELS["through_tanh"](h, y), (1 - y * y) * h)


@needs_numba
@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 1e-5), ("float64", 1e-12)])
def test_a_model_is_the_same_with_compiled_kernels(dtype, rtol):
    """[AD-2] [OPT-1] 200 steps with the kernels of Numba, against NumPy's."""
    options = {"n_steps": 200, "width": 16, "depth": 3, "batch_size": 32, "dtype": dtype}
    plain, fast = (trained(Way(1, None, fast), **options).average for fast in (False, True))
    assert not np.array_equal(plain, fast)                      # the kernels were used
    assert_allclose(fast, plain, rtol=0, atol=rtol * np.max(np.abs(plain)))


@needs_numba
@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 1e-5), ("float64", 1e-13)])
@pytest.mark.parametrize("energy", [False, True])
def test_compiled_scores_are_those_of_the_array_code(monkeypatch, energy, dtype, rtol):
    """[NET-1] [NET-2] [AD-2] Scores and gradients, rows with one level and with their own."""
    rng, x = np.random.default_rng(0), normal(1, 6, 3).astype(dtype)
    params = [p + rng.standard_normal(p.shape).astype(dtype) / 4 for p in refsgm.init_network(
        rng, 3, width=8, energy=energy, dtype=dtype)]
    center, asked = rng.standard_normal(3).astype(dtype), []

    def both(sigma):
        def loss(params, x):
            return anp.sum(preconditioned(params, x, sigma, 0.7, energy=energy, center=center)**2)
        return [preconditioned(params, x, sigma, 0.7, energy=energy, center=center),
                *grad(loss)(params, x), grad(loss, 1)(params, x)]

    from refsgm.learn.fast import KERNELS
    levels = [np.full((6, 1), 2, dtype), np.repeat([0.05, 3, 80], 2).astype(dtype)[:, None]]
    plain = [a for sigma in levels for a in both(sigma)]
    monkeypatch.setattr(kernels, "HOST", {
        name: lambda *args, name=name: (asked.append(name), KERNELS[name](*args))[1]
        for name in KERNELS})
    fast = [a for sigma in levels for a in both(sigma)]
    assert {"network_input", "waves", "score", "to_network"} <= {*asked}
    for a, b in zip(fast, plain):
        assert a.dtype == np.dtype(dtype)
        assert_allclose(a, b, rtol=0, atol=rtol * np.max(np.abs(b)))


@pytest.mark.parametrize("way", [Way(), Way(2, 1),
                                 pytest.param(Way(2, 1, True), marks=needs_numba)])
def test_a_resumed_run_keeps_its_way_bit_for_bit(tmp_path, way):
    """A checkpoint says how the run was computed, whatever would be chosen now."""
    settings = Settings(n_steps=9, width=8, depth=2, batch_size=11)
    state = replace(start(X, settings), way=way)
    steps = training_steps(X, settings, state)
    for _ in range(4):
        next(steps)
    save_checkpoint(tmp_path / "run.npz", X, settings, state)
    for _ in steps:
        pass
    _, again = load_checkpoint(tmp_path / "run.npz", X)
    assert again.way == way
    for _ in training_steps(X, settings, again):
        pass
    np.testing.assert_array_equal(again.average, state.average)


def test_the_way_follows_from_sizes_and_what_the_user_has_set_stands(monkeypatch):
    """Small products: one thread. Large ones: parts. A number of threads in the environment: it."""
    for name in pool.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pool, "processors", lambda: 2)
    monkeypatch.setattr(pool, "blas_libraries", lambda: ("some",))
    small, wide = [(18, 128), (128, 128), (128, 2)], [(80, 512), (512, 512), (512, 64)]
    assert chosen(128, small, 3, 10) == Way(1, 1, False)
    assert chosen(256, wide, 3, 10) == Way(2, 1, False)
    assert chosen(100, wide, 3, 10).parts == 1                 # too few rows for two
    assert chosen(256, wide, 3, 5000).fast == (find_spec("numba") is not None)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert chosen(256, wide, 3, 10) == Way(1, None, False)
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.setattr(pool, "blas_libraries", lambda: ())     # nothing that could set them
    assert chosen(256, wide, 3, 10) == Way(1, None, False)


def test_what_a_run_has_set_is_set_back_also_after_an_error(monkeypatch):
    """Threads of BLAS, and the kernels in use, are as before for whoever comes after a step."""
    class Library:
        threads = 7

        def get_num_threads(self):
            return self.threads

        def set_num_threads(self, n):
            self.threads = n

    kernels.on_host_use({"of": "someone"})
    library, seen = Library(), []
    monkeypatch.setattr(pool, "blas_libraries", lambda: (library,))
    run = at_work(Way(2, 1))
    assert run(lambda: seen.append(library.threads), lambda: 5) == [None, 5]
    with pytest.raises(ZeroDivisionError):
        run(lambda: 1 / 0, lambda: seen.append(library.threads))
    assert seen == [1, 1]
    assert library.threads == 7
    assert kernels.on_host_use({}) == {"of": "someone"}


def test_samples_in_parts_are_the_samples():
    """Rows of a batch do not depend on each other: two parts of it give the same chains."""
    model = model_of(X, settings := Settings(width=8, dtype="float64"), start(X, settings).average)
    model.params[-2][...] = normal(3, 8, 2)
    chains = []
    for parts in (1, 3):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("refsgm.learn.generate.chosen", lambda *_: Way(parts))  # noqa: B023
            chains.append(list(generate(model, 7, np.random.default_rng(0), steps_per_level=1))[-1])
    assert_allclose(chains[1], chains[0], rtol=1e-12, atol=1e-14)
    levels = np.geomspace(0.1, 1.0, 7)[:, None]
    in_parts = InParts(**vars(model), parts=3, run=at_work(Way(3)))
    assert_allclose(in_parts.score(X[:7], levels), model.score(X[:7], levels), rtol=1e-12)


def test_a_recorded_score_is_forgotten_with_another_model():
    """A model that is given other weights does not play what was recorded with the old ones."""
    model = model_of(X, settings := Settings(width=8, dtype="float64"), start(X, settings).average)
    model.params[-2][...] = normal(3, 8, 2)
    one = InParts(**vars(model), parts=2, run=at_work(Way(2)))
    first = [one.score(X[:6], 0.5) for _ in range(4)][-1]                     # played by then
    other = replace(one, params=[2 * p for p in model.params])
    assert_allclose(other.score(X[:6], 0.5), replace(
        model, params=[2 * p for p in model.params]).score(X[:6], 0.5), rtol=1e-12)
    assert np.max(np.abs(other.score(X[:6], 0.5) - first)) > 0.1


def test_rows_are_shared_evenly():
    """Every row is in one part, and no part has more than one row beyond another."""
    for n in (1, 7, 8):
        for parts in (1, 2, 3):
            rows = [list(range(n))[part] for part in rows_of_parts(n, parts)]
            assert sum(rows, []) == list(range(n))
            assert max(map(len, rows)) - min(map(len, rows)) <= 1


def test_a_trace_that_ends_in_one_thread_leaves_those_of_another_alone():
    """[AD-1] Second derivatives while a trace that began earlier in another thread ends."""
    begun, go = Event(), Event()

    def waits(x):
        begun.set()
        go.wait(20)
        return anp.sum(x**2)

    def outer(x):
        go.set()
        other.join(20)
        return anp.sum(grad(lambda y: anp.sum(y**2 * x))(x))                          # 2 x^2

    other = Thread(target=lambda: grad(waits)(np.ones(1)))
    other.start()
    begun.wait(20)
    assert_allclose(grad(outer)(np.array([2.0])), [8.0], rtol=1e-12)
