"""Everything public on a device: the strict stand-in has NumPy's numbers, and refuses the rest.

With `pytest -m gpu`, on a machine that has a GPU, the same tests run on CuPy's arrays.
"""

import inspect
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from numpy.testing import assert_allclose, assert_array_equal

import refsgm
from refsgm.arrays import DEVICES
from refsgm.learn.autodiff import dense, dense_tanh, value_and_grad
from refsgm.learn.backend import register
from refsgm.learn.generate import SAMPLERS, generate
from refsgm.learn.kernels import KERNELS
from refsgm.learn.batches import drawn_batches
from refsgm.learn.checkpoints import load_checkpoint, load_model, save_checkpoint, save_model
from refsgm.learn.training import (OBJECTIVES, STEPS_PER_READ, Settings, model_of, read_losses,
                                   start, training_steps)
from tests.support.calls import CALLS, LOOPS, TABLES, D, Inputs, call, last, score
from tests.support.device_array import (COUNT, DEVICE, FUNCTIONS, DeviceArray, DeviceGenerator,
                                        Kernel, to_device, to_host)
from tests.support.tolerances import STANDARD_ERRORS, normal

register(DeviceArray, DEVICE)


class Place(NamedTuple):
    """Where a test computes: how arrays get there, their type, and how near NumPy's they are."""

    move: Callable
    type: type
    tolerance: float

    def put(self, a):
        """Arrays, generators and distributions, in tuples and lists too, there."""
        return to_device(a, self.move)

    def same(self, there, here):
        """Two results, or tuples of them, with the same numbers."""
        if isinstance(here, (tuple, list)):
            assert len(there) == len(here)
            for a, b in zip(there, here):
                self.same(a, b)
        else:
            assert_allclose(to_host(there), here, rtol=self.tolerance, atol=self.tolerance)
            assert np.ndim(here) == 0 or there.dtype == here.dtype


@pytest.fixture(params=["stand-in", pytest.param("gpu", marks=pytest.mark.gpu)])
def place(request):
    if request.param == "stand-in":
        return Place(DeviceArray, DeviceArray, 1e-14)      # the same operations in the same order
    gpu = refsgm.backend("cupy")
    return Place(gpu.asarray, gpu.module.ndarray, 1e-12)   # sums in another order


HOST_TABLES = {"geometric_sigmas", "karras_sigmas", "linear_betas", "cosine_alpha_bar",
               "convergence_order", "langevin_law", "annealed_langevin_law", "score_of"}


@pytest.mark.parametrize("per_row", [True, False], ids=["column", "number"])
@pytest.mark.parametrize("name", sorted(set(CALLS | TABLES | LOOPS) - HOST_TABLES))
def test_every_public_function_gives_the_same_numbers_on_a_device(place, name, per_row):
    build = (CALLS | TABLES | LOOPS)[name]
    result = call(name, place.put(build(Inputs(per_row=per_row))))
    place.same(result, call(name, build(Inputs(per_row=per_row))))
    assert any(isinstance(a, place.type) for a in result) or all(
        type(a) is float for a in result), "the result has left the device"


@pytest.mark.parametrize("name", sorted(CALLS))
def test_a_device_keeps_float32(place, name):
    args = tuple(a.astype(np.float32) if isinstance(a, np.ndarray) else a
                 for a in CALLS[name](Inputs()))
    for a in call(name, place.put(args)):
        assert a.dtype == np.float32


@pytest.mark.parametrize("name", ["langevin_law", "annealed_langevin_law"])
def test_exact_laws_on_the_line_are_numpys_and_ask_for_scores_on_the_device(place, name):
    """[POP-7]"""
    asked = []
    args = TABLES[name](Inputs())
    watched = lambda x, *level: asked.append(type(x)) or args[0](x, *level)
    law = getattr(refsgm, name)(watched, *place.put(args[1:]))
    exact = getattr(refsgm, name)(*args)
    assert set(asked) == {place.type}
    place.same((law.weights, law.means), (exact.weights, exact.means))


def test_the_order_of_a_sampler_is_the_same_on_a_device(place):
    """[POP-4]"""
    args = TABLES["convergence_order"](Inputs())
    order = refsgm.convergence_order(*place.put(args))
    place.same(order[:2], refsgm.convergence_order(*args)[:2])


