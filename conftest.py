"""Doctests know np."""

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def np_in_doctests(doctest_namespace):
    doctest_namespace["np"] = np
