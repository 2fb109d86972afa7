"""Notes, code and tests are one thing: every tag is derived, implemented and tested."""

import pathlib
import re

import refsgm

ROOT = pathlib.Path(__file__).parent.parent
TAG = re.compile(r"\[([A-Z]+-\d+)\]")
NOTES = (ROOT / "MATHNOTES.md").read_text()
DEFINED = re.findall(r"^\*\*\[([A-Z]+-\d+)\]\*\*", NOTES, re.MULTILINE)


def tags_in(folder):
    """All tags in the Python files of a folder."""
    return {tag for path in (ROOT / folder).rglob("*.py") for tag in TAG.findall(path.read_text())}


def test_every_tag_is_defined_once():
    assert len(DEFINED) == len(set(DEFINED)) > 50


def test_every_tag_that_is_used_is_defined():
    used = set(TAG.findall(NOTES)).union(*map(tags_in, ("refsgm", "tests", "ledgers", "examples")))
    assert used - set(DEFINED) == set()


def test_every_tag_is_implemented():
    assert set(DEFINED) - tags_in("refsgm") == set()


def test_every_tag_is_tested():
    assert set(DEFINED) - tags_in("tests") - tags_in("ledgers") == set()


def test_every_function_that_the_notes_name_carries_the_tag():
    """The docstring of each function in a *Code:* line has the tag that the line belongs to."""
    sections = re.split(r"^\*\*\[([A-Z]+-\d+)\]\*\*", NOTES, flags=re.MULTILINE)[1:]
    for tag, text in zip(sections[::2], sections[1::2]):
        code = re.search(r"\*Code:\*((?:[^.]|\.\w)*)\.", text)
        for name in re.findall(r"`(\w+)`", code[1]) if code else []:
            assert f"[{tag}]" in documented(name), f"{name} does not carry [{tag}]"


def documented(name):
    """The docstring of a public function, or of one of learn/."""
    from refsgm.learn import adam, autodiff, batches, training
    for module in (refsgm, training, adam, batches, autodiff):
        if hasattr(module, name):
            return getattr(module, name).__doc__
    raise AssertionError(f"MATHNOTES.md names {name}, which does not exist")


def test_the_target_of_a_loss_is_proved_before_the_loss():
    """The Gaussian score comes before denoising score matching, and what is known exactly comes
    after the limit: the order of the derivation. [GAUSS-4] [DSM-1] [SDE-3] [MIX-1]"""
    for first, then in [("GAUSS-4", "DSM-1"), ("DSM-2", "NCSN-1"), ("NCSN-1", "EQV-2"),
                        ("SDE-1", "WGT-2"), ("VP-6", "VP-5"), ("SDE-3", "MIX-1"),
                        ("EQV-6", "MIX-5"), ("MIX-7", "POP-1")]:
        assert DEFINED.index(first) < DEFINED.index(then), (first, then)


def test_every_source_that_is_cited_is_listed():
    """A name and a year after *Source:* lead to an entry of the list at the end."""
    listed = re.sub(r"\s+", " ", NOTES.split("## Sources")[1])
    cited = re.findall(r"\*Source:\*((?:[^.]|\.\d)*)\.", NOTES)
    works = {(name, year) for line in cited
             for name, year in re.findall(r"([A-Z][\w-]+)(?:,? [^\d;]*?)? (\d{4})",
                                          re.sub(r"\s+", " ", line))}
    assert len(works) > 20
    for name, year in works:
        assert re.search(rf"{name}\b[^*]*{year}, \*", listed), (name, year)


def test_the_legend_of_the_package_is_that_of_the_notes():
    """The package's docstring explains every name in the notes' table of symbols."""
    table = NOTES.split("## 0.")[1].split("## 1.")[0]
    names = {name.strip("_") for name in re.findall(r"`(\w+)`", table)}
    missing = {name for name in names if not re.search(rf"\b{name}\b", refsgm.__doc__)}
    assert missing == set()
