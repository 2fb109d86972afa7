"""Probes that were answered, asked once more of PyTorch code in part or in other numbers: the first
row alone, with arguments of two dtypes, in whole numbers.

    float64 beside float32 is float64; where all levels are columns, no digit of the noise is lost
"""

import contextlib
import itertools
from dataclasses import replace

import numpy as np

from ..kinds import DATA, LEVEL, LOSS, TABLE, STATES, ProbeSpec
from ..kinds.edges import is_undecided
from ..kinds.quantities import batch_size
from .judge import judge, new_probe, probe_at, rows_of
from .trial import Trial

WORDS = {0: "the first", -1: "the last"}
WIDE, NARROW = "float64", "float32"
ROWS, MIXTURES = 6, 12                                 # at most so many probes of each
WHOLE = {"sigma": 2, "sigma_t": 2, "sigma_s": 1, "sigma_from": 1, "sigma_to": 2, "scale": 1,
         "scale_rate": -1, "sigma_rate": 1, "t": 1, "s": 0, "beta": 1, "g": 2, "step_size": 1,
         "z": 1}
# Of float32: what numbers are at once with very small or large levels, and the largest answer
EXTREMES = {"eta": (0.0, 1.0), "deviation": (60.0,), "mean": (-20.0, 20.0), "gamma": (1e-3, 1e3)}
LARGEST, MANY, FAR_STEP = 1e30, 33, (1e-6, 1e-3)
FAR = {WIDE: 1e6, NARROW: 3e3}                    # from zero, in units of the noise


def one_row(probes, contract, row):
    """A row of these probes, the first (0) or the last (-1), each a probe of its own."""
    for p in probes:
        B = batch_size(p.args)
        if B < 2 or contract.form == LEVEL or any(np.shape(w)[:1] != (B,) for w in p.want):
            continue
        at = slice(row % B, row % B + 1)
        yield replace(p, situation=p.situation._replace(B=1, label=f"{p.label}, {WORDS[row]} row"),
                      args=rows_of(contract, p.args, row % B), want=tuple(w[at] for w in p.want),
                      rounding=lambda p=p, at=at: tuple(a[at] for a in p.sensitivity),
                      trial=Trial(), components=())


def mixtures(contract, probes):
    """(the dtype of all arguments but one, that one, a probe) of these probes, by turns."""
    for dtype, other in ((WIDE, NARROW), (NARROW, WIDE)):
        some = [p for p in probes if p.situation.dtype == dtype and p.situation.B > 1]
        some = [p for p in some if p.situation.rows] or some
        turn, count = itertools.cycle(some), 0
        names = [n for n in contract.args if any(n in arrays(p) for p in some)]
        for name in (names * MIXTURES)[:0 if len(names) < 2 else MIXTURES // 2]:
            probe = next((p for p in itertools.islice(turn, len(some)) if name in arrays(p)), None)
            if probe is not None:
                count += 1
                with contextlib.suppress(ValueError, ZeroDivisionError):
                    yield dtype, name, mixture(contract, probe, name, dtype, other)


def arrays(probe):
    """The names of arguments that are arrays."""
    return [n for n, a in probe.args.items() if isinstance(a, np.ndarray) and a.ndim]


def mixture(contract, probe, name, dtype, other):
    """The probe with one argument in the other dtype."""
    words = probe.situation._replace(label=f"{probe.label}, {name} in {other}", dtype=NARROW)
    if dtype == NARROW:
        return replace(probe, situation=words, trial=Trial(), components=())
    args = probe.args | {name: probe.args[name].astype(NARROW).astype(WIDE)}
    data = [n for n in arrays(probe) if n in DATA and not contract.is_level(n)]
    levels = [np.ndim(a) for n, a in args.items() if contract.is_level(n)]
    exact = name in data[1:] and all(levels) and contract.form != LOSS
    return probe_at(contract, words._replace(dtype=WIDE) if exact else words, args)


def whole(caller, dtype, as_floats):
    """A probe of whole numbers as levels, if it answers them as floats.

    as_floats  the same code, asked with numbers of Python as levels
    """
    contract = caller.contract
    names = [n for n in contract.args if contract.is_level(n)]
    if not names or not set(names) <= set(WHOLE) or dtype == NARROW:
        return
    spec = ProbeSpec("whole numbers", 5, 3, False, "edge", 3,
                     given=tuple((n, float(WHOLE[n])) for n in names))
    with contextlib.suppress(ValueError, ZeroDivisionError):
        floats, ints = (new_probe(contract, spec, caller) for _ in range(2))
        if all(np.all(np.isfinite(w)) for w in floats.want) and judge(
                contract, as_floats, floats).ok:
            yield ints


def extremes(caller, dim):
    """Probes of many rows in float32, of very small and large levels beside ends of other numbers.
    """
    contract, names = caller.contract, caller.contract.args
    ends = [(), *(((n, a),) for n in names if n in EXTREMES and not contract.is_level(n)
                  and n in caller.names for a in EXTREMES[n])]
    regimes = ("tiny levels", "huge levels") if any(map(contract.is_level, names)) else ()
    ratios = (), *[FAR_STEP] * contract.is_step
    for regime, given, ratio in itertools.product((*regimes, "plain"), ends, ratios):
        if regime == "plain" and not given and not ratio:
            continue
        spec = ProbeSpec(f"{regime}, float32", MANY if given or ratio else 5, dim,
                         caller.levels != "scalar", regime, 5, given=given, dtype=NARROW,
                         ratio=ratio)
        if given:
            spec = spec._replace(label=f"{spec.label}, {given[0][0]} = {given[0][1]:g}")
        with contextlib.suppress(ValueError, ZeroDivisionError, OverflowError):
            probe = new_probe(contract, spec, caller)
            if all(np.all(np.isfinite(w) & (np.abs(w) < LARGEST)) for w in probe.want) and not (
                    is_undecided(contract, probe.args)):
                yield probe


def far_points(contract, probes, by_row):
    """Points between the means of a mixture, all far from zero: many rows, many means, or both."""
    if not {"x", "means"} <= set(contract.args) or contract.form in (TABLE, STATES):
        return
    for p in probes:
        args, rng = p.args, np.random.default_rng([p.situation.seed, 47])
        K, D = args["means"].shape
        if max(K, len(args["x"])) <= MANY - 8 or "weights" not in args:
            continue
        for dtype, far in FAR.items():
            means = far + rng.integers(-2, 3, (K, D))
            x = means[rng.integers(K, size=len(args["x"]))] + 0.25 * rng.integers(
                -4, 5, args["x"].shape)
            yield probe_at(contract, p.situation._replace(
                label=f"{p.label}, far from zero in {dtype}", regime="edge", dtype=dtype),
                args | {"x": x, "means": means, "sigma": np.ones((len(x), 1)) if by_row else 1.0})
