"""ImpatientProtocol: HTTP/1.1 that does not wait for ever, nor for everybody."""

import asyncio
import json
import socket

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

_CONNECTIONS = 1000
"""Open at a time; further ones are turned away."""
_SURPLUS, _SURPLUS_SECONDS, _LAST_SECONDS = 2**24, 5.0, 1.0
"""Bytes, and time, of a refused body that are still let in, so that a client gets to know that only reads once it has
sent; and time to read the answer for one that sends still more."""
_ASKING = 0.05
"""Seconds from one look whether a client that says no more has left to the next."""
_TURNED_AWAY = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\n"
    b"Content-Length: 54\r\nConnection: close\r\n\r\n"
    b'{"error": "too many connections are open; try again"}\n'
)


class ImpatientProtocol(H11Protocol):
    """uvicorn's, with a limit of time on all that comes before a request is handled and after it is answered.

    Of itself uvicorn waits for a request's head as long as it takes, reads to its end a body that was refused, and does
    not answer a client that has closed its own half of the connection.
    """

    seconds = 30.0
    _deadline: asyncio.TimerHandle | None = None
    _asking: asyncio.TimerHandle | None = None
    _surplus = _SURPLUS
    _half_closed = False

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
        if self._asking is not None:
            self._asking.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Let in what belongs to a request, and little of a body that was refused."""
        if self._is_refused():
            self._surplus -= len(data)
            if self._surplus < 0:
                self.flow.pause_reading()
                self._expect(_LAST_SECONDS)
                return
        else:
            self._surplus = _SURPLUS
        super().data_received(data)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep the connection of a client that has asked all it wants to and waits for the answer."""
        if self.cycle is None or self.cycle.response_complete or self.cycle.more_body:
            return False
        self._half_closed = True
        # Whoever has left says the same. What is sent there comes back as an error, and those who wait overlook it.
        if self.conn.our_state is h11.SEND_RESPONSE and self.conn.their_http_version == b"1.1":
            asked = self.conn.send(h11.InformationalResponse(status_code=100, headers=[], reason="Continue"))
            self.transport.write(asked or b"")
            self._ask()
        return True

    def handle_events(self) -> None:
        """Stop waiting once a request is being handled, whose handler has limits of its own."""
        super().handle_events()
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_expecting()

    def on_response_complete(self) -> None:
        """Begin to wait for the rest of the body, and for the next request."""
        self._expect(min(self.seconds, _SURPLUS_SECONDS) if self._is_refused() else None)
        super().on_response_complete()
        if self._half_closed and (self.cycle is None or self.cycle.response_complete):
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP, in JSON as everything else."""
        content = json.dumps({"error": msg}).encode()
        head = (
            "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(content)}\r\nConnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + content)
        self.transport.close()

    def _is_refused(self) -> bool:
        """Whether the answer was given before the body's end."""
        return self.conn.our_state is h11.DONE and self.conn.their_state is h11.SEND_BODY

    def _ask(self) -> None:
        """End the connection if there is nobody at its other end."""
        if self.transport.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.transport.abort()
        else:
            self._asking = self.loop.call_later(_ASKING, self._ask)

    def _expect(self, seconds: float | None = None) -> None:
        self._stop_expecting()
        self._deadline = self.loop.call_later(seconds or self.seconds, self.transport.close)

    def _stop_expecting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
