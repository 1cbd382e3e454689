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
from typing import Any, BinaryIO, NamedTuple

from mnistlab.errors import MnistlabError, PictureError, PictureSizeError, ServerError
from mnistlab.server.answer import Problem
from mnistlab.server.classifying import ClassifyingTask
from mnistlab.server.frame import Frame, read_frame
from mnistlab.server.reading import ReadingTask
from mnistlab.server.task import Task
from mnistlab.text import to_json

_MEMORY, _MEMORY_A_PIXEL = 2**30, 64
"""Bytes of address space: for code, models and a small picture; and per pixel of the largest
picture allowed."""
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
    _limit_memory(settings.head["max_pixels"])
    try:
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


def _limit_memory(pixels: int) -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY + _MEMORY_A_PIXEL * pixels, most))


def _load(names: list[str], models: list[str], threshold: float, max_pixels: int) -> _Loaded:
    from mnistlab.recogniser import Recogniser, reads_digits, shipped_models
    from mnistlab.recogniser.network import Network

    shipped = shipped_models()
    recognisers: dict[str, Recogniser] = {}
    networks: dict[str, Network] = {}
    for name, model in zip(names, models, strict=True):
        if model not in shipped and model.lower().endswith(".onnx"):
            networks[name] = one = Network(Path(model))
            if not reads_digits((one.channels, *one.image_size), one.classes):
                continue
        recognisers[name] = Recogniser(model, threshold=threshold, max_pixels=max_pixels)
        networks[name] = recognisers[name].network
    others = {
        name: model for name, model in zip(names, models, strict=True) if name not in recognisers
    }
    if recognisers and others:
        raise ServerError(
            f"one server cannot do both: {next(iter(recognisers))} reads digits,"
            f" {next(iter(others))} classifies pictures; start a second one, on another port"
        )
    known = {
        name: {
            "classes": list(one.classes),
            "shape": [one.channels, *one.image_size],
            "about": one.metadata,
        }
        for name, one in networks.items()
    }
    if recognisers:
        return _Loaded("read", ReadingTask(recognisers), known)
    from mnistlab.classifier import open_classifier

    classifiers = {name: open_classifier(m, threshold=threshold) for name, m in others.items()}
    return _Loaded("classify", ClassifyingTask(classifiers, max_pixels), known)


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
