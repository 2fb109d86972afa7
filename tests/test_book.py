"""The sources of the site: numbers, programs and the figure's JavaScript say what refsgm computes.

What the built site looks like is for test_site.py.
"""

import doctest
import inspect
import json
import pathlib
import re
import runpy
import shutil
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose

import refsgm

DOCS = pathlib.Path(__file__).parent.parent / "docs"
sys.path.append(str(DOCS / "_ext"))

import sources  # noqa: E402, needs the path

TAGS = list(sources.blocks())
# programs that need files, PyTorch or a GPU, in tests of their own
ELSEWHERE = {"oracle", "training", "gpu"}
PAGES = sorted(path for path in DOCS.glob("*.md")
               if "```py" in path.read_text() and path.stem not in ELSEWHERE)
FIGURE = DOCS / "_static" / "annealing.js"


@pytest.mark.parametrize("tag", TAGS)
def test_every_tag_has_its_code_a_number_and_a_test(tag):
    """The page of an equation has all three, and the example gives the number that it states."""
    number, wrong = sources.number(tag)
    assert sources.code(tag)
    assert number
    assert wrong == []
    assert sources.tests(tag)


def test_every_number_belongs_to_a_tag():
    assert set(sources.own_numbers()) <= set(TAGS)


def test_a_number_that_is_wrong_is_found():
    _, wrong = sources.run("X-1", ">>> 1 + 1\n3\n", {})
    assert len(wrong) == 1


def test_shown_code_is_that_of_the_package():
    """The docstring is left out, and the rest is a definition of that name."""
    for tag in TAGS:
        for public, _, _, source in sources.code(tag):
            name = public.split(".")[-1]
            assert re.search(rf"^(def|class) {name}\b", source, re.MULTILINE), public
            assert '"""' not in source
            compile(source, public, "exec")


def test_the_notes_numbers_on_high_dimension_are_those_of_the_chi_squared_law():
    """A start twice as wide as the data is outside their ball, where a wrong score costs nothing:
    every number of the table, and the integral in its last row. [FISHER-1]"""
    from scipy.integrate import quad
    from scipy.stats import chi2
    rows = re.findall(r"^\| (data outside|start inside|share).*?\| (\S+) \| (\S+) \| (\S+) \|$",
                      sources.notes(), re.MULTILINE)
    table = {name: list(map(float, numbers)) for name, *numbers in rows}
    D = np.array([2, 64, 784])
    lost = [quad(lambda y, d: y / d * chi2.pdf(y, d), 2 * d, 40 * d, (d,), epsabs=0)[0]
            for d in (2, 64)]

    def printed(values):
        return [float(f"{value:{form}}") for value, form in zip(values, (".2f", ".1e", ".0e"))]

    assert table["share"][:2] == printed(lost)
    assert table["share"] == printed(chi2.sf(2 * D, D + 2))
    assert table["data outside"] == printed(chi2.sf(2 * D, D))
    assert table["start inside"] == printed(chi2.cdf(D / 2, D))
    assert "0.9997" in sources.notes()
    assert round(1 - chi2.cdf(32, 64), 4) == 0.9997


def test_wrong_weights_last_as_long_as_the_notes_prove():
    """Langevin dynamics with the exact score, started at the wrong weights: the exact law after a
    time t has a chi squared distance of at least that at the start less t times the rate there,
    and the rate is below the stated multiple of the Fisher divergence. [LANG-1] [FISHER-1]"""
    means, covs = np.array([[-3.0], [3.0]]), np.ones((2, 1, 1))
    p = refsgm.GaussianMixture(np.array([0.2, 0.8]), means, covs)
    wrong = refsgm.GaussianMixture(np.array([0.8, 0.2]), means, covs)

    def chi_squared(law):
        def square(x):
            return (np.exp(law.log_density(x) - p.log_density(x)) - 1)**2
        return refsgm.expected(square, p, 200)

    rate = refsgm.expected(lambda x: np.exp(2 * (wrong.log_density(x) - p.log_density(x)))
                           * np.sum((wrong.score(x) - p.score(x))**2, axis=1), p, 200)
    fisher = refsgm.expected(lambda x: np.sum((wrong.score(x) - p.score(x))**2, axis=1), wrong, 200)
    x, weights = wrong.quadrature(60)
    step_size, n_steps = 0.05, 60
    law = refsgm.langevin_law(p.score, x, weights, step_size, n_steps)
    assert rate <= 4 * fisher                                            # max(0.8 / 0.2, 0.2 / 0.8)
    assert_allclose(chi_squared(wrong), 0.6**2 / (0.2 * 0.8), rtol=0.03)         # its limit in m
    bound = chi_squared(wrong) - step_size * n_steps * rate
    assert 1.5 < bound < chi_squared(law) < chi_squared(wrong)


# scale, sigma and their rates on five paths, at one time
KERNELS = {"VE": (1.0, 0.7, 0.0, 1.0), "VP": (0.8, 0.6, -0.9, 1.2),
           "data at 0": (0.7, 0.3, -1.0, 1.0), "data at 1": (0.7, 0.3, 1.0, -1.0),
           "another": (0.9, 1.4, -0.3, 2.0)}
ROSETTA = {(source, target): (formula, function) for source, block in re.findall(
    r"## From (\S+).*?\n\n(.*?)\n\n", (DOCS / "rosetta.md").read_text().replace(
        "From the noise, eps", "From eps").replace("From the clean data, x_0", "From x0").replace(
        "From the score", "From score").replace("From the velocity, u", "From u"), re.DOTALL)
    for target, formula, function in re.findall(r"\| `(\w+)` \| `(.*?)` \| `(\w+)` \|", block)}


