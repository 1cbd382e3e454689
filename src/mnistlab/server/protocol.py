"""ImpatientProtocol: HTTP/1.1 that does not wait for ever, nor for everybody."""

import asyncio
import json

from uvicorn.protocols.http.h11_impl import H11Protocol

_CONNECTIONS = 1000
"""Open at a time; further ones are turned away."""
_TURNED_AWAY = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\n"
    b"Content-Length: 54\r\nConnection: close\r\n\r\n"
    b'{"error": "too many connections are open; try again"}\n'
)


class ImpatientProtocol(H11Protocol):
    """uvicorn's, with a limit of time on all that comes before a request is handled and after it is answered.

    Of itself uvicorn waits for a request's head as long as it takes, and reads to its end a body that was refused.
    """

    seconds = 30.0
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        if len(self.connections) > _CONNECTIONS:
            transport.write(_TURNED_AWAY)
            transport.close()
            return
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_expecting()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Stop waiting once a request is being handled, whose handler has limits of its own."""
        super().handle_events()
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_expecting()

    def on_response_complete(self) -> None:
        """Begin to wait for the rest of the body, and for the next request."""
        self._expect()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP, in JSON as everything else."""
        content = json.dumps({"error": msg}).encode()
        head = (
            "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(content)}\r\nConnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + content)
        self.transport.close()

    def _expect(self) -> None:
        self._stop_expecting()
        self._deadline = self.loop.call_later(self.seconds, self.transport.close)

    def _stop_expecting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
