"""check: is an implementation right, and if not, what is wrong with it?

    refsgm.check("denoising_score_matching", my_loss, framework="torch")

The foreign function is called with the arguments of refsgm's function of that name, at many probes,
and compared with it. A loss is judged in three parts: its value, its minimiser, and whether the
gradient that its framework takes is the derivative of the value.
"""

import itertools

import numpy as np

from .calls.caller import LEVEL_SHAPES, MOST_SECONDS, Caller
from .calls.frameworks import framework_of
from .calls.global_state import put_back
from .calls.input_gradients import NONE, WRONG, input_gradients
from .calls.judge import Probe, judge, new_probe, rows_of
from .calls.losses import loss_parts
from .calls.signature import lacks_noise
from .calls.torch_forms import other_forms
from .calls.trial import Trial
from .doctor import Case, diagnose
from .doctor.codes import CODES, CONVENTIONS
from .further import fresh_seed, further_probes, program_of, within_reach
from .kinds import LOSS, STATES, TABLE, find, some_of
from .kinds.probes import probe_specs
from .kinds.quantities import batch_size
from .kinds.without_noise import SAID, without_noise
from .options import check_callable, is_positive, is_shape, is_word, words_in
from .report import Report
from ..arrays import in_one_line


def check(kind, fn, framework="numpy", *, levels=None, event_shape=None, argnames=None, dtype=None,
          allow=(), dictionary=True, seconds=10.0, table=None, draws=(), components=None,
          energy=False, device=None, seed=None):
    """Judge a foreign implementation of a public function of refsgm, a `Report`.

    kind         name of the function, or the function itself; its signature is the contract
    fn           the implementation: the same positional arguments, as arrays of its framework
    framework    the library of its arrays, such as "numpy", "torch" or "jax"
    levels       how noise levels arrive: "column" (B, 1), "flat" (B,), "trailing" (B, 1, ..., 1),
                 "scalar"; both (B, 1) and scalars if left out
    event_shape  shape of one sample, such as (3, 4, 4): data arrive as (B, 3, 4, 4)
    argnames     the contract's names in the order in which fn takes them, or {its keyword: name}
    dtype        "float64" or "float32" for all probes; both if left out
    allow        conventions that are accepted, such as {"mean-over-dims"}
    dictionary   whether known alternatives may explain a mistake, or the general engines alone
    seconds      time limit of one call
    table        levels (T,), alpha_bar or sigma, of which fn takes the index t in place of a level
    draws        noise that fn draws itself, such as "eps"; what it draws is the contract's then
    components   of a kind with several, those that fn returns, in its order
    energy       pass an energy E(x, level) -> (B,) in place of a score: the score is minus its
                 gradient, E.gradient(x, level)
    device       where arrays are, such as "cuda": of torch and jax
    seed         of the random probes, a whole number: what a report names repeats its probes
    Raises ValueError for a kind, framework or option that does not exist, and
        ModuleNotFoundError for a framework that is not installed.

    >>> from refsgm import check
    >>> report = check("gaussian_score", lambda x, mean, sigma: (x - mean) / sigma**2)
    >>> report.ok, report.diagnosis.code
    (False, 'sign')
    """
    contract = find(kind)
    if not is_word(levels, LEVEL_SHAPES):
        raise ValueError(f"levels must be one of column, flat, trailing, scalar or None, "
                         f"got {in_one_line(levels)}")
    if not is_word(dtype, (None, "float32", "float64")):
        raise ValueError(f'dtype must be "float32", "float64" or None, got {in_one_line(dtype)}')
    check_callable(fn=fn)
    if event_shape is not None and not is_shape(event_shape):
        raise ValueError("event_shape must hold positive integers or be None, "
                         f"got {in_one_line(event_shape)}")
    if not is_positive(seconds) or seconds > MOST_SECONDS:
        raise ValueError(f"seconds must be positive and at most a day, {MOST_SECONDS:g}, "
                         f"got {in_one_line(seconds)}")
    if not (seed is None or isinstance(seed, (int, np.integer)) and not isinstance(seed, bool)
            and seed >= 0):
        raise ValueError(f"seed must be a whole number, zero or more, or None, "
                         f"got {in_one_line(seed)}")
    allow = tuple(allow) if isinstance(allow, (set, frozenset, list, tuple)) else (allow,)
    unknown = [a for a in allow if not is_word(a, (*CODES, *CONVENTIONS))]
    if unknown:
        raise ValueError(f"allow must hold conventions ({', '.join(CONVENTIONS)}) or codes, "
                         f"got {in_one_line(unknown[0])}")
    for name, value in (("energy", energy), ("dictionary", dictionary)):
        if not is_word(value, (True, False)):
            raise ValueError(f"{name} must be True or False, got {in_one_line(value)}")
    if energy and "score_fn" not in contract.args:
        raise ValueError("energy must be False for a kind that is passed no score, "
                         f"{contract.name}")
    if components is not None:
        contract = some_of(contract, words_in("components", components))
    quiet = without_noise(contract)
    quiet = quiet if quiet and not draws and lacks_noise(contract, fn, argnames, table) else None
    contract = quiet or contract
    caller = Caller(contract, fn, framework_of(framework, device), levels, event_shape, argnames,
                    seconds, table, draws, energy)
    dim = None if event_shape is None else int(np.prod(event_shape))
    with put_back() as changes, caller.framework.exactly():
        probes, dtype, said = adapted(caller, dim, dtype)
        report = verdict(caller, dim, dtype, allow, dictionary, probes=probes,
                         seed=fresh_seed() if seed is None else int(seed))
    report.notes = (*[SAID] * bool(quiet), *said, *report.notes, *changes)
    return report


