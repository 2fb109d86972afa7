"""What an array is: one gate decides, for every public function and every argument."""

import inspect

import numpy as np
import pytest

import refsgm
from tests.support.calls import CALLS, LOOPS, B, D, Inputs, call, last, score, seeded

ALL = CALLS | LOOPS
SIGMAS = np.array([2.0, 1.0])


class Subclass(np.ndarray):
    """An array of NumPy's with a type of its own."""


class ResemblesPandas:
    """Has a shape, a dtype and one of the two protocols, as a DataFrame has."""

    def __init__(self, a):
        self.a, self.shape, self.ndim, self.dtype = a, a.shape, a.ndim, a.dtype

    def __len__(self):
        return len(self.a)

    def __array__(self, *args, **kwargs):
        return self.a

    def __array_ufunc__(self, *args, **kwargs):
        return NotImplemented


def torch_tensor(a):
    return pytest.importorskip("torch").tensor(a)


def jax_array(a):
    return pytest.importorskip("jax").numpy.asarray(a)


def matrix(a):
    return a.view(np.matrix) if a.ndim == 2 else a.view(Subclass)


LOOK_ALIKES = {
    "list": np.ndarray.tolist, "matrix": matrix, "subclass": lambda a: a.view(Subclass),
    "masked": np.ma.masked_invalid, "pandas": ResemblesPandas, "torch": torch_tensor,
    "jax": jax_array, "bools": lambda a: a > 0, "objects": lambda a: a.astype(object),
}
ARRAYS = [(name, i) for name, make in sorted(ALL.items())
          for i, a in enumerate(make(Inputs())) if isinstance(a, np.ndarray)]
NUMBERS = [(name, i) for name, make in sorted(ALL.items())
           for i, a in enumerate(make(Inputs(per_row=False))) if type(a) is float]


def message_of(name, i, change, per_row=True):
    """The message with which a call is refused whose i-th argument is change(argument)."""
    args = list(ALL[name](Inputs(per_row=per_row)))
    args[i] = change(args[i])
    try:
        call(name, args)
    except ValueError as error:
        return str(error)
    raise AssertionError(f"{name} takes {args[i]!r} as its argument {i}")


@pytest.mark.parametrize("kind", LOOK_ALIKES)
def test_what_only_resembles_an_array_is_refused_by_name(kind):
    """Subclasses have rules of their own (matrix, masked), pandas aligns, torch is unchecked."""
    for name, i in ARRAYS:
        argument = list(inspect.signature(getattr(refsgm, name)).parameters)[i]
        message = message_of(name, i, LOOK_ALIKES[kind])
        assert message.startswith(f"{argument} must "), (name, message)
        assert "\n" not in message


def test_a_bool_is_no_number():
    for name, i in NUMBERS:
        for value in (True, np.True_):
            message = message_of(name, i, lambda a, value=value: value, per_row=False)
            assert " must " in message, (name, message)


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_memmap_gives_what_the_array_gives(name, tmp_path):
    """Slices of np.load(mmap_mode="r") are memmaps."""
    args = list(ALL[name](Inputs()))
    for i, a in enumerate(args):
        if isinstance(a, np.ndarray):
            np.save(tmp_path / f"{i}.npy", a)
            args[i] = np.load(tmp_path / f"{i}.npy", mmap_mode="r")
    for found, required in zip(call(name, args), call(name, ALL[name](Inputs())), strict=True):
        np.testing.assert_array_equal(found, required)


@pytest.mark.parametrize("name", ["divergence", "hutchinson_divergence", "implicit_score_matching",
                                  "sliced_score_matching", "directional_derivative", "langevin",
                                  "annealed_langevin", "ddpm_sampler", "ddim_sampler",
                                  "probability_flow_sampler"])
