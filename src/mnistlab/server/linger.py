"""Lingering close: what happens to a request's body that is not read.

If a server closes a connection while data still arrives, the client's system discards the answer as
well. So a limited amount is read before closing (nginx's ``lingering_close``).
"""

import asyncio
import contextlib
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SURPLUS, _SECONDS, _LAST_SECONDS = 2**24, 5.0, 1.0
"""Bytes and seconds for which a refused body is still read, since some clients only read the answer
once they have sent everything; and seconds to read the answer for a client that sends more than
that, or while the server is ending."""


class Linger:
    """Middleware: closes the connection after an answer that is sent before the request's body was
    read.

    Args:
        app: the application.
        ending: returns whether the server is ending.
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
                # Most bodies are short and arrive with their headers. A client that expects
                # "100 Continue" has not sent its body.
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
    """Receive a message if one is there already."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0):
            await take()
