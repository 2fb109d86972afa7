"""How arguments arrive at foreign code, and which options check refuses."""

import functools
import operator

import numpy as np
import pytest

import refsgm
from refsgm.oracle.calls.program import named
from refsgm.oracle.check import check
from refsgm.oracle.kinds.test_functions import Field
from tests.oracle.foreign import code, score


@pytest.mark.parametrize(("levels", "shape"), [
    ("column", lambda s: s.shape == (5, 1)), ("flat", lambda s: s.shape == (5,)),
    ("trailing", lambda s: s.shape == (5, 1)), ("scalar", lambda s: isinstance(s, float))])
def test_levels_arrive_in_the_shape_that_was_asked_for(levels, shape):
    """Levels have the shape that was asked for at every probe with five rows."""
    seen = []

    def column(s):
        return s if np.ndim(s) == 0 else np.reshape(s, (-1, 1))

    def foreign(x, mean, sigma):
        seen.extend([sigma] * (len(x) == 5))
        return score(x, mean, column(sigma))
    assert check("gaussian_score", foreign, levels=levels).ok
    assert seen
    assert all(shape(s) for s in seen)


def test_without_levels_both_columns_and_numbers_arrive():
    """Without the option, code must be right for levels (B, 1) and for a single number."""
    seen = set()

    def foreign(x, mean, sigma):
        seen.add(np.ndim(sigma))
        return score(x, mean, sigma)
    assert check("gaussian_score", foreign).ok
    assert seen == {0, 2}


def test_images_arrive_in_their_shape_and_return_in_it():
    """Levels with trailing ones broadcast against images; the function that is passed takes images.
    """
    shapes = set()

    def foreign(score_fn, x, sigma, eps):
        shapes.add((x.shape[1:], eps.shape[1:], sigma.shape[1:]))
        s = score_fn(x + sigma * eps, sigma)
        shapes.add((s.shape[1:],))
        return 0.5 * ((s + eps / sigma)**2).sum(axis=(1, 2, 3))
    report = check("denoising_score_matching", foreign, levels="trailing", event_shape=(3, 4, 2))
    assert report.ok, report
    assert shapes == {((3, 4, 2), (3, 4, 2), (1, 1, 1)), ((3, 4, 2),)}
    assert check("gaussian_score", score, levels="trailing", event_shape=(2, 2, 2)).ok


def test_an_image_is_checked_without_a_matrix_of_its_size(monkeypatch):
    """With 3072 features, a matrix (D, D) at every probe would take most of a minute."""
    def level(sigma):
        return sigma if np.ndim(sigma) == 0 else sigma.reshape(-1, 1, 1, 1)

    def foreign(power):
        def loss(score_fn, x, sigma, eps):
            target = -eps / level(sigma)**power
            residual = score_fn(x + level(sigma) * eps, sigma) - target
            return 0.5 * np.sum(residual**2, axis=(1, 2, 3))
        return loss

    def thin(self, x, matrices):
        assert all(min(np.shape(m)) < 100 for m in matrices)
        return linear(self, x, matrices)

    linear = Field.linear
    monkeypatch.setattr(Field, "linear", thin)
    monkeypatch.setattr(Field, "A", property(lambda self: pytest.fail("a matrix was made")))
    right, wrong = (check("denoising_score_matching", foreign(power), event_shape=(3, 32, 32))
                    for power in (1, 2))
    assert right.ok
    assert wrong.diagnosis.code == "sigma-squared"


@pytest.mark.parametrize("kind", ["divergence", "implicit_score_matching"])
def test_an_exact_divergence_of_images_is_known_without_backward_passes(kind, monkeypatch):
    """[OPS-2] [ISM-1] Code that sums all of the Jacobian is judged without it, in one pass."""
    def foreign(score_fn, x):
        h = 1e-3
        slope = np.sum(score_fn(x + h) - score_fn(x - h), axis=(1, 2, 3)) / (2 * h)
        return slope + (kind != "divergence") * 0.5 * np.sum(score_fn(x)**2, axis=(1, 2, 3))
    monkeypatch.setattr(Field, "A", property(lambda self: pytest.fail("a matrix was made")))
    for module in ("score", "objectives"):
        monkeypatch.setattr(f"refsgm.{module}.trace", lambda *args: pytest.fail("backward passes"))
    report = check(kind, foreign, event_shape=(3, 8, 8))
    assert not report.ok
    assert "sum_ij J_ij stands in place of tr J" in str(report) or kind != "divergence"


