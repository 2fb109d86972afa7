"""Gradients that are wrong in a region alone: of sizes, of levels, of numbers beside columns."""

import pytest

import refsgm
from refsgm.oracle.calls.caller import Caller
from refsgm.oracle.calls.frameworks import framework_of
from refsgm.oracle.calls.input_gradients import RIGHT, UNKNOWN, together
from refsgm.oracle.calls.judge import new_probe
from refsgm.oracle.kinds import KINDS, ProbeSpec
from refsgm.oracle.kinds.wide import FORM

torch = pytest.importorskip("torch")


def constant_in_wide(x_t, score, scale, sigma):
    """Above 23 features the score is a constant."""
    return (x_t + sigma**2 * (score.detach() if x_t.shape[1] > 23 else score)) / scale


def constant_above_70(z, mean=-1.2, deviation=1.2):
    """Levels above 70 are constants."""
    sigma = torch.exp(mean + deviation * z)
    return torch.where(sigma > 70, sigma.detach(), sigma)


def number_without_graph(x, sigma, eps):
    """A level that is a number is read as Python's."""
    return x + (float(sigma) if sigma.ndim == 0 else sigma) * eps


def constant_column(score_fn, x, sigma, eps):
    """The function is told a column of levels without a graph."""
    level = sigma.detach() if sigma.ndim == 2 else sigma
    return 0.5 * ((score_fn(x + sigma * eps, level) + eps / sigma)**2).sum(1)


def always_constant(score_fn, x, sigma, eps):
    """Noise is added without a graph, as in training: everywhere alike."""
    with torch.no_grad():
        x_noisy = x + sigma * eps
    return 0.5 * ((score_fn(x_noisy, sigma) + eps / sigma)**2).sum(1)


@pytest.mark.parametrize(("kind", "function"), [
    ("x0_from_score", constant_in_wide), ("log_normal_sigma", constant_above_70),
    ("perturb", number_without_graph), ("denoising_score_matching", constant_column)])
def test_a_gradient_is_the_derivative_of_the_value_in_every_region(kind, function):
    """One that is missing beyond a number of the code, or in one form of a level, is found."""
    report = refsgm.check(kind, function, "torch")
    assert [d.code for d in report.diagnoses] == ["detached-gradient"]


def test_a_loss_may_leave_out_the_gradient_of_its_data_everywhere():
    """It is used for that of the parameters; what it detaches in all places is its own choice."""
    assert refsgm.check("denoising_score_matching", always_constant, "torch").ok


def test_a_gradient_may_lose_the_digits_that_terms_lose_where_they_cancel():
    """All means of a mixture are zero, and its levels tiny: shares that rounding moves are right."""
    def log_density(x, weights, means, sigma):
        logits = weights.log() - (x[:, None] - means).square().sum(-1) / (2 * sigma.square())
        return torch.logsumexp(logits - x.shape[1] * (sigma * (2 * torch.pi)**0.5).log(), 1)
    kind = KINDS["mixture_log_density"]
    caller = Caller(kind, log_density, framework_of("torch"))
    spec = ProbeSpec("", 2, 2, True, FORM, 1342801991, count=6, forms=(
        ("x", "alike"), ("weights", "zero"), ("means", "zero"), ("sigma", "tiny")))
    judged = together(caller, new_probe(kind, spec, caller), ["x", "means"])
    assert set(judged.values()) <= {RIGHT, UNKNOWN}