def predictions(x_0, eps, a, s, da, ds):
    """The five things that a network may predict, from their definitions."""
    return {"eps": eps, "x0": x_0, "score": -eps / s, "v": a * eps - s * x_0,
            "u": da * x_0 + ds * eps}


def test_the_rosetta_table_has_every_pair():
    things = set(predictions(1.0, 1.0, 1.0, 1.0, 1.0, 1.0))
    assert set(ROSETTA) == {(a, b) for a in things for b in things if a != b}


@pytest.mark.parametrize("path", KERNELS)
@pytest.mark.parametrize("pair", ROSETTA, ids=" to ".join)
def test_every_formula_of_the_rosetta_table_is_right(pair, path):
    """And its function gives the same. [EQV-1] [EQV-5] [EQV-6] [EQV-7] [PATH-1] [FLOW-1]"""
    rng, (source, target) = np.random.default_rng(0), pair
    x_0, eps = rng.standard_normal((2, 4, 3))
    a, s, da, ds = kernel = KERNELS[path]
    true = predictions(x_0, eps, *kernel)
    x, (formula, name) = a * x_0 + s * eps, ROSETTA[pair]
    letters = {"x": x, "a": a, "s": s, "da": da, "ds": ds, source: true[source]}
    assert_allclose(eval(formula, letters), true[target], rtol=1e-12, atol=1e-12)
    given = true | {"x_t": x, "x_0": x_0, "scale": a, "sigma": s, "scale_rate": da,
                    "sigma_rate": ds}
    function = getattr(refsgm, name)
    assert_allclose(function(*(given[n] for n in inspect.signature(function).parameters)),
                    true[target], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_the_programs_on_a_page_run(path, capsys):
    """Blocks of a page share their names, from top to bottom; those with prompts are asserted. The
    report on the landing page begins as it is printed there."""
    blocks = re.findall(r"```(python|pycon)\n(.*?)```", path.read_text(), re.DOTALL)
    names = {}
    for language, text in blocks:
        if language == "python":
            exec(compile(text, path.name, "exec"), names)
        else:
            examples = doctest.DocTestParser().get_doctest(text, names, path.name, path.name, 0)
            runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
            runner.run(examples, clear_globs=False)
            names.update(examples.globs)
            assert runner.failures == 0
    if path.stem == "index":
        shown, = re.findall(r"```text\n(.*?)```", path.read_text(), re.DOTALL)
        assert shown in capsys.readouterr().out


def test_the_moving_picture_of_the_readme_shows_what_it_says():
    """Annealed Langevin dynamics ends with the weights of the modes, plain Langevin dynamics with
    those of its start; the picture is small enough for a page. [LANG-2] [LANG-1]"""
    animation = runpy.run_path(str(DOCS / "animation.py"))
    annealed, plain = animation["chains"](800, np.random.default_rng(1))
    shares = animation["shares"]
    assert_allclose(shares(annealed[-1]), animation["WEIGHTS"], atol=5 * 0.49 / 800**0.5)
    assert_allclose(shares(plain[-1]), shares(plain[0]), atol=0.05)
    assert np.max(np.abs(shares(plain[-1]) - animation["WEIGHTS"])) > 0.2
    picture = (DOCS / "annealing.gif").read_bytes()
    assert picture[:6] == b"GIF89a"
    assert len(picture) < 600_000


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_figure_computes_the_score_of_the_mixture():
    """The figure's JavaScript gives the score and the log density at many points and levels.
    [MIX-1] [MIX-2]"""
    rng = np.random.default_rng(0)
    x, sigma = rng.uniform(-6, 6, (200, 2)), np.geomspace(4.0, 0.2, 200)
    program = (f"const a = require({json.dumps(str(FIGURE))});"
               f"const x = {x.tolist()}, sigma = {sigma.tolist()};"
               "console.log(JSON.stringify({WEIGHTS: a.WEIGHTS, MEANS: a.MEANS,"
               " looks: x.map(([u, v], i) => a.look(u, v, sigma[i]))}))")
    said = subprocess.run(["node", "-e", program], capture_output=True, text=True, check=True)
    said = json.loads(said.stdout)
    mixture = np.array(said["WEIGHTS"]), np.array(said["MEANS"]), sigma[:, None]
    assert_allclose([look["score"] for look in said["looks"]],
                    refsgm.mixture_score(x, *mixture), rtol=1e-9, atol=1e-9)
    assert_allclose([look["logDensity"] for look in said["looks"]],
                    refsgm.mixture_log_density(x, *mixture), rtol=1e-9)


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_particles_of_the_figure_find_the_weights_when_annealed_and_miss_them_when_not():
    """The page says this of its two buttons. [LANG-1] [LANG-2] [FISHER-1]"""
    program = f"""let seed = 1;
        Math.random = () => (seed = 48271 * seed % 2147483647) / 2147483647;
        const a = require({json.dumps(str(FIGURE))});
        const run = levels => {{
          const particles = Array.from({{length: 800}}, () => a.normal().map(z => 4 * z));
          for (const sigma of levels) for (let i = 0; i < 3; i++) a.step(particles, sigma);
          return a.shares(particles); }};
        const levels = Array.from({{length: 300}}, (_, i) => 4 * 0.05 ** (i / 299));
        console.log(JSON.stringify([run(levels), run(levels.map(() => 0.2))]))"""
    said = subprocess.run(["node", "-e", program], capture_output=True, text=True, check=True)
    annealed, plunged = json.loads(said.stdout)
    error = (0.6 * 0.4 / 800)**0.5                      # the standard error of the largest share
    assert_allclose(annealed, [0.6, 0.3, 0.1], atol=3.6 * error)
    assert plunged[2] > 0.2                     # a region of the plane, not the weight 0.1