def test_integers_are_data(name):
    """As the same numbers in float64."""
    results = []
    for dtype in (np.int64, np.float64):
        args = list(ALL[name](Inputs()))
        i = next(i for i, a in enumerate(args) if np.shape(a) == (B, D))
        args[i] = np.arange(B * D).reshape(B, D).astype(dtype)
        results += call(name, args)
    assert results[0].dtype == np.float64
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize("make", [
    lambda s, r: refsgm.langevin(s, np.ones((2, 2)), 0.1, 3, r),
    lambda s, r: refsgm.annealed_langevin(s, np.ones((2, 2)), np.array([2.0, 1.0]), 1, 0.1, r),
    lambda s, r: refsgm.ddpm_sampler(s, np.ones((2, 2)), np.array([1.0, 0.5]), r),
    lambda s, r: refsgm.ddim_sampler(s, np.ones((2, 2)), np.array([1.0, 0.5]), 0.5, r)])
def test_a_loop_without_a_function_or_an_rng_is_refused_at_the_call(make):
    for args, words in (((None, seeded()), "_fn must be a function, got None"),
                        ((score, None), "rng must be a Generator")):
        with pytest.raises(ValueError, match=words):
            make(*args)


def test_counts_are_integers_and_nothing_else():
    rng = np.random.default_rng(0)
    assert len(refsgm.init_network(rng, np.int64(2), np.int32(4), depth=np.uint8(1))) == 4
    for depth in (np.array(2), True, 2.0, "2", np.ones((100, 100))):
        with pytest.raises(ValueError, match="^depth must be an integer, at least 1, ") as error:
            refsgm.init_network(rng, 2, 4, depth)
        assert "\n" not in str(error.value)
        assert len(str(error.value)) < 200


def test_levels_of_two_shapes_are_not_broadcast():
    for f in (refsgm.edm_weight, refsgm.edm_preconditioning):
        with pytest.raises(ValueError, match="^sigma_data must be a scalar or have the shape of"):
            f(np.ones((3, 1)), np.ones(4))


def test_messages_name_the_argument_of_the_caller():
    p, far = refsgm.Gaussian(np.zeros(2), np.eye(2)), np.ones((3, 4))
    points = refsgm.Empirical(np.zeros((5, 2)))
    law = (lambda x, s: -x, np.zeros((1, 1)), np.ones(1), np.array([2.0, 1.0]))
    for refused, words in [
            (lambda: p.denoise(far, 1.0), "x_t must have shape"),
            (lambda: points.denoise(far, 1.0), "x_t must have shape"),
            (lambda: p.denoise(np.full((1, 2), np.nan), 1.0), "x_t must be finite"),
            (lambda: refsgm.Gaussian(np.zeros(2), np.full((2, 2), np.nan)), "cov must be finite"),
            (lambda: refsgm.annealed_langevin_law(*law, 0, 0.1), "steps_per_level must be an int"),
            (lambda: p.quadrature(10**6), "order must be such that order^D is at most")]:
        with pytest.raises(ValueError) as error:
            refused()
        assert str(error.value).startswith(words)


def test_a_message_about_two_arrays_is_one_line():
    with pytest.raises(ValueError, match="^sigma_s must be smaller than sigma_t, got ") as error:
        refsgm.ve_reverse_sde_step(np.ones((99, 2)), np.ones((99, 2)), np.full((99, 1), 1.0),
                                   np.full((99, 1), 2.0), np.ones((99, 2)))
    assert str(error.value).endswith("got sigma_s = 2.0 and sigma_t = 1.0")


def test_nodes_and_laws_have_the_dtype_of_the_distribution():
    p = refsgm.Gaussian(np.zeros(1, np.float32), np.eye(1, dtype=np.float32))
    points = refsgm.Empirical(np.zeros((5, 64), np.float32))
    law = refsgm.sampler_law(lambda x, rng: refsgm.langevin(lambda x: -x, x, 0.5, 2, rng),
                             p.mean, p.cov)
    start = np.zeros((1, 1), np.float32), np.ones(1, np.float32)
    on_the_line = refsgm.langevin_law(lambda x: -x, *start, 0.5, 3)
    for a in (*p.quadrature(3), *points.quadrature(1), *law, on_the_line.means,
              refsgm.expected(lambda x: x[:, 0], points, 1)):
        assert a.dtype == np.float32


EXTREMES = (1e-320, 1e-200, 1e-170, 1e-150, 1e150, 1e170, 1e200, 1e308)


def outcome(name, args):
    """The results of a call, or that it is refused."""
    with np.errstate(all="ignore"):
        try:
            return call(name, args)
        except ValueError:
            return ()


