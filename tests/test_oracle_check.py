"""What check does with foreign code: how arguments arrive, what may come back, what is said."""

import functools
import itertools
import json
import operator
import sys
import warnings
from fractions import Fraction

import numpy as np
import pytest
from autograd.tracer import getval
from hypothesis import assume, given
from hypothesis import strategies as st

import refsgm
from refsgm.oracle.check import check
from refsgm.oracle.kinds import BATCH, CONTRACTS, LEVEL, ROWS, quantities, situations
from refsgm.oracle.kinds.test_functions import Field
from refsgm.oracle.doctor.powers import Monomial
from refsgm.oracle.calls.judge import known


def score(x, mean, sigma):
    """A right gaussian_score."""
    return (mean - x) / sigma**2


def loss(score_fn, x, sigma, eps):
    """A right denoising_score_matching."""
    return 0.5 * np.sum((score_fn(x + sigma * eps, sigma) + eps / sigma)**2, axis=1)


def code(report):
    """Of the first diagnosis; None where there is none."""
    return report.diagnosis and report.diagnosis.code


# How arguments arrive

@pytest.mark.parametrize(("levels", "shape"), [
    ("column", lambda s: s.shape == (5, 1)), ("flat", lambda s: s.shape == (5,)),
    ("trailing", lambda s: s.shape == (5, 1)), ("scalar", lambda s: isinstance(s, float))])
def test_levels_arrive_in_the_shape_that_was_asked_for(levels, shape):
    """At every probe with five rows, and in no other."""
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
    """Code that takes one of them alone is not right for both."""
    seen = set()

    def foreign(x, mean, sigma):
        seen.add(np.ndim(sigma))
        return score(x, mean, sigma)
    assert check("gaussian_score", foreign).ok
    assert seen == {0, 2}


def test_images_arrive_in_their_shape_and_return_in_it():
    """Levels with trailing ones broadcast against them; the function that is passed takes them."""
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
    """3072 features: a matrix (D, D) at every probe would take most of a minute."""
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


def test_argnames_say_in_which_order_arguments_come():
    """The right function with its arguments in another order is right, and wrong without."""
    def foreign(sigma, x, mean):
        return score(x, mean, sigma)
    assert check("gaussian_score", foreign, argnames=["sigma", "x", "mean"]).ok
    assert not check("gaussian_score", foreign).ok


def test_argnames_may_map_keywords_to_names():
    """For functions with keyword arguments alone."""
    def foreign(*, std, data, center):
        return score(data, center, std)
    names = {"std": "sigma", "center": "mean", "data": "x"}
    assert check("gaussian_score", foreign, argnames=names).ok


def test_optional_arguments_are_passed_to_code_that_takes_them_alone():
    """A function without them is judged at their defaults."""
    def without(score_fn, x, sigmas, eps):
        return refsgm.noise_conditional_score_matching(score_fn, x, sigmas, eps)
    assert check("noise_conditional_score_matching", without).ok
    assert code(check("noise_conditional_score_matching",
                      lambda f, x, s, e, weights=None: without(f, x, s, e))) == "argument-ignored"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dtype_is_that_of_every_array(dtype):
    """One precision where one is asked for, both where none is."""
    seen = set()

    def foreign(x, mean, sigma):
        seen.add(x.dtype.name)
        return score(x, mean, sigma)
    assert check("gaussian_score", foreign, dtype=dtype).ok
    assert seen == {dtype}
    check("gaussian_score", foreign)
    assert seen == {"float32", "float64"}


def test_a_kind_is_a_name_or_the_function_itself():
    """Both mean the same contract."""
    assert check(refsgm.gaussian_score, score).kind == check("gaussian_score", score).kind


@pytest.mark.parametrize("foreign", [
    type("Score", (), {"__call__": staticmethod(score)})(),
    functools.partial(lambda power, x, mean, sigma: (mean - x) / sigma**power, 2),
    functools.partial(lambda x, mean, sigma, *, power: (mean - x) / sigma**power, power=2),
    lambda *args: score(*args), refsgm.gaussian_score],
    ids=["instance", "partial", "partial with a keyword", "star", "refsgm's own"])
