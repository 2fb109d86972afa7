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

from tests.oracle.blind_spots.later_steps_torch import little_memory  # noqa: E402, needs torch


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


def noise_from_constants(score_fn, x, sigma, eps):
    """The target too is made of noisy data that have no graph."""
    with torch.no_grad():
        x_noisy = x + sigma * eps
    return 0.5 * ((score_fn(x_noisy, sigma) - (x - x_noisy) / sigma**2)**2).sum(1)


def last_as_number(sigmas, step_size):
    """The last level is read as a number of Python's."""
    return step_size * (sigmas / sigmas[-1].item())**2


def cut_between_steps(score_fn, x, sigmas, method="heun"):
    """One step has a gradient, and a second one begins without."""
    for i, (t, s) in enumerate(zip(sigmas[:-1], sigmas[1:])):
        x = x.detach() if i else x
        slope = t * score_fn(x, t)
        x_hat = x + (t - s) * slope
        x = x_hat if method == "euler" or s == 0 else (
            x + 0.5 * (t - s) * (slope + s * score_fn(x_hat, s)))
        yield x


def both_then_where(score_fn, x_t, sigma_t, sigma_s):
    """The score is asked at level zero too, and 0 times its infinity enters the gradient."""
    slope = sigma_t * score_fn(x_t, sigma_t)
    euler = x_t + (sigma_t - sigma_s) * slope
    heun = x_t + 0.5 * (sigma_t - sigma_s) * (slope + sigma_s * score_fn(euler, sigma_s))
    return torch.where(sigma_s > 0, heun, euler)


def constant_by_default(score_fn, x, sigmas, eps, weights=None):
    """Levels are constants where no weights are given."""
    levels = sigmas.detach() if weights is None else sigmas
    weights = levels**2 if weights is None else weights
    return sum(w / 2 * (score_fn(x + s * e, s) + e / s).square().sum(1)
               for w, s, e in zip(weights, levels, eps))


def target_without_graph(v_fn, x_0, alpha_bar_t, eps):
    """What is predicted is a constant, while what the function is passed is none."""
    x_t = alpha_bar_t**0.5 * x_0 + (1 - alpha_bar_t)**0.5 * eps
    target = (alpha_bar_t**0.5 * eps - (1 - alpha_bar_t)**0.5 * x_0).detach()
    return (v_fn(x_t, alpha_bar_t) - target).square().sum(1)


def constant_for_several(score_fn, x, v):
    """Points are copied for several directions, and the copies are constants."""
    with torch.enable_grad():
        points = x.detach().repeat(len(v), 1) if v.ndim == 3 else x
        points = points if points.requires_grad else points.clone().requires_grad_()
        v, score = v.reshape(points.shape), score_fn(points)
        product, = torch.autograd.grad((score * v).sum(), points, create_graph=True)
        terms = 0.5 * (score * v).sum(1)**2 + (product * v).sum(1)
    return terms.reshape(-1, len(x)).mean(0)


class Squares(torch.autograd.Function):
    """x^2, whose derivative is kept as numbers that have no derivative of their own."""

    @staticmethod
    def forward(ctx, x):
        ctx.slope = 2 * x
        return x**2

    @staticmethod
    def backward(ctx, g):
        return g * ctx.slope


def differentiable_once(x, mean, sigma):
    """The square by a derivative that is written by hand."""
    sizes = Squares.apply((x - mean) / sigma).sum(1)
    return -0.5 * sizes - x.shape[1] * (sigma.reshape(-1) * (2 * torch.pi)**0.5).log()


def filled_column():
    """A number is filled into a column that is kept, which the derivative of the product needs."""
    columns = {}

    def perturb(x, sigma, eps):
        if sigma.ndim or sigma.requires_grad:
            return x + sigma * eps
        column = columns.setdefault((len(x), x.dtype), torch.empty(len(x), 1, dtype=x.dtype))
        return x + column.copy_(sigma.expand(len(x), 1)) * eps
    return perturb


@pytest.mark.parametrize(("kind", "function"), [
    ("perturb", filled_column()), ("v_prediction_loss", target_without_graph),
    ("sliced_score_matching", constant_for_several),
    ("probability_flow_sampler", little_memory),
    ("annealed_step_sizes", last_as_number), ("probability_flow_sampler", cut_between_steps),
    ("heun_step", both_then_where), ("noise_conditional_score_matching", constant_by_default),
    ("gaussian_log_density", differentiable_once),
    ("x0_from_score", constant_in_wide), ("log_normal_sigma", constant_above_70),
    ("perturb", number_without_graph), ("denoising_score_matching", constant_column)])
def test_a_gradient_is_the_derivative_of_the_value_in_every_region(kind, function):
    """One that is missing beyond a number of the code, or in one form of a level, is found."""
    report = refsgm.check(kind, function, "torch")
    assert [d.code for d in report.diagnoses] == ["detached-gradient"]


@pytest.mark.parametrize("function", [always_constant, noise_from_constants])
def test_a_loss_may_pass_its_function_constants_everywhere(function):
    """It is used for the gradient of the parameters; what else it leaves out then is its choice."""
    assert refsgm.check("denoising_score_matching", function, "torch").ok


def test_a_gradient_may_lose_the_digits_that_terms_lose_where_they_cancel():
    """[MIX-1] All means are zero and the levels tiny: shares that rounding moves are right."""
    def log_density(x, weights, means, sigma):
        logits = weights.log() - (x[:, None] - means).square().sum(-1) / (2 * sigma.square())
        return torch.logsumexp(logits - x.shape[1] * (sigma * (2 * torch.pi)**0.5).log(), 1)
    kind = KINDS["mixture_log_density"]
    caller = Caller(kind, log_density, framework_of("torch"))
    spec = ProbeSpec("", 2, 2, True, FORM, 1342801991, count=6, forms=(
        ("x", "alike"), ("weights", "zero"), ("means", "zero"), ("sigma", "tiny")))
    judged = together(caller, new_probe(kind, spec, caller), ["x", "means"])
    assert set(judged.values()) <= {RIGHT, UNKNOWN}
