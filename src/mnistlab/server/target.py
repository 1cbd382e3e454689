"""Target: a request's method and path, as the routes know them."""

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Target:
    """Middleware: answers HEAD as GET without its body, and leads from a proxy's bare prefix to the page.

    Args:
        app: the application; it knows the prefix as its ``root_path``.
        prefix: of all paths, such as ``/digits``; or ``""``.
    """

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app, self._prefix = app, prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        app = self._app
        if scope["type"] == "http" and self._prefix and scope["path"] == self._prefix:
            query = scope["query_string"].decode("latin-1")
            app = RedirectResponse(f"{self._prefix}/{'?' if query else ''}{query}", 308)
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await app(scope, receive, send)
            return

        async def send_head(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        await app({**scope, "method": "GET"}, receive, send_head)
