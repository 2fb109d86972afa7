"""The README: its programs run, and its table of modules is that of the package."""

import ast
import pathlib
import re
import shlex

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
CODE = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
COMMANDS = [line.split("#")[0].strip()
            for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
            for line in block.splitlines()]


def test_the_first_program_does_what_it_prints():
    """[EQV-2] [LANG-2]"""
    names = {}
    exec(CODE[0], names)
    assert len(CODE) == 2
    assert abs(np.mean(names["samples"].sum(axis=1) > 0) - 0.75) < 0.1
    assert np.max(np.abs(names["difference"])) < 1e-6


def test_the_first_verdict_is_as_printed(capsys):
    """[DSM-1] On a loss in PyTorch, where that is installed."""
    pytest.importorskip("torch")
    exec(CODE[1], {})
    shown = re.search(r"```text\n(.*?); \.\.\.\n```", README, re.DOTALL)[1]
    assert capsys.readouterr().out.startswith(shown)


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("refsgm ")])
def test_the_commands_of_the_readme_parse(command):
    """Against the command line itself: an option that does not exist is an error."""
    import typer.main

    from refsgm.app.cli import app
    arguments = shlex.split(command)[1:]
    group = typer.main.get_command(app)
    if arguments[0] != "--help":
        subcommand = group.commands[arguments[0]]
        subcommand.make_context(arguments[0], arguments[1:])


def test_the_make_targets_of_the_readme_exist():
    makefile = (ROOT / "Makefile").read_text()
    for command in COMMANDS:
        if command.startswith("make "):
            assert re.search(rf"^{command.split()[1]}:", makefile, re.MULTILINE)


def test_the_table_of_modules_is_true():
    """Every module stands in it, with its number of lines and its first sentence."""
    rows = dict(re.findall(r"^\| `([\w./]+)` \| (\d+) \|", README, re.MULTILINE))
    modules = {path.relative_to(ROOT / "refsgm").as_posix(): path.read_text()
               for path in (ROOT / "refsgm").rglob("*.py") if not path.name.startswith("__")}
    assert set(rows) == set(modules)
    for name, lines in rows.items():
        assert abs(len(modules[name].splitlines()) - int(lines)) <= 20, name
        ast.parse(modules[name])
