"""CORS: requests from pages of other sites, which an option may allow."""

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from mnistlab.server.refusal import problem


class Origins(CORSMiddleware):
    """Middleware: Starlette's, but preflights are left to :class:`Preflights` behind the gate."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] == "http":
            await self.simple_response(scope, receive, send, request_headers=Headers(scope=scope))
        else:
            await self.app(scope, receive, send)


class Preflights(CORSMiddleware):
    """Middleware: answers only preflights, and refuses them in JSON; its arguments are those of
    :class:`Origins`.
    """

    def preflight_response(self, request_headers: Headers) -> Response:
        """Return the answer."""
        answer = super().preflight_response(request_headers)
        if answer.status_code < 400:
            return answer
        kept = {
            name: value for name, value in answer.headers.items() if not name.startswith("content-")
        }
        fault = bytes(answer.body).decode().removeprefix("Disallowed CORS ")
        return problem(
            400, f"pages of other sites may not ask so (CORS): {fault}; see --allow-origin", kept
        )

    async def simple_response(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        request_headers: Headers,  # noqa: ARG002
    ) -> None:
        """Pass on all other requests."""
        await self.app(scope, receive, send)
