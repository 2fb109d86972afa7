"""Where gradients are judged: at sizes from a seed, numbers and ends, with data that coincide."""

import contextlib

import numpy as np

from ..kinds import DATA, FUNCTIONS, STATES
from ..kinds.edges import ENDS_OF_SOME, answers, edge_specs
from ..kinds.kind import LEVELS, STEPS
from ..kinds.test_functions import Field
from ..kinds.wide import FORM, GUIDED, RANDOM
from .judge import new_probe, probe_at
from .torch_ways import NO_GRAD, covering

PLACES, OF_LOOPS = 16, 3                    # random ones, half as many of forms; those of loops
EDGES = 9                                   # at most so many ends of a domain of a simple formula
AFTER = 81                                  # a seed that 3 divides: arguments come as leaves, once
LONG = 60                                   # states of a loop, above which none are asked
SINGULAR = (lambda a: 1 / a, "1 / a")         # of a score's level, at zero none
BOUNDED = {"t", "s", *(n for n in LEVELS if n.startswith("alpha_bar")), *sum(STEPS, ())}


def elsewhere(spec, seed, dim):
    """Specs of a gradient's probes with sizes that a seed gives: one row, and several."""
    rng = np.random.default_rng(seed)
    return (spec._replace(B=1, D=dim or int(rng.integers(1, 9)), rows=False, M=0, seed=seed),
            spec._replace(B=int(rng.integers(5, 12)), D=dim or int(rng.integers(9, 20)),
                          M=int(rng.integers(5)), seed=seed + 1))


def further(caller, spec, seed, dim):
    """Probes at large sizes, other levels and data, and the ends of the domain; few that are dear.
    """
    contract, rng = caller.contract, np.random.default_rng([seed, 2])
    plain = not FUNCTIONS & set(contract.args)
    levels = [n for n in contract.args if contract.is_level(n)]
    B, D = (int(rng.integers(14, 34)), int(rng.integers(17, 41))) if plain else (6, 5)
    number = spec._replace(rows=False)
    specs = [spec, number, number, *elsewhere(spec, seed, dim)]         # again, for what is kept
    specs += [spec._replace(B=B, D=dim or D, seed=seed + 2),
              spec._replace(dtype="float32")]
    if caller.defaults and not contract.sliced:
        specs += [spec._replace(without=caller.defaults, seed=seed + 3)]
    if levels and plain:
        specs += [spec._replace(regime=regime) for regime in ("tiny levels", "huge levels")]
    ones = spec._replace(rows=False, regime="edge", given=tuple((n, 1.0) for n in levels
                                                                if n not in BOUNDED))
    edges = [s._replace(B=4, dtype=spec.dtype) for s in edge_specs(contract, spec.rows, dim)
             if s.regime == "edge" and s.count < 30 and not s.ratio]
    last = [spec._replace(regime="edge", at=tuple(end.items())) for end in ENDS_OF_SOME
            if set(end) <= set(levels)]                           # rows that are at their last step
    specs += [s for s in (ones, *last) if (s.given or s.at) and answers(contract, s) == "finite"]
    specs += edges[:EDGES if plain else 2]
    if {"x", "mean"} <= set(contract.args) and "mean" not in contract.draw and plain:
        specs += [spec._replace(given=(("mean", -0.7),))]
    yield from (new_probe(contract, s, caller) for s in specs)
    yield from singular(caller, spec)
    if plain:
        yield from coinciding(contract, new_probe(contract, spec, caller))
        yield from at_numbers(contract, new_probe(contract, spec._replace(rows=False), caller))
    if caller.framework.name == "torch":
        yield from (asked_before(caller, new_probe(contract, s._replace(seed=AFTER), caller))
                    for s in dict.fromkeys((spec, number)))


def asked_before(caller, probe):
    """The probe, which was asked without gradients before: what is kept of that has no graph."""
    with NO_GRAD.entered():
        caller(probe.args, np.dtype(probe.situation.dtype))
    return probe


def of_loops(caller, spec):
    """Short loops, and those that end at no noise, where the score has no value."""
    contract = caller.contract
    one = {"n_steps": 1, "steps_per_level": 1}
    given = tuple((n, a) for n, a in one.items() if n in contract.args)
    for count in (2, 3) if "sigmas" in contract.args else (1, 2):
        short = spec._replace(count=count, given=given, seed=5)
        yield new_probe(contract, short, caller)
        given = ()
    yield from singular(caller, spec)


def of_tables(caller, spec):
    """Tables of few and of many entries."""
    return (new_probe(caller.contract, spec._replace(count=n, seed=spec.seed + n), caller)
            for n in (1, 2, 3, 30, 300))


def singular(caller, spec):
    """Where a step ends at no noise, with a score that has no value there: it is not to be asked.
    """
    contract = caller.contract
    if "method" in contract.args:
        place = spec._replace(seed=4, regime="edge")                     # sigmas that end in zero
    elif {"sigma_s", "score_fn"} <= set(contract.args):
        place = spec._replace(rows=False, regime="edge", given=(("sigma_s", 0.0),))
    else:
        return
    args = dict(new_probe(contract, place, caller).args)
    for name, f in args.items():
        if isinstance(f, Field):
            args[name] = f.astype(np.float64)
            args[name].fade = SINGULAR
    yield probe_at(contract, place, args)


def at_numbers(contract, probe):
    """Probes where a level is what another number is, such as the smallest level of a schedule."""
    args, place = probe.args, probe.situation._replace(regime="edge")
    pairs = [(n, m) for n in args for m in args if contract.is_level(n)
             and not contract.is_level(m) and isinstance(args[m], float)]
    for n, m in pairs:
        with contextlib.suppress(ValueError, ZeroDivisionError):
            made = probe_at(contract, place._replace(label=f"{n} = {m}"), args | {n: args[m]})
            if all(np.all(np.isfinite(w)) for w in made.want):
                yield made


def coinciding(contract, probe):
    """Probes where all data are the same, or zero: at a mean, without noise."""
    data = [n for n, a in probe.args.items() if n in DATA and np.ndim(a) == 2
            and not contract.is_level(n)]
    place = probe.situation._replace(regime="edge")
    if not data:
        return
    same = probe.args[data[0]]
    if "means" in probe.args:
        same = probe.args["means"][np.arange(len(same)) % len(probe.args["means"])]
    yield probe_at(contract, place, probe.args | {n: same for n in data})
    yield probe_at(contract, place, probe.args | {n: np.zeros_like(same) for n in data})


def answered(contract, probes):
    """Of the probes that were answered: all near numbers of the code, and those that differ most.

    Of a simple formula the ones of the most rows and features, and some of forms, are among them.
    """
    loop = contract.form == STATES
    if loop:
        probes = [p for p in probes if len(p.want) < LONG]
    near, at_random, forms, fixed = ([p for p in probes if p.situation.regime in regimes]
                                     for regimes in ((GUIDED,), RANDOM, (FORM,), ("plain",)))
    n = OF_LOOPS if loop else PLACES
    chosen = [p for size in ("B", "D") for p in sorted(
        at_random, key=lambda p: -getattr(p.situation, size))[:n // 6]]
    chosen = list({id(p): p for p in (*chosen, *covering(
        contract, [*at_random, *fixed], n))}.values())[:n]
    yield from (*near[:OF_LOOPS if loop else None], *chosen)
    yield from covering(contract, forms, 0 if loop else PLACES // 2)
