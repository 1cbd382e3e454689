"""ImpatientProtocol: HTTP/1.1 that does not wait for ever, nor for everybody."""

import asyncio
import logging
from typing import NamedTuple

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from mnistlab.server.answer import Problem

_LOGGER = logging.getLogger(__name__)
_LAST_SECONDS = 3.0
"""For a client to read on, once its connection is being closed."""
_LOOKS = 5
"""Times within the patience that a connection is looked at."""


class Limits(NamedTuple):
    """What connections may cost.

    Attributes:
        connections: open at a time; for a further one, the one that has been silent longest is
            closed.
        seconds: in which a request's head is there, and a client reads on in an answer.
        rate: bytes a second at which answers are read, once they no longer fit the system's
            buffers.
    """

    connections: int = 1000
    seconds: float = 10.0
    rate: int = 4096


class ImpatientProtocol(H11Protocol):
    """uvicorn's, with limits for clients of whom no request is being handled, which uvicorn
    lacks.
    """

    limits = Limits()
    _evicted = False

    @classmethod
    def within(cls, limits: Limits) -> type["ImpatientProtocol"]:
        """Return the class with limits of its own."""
        return type(cls.__name__, (cls,), {"limits": limits})

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request; make room if there are too many connections."""
        super().connection_made(transport)
        self._heard = self._progress = self.loop.time()
        self._unread, self._seen = 0, self.cycle
        self._make_room()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._next_look.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Note that the client says something."""
        self._heard = self.loop.time()
        super().data_received(data)

    def _should_upgrade(self) -> bool:
        """Pass over every ``Upgrade``, as a server may (RFC 9110, 7.8), without uvicorn's advice to
        install one.
        """
        return False

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP, in JSON as everything else; uvicorn fails if there has been an
        answer.
        """
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            content = Problem.body(msg)
            head = (
                "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(content)}\r\nConnection: close\r\n\r\n"
            )
            self.transport.write(head.encode() + content)
        self.transport.close()

    @property
    def _handled(self) -> bool:
        """Whether there is a request without an answer."""
        return self.cycle is not None and not self.cycle.response_complete

    def _look(self) -> None:
        """Close the connection if nothing has moved for too long."""
        now, pause = self.loop.time(), self.limits.seconds / _LOOKS
        unread = self.transport.get_write_buffer_size()
        reads_on = self._unread - unread >= self.limits.rate * pause
        # A request that is being handled has limits of its own.
        if reads_on or self.cycle is not self._seen or (self._handled and not unread):
            self._progress = now
        self._unread, self._seen = unread, self.cycle
        patience = (
            min(self.limits.seconds, _LAST_SECONDS)
            if self.transport.is_closing()
            else self.limits.seconds
        )
        if now - self._progress >= patience:
            self.transport.abort()
        self._next_look = self.loop.call_later(pause, self._look)

    def _make_room(self) -> None:
        """Close the connection that has been silent longest, among those of which no whole request
        is being handled.
        """
        if len(self.connections) <= self.limits.connections:
            return
        others = [
            one
            for one in self.connections
            if isinstance(one, ImpatientProtocol)
            and one is not self
            and not one._evicted
            and not (one._handled and not one.cycle.more_body)
        ]
        if others:
            silent = min(others, key=lambda one: one._heard)
            silent._evicted = True
            silent.transport.abort()
            _LOGGER.warning(
                "more than %d connections: the one silent longest is closed",
                self.limits.connections,
                extra={"event": "crowded"},
            )
