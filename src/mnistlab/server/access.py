"""Access: a line of the log for every request, and the count of them."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mnistlab.server.metrics import Metrics
from mnistlab.server.refusal import LEFT

_LOGGER = logging.getLogger(__name__)
_LONGEST = 500
"""Characters of a path."""


@dataclass
class Tally:
    """Requests of which the server was asked.

    Attributes:
        open: without an answer yet.
        answered: with their answer sent.
        cut: broken off, or turned away because the server ended.
    """

    open: int = 0
    answered: int = 0
    cut: int = 0


class Access:
    """Middleware: tells of every request, and counts it.

    Args:
        app: the application.
        metrics: counts answers by status.
        tally: counts requests.
        ending: says whether the server is ending.
    """

    def __init__(
        self, app: ASGIApp, metrics: Metrics, tally: Tally, ending: Callable[[], bool]
    ) -> None:
        self._app, self._metrics, self._tally, self._ending = app, metrics, tally, ending

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status, size, told = time.perf_counter(), 0, 0, False
        self._tally.open += 1

        def tell() -> None:
            nonlocal told
            told = True
            _tell(scope, status, size, 1000 * (time.perf_counter() - began))

        async def count(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                self._metrics.requests.labels(status).inc()
            size += len(message.get("body", b""))
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                tell()
            await send(message)

        try:
            await self._app(scope, receive, count)
        finally:
            self._tally.open -= 1
            if not told or (self._ending() and status == 503):
                self._tally.cut += 1
            elif status != LEFT:
                self._tally.answered += 1
            if not told:
                tell()


def _tell(scope: Scope, status: int, size: int, milliseconds: float) -> None:
    query = scope["query_string"].decode("latin-1")
    path = scope.get("raw_path", b"").decode("latin-1") + ("?" if query else "") + query
    fields = {
        "client": scope["client"][0] if scope.get("client") else "-",
        "method": scope["method"],
        "path": path if len(path) <= _LONGEST else f"{path[:_LONGEST]}...",
        "protocol": f"HTTP/{scope['http_version']}",
        "status": status,
        "bytes": size,
        "ms": round(milliseconds, 1),
    }
    _LOGGER.info("%(method)s %(path)s", fields, extra={"event": "request", "fields": fields})
