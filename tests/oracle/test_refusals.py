"""What right code may refuse or lose to rounding: it is noted, and not called wrong."""

import numpy as np
import pytest

import refsgm
from tests.oracle.kinds.loops import flow_sample

pytestmark = pytest.mark.usefixtures("all_probes")


def test_a_number_that_cannot_divide_is_noted():
    """[EQV-9] 1 / 0 of Python's numbers raises; an array goes on to the right answer, 0."""
    report = refsgm.check("sigma_from_alpha_bar", lambda a: (1 / (a / (1 - a)))**0.5, seed=0)
    assert report.ok
    assert "it takes no alpha_bar = 1, given as a number: ZeroDivisionError" in report.notes[0]


@pytest.mark.parametrize("seed", [1, 5])
def test_a_root_below_zero_is_noted(seed):
    """1 - scale^2 is usual, and in float32 it may be less than nothing where t is 0."""
    def cosine(t, offset=0.008):
        end = np.cos(np.pi / 2 * offset / (1 + offset))
        scale = np.cos(np.pi / 2 * (t + offset) / (1 + offset)) / end
        return scale, np.sqrt(1 - scale**2)
    report = refsgm.check("cosine_marginal", cosine, seed=seed)
    assert report.ok
    assert "a difference has lost all its digits" in report.notes[0]


@pytest.mark.parametrize(("step", "seed"), [(1e-20, 4), (1e-20, 8), (1e-30, 8)])
def test_a_complex_step_is_right_where_the_terms_of_a_sum_cancel(step, seed):
    """The field of seed 8 is skew, so that v'Jv = 0, and its terms are not; of seed 4 some are 0.
    """
    def along(score_fn, x, v):
        return np.sum(v * np.imag(score_fn(x + 1j * step * v)) / step, axis=-1)
    assert refsgm.check("directional_derivative", along, seed=seed).ok


def test_a_function_that_is_passed_answers_no_rows():
    """Code may ask it for the shape of its answer."""
    def loss(score_fn, x, sigma, eps):
        score_fn(x[:0], sigma[:0] if np.ndim(sigma) else sigma)
        return 0.5 * np.sum((score_fn(x + sigma * eps, sigma) + eps / sigma)**2, axis=1)
    assert refsgm.check("denoising_score_matching", loss, seed=0).ok


def test_what_view_cannot_take_is_noted():
    """Squares of an image in one row, by a view, where a network returns its image transposed."""
    pytest.importorskip("torch")

    def loss(eps_fn, x_0, alpha_bar, eps):
        x = alpha_bar.sqrt() * x_0 + (1 - alpha_bar).sqrt() * eps
        return (eps_fn(x, alpha_bar) - eps).square().view(len(x), -1).sum(dim=1)
    report = refsgm.check("ddpm_loss", loss, "torch", event_shape=(3, 4, 4), levels="trailing",
                          seed=0)
    assert report.ok
    assert "view size is not compatible" in report.notes[0]


@pytest.mark.parametrize("seed", [0, 3])
def test_data_keep_the_features_that_the_user_says(seed):
    """With an event_shape no question has another number of features."""
    def score(eps, sigma):
        assert eps.shape[-1] == 3
        return -eps / sigma
    assert refsgm.check("score_from_eps", score, event_shape=(3,), seed=seed).ok


def test_code_that_takes_one_level_is_asked_no_column():
    """[MIX-2] Also far from zero."""
    torch = pytest.importorskip("torch")

    def score(x, weights, means, sigma):
        assert not torch.is_tensor(sigma) or sigma.numel() == 1
        to_means = means - x[:, None]
        logits = weights.log() - 0.5 * to_means.square().sum(-1) / sigma**2
        return (logits.softmax(1)[..., None] * to_means).sum(1) / sigma**2
    assert refsgm.check("mixture_score", score, "torch", levels="scalar", seed=3).ok


def published_ddim(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    """The direction is the root of a difference."""
    std = eta * np.sqrt((1 - alpha_bar_s) / (1 - alpha_bar_t) * (1 - alpha_bar_t / alpha_bar_s))
    x_0 = (x_t - np.sqrt(1 - alpha_bar_t) * eps) / np.sqrt(alpha_bar_t)
    return np.sqrt(alpha_bar_s) * x_0 + np.sqrt(1 - alpha_bar_s - std**2) * eps + std * z


def exponential(t, beta_min=0.1, beta_max=20.0):
    """The root of the square, which float32 has not got at very high rates."""
    square = np.exp(-0.5 * t**2 * (beta_max - beta_min) - t * beta_min)
    return np.sqrt(square), np.sqrt(-np.expm1(-0.5 * t**2 * (beta_max - beta_min) - t * beta_min))


@pytest.mark.parametrize(("kind", "function", "seed"), [
    ("ddim_step", published_ddim, 8),
    ("logit_normal_time", lambda z, m, d: 0.5 + 0.5 * np.tanh((m + d * z) / 2), 3),
    ("probability_flow_sampler", flow_sample, 0),
    ("vp_marginal", exponential, 5)])
def test_usual_spellings_may_lose_what_rounding_takes(kind, function, seed):
    """[DDIM-1] [SDE-2] What is left of them at some places is rounding, and no mistake."""
    assert refsgm.check(kind, function, seed=seed).ok


@pytest.mark.parametrize("seed", [2, 9])
def test_the_ancestral_step_of_published_code_is_right(seed):
    """[VE-4] Both roots are of differences, and along a level that of nothing is NaN."""
    torch = pytest.importorskip("torch")

    def step(x_t, score, sigma_t, sigma_s, z):
        up = torch.minimum(sigma_s, (sigma_s**2 * (sigma_t**2 - sigma_s**2) / sigma_t**2)**0.5)
        down = (sigma_s**2 - up**2)**0.5
        return x_t - sigma_t * score * (down - sigma_t) + up * z
    assert refsgm.check("ve_ancestral_step", step, "torch", seed=seed).ok


def test_a_form_that_is_refused_is_noted_once():
    """[SCORE-1] A mean () as a Python float has no method, at whatever size."""
    torch = pytest.importorskip("torch")

    def score(x, mean, sigma):
        return (mean.float() - torch.zeros(1)).addmm(-x, torch.eye(x.shape[1])) / sigma**2
    refused = [note for note in refsgm.check("gaussian_score", score, "torch", seed=0).notes
               if "mean" in note]
    assert refused == ["it takes no mean (): AttributeError: 'float' object has no attribute "
                       "'float'"]


def stacked(score_fn, x, v, step):
    """[SSM-3] Both sides for all directions in one call, of three axes."""
    ahead, behind = score_fn(x + step * v), score_fn(x - step * v)
    loss = np.sum(v * (ahead - behind), axis=-1) / (2 * step) + 0.5 * np.sum(
        v * score_fn(x), axis=-1)**2
    return loss if v.ndim == 2 else np.mean(loss, axis=0)


def test_a_function_that_is_passed_takes_rows_alone():
    """A network of rows has no answer for an axis of directions."""
    report = refsgm.check("finite_difference_ssm", stacked, seed=0)
    assert not report.ok
    assert report.diagnosis.sentence.endswith(
        "score_fn takes x as rows, and no further axes, (N, 3), got (3, 1, 3)")
