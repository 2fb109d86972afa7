"""`check_training`: run a training step, measure it, and judge what was found."""

import time as clock
from functools import partial
from importlib import import_module

import numpy as np

from ..calls.trial import OutOfTime, limited
from ..options import check_callable, is_positive, is_shape, is_word
from . import paths, times, weighting
from .fitting import separated
from .judge import judged
from .measure import SEEDS, SEEDS_BY_BISECTION, Step, measured, one_seed
from .record import Raised, Unreadable
from .report import Stop, Training
from ...arguments import check_integer
from ...arrays import in_one_line

FRAMEWORKS = ("torch", "jax", "numpy", "autograd")
PREDICTS = ("eps", "x0", "v", "velocity", "score", "energy")


def check_training(loss, framework="torch", *, shape=(3, 4, 4), batch=16, path=None, predicts=None,
                   weight=None, time=None, alpha_bar=None, wrap=None, seed=0, seconds=60.0):
    """What a training step trains a network to do, and whether that is right: a `Training`.

    loss       function (net, x) -> loss, the code as it is: it draws its own levels and noise and
               calls net as it likes. The loss is a number, (B,), one number per entry, a tuple or
               a dict that has it, or None after loss.backward(). A third argument that must be
               given gets a random generator of the framework (a key, for JAX)
    framework  "torch", "jax", "numpy" or "autograd"
    shape      shape of one sample; batch samples are passed, between 0.1 and 0.9
    path, predicts, weight, time
               what the code is said to do, each of them optional; whatever contradicts it is wrong.
               path "vp", "ve", "flow" or "subvp"; predicts "eps", "x0", "v", "velocity", "score" or
               "energy" (net is the gradient of an energy); weight "1", "sigma^2", "snr",
               "min-snr", "edm" or "likelihood", or a function (scale, sigma) -> weight up to a
               factor; time "sigma", "log sigma / 4", "log sigma", "t" or "index"
    alpha_bar  the table that the integer time of the network is an index of
    wrap       function of the network's output -> what the code expects net to return; usual
               wrappings are found without
    seconds    time limit of the whole check
    The report is ok if everything was judged and nothing is wrong: a step that cannot be judged
    ("not judged") is not ok either; `.verdict` tells the three apart.
    Raises ValueError for an option that does not exist, and ModuleNotFoundError for a framework
        that is not installed.

    >>> import numpy as np
    >>> def loss(net, x):
    ...     eps, t = np.random.randn(*x.shape), np.random.rand(len(x), 1)
    ...     return np.mean((net((1 - t) * x + t * eps, t) - (eps - x))**2)
    >>> report = check_training(loss, "numpy", shape=(3,))
    >>> report.ok, report.facts["predicts"]
    (True, 'the velocity eps - x_0')
    """
    options(framework, shape, batch, path, predicts, weight, time)
    check_callable(loss=loss)
    if wrap is not None:
        check_callable(wrap=wrap)
    check_integer("seed", seed, 0)
    if seed > SEED_MOST:
        raise ValueError(f"seed must be at most {SEED_MOST}, got {in_one_line(seed)}")
    seed = int(seed)
    if not is_positive(seconds):
        raise ValueError(f"seconds must be a positive number, got {in_one_line(seconds)}")
    report = Training(framework)
    begun = clock.monotonic()
    try:
        with limited(seconds):
            step = prepared(loss, framework, (int(batch), *shape), wrap, seed, report)
            seeds = [seed + 7 * k for k in range(SEEDS)]
            draws, columns = measured(step, seeds[0])
            for other in seeds[1:SEEDS if step.robust is None else SEEDS_BY_BISECTION]:
                if clock.monotonic() - begun < 0.4 * seconds:
                    columns += one_seed(step, other, draws)
            rows = separated(step, draws, columns)
            judged(rows, step, report, path=path, predicts=predicts, weight=weight, time=time,
                   alpha_bar=alpha_bar)
    except Stop:
        pass
    except Raised as error:
        report.unjudged.append(str(error) if isinstance(error, Unreadable) else
                               f"the code raises {error}")
    except OutOfTime:
        report.unjudged.append(f"it takes more than {seconds:g} s; a larger `seconds` allows more")
    return report


SEED_MOST = 2**31                                          # which every library takes


