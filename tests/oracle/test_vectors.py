"""Test vectors: true at 50 digits, valid by their schema, and enough for the doctor."""

import json
import pathlib
import re
import shutil
import subprocess
import sys
from functools import cache

import numpy as np
import pytest

import refsgm
from refsgm.oracle.doors import vectors
from refsgm.oracle.kinds import KINDS
from refsgm.oracle.kinds.fifty_digits import exact
from refsgm.oracle.kinds.probes import probe_specs
from refsgm.oracle.kinds.test_functions import Field
from refsgm.oracle.calls import judge
from refsgm.oracle.museum.mutants import MUTANTS
from refsgm.oracle.doors.wire import finite, plain

ROOT = pathlib.Path(__file__).parents[2]
READER = ROOT / "examples" / "vectors.js"
# kinds of every form: batch, several results, rows, loss, level, table, function, loops with noise
SOME = ["gaussian_score", "ddim_step", "posterior", "heun_step", "mixture_log_density",
        "denoising_score_matching", "sliced_score_matching", "edm_preconditioning",
        "min_snr_weight", "alpha_bar_from_betas", "score_of", "ddpm_sampler", "langevin"]


def every_tenth(asked):
    """The first, eleventh, ... question of each group."""
    seen, kept = {}, {}
    for key, question in asked.items():
        seen[question.group] = seen.get(question.group, -1) + 1
        if seen[question.group] % 10 == 0:
            kept[key] = question
    return kept


@pytest.fixture(scope="module")
def documents():
    """kind -> its vectors, made once: whole for some kinds, a tenth of its cases for others."""
    made, questions = {}, vectors.questions

    def document(kind):
        if kind not in made:
            with pytest.MonkeyPatch.context() as patch:
                if kind not in SOME:
                    patch.setattr(vectors, "questions", lambda kind: every_tenth(questions(kind)))
                made[kind] = json.loads(json.dumps(vectors.document(kind), allow_nan=False))
        return made[kind]
    return document


def once(work):
    """The same function of (kind, arguments, right answer, tries), which works once for equal ones.
    """
    made = {}

    def worked_once(kind, args, *more):
        key = kind, vectors.key_of(args), more[1:] or (judge.USUAL,)
        if key not in made:
            made[key] = work(kind, args, *more)
        return made[key]
    return worked_once


@pytest.fixture(scope="module", autouse=True)
def each_question_answered_once():
    """Questions, digests, right answers and tolerances are worked out once for all tests here."""
    sensitivity_of, digests = once(judge.sensitivity_of), {}

    def digest_of(asked, digest=vectors.digest_of):
        if id(asked) not in digests:
            digests[id(asked)] = asked, digest(asked)
        return digests[id(asked)][1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vectors, "questions", cache(vectors.questions.__wrapped__))
        patch.setattr(vectors, "exact", once(exact))
        patch.setattr(vectors, "sensitivity_of", sensitivity_of)
        patch.setattr(judge, "sensitivity_of", sensitivity_of)
        patch.setattr(vectors, "digest_of", digest_of)
        yield


def cases_of(document, *results):
    return [case for group in document["groups"] for case in group["cases"]
            if case["result"] in results]


def built(name, a):
    """An input as another program would build it."""
    if isinstance(a, dict):
        A, b, theta = np.array(a["A"]), np.array(a["b"]), a["theta"]
        if name == "log_density":
            return lambda x: (theta[0] * np.sum(x * (x @ A), axis=1) / 2 + theta[1] * (x @ b)
                              - theta[2] * np.sum(x**4, axis=1) / 4)

        def function(x, level=None):
            s = theta[0] * (x @ A) + theta[1] * b - theta[2] * x**3
            return s if level is None else s / (1 + level)
        return function
    if name == "rng":
        class Draws:
            def __init__(self):
                self.rest = iter(a)

            def standard_normal(self, shape, dtype=None):
                return np.array(next(self.rest))
        return Draws()
    return np.array(a) if isinstance(a, list) else a


