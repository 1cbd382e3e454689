"""Exports that share what they need to know."""

import pytest

from tests.exporting.operators import remember_operators


@pytest.fixture(scope="session", autouse=True)
def _operators():
    remember_operators()
