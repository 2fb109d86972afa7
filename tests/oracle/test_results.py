"""What may come back from foreign code, and in which precision."""

import json

import numpy as np
import pytest

import refsgm
from refsgm.oracle.check import check
from refsgm.oracle.kinds import KINDS
from tests.oracle.foreign import code, loss, score


@pytest.mark.parametrize(("result", "words"), [
    (None, "got None"), ("1.5", "str"), (1j, "got complex128"), ([[1.0], [1.0, 2.0]], "numbers"),
    (object(), "numbers")], ids=["None", "text", "complex", "ragged", "object"])
def test_what_is_no_real_number_has_the_wrong_shape(result, words):
    """What is not a real number is refused, also from a loss, whose mean may be a single number."""
    for kind, arity in (("gaussian_score", 3), ("denoising_score_matching", 4)):
        report = check(kind, lambda *args: result)
        assert code(report) == "wrong-shape", report
        assert "returns no real numbers" in report.diagnosis.sentence
        assert words in report.diagnosis.sentence


def test_a_right_real_part_does_not_make_complex_numbers_right():
    """An imaginary part is never dropped silently."""
    assert code(check("gaussian_score", lambda *args: score(*args) + 1j)) == "wrong-shape"


@pytest.mark.parametrize("form", [lambda a: a.tolist(), lambda a: a.astype(object)])
def test_nested_lists_of_numbers_are_numbers(form):
    """Nested lists and object arrays count as arrays: other languages and exact arithmetic return
    them."""
    assert check("gaussian_score", lambda *args: form(score(*args))).ok


@pytest.mark.parametrize(("form", "expected"), [
    (lambda a: a.T, "wrong-shape"), (lambda a: a[:, :, None], "wrong-shape"),
    (lambda a: a[0], "wrong-shape"), (lambda a: a[None] * np.ones((len(a), 1, 1)), "broadcast"),
    (lambda a: a.sum(), "wrong-shape")])
def test_a_batch_of_another_shape_is_not_repaired(form, expected):
    """A (B, D) result is not reshaped even where reshaping would make it right."""
    assert code(check("gaussian_score", lambda *args: form(score(*args)))) == expected


@pytest.mark.parametrize(("form", "expected"), [
    (lambda a: a[:, None], "wrong-shape"), (lambda a: a + 0 * a[:, None], "broadcast"),
    (lambda a: a[:1], "wrong-shape")])
def test_a_loss_of_another_shape_is_not_repaired(form, expected):
    """A loss (B, 1) broadcasts to (B, B) against (B,), which nobody notices in a mean."""
    report = check("denoising_score_matching", lambda *args: form(loss(*args)))
    assert code(report) == expected
    assert report.parts["value"] == "wrong"


def test_a_loss_per_feature_is_not_reduced():
    """The diagnosis says which reduction makes a loss per feature right."""
    def foreign(score_fn, x, sigma, eps):
        return 0.5 * (score_fn(x + sigma * eps, sigma) + eps / sigma)**2
    report = check("denoising_score_matching", foreign)
    assert code(report) == "not-reduced"
    assert "the sum of which over features is right" in report.diagnosis.sentence


@pytest.mark.parametrize("form", [np.mean, lambda a: float(np.mean(a))])
def test_a_loss_may_return_its_mean(form):
    """The minimiser of a loss that returns its mean is judged all the same."""
    report = check("denoising_score_matching", lambda *args: form(loss(*args)))
    assert report.right
    assert report.parts == {"value": "right", "minimiser": "right", "gradient": "not judged"}
    assert report.notes == ("it returns the mean over the batch",)


def test_nothing_but_a_loss_may_return_its_mean():
    """The mean of log densities hides the rows, so it has the wrong shape."""
    def foreign(*args):
        return refsgm.gaussian_log_density(*args).mean()
    assert code(check("gaussian_log_density", foreign)) == "wrong-shape"


def test_the_mean_of_a_wrong_loss_is_explained_by_its_rows():
    """A mean is called once for each row, which tells as much as losses per sample do."""
    def foreign(score_fn, x, sigma, eps):
        return 0.5 * np.sum((score_fn(x + sigma * eps, sigma) - eps / sigma)**2, axis=1)
    per_sample = check("denoising_score_matching", foreign)
    mean = check("denoising_score_matching", lambda *args: foreign(*args).mean())
    assert code(per_sample) == code(mean) == "sign"


def test_a_sum_over_the_batch_is_named():
    """A sum over the batch is right for a single row and named for more."""
    report = check("denoising_score_matching", lambda *args: loss(*args).sum())
    assert code(report) == "sum-vs-mean"
    assert "B times the right one" in report.diagnosis.sentence


def test_a_sampler_may_return_its_last_state():
    """A sampler may return a list or a generator of all states, or its last state."""
    for form in (list, tuple, iter, lambda states: list(states)[-1]):
        assert check("langevin", lambda *args, form=form: form(refsgm.langevin(*args))).ok


@pytest.mark.parametrize("kind", ["gaussian_score", "denoising_score_matching", "ve_marginal"])
def test_nan_is_not_finite(kind):
    """A NaN result is named as such, and not taken for an argument that does not matter."""
    report = check(kind, lambda *args: KINDS[kind].function(*args) * np.nan)
    assert [d.code for d in report.diagnoses] == ["not-finite"]
    json.dumps(report.as_dict(), allow_nan=False)


def test_float32_results_are_judged_in_float32():
    """A float32 answer to float64 arguments is right to float32, which a note says."""
    report = check("gaussian_score", lambda *args: score(*args).astype(np.float32))
    assert report.right
    assert report.notes == (
        "it returns float32 for float64 arguments, and is judged in float32",)


def test_float32_inside_float64_results_is_low_precision():
    """A result that claims to be float64 is judged as float64."""
    def foreign(*args):
        return score(*[np.asarray(a, np.float32) for a in args]).astype(np.float64)
    report = check("gaussian_score", foreign)
    assert code(report) == "low-precision"
    assert "float32" in report.diagnosis.sentence


def test_float16_is_low_precision():
    """A float16 result is named by its dtype, whatever its values are."""
    report = check("gaussian_score", lambda *args: score(*args).astype(np.float16))
    assert code(report) == "low-precision"
    assert "comes as float16" in report.diagnosis.sentence


def test_bfloat16_is_low_precision():
    """NumPy has no bfloat16, and such results are judged nevertheless."""
    torch = pytest.importorskip("torch")
    report = check("gaussian_score", lambda *args: score(*args).to(torch.bfloat16), "torch")
    assert code(report) == "low-precision"


def test_a_constant_in_float32_is_called_that():
    """A constant rounded to float32 is low precision and not an approximation: its error has that
    size."""
    def foreign(x, mean, sigma):
        column = sigma if np.ndim(sigma) == 0 else sigma[:, 0]
        log_norm = x.shape[1] * (np.log(column) + 0.5 * float(np.float32(np.log(2 * np.pi))))
        return -0.5 * np.sum(((x - mean) / sigma)**2, axis=1) - log_norm
    assert code(check("gaussian_log_density", foreign)) == "low-precision"
    assert check("gaussian_log_density", foreign, dtype="float32").ok
