"""Settings that all tests share."""

import os

# The arrays of the tests are small: a second thread would only wait, and badly on a busy machine.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pytest
from hypothesis import Phase, settings

pytest_plugins = ["pytester"]

# The same examples in every run. Hypothesis draws seeds and sizes that are small already, and a
# smaller seed explains nothing: without shrinking, a law that fails says so at once, and
# without a search for further failures.
settings.register_profile("refsgm", deadline=None, derandomize=True, max_examples=60,
                          report_multiple_bugs=False,
                          phases=[Phase.explicit, Phase.generate])
settings.load_profile("refsgm")


@pytest.fixture(autouse=True)
def np_in_doctests(doctest_namespace):
    """Doctests know np."""
    doctest_namespace["np"] = np