def options(framework, shape, batch, path, predicts, weight, time):
    """One sentence for each option that does not exist."""
    for name, value, values in (("framework", framework, FRAMEWORKS),
                                ("path", path, (None, *paths.SAID)),
                                ("predicts", predicts, (None, *PREDICTS)),
                                ("time", time, (None, *times.SAID))):
        if not is_word(value, values):
            raise ValueError(f"{name} must be one of {', '.join(v for v in values if v)}, "
                             f"got {in_one_line(value)}")
    if not callable(weight) and not is_word(weight, (None, *weighting.SAID)):
        raise ValueError(f"weight must be one of {', '.join(weighting.SAID)} or a function "
                         f"(scale, sigma) -> weight, got {in_one_line(weight)}")
    if not is_shape([batch]) or batch < 4:
        raise ValueError("batch must be 4 or more, so that rows can be told apart, "
                         f"got {in_one_line(batch)}")
    if not is_shape(shape):
        raise ValueError("shape must be that of one sample, such as (3, 4, 4), "
                         f"got {in_one_line(shape)}")


def prepared(loss, framework, shape, wrap, seed, report):
    """The `Step` in the first way of answering that the code understands."""
    module = import_module(f".{'numpy' if framework == 'autograd' else framework}_run", __package__)
    x = np.random.default_rng(99).uniform(0.1, 0.9, shape)
    kept, first = {}, None
    for way in ([("given", lambda out, kwargs: wrap(out))] if wrap else module.WRAPS):
        for single in module.PRECISIONS:
            run = partial(module.run, loss, wrap=way, single=single, kept=kept)
            run = live(run)
            try:
                result = first_runs(run, x, seed, report)
            except Raised as error:
                first = first or error
                continue
            if result == "one row":                # the code takes output[0], of a tuple
                continue
            report.notes += [f"it was run in {'float32' if single else 'float64'}"] if (
                single and module.PRECISIONS[0] is False) else []
            if way[0] == "energy":
                report.notes.append("the loss differentiates the network in its input: the network "
                                    "is a log density, or an energy, and its gradient is judged")
            return Step(run, x, report, single, result)
    if first is not None:
        raise first
    report.stop("the loss sees the first row of the network's output alone")


def live(run):
    """Runs whose calls are those that the loss reaches through the graph, if there are any."""
    def filtered(x, outs, seed, shifts):
        result = run(x, outs, seed, shifts)
        calls = [result.calls[i] for i in reached(result)]
        return result._replace(calls=calls or result.calls)
    filtered.raw = run
    return filtered


def reached(result):
    """Numbers of the calls whose output the loss depends on through the graph."""
    return [i for i, call in enumerate(result.calls)
            if call.gradient is not None and np.any(call.gradient != 0)]


def first_runs(run, x, seed, report):
    """Look at the loss for the first time: does it repeat, does it reach the network?"""
    E = 0.7 + 0 * x                                         # calls get different outputs
    zero, one, again = (run.raw(x, lambda k, o=o: o * (1 + 0.3 * k), seed, {})
                        for o in (0 * x, E, E))
    if one.mutated:
        report.wrong("mutates-input", "the loss changes the data that it is given, in place")
    if not one.calls:
        report.wrong("argument-ignored", "the loss never calls the network")
        raise Stop
    if not np.isfinite([zero.value, one.value]).all():
        report.wrong("not-finite", "the loss is not finite")
        raise Stop
    same = abs(again.value - one.value) <= 1e-5 * (abs(one.value) + 1e-9)
    if not same:
        report.stop("the same seed gives another loss: it draws from a source that is not read, or "
                    "keeps a state from call to call")
    found = reached(one)
    if not found:
        if abs(zero.value - one.value) > 1e-9 * (abs(one.value) + 1e-9):
            report.wrong("detached-gradient", "the loss depends on the network's output and its "
                         "gradient does not reach it: the output is detached, so nothing is learnt")
        else:
            report.wrong("argument-ignored", "the loss does not depend on what the network returns")
        raise Stop
    first = one.calls[found[0]].gradient
    active = np.any(first != 0, axis=tuple(range(1, x.ndim)))
    if len(found) == 1 and active[0] and not active[1:].any():
        return "one row"
    if len(one.calls) > 1:
        other = run.raw(x, lambda k: E * (1 + 0.3 * k) if k == found[0] else 2 * E, seed, {})
        moved = other.calls[found[0]].gradient if len(other.calls) > found[0] else None
        if moved is None or np.abs(moved - first).max() > 1e-5 * np.abs(first).max():
            report.stop("one output of the network is compared with another (a consistency or "
                        "distillation loss), so its target is no function of data and noise")
    if len(found) > 1:
        report.notes.append(f"the loss uses {len(found)} calls of the network; the first is judged")
    return one.rows
