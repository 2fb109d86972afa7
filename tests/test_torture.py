"""A little of each part of `python -m ledgers.torture`, which docs/promises.md has figures of."""

import pathlib

import numpy as np
import pytest

import refsgm
from ledgers.torture import disguises, fuzz, limits, options, programs
from ledgers.torture.subjects import SUBJECTS
from refsgm.oracle.doors.apart import in_another_process
from refsgm.oracle.kinds import find


QUICK = [n for n in disguises.DISGUISES
         if not n.startswith(("torch", "jax", "DataFrame", "Series"))]
FUNCTIONS = {(module, name): status for module in limits.MODULES
             for name, status in module.FUNCTIONS.items()}


def test_strange_arguments_are_right_or_refused_in_one_sentence():
    """None is taken for what it is not; the whole list has 60,000 calls."""
    tally = fuzz.fuzz(500, seed=3, subjects=[s for s in SUBJECTS if s.weight == 1.0],
                      names=QUICK)
    assert tally.wrong == []
    assert tally.counts["unclear"] <= 0.01 * tally.counts["refused"]
    assert tally.counts["value"] > 90


def test_the_fuzz_covers_every_public_function():
    """In calls with one strange argument, or where it trains, judges or reads files, by options."""
    covered = {s.name.partition(".")[0] for s in SUBJECTS}
    assert set(refsgm.__all__) - covered - {"Options"} == set(options.CALLS)


def test_strange_options_are_taken_or_refused_by_name():
    """The whole list has 3,000 calls."""
    tally = options.options(23)
    assert tally.wrong == []
    assert tally.unclear == []
    assert tally.counts["refused"] > 70


@pytest.mark.parametrize(("broken", "found"), [
    (lambda x, sigma, eps: x + sigma * np.abs(eps), "in place of"),
    (lambda x, sigma, eps: x.__imul__(2) + sigma * eps, "an argument was changed"),
    (lambda x, sigma, eps: np.float32(x + sigma * eps).astype(float), "in place of"),
    (lambda x, sigma, eps: np.asarray(x, float) + np.asarray(sigma, float) * eps, "takes"),
])
def test_the_fuzz_sees_mistakes(broken, found):
    """Other numbers, changed arguments, lost digits, lists that are taken for arrays."""
    right = next(s for s in SUBJECTS if s.name == "perturb")

    def call(x, sigma, eps):
        want = refsgm.perturb(np.array(x), sigma, np.array(eps)) if isinstance(
            x, np.ndarray) and x.dtype == np.longdouble else None
        return broken(x, sigma, eps) if want is None else want
    subject = type(right)("perturb", call, right.right_call)
    tally = fuzz.fuzz(150, seed=1, subjects=[subject], names=QUICK)
    assert any(found in sentence for sentence in tally.wrong)


def test_a_call_that_takes_all_memory_is_ended():
    """The process may grow by one gibibyte in a call, and the verdict says so."""
    options = {"seconds": 60.0, "dtype": "float64"}
    ok, text = in_another_process(find("gaussian_score"), "ledgers.torture.hostile:allocates",
                                  "numpy", options)
    assert not ok
    assert "takes more than 0.75 GiB of memory at once" in " ".join(text.split())


def test_the_page_counts_the_lists_as_they_are():
    """docs/promises.md says how much is tried."""
    page = " ".join((pathlib.Path(__file__).parent.parent / "docs/promises.md").read_text().split())
    for n, what in ((len(disguises.DISGUISES), "disguises"), (len(disguises.CHANGES), "changes of"),
                    (len(disguises.SHAPES), "changes of shape"), (len(options.STRANGE), "strange"),
                    (len(FUNCTIONS) + len(limits.IMPORTS), "functions that never end"),
                    (len(programs.PROGRAMS) + len(programs.COMMANDS), "programs and commands")):
        assert f" {n} {what}" in page, (n, what)


def test_the_hostile_lists_are_whole():
    """Every function is there under its name, and gets the status that a verdict has."""
    assert len(FUNCTIONS) + len(limits.IMPORTS) >= 170
    assert len(programs.PROGRAMS) + len(programs.COMMANDS) >= 85
    assert all(callable(getattr(module, name)) for module, name in FUNCTIONS)
    statuses = [status for status, _ in (*programs.PROGRAMS.values(), *programs.COMMANDS.values())]
    assert {*FUNCTIONS.values(), *statuses} == {0, 1, 2}
