"""Numbers at the ends of a domain, numbers beside columns, words and counts as programs have them.
"""

import numpy as np
import pytest

import refsgm

pytestmark = pytest.mark.usefixtures("all_probes")


EPS, X0 = "eps", "x0"


def same_object(alpha_bar, gamma, prediction):
    """Words compared as objects."""
    n = (1 - alpha_bar) / alpha_bar
    if prediction is EPS:
        return np.minimum(1, gamma * n)
    clipped = 1 / np.maximum(n, 1 / gamma)
    return clipped if prediction is X0 else clipped * (1 - alpha_bar)


def test_a_word_is_not_the_object_that_the_code_has():
    """It was read from a file, say."""
    assert not refsgm.check("min_snr_weight", same_object, seed=0).ok


def both_or_none(z, *law):
    """The law's two numbers where both are given, else the paper's."""
    mean, deviation = law if len(law) == 2 else (-1.2, 1.2)
    return np.exp(mean + deviation * z)


def ignored_alone(n_steps, beta_min=None, beta_max=None):
    """An end that is given by its name alone is forgotten."""
    if beta_min is None:
        beta_min, beta_max = 1e-4, 0.02
    return np.linspace(beta_min, 0.02 if beta_max is None else beta_max, n_steps)


@pytest.mark.parametrize(("kind", "f"), [("log_normal_sigma", both_or_none),
                                         ("linear_betas", ignored_alone)])
def test_any_part_of_the_optional_arguments_may_be_given(kind, f):
    """By position, or by the code's own names."""
    report = refsgm.check(kind, f, seed=0)
    assert not report.ok
    assert "left out" in report.failing[0].label


def one_rate(x_t, score, scale, sigma, scale_rate, sigma_rate):
    """One rate for all rows where the levels are numbers."""
    if np.ndim(scale) == 0 and np.ndim(sigma) == 0:
        scale_rate, sigma_rate = np.ravel(scale_rate)[0], np.ravel(sigma_rate)[0]
    return refsgm.velocity_from_score(x_t, score, scale, sigma, scale_rate, sigma_rate)


def of_integers(sigma, sigma_data, sigma_min=0.002):
    """A special case in integers, which makes integers of all if it comes first."""
    def scalings(s):
        a, b = refsgm.consistency_scalings(float(s), sigma_data, sigma_min)
        return (1, 0) if s == sigma_min else (float(a), float(b))
    return np.vectorize(scalings)(sigma) if np.ndim(sigma) else scalings(sigma)


def counted_down(sigma_max, sigma_min, n_levels):
    """Exponents from 1 - L, which wraps for an unsigned L."""
    exponents = -np.arange(1 - n_levels, 1) / (n_levels - 1)
    return sigma_min * (sigma_max / sigma_min)**exponents


def like_the_noise(eps_fn, x_0, alpha_bar_t, eps):
    """Diffused data in an array of the type of the noise."""
    x_t = np.empty_like(eps)
    x_t[...] = refsgm.diffuse(x_0, alpha_bar_t, eps)
    return np.sum((eps - eps_fn(x_t, alpha_bar_t))**2, axis=1)


def expanded(score_fn, x, target_score):
    """A square multiplied out, whose digits cancel for a score that is nearly right."""
    s = score_fn(x)
    return 0.5 * (s**2).sum(1) - (s * target_score).sum(1) + 0.5 * (target_score**2).sum(1)


def unique_directions(score_fn, x, v):
    """A direction that comes twice counts once."""
    return refsgm.hutchinson_divergence(score_fn, x, np.unique(v, axis=0) if v.ndim == 3 else v)


def in_place(score_fn, x, step_size, n_steps, rng):
    """The drift is scaled where the score lies, which may be the state."""
    for _ in range(n_steps):
        drift = score_fn(x)
        drift *= step_size / 2
        x = x + drift + step_size**0.5 * rng.standard_normal(x.shape)
        yield x


@pytest.mark.parametrize(("kind", "f"), [
    ("velocity_from_score", one_rate), ("consistency_scalings", of_integers),
    ("geometric_sigmas", counted_down), ("ddpm_loss", like_the_noise),
    ("explicit_score_matching", expanded), ("hutchinson_divergence", unique_directions),
    ("langevin", in_place)])
def test_every_form_of_one_argument_is_asked_in_every_check(kind, f):
    """Whatever the seed."""
    assert not refsgm.check(kind, f, dictionary=False, seed=5).ok
