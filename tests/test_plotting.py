"""Every picture is drawn on the Axes that it is given, and shows the numbers that it was given."""

import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose

import refsgm
from refsgm.app import plotting
from tests.support.tolerances import EXACT, normal

EXTENT = (-3.0, 3.0, -2.0, 2.0)
P = refsgm.Gaussian(np.array([0.5, 0.0]), np.array([[0.3, 0.1], [0.1, 0.2]]))


@pytest.fixture
def ax():
    """One Axes, closed after the test."""
    yield plotting.panels(1, 1, (4, 3), "claim")
    plotting.plt.close("all")


def test_only_plotting_imports_matplotlib():
    code = ("import sys, refsgm.app.demo, refsgm.app.scorecard_report, refsgm.app.cli\n"
            "import refsgm.oracle.check\nsys.exit('matplotlib' in sys.modules)")
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_panels_are_axes_with_the_claim_above_them(ax):
    assert ax.figure.get_suptitle() == "claim"
    assert plotting.panels(2, 3, (4, 3)).shape == (2, 3)


def test_a_density_is_drawn_with_contours_that_hold_their_mass(ax):
    assert plotting.density(P.log_density, EXTENT, ax, "title", n=80) is ax
    [image] = ax.images
    x = plotting.grid_of(EXTENT, 80)
    p = np.exp(P.log_density(x)).reshape(80, 80)
    assert_allclose(image.get_array(), p, **EXACT)
    assert image.get_extent() == list(EXTENT)
    [contours] = ax.collections
    inside = [np.sum(p[p >= level]) / np.sum(p) for level in contours.levels]
    assert_allclose(inside, plotting.MASSES, atol=0.01)
    assert ax.get_title() == "title"


def test_the_rows_of_a_grid_go_from_below_upwards():
    assert_allclose(plotting.grid_of((0, 4, 0, 2), 2), [[1, 0.5], [3, 0.5], [1, 1.5], [3, 1.5]],
                    **EXACT)


def test_arrows_have_the_direction_of_the_score_and_grow_with_it(ax):
    assert plotting.score_field(P.score, EXTENT, ax, n=9) is ax
    [quiver] = ax.collections
    x = np.stack([quiver.X, quiver.Y], axis=1)
    assert_allclose(x, plotting.grid_of(EXTENT, 9), **EXACT)
    arrows, s = np.stack([quiver.U, quiver.V], axis=1), P.score(x)
    size, length = np.linalg.norm(s, axis=1), np.linalg.norm(arrows, axis=1)
    assert_allclose(arrows / length[:, None], s / size[:, None], rtol=1e-9, atol=1e-9)
    assert np.all(np.diff(length[np.argsort(size)]) >= 0)
    assert length.max() < 6 / 9                               # none reaches beyond its cell


def test_samples_are_where_they_are(ax):
    x = normal(0, 20, 2)
    assert plotting.samples(x, ax) is ax
    assert_allclose(ax.collections[0].get_offsets(), x, **EXACT)


def test_trajectories_join_the_states_of_each_sample(ax):
    states = [normal(seed, 3, 2) for seed in range(4)]
    assert plotting.trajectories(states, ax) is ax
    lines, ends = ax.collections
    segments = np.array(lines.get_segments()).reshape(3, 3, 2, 2)            # sample, step, end, D
    for sample in range(3):
        for step in range(3):
            assert_allclose(segments[sample, step], [states[step][sample],
                                                     states[step + 1][sample]], **EXACT)
    assert_allclose(lines.get_array().reshape(3, 3)[:, 0], 0, **EXACT)       # dark at the start
    assert_allclose(ends.get_offsets(), states[-1], **EXACT)


def test_trajectories_on_the_line_run_along_their_time(ax):
    states = [normal(seed, 3, 1) for seed in range(4)]
    plotting.trajectories(states, ax, at=[5.0, 3.0, 2.0, 0.0])
    lines, ends = ax.collections
    segments = np.array(lines.get_segments()).reshape(3, 3, 2, 2)
    assert_allclose(segments[1, 0], [[5, states[0][1, 0]], [3, states[1][1, 0]]], **EXACT)
    assert_allclose(ends.get_offsets()[:, 0], 0, **EXACT)


