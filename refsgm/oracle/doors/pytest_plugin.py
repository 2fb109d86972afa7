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


@pytest.fixture(scope="session")
def refsgm_check(pytestconfig):
    """refsgm.check, as an assertion: the test fails with the report unless it is ok."""
    from ..check import check

    def checked(kind, fn, framework="numpy", **options):
        """Judge fn as `refsgm.check` does; returns the report."""
        __tracebackhide__ = True
        options.setdefault("seed", pytestconfig.getoption("--refsgm-seed"))
        try:
            report = check(kind, fn, framework, **options)
        except (ValueError, ModuleNotFoundError) as error:
            pytest.fail(f"refsgm_check: {error}", pytrace=False)
        if not report.ok:
            pytest.fail(str(report), pytrace=False)
        return report
    return checked


@pytest.fixture(scope="session")
def refsgm_check_training():
    """refsgm.check_training, as an assertion: the test fails with the report unless it is ok."""
    from ..training import check_training

    def checked(loss, framework="torch", **options):
        """Judge a training step as `refsgm.check_training` does; returns the report."""
        __tracebackhide__ = True
        try:
            report = check_training(loss, framework, **options)
        except (ValueError, ModuleNotFoundError) as error:
            pytest.fail(f"refsgm_check_training: {error}", pytrace=False)
        if not report.ok:
            pytest.fail(str(report), pytrace=False)
        return report
    return checked
