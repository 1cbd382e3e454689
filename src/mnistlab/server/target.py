"""Target: a request's method and path, in the form that the routes expect."""

import re
from urllib.parse import unquote

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ABSOLUTE = re.compile(rb"https?://([^/]*)", re.IGNORECASE)


def origin_form(scope: Scope) -> Scope:
    """Return a request's scope with the path alone as its target, even if the client sent a whole
    URI such as ``http://localhost/healthz``.

    The URI's host replaces the ``Host`` header (RFC 9112, 3.2.2).
    """
    found = _ABSOLUTE.match(scope.get("raw_path") or b"")
    if not found:
        return scope
    path = scope["raw_path"][found.end() :] or b"/"
    headers = [(name, value) for name, value in scope["headers"] if name != b"host"]
    return {
        **scope,
        "path": unquote(path.decode()),
        "raw_path": path,
        "headers": [*headers, (b"host", found[1])],
    }


class Target:
    """Middleware: answers HEAD like GET without the body, and handles the prefix that a proxy adds
    to all paths.

    Args:
        app: the application.
        prefix: such as ``/digits``, whether the proxy removes it or not; or ``""``.
    """

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app, self._prefix = app, prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        app, path = self._app, scope["path"]
        if self._prefix:
            if path == self._prefix:
                query = scope["query_string"].decode("latin-1")
                app = RedirectResponse(f"{path}/{'?' if query else ''}{query}", 308)
            elif not path.startswith(f"{self._prefix}/"):
                path = self._prefix + path
            scope = {**scope, "path": path, "root_path": self._prefix}
        if scope["method"] != "HEAD":
            await app(scope, receive, send)
            return

        async def send_head(message: Message) -> None:
            await send(
                {**message, "body": b""} if message["type"] == "http.response.body" else message
            )

        await app({**scope, "method": "GET"}, receive, send_head)
