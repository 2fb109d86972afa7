"""Test vectors: what every kind should answer, as JSON that any language reads.

    refsgm vectors export DIR                    one file for each kind
    refsgm vectors verify KIND RESULTS.json      the doctor, on another program's answers

A file holds all that the oracle would ask live code, so its verdict and diagnosis come from stored
answers too. A case is valid (the expected answer is right), acceptable (its `output` follows a
documented convention) or invalid (its `output` is that of a known mistake): a checker must tell
them apart. Noise is always an input.
"""

import hashlib
import inspect
import json
import os
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ..calls.losses import loss_parts
from ..check import metamorphic, verdict
from ..kinds import FUNCTION, KINDS, LOSS, STATES, TABLE, find
from ..doctor import Case
from ..kinds.fifty_digits import DIGITS, exact
from ..kinds.probes import probe_specs
from ..kinds.test_functions import Field
from ..calls.frameworks import numpy_framework
from ..calls.judge import judge, new_probe, probe_at
from ..calls.reference import reference, sensitivity
from ..calls.slack import slack_of
from ..museum.mutants import MUTANTS, Mutant
from ..doctor.codes import CODES
from ..doctor.dependence import dependence_at
from ..calls.caller import Caller
from ..calls.trial import Trial
from .flags import NOTES, flags_of
from .wire import Failed, Remote, as_answer, finite, functions_in_words, plain

VERSION = 1                                                        # of the format
PER_SAMPLE = "its answers are means over the batch: one value per sample tells the doctor more"
SHOWN = 2                                                         # cases of every mistake
# of arrays in a digest, whatever the user has chosen for the terminal
PRINTED = {"precision": 5, "floatmode": "fixed", "threshold": 10**9, "linewidth": 75,
           "suppress": False, "sign": "-", "nanstr": "nan", "infstr": "inf", "formatter": None,
           "legacy": False}
SCHEMA = os.path.join(os.path.dirname(__file__), "vectors.schema.json")

GROUPS = {
    "verdict": "The probes on which a verdict rests: regimes and edges where mistakes show.",
    "rows": "The first probe again, with its rows in another order, and with every row twice.",
    "parameters": "The same inputs with other weights theta: the mean of the answers is quadratic "
                  "in theta, which shows whether the loss has the right minimiser.",
    "fits": "More plain inputs, from which factors and coefficients can be recovered.",
    "one argument changed": "The first probe with one argument, or one row of it, changed.",
    "mistakes": "Outputs of known mistakes, for testing a checker; a program need not answer them.",
}

def mistakes(kind):
    """Known mistakes of a kind: those of the museum, or where it has none a sign and a factor."""
    known = [m for m in MUTANTS if m.kind == kind]
    return known or [Mutant("sign", kind, "sign", "plausible", "The result has the wrong sign.", "",
                            times(kind, -1.0)),
                     Mutant("half", kind, "half", "plausible", "The result is twice the right one.",
                            "", times(kind, 2.0))]


def times(kind, factor):
    """The right function times a factor."""
    contract = KINDS[kind]

    def wrong(*args):
        result = contract.function(*args)
        if contract.form == FUNCTION:
            return lambda x: factor * result(x)
        if contract.form == STATES:
            return [factor * a for a in result]
        if isinstance(result, tuple):
            return tuple(factor * np.asarray(a) for a in result)
        return factor * np.asarray(result)
    return wrong


class Asked(NamedTuple):
    """One question: its group, a label, the arguments, and the dtype in which it is judged."""

    group: str
    label: str
    args: dict
    dtype: np.dtype


class Recorder(Caller):
    """Code that is right, and notes what it is asked."""

    def __init__(self, contract):
        super().__init__(contract, None, numpy_framework())
        self.asked, self.group, self.label = {}, "", ""

    def __call__(self, args, dtype=np.float64, theta=None, keep=False):
        """A `Trial` with the right answer."""
        key = key_of(args)
        if key not in self.asked:
            self.asked[key] = Asked(self.group, self.label, args, np.dtype(dtype))
        trial, right = Trial(), reference(self.contract, args)
        several = self.contract.form == STATES or len(self.contract.returns) > 1
        self.read(trial, list(right) if several else right[0])
        return trial


def key_of(args):
    """A key for the values of arguments."""
    digest = hashlib.sha256()
    for name, a in args.items():
        parts = (a.A, a.b, a.theta) if isinstance(a, Field) else (
            getattr(a, "seed", a) if not isinstance(a, np.ndarray) else a,)
        digest.update(name.encode())
        for part in parts:
            digest.update(part.tobytes() + str(part.shape).encode()
                          if isinstance(part, np.ndarray) else repr(part).encode())
    return digest.hexdigest()


