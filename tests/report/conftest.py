"""One browser for all the pages that a file of tests opens."""

import pytest

from tests.browser import chromium


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running