def test_argnames_say_in_which_order_arguments_come():
    """The right function with its arguments in another order is right, and wrong without argnames.
    """
    def foreign(sigma, x, mean):
        return score(x, mean, sigma)
    assert check("gaussian_score", foreign, argnames=["sigma", "x", "mean"]).ok
    assert not check("gaussian_score", foreign).ok


def test_argnames_may_map_keywords_to_names():
    """A function with keyword arguments alone is checked through a dict of names."""
    def foreign(*, std, data, center):
        return score(data, center, std)
    names = {"std": "sigma", "center": "mean", "data": "x"}
    assert check("gaussian_score", foreign, argnames=names).ok


def test_optional_arguments_are_passed_to_code_that_takes_them_alone():
    """A function without an optional argument is judged at its default."""
    def without(score_fn, x, sigmas, eps):
        return refsgm.noise_conditional_score_matching(score_fn, x, sigmas, eps)
    assert check("noise_conditional_score_matching", without).ok
    assert code(check("noise_conditional_score_matching",
                      lambda f, x, s, e, weights=None: without(f, x, s, e))) == "argument-ignored"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dtype_is_that_of_every_array(dtype):
    """Arrays come in the precision that was asked for; where none was, in both, and as integers."""
    seen = set()

    def foreign(x, mean, sigma):
        seen.add(x.dtype.name)
        return score(x, mean, sigma)
    assert check("gaussian_score", foreign, dtype=dtype).ok
    assert seen - {"int64"} == {dtype}
    check("gaussian_score", foreign)
    assert seen == {"float32", "float64", "int64"}


def test_a_kind_is_a_name_or_the_function_itself():
    """A public function means the same kind as its name."""
    assert check(refsgm.gaussian_score, score).kind == check("gaussian_score", score).kind


@pytest.mark.parametrize("foreign", [
    type("Score", (), {"__call__": staticmethod(score)})(),
    functools.partial(lambda power, x, mean, sigma: (mean - x) / sigma**power, 2),
    functools.partial(lambda x, mean, sigma, *, power: (mean - x) / sigma**power, power=2),
    lambda *args: score(*args), refsgm.gaussian_score],
    ids=["instance", "partial", "partial with a keyword", "star", "refsgm's own"])
def test_whatever_can_be_called_can_be_checked(foreign):
    """Callables whose signature is hidden are checked like functions."""
    assert check("gaussian_score", foreign).ok


@pytest.mark.parametrize("foreign", [operator.sub, np.subtract], ids=["built-in", "ufunc"])
def test_built_in_functions_can_be_checked(foreign):
    """Built-in differences take u = eps - x_0 the other way round, as with data at t = 1."""
    assert code(check("velocity_from_x0_eps", foreign)) == "other-convention"
    assert check("velocity_from_x0_eps", foreign, argnames=["eps", "x_0"]).ok


