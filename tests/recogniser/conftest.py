import pytest

from mnistlab.recogniser import Recogniser


@pytest.fixture(scope="session")
def reader():
    return Recogniser()