@lru_cache(16)
def questions(contract):
    """All that the oracle asks of an implementation of a kind, in order: key -> `Asked`."""
    recorder, probes = Recorder(contract), []
    for s in probe_specs(contract):
        recorder.group, recorder.label = "verdict", s.label
        probes.append(judge(contract, recorder, new_probe(contract, s, recorder)))
    recorder.group, recorder.label = "rows", "rows"
    if contract.form not in (TABLE, STATES):
        metamorphic(contract, recorder, probes[0])
    recorder.group, recorder.label = "fits", "fit"
    case = Case(contract, recorder, probes)
    case.fit_probes()
    recorder.group, recorder.label = "parameters", "theta"
    if contract.form == LOSS:
        loss_parts(contract, recorder, probes, None, None)
    recorder.group, recorder.label = "one argument changed", "changed"
    if contract.form not in (TABLE, STATES, FUNCTION):
        dependence_at(case, probes[0])
    return recorder.asked


def identifier(contract, i):
    """The name of case i."""
    return f"{contract.name}-{i + 1:03d}"


def digest_of(asked):
    """A digest of all inputs, rounded: the same of two exports that ask the same."""
    digest = hashlib.sha256()
    with np.printoptions(**PRINTED):
        for question in asked.values():
            for name, a in question.args.items():
                for part in ((a.A, a.b, a.theta) if isinstance(a, Field) else (a,)):
                    digest.update(f"{name}{rounded(part)}".encode())
    return digest.hexdigest()[:16]


def rounded(a):
    """An input to about six digits, as text; of an rng its seed."""
    if isinstance(a, np.ndarray):
        return np.array2string(a)
    return f"{a:.5g}" if isinstance(a, float) else str(getattr(a, "seed", a))


def document(kind):
    """The vectors of a kind, as plain data."""
    import refsgm
    contract = find(kind)
    asked = questions(contract)
    groups, notes, sources, right = {}, {}, set(), {}
    for i, (key, question) in enumerate(asked.items()):
        case, source = right_case(contract, question, identifier(contract, i))
        sources.add(source)
        right[key] = case
        groups.setdefault((question.group, str(question.dtype)), []).append(case)
        notes |= {flag: NOTES[flag] for flag in case["flags"]}
    wrong = wrong_cases(contract, asked, right, notes)
    if wrong:
        groups["mistakes", "float64"] = wrong
    exactly = sources == {"mpmath"}
    return {
        "schema": "vectors.schema.json", "version": VERSION, "kind": contract.name,
        "signature": contract.signature(), "equation": contract.tag,
        "documentation": inspect.getdoc(contract.function),
        "provenance": {"source": "mpmath" if exactly else "refsgm", "refsgm": refsgm.__version__,
                       "digits": DIGITS if exactly else 15},
        "digest": digest_of(asked), "functions": functions_in_words(contract), "notes": notes,
        "numberOfCases": sum(map(len, groups.values())),
        "groups": [{"name": name, "comment": GROUPS[name], "precision": dtype, "cases": cases}
                   for (name, dtype), cases in groups.items()]}


def right_case(contract, question, name):
    """A valid case, and where its expected answer comes from."""
    args = question.args
    want, right = reference(contract, args), exact(contract, args)
    slack = [two_digits(by_rows(slack_of(contract, question.dtype, question.dtype, k, w)))
             for k, w in zip(sensitivity(contract, args, want), want)]
    expected = want if right is None else [a.reshape(w.shape) for a, w in zip(right, want)]
    case = {"id": name, "comment": question.label,
            "flags": flags_of(contract, args, question.dtype, question.label),
            "result": "valid", "inputs": plain(contract, args),
            "expected": as_answer(contract, expected), "tolerance": as_answer(contract, slack)}
    return case, "refsgm" if right is None else "mpmath"


def by_rows(slack):
    """One tolerance for all entries of a row, (B, 1), where they are the same."""
    if np.ndim(slack) == 2 and np.all(slack == slack[:, :1]):
        return slack[:, :1]
    return slack


def two_digits(a):
    """Rounded down to two significant digits."""
    a = np.asarray(a, np.float64)
    unit = 10.0**(np.floor(np.log10(np.maximum(a, 1e-300))) - 1)
    return np.vectorize(lambda v: float(f"{v:.1e}"))(np.floor(a / unit) * unit)


