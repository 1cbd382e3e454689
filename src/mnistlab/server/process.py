"""ReaderProcess: the server's handle on one reader process."""

import asyncio
import contextlib
import logging
import os
import sys
from typing import Any

from mnistlab.errors import ServerError
from mnistlab.server.frame import Frame, receive_frame
from mnistlab.server.settings import Settings
from mnistlab.server.task import Task

_LOADING, _ENDING = 60.0, 2.0
"""Seconds for each."""
_SINGLE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


_LOGGER = logging.getLogger(__name__)
_LONGEST = 4000
"""Characters of what a process says, in one line of the log."""


class ReaderDiedError(Exception):
    """The process ended before it answered."""


class ReaderProcess:
    """A process that reads one picture at a time; :meth:`start` makes one."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        if process.stdin is None or process.stdout is None:
            raise TypeError("both pipes are needed")
        self._process, self._orders, self._answers = process, process.stdin, process.stdout
        self._logging = asyncio.ensure_future(_log(process.stderr)) if process.stderr else None
        self.task: Task | None = None
        self.models: dict[str, Any] = {}

    @classmethod
    async def start(cls, settings: Settings) -> "ReaderProcess":
        """Start a process and wait until its models are loaded; ``models`` has what is known
        about each, by name, ``task`` what they do.

        Raises:
            ServerError: a model cannot be loaded, or the process ended meanwhile.
        """
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "mnistlab.server.reader"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=os.environ | _SINGLE,
            start_new_session=True,
        )
        reader = cls(process)
        told = {
            "names": settings.names,
            "models": settings.models,
            "threshold": settings.threshold,
            "max_pixels": settings.max_pixels,
        }
        try:
            answer = await reader._exchange(Frame(told), _LOADING)
        except (ReaderDiedError, TimeoutError) as error:
            await reader.end()
            raise ServerError("a reader process ended while loading the models") from error
        except BaseException:
            reader.kill()
            await reader.ended()
            raise
        if "failed" in answer.head:
            await reader.end()
            raise ServerError(answer.head["failed"])
        reader.task, reader.models = answer.head["task"], answer.head["models"]
        return reader

    @property
    def id(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return self._process.returncode is None

    async def read(self, order: Frame, seconds: float) -> Frame:
        """Read a picture; a process that does not answer in time, or whose caller leaves, is
        killed.

        Raises:
            ReaderDiedError: the process ended.
            TimeoutError: it took too long.
        """
        try:
            return await self._exchange(order, seconds)
        except BaseException:
            self.kill()
            raise

    async def _exchange(self, order: Frame, seconds: float) -> Frame:
        try:
            async with asyncio.timeout(seconds):
                self._orders.write(order.pack())
                await self._orders.drain()
                return await receive_frame(self._answers)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise ReaderDiedError from error

    def kill(self) -> None:
        """End it at once."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def ended(self) -> None:
        """Wait until it has ended."""
        await self._process.wait()

    async def end(self) -> None:
        """Ask it to end, and wait until it has, even if the caller is cancelled: asyncio warns of
        a process that outlives its event loop.
        """
        self._orders.close()
        try:
            async with asyncio.timeout(_ENDING):
                await self.ended()
        except TimeoutError:
            pass
        finally:
            self.kill()
            await self.ended()


async def _log(errors: asyncio.StreamReader) -> None:
    """Log what the process, or a library in it, writes to its standard error: exceptions, mostly,
    which belong together.
    """
    while part := await errors.read(_LONGEST):
        text = " | ".join(part.decode(errors="backslashreplace").split("\n")).strip(" |")
        if text:
            fields = {"said": text}
            _LOGGER.warning(
                "a reader process said: %(said)s",
                fields,
                extra={"event": "reader", "fields": fields},
            )