def answered(document, fn):
    """The results that a program with this function would write."""
    results = {}
    for case in cases_of(document, "valid"):
        args = {name: built(name, a) for name, a in case["inputs"].items()}
        x = args.pop("x") if document["kind"] == "score_of" else None
        try:
            result = fn(*args.values()) if x is None else fn(*args.values())(x)
        except Exception as error:
            results[case["id"]] = {"error": str(error)}
            continue
        if hasattr(result, "__next__") or isinstance(result, tuple):
            results[case["id"]] = finite([np.asarray(a).tolist() for a in result])
        else:
            results[case["id"]] = finite(np.asarray(result).tolist())
    return json.loads(json.dumps({"kind": document["kind"], "digest": document["digest"],
                                  "results": results}))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_right_at_fifty_digits(kind):
    """Formulas written once more with mpmath, within a tenth of the tolerance at every probe."""
    pytest.importorskip("mpmath")
    contract = KINDS[kind]
    if contract.exact is None:
        assert kind == "log_likelihood"                                  # it solves an ODE
        return
    for spec in probe_specs(contract):
        probe = judge.new_probe(contract, spec)
        right_answers = vectors.exact(contract, probe.args)
        for want, right, K in zip(probe.want, right_answers, probe.sensitivity):
            slack = 256 * np.finfo(float).eps * np.maximum(K, np.abs(want)) + 1e-300
            assert want.shape == right.shape
            assert np.all(np.abs(want - right) <= 0.1 * slack), spec.label


@pytest.mark.parametrize("kind", KINDS)
def test_every_file_is_valid_by_the_schema(documents, kind):
    """With arrays cut to two rows of three entries: a validator looks at every number."""
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(pathlib.Path(vectors.SCHEMA).read_text())
    validator = jsonschema.Draft202012Validator(schema)

    def cut(a):
        if isinstance(a, dict):
            return {name: cut(value) for name, value in a.items()}
        if isinstance(a, list):
            keep = a if not a or isinstance(a[0], dict | str) else (
                a[:2 if isinstance(a[0], list) else 3])
            return [cut(value) for value in keep]
        return a
    document = cut(documents(kind))
    assert [error.message for error in validator.iter_errors(document)] == []
    case = document["groups"][0]["cases"][0]
    case["result"] = "invalid"                                      # and nothing says its output
    assert not validator.is_valid(document)


@pytest.mark.parametrize("kind", KINDS)
def test_every_file_explains_its_flags_and_has_enough_cases(documents, kind):
    document = documents(kind)
    cases = cases_of(document, "valid", "acceptable", "invalid")
    assert document["numberOfCases"] == len(cases)
    whole = len(vectors.questions(KINDS[kind])) + len(cases_of(document, "acceptable", "invalid"))
    assert whole >= (15 if kind == "log_likelihood" else 20)                   # which is slow
    assert len({case["id"] for case in cases}) == len(cases)
    assert {flag for case in cases for flag in case["flags"]} == set(document["notes"])
    assert document["provenance"]["source"] == ("refsgm" if kind == "log_likelihood" else "mpmath")
    if any(name in ("score_fn", "eps_fn", "log_density", "rng") for name in KINDS[kind].args
           ) and kind != "bits_per_dimension":
        assert document["functions"]


@pytest.mark.parametrize("kind", SOME)
def test_numbers_round_trip(documents, kind):
    """What is read is what was asked, bit for bit."""
    contract = KINDS[kind]
    cases = {case["id"]: case for case in cases_of(documents(kind), "valid")}
    for i, question in enumerate(vectors.questions(contract).values()):
        case = cases[vectors.identifier(contract, i)]
        for name, a in question.args.items():
            if isinstance(a, np.ndarray):
                assert np.array_equal(a, np.array(case["inputs"][name]))
            elif isinstance(a, int | float | str):
                assert a == case["inputs"][name]


@pytest.mark.parametrize("gain", [1.0, 0.1])
def test_functions_are_what_their_data_say(gain):
    """With and without a level, and as a log density."""
    rng, level = np.random.default_rng(0), np.arange(1.0, 6.0)[:, None]
    field, x = Field(rng, 3, gain), rng.standard_normal((5, 3))
    for name, kind in (("score_fn", "heun_step"), ("log_density", "score_of")):
        data = plain(KINDS[kind], {name: field})[name]
        function = built(name, json.loads(json.dumps(data)))
        for args, right in (((x,), field.energy(x)),) if name == "log_density" else (
                ((x,), field(x)), ((x, level), field(x, level))):
            assert np.allclose(function(*args), right, rtol=1e-13)


