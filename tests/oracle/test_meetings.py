"""Every two choices of arguments meet in some question, and every three of the smallest sizes."""

import itertools

import numpy as np
import pytest

import refsgm
from refsgm.oracle.kinds import KINDS
from refsgm.oracle.kinds.meetings import covering, meetings

pytestmark = pytest.mark.usefixtures("all_probes")


@pytest.mark.parametrize("sizes", [(2, 2), (3, 4, 2, 5), (11, 10, 6, 6, 2, 4, 4), (1, 3)])
def test_every_two_choices_meet_in_few_rows(sizes):
    """A covering array of strength two, with few more rows than the two widest columns need."""
    rows = covering(sizes)
    for i, j in itertools.combinations(range(len(sizes)), 2):
        assert {(row[i], row[j]) for row in rows} == set(itertools.product(range(sizes[i]),
                                                                           range(sizes[j])))
    first, second = sorted(sizes)[:-3:-1]
    assert first * second <= len(rows) <= 1.4 * first * second


def test_rows_begin_as_they_are_told_and_what_is_apart_stays_apart():
    """All three of a column meet where they must, and two choices never where they must not."""
    begun = tuple(((0, i), (1, j), (2, k)) for i, j, k in itertools.product(range(3), repeat=3))
    rows = covering((3, 3, 3, 4), begun, (((0, 2), (3, 1)),))
    assert {row[:3] for row in rows} == set(itertools.product(range(3), repeat=3))
    met = {(row[0], row[3]) for row in rows}
    assert met == set(itertools.product(range(3), range(4))) - {(2, 1)}


def some(a, value):
    """Whether a column has this value in some rows alone."""
    return np.ndim(a) > 0 and 0 < np.sum(a == value) < len(a)


@pytest.mark.parametrize(("kind", "where"), [
    ("ddim_step", lambda a: a["eta"] == 0 and some(a["alpha_bar_s"], 1.0)),
    ("ddim_step", lambda a: np.ndim(a["alpha_bar_t"]) == 0 and some(a["alpha_bar_s"], 1.0)),
    ("posterior", lambda a: np.ndim(a["alpha_bar_s"]) == 0 and a["alpha_bar_s"] == 1
     and np.all(a["x_0"] == 0)),
    ("min_snr_weight", lambda a: isinstance(a["alpha_bar"], int) and a["prediction"] == "v"),
    ("vp_marginal", lambda a: "beta_min" in a and "beta_max" not in a and some(a["t"], 0.0)),
    ("edm_weight", lambda a: np.ndim(a["sigma"]) == 0 < np.ndim(a["sigma_data"])),
    ("edm_weight", lambda a: min(np.ndim(a["sigma"]), np.ndim(a["sigma_data"])) == 3),
    ("classifier_free_guidance", lambda a: np.ndim(a["scale"]) and np.mean(a["scale"]) == 1
     and np.ptp(a["scale"]) > 0)])
def test_forms_values_and_what_is_left_out_meet(kind, where):
    """An end of one argument meets every form of another, in some rows, as a number, left out."""
    names, defaults = KINDS[kind].args, KINDS[kind].args[KINDS[kind].required:]
    asked = meetings(KINDS[kind], 3, names, defaults=defaults, whole=True, both=True)
    assert any(where(one.args) for one in asked)


def test_all_of_the_smallest_sizes_meet():
    """[OPS-3] Rows, features and directions, one to three of each, and directions (B, D)."""
    asked = meetings(KINDS["hutchinson_divergence"], 3, ("score_fn", "x", "v"))
    assert {one.args["v"].shape for one in asked} >= {
        (*M, B, D) for M in ((), (1,), (2,), (3,)) for B in (1, 2, 3) for D in (1, 2, 3)}


@pytest.mark.parametrize("kind", ["score_from_eps", "mixture_score", "geometric_sigmas"])
def test_what_has_no_answer_is_no_choice(kind):
    """All questions but for very few are in the domain: sigma = 0 is not among what must meet."""
    asked = meetings(KINDS[kind], 0, KINDS[kind].args, both=True)
    assert asked
    assert all(np.all(np.isfinite(a)) for one in asked for a in one.want)
    assert not any(np.any(np.equal(one.args.get("sigma", 1.0), 0)) for one in asked)


def one_space(score_fn, x_t, sigma_t, sigma_s):
    """[VE-2] The first slope lies in a space of its shape, also that of a step within the score."""
    slope = SPACE.setdefault(x_t.shape, np.empty(x_t.shape))
    np.multiply(sigma_t, score_fn(x_t, sigma_t), out=slope)
    x = x_t + (sigma_t - sigma_s) * slope
    if not np.any(sigma_s):
        return x
    return x_t + 0.5 * (sigma_t - sigma_s) * (slope + sigma_s * score_fn(x, sigma_s))


SPACE = {}


def test_a_call_within_a_call_changes_nothing():
    """[VE-2] A model may take a step itself while it is asked for a score."""
    report = refsgm.check("heun_step", one_space, seed=0)
    assert not report.ok
    assert report.failing[0].label.startswith("call after call")
