"""What came before a call: equal keys of unequal things, calls within calls, and calls that failed.

Each wrong function is right without what it keeps from call to call.
"""

import functools

import numpy as np
import pytest

import refsgm

pytestmark = pytest.mark.usefixtures("all_probes")


def kept(key, of):
    """`of`, whose answers are kept under a key of its arguments."""
    answers = {}

    def function(*args):
        name = key(*args)
        if name not in answers:
            answers[name] = of(*args)
        return answers[name]
    return function


def bytes_of(*arrays):
    """All that a plain array is."""
    return [(a.tobytes(), a.shape, a.dtype) for a in map(np.asarray, arrays)]


def variance(alpha_bar):
    """(1 - alpha_bar) / alpha_bar."""
    return (1 - alpha_bar) / alpha_bar


def table(n, low, high):
    """Rates in the precision of their ends."""
    return np.linspace(low, high, n, dtype=np.result_type(np.array(low), np.array(high)))


@pytest.mark.parametrize(("kind", "function", "words"), [
    ("sigma_from_alpha_bar", kept(lambda a: hash(tuple(np.ravel(a))) if np.ndim(a) else hash(a),
                                  lambda a: variance(a)**0.5), "float32"),
    ("signal_to_noise_ratio", kept(lambda a: (np.asarray(a).tobytes(), np.asarray(a).dtype),
                                   lambda a: 1 / variance(a)), "levels ("),
    ("linear_betas", functools.lru_cache(table), "float32"),
    ("velocity_from_x0_eps", kept(lambda x, e: (x.shape, x.dtype, x.ravel("K").tobytes(),
                                                e.ravel("K").tobytes()), lambda x, e: e - x),
     "memory"),
    ("score_from_eps", kept(lambda e, s: (s if np.ndim(s) == 0 else s.tobytes(), *bytes_of(e)),
                            lambda e, s: -e * (1 / s)), "sigma in float32"),
    ("score_from_eps", kept(lambda e, s: (tuple(np.ravel(s)) if np.ndim(s) else object(),
                                          np.shape(s), *bytes_of(e)),
                            lambda e, s: -e * (1 / s)), "levels in float32")])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_equal_keys_of_unequal_things_are_told(kind, function, words, seed):
    """float32 for float64, and numbers without their shape or their order in memory."""
    report = refsgm.check(kind, function, seed=seed)
    assert words in report.failing[0].label


def of_flat_numbers(torch):
    """A level in the shape and dtype in which its numbers came first."""
    def flat(alpha_bar):
        return tuple(alpha_bar.flatten().tolist())
    return kept(lambda a: (flat(a), a.requires_grad), lambda a: variance(a)**0.5)


def of_numbers_and_shape(torch):
    """A level in the dtype in which its numbers came first."""
    return kept(lambda a: (tuple(a.flatten().tolist()), a.shape, a.requires_grad),
                lambda a: variance(a)**0.5)


def of_numbers_and_dtype(torch):
    """A level in the shape in which its numbers came first."""
    return kept(lambda a: (tuple(a.flatten().tolist()), a.dtype, a.requires_grad),
                lambda a: variance(a)**0.5)


@pytest.mark.parametrize("made", [of_flat_numbers, of_numbers_and_shape, of_numbers_and_dtype])
def test_a_tensor_is_known_by_its_numbers_shape_and_dtype_alone(made):
    """[VE-2] All of them are in the key, or it is found."""
    function = made(pytest.importorskip("torch"))
    report = refsgm.check("sigma_from_alpha_bar", function, "torch", seed=0)
    assert "call after call" in report.failing[0].label


@pytest.mark.parametrize("framework", ["numpy", "torch"])
@pytest.mark.parametrize("what", ["features", "dtype", "data"])
def test_a_function_that_is_passed_may_ask_the_same_code(framework, what):
    """[ESM-1] About arguments of the same sizes, of others, and in the other dtype."""
    pytest.importorskip(framework)
    now = {}

    def loss(score_fn, x, sigma, eps):
        now.update(features=x.shape[1], dtype=x.dtype, data=eps / sigma)
        residual = score_fn(x + sigma * eps, sigma) + eps / sigma
        changed = (now["features"] != x.shape[1] if what == "features" else
                   now["dtype"] != x.dtype if what == "dtype" else
                   now["data"].shape == x.shape and bool((now["data"] != eps / sigma).any()))
        return 0.5 * (residual**2).sum(1) * (1 + 1e-3 * changed)
    report = refsgm.check("denoising_score_matching", loss, framework, seed=0)
    assert "call after call" in report.failing[0].label


