"""Data sets and two-sample metrics."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from refsgm.app import datasets
from refsgm.app.metrics import energy_distance, nearest_neighbour_accuracy
from tests.support.tolerances import EXACT, normal


@pytest.mark.parametrize("name", datasets.TOYS)
def test_toys_lie_around_the_origin_and_are_of_order_one(name):
    x, _, _ = datasets.load(name, 20_000, 0)
    assert x.shape == (20_000, 2)
    assert np.all(np.abs(x.mean(axis=0)) < 0.5)
    assert 0.3 < np.std(x) < 2


def test_a_held_out_fifth_of_the_digits_is_disjoint_and_stratified():
    x, x_test, labels, labels_test = datasets.digits()
    assert (x.shape, x_test.shape) == ((1438, 64), (359, 64))
    assert x.min() == -1
    assert x.max() == 1
    assert not {row.tobytes() for row in x} & {row.tobytes() for row in x_test}
    shares = [np.bincount(part) / len(part) for part in (labels, labels_test)]
    assert_allclose(shares[0], shares[1], atol=0.005)


def test_the_energy_distance_is_its_definition():
    """In one dimension it is twice the integral of the squared difference of the two CDFs."""
    x, y = normal(0, 40, 1), 0.5 + normal(1, 30, 1)
    grid = np.sort(np.concatenate([x, y])[:, 0])
    cdfs = [np.mean(a[:, 0][:, None] <= grid[:-1], axis=0) for a in (x, y)]
    expected = 2 * np.sum((cdfs[0] - cdfs[1])**2 * np.diff(grid))
    assert_allclose(energy_distance(x, y), expected, **EXACT)
    assert_allclose(energy_distance(x, x), 0, **EXACT)


def test_the_nearest_neighbour_accuracy_is_one_half_for_equal_laws_and_one_for_far_ones():
    x, y = normal(0, 500, 2), normal(1, 500, 2)
    assert abs(nearest_neighbour_accuracy(x, y) - 0.5) < 5 * 0.5 / 1000**0.5
    assert nearest_neighbour_accuracy(x, y + 20) == 1


def test_metrics_refuse_sets_of_different_dimension():
    with pytest.raises(ValueError, match="x and y must hold at least 2 points each"):
        energy_distance(np.zeros((3, 2)), np.zeros((3, 3)))
