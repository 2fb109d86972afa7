"""Whatever a program or a function does, the oracle answers in time, and says what happened."""

import contextlib
import importlib
import pathlib
import re
import sys
import time

import pytest

from refsgm.oracle.calls.caller import Trial
from refsgm.oracle.calls.trial import OutOfTime, limited
from refsgm.oracle.doors import apart, vectors
from refsgm.oracle.doors.pipe import Spoken
from refsgm.oracle.kinds import find
from refsgm.oracle.kinds.drawing import arguments
from refsgm.oracle.kinds.probes import probe_specs
from tests.support.command_line import run
from tests.support.threads import called

REPLY = """
import json, os, subprocess, sys, time
def reply(line, text='{"id": %d, "result": 1.0}'):
    print(text % json.loads(line)["id"], flush=True)
"""
SOON = 40.0          # seconds, for what would wait 99 s or for ever; a busy machine needs a few
# what a program does: (its source, the problem that a trial notes, its words)
PROGRAMS = {
    "answers lines without an end": ("while True: print('y')", "timeout", "no answer within"),
    "answers a line without an end": ("while True: sys.stdout.write('y' * 9999)", "timeout",
                                      "it writes more than 64 MiB without an answer"),
    "says nothing": ("time.sleep(99)", "timeout", "no answer within"),
    "says something else, slowly": ("while True: print('y', flush=True); time.sleep(.1)", "timeout",
                                    "no answer within"),
    "closes its output and lives": ("os.close(1); time.sleep(99)", "raises",
                                    "the program closed its output"),
    "ends": ("sys.exit(3)", "raises", "the program ended with exit code 3"),
    "complains without an end": ("sys.stderr.write('y' * 10**6); sys.exit(chr(10) + 'last words')",
                                 "raises", "exit code 1: last words"),
    "leaves a process behind": (
        "subprocess.Popen(['sleep', '99']); [reply(line) for line in sys.stdin]", "", ""),
    "answers beside a null error": (
        "[reply(line, '{\"id\": %d, \"result\": 1.0, \"error\": null}') for line in sys.stdin]",
        "", ""),
    "nests its answer deeply": (
        "[reply(line, '{\"id\": %d, \"result\": ' + '[' * 10**5 + ']' * 10**5 + '}')"
        " for line in sys.stdin]", "wrong-shape", "nested too deeply"),
    "answers with a huge integer": (
        "[reply(line, '{\"id\": %d, \"result\": 1' + '0' * 400 + '}') for line in sys.stdin]",
        "wrong-shape", "numbers in equally long lists are required"),
    "answers with a truth": (
        "[reply(line, '{\"id\": %d, \"result\": true}') for line in sys.stdin]", "wrong-shape",
        "numbers in equally long lists are required, got True"),
}


def has_ended(path):
    """Whether the process whose number a file holds has ended; one that nobody waits for has."""
    try:
        return "Z" in pathlib.Path(f"/proc/{int(path.read_text())}/stat").read_text().split()
    except FileNotFoundError:
        return True


def asked(source, kind="gaussian_log_density", seconds=1.0):
    """A program of this source, asked once: the trial, and the seconds until it was ended."""
    contract, start = find(kind), time.monotonic()
    with Spoken(contract, sys.executable, seconds) as program:
        program.command = [sys.executable, "-c", REPLY + source]
        program.answered = True                        # the time limit is then that of an answer
        trial = program(arguments(contract, probe_specs(contract)[3]))
    return trial, time.monotonic() - start


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_gets_an_answer_in_time_whatever_it_does(name):
    """The limit is for the whole answer, and holds for what the program started too."""
    source, problem, words = PROGRAMS[name]
    trial, took = asked(source, seconds=1.0 if words == "no answer within" else 30.0)
    assert (trial.problem, words in trial.error) == (problem, True), trial.error
    assert took < SOON


def test_a_program_that_never_answers_is_waited_for_once():
    """It has twice the time of an answer to start in, and no other question is asked then."""
    contract = find("gaussian_log_density")
    args = arguments(contract, probe_specs(contract)[3])
    with Spoken(contract, "sleep 99", 0.1) as program:
        said = [program(args) for _ in range(3)]
    assert [trial.problem for trial in said] == 3 * ["timeout"]
    assert program.starts == 1