def distributions():
    rng = np.random.default_rng(0)
    A = rng.standard_normal((3, D, D))
    yield refsgm.GaussianMixture(np.array([0.2, 0.3, 0.5]), rng.standard_normal((3, D)),
                                 A @ np.swapaxes(A, 1, 2) + np.eye(D))
    yield refsgm.Gaussian(rng.standard_normal(D), A[0] @ A[0].T + np.eye(D))
    yield refsgm.Empirical(rng.standard_normal((7, D)), 0.5)


@pytest.mark.parametrize("p", list(distributions()), ids=lambda p: type(p).__name__)
@pytest.mark.parametrize("method", [
    "log_density", "score", "score_jacobian", "denoise", "denoise_cov", "sample", "quadrature",
    "perturb"])
def test_distributions_are_the_same_on_a_device(place, p, method):
    """[MIX-4] [MIX-5] [MIX-6] [MIX-7] [POP-1]"""
    i = Inputs()
    args = {"sample": (6, np.random.default_rng(3)), "quadrature": (3,), "perturb": (0.7, 0.9),
            "denoise": (i.x, i.column(0.5, 2), 0.9), "denoise_cov": (i.x, i.column(0.5, 2), 0.9),
            }.get(method, (i.x,))
    on_device = getattr(place.put(p), method)(*place.put(args))
    on_host = getattr(p, method)(*args)
    if method == "perturb":
        on_device, on_host = on_device.score(place.move(i.x)), on_host.score(i.x)
    place.same(on_device, on_host)


@pytest.mark.parametrize("sigma", [0.5, 1e-6])
def test_mixtures_by_matrix_products_are_the_same_on_a_device(place, monkeypatch, sigma):
    """[MIX-2] [MIX-3] With points that are close to one mean, which are summed up again."""
    from refsgm.exact import sums
    monkeypatch.setattr(sums, "DIRECT", 0)
    monkeypatch.setattr(sums, "ENTRIES", 64)
    monkeypatch.setitem(DEVICES, place.type, DEVICES[place.type]._replace(free_memory=lambda: 0))
    means = normal(0, 40, D)
    means[10:13], means[13:16] = means[:3], means[:3] + 1e-6
    x = np.concatenate([normal(1, 3, D), means[:4] + 1e-7])
    args = x, np.full(40, 1 / 40), means, sigma
    for f in (refsgm.mixture_score, refsgm.mixture_log_density):
        place.same(f(*place.put(args)), f(*args))


FUNCTIONS_OF_X = {
    "esm": lambda x, i: refsgm.explicit_score_matching(score, x, i.y),
    "ism": lambda x, i: refsgm.implicit_score_matching(score, x),
    "ssm": lambda x, i: refsgm.sliced_score_matching(score, x, i.v),
    "ssm-vr": lambda x, i: refsgm.sliced_score_matching_vr(score, x, i.v),
    "fd-ssm": lambda x, i: refsgm.finite_difference_ssm(score, x, i.v, 0.1),
    "dsm": lambda x, i: refsgm.denoising_score_matching(score, x, 0.5, i.y),
    "ncsn": lambda x, i: refsgm.noise_conditional_score_matching(score, x, i.sigmas, i.eps_levels),
    "ddpm": lambda x, i: refsgm.ddpm_loss(score, x, 0.5, i.y),
    "mixture": lambda x, i: refsgm.mixture_log_density(x, i.weights, i.means, 0.5),
    "gaussian": lambda x, i: refsgm.gaussian_log_density(x, i.y, 0.5),
    "distribution": lambda x, i: i.p.log_density(x),
}


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("name", FUNCTIONS_OF_X)
def test_gradients_are_the_same_on_a_device(place, name, order):
    """[AD-1] Of losses and log densities with respect to x, and gradients of gradients."""
    inputs, moved = Inputs(), Inputs()
    inputs.p = next(distributions())
    for key, value in vars(inputs).items():
        setattr(moved, key, place.put(value) if key != "rng" else value)

    def gradient(i):
        total = lambda x: anp.sum(FUNCTIONS_OF_X[name](x, i))
        if order == 1:
            return grad(total)
        return grad(lambda x: anp.sum(anp.sin(grad(total)(x))))
    place.same(gradient(moved)(moved.x), gradient(inputs)(inputs.x))