@pytest.mark.parametrize("mode", ["no_grad", "inference_mode"])
def test_calls_within_calls_share_no_place_where_there_are_no_gradients(mode):
    """[VE-1] Memory that is used again for each size, in one mode alone."""
    torch, places = pytest.importorskip("torch"), {}

    def predicted(x_fn, x, sigma, eps):
        other = torch.is_grad_enabled() if mode == "no_grad" else (
            not torch.is_inference_mode_enabled())
        target = x if other else places.setdefault((x.shape, x.dtype), x.clone()).copy_(x)
        return (x_fn(x + sigma * eps, sigma) - target).square().sum(1)
    report = refsgm.check("x0_prediction_loss", predicted, "torch", seed=0)
    assert report.failing[0].label.endswith(f"under torch.{mode}()")


@pytest.mark.parametrize("framework", ["numpy", "torch"])
@pytest.mark.parametrize("what", ["nothing", "within", "beside"])
def test_a_loop_runs_beside_one_of_other_sizes_and_within_one(framework, what):
    """[LANG-1] What both leave in one place is not read."""
    pytest.importorskip(framework)
    last = {}

    def states(score_fn, x, step_size, n_steps, rng):
        last["beside"] = x.shape
        for _ in range(n_steps):
            last["within"] = x.shape
            slope = score_fn(x)
            changed = last.get(what, x.shape) != x.shape
            z = rng.standard_normal(x.shape, dtype=x.dtype)
            x = x + step_size * slope / 2 * (1 + 1e-3 * changed) + step_size**0.5 * z
            yield x
    report = refsgm.check("langevin", states, framework, seed=0)
    assert report.ok == (what == "nothing")
    assert report.ok or "call after call" in report.failing[0].label


def with_key_first(last):
    """The key is noted, and then the answer, which may fail to come."""
    def corrected(score_fn, x, a, b):
        key = id(score_fn), x.tobytes(), np.array(a).tobytes()
        if last.get("key") != key:
            last["key"] = key
            last["slope"] = -a * score_fn(x, a)
        moved = x + (b - a) * last["slope"]
        if not np.any(b):
            return moved
        second = np.where(b == 0, last["slope"], -b * score_fn(moved, b))
        return x + 0.5 * (b - a) * (last["slope"] + second)
    return corrected


def filled(places):
    """A place for the sum of each size, which is zero again after every call that ends."""
    def trace(score_fn, x):
        total = places.setdefault((len(x), x.dtype), np.zeros(len(x), x.dtype))
        for i in range(x.shape[1]):
            moved = x + 0j
            moved[:, i] += 1e-20j
            total += np.imag(score_fn(moved)[:, i]) / 1e-20
        result = total.copy()
        total[:] = 0
        return result
    return trace


def added(places):
    """A place for the sum of both terms, of which the second may be refused."""
    def noisy(x, alpha_bar, eps):
        total = places.setdefault((x.shape, x.dtype), np.zeros_like(x))
        total += alpha_bar**0.5 * x
        total += (1 - alpha_bar)**0.5 * eps
        result = total.copy()
        total[:] = 0
        return result
    return noisy


@pytest.mark.parametrize(("kind", "made"), [
    ("heun_step", with_key_first), ("divergence", filled), ("diffuse", added)])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_same_call_is_right_after_one_that_failed(kind, made, seed):
    """In the function that is passed, or at a bad argument: what was begun is not done."""
    report = refsgm.check(kind, made({}), seed=seed)
    words = "with no right eps" if kind == "diffuse" else "whose function fails in call"
    assert words in report.failing[0].label


def test_what_was_kept_without_gradients_has_none_afterwards():
    """[GAUSS-2] The last answer is returned to the same numbers, which have a gradient by then."""
    torch, last = pytest.importorskip("torch"), []

    def score(x, mean, sigma):
        key = [torch.as_tensor(a) for a in (x, mean, sigma)]
        if last and all(a.dtype == b.dtype and torch.equal(a, b) for a, b in zip(key, last)):
            return last[-1]
        answer = (mean - x) / sigma**2
        if not torch.is_grad_enabled():
            last[:] = [*(a.clone() for a in key), answer]
        return answer
    report = refsgm.check("gaussian_score", score, "torch", seed=0)
    assert report.parts["gradient"] == "wrong"


@pytest.mark.parametrize("framework", ["numpy", "torch"])
def test_right_code_may_keep_what_is_known_by_its_numbers_shape_and_dtype(framework):
    """[VE-2] In PyTorch of constants alone."""
    lib, root = pytest.importorskip(framework), lambda a: variance(a)**0.5
    function = kept(lambda a: tuple(bytes_of(a)), root)
    if framework == "torch":
        function = kept(lambda a: (lib.is_grad_enabled() and a.requires_grad and object(),
                                   *bytes_of(a.detach())), root)
    assert refsgm.check("sigma_from_alpha_bar", function, framework, seed=0).ok