def wrong_cases(contract, asked, right, notes):
    """Cases whose output is that of a known mistake, where it shows.

    right  key -> the valid case
    """
    cases = []
    small = sorted(((key, q.args) for key, q in asked.items()
                    if q.group == "verdict" and q.dtype == np.float64),
                   key=lambda pair: sum(np.size(a) for a in pair[1].values()
                                        if isinstance(a, np.ndarray)))
    for m in mistakes(contract.name):
        caller, shown = Caller(contract, m.function, numpy_framework()), 0
        for key, args in small:
            if shown == SHOWN:
                break
            probe = judge(contract, caller, probe_at(contract, probe_specs(contract)[0], args))
            if probe.ok or probe.got is None:
                continue
            shown += 1
            flag = f"Convention:{m.convention}" if m.convention else f"Mistake:{m.code}"
            notes[flag] = CODES[m.code][0][:1].upper() + CODES[m.code][0][1:] + "."
            case = right[key] | {
                "id": identifier(contract, len(right) + len(cases)), "comment": m.sentence,
                "result": "acceptable" if m.convention else "invalid",
                "flags": [*right[key]["flags"], flag],
                "output": finite(as_answer(contract, probe.trial.outputs))}
            cases.append(case | ({"source": m.source} if m.source else {}))
    return cases


def export(folder, kinds=None):
    """Write the vectors of all kinds, or of some, to a folder; returns the paths."""
    os.makedirs(folder, exist_ok=True)
    paths = []
    for kind in kinds or KINDS:
        path = os.path.join(folder, f"{kind}.json")
        text = json.dumps(document(kind), allow_nan=False)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace('{"id"', '\n{"id"').replace('{"name"', '\n{"name"') + "\n")
        paths.append(path)
    return paths


class Stored(Remote):
    """Answers from a file: to what was exported, and to nothing else."""

    def __init__(self, contract, asked, results, dtype):
        super().__init__(contract, "vectors", dtype)
        self.answers = {key: results[identifier(contract, i)] for i, key in enumerate(asked)}

    def answer(self, args):
        """What the file says, if the question is in it."""
        key = key_of(args)
        if key not in self.answers:
            raise Failed("", "not stored")
        answer = self.answers[key]
        if isinstance(answer, dict) and set(answer) == {"error"}:
            raise Failed("raises", str(answer["error"])[:200])
        return answer


def verify(kind, data, *, dtype=None, allow=(), dictionary=True):
    """Judge the answers of another program, a `Report`.

    kind   the name of a kind
    data   {"kind": kind, "digest": that of the vectors, "results": {id: answer, ...}} with an
           answer for every valid case; {"error": message} where the program has none
    dtype  "float32" for a program that computes in that
    Raises ValueError for answers to other vectors and missing ones.
    """
    contract = find(kind)
    if not isinstance(data, dict) or not isinstance(data.get("results"), dict):
        raise ValueError('results must be an object {"kind", "digest", "results": {id: answer}}')
    if data.get("kind", contract.name) != contract.name:
        raise ValueError(f"results must be of {contract.name}, got {data['kind']!r}")
    asked = questions(contract)
    if data.get("digest") != digest_of(asked):
        raise ValueError(f"results must be of the vectors of this version, digest "
                         f"{digest_of(asked)}, got {data.get('digest')!r}: export them again")
    missing = [identifier(contract, i) for i in range(len(asked))
               if identifier(contract, i) not in data["results"]]
    if missing:
        raise ValueError(f"results must answer every valid case; {len(missing)} of {len(asked)} "
                         f"are missing, such as {missing[0]}")
    stored = Stored(contract, asked, data["results"], dtype)
    report = verdict(stored, allow=allow, dictionary=dictionary, further=further(stored, asked))
    if not report.ok and any(p.mean for p in report.probes):
        report.notes = (*report.notes, PER_SAMPLE)
    return report


def further(stored, asked):
    """The stored answers that no probe of a verdict looks at, judged: a `Probe` each."""
    contract, plain_probe = stored.contract, probe_specs(stored.contract)[0]
    probes = []
    for i, question in enumerate(asked.values()):
        if question.group not in ("verdict", "rows"):
            place = plain_probe._replace(label=identifier(contract, i), dtype=str(question.dtype))
            probes.append(judge(contract, stored, probe_at(contract, place, question.args)))
    return probes
