"""The fixture refsgm_check: the oracle inside one's own tests, with the diagnosis as the failure.

    def test_loss(refsgm_check):
        refsgm_check("denoising_score_matching", my_loss, framework="torch")
"""

import pytest


@pytest.fixture(scope="session")
def refsgm_check():
    """refsgm.check, as an assertion: the test fails with the report unless it is ok."""
    from ..check import check

    def checked(kind, fn, framework="numpy", **options):
        """Judge fn as `refsgm.check` does; returns the report."""
        __tracebackhide__ = True
        try:
            report = check(kind, fn, framework, **options)
        except (ValueError, ModuleNotFoundError) as error:
            pytest.fail(f"refsgm_check: {error}", pytrace=False)
        if not report.ok:
            pytest.fail(str(report), pytrace=False)
        return report
    return checked
