"""Runs the application until a signal ends it."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import FrameType

import uvicorn
from fastapi import FastAPI

from mnistlab.errors import ServerError
from mnistlab.runs import RunFolder
from mnistlab.server.app import create_app
from mnistlab.server.log import configuration
from mnistlab.server.pool import Pool
from mnistlab.server.protocol import ImpatientProtocol, Limits
from mnistlab.server.settings import Settings

_LOGGER = logging.getLogger(__name__)
_FINISHING = 60
"""Seconds that accepted requests have to finish after a signal to end."""
_LOOKING = 0.05
"""Seconds between two checks for such a signal."""
_CONNECTIONS, _BACKLOG = 1000, 250
"""Open connections, and connections accepted at once, if the limit of open files allows it."""


def serve(settings: Settings, on_ready: Callable[[str], None] = lambda _: None) -> None:
    """Serve until SIGINT or SIGTERM, then finish the requests accepted so far. A second SIGINT ends
    the server at once.

    Args:
        settings: of the server. A model that is a run's folder is exported first, by a process of
            its own, since PyTorch is not needed after that.
        on_ready: called with the address, such as ``http://127.0.0.1:8000``, once the server can
            read pictures.

    Raises:
        RunError: a model is a folder without a finished run.
        ServerError: the address cannot be listened on, or the models cannot be exported or loaded.
    """
    with (
        _listen(settings.host, settings.port) as listener,
        tempfile.TemporaryDirectory(prefix="mnistlab-") as place,
    ):
        models = tuple(_export(model, Path(place)) for model in settings.models)
        settings = replace(settings, models=models)
        # uvicorn re-raises the signal that ended it, which has done its work by then.
        before = {
            number: signal.signal(number, _ignore) for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            asyncio.run(_serve(settings, listener, on_ready))
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _export(model: str, place: Path) -> str:
    """Return a model that reader processes can load: of a recipe's run, a file in ``place``."""
    run = Path(model)
    # Not Path's, which raise if a name is too long for a file.
    if not os.path.isdir(run) or os.path.exists(run / "reader.bin"):  # noqa: PTH110, PTH112
        return model
    # What is no finished run need not wait for PyTorch.
    RunFolder(run).read_record()
    file = place / f"{run.resolve().name}.onnx"
    if file.exists():
        raise ServerError(f"two models are called {file.stem}; rename a folder")
    command = [sys.executable, "-P", "-m", "mnistlab", "export", str(run), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["its export ended without a word"]
        raise ServerError(f"{run}: cannot be served: {said[-1].removeprefix('mnistlab: ')}")
    return str(file)


async def _serve(
    settings: Settings, listener: socket.socket, on_ready: Callable[[str], None]
) -> None:
    app = create_app(settings)
    server = uvicorn.Server(_configure(app, settings))
    address = _address(listener) + settings.root_path
    announcing = asyncio.create_task(_announce(app.state.pool, lambda: on_ready(address)))

    def give_up(task: asyncio.Task[None]) -> None:
        server.should_exit = server.should_exit or (
            not task.cancelled() and task.exception() is not None
        )

    announcing.add_done_callback(give_up)
    ending = asyncio.create_task(_await_end(server, app))
    await server.serve(sockets=[listener])
    await ending
    if announcing.cancel():
        with contextlib.suppress(asyncio.CancelledError):
            await announcing
    else:
        announcing.result()
    cut = app.state.tally.cut
    fields = {"answered": app.state.tally.answered, "cut": cut}
    _tell(
        "ended; requests answered: %(answered)d, cut off: %(cut)d",
        fields,
        logging.WARNING if cut else logging.INFO,
    )


async def _announce(pool: Pool, tell: Callable[[], None]) -> None:
    await pool.loaded()
    tell()


async def _await_end(server: uvicorn.Server, app: FastAPI) -> None:
    while not server.should_exit:
        await asyncio.sleep(_LOOKING)
    if app.state.pool.ready:
        _tell("ending; requests under way: %(open)d", {"open": app.state.tally.open})
    app.state.end()


def _tell(message: str, fields: dict[str, int], level: int = logging.INFO) -> None:
    _LOGGER.log(
        level, message, fields, extra={"event": message.partition(";")[0], "fields": fields}
    )


def _configure(app: FastAPI, settings: Settings) -> uvicorn.Config:
    connections = settings.connections or _affordable_connections()
    limits = Limits(connections, settings.idle_seconds, settings.min_rate)
    return uvicorn.Config(
        app,
        http=ImpatientProtocol.within(limits),
        ws="none",
        loop="asyncio",
        lifespan="on",
        log_config=configuration(
            settings.log_format, access=settings.access_log, quiet=settings.quiet
        ),
        access_log=False,
        server_header=False,
        # This many are accepted at once, before any can be closed.
        backlog=min(connections // 4 + 1, _BACKLOG),
        timeout_graceful_shutdown=_FINISHING,
    )


def _affordable_connections() -> int:
    try:
        import resource
    except ImportError:
        return _CONNECTIONS
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _CONNECTIONS if files == resource.RLIM_INFINITY else min(_CONNECTIONS, files // 2)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )[0]
        listener = socket.socket(family, kind, protocol)
        try:
            if hasattr(signal, "SIGHUP"):
                # On Windows this option would let two servers share a port.
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen()
        except OSError:
            listener.close()
            raise
    except (OSError, OverflowError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ServerError(
            f"cannot listen on {host}:{port}: {reason}; choose another with --host or --port"
        ) from error
    return listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _ignore(_number: int, _frame: FrameType | None) -> None:
    pass