def test_whatever_can_be_called_can_be_checked(foreign):
    """Its signature may be hidden."""
    assert check("gaussian_score", foreign).ok


@pytest.mark.parametrize("foreign", [operator.sub, np.subtract], ids=["built-in", "ufunc"])
def test_built_in_functions_can_be_checked(foreign):
    """They take u = eps - x_0 the other way round."""
    assert code(check("velocity_from_x0_eps", foreign)) == "sign"
    assert check("velocity_from_x0_eps", foreign, argnames=["eps", "x_0"]).ok


# What is refused

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
     "allow must hold conventions (mean-over-dims, missing-half, unit-sphere, beta-variance, "
     "clipped-x0, langevin-step) or codes, got 'mean-over-dim'"),
])
def test_an_option_that_does_not_exist_is_refused_in_one_sentence(kind, fn, options, message):
    """Before foreign code is called."""
    with pytest.raises(ValueError) as error:
        check(kind, fn, **options)
    assert str(error.value) == message


# Conventions

def mean_over_dims(score_fn, x, sigma, eps):
    """The mean over features, and over the batch."""
    return np.mean(0.5 * (score_fn(x + sigma * eps, sigma) + eps / sigma)**2)


def mean_without_half(score_fn, x, sigma, eps):
    """What a mean squared error is: two conventions at once."""
    return np.mean((score_fn(x + sigma * eps, sigma) + eps / sigma)**2)


@pytest.mark.parametrize("allow", ["mean-over-dims", {"mean-over-dims"}, ["sum-vs-mean"],
                                   {"half", "mean-over-dims"}])
def test_a_convention_is_accepted_when_it_is_allowed(allow):
    """By its own name or by its code; it is named all the same, and not strictly right."""
    report = check("denoising_score_matching", mean_over_dims, allow=allow)
    assert report.ok
    assert bool(report)
    assert not report.right
    assert report.diagnosis.convention == "mean-over-dims"


@pytest.mark.parametrize("allow", [(), "missing-half", {"half"}, {"sign", "unit-sphere"}])
def test_a_convention_is_not_accepted_for_another(allow):
    """Only what was named is allowed."""
    assert not check("denoising_score_matching", mean_over_dims, allow=allow).ok


def test_a_code_that_is_allowed_excuses_nothing_that_comes_with_it():
    """-2 / D times the right loss is wrong in three ways."""
    def wrong(score_fn, x, sigma, eps):
        return -2 * mean_over_dims(score_fn, x, sigma, eps)
    every = {"sign", "sum-vs-mean", "half"}
    assert check("denoising_score_matching", wrong, allow=every).ok
    for one in every:
        assert not check("denoising_score_matching", wrong, allow=every - {one}).ok


def test_two_conventions_at_once_have_both_to_be_allowed():
    """A mean squared error leaves out the 1/2 and takes the mean over features."""
    both = {"mean-over-dims", "missing-half"}
    assert check("denoising_score_matching", mean_without_half, allow=both).ok
    for one in both:
        assert not check("denoising_score_matching", mean_without_half, allow=one).ok


def test_no_convention_excuses_a_mistake():
    """A sign that comes with a mean over features is none."""
    def wrong(*args):
        return -mean_over_dims(*args)
    report = check("denoising_score_matching", wrong, allow={"mean-over-dims"})
    assert not report.ok
    assert code(report) == "sign"


# What foreign code does

def test_code_that_raises_gets_a_verdict():
    """With the kind of the exception and its message in one line."""
    def foreign(*args):
        raise RuntimeError("no\nsuch thing")
    report = check("gaussian_score", foreign)
    assert not report.ok
    assert code(report) == "raises"
    assert "RuntimeError: no such thing" in report.diagnosis.sentence
    assert all(p.error == np.inf for p in report.probes)


@pytest.mark.parametrize("error", [SystemExit(3), MemoryError(), RecursionError("deep")])
def test_no_exception_of_foreign_code_ends_ours(error):
    """Not even the one that exits."""
    def foreign(*args):
        raise error
    report = check("gaussian_score", foreign)
    assert code(report) == "raises"
    assert type(error).__name__ in report.diagnosis.sentence


