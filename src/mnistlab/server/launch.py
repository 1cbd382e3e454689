"""Running the application until a signal ends it."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn
from fastapi import FastAPI

from mnistlab.errors import ServerError
from mnistlab.server.app import create_app
from mnistlab.server.pool import Pool
from mnistlab.server.protocol import ImpatientProtocol
from mnistlab.server.settings import Settings

_FINISHING = 60
"""Seconds that accepted requests have to finish, after a signal to end."""


def serve(settings: Settings, on_ready: Callable[[str], None] = lambda _: None) -> None:
    """Serve until SIGINT or SIGTERM; what was accepted until then is finished. A second SIGINT ends it at once.

    Args:
        settings: where, and how.
        on_ready: called with the address, such as ``http://127.0.0.1:8000``, once pictures are read.

    Raises:
        ServerError: the address cannot be listened on, or the models cannot be loaded.
    """
    with _listen(settings.host, settings.port) as listener:
        # uvicorn raises again the signal that ended it; by then it has done its work.
        before = {number: signal.signal(number, _ignore) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            asyncio.run(_serve(settings, listener, on_ready))
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


async def _serve(settings: Settings, listener: socket.socket, on_ready: Callable[[str], None]) -> None:
    app = create_app(settings)
    server = _Server(app.state.pool, _configure(app, settings))
    address = _address(listener)
    announcing = asyncio.create_task(_announce(app.state.pool, lambda: on_ready(address)))
    announcing.add_done_callback(lambda task: server.give_up() if not task.cancelled() and task.exception() else None)
    await server.serve(sockets=[listener])
    if announcing.cancel():
        with contextlib.suppress(asyncio.CancelledError):
            await announcing
    else:
        announcing.result()


class _Server(uvicorn.Server):
    def __init__(self, pool: Pool, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._pool = pool

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._pool.stopping = True
        super().handle_exit(sig, frame)

    def give_up(self) -> None:
        self.should_exit = True


async def _announce(pool: Pool, tell: Callable[[], None]) -> None:
    await pool.loaded()
    tell()


def _configure(app: FastAPI, settings: Settings) -> uvicorn.Config:
    protocol = type("Protocol", (ImpatientProtocol,), {"seconds": settings.body_seconds})
    return uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        loop="asyncio",
        lifespan="on",
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_FINISHING,
    )


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        try:
            if hasattr(signal, "SIGHUP"):
                # Elsewhere the option lets two servers share a port.
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen()
        except OSError:
            listener.close()
            raise
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ServerError(f"cannot listen on {host}:{port}: {reason}; choose another with --host or --port") from error
    return listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _ignore(_number: int, _frame: FrameType | None) -> None:
    pass