def off(case, document, answer):
    """Whether an answer is further from the expected one than the tolerance."""
    def pairs(a, b, c):
        if isinstance(a, dict):
            return [(a[name], b[name], c[name]) for name in a]
        return list(zip(a, b, c)) if KINDS[document["kind"]].form == "states" else [(a, b, c)]
    return any(np.any(~(np.abs(np.array(a, float) - np.array(b, float)) <= np.array(c, float)))
               for a, b, c in pairs(answer, case["expected"], case["tolerance"]))


@pytest.mark.parametrize("kind", SOME)
def test_a_checker_can_be_checked(documents, kind):
    """Outputs of mistakes are outside the tolerance, the expected answers of refsgm within."""
    document = documents(kind)
    for case in cases_of(document, "acceptable", "invalid"):
        assert off(case, document, case["output"])
        assert any(flag.startswith(("Mistake:", "Convention:")) for flag in case["flags"])
    assert cases_of(document, "acceptable", "invalid")
    results = answered(document, KINDS[kind].function)["results"]
    names = [name for name, _ in KINDS[kind].returns]
    for case in cases_of(document, "valid"):
        answer = results[case["id"]]
        assert not off(case, document, answer if len(names) == 1 else dict(zip(names, answer)))


@pytest.mark.parametrize("kind", SOME)
def test_right_answers_are_verified(documents, kind):
    report = vectors.verify(kind, answered(documents(kind), KINDS[kind].function))
    assert report.right, report


def wrong_ddim(x_t, eps, alpha_bar_t, alpha_bar_s, eta, z):
    """The direction is not reduced by the noise."""
    x_0 = (x_t - (1 - alpha_bar_t)**0.5 * eps) / alpha_bar_t**0.5
    variance = eta**2 * (1 - alpha_bar_s) / (1 - alpha_bar_t) * (1 - alpha_bar_t / alpha_bar_s)
    return alpha_bar_s**0.5 * x_0 + (1 - alpha_bar_s)**0.5 * eps + variance**0.5 * z


def dsm(target, factor=0.5):
    return lambda s, x, sigma, eps: factor * np.sum(
        (s(x + sigma * eps, sigma) + target(sigma, eps))**2, axis=1)