@pytest.mark.parametrize("energy", [False, True])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_gradient_of_every_objective_is_the_same_on_a_device(place, objective, energy):
    """[AD-1] [AD-2] [NET-1] [NET-2] With respect to the weights, through the score's own."""
    i = Inputs()
    params = refsgm.init_network(np.random.default_rng(0), D, 8, 2, energy=energy)
    params[-2] = normal(5, *params[-2].shape)
    network = refsgm.energy_network if energy else refsgm.score_network

    def loss(params, *batch):
        s = lambda x, sigma: network(params, x, sigma, 0.7)
        return anp.mean(OBJECTIVES[objective](s, *batch))
    batch = i.x, i.column(0.5, 2), i.y, i.v[0]
    on_device = value_and_grad(loss)(place.put(params), *place.put(batch))
    on_host = value_and_grad(loss)(params, *batch)
    place.same(tuple(on_device[1]), tuple(on_host[1]))
    place.same(on_device[0], on_host[0])


def trained(x, settings, n=None):
    """The state of a run on data x after n steps, or at its end."""
    state = start(x, settings)
    for _ in zip(range(n or settings.n_steps), training_steps(x, settings, state)):
        pass
    read_losses(state, settings)
    return state


@pytest.mark.parametrize("energy", [False, True])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_run_with_numpys_noise_is_the_same_run_on_a_device(place, objective, energy):
    """[OPT-1] [OPT-2] [NET-1] [NET-2] Losses and weights of 20 steps, kernels and all."""
    x = normal(0, 50, 2)
    settings = Settings(objective=objective, energy=energy, n_steps=20, width=8, batch_size=16,
                        dtype="float64", noise="numpy")
    here, there = trained(x, settings), trained(place.move(x), settings)
    for name in ("losses", "weights", "average"):
        assert_allclose(to_host(getattr(there, name)), getattr(here, name), rtol=1e-12, atol=1e-12)
    assert isinstance(model_of(place.move(x), settings, there.average).params[0], place.type)


@pytest.mark.parametrize("energy", [False, True])
def test_a_labelled_run_and_its_guided_samples_are_the_same_on_a_device(place, energy):
    """[GUIDE-1] [NET-1] Labels are hidden in the same steps; the held-out loss is the same too."""
    x, y, models = normal(0, 50, 2), np.arange(50) % 3, []
    for data in (x, place.move(x)):
        models.append(refsgm.train(data, y, energy=energy, n_steps=10, width=8, batch_size=16,
                                   dtype="float64", noise="numpy", held_out=0.2))
    here, there = models
    assert_allclose(here.history["held_out"], there.history["held_out"], rtol=1e-12, atol=1e-12)
    for labels in (1, [0, 1, 2, 0]):
        a, b = (to_host(model.of_class(labels, 2.0).score(data[:4], 0.7))
                for model, data in ((here, x), (there, place.move(x))))
        assert_allclose(a, b, rtol=1e-12, atol=1e-12)
    samples = there.sample(4, label=1, guidance=2.0, sampler="heun", n_steps=3)
    assert samples.shape == (4, 2)
    assert type(samples) is np.ndarray


@pytest.mark.parametrize("objective", ["dsm", "ssm"])
def test_a_run_with_the_noise_of_its_device_goes_on_bit_for_bit(place, objective, tmp_path):
    """Its numbers depend on the seed and on the step alone: stopped inside a block of them too."""
    x, path = place.move(normal(0, 50, 2)), tmp_path / "run.npz"
    settings = Settings(objective=objective, n_steps=40, width=8, batch_size=16)
    whole, part = trained(x, settings), trained(x, settings, 17)
    save_checkpoint(path, x, settings, part)
    _, resumed = load_checkpoint(path, x)
    list(training_steps(x, settings, resumed))
    other = trained(x, replace(settings, seed=1))
    for name in ("weights", "average", "losses"):
        assert_array_equal(to_host(getattr(resumed, name)), to_host(getattr(whole, name)))
        assert np.any(to_host(getattr(other, name)) != to_host(getattr(whole, name)))