def test_a_program_that_does_not_read_is_ended():
    """A question longer than a pipe holds is no reason to wait beyond the limit."""
    contract = find("gaussian_log_density")
    probe = probe_specs(contract)[0]._replace(B=3000, D=40)
    with Spoken(contract, "sleep 99", 1.0) as program:
        start = time.monotonic()
        trial = program(arguments(contract, probe))
        assert trial.problem == "timeout"
    assert time.monotonic() - start < SOON


def test_what_a_wrapper_started_is_ended_with_it(tmp_path):
    """`sh -c "program; true"` leaves nothing behind when its time is up."""
    pid = tmp_path / "pid"
    with Spoken(find("perturb"), f"sh -c 'sleep 98 & echo $! > {pid}; wait; true'", 0.5) as program:
        contract = find("perturb")
        assert program(arguments(contract, probe_specs(contract)[0])).problem == "timeout"
    time.sleep(0.2)
    assert has_ended(pid)


@pytest.mark.parametrize("answer", [None, True, 3.0, "NaN", [1.0], {}, [None, None, None]])
def test_an_answer_that_is_not_the_components_is_no_traceback(answer):
    """Of a kind with two components: null, a number or a list of the wrong length."""
    contract = find("posterior")
    asked = {key: q for key, q in list(vectors.questions(contract).items())[:1]}
    stored = vectors.Stored(contract, asked, {vectors.identifier(contract, 0): answer}, None)
    trial = stored(next(iter(asked.values())).args)
    assert isinstance(trial, Trial)
    assert trial.problem == "wrong-shape"
    assert "mean" in trial.error


@pytest.fixture(scope="module", params=["perturb", "posterior", "denoising_score_matching",
                                        "langevin"])
def answered(request):
    """A kind, the digest of its vectors, {id: right answer} and {group: ids}."""
    document = vectors.document(request.param)
    groups = {g["name"]: [c["id"] for c in g["cases"]] for g in document["groups"]}
    groups.pop("mistakes", None)
    right = {c["id"]: c["expected"] for g in document["groups"] for c in g["cases"]
             if c["result"] == "valid"}
    return request.param, document["digest"], right, groups


def verdict(answered, results):
    kind, digest, _, _ = answered
    return vectors.verify(kind, {"kind": kind, "digest": digest, "results": results})


def test_right_answers_to_all_vectors_are_right(answered):
    """Every valid case counts as a probe."""
    report = verdict(answered, answered[2])
    assert report.right
    assert len(report.probes) >= len(answered[2])


def test_one_missing_answer_in_any_group_is_seen(answered):
    """Nothing unanswered is right: not a null, not an error, not a wrong number."""
    _, _, right, groups = answered
    for ids in groups.values():
        for instead in (None, {"error": "not implemented"}, [[12345.0]]):
            report = verdict(answered, right | {ids[-1]: instead})
            assert not report.ok
            assert report.diagnoses