WRONG = {
    "sign": ("gaussian_score", lambda x, mean, sigma: (x - mean) / sigma**2),
    "sigma-not-squared": ("gaussian_score", lambda x, mean, sigma: (mean - x) / sigma),
    "half": ("denoising_score_matching", dsm(lambda sigma, eps: eps / sigma, 1.0)),
    "sigma-squared": ("denoising_score_matching", dsm(lambda sigma, eps: eps / sigma**2)),
    "wrong-factor": ("ddim_step", wrong_ddim),
    "index-shift": ("alpha_bar_from_betas", lambda betas: np.cumprod(1 - betas)),
    "argument-ignored": ("min_snr_weight", lambda alpha_bar, gamma, prediction: 1 + 0 * alpha_bar),
    "underflow": ("mixture_log_density", lambda x, weights, means, sigma: np.log(sum(
        w * np.exp(refsgm.gaussian_log_density(x, m, sigma)) for w, m in zip(weights, means)))),
    "rows-mixed": ("gaussian_score", lambda x, mean, sigma: (np.mean(mean, axis=0) - x) / sigma**2),
    "raises": ("score_of", lambda log_density: 1 / 0),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("code", WRONG)
def test_the_doctor_works_from_stored_answers(documents, code):
    kind, fn = WRONG[code]
    report = vectors.verify(kind, answered(documents(kind), fn))
    assert not report.ok
    assert code in [d.code for d in report.diagnoses], report


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_most_of_the_museum_is_named_from_stored_answers(documents):
    """All of it is caught; where a mistake shows in values alone, the doctor needs no live code."""
    exhibits = [m for m in MUTANTS if m.kind in SOME and m.code != "detached-gradient"]
    codes = []
    for m in exhibits:
        report = vectors.verify(m.kind, answered(documents(m.kind), m.function))
        assert not report.ok, m.id
        codes.append(report.diagnosis.code == m.code)
    assert sum(codes) >= 0.85 * len(codes)


def test_a_convention_can_be_allowed(documents):
    fn = lambda s, x, sigma, eps: np.mean((s(x + sigma * eps, sigma) + eps / sigma)**2, axis=1) / 2
    kind = "denoising_score_matching"
    results = answered(documents(kind), fn)
    assert not vectors.verify(kind, results).ok
    assert vectors.verify(kind, results, allow={"mean-over-dims"}).ok


def test_a_loss_may_be_answered_by_its_mean(documents):
    kind = "denoising_score_matching"
    mean = lambda *args: np.mean(refsgm.denoising_score_matching(*args))
    assert vectors.verify(kind, answered(documents(kind), mean)).right


def test_a_program_in_float32_is_judged_in_float32(documents):
    kind = "ddim_step"
    results = answered(documents(kind), lambda *args: refsgm.ddim_step(*args).astype(np.float32))
    assert vectors.verify(kind, results).diagnosis.code == "low-precision"
    assert vectors.verify(kind, results, dtype="float32").ok


def test_results_of_other_vectors_and_missing_ones_are_refused(documents):
    kind = "gaussian_score"
    whole = answered(documents(kind), refsgm.gaussian_score)
    first = "gaussian_score-001"
    few = {name: a for name, a in whole["results"].items() if name != first}
    for data, message in (([], "results must be an object"),
                          (whole | {"kind": "perturb"}, "results must be of gaussian_score"),
                          (whole | {"digest": "0"}, "export them again"),
                          (whole | {"results": few}, f"1 of 44 are missing, such as {first}")):
        with pytest.raises(ValueError, match=re.sub(r"\d+ of \d+", r"\\d+ of \\d+", message)):
            vectors.verify(kind, data)


def test_without_mpmath_the_expected_answers_are_those_of_refsgm(monkeypatch):
    monkeypatch.setitem(sys.modules, "mpmath", None)
    monkeypatch.setattr(vectors, "exact", exact)
    document = vectors.document("perturb")
    assert document["provenance"]["source"] == "refsgm"
    assert document["provenance"]["digits"] == 15


def test_what_is_not_a_number_has_a_verdict(documents):
    kind = "gaussian_score"
    results = answered(documents(kind), refsgm.gaussian_score)
    for answer in (None, "text", {"mean": 1}, [[1.0], [2.0, 3.0]]):
        broken = results | {"results": dict.fromkeys(results["results"], answer)}
        report = vectors.verify(kind, broken)
        assert not report.ok
        assert report.diagnosis.code == "wrong-shape"


needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="needs node")


def javascript(reader, kind, document, folder):
    """The report on a reader in JavaScript."""
    (folder / "vectors.json").write_text(json.dumps(document))
    subprocess.run(["node", reader, folder / "vectors.json", folder / "results.json"], check=True,
                   timeout=60)
    return vectors.verify(kind, json.loads((folder / "results.json").read_text()))


# kind: (what is flipped, code)
FLIPS = {"gaussian_score": ("(mean[i][j] - v)", "(v - mean[i][j])", "sign"),
         "denoising_score_matching": ("(s + eps", "(s - eps", "sign"),
         "ddim_step": ("(v - Math.sqrt(1 - t)", "(v + Math.sqrt(1 - t)", "wrong-factor")}


@needs_node
@pytest.mark.parametrize("kind", FLIPS)
def test_the_reader_in_javascript_is_right(documents, kind, tmp_path):
    """[GAUSS-2] [DSM-1] [DDIM-1]"""
    assert javascript(READER, kind, documents(kind), tmp_path).right
    assert len(READER.read_text().splitlines()) <= 60


@needs_node
@pytest.mark.parametrize("kind", FLIPS)
def test_a_flipped_sign_in_javascript_is_named(documents, kind, tmp_path):
    before, after, code = FLIPS[kind]
    assert READER.read_text().count(before) == 1
    (tmp_path / "flipped.js").write_text(READER.read_text().replace(before, after))
    report = javascript(tmp_path / "flipped.js", kind, documents(kind), tmp_path)
    assert not report.ok
    assert report.diagnosis.code == code, report
