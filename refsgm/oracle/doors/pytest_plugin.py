"""The fixtures refsgm_check and refsgm_check_training: the oracle inside one's own tests.

    def test_loss(refsgm_check):
        refsgm_check("denoising_score_matching", my_loss, framework="torch")

    def test_training_step(refsgm_check_training):
        refsgm_check_training(lambda net, x: GaussianDiffusion(net)(x), predicts="eps")

The failure is the report, with the diagnosis. `pytest --refsgm-seed N` repeats the random probes
of a report, and makes all runs the same.
"""

import pytest


def pytest_addoption(parser):
    """The seed of random probes."""
    parser.addoption("--refsgm-seed", type=int, default=None,
                     help="seed of refsgm's random probes (fresh ones if left out)")


def right_or_failed(fixture, judge, *args, **options):
    """The report of a judge; the test fails with it, or with the sentence that refuses to judge."""
    __tracebackhide__ = True
    try:
        report, refusal = judge(*args, **options), ""
    except (ValueError, ModuleNotFoundError) as error:
        report, refusal = None, f"{fixture}: {error}"
    if not report:                                # no longer inside of the error, which would show
        pytest.fail(refusal or str(report), pytrace=False)
    return report


@pytest.fixture(scope="session")
def refsgm_check(pytestconfig):
    """refsgm.check, as an assertion: the test fails with the report unless it is ok."""
    from ..check import check

    def checked(kind, fn, framework="numpy", **options):
        """Judge fn as `refsgm.check` does; returns the report."""
        __tracebackhide__ = True
        options.setdefault("seed", pytestconfig.getoption("--refsgm-seed"))
        return right_or_failed("refsgm_check", check, kind, fn, framework, **options)
    return checked


@pytest.fixture(scope="session")
def refsgm_check_training():
    """refsgm.check_training, as an assertion: the test fails with the report unless it is ok."""
    from ..training import check_training

    def checked(loss, framework="torch", **options):
        """Judge a training step as `refsgm.check_training` does; returns the report."""
        __tracebackhide__ = True
        return right_or_failed("refsgm_check_training", check_training, loss, framework, **options)
    return checked