@pytest.mark.parametrize("name", sorted({name for name, _ in NUMBERS} & set(CALLS)))
def test_numbers_and_arrays_are_alike_at_the_ends_of_the_range(name):
    """A value or a ValueError: never an OverflowError or a ZeroDivisionError of Python's floats."""
    for i in (i for other, i in NUMBERS if other == name):
        for value in EXTREMES:
            results = []
            for form in (float, np.float64):
                args = list(CALLS[name](Inputs(per_row=False)))
                args[i] = form(value)
                results.append(outcome(name, args))
            for a, b in zip(*results, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-12, atol=0)
        args[i] = 10**400
        assert outcome(name, args) == ()


def test_levels_whose_squares_leave_the_range_are_refused():
    """In float32 too, and where levels come out of two arguments."""
    x, tiny = np.ones((1, 1)), np.full((1, 1), 1e-23, np.float32)
    for refused in (lambda: refsgm.gaussian_score(np.float32(x), 0.0, tiny),
                    lambda: refsgm.gaussian_score(x, 0.0, 1e-170),
                    lambda: refsgm.Empirical(x).denoise(x, 1e-100, 1e100),
                    lambda: refsgm.karras_sigmas(4.0, 1.0, 4, rho=0.001),
                    lambda: refsgm.cosine_alpha_bar(4, offset=1e200),
                    lambda: refsgm.ve_marginal(0.5, 1e-200, 1e150)):
        with pytest.raises(ValueError, match="(must be between 1e-|must be finite).*, got"):
            refused()
    assert refsgm.edm_weight(1e-100, 1e-100) == 2e200


def test_a_complex_number_is_taken_for_the_complex_step():
    """Its real part has to lie inside the domain."""
    assert refsgm.score_matching_weight(3 + 1j) == 8 + 6j
    with pytest.raises(ValueError, match="^sigma must be positive, got"):
        refsgm.score_matching_weight(-3 + 1j)


def test_the_loops_can_be_advanced_after_a_good_call():
    """The checks of a call leave the loop as it was."""
    states = refsgm.langevin(score, np.ones((B, D)), 0.1, 3, seeded())
    assert last(states).shape == (B, D)


SHORT = {"half precision": np.float16, "eight bits": np.int8, "no sign": np.uint64}


@pytest.mark.parametrize("kind", SHORT)
def test_numbers_that_overflow_early_are_refused_by_name(kind):
    for name, i in ARRAYS:
        argument = list(inspect.signature(getattr(refsgm, name)).parameters)[i]
        assert message_of(name, i, lambda a: np.abs(a).astype(SHORT[kind])).startswith(
            f"{argument} must hold float32, float64 or int64"), name


@pytest.mark.parametrize("dtype", [">f4", "<f4", ">f8", "<f8"])
def test_zero_is_not_positive_in_any_byte_order(dtype):
    """The least positive number of float64 is zero in float32."""
    x = np.ones((2, 3), dtype)
    with pytest.raises(ValueError, match="^sigma must be positive, got 0.0"):
        refsgm.perturb(x, np.zeros((2, 1), dtype), x)
    with pytest.raises(ValueError, match="^sigma_t must be "):
        refsgm.ve_probability_flow_step(x, x, np.zeros((2, 1), dtype), 0.0)


def test_integers_whose_squares_overflow_are_refused():
    """Smaller ones give what float64 gives."""
    large = np.full((2, 2), 10**10)
    for refused in (lambda: refsgm.gaussian_log_density(large, 0.0, 1.0),
                    lambda: refsgm.score_from_eps(np.full((2, 2), -2**63), 1.0),
                    lambda: refsgm.score_matching_weight(np.array([10**10])),
                    lambda: refsgm.bits_per_dimension(np.array([-2**63]), 3)):
        with pytest.raises(ValueError, match="must be float64 for integers beyond"):
            refused()
    assert refsgm.score_matching_weight(np.array([2**26])) == 2.0**52