def test_the_noise_of_a_device_is_of_the_right_law_and_every_sample_is_seen_once_in_a_pass(place):
    """[NCSN-1] Standard normal noise, levels of the table, directions of signs if they are used."""
    x, seen = place.move(np.arange(1000.0)[:, None].astype(np.float32)), []
    settings = Settings(objective="ssm", batch_size=100, n_steps=20)
    state = start(x, settings)
    for _, batch in zip(range(20), drawn_batches(x, settings, state)):
        seen.append([to_host(a) for a in batch])
        state.step += 1
    rows, sigma, eps, v = map(np.concatenate, zip(*seen))
    for part in (rows[:1000], rows[1000:]):
        assert_array_equal(np.sort(part[:, 0]), np.arange(1000))
    assert set(sigma[:, 0]) == set(settings.fitted(x).sigmas())
    assert set(v[:, 0]) == {-1.0, 1.0}
    assert abs(np.mean(v)) < STANDARD_ERRORS / 2000**0.5
    assert abs(np.mean(eps)) < STANDARD_ERRORS / 2000**0.5
    assert abs(np.mean(eps**2) - 1) < STANDARD_ERRORS * (2 / 2000)**0.5
    batch = next(drawn_batches(x, replace(settings, objective="dsm"), start(x, settings)))
    assert batch[3] is None


def test_a_run_that_diverges_on_a_device_names_the_step_and_keeps_the_last_good_checkpoint(
        place, tmp_path):
    """Losses are read every STEPS_PER_READ steps, and before a checkpoint is written."""
    x, path = place.move(normal(0, 50, 2)), tmp_path / "run.npz"
    settings = Settings(n_steps=40, width=8, batch_size=16, noise="numpy")
    state = start(x, settings)
    steps = training_steps(x, settings, state)
    for _ in range(10):
        next(steps)
    save_checkpoint(path, x, settings, state)
    good = path.read_bytes()
    state.weights[0:5] = float("nan")
    for _ in range(5):
        next(steps)
    with pytest.raises(ValueError, match=r"must stay finite, got (nan|inf) in step 10: lower"):
        save_checkpoint(path, x, settings, state)
    assert path.read_bytes() == good


def counted(do, n):
    """What a device is asked for by each of n calls, on average."""
    COUNT.clear()
    for _ in range(n):
        do()
    return {what: COUNT[what] / n for what in ("launches", "copies", "waits")}


def test_a_step_asks_little_of_a_device():
    """Launches of one step, moves to the device, and waits; drawn noise and read losses apart."""
    x = DeviceArray(normal(0, 2000, 2))
    settings = Settings(n_steps=400, width=8, batch_size=16)
    state = start(x, settings)
    steps = training_steps(x, settings, state)
    next(steps)
    assert counted(lambda: next(steps), 1) == {"launches": 45, "copies": 0, "waits": 0}
    many = counted(lambda: next(steps), 2 * STEPS_PER_READ)
    assert many["launches"] < 46.5
    assert many["waits"] == 1 / STEPS_PER_READ
    assert many["copies"] == 0
    model, rng = model_of(x, settings, state.average), DeviceGenerator(0)
    y = rng.standard_normal((5, 2), dtype=np.float32)
    chain = refsgm.annealed_langevin(model.score, y, model.sigmas, 100, 0.01, rng)
    flow = refsgm.probability_flow_sampler(model.score, y, model.sigmas)
    for sampler, most in ((chain, 16), (flow, 32)):
        next(sampler)
        asked = counted(lambda s=sampler: next(s), 3)
        assert asked["launches"] <= most
        assert asked["copies"] == asked["waits"] == 0