def test_a_user_can_interrupt_a_check():
    """That exception alone is theirs."""
    def foreign(*args):
        raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        check("gaussian_score", foreign)


def test_code_that_raises_where_rows_are_not_columns_broadcasts():
    """Levels (B,) against (B, D) go unnoticed while B == D."""
    def foreign(x, mean, sigma):
        return score(x, mean, sigma if np.ndim(sigma) == 0 else sigma[:, 0])
    report = check("gaussian_score", foreign)
    assert [d.code for d in report.diagnoses] == ["broadcast"]


def wrong_at_edges(x, mean, sigma):
    """It raises for a single row, and is wrong for a single feature."""
    if len(x) == 1:
        raise ValueError("a single row" + "!" * 99)
    return score(x, mean, sigma) * (1 + (x.shape[1] == 1))


def test_code_that_raises_at_some_probes_is_not_called_right_but_for_an_edge():
    """It raises: that is what is said."""
    report = check("gaussian_score", wrong_at_edges)
    assert [d.code for d in report.diagnoses] == ["raises"]
    assert "a single row" in report.diagnosis.sentence


def test_code_that_is_right_but_for_an_edge_is_told_which():
    """A single feature."""
    def foreign(x, mean, sigma):
        return score(x, mean, sigma) * (1 + (x.shape[1] == 1))
    report = check("gaussian_score", foreign)
    assert [d.code for d in report.diagnoses] == ["special-case"]
    assert "right except at: B = 3, D = 1" in report.diagnosis.sentence


def test_a_call_that_does_not_end_is_ended():
    """After two calls the check is over, though the code catches every Exception."""
    calls = []

    def foreign(*args):
        calls.append(1)
        while True:
            try:
                for _ in itertools.count():
                    pass
            except Exception:
                continue
    report = check("gaussian_score", foreign, seconds=0.3)
    assert code(report) == "timeout"
    assert "0.3 s" in report.diagnosis.sentence
    assert len(calls) == 2


def test_a_sampler_that_does_not_answer_is_ended():
    """A generator runs only when it is advanced: that counts too."""
    def foreign(score_fn, x, step_size, n_steps, rng):
        while n_steps:
            pass
        yield x
    assert code(check("langevin", foreign, seconds=0.3)) == "timeout"


def test_a_sampler_without_end_has_too_many_states():
    """It is not followed for ever, nor until memory is full."""
    report = check("langevin", lambda f, x, h, n, rng: itertools.repeat(x))
    assert code(report) == "wrong-shape"
    assert "1000 states" in report.diagnosis.sentence


def test_what_is_printed_stays_off_the_terminal(capfd):
    """It is noted, and no fault."""
    def foreign(*args):
        print("step")
        print("warning", file=sys.stderr)
        return score(*args)
    report = check("gaussian_score", foreign)
    assert report.ok
    assert capfd.readouterr() == ("", "")
    assert report.notes == ("it prints, which was kept off the terminal",)


