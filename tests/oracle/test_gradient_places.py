"""Gradients that are wrong in a region alone: of sizes, of levels, of numbers beside columns."""

import pytest

import refsgm

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
