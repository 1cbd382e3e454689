"""Settings: what the server is told once, at its start."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from mnistlab.errors import ServerError
from mnistlab.runs import available_cores

_MIB = 2**20


@dataclass(frozen=True)
class Settings:
    """How to serve.

    Attributes:
        models: names of shipped models, or paths of ``.onnx`` files; the first reads where a request names none.
        host: address to listen on; the default is reached from this machine alone.
        port: 0 takes a free one.
        workers: reader processes; the default is one a core that this process may use.
        queue: requests that may wait while all readers are busy; more are refused at once. ``None`` is one a reader:
            whoever is let in then waits no longer than one reading takes, however many ask.
        max_body: bytes of a picture's file.
        max_pixels: of a picture, width times height.
        body_seconds: from a request's head to its body's end; also for the head itself.
        picture_seconds: of reading, after which the picture is given up and its process killed.
        reject: probability from 0 to 1 below which a digit is called unsure.
        report: a comparison's ``report.html``, or its folder, shown on a second tab; ``None`` is no such tab.

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
    picture_seconds: float = 10.0
    reject: float = 0.5
    report: Path | None = None

    def __post_init__(self) -> None:
        if not self.models:
            raise ServerError("no model to read with: name one")
        for name, times in Counter(self.names).items():
            if times > 1:
                raise ServerError(f"two models are called {name}: rename a file")
        for key in ("workers", "max_body", "max_pixels", "body_seconds", "picture_seconds"):
            if getattr(self, key) <= 0:
                raise ServerError(f"{key} is {getattr(self, key)}; it must be above 0")
        if self.queue is not None and self.queue < 0:
            raise ServerError(f"queue is {self.queue}; it must not be below 0")
        if not 0 <= self.reject <= 1:
            raise ServerError(f"reject is {self.reject}; it is a probability, from 0 to 1")

    @property
    def names(self) -> tuple[str, ...]:
        """What requests call the models: a shipped one's name, a file's without its ending."""
        return tuple(Path(model).stem if model.endswith(".onnx") else model for model in self.models)

    @property
    def places(self) -> int:
        """How many requests may wait."""
        return self.workers if self.queue is None else self.queue
