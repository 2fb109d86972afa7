"""Answers that are right but for their digits: not finite, few everywhere, or few in some places.

Rounding in lower precision changes irregularly from input to input; a small constant that was added
changes smoothly. So the error is looked at twice, at inputs a thousandth apart.
"""

import numpy as np

from ..calls.constants import constants
from ..calls.judge import ask
from ..calls.reference import reference
from ..kinds import FUNCTION
from ..kinds.wide import BY_SEED, FURTHER, LARGE_DATA, WIDE_TABLE

HALF, SINGLE = 2.0**-7, 3e-6            # errors that float16 or bfloat16, float32 can explain
SMALL = {"tiny levels", "far from the origin", "far from the origin, tiny levels",
         "minute levels"}
FAR_OFF = 1e-3                          # an error that is more than lost digits
LEAST_SINGLE = 1e-9                     # errors that are too small for float32
SMALL_TERM = 1e-4                       # a number in code that is added to avoid 1 / 0
LEAST_STEP, LARGEST_STEP = 1e-12, 1e-2  # of differences, in units of the data
LEAST_HALF = 2.0**-14                   # errors that are too small for float16


def precision(case):
    """Explanations of errors that are small or not finite: NaN comes first, but for half precision.
    """
    finite = [p.error for p in case.probes if not p.ok and np.isfinite(p.error)]
    if len(finite) > 2 and np.median(finite) < HALF:
        return few_digits(case) + not_finite(case)
    return not_finite(case) or few_digits(case)


def not_finite(case):
    """NaN or infinity where the right answer is a number."""
    answered = [p for p in case.probes if p.trial.outputs is not None and p.got is not None]
    bad = [p for p in answered if any(not np.all(np.isfinite(a) | ~np.isfinite(w))
                                      for a, w in zip(p.got, p.want) if np.shape(a) == np.shape(w))
           or p.mean and not np.isfinite(p.got[0])]
    bad += [p for p in case.probes if p.trial.unreal]
    if not bad:
        return []
    labels = ", ".join(p.label for p in bad[:3])
    regimes = {p.situation.regime for p in bad}
    if regimes <= set(FURTHER) and any(not p.ok and p.situation.regime == "plain"
                                       for p in answered):
        return []                                      # there is more to say of the plain probes
    unreal = any(p.trial.unreal for p in bad)
    where = f"the result is not finite{', or complex,' * unreal} at: {labels}"
    fix = "look for the root of a negative number" * unreal
    if not any(np.any(np.isfinite(a)) for p in (*answered, *case.fit_probes()) for a in p.got):
        return [case.say("not-finite", "the result is not finite at any probe", "never finite",
                         fix=fix)]
    alone = all(right_but_for_gaps(p) for p in case.probes)
    if not all(right_but_for_gaps(p) for p in answered if p.situation.regime == "plain"):
        return [case.say("not-finite", where, "gaps among wrong values", fix=fix)]
    narrow = all(np.float32 in (np.dtype(p.situation.dtype), *p.trial.dtypes) for p in bad)
    if regimes <= {"far tail", *SMALL} or "far tail" in regimes and (
            narrow or "plain" not in regimes):
        return [case.say("underflow", f"{where}: exponentials underflow there, and 0 / 0 or log 0 "
                         "follows", "somewhere not finite", accounts=alone)]
    if regimes <= {"huge levels", "vast levels"} or narrow:
        return [case.say("overflow", f"{where}: intermediate values overflow there",
                         "somewhere not finite", accounts=alone)]
    return [case.say("not-finite", where, "somewhere not finite", fix=fix, accounts=alone)]


def right_but_for_gaps(p):
    """Whether all values of a probe are right that are finite."""
    return p.ok or p.got is not None and all(
        np.all((c.off <= c.slack) | ~np.isfinite(c.got)) for c in p.components)


def few_digits(case):
    """Small errors: of the whole computation, by a constant, or only in some regimes."""
    wrong = [p for p in case.probes if not p.ok and p.got is not None]
    plain = [p for p in wrong if p.situation.regime == "plain" and p.situation.dtype == case.dtype]
    narrow = {d for p in case.probes for d in p.trial.dtypes if d.kind == "f" and d.itemsize < 4}
    if narrow:
        return [case.say("low-precision", f"the result comes as {narrow.pop()}",
                         "half precision", accounts=all(p.error < HALF for p in wrong))]
    if not plain:
        if all(p.situation.regime in ("edge", "odd", "infinite") or p.error > FAR_OFF
               and p.situation.regime in (*BY_SEED, WIDE_TABLE, LARGE_DATA) for p in wrong):
            return []                                      # no loss of digits, another formula
        if wrong and all(p.error < 0.5 for p in wrong) or any(
                p.situation.regime in SMALL for p in wrong):
            labels = ", ".join(p.label for p in wrong[:3])
            return [case.say("cancellation", f"digits are lost at: {labels}",
                             "digits lost somewhere")]
        return []
    # the errors of single entries, relative to the largest in their row
    worst = max(p.error for p in plain)
    usual = float(np.median([p.error for p in plain]))
    by_regime = {p.situation.regime: p.error for p in case.probes}
    local = (usual < 0.1 and by_regime.get("huge levels", 1) < 1e-6
             and by_regime.get("tiny levels", 0) > 0.3)
    if usual > HALF and not local:
        return []
    if step := step_of_differences(case, plain):
        return [case.say("approximate", f"the derivative is a difference over steps of about "
                         f"{step:.0e}, with relative errors up to {worst:.0e}",
                         "nearly right" if worst < 0.1 else "smooth error",
                         fix="take the derivative exactly, by automatic differentiation")]
    if worst < SINGLE / 3 and (found := few_bits(case, plain, worst)):
        return found
    if smooth(case, max(plain, key=lambda p: p.situation.B * p.situation.D)):
        # large errors are not "nearly right": another engine's exact cause comes first
        return [case.say("approximate", f"relative errors up to {worst:.0e} that change "
                         "smoothly: a small constant was added somewhere, or a formula that is "
                         "nearly right was used",
                         "nearly right" if worst < 0.1 else "smooth error")]
    if usual > HALF:
        return []
    words = (", the size of float32" if usual < SINGLE else
             ", the size of half precision (float16 or bfloat16)" if usual > LEAST_HALF else
             ": more than those of float32, fewer than those of half precision")
    return [case.say("low-precision", f"relative errors of about {usual:.0e} everywhere{words}",
                     "few digits")]


