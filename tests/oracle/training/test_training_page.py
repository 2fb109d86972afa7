"""docs/training.md: its programs and commands run, and print what it says."""

import pathlib
import re

import pytest

pytest.importorskip("torch")

from ...test_command import plugin                                      # noqa: E402
from ...test_docs import BLOCK, printed, steps                          # noqa: E402

PAGE = (pathlib.Path(__file__).parents[3] / "docs" / "training.md").read_text()


def test_every_program_of_the_page_prints_what_it_says(tmp_path, monkeypatch):
    """Each block of output is printed by the program or command before it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    count = 0
    for language, code, output in steps(PAGE):
        count += 1
        assert output in printed(language, code, tmp_path), code
    assert count == 5


def test_the_right_step_gets_the_report_that_is_shown():
    """The page's first program with its root has the second report."""
    program, wrong, right = (text for _, text in BLOCK.findall(PAGE)[:3])
    scope = {}
    mended = program.replace("(1 - a) * eps", "(1 - a).sqrt() * eps")
    mended = mended.replace("print(", "report = (")
    exec(mended, scope)
    assert str(scope["report"]) == right.strip()


def test_the_fixture_of_the_page_passes(pytester):
    """The block for pytest runs under refsgm's plugin."""
    code = next(text for language, text in BLOCK.findall(PAGE) if "def test_" in text)
    pytester.makepyfile(**{re.match(r"# (\w+)\.py\n", code)[1]: code})
    pytester.runpytest_inprocess(*plugin()).assert_outcomes(passed=1)
