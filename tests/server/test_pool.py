"""The pool by itself, with readers that fail on demand."""

import asyncio

import pytest

pytest.importorskip("fastapi")

from mnistlab.errors import ServerError
from mnistlab.server.frame import Frame
from mnistlab.server.metrics import Metrics
from mnistlab.server.pool import Pool
from mnistlab.server.process import ReaderDiedError, ReaderProcess
from mnistlab.server.refusal import Refusal
from mnistlab.server.settings import Settings
from tests.browser import run_async


class Mortal:
    """Dies of any picture that says so."""

    def __init__(self):
        self.models, self.task = {"reader": {"about": {}}}, "read"
        self._end = asyncio.Event()
        self.alive = True

    async def read(self, order, seconds):
        await asyncio.sleep(0)
        if order.body == b"deadly":
            self.alive = False
            self._end.set()
            raise ReaderDiedError
        return Frame({"status": 200, "seconds": 0.01}, order.body)

    async def ended(self):
        await self._end.wait()

    async def end(self):
        self._end.set()


@pytest.fixture
def run(monkeypatch):
    started = []

    async def start(settings):
        started.append(Mortal())
        return started[-1]

    monkeypatch.setattr(ReaderProcess, "start", start)

    def run(story, **settings):
        async def live():
            pool = Pool(Settings(models=("reader",), **settings), Metrics())
            pool.start()
            await pool.loaded()
            try:
                await story(pool, started)
            finally:
                await pool.close()

        run_async(live())

    return run


def test_a_picture_that_kills_twice_is_refused_and_others_are_read(run):
    async def story(pool, started):
        with pytest.raises(Refusal, match="crashes the process") as refused:
            await pool.answer(b"deadly", {"models": ["reader"]})
        assert refused.value.status == 422
        assert (await pool.answer(b"good", {"models": ["reader"]})).body == b"good"
        assert len(started) == 3

    run(story, workers=1)


def test_with_no_queue_one_is_read_a_worker_and_the_rest_refused(run):
    async def story(pool, started):
        readings = (pool.answer(b"good", {"models": ["reader"]}) for _ in range(5))
        results = await asyncio.gather(*readings, return_exceptions=True)
        assert [isinstance(result, Refusal) for result in results] == [
            False,
            False,
            True,
            True,
            True,
        ]

    run(story, workers=2, queue=0)


def test_those_who_wait_are_served_in_their_order(run):
    async def story(pool, started):
        order = []

        async def read(name):
            await pool.answer(name, {"models": ["reader"]})
            order.append(name)

        names = [b"1", b"2", b"3", b"4"]
        await asyncio.gather(*map(read, names))
        assert order == names

    run(story, workers=1, queue=9)


def test_who_gives_up_waiting_leaves_no_trace(run):
    async def story(pool, started):
        first = asyncio.create_task(pool.answer(b"good", {"models": ["reader"]}))
        second = asyncio.create_task(pool.answer(b"good", {"models": ["reader"]}))
        await asyncio.sleep(0)
        second.cancel()
        assert (await first).body == b"good"
        assert (await pool.answer(b"after", {"models": ["reader"]})).body == b"after"

    run(story, workers=1, queue=1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"models": ()}, "no model"),
        ({"models": ("a/x.onnx", "b/x.onnx")}, "two models are called x"),
        ({"workers": 0}, "workers is 0"),
        ({"queue": -1}, "queue is -1"),
        ({"threshold": 1.5}, "threshold: must be a probability, from 0 to 1; found 1.5"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ServerError, match=message):
        Settings(**settings)


def test_a_process_has_ended_once_its_end_is_cancelled():
    """asyncio would warn of it, once its loop is closed, on the server's standard error."""

    async def story():
        reader = await ReaderProcess.start(Settings(models=("reader",)))
        ending = asyncio.create_task(reader.end())
        await asyncio.sleep(0)
        ending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await ending
        return reader.alive

    assert not run_async(story())
