"""Settings that all tests share."""

import gc
import os
import signal
from functools import cache
from importlib import import_module
from importlib.util import find_spec

# The arrays of the tests are small: a second thread would only wait, and badly on a busy machine.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
import threadpoolctl
from hypothesis import Phase, settings

threadpoolctl.threadpool_limits(1)     # where a plugin of another package had imported NumPy before

pytest_plugins = ["pytester"]

gc.disable()                           # until all tests are collected: they live to the end

# What runs in the background ignores both, and so would every program that a test starts and ends.
for name, handler in (("SIGINT", signal.default_int_handler), ("SIGHUP", lambda *_: None)):
    if signal.getsignal(getattr(signal, name, signal.SIGTERM)) is signal.SIG_IGN:
        signal.signal(getattr(signal, name), handler)

# Modules whose examples need a framework are not read where it is not installed.
NEEDS = {"torch": "refsgm/oracle/training/torch_run.py",
         "jax": "refsgm/oracle/training/jax_run.py"}
collect_ignore = [path for name, path in NEEDS.items() if find_spec(name) is None]


def pytest_ignore_collect(collection_path):
    """A module without tests and examples is imported where it is used, and not to look for any."""
    kind, name = collection_path.suffix, collection_path.name
    if kind == ".py" and not name.startswith(("test_", "__init__", "conftest")):
        return True if ">>>" not in collection_path.read_text(encoding="utf-8") else None
    return None


EVERY = 12                             # which of the probes that a seed draws are asked
# {module of `calls`: {number of it: in tests}}, of what else is asked
FEWER = {"torch_ways": {"WITHOUT": 4, "INFERENCE": 1, "DRAWN": 6, "MIXED": 2, "NUMBERS": 1,
                        "ENDS": 1, "SINGLE": 2, "SEEDS": 1, "ROWS": 2},
         "torch_dtypes": {"MIXTURES": 4}, "gradient_places": {"PLACES": 2},
         "search": {"CALLS": 6}, "sharp": {"RANGES": 0}, "bulk": {"MOST": 4}, "again": {"MOST": 0},
         "hunt": {"STARTS": 4, "CALLS": 20, "OF_LOOPS": 8, "WITHOUT": 0}, "before": {"MOST": 0}}
WHOLE = {}                             # the same as they were

# The same examples in every run. Hypothesis draws seeds and sizes that are small already, and a
# smaller seed explains nothing: without shrinking, a law that fails says so at once, and
# without a search for further failures.
settings.register_profile("refsgm", deadline=None, derandomize=True, max_examples=60,
                          report_multiple_bugs=False,
                          phases=[Phase.explicit, Phase.generate])
settings.load_profile("refsgm")


# The longest files, which are taken first: one that began last would be waited for.
LONG = ("test_site", "test_frameworks", "test_museum", "test_vectors", "test_examples",
        "test_accuracy", "test_check_training", "test_command", "test_distributions",
        "test_scorecard", "test_device", "test_certificates", "test_book", "test_packages")


# Files of tests/oracle that ask the same questions of the same kinds: in one process, which has
# answered them once.
SAME_QUESTIONS = {f"tests/oracle/test_{name}.py" for name in ("frameworks", "museum", "vectors")}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """One more than processors: each waits for a browser and for other processes now and then."""
    return len(os.sched_getaffinity(0)) + 1 if hasattr(os, "sched_getaffinity") else None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """File by file, and those of SAME_QUESTIONS as if they were one."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling
    scheduler = LoadFileScheduling(config, log)

    def file_of(nodeid, split=scheduler._split_scope):
        return "the same questions" if split(nodeid) in SAME_QUESTIONS else split(nodeid)
    scheduler._split_scope = file_of
    return scheduler


def pytest_collection_modifyitems(items):
    """In the order of LONG; the others as they are."""
    place = {name: i for i, name in enumerate(LONG)}
    items.sort(key=lambda item: place.get(item.path.stem, len(LONG)))


def pytest_collection_finish():
    """The garbage collector never looks at what was made so far: it would at each full turn."""
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True, scope="session")
def one_seed_of_random_probes():
    """A test gives the same every time, from every twelfth of the probes that a seed draws, without
    calls in a row; all are asked by `ledgers.blind_spots`, and by tests that use `all_probes`.

    All that the kinds are asked under that seed is kept, so that it is drawn and answered once.
    """
    check, judge = (import_module(f"refsgm.oracle.{name}") for name in ("check", "calls.judge"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(check, "fresh_seed", lambda: 1)
        for name, numbers in FEWER.items():
            module = import_module(f"refsgm.oracle.calls.{name}")
            for number, few in numbers.items():
                WHOLE[module, number] = getattr(module, number)
                patch.setattr(module, number, few)
        for remembered in ("remembered_question", "remembered_random_question"):
            patch.setattr(judge, remembered, cache(judge.question_of))
        for user, name, module in drawn_by_a_seed():
            patch.setattr(user, name, some_of(getattr(module, name), module))
        yield


def drawn_by_a_seed():
    """(module that asks, name, module) of the functions that draw specs of probes."""
    further, at_random, form_specs = (import_module(f"refsgm.oracle.{name}") for name in (
        "further", "kinds.at_random", "kinds.form_specs"))
    return (further, "random_specs", at_random), (form_specs, "drawn_specs", form_specs)


def some_of(specs, module):
    """The same function, which draws every twelfth alone, and none twice."""
    inside = module.inside

    def every_twelfth(kind, seed, *given):
        i = seed[1] if isinstance(seed, list) else given[0]
        return inside(kind, seed, *given) if i % EVERY == 0 else None

    @cache
    def drawn(*given):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "inside", every_twelfth)
            return specs.__wrapped__(*given)
    drawn.whole = cache(specs.__wrapped__)
    return drawn


@pytest.fixture
def all_probes(monkeypatch):
    """In a test that uses this, a check asks all probes that its seed draws."""
    for user, name, _ in drawn_by_a_seed():
        monkeypatch.setattr(user, name, getattr(user, name).whole)
    for (module, number), whole in WHOLE.items():
        monkeypatch.setattr(module, number, whole)


@pytest.fixture(autouse=True)
def np_in_doctests(doctest_namespace):
    """Doctests know np."""
    doctest_namespace["np"] = np
