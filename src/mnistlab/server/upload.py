"""Uploads: request bodies on their way in, and the memory that they hold together."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Request
from starlette.requests import ClientDisconnect

from mnistlab.server.refusal import Refusal
from mnistlab.server.settings import Settings

_BODIES_HELD = 16
"""Bodies of the greatest size that memory is given for."""
_OPEN = 512
"""Uploads at a time."""


class Uploads:
    """Receives bodies under a limit of size and one of time each, and a limit of memory for all."""

    def __init__(self, settings: Settings) -> None:
        self._largest, self._seconds = settings.max_body, settings.body_seconds
        self._open = self._held = 0

    @asynccontextmanager
    async def receive(self, request: Request) -> AsyncIterator[bytes]:
        """Wait for a request's body; what it holds counts until the block ends.

        Raises:
            Refusal: 413 too large, 408 too slow, 400 empty, broken off or a form, 503 too many at a time.
        """
        declared = request.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self._largest:
            raise self._too_large()
        if self._open >= _OPEN:
            raise _crowded()
        self._open += 1
        parts: list[bytes] = []
        try:
            await self._collect(request, parts)
            body = b"".join(parts)
            if not body:
                raise Refusal(400, "the body is empty: send a picture's file as the body")
            if body.startswith(b"--") and request.headers.get("content-type", "").startswith("multipart/"):
                raise Refusal(400, "this is a form; send the picture's file itself: curl --data-binary @digits.jpg")
            yield body
        finally:
            self._open -= 1
            self._held -= sum(map(len, parts))

    async def _collect(self, request: Request, parts: list[bytes]) -> None:
        size = 0
        try:
            async with asyncio.timeout(self._seconds):
                async for part in request.stream():
                    size += len(part)
                    if size > self._largest:
                        raise self._too_large()
                    if self._held + len(part) > _BODIES_HELD * self._largest:
                        raise _crowded()
                    self._held += len(part)
                    parts.append(part)
        except TimeoutError:
            raise Refusal(408, f"the body took longer than {self._seconds:g} s") from None
        except ClientDisconnect:
            raise Refusal(400, "the connection ended before the body did") from None

    def _too_large(self) -> Refusal:
        return Refusal(413, f"the picture's file is larger than {self._largest:,} bytes; make it smaller")


@asynccontextmanager
async def departure(request: Request) -> AsyncIterator[asyncio.Future[None]]:
    """Yield what is done once a client whose body is there has left."""
    leaving = asyncio.create_task(_until_left(request))
    try:
        yield leaving
    finally:
        leaving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await leaving


async def _until_left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _crowded() -> Refusal:
    return Refusal(503, "too many pictures are on their way; try again", retry_after=1)