def test_warnings_of_foreign_code_and_of_frameworks_are_silenced():
    """A loss without a gradient makes autograd warn; the verdict says it."""
    def foreign(score_fn, x, sigma, eps):
        warnings.warn("shapes are going to change", FutureWarning, stacklevel=1)
        s = getval(score_fn(x + sigma * eps, sigma))
        return 0.5 * np.sum((s + eps / sigma)**2, axis=1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        report = check("denoising_score_matching", foreign, "autograd")
    assert code(report) == "detached-gradient"
    assert not caught


def test_code_that_changes_its_arguments_is_not_right():
    """Though its result is; the argument is named."""
    def foreign(x, mean, sigma):
        result = score(x, mean, sigma)
        x *= 2
        return result
    report = check("gaussian_score", foreign)
    assert not report.ok
    assert [d.code for d in report.diagnoses] == ["mutates-input"]
    assert "changes x in place" in report.diagnosis.sentence
    assert all(p.ok for p in report.probes)


def test_the_probes_survive_code_that_changes_its_arguments():
    """Each call gets arrays of its own, so what is wrong besides is still seen."""
    def foreign(x, mean, sigma):
        x -= mean
        return x / sigma**2
    codes = [d.code for d in check("gaussian_score", foreign).diagnoses]
    assert codes[:2] == ["mutates-input", "sign"]


def test_code_that_draws_its_own_noise_is_not_repeatable():
    """The noise is an argument."""
    rng = np.random.default_rng(0)

    def foreign(x, sigma, eps):
        return x + sigma * rng.standard_normal(x.shape)
    assert code(check("perturb", foreign)) == "not-repeatable"


def test_noise_of_a_fixed_seed_is_noise_of_its_own_too():
    """It is repeatable, and does not depend on the noise that was passed."""
    def foreign(x, sigma, eps):
        return x + sigma * np.random.default_rng(0).standard_normal(x.shape)
    report = check("perturb", foreign)
    assert code(report) == "argument-ignored"
    assert "eps" in report.diagnosis.sentence


@pytest.mark.parametrize(("foreign", "words"), [
    (lambda x, sigma: x, "2 positional arguments but 3 were given"),
    (lambda x, mean, sigma, more: x, "missing 1 required positional argument: 'more'"),
    (lambda: 0, "0 positional arguments but 3 were given")])
def test_code_of_another_arity_is_shown_the_contract(foreign, words):
    """What Python says, and the signature that is required."""
    report = check("gaussian_score", foreign)
    assert code(report) == "raises"
    assert words in report.diagnosis.sentence
    assert "gaussian_score(x, mean, sigma) -> (B, D)" in report.diagnosis.fix


# What may come back

@pytest.mark.parametrize(("result", "words"), [
    (None, "None came"), ("1.5", "str"), (1j, "complex128 came"), ([[1.0], [1.0, 2.0]], "numbers"),
    (object(), "numbers")], ids=["None", "text", "complex", "ragged", "object"])
def test_what_is_no_real_number_has_the_wrong_shape(result, words):
    """Of a loss, whose mean may be a single number, too."""
    for kind, arity in (("gaussian_score", 3), ("denoising_score_matching", 4)):
        report = check(kind, lambda *args: result)
        assert code(report) == "wrong-shape", report
        assert "returns no real numbers" in report.diagnosis.sentence
        assert words in report.diagnosis.sentence


def test_a_right_real_part_does_not_make_complex_numbers_right():
    """Nothing is silently dropped."""
    assert code(check("gaussian_score", lambda *args: score(*args) + 1j)) == "wrong-shape"


@pytest.mark.parametrize("form", [lambda a: a.tolist(), lambda a: a.astype(object)])
def test_nested_lists_of_numbers_are_numbers(form):
    """Other languages and exact arithmetic return them."""
    assert check("gaussian_score", lambda *args: form(score(*args))).ok


@pytest.mark.parametrize(("form", "expected"), [
    (lambda a: a.T, "wrong-shape"), (lambda a: a[:, :, None], "wrong-shape"),
    (lambda a: a[0], "wrong-shape"), (lambda a: a[None] * np.ones((len(a), 1, 1)), "broadcast"),
    (lambda a: a.sum(), "wrong-shape")])
def test_a_batch_of_another_shape_is_not_repaired(form, expected):
    """Nor when it could be."""
    assert code(check("gaussian_score", lambda *args: form(score(*args)))) == expected


@pytest.mark.parametrize(("form", "expected"), [
    (lambda a: a[:, None], "wrong-shape"), (lambda a: a + 0 * a[:, None], "broadcast"),
    (lambda a: a[:1], "wrong-shape")])
def test_a_loss_of_another_shape_is_not_repaired(form, expected):
    """(B, 1) broadcasts to (B, B) against (B,), which nobody notices in a mean."""
    report = check("denoising_score_matching", lambda *args: form(loss(*args)))
    assert code(report) == expected
    assert report.parts["value"] == "wrong"


def test_a_loss_per_feature_is_not_reduced():
    """And it is said which reduction makes it right."""
    def foreign(score_fn, x, sigma, eps):
        return 0.5 * (score_fn(x + sigma * eps, sigma) + eps / sigma)**2
    report = check("denoising_score_matching", foreign)
    assert code(report) == "not-reduced"
    assert "the sum of which over features is right" in report.diagnosis.sentence


@pytest.mark.parametrize("form", [np.mean, lambda a: float(np.mean(a))])
def test_a_loss_may_return_its_mean(form):
    """Its minimiser is judged as before."""
    report = check("denoising_score_matching", lambda *args: form(loss(*args)))
    assert report.right
    assert report.parts == {"value": "right", "minimiser": "right", "gradient": "not judged"}
    assert report.notes == ("it returns the mean over the batch",)


def test_nothing_but_a_loss_may_return_its_mean():
    """The mean of log densities hides the rows."""
    def foreign(*args):
        return refsgm.gaussian_log_density(*args).mean()
    assert code(check("gaussian_log_density", foreign)) == "wrong-shape"


def test_the_mean_of_a_wrong_loss_is_explained_by_its_rows():
    """One call for each row tells the engines as much as losses per sample do."""
    def foreign(score_fn, x, sigma, eps):
        return 0.5 * np.sum((score_fn(x + sigma * eps, sigma) - eps / sigma)**2, axis=1)
    per_sample = check("denoising_score_matching", foreign)
    mean = check("denoising_score_matching", lambda *args: foreign(*args).mean())
    assert code(per_sample) == code(mean) == "sign"


def test_a_sum_over_the_batch_is_named():
    """It is right for a single row."""
    report = check("denoising_score_matching", lambda *args: loss(*args).sum())
    assert code(report) == "sum-vs-mean"
    assert "B times the right one" in report.diagnosis.sentence


def test_a_sampler_may_return_its_last_state():
    """Or a list, or a generator, of all."""
    for form in (list, tuple, iter, lambda states: list(states)[-1]):
        assert check("langevin", lambda *args, form=form: form(refsgm.langevin(*args))).ok


@pytest.mark.parametrize("kind", ["gaussian_score", "denoising_score_matching", "ve_marginal"])
def test_nan_is_not_finite(kind):
    """And not taken for an argument that does not matter."""
    report = check(kind, lambda *args: CONTRACTS[kind].function(*args) * np.nan)
    assert [d.code for d in report.diagnoses] == ["not-finite"]
    json.dumps(report.as_dict(), allow_nan=False)


def test_float32_results_are_judged_in_float32():
    """Not right to float64, and not wrong."""
    report = check("gaussian_score", lambda *args: score(*args).astype(np.float32))
    assert report.right
    assert report.notes == (
        "it returns float32 for float64 arguments, and is judged in float32",)


def test_float32_inside_float64_results_is_low_precision():
    """What claims to be float64 is judged as such."""
    def foreign(*args):
        return score(*[np.asarray(a, np.float32) for a in args]).astype(np.float64)
    report = check("gaussian_score", foreign)
    assert code(report) == "low-precision"
    assert "float32" in report.diagnosis.sentence


def test_float16_is_low_precision():
    """Whatever its results are: the dtype itself is named."""
    report = check("gaussian_score", lambda *args: score(*args).astype(np.float16))
    assert code(report) == "low-precision"
    assert "comes as float16" in report.diagnosis.sentence


def test_bfloat16_is_low_precision():
    """NumPy has no such dtype, and its results are numbers nevertheless."""
    torch = pytest.importorskip("torch")
    report = check("gaussian_score", lambda *args: score(*args).to(torch.bfloat16), "torch")
    assert code(report) == "low-precision"


# Metamorphic probes

def test_a_result_that_depends_on_the_order_of_its_rows_is_found():
    """At the first probe all is right; the same rows in another order are not."""
    contract = CONTRACTS["gaussian_score"]
    first = known(contract, situations(contract)[0])

    def foreign(x, mean, sigma):
        shifted = len(x) == len(first.args["x"]) and np.array_equal(x[::-1], first.args["x"])
        return score(x, mean, sigma) + shifted
    report = check("gaussian_score", foreign)
    assert [p.label for p in report.failing] == ["its rows in another order"]
    assert code(report) == "rows-mixed"


def test_a_result_that_changes_when_rows_come_twice_is_found():
    """No other probe has ten rows."""
    def foreign(x, mean, sigma):
        return score(x, mean, sigma) * (1 + (len(x) == 10))
    report = check("gaussian_score", foreign)
    assert [p.label for p in report.failing] == ["its rows twice"]


def test_a_result_that_changes_with_every_call_is_found():
    """A state that is kept from call to call."""
    calls = itertools.count(1)

    def foreign(x, mean, sigma):
        return score(x, mean, sigma) * (1 + 1e-3 * (next(calls) > 12))
    assert not check("gaussian_score", foreign).ok


def test_a_row_that_changes_other_rows_is_found():
    """Data centred by the mean of their batch."""
    def foreign(x, mean, sigma):
        return score(x - x.mean(0), mean, sigma)
    assert code(check("gaussian_score", foreign)) == "rows-mixed"


# The report

REPORTS = {
    "right": lambda: check("gaussian_score", score),
    "wrong": lambda: check("ddpm_step", lambda x, eps, t, s, z, variance: x + eps + z),
    "loss": lambda: check("denoising_score_matching", mean_without_half),
    "raises": lambda: check("gaussian_score", lambda: "no" * 99),
    "long": lambda: check("gaussian_score", lambda *args: [][sum(map(np.size, args))] + "a" * 999),
    "edges": lambda: check("gaussian_score", wrong_at_edges),
    "unknown": lambda: check("gaussian_score", lambda x, mean, sigma: np.sin(x * sigma) + mean),
    "nan": lambda: check("gaussian_score", lambda *args: score(*args) * np.nan),
    "loop": lambda: check("langevin", lambda f, x, h, n, rng: [x] * n),
    "table": lambda: check("geometric_sigmas", lambda high, low, n: np.linspace(high, low, n)),
}


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_fits_a_terminal(name):
    """A hundred columns, whatever happened."""
    lines = str(REPORTS[name]()).split("\n")
    assert max(map(len, lines)) <= 100
    assert not any(line != line.rstrip() for line in lines)


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_is_plain_data(name):
    """JSON that says again what the report says, without NaN."""
    report = REPORTS[name]()
    data = json.loads(json.dumps(report.as_dict(), allow_nan=False))
    assert data["ok"] == report.ok == bool(report)
    assert [d["code"] for d in data["diagnoses"]] == [d.code for d in report.diagnoses]
    assert [p["label"] for p in data["probes"]] == [p.label for p in report.probes]
    assert all((p["error"] is None) == (not np.isfinite(q.error))
               for p, q in zip(data["probes"], report.probes))


def test_a_report_shows_the_smallest_failing_probe():
    """Got and expected, where the fewest numbers are."""
    report = REPORTS["unknown"]()
    assert code(report) == "unknown"
    assert "smallest failing probe: B = 1, D = 3" in str(report)
    assert "got " in str(report)
    assert "expected " in str(report)


# The dimensional fit, whatever the factor

FITTED = [name for name, contract in CONTRACTS.items()
          if contract.form in (BATCH, ROWS, LEVEL) and name != "log_likelihood"]


@st.composite
def multiples(draw):
    """A kind and a monomial of at most two of its quantities, in the order that fits have."""
    contract = CONTRACTS[draw(st.sampled_from(FITTED))]
    table = quantities(contract, known(contract, situations(contract)[0]).args)
    names = sorted(set(table) - {"|v|"})                       # which M directions have not got
    powers = draw(st.dictionaries(st.sampled_from(names), st.integers(-4, 4).filter(bool),
                                  max_size=2)) if names else {}
    m = Monomial(draw(st.sampled_from((-1, 1))), Fraction(draw(st.integers(-4, 4)), 2), "",
                 {name: Fraction(powers[name], 2) for name in sorted(powers)})
    assume(str(m) != "1")
    return contract, m


@given(case=multiples())
def test_the_doctor_names_any_wrong_factor_exactly(case):
    """The first component of what a kind returns, times any product of powers."""
    contract, m = case

    def foreign(*args):
        result = contract.function(*args)
        first, *rest = result if isinstance(result, tuple) else (result,)
        with np.errstate(all="ignore"):
            factor = m(quantities(contract, dict(zip(contract.args, args))))
        factor = np.reshape(factor, (-1, *[1] * (np.ndim(first) - 1)) if np.ndim(first) else ())
        return (first * factor, *rest) if rest else first * factor
    report = check(contract.name, foreign)
    assert not report.ok
    assert f"the result is {m} times the right one" in report.diagnosis.sentence


# What a reviewer tried

def test_a_convention_does_not_excuse_a_detached_gradient():
    """The mean over features without a gradient."""
    def detached(eps_fn, x_0, alpha_bar_t, eps):
        x_t = alpha_bar_t**0.5 * x_0 + (1 - alpha_bar_t)**0.5 * eps
        return np.mean((getval(eps_fn(x_t, alpha_bar_t)) - eps)**2, axis=1)
    report = check("ddpm_loss", detached, "autograd", allow={"mean-over-dims"})
    assert not report.ok
    assert "detached-gradient" in [d.code for d in report.diagnoses]


def test_a_change_in_place_that_is_allowed_excuses_no_wrong_value():
    """It is wrong by a sign, too."""
    def foreign(x, mean, sigma):
        result = -score(x, mean, sigma)
        x -= mean
        return result
    assert not check("gaussian_score", foreign, allow={"mutates-input"}).ok
    assert not check("gaussian_score", foreign, allow={"sign"}).ok
    assert check("gaussian_score", foreign, allow={"mutates-input", "sign"}).ok


@pytest.mark.parametrize(("kind", "foreign"), [
    ("min_snr_weight", lambda a, gamma, prediction: refsgm.min_snr_weight(a, gamma, prediction)
     + (prediction == "v" and np.ndim(a) > 0)),
    ("probability_flow_sampler", lambda f, x, sigmas, method="heun":
     refsgm.probability_flow_sampler(f, x, sigmas, "heun")),
    ("probability_flow_sampler", lambda f, x, sigmas, method="heun":
     refsgm.probability_flow_sampler(f, x, np.maximum(sigmas, 1e-3), method)),
    ("ddim_sampler", lambda f, x, table, eta, rng:
     refsgm.ddim_sampler(f, x, table, eta if 0 < eta < 1 else 0.5, rng))],
    ids=["v by row", "euler", "to no noise", "eta at its ends"])
def test_choices_and_ends_leave_no_hiding_place(kind, foreign):
    """Each is wrong at one choice, or one end, alone."""
    assert not check(kind, foreign).ok


def test_a_mean_over_the_pixels_of_images_is_the_convention():
    """All images have the same D, and still 1 / D is not a constant."""
    def foreign(eps_fn, x_0, alpha_bar_t, eps):
        x_t = alpha_bar_t**0.5 * x_0 + (1 - alpha_bar_t)**0.5 * eps
        return np.mean((eps_fn(x_t, alpha_bar_t) - eps)**2)
    report = check("ddpm_loss", foreign, levels="trailing", event_shape=(3, 4, 4),
                   allow={"mean-over-dims"})
    assert report.ok, report
    assert report.diagnosis.convention == "mean-over-dims"


def test_a_loop_may_return_its_last_state_alone():
    """Its convention is named from that state."""
    def last(f, x, step_size, n_steps, rng):
        for _ in range(n_steps):
            x = x + step_size * f(x) + (2 * step_size)**0.5 * rng.standard_normal(x.shape)
        return x
    report = check("langevin", last, allow={"langevin-step"})
    assert report.ok, report
    assert "expected" not in str(check("langevin", lambda *args: [*refsgm.langevin(*args)][-1]))


def test_a_constant_in_float32_is_called_that():
    """Not an approximation: its error has the size of float32."""
    def foreign(x, mean, sigma):
        column = sigma if np.ndim(sigma) == 0 else sigma[:, 0]
        log_norm = x.shape[1] * (np.log(column) + 0.5 * float(np.float32(np.log(2 * np.pi))))
        return -0.5 * np.sum(((x - mean) / sigma)**2, axis=1) - log_norm
    assert code(check("gaussian_log_density", foreign)) == "low-precision"
    assert check("gaussian_log_density", foreign, dtype="float32").ok


def test_a_network_that_is_given_clean_data_is_called_at_the_wrong_point():
    """The noise is left out, which is no matter of coordinates."""
    def foreign(eps_fn, x_0, alpha_bar_t, eps):
        return np.sum((eps_fn(x_0, alpha_bar_t) - eps)**2, axis=1)
    assert code(check("ddpm_loss", foreign)) == "evaluation-point"
