"""Linger: what becomes of a body that nobody reads.

A server that closes a connection on which more is arriving has the client's system drop the answer
too. So a little more is let in before the end (nginx calls it ``lingering_close``).
"""

import asyncio
import contextlib
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SURPLUS, _SECONDS, _LAST_SECONDS = 2**24, 5.0, 1.0
"""Bytes, and time, of a refused body that are still let in, so that a client gets to know that only
reads once it has sent; and time to read the answer for one that sends still more, or while the
server ends."""


class Linger:
    """Middleware: closes the connection after an answer that came before its request's body was
    there.

    Args:
        app: the application.
        ending: says whether the server is ending.
    """

    def __init__(self, app: ASGIApp, ending: Callable[[], bool]) -> None:
        self._app, self._ending = app, ending

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        coming = (
            "transfer-encoding" in headers or headers.get("content-length", "0").strip("0") != ""
        )

        async def take() -> Message:
            nonlocal coming
            message = await receive()
            coming = coming and message.get("more_body", False)
            return message

        async def give(message: Message) -> None:
            if coming and message["type"] == "http.response.start":
                # Who waits to be told to go on with the body is not; most bodies are short, and
                # here with their heads.
                if "expect" not in headers:
                    await _at_once(take)
                if coming:
                    MutableHeaders(scope=message)["Connection"] = "close"
            if (
                coming
                and message["type"] == "http.response.body"
                and not message.get("more_body", False)
            ):
                await send({**message, "more_body": True})
                await self._drain(take)
                message = {"type": "http.response.body", "body": b"", "more_body": False}
            await send(message)

        await self._app(scope, take, give)

    async def _drain(self, take: Receive) -> None:
        surplus, more = _SURPLUS, True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_SECONDS if self._ending() else _SECONDS):
                while more and surplus >= 0:
                    message = await take()
                    more = message.get("more_body", False)
                    surplus -= len(message.get("body", b""))
                if more:
                    await asyncio.sleep(_LAST_SECONDS)


async def _at_once(take: Receive) -> None:
    """Take a message if it is there."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0):
            await take()
