"""What tests share: a small piece of real MNIST, recipes that train in a moment, and pictures on
disk."""

import gc
import os
import uuid

# Before torch is imported, here or in a process that a test starts: two test workers share two
# cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# A thread that waits must not keep another test's from its core.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# Ray would give up after five seconds, which a machine full of tests may need to answer.
os.environ.setdefault("RAY_gcs_rpc_server_connect_timeout_s", "60")
# Nor would its workers, at the lowest priority, ever have their turn.
os.environ.setdefault("RAY_worker_niceness", "0")
# Hundreds of processes are started: they share what the first has compiled, as a user's do.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

from collections.abc import Iterator
from typing import Any

import pytest

from mnistlab import Dataset, Recipe, built_in, load_dataset, make_dataset
from mnistlab.data import Split
from tests.browser import chromium
from tests.data.forms import FORMS


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--torture",
        action="store_true",
        help="tests of reliability: as often as docs/reliability.md says",
    )


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Search for no garbage while thousands of tests are collected, nor among them later, and
    seldom elsewhere: modules that tests load make many objects that live on."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(100_000, 20, 20)
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    # A name alone: few tests write there, and folders for all would take a minute.
    cache = tmp_path_factory.getbasetemp() / "caches" / uuid.uuid4().hex
    monkeypatch.setenv("MNISTLAB_CACHE", str(cache))


@pytest.fixture(autouse=True)
def _batch_by_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress told after every batch, so that a run can be stopped at any."""
    monkeypatch.setattr("mnistlab.training.backend.IMAGES_PER_CALL", 1)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One browser for all pages, with a camera that shows something."""
    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def stand_in() -> Any:
    from tests import figures

    return figures.stand_in()


@pytest.fixture
def undrawn(stand_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports without the time that their figures take."""
    from tests import figures

    figures.use(stand_in, monkeypatch.setattr)


@pytest.fixture(scope="session")
def mnist() -> Dataset:
    return load_dataset("mnist")


@pytest.fixture(scope="session")
def small_mnist(mnist: Dataset) -> Dataset:
    """600 training and 200 test images."""
    train, test = (
        Split(s.images[:n], s.labels[:n]) for s, n in ((mnist.train, 600), (mnist.test, 200))
    )
    return make_dataset("small", train, test)


@pytest.fixture
def plain() -> Recipe:
    return built_in("lenet5").replace(epochs=2, batch_size=64)


@pytest.fixture
def regularised() -> Recipe:
    """Every source of randomness at once, strong enough to tell."""
    return built_in("custom_mlp").replace(epochs=3, batch_size=64, rotation=10.0)


@pytest.fixture(scope="module")
def few(tmp_path_factory, mnist):
    """A folder of IDX files with 600 training and 200 test images."""
    parts = [(s.images[:n, 0], s.labels[:n]) for s, n in ((mnist.train, 600), (mnist.test, 200))]
    return FORMS["idx.gz"](tmp_path_factory.mktemp("few"), *parts)
