"""Noise levels that fit the data: they follow its scale and place, and what misfits is said."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import ndtr

import refsgm
from refsgm.app import datasets
from refsgm.app.metrics import energy_distance
from refsgm.learn import levels
from refsgm.learn.generate import generate
from refsgm.learn.training import Settings
from tests.support.tolerances import EXACT, normal


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1000.0])
def test_levels_follow_the_scale_of_the_data_and_not_its_place(scale):
    x = normal(0, 300, 3)
    near = Settings(dtype="float64").fitted(x).sigmas()
    far = Settings(dtype="float64").fitted(scale * x + 100 * scale).sigmas()
    assert_allclose(far, scale * near, rtol=1e-9, atol=0)


def test_the_largest_level_is_the_largest_distance_and_given_levels_stay():
    """Technique 1 of Song and Ermon; two points are 5 apart."""
    x = np.array([[0.0, 0.0], [3.0, 4.0], [1.0, 1.0]])
    assert Settings().fitted(x).sigma_max == 5.0
    given = Settings(sigma_max=7.0, sigma_min=0.5, n_levels=9)
    assert given.fitted(x) is given
    assert Settings(n_levels=9).fitted(x).n_levels == 9
    assert refsgm.train(x, n_steps=1, width=4).sigmas[0] == 5.0


@pytest.mark.parametrize("dim", [64, 784, 3072])
def test_half_of_the_draws_of_a_level_lie_within_three_deviations_of_the_next(dim):
    """Technique 2: Phi(sqrt(2D)(g - 1) + 3g) - Phi(sqrt(2D)(g - 1) - 3g) = 1/2."""
    g = levels.fitting_ratio(dim)
    if g < levels.MOST_RATIO:
        far = (2 * dim)**0.5 * (g - 1)
        assert_allclose(ndtr(far + 3 * g) - ndtr(far - 3 * g), 0.5, rtol=0, atol=1e-9)
    count = levels.fitting_count(50.0, 0.05, dim)
    sigmas = refsgm.geometric_sigmas(50.0, 0.05, count)
    assert count == levels.MOST or sigmas[0] / sigmas[1] <= g


def test_the_step_size_leaves_a_gaussian_with_the_variance_nearest_to_its_own():
    """Technique 4, beside the recursion of one step after the other. [LANG-1]"""
    sigmas, n_steps = np.geomspace(10.0, 0.05, 20), 20

    def left_by(step_size):
        variance = (sigmas[0] / sigmas[1])**2
        for _ in range(n_steps):
            variance = (1 - step_size / 2)**2 * variance + step_size
        return variance
    chosen = levels.fitting_step_size(sigmas, n_steps)
    assert 1 < left_by(chosen) < 1.1
    assert left_by(chosen) < min(left_by(0.9 * chosen), left_by(1.1 * chosen))
    assert_allclose(levels.fitting_step_size(1000 * sigmas, n_steps), chosen, **EXACT)


def test_what_does_not_fit_is_said_with_the_option_that_mends_it():
    x = 50 * normal(0, 400, 2)
    for given, words in (({"sigma_max": 10.0, "sigma_min": 0.5}, "small for data whose samples"),
                         ({"sigma_max": 1e5}, "large for data whose samples"),
                         ({"sigma_min": 40.0}, "--sigma-min"), ({"n_levels": 4}, "--levels")):
        said = levels.misfits(x, Settings(**given).fitted(x).sigmas())
        assert any(words in sentence for sentence in said), (given, said)
    assert levels.misfits(x, Settings().fitted(x).sigmas()) == []


def test_data_whose_samples_lie_twice_have_a_smallest_level():
    x = np.repeat(normal(0, 20, 2), 2, axis=0)
    _, nearest, spread = levels.distances(x)
    assert nearest == 0
    assert Settings().fitted(x).sigma_min == spread / 200


def test_samples_of_data_that_are_a_thousand_wide_are_as_near_as_data_are():
    """With levels from 10 to 0.05 they are a hundred times farther; as near is at most 2.5."""
    rng = np.random.default_rng(0)

    def data(n):
        return 1000 * datasets.moons(n, rng)

    model = refsgm.train(data(3000), n_steps=1500, width=64, learning_rate=5e-3)
    samples = [list(generate(model, 500, rng, "heun", n_steps=30))[-1] for _ in range(4)]
    unit = np.mean([energy_distance(data(500), data(500)) for _ in range(8)])
    distances = [energy_distance(x.astype(float), data(500)) for x in samples]
    assert np.mean(distances) < 2.5 * unit
