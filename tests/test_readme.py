"""The README: its programs run, and every number in it that can be checked is exact."""

import ast
import pathlib
import re
import shlex

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
EXPERIMENT = "".join((ROOT / "docs" / f"{page}.md").read_text()
                     for page in ("experiment", "own_data"))
CODE = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
PRINTED = re.findall(r"```text\n(.*?)```", README, re.DOTALL)
COMMANDS = [line.split("#")[0].strip()
            for block in re.findall(r"```sh\n(.*?)```", README + EXPERIMENT, re.DOTALL)
            for line in block.splitlines()]
ROWS = re.findall(r"^\| \[([\w.]+)\]\(refsgm/([\w.]+)\) \| (\d+) \| (.+) \|$", README, re.MULTILINE)
SHARED = ["arguments.py", "arrays.py"]                      # what the files of the derivation share


def text_of(name):
    return (ROOT / "refsgm" / name).read_text()


def test_the_first_program_finds_the_weights_of_the_data():
    """Annealed Langevin dynamics with the trained network gives the larger mode its weight of 0.75,
    within four standard errors of 400 samples and the error of so small a network; after half of
    the steps of training already. [LANG-2]"""
    names, code = {}, CODE[0]
    for shown, small in (("n_steps=2000", "n_steps=1000"), ("((1000, 2))", "((400, 2))")):
        assert shown in code
        code = code.replace(shown, small)
    exec(code, names)
    assert len(CODE) == 3
    assert abs(np.mean(names["samples"].sum(axis=1) > 0) - 0.75) < 0.1


def test_the_first_program_is_short_and_names_what_it_passes():
    """A newcomer reads at most a dozen lines, and no bare number is given to a sampler."""
    lines = [line for line in CODE[0].splitlines() if line]
    assert len(lines) <= 12
    call, = (node for node in ast.walk(ast.parse(CODE[0])) if isinstance(node, ast.Call)
             and getattr(node.func, "attr", "") == "annealed_langevin")
    assert not any(isinstance(argument, ast.Constant) for argument in call.args)


def test_the_first_verdicts_are_as_printed(capsys):
    """What the README shows of the reports on a training step and on a loss in PyTorch is how they
    begin. [DSM-1]"""
    pytest.importorskip("torch")
    names = {}
    exec(CODE[1], names)
    assert capsys.readouterr().out.startswith(PRINTED[1])
    exec(CODE[2], names)
    shown = re.search(r"(.*?); \.\.\.\n", PRINTED[2], re.DOTALL)[1]
    assert capsys.readouterr().out.startswith(shown)


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("refsgm ")])
def test_the_commands_of_the_readme_parse(command):
    """The command line itself accepts them: an option that does not exist is an error."""
    import typer.main

    from refsgm.app.cli import app
    arguments = shlex.split(command)[1:]
    group = typer.main.get_command(app)
    if arguments[0] != "--help":
        subcommand = group.commands[arguments[0]]
        subcommand.make_context(arguments[0], arguments[1:])


def test_the_make_targets_of_the_documents_exist():
    """Every `make something` of the README and of CONTRIBUTING is a target of the Makefile."""
    makefile = (ROOT / "Makefile").read_text()
    words = README + (ROOT / "CONTRIBUTING.md").read_text()
    targets = set(re.findall(r"^make (\w+)|`make (\w+)`", words, re.MULTILINE))
    assert {"demo", "test"} <= {first or second for first, second in targets}
    for first, second in targets:
        assert re.search(rf"^{first or second}:", makefile, re.MULTILINE), first or second


def test_the_table_of_the_derivation_is_the_folder_that_a_reader_opens():
    """The table has every file of the folder, with its number of lines, in the reading order of the
    package's docstring."""
    lines = {name: int(count) for name, _, count, _ in ROWS}
    assert lines == {path.name: len(path.read_text().splitlines())
                     for path in (ROOT / "refsgm").glob("*.py") if not path.name.startswith("__")}
    assert [name for name, _, _, _ in ROWS] == [path for _, path, _, _ in ROWS]
    order = re.search(r"Reading order:(.*?)\n\n", text_of("__init__.py") + "\n\n", re.DOTALL)[1]
    named = [word for word in dict.fromkeys(re.findall(r"\w+", order)) if f"{word}.py" in lines]
    assert [f"{word}.py" for word in named] == list(lines)
    assert list(lines)[-len(SHARED):] == SHARED


def test_the_size_of_the_derivation_is_the_one_that_is_stated():
    """Functions and lines of the files of the derivation, without those that they share."""
    core = [name for name, _, _, _ in ROWS if name not in SHARED]
    functions = [node for name in core for node in ast.parse(text_of(name)).body
                 if isinstance(node, ast.FunctionDef)]
    lines = sum(len(text_of(name).splitlines()) for name in core)
    stated = re.search(r"have (\d+) functions in (\d+) lines", README)
    assert (len(functions), lines) == (int(stated[1]), int(stated[2]))


def test_the_speeds_of_the_readme_are_those_of_the_page_on_speed():
    """One table, in two places."""
    table = re.search(r"^\| batch, dimension, width \|.*?\n\n", README, re.MULTILINE | re.DOTALL)[0]
    assert table in (ROOT / "docs" / "speed.md").read_text()


def test_the_three_ways_of_the_readme_are_the_cards_of_the_site():
    """Both front doors send the same three readers the same three ways."""
    ways = re.findall(r"^- \*\*(.+?)\.\*\*", README, re.MULTILINE)
    cards = re.findall(r"\{grid-item-card\} (.+)", (ROOT / "docs" / "index.md").read_text())
    assert ways == cards
    assert len(ways) == 3


def test_the_links_of_the_documents_lead_somewhere():
    """Files exist, and the heading that an anchor names is in its file."""
    for source in ("README.md", "CONTRIBUTING.md"):
        text = (ROOT / source).read_text()
        for path, anchor in re.findall(r"\]\(([^):#]*)(?:#([\w-]+))?\)", text):
            target = ROOT / (path or source)
            assert target.exists(), (source, path)
            if anchor:
                headings = re.findall(r"^#+ (.+)$", target.read_text(), re.MULTILINE)
                slugs = {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in headings}
                assert anchor in slugs, (source, path, anchor)


def test_the_citation_has_the_version_and_a_report_asks_for_those_of_packages():
    """CITATION.cff follows the package; reports are asked for with the versions of packages."""
    import refsgm
    citation = (ROOT / "CITATION.cff").read_text()
    assert re.search(r"^version: (.+)$", citation, re.MULTILINE)[1] == refsgm.__version__
    form = (ROOT / ".github" / "ISSUE_TEMPLATE" / "wrong_result.yml").read_text()
    for text in (form, (ROOT / "CONTRIBUTING.md").read_text()):
        assert "refsgm --version --verbose" in text


def test_every_module_of_the_reference_has_its_place_in_the_reading_order():
    """The docstrings of refsgm and of its folders name all their modules."""
    import sys
    sys.path.append(str(ROOT / "docs" / "_ext"))
    import sources
    modules = {path.relative_to(ROOT / "refsgm").with_suffix("").as_posix().replace("/", ".")
               for folder in (".", "parametrisations", "exact", "learn", "app")
               for path in (ROOT / "refsgm" / folder).glob("*.py")
               if not path.name.startswith("_")}
    assert set(sources.reading_order()) == modules | {"oracle"}
