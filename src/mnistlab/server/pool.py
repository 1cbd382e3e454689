"""Pool: keeps the reader processes alive, and holds the short queue of requests for them."""

import asyncio
import contextlib
import logging
from collections import deque
from typing import Any

from mnistlab.errors import ServerError
from mnistlab.server.frame import Frame
from mnistlab.server.metrics import Metrics
from mnistlab.server.process import ReaderDiedError, ReaderProcess
from mnistlab.server.refusal import LEFT, Refusal
from mnistlab.server.settings import Settings
from mnistlab.server.task import Task

_LOGGER = logging.getLogger(__name__)
_TRIES = 2
"""How many processes one picture may crash."""
_PATIENCE = 30.0
"""Seconds that a request waits for a reader; reached only if readers cannot be restarted."""
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
"""Seconds before the next try to start a reader that could not be started."""


class Pool:
    """Reads pictures in separate processes, so that a crash, an endless picture or a memory leak
    affects only one of them.

    Args:
        settings: how many processes, which models, how many may wait.
        metrics: where it counts readings, deaths and refusals.

    Attributes:
        task: what the models do with a picture; ``None`` until they are loaded.
        models: what is known about each, by name.
        stopping: whether the server is ending.
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.task: Task | None = None
        self.models: dict[str, Any] = {}
        self.stopping = False
        self._settings, self._metrics = settings, metrics
        self._alive: set[ReaderProcess] = set()
        self._idle: deque[ReaderProcess] = deque()
        self._waiting: deque[asyncio.Future[ReaderProcess]] = deque()
        self._keepers: list[asyncio.Task[None]] = []
        self._known = asyncio.Event()
        self._failure: ServerError | None = None

    def start(self) -> None:
        """Start the processes in the background; :meth:`loaded` waits for them."""
        self._keepers = [asyncio.create_task(self._keep()) for _ in range(self._settings.workers)]

    async def loaded(self) -> None:
        """Wait until every process has loaded its models for the first time.

        Raises:
            ServerError: one could not.
        """
        await self._known.wait()
        if self._failure:
            raise self._failure

    @property
    def ready(self) -> bool:
        """Whether pictures are read: models are loaded, a process is alive, and the server is not
        ending.
        """
        return (
            self._known.is_set() and not self._failure and bool(self._alive) and not self.stopping
        )

    def check_room(self) -> None:
        """Check that a picture could be read or queued now.

        Raises:
            Refusal: 503 if not.
        """
        if not self._known.is_set() or self._failure:
            raise Refusal(503, "the readers are still loading; try again", retry_after=1)
        if not self._idle and len(self._waiting) >= self._settings.places:
            self._metrics.refused.inc()
            raise Refusal(503, "all readers are busy; try again", retry_after=1)

    async def answer(
        self,
        picture: bytes,
        wanted: dict[str, Any],
        *,
        left: asyncio.Future[None] | None = None,
    ) -> Frame:
        """Have a picture read or classified in one of the processes.

        Args:
            picture: a file's content.
            wanted: what the process is told: the names of the ``models``, and what their task
                takes.
            left: done once the client has left; a picture still in the queue is then dropped.

        Returns:
            A frame with ``status`` and ``seconds``, and the response's JSON as its body.

        Raises:
            Refusal: 503 if the queue is full; 422 if the picture takes too long or crashes its
                processes; 499 if the client has left.
        """
        self.check_room()
        seconds = self._settings.picture_seconds
        order = Frame(wanted | {"seconds": seconds}, picture)
        for attempt in range(_TRIES):
            reader = await self._take(left, again=attempt > 0)
            try:
                answer = await reader.read(order, seconds)
            except ReaderDiedError:
                continue
            except TimeoutError:
                raise Refusal(422, f"the picture takes longer than {seconds:g} s to read") from None
            self._free(reader)
            self._metrics.reading.observe(answer.head["seconds"])
            return answer
        raise Refusal(422, "the picture cannot be read: it crashes the process that reads it")

    async def close(self) -> None:
        """End all processes."""
        self.stopping = True
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        await asyncio.gather(*(reader.end() for reader in self._alive))
        self._alive.clear()
        self._count()

    async def _take(self, left: asyncio.Future[None] | None, *, again: bool) -> ReaderProcess:
        if self._idle:
            return self._idle.popleft()
        turn: asyncio.Future[ReaderProcess] = asyncio.get_running_loop().create_future()
        # A picture whose process died goes before those that have only waited.
        (self._waiting.appendleft if again else self._waiting.append)(turn)
        self._count()

        def leave(_left: asyncio.Future[None]) -> None:
            turn.cancel()

        if left is not None:
            left.add_done_callback(leave)
        try:
            async with asyncio.timeout(_PATIENCE):
                return await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self._free(turn.result())
            if isinstance(error, TimeoutError):
                raise Refusal(503, "no reader came free; try again", retry_after=1) from None
            if left is not None and left.done():
                raise Refusal(LEFT, "the connection ended before the picture was read") from None
            raise
        finally:
            if left is not None:
                left.remove_done_callback(leave)
            with contextlib.suppress(ValueError):
                self._waiting.remove(turn)
            self._count()

    def _free(self, reader: ReaderProcess) -> None:
        """Hand a reader to the request that has waited longest."""
        if not reader.alive:
            return
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(reader)
                return
        self._idle.append(reader)

    async def _keep(self) -> None:
        """Keep one process running: start it, and start another whenever it has ended."""
        pause = 0.0
        while True:
            try:
                reader = await ReaderProcess.start(self._settings)
            except (ServerError, OSError) as error:
                self._fail(ServerError(str(error)))
                pause = min(max(2 * pause, _SHORTEST_PAUSE), _LONGEST_PAUSE)
                await asyncio.sleep(pause)
                continue
            pause = 0.0
            self._alive.add(reader)
            if not self.models:
                _warn_of_changes(reader.models)
            self.task, self.models = reader.task, reader.models
            if len(self._alive) == self._settings.workers:
                self._failure = None
                self._known.set()
            self._free(reader)
            self._count()
            await reader.ended()
            self._alive.discard(reader)
            with contextlib.suppress(ValueError):
                self._idle.remove(reader)
            self._metrics.deaths.inc()
            self._count()

    def _fail(self, error: ServerError) -> None:
        if self._failure:
            return
        if self._known.is_set():
            _LOGGER.error("a reader cannot be started again: %s", error)
        else:
            self._failure = error
            self._known.set()

    def _count(self) -> None:
        self._metrics.waiting.set(len(self._waiting))
        self._metrics.alive.set(len(self._alive))


def _warn_of_changes(models: dict[str, Any]) -> None:
    for name, known in models.items():
        if known["about"].get("changed"):
            _LOGGER.warning(
                "%s: was changed after the export, by another tool or by damage; it may answer"
                " otherwise than the model that was exported",
                name,
            )
