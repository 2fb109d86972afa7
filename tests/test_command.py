"""The oracle's ways in: its commands, programs in other languages, and the pytest fixture."""

import json
import os
import pathlib
import re
import shlex
import shutil
import sys
import time
from importlib.metadata import entry_points

import pytest
import typer.main

from refsgm import check
from refsgm.app.cli import app
from refsgm.oracle.doors import command
from refsgm.oracle.doors.apart import load, summary
from tests.support.command_line import run, run_alone

ROOT = pathlib.Path(__file__).parent.parent
READER = ROOT / "examples" / "vectors.js"
MINE = '''
import os, signal, sys, time

def right(x, mean, sigma):
    return (mean - x) / sigma**2

def wrong(x, mean, sigma):
    return (mean - x) / sigma

def mean_loss(score_fn, x, sigma, eps):
    return 0.5 * ((score_fn(x + sigma * eps, sigma) + eps / sigma)**2).mean(axis=1)

def nan(x, mean, sigma):
    return (mean - x) / sigma**2 * float("nan")

def one_argument(x):
    return x

def endless(x, mean, sigma):
    while True:
        pass

def deaf(x, mean, sigma):
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    time.sleep(60)

def crash(x, mean, sigma):
    os.kill(os.getpid(), signal.SIGSEGV)

def leave(x, mean, sigma):
    sys.exit(0)

def leave_at_once(x, mean, sigma):
    os._exit(0)

def loud(x, mean, sigma):
    print("in Python")
    os.system("echo in C")
    return (mean - x) / sigma**2

number = 3
'''
OTHERS = {"syntax.py": "def f(x: return", "missing.py": "import no_such_library",
          "ends.py": "import sys; sys.exit()", "raises.py": "1 / 0",
          "hangs.py": "import time; time.sleep(60)"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with someone's code."""
    folder = tmp_path_factory.mktemp("code")
    for name, text in {"mine.py": MINE, **OTHERS}.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def in_this_process(monkeypatch):
    """Foreign code is judged in the process of the tests, where a process of its own is no matter.
    """
    def judged(contract, target, framework, options, as_json=False):
        monkeypatch.setattr(sys, "path", [*sys.path])
        return summary(check(contract.name, load(target), framework, **options), as_json)
    monkeypatch.setattr(command, "in_another_process", judged)


def test_a_right_function_exits_with_zero(folder):
    out, _ = run_alone("check", "gaussian_score", "mine:right", cwd=folder, code=0)
    assert out.startswith("gaussian_score (numpy): right")


@pytest.mark.parametrize("whole", [False, True])
def test_a_function_of_a_file_is_named_by_its_path(folder, whole, in_this_process):
    target = folder / "mine.py:right" if whole else "mine.py:right"
    out, _ = run("check", "gaussian_score", target, cwd=folder, code=0)
    assert out.startswith("gaussian_score (numpy): right")


# function: (exit code, what the report says)
VERDICTS = {"wrong": "sigma-not-squared", "one_argument": "takes 1 positional argument",
            "nan": "not finite", "endless": "no answer within 0.5 s", "leave": "SystemExit",
            "deaf": "takes more than 2.5 s, and cannot be interrupted", "crash": "SIGSEGV",
            "leave_at_once": "ends the interpreter with exit code 0"}
HARMLESS = {"one_argument", "nan", "leave"}                       # to the process that they run in


@pytest.mark.parametrize("name", VERDICTS)
def test_whatever_a_function_does_it_gets_a_verdict(folder, name, request):
    if name in HARMLESS:
        request.getfixturevalue("in_this_process")
    start = time.monotonic()
    out, _ = run("check", "gaussian_score", f"mine:{name}", "--seconds", 0.5, cwd=folder, code=1)
    assert "gaussian_score (numpy): wrong" in out
    assert VERDICTS[name] in " ".join(out.split())
    assert time.monotonic() - start < 30


def test_what_a_function_prints_is_not_the_report(folder):
    out, errors = run("check", "gaussian_score", "mine:loud", "--json", cwd=folder, code=0)
    assert json.loads(out)["right"]
    assert "in C" in errors


REFUSED = {
    "syntax:f": "cannot import syntax: invalid syntax (syntax.py, line 1)",
    "missing:f": "cannot import missing: No module named 'no_such_library'",
    "ends:f": "cannot import ends: it ends the program (sys.exit)",
    "raises:f": "cannot import raises: ZeroDivisionError: division by zero",
    "hangs:f": "cannot import hangs:f: it takes more than 2 s",
    "nothing:f": "there is no module 'nothing'",
    "none.py:f": "there is no file none.py",
    "mine:wright": "mine has no function 'wright'; did you mean 'right'?",
    "mine:number": "mine:number must be a function, got int",
    "mine": "must be module:function or file.py:function, got 'mine'",
}


@pytest.mark.parametrize("target", REFUSED)
def test_what_cannot_be_imported_is_one_sentence(folder, target, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [*sys.path])
    if target == "hangs:f":
        return                                                  # only another process can stop it
    with pytest.raises(ValueError, match=re.escape(REFUSED[target])):
        load(target)


@pytest.mark.parametrize("target", ["syntax:f", "hangs:f", "mine:wright"])
def test_what_cannot_run_exits_with_two(folder, target):
    _, errors = run("check", "gaussian_score", target, "--seconds", 0.5, cwd=folder, code=2)
    sentences = [line for line in errors.splitlines() if line.startswith("refsgm: ")]
    assert len(sentences) == 1
    assert REFUSED[target] in sentences[0]


def test_an_unknown_framework_exits_with_two(folder):
    _, errors = run("check", "gaussian_score", "mine:right", "--framework", "x", cwd=folder, code=2)
    assert "framework must be one of numpy" in errors


def test_unknown_options_are_one_sentence():
    for args, message in (
            (["gausian_score", "mine:right"], "did you mean 'gaussian_score'?"),
            (["gaussian_score", "mine:f", "--event-shape", "3,-4"], "must be positive integers"),
            (["gaussian_score", "mine:right", "--allow", "sing"], "did you mean 'sign'?"),
            (["gaussian_score"], "check needs a kind, and either module:function or --command"),
            (["gaussian_score", "--command", "no-such-program"], "cannot run 'no-such-program'"),
            (["gaussian_score", "mine:f", "--dtype", "int8"], "must be float32 or float64"),
            (["gaussian_score", "--command", "cat", "--levels", "flat"], "do not apply")):
        with pytest.raises(ValueError, match=re.escape(message)):
            typer.main.get_command(app)(["check", *args], standalone_mode=False)


TABLES = '''
import numpy as np

alpha_bar = np.cumprod(1 - np.linspace(1e-4, 0.02, 1000))

def p_sample(x, t, eps):
    before = np.append(1.0, alpha_bar)[t][:, None]
    a = alpha_bar[t][:, None]
    beta = 1 - a / before
    mean = (x - beta / (1 - a)**0.5 * eps) / (1 - beta)**0.5
    return mean + (beta * (1 - before) / (1 - a))**0.5 * np.random.randn(*x.shape)

def scalings(sigma, sigma_data):
    return sigma_data**2 / (sigma**2 + sigma_data**2)

def loss(net, x):
    t, eps = np.random.randint(0, 1000, len(x)), np.random.randn(*x.shape)
    a = alpha_bar[t][:, None]
    return np.mean((net(a**0.5 * x + (1 - a)**0.5 * eps, t)["out"] - eps)**2)

def wrap(out):
    return {"out": out}

def weight(scale, sigma):
    return 1.0 + 0 * sigma
'''


@pytest.mark.parametrize(("args", "said"), [
    (["check", "ddpm_step", "tables:p_sample", "--table", "tables.py:alpha_bar", "--draws", "z",
      "--argnames", "x_t,alpha_bar_t,eps"], "it draws z itself"),
    (["check", "edm_preconditioning", "tables:scalings", "--components", "c_skip", "--framework",
      "torch", "--device", "cpu"], "right"),
    (["check-training", "tables:loss", "--framework", "numpy", "--shape", "2", "--alpha-bar",
      "tables:alpha_bar", "--wrap", "tables:wrap", "--weight", "tables:weight"],
     "the levels are those of alpha_bar")], ids=["table", "components", "training"])
def test_options_may_name_values_of_the_module(folder, args, said, request):
    if "torch" in args:
        pytest.importorskip("torch")
        request.getfixturevalue("in_this_process")              # which need not import it again
    (folder / "tables.py").write_text(TABLES)
    out, _ = run(*args, cwd=folder, code=0)
    assert said in out


def test_what_a_program_cannot_be_given_is_refused():
    for option in (["--table", "mine:a"], ["--energy"], ["--components", "c_in"]):
        with pytest.raises(ValueError, match="--command takes plain data: --argnames, --table"):
            typer.main.get_command(app)(["check", "gaussian_score", "--command", "cat", *option],
                                        standalone_mode=False)


def test_a_convention_is_accepted_when_it_is_allowed(folder, in_this_process):
    kind = "denoising_score_matching"
    out, _ = run("check", kind, "mine:mean_loss", cwd=folder, code=1)
    assert "a convention: mean-over-dims" in out
    out, _ = run("check", kind, "mine:mean_loss", "--allow", "mean-over-dims", cwd=folder, code=0)
    assert "accepted" in out


def test_the_list_shows_every_kind_with_its_signature(folder):
    from refsgm.oracle.kinds import KINDS
    out, _ = run("check", "--list", cwd=folder, code=0)
    assert out.splitlines() == [contract.signature() for contract in KINDS.values()]


def test_vectors_are_exported_and_verified(folder):
    run("vectors", "export", "v", "--kind", "perturb", cwd=folder, code=0)
    assert sorted(os.listdir(folder / "v")) == ["perturb.json", "vectors.schema.json"]
    document = json.loads((folder / "v" / "perturb.json").read_text())
    results = {case["id"]: case["expected"] for group in document["groups"]
               for case in group["cases"] if case["result"] == "valid"}
    for name, data, code in (("right", results, 0),
                             ("wrong", dict.fromkeys(results, [[0.0]]), 1), ("few", {}, 2)):
        (folder / name).write_text(json.dumps({"digest": document["digest"], "results": data}))
        run("vectors", "verify", "perturb", name, cwd=folder, code=code)
    (folder / "half").write_text('{"results"')
    _, errors = run("vectors", "verify", "perturb", "half", cwd=folder, code=2)
    assert "half must be a JSON file" in errors


ECHO = '''
import json, sys, time
for line in sys.stdin:
    request = json.loads(line)
    args = request["args"]
    def sigma(i):
        return args["sigma"][i][0] if isinstance(args["sigma"], list) else args["sigma"]
    print("a line that is no answer")
    result = [[(m - x) / sigma(i)**2 for x, m in zip(*rows)]
              for i, rows in enumerate(zip(args["x"], args["mean"]))]
    MISCHIEF
    print(json.dumps({"id": request["id"], "result": result}), flush=True)
'''
# what a program does: (exit code, what is said)
MISCHIEF = {
    "pass": (0, "right"),
    "result = [[-v for v in row] for row in result]": (1, "sign"),
    "result = None": (1, "wrong-shape"),
    "if request['id'] > 2: sys.exit('Error: gone')": (1, "exit code 1: Error: gone"),
    "if request['id'] > 2: time.sleep(60)": (1, "no answer within 1 s"),
    "print(json.dumps({'id': request['id'], 'error': 'not today'}), flush=True); continue":
        (1, "not today"),
    "sys.exit('Error: at once')": (2, "Error: at once, before its first answer"),
}


@pytest.mark.parametrize("mischief", MISCHIEF)
def test_programs_are_judged_over_a_pipe(tmp_path, mischief):
    code, words = MISCHIEF[mischief]
    (tmp_path / "program.py").write_text(ECHO.replace("MISCHIEF", mischief))
    out, errors = run("check", "gaussian_score", "--seconds", 1, "--command",
                      shlex.join([sys.executable, "program.py"]), cwd=tmp_path, code=code)
    assert words in " ".join((errors if code == 2 else out).split())


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
@pytest.mark.parametrize("kind", ["gaussian_score", "denoising_score_matching", "ddim_step"])
def test_javascript_is_judged_over_a_pipe(tmp_path, kind):
    """[GAUSS-2] [DSM-1] [DDIM-1]"""
    command = shlex.join(["node", str(READER)])
    out, _ = run("check", kind, "--command", command, cwd=tmp_path, code=0)
    assert "right" in out


def test_every_kind_can_be_asked_over_a_pipe():
    """Requests are plain JSON, and functions and noise are data in it."""
    from refsgm.oracle.kinds import KINDS
    from refsgm.oracle.kinds.drawing import arguments
    from refsgm.oracle.kinds.probes import probe_specs
    from refsgm.oracle.doors.wire import functions_in_words, plain
    for contract in KINDS.values():
        for spec in probe_specs(contract)[:2]:
            data = json.loads(json.dumps(plain(contract, arguments(contract, spec)),
                                         allow_nan=False))
            for name in functions_in_words(contract):
                assert isinstance(data[name], list if name == "rng" else dict)


PLUGIN = "refsgm.oracle.doors.pytest_plugin"
TESTS = '''
def right(x, mean, sigma):
    return (mean - x) / sigma**2

def test_right(refsgm_check):
    assert refsgm_check("gaussian_score", right).right

def test_wrong(refsgm_check):
    refsgm_check("gaussian_score", lambda x, mean, sigma: -right(x, mean, sigma))

def test_mistyped(refsgm_check):
    refsgm_check("gausian_score", right)

def test_allowed(refsgm_check):
    refsgm_check("gaussian_score", lambda *args: -right(*args), allow={"sign"})
'''


def plugin():
    """Options that load the plugin where the installed package does not."""
    installed = any(e.value == PLUGIN for e in entry_points(group="pytest11"))
    return [] if installed else ["-p", PLUGIN]


def test_the_fixture_fails_with_the_diagnosis_and_no_traceback(pytester):
    pytester.makepyfile(TESTS)
    result = pytester.runpytest_inprocess(*plugin())
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(["*gaussian_score (numpy): wrong*", "*sign*GAUSS-2*",
                                 "*refsgm_check: kind must be*did you mean 'gaussian_score'?*"])
    result.stdout.no_fnmatch_line("*pytest_plugin.py*")
    result.stdout.no_fnmatch_line("*def test_wrong*")
    result.stdout.no_fnmatch_line("*Traceback*")
