"""The documentation: its programs and commands run, and print what it says."""

import contextlib
import importlib.util
import io
import pathlib
import re
import shlex
import shutil
import subprocess

import pytest

from refsgm.oracle.doctor.codes import CODES
from tests.support.command_line import run
from tests.test_command import plugin

ROOT = pathlib.Path(__file__).parent.parent
ORACLE = (ROOT / "docs" / "oracle.md").read_text()
BLOCK = re.compile(r"```(python|sh|text)\n(.*?)```", re.DOTALL)
NEEDS = {"torch", "jax", "node"}


def steps(text):
    """(program or commands, what it needs, what it prints) of every block."""
    blocks = BLOCK.findall(text)
    for (language, code), (after, output) in zip(blocks, [*blocks[1:], ("", "")]):
        if language != "text":
            yield language, code, output if after == "text" else ""


def installed(name):
    """Whether a program or a library is on this machine."""
    return shutil.which(name) is not None or importlib.util.find_spec(name) is not None


def missing(code):
    """The libraries and programs that a block needs and that are not installed."""
    return {name for name in NEEDS if re.search(rf"\b{name}\b", code) and not installed(name)}


def printed(language, code, folder):
    """What a block prints, run in a folder; exit codes are checked."""
    if language == "python":
        (folder / re.match(r"# (\w+\.py)\n", code)[1]).write_text(code)
        if "def test_" in code:
            return ""
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(code, "docs", "exec"), {"__name__": "docs"})
        return out.getvalue()
    text = ""
    for line in code.splitlines():
        command, _, comment = line.partition("#")
        words, code = shlex.split(command), int(comment.split()[1]) if "exit" in comment else 0
        if words[0] == "refsgm":
            text += run(*words[1:], cwd=folder, code=code)[0]
        else:
            text += subprocess.run(words, cwd=folder, text=True, capture_output=True, timeout=120,
                                   check=True).stdout
    return text


@pytest.mark.filterwarnings("ignore")
def test_every_program_of_the_oracles_page_prints_what_it_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    count = 0
    for language, code, output in steps(ORACLE):
        needs_torch = language == "sh" and "losses.py" in code      # the file imports it
        if missing(code) or needs_torch and missing("torch"):
            continue
        count += 1
        said = printed(language, code, tmp_path)
        assert without_count(output) in without_count(said), code
    assert count >= 9


def without_count(text):
    """What a check prints, but for the number of its probes: the seed and the tests decide that."""
    return re.sub(r"\b\d+ (of \d+ )?probes", "n probes", text)


def test_the_test_of_the_page_passes(pytester):
    """The block for pytest, in a folder with the module that it imports."""
    code = {re.match(r"# (\w+)\.py\n", block)[1]: block for language, block in BLOCK.findall(ORACLE)
            if language == "python"}
    pytester.makepyfile(**{name: code[name] for name in ("mine", "test_mine")})
    pytester.runpytest_subprocess(*plugin()).assert_outcomes(passed=1)


def test_the_table_of_codes_is_that_of_the_doctor():
    rows = dict(re.findall(r"^\| `([\w-]+)` \| (.+?) \|$", ORACLE.split("## Codes")[1].split(
        "## Conventions")[0], re.MULTILINE))
    assert rows == {code: " | ".join(words) for code, words in CODES.items()}


def test_the_links_of_the_page_lead_somewhere():
    headings = {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-")
                for h in re.findall(r"^#+ (.+)$", ORACLE, re.MULTILINE)}
    for target in re.findall(r"\]\(#([\w-]+)\)", ORACLE):
        assert target in headings
    for path in re.findall(r"\]\(([^)#]+)\)", ORACLE):
        assert (ROOT / "docs" / path).exists()