def step_of_differences(case, probes):
    """The step over which a function that was passed is differenced, or None where it is not.

    It is called beside the point where its derivative is meant, at a small part of its size.
    """
    kind = case.contract
    if "step" in kind.args or not (kind.derivative or kind.sliced or kind.form == FUNCTION):
        return None
    steps = []
    for p in probes:
        x = p.args["x"]
        for seen, *_ in p.trial.calls:
            if seen is None or seen.size % x.shape[-1]:
                return None
            away = np.max(np.abs(seen.reshape(-1, 1, x.shape[-1]) - x), axis=2)
            steps += list(np.min(away, axis=1) / np.max(np.abs(x)))
    near = [s for s in steps if LEAST_STEP < s < LARGEST_STEP]
    size = max(np.max(np.abs(p.args["x"])) for p in probes)
    return float(np.median(near) * size) if len(near) > len(steps) / 3 else None


def few_bits(case, probes, worst):
    """Errors that are those of float32: of an argument, of the result, or of a step; [] where a
    small term would make them.
    """
    said = "; dtype=\"float32\" judges it so"
    names = [n for n, a in probes[0].args.items() if isinstance(a, (float, np.ndarray))]
    for name in names:
        if all(is_rounded(case, p, name) for p in probes if name in p.args):
            return [case.say("low-precision", f"{name} is rounded to float32{said}",
                             "float32 somewhere")]
    if all(np.array_equal(a, a.astype(np.float32)) for p in probes for a in p.got):
        return [case.say("low-precision", f"the result is rounded to float32{said}",
                         "float32 somewhere")]
    if smooth(case, max(probes, key=lambda p: p.situation.B * p.situation.D)):
        small = any(0 < abs(c) < SMALL_TERM for c in constants(case.caller.fn).numbers)
        return [] if small or worst < LEAST_SINGLE else [case.say(
            "low-precision", f"relative errors up to {worst:.0e} that change smoothly: a constant "
            f"has the digits of float32{said}", "float32 somewhere")]
    if worst < LEAST_SINGLE:
        return [case.say("cancellation", f"relative errors up to {worst:.0e}, more than those of "
                         "float64 and fewer than those of float32", "digits lost somewhere")]
    return [case.say("low-precision", f"relative errors up to {worst:.0e}, the size of float32: a "
                     f"step is made in float32{said}", "float32 somewhere")]


def is_rounded(case, p, name):
    """Whether the errors of a probe are those of one argument in float32."""
    single = np.float32(p.args[name]).astype(np.float64)
    try:
        want = reference(case.contract, p.args | {name: single if single.ndim else float(single)})
    except ValueError:
        return False
    return all(np.all(np.abs(a - b) <= 0.1 * np.max(np.abs(a - w)) + s)
               for a, b, w, s in zip(p.got, want, p.want, p.slack)) and any(
                   np.any(b != w) for b, w in zip(want, p.want))


def smooth(case, p):
    """Whether the error hardly changes when levels and numbers do, by a thousandth."""
    rng = np.random.default_rng(0)
    args = {n: a * (1 - 1e-3 * rng.uniform(0.5, 1, np.shape(a)))
            if isinstance(a, np.ndarray) and n not in ("weights", "alpha_bar") else
            a * 0.999 if isinstance(a, float) and 0 < a < 1 else a for n, a in p.args.items()}
    try:
        want = reference(case.contract, args)
    except ValueError:
        return False
    trial = ask(case.caller, p, **args)
    if trial.outputs is None or p.mean:
        return False
    for got, w, a, b, slack in zip(trial.outputs, want, p.got, p.want, p.slack):
        if got.size != w.size:
            return False
        first, second = np.ravel(a - b), np.ravel(got) - np.ravel(w)
        big = np.abs(first) > np.ravel(np.broadcast_to(slack, np.shape(b)))
        if big.any() and np.median(np.abs(second - first)[big] / np.abs(first)[big]) > 0.05:
            return False
    return True
