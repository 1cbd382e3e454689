"""Gate: requests that are refused whatever they ask."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from mnistlab.server.host import Hosts
from mnistlab.server.refusal import Refusal, refuse
from mnistlab.server.target import origin_form


class Gate:
    """Middleware: refuses what is asked of another host, and bodies whose end is ambiguous.

    Args:
        app: the application.
        hosts: what may be in the ``Host`` header.
    """

    def __init__(self, app: ASGIApp, hosts: Hosts) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] == "http":
            scope = origin_form(scope)
        refusal = self._check(Headers(scope=scope)) if scope["type"] == "http" else None
        await (refuse(refusal, scope) if refusal else self._app)(scope, receive, send)

    def _check(self, headers: Headers) -> Refusal | None:
        if "transfer-encoding" in headers and "content-length" in headers:
            # RFC 9112, 6.3: what follows may be meant as a request by who sent it, and as a body by
            # a proxy.
            return Refusal(
                400,
                "a body has Content-Length or Transfer-Encoding, not both",
                headers={"Connection": "close"},
            )
        host = headers.get("host")
        # Only HTTP/1.0 may do without, which no browser speaks.
        if host is None or host in self._hosts:
            return None
        return Refusal(
            400,
            f"this server is not called {host[:100]!a}; if it is, start it with --allow-host NAME",
        )
