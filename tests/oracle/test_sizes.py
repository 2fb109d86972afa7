"""Every size is asked once: whatever is set apart by one of them is found."""

import signal

import numpy as np
import pytest

import refsgm
from refsgm.oracle.calls.caller import Caller
from refsgm.oracle.calls.frameworks import numpy_framework
from refsgm.oracle.calls.bulk import odd_ones
from refsgm.oracle.kinds import KINDS
from refsgm.oracle.kinds.sizes import COMPONENTS, ENTRIES, FEATURES, ROWS, cuts

pytestmark = pytest.mark.usefixtures("all_probes")


def wrong_at(kind, where):
    """The right function, a thousandth too large where `where(*args)` holds."""
    right = getattr(refsgm, kind)

    def function(*args):
        return right(*args) * (1.001 if where(*args) else 1.0)
    return function


def of_five_ones(n):
    """Whether n has five ones among its binary digits, as 31 and 47."""
    return f"{n:b}".count("1") == 5


@pytest.mark.parametrize(("kind", "where"), [
    ("karras_sigmas", lambda a, b, n, rho=7.0: of_five_ones(n)),
    ("alpha_bar_from_betas", lambda betas: of_five_ones(len(betas))),
    ("perturb", lambda x, sigma, eps: of_five_ones(len(x))),
    ("noise_prediction_loss", lambda f, x, sigma, eps: of_five_ones(x.shape[1])),
    ("mixture_log_density", lambda x, weights, means, sigma: of_five_ones(len(weights))),
    ("alpha_bar_from_sigma", lambda sigma: of_five_ones(np.size(sigma)))])
def test_no_size_is_left_out(kind, where):
    """One number of rows, features, components or entries is as good a hiding place as another, and
    it is asked before random probes meet it, where it does not stand in the code.
    """
    report = refsgm.check(kind, wrong_at(kind, where), seed=0)
    assert not report.ok
    assert report.diagnoses
    assert report.failing[0].label.startswith(("a table of", "B = "))


@pytest.mark.parametrize(("kind", "where"), [
    ("perturb", lambda x, sigma, eps: x.dtype == np.float32 and x.shape[1] > 5),
    ("posterior", lambda x_t, x_0, t, s: np.ndim(t) == 0 < np.ndim(s) and x_t[0, 0] < 0 < x_0[0, 0]
     and len(x_t) % 2),
    ("ve_reverse_sde_step", lambda x_t, score, t, s, z: np.ndim(t) and len(x_t) % 2 == 0
     and x_t.shape[1] % 3 == 1 and z[0, 0] < 0)])
def test_sizes_signs_forms_and_precisions_meet(kind, where):
    """Where several things of arguments are one way at once, there is a question too."""
    right = getattr(refsgm, kind)

    def function(*args):
        a = right(*args)
        if not where(*args):
            return a
        return (1.001 * a[0], a[1]) if isinstance(a, tuple) else 1.001 * a
    assert not refsgm.check(kind, function, seed=0).ok


@pytest.mark.parametrize("kind", ["heun_step", "betas_from_alpha_bar", "annealed_langevin"])
def test_in_float32_levels_are_what_float32_holds(kind):
    """Two levels that float32 does not tell apart are one, and no question."""
    assert refsgm.check(kind, getattr(refsgm, kind), dtype="float32", seed=2).ok


def by_fraction(score_fn, x, sigmas, steps_per_level, step_size, rng):
    """[LANG-2] The level is found from the share of the way, which rounds down at 22 levels."""
    n = len(sigmas) * steps_per_level
    for i in range(n):
        sigma = sigmas[int(i / n * len(sigmas))]
        x = refsgm.langevin_step(x, score_fn(x, sigma), step_size * sigma**2 / sigmas[-1]**2,
                                 rng.standard_normal(x.shape))
        yield x


def levels_told_apart(eps_fn, x, alpha_bar, eta, rng):
    """[DDIM-1] Of levels that float32 does not tell apart one alone."""
    _, kept = np.unique(np.float32(-alpha_bar), return_index=True)
    return refsgm.ddim_sampler(eps_fn, x, alpha_bar[kept], eta, rng)


@pytest.mark.parametrize(("kind", "loop"), [
    ("annealed_langevin", by_fraction), ("ddim_sampler", levels_told_apart)])
def test_loops_of_any_length_and_of_any_levels_are_asked(kind, loop):
    """Neither a fraction that rounds down nor levels close together are left out."""
    assert not refsgm.check(kind, loop, seed=0).ok


def without_ones(score_fn, x, v):
    """[OPS-1] Axes of length one taken out, so that three directions of one row are no batch."""
    v = np.squeeze(v) if np.ndim(v) == 3 else v
    return refsgm.directional_derivative(score_fn, x, v)


def test_code_that_takes_several_directions_takes_them_of_one_row_too():
    """[OPS-1] It raises at one row alone: it is not taken for code of one direction."""
    report = refsgm.check("directional_derivative", without_ones, seed=0)
    assert not report.ok


@pytest.mark.parametrize("name", ["ddim_step", "mixture_score", "betas_from_alpha_bar"])
def test_cuts_have_every_size(name):
    """The sizes of a check are a whole range, each at least once."""
    specs = [c.spec for c in cuts(KINDS[name], 3, KINDS[name].args)]
    table = "betas" in name
    assert {s.count for s in specs} >= set(range(1, ENTRIES + 1)) or not table
    if not table:
        assert {s.D for s in specs} >= set(range(1, FEATURES + 1))
        assert {s.B for s in specs} >= set(range(1, ROWS + 1))
    assert {s.count for s in specs} >= set(range(1, COMPONENTS + 1))


def test_rows_of_a_large_batch_are_no_small_batch_repeated():
    """What holds for few levels in a thousand is asked, as no two of them are the same."""
    asked = cuts(KINDS["gaussian_score"], 0, ("x", "mean", "sigma"))
    assert max(np.size(np.unique(one.args["sigma"])) for one in asked) > 500


def test_a_user_can_interrupt_what_is_asked_in_one_go():
    """Ctrl-C among the small questions passes through, as it does at every probe."""
    def pressed(x, sigma, eps):
        signal.raise_signal(signal.SIGINT)
    asked = cuts(KINDS["perturb"], 0, ("x", "sigma", "eps"), most=1)
    caller = Caller(KINDS["perturb"], pressed, numpy_framework())
    with pytest.raises(KeyboardInterrupt):
        odd_ones(caller, asked, {"float64": 1e-9})