@pytest.mark.parametrize(("kind", "fn", "options", "message"), [
    ("gausian_score", score, {}, "kind must be a public function of refsgm that returns numbers, "
     "got 'gausian_score'; did you mean 'gaussian_score'?"),
    (np.sin, score, {}, "kind must be a public function of refsgm that returns numbers, got 'sin' "
     "(`refsgm check --list` shows them)"),
    ("gaussian_score", None, {}, "fn must be a function, got NoneType"),
    ("gaussian_score", score, {"framework": "tensorflow"},
     "framework must be one of numpy, autograd, torch, jax, cupy, got 'tensorflow'"),
    ("gaussian_score", score, {"levels": "rows"},
     "levels must be one of column, flat, trailing, scalar or None, got 'rows'"),
    ("gaussian_score", score, {"dtype": "float16"},
     'dtype must be "float32", "float64" or None, got \'float16\''),
    ("gaussian_score", score, {"argnames": ["x", "mu", "sigma"]},
     "argnames must be names of gaussian_score(x, mean, sigma), got 'mu'"),
    ("gaussian_score", score, {"argnames": {"std": "variance"}},
     "argnames must be names of gaussian_score(x, mean, sigma), got 'variance'"),
    ("gaussian_score", score, {"argnames": ["x", "x", "sigma"]},
     "argnames must name an argument once, got ['x', 'x', 'sigma']"),
    ("gaussian_score", score, {"argnames": ["x", "mean"]},
     "argnames must name every required argument of gaussian_score, got none for 'sigma'"),
    ("gaussian_score", score, {"argnames": 3},
     "argnames must be a list of names or a dict {keyword: name}, got int"),
    ("gaussian_score", score, {"event_shape": 8},
     "event_shape must hold positive integers or be None, got 8"),
    ("gaussian_score", score, {"event_shape": (3, 0)},
     "event_shape must hold positive integers or be None, got (3, 0)"),
    ("gaussian_score", score, {"seconds": 0},
     "seconds must be positive and at most a day, 86400, got 0"),
    ("gaussian_score", score, {"allow": {"mean-over-dim"}},
     "allow must hold conventions (mean-over-dims, mean-over-levels, missing-half, unit-sphere, "
     "beta-variance, clipped-x0, langevin-step, data-at-1, guidance-excess, final-zero, "
     "averaged-ends) or codes, got 'mean-over-dim'"),
])
def test_an_option_that_does_not_exist_is_refused_in_one_sentence(kind, fn, options, message):
    """A wrong option is refused, with what is allowed and what came."""
    with pytest.raises(ValueError) as error:
        check(kind, fn, **options)
    assert str(error.value) == message


def deterministic(x_t, eps, alpha_bar_t, alpha_bar_s, factor=1.0):
    """DDIM without eta and z; `factor` is no argument of the contract."""
    x_0 = (x_t - (1 - alpha_bar_t)**0.5 * eps) / alpha_bar_t**0.5
    return alpha_bar_s**0.5 * x_0 + factor * (1 - alpha_bar_s)**0.5 * eps


@pytest.mark.parametrize("argnames", [None, ("eps", "x_t", "alpha_bar_t", "alpha_bar_s")])
def test_ddim_that_takes_neither_eta_nor_z_is_judged_at_eta_zero(argnames):
    """Right code is right, with a note that says so; a wrong root is found and named."""
    def step(x_t, eps, alpha_bar_t, alpha_bar_s):
        if argnames:
            x_t, eps = eps, x_t
        return deterministic(x_t, eps, alpha_bar_t, alpha_bar_s)
    report = refsgm.check("ddim_step", step, argnames=argnames)
    assert report.right, report
    assert "eta = 0" in report.notes[0]
    report = refsgm.check("ddim_step", lambda a, b, t, s: step(a, b, t, s) * (1 + (len(a) == 33)),
                          argnames=argnames)
    assert not report.ok
    exec(report.program, {})


def test_ddim_without_noise_has_wrong_coefficients_named():
    """The variance in place of the standard deviation, at eta = 0."""
    report = refsgm.check("ddim_step", lambda x_t, eps, t, s: deterministic(
        x_t, eps, t, s, (1 - s)**0.5))
    assert report.diagnosis.code == "sqrt-missing", report
    assert not report.ok


def test_the_program_of_a_script_runs_where_the_script_is_not():
    """A function of __main__ is looked up, so that there is no NameError in another file."""
    def heun(x):
        return x
    heun.__module__, heun.__qualname__ = "__main__", "heun_of_a_script"
    scope = {}
    exec(named(heun), scope)
    assert scope["fn"] is None
    exec(named(heun), scope | {"heun_of_a_script": heun})
