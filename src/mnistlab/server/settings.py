"""Settings: how to serve, fixed when the server starts."""

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from mnistlab.arguments import probability
from mnistlab.errors import ServerError
from mnistlab.runs import available_cores

_MIB = 2**20
_ABOVE_0 = (
    *("workers", "max_body", "max_pixels", "body_seconds", "stall_seconds", "min_rate"),
    *("idle_seconds", "connections", "picture_seconds"),
)
_ORIGIN = re.compile(r"\*|[a-z][a-z0-9+.-]*://[a-z0-9.:\[\]_-]+", re.ASCII)
_PREFIX = re.compile(r"(/(?!\.\.?(/|$))[A-Za-z0-9._~-]+)+", re.ASCII)


@dataclass(frozen=True)
class Settings:
    """How to serve.

    Attributes:
        models: names of shipped models, or paths of ``.onnx`` and ``.bin`` files; the first is the
            default.
            Models of the ten digits read them, any others classify pictures; one server does one
            of the two. :func:`mnistlab.server.launch.serve` takes folders of runs, too.
        host: address to listen on; the default can be reached from this machine only.
        port: 0 takes a free one.
        workers: reader processes; the default is one per core that this process may use.
        queue: requests that may wait while all readers are busy; further ones are refused at once.
            ``None`` is one per reader, so that no request waits longer than one reading takes.
        max_body: largest file of a picture, in bytes.
        max_pixels: largest picture, width times height.
        body_seconds: time limit for a request's body.
        stall_seconds: how long a body may arrive more slowly than ``min_rate``.
        min_rate: bytes per second.
        idle_seconds: time limit for the first or next request on a connection, and for a client
            that stops reading an answer.
        connections: open at a time; for a further one, the one that was silent longest is closed.
            ``None`` is 1,000, or half the files that the process may open.
        picture_seconds: time limit for reading a picture, after which its process is killed.
        threshold: probability from 0 to 1 below which a character or a class is unsure; ``None``
            is 0.9 for characters and 0.5 for classes.
        report: a comparison's ``report.html``, or its folder, shown on a second tab; ``None``
            shows no such tab.
        allow_hosts: further host names that it answers to; see
            :class:`~mnistlab.server.host.Hosts`.
        allow_origins: other sites whose pages may use it, such as ``https://example.org``; ``*`` is
            all.
        root_path: prefix that a reverse proxy puts before all paths, such as ``/digits``, whether
            the proxy removes it or not.
        log_format: ``text``, or ``json`` for one object per line.
        access_log: whether every request is logged.
        quiet: whether to log warnings and errors only.

    Raises:
        ServerError: a value is out of range, there is no model, or two have the same name.
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
    threshold: float | None = None
    report: Path | None = None
    allow_hosts: tuple[str, ...] = ()
    allow_origins: tuple[str, ...] = ()
    root_path: str = ""
    log_format: str = "text"
    access_log: bool = True
    quiet: bool = False

    def __post_init__(self) -> None:
        self._check_models()
        self._check_numbers()
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
        if self.log_format not in ("text", "json"):
            raise ServerError(f"log_format is {self.log_format!a}; it must be text or json")

    def _check_models(self) -> None:
        if not self.models:
            raise ServerError("there is no model to read with; name one")
        for name, times in Counter(self.names).items():
            if times > 1:
                raise ServerError(f"two models are called {name}; rename a file")

    def _check_numbers(self) -> None:
        for key in _ABOVE_0:
            if (value := getattr(self, key)) is not None and value <= 0:
                raise ServerError(f"{key} is {value}; it must be above 0")
        if self.queue is not None and self.queue < 0:
            raise ServerError(f"queue is {self.queue}; it must be at least 0")
        if self.threshold is not None:
            probability("threshold", self.threshold, ServerError)

    @property
    def names(self) -> tuple[str, ...]:
        """What requests call the models: a shipped one's name, a file's without its ending."""
        return tuple(
            Path(model).stem if model.endswith((".onnx", ".bin")) else model
            for model in self.models
        )

    @property
    def places(self) -> int:
        """How many requests may wait."""
        return self.workers if self.queue is None else self.queue