FUNCTIONS = {
    "writes_to_every_pipe": """
def f(x, mean, sigma):
    import os
    for descriptor in range(3, 40):
        try:
            os.write(descriptor, b'nonsense' * 9)
        except OSError:
            pass
    return (mean - x) / sigma**2
""",
    "raises_what_cannot_be_printed": """
class Bad(Exception):
    def __str__(self):
        raise SystemExit(3)
def f(x, mean, sigma):
    raise Bad
""",
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_that_attacks_the_oracle_gets_a_verdict(name, tmp_path):
    """Exit code 1, a sentence, and no traceback."""
    (tmp_path / "mine.py").write_text(FUNCTIONS[name])
    out, _ = run("check", "gaussian_score", "mine.py:f", "--seconds", 1, cwd=tmp_path, code=1)
    assert "wrong" in out


def test_what_a_function_started_is_ended_with_the_check(tmp_path):
    """A child that it forked does not outlive the verdict."""
    (tmp_path / "mine.py").write_text(
        "import subprocess\nchild = subprocess.Popen(['sleep', '97'])\n"
        "open('pid', 'w').write(str(child.pid))\n"
        "def f(x, mean, sigma):\n    return (mean - x) / sigma**2\n")
    run("check", "gaussian_score", "mine.py:f", cwd=tmp_path)
    time.sleep(0.2)
    assert has_ended(tmp_path / "pid")


def test_a_file_that_cannot_be_read_is_not_a_wrong_answer(tmp_path):
    """Exit code 2: it could not run."""
    (tmp_path / "deep.json").write_text("[" * 10**5)
    for name, words in (("none.json", "cannot read none.json: No such file"),
                        ("deep.json", "deep.json must be a JSON file")):
        _, errors = run("vectors", "verify", "posterior", name, cwd=tmp_path, code=2)
        assert words in errors


@pytest.mark.parametrize("seconds", ["inf", "nan", "-1", "1e9"])
def test_a_time_limit_is_a_time(seconds, tmp_path):
    """An endless one, or none, is refused before anything runs."""
    pathlib.Path(tmp_path / "mine.py").write_text("def f(x, mean, sigma): return x")
    _, errors = run("check", "gaussian_score", "mine.py:f", "--seconds", seconds, cwd=tmp_path,
                    code=2)
    assert re.search("seconds", errors)


@pytest.mark.parametrize("name", ["half_there", "all_there.half_there"])
def test_a_package_whose_import_ran_out_of_time_is_imported_anew(name, tmp_path, monkeypatch):
    """What is left of it would lack its parts, for everybody in the process; so would that of a
    package within another, as torch._dynamo.
    """
    package = tmp_path.joinpath(*name.split("."))
    package.mkdir(parents=True)
    (package / "part.py").write_text("x = 1\n")
    (package / "__init__.py").write_text("import os, time\nfrom .part import x\n"
                                         "if 'HURRY' not in os.environ:\n    time.sleep(60)\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(OutOfTime), limited(0.3):
        importlib.import_module(name)
    monkeypatch.setenv("HURRY", "yes")
    assert importlib.import_module(name).part.x == 1


@pytest.mark.parametrize("in_thread", [False, True])
def test_an_installed_library_is_imported_to_its_end(in_thread, tmp_path, monkeypatch):
    """Beyond the limit of the call, which ends afterwards; half of it would stay for everybody."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    (folder / f"slow_{in_thread}.py").write_text("import time\nfor _ in range(20):\n"
                                                 "    time.sleep(0.03)\nwhole = True\n")
    monkeypatch.syspath_prepend(folder)
    found = []

    def asked():
        with contextlib.suppress(OutOfTime), limited(0.1):
            found.append(importlib.import_module(f"slow_{in_thread}").whole)
            while True:
                time.sleep(0.01)
    called(asked, in_thread)
    assert found == [True]


@pytest.mark.parametrize(("source", "said"), [
    ("import time; time.sleep(60)", "it takes more than 1 s"),
    ("import multiprocessing, slow\n"
     "raise ValueError(slow.whole and not multiprocessing.current_process().daemon)",
     "mine.py: True"),
    ("import os, time\nif os.fork() == 0: time.sleep(60)\nos._exit(0)", "with exit code 0")])
def test_a_module_is_imported_in_twice_the_limit_beside_its_libraries(source, said, tmp_path,
                                                                      monkeypatch):
    """A module that sleeps is cut, and an installed library that it imports comes to its end, in a
    process that may start others; one that ends is not waited for, though its child has the pipe.
    """
    folder = tmp_path / "site-packages"
    folder.mkdir()
    (folder / "slow.py").write_text("import time\ntime.sleep(1.5)\nwhole = True\n")
    (tmp_path / "mine.py").write_text(f"import sys; sys.path.append({str(folder)!r})\n{source}")
    monkeypatch.setattr(apart, "GRACE", 0.1)
    with pytest.raises(ValueError, match=said):
        apart.in_another_process(find("perturb"), f"{tmp_path}/mine.py:f", "numpy",
                                 {"seconds": 0.5})