@pytest.mark.parametrize("energy", [False, True])
def test_kernels_compute_what_the_array_code_computes(place, energy, monkeypatch):
    """[NET-1] [NET-2] [AD-2] [OPT-1] [OPT-2] Scores, second derivatives, and steps of Adam."""
    x, settings = place.move(normal(0, 50, 2)), Settings(
        objective="ism", energy=energy, n_steps=6, width=8, batch_size=16, dtype="float64")
    y = place.move(normal(1, 5, 2))
    results = []
    for device in (DEVICES[place.type], DEVICES[place.type]._replace(kernel=None)):
        monkeypatch.setitem(DEVICES, place.type, device)
        state = trained(x, settings)
        model = model_of(x, settings, state.average)
        slope = grad(lambda y, m=model: anp.sum(m.score(y, 0.7)**2))(y)
        results.append([model.score(y, 0.7), slope, model.eps(y, 0.1),
                        state.weights, state.gradient_sum, state.square_sum, state.average])
    for fused, plain in zip(*results):
        assert_allclose(to_host(fused), to_host(plain), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_is_c_too(name, tmp_path):
    """Where there is a C++ compiler: its body between declarations, as CuPy compiles it."""
    compiler = shutil.which("c++") or pytest.skip("needs a C++ compiler")
    inputs, outputs, body = KERNELS[name]
    assert not re.search(r"\*\*|[0-9]\.|\.[0-9]", body), "no C, or a double among floats"
    words = "".join(f"const {a} = 2;\n" for a in inputs.split(", "))
    words += "".join(f"{a};\n" for a in outputs.split(", "))
    head = "#include <cmath>\nusing namespace std;\ntypedef float T;\n"
    (tmp_path / "kernel.cpp").write_text(f"{head}void f() {{\n{words}{body};\n}}")
    subprocess.run([compiler, "-fsyntax-only", "-Werror=narrowing", tmp_path / "kernel.cpp"],
                   check=True)


def test_the_scripts_for_a_gpu_run_on_the_stand_in(tmp_path):
    """The table of agreement and the times, small; all steps: DRY=1 bash scripts/run_on_gpu.sh"""
    done = subprocess.run(["bash", "scripts/run_on_gpu.sh"], text=True, capture_output=True,
                          cwd=Path(__file__).parents[1], env=os.environ | {
                              "DRY": "1", "OUT": str(tmp_path), "STEPS": "nothing agreement",
                              "PY": sys.executable})
    assert done.returncode == 0, done.stdout[-3000:]
    assert "72 of 72 rows agree" in done.stdout
    assert sorted(os.listdir(tmp_path)) == ["agreement.json", "log.txt"]


def test_a_step_of_the_script_that_fails_does_not_stop_the_next(tmp_path):
    """Its exit code is 1 if the tests or the agreement failed, and 0 if only another step did."""
    python = tmp_path / "python"
    python.write_text(f'#!/bin/bash\n[[ "$*" == *"$FAIL"* ]] && exit 3\n[[ "$*" == -[c\\ ]* ]] && '
                      f'exec {sys.executable} "$@"\nexit 0\n')
    python.chmod(0o755)
    for fail, code in (("gpu_agreement", 1), ("refsgm demo", 0)):
        done = subprocess.run(["bash", "scripts/run_on_gpu.sh"], text=True, capture_output=True,
                              cwd=Path(__file__).parents[1], env=os.environ | {
                                  "DRY": "1", "OUT": str(tmp_path / "out"), "PY": str(python),
                                  "FAIL": fail})
        assert done.returncode == code
        assert done.stdout.count("FAILED with exit code 3") == 1
        assert done.stdout.count(": ok after") == 9


def test_arrays_of_two_dtypes_take_the_array_code(place):
    """A kernel has one type of number: float64 data with float32 weights must work without it."""
    params = refsgm.init_network(np.random.default_rng(0), 2, 8, dtype=np.float32)
    x = normal(0, 5, 2)
    place.same(refsgm.score_network(place.put(params), place.move(x), 0.5, 0.7),
               refsgm.score_network(params, x, 0.5, 0.7))


@pytest.mark.parametrize("index", ["one", "pair", "rows of a stack"])
def test_the_gradient_of_an_index_adds_up_entries_that_occur_twice(place, index):
    """[AD-1] Rows and entries that are taken by arrays of integers on the device."""
    x, (i, j) = normal(0, 4, 3, 2), np.array([[0, 3, 3, -1], [2, 1, 1, 0]])

    def total(x, i, j):
        taken = {"one": lambda: x[:, 0, 0][i], "pair": lambda: x[i, j],
                 "rows of a stack": lambda: x[:, 0][i]}[index]()
        return anp.sum(taken**3)
    for f in (total, lambda x, i, j: anp.sum(grad(total)(x, i, j)**2)):
        place.same(grad(f)(*place.put((x, i, j))), grad(f)(x, i, j))


def test_a_power_keeps_float32_on_a_device(place):
    """[AD-1] Of a NumPy number of its dtype, and of a Python number with a traced exponent."""
    x = place.move(np.ones((2, 2), np.float32))
    for f in (lambda x: x**np.float32(2.0), lambda x: 2.0**x):
        assert grad(lambda x, f=f: anp.sum(f(x)))(x).dtype == np.float32


def test_a_mixture_takes_blocks_of_the_size_that_a_device_has_memory_for(monkeypatch):
    from refsgm.exact import sums
    x = DeviceArray(np.ones((4, 2), np.float32))
    for free, entries in ((2**36, 2**29), (0, sums.ENTRIES)):
        monkeypatch.setitem(DEVICES, DeviceArray, DEVICE._replace(free_memory=lambda n=free: n))
        assert sums.entries_at_once(x) == entries


def test_axes_do_not_depend_on_the_signs_of_a_solver():
    """[MIX-4] Eigenvectors have no sign of their own; samples and nodes must not either."""
    p = next(distributions())
    assert_allclose(np.einsum("kij,kj,klj->kil", p.axes, p.variances, p.axes), p.covs,
                    rtol=1e-12, atol=1e-12)
    assert np.all(np.einsum("i,kij->kj", 1 + 0.618034 * np.arange(D), p.axes) > 0)


def test_a_run_goes_on_elsewhere_and_its_model_can_be_saved(place, tmp_path):
    x, settings = normal(0, 50, 2), Settings(n_steps=12, width=8, batch_size=16, dtype="float64",
                                             noise="numpy")
    data, whole = place.move(x), start(x, settings)
    list(training_steps(x, settings, whole))
    state = start(data, settings)
    for _ in zip(range(5), training_steps(data, settings, state)):
        pass
    save_checkpoint(tmp_path / "run.npz", data, settings, state)
    _, state = load_checkpoint(tmp_path / "run.npz", x)
    list(training_steps(data, settings, state))
    assert_allclose(state.average.get(), whole.average, rtol=1e-11, atol=1e-13)
    save_model(tmp_path / "model.npz", model_of(data, settings, state.average))
    assert_array_equal(load_model(tmp_path / "model.npz").params[0],
                       model_of(x, settings, state.average.get()).params[0])


@pytest.mark.parametrize("energy", [False, True])
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_sampler_is_the_same_on_a_device(place, sampler, energy):
    model = refsgm.train(normal(0, 50, 2), n_steps=3, width=8, energy=energy, dtype="float64")
    options = {"n_steps": 4, "steps_per_level": 2, "eta": 0.5}
    rng = DeviceGenerator(1, place.move)
    on_device = generate(model.moved(place.move), 5, rng, sampler, **options)
    on_host = generate(model, 5, np.random.default_rng(1), sampler, **options)
    assert_allclose(last(on_device).get(), last(on_host), rtol=1e-12, atol=1e-12)


A, B, u = normal(1, 4, 3), normal(2, 3, 2), normal(3, 3)
OPERATIONS = {                                  # each a function of arrays there, and the arrays
    "dot of matrices": (anp.dot, A, B), "dot of vectors": (anp.dot, u, u + 1),
    "matrix dot vector": (anp.dot, A, u), "vector dot matrix": (anp.dot, u, B),
    "matmul": (anp.matmul, A, B), "einsum": (lambda a, b: anp.einsum("ij,jk->ki", a, b), A, B),
    "einsum of three": (lambda a, b, u: anp.einsum("ij,jk,j->i", a, b, u), A, B, u),
    "max": (lambda a: anp.max(a, axis=1), A), "min": (lambda a: anp.min(a), A),
    "sum over axes": (lambda a: anp.sum(a, axis=(0, -1)), A),
    "sum of one": (lambda a: anp.sum(a, axis=-1, keepdims=True), A),
    "mean": (lambda a: anp.mean(a, axis=0), A),
    "where": (lambda a, u: anp.where(a > u, a, u), A, u),
    "power": (lambda a: a**3 + a**2 + a**1 + a**0, A), "root": (lambda a: (1 + a * a)**-0.5, A),
    "power of a NumPy number": (lambda a: a**np.float64(3.0), A),
    "exponent": (lambda a: 2.0**a + 3**a, A),
    "broadcast": (lambda a, u: (a + u) * u - u / (2 + a * a), A, u),
    "concatenate": (lambda a, b: anp.concatenate([a, b.T, a], axis=0), A, B),
    "stack": (lambda a, u: anp.stack([a[0], u], axis=1), A, u),
    "slices": (lambda a: a[1:, ::2] * a[0, 0], A), "one entry": (lambda u: u[1] * u, u),
    "reshape": (lambda a: anp.reshape(a, (2, 6)).T, A),
    "reshape in an order": (lambda a: anp.reshape(a, (2, 6), order="F") ** 2, A),
    "ravel": (lambda a: anp.ravel(a)[1:], A), "new axis": (lambda a: a[:, None] * a[None], A),
}


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_have_the_same_gradients_on_a_device(place, name, order):
    """[AD-1] The rules of autograd_rules.py, and those of autograd that need no other."""
    f, *arrays = OPERATIONS[name]
    for i in range(len(arrays)):
        def total(*arrays):
            return anp.sum(anp.sin(f(*arrays)))
        gradient = grad(total, i)
        if order == 2:
            gradient = grad(lambda *arrays, g=gradient: anp.sum(anp.cos(g(*arrays))), i)
        place.same(gradient(*place.put(arrays)), gradient(*arrays))


# What the stand-in refuses: each of these would be an error, or a silent wait, with CuPy.
a, h = DeviceArray(np.ones((2, 2))), np.ones((2, 2))
square = Kernel("T x", "T y", "y = x * x", "square")
REFUSED = {
    "a host array on the right": lambda: a + h,
    "a host array on the left": lambda: h * a,
    "a product with a host array": lambda: a @ h,
    "a host array in a list": lambda: np.concatenate([a, h]),
    "a host array in place": lambda: a.__iadd__(h),
    "the result in a host array": lambda: np.add(a, a, out=h),
    "assignment from a host array": lambda: a.__setitem__(0, h[0]),
    "assignment to a host array": lambda: h.__setitem__(0, a[0]),
    "a host index": lambda: a[np.array([0])],
    "a host array indexed by it": lambda: h[DeviceArray(np.array([0]))],
    "a list as index": lambda: a[[0]],
    "a mask": lambda: a[a > 0],
    "conversion by asarray": lambda: np.asarray(a),
    "conversion by array": lambda: np.array(a),
    "conversion in a list": lambda: np.array([a[0, 0], a[0, 1]]),
    "conversion to a buffer": lambda: memoryview(a),
    "float()": lambda: float(a[0, 0]),
    "int()": lambda: int(a[0, 0]),
    "bool()": lambda: bool(a[0, 0] > 0),
    "an if": lambda: 1 if np.any(a > 0) else 0,
    "max() of Python": lambda: max(a[0, 0], a[0, 1]),
    "iteration": lambda: list(a),
    "unpacking": lambda: (lambda x, y: x)(*a),
    "zip": lambda: list(zip(a, a)),
    "in": lambda: 1.0 in a,
    "math functions": lambda: __import__("math").sqrt(a[0, 0]),
    "a format": lambda: f"{a[0, 0]:.3f}",
    "a function without counterpart": lambda: np.geomspace(a[0, 0], a[0, 1]),
    "a result of unknown size": lambda: np.flatnonzero(a),
    "a keyword without counterpart": lambda: np.max(a, initial=0.0),
    "saving": lambda: np.save("/dev/null", a),
    "hashing": lambda: hash(a),
    "adding at a slice": lambda: np.add.at(a, slice(0, 1), a[:1]),
    "adding at a pair": lambda: np.add.at(a, (0, 1), a[0, 0]),
    "adding at None": lambda: np.add.at(a, None, a[None]),
    "a reshape without order": lambda: np.reshape(a, (4,), order=None),
    "a ravel without order": lambda: np.ravel(a, order=None),
    "ones there": lambda: np.ones(2, like=a),
    "eye there": lambda: np.eye(2, like=a),
    "full there": lambda: np.full(2, 1.0, like=a),
    "contiguous there": lambda: np.ascontiguousarray(h, like=a),
    "an operand without size from the host": lambda: a + np.array(1.0),
    "numbers of NumPy's generator": lambda: a[0] + np.random.default_rng(0).random(2),
    "a kernel with a host array": lambda: square(h),
    "a kernel with two dtypes": lambda: Kernel("T x, T y", "T z", "z = x * y", "product")(
        a, a.astype(np.float32)),
}


@pytest.mark.parametrize("what", REFUSED)
def test_the_stand_in_refuses(what):
    with pytest.raises(TypeError):
        REFUSED[what]()


def test_the_stand_in_moves_when_it_is_told_to():
    assert isinstance(np.asarray(h, like=a), DeviceArray)
    assert_array_equal(a.get(), h)
    assert a[0, 0].item() == 1.0
    assert a.tolist() == [[1.0, 1.0], [1.0, 1.0]]
    assert isinstance(np.float64(2.0) * a, DeviceArray)            # scalars are welcome
    np.add.at(sums := DeviceArray(np.zeros(2)), DeviceArray(np.array([1, 1])), a[0])
    assert sums.tolist() == [0.0, 2.0]
    assert np.reshape(a, 4, order="F").shape == (4,)
    assert square(2 * a).tolist() == [[4.0, 4.0], [4.0, 4.0]]
    view = a[0]
    view[1] = 3.0
    assert a[0, 1].item() == 3.0
    view[1] = 1.0


def test_the_stand_in_has_what_cupy_has():
    """Where CuPy is installed, without a GPU too: every function and keyword of the stand-in."""
    cupy = pytest.importorskip("cupy")
    for name, keywords in FUNCTIONS.items():
        function = cupy
        for part in name.split("."):
            function = getattr(function, part)
        if keywords and inspect.isroutine(function) and not inspect.isbuiltin(function):
            assert set(keywords.split()) <= set(inspect.signature(function).parameters), name
    for name in ("random", "integers", "standard_normal"):
        assert hasattr(cupy.random.Generator, name)
    for name in ("get", "item", "tolist", "astype", "reshape", "ravel", "T", "real", "imag"):
        assert hasattr(cupy.ndarray, name)


def test_the_numbers_of_numpy_users_do_not_change(tmp_path):
    """[AD-1] Through sums, means, powers, where and products; in both modes; bit for bit."""
    program = """
import sys
import autograd.numpy as np
from autograd import grad, make_jvp
if sys.argv[1] == "with":
    import refsgm.learn.autodiff
x, w = np.cos(np.arange(12.0)).reshape(4, 3), np.sin(np.arange(6.0)).reshape(3, 2)
functions = [lambda x: np.sum(x**2 * np.sum(x, axis=1, keepdims=True)),
             lambda x: np.mean(np.mean(x**3, axis=0)**2),
             lambda x: np.sum(np.where(x > 0, x**-1.5, x - 2 * x)),
             lambda x: np.sum(np.dot(x, w)**2 / (1 + np.einsum("ij,jk->ik", x, w)**2)),
             lambda x: np.sum(np.max(x, axis=1) * x[:, 1]) - np.sum(np.stack([x, x * x])),
             lambda x: np.sum(np.concatenate([x, 3 - x], axis=1)**4) + np.sum(x[0] + x)]
for f in functions:
    forward = make_jvp(f)(x)(np.sin(x))[1] if f is functions[-1] else np.zeros(1)
    for g in (grad(f)(x), grad(lambda x: np.sum(np.sin(grad(f)(x))))(x), forward):
        print(g.dtype, g.tobytes().hex())
"""
    (tmp_path / "program.py").write_text(program)
    out = [subprocess.run([sys.executable, tmp_path / "program.py", which], text=True, check=True,
                          capture_output=True).stdout for which in ("with", "without")]
    assert out[0] == out[1]


def test_gradients_keep_float32():
    """[AD-1] autograd's own rule of the mean divides by a NumPy integer, which makes it float64."""
    x, W, b = (normal(i, *shape).astype(np.float32) for i, shape in enumerate(
        [(4, 3), (3, 5), (5,)]))
    losses = (lambda p: anp.mean(x @ p[0] + p[1]), lambda p: anp.sum((x @ p[0] + p[1])**2),
              lambda p: anp.sum(anp.where(x @ p[0] > p[1], x @ p[0], 0.5 * p[1])),
              lambda p: anp.mean(dense(dense_tanh(x, *p), p[0].T, x[0])[:, :1]))
    for loss in losses:
        assert {g.dtype for g in value_and_grad(loss)([W, b])[1]} == {np.dtype("float32")}
