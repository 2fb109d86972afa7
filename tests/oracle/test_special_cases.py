"""Arguments that are nearly a case of their own: along axes, twice, published, in order."""

import numpy as np
import pytest

import refsgm
from refsgm.oracle.kinds import KINDS, published
from refsgm.oracle.kinds.along import OF_CASES, OF_TWO_DIRECTIONS, two_directions
from refsgm.oracle.kinds.cases import case_questions
from refsgm.oracle.kinds.drawing import BY_NAME

pytestmark = pytest.mark.usefixtures("all_probes")


@pytest.fixture(autouse=True)
def these_alone(all_probes, monkeypatch):
    """A check asks plain probes, and these."""
    for name in ("guided_probes", "left_out_probes", "probes_again"):
        monkeypatch.setattr(f"refsgm.oracle.further.{name}", lambda *given: [])
    monkeypatch.setattr("refsgm.oracle.further.form_probes", lambda *given: ([], []))
    monkeypatch.setattr("refsgm.oracle.further.random_specs", lambda *given: ())
    for name in ("cuts", "meetings"):
        monkeypatch.setattr(f"refsgm.oracle.calls.bulk.{name}", lambda *given: ())


def wrong_where(kind, where):
    """The right function, a thousandth too large where `where(*args)` holds."""
    right = getattr(refsgm, kind)

    def function(*args):
        return right(*args) * (1.001 if where(*args) else 1.0)
    return function


def of_one_entry(a):
    """Whether each row has one entry, and that is negative in some."""
    return np.all(np.count_nonzero(a, axis=-1) == 1) and np.any(a < 0) and a.shape[-1] > 1


def two(v, sign):
    """Whether a direction is close to one before it, or to its opposite, and is not it."""
    return np.ndim(v) == 3 and any(
        np.allclose(a, sign * b) and np.any(a != sign * b) and len(a) > 1
        for i, a in enumerate(v) for b in v[:i])


def but_one(a):
    """Whether all rows but one have length 1."""
    return len(a) > 2 and np.sum(np.isclose(np.linalg.norm(a, axis=-1), 1)) == len(a) - 1


def ends_of_ddpm(betas):
    """Whether the ends of the linear schedule are there, and what is between them is another."""
    even = np.linspace(betas[0], betas[-1], len(betas))
    return np.allclose(betas[[0, -1]], (1e-4, 0.02)) and not np.allclose(betas, even)


def far_block(x, weights, means, sigma):
    """Whether 25 components in a row are far from all rows, and a later one is near."""
    away = np.min(np.linalg.norm(x[:, None] - means, axis=2) / np.min(sigma), axis=0)
    return len(away) > 25 and np.all(away[:25] > 39) and np.any(away < 4)


def nearest_last(x, weights, means, sigma):
    """Whether components come ever nearer."""
    away = np.linalg.norm(x[0] - means, axis=1)
    return len(away) > 5 and np.all(np.diff(away) < 0)


@pytest.mark.parametrize(("kind", "where"), [
    ("hutchinson_divergence", lambda s, x, v: of_one_entry(v)),
    ("langevin_step", lambda x, score, step_size, z: of_one_entry(score)),
    ("perturb", lambda x, sigma, eps: but_one(eps)),
    ("sliced_score_matching", lambda s, x, v: two(v, -1.0)),
    ("finite_difference_ssm", lambda s, x, v, step: two(v, 1.0)),
    ("alpha_bar_from_betas", ends_of_ddpm),
    ("betas_from_alpha_bar", lambda a: len(a) > 3 and ends_of_ddpm(1 - a[1:] / a[:-1])),
    ("annealed_step_sizes", lambda sigmas, step_size: len(sigmas) == 50 and np.allclose(
        sigmas[[0, -1]], (80.0, 0.002)) and not np.allclose(np.ptp(np.diff(np.log(sigmas))), 0)),
    ("linear_betas", lambda n, low=1e-4, high=0.02: high == 0.02 and low not in (1e-4, 0.02)),
    ("mixture_log_density", far_block), ("mixture_score", nearest_last),
    ("edm_loss", lambda d, x, sigma, eps, sigma_data: np.isclose(sigma_data, np.std(x), 1e-2)),
    ("edm_loss", lambda d, x, sigma, eps, sigma_data: np.max(np.abs(d(x, sigma))) > 1e5),
    ("explicit_score_matching", lambda s, x, target: np.max(np.abs(s(x))) < 1e-8),
    ("flow_marginal", lambda t: np.size(t) > 2 and np.all(
        np.diff(np.sort(np.ravel(np.floor(1000 * np.asarray(t))))) == 1)),
    ("ddim_step", lambda x, eps, t, s, eta, z: np.ndim(t) and len(t) > 2 and np.all(
        np.sort(s[:, 0])[:-1] == np.sort(t[:, 0])[1:]))], ids=lambda a: a if isinstance(
            a, str) else getattr(a, "__name__", ""))