def test_data_whose_squares_leave_the_range_are_refused():
    """Sums of them would be infinite, and differences of those not a number."""
    x = np.ones((2, 2))
    for far in (1e200, -1e300):
        with pytest.raises(ValueError, match="^x must be between -1e"):
            refsgm.gaussian_log_density(far * x, 0.0, 1.0)
    p = refsgm.Gaussian(np.zeros(2), 1e-20 * np.eye(2))
    for refused, name in ((lambda: p.score(1e145 * x), "x"), (lambda: p.denoise(1e145 * x, 1e-9),
                                                              "x_t")):
        with pytest.raises(ValueError, match=f"^{name} must lie within 1e.150 standard dev"):
            refused()


def test_numbers_have_the_range_of_the_float32_data_that_they_meet():
    """1e20 squared is infinite there."""
    p = refsgm.Gaussian(np.zeros(2, np.float32), np.eye(2, dtype=np.float32))
    x = np.ones((1, 2), np.float32)
    for refused in (lambda: p.perturb(1e20), lambda: p.perturb(1.0, 1e-30),
                    lambda: p.denoise(x, 1e20), lambda: refsgm.perturb(x, 1e-25, x)):
        with pytest.raises(ValueError, match="^(sigma|scale) must be between 1e-18 and 1e.18"):
            refused()


def test_counts_of_eight_bits_are_numbers_like_others():
    """Sums of them would overflow."""
    table = refsgm.cosine_alpha_bar(127)
    np.testing.assert_array_equal(refsgm.cosine_alpha_bar(np.int8(127)), table)
    shapes = [p.shape for p in refsgm.init_network(seeded(), np.uint8(255), np.uint8(200), 1)]
    assert shapes == [(271, 200), (200,), (200, 255), (255,)]
    p = refsgm.Gaussian(np.zeros(3), np.eye(3))
    np.testing.assert_array_equal(p.quadrature(np.int8(9))[0], p.quadrature(9)[0])
    with pytest.raises(ValueError, match="^n_steps must be at most 1000000000, got 1000"):
        refsgm.linear_betas(10**30)


FUNCTIONS = [(name, i) for name, make in sorted(ALL.items()) for i, a in enumerate(make(Inputs()))
             if callable(a)]


@pytest.mark.parametrize("thing", [None, 1.0, "x", np.ones(2), {}], ids=str)
def test_what_cannot_be_called_is_refused_by_name(thing):
    for name, i in FUNCTIONS:
        argument = list(inspect.signature(getattr(refsgm, name)).parameters)[i]
        assert message_of(name, i, lambda f: thing).startswith(f"{argument} must be a function")


@pytest.mark.parametrize("form", [lambda a: a.view(Subclass), np.ma.array, np.ndarray.tolist])
def test_what_a_function_returns_must_be_an_array_too(form):
    """A matrix, which is a subclass, would be multiplied as one."""
    x = np.ones((3, 3))
    for loss, rest in ((refsgm.explicit_score_matching, (x,)), (refsgm.denoising_score_matching,
                                                                (1.0, x))):
        with pytest.raises(ValueError, match="must be an array or a number, got"):
            loss(lambda x, *level: form(-x), x, *rest)


def test_loops_and_energies_are_real():
    """Noise is, and so is a gradient."""
    x, rng = np.ones((2, 2)), seeded()
    params = refsgm.init_network(rng, 2, 4, energy=True)
    for refused in (lambda: refsgm.langevin(score, x + 0j, 0.1, 3, rng),
                    lambda: refsgm.langevin(score, x, 0.1 + 1e-9j, 3, rng),
                    lambda: refsgm.energy_network(params, x, 1 + 1j, 1.0),
                    lambda: refsgm.Empirical(x).perturb(1 + 1j)):
        with pytest.raises(ValueError, match="must be real, got a complex value"):
            refused()


def test_a_word_is_one_of_those_that_the_docstring_has():
    """An array or a number is none."""
    x = np.ones((2, 2))
    for refused, name in ((lambda w: refsgm.min_snr_weight(0.5, 5.0, w), "prediction"),
                          (lambda w: refsgm.ddpm_step(x, x, 0.1, 0.5, x, w), "variance"),
                          (lambda w: refsgm.probability_flow_sampler(score, x, SIGMAS, w),
                           "method")):
        for word in (x, None, 1, "other", ["eps"]):
            with pytest.raises(ValueError, match=f'^{name} must be "') as error:
                refused(word)
            assert "\n" not in str(error.value)
