"""Guard: what every response carries, and what becomes of mistakes."""

import logging

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mnistlab.server.refusal import problem

_LOGGER = logging.getLogger(__name__)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_ABSENT = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
}
"""Where the route says nothing itself."""


class Guard:
    """Middleware: adds the security headers; answers 500 where the application fails."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def add(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                for name, value in _ABSENT.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, add)
        except Exception:
            if begun:
                raise
            _LOGGER.exception("the server made a mistake", extra={"event": "mistake"})
            await problem(500, "the server made a mistake; its log says more")(scope, receive, add)
