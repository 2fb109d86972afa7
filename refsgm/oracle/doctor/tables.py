"""Tables: shifted, reversed, with wrong ends, or of single steps."""

import functools

import numpy as np

from ..calls.slack import slack_of
from ..calls.reference import reference


def tables(case):
    """Shifts, reversals and ends of a table, from probes that have an answer of any length."""
    pairs = [(p.trial.outputs[0], p.want[0], p) for p in case.probes
             if p.trial.outputs is not None and p.trial.outputs[0].ndim == 1]
    if not pairs:
        return []
    if all(len(a) == len(w) + 1 and a[-1] == 0 and np.all(
            np.abs(a[:-1] - w) <= slack_of(case.contract, p.trial.dtypes[0], p.situation.dtype,
                                           p.sensitivity[0], w)) for a, w, p in pairs):
        return [case.say("other-convention", "a level 0 is appended to the table",
                         "another convention", "final-zero", 'allow="final-zero" accepts it')]
    pairs = [(a, w, p) for a, w, p in pairs if len(w) > 2] or pairs   # two entries are both ends
    narrow = any(p.trial.dtypes[0] == np.float32 for _, _, p in pairs)
    near = functools.partial(equal, rtol=1e-4, atol=1e-6) if narrow else equal
    tests = (
        ("reversed", "the table is reversed", lambda a, w: near(a, w[::-1])),
        ("reversed", "the table is reversed, and an entry is missing",
         lambda a, w: near(a, w[:0:-1]) or near(a, w[-2::-1])),
        ("index-shift", "the first entry is missing", lambda a, w: near(a, w[1:])),
        ("index-shift", "the last entry is missing", lambda a, w: near(a, w[:-1])),
        ("index-shift", "there is an entry too many at the end",
         lambda a, w: len(a) == len(w) + 1 and near(a[:-1], w)),
        ("index-shift", "there is an entry too many at the start",
         lambda a, w: len(a) == len(w) + 1 and near(a[1:], w)),
        ("index-shift", "the table is shifted by one entry",
         lambda a, w: len(a) == len(w) > 2 and (near(a[1:], w[:-1]) or near(a[:-1], w[1:]))),
        ("not-accumulated", "the entries are those of single steps, not their product so far",
         lambda a, w: near(np.cumprod(a), w) or near(np.cumprod(a), w[1:])
         or len(a) == len(w) - 1 and near(a, w[1:] / w[:-1])),
    )
    for code, sentence, test in tests:
        if all(test(a, w) for a, w, _ in pairs):
            return [case.say(code, sentence, "table rearranged")]
    for which, rest in (("last", slice(None, -1)), ("first", slice(1, None))):
        if all(len(a) == len(w) > 2 and near(a[rest], w[rest]) for a, w, _ in pairs):
            return [case.say("end-point", f"the {which} entry alone is wrong", "table's end",
                             fix="see how that entry is made")]
    count = next((n for n in ("n_levels", "n_steps") if n in case.contract.args), None)
    if count:
        def longer(p):
            return reference(case.contract, p.args | {count: p.args[count] + 1})[0]

        for cut, place, end in ((slice(None, -1), "i / L", "last"),
                                (slice(1, None), "(i + 1) / L", "first")):
            if all(near(a, longer(p)[cut]) for a, _, p in pairs):
                return [case.say("end-point", f"the levels lie at {place} in place of "
                                 f"i / (L - 1): the {end} end is left out", "table rearranged")]
    if all(len(a) == len(w) > 2 and near(a[[0, -1]], w[[0, -1]]) and not near(a, w)
           for a, w, _ in pairs):
        return [case.say("wrong-spacing", "both ends are right, and what lies between is not",
                         "table's spacing")]
    if all(len(a) != len(w) for a, w, _ in pairs):
        a, w, _ = pairs[0]
        return [case.say("wrong-shape", f"the table has {len(a)} entries, where {len(w)} are "
                         "required", "table's length")]
    return []


def equal(a, b, rtol=1e-9, atol=1e-12):
    """Equal tables, to rounding."""
    return a.shape == b.shape and np.allclose(a, b, rtol=rtol, atol=atol)
