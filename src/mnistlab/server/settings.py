"""Settings: what the server is told once, at its start."""

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from mnistlab.errors import ServerError
from mnistlab.runs import available_cores

_MIB = 2**20
_ABOVE_0 = (
    *(
        "workers",
        "max_body",
        "max_pixels",
        "body_seconds",
        "stall_seconds",
        "min_rate",
        "idle_seconds",
    ),
    *("connections", "picture_seconds"),
)
_ORIGIN = re.compile(r"\*|[a-z][a-z0-9+.-]*://[a-z0-9.:\[\]_-]+", re.ASCII)
_PREFIX = re.compile(r"(/(?!\.\.?(/|$))[A-Za-z0-9._~-]+)+", re.ASCII)


@dataclass(frozen=True)
class Settings:
    """How to serve.

    Attributes:
        models: names of shipped models, or paths of ``.onnx`` files; the first reads where a
            request names none.
        host: address to listen on; the default is reached from this machine alone.
        port: 0 takes a free one.
        workers: reader processes; the default is one a core that this process may use.
        queue: requests that may wait while all readers are busy; more are refused at once. ``None``
            is one a reader: whoever is let in then waits no longer than one reading takes, however
            many ask.
        max_body: bytes of a picture's file.
        max_pixels: of a picture, width times height.
        body_seconds: from a request's head to its body's end.
        stall_seconds: for which a body may arrive at less than ``min_rate``.
        min_rate: bytes a second.
        idle_seconds: for a connection's first request to come, or the next one; for a client to
            read on in an answer.
        connections: open at a time; for a further one, the one that is silent longest is closed.
            ``None`` is 1,000, or half the files that the process may open.
        picture_seconds: of reading, after which the picture is given up and its process killed.
        threshold: probability from 0 to 1 below which a digit is called unsure.
        report: a comparison's ``report.html``, or its folder, shown on a second tab; ``None`` is no
            such tab.
        allow_hosts: names, beside its own, by which it is asked; see
            :class:`~mnistlab.server.host.Hosts`.
        allow_origins: of pages on other sites that may ask it and read the answers, such as
            ``https://example.org``; ``*`` is all.
        root_path: the prefix that a reverse proxy puts before all paths, such as ``/digits``,
            whether it takes it off or not.
        log_format: ``text``, or ``json``: an object a line.
        access_log: whether every request has its line in the log.
        quiet: whether only trouble is told.

    Raises:
        ServerError: a value out of its range, no model, or two models of one name.
    """

    models: tuple[str, ...] = ("reader", "lenet5", "custom_mlp")
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = field(default_factory=available_cores)
    queue: int | None = None
    max_body: int = 8 * _MIB
    max_pixels: int = 16_000_000
    body_seconds: float = 30.0
    stall_seconds: float = 5.0
    min_rate: int = 4096
    idle_seconds: float = 10.0
    connections: int | None = None
    picture_seconds: float = 10.0
    threshold: float = 0.5
    report: Path | None = None
    allow_hosts: tuple[str, ...] = ()
    allow_origins: tuple[str, ...] = ()
    root_path: str = ""
    log_format: str = "text"
    access_log: bool = True
    quiet: bool = False

    def __post_init__(self) -> None:
        if not self.models:
            raise ServerError("no model to read with: name one")
        for name, times in Counter(self.names).items():
            if times > 1:
                raise ServerError(f"two models are called {name}: rename a file")
        for key in _ABOVE_0:
            if (value := getattr(self, key)) is not None and value <= 0:
                raise ServerError(f"{key} is {value}; it must be above 0")
        if self.queue is not None and self.queue < 0:
            raise ServerError(f"queue is {self.queue}; it must not be below 0")
        if not 0 <= self.threshold <= 1:
            raise ServerError(f"threshold is {self.threshold}; it is a probability, from 0 to 1")
        self._check_addresses()
        if self.log_format not in ("text", "json"):
            raise ServerError(f"log_format is {self.log_format!a}; it is text or json")

    def _check_addresses(self) -> None:
        for origin in self.allow_origins:
            if not _ORIGIN.fullmatch(origin):
                raise ServerError(
                    f"{origin!a} is not an origin: https://example.org, http://localhost:3000 or"
                    " * is"
                )
        if self.root_path and not _PREFIX.fullmatch(self.root_path):
            raise ServerError(
                f"{self.root_path!a} is not a prefix of paths: /digits is, without a / at its end"
            )

    @property
    def names(self) -> tuple[str, ...]:
        """What requests call the models: a shipped one's name, a file's without its ending."""
        return tuple(
            Path(model).stem if model.endswith(".onnx") else model for model in self.models
        )

    @property
    def places(self) -> int:
        """How many requests may wait."""
        return self.workers if self.queue is None else self.queue