@pytest.mark.parametrize("seed", [0, 1])
def test_what_is_nearly_a_case_of_its_own_is_asked(kind, where, seed):
    """One sign, one row, so many digits or the ends alone do not tell a special case."""
    if kind == "flow_marginal":
        def function(t):
            scale, sigma = refsgm.flow_marginal(t)
            return scale, sigma * (1.001 if where(t) else 1.0)
    else:
        function = wrong_where(kind, where)
    report = refsgm.check(kind, function, seed=seed)
    assert not report.ok


@pytest.mark.parametrize("name", ["betas_from_alpha_bar", "sliced_score_matching", "mixture_score",
                                  "mixture_log_density"])
def test_right_functions_are_right_there(name):
    """refsgm's own functions are, in float64 and in float32."""
    for dtype in ("float64", "float32"):
        assert refsgm.check(name, getattr(refsgm, name), dtype=dtype, seed=4).ok


@pytest.mark.parametrize("shape", [(1, 1), (5, 3), (3, 4, 2)])
def test_a_case_leaves_what_it_is_made_of(shape):
    """Arguments are cut out of large ones, which other questions need; the shape stays too."""
    rng = np.random.default_rng(3)
    a = rng.standard_normal(shape)
    before = a.copy()
    for word, f in OF_CASES.items():
        made = f(a, rng)
        assert made.shape == a.shape, word
        assert np.all(np.isfinite(made)), word
        assert np.all(a == before), word
        made[...] = 7.0
        assert np.all(a == before), word


@pytest.mark.parametrize("word", OF_TWO_DIRECTIONS)
def test_one_direction_alone_is_another(word):
    """One of them is moved, in all rows or in all but one."""
    v = np.random.default_rng(0).standard_normal((4, 5, 3))
    for but in (False, True):
        moved = np.any(two_directions(word, but)[1](v, np.random.default_rng(1)) != v, axis=2)
        assert np.sum(np.any(moved, axis=1)) == 1
        assert np.sum(moved) <= 5 - but


@pytest.mark.parametrize("name", ["betas", "sigmas", "alpha_bar"])
def test_every_variant_is_a_table_of_its_kind(name):
    """Rates lie between 0 and 1, levels fall, and the ends are published where they should be."""
    rng = np.random.default_rng(0)
    for word in published.VARIANTS:
        for n in (1, 2, 3, 10, 1000):
            for which in range(6):
                a = published.table(name, n, word, rng, which)
                assert a.shape == (n + (name == "alpha_bar"),), word
                assert np.all(a > 0), word
                assert name != "betas" or np.all(a < 1), word
                assert name == "betas" or np.all(np.diff(a) < 0), word
                if "at its ends" in word and name == "betas":
                    assert np.all(a[[0, -1]] == published.schedules(name, n)[
                        which % len(published.schedules(name, n))][[0, -1]]), word


def test_published_numbers_are_of_arguments_that_there_are():
    """A name that no kind draws would never be asked."""
    names = {n for those in published.NUMBERS for n in those} | set(published.COUNTS)
    assert names <= {*BY_NAME, *(n for kind in KINDS.values() for n in kind.args)}


@pytest.mark.parametrize("kind", ["perturb", "mixture_score", "ddim_sampler", "linear_betas"])
def test_nearly_all_cases_are_in_the_domain(kind):
    """What is asked has finite answers, of the labels that it was made for."""
    asked = case_questions(KINDS[kind], 0, KINDS[kind].args)
    assert len(asked) > 5
    assert all(np.all(np.isfinite(a)) for one in asked for a in one.want)
