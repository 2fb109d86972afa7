"""Patterns of arguments, exact lengths, memory that results share: what is wrong there alone."""

import numpy as np
import pytest

import refsgm
from refsgm.oracle.kinds import KINDS
from refsgm.oracle.kinds.patterns import BETWEEN, OF_COLUMN, OF_DATA, OF_DECIMALS, Patterns
from refsgm.oracle.kinds.sizes import cuts

pytestmark = pytest.mark.usefixtures("all_probes")


@pytest.fixture
def these_alone(all_probes, monkeypatch):
    """A check asks plain probes, and these."""
    for name in ("guided_probes", "left_out_probes", "probes_again"):
        monkeypatch.setattr(f"refsgm.oracle.further.{name}", lambda *given: [])
    monkeypatch.setattr("refsgm.oracle.further.form_probes", lambda *given: ([], []))
    monkeypatch.setattr("refsgm.oracle.further.random_specs", lambda *given: ())


def wide_rows_centred(x_t, score, scale, sigma):
    """Rows whose features have the mean zero are taken for standardised."""
    right = refsgm.x0_from_score(x_t, score, scale, sigma)
    return right * 1.001 if x_t.shape[1] > 2 and np.all(np.abs(x_t.mean(axis=1)) < 1e-12) else right


def ratio_of_two(x, sigma_from, sigma_to, z):
    """Levels that are doubled are those of a schedule."""
    right = refsgm.raise_noise(x, sigma_from, sigma_to, z)
    return right * 1.001 if np.all(np.equal(sigma_to, 2 * np.asarray(sigma_from))) else right


def table_above_the_cap(alpha_bar, gamma, prediction):
    """A falling table is capped up to its first entry below the cap, if there is one."""
    right = refsgm.min_snr_weight(alpha_bar, gamma, prediction)
    falls = np.ndim(alpha_bar) == 1 and len(alpha_bar) > 1 and np.all(np.diff(alpha_bar) < 0)
    return right * 1.001 if falls and np.all(alpha_bar > gamma * (1 - alpha_bar)) else right


@pytest.mark.parametrize(("kind", "f"), [
    ("x0_from_score", wide_rows_centred), ("raise_noise", ratio_of_two),
    ("min_snr_weight", table_above_the_cap)])
@pytest.mark.usefixtures("these_alone")
def test_what_arguments_look_like_changes_nothing(kind, f):
    """Centred rows, levels in a ratio, a table on one side of a cap."""
    assert not refsgm.check(kind, f, seed=0).ok


BUFFER = np.empty(5000)


def shared(alpha_bar):
    """Long tables share a buffer."""
    right = refsgm.betas_from_alpha_bar(alpha_bar)
    if len(right) < 300:
        return right
    BUFFER[:len(right)] = right
    return BUFFER[:len(right)]


@pytest.mark.usefixtures("these_alone")
def test_what_was_returned_stays_as_it_was():
    """Results that share memory are right when they come, and wrong when the next has come."""
    report = refsgm.check("betas_from_alpha_bar", shared, seed=0)
    assert report.diagnosis.code == "mutates-input"


@pytest.mark.parametrize("those", [OF_DATA, OF_COLUMN], ids=["data", "levels"])
def test_a_pattern_leaves_what_it_is_made_of(those):
    """Arguments are cut out of large ones, which other questions need; the shape stays too."""
    rng = np.random.default_rng(3)
    a = rng.standard_normal((4, 4 if those is OF_DATA else 1))
    before = a.copy()
    for word, f in those.items():
        made = f(a, rng)
        assert made.shape == a.shape, word
        assert np.all(a == before), word
        made[...] = 7.0
        assert np.all(a == before), word


def test_a_loop_is_as_long_as_a_byte_counts():
    """With 256 steps a counter in a byte is at its end, and 49 / 49 rounds to less than 1."""
    assert {49, 256} <= {c.spec.count for c in cuts(KINDS["langevin"], 0, KINDS["langevin"].args)}


def test_every_pattern_has_its_turn():
    """Each pattern of an argument comes before one comes again."""
    patterns = Patterns(KINDS["perturb"], np.random.default_rng(0), True)
    for those in (OF_DATA, OF_DECIMALS, BETWEEN):
        words = [patterns.turn("x", those)[0] for _ in range(2 * len(those))]
        assert sorted(words[:len(those)]) == sorted(words[len(those):]) == sorted(those)


def test_levels_in_a_table_may_be_refused():
    """[WGT-1] A function of columns and numbers alone is right; one that is wrong there is not."""
    def no_table(sigma):
        if np.ndim(sigma) == 1:
            raise TypeError("levels come as a column")
        return sigma**2
    assert any(c.spec.regime == "odd form" for c in cuts(
        KINDS["score_matching_weight"], 0, ("sigma",), whole=True))
    assert refsgm.check("score_matching_weight", no_table, seed=0).ok
