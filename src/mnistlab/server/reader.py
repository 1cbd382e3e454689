"""The reader process: loads the models, then reads one picture after another. Its standard input
and output connect it to the server.

It ends when its input does, busy or not, so it never outlives the server. Signals from the terminal
do not end it, so that accepted requests are still answered.
"""

import contextlib
import os
import queue
import signal
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from mnistlab.characters import CHARACTERS
from mnistlab.errors import (
    MnistlabError,
    OtherClassesError,
    PictureError,
    PictureSizeError,
    ServerError,
)
from mnistlab.server.answer import Problem
from mnistlab.server.classifying import ClassifyingTask
from mnistlab.server.frame import Frame, read_frame
from mnistlab.server.reading import ReadingTask
from mnistlab.server.task import Task
from mnistlab.text import to_json

if TYPE_CHECKING:
    from mnistlab.recogniser import Recogniser
    from mnistlab.recogniser.network import Network

_MEMORY, _MEMORY_A_PIXEL = 2**30, 64
"""Bytes of address space: for code, models and a small picture; and per pixel of the largest
picture allowed. A core takes addresses of its own besides."""
_GRACE = 2.0
"""Seconds beyond the time limit after which the process ends itself, should the server not have
killed it."""


class _Loaded(NamedTuple):
    """The models: what they do, what does it, and what is known about each, by name."""

    task: Task
    work: ReadingTask | ClassifyingTask
    models: dict[str, dict[str, Any]]


def main() -> None:
    """Run until standard input ends."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    # What a library prints must not mix with the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    # Not sys.stdin, for which the interpreter would wait at its end.
    incoming = os.fdopen(os.dup(0), "rb")
    settings = read_frame(incoming)
    if settings is None:
        return
    orders: queue.SimpleQueue[Frame] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(incoming, orders), daemon=True).start()
    try:
        _limit_memory(settings.head["max_pixels"], len(settings.head["models"]))
        loaded = _load(**settings.head)
    except ModuleNotFoundError as error:
        _send(
            answers, Frame({"failed": f"reading needs {error.name}: pip install 'mnistlab[serve]'"})
        )
        return
    except MnistlabError as error:
        _send(answers, Frame({"failed": str(error)}))
        return
    _send(answers, Frame({"task": loaded.task, "models": loaded.models}))
    while True:
        order = orders.get()
        with _time_limit(order.head["seconds"] + _GRACE):
            answer = _answer(order, loaded.work)
        _send(answers, answer)


def _listen(stream: BinaryIO, orders: "queue.SimpleQueue[Frame]") -> None:
    while frame := read_frame(stream):
        orders.put(frame)
    os._exit(0)


def _send(stream: BinaryIO, frame: Frame) -> None:
    stream.write(frame.pack())
    stream.flush()


def _limit_memory(pixels: int, cores: int) -> None:
    from mnistlab.recogniser.engine import ADDRESSES

    most = _MEMORY + _MEMORY_A_PIXEL * pixels + ADDRESSES * cores
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))


def _load(names: list[str], models: list[str], threshold: float | None, max_pixels: int) -> _Loaded:
    from mnistlab.recogniser import Recogniser

    given: dict[str, Any] = {} if threshold is None else {"threshold": threshold}
    recognisers: dict[str, Recogniser] = {}
    others: dict[str, str] = {}
    for name, model in zip(names, models, strict=True):
        first = next(iter(recognisers.values()), None)
        try:
            recognisers[name] = Recogniser(model, max_pixels=max_pixels, beside=first, **given)
        except OtherClassesError:
            others[name] = model
    if recognisers and others:
        raise ServerError(
            f"one server cannot do both: {next(iter(recognisers))} reads digits,"
            f" {next(iter(others))} classifies pictures; start a second one, on another port"
        )
    if recognisers:
        read = {name: _describe_recogniser(one) for name, one in recognisers.items()}
        return _Loaded("read", ReadingTask(recognisers), read)
    from mnistlab.classifier import open_classifier
    from mnistlab.recogniser.network import Network

    known = {name: _describe_network(Network(Path(model))) for name, model in others.items()}
    classifiers = {name: open_classifier(model, **given) for name, model in others.items()}
    return _Loaded("classify", ClassifyingTask(classifiers, max_pixels), known)


def _describe_recogniser(one: "Recogniser") -> dict[str, Any]:
    if one.network is not None:
        return _describe_network(one.network)
    return {"classes": [*CHARACTERS, "other"], "shape": [], "about": one.about}


def _describe_network(one: "Network") -> dict[str, Any]:
    shape = [one.channels, *one.image_size]
    return {"classes": list(one.classes), "shape": shape, "about": one.metadata}


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    # The kernel's signal ends the process: a Python handler would wait for compiled code to return.
    if not hasattr(signal, "setitimer"):
        yield
        return
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _answer(order: Frame, work: ReadingTask | ClassifyingTask) -> Frame:
    """Return status, seconds of work, and the response's JSON."""
    start = time.perf_counter()
    try:
        answer = work.answer(order.body, order.head)
        # Unset are the images that nobody asked for.
        content = to_json(answer.model_dump(exclude_unset=True), indent=None).encode()
        status = 200
    except PictureError as error:
        status = 413 if isinstance(error, PictureSizeError) else 422
        content = Problem.body(str(error))
    except MemoryError:
        status, content = 422, Problem.body("the picture needs more memory than is allowed")
    except Exception:
        traceback.print_exc()
        status, content = 422, Problem.body("the picture cannot be read")
    seconds = time.perf_counter() - start
    return Frame({"status": status, "seconds": seconds}, content)


if __name__ == "__main__":
    main()