TRIED = {("levels", "flat"): "it takes levels as (B,), and was given them so",
         ("levels", "trailing"): "it takes levels as (B, 1, ..., 1), and was given them so",
         ("one_direction", True): "it takes one slicing direction (B, D) alone",
         ("dtype", "float32"): "it takes float32 alone, and is judged in it"}


def adapted(caller, dim, dtype):
    """All probes, with the caller set to what fn can take: (probes, dtype, notes on what that is).

    Code that raises at a plain probe, or returns other shapes, may take levels (B,), one slicing
    direction alone, or float32. It is called in that way if it answers all plain probes then.
    """
    contract, said = caller.contract, []
    if dtype is None and caller.timesteps is not None:
        dtype = "float32" if caller.timesteps.single else "float64"
        said.append(f"its table is {dtype}, and it is judged in that")
    probes = probe_all(contract, caller, caller.levels, dim, dtype)
    if caller.draws and not any(p.trial.drawn for p in probes):
        said.insert(0, f"it draws {' and '.join(caller.draws)} itself, and was given the "
                    "contract's")
    failed = [p for p in probes if p.trial.problem in ("raises", "wrong-shape")
              and p.situation.regime == "plain"]
    if not failed or contract.form in (TABLE, STATES) or any(
            p.trial.problem == "timeout" for p in probes) or means_axes(caller, failed):
        return probes, dtype, said
    before = {"levels": caller.levels, "one_direction": caller.one_direction,
              "dtype": dtype}
    one_alone = not any(p.ok for p in probes if p.situation.M)            # of several directions
    by_row = any(p.situation.rows and p.situation.B > 1 for p in failed)
    shapes = ("flat", "trailing") if caller.event_shape else ("flat",)
    free = by_row and caller.levels is None and any(map(contract.is_level, contract.args))
    for levels, one, narrow in itertools.product(
            (caller.levels, *(shapes if free else ())),
            dict.fromkeys((caller.one_direction, contract.sliced and one_alone)),
            dict.fromkeys((dtype, dtype or "float32"))):
        way = {"levels": levels, "one_direction": one, "dtype": narrow}
        if way != before and answers(caller, way, dim):
            said += [TRIED[item] for item in way.items() if item not in before.items()]
            return probe_all(contract, caller, caller.levels, dim, narrow), narrow, said
    caller.levels, caller.one_direction = before["levels"], before["one_direction"]
    return probes, dtype, said


def means_axes(caller, failed):
    """Whether fn passes a function more axes than rows and features, and would be right with one
    that takes them; else it is written for one direction.
    """
    caller.any_axes = True
    asked = [judge(caller.contract, caller, new_probe(caller.contract, p.situation, caller))
             for p in failed if p.trial.passed_axes]
    caller.any_axes = False
    return any(p.ok for p in asked)


def answers(caller, way, dim):
    """Whether fn answers all plain probes, in the contract's shapes, when it is called in a way."""
    caller.levels, caller.one_direction = way["levels"], way["one_direction"]
    for s in probe_specs(caller.contract, caller.levels, dim):
        if s.regime == "plain" and s.dtype == "float64":
            s = s._replace(dtype=way["dtype"] or s.dtype)
            if judge(caller.contract, caller, new_probe(caller.contract, s, caller)).trial.problem:
                return False
    return True