def test_heat_has_the_values_and_a_bar_that_says_what_they_are(ax):
    assert plotting.heat(lambda x: x[:, 0] + 10 * x[:, 1], EXTENT, ax, "words", n=4) is ax
    assert_allclose(ax.images[0].get_array()[0], [-17.25, -15.75, -14.25, -12.75], **EXACT)
    assert ax.figure.axes[1].get_ylabel() == "words"


def test_densities_are_curves_over_the_filled_truth(ax):
    x, law = np.linspace(-1, 1, 5), refsgm.Gaussian(np.zeros(1), np.eye(1))
    other = law.perturb(1.0)
    assert plotting.densities(x, law.log_density, {"other": other.log_density}, ax) is ax
    [line], [fill] = ax.lines, ax.collections
    assert_allclose(line.get_ydata(), np.exp(other.log_density(x[:, None])), **EXACT)
    assert_allclose(fill.get_paths()[0].vertices[:, 1].max(), (2 * np.pi)**-0.5, **EXACT)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["truth", "other"]


@pytest.mark.parametrize("draw", [plotting.loss_per_level, plotting.convergence])
def test_curves_have_their_values_on_logarithmic_axes(ax, draw):
    assert draw([4, 2, 1], {"a": [0.1, 0.2, 0.3], "b": [1.0, 2.0, 3.0]}, ax) is ax
    for line, name, values in zip(ax.lines, "ab", ([0.1, 0.2, 0.3], [1.0, 2.0, 3.0])):
        assert line.get_label() == name
        assert_allclose(line.get_xydata(), np.stack([[4, 2, 1], values], axis=1), **EXACT)
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")


def test_reliability_shows_error_and_allowance_of_every_probe(ax):
    report = refsgm.check("gaussian_score", lambda x, mean, sigma: (x - mean) / sigma**2)
    assert plotting.reliability(report, ax) is ax
    bars, right, wrong = ax.collections
    assert_allclose([s[1, 0] for s in bars.get_segments()], [p.allowed for p in report.probes],
                    **EXACT)
    assert len(right.get_offsets()) == sum(p.ok for p in report.probes)
    assert_allclose(wrong.get_offsets()[:, 0], [p.error for p in report.probes if not p.ok],
                    **EXACT)
    assert [text.get_text() for text in ax.get_yticklabels()] == [p.label for p in report.probes]


def test_an_image_grid_has_each_image_in_its_place(ax):
    images = np.linspace(-1, 1, 3 * 4).reshape(3, 4)
    assert plotting.image_grid(images, 2, ax) is ax
    canvas = ax.images[0].get_array()
    assert canvas.shape == (7, 7)
    assert_allclose(canvas[1:3, 4:6], images[1].reshape(2, 2), **EXACT)
    assert_allclose(canvas[4:6, 1:3], images[2].reshape(2, 2), **EXACT)


def test_a_trajectory_grid_has_a_sample_per_row_and_a_label_per_state(ax):
    states = [np.full((2, 4), -0.5), np.full((2, 4), 0.5), np.full((2, 4), 8.0)]
    assert plotting.trajectory_grid(states, ["a", "b", "c"], ax) is ax
    canvas = ax.images[0].get_array()
    assert canvas.shape == (7, 10)
    assert_allclose(canvas[1, [1, 4, 7]], [-0.5, 0.5, 1.0], **EXACT)
    said = [text.get_text() for text in ax.texts]
    assert said[:-1] == ["a", "\u00b11", "b", "\u00b11", "c", "\u00b18"]
    assert "each column has a grey scale of its own" in said[-1]


def test_shades_get_evenly_darker():
    """Lightness L* of CIELAB falls evenly, from white to the blue of Okabe and Ito."""
    rgb = plotting.SHADES(np.linspace(0, 1, 20))[:, :3]
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055)**2.4)
    lightness = 116 * np.cbrt(linear @ [0.2126, 0.7152, 0.0722]) - 16
    assert_allclose(lightness, np.linspace(100, lightness[-1], 20), atol=1.5)
