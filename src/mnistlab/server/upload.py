"""Uploads: request bodies while they arrive, and the memory that they take together."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Request
from starlette.requests import ClientDisconnect

from mnistlab.server.refusal import LEFT, Refusal
from mnistlab.server.settings import Settings

_BODIES_HELD = 16
"""How many bodies of the largest size fit into the memory for uploads."""
_AS_IT_IS = "send the picture's file as it is: curl --data-binary @digits.jpg"
_LAST_SECONDS = 2.0
"""For bodies that are arriving when the server starts to shut down."""


class _Upload:
    """A body that is arriving.

    Attributes:
        content: the part that has arrived.
        due: when more must have arrived, by the event loop's clock; the slower the client, the
            earlier.
        last: when all of it must have arrived.
        refusal: why it was given up.
        whole: whether all of it has arrived.
    """

    def __init__(self, due: float, last: float) -> None:
        self.content = bytearray()
        self.due, self.last = due, last
        self.refusal: Refusal | None = None
        self.whole = False
        self.timeout = asyncio.timeout_at(min(due, last))

    def give_up(self, refusal: Refusal) -> None:
        self.refusal = refusal
        self.last = 0.0
        self.reschedule()

    def reschedule(self) -> None:
        if not self.timeout.expired():
            self.timeout.reschedule(min(self.due, self.last))


class Uploads:
    """Receives bodies. Each has a maximum size and time and a minimum rate; all together have a
    limit of memory.

    The minimum rate is a leaky bucket: data that arrives gains time, up to ``stall_seconds``. When
    memory is short the slowest upload is dropped, so that a client that stalls keeps nobody out.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._open: set[_Upload] = set()
        self._held = 0
        self._ending = False

    @asynccontextmanager
    async def receive(self, request: Request) -> AsyncIterator[bytes]:
        """Wait for a request's body; its memory counts until the block ends.

        Raises:
            Refusal: 413 too large, 408 too slow, 400 empty, a form or text, 499 the client left,
                503 no memory or the server ends.
        """
        declared = request.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self._settings.max_body:
            raise self._too_large()
        now = asyncio.get_running_loop().time()
        seconds = (
            min(self._settings.body_seconds, _LAST_SECONDS)
            if self._ending
            else self._settings.body_seconds
        )
        upload = _Upload(now + self._settings.stall_seconds, now + seconds)
        size = 0
        self._open.add(upload)
        try:
            await self._collect(request, upload)
            body, size = bytes(upload.content), len(upload.content)
            upload.content.clear()
            if not body:
                raise Refusal(400, "the body is empty: send a picture's file as the body")
            if body.startswith(b"--") and request.headers.get("content-type", "").startswith(
                "multipart/"
            ):
                raise Refusal(400, f"this is a form; {_AS_IT_IS}")
            # No picture's file lacks all three; curl --data removes them.
            if "urlencoded" in request.headers.get("content-type", "") and not any(
                byte in body for byte in b"\0\r\n"
            ):
                raise Refusal(400, f"this is text, or lost its line ends; {_AS_IT_IS}")
            yield body
        finally:
            self._open.discard(upload)
            self._held -= size + len(upload.content)

    def end(self) -> None:
        """Give the bodies that are arriving, and those still to come, a few more seconds."""
        self._ending = True
        now = asyncio.get_running_loop().time()
        for upload in self._open:
            if not upload.whole:
                upload.last = min(upload.last, now + _LAST_SECONDS)
                upload.reschedule()

    async def _collect(self, request: Request, upload: _Upload) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with upload.timeout:
                async for part in request.stream():
                    if part:
                        self._take(part, upload, loop.time())
        except TimeoutError:
            upload.refusal = upload.refusal or self._too_slow(upload)
        except ClientDisconnect:
            raise Refusal(LEFT, "the connection ended before the body did") from None
        if upload.refusal:
            raise upload.refusal
        upload.whole = True

    def _take(self, part: bytes, upload: _Upload, now: float) -> None:
        if len(upload.content) + len(part) > self._settings.max_body:
            raise self._too_large()
        self._make_room(len(part), upload)
        self._held += len(part)
        upload.content += part
        gained = len(part) / self._settings.min_rate
        upload.due = min(upload.due + gained, now + self._settings.stall_seconds)
        upload.reschedule()

    def _make_room(self, size: int, upload: _Upload) -> None:
        while self._held + size > _BODIES_HELD * self._settings.max_body:
            others = [one for one in self._open if one.content and not one.whole]
            slowest = min([upload, *others], key=lambda one: one.due)
            refusal = Refusal(
                503, "too many pictures are on their way, and this one is the slowest; try again", 1
            )
            if slowest is upload:
                raise refusal
            self._held -= len(slowest.content)
            slowest.content.clear()
            slowest.give_up(refusal)

    def _too_slow(self, upload: _Upload) -> Refusal:
        if self._ending:
            return Refusal(503, "the server is ending; try again", retry_after=1)
        least, stall = self._settings.min_rate, self._settings.stall_seconds
        if upload.due <= upload.last:
            return Refusal(
                408,
                f"the body came too slowly: fewer than {least:,} bytes a second for {stall:g} s",
            )
        return Refusal(408, f"the body took longer than {self._settings.body_seconds:g} s")

    def _too_large(self) -> Refusal:
        return Refusal(
            413,
            f"the picture's file is larger than {self._settings.max_body:,} bytes; make it smaller",
        )


@asynccontextmanager
async def departure(request: Request) -> AsyncIterator[asyncio.Future[None]]:
    """Yield a future that is done once the client has left; its body must have arrived."""
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