def verdict(caller, dim=None, dtype=None, allow=(), dictionary=True, further=(), probes=None,
            seed=None):
    """The report on whatever answers like a `Caller`: Python, another process, stored answers.

    further  probes that are judged already and count beside the usual ones
    probes   the usual ones, if they are judged already
    seed     of random probes, which live code is asked after all others; None for none
    """
    contract, said = caller.contract, []
    if probes is None:
        probes = probe_all(contract, caller, caller.levels, dim, dtype)
    probes = [*probes, *further]
    right = all(p.ok and not p.trial.mutated for p in probes)
    if right and seed is not None:
        more, said = further_probes(caller, dim, single(probes, dtype), seed)
        probes += more
        right = all(p.ok and not p.trial.mutated for p in probes)
    lost = next((p.label for p in probes if p.trial.lost), None)
    if lost:
        said = [*said, f"it is NaN at {lost!r}, where a difference has lost all its digits: take "
                "the root of the larger of it and 0"]
    parts, wrong = {}, []
    if contract.form == LOSS:
        parts, wrong = loss_parts(contract, caller, probes, dim, dtype, seed if right else None)
    case = Case(contract, caller, probes, dim, dtype or "float64", dictionary)
    diagnoses = [] if right else diagnose(case)
    if parts and [d.code for d in diagnoses] == ["other-convention"]:
        parts |= {"value": "not judged", "minimiser": "not judged"}    # which are the contract's
    if right and seed is not None and contract.form != LOSS:
        found = input_gradients(caller, dim, dtype, seed, probes)
        wrong = [name for name, word in found.items() if word == WRONG]
        if found:
            parts = {"gradient": "wrong" if wrong else "not judged" if set(found.values()) == {NONE}
                     else "right"}
    if wrong:
        diagnoses.append(case.say("detached-gradient", "the gradient with respect to "
                                  f"{', '.join(wrong)} is not the derivative of the value",
                                  "gradient"))
    other = None
    if right and seed is not None and caller.framework.name == "torch":
        other = other_forms(caller, probes, dtype)
        diagnoses += [case.say(other.code, other.sentence, "edge", fix=other.fix)] if other else []
    report = Report(contract.name, caller.framework.name, probes, diagnoses, parts, allow,
                    (*notes(case), *said))
    if seed is not None:
        report.seed = seed
        report.program = other.program if other else program_of(caller, probes)
    return report


def single(probes, dtype):
    """The dtype of further probes: float32 for code that answers in it whatever it is asked."""
    return "float32" if any(d == np.float32 for d in probes[0].trial.dtypes) else dtype


VERY_WIDE = ("minute levels", "vast levels")                    # beyond float32


def probe_all(contract, caller, levels, dim, dtype):
    """Every probe, judged; after two that ran out of time, no more."""
    probes, late = [], 0
    for s in probe_specs(contract, levels, dim):
        if s.regime in VERY_WIDE and probes and single(probes, dtype) == "float32" or (
                not within_reach(caller, s)):
            continue
        if dtype is not None:
            if s.dtype != dtype and s.dtype == "float32":
                continue
            s = s._replace(dtype=dtype)
        probe = judge(contract, caller, new_probe(contract, s, caller))
        probes.append(probe)
        late += probe.trial.problem == "timeout"
        if caller.gives_up:
            break
    if not late and contract.form not in (TABLE, STATES) and probes[0].ok:
        probes += metamorphic(contract, caller, probes[0])
    return probes


def metamorphic(contract, caller, probe):
    """The first probe again, with its rows in another order, and with every row twice."""
    B, probes = batch_size(probe.args), []
    for label, index in (("the first probe again", np.arange(B)),
                         ("its rows in another order", np.arange(B)[::-1]),
                         ("its rows twice", np.repeat(np.arange(B), 2))):
        def of_index(arrays, index=index):
            return tuple(a[index] if a.shape[:1] == (B,) else a for a in arrays)
        again = Probe(probe.situation._replace(label=label), rows_of(contract, probe.args, index),
                      of_index(probe.want), lambda of=of_index: of(probe.sensitivity), Trial())
        probes.append(judge(contract, caller, again))
    return probes


def notes(case):
    """What is worth knowing and not wrong."""
    probes = case.probes
    result = [f"an engine of the doctor failed ({failure})" for failure in case.failures]
    if any(p.mean for p in probes):
        result.append("it returns the mean over the batch")
    if any(p.trial.printed for p in probes):
        result.append("it prints, which was kept off the terminal")
    late = case.caller.late - sum(p.trial.problem == "timeout" for p in probes)
    if late > 0:
        result.append(f"beside the probes {late} call{'s'[:late > 1]} ran out of time, and what "
                      "they would have told is missing")
    narrow = [p for p in probes if p.situation.dtype == "float64" and any(
        d == np.float32 for d in p.trial.dtypes)]
    if narrow:
        result.append("it returns float32 for float64 arguments, and is judged in float32")
    return tuple(result)
